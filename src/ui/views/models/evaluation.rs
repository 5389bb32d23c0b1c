//! How good? Figures of every model side by side; threshold, calibration and gain of the chosen one against the others.

use eframe::egui::{self, RichText, Ui};
use egui_plot::{Corner, Legend, Line, Plot, PlotPoints, Points, VLine};

use crate::base::numbers;
use crate::base::progress::CurvePoint;
use crate::ml::Evaluation;
use crate::ml::metrics::Figures;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// What the panel remembers.
pub(super) struct EvaluationPanel {
    outcome: usize,
    threshold: f64,
}

impl Default for EvaluationPanel {
    fn default() -> Self {
        Self { outcome: 0, threshold: 0.5 }
    }
}

/// The training curve: loss over steps.
pub(super) fn curve(ui: &mut Ui, cx: &Cx<'_>, name: &str, points: &[CurvePoint]) {
    let last = points[points.len() - 1];
    let summary = cx.tw(
        "ui.curve_summary",
        &[
            ("step", &last.step),
            ("train", &numbers::plain(last.train)),
            ("validation", &numbers::plain(last.validation.unwrap_or(f64::NAN))),
        ],
    );
    ui.horizontal(|ui| {
        ui.label(RichText::new(cx.t("ui.curve_title")).size(theme::SMALL).strong());
        // Beside the title, so that it never lies on a curve.
        for (key, colour) in [("ui.curve_train", cx.tokens.faint), ("ui.curve_validation", cx.tokens.accent)] {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(16.0, theme::ROW), egui::Sense::hover());
            ui.painter().hline(rect.x_range(), rect.center().y, egui::Stroke::new(2.0, colour));
            ui.label(RichText::new(cx.t(key)).size(theme::SMALL).color(cx.tokens.weak));
        }
    });
    let series = |f: &dyn Fn(&CurvePoint) -> Option<f64>| -> PlotPoints<'static> {
        points.iter().filter_map(|p| Some([f64::from(p.step), f(p)?])).collect()
    };
    let (train, validation) = (series(&|p| Some(p.train)), series(&|p| p.validation));
    plot(ui, cx, ("curve", name), 160.0, None, "ui.curve_x", "ui.curve_y", &summary, |p| {
        p.line(Line::new(cx.t("ui.curve_train"), train).color(cx.tokens.faint).width(1.5));
        p.line(Line::new(cx.t("ui.curve_validation"), validation).color(cx.tokens.accent).width(1.5));
    });
    basic::caption(ui, &summary);
}

/// A quiet plot that cannot be dragged by accident, with a text twin for screen readers.
fn plot<'a>(
    ui: &mut Ui,
    cx: &Cx<'_>,
    id: impl egui::AsIdSalt,
    height: f32,
    legend: Option<Corner>,
    x: &str,
    y: &str,
    summary: &str,
    add: impl FnOnce(&mut egui_plot::PlotUi<'a>) + 'a,
) {
    let mut plot = Plot::new(id);
    if let Some(corner) = legend {
        plot = plot.legend(Legend::default().position(corner));
    }
    let response = plot
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .grid_color(cx.tokens.rule)
        .x_axis_label(RichText::new(cx.t(x)).size(theme::SMALL))
        .y_axis_label(RichText::new(cx.t(y)).size(theme::SMALL))
        .show(ui, add)
        .response;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, summary));
}

impl EvaluationPanel {
    /// All of it, for the models that are trained.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, chosen: &str) {
        let trained: Vec<_> = cx.session.models.iter().map(|(n, k)| (n.as_str(), k.value.card())).collect();
        if trained.is_empty() {
            return;
        }
        basic::section(ui, cx.t("ui.evaluation_title"));
        let outcomes = cx.session.models.get(chosen).map(|k| k.value.card().outcomes.as_slice()).unwrap_or_default();
        if outcomes.len() > 1 {
            ui.horizontal(|ui| {
                for (i, outcome) in outcomes.iter().enumerate() {
                    ui.selectable_value(&mut self.outcome, i, outcome.label());
                }
            });
        }
        self.outcome = self.outcome.min(outcomes.len().saturating_sub(1));
        let target = outcomes.get(self.outcome).map(|o| o.name.as_str());
        let evaluations: Vec<(&str, &Evaluation)> = trained
            .iter()
            .filter_map(|(n, card)| {
                let e = match target {
                    Some(t) => card.evaluation.iter().find(|e| e.target == t),
                    None => card.evaluation.first(),
                };
                Some((*n, e?))
            })
            .collect();
        if evaluations.is_empty() {
            let of = trained.iter().find(|(n, _)| *n == chosen).map(|(_, card)| *card);
            let imported = of.is_some_and(|c| c.rows.train == 0);
            basic::caption(ui, cx.t(if imported { "ui.no_evaluation_imported" } else { "ui.no_evaluation" }));
            of.iter().for_each(|c| card(ui, cx, c));
            return;
        }
        table(ui, cx, &evaluations, chosen);
        if let Some((_, e)) = evaluations.iter().find(|(n, _)| *n == chosen) {
            let (rows, positives) = (numbers::count(e.rows as i64), numbers::count(e.positives as i64));
            let key = if matches!(e.figures, Figures::Binary(_)) { "ui.evaluation_caption" } else { "ui.evaluation_caption_number" };
            basic::caption(ui, &cx.tw(key, &[("rows", &rows), ("positives", &positives), ("name", &e.target)]));
            if matches!(e.figures, Figures::Binary(_)) {
                self.threshold(ui, cx, e);
                ui.horizontal_top(|ui| {
                    let width = (ui.available_width() - theme::SECTION) / 2.0;
                    ui.allocate_ui(egui::vec2(width, 300.0), |ui| ui.vertical(|ui| calibration(ui, cx, &evaluations, chosen)));
                    ui.allocate_ui(egui::vec2(width, 300.0), |ui| ui.vertical(|ui| gain(ui, cx, &evaluations, chosen)));
                });
            }
        }
        if let Some(k) = cx.session.models.get(chosen) {
            card(ui, cx, k.value.card());
        }
    }

    fn threshold(&mut self, ui: &mut Ui, cx: &Cx<'_>, e: &Evaluation) {
        basic::section(ui, cx.t("ui.threshold_title"));
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("ui.threshold")).size(theme::SMALL).color(cx.tokens.weak));
            let slider = egui::Slider::new(&mut self.threshold, 0.0..=1.0).fixed_decimals(3);
            ui.spacing_mut().slider_width = 320.0;
            ui.name_inputs(cx.t("ui.threshold"), |ui| ui.add(slider)).on_hover_text(cx.t("ui.threshold_help"));
        });
        let p = e.at_threshold(self.threshold);
        let total = e.rows.max(1) as f64;
        ui.horizontal_top(|ui| {
            egui::Grid::new("confusion").num_columns(3).spacing([24.0, 4.0]).show(ui, |ui| {
                let small = |text: &str| RichText::new(text.to_owned()).size(theme::SMALL).color(cx.tokens.weak);
                ui.label("");
                ui.label(small(cx.t("ui.predicted_yes")));
                ui.label(small(cx.t("ui.predicted_no")));
                ui.end_row();
                for (key, yes, no) in
                    [("ui.actual_yes", p.true_positives, p.false_negatives), ("ui.actual_no", p.false_positives, p.true_negatives)]
                {
                    ui.label(small(cx.t(key)));
                    for (n, right) in [(yes, key == "ui.actual_yes"), (no, key == "ui.actual_no")] {
                        let text = format!("{}  ({})", numbers::count(n as i64), numbers::percent(n as f64 / total));
                        ui.label(if right { RichText::new(text).strong() } else { RichText::new(text) });
                    }
                    ui.end_row();
                }
            });
            ui.add_space(theme::SECTION);
            ui.vertical(|ui| {
                ui.set_width(180.0);
                basic::fact(ui, cx.t("ui.accuracy"), &numbers::fixed(p.accuracy(), 4));
                basic::fact(ui, cx.t("ui.f1"), &numbers::fixed(p.f1(), 4));
                basic::fact(ui, cx.t("ui.precision"), &numbers::fixed(p.precision(), 4)).on_hover_text(cx.t("ui.precision_help"));
                basic::fact(ui, cx.t("ui.recall"), &numbers::fixed(p.recall(), 4)).on_hover_text(cx.t("ui.recall_help"));
            });
        });
    }
}

/// Width of the column of names.
const FIRST: f32 = 160.0;

fn table(ui: &mut Ui, cx: &mut Cx<'_>, evaluations: &[(&str, &Evaluation)], chosen: &str) {
    let binary = evaluations.iter().any(|(_, e)| matches!(e.figures, Figures::Binary(_)));
    let heads: &[&str] = if binary {
        &["ui.auc", "ui.auc_interval", "ui.average_precision", "ui.log_loss", "ui.accuracy", "ui.f1", "ui.ece"]
    } else {
        &["ui.rmse", "ui.mae", "ui.r2"]
    };
    let mut select = None;
    egui::ScrollArea::horizontal().id_salt("figures").show(ui, |ui| {
        ui.spacing_mut().item_spacing = egui::vec2(theme::SPACE, theme::TIGHT);
        let cell = |ui: &mut Ui, i: Option<usize>, text: RichText| {
            let (width, layout) = match i {
                None => (FIRST, egui::Layout::left_to_right(egui::Align::Center)),
                Some(i) => {
                    let wide = matches!(heads[i], "ui.auc_interval" | "ui.average_precision" | "ui.ece");
                    (if wide { 108.0 } else { 68.0 }, egui::Layout::right_to_left(egui::Align::Center))
                }
            };
            ui.allocate_ui_with_layout(egui::vec2(width, theme::ROW), layout, |ui| {
                ui.set_min_width(width);
                ui.label(text)
            })
            .inner
        };
        let small = |text: &str| RichText::new(text.to_owned()).size(theme::SMALL).color(cx.tokens.weak);
        ui.horizontal(|ui| {
            cell(ui, None, small(cx.t("ui.model")));
            for (i, key) in heads.iter().enumerate() {
                cell(ui, Some(i), small(cx.t(key))).on_hover_text(cx.t(&format!("{key}_help")));
            }
        });
        for (name, e) in evaluations {
            ui.horizontal(|ui| {
                ui.allocate_ui_with_layout(egui::vec2(FIRST, theme::ROW), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.set_min_width(FIRST);
                    if ui.selectable_label(*name == chosen, basic::shorten(name, 20)).on_hover_text(*name).clicked() {
                        select = Some((*name).to_owned());
                    }
                });
                for (i, text) in figures(&e.figures).into_iter().enumerate() {
                    cell(ui, Some(i), RichText::new(text));
                }
            });
        }
    });
    if let Some(name) = select {
        cx.select(|s| s.model = Some(name));
    }
}

fn figures(figures: &Figures) -> Vec<String> {
    let x = |v: f64| numbers::fixed(v, 4);
    let o = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), x);
    match figures {
        Figures::Binary(f) => vec![
            o(f.auc),
            f.auc_interval.map_or_else(|| "–".to_owned(), |(l, h)| format!("{} – {}", numbers::fixed(l, 3), numbers::fixed(h, 3))),
            o(f.average_precision),
            x(f.log_loss),
            x(f.accuracy),
            x(f.f1),
            x(f.ece),
        ],
        Figures::Number(f) => vec![numbers::plain(f.rmse), numbers::plain(f.mae), o(f.r2)],
    }
}

fn calibration(ui: &mut Ui, cx: &Cx<'_>, evaluations: &[(&str, &Evaluation)], chosen: &str) {
    ui.label(RichText::new(cx.t("ui.calibration_title")).size(theme::SMALL).strong());
    let t = cx.tokens;
    let series: Vec<(String, Vec<[f64; 2]>, bool, usize)> = evaluations
        .iter()
        .enumerate()
        .map(|(i, (n, e))| {
            let points = e.calibration.iter().filter(|b| b.rows > 0).map(|b| [b.predicted, b.observed]).collect();
            ((*n).to_owned(), points, *n == chosen, i)
        })
        .collect();
    let bars: Vec<_> = evaluations
        .iter()
        .filter(|(n, _)| *n == chosen)
        .flat_map(|(_, e)| &e.calibration)
        .filter(|b| b.rows > 0)
        .map(|b| (b.predicted, b.low, b.high))
        .collect();
    let summary = cx.t("ui.calibration_caption");
    plot(ui, cx, "calibration", 240.0, Some(Corner::LeftTop), "ui.calibration_x", "ui.calibration_y", summary, move |p| {
        p.line(Line::new("", vec![[0.0, 0.0], [1.0, 1.0]]).color(t.faint).width(1.0).allow_hover(false));
        for (i, (x, low, high)) in bars.into_iter().enumerate() {
            let line = Line::new("", vec![[x, low], [x, high]]).color(t.soft(t.accent, 0.5)).width(1.0).allow_hover(false);
            p.line(line.id(("interval", i)));
        }
        for (name, points, on, i) in series {
            let colour = if on { t.accent } else { t.soft(t.series(i + 1), 0.6) };
            p.points(Points::new(name.clone(), points.clone()).color(colour).radius(if on { 3.0 } else { 2.0 }).id(("dot", i)));
            p.line(Line::new(name, points).color(colour).width(if on { 2.0 } else { 1.0 }));
        }
    });
    basic::caption(ui, summary);
}

fn gain(ui: &mut Ui, cx: &Cx<'_>, evaluations: &[(&str, &Evaluation)], chosen: &str) {
    ui.label(RichText::new(cx.t("ui.gain_title")).size(theme::SMALL).strong());
    let t = cx.tokens;
    let series: Vec<(String, Vec<[f64; 2]>, bool, usize)> = evaluations
        .iter()
        .enumerate()
        .map(|(i, (n, e))| ((*n).to_owned(), e.gain.iter().map(|(x, y)| [x * 100.0, y * 100.0]).collect(), *n == chosen, i))
        .collect();
    let reach = evaluations
        .iter()
        .find(|(n, _)| *n == chosen)
        .and_then(|(_, e)| e.gain.iter().find(|(x, _)| *x >= 0.2 - 1e-9))
        .map_or(f64::NAN, |(_, y)| *y);
    let summary = cx.tw("ui.gain_caption", &[("share", &numbers::percent(reach))]);
    plot(ui, cx, "gain", 240.0, Some(Corner::RightBottom), "ui.gain_x", "ui.gain_y", &summary, move |p| {
        p.line(Line::new("", vec![[0.0, 0.0], [100.0, 100.0]]).color(t.faint).width(1.0).allow_hover(false));
        p.vline(VLine::new("", 20.0).color(t.rule).width(1.0).allow_hover(false));
        for (name, points, on, i) in series {
            let colour = if on { t.accent } else { t.soft(t.series(i + 1), 0.6) };
            p.line(Line::new(name, points).color(colour).width(if on { 2.0 } else { 1.0 }));
        }
    });
    basic::caption(ui, &summary);
}

/// Where the model comes from.
fn card(ui: &mut Ui, cx: &Cx<'_>, card: &crate::ml::ModelCard) {
    basic::section(ui, cx.t("ui.card_title"));
    ui.scope(|ui| {
        ui.set_max_width(420.0);
        let n = |x: usize| numbers::count(x as i64);
        basic::fact(ui, cx.t("ui.card_kind"), cx.t(super::kind_key(card.spec.kind)));
        // A model of another program says nothing of its training.
        let ours = card.rows.train > 0;
        if ours {
            let rows = cx.tw(
                "ui.card_rows_value",
                &[("train", &n(card.rows.train)), ("validation", &n(card.rows.validation)), ("test", &n(card.rows.test))],
            );
            basic::fact(ui, cx.t("ui.card_rows"), &rows);
        }
        basic::fact(ui, cx.t("ui.card_features"), &n(card.features().len()));
        if ours {
            basic::fact(ui, cx.t("ui.device"), &card.device);
            basic::fact(ui, cx.t("ui.card_seconds"), &numbers::duration(card.seconds));
        }
        basic::fact(ui, cx.t("ui.card_fingerprint"), card.fingerprint.short()).on_hover_text(&card.fingerprint.0);
        if ours {
            basic::fact(ui, cx.t("ui.card_data"), card.data.short()).on_hover_text(&card.data.0);
        }
        let outcomes: Vec<String> = card.outcomes.iter().map(crate::ml::Outcome::label).collect();
        basic::fact(ui, cx.t("why.outcome"), &outcomes.join(", "));
    });
    if card.rows.train == 0 {
        let names: Vec<&str> = card.features().iter().map(|f| f.name.as_str()).collect();
        basic::caption(ui, &cx.tw("ui.card_needs", &[("names", &names.join(", "))]));
    }
    for w in &card.warnings {
        basic::warning(ui, &w.say(cx.lang()));
    }
}
