//! `policy` and `customers` through the real binary: logs in, values or one sentence out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data").join(name).display().to_string()
}

fn whybench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whybench")).args(args).env("LANG", "C.UTF-8").output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let out = whybench(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn fails(args: &[&str], says: &str) {
    let out = whybench(args);
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{args:?}: {text}");
    assert!(text.contains(says), "{args:?} should say “{says}”: {text}");
    assert!(!text.contains("panicked") && out.stdout.is_empty(), "{text}");
}

struct Folder(tempfile::TempDir);
impl Folder {
    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

#[test]
fn a_random_log_is_valued_and_a_lopsided_one_refused() {
    let dir = Folder(tempfile::tempdir().unwrap());
    let log = sample("open_bandit_men.csv");
    // Nothing named: every column is proposed, and said so.
    let p = json(&["policy", &log, "--target", "uniform", "--json"]);
    assert_eq!((p["columns"]["action"].as_str(), p["columns"]["reward"].as_str()), (Some("item_id"), Some("click")));
    assert_eq!(p["columns"]["propensity"], "propensity_score");
    assert!(p["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "policy.proposed"));
    let near = |v: &Value, x: f64| (v.as_f64().unwrap() - x).abs() < 1e-9;
    // A uniform log under the uniform policy: every weight is 1, and IPS is the log's own mean, 46 clicks of 10,000.
    assert!(near(&p["estimators"]["ips"]["value"], 0.0046) && near(&p["estimators"]["snips"]["value"], 0.0046));
    assert!(near(&p["ess"], 10_000.0) && near(&p["max_weight"], 1.0) && near(&p["mean_weight"], 1.0));
    assert_eq!((p["refused"].as_bool(), p["grade"].as_str()), (Some(false), Some("A")));
    assert!(p["estimators"]["dm"]["value"].as_f64().is_some());
    for method in ["ips", "snips", "dr", "sndr", "switch_dr", "dr_os", "mrdr"] {
        let e = &p["estimators"][method];
        let (low, high) = (e["ci"][0].as_f64().unwrap(), e["ci"][1].as_f64().unwrap());
        assert!(low < 0.0046 && 0.0046 < high && e["se"].as_f64().unwrap() > 0.0, "{method}: {e}");
    }
    // One action for everybody: the mean of its own rows; a policy of unknown actions is refused by name.
    let target = dir.file("three.csv", "item_id,probability\n3,1\n");
    let named = ["--action", "item_id", "--reward", "click", "--propensity", "propensity_score", "--target"];
    let with = |target: &str| [&["policy", &log][..], &named, &[target]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let args = with(&target);
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--json"]).collect();
    let three = json(&args);
    assert_eq!(three["support"]["actions"].as_array().unwrap().len(), 34);
    let snips = three["estimators"]["snips"]["value"].as_f64().unwrap();
    let rows = std::fs::read_to_string(&log).unwrap();
    let shown: Vec<&str> = rows.lines().skip(1).filter(|l| l.split(',').nth(2) == Some("3")).collect();
    let clicks = shown.iter().filter(|l| l.split(',').nth(4) == Some("1")).count();
    assert!((snips - clicks as f64 / shown.len() as f64).abs() < 1e-9, "{snips}");
    let other = dir.file("other.csv", "item_id,probability\nx,1\n");
    let args = with(&other);
    fails(&args.iter().map(String::as_str).collect::<Vec<_>>(), "other actions");

    // An action of chance one in a million, taken once.
    let mut text = "item,click,p\n".to_owned();
    for i in 0..2_000 {
        let p = if i == 7 { "0.000001".to_owned() } else { "0.25".to_owned() };
        text += &format!("i{},{},{p}\n", i % 4, u8::from(i % 11 == 7));
    }
    let lopsided = dir.file("lopsided.csv", &text);
    let out = dir.0.path().join("p.json").display().to_string();
    let p = json(&["policy", &lopsided, "--out", &out, "--json"]);
    assert_eq!((p["refused"].as_bool(), p["grade"].as_str()), (Some(true), Some("D")));
    assert!(p["ess"].as_f64().unwrap() < 5.0 && p["estimators"]["ips"]["value"].is_null());
    assert!(p["reason_text"].as_str().unwrap().contains("effective rows"), "{p}");
    let kept: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(kept["max_weight"], p["max_weight"]);
    let zh = whybench(&["--lang", "zh", "policy", &lopsided]);
    assert!(String::from_utf8_lossy(&zh.stdout).contains("拒绝给出"));

    let zero = dir.file("zero.csv", "item,click,p\na,1,0.5\nb,0,0\na,0,0.5\n");
    fails(&["policy", &zero, "--action", "item", "--reward", "click", "--propensity", "p"], "above 0");
    let constant = dir.file("constant.csv", "item,click,p\na,1,0.5\nb,1,0.5\na,1,0.5\n");
    fails(&["policy", &constant, "--action", "item", "--reward", "click", "--propensity", "p"], "in every row");
    fails(&["policy", &log, "--action", "item_id", "--reward", "click", "--clip", "0"], "--clip");
}

#[test]
fn customers_are_valued_from_a_log_and_from_a_summary() {
    let dir = Folder(tempfile::tempdir().unwrap());
    // Three kinds of customers over 200 days: weekly, monthly, once.
    let (mut text, mut n) = ("who,when,paid\n".to_owned(), 0);
    for kind in [7, 30, 1_000] {
        for i in 0..40 {
            n += 1;
            let gone = if i % 3 == 0 { 90 } else { 200 };
            let mut day = i % 20;
            while day < gone {
                let (month, of_month) = (day / 28 + 1, day % 28 + 1);
                text += &format!("c{n},2024-{month:02}-{of_month:02},{}\n", 5 + i * i % 60 + (i * 7 + day) % 13);
                day += kind + (i * 5 + day) % 4;
            }
        }
    }
    let log = dir.file("log.csv", &text);
    let each = dir.0.path().join("each.parquet").display().to_string();
    let args = ["customers", &log, "--id", "who", "--date", "when", "--amount", "paid", "--unit", "day", "--until", "2024-05-28"];
    let v = json(&[&args[..], &["--predictions", &each, "--json"]].concat());
    assert_eq!((v["customers"].as_u64(), v["until"].as_str()), (Some(120), Some("2024-05-28")));
    assert!(v["bg_nbd"]["r"].as_f64().unwrap() > 0.0 && v["gamma_gamma"]["mean_spend"].as_f64().unwrap() > 10.0);
    let value = v["value"]["value"].as_f64().unwrap();
    let low = v["value"]["low"].as_f64();
    assert!(low.is_none_or(|low| 0.0 < low && low < value) && value > 0.0 && v["check"]["actual"].as_f64().unwrap() > 0.0, "{v}");
    assert!(!v["retention"]["pooled"].as_array().unwrap().is_empty() && std::fs::metadata(&each).unwrap().len() > 1_000);
    assert_eq!(v["segments"].as_array().unwrap().iter().map(|s| s["customers"].as_u64().unwrap()).sum::<u64>(), 120);
    let said = String::from_utf8(whybench(&args).stdout).unwrap();
    assert!(said.contains("BG/NBD") && said.contains("Best: recent and often") && said.contains("95 %"), "{said}");

    let summary = dir.file("summary.csv", "ID,frequency,recency,T\n1,2,30.43,38.86\n2,1,1.71,38.86\n3,0,0,38.86\n4,0,0,30\n5,3,20,25\n");
    let s = json(&["customers", &summary, "--summary", "--json"]);
    assert_eq!((s["customers"].as_u64(), s["repeaters"].as_u64(), s["value"].is_null()), (Some(5), Some(3), true));
    let once = dir.file("once.csv", "who,when\na,2024-01-01\nb,2024-01-02\n");
    fails(&["customers", &once, "--id", "who", "--date", "when"], "second day");
    let late = dir.file("late.csv", "who,when\na,2024-01-01\na,2999-01-02\n");
    fails(&["customers", &late, "--id", "who", "--date", "when"], "future");
    let refund = dir.file("refund.csv", "who,when,paid\na,2024-01-01,5\na,2024-01-02,-5\n");
    fails(&["customers", &refund, "--id", "who", "--date", "when", "--amount", "paid"], "refunds");
}

#[test]
fn people_come_back_in_a_trial_and_new_rows_are_read_back_in() {
    let dir = Folder(tempfile::tempdir().unwrap());
    // Even and odd people like different things; who was given what they like is back soon, others later or never.
    let log = |from: usize, to: usize, turned: bool| {
        let mut text = String::from("who,day,shown,won,kind\n");
        for i in from..to {
            let mut day = 1 + i % 40;
            for k in 0.. {
                let (kind, shown) = (i % 2, (i / 2 + k) % 2);
                // As good as drawn: the high bits of a multiplied counter.
                let hash = (((i * 1_000 + k) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize;
                let won = hash % 10 < if (kind == shown) != turned { 7 } else { 2 };
                text += &format!("u{i},2026-{:02}-{:02},{shown},{},{kind}\n", 1 + day / 28, 1 + day % 28, u8::from(won));
                let gap = 1 + (hash / 10) % 24;
                day += if won { gap.div_ceil(3) } else { 2 * gap };
                if day > 80 {
                    break;
                }
            }
        }
        text
    };
    let old = dir.file("old.csv", &log(0, 500, false));
    let asked = ["--action", "shown", "--reward", "won", "--context", "kind", "--ensemble", "2", "--seeds", "1", "--rounds", "1000"];
    let trial = |more: &[&str]| json(&[&["bandit", &old, "--policies", "uniform,lin-ucb", "--json"], &asked[..], more].concat());
    let t = trial(&["--user", "who", "--time", "day"]);
    let stay = |name: &str| t["outcomes"].as_array().unwrap().iter().find(|o| o["policy"] == name).unwrap()["stay"].clone();
    let back = |name: &str| stay(name)["back"][0]["share"]["mean"].as_f64().unwrap();
    assert!(t["returns"]["refused"].is_null() && t["grade"] == "C", "{}", t["returns"]);
    assert!(back("lin-ucb") > back("uniform") + 0.05, "{t}");
    assert!(trial(&[])["outcomes"][0]["stay"].is_null());
    // A model of the old log meets a log in which tastes have turned.
    let (model, next) = (dir.file("v1.whymodel", ""), dir.file("v2.whymodel", ""));
    let train =
        ["train", &old, "--target", "won", "--model", "gbdt", "--ignore", "who,day", "--categorical", "shown,kind", "--out", &model];
    assert!(whybench(&train).status.success());
    let new = dir.file("new.csv", &log(500, 900, true));
    let f = json(&["feedback", &model, &new, "--old", &old, "--out", &next, "--json"]);
    assert_eq!(f["compared"]["verdict"], "better", "{f}");
    assert!(f["drift"].as_array().unwrap().len() == 2 && f["version"] == "v1, version 2");
    assert!(json(&["predict", &next, &new, "--out", &dir.file("p.parquet", ""), "--json"])["rows"].as_u64().unwrap() > 1_000);
    fails(&["feedback", &model, &dir.file("bare.csv", "a,b\n1,2\n"), "--json"], "lacks columns");
}
