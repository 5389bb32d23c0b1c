//! Along a feature, or two: where the outcome is highest and lowest.

use super::{effect, level};
use crate::base::numbers::count;
use crate::base::{Lang, tr_with};
use crate::explain::effect::{EffectCurve, Fan, Kind, Point};

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
    let key = match (&curve.feature_2, curve.kind) {
        (Some(_), Kind::Ale) => "explain.effect_together",
        (Some(_), _) => "explain.effect_between_two",
        // An accumulated effect is a difference from the average, not a level.
        (None, Kind::Ale) => "explain.effect_apart",
        (None, _) => "explain.effect_between",
    };
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
    if curve.categorical {
        // Levels have no order, so there is no way from the first to the last.
        let by = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
        let ends = fan.mean.iter().enumerate().max_by(by).zip(fan.mean.iter().enumerate().min_by(by));
        let Some(((high, high_mean), (low, low_mean))) = ends else { return String::new() };
        let spread = effect(fan.spread, curve.scale, lang).trim_start_matches('+').to_owned();
        let fields: [(&str, &dyn std::fmt::Display); 8] = [
            ("feature", &curve.feature),
            ("outcome", &curve.outcome),
            ("rows", &fan.sampled),
            ("high", &fan.places[high].1),
            ("high_effect", &level(*high_mean, curve.scale)),
            ("low", &fan.places[low].1),
            ("low_effect", &level(*low_mean, curve.scale)),
            ("spread", &spread),
        ];
        return tr_with(lang, "explain.effect_rows_levels", &fields);
    }
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

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::base::{Fingerprint, rng};
    use crate::ml::model::Scale;

    fn made(rng: &mut rng::Rng, kind: Kind, two: bool, scale: Scale) -> EffectCurve {
        let n = 2 + rng::below(rng, 8);
        let level =
            |rng: &mut rng::Rng| if kind != Kind::Ale && scale == Scale::Probability { rng::unit(rng) } else { scan::value(rng, scale) };
        let mut points: Vec<Point> = (0..n)
            .map(|i| Point {
                value: i as f64,
                label: format!("level {i}"),
                value_2: two.then_some(0.0),
                label_2: two.then(|| format!("other {}", n - i)),
                row: None,
                effect: level(rng),
                low: 0.0,
                high: 0.0,
                density: 1.0 / n as f64,
            })
            .collect();
        if kind == Kind::Ale {
            // Differences from the average have their average at nothing.
            let mean = points.iter().map(|p| p.effect).sum::<f64>() / n as f64;
            points.iter_mut().for_each(|p| p.effect -= mean);
        }
        // A place without rows is no place to speak of, however high.
        points.push(Point { effect: 1e6, density: 0.0, label: "nowhere".into(), ..points[0].clone() });
        EffectCurve {
            feature: "Page values".into(),
            feature_2: two.then(|| "价格".into()),
            kind,
            scale,
            outcome: "Revenue".into(),
            categorical: false,
            points,
            rows: 1_234,
            mean: 0.2,
            seed: 1,
            also: None,
            model: Fingerprint::default(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn highest_and_lowest_are_read_back() {
        let mut rng = rng::rng(41, "effect said");
        for i in 0..240 {
            let (kind, two) = ([Kind::Ale, Kind::Pdp][i % 2], i % 4 > 1);
            let scale = scan::scale(&mut rng);
            let c = made(&mut rng, kind, two, scale);
            let real: Vec<&Point> = c.points.iter().filter(|p| p.density > 0.0).collect();
            let place = |p: &Point| p.label_2.as_ref().map_or(p.label.clone(), |o| format!("{} × {o}", p.label));
            for lang in scan::LANGS {
                let pattern = match (lang, kind, two) {
                    (Lang::En, Kind::Ale, false) => {
                        "Along Page values, Revenue is farthest above the average at {} ({}) and farthest below at {} ({}); over 1,234 rows."
                    }
                    (Lang::En, Kind::Ale, true) => {
                        "Together, Page values and 价格 add most at {} ({}) and take most at {} ({}), beyond what each does alone; over 1,234 rows."
                    }
                    (Lang::En, _, false) => "With Page values, Revenue is highest at {} ({}) and lowest at {} ({}); over 1,234 rows.",
                    (Lang::En, _, true) => {
                        "With Page values and 价格, Revenue is highest at {} ({}) and lowest at {} ({}); over 1,234 rows."
                    }
                    (Lang::Zh, Kind::Ale, false) => {
                        "随 Page values 变化，Revenue 在 {} 处高出平均最多（{}），在 {} 处低于平均最多（{}）；基于 1,234 行。"
                    }
                    (Lang::Zh, Kind::Ale, true) => {
                        "除各自单独作用外，Page values 与 价格 共同作用在 {} 处增加最多（{}），在 {} 处减少最多（{}）；基于 1,234 行。"
                    }
                    (Lang::Zh, _, false) => "随 Page values 变化，Revenue 在 {} 处最高（{}），在 {} 处最低（{}）；基于 1,234 行。",
                    (Lang::Zh, _, true) => "随 Page values 与 价格 变化，Revenue 在 {} 处最高（{}），在 {} 处最低（{}）；基于 1,234 行。",
                };
                let said = scan::must(pattern, &curve(&c, lang));
                let at = |name: &str| real.iter().find(|p| place(p) == name).unwrap().effect;
                let (high, low) = (at(&said[0]), at(&said[2]));
                assert!(real.iter().all(|p| p.effect <= high && p.effect >= low));
                if kind == Kind::Ale {
                    scan::is_signed(&said[1], high, scale);
                    scan::is_signed(&said[3], low, scale);
                    assert!(scan::number(&said[1]) >= 0.0 && scan::number(&said[3]) <= 0.0, "above and below the average");
                } else {
                    scan::is(&said[1], high, scale);
                    scan::is(&said[3], low, scale);
                }
            }
        }
    }

    /// Curves of single rows: how many rise and how many fall is counted anew, and the mean way has its sign.
    #[test]
    fn curves_of_rows_are_read_back() {
        let mut rng = rng::rng(43, "rows apart");
        let mut ways = [0; 2];
        for _ in 0..150 {
            let scale = scan::scale(&mut rng);
            let mut c = made(&mut rng, Kind::Pdp, false, scale);
            c.kind = Kind::Ice;
            let (n, places) = (2 + rng::below(&mut rng, 20), 2 + rng::below(&mut rng, 4));
            let mut of_rows: Vec<Vec<f64>> = Vec::new();
            c.points.clear();
            for row in 0..n {
                let curve: Vec<f64> = (0..places).map(|_| 0.5 + scan::value(&mut rng, scale)).collect();
                for (i, effect) in curve.iter().enumerate() {
                    c.points.push(Point {
                        value: i as f64,
                        label: format!("level {i}"),
                        value_2: None,
                        label_2: None,
                        row: Some(row as u32),
                        effect: *effect,
                        low: 0.0,
                        high: 0.0,
                        density: 0.1,
                    });
                }
                of_rows.push(curve);
            }
            let all = || of_rows.iter().flatten().copied();
            let worth = 0.01 * (all().fold(f64::MIN, f64::max) - all().fold(f64::MAX, f64::min));
            let way: Vec<f64> = of_rows.iter().map(|r| r[places - 1] - r[0]).collect();
            for lang in scan::LANGS {
                let text = curve(&c, lang);
                let (to, up, down, rows, mean) = if lang == Lang::En {
                    let s = scan::must(
                        "From level 0 to {} of Page values, Revenue rises in {} and falls in {} of {} rows, if all else stayed as it is; on average it changes by {}.",
                        &text,
                    );
                    (s[0].clone(), s[1].clone(), s[2].clone(), s[3].clone(), s[4].clone())
                } else {
                    let s = scan::must(
                        "将 Page values 从 level 0 变到 {}，其余不变时，{} 行中有 {} 行的 Revenue 上升、{} 行下降；平均变化 {}。",
                        &text,
                    );
                    (s[0].clone(), s[2].clone(), s[3].clone(), s[1].clone(), s[4].clone())
                };
                assert_eq!(to, format!("level {}", places - 1));
                assert_eq!(up.parse(), Ok(way.iter().filter(|w| **w > worth).count()), "{text}");
                assert_eq!(down.parse(), Ok(way.iter().filter(|w| **w < -worth).count()), "{text}");
                assert_eq!(rows.parse(), Ok(n));
                scan::is_signed(&mean, way.iter().sum::<f64>() / n as f64, scale);
            }
            ways[usize::from(way.iter().sum::<f64>() > 0.0)] += 1;
        }
        assert!(ways.iter().all(|w| *w > 40), "{ways:?}");
    }

    #[test]
    fn nothing_that_moves_is_said_to_move_nothing() {
        let mut rng = rng::rng(42, "flat");
        let mut c = made(&mut rng, Kind::Ale, false, Scale::Margin);
        c.points.iter_mut().for_each(|p| p.effect = 0.0);
        assert_eq!(curve(&c, Lang::En), "Page values does not move Revenue in these 1,234 rows.");
        assert_eq!(curve(&c, Lang::Zh), "在这 1,234 行中，Page values 不影响 Revenue。");
        c.points.clear();
        assert_eq!(curve(&c, Lang::En), "");
    }
}
