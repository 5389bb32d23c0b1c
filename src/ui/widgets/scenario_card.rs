//! Scenario cards, side by side: each figure with its interval on a scale that all cards share, the difference to the
//! baseline, the evidence grade with its reason, and what drives the difference.

use eframe::egui::{self, Painter, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use super::{basic, signed_bars};
use crate::base::{Lang, numbers, tr, tr_with};
use crate::strategy::simulate::{Covers, Difference, Estimate, ScenarioResult, Unanswered};
use crate::strategy::{Grade, Simulation};
use crate::ui::theme::{self, Tokens};

/// Width of a card.
pub const WIDTH: f32 = 232.0;

/// One line of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// People.
    Reach,
    /// Conversions, or the total amount.
    Conversions,
    /// Rate, or mean per person.
    Rate,
    /// Money earned.
    Revenue,
    /// Money spent.
    Cost,
    /// Earned less spent.
    Profit,
    /// Profit per money spent.
    Roi,
    /// Share of people who stay.
    Retention,
    /// Satisfaction per person.
    Satisfaction,
}

impl Figure {
    /// All lines, in their order.
    pub const ALL: [Self; 9] = [
        Self::Reach,
        Self::Conversions,
        Self::Rate,
        Self::Revenue,
        Self::Cost,
        Self::Profit,
        Self::Roi,
        Self::Retention,
        Self::Satisfaction,
    ];

    /// Catalogue key of the name.
    pub fn key(self, is_rate: bool) -> &'static str {
        match self {
            Self::Reach => "why.reach",
            Self::Conversions if is_rate => "why.conversions",
            Self::Conversions => "why.total",
            Self::Rate if is_rate => "why.rate",
            Self::Rate => "why.mean_per_person",
            Self::Revenue => "why.revenue",
            Self::Cost => "why.cost",
            Self::Profit => "why.profit",
            Self::Roi => "why.roi",
            Self::Retention => "why.retention",
            Self::Satisfaction => "why.satisfaction",
        }
    }
    /// Its estimate in a result; money only where it was assumed.
    pub fn of(self, r: &ScenarioResult) -> Option<Estimate> {
        match self {
            Self::Reach => Some(r.reach),
            Self::Conversions => Some(r.conversions),
            Self::Rate => Some(r.rate),
            Self::Revenue => r.revenue,
            Self::Cost => r.cost,
            Self::Profit => r.profit,
            Self::Roi => r.roi,
            Self::Retention => r.retention,
            Self::Satisfaction => r.satisfaction,
        }
    }
    /// Its change against the baseline, where that is computed person by person.
    pub fn change(self, d: &Difference) -> Option<Estimate> {
        match self {
            Self::Conversions => Some(d.conversions),
            Self::Rate => Some(d.rate),
            Self::Revenue => d.revenue,
            Self::Profit => d.profit,
            Self::Retention => d.retention,
            Self::Satisfaction => d.satisfaction,
            Self::Reach | Self::Cost | Self::Roi => None,
        }
    }
    /// A value as shown.
    pub fn show(self, x: f64, is_rate: bool) -> String {
        match self {
            Self::Reach => numbers::fixed(x, 0),
            Self::Rate if is_rate => numbers::percent(x),
            Self::Roi | Self::Retention => numbers::percent(x),
            Self::Revenue | Self::Cost | Self::Profit => numbers::fixed(x, if x.abs() < 100.0 { 2 } else { 0 }),
            Self::Conversions if x.abs() >= 1000.0 => numbers::fixed(x, 0),
            Self::Conversions | Self::Rate | Self::Satisfaction => numbers::plain(x),
        }
    }
    /// A change as shown, signed.
    pub fn show_change(self, x: f64, is_rate: bool) -> String {
        match self {
            Self::Rate if is_rate => numbers::points(x),
            Self::Retention => numbers::points(x),
            _ => {
                let shown = self.show(x, is_rate);
                if x > 0.0 { format!("+{shown}") } else { shown }
            }
        }
    }
}

/// The scale of a figure's interval bars, shared by all cards; `None` where nothing is to be compared.
pub fn shared_axis(all: &[ScenarioResult], figure: Figure, left: f32, right: f32) -> Option<Axis> {
    let ends: Vec<f64> = all.iter().filter_map(|r| figure.of(r)).flat_map(|e| [e.low, e.value, e.high]).collect();
    (!ends.is_empty()).then(|| Axis::spanning(ends, left, right, 0.05))
}

/// Draws one card; `baseline` is drawn as a tick on each interval bar.
pub fn ui(ui: &mut Ui, sim: &Simulation, i: usize, is_rate: bool, lang: Lang) {
    let t = Tokens::of(ui.ctx());
    let Some(result) = sim.scenarios.get(i) else { return };
    let baseline = sim.scenarios.first().filter(|_| i > 0);
    let difference = i.checked_sub(1).and_then(|d| sim.differences.get(d));
    egui::Frame::new().fill(t.raised).stroke(Stroke::new(1.0, t.rule)).corner_radius(6).inner_margin(12).show(ui, |ui| {
        ui.set_width(WIDTH - 24.0);
        ui.horizontal(|ui| {
            grade_chip(ui, result.grade, &result.reason.say(lang), lang);
            let name = if i == 0 { tr(lang, "why.baseline") } else { &result.name };
            basic::name(ui, name, theme::BODY, Tokens::of(ui.ctx()).text).on_hover_text(name);
        });
        for figure in Figure::ALL {
            let Some(estimate) = figure.of(result) else { continue };
            // Money of bad news is a change already.
            let twice = !sim.news.is_good() && matches!(figure, Figure::Revenue | Figure::Profit);
            let change = difference.and_then(|d| figure.change(d)).filter(|_| !twice);
            line(ui, sim, figure, estimate, change, baseline.and_then(|b| figure.of(b)), is_rate, lang);
        }
        basic::caption(ui, &covers_words(result.rate.covers, lang));
        if result.outside > 0.0 {
            basic::chip(
                ui,
                &tr_with(lang, "why.outside", &[("share", &numbers::percent(result.outside))]),
                t.warn,
                tr(lang, "why.outside_help"),
            );
        }
        for w in &result.warnings {
            ui.add(egui::Label::new(RichText::new(w.say(lang)).size(theme::SMALL).color(t.warn)).wrap());
        }
        if let Some(d) = difference.filter(|d| !d.drivers.is_empty()) {
            ui.add_space(theme::SPACE);
            let title = tr(lang, "why.drivers");
            ui.label(RichText::new(title).size(theme::SMALL).color(t.weak)).on_hover_text(tr(lang, sim.news.word("why.drivers_help")));
            let bars: Vec<_> = d
                .drivers
                .iter()
                .map(|(name, amount)| signed_bars::Bar {
                    name: name.clone(),
                    amount: *amount,
                    shown: Figure::Conversions.show_change(*amount, is_rate),
                    ..signed_bars::Bar::default()
                })
                .collect();
            signed_bars::ui(ui, &bars, title);
        }
    });
}

/// The card of a scenario that could not be answered: why, and what to do.
pub fn unanswered(ui: &mut Ui, lost: &Unanswered, lang: Lang) {
    let t = Tokens::of(ui.ctx());
    egui::Frame::new().fill(t.raised).stroke(Stroke::new(1.0, t.rule)).corner_radius(6).inner_margin(12).show(ui, |ui| {
        ui.set_width(WIDTH - 24.0);
        ui.horizontal(|ui| {
            basic::chip(ui, tr(lang, "why.unanswered"), t.warn, tr(lang, "why.unanswered_help"));
            basic::name(ui, &lost.name, theme::BODY, t.text).on_hover_text(&lost.name);
        });
        basic::warning(ui, &lost.fault.say(lang));
    });
}

/// The grade as a chip with its reason; readable without colour.
pub fn grade_chip(ui: &mut Ui, grade: Grade, reason: &str, lang: Lang) {
    let t = Tokens::of(ui.ctx());
    let (letter, meaning, colour) = match grade {
        Grade::A => ("A", "why.grade_a", t.good),
        Grade::B => ("B", "why.grade_b", t.good),
        Grade::C => ("C", "why.grade_c", t.accent),
        Grade::D => ("D", "why.grade_d", t.warn),
    };
    basic::chip(ui, &tr_with(lang, "why.grade", &[("grade", &letter)]), colour, &format!("{}\n{reason}", tr(lang, meaning)));
}

fn line(
    ui: &mut Ui,
    sim: &Simulation,
    f: Figure,
    e: Estimate,
    change: Option<Estimate>,
    base: Option<Estimate>,
    is_rate: bool,
    lang: Lang,
) {
    let t = Tokens::of(ui.ctx());
    let name = tr(lang, sim.news.word(f.key(is_rate)));
    let shown = f.show(e.value, is_rate);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    let changed = change.map(|c| f.show_change(c.value, is_rate));
    response.widget_info(|| {
        let tail = changed.as_ref().map(|c| format!(" ({c})")).unwrap_or_default();
        WidgetInfo::labeled(Role::Label, true, format!("{name}: {shown}{tail}"))
    });
    let axis = shared_axis(&sim.scenarios, f, rect.left() + 4.0, rect.right() - 4.0);
    if ui.is_rect_visible(rect) {
        paint_line(ui.painter(), t, rect, name, &shown, changed.as_deref(), axis, e, base);
    }
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(format!("{name}: {shown}")).strong());
        let fields: [(&str, &dyn std::fmt::Display); 2] = [("low", &f.show(e.low, is_rate)), ("high", &f.show(e.high, is_rate))];
        ui.label(tr_with(lang, "why.interval", &fields));
        ui.label(covers_words(e.covers, lang));
        if matches!(f, Figure::Roi) {
            ui.label(tr(lang, sim.news.word("why.roi_help")));
        }
        if let Some(c) = change {
            let fields: [(&str, &dyn std::fmt::Display); 3] = [
                ("change", &f.show_change(c.value, is_rate)),
                ("low", &f.show_change(c.low, is_rate)),
                ("high", &f.show_change(c.high, is_rate)),
            ];
            ui.label(tr_with(lang, "why.change_exact", &fields));
        }
    });
}

fn paint_line(
    p: &Painter,
    t: &Tokens,
    r: Rect,
    name: &str,
    shown: &str,
    change: Option<&str>,
    axis: Option<Axis>,
    e: Estimate,
    base: Option<Estimate>,
) {
    use eframe::egui::Align2;
    let top = Rect::from_min_max(r.min, pos2(r.right(), r.top() + 20.0));
    super::ink::text(
        p,
        Rect::from_min_max(top.min, pos2(top.left() + top.width() * 0.34, top.bottom())),
        Align2::LEFT_CENTER,
        name,
        t.weak,
    );
    let figures = Rect::from_min_max(pos2(top.left() + top.width() * 0.34, top.top()), pos2(top.left() + top.width() * 0.68, top.bottom()));
    super::ink::text(p, figures, Align2::RIGHT_CENTER, shown, t.text);
    if let Some(change) = change {
        let place = Rect::from_min_max(pos2(figures.right() + 4.0, top.top()), top.max);
        super::ink::text(p, place, Align2::RIGHT_CENTER, change, t.weak);
    }
    let Some(axis) = axis else { return };
    let y = r.top() + 26.0;
    p.hline(axis.left..=axis.right, y, Stroke::new(1.0, t.rule));
    if e.low.is_finite() && e.high.is_finite() {
        let (low, high) = (axis.at(e.low), axis.at(e.high));
        p.rect_filled(Rect::from_min_max(pos2(low, y - 2.0), pos2(high.max(low + 1.0), y + 2.0)), 2.0, t.soft(t.accent, 0.45));
    }
    if let Some(base) = base.filter(|b| b.value.is_finite()) {
        p.vline(axis.at(base.value), y - 5.0..=y + 5.0, Stroke::new(1.0, t.weak));
    }
    if e.value.is_finite() {
        p.circle_filled(pos2(axis.at(e.value), y), 3.0, t.accent);
    }
}

/// What the intervals cover.
pub fn covers_words(covers: Covers, lang: Lang) -> String {
    tr(
        lang,
        match covers {
            Covers::Sample => "why.covers_sample",
            Covers::Model => "why.covers_model",
            Covers::Outcome => "why.covers_outcome",
        },
    )
    .to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::{Fingerprint, Notice};
    use crate::strategy::Terms;

    fn estimate(value: f64) -> Estimate {
        Estimate { value, low: value * 0.9, high: value * 1.1, covers: Covers::Sample }
    }

    /// Baseline and one scenario; money only if asked for.
    pub(crate) fn simulation(money: bool) -> Simulation {
        let result = |name: &str, conversions: f64| ScenarioResult {
            name: name.into(),
            grade: Grade::C,
            reason: Notice::new("why.grade_c"),
            people: 1000.0,
            reach: estimate(1000.0),
            conversions: estimate(conversions),
            rate: estimate(conversions / 1000.0),
            revenue: money.then(|| estimate(conversions * 40.0)),
            cost: money.then(|| estimate(50.0)),
            profit: money.then(|| estimate(conversions * 40.0 - 50.0)),
            roi: money.then(|| estimate((conversions * 40.0 - 50.0) / 50.0)),
            retention: money.then(|| estimate(0.4)),
            satisfaction: money.then(|| estimate(3.9)),
            book: None,
            money: Terms::default(),
            outside: 0.0,
            warnings: vec![],
        };
        Simulation {
            model_name: "trees".into(),
            model: Fingerprint::of(b"m"),
            data: Fingerprint::of(b"d"),
            outcome: "Revenue".into(),
            class: String::new(),
            amount: false,
            case: "Revenue".into(),
            news: crate::strategy::News::Good,
            unanswered: vec![],
            scenarios: vec![result("Baseline", 155.0), result("Push", 180.0)],
            differences: vec![Difference {
                name: "Push".into(),
                conversions: estimate(25.0),
                rate: estimate(0.025),
                revenue: money.then(|| estimate(1000.0)),
                profit: money.then(|| estimate(1000.0)),
                retention: None,
                satisfaction: None,
                drivers: vec![("SpecialDay".into(), 30.0), ("Month".into(), -5.0)],
            }],
            pairs: vec![],
            between: None,
            frontier: None,
            sensitivity: vec![],
            assumptions: vec![],
            seed: 1,
            replicates: 200,
            retrained: 0,
            warnings: vec![],
        }
    }

    #[test]
    fn all_cards_share_a_scale() {
        let s = simulation(true);
        for f in Figure::ALL {
            let axis = shared_axis(&s.scenarios, f, 0.0, 100.0).unwrap();
            for r in &s.scenarios {
                let e = f.of(r).unwrap();
                for v in [e.low, e.value, e.high] {
                    assert!((0.0..=100.0).contains(&axis.at(v)), "{f:?}");
                }
            }
        }
    }

    #[test]
    fn no_money_before_it_is_entered() {
        use egui_kittest::Harness;
        use egui_kittest::kittest::Queryable as _;
        for money in [false, true] {
            let s = simulation(money);
            assert_eq!(shared_axis(&s.scenarios, Figure::Revenue, 0.0, 1.0).is_some(), money);
            let mut h = Harness::builder().with_size([280.0, 640.0]).build_ui(|ui| super::ui(ui, &s, 1, true, Lang::En));
            h.run();
            let shows = |h: &Harness<'_>, word: &str| h.query_all_by_label_contains(word).next().is_some();
            assert!(shows(&h, "180"));
            for key in ["why.revenue", "why.profit", "why.roi", "why.cost"] {
                assert_eq!(shows(&h, &format!("{}:", tr(Lang::En, key))), money, "{key}");
            }
        }
    }

    #[test]
    fn figures_are_written_in_their_units() {
        assert_eq!(Figure::Rate.show(0.155, true), "15.5 %");
        assert_eq!(Figure::Rate.show_change(0.025, true), "+2.5 pp");
        assert_eq!(Figure::Reach.show(12330.0, true), "12,330");
        assert_eq!(Figure::Profit.show_change(-1234.0, true), "−1,234");
        assert_eq!(Figure::Roi.show(1.5, true), "150.0 %");
    }
}
