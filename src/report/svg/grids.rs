//! Pictures of cells: attention maps, rows by features, two features against each other, piles and densities of all rows;
//! and rows as ways to their outputs.

use std::fmt::Write as _;

use super::text::{LINE, Rows, escape, label, more, width, wrap};
use super::{ACCENT, DOWN, INK, NAMES, RULE, UP, WEAK, open, ramp};

/// Width of a letter, and most letters of a name beside a map before it gets a note below.
const LETTER: f64 = 7.4;
const BESIDE: usize = 48;

/// A square of weights with its tokens on both axes; brighter is more.
pub fn heatmap(title: &str, tokens: &[String], weights: &[f32]) -> String {
    let n = tokens.len();
    if n == 0 || weights.len() != n * n {
        return String::new();
    }
    let cell = (420.0 / n as f64).clamp(4.0, 26.0);
    // Names are as long as they are; those that would leave no room for the map are numbered, and stand below.
    let named = cell >= 9.0;
    let short = |(i, name): (usize, &String)| if width(name) <= BESIDE { name.clone() } else { format!("({})", i + 1) };
    let short: Vec<String> = tokens.iter().enumerate().map(short).collect();
    let longest = short.iter().map(|s| width(s)).max().unwrap_or(0) as f64;
    let left = if named { (longest * LETTER + 14.0).max(60.0) } else { 10.0 };
    let top = if named { left - 6.0 } else { 10.0 };
    let most = weights.iter().copied().fold(0.0f32, f32::max).max(f32::MIN_POSITIVE);
    let (wide, foot) = ((left + cell * n as f64 + 10.0).max(560.0), top + cell * n as f64 + 6.0);
    let letters = (wide / LETTER) as usize - 2;
    let notes: Vec<String> =
        tokens.iter().zip(&short).filter(|(name, short)| named && name != short).map(|(name, short)| format!("{short} {name}")).collect();
    let tall: f64 = notes.iter().map(|n| LINE + more(n, letters)).sum();
    let mut out = open(wide, foot + tall + if notes.is_empty() { 0.0 } else { 12.0 }, title);
    for (q, name) in tokens.iter().enumerate() {
        let at = (q as f64 + 0.5) * cell;
        if named {
            let whole = BESIDE + 8;
            out.push_str(&label(left - 6.0, top + at + 4.0, "end", &short[q], whole, INK));
            let _ = write!(
                out,
                "<g transform=\"rotate(-90 {0:.1} {1:.1})\">{2}</g>",
                left + at + 4.0,
                top - 6.0,
                label(left + at + 4.0, top - 6.0, "start", &short[q], whole, INK)
            );
        }
        for k in 0..n {
            let v = weights[q * n + k];
            let _ = write!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{cell:.1}\" height=\"{cell:.1}\" fill=\"{}\"><title>{} → {}: {v:.4}</title></rect>",
                left + k as f64 * cell,
                top + q as f64 * cell,
                ramp(f64::from(v / most)),
                escape(name),
                escape(&tokens[k])
            );
        }
    }
    let mut at = foot + 14.0;
    for note in &notes {
        out.push_str(&label(4.0, at, "start", note, letters, WEAK));
        at += LINE + more(note, letters);
    }
    out + "</svg>"
}

/// From white to one of the pair, by sign and size (−1 to 1); grey for what is no number.
fn diverging(t: f64) -> String {
    if t.is_nan() {
        return "#b8bec5".to_owned();
    }
    let end = if t < 0.0 { (31, 111, 178) } else { (196, 87, 11) };
    let mix = |to: i32| (255.0 + f64::from(to - 255) * t.abs().min(1.0)).round() as i32;
    format!("#{:02x}{:02x}{:02x}", mix(end.0), mix(end.1), mix(end.2))
}

/// A cell of a signed number, at x and y, so wide and high. What is below 0 is striped, so that its sign is seen without colour.
fn signed(out: &mut String, share: f64, (at, y): (f64, f64), (wide, high): (f64, f64)) {
    let fill = diverging(share);
    let _ = write!(out, "<rect x=\"{at:.2}\" y=\"{y:.0}\" width=\"{wide:.2}\" height=\"{high:.0}\" fill=\"{fill}\"/>");
    if share < -0.04 {
        let _ = write!(
            out,
            "<path d=\"M{at:.2} {:.0}h{wide:.2}m0 {:.0}h-{wide:.2}\" stroke=\"#fff\" stroke-opacity=\".6\" stroke-width=\"3\"/>",
            y + high / 4.0,
            high / 2.0
        );
    }
}

/// Signed numbers as colours, line after line; neighbours along a line are averaged where they are too many to draw.
pub fn matrix(title: &str, lines: &[String], across: usize, values: &[f64], most: f64) -> String {
    let (left, plot) = (230.0, 460.0);
    let width = across.clamp(1, 240);
    let (step, most) = (plot / width as f64, if most > 0.0 { most } else { 1.0 });
    let rows = Rows::of(lines.iter().map(String::as_str), NAMES, (0.0, 20.0));
    let mut out = open(700.0, rows.end() + 4.0, title);
    for l in 0..lines.len() {
        out.push_str(&rows.name(l, left - 8.0, INK));
        for x in 0..width {
            let (from, to) = (x * across / width, ((x + 1) * across / width).max(x * across / width + 1));
            let cells = values.get(l * across + from..(l * across + to).min(values.len())).unwrap_or_default();
            let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
            signed(&mut out, mean / most, (left + x as f64 * step, rows.tops[l]), (step, rows.high(l)));
        }
    }
    out + "</svg>"
}

/// Two features against each other: places of the one across, of the other downwards, and both their names; grey where no
/// data are (`weight` 0). Names of places are left out where they would stand in each other, never the first and last.
pub fn map(title: &str, m: &crate::explain::crowd::Matrix, (across, down): (&str, &str), show: impl Fn(f64) -> String) -> String {
    let (left, plot) = (170.0, 520.0);
    let (step, most) = (plot / m.across.max(1) as f64, if m.most > 0.0 { m.most } else { 1.0 });
    let top = LINE + more(down, 80) + 8.0;
    let rows = Rows::of(m.lines.iter().map(String::as_str), 21, (top, 20.0));
    let every = ((m.places.iter().map(|p| width(p).min(12)).max().unwrap_or(0) as f64 + 1.0) * LETTER / step).ceil().max(1.0) as usize;
    let letters = (step * every as f64 / LETTER).max(2.0) as usize;
    let last = m.places.len().saturating_sub(1);
    let shown = |i: usize| i == last || (i.is_multiple_of(every) && i + every <= last.max(every));
    let places: Vec<(usize, &String)> = m.places.iter().enumerate().filter(|(i, _)| *i == 0 || shown(*i)).collect();
    let tall = places.iter().map(|(_, p)| more(p, letters)).fold(0.0, f64::max);
    let end = rows.end() + LINE + tall + 2.0;
    let foot = end + LINE + 4.0 + more(across, 80);
    let mut out = open(700.0, foot + 26.0, title);
    out.push_str(&label(4.0, 12.0, "start", down, 80, WEAK));
    for l in 0..m.lines.len() {
        out.push_str(&rows.name(l, left - 8.0, INK));
        for x in 0..m.across {
            let at = l * m.across + x;
            let none = m.weight.get(at).is_some_and(|w| *w <= 0.0);
            let share = if none { f64::NAN } else { m.values.get(at).map_or(f64::NAN, |v| v / most) };
            signed(&mut out, share, (left + x as f64 * step, rows.tops[l]), (step, rows.high(l)));
        }
    }
    for (i, place) in places {
        let anchor = if step >= 40.0 || (i > 0 && i < last) {
            "middle"
        } else if i == 0 {
            "start"
        } else {
            "end"
        };
        let x = match anchor {
            "start" => left,
            "end" => left + plot,
            _ => left + (i as f64 + 0.5) * step,
        };
        out.push_str(&label(x, rows.end() + LINE, anchor, place, letters, INK));
    }
    out.push_str(&label(left + plot / 2.0, end + LINE, "middle", across, 80, WEAK));
    // What the colours mean, from the lowest to the highest.
    for k in 0..11 {
        signed(&mut out, f64::from(k - 5) / 5.0, (left + 100.0 + 20.0 * f64::from(k), foot + 8.0), (20.0, 12.0));
    }
    out.push_str(&label(left + 92.0, foot + 18.0, "end", &show(-m.most), 14, WEAK));
    out.push_str(&label(left + 328.0, foot + 18.0, "start", &show(m.most), 14, WEAK));
    out + "</svg>"
}

/// Rows as ways from the base value, step after step from the foot up, to their outputs. Where they part, a feature decides.
pub fn paths(title: &str, p: &crate::explain::crowd::Paths, show: impl Fn(f64) -> String) -> String {
    let all = || p.lines.iter().flat_map(|l| l.1.iter().copied()).chain([p.base]).filter(|v| v.is_finite());
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if p.lines.is_empty() || p.steps.is_empty() || low > high {
        return String::new();
    }
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot) = (230.0, 440.0);
    let x = |v: f64| left + (v - low) / span * plot;
    // Downwards on the page: the last step first.
    let rows = Rows::of(p.steps.iter().rev().map(String::as_str), NAMES, (4.0, 24.0));
    let n = p.steps.len();
    let y = |k: usize| rows.tops[n - k];
    let mut out = open(700.0, rows.end() + 20.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 4V{1:.1}\" stroke=\"{RULE}\"/>", x(p.base), rows.end());
    for i in 0..n {
        out.push_str(&rows.name(i, left - 8.0, INK));
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", rows.tops[i], left + plot);
    }
    for (_, line) in &p.lines {
        let end = line.last().copied().unwrap_or(p.base);
        let colour = if end >= p.base { UP } else { DOWN };
        let places: Vec<String> =
            line.iter().take(n + 1).enumerate().filter(|(_, v)| v.is_finite()).map(|(k, v)| format!("{:.1},{:.1}", x(*v), y(k))).collect();
        let dash = if end >= p.base { "" } else { " stroke-dasharray=\"5 2\"" };
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"0.9\" stroke-opacity=\"0.55\"{dash}/>",
            places.join(" ")
        );
    }
    let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{ACCENT}\"/>", x(p.base), rows.end());
    // The base stands where it is, unless an end of the axis stands there.
    let apart = |v: f64| (x(v) - x(p.base)).abs() > 60.0;
    for v in [low, p.base, high].into_iter().filter(|v| *v == p.base || apart(*v)) {
        out.push_str(&label(x(v), rows.end() + 16.0, "middle", &show(v), 14, WEAK));
    }
    out + "</svg>"
}

/// A line of piles: its name, and per pile its place, how high it is (0–1) and where its values stand (0–1, NaN missing).
pub type Piles<'a> = (&'a str, Vec<(usize, f64, f64)>);

/// Piles of many rows per feature along one axis of effects, whose `ends` are those of all places together.
pub fn piles(title: &str, lines: &[Piles<'_>], across: usize, ends: (f64, f64), show: impl Fn(f64) -> String) -> String {
    let (left, plot, row) = (230.0, 440.0, 30.0);
    let step = plot / across.max(1) as f64;
    let x = |v: f64| left + (v - ends.0) / (ends.1 - ends.0).max(f64::MIN_POSITIVE) * plot;
    let rows = Rows::of(lines.iter().map(|l| l.0), NAMES, (0.0, row));
    let height = rows.end();
    let mut out = open(700.0, height + 20.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (_, piles)) in lines.iter().enumerate() {
        let middle = rows.middle(i);
        out.push_str(&rows.name(i, left - 8.0, INK));
        for (at, high, rank) in piles {
            let (colour, half) = (if rank.is_nan() { "#b8bec5".to_owned() } else { ramp(*rank) }, (high * row * 0.45).max(0.8));
            let (from, wide, tall) = (left + *at as f64 * step, step.max(0.5), 2.0 * half);
            let _ = write!(
                out,
                "<rect x=\"{from:.2}\" y=\"{:.1}\" width=\"{wide:.2}\" height=\"{tall:.1}\" fill=\"{colour}\"/>",
                middle - half
            );
        }
    }
    for v in [ends.0, 0.0, ends.1].into_iter().filter(|v| (ends.0..=ends.1).contains(v)) {
        out.push_str(&label(x(v), height + 14.0, "middle", &show(v), 14, WEAK));
    }
    out + "</svg>"
}

/// Columns of values by bins of effects; cells are column, bin from the lowest up, and brightness 0–1. `words` are the name
/// of the values and how an effect is written.
pub fn density(
    title: &str,
    columns: &[String],
    bins: usize,
    cells: &[(usize, usize, f64)],
    ends: (f64, f64),
    words: (&str, &dyn Fn(f64) -> String),
) -> String {
    let (left, top, plot, tall) = (90.0, 8.0, 590.0, 260.0);
    let (wide, high) = (plot / columns.len().max(1) as f64, tall / bins.max(1) as f64);
    let y = |v: f64| top + tall - (v - ends.0) / (ends.1 - ends.0).max(f64::MIN_POSITIVE) * tall;
    // Levels are all named; of the many columns of a number, as many as there is room for.
    let every = if columns.len() <= 20 { 1 } else { (64.0 / wide).ceil().max(1.0) as usize };
    let letters = ((wide * every as f64 / LETTER) as usize).max(4);
    let named = || columns.iter().enumerate().step_by(every);
    let names = named().map(|(_, name)| wrap(name, letters).len()).max().unwrap_or(1) as f64 * LINE;
    let mut out = open(700.0, top + tall + names + 24.0 + more(words.0, 76), title);
    for (column, bin, bright) in cells {
        let (x, y) = (left + *column as f64 * wide, top + tall - (*bin + 1) as f64 * high);
        let _ = write!(out, "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{wide:.2}\" height=\"{high:.2}\" fill=\"{}\"/>", ramp(1.0 - bright));
    }
    for v in [ends.0, 0.0, ends.1].into_iter().filter(|v| (ends.0..=ends.1).contains(v)) {
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", y(v), left + plot);
        out.push_str(&label(left - 6.0, y(v) + 4.0, "end", &(words.1)(v), 14, WEAK));
    }
    for (i, name) in named() {
        out.push_str(&label(left + (i as f64 + 0.5) * wide, top + tall + 16.0, "middle", name, letters, WEAK));
    }
    out.push_str(&label(left + plot / 2.0, top + tall + 20.0 + names, "middle", words.0, 76, WEAK));
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::crowd::{Matrix, Paths};

    /// What is written in a picture, without tooltips, its lines joined.
    fn read(svg: &str) -> String {
        let mut out = String::new();
        let mut rest = svg;
        while let Some(at) = rest.find('<') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = if rest.starts_with("<title>") { rest.find("</title>").unwrap() + 8 } else { rest.find('>').unwrap() + 1 };
            rest = &rest[end..];
        }
        out
    }

    #[test]
    fn no_long_name_is_lost_on_paper() {
        // Letters without a place to break, and without spaces that a line could swallow.
        let names: Vec<String> = (0..3).map(|i| format!("{}{i}", "Kampagnenkostenträger_je_Sitzung".repeat(4))).collect();
        let show = |v: f64| format!("{v}");
        let m = Matrix { lines: names.clone(), places: names.clone(), across: 3, values: vec![0.5; 9], weight: vec![1.0; 9], most: 1.0 };
        let p = Paths { steps: names.clone(), lines: vec![(0, vec![0.0, 1.0, 2.0, 3.0])], base: 0.0, others: 0 };
        let mark = |n: &String| (n.clone(), vec![(1.0, 0.5, 1.5)]);
        let bars: Vec<_> = names.iter().map(|n| (n.clone(), 1.0, None)).collect();
        let steps: Vec<_> = names.iter().map(|n| (n.clone(), "7".to_owned(), 0.1)).collect();
        let points = vec![(0.0, 1.0), (1.0, 2.0)];
        let pictures = [
            super::super::bars("t", &bars, show),
            super::super::dots("t", &names.iter().map(mark).collect::<Vec<_>>(), &names, show),
            super::super::beeswarm("t", &names.iter().map(|n| (n.clone(), vec![(1.0, 0.5, 0.0)])).collect::<Vec<_>>(), show),
            super::super::waterfall("t", ("base", 0.0), &steps, ("end", 0.3), show, show),
            matrix("t", &names, 3, &[0.5; 9], 1.0),
            map("t", &m, (&names[0], &names[1]), show),
            paths("t", &p, show),
            piles("t", &names.iter().map(|n| (n.as_str(), vec![(0, 1.0, 0.5)])).collect::<Vec<_>>(), 3, (0.0, 1.0), show),
            density("t", &names, 2, &[(0, 0, 1.0)], (0.0, 1.0), (&names[0], &show)),
            heatmap("t", &names, &[0.1; 9]),
        ];
        for (k, picture) in pictures.iter().enumerate() {
            let read = read(picture);
            for name in &names {
                assert!(read.contains(name), "picture {k}: {name}\n{read}");
            }
            inside(picture);
        }
        let series: Vec<(&str, Vec<(f64, f64)>)> = names.iter().map(|n| (n.as_str(), points.clone())).collect();
        for picture in [
            super::super::lines("t", &series, (&names[0], &names[1]), false),
            super::super::fan("t", std::slice::from_ref(&points), &points, None, (&names[0], &names[1]), &names[..2]),
            super::super::scatter("t", &[(0.0, 1.0, None), (1.0, 2.0, None)], (&names[0], &names[1]), show),
        ] {
            assert!(read(&picture).contains(&names[0]) && read(&picture).contains(&names[1]), "{picture}");
            inside(&picture);
        }
    }

    /// Every line that is not turned stands within the picture's height.
    fn inside(picture: &str) {
        let head = &picture[picture.find("viewBox=\"0 0 ").unwrap() + 13..];
        let high: f64 = head[..head.find('"').unwrap()].split(' ').nth(1).unwrap().parse().unwrap();
        let flat = picture.split("<g transform").map(|g| g.find("</g>").map_or(g, |e| &g[e..])).collect::<String>();
        for text in flat.split("<text ").skip(1).flat_map(|t| t.split(" y=\"").skip(1)) {
            let y: f64 = text[..text.find('"').unwrap()].parse().unwrap_or(0.0);
            assert!(y <= high + 0.5, "{y} of {high}");
        }
    }

    #[test]
    fn ways_begin_at_the_base_and_end_above() {
        let p = Paths { steps: vec!["low".into(), "high".into()], lines: vec![(3, vec![0.5, 0.7, 0.1])], base: 0.5, others: 0 };
        let s = paths("t", &p, |v| format!("{v:.2}"));
        let points = &s[s.find("points=\"").unwrap() + 8..];
        let points: Vec<(f64, f64)> = points[..points.find('"').unwrap()]
            .split(' ')
            .map(|p| p.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
            .collect();
        assert_eq!(points.len(), 3);
        assert!(points[0].1 > points[1].1 && points[1].1 > points[2].1, "from the foot up");
        assert!(points[1].0 > points[0].0 && points[2].0 < points[0].0 && s.contains(DOWN) && s.contains("stroke-dasharray"), "{s}");
        // The step that is named at the top is the last one.
        assert!(s.find(">high<").unwrap() < s.find(">low<").unwrap());
        assert_eq!(paths("t", &Paths::default(), |v| v.to_string()), "");
    }

    #[test]
    fn a_map_is_grey_where_no_data_are() {
        let m = Matrix {
            lines: vec!["hi".into(), "lo".into()],
            places: vec!["a".into(), "b".into()],
            across: 2,
            values: vec![1.0, -1.0, 9.0, 0.0],
            weight: vec![0.4, 0.3, 0.0, 0.3],
            most: 1.0,
        };
        let s = map("t", &m, ("x", "y"), |v| format!("{v:+}"));
        assert_eq!(s.matches("#b8bec5").count(), 1, "the place without rows, whatever was computed there");
        assert!(s.contains(">+1<") && s.contains(">-1<"));
    }
}
