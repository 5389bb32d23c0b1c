//! Which columns give the outcome away, and what moving each would mean: findings as a table with lights and sentences, each
//! proposal taken with a click. Only the visible findings are drawn.

use std::sync::Arc;

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::data::{LeverType, Role};
use crate::session::state::{Ask, Command, Status};
use crate::strategy::causal::Light;
use crate::strategy::scan::{ColumnFinding, LeakScan, say};
use crate::ui::strip;
use crate::ui::widgets::basic;
use crate::ui::{Action, Cx, theme};

/// Width from which a finding's sentence takes two lines instead of three.
const BROAD: f32 = 760.0;

/// Lines of a finding's sentence.
fn lines(width: f32) -> usize {
    if width >= BROAD { 2 } else { 3 }
}

/// Height of one finding: two small buttons stand beside its sentence.
fn height(width: f32) -> f32 {
    (theme::ROW + lines(width) as f32 * 4.0 * theme::GRID + 3.0 * theme::GRID).max(18.0 * theme::GRID)
}

/// Width of a figure with its interval.
const ALONE: f32 = 124.0;
/// Width of a loss.
const LOSS: f32 = 88.0;
/// Width of the type's menu.
const MENU: f32 = 136.0;
/// Below this width the numbers leave their columns to the sentence.
const NARROW: f32 = 480.0;
/// Room that the scroll bar takes.
const SCROLL: f32 = 4.0 * theme::GRID;

/// What the pane remembers: the findings in the order shown, of the scan that they were ordered for.
#[derive(Default)]
pub(super) struct ScanPane {
    order: Option<(Arc<LeakScan>, Vec<usize>)>,
}

impl ScanPane {
    /// The pane.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.add_space(theme::TIGHT);
        basic::caption(ui, cx.t("scan.about"));
        let status = cx.session.status(&Ask::Scan);
        if let Status::Failed(fault) = cx.session.status(&Ask::Prepare) {
            basic::warning(ui, &fault.say(cx.lang()));
        }
        match &status {
            Status::Running => running(ui, cx),
            Status::Failed(fault) => drop(basic::warning(ui, &fault.say(cx.lang()))),
            Status::Stale => drop(basic::warning(ui, cx.t("scan.stale"))),
            _ => {}
        }
        let Some(scan) = cx.session.scan.as_ref().map(|k| k.value.clone()) else {
            if !matches!(status, Status::Running) {
                ui.add_space(theme::SPACE);
                ui.add_enabled_ui(cx.session.has_target(), |ui| start(ui, cx, "scan.start", true));
            }
            return;
        };
        let old = matches!(status, Status::Stale | Status::Running);
        ui.add_space(theme::TIGHT);
        let text = RichText::new(scan.sentence(cx.lang()));
        ui.add(egui::Label::new(if old { text.color(cx.tokens.weak) } else { text }).wrap());
        let roles = cx.session.roles.clone().unwrap_or_default();
        let new: Vec<(String, Option<LeverType>)> = scan
            .columns
            .iter()
            .filter(|f| f.is_new(roles.lever_type(&f.column)))
            .map(|f| (f.column.clone(), Some(f.proposal(roles.lever_type(&f.column)))))
            .collect();
        ui.horizontal_wrapped(|ui| {
            ui.add_enabled_ui(!new.is_empty(), |ui| {
                let text = cx.tw("scan.use_all", &[("n", &new.len())]);
                if basic::primary(ui, &text).on_hover_text(cx.t("scan.use_all_help")).clicked() {
                    cx.command(Command::SetTypes(new));
                }
            });
            if !matches!(status, Status::Running) {
                start(ui, cx, "scan.again", false);
            }
        });
        for w in &scan.warnings {
            basic::warning(ui, &w.say(cx.lang()));
        }
        ui.add_space(theme::SPACE);
        if self.order.as_ref().is_none_or(|(s, _)| !Arc::ptr_eq(s, &scan)) {
            let mut order: Vec<usize> = (0..scan.columns.len()).collect();
            order.sort_by_key(|i| std::cmp::Reverse(scan.columns[*i].light));
            self.order = Some((scan.clone(), order));
        }
        let order = self.order.as_ref().map(|(_, o)| o.as_slice()).unwrap_or_default();
        let wide = ui.available_width() >= NARROW;
        head(ui, cx, &scan, wide);
        egui::ScrollArea::vertical().id_salt("findings").auto_shrink(false).show_rows(
            ui,
            height(ui.available_width()),
            order.len(),
            |ui, range| {
                for &i in &order[range] {
                    entry(ui, cx, &scan.columns[i], roles.lever_type(&scan.columns[i].column), wide);
                }
            },
        );
    }
}

/// How far it is, and the way to stop it.
fn running(ui: &mut Ui, cx: &mut Cx<'_>) {
    let job = cx.session.job(&Ask::Scan).map(|j| j.id);
    ui.horizontal(|ui| {
        let progress = job.and_then(|id| cx.session.progress.get(&id));
        let words = strip::words(cx, progress, false);
        basic::bar(ui, 160.0, progress.filter(|p| p.total > 0).map(|p| p.done as f32 / p.total as f32), &words);
        basic::caption(ui, &words);
        if let Some(id) = job
            && ui.button(cx.t("ui.stop")).clicked()
        {
            cx.send(Action::Cancel(id));
        }
    });
}

fn start(ui: &mut Ui, cx: &mut Cx<'_>, key: &str, first: bool) {
    let clicked = if first { basic::primary(ui, cx.t(key)) } else { ui.button(cx.t(key)) }.clicked();
    if clicked {
        cx.send(Action::Retry(Ask::Scan));
        cx.send(Action::Want(Ask::Scan));
    }
}

/// The heads of the columns of numbers, with their unit.
fn head(ui: &mut Ui, cx: &Cx<'_>, scan: &LeakScan, wide: bool) {
    let height = theme::ROW;
    ui.horizontal(|ui| {
        let left = for_name(ui, wide);
        basic::line(ui, left, height, cx.t("scan.head_column"), theme::SMALL, cx.tokens.weak);
        if wide {
            number(ui, ALONE, &cx.tw("scan.head_alone", &[("metric", &scan.metric.name())]), cx.tokens.weak);
            number(ui, LOSS, cx.t("scan.head_loss"), cx.tokens.weak);
        }
        basic::line(ui, MENU, height, cx.t("scan.head_type"), theme::SMALL, cx.tokens.weak);
    });
    basic::rule(ui);
}

/// Width that is left for the name.
fn for_name(ui: &Ui, wide: bool) -> f32 {
    let space = ui.spacing().item_spacing.x;
    let numbers = if wide { ALONE + LOSS + 2.0 * space } else { 0.0 };
    (ui.available_width() - numbers - MENU - space - SCROLL).max(80.0)
}

fn number(ui: &mut Ui, width: f32, text: &str, colour: egui::Color32) {
    ui.allocate_ui_with_layout(egui::vec2(width, theme::ROW), egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(egui::Label::new(RichText::new(text).size(theme::SMALL).color(colour)).truncate()).on_hover_text(text);
    });
}

/// One finding: light, name, numbers, type; then its sentence.
fn entry(ui: &mut Ui, cx: &mut Cx<'_>, f: &ColumnFinding, declared: Option<LeverType>, wide: bool) {
    let width = ui.available_width();
    let size = egui::vec2(width, height(width));
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    let selected = cx.session.selection.feature.as_deref() == Some(f.column.as_str());
    let name = cx.tw("scan.finding_of", &[("column", &f.column)]);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &name));
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if selected { cx.tokens.accent_soft } else { cx.tokens.hover });
    }
    ui.painter().hline(rect.x_range(), rect.bottom() + 2.0, egui::Stroke::new(1.0, cx.tokens.rule));
    if response.clicked() {
        cx.select(|s| s.feature = (!selected).then(|| f.column.clone()));
    }
    let sentence = f.sentence(cx.lang());
    let inner = egui::UiBuilder::new().max_rect(rect.shrink2(egui::vec2(0.0, theme::TIGHT))).id_salt(("finding", &f.column));
    // A child of its own: what it holds never changes the height of the line.
    let mut child = ui.new_child(inner);
    {
        let ui = &mut child;
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = 18.0;
        ui.spacing_mut().button_padding.y = 2.0;
        ui.horizontal(|ui| {
            let left = for_name(ui, wide);
            ui.allocate_ui_with_layout(egui::vec2(left, theme::ROW), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.set_min_width(left);
                light(ui, cx, f.light);
                basic::name(ui, &f.column, theme::BODY, cx.tokens.text);
            });
            if wide {
                let alone = f.alone.as_ref().map_or_else(|| "–".to_owned(), say::shown);
                number(ui, ALONE, &alone, cx.tokens.text);
                let loss = f.loss.as_ref().map_or_else(|| "–".to_owned(), |l| numbers::fixed(l.value, 3));
                number(ui, LOSS, &loss, cx.tokens.text);
            }
            type_menu(ui, cx, &f.column, declared, MENU);
        });
        ui.horizontal_top(|ui| {
            let offers = f.is_new(declared);
            let left = if offers { for_name(ui, false) } else { (ui.available_width() - SCROLL).max(80.0) };
            let mut job = egui::text::LayoutJob::simple(sentence.clone(), egui::FontId::proportional(theme::SMALL), cx.tokens.weak, left);
            job.wrap.max_rows = lines(width);
            let size = egui::vec2(left, ui.available_height());
            ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.set_min_width(left);
                ui.add(egui::Label::new(job).selectable(false));
            });
            if offers {
                take(ui, cx, f, declared);
            }
        });
    }
    response.on_hover_text(sentence);
}

/// The buttons that take a proposal.
fn take(ui: &mut Ui, cx: &mut Cx<'_>, f: &ColumnFinding, declared: Option<LeverType>) {
    ui.vertical(|ui| {
        let proposal = f.proposal(declared);
        let kind = cx.t(say::type_key(proposal));
        let label = cx.tw("scan.use_this", &[("type", &kind)]);
        let name = cx.tw("scan.use_this_for", &[("column", &f.column), ("type", &kind)]);
        let button = ui.add(egui::Button::new(RichText::new(label).size(theme::SMALL)).min_size(egui::vec2(MENU, 0.0)));
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if button.on_hover_text(cx.t(say::type_help(proposal))).clicked() {
            cx.command(Command::SetTypes(vec![(f.column.clone(), Some(proposal))]));
        }
        // A proxy that models still read makes them look better than they will be.
        let harmful = matches!(proposal, LeverType::Proxy | LeverType::Identifier);
        if harmful && f.role == Role::Feature {
            let name = cx.tw("scan.leave_out_of", &[("column", &f.column)]);
            let button =
                ui.add(egui::Button::new(RichText::new(cx.t("scan.leave_out")).size(theme::SMALL)).min_size(egui::vec2(MENU, 0.0)));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
            if button.on_hover_text(cx.t("scan.leave_out_help")).clicked() {
                cx.command(Command::SetRole { column: f.column.clone(), role: Role::Ignore });
            }
        }
    });
}

/// A light whose shape tells as much as its colour.
fn light(ui: &mut Ui, cx: &Cx<'_>, light: Light) {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(16.0, theme::ROW), egui::Sense::hover());
    let words = cx.t(say::light_key(light));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
    let (centre, painter) = (rect.center(), ui.painter());
    match light {
        Light::Ok => drop(painter.circle_stroke(centre, 4.0, egui::Stroke::new(1.5, cx.tokens.good))),
        Light::Warn => {
            let (w, h) = (5.0, 4.5);
            let points = vec![centre + egui::vec2(0.0, -h), centre + egui::vec2(w, h), centre + egui::vec2(-w, h)];
            painter.add(egui::Shape::convex_polygon(points, cx.tokens.warn, egui::Stroke::NONE));
        }
        Light::Bad => drop(painter.rect_filled(egui::Rect::from_center_size(centre, egui::vec2(9.0, 9.0)), 1.0, cx.tokens.error)),
    }
    response.on_hover_text(words);
}

/// The menu of what moving a column would mean.
pub(super) fn type_menu(ui: &mut Ui, cx: &mut Cx<'_>, column: &str, before: Option<LeverType>, width: f32) {
    let mut kind = before;
    let text = |k: Option<LeverType>| k.map_or("scan.type_none", say::type_key);
    let combo = egui::ComboBox::from_id_salt(("type", column))
        .selected_text(RichText::new(cx.t(text(kind))).size(theme::SMALL))
        .width(width)
        .height(400.0);
    ui.name_inputs(cx.tw("scan.type_of", &[("column", &column)]), |ui| {
        combo.show_ui(ui, |ui| {
            ui.selectable_value(&mut kind, None, cx.t("scan.type_none")).on_hover_text(cx.t("scan.type_none_help"));
            for k in LeverType::ALL {
                ui.selectable_value(&mut kind, Some(k), cx.t(say::type_key(k))).on_hover_text(cx.t(say::type_help(k)));
            }
        });
    });
    if kind != before {
        cx.command(Command::SetTypes(vec![(column.to_owned(), kind)]));
    }
}
