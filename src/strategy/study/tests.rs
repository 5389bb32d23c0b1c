//! Every key of a study is kept, and changes what is asked.

use super::*;
use crate::data::{ReadOptions, read};

fn loaded(folder: &tempfile::TempDir, name: &str, text: &str) -> Loaded {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    read::open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap()
}

/// A test of one mail, with ages, regions by number, and days on which it was sent and on which people bought.
fn trial(folder: &tempfile::TempDir) -> Loaded {
    let mut text = "age,region,sent,bought_on,arm,buys\n".to_owned();
    for i in 0..2_400u32 {
        let mailed = i * 7 % 13 < 6;
        let buys = (i * 37 % 101) < if mailed { 50 } else { 30 };
        let arm = if mailed { "mail" } else { "none" };
        text += &format!("{},{},2024-03-01,2024-03-{:02},{arm},{}\n", 20 + i * 11 % 50, 1 + i % 4, 2 + i % 20, u32::from(buys));
    }
    loaded(folder, "trial.csv", &text)
}

fn asked() -> UpliftAsked {
    let of = str::to_owned;
    UpliftAsked {
        treatment: of("arm"),
        control: of("none"),
        outcome: of("buys"),
        depth: 0,
        features: vec![of("age"), of("region")],
        ..UpliftAsked::default()
    }
}

fn found(asked: &UpliftAsked, loaded: &Loaded) -> Result<UpliftResult> {
    uplift_of(asked, loaded, &JobCtx::quiet())
}

#[test]
fn every_key_is_written_and_read_back_and_the_usual_ones_stay_out() {
    let plain = toml::to_string(&NamedStudy { name: "a".into(), ask: Study::Uplift(asked()) }).unwrap();
    for key in ["where", "categorical", "by", "ratio", "times", "split", "k =", "cost_per_conversion"] {
        assert!(!plain.contains(&format!("\n{key}")) && !plain.contains(&format!(".{key}]")), "{key} in {plain}");
    }
    let text = "name = \"a\"\n[ask.uplift]\ntreatment = \"arm\"\nwhere = \"age >= 30\"\ncategorical = [\"region\"]\nby = [\"age\"]\nk = 0.2\n\
        cost_per_conversion = 2.0\nratio = { mail = 2.0, none = 1.0 }\ntimes = { treated = \"sent\", outcome = \"bought_on\" }\n\
        split = { kind = \"modulo\", of = 10, test_from = 7 }\n";
    let read: NamedStudy = toml::from_str(text).unwrap();
    let Study::Uplift(a) = &read.ask else { panic!() };
    assert_eq!((a.filter.as_deref(), a.k, a.ratio["mail"], a.times.treated.as_str()), (Some("age >= 30"), 0.2, 2.0, "sent"));
    assert_eq!(a.split, Some(Split::Modulo { of: 10, test_from: 7 }));
    assert_eq!(toml::from_str::<NamedStudy>(&toml::to_string(&read).unwrap()).unwrap(), read);
    let text =
        "name = \"p\"\n[ask.policy]\nmodel = \"gbdt\"\nseed = 7\n[ask.policy.columns]\naction = \"a\"\nreward = \"r\"\ncontext = []\n";
    let read: NamedStudy = toml::from_str(text).unwrap();
    assert_eq!(toml::from_str::<NamedStudy>(&toml::to_string(&read).unwrap()).unwrap(), read);
    let text = "name = \"c\"\n[ask.customers]\nunit = \"month\"\nsummary = [\"x\", \"tx\", \"t\"]\ndecimals = 2\n";
    let read: NamedStudy = toml::from_str(text).unwrap();
    assert_eq!(toml::from_str::<NamedStudy>(&toml::to_string(&read).unwrap()).unwrap(), read);
}

#[test]
fn a_study_asks_what_its_keys_say() {
    let folder = tempfile::tempdir().unwrap();
    let data = trial(&folder);
    let plain = found(&asked(), &data).unwrap();
    assert_eq!((plain.arms[0].n, plain.k), (2_400, K));
    // Only some of them: counted by hand.
    let old = (0..2_400u32).filter(|i| 20 + i * 11 % 50 >= 40).count();
    let some = found(&UpliftAsked { filter: Some("age >= 40".into()), ..asked() }, &data).unwrap();
    assert_eq!(some.arms[0].n, old);
    assert!(some.assumptions.iter().any(|n| n.code == "uplift.only_rows"));
    let by = found(&UpliftAsked { by: vec!["region".into()], k: 0.1, ..asked() }, &data).unwrap();
    assert_eq!((by.arms[0].groups.len(), by.k, plain.arms[0].groups.len()), (4, 0.1, 0));
    // Planned as two to one, this split is broken; as it was, it is not.
    let srm = |sizes: [(&str, f64); 2]| {
        let ratio = sizes.map(|(a, s)| (a.to_owned(), s)).into();
        found(&UpliftAsked { ratio, ..asked() }, &data).unwrap().arms[0].worst()
    };
    assert_eq!(srm([("mail", 1.0), ("none", 2.0)]), causal::Light::Bad);
    assert_ne!(srm([("mail", 6.0), ("none", 7.0)]), causal::Light::Bad);
    // Everything is bought after it is sent; the other way round it is refused, and one moment alone says nothing.
    let times = |treated: &str, outcome: &str| UpliftAsked { times: Times { treated: treated.into(), outcome: outcome.into() }, ..asked() };
    assert!(found(&times("sent", "bought_on"), &data).is_ok());
    assert_eq!(found(&times("bought_on", "sent"), &data).unwrap_err().0.code, "uplift.treated_after");
    assert!(
        found(&UpliftAsked { filter: Some("bought_on < '2024-03-02'".into()), ..times("bought_on", "sent") }, &data)
            .is_err_and(|f| f.0.code != "uplift.treated_after")
    );
    assert_eq!(found(&times("arm", "sent"), &data).unwrap_err().0.code, "uplift.no_moments");
    assert_eq!(found(&times("sent", ""), &data).unwrap_err().0.code, "uplift.two_moments");
    // The last tenth of every ten rows tests.
    let split = found(&UpliftAsked { split: Some(Split::Modulo { of: 10, test_from: 9 }), ..asked() }, &data).unwrap();
    assert_eq!(split.arms[0].n_test, 240);
    // What a conversion costs is paid out of what it earns.
    let money = |conversion: f64| {
        let asked =
            UpliftAsked { value_per_conversion: Some(10.0), cost_per_contact: Some(0.1), cost_per_conversion: Some(conversion), ..asked() };
        found(&asked, &data).unwrap().arms[0].earnings.clone().unwrap()
    };
    assert_ne!(money(0.0), money(5.0));
}

#[test]
fn a_number_that_is_a_code_is_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = trial(&folder);
    let ask = |categorical: Vec<String>| ask_of(&UpliftAsked { categorical, ..asked() });
    let levels = |ask: &causal::Ask| causal::Study::of(&data.table, ask).unwrap().features.iter().filter(|f| f.is_categorical()).count();
    assert_eq!((levels(&ask(vec![])) + 1, levels(&ask(vec!["age".into()]))), (2, 2));
}

#[test]
fn what_was_measured_among_some_is_never_said_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = trial(&folder);
    let ask = ask_of(&UpliftAsked { filter: Some("age >= 40".into()), ..asked() });
    let of = |segment: Option<&str>| {
        crate::strategy::tested::measure(&data.table, &ask, Base::Logistic, "mail", segment, &JobCtx::quiet()).unwrap().people
    };
    let count = |test: fn(u32, u32) -> bool| (0..2_400u32).filter(|i| test(20 + i * 11 % 50, 1 + i % 4)).count();
    let all = |(a, b): (usize, usize)| a + b;
    assert_eq!(all(of(None)), count(|age, _| age >= 40));
    assert_eq!(all(of(Some("region = 2 or region = 3"))), count(|age, region| age >= 40 && (region == 2 || region == 3)));
}

#[test]
fn customers_are_counted_in_the_unit_and_read_from_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, mut list) = ("who,day,paid\n".to_owned(), "who,x,tx,t\n".to_owned());
    for i in 0..900 {
        log += &format!("{},2024-{:02}-{:02},{}\n", i * 7 % 160, 1 + i * 11 % 12, 1 + i * 13 % 28, 5 + i % 17);
    }
    let data = loaded(&folder, "log.csv", &log);
    let ctx = JobCtx::quiet();
    let base = CustomersAsked { id: "who".into(), date: "day".into(), ..CustomersAsked::default() };
    let weeks = customers_of(&base, &data, &ctx).unwrap();
    let months = customers_of(&CustomersAsked { unit: summary::Unit::Month, ..base.clone() }, &data, &ctx).unwrap();
    assert_eq!((weeks.settings.horizon, months.settings.horizon, months.settings.unit), (52.0, 12.0, summary::Unit::Month));
    // The same customers, one to a line, are worth the same.
    let columns = summary::Columns {
        id: "who",
        date: "day",
        amount: None,
        until: None,
        today: i64::MAX / 2,
        unit: summary::Unit::Week,
        decimals: None,
    };
    let read = summary::from_log(&data.table, &columns).unwrap();
    for (name, c) in read.names.iter().zip(&read.list) {
        list += &format!("{name},{},{},{}\n", c.frequency, c.recency, c.age);
    }
    let listed = CustomersAsked { summary: ["x", "tx", "t"].map(str::to_owned).to_vec(), date: String::new(), ..base };
    let again = customers_of(&listed, &loaded(&folder, "list.csv", &list), &ctx).unwrap();
    assert_eq!(again.customers, weeks.customers);
    assert!(
        (again.purchases.value - weeks.purchases.value).abs() < 1e-6 * weeks.purchases.value,
        "{:?} {:?}",
        again.purchases,
        weeks.purchases
    );
}

#[test]
fn a_policy_study_says_which_model_and_seed() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "shown,bought,p,age\n".to_owned();
    (0..900u32).for_each(|i| {
        text += &format!("{},{},{},{}\n", ["a", "b", "c"][i as usize % 3], u8::from(i * 31 % 7 < 2 + i % 3), 1.0 / 3.0, i * 17 % 60);
    });
    let data = loaded(&folder, "log.csv", &text);
    let columns = Columns {
        action: "shown".into(),
        reward: "bought".into(),
        propensity: Some("p".into()),
        context: vec!["age".into()],
        ..Columns::default()
    };
    let of = |model: Base, seed: u64| {
        let asked = PolicyAsked { columns: columns.clone(), model, seed, ..PolicyAsked::default() };
        match answer(&Study::Policy(asked), &data, &JobCtx::quiet()).unwrap() {
            Finding::Policy(v) => *v,
            other => panic!("{other:?}"),
        }
    };
    let (line, trees, other) = (of(Base::Logistic, 1), of(Base::Gbdt, 1), of(Base::Logistic, 2));
    assert_eq!((trees.settings.model, other.settings.seed), (ModelKind::Gbdt, 2));
    assert_eq!(line.estimators["ips"].value, trees.estimators["ips"].value);
    assert_ne!(line.estimators["dr"].value, trees.estimators["dr"].value);
    assert_ne!(line.estimators["dr"].value, other.estimators["dr"].value);
}
