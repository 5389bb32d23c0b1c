//! Files that scikit-learn's models were exported to (skl2onnx 1.20), with what onnxruntime 1.32 answers for 40 rows.

use serde_json::Value;

use super::*;
use crate::explain::{ExplainOptions, Method, Reference, explain};
use crate::ml::model::Scale;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import")
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("expected_onnx.json")).unwrap()).unwrap()
}

fn imported(name: &str) -> Arc<dyn Model> {
    crate::ml::import::import(&folder().join(name), Some("bought")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn table(expected: &Value, model: &dyn Model) -> FeatureMatrix {
    let features = model.card().features();
    let cell = |(v, f): (&Value, &Feature)| match v {
        Value::String(s) => f.levels().iter().position(|l| l == s).unwrap() as f64,
        v => v.as_f64().unwrap_or(f64::NAN),
    };
    let rows = expected["table"].as_array().unwrap();
    let values = rows.iter().flat_map(|r| r.as_array().unwrap().iter().zip(features).map(cell).collect::<Vec<_>>()).collect();
    FeatureMatrix { n_features: features.len(), values }
}

#[test]
fn imported_models_answer_as_their_runtime_does() {
    let expected = expected();
    let x = FeatureMatrix { n_features: 4, values: expected["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
    let mut seen = Vec::new();
    for case in expected["cases"].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let model = imported(name);
        let card = model.card();
        let x = if name == "pipeline.onnx" { table(&expected, &*model) } else { x.clone() };
        let theirs: Vec<Vec<f64>> = case["p"].as_array().unwrap().iter().map(floats).collect();
        let ours = model.predict(&x, &JobCtx::quiet()).unwrap();
        let k = card.outcomes.len();
        for (i, row) in theirs.iter().enumerate() {
            // Two columns are no and yes.
            let row = if row.len() == 2 { &row[1..] } else { &row[..] };
            let far = row.iter().zip(&ours[i * k..(i + 1) * k]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(row.len() == k && far <= 1e-5 * row[0].abs().max(1.0), "{name} row {i}: {:?} {row:?}", &ours[i * k..(i + 1) * k]);
        }
        // More rows than one piece, and a last piece that is not full.
        let many = FeatureMatrix { n_features: x.n_features, values: x.values.repeat(8) };
        let answers = model.predict(&many, &JobCtx::quiet()).unwrap();
        assert!(
            answers.iter().zip(ours.repeat(8)).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0)) && answers.len() == 8 * ours.len()
        );
        // Saved as our own file, it is the same model.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        crate::ml::file::save(&*model, &path).unwrap();
        let back = crate::ml::file::load(&path).unwrap();
        assert_eq!(back.predict(&x, &JobCtx::quiet()).unwrap(), ours, "{name}");
        assert_eq!(back.card().fingerprint, card.fingerprint);
        let kinds = card.outcomes.iter().map(|o| {
            if o.is_class() {
                'c'
            } else if o.is_binary() {
                'b'
            } else {
                'n'
            }
        });
        seen.push(format!("{name} {}", kinds.collect::<String>()));
    }
    let all = ["logistic.onnx b", "mlp.onnx b", "mlp3.onnx ccc", "number.onnx n", "pipeline.onnx b", "trees.onnx b"];
    seen.sort();
    assert_eq!(seen, all);
}

#[test]
fn columns_and_levels_carry_their_names() {
    let model = imported("pipeline.onnx");
    let features = model.card().features();
    assert_eq!(features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["age", "spend", "channel", "region"]);
    assert_eq!(
        (features[2].levels(), features[3].levels()),
        (&["ads", "mail", "search"].map(str::to_owned)[..], &["north", "south"].map(str::to_owned)[..])
    );
    assert_eq!(imported("mlp.onnx").card().features()[3].name, "f3");
}

#[test]
fn what_is_only_asked_is_explained_by_asking() {
    let expected = expected();
    let model = imported("pipeline.onnx");
    let x = table(&expected, &*model);
    let reference = Arc::new(Reference { label: String::new(), x: x.clone(), of: x.n_rows() });
    let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
    let of = |method| {
        let options = ExplainOptions { method, scale: Scale::Probability, reference: Some(reference.clone()), ..ExplainOptions::default() };
        explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap()
    };
    let exact = of(Some(Method::ExactShap));
    assert!(exact.gaps.iter().all(|g| g.abs() <= 1e-6), "{:?}", exact.gaps);
    let drawn = of(Some(Method::KernelShap));
    assert!(exact.values.iter().zip(&drawn.values).all(|(a, b)| (a - b).abs() < 1e-6), "all coalitions of four fit in the budget");
    assert_eq!(of(None).method, Method::PermutationShap);
    let options = ExplainOptions { method: Some(Method::TreeShap), ..ExplainOptions::default() };
    let refused = explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap_err();
    assert_eq!(refused.0.code, "explain.unsupported");
}

#[test]
fn trees_are_taken_over_and_explained_exactly() {
    let rows = expected();
    let x = FeatureMatrix { n_features: 4, values: rows["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
    let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
    let all: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_onnx_trees.json")).unwrap()).unwrap();
    let reference = Arc::new(Reference { label: String::new(), x: x.clone(), of: x.n_rows() });
    for case in all["cases"].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let model = imported(name);
        let Structure::Trees(e) = model.structure() else { panic!("{name}: trees") };
        assert!(!e.has_covers());
        let k = model.card().outcomes.len();
        let ours = model.predict(&x, &JobCtx::quiet()).unwrap();
        for (ours, theirs) in ours.chunks(k).zip(case["p"].as_array().unwrap()) {
            let theirs = floats(theirs);
            let theirs = if k == 1 && theirs.len() == 2 { &theirs[1..] } else { &theirs[..] };
            assert!(
                theirs.len() == k && ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0)),
                "{name}: {ours:?} {theirs:?}"
            );
        }
        for outcome in 0..k {
            let of = |method| {
                let options = ExplainOptions {
                    method,
                    scale: Scale::Margin,
                    outcome,
                    reference: Some(reference.clone()),
                    ..ExplainOptions::default()
                };
                explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap()
            };
            let (own, asked) = (of(None), of(Some(Method::ExactShap)));
            assert_eq!(own.method, Method::TreeShapReference);
            assert!(own.values.iter().zip(&asked.values).all(|(a, b)| (a - b).abs() <= 1e-9), "{name}");
        }
        let options = ExplainOptions { method: Some(Method::TreeShap), ..ExplainOptions::default() };
        assert!(explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).is_err(), "no covers, no base");
    }
    assert_eq!(imported("boosted3.onnx").card().outcomes.iter().map(Outcome::class).collect::<Vec<_>>(), ["high", "low", "mid"]);
}

#[test]
fn damaged_and_hostile_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.onnx");
    let put = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        crate::ml::import::import(&path, None)
    };
    for name in ["mlp.onnx", "pipeline.onnx", "boosted.onnx", "boosted3.onnx"] {
        let whole = std::fs::read(folder().join(name)).unwrap();
        for share in [0, 3, 10, 50, 90, 99] {
            assert!(put(&whole[..whole.len() * share / 100]).is_err(), "{name} cut at {share} %");
        }
        let mut rng = rng::rng(1, name);
        let x_of = |m: &dyn Model| FeatureMatrix { n_features: m.card().features().len(), values: vec![0.5; m.card().features().len()] };
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..1 + rng::below(&mut rng, 4) {
                let at = rng::below(&mut rng, bytes.len());
                bytes[at] ^= 1 << rng::below(&mut rng, 8);
            }
            // A model or a refusal; what it answers is an answer or a fault.
            if let Ok(model) = put(&bytes)
                && model.card().features().len() < 100
            {
                drop(model.predict(&x_of(&*model), &JobCtx::quiet()));
            }
        }
    }
    assert_eq!(put(b"a,b\n1,2\n").err().unwrap().0.code, "ml.import_damaged");
    std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    assert_eq!(crate::ml::import::import(&path, None).err().unwrap().0.code, "ml.import_too_large");
    // Trees that the engine would walk without an end, or out of their tables.
    for (list, value) in [
        ("nodes_truenodeids", 0),
        ("nodes_truenodeids", 2),
        ("nodes_falsenodeids", 9_999),
        ("nodes_featureids", -1),
        ("nodes_nodeids", 5),
        ("class_ids", 77),
        ("class_nodeids", 0),
    ] {
        let mut file = tract_onnx::onnx().proto_model_for_read(&mut &*std::fs::read(folder().join("trees.onnx")).unwrap()).unwrap();
        assert!(graph::asked(file.clone()).is_ok());
        let nodes = &mut file.graph.as_mut().unwrap().node;
        let trees = nodes.iter_mut().find(|n| n.op_type == "TreeEnsembleClassifier").unwrap();
        let ints = &mut trees.attribute.iter_mut().find(|a| a.name == list).unwrap().ints;
        assert_ne!(ints[0], value, "{list}");
        ints[0] = value;
        assert!(graph::asked(file).is_err(), "{list}");
    }
    // A stored tensor that says it is much larger than what it holds, and an operator that makes its own shapes.
    use tract_onnx::pb;
    let read = |name: &str| tract_onnx::onnx().proto_model_for_read(&mut &*std::fs::read(folder().join(name)).unwrap()).unwrap();
    let mut large = read("mlp.onnx");
    large.graph.as_mut().unwrap().initializer.iter_mut().for_each(|t| t.dims = vec![1 << 20, 1 << 20]);
    assert!(graph::asked(large).is_err());
    let mut made = read("mlp.onnx");
    for n in &mut made.graph.as_mut().unwrap().node {
        if n.op_type == "MatMul" {
            n.op_type = "ConstantOfShape".to_owned();
        }
    }
    assert_eq!(graph::asked(made).err().unwrap(), "ConstantOfShape");
    let mut circle = read("mlp.onnx");
    let nodes = &mut circle.graph.as_mut().unwrap().node;
    let last = nodes.iter().rposition(|n| n.op_type == "Concat").unwrap();
    let out = nodes[last].output[0].clone();
    let first: &mut pb::NodeProto = nodes.iter_mut().find(|n| n.op_type == "MatMul").unwrap();
    first.input[0] = out;
    let bytes_refused = |r: std::result::Result<Asked, String>| {
        r.is_err() || guarded(|| tract_onnx::onnx().parse(&r.ok().unwrap().proto, None).map(drop)).is_err()
    };
    assert!(bytes_refused(graph::asked(circle)));
}
