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

/// A session with this text as its data file.
fn opened(folder: &tempfile::TempDir, name: &str, text: &str) -> crate::session::Session {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mut session = crate::session::Session::new(crate::base::Lang::En);
    session.open_data(&path);
    session
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
    // A condition on several channels begins with what binds nobody, and is kept.
    h.get_by_label_contains("Conditions on several channels").click();
    h.run();
    h.get_by_label("Add a condition").click();
    h.run();
    let Study::Budget(plan) = &studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!((plan.conditions.len(), plan.conditions[0].terms.len(), plan.conditions[0].at_least), (1, 3, Some(0.0)));
    // A channel's new name goes along into its conditions.
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "B").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "B").type_text(" side");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    let Study::Budget(plan) = &studies(&h)[0].ask.clone() else { panic!() };
    let name = plan.channels[1].name.clone();
    assert!(name != "B" && plan.conditions[0].terms.len() == 3 && plan.conditions[0].terms.contains_key(&name), "{plan:?}");
    h.get_by_label("Remove A").click();
    h.run();
    h.run();
    let Study::Budget(plan) = &studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!((plan.channels.len(), plan.conditions[0].terms.len()), (2, 2));
    h.get_by_label("Remove").click();
    h.run();
    assert!(studies(&h).is_empty());
}

#[test]
fn a_log_is_mapped_by_one_click_and_another_policy_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "item_id,click,propensity_score,position\n".to_owned();
    (0..900).for_each(|i| text += &format!("{},{},{},{}\n", ["a", "b", "c"][i % 3], u8::from(i % 5 == 0 || i % 3 == 1), 1.0 / 3.0, i % 2));
    let session = opened(&folder, "log.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("What if shown otherwise?").click();
    h.run();
    h.run();
    assert!(h.query_all_by_label("its name and its values fit").count() >= 3);
    h.get_by_label("Take these columns").click();
    h.run();
    let Study::Policy(asked) = studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!((asked.columns.action.as_str(), asked.columns.reward.as_str()), ("item_id", "click"));
    assert_eq!(asked.columns.propensity.as_deref(), Some("propensity_score"));
    h.run();
    assert!(h.query_all_by_label_contains("Showing everything equally often").count() > 0);
    h.get_by_label("Always the same").click();
    h.run();
    h.run();
    let Study::Policy(asked) = studies(&h)[0].ask.clone() else { panic!() };
    assert!(matches!(&asked.target, crate::strategy::policy::Wanted::Always(a) if ["a", "b", "c"].contains(&a.as_str())), "{asked:?}");
    assert!(h.query_all_by_label_contains("Always showing").count() > 0);
    assert!(h.query_all_by_label("What the log knows of it").count() > 0);
    h.get_by_label("From a file…").click();
    h.run();
    assert!(h.state().asked.iter().any(|a| matches!(a, crate::ui::Action::ChooseTarget(name) if *name == studies(&h)[0].name)));
}

#[test]
fn customers_are_shown_in_pictures_and_a_wrong_day_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "who,day,paid\n".to_owned();
    for i in 0..400 {
        text += &format!("{},2024-{:02}-{:02},{}\n", i * 7 % 60, 1 + i * 11 % 12, 1 + i * 13 % 28, 5 + i % 17);
    }
    let session = opened(&folder, "sales.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("What are customers worth?").click();
    h.run();
    pick(&mut h, "Who", "who");
    pick(&mut h, "When they bought", "day");
    pick(&mut h, "For how much", "paid");
    h.run();
    for title in
        ["Segments", "How recently and how often customers bought", "Where the value to come lies", "Who buys again, month by month"]
    {
        assert!(h.query_all_by_label(title).count() > 0, "{title}");
    }
    // Nothing was held out, so nothing is compared.
    assert_eq!(h.query_all_by_label("What was expected beside what came").count(), 0);
    let mut study = studies(&h)[0].clone();
    let name = study.name.clone();
    let mut until = |h: &mut Harness<'_, Bench>, day: &str| {
        let Study::Customers(asked) = &mut study.ask else { panic!() };
        asked.until = Some(day.to_owned());
        let command = crate::session::state::Command::ReplaceStudy { name: name.clone(), study: study.clone() };
        h.state_mut().desk.session.apply(&command);
        h.run();
        h.run();
    };
    until(&mut h, "2024-09-30");
    assert!(h.query_all_by_label("What was expected beside what came").count() > 0);
    until(&mut h, "soon");
    assert!(h.query_all_by_label_contains("“soon” is no date").count() > 0);
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

#[test]
fn a_study_of_bad_news_takes_that_to_what_if() {
    let folder = tempfile::tempdir().unwrap();
    // A call keeps every second who would have left.
    let mut text = "age,calls,Churn\n".to_owned();
    for i in 0..1_200u32 {
        let called = i * 7 % 13 < 6;
        let leaves = (i * 37 % 101) < if called { 25 } else { 50 };
        text += &format!("{},{},{}\n", 20 + i * 11 % 50, if called { "call" } else { "none" }, u32::from(leaves));
    }
    let session = opened(&folder, "churn.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("Whom does it help?").click();
    h.run();
    pick(&mut h, "Who got what", "calls");
    pick(&mut h, "Compared with", "none");
    pick(&mut h, "What came of it", "Churn");
    h.run();
    h.get_by_label("guessed from its name");
    assert!(h.query_all_by_label_contains("raises the share without “Churn”").count() > 0);
    h.get_by_label("Use in What-if").click();
    h.run();
    let recipe = h.state().desk.session.recipe.clone().unwrap();
    assert_eq!(recipe.simulate.bad_news, ["Churn"]);
    assert!(recipe.scenarios.iter().all(|s| s.tested.as_ref().is_some_and(|t| t.arm == "call")) && !recipe.scenarios.is_empty());
}

#[test]
fn the_calculator_answers_both_ways() {
    use crate::strategy::experiment::plan::Plan;
    let (_folder, session) = shop(30);
    let mut h = harness(session, Room::Experiments);
    h.run();
    assert!(h.query_all_by_label_contains("people in each arm").count() > 0);
    h.get_by_label("Which change for a number of people").click();
    h.run();
    let plan = Plan { baseline: 0.05, sd: None, alpha: 0.05, power: 0.8, arms: 2, per_day: None };
    let found = plan.detectable(1_000).unwrap();
    let said = format!("A change of {} and more", crate::base::numbers::percent(found.relative));
    assert!(h.query_all_by_label(&said).count() > 0, "{said}");
    assert!(h.query_all_by_label_contains("people in each arm").count() == 0);
}

/// Types into the field of that name and leaves it.
fn enter(h: &mut Harness<'_, Bench>, field: &str, text: &str) {
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, field).focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, field).type_text(text);
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
}

#[test]
fn what_is_rarely_asked_of_a_test_has_fields_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "age,region,sent,came,arm,bought\n".to_owned();
    for i in 0..1_200u32 {
        let mailed = i * 7 % 13 < 6;
        let arm = if mailed { "mail" } else { "none" };
        let bought = u32::from((i * 37 % 101) < if mailed { 50 } else { 25 });
        text += &format!("{},{},2024-03-01,2024-03-{:02},{arm},{bought}\n", 20 + i * 11 % 50, 1 + i % 4, 2 + i % 20);
    }
    let session = opened(&folder, "mail.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.set_size(egui::vec2(1280.0, 2400.0));
    h.run();
    h.get_by_label("Whom does it help?").click();
    h.run();
    pick(&mut h, "Who got what", "arm");
    pick(&mut h, "Compared with", "none");
    pick(&mut h, "What came of it", "bought");
    assert!(h.query_all_by_label("Only rows where").next().is_none(), "folded away");
    h.get_by_label("More settings").click();
    h.run();
    let now = |h: &Harness<'_, Bench>| match studies(h)[0].ask.clone() {
        Study::Uplift(asked) => asked,
        other => panic!("{other:?}"),
    };
    enter(&mut h, "Only rows where", "age >= 30");
    assert_eq!(now(&h).filter.as_deref(), Some("age >= 30"));
    h.run();
    assert!(h.query_all_by_label_contains("Only rows where age >= 30 are in the study").count() > 0);
    pick(&mut h, "Also show by", "region");
    h.key_press(egui::Key::Escape);
    h.run();
    assert_eq!(now(&h).by, ["region"]);
    pick(&mut h, "Numbers that are codes", "region");
    h.key_press(egui::Key::Escape);
    h.run();
    assert_eq!(now(&h).categorical, ["region"]);
    // One moment alone is a question that is not complete, and says so.
    pick(&mut h, "When it was done", "sent");
    h.get_by_label("Choose both moments, when it was done and when the outcome happened, or neither");
    pick(&mut h, "When the outcome happened", "came");
    let times = now(&h).times;
    assert_eq!((times.treated.as_str(), times.outcome.as_str()), ("sent", "came"));
    enter(&mut h, "Planned share of mail", "6");
    h.get_by_label("Enter a share for every arm, or for none");
    enter(&mut h, "Planned share of none", "7");
    assert_eq!((now(&h).ratio["mail"], now(&h).ratio["none"]), (6.0, 7.0));
    h.get_by_label("Every n-th row").click();
    h.run();
    assert_eq!(now(&h).split, Some(crate::data::Split::Modulo { of: 10, test_from: 7 }));
    h.get_by_label("By time").click();
    h.run();
    h.get_by_label("Choose at least one column");
    h.get_by_label("Random").click();
    h.run();
    assert_eq!(now(&h).split, None, "the usual one is not written down");
    h.run();
    let found = h.state().desk.session.finding(&studies(&h)[0].ask).cloned().expect("an answer");
    let Finding::Uplift(r) = &*found else { panic!("{found:?}") };
    assert_eq!(r.arms[0].groups.len(), 4);
    // Edits of one study that follow each other are taken back together, as everywhere, and come again together.
    let after = now(&h);
    h.state_mut().desk.session.undo();
    assert_eq!(now(&h), crate::strategy::study::UpliftAsked::default());
    h.state_mut().desk.session.redo();
    assert_eq!(now(&h), after);
}

#[test]
fn a_list_of_customers_is_read_in_the_unit_that_it_is_written_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "who,again,last,known\n".to_owned();
    for i in 0..300u32 {
        let (again, known) = (i * 7 % 6, 10 + i * 13 % 20);
        text += &format!("{i},{again},{},{known}\n", if again == 0 { 0 } else { known - i * 3 % 10 });
    }
    let session = opened(&folder, "list.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("What are customers worth?").click();
    h.run();
    h.get_by_label("a customer").click();
    h.run();
    assert!(h.query_all_by_label("When they bought").next().is_none());
    h.get_by_label_contains("Choose the three columns of a customer");
    pick(&mut h, "Repeat purchases", "again");
    pick(&mut h, "Time of the last purchase", "last");
    pick(&mut h, "Known for", "known");
    h.get_by_label("month").click();
    h.run();
    h.run();
    let Study::Customers(asked) = studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!((asked.summary.join(","), asked.unit), ("again,last,known".to_owned(), crate::strategy::customers::Unit::Month));
    let found = h.state().desk.session.finding(&studies(&h)[0].ask).cloned().expect("an answer");
    let Finding::Customers(v) = &*found else { panic!("{found:?}") };
    assert_eq!((v.customers, v.settings.horizon), (300, 12.0));
    assert!(h.query_all_by_label("Segments").next().is_some());
    h.get_by_label("a purchase").click();
    h.run();
    let Study::Customers(asked) = studies(&h)[0].ask.clone() else { panic!() };
    assert!(asked.summary.is_empty());
    // Edits of one study that follow each other are taken back together, as everywhere.
    h.state_mut().desk.session.undo();
    let Study::Customers(asked) = studies(&h)[0].ask.clone() else { panic!() };
    assert_eq!(asked, crate::strategy::study::CustomersAsked::default());
}

#[test]
fn what_predicts_rewards_is_chosen_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "item_id,click,propensity_score,age\n".to_owned();
    (0..900).for_each(|i| {
        text += &format!("{},{},{},{}\n", ["a", "b", "c"][i % 3], u8::from(i % 5 == 0 || i % 3 == 1), 1.0 / 3.0, i * 17 % 60);
    });
    let session = opened(&folder, "log.csv", &text);
    let mut h = harness(session, Room::Experiments);
    h.run();
    h.get_by_label("What if shown otherwise?").click();
    h.run();
    pick(&mut h, "What was shown", "item_id");
    pick(&mut h, "Whether it was rewarded", "click");
    let now = |h: &Harness<'_, Bench>| match studies(h)[0].ask.clone() {
        Study::Policy(asked) => asked,
        other => panic!("{other:?}"),
    };
    h.get_by_label("More settings").click();
    h.run();
    h.get_by_label(crate::base::tr(crate::base::Lang::En, crate::strategy::words::base(crate::strategy::causal::Base::Gbdt))).click();
    h.run();
    assert_eq!(now(&h).model, crate::strategy::causal::Base::Gbdt);
    h.state_mut().desk.session.undo();
    assert_eq!(now(&h).model, crate::strategy::causal::Base::Logistic);
}
