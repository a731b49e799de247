//! BatchGetTraces: the documents of traces by id.

use base::page_token;
use shapes::xray as model;
use shapes::xray::{BatchGetTracesRequest, BatchGetTracesResult};
use signals::TraceId;
use smithy::Cx;
use store::tables::traces::StoredTrace;

use crate::trace::{TRACE_BYTES_MAX, Trace, documents, duration_secs};
use crate::{XRay, XRayError};

/// The model sets no limit and AWS documents none that could be confirmed.
const IDS_MAX: usize = 100;
/// Traces of one page: so many, and no more than the bytes below unless it is one.
const PAGE_TRACES: usize = 25;
const PAGE_BYTES: usize = 4 << 20;

pub(crate) async fn batch_get_traces(
    cx: Cx<XRay>,
    input: BatchGetTracesRequest,
) -> Result<BatchGetTracesResult, XRayError> {
    if input.trace_ids.len() > IDS_MAX {
        return Err(XRayError::InvalidRequest(format!("at most {IDS_MAX} trace ids are allowed")));
    }
    let purpose = format!("BatchGetTraces|{}|{}", cx.scope(), input.trace_ids.join(","));
    let start = match input.next_token.as_deref() {
        None | Some("") => 0,
        Some(token) => read_token(&purpose, token)?,
    };
    let mut ids: Vec<TraceId> = Vec::new();
    let mut unprocessed = Vec::new();
    for text in input.trace_ids {
        match text.parse() {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(_) => unprocessed.push(text),
        }
    }
    let rest = ids.get(start..).unwrap_or_default();
    let page = &rest[..rest.len().min(PAGE_TRACES)];
    let stored = cx.service.traces.get(cx.scope(), page).await?;
    let mut traces = Vec::new();
    let (mut bytes, mut taken) = (0, 0);
    for trace in stored {
        if let Some(stored) = trace {
            let (trace, size) = shape(stored, cx.scope().account.as_str())?;
            if taken > 0 && bytes + size > PAGE_BYTES {
                break;
            }
            bytes += size;
            traces.push(trace);
        }
        taken += 1;
    }
    let next = start + taken;
    let next_token = (next < ids.len()).then(|| page_token::encode(&purpose, &[&next.to_string()]));
    Ok(BatchGetTracesResult { traces: Some(traces), unprocessed_trace_ids: Some(unprocessed), next_token })
}

fn read_token(purpose: &str, token: &str) -> Result<usize, XRayError> {
    let parts = page_token::decode(purpose, token).ok();
    let start = parts.and_then(|parts| parts.first()?.parse().ok());
    start.ok_or_else(|| XRayError::InvalidRequest("Invalid NextToken".to_owned()))
}

/// The trace, and how many bytes its documents have. Beyond the quota of a trace the first documents to
/// come are kept.
fn shape(mut stored: StoredTrace, account: &str) -> Result<(model::Trace, usize), XRayError> {
    let mut bytes = 0;
    let fitting = stored.segments.iter().take_while(|segment| {
        bytes += segment.document.len();
        bytes <= TRACE_BYTES_MAX
    });
    let fitting = fitting.count();
    let limit_exceeded = fitting < stored.segments.len();
    stored.segments.truncate(fitting);
    let trace = Trace::assemble(&stored, account)?;
    let segments: Vec<model::Segment> = documents(&trace, &stored)?
        .segments
        .into_iter()
        .map(|(id, document)| model::Segment { id: Some(format!("{id:016x}")), document: Some(document) })
        .collect();
    let size = segments.iter().filter_map(|segment| segment.document.as_ref()).map(String::len).sum();
    let trace = model::Trace {
        id: Some(trace.id.to_string()),
        duration: Some(duration_secs(&trace)),
        limit_exceeded: Some(limit_exceeded),
        segments: Some(segments),
    };
    Ok((trace, size))
}
