//! Pictures of studies as SVG: the same plain numbers that the window paints.

use std::fmt::Write as _;

use super::svg::{ACCENT, INK, LINE, RULE, Rows, UP, WEAK, escape, label, more, open, ramp, width, wrap};
use crate::strategy::words::chart::{Chart, Curve, Dots, Grid, Lines, Part};

/// A picture as SVG; empty where there is nothing to draw.
pub fn svg(title: &str, chart: &Chart) -> String {
    if chart.is_empty() {
        return String::new();
    }
    match chart {
        Chart::Lines(l) => lines(title, l),
        Chart::Grid(g) => grid(title, g),
        Chart::Dots(d) => dots(title, d),
    }
}

/// Round values between two ends, four to seven of them.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).take(8).map(|i| i as f64 * step).collect()
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (a, b) = values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    match (a < b, a.is_finite()) {
        (true, _) => (a, b),
        (false, true) => (a - 0.5, a + 0.5),
        _ => (0.0, 1.0),
    }
}

/// Colours of what is compared side by side: those of the window in its light theme, apart for every eye.
pub(crate) const SERIES: [&str; 8] = ["#0b6b63", "#e27706", "#100076", "#a101f2", "#6d2608", "#9987cc", "#b88158", "#24010b"];

/// Colour of the k-th curve; what is compared side by side gets one each.
fn colour(l: &Lines, k: usize) -> &'static str {
    match l.curves[k].part {
        Part::Main => SERIES[l.curves[..k].iter().filter(|c| c.part == Part::Main).count() % SERIES.len()],
        Part::Other => WEAK,
        Part::Reference => INK,
    }
}

fn lines(title: &str, l: &Lines) -> String {
    let all = || l.curves.iter().flat_map(|c| &c.points);
    let xs = span(all().map(|p| p.x));
    let drawn = l.curves.iter().flat_map(|c| c.points.iter().map(move |p| (c.part, p)));
    let ys = span(
        drawn
            .flat_map(|(part, p)| [p.value].into_iter().chain(p.band.filter(|_| part == Part::Main).into_iter().flat_map(|b| [b.0, b.1])))
            .chain([0.0]),
    );
    let (left, top, w, h) = (80.0, 22.0 + more(&l.y_name, 80), 576.0, 220.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v.clamp(ys.0, ys.1) - ys.0) / (ys.1 - ys.0) * h;
    let named: Vec<(usize, &Curve)> = l.curves.iter().enumerate().filter(|(_, c)| c.part != Part::Other && !c.name.is_empty()).collect();
    let below = more(&l.x_name, 80);
    let legend: f64 = named.iter().map(|(_, c)| 16.0 + more(&c.name, 78)).sum();
    let mut out = open(700.0, top + h + 42.0 + below + legend, title);
    for v in ticks(ys.0, ys.1) {
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", y(v), left + w);
        out.push_str(&label(left - 6.0, y(v) + 4.0, "end", &l.y.of(v), 12, WEAK));
    }
    for v in ticks(xs.0, xs.1) {
        out.push_str(&label(x(v), top + h + 16.0, "middle", &l.x.of(v), 12, WEAK));
    }
    out.push_str(&label(left, 12.0, "start", &l.y_name, 80, WEAK));
    out.push_str(&label(left + w / 2.0, top + h + 34.0, "middle", &l.x_name, 80, WEAK));
    let path = |c: &Curve, of: &dyn Fn(&crate::strategy::words::chart::Point) -> f64| -> Vec<String> {
        let mut places = Vec::new();
        for p in &c.points {
            if let (true, Some((_, before))) = (l.steps, places.last().copied()) {
                places.push((x(p.x), before));
            }
            places.push((x(p.x), y(of(p))));
        }
        places.iter().map(|(a, b)| format!("{a:.1},{b:.1}")).collect()
    };
    for (k, c) in l.curves.iter().enumerate().filter(|(_, c)| c.part == Part::Main && c.points.iter().any(|p| p.band.is_some())) {
        let mut edge = path(c, &|p| p.band.map_or(p.value, |b| b.0));
        edge.extend(path(c, &|p| p.band.map_or(p.value, |b| b.1)).into_iter().rev());
        let _ = write!(out, "<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"0.12\"/>", edge.join(" "), colour(l, k));
    }
    for (k, c) in l.curves.iter().enumerate() {
        let look = match c.part {
            Part::Main => format!("stroke=\"{}\" stroke-width=\"2\"", colour(l, k)),
            Part::Other => format!("stroke=\"{WEAK}\" stroke-width=\"0.8\" stroke-opacity=\"0.5\""),
            Part::Reference => format!("stroke=\"{INK}\" stroke-width=\"1.5\" stroke-dasharray=\"6 3\""),
        };
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" {look}><title>{}</title></polyline>",
            path(c, &|p| p.value).join(" "),
            escape(&c.name)
        );
    }
    let mut at = top + h + 52.0 + below;
    for (k, c) in &named {
        let colour = colour(l, *k);
        let dash = if c.part == Part::Main { "" } else { " stroke-dasharray=\"6 3\"" };
        let _ = write!(out, "<path d=\"M{left} {0:.1}h24\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", at - 4.0);
        out.push_str(&label(left + 32.0, at, "start", &c.name, 78, INK));
        at += 16.0 + more(&c.name, 78);
    }
    out + "</svg>"
}

fn grid(title: &str, g: &Grid) -> String {
    let (left, plot, row) = (170.0, 520.0, 36.0);
    let step = plot / g.columns.len().max(1) as f64;
    // Names above are wrapped; where even their longest word does not fit, they stand upright.
    let letters = (step / 7.4) as usize;
    let upright = letters < 6 && g.columns.iter().any(|c| width(c) > letters);
    let heads = g.columns.iter().map(|c| if upright { width(c) as f64 * 6.6 } else { LINE * wrap(c, letters).len() as f64 });
    let top = 6.0 + heads.fold(LINE * wrap(&g.row_name, 21).len() as f64, f64::max);
    let rows = Rows::of(g.rows.iter().map(String::as_str), 21, (top, row));
    let mut out = open(700.0, rows.end() + 24.0 + more(&g.column_name, 80), title);
    out.push_str(&label(left - 8.0, 12.0, "end", &g.row_name, 21, WEAK));
    out.push_str(&label(left + plot / 2.0, rows.end() + 18.0, "middle", &g.column_name, 80, WEAK));
    for (k, name) in g.columns.iter().enumerate() {
        let at = left + (k as f64 + 0.5) * step;
        if upright {
            let (x, y) = (at + 4.0, top - 4.0);
            let _ = write!(out, "<g transform=\"rotate(-90 {x:.1} {y:.1})\">{}</g>", label(x, y, "start", name, width(name) + 2, INK));
        } else {
            out.push_str(&label(at, 12.0, "middle", name, letters, INK));
        }
    }
    for r in 0..g.rows.len() {
        let (y, row) = (rows.tops[r], rows.high(r));
        out.push_str(&rows.name(r, left - 8.0, INK));
        for k in 0..g.columns.len() {
            let at = left + k as f64 * step;
            let Some(Some(cell)) = g.cells.get(r * g.columns.len() + k) else {
                let _ = write!(
                    out,
                    "<rect x=\"{at:.1}\" y=\"{y:.1}\" width=\"{step:.1}\" height=\"{row:.1}\" fill=\"none\" stroke=\"{RULE}\"/>"
                );
                continue;
            };
            // Dark is much, and what is written has to be read on it.
            let _ = write!(
                out,
                "<rect x=\"{at:.1}\" y=\"{y:.1}\" width=\"{step:.1}\" height=\"{row:.1}\" fill=\"{}\"><title>{}</title></rect>",
                ramp(1.0 - cell.level),
                escape(&cell.help)
            );
            let ink = if cell.level > 0.45 { "#ffffff" } else { INK };
            let first = y + if cell.lines.len() > 1 { 15.0 } else { 22.0 };
            // A figure that does not fit into its cell would stand in the next one, and cut it would be another figure.
            for (i, text) in cell.lines.iter().enumerate().filter(|(_, text)| width(text) as f64 * 6.5 <= step + 6.5) {
                out.push_str(&label(at + step / 2.0, first + 14.0 * i as f64, "middle", text, width(text), ink));
            }
        }
    }
    out + "</svg>"
}

fn dots(title: &str, d: &Dots) -> String {
    let series = d.series.len().max(1);
    let (lo, hi) = span(d.rows.iter().flat_map(|r| r.1.iter().flat_map(|m| [m.0, m.1, m.2])).chain([0.0]));
    let (left, plot, row) = (230.0, 370.0, (14.0 * series as f64 + 6.0).max(22.0));
    let x = |v: f64| left + (v - lo) / (hi - lo) * plot;
    let named = Rows::of(d.rows.iter().map(|r| r.0.as_str()), 28, (0.0, row));
    let (height, below) = (named.end(), more(&d.axis, 60));
    let legend: f64 = if series > 1 { d.series.iter().map(|n| 16.0 + more(n, 58)).sum() } else { 0.0 };
    let mut out = open(700.0, height + 38.0 + below + legend, title);
    for v in ticks(lo, hi) {
        let _ = write!(out, "<path d=\"M{0:.1} 0V{height:.1}\" stroke=\"{RULE}\"/>", x(v));
        out.push_str(&label(x(v), height + 14.0, "middle", &d.show.of(v), 12, WEAK));
    }
    out.push_str(&label(left + plot / 2.0, height + 30.0, "middle", &d.axis, 60, WEAK));
    let mark = |k: usize, x: f64, y: f64| match k {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{ACCENT}\"/>"),
        1 => format!("<path d=\"M{x:.1} {:.1}l5 5l-5 5l-5 -5Z\" fill=\"{UP}\"/>", y - 5.0),
        _ => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{WEAK}\"/>", x - 4.0, y - 4.0),
    };
    for (i, (_, marks)) in d.rows.iter().enumerate() {
        let (top, row) = (named.tops[i], named.high(i));
        out.push_str(&named.name(i, left - 8.0, INK));
        for (k, m) in marks.iter().enumerate().filter(|(_, m)| m.0.is_finite()) {
            let y = top + row * (k as f64 + 0.5) / series as f64;
            if m.1.is_finite() && m.2.is_finite() {
                let _ = write!(
                    out,
                    "<path d=\"M{0:.1} {2:.1}H{1:.1}M{0:.1} {3:.1}v6M{1:.1} {3:.1}v6\" stroke=\"{INK}\"/>",
                    x(m.1),
                    x(m.2),
                    y,
                    y - 3.0
                );
            }
            out.push_str(&mark(k, x(m.0), y));
            if series == 1 {
                out.push_str(&label(692.0, y + 4.0, "end", &d.show.of(m.0), 14, INK));
            }
        }
    }
    let mut y = height + 46.0 + below;
    for (k, name) in d.series.iter().enumerate().filter(|_| series > 1) {
        out.push_str(&mark(k, left + 6.0, y - 4.0));
        out.push_str(&label(left + 18.0, y, "start", name, 58, INK));
        y += 16.0 + more(name, 58);
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::words::chart::{Cell, Point};

    #[test]
    fn what_is_drawn_stands_inside_the_picture() {
        let point = |x: f64, v: f64| Point { x, value: v, band: Some((v - 0.1, v + 0.1)) };
        let curve = |name: &str, part, v: f64| Curve { name: name.into(), part, points: vec![point(0.0, v), point(3.0, v + 0.2)] };
        let l = Lines { steps: true, curves: vec![curve("<all>", Part::Main, 0.3), curve("x", Part::Reference, 0.1)], ..Lines::default() };
        let out = svg("t", &Chart::Lines(l));
        assert!(out.contains("&lt;all&gt;") && out.contains("<polygon") && out.contains("stroke-dasharray"), "{out}");
        let places: Vec<f64> = out
            .split("points=\"")
            .skip(1)
            .flat_map(|s| s.split('"').next().unwrap().split([' ', ',']))
            .map(|v| v.parse().unwrap())
            .collect();
        assert!(places.iter().all(|v| (0.0..=700.0).contains(v)), "{places:?}");
        let cell = |level| Some(Cell { level, lines: vec!["12".into(), "3 %".into()], help: "a".into() });
        let g = Grid { rows: vec!["r".into()], columns: vec!["a".into(), "b".into()], cells: vec![cell(1.0), None], ..Grid::default() };
        let out = svg("t", &Chart::Grid(g));
        assert!(out.contains("#ffffff") && out.matches("<rect").count() == 2 && out.contains("fill=\"none\""), "{out}");
        let rows = vec![("a".to_owned(), vec![(1.0, 0.5, 2.0), (f64::NAN, f64::NAN, f64::NAN)])];
        let out = svg("t", &Chart::Dots(Dots { series: vec!["p".into(), "q".into()], rows, ..Dots::default() }));
        assert!(!out.contains("NaN") && out.contains("<circle"), "{out}");
        assert_eq!(svg("t", &Chart::Dots(Dots::default())), "");
        // Long names are wrapped, never cut, and stand inside the picture.
        let long = "Kampagnenkostenträger_je_Sitzung".repeat(4);
        let rows = vec![(long.clone(), vec![(1.0, 0.5, 2.0), (1.5, 1.0, 2.0)])];
        let dots = svg("t", &Chart::Dots(Dots { series: vec![long.clone(), long.clone()], rows, axis: long.clone(), ..Dots::default() }));
        let columns = vec![long.clone(); 9];
        let cells = vec![cell(1.0); 9];
        let grid = svg("t", &Chart::Grid(Grid { rows: vec![long.clone()], columns, cells, ..Grid::default() }));
        for out in [dots, grid] {
            assert!(!out.contains('…') && out.matches("<tspan").count() >= 3, "{out}");
            let text: String = out.split("<tspan").skip(1).map(|t| &t[t.find('>').unwrap() + 1..t.find('<').unwrap()]).collect();
            assert!(text.contains(&long), "{text}");
        }
        assert!(ticks(0.0, 1.0).len() >= 4 && ticks(-3.0, 250.0).iter().all(|t| (-3.0..=250.0).contains(t)));
    }
}
