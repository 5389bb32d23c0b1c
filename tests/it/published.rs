//! Figures that nobody here wrote: a logged bandit against obp's formulas, the e-mail test of Hillstrom against scikit-learn,
//! scikit-uplift and Newcombe's interval, customers of CDNOW against the published fit.
//!
//! What may be shipped is always tried. The other data are read from the folder that `WHYBENCH_ORACLES` names
//! (`hillstrom/hillstrom.csv`, `cdnow/cdnow_customers_summary.csv`); without it that is said, and nothing is claimed.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn json(args: &[&str]) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_whybench")).args(args).arg("--json").env("LANG", "C.UTF-8").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn near(found: &Value, known: f64, within: f64, what: &str) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - known).abs() <= within, "{what}: {found} is not {known}");
}

/// A file of the folder of oracles, if there is one here.
fn oracle(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("WHYBENCH_ORACLES").map(|folder| Path::new(&folder).join(file)).filter(|p| p.is_file());
    if path.is_none() {
        eprintln!("not tried: {file} is in no folder that WHYBENCH_ORACLES names");
    }
    path
}

#[test]
fn a_logged_bandit_is_valued_as_obp_does() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/logs/open_bandit_bts_men.csv").display().to_string();
    let columns = ["--action", "item_id", "--reward", "click", "--propensity", "propensity_score", "--position", "position"];
    let p = json(&[&["policy", &log], &columns[..]].concat());
    near(&p["estimators"]["ips"]["value"], 0.003009, 5e-7, "IPS");
    near(&p["estimators"]["ips"]["se"], 0.000774, 5e-7, "its standard error");
    near(&p["estimators"]["snips"]["value"], 0.003189, 5e-7, "SNIPS");
    near(&p["ess"], 655.7, 0.05, "effective sample size");
    near(&p["max_weight"], 178.3, 0.05, "largest weight");
    near(&p["mean_weight"], 0.943, 5e-4, "mean weight");
    assert_eq!((p["rows"].as_u64(), p["actions"].as_u64()), (Some(10_000), Some(34)));
}

/// Without propensities that a policy could have had, nothing is said.
#[test]
fn a_log_whose_weights_hang_on_single_rows_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/logs/open_bandit_bts_men.csv");
    let text = std::fs::read_to_string(source).unwrap();
    // One round in which an item was shown by a chance of one in a million, as logs of such policies hold.
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let cells: Vec<String> = lines[17].split(',').map(str::to_owned).collect();
    lines[17] = format!("{},{},{},1e-6", cells[0], cells[1], cells[2]);
    let log = dir.path().join("log.csv");
    std::fs::write(&log, lines.join("\n")).unwrap();
    let columns = ["--action", "item_id", "--reward", "click", "--propensity", "propensity_score"];
    let p = json(&[&["policy", &log.display().to_string()], &columns[..]].concat());
    assert!(p["refused"] == true && p["grade"] == "D" && p["estimators"]["ips"]["value"].is_null(), "{}", p["reason"]);
    assert!(p["ess"].as_f64().is_some_and(|e| e < 20.0));
}

#[test]
fn the_email_test_of_hillstrom() {
    let Some(data) = oracle("hillstrom/hillstrom.csv").map(|p| p.display().to_string()) else { return };
    let base = ["uplift", &data, "--treatment", "segment", "--control", "No E-Mail", "--split", "modulo:10,7", "--replicates", "50"];
    let features = ["--features", "recency,history,mens,womens,newbie,zip_code,channel"];
    let ask = |more: &[&str]| json(&[&base[..], &features, more].concat());
    let arm = |found: &Value, name: &str| found["arms"].as_array().unwrap().iter().find(|a| a["treatment"] == name).unwrap().clone();
    for (learner, q, a, u, per_head) in [
        ("t", 0.05586, 0.02518, 0.06284, 0.003294),
        ("s-interact", 0.05581, 0.02515, 0.06112, 0.003291),
        ("class-transform", 0.06160, 0.02779, 0.07646, 0.003633),
        ("dr", 0.06124, 0.02793, 0.07416, 0.003611),
    ] {
        let more = ["--outcome", "visit", "--learner", learner, "--shuffles", "1000", "--by", "womens"];
        let found = ask(&more);
        let women = arm(&found, "Womens E-Mail");
        for (key, known) in [("qini", q), ("auuc", a), ("uplift_at_k", u)] {
            near(&women[key], known, 5.1e-6, &format!("{learner} {key}"));
        }
        near(&women["qini_per_capita"], per_head, 5.1e-7, learner);
        if learner == "t" {
            near(&women["ate"], 0.045233, 5e-7, "effect");
            near(&women["se"], 0.003234, 5e-7, "its standard error");
            near(&women["ci"][0], 0.038894, 5e-7, "Newcombe's lower end");
            near(&women["ci"][1], 0.051574, 5e-7, "its upper end");
            near(&women["aipw"]["value"], 0.047349, 1e-6, "AIPW");
            near(&women["aipw"]["se"], 0.003824, 1e-6, "its standard error");
            let groups = women["groups"].as_array().unwrap();
            let sizes: Vec<f64> = groups.iter().filter_map(|g| g["ate"].as_f64()).collect();
            assert!((sizes[0] - 0.011078).abs() < 5e-7 && (sizes[1] - 0.073115).abs() < 5e-7, "{sizes:?}");
            assert!(women["targetable"] == true && women["p_value"].as_f64().is_some_and(|p| p < 0.0015), "{}", women["p_value"]);
            // The same analysis of the other arm finds nobody whom it helps more than others.
            assert_eq!(arm(&found, "Mens E-Mail")["targetable"], false);
        }
    }
    // Over a network the mean effect is the one over trees, and its order of people is worth as much as the published ones'.
    let over = |base| {
        let women = ask(&["--outcome", "visit", "--learner", "dr", "--base", base, "--shuffles", "20", "--depth", "0"]);
        arm(&women, "Womens E-Mail")
    };
    let (network, trees) = (over("dnn"), over("gbdt"));
    let (value, half) = (trees["aipw"]["value"].as_f64().unwrap(), 1.96 * trees["aipw"]["se"].as_f64().unwrap());
    near(&network["aipw"]["value"], value, half, "AIPW over a network");
    assert!(
        network["aipw"]["value"] != trees["aipw"]["value"] && network["qini"].as_f64().is_some_and(|q| q > 0.05),
        "{}",
        network["qini"]
    );
    let spend = arm(&ask(&["--outcome", "spend", "--shuffles", "20"]), "Womens E-Mail");
    near(&spend["ate"], 0.4244, 5e-5, "extra spend");
    near(&spend["se"], 0.1303, 5e-5, "its standard error");
}

#[test]
fn customers_of_cdnow() {
    let Some(data) = oracle("cdnow/cdnow_customers_summary.csv").map(|p| p.display().to_string()) else { return };
    let found = json(&["customers", &data, "--summary"]);
    let fit = &found["bg_nbd"];
    for (key, known, within) in
        [("r", 0.24259, 5e-6), ("alpha", 4.41353, 5e-5), ("a", 0.79289, 5e-5), ("b", 2.42575, 5e-5), ("log_likelihood", -9582.4256, 5e-5)]
    {
        near(&fit[key], known, within, key);
    }
    assert_eq!(found["customers"], 2_357);
}
