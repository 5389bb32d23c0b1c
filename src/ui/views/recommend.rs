//! Why was this content recommended? All items for one person, best first, and the first explained against the second.

#[cfg(test)]
mod tests;

use eframe::egui::{self, Ui};

use super::why::{model_picker, rows, standing};
use crate::base::{Lang, numbers, tr};
use crate::recommend::{RankedItem, Ranking};
use crate::session::recipe::RecommendSection;
use crate::session::state::{Ask, Command};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure, signed_bars};
use crate::ui::{Action, Cx, Room, View, theme};

/// What the room remembers.
#[derive(Default)]
pub struct RecommendView {
    person: String,
    fault: Option<String>,
    twins: figure::Twins,
}

impl View for RecommendView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let session = cx.session;
        let Some((name, model)) = session.model() else {
            return basic::empty(ui, cx.t("why.no_model_title"), cx.t("why.no_model"), |ui| {
                if basic::primary(ui, cx.t("why.go_to_models")).clicked() {
                    cx.send(Action::Go(Room::Models));
                }
            });
        };
        let unit = Unit::of(model.card().outcomes.first(), crate::ml::model::Scale::Probability);
        let name = name.to_owned();
        basic::title(ui, cx.t("why.recommend_title"));
        ui.horizontal(|ui| {
            if let Some(chosen) = model_picker(ui, cx, "recommend-model", &name) {
                cx.select(|s| s.model = Some(chosen));
            }
        });
        let section = session.recipe.as_ref().and_then(|r| r.recommend.clone()).unwrap_or_default();
        let current = Some(section.person.trim()).filter(|p| !p.is_empty());
        ui.scope(|ui| {
            ui.set_max_width(520.0);
            let words = rows::Words { label: "why.person", help: "why.person_help", hint: "why.person_hint" };
            let edited = rows::condition(ui, cx, "recommend-person", &words, &mut self.person, &mut self.fault, current);
            if let Some(person) = edited {
                let new = RecommendSection { person: person.unwrap_or_default(), ..section.clone() };
                let empty = new.person.is_empty() && new.items.is_none();
                cx.command(Command::SetRecommend((!empty).then_some(new)));
            }
        });
        let Some(person) = current else {
            basic::caption(ui, cx.t("why.person_help"));
            return;
        };
        let ask = Ask::Rank { model: name, person: person.to_owned() };
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(ranking) = session.ranking().cloned() else { return };
        if ranking.items.is_empty() {
            basic::caption(ui, cx.t("why.no_items"));
            return;
        }
        if ui.available_width() >= 720.0 {
            ui.columns(2, |columns| {
                // A column of its own would set its text in block.
                columns[0].vertical(|ui| self.list(ui, cx, &ranking, unit));
                egui::ScrollArea::vertical().id_salt("against").auto_shrink(false).show(&mut columns[1], |ui| {
                    ui.vertical(|ui| self.against(ui, cx, &ranking, unit));
                });
            });
        } else {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                self.against(ui, cx, &ranking, unit);
                self.list(ui, cx, &ranking, unit);
            });
        }
    }

    fn inspector(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let (Some(item), Some(ranking)) = (&cx.session.selection.item, cx.session.ranking()) else { return };
        let Some(found) = ranking.items.iter().find(|i| i.item == *item) else { return };
        basic::section(ui, &cx.tw("why.item_n", &[("item", &basic::shorten(item, 24))])).on_hover_text(item);
        for (name, value) in &found.features {
            basic::fact(ui, name, value).on_hover_text(format!("{name}\n{value}"));
        }
    }
}

impl RecommendView {
    /// All items, best first; only what is seen is drawn.
    fn list(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, ranking: &Ranking, unit: Unit) {
        let lang = cx.lang();
        let n = numbers::count(ranking.items.len() as i64);
        let caption = cx.tw("why.items_caption", &[("n", &n), ("outcome", &ranking.outcome)]);
        let source = figure::Source { table: Box::new(|| table(ranking, unit, lang)), csv: Some(Box::new(|| csv(ranking))), svg: None };
        figure::ui(ui, cx, &mut self.twins, "why.items", &caption, &source, |ui, cx| {
            let widths = Widths::of(ui.available_width());
            header(ui, cx, widths);
            let most = ranking.items.iter().map(|i| i.predicted).fold(0.0, f64::max);
            let height = (ui.available_height() - 48.0).max(8.0 * theme::ROW);
            ui.spacing_mut().item_spacing.y = 0.0;
            let area = egui::ScrollArea::vertical().id_salt("items").max_height(height).auto_shrink([false, true]);
            area.show_rows(ui, theme::ROW, ranking.items.len(), |ui, range| {
                for item in &ranking.items[range] {
                    line(ui, cx, item, widths, most, unit);
                }
            });
        });
    }

    /// The first against the second.
    fn against(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, ranking: &Ranking, unit: Unit) {
        let lang = cx.lang();
        let (Some(first), Some(second)) = (ranking.items.first(), ranking.items.get(1)) else {
            basic::caption(ui, cx.t("why.only_one_item"));
            return;
        };
        basic::section(ui, &cx.tw("why.first_before_second", &[("first", &first.item), ("second", &second.item)]));
        for notice in &ranking.reason {
            ui.label(notice.say(lang));
        }
        let gap = first.predicted - second.predicted;
        let bars: Vec<_> = ranking
            .against_second
            .iter()
            .map(|c| signed_bars::Bar {
                name: c.feature.clone(),
                amount: c.effect,
                shown: unit.effect(c.effect),
                help: format!("{} / {}", c.first, c.second),
                ..signed_bars::Bar::default()
            })
            .collect();
        let caption = cx.tw("why.contrast_caption", &[("gap", &unit.effect(gap)), ("left", &unit.exact(ranking.gap))]);
        let source = figure::Source {
            table: Box::new(|| figure::Table {
                header: vec![
                    tr(lang, "why.feature").to_owned(),
                    first.item.clone(),
                    second.item.clone(),
                    tr(lang, "why.effect_column").to_owned(),
                ],
                rows: ranking
                    .against_second
                    .iter()
                    .map(|c| vec![c.feature.clone(), c.first.clone(), c.second.clone(), unit.effect(c.effect)])
                    .collect(),
            }),
            csv: None,
            svg: Some(Box::new(|| {
                let rows: Vec<_> = ranking.against_second.iter().map(|c| (c.feature.clone(), c.effect, None)).collect();
                crate::report::svg::bars(tr(lang, "why.contrast"), &rows, |x| unit.effect(x))
            })),
        };
        let title = cx.t("why.contrast");
        figure::ui(ui, cx, &mut self.twins, "why.contrast", &caption, &source, |ui, _| signed_bars::ui(ui, &bars, title));
        for notice in &ranking.warnings {
            basic::warning(ui, &notice.say(lang));
        }
    }
}

/// Widths of the columns: rank, item, predicted, impressions, observed.
#[derive(Clone, Copy)]
struct Widths([f32; 5]);

impl Widths {
    fn of(width: f32) -> Self {
        let rest = (width - 52.0 - 92.0 - 92.0).max(160.0);
        Self([52.0, rest * 0.5, rest * 0.5, 92.0, 92.0])
    }

    /// The place of a column's cell in a row.
    fn cell(&self, row: egui::Rect, i: usize) -> egui::Rect {
        let left = row.left() + self.0[..i].iter().sum::<f32>();
        egui::Rect::from_min_max(egui::pos2(left, row.top()), egui::pos2(left + self.0[i], row.bottom())).shrink2(egui::vec2(4.0, 0.0))
    }
}

fn header(ui: &mut Ui, cx: &Cx<'_>, widths: Widths) {
    let keys = ["why.rank", "why.item", "why.predicted", "why.impressions", "why.observed"];
    let (rect, response) = ui.allocate_exact_size(egui::vec2(widths.0.iter().sum(), theme::ROW), egui::Sense::hover());
    let all = keys.map(|k| cx.t(k)).join(", ");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &all));
    for (i, key) in keys.into_iter().enumerate() {
        let align = if i == 1 { egui::Align2::LEFT_CENTER } else { egui::Align2::RIGHT_CENTER };
        crate::ui::widgets::ink::text(ui.painter(), widths.cell(rect, i), align, cx.t(key), cx.tokens.weak);
    }
    basic::rule(ui);
}

fn line(ui: &mut Ui, cx: &mut Cx<'_>, item: &RankedItem, widths: Widths, most: f64, unit: Unit) {
    use egui::{Align2, Rect, Sense, pos2, vec2};
    let width: f32 = widths.0.iter().sum();
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme::ROW), Sense::click());
    let selected = cx.session.selection.item.as_deref() == Some(&item.item);
    let predicted = unit.level(item.predicted);
    let name = cx.tw("why.item_line", &[("rank", &item.rank), ("item", &item.item), ("predicted", &predicted)]);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
    if response.clicked() {
        cx.select(|s| s.item = Some(item.item.clone()));
    }
    if ui.is_rect_visible(rect) {
        let (t, p) = (cx.tokens, ui.painter());
        if selected || response.hovered() {
            p.rect_filled(rect, 3.0, if selected { t.accent_soft } else { t.hover });
        }
        let cell = |i: usize| widths.cell(rect, i);
        crate::ui::widgets::ink::text(p, cell(0), Align2::RIGHT_CENTER, &item.rank.to_string(), t.weak);
        crate::ui::widgets::ink::text(p, cell(1), Align2::LEFT_CENTER, &item.item, t.text);
        let place = cell(2);
        let bar = (place.width() - 64.0).max(0.0) * if most > 0.0 { (item.predicted / most).clamp(0.0, 1.0) as f32 } else { 0.0 };
        p.rect_filled(Rect::from_min_size(pos2(place.left(), place.center().y - 5.0), vec2(bar, 10.0)), 0.0, t.soft(t.accent, 0.6));
        crate::ui::widgets::ink::text(p, place, Align2::RIGHT_CENTER, &predicted, t.text);
        crate::ui::widgets::ink::text(p, cell(3), Align2::RIGHT_CENTER, &numbers::count(item.impressions as i64), t.text);
        let observed = item.observed.map_or_else(|| "–".to_owned(), |o| unit.level(o));
        crate::ui::widgets::ink::text(p, cell(4), Align2::RIGHT_CENTER, &observed, t.weak);
    }
    response.on_hover_text(&item.item);
}

fn table(ranking: &Ranking, unit: Unit, lang: Lang) -> figure::Table {
    let header = ["why.item", "why.rank", "why.predicted", "why.impressions", "why.observed"].map(|k| tr(lang, k).to_owned()).to_vec();
    let rows = ranking.items.iter().map(|i| {
        let observed = i.observed.map_or_else(|| "–".to_owned(), |o| unit.level(o));
        vec![i.item.clone(), i.rank.to_string(), unit.level(i.predicted), numbers::count(i.impressions as i64), observed]
    });
    figure::Table { header, rows: rows.collect() }
}

fn csv(ranking: &Ranking) -> figure::Table {
    let header = ["rank", "item", "predicted", "impressions", "observed"].map(str::to_owned).to_vec();
    let rows = ranking.items.iter().map(|i| {
        let observed = i.observed.map_or_else(String::new, |o| o.to_string());
        vec![i.rank.to_string(), i.item.clone(), i.predicted.to_string(), i.impressions.to_string(), observed]
    });
    figure::Table { header, rows: rows.collect() }
}
