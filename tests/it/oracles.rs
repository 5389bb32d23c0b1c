//! Figures that nobody here wrote: Online Shoppers, split modulo 10,7, beside scikit-learn's logistic regression and
//! histogram boosting.

use std::path::Path;

use whybench::base::{JobCtx, Notice};
use whybench::data::{Encoder, Loaded, Part, ReadOptions, Role, Roles, Split, prepare, read};
use whybench::ml::metrics::{BinaryFigures, Figures};
use whybench::ml::train::{TrainData, train};
use whybench::ml::{ModelKind, ModelSpec, Outcome, OutcomeKind};

fn shoppers() -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/online_shoppers_intention.csv");
    read::open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap()
}

/// The whole way from the file: detected roles, the split, the encoder.
fn encoded(file: &Loaded, without: &[&str]) -> TrainData {
    let table = &file.table;
    let mut roles = Roles::detect(table);
    for name in without {
        roles.of.insert((*name).to_owned(), Role::Ignore);
    }
    assert_eq!(roles.with_role(Role::Target), ["Revenue"]);
    let parts = Split::parse("modulo:10,7").unwrap().assign(1, table).unwrap();
    let prepared = prepare::fit(&[], table, &parts, &JobCtx::quiet()).unwrap();
    let train: Vec<usize> = (0..prepared.parts.len()).filter(|&r| prepared.parts[r] == Part::Train).collect();
    let encoder = Encoder::fit(&prepared.table, &roles.features(&prepared.table), &roles, &train, prepared.fitted).unwrap();
    let (x, warnings): (_, Vec<Notice>) = encoder.encode(&prepared.table).unwrap();
    assert_eq!(encoder.features.len(), 17 - without.len());
    assert_eq!(encoder.features.iter().filter(|f| f.is_categorical()).count(), 6, "codes and words");
    let kind = OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() };
    TrainData {
        x,
        y: vec![table.numbers(table.column("Revenue").unwrap())],
        parts: prepared.parts,
        outcomes: vec![Outcome { name: "Revenue".into(), kind, base_rate: 0.155 }],
        encoder,
        data: file.fingerprint.clone(),
        warnings,
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
    let file = shoppers();
    let logistic = [[0.8970, 0.6536, 0.8827, 0.5135, 0.2970], [0.7576, 0.3380, 0.8394, 0.0481, 0.3773]];
    for (without, expected, floor) in [(&[][..], logistic[0], 0.9345), (&["PageValues"][..], logistic[1], 0.7811)] {
        let data = encoded(&file, without);
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
