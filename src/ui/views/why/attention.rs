//! Where a Transformer looked for one row: every head small, one head large, raw and gradient × attention side by side or
//! rolled through the layers; above them what was tested, and the words that say what attention is not.

use eframe::egui::{RichText, Ui};

use super::{Subject, standing};
use crate::base::numbers;
use crate::ml::ModelKind;
use crate::session::state::Ask;
use crate::ui::Cx;
use crate::ui::widgets::basic;
use crate::ui::widgets::heatmap::{self, Head, Layer, Textures};
use crate::ui::widgets::signed_bars::{self, Bar};

/// Below this agreement of attention with the attribution a badge warns.
const AGREES: f64 = 0.3;

/// Tokens and heads whose test is shown.
const MOST: usize = 8;

/// What the pane remembers.
#[derive(Default)]
pub struct AttentionPane {
    textures: Textures,
    head: Head,
    hovered: Option<(usize, usize)>,
    /// Through all layers instead of head by head.
    rolled: bool,
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
        self.tested(ui, cx, subject, &map);
        ui.horizontal_wrapped(|ui| {
            for (rolled, key, help) in
                [(false, "why.attention_heads", "why.attention_heads_help"), (true, "why.attention_rolled", "why.attention_rolled_help")]
            {
                if ui.selectable_label(self.rolled == rolled, cx.t(key)).on_hover_text(cx.t(help)).clicked() {
                    self.rolled = rolled;
                }
            }
        });
        let both = if self.rolled { [Layer::Rollout, Layer::GradientRollout] } else { [Layer::Raw, Layer::Gradient] };
        let wide = ui.available_width() >= 560.0;
        let mut hovered = None;
        if wide {
            ui.columns(2, |columns| {
                for (ui, what) in columns.iter_mut().zip(both) {
                    hovered = hovered.or(ui.vertical(|ui| self.picture(ui, cx, &map, what)).inner);
                }
            });
        } else {
            for what in both {
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

    /// What was tested: tokens taken out and heads silenced, strongest first.
    fn tested(&mut self, ui: &mut Ui, cx: &Cx<'_>, subject: &Subject<'_>, map: &crate::explain::AttentionMap) {
        if map.tested.len() != map.tokens.len() {
            return;
        }
        let strongest = |v: &[f64]| -> Vec<usize> {
            let mut order: Vec<usize> = (0..v.len()).filter(|i| v[*i] != 0.0).collect();
            order.sort_by(|a, b| v[*b].abs().total_cmp(&v[*a].abs()).then(a.cmp(b)));
            order
        };
        // Tests are on the scale of probabilities, whatever the attributions are shown on.
        let unit = crate::ui::widgets::units::Unit::of(subject.model.card().outcomes.get(subject.outcome), map.scale);
        let bars: Vec<Bar> = strongest(&map.tested)
            .into_iter()
            .take(MOST)
            .map(|i| Bar { name: map.tokens[i].clone(), amount: map.tested[i], shown: unit.effect(map.tested[i]), ..Bar::default() })
            .collect();
        basic::caption(ui, cx.t("why.tested")).on_hover_text(cx.t("why.tested_help"));
        signed_bars::ui(ui, &bars, cx.t("why.tested"));
        if map.tested_heads.len() == map.layers * map.heads {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(cx.t("why.tested_heads")).size(crate::ui::theme::SMALL).color(cx.tokens.weak))
                    .on_hover_text(cx.t("why.tested_heads_help"));
                for h in strongest(&map.tested_heads).into_iter().take(MOST) {
                    let at = Head { layer: h / map.heads, head: h % map.heads };
                    let text = format!("{}.{}: {}", at.layer + 1, at.head + 1, unit.effect(map.tested_heads[h]));
                    let text = RichText::new(text).size(crate::ui::theme::SMALL);
                    if ui
                        .selectable_label(self.head == at && !self.rolled, text)
                        .on_hover_text(heatmap::head_name(at, Layer::Raw, cx.lang()))
                        .clicked()
                    {
                        (self.head, self.rolled) = (at, false);
                    }
                }
            });
        }
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
            Layer::Rollout => ("why.method_attention_rollout", "why.attention_rolled_help"),
            Layer::GradientRollout => ("why.attention_gradient_rollout", "why.attention_gradient_help"),
        };
        ui.push_id(title, |ui| {
            basic::caption(ui, cx.t(title)).on_hover_text(cx.t(help));
            if what.by_head()
                && let Some(head) = heatmap::thumbnails(ui, map, &mut self.textures, what, self.head, cx.lang())
            {
                self.head = head;
            }
            if what.by_head() {
                basic::caption(ui, &heatmap::head_name(self.head, what, cx.lang()));
            }
            heatmap::map(ui, map, &mut self.textures, what, self.head, self.hovered, cx.lang())
        })
        .inner
    }
}
