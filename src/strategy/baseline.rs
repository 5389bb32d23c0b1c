//! What is known of everybody before any lever moves: computed once for a model and its rows, then good for every move.

use std::sync::{Arc, Mutex, PoisonError};

use super::resample::Resample;
use super::scenario::Move;
use super::simulate::answer::Answered;
use super::support::Binned;
use super::tested::Measured;
use crate::base::{Fingerprint, JobCtx, Result};
use crate::data::FeatureMatrix;
use crate::ml::{Model, Standing};

/// Answers that are kept; an analyst compares fewer scenarios than this.
const MOST: usize = 64;

/// Numbers that are kept of what moves make of everybody.
const MOST_NUMBERS: usize = 16_000_000;

/// The same for a model that was trained again.
const MOST_NUMBERS_OF_VERSION: usize = 1_000_000;

/// What is shown of everybody after some moves, and which outcome.
type After = ((usize, Vec<(usize, Move)>), Arc<Vec<f64>>);

/// Every row as the model reads it, and what the model says of it.
pub struct Baseline {
    /// The rows.
    pub x: Arc<FeatureMatrix>,
    /// What the model says of the rows, and keeps about them.
    pub standing: Standing,
    /// The rows in bins, for the question whether a person such as a scenario makes up occurs among them.
    pub(super) binned: Arc<Binned>,
    /// Scenarios answered before, by what they were answered from.
    known: Mutex<Vec<(Fingerprint, Answered)>>,
    /// Effects that studies measured, by what was asked.
    measured: Mutex<Vec<(Fingerprint, Measured)>>,
    /// What moves make of everybody; scenarios share moves, and so do the parts that drive a difference.
    after: Mutex<Vec<After>>,
    /// The bootstrap of so many people, dealt once.
    draws: Arc<Mutex<Vec<Dealt>>>,
    /// The same model trained again, by how many times.
    versions: Mutex<Vec<(u64, Arc<Version>)>>,
    /// Numbers that are kept of what moves make of everybody.
    most_numbers: usize,
}

/// A model that was trained again, and what it says of everybody.
pub type Version = (Arc<dyn Model>, Baseline);

/// The bootstrap by people, replicates and seed.
type Dealt = ((usize, u32, u64), Arc<Resample>);

impl Baseline {
    /// Asks the model about every row.
    pub fn of(model: &dyn Model, x: FeatureMatrix, ctx: &JobCtx) -> Result<Self> {
        let standing = model.standing(&x, ctx)?;
        let binned = Arc::new(Binned::of(model.card().features(), &x));
        Ok(Self::new(Arc::new(x), standing, binned, Arc::default(), MOST_NUMBERS))
    }

    fn new(x: Arc<FeatureMatrix>, standing: Standing, binned: Arc<Binned>, draws: Arc<Mutex<Vec<Dealt>>>, most_numbers: usize) -> Self {
        Self {
            x,
            standing,
            binned,
            known: Mutex::default(),
            measured: Mutex::default(),
            after: Mutex::default(),
            draws,
            versions: Mutex::default(),
            most_numbers,
        }
    }

    /// The same model trained for the `k`-th time, which reads rows the same way; `train` is asked once. It stands on the same
    /// rows and draws, and keeps little, because there are many of it.
    pub fn version(&self, k: u64, train: impl FnOnce() -> Result<Arc<dyn Model>>, ctx: &JobCtx) -> Result<Arc<Version>> {
        let known = |all: &Vec<(u64, Arc<Version>)>| all.iter().find(|(at, _)| *at == k).map(|(_, v)| v.clone());
        if let Some(version) = known(&self.versions.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(version);
        }
        let model = train()?;
        let standing = model.margins(&self.x, ctx)?.into();
        let of = Self::new(self.x.clone(), standing, self.binned.clone(), self.draws.clone(), MOST_NUMBERS_OF_VERSION);
        let version = Arc::new((model, of));
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).push((k, version.clone()));
        Ok(version)
    }

    /// The answer to a question that was asked before.
    pub(super) fn answered(&self, question: &Fingerprint) -> Option<Answered> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(q, _)| q == question).map(|(_, a)| a.clone())
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, question: Fingerprint, answer: Answered) {
        keep(&self.known, MOST, question, answer);
    }

    /// What is shown of everybody after the moves, if that was asked before.
    pub(super) fn after(&self, outcome: usize, moves: &[(usize, Move)]) -> Option<Arc<Vec<f64>>> {
        let known = self.after.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|((o, m), _)| *o == outcome && m == moves).map(|(_, shown)| shown.clone())
    }

    /// Keeps what the moves make of everybody.
    pub(super) fn keep_after(&self, outcome: usize, moves: &[(usize, Move)], shown: Arc<Vec<f64>>) {
        keep(&self.after, self.most_numbers.div_ceil(shown.len().max(1)).min(MOST), (outcome, moves.to_vec()), shown);
    }

    /// What a study measured, asked once.
    pub fn measured(&self, question: Fingerprint, measure: impl FnOnce() -> Result<Measured>) -> Result<Measured> {
        let found =
            self.measured.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|(q, _)| *q == question).map(|(_, m)| m.clone());
        match found {
            Some(found) => Ok(found),
            None => {
                let new = measure()?;
                keep(&self.measured, MOST, question, new.clone());
                Ok(new)
            }
        }
    }

    /// The bootstrap of so many people.
    pub(super) fn resample(&self, people: usize, replicates: u32, seed: u64) -> Arc<Resample> {
        let key = (people, replicates, seed);
        let found = self.draws.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|(k, _)| *k == key).map(|(_, d)| d.clone());
        found.unwrap_or_else(|| {
            let new = Arc::new(Resample::new(people, replicates, seed));
            keep(&self.draws, 8, key, new.clone());
            new
        })
    }
}

fn keep<K, V>(all: &Mutex<Vec<(K, V)>>, most: usize, key: K, value: V) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= most {
        all.remove(0);
    }
    all.push((key, value));
}
