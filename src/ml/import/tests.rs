//! Files that XGBoost 3.4.1 and LightGBM 4.7.0 wrote, with what they themselves predict and attribute for 40 rows
//! (categories, missing values, zeros as missing, DART, random forest). LightGBM adds up a forest where it is asked for raw
//! scores; the file holds the averages that it predicts otherwise.

use serde_json::Value;

use super::*;
use crate::base::JobCtx;
use crate::data::FeatureMatrix;
use crate::ml::model::Structure;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import")
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

#[test]
fn imported_trees_predict_what_their_program_predicts() {
    let expected = expected();
    let x = FeatureMatrix { n_features: 4, values: expected["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
    assert!(x.values.iter().any(|v| v.is_nan()) && x.values.contains(&0.0));
    for case in expected["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let model = import(&folder().join(file), Some("bought")).unwrap_or_else(|e| panic!("{file}: {e}"));
        let card = model.card();
        assert_eq!(card.features().iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d"], "{file}");
        assert_eq!(card.features()[2].levels(), ["ads", "mail", "search", "social"], "{file}: names of categories are kept");
        assert_eq!(card.outcomes[0].is_binary(), file.contains("binary"), "{file}");
        let margins = model.margins(&x, &JobCtx::quiet()).unwrap();
        let theirs = floats(&case["margin"]);
        let scale = theirs.iter().map(|m| m.abs()).fold(0.0, f64::max);
        // LightGBM computes in f64, XGBoost in f32.
        let tolerance = if file.starts_with("lgb") { 1e-9 } else { 1e-5 } * scale;
        for (i, (a, b)) in margins.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() <= tolerance, "{file}, row {i}: {a} is not {b}");
        }
        // Saved as our own file, it is the same model.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        super::super::file::save(&*model, &path).unwrap();
        assert_eq!(open(&path).unwrap().margins(&x, &JobCtx::quiet()).unwrap(), margins, "{file}");
    }
}

#[test]
fn the_covers_are_those_that_their_shapley_values_use() {
    let expected = expected();
    for case in expected["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let model = import(&folder().join(file), None).unwrap();
        let Structure::Trees(e) = model.structure() else { panic!("trees") };
        // The last contribution is the mean over the covers.
        fn mean(nodes: &[Node], at: usize) -> f64 {
            match &nodes[at] {
                Node::Leaf { value, .. } => *value,
                Node::Split { left, right, cover, .. } => {
                    let part = |c: u32| nodes[c as usize].cover() / cover * mean(nodes, c as usize);
                    part(*left) + part(*right)
                }
            }
        }
        let base = e.intercept[0] + e.trees.iter().map(|t| t.weight * mean(&t.nodes, 0)).sum::<f64>();
        let theirs = floats(&case["contributions"][0])[4];
        assert!((base - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{file}: {base} is not {theirs}");
    }
}

#[test]
fn what_cannot_be_read_exactly_is_refused_with_the_reason() {
    let code = |path: &Path| import(path, None).map(drop).unwrap_err().0.code;
    assert_eq!(code(&folder().join("xgb_multi.json")), "ml.import_refused");
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
    for name in ["xgb_binary.json", "xgb_binary.ubj", "lgb_binary.txt"] {
        let whole = read(name);
        for share in [3, 10, 50, 90, 99] {
            assert_eq!(code(&put(name, &whole[..whole.len() * share / 100])), "ml.import_damaged", "{name} cut at {share} %");
        }
    }
    assert_eq!(code(&put("a.csv", b"a,b\n1,2\n")), "ml.import_unknown");
    assert_eq!(code(&put("b.json", b"{\"x\": 1}")), "ml.import_unknown");
    assert_eq!(code(&put("c.json", b" ")), "ml.import_unknown");
    let text = String::from_utf8(read("lgb_binary.txt")).unwrap();
    assert_eq!(code(&put("p.txt", text.replace("objective=binary sigmoid:1", "objective=poisson").as_bytes())), "ml.import_refused");
    // A child that points back to its parent.
    let circle = text.replacen("left_child=4 2", "left_child=0 2", 1);
    assert_ne!(circle, text);
    assert_eq!(code(&put("o.txt", circle.as_bytes())), "ml.import_damaged");
}
