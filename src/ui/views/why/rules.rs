//! The rules of the smallest change, as a table: per feature whether it may change, in which steps, how far and at what
//! price; and what the whole change may be.

use eframe::egui::{self, RichText, Ui};

use crate::data::{Feature, FeatureKind};
use crate::explain::counterfactual::Rules;
use crate::explain::words;
use crate::session::state::Command;
use crate::ui::views::why::name_it;
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// Widths of the columns: feature, may change, step, lowest, highest, price.
const WIDTHS: [f32; 6] = [152.0, 100.0, 60.0, 68.0, 68.0, 52.0];
/// Most height of the table.
const HEIGHT: f32 = 260.0;

/// Rules as they are being dragged or typed.
#[derive(Default)]
pub struct Editor {
    draft: Option<Rules>,
    busy: bool,
}

/// Which way a feature may go.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Free,
    Up,
    Down,
    Locked,
}

impl Way {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Free, "why.rules_free"), (Self::Up, "why.rules_up"), (Self::Down, "why.rules_down"), (Self::Locked, "why.rules_locked")];

    fn of(rules: &Rules, name: &String) -> Self {
        let has = |list: &[String]| list.contains(name);
        match (has(&rules.locked), has(&rules.only_up), has(&rules.only_down)) {
            (false, false, false) => Self::Free,
            (false, true, false) => Self::Up,
            (false, false, true) => Self::Down,
            // Neither up nor down is to stay.
            _ => Self::Locked,
        }
    }

    fn set(self, rules: &mut Rules, name: &str) {
        for (way, list) in [(Self::Locked, &mut rules.locked), (Self::Up, &mut rules.only_up), (Self::Down, &mut rules.only_down)] {
            list.retain(|n| n != name);
            if way == self {
                list.push(name.to_owned());
            }
        }
    }
}

impl Editor {
    /// Draws it, folded away until it is wanted; a rule is kept with the project once it is set.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, features: &[Feature]) {
        let kept = cx.session.recipe.as_ref().map(|r| r.explain.rules.clone()).unwrap_or_default();
        let mut rules = self.draft.clone().unwrap_or_else(|| kept.clone());
        self.busy = false;
        egui::CollapsingHeader::new(cx.t("why.rules")).id_salt("change-rules").show(ui, |ui| {
            basic::caption(ui, cx.t("why.rules_help"));
            self.table(ui, cx, features, &mut rules);
            self.whole(ui, cx, &mut rules);
            if !rules.is_free() && ui.button(cx.t("why.rules_clear")).clicked() {
                rules = Rules { seconds: rules.seconds, ..Rules::default() };
            }
        });
        if let Some(said) = words::rules(&kept, cx.lang()) {
            basic::caption(ui, &said);
        }
        // While a number is dragged nothing is asked: every search may take seconds.
        self.draft = self.busy.then(|| rules.clone());
        if !self.busy && rules != kept {
            cx.command(Command::SetRules(rules));
        }
    }

    fn table(&mut self, ui: &mut Ui, cx: &Cx<'_>, features: &[Feature], rules: &mut Rules) {
        // A narrow pane goes sideways, its head with it.
        egui::ScrollArea::horizontal().id_salt("change-rules-width").auto_shrink([false, true]).show(ui, |ui| {
            ui.horizontal(|ui| {
                for (width, key) in WIDTHS.iter().zip(["feature", "way", "step", "from", "to", "price"]) {
                    let key = format!("why.rules_{key}_column");
                    let text = RichText::new(cx.t(&key)).size(theme::SMALL).color(cx.tokens.weak);
                    cell(ui, *width, |ui| ui.label(text).on_hover_text(cx.t(&format!("{key}_help"))));
                }
            });
            // Every line is as high as the scrolling counts it.
            ui.spacing_mut().interact_size.y = theme::ROW;
            let height = HEIGHT.min(features.len() as f32 * (theme::ROW + ui.spacing().item_spacing.y));
            let area = egui::ScrollArea::vertical().id_salt("change-rules-table").max_height(height).min_scrolled_height(height);
            area.show_rows(ui, theme::ROW, features.len(), |ui, range| {
                for feature in &features[range] {
                    ui.push_id(&feature.name, |ui| ui.horizontal(|ui| self.line(ui, cx, feature, rules)));
                }
            });
        });
    }

    fn line(&mut self, ui: &mut Ui, cx: &Cx<'_>, feature: &Feature, rules: &mut Rules) {
        let name = &feature.name;
        cell(ui, WIDTHS[0], |ui| ui.label(basic::shorten(name, 19)).on_hover_text(name));
        let way = Way::of(rules, name);
        let named = |key: &str| format!("{name}: {}", cx.t(&format!("why.rules_{key}_column")));
        cell(ui, WIDTHS[1], |ui| {
            let shown = cx.t(Way::ALL.iter().find(|w| w.0 == way).map_or("", |w| w.1));
            let combo = egui::ComboBox::from_id_salt("way").width(WIDTHS[1]).selected_text(shown).show_ui(ui, |ui| {
                let fits = |w: Way| !feature.is_categorical() || matches!(w, Way::Free | Way::Locked);
                for (one, key) in Way::ALL.into_iter().filter(|w| fits(w.0)) {
                    if ui.selectable_label(one == way, cx.t(key)).clicked() {
                        one.set(rules, name);
                    }
                }
            });
            name_it(&combo.response, &named("way"), shown);
        });
        ui.add_enabled_ui(way != Way::Locked, |ui| {
            if feature.is_categorical() {
                cell(ui, WIDTHS[2] + WIDTHS[3] + WIDTHS[4] + 2.0 * ui.spacing().item_spacing.x, |ui| levels(ui, cx, feature, rules));
            } else {
                let whole = matches!(feature.kind, FeatureKind::Numeric { integer, boolean } if integer || boolean);
                let speed = if whole { 0.1 } else { (feature.range.1 - feature.range.0).abs().max(1e-6) / 200.0 };
                // A count stays a count while it is dragged.
                let round = |v: f64| if whole { v.round() } else { v };
                let mut step = rules.step.get(name).copied().unwrap_or(0.0);
                if self.number(ui, &named("step"), WIDTHS[2], (&mut step, 0.0, speed), Some(cx.t("why.rules_any"))) {
                    set(&mut rules.step, name, Some(round(step)).filter(|s| *s > 0.0));
                }
                let (mut low, mut high) = rules.range.get(name).copied().unwrap_or(feature.range);
                let least = self.number(ui, &named("from"), WIDTHS[3], (&mut low, f64::MIN, speed), None);
                let most = self.number(ui, &named("to"), WIDTHS[4], (&mut high, f64::MIN, speed), None);
                if least || most {
                    // The end that was not touched gives way.
                    let (low, high) = (round(low), round(high));
                    let range = if least { (low, high.max(low)) } else { (low.min(high), high) };
                    set(&mut rules.range, name, Some(range).filter(|r| *r != feature.range));
                }
            }
            let mut price = rules.price.get(name).copied().unwrap_or(1.0);
            if self.number(ui, &named("price"), WIDTHS[5], (&mut price, 0.01, 0.05), None) {
                set(&mut rules.price, name, Some(price).filter(|p| *p != 1.0));
            }
        });
    }

    /// What the whole change may be.
    fn whole(&mut self, ui: &mut Ui, cx: &Cx<'_>, rules: &mut Rules) {
        let any = Some(cx.t("why.rules_any"));
        let named = |ui: &mut Ui, key: &str| {
            let label = RichText::new(cx.t(key)).color(cx.tokens.weak);
            ui.label(label).on_hover_text(cx.t(&format!("{key}_help")));
        };
        ui.horizontal(|ui| {
            named(ui, "why.rules_most");
            let mut most = rules.most_changes.unwrap_or(0) as f64;
            if self.number(ui, cx.t("why.rules_most"), WIDTHS[5], (&mut most, 0.0, 0.05), any) {
                rules.most_changes = Some(most.round() as usize).filter(|n| *n > 0);
            }
        });
        ui.horizontal(|ui| {
            named(ui, "why.rules_budget");
            let mut budget = rules.budget.unwrap_or(0.0);
            if self.number(ui, cx.t("why.rules_budget"), WIDTHS[5], (&mut budget, 0.0, 0.02), any) {
                rules.budget = Some(budget).filter(|b| *b > 0.0);
            }
        });
    }

    /// A number that is dragged or typed; whether it changed. Where 0 is no limit, `nothing` says so.
    fn number(&mut self, ui: &mut Ui, name: &str, width: f32, value: (&mut f64, f64, f64), nothing: Option<&str>) -> bool {
        let (value, least, speed) = value;
        let nothing = nothing.map(str::to_owned);
        // Ends of a range are shown as they are, not rounded; a whole number without decimals.
        let shown = move |v: f64| match &nothing {
            Some(nothing) if v == 0.0 => nothing.clone(),
            _ => format!("{}", (v * 1e6).round() / 1e6),
        };
        let field = egui::DragValue::new(value).speed(speed).range(least..=f64::MAX).max_decimals(9).update_while_editing(false);
        let field = field.custom_formatter(move |v, _| shown(v));
        let response = ui.name_inputs(name, |ui| ui.add_sized([width, theme::ROW], field));
        self.busy |= response.dragged();
        response.changed()
    }
}

/// The levels that a category may take.
fn levels(ui: &mut Ui, cx: &Cx<'_>, feature: &Feature, rules: &mut Rules) {
    let (name, all) = (&feature.name, feature.levels());
    let chosen = rules.one_of.get(name);
    let shown = match chosen {
        None => cx.t("why.rules_any_level").to_owned(),
        Some(some) => cx.tw("why.rules_levels", &[("n", &some.len()), ("of", &all.len())]),
    };
    let mut toggled = None;
    let menu = egui::ComboBox::from_id_salt("levels")
        .width(ui.available_width())
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .selected_text(&shown)
        .show_ui(ui, |ui| {
            egui::ScrollArea::vertical().max_height(HEIGHT).show_rows(ui, theme::ROW, all.len(), |ui, range| {
                for level in &all[range] {
                    let mut on = chosen.is_none_or(|c| c.contains(level));
                    if ui.checkbox(&mut on, basic::shorten(level, 40)).changed() {
                        toggled = Some((level.clone(), on));
                    }
                }
            });
        });
    name_it(&menu.response, &format!("{name}: {}", cx.t("why.rules_any_level")), &shown);
    if let Some((level, on)) = toggled {
        let was = |l: &&String| chosen.is_none_or(|c| c.contains(*l));
        let now: Vec<String> = all.iter().filter(|l| if **l == level { on } else { was(l) }).cloned().collect();
        set(&mut rules.one_of, name, Some(now).filter(|n| n.len() < all.len()));
    }
}

/// One rule put in, or taken out.
fn set<T>(rules: &mut std::collections::BTreeMap<String, T>, name: &str, value: Option<T>) {
    match value {
        Some(value) => drop(rules.insert(name.to_owned(), value)),
        None => drop(rules.remove(name)),
    }
}

fn cell<R>(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::vec2(width, theme::ROW), layout, |ui| {
        ui.set_min_width(width);
        add(ui)
    })
    .inner
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::super::WhyView;
    use super::super::tests::{explained, room};
    use super::*;
    use crate::ml::ModelKind;

    #[test]
    fn rules_are_set_in_the_table_kept_and_taken_back() {
        let (_folder, session) = explained(ModelKind::Gbdt, &[0.2, -0.1, 0.05]);
        let mut h = room(WhyView::default(), session, [1000.0, 2400.0]);
        h.run();
        h.get_by_label("Rules for the change").click();
        h.run();
        let choose = |h: &mut egui_kittest::Harness<'_, super::super::tests::Room1<WhyView>>, feature: &str, way: &str| {
            h.get_by_label(&format!("{feature}: May change")).click();
            h.run();
            h.get_by_label(way).click();
            h.run();
        };
        choose(&mut h, "feature_1", "Only up");
        choose(&mut h, "feature_2", "Not at all");
        let rules = |h: &egui_kittest::Harness<'_, super::super::tests::Room1<WhyView>>| {
            h.state().desk.session.recipe.as_ref().unwrap().explain.rules.clone()
        };
        let want = Rules { only_up: vec!["feature_1".into()], locked: vec!["feature_2".into()], ..Rules::default() };
        assert_eq!(rules(&h), want);
        h.get_by_label_contains("Rules in force: unchanged: feature_2; only up: feature_1");
        // A new way takes the place of the old one; what is asked next keeps the rules.
        choose(&mut h, "feature_1", "Only down");
        let now = rules(&h);
        assert!(now.only_up.is_empty() && now.only_down == ["feature_1"], "{now:?}");
        let asks = h.state().asked.iter().any(|a| {
            matches!(a, crate::ui::Action::Want(crate::session::state::Ask::Deeper(crate::session::state::Question::Change { rules, .. }))
                if *rules == now.clone().within(5.0))
        });
        assert!(asks, "{:?}", h.state().asked);
        // One step back each.
        h.state_mut().desk.session.undo();
        h.run();
        assert_eq!(rules(&h), want);
        h.get_by_label("Remove all rules").click();
        h.run();
        assert!(rules(&h).is_free() && h.query_by_label_contains("Rules in force").is_none());
    }
}
