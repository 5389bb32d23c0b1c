//! The smallest change of a row beside every combination of changes, on trees of three numbers: time and cost.
//!
//! `cargo bench --profile dev --bench smallest_change`. Each number may become the nearest value of every cell between the
//! trees' thresholds; the exhaustive search asks the trees about all combinations of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use whybench::base::JobCtx;
use whybench::data::{FeatureMatrix, Part};
use whybench::explain::counterfactual::{Rules, Wish, counterfactual};
use whybench::ml::ensemble::{Node, Test};
use whybench::ml::model::{Structure, sigmoid};
use whybench::session::Recipe;
use whybench::session::pipeline;

const RECIPE: &str = r#"
version = 1
[data]
path = "online_shoppers_intention.csv"
[roles]
target = ["Revenue"]
ignore = ["Administrative", "Administrative_Duration", "Informational", "Informational_Duration", "ProductRelated", "BounceRates",
  "SpecialDay", "Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend"]
[split]
kind = "modulo"
of = 10
test_from = 7
[[model]]
name = "Trees"
kind = "gbdt"
epochs = 20
depth = 4
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let ctx = JobCtx::quiet();
    let recipe = Recipe::parse(RECIPE, Path::new("recipe.toml"))?;
    let loaded = Arc::new(pipeline::load(&recipe, &sample, &ctx)?);
    let prepared = pipeline::prepare(&recipe, &loaded, &ctx)?;
    let model = pipeline::train(&prepared, &recipe.models[0], &ctx)?;
    let Structure::Trees(e) = model.structure() else { return Err("trees are expected".into()) };
    let features = model.card().features();
    let m = features.len();
    let mut cuts: Vec<Vec<f64>> = vec![Vec::new(); m];
    for node in e.trees.iter().flat_map(|t| &t.nodes) {
        if let Node::Split { feature, test: Test::LessF32(t), .. } = node {
            cuts[*feature as usize].push(f64::from(*t as f32));
        }
    }
    cuts.iter_mut().for_each(|c| {
        c.sort_by(f64::total_cmp);
        c.dedup();
    });
    let test: Vec<usize> = (0..prepared.parts.len()).filter(|&i| prepared.parts[i] == Part::Test).step_by(120).collect();
    let (x, _, _) = pipeline::matrix(&prepared.raw, &test, &*model)?;
    let (mut rows, mut ours, mut theirs, mut asked, mut same, mut dearer, mut proven) = (0, 0.0, 0.0, 0usize, 0, 0.0f64, 0);
    for r in 0..x.n_rows() {
        let row = x.row(r);
        let now = model.predict(&FeatureMatrix { n_features: m, values: row.to_vec() }, &ctx)?[0];
        let wish = Wish::flip(now, 0.5);
        let t = Instant::now();
        let found = counterfactual(&*model, row, 0, wish, &Rules::default(), None, &ctx);
        ours += t.elapsed().as_secs_f64();
        let t = Instant::now();
        // Values and their costs: spans between the 5 % and the 95 % quantile, and a little for each changed number.
        let choices: Vec<Vec<(f64, f64)>> = (0..m)
            .map(|f| {
                let span = features[f].quantiles[6] - features[f].quantiles[2];
                let near = |t: f64| if row[f] < t { t } else { f64::from((t as f32).next_down()) };
                let inside = |v: &f64| *v >= features[f].range.0 && *v <= features[f].range.1;
                let values = cuts[f].iter().map(|t| near(*t)).filter(inside).map(|v| (v, (v - row[f]).abs() / span + 1e-3));
                std::iter::once((row[f], 0.0)).chain(values).collect()
            })
            .collect();
        let mut least = f64::INFINITY;
        let mut at = vec![0usize; m];
        'all: loop {
            let cost: f64 = (0..m).map(|f| choices[f][at[f]].1).sum();
            if cost < least {
                let other: Vec<f64> = (0..m).map(|f| choices[f][at[f]].0).collect();
                asked += 1;
                if wish.met(sigmoid(e.margins(&other)[0])) {
                    least = cost;
                }
            }
            for f in 0..m {
                at[f] += 1;
                if at[f] < choices[f].len() {
                    continue 'all;
                }
                at[f] = 0;
            }
            break;
        }
        theirs += t.elapsed().as_secs_f64();
        rows += 1;
        match found {
            Ok(c) => {
                proven += usize::from(c.certified);
                same += usize::from((c.cost - least).abs() < 1e-9);
                dearer = dearer.max(c.cost - least);
            }
            Err(_) => same += usize::from(least.is_infinite()),
        }
    }
    let n = f64::from(rows);
    println!(
        "smallest change, {} trees, {m} numbers with {} cuts, {rows} rows: {:.2} ms a row, {proven} proven; all combinations {:.0} ms a row ({:.0} asked), ratio {:.0}; the same cost in {same} rows, at most {dearer:.1e} dearer",
        e.trees.len(),
        cuts.iter().map(Vec::len).sum::<usize>(),
        ours / n * 1e3,
        theirs / n * 1e3,
        asked as f64 / n,
        theirs / ours
    );
    Ok(())
}
