//! `pattern expr`, and what may follow it: `diff`, `anomaly`; and `logcompare`, which is a diff by any shift.

use super::expression::{Node, expression, period};
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Baseline, PatternStep, Period, PeriodUnit, Stage};
use crate::text::QueryError;

/// Columns of `pattern`.
const COLUMNS: [&str; 8] = [
    "@pattern",
    "@ratio",
    "@sampleCount",
    "@severityLabel",
    "@patternId",
    "@tokens",
    "@regexString",
    "@logSamples",
];
/// What a comparison adds.
const COMPARED: [&str; 2] = ["@differenceEventCount", "@differenceDescription"];
/// What `anomaly` adds.
const ANOMALIES: [&str; 3] = ["@anomalyScore", "@anomalyType", "@anomalyDescription"];

pub(super) struct Pattern {
    text: Node,
}

impl Pattern {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { text: expression(parser)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        planner.no_structure(&self.text, "pattern")?;
        let text = planner.expr(&self.text)?;
        planner.push(Stage::Pattern(PatternStep { text, baseline: None, anomalies: false }))?;
        planner.redefine(COLUMNS.map(str::to_owned).to_vec());
        Ok(())
    }
}

pub(super) struct Diff {
    baseline: Baseline,
}

impl Diff {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut baseline = Baseline::Preceding;
        for (word, unit) in [
            ("previousday", PeriodUnit::Day),
            ("previousweek", PeriodUnit::Week),
            ("previousmonth", PeriodUnit::Month),
        ] {
            if parser.keyword(word)? {
                baseline = Baseline::Earlier(Period { count: 1, unit });
            }
        }
        Ok(Self { baseline })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        match planner.last_stage() {
            Some(Stage::Pattern(pattern)) if pattern.baseline.is_none() && !pattern.anomalies => {
                pattern.baseline = Some(self.baseline);
            }
            // AWS: observed text.
            _ => {
                let message = "Diff compilation Failed : Diff operation has to be used after Pattern";
                return Err(planner.error(planner.keyword, message));
            }
        }
        planner.define_columns(&COMPARED);
        Ok(())
    }
}

pub(super) struct LogCompare {
    shift: Period,
}

impl LogCompare {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        if !parser.keyword("timeshift")? {
            return Err(parser.unexpected()?);
        }
        Ok(Self { shift: period(parser)?.0 })
    }

    /// Behind `pattern` it compares those patterns, anywhere else those of the messages.
    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        if !matches!(planner.last_stage(), Some(Stage::Pattern(_))) {
            let text = planner.field("@message", planner.keyword)?;
            planner.push(Stage::Pattern(PatternStep { text, baseline: None, anomalies: false }))?;
            planner.redefine(COLUMNS.map(str::to_owned).to_vec());
        }
        Diff { baseline: Baseline::Earlier(self.shift) }.plan(planner)
    }
}

/// `anomaly`.
pub(super) fn anomaly(planner: &mut Planner<'_>) -> Result<(), QueryError> {
    match planner.last_stage() {
        Some(Stage::Pattern(pattern)) if !pattern.anomalies => pattern.anomalies = true,
        _ => return Err(planner.error(planner.keyword, "anomaly has to be used after pattern")),
    }
    planner.define_columns(&ANOMALIES);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn patterns_and_their_comparisons() {
        assert!(plan("filter a = 1 | pattern @message | filter @sampleCount > 1").starts_with(
            "filter (= a 1)\npattern @message\nfilter (> @sampleCount 1)\nrows @pattern, @ratio, @sampleCount"
        ));
        assert!(
            plan("pattern substr(@message, 5) | diff")
                .starts_with("pattern (Substring @message 5) against the range before\n")
        );
        assert!(plan("pattern @message | diff previousWeek").contains("against 1w earlier\n"));
        assert!(plan("logcompare timeshift 7d").starts_with("pattern @message against 7d earlier\n"));
        assert!(plan("pattern @message | anomaly | sort @anomalyScore desc").contains("with anomalies\n"));
    }

    #[test]
    fn places() {
        assert_eq!(
            error("filter @message like 'x' | diff"),
            "27..31 Diff compilation Failed : Diff operation has to be used after Pattern"
        );
        assert!(error("sort a | pattern @message").contains("unexpected symbol found pattern"));
        assert!(error("fields jsonParse(@message) as j | pattern j").contains("cannot be used in pattern"));
        assert!(error("anomaly").contains("after pattern"));
    }
}
