//! What the program remembers between runs besides projects: language, theme, recent files. And the places it looks in:
//! sample projects, autosaves.

use std::path::{Path, PathBuf};

use eframe::egui::ThemePreference;
use serde::{Deserialize, Serialize};

use crate::base::{Fault, Lang, Result};
use crate::session::Session;
use crate::ui::Sample;

/// How many recent files are offered.
const RECENT: usize = 8;

/// The preferences file, JSON in the user's configuration folder. A file that cannot be read counts as absent: these are
/// conveniences, never work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Preferences {
    /// Language; the system's if absent.
    pub lang: Option<Lang>,
    /// `light`, `dark` or `system`.
    theme: String,
    /// Recently opened files, newest first.
    pub recent: Vec<PathBuf>,
}

impl Preferences {
    pub(super) fn load() -> Self {
        let text = file().and_then(|f| std::fs::read_to_string(f).ok());
        let mut all: Self = text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
        all.recent.retain(|p| p.exists());
        all
    }

    /// Written at once: the file is small, and a crash later must not lose it.
    pub(super) fn save(&self) {
        let (Some(file), Ok(json)) = (file(), serde_json::to_vec_pretty(self)) else { return };
        if let Some(folder) = file.parent()
            && std::fs::create_dir_all(folder).is_ok()
        {
            // Nothing is lost but a convenience if the folder cannot be written.
            drop(crate::base::file::write_atomic(&file, &json));
        }
    }

    pub(super) fn remember(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(RECENT);
        self.save();
    }

    pub(super) fn theme(&self) -> ThemePreference {
        match self.theme.as_str() {
            "light" => ThemePreference::Light,
            "dark" => ThemePreference::Dark,
            _ => ThemePreference::System,
        }
    }

    pub(super) fn set_theme(&mut self, theme: ThemePreference) {
        self.theme = match theme {
            ThemePreference::Light => "light",
            ThemePreference::Dark => "dark",
            ThemePreference::System => "system",
        }
        .to_owned();
    }
}

fn file() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "whybench")?.config_dir().join("preferences.json"))
}

/// The sample projects that are installed: beside the program, in the system's place, or in the source tree.
pub(super) fn samples() -> Vec<Sample> {
    let beside = std::env::current_exe().ok().and_then(|e| Some(e.parent()?.join("sample_data")));
    let places =
        [beside, Some(PathBuf::from("/usr/share/whybench/sample_data")), Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data"))];
    let Some(folder) = places.into_iter().flatten().find(|f| f.is_dir()) else { return Vec::new() };
    [
        ("online_shoppers.whybench", "ui.sample_shoppers", "ui.sample_shoppers_about"),
        ("open_bandit.whybench", "ui.sample_bandit", "ui.sample_bandit_about"),
    ]
    .into_iter()
    .map(|(file, title, about)| Sample { title, about, path: folder.join(file) })
    .filter(|s| s.path.is_file())
    .collect()
}

/// Autosaves that a run left behind.
pub(super) fn recoverable() -> Vec<PathBuf> {
    crate::session::files::recoverable()
}

/// Forgets an autosave.
pub(super) fn discard(path: &Path) -> Result<()> {
    crate::session::files::discard(path).map_err(|e| Fault::io(path, &e))
}

/// Forgets the autosave of work that is saved or given up.
pub(super) fn discard_autosave(session: &Session) {
    if let Some(path) = crate::session::files::autosave_path(session) {
        // It may never have been written.
        drop(crate::session::files::discard(&path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(crate::base::clock::date_of_days(0), (1970, 1, 1));
        assert_eq!(crate::base::clock::date_of_days(11_016), (2000, 2, 29));
        assert_eq!(crate::base::clock::date_of_days(20_780), (2026, 11, 23));
    }

    #[test]
    fn recent_files_stand_once_and_are_few() {
        let mut p = Preferences::default();
        for i in 0..20 {
            p.recent.insert(0, format!("{i}").into());
        }
        p.recent.retain(|x| x != Path::new("5"));
        p.recent.insert(0, "5".into());
        p.recent.truncate(RECENT);
        assert_eq!((p.recent.len(), &p.recent[0]), (RECENT, &PathBuf::from("5")));
    }
}
