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

#[test]
fn a_trial_is_seen_growing_and_keeps_what_it_had_when_stopped() {
    use crate::base::progress::Preview;
    use crate::session::state::{Ask, Command, NamedStudy, Status};
    use crate::session::task::Progress;
    use crate::strategy::bandit::{Asked, Live, Policy, Trial};
    let (_folder, session) = shop(200);
    let mut h = harness(session, Room::Experiments);
    h.run();
    let log = Asked { action: "Month".into(), reward: "Revenue".into(), context: vec!["Weekend".into()], ..Asked::default() };
    let ask = Study::Bandit(Trial { log, ..Trial::default() });
    let session = &mut h.state_mut().desk.session;
    session.apply(&Command::AddStudy(NamedStudy { name: "Trial".into(), ask: ask.clone() }));
    // The job that would answer is held up half-way.
    let wanted = Ask::Study(Box::new(ask));
    session.want(wanted.clone());
    let task = session.next_tasks().into_iter().find(|t| t.ask == wanted).expect("a task");
    let live = Live { curves: vec![(Policy::Uniform, vec![5.0, 9.0]), (Policy::Ucb, vec![4.0, 6.0])], runs: (20, 40) };
    let preview = Some(Preview(std::sync::Arc::new(live)));
    session.progress.insert(task.id, Progress { stage: "bandit.stage_run", done: 2, total: 50, preview, ..Progress::default() });
    h.run();
    h.get_by_label("Trial").click();
    h.run();
    assert!(h.query_all_by_label_contains("So far: 400 of 10,000 rounds, mean of 20 of 40 runs").next().is_some());
    h.get_by_label("Stop").click();
    h.run();
    let session = &mut h.state_mut().desk.session;
    assert!(task.token.is_cancelled());
    session.finish(task.id, Err(crate::base::Fault::cancelled()));
    h.run();
    // It does not begin anew by itself, and what there was stays.
    let session = &h.state().desk.session;
    assert!(matches!(session.status(&wanted), Status::Failed(_)) && session.job(&wanted).is_none());
    assert!(h.query_all_by_label_contains("Stopped: this is how far it came, 400 of 10,000 rounds").next().is_some());
    h.get_by_label("Try again");
}
