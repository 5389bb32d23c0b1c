//! What a recipe asks for besides attributions: differences, levels of features, and what is in its groups. The same
//! questions as the window's, answered for the report and for a run.

use std::sync::Arc;

use super::deeper::{self, Answer, Question, Sides};
use super::pipeline::{self, Prepared, Why, WhyRows};
use super::recipe::{ContrastSpec, Recipe};
use crate::base::{JobCtx, Lang, Notice, Result};
use crate::data::Feature;
use crate::explain::contrast::Contrast;
use crate::explain::inside::{self, Inside};
use crate::explain::levels::{self, Levels};
use crate::explain::{Attribution, ExplainOptions, words};
use crate::ml::Model;
use crate::note;
use crate::report::content::{Parts, Said};

mod parts;

/// The answers, for one model.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Differences.
    pub contrasts: Vec<Contrast>,
    /// Levels of features.
    pub levels: Vec<Levels>,
    /// Groups, opened.
    pub inside: Vec<Inside>,
    /// What else it asks for.
    pub parts: Parts,
    /// What could not be answered, and why.
    pub notices: Vec<Notice>,
}

/// Answers all of it for one model, whose rows are explained in `why` with `options`.
pub fn answer(
    recipe: &Recipe,
    prepared: &Prepared,
    models: &[Arc<dyn Model>],
    model: &dyn Model,
    (why, rows, options): (&Why, &WhyRows, &ExplainOptions),
    ctx: &JobCtx,
) -> Result<Asked> {
    let mut out = Asked::default();
    let name = &model.card().spec.name;
    for spec in &recipe.explain.contrasts {
        let Some((sides, other)) = sides(spec, name, rows, models) else { continue };
        // The method is the one that fits the sides, not the one that explains the rows.
        let options = ExplainOptions { method: None, ..options.clone() };
        let question = Question::Contrast { model: name.clone(), sides, options, against: recipe.explain.reference.clone() };
        let found = match other {
            Some(other) => deeper::contrast_models(&question, prepared, model, &**other, ctx),
            None => deeper::answer(&question, prepared, model, None, ctx).and_then(|a| match a {
                Answer::Contrast(c) => Ok(c),
                _ => Err(crate::fault!("explain.no_rows")),
            }),
        };
        match found {
            Ok(found) => out.contrasts.push(found),
            Err(fault) if fault.is_cancelled() => return Err(fault),
            // One difference that cannot be told must not keep the others from being told.
            Err(fault) => out.notices.push(fault.0),
        }
    }
    let a = &why.attribution;
    let features = model.card().features();
    for feature in &recipe.explain.levels {
        let at = a.features.iter().position(|f| f == feature);
        match at.and_then(|at| levels::levels(a, &why.matrix, features, at)) {
            Some(found) => out.levels.push(found),
            None => out.notices.push(note!("session.no_levels", feature = feature, model = name)),
        }
    }
    out.parts = parts::parts(recipe, prepared, model, (why, rows, options), ctx)?;
    for (_, notice) in &out.parts.missing {
        if !out.notices.contains(notice) {
            out.notices.push(notice.clone());
        }
    }
    out.inside = opened(prepared, model, (why, recipe.explain.reference.as_deref()), options, ctx)?;
    Ok(out)
}

/// Every group of the explained rows, opened one after the other.
fn opened(
    prepared: &Prepared,
    model: &dyn Model,
    (why, against): (&Why, Option<&str>),
    options: &ExplainOptions,
    ctx: &JobCtx,
) -> Result<Vec<Inside>> {
    let Some(players) = &options.players else { return Ok(Vec::new()) };
    let (features, a) = (model.card().features(), &why.attribution);
    let mut out = Vec::new();
    for at in (0..a.n_features()).filter(|at| !a.group(*at).is_empty()) {
        let options = ExplainOptions { players: Some(Arc::new(players.opened(at, features))), ..options.clone() };
        let options = pipeline::compared(&prepared.raw, model, &options, against)?;
        let singly = crate::explain::explain(model, &why.matrix, &a.rows, &a.data, &options, &ctx.without_stage())?;
        out.push(inside::inside(a, &singly, &a.features[at], None, features)?);
        ctx.check()?;
    }
    Ok(out)
}

/// What a recipe's contrast asks of one model; `None` if it is about others.
fn sides<'a>(spec: &ContrastSpec, name: &str, rows: &WhyRows, models: &'a [Arc<dyn Model>]) -> Option<(Sides, Option<&'a Arc<dyn Model>>)> {
    Some(match spec {
        ContrastSpec::Rows { row, against } => (Sides::Rows(*row, *against), None),
        ContrastSpec::Groups { group, against } => (Sides::Groups(group.clone(), against.clone()), None),
        ContrastSpec::Models { model, against, row } => {
            let other = models.iter().find(|m| m.card().spec.name == *against).filter(|_| model == name)?;
            let rows = row.map_or_else(|| rows.clone(), WhyRows::Line);
            (Sides::Models(against.clone(), rows), Some(other))
        }
    })
}

impl Asked {
    /// The sentences, in the order of contrasts, levels, groups and typical rows, which stand in `a`.
    pub fn said(&self, a: &Attribution, features: &[Feature], lang: Lang) -> Said {
        let typical = self.parts.typical.iter().flat_map(|t| &t.rows);
        Said {
            contrasts: self.contrasts.iter().map(|c| words::contrast(c, lang)).collect(),
            levels: self.levels.iter().map(|l| words::levels(l, lang)).collect(),
            inside: self.inside.iter().map(|i| words::inside(i, lang)).collect(),
            typical: typical.map(|r| words::sentence(a, r.at, features, lang)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::explain::contrast;
    use crate::explain::words;
    use crate::ml::ModelSpec;
    use crate::ml::model::Scale;
    use crate::session::run;
    use crate::session::state::{Ask, Command, Session, Status, WhyRequest};

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
[[model]]
name = "line"
kind = "logistic"
[explain]
levels = ["month", "pages"]
[explain.groups]
visit = ["pages", "seconds"]
gone = ["lost", "pages_2"]
[[explain.contrast]]
kind = "rows"
row = 6
against = 7
[[explain.contrast]]
kind = "groups"
group = "month = 'Nov'"
against = "all"
[[explain.contrast]]
kind = "models"
model = "trees"
against = "line"
[[explain.contrast]]
kind = "groups"
group = "month = 'Nov'"
against = "month = 'Never'"
"#;

    fn shop() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("pages,seconds,month,bought\n");
        for i in 0..200usize {
            let (pages, month) = ((i * 13) % 29, ["Feb", "Nov", "Dec"][i % 3]);
            let bought = pages + (i % 7) * usize::from(month == "Nov") > 18;
            text.push_str(&format!("{pages},{},{month},{}\n", pages * 20 + i % 11, if bought { "yes" } else { "no" }));
        }
        std::fs::write(folder.path().join("shop.csv"), text).unwrap();
        folder
    }

    #[test]
    fn a_recipe_gets_what_it_asks_for() {
        let folder = shop();
        let recipe = Recipe::parse(RECIPE, Path::new("r.toml")).unwrap();
        let ctx = JobCtx::quiet();
        let g = run::gather(&recipe, folder.path(), &ctx).unwrap();
        let trees = &g.whys[0];
        assert_eq!(trees.why.attribution.features, ["visit", "month"], "columns that the data lack are passed over");
        assert_eq!(trees.shown.features, trees.why.attribution.features);
        let asked = &trees.asked;
        // One group, opened: the members' sum and what is left make the group.
        let [inside] = &asked.inside[..] else { panic!("{:?}", asked.inside) };
        assert_eq!((inside.group.as_str(), inside.members.len(), inside.rows), ("visit", 2, trees.why.attribution.rows.len()));
        assert!((inside.whole - inside.sum - inside.rest).abs() < 1e-12);
        let mean = (0..inside.rows).map(|i| trees.why.attribution.row(i)[0]).sum::<f64>() / inside.rows as f64;
        assert!((inside.whole - mean).abs() < 1e-12);
        // Levels of the category; a number in a group has none, which is said.
        assert_eq!(asked.levels.iter().map(|l| l.feature.as_str()).collect::<Vec<_>>(), ["month"]);
        assert!(asked.notices.iter().any(|n| n.code == "session.no_levels"));
        // Rows, groups and models; the group that nobody is in is said and keeps the others from nothing.
        assert_eq!(asked.contrasts.len(), 3, "{:?}", asked.notices);
        assert!(asked.notices.iter().any(|n| n.code == "data.segment_no_level" || n.code == "session.empty_group"), "{:?}", asked.notices);
        for c in &asked.contrasts {
            let sum: f64 = c.values.iter().sum();
            assert!((c.value - c.base - sum - c.gap).abs() < 1e-9 && c.features == ["visit", "month"], "{c:?}");
        }
        let (rows, groups, models) = (&asked.contrasts[0], &asked.contrasts[1], &asked.contrasts[2]);
        assert!(rows.gap.abs() < 1e-9 && groups.gap.abs() < 1e-9);
        assert!((models.gap - models.bases.unwrap()).abs() < 1e-6, "what two models differ by is the features and the bases");
        assert_eq!(g.whys[1].asked.contrasts.len(), 2, "the models are set against each other once");
        // The difference of two groups is that of their mean predictions.
        let raw = &g.prepared.raw;
        let of = |condition: &str| {
            let x = pipeline::group(raw, &*g.models[0], condition, 1).unwrap().x;
            let p = g.models[0].predict(&x, &ctx).unwrap();
            p.iter().sum::<f64>() / p.len() as f64
        };
        assert!((groups.value - groups.base - (of("month = 'Nov'") - of("all"))).abs() < 1e-9);
        // Without groups of features it is what the command line gives: the same call, the same numbers.
        let plain = Recipe {
            explain: crate::session::recipe::ExplainSection { groups: Default::default(), ..recipe.explain.clone() },
            ..recipe.clone()
        };
        let alone = run::gather(&plain, folder.path(), &ctx).unwrap();
        let options = ExplainOptions { scale: Scale::Probability, ..ExplainOptions::default() };
        let group = |c: &str| pipeline::group(raw, &*alone.models[0], c, 1).unwrap();
        let direct = contrast::groups(&*alone.models[0], &group("month = 'Nov'"), &group("all"), &options, &ctx).unwrap();
        assert_eq!(alone.whys[0].asked.contrasts[1], direct);
        assert!(alone.whys[0].asked.inside.is_empty());

        // The page shows each with its sentence and what remains.
        let report = run::report(&recipe, &g, Lang::En, "2026-01-01");
        let page = crate::report::html::render(&report);
        let shown = |text: &str| page.contains(&crate::report::svg::escape(text));
        for text in [words::contrast(groups, Lang::En), words::levels(&asked.levels[0], Lang::En), words::inside(inside, Lang::En)] {
            assert!(shown(&text), "{text}");
        }
        // Every curve that was measured is drawn with its control, and the changes are kept beside their sentences.
        let trust = report.why[0].trust.as_ref().unwrap();
        let drawn = [&trust.deletion, &trust.insertion, &trust.sufficiency].into_iter().flatten().count();
        let of_trees = page.matches(&crate::report::svg::escape(crate::base::tr(Lang::En, "why.deletion_chance"))).count();
        assert!(drawn > 0 && of_trees >= drawn, "{drawn} {of_trees}");
        let w = &report.why[0];
        assert_eq!(w.smallest.len(), w.changes.len());
        assert!(
            w.smallest.iter().flatten().any(|c| !c.changes.is_empty()) && serde_json::to_string(&report).unwrap().contains("lower_bound")
        );
        assert!(page.contains("left unexplained") && page.contains("Different base values"));
    }

    #[test]
    fn every_part_is_one_key_and_what_a_model_cannot_is_said() {
        let folder = shop();
        let keys = r#"
methods = ["tree-shap", "linear-shap", "permutation-shap"]
rows = [0, 60]
pairs = true
pdp = true
ice = true
map = true
maps = [["seconds", "month"], ["pages", "gone"]]
shuffled = true
typical = true
cohorts = ["month = 'Nov'"]
segments = true
surrogate = true
density = true
crowd = true
paths = true
"#;
        let text = format!("{}[explain]{keys}", &RECIPE[..RECIPE.find("[explain]").unwrap()]);
        let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
        assert_eq!(
            Recipe::parse(&recipe.to_toml().unwrap(), Path::new("r.toml")).unwrap(),
            recipe,
            "the keys are written as they are read"
        );
        let ctx = JobCtx::quiet();
        let g = run::gather(&recipe, folder.path(), &ctx).unwrap();
        let (trees, line) = (&g.whys[0], &g.whys[1]);
        let (t, l) = (&trees.asked.parts, &line.asked.parts);
        let a = &trees.why.attribution;
        // Pairs are known of trees only; that the other model has none is said, and nothing else is missing.
        assert!(t.pairs.is_some() && l.pairs.is_none());
        assert!(l.missing.iter().any(|(key, n)| key == "pairs" && n.code == "explain.pairs_trees"), "{:?}", l.missing);
        assert!(line.asked.notices.iter().any(|n| n.code == "explain.pairs_trees"));
        // A map of a feature that no model has is said; the others are drawn: the strongest pair first, then the named one.
        assert!(t.missing.iter().all(|(key, n)| key == "map" && n.code == "session.no_feature") && t.missing.len() == 1, "{:?}", t.missing);
        let pair = &t.pairs.as_ref().unwrap().pairs[0];
        let maps: Vec<_> = t.maps.iter().map(|m| (m.feature.as_str(), m.feature_2.as_deref().unwrap())).collect();
        let named = ("seconds", "month");
        let own = (pair.a.as_str(), pair.b.as_str());
        assert_eq!(maps, if own == named { vec![named] } else { vec![own, named] });
        // The same answers as the window's questions give.
        let model = &*g.models[0];
        let question = Question::Shuffled { model: "trees".into(), outcome: 0 };
        let Answer::Shuffled(direct) = deeper::answer(&question, &g.prepared, model, None, &ctx).unwrap() else { panic!() };
        assert_eq!(t.shuffled.as_ref(), Some(&direct));
        let kinds = |k| t.curves.iter().filter(|c| c.kind == k).count();
        use crate::explain::effect::Kind;
        assert_eq!((kinds(Kind::Pdp), kinds(Kind::Ice)), (3, 3));
        // A group alone stands beside everyone.
        let cohorts = t.cohorts.as_ref().unwrap();
        assert_eq!(cohorts.cohorts.iter().map(|c| c.condition.as_str()).collect::<Vec<_>>(), ["", "month = 'Nov'"]);
        assert!(t.typical.is_some() && t.segments.is_some() && t.surrogate.is_some());
        assert_eq!(t.density.as_ref().unwrap().all.rows, 200, "every row of the data");
        assert_eq!((t.crowd.as_ref().unwrap().rows.len(), a.rows.len()), (60, 60));
        assert!(t.paths.as_ref().unwrap().lines.iter().all(|(row, _)| a.rows.contains(row)));
        // Methods that fit the model stand beside one another, on the same rows; the first is the one that explains them.
        let names = |p: &Parts| p.methods.as_ref().unwrap().methods.iter().map(|m| m.method.name()).collect::<Vec<_>>();
        assert_eq!((names(t), names(l)), (vec!["tree-shap", "permutation-shap"], vec!["linear-shap", "permutation-shap"]));
        let beside = t.methods.as_ref().unwrap();
        let top = &trees.why.summary.importance[0];
        assert!(beside.rows == 60 && beside.features[0] == top.name && (beside.methods[0].sizes[0].0 - top.mean_abs).abs() < 1e-12);

        // The page says each in both languages; the JSON holds the same values.
        for lang in [Lang::En, Lang::Zh] {
            let report = run::report(&recipe, &g, lang, "2026-01-01");
            let page = crate::report::html::render(&report);
            let scale = Scale::Probability;
            let said = [
                words::beside(beside, lang),
                words::pairs(t.pairs.as_ref().unwrap(), lang),
                words::curve(&t.maps[0], lang),
                words::shuffled(&direct, lang),
                words::crowd(t.crowd.as_ref().unwrap(), scale, lang),
                words::typical(&t.typical.as_ref().unwrap().rows[0], scale, lang),
                words::surrogate(t.surrogate.as_ref().unwrap(), scale, lang),
                l.missing[0].1.say(lang),
            ];
            for text in said.iter().chain(t.curves.iter().map(|c| words::curve(c, lang)).collect::<Vec<_>>().iter()) {
                assert!(page.contains(&crate::report::svg::escape(text)), "{text}");
            }
            for (key, least) in [("why.paths", 2), ("why.density", 2), ("report.segments", 2), ("report.as_table", 20)] {
                assert!(page.matches(crate::base::tr(lang, key)).count() >= least, "{key}");
            }
            let text = serde_json::to_string(&report).unwrap();
            let back: crate::report::Report = serde_json::from_str(&text).unwrap();
            let (there, here) = (&back.why[0].parts, &report.why[0].parts);
            assert_eq!((&there.methods, &there.pairs, &there.cohorts), (&here.methods, &here.pairs, &here.cohorts));
            assert_eq!((&there.crowd, &there.paths, &there.shuffled), (&here.crowd, &here.paths, &here.shuffled));
        }
        // Nothing of it is worked out where nothing is asked for.
        let plain = Recipe { explain: Default::default(), ..recipe };
        let none = run::gather(&plain, folder.path(), &ctx).unwrap();
        assert_eq!(none.whys[0].asked.parts, Parts::default());
    }

    #[test]
    fn groups_are_commands_and_two_models_make_one_answer() {
        let folder = shop();
        let mut s = Session::new(Lang::En);
        s.open_data(&folder.path().join("shop.csv"));
        s.settle();
        s.apply(&Command::SetRole { column: "bought".into(), role: crate::data::Role::Target });
        for (name, kind) in [("trees", crate::ml::ModelKind::Gbdt), ("line", crate::ml::ModelKind::Logistic)] {
            s.apply(&Command::AddModel(ModelSpec::new(name, kind)));
        }
        s.want(Ask::Train("trees".into()));
        s.settle();
        let options = |s: &Session| {
            let players = pipeline::players(&s.recipe.as_ref().unwrap().explain.groups, &*s.models["trees"].value).unwrap();
            ExplainOptions { players, ..ExplainOptions::default() }
        };
        let of = |s: &Session| WhyRequest { model: "trees".into(), rows: WhyRows::Test, options: options(s), against: None };
        let single = of(&s);
        s.want(Ask::Why(single.clone()));
        s.settle();
        s.apply(&Command::SetGroup { old: None, name: "visit".into(), columns: vec!["pages".into(), "seconds".into()] });
        assert!(s.history.undo_title().is_some_and(|t| t.say(Lang::En).contains("visit")));
        assert_eq!(s.status(&Ask::Train("trees".into())), Status::Ready, "a group changes what is said of a model, not the model");
        let grouped = of(&s);
        assert_eq!((s.status(&Ask::Why(single.clone())), s.status(&Ask::Why(grouped.clone()))), (Status::Ready, Status::Empty));
        s.want(Ask::Why(grouped.clone()));
        s.settle();
        assert_eq!(s.why(&grouped).unwrap().attribution.features, ["visit", "month"]);
        // A wrong edit changes nothing and is said.
        s.apply(&Command::SetGroup { old: None, name: "two".into(), columns: vec!["month".into(), "pages".into()] });
        assert!(s.messages.iter().any(|m| m.notice.code == "explain.group_twice"));
        s.undo();
        assert!(s.recipe.as_ref().unwrap().explain.groups.is_empty() && of(&s) == single);
        s.redo();

        // Two models: nothing to ask while the other is not trained; out of date when the other is trained anew.
        let sides = Sides::Models("line".into(), WhyRows::Test);
        let question = Question::Contrast { model: "trees".into(), sides, options: options(&s), against: None };
        let ask = Ask::Deeper(question.clone());
        assert_eq!(s.status(&ask), Status::Empty);
        s.want(ask.clone());
        s.settle();
        assert!(s.answer(&question).is_none());
        s.want(Ask::Train("line".into()));
        s.settle();
        s.want(ask.clone());
        s.settle();
        assert_eq!(s.status(&ask), Status::Ready, "{:?}", s.failed);
        let Some(Answer::Contrast(c)) = s.answer(&question).map(|a| &**a) else { panic!("no contrast") };
        assert_eq!((c.a.as_str(), c.b.as_str(), c.rows.map(|r| r.0 > 20)), ("trees", "line", Some(true)));
        assert!((c.gap - c.bases.unwrap()).abs() < 1e-6);
        let spec = ModelSpec { l2: Some(5.0), ..ModelSpec::new("line", crate::ml::ModelKind::Logistic) };
        s.apply(&Command::ReplaceModel { name: "line".into(), spec });
        s.want(Ask::Train("line".into()));
        s.settle();
        assert_eq!(s.status(&ask), Status::Stale);
    }
}
