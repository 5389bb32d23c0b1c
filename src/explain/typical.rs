//! Typical rows: a few real rows whose reasons stand for those of all others, and the rows that none of them stands for.
//! Chosen by k-medoids on the attributions (greedy choice, then exchanges while they help), so that every one is a row that
//! an analyst can look up.

use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use crate::base::{JobCtx, Result};
use crate::fault;

/// Rows among which is chosen; of more, every so many.
pub const MOST_ROWS: usize = 600;
/// Typical rows.
pub const TYPICAL: usize = 5;
/// Rows unlike all of them.
const UNLIKE: usize = 3;
/// Rounds of exchanges.
const ROUNDS: usize = 20;

/// A row that stands for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypicalRow {
    /// Its place among the explained rows.
    pub at: usize,
    /// Line in the file.
    pub row: u32,
    /// Share of the rows that are nearest to it.
    pub share: f64,
    /// Its output.
    pub prediction: f64,
    /// Mean output of the rows it stands for.
    pub mean: f64,
}

/// The choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Typical {
    /// Those that stand for most, first.
    pub rows: Vec<TypicalRow>,
    /// Rows (places) that are farthest from every one of them.
    pub unlike: Vec<usize>,
    /// How much nearer rows are to their typical row than to the one row that is nearest to all: 1 is the same reasons.
    pub covered: f64,
    /// Rows compared.
    pub compared: usize,
}

/// Sum of distances to the nearest of the chosen.
fn cost(d: &[f64], n: usize, chosen: &[usize]) -> f64 {
    (0..n).map(|i| chosen.iter().map(|c| d[i * n + c]).fold(f64::INFINITY, f64::min)).sum()
}

/// Chooses up to `k` rows; distance is the sum of the differences of the bars.
pub fn typical(a: &Attribution, k: usize, ctx: &JobCtx) -> Result<Typical> {
    let step = a.rows.len().div_ceil(MOST_ROWS).max(1);
    let places: Vec<usize> = (0..a.rows.len()).step_by(step).collect();
    let n = places.len();
    if n == 0 || k == 0 {
        return Err(fault!("explain.no_rows"));
    }
    let mut d = vec![0.0; n * n];
    for i in 0..n {
        ctx.check()?;
        for j in i + 1..n {
            let far: f64 = a.row(places[i]).iter().zip(a.row(places[j])).map(|(x, y)| (x - y).abs()).sum();
            (d[i * n + j], d[j * n + i]) = (far, far);
        }
    }
    let mut chosen: Vec<usize> = Vec::new();
    let mut costs = Vec::new();
    for _ in 0..k.min(n) {
        ctx.check()?;
        let with = |c: usize| cost(&d, n, &[chosen.as_slice(), &[c]].concat());
        let best = (0..n).filter(|c| !chosen.contains(c)).map(|c| (c, with(c))).min_by(|x, y| x.1.total_cmp(&y.1).then(x.0.cmp(&y.0)));
        let Some((best, now)) = best else { break };
        // One more row that stands for nobody new is none.
        if costs.last().is_some_and(|last| now >= *last - 1e-12) {
            break;
        }
        chosen.push(best);
        costs.push(now);
    }
    let mut now = cost(&d, n, &chosen);
    'rounds: for _ in 0..ROUNDS {
        for at in 0..chosen.len() {
            ctx.check()?;
            for c in 0..n {
                if chosen.contains(&c) {
                    continue;
                }
                let old = std::mem::replace(&mut chosen[at], c);
                let then = cost(&d, n, &chosen);
                if then < now - 1e-9 * now.abs() {
                    now = then;
                    continue 'rounds;
                }
                chosen[at] = old;
            }
        }
        break;
    }
    let nearest = |i: usize| (0..chosen.len()).min_by(|x, y| d[i * n + chosen[*x]].total_cmp(&d[i * n + chosen[*y]])).unwrap_or(0);
    let of: Vec<usize> = (0..n).map(nearest).collect();
    let mut rows: Vec<TypicalRow> = chosen
        .iter()
        .enumerate()
        .map(|(c, i)| {
            let mine: Vec<usize> = (0..n).filter(|j| of[*j] == c).collect();
            let mean = mine.iter().map(|j| a.predictions[places[*j]]).sum::<f64>() / mine.len().max(1) as f64;
            let at = places[*i];
            TypicalRow { at, row: a.rows[at], share: mine.len() as f64 / n as f64, prediction: a.predictions[at], mean }
        })
        .collect();
    rows.sort_by(|x, y| y.share.total_cmp(&x.share).then(x.row.cmp(&y.row)));
    let mut far: Vec<usize> = (0..n).filter(|i| !chosen.contains(i)).collect();
    let away = |i: &usize| d[i * n + chosen[of[*i]]];
    far.sort_by(|x, y| away(y).total_cmp(&away(x)).then(x.cmp(y)));
    far.retain(|i| away(i) > 0.0);
    far.truncate(UNLIKE);
    let one = costs.first().copied().unwrap_or(0.0);
    let covered = if one > 0.0 { 1.0 - now / one } else { 1.0 };
    Ok(Typical { rows, unlike: far.into_iter().map(|i| places[i]).collect(), covered, compared: n })
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{attribution, feature};
    use super::*;
    use crate::base::rng;
    use crate::ml::model::Scale;

    fn made(values: Vec<f64>) -> Attribution {
        let features = [feature("a", &[]), feature("b", &[])];
        let inputs = vec![0.0; values.len()];
        attribution(&features, inputs, values, 0.0, Scale::Margin)
    }

    #[test]
    fn heaps_get_one_row_each_and_the_odd_one_is_named() {
        let mut rng = rng::rng(1, "typical");
        let middles = [(0.0, 0.0), (5.0, 0.0), (0.0, 5.0)];
        let mut values: Vec<f64> = Vec::new();
        for i in 0..90 {
            let (x, y) = middles[[0, 0, 0, 1, 1, 2][i % 6]];
            values.extend([x + 0.1 * rng::normal(&mut rng), y + 0.1 * rng::normal(&mut rng)]);
        }
        values.extend([2.0, 2.0]);
        let t = typical(&made(values.clone()), 3, &JobCtx::quiet()).unwrap();
        let heaps: Vec<usize> = t.rows.iter().map(|r| [0, 0, 0, 1, 1, 2][r.at % 6]).collect();
        assert_eq!(heaps, [0, 1, 2]);
        assert!((t.rows[0].share - 0.5).abs() < 0.02 && t.covered > 0.9 && t.unlike[0] == 90, "{t:?}");
    }

    #[test]
    fn no_other_choice_is_better_on_small_cases() {
        for seed in 0..30 {
            let mut rng = rng::rng(seed, "brute");
            let n = 9;
            let a = made((0..2 * n).map(|_| rng::unit(&mut rng)).collect());
            let t = typical(&a, 2, &JobCtx::quiet()).unwrap();
            let far = |i: usize, j: usize| a.row(i).iter().zip(a.row(j)).map(|(x, y)| (x - y).abs()).sum::<f64>();
            let cost = |c: &[usize]| (0..n).map(|i| c.iter().map(|c| far(i, *c)).fold(f64::INFINITY, f64::min)).sum::<f64>();
            let ours = cost(&t.rows.iter().map(|r| r.at).collect::<Vec<_>>());
            // Exchanges stop where no single one helps.
            for r in &t.rows {
                for c in 0..n {
                    let other: Vec<usize> = t.rows.iter().map(|x| if x.at == r.at { c } else { x.at }).collect();
                    assert!(cost(&other) >= ours - 1e-6, "seed {seed}");
                }
            }
        }
        // All alike: one row stands for all.
        let t = typical(&made(vec![1.0; 20]), 5, &JobCtx::quiet()).unwrap();
        assert_eq!((t.rows.len(), t.rows[0].share, t.covered, t.unlike.len()), (1, 1.0, 1.0, 0));
    }
}
