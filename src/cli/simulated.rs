//! Scenarios as text: who is reached and what comes of it, money, what each adds and how they stand against each other, and
//! what to know of each.

use super::commands::table;
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::simulate::between::Player;
use crate::strategy::simulate::{Estimate, ScenarioResult, Simulation};
use crate::strategy::words;

fn band(e: &Estimate, show: fn(f64) -> String) -> String {
    if e.low == e.high { show(e.value) } else { format!("{} [{} … {}]", show(e.value), show(e.low), show(e.high)) }
}

fn or_dash(e: Option<&Estimate>, show: fn(f64) -> String) -> String {
    e.map_or_else(|| "–".to_owned(), |e| band(e, show))
}

/// Everything that a person reads of it; the file holds every digit.
pub(super) fn text(sim: &Simulation, lang: Lang) -> String {
    let key = |k: &'static str| tr(lang, sim.news.word(k)).to_owned();
    let name = |s: &ScenarioResult| if s.name.is_empty() { tr(lang, "cli.baseline").to_owned() } else { s.name.clone() };
    let (of, each) = if sim.amount { ("report.total", "report.mean") } else { ("cli.conversions", "cli.rate") };
    let mut rows = vec![["cli.scenario", "cli.grade", "cli.reach", of, each].map(key).to_vec()];
    if !sim.class.is_empty() {
        rows[0][3] += &format!(" ({}: {})", sim.outcome, sim.class);
    }
    let fixed = |v: f64| numbers::fixed(v, 1);
    for s in &sim.scenarios {
        let rate = if sim.amount { numbers::plain(s.rate.value) } else { numbers::percent(s.rate.value) };
        rows.push(vec![name(s), format!("{:?}", s.grade), numbers::count(s.reach.value as i64), band(&s.conversions, fixed), rate]);
    }
    let mut out = table(&rows);
    for said in sim.assumptions.iter().filter(|a| a.code.starts_with("strategy.news_bad") || a.code == "strategy.model_band") {
        out += &format!("{}\n", said.say(lang));
    }
    out += &money(sim, lang);
    out += &added(sim, lang);
    if let Some(b) = &sim.between {
        let title = tr_with(lang, "cli.between", &[("name", &b.name), ("other", &b.against)]);
        let mut parts = vec![vec![title, key("cli.conversions"), tr(lang, "cli.profit").to_owned()]];
        parts.extend(b.parts.iter().map(|p| {
            let name = match &p.player {
                Player::Lever(column) => column.clone(),
                other => key(other.key()),
            };
            vec![name, numbers::signed(p.conversions), p.profit.map_or_else(|| "–".to_owned(), numbers::signed)]
        }));
        out += &format!("\n{}", table(&parts));
    }
    if let Some(f) = &sim.frontier {
        out += &format!("\n{}\n", words::frontier_says(f, lang));
    }
    for s in sim.scenarios.iter().skip(1) {
        out += &format!("\n{} ({:?}): {}\n", s.name, s.grade, s.reason.say(lang));
        s.warnings.iter().for_each(|w| out += &format!("  {}\n", w.say(lang)));
    }
    out
}

/// Money and the other outcomes, those columns that any scenario has.
fn money(sim: &Simulation, lang: Lang) -> String {
    type Column = (&'static str, fn(&ScenarioResult) -> Option<&Estimate>, fn(f64) -> String);
    let columns: [Column; 6] = [
        ("why.revenue", |s| s.revenue.as_ref(), numbers::plain),
        ("why.cost", |s| s.cost.as_ref(), numbers::plain),
        ("why.profit", |s| s.profit.as_ref(), numbers::plain),
        ("why.roi", |s| s.roi.as_ref(), numbers::percent),
        ("why.retention", |s| s.retention.as_ref(), numbers::percent),
        ("why.satisfaction", |s| s.satisfaction.as_ref(), numbers::plain),
    ];
    let some: Vec<&Column> = columns.iter().filter(|c| sim.scenarios.iter().any(|s| c.1(s).is_some())).collect();
    if some.is_empty() {
        return String::new();
    }
    let mut rows = vec![vec![tr(lang, "cli.scenario").to_owned()]];
    rows[0].extend(some.iter().map(|c| tr(lang, sim.news.word(c.0)).to_owned()));
    for s in &sim.scenarios {
        let mut row = vec![if s.name.is_empty() { tr(lang, "cli.baseline").to_owned() } else { s.name.clone() }];
        row.extend(some.iter().map(|c| or_dash(c.1(s), c.2)));
        rows.push(row);
    }
    format!("\n{}", table(&rows))
}

/// What each adds to people as they are, and to every other scenario.
fn added(sim: &Simulation, lang: Lang) -> String {
    let head = |first: &'static str| {
        vec![
            tr(lang, first).to_owned(),
            tr(lang, sim.news.word("cli.conversions")).to_owned(),
            tr(lang, sim.news.word("why.revenue")).to_owned(),
            tr(lang, "cli.profit").to_owned(),
        ]
    };
    let mut rows = vec![head("cli.added")];
    for d in &sim.differences {
        let money = [&d.revenue, &d.profit].map(|e| or_dash(e.as_ref(), numbers::signed));
        rows.push([d.name.clone(), band(&d.conversions, numbers::signed)].into_iter().chain(money).collect());
    }
    let mut out = if rows.len() > 1 { format!("\n{}", table(&rows)) } else { String::new() };
    if !sim.pairs.is_empty() {
        let sheet = words::versus_sheet(sim, lang);
        let all: Vec<Vec<String>> = std::iter::once(sheet.head).chain(sheet.rows).collect();
        out += &format!("\n{}", table(&all));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_was_found_is_printed() {
        let sim = crate::report::tests::simulation(crate::strategy::simulate::Covers::Sample);
        for lang in [Lang::En, Lang::Zh] {
            let text = text(&sim, lang);
            assert!(!text.contains('{'), "{text}");
            for s in sim.scenarios.iter().skip(1) {
                assert!(text.matches(&s.name).count() >= 3, "{} in {text}", s.name);
                assert!(text.contains(&s.reason.say(lang)) && s.warnings.iter().all(|w| text.contains(&w.say(lang))), "{text}");
                let figures = [&s.cost, &s.profit].map(|e| e.as_ref().map(|e| numbers::plain(e.value)));
                assert!(figures.iter().flatten().all(|f| text.contains(f)), "{figures:?} in {text}");
            }
            for d in &sim.differences {
                assert!(text.contains(&numbers::signed(d.conversions.value)), "{text}");
            }
        }
    }

    #[test]
    fn two_scenarios_against_each_other_say_every_figure() {
        let mut sim = crate::report::tests::simulation(crate::strategy::simulate::Covers::Sample);
        sim.pairs = vec![crate::report::tests::versus()];
        for lang in [Lang::En, Lang::Zh] {
            let text = text(&sim, lang);
            for said in ["+40", "−181 [−220 … −90]", "+16", "−7,240 [−7,600 … −6,900]", "−7,256", "−0.20 pp"] {
                assert!(text.contains(said), "{said} in {text}");
            }
            assert!(text.contains(tr(lang, "why.versus_less")) && !text.contains('{'));
        }
        // What nobody has is no column.
        sim.pairs[0].roi = None;
        assert!(!text(&sim, Lang::En).contains("−0.20 pp"));
    }

    #[test]
    fn an_amount_is_no_share() {
        let mut sim = crate::report::tests::simulation(crate::strategy::simulate::Covers::Sample);
        let share = numbers::percent(sim.scenarios[1].rate.value);
        assert!(text(&sim, Lang::En).contains(&share));
        sim.amount = true;
        let said = text(&sim, Lang::En);
        assert!(!said.contains(&share) && said.contains(&numbers::plain(sim.scenarios[1].rate.value)), "{said}");
    }
}
