//! What the outcome does along one feature, beside what the rows' attributions say of it; and two features together.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::lit::{self, Lit};
use super::{Subject, name_it, standing};
use crate::base::{Lang, numbers, tr};
use crate::explain::effect::{EffectCurve, Fan, Kind};
use crate::explain::summary::{DependenceBin, Importance};
use crate::explain::words;
use crate::report::svg;
use crate::session::state::{Answer, Ask, Command, Question, Why};
use crate::ui::Cx;
use crate::ui::widgets::matrix;
use crate::ui::widgets::{basic, brush, dependence, fan, figure};

/// What the pane remembers.
#[derive(Default)]
pub struct EffectPane {
    kind: Kind,
    second: Option<String>,
    cache: matrix::Cache,
    last: Option<Arc<Answer>>,
    /// Whether curves of single rows all begin at zero.
    centred: bool,
    /// Those curves, of the answer they were made of.
    fan: Option<(Arc<Answer>, bool, Fan)>,
    /// Cells of the map that the brushed rows lie in: of which answer and rows, and which.
    marked: Option<(Arc<Answer>, Vec<usize>, Vec<matrix::Cell>)>,
}

impl EffectPane {
    /// Draws the effect of the selected feature, else of the most important one.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        (why, shown, lit): (&Why, Option<u32>, &Lit),
        twins: &mut figure::Twins,
    ) {
        let features = subject.model.card().features();
        let a = &why.attribution;
        let lone = |at: usize| a.feature(at, features).map(|f| f.name.clone());
        let first = || why.summary.importance.iter().find_map(|i| lone(i.feature));
        let selected = cx.session.selection.feature.as_ref().and_then(|name| {
            // Of a group of features, the first can be gone along; the others are picked by name.
            let group = a.features.iter().position(|f| f == name).map_or(&[][..], |at| a.group(at));
            let own = features.iter().find(|f| f.name == *name).or_else(|| features.get(*group.first()?));
            own.map(|f| f.name.clone())
        });
        let Some(feature) = selected.or_else(first) else { return };
        if self.second.as_ref() == Some(&feature) || self.kind == Kind::Ice {
            self.second = None;
        }
        basic::section(ui, &cx.tw("why.effect_of", &[("feature", &feature)]));
        ui.horizontal_wrapped(|ui| {
            for (kind, key, help) in [
                (Kind::Ale, "why.effect_ale", "why.effect_ale_help"),
                (Kind::Pdp, "why.effect_pdp", "why.effect_pdp_help"),
                (Kind::Ice, "why.effect_ice", "why.effect_ice_help"),
            ] {
                if ui.selectable_label(self.kind == kind, cx.t(key)).on_hover_text(cx.t(help)).clicked() {
                    self.kind = kind;
                }
            }
            if self.kind == Kind::Ice {
                ui.checkbox(&mut self.centred, cx.t("why.effect_centred")).on_hover_text(cx.t("why.effect_centred_help"));
                return;
            }
            ui.add(egui::Label::new(RichText::new(cx.t("why.together_with")).color(cx.tokens.weak)).extend());
            let shown = self.second.clone().unwrap_or_else(|| cx.t("why.nothing_else").to_owned());
            let combo = egui::ComboBox::from_id_salt("why-second").selected_text(basic::shorten(&shown, 22)).show_ui(ui, |ui| {
                if ui.selectable_label(self.second.is_none(), cx.t("why.nothing_else")).clicked() {
                    self.second = None;
                }
                for f in features.iter().filter(|f| f.name != feature) {
                    if ui
                        .selectable_label(self.second.as_ref() == Some(&f.name), basic::shorten(&f.name, 40))
                        .on_hover_text(&f.name)
                        .clicked()
                    {
                        self.second = Some(f.name.clone());
                    }
                }
            });
            name_it(&combo.response, cx.t("why.together_with"), &shown);
        });
        let question = Question::Effect {
            model: subject.name.to_owned(),
            outcome: subject.outcome,
            scale: subject.options.scale,
            feature: feature.clone(),
            second: self.second.clone(),
            kind: self.kind,
            row: shown.filter(|_| self.kind == Kind::Ice),
        };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(answer) = cx.session.answer(&question) {
            self.last = Some(answer.clone());
        }
        let Some(last) = self.last.clone() else { return };
        let Answer::Effect(curve) = &*last else { return };
        let lang = cx.lang();
        ui.add(egui::Label::new(words::curve(curve, lang)).wrap());
        if curve.kind == Kind::Ice {
            self.rows(ui, cx, subject, &last, (shown, lit), twins);
            for notice in &curve.warnings {
                basic::caption(ui, &notice.say(lang));
            }
            return;
        }
        let caption = cx.tw("why.effect_caption", &[("n", &numbers::count(curve.rows as i64))]);
        let unit = subject.unit;
        let source = figure::Source {
            table: Box::new(|| table(curve, lang)),
            csv: Some(Box::new(|| table(curve, lang))),
            svg: Some(Box::new(|| if curve.feature_2.is_none() { one_svg(curve, subject, lang) } else { map_svg(curve, subject) })),
        };
        if curve.feature_2.is_some() {
            let m = curve.map();
            let key = Arc::as_ptr(&last) as *const () as u64;
            let (cache, title) = (&mut self.cache, words::curve(curve, lang));
            let (low, high) = (unit.effect(-m.most), unit.effect(m.most));
            let names = (curve.feature.clone(), curve.feature_2.clone().unwrap_or_default());
            if curve.kind == Kind::Ale {
                map_to_report(ui, cx, &names);
            }
            // Where the rows that are explained stand in the map.
            let column = |name: &str| (0..a.n_features()).find(|f| a.features[*f] == name && a.group(*f).is_empty());
            let levels = |name: &str| features.iter().any(|f| f.name == name && f.is_categorical());
            let stands = Stands::new(curve, column(&names.0).zip(column(&names.1)), (levels(&names.0), levels(&names.1)));
            if !self.marked.as_ref().is_some_and(|(l, b, _)| Arc::ptr_eq(l, &last) && b == lit.brushed()) {
                let cells = lit.brushed().iter().filter_map(|i| stands.cell(a.input(*i))).collect();
                self.marked = Some((last.clone(), lit.brushed().to_vec(), cells));
            }
            let cells = self.marked.as_ref().map_or_else(Vec::new, |m| m.2.clone());
            let marked = matrix::Marked { cells, ..matrix::Marked::default() };
            let touch = figure::ui(ui, cx, twins, "why.effect_map", &caption, &source, |ui, cx| {
                let touch = matrix::ui(ui, &m, cache, key, &title, Some(220.0), &marked, |(l, x)| {
                    let value = m.values[l * m.across + x];
                    let place = format!("{} = {}, {} = {}", names.0, m.places[x], names.1, m.lines[l]);
                    let rows = m.weight[l * m.across + x];
                    vec![place, unit.effect(value), cx.tw("why.effect_share", &[("share", &numbers::percent(rows))])]
                });
                matrix::legend(ui, &low, &high);
                touch
            });
            drop(source);
            if let Some((places, lines)) = touch.and_then(|t| t.many.zip(t.lines)) {
                let inside = |(l, x): matrix::Cell| (lines.0..=lines.1).contains(&l) && (places.0..=places.1).contains(&x);
                let mut rows: Vec<u32> =
                    (0..a.rows.len()).filter(|i| stands.cell(a.input(*i)).is_some_and(inside)).map(|i| a.rows[i]).collect();
                rows.sort_unstable();
                lit::brush(cx, rows, None);
            }
        } else {
            let of = as_dependence(curve);
            figure::ui(ui, cx, twins, "why.effect", &caption, &source, |ui, _| dependence::ui(ui, &of, curve.categorical, unit, lang, &[]));
        }
        for notice in &curve.warnings {
            basic::caption(ui, &notice.say(lang));
        }
    }
}

impl EffectPane {
    /// Curves of single rows with their mean; a click selects a row.
    fn rows(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        last: &Arc<Answer>,
        (shown, lit): (Option<u32>, &Lit),
        twins: &mut figure::Twins,
    ) {
        let Answer::Effect(curve) = &**last else { return };
        let same = self.fan.as_ref().is_some_and(|(a, c, _)| Arc::ptr_eq(a, last) && *c == self.centred);
        if !same {
            self.fan = curve.fan(self.centred).map(|f| (last.clone(), self.centred, f));
        }
        let Some((_, centred, fan)) = &self.fan else { return };
        let (lang, unit, title) = (cx.lang(), subject.unit, words::curve(curve, cx.lang()));
        let marked = lit.marks(cx.session, cx.hovered.row);
        let marks = brush::Marks { row: marked.row.or(shown), rows: marked.rows, hovered: marked.hovered, lit: marked.lit };
        let look = fan::Look { title: &title, name: &curve.feature, levels: curve.categorical, centred: *centred, unit, lang, marks };
        let source = figure::Source {
            table: Box::new(|| rows_table(fan, curve, lang, &|v| if *centred { unit.effect(v) } else { unit.level(v) })),
            csv: Some(Box::new(|| rows_table(fan, curve, lang, &|v| v.to_string()))),
            svg: Some(Box::new(|| {
                let places = |v: &[f64]| -> Vec<(f64, f64)> {
                    fan.places.iter().zip(v).enumerate().map(|(k, (p, v))| (if curve.categorical { k as f64 } else { p.0 }, *v)).collect()
                };
                let own = fan.lines.iter().find(|(row, _)| Some(*row) == shown).map(|(_, v)| places(v));
                let lines: Vec<_> = fan.lines.iter().map(|(_, v)| places(v)).collect();
                let levels: Vec<String> = fan.places.iter().filter(|_| curve.categorical).map(|p| p.1.clone()).collect();
                svg::fan(
                    &format!("{}: {}", curve.feature, tr(lang, "why.effect_rows")),
                    &lines,
                    &places(&fan.mean),
                    own.as_deref(),
                    (&curve.feature, unit.level_name(lang)),
                    &levels,
                )
            })),
        };
        let words: [(&str, &dyn std::fmt::Display); 2] = [("n", &fan.sampled), ("rows", &numbers::count(curve.rows as i64))];
        let caption = cx.tw("why.effect_rows_caption", &words);
        let touch = figure::ui(ui, cx, twins, "why.effect_rows", &caption, &source, |ui, _| fan::ui(ui, fan, &look));
        drop(source);
        let Some(touch) = touch else { return };
        if touch.hovered.is_some() {
            cx.hover.row = touch.hovered;
        }
        if let Some(row) = touch.clicked {
            cx.select(|s| s.row = Some(row));
        }
        if let Some(rows) = touch.many {
            lit::brush(cx, rows, None);
        }
    }
}

/// Which cell of a map a row stands in: the nearest number, or the level itself.
struct Stands {
    columns: Option<(usize, usize)>,
    places: Vec<f64>,
    lines: Vec<f64>,
    /// Whether values are levels, of the one and of the other.
    levels: (bool, bool),
}

impl Stands {
    fn new(c: &EffectCurve, columns: Option<(usize, usize)>, levels: (bool, bool)) -> Self {
        let (mut places, mut lines): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for p in &c.points {
            let b = p.value_2.unwrap_or(f64::NAN);
            if !lines.contains(&b) {
                lines.push(b);
            }
            if !places.contains(&p.value) {
                places.push(p.value);
            }
        }
        lines.reverse();
        Self { columns, places, lines, levels }
    }

    fn cell(&self, row: &[f64]) -> Option<matrix::Cell> {
        let (a, b) = self.columns?;
        let near = |all: &[f64], v: f64, level: bool| {
            let off = |i: &usize| (all[*i] - v).abs();
            let at = (0..all.len()).filter(|i| off(i).is_finite()).min_by(|i, j| off(i).total_cmp(&off(j)))?;
            (!level || off(&at) < 0.5).then_some(at)
        };
        Some((near(&self.lines, *row.get(b)?, self.levels.1)?, near(&self.places, *row.get(a)?, self.levels.0)?))
    }
}

/// Whether the report draws the map of these two features.
fn map_to_report(ui: &mut Ui, cx: &mut Cx<'_>, names: &(String, String)) {
    let Some(mut explain) = cx.session.recipe.as_ref().map(|r| r.explain.clone()) else { return };
    let there = explain.maps.contains(names);
    let key = if there { "why.in_report" } else { "why.map_to_report" };
    if ui.selectable_label(there, cx.t(key)).on_hover_text(cx.t("why.map_to_report_help")).clicked() {
        explain.maps.retain(|m| m != names);
        if !there {
            explain.maps.push(names.clone());
        }
        cx.command(Command::SetExplain(explain));
    }
}

/// Curves of single rows as a table: a line for the mean, then one for each row.
fn rows_table(fan: &Fan, curve: &EffectCurve, lang: Lang, show: &dyn Fn(f64) -> String) -> figure::Table {
    let header = std::iter::once(curve.feature.clone()).chain(fan.places.iter().map(|p| p.1.clone())).collect();
    let line = |name: String, values: &[f64]| std::iter::once(name).chain(values.iter().map(|v| show(*v))).collect::<Vec<_>>();
    let mut rows = vec![line(tr(lang, "why.mean_column").to_owned(), &fan.mean)];
    rows.extend(fan.lines.iter().map(|(row, v)| line(numbers::count(i64::from(*row) + 1), v)));
    figure::Table { header, rows }
}

/// A curve as the dependence picture draws it: differences from the average.
fn as_dependence(c: &EffectCurve) -> Importance {
    let middle = if c.kind == Kind::Ale { 0.0 } else { c.mean };
    let bin = |p: &crate::explain::effect::Point| DependenceBin {
        label: p.label.clone(),
        x: p.value,
        from: p.value,
        to: p.value,
        rows: (p.density * c.rows as f64).round() as usize,
        mean: p.effect - middle,
        interval: None,
        low: p.low - middle,
        high: p.high - middle,
    };
    Importance {
        feature: 0,
        name: c.feature.clone(),
        mean_abs: 0.0,
        interval: (0.0, 0.0),
        tied: false,
        mean: 0.0,
        direction: None,
        dots: Vec::new(),
        dependence: c.points.iter().map(bin).collect(),
    }
}

fn map_svg(curve: &EffectCurve, subject: &Subject<'_>) -> String {
    let second = curve.feature_2.as_deref().unwrap_or_default();
    let title = format!("{} × {second}", curve.feature);
    svg::map(&title, &curve.map(), (&curve.feature, second), |x| subject.unit.effect(x))
}

fn table(c: &EffectCurve, lang: Lang) -> figure::Table {
    let t = |k| tr(lang, k).to_owned();
    let mut header = vec![c.feature.clone()];
    header.extend(c.feature_2.clone());
    header.extend([t("why.effect_column"), t("why.low_column"), t("why.high_column"), t("why.effect_density")]);
    let show = |v: f64| if v.is_nan() { String::new() } else { v.to_string() };
    let rows = c.points.iter().map(|p| {
        let mut row = vec![p.label.clone()];
        row.extend(p.label_2.clone());
        row.extend([show(p.effect), show(p.low), show(p.high), show(p.density)]);
        row
    });
    figure::Table { header, rows: rows.collect() }
}

fn one_svg(c: &EffectCurve, subject: &Subject<'_>, lang: Lang) -> String {
    let unit = subject.unit;
    let of = as_dependence(c);
    let title = format!("{}: {}", c.feature, tr(lang, "why.effect"));
    if c.categorical {
        let rows: Vec<_> = of.dependence.iter().map(|b| (b.label.clone(), b.mean, Some((b.low, b.high)))).collect();
        return svg::bars(&title, &rows, |x| unit.effect(x));
    }
    let line = |y: fn(&DependenceBin) -> f64| of.dependence.iter().map(|b| (b.x, y(b))).collect();
    let series: [(&str, Vec<(f64, f64)>); 3] = [
        (tr(lang, "why.mean_column"), line(|b| b.mean)),
        (tr(lang, "why.low_column"), line(|b| b.low)),
        (tr(lang, "why.high_column"), line(|b| b.high)),
    ];
    svg::lines(&title, &series, (&c.feature, unit.effect_name(lang)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_where_their_values_are_nearest() {
        let s = Stands { columns: Some((0, 2)), places: vec![0.0, 10.0, 20.0], lines: vec![2.0, 1.0, 0.0], levels: (false, true) };
        for (row, cell) in [
            ([4.0, 9.0, 2.0], Some((0, 0))),
            ([6.0, 9.0, 0.0], Some((2, 1))),
            ([900.0, 9.0, 1.0], Some((1, 2))),
            // A level that the map does not hold, and a value that is missing, stand nowhere.
            ([4.0, 9.0, 7.0], None),
            ([f64::NAN, 9.0, 1.0], None),
        ] {
            assert_eq!(s.cell(&row), cell, "{row:?}");
        }
        assert_eq!(Stands { columns: None, ..s }.cell(&[4.0, 9.0, 2.0]), None);
    }
}
