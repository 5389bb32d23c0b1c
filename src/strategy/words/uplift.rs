//! Whom a treatment helps, in words and tables.

use super::{Sheet, sheet};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::uplift::policy::PolicyChoice;
use crate::strategy::uplift::tree::Condition;
use crate::strategy::uplift::{ArmResult, UpliftResult};

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
            ("outcome", &r.outcome),
            ("from", &level(a.mean_control)),
            ("to", &level(a.mean_treated)),
            ("effect", &change(a.effect.value)),
            ("low", &change(a.effect.low)),
            ("high", &change(a.effect.high)),
            ("n", &numbers::count(a.n as i64)),
        ],
    )
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
    let say = |r: &crate::strategy::uplift::policy::Rule| {
        let all: Vec<String> = r.conditions.iter().map(|c| condition(c, lang)).collect();
        let who = if all.is_empty() { tr(lang, "uplift.rule_everybody").to_owned() } else { all.join(tr(lang, "uplift.rule_and")) };
        let gain = r.gain.map(numbers::plain);
        let gain = format!("{} [{} … {}]", gain[0], gain[1], gain[2]);
        tr_with(lang, "uplift.rule", &[("who", &who), ("arm", &r.arm), ("share", &numbers::percent(r.share)), ("gain", &gain)])
    };
    p.rules.iter().map(say).collect()
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
