//! What money earns in a scenario, as a sentence and a picture.

use super::chart::{Chart, Curve, Lines, Part, Point, Show};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::simulate::{Frontier, Spent};

/// How far to go, and how far the plan goes, in one sentence.
pub fn frontier_says(f: &Frontier, lang: Lang) -> String {
    let best = f.best_first[f.best];
    let all = f.best_first[f.best_first.len() - 1];
    let key = match f.best {
        0 => "strategy.frontier_nobody",
        _ if best.profit.low <= 0.0 => "strategy.frontier_chance",
        b if b + 1 == f.best_first.len() => "strategy.frontier_everybody",
        _ => "strategy.frontier_best",
    };
    let band =
        |s: &Spent| format!("{} ({} … {})", numbers::signed(s.profit.value), numbers::signed(s.profit.low), numbers::signed(s.profit.high));
    let people = |s: &Spent| numbers::fixed(s.people, 0);
    let fields: [(&str, &dyn std::fmt::Display); 8] = [
        ("name", &f.scenario),
        ("people", &people(&best)),
        ("of", &people(&all)),
        ("cost", &numbers::plain(best.cost)),
        ("profit", &band(&best)),
        ("everybody", &band(&all)),
        ("planned", &people(&f.planned)),
        ("planned_profit", &band(&f.planned)),
    ];
    tr_with(lang, key, &fields)
}

/// Profit by money spent; by people reached where nothing costs anything.
pub fn frontier_chart(f: &Frontier, lang: Lang) -> Chart {
    let costs = f.best_first.iter().any(|s| s.cost > 0.0);
    let curve = |key: &str, part: Part, all: &[Spent]| Curve {
        name: tr(lang, key).to_owned(),
        part,
        points: all
            .iter()
            .map(|s| Point { x: if costs { s.cost } else { s.people }, value: s.profit.value, band: Some((s.profit.low, s.profit.high)) })
            .collect(),
    };
    Chart::Lines(Lines {
        x_name: tr(lang, if costs { "strategy.frontier_spent" } else { "strategy.frontier_people" }).to_owned(),
        y_name: tr(lang, "why.profit_axis").to_owned(),
        x: Show::Plain,
        y: Show::Signed,
        steps: false,
        curves: vec![
            curve("strategy.frontier_best_first", Part::Main, &f.best_first),
            curve("strategy.frontier_by_chance", Part::Reference, &f.by_chance),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::simulate::{Covers, Estimate};

    fn at(people: f64, profit: f64, half: f64) -> Spent {
        let e = |value: f64| Estimate { value, low: value - half, high: value + half, covers: Covers::Sample };
        Spent { people, cost: 2.0 * people, conversions: e(people / 10.0), profit: e(profit) }
    }

    #[test]
    fn it_says_how_far_to_go() {
        let mut f = Frontier {
            scenario: "Mail".into(),
            best_first: vec![at(0.0, 0.0, 0.0), at(50.0, 400.0, 30.0), at(100.0, 120.0, 50.0)],
            by_chance: vec![at(0.0, 0.0, 0.0), at(100.0, 120.0, 50.0)],
            best: 1,
            planned: at(70.0, 90.0, 40.0),
        };
        for lang in [Lang::En, Lang::Zh] {
            let says = |f: &Frontier| frontier_says(f, lang);
            let usual = says(&f);
            assert!(["50", "+400 (+370 … +430)", "70", "+120"].iter().all(|t| usual.contains(t)) && !usual.contains('{'), "{usual}");
            f.best_first[1] = at(50.0, 400.0, 500.0);
            assert_ne!(says(&f), usual, "what may be chance is no advice");
            assert!(says(&f).contains("+400 (−100 … +900)"), "{}", says(&f));
            (f.best, f.best_first[1]) = (0, at(50.0, -10.0, 1.0));
            assert!(!says(&f).contains('{') && says(&f) != usual);
            (f.best, f.best_first[1]) = (1, at(50.0, 400.0, 30.0));
        }
        let Chart::Lines(l) = frontier_chart(&f, Lang::En) else { panic!("curves are expected") };
        assert_eq!((l.curves[0].points[1].x, l.curves[0].points[1].band), (100.0, Some((370.0, 430.0))));
        f.best_first.iter_mut().for_each(|s| s.cost = 0.0);
        let Chart::Lines(l) = frontier_chart(&f, Lang::En) else { panic!("curves are expected") };
        assert_eq!(l.curves[0].points[1].x, 50.0, "people, where nothing costs anything");
    }
}
