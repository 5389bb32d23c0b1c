//! The report of the sample project: complete, self-contained, well-formed, in both languages.

use std::path::Path;

use whybench::base::{JobCtx, Lang};
use whybench::report::html;
use whybench::session::{Recipe, run};

/// Tags that HTML does not close.
const VOID: [&str; 2] = ["meta", "br"];

fn balanced(page: &str) -> Result<(), String> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').ok_or("a tag without an end")? + at;
        let tag = &rest[at + 1..end];
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
        if tag.starts_with('/') {
            let last = open.pop().unwrap_or_default();
            if last != name {
                return Err(format!("</{name}> closes <{last}>"));
            }
        } else if !tag.starts_with('!') && !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) }
}

#[test]
fn a_report_says_everything_without_a_network() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let mut recipe = Recipe::open(&folder.join("online_shoppers.whybench")).unwrap();
    recipe.explain.rows = Some((0, 200));
    recipe.report.title = Some(format!("<script>alert(1)</script> {}", "n".repeat(200)));
    let g = run::gather(&recipe, &folder, &JobCtx::quiet()).unwrap();
    for lang in [Lang::En, Lang::Zh] {
        let report = run::report(&recipe, &g, lang, "2026-01-01");
        let page = html::render(&report);
        balanced(&page).unwrap();
        assert!(!page.contains("<script"), "names are text, not markup");
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http") && !page.contains("url("), "nothing is loaded");
        for id in ["summary", "data", "prepare", "models", "why", "scenarios", "levers", "limits", "again"] {
            assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
        }
        for number in ["0.9368", "12,330", "3,699", "PageValues", "SpecialDay", &report.data.0, &report.models[0].fingerprint.0] {
            assert!(page.contains(number), "{number}");
        }
        let raw_key = page.find(">report.").or_else(|| page.find(">explain."));
        assert!(raw_key.is_none(), "a text without its words: {}", &page[raw_key.unwrap_or(0)..][..40]);
    }
    // The recipe in the report is the recipe that made it.
    let report = run::report(&recipe, &g, Lang::En, "2026-01-01");
    let again = Recipe::parse(&report.recipe, Path::new("recipe.toml")).unwrap();
    assert_eq!((again.models, again.scenarios, again.split), (recipe.models, recipe.scenarios, recipe.split));
}
