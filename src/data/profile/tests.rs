//! Profiles against values worked out by hand and by brute force.

use proptest::prelude::*;

use super::*;
use crate::base::JobCtx;
use crate::data::table::Values;

fn table(columns: Vec<(&str, Values)>) -> Table {
    Table::from_columns(columns.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()).unwrap()
}

fn texts(cells: &[Option<&str>]) -> Values {
    Values::Texts(cells.iter().map(|s| s.map(str::to_owned)).collect())
}

#[test]
fn a_small_table_by_hand() {
    let t = table(vec![
        ("x", Values::Numbers(vec![Some(1.0), Some(2.0), None, Some(f64::INFINITY), Some(4.0), Some(2.0)])),
        ("month", texts(&[Some("Nov"), Some("Nov"), Some("May"), None, Some("Nov"), Some("May")])),
        ("buy", Values::Booleans(vec![Some(true), Some(false), Some(true), None, Some(true), Some(false)])),
        ("nothing", texts(&[None; 6])),
        ("same", Values::Integers(vec![Some(7); 6])),
    ]);
    let p = profile(&t, &Roles::default(), Some(("buy", "TRUE")), &JobCtx::quiet()).unwrap();
    let x = &p.columns[0];
    assert_eq!((x.missing, x.infinite, x.distinct), (1, 1, 4));
    assert_eq!((x.min, x.max, x.mean, x.median), (Some(1.0), Some(4.0), Some(2.25), Some(2.0)));
    assert!((x.sd.unwrap() - (4.75f64 / 4.0).sqrt()).abs() < 1e-12);
    assert_eq!(x.histogram.iter().map(|b| b.count).sum::<usize>(), 4);
    assert_eq!((x.histogram[0].low, x.histogram.last().unwrap().high), (1.0, 4.0));
    assert_eq!(x.histogram[0].target_rate, Some(1.0));
    assert_eq!((x.top[0].value.as_str(), x.top[0].count, x.top[0].target_rate), ("2", 2, Some(0.0)));
    let m = &p.columns[1];
    assert_eq!((m.top[0].value.as_str(), m.top[0].count), ("Nov", 3));
    assert!((m.top[0].target_rate.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(m.top[1].target_rate, Some(0.5));
    assert_eq!(p.columns[2].mean, Some(0.6));
    assert_eq!(p.columns[3].warnings[0].code, "data.column_all_missing");
    assert_eq!(p.columns[4].warnings[0].code, "data.column_constant");
    assert_eq!(p.columns[4].histogram.len(), 1);
    assert_eq!(p.duplicate_rows, 0);
    assert_eq!(profile(&t, &Roles::default(), Some(("buy", "x")), &JobCtx::quiet()).unwrap_err().0.code, "data.no_such_value");
}

#[test]
fn edges_open() {
    let none = profile(&table(vec![]), &Roles::default(), None, &JobCtx::quiet()).unwrap();
    assert_eq!((none.rows, none.columns.len()), (0, 0));
    let empty = table(vec![("a", Values::Integers(vec![])), ("b", texts(&[]))]);
    let p = profile(&empty, &Roles::default(), Some(("b", "1")), &JobCtx::quiet()).unwrap();
    assert_eq!(p.warnings[0].code, "data.profile_no_rows");
    let one = table(vec![("b", texts(&[Some("1"), Some("1")]))]);
    let p = profile(&one, &Roles::default(), Some(("b", "1")), &JobCtx::quiet()).unwrap();
    assert!(p.warnings.iter().any(|w| w.code == "data.profile_one_class"));
    assert_eq!(p.duplicate_rows, 1);
    let ctx = JobCtx::quiet();
    ctx.token().cancel();
    assert!(profile(&one, &Roles::default(), None, &ctx).unwrap_err().is_cancelled());
}

#[test]
fn whole_numbers_get_their_own_bins() {
    let t = table(vec![("x", Values::Integers((0..60).map(|i| Some(i % 6)).collect()))]);
    let p = profile(&t, &Roles::default(), None, &JobCtx::quiet()).unwrap();
    assert_eq!(p.columns[0].histogram.iter().map(|b| b.count).collect::<Vec<_>>(), [10; 6]);
    for (i, b) in p.columns[0].histogram.iter().enumerate() {
        let edge = |k: usize| 5.0 * k as f64 / 6.0;
        assert!((b.low - edge(i)).abs() < 1e-12 && (b.high - edge(i + 1)).abs() < 1e-12, "{b:?}");
    }
}

proptest! {
    #[test]
    fn summaries_match_a_sort(values in proptest::collection::vec(proptest::option::of(-50i64..50), 1..200)) {
        let t = table(vec![("x", Values::Integers(values.clone()))]);
        let p = profile(&t, &Roles::default(), None, &JobCtx::quiet()).unwrap();
        let c = &p.columns[0];
        let mut present: Vec<i64> = values.iter().flatten().copied().collect();
        present.sort_unstable();
        prop_assert_eq!(c.missing, values.len() - present.len());
        let n = present.len();
        if n > 0 {
            let median = if n % 2 == 1 { present[n / 2] as f64 } else { (present[n / 2 - 1] + present[n / 2]) as f64 / 2.0 };
            prop_assert_eq!(c.median, Some(median));
            let mean = present.iter().sum::<i64>() as f64 / n as f64;
            prop_assert!((c.mean.unwrap() - mean).abs() < 1e-9);
            prop_assert_eq!(c.histogram.iter().map(|b| b.count).sum::<usize>(), n);
            let most = present.chunk_by(|a, b| a == b).map(<[i64]>::len).max();
            prop_assert_eq!(Some(c.top[0].count), most);
            present.dedup();
            prop_assert_eq!(c.distinct, present.len());
        }
        let mut rows = values.clone();
        rows.sort_unstable();
        rows.dedup();
        prop_assert_eq!(p.duplicate_rows, values.len() - rows.len());
    }
}
