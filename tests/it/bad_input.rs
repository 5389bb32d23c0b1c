//! Bad files: each opens with a warning or ends with one sentence that names the file and what to do. Nothing panics.

use std::path::PathBuf;

use whybench::base::{Fault, JobCtx, Lang};
use whybench::data::read::{self, Loaded, ReadOptions};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn open(path: &std::path::Path) -> Result<Loaded, Fault> {
    // The preview must cope with everything that the whole file copes with.
    let first = read::preview(path, &ReadOptions::default(), 20);
    let whole = read::open(path, &ReadOptions::default(), &JobCtx::quiet());
    assert_eq!(first.is_ok(), whole.is_ok(), "{path:?}: {:?} {:?}", first.err(), whole.err());
    whole
}

/// The fault's code; its sentence names the file in both languages and leaves no place unfilled.
fn refused(path: &std::path::Path) -> String {
    let fault = open(path).expect_err("it must be refused");
    for lang in [Lang::En, Lang::Zh] {
        let said = fault.say(lang);
        assert!(said.contains(path.to_str().unwrap()) && !said.contains('{'), "{said}");
    }
    fault.0.code
}

fn warned(path: &std::path::Path) -> (Loaded, Vec<String>) {
    let loaded = open(path).unwrap_or_else(|e| panic!("{path:?} must open: {e}"));
    for w in &loaded.warnings {
        let said = w.say(Lang::En);
        assert!(said.contains(path.to_str().unwrap()) && !said.contains('{') && said != w.code, "{said}");
    }
    let codes = loaded.warnings.iter().map(|w| w.code.clone()).collect();
    (loaded, codes)
}

#[test]
fn files_that_are_refused() {
    let dir = Folder::new();
    let junk: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, bytes, code) in [
        ("nothing.csv", Vec::new(), "data.empty_file"),
        ("blank.csv", b"\n\n  \n".to_vec(), "data.nothing_in_it"),
        ("junk.csv", junk.clone(), "data.not_text"),
        ("book.csv", b"PK\x03\x04rest".to_vec(), "data.is_workbook"),
        ("packed.csv", b"\x1f\x8b\x08rest".to_vec(), "data.is_compressed"),
        ("cut.parquet", b"PAR1\x15\x00\x15\x10".to_vec(), "data.cut_off"),
        ("no.parquet", b"a,b\n1,2\n".to_vec(), "data.not_the_format"),
        ("quote.csv", b"a,b\n1,2\n3,\"4\n5,6\n".to_vec(), "data.unclosed_quote"),
    ] {
        assert_eq!(refused(&dir.put(name, bytes)), code, "{name}");
    }
    // The footer says nonsense.
    let mut bad = b"PAR1".to_vec();
    bad.extend(&junk[..200]);
    bad.extend(b"\x40\x00\x00\x00PAR1");
    assert_eq!(refused(&dir.put("bad.parquet", bad)), "data.damaged");
    assert_eq!(refused(dir.0.path()), "base.is_a_directory");
    assert_eq!(refused(&dir.0.path().join("missing.csv")), "base.file_not_found");
}

#[test]
fn the_open_quote_is_found_by_its_line() {
    let dir = Folder::new();
    let said = open(&dir.put("quote.csv", "a,b\n1,2\n3,\"4\n5,6\n")).unwrap_err().to_string();
    assert!(said.contains("line 3"), "{said}");
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Folder::new();
    let path = dir.put("locked.csv", "a\n1\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The administrator may read everything; then there is nothing to refuse.
    if std::fs::File::open(&path).is_err() {
        assert_eq!(refused(&path), "base.no_permission");
    }
}

#[test]
fn files_that_open_with_a_warning() {
    let dir = Folder::new();
    for (name, bytes, code) in [
        ("header.csv", b"a,b,c\n".to_vec(), "data.no_rows"),
        ("twice.csv", b"a,b,a\n1,2,3\n".to_vec(), "data.renamed_columns"),
        ("unnamed.csv", b"a,,c\n1,2,3\n".to_vec(), "data.unnamed_columns"),
        ("ragged.csv", b"a,b\n1,2\n3\n4,5,6\n7,8\n".to_vec(), "data.ragged"),
        ("nan.csv", b"a\n1.5\nNaN\n2\n".to_vec(), "data.not_a_number"),
        ("inf.csv", b"a\n1.5\n-inf\n2\n".to_vec(), "data.infinite"),
        ("nul.csv", b"a,b\n1,2\n3,4\x00\n5,6\n7,8\n9,10\n11,12\n".to_vec(), "data.nul_bytes"),
        ("stray.csv", b"a,b\n1,\"x\"y\n2,z\n".to_vec(), "data.stray_quotes"),
        ("dates.csv", b"d\n2024-01-02\n2024-01-03\n2024-01-04\n2024-01-05\n05.01.2024\n".to_vec(), "data.mixed_dates"),
    ] {
        let (_, codes) = warned(&dir.put(name, bytes));
        assert_eq!(codes, [code], "{name}");
    }
    let (loaded, _) = warned(&dir.0.path().join("twice.csv"));
    assert_eq!(loaded.table.names(), ["a", "b", "a_2"]);
    let (loaded, _) = warned(&dir.0.path().join("header.csv"));
    assert_eq!((loaded.table.n_rows(), loaded.table.n_columns()), (0, 3));
    let mut s = "n\n".to_owned();
    (0..40).for_each(|i| s.push_str(&format!("{i}\n")));
    s.push_str("12 apples\n");
    let (loaded, codes) = warned(&dir.put("text.csv", s));
    assert_eq!(codes, ["data.numbers_as_text"]);
    let said = loaded.warnings[0].to_owned().say(Lang::En);
    assert!(said.contains("column n") && said.contains("row 40") && said.contains("12 apples"), "{said}");
}

#[test]
fn very_wide_and_very_long_names() {
    let dir = Folder::new();
    let names: Vec<String> = (0..5_000).map(|i| format!("c{i}")).collect();
    let row: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    let (loaded, codes) = warned(&dir.put("wide.csv", format!("{}\n{}\n{}\n", names.join(","), row.join(","), row.join(","))));
    assert_eq!(codes, ["data.very_wide"]);
    assert_eq!((loaded.table.n_columns(), loaded.table.n_rows(), loaded.table.cell(1, 4_999)), (5_000, 2, Some("4999".to_owned())));
    let long = "n".repeat(200);
    let (loaded, codes) = warned(&dir.put("long.csv", format!("{long},b\n1,2\n")));
    assert!(codes.is_empty());
    assert_eq!(loaded.table.name(0), long);
}

#[test]
fn columns_without_any_value() {
    let dir = Folder::new();
    let (loaded, codes) = warned(&dir.put("empty.csv", "a,b\n1,\n2,\n3,NA\n"));
    assert!(codes.is_empty());
    assert_eq!(loaded.table.missing(1), [true; 3]);
    let profile = whybench::data::profile::profile(&loaded.table, &Default::default(), None, &JobCtx::quiet()).unwrap();
    assert_eq!(profile.columns[1].warnings[0].code, "data.column_all_missing");
}

/// Runs the program under `sh`, which first does what `before` says.
#[cfg(unix)]
fn under_shell(before: &str, args: &[&std::ffi::OsStr]) -> std::process::Output {
    let script = format!("{before}; exec \"$@\"");
    let program = std::ffi::OsStr::new(env!("CARGO_BIN_EXE_whybench"));
    std::process::Command::new("sh").arg("-c").arg(script).arg("sh").arg(program).args(args).env("LANG", "C.UTF-8").output().unwrap()
}

/// One sentence on stderr after the progress lines; it says all of this.
#[cfg(unix)]
fn one_sentence(out: &std::process::Output, says: &[&str]) {
    let said = String::from_utf8_lossy(&out.stderr);
    let last = said.trim_end().lines().last().unwrap_or_default();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(says.iter().all(|s| last.contains(s)) && last.ends_with('.') && !said.contains("panicked"), "{says:?}: {said}");
    assert!(out.stdout.is_empty());
}

fn shop(dir: &Folder) -> PathBuf {
    let rows: String =
        (0..4_000).map(|i| format!("{},{},{}\n", i % 97, (i * 7) % 31, u8::from(i % 97 + (i * 7) % 31 + (i * i) % 83 > 110))).collect();
    dir.put("shop.csv", format!("a,b,bought\n{rows}"))
}

const PROJECT: &str = "version = 1\n[data]\npath = \"shop.csv\"\n[roles]\ntarget = [\"bought\"]\nlever = [\"b\"]\n\
    [[model]]\nname = \"Trees\"\nkind = \"gbdt\"\n[[scenario]]\nname = \"Push\"\nset = { b = 20 }\n";

/// Every file below a folder, hidden ones too, with what it holds.
#[cfg(unix)]
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// The disk is full, which here is a limit on the size of a file: what was there stays, and nothing half is left beside it.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let dir = Folder::new();
    let data = shop(&dir);
    let project = dir.put("shop.whybench", PROJECT);
    let at = |name: &str| dir.0.path().join(name);
    let run = |before: &str, args: &[&str]| {
        let words: Vec<&std::ffi::OsStr> = args.iter().map(std::ffi::OsStr::new).collect();
        under_shell(before, &words)
    };
    let (data, project) = (data.to_str().unwrap(), project.to_str().unwrap());
    let names = ["m.whymodel", "p.parquet", "s.parquet", "s.json", "results", "reports"].map(|n| at(n).display().to_string());
    let [model, predictions, reasons, scenarios, results, reports] = names.each_ref().map(String::as_str);
    let commands: [(&[&str], &str); 6] = [
        (&["train", data, "--target", "bought", "--model", "gbdt", "--out", model], "m.whymodel"),
        (&["predict", model, data, "--out", predictions], "p.parquet"),
        (&["explain", model, data, "--method", "tree-shap", "--out", reasons], "s.parquet"),
        (&["simulate", project, "--out", scenarios], "s.json"),
        (&["run", project, "--out", results], "Trees.whymodel"),
        (&["report", project, "--format", "html", "--out", reports], "report.html"),
    ];
    for (args, _) in commands {
        let out = run("true", args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let before = contents(dir.0.path());
    for (args, names) in commands {
        one_sentence(&run("trap '' XFSZ; ulimit -f 2", args), &[names, "could not be read or written (File too large"]);
        let after = contents(dir.0.path());
        assert!(before == after, "{args:?} changed {:?}", after.keys().filter(|f| after.get(*f) != before.get(*f)).collect::<Vec<_>>());
    }
    // A device that is always full says what a full disk says. It is written through a link, so that a mistake would
    // replace the link and not the device.
    let full = at("full.parquet");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    one_sentence(&run("true", &["predict", model, data, "--out", full.to_str().unwrap()]), &["full.parquet", "disk is full"]);
    assert!(full.is_symlink());
}

/// A place where nobody may write, or read; the administrator may everywhere, so he becomes nobody first.
#[cfg(unix)]
#[test]
fn a_place_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Folder::new();
    let data = shop(&dir);
    let mode = |path: &std::path::Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(dir.0.path(), 0o755);
    let secret = dir.put("secret.csv", "a,b\n1,2\n");
    mode(&secret, 0o000);
    let is_root = std::fs::File::open(&secret).is_ok();
    let protected = dir.put("old.whymodel", "what was there");
    mode(&protected, 0o444);
    let locked = dir.0.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    mode(&locked, 0o555);
    let project = dir.put("shop.whybench", PROJECT);
    // The binary itself may lie where nobody may look.
    let copy = dir.0.path().join("whybench");
    if is_root {
        if std::process::Command::new("setpriv").arg("--version").output().is_err() {
            eprintln!("not run: setpriv, which makes the administrator nobody, is not installed");
            return;
        }
        std::fs::copy(env!("CARGO_BIN_EXE_whybench"), &copy).unwrap();
        mode(&copy, 0o755);
    }
    let run = |args: &[&std::ffi::OsStr]| {
        if !is_root {
            return under_shell("true", args);
        }
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&copy).args(args).env("LANG", "C.UTF-8");
        command.output().unwrap()
    };
    let os = |s: &'static str| std::ffi::OsStr::new(s);
    let train = |out: &std::path::Path| {
        let args =
            [os("train"), data.as_os_str(), os("--target"), os("bought"), os("--model"), os("logistic"), os("--out"), out.as_os_str()];
        run(&args)
    };
    one_sentence(&run(&[os("profile"), secret.as_os_str()]), &["secret.csv", "does not allow access"]);
    one_sentence(&train(&locked.join("m.whymodel")), &["m.whymodel", "does not allow access"]);
    one_sentence(&train(&protected), &["old.whymodel", "does not allow access"]);
    assert_eq!(std::fs::read_to_string(&protected).unwrap(), "what was there");
    let results = locked.join("results");
    one_sentence(&run(&[os("run"), project.as_os_str(), os("--out"), results.as_os_str()]), &["results", "does not allow access"]);
    mode(&locked, 0o755);
    assert_eq!(std::fs::read_dir(&locked).unwrap().count(), 0);
}

/// `kill -9` at any moment of training and saving: the model that was there is whole, be it the old or the new one.
#[cfg(unix)]
#[test]
fn a_kill_leaves_the_old_file_or_the_new_one() {
    let dir = Folder::new();
    let data = shop(&dir);
    let model = dir.0.path().join("m.whymodel");
    let start = |seed: u32| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_whybench"));
        command.arg("train").arg(&data).args(["--target", "bought", "--model", "gbdt", "--seed", &seed.to_string(), "--out"]).arg(&model);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let all = start(0).wait_with_output().unwrap();
    assert!(all.status.success());
    let stages = String::from_utf8(all.stderr).unwrap().lines().count();
    assert!(stages > 3, "there are stages to be killed in");
    // Once in each stage, as the program announces it, and once somewhat later.
    for k in 1..=10u32 {
        use std::io::BufRead as _;
        let mut run = start(k);
        let mut said = std::io::BufReader::new(run.stderr.take().unwrap()).lines();
        (0..=k as usize / 2 % stages).for_each(|_| drop(said.next().unwrap().unwrap()));
        std::thread::sleep(std::time::Duration::from_millis(u64::from(k % 2 * k * 3)));
        run.kill().unwrap();
        run.wait().unwrap();
        let seed = whybench::ml::file::load(&model).unwrap().card().spec.seed;
        assert!(seed <= u64::from(k), "{seed}");
    }
    // The moment that matters most: while the file itself is written.
    let unfinished = || super::drive::files_below(dir.0.path(), "part");
    let mut hits = 0;
    for k in 11..=40u32 {
        unfinished().iter().for_each(|f| std::fs::remove_file(f).unwrap());
        let mut run = start(k);
        while unfinished().is_empty() && run.try_wait().unwrap().is_none() {}
        run.kill().unwrap();
        run.wait().unwrap();
        hits += u32::from(!unfinished().is_empty());
        assert!(whybench::ml::file::load(&model).unwrap().card().spec.seed <= u64::from(k));
        if hits == 3 {
            break;
        }
    }
    assert!(hits > 0, "no kill hit a save");
}

/// The same without a window: the sentence names the project and the ways out; changed data are said by every command.
#[cfg(unix)]
#[test]
fn data_that_moved_or_changed_is_said_without_a_window() {
    let dir = Folder::new();
    let data = shop(&dir);
    let project = dir.put("shop.whybench", PROJECT.replace("shop.csv\"", "shop.csv\"\nfingerprint = \"of other data\""));
    let out = dir.0.path().join("out");
    let os = |s: &'static str| std::ffi::OsStr::new(s);
    let commands = [vec![os("simulate")], vec![os("run")], vec![os("report"), os("--format"), os("json")]];
    let run = |words: &[&'static std::ffi::OsStr]| {
        let file = if words[0] == "simulate" { out.with_extension("json") } else { out.clone() };
        let args: Vec<_> = words.iter().copied().chain([project.as_os_str(), os("--out"), file.as_os_str()]).collect();
        under_shell("true", &args)
    };
    for words in &commands {
        let done = run(words);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.contains("shop.csv is not the file that this project was saved with"), "{words:?}: {said}");
    }
    let report = std::fs::read_to_string(out.join("report.json")).unwrap();
    assert!(report.contains("session.data_changed"), "who reads the report must know it, too");
    std::fs::rename(&data, dir.0.path().join("elsewhere.csv")).unwrap();
    for words in &commands {
        one_sentence(&run(words), &["shop.csv", "shop.whybench", "“Find the file…”", "path under [data]"]);
    }
}

/// The data of a project went elsewhere or changed: one sentence, and the way to find it again keeps everything else.
#[test]
fn data_that_moved_or_changed_is_noticed() {
    use whybench::session::Session;
    use whybench::session::state::{Ask, Status};
    let dir = Folder::new();
    let data = shop(&dir);
    let project = dir.put("shop.whybench", PROJECT);
    let mut s = Session::new(Lang::En);
    s.want(Ask::OpenProject(project.clone()));
    s.settle();
    s.want(Ask::SaveProject(project.clone()));
    s.settle();

    let moved = dir.0.path().join("elsewhere.csv");
    std::fs::rename(&data, &moved).unwrap();
    let mut s = Session::new(Lang::En);
    s.want(Ask::OpenProject(project.clone()));
    s.settle();
    let Status::Failed(fault) = s.status(&Ask::Load) else { panic!("{:?}", s.status(&Ask::Load)) };
    assert!(fault.to_string().contains("shop.csv"), "{fault}");
    s.find_data(&moved);
    s.settle();
    assert_eq!(s.status(&Ask::Prepare), Status::Ready);
    assert_eq!(s.recipe.as_ref().unwrap().scenarios.len(), 1, "nothing else is lost");
    assert!(s.messages.iter().all(|m| m.notice.code != "ui.data_changed"), "it is the same file");

    let mut text = std::fs::read_to_string(&moved).unwrap();
    text.push_str("5,6,1\n");
    std::fs::write(&data, text).unwrap();
    let mut s = Session::new(Lang::En);
    s.want(Ask::OpenProject(project));
    s.settle();
    let said = s.messages.iter().find(|m| m.notice.code == "ui.data_changed").expect("it must be said").notice.say(Lang::En);
    assert!(said.contains("shop.csv"), "{said}");
    assert_eq!(s.status(&Ask::Prepare), Status::Ready);
}
