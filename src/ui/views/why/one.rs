//! One row: the sentence in words, the waterfall, and how far it may be trusted. Dragging a bar asks What-if.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::Subject;
use crate::base::numbers;
use crate::data::Feature;
use crate::explain::{Attribution, Method, words};
use crate::session::state::{Answer, Ask, Command, Question, Why};
use crate::strategy::LeverStatus;
use crate::strategy::scenario::Setting;
use crate::ui::views::whatif::levers::is_declared;
use crate::ui::views::whatif::moves;
use crate::ui::widgets::waterfall::{self, Drag, Marks, Waterfall};
use crate::ui::widgets::{basic, figure};
use crate::ui::{Action, Cx, theme};

/// Features that stand alone in a waterfall.
const MOST: usize = 10;

/// What the pane remembers.
#[derive(Default)]
pub struct OneRow {
    /// The bar being dragged and what it would be set to.
    dragged: Option<(usize, Setting)>,
    /// The bar being dragged and the value that it began at.
    begun: Option<(usize, f64)>,
    /// The row with its cells as they are set, the last good answer.
    moved: Option<(Arc<Answer>, Waterfall)>,
    /// Why a bar cannot be dragged, until another is.
    refused: Option<String>,
    /// The column that was dragged and could become a lever.
    offer: Option<String>,
    /// Sentence and waterfall, for the answer they were made of.
    made: Option<(Arc<Why>, usize, crate::base::Lang, String, Waterfall)>,
}

impl OneRow {
    /// Draws row `at` of an answer.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Arc<Why>, at: usize, twins: &mut figure::Twins) {
        let features = subject.model.card().features();
        let a = &why.attribution;
        self.make(cx, why, at, features);
        let Some((_, _, _, sentence, w)) = self.made.take() else { return };
        let row = a.rows[at];
        let moved = self.live(cx, subject, (a, row), &w);
        ui.horizontal(|ui| {
            basic::title(ui, &cx.tw("why.row_n", &[("row", &numbers::count(i64::from(row) + 1))]));
            ui.label(RichText::new(subject.unit.level(w.prediction)).size(theme::TITLE).color(cx.tokens.accent))
                .on_hover_text(cx.tw("why.prediction_of", &[("outcome", &a.outcome)]));
            match &moved {
                Some((_, moved)) => {
                    let said = cx.tw("why.with_draft", &[("level", &subject.unit.level(moved.prediction))]);
                    basic::chip(ui, &said, cx.tokens.accent, cx.t("why.with_draft_help"));
                }
                None => self.draft_says(ui, cx, subject, row),
            }
            let set = cx.session.draft.as_ref().filter(|d| d.row == Some(row) && !d.set.is_empty());
            if set.is_some() && ui.button(cx.t("why.put_back")).on_hover_text(cx.t("why.put_back_help")).clicked() {
                put_back(cx, row, None);
            }
        });
        ui.add(egui::Label::new(&sentence).wrap());
        chips(ui, cx, subject, a, at);
        if let Some((f, setting)) = &self.dragged {
            let name = a.features.get(*f).map_or("", String::as_str);
            basic::caption(ui, &cx.tw("why.dragging", &[("feature", &name), ("value", &moves::show(setting))]));
        }
        if let Some(said) = &self.refused {
            basic::warning(ui, said);
        }
        if let Some(column) = self.offer.clone().filter(|c| !is_declared(cx.session, c))
            && ui.button(cx.tw("why.make_lever", &[("column", &column)])).clicked()
        {
            cx.command(Command::SetLever { column, yes: true });
            (self.offer, self.refused) = (None, None);
        }
        let selected = cx.session.selection.feature.as_deref().and_then(|n| a.features.iter().position(|f| f == n));
        let marks = Marks { hovered: cx.hovered.feature, selected };
        let lang = cx.lang();
        let source = figure::Source {
            table: Box::new(|| table(lang, &w, subject)),
            csv: Some(Box::new(|| exact(a, at, features))),
            svg: Some(Box::new(|| svg(lang, &w, subject))),
        };
        let caption = format!("{} {}", basis(cx, a), cx.t("why.waterfall_help"));
        let session = cx.session;
        let help = |f: usize| bar_help(session, subject, a.feature(f, features), lang);
        let shown = moved.as_ref().map_or((&w, None), |(_, moved)| (moved, Some(&w)));
        let doubt = a.unexplained(at).map(|share| cx.tw("why.no_fact_row", &[("share", &numbers::percent(share))]));
        let touch = figure::ui(ui, cx, twins, "why.waterfall", &caption, &source, |ui, _| {
            figure::as_fact(ui, doubt.as_deref(), |ui| waterfall::ui(ui, shown, subject.unit, lang, marks, &help))
        });
        drop(source);
        if let Some(touch) = touch {
            if touch.hovered.is_some() {
                cx.hover.feature = touch.hovered;
            }
            if let Some(f) = touch.clicked {
                let name = a.features.get(f).cloned();
                cx.select(|s| s.feature = name);
            }
            match touch.drag {
                Some(drag) => self.drag(cx, subject, (a, row), drag),
                None => (self.dragged, self.begun) = (None, None),
            }
            if let Some(f) = touch.put_back {
                put_back(cx, row, a.features.get(f).map(String::as_str));
            }
        }
        ui.horizontal_wrapped(|ui| {
            let shown = cx.session.recipe.as_ref().is_some_and(|r| r.explain.show.contains(&row));
            let key = if shown { "why.in_report" } else { "why.add_to_report" };
            if ui.selectable_label(shown, cx.t(key)).on_hover_text(cx.t("why.add_to_report_help")).clicked()
                && let Some(recipe) = &cx.session.recipe
            {
                let mut explain = recipe.explain.clone();
                explain.show.retain(|r| *r != row);
                if !shown {
                    explain.show.push(row);
                }
                cx.command(Command::SetExplain(explain));
            }
            let pinned = cx.session.selection.pinned.contains(&row);
            if ui.selectable_label(pinned, cx.t("why.pin")).on_hover_text(cx.t("why.pin_help")).clicked() {
                cx.select(|s| {
                    s.pinned.retain(|p| *p != row);
                    if !pinned {
                        s.pinned.push(row);
                    }
                });
            }
        });
        for notice in &a.warnings {
            basic::warning(ui, &notice.say(cx.lang()));
        }
        self.moved = moved;
        self.made = Some((why.clone(), at, cx.lang(), sentence, w));
    }

    /// The row with its cells as they are set or dragged, explained again; the last good answer while a new one is computed.
    fn live(
        &mut self,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        (a, row): (&Attribution, u32),
        w: &Waterfall,
    ) -> Option<(Arc<Answer>, Waterfall)> {
        let features = subject.model.card().features();
        let mut set: BTreeMap<String, Setting> = match &cx.session.draft {
            Some(draft) if draft.row == Some(row) => draft.set.clone(),
            _ => BTreeMap::new(),
        };
        if let Some((f, setting)) = &self.dragged
            && let Some(feature) = a.feature(*f, features)
        {
            set.insert(feature.name.clone(), setting.clone());
        }
        // What is no feature of this model, or a relative change, is the simulation's to say.
        let absolute = |s: &Setting| !matches!(s, Setting::Text(t) if moves::percent_change(t).is_some());
        if set.is_empty() || !set.iter().all(|(c, s)| absolute(s) && features.iter().any(|f| f.name == *c)) {
            return None;
        }
        let (model, options, against) = (subject.name.to_owned(), subject.options.clone(), subject.against.clone());
        let question = Question::Moved { model, line: row, set, options, against };
        // One at a time: a drag that asks anew before the answer comes would never get one.
        let busy = cx.session.jobs.iter().any(|j| matches!(j.ask, Ask::Deeper(Question::Moved { .. })) && !j.token.is_cancelled());
        if !busy {
            cx.want(Ask::Deeper(question.clone()));
        }
        let fits = |q: &Question| match (q, &question) {
            (Question::Moved { model: a, line: l, options: o, against: g, .. }, Question::Moved { model, line, options, against, .. }) => {
                a == model && l == line && o == options && g == against
            }
            _ => false,
        };
        let answer = cx.session.answers.iter().rev().find(|(q, _)| fits(q)).map(|(_, k)| k.value.clone())?;
        if let Some((known, moved)) = self.moved.take().filter(|(known, _)| Arc::ptr_eq(known, &answer)) {
            return Some((known, moved));
        }
        let Answer::Moved(a) = &*answer else { return None };
        let moved = w.like(a, features);
        Some((answer, moved))
    }

    fn make(&mut self, cx: &Cx<'_>, why: &Arc<Why>, at: usize, features: &[Feature]) {
        let same = self.made.as_ref().is_some_and(|(w, i, l, _, _)| Arc::ptr_eq(w, why) && *i == at && *l == cx.lang());
        if !same {
            let sentence = words::sentence(&why.attribution, at, features, cx.lang());
            let w = Waterfall::of_row(&why.attribution, at, features, MOST);
            self.made = Some((why.clone(), at, cx.lang(), sentence, w));
            (self.refused, self.offer, self.moved) = (None, None, None);
        }
    }

    /// What the scenario being edited makes of this row.
    fn draft_says(&self, ui: &mut Ui, cx: &Cx<'_>, subject: &Subject<'_>, row: u32) {
        let Some(draft) = cx.session.draft.as_ref().filter(|d| d.row == Some(row) && !d.set.is_empty()) else { return };
        let Some(sim) = cx.session.simulation(subject.name) else { return };
        let Some(result) = sim.scenarios.iter().skip(1).find(|r| r.name == draft.name) else { return };
        let is_rate = subject.model.card().outcomes.get(subject.outcome).is_some_and(crate::ml::Outcome::is_binary);
        let level = crate::ui::widgets::scenario_card::Figure::Rate.show(result.rate.value, is_rate);
        let said = cx.tw("why.with_draft", &[("level", &level)]);
        basic::chip(ui, &said, cx.tokens.accent, cx.t("why.with_draft_help"));
    }

    /// A dragged bar moves its feature in the scenario being edited, if it is a lever.
    fn drag(&mut self, cx: &mut Cx<'_>, subject: &Subject<'_>, (a, row): (&Attribution, u32), drag: Drag) {
        let features = subject.model.card().features();
        let Some(feature) = a.feature(drag.feature, features) else {
            // Several columns have no one value that could be moved.
            let name = a.features.get(drag.feature).map_or("", String::as_str);
            (self.refused, self.offer) = (Some(cx.tw("why.drag_group", &[("group", &name)])), None);
            return;
        };
        let lever = cx.session.levers(subject.name).and_then(|all| all.iter().find(|l| l.column == feature.name));
        let lever = lever.filter(|l| is_declared(cx.session, &l.column));
        self.offer = lever.is_none().then(|| feature.name.clone());
        match lever.map(|l| l.status) {
            Some(LeverStatus::Free | LeverStatus::Overridden) => self.refused = None,
            Some(LeverStatus::Locked) => {
                let reason = lever.and_then(|l| l.reason.as_ref()).map(|r| r.say(cx.lang())).unwrap_or_default();
                self.refused = Some(format!("{} {reason}", cx.tw("why.drag_locked", &[("feature", &feature.name)])));
                return;
            }
            Some(LeverStatus::Fixed) => {
                self.refused = lever.and_then(|l| l.reason.as_ref()).map(|r| r.say(cx.lang()));
                return;
            }
            None => {
                self.refused = Some(cx.tw("why.drag_no_lever", &[("feature", &feature.name)]));
                return;
            }
        }
        let feature = moves::raw_feature(feature, &subject.model.card().encoder.prepare);
        // From where it stands: as it is set, else as the row has it.
        let start = match self.begun {
            Some((f, start)) if f == drag.feature => start,
            _ => {
                let now = moves::value_now(cx.session, &feature, row);
                let draft = cx.session.draft.as_ref().filter(|d| d.row == Some(row));
                draft.and_then(|d| d.set.get(&feature.name)).map_or(now, |s| moves::value_of(&feature, s, now))
            }
        };
        self.begun = (!drag.released).then_some((drag.feature, start));
        let setting = moves::dragged(&feature, start, drag.share);
        let busy = cx.session.job(&Ask::Simulate(subject.name.to_owned())).is_some();
        let is_new = self.dragged.as_ref() != Some(&(drag.feature, setting.clone()));
        if drag.released || (is_new && !busy) {
            let mut draft = moves::draft_for_row(cx, subject.name, row);
            draft.set.insert(feature.name.clone(), setting.clone());
            cx.send(Action::Draft(Some(draft)));
            cx.want(Ask::Simulate(subject.name.to_owned()));
            cx.select(|s| {
                s.scenario = None;
                s.row = Some(row);
            });
        }
        self.dragged = (!drag.released).then_some((drag.feature, setting));
    }
}

/// Takes a setting of the row's scenario back, or all of them.
fn put_back(cx: &mut Cx<'_>, row: u32, column: Option<&str>) {
    let Some(mut draft) = cx.session.draft.clone().filter(|d| d.row == Some(row)) else { return };
    match column {
        Some(column) => drop(draft.set.remove(column)),
        None => draft.set.clear(),
    }
    cx.send(Action::Draft(Some(draft)));
}

/// What dragging a bar does, or why it does nothing.
fn bar_help(session: &crate::session::Session, subject: &Subject<'_>, feature: Option<&Feature>, lang: crate::base::Lang) -> String {
    // Several columns have no one value that could be moved.
    let Some(name) = feature.map(|f| f.name.as_str()) else { return String::new() };
    let lever = session.levers(subject.name).and_then(|all| all.iter().find(|l| l.column == name));
    let lever = lever.filter(|l| is_declared(session, &l.column));
    match lever.map(|l| l.status) {
        Some(LeverStatus::Free | LeverStatus::Overridden) => crate::base::tr(lang, "why.bar_help").to_owned(),
        Some(LeverStatus::Locked) => crate::base::tr_with(lang, "why.drag_locked", &[("feature", &name)]),
        Some(LeverStatus::Fixed) => lever.and_then(|l| l.reason.as_ref()).map(|r| r.say(lang)).unwrap_or_default(),
        None => crate::base::tr_with(lang, "why.drag_no_lever", &[("feature", &name)]),
    }
}

/// How far the numbers may be trusted.
fn chips(ui: &mut Ui, cx: &Cx<'_>, subject: &Subject<'_>, a: &Attribution, at: usize) {
    let t = cx.tokens;
    ui.horizontal_wrapped(|ui| {
        let gap = a.gaps.get(at).copied().unwrap_or(0.0);
        let way = (a.predictions[at] - a.base).abs().max(0.01);
        let adds_up = gap.abs() <= 0.01 * way;
        let shown = if gap.abs() < 1e-9 { "0".to_owned() } else { subject.unit.exact(gap) };
        let (key, colour) = if adds_up { ("why.adds_up", t.good) } else { ("why.adds_up_not", t.warn) };
        basic::chip(ui, &cx.tw(key, &[("gap", &shown)]), colour, cx.t("why.adds_up_help"));
        let (key, help) = if a.exact { ("why.exact", "why.exact_help") } else { ("why.sampled", "why.sampled_help") };
        basic::chip(ui, cx.t(key), t.weak, cx.t(help));
        basic::chip(ui, cx.t(method_key(a.method)), t.weak, cx.t(method_help(a.method)));
        let base = subject.unit.level(a.base);
        basic::chip(ui, &cx.tw("why.base_chip", &[("base", &base)]), t.weak, &a.base_note.say(cx.lang()));
    });
}

/// Catalogue key of a method.
pub(super) fn method_key(m: Method) -> &'static str {
    match m {
        Method::TreeShap => "why.method_tree_shap",
        Method::TreeShapReference => "why.method_tree_shap_reference",
        Method::Interactions => "why.method_interactions",
        Method::LinearShap => "why.method_linear_shap",
        Method::ExactShap => "why.method_exact_shap",
        Method::KernelShap => "why.method_kernel_shap",
        Method::PermutationShap => "why.method_permutation_shap",
        Method::ProxyShap => "why.method_proxy_shap",
        Method::Lime => "why.method_lime",
        Method::IntegratedGradients => "why.method_integrated_gradients",
        Method::ExpectedGradients => "why.method_expected_gradients",
        Method::Attention => "why.method_attention",
        Method::AttentionGradient => "why.method_attention_gradient",
        Method::AttentionRollout => "why.method_attention_rollout",
        Method::AttentionTested => "why.method_attention_tested",
    }
}

/// Catalogue key of what a method does.
pub(super) fn method_help(m: Method) -> &'static str {
    match m {
        Method::TreeShap => "why.method_tree_shap_help",
        Method::TreeShapReference => "why.method_tree_shap_reference_help",
        Method::Interactions => "why.method_interactions_help",
        Method::LinearShap => "why.method_linear_shap_help",
        Method::ExactShap => "why.method_exact_shap_help",
        Method::KernelShap => "why.method_kernel_shap_help",
        Method::PermutationShap => "why.method_permutation_shap_help",
        Method::ProxyShap => "why.method_proxy_shap_help",
        Method::Lime => "why.method_lime_help",
        Method::IntegratedGradients => "why.method_integrated_gradients_help",
        Method::ExpectedGradients => "why.method_expected_gradients_help",
        Method::Attention | Method::AttentionGradient | Method::AttentionRollout | Method::AttentionTested => "why.attention_caveat",
    }
}

/// n and method, for a caption.
pub(super) fn basis(cx: &Cx<'_>, a: &Attribution) -> String {
    let n = numbers::count(a.rows.len() as i64);
    cx.tw("why.basis", &[("n", &n), ("method", &cx.t(method_key(a.method)))])
}

fn table(lang: crate::base::Lang, w: &Waterfall, subject: &Subject<'_>) -> figure::Table {
    let t = |key| crate::base::tr(lang, key).to_owned();
    let mut rows = vec![vec![t("why.base"), String::new(), subject.unit.level(w.base)]];
    for s in &w.steps {
        let (name, value) = waterfall::paint::words(&s.kind, &s.name, &s.value, lang);
        rows.push(vec![name, value, subject.unit.effect(s.amount)]);
    }
    rows.push(vec![t("why.prediction"), String::new(), subject.unit.level(w.prediction)]);
    figure::Table { header: vec![t("why.feature"), t("why.value"), subject.unit.effect_name(lang).to_owned()], rows }
}

/// Every feature with every digit.
fn exact(a: &Attribution, at: usize, features: &[Feature]) -> figure::Table {
    let header = ["feature", "value", "attribution"].map(str::to_owned).to_vec();
    let value = |f: usize| a.input_shown(at, f, features);
    let mut rows: Vec<Vec<String>> = (0..a.n_features()).map(|f| vec![a.features[f].clone(), value(f), a.row(at)[f].to_string()]).collect();
    rows.push(vec!["base_value".into(), String::new(), a.base.to_string()]);
    rows.push(vec!["prediction".into(), String::new(), a.predictions[at].to_string()]);
    rows.push(vec!["gap".into(), String::new(), a.gaps.get(at).copied().unwrap_or(0.0).to_string()]);
    figure::Table { header, rows }
}

fn svg(lang: crate::base::Lang, w: &Waterfall, subject: &Subject<'_>) -> String {
    let t = |key| crate::base::tr(lang, key);
    let steps: Vec<_> = w
        .steps
        .iter()
        .map(|s| {
            let (name, value) = waterfall::paint::words(&s.kind, &s.name, &s.value, lang);
            (name, value, s.amount)
        })
        .collect();
    let unit = subject.unit;
    let (base, end) = ((t("why.base"), w.base), (t("why.prediction"), w.prediction));
    crate::report::svg::waterfall(t("why.waterfall"), base, &steps, end, |x| unit.level(x), |x| unit.effect(x))
}
