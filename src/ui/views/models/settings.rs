//! Settings of a model: a draft that is applied at once, as one undo step.

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::ml::{DeviceChoice, ModelKind, ModelSpec, Weighting};
use crate::session::state::{Ask, Command};
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// The draft, with the settings that it started from.
#[derive(Default)]
pub(super) struct Settings {
    draft: Option<(ModelSpec, ModelSpec)>,
}

impl Settings {
    /// The settings that this kind knows.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, spec: &ModelSpec, running: bool) {
        if self.draft.as_ref().is_none_or(|(from, _)| from != spec) {
            self.draft = Some((spec.clone(), spec.clone()));
        }
        let Some((_, draft)) = &mut self.draft else { return };
        let title = RichText::new(cx.t("ui.settings")).size(theme::SMALL);
        egui::CollapsingHeader::new(title).id_salt(("settings", &spec.name)).default_open(true).show(ui, |ui| {
            ui.add_enabled_ui(!running, |ui| {
                egui::Grid::new("settings").num_columns(4).spacing([16.0, 6.0]).show(ui, |ui| fields(ui, cx, draft));
            });
            if draft != spec {
                ui.horizontal(|ui| {
                    if basic::primary(ui, cx.t("ui.apply_settings")).clicked() {
                        cx.command(Command::ReplaceModel { name: spec.name.clone(), spec: draft.clone() });
                        if draft.name != spec.name {
                            let name = draft.name.clone();
                            cx.select(|s| s.model = Some(name));
                        }
                    }
                    if ui.button(cx.t("ui.cancel")).clicked() {
                        *draft = spec.clone();
                    }
                });
            }
        });
    }
}

fn fields(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut ModelSpec) {
    let network = matches!(s.kind, ModelKind::Dnn | ModelKind::Transformer);
    let mut cell = Cell { n: 0 };
    cell.next(ui, cx, "ui.model_name", |ui| {
        ui.add(egui::TextEdit::singleline(&mut s.name).desired_width(140.0));
    });
    if s.kind == ModelKind::Import {
        // It was trained elsewhere: there is nothing to set but where it lies.
        let file = s.file.as_ref().map_or_else(String::new, |f| f.display().to_string());
        cell.next(ui, cx, "ui.model_file", |ui| drop(ui.label(crate::ui::widgets::basic::shorten(&file, 48)).on_hover_text(&file)));
        return;
    }
    cell.next(ui, cx, "ui.seed", |ui| drop(ui.add(egui::DragValue::new(&mut s.seed))));
    let usual = s.kind.defaults();
    if s.kind == ModelKind::Logistic {
        cell.optional(ui, cx, "ui.l2", &mut s.l2, usual.l2, 0.0..=1e6, 0.01);
    } else {
        let key = if network { "ui.epochs" } else { "ui.rounds" };
        cell.optional(ui, cx, key, &mut s.epochs, usual.epochs, 1..=10_000, 1.0);
        cell.optional(ui, cx, "ui.learning_rate", &mut s.learning_rate, usual.learning_rate, 1e-6..=1.0, 0.001);
    }
    if s.kind == ModelKind::Gbdt {
        cell.optional(ui, cx, "ui.depth", &mut s.depth, usual.depth, 1..=16, 0.1);
    }
    if network {
        cell.optional(ui, cx, "ui.width", &mut s.width, usual.width, 4..=1024, 1.0);
        cell.optional(ui, cx, "ui.layers", &mut s.layers, usual.layers, 1..=12, 0.1);
        if s.kind == ModelKind::Transformer {
            cell.optional(ui, cx, "ui.heads", &mut s.heads, usual.heads, 1..=16, 0.1);
            cell.optional(ui, cx, "ui.temperature", &mut s.temperature, usual.temperature, 0.01..=100.0, 0.01);
        }
        cell.optional(ui, cx, "ui.batch", &mut s.batch, usual.batch, 1..=65_536, 1.0);
    }
    cell.next(ui, cx, "ui.weighting", |ui| {
        let mut on = s.weight == Weighting::Balanced;
        let text = crate::base::tr(cx.session.lang, "ui.weighting_balanced");
        let help = crate::base::tr(cx.session.lang, "ui.weighting_help");
        if ui.checkbox(&mut on, text).on_hover_text(help).changed() {
            s.weight = if on { Weighting::Balanced } else { Weighting::None };
        }
    });
    if network {
        if cx.session.devices.is_empty() && cx.session.job(&Ask::Devices).is_none() {
            cx.want(Ask::Devices);
        }
        cell.next(ui, cx, "ui.device", |ui| device_menu(ui, cx, &mut s.device));
    }
}

fn device_menu(ui: &mut Ui, cx: &Cx<'_>, device: &mut DeviceChoice) {
    let name = |d: &DeviceChoice| match d {
        DeviceChoice::Auto => cx.t("ui.device_auto").to_owned(),
        DeviceChoice::Cpu => "CPU".to_owned(),
        DeviceChoice::Gpu => "GPU".to_owned(),
        DeviceChoice::Named(n) => n.clone(),
    };
    let mut choices = vec![DeviceChoice::Auto, DeviceChoice::Cpu];
    for line in &cx.session.devices {
        if !choices.contains(&line.choice) {
            choices.push(line.choice.clone());
        }
    }
    if !choices.contains(device) {
        choices.push(device.clone());
    }
    egui::ComboBox::from_id_salt("device").selected_text(basic::shorten(&name(device), 24)).width(160.0).show_ui(ui, |ui| {
        for choice in choices {
            let line = cx.session.devices.iter().find(|l| l.choice == choice);
            let text = match line {
                Some(l) if l.software => format!("{} ({})", l.name, cx.t("ui.device_software")),
                Some(l) => format!("{} · {}", l.name, l.backend),
                None => name(&choice),
            };
            ui.selectable_value(device, choice, text);
        }
    });
}

/// Two label–field pairs to a line.
struct Cell {
    n: usize,
}

impl Cell {
    fn next(&mut self, ui: &mut Ui, cx: &Cx<'_>, key: &str, add: impl FnOnce(&mut Ui)) {
        let label = cx.t(key);
        ui.label(RichText::new(label).size(theme::SMALL).color(cx.tokens.weak)).on_hover_text(cx.t(&format!("{key}_help")));
        ui.name_inputs(label, add);
        self.end(ui);
    }
    fn optional<T: egui::emath::Numeric>(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        key: &str,
        value: &mut Option<T>,
        start: T,
        range: std::ops::RangeInclusive<T>,
        speed: f64,
    ) {
        let label = cx.t(key);
        let help = cx.t(&format!("{key}_help"));
        ui.label(RichText::new(label).size(theme::SMALL).color(cx.tokens.weak)).on_hover_text(help);
        ui.horizontal(|ui| match value {
            Some(x) => {
                ui.name_inputs(label, |ui| {
                    ui.add(egui::DragValue::new(x).range(range).speed(speed).max_decimals(if T::INTEGRAL { 0 } else { 6 }))
                });
                if basic::icon(ui, basic::Icon::Close, &cx.tw("ui.use_default", &[("name", &label)]), true).clicked() {
                    *value = None;
                }
            }
            None => {
                let text = cx.tw("ui.default", &[("value", &numbers::plain(start.to_f64()))]);
                let response = ui.add(egui::Button::new(RichText::new(text).color(cx.tokens.weak)));
                let name = cx.tw("ui.set_setting", &[("name", &label)]);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                if response.on_hover_text(format!("{name}\n{help}")).clicked() {
                    *value = Some(start);
                }
            }
        });
        self.end(ui);
    }

    fn end(&mut self, ui: &mut Ui) {
        self.n += 1;
        if self.n.is_multiple_of(2) {
            ui.end_row();
        }
    }
}
