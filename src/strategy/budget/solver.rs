//! The convex step: a quadratic programme in the shape that the allocation needs, solved by clarabel.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver as _, NonnegativeConeT, SolverStatus};

/// One linear limit: Σ weight · x ≤ bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Variable and weight.
    pub terms: Vec<(usize, f64)>,
    /// Most value of the sum.
    pub bound: f64,
}

/// A solution: the variables and the price of each limit.
pub struct Solution {
    pub x: Vec<f64>,
    pub prices: Vec<f64>,
}

/// Minimises Σ q·x + ½ Σ d·x² under limits; `None` where no point keeps them all.
pub fn solve(q: &[f64], d: &[f64], limits: &[Limit]) -> Option<Solution> {
    let n = q.len();
    let p = CscMatrix::new(n, n, (0..=n).collect(), (0..n).collect(), d.to_vec());
    // Column by column, rows ascending within each.
    let mut columns: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    for (row, l) in limits.iter().enumerate() {
        for (j, w) in &l.terms {
            columns[*j].push((row, *w));
        }
    }
    let mut starts = vec![0];
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for c in &columns {
        rows.extend(c.iter().map(|e| e.0));
        values.extend(c.iter().map(|e| e.1));
        starts.push(rows.len());
    }
    let a = CscMatrix::new(limits.len(), n, starts, rows, values);
    let b: Vec<f64> = limits.iter().map(|l| l.bound).collect();
    let settings =
        DefaultSettings { verbose: false, tol_gap_abs: 1e-11, tol_gap_rel: 1e-11, tol_feas: 1e-11, ..DefaultSettings::default() };
    let mut solver = DefaultSolver::new(&p, q, &a, &b, &[NonnegativeConeT(limits.len())], settings).ok()?;
    solver.solve();
    match solver.solution.status {
        SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress => {
            Some(Solution { x: solver.solution.x.clone(), prices: solver.solution.z.clone() })
        }
        _ => None,
    }
}
