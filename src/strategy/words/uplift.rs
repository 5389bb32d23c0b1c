//! Whom a treatment helps, in words and tables.

use super::chart::{Chart, Curve, Dots, Lines, Part, Point, Show};
use super::{Sheet, sheet};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::news::News;
use crate::strategy::uplift::policy::{Candidate, Kind, PolicyChoice, Rule};
use crate::strategy::uplift::tree::Condition;
use crate::strategy::uplift::{ArmResult, Learner, UpliftResult};

/// One arm in a sentence: from what to what, and how sure.
pub fn arm(a: &ArmResult, r: &UpliftResult, lang: Lang) -> String {
    let level = |v: f64| if r.binary { numbers::percent(v) } else { numbers::plain(v) };
    let change = |v: f64| if r.binary { numbers::points(v) } else { numbers::signed(v) };
    let key = match (a.effect.low > 0.0, a.effect.high < 0.0) {
        (true, _) => "uplift.says_more",
        (_, true) => "uplift.says_less",
        _ => "uplift.says_unclear",
    };
    tr_with(
        lang,
        key,
        &[
            ("arm", &a.treatment),
            ("control", &r.control),
            ("outcome", &outcome(r, lang)),
            ("from", &level(a.mean_control)),
            ("to", &level(a.mean_treated)),
            ("effect", &change(a.effect.value)),
            ("low", &change(a.effect.low)),
            ("high", &change(a.effect.high)),
            ("n", &numbers::count(a.n as i64)),
        ],
    )
}

/// What was counted: the outcome, or that it does not happen.
pub fn outcome(r: &UpliftResult, lang: Lang) -> String {
    match (r.news, r.binary) {
        (News::Good, _) => r.outcome.clone(),
        (News::Bad, true) => tr_with(lang, "uplift.avoided", &[("outcome", &r.outcome)]),
        (News::Bad, false) => tr_with(lang, "uplift.lowered", &[("outcome", &r.outcome)]),
    }
}

/// All arms as a table.
pub fn arms(r: &UpliftResult, lang: Lang) -> Sheet {
    let change = |v: f64| if r.binary { numbers::points(v) } else { numbers::signed(v) };
    let row = |a: &ArmResult| {
        vec![
            a.treatment.clone(),
            format!("{:?}", a.grade),
            numbers::count(a.n as i64),
            change(a.effect.value),
            format!("{} … {}", change(a.effect.low), change(a.effect.high)),
            change(a.uplift_at_k),
            format!("{} … {}", change(a.uplift_at_k_ci[0]), change(a.uplift_at_k_ci[1])),
            numbers::fixed(a.qini_per_capita, 6),
            numbers::fixed(a.p_adjusted, 4),
            tr(lang, if a.targetable { "experiments.targetable" } else { "experiments.not_targetable" }).to_owned(),
        ]
    };
    let head = ["arm", "grade", "n", "effect", "effect_band", "first", "first_band", "qini", "p", "targetable"]
        .map(|h| format!("uplift.sheet_{h}"));
    sheet(lang, &head.each_ref().map(String::as_str), r.arms.iter().map(row).collect())
}

/// The rules of a policy, one sentence each.
pub fn rules(p: &PolicyChoice, lang: Lang) -> Vec<String> {
    let say = |r: &Rule| {
        let gain = r.gain.map(numbers::plain);
        let gain = format!("{} [{} … {}]", gain[0], gain[1], gain[2]);
        tr_with(lang, "uplift.rule", &[("who", &who(r, lang)), ("arm", &r.arm), ("share", &numbers::percent(r.share)), ("gain", &gain)])
    };
    p.rules.iter().map(say).collect()
}

/// Whom a rule means.
fn who(r: &Rule, lang: Lang) -> String {
    let all: Vec<String> = r.conditions.iter().map(|c| condition(c, lang)).collect();
    if all.is_empty() { tr(lang, "uplift.rule_everybody").to_owned() } else { all.join(tr(lang, "uplift.rule_and")) }
}

/// The rules of a policy as a table: whom to treat how, how many that are, and what it brought people who did not teach it.
pub fn rule_sheet(p: &PolicyChoice, lang: Lang) -> Sheet {
    let row = |r: &Rule| {
        let [value, low, high] = r.gain.map(numbers::plain);
        vec![who(r, lang), r.arm.clone(), numbers::percent(r.share), value, format!("{low} … {high}")]
    };
    let head = ["studies.rule_who", "studies.rule_do", "studies.rule_share", "studies.rule_gain", "uplift.sheet_effect_band"];
    sheet(lang, &head, p.rules.iter().map(row).collect())
}

fn candidate(c: &Candidate, lang: Lang) -> String {
    match (c.kind, &c.arm) {
        (Kind::Nobody, Some(a)) | (Kind::Everybody, Some(a)) => tr_with(lang, "uplift.policy_all", &[("arm", a)]),
        (Kind::Tree, _) => tr(lang, "uplift.policy_by_tree").to_owned(),
        _ => tr(lang, "uplift.policy_by_model").to_owned(),
    }
}

/// Every policy with its held-out value, the recommended one marked.
pub fn candidates(p: &PolicyChoice, lang: Lang) -> Sheet {
    let row = |(i, c): (usize, &Candidate)| {
        let mark = if i == p.recommended { "→ " } else { "  " };
        vec![
            format!("{mark}{}", candidate(c, lang)),
            numbers::plain(c.value),
            format!("{} … {}", numbers::plain(c.low), numbers::plain(c.high)),
            c.claimed.map_or_else(|| "–".to_owned(), numbers::plain),
        ]
    };
    let head = ["uplift.policy_who", "uplift.policy_value", "uplift.policy_band", "uplift.policy_claimed"];
    sheet(lang, &head, p.candidates.iter().enumerate().map(row).collect())
}

/// What each policy is worth on people who did not teach it, and what it was expected to be worth.
pub fn candidate_picture(r: &UpliftResult, p: &PolicyChoice, lang: Lang) -> Chart {
    let claims = p.candidates.iter().any(|c| c.claimed.is_some());
    let row = |(i, c): (usize, &Candidate)| {
        let mark = if i == p.recommended { "→ " } else { "" };
        let mut marks = vec![(c.value, c.low, c.high)];
        if claims {
            marks.push((c.claimed.unwrap_or(f64::NAN), f64::NAN, f64::NAN));
        }
        (format!("{mark}{}", candidate(c, lang)), marks)
    };
    let held = tr(lang, "studies.held_out").to_owned();
    let claimed = tr(lang, "studies.claimed").to_owned();
    let axis = if r.arms.iter().any(|a| a.earnings.is_some()) {
        tr(lang, "studies.profit_each").to_owned()
    } else {
        tr_with(lang, "studies.outcome_each", &[("outcome", &outcome(r, lang))])
    };
    Chart::Dots(Dots {
        axis,
        show: Show::Plain,
        series: if claims { vec![held, claimed] } else { vec![held] },
        rows: p.candidates.iter().enumerate().map(row).collect(),
    })
}

/// How well people were ranked, arm by arm: every figure by its name, with its interval where it has one.
pub fn rankings(r: &UpliftResult, lang: Lang) -> Sheet {
    let six = |x: f64| numbers::fixed(x, 5);
    let banded = |v: f64, low: f64, high: f64| format!("{} ({} … {})", six(v), six(low), six(high));
    let optional = |v: Option<f64>, ends: Option<[f64; 2]>| match (v, ends) {
        (Some(v), Some([low, high])) => banded(v, low, high),
        (v, _) => v.map_or_else(|| "–".to_owned(), six),
    };
    let change = |v: f64| if r.binary { numbers::points(v) } else { numbers::signed(v) };
    let line =
        |name: String, of: &dyn Fn(&ArmResult) -> String| -> Vec<String> { std::iter::once(name).chain(r.arms.iter().map(of)).collect() };
    let t = |key: &str| tr(lang, key).to_owned();
    let first = tr_with(lang, "uplift.row_at_k", &[("share", &numbers::percent(r.k))]);
    let rows = vec![
        line(t("studies.rank_qini"), &|a| optional(a.qini, a.qini_coefficient_ci)),
        line(t("uplift.row_qini_per_capita"), &|a| banded(a.qini_per_capita, a.qini_ci[0], a.qini_ci[1])),
        line(t("studies.rank_auuc"), &|a| optional(a.auuc, a.auuc_ci)),
        line(t("studies.rank_auuc_causalml"), &|a| optional(a.auuc_causalml, a.auuc_causalml_ci)),
        line(t("uplift.row_autoc"), &|a| banded(a.autoc.value, a.autoc.low, a.autoc.high)),
        line(first, &|a| format!("{} ({} … {})", change(a.uplift_at_k), change(a.uplift_at_k_ci[0]), change(a.uplift_at_k_ci[1]))),
        line(t("studies.rank_p"), &|a| format!("{} ({})", numbers::fixed(a.p_value, 4), numbers::fixed(a.p_adjusted, 4))),
    ];
    Sheet { head: std::iter::once(t("studies.rank_figure")).chain(r.arms.iter().map(|a| a.treatment.clone())).collect(), rows }
}

/// Each arm's effect on everybody and on those who were expected to respond most.
pub fn effects(r: &UpliftResult, lang: Lang) -> Chart {
    let row = |a: &ArmResult| {
        let all = (a.effect.value, a.effect.low, a.effect.high);
        (a.treatment.clone(), vec![all, (a.uplift_at_k, a.uplift_at_k_ci[0], a.uplift_at_k_ci[1])])
    };
    Chart::Dots(Dots {
        axis: tr(lang, if r.binary { "why.unit_points" } else { "why.unit_amount" }).to_owned(),
        show: if r.binary { Show::Points } else { Show::Signed },
        series: vec![
            tr(lang, "experiments.for_all").to_owned(),
            tr_with(lang, "experiments.for_first", &[("share", &numbers::percent(r.k))]),
        ],
        rows: r.arms.iter().map(row).collect(),
    })
}

/// Gain over the share of people contacted, best first, beside picking them at random.
pub fn gain(r: &UpliftResult, a: &ArmResult, lang: Lang) -> Chart {
    let gain = a.curve.iter().map(|p| Point { x: p.share, value: p.gain, band: Some((p.low, p.high)) }).collect();
    let random = a.curve.iter().map(|p| Point { x: p.share, value: p.random, band: None }).collect();
    let y = if r.binary { "studies.gain_points" } else { "studies.gain_each" };
    Chart::Lines(Lines {
        x_name: tr(lang, "experiments.gain_share").to_owned(),
        y_name: tr_with(lang, y, &[("outcome", &outcome(r, lang))]),
        x: Show::Percent,
        y: if r.binary { Show::Points } else { Show::Plain },
        curves: vec![
            Curve { name: tr(lang, "studies.by_effect").to_owned(), part: Part::Main, points: gain },
            Curve { name: tr(lang, "experiments.at_random").to_owned(), part: Part::Reference, points: random },
        ],
        ..Lines::default()
    })
}

/// A learner's name for people, and what it does.
pub fn learner(l: Learner) -> (&'static str, &'static str) {
    match l {
        Learner::S => ("studies.learner_s", "studies.learner_s_help"),
        Learner::SInteract => ("studies.learner_si", "studies.learner_si_help"),
        Learner::T => ("studies.learner_t", "studies.learner_t_help"),
        Learner::X => ("studies.learner_x", "studies.learner_x_help"),
        Learner::R => ("studies.learner_r", "studies.learner_r_help"),
        Learner::Dr => ("studies.learner_dr", "studies.learner_dr_help"),
        Learner::ClassTransform => ("studies.learner_ct", "studies.learner_ct_help"),
    }
}

/// The name of what stands behind a learner.
pub fn base(b: crate::strategy::causal::Base) -> &'static str {
    match b {
        crate::strategy::causal::Base::Logistic => "studies.base_line",
        crate::strategy::causal::Base::Gbdt => "studies.base_trees",
        crate::strategy::causal::Base::Dnn => "studies.base_network",
        crate::strategy::causal::Base::Transformer => "studies.base_transformer",
    }
}

/// The pictures of an uplift study, with the keys of their titles and their captions.
pub fn uplift_pictures(r: &UpliftResult, lang: Lang) -> Vec<(&'static str, String, Chart)> {
    let fields: [(&str, &dyn std::fmt::Display); 3] =
        [("control", &r.control), ("learner", &tr(lang, learner(r.learner).0)), ("base", &tr(lang, base(r.base)))];
    let mut out = vec![("experiments.uplift", tr_with(lang, "experiments.uplift_caption", &fields), effects(r, lang))];
    // The arm whose order says something, where there is one.
    if let Some(a) = r.arms.iter().find(|a| a.targetable).or(r.arms.first()) {
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("arm", &a.treatment), ("n", &numbers::count(a.n_test as i64)), ("p", &numbers::fixed(a.p_adjusted, 3))];
        out.push(("experiments.gain", tr_with(lang, "experiments.gain_caption", &fields), gain(r, a, lang)));
    }
    if let Some(p) = &r.policy {
        let [learned, valued] = p.rows.map(|n| numbers::count(n as i64));
        let caption = tr_with(lang, "studies.worth_caption", &[("learned", &learned), ("valued", &valued)]);
        out.push(("studies.worth", caption, candidate_picture(r, p, lang)));
    }
    out
}

/// One condition of a rule.
pub fn condition(c: &Condition, lang: Lang) -> String {
    let of = |key: &str, feature: &String, value: &str| tr_with(lang, key, &[("feature", feature), ("value", &value)]);
    match c {
        Condition::AtMost { feature, value } => of("uplift.rule_at_most", feature, &numbers::plain(*value)),
        Condition::Above { feature, value } => of("uplift.rule_above", feature, &numbers::plain(*value)),
        Condition::Is { feature, level } => of("uplift.rule_is", feature, level),
        Condition::IsNot { feature, level } => of("uplift.rule_is_not", feature, level),
    }
}
