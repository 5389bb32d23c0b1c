//! A policy that people can read: a small tree that sends everybody to one arm, grown on doubly robust scores.
//!
//! Every number is cut at a few of its quantiles, every category asks for one of its levels. Two questions in a row are
//! searched exhaustively: a table of scores over every pair of features gives the value of all such trees at once. A third
//! level is grown by giving each half of the best first question its own exhaustive pair.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::{JobCtx, Result};
use crate::data::segment::{among, quoted};
use crate::data::{Feature, FeatureKind, FeatureMatrix};

/// Cuts of a number, and levels of a category that may be asked for.
const MOST_CUTS: usize = 15;
/// Features that take part in pairs; more are cut down to those that part people best alone.
const MOST_FEATURES: usize = 24;
/// Rows per piece of a parallel sum.
const CHUNK: usize = 16_384;

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Condition {
    /// Not more than a value.
    AtMost {
        /// The feature's name.
        feature: String,
        /// The value.
        value: f64,
    },
    /// More than a value, or missing.
    Above {
        /// The feature's name.
        feature: String,
        /// The value.
        value: f64,
    },
    /// A level.
    Is {
        /// The feature's name.
        feature: String,
        /// The level.
        level: String,
    },
    /// Any level but one.
    IsNot {
        /// The feature's name.
        feature: String,
        /// The level.
        level: String,
    },
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Everybody here gets this arm.
    Leaf(usize),
    /// Yes to the left, no to the right.
    Ask(Question, Box<Node>, Box<Node>),
}

/// A question about one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Question {
    /// Is it at most this? Missing is no.
    AtMost(usize, f64),
    /// Is it this level?
    Is(usize, usize),
}

impl Question {
    /// The answer of a row.
    pub fn yes(self, row: &[f64]) -> bool {
        match self {
            Self::AtMost(f, cut) => row[f] <= cut,
            Self::Is(f, level) => row[f] == level as f64,
        }
    }
    fn condition(self, features: &[Feature], yes: bool) -> Condition {
        // A number that is only ever 0 or 1 is told by its value.
        if let Self::AtMost(f, _) = self
            && is_flag(&features[f])
        {
            let level = features[f].show(if yes { 0.0 } else { 1.0 });
            return Condition::Is { feature: features[f].name.clone(), level };
        }
        match (self, yes) {
            (Self::AtMost(f, value), true) => Condition::AtMost { feature: features[f].name.clone(), value },
            (Self::AtMost(f, value), false) => Condition::Above { feature: features[f].name.clone(), value },
            (Self::Is(f, l), true) => Condition::Is { feature: features[f].name.clone(), level: features[f].levels()[l].clone() },
            (Self::Is(f, l), false) => Condition::IsNot { feature: features[f].name.clone(), level: features[f].levels()[l].clone() },
        }
    }
}

/// Whether a number is 0 or 1 and never missing.
fn is_flag(f: &Feature) -> bool {
    matches!(f.kind, FeatureKind::Numeric { integer, boolean } if integer || boolean) && f.range == (0.0, 1.0) && f.missing == 0.0
}

impl Condition {
    /// The same demand without what another condition already says.
    fn shortened(all: Vec<Self>) -> Vec<Self> {
        let implied = |c: &Self, by: &Self| match (c, by) {
            (Self::AtMost { feature: f, value: v }, Self::AtMost { feature: g, value: w }) => f == g && w < v,
            (Self::Above { feature: f, value: v }, Self::Above { feature: g, value: w }) => f == g && w > v,
            (Self::IsNot { feature: f, level: l }, Self::Is { feature: g, level: m }) => f == g && l != m,
            _ => false,
        };
        let needed = |c: &&Self| !all.iter().any(|by| implied(c, by));
        all.iter().filter(needed).cloned().collect()
    }

    /// Whether a row meets it.
    pub fn holds(&self, features: &[Feature], row: &[f64]) -> bool {
        let of = |name: &str| features.iter().position(|f| f.name == name);
        let is = |name: &str, level: &str| of(name).is_some_and(|f| features[f].parse(level) == Some(row[f]));
        match self {
            Self::AtMost { feature, value } => of(feature).is_some_and(|f| row[f] <= *value),
            Self::Above { feature, value } => of(feature).is_some_and(|f| row[f].is_nan() || row[f] > *value),
            Self::Is { feature, level } => is(feature, level),
            Self::IsNot { feature, level } => !is(feature, level),
        }
    }
}

/// Conditions as segments are written; none where there are none, or a level cannot be written so.
pub fn segment(all: &[Condition], features: &[Feature]) -> Option<String> {
    let number = |v: f64| if v < 0.0 { format!("'{v}'") } else { v.to_string() };
    let one = |c: &Condition| match c {
        Condition::AtMost { feature, value } => Some(format!("{} <= {}", quoted(feature), number(*value))),
        Condition::Above { feature, value } => {
            let above = format!("{} > {}", quoted(feature), number(*value));
            // What is not known is on this side of the question.
            let known = features.iter().find(|f| f.name == *feature).is_some_and(|f| f.missing == 0.0);
            Some(if known { above } else { format!("({above} or {} is missing)", quoted(feature)) })
        }
        Condition::Is { feature, level } => among(feature, std::slice::from_ref(level)),
        Condition::IsNot { feature, level } => Some(format!("not {}", among(feature, std::slice::from_ref(level))?)),
    };
    let parts: Option<Vec<String>> = all.iter().map(one).collect();
    parts.filter(|p| !p.is_empty()).map(|p| p.join(" and "))
}

impl Node {
    /// The arm of a row.
    pub fn arm(&self, row: &[f64]) -> usize {
        match self {
            Self::Leaf(arm) => *arm,
            Self::Ask(q, yes, no) => if q.yes(row) { yes } else { no }.arm(row),
        }
    }
    /// Questions from the root to the deepest end.
    pub fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::Ask(_, yes, no) => 1 + yes.depth().max(no.depth()),
        }
    }
    /// Every way from the root to an end: its conditions and its arm.
    pub fn paths(&self, features: &[Feature]) -> Vec<(Vec<Condition>, usize)> {
        match self {
            Self::Leaf(arm) => vec![(Vec::new(), *arm)],
            Self::Ask(q, yes, no) => [(yes, true), (no, false)]
                .into_iter()
                .flat_map(|(node, answer)| {
                    let first = q.condition(features, answer);
                    node.paths(features).into_iter().map(move |(mut rest, arm)| {
                        rest.insert(0, first.clone());
                        (Condition::shortened(rest), arm)
                    })
                })
                .collect(),
        }
    }
    /// Ends of the same arm side by side become one.
    fn merged(self) -> Self {
        match self {
            Self::Leaf(_) => self,
            Self::Ask(q, yes, no) => match (yes.merged(), no.merged()) {
                (Self::Leaf(a), Self::Leaf(b)) if a == b => Self::Leaf(a),
                (yes, no) => Self::Ask(q, Box::new(yes), Box::new(no)),
            },
        }
    }
}

/// Rows in bins: per feature the questions that may be asked, and the bin of every row. Question `b` of a number is “bin ≤ b”,
/// of a category “bin = b”.
struct Bins {
    features: Vec<usize>,
    questions: Vec<Vec<Question>>,
    /// Number of bins of each feature.
    count: Vec<usize>,
    /// Row-major `rows × features`.
    codes: Vec<u8>,
}

impl Bins {
    fn of(features: &[Feature], chosen: &[usize], x: &FeatureMatrix, rows: &[usize]) -> Self {
        let mut questions = Vec::new();
        for &f in chosen {
            questions.push(if features[f].is_categorical() {
                let mut levels: Vec<usize> = (0..features[f].levels().len()).collect();
                levels.sort_by(|a, b| features[f].shares[*b].total_cmp(&features[f].shares[*a]).then(a.cmp(b)));
                levels.truncate(MOST_CUTS);
                levels.into_iter().map(|l| Question::Is(f, l)).collect::<Vec<_>>()
            } else {
                let mut values: Vec<f64> = rows.iter().map(|&r| x.row(r)[f]).filter(|v| v.is_finite()).collect();
                values.sort_unstable_by(f64::total_cmp);
                let at = |k: usize| values[(values.len() * k / (MOST_CUTS + 1)).min(values.len() - 1)];
                let mut cuts: Vec<f64> = if values.is_empty() { Vec::new() } else { (1..=MOST_CUTS).map(at).collect() };
                cuts.dedup();
                // At most the largest value is no question.
                cuts.retain(|c| values.last().is_some_and(|last| c < last));
                cuts.into_iter().map(|c| Question::AtMost(f, c)).collect()
            });
        }
        let count: Vec<usize> = questions.iter().map(|q| q.len() + 1).collect();
        let m = chosen.len();
        let mut codes = vec![0u8; rows.len() * m];
        codes.par_chunks_mut(m.max(1)).zip(rows.par_iter()).for_each(|(slots, &r)| {
            let row = x.row(r);
            for (slot, own) in slots.iter_mut().zip(&questions) {
                *slot = own.iter().position(|q| q.yes(row)).unwrap_or(own.len()) as u8;
            }
        });
        Self { features: chosen.to_vec(), questions, count, codes }
    }

    fn row(&self, i: usize) -> &[u8] {
        let m = self.features.len();
        &self.codes[i * m..(i + 1) * m]
    }

    fn is_category(&self, j: usize) -> bool {
        matches!(self.questions[j].first(), Some(Question::Is(..)))
    }

    /// Sums over the bins that say yes to a question, from sums per bin; `width` numbers a bin.
    fn yes_sums(&self, j: usize, question: usize, cells: &[f64], width: usize, out: &mut [f64]) {
        let from = if self.is_category(j) { question } else { 0 };
        out.fill(0.0);
        for bin in cells.chunks(width).take(question + 1).skip(from) {
            out.iter_mut().zip(bin).for_each(|(o, b)| *o += b);
        }
    }
}

/// What a tree grows on.
#[derive(Clone, Copy)]
pub struct Soil<'a> {
    /// What may be asked about.
    pub features: &'a [Feature],
    /// Their values.
    pub x: &'a FeatureMatrix,
    /// Arms.
    pub arms: usize,
    /// Rows that an end holds at least.
    pub least: usize,
}

/// Grows a tree of at most `depth` questions in a row (3 at most). `scores` holds one score per arm for each of `rows`.
pub fn grow(soil: &Soil<'_>, rows: &[usize], scores: &[f64], depth: usize, ctx: &JobCtx) -> Result<Node> {
    let Soil { features, x, arms, least } = *soil;
    let all: Vec<usize> = (0..features.len()).collect();
    let mut bins = Bins::of(features, &all, x, rows);
    let everybody: Vec<usize> = (0..rows.len()).collect();
    if all.len() > MOST_FEATURES {
        let best = singles(&bins, &everybody, scores, arms, least);
        let mut order = all;
        order.sort_by(|a, b| best[*b].1.total_cmp(&best[*a].1).then(a.cmp(b)));
        order.truncate(MOST_FEATURES);
        order.sort_unstable();
        bins = Bins::of(features, &order, x, rows);
    }
    node(&bins, &everybody, scores, arms, depth, least, ctx).map(Node::merged)
}

/// The shallowest of the trees of up to `depth` questions in a row that is within one standard error of the best of them,
/// where each half of the rows values the trees of the other: a question that may be chance is not asked.
pub fn simplest(soil: &Soil<'_>, rows: &[usize], scores: &[f64], depth: usize, ctx: &JobCtx) -> Result<Node> {
    let Soil { x, arms, least, .. } = *soil;
    let mut held = vec![vec![0.0; rows.len()]; depth + 1];
    for fold in 0..2 {
        let places: Vec<usize> = (fold..rows.len()).step_by(2).collect();
        let own: Vec<usize> = places.iter().map(|&i| rows[i]).collect();
        let of_own: Vec<f64> = places.iter().flat_map(|&i| scores[i * arms..(i + 1) * arms].iter().copied()).collect();
        for (d, held) in held.iter_mut().enumerate() {
            let tree = grow(&Soil { least: least.div_ceil(2), ..*soil }, &own, &of_own, d, ctx)?;
            for i in (1 - fold..rows.len()).step_by(2) {
                held[i] = scores[i * arms + tree.arm(x.row(rows[i]))];
            }
        }
    }
    let n = rows.len().max(1) as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let best = (0..=depth).max_by(|a, b| mean(&held[*a]).total_cmp(&mean(&held[*b])).then(b.cmp(a))).unwrap_or(0);
    let within = |d: &usize| {
        let gap: Vec<f64> = held[best].iter().zip(&held[*d]).map(|(a, b)| a - b).collect();
        let m = mean(&gap);
        let se = (gap.iter().map(|g| (g - m) * (g - m)).sum::<f64>() / n).sqrt() / n.sqrt();
        m <= se
    };
    let chosen = (0..=best).find(within).unwrap_or(best);
    grow(soil, rows, scores, chosen, ctx)
}

fn node(bins: &Bins, rows: &[usize], scores: &[f64], arms: usize, depth: usize, least: usize, ctx: &JobCtx) -> Result<Node> {
    ctx.check()?;
    let total = totals(rows, scores, arms);
    let (arm, alone) = best_arm(&total);
    if depth == 0 || rows.len() < 2 * least {
        return Ok(Node::Leaf(arm));
    }
    let found = if depth == 1 {
        singles(bins, rows, scores, arms, least)
            .into_iter()
            .enumerate()
            .filter_map(|(j, (q, value))| q.map(|q| (j, q, value)))
            .max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)))
    } else {
        pairs(bins, rows, scores, arms, least, ctx)?
    };
    let Some((j, q, value)) = found.filter(|f| f.2 > alone + 1e-9 * alone.abs()) else { return Ok(Node::Leaf(arm)) };
    debug_assert!(value >= alone);
    let question = bins.questions[j][q];
    let says = |i: &usize| {
        let code = bins.row(*i)[j] as usize;
        if bins.is_category(j) { code == q } else { code <= q }
    };
    let (yes, no): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| says(i));
    let yes = node(bins, &yes, scores, arms, depth - 1, least, ctx)?;
    let no = node(bins, &no, scores, arms, depth - 1, least, ctx)?;
    Ok(Node::Ask(question, Box::new(yes), Box::new(no)))
}

/// Sum of each arm's scores, then the count.
fn totals(rows: &[usize], scores: &[f64], arms: usize) -> Vec<f64> {
    let mut out = vec![0.0; arms + 1];
    for &i in rows {
        out.iter_mut().zip(&scores[i * arms..(i + 1) * arms]).for_each(|(o, s)| *o += s);
    }
    out[arms] = rows.len() as f64;
    out
}

/// The best arm of some sums (the count last), the control where nothing beats it, and its sum.
fn best_arm(sums: &[f64]) -> (usize, f64) {
    let mut best = (0, sums[0]);
    for (a, s) in sums[..sums.len() - 1].iter().enumerate().skip(1) {
        if *s > best.1 {
            best = (a, *s);
        }
    }
    best
}

/// The best single question of every feature, and the value of the two ends that it makes.
fn singles(bins: &Bins, rows: &[usize], scores: &[f64], arms: usize, least: usize) -> Vec<(Option<usize>, f64)> {
    let width = arms + 1;
    let total = totals(rows, scores, arms);
    (0..bins.features.len())
        .into_par_iter()
        .map(|j| {
            let mut cells = vec![0.0; bins.count[j] * width];
            for &i in rows {
                let cell = &mut cells[bins.row(i)[j] as usize * width..][..width];
                cell.iter_mut().zip(&scores[i * arms..(i + 1) * arms]).for_each(|(o, s)| *o += s);
                cell[arms] += 1.0;
            }
            single(bins, j, &cells, &total, least)
        })
        .collect()
}

/// The best question of one feature from sums per bin; the value is that of no question where none may be asked.
fn single(bins: &Bins, j: usize, cells: &[f64], total: &[f64], least: usize) -> (Option<usize>, f64) {
    let width = total.len();
    let (mut yes, mut no) = (vec![0.0; width], vec![0.0; width]);
    let mut best = (None, best_arm(total).1);
    for q in 0..bins.questions[j].len() {
        bins.yes_sums(j, q, cells, width, &mut yes);
        no.iter_mut().zip(total.iter().zip(&yes)).for_each(|(n, (t, y))| *n = t - y);
        if yes[width - 1] < least as f64 || no[width - 1] < least as f64 {
            continue;
        }
        let value = best_arm(&yes).1 + best_arm(&no).1;
        if best.0.is_none() || value > best.1 {
            best = (Some(q), value);
        }
    }
    best
}

/// The first question of the best tree of two questions in a row: feature, question, value of the whole tree.
fn pairs(bins: &Bins, rows: &[usize], scores: &[f64], arms: usize, least: usize, ctx: &JobCtx) -> Result<Option<(usize, usize, f64)>> {
    let (m, width) = (bins.features.len(), arms + 1);
    let start: Vec<usize> = bins
        .count
        .iter()
        .scan(0, |at, c| {
            let here = *at;
            *at += c;
            Some(here)
        })
        .collect();
    let bins_in_all = start.last().map_or(0, |s| s + bins.count[m - 1]);
    // Sums over every pair of bins; few pieces, since each holds a whole table.
    let pieces = rows.len().div_ceil(CHUNK).clamp(1, 8);
    let tables: Vec<Vec<f64>> = rows
        .par_chunks(rows.len().div_ceil(pieces).max(1))
        .map(|piece| {
            let mut table = vec![0.0; bins_in_all * bins_in_all * width];
            for &i in piece {
                let (codes, own) = (bins.row(i), &scores[i * arms..(i + 1) * arms]);
                for (j, a) in codes.iter().enumerate() {
                    let line = (start[j] + *a as usize) * bins_in_all;
                    for (k, b) in codes.iter().enumerate() {
                        let cell = &mut table[(line + start[k] + *b as usize) * width..][..width];
                        cell.iter_mut().zip(own).for_each(|(o, s)| *o += s);
                        cell[arms] += 1.0;
                    }
                }
            }
            table
        })
        .collect();
    let mut table = vec![0.0; bins_in_all * bins_in_all * width];
    for t in tables {
        table.iter_mut().zip(&t).for_each(|(a, b)| *a += b);
    }
    ctx.check()?;
    let total = totals(rows, scores, arms);
    let alone = best_arm(&total).1;
    let roots: Vec<(usize, usize)> = (0..m).flat_map(|j| (0..bins.questions[j].len()).map(move |q| (j, q))).collect();
    let values: Vec<Option<f64>> = roots
        .par_iter()
        .map(|&(j, q)| {
            // Sums of those who say yes to the first question, over every bin.
            let mut yes = vec![0.0; bins_in_all * width];
            let from = if bins.is_category(j) { q } else { 0 };
            for a in from..=q {
                let line = &table[(start[j] + a) * bins_in_all * width..][..bins_in_all * width];
                yes.iter_mut().zip(line).for_each(|(y, l)| *y += l);
            }
            let part = |cells: &[f64], k: usize| cells[start[k] * width..(start[k] + bins.count[k]) * width].to_vec();
            let sum = |cells: &[f64]| {
                let mut out = vec![0.0; width];
                cells.chunks(width).for_each(|c| out.iter_mut().zip(c).for_each(|(o, v)| *o += v));
                out
            };
            let yes_total = sum(&part(&yes, j));
            let no_total: Vec<f64> = total.iter().zip(&yes_total).map(|(t, y)| t - y).collect();
            if yes_total[arms] < least as f64 || no_total[arms] < least as f64 {
                return None;
            }
            let (mut best_yes, mut best_no) = (best_arm(&yes_total).1, best_arm(&no_total).1);
            for k in 0..m {
                let of_yes = part(&yes, k);
                let mut of_no = vec![0.0; of_yes.len()];
                // Everybody's sums over the bins of k are the sum of its own diagonal.
                for b in 0..bins.count[k] {
                    let at = ((start[k] + b) * bins_in_all + start[k] + b) * width;
                    for w in 0..width {
                        of_no[b * width + w] = table[at + w] - of_yes[b * width + w];
                    }
                }
                best_yes = best_yes.max(single(bins, k, &of_yes, &yes_total, least).1);
                best_no = best_no.max(single(bins, k, &of_no, &no_total, least).1);
            }
            Some(best_yes + best_no)
        })
        .collect();
    let mut best: Option<(usize, usize, f64)> = None;
    for ((j, q), value) in roots.into_iter().zip(values) {
        if let Some(v) = value
            && v > best.map_or(alone, |b| b.2)
        {
            best = Some((j, q, v));
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;
    use crate::ml::train::sample::{category, numeric};

    fn value(node: &Node, x: &FeatureMatrix, scores: &[f64], arms: usize) -> f64 {
        (0..x.n_rows()).map(|r| scores[r * arms + node.arm(x.row(r))]).sum()
    }

    fn data(n: usize, seed: u64) -> (Vec<Feature>, FeatureMatrix, Vec<f64>) {
        let mut r = rng::rng(seed, "tree");
        let features = vec![numeric("a", false), category("c", 3), numeric("b", false)];
        let (mut values, mut scores) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let (a, c, b) = (rng::below(&mut r, 5) as f64, rng::below(&mut r, 3) as f64, rng::below(&mut r, 4) as f64);
            values.extend([if rng::unit(&mut r) < 0.1 { f64::NAN } else { a }, c, b]);
            // The best arm hangs on a and c together.
            let wins = usize::from(a > 2.0) ^ usize::from(c == 1.0);
            scores.extend([0.0, if wins == 1 { 1.0 } else { -1.0 }, 0.3 * b - 0.5].map(|s| s + 0.5 * rng::normal(&mut r)));
        }
        (features, FeatureMatrix { n_features: 3, values }, scores)
    }

    /// All trees of two questions in a row over the questions that occur, tried one by one.
    fn brute(features: &[Feature], x: &FeatureMatrix, scores: &[f64], least: usize) -> f64 {
        let n = x.n_rows();
        let rows: Vec<usize> = (0..n).collect();
        let questions: Vec<Question> = Bins::of(features, &[0, 1, 2], x, &rows).questions.concat();
        let leaf = |rows: &[usize]| (0..3).map(|a| rows.iter().map(|&r| scores[r * 3 + a]).sum::<f64>()).fold(f64::MIN, f64::max);
        let split = |rows: &[usize], q: Question| -> (Vec<usize>, Vec<usize>) { rows.iter().partition(|r| q.yes(x.row(**r))) };
        let one = |rows: &[usize]| {
            questions.iter().fold(leaf(rows), |best, q| {
                let (yes, no) = split(rows, *q);
                if yes.len() < least || no.len() < least { best } else { best.max(leaf(&yes) + leaf(&no)) }
            })
        };
        questions.iter().fold(leaf(&rows), |best, q| {
            let (yes, no) = split(&rows, *q);
            if yes.len() < least || no.len() < least { best } else { best.max(one(&yes) + one(&no)) }
        })
    }

    #[test]
    fn two_questions_are_searched_exhaustively() {
        for seed in 0..8 {
            let (features, x, scores) = data(150, seed);
            let rows: Vec<usize> = (0..150).collect();
            let tree = grow(&Soil { features: &features, x: &x, arms: 3, least: 6 }, &rows, &scores, 2, &JobCtx::quiet()).unwrap();
            let (got, want) = (value(&tree, &x, &scores, 3), brute(&features, &x, &scores, 6));
            assert!((got - want).abs() < 1e-9, "seed {seed}: {got} against {want}");
            assert!(tree.depth() <= 2);
            let deeper = grow(&Soil { features: &features, x: &x, arms: 3, least: 6 }, &rows, &scores, 3, &JobCtx::quiet()).unwrap();
            assert!(value(&deeper, &x, &scores, 3) >= got - 1e-9);
        }
    }

    #[test]
    fn no_more_is_asked_than_held_out_rows_bear_out() {
        // One question decides; the rest is noise, in which the best of many trees always finds something.
        for seed in 0..6 {
            let (features, x, _) = data(600, seed);
            let mut r = rng::rng(seed, "noise");
            let scores: Vec<f64> =
                (0..600).flat_map(|i| [0.0, if x.row(i)[2] > 1.0 { 1.0 } else { -1.0 }]).map(|s| s + rng::normal(&mut r)).collect();
            let rows: Vec<usize> = (0..600).collect();
            let tree = simplest(&Soil { features: &features, x: &x, arms: 2, least: 12 }, &rows, &scores, 3, &JobCtx::quiet()).unwrap();
            let conditions = vec![Condition::AtMost { feature: "b".into(), value: 1.0 }];
            assert_eq!(tree.paths(&features)[0], (conditions, 0), "seed {seed}: {tree:?}");
            assert_eq!(tree.depth(), 1);
        }
    }

    #[test]
    fn conditions_that_others_imply_are_not_told() {
        let most = |v| Condition::AtMost { feature: "a".into(), value: v };
        let above = |v| Condition::Above { feature: "a".into(), value: v };
        assert_eq!(Condition::shortened(vec![most(5.0), above(1.0), most(3.0), above(2.0)]), [most(3.0), above(2.0)]);
        let (is, not) =
            (Condition::Is { feature: "c".into(), level: "x".into() }, Condition::IsNot { feature: "c".into(), level: "y".into() });
        assert_eq!(Condition::shortened(vec![not.clone(), is.clone()]), [is]);
        assert_eq!(Condition::shortened(vec![not.clone(), most(1.0)]), [not, most(1.0)]);
    }

    #[test]
    fn a_tree_that_gains_nothing_is_one_end() {
        let (features, x, _) = data(100, 1);
        let scores: Vec<f64> = (0..100).flat_map(|_| [0.0, 1.0, 0.5]).collect();
        let rows: Vec<usize> = (0..100).collect();
        assert_eq!(
            grow(&Soil { features: &features, x: &x, arms: 3, least: 5 }, &rows, &scores, 3, &JobCtx::quiet()).unwrap(),
            Node::Leaf(1)
        );
    }

    #[test]
    fn the_ways_say_what_the_tree_does() {
        let (features, x, scores) = data(200, 3);
        let rows: Vec<usize> = (0..200).collect();
        let tree = grow(&Soil { features: &features, x: &x, arms: 3, least: 6 }, &rows, &scores, 2, &JobCtx::quiet()).unwrap();
        let paths = tree.paths(&features);
        for r in 0..200 {
            let row = x.row(r);
            let mine: Vec<usize> = paths.iter().filter(|(all, _)| all.iter().all(|c| c.holds(&features, row))).map(|(_, a)| *a).collect();
            assert_eq!(mine, [tree.arm(row)]);
        }
    }
}
