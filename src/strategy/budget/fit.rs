//! Curves found in a weekly series: response = level + trend + season + events + Σ β · saturation(λ · adstock(spending)).
//!
//! Everything linear is solved exactly for given echoes and saturations (variable projection); those are found by
//! Levenberg–Marquardt steps from several starts. Bands come from a bootstrap of the residuals in blocks of weeks, since
//! neighbouring weeks resemble each other.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::{Curve, Shape};
use super::plan::{Budget, Channel, Goal};
use crate::base::{Fingerprint, JobCtx, Notice, Result, numbers, rng};
use crate::data::features::quantile;
use crate::data::{ColumnType, Table};
use crate::ml::logistic::cholesky_solve;
use crate::{fault, note};

/// A series as it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Response, week by week.
    pub y: Vec<f64>,
    /// Channels: name and spending.
    pub channels: Vec<(String, Vec<f64>)>,
    /// Other causes that enter as they are: events, prices.
    pub controls: Vec<(String, Vec<f64>)>,
    /// Weeks in a year, for the season; none without.
    pub year: Option<f64>,
    /// Which data.
    pub data: Fingerprint,
}

/// Which columns of a table make the series, and how curves are looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Column of the response.
    pub response: String,
    /// Columns of spending, one a channel.
    pub spend: Vec<String>,
    /// Columns of other causes.
    pub controls: Vec<String>,
    /// Rows in a year, for the season.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<f64>,
    /// How curves are looked for.
    pub options: Options,
}

impl Series {
    /// Reads the columns of a table, whose rows are weeks in the order of time.
    pub fn of(table: &Table, asked: &Asked, data: &Fingerprint) -> Result<Self> {
        let column = |name: &String| -> Result<(String, Vec<f64>)> {
            let at = table.column(name)?;
            if table.column_type(at) == ColumnType::Text {
                return Err(fault!("budget.missing_weeks", column = name));
            }
            Ok((name.clone(), table.numbers(at)))
        };
        Ok(Self {
            y: column(&asked.response)?.1,
            channels: asked.spend.iter().map(column).collect::<Result<_>>()?,
            controls: asked.controls.iter().map(column).collect::<Result<_>>()?,
            year: asked.year.filter(|y| *y > 0.0),
            data: data.clone(),
        })
    }
}

/// How curves are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Weeks that spending echoes at most; 1 means no echo.
    pub lags: usize,
    /// Whether a straight trend is allowed.
    pub trend: bool,
    /// Pairs of waves a year.
    pub waves: usize,
    /// Replicates of the bootstrap.
    pub replicates: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { lags: 8, trend: true, waves: 2, replicates: 200, seed: 1 }
    }
}

/// A number with its 95 % band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Banded {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One channel's curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Channel.
    pub name: String,
    /// Share of spending's effect that is carried into the next week.
    pub carry: Banded,
    /// How soon it flattens, per unit of spending.
    pub lambda: Banded,
    /// What it rises to.
    pub beta: Banded,
    /// Share of the response that it explains.
    pub share: Banded,
    /// The curve of steady spending.
    pub curve: Curve,
    /// Other curves that the series allows.
    pub draws: Vec<Curve>,
    /// Largest weekly spending seen.
    pub seen: f64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Channels.
    pub channels: Vec<Found>,
    /// Share of the response's variance that all of it explains.
    pub r2: f64,
    /// Root mean square of what is left, in units of the response.
    pub rmse: f64,
    /// Weeks.
    pub weeks: usize,
    /// How it was looked for.
    pub options: Options,
    /// Which data.
    pub data: Fingerprint,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// Fewest weeks for each thing that is looked for.
const WEEKS_EACH: usize = 4;
/// Levenberg–Marquardt steps.
const STEPS: usize = 60;
/// Weeks that are drawn together.
const BLOCK: usize = 6;
/// Starts of the search.
const STARTS: usize = 10;

/// Spending with its echo: a geometric share carried from week to week, weights that sum to one.
pub fn adstock(x: &[f64], carry: f64, lags: usize) -> Vec<f64> {
    let weights: Vec<f64> = (0..lags.max(1)).map(|l| carry.powi(l as i32)).collect();
    let all: f64 = weights.iter().sum();
    let at = |t: usize| weights.iter().take(t + 1).enumerate().map(|(l, w)| w * x[t - l]).sum::<f64>() / all;
    (0..x.len()).map(at).collect()
}

/// The problem with spending scaled to its largest value.
struct Problem {
    lags: usize,
    /// Columns that are always there.
    fixed: Vec<Vec<f64>>,
    scaled: Vec<Vec<f64>>,
    largest: Vec<f64>,
}

/// What the linear part gives at some echoes and saturations.
struct Linear {
    betas: Vec<f64>,
    rest: Vec<f64>,
    loss: f64,
}

impl Problem {
    fn of(series: &Series, options: &Options) -> Self {
        let n = series.y.len();
        let mut fixed = vec![vec![1.0; n]];
        if options.trend {
            fixed.push((0..n).map(|t| t as f64 / n as f64 - 0.5).collect());
        }
        if let Some(year) = series.year {
            for wave in 1..=options.waves {
                let angle = |t: usize| std::f64::consts::TAU * wave as f64 * t as f64 / year;
                fixed.push((0..n).map(|t| angle(t).sin()).collect());
                fixed.push((0..n).map(|t| angle(t).cos()).collect());
            }
        }
        fixed.extend(series.controls.iter().map(|(_, v)| v.clone()));
        let largest: Vec<f64> = series.channels.iter().map(|(_, x)| x.iter().copied().fold(0.0, f64::max)).collect();
        let scaled = series.channels.iter().zip(&largest).map(|((_, x), m)| x.iter().map(|v| v / m).collect()).collect();
        Self { lags: options.lags, fixed, scaled, largest }
    }

    /// Echo and saturation of a channel from what the search moves: any number to (0, 1), any to above 0.
    fn read(&self, theta: &[f64], c: usize) -> (f64, f64) {
        let carry = if self.lags > 1 { 0.98 / (1.0 + (-theta[2 * c]).exp()) } else { 0.0 };
        // Steeper than this is a step at the first coin, which weeks cannot tell from a level.
        (carry, theta[2 * c + 1].clamp(-4.0, 3.4).exp())
    }

    /// The linear part: levels free, channels not below zero.
    fn linear(&self, y: &[f64], theta: &[f64]) -> Linear {
        let n = y.len();
        let shaped = |c: usize| -> Vec<f64> {
            let (carry, lambda) = self.read(theta, c);
            adstock(&self.scaled[c], carry, self.lags).iter().map(|v| (lambda * v / 2.0).tanh()).collect()
        };
        let channels: Vec<Vec<f64>> = (0..self.scaled.len()).map(shaped).collect();
        let mut used: Vec<bool> = vec![true; channels.len()];
        loop {
            let columns: Vec<&Vec<f64>> =
                self.fixed.iter().chain(channels.iter().zip(&used).filter(|(_, u)| **u).map(|(c, _)| c)).collect();
            let k = columns.len();
            let (mut h, mut g) = (vec![0.0; k * k], vec![0.0; k]);
            for (i, a) in columns.iter().enumerate() {
                for (j, b) in columns.iter().enumerate().take(i + 1) {
                    h[i * k + j] = a.iter().zip(*b).map(|(a, b)| a * b).sum();
                }
                g[i] = a.iter().zip(y).map(|(a, y)| a * y).sum();
                // A trace of ridge keeps columns that copy each other solvable.
                h[i * k + i] *= 1.0 + 1e-9;
            }
            let s = cholesky_solve(&mut h, &g);
            let mut own = s[self.fixed.len()..].iter();
            let betas: Vec<f64> = used.iter().map(|u| if *u { own.next().copied().unwrap_or(0.0) } else { 0.0 }).collect();
            let worst = betas.iter().enumerate().filter(|(_, b)| **b < 0.0).min_by(|a, b| a.1.total_cmp(b.1)).map(|(c, _)| c);
            if let Some(c) = worst {
                used[c] = false;
                continue;
            }
            let fitted = |t: usize| columns.iter().zip(&s).map(|(c, s)| c[t] * s).sum::<f64>();
            let rest: Vec<f64> = (0..n).map(|t| y[t] - fitted(t)).collect();
            let loss = rest.iter().map(|r| r * r).sum();
            return Linear { betas, rest, loss };
        }
    }

    /// Levenberg–Marquardt on echoes and saturations.
    fn descend(&self, y: &[f64], start: Vec<f64>) -> (Vec<f64>, Linear) {
        let k = start.len();
        let mut theta = start;
        let mut here = self.linear(y, &theta);
        let mut damping = 1e-2;
        for _ in 0..STEPS {
            let step = 1e-5;
            let slopes: Vec<Vec<f64>> = (0..k)
                .map(|j| {
                    let mut moved = theta.clone();
                    moved[j] += step;
                    let there = self.linear(y, &moved);
                    there.rest.iter().zip(&here.rest).map(|(a, b)| (a - b) / step).collect()
                })
                .collect();
            let g: Vec<f64> = slopes.iter().map(|s| -s.iter().zip(&here.rest).map(|(a, b)| a * b).sum::<f64>()).collect();
            let mut better = false;
            for _ in 0..8 {
                let mut h = vec![0.0; k * k];
                for i in 0..k {
                    for j in 0..=i {
                        h[i * k + j] = slopes[i].iter().zip(&slopes[j]).map(|(a, b)| a * b).sum();
                    }
                    h[i * k + i] = h[i * k + i] * (1.0 + damping) + 1e-12 * here.loss;
                }
                let d = cholesky_solve(&mut h, &g);
                let moved: Vec<f64> = theta.iter().zip(&d).map(|(t, d)| (t + d.clamp(-2.0, 2.0)).clamp(-8.0, 8.0)).collect();
                let there = self.linear(y, &moved);
                if there.loss < here.loss {
                    let gain = (here.loss - there.loss) / here.loss.max(1e-300);
                    (theta, here) = (moved, there);
                    damping = (damping / 4.0).max(1e-9);
                    better = gain > 1e-10;
                    break;
                }
                damping *= 4.0;
            }
            if !better {
                break;
            }
        }
        (theta, here)
    }

    /// The curve of steady spending in the channel's own unit.
    fn curve(&self, theta: &[f64], betas: &[f64], c: usize) -> Curve {
        Curve { shape: Shape::Tanh, beta: betas[c], lambda: self.read(theta, c).1 / self.largest[c], slope: 1.0 }
    }

    /// Share of the response that a channel explains.
    fn share(&self, y: &[f64], theta: &[f64], betas: &[f64], c: usize) -> f64 {
        let (carry, lambda) = self.read(theta, c);
        let all: f64 = adstock(&self.scaled[c], carry, self.lags).iter().map(|v| betas[c] * (lambda * v / 2.0).tanh()).sum();
        all / y.iter().sum::<f64>()
    }
}

/// A plan that spends as much as an average week did, with the curves that were found.
pub fn plan(found: &Fit, series: &Series) -> Budget {
    let weeks = series.y.len() as f64;
    let channel = |(c, (_, x)): (&Found, &(String, Vec<f64>))| Channel {
        name: c.name.clone(),
        curve: c.curve,
        draws: c.draws.clone(),
        floor: 0.0,
        cap: None,
        now: Some(x.iter().sum::<f64>() / weeks),
        seen: Some(c.seen),
    };
    let channels: Vec<Channel> = found.channels.iter().zip(&series.channels).map(channel).collect();
    // Four digits: nobody plans the fifth.
    let round = |b: f64| {
        let unit = 10f64.powf(b.log10().floor() - 3.0);
        if b > 0.0 { (b / unit).round() * unit } else { b }
    };
    let budget = channels.iter().filter_map(|c| c.now).reduce(|a, b| a + b).map(round);
    Budget { budget, goal: Goal::Fixed, value: None, channels, conditions: Vec::new() }
}

/// Finds the curves of a series.
pub fn fit(series: &Series, options: &Options, ctx: &JobCtx) -> Result<Fit> {
    check(series, options)?;
    let problem = Problem::of(series, options);
    let (n, k) = (series.y.len(), 2 * series.channels.len());
    ctx.stage("budget.stage_fit", u64::from(options.replicates) + 1);
    let start = |s: usize| -> Vec<f64> {
        let mut random = rng::rng(options.seed + s as u64, "curves");
        (0..k).map(|j| if j % 2 == 0 { 4.0 * rng::unit(&mut random) - 2.5 } else { 3.5 * rng::unit(&mut random) - 1.0 }).collect()
    };
    let found: Vec<(Vec<f64>, Linear)> = (0..STARTS).into_par_iter().map(|s| problem.descend(&series.y, start(s))).collect();
    let best = found.into_iter().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss));
    let (theta, linear) = best.ok_or_else(|| fault!("budget.short_series", weeks = n, needed = n))?;
    ctx.check()?;
    ctx.at(1);
    let fitted: Vec<f64> = series.y.iter().zip(&linear.rest).map(|(y, r)| y - r).collect();
    let again = |b: u32| {
        let mut random = rng::rng(options.seed + u64::from(b), "curve-bands");
        let mut y = fitted.clone();
        for from in (0..n).step_by(BLOCK) {
            let at = rng::below(&mut random, n - BLOCK + 1);
            for t in from..n.min(from + BLOCK) {
                y[t] += linear.rest[at + t - from];
            }
        }
        let (theta, linear) = problem.descend(&y, theta.clone());
        (theta, linear.betas, y)
    };
    let mut bands = Vec::new();
    for from in (0..options.replicates).step_by(16) {
        ctx.check()?;
        bands.par_extend((from..options.replicates.min(from + 16)).into_par_iter().map(again));
        ctx.at(bands.len() as u64 + 1);
    }
    let banded = |value: f64, of: &dyn Fn(&[f64], &[f64], &[f64]) -> f64| {
        let mut all: Vec<f64> = bands.iter().map(|(t, b, y)| of(t, b, y)).collect();
        all.sort_unstable_by(f64::total_cmp);
        if all.is_empty() {
            Banded { value, low: value, high: value }
        } else {
            Banded { value, low: quantile(&all, 0.025), high: quantile(&all, 0.975) }
        }
    };
    let mut warnings = vec![note!("budget.series_not_causal")];
    let channels: Vec<Found> = (0..series.channels.len())
        .map(|c| {
            let curve = problem.curve(&theta, &linear.betas, c);
            let found = Found {
                name: series.channels[c].0.clone(),
                carry: banded(problem.read(&theta, c).0, &|t, _, _| problem.read(t, c).0),
                lambda: banded(curve.lambda, &|t, b, _| problem.curve(t, b, c).lambda),
                beta: banded(curve.beta, &|t, b, _| problem.curve(t, b, c).beta),
                share: banded(problem.share(&series.y, &theta, &linear.betas, c), &|t, b, y| problem.share(y, t, b, c)),
                curve,
                draws: bands.iter().map(|(t, b, _)| problem.curve(t, b, c)).collect(),
                seen: problem.largest[c],
            };
            // Flat over everything seen, or straight over it: the height and the bend cannot be told apart.
            if curve.beta == 0.0 {
                warnings.push(note!("budget.no_response", channel = &found.name));
            } else if curve.lambda * found.seen < 0.8 {
                warnings.push(note!("budget.no_bend", channel = &found.name, seen = numbers::plain(found.seen)));
            }
            found
        })
        .collect();
    let mean = series.y.iter().sum::<f64>() / n as f64;
    let spread: f64 = series.y.iter().map(|y| (y - mean) * (y - mean)).sum();
    Ok(Fit {
        channels,
        r2: 1.0 - linear.loss / spread,
        rmse: (linear.loss / n as f64).sqrt(),
        weeks: n,
        options: *options,
        data: series.data.clone(),
        warnings,
    })
}

fn check(series: &Series, options: &Options) -> Result<()> {
    let n = series.y.len();
    if series.channels.is_empty() {
        return Err(fault!("budget.no_channels"));
    }
    let all = series.channels.iter().chain(&series.controls);
    let empty = std::iter::once(("", &series.y))
        .chain(all.map(|(n, v)| (n.as_str(), v)))
        .find(|(_, v)| v.len() != n || v.iter().any(|x| !x.is_finite()));
    if let Some((name, _)) = empty {
        return Err(fault!("budget.missing_weeks", column = name));
    }
    if let Some((name, _)) = series.channels.iter().find(|(_, x)| x.iter().any(|v| *v < 0.0) || x.iter().all(|v| *v == 0.0)) {
        return Err(fault!("budget.bad_spending", channel = name));
    }
    if series.y.iter().all(|y| *y == series.y[0]) {
        return Err(fault!("budget.constant"));
    }
    let sought = 1 + usize::from(options.trend) + 2 * options.waves * usize::from(series.year.is_some());
    let needed = WEEKS_EACH * (sought + series.controls.len() + 3 * series.channels.len());
    if n < needed.max(2 * BLOCK) || options.lags == 0 || options.lags > n {
        return Err(fault!("budget.short_series", weeks = n, needed = needed));
    }
    Ok(())
}
