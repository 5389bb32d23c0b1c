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

/// Identifiers and sensitive columns are no features, and nothing that a run writes holds a value of them.
#[test]
fn what_is_sensitive_does_not_leave() {
    let dir = tempfile::tempdir().unwrap();
    let (user, group) = ("walter.nobody@example.org", "Quuxian");
    let rows: String = (0..400)
        .map(|i| {
            let who = if i % 9 == 0 { user.to_owned() } else { format!("someone{i}@example.org") };
            let of = if i % 3 == 0 { group } else { "Other" };
            format!("{who},{of},{},{},{}\n", i % 17, (i * 5) % 13, u8::from(i % 17 > 8))
        })
        .collect();
    std::fs::write(dir.path().join("people.csv"), format!("email,ethnicity,visits,pages,bought\n{rows}")).unwrap();
    let recipe = "version = 1\n[data]\npath = \"people.csv\"\n[roles]\ntarget = [\"bought\"]\nuser = [\"email\"]\nsensitive = [\"ethnicity\"]\n\
        lever = [\"pages\"]\n[[model]]\nname = \"Trees\"\nkind = \"gbdt\"\n[[model]]\nname = \"Regression\"\nkind = \"logistic\"\n\
        [[scenario]]\nname = \"More\"\nset = { pages = 12 }\n";
    std::fs::write(dir.path().join("recipe.toml"), recipe).unwrap();
    let run = |recipe: &str, out: &str| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_whybench"))
            .arg("run")
            .arg(dir.path().join(recipe))
            .arg("--out")
            .arg(dir.path().join(out))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run("recipe.toml", "out");
    let mut files = 0;
    for ending in ["html", "json", "toml", "whymodel", "parquet"] {
        for file in super::drive::files_below(&dir.path().join("out"), ending) {
            let bytes = std::fs::read(&file).unwrap();
            for secret in [user, group] {
                let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!found, "{} holds “{secret}”", file.display());
            }
            files += 1;
        }
    }
    assert!(files >= 8, "{files} files");
    // The search finds it where the analyst said that it may leave.
    std::fs::write(dir.path().join("open.toml"), format!("{recipe}[report]\ninclude_sensitive = true\n")).unwrap();
    run("open.toml", "open");
    assert!(std::fs::read_to_string(dir.path().join("open/report.json")).unwrap().contains(group));
}
