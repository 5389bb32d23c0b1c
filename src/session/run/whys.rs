//! Why, for every model of a recipe: what is explained, how, and as which files.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::asked::{self, Asked};
use super::super::deeper::{self, Answer, Question};
use super::super::pipeline::{self, Prepared, Why, WhyRows};
use super::super::recipe::Recipe;
use super::{Gathered, append_attribution, attention_of, safe_name, write_interactions};
use crate::base::{JobCtx, Result};
use crate::data::write::TableWriter;
use crate::explain::counterfactual::Counterfactual;
use crate::explain::effect::{EffectCurve, Kind};
use crate::explain::everyone::Everyone;
use crate::explain::method::methods;
use crate::explain::trust::{Stability, Trust};
use crate::explain::{AttentionMap, Attribution, ExplainOptions, Method};
use crate::fault;
use crate::ml::model::Scale;
use crate::ml::{Model, ModelKind};

/// Everything that is said of why a model predicts what it predicts.
pub struct Explained {
    /// Many rows.
    pub why: Why,
    /// The rows shown one by one.
    pub shown: Attribution,
    /// Attention of the first of them, for a Transformer.
    pub attention: Option<AttentionMap>,
    /// What would have to change in each of them; or why there is nothing.
    pub changes: Vec<Result<Counterfactual>>,
    /// What the outcome does along the strongest features.
    pub effects: Vec<EffectCurve>,
    /// How far it holds.
    pub trust: Option<Trust>,
    /// Whether the reasons stay when it is trained again, where the recipe asks for it.
    pub stability: Option<Stability>,
    /// Every row added up, where the recipe asks for it.
    pub everyone: Option<Everyone>,
    /// Differences, levels and groups that the recipe asks for.
    pub asked: Asked,
}

/// Features whose effect a report draws.
const EFFECTS: usize = 3;

/// The methods that a recipe can ask of a model.
pub(super) fn methods_of(model: &dyn Model) -> Vec<Method> {
    methods(&model.structure())
}

/// The models that the recipe's methods explain; all if it names no method. A method that fits none is refused, so that
/// nobody takes another method's numbers for those that were asked for.
pub(super) fn fitting<'a>(methods: &[String], models: &'a [Arc<dyn Model>]) -> Result<Vec<&'a Arc<dyn Model>>> {
    let fits = |name: &String, model: &Arc<dyn Model>| methods_of(&**model).iter().any(|m| m.name() == name);
    if let Some(none) = methods.iter().find(|name| !models.iter().any(|m| fits(name, m))) {
        let mut known: Vec<&str> = models.iter().flat_map(|m| methods_of(&**m)).map(Method::name).collect();
        known.dedup();
        return Err(fault!("session.method_fits_none", method = none, methods = known.join(", ")));
    }
    Ok(models.iter().filter(|m| methods.is_empty() || methods.iter().any(|name| fits(name, m))).collect())
}

/// The classes, or outcomes, of a model that the recipe explains. A name that no model of the recipe knows is refused; a
/// model that knows none of them, say one of a single outcome, is explained as it is.
pub(super) fn outcomes_of(asked: &[String], model: &dyn Model, models: &[Arc<dyn Model>]) -> Result<Vec<usize>> {
    for name in asked {
        if models.iter().all(|m| m.card().outcome_named(name).is_none()) {
            let mut known: Vec<String> = models.iter().map(|m| m.card().outcome_names()).collect();
            known.dedup();
            return Err(fault!("session.no_class", class = name, known = known.join(", ")));
        }
    }
    let mut found: Vec<usize> = Vec::new();
    for at in asked.iter().filter_map(|name| model.card().outcome_named(name)) {
        if !found.contains(&at) {
            found.push(at);
        }
    }
    Ok(if found.is_empty() { vec![0] } else { found })
}

/// The method of the main section: the first one that the recipe names and that says what each feature does. Else the
/// model's own, or the one that compares, where the recipe names a group to compare with.
fn main_method(recipe: &Recipe, model: &dyn Model) -> Option<Method> {
    let fits = methods_of(model);
    let named = recipe.explain.methods.iter().filter_map(|name| fits.iter().find(|m| m.name() == name));
    named.copied().find(|m| !m.is_attention() && *m != Method::Interactions)
}

pub(super) fn explain(
    recipe: &Recipe,
    prepared: &Prepared,
    models: &[Arc<dyn Model>],
    (model, outcome): (&dyn Model, usize),
    ctx: &JobCtx,
) -> Result<Explained> {
    let players = pipeline::players(&recipe.explain.groups, model)?;
    let method = main_method(recipe, model);
    let options = ExplainOptions { scale: Scale::Probability, outcome, players, method, ..ExplainOptions::default() };
    let rows = recipe.explain.rows.map_or(WhyRows::Test, |(a, b)| WhyRows::Lines(a, b));
    let against = recipe.explain.reference.clone();
    let why = pipeline::why(prepared, model, &rows, &options, against.as_deref(), ctx)?;
    let lines = if recipe.explain.show.is_empty() {
        // The most and the least likely row, and the one in the middle.
        let a = &why.attribution;
        let mut order: Vec<usize> = (0..a.rows.len()).collect();
        order.sort_by(|i, j| a.predictions[*j].total_cmp(&a.predictions[*i]).then(i.cmp(j)));
        let mut picked: Vec<usize> = [0, order.len() / 2, order.len() - 1].into_iter().map(|k| order[k]).collect();
        picked.dedup();
        picked.into_iter().map(|i| a.rows[i]).collect()
    } else {
        recipe.explain.show.clone()
    };
    let at: Vec<usize> = lines.iter().map(|l| pipeline::position(&prepared.raw, *l)).collect::<Result<_>>()?;
    let (x, lines, _) = pipeline::matrix(&prepared.raw, &at, model)?;
    let compared = pipeline::compared(&prepared.raw, model, &options, against.as_deref())?;
    let shown = crate::explain::explain(model, &x, &lines, &prepared.loaded.fingerprint, &compared, ctx)?;
    let attention = match (model.card().spec.kind, lines.first()) {
        (ModelKind::Transformer, Some(line)) => Some(pipeline::attention(prepared, model, *line, outcome, &[], ctx)?),
        _ => None,
    };
    let name = model.card().spec.name.clone();
    let ask = |q: &Question, why: Option<&Why>| deeper::answer(q, prepared, model, why, ctx);
    let mut changes = Vec::new();
    for line in &lines {
        // A minute is the end of a search that would not end; usually it takes milliseconds.
        let rules = recipe.explain.rules.clone().for_features(model.card().features()).within(60.0);
        changes.push(match ask(&Question::Change { model: name.clone(), line: *line, outcome, level: None, rules }, None) {
            Ok(Answer::Change(found, _)) => Ok(*found),
            Ok(_) => continue,
            Err(fault) if fault.is_cancelled() => return Err(fault),
            Err(fault) => Err(fault),
        });
    }
    let mut effects = Vec::new();
    // A group of features has no axis to go along.
    let lone = |i: &&crate::explain::summary::Importance| i.mean_abs > 0.0 && why.attribution.group(i.feature).is_empty();
    for i in why.summary.importance.iter().filter(lone).take(EFFECTS) {
        let (feature, kind) = (i.name.clone(), Kind::Ale);
        let question = Question::Effect { model: name.clone(), outcome, scale: Scale::Probability, feature, second: None, kind, row: None };
        match ask(&question, None) {
            Ok(Answer::Effect(curve)) => effects.push(curve),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            // A feature with one value has no curve.
            _ => {}
        }
    }
    // Every row of the data is explained by the model's own method: those that ask the model would never end.
    let own = ExplainOptions { method: None, ..options.clone() };
    let all = Question::Everyone { model: name.clone(), options: own, against: against.clone() };
    let everyone = match recipe.explain.everyone.then(|| ask(&all, None)).transpose()? {
        Some(Answer::Everyone(e)) => Some(e),
        _ => None,
    };
    let mut asked = asked::answer(recipe, prepared, models, model, (&why, &rows, &options), ctx)?;
    let tested = Question::Trust { model: name, rows, options, against };
    let trust = match ask(&tested, Some(&why))? {
        Answer::Trust(trust) => Some(*trust),
        _ => None,
    };
    let again = Question::Stability { model: model.card().spec.name.clone(), outcome, scale: Scale::Probability };
    // A model of another program cannot be trained again, which is said and keeps nothing else from being told.
    let stability = match recipe.explain.stability.then(|| ask(&again, None)) {
        Some(Ok(Answer::Stability(s))) => Some(*s),
        Some(Err(fault)) if fault.is_cancelled() => return Err(fault),
        Some(Err(fault)) => {
            asked.notices.push(fault.0);
            None
        }
        _ => None,
    };
    Ok(Explained { why, shown, attention, changes, effects, trust, stability, asked, everyone })
}

/// The attributions as files, one for each method that the recipe names, and for the main one.
pub(super) fn explanations(recipe: &Recipe, g: &Gathered, place: &mut dyn FnMut(String) -> Result<PathBuf>, ctx: &JobCtx) -> Result<()> {
    for Explained { why, .. } in &g.whys {
        let Some(model) = g.models.iter().find(|m| m.card().spec.name == why.model) else { continue };
        let outcome = why.attribution.outcome_index;
        // Several classes of one model have files of their own.
        let several = g.whys.iter().filter(|w| w.why.model == why.model).count() > 1;
        let of = if several { format!("{} {}", why.model, model.card().outcomes[outcome].label()) } else { why.model.clone() };
        let name = |method: Method| format!("explanations/{}-{}.parquet", safe_name(&of), method.name());
        let path = place(name(why.attribution.method))?;
        let mut writer = TableWriter::create(&path)?;
        let scale = recipe.explain.scale.unwrap_or(Scale::Margin);
        let players = pipeline::players(&recipe.explain.groups, &**model)?;
        if why.attribution.scale == scale {
            append_attribution(&mut writer, &why.attribution)?;
        } else {
            let method = Some(why.attribution.method);
            let options = ExplainOptions { method, scale, outcome, players: players.clone(), ..ExplainOptions::default() };
            let options = pipeline::compared(
                &g.prepared.raw,
                &**model,
                &options,
                Some(recipe.explain.reference.as_deref().unwrap_or("all")).filter(|_| why.attribution.reference.is_some()),
            )?;
            let (data, lines) = (&g.prepared.loaded.fingerprint, &why.attribution.rows);
            append_attribution(&mut writer, &crate::explain::explain(&**model, &why.matrix, lines, data, &options, ctx)?)?;
        }
        writer.finish()?;
        // Second opinions, and where it looked, for the rows that are explained; written beside the attributions, never alone.
        let own = why.attribution.method;
        let raw = &g.prepared.raw;
        let fits = |m: &Method| *m != own && methods_of(&**model).contains(m) && recipe.explain.methods.iter().any(|name| name == m.name());
        for method in Method::ALL.into_iter().filter(fits) {
            let path = place(name(method))?;
            let lines = &why.attribution.rows;
            if method.is_attention() {
                let at: Vec<usize> = lines.iter().map(|l| pipeline::position(raw, *l)).collect::<Result<_>>()?;
                attention_of(&**model, raw, &at, (method, outcome, &[]), &path, ctx)?;
                continue;
            }
            let mut options =
                ExplainOptions { method: Some(method), scale, outcome, players: players.clone(), ..ExplainOptions::default() };
            if method.needs_reference() {
                let asked = recipe.explain.reference.as_deref().unwrap_or("all");
                options.reference = Some(Arc::new(pipeline::group(raw, &**model, asked, options.seed)?));
            }
            if method == Method::Interactions {
                let (first, last) = (lines.first().copied().unwrap_or(0), lines.last().copied().unwrap_or(0));
                write_interactions(&**model, raw, Some((first, last + 1)), &options, &path, ctx)?;
                continue;
            }
            let mut writer = TableWriter::create(&path)?;
            let data = &g.prepared.loaded.fingerprint;
            append_attribution(&mut writer, &crate::explain::explain(&**model, &why.matrix, lines, data, &options, ctx)?)?;
            writer.finish()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{gather, report};
    use super::*;
    use crate::base::Lang;
    use crate::explain::counterfactual::Rules;

    const RECIPE: &str = r#"
version = 1
[data]
path = "shop.csv"
[roles]
target = ["bought"]
[split]
kind = "modulo"
of = 10
test_from = 6
[[model]]
name = "trees"
kind = "gbdt"
epochs = 20
[explain]
show = [6]
"#;

    fn shop() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("pages,seconds,month,bought\n");
        for i in 0..200usize {
            let (pages, month) = ((i * 13) % 29, ["Feb", "Nov", "Dec"][i % 3]);
            let bought = pages + (i * 7) % 11 > 18;
            text.push_str(&format!("{pages},{},{month},{}\n", (i * 7) % 11, if bought { "yes" } else { "no" }));
        }
        std::fs::write(folder.path().join("shop.csv"), text).unwrap();
        folder
    }

    #[test]
    fn a_recipes_rules_are_kept_and_said() {
        let folder = shop();
        let rules = "locked = [\"month\"]\nprice = { pages = 50.0 }\nmost_changes = 1\n";
        let run = |more: &str| {
            let recipe = Recipe::parse(&format!("{RECIPE}{more}"), Path::new("r.toml")).unwrap();
            gather(&recipe, folder.path(), &JobCtx::quiet()).map(|g| (recipe, g))
        };
        let (plain, free) = run("").unwrap();
        let (recipe, g) = run(&format!("[explain.rules]\n{rules}")).unwrap();
        let of = |g: &Gathered| g.whys[0].changes[0].as_ref().unwrap().clone();
        let (before, after) = (of(&free), of(&g));
        // Pages are dear now: another feature, or the same for more.
        assert!(before.changes.iter().any(|c| c.feature == "pages"), "the test shows nothing: {before:?}");
        assert!(after.changes.len() == 1 && after.cost > before.cost, "{after:?}");
        // The same file of rules at the command line gives the same answer.
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let same = Rules::open(&file).unwrap();
        assert_eq!(same, recipe.explain.rules);
        assert_eq!(after.rules, same.within(60.0), "the result says what was in force");
        // Where everything may change the report says nothing of rules; else it says them, on the page too.
        let page = |recipe: &Recipe, g: &Gathered| crate::report::html::render(&report(recipe, g, Lang::En, "2026-01-01"));
        let said = "unchanged: month; a change of pages costs 50 times as much; features that change: at most 1";
        assert!(page(&recipe, &g).contains(said) && !page(&plain, &free).contains("Rules in force"));
        // A recipe is written as it was read.
        assert_eq!(Recipe::parse(&recipe.to_toml().unwrap(), Path::new("r.toml")).unwrap(), recipe);
        assert!(!plain.to_toml().unwrap().contains("rules"));
    }

    #[test]
    fn rules_that_nothing_keeps_are_refused() {
        let folder = shop();
        let recipe = |rules: &str| Recipe::parse(&format!("{RECIPE}[explain.rules]\n{rules}"), Path::new("r.toml"));
        let run = |rules: &str| gather(&recipe(rules).unwrap(), folder.path(), &JobCtx::quiet()).map(|_| ()).unwrap_err().0.code;
        assert_eq!(run("locked = [\"colour\"]"), "explain.rules_feature");
        let parse = |rules: &str| recipe(rules).unwrap_err().0.code;
        assert_eq!(parse("step = { pages = 0.0 }"), "explain.rules_number");
        assert_eq!(parse("range = { pages = [3.0, 1.0] }"), "explain.rules_range");
        assert_eq!(parse("budget = -1.0"), "explain.rules_limit");
        assert_eq!(parse("lock = [\"pages\"]"), "session.recipe_invalid");
    }
}
