//! Why? Pick a row, a segment or everybody; read a sentence and a waterfall; see what matters overall. One selection drives
//! every pane: it is the session's.
//!
//! - [`rows`] picks whom to explain; [`how`] with which method and compared with whom; [`groups`] which features speak as
//!   one; [`one`] explains one row, [`inside`] opens a group; [`change`] finds the smallest change that flips the row;
//!   [`contrast`] sets rows, groups or models against each other; [`many`] sums many rows up, [`levels`] level by level;
//!   [`effect`] follows one feature, [`pairs`] features together; [`cohorts`] sets groups side by side; [`trust`] says how far it holds; [`attention`] shows where a Transformer looked.

#[cfg(test)]
mod asked_tests;
mod attention;
#[cfg(test)]
mod brush_tests;
mod change;
mod cohorts;
mod contrast;
mod effect;
mod everyone;
mod groups;
mod how;
mod inside;
mod levels;
mod lit;
mod many;
mod one;
mod pairs;
pub(super) mod rows;
mod rules;
#[cfg(test)]
pub(crate) mod tests;
mod trust;

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use crate::explain::ExplainOptions;
use crate::ml::Model;
use crate::ml::model::Scale;
use crate::session::state::{Ask, Status, Why, WhyRequest, WhyRows};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Action, Cx, Room, View, strip, theme};

/// What the room remembers.
#[derive(Default)]
pub struct WhyView {
    scale: Scale,
    how: how::How,
    groups: groups::Editor,
    inside: inside::InsidePane,
    change: change::ChangePane,
    contrast: contrast::ContrastPane,
    effect: effect::EffectPane,
    again: trust::AgainPane,
    everyone: everyone::EveryonePane,
    lit: lit::Lit,
    pairs: pairs::PairsPane,
    cohorts: cohorts::CohortsPane,
    segments: trust::SegmentsPane,
    rows: rows::Picker,
    one: one::OneRow,
    attention: attention::AttentionPane,
    twins: figure::Twins,
    pictures: many::Pictures,
    /// The last good answers, shown while new ones are computed.
    last_many: Option<Arc<Why>>,
    last_one: Option<(Arc<Why>, usize)>,
}

/// What every pane of this room speaks of.
pub(super) struct Subject<'a> {
    /// Name of the model.
    pub name: &'a str,
    /// The model.
    pub model: &'a Arc<dyn Model>,
    /// Index of the outcome, within what the model has.
    pub outcome: usize,
    /// Unit of its output on the chosen scale.
    pub unit: Unit,
    /// How to explain.
    pub options: ExplainOptions,
    /// The group to compare with, by its condition.
    pub against: Option<String>,
}

impl Subject<'_> {
    /// The question for some rows.
    pub fn request(&self, rows: WhyRows) -> WhyRequest {
        WhyRequest { model: self.name.to_owned(), rows, options: self.options.clone(), against: self.against.clone() }
    }
}

impl View for WhyView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some((name, model)) = session.model() else {
            return basic::empty(ui, cx.t("why.no_model_title"), cx.t("why.no_model"), |ui| {
                if basic::primary(ui, cx.t("why.go_to_models")).clicked() {
                    cx.send(Action::Go(Room::Models));
                }
            });
        };
        let outcomes = &model.card().outcomes;
        let outcome = session.selection.outcome.min(outcomes.len().saturating_sub(1));
        let (method, against) = self.how.chosen(model);
        let players = self.groups.players(cx, model);
        let options = ExplainOptions { method, scale: self.scale, outcome, players, ..ExplainOptions::default() };
        let unit = Unit::of(outcomes.get(outcome), self.scale);
        let subject = Subject { name, model, outcome, unit, options, against };
        self.keyboard(ui, cx);

        // Below everything, in both widths, so that no number stands there without it.
        if let Some(why) = self.last_many.clone().filter(|w| fits(w, &subject)) {
            let rows = self.rows.rows(cx);
            let frame = egui::Frame::new().inner_margin(egui::Margin { top: 6, ..egui::Margin::ZERO });
            egui::Panel::bottom("why-trust").frame(frame).show(ui, |ui| trust::strip(ui, cx, &subject, &why, &rows));
        }
        let width = ui.available_width();
        if width >= 680.0 {
            let frame = egui::Frame::new().inner_margin(egui::Margin { right: 12, ..egui::Margin::ZERO });
            egui::Panel::left("why-rows").frame(frame).default_size(208.0).size_range(180.0..=340.0).show(ui, |ui| {
                self.controls(ui, cx, &subject);
                let many = self.ask_many(ui, cx, &subject);
                self.rows.list(ui, cx, &subject, many.as_ref(), ui.available_height());
            });
            let beside = width >= 1240.0 && attention::has(&subject);
            if beside {
                let frame = egui::Frame::new().inner_margin(egui::Margin { left: 12, ..egui::Margin::ZERO });
                egui::Panel::right("why-attention").frame(frame).default_size(400.0).size_range(280.0..=640.0).show(ui, |ui| {
                    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                        let shown = self.shown_row(cx);
                        inset(ui, |ui| self.attention.ui(ui, cx, &subject, shown, &mut self.twins));
                    });
                });
            }
            let frame = egui::Frame::new().inner_margin(egui::Margin { left: 12, ..egui::Margin::ZERO });
            egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
                egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| inset(ui, |ui| self.centre(ui, cx, &subject, !beside)));
            });
        } else {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                inset(ui, |ui| {
                    self.controls(ui, cx, &subject);
                    let many = self.ask_many(ui, cx, &subject);
                    egui::CollapsingHeader::new(cx.t("why.rows_title")).id_salt("why-rows-fold").show(ui, |ui| {
                        self.rows.list(ui, cx, &subject, many.as_ref(), 240.0);
                    });
                    self.centre(ui, cx, &subject, true);
                });
            });
        }
    }

    fn inspector(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let (Some(name), Some((_, model))) = (&session.selection.feature, session.model()) else { return };
        if let Some(columns) = session.recipe.as_ref().and_then(|r| r.explain.groups.get(name)) {
            basic::section(ui, &basic::shorten(name, 28)).on_hover_text(name);
            basic::fact(ui, cx.t("why.groups_columns"), &columns.len().to_string());
            columns.iter().for_each(|c| drop(basic::caption(ui, c)));
            return;
        }
        let Some(feature) = model.card().features().iter().find(|f| f.name == *name) else { return };
        basic::section(ui, &basic::shorten(name, 28)).on_hover_text(name);
        if feature.is_categorical() {
            basic::fact(ui, cx.t("why.levels"), &feature.levels().len().to_string());
        } else {
            let (low, high) = crate::ui::widgets::lever_slider::support(feature);
            basic::fact(ui, cx.t("why.range"), &format!("{} – {}", feature.show(feature.range.0), feature.show(feature.range.1)));
            basic::fact(ui, cx.t("why.most_between"), &format!("{} – {}", feature.show(low), feature.show(high)));
        }
        if let Some(i) = self.last_many.as_ref().and_then(|w| w.summary.importance.iter().position(|i| i.name == *name).zip(Some(w))) {
            let (at, why) = i;
            let bar = &why.summary.importance[at];
            let unit = Unit::of(model.card().outcomes.get(why.attribution.outcome_index), why.attribution.scale);
            basic::fact(ui, cx.t("why.importance_rank"), &format!("{} / {}", at + 1, why.summary.importance.len()));
            basic::fact(ui, cx.t("why.importance"), unit.effect(bar.mean_abs).trim_start_matches('+'));
            basic::caption(ui, &crate::ui::widgets::bars::direction_words(bar, cx.lang()));
        }
    }
}

impl WhyView {
    fn keyboard(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let brushed = !cx.session.selection.rows.is_empty() || cx.session.selection.brush.is_some();
        if brushed && !ui.ctx().egui_wants_keyboard_input() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            lit::brush(cx, Vec::new(), None);
        }
        if ui.ctx().egui_wants_keyboard_input() || !ui.input(|i| i.key_pressed(egui::Key::P) && i.modifiers.is_none()) {
            return;
        }
        cx.select(|s| {
            if let Some(row) = s.row {
                match s.pinned.iter().position(|p| *p == row) {
                    Some(at) => drop(s.pinned.remove(at)),
                    None => s.pinned.push(row),
                }
            }
        });
    }

    /// Model, outcome, scale and whom.
    fn controls(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) {
        let narrow = ui.available_width() < rows::NARROW;
        ui.horizontal_wrapped(|ui| {
            let chosen = model_picker(ui, cx, "why-model", subject.name);
            if let Some(model) = chosen {
                cx.select(|s| s.model = Some(model));
            }
            let outcomes = &subject.model.card().outcomes;
            if outcomes.len() > 1 {
                let shown = outcomes.get(subject.outcome).map_or_else(String::new, crate::ml::Outcome::label);
                let combo = egui::ComboBox::from_id_salt("why-outcome").selected_text(&shown).show_ui(ui, |ui| {
                    for (i, o) in outcomes.iter().enumerate() {
                        if ui.selectable_label(i == subject.outcome, o.label()).clicked() {
                            cx.select(|s| s.outcome = i);
                        }
                    }
                });
                name_it(&combo.response, cx.t("why.outcome"), &shown);
            }
            if !narrow {
                self.scales(ui, cx, subject);
            }
        });
        if narrow {
            ui.horizontal_wrapped(|ui| self.scales(ui, cx, subject));
        }
        self.how.ui(ui, cx, subject);
        self.groups.ui(ui, cx, subject.model);
        self.rows.whom(ui, cx);
    }

    /// On which scale, where there are two.
    fn scales(&mut self, ui: &mut Ui, cx: &Cx<'_>, subject: &Subject<'_>) {
        if !subject.model.card().outcomes.get(subject.outcome).is_none_or(crate::ml::Outcome::is_binary) {
            return;
        }
        for (scale, key, help) in [
            (Scale::Probability, "why.scale_probability", "why.scale_probability_help"),
            (Scale::Margin, "why.scale_log_odds", "why.scale_log_odds_help"),
        ] {
            if ui.selectable_label(self.scale == scale, cx.t(key)).on_hover_text(cx.t(help)).clicked() {
                self.scale = scale;
            }
        }
    }

    /// The answer for many rows, fresh or the last good one.
    fn ask_many(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) -> Option<Arc<Why>> {
        let request = subject.request(self.rows.rows(cx));
        let ask = Ask::Why(request.clone());
        cx.want(ask.clone());
        if let Some(why) = cx.session.why(&request) {
            self.last_many = Some(why.clone());
        }
        standing(ui, cx, &ask);
        let many = self.last_many.clone().filter(|w| fits(w, subject));
        if let Some(why) = &many {
            self.rows.sort(why);
        }
        many
    }

    /// The row that is explained alone: the selected one, else the one with the highest prediction.
    fn shown_row(&self, cx: &Cx<'_>) -> Option<u32> {
        cx.session.selection.row.or_else(|| self.rows.first())
    }

    /// The answer for one row: out of the many if it is among them, else asked for.
    fn ask_one(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) -> Option<(Arc<Why>, usize)> {
        let row = self.shown_row(cx)?;
        let among = self.last_many.as_ref().filter(|w| fits(w, subject));
        if let Some((why, at)) = among.and_then(|w| Some((w, w.attribution.rows.iter().position(|r| *r == row)?))) {
            self.last_one = Some((why.clone(), at));
        } else {
            let request = subject.request(WhyRows::Line(row));
            let ask = Ask::Why(request.clone());
            cx.want(ask.clone());
            standing(ui, cx, &ask);
            if let Some(why) = cx.session.why(&request) {
                self.last_one = Some((why.clone(), 0));
            }
        }
        self.last_one.clone().filter(|(w, i)| fits(w, subject) && *i < w.attribution.rows.len())
    }

    fn centre(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, with_attention: bool) {
        let one = self.ask_one(ui, cx, subject);
        if let Some((why, at)) = &one {
            let row = why.attribution.rows[*at];
            self.one.ui(ui, cx, subject, why, *at, &mut self.twins);
            self.inside.row(ui, cx, subject, why, row, &mut self.twins);
            self.change.ui(ui, cx, subject, row);
            let rows = self.rows.rows(cx);
            self.contrast.ui(ui, cx, subject, (row, &rows), &mut self.twins);
        }
        if with_attention && attention::has(subject) {
            let shown = self.shown_row(cx);
            self.attention.ui(ui, cx, subject, shown, &mut self.twins);
        }
        let many = self.last_many.clone().filter(|w| fits(w, subject));
        match &many {
            Some(why) => {
                self.lit.look_up(cx, why);
                let tested = trust::answer(cx, subject, &self.rows.rows(cx));
                let together = trust::together(tested.as_deref());
                many::ui(ui, cx, subject, why, &mut self.twins, (&mut self.pictures, &self.lit, together));
                let rows = self.rows.rows(cx);
                self.inside.rows(ui, cx, subject, (why, rows), &mut self.twins, &self.lit);
                self.pairs.parted(ui, cx, subject, why, &mut self.twins, &self.lit);
                let shown = self.shown_row(cx);
                self.effect.ui(ui, cx, subject, (why, shown, &self.lit), &mut self.twins);
                trust::ui(ui, cx, subject, why, &self.rows.rows(cx), &mut self.twins);
                self.again.ui(ui, cx, subject, &mut self.twins);
                self.everyone.ui(ui, cx, subject, (why, &self.rows.rows(cx), &self.lit), &mut self.twins);
                self.segments.ui(ui, cx, subject);
                trust::surrogate(ui, cx, subject, &mut self.twins);
                self.pairs.ui(ui, cx, subject, &mut self.twins);
                let rows = self.rows.rows(cx);
                self.cohorts.ui(ui, cx, subject, why, &rows, &mut self.twins);
            }
            None if one.is_none() => drop(basic::caption(ui, cx.t("why.nothing_yet"))),
            None => {}
        }
        ui.add_space(theme::SECTION);
    }
}

/// Whether an answer is of this model, outcome and scale.
fn fits(why: &Why, subject: &Subject<'_>) -> bool {
    let a = &why.attribution;
    let scale_is_same = a.scale == subject.options.scale || subject.unit == Unit::Amount;
    let method_is_same = subject.options.method.is_none_or(|m| m == a.method);
    let group = a.reference.as_ref().map(|r| if r.label.is_empty() { "all" } else { r.label.as_str() });
    let players_are_same = match &subject.options.players {
        Some(p) => {
            let kept = |(at, members): (usize, &Vec<usize>)| members.iter().all(|f| p.of.get(*f) == Some(&at));
            a.features == p.names && a.members.len() == p.names.len() && a.members.iter().enumerate().all(kept)
        }
        None => a.members.is_empty(),
    };
    method_is_same
        && players_are_same
        && group == subject.against.as_deref()
        && a.model == subject.model.card().fingerprint
        && a.outcome_index == subject.outcome
        && scale_is_same
}

/// How an answer stands, where that needs words: working, out of date, or failed with a button to try again.
pub(super) fn standing(ui: &mut Ui, cx: &mut Cx<'_>, ask: &Ask) {
    match cx.session.status(ask) {
        Status::Running => {
            let live = cx.session.job(ask).and_then(|j| cx.session.progress.get(&j.id));
            let words = strip::words(cx, live, false);
            let share = live.filter(|p| p.total > 0).map(|p| (p.done as f32 / p.total as f32).min(1.0));
            ui.horizontal(|ui| {
                basic::bar(ui, 96.0, share, &words);
                ui.label(RichText::new(words).size(theme::SMALL).color(cx.tokens.weak));
            });
        }
        Status::Failed(fault) => {
            basic::warning(ui, &fault.say(cx.lang()));
            if ui.button(cx.t("why.try_again")).clicked() {
                cx.send(Action::Retry(ask.clone()));
            }
        }
        Status::Stale => drop(basic::chip(ui, cx.t("why.stale"), cx.tokens.warn, cx.t("why.stale_help"))),
        Status::Empty | Status::Ready => {}
    }
}

/// A pick list of all models; the one chosen now.
pub(super) fn model_picker(ui: &mut Ui, cx: &Cx<'_>, id: &str, shown: &str) -> Option<String> {
    let mut chosen = None;
    let combo = egui::ComboBox::from_id_salt(id).selected_text(basic::shorten(shown, 24)).show_ui(ui, |ui| {
        for name in cx.session.models.keys() {
            if ui.selectable_label(name == shown, basic::shorten(name, 40)).on_hover_text(name).clicked() {
                chosen = Some(name.clone());
            }
        }
    });
    name_it(&combo.response, cx.t("why.model"), shown);
    chosen
}

/// Gives a pick list its name beside its value.
pub(super) fn name_it(response: &egui::Response, name: &str, value: &str) {
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name);
        info.current_text_value = Some(value.to_owned());
        info
    });
}

/// Keeps the content of a scrolled room off its scroll bar.
pub(super) fn inset<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    egui::Frame::new().inner_margin(egui::Margin { right: 12, ..egui::Margin::ZERO }).show(ui, add).inner
}
