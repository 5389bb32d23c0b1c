//! How the file was read: what was detected, and how to change it.

use eframe::egui::{self, RichText, Ui};

use crate::data::read::{Dates, Header, Quote};
use crate::data::{ReadOptions, Reading};
use crate::session::state::Command;
use crate::ui::{Cx, theme};

/// Delimiters offered, with their catalogue key.
const DELIMITERS: [(char, &str); 5] = [
    (',', "ui.delimiter_comma"),
    (';', "ui.delimiter_semicolon"),
    ('\t', "ui.delimiter_tab"),
    ('|', "ui.delimiter_bar"),
    (' ', "ui.delimiter_space"),
];
/// Encodings offered.
const ENCODINGS: [&str; 7] = ["utf-8", "gb18030", "windows-1252", "utf-16le", "big5", "shift_jis", "windows-1251"];

/// The bar keeps nothing.
#[derive(Default)]
pub(super) struct ReadingBar {}

impl ReadingBar {
    /// What was detected, and menus to change it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, reading: &Reading) {
        if reading.format != "csv" {
            let text = cx.tw("ui.read_as", &[("format", &reading.format)]);
            ui.label(RichText::new(text).size(theme::SMALL).color(cx.tokens.weak));
            return;
        }
        self.menus(ui, cx, Some(reading));
    }

    /// The menus alone, for a file that could not be read.
    pub(super) fn options_only(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.menus(ui, cx, None);
    }

    fn menus(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, reading: Option<&Reading>) {
        let Some(before) = cx.session.recipe.as_ref().map(|r| r.data.read.clone()) else { return };
        let mut options = before.clone();
        let auto = cx.t("ui.detected");
        let found = |text: Option<String>| text.map_or_else(|| auto.to_owned(), |t| format!("{t} ({auto})"));
        let delimiter_name =
            |c: char| DELIMITERS.iter().find(|(d, _)| *d == c).map_or_else(|| c.to_string(), |(_, key)| cx.t(key).to_owned());
        ui.horizontal_wrapped(|ui| {
            let shown = found(reading.and_then(|r| r.delimiter).map(delimiter_name));
            let some = DELIMITERS.iter().map(|(c, key)| (Some(*c), cx.t(key).to_owned()));
            menu(ui, cx, "ui.delimiter", &mut options.delimiter, std::iter::once((None, shown)).chain(some));

            let yes_no = |yes: bool| cx.t(if yes { "ui.header_yes" } else { "ui.header_no" }).to_owned();
            let choices =
                [(Header::Auto, found(reading.map(|r| yes_no(r.header)))), (Header::Yes, yes_no(true)), (Header::No, yes_no(false))];
            menu(ui, cx, "ui.header", &mut options.header, choices.into_iter());

            let shown = found(reading.and_then(|r| r.encoding.clone()));
            let some = ENCODINGS.iter().map(|e| (Some((*e).to_owned()), (*e).to_owned()));
            menu(ui, cx, "ui.encoding", &mut options.encoding, std::iter::once((None, shown)).chain(some));

            let shown = found(reading.and_then(|r| r.decimal).map(String::from));
            let some = ['.', ','].map(|c| (Some(c), c.to_string()));
            menu(ui, cx, "ui.decimal", &mut options.decimal, std::iter::once((None, shown)).chain(some));
            // What is seldom changed stands in a menu, so that the bar stays one line.
            ui.menu_button(RichText::new(cx.t("ui.reading_more")).size(theme::SMALL), |ui| {
                ui.set_min_width(200.0);
                let quotes = [(Quote::Double, "ui.quote_double"), (Quote::Single, "ui.quote_single"), (Quote::None, "ui.quote_none")];
                group(ui, cx, "ui.quote", &mut options.quote, &quotes);
                ui.separator();
                group(ui, cx, "ui.dates", &mut options.dates, &[(Dates::Dmy, "ui.dates_dmy"), (Dates::Mdy, "ui.dates_mdy")]);
            });
            if options != ReadOptions::default() && ui.button(cx.t("ui.detect_again")).clicked() {
                options = ReadOptions::default();
            }
        });
        if options != before {
            cx.command(Command::SetRead(options));
        }
    }
}

/// One choice among a few, or what is detected.
fn group<T: Copy + PartialEq>(ui: &mut Ui, cx: &Cx<'_>, key: &str, value: &mut Option<T>, choices: &[(T, &str)]) {
    ui.label(RichText::new(cx.t(key)).size(theme::SMALL).color(cx.tokens.weak));
    ui.selectable_value(value, None, cx.t("ui.detected"));
    for (choice, text) in choices {
        ui.selectable_value(value, Some(*choice), cx.t(text));
    }
}

fn menu<T: Clone + PartialEq>(ui: &mut Ui, cx: &Cx<'_>, key: &str, value: &mut T, choices: impl Iterator<Item = (T, String)>) {
    let choices: Vec<_> = choices.collect();
    let label = cx.t(key);
    let shown = choices.iter().find(|(v, _)| v == value).map_or_else(|| "…".to_owned(), |(_, text)| text.clone());
    let combo = egui::ComboBox::from_id_salt(key).selected_text(RichText::new(shown).size(theme::SMALL)).width(96.0);
    ui.name_inputs(label, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(label).size(theme::SMALL).color(cx.tokens.weak));
            combo.show_ui(ui, |ui| {
                for (v, text) in &choices {
                    ui.selectable_value(value, v.clone(), text);
                }
            });
        });
    });
}
