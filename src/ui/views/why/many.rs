//! Many rows: what matters overall, how it spreads, and what each value of the selected feature does.

use std::sync::Arc;

use eframe::egui::Ui;

use super::lit::{self, Lit};
use super::{Subject, levels as levels_pane, one};
use crate::base::{Lang, numbers, tr};
use crate::explain::brushed::Brushed;
use crate::explain::crowd::{self, Order};
use crate::explain::summary::{DependenceBin, Importance};
use crate::explain::trust::Twins;
use crate::explain::words;
use crate::report::svg;
use crate::session::state::Why;
use crate::ui::widgets::matrix::{self, Matrix};
use crate::ui::widgets::paths::{self, Paths};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{bars, basic, beeswarm, dependence, figure};
use crate::ui::{Cx, Values};

/// Marked rows that are drawn one by one.
const MARKED: usize = 500;
/// Pictures that are made once per answer.
#[derive(Default)]
pub struct Pictures {
    order: Order,
    cache: matrix::Cache,
    /// Levels of the selected feature.
    levels: levels_pane::Kept,
    made: Option<(Arc<Why>, Order, Option<String>, Matrix, Vec<usize>, Paths, crate::base::Lang)>,
    /// Where the brushed rows stand in the crowd, for those that it was looked up for.
    marked: (Vec<usize>, Vec<usize>),
}

/// Every row as a thin column of its features' pushes, and rows as paths from the base to their output.
fn rows_of(ui: &mut Ui, cx: &mut Cx<'_>, why: &Arc<Why>, unit: Unit, twins: &mut figure::Twins, pictures: &mut Pictures, lit: &Lit) {
    let (a, lang) = (&why.attribution, cx.lang());
    if a.rows.len() < 2 {
        return;
    }
    let selected = cx.session.selection.feature.clone();
    let by = if pictures.order == Order::Value { selected.clone() } else { None };
    let same = pictures.made.as_ref().is_some_and(|(w, o, f, .., l)| Arc::ptr_eq(w, why) && *o == pictures.order && *f == by && *l == lang);
    if !same {
        let (m, rows) = crowd::crowd(a, &why.summary, pictures.order, by.as_deref());
        let features: Vec<usize> = why.summary.importance.iter().map(|i| i.feature).collect();
        let paths = Paths::of(a, &features).calling(tr(lang, "why.other_features"));
        pictures.cache = matrix::Cache::default();
        pictures.made = Some((why.clone(), pictures.order, by, m, rows, paths, lang));
        pictures.marked = <(Vec<usize>, Vec<usize>)>::default();
    }
    if pictures.marked.0 != lit.brushed()
        && let Some((.., rows, _, _)) = &pictures.made
    {
        let is = |i: &usize| lit.brushed().contains(i);
        let at = rows.iter().enumerate().filter(|(_, i)| is(i)).map(|(x, _)| x).collect();
        pictures.marked = (lit.brushed().to_vec(), at);
    }
    let Some((_, _, _, m, rows, paths, _)) = &pictures.made else { return };
    let key = Arc::as_ptr(why) as *const () as u64;
    let named = |l: usize, x: usize| (a.rows[rows[x]], m.lines[l].clone(), m.values[l * m.across + x]);
    let every = || figure::Table {
        header: std::iter::once(tr(lang, "why.row").to_owned()).chain(m.lines.iter().cloned()).collect(),
        rows: (0..m.across)
            .map(|x| {
                let row = numbers::count(i64::from(a.rows[rows[x]]) + 1);
                std::iter::once(row).chain((0..m.lines.len()).map(|l| unit.effect(m.values[l * m.across + x]))).collect()
            })
            .collect(),
    };
    let exact = || figure::Table {
        header: std::iter::once("row".to_owned()).chain(m.lines.iter().cloned()).collect(),
        rows: (0..m.across)
            .map(|x| {
                let values = (0..m.lines.len()).map(|l| m.values[l * m.across + x].to_string());
                std::iter::once(a.rows[rows[x]].to_string()).chain(values).collect()
            })
            .collect(),
    };
    let source = figure::Source {
        table: Box::new(every),
        csv: Some(Box::new(exact)),
        svg: Some(Box::new(|| svg::matrix(tr(lang, "why.crowd"), &m.lines, m.across, &m.values, m.most))),
    };
    let mut order = pictures.order;
    let one = cx.hovered.row.or(cx.session.selection.row);
    let marked = matrix::Marked {
        many: pictures.marked.1.clone(),
        one: one.and_then(|row| rows.iter().position(|i| a.rows[*i] == row)),
        cells: Vec::new(),
    };
    let cache = &mut pictures.cache;
    let doubt = no_fact(cx, why);
    let touch = figure::ui(ui, cx, twins, "why.crowd", cx.t("why.crowd_caption"), &source, |ui, cx| {
        ui.horizontal_wrapped(|ui| {
            for (o, k) in [(Order::Output, "why.crowd_output"), (Order::Value, "why.crowd_value"), (Order::Alike, "why.crowd_alike")] {
                if ui.selectable_label(order == o, cx.t(k)).clicked() {
                    order = o;
                }
            }
        });
        let title = cx.tw("why.crowd_said", &[("n", &numbers::count(m.across as i64)), ("features", &m.lines.len())]);
        let tip = |(l, x)| {
            let (row, feature, value) = named(l, x);
            vec![cx.tw("why.row_n", &[("row", &numbers::count(i64::from(row) + 1))]), format!("{feature}: {}", unit.effect(value))]
        };
        let touch = figure::as_fact(ui, doubt.as_deref(), |ui| matrix::ui(ui, m, cache, key, &title, None, &marked, tip));
        matrix::legend(ui, &unit.effect(-m.most), &unit.effect(m.most));
        touch
    });
    drop(source);
    if let Some(touch) = touch {
        if let Some((l, x)) = touch.hovered {
            cx.hover.row = Some(a.rows[rows[x]]);
            cx.hover.feature = why.summary.importance.get(l).map(|i| i.feature);
        }
        if let Some((from, to)) = touch.many {
            let mut chosen: Vec<u32> = rows[from..=to].iter().map(|i| a.rows[*i]).collect();
            chosen.sort_unstable();
            lit::brush(cx, chosen, None);
        }
        if let Some((l, x)) = touch.clicked {
            choose(cx, why, why.summary.importance.get(l).map(|i| i.feature), Some(a.rows[rows[x]]));
        }
    }
    let source = figure::Source {
        table: Box::new(|| figure::Table {
            header: [tr(lang, "why.row").to_owned(), tr(lang, "why.base").to_owned()]
                .into_iter()
                .chain(paths.steps.iter().cloned())
                .collect(),
            rows: paths
                .lines
                .iter()
                .map(|(row, line)| {
                    std::iter::once(numbers::count(i64::from(*row) + 1)).chain(line.iter().map(|v| unit.level(*v))).collect()
                })
                .collect(),
        }),
        csv: None,
        svg: Some(Box::new(|| svg::paths(tr(lang, "why.paths"), paths, |v| unit.level(v)))),
    };
    let touch = figure::ui(ui, cx, twins, "why.paths", cx.t("why.paths_caption"), &source, |ui, cx| {
        paths::ui(ui, paths, unit, lang, lit.marks(cx.session, cx.hovered.row))
    });
    drop(source);
    if let Some(touch) = touch {
        cx.hover.row = touch.hovered.or(cx.hover.row);
        if touch.clicked.is_some() {
            cx.select(|s| s.row = touch.clicked);
        }
        if let Some(rows) = touch.many {
            lit::brush(cx, rows, None);
        }
    }
    pictures.order = order;
}

/// Draws the summary of an answer.
pub fn ui(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    subject: &Subject<'_>,
    why: &Arc<Why>,
    twins: &mut figure::Twins,
    (pictures, lit, together): (&mut Pictures, &Lit, &[Twins]),
) {
    let all = &why.summary.importance;
    let (unit, lang) = (subject.unit, cx.lang());
    let features = subject.model.card().features();
    basic::section(ui, cx.t("why.overall"));
    if all.is_empty() || why.summary.rows == 0 {
        basic::caption(ui, cx.t("why.nobody"));
        return;
    }
    ui.label(words::overview(&why.summary, &why.attribution, lang));
    let brushed = lit.beside();
    if let Some(b) = brushed {
        ui.add(eframe::egui::Label::new(words::brushed(b, lang)).wrap());
    }
    let caption = one::basis(cx, &why.attribution);
    let selected = cx.session.selection.feature.clone();

    let source = figure::Source {
        table: Box::new(|| importance_table(why, (brushed, together), unit, lang)),
        csv: Some(Box::new(|| importance_csv(why, brushed))),
        svg: Some(Box::new(|| importance_svg(why, brushed, unit, lang))),
    };
    let importance_caption = format!("{caption} {}", cx.t("why.importance_caption"));
    let doubt = no_fact(cx, why);
    let touch = figure::ui(ui, cx, twins, "why.importance", &importance_caption, &source, |ui, cx| {
        figure::as_fact(ui, doubt.as_deref(), |ui| {
            bars::ui(ui, all, (brushed, together), unit, lang, cx.hovered.feature, selected.as_deref())
        })
    });
    drop(source);
    if let Some(touch) = touch {
        if touch.hovered.is_some() {
            cx.hover.feature = touch.hovered;
        }
        choose(cx, why, touch.clicked, None);
    }

    let source = figure::Source {
        table: Box::new(|| dots_table(why, unit, lang)),
        csv: Some(Box::new(|| dots_csv(why))),
        svg: Some(Box::new(|| dots_svg(why, unit, lang))),
    };
    let touch = figure::ui(ui, cx, twins, "why.beeswarm", cx.t("why.beeswarm_caption"), &source, |ui, cx| {
        let marks = lit.marks(cx.session, cx.hovered.row);
        let touch = figure::as_fact(ui, doubt.as_deref(), |ui| beeswarm::ui(ui, all, unit, lang, marks));
        beeswarm::legend(ui, lang);
        touch
    });
    drop(source);
    if let Some(touch) = touch {
        if let Some((feature, row)) = touch.hovered {
            (cx.hover.feature, cx.hover.row) = (Some(feature), Some(row));
        }
        let (feature, row) = touch.clicked.unzip();
        choose(cx, why, feature, row);
        if let Some(rows) = touch.many {
            lit::brush(cx, rows, None);
        }
    }

    rows_of(ui, cx, why, unit, twins, pictures, lit);

    // Without a selection, the most important feature is the one to look at.
    let chosen = selected.as_deref().and_then(|n| all.iter().find(|i| i.name == n));
    // A member of a group is looked at inside the group.
    let member = selected.as_ref().is_some_and(|n| features.iter().any(|f| f.name == *n));
    if chosen.is_none() && member && !why.attribution.members.is_empty() {
        return;
    }
    let of = chosen.unwrap_or(&all[0]);
    if pictures.levels.look_up(why, subject, of.feature, lit) {
        levels_pane::ui(ui, cx, subject, &pictures.levels, twins, lit);
    } else if why.attribution.group(of.feature).is_empty() {
        along(ui, cx, subject, (why, of), twins, lit);
    }
    for notice in &why.attribution.warnings {
        basic::warning(ui, &notice.say(lang));
    }
}

/// What each value of a number does.
pub fn along(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, (why, of): (&Why, &Importance), twins: &mut figure::Twins, lit: &Lit) {
    let (unit, lang) = (subject.unit, cx.lang());
    let source = figure::Source {
        table: Box::new(|| figure::Table {
            header: ["why.value", "why.rows_column", "why.mean_column", "why.low_column", "why.high_column"]
                .map(|k| tr(lang, k).to_owned())
                .to_vec(),
            rows: of
                .dependence
                .iter()
                .map(|b| vec![b.label.clone(), numbers::count(b.rows as i64), unit.effect(b.mean), unit.effect(b.low), unit.effect(b.high)])
                .collect(),
        }),
        csv: Some(Box::new(|| figure::Table {
            header: ["value", "rows", "mean", "p10", "p90"].map(str::to_owned).to_vec(),
            rows: of
                .dependence
                .iter()
                .map(|b| vec![b.label.clone(), b.rows.to_string(), b.mean.to_string(), b.low.to_string(), b.high.to_string()])
                .collect(),
        })),
        svg: Some(Box::new(|| dependence_svg(of, unit, lang))),
    };
    let caption = cx.tw("why.dependence_caption", &[("feature", &of.name)]);
    let a = &why.attribution;
    let bin_of = |i: &usize| Some((of.dependence.iter().position(|b| b.holds(a.input(*i)[of.feature]))?, a.row(*i)[of.feature]));
    let marked: Vec<(usize, f64)> = lit.brushed().iter().take(MARKED).filter_map(bin_of).collect();
    let touch = figure::ui(ui, cx, twins, "why.dependence", &caption, &source, |ui, _| dependence::ui(ui, of, false, unit, lang, &marked));
    drop(source);
    if let Some(touch) = touch {
        if let Some(bin) = touch.hovered.filter(|_| lit.is_of(why)).and_then(|i| of.dependence.get(i)) {
            cx.hover.values =
                Some(Values { feature: of.feature, low: bin.from, high: bin.to }).filter(|v| bin.x.is_nan() || v.low <= v.high);
        }
        if let Some((from, to)) = touch.many {
            let bins = &of.dependence[from..=to];
            let rows = lit::rows_with(why, of.feature, |v| bins.iter().any(|b| b.holds(v)));
            let stretches: Vec<(f64, f64)> = bins.iter().map(|b| (b.from, b.to)).collect();
            let condition = lit::condition(cx.session, &**subject.model, &of.name, &stretches);
            lit::brush(cx, rows, condition);
        }
    }
}

fn choose(cx: &mut Cx<'_>, why: &Why, feature: Option<usize>, row: Option<u32>) {
    if feature.is_none() && row.is_none() {
        return;
    }
    let name = feature.and_then(|f| why.attribution.features.get(f).cloned());
    cx.select(|s| {
        if name.is_some() {
            s.feature = name;
        }
        if row.is_some() {
            s.row = row;
        }
    });
}

fn importance_table(why: &Why, (brushed, together): (Option<&Brushed>, &[Twins]), unit: Unit, lang: Lang) -> figure::Table {
    let bare = |x| unit.effect(x).trim_start_matches('+').to_owned();
    let header = [
        "why.feature",
        "why.mean_size_column",
        "why.low_column",
        "why.high_column",
        "why.mean_column",
        "why.tied_column",
        "why.twins_column",
    ];
    let beside = ["why.brushed_size_column", "why.brushed_mean_column"];
    let header = header.iter().chain(beside.iter().filter(|_| brushed.is_some()));
    figure::Table {
        header: header.map(|k| tr(lang, k).to_owned()).collect(),
        rows: why
            .summary
            .importance
            .iter()
            .enumerate()
            .map(|(at, i)| {
                let tied =
                    if bars::is_tied(&why.summary.importance, at) { why.summary.importance[at - 1].name.clone() } else { String::new() };
                let others = together.iter().filter_map(|t| [(t.a, t.b), (t.b, t.a)].into_iter().find(|p| p.0 == i.feature));
                let others: Vec<&str> = others.filter_map(|p| why.attribution.features.get(p.1).map(String::as_str)).collect();
                let figures = [bare(i.mean_abs), bare(i.interval.0), bare(i.interval.1), unit.effect(i.mean)];
                let cells = [i.name.clone()].into_iter().chain(figures).chain([tied, others.join(", ")]);
                let beside = brushed.and_then(|b| b.features.get(i.feature)).map(|b| [bare(b.size), unit.effect(b.mean)]);
                cells.chain(beside.into_iter().flatten()).collect()
            })
            .collect(),
    }
}

fn importance_csv(why: &Why, brushed: Option<&Brushed>) -> figure::Table {
    let header = ["feature", "mean_abs", "low", "high", "mean", "direction", "tied_with_previous"];
    let beside = ["selected_mean_abs", "selected_mean"];
    let header = header.iter().chain(beside.iter().filter(|_| brushed.is_some()));
    figure::Table {
        header: header.map(|h| (*h).to_owned()).collect(),
        rows: why
            .summary
            .importance
            .iter()
            .map(|i| {
                let direction = i.direction.map_or_else(String::new, |d| d.to_string());
                let cells = [
                    i.name.clone(),
                    i.mean_abs.to_string(),
                    i.interval.0.to_string(),
                    i.interval.1.to_string(),
                    i.mean.to_string(),
                    direction,
                    i.tied.to_string(),
                ];
                let beside = brushed.and_then(|b| b.features.get(i.feature)).map(|b| [b.size.to_string(), b.mean.to_string()]);
                cells.into_iter().chain(beside.into_iter().flatten()).collect()
            })
            .collect(),
    }
}

fn dots_table(why: &Why, unit: Unit, lang: Lang) -> figure::Table {
    let t = |key| tr(lang, key).to_owned();
    figure::Table {
        header: vec![t("why.feature"), t("why.row"), t("why.value"), t("why.effect_column")],
        rows: why
            .summary
            .importance
            .iter()
            .take(beeswarm::MOST)
            .flat_map(|i| {
                i.dots
                    .iter()
                    .map(|d| vec![i.name.clone(), numbers::count(i64::from(d.row) + 1), numbers::plain(d.input), unit.effect(d.value)])
            })
            .collect(),
    }
}

fn dots_csv(why: &Why) -> figure::Table {
    figure::Table {
        header: ["feature", "row", "value", "attribution"].map(str::to_owned).to_vec(),
        rows: why
            .summary
            .importance
            .iter()
            .flat_map(|i| i.dots.iter().map(|d| vec![i.name.clone(), d.row.to_string(), d.input.to_string(), d.value.to_string()]))
            .collect(),
    }
}

fn importance_svg(why: &Why, brushed: Option<&Brushed>, unit: Unit, lang: Lang) -> String {
    let rows: Vec<_> = why.summary.importance.iter().take(bars::MOST).map(|i| (i.name.clone(), i.mean_abs, Some(i.interval))).collect();
    let tied: Vec<bool> = (0..rows.len()).map(|i| bars::is_tied(&why.summary.importance, i)).collect();
    let shown = why.summary.importance.iter().take(bars::MOST);
    let diamonds: Vec<Option<f64>> = shown.map(|i| brushed.and_then(|b| b.features.get(i.feature)).map(|b| b.size)).collect();
    svg::bars_beside(tr(lang, "why.importance"), &rows, &tied, &diamonds, |x| unit.effect(x).trim_start_matches('+').to_owned())
}

fn dots_svg(why: &Why, unit: Unit, lang: Lang) -> String {
    let dots = |i: &Importance| i.dots.iter().map(|d| (d.value, d.rank, d.offset)).collect();
    let rows: Vec<_> = why.summary.importance.iter().take(beeswarm::MOST).map(|i| (i.name.clone(), dots(i))).collect();
    svg::beeswarm(tr(lang, "why.beeswarm"), &rows, |x| unit.effect(x))
}

/// A line with its band.
fn dependence_svg(of: &Importance, unit: Unit, lang: Lang) -> String {
    let title = format!("{}: {}", of.name, tr(lang, "why.dependence"));
    let line = |y: fn(&DependenceBin) -> f64| of.dependence.iter().map(|b| (b.x, y(b))).collect();
    let series: [(&str, Vec<(f64, f64)>); 3] = [
        (tr(lang, "why.mean_column"), line(|b| b.mean)),
        (tr(lang, "why.low_column"), line(|b| b.low)),
        (tr(lang, "why.high_column"), line(|b| b.high)),
    ];
    svg::lines(&title, &series, (&of.name, unit.effect_name(lang)), false)
}

/// What is said above pictures of many rows where too much of too many is left unexplained.
fn no_fact(cx: &Cx<'_>, why: &Why) -> Option<String> {
    let n = why.attribution.rows_unexplained()?;
    let rows = numbers::count(why.attribution.rows.len() as i64);
    Some(cx.tw("why.no_fact_rows", &[("n", &numbers::count(n as i64)), ("rows", &rows)]))
}
