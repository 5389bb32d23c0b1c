//! Lanes: one-thread pools that each run whole pieces of work on the CPU.
//!
//! Work is cut into pieces whose number and order never depend on the number of cores, and each piece runs on one thread:
//! the same bits on any machine, and no time lost on splitting small matrices.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Runs `work(0..pieces)` on the lanes and returns the results in order. A panic in a piece goes on to the caller.
pub(super) fn each<T: Send>(pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let lanes = lanes();
    if pieces <= 1 || lanes.is_empty() {
        return match lanes.first() {
            // Still on a one-thread pool: the tensor library would otherwise split by the number of cores.
            Some(lane) => (0..pieces).map(|i| lane.install(|| work(i))).collect(),
            None => (0..pieces).map(work).collect(),
        };
    }
    let mut results: Vec<Option<T>> = (0..pieces).map(|_| None).collect();
    run(lanes, &mut results, &work);
    results.into_iter().flatten().collect()
}

/// Lane i takes every `lanes.len()`-th result, starting with the i-th.
fn run<T: Send>(lanes: &[ThreadPool], results: &mut [Option<T>], work: &(impl Fn(usize) -> T + Sync)) {
    let mut shares: Vec<Vec<(usize, &mut Option<T>)>> = lanes.iter().map(|_| Vec::new()).collect();
    for (i, slot) in results.iter_mut().enumerate() {
        shares[i % lanes.len()].push((i, slot));
    }
    start(lanes, shares, work);
}

fn start<T: Send>(lanes: &[ThreadPool], mut shares: Vec<Vec<(usize, &mut Option<T>)>>, work: &(impl Fn(usize) -> T + Sync)) {
    let (Some((lane, lanes)), Some(mine)) = (lanes.split_last(), shares.pop()) else { return };
    lane.in_place_scope(|scope| {
        if !mine.is_empty() {
            scope.spawn(move |_| {
                for (i, slot) in mine {
                    *slot = Some(work(i));
                }
            });
        }
        start(lanes, shares, work);
    });
}

fn lanes() -> &'static [ThreadPool] {
    static LANES: OnceLock<Vec<ThreadPool>> = OnceLock::new();
    LANES.get_or_init(|| {
        let n = rayon::current_num_threads().max(1);
        (0..n).map_while(|i| ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| format!("lane-{i}")).build().ok()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_and_each_piece_has_one_thread() {
        let out = each(7, |i| (i, rayon::current_num_threads()));
        assert_eq!(out, (0..7).map(|i| (i, 1)).collect::<Vec<_>>());
        assert_eq!(each(0, |i| i), Vec::<usize>::new());
        assert_eq!(each(1, |_| rayon::current_num_threads()), [1]);
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        assert!(std::panic::catch_unwind(|| each(3, |i| assert!(i != 1))).is_err());
    }
}
