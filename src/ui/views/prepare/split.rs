//! The split: which rows train, which test.

use eframe::egui::{self, RichText, Ui};

use crate::base::numbers;
use crate::data::{Part, Split};
use crate::session::recipe::SplitSection;
use crate::session::state::{Ask, Command, Status};
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// A draft of the split, and the sizes of the parts as last counted.
#[derive(Default)]
pub(super) struct SplitEditor {
    draft: Option<SplitSection>,
    /// The prepared rows that were counted, by address, and rows per part.
    counted: Option<(usize, [usize; 3])>,
}

impl SplitEditor {
    /// The editor.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(recipe) = &cx.session.recipe else { return };
        basic::section(ui, cx.t("ui.split_title"));
        basic::caption(ui, cx.t("ui.split_about"));
        let mut draft = self.draft.clone().unwrap_or_else(|| recipe.split.clone());
        self.kind_menu(ui, cx, &mut draft);
        fields(ui, cx, &mut draft);
        let obstacle = obstacle(&draft.split);
        if draft == recipe.split {
            self.draft = None;
        } else {
            ui.horizontal(|ui| {
                let apply = ui.add_enabled_ui(obstacle.is_none(), |ui| basic::primary(ui, cx.t("ui.apply_split"))).inner;
                if apply.clicked() && obstacle.is_none() {
                    cx.command(Command::SetSplit(draft.clone()));
                }
                if let Some(key) = obstacle {
                    basic::caption(ui, cx.t(key));
                }
                self.draft = Some(draft);
                if ui.button(cx.t("ui.cancel")).clicked() {
                    self.draft = None;
                }
            });
        }
        self.sizes(ui, cx);
    }

    fn kind_menu(&self, ui: &mut Ui, cx: &Cx<'_>, draft: &mut SplitSection) {
        let column = || cx.session.columns_with(crate::data::Role::User).first().cloned().unwrap_or_default();
        let time = || cx.session.columns_with(crate::data::Role::Time).first().cloned().unwrap_or_default();
        let test = crate::data::split::default_test();
        let kinds = [
            ("ui.split_random", Split::Random { test }),
            ("ui.split_time", Split::Time { column: time(), test }),
            ("ui.split_group", Split::Group { column: column(), test }),
            ("ui.split_modulo", Split::Modulo { of: 10, test_from: 7 }),
            ("ui.split_column", Split::Column { column: String::new() }),
        ];
        let same = |a: &Split, b: &Split| std::mem::discriminant(a) == std::mem::discriminant(b);
        let shown = kinds.iter().find(|(_, k)| same(k, &draft.split)).map_or("ui.split_random", |(key, _)| key);
        ui.horizontal(|ui| {
            for (key, kind) in &kinds {
                let on = same(kind, &draft.split);
                if ui.selectable_label(on, cx.t(key)).on_hover_text(cx.t(&format!("{key}_help"))).clicked() && !on {
                    draft.split = kind.clone();
                }
            }
        });
        basic::caption(ui, cx.t(&format!("{shown}_help")));
    }

    fn sizes(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(prepared) = &cx.session.prepared else { return };
        let at = std::sync::Arc::as_ptr(&prepared.value) as usize;
        if self.counted.is_none_or(|(of, _)| of != at) {
            let mut n = [0; 3];
            for part in &prepared.value.parts {
                n[match part {
                    Part::Train => 0,
                    Part::Validation => 1,
                    Part::Test => 2,
                }] += 1;
            }
            self.counted = Some((at, n));
        }
        let Some((_, [train, validation, test])) = self.counted else { return };
        let n = |x: usize| numbers::count(x as i64);
        let mut text = cx.tw("ui.split_sizes", &[("train", &n(train)), ("test", &n(test))]);
        if validation > 0 {
            text.push_str(&cx.tw("ui.split_validation", &[("n", &n(validation))]));
        }
        for outcome in prepared.value.outcomes.iter().filter(|o| o.is_binary()) {
            text.push_str(&cx.tw("ui.split_rate", &[("name", &outcome.name), ("rate", &numbers::percent(outcome.base_rate))]));
        }
        let stale = cx.session.status(&Ask::Prepare) != Status::Ready;
        let colour = if stale { cx.tokens.faint } else { cx.tokens.text };
        ui.label(RichText::new(text).size(theme::SMALL).color(colour));
    }
}

fn fields(ui: &mut Ui, cx: &Cx<'_>, draft: &mut SplitSection) {
    ui.horizontal(|ui| {
        match &mut draft.split {
            Split::Random { test } => share(ui, cx, test),
            Split::Time { column, test } | Split::Group { column, test } => {
                column_menu(ui, cx, column);
                share(ui, cx, test);
            }
            Split::Column { column } => column_menu(ui, cx, column),
            Split::Modulo { of, test_from } => {
                for (key, value, range) in [("ui.split_of", of, 2..=1000), ("ui.split_from", test_from, 1..=999)] {
                    ui.label(cx.t(key));
                    ui.name_inputs(cx.t(key), |ui| ui.add(egui::DragValue::new(value).range(range)));
                }
                ui.label(cx.t("ui.split_rest"));
            }
        }
        if matches!(draft.split, Split::Random { .. } | Split::Group { .. }) {
            ui.label(cx.t("ui.seed"));
            ui.name_inputs(cx.t("ui.seed"), |ui| ui.add(egui::DragValue::new(&mut draft.seed)));
        }
    });
}

fn share(ui: &mut Ui, cx: &Cx<'_>, test: &mut f64) {
    let mut percent = *test * 100.0;
    ui.label(cx.t("ui.test_share"));
    let drag = egui::DragValue::new(&mut percent).range(1.0..=90.0).suffix(" %").speed(0.5).max_decimals(1);
    if ui.name_inputs(cx.t("ui.test_share"), |ui| ui.add(drag)).changed() {
        *test = percent / 100.0;
    }
}

fn column_menu(ui: &mut Ui, cx: &Cx<'_>, column: &mut String) {
    let Some(loaded) = &cx.session.loaded else { return };
    let names = loaded.value.table.n_columns();
    let shown = if column.is_empty() { cx.t("ui.choose_columns").to_owned() } else { basic::shorten(column, 32) };
    ui.name_inputs(cx.t("ui.column"), |ui| {
        egui::ComboBox::from_id_salt("split-column").selected_text(shown).width(180.0).show_ui(ui, |ui| {
            egui::ScrollArea::vertical().max_height(260.0).show_rows(ui, theme::ROW, names, |ui, range| {
                for i in range {
                    let name = loaded.value.table.name(i);
                    if ui.selectable_label(column == name, name).clicked() {
                        *column = name.to_owned();
                        ui.close();
                    }
                }
            });
        });
    });
}

fn obstacle(split: &Split) -> Option<&'static str> {
    match split {
        Split::Time { column, .. } | Split::Group { column, .. } | Split::Column { column } if column.is_empty() => {
            Some("ui.choose_columns_first")
        }
        Split::Modulo { of, test_from } if test_from >= of => Some("ui.split_modulo_empty"),
        _ => None,
    }
}
