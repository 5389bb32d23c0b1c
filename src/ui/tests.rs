//! Rooms by their labels: find, act, check. Work runs right here, without threads.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::shell::Desk;
use super::{Action, Room, Start, theme};
use crate::base::progress::CurvePoint;
use crate::base::{Fingerprint, Lang};
use crate::data::{Split, Step};
use crate::ml::metrics::{BinaryFigures, CalibrationBin, Figures, ThresholdPoint};
use crate::ml::model::PartSizes;
use crate::ml::{Evaluation, Model, ModelCard, ModelKind, ModelSpec, Outcome, OutcomeKind};
use crate::session::Session;
use crate::session::state::Ask;

/// A desk in a window of the smallest supported size, and what was asked of the application.
pub(crate) struct Bench {
    pub desk: Desk,
    pub asked: Vec<Action>,
}

impl Bench {
    fn frame(&mut self, ui: &mut egui::Ui) {
        let actions = self.desk.ui(ui);
        if actions.iter().any(|a| !matches!(a, Action::Want(_))) {
            ui.ctx().request_repaint();
        }
        self.asked.extend(self.desk.execute(actions));
        self.desk.session.settle();
    }
}

/// A harness around a desk.
pub(crate) fn harness(session: Session, room: Room) -> Harness<'static, Bench> {
    let mut desk = Desk::new(session, Start::default());
    desk.room = room;
    desk.session.settle();
    let bench = Bench { desk, asked: Vec::new() };
    Harness::builder()
        .with_size([1280.0, 800.0])
        .with_max_steps(30)
        .allow_missing_glyphs()
        .with_context_setup(theme::install)
        .build_ui_state(|ui, bench: &mut Bench| bench.frame(ui), bench)
}

/// A session on a small file of its own.
pub(crate) fn shop(rows: usize) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.csv");
    let mut text = String::from("Pages,Month,Weekend,Revenue\n");
    for i in 0..rows {
        let month = ["Feb", "Nov", "Dec"][i % 3];
        let (weekend, bought) = (i % 7 < 2, (i * 7 + i / 5) % 11 < 4);
        let up = |b: bool| if b { "TRUE" } else { "FALSE" };
        text.push_str(&format!("{},{month},{},{}\n", (i * 13) % 40 + usize::from(bought) * 9, up(weekend), up(bought)));
    }
    std::fs::write(&path, text).unwrap();
    let mut session = Session::new(Lang::En);
    session.open_data(&path);
    (folder, session)
}

#[test]
fn an_empty_desk_offers_to_open_something() {
    let mut h = harness(Session::new(Lang::En), Room::Start);
    h.run();
    h.get_by_label("Open data…").click();
    h.run();
    assert_eq!(h.state().asked, [Action::ChooseFile]);
}

#[test]
fn chinese_is_one_click_away() {
    let mut h = harness(Session::new(Lang::En), Room::Start);
    h.run();
    h.get_by_label("中文").click();
    h.run();
    assert_eq!(h.state().asked, [Action::SetLang(Lang::Zh)]);
    h.state_mut().desk.session.lang = Lang::Zh;
    h.run();
    h.get_by_label("打开数据…");
}

#[test]
fn recent_and_recoverable_work_is_listed() {
    let mut h = harness(Session::new(Lang::En), Room::Start);
    h.state_mut().desk.start.recent = vec!["/somewhere/shop.csv".into()];
    h.state_mut().desk.start.recoverable = vec!["/somewhere/lost.whybench".into()];
    h.run();
    h.get_by_label("shop.csv").click();
    h.get_by_label("Recover “lost”");
    h.run();
    assert_eq!(h.state().asked, [Action::Open("/somewhere/shop.csv".into())]);
}

#[test]
fn the_data_room_shows_columns_and_cells() {
    let (_folder, session) = shop(60);
    let mut h = harness(session, Room::Data);
    h.run();
    h.get_by_label("60 rows × 4 columns");
    assert!(h.query_all_by_label("Feb").count() > 3, "cells of the table are on screen");
    h.get_all_by_label("Month").next().unwrap().click();
    h.run();
    assert_eq!(h.state().desk.session.selection.feature.as_deref(), Some("Month"));
    h.get_by_label("Most frequent");
}

#[test]
fn a_click_on_a_cell_selects_its_row() {
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    h.run();
    h.get_by_label("3").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(2));
    h.get_by_label("Row 3");
}

#[test]
fn a_million_rows_read_only_what_is_seen() {
    let (_folder, session) = shop(20_000);
    let mut h = harness(session, Room::Data);
    h.run();
    let clock = std::time::Instant::now();
    h.run_steps(20);
    let few = clock.elapsed();
    assert!(few.as_millis() < 4_000, "20 frames took {few:?}");
    h.get_by_label("20,000 rows × 4 columns");
}

#[test]
fn thousands_of_long_names_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.csv");
    let names: Vec<_> =
        (0..5_000).map(|i| format!("a_rather_long_column_name_that_goes_on_and_on_and_on_until_eighty_characters_{i:04}")).collect();
    let row = vec!["1"; 5_000].join(",");
    std::fs::write(&path, format!("{}\n{row}\n{row}\n", names.join(","))).unwrap();
    let mut session = Session::new(Lang::En);
    session.open_data(&path);
    let mut h = harness(session, Room::Data);
    h.run();
    h.get_by_label("2 rows × 5,000 columns");
}

#[test]
fn a_missing_file_says_so_and_what_to_do() {
    let mut session = Session::new(Lang::En);
    session.open_data("/nowhere/shop.csv".as_ref());
    let mut h = harness(session, Room::Data);
    h.run();
    h.get_by_label("The file could not be read");
    h.get_by_label("Try again");
    assert!(h.query_all_by_label_contains("there is no such file").next().is_some());
    h.get_by_label("Find the file…").click();
    h.run();
    assert_eq!(h.state().asked, [Action::FindData]);
}

#[test]
fn a_fault_stays_until_it_is_dismissed() {
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    h.state_mut().desk.session.say_fault(&crate::fault!("ui.busy"));
    h.run();
    assert!(h.query_all_by_label_contains("Too much work is waiting").next().is_some());
    h.get_by_label("Dismiss").click();
    h.run();
    assert!(h.query_all_by_label_contains("Too much work is waiting").next().is_none());
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    h.run();
    h.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    h.run();
    h.get_all_by_role(egui::Role::TextInput).last().unwrap().type_text("save project as");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    assert_eq!(h.state().asked, [Action::SaveAs]);
}

#[test]
fn shortcuts_do_not_trip_over_each_other() {
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    h.run();
    h.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, egui::Key::S);
    h.run();
    h.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    h.run();
    assert_eq!(h.state().asked, [Action::SaveAs, Action::Save]);
}

#[test]
fn the_rail_goes_to_every_room_in_both_languages_at_both_sizes() {
    for lang in [Lang::En, Lang::Zh] {
        let (_folder, mut session) = shop(40);
        session.lang = lang;
        let mut h = harness(session, Room::Data);
        for size in [[1024.0, 640.0], [1920.0, 1080.0]] {
            h.set_size(size.into());
            for room in Room::RAIL.into_iter().filter(|r| *r != Room::Recommend) {
                h.state_mut().desk.room = room;
                h.run_ok();
            }
        }
    }
}

#[test]
fn a_running_job_can_be_held_and_stopped() {
    use crate::session::state::Job;
    use crate::session::task::Progress;
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    let token = crate::base::CancelToken::default();
    let job = Job { id: 99, ask: Ask::Train("Trees".into()), key: Default::default(), saving: false, token: token.clone() };
    h.state_mut().desk.session.jobs.push(job);
    let progress = Progress { stage: "ui.job_load", done: 3, total: 12, seconds_left: Some(9.0), ..Progress::default() };
    h.state_mut().desk.session.progress.insert(99, progress);
    h.run();
    h.get_by_label("Training “Trees”");
    assert!(h.query_all_by_label_contains("3 of 12").next().is_some());
    h.get_by_label("Pause").click();
    h.run();
    assert!(token.is_paused());
    h.get_by_label("Resume");
    h.get_by_label("Stop").click();
    h.run();
    assert!(token.is_cancelled());
    assert!(h.query_all_by_label_contains("Stopping").next().is_some());
}

#[test]
fn unsaved_work_is_asked_about() {
    let (_folder, session) = shop(10);
    let mut h = harness(session, Room::Data);
    h.state_mut().desk.prompt = super::prompt::Prompt::Unsaved;
    h.run();
    h.get_by_label("Save “shop” first?");
    h.get_by_label("Don't save").click();
    h.run();
    assert_eq!(h.state().asked, [Action::Proceed { save: false }]);
    assert_eq!(h.state().desk.prompt, super::prompt::Prompt::None);
}

#[test]
fn a_path_can_be_typed() {
    let mut h = harness(Session::new(Lang::En), Room::Start);
    h.state_mut().desk.prompt = super::prompt::Prompt::path("ui.path_open", String::new());
    h.run();
    h.get_by_label("Path of the file").type_text("/data/a.csv");
    h.run();
    h.get_by_label("OK").click();
    h.run();
    assert_eq!(h.state_mut().desk.take_typed(), Some("/data/a.csv".into()));
}

/// A model that was never trained: the room needs its card only.
struct Carded(ModelCard);

impl Model for Carded {
    fn card(&self) -> &ModelCard {
        &self.0
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.0
    }
    fn margins(&self, x: &crate::data::FeatureMatrix, _: &crate::base::JobCtx) -> crate::base::Result<Vec<f64>> {
        Ok(vec![0.0; x.n_rows()])
    }
    fn structure(&self) -> crate::ml::model::Structure<'_> {
        unreachable!("no test explains it")
    }
    fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
        Vec::new()
    }
}

fn carded(name: &str, auc: f64) -> Arc<dyn Model> {
    let figures = BinaryFigures {
        auc: Some(auc),
        auc_interval: Some((auc - 0.02, auc + 0.02)),
        average_precision: Some(0.7),
        log_loss: 0.25,
        accuracy: 0.9,
        f1: 0.6,
        ece: 0.01,
        threshold: 0.5,
    };
    let at = |threshold: f64, tp, fp| ThresholdPoint {
        threshold,
        true_positives: tp,
        false_positives: fp,
        true_negatives: 80 - fp,
        false_negatives: 20 - tp,
    };
    let evaluation = Evaluation {
        target: "Revenue".into(),
        rows: 100,
        positives: 20,
        figures: Figures::Binary(figures),
        thresholds: vec![at(0.0, 20, 80), at(0.5, 12, 6), at(1.0, 0, 0)],
        calibration: (0..5)
            .map(|i| CalibrationBin { predicted: 0.1 + 0.2 * f64::from(i), observed: 0.2 * f64::from(i), low: 0.0, high: 0.9, rows: 20 })
            .collect(),
        gain: (0..=100).map(|i| (f64::from(i) / 100.0, (f64::from(i) / 50.0).min(1.0))).collect(),
    };
    Arc::new(Carded(ModelCard {
        spec: ModelSpec::new(name, ModelKind::Gbdt),
        outcomes: vec![Outcome {
            name: "Revenue".into(),
            kind: OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() },
            base_rate: 0.2,
        }],
        encoder: crate::data::Encoder::default(),
        evaluation: vec![evaluation],
        rows: PartSizes { train: 300, validation: 50, test: 100 },
        device: "CPU".into(),
        seconds: 1.5,
        data: Fingerprint("d".repeat(64)),
        fingerprint: Fingerprint("f".repeat(64)),
        curve: (1..30).map(|step| CurvePoint { step, train: 1.0 / f64::from(step), validation: Some(1.2 / f64::from(step)) }).collect(),
        conformal: None,
        warnings: vec![],
    }))
}

fn with_models() -> (tempfile::TempDir, Session) {
    let (folder, mut session) = shop(60);
    for (name, auc) in [("Trees", 0.93), ("Logistic", 0.89)] {
        session.imported.insert(name.into());
        let kept = crate::session::state::Kept { value: carded(name, auc), key: Default::default() };
        session.models.insert(name.into(), kept);
    }
    (folder, session)
}

#[test]
fn models_stand_side_by_side() {
    let (_folder, session) = with_models();
    let mut h = harness(session, Room::Models);
    h.run();
    h.get_by_label("0.9300");
    h.get_by_label("0.8900");
    assert!(h.query_all_by_label_contains("100 test rows, 20 of them positive").next().is_some());
    assert!(h.query_all_by_label_contains("reaches 40.0 % of the positives").next().is_some());
    h.get_all_by_label("Trees").next().unwrap().click();
    h.run();
    assert_eq!(h.state().desk.session.selection.model.as_deref(), Some("Trees"));
}

#[test]
fn the_threshold_moves_the_confusion_matrix() {
    let (_folder, session) = with_models();
    let mut h = harness(session, Room::Models);
    h.run();
    h.get_by_label("12  (12.0 %)");
    let slider = h.get_by_role_and_label(egui::Role::Slider, "Threshold");
    slider.focus();
    h.run();
    for _ in 0..400 {
        h.key_press(egui::Key::ArrowLeft);
    }
    h.run();
    assert!(h.query_by_label("12  (12.0 %)").is_none(), "the counts of another threshold");
}

#[test]
fn an_empty_models_room_adds_and_names_models() {
    let (_folder, session) = shop(60);
    let mut h = harness(session, Room::Models);
    h.run();
    h.get_by_label("Add boosted trees").click();
    h.run();
    let recipe = h.state().desk.session.recipe.as_ref().unwrap();
    assert_eq!(recipe.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["Trees"]);
    h.get_by_label("Settings");
    h.get_by_label("Set Depth").click();
    h.run();
    h.get_by_label("Apply settings").click();
    h.run();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().models[0].depth, Some(5));
    h.state_mut().desk.session.undo();
    assert_eq!(h.state().desk.session.recipe.as_ref().unwrap().models[0].depth, None);
}

#[test]
fn a_step_is_added_edited_moved_and_removed() {
    let (_folder, session) = shop(60);
    let mut h = harness(session, Room::Prepare);
    h.run();
    let add = |h: &mut Harness<'_, Bench>, kind: &str| {
        h.get_by_label("Add step").click();
        h.run();
        h.get_by_label(kind).click();
        h.run();
    };
    add(&mut h, "Remove duplicates");
    h.get_by_label("Apply").click();
    h.run();
    add(&mut h, "Winsorise");
    h.get_by_label("Choose columns…").click();
    h.run();
    h.get_by_label("Pages").click();
    h.run();
    h.key_press(egui::Key::Escape);
    h.run();
    h.get_by_label("Apply").click();
    h.run();
    let steps = |h: &Harness<'_, Bench>| h.state().desk.session.recipe.as_ref().unwrap().prepare.clone();
    assert_eq!(steps(&h).len(), 2);
    assert_eq!(steps(&h)[1], Step::Winsorise { columns: vec!["Pages".into()], lower: None, upper: Some(0.99) });
    h.get_by_label("Move step 2 up").click();
    h.run();
    assert!(matches!(steps(&h)[0], Step::Winsorise { .. }));
    h.get_by_label("Remove step 1").click();
    h.run();
    assert_eq!(steps(&h), [Step::Deduplicate { columns: vec![] }]);
    h.get_by_label("Undo").click();
    h.run();
    assert_eq!(steps(&h).len(), 2);
}

#[test]
fn the_split_can_be_changed() {
    let (_folder, session) = shop(60);
    let mut h = harness(session, Room::Prepare);
    h.run();
    h.get_by_label("Every n-th row").click();
    h.run();
    h.get_by_label("Apply split").click();
    h.run();
    let split = h.state().desk.session.recipe.as_ref().unwrap().split.split.clone();
    assert_eq!(split, Split::Modulo { of: 10, test_from: 7 });
}

#[test]
fn new_data_are_read_beside_a_model_and_the_version_kept_and_taken_back() {
    let (folder, mut session) = shop(400);
    session.apply(&crate::session::state::Command::AddModel(ModelSpec::new("Trees", ModelKind::Gbdt)));
    session.settle();
    session.want(Ask::Train("Trees".into()));
    session.settle();
    // The same shop, in which Pages say the opposite.
    let text = std::fs::read_to_string(folder.path().join("shop.csv")).unwrap();
    let turned = text.replace("TRUE\n", "?\n").replace("FALSE\n", "TRUE\n").replace("?\n", "FALSE\n");
    std::fs::write(folder.path().join("later.csv"), turned).unwrap();
    let mut h = harness(session, Room::Models);
    h.set_size([1280.0, 3000.0].into());
    h.run();
    h.get_by_label("Read new data…").click();
    h.run();
    assert_eq!(h.state().asked, [Action::NewData("Trees".into())]);
    let session = &mut h.state_mut().desk.session;
    session.new_data("Trees", &folder.path().join("later.csv"));
    session.settle();
    let old = session.models["Trees"].value.card().fingerprint.clone();
    h.run();
    assert!(h.query_all_by_label_contains("The model no longer says what happens").next().is_some());
    assert!(h.query_all_by_label_contains("The new version is better").next().is_some());
    h.get_by_label("Keep as “Trees, version 2”").click();
    h.run();
    let session = &h.state().desk.session;
    assert!(session.models.contains_key("Trees, version 2") && session.models["Trees"].value.card().fingerprint == old);
    h.get_by_label("Take back").click();
    h.run();
    let has = |h: &Harness<'_, Bench>| h.state().desk.session.models.contains_key("Trees, version 2");
    assert!(!has(&h));
    h.get_by_label("Keep as “Trees, version 2”");
    // Both are edits: they are undone and made again, and the answer stays.
    for (button, kept) in [("Undo", true), ("Undo", false), ("Redo", true), ("Redo", false)] {
        h.get_by_label(button).click();
        h.run();
        assert_eq!(has(&h), kept, "{button}");
        assert!(h.query_all_by_label_contains("The new version is better").next().is_some());
    }
}
