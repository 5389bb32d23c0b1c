//! The parts that a recipe asks for by one key each: sentence, picture, and the numbers of the picture as a table that
//! unfolds. Prints; computes nothing.

use std::fmt::Write as _;

use super::super::content::{Parts, WhySection};
use super::super::svg::{self, escape};
use super::Page;
use crate::base::{Lang, numbers, tr_with};
use crate::explain::beside::Beside;
use crate::explain::cohorts::Cohorts;
use crate::explain::density::{self, Density, OfFeature};
use crate::explain::effect::{EffectCurve, Kind};
use crate::explain::surrogate::Surrogate;
use crate::explain::words;
use crate::ml::model::Scale;

/// Features whose density is drawn; the JSON holds all.
const DENSITIES: usize = 6;
/// Features that are drawn for groups and methods; the table holds all.
const DRAWN: usize = 10;

/// How numbers of a model's outcome are written.
#[derive(Clone, Copy)]
struct Unit {
    chance: bool,
}

impl Unit {
    fn level(self, scale: Scale) -> impl Fn(f64) -> String + Copy {
        move |v| if self.chance && scale == Scale::Probability { numbers::percent(v) } else { numbers::plain(v) }
    }
    fn effect(self, scale: Scale) -> impl Fn(f64) -> String + Copy {
        move |v| if self.chance && scale == Scale::Probability { numbers::points(v) } else { numbers::signed(v) }
    }
    fn size(self, scale: Scale) -> impl Fn(f64) -> String + Copy {
        move |v| self.effect(scale)(v).trim_start_matches('+').to_owned()
    }
}

impl Page {
    /// What is said where too much of too many rows is left unexplained.
    pub(super) fn doubt(&self, w: &WhySection) -> Option<String> {
        let n = numbers::count(w.unexplained? as i64);
        Some(tr_with(self.lang, "why.no_fact_rows", &[("n", &n), ("rows", &numbers::count(w.summary.rows as i64))]))
    }

    /// A figure as it is; faint, with a word why, where there is doubt about it.
    pub(super) fn as_fact(doubt: Option<&str>, figure: String) -> String {
        match doubt {
            Some(said) if !figure.is_empty() => {
                format!("<p><b>{}</b></p><div class=\"faint\" style=\"opacity:.5\">{figure}</div>", escape(said))
            }
            _ => figure,
        }
    }

    /// The numbers of a picture, which unfold.
    fn twin(&self, head: &[String], rows: &[Vec<String>]) -> String {
        let right: Vec<usize> = (1..head.len()).collect();
        let cells: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(|c| escape(c)).collect()).collect();
        let table = Self::cells(head, &right, &cells);
        if table.is_empty() { table } else { format!("<details><summary>{}</summary>{table}</details>", escape(self.t("report.as_table"))) }
    }

    fn heads(&self, keys: &[&str]) -> Vec<String> {
        keys.iter().map(|k| self.t(k).to_owned()).collect()
    }

    fn titled(title: &str, said: &str) -> String {
        let said = if said.is_empty() { String::new() } else { format!("<p>{}</p>", escape(said)) };
        format!("<h3>{}</h3>{said}", escape(title))
    }

    /// All parts of one model, in the order of an analyst's questions. `method` is how the rows are explained.
    pub(super) fn parts(&self, w: &WhySection, chance: bool, method: &str) -> String {
        let (p, unit, doubt) = (&w.parts, Unit { chance }, self.doubt(w));
        let n = tr_with(self.lang, "report.n_rows", &[("rows", &numbers::count(w.summary.rows as i64)), ("method", &method)]);
        let mut out = String::new();
        if let Some(b) = &p.methods {
            out += &self.methods(b, unit);
        }
        out += &self.together(p, unit);
        for c in &p.curves {
            out += &self.curve(c, unit);
        }
        for c in &p.maps {
            out += &self.map(c, unit);
        }
        out += &self.shuffled(p);
        out += &self.crowd(w, unit, (doubt.as_deref(), &n));
        out += &self.typical(w, unit);
        if let Some(c) = &p.cohorts {
            out += &self.cohorts(c, w, unit);
        }
        out += &self.segments(p);
        if let Some(s) = &p.surrogate {
            out += &self.surrogate(s, chance);
        }
        if let Some(d) = &p.density {
            out += &self.densities(d, unit);
        }
        if !p.missing.is_empty() {
            let why = |(key, notice): &(String, crate::base::Notice)| {
                format!("<li><code>{}</code>: {}</li>", escape(key), escape(&notice.say(self.lang)))
            };
            let items: String = p.missing.iter().map(why).collect();
            let _ = write!(out, "<p>{}</p><ul>{items}</ul>", escape(&tr_with(self.lang, "report.parts_missing", &[("model", &w.model)])));
        }
        out
    }

    fn methods(&self, b: &Beside, unit: Unit) -> String {
        let size = unit.size(b.scale);
        let named = |i: usize| self.t(&format!("why.method_{}", b.methods[i].method.name().replace('-', "_"))).to_owned();
        let series: Vec<String> = (0..b.methods.len())
            .map(|i| {
                let exact = self.t(if b.methods[i].exact { "report.exact" } else { "report.approximate" });
                let open = b.methods[i].unexplained.map(|n| tr_with(self.lang, "report.methods_open", &[("n", &n), ("rows", &b.rows)]));
                [Some(named(i)), Some(exact.to_owned()), open].into_iter().flatten().collect::<Vec<_>>().join(" · ")
            })
            .collect();
        let rows: Vec<_> = b
            .features
            .iter()
            .enumerate()
            .map(|(f, name)| (name.clone(), b.methods.iter().map(|m| m.sizes[f]).collect::<Vec<_>>()))
            .collect();
        let title = self.t("report.methods");
        let picture = svg::dots(title, &rows[..rows.len().min(DRAWN)], &series, size);
        let caption = tr_with(self.lang, "report.methods_caption", &[("rows", &numbers::count(b.rows as i64))]);
        let cell = |m: &svg::Mark| format!("{} [{} … {}]", size(m.0), size(m.1), size(m.2));
        let table: Vec<Vec<String>> =
            rows.iter().map(|(name, marks)| std::iter::once(name.clone()).chain(marks.iter().map(cell)).collect()).collect();
        let head: Vec<String> = std::iter::once(self.t("why.feature").to_owned()).chain((0..b.methods.len()).map(named)).collect();
        let agree: Vec<Vec<String>> = b
            .agreements
            .iter()
            .map(|a| {
                let rank = a.rank.map_or_else(|| "–".to_owned(), |r| numbers::fixed(r, 2));
                [named(a.of.0), named(a.of.1), rank, format!("{} / {}", a.shared, b.top)].iter().map(|c| escape(c)).collect()
            })
            .collect();
        let heads = self.heads(&["report.methods_one", "report.methods_other", "report.methods_rank", "report.methods_shared"]);
        format!(
            "{}{}{}{}<p class=\"weak\">{}</p>",
            Self::titled(title, &words::beside(b, self.lang)),
            self.figure(&picture, &caption),
            Self::cells(&heads, &[2, 3], &agree),
            self.twin(&head, &table),
            escape(self.t("report.methods_differ"))
        )
    }

    fn together(&self, p: &Parts, unit: Unit) -> String {
        let Some(found) = &p.pairs else { return String::new() };
        let size = unit.size(Scale::Margin);
        let mut out = Self::titled(self.t("why.pairs"), &words::pairs(found, self.lang));
        if found.pairs.is_empty() {
            return out;
        }
        let rows: Vec<_> = found.pairs.iter().map(|x| (format!("{} × {}", x.a, x.b), x.size, Some((x.low, x.high)))).collect();
        let fields: [(&str, &dyn std::fmt::Display); 2] =
            [("share", &numbers::percent(found.joint)), ("rows", &numbers::count(found.rows as i64))];
        let scale = if unit.chance { self.t("why.unit_log_odds") } else { self.t("why.unit_amount") };
        let caption = format!("{} ({scale}) {}", tr_with(self.lang, "report.pairs_caption", &fields), self.t("why.grade_c"));
        out += &self.figure(&svg::bars(self.t("why.pairs_title"), &rows, size), &caption);
        let head = self.heads(&["why.feature", "why.mean_size_column", "why.low_column", "why.high_column"]);
        let table: Vec<Vec<String>> =
            found.pairs.iter().map(|x| vec![format!("{} × {}", x.a, x.b), size(x.size), size(x.low), size(x.high)]).collect();
        out + &self.twin(&head, &table)
    }

    /// Partial dependence, or curves of single rows: outputs, not differences.
    fn curve(&self, c: &EffectCurve, unit: Unit) -> String {
        let level = unit.level(c.scale);
        let rows = numbers::count(c.rows as i64);
        let percent = unit.chance && c.scale == Scale::Probability;
        let times = if percent { 100.0 } else { 1.0 };
        let axis = self.t(if percent { "why.unit_percent" } else { "why.unit_amount" });
        let (key, caption) = if c.kind == Kind::Ice {
            let n = c.fan(false).map_or(0, |f| f.sampled);
            ("report.ice_of", tr_with(self.lang, "report.ice_caption", &[("n", &n), ("rows", &rows)]))
        } else {
            ("report.pdp_of", tr_with(self.lang, "report.pdp_caption", &[("rows", &rows)]))
        };
        let title = tr_with(self.lang, key, &[("feature", &c.feature)]);
        let mut out = Self::titled(&title, &words::curve(c, self.lang));
        let caption = format!("{caption} {}", self.t("why.grade_c"));
        if let Some(fan) = c.fan(false) {
            let place = |k: usize| if c.categorical { k as f64 } else { fan.places[k].0 };
            let line = |v: &[f64]| -> Vec<(f64, f64)> { v.iter().enumerate().map(|(k, v)| (place(k), times * v)).collect() };
            let levels: Vec<String> = fan.places.iter().filter(|_| c.categorical).map(|p| p.1.clone()).collect();
            let all: Vec<_> = fan.lines.iter().map(|(_, v)| line(v)).collect();
            out += &self.figure(&svg::fan(&title, &all, &line(&fan.mean), None, (&c.feature, axis), &levels), &caption);
            let head = self.heads(&["why.value", "why.mean_column", "report.lowest_row", "report.highest_row"]);
            let table: Vec<Vec<String>> = (0..fan.places.len())
                .map(|k| {
                    let (low, high) = fan.ends(k);
                    vec![fan.places[k].1.clone(), level(fan.mean[k]), level(low), level(high)]
                })
                .collect();
            out += &self.twin(&head, &table);
        } else {
            let picture = if c.categorical {
                let bars: Vec<_> = c.points.iter().map(|p| (p.label.clone(), p.effect, Some((p.low, p.high)))).collect();
                svg::bars(&title, &bars, level)
            } else {
                let line = |y: fn(&crate::explain::effect::Point) -> f64| c.points.iter().map(|p| (p.value, times * y(p))).collect();
                let series: [(&str, Vec<(f64, f64)>); 3] = [
                    (self.t("why.mean_column"), line(|p| p.effect)),
                    (self.t("why.low_column"), line(|p| p.low)),
                    (self.t("why.high_column"), line(|p| p.high)),
                ];
                svg::lines(&title, &series, (&c.feature, axis), false)
            };
            out += &self.figure(&picture, &caption);
            let head = self.heads(&["why.value", "why.mean_column", "why.low_column", "why.high_column", "why.effect_density"]);
            let row = |p: &crate::explain::effect::Point| {
                vec![p.label.clone(), level(p.effect), level(p.low), level(p.high), numbers::percent(p.density)]
            };
            out += &self.twin(&head, &c.points.iter().map(row).collect::<Vec<_>>());
        }
        for notice in &c.warnings {
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&notice.say(self.lang)));
        }
        out
    }

    fn map(&self, c: &EffectCurve, unit: Unit) -> String {
        let (effect, m) = (unit.effect(c.scale), c.map());
        let second = c.feature_2.as_deref().unwrap_or_default();
        let title = format!("{} × {second}", c.feature);
        let caption = tr_with(self.lang, "report.map_caption", &[("rows", &numbers::count(c.rows as i64))]);
        let picture = self.figure(&svg::map(&title, &m, (&c.feature, second), effect), &format!("{caption} {}", self.t("why.grade_c")));
        let head: Vec<String> = std::iter::once(format!("{second} \\ {}", c.feature)).chain(m.places.iter().cloned()).collect();
        let rows: Vec<Vec<String>> = m
            .lines
            .iter()
            .enumerate()
            .map(|(l, name)| {
                let cell = |x: usize| if m.weight[l * m.across + x] > 0.0 { effect(m.values[l * m.across + x]) } else { "–".to_owned() };
                std::iter::once(name.clone()).chain((0..m.across).map(cell)).collect()
            })
            .collect();
        Self::titled(&title, &words::curve(c, self.lang)) + &picture + &self.twin(&head, &rows) + &self.list(&c.warnings)
    }

    fn shuffled(&self, p: &Parts) -> String {
        let Some(found) = &p.shuffled else { return String::new() };
        let rows: Vec<_> = found.features.iter().take(15).map(|f| (f.name.clone(), f.mean, Some((f.low, f.high)))).collect();
        // What costs nothing has no order to speak of.
        let tied: Vec<bool> = found.features.iter().map(|f| f.tied && f.low > 0.0).collect();
        let loss = self.t(if found.loss == "mse" { "explain.loss_mse" } else { "explain.loss_log" });
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("rows", &numbers::count(found.rows as i64)), ("n", &found.repeats), ("loss", &loss), ("base", &numbers::plain(found.base))];
        let picture = svg::bars_tied(self.t("why.shuffled_title"), &rows, &tied, numbers::signed);
        let head = self.heads(&["why.feature", "report.loss_added", "why.low_column", "why.high_column"]);
        let row = |f: &crate::explain::importance::Shuffled| {
            vec![f.name.clone(), numbers::signed(f.mean), numbers::signed(f.low), numbers::signed(f.high)]
        };
        Self::titled(self.t("why.shuffled"), &words::shuffled(found, self.lang))
            + &self.figure(&picture, &tr_with(self.lang, "why.shuffled_caption", &fields))
            + &self.twin(&head, &found.features.iter().map(row).collect::<Vec<_>>())
    }

    /// All explained rows beside one another, and their ways to the output.
    fn crowd(&self, w: &WhySection, unit: Unit, (doubt, n): (Option<&str>, &str)) -> String {
        let scale = w.rows.scale;
        let (level, effect) = (unit.level(scale), unit.effect(scale));
        let said = self.said_scale(scale, unit);
        let mut out = String::new();
        if let Some(c) = w.parts.crowd.as_ref().filter(|c| c.matrix.across > 1) {
            let m = &c.matrix;
            let picture = svg::matrix(self.t("why.crowd"), &m.lines, m.across, &m.values, m.most);
            let caption = tr_with(self.lang, "report.crowd_caption", &[("most", &unit.size(scale)(m.most)), ("n", &n)]);
            out += &Self::titled(self.t("why.crowd"), &words::crowd(c, said, self.lang));
            out += &Self::as_fact(doubt, self.figure(&picture, &caption));
            let head: Vec<String> = self
                .heads(&["report.crowd_group", "report.rows", "report.crowd_output"])
                .into_iter()
                .chain(m.lines.iter().cloned())
                .collect();
            let rows: Vec<Vec<String>> = c
                .groups
                .iter()
                .enumerate()
                .map(|(i, g)| {
                    let first = [(i + 1).to_string(), numbers::count(g.rows as i64), level(g.output)];
                    first.into_iter().chain(g.effects.iter().map(|e| effect(*e))).collect()
                })
                .collect();
            out += &self.twin(&head, &rows);
        }
        if let Some(p) = w.parts.paths.as_ref().filter(|p| p.lines.len() > 1) {
            let p = p.clone().calling(self.t("why.other_features"));
            let caption = tr_with(self.lang, "report.paths_caption", &[("shown", &p.lines.len()), ("n", &n)]);
            out += &Self::titled(self.t("why.paths"), &words::paths(&p, said, self.lang));
            out += &Self::as_fact(doubt, self.figure(&svg::paths(self.t("why.paths"), &p, level), &caption));
            let head: Vec<String> = self.heads(&["why.row", "why.base"]).into_iter().chain(p.steps.iter().cloned()).collect();
            // Of ways in the order of their ends: both ends, the middle, and the quarters between.
            let last = p.lines.len() - 1;
            let mut at: Vec<usize> = (0..5).map(|k| k * last / 4).collect();
            at.dedup();
            let row = |i: &usize| {
                let (row, line) = &p.lines[*i];
                std::iter::once(numbers::count(i64::from(*row) + 1)).chain(line.iter().map(|v| level(*v))).collect()
            };
            out += &self.twin(&head, &at.iter().map(row).collect::<Vec<Vec<String>>>());
        }
        out
    }

    /// The scale as sentences know it: an amount is no chance.
    fn said_scale(&self, scale: Scale, unit: Unit) -> Scale {
        if unit.chance { scale } else { Scale::Margin }
    }

    fn typical(&self, w: &WhySection, unit: Unit) -> String {
        let Some(t) = &w.parts.typical else { return String::new() };
        let scale = self.said_scale(w.rows.scale, unit);
        let item = |(i, r): (usize, &crate::explain::typical::TypicalRow)| {
            let why = w.said.typical.get(i).map_or("", String::as_str);
            format!("<li><b>{}</b><br>{}</li>", escape(&words::typical(r, scale, self.lang)), escape(why))
        };
        let items: String = t.rows.iter().enumerate().map(item).collect();
        let mut out = format!("<h3>{}</h3><ul>{items}</ul>", escape(self.t("why.typical")));
        if !w.parts.unlike.is_empty() {
            let rows: Vec<String> = w.parts.unlike.iter().map(|r| numbers::count(i64::from(*r) + 1)).collect();
            let _ = write!(out, "<p>{}</p>", escape(&tr_with(self.lang, "report.unlike", &[("rows", &rows.join(", "))])));
        }
        let fields: [(&str, &dyn std::fmt::Display); 2] =
            [("rows", &numbers::count(t.compared as i64)), ("covered", &numbers::percent(t.covered))];
        let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&tr_with(self.lang, "why.typical_caption", &fields)));
        out
    }

    fn cohorts(&self, c: &Cohorts, w: &WhySection, unit: Unit) -> String {
        let scale = w.rows.scale;
        let (level, effect) = (unit.level(scale), unit.effect(scale));
        let everyone = self.t("why.against_everyone");
        let names: Vec<String> =
            c.cohorts.iter().map(|g| if g.condition.is_empty() { everyone.to_owned() } else { g.condition.clone() }).collect();
        let series: Vec<String> = c
            .cohorts
            .iter()
            .zip(&names)
            .map(|(g, name)| {
                let fields: [(&str, &dyn std::fmt::Display); 5] = [
                    ("group", name),
                    ("rows", &numbers::count(g.rows as i64)),
                    ("mean", &level(g.mean.0)),
                    ("low", &level(g.mean.1)),
                    ("high", &level(g.mean.2)),
                ];
                tr_with(self.lang, "why.cohort_line", &fields)
            })
            .collect();
        let rows: Vec<_> = c
            .features
            .iter()
            .enumerate()
            .map(|(f, name)| (name.clone(), c.cohorts.iter().map(|g| g.effects[f]).collect::<Vec<_>>()))
            .collect();
        let title = self.t("why.cohorts");
        let picture = svg::dots(self.t("why.cohorts_title"), &rows[..rows.len().min(DRAWN)], &series, effect);
        let cell = |m: &svg::Mark| format!("{} [{} … {}]", effect(m.0), effect(m.1), effect(m.2));
        let table: Vec<Vec<String>> =
            rows.iter().map(|(name, marks)| std::iter::once(name.clone()).chain(marks.iter().map(cell)).collect()).collect();
        let head: Vec<String> = std::iter::once(self.t("why.feature").to_owned()).chain(names.iter().cloned()).collect();
        Self::titled(title, &words::cohorts(c, &names, self.said_scale(scale, unit), self.lang))
            + &self.figure(&picture, &format!("{} {}", self.t("why.cohorts_caption"), self.t("why.grade_c")))
            + &self.twin(&head, &table)
    }

    fn segments(&self, p: &Parts) -> String {
        let Some(all) = &p.segments else { return String::new() };
        let fields: [(&str, &dyn std::fmt::Display); 2] =
            [("tried", &numbers::count(all.tried as i64)), ("rows", &numbers::count(all.rows as i64))];
        let title = self.t("report.segments");
        if all.found.is_empty() {
            return Self::titled(title, &tr_with(self.lang, "why.segments_none", &fields));
        }
        let item = |s: &crate::explain::segments::Segment| {
            format!("<li><code>{}</code>: {}</li>", escape(&s.condition), escape(&words::segment(s, false, self.lang)))
        };
        let items: String = all.found.iter().map(item).collect();
        // By how much the loss is higher, with an interval that pays for looking in many places.
        let rows: Vec<_> = all.found.iter().map(|s| (s.condition.clone(), s.mean - s.rest, Some((s.low, s.high)))).collect();
        let caption = tr_with(self.lang, "report.segments_caption", &fields);
        let head = self.heads(&["report.segment", "report.rows", "report.loss_in", "report.loss_elsewhere", "report.p_value"]);
        let row = |s: &crate::explain::segments::Segment| {
            vec![s.condition.clone(), numbers::count(s.rows as i64), numbers::plain(s.mean), numbers::plain(s.rest), numbers::fixed(s.p, 3)]
        };
        format!("<h3>{}</h3><ul>{items}</ul>", escape(title))
            + &self.figure(&svg::bars(title, &rows, numbers::signed), &caption)
            + &self.twin(&head, &all.found.iter().map(row).collect::<Vec<_>>())
    }

    fn surrogate(&self, s: &Surrogate, chance: bool) -> String {
        let scale = if chance { Scale::Probability } else { Scale::Margin };
        let level = Unit { chance }.level(scale);
        let mut out = Self::titled(self.t("why.surrogate"), &words::surrogate(s, scale, self.lang));
        if s.fidelity < s.usual + crate::explain::surrogate::WORTH {
            let _ = write!(out, "<p><b>{}</b></p>", escape(self.t("why.surrogate_weak")));
        }
        let and = if self.lang == Lang::En { ", " } else { "，" };
        let row = |r: &crate::explain::surrogate::Rule| {
            let when = if r.when.is_empty() { self.t("why.surrogate_all").to_owned() } else { r.when.join(and) };
            [when, level(r.mean), numbers::percent(r.share), numbers::percent(r.agrees)].map(|c| escape(&c)).to_vec()
        };
        let head = self.heads(&["why.surrogate_column", "why.surrogate_mean", "why.effect_density", "why.surrogate_agrees"]);
        out += &Self::cells(&head, &[1, 2, 3], &s.rules.iter().map(row).collect::<Vec<_>>());
        let caption = tr_with(self.lang, "why.surrogate_caption", &[("threshold", &level(s.threshold))]);
        let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&caption));
        out
    }

    fn densities(&self, d: &Density, unit: Unit) -> String {
        let rows = numbers::count(d.all.rows as i64);
        let method = self.t(&format!("why.method_{}", d.all.method.name().replace('-', "_"))).to_owned();
        let mut out = format!("<h3>{}</h3>", escape(self.t("why.density")));
        if unit.chance && d.all.scale == Scale::Margin {
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t("why.everyone_margin")));
        }
        for of in d.features.iter().take(DENSITIES) {
            out += &self.density(of, d, unit, (&rows, &method));
        }
        if d.features.len() > DENSITIES {
            let text = tr_with(self.lang, "report.densities", &[("shown", &DENSITIES), ("count", &d.features.len())]);
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&text));
        }
        out
    }

    fn density(&self, of: &OfFeature, d: &Density, unit: Unit, (rows, method): (&str, &str)) -> String {
        let effect = unit.effect(d.all.scale);
        let labels: Vec<String> = (0..of.columns.len()).map(|c| words::density_column(of, c, self.lang)).collect();
        let most = of.most();
        let cells: Vec<(usize, usize, f64)> =
            of.cells.iter().map(|c| (c.column as usize, c.bin as usize, density::share(c.rows, most))).collect();
        let title = format!("{}: {}", of.name, self.t("why.density"));
        let ends = (of.bin_from(0), of.bin_from(of.bins));
        let picture = svg::density(&title, &labels, of.bins as usize, &cells, ends, (&of.name, &effect));
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("rows", &rows), ("feature", &of.name), ("method", &method), ("most", &numbers::count(most as i64))];
        let said = words::density(of, d.all.rows, self.said_scale(d.all.scale, unit), self.lang).unwrap_or_default();
        let column = |(c, label): (usize, &String)| {
            let mine = || of.cells.iter().filter(move |x| x.column as usize == c);
            let (low, high) = mine().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x.effect_low), b.max(x.effect_high)));
            vec![label.clone(), numbers::count(of.columns[c].rows as i64), effect(low), effect(high)]
        };
        let head = self.heads(&["why.value", "why.rows_column", "report.lowest_effect", "report.highest_effect"]);
        format!("<h4>{}</h4><p>{}</p>", escape(&of.name), escape(&said))
            + &self.figure(&picture, &tr_with(self.lang, "report.density_caption", &fields))
            + &self.twin(&head, &labels.iter().enumerate().map(column).collect::<Vec<_>>())
    }
}
