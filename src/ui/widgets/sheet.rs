//! A short table of words and numbers as wide as its cells: names at the left, numbers at the right of their columns.

use eframe::egui::{self, Align, Layout, RichText, Ui};

use crate::strategy::words::Sheet;
use crate::ui::theme::{self, Tokens};

/// Draws it; the first `names` columns are words, the others numbers.
pub fn ui(ui: &mut Ui, id: &'static str, sheet: &Sheet, names: usize) {
    let t = Tokens::of(ui.ctx());
    egui::ScrollArea::horizontal().id_salt(id).auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new(id).striped(true).spacing([theme::SECTION, theme::TIGHT]).show(ui, |ui| {
            let cell = |ui: &mut Ui, k: usize, text: RichText| {
                // A number stands under the end of its column's name.
                let layout = if k < names { Layout::left_to_right(Align::Center) } else { Layout::right_to_left(Align::Center) };
                ui.with_layout(layout, |ui| ui.add(egui::Label::new(text).extend()));
            };
            for (k, h) in sheet.head.iter().enumerate() {
                cell(ui, k, RichText::new(h).size(theme::SMALL).color(t.weak));
            }
            ui.end_row();
            for row in &sheet.rows {
                for (k, c) in row.iter().enumerate() {
                    cell(ui, k, RichText::new(c));
                }
                ui.end_row();
            }
        });
    });
}
