//! How often customers still buy: the BG/NBD model (Fader, Hardie and Lee 2005).
//!
//! While alive a customer buys at random with an own rate, Gamma(r, α) over customers; after every purchase the customer
//! drops out with an own probability, Beta(a, b). Nobody sees the dropping out; it is inferred from silence.

use rayon::prelude::*;
use serde::Serialize;
use statrs::function::gamma::{digamma, ln_gamma};

use super::optimise::{self, Minimum};
use super::summary::Customer;
use crate::base::{JobCtx, Result};
use crate::fault;

/// Rows per piece of a parallel sum; fixed, so that it has one order at any thread count.
const CHUNK: usize = 2_048;
/// Beyond this, a parameter (on the log scale) ran away: the data do not pin it.
const RAN_AWAY: f64 = 9.0;

/// First parameter of dropping out beyond which customers are nearly alike in it.
const ALIKE: f64 = 60.0;

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Purchases {
    /// Shape of the rates.
    pub r: f64,
    /// Scale of the rates, in units of time.
    pub alpha: f64,
    /// First parameter of dropping out.
    pub a: f64,
    /// Second parameter of dropping out.
    pub b: f64,
    /// Log-likelihood.
    pub log_likelihood: f64,
    /// Standard errors of ln r, ln α, ln a, ln b.
    pub se_log: Option<[f64; 4]>,
    /// Whether the search ended at a maximum.
    pub converged: bool,
    /// Whether a parameter ran to the edge, as when nobody seems to drop out.
    pub at_edge: bool,
    /// Covariance of the logarithms.
    #[serde(skip)]
    pub covariance: Option<Vec<f64>>,
}

/// Customers alike count once, with their number.
pub fn grouped(customers: &[Customer]) -> Vec<(Customer, f64)> {
    let mut sorted: Vec<Customer> = customers.iter().map(|c| Customer { spend: None, ..*c }).collect();
    sorted.sort_unstable_by(|a, b| a.frequency.total_cmp(&b.frequency).then(a.recency.total_cmp(&b.recency)).then(a.age.total_cmp(&b.age)));
    let mut out: Vec<(Customer, f64)> = Vec::new();
    for c in sorted {
        match out.last_mut() {
            Some((last, n)) if last.frequency == c.frequency && last.recency == c.recency && last.age == c.age => *n += 1.0,
            _ => out.push((c, 1.0)),
        }
    }
    out
}

/// Log-likelihood of one customer, and its gradient by r, α, a, b.
pub fn log_likelihood(c: &Customer, [r, alpha, a, b]: [f64; 4]) -> (f64, [f64; 4]) {
    let (x, tx, t) = (c.frequency, c.recency, c.age);
    let both = ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_gamma(a + b) + ln_gamma(b + x) - ln_gamma(b) - ln_gamma(a + b + x);
    let alive = -(r + x) * (alpha + t).ln();
    let gone = if x > 0.0 { a.ln() - (b + x - 1.0).ln() - (r + x) * (alpha + tx).ln() } else { f64::NEG_INFINITY };
    let most = alive.max(gone);
    let sum = most + ((alive - most).exp() + (gone - most).exp()).ln();
    let (wa, wg) = ((alive - sum).exp(), (gone - sum).exp());
    let of_b = if x > 0.0 { wg / (b + x - 1.0) } else { 0.0 };
    let gradient = [
        digamma(r + x) - digamma(r) + alpha.ln() - wa * (alpha + t).ln() - wg * (alpha + tx).ln(),
        r / alpha - wa * (r + x) / (alpha + t) - wg * (r + x) / (alpha + tx),
        digamma(a + b) - digamma(a + b + x) + wg / a,
        digamma(a + b) + digamma(b + x) - digamma(b) - digamma(a + b + x) - of_b,
    ];
    (both + sum, gradient)
}

fn negative(groups: &[(Customer, f64)], at: &[f64]) -> (f64, Vec<f64>) {
    let p = [at[0].exp(), at[1].exp(), at[2].exp(), at[3].exp()];
    let parts: Vec<(f64, [f64; 4])> = groups
        .par_chunks(CHUNK)
        .map(|chunk| {
            chunk.iter().fold((0.0, [0.0; 4]), |(v, mut g), (c, n)| {
                let (value, gradient) = log_likelihood(c, p);
                (0..4).for_each(|k| g[k] -= n * gradient[k] * p[k]);
                (v - n * value, g)
            })
        })
        .collect();
    let mut out = (0.0, vec![0.0; 4]);
    for (v, g) in parts {
        out.0 += v;
        (0..4).for_each(|k| out.1[k] += g[k]);
    }
    out
}

/// Fits by maximum likelihood from several starts.
pub fn fit(customers: &[Customer], ctx: &JobCtx) -> Result<Purchases> {
    let groups = grouped(customers);
    let bought: f64 = customers.iter().map(|c| c.frequency).sum();
    if bought == 0.0 {
        return Err(fault!("value.nobody_returned", customers = customers.len()));
    }
    let time: f64 = customers.iter().map(|c| c.age).sum();
    let f = |x: &[f64]| negative(&groups, x);
    let mut best: Option<Minimum> = None;
    ctx.stage("value.stage_fitting", 3);
    for (k, (r, a, b)) in [(0.5, 0.7, 2.5), (1.5, 0.3, 3.0), (0.2, 2.0, 8.0)].into_iter().enumerate() {
        ctx.check()?;
        let alpha: f64 = r * time / bought;
        let found = optimise::minimise(f, &[f64::ln(r), alpha.ln(), f64::ln(a), f64::ln(b)]);
        let better = best.as_ref().is_none_or(|b| found.value < b.value - 1e-9 * b.value.abs());
        if found.value.is_finite() && better {
            best = Some(found);
        }
        ctx.at(k as u64 + 1);
    }
    let Some(best) = best else { return Err(fault!("value.not_fitted")) };
    let covariance = optimise::covariance(f, &best.at);
    let p = [best.at[0].exp(), best.at[1].exp(), best.at[2].exp(), best.at[3].exp()];
    let se = covariance.as_ref().map(|c| [c[0].sqrt(), c[5].sqrt(), c[10].sqrt(), c[15].sqrt()]);
    let centred = [best.at[0], best.at[1] - (time / customers.len() as f64).ln(), best.at[2], best.at[3]];
    Ok(Purchases {
        r: p[0],
        alpha: p[1],
        a: p[2],
        b: p[3],
        log_likelihood: -best.value,
        se_log: se,
        converged: best.converged,
        at_edge: centred.iter().any(|v| v.abs() > RAN_AWAY),
        covariance,
    })
}

impl Purchases {
    /// The parameters.
    pub fn parameters(&self) -> [f64; 4] {
        [self.r, self.alpha, self.a, self.b]
    }
}

/// The probability that a customer is still alive.
pub fn alive(c: &Customer, [r, alpha, a, b]: [f64; 4]) -> f64 {
    if c.frequency == 0.0 {
        // Dropping out comes after a repeat purchase only.
        return 1.0;
    }
    let (x, tx, t) = (c.frequency, c.recency, c.age);
    1.0 / (1.0 + a / (b + x - 1.0) * ((r + x) * ((alpha + t) / (alpha + tx)).ln()).exp())
}

/// Purchases to expect in the next `time` units.
pub fn expected(c: &Customer, p: [f64; 4], time: f64) -> f64 {
    alive(c, p) * expected_alive(c, p, time)
}

/// The same of a customer who is alive for certain: the mean over the dropping out p ~ Beta(a, b + x) and the rate
/// λ ~ Gamma(r + x, α + T) of (1 − e^(−λpt))/p, in closed form with Euler's transformation of ₂F₁, which neither overflows
/// for busy customers nor cancels.
fn expected_alive(c: &Customer, [r, alpha, a, b]: [f64; 4], time: f64) -> f64 {
    if time <= 0.0 {
        return 0.0;
    }
    let (x, t) = (c.frequency, c.age);
    if a > ALIKE {
        // Customers hardly differ in dropping out, and the closed form would overflow: Gauss and Hermite's three points.
        let (sum, scale) = (a + b + x, alpha + t);
        let middle = a / sum;
        let sd = (middle * (1.0 - middle) / (sum + 1.0)).sqrt();
        let at = |p: f64| -(-(r + x) * (p * time / scale).ln_1p()).exp_m1() / p;
        let (low, high) = (middle - 3f64.sqrt() * sd, (middle + 3f64.sqrt() * sd).min(1.0));
        return (4.0 * at(middle) + at(low) + at(high)) / 6.0;
    }
    // Both are limits of the same smooth function; a hair's breadth beside them is as good.
    if (a - 1.0).abs() < 1e-5 {
        let beside = |a: f64| expected_alive(c, [r, alpha, a, b], time);
        return 0.5 * (beside(1.0 - 2e-5) + beside(1.0 + 2e-5));
    }
    let top = a + b + x - 1.0;
    if top.abs() < 1e-6 {
        let beside = |b: f64| expected_alive(c, [r, alpha, a, b], time);
        return 0.5 * (beside(b - 2e-6) + beside(b + 2e-6));
    }
    let z = time / (alpha + t + time);
    let f = hypergeometric(a + b - 1.0 - r, a - 1.0, top, z);
    top / (a - 1.0) * (1.0 - ((a - 1.0) * (-z).ln_1p()).exp() * f)
}

/// ₂F₁(a, b; c; z) for 0 ≤ z < 1 by its series.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 0..100_000 {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-16 * f64::abs(sum) && n > 2.0 {
            break;
        }
    }
    sum
}
