//! The scenario ledger through the real binary: an outcome that is bad news, and a fault of one scenario among others.

use serde_json::Value;

use super::headless::whybench;

/// Who leaves: the more calls, the more likely; a discount keeps people.
fn churn() -> String {
    let mut out = "calls,discount,plan,Churn\n".to_owned();
    for i in 0..600u32 {
        let (calls, discount) = (i % 7, i / 7 % 2);
        // A fixed pattern instead of chance: more of it where there are many calls and no discount.
        let leaves = (i * 37 % 101) < 20 + 5 * calls - 8 * discount;
        out += &format!("{calls},{discount},{},{}\n", ["a", "b", "c"][i as usize % 3], if leaves { "Yes" } else { "No" });
    }
    out
}

const RECIPE: &str = r#"
version = 1
[data]
path = "churn.csv"
[roles]
target = ["Churn"]
lever = ["calls", "discount"]
[[model]]
name = "Line"
kind = "logistic"
[simulate]
replicates = 20
[[scenario]]
name = "Fewer calls"
value_per_conversion = 100.0
cost_per_contact = 2.0
capacity = 200.0
first = "gain"
set = { calls = "-2" }
[[scenario]]
name = "Nobody"
where = "calls > 50"
set = { calls = 1 }
[[scenario]]
name = "More calls"
value_per_conversion = 100.0
cost_per_contact = 2.0
set = { calls = "+1" }
"#;

#[test]
fn bad_news_is_avoided_and_one_fault_stays_one() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("churn.csv"), churn()).unwrap();
    let recipe = dir.path().join("r.toml");
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(&recipe, RECIPE).unwrap();
    let out = whybench(&["--lang", "en", "simulate", &at("r.toml"), "--out", &at("s.json")]);
    let (said, fault) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{fault}");
    assert!(said.contains("“Churn = Yes” is taken for bad news by its name") && said.contains("Expected cases"), "{said}");
    assert!(fault.contains("calls > 50") && !fault.contains("panicked"), "{fault}");
    let found: Value = serde_json::from_slice(&std::fs::read(at("s.json")).unwrap()).unwrap();
    assert_eq!((found["news"].as_str(), found["unanswered"][0]["name"].as_str()), (Some("bad"), Some("Nobody")));
    let differences = found["differences"].as_array().unwrap();
    let of = |i: usize, what: &str| differences[i][what]["value"].as_f64().unwrap();
    assert_eq!((differences.len(), found["scenarios"].as_array().unwrap().len()), (2, 3));
    // Fewer calls, fewer people who leave, and money; more calls cost.
    assert!(of(0, "conversions") < -10.0 && (of(0, "profit") + 100.0 * of(0, "conversions") + 400.0).abs() < 1e-6);
    assert!(of(1, "conversions") > 10.0 && of(1, "profit") < -1_200.0);
    assert_eq!(found["between"]["name"], "Fewer calls", "the one that earns more is the best");

    // Without money the best avoids most.
    std::fs::write(&recipe, RECIPE.replace("value_per_conversion = 100.0\n", "")).unwrap();
    whybench(&["simulate", &at("r.toml"), "--out", &at("s.json")]);
    let found: Value = serde_json::from_slice(&std::fs::read(at("s.json")).unwrap()).unwrap();
    assert_eq!((found["between"]["name"].as_str(), found["between"]["profit"].as_f64()), (Some("Fewer calls"), None));

    // Said to be good news, the same people are worth having.
    std::fs::write(&recipe, RECIPE.replace("replicates = 20", "replicates = 20\ngood_news = [\"Churn\"]")).unwrap();
    whybench(&["simulate", &at("r.toml"), "--out", &at("s.json")]);
    let found: Value = serde_json::from_slice(&std::fs::read(at("s.json")).unwrap()).unwrap();
    assert!(found["differences"][0]["profit"]["value"].as_f64().unwrap() < 0.0);

    // A run writes everything and the report says why in the scenario's place.
    std::fs::write(&recipe, RECIPE).unwrap();
    let out = whybench(&["--lang", "en", "run", &at("r.toml"), "--out", &at("run")]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("calls > 50"));
    let page = std::fs::read_to_string(dir.path().join("run/report.html")).unwrap();
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("<h3>Fewer calls</h3>") < place("<h3>Nobody</h3>") && place("<h3>Nobody</h3>") < place("<h3>More calls</h3>"));
    assert!(page.contains("calls &gt; 50") && page.contains("Saved by cases avoided"));

    // With nothing to answer there is one sentence and no file.
    let out = whybench(&["simulate", &at("r.toml"), "--scenario", "Nobody", "--out", &at("none.json")]);
    assert!(out.status.code() == Some(1) && out.stdout.is_empty() && !dir.path().join("none.json").exists());
}
