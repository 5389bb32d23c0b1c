//! Who was treated, what came of it, and what was known before: a table read as a test of treatments.
//!
//! What cannot be answered from the data is refused here, in one sentence, before anything is fitted.

use crate::base::{Notice, Result, numbers};
use crate::data::{ColumnType, Encoder, Feature, FeatureMatrix, FittedPrepare, Part, Roles, Segment, Split, Table};
use crate::strategy::news::News;
use crate::strategy::scan::marks::filled_after;
use crate::{fault, note};

/// Most arms; more are not a test but a log of choices.
const MOST_ARMS: usize = 20;
/// Fewest rows of an arm that train, and that test.
const FEWEST: usize = 20;
/// Most levels of a left-out column that is still compared between the arms.
const MOST_LEVELS: usize = 50;

/// What is asked of a table.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Column that says what was done to a person.
    pub treatment: String,
    /// Column that says what came of it.
    pub outcome: String,
    /// Value of the treatment column that means nothing was done.
    pub control: String,
    /// Value of the outcome that counts as yes.
    pub positive: Option<String>,
    /// Whether it is good news. Of bad news the opposite is read, so that every effect, ranking and policy points at less of it.
    pub news: News,
    /// Columns that may tell people apart; all that look like features if absent.
    pub features: Option<Vec<String>>,
    /// Columns left out of those.
    pub ignore: Vec<String>,
    /// Number columns that are codes.
    pub categorical: Vec<String>,
    /// Declared confounders: what decided who was treated.
    pub adjust: Vec<String>,
    /// Columns that the treatment cannot have changed, yet that share the outcome's causes.
    pub negative: Vec<String>,
    /// Only rows that meet this condition.
    pub filter: Option<String>,
    /// Which rows test.
    pub split: Option<Split>,
    /// Seed of everything random.
    pub seed: u64,
    /// Planned shares by arm; empty if nobody says.
    pub ratio: Vec<(String, f64)>,
    /// Columns with the moments of treatment and outcome.
    pub times: Option<(String, String)>,
}

/// A column with one value per row: a number, or the code of a level.
#[derive(Clone, Debug)]
pub struct Aside {
    /// Its name.
    pub name: String,
    /// Its values; NaN is missing.
    pub values: Vec<f64>,
    /// Levels, where the values are codes.
    pub levels: Option<usize>,
}

/// A table read as a test.
#[derive(Clone, Debug)]
pub struct Study {
    /// Arms by name; the first is the control.
    pub arms: Vec<String>,
    /// Rows that were given to each arm, whether or not their outcome is known.
    pub assigned: Vec<usize>,
    /// Arm of each row.
    pub arm: Vec<usize>,
    /// Outcome of each row; never missing.
    pub y: Vec<f64>,
    /// Whether it is yes/no.
    pub binary: bool,
    /// Its column.
    pub outcome: String,
    /// Whether it is good news; of bad news `y` is the opposite: 1 where it does not happen, an amount with the other sign.
    pub news: News,
    /// Everything known before: features, then confounders that are not among them.
    pub features: Vec<Feature>,
    /// Their values.
    pub x: FeatureMatrix,
    /// Which of them the learners may use (features and confounders).
    pub usable: Vec<usize>,
    /// Which of them were declared confounders.
    pub adjust: Vec<usize>,
    /// Negative controls.
    pub negative: Vec<Aside>,
    /// Columns that nobody uses.
    pub left_out: Vec<Aside>,
    /// Rows that train and rows that test.
    pub parts: Vec<Part>,
    /// Whether any two rows may be parted (not so by time or group).
    pub exchangeable: bool,
    /// Planned share of each arm.
    pub ratio: Option<Vec<f64>>,
    /// Line of each row in the file.
    pub lines: Vec<u32>,
    /// Rows without a treatment or an outcome.
    pub dropped: usize,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// One arm beside the control.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The arm's name.
    pub name: String,
    /// Row of the study behind each row.
    pub rows: Vec<usize>,
    /// Features, as in the study.
    pub features: Vec<Feature>,
    /// Their values.
    pub x: FeatureMatrix,
    /// Outcomes.
    pub y: Vec<f64>,
    /// 1 for the treated, 0 for the others.
    pub w: Vec<f64>,
    /// Whether the outcome is yes/no.
    pub binary: bool,
    /// Rows that train.
    pub train: Vec<usize>,
    /// Rows that test.
    pub test: Vec<usize>,
}

impl Pair {
    /// Whether a row was treated.
    pub fn treated(&self, r: usize) -> bool {
        self.w[r] > 0.5
    }
    /// Share of the treated among the train rows.
    pub fn share(&self) -> f64 {
        self.train.iter().map(|&r| self.w[r]).sum::<f64>() / self.train.len().max(1) as f64
    }
}

impl Study {
    /// Reads a table as a test, or says why it is none.
    pub fn of(table: &Table, ask: &Ask) -> Result<Self> {
        let (treatment, outcome) = (table.column(&ask.treatment)?, table.column(&ask.outcome)?);
        if treatment == outcome {
            return Err(fault!("uplift.same_column", column = &ask.treatment));
        }
        let mut warnings = Vec::new();
        let split = ask.split.clone().unwrap_or(Split::Random { test: crate::data::split::default_test() });
        let parts = split.assign(ask.seed, table)?;
        let answer = Answer::read(table, outcome, ask)?;
        let mut inside = vec![true; table.n_rows()];
        if let Some(filter) = &ask.filter {
            inside.fill(false);
            Segment::parse(filter)?.rows(table)?.into_iter().for_each(|r| inside[r] = true);
        }
        order_in_time(table, ask, &inside)?;
        let (arms, code) = arms(table, treatment, ask, &inside)?;
        let mut assigned = vec![0usize; arms.len()];
        let mut rows = Vec::new();
        let mut dropped = 0;
        for r in (0..table.n_rows()).filter(|r| inside[*r]) {
            if let Some(a) = code[r] {
                assigned[a] += 1;
            }
            if code[r].is_some() && answer.y[r].is_finite() { rows.push(r) } else { dropped += 1 }
        }
        if answer.binary {
            // A treatment that is written down for one answer only was written down after it.
            let of = |r: &usize| inside[*r];
            let missing: Vec<bool> = (0..table.n_rows()).filter(of).map(|r| code[r].is_none()).collect();
            let known: Vec<f64> = (0..table.n_rows()).filter(of).map(|r| answer.y[r]).collect();
            if let Some(f) = filled_after(&missing, &known) {
                let (yes, no) = (numbers::percent(f.yes), numbers::percent(f.no));
                return Err(fault!("uplift.treatment_after", column = &ask.treatment, outcome = &ask.outcome, yes = yes, no = no));
            }
        }
        if dropped > 0 {
            warnings.push(note!("uplift.rows_dropped", rows = dropped, treatment = &ask.treatment, outcome = &ask.outcome));
        }
        let arm: Vec<usize> = rows.iter().filter_map(|&r| code[r]).collect();
        let read = |y: f64| match (ask.news, answer.binary) {
            (News::Good, _) => y,
            (News::Bad, true) => 1.0 - y,
            (News::Bad, false) => -y,
        };
        let y: Vec<f64> = rows.iter().map(|&r| read(answer.y[r])).collect();
        let parts: Vec<Part> = rows.iter().map(|&r| if parts[r] == Part::Test { Part::Test } else { Part::Train }).collect();
        if let Some(first) = y.first()
            && y.iter().all(|v| v == first)
        {
            return Err(fault!("uplift.constant_outcome", column = &ask.outcome, value = numbers::plain(*first), rows = y.len()));
        }
        enough(&arms, &arm, &parts)?;
        let mut roles = Roles::detect(table);
        for name in &ask.categorical {
            table.column(name)?;
            roles.categorical.insert(name.clone());
        }
        let (chosen, adjust, negative) = columns(table, &roles, ask, &split)?;
        let all: Vec<String> = chosen.iter().chain(adjust.iter().filter(|a| !chosen.contains(a))).cloned().collect();
        if all.is_empty() {
            return Err(fault!("data.no_features"));
        }
        let train: Vec<usize> = rows.iter().zip(&parts).filter(|(_, p)| **p == Part::Train).map(|(r, _)| *r).collect();
        let encoder = Encoder::fit(table, &all, &roles, &train, FittedPrepare::default())?;
        let (x, notices) = encoder.encode(table)?;
        warnings.extend(notices);
        let x = if rows.len() == table.n_rows() { x } else { x.select(&rows) };
        let adjust = adjust.iter().map(|n| encoder.feature(n)).collect::<Result<Vec<_>>>()?;
        let aside = |name: &String| -> Result<Aside> {
            let i = table.column(name)?;
            let text = roles.is_categorical(table, name);
            let (values, levels) = if text {
                let (codes, levels) = table.codes(i);
                (codes.iter().map(|c| if *c < 0 { f64::NAN } else { f64::from(*c) }).collect::<Vec<f64>>(), Some(levels.len()))
            } else {
                (table.numbers(i), None)
            };
            Ok(Aside { name: name.clone(), values: rows.iter().map(|&r| values[r]).collect(), levels })
        };
        let negative = negative.iter().map(aside).collect::<Result<Vec<_>>>()?;
        let used = |n: &String| all.contains(n) || *n == ask.treatment || *n == ask.outcome || ask.negative.contains(n);
        let mut left_out = Vec::new();
        for name in table.names().iter().filter(|n| !used(n)) {
            let column = aside(name)?;
            if column.levels.is_none_or(|l| l <= MOST_LEVELS) {
                left_out.push(column);
            }
        }
        Ok(Self {
            ratio: planned(&arms, &ask.ratio)?,
            arms,
            assigned,
            arm,
            y,
            binary: answer.binary,
            outcome: ask.outcome.clone(),
            news: ask.news,
            usable: (0..encoder.features.len()).collect(),
            features: encoder.features,
            x,
            adjust,
            negative,
            left_out,
            parts,
            exchangeable: matches!(split, Split::Random { .. } | Split::Modulo { .. }),
            lines: rows.iter().map(|&r| table.file_row(r)).collect(),
            dropped,
            warnings,
        })
    }

    /// One arm beside the control.
    pub fn pair(&self, arm: usize) -> Pair {
        let rows: Vec<usize> = (0..self.arm.len()).filter(|&r| self.arm[r] == 0 || self.arm[r] == arm).collect();
        let of = |part: Part| (0..rows.len()).filter(|&i| self.parts[rows[i]] == part).collect();
        let (train, test) = (of(Part::Train), of(Part::Test));
        self.paired(arm, rows, train, test)
    }

    /// One arm beside the control, learned from those of `learn` that were in either, and then asked about everybody of `ask`.
    pub fn pair_for(&self, arm: usize, learn: &[usize], ask: &[usize]) -> Pair {
        let train = learn.iter().copied().filter(|&r| self.arm[r] == 0 || self.arm[r] == arm).collect();
        self.paired(arm, (0..self.arm.len()).collect(), train, ask.to_vec())
    }

    fn paired(&self, arm: usize, rows: Vec<usize>, train: Vec<usize>, test: Vec<usize>) -> Pair {
        Pair {
            name: self.arms[arm].clone(),
            features: self.features.clone(),
            x: if rows.len() == self.arm.len() { self.x.clone() } else { self.x.select(&rows) },
            y: rows.iter().map(|&r| self.y[r]).collect(),
            w: rows.iter().map(|&r| f64::from(u8::from(self.arm[r] == arm))).collect(),
            binary: self.binary,
            train,
            test,
            rows,
        }
    }
}

/// The arms that occur among the rows asked about, the control first, and the arm of every row of the table.
fn arms(table: &Table, column: usize, ask: &Ask, inside: &[bool]) -> Result<(Vec<String>, Vec<Option<usize>>)> {
    let (codes, levels) = table.codes(column);
    let mut occurs = vec![false; levels.len()];
    codes.iter().zip(inside).filter(|(_, inside)| **inside).filter_map(|(c, _)| usize::try_from(*c).ok()).for_each(|c| occurs[c] = true);
    let arms = occurs.iter().filter(|o| **o).count();
    if arms > MOST_ARMS {
        return Err(fault!("uplift.too_many_arms", column = &ask.treatment, arms = arms, most = MOST_ARMS));
    }
    let Some(control) = levels.iter().position(|l| *l == ask.control.trim()) else {
        return Err(fault!("uplift.no_control", column = &ask.treatment, value = &ask.control, values = levels.join(", ")));
    };
    let mut order = vec![control];
    order.extend((0..levels.len()).filter(|l| *l != control && occurs[*l]));
    if order.len() < 2 {
        return Err(fault!("uplift.one_arm", column = &ask.treatment, value = &levels[control]));
    }
    let place = |code: i32| usize::try_from(code).ok().and_then(|c| order.iter().position(|o| *o == c));
    let code = codes.into_iter().map(place).collect();
    Ok((order.into_iter().map(|l| levels[l].clone()).collect(), code))
}

fn enough(arms: &[String], arm: &[usize], parts: &[Part]) -> Result<()> {
    for (a, name) in arms.iter().enumerate() {
        let count = |part: Part| arm.iter().zip(parts).filter(|(x, p)| **x == a && **p == part).count();
        let (train, test) = (count(Part::Train), count(Part::Test));
        if train + test == 0 {
            return Err(fault!("uplift.arm_empty", arm = name));
        }
        if train < FEWEST || test < FEWEST {
            return Err(fault!("uplift.arm_small", arm = name, train = train, test = test, least = FEWEST));
        }
    }
    Ok(())
}

struct Answer {
    y: Vec<f64>,
    binary: bool,
}

impl Answer {
    fn read(table: &Table, column: usize, ask: &Ask) -> Result<Self> {
        let (codes, levels) = table.codes(column);
        let name = &ask.outcome;
        match levels.len() {
            0 => return Err(fault!("uplift.no_outcome", column = name)),
            1 => return Err(fault!("uplift.constant_outcome", column = name, value = &levels[0], rows = table.n_rows())),
            _ => {}
        }
        let numeric = matches!(table.column_type(column), ColumnType::Integer | ColumnType::Number);
        let yes = match &ask.positive {
            Some(p) => Some(levels.iter().position(|l| l.eq_ignore_ascii_case(p.trim())).ok_or_else(|| {
                let known: Vec<String> = levels.iter().take(6).cloned().collect();
                fault!("uplift.no_such_positive", column = name, value = p, values = known.join(", "))
            })?),
            None if numeric && levels == ["0", "1"] => Some(1),
            None if numeric => None,
            None if levels.len() > 2 => {
                return Err(fault!("uplift.outcome_classes", column = name, count = levels.len(), first = &levels[0]));
            }
            None => {
                let known = ["true", "1", "yes", "y", "t", "是"];
                let found = levels.iter().position(|l| known.contains(&l.to_lowercase().trim()));
                Some(found.ok_or_else(|| fault!("uplift.which_positive", column = name, a = &levels[0], b = &levels[1]))?)
            }
        };
        let y = match yes {
            Some(yes) => codes.iter().map(|c| if *c < 0 { f64::NAN } else { f64::from(u8::from(*c as usize == yes)) }).collect(),
            None => table.numbers(column),
        };
        Ok(Self { y, binary: yes.is_some() })
    }
}

/// Refuses outcomes that were there before the treatment.
fn order_in_time(table: &Table, ask: &Ask, inside: &[bool]) -> Result<()> {
    let Some((treated, happened)) = &ask.times else { return Ok(()) };
    let moments = |name: &String| -> Result<Vec<f64>> {
        let column = table.column(name)?;
        // Words have no order in time, and nothing would ever be refused.
        if table.column_type(column) == ColumnType::Text {
            return Err(fault!("uplift.no_moments", column = name));
        }
        Ok(table.numbers(column))
    };
    let (a, b) = (moments(treated)?, moments(happened)?);
    let wrong: Vec<usize> = (0..a.len()).filter(|r| inside[*r] && a[*r] > b[*r]).collect();
    match wrong.first() {
        None => Ok(()),
        Some(r) => {
            let line = table.file_row(*r);
            Err(fault!("uplift.treated_after", rows = wrong.len(), treated = treated, happened = happened, line = line))
        }
    }
}

/// Features, confounders and negative controls by name.
fn columns(table: &Table, roles: &Roles, ask: &Ask, split: &Split) -> Result<(Vec<String>, Vec<String>, Vec<String>)> {
    let lists = [ask.features.as_deref().unwrap_or_default(), &ask.ignore, &ask.adjust, &ask.negative];
    for name in lists.into_iter().flatten() {
        table.column(name)?;
    }
    let special = [Some(ask.treatment.as_str()), Some(ask.outcome.as_str()), split.column()];
    let mut special: Vec<&str> = special.into_iter().flatten().collect();
    if let Some((a, b)) = &ask.times {
        special.extend([a.as_str(), b.as_str()]);
    }
    for name in ask.features.iter().flatten().chain(&ask.adjust) {
        if *name == ask.treatment || *name == ask.outcome {
            return Err(fault!("uplift.not_a_feature", column = name));
        }
        if ask.negative.contains(name) {
            return Err(fault!("uplift.negative_used", column = name));
        }
    }
    let chosen = match &ask.features {
        Some(names) => table.names().into_iter().filter(|n| names.contains(n)).collect(),
        None => roles
            .features(table)
            .into_iter()
            .filter(|n| !ask.ignore.contains(n) && !ask.negative.contains(n) && !special.contains(&n.as_str()))
            .collect(),
    };
    Ok((chosen, ask.adjust.clone(), ask.negative.clone()))
}

/// Planned shares in the order of the arms.
fn planned(arms: &[String], ratio: &[(String, f64)]) -> Result<Option<Vec<f64>>> {
    if ratio.is_empty() {
        return Ok(None);
    }
    let mut shares = Vec::new();
    for arm in arms {
        match ratio.iter().find(|(n, _)| n == arm) {
            Some((_, s)) if *s > 0.0 && s.is_finite() => shares.push(*s),
            Some((_, s)) => return Err(fault!("uplift.ratio_value", arm = arm, share = *s)),
            None => return Err(fault!("uplift.ratio_missing", arm = arm)),
        }
    }
    if let Some((odd, _)) = ratio.iter().find(|(n, _)| !arms.contains(n)) {
        return Err(fault!("uplift.ratio_unknown", arm = odd, arms = arms.join(", ")));
    }
    let sum: f64 = shares.iter().sum();
    Ok(Some(shares.iter().map(|s| s / sum).collect()))
}
