//! What is a customer still worth? Segments, purchases to come, spend, value over a horizon, and who comes back.
//!
//! - [`summary`] makes one line per customer; [`purchases`] is BG/NBD, [`spend`] Gamma-Gamma, both by maximum likelihood
//!   through [`optimise`].
//! - [`segments`] scores recency, frequency and amount; [`retention`] draws who comes back; [`holdout`] compares what was
//!   expected with what came.

use rayon::prelude::*;
use serde::Serialize;

use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers, rng};
use crate::data::features::quantile;
use crate::data::table::calendar;
use crate::note;

pub mod holdout;
pub mod optimise;
pub mod purchases;
pub mod retention;
pub mod segments;
pub mod spend;
pub mod summary;

#[cfg(test)]
mod tests;

pub use holdout::Check;
pub use purchases::Purchases;
pub use retention::Retention;
pub use segments::{GridCell, Scores, Tenth};
pub use spend::Spend;
pub use summary::{Customer, Customers, Unit};

/// Customers on whom bands are worked out; of more, an even sample stands for all.
const BAND_CUSTOMERS: usize = 4_000;
/// Steps into which a horizon is cut for discounting.
const STEPS: usize = 12;
/// Correlation of frequency and spend from which the spend model is doubted.
const CORRELATED: f64 = 0.3;

/// Settings of a valuation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Unit of time.
    pub unit: Unit,
    /// How far ahead, in units.
    pub horizon: f64,
    /// Discount a year: 0.1 takes a tenth off money of next year.
    pub discount: f64,
    /// Share of spend that is earned.
    pub margin: f64,
    /// Draws of the parameters for the bands.
    pub draws: u32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { unit: Unit::Week, horizon: 52.0, discount: 0.1, margin: 1.0, draws: 200, seed: 1 }
    }
}

/// A figure with its band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// The figure.
    pub value: f64,
    /// Lower end; absent where the parameters are not pinned down.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// What is expected of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Probability of being alive; absent for who never came back, of whom the model cannot say it.
    pub alive: Option<f64>,
    /// Purchases within the horizon.
    pub purchases: f64,
    /// Spend per purchase.
    pub spend: Option<f64>,
    /// Discounted value within the horizon.
    pub value: Option<f64>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// Its code; the words are in the catalogue.
    pub segment: &'static str,
    /// Customers.
    pub customers: usize,
    /// Share of all.
    pub share: f64,
    /// Mean repeat purchases so far.
    pub frequency: f64,
    /// Mean time since the last purchase.
    pub silence: f64,
    /// Mean probability of being alive, of those who came back.
    pub alive: Option<f64>,
    /// Purchases within the horizon, all together.
    pub purchases: f64,
    /// Value within the horizon, all together.
    pub value: Option<f64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Valuation {
    /// The data's fingerprint.
    pub data: Fingerprint,
    /// Customers.
    pub customers: usize,
    /// Those who came back.
    pub repeaters: usize,
    /// First and last day of the observed time, where the log says them.
    pub from: Option<String>,
    /// Last day.
    pub until: Option<String>,
    /// BG/NBD.
    pub bg_nbd: Purchases,
    /// Gamma-Gamma, where amounts are known.
    pub gamma_gamma: Option<Spend>,
    /// Purchases within the horizon, all customers.
    pub purchases: Band,
    /// Discounted value within the horizon, all customers.
    pub value: Option<Band>,
    /// Mean probability of being alive, of those who came back.
    pub alive: Option<f64>,
    /// Segments, best first.
    pub segments: Vec<Segment>,
    /// Customers by their scores of recency and frequency.
    pub grid: Vec<GridCell>,
    /// Tenths of customers by what they are worth, best first.
    pub tenths: Vec<Tenth>,
    /// Who comes back; empty for a summary.
    pub retention: Retention,
    /// Expected against actual after the observed time, where the log goes on.
    pub check: Option<Check>,
    /// What the bands cover, and other methods in words.
    pub methods: Vec<Notice>,
    /// Settings.
    pub settings: Settings,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
    /// One line per customer.
    #[serde(skip)]
    pub each: Vec<(Scores, &'static str, Expected)>,
}

/// Values all customers.
pub fn value(customers: &Customers, data: &Fingerprint, settings: &Settings, ctx: &JobCtx) -> Result<Valuation> {
    check_settings(settings)?;
    let mut warnings = customers.warnings.clone();
    let bg_nbd = purchases::fit(&customers.list, ctx)?;
    if bg_nbd.at_edge || bg_nbd.covariance.is_none() {
        warnings.push(note!("value.at_edge"));
    } else if !bg_nbd.converged {
        warnings.push(note!("value.not_converged"));
    }
    let gamma_gamma = if customers.amounts {
        match spend::fit(&customers.list, ctx) {
            Ok(fitted) => Some(fitted),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => {
                warnings.push(fault.0);
                None
            }
        }
    } else {
        None
    };
    if let Some(g) = &gamma_gamma {
        if g.correlation.abs() > CORRELATED {
            warnings.push(note!("value.correlated", correlation = numbers::fixed(g.correlation, 2)));
        }
        if g.covariance.is_none() || !g.converged {
            warnings.push(note!("value.spend_edge"));
        }
        if g.mean_spend.is_none() {
            warnings.push(note!("value.spend_unbounded"));
        }
    }
    ctx.stage("value.stage_valuing", 2);
    let parameters = (bg_nbd.parameters(), gamma_gamma.as_ref().map(Spend::parameters));
    let expected: Vec<Expected> = customers.list.par_iter().map(|c| expect(c, parameters, settings)).collect();
    ctx.check()?;
    ctx.at(1);
    let scores = segments::scores(&customers.list, customers.amounts);
    let each: Vec<(Scores, &'static str, Expected)> =
        (0..customers.list.len()).map(|i| (scores[i], scores[i].segment(customers.list[i].frequency > 0.0), expected[i])).collect();
    let (purchases, value) = totals(customers, &bg_nbd, gamma_gamma.as_ref(), &expected, settings, ctx)?;
    ctx.at(2);
    let show = |d: i64| calendar::show_date(d);
    Ok(Valuation {
        data: data.clone(),
        customers: customers.list.len(),
        repeaters: customers.list.iter().filter(|c| c.frequency > 0.0).count(),
        from: customers.period.map(|p| show(p.0)),
        until: customers.period.map(|p| show(p.1)),
        alive: mean_of(expected.iter().filter_map(|e| e.alive)),
        segments: by_segment(&customers.list, &each),
        grid: segments::grid(&each),
        tenths: segments::tenths(&each),
        retention: retention::retention(customers),
        check: holdout::check(customers, &bg_nbd, settings.unit),
        methods: vec![
            note!("value.method_purchases"),
            note!("value.method_alive"),
            note!("value.method_spend"),
            note!("value.method_bands", draws = settings.draws, seed = settings.seed),
            note!(
                "value.assumptions",
                horizon = numbers::plain(settings.horizon),
                discount = numbers::percent(settings.discount),
                margin = numbers::percent(settings.margin)
            ),
        ],
        bg_nbd,
        gamma_gamma,
        purchases,
        value,
        settings: settings.clone(),
        warnings,
        each,
    })
}

fn check_settings(s: &Settings) -> Result<()> {
    let given = [("horizon", s.horizon, 1e-9, 1e5), ("discount", s.discount, 0.0, 10.0), ("margin", s.margin, 0.0, 1e6)];
    for (name, value, low, high) in given {
        if !(low..=high).contains(&value) {
            return Err(crate::fault!("value.setting", name = name, value = value, low = low, high = high));
        }
    }
    Ok(())
}

/// What is expected of a customer under some parameters.
fn expect(c: &Customer, (p, g): ([f64; 4], Option<[f64; 3]>), s: &Settings) -> Expected {
    let alive = (c.frequency > 0.0).then(|| purchases::alive(c, p));
    let purchases = purchases::expected(c, p, s.horizon);
    let spend = g.and_then(|g| spend::expected(c, g));
    let value = spend.map(|m| {
        // Money of a step counts from its middle.
        let (mut before, mut sum) = (0.0, 0.0);
        for k in 1..=STEPS {
            let t = s.horizon * k as f64 / STEPS as f64;
            let until = if k == STEPS { purchases } else { purchases::expected(c, p, t) };
            let middle = t - 0.5 * s.horizon / STEPS as f64;
            sum += (until - before) * (1.0 + s.discount).powf(-middle / s.unit.per_year());
            before = until;
        }
        sum * m * s.margin
    });
    Expected { alive, purchases, spend, value }
}

/// Totals with bands: the parameters are drawn from their distribution, and everything is worked out again.
fn totals(
    customers: &Customers,
    bg_nbd: &Purchases,
    spend: Option<&Spend>,
    expected: &[Expected],
    s: &Settings,
    ctx: &JobCtx,
) -> Result<(Band, Option<Band>)> {
    let bought: f64 = expected.iter().map(|e| e.purchases).sum();
    let known = expected.iter().all(|e| e.value.is_some());
    let worth = known.then(|| expected.iter().filter_map(|e| e.value).sum::<f64>());
    let bare = |value: f64| Band { value, low: None, high: None };
    let lower = bg_nbd.covariance.as_ref().and_then(|c| optimise::cholesky(c, 4)).filter(|_| !bg_nbd.at_edge);
    let of_spend = spend.and_then(|g| g.covariance.as_ref()).and_then(|c| optimise::cholesky(c, 3));
    let Some(lower) = lower else { return Ok((bare(bought), worth.map(bare))) };
    let step = customers.list.len().div_ceil(BAND_CUSTOMERS).max(1);
    let sample: Vec<usize> = (0..customers.list.len()).step_by(step).collect();
    let mut random = rng::rng(s.seed, "value-bands");
    let mut draw = |centre: &[f64], lower: &[f64]| -> Vec<f64> {
        let n = centre.len();
        let z: Vec<f64> = (0..n).map(|_| rng::normal(&mut random)).collect();
        (0..n).map(|i| (centre[i].ln() + (0..=i).map(|k| lower[i * n + k] * z[k]).sum::<f64>()).exp()).collect()
    };
    let draws: Vec<([f64; 4], Option<[f64; 3]>)> = (0..s.draws.max(20))
        .map(|_| {
            let p = draw(&bg_nbd.parameters(), &lower);
            let g = spend.zip(of_spend.as_ref()).map(|(g, l)| draw(&g.parameters(), l));
            ([p[0], p[1], p[2], p[3]], g.map(|g| [g[0], g[1], g[2]]))
        })
        .collect();
    ctx.check()?;
    let sums: Vec<(f64, Option<f64>)> = draws
        .par_iter()
        .map(|p| {
            sample.iter().fold((0.0, Some(0.0)), |(n, v), i| {
                let e = expect(&customers.list[*i], *p, s);
                (n + e.purchases, v.zip(e.value).map(|(a, b)| a + b))
            })
        })
        .collect();
    ctx.check()?;
    // Of a sample, the spread in proportion.
    let band = |value: f64, of_sample: f64, mut found: Vec<f64>| {
        found.sort_unstable_by(f64::total_cmp);
        let scale = if of_sample > 0.0 { value / of_sample } else { 1.0 };
        let at = |q: f64| Some(quantile(&found, q) * scale).filter(|v| v.is_finite());
        Band { value, low: at(0.025).map(|v| v.min(value)), high: at(0.975).map(|v| v.max(value)) }
    };
    let of_sample: f64 = sample.iter().map(|i| expected[*i].purchases).sum();
    let purchases = band(bought, of_sample, sums.iter().map(|s| s.0).collect());
    let worth = worth.map(|w| {
        let found: Vec<f64> = sums.iter().filter_map(|s| s.1).collect();
        let of_sample = sample.iter().filter_map(|i| expected[*i].value).sum();
        if found.len() * 10 < sums.len() * 9 { bare(w) } else { band(w, of_sample, found) }
    });
    Ok((purchases, worth))
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn by_segment(customers: &[Customer], each: &[(Scores, &'static str, Expected)]) -> Vec<Segment> {
    segments::SEGMENTS
        .into_iter()
        .filter_map(|name| {
            let rows: Vec<usize> = (0..each.len()).filter(|i| each[*i].1 == name).collect();
            let n = rows.len() as f64;
            let mean = |f: &dyn Fn(usize) -> f64| rows.iter().map(|i| f(*i)).sum::<f64>() / n;
            let value = rows.iter().try_fold(0.0, |sum, i| each[*i].2.value.map(|v| sum + v));
            (!rows.is_empty()).then(|| Segment {
                segment: name,
                customers: rows.len(),
                share: n / each.len() as f64,
                frequency: mean(&|i| customers[i].frequency),
                silence: mean(&|i| customers[i].age - customers[i].recency),
                alive: mean_of(rows.iter().filter_map(|i| each[*i].2.alive)),
                purchases: rows.iter().map(|i| each[*i].2.purchases).sum(),
                value,
            })
        })
        .collect()
}
