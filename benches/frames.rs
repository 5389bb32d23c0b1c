//! CPU time of a frame with a million rows open: layout, our own work and tessellation, without the renderer. Every room,
//! then every picture of Why with the pointer moving over it, so that hovering is part of it.
//!
//! `cargo bench --profile dev --bench frames [-- ROWS]`

use std::io::{BufWriter, Write as _};
use std::time::Instant;

use eframe::egui;
use whybench::base::{Lang, tr};
use whybench::explain::ExplainOptions;
use whybench::ml::model::Scale;
use whybench::session::Session;
use whybench::session::state::{Ask, Command, Question};
use whybench::strategy::scenario::Setting;
use whybench::ui::shell::Desk;
use whybench::ui::{Room, Start};

const SAMPLE: &str = include_str!("../sample_data/online_shoppers_intention.csv");
const PROJECT: &str = include_str!("../sample_data/online_shoppers.whybench");
const FRAMES: usize = 240;

/// The pictures of Why by the key of their title.
const PICTURES: [&str; 24] = [
    "why.waterfall",
    "why.importance",
    "why.beeswarm",
    "why.crowd",
    "why.paths",
    "why.dependence",
    "why.parted",
    "why.effect_map",
    "why.effect",
    "why.effect_rows",
    "why.deletion",
    "why.insertion",
    "why.sufficiency",
    "why.everyone_title",
    "why.density_swarm",
    "why.density",
    "why.pairs_title",
    "why.shuffled_title",
    "why.cohorts_title",
    "why.contrast_bars",
    "why.again_title",
    "why.levels_title",
    "why.inside_row",
    "why.inside_rows",
];

/// High enough for all of Why: what lies below the fold of a scrolled room cannot be clicked, and a room at its end cannot
/// be scrolled so that its last lines stand near the top.
const TALL: f32 = 14_000.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let mut lines = SAMPLE.lines();
    let header = lines.next().unwrap_or_default();
    let body: Vec<&str> = lines.collect();
    let mut out = BufWriter::new(std::fs::File::create(folder.path().join("online_shoppers_intention.csv"))?);
    writeln!(out, "{header}")?;
    for i in 0..rows {
        writeln!(out, "{}", body[i % body.len()])?;
    }
    out.flush()?;
    // Few rounds: the time of a frame does not hang on them.
    let project = PROJECT.replace("kind = \"gbdt\"", "kind = \"gbdt\"\nepochs = 40");
    let path = folder.path().join("rows.whybench");
    // A second strategy beside the sample's own.
    let second = "\n[[scenario]]\nname = \"Everyday\"\nset = { SpecialDay = 0.2 }\n";
    std::fs::write(&path, project + second)?;

    let mut session = Session::new(Lang::En);
    session.want(Ask::OpenProject(path));
    session.settle();
    session.want(Ask::Train("Trees".to_owned()));
    session.settle();
    let mut desk = Desk::new(session, Start::default());
    println!("{rows} rows; milliseconds of one frame: mean, 95 %, worst of {FRAMES}");
    for size in [(1280.0, 800.0), (1920.0, 1080.0)] {
        for room in [Room::Data, Room::Prepare, Room::Models, Room::Why, Room::WhatIf, Room::Experiments, Room::Report] {
            desk.room = room;
            let mut stage = Stage::new(size);
            stage.settle(&mut desk, 20);
            let session = &desk.session;
            assert!(room != Room::Why || !session.whys.is_empty(), "Why has no answer");
            let scenarios = session.simulations.values().next().map_or(0, |s| s.value.scenarios.len());
            assert!(room != Room::WhatIf || scenarios >= 2, "{scenarios} scenarios are answered");
            let area = egui::Rect::from_min_size(egui::Pos2::ZERO, stage.size).shrink2(stage.size * 0.1);
            stage.settle(&mut desk, 10);
            stage.time(&mut desk, &format!("{:.0}×{:.0} {room:?}", size.0, size.1), area);
        }
    }
    pictures(&mut desk);
    moved(&mut desk);
    Ok(())
}

/// What a dragged bar asks: one row explained with another value, over all rows that are there.
fn moved(desk: &mut Desk) {
    let mut times: Vec<f64> = (0..40u32)
        .map(|i| {
            let set = [("PageValues".to_owned(), Setting::Number(f64::from(i)))].into();
            let options = ExplainOptions { scale: Scale::Probability, ..ExplainOptions::default() };
            let question = Question::Moved { model: "Trees".to_owned(), line: i, set, options, against: None };
            desk.session.want(Ask::Deeper(question));
            let begun = Instant::now();
            desk.session.settle();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("one row with another value: {:.2} ms in the middle, {:.2} ms worst of 40", times[20], times[39]);
}

/// Every picture of Why: the room is scrolled to it, and the pointer moves over it.
fn pictures(desk: &mut Desk) {
    desk.room = Room::Why;
    let mut stage = Stage::new((1280.0, 800.0));
    stage.settle(desk, 20);
    let begun = Instant::now();
    let t = |key| tr(Lang::En, key);
    let count = desk.session.prepared.as_ref().map_or(0, |p| p.value.raw.n_rows());
    let everyone = whybench::base::numbers::count(count as i64);
    let everyone = whybench::base::tr_with(Lang::En, "why.everyone_start", &[("rows", &everyone)]);
    desk.session.selection.segment = Some("Weekend = 1".to_owned());
    stage.settle(desk, 20);
    // Every header that is folded, and what it takes to see something in it.
    for name in [everyone.as_str(), t("why.pairs"), t("why.shuffled"), t("why.more_curves"), t("why.cohorts"), t("why.cohort_segment")] {
        assert!(stage.press(desk, name, &[]), "{name}: no such button");
    }
    desk.session.selection.segment = None;
    stage.settle(desk, 20);
    assert!(stage.press(desk, t("why.against_everyone"), &[]), "everyone is no group");
    // One near the top: the list scrolls, too.
    assert!(stage.press(desk, t("why.together_with"), &["Administrative"]), "no second feature");
    println!("answers of the pictures, all rows among them: {:.1} s", begun.elapsed().as_secs_f64());
    let dense = desk.session.answers.iter().any(|(q, _)| matches!(q, Question::Density { .. }));
    assert!(dense, "all rows are explained");
    let answered = |of: fn(&Question) -> bool| desk.session.answers.iter().any(|(q, _)| of(q));
    assert!(answered(|q| matches!(q, Question::Pairs { .. })) && answered(|q| matches!(q, Question::Cohorts { .. })));
    assert!(answered(|q| matches!(q, Question::Effect { second: Some(_), .. })));
    for key in PICTURES {
        // One curve and the map of two stand in the same place: the map comes first, then the second feature goes.
        if key == "why.effect" {
            assert!(stage.press(desk, t("why.together_with"), &[t("why.nothing_else")]), "no way back to one feature");
        }
        if key == "why.effect_rows" {
            assert!(stage.press(desk, t("why.effect_ice"), &[]), "no curves row by row");
        }
        match key {
            "why.contrast_bars" => desk.session.selection.pinned = vec![5],
            "why.again_title" => assert!(stage.press(desk, t("why.train_again"), &[]), "it cannot be trained again"),
            "why.levels_title" => desk.session.selection.feature = Some("Month".to_owned()),
            "why.inside_row" => {
                let pages = ["Administrative", "Informational", "ProductRelated"].map(str::to_owned).to_vec();
                desk.session.apply(&Command::SetGroup { old: None, name: "Pages".to_owned(), columns: pages });
                desk.session.selection.feature = Some("Pages".to_owned());
            }
            _ => {}
        }
        stage.settle(desk, 20);
        let area = stage.show(desk, key);
        stage.time(desk, key, area);
        // It was painted all the while: it stands where it stood, but for a line that a hover may add.
        let after = stage.picture(desk, key).unwrap_or_else(|why| panic!("{key}: {why} after it was timed"));
        assert!(after.center().distance(area.center()) < 40.0, "{key}: moved from {area:?} to {after:?} while it was timed");
    }
}

/// A window that is not there.
struct Stage {
    ctx: egui::Context,
    size: egui::Vec2,
    at: usize,
    tree: Vec<(String, egui::Rect, bool)>,
    /// Where pictures are painted.
    images: Vec<egui::Rect>,
}

impl Stage {
    fn new((width, height): (f32, f32)) -> Self {
        let ctx = egui::Context::default();
        whybench::ui::theme::install(&ctx);
        Self { ctx, size: egui::vec2(width, height), at: 0, tree: Vec::new(), images: Vec::new() }
    }

    /// One frame: its milliseconds.
    fn frame(&mut self, desk: &mut Desk, events: Vec<egui::Event>) -> f64 {
        self.at += 1;
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, self.size)),
            time: Some(self.at as f64 / 60.0),
            events,
            ..egui::RawInput::default()
        };
        let begun = Instant::now();
        let mut actions = Vec::new();
        let output = self.ctx.run_ui(input, |ui| actions = desk.ui(ui));
        let shapes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let spent = begun.elapsed().as_secs_f64() * 1e3;
        assert!(!shapes.is_empty());
        self.tree = output.platform_output.accesskit_update.iter().flat_map(|u| &u.nodes).filter_map(node).collect();
        let nodes = || output.platform_output.accesskit_update.iter().flat_map(|u| &u.nodes);
        self.images = nodes().filter(|(_, n)| n.role() == egui::accesskit::Role::Image).filter_map(|(_, n)| bounds(n)).collect();
        desk.execute(actions);
        spent
    }

    /// The first frames ask for answers; they are computed between the frames, as the lanes would.
    fn settle(&mut self, desk: &mut Desk, frames: usize) {
        for _ in 0..frames {
            self.frame(desk, Vec::new());
            desk.session.settle();
        }
    }

    /// Where something of that name is.
    fn find(&mut self, desk: &mut Desk, name: &str) -> Option<egui::Rect> {
        self.ctx.enable_accesskit();
        self.frame(desk, Vec::new());
        self.frame(desk, Vec::new());
        self.ctx.disable_accesskit();
        // What can be pressed goes before what only says its name.
        let named = || self.tree.iter().filter(|(n, ..)| n == name);
        named().find(|n| n.2).or_else(|| named().next()).map(|n| n.1)
    }

    /// Presses what has this name, then what has the names that came up: in a window so high that all of it is seen.
    fn press(&mut self, desk: &mut Desk, name: &str, then: &[&str]) -> bool {
        let size = std::mem::replace(&mut self.size.y, TALL);
        self.settle(desk, 6);
        let mut done = true;
        for name in std::iter::once(&name).chain(then) {
            let place = self.find(desk, name);
            done &= place.is_some();
            if let Some(place) = place {
                self.click(desk, place);
                self.settle(desk, 6);
            }
        }
        self.size.y = size;
        self.settle(desk, 20);
        done
    }

    /// Where a picture is painted: the first image below its title, if that much of both stands in the window that the
    /// picture is on screen and not only laid out somewhere below.
    fn picture(&mut self, desk: &mut Desk, key: &str) -> Result<egui::Rect, String> {
        let title = self.find(desk, tr(Lang::En, key)).ok_or("its title is not there")?;
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, self.size);
        if !window.contains_rect(title) {
            return Err(format!("its title stands at {title:?}"));
        }
        let below = |r: &egui::Rect| r.top() >= title.top() && r.top() < title.bottom() + 160.0 && r.left() < title.right() + 400.0;
        let images = self.images.iter().filter(|r| below(r) && r.right() > title.left());
        let image = images.min_by(|a, b| a.top().total_cmp(&b.top())).ok_or("no picture stands below its title")?;
        let seen = image.intersect(window);
        // Half of it, or as much as the window shows of a high one.
        if !seen.is_positive() || seen.height() < (0.5 * image.height()).min(200.0) {
            return Err(format!("its picture stands at {image:?}"));
        }
        Ok(seen)
    }

    /// Scrolls the room until a picture is on screen; where it is. A picture that is not fails the bench.
    fn show(&mut self, desk: &mut Desk, key: &str) -> egui::Rect {
        for _ in 0..24 {
            let Some(place) = self.find(desk, tr(Lang::En, key)) else { break };
            // The pointer must be over the pane that holds it.
            let over = egui::pos2(place.left() + 20.0, self.size.y * 0.5);
            let far = place.top() - 180.0;
            if far.abs() < 90.0 {
                break;
            }
            let wheel = egui::Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: egui::vec2(0.0, -far),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: egui::Modifiers::NONE,
            };
            self.frame(desk, vec![egui::Event::PointerMoved(over), wheel]);
            self.settle(desk, 12);
        }
        self.picture(desk, key).unwrap_or_else(|why| panic!("{key}: {why}"))
    }

    fn click(&mut self, desk: &mut Desk, place: egui::Rect) {
        let pos = place.center();
        for pressed in [true, false] {
            let button =
                egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers: egui::Modifiers::NONE };
            self.frame(desk, vec![egui::Event::PointerMoved(pos), button]);
        }
    }

    /// Frames with the pointer moving over a part of the window.
    fn time(&mut self, desk: &mut Desk, name: &str, area: egui::Rect) {
        let mut times: Vec<f64> = (0..FRAMES + 10)
            .map(|i| {
                let share = egui::vec2((i * 37 % 101) as f32 / 101.0, (i * 53 % 97) as f32 / 97.0);
                let spent = self.frame(desk, vec![egui::Event::PointerMoved(area.min + area.size() * share)]);
                desk.session.settle();
                spent
            })
            .skip(10)
            .collect();
        times.sort_by(f64::total_cmp);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        println!("{name}: {mean:.2}, {:.2}, {:.2}", times[FRAMES * 95 / 100], times[FRAMES - 1]);
    }
}

/// Name and place of a node of the accessibility tree, and whether it can be pressed.
fn node((_, node): &(egui::accesskit::NodeId, egui::accesskit::Node)) -> Option<(String, egui::Rect, bool)> {
    let (name, rect) = (node.label().or(node.value())?, bounds(node)?);
    use egui::accesskit::Role;
    Some((name.to_owned(), rect, matches!(node.role(), Role::Button | Role::ComboBox | Role::DisclosureTriangle)))
}

fn bounds(node: &egui::accesskit::Node) -> Option<egui::Rect> {
    let b = node.bounds()?;
    Some(egui::Rect::from_min_max(egui::pos2(b.x0 as f32, b.y0 as f32), egui::pos2(b.x1 as f32, b.y1 as f32)))
}
