//! Groups of features, levels, curves of single rows and contrasts in the room, by their labels.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::kittest::Queryable as _;

use super::tests::{explained, room};
use super::*;
use crate::base::Fingerprint;
use crate::explain::contrast::{Contrast, Kind as ContrastKind};
use crate::explain::effect::{EffectCurve, Kind, Point};
use crate::ml::{ModelKind, ModelSpec};
use crate::session::recipe::ContrastSpec;
use crate::session::state::{Answer, Command, Kept, Key, Question, Sides};
use crate::ui::tests::{harness, shop};
use crate::ui::views::why::tests::Room1;

const TALL: [f32; 2] = [1000.0, 2600.0];

fn wanted(r: &Room1<WhyView>, of: impl Fn(&Question) -> bool) -> bool {
    r.asked.iter().any(|a| matches!(a, Action::Want(Ask::Deeper(q)) if of(q)))
}

#[test]
fn a_group_is_suggested_made_opened_and_undone() {
    let (_folder, mut session) = shop(120);
    session.apply(&Command::AddModel(ModelSpec::new("line", ModelKind::Logistic)));
    session.want(Ask::Train("line".into()));
    session.settle();
    let mut h = harness(session, crate::ui::Room::Why);
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::Button, "each for itself…").click();
    h.run();
    // Month and Weekend are parts of a date: one click.
    h.get_by_label("Group Calendar").click();
    h.run();
    h.get_by_label("Take Calendar apart");
    h.get_by_label("Done").click();
    h.run();
    let groups = h.state().desk.session.recipe.as_ref().unwrap().explain.groups.clone();
    assert_eq!(groups["Calendar"], ["Month", "Weekend"]);
    h.get_by_label("1 group…");
    // The waterfall, the importance and the sentence speak of the group as one.
    assert!(h.query_all_by_label_contains("Weekend = ").next().is_none(), "its columns are not named beside it");
    h.get_all_by_label_contains("Calendar = …: ").next().unwrap().click();
    h.run();
    assert!(h.query_all_by_label("Inside Calendar").next().is_some());
    for member in ["Month = ", "Weekend = "] {
        assert!(h.query_all_by_label_contains(member).next().is_some(), "{member}");
    }
    // A member is looked at inside the group, which stays open: here its levels.
    h.state_mut().desk.session.selection.feature = Some("Month".into());
    h.run();
    assert!(h.query_all_by_label("Inside Calendar").next().is_some());
    assert!(h.query_all_by_label_contains("Nov: ").next().is_some(), "the levels of the member");
    // Undo takes it apart.
    h.state_mut().desk.session.undo();
    h.run();
    h.get_by_label("each for itself…");
    assert!(h.query_all_by_label_contains("Calendar = …").next().is_none());
}

#[test]
fn a_level_becomes_the_segment_and_goes_again() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let mut h = room(WhyView::default(), session, TALL);
    h.run();
    h.get_by_label("feature_2: 3.3 pp").click();
    h.run();
    assert!(h.query_all_by_label_contains("No level of feature_2 has enough rows").next().is_some());
    h.get_by_label("Yes: +5.0 pp").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.segment.as_deref(), Some("feature_2 = 'Yes'"));
    h.get_by_label("Yes: +5.0 pp").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.segment, None);
    h.get_by_label("Add these levels to the report").click();
    h.run();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().explain.levels, ["feature_2"]);
}

#[test]
fn single_rows_are_drawn_and_centred() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let point = |row: u32, value: f64, effect: f64| Point {
        value,
        label: value.to_string(),
        row: Some(row),
        effect,
        low: f64::NAN,
        high: f64::NAN,
        density: 0.5,
        ..Point::default()
    };
    let curve = EffectCurve {
        feature: "feature_0".into(),
        feature_2: None,
        kind: Kind::Ice,
        scale: Scale::Probability,
        outcome: "Revenue".into(),
        categorical: false,
        points: vec![point(4, 0.0, 0.2), point(4, 9.0, 0.5), point(7, 0.0, 0.6), point(7, 9.0, 0.4)],
        also: None,
        rows: 2,
        mean: 0.4,
        seed: 1,
        model: Fingerprint::default(),
        warnings: vec![],
    };
    let question = Question::Effect {
        model: "trees".into(),
        outcome: 0,
        scale: Scale::Probability,
        feature: "feature_0".into(),
        second: None,
        kind: Kind::Ice,
        row: Some(4),
    };
    session.answers.push((question, Kept { value: Arc::new(Answer::Effect(curve)), key: Key::default() }));
    let mut h = room(WhyView::default(), session, TALL);
    h.run();
    h.get_by_label("Row by row (ICE)").click();
    h.run();
    assert!(wanted(h.state(), |q| matches!(q, Question::Effect { kind: Kind::Ice, row: Some(4), .. })));
    h.get_all_by_label_contains("Revenue rises in 1 and falls in 1 of 2 rows").next().unwrap();
    let table = |h: &mut egui_kittest::Harness<'_, Room1<WhyView>>| {
        h.get_by_label("More about “Row by row along the feature”").click();
        h.run();
        h.get_by_label("Save as CSV…").click();
        h.run();
        let saved = |a: &&Action| matches!(a, Action::SaveText { name, .. } if name == "effect_rows.csv");
        let Some(Action::SaveText { text, .. }) = h.state().asked.iter().rfind(saved) else { panic!("nothing is saved") };
        text.clone()
    };
    assert_eq!(table(&mut h), "feature_0,0,9\nMean,0.4,0.45\n5,0.2,0.5\n8,0.6,0.4\n");
    h.get_by_label("All from zero").click();
    h.run();
    let centred = table(&mut h);
    assert!(centred.contains("\n5,0,0.3\n") && centred.lines().skip(1).all(|l| l.split(',').nth(1) == Some("0")), "{centred}");
    h.get_by_label("More about “Row by row along the feature”").click();
    h.run();
    h.get_by_label("Save as SVG…").click();
    h.run();
    let saved = |a: &&Action| matches!(a, Action::SaveText { name, .. } if name == "effect_rows.svg");
    let Some(Action::SaveText { text, .. }) = h.state().asked.iter().find(saved) else { panic!("no picture") };
    // Two rows, their mean, and the row that is explained once more.
    assert_eq!(text.matches("<polyline").count(), 4, "{text}");
}

#[test]
fn two_groups_are_set_against_each_other_and_put_into_the_report() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let sides = Sides::Groups("Revenue = 'TRUE'".into(), "Revenue = 'FALSE'".into());
    let contrast = Contrast {
        kind: ContrastKind::Groups,
        a: "Revenue = 'TRUE'".into(),
        b: "Revenue = 'FALSE'".into(),
        outcome: "Revenue".into(),
        scale: Scale::Margin,
        log_odds: true,
        features: (0..3).map(|i| format!("feature_{i}")).collect(),
        to: vec![None; 3],
        from: vec![None; 3],
        values: vec![1.5, -0.25, 0.0],
        half_width: vec![],
        value: 0.75,
        base: -0.5,
        gap: 0.0,
        bases: None,
        rows: Some((20, 40)),
        method: crate::explain::Method::TreeShapReference,
        model: Fingerprint::default(),
        warnings: vec![],
    };
    let question = Question::Contrast { model: "trees".into(), sides: sides.clone(), options: ExplainOptions::default(), against: None };
    session.answers.push((question, Kept { value: Arc::new(Answer::Contrast(contrast)), key: Key::default() }));
    let mut h = room(WhyView::default(), session, TALL);
    h.run();
    // Without a pinned row there is nothing to set this row against, and nothing is asked.
    h.get_by_label_contains("Pin another row first");
    assert!(!wanted(h.state(), |q| matches!(q, Question::Contrast { .. })));
    h.get_by_label("Two groups").click();
    h.run();
    assert!(wanted(h.state(), |q| matches!(q, Question::Contrast { sides: s, .. } if *s == sides)));
    h.get_by_label_contains("20 rows against 40.");
    h.get_by_label_contains("left unexplained: 0.");
    h.get_by_label("feature_1: −0.25").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.feature.as_deref(), Some("feature_1"));
    h.get_by_label("Add this difference to the report").click();
    h.run();
    let spec = ContrastSpec::Groups { group: "Revenue = 'TRUE'".into(), against: "Revenue = 'FALSE'".into() };
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().explain.contrasts, [spec]);
}

#[test]
fn two_models_are_asked_of_the_same_rows() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let mut h = room(WhyView::default(), explained(ModelKind::Gbdt, &[0.2]).1, TALL);
    h.run();
    h.get_by_label("Two models").click();
    h.run();
    h.get_by_label_contains("There is only one model");
    let second = crate::ui::views::why::tests::fake(ModelKind::Logistic, 3);
    session.models.insert("zebra".into(), Kept { value: second, key: Key::default() });
    let mut h = room(WhyView::default(), session, TALL);
    h.run();
    h.get_by_label("Two models").click();
    h.run();
    let asks = |rows: WhyRows| move |q: &Question| matches!(q, Question::Contrast { sides: Sides::Models(other, r), .. } if other == "zebra" && *r == rows);
    assert!(wanted(h.state(), asks(WhyRows::Line(4))));
    h.get_by_label("The rows explained").click();
    h.run();
    assert!(wanted(h.state(), asks(WhyRows::Test)));
    let said = h.state().asked.iter().any(|a| matches!(a, Action::Want(Ask::Deeper(q)) if q.other() == Some("zebra")));
    assert!(said);
}

#[test]
fn a_group_made_by_hand_is_one_step_back() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let mut h = room(WhyView::default(), session, TALL);
    h.run();
    h.get_by_label("each for itself…").click();
    h.run();
    // Ticked columns without a name make no group yet.
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Name").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Name").type_text("First two");
    h.run();
    for column in ["feature_0", "feature_1"] {
        h.get_by_role_and_label(egui::accesskit::Role::CheckBox, column).click();
        h.run();
    }
    h.get_by_label("2 columns ticked");
    h.get_by_label("Make this group").click();
    h.run();
    let groups = |h: &egui_kittest::Harness<'_, Room1<WhyView>>| h.state().desk.session.recipe.as_ref().unwrap().explain.groups.clone();
    assert_eq!(groups(&h)["First two"], ["feature_0", "feature_1"]);
    // What is on screen is asked for anew, with the group as one player.
    let grouped = |a: &Action| match a {
        Action::Want(Ask::Why(r)) => r.options.players.as_ref().is_some_and(|p| p.names == ["First two", "feature_2"]),
        _ => false,
    };
    assert!(h.state().asked.iter().any(grouped), "{:?}", h.state().asked);
    h.state_mut().desk.session.undo();
    h.run();
    assert!(groups(&h).is_empty());
    h.get_by_label("each for itself…");
}
