//! A lever's slider: over the range that training saw, with the part that most training rows lie in marked, so that the
//! analyst sees when a value is beyond what the data supports.

use eframe::egui::{self, Rect, Stroke, Ui, pos2};

use crate::base::{Lang, numbers, tr_with};
use crate::data::Feature;
use crate::data::features::FeatureKind;
use crate::ui::theme::Tokens;

/// What the analyst did with a number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Touch {
    /// The new value.
    pub value: Option<f64>,
    /// Whether the change is finished (let go, or typed).
    pub finished: bool,
}

/// The 1 to 99 % range of the train rows; the whole range where quantiles are absent.
pub fn support(feature: &Feature) -> (f64, f64) {
    match (feature.quantiles.get(1), feature.quantiles.get(7)) {
        (Some(low), Some(high)) => (*low, *high),
        _ => feature.range,
    }
}

/// Whether a value lies outside the support.
pub fn outside(feature: &Feature, value: f64) -> bool {
    let (low, high) = support(feature);
    value < low || value > high
}

/// A slider and a field for the same number. `now` marks the row's (or the average) value.
pub fn ui(ui: &mut Ui, feature: &Feature, value: f64, now: Option<f64>, name: &str, lang: Lang) -> Touch {
    let integer = matches!(feature.kind, FeatureKind::Numeric { integer: true, .. });
    let (low, high) = feature.range;
    let (low, high) = if low < high { (low, high) } else { (low - 1.0, low + 1.0) };
    let mut touch = Touch::default();
    let mut moved = value;
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 92.0).clamp(80.0, 320.0);
        // A value beyond the range may be typed, and stays where it is until the slider is moved.
        let slider = egui::Slider::new(&mut moved, low..=high).show_value(false).clamping(egui::SliderClamping::Edits);
        let response = ui.add(if integer { slider.step_by(1.0) } else { slider });
        response.widget_info(|| egui::WidgetInfo::slider(true, moved, name));
        paint_support(ui, &response, feature, (low, high), now);
        let (a, b) = support(feature);
        let fields: [(&str, &dyn std::fmt::Display); 4] =
            [("low", &numbers::plain(low)), ("high", &numbers::plain(high)), ("a", &numbers::plain(a)), ("b", &numbers::plain(b))];
        let response = response.on_hover_text(tr_with(lang, "why.support", &fields));
        if response.changed() {
            touch.value = Some(moved);
        }
        touch.finished |= response.drag_stopped() || (response.changed() && !response.dragged());
        let drag = egui::DragValue::new(&mut moved).speed((high - low) / 200.0).max_decimals(if integer { 0 } else { 4 });
        let response = ui.add_sized([84.0, 24.0], drag.update_while_editing(false));
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::drag_value(true, moved);
            info.label = Some(name.to_owned());
            info
        });
        if response.changed() {
            touch.value = Some(if integer { moved.round() } else { moved });
        }
        touch.finished |= response.drag_stopped() || response.lost_focus() || (response.changed() && !response.dragged());
    });
    touch
}

/// The supported part under the rail, and a tick at the value as it is.
fn paint_support(ui: &Ui, response: &egui::Response, feature: &Feature, range: (f64, f64), now: Option<f64>) {
    if !ui.is_rect_visible(response.rect) {
        return;
    }
    let t = Tokens::of(ui.ctx());
    let rail = response.rect.x_range().shrink(response.rect.height() / 2.5);
    let at = |v: f64| place(v, range, rail.min, rail.max);
    let (a, b) = support(feature);
    let y = response.rect.bottom() - 1.0;
    ui.painter().rect_filled(Rect::from_min_max(pos2(at(a), y - 3.0), pos2(at(b).max(at(a) + 1.0), y)), 1.0, t.soft(t.accent, 0.5));
    if let Some(now) = now.filter(|n| n.is_finite()) {
        ui.painter().vline(at(now), response.rect.top()..=response.rect.top() + 6.0, Stroke::new(2.0, t.weak));
    }
}

fn place(v: f64, range: (f64, f64), left: f32, right: f32) -> f32 {
    let share = ((v - range.0) / (range.1 - range.0)).clamp(0.0, 1.0);
    left + share as f32 * (right - left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::examples::features;

    #[test]
    fn support_is_the_middle_98_percent() {
        let f = &features(1)[0];
        assert_eq!(support(f), (0.5, 9.5));
        assert!(outside(f, 0.4) && outside(f, 9.6) && !outside(f, 0.5) && !outside(f, 5.0));
        let mut bare = f.clone();
        bare.quantiles.clear();
        assert_eq!(support(&bare), f.range);
        assert_eq!(place(5.0, (0.0, 10.0), 20.0, 40.0), 30.0);
        assert_eq!(place(50.0, (0.0, 10.0), 20.0, 40.0), 40.0);
    }
}
