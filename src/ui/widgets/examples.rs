//! Small results with known numbers, for the tests of widgets and views.

use crate::base::{Fingerprint, Notice};
use crate::data::{Feature, features::FeatureKind};
use crate::explain::summary::{DependenceBin, Dot, Importance};
use crate::explain::{Attribution, Method, Summary};
use crate::ml::model::Scale;

/// `n` numeric features; every third is a category.
pub fn features(n: usize) -> Vec<Feature> {
    (0..n)
        .map(|i| Feature {
            name: format!("feature_{i}"),
            kind: if i % 3 == 2 {
                FeatureKind::Categorical { levels: vec!["No".into(), "Yes".into()] }
            } else {
                FeatureKind::Numeric { integer: false, boolean: false }
            },
            mean: 1.0,
            sd: 1.0,
            range: (0.0, 10.0),
            quantiles: vec![0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 9.5, 10.0],
            shares: vec![0.5, 0.5],
            missing: 0.0,
        })
        .collect()
}

/// Two rows with these effects; base 0.3; `gap` unexplained.
pub fn attribution(effects: &[f64], gap: f64) -> Attribution {
    let n = effects.len();
    let total: f64 = effects.iter().filter(|v| v.is_finite()).sum();
    Attribution {
        method: Method::TreeShap,
        scale: Scale::Probability,
        outcome: "Revenue".into(),
        class: String::new(),
        outcome_index: 0,
        amount: false,
        exact: true,
        features: features(n).into_iter().map(|f| f.name).collect(),
        members: Vec::new(),
        reference: None,
        rows: vec![4, 9],
        inputs: (0..2 * n).map(|i| (i % 2) as f64).collect(),
        values: effects.iter().chain(effects).copied().collect(),
        base: 0.3,
        base_note: Notice::new("why.base"),
        predictions: vec![0.3 + total + gap, 0.3 + total + gap],
        gaps: vec![gap, gap],
        half_width: Vec::new(),
        seed: 1,
        model: Fingerprint::of(b"model"),
        data: Fingerprint::of(b"data"),
        warnings: Vec::new(),
    }
}

/// A summary of `n` features, the first the largest.
pub fn summary(n: usize) -> Summary {
    let importance = (0..n)
        .map(|i| {
            let size = 0.1 / (i + 1) as f64;
            Importance {
                feature: i,
                name: format!("feature_{i}"),
                mean_abs: size,
                interval: (size * 0.9, size * 1.1),
                tied: false,
                mean: if i % 2 == 0 { size } else { -size },
                direction: if i % 3 == 2 { None } else { Some(if i % 2 == 0 { 0.8 } else { -0.8 }) },
                dots: (0..50u32)
                    .map(|d| Dot {
                        row: d,
                        value: size * (f64::from(d) / 25.0 - 1.0),
                        rank: if d == 0 { f64::NAN } else { f64::from(d) / 50.0 },
                        offset: 0.0,
                        input: f64::from(d),
                    })
                    .collect(),
                dependence: (0..5)
                    .map(|b| DependenceBin {
                        label: format!("bin {b}"),
                        x: f64::from(b),
                        from: f64::from(b),
                        to: f64::from(b),
                        rows: 10,
                        mean: size * (f64::from(b) - 2.0),
                        interval: None,
                        low: size * (f64::from(b) - 3.0),
                        high: size * (f64::from(b) - 1.0),
                    })
                    .collect(),
            }
        })
        .collect();
    Summary { rows: 50, importance }
}
