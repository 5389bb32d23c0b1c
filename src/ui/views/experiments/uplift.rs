//! Whom a treatment helps: the effect with its grade and checks, whether it can be targeted, and a policy valued on other people.

use eframe::egui::{self, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints};

use super::form;
use crate::base::numbers;
use crate::strategy::causal::{Base, Light};
use crate::strategy::study::UpliftAsked;
use crate::strategy::uplift::learner::Learner;
use crate::strategy::uplift::{ArmResult, UpliftResult};
use crate::strategy::words;
use crate::ui::widgets::{basic, dots, figure, scenario_card};
use crate::ui::{Cx, theme};

/// The fields; what is missing, if nothing can be found yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut UpliftAsked) -> Result<(), &'static str> {
    let before = asked.treatment.clone();
    egui::Grid::new("uplift").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.variant", &mut asked.treatment, form::any, false);
        if asked.treatment != before {
            asked.control.clear();
        }
        if !asked.treatment.is_empty() {
            form::level(ui, cx, "experiments.control", &asked.treatment.clone(), &mut asked.control);
        }
        form::column(ui, cx, "experiments.outcome", &mut asked.outcome, form::countable, false);
        form::several(ui, cx, "experiments.told_apart", &mut asked.features, form::any);
    });
    egui::CollapsingHeader::new(cx.t("experiments.more")).id_salt("uplift-more").show(ui, |ui| {
        egui::Grid::new("uplift-more").num_columns(2).show(ui, |ui| {
            form::several(ui, cx, "experiments.ignored", &mut asked.ignore, form::any);
            form::several(ui, cx, "experiments.adjust", &mut asked.adjust, form::any);
            form::several(ui, cx, "experiments.negative", &mut asked.negative, form::any);
            form::amount(ui, cx, "why.value_per_conversion", &mut asked.value_per_conversion, false);
            form::amount(ui, cx, "why.cost_per_contact", &mut asked.cost_per_contact, false);
            choice(ui, cx, "experiments.learner", &mut asked.learner, Learner::ALL.map(|l| (l, l.name())));
            choice(ui, cx, "experiments.base", &mut asked.base, [Base::Logistic, Base::Gbdt].map(|b| (b, b.name())));
        });
    });
    match () {
        () if asked.treatment.is_empty() => Err("experiments.hint_variant"),
        () if asked.control.is_empty() => Err("experiments.hint_control"),
        () if asked.outcome.is_empty() => Err("experiments.hint_goal"),
        () => Ok(()),
    }
}

fn choice<T: PartialEq + Copy, const N: usize>(ui: &mut Ui, cx: &Cx<'_>, key: &str, chosen: &mut T, all: [(T, &'static str); N]) {
    ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak));
    ui.horizontal_wrapped(|ui| {
        for (value, name) in all {
            if ui.selectable_label(*chosen == value, name).clicked() {
                *chosen = value;
            }
        }
    });
    ui.end_row();
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, r: &UpliftResult, twins: &mut figure::Twins) {
    let lang = cx.lang();
    let show = |v: f64| if r.binary { numbers::points(v) } else { numbers::signed(v) };
    for a in &r.arms {
        ui.add_space(theme::SPACE);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(basic::shorten(&a.treatment, 40)).strong()).on_hover_text(&a.treatment);
            scenario_card::grade_chip(ui, a.grade, &a.reason.say(lang), lang);
            let (key, colour) =
                if a.targetable { ("experiments.targetable", cx.tokens.good) } else { ("experiments.not_targetable", cx.tokens.warn) };
            basic::chip(ui, cx.t(key), colour, &a.verdict.say(lang));
        });
        ui.add(egui::Label::new(words::arm(a, r, lang)).wrap());
        ui.add(egui::Label::new(RichText::new(a.reason.say(lang)).size(theme::SMALL).color(cx.tokens.weak)).wrap());
        if let Some(e) = &a.earnings {
            ui.add(egui::Label::new(e.advice.say(lang)).wrap());
        }
    }
    let lines: Vec<dots::Line> = r
        .arms
        .iter()
        .map(|a| dots::Line {
            name: a.treatment.clone(),
            marks: vec![(a.effect.value, a.effect.low, a.effect.high), (a.uplift_at_k, a.uplift_at_k_ci[0], a.uplift_at_k_ci[1])],
        })
        .collect();
    let series = [cx.t("experiments.for_all").to_owned(), cx.tw("experiments.for_first", &[("share", &numbers::percent(r.k))])];
    let caption = cx.tw("experiments.uplift_caption", &[("control", &r.control), ("learner", &r.learner.name()), ("base", &r.base.name())]);
    let source = figure::Source { table: Box::new(|| words::arms(r, lang).into()), csv: None, svg: None };
    figure::ui(ui, cx, twins, "experiments.uplift", &caption, &source, |ui, cx| {
        dots::legend(ui, &series);
        let axis = cx.t(if r.binary { "why.unit_points" } else { "why.unit_amount" });
        dots::ui(ui, cx.t("experiments.uplift"), &lines, &series, &show, axis, None);
    });
    // The arm whose order says something, where there is one.
    if let Some(a) = r.arms.iter().find(|a| a.targetable).or(r.arms.first()) {
        curve(ui, cx, r, a, twins);
    }
    for a in &r.arms {
        basic::section(ui, &cx.tw("experiments.checks_of", &[("arm", &a.treatment)]));
        for c in &a.checks {
            let (colour, word) = match c.status {
                Light::Ok => (cx.tokens.good, "experiments.light_ok"),
                Light::Warn => (cx.tokens.warn, "experiments.light_warn"),
                Light::Bad => (cx.tokens.error, "experiments.light_bad"),
            };
            ui.horizontal_top(|ui| {
                basic::chip(ui, cx.t(word), colour, "");
                ui.add(egui::Label::new(c.sentence.say(lang)).wrap());
            });
        }
    }
    if let Some(p) = &r.policy {
        basic::section(ui, cx.t("uplift.policy_head"));
        ui.add(egui::Label::new(p.reason.say(lang)).wrap());
        ui.add(egui::Label::new(p.claim.say(lang)).wrap());
        for rule in words::rules(p, lang) {
            ui.add(egui::Label::new(format!("• {rule}")).wrap());
        }
    }
    for n in r.definitions.iter().chain(&r.assumptions) {
        basic::caption(ui, &n.say(lang));
    }
    for w in &r.warnings {
        basic::warning(ui, &w.say(lang));
    }
}

/// Gain over the share of people contacted, with its band, beside picking them at random.
fn curve(ui: &mut Ui, cx: &mut Cx<'_>, r: &UpliftResult, a: &ArmResult, twins: &mut figure::Twins) {
    let caption = cx.tw(
        "experiments.gain_caption",
        &[("arm", &a.treatment), ("n", &numbers::count(a.n_test as i64)), ("p", &numbers::fixed(a.p_adjusted, 3))],
    );
    let header = ["experiments.gain_share", "experiments.gain", "why.low_column", "why.high_column", "experiments.at_random"];
    let table = figure::Table {
        header: header.map(|k| cx.t(k).to_owned()).to_vec(),
        rows: a.curve.iter().map(|p| [p.share, p.gain, p.low, p.high, p.random].map(numbers::plain).to_vec()).collect(),
    };
    let source = figure::Source { table: Box::new(move || table.clone()), csv: None, svg: None };
    let by = if r.binary { 100.0 } else { 1.0 };
    figure::ui(ui, cx, twins, "experiments.gain", &caption, &source, |ui, cx| {
        let at = |f: fn(&crate::strategy::uplift::curve::Point) -> f64| -> Vec<[f64; 2]> {
            a.curve.iter().map(|p| [p.share * 100.0, f(p) * by]).collect()
        };
        let name = |key: &str| cx.t(key).to_owned();
        Plot::new("gain")
            .height(240.0)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .show_grid(false)
            .legend(egui_plot::Legend::default().position(egui_plot::Corner::LeftTop))
            .x_axis_label(name("experiments.gain_share"))
            .show(ui, |p| {
                // A plot fills convex shapes only, so the band is its two edges.
                for edge in [at(|p| p.low), at(|p| p.high)] {
                    let colour = cx.tokens.soft(cx.tokens.accent, 0.5);
                    p.line(Line::new(name("experiments.band"), PlotPoints::from(edge)).color(colour).allow_hover(false));
                }
                p.line(
                    Line::new(name("experiments.at_random"), PlotPoints::from(at(|p| p.random)))
                        .color(cx.tokens.weak)
                        .style(egui_plot::LineStyle::dashed_loose()),
                );
                p.line(Line::new(name("experiments.gain"), PlotPoints::from(at(|p| p.gain))).color(cx.tokens.accent).width(2.0));
            });
    });
}
