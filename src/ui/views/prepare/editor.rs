//! The editor of one step: a draft that becomes a command when it is applied.

use eframe::egui::{self, RichText, Ui};

use crate::data::prepare::{FillWith, Normalisation};
use crate::data::table::ColumnType;
use crate::data::{Role, Step};
use crate::ui::widgets::basic;
use crate::ui::{Cx, theme};

/// Kinds of step, in the order of the menu.
pub(super) const KINDS: [Kind; 7] =
    [Kind::Deduplicate, Kind::Fill, Kind::Winsorise, Kind::Clip, Kind::Normalise, Kind::Calendar, Kind::Drop];

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Deduplicate,
    Fill,
    Clip,
    Winsorise,
    Normalise,
    Calendar,
    Drop,
}

impl Kind {
    /// Catalogue key of its name.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Deduplicate => "ui.step_deduplicate",
            Self::Fill => "ui.step_fill",
            Self::Clip => "ui.step_clip",
            Self::Winsorise => "ui.step_winsorise",
            Self::Normalise => "ui.step_normalise",
            Self::Calendar => "ui.step_calendar",
            Self::Drop => "ui.step_drop",
        }
    }
    /// Catalogue key of what it does.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Deduplicate => "ui.step_deduplicate_help",
            Self::Fill => "ui.step_fill_help",
            Self::Clip => "ui.step_clip_help",
            Self::Winsorise => "ui.step_winsorise_help",
            Self::Normalise => "ui.step_normalise_help",
            Self::Calendar => "ui.step_calendar_help",
            Self::Drop => "ui.step_drop_help",
        }
    }
    /// Whether it works on columns of this type: some know numbers only, one dates only.
    fn takes(self, of: ColumnType) -> bool {
        match self {
            Self::Clip | Self::Winsorise | Self::Normalise => matches!(of, ColumnType::Integer | ColumnType::Number),
            Self::Calendar => matches!(of, ColumnType::Date | ColumnType::Datetime),
            Self::Deduplicate | Self::Fill | Self::Drop => true,
        }
    }
}

/// The draft of a step.
pub(super) struct Editor {
    kind: Kind,
    columns: Vec<String>,
    with: FillWith,
    value: String,
    lower: Option<f64>,
    upper: Option<f64>,
    method: Normalisation,
    search: String,
}

impl Editor {
    /// A new step of a kind.
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            columns: Vec::new(),
            with: FillWith::Median,
            value: String::new(),
            lower: None,
            upper: (kind == Kind::Winsorise).then_some(0.99),
            method: Normalisation::ZScore,
            search: String::new(),
        }
    }

    /// A draft of an existing step.
    pub(super) fn of(step: &Step) -> Self {
        match step.clone() {
            Step::Deduplicate { columns } => Self { columns, ..Self::new(Kind::Deduplicate) },
            Step::Fill { columns, with, value } => Self { columns, with, value: value.unwrap_or_default(), ..Self::new(Kind::Fill) },
            Step::Clip { columns, lower, upper } => Self { columns, lower, upper, ..Self::new(Kind::Clip) },
            Step::Winsorise { columns, lower, upper } => Self { columns, lower, upper, ..Self::new(Kind::Winsorise) },
            Step::Normalise { columns, method } => Self { columns, method, ..Self::new(Kind::Normalise) },
            Step::Calendar { columns } => Self { columns, ..Self::new(Kind::Calendar) },
            Step::Drop { columns } => Self { columns, ..Self::new(Kind::Drop) },
        }
    }

    fn step(&self) -> Step {
        let columns = self.columns.clone();
        match self.kind {
            Kind::Deduplicate => Step::Deduplicate { columns },
            Kind::Fill => {
                let value = (self.with == FillWith::Constant).then(|| self.value.clone());
                Step::Fill { columns, with: self.with, value }
            }
            Kind::Clip => Step::Clip { columns, lower: self.lower, upper: self.upper },
            Kind::Winsorise => Step::Winsorise { columns, lower: self.lower, upper: self.upper },
            Kind::Normalise => Step::Normalise { columns, method: self.method },
            Kind::Calendar => Step::Calendar { columns },
            Kind::Drop => Step::Drop { columns },
        }
    }

    /// Why the draft cannot be applied yet, as a catalogue key.
    fn obstacle(&self) -> Option<&'static str> {
        if self.columns.is_empty() && self.kind != Kind::Deduplicate {
            return Some("ui.choose_columns_first");
        }
        if matches!(self.kind, Kind::Clip | Kind::Winsorise) && self.lower.is_none() && self.upper.is_none() {
            return Some("ui.set_a_limit");
        }
        (self.lower.zip(self.upper).is_some_and(|(l, u)| l > u)).then_some("ui.limits_crossed")
    }

    /// Draws the draft. `Some(None)` when it was given up, `Some(Some(step))` when it was applied.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> Option<Option<Step>> {
        let mut done = None;
        egui::Frame::new().fill(cx.tokens.chrome).corner_radius(6).inner_margin(12).show(ui, |ui| {
            ui.label(RichText::new(cx.t(self.kind.title())).strong());
            basic::caption(ui, cx.t(self.kind.help()));
            self.columns_menu(ui, cx);
            match self.kind {
                Kind::Deduplicate | Kind::Calendar | Kind::Drop => {}
                Kind::Fill => self.fill(ui, cx),
                Kind::Clip => self.limits(ui, cx, None),
                Kind::Winsorise => self.limits(ui, cx, Some(0.0..=1.0)),
                Kind::Normalise => {
                    ui.horizontal(|ui| {
                        ui.radio_value(&mut self.method, Normalisation::ZScore, cx.t("ui.normalise_z"));
                        ui.radio_value(&mut self.method, Normalisation::MinMax, cx.t("ui.normalise_minmax"));
                    });
                }
            }
            ui.add_space(theme::TIGHT);
            ui.horizontal(|ui| {
                let obstacle = self.obstacle();
                let apply = ui.add_enabled_ui(obstacle.is_none(), |ui| basic::primary(ui, cx.t("ui.apply"))).inner;
                if let Some(key) = obstacle {
                    apply.on_disabled_hover_text(cx.t(key));
                    basic::caption(ui, cx.t(key));
                } else if apply.clicked() {
                    done = Some(Some(self.step()));
                }
                if ui.button(cx.t("ui.cancel")).clicked() {
                    done = Some(None);
                }
            });
        });
        done
    }

    fn columns_menu(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(loaded) = &cx.session.loaded else { return };
        let table = &loaded.value.table;
        let text = match self.columns.as_slice() {
            [] if self.kind == Kind::Deduplicate => cx.t("ui.all_columns").to_owned(),
            [] => cx.t("ui.choose_columns").to_owned(),
            some => basic::shorten(&some.join(", "), 60),
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("ui.columns")).size(theme::SMALL).color(cx.tokens.weak));
            let config = egui::containers::menu::MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
            let button = egui::containers::menu::MenuButton::new(text).config(config);
            let (response, _) = button.ui(ui, |ui| {
                ui.set_min_width(280.0);
                ui.add(egui::TextEdit::singleline(&mut self.search).hint_text(cx.t("ui.find_column")));
                let search = self.search.to_lowercase();
                let fits = |i: &usize| self.kind.takes(table.column_type(*i)) && table.name(*i).to_lowercase().contains(&search);
                let shown: Vec<_> = (0..table.n_columns()).filter(fits).collect();
                let features = |name: &str| cx.session.roles.as_ref().is_some_and(|r| r.of.get(name) == Some(&Role::Feature));
                ui.horizontal(|ui| {
                    if ui.button(cx.t("ui.all_features")).clicked() {
                        self.columns = shown.iter().map(|i| table.name(*i)).filter(|n| features(n)).map(str::to_owned).collect();
                    }
                    if ui.button(cx.t("ui.none")).clicked() {
                        self.columns.clear();
                    }
                });
                egui::ScrollArea::vertical().max_height(260.0).show_rows(ui, theme::ROW, shown.len(), |ui, range| {
                    for &i in &shown[range] {
                        let name = table.name(i);
                        let mut on = self.columns.iter().any(|c| c == name);
                        if ui.checkbox(&mut on, basic::shorten(name, 40)).on_hover_text(name).changed() {
                            if on {
                                self.columns.push(name.to_owned());
                            } else {
                                self.columns.retain(|c| c != name);
                            }
                        }
                    }
                });
            });
            response.on_hover_text(self.columns.join("\n"));
        });
    }

    fn fill(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal_wrapped(|ui| {
            for (with, key) in [
                (FillWith::Median, "ui.fill_median"),
                (FillWith::Mode, "ui.fill_mode"),
                (FillWith::Constant, "ui.fill_constant"),
                (FillWith::Flag, "ui.fill_flag"),
            ] {
                ui.radio_value(&mut self.with, with, cx.t(key));
            }
            if self.with == FillWith::Constant {
                let label = ui.label(cx.t("ui.value"));
                ui.add(egui::TextEdit::singleline(&mut self.value).desired_width(120.0)).labelled_by(label.id);
            }
        });
    }

    fn limits(&mut self, ui: &mut Ui, cx: &Cx<'_>, quantiles: Option<std::ops::RangeInclusive<f64>>) {
        ui.horizontal(|ui| {
            for (key, value, start) in [("ui.lower", &mut self.lower, 0.01), ("ui.upper", &mut self.upper, 0.99)] {
                let label = if quantiles.is_some() { cx.t(&format!("{key}_quantile")) } else { cx.t(key) };
                let mut on = value.is_some();
                if ui.checkbox(&mut on, label).changed() {
                    *value = on.then_some(start);
                }
                if let Some(x) = value {
                    let mut drag = egui::DragValue::new(x).speed(0.005);
                    if let Some(range) = &quantiles {
                        drag = drag.range(range.clone());
                    }
                    ui.name_inputs(label, |ui| ui.add(drag));
                }
            }
        });
    }
}

/// A step in words.
pub(super) fn words(cx: &Cx<'_>, step: &Step) -> String {
    let e = Editor::of(step);
    let columns = match e.columns.as_slice() {
        [] => cx.t("ui.all_columns").to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => cx.tw("ui.and_more", &[("first", first), ("n", &rest.len())]),
    };
    let limit = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), crate::base::numbers::plain);
    let how = match step {
        Step::Deduplicate { .. } | Step::Calendar { .. } | Step::Drop { .. } => String::new(),
        Step::Fill { with, .. } => match with {
            FillWith::Median => cx.t("ui.fill_median").to_owned(),
            FillWith::Mode => cx.t("ui.fill_mode").to_owned(),
            FillWith::Constant => format!("“{}”", e.value),
            FillWith::Flag => cx.t("ui.fill_flag").to_owned(),
        },
        Step::Clip { .. } | Step::Winsorise { .. } => format!("{} … {}", limit(e.lower), limit(e.upper)),
        Step::Normalise { method: Normalisation::ZScore, .. } => cx.t("ui.normalise_z").to_owned(),
        Step::Normalise { method: Normalisation::MinMax, .. } => cx.t("ui.normalise_minmax").to_owned(),
    };
    let title = cx.t(e.kind.title());
    if how.is_empty() { format!("{title}: {columns}") } else { format!("{title}: {columns} ({how})") }
}
