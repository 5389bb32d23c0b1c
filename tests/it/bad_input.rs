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
