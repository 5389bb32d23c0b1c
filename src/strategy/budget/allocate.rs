//! The best split of a budget: sequential quadratic steps on the concave part of every curve, with the price of whatever
//! binds. An S-shaped channel is spent below its bend or beyond it; every such choice is tried, from two starts.

use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::plan::{Budget, Goal};
use super::solver::{Limit, solve};
use crate::base::{JobCtx, Notice, Result, numbers};
use crate::data::features::quantile;
use crate::{fault, note};

/// What one channel gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Channel.
    pub name: String,
    /// Spending.
    pub spend: f64,
    /// Spending over the curves that the data allow (95 %); absent without such curves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_band: Option<(f64, f64)>,
    /// Response to it.
    pub response: f64,
    /// Response over those curves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_band: Option<(f64, f64)>,
    /// What the next unit of spending would add.
    pub marginal: f64,
    /// What is spent today, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<f64>,
}

/// A limit that holds the split back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Which limit, in words.
    pub what: Notice,
    /// Response gained for each unit that it is let go: a budget, a cap or an upper bound that rises, a floor or a lower bound
    /// that falls.
    pub shadow_price: f64,
}

impl Binding {
    /// Catalogue key of the sentence that tells its price.
    pub fn key(&self) -> &'static str {
        let falls = ["budget.limit_floor", "budget.limit_least"].contains(&self.what.code.as_str());
        if falls { "experiments.price_less" } else { "experiments.price" }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// What was wanted.
    pub plan: Budget,
    /// One a channel, in the plan's order.
    pub shares: Vec<Share>,
    /// Spending in all.
    pub spend: f64,
    /// Budget that nothing could use.
    pub unspent: f64,
    /// Response in all.
    pub response: f64,
    /// Response in all over the curves that the data allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_band: Option<(f64, f64)>,
    /// Response of today's spending, where all of it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_now: Option<f64>,
    /// Value of the response over spending, where a value is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roi: Option<f64>,
    /// Value of the next unit of spending, where a value is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marginal_roi: Option<f64>,
    /// What holds the split back.
    pub binding: Vec<Binding>,
    /// Whether it is proven best for these curves.
    pub proven: bool,
    /// What the reader should know.
    pub warnings: Vec<Notice>,
}

/// S-shaped channels up to which every on-or-off choice is tried.
const MOST_S: usize = 10;
/// Most quadratic steps.
const STEPS: usize = 200;
/// A price below this share of the largest marginal response is none.
const NO_PRICE: f64 = 1e-6;

/// A split with its prices.
struct Split {
    x: Vec<f64>,
    response: f64,
    prices: Vec<f64>,
}

struct World<'a> {
    plan: &'a Budget,
    /// Limits, and what each is called.
    limits: Vec<Limit>,
    names: Vec<Notice>,
}

/// Finds the best split.
pub fn allocate(plan: &Budget, ctx: &JobCtx) -> Result<Allocation> {
    plan.check()?;
    let draws = plan.channels.iter().map(|c| c.draws.len()).min().unwrap_or(0);
    ctx.stage("budget.stage", draws as u64 + 1);
    let curves: Vec<Curve> = plan.channels.iter().map(|c| c.curve).collect();
    let world = World::new(plan);
    if world.inside(&|_, floor| floor).is_none() {
        return Err(world.contradiction());
    }
    let (best, proven) = world.best(&curves)?;
    ctx.at(1);
    let mut spends: Vec<Vec<f64>> = vec![Vec::new(); curves.len()];
    let mut responses: Vec<Vec<f64>> = vec![Vec::new(); curves.len()];
    let mut totals = Vec::new();
    for k in 0..draws {
        ctx.check()?;
        let drawn: Vec<Curve> = plan.channels.iter().map(|c| c.draws[k]).collect();
        let split = world.best(&drawn)?.0;
        for (j, curve) in drawn.iter().enumerate() {
            spends[j].push(split.x[j]);
            responses[j].push(curve.at(best.x[j]));
        }
        totals.push(drawn.iter().zip(&best.x).map(|(c, x)| c.at(*x)).sum());
        ctx.at(k as u64 + 2);
    }
    let band = |mut v: Vec<f64>| {
        v.sort_unstable_by(f64::total_cmp);
        (!v.is_empty()).then(|| (quantile(&v, 0.025), quantile(&v, 0.975)))
    };
    let shares = plan.channels.iter().enumerate().map(|(j, c)| Share {
        name: c.name.clone(),
        spend: best.x[j],
        spend_band: band(std::mem::take(&mut spends[j])),
        response: c.curve.at(best.x[j]),
        response_band: band(std::mem::take(&mut responses[j])),
        marginal: c.curve.marginal(best.x[j]),
        now: c.now,
    });
    let shares: Vec<Share> = shares.collect();
    let spend: f64 = best.x.iter().sum();
    let steepest = shares.iter().map(|s| s.marginal).fold(0.0, f64::max).max(1e-12);
    let mut binding = Vec::new();
    for (i, what) in world.names.iter().enumerate().filter(|(i, _)| best.prices[*i] > NO_PRICE * steepest && !world.is_nothing(*i)) {
        binding.push(Binding { what: what.clone(), shadow_price: world.price(i, &best, &curves)? });
    }
    let unspent = plan.budget.map_or(0.0, |b| (b - spend).max(0.0));
    let unspent = if unspent < 1e-7 * plan.budget.unwrap_or(1.0).max(1e-9) { 0.0 } else { unspent };
    let mut warnings = Vec::new();
    if unspent > 0.0 && plan.goal == Goal::Fixed {
        warnings.push(note!("budget.unspent", unspent = numbers::plain(unspent)));
    }
    if let Goal::TargetMarginalRoi { target } = plan.goal {
        let most = curves.iter().zip(&plan.channels).map(|(c, of)| c.steepest(of.floor)).fold(0.0, f64::max) * plan.value.unwrap_or(1.0);
        if most < target {
            warnings.push(note!("budget.no_unit_returns", target = numbers::plain(target), most = numbers::plain(most)));
        }
    }
    if plan.budget == Some(0.0) {
        warnings.push(note!("budget.nothing"));
    }
    for (c, x) in plan.channels.iter().zip(&best.x) {
        if let Some(seen) = c.seen.filter(|seen| *x > seen * 1.05) {
            warnings.push(note!("budget.beyond", channel = &c.name, spend = numbers::plain(*x), seen = numbers::plain(seen)));
        }
    }
    if !proven {
        warnings.push(note!("budget.not_proven"));
    }
    let now: Option<Vec<f64>> = plan.channels.iter().map(|c| c.now).collect();
    Ok(Allocation {
        response_now: now.map(|now| curves.iter().zip(now).map(|(c, x)| c.at(x)).sum()),
        roi: plan.value.filter(|_| spend > 0.0).map(|v| v * best.response / spend),
        marginal_roi: plan.value.map(|v| v * steepest_free(&shares, plan)),
        response: best.response,
        response_band: band(totals),
        plan: plan.clone(),
        shares,
        spend,
        unspent,
        binding,
        proven,
        warnings,
    })
}

/// The marginal response of channels that are neither at their floor nor at their cap; all free ones share it.
fn steepest_free(shares: &[Share], plan: &Budget) -> f64 {
    let free = shares.iter().zip(&plan.channels).filter(|(s, c)| {
        let near = |v: f64| (s.spend - v).abs() <= 1e-6 * v.abs().max(1e-6);
        !near(c.floor) && !c.cap.is_some_and(near)
    });
    let all: Vec<f64> = free.map(|(s, _)| s.marginal).collect();
    if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
}

impl<'a> World<'a> {
    fn new(plan: &'a Budget) -> Self {
        let mut out = Self { plan, limits: Vec::new(), names: Vec::new() };
        if let Some(budget) = plan.budget {
            out.push((0..plan.channels.len()).map(|j| (j, 1.0)).collect(), budget, note!("budget.limit_budget"));
        }
        for (j, c) in plan.channels.iter().enumerate() {
            out.push(vec![(j, -1.0)], -c.floor, note!("budget.limit_floor", channel = &c.name));
            if let Some(cap) = c.cap {
                out.push(vec![(j, 1.0)], cap, note!("budget.limit_cap", channel = &c.name));
            }
        }
        for c in &plan.conditions {
            let place = |name: &String| plan.channels.iter().position(|c| c.name == *name);
            let terms: Vec<(usize, f64)> = c.terms.iter().filter_map(|(name, w)| place(name).map(|j| (j, *w))).collect();
            if let Some(most) = c.at_most {
                out.push(terms.clone(), most, note!("budget.limit_most", condition = &c.name));
            }
            if let Some(least) = c.at_least {
                out.push(terms.iter().map(|(j, w)| (*j, -w)).collect(), -least, note!("budget.limit_least", condition = &c.name));
            }
        }
        out
    }

    /// Whether a limit says only that spending is not negative.
    fn is_nothing(&self, i: usize) -> bool {
        self.names[i].code == "budget.limit_floor" && self.limits[i].bound == 0.0
    }

    /// What a unit of a limit is worth in response. For a fixed budget that is its multiplier; a target makes the multiplier
    /// one of response less what spending must return, so the split is found again with the limit let go a little.
    fn price(&self, i: usize, best: &Split, curves: &[Curve]) -> Result<f64> {
        if self.plan.goal == Goal::Fixed {
            return Ok(best.prices[i]);
        }
        let by = 1e-4 * self.limits[i].bound.abs().max(1e-2 * best.x.iter().sum::<f64>()).max(1e-9);
        let plan = self.let_go(i, by);
        Ok((World::new(&plan).best(curves)?.0.response - best.response) / by)
    }

    /// The plan with the i-th limit let go by so much; limits are counted as [`World::new`] makes them.
    fn let_go(&self, i: usize, by: f64) -> Budget {
        let mut plan = self.plan.clone();
        let mut all: Vec<(&mut f64, f64)> = plan.budget.iter_mut().map(|b| (b, 1.0)).collect();
        for c in &mut plan.channels {
            all.push((&mut c.floor, -1.0));
            all.extend(c.cap.iter_mut().map(|cap| (cap, 1.0)));
        }
        for c in &mut plan.conditions {
            all.extend(c.at_most.iter_mut().map(|b| (b, 1.0)));
            all.extend(c.at_least.iter_mut().map(|b| (b, -1.0)));
        }
        if let Some((bound, sign)) = all.into_iter().nth(i) {
            *bound += sign * by;
        }
        plan
    }

    fn push(&mut self, terms: Vec<(usize, f64)>, bound: f64, name: Notice) {
        self.limits.push(Limit { terms, bound });
        self.names.push(name);
    }

    /// A point within all limits, nearest to what `wish` says of each channel and its floor.
    fn inside(&self, wish: &dyn Fn(usize, f64) -> f64) -> Option<Vec<f64>> {
        let q: Vec<f64> = self.plan.channels.iter().enumerate().map(|(j, c)| -wish(j, c.floor)).collect();
        solve(&q, &vec![1.0; q.len()], &self.limits).map(|s| s.x)
    }

    /// Which limits contradict each other: the one that has to give way least while all others hold.
    fn contradiction(&self) -> crate::base::Fault {
        let n = self.plan.channels.len();
        // Spending itself costs a little, so that the answer is one point.
        let q: Vec<f64> = (0..=n).map(|j| if j < n { 1e-7 } else { 1.0 }).collect();
        let gives_way = |i: usize| -> Option<f64> {
            let mut limits = self.limits.clone();
            limits[i].terms.push((n, -1.0));
            limits.push(Limit { terms: vec![(n, -1.0)], bound: 0.0 });
            solve(&q, &vec![1e-9; n + 1], &limits).map(|s| s.x[n])
        };
        let mut least: Option<(usize, f64)> = None;
        for i in 0..self.limits.len() {
            if let Some(by) = gives_way(i).filter(|by| least.is_none_or(|(_, l)| *by < l * (1.0 - 1e-4))) {
                least = Some((i, by));
            }
        }
        match least {
            // The same limit, said as what would have to give way.
            Some((i, by)) => {
                let mut notice = self.names[i].clone().with("by", numbers::plain(by));
                notice.code = notice.code.replace("limit_", "gives_way_");
                crate::base::Fault(notice)
            }
            None => fault!("budget.contradiction_unknown"),
        }
    }

    /// The best split for some curves, and whether it is proven.
    fn best(&self, curves: &[Curve]) -> Result<(Split, bool)> {
        let bent: Vec<usize> = (0..curves.len()).filter(|j| curves[*j].inflection() > self.plan.channels[*j].floor).collect();
        let tried = bent.len().min(MOST_S);
        let mut best: Option<Split> = None;
        for choice in 0..1usize << tried {
            // Below the bend, where more is worth ever more, or beyond it, where returns diminish.
            let mut world = Self { plan: self.plan, limits: self.limits.clone(), names: self.names.clone() };
            for (k, &j) in bent.iter().enumerate() {
                let beyond = k >= tried || choice >> k & 1 == 1;
                let w = if beyond { -1.0 } else { 1.0 };
                world.push(vec![(j, w)], w * curves[j].inflection(), Notice::new("budget.limit_bend"));
            }
            // Below a bend the best is at an edge, and which one depends on where the climb begins.
            for high in [false, true] {
                let Some(split) = world.goal(curves, high) else { continue };
                if best.as_ref().is_none_or(|b| self.worth(&split) > self.worth(b)) {
                    best = Some(split);
                }
                if bent.is_empty() {
                    break;
                }
            }
        }
        let mut best = best.ok_or_else(|| fault!("budget.contradiction_unknown"))?;
        best.prices.truncate(self.limits.len());
        Ok((best, bent.is_empty()))
    }

    /// What a split is compared by.
    fn worth(&self, s: &Split) -> f64 {
        match self.plan.goal {
            Goal::TargetMarginalRoi { target } => self.plan.value.unwrap_or(1.0) * s.response - target * s.x.iter().sum::<f64>(),
            _ => s.response,
        }
    }

    fn goal(&self, curves: &[Curve], high: bool) -> Option<Split> {
        let value = self.plan.value.unwrap_or(1.0);
        match self.plan.goal {
            Goal::Fixed => self.climb(curves, 0.0, high),
            // Every unit spent costs what it must return.
            Goal::TargetMarginalRoi { target } => self.climb(curves, target / value, high),
            Goal::TargetRoi { target } => {
                // The return falls as spending rises along the best splits: the price of spending is bisected until the
                // whole returns its target.
                let roi = |s: &Split| {
                    let spend: f64 = s.x.iter().sum();
                    if spend > 0.0 { value * s.response / spend } else { f64::INFINITY }
                };
                let free = self.climb(curves, 0.0, high)?;
                if roi(&free) >= target {
                    return Some(free);
                }
                // No channel ever returns more than its best average.
                let best = curves.iter().map(Curve::best_return).fold(0.0, f64::max);
                if value * best < target {
                    return None;
                }
                let most = best * 2.0;
                let mut found = self.climb(curves, most, high)?;
                if roi(&found) < target {
                    return None;
                }
                let (mut low, mut up) = (0.0, most);
                for _ in 0..60 {
                    let middle = f64::midpoint(low, up);
                    let split = self.climb(curves, middle, high)?;
                    if roi(&split) >= target {
                        (up, found) = (middle, split);
                    } else {
                        low = middle;
                    }
                }
                Some(found)
            }
        }
    }

    /// Climbs Σ curve(x) − price · Σ x within the limits, by quadratic steps.
    fn climb(&self, curves: &[Curve], price: f64, high: bool) -> Option<Split> {
        let n = curves.len();
        let total = |x: &[f64]| curves.iter().zip(x).map(|(c, x)| c.at(*x) - price * x).sum::<f64>();
        let even = self.plan.budget.map_or(1.0, |b| b / n as f64);
        let mut x = self.inside(&|j, floor| if high { floor.max(even).max(curves[j].inflection()) } else { floor.max(1e-3 * even) })?;
        let mut prices = vec![0.0; self.limits.len()];
        for _ in 0..STEPS {
            let slope: Vec<f64> = curves.iter().zip(&x).map(|(c, x)| c.marginal(*x) - price).collect();
            let bend: Vec<f64> = curves.iter().zip(&x).map(|(c, x)| (-c.bend(*x)).max(1e-9)).collect();
            let left = |l: &Limit| Limit { terms: l.terms.clone(), bound: l.bound - l.terms.iter().map(|(j, w)| w * x[*j]).sum::<f64>() };
            let limits: Vec<Limit> = self.limits.iter().map(left).collect();
            let q: Vec<f64> = slope.iter().map(|s| -s).collect();
            let step = solve(&q, &bend, &limits)?;
            prices = step.prices;
            let moved: f64 = step.x.iter().map(|d| d.abs()).fold(0.0, f64::max);
            let size: f64 = x.iter().map(|v| v.abs()).fold(1e-9, f64::max);
            if moved <= 1e-10 * size {
                break;
            }
            // Halved until it climbs: far from the top the quadratic promises too much.
            let here = total(&x);
            let mut by = 1.0;
            let next = loop {
                let next: Vec<f64> = x.iter().zip(&step.x).map(|(x, d)| x + by * d).collect();
                if total(&next) >= here || by < 1e-12 {
                    break next;
                }
                by /= 2.0;
            };
            let done = (total(&next) - here).abs() <= 1e-15 * here.abs().max(1e-15) && by < 1e-6;
            x = next;
            if done {
                break;
            }
        }
        for (v, c) in x.iter_mut().zip(&self.plan.channels) {
            *v = v.max(c.floor).min(c.cap.unwrap_or(f64::INFINITY));
        }
        Some(Split { response: curves.iter().zip(&x).map(|(c, x)| c.at(*x)).sum(), x, prices })
    }
}
