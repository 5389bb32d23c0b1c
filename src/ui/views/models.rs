//! What will happen? Models to train and load, their settings, the live curve, and their figures side by side.

mod evaluation;
pub(super) mod feedback;
mod settings;

use eframe::egui::{self, Margin, RichText, Ui};

use crate::ml::{ModelKind, ModelSpec};
use crate::session::state::{Ask, Command, Status};
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, Room, View, strip, theme};

/// What the room remembers.
#[derive(Default)]
pub struct ModelsView {
    evaluation: evaluation::EvaluationPanel,
    settings: settings::Settings,
    feedback: feedback::FeedbackPanel,
}

impl View for ModelsView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some(recipe) = &session.recipe else { return self.without_data(ui, cx) };
        if recipe.models.is_empty() && session.models.is_empty() {
            return self.nothing_yet(ui, cx);
        }
        let list = egui::Frame::new().inner_margin(Margin { right: 12, ..Margin::ZERO });
        egui::Panel::left("models").frame(list).default_size(220.0).size_range(160.0..=320.0).show(ui, |ui| {
            ui.horizontal(|ui| {
                basic::title(ui, cx.t("ui.room_models"));
                add_menu(ui, cx);
            });
            egui::ScrollArea::vertical().show(ui, |ui| {
                for name in names(cx) {
                    line(ui, cx, &name);
                }
            });
        });
        let room = egui::Frame::new().inner_margin(Margin { left: 16, ..Margin::ZERO });
        egui::CentralPanel::no_frame().frame(room).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let Some(name) = shown(cx) else { return };
                ui.push_id(("model", &name), |ui| self.model(ui, cx, &name));
                self.evaluation.ui(ui, cx, &name);
                self.feedback.ui(ui, cx, &name);
                ui.add_space(theme::SECTION);
            });
        });
    }
}

impl ModelsView {
    fn nothing_yet(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if !cx.session.has_target() {
            return basic::empty(ui, cx.t("ui.models_empty_title"), cx.t("ui.no_target"), |ui| {
                if basic::primary(ui, cx.t("ui.go_to_data")).clicked() {
                    cx.send(Action::Go(Room::Data));
                }
            });
        }
        basic::empty(ui, cx.t("ui.models_empty_title"), cx.t("ui.models_empty"), |ui| {
            for kind in ModelKind::ALL {
                let text = cx.tw("ui.add_model_of", &[("kind", &cx.t(kind_key(kind)))]);
                let button = egui::Button::new(text).min_size(egui::vec2(280.0, 32.0));
                if ui.add(button).on_hover_text(cx.t(kind_help(kind))).clicked() {
                    add(cx, kind);
                }
            }
            ui.add_space(theme::SPACE);
            if ui.button(cx.t("ui.cmd_load_model")).clicked() {
                cx.send(Action::LoadModel);
            }
        });
    }

    /// A model was opened and nothing else: what it reads and predicts, how good it was, and what it needs now.
    fn without_data(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(name) = shown(cx) else { return };
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.horizontal(|ui| {
                basic::title(ui, &basic::shorten(&name, 40)).on_hover_text(&name);
                for other in names(cx).into_iter().filter(|n| *n != name) {
                    if ui.button(basic::shorten(&other, 24)).on_hover_text(&other).clicked() {
                        cx.select(|s| s.model = Some(other));
                    }
                }
            });
            let Some(kept) = cx.session.models.get(&name) else { return };
            let card = kept.value.card();
            basic::caption(ui, cx.t(kind_help(card.spec.kind)));
            ui.add_space(theme::SPACE);
            ui.add(egui::Label::new(cx.t("ui.model_without_data")).wrap());
            ui.horizontal(|ui| {
                if basic::primary(ui, cx.t("ui.start_open")).clicked() {
                    cx.send(Action::ChooseFile);
                }
                if ui.button(cx.t("ui.start_type")).clicked() {
                    cx.send(Action::TypePath);
                }
                if ui.button(cx.t("ui.model_back")).clicked() {
                    cx.send(Action::Close);
                }
            });
            basic::section(ui, cx.t("ui.model_predicts"));
            ui.label(card.outcomes.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", "));
            basic::section(ui, cx.t("ui.model_columns"));
            let columns = card.features().iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            ui.add(egui::Label::new(columns).wrap());
            self.evaluation.ui(ui, cx, &name);
            ui.add_space(theme::SECTION);
        });
    }

    fn model(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, name: &str) {
        let ask = Ask::Train(name.to_owned());
        let status = cx.session.model_status(name);
        let spec = cx.session.spec(name).cloned();
        ui.horizontal(|ui| {
            basic::title(ui, &basic::shorten(name, 40)).on_hover_text(name);
            if status != Status::Empty {
                basic::chip(ui, cx.t(crate::ui::shell::status_key(&status)), cx.tokens.of_status(&status), "");
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if spec.is_some() {
                    let remove = cx.tw("ui.remove_model", &[("name", &name)]);
                    if basic::icon(ui, basic::Icon::Close, &remove, status != Status::Running).clicked() {
                        cx.command(Command::RemoveModel { name: name.to_owned() });
                    }
                }
                if cx.session.models.contains_key(name) && ui.button(cx.t("ui.save_model")).clicked() {
                    cx.send(Action::SaveModel(name.to_owned()));
                }
                if spec.is_some() && status != Status::Running {
                    let again = cx.session.models.contains_key(name);
                    let key = match (spec.as_ref().is_some_and(|s| s.kind == ModelKind::Import), again) {
                        (false, false) => "ui.train",
                        (false, true) => "ui.train_again",
                        (true, false) => "ui.read_model",
                        (true, true) => "ui.read_model_again",
                    };
                    if basic::primary(ui, cx.t(key)).clicked() {
                        cx.want(ask.clone());
                    }
                }
            });
        });
        if let Some(spec) = &spec {
            basic::caption(ui, cx.t(kind_help(spec.kind)));
        }
        match &status {
            Status::Failed(fault) => drop(basic::warning(ui, &fault.say(cx.lang()))),
            Status::Stale => drop(basic::warning(ui, cx.t("ui.model_stale"))),
            _ => {}
        }
        if let Some(spec) = spec {
            self.settings.ui(ui, cx, &spec, status == Status::Running);
        }
        self.progress(ui, cx, name, &ask);
    }

    /// The live curve while it trains, or the curve as it was.
    fn progress(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, name: &str, ask: &Ask) {
        let job = cx.session.job(ask);
        let live = job.and_then(|j| cx.session.progress.get(&j.id));
        if let Some(job) = job {
            ui.horizontal(|ui| {
                let words = strip::words(cx, live, job.token.is_paused());
                let share = live.filter(|p| p.total > 0).map(|p| (p.done as f32 / p.total as f32).min(1.0));
                basic::bar(ui, 200.0, share, &words);
                ui.label(RichText::new(words).size(theme::SMALL));
                let paused = job.token.is_paused();
                if ui.button(cx.t(if paused { "ui.resume" } else { "ui.pause" })).clicked() {
                    cx.send(Action::Pause(job.id, !paused));
                }
                if ui.button(cx.t("ui.stop")).clicked() {
                    cx.send(Action::Cancel(job.id));
                }
            });
        }
        let kept = cx.session.models.get(name).map(|k| k.value.card().curve.as_slice());
        let points = live.map(|p| &*p.curve).filter(|c| !c.is_empty()).or(kept).unwrap_or_default();
        if points.len() > 1 {
            evaluation::curve(ui, cx, name, points);
        }
    }
}

/// Models of the recipe, then those from files.
fn names(cx: &Cx<'_>) -> Vec<String> {
    let mut all: Vec<String> = cx.session.recipe.iter().flat_map(|r| &r.models).map(|m| m.name.clone()).collect();
    for name in cx.session.models.keys() {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The model on screen: the selected one, else the first.
fn shown(cx: &Cx<'_>) -> Option<String> {
    let all = names(cx);
    cx.session.selection.model.clone().filter(|m| all.contains(m)).or_else(|| all.first().cloned())
}

fn line(ui: &mut Ui, cx: &mut Cx<'_>, name: &str) {
    let selected = shown(cx).as_deref() == Some(name);
    let status = cx.session.model_status(name);
    let button = egui::Button::selectable(selected, basic::shorten(name, 24)).min_size(egui::vec2(ui.available_width(), 32.0));
    let response = ui.add(button);
    basic::status_dot(ui, cx.tokens, response.rect, &status);
    let help = format!("{name}\n{}", cx.t(crate::ui::shell::status_key(&status)));
    if response.on_hover_text(help).clicked() {
        let name = name.to_owned();
        cx.select(|s| s.model = Some(name));
    }
}

fn add_menu(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.menu_button(cx.t("ui.add_model"), |ui| {
        for kind in ModelKind::ALL {
            if ui.button(cx.t(kind_key(kind))).on_hover_text(cx.t(kind_help(kind))).clicked() {
                add(cx, kind);
                ui.close();
            }
        }
        ui.separator();
        if ui.button(cx.t("ui.cmd_load_model")).clicked() {
            cx.send(Action::LoadModel);
            ui.close();
        }
    });
}

fn add(cx: &mut Cx<'_>, kind: ModelKind) {
    let taken = names(cx);
    let base = cx.t(kind_name(kind));
    let name = (1..)
        .map(|i| if i == 1 { base.to_owned() } else { format!("{base} {i}") })
        .find(|n| !taken.contains(n))
        .unwrap_or_else(|| base.to_owned());
    cx.command(Command::AddModel(ModelSpec::new(&name, kind)));
    cx.select(|s| s.model = Some(name));
}

/// Catalogue key of a kind.
pub(crate) fn kind_key(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Logistic => "ui.kind_logistic",
        ModelKind::Gbdt => "ui.kind_gbdt",
        ModelKind::Dnn => "ui.kind_dnn",
        ModelKind::Transformer => "ui.kind_transformer",
        ModelKind::Onnx => "ui.kind_onnx",
        ModelKind::Import => "ui.kind_import",
    }
}

/// Catalogue key of the name that a new model of a kind gets.
fn kind_name(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Logistic => "ui.name_logistic",
        ModelKind::Gbdt => "ui.name_gbdt",
        ModelKind::Dnn => "ui.name_dnn",
        ModelKind::Transformer => "ui.name_transformer",
        ModelKind::Onnx => "ui.kind_onnx",
        ModelKind::Import => "ui.kind_import",
    }
}

/// Catalogue key of what a kind is good for.
fn kind_help(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Logistic => "ui.kind_logistic_help",
        ModelKind::Gbdt => "ui.kind_gbdt_help",
        ModelKind::Dnn => "ui.kind_dnn_help",
        ModelKind::Transformer => "ui.kind_transformer_help",
        ModelKind::Onnx => "ui.kind_onnx_help",
        ModelKind::Import => "ui.kind_import_help",
    }
}
