//! Why this and not that: the row against a pinned one, two groups, or two models on the same rows. The bars give the
//! difference; what remains is always said.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::rows::{Words, condition};
use super::{Subject, name_it, standing};
use crate::base::{Lang, numbers, tr};
use crate::data::segment::quoted;
use crate::explain::contrast::{Contrast, Kind};
use crate::explain::{ExplainOptions, words};
use crate::ml::model::Scale;
use crate::ml::{Outcome, OutcomeKind};
use crate::session::recipe::ContrastSpec;
use crate::session::state::{Answer, Ask, Command, Question, Sides, WhyRows};
use crate::ui::Cx;
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Bars that stand alone; the others are one.
const MOST: usize = 10;

/// Items that a pick list offers, best first.
const MOST_ITEMS: usize = 200;

/// The words around a group's condition.
const GROUP: Words = Words { label: "why.group", help: "why.group_help", hint: "why.group_hint" };

/// What is set against what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// This row and a pinned one.
    #[default]
    Rows,
    /// Two groups of rows.
    Groups,
    /// Two models.
    Models,
    /// Two ranked items.
    Items,
}

/// One of two groups, as it is picked.
#[derive(Default)]
struct Side {
    /// Its condition; `all` is everyone; the usual one if absent.
    chosen: Option<String>,
    /// Whether a condition of one's own is being typed.
    own: bool,
    text: String,
    fault: Option<String>,
}

/// What the pane remembers.
#[derive(Default)]
pub struct ContrastPane {
    mode: Mode,
    a: Side,
    b: Side,
    other: Option<String>,
    /// Two models on all explained rows instead of this one.
    many: bool,
    /// Two items of the ranking.
    items: (Option<String>, Option<String>),
    last: Option<(Question, Arc<Answer>)>,
}

impl ContrastPane {
    /// Draws the pickers and the difference for a row; `rows` are the ones explained together.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, (row, rows): (u32, &WhyRows), twins: &mut figure::Twins) {
        basic::section(ui, cx.t("why.compare"));
        // Items stand against each other once they are ranked for somebody.
        let ranked = cx.session.ranking().is_some_and(|r| r.items.len() > 1);
        if !ranked && self.mode == Mode::Items {
            self.mode = Mode::Rows;
        }
        ui.horizontal_wrapped(|ui| {
            for (mode, key, help) in [
                (Mode::Rows, "why.compare_rows", "why.compare_rows_help"),
                (Mode::Groups, "why.compare_groups", "why.compare_groups_help"),
                (Mode::Models, "why.compare_models", "why.compare_models_help"),
                (Mode::Items, "why.compare_items", "why.compare_items_help"),
            ] {
                if mode == Mode::Items && !ranked {
                    continue;
                }
                if ui.selectable_label(self.mode == mode, cx.t(key)).on_hover_text(cx.t(help)).clicked() {
                    self.mode = mode;
                }
            }
        });
        let picked = match self.mode {
            Mode::Rows => two_rows(ui, cx, row).map(|(sides, spec)| (sides, Some(spec))),
            Mode::Groups => self.groups(ui, cx, subject).map(|(sides, spec)| (sides, Some(spec))),
            Mode::Models => self.models(ui, cx, subject, row, rows).map(|(sides, spec)| (sides, Some(spec))),
            Mode::Items => self.two_items(ui, cx),
        };
        let Some((sides, spec)) = picked else { return };
        // The method follows from what is compared; players, scale and outcome are those of the room.
        let options = ExplainOptions { method: None, ..subject.options.clone() };
        let against = subject.against.clone().filter(|_| self.mode == Mode::Models);
        let question = Question::Contrast { model: subject.name.to_owned(), sides, options, against };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(answer) = cx.session.answer(&question) {
            self.last = Some((question.clone(), answer.clone()));
        }
        // An answer to another question would be read as one to this.
        let Some(answer) = self.last.as_ref().filter(|(q, _)| *q == question).map(|(_, a)| a.clone()) else { return };
        let Answer::Contrast(c) = &*answer else { return };
        difference(ui, cx, subject.model.card().outcomes.get(subject.outcome), c, twins);
        // The report has the ranking with its own first two.
        if let Some(spec) = spec {
            to_report(ui, cx, &spec);
        }
    }

    /// Two items of the ranking, for its person.
    fn two_items(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Option<(Sides, Option<ContrastSpec>)> {
        let ranking = cx.session.ranking()?;
        basic::caption(ui, &cx.tw("why.compare_person", &[("person", &ranking.person)]));
        let there = |item: &Option<String>| ranking.items.iter().any(|i| Some(&i.item) == item.as_ref());
        for (picked, usual) in [(&mut self.items.0, 0), (&mut self.items.1, 1)] {
            if !there(picked) {
                *picked = ranking.items.get(usual).map(|i| i.item.clone());
            }
        }
        ui.horizontal_wrapped(|ui| {
            for (id, label, picked) in
                [("why-item-a", "why.compare_a_item", &mut self.items.0), ("why-item-b", "why.compare_b_item", &mut self.items.1)]
            {
                let shown = picked.clone().unwrap_or_default();
                ui.label(RichText::new(cx.t(label)).color(cx.tokens.weak));
                let combo = egui::ComboBox::from_id_salt(id).selected_text(basic::shorten(&shown, 24)).show_ui(ui, |ui| {
                    for item in ranking.items.iter().take(MOST_ITEMS) {
                        if ui.selectable_label(item.item == shown, basic::shorten(&item.item, 40)).on_hover_text(&item.item).clicked() {
                            *picked = Some(item.item.clone());
                        }
                    }
                });
                name_it(&combo.response, cx.t(label), &shown);
            }
        });
        let (a, b) = (self.items.0.clone()?, self.items.1.clone()?);
        if a == b {
            basic::caption(ui, cx.t("why.compare_same_item"));
            return None;
        }
        Some((Sides::Items(ranking.person.clone(), a, b), None))
    }

    /// Two groups: what the analyst thinks of first, or a condition.
    fn groups(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) -> Option<(Sides, ContrastSpec)> {
        let (yes, no) = usual(subject.model.card().outcomes.get(subject.outcome));
        let segment = cx.session.selection.segment.clone();
        let offers: Vec<String> = [yes.clone(), no.clone(), segment, Some("all".to_owned())].into_iter().flatten().collect();
        let a = side(ui, cx, ("why-contrast-a", "why.compare_a"), &mut self.a, yes, &offers);
        let b = side(ui, cx, ("why-contrast-b", "why.compare_b"), &mut self.b, no.or_else(|| Some("all".to_owned())), &offers);
        let (Some(a), Some(b)) = (a, b) else {
            basic::caption(ui, cx.t("why.compare_pick_groups"));
            return None;
        };
        if a == b {
            basic::caption(ui, cx.t("why.compare_same"));
            return None;
        }
        let spec = ContrastSpec::Groups { group: a.clone(), against: b.clone() };
        Some((Sides::Groups(a, b), spec))
    }

    /// This model and another.
    fn models(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: u32, rows: &WhyRows) -> Option<(Sides, ContrastSpec)> {
        let others: Vec<&String> = cx.session.models.keys().filter(|m| *m != subject.name).collect();
        if self.other.as_ref().is_none_or(|o| !others.contains(&o)) {
            self.other = others.first().map(|o| (*o).clone());
        }
        let Some(mut other) = self.other.clone() else {
            basic::caption(ui, cx.t("why.compare_one_model"));
            return None;
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.tw("why.compare_with_model", &[("model", &subject.name)])).color(cx.tokens.weak));
            let combo = egui::ComboBox::from_id_salt("why-other-model").selected_text(basic::shorten(&other, 24)).show_ui(ui, |ui| {
                for name in &others {
                    if ui.selectable_label(**name == other, basic::shorten(name, 40)).on_hover_text(*name).clicked() {
                        other.clone_from(name);
                    }
                }
            });
            name_it(&combo.response, cx.t("why.compare_other_model"), &other);
            for (many, text) in [
                (false, cx.tw("why.row_n", &[("row", &numbers::count(i64::from(row) + 1))])),
                (true, cx.t("why.compare_rows_all").to_owned()),
            ] {
                if ui.selectable_label(self.many == many, text).clicked() {
                    self.many = many;
                }
            }
        });
        self.other = Some(other.clone());
        let of = if self.many { rows.clone() } else { WhyRows::Line(row) };
        let spec = ContrastSpec::Models { model: subject.name.to_owned(), against: other.clone(), row: (!self.many).then_some(row) };
        Some((Sides::Models(other, of), spec))
    }
}

/// This row against the first pinned one.
fn two_rows(ui: &mut Ui, cx: &Cx<'_>, row: u32) -> Option<(Sides, ContrastSpec)> {
    let Some(against) = cx.session.selection.pinned.iter().copied().find(|p| *p != row) else {
        basic::caption(ui, cx.t("why.compare_pin"));
        return None;
    };
    basic::caption(ui, &cx.tw("why.contrast_with", &[("row", &numbers::count(i64::from(against) + 1))]));
    Some((Sides::Rows(row, against), ContrastSpec::Rows { row, against }))
}

/// Those for whom it came true, and the others, as conditions on the data.
fn usual(outcome: Option<&Outcome>) -> (Option<String>, Option<String>) {
    let Some(Outcome { name, kind: OutcomeKind::Binary { positive, negative }, .. }) = outcome else { return (None, None) };
    let is = |value: &str| Some(format!("{} = '{value}'", quoted(name))).filter(|_| !value.is_empty() && !value.contains('\''));
    (is(positive), is(negative))
}

/// One side: a pick list, and a field where none of it fits.
fn side(
    ui: &mut Ui,
    cx: &Cx<'_>,
    (id, label): (&str, &'static str),
    side: &mut Side,
    usual: Option<String>,
    offers: &[String],
) -> Option<String> {
    let now = side.chosen.clone().or(usual);
    let name = |c: &str| if c == "all" { cx.t("why.against_everyone").to_owned() } else { c.to_owned() };
    let shown = if side.own { cx.t("why.against_group").to_owned() } else { now.as_deref().map(name).unwrap_or_default() };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(cx.t(label)).color(cx.tokens.weak));
        let combo = egui::ComboBox::from_id_salt(id).selected_text(basic::shorten(&shown, 36)).show_ui(ui, |ui| {
            for offer in offers {
                let whole = name(offer);
                let label = ui.selectable_label(!side.own && now.as_ref() == Some(offer), basic::shorten(&whole, 60));
                if label.on_hover_text(&whole).clicked() {
                    (side.chosen, side.own) = (Some(offer.clone()), false);
                }
            }
            if ui.selectable_label(side.own, cx.t("why.against_group")).clicked() {
                side.own = true;
            }
        });
        name_it(&combo.response, cx.t(label), &shown);
    });
    if side.own {
        let current = now.clone().filter(|c| c != "all");
        if let Some(text) = condition(ui, cx, id, &GROUP, &mut side.text, &mut side.fault, current.as_deref()) {
            side.chosen = text;
        }
    }
    side.chosen.clone().or(now)
}

/// The sentence, the bars, and what remains.
fn difference(ui: &mut Ui, cx: &mut Cx<'_>, outcome: Option<&Outcome>, c: &Contrast, twins: &mut figure::Twins) {
    let (lang, unit) = (cx.lang(), Unit::of(outcome, c.scale));
    let title = words::contrast(c, lang);
    ui.add(egui::Label::new(&title).wrap());
    let bars = bars(c, unit, lang);
    if bars.is_empty() {
        return c.warnings.iter().for_each(|n| drop(basic::warning(ui, &n.say(lang))));
    }
    let source = figure::Source {
        table: Box::new(|| table(c, lang, &|v| unit.effect(v))),
        csv: Some(Box::new(|| table(c, lang, &|v| v.to_string()))),
        svg: Some(Box::new(|| {
            let rows: Vec<_> = bars.iter().map(|b| (b.name.clone(), b.amount, b.interval)).collect();
            crate::report::svg::bars(&format!("{} ≠ {}", c.a, c.b), &rows, |x| unit.effect(x))
        })),
    };
    let left = c.gap - c.bases.unwrap_or(0.0);
    let shown = |v: f64| if v.abs() < 1e-9 { "0".to_owned() } else { unit.exact(v) };
    let mut caption = cx.tw("why.contrast_sums", &[("gap", &unit.effect(c.value - c.base)), ("left", &shown(left))]);
    if let Some((a, b)) = c.rows {
        let key = if c.kind == Kind::Models { "why.contrast_rows_both" } else { "why.contrast_rows" };
        let counted: [(&str, &dyn std::fmt::Display); 2] = [("a", &numbers::count(a as i64)), ("b", &numbers::count(b as i64))];
        caption = format!("{caption} {}", cx.tw(key, &counted));
    }
    if c.kind == Kind::Groups && c.scale == Scale::Margin && unit == Unit::LogOdds {
        caption = format!("{caption} {}", cx.t("why.contrast_margin"));
    }
    let clicked = figure::ui(ui, cx, twins, "why.contrast_bars", &caption, &source, |ui, _| signed_bars::pick(ui, &bars, &title, None));
    drop(source);
    if let Some(name) = clicked.flatten().and_then(|i| c.features.iter().find(|f| **f == bars[i].name)) {
        let name = name.clone();
        cx.select(|s| s.feature = Some(name));
    }
    for notice in &c.warnings {
        basic::warning(ui, &notice.say(lang));
    }
}

/// The strongest features, the others as one, and what the models' bases differ by.
fn bars(c: &Contrast, unit: Unit, lang: Lang) -> Vec<Bar> {
    let order = strongest(c);
    let bar = |name: String, amount: f64, help: String, half: Option<f64>| Bar {
        name,
        amount,
        shown: unit.effect(amount),
        help,
        interval: half.filter(|h| *h > 0.0).map(|h| (amount - h, amount + h)),
        ..Bar::default()
    };
    let single = if order.len() <= MOST + 1 { order.len() } else { MOST };
    let mut out: Vec<Bar> = order[..single]
        .iter()
        .map(|&f| {
            let values = c.from[f].as_ref().zip(c.to[f].as_ref()).map_or_else(String::new, |(from, to)| format!("{from} → {to}"));
            bar(c.features[f].clone(), c.values[f], values, c.half_width.get(f).copied())
        })
        .collect();
    let rest = &order[single..];
    if !rest.is_empty() {
        let name = crate::base::tr_with(lang, "why.others", &[("n", &rest.len())]);
        out.push(bar(name, rest.iter().map(|&f| c.values[f]).sum(), String::new(), None));
    }
    if let Some(bases) = c.bases {
        out.push(bar(tr(lang, "why.contrast_bases").to_owned(), bases, tr(lang, "why.contrast_bases_help").to_owned(), None));
    }
    out
}

/// Features that do something, the strongest first.
fn strongest(c: &Contrast) -> Vec<usize> {
    let mut order: Vec<usize> = (0..c.values.len()).filter(|&f| c.values[f] != 0.0).collect();
    order.sort_by(|a, b| c.values[*b].abs().total_cmp(&c.values[*a].abs()).then(a.cmp(b)));
    order
}

fn table(c: &Contrast, lang: Lang, show: &dyn Fn(f64) -> String) -> figure::Table {
    let t = |k| tr(lang, k).to_owned();
    let rows = c.kind == Kind::Rows;
    let line = |name: String, from: String, to: String, value: f64| {
        if rows { vec![name, from, to, show(value)] } else { vec![name, show(value)] }
    };
    let cell = |v: &Option<String>| v.clone().unwrap_or_default();
    let mut out: Vec<Vec<String>> =
        strongest(c).into_iter().map(|f| line(c.features[f].clone(), cell(&c.from[f]), cell(&c.to[f]), c.values[f])).collect();
    let mut more = |name: String, value: f64| out.push(line(name, String::new(), String::new(), value));
    if let Some(bases) = c.bases {
        more(t("why.contrast_bases"), bases);
    }
    more(t("why.unexplained"), c.gap - c.bases.unwrap_or(0.0));
    more(format!("{} − {}", c.a, c.b), c.value - c.base);
    let header = if rows {
        vec![t("why.feature"), c.b.clone(), c.a.clone(), t("why.effect_column")]
    } else {
        vec![t("why.feature"), t("why.effect_column")]
    };
    figure::Table { header, rows: out }
}

/// Puts a difference into the report, or takes it out.
fn to_report(ui: &mut Ui, cx: &mut Cx<'_>, spec: &ContrastSpec) {
    let Some(recipe) = &cx.session.recipe else { return };
    let there = recipe.explain.contrasts.contains(spec);
    let key = if there { "why.in_report" } else { "why.contrast_to_report" };
    if ui.selectable_label(there, cx.t(key)).on_hover_text(cx.t("why.contrast_to_report_help")).clicked() {
        let mut explain = recipe.explain.clone();
        explain.contrasts.retain(|c| c != spec);
        if !there {
            explain.contrasts.push(spec.clone());
        }
        cx.command(Command::SetExplain(explain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Fingerprint;
    use crate::explain::Method;

    fn contrast(n: usize, bases: Option<f64>) -> Contrast {
        let values: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 0.1 } else { -0.05 } / (i + 1) as f64).collect();
        let sum: f64 = values.iter().sum();
        Contrast {
            kind: if bases.is_some() { Kind::Models } else { Kind::Rows },
            a: "A".into(),
            b: "B".into(),
            outcome: "Revenue".into(),
            scale: Scale::Probability,
            log_odds: false,
            features: (0..n).map(|i| format!("feature_{i}")).collect(),
            to: vec![Some("2".into()); n],
            from: vec![Some("1".into()); n],
            values,
            half_width: Vec::new(),
            value: 0.2 + sum + bases.unwrap_or(0.0) + 0.01,
            base: 0.2,
            gap: bases.unwrap_or(0.0) + 0.01,
            bases,
            rows: None,
            method: Method::TreeShap,
            model: Fingerprint::default(),
            warnings: vec![],
        }
    }

    #[test]
    fn bars_and_what_remains_give_the_difference() {
        for (n, bases) in [(3, None), (11, None), (12, None), (40, Some(0.07)), (1, Some(-0.2))] {
            let c = contrast(n, bases);
            let all = bars(&c, Unit::Probability, Lang::En);
            let left = c.gap - bases.unwrap_or(0.0);
            let sum: f64 = all.iter().map(|b| b.amount).sum();
            assert!((sum + left - (c.value - c.base)).abs() < 1e-12, "{n} {sum}");
            assert!(all.len() <= MOST + 2 && all.iter().all(|b| !b.name.is_empty()));
            let t = table(&c, Lang::En, &|v| v.to_string());
            let numbers: Vec<f64> = t.rows.iter().map(|r| r[r.len() - 1].parse().unwrap()).collect();
            let (whole, parts) = numbers.split_last().unwrap();
            assert!((parts.iter().sum::<f64>() - whole).abs() < 1e-12, "the table sums to its last line");
            assert!(t.rows.iter().all(|r| r.len() == t.header.len()));
        }
    }
}
