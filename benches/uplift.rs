//! A DR-learner on a million people and twenty features, and the bootstrap of its Qini, beside EconML and scikit-uplift on the
//! same rows: seconds and the most memory each took.
//!
//! `cargo bench --profile dev --bench uplift [-- ROWS]`

mod peer;

use std::time::Instant;

use whybench::base::{JobCtx, rng};
use whybench::data::{Feature, FeatureKind, FeatureMatrix};
use whybench::strategy::causal::base::Space;
use whybench::strategy::causal::nuisance::{aipw, nuisances};
use whybench::strategy::causal::{Base, Pair};
use whybench::strategy::uplift::curve::{self, Ranked};
use whybench::strategy::uplift::{Learner, learner};

const FEATURES: usize = 20;
const REPLICATES: u32 = 200;
const PEER: &str = r"
import sys, time, json, resource, warnings, numpy as np
warnings.filterwarnings('ignore')
import econml
from econml.dr import LinearDRLearner
from sklearn.linear_model import LogisticRegression
from sklearn.dummy import DummyClassifier
from sklift.metrics import qini_auc_score
folder, p, reps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
X = np.fromfile(folder + '/x.bin').reshape(-1, p); w = np.fromfile(folder + '/w.bin').astype(int); y = np.fromfile(folder + '/y.bin').astype(int)
n = len(y); tr = np.arange(n) % 10 < 7; te = ~tr
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = memory()
t = time.perf_counter()
m = LinearDRLearner(model_regression=LogisticRegression(C=1), model_propensity=DummyClassifier(strategy='prior'), discrete_outcome=True, cv=2, random_state=1)
m.fit(y[tr], w[tr], X=X[tr]); u = m.effect(X[te]).ravel()
seconds = time.perf_counter() - t; after = memory()
yt, wt = y[te], w[te]
r = np.random.default_rng(1); t = time.perf_counter()
for _ in range(reps):
    i = r.integers(0, len(u), len(u)); qini_auc_score(yt[i], u[i], wt[i])
print(json.dumps(dict(seconds=seconds, memory=after, data=before, qini=qini_auc_score(yt, u, wt), bootstrap=(time.perf_counter() - t) / reps, version=econml.__version__)))
";

/// Most memory that this process took so far, in MB, where the system says so.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|k| k.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn people(rows: usize) -> Pair {
    let mut random = rng::rng(1, "bench");
    let mut values = Vec::with_capacity(rows * FEATURES);
    let (mut y, mut w) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for _ in 0..rows {
        let from = values.len();
        values.extend((0..FEATURES).map(|_| rng::normal(&mut random)));
        let treated = rng::unit(&mut random) < 0.5;
        let x = &values[from..];
        let margin = -1.5 + 0.3 * x[0] + 0.2 * x[1] + if treated { 0.2 + 0.3 * x[2] } else { 0.0 };
        y.push(f64::from(rng::unit(&mut random) < 1.0 / (1.0 + f64::exp(-margin))));
        w.push(f64::from(treated));
    }
    let feature = |j: usize| Feature {
        name: format!("x{j}"),
        kind: FeatureKind::Numeric { integer: false, boolean: false },
        mean: 0.0,
        sd: 1.0,
        range: (-6.0, 6.0),
        quantiles: vec![0.0; 9],
        shares: Vec::new(),
        missing: 0.0,
    };
    Pair {
        name: "treated".into(),
        rows: (0..rows).collect(),
        features: (0..FEATURES).map(feature).collect(),
        x: FeatureMatrix { n_features: FEATURES, values },
        y,
        w,
        binary: true,
        train: (0..rows).filter(|r| r % 10 < 7).collect(),
        test: (0..rows).filter(|r| r % 10 >= 7).collect(),
    }
}

fn write(path: &std::path::Path, values: &[f64]) -> std::io::Result<()> {
    std::fs::write(path, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let ctx = JobCtx::quiet();
    let pair = people(rows);
    let data = memory();
    let t = Instant::now();
    let all: Vec<usize> = (0..FEATURES).collect();
    let space = Space::of(&pair, &all, Base::Logistic, 1)?;
    let n = nuisances(&pair, &space, None, &ctx)?;
    let effects = learner::effects(Learner::Dr, &pair, &space, &n, &pair.test, &ctx)?;
    let own = t.elapsed().as_secs_f64();
    let effect = aipw(&n.scores(&pair, &pair.train));
    let y: Vec<f64> = pair.test.iter().map(|&r| pair.y[r]).collect();
    let treated: Vec<bool> = pair.test.iter().map(|&r| pair.treated(r)).collect();
    let ranked = Ranked::new(&effects, &y, &treated, &vec![1.0; y.len()], &n.scores(&pair, &pair.test));
    let (qini, _) = curve::scikit_uplift(&ranked, None);
    println!("{rows} rows × {FEATURES}: DR-learner {own:.2} s, at most {:.0} MB ({data:.0} MB of it the data)", memory());
    println!("effect {:.5} ± {:.5}, Qini {qini:.5}", effect.value, effect.se);
    let t = Instant::now();
    ranked.bootstrap(0.3, None, REPLICATES, 1, &ctx)?;
    let each = t.elapsed().as_secs_f64() / f64::from(REPLICATES);
    println!("bootstrap of Qini, AUTOC, uplift@k and the curve over {} people: {:.2} ms a replicate", y.len(), each * 1e3);
    let t = Instant::now();
    ranked.permutation(REPLICATES, 1, &ctx)?;
    println!("permutation: {:.2} ms a shuffle", t.elapsed().as_secs_f64() / f64::from(REPLICATES) * 1e3);
    match peer::python(&["econml", "scikit-uplift"]) {
        Ok(python) => {
            let folder = tempfile::tempdir()?;
            write(&folder.path().join("x.bin"), &pair.x.values)?;
            write(&folder.path().join("w.bin"), &pair.w)?;
            write(&folder.path().join("y.bin"), &pair.y)?;
            let said = peer::script(&python, PEER, &[&folder.path().to_string_lossy(), &FEATURES.to_string(), "5"])?;
            let v: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
            let f = |k: &str| v[k].as_f64().unwrap_or(f64::NAN);
            println!(
                "econml {}: LinearDRLearner {:.2} s, at most {:.0} MB ({:.0} MB with the data and libraries), Qini {:.5}; ratio {:.2}",
                v["version"].as_str().unwrap_or_default(),
                f("seconds"),
                f("memory"),
                f("data"),
                f("qini"),
                own / f("seconds")
            );
            println!("scikit-uplift: {:.1} ms a replicate of the Qini alone; ratio {:.3}", f("bootstrap") * 1e3, each / f("bootstrap"));
        }
        Err(reason) => println!("no peer: {reason}"),
    }
    Ok(())
}
