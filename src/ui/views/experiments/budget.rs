//! A budget shared out over channels.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::base::numbers;
use crate::report::studies;
use crate::session::state::Study;
use crate::strategy::budget::curve::{Curve, Shape};
use crate::strategy::budget::plan::{Condition, Goal};
use crate::strategy::budget::{Allocation, Budget, Channel};
use crate::strategy::words;
use crate::ui::views::why;
use crate::ui::widgets::basic::Icon;
use crate::ui::widgets::{basic, dots, figure};
use crate::ui::{Cx, theme};

fn channel(name: String) -> Channel {
    let curve = Curve { shape: Shape::Tanh, beta: 100.0, lambda: 0.01, slope: 1.0 };
    Channel { name, curve, draws: Vec::new(), floor: 0.0, cap: None, now: None, seen: None }
}

/// A plan to begin with.
pub fn blank() -> Study {
    let channels = vec![channel("A".to_owned()), channel("B".to_owned())];
    Study::Budget(Budget { budget: Some(100.0), goal: Goal::Fixed, value: None, channels, conditions: Vec::new() })
}

/// The fields.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, plan: &mut Budget) -> Result<(), &'static str> {
    let mut target = match plan.goal {
        Goal::Fixed => None,
        Goal::TargetRoi { target } | Goal::TargetMarginalRoi { target } => Some(target),
    };
    ui.horizontal_wrapped(|ui| {
        let other = target.unwrap_or(1.0);
        for (goal, key) in [
            (Goal::Fixed, "experiments.goal_fixed"),
            (Goal::TargetRoi { target: other }, "experiments.goal_roi"),
            (Goal::TargetMarginalRoi { target: other }, "experiments.goal_marginal"),
        ] {
            let on = std::mem::discriminant(&goal) == std::mem::discriminant(&plan.goal);
            if ui.selectable_label(on, cx.t(key)).on_hover_text(cx.t(&format!("{key}_help"))).clicked() && !on {
                plan.goal = goal;
            }
        }
    });
    egui::Grid::new("budget").num_columns(2).show(ui, |ui| {
        form::amount(ui, cx, "experiments.budget", &mut plan.budget, false);
        form::amount(ui, cx, "experiments.value", &mut plan.value, false);
        if let (Goal::TargetRoi { target: t } | Goal::TargetMarginalRoi { target: t }, true) =
            (&mut plan.goal, form_target(ui, cx, &mut target))
        {
            *t = target.unwrap_or(1.0);
        }
    });
    let (mut gone, mut renamed) = (None, None);
    egui::ScrollArea::horizontal().id_salt("channels").auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new("channels").num_columns(8).striped(true).show(ui, |ui| {
            for key in ["channel", "beta", "lambda", "floor", "cap", "now"] {
                let key = format!("experiments.{key}");
                ui.label(RichText::new(cx.t(&key)).size(theme::SMALL).color(cx.tokens.weak)).on_hover_text(cx.t(&format!("{key}_help")));
            }
            ui.end_row();
            for (i, c) in plan.channels.iter_mut().enumerate() {
                let mut name = c.name.clone();
                ui.push_id(i, |ui| cell_name(ui, &mut name));
                if c.name != name {
                    renamed = Some((i, name));
                }
                let named = |key: &str| format!("{}: {}", c.name, cx.t(key));
                for (key, value) in [
                    ("experiments.beta", &mut c.curve.beta),
                    ("experiments.lambda", &mut c.curve.lambda),
                    ("experiments.floor", &mut c.floor),
                ] {
                    let mut v = Some(*value);
                    ui.push_id((i, key), |ui| cell(ui, cx, &named(key), &mut v));
                    *value = v.unwrap_or(0.0);
                }
                for (key, value) in [("experiments.cap", &mut c.cap), ("experiments.now", &mut c.now)] {
                    ui.push_id((i, key), |ui| cell(ui, cx, &named(key), value));
                }
                if basic::icon(ui, Icon::Close, &cx.tw("experiments.remove_channel", &[("name", &c.name)]), true).clicked() {
                    gone = Some(i);
                }
                ui.end_row();
            }
        });
    });
    if let Some((i, name)) = renamed {
        plan.rename_channel(i, &name);
    }
    if let Some(i) = gone {
        plan.remove_channel(i);
    }
    if ui.button(cx.t("experiments.add_channel")).clicked() {
        let taken: Vec<&str> = plan.channels.iter().map(|c| c.name.as_str()).collect();
        let name = crate::ui::views::whatif::moves::free_name(cx.t("experiments.channel"), &taken);
        plan.channels.push(channel(name));
    }
    conditions(ui, cx, plan);
    if plan.channels.is_empty() { Err("experiments.hint_channel") } else { Ok(()) }
}

/// Weighted sums of several channels that must stay within bounds: a group's budget, one channel against another.
fn conditions(ui: &mut Ui, cx: &Cx<'_>, plan: &mut Budget) {
    let title = cx.tw("experiments.conditions", &[("n", &plan.conditions.len())]);
    let names: Vec<String> = plan.channels.iter().map(|c| c.name.clone()).collect();
    let mut gone = None;
    let header = egui::CollapsingHeader::new(title).id_salt("conditions").show(ui, |ui| {
        basic::caption(ui, cx.t("experiments.conditions_help"));
        egui::ScrollArea::horizontal().id_salt("condition-cells").auto_shrink([false, true]).show(ui, |ui| {
            egui::Grid::new("condition-cells").num_columns(names.len() + 4).striped(true).show(ui, |ui| {
                let head = |ui: &mut Ui, text: &str| ui.label(RichText::new(text).size(theme::SMALL).color(cx.tokens.weak));
                head(ui, cx.t("experiments.condition"));
                names.iter().for_each(|n| drop(head(ui, &basic::shorten(n, 16)).on_hover_text(n)));
                head(ui, cx.t("experiments.at_least"));
                head(ui, cx.t("experiments.at_most"));
                ui.end_row();
                for (i, c) in plan.conditions.iter_mut().enumerate() {
                    ui.push_id(("name", i), |ui| cell_name(ui, &mut c.name));
                    for name in &names {
                        let mut weight = c.terms.get(name).copied().unwrap_or(0.0);
                        let response = ui.add(egui::DragValue::new(&mut weight).speed(0.05).range(-1e6..=1e6).max_decimals(4));
                        why::name_it(&response, &format!("{}: {name}", c.name), &numbers::plain(weight));
                        if weight == 0.0 {
                            c.terms.remove(name);
                        } else {
                            c.terms.insert(name.clone(), weight);
                        }
                    }
                    for (key, value) in [("experiments.at_least", &mut c.at_least), ("experiments.at_most", &mut c.at_most)] {
                        let named = format!("{}: {}", c.name, cx.t(key));
                        ui.push_id((i, key), |ui| cell(ui, cx, &named, value));
                    }
                    if basic::icon(ui, Icon::Close, &cx.tw("experiments.remove_channel", &[("name", &c.name)]), true).clicked() {
                        gone = Some(i);
                    }
                    ui.end_row();
                }
            });
        });
        ui.button(cx.t("experiments.add_condition")).clicked()
    });
    if let Some(i) = gone {
        plan.conditions.remove(i);
    }
    if header.body_returned == Some(true) {
        let taken: Vec<&str> = plan.conditions.iter().map(|c| c.name.as_str()).collect();
        let name = crate::ui::views::whatif::moves::free_name(cx.t("experiments.condition"), &taken);
        // To begin with, what binds nobody: two limits at one place would share their price.
        let terms = names.iter().map(|n| (n.clone(), 1.0)).collect();
        plan.conditions.push(Condition { name, terms, at_least: Some(0.0), at_most: None });
    }
}

fn form_target(ui: &mut Ui, cx: &Cx<'_>, target: &mut Option<f64>) -> bool {
    target.is_some() && form::amount(ui, cx, "experiments.target", target, false)
}

/// A name typed in a cell; taken over when the field is left, so that no name is half a name.
fn cell_name(ui: &mut Ui, name: &mut String) {
    let id = ui.scope_id();
    let mut text = ui.data(|d| d.get_temp::<String>(id)).unwrap_or_else(|| name.clone());
    let response = ui.add(egui::TextEdit::singleline(&mut text).desired_width(120.0).min_size(egui::vec2(120.0, 0.0)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, name.as_str()));
    if response.changed() {
        ui.data_mut(|d| d.insert_temp(id, text.clone()));
    }
    if response.lost_focus() {
        ui.data_mut(|d| d.remove_temp::<String>(id));
        if !text.trim().is_empty() {
            *name = text.trim().to_owned();
        }
    }
}

/// A number in a cell; a click where there is none begins one.
fn cell(ui: &mut Ui, cx: &Cx<'_>, name: &str, value: &mut Option<f64>) {
    let Some(v) = value else {
        let response = ui.button(cx.t("experiments.none"));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        if response.clicked() {
            *value = Some(0.0);
        }
        return;
    };
    let speed = (v.abs() * 0.01).max(1e-4);
    let response = ui.add(egui::DragValue::new(v).speed(speed).range(0.0..=1e15).max_decimals(6));
    let said = *v;
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::SpinButton, true, name);
        info.value = Some(said);
        info
    });
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, a: &Allocation, twins: &mut figure::Twins) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    ui.add(egui::Label::new(RichText::new(words::allocation(a, lang)).size(theme::BODY)).wrap());
    let lines: Vec<dots::Line> = a
        .shares
        .iter()
        .map(|s| {
            let (low, high) = s.spend_band.unwrap_or((f64::NAN, f64::NAN));
            let mut marks = vec![(s.spend, low, high)];
            marks.extend(s.now.map(|n| (n, f64::NAN, f64::NAN)));
            dots::Line { name: s.name.clone(), marks }
        })
        .collect();
    let known = a.shares.iter().any(|s| s.now.is_some());
    let mut series = vec![cx.t("experiments.proposed").to_owned()];
    if known {
        series.push(cx.t("experiments.now").to_owned());
    }
    let caption = cx.t(if a.response_band.is_some() { "experiments.split_caption_bands" } else { "experiments.split_caption" });
    let title = cx.t("experiments.split_picture");
    let source = figure::Source {
        table: Box::new(|| words::shares(a, lang).into()),
        csv: None,
        svg: Some(Box::new(move || studies::shares(a, title))),
    };
    figure::ui(ui, cx, twins, "experiments.split_picture", caption, &source, |ui, cx| {
        if known {
            dots::legend(ui, &series);
        }
        dots::ui(ui, cx.t("experiments.split_picture"), &lines, &series, &numbers::plain, cx.t("experiments.spending"), None);
    });
    if !a.binding.is_empty() {
        basic::section(ui, cx.t("experiments.binding"));
        for b in &a.binding {
            let price = numbers::signed(b.shadow_price);
            ui.add(egui::Label::new(cx.tw(b.key(), &[("limit", &b.what.say(lang)), ("price", &price)])).wrap());
        }
    }
    for w in &a.warnings {
        basic::warning(ui, &w.say(lang));
    }
}
