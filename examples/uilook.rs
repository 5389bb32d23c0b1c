use eframe::egui;
use std::sync::Arc;
use whybench::base::*;
use whybench::data::{Encoder, Feature, FeatureMatrix, features::FeatureKind};
use whybench::explain::summary::*;
use whybench::explain::*;
use whybench::ml::model::*;
use whybench::ml::*;
use whybench::recommend::{RankedItem, Ranking, rank::Contrast};
use whybench::session::Session;
use whybench::session::state::*;
use whybench::strategy::simulate::*;
use whybench::strategy::*;
use whybench::ui::{Action, Room, Start, shell::Desk, theme};

struct Fake(ModelCard);
impl Additive for Fake {
    fn base(&self, _: usize) -> f64 {
        0.0
    }
    fn contribution(&self, _: usize, _: f64, _: usize) -> f64 {
        0.0
    }
}
impl Model for Fake {
    fn card(&self) -> &ModelCard {
        &self.0
    }
    fn card_mut(&mut self) -> &mut ModelCard {
        &mut self.0
    }
    fn margins(&self, x: &FeatureMatrix, _: &JobCtx) -> Result<Vec<f64>> {
        Ok(vec![0.0; x.n_rows()])
    }
    fn structure(&self) -> Structure<'_> {
        Structure::Additive(self)
    }
    fn tensors(&self) -> Vec<whybench::ml::file::NamedTensor> {
        vec![]
    }
}
const NAMES: [&str; 14] = [
    "Administrative",
    "Administrative_Duration",
    "Informational",
    "ProductRelated",
    "ProductRelated_Duration",
    "BounceRates",
    "ExitRates",
    "PageValues",
    "SpecialDay",
    "Month",
    "OperatingSystems",
    "Browser",
    "VisitorType",
    "Weekend",
];
fn features() -> Vec<Feature> {
    NAMES
        .iter()
        .enumerate()
        .map(|(i, n)| Feature {
            name: (*n).into(),
            kind: if i == 9 {
                FeatureKind::Categorical {
                    levels: ["Aug", "Dec", "Feb", "Jul", "June", "Mar", "May", "Nov", "Oct", "Sep"].map(String::from).to_vec(),
                }
            } else if i > 9 {
                FeatureKind::Categorical { levels: vec!["New_Visitor".into(), "Other".into(), "Returning_Visitor".into()] }
            } else {
                FeatureKind::Numeric { integer: i == 0 || i == 2 || i == 3, boolean: false }
            },
            mean: 12.0,
            sd: 20.0,
            range: (0.0, 100.0),
            quantiles: vec![0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 80.0, 100.0],
            shares: vec![0.1; 10],
            missing: 0.0,
        })
        .collect()
}
struct App {
    desk: Desk,
}
impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let actions = self.desk.ui(ui);
        let rest = self.desk.execute(actions);
        self.desk.session.settle();
        for a in rest {
            match a {
                Action::SetLang(l) => self.desk.session.lang = l,
                Action::SetTheme(t) => ui.ctx().set_theme(t),
                _ => {}
            }
        }
    }
}
fn main() {
    let mut s = Session::new(Lang::En);
    s.open_data(std::path::Path::new("/work/wt/uiwhy/sample_data/online_shoppers_intention.csv"));
    s.settle();
    let f = features();
    let n = f.len();
    let fp = Fingerprint::of(b"m");
    let card = |kind| ModelCard {
        spec: ModelSpec::new("Boosted trees", kind),
        outcomes: vec![Outcome {
            name: "Revenue".into(),
            kind: OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() },
            base_rate: 0.155,
        }],
        encoder: Encoder { features: features(), ..Default::default() },
        evaluation: vec![],
        rows: PartSizes { train: 8632, validation: 0, test: 3698 },
        device: "CPU".into(),
        seconds: 0.3,
        data: fp.clone(),
        fingerprint: fp.clone(),
        curve: vec![],
        conformal: None,
        warnings: vec![],
    };
    for (name, kind) in [("Boosted trees", ModelKind::Gbdt), ("Transformer", ModelKind::Transformer)] {
        s.models.insert(name.into(), Kept { value: Arc::new(Fake(card(kind))), key: Key::default() });
        let rows: Vec<u32> = (0..600u32).map(|i| i * 7 + 3).collect();
        let mut values = vec![];
        let mut inputs = vec![];
        let mut preds = vec![];
        let scale = [0.004, 0.006, -0.003, 0.02, 0.015, -0.03, -0.045, 0.22, -0.012, 0.05, 0.002, -0.001, 0.018, 0.003];
        for r in 0..rows.len() {
            let mut t = 0.155;
            for k in 0..n {
                let u = ((r * 31 + k * 17) % 97) as f64 / 97.0;
                let v = scale[k] * (u * 2.0 - 0.7);
                values.push(v);
                inputs.push(if k >= 10 {
                    (u * 3.0).floor().min(2.0)
                } else if k == 9 {
                    (u * 10.0).floor()
                } else if k == 8 {
                    (u * 5.0).floor() / 5.0
                } else {
                    (u * 100.0).floor()
                });
                t += v;
            }
            preds.push(t);
        }
        let a = Attribution {
            method: if kind == ModelKind::Gbdt { Method::TreeShap } else { Method::IntegratedGradients },
            scale: Scale::Probability,
            outcome: "Revenue".into(),
            outcome_index: 0,
            exact: kind == ModelKind::Gbdt,
            features: NAMES.map(String::from).to_vec(),
            gaps: vec![0.0; rows.len()],
            rows,
            inputs,
            values,
            base: 0.155,
            base_note: Notice::new("explain.base_train"),
            predictions: preds,
            half_width: vec![],
            seed: 1,
            model: fp.clone(),
            data: fp.clone(),
            warnings: vec![],
        };
        let summary = whybench::explain::summary::summarise(&a, &f, 1);
        let req = WhyRequest { model: name.into(), rows: WhyRows::Test, options: ExplainOptions::default() };
        s.whys.push((
            req,
            Kept {
                value: Arc::new(Why { model: name.into(), attribution: a, summary, matrix: FeatureMatrix::default() }),
                key: Key::default(),
            },
        ));
        let lev = |c: &str, i, st: LeverStatus| Lever {
            column: c.into(),
            feature: i,
            status: st,
            reason: (st != LeverStatus::Free).then(|| Notice::new("why.proxy_help")),
            drop: Some(0.14),
        };
        s.levers.insert(
            name.into(),
            Kept {
                value: Arc::new(vec![
                    lev("SpecialDay", 8, LeverStatus::Free),
                    lev("PageValues", 7, LeverStatus::Locked),
                    lev("Month", 9, LeverStatus::Free),
                ]),
                key: Key::default(),
            },
        );
        let e = |v: f64| Estimate { value: v, low: v * 0.94, high: v * 1.06, covers: Covers::Sample };
        let res = |nm: &str, c: f64, g| ScenarioResult {
            name: nm.into(),
            grade: g,
            reason: Notice::new("why.grade_c"),
            reach: e(12330.0),
            conversions: e(c),
            rate: e(c / 12330.0),
            revenue: Some(e(c * 40.0)),
            cost: Some(e(616.5)),
            profit: Some(e(c * 40.0 - 616.5)),
            roi: Some(e((c * 40.0 - 616.5) / 616.5)),
            money: Money::default(),
            outside: if g == Grade::D { 0.41 } else { 0.0 },
            warnings: vec![],
        };
        let dif = |nm: &str, c: f64| Difference {
            name: nm.into(),
            conversions: Estimate { value: c, low: c - 30.0, high: c + 30.0, covers: Covers::Sample },
            rate: e(c / 12330.0),
            revenue: Some(e(c * 40.0)),
            profit: Some(e(c * 40.0)),
            drivers: vec![("Month".into(), c * 1.2), ("SpecialDay".into(), -c * 0.2)],
        };
        s.simulations.insert(
            name.into(),
            Kept {
                value: Arc::new(Simulation {
                    model_name: name.into(),
                    model: fp.clone(),
                    data: fp.clone(),
                    outcome: "Revenue".into(),
                    scenarios: vec![
                        res("Baseline", 1908.0, Grade::C),
                        res("Holiday push", 2160.0, Grade::C),
                        res("Everything in November with a long name", 2480.0, Grade::D),
                    ],
                    differences: vec![dif("Holiday push", 252.0), dif("Everything in November with a long name", 572.0)],
                    assumptions: vec![],
                    seed: 1,
                    replicates: 500,
                    warnings: vec![],
                }),
                key: Key::default(),
            },
        );
    }
    let t = n + 1;
    let (l, h) = (3, 4);
    let mut w = vec![0f32; l * h * t * t];
    for b in 0..l * h {
        for q in 0..t {
            let mut sum = 0.0;
            for k in 0..t {
                let v = (1.0 + ((b * 7 + q * 5 + k * 3) % 11) as f32).powi(2) * (if k == (q + b) % t { 4.0 } else { 1.0 });
                w[b * t * t + q * t + k] = v;
                sum += v;
            }
            for k in 0..t {
                w[b * t * t + q * t + k] /= sum;
            }
        }
    }
    let g: Vec<f32> = w.iter().enumerate().map(|(i, x)| x * ((i % 13) as f32 / 13.0) * 0.1 * ((i / (t * t)) as f32 / 12.0)).collect();
    let mut tokens = vec!["[class]".to_string()];
    tokens.extend(NAMES.iter().enumerate().map(|(i, x)| format!("{x} = {}", i * 3)));
    for row in 0..5000u32 {
        if row % 7 == 3 {
            let ask = Ask::Attention { model: "Transformer".into(), line: row, outcome: 0 };
            let m = Arc::new(AttentionMap {
                row,
                layers: l,
                heads: h,
                tokens: tokens.clone(),
                weights: w.clone(),
                gradient: g.clone(),
                agreement: Some(0.18),
            });
            s.attentions.push((ask, Kept { value: m, key: Key::default() }));
        }
    }
    let recipe = s.recipe.as_mut().unwrap();
    recipe.recommend = Some(whybench::session::recipe::RecommendSection {
        person: "user_feature_0 = 'a1' and user_feature_1 = 'b2'".into(),
        ..Default::default()
    });
    let items = (0..34)
        .map(|i| RankedItem {
            rank: i + 1,
            item: format!("{}", (i * 7) % 34),
            predicted: 0.012 / (1.0 + i as f64 * 0.1),
            impressions: 300 + i * 3,
            observed: (i % 4 != 1).then_some(0.004 + 0.0002 * i as f64),
            features: vec![("item_feature_0".into(), "0.42".into())],
        })
        .collect();
    let ask = Ask::Rank { model: "Boosted trees".into(), person: "user_feature_0 = 'a1' and user_feature_1 = 'b2'".into() };
    s.ranking = Some((
        ask,
        Kept {
            value: Arc::new(Ranking {
                person: "x".into(),
                outcome: "click".into(),
                items,
                against_second: vec![
                    Contrast { feature: "item_feature_0".into(), first: "0.42".into(), second: "0.1".into(), effect: 0.0014 },
                    Contrast { feature: "position".into(), first: "1".into(), second: "2".into(), effect: -0.0003 },
                ],
                gap: 0.0,
                reason: vec![],
                model: fp.clone(),
                warnings: vec![],
            }),
            key: Key::default(),
        },
    ));
    s.selection.model = Some("Boosted trees".into());
    let mut desk = Desk::new(s, Start::default());
    desk.room = Room::Why;
    eframe::run_native(
        "uilook",
        eframe::NativeOptions {
            viewport: egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]),
            renderer: eframe::Renderer::Glow,
            ..Default::default()
        },
        Box::new(move |cc| {
            theme::install(&cc.egui_ctx);
            Ok(Box::new(App { desk }))
        }),
    )
    .unwrap();
}
