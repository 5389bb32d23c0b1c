//! Everything that edits the recipe, as data, with undo.
//!
//! A view sends a [`Command`]; [`Command::apply`] is the only place where a recipe changes. What became stale follows from
//! the recipe itself, because every result is kept under a key of its inputs.

use std::path::PathBuf;

use super::recipe::{
    ContrastSpec, DataSection, ExplainSection, Recipe, RecommendSection, ReportSection, RolesSection, SimulateSection, SplitSection,
    check_groups,
};
use crate::base::{Notice, Result};
use crate::data::{LeverType, ReadOptions, Role, Roles, Step};
use crate::explain::counterfactual::Rules;
use crate::ml::ModelSpec;
use crate::strategy::Scenario;
use crate::strategy::study::NamedStudy;
use crate::{fault, note};

/// One edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Points the recipe at another file.
    OpenData {
        /// The file.
        path: PathBuf,
    },
    /// Changes how the file is read.
    SetRead(ReadOptions),
    /// Changes what a column is for.
    SetRole {
        /// The column.
        column: String,
        /// Its new role.
        role: Role,
    },
    /// Says whether a column's numbers are codes.
    SetCategorical {
        /// The column.
        column: String,
        /// Codes, or amounts.
        yes: bool,
    },
    /// Says whether a scenario may move a column.
    SetLever {
        /// The column.
        column: String,
        /// It may, or not.
        yes: bool,
    },
    /// Says what moving columns would mean, or takes it back; several at once are one step.
    SetTypes(Vec<(String, Option<LeverType>)>),
    /// Says which value of the target counts as yes.
    SetPositive(Option<String>),
    /// Inserts a preparation step.
    AddStep {
        /// Position.
        at: usize,
        /// The step.
        step: Step,
    },
    /// Changes a preparation step.
    ReplaceStep {
        /// Position.
        at: usize,
        /// The new step.
        step: Step,
    },
    /// Removes a preparation step.
    RemoveStep {
        /// Position.
        at: usize,
    },
    /// Moves a preparation step.
    MoveStep {
        /// From this position.
        from: usize,
        /// To this one.
        to: usize,
    },
    /// Changes the split.
    SetSplit(SplitSection),
    /// Adds a model.
    AddModel(ModelSpec),
    /// Changes a model's settings.
    ReplaceModel {
        /// Its name.
        name: String,
        /// The new settings.
        spec: ModelSpec,
    },
    /// Removes a model.
    RemoveModel {
        /// Its name.
        name: String,
    },
    /// Adds a scenario.
    AddScenario(Scenario),
    /// Changes a scenario.
    ReplaceScenario {
        /// Its name.
        name: String,
        /// What it becomes.
        scenario: Scenario,
    },
    /// Removes a scenario.
    RemoveScenario {
        /// Its name.
        name: String,
    },
    /// Makes a group of features, or changes one.
    SetGroup {
        /// The group that is changed; a new one if absent.
        old: Option<String>,
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// Takes a group of features apart.
    RemoveGroup {
        /// Its name.
        name: String,
    },
    /// Changes what may change, and how, where the smallest change is looked for.
    SetRules(Rules),
    /// Changes how the what-ifs are answered.
    SetSimulate(SimulateSection),
    /// Adds a study.
    AddStudy(NamedStudy),
    /// Changes a study.
    ReplaceStudy {
        /// Its name.
        name: String,
        /// What it becomes.
        study: NamedStudy,
    },
    /// Removes a study.
    RemoveStudy {
        /// Its name.
        name: String,
    },
    /// Changes what is explained.
    SetExplain(ExplainSection),
    /// Changes whom to recommend for.
    SetRecommend(Option<RecommendSection>),
    /// Changes what is reported.
    SetReport(ReportSection),
}

/// That a command was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed;

impl Command {
    /// Edits the recipe, or says why not and leaves it as it was.
    pub fn apply(&self, recipe: &mut Recipe, detected: &Roles) -> Result<Changed> {
        let step_at = |at: usize, steps: &[Step]| {
            if at < steps.len() { Ok(at) } else { Err(fault!("session.no_step", number = at + 1)) }
        };
        match self.clone() {
            Self::OpenData { path } => {
                recipe.data = DataSection { path, fingerprint: None, read: recipe.data.read.clone() };
            }
            Self::SetRead(read) => recipe.data.read = read,
            Self::SetRole { column, role } => set_role(&mut recipe.roles, detected, column, role),
            Self::SetCategorical { column, yes } => {
                recipe.roles.categorical.retain(|c| *c != column);
                recipe.roles.numeric.retain(|c| *c != column);
                if detected.categorical.contains(&column) != yes {
                    if yes { recipe.roles.categorical.push(column) } else { recipe.roles.numeric.push(column) }
                }
            }
            Self::SetLever { column, yes } => {
                set_type(recipe, &column, yes.then_some(LeverType::Lever));
            }
            Self::SetTypes(types) => {
                for (column, kind) in types {
                    set_type(recipe, &column, kind);
                }
            }
            Self::SetPositive(positive) => recipe.roles.positive = positive,
            Self::AddStep { at, step } => recipe.prepare.insert(at.min(recipe.prepare.len()), step),
            Self::ReplaceStep { at, step } => {
                let at = step_at(at, &recipe.prepare)?;
                recipe.prepare[at] = step;
            }
            Self::RemoveStep { at } => {
                let at = step_at(at, &recipe.prepare)?;
                drop(recipe.prepare.remove(at));
            }
            Self::MoveStep { from, to } => {
                let (from, to) = (step_at(from, &recipe.prepare)?, step_at(to, &recipe.prepare)?);
                let step = recipe.prepare.remove(from);
                recipe.prepare.insert(to, step);
            }
            Self::SetSplit(split) => recipe.split = split,
            Self::AddModel(spec) => {
                if recipe.models.iter().any(|m| m.name == spec.name) {
                    return Err(fault!("session.name_taken", name = &spec.name));
                }
                recipe.models.push(spec);
            }
            Self::ReplaceModel { name, spec } => {
                if spec.name != name && recipe.models.iter().any(|m| m.name == spec.name) {
                    return Err(fault!("session.name_taken", name = &spec.name));
                }
                let slot = recipe.models.iter_mut().find(|m| m.name == name).ok_or_else(|| fault!("session.no_model", name = &name))?;
                let new = spec.name.clone();
                *slot = spec;
                // Whatever asks this model goes on asking it under its new name.
                let asking = recipe.scenarios.iter_mut().map(|s| &mut s.model);
                let asking =
                    asking.chain(std::iter::once(&mut recipe.explain.model)).chain(recipe.recommend.iter_mut().map(|r| &mut r.model));
                for asked in asking.filter(|m| m.as_ref() == Some(&name)) {
                    *asked = Some(new.clone());
                }
                for asked in recipe.explain.contrasts.iter_mut().flat_map(ContrastSpec::models).filter(|m| **m == name) {
                    asked.clone_from(&new);
                }
            }
            Self::RemoveModel { name } => {
                recipe.models.retain(|m| m.name != name);
                // Whatever asked this model asks the first of the others.
                recipe.scenarios.iter_mut().filter(|s| s.model.as_ref() == Some(&name)).for_each(|s| s.model = None);
                if recipe.explain.model.as_ref() == Some(&name) {
                    // The methods were those of this model.
                    (recipe.explain.model, recipe.explain.methods) = (None, Vec::new());
                }
                recipe.explain.contrasts.retain_mut(|c| !c.models().any(|m| *m == name));
                if let Some(r) = recipe.recommend.as_mut().filter(|r| r.model.as_ref() == Some(&name)) {
                    r.model = None;
                }
            }
            Self::AddScenario(scenario) => {
                if recipe.scenarios.iter().any(|s| s.name == scenario.name) {
                    return Err(fault!("session.name_taken", name = &scenario.name));
                }
                recipe.scenarios.push(scenario);
            }
            Self::ReplaceScenario { name, scenario } => {
                if scenario.name != name && recipe.scenarios.iter().any(|s| s.name == scenario.name) {
                    return Err(fault!("session.name_taken", name = &scenario.name));
                }
                *recipe.scenarios.iter_mut().find(|s| s.name == name).ok_or_else(|| fault!("session.no_scenario", name = &name))? =
                    scenario;
            }
            Self::RemoveScenario { name } => recipe.scenarios.retain(|s| s.name != name),
            Self::SetGroup { old, name, columns } => {
                let name = name.trim().to_owned();
                let mut groups = recipe.explain.groups.clone();
                if let Some(old) = &old {
                    groups.remove(old);
                }
                if groups.contains_key(&name) {
                    return Err(fault!("session.name_taken", name = &name));
                }
                if detected.of.contains_key(&name) && !columns.contains(&name) {
                    return Err(fault!("explain.group_name", group = &name));
                }
                groups.insert(name, columns);
                check_groups(&groups)?;
                recipe.explain.groups = groups;
            }
            Self::RemoveGroup { name } => drop(recipe.explain.groups.remove(&name)),
            Self::SetRules(rules) => {
                rules.check_numbers()?;
                recipe.explain.rules = rules;
            }
            Self::SetSimulate(simulate) => recipe.simulate = simulate,
            Self::AddStudy(study) => {
                if recipe.studies.iter().any(|s| s.name == study.name) {
                    return Err(fault!("session.name_taken", name = &study.name));
                }
                recipe.studies.push(study);
            }
            Self::ReplaceStudy { name, study } => {
                if study.name != name && recipe.studies.iter().any(|s| s.name == study.name) {
                    return Err(fault!("session.name_taken", name = &study.name));
                }
                *recipe.studies.iter_mut().find(|s| s.name == name).ok_or_else(|| fault!("session.no_study", name = &name))? = study;
            }
            Self::RemoveStudy { name } => recipe.studies.retain(|s| s.name != name),
            Self::SetExplain(explain) => recipe.explain = explain,
            Self::SetRecommend(recommend) => recipe.recommend = recommend,
            Self::SetReport(report) => recipe.report = report,
        }
        Ok(Changed)
    }

    /// What undo says it takes back.
    pub fn title(&self) -> Notice {
        match self {
            Self::OpenData { .. } => note!("session.did_open"),
            Self::SetRead(_) => note!("session.did_read"),
            Self::SetRole { column, .. } => note!("session.did_role", column = column),
            Self::SetCategorical { column, .. } => note!("session.did_categorical", column = column),
            Self::SetLever { column, .. } => note!("session.did_lever", column = column),
            Self::SetTypes(types) => match &types[..] {
                [(column, _)] => note!("session.did_type", column = column),
                many => note!("session.did_types", count = many.len()),
            },
            Self::SetPositive(_) => note!("session.did_positive"),
            Self::AddStep { .. } | Self::ReplaceStep { .. } | Self::RemoveStep { .. } | Self::MoveStep { .. } => note!("session.did_step"),
            Self::SetSplit(_) => note!("session.did_split"),
            Self::AddModel(spec) | Self::ReplaceModel { spec, .. } => note!("session.did_model", name = &spec.name),
            Self::RemoveModel { name } => note!("session.did_model", name = name),
            Self::AddScenario(s) | Self::ReplaceScenario { scenario: s, .. } => note!("session.did_scenario", name = &s.name),
            Self::RemoveScenario { name } => note!("session.did_scenario", name = name),
            Self::SetGroup { name, .. } | Self::RemoveGroup { name } => note!("session.did_group", name = name),
            Self::SetRules(_) => note!("session.did_rules"),
            Self::SetSimulate(_) => note!("session.did_simulate"),
            Self::AddStudy(s) | Self::ReplaceStudy { study: s, .. } => note!("session.did_study", name = &s.name),
            Self::RemoveStudy { name } => note!("session.did_study", name = name),
            Self::SetExplain(_) => note!("session.did_explain"),
            Self::SetRecommend(_) => note!("session.did_recommend"),
            Self::SetReport(_) => note!("session.did_report"),
        }
    }

    /// Whether this edit goes on where the last one stopped (a slider that is still moving), so that undo takes back both.
    fn continues(&self, last: &Self) -> bool {
        match (self, last) {
            (Self::ReplaceScenario { name: a, scenario: s }, Self::ReplaceScenario { name: b, scenario: t }) => {
                a == b && s.name == t.name && s.set.keys().eq(t.set.keys())
            }
            // To keep a version and to take it back are two edits: neither is typing that goes on.
            (Self::ReplaceStudy { name: a, study: s }, Self::ReplaceStudy { name: b, study: t }) => {
                a == b && s.name == t.name && s.ask.question() == s.ask && t.ask.question() == t.ask
            }
            (Self::ReplaceStep { at: a, .. }, Self::ReplaceStep { at: b, .. }) => a == b,
            (Self::ReplaceModel { name: a, spec: s }, Self::ReplaceModel { name: b, spec: t }) => a == b && s.name == t.name,
            _ => false,
        }
    }
}

/// A column that is no lever any more leaves the scenarios.
fn set_type(recipe: &mut Recipe, column: &str, kind: Option<LeverType>) {
    let was = recipe.roles.lever.iter().any(|c| c == column);
    recipe.roles.set_type(column, kind);
    if !was || kind == Some(LeverType::Lever) {
        return;
    }
    for scenario in &mut recipe.scenarios {
        // An outcome proxy that was unlocked on purpose stays moved, and What-if says so.
        if kind != Some(LeverType::Proxy) || !scenario.overridden.iter().any(|c| c == column) {
            scenario.set.remove(column);
        }
    }
}

fn set_role(roles: &mut RolesSection, detected: &Roles, column: String, role: Role) {
    for (_, list) in lists(roles) {
        list.retain(|c| *c != column);
    }
    if role == Role::Target {
        // The outcome that detection found stays one only if nobody names another.
        roles.target.push(column);
        return;
    }
    if detected.role(&column) != role || role == Role::Feature {
        for (r, list) in lists(roles) {
            if r == role {
                list.push(column.clone());
            }
        }
    }
}

/// The list of every role.
pub(super) fn lists(roles: &mut RolesSection) -> [(Role, &mut Vec<String>); 13] {
    let RolesSection { target, feature, ignore, user, item, time, event, treatment, propensity, value, cost, text, sensitive, .. } = roles;
    [
        (Role::Target, target),
        (Role::Feature, feature),
        (Role::Ignore, ignore),
        (Role::User, user),
        (Role::Item, item),
        (Role::Time, time),
        (Role::Event, event),
        (Role::Treatment, treatment),
        (Role::Propensity, propensity),
        (Role::Value, value),
        (Role::Cost, cost),
        (Role::Text, text),
        (Role::Sensitive, sensitive),
    ]
}

/// Undo and redo over whole recipes, which are small.
#[derive(Debug, Default)]
pub struct History {
    undo: Vec<(Recipe, Notice)>,
    redo: Vec<(Recipe, Notice)>,
    last: Option<Command>,
}

/// Steps kept.
const DEPTH: usize = 200;

impl History {
    /// Remembers the recipe as it was before a command.
    pub fn push(&mut self, before: Recipe, command: &Command) {
        let goes_on = self.redo.is_empty() && !self.undo.is_empty() && self.last.as_ref().is_some_and(|last| command.continues(last));
        self.redo.clear();
        self.last = Some(command.clone());
        if goes_on {
            return;
        }
        self.undo.push((before, command.title()));
        if self.undo.len() > DEPTH {
            self.undo.remove(0);
        }
    }
    /// Goes one step back.
    pub fn undo(&mut self, recipe: &mut Recipe) -> Option<Changed> {
        let (before, title) = self.undo.pop()?;
        self.redo.push((std::mem::replace(recipe, before), title));
        self.last = None;
        Some(Changed)
    }
    /// Goes one step forward again.
    pub fn redo(&mut self, recipe: &mut Recipe) -> Option<Changed> {
        let (after, title) = self.redo.pop()?;
        self.undo.push((std::mem::replace(recipe, after), title));
        self.last = None;
        Some(Changed)
    }
    /// Ends a run of edits that belong together: the next one is a step of its own.
    pub fn pause(&mut self) {
        self.last = None;
    }
    /// What undo would take back.
    pub fn undo_title(&self) -> Option<&Notice> {
        self.undo.last().map(|(_, t)| t)
    }
    /// What redo would bring back.
    pub fn redo_title(&self) -> Option<&Notice> {
        self.redo.last().map(|(_, t)| t)
    }
    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }
    /// Whether there is something to bring back.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ml::ModelKind;

    fn run(recipe: &mut Recipe, history: &mut History, command: Command) {
        let before = recipe.clone();
        command.apply(recipe, &Roles::default()).unwrap();
        history.push(before, &command);
    }

    #[test]
    fn every_edit_can_be_taken_back_and_brought_back() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        let mut history = History::default();
        let mut states = vec![recipe.clone()];
        for command in [
            Command::SetRole { column: "x".into(), role: Role::Ignore },
            Command::SetCategorical { column: "y".into(), yes: true },
            Command::SetLever { column: "z".into(), yes: true },
            Command::SetTypes(vec![("z".into(), Some(LeverType::Proxy)), ("x".into(), Some(LeverType::Context))]),
            Command::SetTypes(vec![("z".into(), None)]),
            Command::AddStep { at: 0, step: Step::Deduplicate { columns: vec![] } },
            Command::AddModel(ModelSpec::new("m", ModelKind::Gbdt)),
            Command::SetPositive(Some("yes".into())),
            Command::RemoveStep { at: 0 },
            Command::SetGroup { old: None, name: "g".into(), columns: vec!["x".into(), "y".into()] },
            Command::SetGroup { old: Some("g".into()), name: "h".into(), columns: vec!["x".into(), "z".into()] },
            Command::RemoveGroup { name: "h".into() },
        ] {
            run(&mut recipe, &mut history, command);
            states.push(recipe.clone());
        }
        for state in states.iter().rev().skip(1) {
            assert!(history.undo(&mut recipe).is_some());
            assert_eq!(recipe, *state);
        }
        assert!(!history.can_undo());
        for state in &states[1..] {
            assert!(history.redo(&mut recipe).is_some());
            assert_eq!(recipe, *state);
        }
    }

    #[test]
    fn a_column_is_one_thing() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        let types = |r: &Recipe| r.roles.over(&Roles::default()).lever_type("z");
        let set = |r: &mut Recipe, kind| Command::SetTypes(vec![("z".into(), kind)]).apply(r, &Roles::default()).map(|_| ()).unwrap();
        for kind in LeverType::ALL {
            set(&mut recipe, Some(kind));
            assert_eq!(types(&recipe), Some(kind));
            assert_eq!(recipe.roles.types().iter().map(|(_, names)| names.len()).sum::<usize>(), 1);
            let again = Recipe::parse(&recipe.to_toml().unwrap(), Path::new("a.toml")).unwrap();
            assert_eq!(again, recipe);
        }
        Command::SetLever { column: "z".into(), yes: true }.apply(&mut recipe, &Roles::default()).unwrap();
        assert_eq!(types(&recipe), Some(LeverType::Lever));
        set(&mut recipe, None);
        assert_eq!((types(&recipe), recipe.clone()), (None, Recipe::for_file(Path::new("a.csv"))));
        // Said twice in a file, it is refused by name; a type that nobody knows is, too.
        let text = |roles: &str| format!("version = 1\n[data]\npath = \"a.csv\"\n[roles]\n{roles}\n");
        let code = |roles: &str| Recipe::parse(&text(roles), Path::new("r.toml")).unwrap_err();
        let twice = code("lever = [\"z\"]\nproxy = [\"z\"]");
        assert_eq!(twice.0.code, "session.type_twice");
        assert!(twice.to_string().contains("z") && twice.to_string().contains("proxy"), "{twice}");
        assert!(code("mediators = [\"z\"]").to_string().contains("mediators"));
        assert!(Recipe::parse(&text("lever = [\"z\"]"), Path::new("r.toml")).is_ok(), "projects from before have no types");
    }

    #[test]
    fn a_moving_slider_is_one_step() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        let mut history = History::default();
        let scenario = |x: f64| Scenario {
            name: "s".into(),
            set: std::iter::once(("z".to_owned(), crate::strategy::scenario::Setting::Number(x))).collect(),
            ..Scenario::default()
        };
        run(&mut recipe, &mut history, Command::AddScenario(scenario(0.0)));
        let added = recipe.clone();
        for x in [0.1, 0.2, 0.3] {
            run(&mut recipe, &mut history, Command::ReplaceScenario { name: "s".into(), scenario: scenario(x) });
        }
        history.undo(&mut recipe);
        assert_eq!(recipe, added);
    }

    #[test]
    fn a_renamed_model_is_still_asked() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        recipe.models = vec![ModelSpec::new("a", ModelKind::Gbdt), ModelSpec::new("b", ModelKind::Logistic)];
        recipe.explain.model = Some("b".into());
        recipe.recommend = Some(RecommendSection { model: Some("a".into()), ..RecommendSection::default() });
        let spec = ModelSpec::new("c", ModelKind::Logistic);
        Command::ReplaceModel { name: "b".into(), spec }.apply(&mut recipe, &Roles::default()).unwrap();
        assert_eq!(recipe.explain.model.as_deref(), Some("c"));
        assert_eq!(recipe.recommend.as_ref().unwrap().model.as_deref(), Some("a"), "another model keeps its name");
        // A model that is removed is asked no more.
        recipe.explain.methods = vec!["linear-shap".into()];
        for name in ["a", "c"] {
            Command::RemoveModel { name: name.into() }.apply(&mut recipe, &Roles::default()).unwrap();
        }
        assert_eq!((recipe.explain.clone(), recipe.recommend.unwrap().model), (ExplainSection::default(), None));
    }

    #[test]
    fn a_contrast_follows_its_models() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        recipe.models = vec![ModelSpec::new("a", ModelKind::Gbdt), ModelSpec::new("b", ModelKind::Logistic)];
        let of = |against: &str| ContrastSpec::Models { model: "a".into(), against: against.into(), row: None };
        recipe.explain.contrasts = vec![of("b"), ContrastSpec::Rows { row: 1, against: 2 }];
        let spec = ModelSpec::new("c", ModelKind::Logistic);
        Command::ReplaceModel { name: "b".into(), spec }.apply(&mut recipe, &Roles::default()).unwrap();
        assert_eq!(recipe.explain.contrasts[0], of("c"));
        Command::RemoveModel { name: "c".into() }.apply(&mut recipe, &Roles::default()).unwrap();
        assert_eq!(recipe.explain.contrasts, [ContrastSpec::Rows { row: 1, against: 2 }]);
    }

    #[test]
    fn a_group_needs_columns_of_its_own_and_a_name_of_its_own() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        let detected = Roles { of: ["x", "y", "z"].map(|c| (c.to_owned(), Role::Feature)).into(), ..Roles::default() };
        let set = |old: Option<&str>, name: &str, columns: &[&str]| Command::SetGroup {
            old: old.map(str::to_owned),
            name: name.to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
        };
        set(None, " g ", &["x", "y"]).apply(&mut recipe, &detected).unwrap();
        assert_eq!(recipe.explain.groups["g"], ["x", "y"]);
        let before = recipe.clone();
        for (wrong, code) in [
            (set(None, "h", &["y", "z"]), "explain.group_twice"),
            (set(None, "h", &["z"]), "session.group_small"),
            (set(None, " ", &["z", "w"]), "session.group_small"),
            (set(None, "g", &["z", "w"]), "session.name_taken"),
            (set(Some("g"), "z", &["x", "y"]), "explain.group_name"),
        ] {
            assert_eq!(wrong.apply(&mut recipe, &detected).unwrap_err().0.code, code);
            assert_eq!(recipe, before);
        }
        set(Some("g"), "x", &["x", "y", "z"]).apply(&mut recipe, &detected).unwrap();
        assert_eq!(recipe.explain.groups.keys().collect::<Vec<_>>(), ["x"], "a group may be named like one of its own columns");
    }

    #[test]
    fn refused_edits_change_nothing() {
        let mut recipe = Recipe::for_file(Path::new("a.csv"));
        let before = recipe.clone();
        for command in
            [Command::RemoveStep { at: 3 }, Command::ReplaceModel { name: "m".into(), spec: ModelSpec::new("m", ModelKind::Dnn) }]
        {
            assert!(command.apply(&mut recipe, &Roles::default()).is_err());
        }
        assert_eq!(recipe, before);
    }
}
