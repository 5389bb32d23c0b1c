//! Whom a treatment helps: the effect with its grade and checks, whether it can be targeted, and a policy valued on other people.

use eframe::egui::{self, RichText, Ui};

use super::form;
use crate::base::numbers;
use crate::session::state::{Command, Study};
use crate::strategy::News;
use crate::strategy::causal::{Base, Check, Light};
use crate::strategy::study::{NamedStudy, UpliftAsked};
use crate::strategy::uplift::learner::Learner;
use crate::strategy::uplift::{ArmResult, UpliftResult, advice};
use crate::strategy::words;
use crate::ui::widgets::{basic, chart, figure, scenario_card, sheet};
use crate::ui::{Action, Cx, Room, theme};

/// Arms of which planned sizes are asked, at most.
const MOST_ARMS: usize = 12;
/// Width of a light with its word.
const LIGHT: f32 = 68.0;

/// The fields; what is missing, if nothing can be found yet.
pub fn form(ui: &mut Ui, cx: &mut Cx<'_>, asked: &mut UpliftAsked) -> Result<(), &'static str> {
    let before = asked.treatment.clone();
    egui::Grid::new("uplift").num_columns(2).show(ui, |ui| {
        form::column(ui, cx, "experiments.variant", &mut asked.treatment, form::any, false);
        if asked.treatment != before {
            asked.control.clear();
            asked.costs.clear();
            asked.ratio.clear();
        }
        if !asked.treatment.is_empty() {
            form::level(ui, cx, "experiments.control", &asked.treatment.clone(), &mut asked.control);
        }
        let was = asked.outcome.clone();
        form::column(ui, cx, "experiments.outcome", &mut asked.outcome, form::any, false);
        if asked.outcome != was {
            (asked.positive, asked.outcome_is) = (None, None);
        }
        if form::worded(cx, &asked.outcome) {
            let mut counted = asked.positive.clone().unwrap_or_default();
            form::level(ui, cx, "experiments.counted_value", &asked.outcome.clone(), &mut counted);
            asked.positive = Some(counted).filter(|g| !g.is_empty());
        }
        if !asked.outcome.is_empty() {
            goodness(ui, cx, asked);
        }
        form::several_or(ui, cx, "experiments.told_apart", "studies.all_that_fit", &mut asked.features, form::any);
    });
    let title = egui::RichText::new(cx.t("studies.money"));
    let money = egui::CollapsingHeader::new(title).id_salt("uplift-money").default_open(asked.value_per_conversion.is_some());
    let shown = money.show(ui, |ui| {
        egui::Grid::new("uplift-money").num_columns(2).show(ui, |ui| {
            form::amount(ui, cx, asked.news().word("why.value_per_conversion"), &mut asked.value_per_conversion, false);
            form::amount(ui, cx, "why.cost_per_contact", &mut asked.cost_per_contact, false);
            form::amount(ui, cx, asked.news().word("why.cost_per_conversion"), &mut asked.cost_per_conversion, false);
            for arm in form::levels(cx, &asked.treatment).into_iter().filter(|a| *a != asked.control) {
                let mut cost = asked.costs.get(&arm).copied();
                if form::amount_of(ui, cx, &cx.tw("studies.costs", &[("arm", &arm)]), &mut cost) {
                    asked.costs.remove(&arm);
                    asked.costs.extend(cost.map(|c| (arm, c)));
                }
            }
        });
    });
    shown.header_response.on_hover_text(cx.t("studies.money_help"));
    egui::CollapsingHeader::new(cx.t("experiments.more")).id_salt("uplift-more").show(ui, |ui| {
        egui::Grid::new("uplift-more").num_columns(2).show(ui, |ui| {
            form::several(ui, cx, "experiments.ignored", &mut asked.ignore, form::any);
            form::several(ui, cx, "experiments.adjust", &mut asked.adjust, form::any);
            form::several(ui, cx, "experiments.negative", &mut asked.negative, form::any);
            choice(ui, cx, "experiments.learner", &mut asked.learner, Learner::ALL.map(|l| (l, words::learner(l))));
            choice(ui, cx, "experiments.base", &mut asked.base, [Base::Logistic, Base::Gbdt].map(|b| (b, (words::base(b), ""))));
            let label =
                ui.label(RichText::new(cx.t("experiments.depth")).color(cx.tokens.weak)).on_hover_text(cx.t("experiments.depth_help"));
            ui.add(egui::DragValue::new(&mut asked.depth).range(0..=3)).labelled_by(label.id);
            ui.end_row();
            more(ui, cx, asked);
        });
    });
    match () {
        () if asked.treatment.is_empty() => Err("experiments.hint_variant"),
        () if asked.control.is_empty() => Err("experiments.hint_control"),
        () if asked.outcome.is_empty() => Err("experiments.hint_goal"),
        () if asked.times.is_half() => Err("experiments.hint_times"),
        () if asked.split.as_ref().is_some_and(form::split_open) => Err("ui.choose_columns_first"),
        () if !asked.ratio.is_empty() && form::levels(cx, &asked.treatment).iter().any(|a| !asked.ratio.contains_key(a)) => {
            Err("experiments.planned_all")
        }
        () => Ok(()),
    }
}

/// What is rarely asked: who takes part, how they were split, and how they are shown.
fn more(ui: &mut Ui, cx: &Cx<'_>, asked: &mut UpliftAsked) {
    form::sentence(ui, cx, "experiments.only_rows", &mut asked.filter, "age >= 30");
    form::several(ui, cx, "experiments.codes", &mut asked.categorical, form::countable);
    form::several(ui, cx, "experiments.shown_by", &mut asked.by, form::any);
    let arms = form::levels(cx, &asked.treatment);
    if (2..=MOST_ARMS).contains(&arms.len()) {
        form::shares(ui, cx, &arms, &mut asked.ratio);
    }
    form::column(ui, cx, "experiments.treated_at", &mut asked.times.treated, form::timed, true);
    form::column(ui, cx, "experiments.outcome_at", &mut asked.times.outcome, form::timed, true);
    form::split(ui, cx, "experiments.held_out", &mut asked.split);
    form::share(ui, cx, "experiments.top_share", &mut asked.k, (0.01, 1.0));
}

/// Whether the outcome is good news: what was said, else what its name sounds like, always in sight.
fn goodness(ui: &mut Ui, cx: &Cx<'_>, asked: &mut UpliftAsked) {
    ui.label(RichText::new(cx.t("experiments.outcome_is")).color(cx.tokens.weak)).on_hover_text(cx.t("experiments.outcome_is_help"));
    ui.horizontal_wrapped(|ui| {
        for (of, key) in [(News::Good, "why.news_good"), (News::Bad, "why.news_bad")] {
            if ui.selectable_label(asked.news() == of, cx.t(key)).on_hover_text(cx.t("experiments.outcome_is_help")).clicked() {
                asked.outcome_is = Some(of);
            }
        }
        if asked.outcome_is.is_none() {
            ui.label(RichText::new(cx.t("why.news_guessed")).size(theme::SMALL).color(cx.tokens.weak));
        }
    });
    ui.end_row();
}

/// A word and what it means, or nothing more to say.
type Named = (&'static str, &'static str);

fn choice<T: PartialEq + Copy, const N: usize>(ui: &mut Ui, cx: &Cx<'_>, key: &str, chosen: &mut T, all: [(T, Named); N]) {
    ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak));
    ui.horizontal_wrapped(|ui| {
        for (value, (name, help)) in all {
            let response = ui.selectable_label(*chosen == value, cx.t(name));
            let response = if help.is_empty() { response } else { response.on_hover_text(cx.t(help)) };
            if response.clicked() {
                *chosen = value;
            }
        }
    });
    ui.end_row();
}

/// What was found.
pub fn result(ui: &mut Ui, cx: &mut Cx<'_>, study: &NamedStudy, r: &UpliftResult, twins: &mut figure::Twins) {
    let lang = cx.lang();
    for n in r.assumptions.iter().filter(|n| n.code.starts_with("uplift.bad_news")) {
        basic::caption(ui, &n.say(lang));
    }
    for a in &r.arms {
        arm(ui, cx, r, a);
    }
    for w in &r.warnings {
        basic::warning(ui, &w.say(lang));
    }
    if let Some(p) = &r.policy {
        basic::section(ui, cx.t("uplift.policy_head"));
        ui.add(egui::Label::new(p.reason.say(lang)).wrap());
        sheet::ui(ui, "rules", &words::rule_sheet(p, lang), 2);
        ui.add(egui::Label::new(RichText::new(p.claim.say(lang)).size(theme::SMALL).color(cx.tokens.weak)).wrap());
        if let Study::Uplift(asked) = &study.ask {
            use_in_whatif(ui, cx, asked, &advice::scenarios(&study.name, asked, p));
        }
    }
    for (key, caption, c) in words::uplift_pictures(r, lang) {
        chart::ui(ui, cx, twins, key, &caption, &c);
    }
    basic::section(ui, cx.t("studies.rank"));
    sheet::ui(ui, "rankings", &words::rankings(r, lang), 1);
    egui::CollapsingHeader::new(cx.t("studies.rank_how")).id_salt("uplift-definitions").show(ui, |ui| {
        r.definitions.iter().for_each(|n| drop(basic::caption(ui, &n.say(lang))));
    });
    for a in &r.arms {
        basic::section(ui, &cx.tw("experiments.checks_of", &[("arm", &a.treatment)]));
        a.checks.iter().for_each(|c| check(ui, cx, c));
    }
    ui.add_space(theme::SPACE);
    for n in &r.assumptions {
        basic::caption(ui, &n.say(lang));
    }
}

/// One arm: its effect and grade, whether it can be targeted, what contacting earns.
fn arm(ui: &mut Ui, cx: &Cx<'_>, r: &UpliftResult, a: &ArmResult) {
    let lang = cx.lang();
    ui.add_space(theme::SPACE);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(basic::shorten(&a.treatment, 40)).strong()).on_hover_text(&a.treatment);
        scenario_card::grade_chip(ui, a.grade, &a.reason.say(lang), lang);
        let (key, colour) =
            if a.targetable { ("experiments.targetable", cx.tokens.good) } else { ("experiments.not_targetable", cx.tokens.warn) };
        basic::chip(ui, cx.t(key), colour, &a.verdict.say(lang));
        let of = |light: Light| numbers::count(a.checks.iter().filter(|c| c.status == light).count() as i64);
        let lights = cx.tw("studies.lights", &[("ok", &of(Light::Ok)), ("warn", &of(Light::Warn)), ("bad", &of(Light::Bad))]);
        basic::chip(ui, &lights, look(cx, a.worst()).0, "");
    });
    ui.add(egui::Label::new(words::arm(a, r, lang)).wrap());
    for n in [&a.reason, &a.verdict] {
        ui.add(egui::Label::new(RichText::new(n.say(lang)).size(theme::SMALL).color(cx.tokens.weak)).wrap());
    }
    if let Some(e) = &a.earnings {
        ui.add(egui::Label::new(e.advice.say(lang)).wrap());
    }
}

fn look(cx: &Cx<'_>, light: Light) -> (egui::Color32, &'static str) {
    match light {
        Light::Ok => (cx.tokens.good, "experiments.light_ok"),
        Light::Warn => (cx.tokens.warn, "experiments.light_warn"),
        Light::Bad => (cx.tokens.error, "experiments.light_bad"),
    }
}

/// A light with its word, and what it says; all sentences begin at one place.
fn check(ui: &mut Ui, cx: &Cx<'_>, c: &Check) {
    let (colour, word) = look(cx, c.status);
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(egui::vec2(LIGHT, theme::ROW), egui::Layout::left_to_right(egui::Align::Min), |ui| {
            ui.set_min_width(LIGHT);
            basic::chip(ui, cx.t(word), colour, "");
        });
        ui.add(egui::Label::new(c.sentence.say(cx.lang())).wrap());
    });
}

/// Turns the advice into scenarios and goes to them.
fn use_in_whatif(ui: &mut Ui, cx: &mut Cx<'_>, asked: &UpliftAsked, scenarios: &[crate::strategy::Scenario]) {
    let button = egui::Button::new(cx.t("studies.use_in_whatif"));
    let response = ui.add_enabled(!scenarios.is_empty(), button).on_hover_text(cx.t("studies.use_in_whatif_help"));
    if !response.on_disabled_hover_text(cx.t("studies.no_scenario")).clicked() {
        return;
    }
    let recipe = cx.session.recipe.as_ref();
    // What is good news in the study is good news there.
    if let Some(section) =
        recipe.map(|r| r.simulate.clone().saying(&asked.outcome, asked.news())).filter(|s| Some(s) != recipe.map(|r| &r.simulate))
    {
        cx.command(Command::SetSimulate(section));
    }
    let mut taken: Vec<String> = recipe.iter().flat_map(|r| r.scenarios.iter().map(|s| s.name.clone())).collect();
    for s in scenarios {
        let names: Vec<&str> = taken.iter().map(String::as_str).collect();
        let free = !names.contains(&s.name.as_str());
        let name = if free { s.name.clone() } else { crate::ui::views::whatif::moves::free_name(&s.name, &names) };
        cx.command(Command::AddScenario(crate::strategy::Scenario { name: name.clone(), ..s.clone() }));
        cx.select(|x| x.scenario = Some(name.clone()));
        taken.push(name);
    }
    cx.send(Action::Go(Room::WhatIf));
}
