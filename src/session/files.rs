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
