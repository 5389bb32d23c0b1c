//! Importance: one bar per feature, mean size of its effect, with the interval of that mean. Largest first.

use eframe::egui::{self, Align2, Painter, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::ink;
use super::units::Unit;
use crate::base::{Lang, numbers, tr, tr_with};
use crate::explain::brushed::{Beside, Brushed};
use crate::explain::summary::Importance;
use crate::explain::trust::Twins;
use crate::ui::theme::{ROW, Tokens};

/// Bars that are shown; the table twin has all.
pub const MOST: usize = 15;
/// Brackets of twins that stand beside each other, and the room of one.
const LANES: usize = 3;
const LANE: f32 = 6.0;
/// Room of all of them.
const EDGE: f32 = LANES as f32 * LANE + 2.0;

/// Places of the bars, relative to the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Space it takes.
    pub size: Vec2,
    /// Mean size to place.
    pub axis: Axis,
    /// One line per bar.
    pub rows: Vec<Rect>,
    /// Where names end.
    pub names_right: f32,
}

/// What a bar's feature does to the brushed rows.
fn beside<'b>(brushed: Option<&'b Brushed>, bar: &Importance) -> Option<&'b Beside> {
    brushed?.features.get(bar.feature).filter(|b| b.name == bar.name)
}

/// Lays bars out in a width; the diamonds of brushed rows have room, too.
pub fn lay_out(all: &[Importance], brushed: Option<&Brushed>, width: f32) -> Layout {
    let width = width.max(160.0);
    let shown = &all[..all.len().min(MOST)];
    let names_right = ink::names_width(shown.iter().map(|i| i.name.as_str()), (width * 0.36).min(240.0), width);
    let diamonds = shown.iter().filter_map(|i| beside(brushed, i)).map(|b| b.size);
    let ends = shown.iter().flat_map(|i| [i.mean_abs, i.interval.1]).chain(diamonds).chain([0.0]);
    let mut axis = Axis::spanning(ends, names_right + 24.0, width - 72.0 - EDGE, 0.0);
    axis.low = 0.0;
    let rows: Vec<_> = (0..shown.len()).map(|i| Rect::from_min_size(pos2(0.0, i as f32 * ROW), vec2(width, ROW))).collect();
    let size = vec2(width, rows.len() as f32 * ROW + ink::X_AXIS);
    Layout { size, axis, rows, names_right }
}

/// What the analyst did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touch {
    /// Feature under the pointer.
    pub hovered: Option<usize>,
    /// Feature clicked.
    pub clicked: Option<usize>,
}

/// Brackets of features that go together, to the right of the figures: lane, first and last bar. Only pairs of which both
/// have a bar; no more lanes than there is room for.
fn brackets(all: &[Importance], twins: &[Twins]) -> Vec<(usize, usize, usize)> {
    let at = |feature: usize| all.iter().take(MOST).position(|b| b.feature == feature);
    let mut pairs: Vec<(usize, usize)> =
        twins.iter().filter_map(|t| at(t.a).zip(at(t.b))).map(|(a, b)| (a.min(b), a.max(b))).filter(|(a, b)| a < b).collect();
    pairs.sort_by_key(|(a, b)| (b - a, *a));
    pairs.dedup();
    let mut lanes: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut out = Vec::new();
    for (a, b) in pairs {
        let free = |lane: &Vec<(usize, usize)>| lane.iter().all(|(c, d)| b < *c || *d < a);
        let lane = lanes.iter().position(free).unwrap_or(lanes.len());
        if lane >= LANES {
            continue;
        }
        if lane == lanes.len() {
            lanes.push(Vec::new());
        }
        lanes[lane].push((a, b));
        out.push((lane, a, b));
    }
    out
}

/// With whom a bar goes together, in words.
pub fn twins_words(all: &[Importance], i: usize, twins: &[Twins], lang: Lang) -> Option<String> {
    let me = all.get(i)?.feature;
    let name = |f: usize| all.iter().find(|b| b.feature == f).map(|b| b.name.clone());
    let others = twins.iter().filter_map(|t| {
        let other = if t.a == me { t.b } else { t.a };
        (t.a == me || t.b == me).then(|| name(other)).flatten().map(|n| format!("{n} (r = {})", numbers::fixed(t.correlation, 2)))
    });
    let others: Vec<String> = others.collect();
    (!others.is_empty()).then(|| tr_with(lang, "why.twin_of", &[("features", &others.join(", "))]))
}

/// Draws the bars in the width that is there; where rows are brushed, a diamond on each bar says what it is to these.
pub fn ui(
    ui: &mut Ui,
    all: &[Importance],
    (brushed, twins): (Option<&Brushed>, &[Twins]),
    unit: Unit,
    lang: Lang,
    hovered: Option<usize>,
    selected: Option<&str>,
) -> Touch {
    let l = lay_out(all, brushed, ui.available_width());
    let (rect, whole) = ui.allocate_exact_size(l.size, Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(all, unit, lang)));
    let offset = rect.min.to_vec2();
    let mut touch = Touch::default();
    for (i, (row, bar)) in l.rows.iter().zip(all).enumerate() {
        let response = ui.interact(row.translate(offset), whole.id.with(bar.feature), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::Button, true, selected == Some(&bar.name), line(bar, unit) + &beside_words(brushed, bar, unit, lang))
        });
        if response.hovered() {
            touch.hovered = Some(bar.feature);
        }
        if response.clicked() {
            touch.clicked = Some(bar.feature);
        }
        response.on_hover_ui(|ui| {
            ui.label(egui::RichText::new(&bar.name).strong());
            let fields: [(&str, &dyn std::fmt::Display); 3] =
                [("mean", &plain(unit, bar.mean_abs)), ("low", &plain(unit, bar.interval.0)), ("high", &plain(unit, bar.interval.1))];
            ui.label(tr_with(lang, "why.importance_exact", &fields));
            ui.label(tr_with(lang, "why.mean_effect", &[("mean", &unit.effect(bar.mean))]));
            ui.label(direction_words(bar, lang));
            if let Some(words) = exact_beside(brushed, bar, unit, lang) {
                ui.label(words);
            }
            for words in [tied_words(all, i, lang), twins_words(all, i, twins, lang)].into_iter().flatten() {
                ui.label(words);
            }
        });
    }
    if ui.is_rect_visible(rect) {
        let marks = (hovered.or(touch.hovered), selected);
        paint(ui.painter(), Tokens::of(ui.ctx()), (all, brushed), &l, offset, unit, lang, marks);
        for (lane, a, b) in brackets(all, twins) {
            let x = rect.right() - 2.0 - lane as f32 * LANE;
            let (top, foot) = (l.rows[a].center().y + offset.y, l.rows[b].center().y + offset.y);
            let line = [pos2(x - 4.0, top), pos2(x, top), pos2(x, foot), pos2(x - 4.0, foot)];
            ui.painter().line(line.to_vec(), egui::Stroke::new(1.5, Tokens::of(ui.ctx()).weak));
        }
    }
    if !brackets(all, twins).is_empty() {
        super::basic::caption(ui, tr(lang, "why.twins_key")).on_hover_text(tr(lang, "why.twins_help"));
    }
    if let Some(b) = brushed {
        ink::diamond_key(ui, &tr_with(lang, "why.brushed_key", &[("n", &crate::base::numbers::count(b.rows as i64))]));
    }
    touch
}

/// What a reader of the screen hears after a bar.
fn beside_words(brushed: Option<&Brushed>, bar: &Importance, unit: Unit, lang: Lang) -> String {
    beside(brushed, bar).map_or_else(String::new, |b| tr_with(lang, "why.brushed_bar", &[("size", &plain(unit, b.size))]))
}

/// The same with its interval and its signed mean.
fn exact_beside(brushed: Option<&Brushed>, bar: &Importance, unit: Unit, lang: Lang) -> Option<String> {
    let b = beside(brushed, bar)?;
    let ends = b.interval.map_or_else(Default::default, |(low, high)| {
        let ends: [(&str, &dyn std::fmt::Display); 2] = [("low", &plain(unit, low)), ("high", &plain(unit, high))];
        tr_with(lang, "why.brushed_interval", &ends)
    });
    let fields: [(&str, &dyn std::fmt::Display); 3] = [("size", &plain(unit, b.size)), ("interval", &ends), ("mean", &unit.effect(b.mean))];
    Some(tr_with(lang, "why.brushed_exact", &fields))
}

fn paint(
    p: &Painter,
    t: &Tokens,
    (all, brushed): (&[Importance], Option<&Brushed>),
    l: &Layout,
    offset: Vec2,
    unit: Unit,
    lang: Lang,
    marks: (Option<usize>, Option<&str>),
) {
    let axis = Axis { left: l.axis.left + offset.x, right: l.axis.right + offset.x, ..l.axis };
    let bottom = offset.y + l.rows.len() as f32 * ROW;
    ink::x_axis(
        p,
        t,
        &axis,
        offset.y,
        bottom,
        |v| unit.tick(v),
        tr(lang, "why.mean_size").replace("{unit}", unit.effect_name(lang)).as_str(),
    );
    for (i, (row, bar)) in l.rows.iter().zip(all).enumerate() {
        let row = row.translate(offset);
        if marks.1 == Some(&bar.name) {
            p.rect_filled(row, 3.0, t.accent_soft);
        } else if marks.0 == Some(bar.feature) {
            p.rect_filled(row, 3.0, t.hover);
        }
        let names = Rect::from_min_max(row.min, pos2(offset.x + l.names_right, row.bottom()));
        ink::label(p, names.shrink2(vec2(4.0, 0.0)), Align2::RIGHT_CENTER, &bar.name, t.text);
        if let Some(d) = bar.direction.filter(|d| d.abs() >= 0.1) {
            let up = d > 0.0;
            p.add(ink::triangle(pos2(names.right() + 10.0, row.center().y), up, if up { t.up } else { t.down }));
        }
        if is_tied(all, i) {
            // A bracket in front of both bars, clear of the triangles.
            let (x, top, foot) = (axis.left - 3.0, row.center().y - ROW + 3.0, row.center().y - 3.0);
            let line = [pos2(x + 2.0, top), pos2(x - 2.0, top), pos2(x - 2.0, foot), pos2(x + 2.0, foot)];
            p.line(line.to_vec(), egui::Stroke::new(1.5, t.text));
        }
        let (y, end) = (row.center().y, axis.at(bar.mean_abs));
        p.rect_filled(Rect::from_min_max(pos2(axis.left, y - 7.0), pos2(end.max(axis.left + 1.0), y + 7.0)), 0.0, t.accent);
        ink::whisker(p, axis.at(bar.interval.0), axis.at(bar.interval.1), y, t.text);
        if let Some(b) = beside(brushed, bar) {
            p.add(ink::diamond(pos2(axis.at(b.size), y), t));
        }
        let figures = Rect::from_min_max(pos2(row.right() - 68.0 - EDGE, row.top()), pos2(row.right() - EDGE, row.bottom()));
        ink::text(p, figures, Align2::RIGHT_CENTER, &plain(unit, bar.mean_abs), t.text);
    }
}

/// A size without sign.
fn plain(unit: Unit, x: f64) -> String {
    unit.effect(x).trim_start_matches('+').to_owned()
}

/// Whether a bar's order against the one above is not certain. Bars of nothing have no order to speak of.
pub fn is_tied(all: &[Importance], i: usize) -> bool {
    i > 0 && all.get(i).is_some_and(|b| b.tied && b.mean_abs > 0.0)
}

/// The same in words.
pub fn tied_words(all: &[Importance], i: usize, lang: Lang) -> Option<String> {
    is_tied(all, i).then(|| tr_with(lang, "why.tied_with", &[("feature", &all[i - 1].name)]))
}

/// One bar as a line of text.
pub fn line(bar: &Importance, unit: Unit) -> String {
    format!("{}: {}", bar.name, plain(unit, bar.mean_abs))
}

/// Does more of it push up?
pub fn direction_words(bar: &Importance, lang: Lang) -> String {
    match bar.direction {
        Some(d) if d >= 0.1 => tr(lang, "why.direction_up"),
        Some(d) if d <= -0.1 => tr(lang, "why.direction_down"),
        Some(_) => tr(lang, "why.direction_mixed"),
        None => tr(lang, "why.direction_none"),
    }
    .to_owned()
}

/// The picture in words.
pub fn summary(all: &[Importance], unit: Unit, lang: Lang) -> String {
    // What is tied with the bar before it says so, for those who do not see the bracket.
    let tied = |i: usize| if is_tied(all, i) { "≈ " } else { "" };
    let lines: Vec<_> = all.iter().take(MOST).enumerate().map(|(i, b)| format!("{}{}", tied(i), line(b, unit))).collect();
    tr_with(lang, "why.importance_summary", &[("n", &all.len()), ("bars", &lines.join("; "))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::examples;

    #[test]
    fn bars_begin_at_zero_and_stay_inside() {
        for n in [0, 1, 15, 200] {
            let s = examples::summary(n);
            let l = lay_out(&s.importance, None, 420.0);
            assert_eq!(l.rows.len(), n.min(MOST));
            assert_eq!(l.axis.at(0.0), l.axis.left);
            for b in s.importance.iter().take(MOST) {
                assert!(l.axis.at(b.interval.1) <= l.axis.right + 0.01 && l.axis.at(b.mean_abs) > l.axis.left);
            }
        }
    }

    #[test]
    fn diamonds_stay_inside_and_are_heard() {
        let s = examples::summary(3);
        let features = s.importance.iter().map(|i| Beside {
            name: i.name.clone(),
            size: 9.0,
            interval: Some((8.0, 10.0)),
            mean: -9.0,
            size_of_all: i.mean_abs,
        });
        let b = Brushed {
            outcome: "y".into(),
            scale: crate::ml::model::Scale::Probability,
            rows: 2,
            of: 9,
            output: 0.1,
            output_of_all: 0.2,
            features: features.collect(),
        };
        let l = lay_out(&s.importance, Some(&b), 420.0);
        assert!(l.axis.at(9.0) <= l.axis.right + 0.01 && l.axis.at(9.0) > lay_out(&s.importance, None, 420.0).axis.left);
        assert!(beside_words(Some(&b), &s.importance[0], Unit::Probability, Lang::En).contains("900.0 pp"));
        let exact = exact_beside(Some(&b), &s.importance[0], Unit::Probability, Lang::En).unwrap();
        assert!(exact.contains("800.0 pp") && exact.contains("−900.0 pp"), "{exact}");
        // A summary of other features has no diamonds.
        let other = Importance { name: "other".into(), ..s.importance[0].clone() };
        assert!(beside(Some(&b), &other).is_none() && beside(None, &s.importance[0]).is_none());
    }

    #[test]
    fn tied_bars_say_so() {
        let mut s = examples::summary(4);
        s.importance[0].tied = true;
        s.importance[2].tied = true;
        s.importance[3].tied = true;
        s.importance[3].mean_abs = 0.0;
        let tied: Vec<bool> = (0..5).map(|i| is_tied(&s.importance, i)).collect();
        assert_eq!(tied, [false, false, true, false, false], "nothing stands before the first, and nothing is no bar");
        for lang in [Lang::En, Lang::Zh] {
            assert!(tied_words(&s.importance, 2, lang).unwrap().contains("feature_1") && tied_words(&s.importance, 1, lang).is_none());
        }
        let said = summary(&s.importance, Unit::Probability, Lang::En);
        assert!(said.contains("; ≈ feature_2: ") && said.matches('≈').count() == 1, "{said}");
    }

    #[test]
    fn twins_are_bracketed_without_crossing() {
        let s = examples::summary(20);
        let feature = |i: usize| s.importance[i].feature;
        let pair = |a: usize, b: usize| Twins { a: feature(a), b: feature(b), correlation: 0.9 };
        // The last of these has no bar, and five that lie over each other do not all fit.
        let some = [pair(3, 1), pair(0, 2), pair(4, 5), pair(0, 18)];
        assert_eq!(brackets(&s.importance, &some), [(0, 4, 5), (0, 0, 2), (1, 1, 3)]);
        let many: Vec<Twins> = (0..5).map(|i| pair(i, 10 + i)).collect();
        assert_eq!(brackets(&s.importance, &many).len(), LANES);
        assert!(brackets(&[], &some).is_empty());
        let said = twins_words(&s.importance, 0, &some, Lang::En).unwrap();
        assert!(said.contains(&s.importance[2].name) && said.contains(&s.importance[18].name) && said.contains("r = 0.90"), "{said}");
        assert_eq!(twins_words(&s.importance, 6, &some, Lang::En), None);
    }

    #[test]
    fn a_click_selects_and_long_names_fit() {
        use egui_kittest::Harness;
        use egui_kittest::kittest::Queryable as _;
        let mut s = examples::summary(3);
        s.importance[0].name = "n".repeat(80);
        let touched = std::cell::RefCell::new(None);
        let mut h = Harness::builder().with_size([420.0, 200.0]).build_ui(|ui| {
            let touch = super::ui(ui, &s.importance, (None, &[]), Unit::Probability, Lang::En, None, None);
            if touch.clicked.is_some() {
                *touched.borrow_mut() = touch.clicked;
            }
        });
        h.run();
        h.get_by_label(&line(&s.importance[1], Unit::Probability)).click();
        h.run();
        assert_eq!(*touched.borrow(), Some(1));
    }
}
