//! Every row of the data, on request: added up, and as a density. The other pictures are drawn from a sample.

use std::sync::Arc;

use eframe::egui::Ui;

use super::lit::{self, Lit};
use super::{Subject, standing};
use crate::base::{numbers, tr};
use crate::explain::ExplainOptions;
use crate::explain::density::{self, Density, Holds, OfFeature};
use crate::explain::everyone::Everyone;
use crate::explain::words;
use crate::ml::DeviceChoice;
use crate::report::svg;
use crate::session::state::Why;
use crate::session::state::{Answer, Ask, Question, WhyRequest, WhyRows};
use crate::ui::widgets::all_rows::{self, Swarm};
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Cx, Values};

/// Most features drawn; the table holds all.
const MOST: usize = 15;

/// The button, then the answer.
#[derive(Default)]
pub struct EveryonePane {
    asked: Option<Question>,
    /// Piles, made once per answer.
    made: Option<(Arc<Answer>, Swarm)>,
    piles: all_rows::Cache,
    texture: all_rows::Cache,
    /// Columns with marked rows: of which feature, of which rows, and which.
    marked: (usize, Vec<usize>, Vec<usize>),
    /// Piles with marked rows: whether they can be found, of which rows, and which.
    marked_piles: (bool, Vec<usize>, Vec<(usize, usize)>),
}

impl EveryonePane {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        (why, rows, lit): (&Why, &WhyRows, &Lit),
        twins: &mut figure::Twins,
    ) {
        basic::section(ui, cx.t("why.everyone"));
        // Here rows can be many enough for a GPU to pay.
        let options = ExplainOptions { device: DeviceChoice::Auto, ..subject.options.clone() };
        let question = Question::Density { model: subject.name.to_owned(), options, against: subject.against.clone() };
        if self.asked.as_ref() != Some(&question) && cx.session.answer(&question).is_none() {
            let rows = cx.session.prepared.as_ref().map_or(0, |p| p.value.raw.n_rows());
            let text = cx.tw("why.everyone_start", &[("rows", &numbers::count(rows as i64))]);
            if ui.button(text).on_hover_text(cx.t("why.everyone_help")).clicked() {
                self.asked = Some(question);
            }
            return;
        }
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(answer) = cx.session.answer(&question).cloned() else { return };
        let Answer::Density(d) = &*answer else { return };
        let e = &d.all;
        let unit = Unit::of(subject.model.card().outcomes.get(subject.outcome), e.scale);
        let size = |v: f64| unit.effect(v).trim_start_matches('+').to_owned();
        let lines: Vec<Line> =
            e.features.iter().take(MOST).map(|f| Line { name: f.name.clone(), marks: vec![(f.mean_abs, f.low, f.high)] }).collect();
        let lang = cx.lang();
        let tied = super::pairs::tied_words(&lines, |i| e.features[i].tied && e.features[i].mean_abs > 0.0, lang);
        let mut source = super::pairs::intervals_tied(&lines, &tied, lang, &size);
        source.table = Box::new(move || table(e, unit, lang));
        source.csv = Some(Box::new(move || csv(e)));
        let method = tr(lang, super::one::method_key(e.method));
        let (base, mean) = (unit.level(e.base), unit.level(e.mean));
        let words: [(&str, &dyn std::fmt::Display); 5] = [
            ("rows", &numbers::count(e.rows as i64)),
            ("method", &method),
            ("base", &base),
            ("mean", &mean),
            ("gap", &format!("{:.1e}", e.largest_gap)),
        ];
        ui.add(eframe::egui::Label::new(words::everyone(e, lang)).wrap());
        let mut caption = cx.tw("why.everyone_caption", &words);
        if e.scale != subject.options.scale {
            caption = format!("{caption} {}", cx.t("why.everyone_margin"));
        }
        let selected = cx.session.selection.feature.clone();
        let clicked = figure::ui(ui, cx, twins, "why.everyone_title", &caption, &source, |ui, cx| {
            dots::tied(ui, cx.t("why.everyone_title"), &lines, &tied, &size, unit.effect_name(lang), selected.as_deref())
        });
        if let Some(Some(i)) = clicked {
            let name = lines[i].name.clone();
            cx.select(|s| s.feature = Some(name));
        }
        drop(source);
        if !self.made.as_ref().is_some_and(|(a, _)| Arc::ptr_eq(a, &answer)) {
            (self.piles, self.texture, self.marked, self.marked_piles) = Default::default();
            self.made = Some((answer.clone(), Swarm::of(d)));
        }
        // Rows are found by their effects, which must be counted on the scale that all rows are counted on.
        let same = if d.all.scale == why.attribution.scale {
            None
        } else {
            let options = ExplainOptions { scale: d.all.scale, ..subject.options.clone() };
            let request = WhyRequest { options, ..subject.request(rows.clone()) };
            cx.want(Ask::Why(request.clone()));
            cx.session.why(&request).cloned()
        };
        self.swarm(ui, cx, (d, unit), (same.as_deref().unwrap_or(why), lit), twins);
        let of = selected.as_deref().and_then(|n| d.features.iter().find(|f| f.name == n)).or(d.features.first());
        if let Some(of) = of {
            self.feature(ui, cx, subject, (d, of, unit), (why, lit), twins);
        }
    }

    /// All features as piles of rows.
    fn swarm(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, (d, unit): (&Density, Unit), (why, lit): (&Why, &Lit), twins: &mut figure::Twins) {
        let Some((answer, swarm)) = &self.made else { return };
        let a = &why.attribution;
        let same = a.scale == d.all.scale && a.method == d.all.method;
        if (self.marked_piles.0, self.marked_piles.1.as_slice()) != (same, lit.brushed()) {
            let row = |i: usize| if i < a.rows.len() { a.row(i) } else { &[] };
            let of = |f: usize| lit.brushed().iter().filter_map(move |i| swarm.place(f, *row(*i).get(f)?));
            let mut places: Vec<_> = swarm.lines.iter().filter(|_| same).flat_map(|l| of(l.1)).collect();
            places.sort_unstable();
            places.dedup();
            self.marked_piles = (same, lit.brushed().to_vec(), places);
        }
        let (lang, rows) = (cx.lang(), d.all.rows);
        let source = figure::Source {
            table: Box::new(|| piles_table(swarm, unit, lang)),
            csv: Some(Box::new(|| piles_csv(swarm))),
            svg: Some(Box::new(|| {
                let lines: Vec<svg::Piles<'_>> = swarm
                    .lines
                    .iter()
                    .map(|(name, _, piles)| {
                        (name.as_str(), piles.iter().map(|(at, c, r)| (*at, density::share(c.rows, swarm.most), *r)).collect())
                    })
                    .collect();
                let ends = (swarm.lowest as f64 * swarm.step, (swarm.lowest + swarm.across as i64) as f64 * swarm.step);
                svg::piles(tr(lang, "why.density_swarm"), &lines, swarm.across, ends, |x| unit.effect(x))
            })),
        };
        let words: [(&str, &dyn std::fmt::Display); 2] =
            [("rows", &numbers::count(rows as i64)), ("method", &tr(lang, super::one::method_key(d.all.method)))];
        let caption = cx.tw("why.density_swarm_caption", &words);
        let title = cx.tw("why.density_swarm_said", &[("rows", &numbers::count(rows as i64)), ("n", &swarm.lines.len())]);
        let key = Arc::as_ptr(answer) as *const () as u64;
        let selected = cx.session.selection.feature.as_deref().and_then(|n| swarm.lines.iter().find(|l| l.0 == n)).map(|l| l.1);
        let (cache, marked) = (&mut self.piles, self.marked_piles.2.as_slice());
        let touch = figure::ui(ui, cx, twins, "why.density_swarm", &caption, &source, |ui, _| {
            let touch = all_rows::swarm(ui, swarm, (rows, unit, lang), (cache, key), &title, (selected, marked));
            crate::ui::widgets::beeswarm::legend(ui, lang);
            if !marked.is_empty() {
                let n = numbers::count(lit.brushed().len() as i64);
                crate::ui::widgets::ink::diamond_key(ui, &crate::base::tr_with(lang, "why.brushed_key", &[("n", &n)]));
            }
            touch
        });
        drop(source);
        let Some(touch) = touch else { return };
        if let Some((feature, cell)) = touch.hovered {
            (cx.hover.feature, cx.hover.row) = (Some(feature), Some(cell.row));
        }
        if let Some((feature, cell)) = touch.clicked {
            let name = swarm.lines.iter().find(|l| l.1 == feature).map(|l| l.0.clone());
            cx.select(|s| (s.feature, s.row) = (name, Some(cell.row)));
        }
        if let Some((features, low, high)) = touch.many.filter(|_| same) {
            let inside = |i: &usize| features.iter().any(|f| a.row(*i).get(*f).is_some_and(|v| (low..=high).contains(v)));
            let mut rows: Vec<u32> = (0..a.rows.len()).filter(inside).map(|i| a.rows[i]).collect();
            rows.sort_unstable();
            lit::brush(cx, rows, None);
        }
    }

    /// One feature: its values across, its effects upwards.
    fn feature(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        subject: &Subject<'_>,
        (d, of, unit): (&Density, &OfFeature, Unit),
        (why, lit): (&Why, &Lit),
        twins: &mut figure::Twins,
    ) {
        let Some((answer, _)) = &self.made else { return };
        let (lang, rows) = (cx.lang(), d.all.rows);
        let feature = why.attribution.feature(of.feature, subject.model.card().features());
        let show = |v: f64| feature.map_or_else(|| numbers::plain(v), |f| f.show(v));
        let a = &why.attribution;
        // Levels without a column of their own, unseen ones and missing are told by what they hold.
        let column_of = |v: f64| {
            let holds = |c: &crate::explain::density::Column| match c.holds {
                Holds::Missing => v.is_nan(),
                Holds::Numbers | Holds::Level => c.low <= v && v <= c.high,
                Holds::Unseen | Holds::OtherLevels => false,
            };
            of.columns.iter().position(holds)
        };
        let value_at = |i: usize| (of.feature < a.n_features()).then(|| a.input(i)[of.feature]);
        if (self.marked.0, self.marked.1.as_slice()) != (of.feature, lit.brushed()) {
            let mut columns: Vec<usize> = lit.brushed().iter().filter_map(|i| column_of(value_at(*i)?)).collect();
            columns.sort_unstable();
            columns.dedup();
            self.marked = (of.feature, lit.brushed().to_vec(), columns);
        }
        let one = cx.hovered.row.or(cx.session.selection.row).and_then(|r| a.rows.binary_search(&r).ok());
        let one = one.and_then(|i| column_of(value_at(i)?));
        let source = figure::Source {
            table: Box::new(|| cells_table(of, unit, lang)),
            csv: Some(Box::new(|| cells_csv(of))),
            svg: Some(Box::new(|| {
                let most = of.most();
                let cells: Vec<(usize, usize, f64)> =
                    of.cells.iter().map(|c| (c.column as usize, c.bin as usize, density::share(c.rows, most))).collect();
                let labels: Vec<String> = (0..of.columns.len()).map(|c| words::density_column(of, c, lang)).collect();
                let title = format!("{}: {}", of.name, tr(lang, "why.density"));
                let ends = (of.bin_from(0), of.bin_from(of.bins));
                svg::density(&title, &labels, of.bins as usize, &cells, ends, (&of.name, &|x| unit.effect(x)))
            })),
        };
        let words: [(&str, &dyn std::fmt::Display); 3] =
            [("rows", &numbers::count(rows as i64)), ("feature", &of.name), ("method", &tr(lang, super::one::method_key(d.all.method)))];
        let caption = cx.tw("why.density_caption", &words);
        let title = cx.tw("why.density_said", &words);
        let key = (Arc::as_ptr(answer) as *const () as u64).rotate_left(16) ^ of.feature as u64;
        if let Some(said) = words::density(of, rows, d.all.scale, lang) {
            ui.add(eframe::egui::Label::new(said).wrap());
        }
        let (cache, marked) = (&mut self.texture, self.marked.2.as_slice());
        let touch = figure::ui(ui, cx, twins, "why.density", &caption, &source, |ui, _| {
            let touch = all_rows::ui(ui, of, (rows, unit, lang), (cache, key), &title, (marked, one), &show);
            all_rows::legend(ui, of.most(), lang);
            touch
        });
        drop(source);
        let Some(touch) = touch else { return };
        if let Some(c) = touch.hovered {
            cx.hover.row = Some(c.row);
            cx.hover.values = Some(Values { feature: of.feature, low: c.value_low, high: c.value_high });
        }
        if let Some(c) = touch.clicked {
            let name = of.name.clone();
            cx.select(|s| (s.feature, s.row) = (Some(name), Some(c.row)));
        }
        if let Some((from, to)) = touch.many
            && of.feature < a.n_features()
        {
            let columns = &of.columns[from..=to];
            let rows = lit::rows_with(why, of.feature, |v| column_of(v).is_some_and(|c| (from..=to).contains(&c)));
            let plain = columns.iter().all(|c| matches!(c.holds, Holds::Numbers | Holds::Level));
            let stretches: Vec<(f64, f64)> = columns.iter().filter(|_| plain).map(|c| (c.low, c.high)).collect();
            let condition = lit::condition(cx.session, &**subject.model, &of.name, &stretches);
            lit::brush(cx, rows, condition);
        }
    }
}

fn piles_table(s: &Swarm, unit: Unit, lang: crate::base::Lang) -> figure::Table {
    let header = ["why.feature", "why.effect_column", "why.density_column_to", "why.rows_column", "why.row"];
    let rows = s.lines.iter().flat_map(|(name, _, piles)| {
        piles.iter().map(move |(_, c, _)| {
            let row = numbers::count(i64::from(c.row) + 1);
            vec![name.clone(), unit.effect(c.effect_low), unit.effect(c.effect_high), numbers::count(c.rows as i64), row]
        })
    });
    figure::Table { header: header.map(|k| tr(lang, k).to_owned()).to_vec(), rows: rows.collect() }
}

fn piles_csv(s: &Swarm) -> figure::Table {
    let rows = s.lines.iter().flat_map(|(name, _, piles)| {
        piles.iter().map(move |(_, c, _)| {
            let numbers = [c.effect_low, c.effect_high, c.value_low, c.value_high].map(|v| v.to_string());
            std::iter::once(name.clone()).chain(numbers).chain([c.rows.to_string(), c.row.to_string()]).collect()
        })
    });
    let header = ["feature", "effect_low", "effect_high", "value_low", "value_high", "rows", "row"];
    figure::Table { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

fn cells_table(of: &OfFeature, unit: Unit, lang: crate::base::Lang) -> figure::Table {
    let header = ["why.value", "why.effect_column", "why.density_column_to", "why.rows_column", "why.row"];
    let row = |c: &crate::explain::density::Cell| {
        let (label, row) = (words::density_column(of, c.column as usize, lang), numbers::count(i64::from(c.row) + 1));
        vec![label, unit.effect(c.effect_low), unit.effect(c.effect_high), numbers::count(c.rows as i64), row]
    };
    figure::Table { header: header.map(|k| tr(lang, k).to_owned()).to_vec(), rows: of.cells.iter().map(row).collect() }
}

fn cells_csv(of: &OfFeature) -> figure::Table {
    let row = |c: &crate::explain::density::Cell| {
        let numbers = [c.value_low, c.value_high, c.effect_low, c.effect_high].map(|v| v.to_string());
        let label = of.columns[c.column as usize].label.clone();
        std::iter::once(label).chain(numbers).chain([c.rows.to_string(), c.row.to_string()]).collect()
    };
    let header = ["column", "value_low", "value_high", "effect_low", "effect_high", "rows", "row"];
    figure::Table { header: header.map(str::to_owned).to_vec(), rows: of.cells.iter().map(row).collect() }
}

fn table(e: &Everyone, unit: Unit, lang: crate::base::Lang) -> figure::Table {
    let columns = [
        "why.feature",
        "why.mean_size_column",
        "why.everyone_column_mean",
        "why.everyone_column_up",
        "why.everyone_column_down",
        "why.tied_column",
    ];
    let row = |(i, f): (usize, &crate::explain::everyone::OfAll)| {
        let tied = if i > 0 && f.tied && f.mean_abs > 0.0 { e.features[i - 1].name.clone() } else { String::new() };
        let size = unit.effect(f.mean_abs).trim_start_matches('+').to_owned();
        vec![f.name.clone(), size, unit.effect(f.mean), numbers::percent(f.up), numbers::percent(f.down), tied]
    };
    figure::Table { header: columns.map(|k| tr(lang, k).to_owned()).to_vec(), rows: e.features.iter().enumerate().map(row).collect() }
}

fn csv(e: &Everyone) -> figure::Table {
    let row = |f: &crate::explain::everyone::OfAll| {
        let numbers = [f.mean_abs, f.low, f.high, f.mean, f.up, f.down];
        std::iter::once(f.name.clone()).chain(numbers.iter().map(f64::to_string)).chain([f.tied.to_string()]).collect()
    };
    figure::Table {
        header: ["feature", "mean_abs", "low", "high", "mean", "up", "down", "tied_with_previous"].map(str::to_owned).to_vec(),
        rows: e.features.iter().map(row).collect(),
    }
}
