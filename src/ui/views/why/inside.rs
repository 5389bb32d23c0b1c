//! Inside a group of features: what its members do when they play for themselves; for the row that is explained, and for
//! the rows together. A click on the group opens it.

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::lit::Lit;
use super::{Subject, levels as levels_pane, many, standing};
use crate::base::{Lang, tr};
use crate::explain::inside::{Inside, inside};
use crate::explain::{ExplainOptions, words};
use crate::session::state::{Ask, Why, WhyRequest, WhyRows};
use crate::ui::Cx;
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::{basic, figure};

/// What was opened: the group as one, its members, which row of them, the group's name, and what is in it.
type Made = (Arc<Why>, Arc<Why>, Option<u32>, String, Option<Inside>);

/// What the panes remember.
#[derive(Default)]
pub struct InsidePane {
    one: Option<Made>,
    many: Option<Made>,
    /// Levels of the selected member.
    levels: levels_pane::Kept,
}

impl InsidePane {
    /// For one row.
    pub fn row(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Arc<Why>, row: u32, twins: &mut figure::Twins) {
        let Some(opened) = opened(ui, cx, subject, why, WhyRows::Line(row)) else { return };
        let Some(inside) = made(&mut self.one, cx, subject, (why, &opened), Some(row)) else { return };
        let (unit, lang) = (subject.unit, cx.lang());
        ui.add(egui::Label::new(words::inside(inside, lang)).wrap());
        let bar = |m: &crate::explain::inside::Member| Bar {
            name: m.shown.as_ref().map_or_else(|| m.name.clone(), |s| format!("{} = {s}", m.name)),
            amount: m.value,
            shown: unit.effect(m.value),
            ..Bar::default()
        };
        let bars: Vec<Bar> = inside.members.iter().map(bar).collect();
        let source = figure::Source {
            table: Box::new(|| table(inside, lang, &|v| unit.effect(v))),
            csv: Some(Box::new(|| table(inside, lang, &|v| v.to_string()))),
            svg: Some(Box::new(|| {
                let rows: Vec<_> = bars.iter().map(|b| (b.name.clone(), b.amount, None)).collect();
                crate::report::svg::bars(tr(lang, "why.inside_row"), &rows, |v| unit.effect(v))
            })),
        };
        let caption = cx.t("why.inside_caption");
        let of = cx.session.selection.feature.as_ref().and_then(|n| inside.members.iter().position(|m| m.name == *n));
        let clicked = figure::ui(ui, cx, twins, "why.inside_row", caption, &source, |ui, _| signed_bars::pick(ui, &bars, caption, of));
        drop(source);
        if let Some(Some(i)) = clicked {
            let name = inside.members[i].name.clone();
            cx.select(|s| s.feature = Some(name));
        }
    }

    /// For the rows together.
    pub fn rows(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        (why, rows): (&Arc<Why>, WhyRows),
        twins: &mut figure::Twins,
        lit: &Lit,
    ) {
        let Some(opened) = opened(ui, cx, subject, why, rows) else { return };
        let Some(inside) = made(&mut self.many, cx, subject, (why, &opened), None) else { return };
        let (unit, lang) = (subject.unit, cx.lang());
        let bare = |v: f64| unit.effect(v).trim_start_matches('+').to_owned();
        let whole = cx.tw("why.inside_whole", &[("group", &inside.group)]);
        let one = |name: &str, size: f64, mean: f64| Bar {
            name: name.to_owned(),
            amount: size,
            shown: bare(size),
            help: cx.tw("why.mean_effect", &[("mean", &unit.effect(mean))]),
            ..Bar::default()
        };
        let mut bars = vec![one(&whole, inside.size, inside.whole)];
        bars.extend(inside.members.iter().map(|m| one(&m.name, m.size, m.value)));
        ui.add(egui::Label::new(words::inside(inside, lang)).wrap());
        let source = figure::Source {
            table: Box::new(|| table(inside, lang, &|v| unit.effect(v))),
            csv: Some(Box::new(|| table(inside, lang, &|v| v.to_string()))),
            svg: Some(Box::new(|| {
                let rows: Vec<_> = bars.iter().map(|b| (b.name.clone(), b.amount, None)).collect();
                crate::report::svg::bars(tr(lang, "why.inside_rows"), &rows, bare)
            })),
        };
        let caption = cx.t("why.inside_sizes_caption");
        let of = cx.session.selection.feature.as_ref().and_then(|n| bars.iter().position(|b| b.name == *n));
        let clicked = figure::ui(ui, cx, twins, "why.inside_rows", caption, &source, |ui, _| signed_bars::pick(ui, &bars, caption, of));
        drop(source);
        let group = inside.group.clone();
        if let Some(i) = clicked.flatten() {
            let name = if i == 0 { group } else { bars[i].name.clone() };
            cx.select(|s| s.feature = Some(name));
        }
        self.member(ui, cx, subject, &opened, twins, lit);
    }

    /// What the values of the selected member do, while it plays for itself.
    fn member(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, opened: &Arc<Why>, twins: &mut figure::Twins, lit: &Lit) {
        let Some(name) = &cx.session.selection.feature else { return };
        let a = &opened.attribution;
        let Some(at) = a.features.iter().position(|f| f == name).filter(|at| a.group(*at).is_empty()) else { return };
        if self.levels.look_up(opened, subject, at, lit) {
            levels_pane::ui(ui, cx, subject, &self.levels, twins, lit);
        } else if let Some(of) = opened.summary.importance.iter().find(|i| i.feature == at) {
            many::along(ui, cx, subject, (opened, of), twins, lit);
        }
    }
}

/// The place of the selected group among what is explained, or of the group that the selected feature is in.
fn selected(cx: &Cx<'_>, subject: &Subject<'_>, why: &Why) -> Option<usize> {
    let (name, a) = (cx.session.selection.feature.as_ref()?, &why.attribution);
    if let Some(at) = a.features.iter().position(|f| f == name) {
        return Some(at).filter(|at| !a.group(*at).is_empty());
    }
    let feature = subject.model.card().features().iter().position(|f| f.name == *name)?;
    (0..a.n_features()).find(|at| a.group(*at).contains(&feature))
}

/// Asks for the members of the selected group one by one; says what is inside while it waits.
fn opened(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Arc<Why>, rows: WhyRows) -> Option<Arc<Why>> {
    let at = selected(cx, subject, why)?;
    let players = subject.options.players.as_ref()?.opened(at, subject.model.card().features());
    basic::section(ui, &cx.tw("why.inside", &[("group", &why.attribution.features[at])]));
    let options = ExplainOptions { players: Some(Arc::new(players)), ..subject.options.clone() };
    let request = WhyRequest { options, ..subject.request(rows) };
    let ask = Ask::Why(request.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    cx.session.why(&request).cloned()
}

/// What is inside, computed once per pair of answers.
fn made<'a>(
    kept: &'a mut Option<Made>,
    cx: &Cx<'_>,
    subject: &Subject<'_>,
    (whole, opened): (&Arc<Why>, &Arc<Why>),
    row: Option<u32>,
) -> Option<&'a Inside> {
    let name = &whole.attribution.features[selected(cx, subject, whole)?];
    let same = kept.as_ref().is_some_and(|(w, o, r, n, _)| Arc::ptr_eq(w, whole) && Arc::ptr_eq(o, opened) && *r == row && n == name);
    if !same {
        let features = subject.model.card().features();
        let found = inside(&whole.attribution, &opened.attribution, name, row, features).ok();
        *kept = Some((whole.clone(), opened.clone(), row, name.clone(), found));
    }
    kept.as_ref()?.4.as_ref()
}

fn table(i: &Inside, lang: Lang, show: &dyn Fn(f64) -> String) -> figure::Table {
    let t = |k| tr(lang, k).to_owned();
    let mut header = vec![t("why.feature"), t("why.effect_column"), t("why.mean_size_column")];
    // A sum of members has no mean size of its own.
    let line = |name: String, value: f64, size: Option<f64>| vec![name, show(value), size.map_or_else(String::new, show)];
    let mut rows: Vec<Vec<String>> = i.members.iter().map(|m| line(m.name.clone(), m.value, Some(m.size))).collect();
    rows.push(line(t("why.inside_sum"), i.sum, None));
    rows.push(line(i.group.clone(), i.whole, Some(i.size)));
    rows.push(line(t("why.inside_rest"), i.rest, None));
    if i.row.is_some() {
        header.truncate(2);
        rows.iter_mut().for_each(|r| r.truncate(2));
    }
    figure::Table { header, rows }
}
