//! Opening a CSV of a million rows: first rows, whole table, whole profile, beside polars from Python on the same file.
//!
//! `cargo bench --profile dev --bench open_csv [-- ROWS]`

mod peer;

use std::io::{BufWriter, Write as _};
use std::time::Instant;

use whybench::base::JobCtx;
use whybench::data::{ReadOptions, Roles, profile, read};

const SAMPLE: &str = include_str!("../sample_data/online_shoppers_intention.csv");
const PEER: &str = r"
import sys, time, polars as pl
path = sys.argv[1]
t = time.perf_counter(); pl.read_csv(path, n_rows=200); first = time.perf_counter() - t
t = time.perf_counter(); df = pl.read_csv(path); load = time.perf_counter() - t
t = time.perf_counter()
df.is_duplicated().sum()
for c in df.columns:
    s = df[c]
    s.null_count(); s.n_unique(); s.value_counts(sort=True).head(12)
    if s.dtype.is_numeric():
        s.min(); s.max(); s.mean(); s.std(ddof=0); s.median(); s.hist(bin_count=40)
prof = time.perf_counter() - t
print(first, load, prof, pl.__version__)
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.csv");
    let mut lines = SAMPLE.lines();
    let header = lines.next().unwrap_or_default();
    let body: Vec<&str> = lines.collect();
    let mut out = BufWriter::new(std::fs::File::create(&path)?);
    writeln!(out, "{header}")?;
    for i in 0..rows {
        writeln!(out, "{}", body[i % body.len()])?;
    }
    out.flush()?;
    drop(out);
    println!("{rows} rows, {} MB", std::fs::metadata(&path)?.len() / 1_000_000);

    let ctx = JobCtx::quiet();
    let options = ReadOptions::default();
    let (mut first, mut load, mut whole) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..3 {
        let t = Instant::now();
        read::preview(&path, &options, 200)?;
        first = first.min(t.elapsed().as_secs_f64());
        let t = Instant::now();
        let loaded = read::open(&path, &options, &ctx)?;
        load = load.min(t.elapsed().as_secs_f64());
        let roles = Roles::detect(&loaded.table);
        let t = Instant::now();
        let p = profile::profile(&loaded.table, &roles, Some(("Revenue", "TRUE")), &ctx)?;
        whole = whole.min(t.elapsed().as_secs_f64());
        assert_eq!(p.rows, rows);
    }
    println!("whybench: first rows {first:.3} s, table {load:.3} s, profile {whole:.3} s, together {:.3} s", load + whole);
    match peer::python(&["polars"]) {
        Ok(python) => {
            let mut best = [f64::MAX; 3];
            let mut version = String::new();
            for _ in 0..3 {
                let text = peer::script(&python, PEER, &[&path.to_string_lossy()])?;
                for (slot, x) in best.iter_mut().zip(text.split_whitespace()) {
                    *slot = slot.min(x.parse()?);
                }
                version = text.split_whitespace().last().unwrap_or_default().to_owned();
            }
            println!(
                "polars {version}: first rows {:.3} s, table {:.3} s, profile {:.3} s, together {:.3} s",
                best[0],
                best[1],
                best[2],
                best[1] + best[2]
            );
            println!(
                "ratio whybench / polars: table {:.2}, profile {:.2}, together {:.2}",
                load / best[1],
                whole / best[2],
                (load + whole) / (best[1] + best[2])
            );
        }
        Err(reason) => println!("no peer: {reason}"),
    }
    Ok(())
}
