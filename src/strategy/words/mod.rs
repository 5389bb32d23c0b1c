//! Studies in words and tables: generated from the numbers, for window, report and command line alike.

pub mod chart;
mod customers;
mod experiment;
pub mod feedback;
mod frontier;
mod policy;
mod uplift;
mod versus;

pub use customers::{checked, pictures, segment, segments, valuation};
pub use experiment::{comparison, daily, differences, metric, p_value, reading, version_key, word_key};
pub use frontier::{frontier_chart, frontier_says};
pub use policy::{estimates, method, policy_pictures, policy_says, policy_values, proposals, wanted};
pub use uplift::{arm, arms, base, candidates, condition, learner, outcome, rankings, rule_sheet, rules, uplift_pictures};
pub use versus::{Versus, versus, versus_sheet};

use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::bandit::run::{POINTS, Spread};
use crate::strategy::bandit::{Outcome, Tried};
use crate::strategy::budget::allocate::Allocation;
use crate::strategy::budget::fit::{Banded, Found};
use crate::strategy::budget::plan::Goal;
use crate::strategy::budget::{Curve, Fit};

/// A table as shown: the heads, and the cells of each line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Heads.
    pub head: Vec<String>,
    /// Lines.
    pub rows: Vec<Vec<String>>,
}

fn sheet(lang: Lang, head: &[&str], rows: Vec<Vec<String>>) -> Sheet {
    Sheet { head: head.iter().map(|k| tr(lang, k).to_owned()).collect(), rows }
}

/// A share as per cent, with its sign.
pub fn signed_percent(v: f64) -> String {
    if v > 0.0 { format!("+{}", numbers::percent(v)) } else { numbers::percent(v) }
}

fn band(b: &Banded, show: impl Fn(f64) -> String) -> String {
    format!("{} ({} … {})", show(b.value), show(b.low), show(b.high))
}

/// One channel's curve in a sentence.
pub fn channel(c: &Found, lang: Lang) -> String {
    if c.curve.beta == 0.0 {
        return tr_with(lang, "budget.no_response", &[("channel", &c.name)]);
    }
    // Half of what it rises to is reached where tanh is one half.
    let half = 2.0 * 0.5f64.atanh() / c.curve.lambda;
    tr_with(
        lang,
        "budget.says_curve",
        &[
            ("channel", &c.name),
            ("share", &band(&c.share, numbers::percent)),
            ("half", &numbers::plain(half)),
            ("carry", &band(&c.carry, numbers::percent)),
        ],
    )
}

/// All curves as a table.
pub fn curves(fit: &Fit, lang: Lang) -> Sheet {
    let row = |c: &Found| {
        vec![
            c.name.clone(),
            band(&c.share, numbers::percent),
            band(&c.beta, numbers::plain),
            band(&c.lambda, numbers::plain),
            band(&c.carry, numbers::percent),
            numbers::plain(c.seen),
        ]
    };
    let head =
        ["budget.head_channel", "budget.head_share", "budget.head_beta", "budget.head_lambda", "budget.head_carry", "budget.head_seen"];
    sheet(lang, &head, fit.channels.iter().map(row).collect())
}

/// A split in a sentence: what it spends, what that gives, and against today.
pub fn allocation(a: &Allocation, lang: Lang) -> String {
    let response = |v: f64| numbers::plain(v);
    let band = a.response_band.map_or_else(String::new, |(l, h)| format!(" ({} … {})", response(l), response(h)));
    let mut text =
        tr_with(lang, "budget.says_split", &[("spend", &numbers::plain(a.spend)), ("response", &response(a.response)), ("band", &band)]);
    if let Some(now) = a.response_now.filter(|now| *now > 0.0) {
        text += &tr_with(lang, "budget.says_now", &[("now", &response(now)), ("change", &signed_percent(a.response / now - 1.0))]);
    }
    if let Some(roi) = a.roi {
        text += &tr_with(lang, "budget.says_roi", &[("roi", &numbers::plain(roi))]);
    }
    if a.plan.goal != Goal::Fixed && a.plan.budget.is_some() && a.unspent > 0.0 {
        text += &tr_with(lang, "budget.says_left", &[("unspent", &numbers::plain(a.unspent))]);
    }
    text
}

/// A split as a table.
pub fn shares(a: &Allocation, lang: Lang) -> Sheet {
    let dash = || "–".to_owned();
    let band = |b: Option<(f64, f64)>| b.map_or_else(dash, |(l, h)| format!("{} … {}", numbers::plain(l), numbers::plain(h)));
    let row = |s: &crate::strategy::budget::allocate::Share| {
        vec![
            s.name.clone(),
            s.now.map_or_else(dash, numbers::plain),
            numbers::plain(s.spend),
            band(s.spend_band),
            numbers::plain(s.response),
            band(s.response_band),
            numbers::plain(s.marginal),
        ]
    };
    let head = ["channel", "now", "spend", "spend_band", "response", "response_band", "marginal"].map(|h| format!("budget.head_{h}"));
    sheet(lang, &head.each_ref().map(String::as_str), a.shares.iter().map(row).collect())
}

/// What a trial on simulated users comes to, in a sentence.
pub fn tried(t: &Tried, lang: Lang) -> String {
    if let Some(refused) = &t.refused {
        return refused.say(lang);
    }
    let Some(best) = t.outcomes.first() else { return String::new() };
    // A policy that does not beat showing everything equally often in nearly every run has not won.
    // Where the models' opinion of single actions may be chance, every policy does well by what is not so.
    let key = match (t.replay.tells(), best.lift.low > 0.0) {
        (false, _) => "bandit.says_blind",
        (true, true) => "bandit.says_best",
        (true, false) => "bandit.says_none",
    };
    let lift = format!("{} ({} … {})", numbers::points(best.lift.mean), numbers::points(best.lift.low), numbers::points(best.lift.high));
    tr_with(
        lang,
        key,
        &[
            ("policy", &tr(lang, best.policy.key())),
            ("rate", &numbers::percent(best.reward.mean)),
            ("lift", &lift),
            ("rounds", &numbers::count(t.settings.rounds as i64)),
        ],
    )
}

/// Regret round by round, one curve a policy; nothing to draw where none was tried.
pub fn regret(t: &Tried, lang: Lang) -> chart::Chart {
    let step = t.settings.rounds as f64 / POINTS as f64;
    let point = |(i, v): (usize, &f64)| chart::Point { x: step * (i + 1) as f64, value: *v, band: None };
    let curve = |o: &Outcome| chart::Curve {
        name: tr(lang, o.policy.key()).to_owned(),
        part: chart::Part::Main,
        points: o.curve.iter().enumerate().map(point).collect(),
    };
    chart::Chart::Lines(chart::Lines {
        x_name: tr(lang, "experiments.round_axis").to_owned(),
        y_name: tr(lang, "experiments.regret").to_owned(),
        curves: t.outcomes.iter().map(curve).collect(),
        ..chart::Lines::default()
    })
}

/// A trial as a table.
pub fn policies(t: &Tried, lang: Lang) -> Sheet {
    let band = |s: &Spread, show: fn(f64) -> String| format!("{} … {}", show(s.low), show(s.high));
    let row = |o: &Outcome| {
        vec![
            tr(lang, o.policy.key()).to_owned(),
            numbers::percent(o.reward.mean),
            band(&o.reward, numbers::percent),
            numbers::points(o.lift.mean),
            band(&o.lift, numbers::points),
            numbers::plain(o.regret.mean),
            numbers::percent(o.retention.mean),
        ]
    };
    let head = ["policy", "rate", "spread", "lift", "lift_spread", "regret", "retention"].map(|h| format!("bandit.head_{h}"));
    sheet(lang, &head.each_ref().map(String::as_str), t.outcomes.iter().map(row).collect())
}

/// What comes of people who come back under the best of the policies for them, in a sentence; nothing where the log does not
/// say who comes back.
pub fn stayed(t: &Tried, lang: Lang) -> Option<String> {
    let stays = t.outcomes.iter().filter_map(|o| Some((o, o.stay.as_ref()?)));
    let (best, stay) = stays.max_by(|a, b| a.1.reward.mean.total_cmp(&b.1.reward.mean))?;
    let back = stay.back.last()?;
    let lift = format!("{} ({} … {})", signed(stay.lift.mean), signed(stay.lift.low), signed(stay.lift.high));
    Some(tr_with(
        lang,
        "bandit.says_stay",
        &[
            ("policy", &tr(lang, best.policy.key())),
            ("days", &t.settings.horizon.min(t.returns.as_ref().map_or(u32::MAX, |r| r.span))),
            ("reward", &numbers::plain(stay.reward.mean)),
            ("lift", &lift),
            ("back", &numbers::percent(back.share.mean)),
            ("within", &back.days),
        ],
    ))
}

fn signed(v: f64) -> String {
    if v > 0.0 { format!("+{}", numbers::plain(v)) } else { numbers::plain(v) }
}

/// Who comes back under which policy, as a table.
pub fn stays(t: &Tried, lang: Lang) -> Sheet {
    let band = |s: &Spread, show: fn(f64) -> String| format!("{} ({} … {})", show(s.mean), show(s.low), show(s.high));
    let stays: Vec<_> = t.outcomes.iter().filter_map(|o| Some((o, o.stay.as_ref()?))).collect();
    let row = |(o, s): &(&Outcome, &crate::strategy::bandit::Stay)| {
        let mut row = vec![tr(lang, o.policy.key()).to_owned(), band(&s.reward, numbers::plain), band(&s.lift, numbers::plain)];
        row.extend(s.back.iter().map(|b| band(&b.share, numbers::percent)));
        row.extend([band(&s.active, numbers::percent), band(&s.visits, numbers::plain)]);
        row
    };
    let back = stays.first().map(|(_, s)| s.back.clone()).unwrap_or_default();
    let mut head: Vec<String> = ["policy", "person", "person_lift"].map(|h| tr(lang, &format!("bandit.head_{h}")).to_owned()).to_vec();
    head.extend(back.iter().map(|b| tr_with(lang, "bandit.head_back", &[("days", &b.days)])));
    head.extend(["active", "visits"].map(|h| tr(lang, &format!("bandit.head_{h}")).to_owned()));
    Sheet { head, rows: stays.iter().map(row).collect() }
}

/// How well the models give back who came back, one sentence each.
pub fn returned(t: &Tried, lang: Lang) -> Vec<String> {
    let say = |b: &crate::strategy::bandit::returns::Back| {
        let expected: Vec<String> = b.expected.iter().map(|e| numbers::percent(*e)).collect();
        let fields: [(&str, &dyn std::fmt::Display); 6] = [
            ("whom", &tr(lang, if b.first { "bandit.whom_first" } else { "bandit.whom_any" })),
            ("days", &b.days),
            ("logged", &numbers::percent(b.logged)),
            ("low", &numbers::percent(b.interval.0)),
            ("high", &numbers::percent(b.interval.1)),
            ("expected", &expected.join(", ")),
        ];
        tr_with(lang, "bandit.replay_back", &fields)
    };
    t.returns.iter().flat_map(|r| &r.check).map(say).collect()
}

/// Points of a curve from nothing to a little beyond what was seen.
pub fn points(c: &Curve, seen: f64, n: usize) -> Vec<(f64, f64)> {
    (0..=n).map(|i| seen * 1.2 * i as f64 / n.max(1) as f64).map(|x| (x, c.at(x))).collect()
}
