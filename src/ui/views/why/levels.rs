//! What each level of a category does: bars with intervals, rows and shares; levels of few rows are pale. A click explains
//! only the rows of a level, another click all rows again.

use eframe::egui::{self, Ui};

use super::{Subject, one};
use crate::base::{Lang, numbers, tr};
use crate::explain::levels::{Kind, Level, Levels};
use crate::explain::words;
use crate::session::state::{Command, Why};
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};
use crate::ui::{Cx, theme};

/// Bars that are shown; the table twin has all levels.
const MOST: usize = 24;

/// Draws the levels.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Why, levels: &Levels, twins: &mut figure::Twins) {
    let (unit, lang) = (subject.unit, cx.lang());
    let bars: Vec<Bar> = levels.levels.iter().take(MOST).map(|l| bar(l, unit, lang)).collect();
    let segment = cx.session.selection.segment.clone();
    let selected = segment.as_deref().and_then(|s| levels.levels.iter().position(|l| l.condition.as_deref().is_some_and(|c| has(s, c))));
    let source = figure::Source {
        table: Box::new(|| table(levels, unit, lang)),
        csv: Some(Box::new(|| csv(levels, lang))),
        svg: Some(Box::new(|| {
            let rows: Vec<_> = levels.levels.iter().take(MOST).map(|l| (named(l, lang), l.bin.mean, l.bin.interval)).collect();
            let title = format!("{}: {}", levels.feature, tr(lang, "why.dependence"));
            crate::report::svg::bars(&title, &rows, |v| unit.effect(v))
        })),
    };
    let said = words::levels(levels, lang);
    ui.add_space(theme::SPACE);
    ui.add(egui::Label::new(&said).wrap());
    let caption = format!("{} {}", one::basis(cx, &why.attribution), cx.t("why.levels_caption"));
    let clicked = figure::ui(ui, cx, twins, "why.levels_title", &caption, &source, |ui, _| signed_bars::pick(ui, &bars, &said, selected));
    drop(source);
    if levels.levels.len() > MOST {
        basic::caption(ui, &cx.tw("why.levels_more", &[("n", &(levels.levels.len() - MOST))]));
    }
    if let Some(Some(condition)) = clicked.flatten().map(|i| levels.levels[i].condition.clone()) {
        cx.select(|s| s.segment = toggled(s.segment.as_deref(), &condition));
    }
    let in_report = cx.session.recipe.as_ref().is_some_and(|r| r.explain.levels.contains(&levels.feature));
    let key = if in_report { "why.in_report" } else { "why.levels_to_report" };
    if ui.selectable_label(in_report, cx.t(key)).on_hover_text(cx.t("why.levels_to_report_help")).clicked()
        && let Some(recipe) = &cx.session.recipe
    {
        let mut explain = recipe.explain.clone();
        explain.levels.retain(|l| *l != levels.feature);
        if !in_report {
            explain.levels.push(levels.feature.clone());
        }
        cx.command(Command::SetExplain(explain));
    }
}

fn bar(l: &Level, unit: Unit, lang: Lang) -> Bar {
    let words: [(&str, &dyn std::fmt::Display); 2] = [("rows", &numbers::count(l.bin.rows as i64)), ("share", &numbers::percent(l.share))];
    let mut help = l.bin.interval.map_or_else(String::new, |(low, high)| {
        crate::base::tr_with(lang, "why.interval", &[("low", &unit.effect(low)), ("high", &unit.effect(high))])
    });
    if l.few {
        help = format!("{help}\n{}", tr(lang, "why.few_rows_help")).trim().to_owned();
    }
    Bar {
        name: named(l, lang),
        amount: l.bin.mean,
        shown: unit.effect(l.bin.mean),
        help,
        interval: l.bin.interval,
        beside: crate::base::tr_with(lang, if l.few { "why.level_beside_few" } else { "why.level_beside" }, &words),
        faint: l.few,
    }
}

/// A level's name in words.
fn named(l: &Level, lang: Lang) -> String {
    match l.kind {
        Kind::Value => l.bin.label.clone(),
        Kind::Missing => tr(lang, "explain.level_missing").to_owned(),
        Kind::NoneOf => tr(lang, "explain.level_none").to_owned(),
        Kind::Unseen => tr(lang, "explain.level_unseen").to_owned(),
    }
}

/// Whether a segment asks for a level already, alone or as the last of what it asks.
fn has(segment: &str, condition: &str) -> bool {
    segment == condition || segment.ends_with(&format!(") and {condition}"))
}

/// The segment with a level's condition put in, or taken out where it is in already.
fn toggled(segment: Option<&str>, condition: &str) -> Option<String> {
    match segment {
        None => Some(condition.to_owned()),
        Some(s) if s == condition => None,
        Some(s) => match s.strip_suffix(&format!(") and {condition}")).and_then(|s| s.strip_prefix('(')) {
            Some(before) => Some(before.to_owned()),
            None => Some(format!("({s}) and {condition}")),
        },
    }
}

fn table(levels: &Levels, unit: Unit, lang: Lang) -> figure::Table {
    let t = |k| tr(lang, k).to_owned();
    let header = [
        "why.level_column",
        "why.rows_column",
        "why.share_column",
        "why.mean_column",
        "why.low_column",
        "why.high_column",
        "why.few_column",
    ];
    let rows = levels.levels.iter().map(|l| {
        let ends = l.bin.interval.map_or_else(Default::default, |(low, high)| (unit.effect(low), unit.effect(high)));
        let few = if l.few { t("why.few_rows") } else { String::new() };
        vec![named(l, lang), numbers::count(l.bin.rows as i64), numbers::percent(l.share), unit.effect(l.bin.mean), ends.0, ends.1, few]
    });
    figure::Table { header: header.map(t).to_vec(), rows: rows.collect() }
}

fn csv(levels: &Levels, lang: Lang) -> figure::Table {
    let header = ["level", "rows", "share", "mean", "low", "high", "few", "condition"].map(str::to_owned).to_vec();
    let rows = levels.levels.iter().map(|l| {
        let end = |of: fn((f64, f64)) -> f64| l.bin.interval.map_or_else(String::new, |i| of(i).to_string());
        vec![
            named(l, lang),
            l.bin.rows.to_string(),
            l.share.to_string(),
            l.bin.mean.to_string(),
            end(|i| i.0),
            end(|i| i.1),
            l.few.to_string(),
            l.condition.clone().unwrap_or_default(),
        ]
    });
    figure::Table { header, rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_goes_into_a_segment_and_out_again() {
        let level = "Month = 'Nov'";
        for before in [None, Some("Weekend = true"), Some("a = 1 or b = 2")] {
            let with = toggled(before, level).unwrap();
            assert!(has(&with, level) && crate::data::Segment::parse(&with).is_ok(), "{with}");
            assert_eq!(toggled(Some(&with), level).as_deref(), before);
        }
        assert!(!has("Month = 'Nov' and Weekend = true", level));
    }
}
