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
    let scenarios = headless(&project, &["simulate"], dir.path().join("scenarios.json"));
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

/// What a headless command on the project gives.
fn headless(project: &Path, command: &[&str], out: std::path::PathBuf) -> Value {
    let done =
        std::process::Command::new(env!("CARGO_BIN_EXE_whybench")).args(command).arg(project).arg("--out").arg(&out).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}
