//! The command line's words: what `--help` says, and how each flag is read.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::base::Lang;
use crate::data::ReadOptions;
use crate::data::read::{Dates, Header, Quote};
use crate::ml::{DeviceChoice, ModelKind, Weighting};

/// See why people act, and what a strategy would change. Without a command, the window opens.
#[derive(Debug, Parser)]
#[command(name = "whybench", version)]
pub struct Cli {
    /// Data file or .whybench project to open in the window
    pub file: Option<PathBuf>,
    /// Language of messages and reports
    #[arg(long, global = true, value_enum)]
    pub lang: Option<LangArg>,
    /// What to do without a window
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Language on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LangArg {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl From<LangArg> for Lang {
    fn from(l: LangArg) -> Self {
        match l {
            LangArg::En => Self::En,
            LangArg::Zh => Self::Zh,
        }
    }
}

/// Where a study's result goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Output {
    /// Where the result goes
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What every study of a data file is asked with.
#[derive(Clone, Debug, Default, Args)]
pub struct Asking {
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub reading: Reading,
}

/// How a data file is read; everything left out is detected.
#[derive(Clone, Debug, Default, Args)]
pub struct Reading {
    /// Character between fields; `tab` for a tab
    #[arg(long, value_name = "C", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value = "auto")]
    pub header: HeaderArg,
    /// Encoding, such as utf-8, gb18030, windows-1252
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// What stands around a field that holds the delimiter
    #[arg(long, value_enum)]
    pub quote: Option<QuoteArg>,
    /// Order of 3/4/2024, where a column does not tell: day or month first
    #[arg(long, value_enum)]
    pub dates: Option<DatesArg>,
}

/// `--quote`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum QuoteArg {
    /// "
    Double,
    /// '
    Single,
    /// Quotes are part of the text.
    None,
}

/// `--dates`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DatesArg {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// `--header`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum HeaderArg {
    /// Detected.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl Reading {
    /// As the data layer takes it.
    pub fn options(&self) -> ReadOptions {
        let header = match self.header {
            HeaderArg::Auto => Header::Auto,
            HeaderArg::Yes => Header::Yes,
            HeaderArg::No => Header::No,
        };
        let quote = self.quote.map(|q| match q {
            QuoteArg::Double => Quote::Double,
            QuoteArg::Single => Quote::Single,
            QuoteArg::None => Quote::None,
        });
        let dates = self.dates.map(|d| match d {
            DatesArg::Dmy => Dates::Dmy,
            DatesArg::Mdy => Dates::Mdy,
        });
        ReadOptions { delimiter: self.delimiter, header, encoding: self.encoding.clone(), decimal: None, quote, dates }
    }
}

/// The headless commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Describe a data file
    Profile {
        /// Data file
        data: PathBuf,
        /// Outcome column
        #[arg(long, value_name = "COL")]
        target: Option<String>,
        /// Look for columns that give the outcome away, and propose what each is: lever, context, mediator, proxy, identifier
        #[arg(long)]
        scan: bool,
        /// With --scan: the value of the outcome that counts as yes
        #[arg(long, value_name = "VALUE", requires = "scan")]
        positive: Option<String>,
        /// With --scan: what was done to people, by lot; columns that it changes are mediators
        #[arg(long, value_name = "COL", requires = "scan")]
        treatment: Option<String>,
        #[command(flatten)]
        reading: Reading,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Train a model and save it
    Train(Box<Train>),
    /// Import a model of another program: XGBoost JSON or UBJSON, LightGBM text, ONNX, or a network's weights (safetensors) with their recipe
    Import {
        /// Model file
        file: PathBuf,
        /// What it predicts; such files do not say
        #[arg(long, value_name = "COL")]
        target: Option<String>,
        /// What the weights of a safetensors file are; the .toml of the same name beside it, or its metadata, if absent
        #[arg(long, value_name = "NET.toml")]
        recipe: Option<PathBuf>,
        /// Where the model goes
        #[arg(long, value_name = "MODEL.whymodel")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write a network's weights (safetensors) and the recipe that says what they are (.toml beside them)
    Export {
        /// Model file
        model: PathBuf,
        /// Where the weights go
        #[arg(long, value_name = "NET.safetensors")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Predict with a saved model
    Predict {
        /// Model file
        model: PathBuf,
        /// Data file
        data: PathBuf,
        /// Where the predictions go
        #[arg(long, value_name = "FILE.parquet")]
        out: PathBuf,
        #[command(flatten)]
        reading: Reading,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say why a saved model predicts what it predicts
    Explain(Box<Explain>),
    /// What an outcome does as one or two features change: partial dependence, individual or accumulated local effects
    Effect(Box<Effect>),
    /// The smallest change of one row that brings the outcome where it is wished
    Counterfactual(Box<Counterfactual>),
    /// Why one row and not the other: the difference, feature by feature
    Contrast(Box<Contrast>),
    /// A saved model in a few questions: a small tree that decides as it does, with the share of rows in which it does
    Surrogate {
        /// Model file
        model: PathBuf,
        /// Data file
        data: PathBuf,
        /// Outcome or class; the first if absent
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
        /// Questions from the root to an end
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=8))]
        depth: u32,
        /// Seed of the halves
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where the tree goes
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
        #[command(flatten)]
        reading: Reading,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// How much worse a saved model predicts when a feature is shuffled
    Importance(Box<Importance>),
    /// What a saved model does over many rows: every row added up, pairs of features, typical rows, groups, tests of trust
    Ask(Box<Asked>),
    /// Rank items for one person, the first explained against the second
    Rank {
        /// Model file
        model: PathBuf,
        /// Log of what was shown
        data: PathBuf,
        /// Condition that describes the person
        #[arg(long, value_name = "COL=VALUE")]
        person: String,
        /// File with the items' features
        #[arg(long)]
        items: Option<PathBuf>,
        /// Where the ranking goes
        #[arg(long, value_name = "FILE.parquet")]
        out: PathBuf,
        #[command(flatten)]
        reading: Reading,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Try the scenarios of a project or recipe
    Simulate {
        /// Project or recipe
        recipe: PathBuf,
        /// Only this scenario
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// A model file that answers instead of the models of the recipe
        #[arg(long, value_name = "MODEL.whymodel")]
        model: Option<PathBuf>,
        /// Which class, or which outcome, of a model that has several; as the recipe says if absent
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
        /// Say what drives the difference of the second scenario to the first; the two best if absent
        #[arg(long, num_args = 2, value_names = ["SCENARIO", "SCENARIO"])]
        compare: Option<Vec<String>>,
        /// Train the model again so many times on redrawn rows, so that the bands cover which model the training gave; as the
        /// recipe says if absent
        #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(5..=200))]
        retrain: Option<u32>,
        /// Where the result goes
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Plan an experiment, test its split, read it: at the end, every day, or as chances
    Experiment {
        /// What is asked
        #[command(subcommand)]
        what: super::experiment::Experiment,
    },
    /// Try ways of choosing what to show on people simulated from a log
    Bandit(Box<super::bandit::Bandit>),
    /// Read new rows back in: what moved, whether the model holds, a version that learns from them, what it now advises
    Feedback(Box<super::feedback::Feedback>),
    /// Share out a budget over channels: the most response, a target return, floors, caps, conditions
    Budget(super::budget::Shared),
    /// Find saturation and echo of spending in a weekly series, for a budget
    Curves(Box<super::budget::Curves>),
    /// Read a test of treatments: effects with their evidence grade, in whom they work, whom to treat
    Uplift(Box<super::uplift::Uplift>),
    /// What another policy would have earned, from a log of actions, their probabilities and rewards
    Policy(Box<super::policy::Policy>),
    /// What customers are still worth: segments, purchases to come, spend, value, retention
    Customers(Box<super::customers::Customers>),
    /// Do everything that a recipe says, with report
    Run {
        /// Project or recipe
        recipe: PathBuf,
        /// Folder for the results
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write the report of a project or recipe
    Report {
        /// Project or recipe
        project: PathBuf,
        /// html, json
        #[arg(long, value_delimiter = ',', default_value = "html")]
        format: Vec<String>,
        /// Folder for the report
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// `whybench train`.
#[derive(Debug, Args)]
pub struct Train {
    /// Data file
    pub data: PathBuf,
    /// Outcome column, or several with commas
    #[arg(long, value_name = "COL[,COL…]", value_delimiter = ',', required = true)]
    pub target: Vec<String>,
    /// Value of the outcome that counts as yes
    #[arg(long, value_name = "VALUE")]
    pub positive: Option<String>,
    /// Kind of model
    #[arg(long, value_parser = model_kind, value_name = "logistic|gbdt|dnn|transformer")]
    pub model: ModelKind,
    /// Columns that the model must not use
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Number columns that are codes
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// random:F, time:COL, column:COL, group:COL,F or modulo:K,A
    #[arg(long, default_value = "random:0.3")]
    pub split: String,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// auto, cpu, gpu or gpu:NAME
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: DeviceChoice,
    /// Most passes over the rows, or rounds
    #[arg(long)]
    pub epochs: Option<u32>,
    /// none or balanced
    #[arg(long, default_value = "none", value_parser = weighting)]
    pub weight: Weighting,
    /// Where the model goes
    #[arg(long, value_name = "MODEL.whymodel")]
    pub out: PathBuf,
    /// Where the predictions of all rows go
    #[arg(long, value_name = "FILE.parquet")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `whybench explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Model file
    pub model: PathBuf,
    /// Data file
    pub data: PathBuf,
    /// tree-shap, tree-shap-reference, interactions, linear-shap, exact-shap, kernel-shap, permutation-shap, proxy-shap,
    /// lime, integrated-gradients, expected-gradients, attention, attention-gradient, attention-rollout or attention-tested
    #[arg(long)]
    pub method: String,
    /// Group to compare with: all, a condition on the data, or a data file; all if a method needs one
    #[arg(long, value_name = "FILE|all|COL=VALUE")]
    pub reference: Option<String>,
    /// Features that count as one: a table [groups] of names with lists of features
    #[arg(long, value_name = "FILE.toml")]
    pub groups: Option<PathBuf>,
    /// Attention heads that are silenced together, counted from 0 as in the table written: attention-tested then holds
    /// what that changes (layer and head −2), and attention-rollout leaves them out
    #[arg(long, value_name = "LAYER:HEAD,…", value_delimiter = ',', value_parser = head)]
    pub mute: Vec<(usize, usize)>,
    /// Combinations asked per row by kernel-shap and lime
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    pub budget: u32,
    /// Rows A up to but not including B, counted from 0; all if absent
    #[arg(long, value_name = "A..B", value_parser = range)]
    pub rows: Option<(u32, u32)>,
    /// margin or probability
    #[arg(long, default_value = "margin", value_parser = scale)]
    pub scale: crate::ml::model::Scale,
    /// Outcome to explain; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Where the values of trees are summed: cpu, auto (a real GPU if rows are many), gpu or gpu:NAME
    #[arg(long, default_value = "cpu", value_parser = device)]
    pub device: DeviceChoice,
    /// Seed where sampling is needed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the explanation goes
    #[arg(long, value_name = "FILE.parquet")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `whybench effect`.
#[derive(Debug, Args)]
pub struct Effect {
    /// Model file
    pub model: PathBuf,
    /// Data file
    pub data: PathBuf,
    /// Feature, or two with a comma
    #[arg(long, value_name = "COL[,COL2]", value_delimiter = ',', required = true)]
    pub feature: Vec<String>,
    /// pdp, ice or ale
    #[arg(long, default_value = "ale", value_parser = effect_kind)]
    pub kind: crate::explain::effect::Kind,
    /// margin or probability
    #[arg(long, default_value = "probability", value_parser = scale)]
    pub scale: crate::ml::model::Scale,
    /// Outcome; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Points on the curve
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=200))]
    pub points: u32,
    /// Seed of the sample of rows
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the curve goes
    #[arg(long, value_name = "FILE.parquet")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `whybench importance`.
#[derive(Debug, Args)]
pub struct Importance {
    /// Model file
    pub model: PathBuf,
    /// Data file with the outcome
    pub data: PathBuf,
    /// Outcome; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// How often each feature is shuffled
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub repeats: u32,
    /// Features that count as one
    #[arg(long, value_name = "FILE.toml")]
    pub groups: Option<PathBuf>,
    /// Seed of the shuffles
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the result goes
    #[arg(long, value_name = "FILE.json")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `whybench ask`.
#[derive(Debug, Args)]
pub struct Asked {
    /// Model file
    pub model: PathBuf,
    /// Data file
    pub data: PathBuf,
    /// everyone: all rows added up; density: all rows binned by value and effect; pairs: features that act together; typical: rows
    /// that stand for all; cohorts: groups side by side; trust: tests of the explanation; segments: where the model errs most;
    /// stability: whether reasons stay when the model is trained again
    #[arg(long, value_enum)]
    pub about: About,
    /// A group, for cohorts; up to three
    #[arg(long, value_name = "COL=VALUE")]
    pub cohort: Vec<String>,
    /// For segments: where the reasons differ most, instead of the errors
    #[arg(long)]
    pub reasons: bool,
    /// For segments and stability, how the rows were split when the model was trained: random:F, time:COL, column:COL,
    /// group:COL,F or modulo:K,A. Errors are looked for in the rows that were held out
    #[arg(long)]
    pub split: Option<String>,
    /// Seed of that split
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub split_seed: u64,
    /// How rows are explained; the model's own method if absent
    #[arg(long)]
    pub method: Option<String>,
    /// Group to compare with: all, or a condition on the data
    #[arg(long, value_name = "all|COL=VALUE")]
    pub reference: Option<String>,
    /// margin or probability
    #[arg(long, default_value = "probability", value_parser = scale)]
    pub scale: crate::ml::model::Scale,
    /// Outcome or class; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Seed where sampling is needed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the answer goes; of a density the cells may go to a table
    #[arg(long, value_name = "FILE.json|FILE.parquet")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What is asked of many rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum About {
    /// All rows added up.
    Everyone,
    /// All rows, binned by value and effect.
    Density,
    /// Features that act together.
    Pairs,
    /// Rows that stand for all.
    Typical,
    /// Groups side by side.
    Cohorts,
    /// Tests of the explanation.
    Trust,
    /// Segments in which the model errs most, or its reasons differ most.
    Segments,
    /// Whether the reasons stay when the model is trained again.
    Stability,
}

/// `whybench counterfactual`.
#[derive(Debug, Args)]
pub struct Counterfactual {
    /// Model file
    pub model: PathBuf,
    /// Data file
    pub data: PathBuf,
    /// Row, counted from 0 in file order
    #[arg(long, value_name = "N")]
    pub row: u32,
    /// Where the outcome shall be: flip, a class such as yes, or a level such as 0.6, ">=0.6", "<0.2"
    #[arg(long, value_name = "CLASS|PROBABILITY", default_value = "flip")]
    pub to: String,
    /// What may change and how: locked, only_up, only_down, one_of, step, range, price, most_changes, budget, seconds
    #[arg(long, value_name = "FILE.toml")]
    pub rules: Option<PathBuf>,
    /// Outcome; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Where the answer goes
    #[arg(long, value_name = "FILE.json")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `whybench contrast`.
#[derive(Debug, Args)]
pub struct Contrast {
    /// Model file
    pub model: PathBuf,
    /// Data file
    pub data: PathBuf,
    /// Row, counted from 0 in file order
    #[arg(long, value_name = "N", required_unless_present = "group")]
    pub row: Option<u32>,
    /// Row that it is set against
    #[arg(long, value_name = "M", required_unless_present_any = ["group", "model_b"])]
    pub against: Option<u32>,
    /// Group of rows, instead of a row
    #[arg(long, value_name = "COL=VALUE", requires = "against_group")]
    pub group: Option<String>,
    /// Group that it is set against
    #[arg(long, value_name = "COL=VALUE")]
    pub against_group: Option<String>,
    /// Another model of the same features, set against the first on the row
    #[arg(long, value_name = "MODEL")]
    pub model_b: Option<PathBuf>,
    /// margin or probability
    #[arg(long, default_value = "probability", value_parser = scale)]
    pub scale: crate::ml::model::Scale,
    /// Outcome; the first if absent
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Seed where sampling is needed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the answer goes
    #[arg(long, value_name = "FILE.json")]
    pub out: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn effect_kind(s: &str) -> Result<crate::explain::effect::Kind, String> {
    use crate::explain::effect::Kind;
    match s {
        "pdp" => Ok(Kind::Pdp),
        "ice" => Ok(Kind::Ice),
        "ale" => Ok(Kind::Ale),
        _ => Err("pdp, ice or ale".to_owned()),
    }
}

fn delimiter(s: &str) -> Result<char, String> {
    match s {
        "tab" | "\\t" => Ok('\t'),
        _ => {
            let mut chars = s.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(c),
                _ => Err("one character, or tab".to_owned()),
            }
        }
    }
}

pub(super) fn model_kind(s: &str) -> Result<ModelKind, String> {
    ModelKind::ALL.into_iter().find(|k| k.name() == s).ok_or_else(|| "logistic, gbdt, dnn or transformer".to_owned())
}

fn device(s: &str) -> Result<DeviceChoice, String> {
    DeviceChoice::try_from(s.to_owned())
}

fn weighting(s: &str) -> Result<Weighting, String> {
    match s {
        "none" => Ok(Weighting::None),
        "balanced" => Ok(Weighting::Balanced),
        _ => Err("none or balanced".to_owned()),
    }
}

fn scale(s: &str) -> Result<crate::ml::model::Scale, String> {
    match s {
        "margin" => Ok(crate::ml::model::Scale::Margin),
        "probability" => Ok(crate::ml::model::Scale::Probability),
        _ => Err("margin or probability".to_owned()),
    }
}

fn head(s: &str) -> Result<(usize, usize), String> {
    let bad = || "a layer and a head such as 0:2".to_owned();
    let (layer, head) = s.split_once(':').ok_or_else(bad)?;
    Ok((layer.trim().parse().map_err(|_| bad())?, head.trim().parse().map_err(|_| bad())?))
}

fn range(s: &str) -> Result<(u32, u32), String> {
    let bad = || "two row numbers such as 0..100".to_owned();
    let (a, b) = s.split_once("..").ok_or_else(bad)?;
    let (a, b) = (a.trim().parse().map_err(|_| bad())?, b.trim().parse().map_err(|_| bad())?);
    if a < b { Ok((a, b)) } else { Err(bad()) }
}
