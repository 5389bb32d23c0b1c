//! `whybench experiment`: planning, the split, and readings, from a table or from a few sums.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::args::Reading;
use super::commands::{Said, said, table, text_or_json, to_value};
use crate::base::{JobCtx, Lang, Result, numbers, tr};
use crate::data::read;
use crate::fault;
use crate::session::run;
use crate::strategy::experiment::bayes::{self, Prior};
use crate::strategy::experiment::effect::{self, TUNING, Way};
use crate::strategy::experiment::many::Correction;
use crate::strategy::experiment::plan::{self, Plan};
use crate::strategy::experiment::read::Metric;
use crate::strategy::experiment::{Asked, Moments};
use crate::strategy::words;

/// What is asked of an experiment.
#[derive(Debug, Subcommand)]
pub enum Experiment {
    /// How many people an effect needs, or which effect a number of people shows
    Size(Size),
    /// Read an experiment from a table, or two arms from their sums
    Read(Box<Read>),
    /// Whether people were split as planned
    Srm {
        /// People in each arm
        #[arg(long, value_delimiter = ',', required = true)]
        counts: Vec<u64>,
        /// Planned shares, in any unit; equal ones if absent
        #[arg(long, value_delimiter = ',')]
        weights: Option<Vec<f64>>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The Bayesian reading of two arms: chance to win, expected loss
    Bayes(Arms),
    /// The reading of two arms that may be looked at every day
    Sequential(Arms),
}

/// `whybench experiment size`.
#[derive(Debug, Args)]
pub struct Size {
    /// Rate, or mean, without the change
    #[arg(long)]
    pub baseline: f64,
    /// Standard deviation of one person's amount; a rate needs none
    #[arg(long)]
    pub sd: Option<f64>,
    /// Rate, or mean, with the change
    #[arg(long, conflicts_with_all = ["mde", "people"])]
    pub target: Option<f64>,
    /// Relative change to be seen, such as 0.2
    #[arg(long, conflicts_with = "people")]
    pub mde: Option<f64>,
    /// People an arm: asks which effect they show
    #[arg(long)]
    pub people: Option<u64>,
    /// Chance of a false alarm
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// Chance of seeing the effect
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// Arms, the control among them
    #[arg(long, default_value_t = 2)]
    pub arms: u32,
    /// People a day, all arms together
    #[arg(long)]
    pub per_day: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Two arms by a few numbers.
#[derive(Debug, Args)]
pub struct Arms {
    /// Conversions of people, such as 49/100: the control, then the variant
    #[arg(long, value_name = "CONVERSIONS/PEOPLE", num_args = 1, conflicts_with = "sums")]
    pub rate: Vec<String>,
    /// Sum, sum of squares, people, such as 1396.87,52377.98,3407: the control, then the variant
    #[arg(long, value_name = "SUM,SQUARES,PEOPLE", num_args = 1)]
    pub sums: Vec<String>,
    /// Chance of a false alarm
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// People at which the anytime interval is narrowest
    #[arg(long, default_value_t = TUNING)]
    pub tuning: f64,
    /// Prior of the relative effect, for the Bayesian reading; flat if absent
    #[arg(long, value_name = "MEAN,SD")]
    pub prior: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `--correction`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CorrectionArg {
    /// Not at all.
    None,
    /// The chance of any false alarm.
    Holm,
    /// The share of false alarms among alarms.
    Bh,
}

/// `whybench experiment read`.
#[derive(Debug, Args)]
pub struct Read {
    /// Data file: one row a person, or several with --id; without it, give two arms by --rate or --sums
    pub data: Option<PathBuf>,
    /// Column that says which arm
    #[arg(long, value_name = "COL")]
    pub variant: Option<String>,
    /// The arm that the others are compared with
    #[arg(long, value_name = "VALUE")]
    pub control: Option<String>,
    /// Goal metrics
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub metric: Vec<String>,
    /// Metrics that must not become worse
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub guardrail: Vec<String>,
    /// Metrics of which less is better
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub lower_is_better: Vec<String>,
    /// Column known before the start that the metrics are adjusted by (CUPED)
    #[arg(long, value_name = "COL")]
    pub covariate: Option<String>,
    /// Also read amounts with the largest cut off, above this share of people
    #[arg(long, value_name = "SHARE")]
    pub winsorise: Option<f64>,
    /// Columns known before the start, to test whether the arms are alike
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub before: Vec<String>,
    /// Column that names the person; rows of one person are added up
    #[arg(long, value_name = "COL")]
    pub id: Option<String>,
    /// Column with the day, for the days that are left
    #[arg(long, value_name = "COL")]
    pub date: Option<String>,
    /// Planned shares of the arms; equal ones if absent
    #[arg(long, value_name = "ARM=SHARE", value_delimiter = ',')]
    pub share: Vec<String>,
    /// Correction for many comparisons
    #[arg(long, value_enum, default_value = "holm")]
    pub correction: CorrectionArg,
    /// Relative effect that the experiment was planned to see
    #[arg(long)]
    pub mde: Option<f64>,
    /// Chance of seeing it
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// Where the reading goes, as JSON
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub arms: Arms,
    #[command(flatten)]
    pub reading: Reading,
}

/// Executes it.
pub(super) fn experiment(e: &Experiment, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    match e {
        Experiment::Size(s) => size(s),
        Experiment::Srm { counts, weights, json } => {
            let found = plan::srm(counts, weights.as_deref())?;
            let text = format!("χ² {}, p {}", numbers::plain(found.chi2), numbers::fixed(found.p, 4));
            Ok(text_or_json(*json, to_value(&found)?, &[], &text))
        }
        Experiment::Bayes(a) => bayesian(a),
        Experiment::Sequential(a) => two_arms(a, Way::Sequential { tuning: a.tuning }),
        Experiment::Read(r) => match &r.data {
            Some(path) => whole(r, path, lang, ctx),
            None => two_arms(&r.arms, Way::Fixed),
        },
    }
}

fn size(s: &Size) -> Result<Said> {
    let plan = Plan { baseline: s.baseline, sd: s.sd, alpha: s.alpha, power: s.power, arms: s.arms, per_day: s.per_day };
    if let Some(people) = s.people {
        let found = plan.detectable(people)?;
        let text = format!("{} ({})", numbers::signed(found.effect), numbers::percent(found.relative));
        return Ok(text_or_json(s.json, to_value(&found)?, &[], &text));
    }
    let target = match (s.target, s.mde) {
        (Some(t), _) => t,
        (None, Some(m)) => s.baseline * (1.0 + m),
        (None, None) => return Err(fault!("experiment.bad_target", target = "–")),
    };
    let found = plan.size(target)?;
    let mut text = format!("{} × {}", numbers::count(found.per_arm as i64), s.arms);
    if let Some(d) = found.days {
        text += &format!(", {d} d");
    }
    Ok(text_or_json(s.json, to_value(&found)?, &[], &text))
}

fn bad(text: &str, form: &str) -> crate::base::Fault {
    fault!("experiment.bad_pair", text = text, form = form)
}

fn listed(text: &str, by: char, many: usize, form: &str) -> Result<Vec<f64>> {
    let found: Option<Vec<f64>> = text.split(by).map(|t| t.trim().parse().ok()).collect();
    found.filter(|f| f.len() == many).ok_or_else(|| bad(text, form))
}

/// The control and the variant, and whether they are rates.
fn moments(a: &Arms) -> Result<(Moments, Moments, bool)> {
    let rate = !a.rate.is_empty();
    let given = if rate { &a.rate } else { &a.sums };
    let [control, variant] = given.as_slice() else { return Err(fault!("experiment.two_arms")) };
    let of = |text: &str| -> Result<Moments> {
        if rate {
            let v = listed(text, '/', 2, "49/100")?;
            return Moments::of_rate(v[0], v[1]);
        }
        let v = listed(text, ',', 3, "1396.87,52377.98,3407")?;
        Moments::of_sums(v[0], v[1], v[2])
    };
    if !(a.alpha > 0.0 && a.alpha < 1.0) {
        return Err(fault!("experiment.bad_share", what = "alpha", share = a.alpha));
    }
    Ok((of(control)?, of(variant)?, rate))
}

fn two_arms(a: &Arms, way: Way) -> Result<Said> {
    let (control, variant, _) = moments(a)?;
    let of = |e| effect::judge(&control, &variant, e, way, a.alpha);
    let absolute = of(effect::absolute(&control, &variant));
    let relative = effect::relative(&control, &variant).and_then(of);
    let way = if matches!(way, Way::Fixed) { "fixed" } else { "sequential" };
    let value = json!({ "reading": way, "alpha": a.alpha, "tuning": a.tuning, "absolute": absolute, "relative": relative });
    let line = |e: &effect::Effect| {
        format!("{} ({} … {}), p {}", numbers::signed(e.effect), numbers::plain(e.ci.0), numbers::plain(e.ci.1), numbers::fixed(e.p, 4))
    };
    let text: Vec<String> = [&absolute, &relative].into_iter().flatten().map(line).collect();
    Ok(text_or_json(a.json, value, &[], &text.join("\n")))
}

fn prior(a: &Arms) -> Result<Option<Prior>> {
    let Some(text) = &a.prior else { return Ok(None) };
    let v = listed(text, ',', 2, "0,0.3")?;
    let found = Prior { mean: v[0], sd: v[1] };
    if found.sd > 0.0 && found.sd.is_finite() && found.mean.is_finite() { Ok(Some(found)) } else { Err(fault!("experiment.bad_prior")) }
}

fn bayesian(a: &Arms) -> Result<Said> {
    let (control, variant, rate) = moments(a)?;
    let relative = bayes::relative(&control, &variant, prior(a)?, a.alpha);
    let of = |m: &Moments| ((m.mean * m.n).round(), m.n);
    let exact = if rate { Some(bayes::rates(of(&control), of(&variant))?) } else { None };
    let value = json!({ "reading": "bayes", "relative": relative, "exact": exact });
    let chance = exact.map(|e| e.chance_to_win).or(relative.map(|r| r.chance_to_win));
    Ok(text_or_json(a.json, value, &[], &chance.map_or_else(|| "–".to_owned(), numbers::percent)))
}

fn whole(r: &Read, path: &std::path::Path, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let (Some(variant), Some(control)) = (&r.variant, &r.control) else { return Err(fault!("experiment.two_arms")) };
    let metric = |guardrail| move |c: &String| Metric { column: c.clone(), guardrail, lower_is_better: r.lower_is_better.contains(c) };
    let shares: BTreeMap<String, f64> = r
        .share
        .iter()
        .map(|t| {
            let (arm, share) = t.rsplit_once('=').ok_or_else(|| bad(t, "ARM=0.5"))?;
            Ok((arm.to_owned(), share.trim().parse().map_err(|_| bad(t, "ARM=0.5"))?))
        })
        .collect::<Result<_>>()?;
    let asked = Asked {
        variant: variant.clone(),
        control: control.clone(),
        metrics: r.metric.iter().map(metric(false)).chain(r.guardrail.iter().map(metric(true))).collect(),
        covariate: r.covariate.clone(),
        winsorise: r.winsorise,
        before: r.before.clone(),
        id: r.id.clone(),
        date: r.date.clone(),
        shares,
        alpha: r.arms.alpha,
        tuning: r.arms.tuning,
        correction: match r.correction {
            CorrectionArg::None => Correction::None,
            CorrectionArg::Holm => Correction::Holm,
            CorrectionArg::Bh => Correction::Bh,
        },
        prior: prior(&r.arms)?,
        mde: r.mde,
        power: r.power,
    };
    let loaded = read::open(path, &r.reading.options(), ctx)?;
    let found = crate::strategy::experiment::read(&loaded.table, &asked, &loaded.fingerprint, ctx)?;
    let mut value = to_value(&found)?;
    let warnings: Vec<_> = loaded.warnings.iter().chain(&found.warnings).cloned().collect();
    if let Some(map) = value.as_object_mut() {
        map.insert("reason".to_owned(), Value::from(found.reason.say(lang)));
        map.insert("warnings".to_owned(), Value::from(said(&warnings, lang)));
    }
    if let Some(out) = &r.out {
        run::write_json(out, &value)?;
    }
    let mut lines = Vec::new();
    for m in &found.metrics {
        for c in &m.comparisons {
            let shown = c.relative.map_or_else(String::new, |e| {
                format!("{} ({} … {})", numbers::percent(e.effect), numbers::percent(e.ci.0), numbers::percent(e.ci.1))
            });
            let p = c.absolute.map_or_else(String::new, |e| format!("p {}", numbers::fixed(e.p, 4)));
            lines.push(vec![c.variant.clone(), m.metric.clone(), tr(lang, words::version_key(m.version)).to_owned(), shown, p]);
        }
    }
    let mut text = table(&lines);
    for d in &found.decisions {
        text += &format!("{}: {} – {}\n", d.variant, tr(lang, words::word_key(d.word)), d.reason.say(lang));
    }
    text += &format!("{:?}: {}", found.grade, found.reason.say(lang));
    Ok(text_or_json(r.arms.json, value, &warnings, &text))
}
