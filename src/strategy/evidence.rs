//! The evidence grade, computed from the data and the checks.

use serde::{Deserialize, Serialize};

use super::support::Apart;
use crate::base::{Notice, numbers};
use crate::ml::ModelCard;
use crate::ml::metrics::Figures;
use crate::note;

/// How far a number may be trusted as an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Randomised.
    A,
    /// Adjusted, with overlap shown.
    B,
    /// The model's opinion only.
    C,
    /// Outside what the data supports.
    D,
}

/// Share of reached rows outside what training saw from which a number is unsupported.
pub const MOST_OUTSIDE: f64 = 0.05;

/// Why a model's opinion of a change is worth nothing: on rows that did not teach it, it does no better than guessing. `None`
/// where it does, or where no rows were held out.
pub fn blind(card: &ModelCard, outcome: usize) -> Option<Notice> {
    let found = card.evaluation.get(outcome)?;
    match &found.figures {
        Figures::Binary(b) => {
            let (low, high) = b.auc_interval?;
            let [auc, from, to] = [b.auc?, low, high].map(|v| numbers::fixed(v, 2));
            (low <= 0.5).then(|| note!("strategy.grade_blind", auc = auc, low = from, high = to, rows = found.rows))
        }
        // A correlation of nothing with nothing stays below 2 / √n.
        Figures::Number(f) => {
            let r2 = f.r2?;
            (r2 <= 4.0 / found.rows.max(1) as f64)
                .then(|| note!("strategy.grade_blind_amount", r2 = numbers::fixed(r2, 3), rows = found.rows))
        }
    }
}

/// The grade of a scenario on logged, not randomised data: C, or D where too many rows leave what training saw.
/// `apart` are people whose values never occur together, `moved` says whether any lever moves, `overridden` which outcome
/// proxies the analyst unlocked.
pub fn grade(outside: f64, apart: Option<&Apart>, moved: bool, overridden: &[String]) -> (Grade, Notice) {
    if !overridden.is_empty() {
        return (Grade::D, note!("strategy.grade_proxy", columns = overridden.join(", ")));
    }
    if outside > MOST_OUTSIDE {
        return (Grade::D, note!("strategy.grade_outside", share = numbers::percent(outside)));
    }
    if let Some(apart) = apart.filter(|a| a.share > MOST_OUTSIDE) {
        return (Grade::D, apart.example.clone());
    }
    if moved { (Grade::C, note!("strategy.grade_model_only")) } else { (Grade::C, note!("strategy.grade_baseline")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Whatever is moved on whatever data, a model that predicts has only an opinion.
        #[test]
        fn a_predictive_model_is_never_graded_above_c(
            // Around the limits, so that every branch is met.
            outside in 0.0f64..=0.1,
            share in proptest::option::of(0.0f64..=0.1),
            moved: bool,
            opened in proptest::collection::vec("[a-z]{1,8}", 0..2),
        ) {
            let apart = share.map(|share| Apart { share, example: note!("strategy.grade_apart") });
            let (found, _) = grade(outside, apart.as_ref(), moved, &opened);
            proptest::prop_assert!(found >= Grade::C, "{found:?}");
        }
    }

    #[test]
    fn the_grade_follows_the_support() {
        assert_eq!(grade(0.0, None, true, &[]).0, Grade::C);
        assert_eq!(grade(0.05, None, true, &[]).0, Grade::C);
        assert_eq!(grade(0.051, None, true, &[]).0, Grade::D);
        assert_eq!(grade(0.0, None, true, &["PageValues".to_owned()]).0, Grade::D);
        let apart = |share| Apart { share, example: note!("strategy.grade_apart") };
        assert_eq!(grade(0.0, Some(&apart(0.05)), true, &[]).0, Grade::C);
        let (worst, reason) = grade(0.0, Some(&apart(0.06)), true, &[]);
        assert_eq!((worst, reason.code.as_str()), (Grade::D, "strategy.grade_apart"));
    }
}
