//! GetLookupTable: all of a table.

use shapes::logs::{GetLookupTableRequest, GetLookupTableResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::lookup_table::{missing, name_in_arn, table_key};

pub(in crate::operations) async fn get_lookup_table(
    cx: Cx<Logs>,
    input: GetLookupTableRequest,
) -> Result<GetLookupTableResponse, LogsError> {
    let name = name_in_arn(cx.scope(), &input.lookup_table_arn)?;
    let table = cx.service.lookup_tables.get(&table_key(cx.scope(), &name)).ok_or_else(missing)?;
    Ok(GetLookupTableResponse {
        table_body: Some(cx.service.lookup_table(cx.scope(), &name)?),
        lookup_table_arn: Some(input.lookup_table_arn),
        lookup_table_name: Some(name),
        description: table.description.clone(),
        size_bytes: i64::try_from(table.size_bytes).ok(),
        last_updated_time: Some(table.updated.as_millis()),
        kms_key_id: None,
    })
}
