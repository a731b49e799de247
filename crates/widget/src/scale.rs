//! Values to pixels: the range of an axis and its ticks.

use crate::picture::AxisOptions;

/// The values an axis shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Between ticks.
    pub(crate) step: f64,
}

/// The largest values drawn: beyond, differences overflow.
const VALUE_MAX: f64 = 1e300;

impl Scale {
    /// A scale that shows all of `values` and zero, unless the options say otherwise. Ends lie on ticks where
    /// they are free.
    pub(crate) fn new(values: impl Iterator<Item = f64>, options: &AxisOptions, steps_max: usize) -> Self {
        let (mut low, mut high) = (0f64, 0f64);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        let fixed = |bound: Option<f64>| bound.filter(|bound| bound.is_finite());
        let (min, max) = (fixed(options.min), fixed(options.max));
        low = min.unwrap_or(low).clamp(-VALUE_MAX, VALUE_MAX);
        high = max.unwrap_or(high).clamp(-VALUE_MAX, VALUE_MAX);
        // Nothing between them: everything is at one value, or a bound is beyond all data.
        let max = if high > low { max } else { None };
        if high <= low {
            high = low + if low == 0.0 { 1.0 } else { low.abs() };
        }
        let step = nice_step((high - low) / steps_max.max(1) as f64);
        if min.is_none() {
            low = (low / step + 1e-9).floor() * step;
        }
        if max.is_none() {
            high = (high / step - 1e-9).ceil() * step;
        }
        Self { low, high, step }
    }

    /// 0 at the low end, 1 at the high end.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// In ascending order.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil();
        let count = ((self.high - first * self.step) / self.step + 1e-6).floor();
        (0..=count.clamp(0.0, 50.0) as u32).map(|n| (first + f64::from(n)) * self.step).collect()
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not less than `least`.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let digits = least / power;
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|nice| digits <= nice * (1.0 + 1e-9));
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], min: Option<f64>, max: Option<f64>) -> Vec<f64> {
        let options = AxisOptions { min, max, ..AxisOptions::default() };
        let scale = Scale::new(values.iter().copied(), &options, 5);
        assert!(scale.high > scale.low);
        let ticks = scale.ticks();
        assert!(ticks.len() <= 7, "{ticks:?}");
        ticks.into_iter().map(|tick| (tick * 1e6).round() / 1e6).collect()
    }

    #[test]
    fn ticks_are_round_and_begin_at_zero() {
        assert_eq!(ticks(&[3.0, 97.0], None, None), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(&[0.3], None, None), [0.0, 0.1, 0.2, 0.3]);
        assert_eq!(ticks(&[-4.0, 9.0], None, None), [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(ticks(&[50.0], Some(40.0), Some(60.0)), [40.0, 45.0, 50.0, 55.0, 60.0].map(|v: f64| v));
        assert_eq!(ticks(&[], None, None), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(&[5.0], Some(100.0), None).first(), Some(&100.0));
    }

    #[test]
    fn extreme_values_have_a_scale() {
        for values in
            [[f64::MAX, f64::MIN], [1e-320, 0.0], [f64::MIN_POSITIVE, 0.0], [f64::NAN, f64::INFINITY]]
        {
            let scale = Scale::new(values.into_iter(), &AxisOptions::default(), 5);
            assert!(scale.ticks().len() < 60, "{values:?}");
        }
        let inside_out = AxisOptions { min: Some(10.0), max: Some(5.0), ..AxisOptions::default() };
        let scale = Scale::new([7.0].into_iter(), &inside_out, 5);
        assert!(scale.low == 10.0 && scale.high > 10.0);
    }
}
