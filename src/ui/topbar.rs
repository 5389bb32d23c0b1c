//! The bar at the top: project, undo and redo, palette, device, language, theme.

use eframe::egui::{self, RichText, ThemePreference, Ui};

use super::{Action, Cx, commands, theme, widgets::basic};
use crate::base::Lang;
use crate::ml::DeviceChoice;
use crate::session::state::Ask;
use crate::session::task::DeviceLine;

/// Draws the bar.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal_centered(|ui| {
        menu(ui, cx);
        match cx.session.name() {
            Some(name) => {
                let shown = basic::shorten(&name, 40);
                ui.label(RichText::new(shown).strong()).on_hover_text(&name);
                if cx.session.dirty {
                    ui.label(RichText::new(cx.t("ui.unsaved_mark")).size(theme::SMALL).color(cx.tokens.weak));
                }
            }
            None => {
                ui.label(RichText::new("Whybench").strong());
            }
        }
        ui.add_space(theme::SECTION);
        let (undo, redo) = (cx.session.history.can_undo(), cx.session.history.can_redo());
        if basic::icon(ui, basic::Icon::Undo, cx.t("ui.cmd_undo"), undo).clicked() {
            cx.send(Action::Undo);
        }
        if basic::icon(ui, basic::Icon::Redo, cx.t("ui.cmd_redo"), redo).clicked() {
            cx.send(Action::Redo);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            inspector_button(ui, cx);
            theme_button(ui, cx);
            language_button(ui, cx);
            device(ui, cx);
            let keys = ui.ctx().format_shortcut(&egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::K));
            let button = egui::Button::new(RichText::new(cx.t("ui.search")).color(cx.tokens.weak))
                .shortcut_text(RichText::new(keys).size(theme::SMALL).color(cx.tokens.faint));
            if ui.add(button).clicked() {
                cx.send(Action::Palette);
            }
        });
    });
}

fn menu(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.menu_button(cx.t("ui.menu"), |ui| {
        for entry in commands::list(cx.session) {
            if matches!(entry.action, Action::SetLang(_) | Action::SetTheme(_) | Action::Want(_) | Action::SaveModel(_)) {
                continue;
            }
            let keys = entry.shortcut.map(|s| ui.ctx().format_shortcut(&s)).unwrap_or_default();
            let button = egui::Button::new(entry.title(cx.lang())).shortcut_text(RichText::new(keys).color(cx.tokens.weak));
            if ui.add_enabled(entry.enabled, button).clicked() {
                cx.send(entry.action);
                ui.close();
            }
        }
    });
}

fn language_button(ui: &mut Ui, cx: &mut Cx<'_>) {
    let (text, other) = match cx.lang() {
        Lang::En => ("中文", Lang::Zh),
        Lang::Zh => ("EN", Lang::En),
    };
    if ui.add(egui::Button::new(text).frame_when_inactive(false)).on_hover_text(cx.t("ui.language")).clicked() {
        cx.send(Action::SetLang(other));
    }
}

fn theme_button(ui: &mut Ui, cx: &mut Cx<'_>) {
    let (icon, name, other) = if cx.tokens.dark {
        (basic::Icon::Sun, cx.t("ui.cmd_light"), ThemePreference::Light)
    } else {
        (basic::Icon::Moon, cx.t("ui.cmd_dark"), ThemePreference::Dark)
    };
    if basic::icon(ui, icon, name, true).clicked() {
        cx.send(Action::SetTheme(other));
    }
}

fn inspector_button(ui: &mut Ui, cx: &mut Cx<'_>) {
    if basic::icon(ui, basic::Icon::Side, cx.t("ui.cmd_inspector"), cx.session.recipe.is_some()).clicked() {
        cx.send(Action::Inspector);
    }
}

/// Where models train: the GPU if there is a real one, else the processor, with its memory. The drivers are asked once
/// something is open, away from the window.
fn device(ui: &mut Ui, cx: &mut Cx<'_>) {
    let session = cx.session;
    if session.devices.is_empty() && session.recipe.is_some() && session.job(&Ask::Devices).is_none() {
        cx.want(Ask::Devices);
    }
    let is_cpu = |d: &&DeviceLine| matches!(d.choice, DeviceChoice::Cpu);
    let gpu = session.devices.iter().find(|d| !d.software && !is_cpu(d));
    let memory = |d: &DeviceLine| d.memory.map(|m| cx.tw("ui.device_memory", &[("memory", &(m as f64 / f64::from(1 << 30)).round())]));
    let (text, help) = match (gpu, session.devices.iter().find(is_cpu)) {
        (Some(d), _) => {
            let told = memory(d).unwrap_or_else(|| cx.t("ui.device_memory_unknown").to_owned());
            (basic::shorten(&d.name, 22), format!("{} · {} · {told}", d.name, d.backend))
        }
        (None, cpu) => {
            let name = cx.t("ui.device_cpu");
            let text = cpu.and_then(memory).map_or_else(|| name.to_owned(), |m| format!("{name} · {m}"));
            (text, cx.t("ui.device_cpu_help").to_owned())
        }
    };
    ui.label(RichText::new(text).size(theme::SMALL).color(cx.tokens.weak)).on_hover_text(help);
}
