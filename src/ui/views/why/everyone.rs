//! Every row of the data added up, on request: the other pictures are drawn from a sample.

use eframe::egui::Ui;

use super::{Subject, standing};
use crate::base::{numbers, tr};
use crate::explain::ExplainOptions;
use crate::explain::everyone::Everyone;
use crate::ml::DeviceChoice;
use crate::session::state::{Answer, Ask, Question};
use crate::ui::Cx;
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Most features drawn; the table holds all.
const MOST: usize = 15;

/// The button, then the answer.
#[derive(Default)]
pub struct EveryonePane {
    asked: Option<Question>,
}

impl EveryonePane {
    /// Draws it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
        basic::section(ui, cx.t("why.everyone"));
        // Here rows can be many enough for a GPU to pay.
        let options = ExplainOptions { device: DeviceChoice::Auto, ..subject.options.clone() };
        let question = Question::Everyone { model: subject.name.to_owned(), options, against: subject.against.clone() };
        if self.asked.as_ref() != Some(&question) && cx.session.answer(&question).is_none() {
            let rows = cx.session.prepared.as_ref().map_or(0, |p| p.value.raw.n_rows());
            let text = cx.tw("why.everyone_start", &[("rows", &numbers::count(rows as i64))]);
            if ui.button(text).on_hover_text(cx.t("why.everyone_help")).clicked() {
                self.asked = Some(question);
            }
            return;
        }
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(answer) = cx.session.answer(&question).cloned() else { return };
        let Answer::Everyone(e) = &*answer else { return };
        let unit = Unit::of(subject.model.card().outcomes.get(subject.outcome), e.scale);
        let size = |v: f64| unit.effect(v).trim_start_matches('+').to_owned();
        let lines: Vec<Line> =
            e.features.iter().take(MOST).map(|f| Line { name: f.name.clone(), marks: vec![(f.mean_abs, f.low, f.high)] }).collect();
        let lang = cx.lang();
        let mut source = super::pairs::intervals(&lines, lang, &size);
        source.table = Box::new(move || table(e, unit, lang));
        source.csv = Some(Box::new(move || csv(e)));
        let method = tr(lang, super::one::method_key(e.method));
        let (base, mean) = (unit.level(e.base), unit.level(e.mean));
        let words: [(&str, &dyn std::fmt::Display); 5] = [
            ("rows", &numbers::count(e.rows as i64)),
            ("method", &method),
            ("base", &base),
            ("mean", &mean),
            ("gap", &format!("{:.1e}", e.largest_gap)),
        ];
        let mut caption = cx.tw("why.everyone_caption", &words);
        if e.scale != subject.options.scale {
            caption = format!("{caption} {}", cx.t("why.everyone_margin"));
        }
        let selected = cx.session.selection.feature.clone();
        let clicked = figure::ui(ui, cx, twins, "why.everyone_title", &caption, &source, |ui, cx| {
            dots::ui(ui, cx.t("why.everyone_title"), &lines, &[], &size, unit.effect_name(lang), selected.as_deref())
        });
        if let Some(Some(i)) = clicked {
            let name = lines[i].name.clone();
            cx.select(|s| s.feature = Some(name));
        }
    }
}

fn table(e: &Everyone, unit: Unit, lang: crate::base::Lang) -> figure::Table {
    let columns = ["why.feature", "why.mean_size_column", "why.everyone_column_mean", "why.everyone_column_up", "why.everyone_column_down"];
    let row = |f: &crate::explain::everyone::OfAll| {
        let size = unit.effect(f.mean_abs).trim_start_matches('+').to_owned();
        vec![f.name.clone(), size, unit.effect(f.mean), numbers::percent(f.up), numbers::percent(f.down)]
    };
    figure::Table { header: columns.map(|k| tr(lang, k).to_owned()).to_vec(), rows: e.features.iter().map(row).collect() }
}

fn csv(e: &Everyone) -> figure::Table {
    let row = |f: &crate::explain::everyone::OfAll| {
        let numbers = [f.mean_abs, f.low, f.high, f.mean, f.up, f.down];
        std::iter::once(f.name.clone()).chain(numbers.iter().map(f64::to_string)).collect()
    };
    figure::Table {
        header: ["feature", "mean_abs", "low", "high", "mean", "up", "down"].map(str::to_owned).to_vec(),
        rows: e.features.iter().map(row).collect(),
    }
}
