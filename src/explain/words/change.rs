//! What would have to change, and why this one and not the other.

use super::{FOR, effect, is_nothing, level, list};
use crate::base::numbers::{percent, plain};
use crate::base::{Lang, tr, tr_with};
use crate::explain::contrast::Contrast;
use crate::explain::counterfactual::{Change, Counterfactual, Rules, Search};

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

/// The rules in force, in one sentence; nothing where everything is allowed.
pub fn rules(r: &Rules, lang: Lang) -> Option<String> {
    let say = |key: &str, fields: &[(&str, &dyn std::fmt::Display)]| tr_with(lang, key, fields);
    let mut parts = Vec::new();
    for (key, names) in [("explain.rules_kept", &r.locked), ("explain.rules_up", &r.only_up), ("explain.rules_down", &r.only_down)] {
        if !names.is_empty() {
            parts.push(say(key, &[("list", &list(names, lang))]));
        }
    }
    parts.extend(r.one_of.iter().map(|(f, levels)| match levels.is_empty() {
        true => say("explain.rules_kept", &[("list", f)]),
        false => say("explain.rules_one_of", &[("feature", f), ("list", &list(levels, lang))]),
    }));
    parts.extend(r.step.iter().map(|(f, step)| say("explain.rules_step", &[("feature", f), ("step", &plain(*step))])));
    let range = |(f, (low, high)): (&String, &(f64, f64))| {
        say("explain.rules_between", &[("feature", f), ("low", &plain(*low)), ("high", &plain(*high))])
    };
    parts.extend(r.range.iter().map(range));
    parts.extend(r.price.iter().map(|(f, price)| say("explain.rules_price", &[("feature", f), ("price", &plain(*price))])));
    parts.extend(r.most_changes.map(|n| say("explain.rules_most", &[("n", &n)])));
    parts.extend(r.budget.map(|b| say("explain.rules_budget", &[("budget", &plain(b))])));
    let joint = if lang == Lang::En { "; " } else { "；" };
    (!parts.is_empty()).then(|| say("explain.rules_said", &[("list", &parts.join(joint))]))
}

/// A contrast in one sentence: the features that make most of the difference, strongest first.
pub fn contrast(c: &Contrast, lang: Lang) -> String {
    let change = c.value - c.base;
    let said = effect(change, c.scale, lang);
    if is_nothing(&said) {
        let value = level(c.value, c.scale);
        let key = if c.log_odds { "explain.contrast_same_odds" } else { "explain.contrast_same" };
        return tr_with(lang, key, &[("a", &c.a), ("b", &c.b), ("outcome", &c.outcome), ("value", &value)]);
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
    let mut out = tr_with(lang, if c.log_odds { "explain.contrast_said_odds" } else { "explain.contrast_said" }, &fields);
    if let Some(bases) = c.bases {
        out += &tr_with(lang, "explain.contrast_bases", &[("bases", &effect(bases, c.scale, lang))]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::{Fingerprint, rng};
    use crate::explain::Method;
    use crate::explain::contrast::Kind;
    use crate::explain::counterfactual::{RealRow, Wish};
    use crate::ml::model::Scale;

    #[test]
    fn changes_are_read_back() {
        let mut rng = rng::rng(51, "change said");
        for i in 0..240 {
            let (n, scale) = (1 + rng::below(&mut rng, 4), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let level = |rng: &mut rng::Rng| if scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) };
            let changes: Vec<Change> = names
                .iter()
                .enumerate()
                .map(|(k, name)| {
                    let (from, to) = (rng::below(&mut rng, 100), rng::below(&mut rng, 100));
                    Change {
                        feature: name.clone(),
                        index: k,
                        from: from as f64,
                        to: to as f64,
                        from_shown: from.to_string(),
                        to_shown: format!("{to}.5"),
                        cost: 1.0,
                    }
                })
                .collect();
            let cost = 0.5 + rng::unit(&mut rng);
            let c = Counterfactual {
                outcome: "Revenue".into(),
                scale,
                from: level(&mut rng),
                to: level(&mut rng),
                wish: Wish::AtLeast(0.5),
                changes,
                cost,
                lower_bound: cost * rng::unit(&mut rng),
                certified: i % 3 == 0,
                search: if i % 3 == 1 { Search::BranchAndBound } else { Search::GreedyVerified },
                nodes: 1,
                rules: Rules::default(),
                real: (i % 2 == 0).then(|| RealRow { at: 0, output: 0.5, cost: 1.0, differs: 1 + rng::below(&mut rng, 17) }),
                model: Fingerprint::default(),
                warnings: Vec::new(),
            };
            for lang in scan::LANGS {
                let text = change(&c, lang);
                let en = lang == Lang::En;
                let how = match (c.certified, c.search, en) {
                    (true, _, true) => " No smaller change does it (proven for these trees).",
                    (true, _, false) => "没有更小的改变可以做到（已对这些树证明）。",
                    (_, Search::BranchAndBound, true) => " Nothing that costs less than {} of this does it.",
                    (_, Search::BranchAndBound, false) => "成本低于其 {} 的改变都不可行。",
                    (_, _, true) => " Verified by asking the model about the changed row; not proven to be the smallest change.",
                    (_, _, false) => "已就改变后的行再次询问模型核实；未证明是最小的改变。",
                };
                let real = match (c.real.is_some(), en) {
                    (false, _) => "",
                    (true, true) => " The nearest real row that is so differs in {} features.",
                    (true, false) => "最接近的真实行有 {} 个特征不同。",
                };
                let would = if en { "Revenue would go from {} to {} if {}." } else { "若 {}，Revenue 将从 {} 变为 {}。" };
                let mut said = scan::must(&format!("{would}{how}{real}"), &text);
                if let Some(real) = &c.real {
                    assert_eq!(said.pop().unwrap(), real.differs.to_string());
                }
                if how.contains("{}") {
                    scan::is(&said.pop().unwrap(), c.lower_bound / cost, Scale::Probability);
                }
                let (before, after, list) = if en { (&said[0], &said[1], &said[2]) } else { (&said[1], &said[2], &said[0]) };
                scan::is(before, c.from, scale);
                scan::is(after, c.to, scale);
                let items = scan::items(list, lang);
                assert_eq!(items.len(), n);
                for (text, x) in items.iter().zip(&c.changes) {
                    let parts = scan::must(if en { "{} were {} instead of {}" } else { "{} 为 {} 而不是 {}" }, text);
                    assert_eq!(parts, [x.feature.clone(), x.to_shown.clone(), x.from_shown.clone()]);
                }
            }
        }
    }

    #[test]
    fn every_rule_is_said() {
        assert_eq!(rules(&Rules { seconds: Some(3.0), ..Rules::default() }, Lang::En), None, "how long it may take is no rule");
        let all: Rules = toml::from_str(
            r#"
            locked = ["age", "town"]
            only_up = ["visits"]
            only_down = ["price"]
            one_of = { month = ["Nov", "Dec"], device = [] }
            step = { visits = 2.0 }
            range = { price = [1.5, 20.0] }
            price = { month = 3.0 }
            most_changes = 2
            budget = 1.5
            "#,
        )
        .unwrap();
        let said = rules(&all, Lang::En).unwrap();
        for word in
            ["age", "town", "only up: visits", "only down: price", "device", "Nov", "Dec", "steps of 2", "from 1.5 to 20", "3 times"]
        {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(
            said.starts_with("Rules in force: ") && said.contains("features that change: at most 2") && said.contains("cost at most 1.5"),
            "{said}"
        );
        let zh = rules(&all, Lang::Zh).unwrap();
        assert!(["age", "visits", "price", "Nov", "1.5", "20", "3", "2"].iter().all(|w| zh.contains(w)) && !zh.contains(" in "), "{zh}");
        // What a file says is what a recipe holds and what a result carries, word for word.
        let again: Rules = toml::from_str(&toml::to_string(&all).unwrap()).unwrap();
        assert_eq!(again, all);
        assert_eq!(serde_json::from_str::<Rules>(&serde_json::to_string(&all).unwrap()).unwrap(), all);
    }

    #[test]
    fn contrasts_are_read_back() {
        let mut rng = rng::rng(52, "contrast said");
        let (mut same, mut against, mut unlike) = (0, 0, [0, 0]);
        for i in 0..300 {
            let (n, scale) = (1 + rng::below(&mut rng, 6), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let values: Vec<f64> = (0..n).map(|_| if i % 25 == 0 { 0.0 } else { 0.3 * scan::value(&mut rng, scale) }).collect();
            let base = if scale == Scale::Probability { 0.5 } else { scan::value(&mut rng, scale) };
            let value = base + values.iter().sum::<f64>();
            // Half of what is no chance is an amount, which has no unit that we know.
            let odds = scale == Scale::Margin && i % 2 == 0;
            let c = Contrast {
                kind: Kind::Rows,
                a: "Row 5".into(),
                b: "Row 9".into(),
                outcome: "Revenue".into(),
                scale,
                log_odds: odds,
                to: (0..n).map(|k| (k % 2 == 0).then(|| format!("{k}.5"))).collect(),
                from: (0..n).map(|k| (k % 2 == 0).then(|| k.to_string())).collect(),
                features: names.clone(),
                values: values.clone(),
                half_width: Vec::new(),
                value,
                base,
                gap: 0.0,
                bases: (i % 3 == 0).then(|| 0.3 * scan::value(&mut rng, scale)),
                rows: None,
                method: Method::ExactShap,
                model: Fingerprint::default(),
                warnings: Vec::new(),
            };
            unlike[usize::from(odds)] += usize::from(scale == Scale::Margin);
            let mut order: Vec<usize> = (0..n).filter(|f| values[*f] != 0.0).collect();
            order.sort_by(|x, y| values[*y].abs().total_cmp(&values[*x].abs()));
            for lang in scan::LANGS {
                let (text, en) = (contrast(&c, lang), lang == Lang::En);
                if i % 25 == 0 {
                    let pattern = match (odds, en) {
                        (true, true) => "Row 5 and Row 9 have the same log-odds of Revenue, {}.",
                        (false, true) => "Row 5 and Row 9 have the same Revenue, {}.",
                        (true, false) => "Row 5 与 Row 9 的 Revenue 对数几率相同，均为 {}。",
                        (false, false) => "Row 5 与 Row 9 的 Revenue 相同，均为 {}。",
                    };
                    let said = scan::must(pattern, &text);
                    scan::is(&said[0], value, scale);
                    same += 1;
                    continue;
                }
                let mut pattern = match (odds, en) {
                    (true, true) => "In log-odds, Row 5 has {}, Row 9 has {}: a difference of {}. Its largest shares: {}.".to_owned(),
                    (false, true) => "Row 5 has {}, Row 9 has {}: a difference of {}. Its largest shares: {}.".to_owned(),
                    (true, false) => "按对数几率，Row 5 为 {}，Row 9 为 {}，相差 {}。其中份额最大的是 {}。".to_owned(),
                    (false, false) => "Row 5 为 {}，Row 9 为 {}，相差 {}。其中份额最大的是 {}。".to_owned(),
                };
                if c.bases.is_some() {
                    pattern += if en {
                        " Of the difference, {} is that the two models start from different base values."
                    } else {
                        "其中 {} 源于两个模型的基准值不同。"
                    };
                }
                let said = scan::must(&pattern, &text);
                if let Some(bases) = c.bases {
                    scan::is_signed(&said[4], bases, scale);
                }
                scan::is(&said[0], value, scale);
                scan::is(&said[1], base, scale);
                scan::is_signed(&said[2], value - base, scale);
                let items = scan::items(&said[3], lang);
                assert_eq!(items.len(), order.len().min(FOR));
                for (text, f) in items.iter().zip(&order) {
                    let parts = scan::must(if en { "{} ({})" } else { "{}（{}）" }, text);
                    let named = if f % 2 == 0 { format!("{} {f}.5 ≠ {f}", names[*f]) } else { names[*f].clone() };
                    assert_eq!(parts[0], named);
                    scan::is_signed(&parts[1], values[*f], scale);
                    against += usize::from((values[*f] > 0.0) != (value > base));
                }
            }
        }
        assert!(same > 5 && against > 50 && unlike.iter().all(|n| *n > 40));
    }
}
