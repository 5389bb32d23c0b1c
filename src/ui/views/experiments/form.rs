//! The fields of a study: columns by name, levels of a column, amounts that may be left empty.

use eframe::egui::{self, RichText, Ui};

use crate::data::{ColumnProfile, ColumnType};
use crate::ui::Cx;
use crate::ui::widgets::basic;

/// Width of a pick list.
const WIDTH: f32 = 180.0;
/// Height of an open one, so that the columns of a usual file are seen at once.
const HEIGHT: f32 = 420.0;

/// Whether a column holds numbers or yes/no.
pub fn countable(c: &ColumnProfile) -> bool {
    matches!(c.kind, ColumnType::Integer | ColumnType::Number | ColumnType::Boolean)
}

/// Whether a column holds days or moments.
pub fn dated(c: &ColumnProfile) -> bool {
    matches!(c.kind, ColumnType::Date | ColumnType::Datetime)
}

/// Whether a column of that name holds words, so that somebody must say which of them is the good one.
pub fn worded(cx: &Cx<'_>, name: &str) -> bool {
    columns(cx).iter().any(|c| c.name == name && !countable(c) && !dated(c))
}

/// Any column.
pub fn any(_: &ColumnProfile) -> bool {
    true
}

fn columns<'a>(cx: &Cx<'a>) -> &'a [ColumnProfile] {
    cx.session.profile.as_ref().map_or(&[], |p| p.value.columns.as_slice())
}

/// A field's name before it.
fn label(ui: &mut Ui, cx: &Cx<'_>, key: &str) -> egui::Response {
    let help = format!("{key}_help");
    let response = ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak));
    if crate::base::text::catalogue().contains_key(&help) { response.on_hover_text(cx.t(&help)) } else { response }
}

/// One column, or none where that is allowed; empty is none.
pub fn column(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut String, fits: fn(&ColumnProfile) -> bool, none: bool) {
    label(ui, cx, key);
    let shown = if chosen.is_empty() { cx.t("experiments.choose").to_owned() } else { chosen.clone() };
    let combo = egui::ComboBox::from_id_salt(key).width(WIDTH).height(HEIGHT).selected_text(basic::shorten(&shown, 26)).show_ui(ui, |ui| {
        if none && ui.selectable_label(chosen.is_empty(), cx.t("experiments.none")).clicked() {
            chosen.clear();
        }
        for c in columns(cx).iter().filter(|c| fits(c)) {
            if ui.selectable_label(*chosen == c.name, basic::shorten(&c.name, 40)).on_hover_text(&c.name).clicked() {
                chosen.clone_from(&c.name);
            }
        }
    });
    crate::ui::views::why::name_it(&combo.response, cx.t(key), &shown);
    ui.end_row();
}

/// One column that may be absent.
pub fn maybe(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut Option<String>, fits: fn(&ColumnProfile) -> bool) {
    let mut text = chosen.clone().unwrap_or_default();
    column(ui, cx, key, &mut text, fits, true);
    *chosen = Some(text).filter(|t| !t.is_empty());
}

/// Several columns, ticked in a menu.
pub fn several(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut Vec<String>, fits: fn(&ColumnProfile) -> bool) {
    several_or(ui, cx, key, "experiments.choose", chosen, fits);
}

/// The same; `nothing` says what choosing none of them means.
pub fn several_or(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, nothing: &str, chosen: &mut Vec<String>, fits: fn(&ColumnProfile) -> bool) {
    label(ui, cx, key);
    let shown = if chosen.is_empty() { cx.t(nothing).to_owned() } else { chosen.join(", ") };
    let popup = egui::ComboBox::from_id_salt(key)
        .width(WIDTH)
        .height(HEIGHT)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .selected_text(basic::shorten(&shown, 26))
        .show_ui(ui, |ui| {
            for c in columns(cx).iter().filter(|c| fits(c)) {
                let mut on = chosen.contains(&c.name);
                if ui.checkbox(&mut on, basic::shorten(&c.name, 40)).on_hover_text(&c.name).changed() {
                    chosen.retain(|n| *n != c.name);
                    if on {
                        chosen.push(c.name.clone());
                    }
                }
            }
        });
    crate::ui::views::why::name_it(&popup.response, cx.t(key), &shown);
    popup.response.on_hover_text(shown);
    ui.end_row();
}

/// The most frequent values of a column.
pub fn levels(cx: &Cx<'_>, of: &str) -> Vec<String> {
    columns(cx).iter().find(|c| c.name == of).map_or_else(Vec::new, |c| c.top.iter().map(|v| v.value.clone()).collect())
}

/// One value of a column, of its most frequent ones.
pub fn level(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, of: &str, chosen: &mut String) {
    label(ui, cx, key);
    let shown = if chosen.is_empty() { cx.t("experiments.choose").to_owned() } else { chosen.clone() };
    let top = columns(cx).iter().find(|c| c.name == of).map_or(&[][..], |c| &c.top);
    let combo = egui::ComboBox::from_id_salt(key).width(WIDTH).height(HEIGHT).selected_text(basic::shorten(&shown, 26)).show_ui(ui, |ui| {
        for v in top {
            if ui.selectable_label(*chosen == v.value, basic::shorten(&v.value, 40)).on_hover_text(&v.value).clicked() {
                chosen.clone_from(&v.value);
            }
        }
    });
    crate::ui::views::why::name_it(&combo.response, cx.t(key), &shown);
    ui.end_row();
}

/// An amount that may be left empty. `percent` shows a share as per cent. Returns whether it was entered anew.
pub fn amount(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut Option<f64>, percent: bool) -> bool {
    let name = label(ui, cx, key);
    let id = ui.scope_id().with(key);
    typed(ui, cx, &name, id, value, percent)
}

/// The same with a name that is not in the catalogue, such as that of an arm.
pub fn amount_of(ui: &mut Ui, cx: &Cx<'_>, name: &str, value: &mut Option<f64>) -> bool {
    let id = ui.scope_id().with(name);
    let name = ui.label(RichText::new(basic::shorten(name, 40)).color(cx.tokens.weak)).on_hover_text(name);
    typed(ui, cx, &name, id, value, false)
}

fn typed(ui: &mut Ui, cx: &Cx<'_>, name: &egui::Response, id: egui::Id, value: &mut Option<f64>, percent: bool) -> bool {
    let by = if percent { 100.0 } else { 1.0 };
    let typed: Option<String> = ui.data(|d| d.get_temp(id));
    let known = value.map_or_else(String::new, |v| trimmed(v * by));
    let mut text = typed.unwrap_or(known);
    let mut entered = false;
    ui.horizontal(|ui| {
        let field = egui::TextEdit::singleline(&mut text).desired_width(96.0).hint_text(cx.t("why.not_entered"));
        let response = ui.add(field).labelled_by(name.id);
        if percent {
            ui.label("%");
        }
        let read = read(&text);
        if response.changed() {
            ui.data_mut(|d| d.insert_temp(id, text.clone()));
        }
        if response.lost_focus()
            && let Ok(new) = read
        {
            entered = *value != new.map(|v| v / by);
            *value = new.map(|v| v / by);
            ui.data_mut(|d| d.remove_temp::<String>(id));
        }
        if read.is_err() {
            ui.label(RichText::new(cx.t("why.not_an_amount")).color(cx.tokens.warn));
        }
    });
    ui.end_row();
    entered
}

/// A share in per cent that is always there; what lies outside the bounds is said while it is typed, and not taken.
pub fn share(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut f64, (least, most): (f64, f64)) {
    let name = label(ui, cx, key);
    let id = ui.scope_id().with(key);
    let typed: Option<String> = ui.data(|d| d.get_temp(id));
    let mut text = typed.unwrap_or_else(|| trimmed(*value * 100.0));
    ui.horizontal(|ui| {
        let response = ui.add(egui::TextEdit::singleline(&mut text).desired_width(96.0)).labelled_by(name.id);
        ui.label("%");
        if response.changed() {
            ui.data_mut(|d| d.insert_temp(id, text.clone()));
        }
        let read = read(&text).ok().flatten().map(|v| v / 100.0).filter(|v| (least..=most).contains(v));
        if response.lost_focus() {
            if let Some(new) = read {
                *value = new;
            }
            ui.data_mut(|d| d.remove_temp::<String>(id));
        } else if read.is_none() {
            let said = cx.tw("experiments.share_between", &[("least", &trimmed(least * 100.0)), ("most", &trimmed(most * 100.0))]);
            ui.label(RichText::new(said).color(cx.tokens.warn));
        }
    });
    ui.end_row();
}

/// A short text that may be left empty, taken when the field is left; `hint` shows what it looks like.
pub fn written(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut Option<String>, hint: &str) {
    let name = label(ui, cx, key);
    let id = ui.scope_id().with(key);
    let typed: Option<String> = ui.data(|d| d.get_temp(id));
    let mut text = typed.unwrap_or_else(|| value.clone().unwrap_or_default());
    let response = ui.add(egui::TextEdit::singleline(&mut text).desired_width(96.0).hint_text(hint)).labelled_by(name.id);
    if response.changed() {
        ui.data_mut(|d| d.insert_temp(id, text.clone()));
    }
    if response.lost_focus() {
        let text = text.trim().to_owned();
        *value = Some(text).filter(|t| !t.is_empty());
        ui.data_mut(|d| d.remove_temp::<String>(id));
    }
    ui.end_row();
}

/// A number as it would be typed, without the dust of a multiplication.
fn trimmed(v: f64) -> String {
    format!("{}", (v * 1e9).round() / 1e9)
}

/// What was typed; nothing is no number.
fn read(text: &str) -> Result<Option<f64>, ()> {
    let text = text.trim().replace([',', ' '], "").replace('−', "-");
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().ok().filter(|v: &f64| v.is_finite()).map(Some).ok_or(())
}
