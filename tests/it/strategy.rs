//! Experiments and budgets through the real binary: figures, files, one sentence for every mistake.

use std::path::Path;

use serde_json::Value;

use crate::headless::{fails, json, sample};

fn near(value: &Value, known: f64, within: f64) {
    let found = value.as_f64().unwrap_or(f64::NAN);
    assert!((found - known).abs() <= within, "{value} is not {known}");
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// People of two arms: one in ten buys, in the other arm one in five.
fn people(n: usize) -> String {
    let mut text = String::from("person,arm,bought,spend,before\n");
    for i in 0..n {
        let variant = i % 2 == 1;
        let bought = if variant { i / 2 % 5 == 0 } else { i / 2 % 10 == 0 };
        let before = (i / 2 * 7) % 13;
        text += &format!(
            "{i},{},{},{},{before}\n",
            if variant { "new" } else { "old" },
            u8::from(bought),
            before * 2 + i % 3 + usize::from(bought)
        );
    }
    text
}

#[test]
fn experiments_are_planned_and_read() {
    let size = json(&["experiment", "size", "--baseline", "0.05", "--target", "0.06", "--per-day", "1000", "--json"]);
    assert_eq!((size["per_arm"].as_u64(), size["per_arm_pooled"].as_u64(), size["days"].as_u64()), (Some(8_155), Some(8_158), Some(17)));
    near(&json(&["experiment", "srm", "--counts", "50000,50600", "--json"])["p"], 0.0585, 5e-5);
    let bayes = json(&["experiment", "bayes", "--rate", "49/100", "--rate", "51/100", "--json"]);
    near(&bayes["relative"]["chance_to_win"], 0.60918, 5e-6);
    near(&bayes["exact"]["chance_to_win"], 0.610771, 5e-7);
    let arms = ["--sums", "1396.87,52377.9767,3407", "--sums", "2422.7,134698.29,3461", "--json"];
    let fixed = json(&[&["experiment", "read"], &arms[..]].concat());
    near(&fixed["relative"]["p"], 0.06191, 5e-6);
    let any = json(&[
        "experiment",
        "sequential",
        "--sums",
        "1396.87,52377.9767,3000",
        "--sums",
        "2422.7,134698.29,3461",
        "--tuning",
        "1000",
        "--json",
    ]);
    near(&any["relative"]["ci"][1], 1.56516, 5e-6);

    let folder = tempfile::tempdir().unwrap();
    let data = write(folder.path(), "people.csv", &people(4_000));
    let out = folder.path().join("reading.json").display().to_string();
    let read = ["experiment", "read", &data, "--variant", "arm", "--control", "old", "--metric", "bought", "--guardrail", "spend"];
    let found = json(&[&read[..], &["--covariate", "before", "--out", &out, "--json"]].concat());
    assert_eq!((found["grade"].as_str(), found["decisions"][0]["word"].as_str()), (Some("A"), Some("ship")), "{found}");
    near(&found["metrics"][0]["comparisons"][0]["absolute"]["effect"], 0.1, 1e-12);
    assert!(found["metrics"][1]["variance_removed"].as_f64().is_some());
    let written: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(written, found);
    fails(&["experiment", "read", &data, "--variant", "arm", "--control", "olt", "--metric", "bought"], 1, "old");
    fails(&["experiment", "read", &data, "--variant", "person", "--control", "1", "--metric", "bought"], 1, "at most 50");
    fails(&["experiment", "bayes", "--rate", "49/100"], 1, "two arms");
    fails(&["experiment", "size", "--baseline", "5", "--target", "6"], 1, "between 0 and 1");
    fails(&["experiment", "bayes", "--rate", "49:100", "--rate", "5/9"], 1, "49/100");
}

#[test]
fn budgets_are_split_by_curves_from_weeks() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "budget = 1.0\n[[channel]]\nname = \"a\"\ncurve = { beta = 3.0, lambda = 4.0 }\n[[channel]]\nname = \"b\"\ncurve = { beta = 2.0, lambda = 3.0 }\n";
    let path = write(folder.path(), "plan.toml", plan);
    let found = json(&["budget", &path, "--json"]);
    near(&found["shares"][0]["spend"], 0.568931, 1e-6);
    near(&found["response"], 3.579837, 1e-6);
    near(&found["binding"][0]["shadow_price"], 2.027423, 1e-5);
    let capped = write(folder.path(), "capped.toml", &plan.replace("name = ", "cap = 0.3\nname = "));
    near(&json(&["budget", &capped, "--json"])["unspent"], 0.4, 1e-9);
    let floors = write(folder.path(), "floors.toml", &plan.replace("name = ", "floor = 0.7\nname = "));
    fails(&["budget", &floors], 1, "contradict");
    fails(&["budget", &write(folder.path(), "typo.toml", &plan.replace("budget =", "bugdet ="))], 1, "bugdet");
    fails(&["budget", &folder.path().join("none.toml").display().to_string()], 1, "none.toml");

    // Weeks whose response is all but made by a known curve.
    let mut weeks = String::from("week,sales,tv\n");
    for t in 0..120usize {
        let tv = ((t * 37) % 41) as f64 * f64::from(u8::from(t % 3 > 0));
        weeks += &format!("{t},{},{tv}\n", 200.0 + 90.0 * (0.06 * tv / 2.0).tanh() + ((t * 29) % 7) as f64 * 0.1);
    }
    let data = write(folder.path(), "weeks.csv", &weeks);
    let made = folder.path().join("made.toml").display().to_string();
    let asked = [
        "curves",
        &data,
        "--response",
        "sales",
        "--spend",
        "tv",
        "--year",
        "0",
        "--lags",
        "1",
        "--replicates",
        "20",
        "--plan",
        &made,
        "--json",
    ];
    let curves = json(&asked);
    near(&curves["channels"][0]["lambda"]["value"], 0.06, 0.002);
    near(&curves["channels"][0]["beta"]["value"], 90.0, 2.0);
    let split = json(&["budget", &made, "--budget", "30", "--json"]);
    near(&split["shares"][0]["spend"], 30.0, 1e-6);
    assert!(split["shares"][0]["response_band"][0].as_f64() < split["shares"][0]["response_band"][1].as_f64());
    fails(&["curves", &data, "--response", "sales", "--spend", "radio"], 1, "radio");
}

#[test]
fn studies_of_a_recipe_run_and_stand_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(sample("online_shoppers_intention.csv"), folder.path().join("shop.csv")).unwrap();
    let recipe = "version = 1\n[data]\npath = \"shop.csv\"\n[roles]\ntarget = [\"Revenue\"]\n[[model]]\nname = \"plain\"\nkind = \"logistic\"\n\
        [[study]]\nname = \"Weekend\"\n[study.ask.experiment]\nvariant = \"Weekend\"\ncontrol = \"false\"\nshares = { false = 5.0, true = 2.0 }\nmetrics = [{ column = \"Revenue\" }]\n\
        [[study]]\nname = \"Lost\"\n[study.ask.experiment]\nvariant = \"Weekday\"\ncontrol = \"x\"\nmetrics = [{ column = \"Revenue\" }]\n";
    let path = write(folder.path(), "recipe.toml", recipe);
    let out = folder.path().join("out");
    json(&["run", &path, "--out", &out.display().to_string(), "--json"]);
    let study: Value = serde_json::from_slice(&std::fs::read(out.join("studies/Weekend.json")).unwrap()).unwrap();
    assert_eq!(study["finding"]["kind"], "experiment");
    assert!(study["finding"]["metrics"][0]["comparisons"][0]["absolute"]["p"].as_f64().is_some());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Weekend") && page.contains("id=\"studies\""));
    // One that cannot be answered says why, and the rest is there.
    let lost: Value = serde_json::from_slice(&std::fs::read(out.join("studies/Lost.json")).unwrap()).unwrap();
    assert_eq!(lost["fault"]["code"], "data.no_column");
    fails(
        &["run", &write(folder.path(), "typo.toml", &recipe.replace("control", "contrl")), "--out", &out.display().to_string()],
        1,
        "contrl",
    );
}
