//! Where a Transformer looked for one row: every head as a tile that can be muted or heard alone, one head large, raw and
//! gradient × attention side by side or rolled through the layers; above them what was tested, and the words that say what
//! attention is not.

use std::sync::Arc;

use eframe::egui::{Label, RichText, Ui};

use super::{Subject, standing};
use crate::base::{Fingerprint, numbers, tr};
use crate::explain::attention::{AGREES, AttentionMap, Desk};
use crate::explain::words;
use crate::ml::ModelKind;
use crate::session::state::Ask;
use crate::ui::Cx;
use crate::ui::widgets::heatmap::{self, Head, Layer, Textures, View, heads};
use crate::ui::widgets::signed_bars::{self, Bar};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Tokens whose test is shown.
const MOST: usize = 8;
/// Cells of a map that its table shows.
const CELLS: usize = 200;

/// What the pane remembers.
#[derive(Default)]
pub struct AttentionPane {
    textures: Textures,
    head: Head,
    hovered: Option<(usize, usize)>,
    /// Through all layers instead of head by head.
    rolled: bool,
    /// Heads by tested effect instead of by layer.
    by_effect: bool,
    /// The part of the large maps that is in view.
    view: View,
    desk: Desk,
    /// Which model the desk and the map below belong to.
    of: Option<Fingerprint>,
    last: Option<Arc<AttentionMap>>,
}

/// Whether there is attention to show.
pub fn has(subject: &Subject<'_>) -> bool {
    subject.model.card().spec.kind == ModelKind::Transformer
}

impl AttentionPane {
    /// Draws the attention of a row.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, row: Option<u32>, twins: &mut figure::Twins) {
        basic::section(ui, cx.t("why.attention"));
        let Some(line) = row else { return };
        stepper(ui, cx, line);
        let model = &subject.model.card().fingerprint;
        if self.of.as_ref() != Some(model) {
            // Another model has other heads and other tokens.
            let (rolled, by_effect) = (self.rolled, self.by_effect);
            *self = Self { rolled, by_effect, of: Some(model.clone()), ..Self::default() };
        }
        let silent = self.last.as_ref().map_or_else(Vec::new, |m| self.desk.silent(m.layers, m.heads));
        let ask = Ask::Attention { model: subject.name.to_owned(), line, outcome: subject.outcome, silent };
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        if let Some(map) = cx.session.attention(&ask) {
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
        if let Some(a) = map.agreement {
            let (key, colour) = if a < AGREES { ("why.disagrees", cx.tokens.warn) } else { ("why.agrees", cx.tokens.good) };
            basic::chip(ui, &cx.tw(key, &[("r", &numbers::fixed(a, 2))]), colour, cx.t("why.disagrees_help"));
        }
        ui.add(Label::new(words::attention(&map, lang)).wrap());
        let unit = Unit::of(subject.model.card().outcomes.get(subject.outcome), map.scale);
        tested(ui, cx, &map, unit, twins);
        self.heads(ui, cx, &map, unit);
        ui.add_space(crate::ui::theme::SPACE);
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
                    hovered = hovered.or(ui.vertical(|ui| self.picture(ui, cx, &map, what, twins)).inner);
                }
            });
        } else {
            for what in both {
                hovered = hovered.or(self.picture(ui, cx, &map, what, twins));
            }
        }
        if self.hovered != hovered {
            self.hovered = hovered;
            // The twin picture was drawn before this one was touched.
            ui.ctx().request_repaint();
        }
        basic::caption(ui, crate::base::tr(lang, "why.map_caption"));
    }

    /// The heads as tiles, and what the prediction becomes without those that are silent.
    fn heads(&mut self, ui: &mut Ui, cx: &Cx<'_>, map: &Arc<AttentionMap>, unit: Unit) {
        ui.add_space(crate::ui::theme::SPACE);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.t("why.tested_heads")).strong()).on_hover_text(cx.t("why.tested_heads_help"));
            for (by_effect, key) in [(false, "why.heads_by_layer"), (true, "why.heads_by_effect")] {
                if ui.selectable_label(self.by_effect == by_effect, cx.t(key)).clicked() {
                    self.by_effect = by_effect;
                }
            }
            if !self.desk.is_clear() && ui.button(cx.t("why.heads_all")).clicked() {
                self.desk = Desk::default();
            }
        });
        let tiles = heads::Tiles { desk: &self.desk, selected: self.head, what: Layer::Raw, by_effect: self.by_effect };
        match heads::ui(ui, map, &mut self.textures, &tiles, unit, cx.lang()) {
            Some(heads::Pressed::Look(at)) => (self.head, self.rolled) = (at, false),
            Some(heads::Pressed::Mute(at)) => self.desk.mute((at.layer, at.head)),
            Some(heads::Pressed::Solo(at)) => self.desk.solo((at.layer, at.head)),
            None => {}
        }
        if let Some(said) = words::silenced(map, cx.lang()) {
            ui.add_space(crate::ui::theme::TIGHT);
            ui.add(Label::new(RichText::new(said).strong()).wrap());
        }
    }

    fn picture(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        map: &Arc<AttentionMap>,
        what: Layer,
        twins: &mut figure::Twins,
    ) -> Option<(usize, usize)> {
        let (title, help) = match what {
            Layer::Raw => ("why.attention_raw", "why.attention_raw_help"),
            Layer::Gradient => ("why.attention_gradient", "why.attention_gradient_help"),
            Layer::Rollout => ("why.method_attention_rollout", "why.attention_rolled_help"),
            Layer::GradientRollout => ("why.attention_gradient_rollout", "why.attention_gradient_help"),
        };
        let (at, lang) = (self.head, cx.lang());
        let cells = |most: usize, show: fn(f32) -> String| {
            let values = heatmap::model::weights(map, what, at).unwrap_or_default();
            let header = ["why.cell_query", "why.cell_key", "why.cell_weight"].map(|k| tr(lang, k).to_owned()).to_vec();
            let n = map.tokens.len().max(1);
            let line = |i: usize| vec![map.tokens[i / n].clone(), map.tokens[i % n].clone(), show(values[i])];
            figure::Table { header, rows: heatmap::model::strongest(values, most).into_iter().map(line).collect() }
        };
        let named = if what.by_head() { heatmap::head_name(at, what, lang) } else { String::new() };
        let source = figure::Source {
            table: Box::new(|| cells(CELLS, |w| format!("{w:.5}"))),
            csv: Some(Box::new(|| cells(usize::MAX, |w| w.to_string()))),
            svg: Some(Box::new(|| {
                let values = heatmap::model::weights(map, what, at).unwrap_or_default();
                crate::report::svg::heatmap(&format!("{} {named}", tr(lang, title)), &map.tokens, values)
            })),
        };
        let caption =
            cx.tw("why.map_said", &[("what", &if named.is_empty() { cx.t(title) } else { &named }), ("help", &cx.t(help)), ("n", &CELLS)]);
        figure::ui(ui, cx, twins, title, caption.trim(), &source, |ui, _| {
            heatmap::map(ui, map, &mut self.textures, (what, at), self.hovered, &mut self.view, lang)
        })
        .flatten()
    }
}

/// Steps through the brushed rows, one map after the other: an average of maps would be nobody's.
fn stepper(ui: &mut Ui, cx: &mut Cx<'_>, line: u32) {
    let rows = &cx.session.selection.rows;
    if rows.is_empty() {
        return;
    }
    let at = rows.binary_search(&line);
    let n = numbers::count(rows.len() as i64);
    let said = match at {
        Ok(i) => cx
            .tw("why.attention_brushed", &[("row", &numbers::count(i64::from(line) + 1)), ("k", &numbers::count(i as i64 + 1)), ("n", &n)]),
        Err(_) => cx.tw("why.attention_unbrushed", &[("row", &numbers::count(i64::from(line) + 1)), ("n", &n)]),
    };
    let before = match at {
        Ok(i) | Err(i) => i.checked_sub(1),
    };
    let after = match at {
        Ok(i) => Some(i + 1),
        Err(i) => Some(i),
    };
    let mut to = None;
    ui.horizontal_wrapped(|ui| {
        for (icon, key, place) in [(basic::Icon::Up, "why.previous_brushed", before), (basic::Icon::Down, "why.next_brushed", after)] {
            let row = place.and_then(|i| rows.get(i)).copied();
            if basic::icon(ui, icon, cx.t(key), row.is_some()).clicked() {
                to = row;
            }
        }
        ui.add(Label::new(said).wrap());
    });
    if to.is_some() {
        cx.select(|s| s.row = to);
    }
}

/// What was tested: tokens taken out, strongest first.
fn tested(ui: &mut Ui, cx: &mut Cx<'_>, map: &AttentionMap, unit: Unit, twins: &mut figure::Twins) {
    if map.tested.len() != map.tokens.len() {
        return;
    }
    let mut order: Vec<usize> = (0..map.tested.len()).filter(|i| map.tested[*i] != 0.0).collect();
    order.sort_by(|a, b| map.tested[*b].abs().total_cmp(&map.tested[*a].abs()).then(a.cmp(b)));
    let bars: Vec<Bar> = order
        .iter()
        .copied()
        .take(MOST)
        .map(|i| Bar { name: map.tokens[i].clone(), amount: map.tested[i], shown: unit.effect(map.tested[i]), ..Bar::default() })
        .collect();
    let lang = cx.lang();
    let every = |show: &dyn Fn(f64) -> String| {
        let header = ["why.feature", "why.token_effect"].map(|k| tr(lang, k).to_owned()).to_vec();
        figure::Table { header, rows: order.iter().map(|i| vec![map.tokens[*i].clone(), show(map.tested[*i])]).collect() }
    };
    let source = figure::Source {
        table: Box::new(|| every(&|v| unit.effect(v))),
        csv: Some(Box::new(|| every(&|v| v.to_string()))),
        svg: Some(Box::new(|| {
            let rows: Vec<_> = bars.iter().map(|b| (b.name.clone(), b.amount, None)).collect();
            crate::report::svg::bars(tr(lang, "why.tested"), &rows, |v| unit.effect(v))
        })),
    };
    figure::ui(ui, cx, twins, "why.tested", cx.t("why.tested_help"), &source, |ui, cx| signed_bars::ui(ui, &bars, cx.t("why.tested")));
}
