//! How far the explanation holds: the checks with their numbers, the curve of taking features out beside its random
//! control, features that are twins; and segments where the model errs or reasons unlike elsewhere.

use eframe::egui::Ui;

use super::{Subject, standing};
use crate::base::numbers;
use crate::explain::trust::{Curve, Verdict};
use crate::session::state::{Answer, Ask, Question, Why, WhyRows};
use crate::ui::Cx;
use crate::ui::widgets::dots::{self, Line};
use crate::ui::widgets::units::Unit;
use crate::ui::widgets::{basic, figure};

/// Bars among whose order doubts are named.
const TIED: usize = 10;
/// Twins that are named.
const MOST: usize = 4;

/// The question of this room: do the rows on screen pass?
fn question(subject: &Subject<'_>, rows: &WhyRows) -> Question {
    Question::Trust {
        model: subject.name.to_owned(),
        rows: rows.clone(),
        options: subject.options.clone(),
        against: subject.against.clone(),
    }
}

/// The answer of the checks, where it is there.
pub fn answer(cx: &Cx<'_>, subject: &Subject<'_>, rows: &WhyRows) -> Option<std::sync::Arc<Answer>> {
    cx.session.answer(&question(subject, rows)).cloned()
}

/// Features that go together, of such an answer.
pub fn together(answer: Option<&Answer>) -> &[crate::explain::trust::Twins] {
    if let Some(Answer::Trust(trust)) = answer { &trust.twins } else { &[] }
}

/// What the checks say of the rows on screen, always in sight: a chip each, and with whom the rows are compared.
pub fn strip(ui: &mut Ui, cx: &Cx<'_>, subject: &Subject<'_>, why: &Why, rows: &WhyRows) {
    let (lang, t) = (cx.lang(), cx.tokens);
    let asked = question(subject, rows);
    ui.horizontal_wrapped(|ui| {
        ui.label(eframe::egui::RichText::new(cx.t("why.trust")).color(t.weak)).on_hover_text(cx.t("why.trust_help"));
        match cx.session.answer(&asked).map(|a| &**a) {
            Some(Answer::Trust(trust)) => {
                for check in &trust.checks {
                    let name = cx.t(name_of(&check.name));
                    // Who passed is named; who did not says so without the colour, too.
                    let (text, colour) = match check.verdict {
                        Verdict::Ok => (name.to_owned(), t.good),
                        Verdict::Doubtful => (format!("{name}: {}", cx.t("why.trust_doubtful")), t.warn),
                        Verdict::Failed => (format!("{name}: {}", cx.t("why.trust_failed")), t.error),
                    };
                    basic::chip(ui, &text, colour, &check.said.say(lang));
                }
            }
            _ => {
                let running = cx.session.job(&Ask::Deeper(asked)).is_some();
                let key = if running { "why.trust_running" } else { "why.trust_waiting" };
                basic::chip(ui, cx.t(key), t.weak, cx.t("why.trust_help"));
            }
        }
        if let Some(Answer::Stability(s)) = cx.session.answer(&again(subject)).map(|a| &**a) {
            let (key, colour) = match s.verdict {
                Verdict::Ok => ("why.trust_again", t.good),
                Verdict::Doubtful => ("why.trust_again_doubtful", t.warn),
                Verdict::Failed => ("why.trust_again_failed", t.error),
            };
            basic::chip(ui, cx.t(key), colour, &crate::explain::words::stability(s, lang));
        }
        if let Some(r) = &why.attribution.reference {
            let group = if r.label.is_empty() { cx.t("why.against_everyone").to_owned() } else { r.label.clone() };
            let (used, of) = (numbers::count(r.rows as i64), numbers::count(r.of as i64));
            let text = cx.tw("why.trust_group", &[("group", &basic::shorten(&group, 32))]);
            basic::chip(ui, &text, t.weak, &cx.tw("why.trust_group_help", &[("group", &group), ("rows", &used), ("of", &of)]));
        }
    });
}

/// Draws what the checks say of the answer on screen.
pub fn ui(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, why: &Why, rows: &WhyRows, twins: &mut figure::Twins) {
    basic::section(ui, cx.t("why.trust"));
    let question = question(subject, rows);
    let ask = Ask::Deeper(question.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    let Some(answer) = cx.session.answer(&question).cloned() else { return };
    let Answer::Trust(trust) = &*answer else { return };
    let lang = cx.lang();
    basic::caption(ui, &crate::explain::words::trust(trust, lang));
    for check in trust.checks.iter().filter(|c| c.verdict != Verdict::Ok) {
        basic::warning(ui, &check.said.say(lang));
    }
    if !trust.twins.is_empty() {
        let name = |i: usize| why.attribution.features.get(i).cloned().unwrap_or_default();
        let pairs: Vec<String> = trust
            .twins
            .iter()
            .take(MOST)
            .map(|x| format!("[{} ~ {}] (r = {})", name(x.a), name(x.b), numbers::fixed(x.correlation, 2)))
            .collect();
        basic::caption(ui, &cx.tw("why.twins", &[("pairs", &pairs.join(", "))])).on_hover_text(cx.t("why.twins_help"));
    }
    if let Some(tied) = crate::explain::words::ties(&why.summary, TIED, lang) {
        basic::caption(ui, &tied).on_hover_text(cx.t("why.tied_help"));
    }
    let rows = numbers::count(trust.rows as i64);
    if let Some(curve) = &trust.deletion {
        curve_figure(ui, cx, twins, &DELETION, curve, &rows);
    }
    super::pairs::fold(ui, cx, "why.more_curves", |ui, cx| {
        for (words, curve) in [(&INSERTION, &trust.insertion), (&SUFFICIENCY, &trust.sufficiency)] {
            if let Some(curve) = curve {
                curve_figure(ui, cx, twins, words, curve, &rows);
            }
        }
    });
}

/// What a curve is called: title, caption, the axes.
struct Words {
    title: &'static str,
    caption: &'static str,
    x: &'static str,
    y: &'static str,
}

const DELETION: Words = Words { title: "why.deletion", caption: "why.deletion_caption", x: "why.deletion_x", y: "why.deletion_y" };
const INSERTION: Words = Words { title: "why.insertion", caption: "why.insertion_caption", x: "why.insertion_x", y: "why.insertion_y" };
const SUFFICIENCY: Words =
    Words { title: "why.sufficiency", caption: "why.sufficiency_caption", x: "why.sufficiency_x", y: "why.sufficiency_y" };

/// A curve beside its random control.
fn curve_figure(ui: &mut Ui, cx: &mut Cx<'_>, twins: &mut figure::Twins, words: &'static Words, curve: &Curve, rows: &str) {
    let lang = cx.lang();
    let show = |v: f64| numbers::fixed(v * 100.0, 1);
    let area = cx.tw("why.curve_area", &[("area", &show(curve.area)), ("low", &show(curve.low)), ("high", &show(curve.high))]);
    let caption = format!("{} {area}", cx.tw(words.caption, &[("n", &rows)]));
    let source = figure::Source {
        table: Box::new(move || table(curve, words, lang)),
        csv: Some(Box::new(move || table(curve, words, lang))),
        svg: Some(Box::new(move || {
            let line = |y: &[f64]| curve.steps.iter().zip(y).map(|(x, y)| (100.0 * x, 100.0 * y)).collect();
            let tr = |k| crate::base::tr(lang, k);
            let series: [(&str, Vec<(f64, f64)>); 2] =
                [(tr("why.deletion_named"), line(&curve.named)), (tr("why.deletion_chance"), line(&curve.chance))];
            crate::report::svg::lines(tr(words.title), &series, (tr(words.x), tr(words.y)), false)
        })),
    };
    figure::ui(ui, cx, twins, words.title, &caption, &source, |ui, cx| picture(ui, cx, words, curve));
}

/// The question whether the reasons stay when the model is trained again.
fn again(subject: &Subject<'_>) -> Question {
    Question::Stability { model: subject.name.to_owned(), outcome: subject.outcome, scale: subject.options.scale }
}

/// Whether the reasons stay when the model is trained again: on request, since it costs as much as training.
#[derive(Default)]
pub struct AgainPane {
    asked: Option<Question>,
}

impl AgainPane {
    /// Draws the button, then the answer.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
        let question = again(subject);
        if self.asked.as_ref() != Some(&question) && cx.session.answer(&question).is_none() {
            if ui.button(cx.t("why.train_again")).on_hover_text(cx.t("why.again_help")).clicked() {
                self.asked = Some(question);
            }
            return;
        }
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(answer) = cx.session.answer(&question).cloned() else { return };
        let Answer::Stability(s) = &*answer else { return };
        let said = crate::explain::words::stability(s, cx.lang());
        match s.verdict {
            Verdict::Ok => drop(ui.add(eframe::egui::Label::new(said).wrap())),
            _ => drop(basic::warning(ui, &said)),
        }
        let unit = subject.unit;
        let size = |v: f64| unit.effect(v).trim_start_matches('+').to_owned();
        let line = |(name, mean, sd): &(String, f64, f64)| Line { name: name.clone(), marks: vec![(*mean, mean - sd, mean + sd)] };
        let lines: Vec<Line> = s.spread.iter().filter(|x| x.1 > 0.0).take(10).map(line).collect();
        let lang = cx.lang();
        let source = super::pairs::intervals(&lines, lang, &size);
        let caption = cx.tw("why.again_caption", &[("n", &s.versions)]);
        figure::ui(ui, cx, twins, "why.again_title", &caption, &source, |ui, cx| {
            dots::ui(ui, cx.t("why.again_title"), &lines, &[], &size, unit.effect_name(lang), None)
        });
    }
}

/// The model as a small tree's rules, with how far it may stand for the model.
pub fn surrogate(ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>, twins: &mut figure::Twins) {
    basic::section(ui, cx.t("why.surrogate"));
    let question = Question::Surrogate { model: subject.name.to_owned(), outcome: subject.outcome };
    let ask = Ask::Deeper(question.clone());
    cx.want(ask.clone());
    standing(ui, cx, &ask);
    let Some(answer) = cx.session.answer(&question).cloned() else { return };
    let Answer::Surrogate(s) = &*answer else { return };
    let unit = Unit::of(subject.model.card().outcomes.get(subject.outcome), crate::ml::model::Scale::Probability);
    let scale = if unit == Unit::Amount { crate::ml::model::Scale::Margin } else { crate::ml::model::Scale::Probability };
    let said = crate::explain::words::surrogate(s, scale, cx.lang());
    ui.add(eframe::egui::Label::new(said).wrap());
    if s.fidelity < s.usual + crate::explain::surrogate::WORTH {
        basic::warning(ui, cx.t("why.surrogate_weak"));
    }
    let t = |key: &'static str| cx.t(key).to_owned();
    let header = vec![t("why.surrogate_column"), t("why.surrogate_mean"), t("why.effect_density"), t("why.surrogate_agrees")];
    let (all, and) = (t("why.surrogate_all"), if cx.lang() == crate::base::Lang::En { ", " } else { "，" });
    let rows: Vec<Vec<String>> = s
        .rules
        .iter()
        .map(|r| {
            let when = if r.when.is_empty() { all.clone() } else { r.when.join(and) };
            vec![when, unit.level(r.mean), numbers::percent(r.share), numbers::percent(r.agrees)]
        })
        .collect();
    let made = figure::Table { header, rows };
    let source = figure::Source { table: Box::new(|| made.clone()), csv: None, svg: None };
    let caption = cx.tw("why.surrogate_caption", &[("threshold", &unit.level(s.threshold))]);
    figure::ui(ui, cx, twins, "why.surrogate_rules", &caption, &source, |ui, _| {
        // Whole rules, one under the other: a condition that is cut off is no condition.
        for row in &made.rows {
            let line = format!("{} → {}  ({}: {}, {}: {})", row[0], row[1], made.header[2], row[2], made.header[3], row[3]);
            ui.add(eframe::egui::Label::new(line).wrap());
        }
    });
}

/// What the pane of segments remembers.
#[derive(Default)]
pub struct SegmentsPane {
    reasons: bool,
}

impl SegmentsPane {
    /// Segments in which the model errs most or reasons differ most; a click makes one the segment of all panes.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, subject: &Subject<'_>) {
        basic::section(ui, cx.t("why.segments"));
        ui.horizontal_wrapped(|ui| {
            for (reasons, key) in [(false, "why.segments_errors"), (true, "why.segments_reasons")] {
                if ui.selectable_label(self.reasons == reasons, cx.t(key)).clicked() {
                    self.reasons = reasons;
                }
            }
        });
        let question = Question::Segments { model: subject.name.to_owned(), outcome: subject.outcome, reasons: self.reasons };
        let ask = Ask::Deeper(question.clone());
        cx.want(ask.clone());
        standing(ui, cx, &ask);
        let Some(answer) = cx.session.answer(&question).cloned() else { return };
        let Answer::Segments(all) = &*answer else { return };
        let (rows, tried) = (numbers::count(all.rows as i64), numbers::count(all.tried as i64));
        if all.found.is_empty() {
            basic::caption(ui, &cx.tw("why.segments_none", &[("tried", &tried), ("rows", &rows)]));
            return;
        }
        for s in &all.found {
            let chosen = cx.session.selection.segment.as_ref() == Some(&s.condition);
            let line = crate::explain::words::segment(s, self.reasons, cx.lang());
            if ui.selectable_label(chosen, &s.condition).clicked() {
                let condition = (!chosen).then(|| s.condition.clone());
                cx.select(|x| x.segment = condition);
            }
            basic::caption(ui, &line);
        }
        basic::caption(ui, &cx.tw("why.segments_caption", &[("tried", &tried), ("rows", &rows)]));
    }
}

fn name_of(check: &str) -> &'static str {
    match check {
        "adds-up" => "why.trust_adds_up",
        "tells-apart" => "why.trust_apart",
        "deletion" => "why.trust_deletion",
        "insertion" => "why.trust_insertion",
        "stable" => "why.trust_stable",
        _ => "why.trust_signs",
    }
}

fn table(c: &Curve, words: &Words, lang: crate::base::Lang) -> figure::Table {
    let t = |k| crate::base::tr(lang, k).to_owned();
    let rows = c
        .steps
        .iter()
        .zip(&c.named)
        .zip(&c.chance)
        .map(|((s, a), b)| vec![numbers::percent(*s), numbers::percent(*a), numbers::percent(*b)]);
    figure::Table { header: vec![t(words.x), t("why.deletion_named"), t("why.deletion_chance")], rows: rows.collect() }
}

/// Two lines with their names at their ends, and the space between them.
fn picture(ui: &mut Ui, cx: &Cx<'_>, words: &Words, c: &Curve) {
    use eframe::egui::{Align2, Rect, Role, Sense, Shape, Stroke, WidgetInfo, pos2, vec2};

    use crate::ui::widgets::axis::Axis;
    use crate::ui::widgets::ink;
    const HEIGHT: f32 = 140.0;
    let t = cx.tokens;
    let width = ui.available_width().max(200.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + ink::X_AXIS), Sense::hover());
    let said = cx.tw("why.deletion_said", &[("area", &numbers::fixed(c.area * 100.0, 1))]);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let x = Axis { low: 0.0, high: 1.0, left: rect.left() + 52.0, right: rect.right() - 140.0 };
    let y = Axis::spanning(c.named.iter().chain(&c.chance).copied().chain([0.0]), 0.0, 1.0, 0.04);
    let y = Axis { left: rect.top() + HEIGHT, right: rect.top() + 4.0, ..y };
    let p = ui.painter();
    for tick in y.ticks(4) {
        let at = y.at(tick);
        p.hline(x.left..=x.right, at, Stroke::new(1.0, t.rule));
        let place = Rect::from_min_max(pos2(rect.left(), at - 8.0), pos2(rect.left() + 46.0, at + 8.0));
        ink::text(p, place, Align2::RIGHT_CENTER, &numbers::percent(tick), t.weak);
    }
    let at = |s: f64, v: f64| pos2(x.at(s), y.at(v));
    for k in 1..c.steps.len() {
        let (a, b) = (c.steps[k - 1], c.steps[k]);
        let band = vec![at(a, c.named[k - 1]), at(b, c.named[k]), at(b, c.chance[k]), at(a, c.chance[k - 1])];
        p.add(Shape::convex_polygon(band, t.soft(t.accent, 0.15), Stroke::NONE));
    }
    let line = |v: &[f64]| c.steps.iter().zip(v).map(|(s, v)| at(*s, *v)).collect::<Vec<_>>();
    p.line(line(&c.named), Stroke::new(2.0, t.accent));
    p.extend(Shape::dashed_line(&line(&c.chance), Stroke::new(1.5, t.weak), 6.0, 4.0));
    // The lines meet at their ends, so they are named where they stand apart.
    let far =
        (0..c.steps.len()).max_by(|a, b| (c.named[*a] - c.chance[*a]).abs().total_cmp(&(c.named[*b] - c.chance[*b]).abs())).unwrap_or(0);
    let (upper, lower) = if c.named[far] >= c.chance[far] {
        ("why.deletion_named", "why.deletion_chance")
    } else {
        ("why.deletion_chance", "why.deletion_named")
    };
    for (key, at, mark) in [(upper, rect.top() + 14.0, upper), (lower, rect.top() + 34.0, lower)] {
        let named = mark == "why.deletion_named";
        let stroke = if named { Stroke::new(2.0, t.accent) } else { Stroke::new(1.5, t.weak) };
        let begin = pos2(x.right + 10.0, at);
        if named {
            p.line_segment([begin, begin + vec2(18.0, 0.0)], stroke);
        } else {
            p.extend(Shape::dashed_line(&[begin, begin + vec2(18.0, 0.0)], stroke, 6.0, 4.0));
        }
        let place = Rect::from_min_max(begin + vec2(22.0, -8.0), pos2(rect.right(), at + 8.0));
        ink::text(p, place, Align2::LEFT_CENTER, cx.t(key), t.text);
    }
    ink::x_axis(p, t, &x, rect.top() + HEIGHT, rect.top() + HEIGHT, |v| numbers::fixed(v * 100.0, 0), cx.t(words.x));
}
