//! From advice to scenarios: whom to treat how, as *What-if* holds it.

use super::policy::{Kind, PolicyChoice};
use crate::strategy::scenario::Scenario;
use crate::strategy::study::UpliftAsked;
use crate::strategy::tested::Tested;

/// One scenario per arm that somebody shall get, named after the study: for everybody, or for those whom the rules name.
/// Empty where nobody shall be treated, or where the advice cannot be said as a condition. What a model says person by
/// person is no rule, so its rules take its place.
pub fn scenarios(study: &str, asked: &UpliftAsked, choice: &PolicyChoice) -> Vec<Scenario> {
    let Some(recommended) = choice.candidates.get(choice.recommended) else { return Vec::new() };
    let make = |arm: &str, segment: Option<String>| Scenario {
        name: format!("{study}: {arm}"),
        segment: within(segment, asked.filter.as_deref()),
        // What it adds is what the study measured, not what a model of the recipe would expect.
        tested: Some(Tested { study: study.to_owned(), arm: arm.to_owned() }),
        value_per_conversion: asked.value_per_conversion,
        cost_per_contact: asked.costs.get(arm).copied().or(asked.cost_per_contact),
        cost_per_conversion: asked.cost_per_conversion,
        ..Scenario::default()
    };
    match (recommended.kind, &recommended.arm) {
        (Kind::Nobody, _) => Vec::new(),
        (Kind::Everybody, Some(arm)) => vec![make(arm, None)],
        _ => {
            let mut arms: Vec<&str> = Vec::new();
            choice.rules.iter().map(|r| r.arm.as_str()).filter(|a| *a != asked.control).for_each(|a| {
                if !arms.contains(&a) {
                    arms.push(a);
                }
            });
            let of = |arm: &str| {
                let own: Vec<&super::policy::Rule> = choice.rules.iter().filter(|r| r.arm == arm).collect();
                if own.iter().any(|r| r.conditions.is_empty()) {
                    return Some(make(arm, None));
                }
                let parts: Option<Vec<String>> = own.iter().map(|r| r.segment.clone()).collect();
                let parts = parts?;
                let whole = if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(") or (")) };
                Some(make(arm, Some(whole)))
            };
            arms.into_iter().filter_map(of).collect()
        }
    }
}

/// What a study was held among, and whom of them it names.
fn within(segment: Option<String>, filter: Option<&str>) -> Option<String> {
    match (segment, filter.map(str::trim).filter(|f| !f.is_empty())) {
        (Some(segment), Some(filter)) => Some(format!("({filter}) and ({segment})")),
        (None, Some(filter)) => Some(filter.to_owned()),
        (segment, None) => segment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Notice, rng};
    use crate::data::segment::Segment;
    use crate::data::{Encoder, FittedPrepare, ReadOptions, Roles, read};
    use crate::strategy::uplift::policy::{Candidate, Rule};
    use crate::strategy::uplift::tree::{self, Condition};

    fn choice(kind: Kind, arm: Option<&str>, rules: Vec<Rule>) -> PolicyChoice {
        let candidate =
            Candidate { kind, arm: arm.map(str::to_owned), value: 0.0, se: 0.0, low: 0.0, high: 0.0, claimed: None, shares: Vec::new() };
        PolicyChoice {
            rows: [0, 0],
            depth: 2,
            rules,
            candidates: vec![candidate],
            differences: Vec::new(),
            recommended: 0,
            reason: Notice::new("uplift.policy_rules"),
            claim: Notice::new("uplift.policy_rules"),
            critical: 2.0,
        }
    }

    fn rule(arm: &str, segment: Option<&str>) -> Rule {
        let conditions = segment.map(|_| Condition::AtMost { feature: "a".into(), value: 1.0 }).into_iter().collect();
        Rule { conditions, arm: arm.into(), segment: segment.map(str::to_owned), share: 0.5, gain: [0.0; 3] }
    }

    #[test]
    fn every_arm_that_somebody_gets_is_one_scenario() {
        let asked = UpliftAsked {
            treatment: "mail".into(),
            control: "none".into(),
            value_per_conversion: Some(40.0),
            cost_per_contact: Some(0.5),
            costs: [("b".to_owned(), 2.0)].into(),
            ..UpliftAsked::default()
        };
        assert!(scenarios("Mail", &asked, &choice(Kind::Nobody, Some("none"), vec![])).is_empty());
        let all = scenarios("Mail", &asked, &choice(Kind::Everybody, Some("a"), vec![]));
        assert_eq!((all[0].name.as_str(), &all[0].segment, all[0].cost_per_contact), ("Mail: a", &None, Some(0.5)));
        let rules = vec![rule("b", Some("x <= 1")), rule("none", Some("x > 1")), rule("b", Some("y = 2")), rule("1", Some("z = 3"))];
        let all = scenarios("Mail", &asked, &choice(Kind::Tree, None, rules));
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].segment.as_deref(), Some("(x <= 1) or (y = 2)"));
        assert_eq!((all[0].cost_per_contact, all[0].value_per_conversion), (Some(2.0), Some(40.0)));
        let arm = |s: &Scenario| s.tested.as_ref().map(|t| (t.study.clone(), t.arm.clone()));
        assert_eq!(arm(&all[0]), Some(("Mail".to_owned(), "b".to_owned())));
        assert_eq!(arm(&all[1]), Some(("Mail".to_owned(), "1".to_owned())));
        assert!(all.iter().all(|s| s.set.is_empty()));
        Segment::parse(all[0].segment.as_deref().unwrap()).unwrap();
    }

    #[test]
    fn a_rule_and_its_condition_mean_the_same_people() {
        let mut r = rng::rng(3, "advice");
        let place = ["Rural", "O'Hara", "two words"];
        let mut text = "age,flag,place\n".to_owned();
        for _ in 0..300 {
            let age = if rng::below(&mut r, 9) == 0 { String::new() } else { format!("{}", rng::below(&mut r, 40) as f64 / 4.0 - 3.0) };
            text += &format!("{age},{},{}\n", rng::below(&mut r, 2), place[rng::below(&mut r, 3)]);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, text).unwrap();
        let ctx = crate::base::JobCtx::quiet();
        let table = read::open(&path, &ReadOptions::default(), &ctx).unwrap().table;
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        let names = ["age", "flag", "place"].map(str::to_owned);
        let encoder = Encoder::fit(&table, &names, &Roles::detect(&table), &rows, FittedPrepare::default()).unwrap();
        let (x, _) = encoder.encode(&table).unwrap();
        // Scores that want a different arm by age, place and flag.
        let scores: Vec<f64> = rows
            .iter()
            .flat_map(|&i| {
                let v = x.row(i);
                let wants = usize::from(v[0] > 1.0) + usize::from(v[2] == 1.0 || v[1] == 1.0);
                (0..3).map(move |a| if a == wants { 1.0 } else { 0.0 })
            })
            .collect();
        let grown = tree::grow(&tree::Soil { features: &encoder.features, x: &x, arms: 3, least: 10 }, &rows, &scores, 3, &ctx).unwrap();
        let paths = grown.paths(&encoder.features);
        assert!(paths.len() > 3, "{paths:?}");
        let mut seen = 0;
        for (conditions, _) in &paths {
            let text = tree::segment(conditions, &encoder.features).unwrap();
            let found = Segment::parse(&text).unwrap().rows(&table).unwrap();
            let meant: Vec<usize> =
                rows.iter().copied().filter(|&i| conditions.iter().all(|c| c.holds(&encoder.features, x.row(i)))).collect();
            assert_eq!(found, meant, "{text}");
            seen += found.len();
        }
        assert_eq!(seen, rows.len());
    }
}
