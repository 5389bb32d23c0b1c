//! The scenarios on the page: side by side, each by itself with what its profit hangs on, and against each other.

use super::super::chart;
use super::*;
use crate::strategy::words::chart::{Chart, Dots, Show};
use crate::strategy::{News, words};

/// Scenarios beside each other; more stand below.
const BESIDE: usize = 2;

impl Page {
    pub(super) fn simulation(&self, s: &Simulation) -> String {
        // A share only where the outcome is yes or no; an amount stays an amount.
        let binary = !s.amount;
        let share = |v: f64| if binary { numbers::percent(v) } else { numbers::plain(v) };
        let change = |v: f64| if binary { numbers::points(v) } else { numbers::signed(v) };
        let outcome = if s.class.is_empty() { s.outcome.clone() } else { format!("{}: {}", s.outcome, s.class) };
        let mut out = format!(
            "<p class=\"weak\">{}</p>",
            escape(&tr_with(
                self.lang,
                "report.sim_model",
                &[("model", &s.model_name), ("outcome", &outcome), ("replicates", &s.replicates), ("seed", &s.seed)]
            ))
        );
        if !s.news.is_good() {
            let _ = write!(out, "<p><strong>{}</strong></p>", escape(&tr_with(self.lang, "why.news_fewer", &[("case", &s.case)])));
        }
        let word = |key: &'static str| s.news.word(key);
        type Line<'a> = (&'a str, Box<dyn Fn(&ScenarioResult) -> Option<String> + 'a>);
        let lines: Vec<Line<'_>> = vec![
            ("report.grade", Box::new(|r| Some(format!("{:?}", r.grade)))),
            ("report.reach", Box::new(|r| Some(numbers::count(r.reach.value as i64)))),
            (word(if binary { "report.conversions" } else { "report.total" }), Box::new(|r| Some(band(&r.conversions, false)))),
            (word(if binary { "report.rate" } else { "report.mean" }), Box::new(|r| Some(band_as(&r.rate, share)))),
            (word("report.revenue"), Box::new(|r| r.revenue.as_ref().map(|e| band(e, false)))),
            ("report.cost", Box::new(|r| r.cost.as_ref().map(|e| band(e, false)))),
            ("report.profit", Box::new(|r| r.profit.as_ref().map(|e| band(e, false)))),
            (word("report.roi"), Box::new(|r| r.roi.as_ref().map(|e| band_as(e, numbers::percent)))),
            ("why.retention", Box::new(|r| r.retention.as_ref().map(|e| band_as(e, numbers::percent)))),
            ("why.satisfaction", Box::new(|r| r.satisfaction.as_ref().map(|e| band(e, false)))),
        ];
        // The baseline stands at the left of every table.
        let (baseline, others) = s.scenarios.split_at(1.min(s.scenarios.len()));
        for some in others.chunks(BESIDE).chain(others.is_empty().then_some(&[][..])) {
            let beside: Vec<&ScenarioResult> = baseline.iter().chain(some).collect();
            let name = |r: &ScenarioResult| if r.name.is_empty() { self.t("report.baseline").to_owned() } else { r.name.clone() };
            let head: Vec<String> = std::iter::once(self.t("report.scenario").to_owned()).chain(beside.iter().map(|r| name(r))).collect();
            let rows: Vec<Vec<String>> = lines
                .iter()
                .map(|(key, of)| (key, beside.iter().map(|r| of(r)).collect::<Vec<_>>()))
                .filter(|(_, cells)| cells.iter().any(Option::is_some))
                .map(|(key, cells)| {
                    let shown = cells.into_iter().map(|c| c.map_or_else(|| "–".to_owned(), |c| escape(&c)));
                    std::iter::once(escape(self.t(key))).chain(shown).collect()
                })
                .collect();
            let right: Vec<usize> = (1..=beside.len()).collect();
            out += &Self::cells(&head, &right, &rows);
        }
        let mut covers: Vec<&str> = Vec::new();
        for e in s.scenarios.iter().map(|r| &r.conversions).filter(|e| e.low != e.high) {
            let key = match e.covers {
                Covers::Sample => "why.covers_sample",
                Covers::Model => "why.covers_model",
                Covers::Outcome => "why.covers_outcome",
            };
            if !covers.contains(&key) {
                covers.push(key);
                let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t(key)));
            }
        }
        let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t("report.money")));
        let changes: Vec<_> =
            s.differences.iter().map(|d| (d.name.clone(), d.conversions.value, Some((d.conversions.low, d.conversions.high)))).collect();
        if changes.len() > 1 {
            let title = self.t(word(if binary { "report.changes" } else { "report.changes_total" }));
            out += &self.figure(
                &svg::bars(title, &changes, numbers::signed),
                &format!("{title}. {}", self.t(if s.retrained > 0 { "report.whiskers_model" } else { "report.whiskers" })),
            );
        }
        for place in s.placed() {
            let i = match place {
                Placed::Answered(0) => continue,
                Placed::Answered(i) => i,
                Placed::Unanswered(u) => {
                    let _ = write!(out, "<h3>{}</h3>{}", escape(&u.name), self.list(std::slice::from_ref(&u.fault)));
                    continue;
                }
            };
            let (Some(r), Some(d)) = (s.scenarios.get(i), s.differences.get(i - 1)) else { continue };
            let _ = write!(
                out,
                "<h3>{}</h3><p><span class=\"grade\">{:?}</span> {}</p><p>{}</p>",
                escape(&r.name),
                r.grade,
                escape(&r.reason.say(self.lang)),
                escape(&tr_with(
                    self.lang,
                    word(if binary { "report.difference" } else { "report.difference_total" }),
                    &[("change", &band(&d.conversions, true)), ("rate", &band_as(&d.rate, change))]
                ))
            );
            if let (Some(revenue), Some(profit)) = (&d.revenue, &d.profit) {
                let text = tr_with(
                    self.lang,
                    word("report.difference_money"),
                    &[("revenue", &band(revenue, true)), ("profit", &band(profit, true))],
                );
                let _ = write!(out, "<p>{}</p>", escape(&text));
            }
            let bars: Vec<_> = d.drivers.iter().map(|(name, v)| (name.clone(), *v, None)).collect();
            if !bars.is_empty() {
                out += &self.figure(&svg::bars(self.t("report.drivers"), &bars, numbers::signed), self.t(word("report.drivers_caption")));
            }
            if let Some(found) = s.sensitivity.iter().find(|f| f.scenario == r.name) {
                out += &self.sensitivity(found, s.news);
            }
            out += &self.list(&r.warnings);
        }
        out += &self.against(s);
        out += &self.earns(s);
        if !s.assumptions.is_empty() {
            let _ = write!(out, "<h3>{}</h3>{}", self.t("report.assumptions"), self.list(&s.assumptions));
        }
        out + &self.list(&s.warnings)
    }

    /// What a scenario's profit hangs on, and where each assumption would have to be for nothing to be earned.
    fn sensitivity(&self, found: &Sensitivity, news: News) -> String {
        let row = |s: &crate::strategy::sensitivity::Swing| {
            let even = s.break_even.map_or_else(|| "–".to_owned(), numbers::plain);
            let mut cells = vec![self.t(news.word(s.assumption.key())).to_owned()];
            cells.extend([s.at, s.low, s.high, s.profit_low, s.profit_high].map(numbers::plain));
            cells.push(even);
            cells
        };
        let head =
            ["why.assumption", "why.as_assumed", "why.low_column", "why.high_column", "why.profit_low", "why.profit_high", "why.even_at"];
        let rows: Vec<Vec<String>> = found.swings.iter().map(row).collect();
        let share = numbers::percent(crate::strategy::sensitivity::EITHER_WAY);
        let caption = tr_with(self.lang, "report.tornado_caption", &[("share", &share)]);
        let swings = found.swings.iter().map(|s| {
            let (a, b) = (s.profit_low.min(s.profit_high), s.profit_low.max(s.profit_high));
            (self.t(news.word(s.assumption.key())).to_owned(), vec![(found.profit, a, b)])
        });
        let axis = self.t("why.profit_axis").to_owned();
        let dots = Dots { axis, show: Show::Signed, series: vec![String::new()], rows: swings.collect() };
        let title = format!("{}: {}", self.t("why.tornado"), found.scenario);
        let tornado = self.figure(&chart::svg(&title, &Chart::Dots(dots)), &caption);
        format!(
            "{tornado}{}<p class=\"weak\">{}</p>{}",
            self.two_way(found, news),
            escape(&tr_with(self.lang, news.word("report.hangs_on"), &[("share", &share)])),
            self.table(&head, &[1, 2, 3, 4, 5, 6], &rows)
        )
    }

    /// The two assumptions that the profit hangs on most, moved together.
    fn two_way(&self, found: &Sensitivity, news: News) -> String {
        let Some(map) = &found.together else { return String::new() };
        let [x, y] = [map.x, map.y].map(|a| self.t(news.word(a.key())).to_owned());
        let most = map.profit.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // Small values below, as on an axis.
        let lines: Vec<String> = map.ys.iter().rev().map(|v| format!("{y} {}", numbers::plain(*v))).collect();
        let values: Vec<f64> = map.profit.chunks(map.xs.len()).rev().flatten().copied().collect();
        let title = format!("{}: {}", self.t("why.two_way"), found.scenario);
        let ends =
            map.xs.first().zip(map.xs.last()).map_or_else(String::new, |(a, b)| format!("{} … {}", numbers::plain(*a), numbers::plain(*b)));
        let caption = format!("{} ({x}: {ends})", tr_with(self.lang, "why.two_way_caption", &[("x", &x), ("y", &y)]));
        self.figure(&svg::matrix(&title, &lines, map.xs.len(), &values, most), &caption)
    }

    /// What each amount of money earns in the best of them.
    fn earns(&self, s: &Simulation) -> String {
        let Some(f) = &s.frontier else { return String::new() };
        let title = format!("{}: {}", self.t("strategy.frontier_title"), f.scenario);
        let picture = chart::svg(&title, &words::frontier_chart(f, self.lang));
        let says = escape(&words::frontier_says(f, self.lang));
        format!("<h3>{}</h3><p>{says}</p>{}", escape(&title), self.figure(&picture, self.t("strategy.frontier_caption")))
    }

    /// Scenarios against each other, and what drives the difference of the two best.
    fn against(&self, s: &Simulation) -> String {
        if s.pairs.is_empty() {
            return String::new();
        }
        let sheet = words::versus_sheet(s, self.lang);
        let right: Vec<usize> = (1..sheet.head.len()).collect();
        let rows: Vec<Vec<String>> = sheet.rows.iter().map(|r| r.iter().map(|c| escape(c)).collect()).collect();
        let mut out = format!("<h3>{}</h3>{}", escape(self.t("why.versus_title")), Self::cells(&sheet.head, &right, &rows));
        let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t("why.versus_table")));
        if let Some(b) = s.between.as_ref().filter(|b| !b.parts.is_empty()) {
            let name = |p: &Player| match p {
                Player::Lever(column) => column.clone(),
                other => self.t(s.news.word(other.key())).to_owned(),
            };
            let bars: Vec<_> = b.parts.iter().map(|p| (name(&p.player), p.profit.unwrap_or(p.conversions), None)).collect();
            let title = format!("{}: {} – {}", self.t("why.versus_drivers"), b.name, b.against);
            let caption = if b.profit.is_some() { "why.versus_caption" } else { s.news.word("why.versus_caption_conversions") };
            out += &self.figure(&svg::bars(&title, &bars, numbers::signed), self.t(caption));
        }
        out
    }
}
