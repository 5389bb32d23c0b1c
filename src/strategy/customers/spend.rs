//! How much a purchase brings: the Gamma-Gamma model (Fader and Hardie 2013).
//!
//! A customer's purchases scatter around an own mean, Gamma(p, ν) with ν ~ Gamma(q, v) over customers. It takes spend to
//! have nothing to do with how often somebody buys; the correlation of the two stands beside the fit.

use serde::Serialize;
use statrs::function::gamma::{digamma, ln_gamma};

use super::optimise;
use super::summary::Customer;
use crate::base::{JobCtx, Result};
use crate::fault;

/// Fewest repeat customers with an amount.
pub const FEWEST: usize = 10;

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spend {
    /// Shape within a customer.
    pub p: f64,
    /// Shape over customers.
    pub q: f64,
    /// Scale over customers, in money.
    pub v: f64,
    /// Log-likelihood.
    pub log_likelihood: f64,
    /// Mean spend per purchase over all customers; absent where q ≤ 1 gives it no bound.
    pub mean_spend: Option<f64>,
    /// Repeat customers that it was fitted on.
    pub repeaters: usize,
    /// Standard errors of ln p, ln q, ln v.
    pub se_log: Option<[f64; 3]>,
    /// Whether the search ended at a maximum.
    pub converged: bool,
    /// Correlation of frequency and average spend among them.
    pub correlation: f64,
    /// Covariance of the logarithms.
    #[serde(skip)]
    pub covariance: Option<Vec<f64>>,
}

/// Log-likelihood of one customer with `x` purchases of `m` on average, and its gradient by p, q, v.
pub fn log_likelihood(x: f64, m: f64, [p, q, v]: [f64; 3]) -> (f64, [f64; 3]) {
    let all = x * m + v;
    let value =
        ln_gamma(p * x + q) - ln_gamma(p * x) - ln_gamma(q) + q * v.ln() + (p * x - 1.0) * m.ln() + p * x * x.ln() - (p * x + q) * all.ln();
    let both = digamma(p * x + q);
    let gradient =
        [x * (both - digamma(p * x) + m.ln() + x.ln() - all.ln()), both - digamma(q) + v.ln() - all.ln(), q / v - (p * x + q) / all];
    (value, gradient)
}

/// Customers who count for spend: those who came back and spent something.
pub fn counted(customers: &[Customer]) -> Vec<(f64, f64)> {
    customers.iter().filter_map(|c| c.spend.filter(|m| c.frequency > 0.0 && *m > 0.0).map(|m| (c.frequency, m))).collect()
}

/// Fits by maximum likelihood.
pub fn fit(customers: &[Customer], ctx: &JobCtx) -> Result<Spend> {
    let rows = counted(customers);
    if rows.len() < FEWEST {
        return Err(fault!("value.few_spenders", customers = rows.len(), least = FEWEST));
    }
    ctx.check()?;
    let n = rows.len() as f64;
    let (mx, mm) = (rows.iter().map(|r| r.0).sum::<f64>() / n, rows.iter().map(|r| r.1).sum::<f64>() / n);
    let (mut xx, mut ss, mut xs) = (0.0, 0.0, 0.0);
    for (x, m) in &rows {
        xx += (x - mx).powi(2);
        ss += (m - mm).powi(2);
        xs += (x - mx) * (m - mm);
    }
    if ss <= 1e-12 * n * mm * mm {
        return Err(fault!("value.same_spend", amount = mm));
    }
    let f = |at: &[f64]| {
        let p = [at[0].exp(), at[1].exp(), at[2].exp()];
        rows.iter().fold((0.0, vec![0.0; 3]), |(value, mut g), (x, m)| {
            let (v, d) = log_likelihood(*x, *m, p);
            (0..3).for_each(|k| g[k] -= d[k] * p[k]);
            (value - v, g)
        })
    };
    let best = [(4.0, 3.0), (1.5, 8.0)]
        .into_iter()
        .map(|(p, q): (f64, f64)| optimise::minimise(f, &[p.ln(), q.ln(), (mm * (q - 1.0) / p).ln()]))
        .filter(|m| m.value.is_finite())
        .min_by(|a, b| a.value.total_cmp(&b.value));
    let Some(best) = best else { return Err(fault!("value.not_fitted")) };
    let covariance = optimise::covariance(f, &best.at);
    let [p, q, v] = [best.at[0].exp(), best.at[1].exp(), best.at[2].exp()];
    Ok(Spend {
        p,
        q,
        v,
        log_likelihood: -best.value,
        mean_spend: (q > 1.0).then(|| p * v / (q - 1.0)),
        repeaters: rows.len(),
        se_log: covariance.as_ref().map(|c| [c[0].sqrt(), c[4].sqrt(), c[8].sqrt()]),
        converged: best.converged,
        correlation: if xx > 0.0 { xs / (xx * ss).sqrt() } else { 0.0 },
        covariance,
    })
}

impl Spend {
    /// The parameters.
    pub fn parameters(&self) -> [f64; 3] {
        [self.p, self.q, self.v]
    }
}

/// Spend per purchase to expect of a customer: the own average drawn towards everybody's. `None` where nothing bounds it.
pub fn expected(c: &Customer, [p, q, v]: [f64; 3]) -> Option<f64> {
    let (x, m) = match c.spend {
        Some(m) if c.frequency > 0.0 && m > 0.0 => (c.frequency, m),
        _ => (0.0, 0.0),
    };
    let below = p * x + q - 1.0;
    (below > 0.0).then(|| p * (v + x * m) / below)
}
