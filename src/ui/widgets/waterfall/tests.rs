use super::*;
use crate::explain::Attribution;
use crate::ui::widgets::examples::{attribution, features};

fn of(effects: &[f64], most: usize) -> (Waterfall, Attribution) {
    let a = attribution(effects, 0.0);
    let w = Waterfall::of_row(&a, 0, &features(effects.len()), most);
    (w, a)
}

#[test]
fn bars_tile_from_base_to_prediction() {
    for n in [0, 1, 2, 10, 11, 12, 200] {
        let effects: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin() * 0.01).collect();
        let (w, a) = of(&effects, 10);
        let mut at = w.base;
        for s in &w.steps {
            assert_eq!(s.from, at);
            assert!((s.from + s.amount - s.to).abs() < 1e-15);
            at = s.to;
        }
        assert!((at - a.predictions[0]).abs() < 1e-12, "{n} features: {at} is not {}", a.predictions[0]);
        let l = layout::lay_out(&w, None, 400.0);
        assert_eq!((l.rows.len(), l.bars.len()), (w.steps.len() + 2, w.steps.len()));
        for pair in l.bars.windows(2) {
            assert!((pair[0].1 - pair[1].0).abs() < 1e-3);
        }
        if let (Some(first), Some(last)) = (l.bars.first(), l.bars.last()) {
            assert!((first.0 - l.axis.at(w.base)).abs() < 1e-3 && (last.1 - l.axis.at(w.prediction)).abs() < 1e-3);
        }
        for (from, to) in &l.bars {
            for x in [from, to] {
                assert!(*x >= l.names_right && *x <= l.numbers_left, "a bar leaves its column");
            }
        }
    }
}

#[test]
fn the_largest_stand_alone_and_the_rest_together() {
    let mut effects = vec![0.001; 30];
    effects[7] = -0.2;
    effects[20] = 0.1;
    let (w, _) = of(&effects, 10);
    assert_eq!(w.steps[0].kind, Kind::Feature(7));
    assert_eq!(w.steps[1].kind, Kind::Feature(20));
    assert_eq!(w.steps.last().map(|s| s.kind), Some(Kind::Others(20)));
    let (eleven, _) = of(&[0.1; 11], 10);
    assert_eq!(eleven.steps.len(), 11, "one more feature is better than “1 other”");
}

#[test]
fn what_is_unexplained_is_shown() {
    let a = attribution(&[0.1, 0.05], 0.02);
    let w = Waterfall::of_row(&a, 0, &features(2), 10);
    let last = w.steps.last().unwrap();
    assert_eq!(last.kind, Kind::Unexplained);
    assert!((last.amount - 0.02).abs() < 1e-12 && (last.to - w.prediction).abs() < 1e-15);
    assert!(of(&[0.1, 0.05], 10).0.steps.iter().all(|s| s.kind != Kind::Unexplained));
}

#[test]
fn odd_input_is_drawn_too() {
    let (w, _) = of(&[f64::NAN, 0.1], 10);
    assert!(w.steps.iter().all(|s| s.amount.is_finite()));
    let mut a = attribution(&[0.1], 0.0);
    a.rows.clear();
    a.predictions.clear();
    a.values.clear();
    a.inputs.clear();
    let w = Waterfall::of_row(&a, 0, &features(1), 10);
    assert!(w.steps.is_empty());
    assert!(layout::lay_out(&w, None, 0.0).size.x >= 160.0);
}

#[test]
fn a_drag_moves_within_the_range() {
    use layout::dragged_value;
    assert_eq!(dragged_value(5.0, 50.0, 100.0, (0.0, 10.0)), 10.0);
    assert_eq!(dragged_value(5.0, -20.0, 100.0, (0.0, 10.0)), 3.0);
    assert_eq!(dragged_value(5.0, 500.0, 100.0, (0.0, 10.0)), 10.0);
    assert_eq!(dragged_value(5.0, 50.0, 100.0, (2.0, 2.0)), 5.0, "a constant cannot move");
    assert_eq!(dragged_value(f64::NAN, 0.0, 100.0, (1.0, 2.0)), 1.0);
    assert_eq!(dragged_value(20.0, 0.0, 100.0, (0.0, 10.0)), 20.0, "a value outside stays until it is moved");
}

#[test]
fn touching_a_bar_selects_and_drags() {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    let (w, _) = of(&[0.2, -0.1], 10);
    let touches = std::cell::RefCell::new(Vec::new());
    let mut h = Harness::builder().with_size([480.0, 240.0]).build_ui(|ui| {
        touches.borrow_mut().push(super::ui(ui, (&w, None), Unit::Probability, Lang::En, Marks::default(), &|_| String::new()));
    });
    h.run();
    let name = line(&w.steps[0], Unit::Probability, Lang::En);
    h.get_by_label(&name).click();
    h.run();
    assert!(touches.borrow().iter().any(|t| t.clicked == Some(0)));
    let from = h.get_by_label(&name).rect().center();
    h.drag_at(from);
    h.step();
    h.hover_at(from + egui::vec2(30.0, 0.0));
    h.step();
    h.drop_at(from + egui::vec2(30.0, 0.0));
    h.run();
    let touches = touches.borrow();
    let drags: Vec<_> = touches.iter().filter_map(|t| t.drag).collect();
    assert!(drags.iter().any(|d| d.feature == 0 && d.share > 0.0), "{drags:?}");
    assert!(drags.last().is_some_and(|d| d.released));
}

#[test]
fn a_moved_row_keeps_its_bars_in_their_places() {
    let effects: Vec<f64> = (0..14).map(|i| 0.1 / f64::from(i + 1)).collect();
    let (w, _) = of(&effects, 10);
    let mut turned = effects.clone();
    turned.reverse();
    let a = attribution(&turned, 0.03);
    let moved = w.like(&a, &features(14));
    assert!(moved.steps.iter().zip(&w.steps).all(|(m, s)| m.kind == s.kind && m.name == s.name));
    let mut at = moved.base;
    for s in &moved.steps {
        assert!((s.from - at).abs() < 1e-12 && (s.from + s.amount - s.to).abs() < 1e-12);
        at = s.to;
    }
    assert!((at + 0.03 - moved.prediction).abs() < 1e-12, "all but the gap is there: {at}");
    assert_eq!(moved.steps[0].amount, turned[0]);
    // Both fit on the axis.
    let l = layout::lay_out(&moved, Some(&w), 400.0);
    for v in moved.steps.iter().chain(&w.steps).flat_map(|s| [s.from, s.to]) {
        assert!(l.axis.at(v) >= l.names_right && l.axis.at(v) <= l.numbers_left);
    }
}

#[test]
fn a_long_name_gets_the_height_it_needs() {
    let (mut w, _) = of(&[0.2, -0.1], 10);
    w.steps[0].name = "Seconds_spent_on_product_pages_before_the_newsletter_sign_up_was_shown_to_mobile".into();
    let l = layout::lay_out(&w, None, 480.0);
    assert!(l.rows[1].height() > 2.0 * l.rows[2].height() && l.rows[0].height() == l.rows[2].height());
    assert!(l.rows.windows(2).all(|r| r[0].bottom() == r[1].top()) && l.bottom == l.rows.last().unwrap().bottom());
}
