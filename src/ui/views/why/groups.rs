//! Groups of features: which columns explanations speak of as one. A line among the controls says how it stands; an editor
//! offers groups that the names suggest, and makes, changes and takes apart the analyst's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use crate::base::Fingerprint;
use crate::explain::Players;
use crate::explain::suggest::{Kind, Suggestion, suggest};
use crate::ml::Model;
use crate::session::pipeline;
use crate::session::state::Command;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

type Groups = BTreeMap<String, Vec<String>>;
/// Who plays, for a model and the recipe's groups; or why nobody can.
type Playing = (Fingerprint, Groups, Result<Option<Arc<Players>>, String>);

/// What the editor remembers.
#[derive(Default)]
pub struct Editor {
    open: bool,
    /// The group that is changed; a new one if absent.
    old: Option<String>,
    name: String,
    picked: BTreeSet<String>,
    find: String,
    fault: Option<String>,
    playing: Option<Playing>,
    suggested: Option<(Fingerprint, Groups, Vec<Suggestion>)>,
}

impl Editor {
    /// The players of the recipe's groups for a model; made once per model and groups, not per frame.
    pub fn players(&mut self, cx: &Cx<'_>, model: &Arc<dyn Model>) -> Option<Arc<Players>> {
        let groups = cx.session.recipe.as_ref().map(|r| &r.explain.groups)?;
        let of = &model.card().fingerprint;
        if !self.playing.as_ref().is_some_and(|(f, g, _)| f == of && g == groups) {
            let made = pipeline::players(groups, &**model).map_err(|f| f.say(cx.lang()));
            self.playing = Some((of.clone(), groups.clone(), made));
        }
        self.playing.as_ref().and_then(|(_, _, made)| made.clone().ok().flatten())
    }

    /// How it stands, and the way to the editor.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, model: &Arc<dyn Model>) {
        let Some(groups) = cx.session.recipe.as_ref().map(|r| r.explain.groups.clone()) else { return };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.groups")).color(cx.tokens.weak)).on_hover_text(cx.t("why.groups_help"));
            let shown = match groups.len() {
                0 => cx.t("why.groups_none").to_owned(),
                1 => cx.t("why.groups_one").to_owned(),
                n => cx.tw("why.groups_n", &[("n", &n)]),
            };
            if ui.button(shown).on_hover_text(cx.t("why.groups_edit")).clicked() {
                self.open = true;
                self.begin(None, &groups);
            }
        });
        if let Some((_, _, Err(said))) = &self.playing {
            basic::warning(ui, said);
        }
        if self.open {
            let modal = egui::Modal::new(egui::Id::unique("feature-groups"));
            let shut = modal.show(ui.ctx(), |ui| self.editor(ui, cx, model, &groups));
            if shut.inner || shut.should_close() {
                self.open = false;
            }
        }
    }

    fn begin(&mut self, old: Option<&str>, groups: &Groups) {
        self.picked = old.and_then(|o| groups.get(o)).into_iter().flatten().cloned().collect();
        self.name = old.unwrap_or_default().to_owned();
        self.old = old.map(str::to_owned);
        self.find.clear();
        self.fault = None;
    }

    /// Draws the editor; whether it is to be closed.
    fn editor(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, model: &Arc<dyn Model>, groups: &Groups) -> bool {
        let width = (ui.ctx().content_rect().width() - 80.0).clamp(320.0, 620.0);
        let height = ui.ctx().content_rect().height() - 160.0;
        ui.set_width(width);
        basic::title(ui, cx.t("why.groups_title"));
        ui.add(egui::Label::new(RichText::new(cx.t("why.groups_said")).color(cx.tokens.weak)).wrap());
        ui.add_space(theme::SPACE);
        egui::ScrollArea::vertical().id_salt("groups-there").max_height((height * 0.4).max(90.0)).show(ui, |ui| {
            self.suggestions(ui, cx, model, groups);
            self.made(ui, cx, groups);
        });
        basic::rule(ui);
        ui.add_space(theme::TIGHT);
        self.draft(ui, cx, model, groups, (height * 0.35).max(90.0));
        ui.add_space(theme::SPACE);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| ui.button(cx.t("why.groups_done")).clicked()).inner
    }

    /// Groups that the names suggest: one click each.
    fn suggestions(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, model: &Arc<dyn Model>, groups: &Groups) {
        let of = &model.card().fingerprint;
        if !self.suggested.as_ref().is_some_and(|(f, g, _)| f == of && g == groups) {
            let columns: Vec<String> = model.card().features().iter().map(|f| f.name.clone()).collect();
            let taken: Vec<String> = groups.values().flatten().cloned().collect();
            self.suggested = Some((of.clone(), groups.clone(), suggest(&columns, &taken)));
        }
        let all = self.suggested.as_ref().map_or(&[][..], |(_, _, s)| s);
        if all.is_empty() {
            return;
        }
        ui.label(RichText::new(cx.t("why.groups_suggested")).strong());
        for s in all {
            let name = match s.kind {
                Kind::Calendar if s.name.is_empty() => cx.t("why.groups_calendar").to_owned(),
                // A group that is called as one of its columns would be taken for it.
                _ if s.columns.contains(&s.name) => cx.tw("why.groups_all", &[("name", &s.name)]),
                Kind::Calendar | Kind::OneHot | Kind::Family => s.name.clone(),
            };
            let why = match s.kind {
                Kind::Calendar => "why.groups_why_calendar",
                Kind::OneHot => "why.groups_why_one_hot",
                Kind::Family => "why.groups_why_family",
            };
            ui.horizontal_wrapped(|ui| {
                let add = cx.tw("why.groups_add", &[("name", &name)]);
                if ui.button(add).on_hover_text(cx.t(why)).clicked() {
                    cx.command(Command::SetGroup { old: None, name, columns: s.columns.clone() });
                }
                let columns = s.columns.join(", ");
                let small = RichText::new(basic::shorten(&columns, 90)).size(theme::SMALL).color(cx.tokens.weak);
                ui.label(small).on_hover_text(columns);
            });
        }
        ui.add_space(theme::SPACE);
    }

    /// The groups there are.
    fn made(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, groups: &Groups) {
        if groups.is_empty() {
            return;
        }
        ui.label(RichText::new(cx.t("why.groups_made")).strong());
        for (name, columns) in groups {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(basic::shorten(name, 32)).color(cx.tokens.accent)).on_hover_text(name);
                let change = cx.tw("why.groups_change", &[("name", name)]);
                if named(ui.button(cx.t("why.groups_change_short")), &change).clicked() {
                    self.begin(Some(name), groups);
                }
                let apart = cx.tw("why.groups_apart", &[("name", name)]);
                if named(ui.button(cx.t("why.groups_apart_short")), &apart).clicked() {
                    cx.command(Command::RemoveGroup { name: name.clone() });
                    if self.old.as_ref() == Some(name) {
                        self.begin(None, groups);
                    }
                }
                let columns = columns.join(", ");
                let small = RichText::new(basic::shorten(&columns, 80)).size(theme::SMALL).color(cx.tokens.weak);
                ui.label(small).on_hover_text(columns);
            });
        }
        ui.add_space(theme::SPACE);
    }

    /// A new group, or one that is changed: name and columns.
    fn draft(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, model: &Arc<dyn Model>, groups: &Groups, height: f32) {
        let title = match &self.old {
            Some(old) => cx.tw("why.groups_change", &[("name", old)]),
            None => cx.t("why.groups_new").to_owned(),
        };
        ui.label(RichText::new(title).strong());
        ui.horizontal(|ui| {
            let label = ui.label(cx.t("why.groups_name"));
            let field = egui::TextEdit::singleline(&mut self.name).desired_width(180.0).hint_text(cx.t("why.groups_name_hint"));
            ui.add(field).labelled_by(label.id);
            let label = ui.label(cx.t("why.groups_find"));
            ui.add(egui::TextEdit::singleline(&mut self.find).desired_width(140.0)).labelled_by(label.id);
        });
        let find = self.find.trim().to_lowercase();
        let shown: Vec<&str> = model
            .card()
            .features()
            .iter()
            .map(|f| f.name.as_str())
            .filter(|n| find.is_empty() || n.to_lowercase().contains(&find))
            .collect();
        let owner = |column: &str| {
            let own = |name: &String| self.old.as_ref() == Some(name);
            groups.iter().find(|(name, columns)| !own(name) && columns.iter().any(|c| c == column)).map(|(name, _)| name)
        };
        let mut toggled = None;
        // Every line is as high as the scrolling counts it.
        ui.spacing_mut().interact_size.y = theme::ROW;
        let area = egui::ScrollArea::vertical().id_salt("groups-columns").max_height(height).auto_shrink([false, true]);
        area.show_rows(ui, theme::ROW, shown.len(), |ui, range| {
            for column in &shown[range] {
                let mut on = self.picked.contains(*column);
                let other = owner(column);
                ui.add_enabled_ui(other.is_none(), |ui| {
                    let response = ui.checkbox(&mut on, basic::shorten(column, 60));
                    if response.changed() {
                        toggled = Some((*column).to_owned());
                    }
                    if let Some(other) = other {
                        response.on_disabled_hover_text(cx.tw("why.groups_in", &[("name", other)]));
                    }
                });
            }
        });
        if let Some(column) = toggled
            && !self.picked.remove(&column)
        {
            self.picked.insert(column);
        }
        if let Some(said) = &self.fault {
            basic::warning(ui, said);
        }
        ui.horizontal(|ui| {
            let ready = self.picked.len() > 1 && !self.name.trim().is_empty();
            let key = if self.old.is_some() { "why.groups_save" } else { "why.groups_make" };
            let button = ui.add_enabled(ready, egui::Button::new(cx.t(key))).on_disabled_hover_text(cx.t("why.groups_need"));
            if button.clicked() {
                self.make(cx, model, groups);
            }
            if self.old.is_some() && ui.button(cx.t("why.groups_leave")).clicked() {
                self.begin(None, groups);
            }
            basic::caption(ui, &cx.tw("why.groups_picked", &[("n", &self.picked.len())]));
        });
    }

    fn make(&mut self, cx: &mut Cx<'_>, model: &Arc<dyn Model>, groups: &Groups) {
        // In the order of the file; columns that another model has stay where they are.
        let known = model.card().features().iter().map(|f| &f.name).filter(|n| self.picked.contains(*n)).cloned();
        let mut columns: Vec<String> = known.collect();
        columns.extend(self.picked.iter().filter(|p| !model.card().features().iter().any(|f| f.name == **p)).cloned());
        let command = Command::SetGroup { old: self.old.clone(), name: self.name.clone(), columns };
        let Some(recipe) = &cx.session.recipe else { return };
        match command.apply(&mut recipe.clone(), &cx.session.detected) {
            Ok(_) => {
                cx.command(command);
                self.begin(None, groups);
            }
            Err(fault) => self.fault = Some(fault.say(cx.lang())),
        }
    }
}

/// A short button that a screen reader and a tooltip call by its whole name.
fn named(response: egui::Response, name: &str) -> egui::Response {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response.on_hover_text(name)
}
