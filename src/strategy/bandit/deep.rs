//! The deep policy: a network learns, in batches, what of a person matters; linear Thompson sampling on its last layer says how
//! sure it is of each thing (neural linear; Riquelme, Tucker and Snoek 2018).

use super::policies::Ridge;
use crate::base::Result;
use crate::base::rng::{self, Rng};
use crate::ml::net::{Seen, SmallNet};

/// Width of the hidden layers.
const HIDDEN: usize = 16;
/// Rows of a step.
const BATCH: usize = 64;
/// How often a lesson goes through the rows.
const EPOCHS: usize = 8;
/// Rows before the first lesson; each later one waits until there are twice as many, or so many more.
const FIRST: usize = 256;
const MOST_BETWEEN: usize = 4_096;
/// Rows that are remembered; older ones are forgotten.
const MEMORY: usize = 16_384;
/// Rows of a lesson: the latest.
const LESSON: usize = 4_096;
const RATE: f32 = 0.01;

/// A network, what it saw, and what each thing is worth on top of its last layer.
pub(super) struct Deep {
    net: SmallNet,
    pub(super) linear: Vec<Ridge>,
    width: usize,
    people: Vec<f32>,
    came: Vec<(usize, f32)>,
    rows: usize,
    next: usize,
    random: Rng,
}

impl Deep {
    pub(super) fn new(actions: usize, width: usize, seed: u64) -> Result<Self> {
        Ok(Self {
            net: SmallNet::new(width, HIDDEN, actions, seed)?,
            linear: vec![Ridge::new(HIDDEN + 1); actions],
            width,
            people: Vec::new(),
            came: Vec::new(),
            rows: 0,
            next: FIRST,
            random: rng::rng(seed, "deep-policy"),
        })
    }

    /// What the network makes of a person.
    pub(super) fn features(&self, person: &[f64]) -> Vec<f64> {
        let person: Vec<f32> = person.iter().map(|v| *v as f32).collect();
        self.net.features(&person)
    }

    /// What came of showing something; now and then the network learns from all of it.
    pub(super) fn learn(&mut self, person: &[f64], action: usize, reward: f64) -> Result<()> {
        let features = self.features(person);
        self.linear[action].learn(&features, reward);
        self.people.extend(person.iter().map(|v| *v as f32));
        self.came.push((action, reward as f32));
        if self.came.len() >= 2 * MEMORY {
            self.people.drain(..MEMORY * self.width);
            self.came.drain(..MEMORY);
        }
        self.rows += 1;
        if self.rows >= self.next {
            self.next += self.rows.min(MOST_BETWEEN);
            self.lesson()?;
        }
        Ok(())
    }

    fn lesson(&mut self) -> Result<()> {
        let mut rows: Vec<usize> = (self.came.len().saturating_sub(LESSON)..self.came.len()).collect();
        for epoch in 0..EPOCHS {
            rng::shuffle(&mut self.random, &mut rows);
            let rate = RATE * (1.0 - epoch as f32 / EPOCHS as f32);
            for batch in rows.chunks(BATCH) {
                let seen: Vec<Seen<'_>> = batch
                    .iter()
                    .map(|r| {
                        let person = &self.people[r * self.width..(r + 1) * self.width];
                        Seen { person, chosen: self.came[*r].0, reward: self.came[*r].1 }
                    })
                    .collect();
                self.net.learn(&seen, rate)?;
            }
        }
        // The last layer means something else now: what each thing is worth is learned anew from all that is remembered.
        self.linear.iter_mut().for_each(|r| *r = Ridge::new(HIDDEN + 1));
        for (person, (action, reward)) in self.people.chunks_exact(self.width).zip(&self.came) {
            self.linear[*action].learn(&self.net.features(person), f64::from(*reward));
        }
        Ok(())
    }
}
