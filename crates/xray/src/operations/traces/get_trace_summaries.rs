//! GetTraceSummaries: summaries of the traces in a time range that match a filter, the newest first.

use base::{Scope, TimeRange, Timestamp, page_token};
use lang::trace_filter::TraceFilter;
use shapes::xray::{
    GetTraceSummariesRequest, GetTraceSummariesResult, SamplingStrategy, SamplingStrategyName, TimeRangeType,
    TraceSummary,
};
use smithy::Cx;
use store::tables::traces::{TracePosition, TraceScan, TraceTimeKind};

use crate::trace::{FilterView, Trace, sampling_fraction, summary};
use crate::{XRay, XRayError};

/// Summaries of a page, and traces examined for it.
const PAGE_SUMMARIES: usize = 100;
const PAGE_EXAMINED: usize = 10_000;
/// Traces read at a time.
const CHUNK: usize = 128;
const RANGE_MILLIS_MAX: i64 = 24 * 3_600_000;
const AGE_MILLIS_MAX: i64 = 30 * 86_400_000;
/// From how many traces on `Sampling: true` alone leaves some out, and what share it keeps.
const SAMPLING_FROM: usize = 10_000;
const SAMPLING_RATE: f64 = 0.1;
/// Traces that are counted for a partial scan.
const COUNTED_MAX: usize = 1_000_000;

pub(crate) async fn get_trace_summaries(
    cx: Cx<XRay>,
    input: GetTraceSummariesRequest,
) -> Result<GetTraceSummariesResult, XRayError> {
    let range = check_range(&input, cx.now)?;
    let filter = TraceFilter::parse(input.filter_expression.as_deref().unwrap_or_default())
        .map_err(|error| XRayError::InvalidRequest(error.to_string()))?;
    let kind = match input.time_range_type {
        None | Some(TimeRangeType::TraceId) => TraceTimeKind::TraceId,
        Some(TimeRangeType::Event) => TraceTimeKind::Event,
        Some(TimeRangeType::Service) => TraceTimeKind::Service,
        Some(TimeRangeType::Unknown(other)) => {
            return Err(XRayError::InvalidRequest(format!("unknown TimeRangeType {other}")));
        }
    };
    let purpose = purpose(cx.scope(), &input);
    let mut scan = TraceScan { range, kind, after: None, now: cx.now };
    let mut sample = match input.next_token.as_deref() {
        None | Some("") => choose_sample(&cx, &input, &scan).await?,
        Some(token) => {
            let (position, sample) = read_token(&purpose, token).ok_or_else(invalid_token)?;
            scan.after = Some(position);
            sample
        }
    };
    let page = examine(&cx, &scan, &filter, &mut sample).await?;
    let next_token = page.resume.map(|position| write_token(&purpose, position, sample));
    Ok(GetTraceSummariesResult {
        trace_summaries: Some(page.summaries),
        approximate_time: Some(page.oldest.unwrap_or(range.start)),
        traces_processed_count: Some(page.examined as i64),
        next_token,
    })
}

fn check_range(input: &GetTraceSummariesRequest, now: Timestamp) -> Result<TimeRange, XRayError> {
    let (start, end) = (input.start_time, input.end_time);
    let refuse = |reason: &str| Err(XRayError::InvalidRequest(reason.to_owned()));
    if end <= start {
        return refuse("EndTime must be after StartTime");
    }
    if end.millis_since(start) > RANGE_MILLIS_MAX {
        return refuse("the time range must not be longer than 24 hours");
    }
    if now.millis_since(start) > AGE_MILLIS_MAX {
        return refuse("StartTime must not be more than 30 days ago");
    }
    Ok(TimeRange::new(start, end))
}

/// Which of the traces are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sample {
    All,
    /// This share, by trace id.
    Rate(f64),
    /// So many more, the newest first.
    Newest(usize),
}

async fn choose_sample(
    cx: &Cx<XRay>,
    input: &GetTraceSummariesRequest,
    scan: &TraceScan,
) -> Result<Sample, XRayError> {
    let traces = &cx.service.traces;
    if input.sampling != Some(true) {
        return Ok(Sample::All);
    }
    let Some(SamplingStrategy { name, value }) = &input.sampling_strategy else {
        let many = traces.candidates(cx.scope(), scan, SAMPLING_FROM + 1).await?.len() > SAMPLING_FROM;
        return Ok(if many { Sample::Rate(SAMPLING_RATE) } else { Sample::All });
    };
    let value = value.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&value) {
        return Err(XRayError::InvalidRequest("the sampling value must be between 0 and 1".to_owned()));
    }
    match name {
        None | Some(SamplingStrategyName::FixedRate) => Ok(Sample::Rate(value)),
        Some(SamplingStrategyName::PartialScan) => {
            let count = traces.candidates(cx.scope(), scan, COUNTED_MAX).await?.len();
            Ok(Sample::Newest((count as f64 * value).ceil() as usize))
        }
        Some(SamplingStrategyName::Unknown(other)) => {
            Err(XRayError::InvalidRequest(format!("unknown sampling strategy {other}")))
        }
    }
}

#[derive(Default)]
struct Page {
    summaries: Vec<TraceSummary>,
    examined: usize,
    oldest: Option<Timestamp>,
    /// Where the next page goes on; `None` if nothing is left.
    resume: Option<TracePosition>,
}

async fn examine(
    cx: &Cx<XRay>,
    scan: &TraceScan,
    filter: &TraceFilter,
    sample: &mut Sample,
) -> Result<Page, XRayError> {
    let mut page = Page::default();
    let candidates = cx.service.traces.candidates(cx.scope(), scan, PAGE_EXAMINED).await?;
    for chunk in candidates.chunks(CHUNK) {
        let sampled: Vec<TracePosition> = chunk
            .iter()
            .copied()
            .filter(
                |position| !matches!(sample, Sample::Rate(rate) if sampling_fraction(position.id) >= *rate),
            )
            .collect();
        let ids: Vec<_> = sampled.iter().map(|position| position.id).collect();
        let stored = cx.service.traces.get(cx.scope(), &ids).await?;
        for (position, stored) in sampled.into_iter().zip(stored) {
            // Other candidates of the trace stand for versions of its segments that do not count.
            let Some(stored) = stored.filter(|stored| scan.position(stored) == Some(position)) else {
                continue;
            };
            if let Sample::Newest(left) = sample {
                if *left == 0 {
                    return Ok(page_end(page));
                }
                *left -= 1;
            }
            page.examined += 1;
            page.oldest = Some(position.time);
            let trace = Trace::assemble(&stored, cx.scope().account.as_str())?;
            if filter.matches(&FilterView::new(&trace)) {
                let event_range = (scan.kind == TraceTimeKind::Event).then_some(scan.range);
                page.summaries.push(summary(&trace, event_range, cx.now.as_secs_f64()));
            }
            if page.summaries.len() == PAGE_SUMMARIES {
                let last = candidates.last() == Some(&position) && candidates.len() < PAGE_EXAMINED;
                page.resume = (!last).then_some(position);
                return Ok(page);
            }
        }
        tokio::task::yield_now().await;
    }
    if candidates.len() == PAGE_EXAMINED {
        page.resume = candidates.last().copied();
    }
    Ok(page)
}

/// A page behind which nothing comes, whatever else there is.
fn page_end(page: Page) -> Page {
    Page { resume: None, ..page }
}

/// What must not change between pages.
fn purpose(scope: &Scope, input: &GetTraceSummariesRequest) -> String {
    let strategy = input.sampling_strategy.as_ref();
    format!(
        "GetTraceSummaries|{scope}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}",
        input.start_time,
        input.end_time,
        input.time_range_type,
        input.filter_expression,
        input.sampling,
        strategy.map(|s| &s.name),
        strategy.map(|s| s.value),
    )
}

fn write_token(purpose: &str, position: TracePosition, sample: Sample) -> String {
    let sample = match sample {
        Sample::All => "all".to_owned(),
        Sample::Rate(rate) => format!("rate {rate}"),
        Sample::Newest(left) => format!("newest {left}"),
    };
    page_token::encode(purpose, &[&position.time.as_millis().to_string(), &position.id.to_string(), &sample])
}

fn read_token(purpose: &str, token: &str) -> Option<(TracePosition, Sample)> {
    let parts = page_token::decode(purpose, token).ok()?;
    let [time, id, sample] = parts.as_slice() else { return None };
    let position = TracePosition { time: Timestamp::from_millis(time.parse().ok()?), id: id.parse().ok()? };
    let sample = match sample.split_once(' ') {
        None if sample == "all" => Sample::All,
        Some(("rate", rate)) => Sample::Rate(rate.parse().ok()?),
        Some(("newest", left)) => Sample::Newest(left.parse().ok()?),
        _ => return None,
    };
    Some((position, sample))
}

fn invalid_token() -> XRayError {
    XRayError::InvalidRequest("Invalid NextToken".to_owned())
}
