//! An attribution in words: the sentence under a waterfall and the one over a beeswarm, made from the same numbers.

use crate::base::numbers::{count, fixed, percent, plain, points, signed};
use crate::base::{Lang, tr, tr_with};
use crate::data::Feature;
use crate::ml::model::Scale;

use super::attribution::Attribution;
use super::contrast::Contrast;
use super::counterfactual::{Change, Counterfactual, Search};
use super::effect::{EffectCurve, Fan, Kind, Point};
use super::inside::Inside;
use super::levels::Levels;
use super::summary::Summary;

/// Most features named for and against.
const FOR: usize = 3;
const AGAINST: usize = 2;
/// Features named for the change stop once they make up this share of all that pull the same way.
const ENOUGH: f64 = 0.8;
/// Weaker ones than this share of the strongest are not worth a word against.
const WORTH: f64 = 0.03;

/// A signed effect with its unit.
fn effect(x: f64, scale: Scale, lang: Lang) -> String {
    match scale {
        Scale::Margin => signed(x),
        Scale::Probability => points(x).replace("pp", tr(lang, "explain.point_unit")),
    }
}

/// A level of the output.
fn level(x: f64, scale: Scale) -> String {
    if scale == Scale::Margin { plain(x) } else { percent(x) }
}

/// “a, b and c”.
fn list(items: &[String], lang: Lang) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}{}{last}", first.join(tr(lang, "explain.comma")), tr(lang, "explain.and")),
    }
}

/// The i-th explained row in one or two sentences.
pub fn sentence(a: &Attribution, i: usize, features: &[Feature], lang: Lang) -> String {
    let (Some(&value), values) = (a.predictions.get(i), a.row(i)) else { return String::new() };
    let change = value - a.base;
    let which = if a.scale == Scale::Probability { "chance" } else { "margin" };
    // What reads as nothing must not be called a difference.
    let size = match a.scale {
        Scale::Probability => fixed(change.abs() * 100.0, if change.abs() < 0.001 { 3 } else { 1 }),
        Scale::Margin => plain(change.abs()),
    };
    let none = size.chars().all(|c| !c.is_ascii_digit() || c == '0');
    let how = if none {
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
        let shown = a.input_shown(i, f, features);
        tr_with(lang, key, &[("feature", &a.features[f]), ("value", &shown), ("effect", &effect(values[f], a.scale, lang))])
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

/// Whether the reasons stay from training to training.
pub fn stability(s: &super::trust::Stability, lang: Lang) -> String {
    use super::trust::Verdict;
    let key = match s.verdict {
        Verdict::Ok => "explain.again_ok",
        Verdict::Doubtful => "explain.again_doubtful",
        Verdict::Failed => "explain.again_failed",
    };
    let (shared, rows) = (crate::base::numbers::percent(s.shared), crate::base::numbers::fixed(s.rows, 2));
    tr_with(lang, key, &[("n", &(s.versions - 1)), ("shared", &shared), ("top", &s.top), ("rows", &rows)])
}

/// Many rows in one sentence.
pub fn overview(s: &Summary, a: &Attribution, lang: Lang) -> String {
    let rows = crate::base::numbers::count(s.rows as i64);
    let named: Vec<String> = s
        .importance
        .iter()
        .take(FOR)
        .filter(|i| i.mean_abs > 0.0)
        .map(|i| {
            let key = match i.direction {
                Some(d) if d > 0.3 => "explain.overview_up",
                Some(d) if d < -0.3 => "explain.overview_down",
                _ => "explain.overview_item",
            };
            // A size has no sign.
            let size = effect(i.mean_abs, a.scale, lang).trim_start_matches('+').to_owned();
            tr_with(lang, key, &[("feature", &i.name), ("effect", &size)])
        })
        .collect();
    if named.is_empty() {
        return tr_with(lang, "explain.nothing", &[("outcome", &a.outcome), ("base", &level(a.base, a.scale)), ("rows", &rows)]);
    }
    tr_with(lang, "explain.overview", &[("rows", &rows), ("outcome", &a.outcome), ("list", &list(&named, lang))])
}

/// What an effect looks like, in one sentence.
pub fn curve(curve: &EffectCurve, lang: Lang) -> String {
    let rows = count(curve.rows as i64);
    if let Some(fan) = curve.fan(false) {
        return rows_apart(curve, &fan, lang);
    }
    let shown: Vec<_> = curve.points.iter().filter(|p| p.effect.is_finite() && p.density > 0.0).collect();
    let highest = shown.iter().max_by(|a, b| a.effect.total_cmp(&b.effect));
    let lowest = shown.iter().min_by(|a, b| a.effect.total_cmp(&b.effect));
    let (Some(high), Some(low)) = (highest, lowest) else { return String::new() };
    if high.effect - low.effect <= 1e-9 {
        return tr_with(lang, "explain.effect_flat", &[("feature", &curve.feature), ("outcome", &curve.outcome), ("rows", &rows)]);
    }
    let place = |p: &Point| p.label_2.as_ref().map_or_else(|| p.label.clone(), |second| format!("{} × {second}", p.label));
    let said = |p: &Point| if curve.kind == Kind::Ale { effect(p.effect, curve.scale, lang) } else { level(p.effect, curve.scale) };
    let second = curve.feature_2.clone().unwrap_or_default();
    let key = if curve.feature_2.is_some() && curve.kind == Kind::Ale { "explain.effect_together" } else { "explain.effect_between" };
    let fields: [(&str, &dyn std::fmt::Display); 8] = [
        ("feature", &curve.feature),
        ("feature_2", &second),
        ("outcome", &curve.outcome),
        ("high", &place(high)),
        ("high_effect", &said(high)),
        ("low", &place(low)),
        ("low_effect", &said(low)),
        ("rows", &rows),
    ];
    tr_with(lang, key, &fields)
}

/// Curves of single rows, in one sentence: do they agree?
fn rows_apart(curve: &EffectCurve, fan: &Fan, lang: Lang) -> String {
    let (Some(first), Some(last)) = (fan.places.first(), fan.places.last()) else { return String::new() };
    let way = fan.mean.last().copied().unwrap_or(0.0) - fan.mean.first().copied().unwrap_or(0.0);
    let fields: [(&str, &dyn std::fmt::Display); 8] = [
        ("feature", &curve.feature),
        ("outcome", &curve.outcome),
        ("from", &first.1),
        ("to", &last.1),
        ("up", &fan.up),
        ("down", &fan.down),
        ("rows", &fan.sampled),
        ("mean", &effect(way, curve.scale, lang)),
    ];
    tr_with(lang, "explain.effect_rows", &fields)
}

/// What is in a group, in one or two sentences; where the members do not sum to it, by how much and why.
pub fn inside(i: &Inside, lang: Lang) -> String {
    let said = |v: f64| effect(v, i.scale, lang);
    let item = |m: &super::inside::Member| {
        let feature = m.shown.as_ref().map_or_else(|| m.name.clone(), |shown| format!("{} = {shown}", m.name));
        tr_with(lang, "explain.contrast_item", &[("feature", &feature), ("effect", &said(m.value))])
    };
    let named: Vec<String> = i.members.iter().take(FOR + 1).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("group", &i.group), ("outcome", &i.outcome), ("whole", &said(i.whole)), ("list", &list(&named, lang))];
    let key = if i.row.is_some() { "explain.inside_row" } else { "explain.inside_rows" };
    let mut out = tr_with(lang, key, &fields);
    let rest = said(i.rest);
    let none = !rest.chars().any(|c| c.is_ascii_digit() && c != '0');
    out += &if none {
        tr(lang, "explain.inside_sums").to_owned()
    } else {
        tr_with(lang, "explain.inside_apart", &[("sum", &said(i.sum)), ("rest", &rest)])
    };
    out
}

/// Levels of a feature in one sentence: which raise most and which lower most, among those with enough rows.
pub fn levels(l: &Levels, lang: Lang) -> String {
    let rows = count(l.rows as i64);
    let named = |level: &super::levels::Level| match level.kind {
        super::levels::Kind::Missing => tr(lang, "explain.level_missing").to_owned(),
        super::levels::Kind::NoneOf => tr(lang, "explain.level_none").to_owned(),
        super::levels::Kind::Unseen => tr(lang, "explain.level_unseen").to_owned(),
        super::levels::Kind::Value => level.bin.label.clone(),
    };
    let enough: Vec<_> = l.levels.iter().filter(|x| !x.few).collect();
    let (Some(high), Some(low)) = (enough.first(), enough.last()) else {
        return tr_with(lang, "explain.levels_few", &[("feature", &l.feature), ("rows", &rows)]);
    };
    let fields: [(&str, &dyn std::fmt::Display); 7] = [
        ("feature", &l.feature),
        ("outcome", &l.outcome),
        ("rows", &rows),
        ("high", &named(high)),
        ("high_effect", &effect(high.bin.mean, l.scale, lang)),
        ("low", &named(low)),
        ("low_effect", &effect(low.bin.mean, l.scale, lang)),
    ];
    tr_with(lang, if enough.len() > 1 { "explain.levels_said" } else { "explain.levels_one" }, &fields)
}

/// The smallest change, in one or two sentences.
pub fn change(c: &Counterfactual, lang: Lang) -> String {
    let one = |x: &Change| tr_with(lang, "explain.change_one", &[("feature", &x.feature), ("to", &x.to_shown), ("from", &x.from_shown)]);
    let named: Vec<String> = c.changes.iter().map(one).collect();
    let (before, after) = (level(c.from, c.scale), level(c.to, c.scale));
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("outcome", &c.outcome), ("before", &before), ("after", &after), ("list", &list(&named, lang))];
    let mut out = tr_with(lang, "explain.change_would", &fields);
    out += &match (c.certified, c.search) {
        (true, _) => tr(lang, "explain.change_proven").to_owned(),
        (false, Search::BranchAndBound) => {
            tr_with(lang, "explain.change_bounded", &[("share", &percent(c.lower_bound / c.cost.max(1e-12)))])
        }
        (false, Search::GreedyVerified) => tr(lang, "explain.change_verified").to_owned(),
    };
    if let Some(real) = &c.real {
        out += &tr_with(lang, "explain.change_real", &[("differs", &real.differs)]);
    }
    out
}

/// A contrast in one sentence: the features that make most of the difference, strongest first.
pub fn contrast(c: &Contrast, lang: Lang) -> String {
    let change = c.value - c.base;
    let said = effect(change, c.scale, lang);
    if !said.chars().any(|x| x.is_ascii_digit() && x != '0') {
        let value = level(c.value, c.scale);
        return tr_with(lang, "explain.contrast_same", &[("a", &c.a), ("b", &c.b), ("outcome", &c.outcome), ("value", &value)]);
    }
    let mut order: Vec<usize> = (0..c.values.len()).filter(|&f| c.values[f] != 0.0).collect();
    order.sort_by(|x, y| c.values[*y].abs().total_cmp(&c.values[*x].abs()).then(x.cmp(y)));
    let item = |f: &usize| {
        let shown = match (&c.from[*f], &c.to[*f]) {
            (Some(from), Some(to)) if from != to => format!("{} {to} ≠ {from}", c.features[*f]),
            _ => c.features[*f].clone(),
        };
        tr_with(lang, "explain.contrast_item", &[("feature", &shown), ("effect", &effect(c.values[*f], c.scale, lang))])
    };
    let named: Vec<String> = order.iter().take(FOR).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 6] = [
        ("a", &c.a),
        ("b", &c.b),
        ("value", &level(c.value, c.scale)),
        ("base", &level(c.base, c.scale)),
        ("change", &said),
        ("list", &list(&named, lang)),
    ];
    let mut out = tr_with(lang, "explain.contrast_said", &fields);
    if let Some(bases) = c.bases {
        out += &tr_with(lang, "explain.contrast_bases", &[("bases", &effect(bases, c.scale, lang))]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::summary::summarise;
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::base::rng;

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
        let s = summarise(&nothing, &f, 1);
        assert!(overview(&s, &nothing, Lang::En).starts_with("No feature moves Revenue"));
        let mut rest = attribution(&f, vec![2.0], vec![1.0], 0.0, Scale::Margin);
        rest.gaps[0] = -0.4;
        let text = sentence(&rest, 0, &f, Lang::En);
        assert!(text.contains("a = 2 (+1)") && text.ends_with("leave −0.4 unexplained."), "{text}");
    }

    #[test]
    fn many_rows_read_well() {
        let f = vec![feature("a", &[]), feature("b", &["x", "y"])];
        let inputs = vec![1.0, 0.0, 2.0, 1.0, 3.0, 0.0];
        let a = attribution(&f, inputs, vec![-0.1, 0.02, 0.0, -0.01, 0.1, 0.0], 0.3, Scale::Probability);
        let s = summarise(&a, &f, 1);
        assert_eq!(
            overview(&s, &a, Lang::En),
            "Over 3 rows, Revenue is moved most by a (6.7 pp, more of it raises the outcome) and b (1.0 pp) (average size of the effect per row)."
        );
        assert!(overview(&s, &a, Lang::Zh).contains("a（6.7 个百分点，值越大结果越高）"));
    }
}
