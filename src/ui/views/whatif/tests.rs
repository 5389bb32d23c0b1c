//! The room by its labels, on results with known numbers: find, act, check.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::base::{Lang, numbers};
use crate::ml::ModelKind;
use crate::session::Session;
use crate::session::state::{Kept, Key};
use crate::strategy::scenario::Setting;
use crate::strategy::{Lever, LeverStatus};
use crate::ui::views::why::tests::{Room1, explained, room};
use crate::ui::widgets::scenario_card::tests::simulation;

const SIZE: [f32; 2] = [900.0, 1800.0];

fn lever(column: &str, feature: usize, status: LeverStatus) -> Lever {
    let reason = (status != LeverStatus::Free).then(|| crate::note!("why.proxy_help"));
    Lever { column: column.into(), feature, status, reason, drop: None }
}

/// Levers: a free number, a locked number, a free category; results of one scenario “Push”.
fn open(money: bool) -> (tempfile::TempDir, Session) {
    let (folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let levers = vec![
        lever("feature_0", 0, LeverStatus::Free),
        lever("feature_1", 1, LeverStatus::Locked),
        lever("feature_2", 2, LeverStatus::Free),
    ];
    session.recipe.as_mut().unwrap().roles.lever = ["feature_0", "feature_1", "feature_2"].map(str::to_owned).to_vec();
    session.levers.insert("trees".into(), Kept { value: Arc::new(levers), key: Key::default() });
    session.simulations.insert("trees".into(), Kept { value: Arc::new(simulation(money)), key: Key::default() });
    (folder, session)
}

fn draft(h: &Harness<'_, Room1<WhatIfView>>) -> Option<Scenario> {
    h.state().desk.session.draft.clone()
}

#[test]
fn moving_a_lever_makes_a_draft() {
    let (_folder, session) = open(false);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    let slider = h.get_by_role_and_label(egui::accesskit::Role::Slider, "feature_0").rect();
    // The middle of the range.
    h.drag_at(slider.left_center() + egui::vec2(20.0, 0.0));
    h.step();
    h.hover_at(slider.center());
    h.step();
    h.drop_at(slider.center());
    h.run();
    let made = draft(&h).expect("a draft");
    let Some(Setting::Number(x)) = made.set.get("feature_0") else { panic!("{made:?}") };
    assert!((*x - 5.0).abs() < 0.5, "{x}");
    assert_eq!((made.row, made.segment.as_deref()), (None, None), "everybody");
    h.get_by_label("Leave feature_0 as it is").click();
    h.run();
    assert!(draft(&h).is_some_and(|d| d.set.is_empty()));
}

#[test]
fn a_result_that_appears_does_not_take_the_slider_away() {
    let (_folder, mut session) = open(false);
    let mut answer = simulation(false);
    (answer.scenarios[1].name, answer.differences[0].name) = ("Scenario 1".into(), "Scenario 1".into());
    session.simulations.insert("trees".into(), Kept { value: Arc::new(answer), key: Key::default() });
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    let slider = h.get_by_role_and_label(egui::accesskit::Role::Slider, "feature_0").rect();
    let at = |share: f32| egui::pos2(slider.left() + 12.0 + share * (slider.width() - 24.0), slider.center().y);
    h.drag_at(at(0.1));
    h.step();
    for share in [0.2, 0.4, 0.6, 0.9] {
        h.hover_at(at(share));
        h.step();
    }
    h.get_by_label("15.5 % → 18.0 %");
    h.drop_at(at(0.9));
    h.run();
    let Some(Setting::Number(x)) = draft(&h).and_then(|d| d.set.get("feature_0").cloned()) else { panic!("no draft") };
    assert!((x - 9.0).abs() < 0.3, "{x}");
}

#[test]
fn a_proxy_is_locked_until_overridden() {
    let (_folder, session) = open(false);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("Locked: outcome proxy");
    let slider = |h: &Harness<'_, Room1<WhatIfView>>| h.get_by_role_and_label(egui::accesskit::Role::Slider, "feature_1").rect().center();
    let at = slider(&h);
    h.drag_at(at);
    h.step();
    h.drop_at(at);
    h.run();
    assert!(draft(&h).is_none_or(|d| d.set.is_empty()), "a locked lever does not move");
    h.get_by_label("Move feature_1 anyway").click();
    h.run();
    assert_eq!(draft(&h).map(|d| d.overridden), Some(vec!["feature_1".to_owned()]));
    let at = slider(&h);
    h.drag_at(at);
    h.step();
    h.drop_at(at);
    h.run();
    assert!(draft(&h).is_some_and(|d| d.set.contains_key("feature_1")));
    h.get_by_label("Move feature_1 anyway").click();
    h.run();
    assert!(draft(&h).is_some_and(|d| d.set.is_empty() && d.overridden.is_empty()), "locking takes the move back");
}

#[test]
fn levels_are_picked_from_a_list() {
    let (_folder, session) = open(false);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::ComboBox, "feature_2").click();
    h.run();
    h.get_by_label("Yes").click();
    h.run();
    assert_eq!(draft(&h).and_then(|d| d.set.get("feature_2").cloned()), Some(Setting::Text("Yes".into())));
}

#[test]
fn one_row_of_the_shared_selection() {
    let (_folder, mut session) = open(false);
    session.selection.row = Some(7);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("Row 8").click();
    h.run();
    assert_eq!(draft(&h).and_then(|d| d.row), Some(7));
}

#[test]
fn money_is_the_analysts_assumption() {
    let (_folder, session) = open(false);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("Enter a value or a cost to see revenue, cost, profit and ROI");
    assert!(h.query_all_by_label_contains("Revenue:").next().is_none());
    for (text, expected) in [("x", None), ("40", Some(40.0))] {
        h.get_by_label("Value per conversion").focus();
        h.run();
        h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Value per conversion").type_text(text);
        h.run();
        h.key_press(egui::Key::Enter);
        h.run();
        assert_eq!(draft(&h).and_then(|d| d.value_per_conversion), expected, "{text}");
        if expected.is_none() {
            h.get_by_label_contains("This is not an amount");
            h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Value per conversion").focus();
            h.run();
            h.key_press(egui::Key::Backspace);
            h.run();
        }
    }
    h.get_by_label("Your assumptions");
    let (_folder, session) = open(true);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    assert!(h.query_all_by_label_contains("Revenue:").next().is_some());
}

#[test]
fn cards_stand_side_by_side_with_a_table_twin() {
    let (_folder, session) = open(true);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    let (a, b) = (h.get_by_label("Conversions: 155").rect(), h.get_by_label("Conversions: 180 (+25)").rect());
    assert!((a.top() - b.top()).abs() < 1.0 && a.right() < b.left(), "{a:?} {b:?}");
    h.get_by_label("What drives the difference: SpecialDay: +30; Month: −5");
    h.get_by_label("More about “Scenarios side by side”").click();
    h.run();
    h.get_by_label("Show as a table").click();
    h.run();
    h.get_by_label("Evidence grade");
}

#[test]
fn what_is_tried_can_be_kept() {
    let (_folder, mut session) = open(false);
    let mut tried = Scenario { set: [("feature_0".to_owned(), Setting::Number(3.0))].into(), ..blank_scenario() };
    tried.name = "Push".into();
    session.set_draft(Some(tried.clone()));
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("15.5 % → 18.0 %");
    h.get_by_label("Keep this scenario").click();
    h.run();
    assert!(h.state().asked.contains(&Action::Command(Command::AddScenario(tried))));
    assert_eq!(draft(&h), None);
}

fn blank_scenario() -> Scenario {
    Scenario { name: "Scenario 1".into(), model: Some("trees".into()), ..Scenario::default() }
}

#[test]
fn a_kept_scenario_is_renamed_duplicated_and_removed() {
    let (_folder, mut session) = open(false);
    let kept = Scenario { name: "Push".into(), ..blank_scenario() };
    session.recipe.as_mut().unwrap().scenarios = vec![kept.clone()];
    session.selection.scenario = Some("Push".into());
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("Duplicate").click();
    h.run();
    let copy = Scenario { name: "Push 1".into(), ..kept.clone() };
    assert!(h.state().asked.contains(&Action::Command(Command::AddScenario(copy))));
    h.state_mut().desk.session.selection.scenario = Some("Push".into());
    h.run();
    h.get_by_label("Rename").click();
    h.run();
    h.get_by_label("New name").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "New name").type_text(" again");
    h.run();
    h.get_by_label("Use this name").click();
    h.run();
    let renamed = h.state().asked.iter().any(
        |a| matches!(a, Action::Command(Command::ReplaceScenario { name, scenario }) if name == "Push" && scenario.name.contains("again")),
    );
    assert!(renamed, "{:?}", h.state().asked);
    h.state_mut().desk.session.selection.scenario = Some("Push".into());
    h.run();
    if h.query_by_label("Remove").is_some() {
        h.get_by_label("Remove").click();
        h.run();
        assert!(h.state().asked.contains(&Action::Command(Command::RemoveScenario { name: "Push".into() })));
    }
}

#[test]
fn without_levers_it_says_what_to_do_in_both_languages() {
    for lang in [Lang::En, Lang::Zh] {
        let (_folder, mut session) = open(false);
        session.lang = lang;
        session.recipe.as_mut().unwrap().roles.lever.clear();
        let mut h = room(WhatIfView::default(), session, [420.0, 1400.0]);
        h.run();
        h.get_by_label(crate::base::tr(lang, "why.no_levers"));
        h.get_by_label(crate::base::tr(lang, "why.add_lever")).click();
        h.run();
        h.get_by_label("feature_0").click();
        h.run();
        assert!(h.state().asked.contains(&Action::Command(Command::SetLever { column: "feature_0".into(), yes: true })));
    }
}

#[test]
fn whether_the_outcome_is_good_news_is_said_once_and_words_follow() {
    let (_folder, mut session) = open(true);
    let outcome = session.models["trees"].value.card().outcomes[0].clone();
    let mut answer = simulation(true);
    answer.news = crate::strategy::News::Bad;
    session.simulations.insert("trees".into(), Kept { value: Arc::new(answer), key: Key::default() });
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label("Value per conversion");
    h.get_by_label("guessed from its name");
    h.get_by_label("bad news").click();
    h.run();
    let said = |h: &Harness<'_, Room1<WhatIfView>>| h.state().desk.session.recipe.as_ref().unwrap().simulate.clone();
    assert_eq!(said(&h).bad_news, [crate::strategy::news::listed(&outcome).to_owned()]);
    h.get_by_label("Value per case avoided");
    assert!(h.query_by_label("guessed from its name").is_none() && h.query_by_label("Value per conversion").is_none());
    // The card counts cases and what is saved; its money is a change already.
    assert!(h.query_all_by_label_contains("Cases: 180").next().is_some() && h.query_all_by_label_contains("Saved:").next().is_some());
    assert!(h.query_all_by_label_contains("Fewer is better").next().is_some());
    h.get_by_label("good news").click();
    h.run();
    assert_eq!((said(&h).bad_news.len(), said(&h).good_news.len()), (0, 1));
    h.get_by_label("Value per conversion");
}

#[test]
fn a_scenario_without_an_answer_has_a_card_that_says_why() {
    use crate::strategy::simulate::Unanswered;
    let (_folder, mut session) = open(false);
    let mut answer = simulation(false);
    let fault = crate::fault!("strategy.empty_segment", name = "Nobody", segment = "feature_0 > 99").0;
    answer.unanswered = vec![Unanswered { at: 0, name: "Nobody".into(), fault: fault.clone() }];
    session.simulations.insert("trees".into(), Kept { value: Arc::new(answer), key: Key::default() });
    session.recipe.as_mut().unwrap().scenarios = vec![Scenario { name: "Nobody".into(), ..blank_scenario() }];
    session.selection.scenario = Some("Nobody".into());
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    // Beside its name on the bench and on its card, which stands before the answered one.
    let said: Vec<f32> = h.query_all_by_label(&fault.say(Lang::En)).map(|n| n.rect().left()).collect();
    assert_eq!(said.len(), 2);
    let answered = h.query_all_by_label_contains("Conversions: 180").next().unwrap().rect().left();
    assert!(said[1] > said[0] && said[1] < answered, "{said:?} before {answered}");
}

#[test]
fn bands_take_in_the_model_by_a_tick_where_it_can_be_trained_again() {
    let label = "Bands include the model's own uncertainty (trains it 20 times again)";
    let (_folder, mut session) = open(false);
    let own = session.models.values().next().unwrap().value.card().data.clone();
    let Some(loaded) = session.loaded.as_mut() else { panic!("a table") };
    let mut table = (*loaded.value).clone();
    table.fingerprint = own;
    loaded.value = Arc::new(table);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label(label).click();
    h.run();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().simulate.retrain, 20);
    h.get_by_label(label).click();
    h.run();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().simulate.retrain, 0);
    // A model of other data cannot be.
    let (_folder, session) = open(false);
    let mut h = room(WhatIfView::default(), session, SIZE);
    h.run();
    h.get_by_label(label).click();
    h.run();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().simulate.retrain, 0);
}

/// Two strategies with money on a shop of its own, answered for real.
fn priced() -> (tempfile::TempDir, Harness<'static, crate::ui::tests::Bench>) {
    let (folder, mut session) = crate::ui::tests::shop(240);
    session.apply(&Command::AddModel(crate::ml::ModelSpec::new("line", ModelKind::Logistic)));
    session.apply(&Command::SetLever { column: "Pages".into(), yes: true });
    let priced = |name: &str, pages: f64, contact: f64| Scenario {
        name: name.into(),
        set: [("Pages".to_owned(), Setting::Number(pages))].into(),
        value_per_conversion: Some(40.0),
        cost_per_contact: Some(contact),
        ..Scenario::default()
    };
    session.apply(&Command::AddScenario(priced("Leaflet", 30.0, 1.0)));
    session.apply(&Command::AddScenario(priced("Catalogue", 40.0, 2.0)));
    session.want(crate::session::state::Ask::Train("line".into()));
    session.settle();
    session.selection.scenario = Some("Leaflet".into());
    let mut h = crate::ui::tests::harness(session, crate::ui::Room::WhatIf);
    h.set_size(egui::vec2(1280.0, 5000.0));
    for _ in 0..4 {
        h.run();
    }
    (folder, h)
}

/// Labels of the pictures on screen.
fn pictures(h: &Harness<'_, crate::ui::tests::Bench>) -> Vec<String> {
    use egui_kittest::kittest::NodeT as _;
    h.get_all_by_role(egui::accesskit::Role::Image).filter_map(|n| n.accesskit_node().label()).collect()
}

fn choose(h: &mut Harness<'_, crate::ui::tests::Bench>, list: &str, nth: usize, entry: &str) {
    let lists = h.query_all_by_role(egui::accesskit::Role::ComboBox);
    use egui_kittest::kittest::NodeT as _;
    let named: Vec<_> = lists.filter(|n| n.accesskit_node().label().is_some_and(|l| l == list)).collect();
    named[nth].click();
    h.run();
    h.get_all_by_label(entry).last().unwrap().click();
    h.run();
    h.run();
}

#[test]
fn what_money_earns_and_what_the_profit_hangs_on_are_drawn_and_asked_otherwise() {
    let (_folder, mut h) = priced();
    assert!(h.query_all_by_label("What each amount of money earns").count() > 0);
    let sim = h.state().desk.session.simulation("line").expect("answered").clone();
    let found = sim.sensitivity.iter().find(|s| s.scenario == "Leaflet").unwrap();
    let shown = pictures(&h);
    assert!(shown.iter().any(|l| l.starts_with("What the profit hangs on")), "{shown:?}");
    // Where nothing is earned is the number of the result.
    let value = found.swings.iter().find(|s| s.assumption == crate::strategy::sensitivity::Assumption::Value).unwrap();
    let says = format!("Nothing is earned where value per conversion is {}", numbers::plain(value.break_even.unwrap()));
    assert!(h.query_all_by_label_contains(&says).count() == 1, "{says}");
    // Another pair of assumptions is another map.
    let map = |h: &Harness<'_, crate::ui::tests::Bench>| pictures(h).into_iter().find(|l| l.contains("across:")).unwrap_or_default();
    let before = map(&h);
    assert!(before.contains("across: value per conversion"), "{before}");
    choose(&mut h, "Two together", 0, "cost per contact");
    assert!(map(&h).contains("across: cost per contact"), "{}", map(&h));
}

#[test]
fn two_scenarios_are_set_against_each_other_either_way_round() {
    let (_folder, mut h) = priced();
    let pair = |h: &Harness<'_, crate::ui::tests::Bench>| h.state().desk.session.simulation("line").unwrap().pairs[0].clone();
    let profit = pair(&h).profit.expect("money is known").value;
    let says = |h: &Harness<'_, crate::ui::tests::Bench>, x: f64| h.query_all_by_label_contains(&numbers::signed(x)).count() > 0;
    assert!(says(&h, profit) || says(&h, -profit));
    let turned = if says(&h, profit) { -profit } else { profit };
    assert!(h.query_all_by_label("What drives the difference").count() > 0);
    let one = pair(&h);
    let now = if turned < 0.0 { one.name.clone() } else { one.against.clone() };
    let other = if now == "Leaflet" { "Catalogue" } else { "Leaflet" };
    choose(&mut h, "This one", 0, other);
    assert!(says(&h, turned), "{turned} after {now} stands on the other side");
}

#[test]
fn a_channel_is_added_and_a_scenario_sent_through_it() {
    let (_folder, mut h) = priced();
    h.get_by_label("Shared by all scenarios: channels, days, retention").click();
    h.run();
    h.get_by_label("Add channel").click();
    h.run();
    h.run();
    let recipe = |h: &Harness<'_, crate::ui::tests::Bench>| h.state().desk.session.recipe.clone().unwrap();
    let name = recipe(&h).simulate.channels[0].name.clone();
    choose(&mut h, "Channel", 0, &name);
    let leaflet = |h: &Harness<'_, crate::ui::tests::Bench>| {
        let draft = h.state().desk.session.draft.clone();
        draft.unwrap_or_else(|| recipe(h).scenarios[0].clone())
    };
    assert_eq!(leaflet(&h).channel.as_deref(), Some(name.as_str()));
    h.get_by_label(&format!("Remove the channel {name}")).click();
    h.run();
    assert!(recipe(&h).simulate.channels.is_empty());
    h.state_mut().desk.session.undo();
    assert_eq!(recipe(&h).simulate.channels[0].name, name, "and comes back");
}
