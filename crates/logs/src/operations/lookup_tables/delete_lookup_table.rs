//! DeleteLookupTable: queries that name it fail from then on.

use catalog::CommitError;
use shapes::logs::DeleteLookupTableRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::lookup_table::{missing, name_in_arn, table_key};

pub(in crate::operations) async fn delete_lookup_table(
    cx: Cx<Logs>,
    input: DeleteLookupTableRequest,
) -> Result<(), LogsError> {
    let name = name_in_arn(cx.scope(), &input.lookup_table_arn)?;
    let (logs, key) = (&cx.service, table_key(cx.scope(), &name));
    loop {
        let table = logs.lookup_tables.get(&key).ok_or_else(missing)?;
        let mut transaction =
            logs.catalog.transaction().delete(&logs.lookup_tables, key.clone(), table.version);
        if let Some(body) = logs.lookup_bodies.get(&key) {
            transaction = transaction.delete(&logs.lookup_bodies, key.clone(), body.version);
        }
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}
