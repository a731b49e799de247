//! Distributions of observations, from which every CloudWatch statistic is computed.
//!
//! Exact (value → count) while there are at most [`EXACT_VALUES_MAX`] distinct values; beyond that,
//! logarithmic buckets with a relative width of [`GAMMA`] − 1, so that a quantile is off by at most
//! about 1 % of its value. A statistic set that says less than its distribution is *opaque*: count, sum,
//! minimum and maximum are known and percentiles are not.
//!
//! Source of the definitions:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>.

mod binary;

use std::cmp::Ordering;

pub use binary::DistDecodeError;

/// Distinct values kept exactly.
pub const EXACT_VALUES_MAX: usize = 1024;
/// Ratio between the bounds of a logarithmic bucket.
pub const GAMMA: f64 = 1.02;

/// Count, sum and extremes, always exact; and the shape of the distribution as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Dist {
    /// Σ counts; counts may be fractional.
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub shape: Shape,
}

/// What is known beyond count, sum and extremes.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// All observations equal `min`; the common case, kept free of allocation.
    Constant,
    /// Distinct values in ascending order with their counts.
    Exact(Vec<(f64, f64)>),
    /// Logarithmic buckets in ascending order of value: (key, count).
    Buckets(Vec<(i32, f64)>),
    /// At least one statistic set hides its values.
    Opaque,
}

impl Dist {
    /// One value observed `count` times.
    pub fn constant(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, min: value, max: value, shape: Shape::Constant }
    }

    pub fn single(value: f64) -> Self {
        Self { count: 1.0, sum: value, min: value, max: value, shape: Shape::Constant }
    }

    /// The distribution of `(value, count)` pairs; `None` if there are none.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut dist: Option<Dist> = None;
        for (value, count) in pairs {
            match &mut dist {
                None => dist = Some(Dist::constant(value, count)),
                Some(dist) => dist.merge(&Dist::constant(value, count)),
            }
        }
        dist
    }

    /// A statistic set. It is exact when it can only mean one thing, and opaque otherwise.
    pub fn from_statistic_set(count: f64, sum: f64, min: f64, max: f64) -> Self {
        // A tolerance, because clients compute the sum in floating point.
        let tolerance = 1e-9 * sum.abs().max(min.abs()).max(1e-300);
        if min == max && (sum - min * count).abs() <= tolerance {
            Self { count, sum, min, max, shape: Shape::Constant }
        } else {
            Self { count, sum, min, max, shape: Shape::Opaque }
        }
    }

    /// Adds `count` observations of `value`.
    pub fn add(&mut self, value: f64, count: f64) {
        self.merge(&Dist::constant(value, count));
    }

    /// Adds all observations of `other`.
    pub fn merge(&mut self, other: &Dist) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = other.clone();
            return;
        }
        if matches!(other.shape, Shape::Constant) && self.insert(other.min, other.count) {
            self.count += other.count;
            self.sum += other.sum;
            self.min = self.min.min(other.min);
            self.max = self.max.max(other.max);
            return;
        }
        let shape = match (&self.shape, &other.shape) {
            (Shape::Opaque, _) | (_, Shape::Opaque) => Shape::Opaque,
            (Shape::Constant, Shape::Constant) if self.min == other.min => Shape::Constant,
            (Shape::Buckets(_), _) | (_, Shape::Buckets(_)) => {
                Shape::Buckets(merge_sorted(self.bucketed(), other.bucketed(), i32::cmp))
            }
            _ => {
                let merged = merge_sorted(self.exact_pairs(), other.exact_pairs(), f64::total_cmp);
                if merged.len() > EXACT_VALUES_MAX {
                    Shape::Buckets(bucket_pairs(merged))
                } else {
                    Shape::Exact(merged)
                }
            }
        };
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.shape = shape;
    }

    /// Puts one value into an exact or bucketed shape in place, which spares the copies of a general
    /// merge. Returns false, having done nothing, where that is not possible.
    fn insert(&mut self, value: f64, count: f64) -> bool {
        match &mut self.shape {
            Shape::Exact(pairs) => match pairs.binary_search_by(|(v, _)| v.total_cmp(&value)) {
                Ok(at) => pairs[at].1 += count,
                Err(_) if pairs.len() >= EXACT_VALUES_MAX => return false,
                Err(at) => pairs.insert(at, (value, count)),
            },
            Shape::Buckets(buckets) => {
                let key = bucket_key(value);
                match buckets.binary_search_by_key(&key, |(k, _)| *k) {
                    Ok(at) => buckets[at].1 += count,
                    Err(at) => buckets.insert(at, (key, count)),
                }
            }
            Shape::Opaque => {}
            Shape::Constant => return false,
        }
        true
    }

    /// Bytes on the heap behind this value.
    pub fn heap_bytes(&self) -> usize {
        match &self.shape {
            Shape::Constant | Shape::Opaque => 0,
            Shape::Exact(pairs) => pairs.capacity() * 16,
            Shape::Buckets(buckets) => buckets.capacity() * 16,
        }
    }

    pub fn average(&self) -> f64 {
        self.sum / self.count
    }

    /// Whether percentile-class statistics may be computed: all values known, none negative.
    pub fn supports_percentiles(&self) -> bool {
        !matches!(self.shape, Shape::Opaque) && self.min >= 0.0 && self.count > 0.0
    }

    /// Values in ascending order with their counts, as far as they are known: exact values, or the
    /// middle of each bucket clamped to the extremes. Empty for an opaque distribution.
    pub fn pairs(&self) -> Vec<(f64, f64)> {
        match &self.shape {
            Shape::Buckets(buckets) => buckets
                .iter()
                .map(|(key, count)| (bucket_value(*key).clamp(self.min, self.max), *count))
                .collect(),
            _ => self.exact_pairs(),
        }
    }

    /// The smallest value whose cumulative count reaches `percent` % of the whole: with n equal
    /// weights the value at rank max(1, ⌈percent/100 × n⌉). `None` where percentiles are unavailable.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if !self.supports_percentiles() {
            return None;
        }
        // The extremes are known exactly, also where buckets are not.
        if percent >= 100.0 {
            return Some(self.max);
        }
        if percent <= 0.0 {
            return Some(self.min);
        }
        // Ranks are meant in exact decimal arithmetic; the relative slack absorbs what binary
        // floating point adds to products such as 0.07 × 100.
        let target = percent * self.count / 100.0;
        let target = target - target.abs() * 1e-12;
        let mut cumulative = 0.0;
        for (value, count) in self.pairs() {
            cumulative += count;
            if cumulative >= target && cumulative > 0.0 {
                return Some(value);
            }
        }
        Some(self.max)
    }

    fn exact_pairs(&self) -> Vec<(f64, f64)> {
        match &self.shape {
            Shape::Constant => vec![(self.min, self.count)],
            Shape::Exact(pairs) => pairs.clone(),
            Shape::Buckets(_) | Shape::Opaque => Vec::new(),
        }
    }

    fn bucketed(&self) -> Vec<(i32, f64)> {
        match &self.shape {
            Shape::Buckets(buckets) => buckets.clone(),
            _ => bucket_pairs(self.exact_pairs()),
        }
    }
}

/// Key of the bucket `(GAMMA^(k−1), GAMMA^k]` of |value|: positive values have keys above
/// [`ZERO_KEY`], negative ones mirrored below it.
fn bucket_key(value: f64) -> i32 {
    if value == 0.0 {
        return ZERO_KEY;
    }
    // |ln(value) / ln(GAMMA)| < 36,000 for every finite double, so keys never meet zero's.
    let magnitude = (value.abs().ln() / GAMMA.ln()).ceil() as i32 + KEY_OFFSET;
    if value > 0.0 { magnitude } else { -magnitude }
}

fn bucket_value(key: i32) -> f64 {
    match key.cmp(&ZERO_KEY) {
        Ordering::Equal => 0.0,
        Ordering::Greater => middle(key),
        Ordering::Less => -middle(-key),
    }
}

fn middle(magnitude: i32) -> f64 {
    let upper = GAMMA.powi(magnitude - KEY_OFFSET);
    2.0 * upper / (1.0 + GAMMA)
}

const ZERO_KEY: i32 = 0;
const KEY_OFFSET: i32 = 40_000;

fn bucket_pairs(pairs: Vec<(f64, f64)>) -> Vec<(i32, f64)> {
    let mut buckets: Vec<(i32, f64)> = Vec::new();
    for (value, count) in pairs {
        let key = bucket_key(value);
        match buckets.last_mut() {
            Some((last, total)) if *last == key => *total += count,
            _ => buckets.push((key, count)),
        }
    }
    buckets
}

fn merge_sorted<K: Copy>(
    a: Vec<(K, f64)>,
    b: Vec<(K, f64)>,
    cmp: impl Fn(&K, &K) -> Ordering,
) -> Vec<(K, f64)> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    loop {
        let take_a = match (a.peek(), b.peek()) {
            (None, None) => return merged,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(x), Some(y)) => match cmp(&x.0, &y.0) {
                Ordering::Less => true,
                Ordering::Greater => false,
                Ordering::Equal => {
                    merged.push((x.0, x.1 + y.1));
                    a.next();
                    b.next();
                    continue;
                }
            },
        };
        merged.extend(if take_a { a.next() } else { b.next() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Dist {
        Dist::from_pairs(values.iter().map(|v| (*v, 1.0))).unwrap()
    }

    #[test]
    fn exact_percentiles_take_the_ceiling_rank() {
        let hundred = of(&(1..=100).map(f64::from).collect::<Vec<_>>());
        for (percent, expected) in
            [(0.0, 1.0), (50.0, 50.0), (99.0, 99.0), (99.5, 100.0), (7.0, 7.0), (100.0, 100.0)]
        {
            assert_eq!(hundred.percentile(percent), Some(expected), "p{percent}");
        }
        assert_eq!(of(&[5.0]).percentile(50.0), Some(5.0));
    }

    #[test]
    fn negative_values_and_opaque_sets_have_no_percentiles() {
        assert_eq!(of(&[-1.0, 2.0]).percentile(50.0), None);
        assert_eq!(Dist::from_statistic_set(3.0, 6.0, 1.0, 3.0).percentile(50.0), None);
        assert_eq!(Dist::from_statistic_set(3.0, 6.0, 2.0, 2.0).percentile(50.0), Some(2.0));
    }

    #[test]
    fn many_values_stay_within_one_percent() {
        let mut dist = Dist::single(1.0);
        for i in 1..20_000u32 {
            dist.merge(&Dist::single(f64::from(i) * 0.37 + 1.0));
        }
        assert!(matches!(dist.shape, Shape::Buckets(_)));
        assert_eq!(dist.count, 20_000.0);
        let p90 = dist.percentile(90.0).unwrap();
        let exact = 17_999.0 * 0.37 + 1.0;
        assert!((p90 - exact).abs() / exact < 0.011, "{p90} against {exact}");
        assert_eq!(dist.percentile(100.0), Some(dist.max));
    }

    #[test]
    fn merging_is_the_same_in_any_order() {
        let (a, b) = (of(&[1.0, 2.0, 2.0]), of(&[0.0, 2.0, 9.0]));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        assert_eq!(ab, ba);
        assert_eq!(ab.pairs(), [(0.0, 1.0), (1.0, 1.0), (2.0, 3.0), (9.0, 1.0)]);
    }
}
