//! The model's own uncertainty: the same scenarios asked of the model as it came out when it was trained again on rows drawn
//! anew, and every band made wider by how much those answers differ.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::result::{Covers, Difference, Estimate, Pair, ScenarioResult, Simulation};
use crate::note;
use crate::strategy::scenario::Scenario;
use crate::strategy::sensitivity::sensitivity;

/// Makes every band wider by the half-width of a 95 % interval of the versions' answers around their mean: who is in the
/// data and which model the training gave are independent draws, so squares add up. What a study measured is the same in
/// all versions and stays as it is; so does the band of one person's outcome, which was measured on rows that were held out.
pub fn widen(sim: &mut Simulation, mut versions: Vec<Simulation>, scenarios: &[Scenario]) {
    for s in &mut sim.scenarios {
        let same: Vec<_> = versions.iter_mut().filter_map(|v| v.scenarios.iter_mut().find(|o| o.name == s.name)).collect();
        wider(s, same, of_result);
    }
    for d in &mut sim.differences {
        let same: Vec<_> = versions.iter_mut().filter_map(|v| v.differences.iter_mut().find(|o| o.name == d.name)).collect();
        wider(d, same, of_difference);
    }
    for p in &mut sim.pairs {
        let is = |o: &&mut Pair| o.name == p.name && o.against == p.against;
        let same: Vec<_> = versions.iter_mut().filter_map(|v| v.pairs.iter_mut().find(is)).collect();
        wider(p, same, of_pair);
    }
    sim.retrained = versions.len() as u32;
    sim.assumptions.push(note!("strategy.model_band", times = sim.retrained));
    sim.sensitivity = scenarios.iter().filter_map(|s| sensitivity(sim, &s.name)).collect();
}

fn of_result(s: &mut ScenarioResult) -> Vec<Option<&mut Estimate>> {
    vec![
        Some(&mut s.reach),
        Some(&mut s.conversions),
        Some(&mut s.rate),
        s.revenue.as_mut(),
        s.cost.as_mut(),
        s.profit.as_mut(),
        s.roi.as_mut(),
    ]
}

fn of_difference(d: &mut Difference) -> Vec<Option<&mut Estimate>> {
    vec![Some(&mut d.conversions), Some(&mut d.rate), d.revenue.as_mut(), d.profit.as_mut()]
}

fn of_pair(p: &mut Pair) -> Vec<Option<&mut Estimate>> {
    // The models that retention and satisfaction are judged by are not trained again.
    let money = [p.revenue.as_mut(), p.cost.as_mut(), p.profit.as_mut(), p.roi.as_mut()];
    [Some(&mut p.reach), Some(&mut p.conversions)].into_iter().chain(money).collect()
}

fn wider<T>(one: &mut T, others: Vec<&mut T>, figures: fn(&mut T) -> Vec<Option<&mut Estimate>>) {
    let others: Vec<Vec<Option<f64>>> = others.into_iter().map(|o| figures(o).into_iter().map(|e| e.map(|e| e.value)).collect()).collect();
    for (i, e) in figures(one).into_iter().enumerate() {
        let Some(e) = e.filter(|e| e.covers != Covers::Outcome) else { continue };
        let values: Vec<f64> = others.iter().filter_map(|o| o[i]).collect();
        let half = half_width(&values);
        if half > 0.0 {
            (e.low, e.high) = (e.value - (e.value - e.low).hypot(half), e.value + (e.high - e.value).hypot(half));
            e.covers = Covers::Model;
        }
    }
}

/// Half of the 95 % interval that so many answers allow for one more of their kind; nothing where they are all the same.
fn half_width(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let Ok(t) = StudentsT::new(0.0, 1.0, n - 1.0) else { return 0.0 };
    let sd = (square / (n - 1.0)).sqrt();
    if sd > 1e-12 * mean.abs() { t.inverse_cdf(0.975) * sd } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_the_one_of_t() {
        // 2.776445 is the 97.5 % point of t with 4 degrees of freedom; the deviation of 1 … 5 is √2.5.
        assert!((half_width(&[1.0, 2.0, 3.0, 4.0, 5.0]) - 2.776_445_105 * 2.5f64.sqrt()).abs() < 1e-6);
        assert_eq!((half_width(&[2.0, 2.0, 2.0]), half_width(&[1.0]), half_width(&[])), (0.0, 0.0, 0.0));
        assert_eq!(half_width(&[0.1 + 0.2, 0.3, 0.3]), 0.0, "rounding is no difference");
    }
}
