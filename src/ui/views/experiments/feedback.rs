//! New rows beside a model: which file and which model it was asked of, and how many rows are held back. The file is chosen
//! in *Models*, where the answer stands as well.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::strategy::study::FeedbackAsked;
use crate::ui::Cx;
use crate::ui::widgets::basic;

/// The fields; a hint where something is missing.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut FeedbackAsked) -> Result<(), &'static str> {
    let model = cx.session.beside(asked).unwrap_or_default();
    egui::Grid::new("feedback").num_columns(2).spacing(egui::vec2(12.0, 8.0)).show(ui, |ui| {
        for (key, shown) in [("feedback.file", asked.file.display().to_string()), ("feedback.beside", model.clone())] {
            ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak));
            ui.label(basic::shorten(&shown, 60)).on_hover_text(shown);
            ui.end_row();
        }
        form::share(ui, cx, "feedback.held_field", &mut asked.held, (0.1, 0.9));
    });
    match cx.session.models.contains_key(&model) {
        _ if asked.file.as_os_str().is_empty() => Err("feedback.hint_file"),
        false => Err("feedback.hint_train"),
        true => Ok(()),
    }
}
