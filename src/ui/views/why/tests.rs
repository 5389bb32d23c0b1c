//! The room by its labels, on results with known numbers: find, act, check.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use crate::base::{Fingerprint, JobCtx, Lang, Result};
use crate::data::{Encoder, FeatureMatrix};
use crate::explain::AttentionMap;
use crate::ml::model::{Additive, ModelCard, Outcome, OutcomeKind, PartSizes, Structure};
use crate::ml::{Model, ModelKind, ModelSpec};
use crate::session::Session;
use crate::session::state::{Answer, Ask, Kept, Key, Question, Why, WhyRequest, WhyRows};
use crate::ui::shell::Desk;
use crate::ui::widgets::examples;
use crate::ui::{Action, Cx, Hover, Start, View, theme};

use super::*;

struct Fake(ModelCard);

impl Additive for Fake {
    fn base(&self, _: usize) -> f64 {
        0.0
    }
    fn contribution(&self, _: usize, _: f64, _: usize) -> f64 {
        0.0
    }
}

impl Model for Fake {
    fn card(&self) -> &ModelCard {
        &self.0
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.0
    }
    fn margins(&self, x: &FeatureMatrix, _: &JobCtx) -> Result<Vec<f64>> {
        Ok(vec![0.0; x.n_rows()])
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Additive(self)
    }
    fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
        Vec::new()
    }
}

/// A model of `n` features whose fingerprint is that of the example attributions.
pub(crate) fn fake(kind: ModelKind, n: usize) -> Arc<dyn Model> {
    let binary = OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() };
    Arc::new(Fake(ModelCard {
        spec: ModelSpec::new("trees", kind),
        outcomes: vec![Outcome { name: "Revenue".into(), kind: binary, base_rate: 0.3 }],
        encoder: Encoder { features: examples::features(n), ..Encoder::default() },
        evaluation: Vec::new(),
        rows: PartSizes::default(),
        device: "CPU".into(),
        seconds: 0.1,
        data: Fingerprint::of(b"data"),
        fingerprint: Fingerprint::of(b"model"),
        curve: Vec::new(),
        conformal: None,
        warnings: Vec::new(),
    }))
}

/// A session whose model “trees” was trained and explained, with `effects` of its features on two rows (5 and 10).
pub(crate) fn explained(kind: ModelKind, effects: &[f64]) -> (tempfile::TempDir, Session) {
    let (folder, mut session) = crate::ui::tests::shop(60);
    session.settle();
    session.models.insert("trees".into(), Kept { value: fake(kind, effects.len()), key: Key::default() });
    let why = Why {
        model: "trees".into(),
        attribution: examples::attribution(effects, 0.0),
        summary: examples::summary(effects.len()),
        matrix: FeatureMatrix::default(),
    };
    let request = WhyRequest { model: "trees".into(), rows: WhyRows::Test, options: ExplainOptions::default(), against: None };
    session.whys.push((request, Kept { value: Arc::new(why), key: Key::default() }));
    (folder, session)
}

/// A view alone with a session: actions that only change the session are done, all are noted.
pub(crate) struct Room1<V> {
    pub view: V,
    pub desk: Desk,
    pub hover: Hover,
    pub asked: Vec<Action>,
}

pub(crate) fn room<V: View + 'static>(view: V, session: Session, size: [f32; 2]) -> Harness<'static, Room1<V>> {
    let start = Start::default();
    let room = Room1 { view, desk: Desk::new(session, start.clone()), hover: Hover::default(), asked: Vec::new() };
    Harness::builder().with_size(size).with_max_steps(30).allow_missing_glyphs().with_context_setup(theme::install).build_ui_state(
        move |ui, r: &mut Room1<V>| {
            let ctx = ui.ctx().clone();
            let mut cx = Cx::new(&r.desk.session, &ctx, r.hover, &start);
            r.view.ui(ui, &mut cx);
            let (hover, actions) = (cx.hover, cx.actions);
            r.hover = hover;
            // Work is noted, not done: what these tests show is there already.
            let (wants, rest): (Vec<_>, Vec<_>) = actions.into_iter().partition(|a| matches!(a, Action::Want(_)));
            if !rest.is_empty() {
                ctx.request_repaint();
            }
            for action in wants.into_iter().chain(rest.iter().cloned()) {
                if !r.asked.contains(&action) {
                    r.asked.push(action);
                }
            }
            r.desk.execute(rest);
        },
        room,
    )
}

const WIDE: [f32; 2] = [1000.0, 1600.0];
const NARROW: [f32; 2] = [420.0, 2400.0];

#[test]
fn without_a_model_it_says_what_to_do() {
    let mut h = room(WhyView::default(), Session::new(Lang::En), WIDE);
    h.run();
    h.get_by_label("Go to Models").click();
    h.run();
    assert!(h.state().asked.contains(&Action::Go(crate::ui::Room::Models)));
}

#[test]
fn one_selection_drives_every_pane() {
    for size in [WIDE, NARROW] {
        let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
        let mut h = room(WhyView::default(), session, size);
        h.run();
        // The row with the highest prediction is explained without a click.
        assert!(h.query_all_by_label("Row 5").next().is_some());
        h.get_by_label("feature_1 = 1: −10.0 pp").click();
        h.run();
        assert_eq!(h.state().desk.session.selection.feature.as_deref(), Some("feature_1"));
        h.get_by_label_contains("Mean effect of each value of feature_1");
        h.get_by_label("feature_2: 3.3 pp").click();
        h.run();
        assert_eq!(h.state().desk.session.selection.feature.as_deref(), Some("feature_2"));
    }
}

#[test]
fn the_same_question_is_asked_in_every_frame_and_only_that() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.run_steps(5);
    let request = WhyRequest { model: "trees".into(), rows: WhyRows::Test, options: ExplainOptions::default(), against: None };
    let asked = &h.state().asked;
    let whys: Vec<&Action> = asked.iter().filter(|a| matches!(a, Action::Want(Ask::Why(_)))).collect();
    assert_eq!(whys, [&Action::Want(Ask::Why(request))], "the rows on screen are among those explained");
    // The panes below ask once each: what would change, along the strongest feature, how far it holds, where it errs, its rules.
    assert!(asked.len() == 6 && asked.iter().filter(|a| matches!(a, Action::Want(Ask::Deeper(_)))).count() == 5, "{asked:?}");
}

#[test]
fn a_row_that_is_not_among_them_is_asked_for() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    let field = h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Row");
    field.focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Row").type_text("33");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(32));
    let line = |a: &Action| matches!(a, Action::Want(Ask::Why(r)) if r.rows == WhyRows::Line(32));
    assert!(h.state().asked.iter().any(line), "{:?}", h.state().asked);
}

#[test]
fn a_row_that_does_not_exist_is_named() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Row").focus();
    h.run();
    h.get_by_role_and_label(egui::accesskit::Role::TextInput, "Row").type_text("900");
    h.run();
    h.key_press(egui::Key::Enter);
    h.run();
    h.get_by_label_contains("from 1 to 60");
    assert_eq!(h.state().desk.session.selection.row, None);
}

#[test]
fn next_and_previous_follow_the_list() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_label("Next row").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(9), "the second of the list");
    h.get_by_label("Previous row").click();
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(4));
}

#[test]
fn the_scale_can_be_changed() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_label("Log-odds").click();
    h.run();
    let margin = |a: &Action| matches!(a, Action::Want(Ask::Why(r)) if r.options.scale == Scale::Margin);
    assert!(h.state().asked.iter().any(margin));
    assert!(h.query_all_by_label_contains("−10.0 pp").next().is_none(), "effects on the other scale are not shown for this one");
}

#[test]
fn a_picture_has_a_table_twin_and_can_be_saved() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_label("More about “What matters”").click();
    h.run();
    h.get_by_label("Show as a table").click();
    h.run();
    h.get_by_label("Mean size");
    h.get_by_label("More about “What matters”").click();
    h.run();
    h.get_by_label("Save as CSV…").click();
    h.run();
    let saved = h.state().asked.iter().find_map(|a| if let Action::SaveText { name, text } = a { Some((name, text)) } else { None });
    let (name, text) = saved.expect("something is saved");
    assert_eq!(name, "importance.csv");
    assert!(text.starts_with("feature,mean_abs,low,high,mean,direction,tied_with_previous\nfeature_0,0.1,"), "{text}");
}

#[test]
fn pictures_are_saved_as_svg() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    for (title, file) in [
        ("From the base value to this prediction", "waterfall.svg"),
        ("What matters", "importance.svg"),
        ("How effects spread", "beeswarm.svg"),
        ("What each value does", "dependence.svg"),
    ] {
        h.get_by_label(&format!("More about “{title}”")).click();
        h.run();
        h.get_by_label("Save as SVG…").click();
        h.run();
        let saved = |a: &&Action| matches!(a, Action::SaveText { name, .. } if name == file);
        let Some(Action::SaveText { text, .. }) = h.state().asked.iter().find(saved) else { panic!("{file} is not saved") };
        assert!(text.starts_with("<svg") && text.contains("feature_0") && text.ends_with("</svg>"), "{text}");
    }
}

#[test]
fn a_dragged_bar_moves_its_lever() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let lever = |column: &str, feature| crate::strategy::Lever {
        column: column.into(),
        feature,
        status: crate::strategy::LeverStatus::Free,
        reason: None,
        drop: None,
    };
    let levers = vec![lever("feature_0", 0), lever("feature_1", 1)];
    session.levers.insert("trees".into(), Kept { value: Arc::new(levers), key: Key::default() });
    session.recipe.as_mut().unwrap().roles.lever = vec!["feature_0".into()];
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    let drag = |h: &mut Harness<'_, Room1<WhyView>>, bar: &str| {
        let from = h.get_by_label(bar).rect().center();
        h.drag_at(from);
        h.step();
        // What is said above the picture while dragging must not end the drag.
        for dx in [10.0, 30.0, 60.0, 90.0] {
            h.hover_at(from + egui::vec2(dx, 0.0));
            h.step();
        }
        h.drop_at(from + egui::vec2(90.0, 0.0));
        h.run();
    };
    drag(&mut h, "feature_0 = 0: +20.0 pp");
    let draft = h.state().desk.session.draft.clone().expect("a draft");
    assert_eq!((draft.row, draft.set.len()), (Some(4), 1));
    let Some(crate::strategy::scenario::Setting::Number(x)) = draft.set.get("feature_0") else { panic!("{draft:?}") };
    let plot = crate::ui::widgets::waterfall::layout::lay_out(
        &crate::ui::widgets::waterfall::Waterfall::of_row(&examples::attribution(&[0.2, -0.1], 0.0), 0, &examples::features(2), 10),
        None,
        h.get_by_label("feature_0 = 0: +20.0 pp").rect().width(),
    );
    // The table has no such column, so the drag begins at the low end; the whole picture is the whole range of 10.
    let expected = f64::from(90.0 / (plot.axis.right - plot.axis.left)) * 10.0;
    assert!((x - expected).abs() < 0.1, "{x} is not {expected}");
    drag(&mut h, "feature_1 = 1: −10.0 pp");
    h.get_by_label("Make feature_1 a lever").click();
    h.run();
    let declared = Action::Command(crate::session::state::Command::SetLever { column: "feature_1".into(), yes: true });
    assert!(h.state().asked.contains(&declared));
}

#[test]
fn rows_brushed_in_a_picture_are_a_group_and_escape_clears_them() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    let swarm = h.get_by_label_contains("Effects of single rows").rect();
    let shift = egui::Modifiers::SHIFT;
    let button = |pos, pressed| egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: shift };
    h.event(egui::Event::PointerMoved(swarm.min + egui::vec2(2.0, 2.0)));
    h.step();
    h.event_modifiers(button(swarm.min + egui::vec2(2.0, 2.0), true), shift);
    h.step();
    for at in [swarm.center(), swarm.max] {
        h.event_modifiers(egui::Event::PointerMoved(at), shift);
        h.step();
    }
    h.event_modifiers(button(swarm.max, false), shift);
    h.run();
    assert_eq!(h.state().desk.session.selection.rows, (0..50).collect::<Vec<_>>());
    h.get_by_label("The 50 selected rows").click();
    h.run();
    let these = |a: &Action| matches!(a, Action::Want(Ask::Why(r)) if r.rows == WhyRows::These((0..50).collect()));
    assert!(h.state().asked.iter().any(these), "they are explained as a group");
    h.key_press(egui::Key::Escape);
    h.run();
    assert!(h.state().desk.session.selection.rows.is_empty());
}

#[test]
fn a_bar_that_is_moved_shows_the_row_as_it_would_be() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    let set = [("feature_0".to_owned(), crate::strategy::scenario::Setting::Number(7.0))];
    let mut draft = crate::strategy::Scenario { row: Some(4), ..serde_json::from_str(r#"{"name": "S 1"}"#).unwrap() };
    draft.set = set.clone().into();
    session.set_draft(Some(draft));
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    let options = ExplainOptions::default();
    let question = Question::Moved { model: "trees".into(), line: 4, set: set.into(), options, against: None };
    assert!(h.state().asked.contains(&Action::Want(Ask::Deeper(question.clone()))), "{:?}", h.state().asked);
    h.get_by_label("feature_0 = 0: +20.0 pp");
    let mut moved = examples::attribution(&[0.35, -0.1], 0.0);
    moved.rows.truncate(1);
    moved.inputs = vec![7.0, 1.0];
    let answer = Kept { value: Arc::new(Answer::Moved(Box::new(moved))), key: Key::default() };
    h.state_mut().desk.session.answers.push((question, answer));
    h.run();
    h.get_by_label("What-if: 55.0 %");
    h.get_by_label("feature_0 = 7: +35.0 pp");
    h.get_by_label("Put back").click();
    h.run();
    assert!(h.state().desk.session.draft.as_ref().is_some_and(|d| d.set.is_empty()));
    h.get_by_label("feature_0 = 0: +20.0 pp");
}

#[test]
fn every_row_is_drawn_and_a_cell_selects_its_row() {
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
    // As the pane asks: on whatever device pays.
    let options = ExplainOptions { device: crate::ml::DeviceChoice::Auto, ..ExplainOptions::default() };
    let question = Question::Density { model: "trees".into(), options, against: None };
    let d = crate::ui::widgets::all_rows::tests::example();
    let first = d.features[0].cells.iter().find(|c| c.bin == 0).unwrap().row;
    session.answers.push((question, Kept { value: Arc::new(Answer::Density(Box::new(d))), key: Key::default() }));
    let mut h = room(WhyView::default(), session, [1000.0, 4000.0]);
    h.run();
    let picture = h.get_by_label_contains("by their value of a and its effect").rect();
    // The lowest cell of the first column.
    let at = egui::pos2(picture.left() + 74.0, picture.top() + 219.0);
    h.drag_at(at);
    h.step();
    h.drop_at(at);
    h.run();
    assert_eq!(h.state().desk.session.selection.row, Some(first));
    h.get_by_label("More about “Every row: values and effects”").click();
    h.run();
    h.get_by_label("Save as CSV…").click();
    h.run();
    let saved = h.state().asked.iter().find_map(|a| if let Action::SaveText { name, text } = a { Some((name, text)) } else { None });
    let (name, text) = saved.expect("something is saved");
    assert!(name == "density.csv" && text.starts_with("column,value_low,value_high,effect_low,effect_high,rows,row\n"), "{name} {text}");
    assert_eq!(text.lines().skip(1).map(|l| l.split(',').nth(5).unwrap().parse::<u64>().unwrap()).sum::<u64>(), 400);
}

#[test]
fn attention_comes_with_its_caveat_and_badge() {
    let (_folder, mut session) = explained(ModelKind::Transformer, &[0.2, -0.1]);
    let tokens: Vec<String> = ["[class]", "feature_0", "feature_1"].map(str::to_owned).to_vec();
    let weights = vec![1.0 / 3.0; 2 * 2 * 9];
    let map = AttentionMap {
        row: 4,
        layers: 2,
        heads: 2,
        tokens,
        gradient: weights.clone(),
        weights,
        agreement: Some(0.12),
        ..AttentionMap::default()
    };
    let of = |silent: Vec<(usize, usize)>| Ask::Attention { model: "trees".into(), line: 4, outcome: 0, silent };
    let muted = AttentionMap {
        output: 0.4,
        silenced: Some(0.3),
        silent: vec![(0, 1)],
        tested_heads: vec![0.0, 0.1, 0.0, 0.0],
        scale: crate::ml::model::Scale::Probability,
        ..map.clone()
    };
    let kept = |m: AttentionMap| Kept { value: Arc::new(m), key: Key::default() };
    session.attentions.push((of(vec![]), kept(map)));
    session.attentions.push((of(vec![(0, 1)]), kept(muted)));
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_label("Where the model looked, not why");
    h.get_by_label_contains("disagree (r = 0.12)");
    h.get_by_label("Layer 2, head 1").click();
    h.run();
    h.get_by_label_contains("Layer 2, head 1: the class token looked most at");
    h.get_by_label_contains("Layer 2, head 1, gradient: the class token looked most at");
    // Muted, a head is asked about in the model and says so; its neighbour still sounds.
    h.get_by_label("Mute: Layer 1, head 2").click();
    h.run();
    h.get_by_label("Layer 1, head 2: muted");
    h.get_by_label("Layer 1, head 1");
    h.get_by_label_contains("With layer 1 head 2 silenced, the prediction goes from 40.0 % to 30.0 % (−10.0 pp).");
    h.get_by_label("Let all heads sound").click();
    h.run();
    assert!(h.query_by_label_contains("silenced, the prediction").is_none());
    // Solo from the keyboard: all others fall silent, and that is asked for.
    h.get_by_label("Solo: Layer 2, head 2").focus();
    h.run();
    h.key_press(eframe::egui::Key::Space);
    h.run();
    h.get_by_label("Layer 2, head 2: solo");
    h.get_by_label("Layer 1, head 1: silent while others are solo");
}

#[test]
fn a_model_without_attention_shows_none() {
    let (_folder, session) = explained(ModelKind::Gbdt, &[0.2]);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    assert!(h.query_by_label("Where the model looked, not why").is_none());
}

#[test]
fn odd_sizes_are_drawn() {
    for n in [0, 1, 200] {
        let effects: Vec<f64> = (0..n).map(|i| (i as f64).sin() * 0.01).collect();
        let (_folder, mut session) = explained(ModelKind::Gbdt, &effects);
        session.lang = Lang::Zh;
        let mut h = room(WhyView::default(), session, NARROW);
        h.run();
    }
    // Nobody fits the segment.
    let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.1]);
    let mut a = examples::attribution(&[0.1], 0.0);
    (a.rows, a.predictions, a.values, a.inputs, a.gaps) = Default::default();
    let why = Why {
        model: "trees".into(),
        attribution: a,
        summary: crate::explain::Summary { rows: 0, importance: vec![] },
        matrix: FeatureMatrix::default(),
    };
    session.whys[0].1.value = Arc::new(why);
    let mut h = room(WhyView::default(), session, WIDE);
    h.run();
    h.get_by_label("No row fits, so there is nothing to sum up");
}

#[test]
fn every_word_of_these_rooms_is_in_the_catalogue() {
    fn scan(folder: &std::path::Path, missing: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                scan(&path, missing);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for part in text.split("\"why.").skip(1) {
                    let name: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                    let key = format!("why.{name}");
                    if !name.is_empty() && part[name.len()..].starts_with('"') && !crate::base::text::catalogue().contains_key(&key) {
                        missing.push(format!("{}: {key}", path.display()));
                    }
                }
            }
        }
    }
    let mut missing = Vec::new();
    scan(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui"), &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What failed is named in sight of every number, however far the pictures are scrolled.
#[test]
fn what_does_not_hold_is_always_in_sight() {
    use crate::explain::trust::{Check, Trust, Verdict};
    let check = |name: &str, verdict| Check { name: name.into(), verdict, said: crate::note!("explain.trust_apart") };
    let checks = vec![check("adds-up", Verdict::Ok), check("signs", Verdict::Failed), check("stable", Verdict::Doubtful)];
    let (deletion, insertion, sufficiency) = (None, None, None);
    let trust = Trust { checks, deletion, insertion, sufficiency, twins: Vec::new(), tied: Vec::new(), rows: 2, seed: 1 };
    for size in [[560.0, 700.0], [1280.0, 800.0]] {
        let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.3, -0.1]);
        let WhyRequest { model, rows, options, against } = session.whys[0].0.clone();
        let question = Question::Trust { model, rows, options, against };
        session.answers.push((question, Kept { value: Arc::new(Answer::Trust(Box::new(trust.clone()))), key: Key::default() }));
        let mut room = room(WhyView::default(), session, size);
        room.run();
        for label in ["Adds up", "Signs: failed", "Stable: doubtful"] {
            let seen = room.get_all_by_label(label).any(|n| n.rect().top() > size[1] - 90.0 && n.rect().bottom() <= size[1]);
            assert!(seen, "{label} at {size:?}");
        }
    }
}

#[test]
fn past_five_per_cent_a_picture_is_called_no_fact() {
    let said = |gap: f64| {
        let (_folder, mut session) = explained(ModelKind::Gbdt, &[0.2, -0.1]);
        for (_, kept) in &mut session.whys {
            let mut why = Why::clone(&kept.value);
            why.attribution.gaps.iter_mut().for_each(|g| *g = gap);
            kept.value = Arc::new(why);
        }
        let mut h = room(WhyView::default(), session, WIDE);
        h.run();
        let n = |text: &str| h.query_all_by_label_contains(text).count();
        (n("of this row's distance from the base is left unexplained"), n("rows more than 5 % is left unexplained"))
    };
    assert_eq!(said(0.0001), (0, 0));
    // Above the waterfall once; above importance, single rows and the crowd.
    assert_eq!(said(0.05), (1, 3));
}
