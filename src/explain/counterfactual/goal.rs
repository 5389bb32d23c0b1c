//! What the scores of the trees must reach, and straight lines that every row which does must be on the right side of.
//!
//! For one score there is one line: the wish itself. The chance of one class of several hangs on all scores, by the logarithm
//! of a sum of exponentials. To bring it *up*, the others' log-sum must be small; it lies above each of its tangents, so
//! every tangent gives a line. To bring it *down*, the log-sum must be large: then one of the others' scores is close to the
//! class's own (a line for each, of which one must hold), and the exponentials lie below their secants over what a part of
//! the space can reach.

use super::Wish;
use crate::ml::TreeEnsemble;
use crate::ml::ensemble::Link;

/// Where a secant says nothing that could be computed with.
const FLAT: f64 = 1e-6;

/// What is wished of the scores, turned so that more is better.
pub(super) struct Goal {
    /// The outputs whose trees count.
    pub outputs: Vec<usize>,
    /// What is added to each of them before any tree.
    pub intercepts: Vec<f64>,
    /// What the value must reach.
    pub target: f64,
    /// The class among them, where there are several.
    class: Option<usize>,
    sign: f64,
    /// Whether reaching it exactly is not enough.
    strict: bool,
}

/// A condition that every row which is as wished fulfils: `Σ slope · score ≥ target`.
pub(super) struct Line {
    /// Per output that counts.
    pub slopes: Vec<f64>,
    /// What the sum must reach.
    pub target: f64,
}

/// Log-odds that must be passed.
fn odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn log_sum(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    if most.is_finite() { most + scores.map(|s| (s - most).exp()).sum::<f64>().ln() } else { most }
}

impl Goal {
    pub fn new(e: &TreeEnsemble, output: usize, wish: Wish) -> Self {
        let (threshold, sign, strict) = match wish {
            Wish::AtLeast(t) => (t, 1.0, false),
            Wish::Below(t) => (t, -1.0, true),
        };
        let margin = match e.link {
            Link::Logit | Link::Softmax => odds(threshold),
            // No amount below zero can be wished for: every row is above, none below.
            Link::Log => threshold.max(0.0).ln(),
            Link::Identity => threshold,
        };
        let several = e.link == Link::Softmax;
        let outputs: Vec<usize> = if several { (0..e.n_outputs).collect() } else { vec![output] };
        let intercepts = outputs.iter().map(|k| e.intercept.get(*k).copied().unwrap_or(0.0)).collect();
        Self { outputs, intercepts, target: sign * margin, class: several.then_some(output), sign, strict }
    }

    /// What scores are worth: the score, or the log-odds of the class.
    pub fn value(&self, scores: &[f64]) -> f64 {
        self.sign
            * match self.class {
                Some(c) => scores[c] - log_sum(scores.iter().enumerate().filter(|(k, _)| *k != c).map(|(_, s)| *s)),
                None => scores[0],
            }
    }

    pub fn reached(&self, value: f64) -> bool {
        if self.strict { value > self.target } else { value >= self.target - 1e-12 * self.target.abs().max(1.0) }
    }

    /// Whether one line is all there is to say.
    pub fn is_straight(&self) -> bool {
        self.class.is_none()
    }

    /// Whether the class shall be less likely than it is.
    pub fn is_down(&self) -> bool {
        self.sign < 0.0
    }

    /// The line that touches the condition at some scores; the condition itself where there is one score.
    pub fn tangent(&self, scores: &[f64]) -> Line {
        let Some(c) = self.class else { return Line { slopes: vec![self.sign], target: self.target } };
        // log Σ exp s ≥ Σ w s + entropy of w for all shares w, and equal for those of the softmax.
        let others = || scores.iter().enumerate().filter(|(k, _)| *k != c);
        let all = log_sum(others().map(|(_, s)| *s));
        let mut slopes: Vec<f64> = scores.iter().map(|s| -(s - all).exp()).collect();
        let shares: f64 = -others().map(|(k, _)| slopes[k]).sum::<f64>();
        let mut entropy = 0.0;
        for (k, w) in slopes.iter_mut().enumerate().filter(|(k, _)| *k != c) {
            debug_assert_ne!(k, c);
            *w /= shares;
            entropy -= if *w < 0.0 { -*w * (-*w).ln() } else { 0.0 };
        }
        slopes[c] = 1.0;
        Line { slopes, target: self.target + entropy }
    }

    /// Lines of which one must hold where the class shall be less likely.
    pub fn rivals(&self) -> Vec<Line> {
        let n = self.outputs.len();
        let Some(c) = self.class else { return Vec::new() };
        let target = self.target - (n.max(2) as f64 - 1.0).ln();
        let against = |k: usize| {
            let mut slopes = vec![0.0; n];
            (slopes[k], slopes[c]) = (1.0, -1.0);
            Line { slopes, target }
        };
        (0..n).filter(|k| *k != c).map(against).collect()
    }

    /// The line of the secants, where every score lies between two ends.
    pub fn secant(&self, low: &[f64], high: &[f64]) -> Option<Line> {
        let c = self.class?;
        let ends = |k: usize| (low[k] - high[c], high[k] - low[c]);
        let others = || (0..self.outputs.len()).filter(|k| *k != c);
        let most = others().map(|k| ends(k).1).fold(f64::NEG_INFINITY, f64::max);
        let (mut slopes, mut constant) = (vec![0.0; self.outputs.len()], 0.0);
        for k in others() {
            let (l, u) = ends(k);
            let at = (l - most).exp();
            slopes[k] = if u - l > 1e-9 { ((u - most).exp() - at) / (u - l) } else { at };
            // A tangent where there is no way to go lies below the curve by less than anything that counts.
            constant += at - slopes[k] * l;
        }
        let steep: f64 = slopes.iter().sum();
        let target = ((self.target - most).exp() - constant) / steep;
        if steep.is_nan() || steep < FLAT || !target.is_finite() {
            return None;
        }
        slopes.iter_mut().for_each(|s| *s /= steep);
        slopes[c] = -1.0;
        Some(Line { slopes, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    fn goal(n: usize, class: usize, wish: Wish) -> Goal {
        let e = TreeEnsemble { n_features: 1, n_outputs: n, intercept: vec![0.0; n], link: Link::Softmax, trees: Vec::new() };
        Goal::new(&e, class, wish)
    }

    fn chance(scores: &[f64], class: usize) -> f64 {
        scores[class].exp() / scores.iter().map(|s| s.exp()).sum::<f64>()
    }

    fn holds(line: &Line, scores: &[f64]) -> bool {
        line.slopes.iter().zip(scores).map(|(a, s)| a * s).sum::<f64>() >= line.target - 1e-9
    }

    /// No scores that are as wished are on the wrong side of a line; at the point of touch nothing is given away.
    #[test]
    fn whatever_is_as_wished_is_on_the_right_side() {
        let mut rng = rng::rng(3, "scores");
        let (mut up, mut down, mut sharp) = (0, 0, 0);
        for _ in 0..4_000 {
            let (n, class) = (2 + rng::below(&mut rng, 4), rng::below(&mut rng, 2));
            let mut draw = |wide: f64| -> Vec<f64> { (0..n).map(|_| wide * rng::normal(&mut rng)).collect() };
            let (scores, elsewhere, low) = (draw(2.0), draw(2.0), draw(2.0));
            let high: Vec<f64> = scores.iter().zip(&low).map(|(s, l)| s.max(*l) + 0.1).collect();
            let low: Vec<f64> = scores.iter().zip(&low).map(|(s, l)| s.min(*l)).collect();
            let (p, t) = (chance(&scores, class), 0.02 + 0.96 * rng::unit(&mut rng));
            let goal_up = goal(n, class, Wish::AtLeast(t));
            assert!((goal_up.value(&scores) - odds(p)).abs() < 1e-9 && goal_up.reached(goal_up.value(&scores)) == (p >= t));
            if p >= t {
                assert!(holds(&goal_up.tangent(&elsewhere), &scores) && holds(&goal_up.tangent(&scores), &scores));
                up += 1;
            } else {
                sharp += usize::from(!holds(&goal_up.tangent(&scores), &scores));
                let goal = goal(n, class, Wish::Below(t));
                assert!(goal.reached(goal.value(&scores)) && goal.is_down());
                assert!(goal.rivals().iter().any(|l| holds(l, &scores)), "{scores:?} {t}");
                assert!(goal.secant(&low, &high).is_none_or(|l| holds(&l, &scores)), "{scores:?} {t} {low:?} {high:?}");
                down += 1;
            }
        }
        assert!(up > 800 && down > 800 && sharp == down, "{up} {down} {sharp}");
        // A secant over a point decides it.
        let goal = goal(3, 0, Wish::Below(0.5));
        for scores in [[1.0, 0.2, 0.0], [1.0, 0.9, 0.0]] {
            let line = goal.secant(&scores, &scores).unwrap();
            assert_eq!(holds(&line, &scores), chance(&scores, 0) < 0.5, "{scores:?}");
        }
    }
}
