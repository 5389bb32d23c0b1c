//! The commands that people reach by palette, menu and shortcut: one list, three uses.

use eframe::egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};

use super::Action;
use crate::base::Lang;
use crate::session::Session;
use crate::session::state::Ask;

/// One command.
pub struct Entry {
    /// Catalogue key of its name.
    pub key: &'static str,
    /// What fills `{name}` in it.
    pub name: String,
    /// Its keys.
    pub shortcut: Option<KeyboardShortcut>,
    /// Whether it can be used now.
    pub enabled: bool,
    /// What it does.
    pub action: Action,
}

const fn ctrl(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}
const fn ctrl_shift(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key))
}

/// Every command, as it stands now.
pub fn list(session: &Session) -> Vec<Entry> {
    let open = session.recipe.is_some();
    let entry = |key, shortcut, enabled, action| Entry { key, name: String::new(), shortcut, enabled, action };
    let mut all = vec![
        entry("ui.cmd_open", ctrl(Key::O), true, Action::ChooseFile),
        entry("ui.cmd_type_path", ctrl_shift(Key::O), true, Action::TypePath),
        entry("ui.cmd_save", ctrl(Key::S), open, Action::Save),
        entry("ui.cmd_save_as", ctrl_shift(Key::S), open, Action::SaveAs),
        entry("ui.cmd_undo", ctrl(Key::Z), session.history.can_undo(), Action::Undo),
        entry("ui.cmd_redo", ctrl_shift(Key::Z), session.history.can_redo(), Action::Redo),
        entry("ui.cmd_palette", ctrl(Key::K), true, Action::Palette),
        entry("ui.cmd_inspector", ctrl(Key::I), open, Action::Inspector),
        entry("ui.cmd_close", ctrl(Key::W), open, Action::Close),
        entry("ui.cmd_load_model", None, open, Action::LoadModel),
        entry("ui.cmd_report_html", None, !session.models.is_empty(), Action::ExportReport("html".to_owned())),
        entry("ui.cmd_report_json", None, !session.models.is_empty(), Action::ExportReport("json".to_owned())),
        entry("ui.cmd_light", None, true, Action::SetTheme(ThemePreference::Light)),
        entry("ui.cmd_dark", None, true, Action::SetTheme(ThemePreference::Dark)),
        entry("ui.cmd_system", None, true, Action::SetTheme(ThemePreference::System)),
        entry("ui.cmd_english", None, true, Action::SetLang(Lang::En)),
        entry("ui.cmd_chinese", None, true, Action::SetLang(Lang::Zh)),
        entry("ui.cmd_quit", ctrl(Key::Q), true, Action::Quit),
    ];
    let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7];
    for (room, key) in super::shell::rooms(session).into_iter().zip(keys) {
        let name = crate::base::tr(session.lang, room.title()).to_owned();
        all.push(Entry { key: "ui.cmd_go", name, shortcut: ctrl(key), enabled: open, action: Action::Go(room) });
    }
    for model in session.recipe.iter().flat_map(|r| &r.models) {
        let (name, action) = (model.name.clone(), Action::Want(Ask::Train(model.name.clone())));
        all.push(Entry { key: "ui.cmd_train", name, shortcut: None, enabled: session.has_target(), action });
        let (name, action) = (model.name.clone(), Action::SaveModel(model.name.clone()));
        let enabled = session.models.contains_key(&model.name);
        all.push(Entry { key: "ui.cmd_save_model", name, shortcut: None, enabled, action });
    }
    all
}

impl Entry {
    /// Its name in words.
    pub fn title(&self, lang: Lang) -> String {
        crate::base::tr_with(lang, self.key, &[("name", &self.name)])
    }
}
