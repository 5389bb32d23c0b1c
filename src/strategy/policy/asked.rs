//! Which policy is asked about, as an analyst says it: everything equally often, always one action, the best for each kind
//! of person as a model has learned it, or probabilities in a file. Window, recipe and command line ask the same way.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::log::Log;
use super::target::Target;
use super::{PolicyValue, Settings, evaluate, reward};
use crate::base::{JobCtx, Result, rng};
use crate::data::{Loaded, ReadOptions, read};
use crate::ml::train::FEWEST_ROWS;
use crate::ml::{ModelKind, ModelSpec};
use crate::{fault, note};

/// Predictions of the model that learns the best actions, beyond which it is not asked.
const MOST_PREDICTIONS: usize = 100_000_000;

/// The policy in question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Every action of the log, equally often.
    #[default]
    Uniform,
    /// One action for everybody.
    Always(String),
    /// The action that trees expect most of in each context; learned on one half of the log, valued on the other.
    Best,
    /// Probabilities in a file, or a trained model (`.whymodel`); beside the data unless it says where.
    File(PathBuf),
}

impl Wanted {
    /// Reads `uniform`, `best`, `always:ACTION`, or the name of a file.
    pub fn parse(text: &str) -> Self {
        match text {
            "uniform" => Self::Uniform,
            "best" => Self::Best,
            _ => text.strip_prefix("always:").map_or_else(|| Self::File(text.into()), |a| Self::Always(a.to_owned())),
        }
    }

    /// The same as text; what a result calls its target.
    pub fn label(&self) -> String {
        match self {
            Self::Uniform => "uniform".to_owned(),
            Self::Always(action) => format!("always:{action}"),
            Self::Best => "best".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Values this policy on a log; `loaded` is the file of the log.
    pub fn value(&self, log: &Log, loaded: &Loaded, settings: &Settings, ctx: &JobCtx) -> Result<PolicyValue> {
        log.check()?;
        if let Some(w) = settings.clip.filter(|w| !(w.is_finite() && *w > 0.0)) {
            return Err(fault!("policy.bad_clip", value = w));
        }
        let label = self.label();
        match self {
            Self::Uniform => evaluate(log, &Target::uniform(log), settings, ctx),
            Self::Always(action) => {
                let Some(a) = log.names.iter().position(|n| n == action) else {
                    let known: Vec<&str> = log.names.iter().take(12).map(String::as_str).collect();
                    return Err(fault!("policy.no_action", action = action, column = &log.columns.action, known = known.join(", ")));
                };
                evaluate(log, &Target::same(&label, log, vec![(a as u32, 1.0)]), settings, ctx)
            }
            Self::Best => {
                let (learn, value) = halves(log.rows(), settings.seed);
                let (mine, other) = (log.subset(&learn), log.subset(&value));
                other.check()?;
                let target = best(&label, &mine, &other, settings.seed, ctx)?;
                let mut found = evaluate(&other, &target, settings, ctx)?;
                found.warnings.insert(0, note!("policy.learned", learn = learn.len(), value = value.len()));
                Ok(found)
            }
            Self::File(path) => {
                let path = if path.is_absolute() || path.exists() {
                    path.clone()
                } else {
                    loaded.path.parent().unwrap_or(Path::new("")).join(path)
                };
                if path.extension().is_some_and(|e| e == "whymodel") {
                    let model = crate::ml::file::load(&path)?;
                    let target = Target::greedy(&label, &*model, log, &loaded.table, ctx)?;
                    let mut found = evaluate(log, &target, settings, ctx)?;
                    if model.card().data == loaded.fingerprint {
                        found.warnings.insert(0, note!("policy.model_saw", model = &model.card().spec.name));
                    }
                    return Ok(found);
                }
                let file = read::open(&path, &ReadOptions::default(), ctx)?;
                evaluate(log, &Target::read(&label, &file.table, log, &loaded.table)?, settings, ctx)
            }
        }
    }
}

/// Two halves of the rows by seed, in their order.
fn halves(rows: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut first: Vec<bool> = (0..rows).map(|i| i % 2 == 0).collect();
    rng::shuffle(&mut rng::rng(seed, "policy-halves"), &mut first);
    (0..rows).partition(|i| first[*i])
}

/// The action of which trees that learned from `learn` expect most, in each row of `value`; the first of equals. Without
/// context that is the action with the best mean.
fn best(label: &str, learn: &Log, value: &Log, seed: u64, ctx: &JobCtx) -> Result<Target> {
    let (n, k) = (value.rows(), learn.names.len());
    if n.saturating_mul(k) > MOST_PREDICTIONS {
        return Err(fault!("policy.best_many", rows = n, actions = k));
    }
    ctx.stage("policy.stage_greedy", k as u64);
    let first = learn.reward.first().copied().unwrap_or(0.0);
    if learn.rows() < FEWEST_ROWS || learn.reward.iter().all(|r| *r == first) {
        return Err(fault!("policy.best_nothing", rows = learn.rows(), column = &learn.columns.reward));
    }
    let spec = ModelSpec { seed, ..ModelSpec::new("best", ModelKind::Gbdt) };
    let model = crate::ml::train::train(&spec, &reward::train_data(learn), &ctx.without_stage())?;
    let mut x = reward::train_data(value).x;
    let m = x.n_features;
    let mut chosen: Vec<(u32, f64)> = vec![(0, f64::NEG_INFINITY); n];
    for a in 0..k {
        ctx.check()?;
        x.values.iter_mut().skip(m - 1).step_by(m).for_each(|v| *v = a as f64);
        for (c, p) in chosen.iter_mut().zip(model.predict(&x, ctx)?) {
            if p > c.1 {
                *c = (a as u32, p);
            }
        }
        ctx.at(a as u64 + 1);
    }
    Ok(Target::chosen(label, value, chosen.into_iter().map(|(a, _)| a).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::policy::generator::TwoSided;

    #[test]
    fn what_is_said_is_what_is_asked() {
        for (text, wanted) in [
            ("uniform", Wanted::Uniform),
            ("best", Wanted::Best),
            ("always:b", Wanted::Always("b".into())),
            ("p.csv", Wanted::File("p.csv".into())),
        ] {
            assert_eq!(Wanted::parse(text), wanted);
            assert_eq!(wanted.label(), text);
        }
    }

    #[test]
    fn the_learned_policy_is_valued_on_rows_that_did_not_teach_it() {
        let (a, b) = halves(101, 3);
        assert!(a.len() + b.len() == 101 && a.iter().all(|i| !b.contains(i)) && a.len().abs_diff(b.len()) <= 1);
        let world = TwoSided { rows: 8_000, actions: 3, preference: 0.0, explore: 1.0, twisted: true };
        let log = world.log(1);
        let (learn, value) = halves(log.rows(), 1);
        let (mine, mut other) = (log.subset(&learn), log.subset(&value));
        let ctx = JobCtx::quiet();
        let target = best("best", &mine, &other, 1, &ctx).unwrap();
        // It earns more than chance does, on the other half, and its interval is kept.
        let found = evaluate(&other, &target, &Settings { replicates: 200, ..Settings::default() }, &ctx).unwrap();
        let dr = &found.estimators["dr"];
        assert!(dr.value.unwrap() > world.truth() + 0.03 && dr.ci.unwrap().0 < dr.value.unwrap(), "{dr:?} {}", world.truth());
        assert!((0..other.rows()).any(|i| target.row(i) != target.row(0)), "it depends on the person");
        // What came of the rows that value it has no part in the choice.
        other.reward.iter_mut().for_each(|r| *r = 1.0 - *r);
        assert_eq!(best("best", &mine, &other, 1, &ctx).unwrap(), target);
    }

    #[test]
    fn one_action_and_a_file_beside_the_data_are_asked_about() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "shown,bought,p\n".to_owned();
        (0..900).for_each(|i| text += &format!("{},{},{}\n", ["a", "b", "c"][i % 3], u8::from(i % 7 == 0 || i % 3 == 1), 1.0 / 3.0));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let ctx = JobCtx::quiet();
        let loaded = read::open(&write("log.csv", &text), &ReadOptions::default(), &ctx).unwrap();
        write("half.csv", "action,probability\na,0.5\nb,0.5\n");
        write("other.csv", "action,probability\nx,0.5\ny,0.5\n");
        let columns = crate::strategy::policy::Columns {
            action: "shown".into(),
            reward: "bought".into(),
            propensity: Some("p".into()),
            ..Default::default()
        };
        let log = Log::read(&loaded.table, &columns, &loaded.fingerprint).unwrap();
        let settings = Settings { replicates: 50, ..Settings::default() };
        let of = |text: &str| Wanted::parse(text).value(&log, &loaded, &settings, &ctx);
        let wants = |found: &PolicyValue, name: &str| found.support.actions.iter().find(|a| a.action == name).unwrap().target;
        let always = of("always:b").unwrap();
        assert_eq!((wants(&always, "b"), wants(&always, "a"), always.target.as_str()), (1.0, 0.0, "always:b"));
        assert!((always.estimators["snips"].value.unwrap() - 1.0).abs() < 1e-9);
        let half = of("half.csv").unwrap();
        assert_eq!((wants(&half, "a"), wants(&half, "b"), wants(&half, "c")), (0.5, 0.5, 0.0));
        // Each is refused in one sentence that says what there is instead.
        for (text, code) in [("always:z", "policy.no_action"), ("other.csv", "policy.other_actions"), ("nowhere.csv", "")] {
            let fault = of(text).unwrap_err();
            assert!(fault.0.code == code || code.is_empty(), "{fault:?}");
        }
        let cut = Settings { clip: Some(0.0), ..settings.clone() };
        assert_eq!(Wanted::Uniform.value(&log, &loaded, &cut, &ctx).unwrap_err().0.code, "policy.bad_clip");
    }
}
