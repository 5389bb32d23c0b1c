//! Money assumptions: what the analyst believes a conversion earns and a contact costs. Marked as assumptions wherever
//! they are used; nothing is shown in currency before.

use eframe::egui::{self, RichText, Ui};

use crate::strategy::Scenario;
use crate::ui::Cx;
use crate::ui::widgets::basic;

/// The three fields as typed.
#[derive(Default)]
pub struct Fields {
    typed: [Option<String>; 3],
    fault: [bool; 3],
}

const KEYS: [(&str, &str); 3] = [
    ("why.value_per_conversion", "why.value_per_conversion_help"),
    ("why.cost_per_contact", "why.cost_per_contact_help"),
    ("why.fixed_cost", "why.fixed_cost_help"),
];

impl Fields {
    /// Another scenario is on the bench.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Draws the fields.
    pub fn ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, s: &mut Scenario) {
        let values = [&mut s.value_per_conversion, &mut s.cost_per_contact, &mut s.fixed_cost];
        let any = values.iter().any(|v| v.is_some());
        egui::Grid::new("money").num_columns(2).show(ui, |ui| {
            for (i, value) in values.into_iter().enumerate() {
                let (key, help) = KEYS[i];
                let label = ui.label(RichText::new(cx.t(key)).color(cx.tokens.weak)).on_hover_text(cx.t(help));
                let mut text = self.typed[i].clone().unwrap_or_else(|| value.map_or_else(String::new, |v| v.to_string()));
                let field = egui::TextEdit::singleline(&mut text).desired_width(96.0).hint_text(cx.t("why.not_entered"));
                let response = ui.add(field).labelled_by(label.id);
                if response.changed() {
                    self.typed[i] = Some(text.clone());
                    self.fault[i] = false;
                }
                if response.lost_focus() && self.typed[i].is_some() {
                    match parse(&text) {
                        Ok(new) => {
                            *value = new;
                            self.typed[i] = None;
                        }
                        Err(()) => self.fault[i] = true,
                    }
                }
                ui.end_row();
            }
        });
        if self.fault.iter().any(|f| *f) {
            basic::warning(ui, cx.t("why.not_an_amount"));
        }
        if any {
            basic::chip(ui, cx.t("why.assumption"), cx.tokens.warn, cx.t("why.money_help"));
        } else {
            basic::caption(ui, cx.t("why.no_money"));
        }
    }
}

/// An amount, or none for an empty field; a thousands separator is fine, a negative amount is not.
fn parse(text: &str) -> Result<Option<f64>, ()> {
    let text = text.trim().replace([',', ' '], "");
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0).map(Some).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_or_refused() {
        for (text, expected) in
            [("", Ok(None)), (" 40 ", Ok(Some(40.0))), ("1,200.5", Ok(Some(1200.5))), ("x", Err(())), ("-1", Err(())), ("inf", Err(()))]
        {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
