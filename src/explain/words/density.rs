//! Every row of the data as a density: where most rows lie, and where the ends are.

use super::effect;
use crate::base::numbers::{count, percent};
use crate::base::{Lang, tr, tr_with};
use crate::explain::density::{Cell, Holds, OfFeature};
use crate::ml::model::Scale;

/// Where most of all `rows` are alike in value and effect, and where the effect is highest and lowest; nothing without rows.
pub fn density(of: &OfFeature, rows: u64, scale: Scale, lang: Lang) -> Option<String> {
    // The first of several that are alike, from the lowest value and effect on.
    let fullest = of.cells.iter().reduce(|a, b| if b.rows > a.rows { b } else { a })?;
    let high = of.cells.iter().reduce(|a, b| if b.effect_high > a.effect_high { b } else { a })?;
    let low = of.cells.iter().reduce(|a, b| if b.effect_low < a.effect_low { b } else { a })?;
    let at = |c: &Cell| ((c.column as usize) < of.columns.len()).then(|| density_column(of, c.column as usize, lang));
    let said = |v: f64| effect(v, scale, lang);
    let fields: [(&str, &dyn std::fmt::Display); 11] = [
        ("rows", &count(fullest.rows as i64)),
        ("all", &count(rows as i64)),
        ("share", &percent(fullest.rows as f64 / rows.max(1) as f64)),
        ("feature", &of.name),
        ("at", &at(fullest)?),
        ("low", &said(fullest.effect_low)),
        ("high", &said(fullest.effect_high)),
        ("most", &said(high.effect_high)),
        ("most_at", &at(high)?),
        ("least", &said(low.effect_low)),
        ("least_at", &at(low)?),
    ];
    Some(tr_with(lang, "explain.density_said", &fields))
}

/// What a column of values holds, in words.
pub fn density_column(of: &OfFeature, column: usize, lang: Lang) -> String {
    let c = &of.columns[column];
    match c.holds {
        Holds::Missing => tr(lang, "why.missing").to_owned(),
        Holds::Unseen => tr(lang, "why.density_unseen").to_owned(),
        Holds::OtherLevels => tr(lang, "why.density_others").to_owned(),
        Holds::Numbers | Holds::Level => c.label.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::rng;
    use crate::explain::density::Column;

    #[test]
    fn a_density_is_read_back() {
        let mut rng = rng::rng(93, "density said");
        for i in 0..200 {
            let scale = scan::scale(&mut rng);
            let n = 1 + rng::below(&mut rng, 4);
            let names = scan::names(&mut rng, n);
            let columns: Vec<Column> = names
                .iter()
                .enumerate()
                .map(|(k, label)| Column {
                    holds: if k == 0 && i % 5 == 0 { Holds::Missing } else { Holds::Level },
                    label: label.clone(),
                    rows: 0,
                    low: k as f64,
                    high: k as f64,
                })
                .collect();
            // Rows of their own, put into cells by hand: the sentence must say what these rows say.
            let rows: Vec<(usize, f64)> = (0..60).map(|_| (rng::below(&mut rng, n), scan::value(&mut rng, scale))).collect();
            let step = rows.iter().fold(0.0f64, |m, r| m.max(r.1.abs())) / 4.0;
            let bin = |v: f64| (v / step).floor() as i64 + 5;
            let mut cells: Vec<Cell> = Vec::new();
            for (column, v) in &rows {
                match cells.iter_mut().find(|c| c.column as usize == *column && i64::from(c.bin) == bin(*v)) {
                    Some(c) => {
                        c.rows += 1;
                        (c.effect_low, c.effect_high) = (c.effect_low.min(*v), c.effect_high.max(*v));
                    }
                    None => cells.push(Cell {
                        column: *column as u32,
                        bin: bin(*v) as u32,
                        rows: 1,
                        value_low: 0.0,
                        value_high: 0.0,
                        effect_low: *v,
                        effect_high: *v,
                        row: 0,
                    }),
                }
            }
            cells.sort_by_key(|c| (c.column, c.bin));
            let of =
                OfFeature { feature: 0, name: "Pages".into(), mean_abs: 0.1, step, lowest: -5, bins: 10, columns, cells, no_effect: 0 };
            for lang in scan::LANGS {
                let en = lang == Lang::En;
                let pattern = if en {
                    "Most alike are {} of 60 rows ({}): Pages = {}, effects from {} to {}. The highest effect is {} (Pages = {}), the lowest {} (Pages = {})."
                } else {
                    "最集中的是 60 行中的 {} 行（{}）：Pages = {}，影响从 {} 到 {}。影响最高为 {}（Pages = {}），最低为 {}（Pages = {}）。"
                };
                let said = scan::must(pattern, &density(&of, 60, scale, lang).unwrap());
                let place = |name: &str| {
                    let missing = if en { "missing" } else { "缺失" };
                    (0..n)
                        .find(|k| names[*k] == name && of.columns[*k].holds == Holds::Level)
                        .or((name == missing).then_some(0))
                        .expect(name)
                };
                // Brute force over the rows.
                let (column, most) = (place(&said[2]), scan::number(&said[0]) as usize);
                let together = |column: usize, b: i64| rows.iter().filter(|r| r.0 == column && bin(r.1) == b).count();
                let largest = rows.iter().map(|r| together(r.0, bin(r.1))).max().unwrap();
                assert_eq!(most, largest);
                scan::is(&said[1], largest as f64 / 60.0, Scale::Probability);
                let within = |b: i64| {
                    let inside: Vec<f64> = rows.iter().filter(|r| r.0 == column && bin(r.1) == b).map(|r| r.1).collect();
                    (inside.len() == largest)
                        .then(|| (inside.iter().copied().fold(f64::MAX, f64::min), inside.iter().copied().fold(f64::MIN, f64::max)))
                };
                let (low, high) = (0..10).find_map(within).expect("a cell of so many rows in that column");
                scan::is_signed(&said[3], low, scale);
                scan::is_signed(&said[4], high, scale);
                let by = |x: &&(usize, f64), y: &&(usize, f64)| x.1.total_cmp(&y.1);
                let (top, foot) = (rows.iter().max_by(by).unwrap(), rows.iter().min_by(by).unwrap());
                scan::is_signed(&said[5], top.1, scale);
                scan::is_signed(&said[7], foot.1, scale);
                assert_eq!((place(&said[6]), place(&said[8])), (top.0, foot.0));
            }
            assert!(density(&OfFeature { cells: Vec::new(), ..of }, 60, scale, Lang::En).is_none());
        }
    }
}
