//! What a new file has and lacks beside what a model learned from: one sentence a finding.

use crate::base::{Notice, Result};
use crate::data::{ColumnType, FeatureKind, Table};
use crate::ml::ModelCard;
use crate::{fault, note};

/// Levels named in a sentence.
const NAMED: usize = 5;

/// Faults where the model cannot read the file at all; else what is otherwise than it was.
pub fn check(card: &ModelCard, table: &Table) -> Result<Vec<Notice>> {
    let missing: Vec<&str> = card.features().iter().map(|f| f.name.as_str()).filter(|n| table.index_of(n).is_none()).collect();
    if !missing.is_empty() {
        return Err(fault!("feedback.missing", model = &card.spec.name, columns = missing.join(", ")));
    }
    let mut out = Vec::new();
    for f in card.features() {
        let Some(i) = table.index_of(&f.name) else { continue };
        match &f.kind {
            FeatureKind::Numeric { .. } => {
                if table.column_type(i) == ColumnType::Text && table.numbers(i).iter().all(|v| v.is_nan()) {
                    out.push(note!("feedback.not_numbers", column = &f.name));
                }
            }
            FeatureKind::Categorical { levels } => {
                let (codes, here) = table.codes(i);
                let unseen: Vec<usize> = (0..here.len()).filter(|l| !levels.contains(&here[*l])).collect();
                if unseen.is_empty() {
                    continue;
                }
                let mut of = vec![false; here.len()];
                unseen.iter().for_each(|l| of[*l] = true);
                let rows = codes.iter().filter(|c| usize::try_from(**c).is_ok_and(|c| of[c])).count();
                let named: Vec<&str> = unseen.iter().take(NAMED).map(|l| here[*l].as_str()).collect();
                let more = if unseen.len() > NAMED { ", …" } else { "" };
                let share = crate::base::numbers::percent(rows as f64 / codes.len().max(1) as f64);
                out.push(note!(
                    "feedback.new_levels",
                    column = &f.name,
                    levels = named.join(", ") + more,
                    count = unseen.len(),
                    share = share
                ));
            }
        }
    }
    let read: Vec<&str> = card.features().iter().map(|f| f.name.as_str()).chain(card.outcomes.iter().map(|o| o.name.as_str())).collect();
    let more: Vec<String> = table.names().into_iter().filter(|n| !read.contains(&n.as_str())).collect();
    if !more.is_empty() {
        let named = more.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ") + if more.len() > NAMED { ", …" } else { "" };
        out.push(note!("feedback.unread", columns = named, count = more.len()));
    }
    Ok(out)
}
