//! One lane: a named thread that does tasks in their order, and the book of what is queued and running.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::{Board, Finished};
use crate::base::{CancelToken, Fault, JobCtx, Result};
use crate::session::task::{Done, Task};

/// Starts a named thread; without one the program cannot work, so the reason is all that is left to say.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let started = std::thread::Builder::new().name(format!("whybench-{name}")).spawn(work);
    if let Err(e) = started {
        eprintln!("whybench: the system starts no thread “{name}” ({e})");
    }
}

/// The book of tasks that are queued or running.
#[derive(Default)]
pub(super) struct Running {
    tasks: Mutex<BTreeMap<u64, (CancelToken, bool)>>,
    changed: Condvar,
}

impl Running {
    fn add(&self, task: &Task) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(task.id, (task.token.clone(), task.saving));
    }
    fn remove(&self, id: u64) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.changed.notify_all();
    }
    pub(super) fn cancel_all_but_saving(&self) {
        for (token, saving) in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).values() {
            if !saving {
                token.cancel();
            }
        }
    }
    pub(super) fn wait_for_saving(&self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(tasks, |tasks| tasks.values().any(|(_, saving)| *saving)));
    }
}

/// A lane's handle.
pub(super) struct Worker {
    queue: Option<SyncSender<Task>>,
    finished: SyncSender<Finished>,
    running: Arc<Running>,
}

impl Worker {
    pub(super) fn start(name: &str, room: usize, finished: SyncSender<Finished>, board: Arc<Board>, running: Arc<Running>) -> Self {
        let (queue, tasks) = sync_channel(room);
        let (out, book) = (finished.clone(), running.clone());
        spawn(name, move || work(&tasks, &out, &board, &book));
        Self { queue: Some(queue), finished, running }
    }

    pub(super) fn submit(&self, task: Task) {
        let Some(queue) = &self.queue else { return };
        self.running.add(&task);
        if let Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) = queue.try_send(task) {
            self.running.remove(task.id);
            // The window will see that it did not run; if it is gone too, nobody is left to tell.
            drop(self.finished.try_send(Finished { id: task.id, result: Err(crate::fault!("ui.busy")) }));
        }
    }

    pub(super) fn close(&mut self) {
        self.queue = None;
    }
}

fn work(tasks: &Receiver<Task>, finished: &SyncSender<Finished>, board: &Arc<Board>, running: &Running) {
    for task in tasks {
        let (id, saving) = (task.id, task.saving);
        let result = if task.token.is_cancelled() { Err(Fault::cancelled()) } else { contained(task, board) };
        board.forget(id);
        running.remove(id);
        if finished.send(Finished { id, result }).is_err() && !saving {
            // Nobody listens any more; what is left in the queue is cancelled or saving.
            continue;
        }
        board.wake_now();
    }
}

/// Runs a task so that a panic inside it ends here, as a fault that names the stage.
fn contained(task: Task, board: &Arc<Board>) -> Result<Done> {
    let ctx = JobCtx::new(Arc::new(board.clone().sink(task.id)), task.token.clone());
    let work = task.work;
    catch_unwind(AssertUnwindSafe(|| work(&ctx))).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "?".to_owned());
        Err(crate::fault!("base.panic", stage = board.stage_of(task.id), reason = reason))
    })
}

/// Waits for a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(out) => return out,
            Poll::Pending => std::thread::park(),
        }
    }
}
