//! UpdateLookupTable: replaces all of a table.

use shapes::logs::{UpdateLookupTableRequest, UpdateLookupTableResponse};
use smithy::Cx;

use super::{body, check_key};
use crate::Logs;
use crate::error::LogsError;
use crate::lookup_table::{LookupTable, Replace, name_in_arn};

pub(in crate::operations) async fn update_lookup_table(
    cx: Cx<Logs>,
    input: UpdateLookupTableRequest,
) -> Result<UpdateLookupTableResponse, LogsError> {
    check_key(input.kms_key_id.as_ref())?;
    let name = name_in_arn(cx.scope(), &input.lookup_table_arn)?;
    let text = body(&cx, input.table_body, input.query_id)?;
    let described = |_: Option<&LookupTable>, table: LookupTable| LookupTable {
        description: input.description.clone(),
        ..table
    };
    let table = cx.service.put_lookup_table(cx.scope(), &name, &text, Replace::Only, described).await?;
    Ok(UpdateLookupTableResponse {
        lookup_table_arn: Some(input.lookup_table_arn),
        last_updated_time: Some(table.updated.as_millis()),
    })
}
