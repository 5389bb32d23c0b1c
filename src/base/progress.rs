//! Progress and cancel: what a long function tells its caller, and how the caller stops it.
//!
//! A long function takes `&JobCtx` first, names its stage, reports n of m, and calls [`JobCtx::check`] at least once per
//! batch, column or chunk. It knows nothing of threads: a test passes [`JobCtx::quiet`].

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::text::{Fault, Result};

/// A flag that many may set and the work polls.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    stop: Arc<AtomicBool>,
    paused: Arc<(Mutex<bool>, Condvar)>,
}

impl CancelToken {
    /// Asks the work to stop at its next check.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.set_paused(false);
    }
    /// Whether somebody asked the work to stop.
    pub fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
    /// Holds the work at its next check, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        *self.paused.0.lock().unwrap_or_else(PoisonError::into_inner) = paused;
        self.paused.1.notify_all();
    }
    /// Whether the work is held.
    pub fn is_paused(&self) -> bool {
        *self.paused.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn wait_while_paused(&self) {
        let guard = self.paused.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.paused.1.wait_while(guard, |paused| *paused));
    }
}

/// One point of a training curve.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CurvePoint {
    /// Epoch or boosting round, from 1.
    pub step: u32,
    /// Mean training loss (log-loss or squared error).
    pub train: f64,
    /// Loss on the validation part, where there is one.
    pub validation: Option<f64>,
}

/// What a job has so far, for whoever asked for it and so knows its type.
#[derive(Clone)]
pub struct Preview(pub Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Preview")
    }
}

impl PartialEq for Preview {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Who listens. Every method may be called from a worker thread.
pub trait ProgressSink: Send + Sync {
    /// A named stage begins (a catalogue key); `total` steps, 0 if unknown.
    fn stage(&self, key: &'static str, total: u64);
    /// `done` of the stage's total.
    fn at(&self, done: u64);
    /// One more point of the training curve.
    fn curve(&self, _point: CurvePoint) {}
    /// Whether anybody looks at what a job has so far; where nobody does, it is not even made.
    fn looks(&self) -> bool {
        false
    }
    /// What a job has so far; it takes the place of what it had before.
    fn preview(&self, _so_far: Preview) {}
}

struct Silent;
impl ProgressSink for Silent {
    fn stage(&self, _: &'static str, _: u64) {}
    fn at(&self, _: u64) {}
}

/// The context of one job: where to report, when to stop.
#[derive(Clone)]
pub struct JobCtx {
    sink: Arc<dyn ProgressSink>,
    cancel: CancelToken,
}

impl JobCtx {
    /// A context that reports to `sink` and obeys `cancel`.
    pub fn new(sink: Arc<dyn ProgressSink>, cancel: CancelToken) -> Self {
        Self { sink, cancel }
    }
    /// For tests and short work: says nothing, is never cancelled.
    pub fn quiet() -> Self {
        Self::new(Arc::new(Silent), CancelToken::default())
    }
    /// Names the stage that begins; the key must be in the catalogue.
    pub fn stage(&self, key: &'static str, total: u64) {
        self.sink.stage(key, total);
    }
    /// Reports how far the stage is.
    pub fn at(&self, done: u64) {
        self.sink.at(done);
    }
    /// Reports a point of the training curve.
    pub fn curve(&self, point: CurvePoint) {
        self.sink.curve(point);
    }
    /// Shows what there is so far, for it to be seen growing. Made only if somebody looks.
    pub fn preview<T: Any + Send + Sync>(&self, so_far: impl FnOnce() -> T) {
        if self.sink.looks() {
            self.sink.preview(Preview(Arc::new(so_far())));
        }
    }
    /// The same work without a word: for a step within a larger stage. It can still be stopped.
    pub fn without_stage(&self) -> Self {
        Self { sink: Arc::new(Silent), cancel: self.cancel.clone() }
    }
    /// The flag behind this context.
    pub fn token(&self) -> &CancelToken {
        &self.cancel
    }
    /// Returns the cancelled fault once the analyst stopped the work; waits here while it is paused.
    pub fn check(&self) -> Result<()> {
        self.cancel.wait_while_paused();
        if self.cancel.is_cancelled() { Err(Fault::cancelled()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_context_says_so() {
        let ctx = JobCtx::quiet();
        assert!(ctx.check().is_ok());
        ctx.token().cancel();
        assert!(ctx.check().unwrap_err().is_cancelled());
    }
}
