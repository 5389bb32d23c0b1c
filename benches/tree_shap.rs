//! Exact Shapley values of trees beside XGBoost, LightGBM and shap, on models that they trained and this program imported:
//! rows per second, largest difference, order of the strongest five.
//!
//! `cargo bench --profile dev --bench tree_shap [-- [quick] [FILE.csv:TARGET …]]`. Without files: the sample data of the
//! repository and a made-up table of 40 numbers. Threads: `RAYON_NUM_THREADS`, handed on to the peers.

mod peer;

use std::path::Path;
use std::time::Instant;

use whybench::base::JobCtx;
use whybench::data::FeatureMatrix;
use whybench::explain::Players;
use whybench::explain::trees::{AgainstGroup, interactions, path_dependent};
use whybench::ml::TreeEnsemble;
use whybench::ml::model::Structure;

/// Trains, times and writes: model, inputs, contributions, and what shap and interactions say of a few rows.
const PEER: &str = r"
import sys, time, os, json, numpy as np, pandas as pd
folder, source, target, kind, depth, trees, rows, threads = sys.argv[1:9]
depth, trees, rows, threads = int(depth), int(trees), int(rows), int(threads)
if source == '-':
    g = np.random.default_rng(1)
    X = g.normal(size=(rows, 40)).astype(np.float32)
    X[g.random(X.shape) < 0.02] = np.nan
    Z = np.nan_to_num(X)
    m = Z[:, 0] * Z[:, 1] + np.sin(Z[:, 2:20] * 2).sum(1) + (Z[:, 20:] * g.normal(size=20)).sum(1)
    y = (m + g.normal(size=rows) > 0).astype(int)
    X = pd.DataFrame(X, columns=[f'x{i}' for i in range(40)])
else:
    d = pd.read_csv(source, skipinitialspace=True)
    t = d.pop(target)
    y = (t == sorted(t.dropna().unique(), key=str)[-1]).astype(int).to_numpy()
    for c in d.columns:
        if d[c].dtype == bool: d[c] = d[c].astype(int)
        elif not pd.api.types.is_numeric_dtype(d[c]):
            if d[c].nunique() > 1000: d = d.drop(columns=c)
            # shap does not read XGBoost's category splits: for it, categories are codes.
            elif kind == 'shap': d[c] = d[c].astype('category').cat.codes.replace(-1, np.nan).astype(float)
            else: d[c] = d[c].astype('category')
    X = d
    g = np.random.default_rng(2)
    for c in X.columns[:3]:
        X.loc[g.random(len(X)) < 0.03, c] = None if not isinstance(X[c].dtype, pd.CategoricalDtype) else np.nan
E = X.iloc[np.resize(np.arange(len(X)), rows)].reset_index(drop=True)
def best(f):
    t, out = 1e9, None
    for _ in range(2):
        s = time.perf_counter(); out = f(); t = min(t, time.perf_counter() - s)
    return t, out
if kind != 'lightgbm':
    import xgboost as xgb
    d = xgb.DMatrix(X, y, nthread=threads, enable_categorical=True)
    m = xgb.train({'max_depth': depth, 'eta': 0.1, 'tree_method': 'hist', 'nthread': threads, 'objective': 'binary:logistic', 'max_cat_to_onehot': 4}, d, trees)
    m.save_model(os.path.join(folder, 'model.json'))
    e = xgb.DMatrix(E, nthread=threads, enable_categorical=True)
    t, c = best(lambda: m.predict(e, pred_contribs=True))
    k = min(200, rows)
    i = m.predict(xgb.DMatrix(E.iloc[:k], nthread=threads, enable_categorical=True), pred_interactions=True)
    s = time.perf_counter(); m.predict(xgb.DMatrix(E.iloc[:k], nthread=threads, enable_categorical=True), pred_interactions=True); ti = (time.perf_counter() - s) / k
    version = xgb.__version__
else:
    import lightgbm as lgb
    d = lgb.Dataset(X, y)
    m = lgb.train({'max_depth': depth, 'num_leaves': min(2 ** depth, 4095), 'learning_rate': 0.1, 'num_threads': threads, 'objective': 'binary', 'verbose': -1}, d, trees)
    m.save_model(os.path.join(folder, 'model.txt'))
    t, c = best(lambda: m.predict(E, pred_contrib=True, num_threads=threads))
    i, ti, version = np.zeros(0), 0, lgb.__version__
N = E.copy()
for col in N.columns:
    if isinstance(N[col].dtype, pd.CategoricalDtype): N[col] = N[col].cat.codes.replace(-1, np.nan)
V = N.to_numpy(dtype=np.float64)
V.tofile(os.path.join(folder, 'x.bin')); np.asarray(c, dtype=np.float64).tofile(os.path.join(folder, 'c.bin')); np.asarray(i, dtype=np.float64).tofile(os.path.join(folder, 'i.bin'))
ts, tp, ks = 0, 0, 0
if kind == 'shap':
    import shap
    bg, ks = V[:100].astype(np.float32), 100 if depth <= 6 else 20
    def asked(mode):
        ex = shap.TreeExplainer(m, bg if mode == 'interventional' else None, feature_perturbation=mode)
        # Of a model of its own, shap walks the trees itself instead of asking XGBoost.
        ex.model.model_type = 'internal'
        s = time.perf_counter(); v = ex.shap_values(V[100:100 + ks].astype(np.float32), check_additivity=False)
        return (time.perf_counter() - s) / ks, v
    ts, v = asked('interventional'); np.asarray(v, dtype=np.float64).tofile(os.path.join(folder, 's.bin'))
    tp, v = asked('tree_path_dependent'); np.asarray(v, dtype=np.float64).tofile(os.path.join(folder, 'p.bin'))
    version = shap.__version__
print(json.dumps({'seconds': t, 'version': version, 'features': V.shape[1], 'per_pair_row': ti, 'shap_row': ts, 'path_row': tp, 'shap_rows': ks}))
";

type Any<T> = Result<T, Box<dyn std::error::Error>>;

fn numbers(path: &Path) -> Any<Vec<f64>> {
    Ok(std::fs::read(path)?.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])).collect())
}

fn timed<T>(mut work: impl FnMut() -> Any<T>) -> Any<(f64, T)> {
    let mut best = f64::MAX;
    let mut out = None;
    for _ in 0..2 {
        let t = Instant::now();
        out = Some(work()?);
        best = best.min(t.elapsed().as_secs_f64());
    }
    Ok((best, out.ok_or("no run")?))
}

/// Largest difference as a share of the largest value, and the share of rows whose five strongest come in the same order
/// (differences below 1e-5 of the scale do not count as another order).
fn compare(ours: &[f64], m: usize, theirs: &[f64], width: usize) -> (f64, f64) {
    let scale = theirs.chunks_exact(width).flat_map(|r| &r[..m]).fold(0.0f64, |s, v| s.max(v.abs())).max(1e-12);
    let (mut worst, mut same, mut rows) = (0.0f64, 0usize, 0usize);
    for (a, b) in ours.chunks_exact(m).zip(theirs.chunks_exact(width)) {
        worst = a.iter().zip(b).fold(worst, |w, (x, y)| w.max((x - y).abs()));
        let order = |v: &[f64]| -> Vec<usize> {
            let mut o: Vec<usize> = (0..m).collect();
            o.sort_by(|i, j| v[*j].abs().total_cmp(&v[*i].abs()).then(i.cmp(j)));
            o.truncate(5);
            o
        };
        let (x, y) = (order(a), order(&b[..m]));
        same += usize::from(x.iter().zip(&y).all(|(i, j)| (a[*i].abs() - a[*j].abs()).abs() <= 1e-5 * scale));
        rows += 1;
    }
    (worst / scale, same as f64 / rows.max(1) as f64)
}

fn one(python: &Path, source: &str, target: &str, kind: &str, depth: usize, trees: usize, rows: usize, threads: usize) -> Any<()> {
    let folder = tempfile::tempdir()?;
    let f = folder.path();
    let args =
        [&f.to_string_lossy(), source, target, kind, &depth.to_string(), &trees.to_string(), &rows.to_string(), &threads.to_string()];
    let said: serde_json::Value = serde_json::from_str(peer::script(python, PEER, &args)?.lines().last().unwrap_or_default())?;
    let file = if kind == "lightgbm" { "model.txt" } else { "model.json" };
    let model = whybench::ml::import::import(&f.join(file), None)?;
    let Structure::Trees(e): Structure<'_> = model.structure() else { return Err("no trees".into()) };
    let e: &TreeEnsemble = e;
    let m = e.n_features;
    let x = FeatureMatrix { n_features: m, values: numbers(&f.join("x.bin"))? };
    let players = Players { names: vec![String::new(); m], of: (0..m).collect() };
    let quiet = JobCtx::quiet();
    let (seconds, values) = timed(|| Ok(path_dependent(e, &x, 0, &players, &quiet)?))?;
    let theirs = numbers(&f.join("c.bin"))?;
    let (worst, same) = compare(&values, m, &theirs, m + 1);
    let peer = said["seconds"].as_f64().unwrap_or(f64::NAN);
    let name = Path::new(source).file_stem().map_or_else(|| "made up".into(), |s| s.to_string_lossy().into_owned());
    let name: String = name.chars().take(18).collect();
    println!(
        "{name:<18} {kind:<9} {} depth {depth:>2} × {trees:>3} trees × {m:>2} features: {:>9.0} rows/s, peer {:>9.0}, ratio {:>6.2}; largest difference / scale {worst:.1e}, same top 5 in {:.1} %",
        said["version"].as_str().unwrap_or_default(),
        x.n_rows() as f64 / seconds,
        x.n_rows() as f64 / peer,
        peer / seconds,
        same * 100.0
    );
    let pairs = numbers(&f.join("i.bin"))?;
    if !pairs.is_empty() && depth <= 8 {
        let few = x.select(&(0..x.n_rows().min(200)).collect::<Vec<_>>());
        let (seconds, ours) = timed(|| Ok(interactions(e, &few, 0, &players, &quiet)?))?;
        let w = m + 1;
        let theirs: Vec<f64> = pairs.chunks_exact(w * w).flat_map(|s| (0..m).flat_map(move |i| s[i * w..i * w + m].to_vec())).collect();
        let (worst, _) = compare(&ours, m * m, &theirs, m * m);
        let per_row = said["per_pair_row"].as_f64().unwrap_or(f64::NAN);
        let us = seconds / few.n_rows() as f64;
        println!(
            "{:>40} interactions: {:.0} rows/s, peer {:.0}, ratio {:.2}; largest difference / scale {worst:.1e}",
            "",
            1.0 / us,
            1.0 / per_row,
            per_row / us
        );
    }
    let k = said["shap_rows"].as_u64().unwrap_or(0) as usize;
    if k > 0 {
        let group = x.select(&(0..100).collect::<Vec<_>>());
        let few = x.select(&(100..100 + k).collect::<Vec<_>>());
        let line = |what: &str, seconds: f64, per_row: f64, (worst, same): (f64, f64)| {
            let us = seconds / x.n_rows() as f64;
            println!(
                "{:>40} {what}: {:.0} rows/s, shap {:.0}, ratio {:.0}; largest difference / scale {worst:.1e}, same top 5 in {:.1} %",
                "",
                1.0 / us,
                1.0 / per_row,
                per_row / us,
                same * 100.0
            );
        };
        let against = AgainstGroup::new(e, 0, &players, &group, &quiet)?;
        let agreed = compare(&against.values(&few, &quiet)?, m, &numbers(&f.join("s.bin"))?, m);
        let (group_seconds, _) = timed(|| Ok(AgainstGroup::new(e, 0, &players, &group, &quiet)?.values(&x, &quiet)?))?;
        line("against 100 rows", group_seconds, said["shap_row"].as_f64().unwrap_or(f64::NAN), agreed);
        let agreed = compare(&path_dependent(e, &few, 0, &players, &quiet)?, m, &numbers(&f.join("p.bin"))?, m);
        line("path-dependent", seconds, said["path_row"].as_f64().unwrap_or(f64::NAN), agreed);
    }
    Ok(())
}

fn main() -> Any<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let quick = args.iter().any(|a| a == "quick");
    let threads = std::thread::available_parallelism()?.get();
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(threads);
    let mut sources: Vec<(String, String)> =
        args.iter().filter_map(|a| a.rsplit_once(':')).map(|(f, t)| (f.to_owned(), t.to_owned())).collect();
    if sources.is_empty() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/online_shoppers_intention.csv");
        sources = vec![("-".to_owned(), String::new()), (sample.display().to_string(), "Revenue".to_owned())];
    }
    let python = match peer::python(&["xgboost>=3.4", "lightgbm", "pandas", "shap"]) {
        Ok(python) => python,
        Err(reason) => {
            println!("no peer: {reason}");
            return Ok(());
        }
    };
    println!("{threads} threads");
    for (source, target) in &sources {
        for &depth in if quick { &[6][..] } else { &[4, 6, 8, 12] } {
            for &trees in if quick { &[100][..] } else { &[100, 500] } {
                // Deep peers are slow: fewer rows keep a run within minutes.
                let rows = if depth >= 12 {
                    1_000
                } else if depth == 8 || trees > 100 {
                    5_000
                } else {
                    20_000
                };
                for kind in ["xgboost", "lightgbm", "shap"] {
                    one(&python, source, target, kind, depth, trees, rows, threads)?;
                }
            }
        }
    }
    Ok(())
}
