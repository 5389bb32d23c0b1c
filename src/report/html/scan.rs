//! The leak scan on the page: what needs a look with its sentence, and every column's numbers in a table.

use super::Page;
use crate::base::{numbers, tr_with};
use crate::data::Roles;
use crate::report::svg::escape;
use crate::strategy::causal::Light;
use crate::strategy::scan::{LeakScan, say};

/// Columns that the table holds.
const MOST: usize = 60;

impl Page {
    /// What the scan found; prints, computes nothing.
    pub(super) fn scan(&self, scan: &LeakScan, roles: &Roles) -> String {
        let lang = self.lang;
        let mut out = format!("<p>{}</p>", escape(&scan.sentence(lang)));
        let found: String =
            scan.worst_first().iter().filter(|f| f.light != Light::Ok).map(|f| format!("<li>{}</li>", escape(&f.sentence(lang)))).collect();
        if !found.is_empty() {
            out += &format!("<ul>{found}</ul>");
        }
        let rows: Vec<Vec<String>> = scan
            .worst_first()
            .iter()
            .take(MOST)
            .map(|f| {
                vec![
                    f.column.clone(),
                    self.t(say::type_key(f.proposal(roles.lever_type(&f.column)))).to_owned(),
                    self.t(say::light_key(f.light)).to_owned(),
                    f.alone.as_ref().map_or_else(|| "–".to_owned(), say::shown),
                    f.loss.map_or_else(|| "–".to_owned(), |l| numbers::fixed(l.value, 3)),
                ]
            })
            .map(|r| r.iter().map(|c| escape(c)).collect())
            .collect();
        let head = [
            self.t("scan.head_column").to_owned(),
            self.t("scan.head_proposed").to_owned(),
            self.t("scan.head_light").to_owned(),
            tr_with(lang, "scan.head_alone", &[("metric", &scan.metric.name())]),
            self.t("scan.head_loss").to_owned(),
        ];
        out + &Self::cells(&head, &[3, 4], &rows) + &self.list(&scan.warnings)
    }
}
