//! The command palette: every command by typing a part of its name.

use eframe::egui::{self, Key, RichText};

use super::{Action, Cx, commands, theme};

/// What the palette remembers while it is open.
#[derive(Default)]
pub struct Palette {
    text: String,
    at: usize,
    just_opened: bool,
    open: bool,
}

impl Palette {
    /// Opens or closes it.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, just_opened: true, ..Self::default() };
    }

    /// Draws it over everything, if it is open.
    pub fn ui(&mut self, ctx: &egui::Context, cx: &mut Cx<'_>) {
        if !self.open {
            return;
        }
        let all: Vec<_> = commands::list(cx.session)
            .into_iter()
            .filter(|e| e.enabled && e.action != Action::Palette)
            .map(|e| (e.title(cx.lang()), e))
            .filter(|(title, _)| matches(title, &self.text))
            .collect();
        let mut chosen = None;
        let modal = egui::Modal::new(egui::Id::unique("palette")).show(ctx, |ui| {
            ui.set_width(480.0);
            let field =
                egui::TextEdit::singleline(&mut self.text).hint_text(cx.t("ui.palette_hint")).desired_width(f32::INFINITY).return_key(None);
            let field = ui.add(field);
            if std::mem::take(&mut self.just_opened) {
                field.request_focus();
            }
            if field.changed() {
                self.at = 0;
            }
            ui.input(|i| {
                if i.key_pressed(Key::ArrowDown) {
                    self.at += 1;
                }
                if i.key_pressed(Key::ArrowUp) {
                    self.at = self.at.saturating_sub(1);
                }
                if i.key_pressed(Key::Enter) {
                    chosen = all.get(self.at.min(all.len().saturating_sub(1))).map(|(_, e)| e.action.clone());
                }
            });
            self.at = self.at.min(all.len().saturating_sub(1));
            ui.add_space(theme::TIGHT);
            egui::ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                for (i, (title, entry)) in all.iter().enumerate() {
                    let keys = entry.shortcut.map(|s| ui.ctx().format_shortcut(&s)).unwrap_or_default();
                    let button = egui::Button::selectable(i == self.at, title.as_str())
                        .shortcut_text(RichText::new(keys).color(cx.tokens.weak))
                        .min_size(egui::vec2(ui.available_width(), theme::ROW));
                    if ui.add(button).clicked() {
                        chosen = Some(entry.action.clone());
                    }
                }
                if all.is_empty() {
                    ui.label(RichText::new(cx.t("ui.palette_none")).color(cx.tokens.weak));
                }
            });
        });
        if let Some(action) = chosen {
            self.open = false;
            cx.send(action);
        } else if modal.should_close() {
            self.open = false;
        }
    }
}

/// Whether every word that was typed occurs in the title.
fn matches(title: &str, typed: &str) -> bool {
    let title = title.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| title.contains(word))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn words_may_come_in_any_order() {
        assert!(matches("Save project as…", "as SAVE"));
        assert!(matches("Save project as…", ""));
        assert!(!matches("Save project as…", "open"));
    }
}
