//! Taking segment documents: one path for PutTraceSegments, the daemon's protocol and OTLP.

use async_trait::async_trait;
use base::{Scope, Timestamp};
use ingest::segment_document;
use signals::{SegmentRejection, SinkError, TraceId, TraceSegment, TraceSink};
use store::tables::traces::MODIFIABLE_MILLIS;

use crate::XRay;
use crate::error::XRayError;

impl XRay {
    /// Keeps the sound ones of `documents`; durable when it returns. Rejections come in input order.
    pub(crate) async fn put_documents(
        &self,
        scope: &Scope,
        documents: &[String],
        now: Timestamp,
    ) -> Result<Vec<SegmentRejection>, XRayError> {
        let mut segments = Vec::with_capacity(documents.len());
        let mut rejections: Vec<(usize, SegmentRejection)> = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            match segment_document::parse(document, now, self.config.segment_rules) {
                Ok(segment) => segments.push((number, segment)),
                Err(rejection) => rejections.push((number, rejection)),
            }
        }
        self.reject_closed_traces(scope, &mut segments, &mut rejections, now).await?;
        if !segments.is_empty() {
            self.traces.append(scope, segments.into_iter().map(|(_, segment)| segment).collect()).await?;
        }
        rejections.sort_by_key(|(number, _)| *number);
        Ok(rejections.into_iter().map(|(_, rejection)| rejection).collect())
    }

    /// A trace may be modified for seven days. Only documents that may belong to such an old trace are
    /// looked up: those that started long ago or whose trace id says so.
    async fn reject_closed_traces(
        &self,
        scope: &Scope,
        segments: &mut Vec<(usize, TraceSegment)>,
        rejections: &mut Vec<(usize, SegmentRejection)>,
        now: Timestamp,
    ) -> Result<(), XRayError> {
        let oldest = now.saturating_sub_millis(MODIFIABLE_MILLIS);
        let suspects: Vec<TraceId> =
            segments.iter().filter(|(_, s)| may_be_closed(s, oldest)).map(|(_, s)| s.trace_id).collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let first_received = self.traces.first_received(scope, &suspects).await?;
        segments.retain(|(number, segment)| {
            let closed = first_received.get(&segment.trace_id).is_some_and(|first| *first < oldest);
            if closed {
                let code = "InvalidTraceId";
                let message = if segment.is_lone_subsegment {
                    format!("Invalid subsegment. ErrorCode: {code}, Cause: null")
                } else {
                    format!("Invalid segment. ErrorCode: {code}")
                };
                let id = Some(format!("{:016x}", segment.id));
                rejections.push((*number, SegmentRejection { id, error_code: code.to_owned(), message }));
            }
            !closed
        });
        Ok(())
    }
}

fn may_be_closed(segment: &TraceSegment, oldest: Timestamp) -> bool {
    let embedded = Timestamp::from_secs(i64::from(segment.trace_id.embedded_secs()));
    let plausible = segment.received.millis_since(embedded) <= store::tables::traces::RETENTION_MILLIS;
    segment.start_time < oldest || (plausible && embedded < oldest)
}

#[async_trait]
impl TraceSink for XRay {
    async fn put_segment_documents(
        &self,
        scope: &Scope,
        documents: Vec<String>,
    ) -> Result<Vec<SegmentRejection>, SinkError> {
        let now = self.clock.now();
        self.put_documents(scope, &documents, now).await.map_err(SinkError::from)
    }
}
