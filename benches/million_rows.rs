//! Exact tree Shapley values of a million rows, written to Parquet as they are found: time, peak memory, and XGBoost's
//! own rows per second on the same trees.
//!
//! `cargo bench --profile dev --bench million_rows [-- ROWS]`. The table is made up: 40 numbers, some missing. XGBoost
//! trains 100 trees of depth 6 on its first 100,000 rows and attributes them; this program imports the trees.

mod peer;

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use whybench::base::{JobCtx, rng};
use whybench::data::{ReadOptions, read};
use whybench::explain::{ExplainOptions, Method};
use whybench::ml::model::Scale;
use whybench::session::run;

const COLUMNS: usize = 40;
const PEER: &str = r"
import sys, time, os, json, numpy as np, pandas as pd, xgboost as xgb
folder, source, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
X = pd.read_csv(source, nrows=100_000)
Z = X.fillna(0).to_numpy()
m = Z[:, 0] * Z[:, 1] + np.sin(Z[:, 2:20] * 2).sum(1) + Z[:, 20:].sum(1) * 0.5
y = (m + np.random.default_rng(1).normal(size=len(X)) > 0).astype(int)
d = xgb.DMatrix(X, y, nthread=threads)
b = xgb.train({'max_depth': 6, 'eta': 0.1, 'tree_method': 'hist', 'nthread': threads, 'objective': 'binary:logistic'}, d, 100)
b.save_model(os.path.join(folder, 'model.json'))
e = xgb.DMatrix(X.iloc[:20_000], nthread=threads)
s = time.perf_counter(); b.predict(e, pred_contribs=True); t = time.perf_counter() - s
print(json.dumps({'rows_per_second': 20_000 / t, 'version': xgb.__version__}))
";

type Any<T> = Result<T, Box<dyn std::error::Error>>;

fn write_rows(path: &Path, rows: usize) -> Any<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut rng = rng::rng(1, "million rows");
    writeln!(out, "{}", (0..COLUMNS).map(|c| format!("x{c}")).collect::<Vec<_>>().join(","))?;
    for _ in 0..rows {
        for c in 0..COLUMNS {
            if c > 0 {
                out.write_all(b",")?;
            }
            // Roughly normal, and cheap: the sum of four even numbers.
            let v = (0..4).map(|_| rng::unit(&mut rng)).sum::<f64>() * 1.732 - 3.464;
            if rng::below(&mut rng, 50) > 0 {
                write!(out, "{v:.3}")?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// The most memory that this process held since it was asked last, in megabytes; where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: f64 = status.lines().find(|l| l.starts_with("VmHWM:"))?.split_whitespace().nth(1)?.parse().ok()?;
    // From here on the peak counts anew.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    Some(kilobytes / 1024.0)
}

fn main() -> Any<()> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let python = match peer::python(&["xgboost>=3.4", "lightgbm", "pandas", "shap"]) {
        Ok(python) => python,
        Err(reason) => {
            println!("no peer, so no trees: {reason}");
            return Ok(());
        }
    };
    let threads = std::thread::available_parallelism()?.get();
    let folder = tempfile::tempdir()?;
    let (source, out) = (folder.path().join("rows.csv"), folder.path().join("values.parquet"));
    write_rows(&source, rows)?;
    let args = [&*folder.path().to_string_lossy(), &*source.to_string_lossy(), &threads.to_string()];
    let said: serde_json::Value = serde_json::from_str(peer::script(&python, PEER, &args)?.lines().last().unwrap_or_default())?;
    let model = whybench::ml::import::import(&folder.path().join("model.json"), None)?;
    let ctx = JobCtx::quiet();
    peak();
    let t = Instant::now();
    let loaded = read::open(&source, &ReadOptions::default(), &ctx)?;
    println!(
        "{rows} rows × {COLUMNS} numbers read in {:.1} s; peak memory {:.0} MB",
        t.elapsed().as_secs_f64(),
        peak().unwrap_or(f64::NAN)
    );
    let options = ExplainOptions { method: Some(Method::TreeShap), scale: Scale::Margin, ..ExplainOptions::default() };
    let t = Instant::now();
    let done = run::write_attributions(&*model, &loaded.table, &loaded.fingerprint, None, &options, &out, &ctx)?;
    let (written, gap) = (done.all.rows, done.all.largest_gap);
    let seconds = t.elapsed().as_secs_f64();
    let theirs = said["rows_per_second"].as_f64().unwrap_or(f64::NAN);
    let mb = std::fs::metadata(&out)?.len() as f64 / 1e6;
    println!(
        "exact Shapley values, 100 trees of depth 6, {threads} threads: {written} rows in {seconds:.1} s with their file ({mb:.0} MB); peak memory {:.0} MB; {:.0} rows/s, XGBoost {} {theirs:.0}, ratio {:.1}; largest gap {gap:.1e}",
        peak().unwrap_or(f64::NAN),
        written as f64 / seconds,
        said["version"].as_str().unwrap_or_default(),
        written as f64 / seconds / theirs
    );
    Ok(())
}
