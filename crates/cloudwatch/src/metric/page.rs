//! Cutting the results of GetMetricData into pages.
//!
//! A page's budget of datapoints is spent in the order of the results. A page continues where the one before
//! stopped; results that are finished come back empty.

use base::{Timestamp, page_token};

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Results before this one are finished.
    pub(crate) result: usize,
    /// The last timestamp of that result that was returned.
    pub(crate) after: Option<Timestamp>,
}

impl Position {
    pub(crate) fn to_token(self, purpose: &str) -> String {
        let after = self.after.map(|t| t.as_millis().to_string()).unwrap_or_default();
        page_token::encode(purpose, &[&self.result.to_string(), &after])
    }

    pub(crate) fn from_token(purpose: &str, token: &str) -> Option<Self> {
        let parts = page_token::decode(purpose, token).ok()?;
        let [result, after] = parts.as_slice() else { return None };
        let after = match after.as_str() {
            "" => None,
            millis => Some(Timestamp::from_millis(millis.parse().ok()?)),
        };
        Some(Self { result: result.parse().ok()?, after })
    }
}

/// One result's share of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Share {
    pub(crate) points: Vec<(Timestamp, f64)>,
    /// Nothing is left for later pages.
    pub(crate) complete: bool,
}

/// The page of `results` (each in the order it is returned in) from `position` with at most `budget` points,
/// and where the next page begins.
pub(crate) fn cut(
    results: Vec<Vec<(Timestamp, f64)>>,
    position: Position,
    budget: usize,
    descending: bool,
) -> (Vec<Share>, Option<Position>) {
    let mut left = budget;
    let mut next = None;
    let mut shares = Vec::with_capacity(results.len());
    for (number, mut points) in results.into_iter().enumerate() {
        if number < position.result {
            shares.push(Share { points: Vec::new(), complete: true });
            continue;
        }
        let after = position.after.filter(|_| number == position.result);
        if let Some(after) = after {
            let returned = |at: Timestamp| if descending { at >= after } else { at <= after };
            points.drain(..points.partition_point(|(at, _)| returned(*at)));
        }
        let complete = points.len() <= left;
        points.truncate(left);
        left -= points.len();
        if !complete && next.is_none() {
            next = Some(Position { result: number, after: points.last().map(|(at, _)| *at).or(after) });
        }
        shares.push(Share { points, complete });
    }
    (shares, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_spent_in_order_and_the_rest_follows() {
        // Vector G17 of the specification, in both orders.
        for descending in [false, true] {
            let series = |_| {
                let mut points: Vec<_> = (0..10).map(|i| (Timestamp::from_secs(i * 60), i as f64)).collect();
                if descending {
                    points.reverse();
                }
                points
            };
            let all: Vec<_> = (0..3).map(series).collect();
            let shape =
                |shares: &[Share]| shares.iter().map(|s| (s.points.len(), s.complete)).collect::<Vec<_>>();
            let (first, next) = cut(all.clone(), Position::default(), 15, descending);
            assert_eq!(shape(&first), [(10, true), (5, false), (0, false)]);
            let next = next.unwrap();
            assert_eq!(Position::from_token("p", &next.to_token("p")), Some(next));
            assert_eq!(Position::from_token("q", &next.to_token("p")), None);
            let (second, end) = cut(all.clone(), next, 15, descending);
            assert_eq!(shape(&second), [(0, true), (5, true), (10, true)]);
            assert_eq!(end, None);
            let joined = [first[1].points.clone(), second[1].points.clone()].concat();
            assert_eq!(joined, all[1]);
        }
    }

    #[test]
    fn a_page_that_ends_between_results_goes_on_with_the_next() {
        let series = vec![(Timestamp::from_secs(0), 1.0), (Timestamp::from_secs(1), 1.0)];
        let (shares, next) = cut(vec![series.clone(), Vec::new(), series], Position::default(), 2, false);
        assert_eq!(shares.iter().map(|s| s.complete).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(next, Some(Position { result: 2, after: None }));
    }
}
