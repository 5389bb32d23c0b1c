//! Progress on stderr: a bar on a terminal, plain lines otherwise.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::base::progress::{CurvePoint, ProgressSink};
use crate::base::{Lang, tr};

/// Prints the stages of a headless job.
pub struct Stderr {
    lang: Lang,
    terminal: bool,
    state: Mutex<State>,
}

struct State {
    stage: &'static str,
    total: u64,
    drawn: Option<Instant>,
    open_line: bool,
}

impl Stderr {
    /// A listener in a language.
    pub fn new(lang: Lang) -> Self {
        let state = State { stage: "", total: 0, drawn: None, open_line: false };
        Self { lang, terminal: std::io::stderr().is_terminal(), state: Mutex::new(state) }
    }

    fn put(&self, text: &str) {
        // Progress that cannot be shown (a closed pipe) must not stop the work.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }

    /// Leaves the bar's line.
    pub fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if std::mem::take(&mut state.open_line) {
            self.put("\n");
        }
    }
}

impl ProgressSink for Stderr {
    fn stage(&self, key: &'static str, total: u64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let again = state.stage == key;
        (state.stage, state.total, state.drawn) = (key, total, None);
        if self.terminal {
            self.put(&format!("\r\x1b[K{}…", tr(self.lang, key)));
            state.open_line = true;
        } else if !again {
            self.put(&format!("{}…\n", tr(self.lang, key)));
        }
    }

    fn at(&self, done: u64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !self.terminal || state.total == 0 || state.drawn.is_some_and(|t| t.elapsed() < Duration::from_millis(100)) {
            return;
        }
        state.drawn = Some(Instant::now());
        let share = (done as f64 / state.total as f64).clamp(0.0, 1.0);
        let filled = (share * 24.0).round() as usize;
        let bar: String = (0..24).map(|i| if i < filled { '█' } else { '░' }).collect();
        self.put(&format!("\r\x1b[K{} {bar} {:.0} %", tr(self.lang, state.stage), share * 100.0));
        state.open_line = true;
    }

    fn curve(&self, _: CurvePoint) {}
}
