//! A sample report with hostile names: the page is one whole, loads nothing, and says everything in both languages.

use super::Report;
use super::content::{Parts, Said, WhySection};
use super::html::render;
use crate::base::progress::CurvePoint;
use crate::base::{Fingerprint, Lang, rng, tr};
use crate::data::profile::{Bin, TopValue};
use crate::data::{ColumnProfile, ColumnType, Encoder, Feature, FeatureKind, Profile, Reading, Role, Roles, Split};
use crate::explain::beside::beside;
use crate::explain::contrast as contrasts;
use crate::explain::crowd::{Crowd, Paths};
use crate::explain::density::Gatherer;
use crate::explain::effect::{EffectCurve, Kind, Point};
use crate::explain::importance::{PermutationImportance, Shuffled};
use crate::explain::inside::{Inside, Member};
use crate::explain::levels::{self, Levels};
use crate::explain::pairs::{Pair, Pairs};
use crate::explain::segments::{Segment, Segments};
use crate::explain::surrogate::{Rule, Surrogate};
use crate::explain::{AttentionMap, Attribution, Method, cohorts, summary, typical};
use crate::ml::model::{PartSizes, Scale};
use crate::ml::{ModelCard, ModelKind, ModelSpec, Outcome, OutcomeKind, metrics};
use crate::note;
use crate::recommend::rank::{Contrast, RankedItem, Ranking};
use crate::strategy::simulate::{Covers, Difference};
use crate::strategy::{Estimate, Grade, Lever, LeverStatus, ScenarioResult, Simulation, Terms};

const EVIL: &str = "<script src=\"https://evil.example/a.js\">alert('x')</script>&amp;";

fn names() -> Vec<String> {
    let known = ["PageValues", "Month", "ExitRates", "ProductRelated_Duration"].map(str::to_owned);
    known.into_iter().chain([EVIL.to_owned(), "n".repeat(200), "很长的中文列名".repeat(8)]).collect()
}

fn features() -> Vec<Feature> {
    let kind = |i| match i {
        1 => FeatureKind::Categorical { levels: vec!["Feb".into(), "Nov".into(), EVIL.into()] },
        _ => FeatureKind::Numeric { integer: false, boolean: false },
    };
    let one =
        |(i, name)| Feature { name, kind: kind(i), mean: 0.0, sd: 1.0, range: (0.0, 1.0), quantiles: vec![], shares: vec![], missing: 0.0 };
    names().into_iter().enumerate().map(one).collect()
}

fn profile() -> Profile {
    let one = |(i, name): (usize, String)| ColumnProfile {
        name,
        kind: if i == 1 { ColumnType::Text } else { ColumnType::Number },
        role: Role::Feature,
        categorical: i == 1,
        missing: i * 3,
        distinct: 40,
        min: (i != 1).then_some(0.0),
        max: (i != 1).then_some(361.7637),
        mean: Some(5.9),
        sd: Some(18.5),
        median: Some(0.0),
        histogram: vec![Bin { low: 0.0, high: 1.0, count: 9, target_rate: None }],
        top: vec![TopValue { value: EVIL.into(), count: 7, target_rate: Some(0.2) }],
        infinite: 0,
        warnings: vec![],
    };
    Profile { rows: 12_330, duplicate_rows: 125, columns: names().into_iter().enumerate().map(one).collect(), warnings: vec![] }
}

fn card(binary: bool) -> ModelCard {
    let mut random = rng::rng(1, "report");
    let p: Vec<f64> = (0..400).map(|_| rng::unit(&mut random)).collect();
    let y: Vec<f64> = p.iter().map(|p| f64::from(u8::from(rng::unit(&mut random) < *p))).collect();
    let kind = if binary { OutcomeKind::Binary { positive: "TRUE".into(), negative: "FALSE".into() } } else { OutcomeKind::Number };
    ModelCard {
        spec: ModelSpec::new("gbdt", ModelKind::Gbdt),
        outcomes: vec![Outcome { name: "Revenue".into(), kind, base_rate: 0.155 }],
        encoder: Encoder::default(),
        evaluation: vec![if binary { metrics::binary("Revenue", &p, &y, 0.5) } else { metrics::number("Revenue", &p, &y) }],
        rows: PartSizes { train: 7336, validation: 1295, test: 400 },
        device: "CPU".into(),
        seconds: 1.2,
        data: Fingerprint::of(b"data"),
        fingerprint: Fingerprint::of(b"model"),
        curve: (1..30).map(|i| CurvePoint { step: i, train: 1.0 / f64::from(i), validation: Some(0.2 + 1.0 / f64::from(i)) }).collect(),
        conformal: None,
        warnings: vec![],
    }
}

fn why() -> WhySection {
    let (n, names, features) = (120, names(), features());
    let m = names.len();
    let mut random = rng::rng(2, "report");
    let inputs: Vec<f64> = (0..n * m).map(|i| if i % m == 1 { (i % 3) as f64 } else { rng::unit(&mut random) }).collect();
    let values: Vec<f64> = inputs.iter().enumerate().map(|(i, x)| (x - 0.5) * 0.2 / ((i % m) as f64 + 1.0)).collect();
    let attribution = |n: usize| Attribution {
        method: Method::TreeShap,
        scale: Scale::Probability,
        outcome: "Revenue".into(),
        class: String::new(),
        outcome_index: 0,
        amount: false,
        exact: true,
        features: names.clone(),
        members: Vec::new(),
        reference: None,
        rows: (0..n as u32).collect(),
        inputs: inputs[..n * m].to_vec(),
        values: values[..n * m].to_vec(),
        base: 0.155,
        base_note: note!("explain.base_trees_probability", base = "15.5 %"),
        predictions: values[..n * m].chunks(m).map(|v| 0.155 + v.iter().sum::<f64>()).collect(),
        gaps: vec![0.0; n],
        half_width: vec![],
        seed: 1,
        model: Fingerprint::of(b"model"),
        data: Fingerprint::of(b"data"),
        warnings: vec![],
    };
    let mut sums = crate::explain::everyone::Adder::default();
    sums.add(&attribution(n));
    let everyone = sums.finish().expect("rows");
    let tokens: Vec<String> = ["CLS".to_owned()].into_iter().chain(names.iter().map(|n| format!("{n} = 1"))).collect();
    let t = tokens.len();
    let weights: Vec<f32> = (0..2 * 2 * t * t).map(|i| (i % 7) as f32 / 21.0).collect();
    WhySection {
        model: "gbdt".into(),
        summary: summary::summarise(&attribution(n), &features, 1),
        rows: attribution(2),
        shown: (0..2 * m).map(|i| features[i % m].show(inputs[i])).collect(),
        sentences: vec!["The chance of Revenue is 21 %.".into(), EVIL.into()],
        attention: Some(AttentionMap {
            row: 0,
            layers: 2,
            heads: 2,
            tokens,
            gradient: weights.clone(),
            weights,
            agreement: Some(0.1),
            ..AttentionMap::default()
        }),
        smallest: Vec::new(),
        rules: "Rules in force: unchanged: f1.".into(),
        changes: vec!["Revenue would go up if f0 were 2.".into(), EVIL.into()],
        effects: Vec::new(),
        trust: None,
        stability: None,
        everyone: Some(everyone),
        contrasts: vec![contrast(&names)],
        levels: vec![summary_levels(&attribution(n), &features)],
        inside: vec![Inside {
            group: EVIL.into(),
            outcome: "Revenue".into(),
            scale: Scale::Probability,
            row: None,
            rows: n,
            whole: 0.01,
            size: 0.08,
            members: vec![Member { name: EVIL.into(), shown: None, value: 0.004, size: 0.05 }],
            sum: 0.004,
            rest: 0.006,
        }],
        unexplained: None,
        parts: parts(&attribution(n), &features),
        said: Said { contrasts: vec![EVIL.into()], levels: vec![EVIL.into()], inside: vec![EVIL.into()], typical: vec![EVIL.into()] },
    }
}

/// Everything that a recipe can ask for besides, with hostile names.
fn parts(a: &Attribution, features: &[Feature]) -> Parts {
    let (summary, m) = (summary::summarise(a, features, 1), features.len());
    let point = |i: usize, row: Option<u32>, second: Option<f64>| Point {
        value: i as f64,
        label: format!("{EVIL}{i}"),
        value_2: second,
        label_2: second.map(|s| format!("{EVIL}{s}")),
        row,
        effect: 0.1 * i as f64,
        low: if row.is_some() { f64::NAN } else { 0.05 },
        high: if row.is_some() { f64::NAN } else { 0.3 },
        density: 0.25,
    };
    let curve = |kind, points: Vec<Point>, second: bool| EffectCurve {
        feature: EVIL.into(),
        feature_2: second.then(|| EVIL.into()),
        kind,
        scale: Scale::Probability,
        outcome: "Revenue".into(),
        categorical: second,
        points,
        also: None,
        rows: 120,
        mean: 0.155,
        seed: 1,
        model: Fingerprint::of(b"model"),
        warnings: vec![note!("explain.effect_unlikely", feature = EVIL)],
    };
    let lines = |row| (0..4).map(move |i| point(i, Some(row), None));
    let map = (0..3).flat_map(|i| (0..3).map(move |k| point(i, None, Some(f64::from(k))))).collect();
    let lime = Attribution { method: Method::Lime, exact: false, ..a.clone() };
    let mut density = Gatherer::new(a, features);
    density.add(a);
    let segment = Segment { condition: EVIL.into(), rows: 40, mean: 0.6, rest: 0.2, low: 0.1, high: 0.7, p: 0.01 };
    let rule = Rule { when: vec![EVIL.into()], yes: true, share: 0.4, agrees: 0.9, mean: 0.7 };
    Parts {
        methods: beside(&[a.clone(), lime]).ok(),
        pairs: Some(Pairs { pairs: vec![Pair { a: EVIL.into(), b: "b".into(), size: 0.4, low: 0.3, high: 0.5 }], joint: 0.3, rows: 120 }),
        curves: vec![
            curve(Kind::Pdp, (0..4).map(|i| point(i, None, None)).collect(), false),
            curve(Kind::Ice, lines(1).chain(lines(2)).collect(), false),
        ],
        maps: vec![curve(Kind::Ale, map, true)],
        shuffled: Some(PermutationImportance {
            loss: "log_loss".into(),
            base: 0.22,
            features: vec![Shuffled { name: EVIL.into(), mean: 0.4, low: 0.3, high: 0.5, tied: false }],
            rows: 120,
            repeats: 8,
            seed: 1,
            outcome: "Revenue".into(),
            model: Fingerprint::of(b"model"),
        }),
        typical: typical::typical(a, 2, &crate::base::JobCtx::quiet()).ok(),
        unlike: vec![3, 4],
        cohorts: cohorts::cohorts(&[(String::new(), a.clone()), (EVIL.into(), a.clone())]).ok(),
        segments: Some(Segments { found: vec![segment], rows: 120, tried: 50, mean: 0.3, seed: 1 }),
        surrogate: Some(Surrogate {
            rules: vec![rule],
            threshold: 0.5,
            fidelity: 0.9,
            usual: 0.89,
            rows: (60, 60),
            outcome: "Revenue".into(),
            model: Fingerprint::of(b"model"),
        }),
        density: density.finish(a, features).ok(),
        crowd: Some(Crowd::of(a, &summary)),
        paths: Some(Paths::of(a, &(0..m).collect::<Vec<_>>())),
        missing: vec![("pairs".into(), note!("explain.pairs_trees"))],
    }
}

#[test]
fn every_part_is_drawn_with_its_numbers_behind_it() {
    let p = why().parts;
    assert!(p.methods.is_some() && p.typical.is_some() && p.cohorts.is_some() && p.density.is_some());
    for lang in [Lang::En, Lang::Zh] {
        let mut r = sample(lang);
        let all = render(&r);
        r.why[0].parts = Parts::default();
        let none = render(&r);
        let more = |of: &str| all.matches(of).count() - none.matches(of).count();
        // Methods, pairs, two curves, a map, shuffling, crowd, ways, groups, segments, and densities of six features.
        assert_eq!(more("<figure>"), 10 + 6, "{lang:?}");
        assert_eq!(more("<details>"), 10 + 6, "{lang:?}");
        assert!(more("<summary>") == 16 && all.contains(crate::base::tr(lang, "why.surrogate_weak")) && !none.contains("details>"));
    }
}

fn summary_levels(a: &Attribution, features: &[Feature]) -> Levels {
    levels::levels(a, &crate::data::FeatureMatrix::default(), features, 1).unwrap()
}

fn contrast(names: &[String]) -> contrasts::Contrast {
    contrasts::Contrast {
        kind: contrasts::Kind::Models,
        a: EVIL.into(),
        b: "line".into(),
        outcome: "Revenue".into(),
        scale: Scale::Probability,
        log_odds: false,
        features: names.to_vec(),
        to: names.iter().map(|_| Some(EVIL.to_owned())).collect(),
        from: names.iter().map(|_| Some("2".to_owned())).collect(),
        values: (0..names.len()).map(|i| 0.1 - 0.03 * i as f64).collect(),
        half_width: Vec::new(),
        value: 0.5,
        base: 0.3,
        gap: 0.03,
        bases: Some(0.02),
        rows: Some((120, 120)),
        method: Method::TreeShap,
        model: Fingerprint::of(b"model"),
        warnings: vec![],
    }
}

#[test]
fn groups_levels_and_differences_say_what_is_left() {
    let page = render(&sample(Lang::En));
    // What remains of a difference: the gap less what the bases differ by.
    let at = page.find("left unexplained").unwrap_or(0);
    let told: String = page[..at + 60].chars().rev().take(160).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(told.contains("+20.0 pp") && told.contains("left unexplained: +1.0"), "{told}");
    for part in ["Levels of Month", "Feb", "Different base values"] {
        assert!(page.contains(part), "{part}");
    }
}

fn ranking() -> Ranking {
    let item = |i: usize| RankedItem {
        rank: i + 1,
        item: if i == 0 { EVIL.into() } else { format!("item {i}") },
        predicted: 0.02 - i as f64 * 1e-4,
        impressions: 321,
        observed: (i < 20).then_some(0.0123),
        features: vec![],
    };
    Ranking {
        person: EVIL.into(),
        outcome: "Revenue".into(),
        items: (0..34).map(item).collect(),
        against_second: vec![
            Contrast { feature: "price".into(), first: "3".into(), second: "5".into(), effect: 0.004 },
            Contrast { feature: EVIL.into(), first: "a".into(), second: "b".into(), effect: -0.003 },
        ],
        gap: 0.0,
        reason: vec![note!("recommend.reason_first", item = EVIL, predicted = "2 %", second = "b", other = "1 %")],
        model: Fingerprint::of(b"model"),
        warnings: vec![],
    }
}

pub(crate) fn simulation(covers: Covers) -> Simulation {
    let e = |value: f64, half: f64| Estimate { value, low: value - half, high: value + half, covers };
    let result = |name: &str, value: f64, grade| ScenarioResult {
        name: name.into(),
        grade,
        reason: note!("strategy.grade_model_only"),
        people: 12_330.0,
        reach: e(12_330.0, 0.0),
        conversions: e(value, 60.0),
        rate: e(value / 12_330.0, 0.005),
        revenue: Some(e(value * 40.0, 2400.0)),
        cost: Some(e(12_330.0, 0.0)),
        profit: Some(e(value * 40.0 - 12_330.0, 2400.0)),
        roi: Some(e(5.2, 0.2)),
        retention: None,
        satisfaction: None,
        book: None,
        money: Terms { value_per_conversion: Some(40.0), cost_per_contact: Some(1.0), ..Terms::default() },
        outside: 0.0,
        warnings: vec![],
    };
    let change = |name: &str, value: f64| Difference {
        name: name.into(),
        conversions: e(value, 20.0),
        rate: e(value / 12_330.0, 0.001),
        revenue: None,
        profit: None,
        retention: None,
        satisfaction: None,
        drivers: vec![("PageValues".into(), value * 1.2), (EVIL.into(), -value * 0.2)],
    };
    Simulation {
        model_name: "gbdt".into(),
        model: Fingerprint::of(b"model"),
        data: Fingerprint::of(b"data"),
        outcome: "Revenue".into(),
        class: String::new(),
        amount: false,
        case: "Revenue".into(),
        news: crate::strategy::News::Good,
        unanswered: vec![],
        pairs: vec![],
        between: None,
        frontier: None,
        sensitivity: vec![],
        scenarios: vec![result("", 1908.0, Grade::C), result(EVIL, 2031.0, Grade::C), result("Exit rate −10 %", 1850.0, Grade::D)],
        differences: vec![change(EVIL, 123.0), change("Exit rate −10 %", -58.0)],
        assumptions: vec![note!("strategy.assume_value", name = EVIL, amount = "40")],
        seed: 1,
        replicates: 400,
        retrained: 0,
        warnings: vec![note!("strategy.not_causal")],
    }
}

/// The third of the scenarios against the second.
pub(crate) fn versus() -> crate::strategy::simulate::Pair {
    let e = |value: f64, low: f64, high: f64| Estimate { value, low, high, covers: Covers::Sample };
    crate::strategy::simulate::Pair {
        name: "Exit rate −10 %".into(),
        against: EVIL.into(),
        reach: Estimate::exact(40.0),
        conversions: e(-181.0, -220.0, -90.0),
        revenue: Some(e(-7240.0, -7600.0, -6900.0)),
        cost: Some(Estimate::exact(16.0)),
        profit: Some(e(-7256.0, -7616.0, -6916.0)),
        roi: Some(e(-0.002, -0.004, -0.001)),
        retention: Some(e(0.011, 0.004, 0.017)),
        satisfaction: None,
    }
}

fn empty(lang: Lang) -> Report {
    Report {
        title: "Shop".into(),
        lang,
        version: "0.1.0".into(),
        made: "2026-11-23".into(),
        data_path: "shop.csv".into(),
        data: Fingerprint::of(b"data"),
        reading: Reading {
            format: "csv".into(),
            delimiter: Some(','),
            quote: Some('"'),
            header: true,
            encoding: Some("utf-8".into()),
            byte_order_mark: false,
            decimal: Some('.'),
            detected: vec!["delimiter".into(), "encoding".into()],
        },
        profile: Profile { rows: 0, duplicate_rows: 0, columns: vec![], warnings: vec![] },
        roles: Roles::default(),
        prepare: vec![],
        split: Split::Modulo { of: 10, test_from: 7 },
        models: vec![],
        why: vec![],
        rankings: vec![],
        simulations: vec![],
        studies: vec![],
        scan: None,
        levers: vec![],
        recipe: "[data]\npath = \"shop.csv\"\n".into(),
        notices: vec![],
    }
}

fn sample(lang: Lang) -> Report {
    let lever = |column: &str, status| Lever {
        column: column.into(),
        feature: 0,
        status,
        reason: Some(note!("strategy.proxy", column = column, drop = "0.140")),
        drop: Some(0.14),
    };
    Report {
        title: EVIL.into(),
        profile: profile(),
        models: vec![card(true)],
        why: vec![why()],
        rankings: vec![ranking()],
        simulations: vec![simulation(Covers::Sample)],
        studies: vec![],
        levers: vec![lever("PageValues", LeverStatus::Locked), lever(EVIL, LeverStatus::Overridden)],
        recipe: format!("# {EVIL}\n[data]\npath = \"shop.csv\"\n"),
        ..empty(lang)
    }
}

/// Every tag that opens closes, in the right order; gives the text between the tags.
fn balanced(page: &str) -> String {
    let (mut open, mut text, mut rest): (Vec<&str>, String, &str) = (Vec::new(), String::new(), page);
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag that never ends");
        let tag = &rest[at + 1..end];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or("");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closing tags in the wrong order");
        } else if !tag.ends_with('/') && !["!DOCTYPE", "meta", "br", "link"].contains(&name) {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    text
}

#[test]
fn the_page_is_one_whole_and_loads_nothing() {
    for (lang, mark) in [(Lang::En, "<html lang=\"en\""), (Lang::Zh, "<html lang=\"zh-CN\"")] {
        let page = render(&sample(lang));
        // To look at it: WHYBENCH_REPORT_SAMPLE=folder cargo test --lib report
        if let Ok(folder) = std::env::var("WHYBENCH_REPORT_SAMPLE") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{lang:?}.html")), &page).unwrap();
        }
        let text = balanced(&page);
        assert!(page.contains(mark));
        let markup = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for load in ["<script", "<link", "<img", "<iframe", " src=\"", " href=\"", "url(", "@import", "NaN"] {
            assert!(!markup.contains(load), "{load} in the page");
        }
        assert!(page.contains("&lt;script src=&quot;https://evil.example"));
        assert!(page.contains(&"n".repeat(200)), "the whole name is still there");
        for area in ["report.", "why.", "ui.", "strategy.", "explain."] {
            let bare = text.split_whitespace().find(|w| {
                let name = w.strip_prefix(area).unwrap_or_default();
                !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            });
            assert_eq!(bare, None, "a key that no language file holds");
        }
        assert!(!text.contains("{name}") && !text.contains("{rows}"), "a place that was not filled");
        for section in ["summary", "data", "prepare", "models", "why", "rankings", "scenarios", "levers", "limits", "again"] {
            assert_eq!(page.matches(&format!("<section id=\"{section}\"")).count(), 1, "{section}");
        }
    }
}

#[test]
fn sections_without_content_are_left_out() {
    for lang in [Lang::En, Lang::Zh] {
        let page = render(&empty(lang));
        balanced(&page);
        for section in ["models", "why", "rankings", "scenarios", "scan", "levers"] {
            assert!(!page.contains(&format!("id=\"{section}\"")), "{section}");
        }
        assert!(page.contains("id=\"again\"") && !page.contains("<svg"));
    }
}

#[test]
fn every_row_added_up_is_shown_where_it_was_asked_for() {
    let mut report = sample(Lang::En);
    let page = render(&report);
    let rows = report.why[0].everyone.as_ref().map_or(0, |e| e.rows);
    assert!(
        page.contains("All rows together") && page.contains(&format!("Over all {rows} rows, the strongest features are Month (mean size"))
    );
    report.why[0].everyone = None;
    assert!(!render(&report).contains("All rows together"));
}

#[test]
fn an_interval_says_what_it_covers() {
    let mut report = sample(Lang::En);
    let people = "which people happened to be in the data";
    assert!(render(&report).contains(people));
    report.simulations = vec![simulation(Covers::Outcome)];
    let page = render(&report);
    assert!(page.contains("what single outcomes may be") && !page.contains(people));
}

#[test]
fn an_amount_is_no_share() {
    let mut report = sample(Lang::En);
    report.models = vec![card(false)];
    report.simulations = vec![simulation(Covers::Sample)];
    report.simulations[0].amount = true;
    report.simulations[0].scenarios[0].rate = Estimate { value: 47.25, low: 47.25, high: 47.25, covers: Covers::Sample };
    let page = render(&report);
    assert!(page.contains("47.25") && !page.contains("4,725"), "a mean of 47.25 is no 4,725 %");
    assert!(page.contains("Mean per person"));
    report.simulations[0].amount = false;
    assert!(render(&report).contains("4,725.0 %"));
}

#[test]
fn the_figures_of_the_page_are_those_of_the_results() {
    let page = render(&sample(Lang::En));
    for figure in ["12,330", "125", "+123", "−58", "PageValues", "modulo:10,7", "+0.4", "21", "0.140"] {
        assert!(page.contains(figure), "{figure} is missing");
    }
}

/// What the profit hangs on is drawn, and its two largest assumptions together.
#[test]
fn what_the_profit_hangs_on_is_drawn() {
    use crate::strategy::sensitivity::sensitivity;
    use crate::strategy::terms::Book;
    use crate::strategy::terms::Knot;
    let mut report = sample(Lang::En);
    let sim = &mut report.simulations[0];
    let name = sim.scenarios[1].name.clone();
    let knot = |rows: f64, before: f64, gain: f64| Knot { rows, before, gain };
    sim.scenarios[1].book = Some(Book { knots: vec![knot(0.0, 0.0, 0.0), knot(12_330.0, 1_908.0, 123.0)] });
    assert!(!render(&report).contains("Profit as assumed (mark)") && report.simulations[0].sensitivity.is_empty());
    let found = sensitivity(&report.simulations[0], &name).unwrap();
    let shown = crate::base::numbers::signed(found.swings[0].profit_high.max(found.swings[0].profit_low));
    report.simulations[0].sensitivity = vec![found];
    let page = render(&report);
    assert!(page.contains("Profit as assumed (mark)") && page.contains("Profit beside doing nothing; across:"), "both pictures");
    assert!(page.contains(&shown), "{shown}");
}

/// Where too much is left unexplained in too many rows, the pictures of many rows are as faint as the waterfall, and say why.
#[test]
fn pictures_of_many_rows_are_faint_where_they_are_no_fact() {
    let mut r = sample(Lang::En);
    assert_eq!(render(&r).matches("class=\"faint\"").count(), 0);
    r.why[0].unexplained = Some(40);
    let page = render(&r);
    // Importance, beeswarm, crowd and ways; each with its caption inside and its word before it.
    assert_eq!(page.matches("class=\"faint\"").count(), 4);
    assert_eq!(page.matches("In 40 of 120 rows more than 5 % is left unexplained").count(), 4);
    for caption in ["report.importance_caption", "report.beeswarm_caption"] {
        let at = page.find(&crate::report::svg::escape(crate::base::tr(Lang::En, caption))).expect(caption);
        let opened = page[..at].rfind("class=\"faint\"").expect("faint");
        assert!(!page[opened..at].contains("</div>"), "{caption}");
    }
}

#[test]
fn two_scenarios_stand_against_each_other_with_every_figure() {
    for lang in [Lang::En, Lang::Zh] {
        let mut report = sample(lang);
        assert!(!render(&report).contains(tr(lang, "why.versus_less")));
        report.simulations[0].pairs = vec![versus()];
        let page = render(&report);
        balanced(&page);
        for cell in ["+40", "−181 [−220 … −90]", "−7,240 [−7,600 … −6,900]", "+16", "−7,256 [−7,616 … −6,916]", "−0.20 pp", "+1.1 pp"]
        {
            assert!(page.contains(&format!("<td class=\"n\">{cell}")), "{cell}");
        }
    }
}
