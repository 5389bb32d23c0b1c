//! Any picture of a study in its frame: painted, as a table, saved as SVG, PNG or CSV.

use eframe::egui::Ui;

use super::{dots, figure, grid, lines};
use crate::report::chart as printed;
use crate::strategy::words::chart::Chart;
use crate::ui::Cx;

/// Draws `chart` under the title that `key` names.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, twins: &mut figure::Twins, key: &'static str, caption: &str, chart: &Chart) {
    if chart.is_empty() {
        return;
    }
    let lang = cx.lang();
    let title = cx.t(key);
    let source = figure::Source {
        table: Box::new(|| chart.sheet(lang, false).into()),
        csv: Some(Box::new(|| chart.sheet(lang, true).into())),
        svg: Some(Box::new(|| printed::svg(title, chart))),
    };
    figure::ui(ui, cx, twins, key, caption, &source, |ui, _| match chart {
        Chart::Lines(l) => {
            lines::legend(ui, l);
            lines::ui(ui, title, l);
        }
        Chart::Grid(g) => grid::ui(ui, title, g),
        Chart::Dots(d) => {
            if d.series.len() > 1 {
                dots::legend(ui, &d.series);
            }
            let rows: Vec<dots::Line> =
                d.rows.iter().map(|(name, marks)| dots::Line { name: name.clone(), marks: marks.clone() }).collect();
            dots::ui(ui, title, &rows, &d.series, &|v| d.show.of(v), &d.axis, None);
        }
    });
}
