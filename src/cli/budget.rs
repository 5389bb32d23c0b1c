//! `whybench budget` and `whybench curves`: share out a budget, and find the curves to do it by.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::args::{Asking, Output};
use super::commands::{Said, reported, table, to_value};
use crate::base::{Fault, JobCtx, Lang, Result, file, numbers, tr_with};
use crate::data::read;
use crate::fault;
use crate::strategy::budget::fit::{self, Options, Series};
use crate::strategy::budget::{Budget, allocate};

/// `whybench budget`.
#[derive(Debug, Args)]
pub struct Shared {
    /// Plan: budget or target, channels with their curves, floors, caps, conditions
    pub plan: PathBuf,
    /// Instead of the plan's budget
    #[arg(long)]
    pub budget: Option<f64>,
    #[command(flatten)]
    pub output: Output,
}

/// `whybench curves`.
#[derive(Debug, Args)]
pub struct Curves {
    /// Data file, one row a week in the order of time
    pub data: PathBuf,
    /// Column of the response
    #[arg(long, value_name = "COL")]
    pub response: String,
    /// Columns of spending, one a channel
    #[arg(long, value_name = "COLS", value_delimiter = ',', required = true)]
    pub spend: Vec<String>,
    /// Columns of other causes, such as events
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub controls: Vec<String>,
    /// Rows in a year, for the season; 0 for none
    #[arg(long, default_value_t = 52.18)]
    pub year: f64,
    /// Rows that spending echoes at most; 1 for no echo
    #[arg(long, default_value_t = 8)]
    pub lags: usize,
    /// No straight trend
    #[arg(long)]
    pub no_trend: bool,
    /// Replicates of the bootstrap
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub replicates: u32,
    /// Where a budget plan with these curves goes
    #[arg(long, value_name = "PLAN.toml")]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub asking: Asking,
}

/// Executes `budget`.
pub(super) fn budget(e: &Shared, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let text = std::fs::read_to_string(&e.plan).map_err(|x| Fault::io(&e.plan, &x))?;
    let mut plan = Budget::read(&text)?;
    plan.budget = e.budget.or(plan.budget);
    let found = allocate(&plan, ctx)?;
    let mut value = to_value(&found)?;
    // The bootstrap's curves are long, and stand in the plan already.
    if let Some(channels) = value.pointer_mut("/plan/channel").and_then(Value::as_array_mut) {
        channels.iter_mut().filter_map(Value::as_object_mut).for_each(|c| drop(c.remove("draws")));
    }
    if let Some(map) = value.as_object_mut() {
        let binding = found.binding.iter().map(|b| serde_json::json!({ "what": b.what.say(lang), "shadow_price": b.shadow_price }));
        map.insert("binding".to_owned(), binding.collect());
    }
    let band = |b: Option<(f64, f64)>| b.map_or_else(String::new, |(l, h)| format!("({} … {})", numbers::plain(l), numbers::plain(h)));
    let line = |s: &crate::strategy::budget::allocate::Share| {
        vec![s.name.clone(), numbers::plain(s.spend), band(s.spend_band), numbers::plain(s.response), numbers::plain(s.marginal)]
    };
    let mut text = table(&found.shares.iter().map(line).collect::<Vec<_>>());
    for b in &found.binding {
        let fields: [(&str, &dyn std::fmt::Display); 2] = [("limit", &b.what.say(lang)), ("price", &numbers::signed(b.shadow_price))];
        text += &format!("{}\n", tr_with(lang, b.key(), &fields));
    }
    text += &format!("= {} → {} {}", numbers::plain(found.spend), numbers::plain(found.response), band(found.response_band));
    reported(&e.output, value, &found.warnings, &text, lang)
}

/// Executes `curves`.
pub(super) fn curves(e: &Curves, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let loaded = read::open(&e.data, &e.asking.reading.options(), ctx)?;
    let asked = fit::Asked {
        response: e.response.clone(),
        spend: e.spend.clone(),
        controls: e.controls.clone(),
        year: Some(e.year),
        options: Options { lags: e.lags, trend: !e.no_trend, replicates: e.replicates, seed: e.asking.seed, ..Options::default() },
    };
    let series = Series::of(&loaded.table, &asked, &loaded.fingerprint)?;
    let found = fit::fit(&series, &asked.options, ctx)?;
    if let Some(path) = &e.plan {
        let plan = toml::to_string(&fit::plan(&found, &series)).map_err(|x| fault!("budget.unreadable", reason = x.to_string()))?;
        file::write_atomic(path, plan.as_bytes())?;
    }
    let mut value = to_value(&found)?;
    if let Some(channels) = value.pointer_mut("/channels").and_then(Value::as_array_mut) {
        channels.iter_mut().filter_map(Value::as_object_mut).for_each(|c| drop(c.remove("draws")));
    }
    let band = |b: &fit::Banded| format!("{} ({} … {})", numbers::plain(b.value), numbers::plain(b.low), numbers::plain(b.high));
    let line = |c: &fit::Found| vec![c.name.clone(), band(&c.carry), band(&c.lambda), band(&c.beta)];
    let text = table(&found.channels.iter().map(line).collect::<Vec<_>>());
    reported(&e.asking.output, value, &found.warnings, &text, lang)
}
