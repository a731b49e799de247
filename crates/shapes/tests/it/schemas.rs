//! Every schema reachable from an operation: patterns, member counts, errors.

use std::collections::{BTreeMap, BTreeSet};

use shapes::{cloudtrail, cloudtrail_data, cloudwatch, events, logs, sns, sts, xray};
use smithy::{Fault, Kind, Protocol, Schema, ServiceSchema};

static SERVICES: &[&ServiceSchema] = &[
    &cloudtrail::SERVICE,
    &cloudtrail_data::SERVICE,
    &cloudwatch::SERVICE,
    &events::SERVICE,
    &logs::SERVICE,
    &sns::SERVICE,
    &sts::SERVICE,
    &xray::SERVICE,
];

/// Patterns the engine cannot express; they constrain nothing, so the handlers check what they mean.
const INEXPRESSIBLE: &[&str] = &[];

fn visit(schema: &'static Schema, seen: &mut BTreeMap<usize, &'static Schema>) {
    if seen.insert(std::ptr::from_ref(schema).addr(), schema).is_none() {
        for member in schema.members {
            visit((member.schema)(), seen);
        }
    }
}

/// All schemas of a service that a request or response can contain.
fn reachable(service: &ServiceSchema) -> Vec<&'static Schema> {
    let mut seen = BTreeMap::new();
    for operation in service.operations {
        visit((operation.input)(), &mut seen);
        visit((operation.output)(), &mut seen);
        for error in operation.errors {
            visit(error(), &mut seen);
        }
    }
    seen.into_values().collect()
}

#[test]
fn patterns_compile_or_are_listed() {
    let mut inexpressible = BTreeSet::new();
    for service in SERVICES {
        for schema in reachable(service) {
            if let Some(pattern) = schema.pattern
                && smithy::constraint::compile(pattern).is_none()
            {
                inexpressible.insert(pattern);
            }
        }
    }
    assert_eq!(inexpressible.into_iter().collect::<Vec<_>>(), INEXPRESSIBLE);
}

#[test]
fn structures_have_the_members_the_checked_reader_can_count() {
    for service in SERVICES {
        for schema in reachable(service) {
            assert!(schema.members.len() <= 128, "{}", schema.name);
            match schema.kind {
                Kind::List => assert_eq!(schema.members.len(), 1, "{}", schema.name),
                Kind::Map => assert_eq!(schema.members.len(), 2, "{}", schema.name),
                Kind::Enum => assert!(!schema.enum_values.is_empty(), "{}", schema.name),
                _ => {}
            }
        }
    }
}

#[test]
fn errors_say_whose_fault_they_are() {
    for service in SERVICES {
        for operation in service.operations {
            for error in operation.errors {
                let schema = error();
                let facts = schema.error.as_ref().unwrap_or_else(|| panic!("{}", schema.name));
                let expected = if facts.status < 500 { Fault::Sender } else { Fault::Receiver };
                assert_eq!(facts.fault, expected, "{}", schema.name);
            }
        }
    }
}

/// Codes and statuses of the CloudWatch error table: model, and patches where the model is silent.
#[test]
fn cloudwatch_errors_carry_query_codes() {
    use cloudwatch::schemas as s;
    for (schema, code, status) in [
        (&s::INVALID_PARAMETER_VALUE_EXCEPTION, Some("InvalidParameterValue"), 400),
        (&s::DASHBOARD_NOT_FOUND_ERROR, Some("ResourceNotFound"), 404),
        (&s::RESOURCE_NOT_FOUND, None, 404),
        (&s::CONCURRENT_MODIFICATION_EXCEPTION, None, 429),
        (&s::INTERNAL_SERVICE_FAULT, Some("InternalServiceError"), 500),
        (&s::KMS_KEY_NOT_FOUND_EXCEPTION, None, 400),
        (&s::CONFLICT_EXCEPTION, None, 409),
    ] {
        let facts = schema.error.expect("an exception");
        assert_eq!((facts.query_code, facts.status), (code, status), "{}", schema.name);
    }
}

/// `metadata` of the models.
#[test]
fn services_speak_what_their_models_list() {
    assert_eq!(
        cloudwatch::SERVICE.protocols,
        [Protocol::RpcV2Cbor, Protocol::AwsJson1_0, Protocol::AwsQuery]
    );
    assert_eq!(logs::SERVICE.protocols, [Protocol::AwsJson1_1]);
    assert_eq!(xray::SERVICE.protocols, [Protocol::RestJson1]);
    assert_eq!(sts::SERVICE.protocols, [Protocol::AwsQuery]);
    assert_eq!(cloudtrail_data::SERVICE.signing_name, "cloudtrail-data");
    let summaries = xray::SERVICE.operation("GetTraceSummaries").expect("an operation");
    assert_eq!((summaries.http.method, summaries.http.uri), ("POST", "/TraceSummaries"));
    let put = cloudwatch::SERVICE.operation("PutMetricData").expect("an operation");
    assert!(put.request_compression && !put.has_output);
    let confirm = sns::SERVICE.operation("ConfirmSubscription").expect("an operation");
    assert!(confirm.unauthenticated);
    let tail = logs::SERVICE.operation("StartLiveTail").expect("an operation");
    assert_eq!(tail.host_prefix, Some("stream-"));
    assert!(logs::schemas::START_LIVE_TAIL_RESPONSE_STREAM.event_stream);
}
