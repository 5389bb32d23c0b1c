//! `whybench uplift`: a test of treatments, read from a file.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::args::Asking;
use super::commands::{Said, reported, table, to_value};
use crate::base::{JobCtx, Lang, Notice, Result, numbers, tr, tr_with};
use crate::data::{Split, read};
use crate::strategy::News;
use crate::strategy::causal::{Ask, Base, Light, Study};
use crate::strategy::uplift::policy::PolicyChoice;
use crate::strategy::uplift::{self, Learner, Money, Options, UpliftResult};
use crate::strategy::words;
use crate::{fault, note};

/// `whybench uplift`.
#[derive(Debug, Args)]
pub struct Uplift {
    /// Data file: one row per person of the test
    pub data: PathBuf,
    /// Column that says what was done to a person
    #[arg(long, value_name = "COL")]
    pub treatment: String,
    /// Column that says what came of it: yes/no or an amount
    #[arg(long, value_name = "COL")]
    pub outcome: String,
    /// Whether more of it is better; of bad news, such as churn, the opposite is read, so that the advice points at less of it
    #[arg(long, value_name = "good|bad", value_parser = news, default_value = "good")]
    pub outcome_is: News,
    /// Value of the treatment column that means nothing was done; every other value is compared with it
    #[arg(long, value_name = "VALUE")]
    pub control: String,
    /// Value of the outcome that counts as yes
    #[arg(long, value_name = "VALUE")]
    pub positive: Option<String>,
    /// How effects of persons are learned
    #[arg(long, value_parser = learner, value_name = "s|s-interact|t|x|r|dr|class-transform", default_value = "t")]
    pub learner: Learner,
    /// What stands behind the learner. A line reads a category of k levels as k − 1 columns and z-scores every column
    #[arg(long, value_parser = base, value_name = "logistic|gbdt", default_value = "logistic")]
    pub base: Base,
    /// Columns that may tell people apart; only what was known before the treatment
    #[arg(long, value_name = "COLS", value_delimiter = ',', conflicts_with = "ignore")]
    pub features: Vec<String>,
    /// Columns that must not: everything else that looks like a feature may
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Number columns that are codes
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// Confounders: columns that decided who was treated, to be adjusted for
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub adjust: Vec<String>,
    /// Columns that the treatment cannot have changed, to be tried in place of the outcome
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub negative_control: Vec<String>,
    /// Planned sizes of the arms, such as "mail=2,none=1"; equal sizes, or the nearest plain split, if absent
    #[arg(long, value_name = "ARM=SIZE,…", value_delimiter = ',', value_parser = ratio)]
    pub ratio: Vec<(String, f64)>,
    /// Columns with the moments of treatment and outcome; an outcome before its treatment is refused
    #[arg(long, value_name = "COL,COL", value_delimiter = ',', num_args = 1)]
    pub times: Vec<String>,
    /// Only rows that meet a condition
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// Show effects apart for every value of these columns
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub by: Vec<String>,
    /// random:F, time:COL, column:COL, group:COL,F or modulo:K,A
    #[arg(long, default_value = "random:0.3")]
    pub split: String,
    /// Share of people at which uplift is shown
    #[arg(long, default_value_t = 0.3)]
    pub k: f64,
    /// Bootstrap replicates of the intervals
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub replicates: u32,
    /// Shuffles of the permutation test
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub shuffles: u32,
    /// Most questions in a row of the policy tree; 0 leaves the policy out
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3))]
    pub depth: u32,
    /// Earned per conversion, or per unit of an amount
    #[arg(long, value_name = "MONEY")]
    pub value_per_conversion: Option<f64>,
    /// Spent per person contacted
    #[arg(long, value_name = "MONEY")]
    pub cost_per_contact: Option<f64>,
    /// Spent per person contacted by single arms, such as "mail=0.5,call=4"; what --cost-per-contact says for the others
    #[arg(long, value_name = "ARM=MONEY,…", value_delimiter = ',', value_parser = ratio)]
    pub arm_costs: Vec<(String, f64)>,
    /// Spent per conversion
    #[arg(long, value_name = "MONEY")]
    pub cost_per_conversion: Option<f64>,
    #[command(flatten)]
    pub asking: Asking,
}

fn learner(s: &str) -> std::result::Result<Learner, String> {
    Learner::ALL.into_iter().find(|l| l.name() == s).ok_or_else(|| Learner::ALL.map(Learner::name).join(", "))
}

fn news(s: &str) -> std::result::Result<News, String> {
    match s {
        "good" => Ok(News::Good),
        "bad" => Ok(News::Bad),
        _ => Err("good or bad".to_owned()),
    }
}

fn base(s: &str) -> std::result::Result<Base, String> {
    [Base::Logistic, Base::Gbdt].into_iter().find(|b| b.name() == s).ok_or_else(|| "logistic or gbdt".to_owned())
}

fn ratio(s: &str) -> std::result::Result<(String, f64), String> {
    let bad = || "an arm and its size, such as mail=2".to_owned();
    let (arm, size) = s.rsplit_once('=').ok_or_else(bad)?;
    Ok((arm.trim().to_owned(), size.trim().parse().map_err(|_| bad())?))
}

/// Does it.
pub(super) fn uplift(u: &Uplift, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let money = money(u)?;
    let split = Split::parse(&u.split)?;
    let times = match u.times.as_slice() {
        [] => None,
        [a, b] => Some((a.clone(), b.clone())),
        _ => return Err(fault!("uplift.two_times")),
    };
    let loaded = read::open(&u.data, &u.asking.reading.options(), ctx)?;
    let ask = Ask {
        treatment: u.treatment.clone(),
        outcome: u.outcome.clone(),
        control: u.control.clone(),
        positive: u.positive.clone(),
        news: u.outcome_is,
        features: (!u.features.is_empty()).then(|| u.features.clone()),
        ignore: u.ignore.clone(),
        categorical: u.categorical.clone(),
        adjust: u.adjust.clone(),
        negative: u.negative_control.clone(),
        filter: u.filter.clone(),
        split: Some(split.clone()),
        seed: u.asking.seed,
        ratio: u.ratio.clone(),
        times,
    };
    let study = Study::of(&loaded.table, &ask)?;
    if u.cost_per_contact.is_none()
        && !u.arm_costs.is_empty()
        && let Some(arm) = study.arms[1..].iter().find(|a| u.arm_costs.iter().all(|c| c.0 != **a))
    {
        return Err(fault!("uplift.cost_of_arm", arm = arm));
    }
    let options = Options {
        learner: u.learner,
        base: u.base,
        k: u.k,
        seed: u.asking.seed,
        replicates: u.replicates,
        shuffles: u.shuffles,
        money,
        contacts: u.arm_costs.iter().cloned().collect(),
        depth: u.depth as usize,
        by: u.by.clone(),
    };
    let mut result = uplift::analyse(&study, &options, ctx)?;
    if let Some(filter) = &u.filter {
        result.assumptions.push(note!("uplift.only_rows", condition = filter));
    }
    let mut warnings = loaded.warnings.clone();
    warnings.extend(result.warnings.iter().cloned());
    if u.outcome_is.is_good() && !News::of_words(&u.outcome, u.positive.as_deref().unwrap_or_default()).is_good() {
        warnings.push(note!("uplift.sounds_bad", outcome = &u.outcome));
    }
    let mut value = to_value(&result)?;
    spoken(&mut value, lang);
    if let Some(map) = value.as_object_mut() {
        map.insert("data".to_owned(), to_value(&loaded.fingerprint)?);
        map.insert("split".to_owned(), Value::from(split.spell()));
    }
    reported(&u.asking.output, value, &warnings, &text(&result, lang), lang)
}

fn money(u: &Uplift) -> Result<Option<Money>> {
    let given = [
        ("value-per-conversion", u.value_per_conversion),
        ("cost-per-contact", u.cost_per_contact),
        ("cost-per-conversion", u.cost_per_conversion),
    ];
    for (name, amount) in given {
        if let Some(a) = amount
            && !(a.is_finite() && a >= 0.0)
        {
            return Err(fault!("uplift.bad_money", name = name, amount = a));
        }
    }
    match (u.value_per_conversion, u.cost_per_contact, u.cost_per_conversion) {
        (None, None, None) if u.arm_costs.is_empty() => Ok(None),
        (None, ..) => Err(fault!("uplift.value_missing")),
        (Some(value), Some(contact), conversion) => Ok(Some(Money { value, contact, conversion: conversion.unwrap_or(0.0) })),
        // Whether every arm has a cost is seen once the arms are read; none is nothing.
        (Some(value), None, conversion) if !u.arm_costs.is_empty() => {
            Ok(Some(Money { value, contact: 0.0, conversion: conversion.unwrap_or(0.0) }))
        }
        (Some(_), None, _) => Err(fault!("uplift.cost_missing")),
    }
}

/// Puts the sentence beside every code, so that a reader of the JSON needs no catalogue.
fn spoken(value: &mut Value, lang: Lang) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|v| spoken(v, lang)),
        Value::Object(map) => {
            map.values_mut().for_each(|v| spoken(v, lang));
            let notice: Option<Notice> =
                map.contains_key("code").then(|| serde_json::from_value(Value::Object(map.clone())).ok()).flatten();
            if let Some(notice) = notice {
                map.insert("text".to_owned(), Value::from(notice.say(lang)));
            }
        }
        _ => {}
    }
}

fn text(r: &UpliftResult, lang: Lang) -> String {
    let t = |key: &str| tr(lang, key).to_owned();
    let number = |x: f64| if r.binary { numbers::points(x) } else { numbers::plain(x) };
    let range = |[a, b]: [f64; 2]| format!("[{} … {}]", number(a), number(b));
    let six = |x: f64| numbers::fixed(x, 6);
    let mut out = String::new();
    for a in &r.arms {
        out += &tr_with(
            lang,
            "uplift.head",
            &[
                ("treatment", &a.treatment),
                ("control", &r.control),
                ("outcome", &words::outcome(r, lang)),
                ("n", &numbers::count(a.n as i64)),
            ],
        );
        out += "\n";
        let optional = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| numbers::fixed(x, 5));
        let rows = vec![
            vec![t("uplift.row_grade"), format!("{:?}  {}", a.grade, a.reason.say(lang))],
            vec![t("uplift.row_ate"), format!("{} {}  ({} ± {})", number(a.ate), range(a.ci), six(a.ate), six(a.se))],
            vec![
                t("uplift.row_aipw"),
                format!("{} {}  ({} ± {})", number(a.aipw.value), range([a.aipw.low, a.aipw.high]), six(a.aipw.value), six(a.aipw.se)),
            ],
            vec![t("uplift.row_qini"), format!("{} / {} / {}", optional(a.qini), optional(a.auuc), optional(a.auuc_causalml))],
            vec![
                t("uplift.row_qini_per_capita"),
                format!("{} [{} … {}]  p {}", six(a.qini_per_capita), six(a.qini_ci[0]), six(a.qini_ci[1]), numbers::fixed(a.p_value, 4)),
            ],
            vec![t("uplift.row_autoc"), format!("{} [{} … {}]", six(a.autoc.value), six(a.autoc.low), six(a.autoc.high))],
            vec![
                tr_with(lang, "uplift.row_at_k", &[("share", &numbers::percent(r.k))]),
                format!("{} {}  ({})", number(a.uplift_at_k), range(a.uplift_at_k_ci), numbers::fixed(a.uplift_at_k, 5)),
            ],
            vec![t("uplift.row_targetable"), a.verdict.say(lang)],
        ];
        out += &side_by_side(&rows);
        for g in &a.groups {
            let d = &g.difference;
            out += &format!(
                "  {} = {}: {} {}  p {}\n",
                g.column,
                g.value,
                number(d.ate),
                range([d.low, d.high]),
                numbers::plain(g.p_adjusted)
            );
        }
        if let Some(e) = &a.earnings {
            out += &format!("  {}\n", e.advice.say(lang));
        }
        for c in &a.checks {
            let mark = match c.status {
                Light::Ok => "✓",
                Light::Warn => "!",
                Light::Bad => "✗",
            };
            out += &format!("  {mark} {}\n", c.sentence.say(lang));
        }
        out += "\n";
    }
    if let Some(p) = &r.policy {
        out += &policy(p, lang);
    }
    for d in &r.definitions {
        out += &format!("· {}\n", d.say(lang));
    }
    for a in &r.assumptions {
        out += &format!("· {}\n", a.say(lang));
    }
    out.trim_end().to_owned()
}

fn side_by_side(rows: &[Vec<String>]) -> String {
    let width = rows.iter().map(|r| r[0].chars().count()).max().unwrap_or(0);
    rows.iter().map(|r| format!("  {:<width$}  {}\n", r[0], r[1])).collect()
}

/// A policy in words.
fn policy(p: &PolicyChoice, lang: Lang) -> String {
    let t = |key: &str| tr(lang, key).to_owned();
    let mut out = t("uplift.policy_head") + "\n";
    let sheet = words::candidates(p, lang);
    let rows: Vec<Vec<String>> = std::iter::once(sheet.head).chain(sheet.rows).collect();
    out += &table(&rows);
    out += &format!("{}\n{}\n{}\n", p.reason.say(lang), p.claim.say(lang), t("uplift.policy_rules"));
    for rule in words::rules(p, lang) {
        out += &format!("  {rule}\n");
    }
    out + "\n"
}
