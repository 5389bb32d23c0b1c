//! The room as an analyst uses it: begin a study, fill it in, read the answer, undo.

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use crate::session::state::{Finding, Study};
use crate::strategy::experiment::decide::Word;
use crate::ui::Room;
use crate::ui::tests::{Bench, harness, shop};

fn studies(h: &Harness<'_, Bench>) -> Vec<crate::session::state::NamedStudy> {
    h.state().desk.session.recipe.as_ref().unwrap().studies.clone()
}

/// Opens the pick list of that name and takes an entry.
fn pick(h: &mut Harness<'_, Bench>, list: &str, entry: &str) {
    h.get_by_role_and_label(egui::accesskit::Role::ComboBox, list).click();
    h.run();
    h.get_all_by_label(entry).last().unwrap().click();
    h.run();
}

#[test]
fn a_test_is_read_as_soon_as_it_is_complete() {
    let (_folder, session) = shop(400);
    let mut h = harness(session, Room::Experiments);
    h.run();
    assert!(h.query_all_by_label("How many people?").count() > 0);
    h.get_by_label("Read a test").click();
    h.run();
    h.get_by_label("Choose the column that says who got what");
    pick(&mut h, "Who got what", "Weekend");
    h.get_by_label("Choose the arm to compare with");
    pick(&mut h, "Compared with", "false");
    h.get_by_label("Choose what shall improve");
    pick(&mut h, "What shall improve", "Revenue");
    h.run();
    let kept = studies(&h);
    let Study::Experiment(asked) = &kept[0].ask else { panic!("{kept:?}") };
    assert_eq!((asked.variant.as_str(), asked.control.as_str(), asked.metrics.len()), ("Weekend", "false", 1));
    let found = h.state().desk.session.finding(&kept[0].ask).cloned().expect("an answer");
    let Finding::Experiment(reading) = &*found else { panic!("{found:?}") };
    // Two of seven days are at the weekend: as a test of halves, that split is broken.
    assert_eq!(reading.decisions[0].word, Word::Unhealthy);
    h.get_by_label("Unhealthy");
    assert!(h.query_all_by_label("May it be believed?").count() > 0);
    // Every step can be taken back, to the first.
    for _ in 0..4 {
        h.state_mut().desk.session.undo();
    }
    h.run();
    assert!(studies(&h).is_empty());
}

#[test]
fn a_budget_is_split_and_its_limits_priced() {
    let (_folder, session) = shop(30);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("Share out a budget").click();
    h.run();
    assert!(h.query_all_by_label("Where the money goes").count() > 0);
    assert!(h.query_all_by_label("What holds it back").count() > 0);
    assert!(h.query_all_by_label_contains("One more unit of the budget").count() == 1);
    h.get_by_label("Add a channel").click();
    h.run();
    let kept = studies(&h);
    let Study::Budget(plan) = &kept[0].ask else { panic!("{kept:?}") };
    assert_eq!(plan.channels.len(), 3);
    h.get_by_label("Remove A").click();
    h.run();
    let Study::Budget(plan) = &studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!(plan.channels.len(), 2);
    h.get_by_label("Remove").click();
    h.run();
    assert!(studies(&h).is_empty());
}
