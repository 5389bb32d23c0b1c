//! The tables of [`super::tables`] summed on a GPU. Comparisons happen here, once per row and column: every value becomes
//! its place among the cuts of its kind, so that f32 and f64 thresholds, sets and missing values stay exact and the device
//! compares whole numbers only. Values go as 64-bit fixed point, scaled to what each load of trees can reach.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::base::{JobCtx, Notice, Result};
use crate::data::FeatureMatrix;
use crate::ml::DeviceChoice;
use crate::ml::ensemble::{Missing, Node, Test};
use crate::ml::gpu::{Condition, Cut as Code, Gpu, MISSING, Table, Tables};
use crate::note;

use super::leaf::Rule;
use super::paths::{Cut, Paths, Split};
use super::tables::{Plan, Unit};

/// Rows from which a GPU that nobody asked for by name is used: below, sending costs more than it spares. An estimate: no
/// real GPU was at hand when this was measured.
const LEAST_ROWS: usize = 50_000;
/// The code of a category that no set can hold.
const NO_LEVEL: u32 = u32::MAX - 1;

/// Where tables are summed, and what there is to say of it.
pub struct On {
    choice: DeviceChoice,
    notices: Mutex<Vec<Notice>>,
}

impl On {
    /// The processor.
    pub fn cpu() -> Self {
        Self::new(DeviceChoice::Cpu)
    }

    /// A device of choice; `Auto` is a real GPU where rows are many, else the processor.
    pub fn new(choice: DeviceChoice) -> Self {
        Self { choice, notices: Mutex::default() }
    }

    /// Which GPU computed, or why it did not.
    pub fn notices(self) -> Vec<Notice> {
        self.notices.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, notice: Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// The sums of a rule over all trees, or nothing where the processor is to compute them. A device that fails on the way
    /// is no fault: the processor takes over, and the reader is told.
    pub(super) fn sum(&self, paths: &[Paths], rule: &dyn Rule, x: &FeatureMatrix, width: usize, ctx: &JobCtx) -> Result<Option<Vec<f64>>> {
        let waits = self.choice == DeviceChoice::Auto && x.n_rows() < LEAST_ROWS;
        if self.choice == DeviceChoice::Cpu || waits || x.n_rows() == 0 || width == 0 {
            return Ok(None);
        }
        let gpu = match Gpu::open(&self.choice) {
            Ok(Some(gpu)) => gpu,
            Ok(None) => return Ok(None),
            // What was asked for by name must be there; what was found by itself need not work.
            Err(_) if self.choice == DeviceChoice::Auto => return Ok(None),
            Err(fault) => return Err(fault),
        };
        match sum(&gpu, paths, rule, x, width, ctx) {
            Ok(Some(values)) => {
                self.say(note!("explain.on_gpu", device = &gpu.name));
                Ok(Some(values))
            }
            Ok(None) => {
                if self.choice != DeviceChoice::Auto {
                    self.say(note!("explain.gpu_too_deep", device = &gpu.name));
                }
                Ok(None)
            }
            Err(fault) if fault.is_cancelled() => Err(fault),
            Err(fault) => {
                self.say(note!("explain.gpu_fell_back", device = &gpu.name, reason = fault.to_string()));
                Ok(None)
            }
        }
    }
}

/// The same sums as [`super::tables::sum`], or nothing if a tree is too deep for tables.
fn sum(gpu: &Arc<Gpu>, paths: &[Paths], rule: &dyn Rule, x: &FeatureMatrix, width: usize, ctx: &JobCtx) -> Result<Option<Vec<f64>>> {
    let mut plans: Vec<Plan<'_>> = paths.iter().enumerate().map(|(i, p)| Plan::new(p, i, rule, true)).collect();
    let most = gpu.most_values();
    if plans.iter().any(|p| !p.tabled || p.numbers > most) {
        return Ok(None);
    }
    let columns = Columns::new(paths);
    let n = x.n_rows();
    let mut out = vec![0.0; n * width];
    ctx.stage("explain.stage_trees", (n * plans.len().max(1)) as u64);
    let (mut from, mut done) = (0, 0);
    while from < plans.len() {
        // Trees whose tables lie on the device together.
        let (mut to, mut numbers) = (from, 0);
        while to < plans.len() && (to == from || numbers + plans[to].numbers <= most) {
            numbers += plans[to].numbers;
            to += 1;
        }
        plans[from..to].par_iter_mut().for_each(|p| p.fill(rule));
        let scale = scale(&plans[from..to], width);
        let tables = columns.tables(&plans[from..to], width, scale);
        plans[from..to].iter_mut().flat_map(|p| &mut p.units).for_each(|u| u.table = Vec::new());
        let trees = to - from;
        let codes = |rows: Range<usize>, room: usize, words: &mut [u32]| columns.codes(x, rows, room, words);
        let mut took = |rows: Range<usize>, room: usize, sums: &[i64]| {
            let first = rows.start;
            out[first * width..rows.end * width].par_chunks_mut(width).enumerate().for_each(|(r, out)| {
                for (t, out) in out.iter_mut().enumerate() {
                    *out += sums[t * room + r] as f64 / scale;
                }
            });
            done += (rows.len() * trees) as u64;
            ctx.at(done);
        };
        gpu.sum(&tables, n, &codes, &mut took, ctx)?;
        from = to;
    }
    Ok(Some(out))
}

/// The power of two that makes the largest sum that these tables can reach fill 62 bits.
fn scale(plans: &[Plan<'_>], width: usize) -> f64 {
    let mut reach = vec![0.0f64; width];
    for unit in plans.iter().flat_map(|p| &p.units) {
        for (k, target) in unit.targets.iter().enumerate() {
            reach[*target as usize] += unit.table.iter().skip(k).step_by(unit.targets.len()).fold(0.0, |m: f64, v| m.max(v.abs()));
        }
    }
    let most = reach.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    (61.0 - most.log2().ceil()).clamp(-900.0, 900.0).exp2()
}

/// How a column of codes is made from a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Below a threshold in f32.
    Less,
    /// Up to a threshold in f64.
    UpTo,
    /// A level.
    Level,
}

/// One column: a feature, how it is compared, and which of its values count as missing (0 none, 1 NaN, 2 zero and NaN).
type Column = (usize, Kind, u8);

/// The columns of codes that the splits of some trees ask for, with the cuts of each in order.
struct Columns {
    of: Vec<(Column, Vec<f64>)>,
    place: BTreeMap<Column, usize>,
}

/// What a split asks: its column, its threshold or set, and where missing values go.
enum Asks<'a> {
    Number(f64),
    Set(&'a [u64]),
}

fn asks(split: &Split) -> (Column, Asks<'_>, bool) {
    match &split.cut {
        Cut::Less(t, left) => ((split.feature, Kind::Less, 1), Asks::Number(f64::from(*t)), *left),
        Cut::UpTo(t, left) => ((split.feature, Kind::UpTo, 1), Asks::Number(*t), *left),
        Cut::Node(node) => {
            let Node::Split { test, missing, default_left, .. } = &**node else {
                return ((split.feature, Kind::Level, 0), Asks::Set(&[]), false);
            };
            let missing = match missing {
                Missing::None => 0,
                Missing::Nan => 1,
                Missing::Zero => 2,
            };
            match test {
                Test::LessF32(t) => ((split.feature, Kind::Less, missing), Asks::Number(f64::from(*t as f32)), *default_left),
                Test::LessEqual(t) => ((split.feature, Kind::UpTo, missing), Asks::Number(*t), *default_left),
                Test::In(set) => ((split.feature, Kind::Level, missing), Asks::Set(set), *default_left),
            }
        }
    }
}

impl Columns {
    fn new(paths: &[Paths]) -> Self {
        let mut cuts: BTreeMap<Column, Vec<f64>> = BTreeMap::new();
        for split in paths.iter().flat_map(|p| &p.splits) {
            let (column, asked, _) = asks(split);
            let cuts = cuts.entry(column).or_default();
            if let Asks::Number(t) = asked
                && !t.is_nan()
            {
                cuts.push(t);
            }
        }
        let of: Vec<(Column, Vec<f64>)> = cuts
            .into_iter()
            .map(|(column, mut cuts)| {
                cuts.sort_by(f64::total_cmp);
                cuts.dedup();
                (column, cuts)
            })
            .collect();
        let place = of.iter().enumerate().map(|(i, (c, _))| (*c, i)).collect();
        Self { of, place }
    }

    /// A value's code: how many cuts it is not left of.
    fn code(&self, column: usize, value: f64) -> u32 {
        let ((_, kind, missing), cuts) = &self.of[column];
        if (*missing > 0 && value.is_nan()) || (*missing == 2 && value == 0.0) {
            return MISSING;
        }
        let value = if value.is_nan() { 0.0 } else { value };
        match kind {
            Kind::Less => {
                let value = f64::from(value as f32);
                cuts.partition_point(|t| *t <= value) as u32
            }
            Kind::UpTo => cuts.partition_point(|t| *t < value) as u32,
            Kind::Level if value >= 0.0 => (value as u64).min(u64::from(NO_LEVEL)) as u32,
            Kind::Level => NO_LEVEL,
        }
    }

    /// The codes of some rows, column by column.
    fn codes(&self, x: &FeatureMatrix, rows: Range<usize>, room: usize, out: &mut [u32]) {
        out.par_chunks_mut(room).enumerate().for_each(|(c, out)| {
            let feature = self.of[c].0.0;
            for (out, r) in out.iter_mut().zip(rows.clone()) {
                *out = self.code(c, x.row(r)[feature]);
            }
        });
    }

    fn tables(&self, plans: &[Plan<'_>], width: usize, scale: f64) -> Tables {
        let mut out = Tables { columns: self.of.len(), width, ..Tables::default() };
        let mut sets: BTreeMap<&[u64], (u32, u32)> = BTreeMap::new();
        for plan in plans {
            // The way to each unit, as the processor walks: units stand in preorder.
            let top = if plan.paths.splits.is_empty() { !0 } else { 0 };
            let mut todo: Vec<(i32, Vec<(u32, bool)>)> = vec![(top, Vec::new())];
            let mut units = plan.units.iter();
            let mut unit = units.next();
            while let (Some((at, way)), Some(here)) = (todo.pop(), unit) {
                if here.root != at {
                    let split = &plan.paths.splits[at as usize];
                    for (child, left) in [(split.right, false), (split.left, true)] {
                        let mut way = way.clone();
                        way.push((at as u32, left));
                        todo.push((child, way));
                    }
                    continue;
                }
                unit = units.next();
                if !here.targets.is_empty() {
                    let conditions = self.conditions(plan, here, &way, &mut sets, &mut out.sets);
                    let values = here.table.iter().map(|v| (v * scale).round() as i64).collect();
                    let bits = here.above + here.splits.len() as u32;
                    out.tables.push(Table { conditions, bits, targets: here.targets.clone(), values });
                }
            }
        }
        out
    }

    fn conditions<'a>(
        &self,
        plan: &Plan<'a>,
        unit: &Unit,
        way: &[(u32, bool)],
        sets: &mut BTreeMap<&'a [u64], (u32, u32)>,
        words: &mut Vec<u32>,
    ) -> Vec<Condition> {
        let own = unit.splits.iter().enumerate().map(|(s, split)| (*split, true, unit.above + s as u32));
        let above = way.iter().map(|(split, left)| (*split, *left, plan.paths.splits[*split as usize].bit));
        above
            .chain(own)
            .map(|(split, wants_left, bit)| {
                let (column, asked, missing_left) = asks(&plan.paths.splits[split as usize]);
                let place = self.place[&column];
                let cut = match asked {
                    // A value is left of a cut if it is not right of that many cuts; of a cut that is no number it never is.
                    Asks::Number(t) if t.is_nan() => empty_set(sets, words),
                    Asks::Number(t) => Code::UpTo(self.of[place].1.partition_point(|c| *c < t) as u32),
                    Asks::Set([]) => empty_set(sets, words),
                    Asks::Set(set) => {
                        let (first, count) = *sets.entry(set).or_insert_with(|| put(words, set));
                        Code::In(first, count)
                    }
                };
                Condition { column: place as u32, cut, bit, wants_left, missing_left }
            })
            .collect()
    }
}

/// Writes a set's words; returns the first and their number.
fn put(words: &mut Vec<u32>, set: &[u64]) -> (u32, u32) {
    let first = words.len() as u32;
    words.extend(set.iter().flat_map(|w| [*w as u32, (*w >> 32) as u32]));
    (first, 2 * set.len() as u32)
}

fn empty_set(sets: &mut BTreeMap<&[u64], (u32, u32)>, words: &mut Vec<u32>) -> Code {
    let (first, count) = *sets.entry(&[0]).or_insert_with(|| put(words, &[0]));
    Code::In(first, count)
}

#[cfg(test)]
mod tests {
    use super::super::leaf::{Against, Group, Pairs, PathDependent};
    use super::super::tables;
    use super::*;
    use crate::base::rng::{self, Rng};
    use crate::explain::tree_shap::tests::{random_ensemble, random_row};
    use crate::ml::TreeEnsemble;
    use crate::ml::device;

    fn taken_apart(e: &TreeEnsemble) -> Vec<Paths> {
        let players: Vec<usize> = (0..e.n_features).collect();
        (0..e.trees.len()).map(|t| Paths::new(e, t, &players).unwrap()).collect()
    }

    fn drawn(rng: &mut Rng, n: usize, m: usize) -> FeatureMatrix {
        let odd = [f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 0.1, 4e9, f64::from(u32::MAX), 3.999_999_99];
        let mut values: Vec<f64> = (0..n).flat_map(|_| random_row(rng, m)).collect();
        values.iter_mut().step_by(7).for_each(|v| *v = odd[rng::below(rng, odd.len())]);
        FeatureMatrix { n_features: m, values }
    }

    /// No device is needed for this: codes and conditions must send every value where its node does.
    #[test]
    fn codes_turn_as_the_nodes_do() {
        let mut rng = rng::rng(51, "codes");
        for seed in 0..40 {
            let mut e = random_ensemble(seed, 5, 6, 5, 1);
            // Thresholds that f32 and f64 tell apart, and one that is no number.
            for (i, node) in e.trees.iter_mut().flat_map(|t| &mut t.nodes).enumerate() {
                if let Node::Split { test: Test::LessF32(t) | Test::LessEqual(t), .. } = node {
                    *t = [0.1, 0.1 + 1e-12, -0.0, f64::NAN, f64::INFINITY, 4.0, 1.0 / 3.0][(seed as usize + i) % 7];
                }
            }
            let paths = taken_apart(&e);
            let columns = Columns::new(&paths);
            let rule = PathDependent::new(64);
            let x = drawn(&mut rng, 40, 5);
            for p in &paths {
                let plan = Plan::new(p, 0, &rule, true);
                let (mut sets, mut words) = (BTreeMap::new(), Vec::new());
                let tree = &e.trees[p.tree];
                for (s, split) in p.splits.iter().enumerate() {
                    let unit = Unit { root: s as i32, above: 0, splits: vec![s as u32], leaves: vec![], targets: vec![], table: vec![] };
                    let condition = columns.conditions(&plan, &unit, &[], &mut sets, &mut words)[0];
                    // The node: splits stand in preorder, as nodes do but for the leaves between them.
                    let node = tree.nodes.iter().filter(|n| matches!(n, Node::Split { .. })).nth(s).unwrap();
                    for r in 0..x.n_rows() {
                        let value = x.row(r)[split.feature];
                        let code = columns.code(condition.column as usize, value);
                        let left = match condition.cut {
                            _ if code == MISSING => condition.missing_left,
                            Code::UpTo(cut) => code <= cut,
                            Code::In(first, count) => code / 32 < count && words[(first + code / 32) as usize] >> (code % 32) & 1 == 1,
                        };
                        assert_eq!(left, node.goes_left(value), "{value} at {node:?}: {code} {condition:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_set_keeps_every_code_of_both_its_halves() {
        let codes = [0usize, 5, 31, 32, 33, 63, 64, 96, 127];
        let mut set = vec![0u64; 2];
        codes.iter().for_each(|c| set[c / 64] |= 1 << (c % 64));
        let mut words = vec![7; 3];
        let (first, count) = put(&mut words, &set);
        assert_eq!((first, count, &words[..3]), (3, 4, &[7; 3][..]));
        let holds = |c: usize| words[first as usize + c / 32] >> (c % 32) & 1 == 1;
        assert_eq!((0..128).filter(|c| holds(*c)).collect::<Vec<_>>(), codes);
    }

    #[test]
    fn the_gpu_agrees_with_the_processor_and_with_itself() {
        let Some(info) = device::list().into_iter().find(|d| d.choice != DeviceChoice::Cpu) else {
            eprintln!("skipped: no Vulkan, Metal, DirectX or OpenGL adapter on this machine");
            return;
        };
        let gpu = Gpu::open(&info.choice).unwrap().unwrap();
        let mut rng = rng::rng(52, "gpu");
        for (seed, depth) in [(1, 6), (2, 3), (3, 0), (4, 7)] {
            let m = 6;
            let e = random_ensemble(seed, m, 9, depth, 1);
            let (x, group) = (drawn(&mut rng, 333, m), drawn(&mut rng, 20, m));
            let paths = taken_apart(&e);
            let seen = Group::new(&paths, &group);
            let rules: [(&dyn Rule, usize); 3] =
                [(&PathDependent::new(64), m), (&Against { group: &seen }, m), (&Pairs::new(m, 64), m * m)];
            for (rule, width) in rules {
                let ctx = JobCtx::quiet();
                let want = tables::sum(&paths, rule, &x, width, true, &ctx).unwrap();
                let got = super::sum(&gpu, &paths, rule, &x, width, &ctx).unwrap().unwrap();
                let again = super::sum(&gpu, &paths, rule, &x, width, &ctx).unwrap().unwrap();
                let scale = want.iter().fold(0.0f64, |s, v| s.max(v.abs())).max(1e-300);
                let far = want.iter().zip(&got).fold(0.0f64, |f, (a, b)| f.max((a - b).abs()));
                assert!(far <= 1e-12 * scale, "{} depth {depth}: {far} of {scale}", gpu.name);
                assert!(got.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
        // Through the door that the rest uses: the reader learns where it was computed.
        let e = random_ensemble(5, 6, 9, 5, 1);
        let x = drawn(&mut rng, 50, 6);
        let players = crate::explain::Players { names: vec![String::new(); 6], of: (0..6).collect() };
        let on = On::new(info.choice);
        let got = super::super::path_dependent_on(&e, &x, 0, &players, &on, &JobCtx::quiet()).unwrap();
        let want = super::super::path_dependent(&e, &x, 0, &players, &JobCtx::quiet()).unwrap();
        assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-10));
        assert_eq!(on.notices().iter().map(|n| n.code.as_str()).collect::<Vec<_>>(), ["explain.on_gpu"]);
    }

    #[test]
    fn a_device_that_is_not_there_is_a_fault_only_if_named() {
        let e = random_ensemble(6, 4, 3, 3, 1);
        let x = drawn(&mut rng::rng(53, "none"), 5, 4);
        let players = crate::explain::Players { names: vec![String::new(); 4], of: (0..4).collect() };
        let run = |choice| super::super::path_dependent_on(&e, &x, 0, &players, &On::new(choice), &JobCtx::quiet());
        assert_eq!(run(DeviceChoice::Named("a card far away".into())).unwrap_err().0.code, "ml.no_such_device");
        assert!(run(DeviceChoice::Auto).is_ok() && run(DeviceChoice::Cpu).is_ok());
    }
}
