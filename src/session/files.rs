//! Files of the session: project, autosave, models, report.

use super::flow::Work;
use super::state::{Ask, Session};
use super::task::{Done, Lane};

pub(super) fn work(_session: &Session, _ask: Ask) -> Option<(Lane, bool, Work)> {
    None
}

impl Session {
    pub(super) fn keep_file(&mut self, _ask: Ask, _done: Done) {}
}

/// Autosaves that a run left behind.
pub fn recoverable() -> Vec<std::path::PathBuf> {
    Vec::new()
}

/// Removes an autosave.
pub fn discard(path: &std::path::Path) -> std::io::Result<()> {
    std::fs::remove_file(path)
}

/// Where the open project is autosaved.
pub fn autosave_path(_session: &Session) -> Option<std::path::PathBuf> {
    None
}
