//! Patterns against brute force, against the quadrature down the tree, and against each other.

use super::leaf::{Against, Group, Pairs, PathDependent};
use super::paths::Paths;
use super::tables::sum;
use crate::base::rng::{self, Rng};
use crate::base::{JobCtx, coalition};
use crate::data::FeatureMatrix;
use crate::explain::tree_shap::{self, tests::random_tree};
use crate::ml::ensemble::{Link, Node, TreeEnsemble};

fn ensemble(rng: &mut Rng, features: usize, trees: usize, depth: usize) -> TreeEnsemble {
    let trees = (0..trees).map(|_| random_tree(rng, features, depth, 0)).collect();
    TreeEnsemble { n_features: features, n_outputs: 1, intercept: vec![0.3], link: Link::Logit, trees }
}

fn rows(rng: &mut Rng, n: usize, features: usize) -> FeatureMatrix {
    let values = (0..n * features).map(|_| if rng::unit(rng) < 0.1 { f64::NAN } else { (rng::unit(rng) * 6.0).floor() }).collect();
    FeatureMatrix { n_features: features, values }
}

fn taken_apart(e: &TreeEnsemble, players: &[usize]) -> Vec<Paths> {
    (0..e.trees.len()).map(|t| Paths::new(e, t, players).unwrap()).collect()
}

fn close(a: &[f64], b: &[f64], limit: f64) {
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= limit, "{i}: {x} {y}");
    }
}

#[test]
fn tables_rule_and_quadrature_agree() {
    let mut rng = rng::rng(11, "tables");
    for depth in [0, 1, 3, 6, 8] {
        let e = ensemble(&mut rng, 7, 4, depth);
        let x = rows(&mut rng, 75, 7);
        let single: Vec<usize> = (0..7).collect();
        let paths = taken_apart(&e, &single);
        let rule = PathDependent::new(64);
        let old = tree_shap::shapley_rows(&e, &x, 0, &JobCtx::quiet()).unwrap();
        for tables in [false, true] {
            close(&sum(&paths, &rule, &x, 7, tables, &JobCtx::quiet()).unwrap(), &old, 1e-12);
        }
    }
}

/// Expected margin of a tree when only some players are known, by walking.
fn expected(e: &TreeEnsemble, row: &[f64], known: u64, player_of: &[usize]) -> f64 {
    fn walk(nodes: &[Node], at: usize, row: &[f64], known: u64, player_of: &[usize]) -> f64 {
        match &nodes[at] {
            Node::Leaf { value, .. } => *value,
            node @ Node::Split { feature, left, right, .. } => {
                let (l, r) = (*left as usize, *right as usize);
                if known >> player_of[*feature as usize] & 1 == 1 {
                    walk(nodes, if node.goes_left(row[*feature as usize]) { l } else { r }, row, known, player_of)
                } else {
                    let (zl, zr) = tree_shap::shares(nodes[l].cover(), nodes[r].cover());
                    zl * walk(nodes, l, row, known, player_of) + zr * walk(nodes, r, row, known, player_of)
                }
            }
        }
    }
    e.intercept[0] + e.trees.iter().map(|t| t.weight * walk(&t.nodes, 0, row, known, player_of)).sum::<f64>()
}

#[test]
fn groups_play_as_one() {
    // Features 0, 3 and 1, 4 are groups; brute force over the coalitions of groups.
    let player_of = [0, 1, 2, 0, 1];
    let mut rng = rng::rng(12, "groups");
    for _ in 0..20 {
        let e = ensemble(&mut rng, 5, 3, 4);
        let x = rows(&mut rng, 3, 5);
        let got = sum(&taken_apart(&e, &player_of), &PathDependent::new(64), &x, 3, true, &JobCtx::quiet()).unwrap();
        for i in 0..3 {
            let v: Vec<f64> = (0..8).map(|s| expected(&e, x.row(i), s, &player_of)).collect();
            close(&got[i * 3..i * 3 + 3], &coalition::shapley(3, &v), 1e-10);
        }
    }
}

#[test]
fn against_a_group_is_the_mean_of_games_with_its_rows() {
    let mut rng = rng::rng(13, "against");
    for round in 0..20 {
        let m = 2 + round % 5;
        let e = ensemble(&mut rng, m, 3, 5);
        let (x, group) = (rows(&mut rng, 4, m), rows(&mut rng, 6, m));
        let players: Vec<usize> = (0..m).collect();
        let paths = taken_apart(&e, &players);
        let seen = Group::new(&paths, &group);
        for tables in [false, true] {
            let got = sum(&paths, &Against { group: &seen }, &x, m, tables, &JobCtx::quiet()).unwrap();
            for i in 0..x.n_rows() {
                let worth = |s: usize| -> f64 {
                    let mixed =
                        |b: usize| -> Vec<f64> { (0..m).map(|f| if s >> f & 1 == 1 { x.row(i)[f] } else { group.row(b)[f] }).collect() };
                    (0..group.n_rows()).map(|b| e.margins(&mixed(b))[0]).sum::<f64>() / group.n_rows() as f64
                };
                let v: Vec<f64> = (0..1 << m).map(worth).collect();
                close(&got[i * m..(i + 1) * m], &coalition::shapley(m, &v), 1e-10);
            }
        }
    }
}

#[test]
fn interactions_by_brute_force() {
    let mut rng = rng::rng(14, "pairs");
    for round in 0..20 {
        let m = 2 + round % 4;
        let e = ensemble(&mut rng, m, 2, 5);
        let x = rows(&mut rng, 2, m);
        let players: Vec<usize> = (0..m).collect();
        let paths = taken_apart(&e, &players);
        let factorial: Vec<f64> = (0..=m)
            .scan(1.0, |f, i| {
                if i > 0 {
                    *f *= i as f64
                }
                Some(*f)
            })
            .collect();
        for tables in [false, true] {
            let got = sum(&paths, &Pairs::new(m, 64), &x, m * m, tables, &JobCtx::quiet()).unwrap();
            for r in 0..2 {
                let v: Vec<f64> = (0..1u64 << m).map(|s| expected(&e, x.row(r), s, &players)).collect();
                for i in 0..m {
                    for j in i + 1..m {
                        let mut want = 0.0;
                        for s in (0..1usize << m).filter(|s| s >> i & 1 == 0 && s >> j & 1 == 0) {
                            let k = s.count_ones() as usize;
                            let w = factorial[k] * factorial[m - k - 2] / factorial[m - 1] / 2.0;
                            want += w * (v[s | 1 << i | 1 << j] - v[s | 1 << i] - v[s | 1 << j] + v[s]);
                        }
                        let have = got[r * m * m + i * m + j];
                        assert!((have - want).abs() < 1e-10, "{i} {j}: {have} {want}");
                    }
                }
            }
        }
    }
}

/// What XGBoost and LightGBM themselves attribute, feature by feature, class by class; the base stands last.
#[test]
fn imported_trees_are_attributed_as_their_program_does() {
    use serde_json::Value;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
    let floats = |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect() };
    let mut compared = 0;
    for file in ["expected.json", "expected_classes.json"] {
        let expected: Value = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let x = FeatureMatrix { n_features: 4, values: expected["rows"].as_array().unwrap().iter().flat_map(floats).collect() };
        for case in expected["cases"].as_array().unwrap() {
            let (name, Some(rows)) = (case["file"].as_str().unwrap(), case["contributions"].as_array()) else { continue };
            let model = crate::ml::import::import(&folder.join(name), None).unwrap();
            let crate::ml::model::Structure::Trees(e) = model.structure() else { panic!("trees") };
            let tolerance = if name.starts_with("lgb") { 1e-9 } else { 1e-5 };
            for c in 0..e.n_outputs {
                let ours = tree_shap::shapley_rows(e, &x, c, &JobCtx::quiet()).unwrap();
                let base = tree_shap::base(e, c);
                for (i, row) in rows.iter().enumerate() {
                    let theirs = floats(if e.n_outputs > 1 { &row[c] } else { row });
                    let mine: Vec<f64> = ours[i * 4..(i + 1) * 4].iter().copied().chain([base]).collect();
                    let scale = theirs.iter().fold(1.0f64, |s, v| s.max(v.abs()));
                    let far = mine.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(mine.len() == theirs.len() && far <= tolerance * scale, "{name} row {i} class {c}: {mine:?} {theirs:?}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 400, "{compared}");
}
