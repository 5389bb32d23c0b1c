//! The commands that answer *why*: `explain`, `effect`, `importance`, `counterfactual`, `contrast`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{About, Asked, Contrast, Counterfactual, Effect, Explain, Importance, Reading};
use super::commands::{Said, said, table, text_or_json, to_value};
use crate::base::{JobCtx, Lang, Notice, Result, numbers, tr};
use crate::data::{Loaded, Part, Split, Table, read};
use crate::explain::counterfactual::{self as smallest, Rules, Wish};
use crate::explain::{ExplainOptions, Method, Players, Reference, contrast as contrasts, effect as effects, importance as shuffled, words};
use crate::ml::model::Scale;
use crate::ml::{Model, OutcomeKind};
use crate::session::deeper::{self, Answer, Question};
use crate::session::recipe::{Recipe, SplitSection};
use crate::session::{pipeline, run};
use crate::{fault, note};

/// Index of the outcome or class of that name; the first without a name.
fn outcome_of(model: &dyn Model, name: Option<&str>) -> Result<usize> {
    let Some(name) = name else { return Ok(0) };
    let card = model.card();
    card.outcome_named(name).ok_or_else(|| fault!("cli.no_such_outcome", name = name, names = card.outcome_names()))
}

/// The group to compare with: another file, a condition on the data, or all of them.
fn reference(asked: &str, model: &dyn Model, loaded: &Loaded, reading: &Reading, seed: u64, ctx: &JobCtx) -> Result<Reference> {
    let path = Path::new(asked);
    if asked != "all" && path.is_file() {
        let other = read::open(path, &reading.options(), ctx)?;
        let mut found = pipeline::group(&other.table, model, "all", seed)?;
        found.label = path.display().to_string();
        return Ok(found);
    }
    pipeline::group(&loaded.table, model, asked, seed)
}

fn players(path: Option<&Path>, model: &dyn Model) -> Result<Option<Arc<Players>>> {
    path.map(|p| Players::open(p, model.card().features()).map(Arc::new)).transpose()
}

/// `whybench explain`.
pub(super) fn explain(e: &Explain, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let method = method_named(&e.method)?;
    let model = crate::ml::import::open(&e.model)?;
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let outcome = outcome_of(&*model, e.class.as_deref())?;
    let raw = &loaded.table;
    let mut warnings = loaded.warnings.clone();
    let asked = e.reference.as_deref().or_else(|| method.needs_reference().then_some("all"));
    let options = ExplainOptions {
        method: Some(method),
        scale: e.scale,
        outcome,
        seed: e.seed,
        reference: asked.map(|r| reference(r, &*model, &loaded, &e.reading, e.seed, ctx).map(Arc::new)).transpose()?,
        players: players(e.groups.as_deref(), &*model)?,
        budget: e.budget as usize,
        device: e.device.clone(),
        ..ExplainOptions::default()
    };
    if !e.mute.is_empty() && !method.is_attention() {
        return Err(fault!("cli.mute_attention", method = method.name()));
    }
    let mut sentence = String::new();
    let mut value = if method.is_attention() {
        let silent: Vec<_> = std::collections::BTreeSet::from_iter(e.mute.iter().copied()).into_iter().collect();
        let rows = run::write_attention(&*model, raw, e.rows, (method, outcome, &silent), &e.out, ctx)?;
        warnings.push(note!("cli.attention_is_not_why"));
        json!({ "method": method.name(), "rows": rows, "muted": silent, "out": e.out })
    } else if method == Method::Interactions {
        let (rows, more) = run::write_interactions(&*model, raw, e.rows, &options, &e.out, ctx)?;
        warnings.extend(more);
        json!({ "method": method.name(), "scale": "margin", "rows": rows, "out": e.out })
    } else {
        let done = run::write_attributions(&*model, raw, &loaded.fingerprint, e.rows, &options, &e.out, ctx)?;
        warnings.extend(done.notices.iter().cloned());
        sentence = done.sentence(model.card().features(), lang);
        let mut value = json!({ "method": method.name(), "scale": done.all.scale, "rows": done.all.rows, "largest_gap": done.all.largest_gap, "seed": e.seed, "out": e.out, "sentence": sentence });
        if let Some(map) = value.as_object_mut() {
            // The rows that were compared with, not those that the group has.
            map.extend(done.reference.map(|r| to_value(&r)).transpose()?.map(|r| ("reference".to_owned(), r)));
            map.extend(done.half_width.map(|w| ("largest_half_width".to_owned(), Value::from(w))));
        }
        value
    };
    if let Some(map) = value.as_object_mut() {
        map.insert("model".to_owned(), to_value(&model.card().fingerprint)?);
        map.insert("data".to_owned(), to_value(&loaded.fingerprint)?);
        map.insert("warnings".to_owned(), Value::from(said(&warnings, lang)));
    }
    let text = format!("{} → {}", value["rows"], e.out.display());
    let text = if sentence.is_empty() { text } else { format!("{sentence}\n{text}") };
    Ok(text_or_json(e.json, value, &warnings, &text))
}

/// `whybench effect`.
pub(super) fn effect(e: &Effect, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let model = crate::ml::import::open(&e.model)?;
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let features = model.card().features();
    let of = |name: &String| -> Result<usize> {
        features.iter().position(|f| f.name == *name).ok_or_else(|| {
            let known: Vec<&str> = features.iter().map(|f| f.name.as_str()).collect();
            fault!("cli.no_such_feature", feature = name, known = known.join(", "))
        })
    };
    let chosen: Vec<usize> = e.feature.iter().map(of).collect::<Result<_>>()?;
    let options = effects::Options {
        outcome: outcome_of(&*model, e.class.as_deref())?,
        scale: e.scale,
        points: e.points as usize,
        seed: e.seed,
        ..effects::Options::default()
    };
    let (x, lines) = sample(&loaded, &*model, options.most_rows, e.seed)?;
    let curve = effects::effect(&*model, &x, &lines, &chosen, e.kind, &options, ctx)?;
    run::write_effect(&curve, &e.out)?;
    let mut warnings: Vec<Notice> = loaded.warnings.clone();
    warnings.extend(curve.warnings.iter().cloned());
    let text = words::curve(&curve, lang);
    let mut value = to_value(&curve)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("out".to_owned(), to_value(&e.out)?);
        map.insert("sentence".to_owned(), Value::from(text.clone()));
        map.insert("warnings".to_owned(), Value::from(said(&warnings, lang)));
    }
    Ok(text_or_json(e.json, value, &warnings, &format!("{text}\n→ {}", e.out.display())))
}

/// Rows of a file as the model reads them: at most so many, the same for the same seed.
fn sample(loaded: &Loaded, model: &dyn Model, most: usize, seed: u64) -> Result<(crate::data::FeatureMatrix, Vec<u32>)> {
    let rows = effects::sample(loaded.table.n_rows(), most, seed);
    let (x, lines, _) = pipeline::matrix(&loaded.table, &rows, model)?;
    Ok((x, lines))
}

/// `whybench importance`.
pub(super) fn importance(e: &Importance, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let model = crate::ml::import::open(&e.model)?;
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let outcome = outcome_of(&*model, e.class.as_deref())?;
    let y = pipeline::known_outcome(&loaded.table, &model.card().outcomes[outcome])?;
    let rows: Vec<usize> =
        effects::sample(loaded.table.n_rows(), shuffled::MOST_ROWS, e.seed).into_iter().filter(|&r| !y[r].is_nan()).collect();
    let (x, _, _) = pipeline::matrix(&loaded.table, &rows, &*model)?;
    let y: Vec<f64> = rows.iter().map(|&r| y[r]).collect();
    let groups = players(e.groups.as_deref(), &*model)?;
    let players = groups.as_deref().cloned().unwrap_or_else(|| Players::single(model.card().features()));
    let found = shuffled::permutation(&*model, &x, &y, outcome, &players, e.repeats as usize, e.seed, ctx)?;
    run::write_json(&e.out, &found)?;
    let mut lines = vec![["cli.feature", "cli.loss_added", "cli.interval"].map(|k| tr(lang, k).to_owned()).to_vec()];
    for i in &found.features {
        let band = format!("{} … {}", numbers::plain(i.low), numbers::plain(i.high));
        lines.push(vec![i.name.clone(), numbers::plain(i.mean), band]);
    }
    let text = words::shuffled(&found, lang);
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("sentence".to_owned(), Value::from(text.clone()));
    }
    Ok(text_or_json(e.json, value, &loaded.warnings, &format!("{}\n{text}", table(&lines).trim_end())))
}

/// Rows of the reference that the nearest real row is looked for in.
const REAL_ROWS: usize = 20_000;

/// `--to`: a level with or without its direction, a class, or the other side of one half. The name of a class says which
/// outcome is meant; `now` is what the model says of the row, outcome by outcome.
fn wish(asked: &str, model: &dyn Model, outcome: usize, now: &[f64]) -> Result<(usize, Wish)> {
    let all = &model.card().outcomes;
    let text = asked.trim();
    let o = &all[outcome];
    if o.is_binary() && text == "flip" {
        return Ok((outcome, Wish::flip(now[outcome], 0.5)));
    }
    if let OutcomeKind::Binary { positive, negative } = &o.kind {
        // As the file writes it: a column of TRUE and FALSE is read as true and false.
        let is = |class: &str| text.eq_ignore_ascii_case(class);
        if is(positive) || is("yes") {
            return Ok((outcome, Wish::AtLeast(0.5)));
        }
        if is(negative) || is("no") {
            return Ok((outcome, Wish::Below(0.5)));
        }
    }
    // A chance may be written in per cent.
    let number = |t: &str| {
        let (digits, by) = t.trim().strip_suffix('%').filter(|_| o.is_binary()).map_or((t.trim(), 1.0), |d| (d.trim(), 0.01));
        digits.parse::<f64>().ok().map(|v| v * by).filter(|v| v.is_finite())
    };
    let found = if let Some(rest) = text.strip_prefix(">=").or_else(|| text.strip_prefix('>')) {
        number(rest).map(Wish::AtLeast)
    } else if let Some(rest) = text.strip_prefix('<') {
        number(rest).map(Wish::Below)
    } else {
        number(text).map(|t| if now[outcome] >= t { Wish::Below(t) } else { Wish::AtLeast(t) })
    };
    let possible = |w: &Wish| match w {
        _ if !o.is_binary() => true,
        Wish::AtLeast(t) | Wish::Below(t) => *t > 0.0 && *t < 1.0,
    };
    let class = model.card().classes().and_then(|(_, classes)| classes.iter().position(|c| *c == text));
    // A class that is called 0.3 is a level all the same; one that is called 2 can be none.
    found.filter(possible).map(|w| (outcome, w)).or(class.map(|c| (c, Wish::AtLeast(0.5)))).ok_or_else(|| {
        let names = model.card().classes().map_or_else(String::new, |(_, classes)| format!(" ({})", classes.join(", ")));
        fault!("cli.no_such_wish", wish = text, names = names)
    })
}

/// One line of a file as the model reads it.
fn line(loaded: &Loaded, model: &dyn Model, row: u32) -> Result<Vec<f64>> {
    let at = pipeline::position(&loaded.table, row)?;
    Ok(pipeline::matrix(&loaded.table, &[at], model)?.0.values)
}

/// `whybench counterfactual`.
pub(super) fn counterfactual(e: &Counterfactual, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let model = crate::ml::import::open(&e.model)?;
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let outcome = outcome_of(&*model, e.class.as_deref())?;
    let rules = e.rules.as_deref().map(Rules::open).transpose()?.unwrap_or_default();
    let row = line(&loaded, &*model, e.row)?;
    let x = crate::data::FeatureMatrix { n_features: row.len(), values: row.clone() };
    let (outcome, wish) = wish(&e.to, &*model, outcome, &model.predict(&x, ctx)?)?;
    let (reference, lines) = sample(&loaded, &*model, REAL_ROWS, 1)?;
    let found = smallest::counterfactual(&*model, &row, outcome, wish, &rules, Some(&reference), ctx)?;
    let mut text = words::change(&found, lang);
    if let Some(kept) = words::rules(&rules, lang) {
        text = format!("{text}\n{kept}");
    }
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("row".to_owned(), Value::from(e.row));
        if let Some(real) = &found.real {
            map.insert("real_row".to_owned(), Value::from(lines[real.at]));
        }
        map.insert("sentence".to_owned(), Value::from(text.clone()));
    }
    run::write_json(&e.out, &value)?;
    Ok(text_or_json(e.json, value, &found.warnings, &text))
}

/// `whybench contrast`.
pub(super) fn contrast(e: &Contrast, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let model = crate::ml::import::open(&e.model)?;
    let loaded = read::open(&e.data, &e.reading.options(), ctx)?;
    let outcome = outcome_of(&*model, e.class.as_deref())?;
    let options = ExplainOptions { scale: e.scale, outcome, seed: e.seed, ..ExplainOptions::default() };
    let found = match (&e.group, &e.against_group, e.row, &e.model_b) {
        (Some(a), Some(b), ..) => {
            let of = |g: &str| pipeline::group(&loaded.table, &*model, g, e.seed);
            contrasts::groups(&*model, &of(a)?, &of(b)?, &options, ctx)?
        }
        (_, _, Some(row), Some(other)) => {
            let other = crate::ml::import::open(other)?;
            let one = |m: &dyn Model| -> Result<_> {
                let values = line(&loaded, m, row)?;
                let x = crate::data::FeatureMatrix { n_features: values.len(), values };
                crate::explain::explain(m, &x, &[row], &loaded.fingerprint, &options, ctx)
            };
            contrasts::models((&*model, &one(&*model)?), (&*other, &one(&*other)?))?
        }
        (_, _, Some(row), None) => {
            let against = e.against.unwrap_or(0);
            let (a, b) = (line(&loaded, &*model, row)?, line(&loaded, &*model, against)?);
            let name = |r: u32| crate::base::tr_with(lang, "cli.row_named", &[("row", &r)]);
            contrasts::rows(&*model, (&a, &name(row)), (&b, &name(against)), &options, ctx)?
        }
        _ => return Err(fault!("cli.contrast_what")),
    };
    let text = words::contrast(&found, lang);
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("sentence".to_owned(), Value::from(text.clone()));
    }
    run::write_json(&e.out, &value)?;
    Ok(text_or_json(e.json, value, &found.warnings, &text))
}

fn method_named(name: &str) -> Result<Method> {
    let found = Method::ALL.into_iter().find(|m| m.name() == name);
    found.ok_or_else(|| fault!("cli.no_such_method", method = name, methods = Method::ALL.map(Method::name).join(", ")))
}

/// `whybench ask`.
pub(super) fn ask(e: &Asked, lang: Lang, ctx: &JobCtx) -> Result<Said> {
    let loaded_model = crate::ml::import::open(&e.model)?;
    let mut recipe = Recipe::for_file(&e.data);
    recipe.data.read = e.reading.options();
    let outcome = outcome_of(&*loaded_model, e.class.as_deref())?;
    let loaded = Arc::new(read::open(&e.data, &e.reading.options(), ctx)?);
    if matches!(e.about, About::Segments | About::Stability) {
        as_trained(&mut recipe, &*loaded_model, &loaded.table, e)?;
    }
    let mut prepared = pipeline::prepare(&recipe, &loaded, ctx)?;
    let method = e.method.as_deref().map(method_named).transpose()?;
    let options = ExplainOptions { method, scale: e.scale, outcome, seed: e.seed, ..ExplainOptions::default() };
    let model = loaded_model.card().spec.name.clone();
    let against = e.reference.clone();
    let question = match e.about {
        About::Everyone => Question::Everyone { model, options, against },
        About::Density => Question::Density { model, options, against },
        About::Pairs => Question::Pairs { model, outcome },
        About::Typical => Question::Typical { model, rows: pipeline::WhyRows::All, options, against },
        About::Trust => Question::Trust { model, rows: pipeline::WhyRows::All, options, against },
        About::Cohorts if e.cohort.is_empty() || e.cohort.len() > 3 => return Err(fault!("cli.cohorts_how_many")),
        About::Cohorts => Question::Cohorts { model, options, against, conditions: e.cohort.clone(), picked: None },
        About::Segments => Question::Segments { model, outcome, reasons: e.reasons },
        About::Stability => Question::Stability { model, outcome, scale: e.scale },
    };
    let mut warnings = prepared.warnings.clone();
    if matches!(e.about, About::Segments) && e.split.is_none() {
        // Which rows were held out is not known, so none counts as such.
        prepared.parts.fill(Part::Train);
        if !e.reasons {
            warnings.push(note!("cli.segments_learned"));
        }
    }
    let scale = if loaded_model.card().outcomes[outcome].is_binary() { e.scale } else { Scale::Margin };
    let (mut value, text) = match deeper::answer(&question, &prepared, &*loaded_model, None, ctx)? {
        Answer::Density(a) if e.out.extension().is_some_and(|x| x.eq_ignore_ascii_case("parquet")) => {
            run::write_density(&a, &e.out)?;
            return Ok(text_or_json(e.json, to_value(&a)?, &prepared.warnings, &e.out.display().to_string()));
        }
        Answer::Density(a) => {
            let said = a.features.iter().take(3).filter_map(|f| words::density(f, a.all.rows, a.all.scale, lang));
            (to_value(&a)?, said.collect::<Vec<_>>().join("\n"))
        }
        Answer::Everyone(a) => (to_value(&a)?, words::everyone(&a, lang)),
        Answer::Pairs(a) => (to_value(&a)?, words::pairs(&a, lang)),
        Answer::Typical(a) => {
            let lines: Vec<String> = a.rows.iter().map(|r| words::typical(r, scale, lang)).collect();
            (to_value(&a)?, lines.join("\n"))
        }
        Answer::Cohorts(a) => {
            let name = |c: &str| if c.is_empty() { tr(lang, "why.against_everyone").to_owned() } else { c.to_owned() };
            let names: Vec<String> = a.cohorts.iter().map(|c| name(&c.condition)).collect();
            (to_value(&a)?, words::cohorts(&a, &names, scale, lang))
        }
        Answer::Trust(a) => (to_value(&a)?, words::trust(&a, lang)),
        Answer::Segments(a) => {
            let line = |s: &crate::explain::segments::Segment| format!("{}: {}", s.condition, words::segment(s, e.reasons, lang));
            (to_value(&a)?, a.found.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Answer::Stability(a) => (to_value(&a)?, words::stability(&a, lang)),
        _ => return Err(fault!("explain.no_rows")),
    };
    run::write_json(&e.out, &value)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("sentence".to_owned(), Value::from(text.clone()));
    }
    Ok(text_or_json(e.json, value, &warnings, &format!("{text}\n→ {}", e.out.display())))
}

/// The data as they were when the model was trained: which rows were held out, and, to train it again, its outcomes, features
/// and steps.
fn as_trained(recipe: &mut Recipe, model: &dyn Model, table: &Table, e: &Asked) -> Result<()> {
    let card = model.card();
    let split = e.split.as_deref().map_or(Ok(recipe.split.split.clone()), Split::parse)?;
    recipe.split = SplitSection { split, seed: e.split_seed };
    if let Some((target, _)) = card.classes() {
        // What can be one of many is no outcome to train for; here it is only looked up.
        recipe.roles.ignore.extend(table.index_of(target).map(|_| target.to_owned()));
        return Ok(());
    }
    if matches!(e.about, About::Segments) {
        return Ok(());
    }
    recipe.roles.target = card.outcomes.iter().map(|o| o.name.clone()).collect();
    recipe.roles.positive = card.outcomes.iter().find_map(|o| match &o.kind {
        OutcomeKind::Binary { positive, .. } => Some(positive.clone()),
        _ => None,
    });
    recipe.prepare = card.encoder.prepare.steps.iter().map(|s| s.step.clone()).collect();
    for name in table.names().into_iter().filter(|n| !recipe.roles.target.contains(n)).collect::<Vec<_>>() {
        match card.features().iter().find(|f| f.name == name) {
            None => recipe.roles.ignore.push(name),
            Some(f) => {
                if f.is_categorical() { &mut recipe.roles.categorical } else { &mut recipe.roles.numeric }.push(name.clone());
                recipe.roles.feature.push(name);
            }
        }
    }
    Ok(())
}

/// `whybench surrogate`.
pub(super) fn surrogate(
    (model, data): (&Path, &Path),
    class: Option<&str>,
    (depth, seed): (usize, u64),
    out: &Path,
    (reading, lang): (&Reading, Lang),
    json: bool,
    ctx: &JobCtx,
) -> Result<Said> {
    let model = crate::ml::import::open(model)?;
    let loaded = read::open(data, &reading.options(), ctx)?;
    let outcome = outcome_of(&*model, class)?;
    let (x, _) = sample(&loaded, &*model, crate::session::deeper::SURROGATE_ROWS, seed)?;
    let found = crate::explain::surrogate::surrogate(&*model, &x, outcome, depth, seed, ctx)?;
    run::write_json(out, &found)?;
    let share = model.card().outcomes[outcome].is_binary();
    let level = |v: f64| if share { numbers::percent(v) } else { numbers::plain(v) };
    let mut lines = vec![
        ["why.surrogate_column", "why.surrogate_mean", "why.share_column", "why.surrogate_agrees"].map(|k| tr(lang, k).to_owned()).to_vec(),
    ];
    let all = tr(lang, "why.surrogate_all");
    for r in &found.rules {
        let when = if r.when.is_empty() { all.to_owned() } else { r.when.join(", ") };
        lines.push(vec![when, level(r.mean), numbers::percent(r.share), numbers::percent(r.agrees)]);
    }
    let scale = if share { Scale::Probability } else { Scale::Margin };
    let text = words::surrogate(&found, scale, lang);
    let mut value = to_value(&found)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("sentence".to_owned(), Value::from(text.clone()));
    }
    Ok(text_or_json(json, value, &loaded.warnings, &format!("{}\n{text}", table(&lines).trim_end())))
}
