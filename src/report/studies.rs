//! Studies on the page: experiments, spending curves, budgets. Prints results; computes nothing.

use super::html::Page;
use super::svg::{self, escape};
use crate::base::{Lang, numbers, tr_with};
use crate::strategy::budget::{Allocation, Fit};
use crate::strategy::experiment::Reading;
use crate::strategy::study::{Finding, Studied};
use crate::strategy::words::{self, Sheet};

/// Effects of an experiment with their bands.
pub fn reading(r: &Reading, title: &str, lang: Lang) -> String {
    let line = |m: &crate::strategy::experiment::read::MetricReading| {
        let name = words::metric(m, lang);
        let of = |c: &crate::strategy::experiment::read::Comparison| {
            let e = c.relative?;
            Some((format!("{}: {name}", c.variant), e.effect, Some(e.ci)))
        };
        m.comparisons.iter().filter_map(of).collect::<Vec<_>>()
    };
    svg::bars(title, &r.metrics.iter().flat_map(line).collect::<Vec<_>>(), words::signed_percent)
}

/// All curves of a series, side by side.
pub fn curves(fit: &Fit, axes: (&str, &str)) -> Vec<String> {
    let one = |c: &crate::strategy::budget::fit::Found| {
        svg::lines(&c.name, &[(c.name.as_str(), words::points(&c.curve, c.seen, 48))], axes, false)
    };
    fit.channels.iter().map(one).collect()
}

/// A split as bars.
pub fn shares(a: &Allocation, title: &str) -> String {
    let rows: Vec<_> = a.shares.iter().map(|s| (s.name.clone(), s.spend, s.spend_band)).collect();
    svg::bars(title, &rows, numbers::plain)
}

/// One study: its name, what was found in words, a picture, all numbers as a table, and what limits them.
pub(super) fn study(p: &Page, s: &Studied) -> String {
    let said = |text: &str| format!("<p>{}</p>", escape(text));
    let head = format!("<h3>{}</h3>", escape(&s.name));
    if let Some(fault) = &s.fault {
        return head + &said(&fault.say(p.lang));
    }
    let body = match &s.finding {
        Some(Finding::Experiment(r)) => {
            let decided = r.decisions.iter().map(|d| {
                let word = p.t(words::word_key(d.word));
                format!(
                    "<p class=\"lead\">{}: {word} <span class=\"grade\">{:?}</span></p>{}",
                    escape(&d.variant),
                    r.grade,
                    said(&d.reason.say(p.lang))
                )
            });
            let caption = tr_with(
                p.lang,
                "experiments.caption",
                &[
                    ("n", &numbers::count(r.people as i64)),
                    ("control", &r.asked.control),
                    ("share", &format!("{} %", numbers::plain(100.0 * (1.0 - r.asked.alpha)))),
                ],
            );
            let sentences = r.metrics.iter().flat_map(|m| m.comparisons.iter().map(move |c| (m, c)));
            let sentences: String = sentences.map(|(m, c)| said(&words::comparison(m, c, &r.asked.control, p.lang))).collect();
            decided.collect::<String>()
                + &said(&r.reason.say(p.lang))
                + &p.figure(&reading(r, p.t("experiments.effects"), p.lang), &caption)
                + &sentences
                + &sheet(&words::reading(r, p.lang), 2)
                + &p.list(&r.warnings)
        }
        Some(Finding::Curves { fit, .. }) => {
            let caption = tr_with(
                p.lang,
                "experiments.curves_caption",
                &[("weeks", &fit.weeks), ("r2", &numbers::percent(fit.r2)), ("replicates", &fit.options.replicates)],
            );
            let pictures = curves(fit, (p.t("experiments.spending"), p.t("experiments.response"))).concat();
            fit.channels.iter().map(|c| said(&words::channel(c, p.lang))).collect::<String>()
                + &p.figure(&pictures, &caption)
                + &sheet(&words::curves(fit, p.lang), 1)
                + &p.list(&fit.warnings)
        }
        Some(Finding::Budget(a)) => {
            let caption = p.t(if a.response_band.is_some() { "experiments.split_caption_bands" } else { "experiments.split_caption" });
            let price = |b: &crate::strategy::budget::allocate::Binding| {
                let fields: [(&str, &dyn std::fmt::Display); 2] =
                    [("limit", &b.what.say(p.lang)), ("price", &numbers::signed(b.shadow_price))];
                said(&tr_with(p.lang, "experiments.price", &fields))
            };
            said(&words::allocation(a, p.lang))
                + &p.figure(&shares(a, p.t("experiments.split_picture")), caption)
                + &sheet(&words::shares(a, p.lang), 1)
                + &a.binding.iter().map(price).collect::<String>()
                + &p.list(&a.warnings)
        }
        Some(Finding::Uplift(r)) => {
            let graded = |a: &crate::strategy::uplift::ArmResult| {
                let line = escape(&words::arm(a, r, p.lang));
                format!("<p class=\"lead\">{line} <span class=\"grade\">{:?}</span></p>", a.grade)
                    + &said(&a.reason.say(p.lang))
                    + &said(&a.verdict.say(p.lang))
                    + &p.list(&a.checks.iter().map(|c| c.sentence.clone()).collect::<Vec<_>>())
            };
            let rows: Vec<_> = r.arms.iter().map(|a| (a.treatment.clone(), a.effect.value, Some((a.effect.low, a.effect.high)))).collect();
            let show = |v: f64| if r.binary { numbers::points(v) } else { numbers::signed(v) };
            let caption = tr_with(
                p.lang,
                "experiments.uplift_caption",
                &[("control", &r.control), ("learner", &r.learner.name()), ("base", &r.base.name())],
            );
            let advised = r.policy.as_ref().map_or_else(String::new, |c| {
                let rules: String = words::rules(c, p.lang).iter().map(|rule| format!("<li>{}</li>", escape(rule))).collect();
                said(&c.reason.say(p.lang)) + &said(&c.claim.say(p.lang)) + &format!("<ul>{rules}</ul>")
            });
            r.arms.iter().map(graded).collect::<String>()
                + &p.figure(&svg::bars(p.t("experiments.uplift"), &rows, show), &caption)
                + &sheet(&words::arms(r, p.lang), 1)
                + &advised
                + &p.list(&r.definitions)
                + &p.list(&r.assumptions)
                + &p.list(&r.warnings)
        }
        Some(Finding::Policy(v)) => {
            let rows: Vec<_> = words::estimates(v).into_iter().filter_map(|(name, e)| Some((name, e.value?, e.ci))).collect();
            let caption = tr_with(
                p.lang,
                "experiments.policy_caption",
                &[
                    ("n", &numbers::count(v.rows as i64)),
                    ("ess", &numbers::fixed(v.ess, 1)),
                    ("max", &numbers::plain(v.max_weight)),
                    ("mean", &numbers::fixed(v.mean_weight, 3)),
                ],
            );
            format!("<p class=\"lead\">{} <span class=\"grade\">{:?}</span></p>", escape(&v.reason.say(p.lang)), v.grade)
                + &p.figure(&svg::bars(p.t("experiments.policy_value"), &rows, numbers::plain), &caption)
                + &sheet(&words::policy_values(v, p.lang), 1)
                + &p.list(&v.methods)
                + &p.list(&v.warnings)
        }
        Some(Finding::Customers(v)) => {
            said(&words::valuation(v, p.lang)) + &sheet(&words::segments(v, p.lang), 1) + &p.list(&v.methods) + &p.list(&v.warnings)
        }
        Some(Finding::Bandit(t)) => {
            let rows: Vec<_> =
                t.outcomes.iter().map(|o| (p.t(o.policy.key()).to_owned(), o.lift.mean, Some((o.lift.low, o.lift.high)))).collect();
            let caption = tr_with(
                p.lang,
                "experiments.trial_caption",
                &[
                    ("models", &t.replay.expected.len()),
                    ("seeds", &t.settings.seeds),
                    ("rounds", &numbers::count(t.settings.rounds as i64)),
                ],
            );
            let picture = if rows.is_empty() { String::new() } else { svg::bars(p.t("experiments.trial"), &rows, numbers::points) };
            format!("<p class=\"lead\">{} <span class=\"grade\">{:?}</span></p>", escape(&words::tried(t, p.lang)), t.grade)
                + &said(&t.reason.say(p.lang))
                + &p.figure(&picture, &caption)
                + &sheet(&words::policies(t, p.lang), 1)
                + &words::stayed(t, p.lang).map_or_else(String::new, |s| said(&s) + &sheet(&words::stays(t, p.lang), 1))
                + &words::returned(t, p.lang).iter().map(|s| said(s)).collect::<String>()
                + &p.list(&t.warnings)
        }
        None => String::new(),
    };
    head + &body
}

/// A table on the page; the first columns are names, the others numbers.
fn sheet(s: &Sheet, names: usize) -> String {
    let right: Vec<usize> = (names..s.head.len()).collect();
    let cells: Vec<Vec<String>> = s.rows.iter().map(|r| r.iter().map(|c| escape(c)).collect()).collect();
    Page::cells(&s.head, &right, &cells)
}
