//! What the advice hangs on: a tornado over every assumption, where each would have to be for nothing to be earned, and two
//! assumptions moved together.

use eframe::egui::{self, RichText, Ui};

use crate::base::{Lang, numbers, tr};
use crate::strategy::sensitivity::{self, Assumption, EITHER_WAY, Sensitivity, TwoWay};
use crate::strategy::{News, Simulation};
use crate::ui::views::why::name_it;
use crate::ui::widgets::matrix::{self, Matrix};
use crate::ui::widgets::{basic, figure, tornado};
use crate::ui::{Cx, theme};

/// What the pane remembers.
pub struct HangsOn {
    x: Assumption,
    y: Assumption,
    cache: matrix::Cache,
}

impl Default for HangsOn {
    fn default() -> Self {
        Self { x: Assumption::Value, y: Assumption::Effect, cache: matrix::Cache::default() }
    }
}

impl HangsOn {
    /// Draws it for a scenario, once money was entered.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, sim: &Simulation, scenario: &str, twins: &mut figure::Twins) {
        let Some(found) = sim.sensitivity.iter().find(|s| s.scenario == scenario) else { return };
        let (lang, news) = (cx.lang(), sim.news);
        let caption = cx.tw(news.word("why.tornado_caption"), &[("share", &numbers::percent(EITHER_WAY))]);
        let source = figure::Source { table: Box::new(|| table(found, news, lang)), csv: None, svg: None };
        let bars: Vec<tornado::Bar> = found.swings.iter().map(|s| bar(s, news, lang)).collect();
        figure::ui(ui, cx, twins, "why.tornado", &caption, &source, |ui, cx| {
            tornado::ui(ui, cx.t("why.tornado"), &bars, found.profit, &numbers::plain, cx.t("why.profit_axis"));
        });
        for s in &found.swings {
            let name = tr(lang, news.word(s.assumption.key()));
            let text = match s.break_even {
                Some(at) => cx.tw("why.break_even", &[("name", &name), ("at", &numbers::plain(at)), ("now", &numbers::plain(s.at))]),
                None => cx.tw("why.never_even", &[("name", &name)]),
            };
            basic::caption(ui, &text);
        }
        let known: Vec<Assumption> = found.swings.iter().map(|s| s.assumption).collect();
        if known.len() < 2 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.two_together")).color(cx.tokens.weak));
            for (id, of) in [("two-x", &mut self.x), ("two-y", &mut self.y)] {
                let shown = tr(lang, news.word(of.key()));
                let combo = egui::ComboBox::from_id_salt(id).selected_text(shown).show_ui(ui, |ui| {
                    for a in &known {
                        ui.selectable_value(of, *a, tr(lang, news.word(a.key())));
                    }
                });
                name_it(&combo.response, cx.t("why.two_together"), shown);
            }
        });
        if self.x == self.y || !known.contains(&self.x) || !known.contains(&self.y) {
            let other = |not: Assumption| known.iter().copied().find(|a| *a != not);
            self.x = known[0];
            self.y = other(self.x).unwrap_or(self.x);
        }
        let Some(map) = sensitivity::two_way(sim, scenario, self.x, self.y) else { return };
        let drawn = as_matrix(&map);
        let key = drawn.values.iter().fold(0u64, |h, v| h.rotate_left(7) ^ v.to_bits());
        let (x, y) = (tr(lang, news.word(map.x.key())), tr(lang, news.word(map.y.key())));
        let source = figure::Source { table: Box::new(|| two_table(&map, news, lang)), csv: None, svg: None };
        let caption = cx.tw("why.two_way_caption", &[("x", &x), ("y", &y)]);
        let cache = &mut self.cache;
        figure::ui(ui, cx, twins, "why.two_way", &caption, &source, |ui, _| {
            matrix::ui(ui, &drawn, cache, key, &caption, Some(220.0), &matrix::Marked::default(), |(l, a)| {
                vec![format!("{x} {}, {y} {}", drawn.places[a], drawn.lines[l]), numbers::signed(drawn.values[l * drawn.across + a])]
            });
            matrix::legend(ui, &numbers::signed(-drawn.most), &numbers::signed(drawn.most));
        });
        ui.add_space(theme::SPACE);
    }
}

fn bar(s: &sensitivity::Swing, news: News, lang: Lang) -> tornado::Bar {
    let line = |at: f64, profit: f64| format!("{} → {}", numbers::plain(at), numbers::plain(profit));
    tornado::Bar {
        name: tr(lang, news.word(s.assumption.key())).to_owned(),
        low: s.profit_low,
        high: s.profit_high,
        help: vec![line(s.low, s.profit_low), line(s.high, s.profit_high)],
    }
}

fn table(s: &Sensitivity, news: News, lang: Lang) -> figure::Table {
    let head =
        ["why.assumption", "why.as_assumed", "why.low_column", "why.high_column", "why.profit_low", "why.profit_high", "why.even_at"];
    let row = |w: &sensitivity::Swing| {
        let mut cells = vec![tr(lang, news.word(w.assumption.key())).to_owned()];
        cells.extend([w.at, w.low, w.high, w.profit_low, w.profit_high].map(numbers::plain));
        cells.push(w.break_even.map_or_else(|| "–".to_owned(), numbers::plain));
        cells
    };
    figure::Table { header: head.map(|k| tr(lang, k).to_owned()).to_vec(), rows: s.swings.iter().map(row).collect() }
}

/// Small values below, as on an axis.
fn as_matrix(map: &TwoWay) -> Matrix {
    let across = map.xs.len();
    let values: Vec<f64> = map.profit.chunks(across).rev().flatten().copied().collect();
    let most = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let names = |v: &[f64]| v.iter().map(|x| numbers::plain(*x)).collect::<Vec<_>>();
    let mut lines = names(&map.ys);
    lines.reverse();
    Matrix { lines, places: names(&map.xs), across, weight: vec![1.0; values.len()], values, most }
}

fn two_table(map: &TwoWay, news: News, lang: Lang) -> figure::Table {
    let header = [map.x, map.y]
        .map(|a| tr(lang, news.word(a.key())).to_owned())
        .into_iter()
        .chain([tr(lang, "why.profit_axis").to_owned()])
        .collect();
    let cells = map.ys.iter().flat_map(|y| map.xs.iter().map(move |x| (x, y))).zip(&map.profit);
    figure::Table { header, rows: cells.map(|((x, y), p)| [*x, *y, *p].map(numbers::plain).to_vec()).collect() }
}
