//! The start page: open data, recent projects, samples, and what a crash left behind.

use eframe::egui::{self, RichText, Ui};

use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, View, theme};

/// The start page keeps nothing.
#[derive(Default)]
pub struct StartView {}

impl View for StartView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let width = ui.available_width().min(680.0);
            let side = (ui.available_width() - width) / 2.0;
            ui.horizontal_top(|ui| {
                ui.add_space(side);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    page(ui, cx);
                });
            });
        });
    }
}

fn page(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.add_space(ui.available_height().min(64.0));
    ui.label(RichText::new("Whybench").size(theme::TITLE).strong());
    ui.label(RichText::new(cx.t("ui.start_what")).color(cx.tokens.weak));
    ui.add_space(theme::SECTION);
    ui.horizontal(|ui| {
        if basic::primary(ui, cx.t("ui.start_open")).clicked() {
            cx.send(Action::ChooseFile);
        }
        if ui.button(cx.t("ui.start_type")).clicked() {
            cx.send(Action::TypePath);
        }
    });
    basic::caption(ui, cx.t("ui.start_formats"));

    if !cx.start.recoverable.is_empty() {
        basic::section(ui, cx.t("ui.start_recover"));
        basic::caption(ui, cx.t("ui.start_recover_help"));
        for path in &cx.start.recoverable {
            ui.horizontal(|ui| {
                let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                if ui.button(cx.tw("ui.recover", &[("name", &name)])).clicked() {
                    cx.send(Action::Recover(path.clone()));
                }
                if ui.button(cx.tw("ui.recover_discard", &[("name", &name)])).clicked() {
                    cx.send(Action::Discard(path.clone()));
                }
            });
        }
    }

    basic::section(ui, cx.t("ui.start_samples"));
    if cx.start.samples.is_empty() {
        basic::caption(ui, cx.t("ui.start_no_samples"));
    }
    for sample in &cx.start.samples {
        if line(ui, cx, cx.t(sample.title), cx.t(sample.about)) {
            cx.send(Action::Open(sample.path.clone()));
        }
    }

    if !cx.start.recent.is_empty() {
        basic::section(ui, cx.t("ui.start_recent"));
        for path in &cx.start.recent {
            let name = path.file_name().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            let folder = path.parent().map(|p| p.display().to_string()).unwrap_or_default();
            if line(ui, cx, &name, &folder) {
                cx.send(Action::Open(path.clone()));
            }
        }
    }
    ui.add_space(theme::SECTION);
}

/// A line with a title and a caption below it that is clicked as a whole.
fn line(ui: &mut Ui, cx: &Cx<'_>, title: &str, about: &str) -> bool {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 13.0 * theme::GRID), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, title));
    let t = cx.tokens;
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 5.0, t.hover);
    }
    let clip = ui.painter().with_clip_rect(rect.shrink2(egui::vec2(12.0, 0.0)));
    let body = egui::FontId::proportional(theme::BODY);
    clip.text(rect.left_top() + egui::vec2(12.0, 8.0), egui::Align2::LEFT_TOP, title, body, t.text);
    let small = egui::FontId::proportional(theme::SMALL);
    clip.text(rect.left_bottom() + egui::vec2(12.0, -8.0), egui::Align2::LEFT_BOTTOM, about, small, t.weak);
    ui.painter().hline(rect.x_range(), rect.bottom() + 2.0, egui::Stroke::new(1.0, t.rule));
    response.on_hover_text(about).on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}
