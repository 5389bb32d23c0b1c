//! `whybench customers`: what customers are still worth.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::Asking;
use super::commands::{Said, reported, table, to_value};
use crate::base::{JobCtx, Lang, Notice, Result, clock, numbers, tr};
use crate::data::read;
use crate::data::write::{Out, TableWriter};
use crate::fault;
use crate::strategy::customers::{self, Customers as Read, Settings, Unit, Valuation, summary};
use crate::strategy::words;

/// `whybench customers`.
#[derive(Debug, Args)]
pub struct Customers {
    /// Log of purchases, or with --summary one line per customer
    pub data: PathBuf,
    /// Column that says who
    #[arg(long, value_name = "COL", required_unless_present = "summary")]
    pub id: Option<String>,
    /// Column that says when
    #[arg(long, value_name = "COL", required_unless_present = "summary")]
    pub date: Option<String>,
    /// Column that says how much
    #[arg(long, value_name = "COL", conflicts_with = "summary")]
    pub amount: Option<String>,
    /// The file holds repeat purchases, time of the last one, and age of each customer (and perhaps the average spend):
    /// columns frequency, recency and T, or those named
    #[arg(long, value_name = "X,TX,T[,SPEND]", num_args = 0..=1, default_missing_value = "frequency,recency,T", conflicts_with = "date")]
    pub summary: Option<String>,
    /// Last day that the models see, as 1997-09-30; what comes after it is compared with what they expect
    #[arg(long, value_name = "DATE", conflicts_with = "summary")]
    pub until: Option<String>,
    /// Unit of time
    #[arg(long, value_enum, default_value = "week")]
    pub unit: UnitArg,
    /// How far ahead, in units; a year if absent
    #[arg(long, value_name = "N")]
    pub horizon: Option<f64>,
    /// Discount a year; 0.1 takes a tenth off money of next year
    #[arg(long, default_value_t = 0.1)]
    pub discount: f64,
    /// Share of spend that is earned
    #[arg(long, default_value_t = 1.0)]
    pub margin: f64,
    /// Round average spends half up to so many decimals, as published summaries do
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=9))]
    pub decimals: Option<u32>,
    /// Where one line per customer goes
    #[arg(long, value_name = "FILE.parquet")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub asking: Asking,
}

/// `--unit`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UnitArg {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// A twelfth of a year.
    Month,
}

pub(super) fn customers(c: &Customers, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let loaded = read::open(&c.data, &c.asking.reading.options(), ctx)?;
    let unit = match c.unit {
        UnitArg::Day => Unit::Day,
        UnitArg::Week => Unit::Week,
        UnitArg::Month => Unit::Month,
    };
    let customers = match (&c.summary, &c.id, &c.date) {
        (Some(columns), id, _) => {
            let columns: Vec<String> = columns.split(',').map(|c| c.trim().to_owned()).collect();
            summary::from_summary(&loaded.table, &columns, id.as_deref())?
        }
        (None, Some(id), Some(date)) => {
            let until = c.until.as_deref().map(summary::day).transpose()?;
            // A day's grace: it may be tomorrow where the log was written.
            let today = summary::day(&clock::today()).unwrap_or(i64::MAX - 1) + 1;
            let amount = c.amount.as_deref();
            summary::from_log(&loaded.table, &summary::Columns { id, date, amount, until, today, unit, decimals: c.decimals })?
        }
        _ => return Err(fault!("value.summary_columns", given = "")),
    };
    let horizon = c.horizon.unwrap_or_else(|| unit.per_year().round());
    let settings = Settings { unit, horizon, discount: c.discount, margin: c.margin, seed: c.asking.seed, ..Settings::default() };
    let result = customers::value(&customers, &loaded.fingerprint, &settings, ctx)?;
    if let Some(path) = &c.predictions {
        write(path, &customers, &result)?;
    }
    let warnings: Vec<Notice> = loaded.warnings.iter().chain(&result.warnings).cloned().collect();
    reported(&c.asking.output, to_value(&result)?, &warnings, &text(&result, lang), lang)
}

fn write(path: &Path, customers: &Read, result: &Valuation) -> Result<()> {
    let mut writer = TableWriter::create(path)?;
    let list = &customers.list;
    writer.append(vec![
        ("customer", Out::Text(customers.names.clone())),
        ("frequency", Out::F64(list.iter().map(|c| c.frequency).collect())),
        ("recency", Out::F64(list.iter().map(|c| c.recency).collect())),
        ("age", Out::F64(list.iter().map(|c| c.age).collect())),
        ("spend", Out::OptF64(list.iter().map(|c| c.spend).collect())),
        ("segment", Out::Text(result.each.iter().map(|e| e.1.to_owned()).collect())),
        ("alive", Out::OptF64(result.each.iter().map(|e| e.2.alive).collect())),
        ("expected_purchases", Out::F64(result.each.iter().map(|e| e.2.purchases).collect())),
        ("expected_spend", Out::OptF64(result.each.iter().map(|e| e.2.spend).collect())),
        ("value", Out::OptF64(result.each.iter().map(|e| e.2.value).collect())),
    ])?;
    writer.finish()
}

fn text(v: &Valuation, lang: Lang) -> String {
    let word = |key: &str| tr(lang, key).to_owned();
    let of = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), numbers::plain);
    let share = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), numbers::percent);
    let head = ["value.segment", "value.customers", "value.repeats", "value.alive", "value.purchases", "value.worth"];
    let mut rows = vec![head.map(word).to_vec()];
    for s in &v.segments {
        rows.push(vec![
            words::segment(s.segment, lang).to_owned(),
            numbers::count(s.customers as i64),
            numbers::fixed(s.frequency, 2),
            share(s.alive),
            numbers::fixed(s.purchases, 1),
            of(s.value),
        ]);
    }
    let band = |b: &customers::Band| match (b.low, b.high) {
        (Some(low), Some(high)) => format!("{} [{} … {}]", numbers::plain(b.value), numbers::plain(low), numbers::plain(high)),
        _ => numbers::plain(b.value),
    };
    let all = vec![
        word("value.all"),
        numbers::count(v.customers as i64),
        String::new(),
        share(v.alive),
        band(&v.purchases),
        v.value.as_ref().map_or_else(|| "–".to_owned(), band),
    ];
    rows.push(all);
    let mut text = table(&rows);
    let b = &v.bg_nbd;
    let f = |x: f64| numbers::fixed(x, 5);
    text += &format!("BG/NBD: r {}, α {}, a {}, b {}, ln L {}\n", f(b.r), f(b.alpha), f(b.a), f(b.b), numbers::fixed(b.log_likelihood, 4));
    if let Some(g) = &v.gamma_gamma {
        let f = |x: f64| numbers::fixed(x, 4);
        text += &format!("Gamma-Gamma: p {}, q {}, v {}, ln L {}, ", f(g.p), f(g.q), f(g.v), numbers::fixed(g.log_likelihood, 3));
        text += &format!("{} {}\n", tr(lang, "value.mean_spend"), of(g.mean_spend));
    }
    if let Some(c) = &v.check {
        let line = crate::note!(
            "value.check_line",
            time = numbers::plain(c.time),
            actual = numbers::fixed(c.actual, 0),
            expected = numbers::fixed(c.expected, 1)
        );
        text += &format!("{}\n", line.say(lang));
    }
    if let Some(s) = v.retention.second_purchase.last() {
        let line = crate::note!(
            "value.return_line",
            days = s.days,
            share = numbers::percent(s.returned),
            low = numbers::percent(s.low),
            high = numbers::percent(s.high)
        );
        text += &format!("{}\n", line.say(lang));
    }
    for m in &v.methods {
        text += &format!("{}\n", m.say(lang));
    }
    text
}
