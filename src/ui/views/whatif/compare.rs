//! Two scenarios against each other: by how much the one beats the other, on the same people, and what that comes from.

use eframe::egui::{self, RichText, Ui};

use crate::base::{Lang, numbers, tr};
use crate::session::ledger;
use crate::session::state::Ask;
use crate::strategy::simulate::between::{Between, Player};
use crate::strategy::simulate::{Covers, Pair};
use crate::strategy::{Grade, News, Simulation, words};
use crate::ui::views::why::{self, name_it};
use crate::ui::widgets::{basic, figure, sheet, signed_bars};
use crate::ui::{Cx, theme};

/// What the pane remembers: the other scenario and the one.
#[derive(Default)]
pub struct Compare {
    two: Option<[String; 2]>,
}

impl Compare {
    /// Draws it where there are two scenarios.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, model: &str, sim: &Simulation, twins: &mut figure::Twins) {
        if sim.pairs.is_empty() {
            return;
        }
        let names: Vec<String> = sim.scenarios.iter().skip(1).map(|s| s.name.clone()).collect();
        let known = |two: &[String; 2]| two[0] != two[1] && two.iter().all(|n| names.contains(n));
        let Some(mut two) = self.two.take().filter(known).or_else(|| ledger::best_two(sim)) else { return };
        basic::section(ui, cx.t("why.versus_title")).on_hover_text(cx.t("why.versus_help"));
        ui.horizontal_wrapped(|ui| {
            for (at, key) in [(1, "why.versus_one"), (0, "why.versus_other")] {
                ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak));
                let shown = two[at].clone();
                let combo = egui::ComboBox::from_id_salt(key).selected_text(basic::shorten(&shown, 24)).show_ui(ui, |ui| {
                    for n in &names {
                        let picked = ui.selectable_label(two[at] == *n, basic::shorten(n, 40)).on_hover_text(n);
                        if picked.clicked() && two[1 - at] == *n {
                            two.swap(0, 1);
                        } else if picked.clicked() {
                            two[at].clone_from(n);
                        }
                    }
                });
                name_it(&combo.response, cx.t(key), &shown);
            }
        });
        if let Some(pair) = pair(sim, &two) {
            ui.add(egui::Label::new(sentence(&pair, sim.news, cx.lang())).wrap());
            figures(ui, cx, &pair, sim);
            if sim.scenarios.iter().skip(1).any(|s| two.contains(&s.name) && s.grade == Grade::D) {
                basic::warning(ui, cx.t("why.versus_unsupported"));
            }
        }
        let ask = Ask::Between { model: model.to_owned(), two: two.clone() };
        cx.want(ask.clone());
        why::standing(ui, cx, &ask);
        if let Some(found) = cx.session.between(&ask).cloned() {
            drivers(ui, cx, &found, sim.news, twins);
        }
        ui.add_space(theme::SPACE);
        self.two = Some(two);
    }
}

/// The difference of the second to the first, whichever way round it was counted.
pub fn pair(sim: &Simulation, two: &[String; 2]) -> Option<Pair> {
    if let Some(p) = sim.pairs.iter().find(|p| p.against == two[0] && p.name == two[1]) {
        return Some(p.clone());
    }
    let p = sim.pairs.iter().find(|p| p.against == two[1] && p.name == two[0])?;
    Some(p.turned())
}

/// The difference in one sentence; whether it is beyond the chance of who is in the data.
pub fn sentence(p: &Pair, news: News, lang: Lang) -> String {
    let e = p.profit.unwrap_or(p.conversions);
    let key = match (p.profit.is_some(), e.low > 0.0 || e.high < 0.0) {
        (true, true) => "why.versus_profit",
        (true, false) => "why.versus_profit_open",
        (false, true) => "why.versus_conversions",
        (false, false) => "why.versus_conversions_open",
    };
    let beyond = if e.covers == Covers::Model { "why.versus_beyond_model" } else { "why.versus_beyond" };
    let fields: [(&str, &dyn std::fmt::Display); 9] = [
        ("beyond", &tr(lang, beyond)),
        ("name", &p.name),
        ("other", &p.against),
        ("profit", &numbers::signed(e.value)),
        ("low", &numbers::signed(e.low)),
        ("high", &numbers::signed(e.high)),
        ("conversions", &numbers::signed(p.conversions.value)),
        ("c_low", &numbers::signed(p.conversions.low)),
        ("c_high", &numbers::signed(p.conversions.high)),
    ];
    crate::base::tr_with(lang, news.word(key), &fields)
}

/// Every figure of the one less that of the other.
fn figures(ui: &mut Ui, cx: &Cx<'_>, p: &Pair, sim: &Simulation) {
    let header = ["why.figure", "why.versus_figure", "why.versus_from", "why.versus_to"].map(|k| cx.t(k).to_owned()).to_vec();
    let row = |v: words::Versus| {
        let [low, high] = v.band.unwrap_or_default();
        vec![v.name, v.shown, low, high]
    };
    let rows = words::versus(p, sim, cx.lang()).into_iter().map(row).collect();
    // A handful of lines, all of them in sight.
    sheet::ui(ui, "versus", &words::Sheet { head: header, rows }, 1);
    basic::caption(ui, cx.t("why.versus_table"));
}

/// A driver's name.
pub fn player(p: &Player, news: News, lang: Lang) -> String {
    match p {
        Player::Lever(column) => column.clone(),
        other => tr(lang, news.word(other.key())).to_owned(),
    }
}

fn drivers(ui: &mut Ui, cx: &mut Cx<'_>, found: &Between, news: News, twins: &mut figure::Twins) {
    let lang = cx.lang();
    let amount = |p: &crate::strategy::simulate::between::Part| p.profit.unwrap_or(p.conversions);
    let bars: Vec<_> = found
        .parts
        .iter()
        .map(|p| signed_bars::Bar {
            name: player(&p.player, news, lang),
            amount: amount(p),
            shown: numbers::signed(amount(p)),
            ..signed_bars::Bar::default()
        })
        .collect();
    if bars.is_empty() {
        basic::caption(ui, cx.t("why.versus_same"));
        return;
    }
    let caption = cx.t(if found.profit.is_some() { "why.versus_caption" } else { news.word("why.versus_caption_conversions") }).to_owned();
    let table = || figure::Table {
        header: ["why.driver", "why.conversions", "why.profit"].map(|k| tr(lang, news.word(k)).to_owned()).to_vec(),
        rows: found
            .parts
            .iter()
            .map(|p| {
                vec![
                    player(&p.player, news, lang),
                    numbers::signed(p.conversions),
                    p.profit.map_or_else(|| "–".to_owned(), numbers::signed),
                ]
            })
            .collect(),
    };
    let source = figure::Source { table: Box::new(table), csv: None, svg: None };
    figure::ui(ui, cx, twins, "why.versus_drivers", &caption, &source, |ui, cx| {
        signed_bars::ui(ui, &bars, cx.t("why.versus_drivers"));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::simulate::Estimate;

    #[test]
    fn a_pair_reads_the_same_from_both_sides() {
        let mut sim = crate::ui::widgets::scenario_card::tests::simulation(true);
        let e = |value: f64, low: f64, high: f64| Estimate { value, low, high, covers: Covers::Sample };
        let (name, against) = ("Push".to_owned(), "Mail".to_owned());
        sim.pairs = vec![Pair {
            name,
            against,
            reach: Estimate::exact(-40.0),
            conversions: e(5.0, 2.0, 9.0),
            revenue: Some(e(220.0, 90.0, 400.0)),
            cost: Some(Estimate::exact(20.0)),
            profit: Some(e(200.0, -10.0, 380.0)),
            roi: Some(e(0.25, -0.05, 0.5)),
            retention: Some(e(0.02, 0.01, 0.03)),
            satisfaction: None,
        }];
        let one = pair(&sim, &["Mail".to_owned(), "Push".to_owned()]).unwrap();
        assert_eq!(one, sim.pairs[0]);
        let other = pair(&sim, &["Push".to_owned(), "Mail".to_owned()]).unwrap();
        assert_eq!((other.conversions, other.profit), (e(-5.0, -9.0, -2.0), Some(e(-200.0, -380.0, 10.0))));
        assert_eq!((other.revenue, other.roi), (Some(e(-220.0, -400.0, -90.0)), Some(e(-0.25, -0.5, 0.05))));
        assert_eq!((other.retention, other.satisfaction), (Some(e(-0.02, -0.03, -0.01)), None));
        assert_eq!((other.reach.value, other.cost.unwrap().high), (40.0, -20.0));
        for lang in [Lang::En, Lang::Zh] {
            let (a, b) = (sentence(&one, News::Good, lang), sentence(&other, News::Bad, lang));
            assert!(a.contains("+200") && a.contains("Push") && b.contains("−200") && b.contains("Mail"), "{a} / {b}");
            assert!(!a.contains('{') && !b.contains('{'));
        }
        // What the band covers is what does not explain it.
        let of = |covers| {
            let sure = Estimate { covers, ..e(5.0, 2.0, 9.0) };
            sentence(&Pair { conversions: sure, profit: None, ..one.clone() }, News::Good, Lang::En)
        };
        assert!(of(Covers::Model).contains("nor which model the training gave") && of(Covers::Sample).contains("a model may have wrong"));
        assert_eq!(pair(&sim, &["Push".to_owned(), "Nobody".to_owned()]), None);
    }
}
