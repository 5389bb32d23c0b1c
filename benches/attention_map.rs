//! CPU time of a frame with attention of 512 tokens × 512 in 8 heads on screen: tiles of all heads and two large maps, the
//! pointer moving, zooming now and then. Layout, our own work and tessellation, without the renderer; and once, what making
//! the textures costs.
//!
//! `cargo bench --profile dev --bench attention_map [-- TOKENS HEADS]`

use std::sync::Arc;
use std::time::Instant;

use eframe::egui;
use whybench::base::Lang;
use whybench::explain::AttentionMap;
use whybench::explain::attention::Desk;
use whybench::ui::widgets::heatmap::{self, Head, Layer, Textures, View, heads};
use whybench::ui::widgets::units::Unit;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (n, h) = (numbers.first().copied().unwrap_or(512), numbers.get(1).copied().unwrap_or(8));
    let weights: Vec<f32> = (0..h * n * n).map(|i| (i.wrapping_mul(2_654_435_761) % 1_000) as f32 / 1e6).collect();
    let map = Arc::new(AttentionMap {
        layers: 1,
        heads: h,
        tokens: (0..n).map(|i| format!("event {i} = view, 2026-01-{:02} 12:{:02}", 1 + i / 60 % 28, i % 60)).collect(),
        gradient: weights.clone(),
        weights,
        tested_heads: (0..h).map(|i| 0.01 * i as f64).collect(),
        ..AttentionMap::default()
    });
    for (width, height) in [(1280.0, 800.0), (1920.0, 1080.0)] {
        let ctx = egui::Context::default();
        whybench::ui::theme::install(&ctx);
        let (mut textures, mut view, desk) = (Textures::default(), View::default(), Desk::default());
        let mut frame = |i: usize| {
            let at =
                egui::pos2(width * (0.1 + 0.8 * ((i * 37 % 101) as f32 / 101.0)), height * (0.3 + 0.6 * ((i * 53 % 97) as f32 / 97.0)));
            let mut events = vec![egui::Event::PointerMoved(at)];
            if i % 16 == 8 {
                let delta = egui::vec2(0.0, if i % 64 < 32 { 80.0 } else { -80.0 });
                let (unit, phase) = (egui::MouseWheelUnit::Point, egui::TouchPhase::Move);
                events.push(egui::Event::MouseWheel {
                    source: egui::MouseWheelSource::Unknown,
                    unit,
                    delta,
                    phase,
                    modifiers: egui::Modifiers::NONE,
                });
            }
            let input = egui::RawInput {
                screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height))),
                time: Some(i as f64 / 60.0),
                events,
                ..egui::RawInput::default()
            };
            let begun = Instant::now();
            let output = ctx.run_ui(input, |ui| {
                let tiles = heads::Tiles { desk: &desk, selected: Head::default(), what: Layer::Raw, by_effect: true };
                heads::ui(ui, &map, &mut textures, &tiles, Unit::Probability, Lang::En);
                ui.columns(2, |columns| {
                    for (ui, what) in columns.iter_mut().zip([Layer::Raw, Layer::Gradient]) {
                        ui.push_id(format!("{what:?}"), |ui| {
                            heatmap::map(ui, &map, &mut textures, (what, Head::default()), None, &mut view, Lang::En)
                        });
                    }
                });
            });
            let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
            assert!(!shapes.is_empty());
            begun.elapsed().as_secs_f64() * 1e3
        };
        let first = (0..3).map(&mut frame).fold(0.0, f64::max);
        let mut times: Vec<f64> = (3..243).map(&mut frame).collect();
        times.sort_by(f64::total_cmp);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        println!(
            "{n} × {n}, {h} heads, {width:.0}×{height:.0}: frame {mean:.2} ms mean, {:.2} 95 %, {:.2} worst; with its textures made {first:.1} ms",
            times[228], times[239]
        );
    }
}
