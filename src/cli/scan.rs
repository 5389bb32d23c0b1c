//! The leak scan on the command line: a table, then the sentences of what needs a look.

use serde_json::{Value, json};

use super::commands::{said, table, to_value};
use crate::base::{Lang, Result, numbers, tr, tr_with};
use crate::strategy::causal::Light;
use crate::strategy::scan::{LeakScan, say};

/// Everything, with every finding's sentence.
pub(super) fn json(scan: &LeakScan, lang: Lang) -> Result<Value> {
    let mut value = to_value(scan)?;
    if let Some(columns) = value["columns"].as_array_mut() {
        for (of, finding) in columns.iter_mut().zip(&scan.columns) {
            of["text"] = json!(finding.sentence(lang));
        }
    }
    value["text"] = json!(scan.sentence(lang));
    value["warnings"] = Value::from(said(&scan.warnings, lang));
    Ok(value)
}

/// As people read it.
pub(super) fn text(scan: &LeakScan, lang: Lang) -> String {
    let t = |key: &str| tr(lang, key).to_owned();
    let head = tr_with(lang, "scan.head_alone", &[("metric", &scan.metric.name())]);
    let mut rows = vec![vec![t("scan.head_column"), t("scan.head_proposed"), t("scan.head_light"), head, t("scan.head_loss")]];
    let mut sentences = String::new();
    for f in scan.worst_first() {
        rows.push(vec![
            f.column.clone(),
            t(say::type_key(f.proposed)),
            t(say::light_key(f.light)),
            f.alone.as_ref().map_or_else(|| "–".to_owned(), say::shown),
            f.loss.map_or_else(|| "–".to_owned(), |l| numbers::fixed(l.value, 3)),
        ]);
        if f.light != Light::Ok {
            sentences += &format!("- {}\n", f.sentence(lang));
        }
    }
    format!("{}\n{}{sentences}", scan.sentence(lang), table(&rows))
}
