//! Scenarios against each other as figures: what the one has beyond the other, each with its band.

use super::Sheet;
use crate::base::{Lang, numbers, tr};
use crate::strategy::Simulation;
use crate::strategy::simulate::{Estimate, Pair};

/// One figure of a pair.
pub struct Versus {
    /// What it is called.
    pub name: String,
    /// The difference, with its sign.
    pub shown: String,
    /// The ends of its band; nothing where it is certain.
    pub band: Option<[String; 2]>,
}

impl Versus {
    /// The difference and its band in one.
    pub fn whole(&self) -> String {
        match &self.band {
            Some([low, high]) => format!("{} [{low} … {high}]", self.shown),
            None => self.shown.clone(),
        }
    }
}

type Column = (&'static str, fn(&Pair) -> Option<Estimate>, fn(f64) -> String);

/// Everything that a pair may say, in the order of the cards.
fn columns(sim: &Simulation) -> [Column; 8] {
    let people = |v: f64| if v > 0.0 { format!("+{}", numbers::fixed(v, 0)) } else { numbers::fixed(v, 0) };
    let all: [Column; 8] = [
        ("why.reach", |p| Some(p.reach), people),
        (if sim.amount { "why.total" } else { "why.conversions" }, |p| Some(p.conversions), numbers::signed),
        ("why.revenue", |p| p.revenue, numbers::signed),
        ("why.cost", |p| p.cost, numbers::signed),
        ("why.profit", |p| p.profit, numbers::signed),
        ("why.roi", |p| p.roi, numbers::points),
        ("why.versus_retention", |p| p.retention, numbers::points),
        ("why.versus_satisfaction", |p| p.satisfaction, numbers::signed),
    ];
    all.map(|(key, of, show)| (sim.news.word(key), of, show))
}

fn shown((key, of, show): Column, p: &Pair, lang: Lang) -> Option<Versus> {
    let e = of(p)?;
    let band = (e.low != e.high).then(|| [show(e.low), show(e.high)]);
    Some(Versus { name: tr(lang, key).to_owned(), shown: show(e.value), band })
}

/// The figures of a pair that there are.
pub fn versus(p: &Pair, sim: &Simulation, lang: Lang) -> Vec<Versus> {
    columns(sim).into_iter().filter_map(|c| shown(c, p, lang)).collect()
}

/// All pairs, one to a line, and only the figures that any of them has.
pub fn versus_sheet(sim: &Simulation, lang: Lang) -> Sheet {
    let columns: Vec<Column> = columns(sim).into_iter().filter(|c| sim.pairs.iter().any(|p| c.1(p).is_some())).collect();
    let mut head = vec![tr(lang, "why.versus_less").to_owned()];
    head.extend(columns.iter().map(|c| tr(lang, c.0).to_owned()));
    let row = |p: &Pair| {
        let cells = columns.iter().map(|c| shown(*c, p, lang).map_or_else(|| "–".to_owned(), |v| v.whole()));
        std::iter::once(format!("{} – {}", p.name, p.against)).chain(cells).collect()
    };
    Sheet { head, rows: sim.pairs.iter().map(row).collect() }
}
