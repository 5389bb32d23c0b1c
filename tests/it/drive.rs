//! Drives the real window: starts it on a display of its own, reads its widget tree and sends it what a hand would do.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eframe::egui::{self, Event, Key, Modifiers, PointerButton, Pos2, Rect, accesskit};
use egui_inspection::protocol::{Request, Response, read_handshake, read_message, write_message};

/// How long anything may take before the test gives up; generous, because other work may share the machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A widget as a screen reader meets it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it is.
    pub role: accesskit::Role,
    /// What it is called.
    pub label: String,
    /// What it holds.
    pub value: String,
    /// Where it is.
    pub rect: Rect,
}

/// A virtual display; ends with it.
pub struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one, or says why there is none.
    pub fn start() -> Result<Self, String> {
        // The display has a pointer of its own in its middle. It must not lie in the window, which stands at the top left:
        // its one report when the window appears would turn a click of ours into a drag.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "2800x1800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("Xvfb: {e}"))?;
        let mut number = String::new();
        let mut out = server.stdout.take().ok_or("Xvfb has no output")?;
        let mut byte = [0u8];
        while out.read(&mut byte).map_err(|e| e.to_string())? == 1 && byte[0] != b'\n' {
            number.push(char::from(byte[0]));
        }
        // The pipe stays open: a server whose output is gone ends.
        std::mem::forget(out);
        if number.is_empty() {
            return Err("Xvfb started no display".to_owned());
        }
        Ok(Self { server, name: format!(":{number}") })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The running program.
pub struct Window {
    program: Child,
    wire: TcpStream,
}

impl Window {
    /// Starts the program with its settings under `home`, on nothing or on a file.
    pub fn open(display: &Display, home: &Path, file: Option<&Path>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A write beyond the limit of [`Window::limit_files`] fails as on a full disk; it does not end the program.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_whybench")]);
        command.args(file).env("DISPLAY", &display.name).env("EGUI_INSPECTION", format!("127.0.0.1:{port}")).env("LANG", "C.UTF-8");
        for place in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(place, home);
        }
        // No desktop: no session bus, no dialog program. The window must ask for paths by itself.
        command.env("PATH", home).env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("WAYLAND_DISPLAY");
        let mut program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        let mut wire = loop {
            if let Ok(wire) = TcpStream::connect(("127.0.0.1", port)) {
                break wire;
            }
            assert!(program.try_wait().unwrap().is_none(), "the program ended at its start");
            assert!(Instant::now() < end, "the window does not answer");
            std::thread::sleep(Duration::from_millis(50));
        };
        wire.set_read_timeout(Some(PATIENCE)).unwrap();
        read_handshake(&mut wire).unwrap();
        Self { program, wire }
    }

    fn ask(&mut self, request: &Request) -> Response {
        write_message(&mut self.wire, request).unwrap();
        match read_message(&mut self.wire).unwrap() {
            Response::Error { message } => panic!("{request:?}: {message}"),
            response => response,
        }
    }

    fn send(&mut self, events: Vec<Event>) {
        self.ask(&Request::ApplyEvents { events });
    }

    /// What is on screen.
    pub fn widgets(&mut self) -> Vec<Seen> {
        let Response::Tree { accesskit: Some(tree), .. } = self.ask(&Request::GetTree) else { return Vec::new() };
        tree.nodes
            .iter()
            .filter_map(|(_, node)| {
                let b = node.bounds()?;
                let rect = Rect::from_min_max(egui::pos2(b.x0 as f32, b.y0 as f32), egui::pos2(b.x1 as f32, b.y1 as f32));
                let number = || node.numeric_value().map(|v| v.to_string());
                let value = node.value().map(str::to_owned).or_else(number).unwrap_or_default();
                Some(Seen { role: node.role(), label: node.label().unwrap_or_default().to_owned(), value, rect })
            })
            .filter(|s| s.role != accesskit::Role::TextRun)
            .collect()
    }

    /// The first widget that fits, as soon as there is one.
    pub fn until(&mut self, what: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        let end = Instant::now() + PATIENCE;
        loop {
            let all = self.widgets();
            if let Some(found) = all.iter().find(|s| fits(s)) {
                return found.clone();
            }
            if Instant::now() > end {
                let names: Vec<String> = all.iter().map(|s| format!("{:?} {} {}", s.role, s.label, s.value)).collect();
                panic!("never seen: {what}. On screen:\n{}", names.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A widget whose name or content holds a text.
    pub fn see(&mut self, text: &str) -> Seen {
        self.until(text, |s| s.label.contains(text) || s.value.contains(text))
    }

    /// Waits until something is true on disk or elsewhere.
    pub fn wait(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "never happened: {what}");
            assert!(self.program.try_wait().unwrap().is_none(), "the program ended while waiting: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Clicks the button, tab or line of that name.
    pub fn click(&mut self, label: &str) {
        use accesskit::Role::{Button, Link, RadioButton, Tab};
        let is = |s: &Seen| s.label == label && matches!(s.role, Button | Link | RadioButton | Tab);
        let at = self.until(&format!("the button “{label}”"), is).rect.center();
        self.click_at(at);
    }

    /// Clicks a place.
    pub fn click_at(&mut self, pos: Pos2) {
        let press = |pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        self.send(vec![Event::PointerMoved(pos)]);
        // In one frame, so that nothing can come between them.
        self.send(vec![Event::PointerMoved(pos), press(true), press(false)]);
    }

    /// Drags a slider's handle to a share of its way.
    pub fn slide(&mut self, label: &str, share: f32) {
        let is = |s: &Seen| s.label == label && s.role == accesskit::Role::Slider;
        let track = self.until(&format!("the slider “{label}”"), is).rect;
        let at = |share: f32| egui::pos2(egui::lerp(track.left() + 8.0..=track.right() - 8.0, share), track.center().y);
        let press = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        self.send(vec![Event::PointerMoved(at(0.5))]);
        self.send(vec![press(at(0.5), true)]);
        for step in 1..=8 {
            self.send(vec![Event::PointerMoved(at(0.5 + (share - 0.5) * step as f32 / 8.0))]);
        }
        self.send(vec![press(at(share), false)]);
    }

    /// The number at a slider.
    pub fn slider(&mut self, label: &str) -> f64 {
        let is = |s: &Seen| s.label == label && s.role == accesskit::Role::Slider;
        self.until(&format!("the slider “{label}”"), is).value.parse().unwrap()
    }

    /// Presses a key, with Ctrl or alone.
    pub fn key(&mut self, key: Key, ctrl: bool) {
        let modifiers = if ctrl { Modifiers::CTRL | Modifiers::COMMAND } else { Modifiers::NONE };
        let press = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.send(vec![press(true)]);
        self.send(vec![press(false)]);
    }

    /// Writes into the field that has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.send(vec![Event::Text(text.to_owned())]);
    }

    /// From now on no file of the program grows beyond so many bytes, or any again. False where that cannot be set.
    pub fn limit_files(&mut self, bytes: Option<u32>) -> bool {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |b| b.to_string());
        let set = Command::new("prlimit").arg(format!("--pid={}", self.program.id())).arg(format!("--fsize={soft}:")).status();
        set.is_ok_and(|s| s.success())
    }

    /// Ends the program as a crash would: nothing is asked, nothing is saved.
    pub fn kill(mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Files with an ending, anywhere below a folder.
pub fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}
