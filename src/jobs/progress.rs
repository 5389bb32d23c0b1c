//! The board: how each running task stands, newest value only, and when to wake the window.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::progress::{CurvePoint, Preview, ProgressSink};
use crate::base::tr;
use crate::session::task::Progress;

/// Time between two wakes for progress.
const WAKE_EVERY: Duration = Duration::from_millis(67);

struct Entry {
    progress: Progress,
    stage_began: Instant,
    curve: Vec<CurvePoint>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<u64, Entry>,
    woken: bool,
    drained: Option<Instant>,
}

/// How each running task stands.
pub struct Board {
    state: Mutex<State>,
    wake: Box<dyn Fn(Duration) + Send + Sync>,
}

impl Board {
    pub(super) fn new(wake: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), wake: Box::new(wake) }
    }

    pub(super) fn sink(self: Arc<Self>, id: u64) -> Sink {
        Sink { board: self, id }
    }

    pub(super) fn read(&self) -> Vec<(u64, Progress)> {
        let mut state = self.lock();
        state
            .entries
            .iter_mut()
            .map(|(id, e)| {
                e.progress.seconds_left = time_left(e.progress.done, e.progress.total, e.stage_began.elapsed());
                if e.curve.len() != e.progress.curve.len() {
                    e.progress.curve = e.curve.as_slice().into();
                }
                (*id, e.progress.clone())
            })
            .collect()
    }

    pub(super) fn forget(&self, id: u64) {
        self.lock().entries.remove(&id);
    }

    pub(super) fn stage_of(&self, id: u64) -> &'static str {
        self.lock().entries.get(&id).map_or("–", |e| tr(crate::base::Lang::En, e.progress.stage))
    }

    pub(super) fn rearm(&self) {
        let mut state = self.lock();
        state.woken = false;
        state.drained = Some(Instant::now());
    }

    pub(super) fn wake_now(&self) {
        self.lock().woken = true;
        (self.wake)(Duration::ZERO);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Entry)) {
        let after = {
            let mut state = self.lock();
            let entry = state.entries.entry(id).or_insert_with(|| Entry {
                progress: Progress::default(),
                stage_began: Instant::now(),
                curve: Vec::new(),
            });
            change(entry);
            if state.woken {
                return;
            }
            state.woken = true;
            state.drained.map_or(Duration::ZERO, |d| WAKE_EVERY.saturating_sub(d.elapsed()))
        };
        (self.wake)(after);
    }
}

/// Seconds that the stage still needs at its pace so far; nothing until a guess is worth it.
fn time_left(done: u64, total: u64, elapsed: Duration) -> Option<f64> {
    let elapsed = elapsed.as_secs_f64();
    (done > 0 && total >= done && elapsed > 1.0).then(|| elapsed / done as f64 * (total - done) as f64)
}

/// The board's end of one task.
pub(super) struct Sink {
    board: Arc<Board>,
    id: u64,
}

impl ProgressSink for Sink {
    fn stage(&self, key: &'static str, total: u64) {
        self.board.change(self.id, |e| {
            e.progress.stage = key;
            e.progress.done = 0;
            e.progress.total = total;
            e.stage_began = Instant::now();
        });
    }
    fn at(&self, done: u64) {
        self.board.change(self.id, |e| e.progress.done = done);
    }
    fn curve(&self, point: CurvePoint) {
        self.board.change(self.id, |e| e.curve.push(point));
    }
    fn looks(&self) -> bool {
        true
    }
    fn preview(&self, so_far: Preview) {
        self.board.change(self.id, |e| e.progress.preview = Some(so_far));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_pace() {
        assert_eq!(time_left(1, 4, Duration::from_secs(2)), Some(6.0));
        assert_eq!(time_left(0, 4, Duration::from_secs(2)), None);
        assert_eq!(time_left(1, 0, Duration::from_secs(2)), None);
        assert_eq!(time_left(1, 4, Duration::from_millis(200)), None);
    }
}
