//! Linear axes: value to place, place to value, round ticks. Pure numbers, no painting.

/// A linear axis between two places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Value at `left`.
    pub low: f64,
    /// Value at `right`.
    pub high: f64,
    /// Place of `low`, in points.
    pub left: f32,
    /// Place of `high`, in points.
    pub right: f32,
}

impl Axis {
    /// An axis that holds every finite value of `values` with `pad` (a share of the span) on both sides. Without values, or
    /// when all are equal, it still has a span.
    pub fn spanning(values: impl IntoIterator<Item = f64>, left: f32, right: f32, pad: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.into_iter().filter(|v| v.is_finite()) {
            low = low.min(v);
            high = high.max(v);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let span = high - low;
        let pad = if span > 0.0 { span * pad } else { (low.abs() * 0.1).max(1e-6) };
        Self { low: low - pad, high: high + pad, left, right: right.max(left + 1.0) }
    }

    /// Place of a value; a value that is no number stands at the left.
    pub fn at(&self, value: f64) -> f32 {
        let span = self.high - self.low;
        if !value.is_finite() || span <= 0.0 {
            return self.left;
        }
        let t = ((value - self.low) / span).clamp(-1.0, 2.0);
        self.left + (t * f64::from(self.right - self.left)) as f32
    }

    /// Value at a place.
    pub fn value(&self, x: f32) -> f64 {
        self.low + f64::from((x - self.left) / (self.right - self.left)) * (self.high - self.low)
    }

    /// Round values within the axis: 1, 2 or 5 times a power of ten apart, at most `most` of them.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let span = self.high - self.low;
        if !span.is_finite() || span <= 0.0 || most == 0 {
            return Vec::new();
        }
        let rough = span / most as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).take(most + 1).map(|i| i as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_values_are_inverse() {
        let a = Axis::spanning([0.1, 0.9], 10.0, 110.0, 0.0);
        assert!((a.at(0.1) - 10.0).abs() < 1e-4 && (a.at(0.9) - 110.0).abs() < 1e-4);
        for v in [0.1, 0.25, 0.5, 0.9] {
            assert!((a.value(a.at(v)) - v).abs() < 1e-6, "{v}");
        }
    }

    #[test]
    fn every_set_of_values_gives_an_axis() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0, 0.0], vec![f64::INFINITY, 1.0], vec![-1e300, 1e300]] {
            let a = Axis::spanning(values.clone(), 0.0, 100.0, 0.05);
            assert!(a.low < a.high, "{values:?}");
            for v in values {
                assert!(a.at(v).is_finite());
            }
            assert!(a.ticks(5).len() <= 6);
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let a = Axis { low: 0.13, high: 0.62, left: 0.0, right: 100.0 };
        assert_eq!(a.ticks(5), vec![0.2, 0.30000000000000004, 0.4, 0.5, 0.6000000000000001]);
        for t in a.ticks(3) {
            assert!(t >= a.low && t <= a.high);
        }
    }
}
