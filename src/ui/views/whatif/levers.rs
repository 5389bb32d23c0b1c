//! The levers: which columns a scenario moves, and to what. Outcome proxies are flagged and locked until overridden.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::moves;
use crate::base::numbers;
use crate::data::Feature;
use crate::data::LeverType;
use crate::data::features::FeatureKind;
use crate::ml::Model;
use crate::session::Session;
use crate::session::state::Command;
use crate::strategy::scenario::Setting;
use crate::strategy::{Lever, LeverStatus, Scenario};
use crate::ui::views::why::name_it;
use crate::ui::widgets::{basic, lever_slider};
use crate::ui::{Cx, theme};

/// Levers shown without a search field.
const FEW: usize = 12;

/// What the list remembers.
#[derive(Default)]
pub struct Levers {
    filter: String,
    /// Features in the file's units, of the model they were made for.
    raw: Option<(Arc<dyn Model>, Vec<Feature>)>,
}

impl Levers {
    /// Draws all levers of a scenario.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, name: &str, model: &Arc<dyn Model>, s: &mut Scenario) {
        if self.raw.as_ref().is_none_or(|(m, _)| !Arc::ptr_eq(m, model)) {
            let encoder = &model.card().encoder;
            self.raw = Some((model.clone(), encoder.features.iter().map(|f| moves::raw_feature(f, &encoder.prepare)).collect()));
        }
        let Some((_, features)) = self.raw.take() else { return };
        let none: Arc<Vec<Lever>> = Arc::default();
        let all = cx.session.levers(name).cloned().unwrap_or(none);
        // While none is declared, all features are looked at, so that a proxy is known before it is chosen.
        let chosen = |l: &&Lever| is_declared(cx.session, &l.column) || s.set.contains_key(&l.column);
        let levers: Vec<Lever> = all.iter().filter(chosen).cloned().collect();
        if levers.is_empty() && cx.session.levers(name).is_some() {
            basic::caption(ui, cx.t("why.no_levers"));
        }
        if levers.len() > FEW {
            let label = ui.label(RichText::new(cx.t("why.find_lever")).color(cx.tokens.weak));
            ui.add(egui::TextEdit::singleline(&mut self.filter).desired_width(160.0)).labelled_by(label.id);
        }
        let wanted = self.filter.trim().to_lowercase();
        let shown: Vec<&Lever> = levers.iter().filter(|l| wanted.is_empty() || l.column.to_lowercase().contains(&wanted)).collect();
        // A setting of a column that is no lever any more must still be seen, or it could not be taken back.
        let lost: Vec<String> = s.set.keys().filter(|c| !levers.iter().any(|l| l.column == **c)).cloned().collect();
        for lever in shown {
            if let Some(feature) = features.iter().find(|f| f.name == lever.column) {
                basic::anchored(ui, &lever.column, |ui| self.lever(ui, cx, lever, feature, s));
            }
        }
        for column in lost.iter().filter(|_| !levers.is_empty()) {
            ui.horizontal(|ui| {
                basic::warning(ui, &cx.tw("why.not_a_lever", &[("column", column)]));
                if ui.button(cx.t("why.reset")).clicked() {
                    s.set.remove(column);
                }
            });
        }
        add(ui, cx, &features, &levers, &all);
        self.raw = Some((model.clone(), features));
    }

    fn lever(&self, ui: &mut Ui, cx: &mut Cx<'_>, lever: &Lever, feature: &Feature, s: &mut Scenario) {
        let column = &lever.column;
        let is_fixed = lever.status == LeverStatus::Fixed;
        let is_proxy = !is_fixed && lever.status != LeverStatus::Free;
        let unlocked = s.overridden.contains(column);
        let moved = s.set.contains_key(column);
        ui.add_space(theme::TIGHT);
        ui.horizontal(|ui| {
            let colour = if is_fixed || is_proxy && !unlocked { cx.tokens.weak } else { cx.tokens.text };
            let mut text = RichText::new(basic::shorten(column, 32)).color(colour);
            if moved {
                text = text.strong();
            }
            let selected = cx.session.selection.feature.as_deref() == Some(column);
            let response = ui.selectable_label(selected, text).on_hover_text(column);
            if response.clicked() {
                cx.select(|x| x.feature = Some(column.clone()));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let declared = is_declared(cx.session, column);
                if declared && !moved {
                    let name = cx.tw("why.remove_lever", &[("column", column)]);
                    if basic::icon(ui, basic::Icon::Close, &name, true).clicked() {
                        cx.command(Command::SetLever { column: column.clone(), yes: false });
                    }
                }
                if moved && basic::icon(ui, basic::Icon::Undo, &cx.tw("why.reset_lever", &[("column", column)]), true).clicked() {
                    s.set.remove(column);
                }
                let number = matches!(feature.kind, FeatureKind::Numeric { boolean: false, .. });
                if number && !is_fixed && (!is_proxy || unlocked) {
                    beside_number(ui, cx, column, feature, s);
                }
            });
        });
        if is_proxy {
            ui.horizontal_wrapped(|ui| {
                let reason = lever.reason.as_ref().map_or_else(|| cx.t("why.proxy_help").to_owned(), |r| r.say(cx.lang()));
                let key = if unlocked { "why.proxy_unlocked" } else { "why.proxy_locked" };
                basic::chip(ui, cx.t(key), cx.tokens.warn, &reason);
                let mut on = unlocked;
                let switch = cx.tw("why.override", &[("column", column)]);
                if ui.checkbox(&mut on, switch).on_hover_text(cx.t("why.override_help")).changed() {
                    s.overridden.retain(|c| c != column);
                    if on {
                        s.overridden.push(column.clone());
                    } else {
                        s.set.remove(column);
                    }
                }
            });
        }
        if let Some(reason) = lever.reason.as_ref().filter(|_| is_proxy || is_fixed) {
            basic::caption(ui, &reason.say(cx.lang()));
        }
        ui.add_enabled_ui(!is_fixed && (!is_proxy || unlocked), |ui| match &feature.kind {
            FeatureKind::Categorical { levels } => levels_ui(ui, cx, column, levels, s),
            FeatureKind::Numeric { boolean: true, .. } => {
                levels_ui(ui, cx, column, &["true".to_owned(), "false".to_owned()], s);
                if let Some(Setting::Text(text)) = s.set.get(column) {
                    let yes = text == "true";
                    s.set.insert(column.clone(), Setting::Flag(yes));
                }
            }
            FeatureKind::Numeric { .. } => number_ui(ui, cx, column, feature, s),
        });
    }
}

/// A number: to a value, or by so many per cent.
fn number_ui(ui: &mut Ui, cx: &Cx<'_>, column: &str, feature: &Feature, s: &mut Scenario) {
    let now = moves::standing(cx.session, feature, s.row);
    let relative = match s.set.get(column) {
        Some(Setting::Text(text)) => moves::percent_change(text),
        _ => None,
    };
    if let Some(mut percent) = relative {
        ui.horizontal(|ui| {
            let name = cx.tw("why.percent_of", &[("column", &column)]);
            let response = ui.add(egui::DragValue::new(&mut percent).speed(1.0).range(-100.0..=1000.0).suffix(" %").max_decimals(1));
            response.widget_info(|| {
                let mut info = egui::WidgetInfo::drag_value(true, percent);
                info.label = Some(name.clone());
                info
            });
            if response.changed() {
                s.set.insert(column.to_owned(), moves::change_by(percent));
            }
            if ui.button(cx.t("why.set_to")).clicked() {
                s.set.insert(column.to_owned(), moves::setting(feature, now));
            }
        });
    } else {
        let value = s.set.get(column).map_or(now, |x| moves::value_of(feature, x, now));
        let value = if value.is_finite() { value } else { now };
        let touch = lever_slider::ui(ui, feature, value, Some(now), column, cx.lang());
        if let Some(v) = touch.value {
            s.set.insert(column.to_owned(), moves::setting(feature, v));
        }
        if s.set.contains_key(column) && lever_slider::outside(feature, value) {
            basic::chip(ui, cx.t("why.beyond"), cx.tokens.warn, cx.t("why.beyond_help"));
        }
    }
}

/// At the end of a number's title: where it stands now, and the way to relative changes.
fn beside_number(ui: &mut Ui, cx: &Cx<'_>, column: &str, feature: &Feature, s: &mut Scenario) {
    let relative = matches!(s.set.get(column), Some(Setting::Text(_)));
    if s.row.is_none()
        && !relative
        && ui.button(RichText::new(cx.t("why.change_by")).size(theme::SMALL)).on_hover_text(cx.t("why.change_by_help")).clicked()
    {
        s.set.insert(column.to_owned(), moves::change_by(10.0));
    }
    let now = moves::standing(cx.session, feature, s.row);
    let key = if s.row.is_some() { "why.now" } else { "why.on_average" };
    basic::caption(ui, &cx.tw(key, &[("value", &numbers::plain(now))]));
}

/// Whether the analyst said that this column can be moved in the world.
pub fn is_declared(session: &Session, column: &str) -> bool {
    session.recipe.as_ref().is_some_and(|r| r.roles.lever.iter().any(|c| c == column))
}

/// A level out of those that training saw, or unchanged.
fn levels_ui(ui: &mut Ui, cx: &Cx<'_>, column: &str, levels: &[String], s: &mut Scenario) {
    let current = s.set.get(column).map(moves::show);
    let unchanged = cx.t("why.unchanged");
    let shown = current.clone().unwrap_or_else(|| unchanged.to_owned());
    let combo = egui::ComboBox::from_id_salt("level").selected_text(basic::shorten(&shown, 32)).width(200.0).show_ui(ui, |ui| {
        if ui.selectable_label(current.is_none(), unchanged).clicked() {
            s.set.remove(column);
        }
        for level in levels {
            let selected = current.as_deref() == Some(level);
            if ui.selectable_label(selected, basic::shorten(level, 40)).on_hover_text(level).clicked() {
                s.set.insert(column.to_owned(), Setting::Text(level.clone()));
            }
        }
    });
    name_it(&combo.response, column, &shown);
}

/// Declares one more column as a lever.
fn add(ui: &mut Ui, cx: &mut Cx<'_>, features: &[Feature], levers: &[Lever], all: &[Lever]) {
    ui.menu_button(cx.t("why.add_lever"), |ui| {
        // Room for a name and the word beside it.
        ui.set_min_width(280.0);
        egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for f in features.iter().filter(|f| !levers.iter().any(|l| l.column == f.name)) {
                let proxy = all.iter().find(|l| l.column == f.name && l.status != LeverStatus::Free);
                if cx.session.roles.as_ref().is_some_and(|r| r.lever_type(&f.name) == Some(LeverType::Identifier)) {
                    continue;
                }
                let mut button = egui::Button::new(basic::shorten(&f.name, 40));
                if let Some(proxy) = proxy {
                    let key = if proxy.status == LeverStatus::Fixed { "why.not_yours" } else { "why.proxy_unlocked" };
                    button = button.right_text(RichText::new(cx.t(key)).size(theme::SMALL).color(cx.tokens.warn));
                }
                let reason = proxy.and_then(|l| l.reason.as_ref()).map(|r| r.say(cx.lang())).unwrap_or_default();
                if ui.add(button).on_hover_text(format!("{}\n{reason}", f.name).trim_end()).clicked() {
                    cx.command(Command::SetLever { column: f.name.clone(), yes: true });
                    ui.close();
                }
            }
        });
    })
    .response
    .on_hover_text(cx.t("why.levers_help"));
}
