//! StartLiveTail: an event stream of what comes in.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::Stream;
use lang::filter_pattern::FilterPattern;
use shapes::logs::{
    LiveTailSessionStart, StartLiveTailRequest, StartLiveTailResponse, StartLiveTailResponseStream,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};
use crate::identifier::from_identifier;
use crate::live_tail::{Choice, Session};

pub(in crate::operations) async fn start_live_tail(
    cx: Cx<Logs>,
    input: StartLiveTailRequest,
) -> Result<
    (StartLiveTailResponse, impl Stream<Item = StartLiveTailResponseStream> + Send + 'static + use<>),
    LogsError,
> {
    let (logs, scope) = (&cx.service, cx.scope());
    check_streams(&input)?;
    let pattern = FilterPattern::compile(input.log_event_filter_pattern.as_deref().unwrap_or_default())
        .map_err(|error| LogsError::invalid(error.to_string()))?;
    let groups = groups(&cx, &input.log_group_identifiers)?;
    let seat = logs.live_tails.take_seat(scope)?;
    let keys: Vec<_> = groups.values().flat_map(|group| logs.original_places(group)).collect();
    let identifiers = groups.keys().map(|name| format!("{}:{name}", scope.account)).collect();
    let start = LiveTailSessionStart {
        request_id: Some(cx.caller.request_id.clone()),
        session_id: Some(logs.entropy.uuid().to_string()),
        log_group_identifiers: Some(identifiers),
        log_stream_names: Some(input.log_stream_names.clone().unwrap_or_default()),
        log_stream_name_prefixes: Some(input.log_stream_name_prefixes.clone().unwrap_or_default()),
        log_event_filter_pattern: Some(input.log_event_filter_pattern.unwrap_or_default()),
    };
    let (streams, stream_prefixes) = (input.log_stream_names, input.log_stream_name_prefixes);
    let session = Session {
        logs: logs.clone(),
        feed: logs.events.follow(&keys),
        choice: Choice { groups, streams, stream_prefixes, pattern },
        seat,
        start,
    };
    Ok((StartLiveTailResponse::default(), session.events()))
}

fn check_streams(input: &StartLiveTailRequest) -> Result<(), LogsError> {
    let (names, prefixes) = (&input.log_stream_names, &input.log_stream_name_prefixes);
    if names.is_some() && prefixes.is_some() {
        return Err(LogsError::invalid(
            "Only one of logStreamNames or logStreamNamePrefixes can be provided.",
        ));
    }
    if (names.is_some() || prefixes.is_some()) && input.log_group_identifiers.len() > 1 {
        return Err(LogsError::invalid(
            "logStreamNames and logStreamNamePrefixes can only be used with a single log group.",
        ));
    }
    Ok(())
}

fn groups(cx: &Cx<Logs>, identifiers: &[String]) -> Result<BTreeMap<Arc<str>, FoundGroup>, LogsError> {
    let mut groups = BTreeMap::new();
    for identifier in identifiers {
        // AWS: names are no identifiers here (API_StartLiveTail.html).
        if !identifier.starts_with("arn:") {
            return Err(LogsError::invalid(format!(
                "The specified logGroupIdentifier is not an ARN: {identifier}"
            )));
        }
        let name = from_identifier(cx.scope(), identifier, "logGroupIdentifiers")?;
        let group = cx.service.group(cx.scope(), &name)?;
        if group.record.class != Class::Standard {
            return Err(LogsError::InvalidOperation(
                "Live Tail is supported for log groups of the STANDARD class only.".into(),
            ));
        }
        groups.insert(group.name.clone(), group);
    }
    Ok(groups)
}
