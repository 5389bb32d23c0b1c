//! The window as a program: `logic()` takes what the lanes have done and hands out work; `ui()` only draws, and what it
//! asks for is done after the drawing. Everything slow happens in [`crate::jobs`].

mod preferences;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui;

use crate::base::Lang;
use crate::jobs::{Chosen, Jobs};
use crate::session::Session;
use crate::session::state::Ask;
use crate::ui::prompt::Prompt;
use crate::ui::shell::Desk;
use crate::ui::{Action, Room, Start, theme};

use preferences::Preferences;

/// Time between two autosaves of changed work.
const AUTOSAVE_EVERY: Duration = Duration::from_secs(20);

/// Opens the window, on a file if one is given, and returns when it is closed.
pub fn run(file: Option<PathBuf>, lang: Option<Lang>) -> anyhow::Result<()> {
    let try_with = |renderer| {
        let (file, options) = (file.clone(), options(renderer));
        eframe::run_native("whybench", options, Box::new(move |cc| Ok(Box::new(App::new(cc, file, lang)))))
    };
    let forced = std::env::var("WHYBENCH_RENDERER").ok();
    let result = match forced.as_deref() {
        Some("glow") => try_with(eframe::Renderer::Glow),
        _ => match try_with(eframe::Renderer::Wgpu) {
            // Machines without a graphics adapter for wgpu often still have OpenGL.
            Err(eframe::Error::Wgpu(_)) if forced.is_none() => try_with(eframe::Renderer::Glow),
            other => other,
        },
    };
    let lang = lang.unwrap_or_else(Lang::of_system);
    result.map_err(|e| {
        // The toolkit says first in which of its source files it failed.
        let whole = e.to_string();
        let reason = whole.rsplit(": ").next().unwrap_or(&whole);
        anyhow::anyhow!(crate::fault!("ui.no_window", reason = reason).say(lang))
    })
}

fn options(renderer: eframe::Renderer) -> eframe::NativeOptions {
    let viewport = egui::ViewportBuilder::default()
        .with_app_id("whybench")
        .with_title("Whybench")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([1024.0, 640.0])
        .with_drag_and_drop(true);
    let viewport = match eframe::icon_data::from_png_bytes(include_bytes!("../assets/icon/whybench.png")) {
        Ok(icon) => viewport.with_icon(icon),
        Err(_) => viewport,
    };
    eframe::NativeOptions { viewport, renderer, ..Default::default() }
}

/// What a dialog or a typed path is for.
#[derive(Clone, Debug, PartialEq)]
enum Purpose {
    Open,
    FindData,
    SaveProject,
    SaveModel(String),
    LoadModel,
    Target(String),
    NewData(String),
    Report(String),
    WriteText(String),
    WritePicture(u32, Arc<[u8]>),
}

/// Pictures of parts of the window that have come: proposed name, width, pixels.
type Pictures = Arc<Mutex<Vec<(String, u32, Arc<[u8]>)>>>;

/// What waits until unsaved work is dealt with.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Open(PathBuf),
    Recover(PathBuf),
    Close,
    Quit,
}

/// The application.
pub struct App {
    desk: Desk,
    jobs: Jobs<Purpose>,
    preferences: Preferences,
    title: String,
    /// What the typed path is for.
    typing: Option<Purpose>,
    /// What waits for an answer about unsaved work.
    next: Option<Next>,
    /// What follows once the project is saved.
    after_save: Option<Next>,
    may_close: bool,
    autosaved: (Instant, u64),
    pictures: Pictures,
}

impl App {
    /// Starts with an empty desk, or with a file.
    pub fn new(cc: &eframe::CreationContext<'_>, file: Option<PathBuf>, lang: Option<Lang>) -> Self {
        let ctx = cc.egui_ctx.clone();
        theme::install(&ctx);
        let preferences = Preferences::load();
        ctx.set_theme(preferences.theme());
        let lang = lang.or(preferences.lang).unwrap_or_else(Lang::of_system);
        let jobs = Jobs::new(move |after| ctx.request_repaint_after(after));
        let start = Start { recent: preferences.recent.clone(), samples: preferences::samples(), recoverable: preferences::recoverable() };
        let desk = Desk::new(Session::new(lang), start);
        let mut app = Self {
            desk,
            jobs,
            preferences,
            title: String::new(),
            typing: None,
            next: None,
            after_save: None,
            may_close: false,
            autosaved: (Instant::now(), 0),
            pictures: Pictures::default(),
        };
        if let Some(file) = file {
            app.open(&file);
        }
        app
    }

    /// Everything the analyst has open.
    pub fn session(&self) -> &Session {
        &self.desk.session
    }

    fn open(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let is = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        if ["whymodel", "onnx", "ubj", "safetensors"].into_iter().any(is) {
            self.desk.session.want(Ask::LoadModel(path));
            return;
        }
        if is("whybench") || is("toml") {
            let same = |sample: &Path| matches!((sample.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
            self.desk.session.sample = self.desk.start.samples.iter().any(|s| same(&s.path)).then(|| path.clone());
            self.desk.session.want(Ask::OpenProject(path.clone()));
        } else {
            self.desk.session.open_data(&path);
        }
        self.desk.room = Room::Data;
        self.preferences.remember(&path);
        self.desk.start.recent = self.preferences.recent.clone();
    }

    /// Does something that replaces what is open, once unsaved work is dealt with.
    fn replace(&mut self, next: Next, ctx: &egui::Context) {
        if self.desk.session.dirty && self.desk.session.recipe.is_some() {
            self.next = Some(next);
            self.desk.prompt = Prompt::Unsaved;
        } else {
            self.go_on(next, ctx);
        }
    }

    fn go_on(&mut self, next: Next, ctx: &egui::Context) {
        preferences::discard_autosave(&self.desk.session);
        match next {
            Next::Open(path) => {
                if self.desk.session.recipe.is_some() {
                    self.desk.session.close();
                }
                self.open(&path);
            }
            Next::Recover(path) => {
                self.desk.session.close();
                self.desk.session.want(Ask::Recover(path));
                self.desk.room = Room::Data;
            }
            Next::Close => {
                self.desk.session.close();
                self.desk.room = Room::Start;
            }
            Next::Quit => {
                self.may_close = true;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    /// Does what needs files, dialogs or the window.
    fn execute(&mut self, action: Action, ctx: &egui::Context) {
        match action {
            Action::ChooseFile => self.choose(Purpose::Open),
            Action::FindData => self.choose(Purpose::FindData),
            Action::TypePath => self.type_path(Purpose::Open),
            Action::Open(path) => {
                let is_model = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("whymodel"));
                if is_model { self.open(&path) } else { self.replace(Next::Open(path), ctx) }
            }
            Action::Recover(path) => self.replace(Next::Recover(path), ctx),
            Action::Discard(path) => {
                if let Err(fault) = preferences::discard(&path) {
                    self.desk.session.say_fault(&fault);
                }
                self.desk.start.recoverable.retain(|p| *p != path);
            }
            Action::Close => self.replace(Next::Close, ctx),
            Action::Quit => self.replace(Next::Quit, ctx),
            Action::Save => self.save(),
            Action::SaveAs => self.choose(Purpose::SaveProject),
            Action::SaveModel(name) => self.choose(Purpose::SaveModel(name)),
            Action::LoadModel => self.choose(Purpose::LoadModel),
            Action::ChooseTarget(study) => self.choose(Purpose::Target(study)),
            Action::NewData(model) => self.choose(Purpose::NewData(model)),
            Action::ExportReport(format) => self.choose(Purpose::Report(format)),
            Action::SaveText { name, text } => self.choose_named(Purpose::WriteText(text), name),
            Action::SavePicture { name, rect } => {
                let (into, ctx, scale) = (self.pictures.clone(), ctx.clone(), ctx.pixels_per_point());
                let again = ctx.clone();
                let came = egui::ScreenshotCallback::new(move |image: Arc<egui::ColorImage>| {
                    let whole =
                        egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(image.width() as f32, image.height() as f32) / scale);
                    let part = rect.intersect(whole);
                    if part.is_positive() {
                        let part = image.region(&part, Some(scale));
                        let rgba: Vec<u8> = part.pixels.iter().flat_map(|p| p.to_srgba_unmultiplied()).collect();
                        into.lock().unwrap_or_else(PoisonError::into_inner).push((name, part.width() as u32, rgba.into()));
                    }
                    again.request_repaint();
                });
                ctx.send_viewport_cmd(egui::ViewportCommand::Screenshot(came));
            }
            Action::SetLang(lang) => {
                self.desk.session.lang = lang;
                self.preferences.lang = Some(lang);
                self.preferences.save();
            }
            Action::SetTheme(theme) => {
                ctx.set_theme(theme);
                self.preferences.set_theme(theme);
                self.preferences.save();
            }
            Action::Proceed { save } => {
                let Some(next) = self.next.take() else { return };
                if save {
                    self.after_save = Some(next);
                    self.save();
                } else {
                    self.go_on(next, ctx);
                }
            }
            Action::Stay => self.next = None,
            _ => {}
        }
    }

    fn save(&mut self) {
        match self.desk.session.project.clone() {
            Some(path) => self.desk.session.want(Ask::SaveProject(path)),
            None => self.choose(Purpose::SaveProject),
        }
    }

    fn choose(&mut self, purpose: Purpose) {
        let name = self.proposed_name(&purpose);
        self.choose_named(purpose, name);
    }

    /// The dialog must be made here, on the window's thread; it is waited for elsewhere.
    fn choose_named(&mut self, purpose: Purpose, name: String) {
        let folder = self.desk.session.folder.clone();
        let mut dialog = rfd::AsyncFileDialog::new();
        if folder.is_dir() {
            dialog = dialog.set_directory(folder);
        }
        let path = |h: Option<rfd::FileHandle>| h.map(|h| h.path().to_path_buf());
        match &purpose {
            Purpose::Open | Purpose::FindData => {
                let endings = ["whybench", "csv", "tsv", "txt", "parquet", "arrow", "feather", "ipc"];
                let future = dialog.add_filter("Whybench", &endings).pick_file();
                self.jobs.dialog(purpose, async move { path(future.await) });
            }
            Purpose::Target(_) => {
                let endings = ["csv", "tsv", "txt", "parquet", "arrow", "feather", "ipc", "whymodel"];
                let future = dialog.add_filter("Whybench", &endings).pick_file();
                self.jobs.dialog(purpose, async move { path(future.await) });
            }
            Purpose::NewData(_) => {
                let future = dialog.add_filter("Whybench", &["csv", "tsv", "txt", "parquet", "arrow", "feather", "ipc"]).pick_file();
                self.jobs.dialog(purpose, async move { path(future.await) });
            }
            Purpose::LoadModel => {
                let future = dialog
                    .add_filter(
                        "Whybench, XGBoost, LightGBM, ONNX, safetensors",
                        &["whymodel", "json", "ubj", "txt", "onnx", "safetensors"],
                    )
                    .pick_file();
                self.jobs.dialog(purpose, async move { path(future.await) });
            }
            _ => {
                let future = dialog.set_file_name(name).save_file();
                self.jobs.dialog(purpose, async move { path(future.await) });
            }
        }
    }

    fn proposed_name(&self, purpose: &Purpose) -> String {
        let stem = self.desk.session.name().unwrap_or_else(|| "whybench".to_owned());
        match purpose {
            Purpose::Open | Purpose::FindData | Purpose::LoadModel | Purpose::Target(_) | Purpose::NewData(_) => String::new(),
            Purpose::SaveProject => format!("{stem}.whybench"),
            Purpose::SaveModel(name) => format!("{}.whymodel", file_name(name)),
            Purpose::Report(format) => format!("{stem}.{format}"),
            Purpose::WriteText(_) => "whybench.txt".to_owned(),
            Purpose::WritePicture(..) => "whybench.png".to_owned(),
        }
    }

    /// Asks for the path in the window itself.
    fn type_path(&mut self, purpose: Purpose) {
        let name = self.proposed_name(&purpose);
        let proposal = if name.is_empty() { String::new() } else { self.desk.session.folder.join(name).display().to_string() };
        let title = match &purpose {
            Purpose::Open => "ui.path_open",
            Purpose::FindData => "ui.path_find",
            Purpose::SaveProject => "ui.path_save",
            Purpose::SaveModel(_) => "ui.path_model_save",
            Purpose::LoadModel => "ui.path_model_load",
            Purpose::Target(_) => "studies.path_target",
            Purpose::NewData(_) => "ui.path_new_data",
            Purpose::Report(_) => "ui.path_report",
            Purpose::WriteText(_) | Purpose::WritePicture(..) => "ui.path_text",
        };
        self.desk.prompt = Prompt::path(title, proposal);
        self.typing = Some(purpose);
    }

    fn chosen(&mut self, chosen: Chosen<Purpose>, ctx: &egui::Context) {
        let Chosen { purpose, path, at_once } = chosen;
        let Some(path) = path else {
            if at_once {
                self.desk.session.say(crate::note!("ui.no_dialog"), false);
                self.type_path(purpose);
            } else {
                self.after_save = None;
            }
            return;
        };
        let session = &mut self.desk.session;
        match purpose {
            Purpose::Open => self.execute(Action::Open(path), ctx),
            Purpose::FindData => session.find_data(&path),
            Purpose::SaveProject => session.want(Ask::SaveProject(with_ending(path, "whybench"))),
            Purpose::SaveModel(name) => session.want(Ask::SaveModel { name, path: with_ending(path, "whymodel") }),
            Purpose::LoadModel => session.want(Ask::LoadModel(path)),
            Purpose::Target(study) => session.set_target(&study, &path),
            Purpose::NewData(model) => session.new_data(&model, &path),
            Purpose::Report(format) => {
                let path = with_ending(path, &format);
                session.want(Ask::Report { format, path, made: crate::base::clock::today() });
            }
            Purpose::WriteText(text) => session.want(Ask::WriteText { path, text }),
            Purpose::WritePicture(width, rgba) => session.want(Ask::WritePicture { path: with_ending(path, "png"), width, rgba }),
        }
    }

    /// Hands out the work that is missing now.
    fn hand_out(&mut self) {
        for task in self.desk.session.next_tasks() {
            self.jobs.submit(task);
        }
    }

    fn autosave(&mut self, ctx: &egui::Context) {
        let session = &mut self.desk.session;
        let (at, revision) = self.autosaved;
        if session.recipe.is_none() || !session.dirty || session.revision == revision {
            return;
        }
        match AUTOSAVE_EVERY.checked_sub(at.elapsed()) {
            Some(rest) if !rest.is_zero() => ctx.request_repaint_after(rest),
            _ => {
                self.autosaved = (Instant::now(), session.revision);
                session.want(Ask::Autosave);
            }
        }
    }

    fn show_title(&mut self, ctx: &egui::Context) {
        let session = &self.desk.session;
        let mark = if session.dirty { "• " } else { "" };
        let title = session.name().map_or_else(|| "Whybench".to_owned(), |n| format!("{mark}{n} – Whybench"));
        if title != self.title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        for finished in self.jobs.drain() {
            let saved = self.desk.session.jobs.iter().any(|j| j.id == finished.id && matches!(j.ask, Ask::SaveProject(_)));
            let fine = finished.result.is_ok();
            let autosave = crate::session::files::autosave_path(&self.desk.session);
            self.desk.session.finish(finished.id, finished.result);
            if saved {
                if let Some(autosave) = autosave.filter(|_| fine) {
                    // Under its old name, too: a first save gives the project a place of its own.
                    drop(preferences::discard(&autosave));
                    preferences::discard_autosave(&self.desk.session);
                }
                if let Some(project) = self.desk.session.project.clone().filter(|_| fine) {
                    self.preferences.remember(&project);
                    self.desk.start.recent = self.preferences.recent.clone();
                }
                if let Some(next) = self.after_save.take().filter(|_| fine) {
                    self.go_on(next, ctx);
                }
            }
        }
        self.desk.session.progress = self.jobs.progress().into_iter().collect();
        for chosen in self.jobs.chosen() {
            self.chosen(chosen, ctx);
        }
        if ctx.input(|i| i.viewport().close_requested()) && !self.may_close {
            if self.desk.session.dirty && self.desk.session.recipe.is_some() {
                ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
                self.replace(Next::Quit, ctx);
            } else {
                preferences::discard_autosave(&self.desk.session);
            }
        }
        let came = std::mem::take(&mut *self.pictures.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, width, rgba) in came {
            self.choose_named(Purpose::WritePicture(width, rgba), name);
        }
        // Another program may have written a model anew while it had the focus.
        if ctx.input(|i| i.events.iter().any(|e| matches!(e, egui::Event::WindowFocused(true)))) {
            self.desk.session.look_again();
        }
        self.autosave(ctx);
        self.hand_out();
        self.show_title(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        let mut actions = self.desk.ui(ui);
        for file in ctx.input(|i| i.raw.dropped_files.clone()) {
            actions.push(Action::Open(file.path().to_path_buf()));
        }
        // Asking for work changes nothing on screen by itself; everything else is shown in a frame of its own.
        if actions.iter().any(|a| !matches!(a, Action::Want(_))) {
            ctx.request_repaint();
        }
        for action in self.desk.execute(actions) {
            self.execute(action, &ctx);
        }
        if let (Some(path), Some(purpose)) = (self.desk.take_typed(), self.typing.clone()) {
            self.typing = None;
            self.chosen(Chosen { purpose, path: Some(path), at_once: false }, &ctx);
            ctx.request_repaint();
        }
        if self.desk.take_left_prompt() {
            self.typing = None;
            self.after_save = self.after_save.take().filter(|_| !self.desk.session.jobs.is_empty());
        }
        self.hand_out();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        crate::ui::shell::background(visuals.dark_mode).to_normalized_gamma_f32()
    }
}

/// A path with the ending that its kind of file has.
fn with_ending(path: PathBuf, ending: &str) -> PathBuf {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending)) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_ .".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_added_once() {
        assert_eq!(with_ending("a/b".into(), "whybench"), PathBuf::from("a/b.whybench"));
        assert_eq!(with_ending("a/b.WHYBENCH".into(), "whybench"), PathBuf::from("a/b.WHYBENCH"));
        assert_eq!(with_ending("a/b.csv".into(), "whybench"), PathBuf::from("a/b.csv.whybench"));
        assert_eq!(file_name("Trees / 2"), "Trees _ 2");
    }
}
