//! The season of a scenario: where the model knows parts of a date, everybody is asked about as on the scenario's first day.

use crate::base::Notice;
use crate::data::features::UNSEEN;
use crate::data::prepare::DatePart;
use crate::data::table::calendar::{Order, Written};
use crate::ml::Model;
use crate::note;
use crate::strategy::scenario::{Move, Scenario};

/// Days from which on a campaign has every day of the week.
const WEEK: f64 = 7.0;

/// What a first day moves.
#[derive(Default)]
pub(super) struct Season {
    /// Parts of the date, as the model's features.
    pub moves: Vec<(usize, Move)>,
    /// The same in words, such as `day_month = 11`; empty where the first day moves nothing.
    pub words: String,
    /// Whether the first day would count if preparation added parts of a date.
    pub lacks_parts: bool,
    /// What to know of it.
    pub notes: Vec<Notice>,
}

/// What the first day of a scenario moves. A part that the analyst sets as a lever stays as it was set; the hour of the day
/// stays everybody's own, and so does the day of the week where the campaign has all of them.
pub(super) fn season(scenario: &Scenario, model: &dyn Model) -> Season {
    let none = Season::default();
    let (Some(text), None) = (scenario.start.as_deref().map(str::trim), &scenario.tested) else { return none };
    // What is no date was refused when the terms were read.
    let Some(days) = Written::parse(text).and_then(|w| w.days(Order::YearFirst)) else { return none };
    let encoder = &model.card().encoder;
    let date = match encoder.prepare.dates()[..] {
        [] => return Season { lacks_parts: true, ..none },
        [date] => date,
        ref several => return Season { notes: vec![note!("strategy.start_several", columns = several.join(", "))], ..none },
    };
    let short = scenario.days.is_none_or(|d| d < WEEK);
    let (mut out, mut words) = (none, Vec::new());
    for part in [Some(DatePart::Month), short.then_some(DatePart::Weekday)].into_iter().flatten() {
        let column = part.column(date);
        let at = encoder.features.iter().position(|f| f.name == column && f.is_categorical());
        let (Some(j), Some(value)) = (at.filter(|_| !scenario.set.contains_key(&column)), part.on(days)) else { continue };
        let level = encoder.features[j].levels().iter().position(|l| *l == value);
        if level.is_none() {
            out.notes.push(note!("strategy.start_unseen", column = &column, value = &value));
        }
        out.moves.push((j, Move::To(level.map_or(UNSEEN, |l| l as f64))));
        words.push(format!("{column} = {value}"));
    }
    if !words.is_empty() {
        out.words = words.join(", ");
        out.notes.push(note!("strategy.start_season", start = text, parts = &out.words));
    }
    out
}
