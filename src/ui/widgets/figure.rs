//! The frame around every picture: its title, its caption, its table twin, and saving it as SVG, PNG or CSV.

use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::basic;
use crate::ui::theme::{self, ROW, Tokens};
use crate::ui::{Action, Cx};

/// A picture's numbers as a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Column names.
    pub header: Vec<String>,
    /// Cells as shown; the first column is text, the others are numbers.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As CSV: quoted where needed, one line per row.
    pub fn csv(&self) -> String {
        let line = |cells: &[String]| cells.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",");
        let mut out = line(&self.header);
        for row in &self.rows {
            out.push('\n');
            out.push_str(&line(row));
        }
        out.push('\n');
        out
    }
}

impl From<crate::strategy::words::Sheet> for Table {
    fn from(s: crate::strategy::words::Sheet) -> Self {
        Self { header: s.head, rows: s.rows }
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// Which pictures are shown as tables, and which one is about to be saved as it looks.
#[derive(Default)]
pub struct Twins(BTreeSet<&'static str>, Option<(&'static str, u8)>);

/// Frames between the click and the picture: the menu closes, the room scrolls, the pointer's marks go.
const FRAMES: u8 = 24;

/// Opacity of what is no fact.
const FAINT: f32 = 0.4;

/// What a picture can be turned into; made only when asked for.
pub struct Source<'a> {
    /// Its numbers as a table.
    pub table: Box<dyn Fn() -> Table + 'a>,
    /// The same numbers with every digit, for a CSV file; as the table if absent.
    pub csv: Option<Box<dyn Fn() -> Table + 'a>>,
    /// As SVG.
    pub svg: Option<Box<dyn Fn() -> String + 'a>>,
}

/// Draws title and menu, then `picture` or its table, then the caption.
pub fn ui<R>(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    twins: &mut Twins,
    key: &'static str,
    caption: &str,
    source: &Source<'_>,
    picture: impl FnOnce(&mut Ui, &mut Cx<'_>) -> R,
) -> Option<R> {
    let shot = twins.1.filter(|(k, _)| *k == key).map(|(_, left)| left);
    let drawn = basic::anchored(ui, key, |ui| {
        let top = ui.cursor().min;
        ui.add_space(theme::SPACE);
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t(key)).size(theme::BODY).strong());
            menu(ui, cx, twins, key, source);
        });
        let out = if twins.0.contains(key) {
            basic::anchored(ui, "table", |ui| table(ui, &(source.table)()));
            None
        } else {
            Some(basic::anchored(ui, "picture", |ui| picture(ui, cx)))
        };
        if !caption.is_empty() {
            basic::caption(ui, caption);
        }
        let rect = egui::Rect::from_min_max(top, ui.min_rect().max);
        (out, rect.expand2(vec2(4.0, 2.0)))
    });
    let (out, rect) = drawn;
    match shot {
        Some(0) => {
            twins.1 = None;
            let name = format!("{}.png", key.trim_start_matches("why."));
            cx.send(Action::SavePicture { name, rect: rect.intersect(ui.clip_rect()) });
        }
        Some(left) => {
            twins.1 = Some((key, left - 1));
            ui.scroll_to_rect(rect, Some(egui::Align::Min));
            ui.ctx().request_repaint();
        }
        None => {}
    }
    out
}

/// Draws a picture; faint and with a warning above where it is no fact, so that nobody takes it for one.
pub fn as_fact<R>(ui: &mut Ui, unless: Option<&str>, picture: impl FnOnce(&mut Ui) -> R) -> R {
    let Some(said) = unless else { return picture(ui) };
    basic::warning(ui, said);
    ui.scope(|ui| {
        ui.multiply_opacity(FAINT);
        picture(ui)
    })
    .inner
}

fn menu(ui: &mut Ui, cx: &mut Cx<'_>, twins: &mut Twins, key: &'static str, source: &Source<'_>) {
    let title = cx.t(key);
    let name = cx.tw("why.more_about", &[("title", &title)]);
    let button = dots(ui, &name);
    egui::Popup::menu(&button).show(|ui| {
        let open = twins.0.contains(key);
        if ui.button(cx.t(if open { "why.as_picture" } else { "why.as_table" })).clicked() && !twins.0.remove(key) {
            twins.0.insert(key);
        }
        let file = |ending: &str| format!("{}.{ending}", key.trim_start_matches("why."));
        if let Some(svg) = &source.svg
            && ui.button(cx.t("why.save_svg")).clicked()
        {
            cx.send(Action::SaveText { name: file("svg"), text: svg() });
        }
        if !open && ui.button(cx.t("why.save_png")).clicked() {
            twins.1 = Some((key, FRAMES));
            ui.ctx().request_repaint();
        }
        if ui.button(cx.t("why.save_csv")).clicked() {
            let text = source.csv.as_ref().unwrap_or(&source.table)().csv();
            cx.send(Action::SaveText { name: file("csv"), text });
        }
    });
}

/// A small button of three dots.
fn dots(ui: &mut Ui, name: &str) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(24.0, 20.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let t = Tokens::of(ui.ctx());
    if response.hovered() || response.has_focus() {
        ui.painter().rect(rect, 4.0, t.hover, Stroke::NONE, egui::StrokeKind::Inside);
    }
    for i in -1..=1 {
        ui.painter().circle_filled(rect.center() + vec2(5.0 * i as f32, 0.0), 1.5, t.weak);
    }
    response.on_hover_text(name)
}

/// A table of numbers; only the visible rows are drawn.
pub fn table(ui: &mut Ui, table: &Table) {
    let t = Tokens::of(ui.ctx());
    let columns = table.header.len().max(1);
    let first = if columns == 1 { ui.available_width() } else { (ui.available_width() * 0.4).min(240.0) };
    let other = ((ui.available_width() - first) / (columns - 1).max(1) as f32).clamp(56.0, 120.0);
    let cell = |ui: &mut Ui, i: usize, text: &str, colour| {
        let width = if i == 0 { first } else { other };
        let layout =
            if i == 0 { egui::Layout::left_to_right(egui::Align::Center) } else { egui::Layout::right_to_left(egui::Align::Center) };
        ui.allocate_ui_with_layout(vec2(width, ROW), layout, |ui| {
            ui.set_min_width(width);
            basic::name(ui, text, theme::SMALL, colour);
        });
    };
    let line = |ui: &mut Ui, cells: &[String], colour| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for (i, text) in cells.iter().enumerate() {
                cell(ui, i, text, colour);
            }
        });
    };
    ui.spacing_mut().item_spacing.y = 0.0;
    line(ui, &table.header, t.weak);
    basic_rule(ui, t);
    egui::ScrollArea::vertical().max_height(12.0 * ROW).auto_shrink([false, true]).show_rows(ui, ROW, table.rows.len(), |ui, range| {
        for row in &table.rows[range] {
            line(ui, row, t.text);
        }
    });
}

fn basic_rule(ui: &mut Ui, t: &Tokens) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, t.rule));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let t = Table {
            header: vec!["name".into(), "a, b".into()],
            rows: vec![vec!["say \"hi\"".into(), "1".into()], vec!["line\nbreak".into(), String::new()]],
        };
        assert_eq!(t.csv(), "name,\"a, b\"\n\"say \"\"hi\"\"\",1\n\"line\nbreak\",\n");
    }
}
