//! Shapley values of the probability of one class among several: the game v(S) = exp m_k(S) / Σ_j exp m_j(S), m_j(S) the
//! expected score of class j when only the players S are known. Every class's trees count, for what lowers the others'
//! scores lifts this class's probability.
//!
//! Up to twenty players every subset is tried: one table of 2^M scores per class, one after the other, so that memory
//! does not grow with the classes. Above, orders are sampled as for yes/no outcomes.

use super::{
    Explained, MOST_COEFFICIENTS, MOST_EXACT, PROBABILITY_FINEST, Setting, TreeGame, TreeWork, each_row, occurring, sample,
    shapley_of_table, stream, tree_base,
};
use crate::base::{JobCtx, Result, rng};
use crate::data::FeatureMatrix;
use crate::explain::players::Players;
use crate::explain::trees::leaf::Group;
use crate::ml::ensemble::TreeEnsemble;
use crate::ml::model::class_share;

/// Cells of all classes' tables together above which trying every subset costs more than sampling.
const MOST_CELLS: usize = 1 << 24;

/// Attributions of the probability of `class`. `groups` holds what the trees of every class are compared with, and its
/// expected score; empty for the training rows.
pub fn trees(
    e: &TreeEnsemble,
    x: &FeatureMatrix,
    rows: &[u32],
    class: usize,
    (players, seed): (&Players, u64),
    groups: &[(&Group, f64)],
    ctx: &JobCtx,
) -> Result<Explained> {
    up_to(MOST_EXACT, e, x, rows, class, (players, seed), groups, ctx)
}

#[derive(Default)]
struct Work {
    /// One per class where orders are sampled; the first serves all where subsets are tried.
    each: Vec<TreeWork>,
    own: Vec<f64>,
    others: Vec<f64>,
}

fn up_to(
    most: usize,
    e: &TreeEnsemble,
    x: &FeatureMatrix,
    rows: &[u32],
    class: usize,
    (players, seed): (&Players, u64),
    groups: &[(&Group, f64)],
    ctx: &JobCtx,
) -> Result<Explained> {
    let classes = e.n_outputs;
    let playing = occurring(e, |_| true, &players.of);
    let setting = |k: usize| Setting { players, group: groups.get(k).copied(), seed };
    let games: Vec<TreeGame<'_>> = (0..classes).map(|k| TreeGame::new(e, k, setting(k), playing.clone())).collect();
    let m = playing.len();
    let coefficients: usize = games.iter().map(TreeGame::coefficients).sum();
    let exact = m <= most && coefficients <= MOST_COEFFICIENTS && classes << m.min(40) <= MOST_CELLS;
    let (values, half_width) = each_row(x, players.count(), !exact, ctx, Work::default, |work, i, values, widths| {
        work.each.resize_with(classes, TreeWork::default);
        if exact {
            every_subset(&games, class, x.row(i), work);
            for (player, phi) in playing.iter().zip(shapley_of_table(&mut work.own)) {
                values[*player] = phi;
            }
            return;
        }
        games.iter().zip(&mut work.each).for_each(|(game, w)| game.enter(x.row(i), w));
        let mut scores = vec![0.0; classes];
        let mut rng = rng::rng(seed, &stream(rows, i));
        let (phi, wide) = sample(m, &mut rng, PROBABILITY_FINEST, |step| {
            for ((game, w), score) in games.iter().zip(&mut work.each).zip(&mut scores) {
                *score = game.step(w, step);
            }
            class_share(&scores, class)
        });
        for (k, player) in playing.iter().enumerate() {
            (values[*player], widths[*player]) = (phi[k], wide[k]);
        }
    })?;
    let bases: Vec<f64> = (0..classes).map(|k| groups.get(k).map_or_else(|| tree_base(e, k), |g| g.1)).collect();
    Ok(Explained { values, half_width, base: class_share(&bases, class), players: m })
}

/// v(S) for every S, into `work.own`.
fn every_subset(games: &[TreeGame<'_>], class: usize, row: &[f64], work: &mut Work) {
    let Work { each, own, others } = work;
    let Some(w) = each.first_mut() else { return };
    games[class].enter(row, w);
    games[class].table(w);
    std::mem::swap(own, &mut w.table);
    others.clear();
    others.resize(own.len(), 0.0);
    for (_, game) in games.iter().enumerate().filter(|(k, _)| *k != class) {
        game.enter(row, w);
        game.table(w);
        // How many times as likely as this class; beyond what a number holds, this class's share is 0 as it should be.
        others.iter_mut().zip(&w.table).zip(own.iter()).for_each(|((o, their), mine)| *o += (their - mine).exp());
    }
    own.iter_mut().zip(others.iter()).for_each(|(v, o)| *v = 1.0 / (1.0 + o));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::probability::tests::{players, rows};
    use crate::explain::tree_shap::tests::{brute, game, random_ensemble};
    use crate::explain::trees::AgainstGroup;
    use crate::ml::ensemble::Link;
    use crate::ml::model::softmax;

    fn three(seed: u64, m: usize, trees: usize) -> TreeEnsemble {
        let mut e = random_ensemble(seed, m, trees, 4, 3);
        e.link = Link::Softmax;
        e
    }

    fn of_class(scores: [f64; 3], class: usize) -> f64 {
        let mut scores = scores;
        softmax(&mut scores);
        scores[class]
    }

    fn explained(most: usize, e: &TreeEnsemble, x: &FeatureMatrix, class: usize, players: &Players) -> Explained {
        let lines: Vec<u32> = (0..x.n_rows() as u32).collect();
        up_to(most, e, x, &lines, class, (players, 7), &[], &JobCtx::quiet()).unwrap()
    }

    #[test]
    fn every_subset_by_brute_force() {
        for seed in 0..20 {
            let m = 2 + seed as usize % 5;
            let e = three(seed, m, 3 + seed as usize % 7);
            let x = rows(seed, 3, m);
            for class in 0..3 {
                let got = explained(MOST_EXACT, &e, &x, class, &players(m));
                assert!(got.half_width.is_empty());
                for i in 0..3 {
                    let want = brute(m, |s| of_class([0, 1, 2].map(|k| game(&e, x.row(i), k, s)), class));
                    let values = &got.values[i * m..(i + 1) * m];
                    assert!(values.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-11), "{values:?} {want:?}");
                    let shown = of_class([0, 1, 2].map(|k| e.margins(x.row(i))[k]), class);
                    assert!((got.base + values.iter().sum::<f64>() - shown).abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn a_feature_of_the_other_classes_counts() {
        let mut e = three(3, 3, 9);
        // Only the last class asks for feature 2.
        for tree in e.trees.iter_mut().filter(|t| t.output != 2) {
            for node in &mut tree.nodes {
                if let crate::ml::ensemble::Node::Split { feature, .. } = node {
                    *feature %= 2;
                }
            }
        }
        let x = rows(3, 8, 3);
        let got = explained(MOST_EXACT, &e, &x, 0, &players(3));
        assert!((0..8).any(|i| got.values[i * 3 + 2].abs() > 1e-6), "{:?}", got.values);
    }

    #[test]
    fn against_a_group_and_in_groups_of_features_by_brute_force() {
        for seed in 0..10 {
            let m = 4;
            let e = three(seed + 20, m, 8);
            let (x, group) = (rows(seed, 3, m), rows(seed + 99, 6, m));
            // Features 1 and 3 play together.
            let players = Players { names: vec![String::new(); 3], of: vec![0, 1, 2, 1] };
            let against: Vec<AgainstGroup> =
                (0..3).map(|k| AgainstGroup::new(&e, k, &players, &group, &JobCtx::quiet()).unwrap()).collect();
            let groups: Vec<(&Group, f64)> = against.iter().map(|a| (&a.group, a.base)).collect();
            for most in [MOST_EXACT, 0] {
                let got = up_to(most, &e, &x, &[0, 1, 2], 1, (&players, 5), &groups, &JobCtx::quiet()).unwrap();
                for i in 0..3 {
                    let mean = |s: usize, k: usize| {
                        let mixed = |b: usize| -> Vec<f64> {
                            (0..m).map(|f| if s >> players.of[f] & 1 == 1 { x.row(i)[f] } else { group.row(b)[f] }).collect()
                        };
                        (0..6).map(|b| e.margins(&mixed(b))[k]).sum::<f64>() / 6.0
                    };
                    let want = brute(3, |s| of_class([0, 1, 2].map(|k| mean(s, k)), 1));
                    for p in 0..3 {
                        let (at, slack) = (i * 3 + p, if most == 0 { 4.0 } else { 0.0 });
                        let near = slack * got.half_width.get(at).unwrap_or(&0.0) + 1e-10;
                        assert!((got.values[at] - want[p]).abs() <= near, "{:?} {want:?}", &got.values[i * 3..][..3]);
                    }
                    let sum = got.base + got.values[i * 3..][..3].iter().sum::<f64>();
                    assert!((sum - of_class([0, 1, 2].map(|k| e.margins(x.row(i))[k]), 1)).abs() < 1e-10);
                }
            }
        }
    }

    #[test]
    fn sampling_finds_the_exact_values_within_its_intervals() {
        let e = three(8, 6, 12);
        let x = rows(8, 12, 6);
        for class in 0..3 {
            let (exact, guess) = (explained(MOST_EXACT, &e, &x, class, &players(6)), explained(2, &e, &x, class, &players(6)));
            let near = |factor: f64| {
                (0..72).filter(|&i| (exact.values[i] - guess.values[i]).abs() <= factor * guess.half_width[i] + 1e-12).count()
            };
            assert!(near(1.0) >= 62 && near(2.5) >= 71, "{} {}", near(1.0), near(2.5));
        }
        // Scores far apart are no trouble: the probability is 0 or 1.
        assert_eq!((class_share(&[900.0, -900.0, 0.0], 1), class_share(&[900.0, -900.0, 0.0], 0)), (0.0, 1.0));
    }
}
