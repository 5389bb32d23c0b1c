//! The leak scan in the room: find, click, check.

use egui_kittest::kittest::Queryable as _;

use crate::data::{LeverType, Role};
use crate::session::state::{Ask, Status};
use crate::ui::Room;
use crate::ui::tests::{harness, shop};

#[test]
fn the_scan_runs_on_a_click_and_its_proposals_are_taken_and_undone() {
    // A file whose last feature is the outcome in other words.
    let (folder, mut session) = shop(400);
    let path = folder.path().join("shop.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = |(i, l): (usize, &str)| match (i, l.ends_with("TRUE")) {
        (0, _) => format!("paid,{l}\n"),
        (i, yes) => format!("{}.{},{l}\n", if yes { 7 } else { 1 }, i % 10),
    };
    std::fs::write(&path, text.lines().enumerate().map(more).collect::<String>()).unwrap();
    session.open_data(&path);
    let mut h = harness(session, Room::Data);
    h.run();
    h.get_by_label("Leaks and levers").click();
    h.run();
    assert_eq!(h.state().desk.session.status(&Ask::Scan), Status::Empty, "nothing is computed before it is asked for");
    h.get_by_label("Scan for leaks").click();
    h.run();
    assert_eq!(h.state().desk.session.status(&Ask::Scan), Status::Ready);
    let kind =
        |h: &egui_kittest::Harness<'_, crate::ui::tests::Bench>, c: &str| h.state().desk.session.roles.as_ref().unwrap().lever_type(c);
    h.get_by_label("Gives the outcome away");
    h.get_by_label("Use “Outcome proxy” for paid").click();
    h.run();
    assert_eq!((kind(&h, "paid"), kind(&h, "Month")), (Some(LeverType::Proxy), None));
    assert_eq!(h.state().desk.session.status(&Ask::Scan), Status::Ready, "taking a proposal makes no finding old");
    h.get_by_label("Use all proposals (3)").click();
    h.run();
    assert_eq!((kind(&h, "paid"), kind(&h, "Month")), (Some(LeverType::Proxy), Some(LeverType::Context)));
    h.state_mut().desk.session.undo();
    h.run();
    assert_eq!((kind(&h, "paid"), kind(&h, "Month")), (Some(LeverType::Proxy), None), "all proposals are one step");
    // A changed role makes it old; nothing is scanned again by itself.
    h.get_by_label("Use “Context” for Month").click();
    h.run();
    assert!(h.query_by_label("Use “Context” for Month").is_none());
    h.state_mut().desk.session.apply(&crate::session::state::Command::SetRole { column: "paid".into(), role: Role::Ignore });
    h.run();
    assert_eq!(h.state().desk.session.status(&Ask::Scan), Status::Stale);
    h.get_by_label("Scan again").click();
    h.run();
    let scan = h.state().desk.session.scan.as_ref().unwrap().value.clone();
    assert!(scan.columns.iter().find(|c| c.column == "paid").unwrap().alone.is_none(), "what is left out is not asked");
}
