//! The report as one HTML file: no network, pictures inline, readable on paper and on a phone. Prints results; computes nothing.

mod curves;
mod deeper;
mod everyone;
mod parts;
mod scan;
mod scenarios;

use std::fmt::Write as _;

use super::content::{Report, WhySection};
use super::studies;
use super::svg::{self, escape};
use crate::base::{Lang, Notice, numbers, tr, tr_with};
use crate::ml::metrics::{Evaluation, Figures};
use crate::ml::model::Scale;
use crate::ml::{ModelCard, OutcomeKind};
use crate::strategy::sensitivity::Sensitivity;
use crate::strategy::simulate::between::Player;
use crate::strategy::simulate::{Covers, Placed};
use crate::strategy::{Estimate, LeverStatus, ScenarioResult, Simulation};

/// Features drawn one by one before the rest is joined.
const SHOWN: usize = 10;
/// Columns described on the page; the JSON report holds all of them.
const MOST_COLUMNS: usize = 200;

/// The page.
pub fn render(report: &Report) -> String {
    let p = Page { lang: report.lang };
    let mut body = String::new();
    let _ = write!(body, "<header><h1>{}</h1><p class=\"weak\">{}</p></header>", escape(&report.title), p.made(report));
    body += &p.section("summary", &p.summary(report));
    body += &p.section("data", &p.data(report));
    body += &p.section("prepare", &p.prepare(report));
    body += &p.section("models", &p.models(report));
    body += &p.section("why", &report.why.iter().map(|w| p.why(report, w)).collect::<String>());
    body += &p.section("rankings", &p.rankings(report));
    body += &p.section("scenarios", &report.simulations.iter().map(|s| p.simulation(s)).collect::<String>());
    body += &p.section("scan", &report.scan.as_ref().map_or_else(String::new, |s| p.scan(s, &report.roles)));
    body += &p.section("levers", &p.levers(report));
    body += &p.section("studies", &report.studies.iter().map(|s| studies::study(&p, s)).collect::<String>());
    body += &p.section("limits", &p.limits(report));
    body += &p.section("again", &p.again(report));
    let lang = match report.lang {
        Lang::En => "en",
        Lang::Zh => "zh-CN",
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(&report.title)
    )
}

const STYLE: &str = "
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;background:#fff;color:#1d2733;font:15px/1.55 system-ui,-apple-system,'Segoe UI','Noto Sans','Noto Sans CJK SC',sans-serif;font-variant-numeric:tabular-nums}
main{max-width:880px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;font-weight:600;overflow-wrap:anywhere}
h2{font-size:20px;margin:44px 0 12px;padding-top:12px;border-top:1px solid #d7dde3;font-weight:600}
h3{font-size:15px;margin:24px 0 6px;font-weight:600;overflow-wrap:anywhere}
h4{font-size:14px;margin:18px 0 4px;font-weight:600;overflow-wrap:anywhere}
p,figcaption,li{overflow-wrap:anywhere}p{margin:6px 0}.weak,figcaption{color:#6b7785;font-size:13px}
.lead{font-size:17px}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th{font-weight:500;color:#6b7785;text-align:left;vertical-align:bottom}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid #e6eaee;overflow-wrap:anywhere;min-width:4.6em}
th:first-child,td:first-child{min-width:8.5em}
td.n,th.n{text-align:right;min-width:0;overflow-wrap:break-word}td.n{white-space:nowrap}
figure{margin:14px 0;break-inside:avoid}svg{max-width:100%;height:auto;display:block}
.pair{display:flex;flex-wrap:wrap;gap:12px 28px}
.grade{display:inline-block;border:1px solid #6b7785;border-radius:4px;padding:0 7px;font-weight:600}
pre{background:#f4f6f8;padding:12px;overflow-x:auto;font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}
code{overflow-wrap:anywhere}details{margin:4px 0 12px;font-size:13px}summary{cursor:pointer;color:#6b7785}ul{padding-left:20px;margin:6px 0}
.badge{color:#8a4b00;font-weight:600}
@media print{main{max-width:none;padding:0}h2,h3,h3+p{break-after:avoid}tr{break-inside:avoid}.wide{overflow:visible}body{font-size:11pt}}
";

pub(super) struct Page {
    pub(super) lang: Lang,
}

impl Page {
    pub(super) fn t(&self, key: &str) -> &'static str {
        tr(self.lang, key)
    }

    fn section(&self, name: &str, inner: &str) -> String {
        if inner.is_empty() {
            String::new()
        } else {
            format!("<section id=\"{name}\"><h2>{}</h2>{inner}</section>", self.t(&format!("report.{name}")))
        }
    }

    pub(super) fn list(&self, notices: &[Notice]) -> String {
        if notices.is_empty() {
            return String::new();
        }
        let items: String = notices.iter().map(|n| format!("<li>{}</li>", escape(&n.say(self.lang)))).collect();
        format!("<ul>{items}</ul>")
    }

    /// Cells are text; columns named in `right` are aligned to the right.
    fn table(&self, head: &[&str], right: &[usize], rows: &[Vec<String>]) -> String {
        let head: Vec<String> = head.iter().map(|k| self.t(k).to_owned()).collect();
        let cells: Vec<Vec<String>> = rows.iter().map(|r| r.iter().map(|c| escape(c)).collect()).collect();
        Self::cells(&head, right, &cells)
    }

    /// Heads are text, cells are ready for the page.
    pub(super) fn cells(head: &[String], right: &[usize], rows: &[Vec<String>]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let class = |i: usize| if right.contains(&i) { " class=\"n\"" } else { "" };
        let head: String = head.iter().enumerate().map(|(i, k)| format!("<th{}>{}</th>", class(i), escape(k))).collect();
        let rows: String = rows
            .iter()
            .map(|r| {
                let cells: String = r.iter().enumerate().map(|(i, c)| format!("<td{}>{c}</td>", class(i))).collect();
                format!("<tr>{cells}</tr>")
            })
            .collect();
        format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
    }

    pub(super) fn figure(&self, picture: &str, caption: &str) -> String {
        if picture.is_empty() { String::new() } else { format!("<figure>{picture}<figcaption>{}</figcaption></figure>", escape(caption)) }
    }

    fn made(&self, r: &Report) -> String {
        escape(&tr_with(
            self.lang,
            "report.made",
            &[("day", &r.made), ("version", &r.version), ("data", &r.data_path), ("fingerprint", &r.data.short())],
        ))
    }

    fn summary(&self, r: &Report) -> String {
        let mut out = String::new();
        if let Some(best) =
            r.models.iter().filter(|m| auc(m).is_some()).max_by(|a, b| auc(a).unwrap_or(0.0).total_cmp(&auc(b).unwrap_or(0.0)))
        {
            let (outcome, rate) = best.outcomes.first().map_or((String::new(), f64::NAN), |o| (o.label(), o.base_rate));
            let text = tr_with(
                self.lang,
                "report.sum_model",
                &[
                    ("rows", &numbers::count(r.profile.rows as i64)),
                    ("outcome", &outcome),
                    ("rate", &numbers::percent(rate)),
                    ("model", &best.spec.name),
                    ("auc", &auc_words(best)),
                    ("test", &numbers::count(best.rows.test as i64)),
                ],
            );
            let _ = write!(out, "<p class=\"lead\">{}</p>", escape(&text));
        }
        if let Some(w) = r.why.first() {
            let names: Vec<&str> = w.summary.importance.iter().take(3).map(|i| i.name.as_str()).collect();
            let text = tr_with(self.lang, "report.sum_why", &[("model", &w.model), ("features", &names.join(", "))]);
            let _ = write!(out, "<p class=\"lead\">{}</p>", escape(&text));
        }
        for s in &r.simulations {
            for place in s.placed() {
                let text = match place {
                    Placed::Answered(0) => continue,
                    Placed::Unanswered(u) => tr_with(self.lang, "report.sum_unanswered", &[("fault", &u.fault.say(self.lang))]),
                    Placed::Answered(i) => {
                        let (Some(d), Some(result)) = (s.differences.get(i - 1), s.scenarios.get(i)) else { continue };
                        tr_with(
                            self.lang,
                            s.news.word("report.sum_scenario"),
                            &[
                                ("case", &s.case),
                                ("name", &d.name),
                                ("change", &band(&d.conversions, true)),
                                ("people", &numbers::count(result.reach.value as i64)),
                                ("grade", &format!("{:?}", result.grade)),
                            ],
                        )
                    }
                };
                let _ = write!(out, "<p class=\"lead\">{}</p>", escape(&text));
            }
        }
        out
    }

    fn data(&self, r: &Report) -> String {
        let mut read = vec![r.reading.format.clone()];
        read.extend(
            r.reading
                .delimiter
                .map(|d| format!("{} “{}”", self.t("report.delimiter"), if d == '\t' { "tab".to_owned() } else { d.to_string() })),
        );
        read.extend(r.reading.encoding.clone());
        if !r.reading.detected.is_empty() {
            read.push(format!("{} {}", self.t("report.detected"), r.reading.detected.join(", ")));
        }
        let mut out = format!(
            "<p>{}</p><p class=\"weak\">{} · SHA-256 <code>{}</code></p>",
            escape(&tr_with(
                self.lang,
                "report.data_size",
                &[
                    ("file", &r.data_path),
                    ("rows", &numbers::count(r.profile.rows as i64)),
                    ("columns", &r.profile.columns.len()),
                    ("twice", &numbers::count(r.profile.duplicate_rows as i64))
                ]
            )),
            escape(&read.join(" · ")),
            escape(&r.data.0)
        );
        let word = |kind: &str, v: serde_json::Value| self.t(&format!("ui.{kind}_{}", v.as_str().unwrap_or_default())).to_owned();
        let rows: Vec<Vec<String>> = r
            .profile
            .columns
            .iter()
            .take(MOST_COLUMNS)
            .map(|c| {
                let rate = |x: Option<f64>| x.map_or_else(String::new, |x| format!(" ({})", numbers::percent(x)));
                let what = match (c.min, c.max) {
                    (Some(a), Some(b)) if !c.categorical => format!("{} … {}", c.shown(a), c.shown(b)),
                    _ => c.top.iter().take(3).map(|t| t.value.clone() + &rate(t.target_rate)).collect::<Vec<_>>().join(", "),
                };
                let counts: Vec<usize> = if c.categorical || c.histogram.is_empty() {
                    c.top.iter().map(|t| t.count).collect()
                } else {
                    c.histogram.iter().map(|b| b.count).collect()
                };
                vec![
                    escape(&c.name),
                    word("role", serde_json::to_value(c.role).unwrap_or_default()),
                    word("type", serde_json::to_value(c.kind).unwrap_or_default()),
                    numbers::count(c.missing as i64),
                    numbers::count(c.distinct as i64),
                    svg::histogram(&format!("{}: {}", c.name, self.t("report.histogram")), &counts),
                    escape(&what),
                ]
            })
            .collect();
        let head = ["report.column", "report.role", "report.type", "report.missing", "report.distinct", "report.histogram", "report.range"];
        out += &Self::cells(&head.map(|k| self.t(k).to_owned()), &[3, 4], &rows);
        if r.profile.columns.iter().take(MOST_COLUMNS).any(|c| c.top.iter().any(|t| t.target_rate.is_some())) {
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t("report.rates_in_brackets")));
        }
        if r.profile.columns.len() > MOST_COLUMNS {
            let all = numbers::count(r.profile.columns.len() as i64);
            let text = tr_with(self.lang, "report.first_columns", &[("shown", &MOST_COLUMNS), ("count", &all)]);
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&text));
        }
        let warnings: Vec<Notice> = r.profile.warnings.iter().chain(r.profile.columns.iter().flat_map(|c| &c.warnings)).cloned().collect();
        out + &self.list(&warnings)
    }

    fn prepare(&self, r: &Report) -> String {
        let mut rows = Vec::new();
        for e in &r.prepare {
            let changes: Vec<String> = e
                .columns
                .iter()
                .map(|c| match (c.before.1, c.after.1) {
                    (Some(a), Some(b)) => format!("{}: {} → {}", c.name, numbers::plain(a), numbers::plain(b)),
                    _ => format!("{}: {}", c.name, numbers::count(c.cells as i64)),
                })
                .collect();
            rows.push(vec![
                e.title.say(self.lang),
                format!("{} → {}", numbers::count(e.rows.0 as i64), numbers::count(e.rows.1 as i64)),
                numbers::count(e.cells as i64),
                changes.join("; "),
            ]);
        }
        let steps = if rows.is_empty() {
            format!("<p>{}</p>", self.t("report.no_steps"))
        } else {
            self.table(&["report.step", "report.rows", "report.cells", "report.mean_change"], &[1, 2], &rows)
        };
        let warnings: Vec<Notice> = r.prepare.iter().flat_map(|e| e.warnings.iter().cloned()).collect();
        let steps = steps + &self.list(&warnings);
        format!("{steps}<p>{} <code>{}</code></p>", self.t("report.split"), escape(&r.split.spell()))
    }

    fn models(&self, r: &Report) -> String {
        let f = |x: f64| numbers::fixed(x, 4);
        let o = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), f);
        let (mut binary, mut number) = (Vec::new(), Vec::new());
        for m in &r.models {
            for e in &m.evaluation {
                match &e.figures {
                    Figures::Binary(b) => binary.push(vec![
                        m.spec.name.clone(),
                        e.target.clone(),
                        o(b.auc)
                            + &b.auc_interval
                                .map_or_else(String::new, |(a, z)| format!(" [{} … {}]", numbers::fixed(a, 3), numbers::fixed(z, 3))),
                        o(b.average_precision),
                        f(b.log_loss),
                        f(b.accuracy),
                        f(b.f1),
                        f(b.ece),
                    ]),
                    Figures::Number(n) => number.push(vec![m.spec.name.clone(), e.target.clone(), f(n.rmse), f(n.mae), o(n.r2)]),
                }
            }
        }
        let heads =
            ["report.model", "report.target", "report.auc", "report.ap", "report.log_loss", "report.accuracy", "report.f1", "report.ece"];
        let mut out = self.table(&heads, &[2, 3, 4, 5, 6, 7], &binary);
        let half = |e: &Evaluation| matches!(&e.figures, Figures::Binary(b) if b.threshold == 0.5);
        if !binary.is_empty() && r.models.iter().flat_map(|m| &m.evaluation).filter(|e| matches!(e.figures, Figures::Binary(_))).all(half) {
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(self.t("report.at_half")));
        }
        out += &self.table(&["report.model", "report.target", "report.rmse", "report.mae", "report.r2"], &[2, 3, 4], &number);
        for m in &r.models {
            let _ = write!(out, "<h3>{}</h3><p class=\"weak\">{}</p>", escape(&m.spec.name), self.card(m));
            for e in &m.evaluation {
                out += &self.evaluation(e);
            }
            let train: Vec<_> = m.curve.iter().map(|p| (f64::from(p.step), p.train)).collect();
            let validation: Vec<_> = m.curve.iter().filter_map(|p| p.validation.map(|v| (f64::from(p.step), v))).collect();
            if train.len() > 1 {
                let mut series = vec![(self.t("report.on_train"), train)];
                if !validation.is_empty() {
                    series.push((self.t("report.on_validation"), validation));
                }
                out += &self.figure(
                    &svg::lines(self.t("report.curve"), &series, (self.t("report.step_axis"), self.t("report.loss_axis")), false),
                    self.t("report.curve"),
                );
            }
        }
        out
    }

    fn card(&self, m: &ModelCard) -> String {
        let positive = match m.outcomes.first().map(|o| &o.kind) {
            Some(OutcomeKind::Binary { positive, .. }) => positive.clone(),
            _ => "–".to_owned(),
        };
        escape(&tr_with(
            self.lang,
            "report.card",
            &[
                ("kind", &self.t(&format!("ui.kind_{}", m.spec.kind.name()))),
                ("train", &numbers::count(m.rows.train as i64)),
                ("validation", &numbers::count(m.rows.validation as i64)),
                ("test", &numbers::count(m.rows.test as i64)),
                ("seed", &m.spec.seed),
                ("device", &m.device),
                ("yes", &positive),
                ("fingerprint", &m.fingerprint.short()),
            ],
        ))
    }

    fn evaluation(&self, e: &Evaluation) -> String {
        let Figures::Binary(b) = &e.figures else { return String::new() };
        let at = e.at_threshold(b.threshold);
        let rows = vec![
            vec![self.t("report.is_yes").to_owned(), numbers::count(at.true_positives as i64), numbers::count(at.false_negatives as i64)],
            vec![self.t("report.is_no").to_owned(), numbers::count(at.false_positives as i64), numbers::count(at.true_negatives as i64)],
        ];
        let mut out = self.table(&["report.confusion", "report.said_yes", "report.said_no"], &[1, 2], &rows);
        let bins: Vec<_> = e.calibration.iter().map(|c| (c.predicted, c.observed, c.low, c.high)).collect();
        let calibration = svg::calibration(self.t("report.calibration"), &bins, (self.t("report.predicted"), self.t("report.observed")));
        let gain = svg::lines(
            self.t("report.gain"),
            &[(self.t("report.gain"), e.gain.clone())],
            (self.t("report.contacted"), self.t("report.reached")),
            true,
        );
        let n = tr_with(
            self.lang,
            "report.n_test",
            &[("rows", &numbers::count(e.rows as i64)), ("positives", &numbers::count(e.positives as i64))],
        );
        let _ = write!(
            out,
            "<div class=\"pair\">{}{}</div>",
            self.figure(&calibration, &format!("{}. {n}", self.t("report.calibration_caption"))),
            self.figure(&gain, &format!("{}. {n}", self.t("report.gain_caption")))
        );
        out
    }

    fn why(&self, r: &Report, w: &WhySection) -> String {
        let outcome = r.models.iter().find(|m| m.spec.name == w.model).and_then(|m| m.outcomes.get(w.rows.outcome_index));
        let binary = outcome.is_some_and(crate::ml::Outcome::is_binary);
        let probability = w.rows.scale == Scale::Probability && binary;
        let show = move |v: f64| if probability { numbers::percent(v) } else { numbers::plain(v) };
        let effect = move |v: f64| if probability { numbers::points(v) } else { numbers::signed(v) };
        let exact = self.t(if w.rows.exact { "report.exact" } else { "report.approximate" });
        let method =
            format!("{} · {exact} · {}", self.t(&format!("why.method_{}", w.rows.method.name().replace('-', "_"))), self.t("why.grade_c"));
        // Of several outcomes or classes it is said which one is explained.
        let several = r.models.iter().any(|m| m.spec.name == w.model && m.outcomes.len() > 1);
        let title = if several { format!("{} · {}", w.model, w.rows.outcome) } else { w.model.clone() };
        let mut out = format!("<h3>{}</h3><p class=\"weak\">{}</p>", escape(&title), escape(&w.rows.base_note.say(self.lang)));
        let bars: Vec<_> = w.summary.importance.iter().take(15).map(|i| (i.name.clone(), i.mean_abs, Some(i.interval))).collect();
        let size = move |v: f64| effect(v).trim_start_matches('+').to_owned();
        let n = tr_with(self.lang, "report.n_rows", &[("rows", &numbers::count(w.summary.rows as i64)), ("method", &method)]);
        let tied: Vec<bool> = w.summary.importance.iter().map(|i| i.tied && i.mean_abs > 0.0).collect();
        if !bars.is_empty() {
            let _ = write!(out, "<p>{}</p>", escape(&crate::explain::words::overview(&w.summary, &w.rows, self.lang)));
        }
        let picture = svg::bars_tied(self.t("report.importance"), &bars, &tied, size);
        let doubt = self.doubt(w);
        let figure = self.figure(&picture, &format!("{}. {n}", self.t("report.importance_caption")));
        out += &Self::as_fact(doubt.as_deref(), figure);
        let dots: Vec<_> = w
            .summary
            .importance
            .iter()
            .take(8)
            .map(|i| (i.name.clone(), i.dots.iter().map(|d| (d.value, d.rank, d.offset)).collect::<Vec<_>>()))
            .collect();
        let picture = svg::beeswarm(self.t("report.beeswarm"), &dots, effect);
        let figure = self.figure(&picture, &format!("{}. {n}", self.t("report.beeswarm_caption")));
        out += &Self::as_fact(doubt.as_deref(), figure);
        // A group of features has no values of its own along which to go.
        let lone = |i: &&crate::explain::summary::Importance| w.rows.group(i.feature).is_empty();
        for i in w.summary.importance.iter().filter(lone).take(3) {
            let rows: Vec<_> = i
                .dependence
                .iter()
                .map(|b| (format!("{} (n = {})", b.label, numbers::count(b.rows as i64)), b.mean, Some((b.low, b.high))))
                .collect();
            let title = tr_with(self.lang, "report.dependence", &[("feature", &i.name)]);
            out += &self.figure(&svg::bars(&title, &rows, effect), &format!("{title}. {}. {n}", self.t("report.dependence_caption")));
        }
        out += &self.everyone(w, binary);
        out += &self.effects(w, effect);
        out += &self.deeper(r, w, &method);
        out += &self.parts(w, binary, &method);
        out += &self.trust(w);
        let k = w.rows.n_features();
        for (i, line) in w.rows.rows.iter().enumerate() {
            let title = tr_with(self.lang, "report.row", &[("row", &numbers::count(i64::from(*line) + 1)), ("line", line)]);
            let _ = write!(out, "<h3>{}</h3><p>{}</p>", escape(&title), escape(w.sentences.get(i).map_or("", String::as_str)));
            let mut order: Vec<usize> = (0..k).collect();
            order.sort_by(|a, b| w.rows.row(i)[*b].abs().total_cmp(&w.rows.row(i)[*a].abs()));
            let mut steps: Vec<(String, String, f64)> = order
                .iter()
                .take(SHOWN)
                .map(|&j| (w.rows.features[j].clone(), w.shown.get(i * k + j).cloned().unwrap_or_default(), w.rows.row(i)[j]))
                .collect();
            if order.len() > SHOWN {
                let rest: f64 = order[SHOWN..].iter().map(|&j| w.rows.row(i)[j]).sum();
                steps.push((tr_with(self.lang, "report.others", &[("count", &(order.len() - SHOWN))]), String::new(), rest));
            }
            let gap = w.rows.gaps.get(i).copied().unwrap_or(0.0);
            if gap.abs() > 1e-6 {
                steps.push((self.t("report.unexplained").to_owned(), String::new(), gap));
            }
            let picture = svg::waterfall(
                &title,
                (self.t("report.base"), w.rows.base),
                &steps,
                (self.t("report.prediction"), w.rows.predictions.get(i).copied().unwrap_or(f64::NAN)),
                show,
                effect,
            );
            let figure = self.figure(&picture, &format!("{} {method}", self.t("report.waterfall_caption")));
            let said = |share| tr_with(self.lang, "why.no_fact_row", &[("share", &numbers::percent(share))]);
            out += &Self::as_fact(w.rows.unexplained(i).map(said).as_deref(), figure);
            if let Some(change) = w.changes.get(i).filter(|c| !c.is_empty()) {
                let _ = write!(
                    out,
                    "<p><b>{}.</b> {} {} <span class=\"weak\">{}</span></p>",
                    escape(self.t("why.change")),
                    escape(change),
                    escape(&w.rules),
                    escape(self.t("why.change_caption"))
                );
            }
        }
        if let Some(map) = &w.attention {
            let t = map.tokens.len() * map.tokens.len();
            let last = map.layers.saturating_sub(1);
            // Where it looked never stands alone: beside it what the gradient makes of it, and a badge if they disagree.
            let mean = |of: &[f32]| {
                let mut mean = vec![0.0f32; t];
                for h in 0..map.heads {
                    let from = (last * map.heads + h) * t;
                    for (m, v) in mean.iter_mut().zip(of.iter().skip(from)) {
                        *m += v / map.heads as f32;
                    }
                }
                mean
            };
            let row = numbers::count(i64::from(map.row) + 1);
            if let Some(agreement) = map.agreement.filter(|a| *a < crate::explain::attention::AGREES) {
                let badge = tr_with(self.lang, "why.disagrees", &[("r", &numbers::fixed(agreement, 2))]);
                let _ = write!(out, "<p><span class=\"badge\">{}</span> {}</p>", escape(&badge), escape(self.t("why.disagrees_help")));
            }
            let said = crate::explain::words::attention(map, self.lang);
            let _ = write!(out, "<p>{}</p>", escape(&said));
            for (title, caption, of) in [
                ("report.attention", "report.attention_caption", &map.weights),
                ("report.attention_gradient", "report.attention_gradient_caption", &map.gradient),
            ] {
                let caption = tr_with(self.lang, caption, &[("row", &row), ("heads", &map.heads)]);
                out += &self.figure(&svg::heatmap(self.t(title), &map.tokens, &mean(of)), &caption);
            }
        }
        out
    }

    /// What the outcome does along the strongest features.
    fn effects(&self, w: &WhySection, effect: impl Fn(f64) -> String + Copy) -> String {
        let mut out = String::new();
        for c in &w.effects {
            let title = tr_with(self.lang, "why.effect_of", &[("feature", &c.feature)]);
            let n = tr_with(self.lang, "why.effect_caption", &[("n", &numbers::count(c.rows as i64))]);
            let picture = if c.categorical {
                let rows: Vec<_> = c.points.iter().map(|p| (p.label.clone(), p.effect, Some((p.low, p.high)))).collect();
                svg::bars(&title, &rows, effect)
            } else {
                // Per cent where the outcome is a chance, so that the axis says what the sentence says.
                let times = if c.scale == Scale::Probability { 100.0 } else { 1.0 };
                let line = |y: fn(&crate::explain::effect::Point) -> f64| c.points.iter().map(|p| (p.value, times * y(p))).collect();
                let series: [(&str, Vec<(f64, f64)>); 3] = [
                    (self.t("why.mean_column"), line(|p| p.effect)),
                    (self.t("why.low_column"), line(|p| p.low)),
                    (self.t("why.high_column"), line(|p| p.high)),
                ];
                let unit = if c.scale == Scale::Probability { "why.unit_points" } else { "why.unit_log_odds" };
                svg::lines(&title, &series, (&c.feature, self.t(unit)), false)
            };
            out += &self.figure(&picture, &format!("{title}. {} {n}", crate::explain::words::curve(c, self.lang)));
        }
        out
    }

    /// The checks with their numbers.
    fn trust(&self, w: &WhySection) -> String {
        use crate::explain::trust::Verdict;
        let Some(trust) = &w.trust else { return String::new() };
        let mut out = format!("<h3>{}</h3><ul>", escape(self.t("why.trust")));
        for c in &trust.checks {
            let verdict = match c.verdict {
                Verdict::Ok => "why.trust_ok",
                Verdict::Doubtful => "why.trust_doubtful",
                Verdict::Failed => "why.trust_failed",
            };
            let _ = write!(out, "<li><b>{}</b>: {}</li>", escape(self.t(verdict)), escape(&c.said.say(self.lang)));
        }
        out += "</ul>";
        out += &self.trust_curves(trust);
        let name = |i: usize| w.rows.features.get(i).cloned().unwrap_or_default();
        let pairs: Vec<String> = trust
            .twins
            .iter()
            .take(5)
            .map(|t| format!("[{} ~ {}] (r = {})", name(t.a), name(t.b), numbers::fixed(t.correlation, 2)))
            .collect();
        if !pairs.is_empty() {
            let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&tr_with(self.lang, "why.twins", &[("pairs", &pairs.join(", "))])));
        }
        if let Some(s) = &w.stability {
            let _ = write!(out, "<p>{}</p>", escape(&crate::explain::words::stability(s, self.lang)));
        }
        out
    }

    fn rankings(&self, r: &Report) -> String {
        let mut out = String::new();
        for g in &r.rankings {
            let _ = write!(
                out,
                "<p>{}</p>",
                escape(&tr_with(self.lang, "report.for_person", &[("person", &g.person), ("outcome", &g.outcome)]))
            );
            let binary = r.models.iter().any(|m| m.outcomes.iter().any(|o| o.name == g.outcome && o.is_binary()));
            let show = |v: f64| if binary { numbers::percent(v) } else { numbers::plain(v) };
            let rows: Vec<Vec<String>> = g
                .items
                .iter()
                .take(20)
                .map(|i| {
                    vec![
                        i.item.clone(),
                        i.rank.to_string(),
                        show(i.predicted),
                        numbers::count(i.impressions as i64),
                        i.observed.map_or_else(|| "–".to_owned(), show),
                        i.features
                            .iter()
                            .filter(|(_, value)| *value != i.item)
                            .take(4)
                            .map(|(name, value)| format!("{name} = {}", brief(value)))
                            .collect::<Vec<_>>()
                            .join("; "),
                    ]
                })
                .collect();
            out += &self.table(
                &["report.item", "report.rank", "report.predicted", "report.impressions", "report.observed", "report.item_features"],
                &[1, 2, 3, 4],
                &rows,
            );
            if g.items.len() > 20 {
                let text = tr_with(self.lang, "report.first_items", &[("shown", &20), ("count", &numbers::count(g.items.len() as i64))]);
                let _ = write!(out, "<p class=\"weak\">{}</p>", escape(&text));
            }
            for reason in &g.reason {
                let _ = write!(out, "<p>{}</p>", escape(&reason.say(self.lang)));
            }
            let bars: Vec<_> =
                g.against_second.iter().map(|c| (format!("{}: {} / {}", c.feature, c.first, c.second), c.effect, None)).collect();
            let effect = |v: f64| if binary { numbers::points(v) } else { numbers::signed(v) };
            if !bars.is_empty() {
                let left = tr_with(self.lang, "report.left_over", &[("rest", &effect(g.gap))]);
                let caption = format!("{} {left} {}", self.t("report.against_caption"), self.t("why.grade_c"));
                out += &self.figure(&svg::bars(self.t("report.against"), &bars, effect), &caption);
            }
            out += &self.list(&g.warnings);
        }
        out
    }

    fn levers(&self, r: &Report) -> String {
        let rows: Vec<Vec<String>> = r
            .levers
            .iter()
            .filter(|l| r.roles.levers.contains(&l.column) || l.status != LeverStatus::Free)
            .map(|l| {
                let status = match l.status {
                    LeverStatus::Free => "report.free",
                    LeverStatus::Locked => "report.locked",
                    LeverStatus::Overridden => "report.overridden",
                    LeverStatus::Fixed => "report.fixed",
                };
                vec![l.column.clone(), self.t(status).to_owned(), l.reason.as_ref().map_or_else(String::new, |n| n.say(self.lang))]
            })
            .collect();
        self.table(&["report.column", "report.status", "report.reason"], &[], &rows)
    }

    fn limits(&self, r: &Report) -> String {
        format!("<p>{}</p>{}", self.t("report.always"), self.list(&r.notices))
    }

    fn again(&self, r: &Report) -> String {
        let models: String =
            r.models.iter().map(|m| format!("<li>{}: <code>{}</code></li>", escape(&m.spec.name), escape(&m.fingerprint.0))).collect();
        format!(
            "<p>{}</p><pre>whybench run recipe.toml --out results</pre><ul>{models}</ul><pre>{}</pre>",
            escape(&tr_with(self.lang, "report.how", &[("file", &r.data_path), ("version", &r.version)])),
            escape(&r.recipe)
        )
    }
}

/// A cell in few characters: the JSON report has all of them.
fn brief(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => numbers::plain(number),
        _ if value.chars().count() > 14 => value.chars().take(12).chain(['…']).collect(),
        _ => value.to_owned(),
    }
}

fn auc(m: &ModelCard) -> Option<f64> {
    match &m.evaluation.first()?.figures {
        Figures::Binary(b) => b.auc,
        Figures::Number(_) => None,
    }
}

/// AUC with its 95 % interval.
fn auc_words(m: &ModelCard) -> String {
    let f = |v: f64| numbers::fixed(v, 3);
    match m.evaluation.first().map(|e| &e.figures) {
        Some(Figures::Binary(b)) => match (b.auc, b.auc_interval) {
            (Some(a), Some((low, high))) => format!("{} [{} … {}]", f(a), f(low), f(high)),
            (a, _) => a.map_or_else(|| "–".to_owned(), f),
        },
        _ => "–".to_owned(),
    }
}

/// A number with its interval, in the given unit.
fn band_as(e: &Estimate, show: impl Fn(f64) -> String) -> String {
    if e.low == e.high { show(e.value) } else { format!("{} [{} … {}]", show(e.value), show(e.low), show(e.high)) }
}

/// A number with its interval.
fn band(e: &Estimate, signed: bool) -> String {
    band_as(e, |v| if signed { numbers::signed(v) } else { numbers::plain(v) })
}
