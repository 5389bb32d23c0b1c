//! A whole recipe at once: every stage, every result, the report and the files of a headless run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::ledger;
use super::pipeline::{self, Prepared};
use super::recipe::Recipe;
use crate::base::{Fault, Field, JobCtx, Lang, Notice, Result, file};
use crate::data::write::{Out, TableWriter};
use crate::data::{Loaded, Part, Profile, Role};
use crate::explain::attention::Head;
use crate::explain::everyone::{Adder, Everyone};
use crate::explain::method::methods;
use crate::explain::probability::MOST_EXACT;
use crate::explain::reference::ReferenceNote;
use crate::explain::{Attribution, ExplainOptions, Method, Players, words};
use crate::ml::Model;
use crate::ml::model::{Scale, Structure};
use crate::recommend::Ranking;
use crate::report::content::{Report, WhySection};
use crate::strategy::study::Studied;
use crate::strategy::{self, Lever, Simulation};
use crate::{fault, note};

mod curves;
mod whys;
pub use curves::{write_density, write_effect, write_ranking};
pub use whys::Explained;
use whys::{explain, explanations, fitting, outcomes_of};

/// Rows written at once.
const CHUNK: usize = 20_000;

/// Everything that a recipe's results consist of.
pub struct Gathered {
    /// Description of the columns.
    pub profile: Profile,
    /// Prepared rows.
    pub prepared: Arc<Prepared>,
    /// Trained models, in the recipe's order.
    pub models: Vec<Arc<dyn Model>>,
    /// Why, one per explained model.
    pub whys: Vec<Explained>,
    /// Which columns give the outcome away.
    pub scan: Option<strategy::LeakScan>,
    /// Levers of the first model.
    pub levers: Vec<Lever>,
    /// Scenarios, one simulation per model that answers some.
    pub simulations: Vec<Simulation>,
    /// Rankings.
    pub rankings: Vec<Ranking>,
    /// Studies, each with its finding or why there is none.
    pub studies: Vec<Studied>,
    /// Versions of models that studies of new rows made and the recipe keeps.
    pub versions: Vec<Arc<dyn Model>>,
}

/// What a run wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunSummary {
    /// Files, relative to the folder of the run.
    pub files: Vec<PathBuf>,
    /// What the analyst should know.
    pub warnings: Vec<Notice>,
    /// Scenarios that could not be answered, and why; everything else was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Notice>,
}

/// Formats that a report can have.
pub const FORMATS: [&str; 2] = ["html", "json"];

/// Executes every stage of a recipe.
pub fn gather(recipe: &Recipe, folder: &Path, ctx: &JobCtx) -> Result<Gathered> {
    let loaded = Arc::new(pipeline::load(recipe, folder, ctx)?);
    let profile = pipeline::profile(recipe, &loaded, ctx)?;
    let prepared = Arc::new(pipeline::prepare(recipe, &loaded, ctx)?);
    // Studies need no model; everything else does.
    if recipe.models.is_empty() && (recipe.studies.is_empty() || !recipe.scenarios.is_empty() || recipe.recommend.is_some()) {
        return Err(fault!("session.no_models"));
    }
    let models: Vec<Arc<dyn Model>> =
        recipe.models.iter().map(|spec| super::imported::model(&prepared, spec, folder, ctx)).collect::<Result<_>>()?;
    complete(recipe, folder, profile, prepared, models, &[], ctx)
}

/// The results that follow from trained models; studies of new rows may also name one of the `others`.
pub fn complete(
    recipe: &Recipe,
    folder: &Path,
    profile: Profile,
    prepared: Arc<Prepared>,
    models: Vec<Arc<dyn Model>>,
    others: &[Arc<dyn Model>],
    ctx: &JobCtx,
) -> Result<Gathered> {
    let known: Vec<Arc<dyn Model>> = models.iter().chain(others).cloned().collect();
    if models.is_empty() && recipe.scenarios.is_empty() && recipe.recommend.is_none() {
        let (studies, versions) = super::feedback::answer_all((recipe, folder), &prepared, &known, ctx)?;
        return Ok(Gathered {
            profile,
            prepared,
            models,
            whys: vec![],
            scan: None,
            levers: vec![],
            simulations: vec![],
            rankings: vec![],
            studies,
            versions,
        });
    }
    let named = |name: &Option<String>| -> Result<&Arc<dyn Model>> {
        let found = match name {
            Some(name) => models.iter().find(|m| m.card().spec.name == *name),
            None => models.first(),
        };
        found.ok_or_else(|| fault!("session.no_model", name = name.clone().unwrap_or_default()))
    };
    let explained = if recipe.explain.model.is_some() { std::slice::from_ref(named(&recipe.explain.model)?) } else { &models[..] };
    recipe.explain.rules.check_known(models.iter().map(|m| m.card().features()))?;
    let mut whys = Vec::new();
    for model in fitting(&recipe.explain.methods, explained)? {
        for outcome in outcomes_of(&recipe.explain.class, &**model, &models)? {
            whys.push(explain(recipe, &prepared, &models, (&**model, outcome), ctx)?);
        }
    }
    let first = named(&recipe.scenarios.first().and_then(|s| s.model.clone()))?;
    let scan = pipeline::scanned(&prepared, ctx)?;
    let levers = pipeline::levers(recipe, &prepared, &**first, ctx)?;
    let is_first = |model: &Arc<dyn Model>| model.card().spec.name == first.card().spec.name;
    let mut simulations = Vec::new();
    for model in &models {
        let mine: Vec<_> = recipe
            .scenarios
            .iter()
            .filter(|s| named(&s.model).is_ok_and(|m| m.card().spec.name == model.card().spec.name))
            .cloned()
            .collect();
        if !mine.is_empty() {
            // A lever is locked for what its removal does to the model that is asked.
            let own = if is_first(model) { levers.clone() } else { pipeline::levers(recipe, &prepared, &**model, ctx)? };
            let seats = ledger::seats(&ledger::others(recipe, &**model, models.iter()), &prepared, ctx)?;
            let baseline = pipeline::baseline(&prepared, &**model, ctx)?;
            let asked = (&**model, &baseline);
            let mut found = ledger::simulate(recipe, &prepared, asked, &seats, &mine, &own, ctx)?;
            ledger::set_against(&mut found, None, recipe, &prepared, asked, (&mine, &own), ctx)?;
            ledger::add_frontier(&mut found, recipe, &prepared, asked, (&mine, &own), ctx)?;
            simulations.push(found);
        }
    }
    if let Some(lost) = recipe.scenarios.iter().find(|s| named(&s.model).is_err()) {
        named(&lost.model)?;
    }
    let rankings = match &recipe.recommend {
        Some(r) if !r.person.is_empty() => {
            vec![pipeline::rank(recipe, folder, &prepared, &**named(&r.model)?, &r.person, ctx)?]
        }
        _ => Vec::new(),
    };
    let (studies, versions) = super::feedback::answer_all((recipe, folder), &prepared, &known, ctx)?;
    Ok(Gathered { profile, prepared, models, whys, scan, levers, simulations, rankings, studies, versions })
}

/// The report as a value; computes nothing.
pub fn report(recipe: &Recipe, g: &Gathered, lang: Lang, made: &str) -> Report {
    let loaded = &g.prepared.loaded;
    let name = recipe.data.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut profile = g.profile.clone();
    if !recipe.report.include_sensitive {
        for column in profile.columns.iter_mut().filter(|c| matches!(c.role, Role::Sensitive | Role::User)) {
            column.top.clear();
            column.histogram.clear();
            (column.min, column.max, column.mean, column.sd, column.median) = (None, None, None, None, None);
        }
    }
    let why = g
        .whys
        .iter()
        .map(|Explained { why, shown: rows, attention, changes, effects, trust, stability, asked, everyone }| {
            let features = g.models.iter().find(|m| m.card().spec.name == why.model).map_or(&[][..], |m| m.card().features());
            let n = rows.n_features();
            WhySection {
                model: why.model.clone(),
                summary: why.summary.clone(),
                shown: (0..rows.inputs.len()).map(|i| rows.input_shown(i / n.max(1), i % n.max(1), features)).collect(),
                sentences: (0..rows.rows.len()).map(|i| words::sentence(rows, i, features, lang)).collect(),
                rows: rows.clone(),
                attention: attention.clone(),
                changes: changes.iter().map(|c| c.as_ref().map_or_else(|fault| fault.say(lang), |c| words::change(c, lang))).collect(),
                rules: words::rules(&recipe.explain.rules, lang).unwrap_or_default(),
                smallest: changes.iter().map(|c| c.as_ref().ok().cloned()).collect(),
                effects: effects.clone(),
                trust: trust.clone(),
                stability: stability.clone(),
                everyone: everyone.clone(),
                contrasts: asked.contrasts.clone(),
                levels: asked.levels.clone(),
                inside: asked.inside.clone(),
                said: asked.said(&why.attribution, features, lang),
                unexplained: why.attribution.rows_unexplained(),
                parts: asked.parts.clone(),
            }
        })
        .collect();
    let mut notices: Vec<Notice> = changed_data(recipe, &g.prepared.loaded).into_iter().chain(g.prepared.warnings.clone()).collect();
    let of_why = g.whys.iter().flat_map(|w| w.why.attribution.warnings.iter().chain(&w.asked.notices));
    for more in g.models.iter().flat_map(|m| &m.card().warnings).chain(of_why) {
        if !notices.contains(more) {
            notices.push(more.clone());
        }
    }
    let mut plain = recipe.clone();
    plain.project = None;
    plain.data.fingerprint = Some(loaded.fingerprint.0.clone());
    Report {
        title: recipe.report.title.clone().unwrap_or(name),
        lang,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: made.to_owned(),
        data_path: recipe.data.path.display().to_string(),
        data: loaded.fingerprint.clone(),
        reading: loaded.reading.clone(),
        profile,
        roles: g.prepared.roles.clone(),
        prepare: g.prepared.effects.clone(),
        split: recipe.split.split.clone(),
        models: g.models.iter().map(|m| m.card().clone()).collect(),
        why,
        rankings: g.rankings.clone(),
        simulations: g.simulations.clone(),
        scan: g.scan.clone(),
        levers: g.levers.clone(),
        studies: g.studies.clone(),
        recipe: plain.to_toml().unwrap_or_default(),
        notices,
    }
}

/// Writes a report in one format.
pub fn write_report(report: &Report, format: &str, path: &Path) -> Result<()> {
    match format {
        "html" => file::write_atomic(path, crate::report::html::render(report).as_bytes()),
        "json" => write_json(path, report),
        other => Err(fault!("session.no_such_format", format = other, formats = FORMATS.join(", "))),
    }
}

/// Writes a value as JSON.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).map_err(|e| fault!("base.io", file = path, reason = e.to_string()))?;
    file::write_atomic(path, &text)
}

/// Everything a recipe says, into a folder.
pub fn run(recipe: &Recipe, folder: &Path, out: &Path, lang: Lang, made: &str, ctx: &JobCtx) -> Result<RunSummary> {
    for format in &recipe.report.formats {
        if !FORMATS.contains(&format.as_str()) {
            return Err(fault!("session.no_such_format", format = format, formats = FORMATS.join(", ")));
        }
    }
    std::fs::create_dir_all(out).map_err(|e| Fault::io(out, &e))?;
    let g = gather(recipe, folder, ctx)?;
    ctx.stage("session.stage_writing", 0);
    let mut summary = RunSummary::default();
    let place = |name: String, summary: &mut RunSummary| -> Result<PathBuf> {
        let path = out.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| Fault::io(parent, &e))?;
        }
        summary.files.push(PathBuf::from(name));
        Ok(path)
    };
    for model in &g.models {
        let name = safe_name(&model.card().spec.name);
        crate::ml::file::save(&**model, &place(format!("models/{name}.whymodel"), &mut summary)?)?;
        let path = place(format!("predictions/{name}.parquet"), &mut summary)?;
        write_predictions(&**model, &g.prepared, &path, ctx)?;
    }
    for version in &g.versions {
        let name = safe_name(&version.card().spec.name);
        crate::ml::file::save(&**version, &place(format!("models/{name}.whymodel"), &mut summary)?)?;
    }
    explanations(recipe, &g, &mut |name| place(name, &mut summary), ctx)?;
    let contrasts: Vec<_> = g.whys.iter().flat_map(|w| &w.asked.contrasts).collect();
    if !contrasts.is_empty() {
        write_json(&place("contrasts.json".to_owned(), &mut summary)?, &contrasts)?;
    }
    if !g.simulations.is_empty() {
        let path = place("scenarios.json".to_owned(), &mut summary)?;
        write_json(&path, &joined(&g.simulations))?;
    }
    for (k, ranking) in g.rankings.iter().enumerate() {
        let path = place(if k == 0 { "ranking.parquet".to_owned() } else { format!("ranking-{k}.parquet") }, &mut summary)?;
        write_ranking(ranking, &path)?;
    }
    for s in &g.studies {
        let path = place(format!("studies/{}.json", safe_name(&s.name)), &mut summary)?;
        write_json(&path, s)?;
    }
    let report = report(recipe, &g, lang, made);
    for format in &recipe.report.formats {
        let path = place(format!("report.{format}"), &mut summary)?;
        write_report(&report, format, &path)?;
    }
    let path = place("recipe.toml".to_owned(), &mut summary)?;
    file::write_atomic(&path, report.recipe.as_bytes())?;
    summary.warnings = report.notices;
    summary.faults = faults(&g.simulations);
    Ok(summary)
}

/// Why scenarios could not be answered.
pub fn faults(simulations: &[Simulation]) -> Vec<Notice> {
    simulations.iter().flat_map(|s| s.unanswered.iter().map(|u| u.fault.clone())).collect()
}

/// Several models' simulations as one: scenarios and differences one after the other.
pub fn joined(simulations: &[Simulation]) -> Option<Simulation> {
    let (first, rest) = simulations.split_first()?;
    let mut out = first.clone();
    for s in rest {
        let before = out.scenarios.len() + out.unanswered.len();
        out.unanswered.extend(s.unanswered.iter().map(|u| crate::strategy::simulate::Unanswered { at: u.at + before, ..u.clone() }));
        out.scenarios.extend(s.scenarios.iter().cloned());
        out.differences.extend(s.differences.iter().cloned());
        out.pairs.extend(s.pairs.iter().cloned());
        out.sensitivity.extend(s.sensitivity.iter().cloned());
        out.between = out.between.or_else(|| s.between.clone());
        out.frontier = out.frontier.or_else(|| s.frontier.clone());
        out.assumptions.extend(s.assumptions.iter().cloned());
    }
    Some(out)
}

/// A model's name as a file name.
pub fn safe_name(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).take(80).collect();
    if clean.trim_matches('.').is_empty() { "model".to_owned() } else { clean }
}

/// Predictions of all prepared rows: row, split, target, y, p or value.
pub fn write_predictions(model: &dyn Model, prepared: &Prepared, path: &Path, ctx: &JobCtx) -> Result<()> {
    let names = |p: &Part| match p {
        Part::Train => "train",
        Part::Validation => "validation",
        Part::Test => "test",
    };
    let parts: Vec<String> = prepared.parts.iter().map(|p| names(p).to_owned()).collect();
    predictions(model, &prepared.raw, Some(&parts), Some(&prepared.y), path, ctx).map(drop)
}

/// Predictions of any rows; `y` and parts where they are known. Returns what could not be read as training knew it.
pub fn predictions(
    model: &dyn Model,
    raw: &crate::data::Table,
    parts: Option<&[String]>,
    y: Option<&[Vec<f64>]>,
    path: &Path,
    ctx: &JobCtx,
) -> Result<Vec<Notice>> {
    let card = model.card();
    let k = card.outcomes.len();
    let n = raw.n_rows();
    let any_binary = card.outcomes.iter().any(|o| o.is_binary());
    let any_number = card.outcomes.iter().any(|o| !o.is_binary());
    ctx.stage("session.stage_predicting", n as u64);
    let mut writer = TableWriter::create(path)?;
    let mut notices: Vec<Notice> = Vec::new();
    for start in (0..n.max(1)).step_by(CHUNK) {
        ctx.check()?;
        let rows: Vec<usize> = (start..n.min(start + CHUNK)).collect();
        let (x, lines, more) = pipeline::matrix(raw, &rows, model)?;
        merge(&mut notices, more);
        let shown = model.predict(&x, ctx)?;
        if let Some(classes) = card.classes() {
            let columns = class_columns(&classes, &lines, parts.map(|p| rows.iter().map(|&r| p[r].clone()).collect()), &shown);
            writer.append(columns.iter().map(|(name, values)| (name.as_str(), values.clone())).collect())?;
            ctx.at(start as u64 + rows.len() as u64);
            continue;
        }
        for (o, outcome) in card.outcomes.iter().enumerate() {
            let values: Vec<f64> = shown.iter().skip(o).step_by(k).copied().collect();
            let when = |yes: bool| -> Vec<Option<f64>> { values.iter().map(|v| yes.then_some(*v)).collect() };
            let half = card.conformal.filter(|_| !outcome.is_binary());
            let mut columns = vec![
                ("row", Out::U32(lines.clone())),
                ("split", Out::OptText(rows.iter().map(|&r| parts.map(|p| p[r].clone())).collect())),
                ("target", Out::Text(vec![outcome.name.clone(); rows.len()])),
                ("y", Out::OptF64(rows.iter().map(|&r| y.map(|y| y[o][r]).filter(|v| !v.is_nan())).collect())),
            ];
            if any_binary {
                columns.push(("p", Out::OptF64(when(outcome.is_binary()))));
            }
            if any_number {
                columns.push(("value", Out::OptF64(when(!outcome.is_binary()))));
                columns.push(("p_low", Out::OptF64(values.iter().map(|v| half.map(|h| v - h)).collect())));
                columns.push(("p_high", Out::OptF64(values.iter().map(|v| half.map(|h| v + h)).collect())));
            }
            writer.append(columns)?;
        }
        ctx.at(start as u64 + rows.len() as u64);
    }
    writer.finish()?;
    Ok(notices)
}

/// Predictions of classes: one row each, with the probability of every class.
fn class_columns((target, classes): &(&str, Vec<&str>), lines: &[u32], parts: Option<Vec<String>>, shown: &[f64]) -> Vec<(String, Out)> {
    let k = classes.len();
    let n = lines.len();
    let mut columns = vec![
        ("row".to_owned(), Out::U32(lines.to_vec())),
        ("split".to_owned(), Out::OptText(parts.map_or_else(|| vec![None; n], |p| p.into_iter().map(Some).collect()))),
        ("target".to_owned(), Out::Text(vec![(*target).to_owned(); n])),
        ("y".to_owned(), Out::OptText(vec![None; n])),
    ];
    let of = |o: usize| Out::F64(shown.iter().skip(o).step_by(k).copied().collect());
    columns.extend(classes.iter().enumerate().map(|(o, class)| (format!("p_{class}"), of(o))));
    columns
}

/// Whether some rows of an explanation may be sampled where others are exact: all pieces of a file have the same columns.
fn may_sample(a: &Attribution) -> bool {
    let draws = matches!(a.method, Method::KernelShap | Method::PermutationShap | Method::ProxyShap);
    let many = a.scale == Scale::Probability && a.n_features() > MOST_EXACT;
    !a.half_width.is_empty() || draws || (many && matches!(a.method, Method::TreeShap | Method::TreeShapReference | Method::LinearShap))
}

/// Attributions as rows: row, class, one column per feature, base_value, prediction, gap; where values are sampled, one more
/// column per feature with the half-width of its 95 % interval, 0 for what is exact.
pub fn append_attribution(writer: &mut TableWriter, a: &Attribution) -> Result<()> {
    let (n, m) = (a.rows.len(), a.n_features());
    let mut columns = vec![("row", Out::U32(a.rows.clone())), ("class", Out::Text(vec![a.class.clone(); n]))];
    for (j, name) in a.features.iter().enumerate() {
        columns.push((name.as_str(), Out::F64(a.values.iter().skip(j).step_by(m.max(1)).copied().collect())));
    }
    columns.push(("base_value", Out::F64(vec![a.base; n])));
    columns.push(("prediction", Out::F64(a.predictions.clone())));
    columns.push(("gap", Out::F64(a.gaps.clone())));
    let widths: Vec<String> = if may_sample(a) { a.features.iter().map(|f| format!("{f}_half_width")).collect() } else { Vec::new() };
    for (j, name) in widths.iter().enumerate() {
        let of = |i: usize| a.half_width.get(i * m + j).copied().unwrap_or(0.0);
        columns.push((name.as_str(), Out::F64((0..n).map(of).collect())));
    }
    writer.append(columns)
}

/// What went into a file of attributions.
pub struct Written {
    /// All its rows added up.
    pub all: Everyone,
    /// The row, where it is one alone.
    pub one: Option<Attribution>,
    /// The group that was really compared with.
    pub reference: Option<ReferenceNote>,
    /// Widest half of a 95 % interval, where values were sampled.
    pub half_width: Option<f64>,
    /// What the reader should know.
    pub notices: Vec<Notice>,
}

impl Written {
    /// What the rows say, in one sentence.
    pub fn sentence(&self, features: &[crate::data::Feature], lang: Lang) -> String {
        self.one.as_ref().map_or_else(|| words::everyone(&self.all, lang), |a| words::sentence(a, 0, features, lang))
    }
}

/// Attributions of a whole range of lines, written piece by piece.
pub fn write_attributions(
    model: &dyn Model,
    raw: &crate::data::Table,
    data: &crate::base::Fingerprint,
    lines: Option<(u32, u32)>,
    options: &ExplainOptions,
    path: &Path,
    ctx: &JobCtx,
) -> Result<Written> {
    let rows = lines_of(raw, lines)?;
    let mut writer = TableWriter::create(path)?;
    let mut notices: Vec<Notice> = Vec::new();
    let mut sums = Adder::default();
    let (mut one, mut reference, mut half_width) = (None, None, None::<f64>);
    let chunk = pipeline::piece(&model.structure());
    for piece in rows.chunks(chunk) {
        ctx.check()?;
        let (x, lines, more) = pipeline::matrix(raw, piece, model)?;
        let a = crate::explain::explain(model, &x, &lines, data, options, ctx)?;
        merge(&mut notices, more);
        for n in &a.warnings {
            if !notices.iter().any(|m| m.code == n.code) {
                notices.push(n.clone());
            }
        }
        append_attribution(&mut writer, &a)?;
        sums.add(&a);
        half_width = a.half_width.iter().copied().fold(half_width, |most, w| Some(most.map_or(w, |m| m.max(w))));
        reference = a.reference.clone();
        one = (rows.len() == 1).then_some(a);
    }
    writer.finish()?;
    Ok(Written { all: sums.finish()?, one, reference, half_width, notices })
}

/// Adds what one more piece of rows has to say: notices that differ in their count alone are one, and the counts add up.
fn merge(all: &mut Vec<Notice>, more: Vec<Notice>) {
    let but_count = |n: &Notice| {
        let mut fields = n.fields.clone();
        fields.remove("count");
        (n.code.clone(), fields)
    };
    for n in more {
        match all.iter_mut().find(|m| but_count(m) == but_count(&n)) {
            Some(m) => {
                if let (Some(Field::Int(sum)), Some(Field::Int(count))) = (m.fields.get_mut("count"), n.fields.get("count")) {
                    *sum += count;
                }
            }
            None => all.push(n),
        }
    }
}

/// Attention of a range of lines: row, layer, head, query, key, query_label, key_label, weight.
pub fn write_attention(
    model: &dyn Model,
    raw: &crate::data::Table,
    lines: Option<(u32, u32)>,
    (method, outcome, silent): (Method, usize, &[Head]),
    path: &Path,
    ctx: &JobCtx,
) -> Result<usize> {
    let rows = lines_of(raw, lines)?;
    attention_of(model, raw, &rows, (method, outcome, silent), path, ctx)?;
    Ok(rows.len())
}

/// Attention of rows by their positions. Rollout has layer and head −1; tested effects are those of each token on the
/// class token (layer and head −1), then of each head (query and key 0), then of all silent heads together (layer and
/// head −2).
fn attention_of(
    model: &dyn Model,
    raw: &crate::data::Table,
    rows: &[usize],
    (method, outcome, silent): (Method, usize, &[Head]),
    path: &Path,
    ctx: &JobCtx,
) -> Result<()> {
    let mut writer = TableWriter::create(path)?;
    for piece in rows.chunks(64) {
        ctx.check()?;
        let (x, lines, _) = pipeline::matrix(raw, piece, model)?;
        for map in crate::explain::attention::maps(model, &x, &lines, outcome, silent, ctx)? {
            let t = map.tokens.len();
            let every = |source: &[f32], heads: &[(i32, i32)]| -> Vec<Cell> {
                source.iter().enumerate().map(|(i, w)| (heads[i / (t * t).max(1)], i / t % t, i % t, *w)).collect()
            };
            let heads: Vec<(i32, i32)> = (0..map.layers).flat_map(|l| (0..map.heads).map(move |h| (l as i32, h as i32))).collect();
            let cells: Vec<Cell> = match method {
                Method::AttentionGradient => every(&map.gradient, &heads),
                Method::AttentionRollout => every(&map.rollout, &[(-1, -1)]),
                Method::AttentionTested => {
                    let tokens = map.tested.iter().enumerate().map(|(k, v)| ((-1, -1), 0, k, *v as f32));
                    let alone = map.tested_heads.iter().zip(&heads).map(|(v, h)| (*h, 0, 0, *v as f32));
                    let together = map.silenced.map(|without| ((-2, -2), 0, 0, (map.output - without) as f32));
                    tokens.chain(alone).chain(together).collect()
                }
                _ => every(&map.weights, &heads),
            };
            let label = |f: &dyn Fn(&Cell) -> usize| cells.iter().map(|c| map.tokens[f(c)].clone()).collect();
            writer.append(vec![
                ("row", Out::U32(vec![map.row; cells.len()])),
                ("layer", Out::I32(cells.iter().map(|c| c.0.0).collect())),
                ("head", Out::I32(cells.iter().map(|c| c.0.1).collect())),
                ("query", Out::U32(cells.iter().map(|c| c.1 as u32).collect())),
                ("key", Out::U32(cells.iter().map(|c| c.2 as u32).collect())),
                ("query_label", Out::Text(label(&|c| c.1))),
                ("key_label", Out::Text(label(&|c| c.2))),
                ("weight", Out::F32(cells.iter().map(|c| c.3).collect())),
            ])?;
        }
    }
    writer.finish()
}

/// Layer and head, query, key, weight.
type Cell = ((i32, i32), usize, usize, f32);

/// Interactions of a range of lines, largest first within a row: row, class, feature_a, feature_b, value. The main effect
/// of a feature stands where both names are the same; an interaction is written once, whole.
pub fn write_interactions(
    model: &dyn Model,
    raw: &crate::data::Table,
    lines: Option<(u32, u32)>,
    options: &ExplainOptions,
    path: &Path,
    ctx: &JobCtx,
) -> Result<(usize, Vec<Notice>)> {
    let rows = lines_of(raw, lines)?;
    let card = model.card();
    let (Structure::Trees(e), true) = (model.structure(), methods(&model.structure()).contains(&Method::Interactions)) else {
        let fits: Vec<&str> = crate::explain::method::methods(&model.structure()).iter().map(|m| m.name()).collect();
        return Err(fault!("explain.unsupported", method = "interactions", kind = card.spec.kind.name(), fits = fits.join(", ")));
    };
    let players = options.players.as_deref().cloned().unwrap_or_else(|| Players::single(card.features()));
    let m = players.count();
    let class = card.outcomes.get(options.outcome).map_or_else(String::new, |o| o.class().to_owned());
    let on = crate::explain::trees::gpu::On::new(options.device.clone());
    let mut writer = TableWriter::create(path)?;
    // A square of numbers per row is held at once.
    for piece in rows.chunks((4_000_000 / (m * m).max(1)).clamp(1, 4_000)) {
        ctx.check()?;
        let (x, lines, _) = pipeline::matrix(raw, piece, model)?;
        let all = crate::explain::trees::interactions_on(e, &x, options.outcome, &players, &on, ctx)?;
        let mut found: Vec<(u32, usize, usize, f64)> = Vec::new();
        for (line, square) in lines.iter().zip(all.chunks_exact((m * m).max(1))) {
            let from = found.len();
            for i in 0..m {
                for j in i..m {
                    let value = square[i * m + j] * if i == j { 1.0 } else { 2.0 };
                    if value != 0.0 {
                        found.push((*line, i, j, value));
                    }
                }
            }
            found[from..].sort_by(|a, b| b.3.abs().total_cmp(&a.3.abs()));
        }
        writer.append(vec![
            ("row", Out::U32(found.iter().map(|f| f.0).collect())),
            ("class", Out::Text(vec![class.clone(); found.len()])),
            ("feature_a", Out::Text(found.iter().map(|f| players.names[f.1].clone()).collect())),
            ("feature_b", Out::Text(found.iter().map(|f| players.names[f.2].clone()).collect())),
            ("value", Out::F64(found.iter().map(|f| f.3).collect())),
        ])?;
    }
    writer.finish()?;
    Ok((rows.len(), on.notices()))
}

fn lines_of(raw: &crate::data::Table, lines: Option<(u32, u32)>) -> Result<Vec<usize>> {
    let n = raw.n_rows();
    let rows: Vec<usize> = match lines {
        Some((a, b)) => (0..n).filter(|&i| (a..b).contains(&raw.file_row(i))).collect(),
        None => (0..n).collect(),
    };
    match (rows.is_empty(), lines) {
        (true, Some((from, to))) => Err(fault!("session.no_such_lines", from = from, to = to)),
        (true, None) => Err(fault!("session.no_rows_chosen")),
        _ => Ok(rows),
    }
}

/// What to say when the data are not those that a project was saved with.
pub fn changed_data(recipe: &Recipe, loaded: &Loaded) -> Option<Notice> {
    let saved = recipe.data.fingerprint.as_ref()?;
    (*saved != loaded.fingerprint.0).then(|| note!("session.data_changed", file = &loaded.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_pieces_add_up_and_columns_stay_apart() {
        let unseen = |column: &str, count: i64| note!("data.encode_unseen", column = column, count = count);
        let mut all = Vec::new();
        for piece in [vec![unseen("a", 1), unseen("b", 2)], vec![unseen("a", 4)], vec![note!("session.no_models")]] {
            merge(&mut all, piece);
        }
        assert_eq!(all, [unseen("a", 5), unseen("b", 2), note!("session.no_models")]);
    }
}
