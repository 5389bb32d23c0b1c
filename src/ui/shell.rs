//! The window's frame: top bar, rail, room, inspector, strip. [`Desk`] joins it with the session; it does what needs
//! neither files nor threads itself and hands the rest to the application.

use eframe::egui::{self, Key, Margin, RichText, Ui};

use super::palette::Palette;
use super::prompt::{Answer, Prompt};
use super::theme::{self, Tokens};
use super::views::{data, experiments, models, prepare, recommend, report, start, whatif, why};
use super::widgets::{basic, cells};
use super::{Action, Cx, Hover, Room, Start, View, commands, strip, topbar};
use crate::data::Role;
use crate::session::Session;
use crate::session::state::{Ask, Status};

/// The session with what only the eye needs.
pub struct Desk {
    /// Everything the analyst has open.
    pub session: Session,
    /// What the start page offers.
    pub start: Start,
    /// The room on screen.
    pub room: Room,
    /// The open question.
    pub prompt: Prompt,
    /// Whether the inspector is open, if the analyst said so; else where it is of use.
    pub inspector: Option<bool>,
    palette: Palette,
    hover: Hover,
    views: Views,
    workspace: egui_tiles::Tree<Room>,
    typed: Option<std::path::PathBuf>,
    left_prompt: bool,
    width: f32,
}

#[derive(Default)]
struct Views {
    start: start::StartView,
    data: data::DataView,
    prepare: prepare::PrepareView,
    models: models::ModelsView,
    why: why::WhyView,
    whatif: whatif::WhatIfView,
    recommend: recommend::RecommendView,
    experiments: experiments::ExperimentsView,
    report: report::ReportView,
}

impl Views {
    fn of(&mut self, room: Room) -> &mut dyn View {
        match room {
            Room::Start => &mut self.start,
            Room::Data => &mut self.data,
            Room::Prepare => &mut self.prepare,
            Room::Models => &mut self.models,
            Room::Why => &mut self.why,
            Room::WhatIf => &mut self.whatif,
            Room::Recommend => &mut self.recommend,
            Room::Experiments => &mut self.experiments,
            Room::Report => &mut self.report,
        }
    }
}

/// The rooms that the rail shows: those that work for these data.
pub fn rooms(session: &Session) -> Vec<Room> {
    let has_items = session.roles.as_ref().is_some_and(|r| r.of.values().any(|r| *r == Role::Item));
    Room::RAIL.into_iter().filter(|r| *r != Room::Recommend || has_items).collect()
}

/// How a room stands.
pub fn room_status(session: &Session, room: Room) -> Status {
    let model = session.model().map(|(name, _)| name.to_owned());
    let running = |f: fn(&Ask) -> bool| session.jobs.iter().any(|j| f(&j.ask) && !j.token.is_cancelled());
    let any = |yes: bool| if yes { Status::Ready } else { Status::Empty };
    match room {
        Room::Start => Status::Empty,
        Room::Data => session.status(&Ask::Load),
        Room::Prepare => session.status(&Ask::Prepare),
        Room::Models => {
            if running(|a| matches!(a, Ask::Train(_))) {
                return Status::Running;
            }
            let all: Vec<_> = session.models.keys().map(|m| session.model_status(m)).collect();
            if all.contains(&Status::Ready) { Status::Ready } else { any(!all.is_empty()).stale_if_ready() }
        }
        Room::Why if running(|a| matches!(a, Ask::Why(_) | Ask::Attention { .. })) => Status::Running,
        Room::Why => match session.whys.last() {
            Some((r, _)) => session.status(&Ask::Why(r.clone())),
            None => Status::Empty,
        },
        Room::WhatIf => model.map_or(Status::Empty, |m| session.status(&Ask::Simulate(m))),
        Room::Recommend => session.ranking.as_ref().map_or(Status::Empty, |(a, _)| session.status(a)),
        Room::Experiments => session.findings.last().map_or(Status::Empty, |(s, _)| session.status(&Ask::Study(Box::new(s.clone())))),
        Room::Report if running(|a| matches!(a, Ask::Report { .. })) => Status::Running,
        Room::Report => any(!session.models.is_empty()),
    }
}

impl Status {
    fn stale_if_ready(self) -> Self {
        if self == Self::Ready { Self::Stale } else { self }
    }
}

impl Desk {
    /// Nothing open yet.
    pub fn new(session: Session, start: Start) -> Self {
        Self {
            session,
            start,
            room: Room::Start,
            prompt: Prompt::None,
            inspector: None,
            palette: Palette::default(),
            hover: Hover::default(),
            views: Views::default(),
            workspace: egui_tiles::Tree::new_horizontal(egui::Id::unique("why-and-what-if"), vec![Room::Why, Room::WhatIf]),
            typed: None,
            left_prompt: false,
            width: 0.0,
        }
    }

    /// Draws one frame and says what shall be done after it.
    pub fn ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let ctx = ui.ctx().clone();
        self.width = ctx.content_rect().width();
        // Edits that follow each other are one step back only within one drag, or while something is typed.
        if ctx.input(|i| i.pointer.any_pressed() || i.key_pressed(egui::Key::Tab) || i.key_pressed(egui::Key::Enter)) {
            self.session.history.pause();
        }
        let Self { session, start, room, prompt, inspector, palette, hover, views, workspace, typed, left_prompt, width } = self;
        let mut cx = Cx::new(session, &ctx, *hover, start);
        shortcuts(&ctx, &mut cx);
        let t = cx.tokens;
        let bar = |margin: Margin| egui::Frame::new().fill(t.chrome).inner_margin(margin);
        egui::Panel::top("top").frame(bar(Margin::symmetric(12, 0))).exact_size(44.0).show(ui, |ui| topbar::ui(ui, &mut cx));
        egui::Panel::bottom("strip").frame(bar(Margin::symmetric(12, 0))).exact_size(32.0).show(ui, |ui| strip::ui(ui, &mut cx));
        if session.messages.iter().any(|m| m.is_fault) {
            egui::Panel::bottom("faults").frame(egui::Frame::new().fill(t.surface)).show(ui, |ui| strip::faults(ui, &mut cx));
        }
        let shown = match (&session.recipe, session.models.is_empty()) {
            (Some(_), _) => *room,
            (None, true) => Room::Start,
            // A model without data: what it is, and what it needs.
            (None, false) => Room::Models,
        };
        if session.recipe.is_some() && shown != Room::Start {
            egui::Panel::left("rail")
                .frame(bar(Margin::symmetric(8, 12)))
                .exact_size(136.0)
                .resizable(false)
                .show(ui, |ui| rail(ui, &mut cx, shown));
            if has_inspector(shown) && inspector.unwrap_or_else(|| opens_inspector(shown, *width)) {
                egui::Panel::right("inspector")
                    .frame(bar(Margin::same(12)))
                    .default_size(264.0)
                    .size_range(200.0..=420.0)
                    .show(ui, |ui| inspector_ui(ui, &mut cx, views.of(shown)));
            }
        }
        let centre = egui::Frame::new().fill(t.surface).inner_margin(Margin::same(16));
        egui::CentralPanel::no_frame().frame(centre).show(ui, |ui| match shown {
            Room::Why | Room::WhatIf => workspace.ui(&mut Panes { views, cx: &mut cx }, ui),
            room => views.of(room).ui(ui, &mut cx),
        });
        palette.ui(&ctx, &mut cx);
        match prompt.ui(&ctx, &mut cx) {
            Answer::Open => {}
            Answer::Path(path) => *typed = Some(path),
            Answer::Left => *left_prompt = true,
        }
        *hover = cx.hover;
        cx.actions
    }

    /// The path that was typed into the prompt, once.
    pub fn take_typed(&mut self) -> Option<std::path::PathBuf> {
        self.typed.take()
    }

    /// Whether a prompt was left since the last call.
    pub fn take_left_prompt(&mut self) -> bool {
        std::mem::take(&mut self.left_prompt)
    }

    /// Does what needs neither files nor threads; returns the rest.
    pub fn execute(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let session = &mut self.session;
        let mut rest = Vec::new();
        for action in actions {
            match action {
                Action::Command(command) => session.apply(&command),
                Action::Want(ask) => session.want(ask),
                Action::Retry(ask) => {
                    session.retry(&ask);
                    session.want(ask);
                }
                Action::Select(selection) => session.selection = selection,
                Action::Draft(draft) => session.set_draft(draft),
                Action::Go(room) => self.room = room,
                Action::Undo => session.undo(),
                Action::Redo => session.redo(),
                Action::KeepVersion { study, keep } => session.keep_version(&study, keep),
                Action::Cancel(id) => session.stop(id),
                Action::Pause(id, paused) => {
                    for job in session.jobs.iter().filter(|j| j.id == id) {
                        job.token.set_paused(paused);
                    }
                }
                Action::Dismiss(id) => session.messages.retain(|m| m.id != id),
                Action::Palette => self.palette.toggle(),
                Action::Inspector => {
                    let open = self.inspector.unwrap_or_else(|| opens_inspector(self.room, self.width));
                    self.inspector = Some(!open);
                }
                other => rest.push(other),
            }
        }
        rest
    }
}

struct Panes<'a, 'b> {
    views: &'a mut Views,
    cx: &'a mut Cx<'b>,
}

impl egui_tiles::Behavior<Room> for Panes<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: egui_tiles::TileId, room: &mut Room) -> egui_tiles::UiResponse {
        let mut drag = egui_tiles::UiResponse::None;
        egui::Frame::new().inner_margin(Margin::symmetric(8, 0)).show(ui, |ui| {
            let title = egui::Label::new(RichText::new(self.cx.t(room.title())).size(theme::TITLE)).sense(egui::Sense::drag());
            if ui.add(title).on_hover_cursor(egui::CursorIcon::Grab).drag_started() {
                drag = egui_tiles::UiResponse::DragStarted;
            }
            self.views.of(*room).ui(ui, self.cx);
        });
        drag
    }
    fn tab_title_for_pane(&mut self, room: &Room) -> egui::WidgetText {
        self.cx.t(room.title()).into()
    }
    fn gap_width(&self, _: &egui::Style) -> f32 {
        theme::SPACE
    }
    fn min_size(&self) -> f32 {
        240.0
    }
}

fn shortcuts(ctx: &egui::Context, cx: &mut Cx<'_>) {
    let pressed = |e: &egui::Event| matches!(e, egui::Event::Key { pressed: true, modifiers, .. } if modifiers.command);
    if !ctx.input(|i| i.events.iter().any(pressed)) {
        return;
    }
    // A text field keeps its own undo.
    let typing = ctx.memory(|m| m.focused().is_some()) && ctx.egui_wants_keyboard_input();
    // Longer shortcuts first: `Ctrl+Z` also matches `Ctrl+Shift+Z`.
    let (longer, shorter): (Vec<_>, Vec<_>) =
        commands::list(cx.session).into_iter().partition(|e| e.shortcut.is_some_and(|s| s.modifiers.shift));
    for entry in longer.into_iter().chain(shorter) {
        let Some(shortcut) = entry.shortcut.filter(|s| !(typing && s.logical_key == Key::Z)) else { continue };
        if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) && entry.enabled {
            cx.send(entry.action);
        }
    }
}

fn rail(ui: &mut Ui, cx: &mut Cx<'_>, shown: Room) {
    ui.spacing_mut().item_spacing.y = theme::TIGHT;
    for room in rooms(cx.session) {
        let status = room_status(cx.session, room);
        let text = RichText::new(cx.t(room.title())).color(if room == shown { cx.tokens.text } else { cx.tokens.weak });
        let button = egui::Button::selectable(room == shown, text).min_size(egui::vec2(ui.available_width(), 32.0)).gap(theme::SPACE);
        let response = ui.add(button);
        basic::status_dot(ui, cx.tokens, response.rect, &status);
        let help = format!("{}\n{}", cx.t(room.question()), cx.t(status_key(&status)));
        if response.on_hover_text(help).clicked() {
            cx.send(Action::Go(room));
        }
    }
}

/// Catalogue key of a state in words.
pub fn status_key(status: &Status) -> &'static str {
    match status {
        Status::Empty => "ui.status_empty",
        Status::Running => "ui.status_running",
        Status::Ready => "ui.status_ready",
        Status::Stale => "ui.status_stale",
        Status::Failed(_) => "ui.status_failed",
    }
}

/// Rooms where a click on a row, a column or an item says more at the side; the others have their full width.
fn has_inspector(room: Room) -> bool {
    matches!(room, Room::Data | Room::Why | Room::WhatIf | Room::Recommend)
}

/// Whether the inspector opens by itself: two rooms side by side on a small screen need the width themselves.
fn opens_inspector(room: Room, width: f32) -> bool {
    width >= 1500.0 || !matches!(room, Room::Why | Room::WhatIf)
}

fn inspector_ui(ui: &mut Ui, cx: &mut Cx<'_>, view: &mut dyn View) {
    let selection = &cx.session.selection;
    if selection.row.is_none() && selection.feature.is_none() {
        ui.label(RichText::new(cx.t("ui.inspector_empty")).color(cx.tokens.weak));
    }
    let row = cx.session.selection.row;
    let height = ui.available_height() * if row.is_some() { 0.5 } else { 1.0 };
    egui::ScrollArea::vertical().id_salt("inspector").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        view.inspector(ui, cx);
    });
    if let Some(row) = row {
        cells::row_ui(ui, cx, row);
    }
}

/// The tokens of the frame, for the application's clear colour.
pub fn background(dark: bool) -> egui::Color32 {
    if dark { theme::DARK.surface } else { theme::LIGHT.surface }
}

impl Tokens {
    /// The colour of a state.
    pub fn of_status(&self, status: &Status) -> egui::Color32 {
        match status {
            Status::Empty => self.faint,
            Status::Running | Status::Ready => self.accent,
            Status::Stale => self.warn,
            Status::Failed(_) => self.error,
        }
    }
}
