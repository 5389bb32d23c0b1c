//! The table: millions of rows, thousands of columns; only the visible cells are read, and read again only when another
//! part is seen.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{self, Align, Layout, RichText, Ui};
use egui_table::{CellInfo, Column, HeaderCellInfo, HeaderRow, PrefetchInfo, Table, TableDelegate, TableState};

use crate::base::numbers;
use crate::data::table::ColumnType;
use crate::data::{Loaded, Role};
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// The cells that are on screen.
#[derive(Default)]
pub(super) struct TableCells {
    of: usize,
    rows: Range<u64>,
    cells: BTreeMap<usize, Vec<Option<String>>>,
    columns: Vec<Column>,
}

impl TableCells {
    /// The table.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, loaded: &Arc<Loaded>) {
        let of = Arc::as_ptr(loaded) as usize;
        let new = self.of != of;
        if new {
            let width = |i: usize| (loaded.table.name(i).chars().count() as f32 * 7.5 + 20.0).clamp(72.0, 200.0);
            let widths = std::iter::once(72.0).chain((0..loaded.table.n_columns()).map(width));
            let column = |(i, w): (usize, f32)| Column::new(w).id(egui::Id::unique(("data-column", i))).range(48.0..=600.0);
            *self = Self { of, columns: widths.enumerate().map(column).collect(), ..Self::default() };
        }
        let table = Table::new()
            .id_salt("data-table")
            .num_rows(loaded.table.n_rows() as u64)
            .columns(self.columns.clone())
            .num_sticky_cols(1)
            .headers([HeaderRow::new(theme::ROW + theme::TIGHT)]);
        if new {
            // Widths follow from the names; without this the widget would measure every cell in view once.
            let col_widths = self.columns.iter().enumerate().map(|(i, c)| (c.id_for(i), c.current)).collect();
            TableState { col_widths, parent_width: None }.store(ui.ctx(), table.get_id(ui));
        }
        table.show(ui, &mut Delegate { cells: self, cx, loaded });
    }
}

struct Delegate<'a, 'b> {
    cells: &'a mut TableCells,
    cx: &'a mut Cx<'b>,
    loaded: &'a Arc<Loaded>,
}

impl TableDelegate for Delegate<'_, '_> {
    fn prepare(&mut self, info: &PrefetchInfo) {
        let (table, cells) = (&self.loaded.table, &mut *self.cells);
        let end = info.visible_rows.end.min(table.n_rows() as u64);
        let rows = info.visible_rows.start.min(end)..end;
        if cells.rows != rows {
            cells.rows = rows.clone();
            cells.cells.clear();
        }
        // Column 0 of the widget is the row number.
        let columns = info.visible_columns.start.max(1)..info.visible_columns.end.max(1);
        cells.cells.retain(|i, _| columns.contains(&(i + 1)));
        for i in columns.map(|c| c - 1).filter(|i| *i < table.n_columns()) {
            let range = rows.start as usize..rows.end as usize;
            cells.cells.entry(i).or_insert_with(|| table.cells(range, i));
        }
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        let t = self.cx.tokens;
        ui.painter().hline(ui.max_rect().x_range(), ui.max_rect().bottom(), egui::Stroke::new(1.0, t.rule));
        let Some(i) = cell.col_range.start.checked_sub(1) else { return };
        let name = self.loaded.table.name(i);
        let role = self.cx.session.roles.as_ref().and_then(|r| r.of.get(name)).copied();
        let colour = match role {
            Some(Role::Target) => t.accent,
            Some(Role::Feature) | None => t.text,
            Some(_) => t.weak,
        };
        let right = matches!(self.loaded.table.column_type(i), ColumnType::Integer | ColumnType::Number);
        let layout = if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
        ui.with_layout(layout, |ui| {
            ui.add_space(theme::SPACE);
            if basic::name(ui, name, theme::SMALL, colour).interact(egui::Sense::click()).on_hover_text(name).clicked() {
                self.cx.select(|s| s.feature = Some(name.to_owned()));
            }
        });
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let line = self.loaded.table.file_row(row as usize);
        if self.cx.session.selection.row == Some(line) {
            ui.painter().rect_filled(ui.max_rect(), 0.0, self.cx.tokens.accent_soft);
        } else if ui.rect_contains_pointer(ui.max_rect()) {
            ui.painter().rect_filled(ui.max_rect(), 0.0, self.cx.tokens.hover);
        }
        ui.painter().hline(ui.max_rect().x_range(), ui.max_rect().bottom(), egui::Stroke::new(0.5, self.cx.tokens.rule));
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let t = self.cx.tokens;
        let line = self.loaded.table.file_row(cell.row_nr as usize);
        let number = cell.col_nr == 0;
        let right = number || matches!(self.loaded.table.column_type(cell.col_nr - 1), ColumnType::Integer | ColumnType::Number);
        let (text, colour) = if number {
            (numbers::count(i64::from(line) + 1), t.faint)
        } else {
            let at = cell.row_nr.saturating_sub(self.cells.rows.start) as usize;
            match self.cells.cells.get(&(cell.col_nr - 1)).and_then(|c| c.get(at)) {
                Some(Some(text)) => (text.clone(), t.text),
                _ => ("–".to_owned(), t.missing),
            }
        };
        let layout = if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
        ui.with_layout(layout, |ui| {
            ui.add_space(theme::SPACE);
            let label = egui::Label::new(RichText::new(text).size(theme::SMALL).color(colour)).truncate().selectable(false);
            if ui.add(label.sense(egui::Sense::click())).clicked() {
                self.cx.select(|s| s.row = Some(line));
            }
        });
    }

    fn default_row_height(&self) -> f32 {
        theme::ROW
    }
}
