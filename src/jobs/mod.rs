//! The only place with threads: an IO lane, one compute lane that owns the tensor device, and a thread per open dialog.
//!
//! A [`Task`] goes in, progress and one [`Finished`] come out. Progress is a latest-value slot per task; results go
//! through a bounded channel. The window is woken at most fifteen times a second, and at once when something finished.
//! A panic inside a task becomes a fault here and nowhere else. Dropping [`Jobs`] cancels everything except saving,
//! which it waits for.

mod lane;
mod progress;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::base::Result;
use crate::session::task::{Done, Lane, Progress, Task};

use lane::{Running, Worker};
pub use progress::Board;

/// A task's outcome.
pub struct Finished {
    /// Number of the task.
    pub id: u64,
    /// What it gave.
    pub result: Result<Done>,
}

/// What a dialog was for, and what the analyst chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen<P> {
    /// What it was for.
    pub purpose: P,
    /// The file; `None` if the dialog was left without one.
    pub path: Option<PathBuf>,
    /// Whether it closed faster than a person can act: then no dialog program is installed.
    pub at_once: bool,
}

/// How many results may wait for the window before a lane waits for it.
const EVENTS: usize = 256;
/// How many tasks may wait in a lane; the session asks one per slot, so this is never reached in practice.
const TASKS: usize = 256;

/// The lanes; `P` says what a dialog is for.
pub struct Jobs<P: Send + 'static> {
    io: Worker,
    compute: Worker,
    board: Arc<Board>,
    running: Arc<Running>,
    finished: Receiver<Finished>,
    chosen: (SyncSender<Chosen<P>>, Receiver<Chosen<P>>),
}

impl<P: Send + 'static> Jobs<P> {
    /// Starts the lanes. `wake` is called from their threads; after the given time the window should call
    /// [`Jobs::drain`].
    pub fn new(wake: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        let board = Arc::new(Board::new(wake));
        let running = Arc::new(Running::default());
        let (sender, finished) = sync_channel(EVENTS);
        let worker = |name: &str| Worker::start(name, TASKS, sender.clone(), board.clone(), running.clone());
        Self { io: worker("io"), compute: worker("compute"), board, running, finished, chosen: sync_channel(EVENTS) }
    }

    /// Queues a task on its lane.
    pub fn submit(&self, task: Task) {
        match task.lane {
            Lane::Io => self.io.submit(task),
            Lane::Compute => self.compute.submit(task),
        }
    }

    /// What finished since the last call, in order. Also re-arms the wake.
    pub fn drain(&mut self) -> Vec<Finished> {
        self.board.rearm();
        self.finished.try_iter().collect()
    }

    /// How the running tasks stand.
    pub fn progress(&self) -> Vec<(u64, Progress)> {
        self.board.read()
    }

    /// Waits for a dialog on a thread of its own, so that a dialog left open holds nothing up. The future must be made on
    /// the window's thread.
    pub fn dialog(&self, purpose: P, future: impl Future<Output = Option<PathBuf>> + Send + 'static) {
        let (sender, board) = (self.chosen.0.clone(), self.board.clone());
        lane::spawn("dialog", move || {
            let clock = std::time::Instant::now();
            let path = lane::block_on(future);
            let at_once = clock.elapsed() < Duration::from_millis(400);
            if sender.send(Chosen { purpose, path, at_once }).is_ok() {
                board.wake_now();
            }
        });
    }

    /// What was chosen in dialogs since the last call.
    pub fn chosen(&mut self) -> Vec<Chosen<P>> {
        self.chosen.1.try_iter().collect()
    }
}

impl<P: Send + 'static> Drop for Jobs<P> {
    fn drop(&mut self) {
        self.running.cancel_all_but_saving();
        self.io.close();
        self.compute.close();
        self.running.wait_for_saving();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::base::{CancelToken, JobCtx};
    use crate::session::state::Ask;

    fn task(id: u64, lane: Lane, saving: bool, work: impl FnOnce(&JobCtx) -> Result<Done> + Send + 'static) -> Task {
        Task { id, ask: Ask::Load, lane, saving, token: CancelToken::default(), work: Box::new(work) }
    }

    fn wait<T>(mut get: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(t) = get() {
                return t;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "nothing came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn one(jobs: &mut Jobs<()>) -> Finished {
        wait(|| jobs.drain().pop())
    }

    #[test]
    fn a_result_arrives_and_wakes() {
        let wakes = Arc::new(AtomicU32::new(0));
        let count = wakes.clone();
        let mut jobs: Jobs<()> = Jobs::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        jobs.submit(task(7, Lane::Io, false, |_| Ok(Done::Saved(None))));
        let f = one(&mut jobs);
        assert_eq!(f.id, 7);
        assert!(f.result.is_ok());
        assert!(wakes.load(Ordering::SeqCst) >= 1);
    }

    #[test]
    fn a_panic_becomes_a_fault_and_the_lane_goes_on() {
        let mut jobs: Jobs<()> = Jobs::new(|_| {});
        jobs.submit(task(1, Lane::Compute, false, |ctx| {
            ctx.stage("data.stage_reading", 0);
            panic!("index 3 out of range")
        }));
        let fault = one(&mut jobs).result.err().unwrap();
        assert_eq!(fault.0.code, "base.panic");
        assert!(fault.to_string().contains("index 3"), "{fault}");
        jobs.submit(task(2, Lane::Compute, false, |_| Ok(Done::Saved(None))));
        assert!(one(&mut jobs).result.is_ok());
    }

    #[test]
    fn many_reports_wake_seldom() {
        let wakes = Arc::new(Mutex::new(Vec::new()));
        let seen = wakes.clone();
        let jobs: Jobs<()> = Jobs::new(move |after| seen.lock().unwrap().push(after));
        jobs.submit(task(1, Lane::Compute, false, |ctx| {
            ctx.stage("data.stage_reading", 10_000);
            for i in 0..10_000 {
                ctx.at(i);
            }
            Ok(Done::Saved(None))
        }));
        let f = wait(|| jobs.finished.try_recv().ok());
        assert!(f.result.is_ok());
        let wakes = wakes.lock().unwrap();
        assert!(wakes.len() <= 3, "one for progress until drained, one at the end: {wakes:?}");
        assert!(wakes.last().is_some_and(Duration::is_zero), "the end wakes at once: {wakes:?}");
    }

    #[test]
    fn progress_can_be_read_while_it_runs_and_is_gone_after() {
        let mut jobs: Jobs<()> = Jobs::new(|_| {});
        let t = task(1, Lane::Compute, false, |ctx| {
            ctx.stage("data.stage_reading", 4);
            ctx.at(3);
            loop {
                ctx.check()?;
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let token = t.token.clone();
        jobs.submit(t);
        let p = wait(|| jobs.progress().into_iter().find(|(id, p)| *id == 1 && p.done == 3));
        assert_eq!((p.1.stage, p.1.total), ("data.stage_reading", 4));
        token.cancel();
        assert!(one(&mut jobs).result.err().unwrap().is_cancelled());
        assert!(jobs.progress().is_empty());
    }

    #[test]
    fn a_held_task_waits() {
        let mut jobs: Jobs<()> = Jobs::new(|_| {});
        let t = task(1, Lane::Io, false, |ctx| ctx.check().map(|()| Done::Saved(None)));
        let token = t.token.clone();
        token.set_paused(true);
        jobs.submit(t);
        std::thread::sleep(Duration::from_millis(30));
        assert!(jobs.drain().is_empty());
        token.set_paused(false);
        assert!(one(&mut jobs).result.is_ok());
    }

    #[test]
    fn dropping_cancels_but_finishes_saving() {
        let saved = Arc::new(AtomicU32::new(0));
        let stopped = Arc::new(AtomicU32::new(0));
        let jobs: Jobs<()> = Jobs::new(|_| {});
        let s = stopped.clone();
        jobs.submit(task(1, Lane::Io, false, move |ctx| {
            ctx.stage("data.stage_reading", 0);
            while ctx.check().is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
            s.fetch_add(1, Ordering::SeqCst);
            Err(crate::base::Fault::cancelled())
        }));
        let s = saved.clone();
        jobs.submit(task(2, Lane::Io, true, move |ctx| {
            std::thread::sleep(Duration::from_millis(30));
            ctx.check()?;
            s.fetch_add(1, Ordering::SeqCst);
            Ok(Done::Saved(None))
        }));
        wait(|| jobs.progress().pop());
        drop(jobs);
        assert_eq!(saved.load(Ordering::SeqCst), 1);
        assert_eq!(stopped.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_dialog_answers() {
        let mut jobs: Jobs<&str> = Jobs::new(|_| {});
        jobs.dialog("open", async { Some(PathBuf::from("a.csv")) });
        let c = wait(|| jobs.chosen().pop());
        assert_eq!((c.purpose, c.path, c.at_once), ("open", Some(PathBuf::from("a.csv")), true));
    }
}
