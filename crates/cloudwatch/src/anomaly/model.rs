//! The band around what a series is expected to do, learnt from its own last two weeks.
//!
//! AWS's model is not published; this one is a decision (metrics.md § 11): deterministic, seasonal by hour of day
//! and weekend, robust against outliers. It is trained anew for every hour that is shown, from data before it.

use std::collections::HashMap;

use base::{TimeRange, Timestamp};
use chrono::{Datelike, Timelike};
use chrono_tz::Tz;

use crate::math::MISSING;
use crate::metric::grid::Grid;

/// How much history is learnt from.
pub(crate) const TRAINING_SECS: i64 = 14 * 86_400;
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// Points and time a model needs.
const POINTS_MIN: usize = 15;
const SPAN_MILLIS_MIN: i64 = 3 * HOUR_MILLIS;
/// Weekends are told apart when there is more than this.
const WEEKEND_SPAN_MILLIS: i64 = 3 * DAY_MILLIS;
/// Ratio of standard deviation and median absolute deviation of normal values.
const SIGMAS_PER_MAD: f64 = 1.4826;

/// How a model learns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) excluded: Vec<TimeRange>,
    pub(crate) zone: Tz,
    /// Age at which an observation counts half.
    pub(crate) half_life_days: f64,
    /// Robust standard deviations beyond which an observation is not learnt from.
    pub(crate) outlier_limit: f64,
    /// Peaks that come regularly are expected.
    pub(crate) periodic_spikes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            excluded: Vec::new(),
            zone: Tz::UTC,
            half_life_days: 5.0,
            outlier_limit: 4.5,
            periodic_spikes: false,
        }
    }
}

/// The bounds of each period; missing where there is too little history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub(crate) upper: Vec<f64>,
    pub(crate) lower: Vec<f64>,
}

/// The band on `shown` from `history`, which has values on `training`: the same grid begun earlier. `width` is
/// counted in standard deviations, `percent` says that the unit is.
pub(crate) fn band(
    history: &[f64],
    training: &Grid,
    shown: &Grid,
    width: f64,
    percent: bool,
    settings: &Settings,
) -> Band {
    let observations = observations(history, training, settings);
    let mut band = Band { upper: vec![MISSING; shown.slots()], lower: vec![MISSING; shown.slots()] };
    let mut model: Option<(Timestamp, Option<Model>)> = None;
    for slot in 0..shown.slots() {
        let at = shown.at(slot);
        let hour = if shown.period_secs < 3600 { at.floor_to(HOUR_MILLIS) } else { at };
        if model.as_ref().is_none_or(|(trained, _)| *trained != hour) {
            model = Some((hour, Model::train(&observations, hour, settings)));
        }
        if let Some((_, Some(model))) = &model {
            (band.lower[slot], band.upper[slot]) = model.bounds(class_of(at, settings.zone), width, percent);
        }
    }
    band
}

/// Whether there is enough history at `now` to learn from.
pub(crate) fn is_trainable(history: &[f64], training: &Grid, now: Timestamp, settings: &Settings) -> bool {
    Model::train(&observations(history, training, settings), now, settings).is_some()
}

/// Weekend or not, and the hour, where the metric is at home.
type Class = (bool, u32);

fn class_of(at: Timestamp, zone: Tz) -> Class {
    let local = at.to_datetime().with_timezone(&zone);
    (local.weekday().num_days_from_monday() >= 5, local.hour())
}

#[derive(Debug, Clone, Copy)]
struct Observation {
    at: Timestamp,
    value: f64,
    class: Class,
}

fn observations(history: &[f64], training: &Grid, settings: &Settings) -> Vec<Observation> {
    let existing = history.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let excluded = |at: Timestamp| settings.excluded.iter().any(|range| range.contains(at));
    existing
        .map(|(slot, value)| (training.at(slot), *value))
        .filter(|(at, _)| !excluded(*at))
        .map(|(at, value)| Observation { at, value, class: class_of(at, settings.zone) })
        .collect()
}

/// What is expected of the observations of one class.
#[derive(Debug, Clone, Copy)]
struct Expectation {
    expected: f64,
    /// Weighted median absolute deviation.
    deviation: f64,
    largest: f64,
}

struct Model {
    classes: HashMap<Class, Expectation>,
    all: Expectation,
    /// Median absolute deviation from what the classes expect.
    residual: f64,
    by_weekend: bool,
    never_negative: bool,
    within_hundred: bool,
    periodic_spikes: bool,
}

impl Model {
    /// Learns from the two weeks before `until`; `None` if there is too little.
    fn train(observations: &[Observation], until: Timestamp, settings: &Settings) -> Option<Self> {
        let since = until.saturating_sub_millis(TRAINING_SECS * 1000);
        let from = observations.partition_point(|o| o.at < since);
        let to = observations.partition_point(|o| o.at < until);
        let recent = observations.get(from..to)?;
        let span = recent.last()?.at.millis_since(recent.first()?.at);
        let known = without_outliers(recent, span >= WEEKEND_SPAN_MILLIS, settings.outlier_limit);
        if known.len() < POINTS_MIN || span < SPAN_MILLIS_MIN {
            return None;
        }
        let by_weekend = span >= WEEKEND_SPAN_MILLIS;
        let weight = |o: &Observation| {
            let days = until.millis_since(o.at) as f64 / DAY_MILLIS as f64;
            (-days / settings.half_life_days).exp2()
        };
        let mut members: HashMap<Class, Vec<(f64, f64)>> = HashMap::new();
        for observation in &known {
            let class = simplified(observation.class, by_weekend);
            members.entry(class).or_default().push((observation.value, weight(observation)));
        }
        let classes: HashMap<Class, Expectation> =
            members.into_iter().map(|(class, members)| (class, Expectation::of(members))).collect();
        let all = Expectation::of(known.iter().map(|o| (o.value, weight(o))).collect());
        let residuals = known.iter().map(|o| {
            let expected = classes.get(&simplified(o.class, by_weekend)).map_or(all.expected, |e| e.expected);
            (o.value - expected).abs()
        });
        Some(Self {
            residual: median(residuals.collect()),
            classes,
            all,
            by_weekend,
            never_negative: known.iter().all(|o| o.value >= 0.0),
            within_hundred: known.iter().all(|o| (0.0..=100.0).contains(&o.value)),
            periodic_spikes: settings.periodic_spikes,
        })
    }

    /// The lower and the upper bound.
    fn bounds(&self, class: Class, width: f64, percent: bool) -> (f64, f64) {
        let known = self.classes.get(&simplified(class, self.by_weekend));
        let Expectation { expected, deviation, largest } = *known.unwrap_or(&self.all);
        let spread = (SIGMAS_PER_MAD * deviation)
            .max(SIGMAS_PER_MAD * self.residual * 0.5)
            .max(expected.abs() * 0.001)
            .max(1e-9);
        let (mut lower, mut upper) = (expected - width * spread, expected + width * spread);
        if self.periodic_spikes {
            upper = upper.max(largest);
        }
        if self.never_negative {
            lower = lower.max(0.0);
        }
        if percent && self.within_hundred {
            (lower, upper) = (lower.clamp(0.0, 100.0), upper.clamp(0.0, 100.0));
        }
        (lower, upper)
    }
}

fn simplified((weekend, hour): Class, by_weekend: bool) -> Class {
    (weekend && by_weekend, hour)
}

/// What is near what is usual in its class: a rhythm with two levels has no outliers because of them.
fn without_outliers(observations: &[Observation], by_weekend: bool, limit: f64) -> Vec<Observation> {
    let mut members: HashMap<Class, Vec<f64>> = HashMap::new();
    for observation in observations {
        members.entry(simplified(observation.class, by_weekend)).or_default().push(observation.value);
    }
    let centres: HashMap<Class, f64> =
        members.into_iter().map(|(class, values)| (class, median(values))).collect();
    let distance = |o: &Observation| {
        let centre = centres.get(&simplified(o.class, by_weekend)).copied().unwrap_or(o.value);
        (o.value - centre).abs()
    };
    let deviation = median(observations.iter().map(distance).collect());
    let far = limit * SIGMAS_PER_MAD * deviation;
    observations.iter().filter(|o| deviation == 0.0 || distance(o) <= far).copied().collect()
}

impl Expectation {
    /// Of values with their weights, of which there is at least one.
    fn of(mut members: Vec<(f64, f64)>) -> Self {
        let expected = weighted_median(&mut members);
        let largest = members.iter().fold(f64::NEG_INFINITY, |largest, (value, _)| largest.max(*value));
        members.iter_mut().for_each(|(value, _)| *value = (*value - expected).abs());
        Self { expected, deviation: weighted_median(&mut members), largest }
    }
}

fn weighted_median(members: &mut [(f64, f64)]) -> f64 {
    members.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = members.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut cumulative = 0.0;
    for (value, weight) in members.iter() {
        cumulative += weight;
        if cumulative >= half {
            return *value;
        }
    }
    members.last().map_or(MISSING, |(value, _)| *value)
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday.
    const MONDAY: i64 = 1_769_990_400;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_secs(MONDAY + hours * 3600)
    }

    /// Two weeks of a daily rhythm at five minutes, and a day to show.
    fn rhythm(value: impl Fn(i64) -> f64) -> (Vec<f64>, Grid, Grid) {
        let shown = Grid::new(at(0), at(24), 300, at(24));
        let training = shown.extended_back(TRAINING_SECS);
        let history = (0..training.slots()).map(|slot| value(training.at(slot).as_secs() - MONDAY)).collect();
        (history, training, shown)
    }

    /// Low at night, high by day, with noise that repeats.
    fn daily(second: i64) -> f64 {
        let hour = second.rem_euclid(86_400) / 3600;
        let noise = (second / 300 * 7919).rem_euclid(11) as f64 - 5.0;
        if (8..20).contains(&hour) { 100.0 + noise } else { 10.0 + noise / 5.0 }
    }

    #[test]
    fn the_band_follows_the_hour_of_the_day() {
        let (history, training, shown) = rhythm(daily);
        let band = band(&history, &training, &shown, 2.0, false, &Settings::default());
        let of = |hour: usize| (band.lower[hour * 12], band.upper[hour * 12]);
        let (low, high) = of(3);
        assert!(low < 10.0 && high > 10.0 && high < 40.0, "{low} {high}");
        let (low, high) = of(12);
        assert!(low > 60.0 && low < 100.0 && high > 100.0 && high < 140.0, "{low} {high}");
        let wide = super::band(&history, &training, &shown, 4.0, false, &Settings::default());
        assert!(wide.upper[0] > band.upper[0] && wide.lower[0] >= 0.0, "wider, and not below zero");
    }

    #[test]
    fn outliers_and_excluded_times_are_not_learnt() {
        let settings = Settings { excluded: vec![TimeRange::new(at(-60), at(-48))], ..Settings::default() };
        let (clean, training, shown) = rhythm(daily);
        let expected = band(&clean, &training, &shown, 2.0, false, &settings);
        let (spoilt, ..) = rhythm(|second| {
            let hour = second.div_euclid(3600);
            if second % 86_400 == -3600 {
                1e9
            } else if (-60..-48).contains(&hour) {
                55.0
            } else {
                daily(second)
            }
        });
        let found = band(&spoilt, &training, &shown, 2.0, false, &settings);
        for slot in 0..shown.slots() {
            assert!((found.upper[slot] - expected.upper[slot]).abs() < 2.0, "{slot}");
        }
    }

    #[test]
    fn too_little_history_gives_no_band() {
        let (mut history, training, shown) = rhythm(daily);
        let keep = history.len() - shown.slots() - 10;
        history[..keep].fill(MISSING);
        let band = band(&history, &training, &shown, 2.0, false, &Settings::default());
        assert!(band.upper[0].is_nan(), "fifty minutes are too little");
        assert!(!band.upper[12 * 4].is_nan(), "hours later there is enough");
    }

    #[test]
    fn percentages_stay_percentages_and_spikes_can_be_expected() {
        let spiky =
            |second: i64| if second.rem_euclid(3600) == 0 { 99.0 } else { 50.0 + (second / 300 % 3) as f64 };
        let (history, training, shown) = rhythm(spiky);
        let strict = Settings { outlier_limit: 1e9, ..Settings::default() };
        let plain = band(&history, &training, &shown, 1000.0, true, &strict);
        assert!(plain.upper.iter().all(|v| *v <= 100.0) && plain.lower.iter().all(|v| *v >= 0.0));
        let calm = band(&history, &training, &shown, 1.0, false, &strict);
        assert!(calm.upper[0] < 90.0);
        let spikes = Settings { periodic_spikes: true, ..strict };
        assert!(band(&history, &training, &shown, 1.0, false, &spikes).upper[0] >= 99.0);
    }
}
