//! Another policy on a log of a million rows: all eight estimates with their intervals, time and memory, beside obp's formulas
//! in numpy with scikit-learn's logistic regression as the reward model (three parts each).
//!
//! `cargo bench --profile dev --bench policy [-- ROWS [ACTIONS]]`

mod peer;

use std::io::Write as _;
use std::time::Instant;

use whybench::base::JobCtx;
use whybench::strategy::policy::generator::TwoSided;
use whybench::strategy::policy::{Settings, Target, estimators, evaluate};

/// Replicates that the peer draws; obp resamples rows one by one, so its time grows with each.
const PEER_REPLICATES: usize = 20;
const PEER: &str = r"
import sys, time, resource, numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
n, K, B = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
d = np.fromfile(sys.argv[1]).reshape(n, 6)
a, r, p, place, x = d[:, 0].astype(int), d[:, 1], d[:, 2], d[:, 3].astype(int), d[:, 4:6]
t = time.perf_counter()
pi = np.full((n, K), 1.0 / K)
ctx = np.column_stack([np.eye(3)[place], x])
eye = np.eye(K)
def features(rows, action):
    return np.column_stack([ctx[rows], eye[action]])
def crossfit(weight):
    q = np.empty((n, K))
    for train, test in KFold(3, shuffle=True, random_state=1).split(ctx):
        m = LogisticRegression(max_iter=1000).fit(features(train, a[train]), r[train], sample_weight=None if weight is None else weight[train])
        for k in range(K):
            q[test, k] = m.predict_proba(features(test, np.full(len(test), k)))[:, 1]
    return q
rows = np.arange(n)
w = pi[rows, a] / p
q = crossfit(None)
wm = pi[rows, a] * (1 - p) / p ** 2
qm = crossfit(wm / wm.mean())
models = time.perf_counter() - t
t = time.perf_counter()
v, f = np.average(q, weights=pi, axis=1), q[rows, a]
vm, fm = np.average(qm, weights=pi, axis=1), qm[rows, a]
tau, lam = np.quantile(w, 0.99), np.quantile(w, 0.99) ** 2
terms = dict(ips=w * r, snips=w * r / w.mean(), dm=v, dr=v + w * (r - f), sndr=v + w * (r - f) / w.mean(),
             switch_dr=v + (w <= tau) * w * (r - f), dr_os=v + lam * w / (w ** 2 + lam) * (r - f), mrdr=vm + w * (r - fm))
formulas = time.perf_counter() - t
t = time.perf_counter()
rng = np.random.RandomState(1)
for term in terms.values():
    np.percentile([rng.choice(term, size=n).mean() for _ in range(B)], [2.5, 97.5])
boot = time.perf_counter() - t
print(models, formulas, boot, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *[terms[k].mean() for k in ('ips', 'snips', 'dm', 'dr', 'sndr', 'mrdr')])
";

/// The most memory that this process ever took, in MB; absent where the system does not say.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let rows = numbers.first().copied().unwrap_or(1_000_000);
    let actions = numbers.get(1).copied().unwrap_or(20);
    let bandit = TwoSided { rows, actions, ..TwoSided::default() };
    let log = bandit.log(1);
    println!("{rows} rows, {actions} actions, three columns of context; true value {:.6}", bandit.truth());
    let before = peak();
    let t = Instant::now();
    let result = evaluate(&log, &Target::uniform(&log), &Settings::default(), &JobCtx::quiet())?;
    let seconds = t.elapsed().as_secs_f64();
    println!("whybench: {seconds:.2} s with 1,000 bootstrap replicates and Bernstein bounds; {} threads", rayon::current_num_threads());
    if let (Some(a), Some(b)) = (before, peak()) {
        println!("whybench: peak {b:.0} MB, of which the log {a:.0} MB");
    }
    for name in estimators::METHODS {
        if let Some(e) = result.estimators.get(name) {
            println!(
                "  {name:<10} {:.6} [{:.6} … {:.6}]",
                e.value.unwrap_or(f64::NAN),
                e.ci.map_or(f64::NAN, |c| c.0),
                e.ci.map_or(f64::NAN, |c| c.1)
            );
        }
    }
    let python = match peer::python(&["numpy", "scikit-learn"]) {
        Ok(p) => p,
        Err(why) => {
            println!("no peer: {why}");
            return Ok(());
        }
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.f64");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    let propensity = log.propensity.as_deref().unwrap_or_default();
    for i in 0..rows {
        let x = log.context.row(i);
        for v in [f64::from(log.action[i]), log.reward[i], propensity[i], x[0], x[1], x[2]] {
            file.write_all(&v.to_le_bytes())?;
        }
    }
    file.flush()?;
    let (path, rows, actions, replicates) =
        (path.display().to_string(), rows.to_string(), actions.to_string(), PEER_REPLICATES.to_string());
    let said = peer::script(&python, PEER, &[&path, &rows, &actions, &replicates])?;
    let said: Vec<f64> = said.split_whitespace().filter_map(|v| v.parse().ok()).collect();
    let [models, formulas, boot, memory, values @ ..] = said.as_slice() else { return Err("the peer said something else".into()) };
    let all = models + formulas + boot * 1_000.0 / PEER_REPLICATES as f64;
    println!("numpy: models {models:.2} s, formulas {formulas:.2} s, {PEER_REPLICATES} replicates {boot:.2} s; peak {memory:.0} MB");
    println!(
        "numpy: {all:.0} s with 1,000 replicates by proportion: {:.1} times whybench; without any {:.2} times",
        all / seconds,
        (models + formulas) / seconds
    );
    println!("numpy: ips, snips, dm, dr, sndr, mrdr = {values:.6?}");
    Ok(())
}
