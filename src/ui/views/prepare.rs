//! Preparation: a visible list of steps, what each changed, and how rows are split.

mod editor;
mod split;

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::data::{Step, StepEffect};
use crate::session::state::{Ask, Command, Status};
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, Room, View, theme};

use editor::Editor;

/// What the room remembers.
#[derive(Default)]
pub struct PrepareView {
    /// The step being edited: its place, and whether it is new.
    editing: Option<(usize, bool, Editor)>,
    split: split::SplitEditor,
}

impl View for PrepareView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some(recipe) = &session.recipe else { return };
        if !session.has_target() && session.loaded.is_some() {
            return basic::empty(ui, cx.t("ui.prepare_no_target_title"), cx.t("ui.no_target"), |ui| {
                if basic::primary(ui, cx.t("ui.go_to_data")).clicked() {
                    cx.send(Action::Go(Room::Data));
                }
            });
        }
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(820.0);
            ui.horizontal(|ui| {
                basic::title(ui, cx.t("ui.prepare_title"));
                self.add_menu(ui, cx, recipe.prepare.len());
            });
            basic::caption(ui, cx.t("ui.prepare_about"));
            let status = session.status(&Ask::Prepare);
            if let Status::Failed(fault) = &status {
                basic::warning(ui, &fault.say(cx.lang()));
            }
            if recipe.prepare.is_empty() && self.editing.is_none() {
                ui.add_space(theme::SPACE);
                ui.label(RichText::new(cx.t("ui.prepare_empty")).color(cx.tokens.weak));
            }
            let prepared = session.prepared.as_ref();
            for (at, step) in recipe.prepare.iter().enumerate() {
                if matches!(&self.editing, Some((i, false, _)) if *i == at) {
                    self.edit(ui, cx);
                    continue;
                }
                let effect = prepared.and_then(|p| p.value.effects.get(at)).filter(|e| e.step == *step);
                self.step(ui, cx, at, recipe.prepare.len(), step, effect, status != Status::Ready);
            }
            if matches!(self.editing, Some((_, true, _))) {
                self.edit(ui, cx);
            }
            if let Some(p) = prepared {
                for w in &p.value.warnings {
                    basic::warning(ui, &w.say(cx.lang()));
                }
            }
            self.split.ui(ui, cx);
            ui.add_space(theme::SECTION);
        });
    }
}

impl PrepareView {
    fn add_menu(&mut self, ui: &mut Ui, cx: &Cx<'_>, at: usize) {
        ui.menu_button(cx.t("ui.add_step"), |ui| {
            for kind in editor::KINDS {
                if ui.button(cx.t(kind.title())).on_hover_text(cx.t(kind.help())).clicked() {
                    self.editing = Some((at, true, Editor::new(kind)));
                    ui.close();
                }
            }
        });
    }

    fn edit(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some((at, new, editor)) = &mut self.editing else { return };
        let done = editor.ui(ui, cx);
        match done {
            None => {}
            Some(None) => self.editing = None,
            Some(Some(step)) => {
                let at = *at;
                cx.command(if *new { Command::AddStep { at, step } } else { Command::ReplaceStep { at, step } });
                self.editing = None;
            }
        }
    }
    fn step(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, at: usize, of: usize, step: &Step, effect: Option<&StepEffect>, stale: bool) {
        ui.add_space(theme::SPACE);
        ui.push_id(("step", at), |ui| {
            let title = format!("{}. {}", at + 1, editor::words(cx, step));
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let named = |key: &str| cx.tw(key, &[("n", &(at + 1))]);
                    let (remove, down, up) = (named("ui.step_remove"), named("ui.step_down"), named("ui.step_up"));
                    if basic::icon(ui, basic::Icon::Close, &remove, true).clicked() {
                        cx.command(Command::RemoveStep { at });
                    }
                    if basic::icon(ui, basic::Icon::Down, &down, at + 1 < of).clicked() {
                        cx.command(Command::MoveStep { from: at, to: at + 1 });
                    }
                    if basic::icon(ui, basic::Icon::Up, &up, at > 0).clicked() {
                        cx.command(Command::MoveStep { from: at, to: at - 1 });
                    }
                    if ui.button(cx.t("ui.edit")).clicked() {
                        self.editing = Some((at, false, Editor::of(step)));
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.add(egui::Label::new(RichText::new(&title).strong()).truncate()).on_hover_text(&title);
                    });
                });
            });
            match effect {
                Some(effect) => self::effect(ui, cx, effect, stale),
                None => drop(basic::caption(ui, cx.t("ui.step_not_computed"))),
            }
        });
        ui.add_space(theme::TIGHT);
        basic::rule(ui);
    }
}

/// What a step changed, before and after.
fn effect(ui: &mut Ui, cx: &Cx<'_>, effect: &StepEffect, stale: bool) {
    if stale {
        ui.set_opacity(0.5);
    }
    let n = |x: usize| numbers::count(x as i64);
    let text = cx.tw(
        "ui.step_effect",
        &[("before", &n(effect.rows.0)), ("after", &n(effect.rows.1)), ("cells", &n(effect.cells)), ("rows", &n(effect.rows_changed))],
    );
    ui.label(RichText::new(text).size(theme::SMALL));
    for w in &effect.warnings {
        basic::warning(ui, &w.say(cx.lang()));
    }
    if !effect.added.is_empty() {
        basic::caption(ui, &cx.tw("ui.step_added", &[("columns", &effect.added.join(", "))]));
    }
    let changed: Vec<_> = effect.columns.iter().filter(|c| c.cells > 0).collect();
    if changed.is_empty() {
        return;
    }
    let title = RichText::new(cx.tw("ui.columns_changed", &[("n", &changed.len())])).size(theme::SMALL).color(cx.tokens.weak);
    egui::CollapsingHeader::new(title).id_salt("changed").show(ui, |ui| {
        egui::ScrollArea::both().max_height(240.0).auto_shrink([false, true]).show(ui, |ui| {
            egui::Grid::new("before-after").num_columns(9).striped(false).spacing([16.0, 4.0]).show(ui, |ui| {
                let head = |ui: &mut Ui, text: &str| drop(ui.label(RichText::new(text).size(theme::SMALL).color(cx.tokens.weak)));
                head(ui, cx.t("ui.column"));
                head(ui, cx.t("ui.cells"));
                for key in ["ui.missing", "ui.mean", "ui.min", "ui.max"] {
                    head(ui, cx.t(key));
                }
                ui.end_row();
                // A step on thousands of columns shows its first hundred here; the table twin is the report.
                for c in changed.iter().take(100) {
                    ui.label(RichText::new(basic::shorten(&c.name, 32)).size(theme::SMALL)).on_hover_text(&c.name);
                    ui.label(RichText::new(n(c.cells)).size(theme::SMALL));
                    let pair = |a: String, b: String| if a == b { a } else { format!("{a} → {b}") };
                    let x = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), numbers::plain);
                    let cells = [
                        pair(n(c.before.0), n(c.after.0)),
                        pair(x(c.before.1), x(c.after.1)),
                        pair(x(c.before.2), x(c.after.2)),
                        pair(x(c.before.3), x(c.after.3)),
                    ];
                    for text in cells {
                        ui.label(RichText::new(text).size(theme::SMALL));
                    }
                    ui.end_row();
                }
            });
        });
    });
}
