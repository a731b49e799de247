//! GetLogRecord: all fields of the event that an `@ptr` names.

use shapes::logs::{GetLogRecordRequest, GetLogRecordResponse};
use smithy::Cx;

use super::Shown;
use crate::Logs;
use crate::error::LogsError;
use crate::event::{fields, pointer};

pub(in crate::operations) async fn get_log_record(
    cx: Cx<Logs>,
    input: GetLogRecordRequest,
) -> Result<GetLogRecordResponse, LogsError> {
    let (key, position) = pointer::decode(&input.log_record_pointer)
        .ok_or_else(|| LogsError::invalid("The specified logRecordPointer is invalid."))?;
    let gone = || LogsError::NotFound("The specified log record does not exist.".into());
    if key.scope != *cx.scope() {
        return Err(gone());
    }
    let group = cx.service.group(cx.scope(), &key.name).map_err(|_| gone())?;
    let known = cx.service.all_store_keys(&group).contains(&key);
    if !known || position.timestamp < group.visible_from(cx.now) {
        return Err(gone());
    }
    let event = cx.service.events.snapshot(&[key]).get(0, position).await?.ok_or_else(gone)?;
    let message = Shown::to(&cx.service, &group, input.unmask).text(event.message, event.ingestion_time);
    let mut record: std::collections::BTreeMap<String, String> =
        fields::discover(&message).into_iter().collect();
    record.extend([
        ("@message".to_owned(), message),
        ("@timestamp".to_owned(), position.timestamp.as_millis().to_string()),
        ("@ingestionTime".to_owned(), event.ingestion_time.as_millis().to_string()),
        ("@log".to_owned(), format!("{}:{}", group.scope.account, group.name)),
        ("@logStream".to_owned(), event.stream.as_ref().to_owned()),
        ("@ptr".to_owned(), input.log_record_pointer),
    ]);
    Ok(GetLogRecordResponse { log_record: Some(record) })
}
