//! What each level of a category does: bars with intervals, rows and shares; levels of few rows are pale. A click explains
//! only the rows of a level, another click all rows again; with Shift it brushes them. Brushed rows stand as diamonds.

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::lit::{self, Lit};
use super::{Subject, one};
use crate::base::{Lang, numbers, tr};
use crate::explain::levels::{self, Kind, Level, Levels};
use crate::explain::{brushed, words};
use crate::session::state::{Command, Why};
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure, ink};
use crate::ui::{Cx, Values, theme};

/// Bars that are shown; the table twin has all levels.
const MOST: usize = 24;

/// Levels of a feature, and those of the brushed rows; each is looked up when what it is made of changes.
#[derive(Default)]
pub struct Kept {
    of: Option<(Arc<Why>, usize, Option<Levels>)>,
    brushed: Option<(Vec<usize>, Option<Levels>)>,
}

impl Kept {
    /// Looks them up; whether the feature has levels at all.
    pub fn look_up(&mut self, why: &Arc<Why>, subject: &Subject<'_>, at: usize, lit: &Lit) -> bool {
        let (a, features) = (&why.attribution, subject.model.card().features());
        if !self.of.as_ref().is_some_and(|(w, f, _)| Arc::ptr_eq(w, why) && *f == at) {
            *self = Self { of: Some((why.clone(), at, levels::levels(a, &why.matrix, features, at))), brushed: None };
        }
        let has = matches!(self.of, Some((_, _, Some(_))));
        if has && self.brushed.as_ref().is_none_or(|(rows, _)| rows != lit.brushed()) {
            let inside = lit.brushed().iter().all(|i| *i < a.rows.len());
            let found = if inside { brushed::levels_of(a, &why.matrix, features, at, lit.brushed()) } else { None };
            self.brushed = Some((lit.brushed().to_vec(), found));
        }
        has
    }
}

/// Draws the levels.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, kept: &Kept, twins: &mut figure::Twins, lit: &Lit) {
    let Some((why, at, Some(levels))) = &kept.of else { return };
    let some = kept.brushed.as_ref().and_then(|(_, l)| l.as_ref());
    let (unit, lang) = (subject.unit, cx.lang());
    let bars: Vec<Bar> = levels.levels.iter().take(MOST).map(|l| bar(l, some, unit, lang)).collect();
    let segment = cx.session.selection.segment.clone();
    let selected = segment.as_deref().and_then(|s| levels.levels.iter().position(|l| l.condition.as_deref().is_some_and(|c| has(s, c))));
    let source = figure::Source {
        table: Box::new(|| table(levels, some, unit, lang)),
        csv: Some(Box::new(|| csv(levels, some, lang))),
        svg: Some(Box::new(|| {
            let rows: Vec<_> = levels.levels.iter().take(MOST).map(|l| (named(l, lang), l.bin.mean, l.bin.interval)).collect();
            let title = format!("{}: {}", levels.feature, tr(lang, "why.dependence"));
            let diamonds: Vec<Option<f64>> = bars.iter().map(|b| b.brushed).collect();
            crate::report::svg::bars_beside(&title, &rows, &[], &diamonds, |v| unit.effect(v))
        })),
    };
    let said = words::levels(levels, lang);
    ui.add_space(theme::SPACE);
    ui.add(egui::Label::new(&said).wrap());
    if let Some(some) = some {
        ui.add(egui::Label::new(words::brushed_levels(some, levels, lang)).wrap());
    }
    let caption = format!("{} {}", one::basis(cx, &why.attribution), cx.t("why.levels_caption"));
    let touch = figure::ui(ui, cx, twins, "why.levels_title", &caption, &source, |ui, cx| {
        let touch = signed_bars::touch(ui, &bars, &said, selected);
        if let Some(some) = some {
            ink::diamond_key(ui, &cx.tw("why.brushed_key", &[("n", &numbers::count(some.rows as i64))]));
        }
        touch
    });
    drop(source);
    let touch = touch.unwrap_or_default();
    let of = |i: Option<usize>| i.and_then(|i| levels.levels.get(i));
    if let Some(level) = of(touch.hovered).filter(|_| lit.is_of(why) && why.attribution.group(*at).is_empty()) {
        cx.hover.values = Some(Values { feature: *at, low: level.bin.from, high: level.bin.to });
    }
    match of(touch.clicked) {
        Some(level) if touch.shift => {
            let rows = levels::rows(&why.attribution, &why.matrix, subject.model.card().features(), *at, level);
            lit::brush(cx, rows, level.condition.clone());
        }
        Some(Level { condition: Some(condition), .. }) => cx.select(|s| s.segment = toggled(s.segment.as_deref(), condition)),
        _ => {}
    }
    if levels.levels.len() > MOST {
        basic::caption(ui, &cx.tw("why.levels_more", &[("n", &(levels.levels.len() - MOST))]));
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

fn bar(l: &Level, some: Option<&Levels>, unit: Unit, lang: Lang) -> Bar {
    let words: [(&str, &dyn std::fmt::Display); 2] = [("rows", &numbers::count(l.bin.rows as i64)), ("share", &numbers::percent(l.share))];
    let mut help = l.bin.interval.map_or_else(String::new, |(low, high)| {
        crate::base::tr_with(lang, "why.interval", &[("low", &unit.effect(low)), ("high", &unit.effect(high))])
    });
    if l.few {
        help = format!("{help}\n{}", tr(lang, "why.few_rows_help")).trim().to_owned();
    }
    let like = some.and_then(|s| s.like(l));
    if let Some(b) = like {
        let fields: [(&str, &dyn std::fmt::Display); 3] =
            [("rows", &numbers::count(b.bin.rows as i64)), ("share", &numbers::percent(b.share)), ("mean", &unit.effect(b.bin.mean))];
        help = format!("{help}\n{}", crate::base::tr_with(lang, "why.brushed_level_help", &fields)).trim().to_owned();
    }
    Bar {
        name: named(l, lang),
        amount: l.bin.mean,
        shown: unit.effect(l.bin.mean),
        help,
        interval: l.bin.interval,
        beside: crate::base::tr_with(lang, if l.few { "why.level_beside_few" } else { "why.level_beside" }, &words),
        faint: l.few,
        brushed: like.map(|b| b.bin.mean),
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

fn table(levels: &Levels, some: Option<&Levels>, unit: Unit, lang: Lang) -> figure::Table {
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
    let brushed = ["why.brushed_rows_column", "why.brushed_share_column", "why.brushed_mean_column"];
    let rows = levels.levels.iter().map(|l| {
        let ends = l.bin.interval.map_or_else(Default::default, |(low, high)| (unit.effect(low), unit.effect(high)));
        let few = if l.few { t("why.few_rows") } else { String::new() };
        let cells =
            [named(l, lang), numbers::count(l.bin.rows as i64), numbers::percent(l.share), unit.effect(l.bin.mean), ends.0, ends.1, few];
        let of = |some: &Levels| match some.like(l) {
            Some(b) => [numbers::count(b.bin.rows as i64), numbers::percent(b.share), unit.effect(b.bin.mean)],
            None => [numbers::count(0), numbers::percent(0.0), "–".to_owned()],
        };
        cells.into_iter().chain(some.into_iter().flat_map(of)).collect()
    });
    let header = header.iter().chain(brushed.iter().filter(|_| some.is_some()));
    figure::Table { header: header.map(|k| t(k)).collect(), rows: rows.collect() }
}

fn csv(levels: &Levels, some: Option<&Levels>, lang: Lang) -> figure::Table {
    let header = ["level", "rows", "share", "mean", "low", "high", "few", "condition"];
    let brushed = ["selected_rows", "selected_share", "selected_mean"];
    let header = header.iter().chain(brushed.iter().filter(|_| some.is_some())).map(|h| (*h).to_owned()).collect();
    let rows = levels.levels.iter().map(|l| {
        let end = |of: fn((f64, f64)) -> f64| l.bin.interval.map_or_else(String::new, |i| of(i).to_string());
        let of = |some: &Levels| match some.like(l) {
            Some(b) => [b.bin.rows.to_string(), b.share.to_string(), b.bin.mean.to_string()],
            None => ["0".to_owned(), "0".to_owned(), String::new()],
        };
        let cells = [
            named(l, lang),
            l.bin.rows.to_string(),
            l.share.to_string(),
            l.bin.mean.to_string(),
            end(|i| i.0),
            end(|i| i.1),
            l.few.to_string(),
            l.condition.clone().unwrap_or_default(),
        ];
        cells.into_iter().chain(some.into_iter().flat_map(of)).collect()
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
