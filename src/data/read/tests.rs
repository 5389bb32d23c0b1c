//! Files as people have them, small and written here.

use std::sync::Mutex;

use super::*;
use crate::base::progress::ProgressSink;
use crate::data::ColumnType as T;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn load(text: impl AsRef<[u8]>) -> Loaded {
    let dir = Folder::new();
    open(&dir.put("a.csv", text), &ReadOptions::default(), &JobCtx::quiet()).unwrap()
}

fn codes(l: &Loaded) -> Vec<&str> {
    l.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn types(l: &Loaded) -> Vec<T> {
    (0..l.table.n_columns()).map(|i| l.table.column_type(i)).collect()
}

#[test]
fn types_and_missing_cells() {
    let l = load(
        "i,f,b,t,d,m,zip,dmy\n1,1.5,TRUE,x,2024-03-01,2024-03-01 10:20:30,00123,25/12/2023\n\
         ,NA,false,,,2024-03-01,00045,\n-3,2,,N/A,2024-03-02,,12345,01/02/2023\n",
    );
    let expected = [T::Integer, T::Number, T::Boolean, T::Text, T::Date, T::Datetime, T::Text, T::Date];
    assert_eq!(types(&l), expected);
    let row = |r: usize| (0..8).map(|c| l.table.cell(r, c).unwrap_or_default()).collect::<Vec<_>>().join("|");
    assert_eq!(row(0), "1|1.5|true|x|2024-03-01|2024-03-01 10:20:30|00123|2023-12-25");
    assert_eq!(row(1), "||false|||2024-03-01 00:00:00|00045|");
    assert_eq!(row(2), "-3|2|||2024-03-02||12345|2023-02-01");
    assert!(l.warnings.is_empty(), "{:?}", l.warnings);
    assert_eq!(l.reading.detected, ["delimiter", "quote", "decimal", "header", "encoding"]);
    assert!(!l.preview);
    assert_eq!(l.fingerprint.0.len(), 64);
}

#[test]
fn the_fingerprint_is_that_of_the_bytes() {
    let text = "\u{FEFF}a,b\r\n1,2\r\n";
    let l = load(text);
    assert_eq!(l.fingerprint, Fingerprint::of(text.as_bytes()));
    assert!(l.reading.byte_order_mark);
    assert_eq!(l.table.names(), ["a", "b"]);
}

#[test]
fn encodings_delimiters_and_decimals() {
    let zh = "用户;评论;评分\n张三;味道很好，包装也不错;4,5\n李四;送餐太慢了;2,0\n";
    for bytes in [zh.as_bytes().to_vec(), encoding_rs::GB18030.encode(zh).0.into_owned()] {
        let l = load(bytes);
        assert_eq!(l.table.names(), ["用户", "评论", "评分"]);
        assert_eq!(l.table.numbers(2), [4.5, 2.0]);
        assert_eq!((l.reading.delimiter, l.reading.decimal), (Some(';'), Some(',')));
    }
    let wide: Vec<u8> = "\u{FEFF}a\tb\n1\té\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let l = load(wide);
    assert_eq!((l.table.names(), l.table.cell(0, 1)), (vec!["a".to_owned(), "b".to_owned()], Some("é".to_owned())));
    assert_eq!(l.reading.encoding.as_deref(), Some("utf-16le"));
    let dir = Folder::new();
    let path = dir.put("a.txt", encoding_rs::GB18030.encode("名;值\n甲;1\n").0);
    let options = ReadOptions { encoding: Some("gbk".to_owned()), header: Header::No, ..ReadOptions::default() };
    let l = open(&path, &options, &JobCtx::quiet()).unwrap();
    assert_eq!((l.table.n_rows(), l.table.cell(0, 0), l.table.name(0)), (2, Some("名".to_owned()), "column_1"));
    assert!(!l.reading.detected.iter().any(|d| d == "encoding" || d == "header"));
    let odd = ReadOptions { encoding: Some("klingon".to_owned()), ..ReadOptions::default() };
    assert_eq!(open(&path, &odd, &JobCtx::quiet()).unwrap_err().0.code, "data.unknown_encoding");
}

#[test]
fn quotes_and_the_order_of_dates_are_the_analysts_to_choose() {
    let dir = Folder::new();
    let path = dir.put("d.csv", "id,when,size\n1,03/04/2024,6\" pipe\n2,05/06/2024,8\" pipe\n3,,x\n");
    let with = |options: ReadOptions| open(&path, &options, &JobCtx::quiet()).unwrap();
    let warned = |l: &Loaded| l.warnings.iter().any(|w| w.code == "data.day_or_month");
    let day = |l: &Loaded| l.table.cell(0, 1);
    let auto = with(ReadOptions::default());
    assert!(warned(&auto) && day(&auto).as_deref() == Some("2024-04-03"));
    let dmy = with(ReadOptions { dates: Some(Dates::Dmy), ..ReadOptions::default() });
    assert!(!warned(&dmy) && day(&dmy) == day(&auto));
    let mdy = with(ReadOptions { dates: Some(Dates::Mdy), ..ReadOptions::default() });
    assert!(!warned(&mdy) && day(&mdy).as_deref() == Some("2024-03-04"));
    // A cell that cannot be meant so makes the column text, with its warning, instead of a wrong day.
    let path = dir.put("e.csv", "id,when\n1,03/04/2024\n2,25/12/2024\n");
    let odd = open(&path, &ReadOptions { dates: Some(Dates::Mdy), ..ReadOptions::default() }, &JobCtx::quiet()).unwrap();
    assert_eq!(odd.table.column_type(1), T::Text);

    let path = dir.put("q.csv", "a,b\n\"x,y\",1\n");
    let width = |q| open(&path, &ReadOptions { quote: Some(q), header: Header::No, ..ReadOptions::default() }, &JobCtx::quiet()).unwrap();
    assert_eq!((width(Quote::Double).table.n_columns(), width(Quote::None).table.n_columns()), (2, 3));
    assert!(!width(Quote::Single).reading.detected.iter().any(|d| d == "quote"));
}

/// Rows that fill several blocks, with `odd` cells in the last row.
fn large(row: &str, last: &str) -> String {
    let mut s = "i,f,t,d\n".to_owned();
    while s.len() < 20 << 20 {
        s.push_str(row);
    }
    s.push_str(last);
    s
}

#[test]
fn types_widen_when_a_late_block_disagrees() {
    let l = load(large("1,1.50,00a,01/02/2024\n", "2.5,x,b,25/12/2024\n"));
    assert_eq!(types(&l), [T::Number, T::Text, T::Text, T::Date]);
    let n = l.table.n_rows();
    assert_eq!(l.table.numbers(0)[n - 1], 2.5);
    assert_eq!(l.table.cell(0, 1).as_deref(), Some("1.50"), "the text as written, read again");
    assert_eq!(l.table.cell(n / 2, 1).as_deref(), Some("1.50"));
    assert_eq!(l.table.cell(0, 3).as_deref(), Some("2024-02-01"));
    assert_eq!(codes(&l), ["data.numbers_as_text"]);
    let l = load(large("1,1.50,a,01/02/2024\n", "1,2,b,12/25/2024\n"));
    assert_eq!(l.table.cell(0, 3).as_deref(), Some("2024-01-02"), "the last row shows that the month comes first");
    assert_eq!(l.table.cell(l.table.n_rows() - 1, 3).as_deref(), Some("2024-12-25"));
}

#[test]
fn an_encoding_that_shows_itself_late() {
    let text = large("1,2,a,b\n", "3,4,味道很好,送餐太慢了\n");
    let l = load(encoding_rs::GB18030.encode(&text).0);
    assert_eq!(l.table.cell(l.table.n_rows() - 1, 2).as_deref(), Some("味道很好"));
    assert_eq!(l.reading.encoding.as_deref(), Some("gb18030"));
}

#[test]
fn the_same_at_one_and_two_threads() {
    let text = large("1,1.50,\"a, \"\"b\"\"\",2024-01-02\n", "2.5,x,b,2024-01-02 10:00\n");
    let dir = Folder::new();
    let path = dir.put("a.csv", text);
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let l = pool.install(|| open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap());
        (types(&l), l.table.row_keys(&[0, 1, 2, 3]), l.fingerprint, l.table.cell(5, 2))
    };
    let one = at(1);
    assert_eq!(one.3.as_deref(), Some("a, \"b\""));
    assert!(one == at(2));
}

#[derive(Default)]
struct Heard(Mutex<Vec<(&'static str, u64)>>);
impl ProgressSink for Heard {
    fn stage(&self, key: &'static str, total: u64) {
        self.0.lock().unwrap().push((key, total));
    }
    fn at(&self, done: u64) {
        self.0.lock().unwrap().push(("", done));
    }
}

#[test]
fn progress_and_cancel() {
    let dir = Folder::new();
    let text = large("1,1.50,a,2024-01-02\n", "");
    let path = dir.put("a.csv", &text);
    let heard = std::sync::Arc::new(Heard::default());
    let ctx = JobCtx::new(heard.clone(), crate::base::CancelToken::default());
    open(&path, &ReadOptions::default(), &ctx).unwrap();
    {
        let heard = heard.0.lock().unwrap();
        assert_eq!(heard[0], ("data.stage_reading", text.len() as u64));
        assert_eq!(heard.last().unwrap().1, text.len() as u64);
    }
    ctx.token().cancel();
    assert!(open(&path, &ReadOptions::default(), &ctx).unwrap_err().is_cancelled());
    let p = preview(&path, &ReadOptions::default(), 10).unwrap();
    assert_eq!((p.table.n_rows(), p.preview, p.fingerprint), (10, true, Fingerprint::default()));
}

#[test]
fn ragged_rows_are_counted() {
    let l = load("a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n\"x\ny\",1,2\n1,2,3,\n1\n");
    assert_eq!(l.table.n_rows(), 6);
    let w = &l.warnings[0];
    assert_eq!(w.code, "data.ragged");
    let said = w.say(crate::base::Lang::En);
    assert!(said.contains("3;") && said.contains("line 3") && said.contains("with 2"), "{said}");
    assert_eq!(l.table.cell(1, 2), None);
    assert_eq!(l.table.cell(2, 2).as_deref(), Some("8"));
}

#[test]
fn odd_cells_are_said() {
    let mut s = "n,money,when,inf\n".to_owned();
    for i in 0..30 {
        s.push_str(&format!("{i},\"$1,{i:03}\",2024-01-{:02},{i}.5\n", i % 28 + 1));
    }
    s.push_str("abc,$5,01.02.2024,inf\n7,$6,2024-01-01,NaN\n");
    let l = load(s);
    assert_eq!(types(&l), [T::Text, T::Text, T::Text, T::Number]);
    let found = codes(&l);
    for code in ["data.numbers_as_text", "data.numbers_with_signs", "data.mixed_dates", "data.infinite", "data.not_a_number"] {
        assert!(found.contains(&code), "{code} in {found:?}");
    }
    let said = l.warnings.iter().find(|w| w.code == "data.numbers_as_text").unwrap().say(crate::base::Lang::En);
    assert!(said.contains("abc") && said.contains("row 30"), "{said}");
    assert_eq!(codes(&load("when\n01/02/2024\n03/04/2024\n")), ["data.day_or_month"]);
    assert_eq!(codes(&load("zip\n00123\n04567\n")), Vec::<&str>::new(), "codes are meant to be text");
}

#[test]
fn parquet_and_ipc() {
    use polars::prelude::{DataFrame, IpcWriter, NamedFrom as _, ParquetWriter, SerWriter as _, Series};
    use polars::prelude::{DataType, IntoColumn as _, TimeUnit};
    let dir = Folder::new();
    let columns = vec![
        Series::new("f".into(), [1.5f32, f32::NAN, 2.5]).into_column(),
        Series::new("u".into(), [1u64, u64::MAX, 3]).into_column(),
        Series::new("s".into(), [Some("x"), Some(""), None]).into_column(),
        Series::new("t".into(), [0i64, 1_500, 3_000]).cast(&DataType::Datetime(TimeUnit::Milliseconds, None)).unwrap().into_column(),
        Series::new("small".into(), [1i32, -2, 3]).into_column(),
    ];
    let mut frame = DataFrame::new(3, columns).unwrap();
    let (a, b) = (dir.0.path().join("a.parquet"), dir.0.path().join("b.arrow"));
    ParquetWriter::new(File::create(&a).unwrap()).with_row_group_size(Some(2)).finish(&mut frame).unwrap();
    IpcWriter::new(File::create(&b).unwrap()).finish(&mut frame).unwrap();
    for (path, format) in [(&a, "parquet"), (&b, "ipc")] {
        let l = open(path, &ReadOptions::default(), &JobCtx::quiet()).unwrap();
        assert_eq!(l.reading.format, format);
        assert_eq!(types(&l), [T::Number, T::Text, T::Text, T::Datetime, T::Integer]);
        assert_eq!(l.table.missing(0), [false, true, false]);
        assert_eq!(l.table.cell(1, 1).as_deref(), Some("18446744073709551615"));
        assert_eq!(l.table.missing(2), [false, true, true]);
        assert_eq!(l.table.numbers(3), [0.0, 1.5, 3.0]);
        assert_eq!(l.fingerprint, Fingerprint::of(&std::fs::read(path).unwrap()));
        assert_eq!(codes(&l), ["data.not_a_number"]);
        assert_eq!(preview(path, &ReadOptions::default(), 2).unwrap().table.n_rows(), 2);
        let bytes = std::fs::read(path).unwrap();
        let cut = dir.put("cut.parquet", &bytes[..bytes.len() - 9]);
        assert_eq!(open(&cut, &ReadOptions::default(), &JobCtx::quiet()).unwrap_err().0.code, "data.cut_off");
        // A hole in the middle: an error or other numbers, never a panic.
        let mut bytes = bytes;
        let n = bytes.len();
        for b in &mut bytes[n / 3..n - 12] {
            *b = 0xAA;
        }
        let holed = dir.put("holed.parquet", &bytes);
        drop(open(&holed, &ReadOptions::default(), &JobCtx::quiet()));
    }
    let empty = dir.0.path().join("empty.parquet");
    ParquetWriter::new(File::create(&empty).unwrap()).finish(&mut frame.clear()).unwrap();
    let l = open(&empty, &ReadOptions::default(), &JobCtx::quiet()).unwrap();
    assert_eq!((l.table.n_rows(), l.table.n_columns(), codes(&l)), (0, 5, vec!["data.no_rows"]));
}

/// Written by pyarrow: `i8` (8 bits), `u16` (16 bits), `s` (a structure), `c` (text); three rows.
const NARROW: &str = "\
    504152311500151c151c2c15061500150615061c000000020000000303ffffffff020000001500152415242c15061500150615061c00000002000000\
    0601ffff000000000000010000001500153c153c2c15061500150615061c000000020000000602010000000000000001000000000000000100000000\
    0000001500152a152a2c15061500150615061c0000000200000006010100000061010000006201000000611504196c35001806736368656d61150800\
    1502250218026938251e4cac13081100000015022502180375313625184cac13101200000035021801731502001504250218017800150c2502180163\
    25004c1c0000001606191c194c26001c150219250600191802693815001606164216422608491c150015001502003c29061926020400000026001c15\
    021925060019180375313615001606164a164a264a491c150015001502003c29061926000600000026001c1504192506001928017301781500160616\
    621662269401491c150015001502003c2906193600000600000026001c150c1925060019180163150016061650165026f601491c150015001502003c\
    160619061926000600000016be021606260816be02002820706172717565742d6370702d6172726f772076657273696f6e2032362e302e31194c1c00\
    001c00001c00001c0000004801000050415231\
";

#[test]
fn narrow_whole_numbers_and_structures() {
    let hex: String = NARROW.split_whitespace().collect();
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    let dir = Folder::new();
    let l = open(&dir.put("narrow.parquet", bytes), &ReadOptions::default(), &JobCtx::quiet()).unwrap();
    assert_eq!(l.table.names(), ["i8", "u16", "c"]);
    assert_eq!(types(&l), [T::Integer, T::Integer, T::Text]);
    assert_eq!(l.table.cells(0..3, 0), [Some("-1".to_owned()), Some("2".to_owned()), None]);
    assert_eq!(l.table.numbers(1), [65_535.0, 0.0, 1.0]);
    assert_eq!(codes(&l), ["data.unsupported_column"]);
}

#[test]
fn one_column_keeps_its_empty_lines() {
    let l = load("x\n1\n\n3\n");
    assert_eq!(l.table.missing(0), [false, true, false]);
}

/// Not run by default: `cargo test --release million -- --ignored --nocapture` prints the times.
#[test]
#[ignore = "a measurement"]
fn a_million_rows() {
    let dir = Folder::new();
    let mut s = String::from("id,user,a,b,c,d,e,f,g,h,month,type,weekend,revenue,date,region,text,zip\n");
    let mut rng = crate::base::rng::rng(1, "bench");
    use crate::base::rng::{below, unit};
    use std::fmt::Write as _;
    for i in 0..1_000_000 {
        let m = ["Nov", "Dec", "May", "June"][below(&mut rng, 4)];
        let b = ["TRUE", "FALSE"][below(&mut rng, 2)];
        let (u, x, y, z) = (below(&mut rng, 90_000), below(&mut rng, 30), unit(&mut rng), unit(&mut rng) * 1000.0);
        writeln!(
            s,
            "{i},u{u},{x},{y:.4},{z:.3},0,0.2,{x},{y:.9},1,{m},Returning_Visitor,{b},{b},2024-{:02}-{:02},{x},some text {x},{u:06}",
            x % 12 + 1,
            x % 28 + 1
        )
        .unwrap();
    }
    let path = dir.put("million.csv", &s);
    eprintln!("{} MB", s.len() >> 20);
    let now = std::time::Instant::now;
    let t = now();
    let p = preview(&path, &ReadOptions::default(), 200).unwrap();
    eprintln!("preview {:?} {}", t.elapsed(), p.table.n_rows());
    let t = now();
    let l = open(&path, &ReadOptions::default(), &JobCtx::quiet()).unwrap();
    eprintln!("open {:?} {} rows {:?} {} MB {:?}", t.elapsed(), l.table.n_rows(), types(&l), l.table.memory_bytes() >> 20, l.warnings);
    let t = now();
    let p = crate::data::profile::profile(&l.table, &crate::data::Roles::default(), Some(("revenue", "TRUE")), &JobCtx::quiet()).unwrap();
    eprintln!("profile {:?} {}", t.elapsed(), p.columns[1].distinct);
}
