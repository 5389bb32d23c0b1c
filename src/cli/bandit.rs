//! `whybench bandit`: ways of choosing what to show, tried on people simulated from a log.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::args::Reading;
use super::commands::{Said, said, table, text_or_json, to_value};
use crate::base::{JobCtx, Lang, Result, numbers, tr};
use crate::data::read;
use crate::fault;
use crate::ml::ModelKind;
use crate::session::run;
use crate::strategy::bandit::{Asked, Policy, Settings, run as try_out};
use crate::strategy::words;

/// `whybench bandit`.
#[derive(Debug, Args)]
pub struct Bandit {
    /// Log of what was shown and what came of it
    pub data: PathBuf,
    /// Column of what was shown
    #[arg(long, value_name = "COL")]
    pub action: String,
    /// Column that says whether it was rewarded
    #[arg(long, value_name = "COL")]
    pub reward: String,
    /// What was known of the person
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub context: Vec<String>,
    /// Who it was shown to: with --time, people of the simulation come back or stay away
    #[arg(long, value_name = "COL", requires = "time")]
    pub user: Option<String>,
    /// When it was shown
    #[arg(long, value_name = "COL", requires = "user")]
    pub time: Option<String>,
    /// Days for which people are followed after their first visit
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub days: u32,
    /// Policies, all if absent: uniform, explore-then-commit, epsilon-greedy, ucb, thompson, lin-ucb, lin-thompson,
    /// neural-linear (the dearest)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub policies: Vec<String>,
    /// People shown something, one after the other
    #[arg(long, default_value_t = 10_000)]
    pub rounds: usize,
    /// Runs in each model of the ensemble
    #[arg(long, default_value_t = 4)]
    pub seeds: u64,
    /// Models in the ensemble
    #[arg(long, default_value_t = 5)]
    pub ensemble: usize,
    /// Kind of the models: gbdt or logistic
    #[arg(long, default_value = "gbdt", value_parser = super::args::model_kind)]
    pub base: ModelKind,
    /// Share by which a reward becomes less likely each time a person sees the same again
    #[arg(long, default_value_t = 0.0)]
    pub fatigue: f64,
    /// Drift of the chances over the whole run, in log-odds
    #[arg(long, default_value_t = 0.0)]
    pub drift: f64,
    /// Chance that a person leaves for good after a visit without reward
    #[arg(long, default_value_t = 0.0)]
    pub leaving: f64,
    /// Seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the result goes
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Executes it.
pub(super) fn bandit(e: &Bandit, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let named = |name: &String| {
        Policy::ALL
            .into_iter()
            .find(|p| p.name() == *name)
            .ok_or_else(|| fault!("cli.no_such_policy", policy = name, policies = Policy::ALL.map(Policy::name).join(", ")))
    };
    let policies: Vec<Policy> = e.policies.iter().map(named).collect::<Result<_>>()?;
    let asked = Asked {
        action: e.action.clone(),
        reward: e.reward.clone(),
        context: e.context.clone(),
        user: e.user.clone(),
        time: e.time.clone(),
        ensemble: e.ensemble,
        base: e.base,
        seed: e.seed,
    };
    let settings = Settings {
        rounds: e.rounds,
        seeds: e.seeds,
        policies: if policies.is_empty() { Policy::ALL.to_vec() } else { policies },
        fatigue: e.fatigue,
        drift: e.drift,
        leaving: e.leaving,
        horizon: e.days,
    };
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let found = try_out(&loaded.table, &asked, &settings, &loaded.fingerprint, ctx)?;
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("reason".to_owned(), Value::from(found.reason.say(lang)));
        map.insert("warnings".to_owned(), Value::from(said(&found.warnings, lang)));
    }
    if let Some(out) = &e.out {
        run::write_json(out, &value)?;
    }
    if let Some(refused) = &found.refused {
        return Ok(text_or_json(e.json, value, &found.warnings, &refused.say(lang)));
    }
    let band = |s: &crate::strategy::bandit::run::Spread, show: fn(f64) -> String| {
        format!("{} ({} … {})", show(s.mean), show(s.low), show(s.high))
    };
    let line = |o: &crate::strategy::bandit::Outcome| {
        vec![
            tr(lang, o.policy.key()).to_owned(),
            band(&o.reward, numbers::percent),
            band(&o.lift, numbers::points),
            band(&o.regret, numbers::plain),
        ]
    };
    let mut text = table(&found.outcomes.iter().map(line).collect::<Vec<_>>());
    if let Some(stayed) = words::stayed(&found, lang) {
        let sheet = words::stays(&found, lang);
        let lines: Vec<Vec<String>> = std::iter::once(sheet.head).chain(sheet.rows).collect();
        text = format!("{text}{}{stayed}\n", table(&lines));
    }
    Ok(text_or_json(e.json, value, &found.warnings, &format!("{text}C: {}", found.reason.say(lang))))
}
