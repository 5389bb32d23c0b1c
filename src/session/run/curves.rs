//! Curves, densities and rankings as files.

use std::path::Path;

use super::{Out, Ranking, Result, TableWriter};

/// An effect as a table: feature, value, label, the second feature's where there is one, row (ICE), effect, low, high, density.
pub fn write_effect(curve: &crate::explain::effect::EffectCurve, path: &Path) -> Result<()> {
    let points = &curve.points;
    let number = |f: &dyn Fn(&crate::explain::effect::Point) -> f64| {
        Out::OptF64(points.iter().map(|p| Some(f(p)).filter(|v| !v.is_nan())).collect())
    };
    let mut columns = vec![
        ("feature", Out::Text(vec![curve.feature.clone(); points.len()])),
        ("value", number(&|p| p.value)),
        ("label", Out::Text(points.iter().map(|p| p.label.clone()).collect())),
    ];
    if let Some(second) = &curve.feature_2 {
        columns.push(("feature_2", Out::Text(vec![second.clone(); points.len()])));
        columns.push(("value_2", Out::OptF64(points.iter().map(|p| p.value_2).collect())));
        columns.push(("label_2", Out::OptText(points.iter().map(|p| p.label_2.clone()).collect())));
    }
    if points.iter().any(|p| p.row.is_some()) {
        columns.push(("row", Out::U32(points.iter().map(|p| p.row.unwrap_or_default()).collect())));
    }
    columns.push(("effect", Out::F64(points.iter().map(|p| p.effect).collect())));
    columns.push(("low", number(&|p| p.low)));
    columns.push(("high", number(&|p| p.high)));
    columns.push(("density", Out::F64(points.iter().map(|p| p.density).collect())));
    let mut writer = TableWriter::create(path)?;
    writer.append(columns)?;
    writer.finish()
}

/// The cells of a density as a table, one line a cell.
pub fn write_density(density: &crate::explain::density::Density, path: &Path) -> Result<()> {
    let cells: Vec<_> = density.features.iter().flat_map(|f| f.cells.iter().map(move |c| (f, c))).collect();
    let number = |of: &dyn Fn(&crate::explain::density::Cell) -> f64| {
        Out::OptF64(cells.iter().map(|(_, c)| Some(of(c)).filter(|v| !v.is_nan())).collect())
    };
    let columns = vec![
        ("feature", Out::Text(cells.iter().map(|(f, _)| f.name.clone()).collect())),
        ("column", Out::Text(cells.iter().map(|(f, c)| f.columns[c.column as usize].label.clone()).collect())),
        ("value_low", number(&|c| c.value_low)),
        ("value_high", number(&|c| c.value_high)),
        ("bin_from", Out::F64(cells.iter().map(|(f, c)| f.bin_from(c.bin)).collect())),
        ("bin_to", Out::F64(cells.iter().map(|(f, c)| f.bin_from(c.bin + 1)).collect())),
        ("rows", Out::I64(cells.iter().map(|(_, c)| c.rows as i64).collect())),
        ("effect_low", number(&|c| c.effect_low)),
        ("effect_high", number(&|c| c.effect_high)),
        ("row", Out::U32(cells.iter().map(|(_, c)| c.row).collect())),
    ];
    let mut writer = TableWriter::create(path)?;
    writer.append(columns)?;
    writer.finish()
}

/// Ranked items as a table.
pub fn write_ranking(ranking: &Ranking, path: &Path) -> Result<()> {
    let items = &ranking.items;
    let mut writer = TableWriter::create(path)?;
    writer.append(vec![
        ("rank", Out::U32(items.iter().map(|i| i.rank as u32).collect())),
        ("item", Out::Text(items.iter().map(|i| i.item.clone()).collect())),
        ("predicted", Out::F64(items.iter().map(|i| i.predicted).collect())),
        ("impressions", Out::U32(items.iter().map(|i| i.impressions as u32).collect())),
        ("observed", Out::OptF64(items.iter().map(|i| i.observed).collect())),
    ])?;
    writer.finish()
}
