//! What do I have? How the file was read, a list of columns with their roles and shapes, and the table itself.
//!
//! Nothing here grows with rows: the table reads the visible cells only and keeps them until another part is seen; the
//! profile was computed once, off this thread.

mod columns;
mod reading;
mod scan;
mod table;
#[cfg(test)]
mod tests;

use eframe::egui::{self, Margin, RichText, Ui};

use crate::base::numbers;
use crate::session::state::{Ask, Status};
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, View, theme};

/// What the room remembers.
#[derive(Default)]
pub struct DataView {
    columns: columns::Columns,
    reading: reading::ReadingBar,
    table: table::TableCells,
    scan: scan::ScanPane,
    /// Whether the findings are shown instead of the cells.
    shows_scan: bool,
}

impl View for DataView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some(loaded) = &session.loaded else {
            self.without_data(ui, cx);
            return;
        };
        let table = &loaded.value.table;
        ui.horizontal_wrapped(|ui| {
            let file = loaded.value.path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
            basic::title(ui, &basic::shorten(&file, 48)).on_hover_text(loaded.value.path.display().to_string());
            let (rows, columns) = (numbers::count(table.n_rows() as i64), numbers::count(table.n_columns() as i64));
            let key = if loaded.value.preview { "ui.first_rows" } else { "ui.rows_columns" };
            ui.label(RichText::new(cx.tw(key, &[("rows", &rows), ("columns", &columns)])).color(cx.tokens.weak));
            if let Some(p) = session.profile.as_ref().filter(|p| p.value.duplicate_rows > 0) {
                let n = numbers::count(p.value.duplicate_rows as i64);
                ui.label(RichText::new(cx.tw("ui.duplicate_rows", &[("n", &n)])).color(cx.tokens.weak));
            }
        });
        self.reading.ui(ui, cx, &loaded.value.reading);
        if let Status::Failed(fault) = session.status(&Ask::Load) {
            basic::warning(ui, &fault.say(cx.lang()));
        }
        if !session.has_target() {
            basic::warning(ui, cx.t("ui.no_target"));
        }
        warnings(ui, cx, &loaded.value.warnings, "load-warnings");
        if let Some(p) = &session.profile {
            warnings(ui, cx, &p.value.warnings, "profile-warnings");
        }
        ui.add_space(theme::TIGHT);
        let room = egui::Frame::new().inner_margin(Margin { right: 8, ..Margin::ZERO });
        egui::Panel::left("columns").frame(room).default_size(300.0).size_range(220.0..=480.0).show(ui, |ui| self.columns.ui(ui, cx));
        let room = egui::Frame::new().inner_margin(Margin { left: 8, ..Margin::ZERO });
        egui::CentralPanel::no_frame().frame(room).show(ui, |ui| {
            ui.horizontal(|ui| {
                for (scan, key) in [(false, "scan.tab_rows"), (true, "scan.tab_scan")] {
                    if ui.selectable_label(self.shows_scan == scan, cx.t(key)).clicked() {
                        self.shows_scan = scan;
                    }
                }
            });
            ui.add_space(theme::TIGHT);
            if self.shows_scan { self.scan.ui(ui, cx) } else { self.table.ui(ui, cx, &loaded.value) }
        });
    }

    fn inspector(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if let Some(name) = cx.session.selection.feature.clone() {
            columns::inspector(ui, cx, &name);
        }
    }
}

impl DataView {
    fn without_data(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        match cx.session.status(&Ask::Load) {
            Status::Failed(fault) => {
                // The reading options stay at hand: they may be what is wrong.
                self.reading.options_only(ui, cx);
                let sentence = fault.say(cx.lang());
                basic::empty(ui, cx.t("ui.data_failed"), &sentence, |ui| {
                    ui.horizontal(|ui| {
                        ui.add_space((ui.available_width() - 220.0).max(0.0) / 2.0);
                        // A file that is gone has to be found; anything else may be mended and tried again.
                        let gone = fault.0.code == "base.file_not_found";
                        let button = |ui: &mut Ui, first: bool, key: &str| {
                            if first { basic::primary(ui, cx.t(key)).clicked() } else { ui.button(cx.t(key)).clicked() }
                        };
                        let find = button(ui, gone, "ui.find_data");
                        if button(ui, !gone, "ui.try_again") {
                            cx.send(Action::Retry(Ask::Preview));
                            cx.send(Action::Retry(Ask::Load));
                        }
                        if find {
                            cx.send(Action::FindData);
                        }
                    });
                });
            }
            _ => basic::empty(ui, cx.t("ui.data_reading"), cx.t("ui.data_reading_help"), |_| ()),
        }
    }
}

/// Warnings as a foldable list, so that hundreds take one line.
fn warnings(ui: &mut Ui, cx: &Cx<'_>, all: &[crate::base::Notice], id: &str) {
    match all {
        [] => {}
        [one] => drop(basic::warning(ui, &one.say(cx.lang()))),
        many => {
            let title = cx.tw("ui.n_warnings", &[("n", &many.len())]);
            egui::CollapsingHeader::new(RichText::new(title).size(theme::SMALL).color(cx.tokens.warn)).id_salt(id).show(ui, |ui| {
                egui::ScrollArea::vertical().id_salt(id).max_height(120.0).show_rows(ui, theme::ROW, many.len(), |ui, range| {
                    for notice in &many[range] {
                        basic::warning(ui, &notice.say(cx.lang()));
                    }
                });
            });
        }
    }
}
