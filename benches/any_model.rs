//! Sampled Shapley values beside shap's at the same budget, and smallest changes beside the nearest real row.
//!
//! `cargo bench --profile dev --bench any_model`. The peer trains XGBoost on the sample data and runs its KernelExplainer;
//! both are measured against the exact values on the same reference rows.

mod peer;

use std::sync::Arc;
use std::time::Instant;

use whybench::base::{Fingerprint, JobCtx};
use whybench::data::FeatureMatrix;
use whybench::explain::counterfactual::{Rules, Wish, counterfactual};
use whybench::explain::{ExplainOptions, Method, Reference, explain};
use whybench::ml::model::Scale;

const PEER: &str = r"
import sys, time, os, json, numpy as np, pandas as pd, xgboost as xgb, shap
folder, source, budget, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
d = pd.read_csv(source); y = (d.pop('Revenue') == True).astype(int)
X = d.select_dtypes('number').astype(np.float64)
m = xgb.XGBClassifier(max_depth=5, n_estimators=100, learning_rate=.1, n_jobs=2).fit(X, y)
m.get_booster().save_model(os.path.join(folder, 'model.json'))
f = lambda v: m.predict(v, output_margin=True)
bg, e = X.iloc[:50].to_numpy(), X.iloc[1000:1000 + rows].to_numpy()
np.random.seed(1)
k = shap.KernelExplainer(f, bg)
s = time.perf_counter(); v = k.shap_values(e, nsamples=budget, l1_reg=False, silent=True); t = time.perf_counter() - s
p = shap.PermutationExplainer(f, bg, seed=1)
n = max(1, budget // (2 * X.shape[1] + 1))
s = time.perf_counter(); w = p(e, max_evals=n * (2 * X.shape[1] + 1)).values; tw = time.perf_counter() - s
X.to_numpy().tofile(os.path.join(folder, 'x.bin')); np.asarray(v).astype(np.float64).tofile(os.path.join(folder, 'v.bin')); np.asarray(w).astype(np.float64).tofile(os.path.join(folder, 'w.bin'))
print(json.dumps({'seconds': t, 'permutation': tw, 'features': X.shape[1], 'version': shap.__version__}))
";

type Any<T> = Result<T, Box<dyn std::error::Error>>;

fn numbers(path: &std::path::Path) -> Any<Vec<f64>> {
    Ok(std::fs::read(path)?.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])).collect())
}

fn error(a: &[f64], exact: &[f64]) -> f64 {
    (a.iter().zip(exact).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / exact.len() as f64).sqrt()
}

fn main() -> Any<()> {
    let python = match peer::python(&["xgboost>=3.4", "lightgbm", "pandas", "shap"]) {
        Ok(python) => python,
        Err(reason) => {
            println!("no peer: {reason}");
            return Ok(());
        }
    };
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/online_shoppers_intention.csv");
    let rows = 20;
    let quiet = JobCtx::quiet();
    for budget in [128usize, 512, 2_048] {
        let folder = tempfile::tempdir()?;
        let f = folder.path();
        let args = [&*f.to_string_lossy(), &*sample.to_string_lossy(), &budget.to_string(), &rows.to_string()];
        let said: serde_json::Value = serde_json::from_str(peer::script(&python, PEER, &args)?.lines().last().unwrap_or_default())?;
        let model = whybench::ml::import::import(&f.join("model.json"), None)?;
        let m = model.card().features().len();
        let all = FeatureMatrix { n_features: m, values: numbers(&f.join("x.bin"))? };
        let x = all.select(&(1_000..1_000 + rows).collect::<Vec<_>>());
        let group = all.select(&(0..50).collect::<Vec<_>>());
        let reference = Some(Arc::new(Reference { label: String::new(), x: group, of: 50 }));
        let lines: Vec<u32> = (0..rows as u32).collect();
        let run = |method: Method| -> Any<(f64, Vec<f64>)> {
            let options = ExplainOptions {
                method: Some(method),
                scale: Scale::Margin,
                reference: reference.clone(),
                budget,
                ..ExplainOptions::default()
            };
            let t = Instant::now();
            let a = explain(&*model, &x, &lines, &Fingerprint::default(), &options, &quiet)?;
            Ok((t.elapsed().as_secs_f64(), a.values))
        };
        let (_, exact) = run(Method::TreeShapReference)?;
        let (seconds, kernel) = run(Method::KernelShap)?;
        let theirs = numbers(&f.join("v.bin"))?;
        println!(
            "KernelSHAP, {m} features, {budget} coalitions, 50 reference rows: error {:.5} in {:.1} ms a row; shap {} {:.5} in {:.1} ms: error ratio {:.2}, time ratio {:.1}",
            error(&kernel, &exact),
            seconds * 1e3 / rows as f64,
            said["version"].as_str().unwrap_or_default(),
            error(&theirs, &exact),
            said["seconds"].as_f64().unwrap_or(f64::NAN) * 1e3 / rows as f64,
            error(&kernel, &exact) / error(&theirs, &exact),
            said["seconds"].as_f64().unwrap_or(f64::NAN) / seconds
        );
        if budget == 2_048 {
            let (seconds, orders) = run(Method::PermutationShap)?;
            println!(
                "permutation: error {:.5} in {:.1} ms a row; shap's {:.5} in {:.1} ms",
                error(&orders, &exact),
                seconds * 1e3 / rows as f64,
                error(&numbers(&f.join("w.bin"))?, &exact),
                said["permutation"].as_f64().unwrap_or(f64::NAN) * 1e3 / rows as f64
            );
            let (seconds, proxy) = run(Method::ProxyShap)?;
            println!(
                "imitation by trees, put right by orders: error {:.5} in {:.1} ms a row",
                error(&proxy, &exact),
                seconds * 1e3 / rows as f64
            );
            let sample = all.select(&(0..5_000).collect::<Vec<_>>());
            let (mut found, mut proven, mut nodes, mut longest, mut total, mut cost, mut real) = (0, 0, 0, 0.0f64, 0.0, 0.0, 0.0);
            for r in (0..12_000).step_by(60) {
                let t = Instant::now();
                let row = all.row(r);
                let x = FeatureMatrix { n_features: m, values: row.to_vec() };
                let now = model.predict(&x, &quiet)?[0];
                let Ok(c) = counterfactual(&*model, row, 0, Wish::flip(now, 0.5), &Rules::default(), None, &quiet) else { continue };
                let seconds = t.elapsed().as_secs_f64();
                let with = counterfactual(&*model, row, 0, Wish::flip(now, 0.5), &Rules::default(), Some(&sample), &quiet)?;
                found += 1;
                proven += usize::from(c.certified);
                nodes += c.nodes;
                longest = longest.max(seconds);
                total += seconds;
                cost += c.cost;
                real += with.real.map_or(f64::NAN, |r| r.cost);
            }
            println!(
                "smallest change, 100 trees of depth 5: {found} rows flipped, {proven} proven minimal, {:.1} ms a row (longest {:.0} ms), {:.0} nodes; mean cost {:.3}, nearest real row {:.3}",
                total * 1e3 / found as f64,
                longest * 1e3,
                nodes as f64 / found as f64,
                cost / found as f64,
                real / found as f64
            );
        }
    }
    Ok(())
}
