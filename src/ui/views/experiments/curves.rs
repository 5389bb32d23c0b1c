//! Spending curves found in a weekly series.

use eframe::egui::{self, Ui};
use egui_plot::{Line, Plot, PlotPoints};

use super::form;
use crate::base::numbers;
use crate::report::studies;
use crate::strategy::budget::Fit;
use crate::strategy::budget::curve::Curve;
use crate::strategy::budget::fit::Asked;
use crate::strategy::words;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Cx, theme};

/// Points of a drawn curve.
const POINTS: usize = 64;
/// Other curves drawn behind it.
const DRAWS: usize = 40;

/// The fields; what is missing, if nothing can be found yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut Asked) -> Result<(), &'static str> {
    let mut lags = Some(asked.options.lags as f64);
    egui::Grid::new("curves").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.response", &mut asked.response, form::countable, false);
        form::several(ui, cx, "experiments.spend", &mut asked.spend, form::countable);
        form::several(ui, cx, "experiments.controls", &mut asked.controls, form::countable);
        form::amount(ui, cx, "experiments.year", &mut asked.year, false);
        if form::amount(ui, cx, "experiments.lags", &mut lags, false) {
            asked.options.lags = lags.map_or(1, |l| l.clamp(1.0, 104.0) as usize);
        }
    });
    let mut trend = asked.options.trend;
    if ui.checkbox(&mut trend, cx.t("experiments.trend")).changed() {
        asked.options.trend = trend;
    }
    match () {
        () if asked.response.is_empty() => Err("experiments.hint_response"),
        () if asked.spend.is_empty() => Err("experiments.hint_spend"),
        () => Ok(()),
    }
}

/// What was found; whether a budget shall be made of it.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, fit: &Fit, twins: &mut figure::Twins) -> bool {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    for c in &fit.channels {
        ui.add(egui::Label::new(words::channel(c, lang)).wrap());
    }
    let caption = cx.tw(
        "experiments.curves_caption",
        &[("weeks", &fit.weeks), ("r2", &numbers::percent(fit.r2)), ("replicates", &fit.options.replicates)],
    );
    let axes = (cx.t("experiments.spending"), cx.t("experiments.response"));
    let source = figure::Source {
        table: Box::new(|| words::curves(fit, lang).into()),
        csv: None,
        svg: Some(Box::new(move || studies::curves(fit, axes).concat())),
    };
    figure::ui(ui, cx, twins, "experiments.curves", &caption, &source, |ui, cx| {
        let wide = ui.available_width();
        let across = if wide > 640.0 { 2 } else { 1 };
        let size = egui::vec2((wide - theme::SPACE * (across - 1) as f32) / across as f32, 200.0);
        egui::Grid::new("curve-plots").num_columns(across).show(ui, |ui| {
            for (i, c) in fit.channels.iter().enumerate() {
                ui.vertical(|ui| {
                    basic::line(ui, size.x, theme::ROW, &c.name, theme::BODY, cx.tokens.text);
                    let draws: Vec<&Curve> = c.draws.iter().take(DRAWS).collect();
                    plot(ui, cx, (&c.name, size), &c.curve, &draws, c.seen);
                });
                if i % across == across - 1 {
                    ui.end_row();
                }
            }
        });
    });
    for w in &fit.warnings {
        basic::warning(ui, &w.say(lang));
    }
    ui.add_space(theme::SPACE);
    basic::primary(ui, cx.t("experiments.make_budget")).clicked()
}

/// One curve over what was seen, the other curves that the series allows behind it.
fn plot(ui: &mut Ui, cx: &Cx<'_>, (name, size): (&str, egui::Vec2), curve: &Curve, draws: &[&Curve], seen: f64) {
    let points = |c: &Curve| -> PlotPoints<'static> { words::points(c, seen, POINTS).into_iter().map(|(x, y)| [x, y]).collect() };
    let show = |v: f64| numbers::plain((v * 1e9).round() / 1e9);
    Plot::new(("curve", name))
        .height(size.y)
        .width(size.x)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .include_y(0.0)
        .show_grid(false)
        .x_axis_label(cx.t("experiments.spending"))
        .y_axis_label(cx.t("experiments.response"))
        .x_axis_formatter(move |m, _| show(m.value))
        .y_axis_formatter(move |m, _| show(m.value))
        .show(ui, |p| {
            for (i, d) in draws.iter().enumerate() {
                p.line(Line::new(format!("{name} {i}"), points(d)).color(cx.tokens.soft(cx.tokens.accent, 0.15)).allow_hover(false));
            }
            p.line(Line::new(name, points(curve)).color(cx.tokens.accent).width(2.0));
        });
}
