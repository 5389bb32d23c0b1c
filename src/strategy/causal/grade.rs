//! The evidence grade of an effect, computed from its checks.

use super::balance::{ALPHA, SRM_ALPHA};
use super::checks::{Facts, OVERLAP};
use super::stats::shown;
use crate::base::{Notice, numbers};
use crate::note;
use crate::strategy::Grade;

/// A randomised: the treatment does not depend on what was known before, and the groups have the sizes they should.
/// B adjusted: confounders were declared, both groups hold people alike, and weighting makes them alike.
/// C otherwise, and wherever the treatment seems to change a negative control; D where one group holds nobody like many of the other.
pub fn grade(facts: &Facts) -> (Grade, Notice) {
    let i = &facts.independence;
    let independent = i.p >= ALPHA;
    let ratio = facts.ratio.1 >= SRM_ALPHA;
    let kept = facts.attrition >= SRM_ALPHA;
    if facts.overlap < OVERLAP.1 {
        return (Grade::D, note!("uplift.grade_d", share = numbers::percent(1.0 - facts.overlap)));
    }
    if let Some((column, p)) = facts.negative.as_ref().filter(|n| n.1 < ALPHA) {
        return (Grade::C, note!("uplift.grade_c_negative", column = column, p = shown(*p)));
    }
    if independent && ratio && kept && i.powerful {
        return (Grade::A, note!("uplift.grade_a", p = shown(i.p), ratio = shown(facts.ratio.1)));
    }
    let why = if !independent {
        let column = i.worst.as_ref().map_or("–", |w| w.0.as_str());
        note!("uplift.grade_c_dependent", auc = numbers::fixed(i.auc, 3), p = shown(i.p), column = column)
    } else if !ratio {
        note!("uplift.grade_c_ratio", p = shown(facts.ratio.1))
    } else if !kept {
        note!("uplift.grade_c_attrition", p = shown(facts.attrition))
    } else {
        note!("uplift.grade_c_few")
    };
    if !facts.adjusted {
        return (Grade::C, why);
    }
    if facts.after.0 >= facts.small {
        return (Grade::C, note!("uplift.grade_c_unbalanced", column = &facts.after.1, value = numbers::fixed(facts.after.0, 3)));
    }
    if !kept {
        return (Grade::C, why);
    }
    (Grade::B, note!("uplift.grade_b", share = numbers::percent(facts.overlap), value = numbers::fixed(facts.after.0, 3)))
}

#[cfg(test)]
mod tests {
    use super::super::balance::Independence;
    use super::*;

    fn facts() -> Facts {
        Facts {
            independence: Independence { auc: 0.503, p: 0.4, worst: Some(("age".into(), 0.2)), powerful: true },
            ratio: (0.5, 0.6),
            attrition: 1.0,
            adjusted: false,
            overlap: 1.0,
            after: (0.01, "age".into()),
            small: 0.1,
            negative: None,
        }
    }

    #[test]
    fn the_grade_follows_the_checks() {
        let of = |change: &dyn Fn(&mut Facts)| {
            let mut f = facts();
            change(&mut f);
            let (g, n) = grade(&f);
            (g, n.code)
        };
        assert_eq!(of(&|_| ()).0, Grade::A);
        assert_eq!(of(&|f| f.adjusted = true).0, Grade::A);
        assert_eq!(of(&|f| f.independence.p = 0.009), (Grade::C, "uplift.grade_c_dependent".into()));
        assert_eq!(of(&|f| f.ratio.1 = 1e-4), (Grade::C, "uplift.grade_c_ratio".into()));
        assert_eq!(of(&|f| f.independence.powerful = false), (Grade::C, "uplift.grade_c_few".into()));
        assert_eq!(of(&|f| f.attrition = 1e-6), (Grade::C, "uplift.grade_c_attrition".into()));
        let adjusted = |f: &mut Facts| (f.adjusted, f.independence.p) = (true, 1e-9);
        assert_eq!(of(&adjusted).0, Grade::B);
        assert_eq!(
            of(&|f| {
                adjusted(f);
                f.after.0 = 0.2
            }),
            (Grade::C, "uplift.grade_c_unbalanced".into())
        );
        assert_eq!(
            of(&|f| {
                adjusted(f);
                f.negative = Some(("before".into(), 0.001))
            }),
            (Grade::C, "uplift.grade_c_negative".into())
        );
        assert_eq!(
            of(&|f| {
                adjusted(f);
                f.overlap = 0.8
            })
            .0,
            Grade::D
        );
        assert_eq!(of(&|f| f.overlap = 0.5).0, Grade::D);
    }
}
