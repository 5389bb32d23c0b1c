//! What if? Levers moved for a segment, and what the model expects then: conversions, money, grade of the evidence.
//!
//! - [`lever`] which columns may move and which are outcome proxies; [`scenario`] what is asked; [`simulate`] the answer.
//! - [`news`] whether the outcome is good news or bad, and the words for either.
//! - [`terms`] money, channel, limits and time of a scenario; [`sensitivity`] what the profit hangs on;
//!   [`tested`] its effect as a study measured it.
//! - [`baseline`] what is known before any lever moves, kept between moves.
//! - [`experiment`] plans and reads experiments; [`budget`] shares money out.
//! - [`causal`] what has to hold before a difference is an effect, checked and graded; [`uplift`] in whom it works, and what to do.
//! - [`policy`] values another policy on a log; [`customers`] what each customer is still worth.
//! - [`evidence`] computes the grade from [`support`] and the locks; it is never typed in. [`resample`] gives the intervals.
//! - [`scan`] looks for columns that give the outcome away and proposes what each is: lever, context, mediator, proxy, identifier.

pub mod bandit;
pub mod baseline;
pub mod budget;
pub mod causal;
pub mod customers;
pub mod evidence;
pub mod experiment;
pub mod feedback;
pub mod lever;
pub mod news;
pub mod policy;
pub mod resample;
pub mod scan;
pub mod scenario;
pub mod sensitivity;
pub mod simulate;
pub mod study;
pub mod support;
pub mod terms;
pub mod tested;
pub mod uplift;
pub mod words;

pub use baseline::Baseline;
pub use evidence::Grade;
pub use lever::{Lever, LeverStatus};
pub use news::News;
pub use scan::LeakScan;
pub use scenario::Scenario;
pub use simulate::{Estimate, ScenarioResult, Simulation};
pub use terms::{Channel, First, Terms};
