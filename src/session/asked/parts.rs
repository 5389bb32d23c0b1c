//! The parts of a report that a recipe asks for by one key each: pairs, further curves, maps, shuffling, typical rows,
//! groups, segments, a small tree, densities, crowds and paths, methods beside one another. What a model cannot answer is
//! noted and keeps nothing else from being told.

use crate::base::{Fault, JobCtx, Result};
use crate::explain::beside::{self, Beside};
use crate::explain::cohorts::MOST;
use crate::explain::crowd::{Crowd, Paths};
use crate::explain::effect::Kind;
use crate::explain::method::methods;
use crate::explain::{ExplainOptions, Method, pairs};
use crate::fault;
use crate::ml::Model;
use crate::ml::model::Scale;
use crate::report::content::Parts;
use crate::session::deeper::{self, Answer, Question};
use crate::session::pipeline::{self, Prepared, Why, WhyRows};
use crate::session::recipe::{ExplainSection, Recipe};

/// Features along which further curves are drawn.
const CURVES: usize = 3;

/// Asks for all of it.
struct Asking<'a> {
    asked: &'a ExplainSection,
    prepared: &'a Prepared,
    model: &'a dyn Model,
    why: &'a Why,
    rows: &'a WhyRows,
    options: &'a ExplainOptions,
    ctx: &'a JobCtx,
    out: Parts,
}

/// The parts for one model, whose rows are explained in `why` with `options`.
pub(super) fn parts(
    recipe: &Recipe,
    prepared: &Prepared,
    model: &dyn Model,
    (why, rows, options): (&Why, &WhyRows, &ExplainOptions),
    ctx: &JobCtx,
) -> Result<Parts> {
    let asked = &recipe.explain;
    let mut a = Asking { asked, prepared, model, why, rows, options, ctx, out: Parts::default() };
    a.methods()?;
    a.together()?;
    a.rows()?;
    a.whole()?;
    Ok(a.out)
}

impl Asking<'_> {
    fn name(&self) -> String {
        self.model.card().spec.name.clone()
    }

    /// Notes what could not be answered; only a stop goes on.
    fn kept<T>(&mut self, key: &str, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.is_cancelled() => Err(fault),
            Err(Fault(notice)) => {
                self.out.missing.push((key.to_owned(), notice));
                Ok(None)
            }
        }
    }

    fn ask(&mut self, key: &str, question: &Question) -> Result<Option<Answer>> {
        let found = deeper::answer(question, self.prepared, self.model, Some(self.why), self.ctx);
        self.kept(key, found)
    }

    /// Every method that the recipe names and that says what each feature does, on the same rows.
    fn methods(&mut self) -> Result<()> {
        let fits = methods(&self.model.structure());
        let named = self.asked.methods.iter().filter_map(|name| fits.iter().find(|m| m.name() == name)).copied();
        let mut all: Vec<Method> = Vec::new();
        for method in named.filter(|m| !m.is_attention() && *m != Method::Interactions) {
            if !all.contains(&method) {
                all.push(method);
            }
        }
        if all.len() > 1 {
            let found = self.beside(&all);
            self.out.methods = self.kept("methods", found)?;
        }
        Ok(())
    }

    fn beside(&self, all: &[Method]) -> Result<Beside> {
        let a = &self.why.attribution;
        let n = a.rows.len();
        // Spread over all of them.
        let count = n.min(beside::MOST_ROWS);
        let at: Vec<usize> = (0..count).map(|k| k * n / count).collect();
        let (x, lines): (_, Vec<u32>) = (self.why.matrix.select(&at), at.iter().map(|i| a.rows[*i]).collect());
        let one = |method: &Method| {
            let options = ExplainOptions { method: Some(*method), ..self.options.clone() };
            let against = self.asked.reference.as_deref().filter(|_| method.needs_reference() || *method == Method::LinearShap);
            let options = pipeline::compared(&self.prepared.raw, self.model, &options, against)?;
            crate::explain::explain(self.model, &x, &lines, &a.data, &options, &self.ctx.without_stage())
        };
        beside::beside(&all.iter().map(one).collect::<Result<Vec<_>>>()?)
    }

    /// The strongest features that are none of several together.
    fn strongest(&self, most: usize) -> Vec<String> {
        let lone = |i: &&crate::explain::summary::Importance| i.mean_abs > 0.0 && self.why.attribution.group(i.feature).is_empty();
        self.why.summary.importance.iter().filter(lone).take(most).map(|i| i.name.clone()).collect()
    }

    fn effect(&mut self, key: &str, feature: String, second: Option<String>, kind: Kind) -> Result<()> {
        let (model, outcome) = (self.name(), self.options.outcome);
        let question = Question::Effect { model, outcome, scale: Scale::Probability, feature, second, kind, row: None };
        if let Some(Answer::Effect(curve)) = self.ask(key, &question)? {
            if curve.feature_2.is_some() { self.out.maps.push(curve) } else { self.out.curves.push(curve) }
        }
        Ok(())
    }

    /// Pairs, curves and maps.
    fn together(&mut self) -> Result<()> {
        let question = Question::Pairs { model: self.name(), outcome: self.options.outcome };
        let mut found = None;
        // For a map alone, pairs that are not known are nothing to speak of.
        if (self.asked.pairs || (self.asked.map && pairs::known(self.model)))
            && let Some(Answer::Pairs(pairs)) = self.ask("pairs", &question)?
        {
            found = Some(pairs);
        }
        let best = found.as_ref().and_then(|p| p.pairs.first()).map(|p| vec![p.a.clone(), p.b.clone()]);
        self.out.pairs = found.filter(|_| self.asked.pairs);
        for (on, key, kind) in [(self.asked.pdp, "pdp", Kind::Pdp), (self.asked.ice, "ice", Kind::Ice)] {
            for feature in self.strongest(if on { CURVES } else { 0 }) {
                self.effect(key, feature, None, kind)?;
            }
        }
        let mut maps = self.asked.maps.clone();
        if self.asked.map {
            match best.unwrap_or_else(|| self.strongest(2)).as_slice() {
                [a, b] if !maps.contains(&(a.clone(), b.clone())) => maps.insert(0, (a.clone(), b.clone())),
                [_, _] => {}
                other => drop(self.kept::<()>("map", Err(fault!("explain.map_of_two", count = other.len())))?),
            }
        }
        for (a, b) in maps {
            self.effect("map", a, Some(b), Kind::Ale)?;
        }
        Ok(())
    }

    /// The explained rows: those that stand for others, all beside one another, their ways, and groups of them.
    fn rows(&mut self) -> Result<()> {
        let (a, against) = (&self.why.attribution, self.asked.reference.clone());
        if self.asked.crowd {
            self.out.crowd = Some(Crowd::of(a, &self.why.summary));
        }
        if self.asked.paths {
            let order: Vec<usize> = self.why.summary.importance.iter().map(|i| i.feature).collect();
            self.out.paths = Some(Paths::of(a, &order));
        }
        let (model, options) = (self.name(), self.options.clone());
        if self.asked.typical {
            let question =
                Question::Typical { model: model.clone(), rows: self.rows.clone(), options: options.clone(), against: against.clone() };
            if let Some(Answer::Typical(found)) = self.ask("typical", &question)? {
                self.out.unlike = found.unlike.iter().filter_map(|at| a.rows.get(*at)).copied().collect();
                self.out.typical = Some(found);
            }
        }
        if !self.asked.cohorts.is_empty() {
            let mut conditions: Vec<String> =
                self.asked.cohorts.iter().map(|c| if c == "all" { String::new() } else { c.clone() }).collect();
            // A group alone is beside nobody.
            if conditions.len() == 1 && !conditions[0].is_empty() {
                conditions.insert(0, String::new());
            }
            let n = conditions.len();
            let found = if (2..=MOST).contains(&n) {
                let question = Question::Cohorts { model, options, against, conditions, picked: None };
                deeper::answer(&question, self.prepared, self.model, None, self.ctx)
            } else {
                Err(fault!("session.cohorts_count", n = n, most = MOST))
            };
            if let Some(Answer::Cohorts(found)) = self.kept("cohorts", found)? {
                // One row has no interval to draw.
                match found.cohorts.iter().find(|c| c.rows < 2) {
                    Some(c) => drop(self.kept::<()>("cohorts", Err(fault!("session.cohort_one", group = &c.condition)))?),
                    None => self.out.cohorts = Some(*found),
                }
            }
        }
        Ok(())
    }

    /// The model over the data: what it loses, where it errs, how few questions it is, and every row.
    fn whole(&mut self) -> Result<()> {
        let (model, outcome) = (self.name(), self.options.outcome);
        if self.asked.shuffled
            && let Some(Answer::Shuffled(found)) = self.ask("shuffled", &Question::Shuffled { model: model.clone(), outcome })?
        {
            self.out.shuffled = Some(found);
        }
        if self.asked.segments
            && let Some(Answer::Segments(found)) =
                self.ask("segments", &Question::Segments { model: model.clone(), outcome, reasons: false })?
        {
            self.out.segments = Some(found);
        }
        if self.asked.surrogate
            && let Some(Answer::Surrogate(found)) = self.ask("surrogate", &Question::Surrogate { model: model.clone(), outcome })?
        {
            self.out.surrogate = Some(found);
        }
        if self.asked.density {
            // Every row of the data is explained by the model's own method: those that ask the model would never end.
            let options = ExplainOptions { method: None, ..self.options.clone() };
            let question = Question::Density { model, options, against: self.asked.reference.clone() };
            if let Some(Answer::Density(found)) = self.ask("density", &question)? {
                self.out.density = Some(*found);
            }
        }
        Ok(())
    }
}
