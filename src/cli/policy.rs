//! `whybench policy`: what another policy would have earned on a log.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::Asking;
use super::commands::{Said, reported, table, to_value};
use crate::base::{JobCtx, Lang, Notice, Result, numbers, tr};
use crate::data::read;
use crate::ml::ModelKind;
use crate::strategy::policy::{self, Columns, Estimate, Log, Settings, Wanted, estimators, mapping};
use crate::strategy::words;
use crate::{fault, note};

/// Actions shown as text.
const SHOWN: usize = 5;

/// `whybench policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// Log: one row per decision
    pub data: PathBuf,
    /// Column of what was shown; proposed if absent
    #[arg(long, value_name = "COL")]
    pub action: Option<String>,
    /// Column of what came of it; proposed if absent
    #[arg(long, value_name = "COL")]
    pub reward: Option<String>,
    /// Column of the probability with which the action was chosen; estimated if absent
    #[arg(long, value_name = "COL")]
    pub propensity: Option<String>,
    /// Column of the place where it was shown
    #[arg(long, value_name = "COL")]
    pub position: Option<String>,
    /// Columns of what was known when it was chosen
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub context: Vec<String>,
    /// uniform; always:ACTION; best, the action that trees expect most of in each context, learned on one half of the log and
    /// valued on the other; a file: action and probability (with further columns of the log, or with row), or one column per action; or a
    /// .whymodel, which takes the action that it expects most of
    #[arg(long, default_value = "uniform", value_name = "uniform|always:ACTION|best|FILE")]
    pub target: String,
    /// Cut larger weights down to W
    #[arg(long, value_name = "W")]
    pub clip: Option<f64>,
    /// Reward model: logistic (linear for amounts) or gbdt
    #[arg(long, default_value = "logistic", value_parser = kind)]
    pub model: ModelKind,
    #[command(flatten)]
    pub asking: Asking,
}

fn kind(s: &str) -> std::result::Result<ModelKind, String> {
    match s {
        "logistic" => Ok(ModelKind::Logistic),
        "gbdt" => Ok(ModelKind::Gbdt),
        _ => Err("logistic or gbdt".to_owned()),
    }
}

/// The columns as named, completed by what their names and contents propose.
fn columns(p: &Policy, proposed: &policy::Mapping) -> Result<(Columns, Vec<Notice>)> {
    let named = Columns {
        action: p.action.clone().unwrap_or_default(),
        reward: p.reward.clone().unwrap_or_default(),
        propensity: p.propensity.clone(),
        position: p.position.clone(),
        context: p.context.clone(),
    };
    let nothing = named == Columns::default();
    let mut columns = proposed.fill(named);
    if nothing {
        columns = proposed.columns();
    }
    let mut warnings = Vec::new();
    for (given, name, flag) in [(&p.action, &columns.action, "--action"), (&p.reward, &columns.reward, "--reward")] {
        if name.is_empty() {
            return Err(fault!("policy.no_proposal", flag = flag));
        }
        if given.is_none() {
            warnings.push(note!("policy.proposed", column = name, flag = flag));
        }
    }
    match (&p.propensity, &columns.propensity, &proposed.propensity) {
        (None, Some(name), _) => warnings.push(note!("policy.proposed", column = name, flag = "--propensity")),
        (None, None, Some(other)) => warnings.push(note!("policy.propensity_there", column = &other.column)),
        _ => {}
    }
    Ok((columns, warnings))
}

pub(super) fn policy(p: &Policy, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let loaded = read::open(&p.data, &p.asking.reading.options(), ctx)?;
    let proposed = mapping::propose(&loaded.table);
    let (columns, mut warnings) = columns(p, &proposed)?;
    warnings.splice(0..0, loaded.warnings.iter().cloned());
    let log = Log::read(&loaded.table, &columns, &loaded.fingerprint)?;
    let settings = Settings { clip: p.clip, model: p.model, seed: p.asking.seed, ..Settings::default() };
    let result = Wanted::parse(&p.target).value(&log, &loaded, &settings, ctx)?;
    answer(p, &result, (&proposed, warnings), lang)
}

/// The value, as text or JSON, with what was proposed and warned of on the way.
fn answer(p: &Policy, result: &policy::PolicyValue, (proposed, mut warnings): (&policy::Mapping, Vec<Notice>), lang: Lang) -> Result<Said> {
    warnings.extend(result.warnings.iter().cloned());
    let mut value = to_value(result)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("reason_text".to_owned(), json!(result.reason.say(lang)));
        map.insert("proposed".to_owned(), to_value(proposed)?);
    }
    reported(&p.asking.output, value, &warnings, &text(result, lang), lang)
}

fn text(result: &policy::PolicyValue, lang: Lang) -> String {
    let word = |key: &str| tr(lang, key).to_owned();
    let mut rows = vec![["policy.method", "policy.value", "policy.error", "policy.interval"].map(word).to_vec()];
    let show = |e: &Estimate| {
        let of = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), numbers::plain);
        let interval = e.ci.map_or_else(|| "–".to_owned(), |(a, b)| format!("{} … {}", numbers::plain(a), numbers::plain(b)));
        [of(e.value), of(e.se), interval]
    };
    let mut line = |name: String, e: &Estimate| rows.push([vec![name], show(e).to_vec()].concat());
    line(word("policy.log_itself"), &result.logged);
    for name in estimators::METHODS {
        if let Some(e) = result.estimators.get(name) {
            line(words::method(name).to_owned(), e);
        }
    }
    let mut text = table(&rows);
    text += &format!("{}: {:?}. {}\n", tr(lang, "cli.grade"), result.grade, result.reason.say(lang));
    let weights = note!(
        "policy.weights",
        ess = numbers::fixed(result.ess, 1),
        rows = result.rows,
        max = numbers::plain(result.max_weight),
        mean = numbers::fixed(result.mean_weight, 3)
    );
    text += &format!("{}\n", weights.say(lang));
    for a in result.support.actions.iter().filter(|a| a.known != policy::support::Known::Enough).take(SHOWN) {
        let line = note!("policy.action_line", action = &a.action, rows = a.rows, target = numbers::percent(a.target));
        text += &format!("{}\n", line.say(lang));
    }
    for (name, e) in &result.estimators {
        if let (Some(why), false) = (&e.refused, result.refused) {
            text += &format!("{}: {}\n", words::method(name), why.say(lang));
        }
    }
    text + &result.methods.first().map_or_else(String::new, |m| m.say(lang))
}
