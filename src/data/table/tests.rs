//! The table against plain vectors.

use super::*;

fn text(s: &str) -> Option<String> {
    Some(s.to_owned())
}

fn sample() -> Table {
    Table::from_columns(vec![
        ("n".to_owned(), Values::Integers(vec![Some(3), None, Some(-1), Some(3)])),
        ("x".to_owned(), Values::Numbers(vec![Some(0.5), Some(f64::NAN), None, Some(1e300)])),
        ("b".to_owned(), Values::Booleans(vec![Some(true), Some(false), None, Some(true)])),
        ("t".to_owned(), Values::Texts(vec![text("b"), text("a"), None, text("b")])),
        ("d".to_owned(), Values::Dates(vec![Some(0), Some(19_783), None, Some(-1)])),
        ("m".to_owned(), Values::Moments(vec![Some(0), Some(1_500_000), None, Some(-1)])),
    ])
    .unwrap()
}

#[test]
fn cells_numbers_codes() {
    let t = sample();
    assert_eq!((t.n_rows(), t.n_columns()), (4, 6));
    assert_eq!(t.names(), ["n", "x", "b", "t", "d", "m"]);
    assert_eq!(t.column_type(4), ColumnType::Date);
    let n = t.numbers(0);
    assert!(n[0] == 3.0 && n[1].is_nan() && n[2] == -1.0);
    assert_eq!(t.numbers(5)[1], 1.5);
    assert_eq!(t.missing(1), [false, true, true, false]);
    assert_eq!(t.codes(0), (vec![1, -1, 0, 1], vec!["-1".to_owned(), "3".to_owned()]));
    assert_eq!(t.codes(3), (vec![1, 0, -1, 1], vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(t.codes(2).1, ["false", "true"]);
    assert_eq!(t.cell(3, 1).as_deref(), Some("1e300"));
    assert_eq!(t.cell(1, 4).as_deref(), Some("2024-03-01"));
    assert_eq!(t.cell(0, 5).as_deref(), Some("1970-01-01 00:00:00"));
    assert_eq!(t.cell(9, 0), None);
    assert_eq!(t.cells(2..5, 3), [None, text("b"), None]);
}

#[test]
fn numeric_texts_sort_as_numbers() {
    let cells = ["10", "9", "100"].map(text).to_vec();
    let t = Table::from_columns(vec![("t".to_owned(), Values::Texts(cells))]).unwrap();
    assert_eq!(t.codes(0), (vec![1, 0, 2], vec!["9".to_owned(), "10".to_owned(), "100".to_owned()]));
    assert_eq!(t.numbers(0), [10.0, 9.0, 100.0]);
}

#[test]
fn rows_remember_their_line() {
    let t = sample().select_rows(&[3, 1, 99]);
    assert_eq!((t.n_rows(), t.file_row(0), t.file_row(1)), (2, 3, 1));
    let again = t.select_rows(&[1]);
    assert_eq!((again.file_row(0), again.cell(0, 3)), (1, text("a")));
    assert_eq!(again.drop_columns(&["t".to_owned()]).file_row(0), 1);
    assert_eq!(t.with_numbers("x", &[1.0, 2.0]).unwrap().file_row(0), 3);
    assert_eq!(sample().file_row(2), 2);
    assert_eq!(sample().select_rows(&[]).n_rows(), 0);
}

#[test]
fn columns_change_and_keep_their_type() {
    let t = sample();
    assert_eq!(t.with_numbers("n", &[1.0, f64::NAN, 2.0, 3.0]).unwrap().column_type(0), ColumnType::Integer);
    assert_eq!(t.with_numbers("n", &[1.5, 1.0, 2.0, 3.0]).unwrap().column_type(0), ColumnType::Number);
    assert_eq!(t.with_numbers("b", &[1.0, 0.0, 0.0, 0.0]).unwrap().column_type(2), ColumnType::Boolean);
    let d = t.with_numbers("d", &[1.0, 2.0, 3.0, f64::NAN]).unwrap();
    assert_eq!(d.cell(0, 4).as_deref(), Some("1970-01-02"));
    let new = t.with_booleans("flag", &[true; 4]).unwrap();
    assert_eq!((new.n_columns(), new.column("flag").unwrap()), (7, 6));
    assert_eq!(t.with_texts("t", &[None, None, None, text("z")]).unwrap().missing(3), [true, true, true, false]);
    assert_eq!(t.with_numbers("x", &[1.0]).unwrap_err().0.code, "data.wrong_length");
    let fault = t.column("N").unwrap_err();
    assert!(fault.to_string().contains("“n”"), "{fault}");
}

#[test]
fn nothing_at_all_works() {
    let t = Table::from_columns(vec![]).unwrap();
    assert_eq!((t.n_rows(), t.n_columns(), t.row_keys(&[]).len()), (0, 0, 0));
    assert_eq!((t.name(3), t.numbers(3).len(), t.column_type(3)), ("", 0, ColumnType::Text));
    assert_eq!(t.column("a").unwrap_err().0.code, "data.no_columns");
    assert_eq!(t.with_numbers("a", &[1.0, 2.0]).unwrap().n_rows(), 2);
    let twice = vec![("a".to_owned(), Values::Integers(vec![])), ("a".to_owned(), Values::Integers(vec![]))];
    assert_eq!(Table::from_columns(twice).unwrap_err().0.code, "data.twice");
    let wide: Vec<_> = (0..5_000).map(|i| (format!("c{i}"), Values::Integers(vec![Some(i), None]))).collect();
    let t = Table::from_columns(wide).unwrap();
    assert_eq!((t.n_columns(), t.cell(0, 4_999)), (5_000, text("4999")));
}

#[test]
fn equal_rows_have_equal_keys() {
    let t = sample();
    let all: Vec<usize> = (0..6).collect();
    let keys = t.row_keys(&all);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 4);
    let keys = t.row_keys(&[0, 3]);
    assert_eq!(keys[0], keys[3]);
    assert_ne!(keys[0], keys[1]);
    assert_ne!(t.row_keys(&[0])[1], t.row_keys(&[0])[2], "missing is no number");
    let cells = |a: &[Option<i64>]| Values::Integers(a.to_vec());
    let shifted = Table::from_columns(vec![("a".to_owned(), cells(&[Some(1), None])), ("b".to_owned(), cells(&[None, Some(1)]))]).unwrap();
    let keys = shifted.row_keys(&[0, 1]);
    assert_ne!(keys[0], keys[1], "where a cell is missing matters");
}
