//! The terms of a scenario: what a conversion is worth, what contacts and offers cost, through which channel, how many and
//! whom first, when. All are what the analyst believes, and marked so wherever they are used.

use eframe::egui::{self, RichText, Ui};

use crate::ml::Outcome;
use crate::session::state::Command;
use crate::strategy::news::{self, News};
use crate::strategy::{First, Scenario};
use crate::ui::views::why::name_it;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// An amount of a scenario.
struct Field {
    key: &'static str,
    help: &'static str,
    of: fn(&mut Scenario) -> &mut Option<f64>,
    /// Entered in per cent, kept as a share.
    percent: bool,
}

const FIELDS: [Field; 8] = [
    Field { key: "why.value_per_conversion", help: "why.value_per_conversion_help", of: |s| &mut s.value_per_conversion, percent: false },
    Field { key: "why.margin", help: "why.margin_help", of: |s| &mut s.margin, percent: true },
    Field { key: "why.cost_per_contact", help: "why.cost_per_contact_help", of: |s| &mut s.cost_per_contact, percent: false },
    Field { key: "why.cost_per_conversion", help: "why.cost_per_conversion_help", of: |s| &mut s.cost_per_conversion, percent: false },
    Field { key: "why.fixed_cost", help: "why.fixed_cost_help", of: |s| &mut s.fixed_cost, percent: false },
    Field { key: "why.budget", help: "why.budget_help", of: |s| &mut s.budget, percent: false },
    Field { key: "why.capacity", help: "why.capacity_help", of: |s| &mut s.capacity, percent: false },
    Field { key: "why.days", help: "why.days_help", of: |s| &mut s.days, percent: false },
];

/// Width of a field.
const WIDTH: f32 = 96.0;

/// The fields as typed.
#[derive(Default)]
pub struct Fields {
    typed: [Option<String>; FIELDS.len()],
    fault: [bool; FIELDS.len()],
}

impl Fields {
    /// Another scenario is on the bench.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Draws the fields.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, outcome: &Outcome, s: &mut Scenario) {
        let news = goodness(ui, cx, outcome);
        let two = ui.available_width() >= 496.0;
        egui::Grid::new("terms").num_columns(if two { 4 } else { 2 }).spacing([theme::SPACE, theme::TIGHT]).show(ui, |ui| {
            let mut placed = 0;
            let mut next = |ui: &mut Ui| {
                placed += 1;
                if !two || placed % 2 == 0 {
                    ui.end_row();
                }
            };
            for i in 0..FIELDS.len() {
                self.field(ui, cx, s, i, news);
                next(ui);
            }
            first(ui, cx, s, news);
            next(ui);
            channel(ui, cx, s);
            next(ui);
            start(ui, cx, s);
            next(ui);
        });
        if self.fault.iter().any(|f| *f) {
            basic::warning(ui, cx.t("why.not_an_amount"));
        }
        if FIELDS.iter().any(|f| (f.of)(s).is_some()) || s.channel.is_some() {
            basic::chip(ui, cx.t("why.assumption"), cx.tokens.warn, cx.t("why.money_help"));
        } else {
            basic::caption(ui, cx.t("why.no_money"));
        }
    }

    fn field(&mut self, ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario, i: usize, news: News) {
        let f = &FIELDS[i];
        let value = (f.of)(s);
        let label = ui.label(RichText::new(cx.t(news.word(f.key))).color(cx.tokens.weak)).on_hover_text(cx.t(news.word(f.help)));
        let shown = value.map_or_else(String::new, |v| if f.percent { format!("{} %", rounded(v * 100.0)) } else { v.to_string() });
        let mut text = self.typed[i].clone().unwrap_or(shown);
        let field =
            egui::TextEdit::singleline(&mut text).min_size(egui::vec2(WIDTH, 0.0)).desired_width(WIDTH).hint_text(cx.t("why.not_entered"));
        let response = ui.add(field).labelled_by(label.id);
        if response.changed() {
            self.typed[i] = Some(text.clone());
            self.fault[i] = false;
        }
        if response.lost_focus() && self.typed[i].is_some() {
            match parse(&text, f.percent) {
                Ok(new) => {
                    *value = new;
                    self.typed[i] = None;
                }
                Err(()) => self.fault[i] = true,
            }
        }
    }
}

/// Dust of a share times a hundred is taken away.
fn rounded(v: f64) -> f64 {
    (v * 1e9).round() / 1e9
}

/// Whether the outcome is good news: what the analyst said, else what its name sounds like, always in sight.
fn goodness(ui: &mut Ui, cx: &mut Cx<'_>, outcome: &Outcome) -> News {
    let Some(section) = cx.session.recipe.as_ref().map(|r| &r.simulate) else { return News::Good };
    // Said twice, it is the simulation that refuses; a click here says it once.
    let (news, guessed) = section.news(outcome).unwrap_or_default();
    let mut said = None;
    ui.horizontal_wrapped(|ui| {
        let title = cx.tw("why.news", &[("case", &basic::shorten(&news::case(outcome), 40))]);
        ui.label(RichText::new(title).color(cx.tokens.weak)).on_hover_text(cx.t("why.news_help"));
        for (of, key) in [(News::Good, "why.news_good"), (News::Bad, "why.news_bad")] {
            if ui.selectable_label(news == of, cx.t(key)).on_hover_text(cx.t("why.news_help")).clicked() {
                said = Some(of);
            }
        }
        if guessed {
            ui.label(RichText::new(cx.t("why.news_guessed")).size(theme::SMALL).color(cx.tokens.weak));
        }
    });
    if let Some(of) = said {
        cx.command(Command::SetSimulate(section.clone().saying(news::listed(outcome), of)));
        return of;
    }
    news
}

/// Who is reached where not everybody can be.
fn first(ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario, news: News) {
    ui.label(RichText::new(cx.t("why.first")).color(cx.tokens.weak)).on_hover_text(cx.t(news.word("why.first_help")));
    let name = |f: First| cx.t(if f == First::Chance { "why.first_chance" } else { news.word("why.first_gain") });
    let shown = name(s.first);
    let combo = egui::ComboBox::from_id_salt("first").width(WIDTH).truncate().selected_text(shown).show_ui(ui, |ui| {
        for f in [First::Chance, First::Gain] {
            ui.selectable_value(&mut s.first, f, name(f));
        }
    });
    name_it(&combo.response, cx.t("why.first"), shown);
}

/// Through which of the channels that are described below.
fn channel(ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario) {
    ui.label(RichText::new(cx.t("why.channel")).color(cx.tokens.weak)).on_hover_text(cx.t("why.channel_help"));
    let none = cx.t("why.channel_none");
    let shown = s.channel.clone().unwrap_or_else(|| none.to_owned());
    let known = cx.session.recipe.as_ref().map_or(&[][..], |r| &r.simulate.channels);
    let combo =
        egui::ComboBox::from_id_salt("channel").width(WIDTH).truncate().selected_text(basic::shorten(&shown, 16)).show_ui(ui, |ui| {
            ui.selectable_value(&mut s.channel, None, none);
            for c in known {
                ui.selectable_value(&mut s.channel, Some(c.name.clone()), basic::shorten(&c.name, 40)).on_hover_text(&c.name);
            }
            if known.is_empty() {
                ui.label(RichText::new(cx.t("why.channel_first")).size(theme::SMALL).color(cx.tokens.weak));
            }
        });
    name_it(&combo.response, cx.t("why.channel"), &shown);
}

/// The first day, for the reader.
fn start(ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario) {
    let label = ui.label(RichText::new(cx.t("why.start")).color(cx.tokens.weak)).on_hover_text(cx.t("why.start_help"));
    let mut text = s.start.clone().unwrap_or_default();
    // Kept while it is typed and sent when it is done: half a date is no date.
    let id = ui.scope_id().with("start-typed");
    if let Some(typed) = ui.data(|d| d.get_temp::<String>(id)) {
        text = typed;
    }
    let response = ui
        .add(egui::TextEdit::singleline(&mut text).min_size(egui::vec2(WIDTH, 0.0)).desired_width(WIDTH).hint_text("2026-11-27"))
        .labelled_by(label.id);
    if response.changed() {
        ui.data_mut(|d| d.insert_temp(id, text.clone()));
    }
    if response.lost_focus() {
        ui.data_mut(|d| d.remove::<String>(id));
        s.start = Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    }
}

/// An amount, or none for an empty field; a thousands separator is fine, a negative amount is not. A share is entered in per
/// cent and is at most all of it.
pub(super) fn parse(text: &str, percent: bool) -> Result<Option<f64>, ()> {
    let text = text.trim().trim_end_matches(['%', '％']).replace([',', ' '], "");
    if text.is_empty() {
        return Ok(None);
    }
    let amount = text.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0).ok_or(())?;
    if !percent {
        return Ok(Some(amount));
    }
    if amount <= 100.0 { Ok(Some(amount / 100.0)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_or_refused() {
        for (text, expected) in
            [("", Ok(None)), (" 40 ", Ok(Some(40.0))), ("1,200.5", Ok(Some(1200.5))), ("x", Err(())), ("-1", Err(())), ("inf", Err(()))]
        {
            assert_eq!(parse(text, false), expected, "{text}");
        }
        assert_eq!(parse("35 %", true), Ok(Some(0.35)));
        assert_eq!(parse("120", true), Err(()), "no more than all of it");
    }
}
