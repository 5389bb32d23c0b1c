//! Whom to treat how: policies learned on one half of the people and valued on the other.
//!
//! Held-out values are means of doubly robust scores, with bands that hold for all policies and all their differences at
//! once. A more complicated policy is recommended only where its held-out gain over the simpler one is clear; what the
//! predictive model expects of its own choices is shown beside what they turned out to be worth.

use serde::{Deserialize, Serialize};

use super::learner::{self, Learner};
use super::money::Money;
use super::tree::{self, Condition};
use crate::base::{JobCtx, Notice, Result, numbers, rng};
use crate::data::Part;
use crate::note;
use crate::strategy::causal::base::{Base, Space};
use crate::strategy::causal::nuisance::{CLIP, fold_of, nuisances};
use crate::strategy::causal::study::Study;

/// Draws behind the simultaneous bands.
const DRAWS: usize = 20_000;

/// What kind of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Everybody gets the control.
    Nobody,
    /// Everybody gets one arm.
    Everybody,
    /// A readable tree.
    Tree,
    /// What the learner expects to be best for each person.
    Model,
}

/// A policy and its held-out value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Kind.
    pub kind: Kind,
    /// The arm, for a policy that gives everybody the same.
    pub arm: Option<String>,
    /// Mean outcome (or profit) per person.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower end of the simultaneous 95 % band.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What the policy was expected to be worth where it was learned; a model's claim is not a measurement.
    pub claimed: Option<f64>,
    /// Share of people sent to each arm.
    pub shares: Vec<f64>,
}

/// The difference of two policies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Number of the first policy.
    pub first: usize,
    /// Number of the second.
    pub second: usize,
    /// First less second, per person.
    pub value: f64,
    /// Lower end of the simultaneous band.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One way through the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What has to hold, all of it.
    pub conditions: Vec<Condition>,
    /// The arm.
    pub arm: String,
    /// The same as a condition of segments; none where everybody is meant or a level cannot be written so.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Share of the held-out people.
    pub share: f64,
    /// Held-out gain over the control for these people, per person, with its own 95 % interval.
    pub gain: [f64; 3],
}

/// What to do, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyChoice {
    /// Rows that learned, rows that valued.
    pub rows: [usize; 2],
    /// Most questions in a row.
    pub depth: usize,
    /// Rules of the tree.
    pub rules: Vec<Rule>,
    /// All policies.
    pub candidates: Vec<Candidate>,
    /// All differences, the later policy less the earlier.
    pub differences: Vec<Gap>,
    /// Number of the recommended policy.
    pub recommended: usize,
    /// Why this one.
    pub reason: Notice,
    /// What the predictive model claims, beside what it is worth.
    pub claim: Notice,
    /// Standard errors in a band, so that it holds for everything at once.
    pub critical: f64,
}

/// How policies are learned.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose choices are the model's.
    pub learner: Learner,
    /// What stands behind it and behind the scores.
    pub base: Base,
    /// Most questions in a row.
    pub depth: usize,
    /// Money, where the analyst said so.
    pub money: Option<Money>,
    /// What a contact costs, arm by arm, the control first.
    pub contacts: Vec<f64>,
    /// Seed.
    pub seed: u64,
}

/// Learns on one half, values on the other.
pub fn choose(study: &Study, o: &Options, ctx: &JobCtx) -> Result<PolicyChoice> {
    ctx.stage("uplift.stage_policy", 3);
    let (learn, value) = halves(study, o.seed);
    let arms = study.arms.len();
    let net = |outcome: f64, arm: usize| match o.money {
        None => outcome,
        Some(m) => (m.value - m.conversion) * outcome - if arm > 0 { o.contacts[arm] } else { 0.0 },
    };
    let scores = scores(study, &learn, &value, o, ctx)?;
    ctx.at(1);
    let of_rows = |rows: &[usize]| -> Vec<f64> {
        rows.iter().flat_map(|&r| (0..arms).map(move |a| (r, a))).map(|(r, a)| net(scores[r * arms + a], a)).collect()
    };
    let own = of_rows(&learn);
    let least = (learn.len() / 50).max(10);
    let grown = tree::simplest(&tree::Soil { features: &study.features, x: &study.x, arms, least }, &learn, &own, o.depth, ctx)?;
    ctx.at(2);
    let mut policies: Vec<(Kind, Option<usize>, Vec<usize>, Option<f64>)> = Vec::new();
    policies.push((Kind::Nobody, Some(0), vec![0; value.len()], None));
    for a in 1..arms {
        policies.push((Kind::Everybody, Some(a), vec![a; value.len()], None));
    }
    let tree_arms: Vec<usize> = value.iter().map(|&r| grown.arm(study.x.row(r))).collect();
    let learned = learn.iter().enumerate().map(|(i, &r)| own[i * arms + grown.arm(study.x.row(r))]).sum::<f64>() / learn.len() as f64;
    policies.push((Kind::Tree, None, tree_arms.clone(), Some(learned)));
    let (model_arms, claimed) = model(study, &learn, &value, o, &net, ctx)?;
    policies.push((Kind::Model, None, model_arms, Some(claimed)));

    let held = of_rows(&value);
    let columns: Vec<Vec<f64>> =
        policies.iter().map(|(_, _, arm, _)| arm.iter().enumerate().map(|(i, a)| held[i * arms + a]).collect()).collect();
    let Bands { means, errors, covariance, critical } = bands(&columns, o.seed);
    let n = value.len().max(1) as f64;
    let candidates: Vec<Candidate> = policies
        .iter()
        .enumerate()
        .map(|(p, (kind, arm, who, claimed))| Candidate {
            kind: *kind,
            arm: arm.map(|a| study.arms[a].clone()),
            value: means[p],
            se: errors[p],
            low: means[p] - critical * errors[p],
            high: means[p] + critical * errors[p],
            claimed: *claimed,
            shares: (0..arms).map(|a| who.iter().filter(|w| **w == a).count() as f64 / n).collect(),
        })
        .collect();
    let count = candidates.len();
    let gap = |first: usize, second: usize| {
        let se = (covariance[first * count + first] + covariance[second * count + second] - 2.0 * covariance[first * count + second])
            .max(0.0)
            .sqrt();
        let value = means[first] - means[second];
        Gap { first, second, value, low: value - critical * se, high: value + critical * se }
    };
    let differences: Vec<Gap> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (b, a))).map(|(b, a)| gap(b, a)).collect();
    let (recommended, reason) = recommend(&candidates, &gap);
    let last = &candidates[count - 1];
    let claim = note!(
        "uplift.policy_claim",
        claimed = numbers::plain(claimed),
        value = numbers::plain(last.value),
        low = numbers::plain(last.low),
        high = numbers::plain(last.high)
    );
    let rules = grown
        .paths(&study.features)
        .into_iter()
        .map(|(conditions, arm)| {
            let here: Vec<f64> = (0..value.len())
                .filter(|&i| tree_arms[i] == arm && conditions.iter().all(|c| c.holds(&study.features, study.x.row(value[i]))))
                .map(|i| held[i * arms + arm] - held[i * arms])
                .collect();
            let a = crate::strategy::causal::nuisance::aipw(&here);
            let segment = tree::segment(&conditions, &study.features);
            Rule { conditions, arm: study.arms[arm].clone(), segment, share: here.len() as f64 / n, gain: [a.value, a.low, a.high] }
        })
        .collect();
    ctx.at(3);
    Ok(PolicyChoice {
        rows: [learn.len(), value.len()],
        depth: o.depth,
        rules,
        candidates,
        differences,
        recommended,
        reason,
        claim,
        critical,
    })
}

/// Two halves by seed; where rows may not be parted at will (by time or by group), the split's own parts.
fn halves(study: &Study, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let n = study.arm.len();
    if !study.exchangeable {
        return (0..n).partition(|&r| study.parts[r] != Part::Test);
    }
    let mut first = vec![false; n];
    let mut random = rng::rng(seed, "uplift-halves");
    // Within each arm, so that both halves hold all of them.
    for arm in 0..study.arms.len() {
        let mut rows: Vec<usize> = (0..n).filter(|&r| study.arm[r] == arm).collect();
        rng::shuffle(&mut random, &mut rows);
        rows[..rows.len().div_ceil(2)].iter().for_each(|&r| first[r] = true);
    }
    (0..n).partition(|&r| first[r])
}

/// Doubly robust scores `rows × arms`: cross-fitted within the learning half, from all of it for the other half.
fn scores(study: &Study, learn: &[usize], value: &[usize], o: &Options, ctx: &JobCtx) -> Result<Vec<f64>> {
    let (n, arms) = (study.arm.len(), study.arms.len());
    let part = (&study.features[..], &study.x);
    let space = Space::new(part, learn, &study.usable, o.base, o.seed)?;
    let confounders = if study.adjust.is_empty() { None } else { Some(Space::new(part, learn, &study.adjust, o.base, o.seed)?) };
    let mut mu = vec![f64::NAN; n * arms];
    let mut e = vec![0.0; n * arms];
    for arm in 0..arms {
        let is: Vec<f64> = study.arm.iter().map(|a| f64::from(u8::from(*a == arm))).collect();
        let share = learn.iter().map(|&r| is[r]).sum::<f64>() / learn.len().max(1) as f64;
        let mut fill = |from: &[usize], to: &[usize]| -> Result<()> {
            let own: Vec<usize> = from.iter().copied().filter(|&r| study.arm[r] == arm).collect();
            let model = space.fit(&own, &study.y, None, study.binary, ctx)?;
            for (r, v) in to.iter().zip(model.predict(&space, to, ctx)?) {
                mu[r * arms + arm] = v;
            }
            let chance = match &confounders {
                None => vec![share; to.len()],
                Some(c) => c.fit(from, &is, None, true, ctx)?.predict(c, to, ctx)?,
            };
            to.iter().zip(chance).for_each(|(r, p)| e[r * arms + arm] = p.clamp(CLIP, 1.0));
            Ok(())
        };
        for fold in 0..2 {
            let (own, other) = fold_of(learn, fold);
            fill(&other, &own)?;
        }
        fill(learn, value)?;
    }
    for r in 0..n {
        let all = &mut e[r * arms..(r + 1) * arms];
        let sum: f64 = all.iter().sum();
        all.iter_mut().for_each(|p| *p /= sum);
        let a = study.arm[r];
        let at = r * arms + a;
        mu[at] += (study.y[r] - mu[at]) / e[at];
    }
    Ok(mu)
}

/// The arm that the learner expects to be best for each of `value`, and what it expects of that.
fn model(
    study: &Study,
    learn: &[usize],
    value: &[usize],
    o: &Options,
    net: &impl Fn(f64, usize) -> f64,
    ctx: &JobCtx,
) -> Result<(Vec<usize>, f64)> {
    let mut best = vec![0usize; value.len()];
    let mut gain = vec![0.0f64; value.len()];
    let mut without = 0.0;
    for arm in 1..study.arms.len() {
        let pair = study.pair_for(arm, learn, value);
        let space = Space::of(&pair, &study.usable, o.base, o.seed)?;
        let confounders = if study.adjust.is_empty() { None } else { Some(Space::of(&pair, &study.adjust, o.base, o.seed)?) };
        let n = nuisances(&pair, &space, confounders.as_ref(), &ctx.without_stage())?;
        let effects = learner::effects(o.learner, &pair, &space, &n, value, ctx)?;
        for (i, effect) in effects.into_iter().enumerate() {
            let worth = net(effect, arm);
            if worth > gain[i] {
                (best[i], gain[i]) = (arm, worth);
            }
        }
        if arm == 1 {
            without = value.iter().map(|&r| net(n.mu0[r], 0)).sum::<f64>();
        }
    }
    Ok((best, (without + gain.iter().sum::<f64>()) / value.len().max(1) as f64))
}

struct Bands {
    means: Vec<f64>,
    errors: Vec<f64>,
    /// Covariance of the means.
    covariance: Vec<f64>,
    critical: f64,
}

/// Means of columns, and how many standard errors a band takes to hold for all means and all their differences at once:
/// the 95 % quantile of the largest standardised deviation under the joint normal law of the means.
fn bands(columns: &[Vec<f64>], seed: u64) -> Bands {
    let p = columns.len();
    let n = columns.first().map_or(1, Vec::len).max(1) as f64;
    let means: Vec<f64> = columns.iter().map(|c| c.iter().sum::<f64>() / n).collect();
    let mut covariance = vec![0.0; p * p];
    for a in 0..p {
        for b in 0..=a {
            let sum: f64 = columns[a].iter().zip(&columns[b]).map(|(x, y)| (x - means[a]) * (y - means[b])).sum();
            covariance[a * p + b] = sum / n / n;
            covariance[b * p + a] = sum / n / n;
        }
    }
    let errors: Vec<f64> = (0..p).map(|a| covariance[a * p + a].sqrt()).collect();
    let root = root(&covariance, p);
    let mut contrasts: Vec<(usize, Option<usize>, f64)> = (0..p).map(|a| (a, None, errors[a])).collect();
    for a in 0..p {
        for b in a + 1..p {
            let variance = covariance[a * p + a] + covariance[b * p + b] - 2.0 * covariance[a * p + b];
            contrasts.push((a, Some(b), variance.max(0.0).sqrt()));
        }
    }
    // Policies that choose alike do not differ, and cannot widen a band.
    let widest = errors.iter().copied().fold(0.0f64, f64::max);
    contrasts.retain(|c| c.2 > 1e-9 * widest && c.2 > 0.0);
    let mut random = rng::rng(seed, "uplift-bands");
    let mut largest: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let z: Vec<f64> = (0..p).map(|_| rng::normal(&mut random)).collect();
            let draw: Vec<f64> = (0..p).map(|a| (0..=a).map(|k| root[a * p + k] * z[k]).sum()).collect();
            contrasts.iter().map(|(a, b, se)| ((draw[*a] - b.map_or(0.0, |b| draw[b])) / se).abs()).fold(0.0f64, f64::max)
        })
        .collect();
    largest.sort_unstable_by(f64::total_cmp);
    let critical = crate::data::features::quantile(&largest, 0.95).max(crate::strategy::causal::stats::Z95);
    Bands { means, errors, covariance, critical }
}

/// Lower root of a covariance; a policy that others say has a row of what they say and nothing of its own.
fn root(covariance: &[f64], p: usize) -> Vec<f64> {
    let mut l = vec![0.0; p * p];
    let largest = (0..p).map(|a| covariance[a * p + a]).fold(0.0f64, f64::max);
    for a in 0..p {
        for b in 0..=a {
            let known: f64 = (0..b).map(|k| l[a * p + k] * l[b * p + k]).sum();
            let left = covariance[a * p + b] - known;
            if a == b {
                l[a * p + a] = if left > 1e-12 * largest { left.sqrt() } else { 0.0 };
            } else if l[b * p + b] > 0.0 {
                l[a * p + b] = left / l[b * p + b];
            }
        }
    }
    l
}

/// From the simplest policy to the most complicated: each step only where the held-out gain is clear.
fn recommend(candidates: &[Candidate], gap: &impl Fn(usize, usize) -> Gap) -> (usize, Notice) {
    let everybody: Vec<usize> = (0..candidates.len()).filter(|&p| candidates[p].kind == Kind::Everybody).collect();
    let place = |kind: Kind| candidates.iter().position(|c| c.kind == kind);
    let mut chosen = 0;
    let best = everybody.iter().copied().max_by(|a, b| candidates[*a].value.total_cmp(&candidates[*b].value));
    if let Some(b) = best
        && gap(b, 0).low > 0.0
    {
        chosen = b;
    }
    for kind in [Kind::Tree, Kind::Model] {
        if let Some(p) = place(kind)
            && gap(p, chosen).low > 0.0
        {
            chosen = p;
        }
    }
    let show = |g: Gap| [g.value, g.low, g.high].map(numbers::plain);
    let reason = match candidates[chosen].kind {
        Kind::Nobody => {
            let [value, low, high] = show(gap(best.unwrap_or(0), 0));
            let arm = best.and_then(|b| candidates[b].arm.clone()).unwrap_or_default();
            note!("uplift.policy_nobody", arm = arm, value = value, low = low, high = high)
        }
        Kind::Everybody => {
            let [value, low, high] = show(gap(chosen, 0));
            let arm = candidates[chosen].arm.clone().unwrap_or_default();
            // A tree that asks nothing sends everybody where this policy does.
            if place(Kind::Tree).is_none_or(|t| gap(t, chosen).value == 0.0 && gap(t, chosen).high == 0.0) {
                return (chosen, note!("uplift.policy_alone", arm = arm, value = value, low = low, high = high));
            }
            let tree = place(Kind::Tree).map_or_else(|| ["–".to_owned(), "–".to_owned(), "–".to_owned()], |t| show(gap(t, chosen)));
            let [more, from, to] = tree;
            note!("uplift.policy_everybody", arm = arm, value = value, low = low, high = high, more = more, from = from, to = to)
        }
        kind => {
            let simple = best.filter(|b| candidates[*b].value > candidates[0].value).unwrap_or(0);
            let [value, low, high] = show(gap(chosen, simple));
            let code = if kind == Kind::Tree { "uplift.policy_tree" } else { "uplift.policy_model" };
            note!(code, value = value, low = low, high = high)
        }
    };
    (chosen, reason)
}
