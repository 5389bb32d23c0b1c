//! The flow of work: what is missing ([`Session::next_tasks`]), what came back ([`Session::finish`]), how an answer stands
//! ([`Session::status`]).

use std::sync::Arc;

use super::ledger;
use super::pipeline;
use super::state::{Answer, Ask, Finding, Job, Kept, Key, Question, Session, Sides, Status, Study, WhyRequest};
use super::task::{DeviceLine, Done, Lane, Task, Work};
use crate::base::{CancelToken, Fault, JobCtx, Result};
use crate::data::Role;
use crate::ml::{Model, ModelKind};
use crate::strategy::Baseline;

/// Rows shown while the whole file is still being read.
const PREVIEW_ROWS: usize = 200;
/// Answers to *why* and attention maps that are kept for going back and forth.
const RECENT: usize = 12;

/// A model, and what it says of all rows if that is known already.
struct Seat {
    model: Arc<dyn Model>,
    key: Key,
    kept: Option<Kept<Arc<Baseline>>>,
}

impl Seat {
    /// Asks the model about every row, unless that was done before.
    fn taken(self, prepared: &pipeline::Prepared, ctx: &JobCtx) -> Result<(Arc<dyn Model>, Kept<Arc<Baseline>>)> {
        let baseline = match self.kept {
            Some(kept) => kept,
            None => Kept { value: Arc::new(pipeline::baseline(prepared, &*self.model, ctx)?), key: self.key },
        };
        Ok((self.model, baseline))
    }
}

impl Session {
    /// The other models that a model's scenarios are judged by.
    fn judges(&self, name: &str) -> Vec<Arc<dyn Model>> {
        let (Some(recipe), Some(model)) = (&self.recipe, self.models.get(name)) else { return Vec::new() };
        ledger::others(recipe, &*model.value, self.models.values().map(|k| &k.value))
    }

    fn seat(&self, model: &Arc<dyn Model>) -> Seat {
        let key = Key::of_value(&(&model.card().fingerprint, &self.keys.prepare));
        let kept = self.baselines.iter().find(|b| b.key == key).cloned();
        Seat { model: model.clone(), key, kept }
    }

    /// Keeps what a model says of all rows; only the last question's: every row of a large file is in it.
    fn keep_baseline(&mut self, baseline: Kept<Arc<crate::strategy::Baseline>>) {
        if !self.baselines.iter().any(|b| b.key == baseline.key) {
            self.baselines = vec![baseline];
        }
    }

    /// How an answer stands.
    pub fn status(&self, ask: &Ask) -> Status {
        let Some(key) = self.key_of(ask) else { return Status::Empty };
        if self.jobs.iter().any(|j| j.ask == *ask && j.key == key && !j.token.is_cancelled()) || self.wanted.contains(ask) {
            return Status::Running;
        }
        if let Some((_, _, fault)) = self.failed.iter().find(|(a, k, _)| a == ask && *k == key) {
            return Status::Failed(fault.clone());
        }
        match self.kept_key(ask) {
            Some(kept) if *kept == key => Status::Ready,
            Some(_) => Status::Stale,
            None => Status::Empty,
        }
    }

    /// How the model of that name stands, be it of the recipe or from a file.
    pub fn model_status(&self, name: &str) -> Status {
        if self.imported.contains(name) && self.models.contains_key(name) {
            return Status::Ready;
        }
        self.status(&Ask::Train(name.to_owned()))
    }

    /// Key under which an answer would be kept now; `None` while its inputs are missing.
    fn key_of(&self, ask: &Ask) -> Option<Key> {
        let recipe = self.recipe.as_ref();
        let model = |name: &str| {
            self.prepared.as_ref()?;
            Some((&self.models.get(name)?.value.card().fingerprint, &self.keys.prepare))
        };
        match ask {
            Ask::Preview | Ask::Load => recipe.map(|_| self.keys.data.clone()),
            Ask::Profile => self.whole_data().map(|_| self.keys.profile.clone()),
            Ask::ModelFiles => Some(Key::of_value(&(&self.folder, super::imported::files(recipe?)?, self.looks))),
            Ask::Prepare => {
                (self.whole_data().is_some() && (self.has_target() || !self.imported.is_empty())).then(|| self.keys.prepare.clone())
            }
            Ask::Scan => (self.whole_data().is_some() && self.has_target()).then(|| self.keys.prepare.clone()),
            Ask::Train(name) => {
                self.whole_data()?;
                let spec = self.spec(name)?;
                match &spec.file {
                    // What is read from a file is as old as the file.
                    Some(file) if spec.kind == ModelKind::Import => {
                        let holds = self.model_files.as_ref()?.value.get(file);
                        Some(Key::of_value(&(&self.keys.prepare, spec, holds)))
                    }
                    _ => Some(Key::of_value(&(&self.keys.prepare, spec))),
                }
            }
            Ask::Why(r) => Some(Key::of_value(&(model(&r.model)?, format!("{:?}", (&r.rows, &r.options, &r.against))))),
            Ask::Deeper(q) => {
                // Two models: the answer is as old as the older of them.
                let other = q.other().map(model);
                if matches!(other, Some(None)) {
                    return None;
                }
                let items = recipe?.recommend.as_ref().filter(|_| matches!(q, Question::Contrast { sides: Sides::Items(..), .. }));
                Some(Key::of_value(&(model(q.model())?, format!("{q:?}"), other.flatten().map(|o| o.0), items)))
            }
            Ask::Study(s) if let Study::Feedback(asked) = &**s => {
                let recipe = recipe?;
                // The advice before and now is the project's.
                let tests: Vec<_> = recipe.studies.iter().filter(|s| matches!(s.ask, Study::Experiment(_))).collect();
                Some(Key::of_value(&(model(&self.beside(asked)?)?, s, &recipe.scenarios, &recipe.simulate, &recipe.recommend, tests)))
            }
            Ask::Study(s) if !s.needs_data() => Some(Key::of_value(s)),
            Ask::Study(s) => Some(Key::of_value(&(&self.whole_data()?.fingerprint, s))),
            Ask::Attention { model: m, line, outcome, silent } => Some(Key::of_value(&(model(m)?, line, outcome, silent))),
            Ask::Levers(m) => Some(Key::of_value(&(model(m)?, &self.keys.levers))),
            Ask::Simulate(m) => {
                let others: Vec<_> = self.judges(m).iter().map(|o| o.card().fingerprint.clone()).collect();
                Some(Key::of_value(&(model(m)?, &self.keys.levers, &self.keys.scenarios, others)))
            }
            Ask::Between { model: m, two } => Some(Key::of_value(&(model(m)?, &self.keys.levers, &self.keys.scenarios, two))),
            Ask::Frontier { model: m, scenario } => Some(Key::of_value(&(model(m)?, &self.keys.levers, &self.keys.scenarios, scenario))),
            Ask::Rank { model: m, person } => Some(Key::of_value(&(model(m)?, person, &recipe?.recommend))),
            _ => Some(Key::default()),
        }
    }

    fn kept_key(&self, ask: &Ask) -> Option<&Key> {
        match ask {
            Ask::Preview => self.loaded.as_ref().map(|k| &k.key),
            Ask::Load => self.loaded.as_ref().filter(|l| !l.value.preview).map(|k| &k.key),
            Ask::Profile => self.profile.as_ref().map(|k| &k.key),
            Ask::ModelFiles => self.model_files.as_ref().map(|k| &k.key),
            Ask::Prepare => self.prepared.as_ref().map(|k| &k.key),
            Ask::Train(name) => self.models.get(name).map(|k| &k.key),
            Ask::Why(r) => self.whys.iter().rev().find(|(a, _)| a == r).map(|(_, k)| &k.key),
            Ask::Deeper(q) => self.answers.iter().rev().find(|(a, _)| a == q).map(|(_, k)| &k.key),
            Ask::Study(s) => self.findings.iter().rev().find(|(a, _)| a == &**s).map(|(_, k)| &k.key),
            Ask::Attention { .. } => self.attentions.iter().rev().find(|(a, _)| a == ask).map(|(_, k)| &k.key),
            Ask::Levers(m) => self.levers.get(m).map(|k| &k.key),
            Ask::Scan => self.scan.as_ref().map(|k| &k.key),
            Ask::Simulate(m) => self.simulations.get(m).map(|k| &k.key),
            Ask::Between { .. } => self.between.as_ref().filter(|(a, _)| a == ask).map(|(_, k)| &k.key),
            Ask::Frontier { .. } => self.frontier.as_ref().filter(|(a, _)| a == ask).map(|(_, k)| &k.key),
            Ask::Rank { .. } => self.ranking.as_ref().filter(|(a, _)| a == ask).map(|(_, k)| &k.key),
            _ => None,
        }
    }

    /// The whole file, as the recipe wants it read.
    fn whole_data(&self) -> Option<&Arc<crate::data::Loaded>> {
        self.loaded.as_ref().filter(|l| !l.value.preview && l.key == self.keys.data).map(|l| &l.value)
    }

    /// Whether some column is the outcome.
    pub fn has_target(&self) -> bool {
        self.roles.as_ref().is_some_and(|r| r.of.values().any(|r| *r == Role::Target))
    }

    /// Work that is missing now. The caller runs each task and gives the outcome to [`Session::finish`].
    pub fn next_tasks(&mut self) -> Vec<Task> {
        let mut asks = Vec::new();
        if self.recipe.is_some() {
            if self.status(&Ask::Load) != Status::Ready {
                asks.push(Ask::Preview);
            }
            asks.extend([Ask::ModelFiles, Ask::Load, Ask::Profile, Ask::Prepare]);
        }
        let waiting = std::mem::take(&mut self.wanted);
        asks.extend(waiting);
        let mut tasks = Vec::new();
        for ask in asks {
            if ask.is_click() {
                if self.job(&ask).is_some() {
                    continue;
                }
                self.failed.retain(|(a, _, _)| *a != ask);
            } else if !matches!(self.status(&ask), Status::Empty | Status::Stale) {
                continue;
            }
            let Some(key) = self.key_of(&ask) else {
                self.postpone(ask);
                continue;
            };
            match self.work(&ask) {
                Some((lane, saving, work)) => {
                    if matches!(ask, Ask::SaveProject(_)) {
                        self.saving = self.revision;
                    }
                    for job in self.jobs.iter().filter(|j| j.ask.gives_way_to(&ask) && !j.saving) {
                        job.token.cancel();
                    }
                    let (id, token) = (self.take_id(), CancelToken::default());
                    self.jobs.push(Job { id, ask: ask.clone(), key, saving, token: token.clone() });
                    tasks.push(Task { id, ask, lane, saving, token, work });
                }
                None => self.postpone(ask),
            }
        }
        tasks
    }

    /// A click that still waits for its inputs keeps waiting; what drawing asked for will be asked for again.
    fn postpone(&mut self, ask: Ask) {
        let inputs_failed = [Ask::Load, Ask::Prepare].iter().any(|a| matches!(self.status(a), Status::Failed(_)));
        if matches!(ask, Ask::Train(_) | Ask::Scan) && self.recipe.is_some() && !inputs_failed {
            self.wanted.push(ask);
        }
    }

    fn work(&self, ask: &Ask) -> Option<(Lane, bool, Work)> {
        let (recipe, folder) = (self.recipe.clone(), self.folder.clone());
        let prepared = || self.prepared.as_ref().filter(|p| p.key == self.keys.prepare).map(|p| p.value.clone());
        let model = |name: &str| self.models.get(name).map(|k| k.value.clone());
        let compute = |work: Work| Some((Lane::Compute, false, work));
        match ask.clone() {
            Ask::Preview => {
                let recipe = recipe?;
                let work: Work = Box::new(move |_| {
                    let path = folder.join(&recipe.data.path);
                    crate::data::read::preview(&path, &recipe.data.read, PREVIEW_ROWS).map(loaded)
                });
                Some((Lane::Io, false, work))
            }
            Ask::Load => {
                let recipe = recipe?;
                Some((Lane::Io, false, Box::new(move |ctx| pipeline::load(&recipe, &folder, ctx).map(loaded))))
            }
            Ask::ModelFiles => {
                let files = super::imported::files(&recipe?)?;
                Some((Lane::Io, false, Box::new(move |_| Ok(Done::ModelFiles(Arc::new(super::imported::fingerprints(&files, &folder)))))))
            }
            Ask::Profile => {
                let (recipe, data) = (recipe?, self.whole_data()?.clone());
                compute(Box::new(move |ctx| pipeline::profile(&recipe, &data, ctx).map(|p| Done::Profile(Arc::new(p)))))
            }
            Ask::Prepare => {
                let (recipe, data) = (recipe?, self.whole_data()?.clone());
                compute(Box::new(move |ctx| pipeline::prepare(&recipe, &data, ctx).map(|p| Done::Prepared(Arc::new(p)))))
            }
            Ask::Train(name) => {
                let (spec, prepared, folder) = (self.spec(&name)?.clone(), prepared()?, self.folder.clone());
                compute(Box::new(move |ctx| super::imported::model(&prepared, &spec, &folder, ctx).map(Done::Trained)))
            }
            Ask::Why(r) => {
                let (model, prepared) = (model(&r.model)?, prepared()?);
                compute(Box::new(move |ctx| {
                    pipeline::why(&prepared, &*model, &r.rows, &r.options, r.against.as_deref(), ctx).map(|mut w| {
                        w.model = r.model;
                        Done::Why(Arc::new(w))
                    })
                }))
            }
            Ask::Deeper(q) => {
                let (model, prepared) = (model(q.model())?, prepared()?);
                let known = match &q {
                    Question::Trust { model, rows, options, against } | Question::Typical { model, rows, options, against } => {
                        let asked =
                            WhyRequest { model: model.clone(), rows: rows.clone(), options: options.clone(), against: against.clone() };
                        let fresh = self.status(&Ask::Why(asked.clone())) == Status::Ready;
                        // What is tested is what is on screen; the test waits for it.
                        Some(self.why(&asked).filter(|_| fresh)?.clone())
                    }
                    _ => None,
                };
                let other = match q.other() {
                    Some(name) => Some(self.models.get(name)?.value.clone()),
                    None => None,
                };
                compute(Box::new(move |ctx| {
                    if let Question::Contrast { sides: Sides::Items(person, a, b), options, .. } = &q {
                        let recipe = recipe.ok_or_else(|| crate::fault!("session.no_rows_chosen"))?;
                        let found = pipeline::between((&recipe, &folder), &prepared, &*model, person, (a, b), options, ctx)?;
                        return Ok(Done::Deeper(Arc::new(Answer::Contrast(found))));
                    }
                    let found = match other {
                        Some(other) => super::deeper::contrast_models(&q, &prepared, &*model, &*other, ctx).map(Answer::Contrast),
                        None => super::deeper::answer(&q, &prepared, &*model, known.as_deref(), ctx),
                    };
                    found.map(|a| Done::Deeper(Arc::new(a)))
                }))
            }
            Ask::Study(study) if matches!(*study, Study::Feedback(_)) => {
                let Study::Feedback(asked) = *study else { return None };
                let (recipe, prepared, model) = (recipe?, prepared()?, model(&self.beside(&asked)?)?);
                compute(Box::new(move |ctx| {
                    super::feedback::beside(&*model, &asked, (&recipe, &folder), &prepared, ctx)
                        .map(|(found, version)| Done::Fed(Arc::new(Finding::Feedback(Box::new(found))), version))
                }))
            }
            Ask::Study(study) => {
                let data = self.whole_data()?.clone();
                compute(Box::new(move |ctx| crate::strategy::study::answer(&study, &data, ctx).map(|f| Done::Finding(Arc::new(f)))))
            }
            Ask::Attention { model: m, line, outcome, silent } => {
                let (model, prepared) = (model(&m)?, prepared()?);
                compute(Box::new(move |ctx| {
                    pipeline::attention(&prepared, &*model, line, outcome, &silent, ctx).map(|a| Done::Attention(Arc::new(a)))
                }))
            }
            Ask::Levers(m) => {
                let (recipe, model, prepared) = (recipe?, model(&m)?, prepared()?);
                compute(Box::new(move |ctx| pipeline::levers(&recipe, &prepared, &*model, ctx).map(|l| Done::Levers(Arc::new(l)))))
            }
            Ask::Scan => {
                let prepared = prepared()?;
                compute(Box::new(move |ctx| pipeline::scan(&prepared, ctx).map(|s| Done::Scan(Arc::new(s)))))
            }
            Ask::Simulate(m) => {
                let (recipe, model, prepared) = (recipe?, model(&m)?, prepared()?);
                let levers = self.levers.get(&m).filter(|_| self.status(&Ask::Levers(m.clone())) == Status::Ready)?.value.clone();
                let scenarios: Vec<_> = recipe.scenarios.iter().chain(&self.draft).cloned().collect();
                let mut seats = vec![self.seat(&model)];
                seats.extend(self.judges(&m).iter().map(|o| self.seat(o)));
                compute(Box::new(move |ctx| {
                    let found: Vec<_> = seats.into_iter().map(|s| s.taken(&prepared, ctx)).collect::<Result<_>>()?;
                    let seats: Vec<_> = found.iter().map(|(m, b)| (m.clone(), b.value.clone())).collect();
                    let first = (&*seats[0].0, &*seats[0].1);
                    let s = ledger::simulate(&recipe, &prepared, first, &seats[1..], &scenarios, &levers, ctx)?;
                    Ok(Done::Simulation(Arc::new(s), found.into_iter().map(|(_, b)| b).collect()))
                }))
            }
            Ask::Between { model: m, two } => {
                let (recipe, model, prepared) = (recipe?, model(&m)?, prepared()?);
                let levers = self.levers.get(&m).filter(|_| self.status(&Ask::Levers(m.clone())) == Status::Ready)?.value.clone();
                let scenario = |name: &String| recipe.scenarios.iter().chain(&self.draft).find(|s| s.name == *name).cloned();
                let (a, b, seat) = (scenario(&two[0])?, scenario(&two[1])?, self.seat(&model));
                compute(Box::new(move |ctx| {
                    let (_, baseline) = seat.taken(&prepared, ctx)?;
                    let found = ledger::between(&recipe, &prepared, (&*model, &*baseline.value), [&a, &b], &levers, ctx)?;
                    Ok(Done::Between(Arc::new(found), baseline))
                }))
            }
            Ask::Frontier { model: m, scenario } => {
                let (recipe, model, prepared) = (recipe?, model(&m)?, prepared()?);
                let levers = self.levers.get(&m).filter(|_| self.status(&Ask::Levers(m.clone())) == Status::Ready)?.value.clone();
                let scenario = recipe.scenarios.iter().chain(&self.draft).find(|s| s.name == scenario).cloned()?;
                let seat = self.seat(&model);
                compute(Box::new(move |ctx| {
                    let (_, baseline) = seat.taken(&prepared, ctx)?;
                    let found = ledger::frontier(&recipe, &prepared, (&*model, &*baseline.value), &scenario, &levers, ctx)?;
                    Ok(Done::Frontier(Arc::new(found), baseline))
                }))
            }
            Ask::Rank { model: m, person } => {
                let (recipe, model, prepared) = (recipe?, model(&m)?, prepared()?);
                compute(Box::new(move |ctx| {
                    pipeline::rank(&recipe, &folder, &prepared, &*model, &person, ctx).map(|r| Done::Ranking(Arc::new(r)))
                }))
            }
            Ask::Devices => compute(Box::new(|_| {
                let line = |d: crate::ml::device::DeviceInfo| DeviceLine {
                    name: d.name,
                    backend: d.backend,
                    software: d.software,
                    choice: d.choice,
                    memory: d.memory,
                };
                Ok(Done::Devices(crate::ml::device::list().into_iter().map(line).collect()))
            })),
            Ask::WriteText { path, text } => {
                let work: Work = Box::new(move |_| {
                    crate::base::file::write_atomic(&path, text.as_bytes())?;
                    Ok(Done::Saved(Some(path)))
                });
                Some((Lane::Io, true, work))
            }
            Ask::WritePicture { path, width, rgba } => {
                let work: Work = Box::new(move |_| {
                    crate::base::file::write_atomic(&path, &super::files::png(width, &rgba)?)?;
                    Ok(Done::Saved(Some(path)))
                });
                Some((Lane::Io, true, work))
            }
            ask => super::files::work(self, &ask),
        }
    }

    /// Takes a task's outcome. An answer to an older recipe is kept as the last good one, marked stale by its key.
    pub fn finish(&mut self, id: u64, result: Result<Done>) {
        self.progress.remove(&id);
        let Some(at) = self.jobs.iter().position(|j| j.id == id) else { return };
        let job = self.jobs.remove(at);
        match result {
            Ok(done) => {
                self.failed.retain(|(a, _, _)| *a != job.ask);
                self.keep(job, done);
            }
            Err(fault) if fault.is_cancelled() => {
                if let Ask::Train(name) = &job.ask {
                    self.say(crate::note!("ui.training_stopped", model = name), false);
                }
            }
            Err(fault) => self.failed_with(job, fault),
        }
    }

    fn failed_with(&mut self, job: Job, fault: Fault) {
        let superseded = job.ask == Ask::Preview;
        if !job.ask.fails_in_its_pane() && !superseded {
            self.say_fault(&fault);
        }
        if !matches!(job.ask, Ask::SaveProject(_) | Ask::Autosave | Ask::WriteText { .. } | Ask::WritePicture { .. } | Ask::Report { .. }) {
            self.failed.retain(|(a, _, _)| *a != job.ask);
            self.failed.push((job.ask, job.key, fault));
        }
    }

    fn keep(&mut self, job: Job, done: Done) {
        let (ask, key) = (job.ask.clone(), job.key.clone());
        match (ask, done) {
            (Ask::Preview | Ask::Load, Done::Loaded(value, detected)) => {
                if value.preview && self.whole_data().is_some() || key != self.keys.data {
                    return;
                }
                self.detected = detected;
                let saved_with = self.recipe.as_ref().and_then(|r| r.data.fingerprint.clone());
                if !value.preview && saved_with.is_some_and(|f| f != value.fingerprint.0) {
                    self.say(crate::note!("ui.data_changed", file = &value.path), true);
                }
                self.loaded = Some(Kept { value, key });
                self.refresh();
                self.read_again();
            }
            (_, Done::ModelFiles(value)) => self.keep_model_files(Kept { value, key }),
            (_, Done::Profile(value)) => self.profile = Some(Kept { value, key }),
            (_, Done::Prepared(value)) => self.prepared = Some(Kept { value, key }),
            (Ask::Train(name), Done::Trained(value)) => {
                self.imported.remove(&name);
                self.models.insert(name.clone(), Kept { value, key });
                if !self.unasked.remove(&name) {
                    self.dirty = true;
                    self.revision += 1;
                }
                self.say(crate::note!("ui.trained", model = name), false);
            }
            (Ask::Why(r), Done::Why(value)) => {
                self.whys.retain(|(a, _)| *a != r);
                self.whys.push((r, Kept { value, key }));
                drop_oldest(&mut self.whys);
            }
            (Ask::Deeper(q), Done::Deeper(value)) => {
                // A drag asks many times; only what it came to is kept.
                let moved = matches!(q, Question::Moved { .. });
                self.answers.retain(|(a, _)| *a != q && !(moved && matches!(a, Question::Moved { .. })));
                // What went through every row is dear: it stays while cheaper answers come and go, one of each kind.
                let dear = |q: &Question| matches!(q, Question::Density { .. } | Question::Everyone { .. });
                if dear(&q) {
                    self.answers.retain(|(a, _)| !a.like(&q));
                }
                self.answers.push((q, Kept { value, key }));
                if self.answers.len() > RECENT
                    && let Some(oldest) = self.answers.iter().position(|(a, _)| !dear(a))
                {
                    self.answers.remove(oldest);
                }
            }
            (Ask::Study(s), Done::Fed(value, version)) => {
                if let Some(version) = version {
                    self.versions.insert(version.card().spec.name.clone(), version);
                }
                self.keep(Job { ask: Ask::Study(s), key, id: job.id, saving: job.saving, token: job.token }, Done::Finding(value));
                self.shelve();
            }
            (Ask::Study(s), Done::Finding(value)) => {
                self.findings.retain(|(a, _)| *a != *s);
                self.findings.push((*s, Kept { value, key }));
                drop_oldest(&mut self.findings);
            }
            (ask, Done::Attention(value)) => {
                self.attentions.retain(|(a, _)| *a != ask);
                self.attentions.push((ask, Kept { value, key }));
                drop_oldest(&mut self.attentions);
            }
            (_, Done::Scan(value)) => self.scan = Some(Kept { value, key }),
            (Ask::Levers(m), Done::Levers(value)) => drop(self.levers.insert(m, Kept { value, key })),
            (Ask::Simulate(m), Done::Simulation(value, baselines)) => {
                // The last question's are kept: every row of a large file is in each.
                self.baselines = baselines;
                self.simulations.insert(m, Kept { value, key });
            }
            (ask, Done::Between(value, baseline)) => {
                self.keep_baseline(baseline);
                self.between = Some((ask, Kept { value, key }));
            }
            (ask, Done::Frontier(value, baseline)) => {
                self.keep_baseline(baseline);
                self.frontier = Some((ask, Kept { value, key }));
            }
            (ask, Done::Ranking(value)) => self.ranking = Some((ask, Kept { value, key })),
            (_, Done::Devices(lines)) => self.devices = lines,
            (ask, done) => self.keep_file(ask, done),
        }
    }

    /// Runs everything that is missing right here, until nothing is. For tests and scripts; work that is asked for again
    /// and again is a mistake in the flow, so it ends with a panic instead of never.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            let tasks = self.next_tasks();
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                self.finish(task.id, (task.work)(&JobCtx::quiet()));
            }
        }
        panic!("the session asks for the same work for ever: {:?}", self.next_tasks());
    }
}

fn loaded(l: crate::data::Loaded) -> Done {
    let detected = Arc::new(crate::data::Roles::detect(&l.table));
    Done::Loaded(Arc::new(l), detected)
}

fn drop_oldest<T>(recent: &mut Vec<T>) {
    if recent.len() > RECENT {
        recent.remove(0);
    }
}
