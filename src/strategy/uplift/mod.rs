//! Uplift: in whom does a treatment work, is that clear enough to aim by, and what should be done?
//!
//! - [`learner`] from a test to the effect expected of a person; [`curve`] how well that ranks people who were held out.
//! - [`money`] what contacting the first so many earns; [`tree`] and [`policy`] whom to treat how, in rules;
//!   [`advice`] makes scenarios of them.
//! - [`analyse`] does all of it for every arm of a study, each beside the control.

pub mod advice;
pub mod curve;
pub mod learner;
pub mod money;
pub mod policy;
pub mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use learner::Learner;
pub use money::Money;

use self::curve::{Banded, Point, Ranked, band};
use self::money::Earnings;
use self::policy::PolicyChoice;
use super::Grade;
use super::causal::base::Space;
use super::causal::effect::{Difference, difference};
use super::causal::nuisance::{Aipw, FITS, aipw, nuisances};
use super::causal::{Base, Check, Light, Pair, Study, checks, grade, stats};
use super::news::News;
use crate::base::{JobCtx, Notice, Result, numbers};
use crate::{fault, note};

/// Values of a column by which effects are shown apart.
const MOST_GROUPS: usize = 20;
/// P below which a ranking counts as better than chance.
const ALPHA: f64 = 0.05;

/// What is done with a study.
#[derive(Clone, Debug)]
pub struct Options {
    /// How effects of persons are learned.
    pub learner: Learner,
    /// What stands behind it.
    pub base: Base,
    /// Share at which uplift is shown.
    pub k: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Bootstrap replicates.
    pub replicates: u32,
    /// Shuffles of the permutation test.
    pub shuffles: u32,
    /// Money, where the analyst said so.
    pub money: Option<Money>,
    /// What a contact costs by arm, where arms differ.
    pub contacts: BTreeMap<String, f64>,
    /// Most questions in a row of the policy tree; 0 leaves policies out.
    pub depth: usize,
    /// Columns by whose values effects are shown apart.
    pub by: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            learner: Learner::T,
            base: Base::Logistic,
            k: 0.3,
            seed: 1,
            replicates: 2_000,
            shuffles: 1_000,
            money: None,
            contacts: BTreeMap::new(),
            depth: 2,
            by: Vec::new(),
        }
    }
}

/// The effect among people with one value of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEffect {
    /// Column.
    pub column: String,
    /// Value.
    pub value: String,
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
    /// Its p, corrected for the number of groups.
    pub p_adjusted: f64,
}

/// The effect as it may be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// Where it comes from: difference or aipw.
    pub method: String,
    /// Per person.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How well a learner ranks people.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// scikit-uplift's Qini coefficient and AUUC; none for amounts.
    pub scikit_uplift: Option<(Banded, Banded)>,
    /// CausalML's AUUC; none where people do not count alike.
    pub causalml_auuc: Option<Banded>,
    /// Per-capita Qini.
    pub qini: Banded,
    /// AUTOC.
    pub autoc: Banded,
    /// Uplift among the first share.
    pub at_k: Banded,
    /// Permutation p of the per-capita Qini.
    pub p: f64,
    /// Whether the order of the file, and not the score, made the ranking: too many people tie.
    pub by_file_order: bool,
    /// The curve.
    pub curve: Vec<Point>,
}

/// One arm beside the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// The arm.
    pub treatment: String,
    /// People in the arm and in the control.
    pub n: usize,
    /// People in the arm.
    pub n_treated: usize,
    /// People in the control.
    pub n_control: usize,
    /// Held-out people of both, on whom the ranking is judged.
    pub n_test: usize,
    /// Mean outcome of the treated.
    pub mean_treated: f64,
    /// Mean outcome of the others.
    pub mean_control: f64,
    /// Plain difference of means.
    pub ate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its 95 % interval.
    pub ci: [f64; 2],
    /// Test score of it.
    pub z: f64,
    /// Two-sided p of it.
    pub p_ate: f64,
    /// Doubly robust effect on the train rows.
    pub aipw: Aipw,
    /// The effect that the grade allows to be read.
    pub effect: Headline,
    /// scikit-uplift's Qini coefficient; none for amounts.
    pub qini: Option<f64>,
    /// scikit-uplift's AUUC; none for amounts.
    pub auuc: Option<f64>,
    /// CausalML's AUUC; none where people do not count alike.
    pub auuc_causalml: Option<f64>,
    /// Interval of scikit-uplift's Qini coefficient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qini_coefficient_ci: Option<[f64; 2]>,
    /// Interval of its AUUC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auuc_ci: Option<[f64; 2]>,
    /// Interval of CausalML's AUUC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auuc_causalml_ci: Option<[f64; 2]>,
    /// Uplift among the first share of both groups together.
    pub uplift_at_k: f64,
    /// Its interval.
    pub uplift_at_k_ci: [f64; 2],
    /// Unscaled per-capita Qini.
    pub qini_per_capita: f64,
    /// Its percentile bootstrap interval.
    pub qini_ci: [f64; 2],
    /// AUTOC with its interval.
    pub autoc: Banded,
    /// Permutation p of the per-capita Qini.
    pub p_value: f64,
    /// The same, corrected (Holm) for the number of arms.
    pub p_adjusted: f64,
    /// Whether it is clear that the treatment works better in some people, and in whom.
    pub targetable: bool,
    /// That, in words.
    pub verdict: Notice,
    /// Evidence grade.
    pub grade: Grade,
    /// Why this grade.
    pub reason: Notice,
    /// The checks.
    pub checks: Vec<Check>,
    /// Effects by the values of columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEffect>,
    /// Money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earnings: Option<Earnings>,
    /// The curve of incremental gain.
    pub curve: Vec<Point>,
}

/// Everything about a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpliftResult {
    /// Outcome column.
    pub outcome: String,
    /// Whether it is good news; of bad news everything here is about its opposite.
    #[serde(default, skip_serializing_if = "News::is_good")]
    pub news: News,
    /// Whether it is yes/no.
    pub binary: bool,
    /// Control arm.
    pub control: String,
    /// Learner.
    pub learner: Learner,
    /// What stands behind it.
    pub base: Base,
    /// Seed.
    pub seed: u64,
    /// Share of uplift@k.
    pub k: f64,
    /// Bootstrap replicates and shuffles.
    pub replicates: [u32; 2],
    /// Features that the learner used, in order.
    pub features: Vec<String>,
    /// Declared confounders.
    pub adjust: Vec<String>,
    /// Every arm beside the control.
    pub arms: Vec<ArmResult>,
    /// Whom to treat how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyChoice>,
    /// Which definition each figure follows.
    pub definitions: Vec<Notice>,
    /// What was assumed.
    pub assumptions: Vec<Notice>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// Ranks the held-out rows by expected effect and judges the ranking.
pub fn judge(ranked: &Ranked, binary: bool, o: &Options, ctx: &JobCtx) -> Result<Ranking> {
    // Those programs know no weights; their figures stand only where everybody counts alike.
    let alike = ranked.weight.iter().all(|w| *w == 1.0);
    let own = ranked.figures(None, o.k);
    let named = alike.then(|| ranked.named(None, binary));
    let replicates = ranked.bootstrap(o.k, alike.then_some(binary), o.replicates, o.seed, ctx)?;
    let banded = |of: fn(&curve::Named) -> f64| named.as_ref().map(|n| band(of(n), replicates.iter().map(|f| of(&f.named))));
    let qini = band(own.qini, replicates.iter().map(|f| f.qini));
    let together = curve::qini_ties_together(ranked);
    Ok(Ranking {
        scikit_uplift: banded(|n| n.qini).zip(banded(|n| n.auuc)).filter(|_| binary),
        causalml_auuc: banded(|n| n.auuc_causalml),
        qini,
        autoc: band(own.autoc, replicates.iter().map(|f| f.autoc)),
        at_k: band(own.at_k, replicates.iter().map(|f| f.at_k)),
        p: ranked.permutation(o.shuffles, o.seed, ctx)?,
        // People who tie stand in the order of the file; where that order says more than the scores, it is no ranking.
        by_file_order: learner::is_flat(&ranked.score) || (together - own.qini).abs() > 0.5 * (qini.high - qini.low).abs(),
        curve: ranked.points(&own, &replicates),
    })
}

impl Ranking {
    /// Whether the ranking is better than chance: by its p (corrected or not) and by its interval.
    pub fn is_clear(&self, p: f64) -> bool {
        p < ALPHA && self.qini.low > 0.0 && !self.by_file_order
    }
}

struct Found {
    pair: Pair,
    difference: Difference,
    aipw: Aipw,
    ranking: Ranking,
    checked: checks::Checked,
    grade: Grade,
    reason: Notice,
    earnings: Option<Earnings>,
    groups: Vec<GroupEffect>,
}

/// Everything about every arm of a study, and what to do.
pub fn analyse(study: &Study, o: &Options, ctx: &JobCtx) -> Result<UpliftResult> {
    if !(o.k > 0.0 && o.k < 1.0) {
        return Err(fault!("uplift.bad_share", share = o.k));
    }
    if let Some((arm, cost)) = o.contacts.iter().find(|(_, c)| !(c.is_finite() && **c >= 0.0)) {
        return Err(fault!("uplift.bad_cost", arm = arm, amount = *cost));
    }
    if let Some(arm) = o.contacts.keys().find(|a| !study.arms[1..].contains(*a)) {
        return Err(fault!("uplift.cost_arm", arm = arm, arms = study.arms[1..].join(", ")));
    }
    let mut found = Vec::new();
    for arm in 1..study.arms.len() {
        found.push(one(study, arm, o, ctx)?);
    }
    let adjusted = stats::holm(&found.iter().map(|f| f.ranking.p).collect::<Vec<_>>());
    let arms: Vec<ArmResult> = found.into_iter().zip(adjusted).map(|(f, p)| told(f, p)).collect();
    let mut warnings = study.warnings.clone();
    let mut policy = None;
    if o.depth > 0 {
        let worst = arms.iter().map(|a| a.grade).max().unwrap_or(Grade::D);
        if worst <= Grade::B {
            let contact = |arm: &String| o.money.map_or(0.0, |m| m.of_arm(arm, &o.contacts).contact);
            let of = policy::Options {
                learner: o.learner,
                base: o.base,
                depth: o.depth.min(3),
                money: o.money,
                contacts: study.arms.iter().map(contact).collect(),
                seed: o.seed,
            };
            policy = Some(policy::choose(study, &of, ctx)?);
        } else {
            let odd: Vec<&str> = arms.iter().filter(|a| a.grade > Grade::B).map(|a| a.treatment.as_str()).collect();
            warnings.push(note!("uplift.no_policy", arms = odd.join(", ")));
        }
    }
    let definitions = vec![
        note!("uplift.define_qini"),
        note!("uplift.define_qini_per_capita"),
        note!("uplift.define_auuc"),
        note!("uplift.define_auuc_causalml"),
        note!("uplift.define_autoc"),
        note!("uplift.define_at_k", share = numbers::percent(o.k)),
        note!("uplift.define_intervals", replicates = o.replicates, shuffles = o.shuffles),
        note!("uplift.define_encoding"),
    ];
    let mut assumptions = Vec::new();
    if !study.news.is_good() {
        let code = if study.binary { "uplift.bad_news" } else { "uplift.bad_news_amount" };
        assumptions.push(Notice::new(code).with("outcome", &study.outcome));
    }
    if let Some(m) = o.money {
        assumptions.push(note!("uplift.assume_money", value = m.value, contact = m.contact, conversion = m.conversion));
        if !o.contacts.is_empty() {
            let all: Vec<String> = o.contacts.iter().map(|(arm, c)| format!("{arm} {}", numbers::plain(*c))).collect();
            assumptions.push(note!("uplift.assume_costs", costs = all.join(", ")));
        }
    }
    if study.adjust.is_empty() {
        assumptions.push(note!("uplift.assume_share"));
    } else {
        let names: Vec<&str> = study.adjust.iter().map(|f| study.features[*f].name.as_str()).collect();
        assumptions.push(note!("uplift.assume_adjusted", columns = names.join(", ")));
    }
    let name = |f: &usize| study.features[*f].name.clone();
    Ok(UpliftResult {
        outcome: study.outcome.clone(),
        news: study.news,
        binary: study.binary,
        control: study.arms[0].clone(),
        learner: o.learner,
        base: o.base,
        seed: o.seed,
        k: o.k,
        replicates: [o.replicates, o.shuffles],
        features: study.usable.iter().map(name).collect(),
        adjust: study.adjust.iter().map(name).collect(),
        arms,
        policy,
        definitions,
        assumptions,
        warnings,
    })
}

fn one(study: &Study, arm: usize, o: &Options, ctx: &JobCtx) -> Result<Found> {
    let pair = study.pair(arm);
    ctx.stage("uplift.stage_checks", 0);
    let checked = checks::run(study, arm, &pair, o.seed, ctx)?;
    let (grade, reason) = grade::grade(&checked.facts);
    ctx.stage("uplift.stage_learning", FITS + 1);
    let space = Space::of(&pair, &study.usable, o.base, o.seed)?;
    let confounders = if study.adjust.is_empty() { None } else { Some(Space::of(&pair, &study.adjust, o.base, o.seed)?) };
    let n = nuisances(&pair, &space, confounders.as_ref(), ctx)?;
    let scores = learner::effects(o.learner, &pair, &space, &n, &pair.test, ctx)?;
    // In a randomised test people count alike; where confounders were declared, by what made them be treated.
    let share = pair.share();
    let weight: Vec<f64> = pair
        .test
        .iter()
        .map(|&r| match (grade, pair.treated(r)) {
            (Grade::A, _) => 1.0,
            _ if confounders.is_none() => 1.0,
            (_, true) => share / n.e[r],
            (_, false) => (1.0 - share) / (1.0 - n.e[r]),
        })
        .collect();
    let y: Vec<f64> = pair.test.iter().map(|&r| pair.y[r]).collect();
    let treated: Vec<bool> = pair.test.iter().map(|&r| pair.treated(r)).collect();
    let ranked = Ranked::new(&scores, &y, &treated, &weight, &n.scores(&pair, &pair.test));
    let ranking = judge(&ranked, pair.binary, o, ctx)?;
    let money = o.money.map(|m| m.of_arm(&pair.name, &o.contacts));
    let earnings = money.map(|m| money::earnings(&ranked, m, o.replicates, o.seed, ctx)).transpose()?;
    let all: Vec<usize> = (0..pair.y.len()).collect();
    Ok(Found {
        difference: difference(&pair.y, &pair.w, &all, pair.binary),
        aipw: aipw(&n.scores(&pair, &pair.train)),
        groups: groups(&pair, &o.by)?,
        pair,
        ranking,
        checked,
        grade,
        reason,
        earnings,
    })
}

/// Effects by the values of columns.
fn groups(pair: &Pair, by: &[String]) -> Result<Vec<GroupEffect>> {
    let mut out = Vec::new();
    for column in by {
        let known: Vec<&str> = pair.features.iter().map(|f| f.name.as_str()).collect();
        let f = known
            .iter()
            .position(|n| n == column)
            .ok_or_else(|| fault!("uplift.no_group_column", column = column, known = known.join(", ")))?;
        let mut values: Vec<f64> = (0..pair.y.len()).map(|r| pair.x.row(r)[f]).filter(|v| !v.is_nan()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        if values.len() > MOST_GROUPS {
            return Err(fault!("uplift.many_groups", column = column, values = values.len(), most = MOST_GROUPS));
        }
        for v in values {
            let rows: Vec<usize> = (0..pair.y.len()).filter(|&r| pair.x.row(r)[f] == v).collect();
            let treated = rows.iter().filter(|r| pair.treated(**r)).count();
            if treated < 2 || rows.len() - treated < 2 {
                continue;
            }
            let difference = difference(&pair.y, &pair.w, &rows, pair.binary);
            out.push(GroupEffect { column: column.clone(), value: pair.features[f].show(v), difference, p_adjusted: f64::NAN });
        }
    }
    let adjusted = stats::holm(&out.iter().map(|g| g.difference.p).collect::<Vec<_>>());
    out.iter_mut().zip(adjusted).for_each(|(g, p)| g.p_adjusted = p);
    Ok(out)
}

fn told(f: Found, p_adjusted: f64) -> ArmResult {
    let (d, r) = (f.difference, &f.ranking);
    let clear = r.is_clear(p_adjusted);
    let targetable = clear && f.grade <= Grade::B;
    let verdict = if f.grade > Grade::B {
        note!("uplift.verdict_unsupported", treatment = &f.pair.name, grade = format!("{:?}", f.grade))
    } else if targetable {
        note!(
            "uplift.verdict_targetable",
            treatment = &f.pair.name,
            p = stats::shown(p_adjusted),
            qini = r.qini.value,
            low = r.qini.low,
            high = r.qini.high
        )
    } else if r.by_file_order {
        note!("uplift.verdict_ties", treatment = &f.pair.name)
    } else {
        note!(
            "uplift.verdict_none",
            treatment = &f.pair.name,
            p = stats::shown(p_adjusted),
            qini = r.qini.value,
            low = r.qini.low,
            high = r.qini.high
        )
    };
    let effect = if f.grade == Grade::B {
        Headline { method: "aipw".into(), value: f.aipw.value, low: f.aipw.low, high: f.aipw.high }
    } else {
        Headline { method: "difference".into(), value: d.ate, low: d.low, high: d.high }
    };
    ArmResult {
        treatment: f.pair.name.clone(),
        n: d.treated + d.control,
        n_treated: d.treated,
        n_control: d.control,
        n_test: f.pair.test.len(),
        mean_treated: d.mean_treated,
        mean_control: d.mean_control,
        ate: d.ate,
        se: d.se,
        ci: [d.low, d.high],
        z: d.z,
        p_ate: d.p,
        aipw: f.aipw,
        effect,
        qini: r.scikit_uplift.map(|s| s.0.value),
        auuc: r.scikit_uplift.map(|s| s.1.value),
        auuc_causalml: r.causalml_auuc.map(|s| s.value),
        qini_coefficient_ci: r.scikit_uplift.map(|s| [s.0.low, s.0.high]),
        auuc_ci: r.scikit_uplift.map(|s| [s.1.low, s.1.high]),
        auuc_causalml_ci: r.causalml_auuc.map(|s| [s.low, s.high]),
        uplift_at_k: r.at_k.value,
        uplift_at_k_ci: [r.at_k.low, r.at_k.high],
        qini_per_capita: r.qini.value,
        qini_ci: [r.qini.low, r.qini.high],
        autoc: r.autoc,
        p_value: r.p,
        p_adjusted,
        targetable,
        verdict,
        grade: f.grade,
        reason: f.reason,
        checks: f.checked.checks,
        groups: f.groups,
        earnings: f.earnings,
        curve: f.ranking.curve,
    }
}

impl ArmResult {
    /// The worst light.
    pub fn worst(&self) -> Light {
        self.checks.iter().map(|c| c.status).max().unwrap_or(Light::Ok)
    }
}

#[cfg(test)]
mod tests;
