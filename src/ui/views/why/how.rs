//! How to explain: compared with whom, and by which method. The first choice is what an analyst thinks of; methods are
//! second opinions.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use super::rows::{Words, condition};
use super::{Subject, name_it, one};
use crate::explain::Method;
use crate::explain::method::methods;
use crate::ml::model::Structure;
use crate::ml::{Model, OutcomeKind};
use crate::session::pipeline::comparing;
use crate::ui::Cx;
use crate::ui::widgets::basic;

/// What the pickers remember.
#[derive(Default)]
pub struct How {
    /// `None`: the training average; `all`; or a condition.
    against: Option<String>,
    /// Whether a condition of one's own is being typed.
    own: bool,
    text: String,
    fault: Option<String>,
    method: Option<Method>,
}

/// The words around the group's condition.
const GROUP: Words = Words { label: "why.group", help: "why.group_help", hint: "why.group_hint" };

impl How {
    /// Method and group, as far as they fit the model.
    pub fn chosen(&self, model: &Arc<dyn Model>) -> (Option<Method>, Option<String>) {
        let structure = model.structure();
        let fitting = methods(&structure);
        let method = self.method.filter(|m| fitting.contains(m));
        let against = self.against.clone();
        match (method, against) {
            (Some(m), None) if m.needs_reference() => (Some(m), Some("all".to_owned())),
            (Some(m), Some(_)) if !m.needs_reference() && m != Method::LinearShap => (Some(comparing(&structure)), self.against.clone()),
            (None, Some(a)) => (Some(comparing(&structure)), Some(a)),
            (None, None) if matches!(structure, Structure::Opaque) => (Some(comparing(&structure)), Some("all".to_owned())),
            other => other,
        }
    }

    /// Both pickers.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) {
        // Those who did not: the group that analysts compare buyers with.
        let not = subject.model.card().outcomes.get(subject.outcome).and_then(|o| match &o.kind {
            OutcomeKind::Binary { negative, .. } if !negative.is_empty() => {
                Some(format!("{} = '{negative}'", crate::data::segment::quoted(&o.name)))
            }
            _ => None,
        });
        let shown = match &self.against {
            _ if self.own => cx.t("why.against_group").to_owned(),
            None if subject.against.is_none() => cx.t("why.against_training").to_owned(),
            None => cx.t("why.against_everyone").to_owned(),
            Some(a) if a == "all" => cx.t("why.against_everyone").to_owned(),
            Some(a) => a.clone(),
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.against")).color(cx.tokens.weak)).on_hover_text(cx.t("why.against_help"));
            let combo = egui::ComboBox::from_id_salt("why-against").selected_text(basic::shorten(&shown, 22)).show_ui(ui, |ui| {
                if ui.selectable_label(self.against.is_none() && !self.own, cx.t("why.against_training")).clicked() {
                    (self.against, self.own) = (None, false);
                }
                if ui.selectable_label(self.against.as_deref() == Some("all"), cx.t("why.against_everyone")).clicked() {
                    (self.against, self.own) = (Some("all".to_owned()), false);
                }
                if let Some(not) = &not
                    && ui.selectable_label(self.against.as_ref() == Some(not), not).clicked()
                {
                    (self.against, self.own) = (Some(not.clone()), false);
                }
                if ui.selectable_label(self.own, cx.t("why.against_group")).clicked() {
                    self.own = true;
                }
            });
            name_it(&combo.response, cx.t("why.against"), &shown);
        });
        if self.own {
            let now = self.against.clone().filter(|a| a != "all");
            if let Some(text) = condition(ui, cx, "why-group", &GROUP, &mut self.text, &mut self.fault, now.as_deref()) {
                self.against = text;
            }
        }
        let all = methods(&subject.model.structure());
        let current = subject.options.method.unwrap_or(all[0]);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.method")).color(cx.tokens.weak)).on_hover_text(cx.t("why.method_help"));
            let shown = cx.t(one::method_key(current));
            let combo = egui::ComboBox::from_id_salt("why-method").selected_text(basic::shorten(shown, 24)).show_ui(ui, |ui| {
                let fits = |m: &Method| {
                    let many = subject.model.card().features().len() > crate::explain::sampling::MOST_EXACT;
                    !m.is_attention() && *m != Method::Interactions && !(*m == Method::ExactShap && many)
                };
                for m in all.iter().copied().filter(fits) {
                    if ui.selectable_label(m == current, cx.t(one::method_key(m))).on_hover_text(cx.t(one::method_help(m))).clicked() {
                        self.method = Some(m);
                        if !m.needs_reference() && m != Method::LinearShap {
                            (self.against, self.own) = (None, false);
                        }
                    }
                }
            });
            name_it(&combo.response, cx.t("why.method"), shown);
        });
    }
}
