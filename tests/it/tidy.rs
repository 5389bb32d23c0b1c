//! The architecture, held to by reading the sources: which folder may name what, and that every text has its words.

use std::path::{Path, PathBuf};

/// The layers, each of which may use those before it.
const LAYERS: [&str; 12] = ["base", "data", "ml", "explain", "recommend", "strategy", "report", "session", "jobs", "cli", "ui", "app"];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    files.retain(|f| f.extension().is_some_and(|e| e == "rs"));
    files.sort();
    files.iter().map(|f| (f.strip_prefix(root).unwrap().display().to_string(), std::fs::read_to_string(f).unwrap())).collect()
}

/// Lines of code: no comments, nothing after the tests begin.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|l| !l.starts_with("#[cfg(test)]")).filter(|l| !l.trim_start().starts_with("//"))
}

fn layer(file: &str) -> Option<usize> {
    let name = file.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().position(|l| *l == name)
}

#[test]
fn libraries_stay_in_their_rooms() {
    let rooms: [(&[&str], &[&str]); 4] = [
        (&["egui", "eframe", "egui_plot", "egui_table", "egui_tiles"], &["src/ui/", "src/ui.rs", "src/app"]),
        (&["polars"], &["src/data/"]),
        (&["burn", "linfa", "linfa_logistic", "hessboost", "tract_onnx"], &["src/ml/"]),
        (&["std::thread", "thread"], &["src/jobs/"]),
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (names, allowed) in &rooms {
            if allowed.iter().any(|a| file.starts_with(a)) {
                continue;
            }
            for line in code(&text) {
                if names.iter().any(|n| {
                    line.contains(&format!("{n}::"))
                        && line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').any(|w| w.starts_with(&format!("{n}::")))
                }) {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layers_use_only_the_ones_above_them() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let (Some(own), false) = (layer(&file), file.contains("/tests")) else { continue };
        for line in code(&text) {
            for (other, name) in LAYERS.iter().enumerate().filter(|(other, _)| *other > own) {
                if line.contains(&format!("crate::{name}::")) && other > own {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_fits_on_a_few_screens() {
    for (file, text) in sources() {
        let tests = file.ends_with("tests.rs");
        assert!(tests || text.starts_with("//!"), "{file} does not open with //!");
        assert!(!text.starts_with("//! stub"), "{file} is a stub");
        assert!(text.lines().count() <= 800, "{file} is too long");
        if file != "src/ui/theme.rs" {
            let colour = code(&text).find(|l| l.contains("Color32::from_") || l.contains("Color32::RED"));
            assert!(colour.is_none(), "{file} holds a colour: {colour:?}");
        }
    }
}

#[test]
fn every_text_has_its_words() {
    let catalogue = whybench::base::text::catalogue();
    let areas: Vec<&str> = catalogue.keys().filter_map(|k| k.split('.').next()).collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for line in code(&text) {
            for piece in line.split('"').skip(1).step_by(2) {
                let Some((area, name)) = piece.split_once('.') else { continue };
                let is_key = areas.contains(&area)
                    && !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                if is_key && !catalogue.contains_key(piece) && !["toml", "csv", "json", "parquet"].contains(&name) {
                    wrong.push(format!("{file}: {piece}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
