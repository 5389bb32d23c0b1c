//! Pictures as SVG strings: pure functions of plain numbers. Direction is readable without colour (arrows and signs), the
//! colours are a blue and orange pair that colour-blind readers tell apart.

use std::fmt::Write as _;

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

/// Text that cannot be markup.
pub fn escape(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// How many Latin letters wide a character is: Chinese ones are two.
fn wide(c: char) -> usize {
    if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{ffef}') { 2 } else { 1 }
}

/// The text, cut with “…” to the width of `most` Latin letters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().map(wide).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += wide(*c);
        used <= most
    });
    kept.collect::<String>() + "…"
}

/// A label that fits into `most` characters, the whole of it as its tooltip.
pub(super) fn label(x: f64, y: f64, anchor: &str, text: &str, most: usize, colour: &str) -> String {
    let short = cut(text, most);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\"><title>{}</title>{}</text>",
        escape(text),
        escape(&short)
    )
}

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
    let (left, plot, row) = (270.0, 330.0, 22.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let height = row * (steps.len() + 2) as f64 + 8.0;
    let mut out = open(700.0, height, title);
    let line = |out: &mut String, i: usize, name: &str, v: f64| {
        let y = row * i as f64;
        let _ = write!(out, "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{INK}\" stroke-width=\"3\"/>", x(v), y + 4.0, y + row - 2.0);
        out.push_str(&label(left - 8.0, y + 16.0, "end", name, 40, INK));
        out.push_str(&label(692.0, y + 16.0, "end", &show(v), 20, INK));
    };
    line(&mut out, 0, base.0, base.1);
    let mut at = base.1;
    for (i, (name, value, phi)) in steps.iter().enumerate() {
        let y = row * (i + 1) as f64;
        let text = if value.is_empty() { name.clone() } else { format!("{name} = {value}") };
        out.push_str(&label(left - 8.0, y + 16.0, "end", &text, 40, INK));
        let _ = write!(out, "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{RULE}\"/>", x(at), y - 4.0, y + 5.0);
        out.push_str(&arrow(x(at), x(at + phi), y + 5.0, 13.0, if *phi >= 0.0 { UP } else { DOWN }));
        out.push_str(&label(692.0, y + 16.0, "end", &effect(*phi), 20, WEAK));
        at += phi;
    }
    line(&mut out, steps.len() + 1, end.0, end.1);
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
    let (left, plot, row) = (230.0, 350.0, 22.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let mut out = open(700.0, row * rows.len() as f64 + 6.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{1:.1}\" stroke=\"{RULE}\"/>", x(0.0), row * rows.len() as f64);
    for (i, (name, v, interval)) in rows.iter().enumerate() {
        let y = row * i as f64;
        out.push_str(&label(left - 8.0, y + 16.0, "end", name, 34, INK));
        if i > 0 && tied.get(i) == Some(&true) {
            let (top, foot, x) = (y + 14.0 - row, y + 9.0, left - 5.0);
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
    let (left, plot, row) = (230.0, 430.0, 12.0 * series.len().max(1) as f64 + 8.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let mark = |k: usize, at: f64, y: f64| match k {
        0 => format!("<circle cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{ACCENT}\"/>"),
        1 => format!("<path d=\"M{at:.1} {:.1}l5 5l-5 5l-5 -5z\" fill=\"{MARK}\"/>", y - 5.0),
        _ => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{DOWN}\"/>", at - 4.0, y - 4.0),
    };
    let head = 18.0 * series.len() as f64;
    let height = head + row * rows.len() as f64;
    let mut out = open(700.0, height + 20.0, title);
    for (k, name) in series.iter().enumerate() {
        let y = 18.0 * k as f64 + 9.0;
        out.push_str(&mark(k, 8.0, y));
        out.push_str(&label(18.0, y + 4.0, "start", name, 110, INK));
    }
    let _ = write!(out, "<path d=\"M{0:.1} {head:.1}V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (name, marks)) in rows.iter().enumerate() {
        let top = head + row * i as f64;
        out.push_str(&label(left - 8.0, top + row / 2.0 + 4.0, "end", name, 34, INK));
        for (k, m) in marks.iter().enumerate().filter(|(_, m)| m.0.is_finite()) {
            let y = top + row * (k as f64 + 0.5) / marks.len() as f64;
            if m.1.is_finite() && m.2.is_finite() {
                let _ = write!(out, "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"{WEAK}\"/>", x(m.1), x(m.2));
            }
            out.push_str(&mark(k, x(m.0), y));
        }
    }
    for v in [low, 0.0, high] {
        out.push_str(&label(x(v), height + 14.0, "middle", &show(v), 14, WEAK));
    }
    out + "</svg>"
}

/// Dots of many rows per feature; dark is a low value, bright a high one. Dots are value, rank 0–1 (NaN missing), offset −1–1.
pub fn beeswarm(title: &str, rows: &[(String, Vec<(f64, f64, f64)>)], show: impl Fn(f64) -> String) -> String {
    let all = rows.iter().flat_map(|(_, d)| d.iter().map(|d| d.0));
    let (low, high) = all.fold((0.0f64, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let (left, plot, row) = (230.0, 440.0, 34.0);
    let x = |v: f64| left + (v - low) / span * plot;
    let height = row * rows.len() as f64;
    let mut out = open(700.0, height + 20.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (name, dots)) in rows.iter().enumerate() {
        let middle = row * (i as f64 + 0.5);
        out.push_str(&label(left - 8.0, middle + 4.0, "end", name, 34, INK));
        for (v, rank, offset) in dots {
            let colour = if rank.is_nan() { "#b8bec5".to_owned() } else { ramp(*rank) };
            let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.8\" fill=\"{colour}\"/>", x(*v), middle + offset * row * 0.42);
        }
    }
    for v in [low, 0.0, high] {
        out.push_str(&label(x(v), height + 14.0, "middle", &show(v), 14, WEAK));
    }
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
    let (left, top, w, h) = (52.0, 8.0, 260.0, 180.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    let mut out = open(330.0, 236.0, title);
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
    out.push_str(&label(left + w / 2.0, top + h + 30.0, "middle", axes.0, 44, WEAK));
    let _ =
        write!(out, "<g transform=\"rotate(-90 12 {0})\">{1}</g>", top + h / 2.0, label(12.0, top + h / 2.0, "middle", axes.1, 30, WEAK));
    for (k, (name, p)) in series.iter().enumerate() {
        let (colour, dash) = if k == 0 { (ACCENT, "") } else { (UP, " stroke-dasharray=\"6 3\"") };
        let path: Vec<String> =
            p.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
        let _ = write!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", path.join(" "));
        if series.len() > 1 {
            out.push_str(&label(left + w, top + 14.0 + 15.0 * k as f64, "end", name, 30, colour));
        }
    }
    out + "</svg>"
}

/// Thin lines of single rows, the thick one of their mean, and one row that stands out.
pub fn fan(title: &str, all: &[Vec<(f64, f64)>], mean: &[(f64, f64)], own: Option<&[(f64, f64)]>, axes: (&str, &str)) -> String {
    let points = || all.iter().flatten().chain(mean).filter(|p| p.0.is_finite() && p.1.is_finite());
    if points().next().is_none() {
        return String::new();
    }
    let bound = |get: fn(&(f64, f64)) -> f64| {
        let (a, b) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(get(p)), b.max(get(p))));
        if a < b { (a, b) } else { (a - 0.5, a + 0.5) }
    };
    let (xs, ys) = (bound(|p| p.0), bound(|p| p.1));
    let (left, top, w, h) = (62.0, 8.0, 430.0, 220.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    let mut out = open(510.0, 276.0, title);
    let _ = write!(out, "<path d=\"M{left} {top}V{0}H{1}\" fill=\"none\" stroke=\"{RULE}\"/>", top + h, left + w);
    for (v, at) in [(xs.0, "start"), (xs.1, "end")] {
        out.push_str(&label(x(v), top + h + 15.0, at, &crate::base::numbers::plain(v), 10, WEAK));
    }
    for v in [ys.0, ys.1] {
        out.push_str(&label(left - 5.0, y(v) + 4.0, "end", &crate::base::numbers::plain(v), 8, WEAK));
    }
    out.push_str(&label(left + w / 2.0, top + h + 30.0, "middle", axes.0, 44, WEAK));
    let middle = top + h / 2.0;
    let _ = write!(out, "<g transform=\"rotate(-90 12 {middle})\">{}</g>", label(12.0, middle, "middle", axes.1, 30, WEAK));
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
    let (x, y) = (|v: f64| 52.0 + v * 260.0, |v: f64| 188.0 - v * 180.0);
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

/// A square of weights with its tokens on both axes; brighter is more.
pub fn heatmap(title: &str, tokens: &[String], weights: &[f32]) -> String {
    let n = tokens.len();
    if n == 0 || weights.len() != n * n {
        return String::new();
    }
    let cell = (420.0 / n as f64).clamp(4.0, 26.0);
    let (left, top) = (190.0, 150.0);
    let most = weights.iter().copied().fold(0.0f32, f32::max).max(f32::MIN_POSITIVE);
    let mut out = open(left + cell * n as f64 + 10.0, top + cell * n as f64 + 6.0, title);
    for (q, name) in tokens.iter().enumerate() {
        let at = (q as f64 + 0.5) * cell;
        if cell >= 9.0 {
            out.push_str(&label(left - 6.0, top + at + 4.0, "end", name, 24, INK));
            let _ = write!(
                out,
                "<g transform=\"rotate(-90 {0:.1} {1:.1})\">{2}</g>",
                left + at + 4.0,
                top - 6.0,
                label(left + at + 4.0, top - 6.0, "start", name, 19, INK)
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

/// Signed numbers as colours, line after line; neighbours along a line are averaged where they are too many to draw.
pub fn matrix(title: &str, lines: &[String], across: usize, values: &[f64], most: f64) -> String {
    let (left, plot, row) = (230.0, 460.0, 20.0);
    let width = across.clamp(1, 240);
    let (step, most) = (plot / width as f64, if most > 0.0 { most } else { 1.0 });
    let mut out = open(700.0, row * lines.len() as f64 + 4.0, title);
    for (l, name) in lines.iter().enumerate() {
        let y = row * l as f64;
        out.push_str(&label(left - 8.0, y + 14.0, "end", name, 34, INK));
        for x in 0..width {
            let (from, to) = (x * across / width, ((x + 1) * across / width).max(x * across / width + 1));
            let cells = values.get(l * across + from..(l * across + to).min(values.len())).unwrap_or_default();
            let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
            let (at, fill) = (left + x as f64 * step, diverging(mean / most));
            let _ = write!(out, "<rect x=\"{at:.2}\" y=\"{y:.0}\" width=\"{step:.2}\" height=\"{row:.0}\" fill=\"{fill}\"/>");
            // What is below 0 is striped, so that its sign is seen without colour, too.
            if mean / most < -0.04 {
                let _ = write!(
                    out,
                    "<path d=\"M{at:.2} {:.0}h{step:.2}m0 10h-{step:.2}\" stroke=\"#fff\" stroke-opacity=\".6\" stroke-width=\"3\"/>",
                    y + 5.0
                );
            }
        }
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
    let (left, top, w, h) = (90.0, 8.0, 590.0, 260.0);
    let x = |v: f64| left + (v - xs.0) / (xs.1 - xs.0) * w;
    let y = |v: f64| top + h - (v - ys.0) / (ys.1 - ys.0) * h;
    let mut out = open(700.0, top + h + 40.0, title);
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
    let _ =
        write!(out, "<g transform=\"rotate(-90 12 {0})\">{1}</g>", top + h / 2.0, label(12.0, top + h / 2.0, "middle", axes.1, 34, WEAK));
    out + "</svg>"
}

/// A line of piles: its name, and per pile its place, how high it is (0–1) and where its values stand (0–1, NaN missing).
pub type Piles<'a> = (&'a str, Vec<(usize, f64, f64)>);

/// Piles of many rows per feature along one axis of effects, whose `ends` are those of all places together.
pub fn piles(title: &str, lines: &[Piles<'_>], across: usize, ends: (f64, f64), show: impl Fn(f64) -> String) -> String {
    let (left, plot, row) = (230.0, 440.0, 30.0);
    let step = plot / across.max(1) as f64;
    let x = |v: f64| left + (v - ends.0) / (ends.1 - ends.0).max(f64::MIN_POSITIVE) * plot;
    let height = row * lines.len() as f64;
    let mut out = open(700.0, height + 20.0, title);
    let _ = write!(out, "<path d=\"M{0:.1} 0V{height:.1}\" stroke=\"{RULE}\"/>", x(0.0));
    for (i, (name, piles)) in lines.iter().enumerate() {
        let middle = row * (i as f64 + 0.5);
        out.push_str(&label(left - 8.0, middle + 4.0, "end", name, 34, INK));
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
    let mut out = open(700.0, top + tall + 40.0, title);
    for (column, bin, bright) in cells {
        let (x, y) = (left + *column as f64 * wide, top + tall - (*bin + 1) as f64 * high);
        let _ = write!(out, "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{wide:.2}\" height=\"{high:.2}\" fill=\"{}\"/>", ramp(1.0 - bright));
    }
    for v in [ends.0, 0.0, ends.1].into_iter().filter(|v| (ends.0..=ends.1).contains(v)) {
        let _ = write!(out, "<path d=\"M{left} {0:.1}H{1:.1}\" stroke=\"{RULE}\"/>", y(v), left + plot);
        out.push_str(&label(left - 6.0, y(v) + 4.0, "end", &(words.1)(v), 14, WEAK));
    }
    let every = (64.0 / wide).ceil().max(1.0) as usize;
    for (i, name) in columns.iter().enumerate().step_by(every) {
        let most = (wide * every as f64 / 6.5) as usize;
        out.push_str(&label(left + (i as f64 + 0.5) * wide, top + tall + 16.0, "middle", name, most.max(4), WEAK));
    }
    out.push_str(&label(left + plot / 2.0, top + tall + 34.0, "middle", words.0, 90, WEAK));
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
        assert!(b.contains(&long) && b.contains('…'), "the whole name is the tooltip");
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
