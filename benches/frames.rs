//! CPU time of a frame in every room with a million rows open: layout, our own work and tessellation, without the renderer.
//! The pointer moves in every frame, so that hovering is part of it.
//!
//! `cargo bench --profile dev --bench frames [-- ROWS]`

use std::io::{BufWriter, Write as _};
use std::time::Instant;

use eframe::egui;
use whybench::base::Lang;
use whybench::session::Session;
use whybench::session::state::Ask;
use whybench::ui::shell::Desk;
use whybench::ui::{Room, Start};

const SAMPLE: &str = include_str!("../sample_data/online_shoppers_intention.csv");
const PROJECT: &str = include_str!("../sample_data/online_shoppers.whybench");

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
    std::fs::write(&path, project)?;

    let mut session = Session::new(Lang::En);
    session.want(Ask::OpenProject(path));
    session.settle();
    session.want(Ask::Train("Trees".to_owned()));
    session.settle();
    let mut desk = Desk::new(session, Start::default());
    println!("{rows} rows; milliseconds of one frame: mean, 95 %, worst of 240");
    for (width, height) in [(1280.0, 800.0), (1920.0, 1080.0)] {
        for room in [Room::Data, Room::Prepare, Room::Models, Room::Why, Room::Report] {
            desk.room = room;
            let ctx = egui::Context::default();
            whybench::ui::theme::install(&ctx);
            // The first frames ask for answers; they are computed between the frames, as the lanes would.
            for i in 0..20 {
                frame(&mut desk, &ctx, (width, height), i);
                desk.session.settle();
            }
            let answered = (desk.session.whys.len(), desk.session.simulations.len());
            assert!(room != Room::Why || (answered.0 > 0 && answered.1 > 0), "{answered:?}");
            for i in 20..30 {
                frame(&mut desk, &ctx, (width, height), i);
            }
            let mut times: Vec<f64> = (30..270).map(|i| frame(&mut desk, &ctx, (width, height), i)).collect();
            times.sort_by(f64::total_cmp);
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            println!("{width:.0}×{height:.0} {room:?}: {mean:.2}, {:.2}, {:.2}", times[228], times[239]);
        }
    }
    Ok(())
}

/// One frame: its milliseconds.
fn frame(desk: &mut Desk, ctx: &egui::Context, (width, height): (f32, f32), i: usize) -> f64 {
    let x = width * (0.1 + 0.8 * ((i * 37 % 101) as f32 / 101.0));
    let y = height * (0.1 + 0.8 * ((i * 53 % 97) as f32 / 97.0));
    let input = egui::RawInput {
        screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height))),
        time: Some(i as f64 / 60.0),
        events: vec![egui::Event::PointerMoved(egui::pos2(x, y))],
        ..egui::RawInput::default()
    };
    let begun = Instant::now();
    let mut actions = Vec::new();
    let output = ctx.run_ui(input, |ui| actions = desk.ui(ui));
    let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
    let spent = begun.elapsed().as_secs_f64() * 1e3;
    assert!(!shapes.is_empty());
    desk.execute(actions);
    spent
}
