//! Inside a feature: the members of a group of features, and the levels of a category.

use super::{FOR, effect, is_nothing, list};
use crate::base::numbers::count;
use crate::base::{Lang, tr, tr_with};
use crate::explain::inside::{Inside, Member};
use crate::explain::levels::{Kind, Level, Levels};

/// What is in a group, in one or two sentences; where the members do not sum to it, by how much and why.
pub fn inside(i: &Inside, lang: Lang) -> String {
    let said = |v: f64| effect(v, i.scale, lang);
    let item = |m: &Member| {
        let feature = m.shown.as_ref().map_or_else(|| m.name.clone(), |shown| format!("{} = {shown}", m.name));
        tr_with(lang, "explain.contrast_item", &[("feature", &feature), ("effect", &said(m.value))])
    };
    let named: Vec<String> = i.members.iter().take(FOR + 1).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 4] =
        [("group", &i.group), ("outcome", &i.outcome), ("whole", &said(i.whole)), ("list", &list(&named, lang))];
    let key = if i.row.is_some() { "explain.inside_row" } else { "explain.inside_rows" };
    let mut out = tr_with(lang, key, &fields);
    let rest = said(i.rest);
    out += &if is_nothing(&rest) {
        tr(lang, "explain.inside_sums").to_owned()
    } else {
        tr_with(lang, "explain.inside_apart", &[("sum", &said(i.sum)), ("rest", &rest)])
    };
    out
}

/// Levels of a feature in one sentence: which raise most and which lower most, among those with enough rows.
pub fn levels(l: &Levels, lang: Lang) -> String {
    let rows = count(l.rows as i64);
    let named = |level: &Level| match level.kind {
        Kind::Missing => tr(lang, "explain.level_missing").to_owned(),
        Kind::NoneOf => tr(lang, "explain.level_none").to_owned(),
        Kind::Unseen => tr(lang, "explain.level_unseen").to_owned(),
        Kind::Value => level.bin.label.clone(),
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

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::summary::DependenceBin;

    #[test]
    fn a_group_is_read_back() {
        let mut rng = rng::rng(81, "inside said");
        for i in 0..200 {
            let (n, scale) = (2 + rng::below(&mut rng, 5), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let mut members: Vec<Member> = names
                .iter()
                .map(|name| {
                    let value = 0.3 * scan::value(&mut rng, scale);
                    Member { name: name.clone(), shown: (i % 2 == 0).then(|| "3".to_owned()), value, size: value.abs() }
                })
                .collect();
            members.sort_by(|a, b| b.size.total_cmp(&a.size));
            let sum: f64 = members.iter().map(|m| m.value).sum();
            let rest = if i % 3 == 0 { 0.0 } else { 0.3 * scan::value(&mut rng, scale) };
            let made = Inside {
                group: "Pages".into(),
                outcome: "Revenue".into(),
                scale,
                row: (i % 2 == 0).then_some(4),
                rows: 1,
                whole: sum + rest,
                size: 1.0,
                members,
                sum,
                rest,
            };
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let first = match (en, i % 2 == 0) {
                    (true, true) => "Together, Pages moves Revenue of this row by {}. Its members alone: {}.",
                    (true, false) => "Together, Pages moves Revenue by {} on average. Its members alone: {}.",
                    (false, true) => "Pages 作为整体使此行的 Revenue 变化 {}。各成员单独为：{}。",
                    (false, false) => "Pages 作为整体平均使 Revenue 变化 {}。各成员单独为：{}。",
                };
                let second = match (en, rest == 0.0) {
                    (true, true) => " They sum to the group.",
                    (true, false) => {
                        " They sum to {}, so the group differs by {}: what its members do together with other features is shared anew when each plays for itself."
                    }
                    (false, true) => "各成员之和等于该组。",
                    (false, false) => "各成员之和为 {}，与该组相差 {}：各成员单独参与时，它们与其他特征的共同作用会被重新分配。",
                };
                let said = scan::must(&format!("{first}{second}"), &inside(&made, lang));
                scan::is_signed(&said[0], made.whole, scale);
                let items = scan::items(&said[1], lang);
                assert_eq!(items.len(), n.min(4));
                for (text, m) in items.iter().zip(&made.members) {
                    let parts = scan::must(if en { "{} ({})" } else { "{}（{}）" }, text);
                    assert_eq!(parts[0], if i % 2 == 0 { format!("{} = 3", m.name) } else { m.name.clone() });
                    scan::is_signed(&parts[1], m.value, scale);
                }
                if rest != 0.0 {
                    scan::is_signed(&said[2], sum, scale);
                    scan::is_signed(&said[3], rest, scale);
                }
            }
        }
    }

    #[test]
    fn levels_are_read_back() {
        let mut rng = rng::rng(82, "levels said");
        let mut counts = [0; 3];
        for _ in 0..200 {
            let (n, scale) = (1 + rng::below(&mut rng, 6), scan::scale(&mut rng));
            let mut all: Vec<Level> = (0..n)
                .map(|i| {
                    let kind = [Kind::Value, Kind::Value, Kind::Missing, Kind::Unseen, Kind::NoneOf][rng::below(&mut rng, 5)];
                    let mean = scan::value(&mut rng, scale);
                    let bin = DependenceBin {
                        label: format!("level {i}"),
                        x: i as f64,
                        from: i as f64,
                        to: i as f64,
                        rows: 50,
                        mean,
                        interval: None,
                        low: mean,
                        high: mean,
                    };
                    Level { kind, bin, share: 0.1, few: rng::below(&mut rng, 3) == 0, condition: None }
                })
                .collect();
            all.sort_by(|a, b| b.bin.mean.total_cmp(&a.bin.mean));
            let l = Levels { feature: "Page values".into(), outcome: "Revenue".into(), scale, rows: 1_234, levels: all };
            let enough: Vec<&Level> = l.levels.iter().filter(|x| !x.few).collect();
            counts[enough.len().min(2)] += 1;
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let name = |x: &Level| match (x.kind, en) {
                    (Kind::Value, _) => x.bin.label.clone(),
                    (Kind::Missing, true) => "a missing value".to_owned(),
                    (Kind::Missing, false) => "缺失值".to_owned(),
                    (Kind::NoneOf, true) => "none of them".to_owned(),
                    (Kind::NoneOf, false) => "均不是".to_owned(),
                    (Kind::Unseen, true) => "a value that training never saw".to_owned(),
                    (Kind::Unseen, false) => "训练中未出现的取值".to_owned(),
                };
                let pattern = match (enough.len(), en) {
                    (0, true) => "No level of Page values has enough rows among these 1,234 to say what it does.",
                    (0, false) => "在这 1,234 行中，Page values 没有行数足够的取值，无法判断其作用。",
                    (1, true) => "Only {} of Page values has enough rows ({}); over 1,234 rows.",
                    (1, false) => "Page values 中只有 {} 行数足够（{}）；基于 1,234 行。",
                    (_, true) => {
                        "Of the levels of Page values with enough rows, {} has the highest effect on Revenue ({}) and {} the lowest ({}); over 1,234 rows."
                    }
                    (_, false) => "在 Page values 行数足够的取值中，{} 对 Revenue 的影响最高（{}），{} 最低（{}）；基于 1,234 行。",
                };
                let said = scan::must(pattern, &levels(&l, lang));
                if let Some(high) = enough.iter().reduce(|a, b| if b.bin.mean > a.bin.mean { b } else { a }) {
                    assert_eq!(said[0], name(high));
                    scan::is_signed(&said[1], high.bin.mean, scale);
                }
                if enough.len() > 1 {
                    let low = enough.iter().reduce(|a, b| if b.bin.mean < a.bin.mean { b } else { a }).unwrap();
                    assert_eq!(said[2], name(low));
                    scan::is_signed(&said[3], low.bin.mean, scale);
                }
            }
        }
        assert!(counts.iter().all(|c| *c > 10), "{counts:?}");
    }
}
