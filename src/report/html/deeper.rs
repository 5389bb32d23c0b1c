//! The part of the page that a recipe asks for besides: what is in groups of features, levels, differences.

use std::fmt::Write as _;

use super::{Page, SHOWN};
use crate::base::{numbers, tr_with};
use crate::explain::contrast::{Contrast, Kind};
use crate::explain::inside::Inside;
use crate::explain::levels::{self, Levels};
use crate::ml::model::Scale;
use crate::report::content::{Report, WhySection};
use crate::report::svg::{self, escape};

impl Page {
    /// Groups, levels and differences, each with sentence, picture and method.
    pub(super) fn deeper(&self, r: &Report, w: &WhySection, method: &str) -> String {
        let chance = r.models.iter().any(|m| m.spec.name == w.model && m.outcomes.get(w.rows.outcome_index).is_some_and(|o| o.is_binary()));
        let show =
            move |scale: Scale| move |v: f64| if chance && scale == Scale::Probability { numbers::points(v) } else { numbers::signed(v) };
        let mut out = String::new();
        let said = |all: &[String], i: usize| escape(all.get(i).map_or("", String::as_str));
        for (i, inside) in w.inside.iter().enumerate() {
            let title = tr_with(self.lang, "why.inside", &[("group", &inside.group)]);
            let _ = write!(out, "<h3>{}</h3><p>{}</p>", escape(&title), said(&w.said.inside, i));
            out += &self.members(&title, inside, method, show(inside.scale));
        }
        for (i, levels) in w.levels.iter().enumerate() {
            let title = tr_with(self.lang, "why.levels_of", &[("feature", &levels.feature)]);
            let _ = write!(out, "<h3>{}</h3><p>{}</p>", escape(&title), said(&w.said.levels, i));
            out += &self.levels(&title, levels, method, show(levels.scale));
        }
        for (i, contrast) in w.contrasts.iter().enumerate() {
            let title = tr_with(self.lang, "why.contrast_title", &[("a", &contrast.a), ("b", &contrast.b)]);
            let _ = write!(out, "<h3>{}</h3><p>{}</p>", escape(&title), said(&w.said.contrasts, i));
            out += &self.contrast(&title, contrast, show(contrast.scale));
        }
        out
    }

    fn members(&self, title: &str, inside: &Inside, method: &str, effect: impl Fn(f64) -> String + Copy) -> String {
        let bare = move |v: f64| effect(v).trim_start_matches('+').to_owned();
        let whole = tr_with(self.lang, "why.inside_whole", &[("group", &inside.group)]);
        let mut rows = vec![(whole, inside.size, None)];
        rows.extend(inside.members.iter().map(|m| (m.name.clone(), m.size, None)));
        let n = tr_with(self.lang, "report.n_rows", &[("rows", &numbers::count(inside.rows as i64)), ("method", &method)]);
        self.figure(&svg::bars(title, &rows, bare), &format!("{} {n}", self.t("why.inside_sizes_caption")))
    }

    fn levels(&self, title: &str, of: &Levels, method: &str, effect: impl Fn(f64) -> String + Copy) -> String {
        let named = |l: &levels::Level| match l.kind {
            levels::Kind::Value => l.bin.label.clone(),
            levels::Kind::Missing => self.t("explain.level_missing").to_owned(),
            levels::Kind::NoneOf => self.t("explain.level_none").to_owned(),
            levels::Kind::Unseen => self.t("explain.level_unseen").to_owned(),
        };
        let bars: Vec<_> = of.levels.iter().take(30).map(|l| (named(l), l.bin.mean, l.bin.interval)).collect();
        let n = tr_with(self.lang, "report.n_rows", &[("rows", &numbers::count(of.rows as i64)), ("method", &method)]);
        let mut out = self.figure(&svg::bars(title, &bars, effect), &format!("{} {n}", self.t("report.levels_caption")));
        let rows: Vec<Vec<String>> = of
            .levels
            .iter()
            .map(|l| {
                let band = l.bin.interval.map_or_else(|| "–".to_owned(), |(a, b)| format!("{} … {}", effect(a), effect(b)));
                let few = if l.few { self.t("why.few_rows") } else { "" };
                vec![named(l), numbers::count(l.bin.rows as i64), numbers::percent(l.share), effect(l.bin.mean), band, few.to_owned()]
            })
            .collect();
        let head = ["why.level_column", "why.rows_column", "why.share_column", "why.mean_column", "why.interval_column", "why.few_column"];
        out += &self.table(&head, &[1, 2, 3, 4], &rows);
        out
    }

    fn contrast(&self, title: &str, c: &Contrast, effect: impl Fn(f64) -> String + Copy) -> String {
        let mut order: Vec<usize> = (0..c.values.len()).filter(|&f| c.values[f] != 0.0).collect();
        order.sort_by(|a, b| c.values[*b].abs().total_cmp(&c.values[*a].abs()).then(a.cmp(b)));
        let name = |f: usize| match (&c.from[f], &c.to[f]) {
            (Some(from), Some(to)) if from != to => format!("{}: {to} / {from}", c.features[f]),
            _ => c.features[f].clone(),
        };
        let band = |f: usize| c.half_width.get(f).filter(|h| **h > 0.0).map(|h| (c.values[f] - h, c.values[f] + h));
        let mut bars: Vec<_> = order.iter().take(SHOWN).map(|&f| (name(f), c.values[f], band(f))).collect();
        if order.len() > SHOWN {
            let rest: f64 = order[SHOWN..].iter().map(|&f| c.values[f]).sum();
            bars.push((tr_with(self.lang, "report.others", &[("count", &(order.len() - SHOWN))]), rest, None));
        }
        if let Some(bases) = c.bases {
            bars.push((self.t("why.contrast_bases").to_owned(), bases, None));
        }
        let left = c.gap - c.bases.unwrap_or(0.0);
        // Dust of the arithmetic is nothing.
        let shown = if left.abs() < 1e-9 { "0".to_owned() } else { effect(left) };
        let said = [("gap", &effect(c.value - c.base) as &dyn std::fmt::Display), ("left", &shown)];
        let mut caption = tr_with(self.lang, "why.contrast_sums", &said);
        if let Some((a, b)) = c.rows {
            let (a, b) = (numbers::count(a as i64), numbers::count(b as i64));
            let key = if c.kind == Kind::Models { "why.contrast_rows_both" } else { "why.contrast_rows" };
            caption = format!("{caption} {}", tr_with(self.lang, key, &[("a", &a), ("b", &b)]));
        }
        let method = self.t(&format!("why.method_{}", c.method.name().replace('-', "_")));
        let scale = if c.scale == Scale::Margin { format!(" · {}", self.t("why.unit_log_odds")) } else { String::new() };
        self.figure(&svg::bars(title, &bars, effect), &format!("{caption} {method}{scale} · {}", self.t("why.grade_c")))
    }
}
