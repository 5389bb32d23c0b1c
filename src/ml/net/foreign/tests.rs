//! Networks that NumPy wrote out in double precision, our own written and read again, and files that do not fit.

use serde_json::Value;

use super::*;
use crate::base::JobCtx;
use crate::data::FeatureMatrix;
use crate::explain::{ExplainOptions, explain};
use crate::ml::import::{import, import_with, open};
use crate::ml::model::{Scale, Structure};
use crate::ml::train::{sample, train};
use crate::ml::{DeviceChoice, ModelKind, ModelSpec};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import")
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn expected() -> (FeatureMatrix, Value) {
    let all: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_nets.json")).unwrap()).unwrap();
    (FeatureMatrix { n_features: 4, values: all["rows"].as_array().unwrap().iter().flat_map(floats).collect() }, all)
}

#[test]
fn networks_of_others_predict_what_they_predict_there() {
    let (x, all) = expected();
    for case in all["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let model = import(&folder().join(file), None).unwrap_or_else(|e| panic!("{file}: {e}"));
        let theirs: Vec<f64> = case["p"].as_array().unwrap().iter().flat_map(floats).collect();
        let ours = model.predict(&x, &JobCtx::quiet()).unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{file}, {i}: {a} is not {b}");
        }
        // Saved as our own file, and written as a pair again where the pair can say it, it is the same model.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        crate::ml::file::save(&*model, &path).unwrap();
        assert_eq!(open(&path).unwrap().predict(&x, &JobCtx::quiet()).unwrap(), ours, "{file}");
        let again = dir.path().join("again.safetensors");
        export(&*model, &again).unwrap();
        let back = import(&again, None).unwrap().predict(&x, &JobCtx::quiet()).unwrap();
        assert!(back.iter().zip(&ours).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0)), "{file}");
    }
    let classes = import(&folder().join("net_classes.safetensors"), Some("kind")).unwrap();
    assert_eq!(classes.card().classes(), Some(("kind", vec!["gold", "silver", "none"])));
    assert_eq!(classes.card().features()[2].levels(), ["ads", "mail", "search", "social"]);
}

#[test]
fn gradients_of_a_class_are_those_of_its_probability() {
    let (x, _) = expected();
    let model = import(&folder().join("net_classes.safetensors"), None).unwrap();
    let Structure::Network(net) = model.structure() else { panic!("a network") };
    let at = net.embed(&x.select(&[3])).unwrap();
    for outcome in 0..3 {
        let (shown, gradient) = net.gradient(&at, outcome, Scale::Probability).unwrap();
        assert!((shown[0] - model.predict(&x.select(&[3]), &JobCtx::quiet()).unwrap()[outcome]).abs() < 1e-6);
        for i in 0..at.width {
            let moved = |by: f32| {
                let mut e = at.clone();
                e.values[i] += by;
                net.gradient(&e, outcome, Scale::Probability).unwrap().0[0]
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - f64::from(gradient[i])).abs() < 2e-3, "{i}: {slope} is not {}", gradient[i]);
        }
        let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
        let options = ExplainOptions { outcome, ..ExplainOptions::default() };
        let why = explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
        assert!(why.scale == Scale::Probability && why.gaps.iter().all(|g| g.abs() < 0.02), "{:?}", why.gaps);
    }
}

#[test]
fn our_own_networks_come_back_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.safetensors");
    let x = sample::data(60, 31).x;
    for kind in [ModelKind::Dnn, ModelKind::Transformer] {
        let spec = ModelSpec { epochs: Some(1), width: Some(16), device: DeviceChoice::Cpu, ..ModelSpec::new("mine", kind) };
        let model = train(&spec, &sample::data(300, 30), &JobCtx::quiet()).unwrap();
        let recipe = export(&*model, &path).unwrap();
        assert_eq!(recipe, dir.path().join("net.toml"));
        let back = import(&path, None).unwrap();
        let bits = |m: &dyn Model| m.margins(&x, &JobCtx::quiet()).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&*back), bits(&*model), "{}", kind.name());
        let (mine, theirs) = (back.card(), model.card());
        assert_eq!(mine.outcomes, theirs.outcomes);
        for (a, b) in mine.features().iter().zip(theirs.features()) {
            assert_eq!((&a.name, &a.kind, &a.shares), (&b.name, &b.kind, &b.shares));
            assert!(a.is_categorical() || a == b, "{}", a.name);
        }
        assert_eq!(mine.fingerprint, theirs.fingerprint, "the same numbers");
        // Named from elsewhere, or out of the metadata.
        let text = std::fs::read_to_string(&recipe).unwrap();
        let other = dir.path().join("other.toml");
        std::fs::rename(&recipe, &other).unwrap();
        assert_eq!(import(&path, None).err().unwrap().0.code, "ml.net_no_recipe");
        assert!(import_with(&path, None, Some(&other)).is_ok());
        let bytes = std::fs::read(&path).unwrap();
        let held = SafeTensors::deserialize(&bytes).unwrap();
        let inside = std::collections::HashMap::from([(KEY.to_owned(), text)]);
        std::fs::write(&path, safetensors::serialize(held.tensors(), Some(inside)).unwrap()).unwrap();
        assert_eq!(bits(&*import(&path, None).unwrap()), bits(&*model));
    }
    let trees = train(&ModelSpec::new("t", ModelKind::Gbdt), &sample::data(200, 1), &JobCtx::quiet()).unwrap();
    assert_eq!(export(&*trees, &path).unwrap_err().0.code, "ml.export_no_net");
}

#[test]
fn what_does_not_fit_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.safetensors");
    let bytes = std::fs::read(folder().join("net_classes.safetensors")).unwrap();
    let good = std::fs::read_to_string(folder().join("net_classes.toml")).unwrap();
    let held = SafeTensors::deserialize(&bytes).unwrap();
    let all = || -> BTreeMap<String, TensorView<'_>> { held.tensors().into_iter().collect() };
    let fault = |tensors: BTreeMap<String, TensorView<'_>>, recipe: &str| {
        std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
        std::fs::write(path.with_extension("toml"), recipe).unwrap();
        import(&path, None).err().map(|f| (f.0.code.clone(), f.to_string())).unwrap_or_default()
    };
    assert_eq!(fault(all(), &good), Default::default());
    let mut less = all();
    less.remove("fc2.bias");
    let (code, text) = fault(less, &good);
    assert!(code == "ml.net_missing" && text.contains("fc2.bias [6]"), "{text}");
    let mut more = all();
    let extra = more["fc1.bias"].clone();
    more.insert("fc3.bias".into(), extra);
    let (code, text) = fault(more, &good);
    assert!(code == "ml.net_extra" && text.contains("fc3.bias"), "{text}");
    let (code, text) = fault(all(), &good.replace("\"out-in\"", "\"in-out\""));
    assert!(code == "ml.net_shape" && text.contains("fc1.weight is [6, 7]") && text.contains("[7, 6]"), "{text}");
    let whole = vec![1u8; 24];
    let mut counts = all();
    counts.insert("fc1.bias".into(), TensorView::new(Dtype::I32, vec![6], &whole).unwrap());
    assert_eq!(fault(counts, &good).0, "ml.net_type");
    for bad in [f32::NAN, f32::INFINITY] {
        let bias: Vec<u8> = [0.0, 1.0, bad, 0.0, 0.0, 0.0].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
        let mut lost = all();
        lost.insert("fc1.bias".into(), TensorView::new(Dtype::F32, vec![6], &bias).unwrap());
        let (code, text) = fault(lost, &good);
        assert!(code == "ml.net_no_number" && text.contains("place 2"), "{text}");
    }
    for (from, to) in [
        ("width = 6", "width = 7"),
        ("layers = 2", "layers = 3"),
        ("layers = 2", "layers = 0"),
        ("width = 6", "width = 4000000000"),
        ("sd = 3.0", "sd = 0.0"),
        ("sd = 3.0", ""),
        ("sd = 3.0", "sd = nan"),
        ("\"social\"", "\"ads\""),
        ("class = \"none\"", ""),
        ("name = \"b\"", "name = \"a\""),
        ("kind = \"dnn\"", "kind = \"gbdt\""),
        ("kind = \"dnn\"", "kind = \"transformer\""),
        ("version = 1", "version = 2"),
        ("version = 1", "versoin = 1"),
        ("[[outcome]]", "[[outcome"),
    ] {
        assert!(good.contains(from));
        let (code, text) = fault(all(), &good.replacen(from, to, 1));
        assert!(code.starts_with("ml.") && !text.contains('{'), "{from} → {to}: {code} {text}");
    }
    for cut in [0, 8, 9, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert_eq!(import(&path, None).err().unwrap().0.code, "ml.import_damaged", "{cut}");
    }
    // A header, and a recipe, that is no end of brackets.
    std::fs::write(path.with_extension("toml"), &good).unwrap();
    std::fs::write(&path, [&400_005u64.to_le_bytes()[..], b"{\"a\":", &[b'['; 400_000]].concat()).unwrap();
    assert_eq!(import(&path, None).err().unwrap().0.code, "ml.import_damaged");
    let deep = format!("version = 1\nx = {}", "[".repeat(200_000));
    assert_eq!(fault(all(), &deep).0, "ml.net_recipe");
    // A few lines that ask for a huge network.
    let huge = good.replace("width = 6", "width = 8192").replace("layers = 2", "layers = 64");
    assert_eq!(fault(all(), &huge).0, "ml.net_too_few");
    let trees = folder().join("xgb_binary.json");
    assert_eq!(import_with(&trees, None, Some(&trees)).err().unwrap().0.code, "ml.recipe_not_needed");
}

#[test]
fn half_numbers_by_hand() {
    for (bits, value) in [(0x0000, 0.0), (0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)]
    {
        assert_eq!(half(bits), value, "{bits:x}");
    }
    assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
}
