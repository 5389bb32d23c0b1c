//! The list of columns: name, type, role, missing, distinct, shape. Only the visible lines are drawn.

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::data::table::ColumnType;
use crate::data::{ColumnProfile, Role};
use crate::session::state::Command;
use crate::ui::widgets::{basic, histogram};
use crate::ui::{Cx, theme};

/// Height of one column's entry.
const ENTRY: f32 = 14.0 * theme::GRID;

/// What the list remembers.
#[derive(Default)]
pub(super) struct Columns {
    search: String,
    /// Columns that match the search, for the table and search that they were computed for.
    found: Option<(usize, String, Vec<usize>)>,
}

impl Columns {
    /// The list.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(loaded) = &cx.session.loaded else { return };
        let table = &loaded.value.table;
        ui.add(egui::TextEdit::singleline(&mut self.search).hint_text(cx.t("ui.find_column")).desired_width(f32::INFINITY));
        let whole = std::sync::Arc::as_ptr(&loaded.value) as usize;
        let search = self.search.trim().to_lowercase();
        if self.found.as_ref().is_none_or(|(t, s, _)| *t != whole || *s != search) {
            let fits = |i: &usize| search.is_empty() || table.name(*i).to_lowercase().contains(&search);
            let names = (0..table.n_columns()).filter(fits).collect();
            self.found = Some((whole, search, names));
        }
        let found = self.found.as_ref().map(|(_, _, f)| f.as_slice()).unwrap_or_default();
        if found.is_empty() {
            basic::caption(ui, cx.t("ui.no_column_found"));
        }
        let profile = cx.session.profile.as_ref().map(|p| p.value.clone());
        egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, ENTRY, found.len(), |ui, range| {
            for &i in &found[range] {
                let name = table.name(i);
                let column = profile.as_ref().and_then(|p| p.columns.get(i)).filter(|c| c.name == name);
                entry(ui, cx, name, table.column_type(i), column);
            }
        });
    }
}

fn entry(ui: &mut Ui, cx: &mut Cx<'_>, name: &str, kind: ColumnType, column: Option<&ColumnProfile>) {
    let selected = cx.session.selection.feature.as_deref() == Some(name);
    let size = egui::vec2(ui.available_width(), ENTRY);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, name));
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if selected { cx.tokens.accent_soft } else { cx.tokens.hover });
    }
    ui.painter().hline(rect.x_range(), rect.bottom() + 2.0, egui::Stroke::new(1.0, cx.tokens.rule));
    if response.clicked() {
        cx.select(|s| s.feature = (!selected).then(|| name.to_owned()));
    }
    let inner = rect.shrink2(egui::vec2(8.0, 4.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner).id_salt(("column", name)), |ui| {
        ui.spacing_mut().item_spacing = egui::vec2(theme::SPACE, 2.0);
        ui.spacing_mut().interact_size.y = 18.0;
        ui.horizontal(|ui| {
            let width = ui.available_width() - 124.0;
            basic::line(ui, width, theme::ROW, name, theme::BODY, cx.tokens.text);
            role_menu(ui, cx, name, 112.0);
        });
        ui.horizontal(|ui| {
            let mut parts = vec![cx.t(type_key(kind)).to_owned()];
            if let Some(c) = column {
                parts.push(cx.tw("ui.n_distinct", &[("n", &numbers::count(c.distinct as i64))]));
                if c.missing > 0 {
                    parts.push(cx.tw("ui.n_missing", &[("n", &numbers::count(c.missing as i64))]));
                }
            }
            let width = ui.available_width() - 88.0;
            basic::line(ui, width, 18.0, &parts.join(" · "), theme::SMALL, cx.tokens.weak);
            if let Some(c) = column {
                histogram::mini(ui, egui::vec2(76.0, 18.0), c);
            }
        });
    });
    response.on_hover_text(name);
}

/// The menu of a column's role.
pub(super) fn role_menu(ui: &mut Ui, cx: &mut Cx<'_>, name: &str, width: f32) {
    let Some(roles) = &cx.session.roles else { return };
    let before = roles.of.get(name).copied().unwrap_or(Role::Feature);
    let mut role = before;
    let combo = egui::ComboBox::from_id_salt(("role", name))
        .selected_text(RichText::new(cx.t(role_key(role))).size(theme::SMALL))
        .width(width)
        .height(400.0);
    ui.name_inputs(cx.tw("ui.role_of", &[("name", &name)]), |ui| {
        combo.show_ui(ui, |ui| {
            for r in Role::ALL {
                ui.selectable_value(&mut role, r, cx.t(role_key(r))).on_hover_text(cx.t(role_help(r)));
            }
        });
    });
    if role != before {
        cx.command(Command::SetRole { column: name.to_owned(), role });
    }
}

/// What is in the selected column, and what it is for.
pub(super) fn inspector(ui: &mut Ui, cx: &mut Cx<'_>, name: &str) {
    ui.add(egui::Label::new(RichText::new(name).strong()).wrap());
    ui.add_space(theme::TIGHT);
    role_menu(ui, cx, name, 160.0);
    let Some(roles) = cx.session.roles.clone() else { return };
    let mut codes = roles.categorical.contains(name);
    if ui.checkbox(&mut codes, cx.t("ui.is_categorical")).on_hover_text(cx.t("ui.is_categorical_help")).changed() {
        cx.command(Command::SetCategorical { column: name.to_owned(), yes: codes });
    }
    if roles.of.get(name) != Some(&Role::Target) {
        ui.horizontal(|ui| {
            let label = RichText::new(cx.t("scan.head_type")).size(theme::SMALL).color(cx.tokens.weak);
            ui.label(label).on_hover_text(cx.t("scan.type_about"));
            super::scan::type_menu(ui, cx, name, roles.lever_type(name), 132.0);
        });
        let finding = cx.session.scan.as_ref().and_then(|k| k.value.columns.iter().find(|f| f.column == name));
        if let Some(finding) = finding {
            basic::caption(ui, &finding.sentence(cx.lang()));
        }
    }
    let Some(profile) = cx.session.profile.clone() else { return };
    let Some(column) = profile.value.columns.iter().find(|c| c.name == name) else { return };
    if roles.of.get(name) == Some(&Role::Target) {
        positive(ui, cx, column);
    }
    ui.add_space(theme::SPACE);
    let summary =
        cx.tw("ui.histogram_of", &[("name", &name), ("distinct", &column.distinct), ("missing", &numbers::count(column.missing as i64))]);
    histogram::large(ui, 96.0, column, cx.t("ui.rows"), cx.t("ui.positive"), &summary);
    if column.top.iter().any(|t| t.target_rate.is_some()) || column.histogram.iter().any(|b| b.target_rate.is_some()) {
        basic::caption(ui, cx.t("ui.histogram_caption"));
    }
    ui.add_space(theme::SPACE);
    let share = |n: usize| format!("{} ({})", numbers::count(n as i64), numbers::percent(n as f64 / profile.value.rows.max(1) as f64));
    basic::fact(ui, cx.t("ui.missing"), &share(column.missing));
    basic::fact(ui, cx.t("ui.distinct"), &numbers::count(column.distinct as i64));
    if column.infinite > 0 {
        basic::fact(ui, cx.t("ui.infinite"), &share(column.infinite));
    }
    for (key, value) in
        [("ui.min", column.min), ("ui.median", column.median), ("ui.mean", column.mean), ("ui.max", column.max), ("ui.sd", column.sd)]
    {
        if let Some(v) = value {
            basic::fact(ui, cx.t(key), &numbers::plain(v));
        }
    }
    if !column.top.is_empty() {
        basic::section(ui, cx.t("ui.top_values"));
        for t in &column.top {
            let rate = t.target_rate.map(|r| format!(" · {}", numbers::percent(r))).unwrap_or_default();
            let value = if t.value.is_empty() { "–" } else { &t.value };
            basic::fact(ui, value, &format!("{}{rate}", share(t.count))).on_hover_text(value);
        }
    }
    for w in &column.warnings {
        basic::warning(ui, &w.say(cx.lang()));
    }
}

/// Which value of a text target counts as yes.
fn positive(ui: &mut Ui, cx: &mut Cx<'_>, column: &ColumnProfile) {
    if column.distinct != 2 || column.top.len() < 2 {
        return;
    }
    let before = cx.session.recipe.as_ref().and_then(|r| r.roles.positive.clone());
    let mut value = before.clone();
    ui.horizontal(|ui| {
        let label = cx.t("ui.counts_as_yes");
        ui.label(RichText::new(label).size(theme::SMALL).color(cx.tokens.weak));
        let shown = value.clone().unwrap_or_else(|| cx.t("ui.detected").to_owned());
        ui.name_inputs(label, |ui| {
            egui::ComboBox::from_id_salt("positive").selected_text(shown).show_ui(ui, |ui| {
                ui.selectable_value(&mut value, None, cx.t("ui.detected"));
                for t in &column.top {
                    ui.selectable_value(&mut value, Some(t.value.clone()), &t.value);
                }
            });
        });
    });
    if value != before {
        cx.command(Command::SetPositive(value));
    }
}

/// Catalogue key of a type.
fn type_key(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Integer => "ui.type_integer",
        ColumnType::Number => "ui.type_number",
        ColumnType::Boolean => "ui.type_boolean",
        ColumnType::Text => "ui.type_text",
        ColumnType::Date => "ui.type_date",
        ColumnType::Datetime => "ui.type_datetime",
    }
}

/// Catalogue key of a role's name.
pub(super) fn role_key(role: Role) -> &'static str {
    match role {
        Role::Target => "ui.role_target",
        Role::Feature => "ui.role_feature",
        Role::User => "ui.role_user",
        Role::Item => "ui.role_item",
        Role::Time => "ui.role_time",
        Role::Event => "ui.role_event",
        Role::Treatment => "ui.role_treatment",
        Role::Propensity => "ui.role_propensity",
        Role::Value => "ui.role_value",
        Role::Cost => "ui.role_cost",
        Role::Text => "ui.role_text",
        Role::Sensitive => "ui.role_sensitive",
        Role::Ignore => "ui.role_ignore",
    }
}

/// Catalogue key of what a role means.
fn role_help(role: Role) -> &'static str {
    match role {
        Role::Target => "ui.role_target_help",
        Role::Feature => "ui.role_feature_help",
        Role::User => "ui.role_user_help",
        Role::Item => "ui.role_item_help",
        Role::Time => "ui.role_time_help",
        Role::Event => "ui.role_event_help",
        Role::Treatment => "ui.role_treatment_help",
        Role::Propensity => "ui.role_propensity_help",
        Role::Value => "ui.role_value_help",
        Role::Cost => "ui.role_cost_help",
        Role::Text => "ui.role_text_help",
        Role::Sensitive => "ui.role_sensitive_help",
        Role::Ignore => "ui.role_ignore_help",
    }
}
