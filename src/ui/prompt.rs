//! Questions over the window: a path to type where no file dialog is installed, and what to do with unsaved work.

use eframe::egui::{self, Key};

use super::{Action, Cx, theme, widgets::basic};

/// The question that is open, if any.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Prompt {
    /// None.
    #[default]
    None,
    /// A path for a purpose of the application, with what is typed so far.
    Path {
        /// Catalogue key of what it is for.
        title: &'static str,
        /// The path so far.
        text: String,
        /// Whether the field had the focus already.
        focused: bool,
    },
    /// Unsaved work stands in the way of something.
    Unsaved,
}

/// What came of a question in this frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// A path was typed.
    Path(std::path::PathBuf),
    /// It was closed.
    Left,
}

impl Prompt {
    /// A path to type.
    pub fn path(title: &'static str, proposal: String) -> Self {
        Self::Path { title, text: proposal, focused: false }
    }

    /// Draws the question, if one is open.
    pub fn ui(&mut self, ctx: &egui::Context, cx: &mut Cx<'_>) -> Answer {
        let mut answer = Answer::Open;
        match self {
            Self::None => return Answer::Open,
            Self::Path { title, text, focused } => {
                let modal = egui::Modal::new(egui::Id::unique("path-prompt")).show(ctx, |ui| {
                    ui.set_width(520.0);
                    ui.label(egui::RichText::new(cx.t(title)).strong());
                    ui.add_space(theme::TIGHT);
                    let label = ui.label(cx.t("ui.path_label"));
                    let field = ui.add(egui::TextEdit::singleline(text).desired_width(f32::INFINITY)).labelled_by(label.id);
                    if !std::mem::replace(focused, true) {
                        field.request_focus();
                    }
                    let enter = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                    ui.add_space(theme::SPACE);
                    ui.horizontal(|ui| {
                        let ready = !text.trim().is_empty();
                        let ok = ui.add_enabled_ui(ready, |ui| basic::primary(ui, cx.t("ui.ok"))).inner;
                        if ready && (ok.clicked() || enter) {
                            answer = Answer::Path(expand(text.trim()));
                        }
                        if ui.button(cx.t("ui.cancel")).clicked() {
                            answer = Answer::Left;
                        }
                    });
                });
                if answer == Answer::Open && modal.should_close() {
                    answer = Answer::Left;
                }
            }
            Self::Unsaved => {
                let modal = egui::Modal::new(egui::Id::unique("unsaved-prompt")).show(ctx, |ui| {
                    ui.set_width(420.0);
                    let name = cx.session.name().unwrap_or_default();
                    ui.label(egui::RichText::new(cx.tw("ui.unsaved_title", &[("name", &name)])).strong());
                    ui.add_space(theme::TIGHT);
                    ui.label(cx.t("ui.unsaved_body"));
                    ui.add_space(theme::SPACE);
                    ui.horizontal(|ui| {
                        if basic::primary(ui, cx.t("ui.save")).clicked() {
                            cx.send(Action::Proceed { save: true });
                            answer = Answer::Left;
                        }
                        if ui.button(cx.t("ui.discard")).clicked() {
                            cx.send(Action::Proceed { save: false });
                            answer = Answer::Left;
                        }
                        if ui.button(cx.t("ui.cancel")).clicked() {
                            cx.send(Action::Stay);
                            answer = Answer::Left;
                        }
                    });
                });
                if answer == Answer::Open && modal.should_close() {
                    cx.send(Action::Stay);
                    answer = Answer::Left;
                }
            }
        }
        if answer != Answer::Open {
            *self = Self::None;
        }
        answer
    }
}

/// `~/x` means the home folder, as people type it.
fn expand(text: &str) -> std::path::PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => text.into(),
    }
}
