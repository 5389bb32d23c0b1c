//! Exact Shapley values of 100 trees, depth 6, 40 features: rows per second, beside XGBoost on the very same model.
//!
//! `cargo bench --profile dev --bench tree_shap [-- ROWS]`. The peer trains the model; without it random trees are timed.
//! Threads: `RAYON_NUM_THREADS`, handed on to the peer.

mod peer;

use std::path::Path;
use std::time::Instant;

use whybench::base::{JobCtx, rng};
use whybench::data::FeatureMatrix;
use whybench::explain::tree_shap::{base, shapley_rows};
use whybench::ml::TreeEnsemble;
use whybench::ml::ensemble::{Link, Missing, Node, Test, Tree};

const FEATURES: usize = 40;
const PEER: &str = r"
import sys, time, os, numpy as np, xgboost as xgb
folder, rows, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
g = np.random.default_rng(1)
X = g.normal(size=(rows, 40)).astype(np.float32)
X[g.random(X.shape) < 0.02] = np.nan
Z = np.nan_to_num(X)
y = Z[:, 0] * Z[:, 1] + np.sin(Z[:, 2:20] * 2).sum(1) + (Z[:, 20:] * g.normal(size=20)).sum(1) + g.normal(size=rows)
d = xgb.DMatrix(X, y, nthread=threads)
m = xgb.train({'max_depth': 6, 'eta': 0.1, 'tree_method': 'hist', 'nthread': threads}, d, 100)
m.save_model(os.path.join(folder, 'model.json'))
best = 1e9
for _ in range(3):
    t = time.perf_counter(); c = m.predict(xgb.DMatrix(X, nthread=threads), pred_contribs=True); best = min(best, time.perf_counter() - t)
X.tofile(os.path.join(folder, 'x.bin')); c.astype(np.float32).tofile(os.path.join(folder, 'c.bin'))
print(best, xgb.__version__)
";

type Any<T> = Result<T, Box<dyn std::error::Error>>;

fn floats(path: &Path) -> Any<Vec<f64>> {
    Ok(std::fs::read(path)?.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect())
}

/// The peer's model, as far as this bench needs its format.
fn read_model(path: &Path) -> Any<TreeEnsemble> {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let learner = &json["learner"];
    let score = learner["learner_model_param"]["base_score"].as_str().unwrap_or("0").trim_matches(['[', ']']).parse::<f64>()?;
    let mut trees = Vec::new();
    for t in learner["gradient_booster"]["model"]["trees"].as_array().ok_or("no trees")? {
        let list = |name: &str| -> Vec<f64> {
            let number = |v: &serde_json::Value| v.as_f64().unwrap_or_else(|| f64::from(u8::from(v.as_bool().unwrap_or(false))));
            t[name].as_array().map(|a| a.iter().map(number).collect()).unwrap_or_default()
        };
        let (left, right, feature) = (list("left_children"), list("right_children"), list("split_indices"));
        let (value, default, cover) = (list("split_conditions"), list("default_left"), list("sum_hessian"));
        let node = |i: usize| {
            if left[i] < 0.0 {
                return Node::Leaf { value: value[i], cover: cover[i] };
            }
            let (feature, left, right) = (feature[i] as u32, left[i] as u32, right[i] as u32);
            let (test, missing, default_left) = (Test::LessF32(value[i]), Missing::Nan, default[i] > 0.5);
            Node::Split { feature, test, missing, default_left, left, right, cover: cover[i] }
        };
        trees.push(Tree { nodes: (0..left.len()).map(node).collect(), output: 0, weight: 1.0 });
    }
    Ok(TreeEnsemble { n_features: FEATURES, n_outputs: 1, intercept: vec![score], link: Link::Identity, trees })
}

/// 100 full random trees of depth 6.
fn random_model() -> TreeEnsemble {
    let mut rng = rng::rng(1, "bench");
    let tree = |_| {
        let node = |i: usize| {
            let cover = 64.0 / f64::from(1u32 << (i as u32 + 1).ilog2());
            if i >= 63 {
                return Node::Leaf { value: rng::normal(&mut rng), cover };
            }
            let (feature, test) = (rng::below(&mut rng, FEATURES) as u32, Test::LessF32(rng::normal(&mut rng)));
            let (left, right) = (2 * i as u32 + 1, 2 * i as u32 + 2);
            Node::Split { feature, test, missing: Missing::Nan, default_left: true, left, right, cover }
        };
        Tree { nodes: (0..127).map(node).collect(), output: 0, weight: 1.0 }
    };
    let trees = (0..100).map(tree).collect();
    TreeEnsemble { n_features: FEATURES, n_outputs: 1, intercept: vec![0.0], link: Link::Identity, trees }
}

fn time(model: &TreeEnsemble, x: &FeatureMatrix) -> Any<(f64, Vec<f64>)> {
    let mut best = f64::MAX;
    let mut values = Vec::new();
    for _ in 0..3 {
        let t = Instant::now();
        values = shapley_rows(model, x, 0, &JobCtx::quiet())?;
        best = best.min(t.elapsed().as_secs_f64());
    }
    Ok((best, values))
}

fn main() -> Any<()> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(20_000);
    let threads = std::thread::available_parallelism()?.get();
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(threads);
    let mut rng = rng::rng(2, "bench");
    let x = FeatureMatrix { n_features: FEATURES, values: (0..rows * FEATURES).map(|_| rng::normal(&mut rng)).collect() };
    let (seconds, _) = time(&random_model(), &x)?;
    println!("whybench, random full trees, {threads} threads: {:.0} rows/s", rows as f64 / seconds);

    let python = match peer::python(&["xgboost>=3.4"]) {
        Ok(python) => python,
        Err(reason) => {
            println!("no peer: {reason}");
            return Ok(());
        }
    };
    let folder = tempfile::tempdir()?;
    let text = peer::script(&python, PEER, &[&folder.path().to_string_lossy(), &rows.to_string(), &threads.to_string()])?;
    let mut words = text.split_whitespace();
    let peer: f64 = words.next().unwrap_or_default().parse()?;
    let model = read_model(&folder.path().join("model.json"))?;
    let x = FeatureMatrix { n_features: FEATURES, values: floats(&folder.path().join("x.bin"))? };
    let (seconds, values) = time(&model, &x)?;
    let theirs = floats(&folder.path().join("c.bin"))?;
    let bias = base(&model, 0);
    let mut worst = 0.0f64;
    for (ours, theirs) in values.chunks(FEATURES).zip(theirs.chunks(FEATURES + 1)) {
        for (a, b) in ours.iter().chain([&bias]).zip(theirs) {
            worst = worst.max((a - b).abs());
        }
    }
    println!("xgboost {}, its own trees, {threads} threads: {:.0} rows/s", words.next().unwrap_or("?"), rows as f64 / peer);
    println!("whybench, the same trees: {:.0} rows/s, ratio {:.2}, largest difference {worst:.1e}", rows as f64 / seconds, peer / seconds);
    Ok(())
}
