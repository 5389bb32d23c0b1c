//! Files that XGBoost 3.4.1 and LightGBM 4.7.0 wrote, with what they themselves predict and attribute for 40 rows
//! (categories, missing values, zeros as missing, DART, random forest). LightGBM adds up a forest where it is asked for raw
//! scores; the file holds the averages that it predicts otherwise.

mod fuzz;

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
fn amounts_whose_logarithm_is_modelled_are_explained_in_their_own_unit() {
    let rows = expected();
    let x = FeatureMatrix { n_features: 4, values: rows["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
    let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
    let all: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_amounts.json")).unwrap()).unwrap();
    for case in all["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let tolerance = if file.starts_with("lgb") { 1e-9 } else { 1e-5 };
        let model = import(&folder().join(file), Some("orders")).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(model.card().outcomes[0].kind, OutcomeKind::Number);
        let ours = model.predict(&x, &JobCtx::quiet()).unwrap();
        for (a, b) in ours.iter().zip(floats(&case["p"])) {
            assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{file}: {a} is not {b}");
        }
        let Structure::Trees(e) = model.structure() else { panic!("trees") };
        let players = crate::explain::Players::single(model.card().features());
        let score = crate::explain::trees::path_dependent(e, &x, 0, &players, &JobCtx::quiet()).unwrap();
        for (a, b) in score.chunks(4).zip(case["contributions"].as_array().unwrap()) {
            assert!(a.iter().zip(floats(b)).all(|(a, b)| (a - b).abs() <= tolerance * b.abs().max(1.0)), "{file}: {a:?} is not {b}");
        }
        let options = crate::explain::ExplainOptions::default();
        let why = crate::explain::explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
        assert!(why.exact && why.gaps.iter().all(|g| g.abs() <= 1e-9), "{file}: {:?}", why.gaps);
        let theirs = floats(&case["contributions"][0])[4].exp();
        assert!((why.base - theirs).abs() <= 1e-5 * theirs, "{file}: {} is not {theirs}", why.base);
        // Saved as our own file, it is the same model.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.whymodel");
        super::super::file::save(&*model, &path).unwrap();
        assert_eq!(open(&path).unwrap().predict(&x, &JobCtx::quiet()).unwrap(), ours, "{file}");
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
    // Its trees speak of classes that its number of classes does not have.
    let classes = std::fs::read_to_string(folder().join("xgb_classes.json")).unwrap();
    let fewer = classes.replace("\"num_class\":\"3\"", "\"num_class\":\"2\"");
    assert_ne!(fewer, classes);
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
    assert_eq!(code(&put("classes.json", fewer.as_bytes())), "ml.import_damaged");
    // A base score for some of the classes only.
    let from = classes.find("\"base_score\":\"[").unwrap();
    let to = from + classes[from..].find(']').unwrap();
    let short = format!("{}\"base_score\":\"[1E-1,2E-1{}", &classes[..from], &classes[to..]);
    assert_eq!(code(&put("short.json", short.as_bytes())), "ml.import_damaged");
    // A few bytes that stand for a billion members which take none.
    for kind in [b'Z', b'T', b'F', b'N', b'i'] {
        let bytes = [b"{i\x01a[$".as_slice(), &[kind], b"#l\x3b\x9a\xca\x00}"].concat();
        assert_eq!(code(&put("count.ubj", &bytes)), "ml.import_damaged", "{}", char::from(kind));
    }
    assert_eq!(code(&put("a.csv", b"a,b\n1,2\n")), "ml.import_unknown");
    assert_eq!(code(&put("b.json", b"{\"x\": 1}")), "ml.import_unknown");
    assert_eq!(code(&put("c.json", b" ")), "ml.import_unknown");
    let text = String::from_utf8(read("lgb_binary.txt")).unwrap();
    assert_eq!(code(&put("p.txt", text.replace("objective=binary sigmoid:1", "objective=custom").as_bytes())), "ml.import_refused");
    // A tree that is one leaf, whose value is no number.
    let from = text.find("\nTree=0").unwrap();
    let to = text.find("\nTree=1").unwrap();
    for (value, found) in [("nan", false), ("0.25", true)] {
        let leaf = format!("{}\nTree=0\nnum_leaves=1\nleaf_value={value}\n{}", &text[..from], &text[to..]);
        let path = put("leaf.txt", leaf.as_bytes());
        assert_eq!(import(&path, None).is_ok(), found);
    }
    let linear = text.replacen("is_linear=0", "is_linear=1", 1);
    assert_ne!(linear, text);
    assert_eq!(code(&put("linear.txt", linear.as_bytes())), "ml.import_linear");
    // A child that points back to its parent.
    let circle = text.replacen("left_child=4 2", "left_child=0 2", 1);
    assert_ne!(circle, text);
    assert_eq!(code(&put("o.txt", circle.as_bytes())), "ml.import_damaged");
}

#[test]
fn classes_are_what_their_program_says() {
    let expected: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_classes.json")).unwrap()).unwrap();
    let x = FeatureMatrix { n_features: 4, values: expected["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
    for case in expected["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let model = import(&folder().join(file), Some("kind")).unwrap_or_else(|e| panic!("{file}: {e}"));
        let k = model.card().outcomes.len();
        let theirs: Vec<f64> = case["p"].as_array().unwrap().iter().flat_map(floats).collect();
        let tolerance = if file.starts_with("lgb") { 1e-9 } else { 1e-5 };
        let p = model.predict(&x, &JobCtx::quiet()).unwrap();
        assert!(p.len() == theirs.len() && p.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= tolerance), "{file}: {p:?} {theirs:?}");
        if case["contributions"].is_null() {
            assert!(k == 1 && model.card().outcomes[0].is_binary());
            continue;
        }
        assert_eq!((k, model.card().outcomes[1].is_class()), (3, file != "lgb_ova.txt"));
        if file != "lgb_ova.txt" {
            assert_eq!(model.card().outcomes[1].label(), "kind: 1");
        }
        assert_eq!(model.card().classes(), Some(("kind", vec!["0", "1", "2"])), "{file}");
        // Probabilities are explained as such, and every explanation ends at what the program predicts.
        let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
        for outcome in 0..k {
            let options = crate::explain::ExplainOptions { outcome, ..Default::default() };
            let why = crate::explain::explain(&*model, &x, &lines, &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
            assert_eq!((why.scale, why.exact), (crate::ml::model::Scale::Probability, true), "{file}");
            assert!(why.gaps.iter().all(|g| g.abs() <= 1e-9), "{file}: {:?}", why.gaps);
            for i in 0..x.n_rows() {
                let sum = why.base + why.row(i).iter().sum::<f64>();
                assert!((sum - theirs[i * k + outcome]).abs() <= tolerance, "{file}, row {i}: {sum} is not {}", theirs[i * k + outcome]);
            }
        }
    }
}

#[test]
fn huge_and_deep_files_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let code = |path: &Path| import(path, None).map(drop).unwrap_err().0.code;
    // Half a gigabyte of zeros costs nothing on disk, and must cost nothing here; more is not even looked at.
    let zeros = dir.path().join("zeros.json");
    std::fs::File::create(&zeros).unwrap().set_len(1 << 29).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(code(&zeros), "ml.import_unknown");
    assert!(begun.elapsed().as_secs() < 5, "it was read as a whole");
    std::fs::File::create(&zeros).unwrap().set_len(1 << 30).unwrap();
    assert_eq!(code(&zeros), "ml.import_too_large");
    for (ending, found) in [("safetensors", "ml.import_too_large"), ("txt", "ml.import_too_large"), ("onnx", "ml.import_too_large")] {
        let other = zeros.with_extension(ending);
        std::fs::rename(dir.path().join("zeros.json"), &other).or_else(|_| std::fs::File::create(&other).map(drop)).unwrap();
        std::fs::OpenOptions::new().write(true).open(&other).unwrap().set_len(1 << 30).unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(code(&other), found, "{ending}");
        assert!(begun.elapsed().as_secs() < 5, "{ending} was read as a whole");
    }
    let ours = dir.path().join("m.whymodel");
    for (size, found) in [(1 << 30, "ml.not_a_model"), ((1 << 30) + 1, "ml.import_too_large")] {
        std::fs::File::create(&ours).unwrap().set_len(size).unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(open(&ours).map(drop).unwrap_err().0.code, found);
        assert!(begun.elapsed().as_secs() < 5, "it was read as a whole");
    }
    let deep = dir.path().join("deep.json");
    std::fs::write(&deep, "{\"learner\":".to_owned() + &"[".repeat(200_000)).unwrap();
    assert_eq!(code(&deep), "ml.import_damaged");
    std::fs::write(&deep, [b"{i\x01a".as_slice(), &[b'['; 200_000]].concat()).unwrap();
    assert_eq!(code(&deep), "ml.import_damaged");
}

/// Rows of an expected file, gaps and all.
fn given(all: &Value) -> FeatureMatrix {
    let rows = all["rows"].as_array().unwrap();
    let cells = rows.iter().flat_map(|r| r.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)));
    FeatureMatrix { n_features: 4, values: cells.collect() }
}

#[test]
fn rounds_after_an_early_stop_predict_where_the_source_lets_them() {
    let all: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_early.json")).unwrap()).unwrap();
    let x = given(&all);
    let near = |path: &Path, word: &str, code: &str| {
        let model = import(path, None).unwrap();
        let ours = model.predict(&x, &JobCtx::quiet()).unwrap();
        for (a, b) in ours.iter().zip(floats(&all[word])) {
            assert!((a - b).abs() < 1e-6, "{word}: {a} is not {b}");
        }
        assert!(model.card().warnings.iter().any(|w| w.code == code), "{:?}", model.card().warnings);
    };
    near(&folder().join("xgb_early.json"), "scikit_learn", "ml.import_best_rounds");
    // The same file as the bare booster would have written it.
    let dir = tempfile::tempdir().unwrap();
    let bare = dir.path().join("bare.json");
    let mut file: Value = serde_json::from_slice(&std::fs::read(folder().join("xgb_early.json")).unwrap()).unwrap();
    file["learner"]["attributes"].as_object_mut().unwrap().remove("scikit_learn");
    std::fs::write(&bare, file.to_string()).unwrap();
    near(&bare, "booster", "ml.import_all_rounds");
    assert_ne!(floats(&all["booster"]), floats(&all["scikit_learn"]), "they differ");
}

#[test]
fn ranking_margins_and_darts_of_both_programs_are_theirs() {
    let all: Value = serde_json::from_slice(&std::fs::read(folder().join("expected_rank.json")).unwrap()).unwrap();
    let x = given(&all);
    for case in all["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let tolerance = if file.starts_with("lgb") { 1e-9 } else { 1e-5 };
        let ours = import(&folder().join(file), None).unwrap().margins(&x, &JobCtx::quiet()).unwrap();
        for (a, b) in ours.iter().zip(floats(&case["margin"])) {
            assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{file}: {a} is not {b}");
        }
    }
}
