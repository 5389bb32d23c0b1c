//! Features together: which pairs act jointly, whose values part the effects of the selected feature; and how much worse
//! the model predicts without a feature. What costs something is computed once it is unfolded.

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::lit::{self, Lit};
use super::{Subject, standing};
use crate::base::{Lang, numbers, tr};
use crate::explain::pairs::{self as joint_pairs, Partner};
use crate::explain::words;
use crate::ml::model::Scale;
use crate::session::state::{Answer, Ask, Question, Why};
use crate::ui::Cx;
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::scatter::{self, Point};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Points that are drawn.
const POINTS: usize = 600;

/// What the panes remember.
#[derive(Default)]
pub struct PairsPane {
    made: Option<(Arc<Why>, usize, Option<Partner>, Vec<Point>)>,
}

impl PairsPane {
    /// The selected feature's effects, parted by the feature that parts them most.
    pub fn parted(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Arc<Why>, twins: &mut figure::Twins, lit: &Lit) {
        let features = subject.model.card().features();
        let a = &why.attribution;
        if features.len() != a.n_features() {
            return;
        }
        let first = || why.summary.importance.first().map(|i| i.feature);
        let selected = cx.session.selection.feature.as_ref().and_then(|n| a.features.iter().position(|f| f == n));
        let Some(of) = selected.or_else(first) else { return };
        if !self.made.as_ref().is_some_and(|(w, f, ..)| Arc::ptr_eq(w, why) && *f == of) {
            let partner = joint_pairs::partner(a, features, of);
            let points = partner.as_ref().map_or_else(Vec::new, |p| points(why, of, p, features[of].is_categorical()));
            self.made = Some((why.clone(), of, partner, points));
        }
        let Some((_, _, Some(partner), points)) = &self.made else { return };
        let (lang, unit, other) = (cx.lang(), subject.unit, &features[partner.feature]);
        let side = |high: Option<bool>| match (high, other.is_categorical()) {
            (None, _) => format!("{}: {}", other.name, tr(lang, "why.missing")),
            (Some(true), true) => format!("{} = {}", other.name, other.show(partner.from)),
            (Some(false), true) => format!("{} ≠ {}", other.name, other.show(partner.from)),
            (Some(true), false) => format!("{} ≥ {}", other.name, other.show(partner.from)),
            (Some(false), false) => format!("{} < {}", other.name, other.show(partner.from)),
        };
        let value = |i: usize| a.input_shown(i, of, features);
        let at = |row: u32| a.rows.iter().position(|r| *r == row).unwrap_or(0);
        let table = || figure::Table {
            header: vec![
                tr(lang, "why.row").to_owned(),
                a.features[of].clone(),
                other.name.clone(),
                tr(lang, "why.effect_column").to_owned(),
            ],
            rows: points
                .iter()
                .map(|p| {
                    let i = at(p.row);
                    let their = a.input_shown(i, partner.feature, features);
                    vec![numbers::count(i64::from(p.row) + 1), value(i), their, unit.effect(p.y)]
                })
                .collect(),
        };
        let svg = || {
            let marks: Vec<_> = points.iter().map(|p| (p.x, p.y, p.high)).collect();
            let title = format!("{}: {}", a.features[of], tr(lang, "why.parted"));
            crate::report::svg::scatter(&title, &marks, (&a.features[of], unit.effect_name(lang)), |v| unit.effect(v))
        };
        let source = figure::Source { table: Box::new(table), csv: None, svg: Some(Box::new(svg)) };
        let (high, low) = (side(Some(true)), side(Some(false)));
        let said = words::parted(partner, &a.features[of], (&high, &low), a.scale, lang);
        let caption = cx.tw("why.parted_caption", &[("high", &high), ("low", &low), ("said", &said)]);
        let levels = features[of].is_categorical().then(|| features[of].levels());
        let touch = figure::ui(ui, cx, twins, "why.parted", &caption, &source, |ui, cx| {
            let title = format!("{}: {caption}", cx.t("why.parted"));
            scatter::ui(ui, &title, points, levels, (&a.features[of], unit), lit.marks(cx.session, cx.hovered.row), |p| {
                let row = cx.tw("why.row_n", &[("row", &numbers::count(i64::from(p.row) + 1))]);
                vec![row, format!("{} = {}: {}", a.features[of], value(at(p.row)), unit.effect(p.y)), side(p.high)]
            })
        });
        drop(source);
        if let Some(touch) = touch {
            cx.hover.row = touch.hovered.or(cx.hover.row);
            if touch.clicked.is_some() {
                cx.select(|s| s.row = touch.clicked);
            }
            if let Some(rows) = touch.many {
                let inside = points.iter().filter(|p| rows.binary_search(&p.row).is_ok()).map(|p| a.input(at(p.row))[of]);
                let mut values: Vec<f64> = inside.collect();
                values.sort_by(f64::total_cmp);
                values.dedup();
                let stretches: Vec<(f64, f64)> = match (levels, values.as_slice()) {
                    (None, [low, .., high]) => vec![(*low, *high)],
                    _ => values.iter().map(|v| (*v, *v)).collect(),
                };
                let condition = lit::condition(cx.session, &**subject.model, &a.features[of], &stretches);
                lit::brush(cx, rows, condition);
            }
        }
    }

    /// Pairs that act jointly, and the features by what the model loses without them.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
        if joint_pairs::known(&**subject.model) {
            fold(ui, cx, "why.pairs", |ui, cx| joint(ui, cx, subject, twins));
        }
        fold(ui, cx, "why.shuffled", |ui, cx| shuffled(ui, cx, subject, twins));
    }
}

/// A heading that opens; nothing under it is asked for before.
pub fn fold(ui: &mut Ui, cx: &mut Cx<'_>, key: &'static str, add: impl FnOnce(&mut Ui, &mut Cx<'_>)) {
    ui.add_space(crate::ui::theme::SPACE);
    let title = egui::RichText::new(cx.t(key)).strong();
    egui::CollapsingHeader::new(title).id_salt(key).show(ui, |ui| add(ui, cx));
}

fn points(why: &Why, of: usize, partner: &Partner, levels: bool) -> Vec<Point> {
    let a = &why.attribution;
    let step = a.rows.len().div_ceil(POINTS).max(1);
    (0..a.rows.len())
        .step_by(step)
        .filter(|i| !a.input(*i)[of].is_nan() && (!levels || a.input(*i)[of] >= 0.0))
        .map(|i| {
            // Always the same place for the same row.
            let aside = f64::from((a.rows[i].wrapping_mul(2_654_435_769)) >> 16) / 65_536.0 - 0.5;
            let x = a.input(i)[of] + if levels { 0.6 * aside } else { 0.0 };
            Point { row: a.rows[i], x, y: a.row(i)[of], high: partner.high[i] }
        })
        .collect()
}

fn joint(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
    let question = Question::Pairs { model: subject.name.to_owned(), outcome: subject.outcome };
    let ask = Ask::Deeper(question.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    let Some(answer) = cx.session.answer(&question).cloned() else { return };
    let Answer::Pairs(found) = &*answer else { return };
    let unit = Unit::of(subject.model.card().outcomes.get(subject.outcome), Scale::Margin);
    let share: [(&str, &dyn std::fmt::Display); 2] =
        [("share", &numbers::percent(found.joint)), ("rows", &numbers::count(found.rows as i64))];
    basic::caption(ui, &words::pairs(found, cx.lang()));
    if found.pairs.is_empty() {
        return;
    }
    let bare = |v: f64| unit.effect(v).trim_start_matches('+').to_owned();
    let line = |p: &joint_pairs::Pair| Line { name: format!("{} × {}", p.a, p.b), marks: vec![(p.size, p.low, p.high)] };
    let lines: Vec<Line> = found.pairs.iter().map(line).collect();
    let lang = cx.lang();
    let source = intervals(&lines, lang, &bare);
    let caption = cx.tw("why.pairs_caption", &share);
    let clicked = figure::ui(ui, cx, twins, "why.pairs_title", &caption, &source, |ui, cx| {
        dots::ui(ui, cx.t("why.pairs_title"), &lines, &[], &bare, unit.effect_name(lang), None)
    });
    if let Some(Some(i)) = clicked {
        let name = found.pairs[i].a.clone();
        cx.select(|s| s.feature = Some(name));
    }
}

fn shuffled(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
    let question = Question::Shuffled { model: subject.name.to_owned(), outcome: subject.outcome };
    let ask = Ask::Deeper(question.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    let Some(answer) = cx.session.answer(&question).cloned() else { return };
    let Answer::Shuffled(found) = &*answer else { return };
    let lines: Vec<Line> =
        found.features.iter().take(15).map(|f| Line { name: f.name.clone(), marks: vec![(f.mean, f.low, f.high)] }).collect();
    let (lang, show) = (cx.lang(), |v: f64| numbers::signed(v));
    // What costs nothing has no order to speak of.
    let tied = tied_words(&lines, |i| found.features[i].tied && found.features[i].low > 0.0, lang);
    let source = intervals_tied(&lines, &tied, lang, &show);
    let loss = cx.t(if found.loss == "mse" { "explain.loss_mse" } else { "explain.loss_log" });
    ui.add(egui::Label::new(words::shuffled(found, lang)).wrap());
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("rows", &numbers::count(found.rows as i64)), ("n", &found.repeats), ("loss", &loss), ("base", &numbers::plain(found.base))];
    let caption = cx.tw("why.shuffled_caption", &fields);
    let selected = cx.session.selection.feature.clone();
    let clicked = figure::ui(ui, cx, twins, "why.shuffled_title", &caption, &source, |ui, cx| {
        dots::tied(ui, cx.t("why.shuffled_title"), &lines, &tied, &show, loss, selected.as_deref())
    });
    if let Some(Some(i)) = clicked {
        let name = lines[i].name.clone();
        cx.select(|s| s.feature = Some(name));
    }
}

/// What is said of a line whose order against the one before it is not certain.
pub fn tied_words(lines: &[Line], is: impl Fn(usize) -> bool, lang: Lang) -> Vec<Option<String>> {
    let words = |i: usize| crate::base::tr_with(lang, "why.tied_with", &[("feature", &lines[i - 1].name)]);
    (0..lines.len()).map(|i| (i > 0 && is(i)).then(|| words(i))).collect()
}

/// Table and file of lines with one mark each.
pub fn intervals<'a>(lines: &'a [Line], lang: Lang, show: &'a dyn Fn(f64) -> String) -> figure::Source<'a> {
    intervals_tied(lines, &[], lang, show)
}

/// The same; where lines can be tied, the table and the file say with which.
pub fn intervals_tied<'a>(
    lines: &'a [Line],
    tied: &'a [Option<String>],
    lang: Lang,
    show: &'a dyn Fn(f64) -> String,
) -> figure::Source<'a> {
    let header = move || {
        let columns = ["why.feature", "why.mean_size_column", "why.low_column", "why.high_column"].into_iter();
        columns.chain((!tied.is_empty()).then_some("why.tied_column")).map(|k| tr(lang, k).to_owned()).collect()
    };
    let is_tied = move |i: usize| tied.get(i).is_some_and(Option::is_some);
    let with = move |i: usize| (!tied.is_empty()).then(|| if is_tied(i) { lines[i - 1].name.clone() } else { String::new() });
    let rows = move |show: &dyn Fn(f64) -> String| -> Vec<Vec<String>> {
        let row = |(i, l): (usize, &Line)| {
            let m = l.marks[0];
            [l.name.clone(), show(m.0), show(m.1), show(m.2)].into_iter().chain(with(i)).collect()
        };
        lines.iter().enumerate().map(row).collect()
    };
    figure::Source {
        table: Box::new(move || figure::Table { header: header(), rows: rows(show) }),
        csv: Some(Box::new(move || figure::Table {
            header: ["name", "mean", "low", "high"]
                .into_iter()
                .chain((!tied.is_empty()).then_some("tied_with"))
                .map(str::to_owned)
                .collect(),
            rows: rows(&|v| v.to_string()),
        })),
        svg: Some(Box::new(move || {
            let rows: Vec<_> = lines.iter().map(|l| (l.name.clone(), l.marks[0].0, Some((l.marks[0].1, l.marks[0].2)))).collect();
            let tied: Vec<bool> = (0..rows.len()).map(is_tied).collect();
            crate::report::svg::bars_tied(tr(lang, "why.mean_size_column"), &rows, &tied, show)
        })),
    }
}
