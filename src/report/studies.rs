//! Studies on the page: experiments, spending curves, budgets. Prints results; computes nothing.

use super::chart;
use super::html::Page;
use super::svg::{self, escape};
use crate::base::{numbers, tr_with};
use crate::strategy::budget::{Allocation, Fit};
use crate::strategy::causal::Light;
use crate::strategy::study::{Finding, Studied};
use crate::strategy::words::chart::Chart;
use crate::strategy::words::{self, Sheet};

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
            let sentences: String = sentences.map(|(m, c)| said(&words::comparison(r, m, c, p.lang))).collect();
            decided.collect::<String>()
                + &said(&r.reason.say(p.lang))
                + &picture(p, "experiments.effects", &caption, &words::differences(r, p.lang))
                + &sentences
                + &words::daily(r, p.lang).iter().map(|(caption, c)| picture(p, "studies.daily", caption, c)).collect::<String>()
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
                said(&tr_with(p.lang, b.key(), &fields))
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
                    + &a.earnings.as_ref().map_or_else(String::new, |e| said(&e.advice.say(p.lang)))
                    + &lights(p, &a.checks)
            };
            let pictures = words::uplift_pictures(r, p.lang).into_iter().map(|(key, caption, c)| picture(p, key, &caption, &c));
            let advised = r.policy.as_ref().map_or_else(String::new, |c| {
                format!("<h4>{}</h4>", escape(p.t("uplift.policy_head")))
                    + &said(&c.reason.say(p.lang))
                    + &sheet(&words::rule_sheet(c, p.lang), 2)
                    + &said(&c.claim.say(p.lang))
                    + &sheet(&words::candidates(c, p.lang), 1)
            });
            r.arms.iter().map(graded).collect::<String>()
                + &ending_in_words(&words::arms(r, p.lang), 1, true)
                + &pictures.collect::<String>()
                + &advised
                + &format!("<h4>{}</h4>", escape(p.t("studies.rank")))
                + &sheet(&words::rankings(r, p.lang), 1)
                + &p.list(&r.definitions)
                + &p.list(&r.assumptions)
                + &p.list(&r.warnings)
        }
        Some(Finding::Policy(v)) => {
            let pictures = words::policy_pictures(v, p.lang).into_iter().map(|(key, caption, c)| picture(p, key, &caption, &c));
            format!("<p class=\"lead\">{} <span class=\"grade\">{:?}</span></p>", escape(&words::policy_says(v, p.lang)), v.grade)
                + &said(&v.reason.say(p.lang))
                + &pictures.collect::<String>()
                + &ending_in_words(&words::policy_values(v, p.lang), 1, true)
                + &p.list(&v.methods)
                + &p.list(&v.warnings)
        }
        Some(Finding::Mapping(m)) => said(p.t("experiments.hint_action")) + &sheet(&words::proposals(m, p.lang), 3),
        Some(Finding::Customers(v)) => {
            let pictures = words::pictures(v, p.lang).into_iter().map(|(key, caption, c)| picture(p, key, &caption, &c));
            said(&words::valuation(v, p.lang))
                + &sheet(&words::segments(v, p.lang), 1)
                + &pictures.collect::<String>()
                + &p.list(&v.methods)
                + &p.list(&v.warnings)
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
                + &regret(p, t)
                + &sheet(&words::policies(t, p.lang), 1)
                + &words::stayed(t, p.lang).map_or_else(String::new, |s| said(&s) + &sheet(&words::stays(t, p.lang), 1))
                + &words::returned(t, p.lang).iter().map(|s| said(s)).collect::<String>()
                + &p.list(&t.warnings)
        }
        Some(Finding::Feedback(f)) => feedback(p, f),
        None => String::new(),
    };
    head + &body
}

/// Regret round by round, one curve a policy.
fn regret(p: &Page, t: &crate::strategy::bandit::Tried) -> String {
    p.figure(&chart::svg(p.t("experiments.regret"), &words::regret(t, p.lang)), p.t("experiments.regret_caption"))
}

/// New rows beside a model: what moved, whether it holds, old against new, and what changed in the advice.
fn feedback(p: &Page, f: &crate::strategy::feedback::Feedback) -> String {
    use words::feedback as w;
    let said = |texts: Vec<String>| texts.iter().map(|t| format!("<p>{}</p>", escape(t))).collect::<String>();
    let one = |text: Option<String>| said(text.into_iter().collect());
    let titled =
        |key: &str, s: &Sheet| if s.rows.is_empty() { String::new() } else { format!("<h4>{}</h4>", escape(p.t(key))) + &sheet(s, 1) };
    let of = tr_with(p.lang, "feedback.of_model", &[("rows", &numbers::count(f.rows as i64)), ("model", &f.model)]);
    said(vec![of])
        + &one(w::calibration(f, p.lang))
        + &one(w::outcome(f, p.lang))
        + &one(w::compared(f, p.lang))
        + &said(f.advice.iter().map(|a| w::advice(a, p.lang)).collect())
        + &one(w::drift(f, p.lang))
        + &p.list(&f.columns)
        + &titled("feedback.drifts", &w::drifts(f, p.lang))
        + &titled("feedback.groups", &w::groups(f, p.lang))
        + &titled("feedback.shifts", &w::shifts(f, p.lang))
        + &p.list(&f.warnings)
}

/// Checks, each with the word of its light.
fn lights(p: &Page, checks: &[crate::strategy::causal::Check]) -> String {
    let line = |c: &crate::strategy::causal::Check| {
        let (class, word) = match c.status {
            Light::Ok => ("weak", "experiments.light_ok"),
            Light::Warn => ("badge", "experiments.light_warn"),
            Light::Bad => ("badge", "experiments.light_bad"),
        };
        format!("<li><span class=\"{class}\">{}</span> · {}</li>", escape(p.t(word)), escape(&c.sentence.say(p.lang)))
    };
    format!("<ul>{}</ul>", checks.iter().map(line).collect::<String>())
}

/// A picture with its title and caption; nothing where there is nothing to draw.
fn picture(p: &Page, key: &str, caption: &str, c: &Chart) -> String {
    if c.is_empty() {
        return String::new();
    }
    let title = p.t(key);
    format!("<h4>{}</h4>", escape(title)) + &p.figure(&chart::svg(title, c), caption)
}

/// A table on the page; the first columns are names, the others numbers.
fn sheet(s: &Sheet, names: usize) -> String {
    ending_in_words(s, names, false)
}

/// The same; the last column may be words that take several lines.
fn ending_in_words(s: &Sheet, names: usize, words: bool) -> String {
    let right: Vec<usize> = (names..s.head.len() - usize::from(words && !s.head.is_empty())).collect();
    let cells: Vec<Vec<String>> = s.rows.iter().map(|r| r.iter().map(|c| escape(c)).collect()).collect();
    Page::cells(&s.head, &right, &cells)
}
