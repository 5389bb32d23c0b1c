//! The checks of an explanation as curves, each beside its control of random orders.

use super::super::svg;
use super::Page;
use crate::base::{numbers, tr_with};
use crate::explain::trust::Trust;

impl Page {
    /// Taking out, putting in, and keeping only what was named first.
    pub(super) fn trust_curves(&self, trust: &Trust) -> String {
        let rows = numbers::count(trust.rows as i64);
        let show = |v: f64| numbers::fixed(v * 100.0, 1);
        let all = [("deletion", &trust.deletion), ("insertion", &trust.insertion), ("sufficiency", &trust.sufficiency)];
        let drawn = all.into_iter().filter_map(|(name, curve)| curve.as_ref().map(|c| (name, c)));
        drawn
            .map(|(name, c)| {
                let t = |end: &str| self.t(&format!("why.{name}{end}"));
                let line = |y: &[f64]| c.steps.iter().zip(y).map(|(x, y)| (100.0 * x, 100.0 * y)).collect();
                let series: [(&str, Vec<(f64, f64)>); 2] =
                    [(self.t("why.deletion_named"), line(&c.named)), (self.t("why.deletion_chance"), line(&c.chance))];
                let area = [("area", &show(c.area) as &dyn std::fmt::Display), ("low", &show(c.low)), ("high", &show(c.high))];
                let caption = tr_with(self.lang, &format!("why.{name}_caption"), &[("n", &rows)]);
                let caption = format!("{}. {caption} {}", t(""), tr_with(self.lang, "why.curve_area", &area));
                self.figure(&svg::lines(t(""), &series, (t("_x"), t("_y")), false), &caption)
            })
            .collect()
    }
}
