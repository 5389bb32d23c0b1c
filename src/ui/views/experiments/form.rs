//! The fields of a study: columns by name, levels of a column, amounts that may be left empty.

use std::collections::BTreeMap;

use eframe::egui::{self, RichText, Ui};

use crate::data::{ColumnProfile, ColumnType, Split};
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

/// Whether a column says when something was: a day, a moment, or a number that counts them.
pub fn timed(c: &ColumnProfile) -> bool {
    dated(c) || countable(c)
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

/// A planned share for each arm, or none.
pub fn shares(ui: &mut Ui, cx: &Cx<'_>, arms: &[String], of: &mut BTreeMap<String, f64>) {
    of.retain(|name, _| arms.contains(name));
    for arm in arms {
        let mut share = of.get(arm).copied();
        if amount_of(ui, cx, &cx.tw("experiments.planned_share", &[("arm", arm)]), &mut share) {
            match share.filter(|s| *s > 0.0) {
                Some(share) => drop(of.insert(arm.clone(), share)),
                None => drop(of.remove(arm)),
            }
        }
    }
}

/// Whether a split is not told from which column.
pub fn split_open(split: &Split) -> bool {
    matches!(split, Split::Time { column, .. } | Split::Group { column, .. } | Split::Column { column } if column.is_empty())
}

/// Which rows are held out to be tested on; nothing is the usual random share.
pub fn split(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut Option<Split>) {
    let test = crate::data::split::default_test();
    let column = String::new;
    let kinds = [
        ("ui.split_random", Split::Random { test }),
        ("ui.split_time", Split::Time { column: column(), test }),
        ("ui.split_group", Split::Group { column: column(), test }),
        ("ui.split_modulo", Split::Modulo { of: 10, test_from: 7 }),
        ("ui.split_column", Split::Column { column: column() }),
    ];
    let usual = kinds[0].1.clone();
    let mut now = chosen.clone().unwrap_or_else(|| usual.clone());
    label(ui, cx, key);
    ui.horizontal_wrapped(|ui| {
        for (key, kind) in kinds {
            let on = std::mem::discriminant(&kind) == std::mem::discriminant(&now);
            if ui.selectable_label(on, cx.t(key)).on_hover_text(cx.t(&format!("{key}_help"))).clicked() && !on {
                now = kind;
            }
        }
    });
    ui.end_row();
    match &mut now {
        Split::Random { test } => share(ui, cx, "ui.test_share", test, (0.01, 0.9)),
        Split::Time { column: of, test } | Split::Group { column: of, test } => {
            column_of_split(ui, cx, of);
            share(ui, cx, "ui.test_share", test, (0.01, 0.9));
        }
        Split::Column { column: of } => column_of_split(ui, cx, of),
        Split::Modulo { of, test_from } => {
            ui.label(RichText::new(cx.t("ui.split_of")).color(cx.tokens.weak));
            ui.horizontal(|ui| {
                ui.name_inputs(cx.t("ui.split_of"), |ui| ui.add(egui::DragValue::new(of).range(2..=1000)));
                ui.label(cx.t("ui.split_from"));
                let most = of.saturating_sub(1);
                ui.name_inputs(cx.t("ui.split_from"), |ui| ui.add(egui::DragValue::new(test_from).range(1..=most)));
                ui.label(cx.t("ui.split_rest"));
            });
            ui.end_row();
        }
    }
    if now != usual || chosen.is_some() {
        *chosen = Some(now).filter(|n| *n != usual);
    }
}

fn column_of_split(ui: &mut Ui, cx: &Cx<'_>, of: &mut String) {
    column(ui, cx, "experiments.split_by", of, any, false);
}

/// A whole number that is always there.
pub fn whole(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut u64) {
    let name = label(ui, cx, key);
    ui.add(egui::DragValue::new(value)).labelled_by(name.id);
    ui.end_row();
}

/// One of a few, each with its name.
pub fn one_of<T: PartialEq + Copy, const N: usize>(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut T, all: [(T, &str); N]) {
    label(ui, cx, key);
    ui.horizontal_wrapped(|ui| {
        for (value, name) in all {
            if ui.selectable_label(*chosen == value, cx.t(name)).clicked() {
                *chosen = value;
            }
        }
    });
    ui.end_row();
}

/// The same as [`written`], with room for a condition.
pub fn sentence(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut Option<String>, hint: &str) {
    text(ui, cx, key, value, hint, 260.0);
}

/// A short text that may be left empty, taken when the field is left; `hint` shows what it looks like.
pub fn written(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut Option<String>, hint: &str) {
    text(ui, cx, key, value, hint, 96.0);
}

fn text(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, value: &mut Option<String>, hint: &str, width: f32) {
    let name = label(ui, cx, key);
    let id = ui.scope_id().with(key);
    let typed: Option<String> = ui.data(|d| d.get_temp(id));
    let mut text = typed.unwrap_or_else(|| value.clone().unwrap_or_default());
    let response = ui.add(egui::TextEdit::singleline(&mut text).desired_width(width).hint_text(hint)).labelled_by(name.id);
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
