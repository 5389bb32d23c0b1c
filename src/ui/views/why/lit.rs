//! Linked brushing: which rows are marked in every picture. The session's selection says which were brushed; what the pointer
//! touches says which rows share its values. Looked up when one of them changes, among the rows that are drawn, never per frame.

use std::sync::Arc;

use crate::data::{Feature, segment};
use crate::explain::brushed::{self, Brushed};
use crate::ml::Model;
use crate::session::Session;
use crate::session::state::Why;
use crate::ui::widgets::brush::Marks;
use crate::ui::{Cx, Values};

/// Rows brushed and rows that share values, with what they were looked up for.
#[derive(Default)]
pub struct Lit {
    made: Option<(Arc<Why>, Option<Values>, Vec<u32>)>,
    /// Lines in the file that share what is under the pointer, sorted.
    rows: Vec<u32>,
    /// Positions of the brushed rows among those explained.
    brushed: Vec<usize>,
    /// The same beside all rows, of the answer and the rows that they were looked up in.
    beside: Option<(Arc<Why>, Vec<usize>, Option<Brushed>)>,
}

/// Two touches of the same values; a value that is missing is the same as another one.
fn same(a: Option<Values>, b: Option<Values>) -> bool {
    let bits = |v: Values| (v.feature, v.low.to_bits(), v.high.to_bits());
    a.map(bits) == b.map(bits)
}

impl Lit {
    /// Looks up what changed.
    pub fn look_up(&mut self, cx: &Cx<'_>, why: &Arc<Why>) {
        let (selected, values) = (&cx.session.selection.rows, cx.hovered.values);
        let fresh = self.made.as_ref().is_some_and(|(w, v, s)| Arc::ptr_eq(w, why) && same(*v, values) && s == selected);
        if fresh {
            return;
        }
        let a = &why.attribution;
        let at = |row: &u32| a.rows.binary_search(row).ok().or_else(|| a.rows.iter().position(|r| r == row));
        self.brushed = selected.iter().filter_map(at).collect();
        self.rows = match values.filter(|v| v.feature < a.n_features() && a.group(v.feature).is_empty()) {
            None => Vec::new(),
            Some(v) => (0..a.rows.len()).filter(|i| v.hold(a.input(*i)[v.feature])).map(|i| a.rows[i]).collect(),
        };
        self.rows.sort_unstable();
        self.made = Some((why.clone(), values, selected.clone()));
        if !self.beside.as_ref().is_some_and(|(w, at, _)| Arc::ptr_eq(w, why) && *at == self.brushed) {
            self.beside = Some((why.clone(), self.brushed.clone(), brushed::beside(a, &self.brushed).ok()));
        }
    }

    /// What pictures mark.
    pub fn marks<'m>(&'m self, session: &'m Session, hovered: Option<u32>) -> Marks<'m> {
        Marks { row: session.selection.row, rows: &session.selection.rows, hovered, lit: &self.rows }
    }

    /// Positions of the brushed rows among those explained.
    pub fn brushed(&self) -> &[usize] {
        &self.brushed
    }

    /// Whether features count here as in this answer; inside a group they do not.
    pub fn is_of(&self, why: &Why) -> bool {
        self.made.as_ref().is_some_and(|(w, ..)| std::ptr::eq(Arc::as_ptr(w), why))
    }

    /// What matters to the brushed rows, beside all; nothing where none of those explained was brushed.
    pub fn beside(&self) -> Option<&Brushed> {
        self.beside.as_ref()?.2.as_ref()
    }
}

/// Rows of an answer that have one of these values of a feature.
pub fn rows_with(why: &Why, feature: usize, has: impl Fn(f64) -> bool) -> Vec<u32> {
    let a = &why.attribution;
    let mut rows: Vec<u32> = (0..a.rows.len()).filter(|i| has(a.input(*i)[feature])).map(|i| a.rows[i]).collect();
    rows.sort_unstable();
    rows
}

/// The condition on the data that a stretch of values stands for; none where preparation rewrites the column, or it holds
/// no plain numbers or levels.
pub fn condition(session: &Session, model: &dyn Model, feature: &str, stretches: &[(f64, f64)]) -> Option<String> {
    let encoder = &model.card().encoder;
    let feature: &Feature = encoder.features.iter().find(|f| f.name == feature)?;
    let table = &session.prepared.as_ref()?.value.raw;
    let kind = table.column(&feature.name).ok().map(|c| table.column_type(c))?;
    if encoder.prepare.touched().contains(feature.name.as_str()) || stretches.is_empty() {
        return None;
    }
    let known: Vec<(f64, f64)> = stretches.iter().copied().filter(|s| s.0 <= s.1).collect();
    if known.len() < stretches.len() {
        return None;
    }
    if feature.is_categorical() {
        let levels: Vec<String> = known.iter().map(|s| feature.show(s.0)).collect();
        return segment::among(&feature.name, &levels);
    }
    let (low, high) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), s| (a.min(s.0), b.max(s.1)));
    match kind {
        crate::data::ColumnType::Integer | crate::data::ColumnType::Number => Some(segment::between(&feature.name, low, high)),
        crate::data::ColumnType::Boolean if low == high => Some(format!("{} = {}", segment::quoted(&feature.name), low > 0.5)),
        _ => None,
    }
}

/// Selects brushed rows, and keeps the condition that they stand for.
pub fn brush(cx: &mut Cx<'_>, rows: Vec<u32>, condition: Option<String>) {
    cx.select(|s| (s.rows, s.brush) = (rows, condition));
}
