//! Figures that nobody here wrote: Online Shoppers, split modulo 10,7, beside scikit-learn's logistic regression and
//! histogram boosting.

use std::path::Path;

use whybench::base::{Fingerprint, JobCtx};
use whybench::data::{Encoder, Feature, FeatureKind, FeatureMatrix, Part, ReadOptions, Table};
use whybench::ml::metrics::{BinaryFigures, Figures};
use whybench::ml::train::{TrainData, train};
use whybench::ml::{ModelKind, ModelSpec, Outcome, OutcomeKind};

const CODES: [&str; 6] = ["OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Month"];

fn shoppers() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/online_shoppers_intention.csv");
    whybench::data::read::open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap().table
}

fn encoded(table: &Table, without: &[&str]) -> TrainData {
    let n = table.n_rows();
    let (mut features, mut columns) = (Vec::new(), Vec::new());
    for name in table.names() {
        if name == "Revenue" || without.contains(&name.as_str()) {
            continue;
        }
        let at = table.column(&name).unwrap();
        let (kind, values) = if CODES.contains(&name.as_str()) {
            let (codes, levels) = table.codes(at);
            (FeatureKind::Categorical { levels }, codes.into_iter().map(f64::from).collect())
        } else {
            (FeatureKind::Numeric { integer: false, boolean: name == "Weekend" }, table.numbers(at))
        };
        let shares = Vec::new();
        features.push(Feature { name, kind, mean: 0.0, sd: 1.0, range: (0.0, 1.0), quantiles: Vec::new(), shares, missing: 0.0 });
        columns.push(values);
    }
    let values = (0..n).flat_map(|r| columns.iter().map(move |c: &Vec<f64>| c[r])).collect();
    let kind = OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() };
    TrainData {
        x: FeatureMatrix { n_features: features.len(), values },
        y: vec![table.numbers(table.column("Revenue").unwrap())],
        parts: (0..n).map(|r| if r % 10 >= 7 { Part::Test } else { Part::Train }).collect(),
        outcomes: vec![Outcome { name: "Revenue".into(), kind, base_rate: 0.155 }],
        encoder: Encoder { features, ..Encoder::default() },
        data: Fingerprint::default(),
        warnings: Vec::new(),
    }
}

fn figures(kind: ModelKind, data: &TrainData) -> BinaryFigures {
    let model = train(&ModelSpec::new("oracle", kind), data, &JobCtx::quiet()).unwrap();
    match &model.card().evaluation[0].figures {
        Figures::Binary(b) => b.clone(),
        Figures::Number(_) => panic!("Revenue is a yes/no outcome"),
    }
}

#[test]
fn online_shoppers() {
    let table = shoppers();
    let logistic = [[0.8970, 0.6536, 0.8827, 0.5135, 0.2970], [0.7576, 0.3380, 0.8394, 0.0481, 0.3773]];
    for (without, expected, floor) in [(&[][..], logistic[0], 0.9345), (&["PageValues"][..], logistic[1], 0.7811)] {
        let data = encoded(&table, without);
        assert_eq!(data.y[0].iter().sum::<f64>(), 1908.0);
        let f = figures(ModelKind::Logistic, &data);
        let found = [f.auc.unwrap(), f.average_precision.unwrap(), f.accuracy, f.f1, f.log_loss];
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= 0.0005, "logistic without {without:?}: {found:?}, not {expected:?}");
        }
        let f = figures(ModelKind::Gbdt, &data);
        assert!(f.auc.unwrap() >= floor, "trees without {without:?}: {f:?}");
    }
}
