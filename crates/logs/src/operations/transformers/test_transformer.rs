//! TestTransformer: what a transformer would make of sample messages.

use shapes::logs::{TestTransformerRequest, TestTransformerResponse, TransformedLogRecord};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::transformer::{Origin, Transformer, config};

pub(in crate::operations) async fn test_transformer(
    cx: Cx<Logs>,
    input: TestTransformerRequest,
) -> Result<TestTransformerResponse, LogsError> {
    let transformer = Transformer::compile(&config::of_request(input.transformer_config)?)?;
    let scope = cx.scope();
    let origin =
        Origin { account: scope.account.as_str(), region: scope.region.as_str(), group: "", stream: "" };
    let record = |(index, message): (usize, String)| {
        let transformed = transformer.apply(&message, origin)?;
        Some(TransformedLogRecord {
            event_message: Some(message),
            event_number: i64::try_from(index).ok(),
            transformed_event_message: Some(transformed),
        })
    };
    let transformed = input.log_event_messages.into_iter().enumerate().filter_map(record).collect();
    Ok(TestTransformerResponse { transformed_logs: Some(transformed) })
}
