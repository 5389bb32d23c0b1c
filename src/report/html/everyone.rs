//! Every row added up, in the report: a figure with its method, and what it says in one sentence.

use super::super::content::WhySection;
use super::super::svg::{self, escape};
use super::Page;
use crate::base::{numbers, tr_with};
use crate::ml::model::Scale;

impl Page {
    /// Every row added up: a figure, and its reading in one sentence.
    pub(super) fn everyone(&self, w: &WhySection, binary: bool) -> String {
        let Some(e) = &w.everyone else { return String::new() };
        let chance = binary && e.scale == Scale::Probability;
        let effect = |v: f64| if chance { numbers::points(v) } else { numbers::signed(v) };
        let level = |v: f64| if chance { numbers::percent(v) } else { numbers::plain(v) };
        let size = |v: f64| effect(v).trim_start_matches('+').to_owned();
        let bars: Vec<_> = e.features.iter().take(15).map(|f| (f.name.clone(), f.mean_abs, Some((f.low, f.high)))).collect();
        let tied: Vec<bool> = e.features.iter().take(15).map(|f| f.tied && f.mean_abs > 0.0).collect();
        let method = self.t(&format!("why.method_{}", e.method.name().replace('-', "_")));
        let (rows, gap) = (numbers::count(e.rows as i64), format!("{:.1e}", e.largest_gap));
        let mut said = tr_with(
            self.lang,
            "why.everyone_caption",
            &[("rows", &rows), ("method", &method), ("base", &level(e.base)), ("mean", &level(e.mean)), ("gap", &gap)],
        );
        if binary && !chance {
            said = format!("{said} {}", self.t("why.everyone_margin"));
        }
        let first: Vec<String> = e
            .features
            .iter()
            .take(3)
            .filter(|f| f.mean_abs > 0.0)
            .map(|f| {
                let (up, down) = (numbers::percent(f.up), numbers::percent(f.down));
                tr_with(
                    self.lang,
                    "report.everyone_item",
                    &[("feature", &f.name), ("size", &size(f.mean_abs)), ("up", &up), ("down", &down)],
                )
            })
            .collect();
        let comma = self.t("report.semicolon");
        let sentence = tr_with(self.lang, "report.everyone", &[("rows", &rows), ("list", &first.join(comma))]);
        let title = self.t("why.everyone");
        let figure = self.figure(&svg::bars_tied(self.t("why.everyone_title"), &bars, &tied, size), &said);
        format!("<h3>{}</h3><p>{}</p>{figure}", escape(title), escape(&sentence))
    }
}
