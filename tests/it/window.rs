//! The whole job once, through the real binary: open, train, why, what-if, save, crash, recover, report.

use eframe::egui::Key;
use serde_json::Value;
use std::path::Path;

use super::drive::{Display, Window, files_below};

#[test]
fn an_analyst_does_the_whole_job() {
    let display = match Display::start() {
        Ok(display) => display,
        Err(reason) => {
            // CI has one; a newcomer without a virtual display still gets every other test.
            eprintln!("not run: {reason}");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let (home, work) = (dir.path().join("home"), dir.path().join("work"));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::create_dir_all(&work).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    for name in ["online_shoppers_intention.csv", "online_shoppers.whybench"] {
        std::fs::copy(samples.join(name), work.join(name)).unwrap();
    }
    let project = work.join("online_shoppers.whybench");

    // Open and train.
    let mut w = Window::open(&display, &home, Some(&project));
    w.see("12,330 rows");
    w.click("Models");
    w.click("Train");
    w.see("3,699 test rows");
    w.see("0.9368");

    // Why.
    w.click("Why");
    w.see("The chance of Revenue is");
    w.see("PageValues = ");

    // What if: a lever moves, the numbers and their grade stand beside it.
    w.click("What-if");
    w.see("Locked: outcome proxy");
    w.see("Grade D");
    assert!((w.slider("SpecialDay") - 0.8).abs() < 1e-9);
    w.slide("SpecialDay", 0.4);
    let moved = w.slider("SpecialDay");
    assert!(moved > 0.2 && moved < 0.6, "{moved}");
    w.see("unsaved");

    // Save. What the file holds is what the screen showed.
    w.key(Key::S, true);
    w.wait("the project is saved", || {
        let text = std::fs::read_to_string(&project).unwrap();
        text.contains(&format!("SpecialDay = {moved}"))
    });
    w.see("Saved");
    let saved = std::fs::read(&project).unwrap();
    let scenarios = headless(&project, "simulate", &dir.path().join("scenarios.json"));
    let rate = |i: usize| whybench::base::numbers::percent(scenarios["scenarios"][i]["rate"]["value"].as_f64().unwrap());
    w.see(&format!("{} → {}", rate(0), rate(1)));

    // The report, to a path that is typed because there is no desktop to ask for one.
    w.click("Report");
    w.click("Write as JSON…");
    w.see("online_shoppers.json");
    w.click("OK");
    let report = work.join("online_shoppers.json");
    w.wait("the report is written", || report.is_file());
    w.click("Write as HTML…");
    w.click("OK");
    let page = work.join("online_shoppers.html");
    w.wait("the page is written", || page.is_file());
    let told: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(told["simulations"][0]["scenarios"], scenarios["scenarios"], "window and headless: the same bits");
    assert!(run_headless("run", &project, &dir.path().join("run")).0);
    let ran: Value = serde_json::from_slice(&std::fs::read(dir.path().join("run/report.json")).unwrap()).unwrap();
    assert!(told["why"][0]["rows"]["values"].as_array().is_some_and(|v| v.len() > 20), "there are attributions to compare");
    let (mut told, mut ran) = (timeless(told), timeless(ran));
    for report in [&mut told, &mut ran] {
        // The window reports the models that are trained, here the first; a run trains them all.
        report["models"].as_array_mut().unwrap().truncate(1);
        report.as_object_mut().unwrap().remove("recipe");
    }
    assert_same(&told, &ran);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("Closer to special days") && html.contains("evidence grade D") && html.contains("<svg"));
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "the page needs no network");

    // An edit that nobody saved, then a crash.
    w.click("What-if");
    w.slide("SpecialDay", 0.9);
    let lost = w.slider("SpecialDay");
    assert!((lost - moved).abs() > 0.1);
    w.wait("the edit is autosaved", || {
        let kept = files_below(&home, "whybench");
        kept.iter().any(|f| std::fs::read_to_string(f).is_ok_and(|t| t.contains(&format!("SpecialDay = {lost}"))))
    });
    w.kill();
    assert_eq!(std::fs::read(&project).unwrap(), saved, "what was saved is as it was");

    // It is offered again, with its trained model, and can be saved where it came from.
    let mut w = Window::open(&display, &home, None);
    w.see("Unsaved work was found");
    let recover = w.see("Recover “");
    w.click_at(recover.rect.center());
    w.see("12,330 rows");
    w.click("What-if");
    assert_eq!(w.slider("SpecialDay"), lost);
    w.see("Grade D");
    w.key(Key::S, true);
    w.wait("the recovered work is saved", || std::fs::read_to_string(&project).unwrap().contains(&format!("SpecialDay = {lost}")));
    w.see("Saved");
    w.wait("the autosave is gone", || files_below(&home, "whybench").is_empty());
    w.kill();
}

/// What went wrong must not cost the analyst anything: data that moved are found again, a full disk is said and survived.
#[test]
fn moved_data_and_a_full_disk_cost_nothing() {
    let display = match Display::start() {
        Ok(display) => display,
        Err(reason) => {
            eprintln!("not run: {reason}");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let (home, work, elsewhere) = (dir.path().join("home"), dir.path().join("work"), dir.path().join("elsewhere"));
    for folder in [&home, &work, &elsewhere] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let project = work.join("online_shoppers.whybench");
    std::fs::copy(samples.join("online_shoppers.whybench"), &project).unwrap();
    let data = elsewhere.join("visits.csv");
    std::fs::copy(samples.join("online_shoppers_intention.csv"), &data).unwrap();
    let page = work.join("online_shoppers.html");
    std::fs::write(&page, "what was there").unwrap();
    let before = std::fs::read(&project).unwrap();

    let mut w = Window::open(&display, &home, Some(&project));
    let said = w.see("there is no such file");
    assert!(format!("{} {}", said.label, said.value).contains("online_shoppers_intention.csv"), "{said:?}");
    w.click("Find the file…");
    w.see("Where the data file is now");
    w.type_text(data.to_str().unwrap());
    w.click("OK");
    w.see("12,330 rows");
    w.see("unsaved");
    w.click("Models");
    w.click("Train");
    w.see("0.9368");

    // Nothing more fits on the disk.
    if !w.limit_files(Some(100)) {
        eprintln!("not run: prlimit, which fills the disk, is not installed");
        return;
    }
    w.key(Key::S, true);
    w.see("could not be read or written (File too large");
    w.see("unsaved");
    assert_eq!(std::fs::read(&project).unwrap(), before);
    w.click("Report");
    w.click("Write as HTML…");
    w.click("OK");
    w.see("online_shoppers.html could not be read or written (File too large");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "what was there");
    assert!(files_below(&work, "part").is_empty());

    // The analyst made room and saves again.
    assert!(w.limit_files(None));
    w.key(Key::S, true);
    w.wait("the project is saved", || std::fs::read_to_string(&project).unwrap().contains("visits.csv"));
    w.see("Saved");
    w.kill();
    let mut w = Window::open(&display, &home, Some(&project));
    w.see("12,330 rows");
    w.click("Models");
    w.see("0.9368");
    w.kill();
}

/// Runs a headless command on the project: whether it went well, and what it said.
fn run_headless(command: &str, project: &Path, out: &Path) -> (bool, String) {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_whybench"));
    let done = program.args(["--lang", "en", command]).arg(project).arg("--out").arg(out).output().unwrap();
    (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// What a headless command on the project writes as JSON.
fn headless(project: &Path, command: &str, out: &Path) -> Value {
    let (well, said) = run_headless(command, project, out);
    assert!(well, "{said}");
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}

/// Without how long things took and on which day, which no two runs share.
fn timeless(mut value: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| key != "seconds" && key != "made");
                map.values_mut().for_each(clear);
            }
            Value::Array(all) => all.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut value);
    value
}

/// Equal; if not, says where, for the whole is too long to read.
fn assert_same(a: &Value, b: &Value) {
    fn differ(a: &Value, b: &Value, at: &str, out: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(x), Value::Object(y)) if x.keys().eq(y.keys()) => {
                x.iter().for_each(|(k, v)| differ(v, &y[k], &format!("{at}/{k}"), out));
            }
            (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
                x.iter().zip(y).enumerate().for_each(|(i, (v, w))| differ(v, w, &format!("{at}/{i}"), out));
            }
            _ if a == b => {}
            _ => out.push(format!("{at}: {:.200} | {:.200}", a.to_string(), b.to_string())),
        }
    }
    let mut out = Vec::new();
    differ(a, b, "", &mut out);
    assert!(out.is_empty(), "{} differences: {:#?}", out.len(), &out[..out.len().min(12)]);
}
