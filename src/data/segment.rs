//! Segments: a condition in words that the command line, recipe and window share, such as
//! `VisitorType = 'Returning_Visitor' and Month in ('Nov', 'Dec') and PageValues > 0`.

use super::table::{ColumnType, Table};
use crate::base::Result;
use crate::fault;

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// As written.
    pub text: String,
    root: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Compare { column: String, op: Op, value: String },
    OneOf { column: String, values: Vec<String> },
    Missing { column: String },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// A column name in back quotes: never a keyword.
    Name(String),
    Quoted(String),
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["<=", ">=", "!=", "<>", "==", "=", "<", ">", "(", ")", ","];

/// Words that mean something in a condition.
const KEYWORDS: [&str; 5] = ["and", "or", "not", "in", "is"];

/// A column's name as a condition writes it.
pub fn quoted(name: &str) -> String {
    let plain = name.chars().next().is_some_and(char::is_alphabetic)
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !KEYWORDS.iter().any(|k| name.eq_ignore_ascii_case(k));
    if plain { name.to_owned() } else { format!("`{name}`") }
}

/// A condition that a number lies in a range; both ends belong to it.
pub fn between(column: &str, low: f64, high: f64) -> String {
    let (name, number) = (quoted(column), |v: f64| if v < 0.0 { format!("'{v}'") } else { v.to_string() });
    if low == high { format!("{name} = {}", number(low)) } else { format!("{name} >= {} and {name} <= {}", number(low), number(high)) }
}

/// A condition that a column holds one of some values; `None` where one of them cannot be written as a condition does.
pub fn among(column: &str, values: &[String]) -> Option<String> {
    let quote = |v: &String| {
        let mark = ['\'', '"'].into_iter().find(|m| !v.contains(*m))?;
        Some(format!("{mark}{v}{mark}"))
    };
    let values: Option<Vec<String>> = values.iter().map(quote).collect();
    Some(format!("{} in ({})", quoted(column), values.filter(|v| !v.is_empty())?.join(", ")))
}

/// Most brackets and negations inside each other.
const DEEPEST: usize = 100;

impl Segment {
    /// Reads a condition; a fault names the place where it stops making sense.
    pub fn parse(text: &str) -> Result<Self> {
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Err(fault!("data.segment_empty"));
        }
        let mut parser = Parser { text, tokens, at: 0, depth: 0 };
        let root = parser.any()?;
        if parser.at < parser.tokens.len() {
            return Err(parser.fault());
        }
        Ok(Self { text: text.to_owned(), root })
    }

    /// Positions of the rows that meet the condition.
    pub fn rows(&self, table: &Table) -> Result<Vec<usize>> {
        let mask = eval(&self.root, table)?;
        Ok(mask.iter().enumerate().filter(|(_, m)| **m).map(|(i, _)| i).collect())
    }
}

fn eval(node: &Node, table: &Table) -> Result<Vec<bool>> {
    let n = table.n_rows();
    Ok(match node {
        Node::All(nodes) => fold(nodes, table, vec![true; n], |a, b| a && b)?,
        Node::Any(nodes) => fold(nodes, table, vec![false; n], |a, b| a || b)?,
        Node::Not(inner) => eval(inner, table)?.into_iter().map(|m| !m).collect(),
        Node::Missing { column } => table.missing(table.column(column)?),
        Node::OneOf { column, values } => {
            let mut mask = vec![false; n];
            for value in values {
                for (m, e) in mask.iter_mut().zip(compare(table, column, Op::Equal, value)?) {
                    *m |= e;
                }
            }
            mask
        }
        Node::Compare { column, op, value } => compare(table, column, *op, value)?,
    })
}

fn fold(nodes: &[Node], table: &Table, start: Vec<bool>, join: impl Fn(bool, bool) -> bool) -> Result<Vec<bool>> {
    let mut mask = start;
    for node in nodes {
        for (m, e) in mask.iter_mut().zip(eval(node, table)?) {
            *m = join(*m, e);
        }
    }
    Ok(mask)
}

fn compare(table: &Table, column: &str, op: Op, value: &str) -> Result<Vec<bool>> {
    let i = table.column(column)?;
    let kind = table.column_type(i);
    if matches!(kind, ColumnType::Integer | ColumnType::Number) {
        let wanted: f64 = value.trim().parse().map_err(|_| fault!("data.segment_number", column = column, value = value))?;
        return Ok(table
            .numbers(i)
            .into_iter()
            .map(|x| match op {
                Op::Equal => x == wanted,
                Op::Less => x < wanted,
                Op::LessEqual => x <= wanted,
                Op::Greater => x > wanted,
                Op::GreaterEqual => x >= wanted,
            })
            .collect());
    }
    let (codes, levels) = table.codes(i);
    let wanted = match (kind, value.to_ascii_lowercase().as_str()) {
        (ColumnType::Boolean, "1" | "yes" | "true") => "true".to_owned(),
        (ColumnType::Boolean, "0" | "no" | "false") => "false".to_owned(),
        _ => value.to_owned(),
    };
    if op == Op::Equal && kind == ColumnType::Text && !levels.contains(&wanted) {
        let near = levels.iter().min_by_key(|l| super::table::distance(l, &wanted));
        return Err(match near {
            Some(near) => fault!("data.segment_no_level", column = column, value = value, nearest = near),
            None => fault!("data.segment_no_rows", text = value),
        });
    }
    let holds: Vec<bool> = levels
        .iter()
        .map(|l| match op {
            Op::Equal => *l == wanted,
            Op::Less => *l < wanted,
            Op::LessEqual => *l <= wanted,
            Op::Greater => *l > wanted,
            Op::GreaterEqual => *l >= wanted,
        })
        .collect();
    Ok(codes.into_iter().map(|c| usize::try_from(c).is_ok_and(|c| holds[c])).collect())
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '\'' || c == '"' || c == '`' {
            let inner = &rest[1..];
            let close = inner.find(c).ok_or_else(|| fault!("data.segment_quote", text = text))?;
            // Back quotes hold a column name, the other quotes a value.
            let word = inner[..close].to_owned();
            out.push(if c == '`' { Token::Name(word) } else { Token::Quoted(word) });
            rest = &inner[close + 1..];
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "'\"`<>=!(),".contains(c)).unwrap_or(rest.len());
            let end = if end == 0 { c.len_utf8() } else { end };
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Ok(out)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn fault(&self) -> crate::base::Fault {
        let near = match self.tokens.get(self.at) {
            Some(Token::Word(w) | Token::Name(w) | Token::Quoted(w)) => w.clone(),
            Some(Token::Sign(s)) => (*s).to_owned(),
            None => "…".to_owned(),
        };
        fault!("data.segment_syntax", text = self.text, near = near)
    }
    fn keyword(&mut self, word: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }
    fn sign(&mut self, sign: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(hit);
        hit
    }
    /// One level further in; a pile of brackets must not exhaust the stack.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Node>) -> Result<Node> {
        if self.depth >= DEEPEST {
            return Err(self.fault());
        }
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }
    fn any(&mut self) -> Result<Node> {
        let mut nodes = vec![self.all()?];
        while self.keyword("or") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }
    fn all(&mut self) -> Result<Node> {
        let mut nodes = vec![self.one()?];
        while self.keyword("and") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }
    fn one(&mut self) -> Result<Node> {
        if self.keyword("not") {
            return Ok(Node::Not(Box::new(self.deeper(Self::one)?)));
        }
        if self.sign("(") {
            let inner = self.deeper(Self::any)?;
            return if self.sign(")") { Ok(inner) } else { Err(self.fault()) };
        }
        let column = self.column()?;
        if self.keyword("is") {
            let not = self.keyword("not");
            if !(self.keyword("missing") || self.keyword("null")) {
                return Err(self.fault());
            }
            return Ok(negate(not, Node::Missing { column }));
        }
        let not = self.keyword("not");
        if self.keyword("in") {
            if !self.sign("(") {
                return Err(self.fault());
            }
            let mut values = vec![self.value()?];
            while self.sign(",") {
                values.push(self.value()?);
            }
            return if self.sign(")") { Ok(negate(not, Node::OneOf { column, values })) } else { Err(self.fault()) };
        }
        for (sign, op, not) in [
            ("<=", Op::LessEqual, false),
            (">=", Op::GreaterEqual, false),
            ("!=", Op::Equal, true),
            ("<>", Op::Equal, true),
            ("==", Op::Equal, false),
            ("=", Op::Equal, false),
            ("<", Op::Less, false),
            (">", Op::Greater, false),
        ] {
            if self.sign(sign) {
                let value = self.value()?;
                return Ok(negate(not, Node::Compare { column, op, value }));
            }
        }
        Err(self.fault())
    }
    /// A column name: one in back quotes, or bare words; several in a row are one name with spaces.
    fn column(&mut self) -> Result<String> {
        let mut name = match self.tokens.get(self.at) {
            Some(Token::Name(w)) => {
                self.at += 1;
                return Ok(w.clone());
            }
            Some(Token::Word(w)) => w.clone(),
            _ => return Err(self.fault()),
        };
        self.at += 1;
        while let Some(Token::Word(w)) = self.tokens.get(self.at) {
            if ["is", "in", "not"].iter().any(|k| w.eq_ignore_ascii_case(k)) {
                break;
            }
            name.push(' ');
            name.push_str(w);
            self.at += 1;
        }
        Ok(name)
    }
    /// A value; bare words in a row are one value, up to `and`, `or` or a bracket.
    fn value(&mut self) -> Result<String> {
        let mut value = match self.tokens.get(self.at) {
            Some(Token::Quoted(w)) => {
                self.at += 1;
                return Ok(w.clone());
            }
            Some(Token::Word(w)) => w.clone(),
            _ => return Err(self.fault()),
        };
        self.at += 1;
        while let Some(Token::Word(w)) = self.tokens.get(self.at) {
            if ["and", "or"].iter().any(|k| w.eq_ignore_ascii_case(k)) {
                break;
            }
            value.push(' ');
            value.push_str(w);
            self.at += 1;
        }
        Ok(value)
    }
}

fn negate(not: bool, node: Node) -> Node {
    if not { Node::Not(Box::new(node)) } else { node }
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;

    fn check(text: &str, expected: &[usize]) {
        let texts = |v: &[&str]| Values::Texts(v.iter().map(|s| (!s.is_empty()).then(|| (*s).to_owned())).collect());
        let table = Table::from_columns(vec![
            ("Visitor".into(), texts(&["New", "Returning", "Returning", "", "Other"])),
            ("page views".into(), Values::Integers(vec![Some(1), Some(5), None, Some(7), Some(5)])),
            ("not".into(), Values::Integers((1..=5).map(Some).collect())),
            ("Weekend".into(), Values::Booleans(vec![Some(true), Some(false), Some(true), None, Some(false)])),
        ])
        .unwrap();
        let rows = Segment::parse(text).and_then(|s| s.rows(&table));
        assert_eq!(rows.as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn conditions_find_their_rows() {
        check("Visitor = 'Returning'", &[1, 2]);
        check("Visitor=Returning", &[1, 2]);
        check("Visitor != 'New'", &[1, 2, 3, 4]);
        check("Visitor in ('New', \"Other\")", &[0, 4]);
        check("Visitor not in ('New')", &[1, 2, 3, 4]);
        check("page views >= 5 and Weekend = FALSE", &[1, 4]);
        check("`page views` < 5 OR Weekend = yes", &[0, 2]);
        check("not (page views = 5)", &[0, 2, 3]);
        check("page views is missing", &[2]);
        // In back quotes a word that has a meaning is a name.
        check("not `not` >= 3", &[0, 1]);
        check("`not` in (1, 5) and page views = 5", &[4]);
        check("Visitor is not missing and page views is not missing", &[0, 1, 4]);
    }

    #[test]
    fn written_conditions_are_read_back() {
        for (low, high, given) in
            [(-1.5, 2.0, [-2.0, -1.5, 0.0, 2.0]), (1e-7, 1e21, [0.0, 1e-7, 5.0, 1e21]), (3.0, 3.0, [2.0, 3.0, 3.0, 4.0])]
        {
            let table = Table::from_columns(vec![("a b".into(), Values::Numbers(given.iter().copied().map(Some).collect()))]).unwrap();
            let want: Vec<usize> = (0..4).filter(|i| given[*i] >= low && given[*i] <= high).collect();
            assert_eq!(Segment::parse(&between("a b", low, high)).unwrap().rows(&table).unwrap(), want);
        }
        assert_eq!(among("Month", &["May".into(), "it's".into()]).unwrap(), "Month in ('May', \"it's\")");
        assert_eq!(among("x", &["both ' and \"".into()]), None);
        assert_eq!(among("x", &[]), None);
    }

    #[test]
    fn faults_say_where() {
        for text in ["", "Visitor", "Visitor =", "Visitor = 'x", "(Visitor = 'New'", "Visitor in 'New'", "= 3"] {
            assert!(Segment::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pile_of_brackets_is_refused_not_fatal() {
        for deep in [99usize, 101, 200_000] {
            let brackets = format!("{}x > 1{}", "(".repeat(deep), ")".repeat(deep));
            let negations = format!("{}x > 1", "not ".repeat(deep));
            assert_eq!(Segment::parse(&brackets).is_ok(), deep < 100);
            assert_eq!(Segment::parse(&negations).is_ok(), deep < 100);
        }
    }
}
