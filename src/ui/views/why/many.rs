//! Many rows: what matters overall, how it spreads, and what each value of the selected feature does.

use std::sync::Arc;

use eframe::egui::Ui;

use super::{Subject, one};
use crate::base::{Lang, numbers, tr};
use crate::explain::summary::{DependenceBin, Importance};
use crate::explain::words;
use crate::report::svg;
use crate::session::state::Why;
use crate::ui::Cx;
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{bars, basic, beeswarm, dependence, figure};

/// Draws the summary of an answer.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Arc<Why>, twins: &mut figure::Twins) {
    let all = &why.summary.importance;
    let (unit, lang) = (subject.unit, cx.lang());
    let features = subject.model.card().features();
    basic::section(ui, cx.t("why.overall"));
    if all.is_empty() || why.summary.rows == 0 {
        basic::caption(ui, cx.t("why.nobody"));
        return;
    }
    ui.label(words::overview(&why.summary, &why.attribution, lang));
    let caption = one::basis(cx, &why.attribution);
    let selected = cx.session.selection.feature.clone();

    let source = figure::Source {
        table: Box::new(|| importance_table(why, unit, lang)),
        csv: Some(Box::new(|| importance_csv(why))),
        svg: Some(Box::new(|| importance_svg(why, unit, lang))),
    };
    let importance_caption = format!("{caption} {}", cx.t("why.importance_caption"));
    let touch = figure::ui(ui, cx, twins, "why.importance", &importance_caption, &source, |ui, cx| {
        bars::ui(ui, all, unit, lang, cx.hovered.feature, selected.as_deref())
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
        let selection = &cx.session.selection;
        let marks = beeswarm::Marks { row: selection.row, rows: &selection.rows, hovered: cx.hovered.row };
        let touch = beeswarm::ui(ui, all, unit, lang, marks);
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
            cx.select(|s| s.rows = rows);
        }
    }

    // Without a selection, the most important feature is the one to look at.
    let of = selected.as_deref().and_then(|n| all.iter().find(|i| i.name == n)).unwrap_or(&all[0]);
    let levels = features.get(of.feature).is_some_and(crate::data::Feature::is_categorical);
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
        svg: Some(Box::new(|| dependence_svg(of, levels, unit, lang))),
    };
    let caption = cx.tw("why.dependence_caption", &[("feature", &of.name)]);
    figure::ui(ui, cx, twins, "why.dependence", &caption, &source, |ui, _| dependence::ui(ui, of, levels, unit, lang));
    for notice in &why.attribution.warnings {
        basic::warning(ui, &notice.say(lang));
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

fn importance_table(why: &Why, unit: Unit, lang: Lang) -> figure::Table {
    let t = |key| tr(lang, key).to_owned();
    let bare = |x| unit.effect(x).trim_start_matches('+').to_owned();
    figure::Table {
        header: vec![t("why.feature"), t("why.mean_size_column"), t("why.low_column"), t("why.high_column"), t("why.mean_column")],
        rows: why
            .summary
            .importance
            .iter()
            .map(|i| vec![i.name.clone(), bare(i.mean_abs), bare(i.interval.0), bare(i.interval.1), unit.effect(i.mean)])
            .collect(),
    }
}

fn importance_csv(why: &Why) -> figure::Table {
    figure::Table {
        header: ["feature", "mean_abs", "low", "high", "mean", "direction"].map(str::to_owned).to_vec(),
        rows: why
            .summary
            .importance
            .iter()
            .map(|i| {
                let direction = i.direction.map_or_else(String::new, |d| d.to_string());
                vec![
                    i.name.clone(),
                    i.mean_abs.to_string(),
                    i.interval.0.to_string(),
                    i.interval.1.to_string(),
                    i.mean.to_string(),
                    direction,
                ]
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

fn importance_svg(why: &Why, unit: Unit, lang: Lang) -> String {
    let rows: Vec<_> = why.summary.importance.iter().take(bars::MOST).map(|i| (i.name.clone(), i.mean_abs, Some(i.interval))).collect();
    svg::bars(tr(lang, "why.importance"), &rows, |x| unit.effect(x).trim_start_matches('+').to_owned())
}

fn dots_svg(why: &Why, unit: Unit, lang: Lang) -> String {
    let dots = |i: &Importance| i.dots.iter().map(|d| (d.value, d.rank, d.offset)).collect();
    let rows: Vec<_> = why.summary.importance.iter().take(beeswarm::MOST).map(|i| (i.name.clone(), dots(i))).collect();
    svg::beeswarm(tr(lang, "why.beeswarm"), &rows, |x| unit.effect(x))
}

/// Levels as bars, numbers as a line with its band.
fn dependence_svg(of: &Importance, levels: bool, unit: Unit, lang: Lang) -> String {
    let title = format!("{}: {}", of.name, tr(lang, "why.dependence"));
    if levels {
        let rows: Vec<_> = of.dependence.iter().map(|b| (b.label.clone(), b.mean, Some((b.low, b.high)))).collect();
        return svg::bars(&title, &rows, |x| unit.effect(x));
    }
    let line = |y: fn(&DependenceBin) -> f64| of.dependence.iter().map(|b| (b.x, y(b))).collect();
    let series: [(&str, Vec<(f64, f64)>); 3] = [
        (tr(lang, "why.mean_column"), line(|b| b.mean)),
        (tr(lang, "why.low_column"), line(|b| b.low)),
        (tr(lang, "why.high_column"), line(|b| b.high)),
    ];
    svg::lines(&title, &series, (&of.name, unit.effect_name(lang)), false)
}
