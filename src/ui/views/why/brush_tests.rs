//! Brushed rows in the panes that sum up: importance, levels, groups side by side, attention; by their labels.

use eframe::egui;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::tests::{Room1, explained, room};
use super::*;
use crate::explain::AttentionMap;
use crate::ml::{ModelKind, ModelSpec};
use crate::session::state::{Command, Kept, Key, Question};
use crate::ui::tests::{harness, shop};

#[test]
fn brushed_rows_stand_beside_all_in_importance() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    session.selection.rows = vec![9];
    let mut h = room(WhyView::default(), session, [1000.0, 1600.0]);
    h.run();
    let row = examples_row();
    h.get_by_label_contains("For the selected row, Revenue is predicted at");
    let said = h.get_by_label_contains("feature_0: 10.0 pp; to the selected rows ").rect();
    assert!(said.width() > 100.0);
    h.get_by_label("More about “What matters”").click();
    h.run();
    h.get_by_label("Save as CSV…").click();
    h.run();
    let saved = h.state().asked.iter().find_map(|a| if let Action::SaveText { text, .. } = a { Some(text.clone()) } else { None });
    let text = saved.expect("something is saved");
    let first: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    assert!(text.lines().next().unwrap().ends_with(",selected_mean_abs,selected_mean"), "{text}");
    assert_eq!(first[first.len() - 1].parse::<f64>().unwrap(), row[0], "the row's own effect");
    assert_eq!(first[first.len() - 2].parse::<f64>().unwrap(), row[0].abs());
    h.key_press(egui::Key::Escape);
    h.run();
    assert!(h.query_by_label_contains("to the selected rows").is_none() && h.query_by_label_contains("For the selected row").is_none());
}

/// What the features do to row 10 (line 9) of the example.
fn examples_row() -> Vec<f64> {
    let a = crate::ui::widgets::examples::attribution(&[0.2, -0.1], 0.0);
    let at = a.rows.iter().position(|r| *r == 9).unwrap();
    a.row(at).to_vec()
}

#[test]
fn a_level_is_brushed_with_shift_and_its_rows_are_a_group() {
    let (_folder, mut session) = shop(120);
    session.apply(&Command::AddModel(ModelSpec::new("line", ModelKind::Logistic)));
    session.want(Ask::Train("line".into()));
    session.settle();
    session.selection.feature = Some("Month".into());
    let mut h = harness(session, Room::Why);
    h.set_size(egui::vec2(1280.0, 3000.0));
    h.run();
    let shift = egui::Modifiers::SHIFT;
    // Reached with the keyboard, and brushed there with Shift held.
    // Not the bar of a row, whose name is longer.
    let bars = h.get_all_by_role(egui::accesskit::Role::Button);
    bars.into_iter().find(|n| n.accesskit_node().label().is_some_and(|l| l.starts_with("Nov: "))).unwrap().focus();
    h.run();
    h.key_press_modifiers(shift, egui::Key::Space);
    h.run();
    let session = &h.state().desk.session;
    let (rows, brush) = (session.selection.rows.clone(), session.selection.brush.clone());
    assert_eq!((brush.as_deref(), session.selection.segment.as_deref()), (Some("Month = 'Nov'"), None));
    let table = &session.prepared.as_ref().unwrap().value.raw;
    let nov = crate::data::Segment::parse("Month = 'Nov'").unwrap().rows(table).unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|r| nov.contains(&(*r as usize))));
    assert!(h.query_all_by_label_contains(&format!("Selected rows by Month ({} in all): Nov: 100.0 % (", rows.len())).next().is_some());
    // Without Shift, a click is a segment, as before.
    h.key_press(egui::Key::Space);
    h.run();
    assert_eq!(h.state().desk.session.selection.segment.as_deref(), Some("Month = 'Nov'"));
}

#[test]
fn brushed_rows_are_a_group_beside_others() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    session.selection.rows = vec![4, 9];
    let mut h = room(WhyView::default(), session, [1000.0, 4000.0]);
    h.run();
    h.get_by_label("Groups side by side").click();
    h.run();
    let begins = |h: &egui_kittest::Harness<'_, _>, label: &str| h.query_all_by_label(label).map(|n| n.rect().top()).fold(0.0, f32::max);
    // The lowest button of that name is the pane's; the other stands above the list of rows.
    for label in ["The 2 selected rows", "Everyone in the data"] {
        let top = begins(&h, label);
        let at = h.query_all_by_label(label).find(|n| n.rect().top() >= top).unwrap().rect().center();
        h.drag_at(at);
        h.step();
        h.drop_at(at);
        h.run();
    }
    let asked = |a: &Action| match a {
        Action::Want(Ask::Deeper(Question::Cohorts { conditions, picked, .. })) => {
            *conditions == [String::new()] && picked.as_deref() == Some(&[4, 9][..])
        }
        _ => false,
    };
    assert!(h.state().asked.iter().any(asked), "{:?}", h.state().asked);
    // Rows that were picked have no condition that a report could be asked for by.
    assert!(h.query_by_label("Add these groups to the report").is_none());
    h.get_by_label("Remove The 2 selected rows").click();
    h.run();
    assert!(h.query_by_label("Remove The 2 selected rows").is_none());
}

#[test]
fn groups_side_by_side_are_put_into_the_report_and_taken_out() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, [1000.0, 4000.0]);
    h.run();
    h.get_by_label("Groups side by side").click();
    h.run();
    for group in ["Revenue = 'TRUE'", "Revenue = 'FALSE'"] {
        assert!(h.query_by_label("Add these groups to the report").is_none(), "one group is beside nobody");
        h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Add a group").focus();
        h.run();
        h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Add a group").type_text(group);
        h.run();
        h.key_press(egui::Key::Enter);
        h.run();
    }
    let cohorts = |h: &egui_kittest::Harness<'_, Room1<WhyView>>| h.state().desk.session.recipe.as_ref().unwrap().explain.cohorts.clone();
    h.get_by_label("Add these groups to the report").click();
    h.run();
    assert_eq!(cohorts(&h), ["Revenue = 'TRUE'", "Revenue = 'FALSE'"]);
    let top = h.query_all_by_label("In the report").map(|n| n.rect().top()).fold(0.0, f32::max);
    let at = h.query_all_by_label("In the report").find(|n| n.rect().top() >= top).unwrap().rect().center();
    h.drag_at(at);
    h.step();
    h.drop_at(at);
    h.run();
    assert!(cohorts(&h).is_empty());
}

#[test]
fn brushed_rows_are_stepped_through_in_the_attention_pane() {
    let (_folder, mut session) = explained(ModelKind::Transformer, &[0.2, -0.1]);
    let ask = |line| Ask::Attention { model: "trees".into(), line, outcome: 0, silent: vec![] };
    let tokens: Vec<String> = ["[class]", "feature_0", "feature_1"].map(str::to_owned).to_vec();
    for row in [4, 9, 30] {
        let w = vec![1.0 / 3.0; 9];
        let map =
            AttentionMap { row, layers: 1, heads: 1, tokens: tokens.clone(), gradient: w.clone(), weights: w, ..AttentionMap::default() };
        session.attentions.push((ask(row), Kept { value: Arc::new(map), key: Key::default() }));
    }
    session.selection.rows = vec![9, 30];
    session.selection.row = Some(4);
    let mut h = room(WhyView::default(), session, [1000.0, 1600.0]);
    h.run();
    h.get_by_label("Row 5, not among the 2 selected rows");
    for (said, row) in [("Row 10: 1 of the 2 selected rows", 9), ("Row 31: 2 of the 2 selected rows", 30)] {
        h.get_by_label("Next selected row").click();
        h.run();
        assert_eq!(h.state().desk.session.selection.row, Some(row));
        h.get_by_label(said);
    }
    assert!(h.get_by_label("Next selected row").accesskit_node().is_disabled());
    h.get_by_label("Previous selected row").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(9));
}

/// A drag with Shift held over what has a label, from one share of its size to another.
fn brush_over(h: &mut egui_kittest::Harness<'_, crate::ui::tests::Bench>, rect: egui::Rect, from: (f32, f32), to: (f32, f32)) {
    let at = |(x, y): (f32, f32)| rect.min + egui::vec2(rect.width() * x, rect.height() * y);
    let shift = egui::Modifiers::SHIFT;
    let button = |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: shift };
    h.event(egui::Event::PointerMoved(at(from)));
    h.step();
    h.event_modifiers(button(at(from), true), shift);
    h.step();
    for share in [0.5, 1.0] {
        let p = at(from) + (at(to) - at(from)) * share;
        h.event_modifiers(egui::Event::PointerMoved(p), shift);
        h.step();
    }
    h.event_modifiers(button(at(to), false), shift);
    h.run();
}

#[test]
fn piles_and_curves_of_single_rows_are_brushed() {
    let (_folder, mut session) = shop(120);
    session.apply(&Command::AddModel(ModelSpec::new("line", ModelKind::Logistic)));
    session.want(Ask::Train("line".into()));
    session.settle();
    session.selection.feature = Some("Pages".into());
    let mut h = harness(session, Room::Why);
    h.set_size(egui::vec2(1280.0, 6000.0));
    h.run();
    let picture = |h: &egui_kittest::Harness<'_, crate::ui::tests::Bench>, says: &str| {
        let images = h.get_all_by_role(egui::accesskit::Role::Image);
        let labels: Vec<_> = images.filter_map(|n| Some((n.accesskit_node().label()?, n.rect()))).collect();
        labels.iter().find(|l| l.0.contains(says)).unwrap_or_else(|| panic!("no picture of {says}: {labels:?}")).1
    };
    h.get_by_label_contains("Explain all ").click();
    h.run();
    // Piles are counted in margins, and the rows' effects on that scale are fetched for them.
    let whys = &h.state().desk.session.whys;
    let of = |scale| whys.iter().find(|w| w.0.options.scale == scale && w.1.value.attribution.rows.len() > 1).unwrap().1.value.clone();
    let (why, shown) = (of(crate::ml::model::Scale::Margin), of(crate::ml::model::Scale::Probability));
    let a = &why.attribution;
    assert_eq!(a.rows, shown.attribution.rows);
    // The whole of the first line is every row; its right half, those that this feature pushes up most.
    let piles = picture(&h, "as piles");
    brush_over(&mut h, piles, (0.0, 0.02), (1.0, 0.1));
    let rows = |h: &egui_kittest::Harness<'_, crate::ui::tests::Bench>| h.state().desk.session.selection.rows.clone();
    assert_eq!(rows(&h), a.rows);
    // What is said of the selected rows stands above and moves it.
    let piles = picture(&h, "as piles");
    brush_over(&mut h, piles, (0.6, 0.02), (1.0, 0.1));
    let some = rows(&h);
    assert!(!some.is_empty() && some.len() < a.rows.len(), "{}", some.len());
    let Some(first) = h.state().desk.session.answers.iter().find_map(|x| match &*x.1.value {
        crate::session::state::Answer::Density(d) => Some(d.features[0].feature),
        _ => None,
    }) else {
        panic!("no piles")
    };
    let effect = |inside: bool| {
        let of = (0..a.rows.len()).filter(move |i| some.contains(&a.rows[*i]) == inside);
        of.map(|i| a.row(i)[first]).collect::<Vec<_>>()
    };
    let (inside, outside) = (effect.clone()(true), effect(false));
    let (low, high) = (inside.iter().copied().fold(f64::INFINITY, f64::min), outside.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    assert!(low > high, "{low} {high}");
    // Curves of single rows all begin low and rise: none runs through the upper left corner.
    h.get_by_label("Row by row (ICE)").click();
    h.run();
    let lines = picture(&h, "if all else stayed as it is");
    brush_over(&mut h, lines, (0.0, 0.0), (1.0, 0.86));
    assert_eq!(rows(&h).len(), 100, "as many as are drawn");
    let lines = picture(&h, "if all else stayed as it is");
    brush_over(&mut h, lines, (0.12, 0.0), (0.2, 0.2));
    assert!(rows(&h).is_empty());
    let lines = picture(&h, "if all else stayed as it is");
    brush_over(&mut h, lines, (0.0, 0.0), (1.0, 0.86));
    assert!(!rows(&h).is_empty());
    h.key_press(egui::Key::Escape);
    h.run();
    assert!(rows(&h).is_empty());
}
