//! `whybench uplift` through the real binary: the keys that others rely on, words in two languages, and what is refused.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn whybench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whybench")).arg("uplift").args(args).env("LANG", "C.UTF-8").output().unwrap()
}

/// A test of two mails by arithmetic: one works in the young, the other in nobody.
fn write(path: &Path, rows: u32) {
    let mut text = "age,city,mail,visit,spend\n".to_owned();
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..rows {
        let (age, city, arm) = (18 + draw(50), ["Ulm", "Bonn", "Kiel"][draw(3) as usize], draw(3));
        let chance = 20 + if arm == 1 && age < 40 { 40 } else { 0 };
        let visit = u64::from(draw(100) < chance);
        text += &format!("{age},{city},{},{visit},{}\n", ["none", "offer", "news"][arm as usize], visit * (5 + draw(20)));
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_test_is_read_judged_and_turned_into_advice() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("test.csv"), dir.path().join("found.json"));
    write(&data, 3_000);
    let (data, out_text) = (data.display().to_string(), out.display().to_string());
    let base = ["--treatment", "mail", "--control", "none", "--outcome", "visit", "--ignore", "spend", "--split", "modulo:10,6"];
    let run = |more: &[&str]| {
        let all: Vec<&str> =
            [data.as_str()].iter().chain(&base).chain(&["--replicates", "200", "--shuffles", "200"]).chain(more).copied().collect();
        let out = whybench(&all);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let found: Value = serde_json::from_str(&run(&["--json", "--out", &out_text])).unwrap();
    assert_eq!(found, serde_json::from_slice::<Value>(&std::fs::read(&out).unwrap()).unwrap());
    let arms = found["arms"].as_array().unwrap();
    let names: Vec<&str> = arms.iter().filter_map(|a| a["treatment"].as_str()).collect();
    assert_eq!(names, ["news", "offer"]);
    for arm in arms {
        for key in [
            "n",
            "ate",
            "se",
            "ci",
            "qini",
            "auuc",
            "uplift_at_k",
            "qini_per_capita",
            "qini_ci",
            "p_value",
            "targetable",
            "grade",
            "reason",
        ] {
            assert!(!arm[key].is_null(), "{key}");
        }
        assert!(arm["aipw"]["value"].is_f64() && arm["aipw"]["se"].is_f64());
        assert_eq!(arm["grade"], "A", "{}", arm["reason"]);
        for check in arm["checks"].as_array().unwrap() {
            assert!(check["value"].is_number() && check["threshold"].is_number() && check["sentence"]["text"].is_string(), "{check}");
        }
    }
    assert_eq!((&arms[0]["targetable"], &arms[1]["targetable"]), (&Value::from(false), &Value::from(true)));
    let policy = &found["policy"];
    let best = &policy["candidates"][policy["recommended"].as_u64().unwrap() as usize];
    assert!(best["kind"] == "tree" || best["arm"] == "offer", "{policy}");

    let english = run(&["--lang", "en", "--value-per-conversion", "10", "--cost-per-contact", "1", "--by", "city"]);
    for words in ["No detectable heterogeneity", "Targetable", "Recommended", "age at most", "Contact"] {
        assert!(english.contains(words), "“{words}” is missing in\n{english}");
    }
    assert!(!english.contains('{') && !english.contains("uplift."), "{english}");
    let chinese = run(&["--lang", "zh"]);
    assert!(chinese.contains("可定向") && !chinese.contains('{') && !chinese.contains("uplift."), "{chinese}");
    // Amounts have no Qini coefficient, but everything else.
    let base = [
        "--treatment",
        "mail",
        "--control",
        "none",
        "--outcome",
        "spend",
        "--ignore",
        "visit",
        "--learner",
        "dr",
        "--depth",
        "0",
        "--json",
    ];
    let all: Vec<&str> = [data.as_str()].iter().chain(&base).copied().collect();
    let amounts: Value = serde_json::from_slice(&whybench(&all).stdout).unwrap();
    assert!(amounts["arms"][1]["qini"].is_null() && amounts["arms"][1]["qini_per_capita"].is_f64());
}

#[test]
fn what_cannot_be_answered_is_said_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("test.csv");
    write(&data, 400);
    let data = data.display().to_string();
    let refused = |args: &[&str], status: i32, says: &str| {
        let all: Vec<&str> = [data.as_str(), "--lang", "en"].iter().chain(args).copied().collect();
        let out = whybench(&all);
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(status), "{args:?}: {text}");
        assert!(text.contains(says) && !text.contains("panicked"), "{args:?} should say “{says}”: {text}");
        assert!(out.stdout.is_empty());
    };
    let base = ["--treatment", "mail", "--control", "none", "--outcome", "visit"];
    let with = |more: &'static [&'static str]| base.iter().chain(more).copied().collect::<Vec<&str>>();
    refused(&["--treatment", "mail", "--control", "nothing", "--outcome", "visit"], 1, "none, offer");
    refused(&["--treatment", "mail", "--control", "none", "--outcome", "city"], 1, "--positive");
    refused(&with(&["--where", "mail = 'none'"]), 1, "only");
    refused(&with(&["--value-per-conversion", "3"]), 1, "--cost-per-contact");
    refused(&with(&["--cost-per-contact", "3"]), 1, "--value-per-conversion");
    refused(&with(&["--k", "30"]), 1, "between 0 and 1");
    refused(&with(&["--learner", "z"]), 2, "class-transform");
    refused(&with(&["--times", "age"]), 1, "--times");
    refused(&["--treatment", "mail", "--control", "none", "--outcome", "spend", "--learner", "class-transform"], 1, "yes/no");
}
