//! Rows that were picked in a picture, beside all rows: what is predicted of them, what matters to them, which levels they have.

use super::{FOR, level, list, size};
use crate::base::numbers::{count, percent};
use crate::base::{Lang, tr, tr_with};
use crate::explain::brushed::{Beside, Brushed};
use crate::explain::levels::{Kind, Level, Levels};

/// What the picked rows have in common, and what matters most to them.
pub fn brushed(b: &Brushed, lang: Lang) -> String {
    let mut order: Vec<&Beside> = b.features.iter().filter(|f| f.size > 0.0).collect();
    order.sort_by(|x, y| y.size.total_cmp(&x.size));
    let item = |f: &&Beside| {
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("feature", &f.name), ("size", &size(f.size, b.scale, lang)), ("all", &size(f.size_of_all, b.scale, lang))];
        tr_with(lang, "explain.brushed_item", &fields)
    };
    let named: Vec<String> = order.iter().take(FOR).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 6] = [
        ("rows", &count(b.rows as i64)),
        ("of", &count(b.of as i64)),
        ("outcome", &b.outcome),
        ("output", &level(b.output, b.scale)),
        ("all", &level(b.output_of_all, b.scale)),
        ("list", &list(&named, lang)),
    ];
    let key = match (b.rows, named.is_empty()) {
        (_, true) => "explain.brushed_nothing",
        (1, false) => "explain.brushed_one",
        (_, false) => "explain.brushed_said",
    };
    tr_with(lang, key, &fields)
}

/// Which levels the picked rows have, the most frequent first, beside all rows.
pub fn brushed_levels(some: &Levels, all: &Levels, lang: Lang) -> String {
    let mut order: Vec<&Level> = some.levels.iter().collect();
    order.sort_by(|x, y| y.share.total_cmp(&x.share));
    let item = |l: &&Level| {
        let named = match l.kind {
            Kind::Missing => tr(lang, "explain.level_missing").to_owned(),
            Kind::NoneOf => tr(lang, "explain.level_none").to_owned(),
            Kind::Unseen => tr(lang, "explain.level_unseen").to_owned(),
            Kind::Value => l.bin.label.clone(),
        };
        let among = all.like(l).map_or(0.0, |l| l.share);
        let fields: [(&str, &dyn std::fmt::Display); 3] = [("level", &named), ("share", &percent(l.share)), ("all", &percent(among))];
        tr_with(lang, "explain.brushed_level", &fields)
    };
    let named: Vec<String> = order.iter().take(FOR).map(item).collect();
    let fields: [(&str, &dyn std::fmt::Display); 3] =
        [("feature", &some.feature), ("rows", &count(some.rows as i64)), ("list", &list(&named, lang))];
    tr_with(lang, "explain.brushed_levels", &fields)
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::summary::DependenceBin;
    use crate::ml::model::Scale;

    #[test]
    fn picked_rows_are_read_back() {
        let mut rng = rng::rng(91, "brushed said");
        for i in 0..200 {
            let (n, scale) = (1 + rng::below(&mut rng, 6), scan::scale(&mut rng));
            let names = scan::names(&mut rng, n);
            let mut one = |name: &String| Beside {
                name: name.clone(),
                size: scan::value(&mut rng, scale).abs() + 1e-3,
                interval: None,
                mean: 0.0,
                size_of_all: scan::value(&mut rng, scale).abs() + 1e-3,
            };
            let features: Vec<Beside> = names.iter().map(&mut one).collect();
            let rows = [1, 2 + rng::below(&mut rng, 2_000)][i % 2];
            let (output, output_of_all) = (rng::unit(&mut rng), rng::unit(&mut rng));
            let b = Brushed { outcome: "Revenue".into(), scale, rows, of: 5_000, output, output_of_all, features };
            let mut order: Vec<&Beside> = b.features.iter().collect();
            order.sort_by(|x, y| y.size.total_cmp(&x.size));
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let pattern = match (en, rows == 1) {
                    (true, true) => {
                        "For the selected row, Revenue is predicted at {}; for all 5,000 rows at {} on average. What matters most to it: {}."
                    }
                    (true, false) => {
                        "For the {} selected rows, Revenue is predicted at {} on average; for all 5,000 rows at {}. What matters most to them: {}."
                    }
                    (false, true) => "选中的这一行的 Revenue 预测为 {}，全部 5,000 行平均为 {}。对它最重要的是：{}。",
                    (false, false) => "选中的 {} 行的 Revenue 预测平均为 {}，全部 5,000 行平均为 {}。对它们最重要的是：{}。",
                };
                let mut said = scan::must(pattern, &brushed(&b, lang));
                if rows > 1 {
                    assert_eq!(scan::number(&said.remove(0)) as usize, rows);
                }
                scan::is(&said[0], output, scale);
                scan::is(&said[1], output_of_all, scale);
                let items = scan::items(&said[2], lang);
                assert_eq!(items.len(), n.min(FOR));
                for (text, f) in items.iter().zip(&order) {
                    let parts = scan::must(if en { "{} ({}; {} over all rows)" } else { "{}（{}；全部行为 {}）" }, text);
                    assert_eq!(parts[0], f.name);
                    scan::is_size(&parts[1], f.size, scale);
                    scan::is_size(&parts[2], f.size_of_all, scale);
                }
            }
        }
        let still =
            Brushed { outcome: "Revenue".into(), scale: Scale::Margin, rows: 3, of: 9, output: 0.2, output_of_all: 0.4, features: vec![] };
        assert_eq!(
            brushed(&still, Lang::En),
            "For the 3 selected rows, Revenue is predicted at 0.2 on average; for all 9 rows at 0.4. No feature moves them."
        );
    }

    #[test]
    fn their_levels_are_read_back() {
        let mut rng = rng::rng(92, "brushed levels said");
        for _ in 0..100 {
            let n = 1 + rng::below(&mut rng, 5);
            let names = scan::names(&mut rng, n);
            let mut made = |least: usize| {
                let rows: Vec<usize> = (0..n).map(|_| least + rng::below(&mut rng, 50)).collect();
                let whole = rows.iter().sum::<usize>().max(1);
                let level = |(name, rows): (&String, &usize)| Level {
                    kind: Kind::Value,
                    share: *rows as f64 / whole as f64,
                    few: false,
                    condition: None,
                    bin: DependenceBin {
                        label: name.clone(),
                        x: 0.0,
                        from: 0.0,
                        to: 0.0,
                        rows: *rows,
                        mean: 0.0,
                        interval: None,
                        low: 0.0,
                        high: 0.0,
                    },
                };
                let levels = names.iter().zip(&rows).filter(|(_, r)| **r > 0).map(level).collect();
                Levels { feature: "Month".into(), outcome: "Revenue".into(), scale: Scale::Margin, rows: whole, levels }
            };
            let (some, all) = (made(0), made(1));
            let mut order: Vec<&Level> = some.levels.iter().collect();
            order.sort_by_key(|l| std::cmp::Reverse(l.bin.rows));
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let pattern =
                    if en { "Selected rows by Month ({} in all): {}." } else { "选中的行按 Month 分（共 {} 行）：{}。" };
                let said = scan::must(pattern, &brushed_levels(&some, &all, lang));
                assert_eq!(said[0], count(some.rows as i64));
                if order.is_empty() {
                    continue;
                }
                let items = scan::items(&said[1], lang);
                assert_eq!(items.len(), order.len().min(FOR));
                for (text, l) in items.iter().zip(&order) {
                    let parts = scan::must(if en { "{}: {} ({} of all rows)" } else { "{}：{}（全部行中为 {}）" }, text);
                    assert_eq!(parts[0], l.bin.label);
                    scan::is(&parts[1], l.share, Scale::Probability);
                    scan::is(&parts[2], all.levels.iter().find(|x| x.bin.label == l.bin.label).unwrap().share, Scale::Probability);
                }
            }
        }
    }
}
