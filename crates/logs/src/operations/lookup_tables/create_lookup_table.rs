//! CreateLookupTable: of CSV text, or of the rows of a query.

use shapes::logs::{CreateLookupTableRequest, CreateLookupTableResponse};
use smithy::Cx;

use super::{body, check_key};
use crate::Logs;
use crate::error::LogsError;
use crate::group::tags;
use crate::lookup_table::{LookupTable, Replace, table_arn};

pub(in crate::operations) async fn create_lookup_table(
    cx: Cx<Logs>,
    input: CreateLookupTableRequest,
) -> Result<CreateLookupTableResponse, LogsError> {
    check_key(input.kms_key_id.as_ref())?;
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys())?;
    let text = body(&cx, input.table_body, input.query_id)?;
    let described = |_: Option<&LookupTable>, table: LookupTable| LookupTable {
        description: input.description.clone(),
        tags: given_tags.clone(),
        ..table
    };
    let name = input.lookup_table_name.as_str();
    let table = cx.service.put_lookup_table(cx.scope(), name, &text, Replace::Never, described).await?;
    Ok(CreateLookupTableResponse {
        lookup_table_arn: Some(table_arn(cx.scope(), name)),
        created_at: Some(table.created.as_millis()),
    })
}
