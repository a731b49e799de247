//! DescribeLookupTables: in order of their names.

use shapes::logs::{DescribeLookupTablesRequest, DescribeLookupTablesResponse, LookupTable as Shape};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::lookup_table::{LookupTable, table_arn, table_key, tables_of};
use crate::operations::describe_limit;
use crate::operations::paging::named_page;

pub(in crate::operations) async fn describe_lookup_tables(
    cx: Cx<Logs>,
    input: DescribeLookupTablesRequest,
) -> Result<DescribeLookupTablesResponse, LogsError> {
    let scope = cx.scope();
    let prefix = input.lookup_table_name_prefix.as_deref().unwrap_or_default();
    let purpose = format!("DescribeLookupTables|{scope}|{prefix}");
    let (page, next_token) = named_page(
        &cx.service.lookup_tables,
        &tables_of(scope).starting_with(prefix),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.max_results),
        |name| table_key(scope, name),
    )?;
    let shape = |(name, table): (String, std::sync::Arc<LookupTable>)| Shape {
        lookup_table_arn: Some(table_arn(scope, &name)),
        lookup_table_name: Some(name),
        description: table.description.clone(),
        table_fields: Some(table.fields.clone()),
        records_count: i64::try_from(table.records).ok(),
        size_bytes: i64::try_from(table.size_bytes).ok(),
        last_updated_time: Some(table.updated.as_millis()),
        kms_key_id: None,
    };
    Ok(DescribeLookupTablesResponse {
        lookup_tables: Some(page.into_iter().map(shape).collect()),
        next_token,
    })
}
