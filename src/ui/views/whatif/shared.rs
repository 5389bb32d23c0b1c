//! What all scenarios share: the channels, the days that the data cover, and the other outcomes they are judged by.

use eframe::egui::{self, RichText, Ui};

use super::terms::parse;
use crate::ml::Outcome;
use crate::session::recipe::SimulateSection;
use crate::session::state::Command;
use crate::strategy::{Channel, News};
use crate::ui::views::why::name_it;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// What is being typed, until it is done: field, text.
#[derive(Default)]
pub struct Shared {
    typed: Option<(egui::Id, String)>,
    fault: bool,
}

impl Shared {
    /// Draws it, folded away until it is wanted.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, outcome: &Outcome) {
        let Some(section) = cx.session.recipe.as_ref().map(|r| r.simulate.clone()) else { return };
        let mut new = section.clone();
        egui::CollapsingHeader::new(cx.t("why.shared_title")).id_salt("whatif-shared").show(ui, |ui| {
            basic::caption(ui, cx.t("why.shared_help"));
            let news = section.news(outcome).unwrap_or_default().0;
            self.channels(ui, cx, news, &mut new.channels);
            egui::Grid::new("shared").num_columns(2).spacing([theme::SPACE, theme::TIGHT]).show(ui, |ui| {
                ui.label(RichText::new(cx.t("why.period")).color(cx.tokens.weak)).on_hover_text(cx.t("why.period_help"));
                let days = self.amount(ui, cx, ("period", "why.period"), new.period_days, false, 96.0);
                if let Some(days) = days.filter(|d| d.is_none_or(|d| d > 0.0)) {
                    new.period_days = days;
                }
                ui.end_row();
                let SimulateSection { retention, satisfaction, .. } = &mut new;
                judged(ui, cx, "why.retention", retention);
                judged(ui, cx, "why.satisfaction", satisfaction);
            });
            if self.fault {
                basic::warning(ui, cx.t("why.not_an_amount"));
            }
        });
        if new != section {
            cx.command(Command::SetSimulate(new));
        }
    }

    fn channels(&mut self, ui: &mut Ui, cx: &Cx<'_>, news: News, channels: &mut Vec<Channel>) {
        let mut gone = None;
        if !channels.is_empty() {
            egui::ScrollArea::horizontal().id_salt("channels-scroll").show(ui, |ui| {
                egui::Grid::new("channels").num_columns(6).spacing([theme::SPACE, theme::TIGHT]).show(ui, |ui| {
                    for key in ["why.channel", "why.cost_per_contact", "why.cost_per_conversion", "why.delivered", "why.capacity"] {
                        ui.label(RichText::new(cx.t(news.word(key))).size(theme::SMALL).color(cx.tokens.weak));
                    }
                    ui.end_row();
                    let names: Vec<String> = channels.iter().map(|c| c.name.clone()).collect();
                    for (i, c) in channels.iter_mut().enumerate() {
                        if let Some(name) = self.text(ui, cx, ("channel-name", i), &c.name)
                            && !name.is_empty()
                            && !names.iter().enumerate().any(|(k, n)| k != i && *n == name)
                        {
                            c.name = name;
                        }
                        let fields: [(&'static str, &mut Option<f64>, bool); 4] = [
                            ("why.cost_per_contact", &mut c.cost_per_contact, false),
                            ("why.cost_per_conversion", &mut c.cost_per_conversion, false),
                            ("why.delivered", &mut c.delivered, true),
                            ("why.capacity", &mut c.capacity, false),
                        ];
                        for (key, value, percent) in fields {
                            if let Some(amount) = self.amount(ui, cx, ((key, i), news.word(key)), *value, percent, 72.0) {
                                *value = amount;
                            }
                        }
                        let remove = cx.tw("why.remove_channel", &[("name", &c.name)]);
                        if basic::icon(ui, basic::Icon::Close, &remove, true).clicked() {
                            gone = Some(i);
                        }
                        ui.end_row();
                    }
                });
            });
        }
        if let Some(i) = gone {
            channels.remove(i);
        }
        if ui.button(cx.t("why.add_channel")).clicked() {
            let taken: Vec<&str> = channels.iter().map(|c| c.name.as_str()).collect();
            let name = super::moves::free_name(cx.t("why.channel"), &taken);
            channels.push(Channel { name, ..Channel::default() });
        }
    }

    /// A text; what it becomes once typing is done.
    fn text(&mut self, ui: &mut Ui, cx: &Cx<'_>, salt: impl std::hash::Hash + std::fmt::Debug, now: &str) -> Option<String> {
        let id = ui.scope_id().with(salt);
        let mut text = self.typed.as_ref().filter(|(i, _)| *i == id).map_or_else(|| now.to_owned(), |(_, t)| t.clone());
        let response = ui.add(egui::TextEdit::singleline(&mut text).id(id).min_size(egui::vec2(110.0, 0.0)).desired_width(110.0));
        name_it(&response, cx.t("why.channel"), now);
        if response.changed() {
            self.typed = Some((id, text.clone()));
        }
        if response.lost_focus() && self.typed.as_ref().is_some_and(|(i, _)| *i == id) {
            self.typed = None;
            return Some(text.trim().to_owned());
        }
        None
    }

    /// An amount; what it becomes once typing is done.
    fn amount(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        (salt, key): (impl std::hash::Hash + std::fmt::Debug, &'static str),
        now: Option<f64>,
        percent: bool,
        width: f32,
    ) -> Option<Option<f64>> {
        let id = ui.scope_id().with(salt);
        let shown = now.map_or_else(String::new, |v| if percent { format!("{:.6}", v * 100.0) } else { v.to_string() });
        let shown =
            if percent && shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() + " %" } else { shown };
        let mut text = self.typed.as_ref().filter(|(i, _)| *i == id).map_or_else(|| shown.clone(), |(_, t)| t.clone());
        let field = egui::TextEdit::singleline(&mut text)
            .id(id)
            .min_size(egui::vec2(width, 0.0))
            .desired_width(width)
            // Where there is no room for the words.
            .hint_text(if width < 90.0 { "–" } else { cx.t("why.not_entered") });
        let response = ui.add(field);
        name_it(&response, cx.t(key), &shown);
        if response.changed() {
            self.typed = Some((id, text.clone()));
            self.fault = false;
        }
        if response.lost_focus() && self.typed.as_ref().is_some_and(|(i, _)| *i == id) {
            self.typed = None;
            self.fault = parse(&text, percent).is_err();
            return parse(&text, percent).ok();
        }
        None
    }
}

/// An outcome of any trained model, or none.
fn judged(ui: &mut Ui, cx: &Cx<'_>, key: &'static str, chosen: &mut Option<String>) {
    ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak)).on_hover_text(cx.t("why.judged_help"));
    let mut known: Vec<String> =
        cx.session.models.values().flat_map(|m| m.value.card().outcomes.iter().filter(|o| !o.is_class()).map(|o| o.name.clone())).collect();
    known.sort();
    known.dedup();
    let none = cx.t("why.not_judged");
    let shown = chosen.clone().unwrap_or_else(|| none.to_owned());
    let combo = egui::ComboBox::from_id_salt(key).width(180.0).selected_text(basic::shorten(&shown, 26)).show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, none);
        for name in known {
            let label = basic::shorten(&name, 40);
            ui.selectable_value(chosen, Some(name.clone()), label).on_hover_text(name);
        }
    });
    name_it(&combo.response, cx.t(key), &shown);
    ui.end_row();
}
