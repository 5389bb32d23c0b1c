//! The terms of a scenario: what a conversion is worth, what contacts cost, how many people can be reached, through which
//! channel and for how long. And the book that is kept of its people, so that profit is known for any other terms as well.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::news::{self, News};
use super::scenario::Scenario;
use crate::base::Result;
use crate::data::table::calendar;
use crate::fault;
use crate::ml::Outcome;

/// Who is reached where not everybody can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum First {
    /// Anybody: every person is as likely to be reached.
    #[default]
    Chance,
    /// Those of whom the model expects most.
    Gain,
    /// Those whose outcome falls most: what [`Self::Gain`] comes to where the outcome is bad news. No recipe says it.
    #[serde(skip_deserializing)]
    Fall,
}

impl First {
    /// Whether anybody may be reached.
    pub fn is_chance(&self) -> bool {
        *self == Self::Chance
    }
}

/// Where people are reached: what its contacts cost and how many it holds, the same for every scenario that uses it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Money spent per person reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_contact: Option<f64>,
    /// Money spent on every conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_conversion: Option<f64>,
    /// Share of contacts that arrive; all if absent. What does not arrive is paid all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<f64>,
    /// Most people who can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
}

/// The terms of a scenario: its own, else those of its channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Money earned per conversion.
    pub value_per_conversion: Option<f64>,
    /// Money spent per person reached.
    pub cost_per_contact: Option<f64>,
    /// Money spent once.
    pub fixed_cost: Option<f64>,
    /// Money spent on every conversion of those reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_conversion: Option<f64>,
    /// Share of the value that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Most money that may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Most people who can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// Share of contacts that arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<f64>,
    /// Days that it runs, as a share of the days that the data cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of_period: Option<f64>,
    /// Who is reached where not everybody can be.
    #[serde(default, skip_serializing_if = "First::is_chance")]
    pub first: First,
    /// Whether a conversion is good news; where it is bad, money counts the cases avoided.
    #[serde(default, skip_serializing_if = "News::is_good")]
    pub news: News,
}

impl Terms {
    /// What a scenario and its channel say, checked. `period` are the days that the data cover, where that is known.
    pub fn of(s: &Scenario, channels: &[Channel], period: Option<f64>) -> Result<Self> {
        let channel = match s.channel.as_deref().map(str::trim).filter(|c| !c.is_empty()) {
            None => None,
            Some(name) => Some(channels.iter().find(|c| c.name == name).ok_or_else(|| {
                let known = channels.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
                fault!("strategy.no_channel", name = &s.name, channel = name, known = if known.is_empty() { "–" } else { &known })
            })?),
        };
        let of = |own: Option<f64>, theirs: fn(&Channel) -> Option<f64>| own.or_else(|| channel.and_then(theirs));
        let terms = Self {
            value_per_conversion: s.value_per_conversion,
            cost_per_contact: of(s.cost_per_contact, |c| c.cost_per_contact),
            fixed_cost: s.fixed_cost,
            cost_per_conversion: of(s.cost_per_conversion, |c| c.cost_per_conversion),
            margin: s.margin,
            budget: s.budget,
            capacity: of(s.capacity, |c| c.capacity),
            delivered: channel.and_then(|c| c.delivered),
            share_of_period: match (s.days, period) {
                (None, _) => None,
                (Some(days), _) if !days.is_finite() || days <= 0.0 => {
                    return Err(fault!("strategy.bad_days", name = &s.name, days = days));
                }
                (Some(_), None) => return Err(fault!("strategy.no_period", name = &s.name)),
                (Some(days), Some(period)) => Some(days / period),
            },
            first: s.first,
            news: News::Good,
        };
        for (what, amount) in [
            ("value_per_conversion", terms.value_per_conversion),
            ("cost_per_contact", terms.cost_per_contact),
            ("fixed_cost", terms.fixed_cost),
            ("cost_per_conversion", terms.cost_per_conversion),
            ("budget", terms.budget),
            ("capacity", terms.capacity),
        ] {
            if let Some(amount) = amount.filter(|a| !a.is_finite() || *a < 0.0) {
                return Err(fault!("strategy.bad_money", name = &s.name, what = what, amount = amount));
            }
        }
        for (what, share) in [("margin", terms.margin), ("delivered", terms.delivered)] {
            if let Some(share) = share.filter(|a| !(0.0..=1.0).contains(a)) {
                return Err(fault!("strategy.bad_share", name = &s.name, what = what, amount = share));
            }
        }
        if let Some(start) = s.start.as_deref().filter(|t| !t.trim().is_empty()) {
            let read = calendar::Written::parse(start.trim());
            if read.is_none_or(|w| w.orders & calendar::Order::YearFirst.bit() == 0) {
                return Err(fault!("strategy.bad_start", name = &s.name, start = start));
            }
        }
        if let (Some(budget), fixed) = (terms.budget, terms.fixed_cost.unwrap_or(0.0))
            && fixed > budget
        {
            return Err(fault!("strategy.budget_gone", name = &s.name, budget = budget, fixed = fixed));
        }
        Ok(terms)
    }

    /// The same terms of a scenario whose outcome is good news or bad.
    pub fn facing(self, news: News, scenario: &str, outcome: &Outcome) -> Result<Self> {
        if news.is_good() {
            return Ok(self);
        }
        // Nobody is spared an amount, so there is nobody whom the offer would be paid to.
        if self.cost_per_conversion.is_some() && !outcome.is_binary() {
            return Err(fault!("strategy.bad_offer_amount", name = scenario, case = news::case(outcome)));
        }
        let first = if self.first.is_chance() { First::Chance } else { First::Fall };
        Ok(Self { first, news, ..self })
    }

    /// The same without doing anything: nobody is contacted, nothing is spent.
    pub fn idle(self) -> Self {
        let nothing = |x: Option<f64>| x.map(|_| 0.0);
        Self {
            cost_per_contact: nothing(self.cost_per_contact),
            fixed_cost: nothing(self.fixed_cost),
            cost_per_conversion: nothing(self.cost_per_conversion),
            budget: None,
            capacity: None,
            delivered: None,
            ..self
        }
    }

    /// Whether any cost was entered.
    pub fn costs(&self) -> bool {
        self.cost_per_contact.is_some() || self.fixed_cost.is_some() || self.cost_per_conversion.is_some()
    }

    /// Money that a conversion leaves.
    pub fn worth(&self) -> Option<f64> {
        self.value_per_conversion.map(|v| v * self.margin.unwrap_or(1.0))
    }

    /// Money that one more conversion leaves: less than nothing where it is bad news.
    pub fn worth_added(&self) -> Option<f64> {
        self.worth().map(|w| w * self.news.sign())
    }

    /// Revenue of one more conversion; of bad news, what it takes from what is saved.
    pub fn value_added(&self) -> Option<f64> {
        self.value_per_conversion.map(|v| v * self.news.sign())
    }

    /// Of so many people of whom so many conversions are expected, those who take the offer: the converted; where that is bad
    /// news, everybody else.
    pub fn takers(&self, people: f64, conversions: f64) -> f64 {
        if self.news.is_good() { conversions.max(0.0) } else { (people - conversions).max(0.0) }
    }

    /// Share of contacts that arrive.
    pub fn arrives(&self) -> f64 {
        self.delivered.unwrap_or(1.0)
    }

    /// People that one row of the data stands for.
    pub fn people_per_row(&self) -> f64 {
        self.share_of_period.unwrap_or(1.0)
    }
}

/// Running sums over a scenario's people in the order in which they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knot {
    /// Rows so far.
    pub rows: f64,
    /// Conversions expected of them as they are.
    pub before: f64,
    /// Conversions that the scenario adds among them, if all of it arrives.
    pub gain: f64,
}

/// The book of a scenario: enough to know its profit for any terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// From nobody to everybody.
    pub knots: Vec<Knot>,
}

/// Knots that are kept of an order of people.
const KEPT: usize = 100;

impl Book {
    /// The book of people of whom `before` and `after` are expected, and the order in which they are reached (empty for
    /// chance). Every person is a knot where there is an order.
    pub fn new(before: &[f64], after: &[f64], first: First) -> (Self, Vec<u32>) {
        let nobody = Knot { rows: 0.0, before: 0.0, gain: 0.0 };
        match first {
            First::Chance => {
                let (b, a): (f64, f64) = (before.iter().sum(), after.iter().sum());
                (Self { knots: vec![nobody, Knot { rows: before.len() as f64, before: b, gain: a - b }] }, Vec::new())
            }
            First::Gain | First::Fall => {
                let mut order: Vec<u32> = (0..before.len() as u32).collect();
                let gain = |i: u32| after[i as usize] - before[i as usize];
                // Equal gains in the order of the file, so that the answer does not hang on the sort.
                let best = |a: u32, b: u32| if first == First::Gain { gain(b).total_cmp(&gain(a)) } else { gain(a).total_cmp(&gain(b)) };
                order.par_sort_unstable_by(|a, b| best(*a, *b).then(a.cmp(b)));
                let mut so_far = nobody;
                let mut knots = Vec::with_capacity(order.len() + 1);
                knots.push(so_far);
                for &i in &order {
                    so_far.rows += 1.0;
                    so_far.before += before[i as usize];
                    so_far.gain += gain(i);
                    knots.push(so_far);
                }
                (Self { knots }, order)
            }
        }
    }

    /// The sums after so many rows; between knots in a straight line.
    pub fn at(&self, rows: f64) -> Knot {
        let k = self.knots.partition_point(|k| k.rows < rows).min(self.knots.len() - 1);
        let to = self.knots[k];
        if k == 0 || to.rows <= rows {
            return to;
        }
        let from = self.knots[k - 1];
        let t = (rows - from.rows) / (to.rows - from.rows);
        let line = |a: f64, b: f64| a + t * (b - a);
        Knot { rows, before: line(from.before, to.before), gain: line(from.gain, to.gain) }
    }

    /// What is spent when so many rows are reached; `effect` scales what the scenario adds.
    fn cost(&self, terms: &Terms, effect: f64, rows: f64) -> f64 {
        let k = self.at(rows);
        let takers = terms.arrives() * terms.takers(k.rows, k.before + effect * k.gain);
        terms.fixed_cost.unwrap_or(0.0)
            + terms.people_per_row() * (rows * terms.cost_per_contact.unwrap_or(0.0) + takers * terms.cost_per_conversion.unwrap_or(0.0))
    }

    /// Rows that capacity and budget let be reached.
    pub fn reached(&self, terms: &Terms, effect: f64) -> f64 {
        let all = self.knots.last().map_or(0.0, |k| k.rows);
        let most = terms.capacity.map_or(all, |c| (c / terms.people_per_row()).min(all));
        let Some(budget) = terms.budget.filter(|b| self.cost(terms, effect, most) > *b) else { return most };
        // Costs grow with every person reached, so a bisection finds the last one who is paid for.
        let (mut low, mut high) = (0.0, most);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if self.cost(terms, effect, middle) <= budget { low = middle } else { high = middle }
        }
        low
    }

    /// Conversions added, and profit beside doing nothing where a value per conversion is known.
    pub fn outcome(&self, terms: &Terms, effect: f64) -> (f64, Option<f64>) {
        let rows = self.reached(terms, effect);
        let added = terms.people_per_row() * terms.arrives() * effect * self.at(rows).gain;
        (added, terms.worth_added().map(|w| w * added - self.cost(terms, effect, rows)))
    }

    /// The same book with few knots, one of them at `rows`.
    pub fn brief(&self, rows: f64) -> Self {
        if self.knots.len() <= KEPT + 2 {
            let mut knots = self.knots.clone();
            let k = self.at(rows);
            if !knots.iter().any(|x| x.rows == k.rows) {
                knots.push(k);
                knots.sort_by(|a, b| a.rows.total_cmp(&b.rows));
            }
            return Self { knots };
        }
        let last = self.knots.len() - 1;
        let mut at: Vec<f64> = (0..=KEPT).map(|i| self.knots[i * last / KEPT].rows).chain([rows]).collect();
        at.sort_by(f64::total_cmp);
        at.dedup();
        Self { knots: at.into_iter().map(|r| self.at(r)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scenario(text: &str) -> Scenario {
        toml::from_str(&format!("name = \"S\"\n{text}")).unwrap()
    }

    #[test]
    fn a_scenario_goes_before_its_channel() {
        let mail = Channel {
            name: "mail".into(),
            cost_per_contact: Some(0.02),
            cost_per_conversion: Some(1.0),
            delivered: Some(0.9),
            capacity: Some(500.0),
        };
        let s = scenario("channel = \"mail\"\ncost_per_contact = 0.05\ndays = 7.0");
        let t = Terms::of(&s, std::slice::from_ref(&mail), Some(28.0)).unwrap();
        assert_eq!((t.cost_per_contact, t.cost_per_conversion, t.delivered), (Some(0.05), Some(1.0), Some(0.9)));
        assert_eq!((t.capacity, t.people_per_row()), (Some(500.0), 0.25));
        let idle = t.idle();
        assert_eq!((idle.cost_per_contact, idle.capacity, idle.arrives(), idle.people_per_row()), (Some(0.0), None, 1.0, 0.25));
    }

    #[test]
    fn terms_that_make_no_sense_are_refused_by_name() {
        let code = |text: &str, period| Terms::of(&scenario(text), &[], period).unwrap_err().0.code;
        assert_eq!(code("channel = \"radio\"", None), "strategy.no_channel");
        assert_eq!(code("days = 7.0", None), "strategy.no_period");
        assert_eq!(code("days = 0.0", Some(30.0)), "strategy.bad_days");
        assert_eq!(code("margin = 1.5", None), "strategy.bad_share");
        assert_eq!(code("capacity = -1.0", None), "strategy.bad_money");
        assert_eq!(code("budget = 10.0\nfixed_cost = 11.0", None), "strategy.budget_gone");
        for start in ["soon", "27.11.2026", "2026-02-30"] {
            assert_eq!(code(&format!("start = \"{start}\""), None), "strategy.bad_start", "{start}");
        }
        assert!(Terms::of(&scenario("start = \"2026-11-27\"\nbudget = 0.0"), &[], None).is_ok());
    }

    proptest! {
        /// Person by person: whoever is still paid for is reached, the best first.
        #[test]
        fn the_book_agrees_with_counting_people(
            people in prop::collection::vec((0.01f64..0.9, 0.01f64..0.9), 1..40),
            contact in 0.0f64..2.0, offer in 0.0f64..5.0, fixed in 0.0f64..3.0, room in 0.0f64..60.0, capacity in 0.0f64..50.0,
            delivered in 0.1f64..1.0,
        ) {
            let (before, after): (Vec<f64>, Vec<f64>) = people.iter().copied().unzip();
            let terms = Terms {
                value_per_conversion: Some(30.0), margin: Some(0.5), cost_per_contact: Some(contact), cost_per_conversion: Some(offer),
                fixed_cost: Some(fixed), budget: Some(fixed + room), capacity: Some(capacity), delivered: Some(delivered),
                first: First::Gain, ..Terms::default()
            };
            let (book, order) = Book::new(&before, &after, First::Gain);
            let (mut spent, mut rows, mut added) = (fixed, 0.0, 0.0);
            for &i in &order {
                let i = i as usize;
                let one = contact + offer * delivered * after[i];
                let part = (capacity - rows).clamp(0.0, 1.0).min(if one > 0.0 { (fixed + room - spent) / one } else { 1.0 }).clamp(0.0, 1.0);
                spent += part * one;
                rows += part;
                added += part * delivered * (after[i] - before[i]);
                if part < 1.0 { break; }
            }
            prop_assert!((book.reached(&terms, 1.0) - rows).abs() < 1e-6);
            let (a, p) = book.outcome(&terms, 1.0);
            prop_assert!((a - added).abs() < 1e-6 && (p.unwrap() - (15.0 * added - spent)).abs() < 1e-5);
            // A shorter book says the same at the terms that it was made for.
            let brief = book.brief(rows);
            prop_assert!((brief.outcome(&terms, 1.0).0 - added).abs() < 1e-6);
            // By chance nobody is better than anybody: the share of everybody's gain.
            let (fair, none) = Book::new(&before, &after, First::Chance);
            let t = Terms { budget: None, first: First::Chance, ..terms };
            let share = (capacity / before.len() as f64).min(1.0);
            let all: f64 = after.iter().sum::<f64>() - before.iter().sum::<f64>();
            prop_assert!(none.is_empty() && (fair.outcome(&t, 1.0).0 - delivered * share * all).abs() < 1e-9);
        }
    }
}
