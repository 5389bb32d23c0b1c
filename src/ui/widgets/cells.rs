//! Cells of the table, read only where they are seen.

use eframe::egui::{self, RichText, Ui};

use crate::ui::{Cx, theme, widgets::basic};

/// All cells of one line of the file, name and value; only the visible ones are read.
pub fn row_ui(ui: &mut Ui, cx: &mut Cx<'_>, line: u32) {
    let Some(loaded) = &cx.session.loaded else { return };
    let table = &loaded.value.table;
    basic::section(ui, &cx.tw("ui.row_title", &[("row", &crate::base::numbers::count(i64::from(line) + 1))]));
    let row = line as usize;
    if row >= table.n_rows() {
        basic::caption(ui, cx.t("ui.row_not_loaded"));
        return;
    }
    ui.push_id("row-cells", |ui| {
        let height = theme::ROW;
        egui::ScrollArea::vertical().auto_shrink([false, true]).show_rows(ui, height, table.n_columns(), |ui, range| {
            for i in range {
                let name = table.name(i);
                let value = table.cell(row, i);
                let shown = value.clone().unwrap_or_else(|| "–".to_owned());
                let response = ui
                    .horizontal(|ui| {
                        ui.set_height(height - ui.spacing().item_spacing.y);
                        let width = ui.available_width() * 0.55;
                        basic::line(ui, width, theme::BODY, name, theme::SMALL, cx.tokens.weak);
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            let colour = if value.is_some() { cx.tokens.text } else { cx.tokens.missing };
                            ui.add(egui::Label::new(RichText::new(&shown).size(theme::SMALL).color(colour)).truncate());
                        });
                    })
                    .response;
                response.on_hover_text(format!("{name}\n{shown}"));
            }
        });
    });
}
