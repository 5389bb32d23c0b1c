//! The pipeline: a recipe executed stage by stage, for the window and for headless runs alike.
//!
//! Every function here takes what the stage before gave and returns a plain value. Nothing is kept and nothing is started:
//! the window runs these functions on its lanes and the command line runs them one after the other.

use std::path::Path;
use std::sync::Arc;

use super::recipe::{Recipe, RolesSection};
use crate::base::{JobCtx, Notice, Result, rng};
use crate::data::{
    ColumnType, Encoder, FeatureMatrix, FittedPrepare, Loaded, Part, Profile, Role, Roles, Segment, StepEffect, Table, prepare as steps,
    read,
};
use crate::explain::{self, AttentionMap, Attribution, ExplainOptions, Method, Reference, Summary};
use crate::ml::model::Structure;
use crate::ml::train::TrainData;
use crate::ml::{Model, ModelKind, ModelSpec, Outcome, OutcomeKind};
use crate::recommend::{self, Ranking};
use crate::strategy::{self, Baseline, Lever};
use crate::{fault, note};

/// Most rows explained together, where the model is exact and fast.
const WHY_ROWS: usize = 2_000;
/// Most rows explained together for a network.
const WHY_ROWS_NETWORK: usize = 400;
/// Most rows explained together where every row costs thousands of predictions.
const WHY_ROWS_ASKED: usize = 60;

/// Rows that models may be trained on.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The file.
    pub loaded: Arc<Loaded>,
    /// What columns are for.
    pub roles: Roles,
    /// Rows after steps that remove rows, cells untouched.
    pub raw: Table,
    /// The same rows, prepared.
    pub table: Table,
    /// Part of each of these rows.
    pub parts: Vec<Part>,
    /// The steps with what they learned.
    pub fitted: FittedPrepare,
    /// What each step did.
    pub effects: Vec<StepEffect>,
    /// What is predicted; base rates over the train rows.
    pub outcomes: Vec<Outcome>,
    /// Targets, one vector per outcome; NaN is missing.
    pub y: Vec<Vec<f64>>,
    /// Columns that models may use, in file order.
    pub features: Vec<String>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
}

/// Which rows to explain.
#[derive(Clone, Debug, PartialEq)]
pub enum WhyRows {
    /// One line of the file.
    Line(u32),
    /// Lines from the first up to, but not including, the second.
    Lines(u32, u32),
    /// These lines of the file, sorted.
    These(Arc<[u32]>),
    /// Rows that meet a condition.
    Segment(String),
    /// The held-out rows.
    Test,
    /// All rows.
    All,
}

/// Why, for some rows of one model.
#[derive(Clone, Debug)]
pub struct Why {
    /// The model's name.
    pub model: String,
    /// The attributions.
    pub attribution: Attribution,
    /// Many rows at once.
    pub summary: Summary,
    /// Their features.
    pub matrix: FeatureMatrix,
}

/// Reads the data file; `folder` is the recipe's.
pub fn load(recipe: &Recipe, folder: &Path, ctx: &JobCtx) -> Result<Loaded> {
    read::open(&folder.join(&recipe.data.path), &recipe.data.read, ctx)
}

/// What columns are for: detected, then as the recipe says. A column that the recipe names and the data lacks is a fault.
pub fn roles(recipe: &Recipe, table: &Table) -> Result<Roles> {
    let section = &recipe.roles;
    for (_, names) in super::command::lists(&mut section.clone()) {
        for name in names.iter() {
            table.column(name)?;
        }
    }
    let types = section.types().into_iter().flat_map(|(_, names)| names);
    for name in section.categorical.iter().chain(&section.numeric).chain(types) {
        table.column(name)?;
    }
    Ok(section.over(&Roles::detect(table)))
}

/// The outcomes, the main one first: in the recipe's order, else in file order.
pub fn targets(section: &RolesSection, roles: &Roles, table: &Table) -> Vec<String> {
    let mut out: Vec<String> = section.target.clone();
    out.extend(table.names().into_iter().filter(|n| roles.role(n) == Role::Target && !section.target.contains(n)));
    out
}

/// Describes every column.
pub fn profile(recipe: &Recipe, loaded: &Loaded, ctx: &JobCtx) -> Result<Profile> {
    let table = &loaded.table;
    let roles = roles(recipe, table)?;
    let outcome = targets(&recipe.roles, &roles, table).first().and_then(|t| outcome_of(table, t, recipe.roles.positive.as_deref()).ok());
    let positive = outcome.as_ref().and_then(|(o, _, _)| match &o.kind {
        OutcomeKind::Binary { positive, .. } => Some((o.name.as_str(), positive.as_str())),
        OutcomeKind::Number | OutcomeKind::Class { .. } => None,
    });
    let mut profile = crate::data::profile::profile(table, &roles, positive, ctx)?;
    profile.warnings.splice(0..0, loaded.warnings.iter().cloned());
    Ok(profile)
}

/// Splits, prepares and finds the outcomes. Without a target nothing can be trained on the rows, but a model that came
/// from a file explains and simulates them.
pub fn prepare(recipe: &Recipe, loaded: &Arc<Loaded>, ctx: &JobCtx) -> Result<Prepared> {
    let table = &loaded.table;
    if table.n_rows() == 0 {
        return Err(fault!("session.no_rows", file = &loaded.path));
    }
    let roles = roles(recipe, table)?;
    let targets = targets(&recipe.roles, &roles, table);
    for step in &recipe.prepare {
        let rewrites = !matches!(step, crate::data::Step::Deduplicate { .. });
        if let Some(target) = step.columns().iter().find(|c| rewrites && targets.contains(c)) {
            return Err(fault!("session.step_on_target", column = target));
        }
    }
    // Which row tests is decided on all rows of the file, before any step removes one.
    let parts = recipe.split.split.assign(recipe.split.seed, table)?;
    let fitted = steps::fit(&recipe.prepare, table, &parts, ctx)?;
    let mut warnings = Vec::new();
    let (mut outcomes, mut y) = (Vec::new(), Vec::new());
    // One of many classes is nothing to train for here, but models that come from files know it as it is.
    let from_files = !recipe.models.is_empty() && recipe.models.iter().all(|m| m.kind == ModelKind::Import);
    for target in &targets {
        let found = outcome_of(&fitted.raw, target, recipe.roles.positive.as_deref());
        if from_files && found.as_ref().is_err_and(|f| f.0.code == "session.target_many_classes") {
            continue;
        }
        let (mut outcome, values, notice) = found?;
        let train: Vec<f64> =
            values.iter().zip(&fitted.parts).filter(|(v, p)| **p == Part::Train && !v.is_nan()).map(|(v, _)| *v).collect();
        outcome.base_rate = if train.is_empty() { 0.0 } else { train.iter().sum::<f64>() / train.len() as f64 };
        warnings.extend(notice);
        outcomes.push(outcome);
        y.push(values);
    }
    let features = roles.features(&fitted.table);
    if features.is_empty() && !targets.is_empty() {
        return Err(fault!("data.no_features"));
    }
    let left_out = |role: Role| -> Vec<String> { roles.with_role(role) };
    for (role, code) in [(Role::Sensitive, "session.sensitive_left_out"), (Role::Text, "session.text_left_out")] {
        let names = left_out(role);
        if !names.is_empty() {
            warnings.push(Notice::new(code).with("columns", names.join(", ")));
        }
    }
    let steps::Fitted { fitted, table, raw, parts, effects } = fitted;
    warnings.extend(effects.iter().flat_map(|e| e.warnings.iter().cloned()));
    Ok(Prepared { loaded: loaded.clone(), roles, raw, table, parts, fitted, effects, outcomes, y, features, warnings })
}

/// The outcome that a column holds, its values, and what was assumed.
fn outcome_of(table: &Table, name: &str, positive: Option<&str>) -> Result<(Outcome, Vec<f64>, Option<Notice>)> {
    let i = table.column(name)?;
    let (codes, levels) = table.codes(i);
    let kind = table.column_type(i);
    match levels.len() {
        0 => return Err(fault!("session.target_empty", column = name)),
        1 => return Err(fault!("session.target_one_class", column = name, value = &levels[0])),
        _ => {}
    }
    let numeric = matches!(kind, ColumnType::Integer | ColumnType::Number);
    if positive.is_none() && levels.len() > 2 {
        if numeric {
            return Ok((Outcome { name: name.to_owned(), kind: OutcomeKind::Number, base_rate: 0.0 }, table.numbers(i), None));
        }
        return Err(fault!("session.target_many_classes", column = name, count = levels.len(), first = &levels[0]));
    }
    let mut notice = None;
    let yes = match positive {
        Some(p) => levels.iter().position(|l| l.eq_ignore_ascii_case(p.trim())).ok_or_else(|| {
            fault!(
                "session.no_such_positive",
                column = name,
                value = p,
                values = levels.iter().take(6).cloned().collect::<Vec<_>>().join(", ")
            )
        })?,
        None if numeric => levels.len() - 1,
        None => {
            let known = ["true", "1", "yes", "y", "t", "positive", "是", ">50k"];
            levels.iter().position(|l| known.contains(&l.to_lowercase().trim())).unwrap_or_else(|| {
                let count = |c: usize| codes.iter().filter(|x| **x == c as i32).count();
                let rarer = usize::from(count(1) <= count(0));
                notice = Some(note!("session.positive_assumed", column = name, value = &levels[rarer]));
                rarer
            })
        }
    };
    let others: Vec<&str> = levels.iter().enumerate().filter(|(c, _)| *c != yes).map(|(_, l)| l.as_str()).collect();
    let negative = if others.len() == 1 { others[0].to_owned() } else { String::new() };
    let y = codes.iter().map(|c| if *c < 0 { f64::NAN } else { f64::from(u8::from(*c as usize == yes)) }).collect();
    let kind = OutcomeKind::Binary { positive: levels[yes].clone(), negative };
    Ok((Outcome { name: name.to_owned(), kind, base_rate: 0.0 }, y, notice))
}

/// The values of an outcome that a model already knows, as it learned them: 0 and 1, or the amount; NaN where unknown.
pub fn known_outcome(table: &Table, outcome: &Outcome) -> Result<Vec<f64>> {
    // “kind = 2” is asked of the column “kind”.
    let of_class = outcome.against_rest().filter(|_| table.index_of(&outcome.name).is_none());
    let i = table.column(of_class.map_or(outcome.name.as_str(), |c| c.0))?;
    let (OutcomeKind::Binary { positive, .. } | OutcomeKind::Class { class: positive }) = &outcome.kind else {
        return Ok(table.numbers(i));
    };
    let (codes, levels) = table.codes(i);
    let yes = levels.iter().position(|l| l == positive);
    Ok(codes.iter().map(|c| if *c < 0 { f64::NAN } else { f64::from(u8::from(Some(*c as usize) == yes)) }).collect())
}

/// What trainers read.
pub fn train_data(prepared: &Prepared) -> Result<TrainData> {
    if prepared.outcomes.is_empty() {
        return Err(fault!("session.no_target", file = &prepared.loaded.path));
    }
    let Prepared { table, parts, roles, features, .. } = prepared;
    let train: Vec<usize> = positions(parts, Part::Train);
    let encoder = Encoder::fit(table, features, roles, &train, prepared.fitted.clone())?;
    let (x, notices) = encoder.encode(table)?;
    let mut warnings = prepared.warnings.clone();
    warnings.extend(notices);
    Ok(TrainData {
        x,
        y: prepared.y.clone(),
        parts: parts.clone(),
        outcomes: prepared.outcomes.clone(),
        encoder,
        data: prepared.loaded.fingerprint.clone(),
        warnings,
    })
}

/// Trains one model.
pub fn train(prepared: &Prepared, spec: &ModelSpec, ctx: &JobCtx) -> Result<Arc<dyn Model>> {
    crate::ml::train::train(spec, &train_data(prepared)?, ctx)
}

/// Positions of the rows of one part.
pub fn positions(parts: &[Part], part: Part) -> Vec<usize> {
    parts.iter().enumerate().filter(|(_, p)| **p == part).map(|(i, _)| i).collect()
}

/// Rows of a table as a model reads them, with the lines that they stand in.
pub fn matrix(raw: &Table, rows: &[usize], model: &dyn Model) -> Result<(FeatureMatrix, Vec<u32>, Vec<Notice>)> {
    let chosen = raw.select_rows(rows);
    let (x, notices) = model.card().encoder.encode_raw(&chosen)?;
    Ok((x, rows.iter().map(|&r| raw.file_row(r)).collect(), notices))
}

/// Positions of the rows asked for, and what was left out of them.
fn chosen(raw: &Table, parts: &[Part], rows: &WhyRows, most: usize, seed: u64) -> Result<(Vec<usize>, Vec<Notice>)> {
    let n = raw.n_rows();
    let mut rows: Vec<usize> = match rows {
        WhyRows::Line(line) => vec![position(raw, *line)?],
        WhyRows::Lines(from, to) => {
            let rows: Vec<usize> = (0..n).filter(|&i| (*from..*to).contains(&raw.file_row(i))).collect();
            // A range is named line by line, so none of its rows is left out.
            return if rows.is_empty() { Err(fault!("session.no_such_lines", from = *from, to = *to)) } else { Ok((rows, Vec::new())) };
        }
        // A line that preparation removed is not there to be explained.
        WhyRows::These(lines) => lines.iter().filter_map(|l| position(raw, *l).ok()).collect(),
        WhyRows::Segment(text) => Segment::parse(text)?.rows(raw)?,
        WhyRows::Test if parts.contains(&Part::Test) => positions(parts, Part::Test),
        WhyRows::Test | WhyRows::All => (0..n).collect(),
    };
    if rows.is_empty() {
        return Err(fault!("session.no_rows_chosen"));
    }
    let mut notices = Vec::new();
    if rows.len() > most {
        notices.push(note!("session.sampled", shown = most, rows = rows.len(), seed = seed));
        rng::shuffle(&mut rng::rng(seed, "why-rows"), &mut rows);
        rows.truncate(most);
        rows.sort_unstable();
    }
    Ok((rows, notices))
}

/// Position of a line of the file among rows from which some may have been removed.
pub fn position(raw: &Table, line: u32) -> Result<usize> {
    let n = raw.n_rows();
    // Lines ascend, so a bisection finds it.
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = (low + high) / 2;
        if raw.file_row(middle) < line { low = middle + 1 } else { high = middle }
    }
    if low < n && raw.file_row(low) == line { Ok(low) } else { Err(fault!("session.no_such_line", line = line, rows = n)) }
}

/// A group to compare with: everyone (`all` or nothing), or the rows that meet a condition.
pub fn group(raw: &Table, model: &dyn Model, condition: &str, seed: u64) -> Result<Reference> {
    let text = condition.trim();
    let everyone = text.is_empty() || text == "all";
    let mut rows: Vec<usize> = if everyone { (0..raw.n_rows()).collect() } else { Segment::parse(text)?.rows(raw)? };
    let of = rows.len();
    if of == 0 {
        return Err(fault!("session.empty_group", group = text));
    }
    if of > explain::reference::MOST_TREES {
        rng::shuffle(&mut rng::rng(seed, "reference rows"), &mut rows);
        rows.truncate(explain::reference::MOST_TREES);
        rows.sort_unstable();
    }
    let (x, _, _) = matrix(raw, &rows, model)?;
    Ok(Reference { label: if everyone { String::new() } else { text.to_owned() }, x, of })
}

/// Explains rows of the prepared data; `against` is the group to compare with, by its condition.
pub fn why(
    prepared: &Prepared,
    model: &dyn Model,
    rows: &WhyRows,
    options: &ExplainOptions,
    against: Option<&str>,
    ctx: &JobCtx,
) -> Result<Why> {
    let options = compared(&prepared.raw, model, options, against)?;
    explain_rows(&prepared.raw, &prepared.parts, &prepared.loaded.fingerprint, model, rows, &options, ctx)
}

/// Who plays when a model's rows are explained: the recipe's groups of columns, as far as the model has these; `None` where
/// every feature plays for itself.
pub fn players(groups: &std::collections::BTreeMap<String, Vec<String>>, model: &dyn Model) -> Result<Option<Arc<explain::Players>>> {
    Ok(explain::Players::of_columns(model.card().features(), groups)?.map(Arc::new))
}

/// The options with the group that is compared with; everyone, where a model has no average of its own to start from.
pub fn compared(raw: &Table, model: &dyn Model, options: &ExplainOptions, against: Option<&str>) -> Result<ExplainOptions> {
    let mut options = options.clone();
    let structure = model.structure();
    let own = explain::method::methods(&structure)[0];
    // A method that compares needs somebody to compare with, whoever chose it.
    let against = against.or_else(|| options.method.unwrap_or(own).needs_reference().then_some("all"));
    if let Some(condition) = against {
        options.reference = Some(Arc::new(group(raw, model, condition, options.seed)?));
        // The method that compares, where none was chosen.
        options.method = options.method.or_else(|| Some(comparing(&structure)));
    }
    Ok(options)
}

/// Rows that are explained at once where all are. Networks hold gradients of every node on the path, so theirs are few;
/// trees are made ready once per piece, so theirs are many.
pub fn piece(structure: &Structure<'_>) -> usize {
    match structure {
        Structure::Network(_) | Structure::Opaque => 512,
        Structure::Trees(e) => (4_000_000 / e.n_features.max(1)).clamp(20_000, 200_000),
        Structure::Additive(_) => 20_000,
    }
}

/// The method of a model that compares with a group.
pub fn comparing(structure: &Structure<'_>) -> Method {
    match structure {
        Structure::Trees(_) => Method::TreeShapReference,
        Structure::Additive(_) => Method::LinearShap,
        Structure::Network(_) => Method::ExpectedGradients,
        Structure::Opaque => Method::PermutationShap,
    }
}

/// Explains rows of any table that has the model's columns.
pub fn explain_rows(
    raw: &Table,
    parts: &[Part],
    data: &crate::base::Fingerprint,
    model: &dyn Model,
    rows: &WhyRows,
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<Why> {
    let asks_model = options.method.is_some_and(|m| m.needs_reference() && m != Method::TreeShapReference);
    let most = match model.structure() {
        _ if asks_model => WHY_ROWS_ASKED,
        Structure::Network(_) | Structure::Opaque => WHY_ROWS_NETWORK,
        _ => WHY_ROWS,
    };
    let (at, mut notices) = chosen(raw, parts, rows, most, options.seed)?;
    let (matrix, lines, unseen) = matrix(raw, &at, model)?;
    let mut attribution = explain::explain(model, &matrix, &lines, data, options, ctx)?;
    notices.extend(unseen);
    attribution.warnings.splice(0..0, notices);
    let summary = explain::summary::summarise(&attribution, model.card().features(), options.seed);
    Ok(Why { model: model.card().spec.name.clone(), attribution, summary, matrix })
}

/// Attention of one row, with some heads (layer, number) silenced together.
pub fn attention(
    prepared: &Prepared,
    model: &dyn Model,
    line: u32,
    outcome: usize,
    silent: &[explain::attention::Head],
    ctx: &JobCtx,
) -> Result<AttentionMap> {
    let (x, lines, _) = matrix(&prepared.raw, &[position(&prepared.raw, line)?], model)?;
    explain::attention::maps(model, &x, &lines, outcome, silent, ctx)?
        .into_iter()
        .next()
        .ok_or_else(|| fault!("session.no_such_line", line = line, rows = 1))
}

/// Which columns give the first outcome away, and what moving each would mean.
pub fn scan(prepared: &Prepared, ctx: &JobCtx) -> Result<strategy::LeakScan> {
    let (Some(outcome), Some(y)) = (prepared.outcomes.first(), prepared.y.first()) else {
        return Err(fault!("session.no_target", file = &prepared.loaded.path));
    };
    let Prepared { raw, table, roles, features, parts, loaded, .. } = prepared;
    let input = strategy::scan::Input { raw, table, roles, features, outcome, y, parts, data: &loaded.fingerprint, seed: 1 };
    strategy::scan::scan(&input, ctx)
}

/// The same, where there is an outcome to scan for; only a stop is a fault.
pub fn scanned(prepared: &Prepared, ctx: &JobCtx) -> Result<Option<strategy::LeakScan>> {
    match scan(prepared, ctx) {
        Err(fault) if fault.is_cancelled() => Err(fault),
        found => Ok(found.ok()),
    }
}

/// The levers, with outcome proxies locked.
pub fn levers(recipe: &Recipe, prepared: &Prepared, model: &dyn Model, ctx: &JobCtx) -> Result<Vec<Lever>> {
    // Declared levers, or every feature while nobody has declared one: so that a proxy is flagged before it is chosen.
    // Declaring a lever prepares nothing anew, so the recipe knows better than what was prepared.
    let mut roles = prepared.roles.clone();
    let said = recipe.roles.over(&Roles::default());
    (roles.levers, roles.types) = (said.levers, said.types);
    let declared = &roles.levers;
    // Whether a column gives the outcome away cannot be asked where the data lack it, or hold too few rows of it; the
    // simulation then says that nobody checked.
    let outcome = |all: &[Outcome]| all.first().map(|o| o.name.clone());
    let drops = if outcome(&prepared.outcomes) != outcome(&model.card().outcomes) {
        std::collections::BTreeMap::new()
    } else {
        let data = train_data(prepared)?;
        let all = data.encoder.features.iter().enumerate();
        let candidates: Vec<usize> = all.filter(|(_, f)| declared.is_empty() || declared.contains(&f.name)).map(|(i, _)| i).collect();
        match strategy::lever::measure_drops(&data, &candidates, ctx) {
            Err(fault) if fault.is_cancelled() => return Err(fault),
            measured => measured.unwrap_or_default(),
        }
    };
    let overridden: Vec<String> = recipe.scenarios.iter().flat_map(|s| s.overridden.iter().cloned()).collect();
    Ok(strategy::lever::levers(model, &roles, &overridden, &drops))
}

/// What a model says of all prepared rows as they are; good for every scenario until model or preparation change.
pub fn baseline(prepared: &Prepared, model: &dyn Model, ctx: &JobCtx) -> Result<Baseline> {
    Baseline::of(model, model.card().encoder.encode_raw(&prepared.raw)?.0, ctx)
}

/// Why one item and not the other, for one person.
pub fn between(
    (recipe, folder): (&Recipe, &Path),
    prepared: &Prepared,
    model: &dyn Model,
    person: &str,
    pair: (&str, &str),
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<explain::contrast::Contrast> {
    let items = items(recipe, folder, ctx)?;
    recommend::rank::between(model, (&prepared.raw, &prepared.roles), person, items.as_ref(), pair, options, ctx)
}

/// The file of the items' features, where the recipe names one.
fn items(recipe: &Recipe, folder: &Path, ctx: &JobCtx) -> Result<Option<Table>> {
    let file = recipe.recommend.as_ref().and_then(|r| r.items.as_ref());
    Ok(file.map(|path| read::open(&folder.join(path), &recipe.data.read, ctx)).transpose()?.map(|l| l.table))
}

/// Items for one person, best first.
pub fn rank(recipe: &Recipe, folder: &Path, prepared: &Prepared, model: &dyn Model, person: &str, ctx: &JobCtx) -> Result<Ranking> {
    let items = items(recipe, folder, ctx)?;
    recommend::rank::rank(model, &prepared.raw, &prepared.roles, person, items.as_ref(), &prepared.loaded.fingerprint, ctx)
}
