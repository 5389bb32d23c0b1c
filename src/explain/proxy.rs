//! A proxy of boosted trees for a model that cannot be looked into, put right by sampling.
//!
//! Trees are trained on what the model says of rows mixed from the group, as the game mixes them. Their Shapley values
//! against the group are exact. What they miss is a game of its own, small where they are good, and paired orders find
//! its values without bias: so the sum has none either, however poor the trees are, and its interval is that of the rest.

use crate::base::{Fingerprint, JobCtx, Result, rng};
use crate::data::{FeatureMatrix, Part};
use crate::ml::train::TrainData;
use crate::ml::trees::{TreeModel, fit};
use crate::ml::{ModelKind, ModelSpec, Outcome, OutcomeKind};

use super::game::{Game, Meter};
use super::sampling::{One, orders};
use super::trees::AgainstGroup;

/// How much is put into the proxy.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Mixed rows that the model is asked about.
    pub rows: usize,
    /// Rounds of boosting.
    pub rounds: u32,
    /// Depth of the trees.
    pub depth: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: 8_192, rounds: 300, depth: 6 }
    }
}

/// The trained trees, ready to be explained against the group.
pub struct Proxy {
    model: TreeModel,
    against: AgainstGroup,
    asked: usize,
}

impl Proxy {
    /// Trains on mixtures of `donors` (rows of the group, as many as there are) with the game's group. Rows that are to be
    /// explained take no part: so the proxy, and with it every row's values, hang on no other row.
    pub fn new(game: &Game<'_>, donors: &FeatureMatrix, size: Size, seed: u64, ctx: &JobCtx) -> Result<Self> {
        ctx.stage("explain.stage_proxy", 0);
        let quiet = ctx.without_stage();
        let mut rng = rng::rng(seed, "proxy");
        let donors = if donors.n_rows() == 0 { game.reference } else { donors };
        let m = game.players.count();
        let mut values = Vec::with_capacity(size.rows * donors.n_features);
        for _ in 0..size.rows {
            let (mine, theirs) = (rng::below(&mut rng, donors.n_rows()), rng::below(&mut rng, game.reference.n_rows()));
            let known = mixture(m, &mut rng);
            game.mix(donors.row(mine), theirs, |p| known[p], &mut values);
        }
        let x = FeatureMatrix { n_features: donors.n_features, values };
        let y = game.outputs(&x, &quiet)?;
        let spec = ModelSpec { seed, epochs: Some(size.rounds), depth: Some(size.depth), ..ModelSpec::new("proxy", ModelKind::Gbdt) };
        let data = TrainData {
            x,
            y: vec![y],
            parts: vec![Part::Train; size.rows],
            outcomes: vec![Outcome { name: "output".to_owned(), kind: OutcomeKind::Number, base_rate: 0.0 }],
            encoder: game.model.card().encoder.clone(),
            data: Fingerprint::default(),
            warnings: Vec::new(),
        };
        // The answers have no noise to learn by heart: no rows are held back.
        let model = fit(&spec, &data, &(0..size.rows).collect::<Vec<_>>(), &[], &quiet)?;
        let against = AgainstGroup::new(model.ensemble(), 0, game.players, game.reference, &quiet)?;
        Ok(Self { model, against, asked: size.rows })
    }

    /// The values of one row, whose output is `whole` above the base.
    pub(super) fn row(
        &self,
        game: &Game<'_>,
        row: &[f64],
        whole: f64,
        passes: usize,
        rng: &mut rng::Rng,
        meter: &Meter<'_>,
    ) -> Result<One> {
        let x = FeatureMatrix { n_features: row.len(), values: row.to_vec() };
        let known = self.against.values(&x, &meter.ctx.without_stage())?;
        let rest = Game { less: Some(&self.model), ..*game };
        let mut one = orders(&rest, row, whole, passes, rng, meter)?;
        one.values.iter_mut().zip(&known).for_each(|(v, k)| *v += k);
        one.calls += self.asked;
        Ok(one)
    }
}

/// Which players a mixture knows: every number of them, from nobody to all, as often as every other, as Shapley's orders
/// meet them.
fn mixture(players: usize, rng: &mut rng::Rng) -> Vec<bool> {
    let share = rng::unit(rng);
    (0..players).map(|_| rng::unit(rng) < share).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Players;
    use super::super::sampling::calls_of_pass;
    use super::super::sampling::tests::by_hand;
    use super::super::tests::formula;
    use super::*;
    use crate::base::coalition;
    use crate::ml::Model;
    use crate::ml::model::Scale;

    fn smooth(x: &[f64]) -> f64 {
        (2.0 * x[0]).sin() * x[1] + x[2] * x[2] * (1.0 + 0.5 * x[3]) + (x[0] + x[3] + x[4]).tanh()
    }

    fn drawn(seed: u64, n: usize, m: usize) -> FeatureMatrix {
        let mut rng = rng::rng(seed, "rows");
        FeatureMatrix { n_features: m, values: (0..n * m).map(|_| rng::normal(&mut rng)).collect() }
    }

    fn exact(game: &Game<'_>, row: &[f64]) -> Vec<f64> {
        let m = row.len();
        coalition::shapley(m, &game.worths(row, 1 << m, |c, p| c >> p & 1 == 1, &JobCtx::quiet()).unwrap())
    }

    #[test]
    fn without_bias_however_poor_the_trees_are() {
        let (model, group, row) = (formula(5, smooth), drawn(1, 6, 5), drawn(2, 1, 5));
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let want = exact(&game, row.row(0));
        let ctx = JobCtx::quiet();
        let meter = Meter { ctx: &ctx, before: 0 };
        const SEEDS: u64 = 100;
        let size = Size { rows: 160, rounds: 15, depth: 2 };
        let (mut all, mut alone) = (Vec::new(), [0.0; 5]);
        for seed in 0..SEEDS {
            let proxy = Proxy::new(&game, &group, size, seed, &ctx).unwrap();
            let mut rng = rng::rng(seed, "orders");
            all.push(proxy.row(&game, row.row(0), 1.0, 1, &mut rng, &meter).unwrap().values);
            alone.iter_mut().zip(proxy.against.values(&row, &ctx).unwrap()).for_each(|(a, v)| *a += v / SEEDS as f64);
        }
        let mut biased = 0;
        for j in 0..5 {
            let mean = all.iter().map(|v| v[j]).sum::<f64>() / SEEDS as f64;
            let spread = all.iter().map(|v| (v[j] - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64;
            let limit = 4.0 * (spread / SEEDS as f64).sqrt();
            assert!((mean - want[j]).abs() <= limit, "{j}: {mean} ± {limit}, exact {}", want[j]);
            biased += usize::from((alone[j] - want[j]).abs() > limit);
        }
        assert!(biased >= 2, "the trees alone must be off, or the test shows nothing: {alone:?} {want:?}");
    }

    /// Proxy and rest by hand: the trees' values by every coalition, the rest by orders on the difference, with its interval.
    #[test]
    fn values_intervals_and_questions_are_those_by_hand() {
        let (model, group, row) = (formula(5, smooth), drawn(1, 6, 5), drawn(2, 1, 5));
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let size = Size { rows: 400, rounds: 25, depth: 3 };
        let proxy = Proxy::new(&game, &group, size, 3, &ctx).unwrap();
        let trees = |x: &[f64]| {
            let x = FeatureMatrix { n_features: 5, values: x.to_vec() };
            proxy.model.margins(&x, &ctx).unwrap()[0]
        };
        let of_trees = exact(&Game { model: &proxy.model, ..game }, row.row(0));
        let rest = by_hand(&|x| smooth(x) - trees(x), &group, row.row(0), 2, &mut rng::rng(8, "o"));
        let one = proxy.row(&game, row.row(0), 0.0, 2, &mut rng::rng(8, "o"), &Meter { ctx: &ctx, before: 0 }).unwrap();
        for j in 0..5 {
            let (value, width) = rest[j];
            assert!((one.values[j] - value - of_trees[j]).abs() < 1e-9, "{j}: {} is not {value} + {}", one.values[j], of_trees[j]);
            assert!((one.width[j] - width).abs() < 1e-9 && width > 1e-3, "{j}: {} is not {width}", one.width[j]);
        }
        assert_eq!(one.calls, 400 + 2 * calls_of_pass(5, 6), "what training asked is counted");
    }

    /// Every number of known players comes as often, and so does every player.
    #[test]
    fn mixtures_know_few_and_many_alike() {
        const DRAWS: usize = 14_000;
        let mut rng = rng::rng(6, "mixtures");
        let (mut counts, mut players) = ([0usize; 7], [0usize; 6]);
        for _ in 0..DRAWS {
            let known = mixture(6, &mut rng);
            counts[known.iter().filter(|k| **k).count()] += 1;
            players.iter_mut().zip(&known).for_each(|(n, k)| *n += usize::from(*k));
        }
        // Four standard errors of a share of 1/7, and of a half.
        assert!(counts.iter().all(|n| n.abs_diff(DRAWS / 7) < 170), "{counts:?}");
        assert!(players.iter().all(|n| n.abs_diff(DRAWS / 2) < 240), "{players:?}");
    }

    /// Mixtures hold every share of known players alike, so that the trees see few and many: on a game whose worth bends
    /// with their number, trees trained so are right at both ends.
    #[test]
    fn the_trees_see_every_share_of_known_players() {
        let (model, zeros) = (formula(6, crowded), FeatureMatrix { n_features: 6, values: vec![0.0; 6] });
        let ones = FeatureMatrix { n_features: 6, values: vec![1.0; 6] };
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &zeros, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let proxy = Proxy::new(&game, &ones, Size { rows: 600, rounds: 100, depth: 6 }, 1, &ctx).unwrap();
        for known in 0..=6 {
            let x = FeatureMatrix { n_features: 6, values: (0..6).map(|j| f64::from(u8::from(j < known))).collect() };
            let (says, is) = (proxy.model.margins(&x, &ctx).unwrap()[0], crowded(x.row(0)));
            assert!((says - is).abs() < 1.5, "{known} known: {says}, not {is}");
        }
    }

    fn crowded(x: &[f64]) -> f64 {
        (x.iter().sum::<f64>() - 3.0).powi(2)
    }

    /// Remembers the first value of every row that it is asked about.
    struct Seen<M>(M, std::sync::Mutex<std::collections::BTreeSet<u64>>);
    impl<M: Model> Model for Seen<M> {
        fn card(&self) -> &crate::ml::ModelCard {
            self.0.card()
        }
        fn card_mut(&mut self) -> &mut crate::ml::ModelCard {
            self.0.card_mut()
        }
        fn margins(&self, x: &FeatureMatrix, ctx: &JobCtx) -> Result<Vec<f64>> {
            let firsts = (0..x.n_rows()).map(|i| x.row(i)[0].to_bits());
            self.1.lock().unwrap().extend(firsts);
            self.0.margins(x, ctx)
        }
        fn structure(&self) -> crate::ml::model::Structure<'_> {
            self.0.structure()
        }
        fn tensors(&self) -> Vec<crate::ml::file::NamedTensor> {
            self.0.tensors()
        }
    }

    #[test]
    fn trees_learn_from_the_whole_group_not_from_the_few_that_are_asked() {
        use super::super::reference::MOST_PREDICTED;
        let model = Seen(formula(5, smooth), Default::default());
        let whole = 2 * MOST_PREDICTED;
        let reference = super::super::Reference { x: drawn(7, whole, 5), label: String::new(), of: whole };
        let options = super::super::ExplainOptions {
            method: Some(super::super::Method::ProxyShap),
            reference: Some(std::sync::Arc::new(reference)),
            ..Default::default()
        };
        super::super::explain(&model, &drawn(8, 1, 5), &[0], &Fingerprint::default(), &options, &JobCtx::quiet()).unwrap();
        assert_eq!(model.1.lock().unwrap().len(), whole + 1, "every row of the group, and the row that is explained");
    }

    /// A small network with fixed weights.
    fn network(x: &[f64]) -> f64 {
        let unit = |k: f64| {
            let inner: f64 = x.iter().enumerate().map(|(j, v)| 0.7 * (3.0 * k + 5.0 * j as f64 + 1.0).sin() * v).sum();
            (7.0 * k + 1.0).sin() * inner.tanh()
        };
        (0..20).map(|k| unit(f64::from(k))).sum()
    }

    #[test]
    fn fewer_errors_than_orders_alone_for_as_many_questions() {
        let model = formula(8, network);
        let (group, x) = (drawn(3, 20, 8), drawn(4, 40, 8));
        let players = Players::single(model.card().features());
        let game = Game { model: &model, reference: &group, players: &players, outcome: 0, scale: Scale::Margin, less: None };
        let ctx = JobCtx::quiet();
        let meter = Meter { ctx: &ctx, before: 0 };
        let size = Size { rows: 8_192, rounds: 400, depth: 6 };
        // What the proxy's training costs is a pass less for every row.
        let passes = 5;
        assert!(size.rows <= calls_of_pass(8, 20) * x.n_rows());
        let proxy = Proxy::new(&game, &drawn(5, 500, 8), size, 1, &ctx).unwrap();
        let (mut with, mut without, mut within) = (0.0, 0.0, 0);
        for i in 0..x.n_rows() {
            let want = exact(&game, x.row(i));
            let error = |v: &[f64]| v.iter().zip(&want).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let one = proxy.row(&game, x.row(i), 0.0, passes - 1, &mut rng::rng(i as u64, "a"), &meter).unwrap();
            with += error(&one.values);
            within += one.values.iter().zip(&want).zip(&one.width).filter(|((a, b), w)| (*a - *b).abs() <= **w).count();
            without += error(&orders(&game, x.row(i), 0.0, passes, &mut rng::rng(i as u64, "b"), &meter).unwrap().values);
        }
        let ratio = (with / without).sqrt();
        eprintln!("error beside orders alone: {ratio:.2}, {within} of 320 intervals hold");
        assert!(ratio < 0.9, "{ratio}");
        assert!(within >= 288, "{within} of 320 intervals hold");
    }
}
