//! The heads of a Transformer as tiles: a small map, what silencing the head changes, and switches that mute it or let it
//! sound alone.

use std::sync::Arc;

use eframe::egui::{self, Align2, Role, Sense, Ui, UiBuilder, WidgetInfo};

use super::model::{Head, Layer, Textures};
use super::{exact, head_name, layout, model, paint};
use crate::base::{Lang, tr, tr_with};
use crate::explain::AttentionMap;
use crate::explain::attention::{Desk, Standing};
use crate::ui::theme::{SMALL, Tokens};
use crate::ui::widgets::ink;
use crate::ui::widgets::units::Unit;

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Show this head large.
    Look(Head),
    /// Mute it, or let it sound again.
    Mute(Head),
    /// Let it sound alone, or no longer.
    Solo(Head),
}

/// How the tiles stand.
pub struct Tiles<'a> {
    /// Who is silent.
    pub desk: &'a Desk,
    /// Shown large.
    pub selected: Head,
    /// What the small maps show.
    pub what: Layer,
    /// Strongest tested effect first, instead of layer by layer.
    pub by_effect: bool,
}

/// Heads in the order of their tiles.
pub fn order(map: &AttentionMap, by_effect: bool) -> Vec<Head> {
    let mut all: Vec<usize> = (0..map.layers * map.heads).collect();
    if by_effect && map.tested_heads.len() == all.len() {
        all.sort_by(|a, b| map.tested_heads[*b].abs().total_cmp(&map.tested_heads[*a].abs()).then(a.cmp(b)));
    }
    all.into_iter().map(|i| Head { layer: i / map.heads.max(1), head: i % map.heads.max(1) }).collect()
}

/// A head's name with how it stands: “Layer 1, head 2: muted”.
pub fn standing_name(at: Head, standing: Standing, what: Layer, lang: Lang) -> String {
    let name = head_name(at, what, lang);
    let key = match standing {
        Standing::Sounds => return name,
        Standing::Muted => "why.head_muted",
        Standing::Solo => "why.head_solo",
        Standing::Aside => "why.head_aside",
    };
    tr_with(lang, key, &[("head", &name)])
}

/// Draws the tiles; what was pressed.
pub fn ui(ui: &mut Ui, map: &Arc<AttentionMap>, textures: &mut Textures, tiles: &Tiles<'_>, unit: Unit, lang: Lang) -> Option<Pressed> {
    let order = order(map, tiles.by_effect);
    let (places, size) = layout::tiles(order.len(), (!tiles.by_effect).then_some(map.heads), ui.available_width());
    let (area, whole) = ui.allocate_exact_size(size, Sense::hover());
    let t = Tokens::of(ui.ctx());
    let mut pressed = None;
    for (at, place) in order.into_iter().zip(places) {
        let offset = area.min.to_vec2();
        let visible = ui.is_rect_visible(place.whole.translate(offset));
        let standing = tiles.desk.standing((at.layer, at.head));
        let silent = matches!(standing, Standing::Muted | Standing::Aside);
        let name = standing_name(at, standing, tiles.what, lang);
        let id = whole.id.with((at, tiles.what));
        let thumb = place.thumb.translate(offset);
        let response = ui.interact(thumb, id, Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, at == tiles.selected, &name));
        if response.clicked() {
            pressed = Some(Pressed::Look(at));
        }
        let tested = map.tested_heads.get(at.layer * map.heads + at.head).copied();
        if visible {
            if let Some((texture, _)) = textures.small(ui.ctx(), map, tiles.what, at) {
                paint::texture(ui.painter(), texture, thumb, silent);
            }
            paint::frame(ui.painter(), t, thumb, at == tiles.selected, response.hovered() || response.has_focus());
            let figure = tested.map_or_else(String::new, |v| format!("  {}", unit.effect(v)));
            let text = format!("{}.{}{figure}", at.layer + 1, at.head + 1);
            let colour = if silent { t.weak } else { t.text };
            ink::text(ui.painter(), place.name.translate(offset), Align2::CENTER_CENTER, &text, colour);
        }
        response.on_hover_ui(|ui| {
            ui.label(egui::RichText::new(&name).strong());
            let own = model::weights(map, tiles.what, at).unwrap_or_default().iter().copied().fold(0.0, f32::max);
            ui.label(tr_with(lang, "why.largest_weight", &[("weight", &exact(own))]));
            if let Some(v) = tested {
                ui.label(tr_with(lang, "why.head_tested", &[("effect", &unit.effect(v))]));
            }
        });
        let plain = head_name(at, Layer::Raw, lang);
        for (rect, key, named, help, on, event) in [
            (place.mute, "why.mute", "why.mute_head", "why.mute_help", standing == Standing::Muted, Pressed::Mute(at)),
            (place.solo, "why.solo", "why.solo_head", "why.solo_help", standing == Standing::Solo, Pressed::Solo(at)),
        ] {
            let builder = UiBuilder::new().max_rect(rect.translate(offset)).scope_id(id.with(key));
            ui.scope_builder(builder, |ui| {
                ui.spacing_mut().button_padding = egui::vec2(2.0, 0.0);
                let text = egui::RichText::new(tr(lang, key)).size(SMALL);
                let button = ui.add_sized(rect.size(), egui::Button::new(text).selected(on));
                let name = tr_with(lang, named, &[("head", &plain)]);
                button.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
                if button.on_hover_text(tr(lang, help)).clicked() {
                    pressed = Some(event);
                }
            });
        }
    }
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_stand_by_layer_or_by_effect() {
        let map = AttentionMap { layers: 2, heads: 2, tested_heads: vec![0.1, -0.3, 0.0, 0.2], ..AttentionMap::default() };
        let at = |v: Vec<Head>| v.iter().map(|h| (h.layer, h.head)).collect::<Vec<_>>();
        assert_eq!(at(order(&map, false)), [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(at(order(&map, true)), [(0, 1), (1, 1), (0, 0), (1, 0)], "by size, whatever the sign");
        let untested = AttentionMap { tested_heads: vec![], ..map };
        assert_eq!(order(&untested, true).len(), 4);
    }

    #[test]
    fn names_say_how_a_head_stands() {
        let at = Head { layer: 0, head: 1 };
        let say = |s| standing_name(at, s, Layer::Raw, Lang::En);
        assert_eq!(say(Standing::Sounds), "Layer 1, head 2");
        assert_eq!(say(Standing::Muted), "Layer 1, head 2: muted");
        assert_eq!(say(Standing::Solo), "Layer 1, head 2: solo");
        assert_eq!(say(Standing::Aside), "Layer 1, head 2: silent while others are solo");
    }
}
