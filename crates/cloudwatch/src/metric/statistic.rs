//! Statistics of a distribution.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>.

use signals::Dist;

/// A statistic this server computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `pNN`, with NN from 0 to 100.
    Percentile(f64),
}

/// Why a text is not a statistic of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatisticError {
    /// CloudWatch has it and this server doesn't yet.
    NotAvailable,
    Unknown,
}

impl Statistic {
    pub(crate) fn parse(text: &str) -> Result<Self, StatisticError> {
        Ok(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => return Self::parse_extended(text),
        })
    }

    /// `pNN`, the only kind of extended statistic so far.
    pub(crate) fn parse_extended(text: &str) -> Result<Self, StatisticError> {
        if let Some(percent) = text.strip_prefix('p').and_then(percentage) {
            return Ok(Self::Percentile(percent));
        }
        let trimmed =
            ["tm", "tc", "ts", "wm"].iter().any(|p| text.strip_prefix(p).and_then(percentage).is_some());
        let ranged =
            ["TM(", "TC(", "TS(", "WM(", "PR("].iter().any(|p| text.starts_with(p)) && text.ends_with(')');
        if trimmed || ranged || text == "IQM" {
            Err(StatisticError::NotAvailable)
        } else {
            Err(StatisticError::Unknown)
        }
    }

    /// The value for a distribution; `None` where it has none.
    pub(crate) fn of(self, dist: &Dist) -> Option<f64> {
        match self {
            Self::SampleCount => Some(dist.count),
            Self::Average => Some(dist.average()),
            Self::Sum => Some(dist.sum),
            Self::Minimum => Some(dist.min),
            Self::Maximum => Some(dist.max),
            Self::Percentile(percent) => dist.percentile(percent),
        }
    }
}

/// A number from 0 to 100 with at most ten decimals.
fn percentage(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |part: &str, max| (1..=max).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let value: f64 = (digits(whole, 3) && digits(decimals, 10)).then(|| text.parse().ok())??;
    (value <= 100.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_recognised_by_their_spelling() {
        for (text, percent) in
            [("p0", 0.0), ("p99", 99.0), ("p99.9", 99.9), ("p100", 100.0), ("p5.0123456789", 5.0123456789)]
        {
            assert_eq!(Statistic::parse(text), Ok(Statistic::Percentile(percent)));
        }
        for later in ["tm99", "tc90", "ts1.5", "wm98", "IQM", "PR(:3)", "TM(20%:80%)"] {
            assert_eq!(Statistic::parse(later), Err(StatisticError::NotAvailable), "{later}");
        }
        for unknown in ["", "p", "p101", "p-1", "p1.12345678901", "P99", "average", "o99", "p1e1", "iqm"] {
            assert_eq!(Statistic::parse(unknown), Err(StatisticError::Unknown), "{unknown}");
        }
        assert_eq!(Statistic::parse_extended("Sum"), Err(StatisticError::Unknown));
    }
}
