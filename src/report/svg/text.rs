//! Names in pictures: nothing can be hovered on paper, so a long name is wrapped and its row grows; none is cut.

use std::fmt::Write as _;

/// Text that cannot be markup.
pub fn escape(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// How high a line of a name is.
pub(in crate::report) const LINE: f64 = 14.0;

/// How many Latin letters wide a character is: Chinese ones are two, and so are the widest of ours, so that a name fits in
/// whatever font the page has.
fn wide(c: char) -> usize {
    let broad = matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{ffef}');
    if broad || "MWmw@%".contains(c) { 2 } else { 1 }
}

/// The same of a text.
pub(in crate::report) fn width(text: &str) -> usize {
    text.chars().map(wide).sum()
}

/// The text in lines of at most `most` Latin letters: broken behind spaces and signs where it can be, else anywhere.
pub(in crate::report) fn wrap(text: &str, most: usize) -> Vec<String> {
    let most = most.max(2);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    // Where the line may end: bytes of it up to behind a space or a sign.
    let mut end = None;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        // A space that is too much ends the line instead of beginning the next.
        while used > 0 && used + wide(c) > most && !c.is_whitespace() {
            let rest = end.filter(|e| *e < line.len()).map_or_else(String::new, |e| line.split_off(e));
            lines.push(std::mem::replace(&mut line, rest));
            (used, end) = (width(&line), None);
        }
        line.push(c);
        used += wide(c);
        // A number is no place to break.
        let number = ".,-".contains(c) && letters.peek().is_some_and(char::is_ascii_digit);
        if c.is_whitespace() || ("_-/,.;:=|&)，、；：）".contains(c) && !number) || (wide(c) == 2 && !c.is_ascii()) {
            end = Some(line.len());
        }
    }
    lines.push(line);
    let mut lines: Vec<String> = lines.iter().map(|l| l.trim_end().to_owned()).filter(|l| !l.is_empty()).collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// How much lower a picture gets by a name of more than one line.
pub(in crate::report) fn more(text: &str, most: usize) -> f64 {
    LINE * (wrap(text, most).len() - 1) as f64
}

/// A label in lines of at most `most` letters, the first on the base line `y`, the whole of it as its tooltip.
pub(in crate::report) fn label(x: f64, y: f64, anchor: &str, text: &str, most: usize, colour: &str) -> String {
    lines(x, y, anchor, &wrap(text, most), text, colour)
}

fn lines(x: f64, y: f64, anchor: &str, lines: &[String], whole: &str, colour: &str) -> String {
    let mut out = format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\"><title>{}</title>", escape(whole));
    match lines {
        [one] => out.push_str(&escape(one)),
        several => {
            for (i, line) in several.iter().enumerate() {
                let _ = write!(out, "<tspan x=\"{x:.1}\" y=\"{:.1}\">{}</tspan>", y + LINE * i as f64, escape(line));
            }
        }
    }
    out + "</text>"
}

/// Rows of a picture with their names: each as high as its name needs.
pub(in crate::report) struct Rows<'a> {
    names: Vec<(&'a str, Vec<String>)>,
    /// Where each row begins, and behind them where the last one ends.
    pub tops: Vec<f64>,
}

impl<'a> Rows<'a> {
    /// Rows from `top` on, at least `row` high, with names of at most `most` letters a line.
    pub fn of(names: impl IntoIterator<Item = &'a str>, most: usize, (top, row): (f64, f64)) -> Self {
        let names: Vec<(&str, Vec<String>)> = names.into_iter().map(|n| (n, wrap(n, most))).collect();
        let mut tops = vec![top];
        for (_, lines) in &names {
            tops.push(tops[tops.len() - 1] + row.max(LINE * lines.len() as f64 + 6.0));
        }
        Self { names, tops }
    }
    /// Where the last row ends.
    pub fn end(&self) -> f64 {
        self.tops[self.names.len()]
    }
    /// How high a row is.
    pub fn high(&self, i: usize) -> f64 {
        self.tops[i + 1] - self.tops[i]
    }
    /// The middle of a row.
    pub fn middle(&self, i: usize) -> f64 {
        (self.tops[i] + self.tops[i + 1]) / 2.0
    }
    /// Its name, which ends at `x`.
    pub fn name(&self, i: usize, x: f64, colour: &str) -> String {
        let (whole, names) = &self.names[i];
        let first = self.middle(i) + 4.0 - LINE * (names.len() - 1) as f64 / 2.0;
        lines(x, first, "end", names, whole, colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    #[test]
    fn wrapping_keeps_every_letter_and_fits() {
        assert_eq!(wrap("short", 34), ["short"]);
        assert_eq!(wrap("ProductRelated_Duration of the visit", 24), ["ProductRelated_Duration", "of the visit"]);
        assert_eq!(wrap("很长的中文列名很长的", 8), ["很长的中", "文列名很", "长的"]);
        assert_eq!(wrap("Duration >= 612.75 and so on", 16), ["Duration >=", "612.75 and so on"]);
        assert_eq!(wrap("", 10), [""]);
        let mut rng = rng::rng(5, "wrap");
        for _ in 0..300 {
            let n = rng::below(&mut rng, 120);
            let text: String = (0..n).map(|_| ['a', 'B', ' ', '_', '名', 'ü', '=', '7'][rng::below(&mut rng, 8)]).collect();
            let most = 4 + rng::below(&mut rng, 40);
            let lines = wrap(&text, most);
            let bare = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(bare(&lines.concat()), bare(&text));
            assert!(lines.iter().all(|l| width(l) <= most), "{most} {lines:?}");
        }
    }

    #[test]
    fn a_row_is_as_high_as_its_name() {
        let long = "n".repeat(100);
        let rows = Rows::of(["a", &long, "b"], 34, (10.0, 22.0));
        assert_eq!((rows.tops.as_slice(), rows.end()), (&[10.0, 32.0, 80.0, 102.0][..], 102.0));
        let name = rows.name(1, 50.0, "#000");
        let said: String = name.split("<tspan").skip(1).map(|t| &t[t.find('>').unwrap() + 1..t.find('<').unwrap()]).collect();
        assert_eq!(said, long);
        assert!(!rows.name(0, 50.0, "#000").contains("tspan"));
        // All lines of a name lie inside its row.
        for y in name.split(" y=\"").skip(2).map(|t| t[..t.find('"').unwrap()].parse::<f64>().unwrap()) {
            assert!(y - 10.0 > rows.tops[1] && y < rows.tops[2], "{y}");
        }
    }
}
