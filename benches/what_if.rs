//! A lever moves on a million rows: how long until the new numbers stand, beside XGBoost that predicts both tables again.
//! Also one row: its simulation, and its explanation on the probability scale.
//!
//! `cargo bench --profile dev --bench what_if [-- ROWS]`

mod peer;

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use whybench::base::JobCtx;
use whybench::explain::ExplainOptions;
use whybench::ml::model::Structure;
use whybench::session::Recipe;
use whybench::session::ledger;
use whybench::session::pipeline::{self, WhyRows};
use whybench::strategy::scenario::Setting;
use whybench::strategy::{First, Scenario};

const SAMPLE: &str = include_str!("../sample_data/online_shoppers_intention.csv");
const RECIPE: &str = r#"
version = 1
[data]
path = "rows.csv"
[roles]
target = ["Revenue"]
categorical = ["OperatingSystems", "Browser", "Region", "TrafficType"]
lever = ["SpecialDay", "ExitRates", "Weekend"]
[split]
kind = "modulo"
of = 10
test_from = 7
[[model]]
name = "Trees"
kind = "gbdt"
[[scenario]]
name = "Special day"
set = { SpecialDay = 0.4 }
"#;
const PEER: &str = r"
import sys, time, numpy as np, polars as pl, xgboost as xgb
df = pl.read_csv(sys.argv[1], infer_schema_length=None)
y = df['Revenue'].cast(pl.Int8).to_numpy() if df['Revenue'].dtype == pl.Boolean else (df['Revenue'] == 'TRUE').to_numpy()
X = df.drop('Revenue')
X = X.with_columns([pl.col(c).cast(pl.Categorical).to_physical() for c in X.columns if X[c].dtype == pl.String])
X = X.with_columns([pl.col(c).cast(pl.Float32) for c in X.columns])
j = X.columns.index('SpecialDay')
a = X.to_numpy().copy()
n = min(len(a), 12330)
m = xgb.XGBClassifier(n_estimators=int(sys.argv[2]), max_depth=int(sys.argv[3]), n_jobs=2, tree_method='hist').fit(a[:n], y[:n])
best = 1e9
for k in range(3):
    b = a.copy(); b[:, j] = 0.1 * (k + 1)
    t = time.perf_counter()
    base = m.predict_proba(a)[:, 1].sum(); new = m.predict_proba(b)[:, 1].sum()
    best = min(best, time.perf_counter() - t)
print(best, xgb.__version__)
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.csv");
    write_rows(&path, rows)?;
    let ctx = JobCtx::quiet();
    let recipe = Recipe::parse(RECIPE, Path::new("recipe.toml"))?;
    let loaded = Arc::new(pipeline::load(&recipe, folder.path(), &ctx)?);
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx)?;
    let t = Instant::now();
    let model = pipeline::train(&prepared, &recipe.models[0], &ctx)?;
    let (trees, depth) = match model.structure() {
        Structure::Trees(e) => (e.trees.len(), recipe.models[0].depth.unwrap_or(5)),
        _ => return Err("trees are expected".into()),
    };
    println!("{rows} rows; {trees} trees trained in {:.1} s", t.elapsed().as_secs_f64());
    let levers = pipeline::levers(&recipe, &prepared, &*model, &ctx)?;

    let t = Instant::now();
    let baseline = pipeline::baseline(&prepared, &*model, &ctx)?;
    let first = t.elapsed().as_secs_f64();
    let ask = |scenario: &Scenario| -> Result<(f64, f64), Box<dyn std::error::Error>> {
        let t = Instant::now();
        let s = ledger::simulate(&recipe, &prepared, (&*model, &baseline), &[], std::slice::from_ref(scenario), &levers, &ctx)?;
        Ok((t.elapsed().as_secs_f64(), s.differences[0].conversions.value))
    };
    let moved = |column: &str, value: f64| {
        let mut s = recipe.scenarios[0].clone();
        s.set.clear();
        s.set.insert(column.to_owned(), Setting::Number(value));
        s
    };
    println!("baseline of all rows, once: {first:.3} s; first answer {:.3} s", ask(&recipe.scenarios[0])?.0);
    let best = |make: &dyn Fn(f64) -> Scenario| -> Result<f64, Box<dyn std::error::Error>> {
        let mut best = f64::MAX;
        for k in 1..=5 {
            best = best.min(ask(&make(0.1 * f64::from(k) + 0.01))?.0);
        }
        Ok(best)
    };
    let everybody = best(&|x| moved("SpecialDay", x))?;
    println!("one lever (SpecialDay) moved, everybody: {everybody:.3} s");
    println!("one lever that most trees ask (ExitRates): {:.3} s", best(&|x| moved("ExitRates", x * 0.2))?);
    let two = |x: f64| {
        let mut s = moved("SpecialDay", x);
        s.set.insert("Weekend".to_owned(), Setting::Flag(true));
        s
    };
    println!("two levers, with what drives the difference: {:.3} s", best(&two)?);
    let segment = |x: f64| Scenario { segment: Some("VisitorType = 'Returning_Visitor'".to_owned()), ..moved("SpecialDay", x * 0.97) };
    println!("a segment (86 %): {:.3} s", best(&segment)?);
    // A whole ledger at once, nothing of it asked before: levers, segments, terms, and all pairs of the six.
    let six = |x: f64| -> Vec<Scenario> {
        let with = |name: &str, change: &dyn Fn(&mut Scenario)| {
            let mut s = moved("SpecialDay", x);
            s.name = name.to_owned();
            (s.value_per_conversion, s.cost_per_contact) = (Some(40.0), Some(0.05));
            change(&mut s);
            s
        };
        let half = rows as f64 / 2.0;
        vec![
            with("everybody", &|_| {}),
            with("returning", &|s| s.segment = Some("VisitorType = 'Returning_Visitor'".to_owned())),
            with("exits", &|s| drop(s.set.insert("ExitRates".to_owned(), Setting::Number(0.1 * x)))),
            with("weekend", &|s| drop(s.set.insert("Weekend".to_owned(), Setting::Flag(true)))),
            with("half", &|s| (s.capacity, s.cost_per_conversion) = (Some(half), Some(2.0))),
            with("best half", &|s| (s.capacity, s.first) = (Some(half), First::Gain)),
        ]
    };
    let mut best_six = f64::MAX;
    for k in 1..=3 {
        let all = six(0.1 * f64::from(k) + 0.02);
        let t = Instant::now();
        let s = ledger::simulate(&recipe, &prepared, (&*model, &baseline), &[], &all, &levers, &ctx)?;
        best_six = best_six.min(t.elapsed().as_secs_f64());
        assert_eq!(s.pairs.len(), 15);
    }
    let kept = six(0.1 * f64::from(3) + 0.02);
    let t = Instant::now();
    ledger::simulate(&recipe, &prepared, (&*model, &baseline), &[], &kept, &levers, &ctx)?;
    println!("six scenarios with all their pairs: {best_six:.3} s; asked again {:.3} s", t.elapsed().as_secs_f64());
    let t = Instant::now();
    ledger::between(&recipe, &prepared, (&*model, &baseline), [&kept[1], &kept[2]], &levers, &ctx)?;
    println!("what drives the difference of two of them: {:.3} s", t.elapsed().as_secs_f64());
    let row = |x: f64| Scenario { row: Some(7), ..moved("SpecialDay", x * 0.97) };
    let one = best(&row)?;
    let mut explained = f64::MAX;
    for line in 0..20 {
        let t = Instant::now();
        pipeline::why(&prepared, &*model, &WhyRows::Line(line), &ExplainOptions::default(), None, &ctx)?;
        explained = explained.min(t.elapsed().as_secs_f64());
    }
    let mut worst = 0.0f64;
    for line in 0..200 {
        let t = Instant::now();
        pipeline::why(&prepared, &*model, &WhyRows::Line(line * 61), &ExplainOptions::default(), None, &ctx)?;
        worst = worst.max(t.elapsed().as_secs_f64());
    }
    println!(
        "one row: what-if {:.2} ms, why (probability points) {:.2} ms, slowest of 200 rows {:.2} ms",
        one * 1e3,
        explained * 1e3,
        worst * 1e3
    );

    match peer::python(&["xgboost", "polars", "scikit-learn"]) {
        Ok(python) => {
            let text = peer::script(&python, PEER, &[&path.to_string_lossy(), &trees.to_string(), &depth.to_string()])?;
            let mut words = text.split_whitespace();
            let seconds: f64 = words.next().unwrap_or_default().parse()?;
            println!(
                "xgboost {}: both tables predicted again {seconds:.3} s; ratio {:.2}",
                words.next().unwrap_or_default(),
                everybody / seconds
            );
        }
        Err(reason) => println!("no peer: {reason}"),
    }
    Ok(())
}

fn write_rows(path: &Path, rows: usize) -> std::io::Result<()> {
    let mut lines = SAMPLE.lines();
    let header = lines.next().unwrap_or_default();
    let body: Vec<&str> = lines.collect();
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writeln!(out, "{header}")?;
    for i in 0..rows {
        writeln!(out, "{}", body[i % body.len()])?;
    }
    out.flush()
}
