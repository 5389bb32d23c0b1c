//! Where a Transformer looked for one row: every head small, one head large, raw and gradient × attention side by side,
//! never without the words that say what it is not.

use eframe::egui::Ui;

use super::{Subject, standing};
use crate::base::numbers;
use crate::ml::ModelKind;
use crate::session::state::Ask;
use crate::ui::Cx;
use crate::ui::widgets::basic;
use crate::ui::widgets::heatmap::{self, Head, Layer, Textures};

/// Below this agreement of attention with the attribution a badge warns.
const AGREES: f64 = 0.3;

/// What the pane remembers.
#[derive(Default)]
pub struct AttentionPane {
    textures: Textures,
    head: Head,
    hovered: Option<(usize, usize)>,
    last: Option<std::sync::Arc<crate::explain::AttentionMap>>,
}

/// Whether there is attention to show.
pub fn has(subject: &Subject<'_>) -> bool {
    subject.model.card().spec.kind == ModelKind::Transformer
}

impl AttentionPane {
    /// Draws the attention of a row.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: Option<u32>) {
        basic::section(ui, cx.t("why.attention"));
        let Some(line) = row else { return };
        let ask = Ask::Attention { model: subject.name.to_owned(), line, outcome: subject.outcome };
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(map) = cx.session.attention(subject.name, line, subject.outcome) {
            self.last = Some(map.clone());
        }
        let Some(map) = self.last.clone() else { return };
        let lang = cx.lang();
        if map.row != line {
            basic::chip(ui, cx.t("why.stale"), cx.tokens.warn, cx.t("why.stale_help"));
        }
        if map.layers == 0 || map.heads == 0 {
            basic::caption(ui, cx.t("why.no_map"));
            return;
        }
        self.head.layer = self.head.layer.min(map.layers - 1);
        self.head.head = self.head.head.min(map.heads - 1);
        basic::caption(ui, cx.t("why.attention_caveat"));
        match map.agreement {
            Some(a) if a < AGREES => {
                let said = cx.tw("why.disagrees", &[("r", &numbers::plain(a))]);
                basic::chip(ui, &said, cx.tokens.warn, cx.t("why.disagrees_help"));
            }
            Some(a) => {
                let said = cx.tw("why.agrees", &[("r", &numbers::plain(a))]);
                basic::chip(ui, &said, cx.tokens.good, cx.t("why.disagrees_help"));
            }
            None => {}
        }
        let wide = ui.available_width() >= 560.0;
        let mut hovered = None;
        if wide {
            ui.columns(2, |columns| {
                for (ui, what) in columns.iter_mut().zip([Layer::Raw, Layer::Gradient]) {
                    hovered = hovered.or(ui.vertical(|ui| self.picture(ui, cx, &map, what)).inner);
                }
            });
        } else {
            for what in [Layer::Raw, Layer::Gradient] {
                hovered = hovered.or(self.picture(ui, cx, &map, what));
            }
        }
        if self.hovered != hovered {
            self.hovered = hovered;
            // The twin picture was drawn before this one was touched.
            ui.ctx().request_repaint();
        }
        basic::caption(ui, crate::base::tr(lang, "why.map_caption"));
    }

    fn picture(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        map: &std::sync::Arc<crate::explain::AttentionMap>,
        what: Layer,
    ) -> Option<(usize, usize)> {
        let (title, help) = match what {
            Layer::Raw => ("why.attention_raw", "why.attention_raw_help"),
            Layer::Gradient => ("why.attention_gradient", "why.attention_gradient_help"),
        };
        ui.push_id(title, |ui| {
            basic::caption(ui, cx.t(title)).on_hover_text(cx.t(help));
            if let Some(head) = heatmap::thumbnails(ui, map, &mut self.textures, what, self.head, cx.lang()) {
                self.head = head;
            }
            basic::caption(ui, &heatmap::head_name(self.head, what, cx.lang()));
            heatmap::map(ui, map, &mut self.textures, what, self.head, self.hovered, cx.lang())
        })
        .inner
    }
}
