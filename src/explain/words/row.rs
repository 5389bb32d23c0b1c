//! One row: the sentence under a waterfall.

use super::{FOR, effect, is_nothing, level, list};
use crate::base::numbers::{fixed, plain};
use crate::base::{Lang, tr, tr_with};
use crate::data::Feature;
use crate::explain::attribution::Attribution;
use crate::ml::model::Scale;

/// Most features named against.
const AGAINST: usize = 2;
/// Features named for the change stop once they make up this share of all that pull the same way.
const ENOUGH: f64 = 0.8;
/// Weaker ones than this share of the strongest are not worth a word against.
const WORTH: f64 = 0.03;

/// The i-th explained row in one or two sentences.
pub fn sentence(a: &Attribution, i: usize, features: &[Feature], lang: Lang) -> String {
    let (Some(&value), values) = (a.predictions.get(i), a.row(i)) else { return String::new() };
    let change = value - a.base;
    let which = match a.scale {
        Scale::Probability => "chance",
        Scale::Margin if a.amount => "amount",
        // One of several classes has a score that only the others' scores turn into a chance.
        Scale::Margin if !a.class.is_empty() => "score",
        Scale::Margin => "margin",
    };
    // What reads as nothing must not be called a difference.
    let size = match a.scale {
        Scale::Probability => fixed(change.abs() * 100.0, if change.abs() < 0.001 { 3 } else { 1 }),
        Scale::Margin => plain(change.abs()),
    };
    let how = if is_nothing(&size) {
        "same"
    } else if change > 0.0 {
        "above"
    } else {
        "below"
    };
    let mut out = tr_with(
        lang,
        &format!("explain.{which}_{how}"),
        &[("outcome", &a.outcome), ("value", &level(value, a.scale)), ("change", &size), ("base", &level(a.base, a.scale))],
    );
    let up = change >= 0.0;
    let mut order: Vec<usize> = (0..values.len()).filter(|&f| values[f] != 0.0 && values[f].is_finite()).collect();
    order.sort_by(|&f, &g| values[g].abs().total_cmp(&values[f].abs()).then(f.cmp(&g)));
    let strongest = order.first().map_or(0.0, |&f| values[f].abs());
    let (with, against): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&f| (values[f] > 0.0) == up);
    let all: f64 = with.iter().map(|&f| values[f].abs()).sum();
    let mut named = Vec::new();
    let mut sum = 0.0;
    for f in with.into_iter().take(FOR) {
        if sum < ENOUGH * all {
            sum += values[f].abs();
            named.push(f);
        }
    }
    let against: Vec<usize> = against.into_iter().take(AGAINST).filter(|&f| values[f].abs() >= WORTH * strongest).collect();
    let item = |key: &str, f: usize| {
        // A group of features has no one value to name.
        let value = || tr_with(lang, "explain.named", &[("feature", &a.features[f]), ("value", &a.input_shown(i, f, features))]);
        let named = if a.group(f).is_empty() { value() } else { a.features[f].clone() };
        tr_with(lang, key, &[("named", &named), ("effect", &effect(values[f], a.scale, lang))])
    };
    let items = |which: &[usize]| list(&which.iter().map(|&f| item("explain.item", f)).collect::<Vec<_>>(), lang);
    if !named.is_empty() {
        out += &tr_with(lang, "explain.because", &[("list", &items(&named))]);
    }
    if !against.is_empty() {
        out += if named.is_empty() { if lang == Lang::En { " " } else { "" } } else { tr(lang, "explain.but") };
        let way = if up { "down" } else { "up" };
        out += &match against.as_slice() {
            [one] => item(&format!("explain.{way}_one"), *one),
            many => tr_with(lang, &format!("explain.{way}_many"), &[("list", &items(many))]),
        };
    }
    if !named.is_empty() || !against.is_empty() {
        out += tr(lang, "explain.end");
    }
    let rest = a.gaps.get(i).copied().unwrap_or(0.0);
    if rest.abs() > 0.05 * change.abs().max(0.01) {
        out += &tr_with(lang, "explain.rest", &[("rest", &effect(rest, a.scale, lang))]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::summary::tests::{attribution, feature};

    fn shop() -> (Vec<Feature>, Attribution) {
        let f = vec![feature("PageValues", &[]), feature("Month", &["Feb", "Nov"]), feature("ExitRates", &[]), feature("Region", &[])];
        let a = attribution(&f, vec![24.3, 1.0, 0.04, 1.0], vec![0.381, 0.06, -0.012, 0.039], 0.155, Scale::Probability);
        (f, a)
    }

    #[test]
    fn one_row_reads_well() {
        let (f, mut a) = shop();
        assert_eq!(
            sentence(&a, 0, &f, Lang::En),
            "The chance of Revenue is 62.3 %, 46.8 points above the base of 15.5 %. Mostly because PageValues = 24.3 (+38.1 pp) and \
             Month = Nov (+6.0 pp); ExitRates = 0.04 pulls it down (−1.2 pp)."
        );
        a.values = vec![0.281, 0.16, -0.062, 0.089];
        assert_eq!(
            sentence(&a, 0, &f, Lang::En),
            "The chance of Revenue is 62.3 %, 46.8 points above the base of 15.5 %. Mostly because PageValues = 24.3 (+28.1 pp) and \
             Month = Nov (+16.0 pp); ExitRates = 0.04 pulls it down (−6.2 pp)."
        );
        assert_eq!(
            sentence(&a, 0, &f, Lang::Zh),
            "Revenue 的概率为 62.3 %，比基准 15.5 % 高 46.8 个百分点。主要因为 PageValues = 24.3（+28.1 个百分点）和 Month = Nov（+16.0 个百分点）；ExitRates = 0.04 使其降低（−6.2 个百分点）。"
        );
    }

    /// Every “name = value … (effect)” of a sentence, in its order.
    fn parse(text: &str) -> Vec<(String, f64)> {
        let text = text.replace('（', "(").replace('）', ")");
        let mut out = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(" = ") {
            let name = rest[..at].rsplit([' ', '；', '，', '和', '、', ')']).next().unwrap().to_owned();
            rest = &rest[at + 3..];
            let (open, close) = (rest.find('(').unwrap(), rest.find(')').unwrap());
            let number: String = rest[open + 1..close].chars().filter(|c| "0123456789.+−".contains(*c)).collect();
            out.push((name, number.replace('−', "-").parse().unwrap()));
            rest = &rest[close..];
        }
        out
    }

    #[test]
    fn what_is_said_is_what_was_computed() {
        let f: Vec<Feature> = (0..6).map(|i| feature(&format!("f{i}"), &[])).collect();
        let mut rng = rng::rng(4, "words");
        for _ in 0..300 {
            let values: Vec<f64> = (0..6).map(|_| 0.2 * (rng::unit(&mut rng) - 0.5)).collect();
            let a = attribution(&f, vec![1.5; 6], values.clone(), 0.5, Scale::Probability);
            let up = a.predictions[0] > a.base;
            for lang in [Lang::En, Lang::Zh] {
                let text = sentence(&a, 0, &f, lang);
                let said = parse(&text);
                assert!(!said.is_empty(), "{text}");
                for (name, points) in &said {
                    let true_value = values[name[1..].parse::<usize>().unwrap()];
                    assert!((points / 100.0 - true_value).abs() < 6e-4, "{text} {values:?}");
                }
                let (with, against): (Vec<f64>, Vec<f64>) = said.iter().map(|s| s.1).partition(|p| (*p > 0.0) == up);
                for (group, positive) in [(&with, up), (&against, !up)] {
                    assert!(group.windows(2).all(|w| w[0].abs() >= w[1].abs()), "{text}");
                    let strongest = values.iter().filter(|v| (**v > 0.0) == positive).fold(0.0f64, |s, v| s.max(v.abs()));
                    assert!(group.first().is_none_or(|first| (first.abs() / 100.0 - strongest).abs() < 6e-4), "{text}");
                }
                // Those for come first.
                assert!(said.iter().take(with.len()).all(|s| (s.1 > 0.0) == up), "{text}");
                let (above, below) = if lang == Lang::En { ("above", "below") } else { ("高", "低") };
                assert!(text.split(['。', '.']).collect::<String>().contains(if up { above } else { below }));
            }
        }
    }

    #[test]
    fn edges() {
        let f = vec![feature("a", &[])];
        let nothing = attribution(&f, vec![f64::NAN], vec![0.0], 0.2, Scale::Probability);
        assert_eq!(sentence(&nothing, 0, &f, Lang::En), "The chance of Revenue is 20.0 %, the same as the base of 20.0 %.");
        let mut rest = attribution(&f, vec![2.0], vec![1.0], 0.0, Scale::Margin);
        rest.gaps[0] = -0.4;
        let text = sentence(&rest, 0, &f, Lang::En);
        assert!(text.contains("a = 2 (+1)") && text.ends_with("leave −0.4 unexplained."), "{text}");
        rest.class = "Revenue".into();
        assert!(sentence(&rest, 0, &f, Lang::En).starts_with("The score of Revenue is 1, 1 above the base of 0. "));
        assert!(sentence(&rest, 0, &f, Lang::Zh).starts_with("Revenue 的得分为 1，比基准 0 高 1。"));
    }

    /// Level, base and the way from one to the other, on every scale; an amount is no log-odds.
    #[test]
    fn level_and_base_are_those_of_the_row() {
        let f: Vec<Feature> = (0..3).map(|i| feature(&format!("f{i}"), &[])).collect();
        let mut rng = rng::rng(6, "row said");
        let (mut ups, mut downs) = (0, 0);
        for i in 0..300 {
            let scale = scan::scale(&mut rng);
            let base = if scale == Scale::Probability { 0.5 } else { scan::value(&mut rng, scale) };
            let values: Vec<f64> = (0..3).map(|_| 0.2 * scan::value(&mut rng, scale)).collect();
            let mut a = attribution(&f, vec![1.0; 3], values, base, scale);
            a.amount = scale == Scale::Margin && i % 2 == 0;
            a.gaps[0] = 0.3 * (a.predictions[0] - base);
            let up = a.predictions[0] > base;
            for lang in scan::LANGS {
                let text = sentence(&a, 0, &f, lang);
                let pattern = match (lang, scale, a.amount, up) {
                    (Lang::En, Scale::Probability, _, true) => "The chance of Revenue is {}, {} points above the base of {}. M{}",
                    (Lang::En, Scale::Probability, _, false) => "The chance of Revenue is {}, {} points below the base of {}. M{}",
                    (Lang::En, Scale::Margin, true, true) => "The expected Revenue is {}, {} above the base of {}. M{}",
                    (Lang::En, Scale::Margin, true, false) => "The expected Revenue is {}, {} below the base of {}. M{}",
                    (Lang::En, Scale::Margin, false, true) => "The log-odds of Revenue are {}, {} above the base of {}. M{}",
                    (Lang::En, Scale::Margin, false, false) => "The log-odds of Revenue are {}, {} below the base of {}. M{}",
                    (Lang::Zh, Scale::Probability, _, true) => "Revenue 的概率为 {}，比基准 {} 高 {} 个百分点。{}",
                    (Lang::Zh, Scale::Probability, _, false) => "Revenue 的概率为 {}，比基准 {} 低 {} 个百分点。{}",
                    (Lang::Zh, Scale::Margin, true, true) => "Revenue 的预期值为 {}，比基准 {} 高 {}。{}",
                    (Lang::Zh, Scale::Margin, true, false) => "Revenue 的预期值为 {}，比基准 {} 低 {}。{}",
                    (Lang::Zh, Scale::Margin, false, true) => "Revenue 的对数几率为 {}，比基准 {} 高 {}。{}",
                    (Lang::Zh, Scale::Margin, false, false) => "Revenue 的对数几率为 {}，比基准 {} 低 {}。{}",
                };
                let said = scan::must(pattern, &text);
                let (size, at) = if lang == Lang::En { (&said[1], &said[2]) } else { (&said[2], &said[1]) };
                scan::is(&said[0], a.predictions[0], scale);
                scan::is(at, base, scale);
                let points = if scale == Scale::Probability { format!("{size} pp") } else { size.clone() };
                scan::is_size(&points, a.predictions[0] - base, scale);
                // The rest is said with its sign, where it is worth a word.
                if a.gaps[0].abs() > 0.05 * (a.predictions[0] - base).abs().max(0.01) {
                    let rest =
                        if lang == Lang::En { "{} The features leave {} unexplained." } else { "{}另有 {} 无法由特征解释。" };
                    scan::is_signed(&scan::must(rest, &text)[1], a.gaps[0], scale);
                }
            }
            if up { ups += 1 } else { downs += 1 }
        }
        assert!(ups > 50 && downs > 50);
    }

    #[test]
    fn a_group_is_named_without_a_value() {
        let f = [feature("Pages", &[]), feature("Seconds", &[]), feature("Month", &["Feb", "Nov"])];
        let two = [feature("Visit", &[]), feature("Month", &[])];
        let mut a = attribution(&two, vec![f64::NAN, 1.0], vec![0.3, -0.1], 0.2, Scale::Probability);
        a.members = vec![vec![0, 1], vec![2]];
        for lang in scan::LANGS {
            let said = sentence(&a, 0, &f, lang);
            // Several columns have no one value; a feature that plays alone keeps its own.
            let group = if lang == Lang::En { "Visit (+30.0 pp)" } else { "Visit（+30.0 个百分点）" };
            assert!(said.contains(group) && said.contains("Month = Nov"), "{said}");
            assert!(!said.contains("Visit =") && !said.contains("NaN"), "{said}");
        }
    }
}
