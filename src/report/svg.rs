//! Pictures as SVG strings: pure functions of plain numbers. Direction is readable without colour (arrows and signs), the
//! colours are a blue and orange pair that colour-blind readers tell apart.

mod grids;
mod text;

use std::fmt::Write as _;

pub use grids::{Piles, density, heatmap, map, matrix, paths, piles};
pub use text::escape;
pub(super) use text::{LINE, Rows, label, more, width, wrap};

/// Pushes up.
pub(super) const UP: &str = "#c4570b";
/// Pushes down.
pub(super) const DOWN: &str = "#1f6fb2";
/// Neither.
pub(super) const INK: &str = "#1d2733";
pub(super) const WEAK: &str = "#6b7785";
pub(super) const RULE: &str = "#d7dde3";
pub(super) const ACCENT: &str = "#0f766e";
/// What some rows do among all.
const MARK: &str = "#9a6300";

pub(super) fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" font-size=\"12\" xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title>",
        escape(title)
    )
}

/// A bar with a point at the end it pushes to.
fn arrow(x0: f64, x1: f64, y: f64, height: f64, colour: &str) -> String {
    let tip = (x1 - x0).abs().min(5.0) * (x1 - x0).signum();
    format!(
        "<path d=\"M{x0:.1} {y:.1}L{:.1} {y:.1}L{x1:.1} {:.1}L{:.1} {:.1}L{x0:.1} {:.1}Z\" fill=\"{colour}\"/>",
        x1 - tip,
        y + height / 2.0,
        x1 - tip,
        y + height,
        y + height
    )
}

/// From the base value to the prediction. `steps` are name, value as shown, and effect, largest first; `format` writes an effect.
pub fn waterfall(
    title: &str,
    base: (&str, f64),
    steps: &[(String, String, f64)],
    end: (&str, f64),
    show: impl Fn(f64) -> String,
    effect: impl Fn(f64) -> String,
) -> String {
    let mut marks = vec![base.1, end.1];
    let mut at = base.1;
    for s in steps {
        at += s.2;
        marks.push(at);
    }
    let low = marks.iter().copied().fold(f64::INFINITY, f64::min);
    let high = marks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot) = (270.0, 330.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let named = |s: &(String, String, f64)| if s.1.is_empty() { s.0.clone() } else { format!("{} = {}", s.0, s.1) };
    let names: Vec<String> =
        std::iter::once(base.0.to_owned()).chain(steps.iter().map(named)).chain(std::iter::once(end.0.to_owned())).collect();
    let rows = Rows::of(names.iter().map(String::as_str), 34, (0.0, 22.0));
    let mut out = open(700.0, rows.end() + 8.0, title);
    let line = |out: &mut String, i: usize, v: f64| {
        let middle = rows.middle(i);
        let _ = write!(out, "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{INK}\" stroke-width=\"3\"/>", x(v), middle - 7.0, middle + 9.0);
        out.push_str(&rows.name(i, left - 8.0, INK));
        out.push_str(&label(692.0, middle + 5.0, "end", &show(v), 20, INK));
    };
    line(&mut out, 0, base.1);
    let mut at = base.1;
    for (i, (.., phi)) in steps.iter().enumerate() {
        let middle = rows.middle(i + 1);
        out.push_str(&rows.name(i + 1, left - 8.0, INK));
        let joint = (rows.middle(i) + 7.0, middle - 6.0);
        let _ = write!(out, "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{RULE}\"/>", x(at), joint.0, joint.1);
        out.push_str(&arrow(x(at), x(at + phi), middle - 6.0, 13.0, if *phi >= 0.0 { UP } else { DOWN }));
        out.push_str(&label(692.0, middle + 5.0, "end", &effect(*phi), 20, WEAK));
        at += phi;
    }
    line(&mut out, steps.len() + 1, end.1);
    out + "</svg>"
}

/// Bars from zero with an optional interval; signed ones point.
pub fn bars(title: &str, rows: &[(String, f64, Option<(f64, f64)>)], show: impl Fn(f64) -> String) -> String {
    bars_tied(title, rows, &[], show)
}

/// The same; a bracket joins a bar with the one before it where the two are tied: their order is not certain.
pub fn bars_tied(title: &str, rows: &[(String, f64, Option<(f64, f64)>)], tied: &[bool], show: impl Fn(f64) -> String) -> String {
    bars_beside(title, rows, tied, &[], show)
}

/// The same; a diamond says what a bar is for some of its rows.
pub fn bars_beside(
    title: &str,
    rows: &[(String, f64, Option<(f64, f64)>)],
    tied: &[bool],
    diamonds: &[Option<f64>],
    show: impl Fn(f64) -> String,
) -> String {
    let ends = rows.iter().flat_map(|(_, v, i)| [*v, i.map_or(*v, |i| i.0), i.map_or(*v, |i| i.1)]);
    let ends = ends.chain(diamonds.iter().flatten().copied());
    let (low, high) = ends.fold((0.0f64, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot) = (230.0, 350.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let named = Rows::of(rows.iter().map(|r| r.0.as_str()), NAMES, (0.0, 22.0));
    let mut out = open(700.0, named.end() + 6.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{1:.1}\" stroke=\"{RULE}\"/>", x(0.0), named.end());
    for (i, (_, v, interval)) in rows.iter().enumerate() {
        let y = named.middle(i) - 11.0;
        out.push_str(&named.name(i, left - 8.0, INK));
        if i > 0 && tied.get(i) == Some(&true) {
            let (top, foot, x) = (named.middle(i - 1) + 3.0, y + 9.0, left - 5.0);
            let _ = write!(out, "<path class=\"tied\" d=\"M{x:.1} {top:.1}h3V{foot:.1}h-3\" fill=\"none\" stroke=\"{INK}\"/>");
        }
        let colour = if low >= 0.0 {
            ACCENT
        } else if *v >= 0.0 {
            UP
        } else {
            DOWN
        };
        out.push_str(&arrow(x(0.0), x(*v), y + 5.0, 13.0, colour));
        if let Some((a, b)) = interval {
            let _ = write!(
                out,
                "<path d=\"M{0:.1} {2:.1}H{1:.1}M{0:.1} {3:.1}v6M{1:.1} {3:.1}v6\" stroke=\"{INK}\"/>",
                x(*a),
                x(*b),
                y + 11.5,
                y + 8.5
            );
        }
        if let Some(d) = diamonds.get(i).copied().flatten() {
            let _ =
                write!(out, "<path class=\"brushed\" d=\"M{:.1} {:.1}l5 5l-5 5l-5 -5z\" fill=\"{MARK}\" stroke=\"#fff\"/>", x(d), y + 6.5);
        }
        out.push_str(&label(692.0, y + 16.0, "end", &show(*v), 20, INK));
    }
    out + "</svg>"
}

/// A value with both ends of its interval.
pub type Mark = (f64, f64, f64);

/// Estimates with their intervals, one line per name; series are told apart by shape as well as colour.
pub fn dots(title: &str, rows: &[(String, Vec<Mark>)], series: &[String], show: impl Fn(f64) -> String) -> String {
    let ends = rows.iter().flat_map(|(_, m)| m.iter().flat_map(|m| [m.0, m.1, m.2])).filter(|v| v.is_finite());
    let (low, high) = ends.fold((0.0f64, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot) = (230.0, 430.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let mark = |k: usize, at: f64, y: f64| match k % 5 {
        0 => format!("<circle cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{ACCENT}\"/>"),
        1 => format!("<path d=\"M{at:.1} {:.1}l5 5l-5 5l-5 -5z\" fill=\"{MARK}\"/>", y - 5.0),
        2 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{DOWN}\"/>", at - 4.0, y - 4.0),
        3 => format!("<path d=\"M{at:.1} {:.1}l5 9h-10z\" fill=\"{INK}\"/>", y - 5.0),
        _ => format!("<circle cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"#fff\" stroke=\"{UP}\" stroke-width=\"2\"/>"),
    };
    let mut head = 0.0;
    let mut key = String::new();
    for (k, name) in series.iter().enumerate() {
        key.push_str(&mark(k, 8.0, head + 9.0));
        key.push_str(&label(18.0, head + 13.0, "start", name, 90, INK));
        head += 18.0 + more(name, 90);
    }
    let named = Rows::of(rows.iter().map(|r| r.0.as_str()), NAMES, (head, 11.0 * series.len().max(1) as f64 + 11.0));
    let height = named.end();
    let mut out = open(700.0, height + 20.0, title) + &key;
    let _ = write!(out, "<path d=\"M{0:.1} {head:.1}V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (_, marks)) in rows.iter().enumerate() {
        out.push_str(&named.name(i, left - 8.0, INK));
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", named.tops[i], left + plot);
        for (k, m) in marks.iter().enumerate().filter(|(_, m)| m.0.is_finite()) {
            // Marks of one row stand together, apart from those of the next.
            let y = named.middle(i) + 11.0 * (k as f64 - (marks.len() as f64 - 1.0) / 2.0);
            if m.1.is_finite() && m.2.is_finite() {
                let _ = write!(out, "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"{WEAK}\"/>", x(m.1), x(m.2));
            }
            out.push_str(&mark(k, x(m.0), y));
        }
    }
    out.push_str(&figures([low, 0.0, high], x, height + 14.0, show));
    out + "</svg>"
}

/// Dots of many rows per feature; dark is a low value, bright a high one. Dots are value, rank 0–1 (NaN missing), offset −1–1.
pub fn beeswarm(title: &str, rows: &[(String, Vec<(f64, f64, f64)>)], show: impl Fn(f64) -> String) -> String {
    let all = rows.iter().flat_map(|(_, d)| d.iter().map(|d| d.0));
    let (low, high) = all.fold((0.0f64, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot, row) = (230.0, 440.0, 34.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let named = Rows::of(rows.iter().map(|r| r.0.as_str()), NAMES, (0.0, row));
    let height = named.end();
    let mut out = open(700.0, height + 20.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (_, dots)) in rows.iter().enumerate() {
        let middle = named.middle(i);
        out.push_str(&named.name(i, left - 8.0, INK));
        for (v, rank, offset) in dots {
            let colour = if rank.is_nan() { "#b8bec5".to_owned() } else { ramp(*rank) };
            let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.8\" fill=\"{colour}\"/>", x(*v), middle + offset * row * 0.42);
        }
    }
    out.push_str(&figures([low, 0.0, high], x, height + 14.0, show));
    out + "</svg>"
}

/// A sequential colour, dark blue over green to yellow, evenly perceived.
pub(super) fn ramp(t: f64) -> String {
    let stops = [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)];
    let t = t.clamp(0.0, 1.0) * 4.0;
    let (i, f) = ((t as usize).min(3), t - (t as usize).min(3) as f64);
    let mix = |a: i32, b: i32| (f64::from(a) + f64::from(b - a) * f).round() as i32;
    let (a, b) = (stops[i], stops[i + 1]);
    format!("#{:02x}{:02x}{:02x}", mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// Figures under an axis: its ends and the place that counts; an end that would stand in that one is left out.
fn figures([low, middle, high]: [f64; 3], x: impl Fn(f64) -> f64, y: f64, show: impl Fn(f64) -> String) -> String {
    let near = |v: f64| (x(v) - x(middle)).abs() < 3.5 * (width(&show(v)) + width(&show(middle))) as f64;
    let drawn = [low, middle, high].into_iter().enumerate().filter(|(i, v)| *i == 1 || !near(*v));
    drawn.map(|(_, v)| label(x(v), y, "middle", &show(v), 14, WEAK)).collect()
}

/// Letters of a line of a name beside a picture, and of one that stands upright.
const NAMES: usize = 28;
const UPRIGHT: usize = 26;

/// The name of an axis, upright at the left; each line more of it takes [`more`] to the right.
fn upright(middle: f64, name: &str, most: usize) -> String {
    format!("<g transform=\"rotate(-90 12 {middle})\">{}</g>", label(12.0, middle, "middle", name, most, WEAK))
}

/// One or more lines in a box; `axes` are the names of x and y.
pub fn lines(title: &str, series: &[(&str, Vec<(f64, f64)>)], axes: (&str, &str), diagonal: bool) -> String {
    let points = || series.iter().flat_map(|(_, p)| p.iter()).filter(|p| p.0.is_finite() && p.1.is_finite());
    let bound = |get: fn(&(f64, f64)) -> f64| {
        let (a, b) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(get(p)), b.max(get(p))));
        if a < b { (a, b) } else { (a.min(0.0), a.max(0.0) + 1.0) }
    };
    if points().next().is_none() {
        return String::new();
    }
    let (mut xs, mut ys) = (bound(|p| p.0), bound(|p| p.1));
    if diagonal {
        (xs, ys) = ((0.0, 1.0), (0.0, 1.0));
    }
    let (left, top, w, h) = (52.0 + more(axes.1, UPRIGHT), 8.0, 260.0, 180.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    // Names that fit stand in the picture, long ones below it.
    let below = series.len() > 1 && series.iter().any(|(name, _)| width(name) > 30);
    let foot = 236.0 + more(axes.0, 40);
    let legend: f64 = series.iter().filter(|_| below).map(|(name, _)| 16.0 + more(name, 38)).sum();
    let mut out = open(left + w + 18.0, foot + legend, title);
    let _ = write!(out, "<path d=\"M{left} {top}V{0}H{1}\" fill=\"none\" stroke=\"{RULE}\"/>", top + h, left + w);
    if diagonal {
        let _ = write!(out, "<path d=\"M{left} {0}L{1} {top}\" stroke=\"{WEAK}\" stroke-dasharray=\"3 4\"/>", top + h, left + w);
    }
    for (v, at) in [(xs.0, "start"), (xs.1, "end")] {
        out.push_str(&label(x(v), top + h + 15.0, at, &crate::base::numbers::plain(v), 10, WEAK));
    }
    for v in [ys.0, ys.1] {
        out.push_str(&label(left - 5.0, y(v) + 4.0, "end", &crate::base::numbers::plain(v), 8, WEAK));
    }
    out.push_str(&label(left + w / 2.0, top + h + 30.0, "middle", axes.0, 40, WEAK));
    out.push_str(&upright(top + h / 2.0, axes.1, UPRIGHT));
    // In the corner at the right where fewer lines are.
    let (up, down) =
        points().filter(|p| x(p.0) > left + w / 2.0).fold((0, 0), |(a, b), p| if y(p.1) < top + h / 2.0 { (a + 1, b) } else { (a, b + 1) });
    let mut named = if up > down && !below { h - 22.0 - 15.0 * (series.len() - 1) as f64 } else { 0.0 };
    for (k, (name, p)) in series.iter().enumerate() {
        let (colour, dash) = if k == 0 { (ACCENT, "") } else { (UP, " stroke-dasharray=\"6 3\"") };
        let path: Vec<String> =
            p.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
        let _ = write!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", path.join(" "));
        if series.len() > 1 {
            if below {
                let at = foot + named + 8.0;
                let _ = write!(out, "<path d=\"M4 {:.1}h18\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", at - 4.0);
                out.push_str(&label(28.0, at, "start", name, 38, colour));
                named += 16.0 + more(name, 38);
            } else {
                out.push_str(&label(left + w, top + 14.0 + named, "end", name, 30, colour));
                named += 15.0;
            }
        }
    }
    out + "</svg>"
}

/// Thin lines of single rows, the thick one of their mean, and one row that stands out. `levels` names the places 0, 1, 2 …
/// where these are no numbers.
pub fn fan(
    title: &str,
    all: &[Vec<(f64, f64)>],
    mean: &[(f64, f64)],
    own: Option<&[(f64, f64)]>,
    axes: (&str, &str),
    levels: &[String],
) -> String {
    let points = || all.iter().flatten().chain(mean).filter(|p| p.0.is_finite() && p.1.is_finite());
    if points().next().is_none() {
        return String::new();
    }
    let bound = |get: fn(&(f64, f64)) -> f64| {
        let (a, b) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(get(p)), b.max(get(p))));
        if a < b { (a, b) } else { (a - 0.5, a + 0.5) }
    };
    let (xs, ys) = (bound(|p| p.0), bound(|p| p.1));
    let (left, top, w, h) = (62.0 + more(axes.1, UPRIGHT), 8.0, 430.0, 220.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    let step = w / (levels.len().max(2) - 1) as f64;
    let letters = ((step / 7.4) as usize).max(3);
    let below = levels.iter().map(|l| more(l, letters)).fold(0.0, f64::max);
    let mut out = open(left + w + 18.0 + if levels.is_empty() { 0.0 } else { step / 2.0 }, 276.0 + below + more(axes.0, 40), title);
    let _ = write!(out, "<path d=\"M{left} {top}V{0}H{1}\" fill=\"none\" stroke=\"{RULE}\"/>", top + h, left + w);
    if levels.is_empty() {
        for (v, at) in [(xs.0, "start"), (xs.1, "end")] {
            out.push_str(&label(x(v), top + h + 15.0, at, &crate::base::numbers::plain(v), 10, WEAK));
        }
    }
    for (k, level) in levels.iter().enumerate() {
        out.push_str(&label(x(k as f64), top + h + 15.0, "middle", level, letters, WEAK));
    }
    for v in [ys.0, ys.1] {
        out.push_str(&label(left - 5.0, y(v) + 4.0, "end", &crate::base::numbers::plain(v), 8, WEAK));
    }
    out.push_str(&label(left + w / 2.0, top + h + 30.0 + below, "middle", axes.0, 40, WEAK));
    out.push_str(&upright(top + h / 2.0, axes.1, UPRIGHT));
    let mut line = |p: &[(f64, f64)], colour: &str, width: f64, opacity: f64| {
        let path: Vec<String> =
            p.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" opacity=\"{opacity}\"/>",
            path.join(" ")
        );
    };
    all.iter().for_each(|p| line(p, WEAK, 0.8, 0.45));
    line(mean, ACCENT, 2.5, 1.0);
    if let Some(own) = own {
        line(own, UP, 2.0, 1.0);
    }
    out + "</svg>"
}

/// Predicted against observed share: bins are predicted, observed, and the ends of the interval of the observed share.
pub fn calibration(title: &str, bins: &[(f64, f64, f64, f64)], axes: (&str, &str)) -> String {
    let mut out = lines(title, &[(title, bins.iter().map(|b| (b.0, b.1)).collect())], axes, true);
    if out.is_empty() {
        return out;
    }
    out.truncate(out.len() - "</svg>".len());
    let left = 52.0 + more(axes.1, UPRIGHT);
    let (x, y) = (|v: f64| left + v * 260.0, |v: f64| 188.0 - v * 180.0);
    for (p, o, low, high) in bins.iter().filter(|b| [b.0, b.1, b.2, b.3].iter().all(|v| v.is_finite())) {
        let _ = write!(out, "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{ACCENT}\"/>", x(*p), y(*low), y(*high));
        let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{ACCENT}\"/>", x(*p), y(*o));
    }
    out + "</svg>"
}

/// A small histogram for a cell of a table: one bar per count.
pub fn histogram(title: &str, counts: &[usize]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let (width, height) = (96.0, 22.0);
    let bar = (width / counts.len() as f64).min(14.0);
    let mut out = open(width, height, title);
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        // What is there is seen, however little.
        let h = (*count as f64 / most as f64 * height).max(1.0);
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{h:.1}\" fill=\"#8b97a3\"/>",
            i as f64 * bar,
            height - h,
            (bar - 0.6).max(0.6)
        );
    }
    out + "</svg>"
}

/// Rows as marks: value, effect, and on which side of something else each lies, told apart by shape and colour.
pub fn scatter(title: &str, points: &[(f64, f64, Option<bool>)], axes: (&str, &str), show: impl Fn(f64) -> String) -> String {
    let ends = |get: fn(&(f64, f64, Option<bool>)) -> f64| {
        let (a, b) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(get(p)), b.max(get(p))));
        if a < b { (a, b) } else { (a.min(0.0), a.max(0.0) + 1.0) }
    };
    if points.is_empty() {
        return String::new();
    }
    let (xs, ys) = (ends(|p| p.0), ends(|p| p.1));
    let extra = more(axes.1, 34);
    let (left, top, w, h) = (90.0 + extra, 8.0, 590.0 - extra, 260.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    let mut out = open(700.0, top + h + 40.0 + more(axes.0, 60), title);
    for v in [ys.0, 0.0, ys.1].into_iter().filter(|v| (ys.0..=ys.1).contains(v)) {
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", y(v), left + w);
        out.push_str(&label(left - 6.0, y(v) + 4.0, "end", &show(v), 14, WEAK));
    }
    for (v, effect, side) in points {
        let (x, y) = (x(*v), y(*effect));
        let _ = match side {
            Some(true) => write!(out, "<path d=\"M{x:.1} {:.1}l3.5 6h-7Z\" fill=\"{UP}\"/>", y - 3.5),
            Some(false) => write!(out, "<path d=\"M{x:.1} {:.1}l3.5 -6h-7Z\" fill=\"{DOWN}\"/>", y + 3.5),
            None => write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"none\" stroke=\"{WEAK}\"/>"),
        };
    }
    for (v, at) in [(xs.0, "start"), (xs.1, "end")] {
        out.push_str(&label(x(v), top + h + 16.0, at, &crate::base::numbers::plain(v), 14, WEAK));
    }
    out.push_str(&label(left + w / 2.0, top + h + 34.0, "middle", axes.0, 60, WEAK));
    out.push_str(&upright(top + h / 2.0, axes.1, 34));
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_hold_their_numbers_and_no_markup_of_names() {
        let evil = "<script>alert(1)</script>".to_owned();
        let steps = vec![(evil.clone(), "3".to_owned(), 0.4), ("b".to_owned(), String::new(), -0.1)];
        let s = waterfall("t", ("base", 0.1), &steps, ("end", 0.4), |v| format!("{v:.1}"), |v| format!("{v:+.1}"));
        assert!(!s.contains("<script") && s.contains("&lt;script") && s.contains("+0.4") && s.contains("-0.1"), "{s}");
        assert!(s.contains(UP) && s.contains(DOWN));
        assert_eq!(s.matches("<path d=\"M").count(), 2 + 2 + 2, "two marks, two joints, two arrows");
        let long = "n".repeat(200);
        let b = bars("t", &[(long.clone(), 1.0, Some((0.5, 1.5)))], |v| format!("{v}"));
        assert!(b.contains(&long) && !b.contains('…') && b.matches("<tspan").count() == 8, "no letter of a name is lost");
        assert!(bars("t", &[], |v| format!("{v}")).ends_with("</svg>"));
        let d = density("t", &[evil.clone(), "b".to_owned()], 4, &[(0, 0, 1.0), (1, 3, 0.0)], (-1.0, 1.0), ("x", &|v| format!("{v:+}")));
        assert!(d.matches("<rect").count() == 2 && d.contains("y=\"203.00\"") && d.contains("y=\"8.00\"") && !d.contains("<script"), "{d}");
        let p = piles("t", &[("a", vec![(0, 1.0, 0.5), (9, 0.1, f64::NAN)])], 10, (-1.0, 4.0), |v| format!("{v:+}"));
        assert!(p.matches("<rect").count() == 2 && p.contains("+4") && p.contains("-1"), "{p}");
        let m = matrix("t", &["a".to_owned(), evil.clone()], 2, &[1.0, -1.0, 0.0, f64::NAN], 1.0);
        let fills = [UP, DOWN, "#ffffff", "#b8bec5"];
        assert!(fills.iter().all(|f| m.matches(&format!("fill=\"{f}\"/>")).count() == 1) && !m.contains("<script"), "{m}");
        assert_eq!(matrix("t", &["a".to_owned()], 100_000, &vec![1.0; 100_000], 1.0).matches("<rect").count(), 240);
        let s = scatter("t", &[(0.0, 1.0, Some(true)), (1.0, -1.0, Some(false)), (2.0, 0.0, None)], ("x", "y"), |v| format!("{v:+}"));
        assert!(s.contains("l3.5 6") && s.contains("l3.5 -6") && s.contains("<circle") && s.contains("+1"), "{s}");
        assert_eq!(scatter("t", &[], ("x", "y"), |v| format!("{v}")), "");
        assert!(density("t", &[], 0, &[], (0.0, 0.0), ("", &|_| String::new())).ends_with("</svg>"));
        assert_eq!(heatmap("t", &["a".to_owned()], &[]), "");
        assert_eq!(lines("t", &[("a", vec![])], ("x", "y"), false), "");
        // What some rows do stands on the same axis: at the end of the longest bar, which it is as long as.
        let two = [("a".to_owned(), 1.0, None), ("b".to_owned(), 2.0, None)];
        let s = bars_beside("t", &two, &[], &[Some(2.0), None], |v| format!("{v}"));
        assert!(s.contains("class=\"brushed\" d=\"M580.0 6.5") && s.matches("class=\"brushed\"").count() == 1, "{s}");
        let groups = ["all".to_owned(), evil.clone(), "c".to_owned()];
        let inf = f64::INFINITY;
        let s = dots("t", &[("a".to_owned(), vec![(1.0, 0.5, 1.5), (2.0, -inf, inf), (0.0, -1.0, 1.0)])], &groups, |v| format!("{v:+}"));
        // A key and a mark of each; no interval where there is none.
        assert!(s.matches("<circle").count() == 2 && s.matches("<rect").count() == 2 && s.matches("l5 5l-5 5").count() == 2, "{s}");
        assert!(
            s.matches(&format!("stroke=\"{WEAK}\"")).count() == 2 && s.contains("+2") && s.contains("-1") && !s.contains("<script"),
            "{s}"
        );
    }
}
