//! The learners: from a test to the effect expected of one person.

use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result};
use crate::fault;
use crate::strategy::causal::base::{Fitted, Space};
use crate::strategy::causal::nuisance::{CLIP, Nuisance, fold_of};
use crate::strategy::causal::study::Pair;

/// Shares of the treated between which the class transformation needs no weights.
const EVEN: std::ops::RangeInclusive<f64> = 0.45..=0.55;

/// How effects of single persons are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// One model with the treatment as a column.
    S,
    /// The same, with the treatment times every column beside it.
    SInteract,
    /// One model for the treated, one for the others.
    T,
    /// What each group would have done otherwise, imputed by the other's model.
    X,
    /// What is left of the outcome on what is left of the treatment.
    R,
    /// Doubly robust scores on the columns.
    Dr,
    /// Whether outcome and treatment agree.
    ClassTransform,
}

impl Learner {
    /// All, in the order of the command line.
    pub const ALL: [Self; 7] = [Self::S, Self::SInteract, Self::T, Self::X, Self::R, Self::Dr, Self::ClassTransform];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::SInteract => "s-interact",
            Self::T => "t",
            Self::X => "x",
            Self::R => "r",
            Self::Dr => "dr",
            Self::ClassTransform => "class-transform",
        }
    }
}

/// Effect of the treatment expected of each of `who` (rows of the pair), learned from the train rows.
pub fn effects(learner: Learner, pair: &Pair, space: &Space, n: &Nuisance, who: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
    ctx.check()?;
    match learner {
        Learner::S | Learner::SInteract => single(learner == Learner::SInteract, pair, space, who, ctx),
        Learner::T => {
            let (m0, m1) = (n.full.0.predict(space, who, ctx)?, n.full.1.predict(space, who, ctx)?);
            Ok(m1.iter().zip(&m0).map(|(a, b)| a - b).collect())
        }
        Learner::X => crossed(pair, space, n, who, ctx),
        Learner::R => residual(pair, space, n, who, ctx),
        Learner::Dr => {
            let mut scores = vec![f64::NAN; pair.y.len()];
            pair.train.iter().for_each(|&r| scores[r] = n.score(pair, r));
            space.fit_effect(&pair.train, &scores, None, ctx)?.predict(space, who, ctx)
        }
        Learner::ClassTransform => transformed(pair, space, who, ctx),
    }
}

fn single(interact: bool, pair: &Pair, space: &Space, who: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
    let p = space.x.n_features;
    // Trees and networks find interactions themselves; a line needs them as columns.
    let interact = interact && space.base().is_line();
    let names = vec!["treatment"; if interact { p + 1 } else { 1 }];
    let more = |r: usize, w: f64| {
        let mut out = vec![w];
        if interact {
            out.extend(space.x.row(r).iter().map(|v| w * v));
        }
        out
    };
    let train = space.with(&pair.train, &names, |r| more(r, pair.w[r]));
    let y: Vec<f64> = pair.train.iter().map(|&r| pair.y[r]).collect();
    let all: Vec<usize> = (0..y.len()).collect();
    let fitted = train.fit(&all, &y, None, pair.binary, ctx)?;
    if let Fitted::Line(line) = &fitted {
        let of = |r: &usize| {
            let row = space.x.row(*r);
            let without = line.intercept + dot(&line.weights[..p], row);
            let with = without + line.weights[p] + dot(&line.weights[p + 1..], row);
            line.shown(with) - line.shown(without)
        };
        return Ok(who.iter().map(of).collect());
    }
    let places: Vec<usize> = (0..who.len()).collect();
    let ask = |w: f64| fitted.predict(&space.with(who, &names, |r| more(r, w)), &places, ctx);
    Ok(ask(1.0)?.iter().zip(ask(0.0)?).map(|(a, b)| a - b).collect())
}

fn dot(weights: &[f64], row: &[f64]) -> f64 {
    weights.iter().zip(row).map(|(w, x)| w * x).sum()
}

fn crossed(pair: &Pair, space: &Space, n: &Nuisance, who: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
    let (treated, control): (Vec<usize>, Vec<usize>) = pair.train.iter().partition(|r| pair.treated(**r));
    let mut imputed = vec![f64::NAN; pair.y.len()];
    for (rows, other, sign) in [(&treated, &n.full.0, 1.0), (&control, &n.full.1, -1.0)] {
        for (r, m) in rows.iter().zip(other.predict(space, rows, ctx)?) {
            imputed[*r] = sign * (pair.y[*r] - m);
        }
    }
    let of_treated = space.fit_effect(&treated, &imputed, None, ctx)?.predict(space, who, ctx)?;
    let of_control = space.fit_effect(&control, &imputed, None, ctx)?.predict(space, who, ctx)?;
    Ok(who.iter().zip(of_treated.iter().zip(&of_control)).map(|(&r, (t, c))| n.e[r] * c + (1.0 - n.e[r]) * t).collect())
}

fn residual(pair: &Pair, space: &Space, n: &Nuisance, who: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
    let rows = pair.y.len();
    let mut mean = vec![f64::NAN; rows];
    for fold in 0..2 {
        let (own, other) = fold_of(&pair.train, fold);
        let model = space.fit(&other, &pair.y, None, pair.binary, ctx)?;
        for (r, m) in own.iter().zip(model.predict(space, &own, ctx)?) {
            mean[*r] = m;
        }
    }
    let (mut target, mut weight) = (vec![f64::NAN; rows], vec![0.0; rows]);
    for &r in &pair.train {
        // The chance of treatment is kept off 0 and 1, so this is never 0.
        let left = pair.w[r] - n.e[r].clamp(CLIP, 1.0 - CLIP);
        target[r] = (pair.y[r] - mean[r]) / left;
        weight[r] = left * left;
    }
    space.fit_effect(&pair.train, &target, Some(&weight), ctx)?.predict(space, who, ctx)
}

fn transformed(pair: &Pair, space: &Space, who: &[usize], ctx: &JobCtx) -> Result<Vec<f64>> {
    if !pair.binary {
        return Err(fault!("uplift.class_needs_yes_no", arm = &pair.name));
    }
    let agrees: Vec<f64> = pair.y.iter().zip(&pair.w).map(|(y, w)| f64::from(u8::from((*y > 0.5) == (*w > 0.5)))).collect();
    let share = pair.share();
    let weight = (!EVEN.contains(&share))
        .then(|| pair.w.iter().map(|w| if *w > 0.5 { 0.5 / share } else { 0.5 / (1.0 - share) }).collect::<Vec<f64>>());
    let p = space.fit(&pair.train, &agrees, weight.as_deref(), true, ctx)?.predict(space, who, ctx)?;
    Ok(p.into_iter().map(|p| 2.0 * p - 1.0).collect())
}

/// Effects that differ by no more than rounding from one person to the next cannot rank anybody.
pub fn is_flat(effects: &[f64]) -> bool {
    let (low, high) = effects.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    high - low <= 1e-12 * high.abs().max(low.abs())
}
