//! LookupEvents: management events of this account and Region in the last 90 days, newest first.
//! Source: `spec/cloudtrail.md` §10.

use base::{TimeRange, Timestamp, page_token};
use shapes::cloudtrail::{Event, LookupAttribute, LookupEventsRequest, LookupEventsResponse, Resource};
use signals::AuditEvent;
use smithy::Cx;
use store::tables::audit::{AuditFilter, AuditLookup, AuditPosition, RETENTION_MILLIS};

use crate::CloudTrail;
use crate::error::CloudTrailError;

pub(crate) const LOOKUPS_PER_SECOND: u32 = 2;

const RESULTS_MAX: i32 = 50;
/// A page token is good for an hour.
const TOKEN_LIFE_MILLIS: i64 = 3_600_000;
const VALUE_LENGTH_MAX: usize = 2000;
const SECOND_MILLIS: i64 = 1000;

/// Attributes Insights events can be looked up by.
const INSIGHT_KEYS: [&str; 3] = ["EventId", "EventName", "EventSource"];

pub(crate) async fn lookup_events(
    cx: Cx<CloudTrail>,
    input: LookupEventsRequest,
) -> Result<LookupEventsResponse, CloudTrailError> {
    if cx.service.lookups.as_ref().is_some_and(|limit| !limit.admits(cx.scope(), cx.now)) {
        return Err(CloudTrailError::Throttled);
    }
    let limit = results_max(input.max_results)?;
    let insight = is_insight(input.event_category.as_deref())?;
    let filter = filter(input.lookup_attributes.as_deref().unwrap_or_default(), insight)?;
    check_time_range(&input)?;
    let purpose = purpose(&cx, &input);
    let cursor =
        input.next_token.as_deref().map(|token| Cursor::decode(&purpose, token, cx.now)).transpose()?;
    if insight {
        // No call to this server is ever unusual to it: there are no Insights events.
        return Ok(LookupEventsResponse { events: Some(Vec::new()), next_token: None });
    }
    // What comes after the first page was read belongs to no later page.
    let end = cursor.as_ref().map_or_else(|| end(&input, cx.now), |cursor| cursor.end);
    let start = input.start_time.unwrap_or(cx.now.saturating_sub_millis(RETENTION_MILLIS));
    let lookup = AuditLookup {
        range: TimeRange::new(start.floor_to(SECOND_MILLIS), end),
        filter,
        after: cursor.map(|cursor| cursor.after),
        limit: limit + 1,
    };
    let mut found = cx.service.audit.lookup(cx.scope(), &lookup).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|last| {
        let cursor = Cursor { after: AuditPosition::of(last), end };
        cursor.encode(&purpose, cx.now)
    });
    Ok(LookupEventsResponse { events: Some(found.into_iter().map(item).collect()), next_token })
}

fn results_max(given: Option<i32>) -> Result<usize, CloudTrailError> {
    let limit = given.unwrap_or(RESULTS_MAX);
    match usize::try_from(limit) {
        Ok(results) if (1..=RESULTS_MAX).contains(&limit) => Ok(results),
        _ => Err(CloudTrailError::InvalidMaxResults(format!(
            "The max results value {limit} is not valid. Specify a value from 1 to {RESULTS_MAX}."
        ))),
    }
}

fn is_insight(category: Option<&str>) -> Result<bool, CloudTrailError> {
    match category {
        None => Ok(false),
        Some("insight") => Ok(true),
        Some(other) => Err(CloudTrailError::InvalidEventCategory(format!(
            "The event category {other} is not valid. Specify insight, or no category for management events."
        ))),
    }
}

fn filter(attributes: &[LookupAttribute], insight: bool) -> Result<Option<AuditFilter>, CloudTrailError> {
    let invalid = |message: String| Err(CloudTrailError::InvalidLookupAttributes(message));
    let attribute = match attributes {
        [] => return Ok(None),
        [attribute] => attribute,
        _ => return invalid("Only one lookup attribute can be specified.".to_owned()),
    };
    let (key, value) = (attribute.attribute_key.as_str(), attribute.attribute_value.clone());
    if value.is_empty() || counted_length(&value) > VALUE_LENGTH_MAX {
        return invalid(format!("The value of {key} must have 1 to {VALUE_LENGTH_MAX} characters."));
    }
    if insight && !INSIGHT_KEYS.contains(&key) {
        return invalid(format!("Insights events cannot be looked up by {key}."));
    }
    Ok(Some(match key {
        "EventId" => AuditFilter::EventId(value),
        "EventName" => AuditFilter::EventName(value),
        "ReadOnly" => match value.as_str() {
            "true" => AuditFilter::ReadOnly(true),
            "false" => AuditFilter::ReadOnly(false),
            // Matching is exact, so no event has any other value.
            _ => AuditFilter::EventId(String::new()),
        },
        "Username" => AuditFilter::UserName(value),
        "ResourceType" => AuditFilter::ResourceType(value),
        "ResourceName" => AuditFilter::ResourceName(value),
        "EventSource" => AuditFilter::EventSource(value),
        "AccessKeyId" => AuditFilter::AccessKeyId(value),
        other => return invalid(format!("The lookup attribute {other} is not valid.")),
    }))
}

/// AWS: underscore, blank, comma and new line count double.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html>
fn counted_length(value: &str) -> usize {
    value.chars().map(|c| if matches!(c, '_' | ' ' | ',' | '\n') { 2 } else { 1 }).sum()
}

fn check_time_range(input: &LookupEventsRequest) -> Result<(), CloudTrailError> {
    match (input.start_time, input.end_time) {
        (Some(start), Some(end)) if start > end => Err(CloudTrailError::InvalidTimeRange(
            "The start time must not be after the end time.".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The end of the range, excluded. Events show whole seconds, so the whole last second belongs to it.
fn end(input: &LookupEventsRequest, now: Timestamp) -> Timestamp {
    let last = input.end_time.unwrap_or(now).min(Timestamp::MAX.saturating_sub_millis(2 * SECOND_MILLIS));
    last.floor_to(SECOND_MILLIS).saturating_add_millis(SECOND_MILLIS)
}

/// What must stay the same from page to page.
fn purpose(cx: &Cx<CloudTrail>, input: &LookupEventsRequest) -> String {
    format!(
        "LookupEvents|{:?}|{:?}|{:?}|{:?}|{:?}",
        cx.scope(),
        input.lookup_attributes,
        input.start_time,
        input.end_time,
        input.event_category
    )
}

/// Where the next page begins.
struct Cursor {
    after: AuditPosition,
    end: Timestamp,
}

impl Cursor {
    fn encode(&self, purpose: &str, now: Timestamp) -> String {
        let [time, end, now] = [self.after.time, self.end, now].map(|t| t.as_millis().to_string());
        page_token::encode(purpose, &[&time, &self.after.event_id, &end, &now])
    }

    fn decode(purpose: &str, token: &str, now: Timestamp) -> Result<Self, CloudTrailError> {
        let invalid = || CloudTrailError::InvalidNextToken("The next token is not valid.".to_owned());
        let parts = page_token::decode(purpose, token).map_err(|_| invalid())?;
        let [time, event_id, end, issued] = parts.try_into().map_err(|_| invalid())?;
        let at = |text: String| text.parse().map(Timestamp::from_millis).map_err(|_| invalid());
        let (time, end, issued) = (at(time)?, at(end)?, at(issued)?);
        if now.millis_since(issued) > TOKEN_LIFE_MILLIS {
            return Err(CloudTrailError::InvalidNextToken("The next token has expired.".to_owned()));
        }
        Ok(Self { after: AuditPosition { time, event_id }, end })
    }
}

fn item(event: AuditEvent) -> Event {
    let resource = |r: signals::audit::AuditResource| Resource {
        resource_type: Some(r.resource_type),
        resource_name: Some(r.resource_name),
    };
    Event {
        access_key_id: event.access_key_id,
        cloud_trail_event: Some(event.record),
        event_id: Some(event.event_id),
        event_name: Some(event.event_name),
        event_source: Some(event.event_source),
        event_time: Some(event.event_time.floor_to(SECOND_MILLIS)),
        read_only: Some(event.read_only.to_string()),
        resources: Some(event.resources.into_iter().map(resource).collect()),
        username: event.user_name,
    }
}
