//! The headless commands through the real binary: outputs, exit status, one sentence for every mistake.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use whybench::base::JobCtx;
use whybench::data::{ReadOptions, Table, read};

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data").join(name)
}

pub fn whybench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whybench")).args(args).env("LANG", "C.UTF-8").output().unwrap()
}

pub fn json(args: &[&str]) -> Value {
    let out = whybench(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// A result as the files hold it.
fn as_json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

fn table(path: &Path) -> Table {
    read::open(path, &ReadOptions::default(), &JobCtx::quiet()).unwrap().table
}

pub fn fails(args: &[&str], status: i32, says: &str) {
    let out = whybench(args);
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(status), "{args:?}: {text}");
    assert!(text.contains(says), "{args:?} should say “{says}”: {text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(out.stdout.is_empty());
}

#[test]
fn a_model_is_trained_used_and_explained() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let data = sample("online_shoppers_intention.csv").display().to_string();
    let profile = json(&["profile", &data, "--target", "Revenue", "--json"]);
    assert_eq!((profile["rows"].as_u64(), profile["columns"].as_array().map(Vec::len)), (Some(12_330), Some(18)));
    assert_eq!(profile["reading"]["delimiter"], ",");

    let train = |out: &str, predictions: &str| {
        let (out, predictions) = (at(out), at(predictions));
        json(&[
            "train",
            &data,
            "--target",
            "Revenue",
            "--model",
            "gbdt",
            "--split",
            "modulo:10,7",
            "--out",
            &out,
            "--predictions",
            &predictions,
            "--json",
        ])
    };
    let t = train("a.whymodel", "a.parquet");
    assert_eq!(t["rows"]["test"], 3_699);
    assert!(t["test"]["auc"].as_f64().unwrap() > 0.9345, "{t}");
    for key in ["model", "targets", "test", "rows", "seconds", "device", "seed", "fingerprint", "warnings"] {
        assert!(!t[key].is_null(), "{key}");
    }
    let again = train("b.whymodel", "b.parquet");
    assert_eq!(t["fingerprint"], again["fingerprint"], "the same recipe gives the same bits");
    assert_eq!(std::fs::read(at("a.parquet")).unwrap(), std::fs::read(at("b.parquet")).unwrap());
    assert_eq!(table(&dir.path().join("a.parquet")).names(), ["row", "split", "target", "y", "p"]);

    json(&["predict", &at("a.whymodel"), &data, "--out", &at("p.parquet"), "--json"]);
    let (p, q) = (table(&dir.path().join("a.parquet")), table(&dir.path().join("p.parquet")));
    assert_eq!(p.numbers(4), q.numbers(4), "a loaded model predicts what it predicted");

    json(&["explain", &at("a.whymodel"), &data, "--method", "tree-shap", "--rows", "100..150", "--out", &at("s.parquet"), "--json"]);
    let s = table(&dir.path().join("s.parquet"));
    let names = s.names();
    assert_eq!((names[0].as_str(), names[1].as_str()), ("row", "class"));
    assert_eq!(names[names.len() - 3..], ["base_value", "prediction", "gap"]);
    assert_eq!(s.n_rows(), 50);
    let columns: Vec<Vec<f64>> = (0..s.n_columns()).map(|i| s.numbers(i)).collect();
    for r in 0..50 {
        let sum: f64 = (2..s.n_columns() - 3).map(|j| columns[j][r]).sum();
        let (base, prediction) = (columns[s.n_columns() - 3][r], columns[s.n_columns() - 2][r]);
        assert!((base + sum - prediction).abs() < 1e-9, "row {r}");
    }
    fails(&["explain", &at("a.whymodel"), &data, "--method", "attention", "--out", &at("x.parquet")], 1, "Transformer");
    fails(&["explain", &at("a.whymodel"), &data, "--method", "magic", "--out", &at("x.parquet")], 1, "tree-shap");
    let cut = std::fs::read(at("a.whymodel")).unwrap();
    std::fs::write(at("cut.whymodel"), &cut[..cut.len() / 2]).unwrap();
    fails(&["predict", &at("cut.whymodel"), &data, "--out", &at("x.parquet")], 1, "cut.whymodel");
}

#[test]
fn a_project_runs_whole_and_twice_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let project = sample("online_shoppers.whybench").display().to_string();
    let run = |name: &str| -> PathBuf {
        let out = dir.path().join(name);
        json(&["run", &project, "--out", &out.display().to_string(), "--json"]);
        out
    };
    let (a, b) = (run("a"), run("b"));
    for file in [
        "models/Trees.whymodel",
        "predictions/Trees.parquet",
        "explanations/Trees-tree-shap.parquet",
        "scenarios.json",
        "recipe.toml",
        "report.html",
    ] {
        let (x, y) = (std::fs::read(a.join(file)).unwrap(), std::fs::read(b.join(file)).unwrap());
        assert!(!x.is_empty(), "{file}");
        // A model file says how long training took; everything else is the same to the bit.
        if !file.starts_with("models/") && file != "report.html" {
            assert_eq!(x, y, "{file}");
        }
    }
    let scenarios: Value = serde_json::from_slice(&std::fs::read(a.join("scenarios.json")).unwrap()).unwrap();
    let first = &scenarios["scenarios"][1];
    assert_eq!(first["name"], "Closer to special days");
    assert!(["C", "D"].contains(&first["grade"].as_str().unwrap()), "no better grade without randomisation");
    assert!(first["conversions"]["low"].as_f64() <= first["conversions"]["value"].as_f64());

    // Whoever is handed the report alone reaches the same figures: the recipe in it, beside the data, run as it says.
    let report: Value = serde_json::from_slice(&std::fs::read(a.join("report.json")).unwrap()).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(sample("online_shoppers_intention.csv"), elsewhere.join("online_shoppers_intention.csv")).unwrap();
    std::fs::write(elsewhere.join("recipe.toml"), report["recipe"].as_str().unwrap()).unwrap();
    json(&[
        "run",
        &elsewhere.join("recipe.toml").display().to_string(),
        "--out",
        &elsewhere.join("results").display().to_string(),
        "--json",
    ]);
    let again = std::fs::read(elsewhere.join("results/scenarios.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), scenarios);
    // And the JSON is read back as the report that it was.
    let back: whybench::report::Report = serde_json::from_value(report.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), report);
}

#[test]
fn mistakes_get_one_sentence_and_their_status() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let data = sample("online_shoppers_intention.csv").display().to_string();
    let out = dir.path().join("x.whymodel").display().to_string();
    let folder = dir.path().display().to_string();
    fails(&["profile", "nowhere.csv"], 1, "nowhere.csv");
    fails(&["profile", &folder], 1, "folder");
    fails(&["train", &data, "--target", "Revenu", "--model", "gbdt", "--out", &out], 1, "Revenue");
    fails(&["train", &data, "--target", "Revenue", "--model", "gbdt", "--split", "modulo:1", "--out", &out], 1, "modulo");
    fails(&["train", &data, "--target", "Revenue", "--model", "forest", "--out", &out], 2, "gbdt");
    fails(&["frobnicate", "x"], 2, "");
    let one = at("one.csv", "x,bought\n1,yes\n2,yes\n3,yes\n");
    fails(&["train", &one, "--target", "bought", "--model", "logistic", "--out", &out], 1, "bought");
    let newer = at("newer.toml", "version = 7\n[data]\npath = \"a.csv\"\n");
    fails(&["simulate", &newer, "--out", &out], 1, "newer");
    let odd = at("odd.toml", "version = 1\nodd = 2\n[data]\npath = \"a.csv\"\n");
    fails(&["run", &odd, "--out", &folder], 1, "odd");
    let zh = whybench(&["--lang", "zh", "profile", "nowhere.csv"]);
    assert!(String::from_utf8_lossy(&zh.stderr).contains("找不到"));
}

/// The window's session, driven as its lanes drive it, and the headless run of the same project.
#[test]
fn window_and_run_give_the_same_bits() {
    use whybench::explain::ExplainOptions;
    use whybench::ml::model::Scale;
    use whybench::session::Session;
    use whybench::session::state::{Ask, WhyRequest, WhyRows};
    let dir = tempfile::tempdir().unwrap();
    for name in ["online_shoppers_intention.csv", "online_shoppers.whybench"] {
        std::fs::copy(sample(name), dir.path().join(name)).unwrap();
    }
    let project = dir.path().join("online_shoppers.whybench");
    let out = dir.path().join("out");
    json(&["run", &project.display().to_string(), "--out", &out.display().to_string(), "--json"]);
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap() };

    let mut s = Session::new(whybench::base::Lang::En);
    s.want(Ask::OpenProject(project));
    s.settle();
    s.want(Ask::Train("Trees".into()));
    s.settle();
    let options = ExplainOptions { scale: Scale::Probability, ..ExplainOptions::default() };
    let request = WhyRequest { model: "Trees".into(), rows: WhyRows::Test, options, against: None };
    s.want(Ask::Levers("Trees".into()));
    s.settle();
    s.want(Ask::Simulate("Trees".into()));
    s.want(Ask::Why(request.clone()));
    s.settle();
    let seen = s.simulation("Trees").unwrap();
    assert_eq!(as_json(&**seen), read("scenarios.json"), "scenarios");
    let why = s.why(&request).unwrap();
    assert_eq!(as_json(&why.summary), read("report.json")["why"][0]["summary"], "reasons");
    // A lever that moves and moves back leaves no trace in the numbers.
    let mut draft = s.recipe.as_ref().unwrap().scenarios[0].clone();
    draft.name = "Try".into();
    for special_day in [0.2, 0.6] {
        draft.set.insert("SpecialDay".into(), whybench::strategy::scenario::Setting::Number(special_day));
        s.set_draft(Some(draft.clone()));
        s.want(Ask::Simulate("Trees".into()));
        s.settle();
        assert_eq!(s.simulation("Trees").unwrap().scenarios.len(), 3);
    }
    s.set_draft(None);
    s.want(Ask::Simulate("Trees".into()));
    s.settle();
    assert_eq!(as_json(&**s.simulation("Trees").unwrap()), read("scenarios.json"), "after the lever came back");
}

/// Integrated Gradients of a real network: what is left unexplained stays within a hundredth of the way on 95 % of the rows.
#[test]
fn gradients_of_a_trained_transformer_add_up() {
    use whybench::explain::ExplainOptions;
    use whybench::ml::{DeviceChoice, ModelKind, ModelSpec};
    use whybench::session::{Recipe, pipeline};
    let ctx = JobCtx::quiet();
    let mut recipe = Recipe::open(&sample("online_shoppers.whybench")).unwrap();
    let spec =
        ModelSpec { device: DeviceChoice::Cpu, epochs: Some(1), width: Some(16), ..ModelSpec::new("Transformer", ModelKind::Transformer) };
    recipe.models = vec![spec.clone()];
    let loaded = std::sync::Arc::new(pipeline::load(&recipe, &sample(""), &ctx).unwrap());
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx).unwrap();
    let model = pipeline::train(&prepared, &spec, &ctx).unwrap();
    let why = pipeline::why(&prepared, &*model, &pipeline::WhyRows::Lines(0, 60), &ExplainOptions::default(), None, &ctx).unwrap();
    let a = &why.attribution;
    let mut shares: Vec<f64> = (0..60)
        .map(|i| {
            let sum: f64 = a.row(i).iter().sum();
            assert!((a.predictions[i] - a.base - sum - a.gaps[i]).abs() < 1e-9, "the gap is what is left");
            a.gaps[i].abs() / (a.predictions[i] - a.base).abs().max(0.01)
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    assert!(shares[56] <= 0.01, "{shares:?}");
    assert!(a.values.iter().any(|v| v.abs() > 1e-3), "something is explained");

    // Two heads silenced together from the command line: what it writes is what the library says.
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    whybench::ml::file::save(&*model, &dir.path().join("t.whymodel")).unwrap();
    let data = sample("online_shoppers_intention.csv").display().to_string();
    let explain = |method: &str, mute: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_whybench"))
            .args(["explain", &at("t.whymodel"), &data, "--method", method, "--rows", "3..5", "--mute", mute, "--out", &at("h.parquet")])
            .args(["--lang", "en"])
            .output()
            .unwrap()
    };
    let out = explain("attention-tested", "1:2,0:0,1:2");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let t = table(&dir.path().join("h.parquet"));
    let column = |name: &str| t.numbers(t.names().iter().position(|n| n == name).unwrap());
    let (rows, layers, weights) = (column("row"), column("layer"), column("weight"));
    for line in [3, 4] {
        let map = pipeline::attention(&prepared, &*model, line, 0, &[(0, 0), (1, 2)], &ctx).unwrap();
        let together = map.output - map.silenced.unwrap();
        let written = (0..rows.len()).find(|i| rows[*i] == f64::from(line) && layers[*i] == -2.0).unwrap();
        assert!((weights[written] - together).abs() < 1e-6 && together.abs() > 1e-6, "{} {together}", weights[written]);
        assert_eq!(layers.iter().zip(&rows).filter(|(l, r)| **l >= 0.0 && **r == f64::from(line)).count(), 8);
    }
    assert!(String::from_utf8_lossy(&explain("attention", "2:0").stderr).contains("no head 0 in layer 2"));
    assert!(String::from_utf8_lossy(&explain("integrated-gradients", "0:0").stderr).contains("--mute"));
    assert_eq!(explain("attention", "first").status.code(), Some(2));
}

/// The deeper commands of *why* on the sample, end to end: files, sentences, refusals.
#[test]
fn why_goes_deeper() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let data = sample("online_shoppers_intention.csv").display().to_string();
    let run = |args: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_whybench")).args(args).args(["--lang", "en"]).output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let fine = |args: &[&str]| {
        let (code, out, err) = run(args);
        assert_eq!(code, Some(0), "{args:?}: {err}");
        out
    };
    let model = at("m.whymodel");
    fine(&["train", &data, "--target", "Revenue", "--model", "gbdt", "--epochs", "30", "--split", "modulo:10,7", "--out", &model]);
    let read = |name: &str| read::open(&dir.path().join(name), &ReadOptions::default(), &JobCtx::quiet()).unwrap().table;
    let columns = |name: &str| read(name).names().join(" ");

    // Every method that fits trees writes its file; those that ask the model for combinations, for a few rows.
    for method in ["tree-shap", "tree-shap-reference", "permutation-shap", "kernel-shap", "proxy-shap", "lime"] {
        let out = at("x.parquet");
        fine(&[
            "explain",
            &model,
            &data,
            "--method",
            method,
            "--rows",
            "0..3",
            "--reference",
            "VisitorType = 'New_Visitor'",
            "--budget",
            "200",
            "--out",
            &out,
        ]);
        let t = read("x.parquet");
        assert!(t.n_rows() == 3 && t.names().join(" ").contains(" base_value prediction gap"), "{method}: {:?}", t.names());
        let gap = t.numbers(t.column("gap").unwrap());
        assert!(method == "lime" || gap.iter().all(|g| g.abs() < 1e-9), "{method}: {gap:?}");
    }
    // Groups of features are columns of their own, and may make every combination possible.
    std::fs::write(
        dir.path().join("g.toml"),
        "[groups]\nPages = [\"Administrative\", \"Informational\", \"ProductRelated\"]\nTech = [\"OperatingSystems\", \"Browser\"]\n",
    )
    .unwrap();
    let groups = at("g.toml");
    for method in ["tree-shap", "exact-shap"] {
        fine(&[
            "explain",
            &model,
            &data,
            "--method",
            method,
            "--rows",
            "0..1",
            "--reference",
            "Month = 'May' and Weekend = 'TRUE'",
            "--groups",
            &groups,
            "--out",
            &at("g.parquet"),
        ]);
        assert!(columns("g.parquet").contains("Pages") && !columns("g.parquet").contains("ProductRelated "), "{}", columns("g.parquet"));
    }
    fine(&["explain", &model, &data, "--method", "interactions", "--rows", "0..2", "--out", &at("i.parquet")]);
    assert_eq!(columns("i.parquet"), "row class feature_a feature_b value");
    // Main effects and interactions of a row sum to what its Shapley values sum to.
    fine(&["explain", &model, &data, "--method", "tree-shap", "--rows", "0..1", "--out", &at("s.parquet")]);
    let (i, s) = (read("i.parquet"), read("s.parquet"));
    let rows = i.numbers(i.column("row").unwrap());
    let pairs: f64 = i.numbers(i.column("value").unwrap()).iter().zip(&rows).filter(|(_, r)| **r == 0.0).map(|(v, _)| v).sum();
    let whole = s.numbers(s.column("prediction").unwrap())[0] - s.numbers(s.column("base_value").unwrap())[0];
    assert!((pairs - whole).abs() < 1e-9, "{pairs} {whole}");

    fine(&["effect", &model, &data, "--feature", "PageValues", "--out", &at("e.parquet")]);
    assert_eq!(columns("e.parquet"), "feature value label effect low high density");
    let said = fine(&["effect", &model, &data, "--feature", "PageValues,Month", "--kind", "ale", "--out", &at("e2.parquet")]);
    assert!(columns("e2.parquet").contains("feature_2") && said.contains("Together, PageValues and Month"), "{said}");
    fine(&["effect", &model, &data, "--feature", "Month", "--kind", "ice", "--out", &at("e3.parquet")]);
    assert!(columns("e3.parquet").contains(" row "));

    let said = fine(&["counterfactual", &model, &data, "--row", "100", "--to", "flip", "--out", &at("c.json"), "--json"]);
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(found["certified"] == true && found["to"].as_f64().unwrap() >= 0.5 && found["real_row"].is_number(), "{said}");
    assert_eq!(found["cost"], found["lower_bound"]);
    // The same wish in other words; what is wished already is said to be so.
    for words in ["TRUE", "true", "yes", "0.5", ">=0.5", "50%", ">= 50 %"] {
        let said = fine(&["counterfactual", &model, &data, "--row", "100", "--to", words, "--out", &at("c.json"), "--json"]);
        let same: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(same["changes"], found["changes"], "{words}");
    }
    let (code, _, err) = run(&["counterfactual", &model, &data, "--row", "100", "--to", "FALSE", "--out", &at("c.json")]);
    assert!(code == Some(1) && err.contains("already"), "{err}");
    std::fs::write(dir.path().join("k.toml"), "locked = [\"PageValues\"]\nprice = { ExitRates = 2.0 }\n").unwrap();
    let said = fine(&["counterfactual", &model, &data, "--row", "100", "--rules", &at("k.toml"), "--out", &at("c.json"), "--json"]);
    let kept: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(kept["rules"], serde_json::json!({ "locked": ["PageValues"], "price": { "ExitRates": 2.0 } }));
    assert!(kept["sentence"].as_str().unwrap().contains("Rules in force: unchanged: PageValues"), "{said}");
    std::fs::write(
        dir.path().join("r.toml"),
        "locked = [\"PageValues\", \"ExitRates\", \"BounceRates\"]\nmost_changes = 2\nbudget = 0.01\n",
    )
    .unwrap();
    let (code, _, err) = run(&["counterfactual", &model, &data, "--row", "100", "--rules", &at("r.toml"), "--out", &at("c.json")]);
    assert!(code == Some(1) && (err.contains("No change") || err.contains("costs at least")), "{err}");
    let (code, _, err) = run(&["counterfactual", &model, &data, "--row", "100", "--to", "1.5", "--out", &at("c.json")]);
    assert!(code == Some(1) && err.contains("1.5"), "{err}");

    let said = fine(&["contrast", &model, &data, "--row", "5", "--against", "3000", "--out", &at("k.json"), "--json"]);
    let k: serde_json::Value = serde_json::from_str(&said).unwrap();
    let sum: f64 = k["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).sum();
    assert!((sum - (k["value"].as_f64().unwrap() - k["base"].as_f64().unwrap())).abs() < 1e-9);
    fine(&["contrast", &model, &data, "--group", "Month = 'Nov'", "--against-group", "Month = 'May'", "--out", &at("k2.json")]);
    let said = fine(&["importance", &model, &data, "--repeats", "2", "--out", &at("p.json")]);
    assert!(said.lines().nth(1).is_some_and(|l| l.starts_with("PageValues")), "{said}");
    let said = fine(&["surrogate", &model, &data, "--out", &at("t.json"), "--json"]);
    let t: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(t["fidelity"].as_f64().unwrap() > t["usual"].as_f64().unwrap() && t["rules"].as_array().unwrap().len() > 2, "{said}");
    // Every row added up is what the rows of the file add up to.
    let of = |about: &str, more: &[&str]| -> serde_json::Value {
        let out = at(&format!("{about}.json"));
        let args = [&["ask", &model, &data, "--about", about, "--out", &out, "--json"], more].concat();
        serde_json::from_str(&fine(&args)).unwrap()
    };
    let all = of("everyone", &[]);
    fine(&["explain", &model, &data, "--method", "tree-shap", "--out", &at("all.parquet")]);
    let file = table(Path::new(&at("all.parquet")));
    assert_eq!(all["rows"].as_u64().unwrap() as usize, file.n_rows());
    assert_eq!(all["scale"], "margin", "every row is explained on the score");
    for f in all["features"].as_array().unwrap() {
        let values = file.numbers(file.column(f["name"].as_str().unwrap()).unwrap());
        let n = values.len() as f64;
        let want = [values.iter().map(|v| v.abs()).sum::<f64>() / n, values.iter().sum::<f64>() / n];
        let got = [f["mean_abs"].as_f64().unwrap(), f["mean"].as_f64().unwrap()];
        assert!(want.iter().zip(got).all(|(a, b)| (a - b).abs() < 1e-9), "{f}: {want:?}");
        let up = values.iter().filter(|v| **v > 0.0).count() as f64 / n;
        assert!((up - f["up"].as_f64().unwrap()).abs() < 1e-12, "{f}");
    }
    // The density counts every row of the file, and says of a bin what the rows in it are.
    let density = of("density", &[]);
    // What is said of them is for people, and stands beside the numbers.
    let mut numbers = all.clone();
    numbers.as_object_mut().unwrap().remove("sentence");
    assert_eq!(density["all"], numbers, "the same rows, added up");
    for f in density["features"].as_array().unwrap() {
        let name = f["name"].as_str().unwrap();
        let effects = file.numbers(file.column(name).unwrap());
        let (step, lowest) = (f["step"].as_f64().unwrap(), f["lowest"].as_i64().unwrap());
        let cells = f["cells"].as_array().unwrap();
        assert_eq!(cells.iter().map(|c| c["rows"].as_u64().unwrap()).sum::<u64>() as usize, file.n_rows(), "{name}");
        for bin in 0..f["bins"].as_i64().unwrap() {
            let (from, to) = ((lowest + bin) as f64 * step, (lowest + bin + 1) as f64 * step);
            let inside: Vec<f64> = effects.iter().copied().filter(|e| *e >= from && *e < to).collect();
            let of_bin = || cells.iter().filter(|c| c["bin"].as_i64() == Some(bin));
            assert_eq!(of_bin().map(|c| c["rows"].as_u64().unwrap()).sum::<u64>() as usize, inside.len(), "{name} {bin}");
            let end = |key: &str| of_bin().map(move |c| c[key].as_f64().unwrap()).collect::<Vec<f64>>();
            let (low, high) = (end("effect_low"), end("effect_high"));
            assert_eq!(low.iter().copied().fold(f64::INFINITY, f64::min), inside.iter().copied().fold(f64::INFINITY, f64::min), "{name}");
            assert_eq!(
                high.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                inside.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                "{name}"
            );
        }
    }
    fine(&["ask", &model, &data, "--about", "density", "--out", &at("density.parquet")]);
    let cells = table(Path::new(&at("density.parquet")));
    assert_eq!(
        cells.numbers(cells.column("rows").unwrap()).iter().sum::<f64>() as usize,
        file.n_rows() * density["features"].as_array().unwrap().len()
    );
    assert!(of("pairs", &[])["pairs"].as_array().is_some_and(|p| !p.is_empty()));
    assert!(of("typical", &[])["rows"].is_array() && of("trust", &[])["checks"].is_array());
    let two = of("cohorts", &["--cohort", "Weekend = 1", "--cohort", "Weekend = 0"]);
    assert!(two.to_string().contains("Weekend = 1"), "{two}");
    // Errors are looked for in the rows that were held out, where it is said which.
    let (held, every) = (of("segments", &["--split", "modulo:10,7"]), of("segments", &["--reasons"]));
    assert_eq!((held["rows"].as_u64(), every["rows"].as_u64()), (Some(3699), Some(1500)), "{held} {every}");
    assert!(held["found"].as_array().is_some_and(|f| !f.is_empty()) && held != of("segments", &[]));
    let again = of("stability", &["--split", "modulo:10,7"]);
    assert!(again["versions"] == 4 && again["shared"].as_f64().is_some_and(|s| s > 0.5), "{again}");
    assert_eq!(again["spread"][0][0], "PageValues");
    let (code, _, err) = run(&["ask", &model, &data, "--about", "cohorts", "--out", &at("c.json")]);
    assert!(code == Some(1) && err.contains("--cohort"), "{err}");
    let (code, _, err) =
        run(&["explain", &model, &data, "--method", "tree-shap-reference", "--reference", "Month = 'Smarch'", "--out", &at("n.parquet")]);
    assert!(code == Some(1) && err.contains("Smarch"), "{err}");
}

#[test]
fn a_class_of_an_imported_model_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let levels = ["ads", "mail", "search", "social"];
    let rows: String = (0..50)
        .map(|i| format!("{},{},{},{}\n", f64::from(i) / 10.0 - 2.0, i % 7, levels[i as usize % 4], f64::from(i % 11) - 5.0))
        .collect();
    std::fs::write(dir.path().join("d.csv"), format!("a,b,c,d\n{rows}")).unwrap();
    let recipe = "version = 1\n[data]\npath = \"d.csv\"\n[roles]\nlever = [\"a\", \"c\"]\n[simulate]\nclass = \"0\"\n\
                  [[scenario]]\nname = \"s\"\nset = { a = \"+1\", c = \"mail\" }\n";
    std::fs::write(dir.path().join("r.toml"), recipe).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/xgb_classes.json");
    let (model, recipe) = (at("m.whymodel"), at("r.toml"));
    json(&["import", source.to_str().unwrap(), "--target", "kind", "--out", &model, "--json"]);
    json(&["predict", &model, &at("d.csv"), "--out", &at("p.parquet"), "--json"]);
    let p = table(&dir.path().join("p.parquet"));
    for class in ["0", "1", "2"] {
        let more: &[&str] = if class == "0" { &[] } else { &["--class", class] };
        let said = json(&[&["simulate", &recipe, "--model", &model, "--out", &at("s.json"), "--json"], more].concat());
        assert_eq!((&said["outcome"], &said["class"]), (&Value::from("kind"), &Value::from(class)));
        let sum: f64 = p.numbers(p.column(&format!("p_{class}")).unwrap()).iter().sum();
        let counted = said["scenarios"][0]["conversions"]["value"].as_f64().unwrap();
        assert!((counted - sum).abs() < 1e-9 && said["differences"][0]["conversions"]["value"] != 0.0, "{counted} is not {sum}");
    }
    fails(&["simulate", &recipe, "--model", &model, "--class", "gold", "--out", &at("s.json")], 1, "0, 1, 2");
    // Weights go out and come in again.
    let net = source.with_file_name("net_transformer.safetensors");
    json(&["import", net.to_str().unwrap(), "--out", &at("n.whymodel"), "--json"]);
    json(&["export", &at("n.whymodel"), "--out", &at("w.safetensors"), "--json"]);
    let back = json(&["import", &at("w.safetensors"), "--recipe", &at("w.toml"), "--out", &at("n2.whymodel"), "--json"]);
    assert_eq!(back["features"], serde_json::json!(["a", "b", "c", "d"]));
    fails(&["export", &model, "--out", &at("w.safetensors")], 1, "only networks");
}

/// A table for the three-class files of `tests/data/import`, and their model as ours.
fn three_classes(dir: &Path, file: &str) -> (String, String) {
    let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import").join(file);
    let mut text = String::from("a,b,c,d\n");
    for i in 0..120usize {
        let word = ["ads", "mail", "search", "social"][i * 7 % 4];
        text.push_str(&format!("{:.2},{:.2},{word},{}\n", (i * 13 % 17) as f64 / 4.0 - 2.0, (i * 5 % 11) as f64 / 5.0, i % 6));
    }
    let (data, model) = (dir.join("d.csv"), dir.join("m.whymodel"));
    std::fs::write(&data, text).unwrap();
    let (data, model) = (data.display().to_string(), model.display().to_string());
    json(&["import", &given.display().to_string(), "--out", &model, "--json"]);
    (data, model)
}

#[test]
fn a_class_can_be_wished_for_and_answers_say_what_they_rest_on() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for file in ["lgb_classes.txt", "lgb_ova.txt"] {
        let (data, model) = three_classes(dir.path(), file);
        // The class itself, the other side of one half, and a level: each of the class that is meant.
        let ova = file == "lgb_ova.txt";
        let all = ["0", "1", "2"];
        let mut said = 0;
        for row in ["0", "1", "2", "3", "4", "5"] {
            for class in &all {
                let out = whybench(&["counterfactual", &model, &data, "--row", row, "--to", class, "--out", &at("c.json"), "--json"]);
                let err = String::from_utf8_lossy(&out.stderr).into_owned();
                if !out.status.success() {
                    assert!(err.contains("already") || err.contains("No change"), "{file}: {err}");
                    continue;
                }
                let found: Value = serde_json::from_slice(&out.stdout).unwrap();
                assert!(found["outcome"].as_str().unwrap().ends_with(class) && found["to"].as_f64().unwrap() >= 0.5, "{found}");
                assert!(found["certified"] == true && found["search"] == "branch-and-bound", "{found}");
                said += 1;
            }
        }
        // The other side of one half, of a class that is named: some row has one.
        let flips = (0..18).filter_map(|k| {
            let class = if ova { format!("outcome = {}", k % 3) } else { (k % 3).to_string() };
            let row = k / 3;
            let row = row.to_string();
            let out = whybench(&["counterfactual", &model, &data, "--row", &row, "--class", &class, "--out", &at("c.json"), "--json"]);
            out.status.success().then(|| serde_json::from_slice::<Value>(&out.stdout).unwrap())
        });
        let flips: Vec<(f64, f64)> = flips.map(|f| (f["from"].as_f64().unwrap(), f["to"].as_f64().unwrap())).collect();
        assert!(!flips.is_empty() && flips.iter().all(|(from, to)| (*from < 0.5) != (*to < 0.5)), "{file}: {flips:?}");
        assert!(said > 2, "{file}: {said}");
        fails(&["counterfactual", &model, &data, "--row", "0", "--to", "gold", "--out", &at("c.json")], 1, "0, 1, 2");
    }
    let (data, model) = three_classes(dir.path(), "lgb_classes.txt");
    let explain = |method: &str, out: &str, more: &[&str]| {
        let out = at(out);
        json(&[&["explain", &model, &data, "--method", method, "--out", &out, "--json"], more].concat())
    };
    // Sampled values carry their intervals, and the rows that were really compared with.
    let said = explain("permutation-shap", "p.parquet", &["--rows", "0..6", "--class", "2"]);
    assert_eq!((said["reference"]["rows"].as_u64(), said["reference"]["of"].as_u64()), (Some(100), Some(120)), "{said}");
    let file = table(Path::new(&at("p.parquet")));
    let widths: Vec<f64> =
        ["a", "b", "c", "d"].iter().flat_map(|f| file.numbers(file.column(&format!("{f}_half_width")).unwrap())).collect();
    let widest = widths.iter().copied().fold(0.0, f64::max);
    assert_eq!(said["largest_half_width"].as_f64().unwrap_or(0.0), widest);
    assert!(said["sentence"].as_str().unwrap().contains("6 rows"), "{said}");
    let exact = explain("tree-shap", "t.parquet", &["--rows", "3..4", "--class", "2"]);
    assert!(exact.get("largest_half_width").is_none() && exact.get("reference").is_none());
    assert!(!table(Path::new(&at("t.parquet"))).names().iter().any(|n| n.contains("half_width")));
    assert!(exact["sentence"].as_str().unwrap().contains("2"), "{exact}");
    let tree = json(&["surrogate", &model, &data, "--class", "2", "--out", &at("s.json"), "--json"]);
    assert!(tree["sentence"].as_str().unwrap().starts_with("A tree of"), "{tree}");
    let shown = whybench(&["surrogate", &model, &data, "--class", "2", "--out", &at("s.json")]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains(tree["sentence"].as_str().unwrap()));
}
