//! The window's content: the only place, with `app.rs`, that names egui.
//!
//! A view is a struct with what only the eye needs (scroll, an open editor); it reads the [`Session`] through [`Cx`] and
//! never changes it: it sends [`Action`]s, which `app.rs` executes after the frame. [`theme`] holds every colour.

pub mod commands;
pub mod palette;
pub mod prompt;
pub mod shell;
pub mod strip;
#[cfg(test)]
pub(crate) mod tests;
pub mod theme;
pub mod topbar;
pub mod views;
pub mod widgets;

use std::path::PathBuf;

use eframe::egui;

use crate::base::{Lang, tr, tr_with};
use crate::session::Session;
use crate::session::state::{Ask, Command, Selection};
use crate::strategy::Scenario;

use theme::Tokens;

/// The rooms of the rail, in the order of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Room {
    /// Open something (not on the rail).
    #[default]
    Start,
    /// What do I have?
    Data,
    /// Steps and split.
    Prepare,
    /// What will happen?
    Models,
    /// Why? Shares one workspace with What-if.
    Why,
    /// What if? Shares one workspace with Why.
    WhatIf,
    /// Why was this content recommended? Only where the data have an item column.
    Recommend,
    /// Did it work, and what is the money worth where?
    Experiments,
    /// What do I tell others?
    Report,
}

impl Room {
    /// The rooms of the rail.
    pub const RAIL: [Self; 8] =
        [Self::Data, Self::Prepare, Self::Models, Self::Why, Self::WhatIf, Self::Recommend, Self::Experiments, Self::Report];
    /// Catalogue key of its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Start => "ui.room_start",
            Self::Data => "ui.room_data",
            Self::Prepare => "ui.room_prepare",
            Self::Models => "ui.room_models",
            Self::Why => "ui.room_why",
            Self::WhatIf => "ui.room_whatif",
            Self::Recommend => "ui.room_recommend",
            Self::Experiments => "ui.room_experiments",
            Self::Report => "ui.room_report",
        }
    }
    /// Catalogue key of the question it answers.
    pub fn question(self) -> &'static str {
        match self {
            Self::Start => "ui.question_start",
            Self::Data => "ui.question_data",
            Self::Prepare => "ui.question_prepare",
            Self::Models => "ui.question_models",
            Self::Why => "ui.question_why",
            Self::WhatIf => "ui.question_whatif",
            Self::Recommend => "ui.question_recommend",
            Self::Experiments => "ui.question_experiments",
            Self::Report => "ui.question_report",
        }
    }
}

/// What a view asks the application to do, after the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Edits the recipe; one undo step.
    Command(Command),
    /// Asks for work; idempotent, see [`Ask`].
    Want(Ask),
    /// Tries again what failed.
    Retry(Ask),
    /// Replaces the selection.
    Select(Selection),
    /// Replaces the scenario being edited that is not in the recipe.
    Draft(Option<Scenario>),
    /// Goes to a room.
    Go(Room),
    /// Takes the last edit back.
    Undo,
    /// Makes it again.
    Redo,
    /// Asks which file to open, data or project.
    ChooseFile,
    /// Asks where the project's data file is now.
    FindData,
    /// Opens this file, data or project.
    Open(PathBuf),
    /// Closes the project and shows the start page.
    Close,
    /// Saves the project, asking where if it has no file yet.
    Save,
    /// Asks where to save the project.
    SaveAs,
    /// Asks where to save a model as `.whymodel`.
    SaveModel(String),
    /// Asks which `.whymodel` to load.
    LoadModel,
    /// Asks which file holds the policy that this study is about.
    ChooseTarget(String),
    /// Asks which new rows to read back in beside this model.
    NewData(String),
    /// Keeps the version that learned from new rows, or takes it out again.
    KeepVersion {
        /// The study of new rows.
        study: String,
        /// Kept, or taken out.
        keep: bool,
    },
    /// Asks where to write the report, then writes it: `html` or `json`.
    ExportReport(String),
    /// Asks where to write this text (an SVG, a CSV) under this proposed name.
    SaveText {
        /// Proposed file name.
        name: String,
        /// Content.
        text: String,
    },
    /// Asks where to write a picture of this part of the window under this proposed name.
    SavePicture {
        /// Proposed file name.
        name: String,
        /// Which part, in points.
        rect: egui::Rect,
    },
    /// Stops a job by its number.
    Cancel(u64),
    /// Holds a job, or lets it go on.
    Pause(u64, bool),
    /// Takes a message off the screen.
    Dismiss(u64),
    /// Language of the screen.
    SetLang(Lang),
    /// Light, dark, or as the system.
    SetTheme(egui::ThemePreference),
    /// Opens or closes the command palette.
    Palette,
    /// Opens a field to type a path into, for whoever has no file dialog.
    TypePath,
    /// Shows or hides the inspector.
    Inspector,
    /// Reads an autosave that a crash left behind.
    Recover(PathBuf),
    /// Forgets an autosave.
    Discard(PathBuf),
    /// Goes on with what was held back until unsaved work is dealt with; `true`: save first.
    Proceed {
        /// Whether to save first.
        save: bool,
    },
    /// Stays.
    Stay,
    /// Closes the window (asks first if there is unsaved work).
    Quit,
}

/// What glows under the pointer in all panes; lives for one frame and is read in the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hover {
    /// Line of a row in the file.
    pub row: Option<u32>,
    /// Index of a feature of the model.
    pub feature: Option<usize>,
    /// Rows that share these values of a feature.
    pub values: Option<Values>,
}

/// Values of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// Index of the feature.
    pub feature: usize,
    /// Smallest one; NaN for both where the value is missing.
    pub low: f64,
    /// Largest one.
    pub high: f64,
}

impl Values {
    /// Whether a value is one of them.
    pub fn hold(&self, value: f64) -> bool {
        if value.is_nan() { self.low.is_nan() } else { self.low <= value && value <= self.high }
    }
}

/// What a view may see and say while it draws.
pub struct Cx<'a> {
    /// Everything the analyst has open, to read.
    pub session: &'a Session,
    /// The colours.
    pub tokens: &'static Tokens,
    /// What the pointer touched in the last frame.
    pub hovered: Hover,
    /// What the pointer touches in this frame; set it when your widget is hovered.
    pub hover: Hover,
    /// What the start page offers.
    pub start: &'a Start,
    /// What the application shall do after the frame.
    pub actions: Vec<Action>,
}

/// What the start page offers besides opening a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// Recently opened files, newest first.
    pub recent: Vec<PathBuf>,
    /// Sample projects.
    pub samples: Vec<Sample>,
    /// Autosaves of a run that did not end well.
    pub recoverable: Vec<PathBuf>,
}

/// A sample project.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Catalogue key of its title.
    pub title: &'static str,
    /// Catalogue key of what it is good for.
    pub about: &'static str,
    /// The project.
    pub path: PathBuf,
}

impl<'a> Cx<'a> {
    /// For one frame.
    pub fn new(session: &'a Session, ctx: &egui::Context, hovered: Hover, start: &'a Start) -> Self {
        Self { session, tokens: Tokens::of(ctx), hovered, hover: Hover::default(), start, actions: Vec::new() }
    }
    /// Language of the screen.
    pub fn lang(&self) -> Lang {
        self.session.lang
    }
    /// Text of a catalogue key.
    pub fn t(&self, key: &str) -> &'static str {
        tr(self.session.lang, key)
    }
    /// Text of a catalogue key with its places filled.
    pub fn tw(&self, key: &str, fields: &[(&str, &dyn std::fmt::Display)]) -> String {
        tr_with(self.session.lang, key, fields)
    }
    /// Asks the application to do something after the frame.
    pub fn send(&mut self, action: Action) {
        self.actions.push(action);
    }
    /// Edits the recipe after the frame.
    pub fn command(&mut self, command: Command) {
        self.send(Action::Command(command));
    }
    /// Asks for work; free to repeat in every frame.
    pub fn want(&mut self, ask: Ask) {
        self.send(Action::Want(ask));
    }
    /// Changes the selection after the frame.
    pub fn select(&mut self, change: impl FnOnce(&mut Selection)) {
        let mut selection = self.session.selection.clone();
        change(&mut selection);
        if selection != self.session.selection {
            self.send(Action::Select(selection));
        }
    }
}

/// A room's content.
pub trait View {
    /// Draws the room into the space it is given. No work that grows with rows.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut Cx<'_>);
    /// Draws what the right-hand inspector says of the selection in this room; nothing by default.
    fn inspector(&mut self, _ui: &mut egui::Ui, _cx: &mut Cx<'_>) {}
}
