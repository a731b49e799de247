//! Records of calls, member by member.

use base::{AccountId, Region, Scope, Timestamp};
use serde_json::{Value, json};
use signals::audit::TlsDetails;
use signals::{ApiCall, AuditResource, Principal};

use super::event;

pub(crate) fn scope() -> Scope {
    Scope::new(AccountId::new("111122223333").unwrap(), Region::new("us-east-1").unwrap())
}

pub(crate) fn root() -> Principal {
    Principal {
        arn: "arn:aws:iam::111122223333:root".to_owned(),
        kind: "Root".to_owned(),
        principal_id: "111122223333".to_owned(),
        user_name: None,
        access_key_id: Some("111122223333".to_owned()),
    }
}

pub(crate) fn call(event_source: &'static str, event_name: &str, parameters: Value) -> ApiCall {
    ApiCall {
        scope: scope(),
        principal: root(),
        time: Timestamp::from_millis(1_704_067_200_999),
        event_source,
        event_name: event_name.to_owned(),
        source_ip: "203.0.113.7".to_owned(),
        user_agent: "aws-cli/2.1".to_owned(),
        request_id: "3b3d3c3e-0000-4000-8000-000000000000".to_owned(),
        request_parameters: Some(parameters).filter(|p| !p.is_null()),
        response_elements: None,
        error: None,
        tls: None,
        host: None,
    }
}

const LOGS: &str = "logs.amazonaws.com";
const ID: &str = "11111111-2222-4333-8444-555555555555";

fn record(call: &ApiCall) -> Value {
    serde_json::from_str(&event(call, ID.to_owned()).record).unwrap()
}

fn resources(call: &ApiCall) -> Vec<(String, String)> {
    let named = |r: AuditResource| (r.resource_type, r.resource_name);
    event(call, ID.to_owned()).resources.into_iter().map(named).collect()
}

#[test]
fn the_whole_record_in_the_order_of_the_samples() {
    let mut call = call(LOGS, "CreateLogGroup", json!({"logGroupName": "/app"}));
    call.host = Some("localhost:4580".to_owned());
    call.tls =
        Some(TlsDetails { version: "TLSv1.3".to_owned(), cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned() });
    let event = event(&call, ID.to_owned());
    assert_eq!(
        event.record,
        concat!(
            r#"{"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"111122223333","#,
            r#""arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"111122223333"},"#,
            r#""eventTime":"2024-01-01T00:00:00Z","eventSource":"logs.amazonaws.com","eventName":"CreateLogGroup","#,
            r#""awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.1","#,
            r#""requestParameters":{"logGroupName":"/app"},"responseElements":null,"#,
            r#""requestID":"3b3d3c3e-0000-4000-8000-000000000000","eventID":"11111111-2222-4333-8444-555555555555","#,
            r#""readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::Logs::LogGroup","#,
            r#""ARN":"arn:aws:logs:us-east-1:111122223333:log-group:/app"}],"eventType":"AwsApiCall","#,
            r#""apiVersion":"20140328","managementEvent":true,"recipientAccountId":"111122223333","#,
            r#""eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","#,
            r#""cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"localhost:4580"}}"#,
        )
    );
    assert_eq!(event.user_name.as_deref(), Some("root"));
    assert!(!event.read_only);
}

/// Vector 21.
#[test]
fn an_assumed_role_is_known_by_its_session() {
    let mut call = call(LOGS, "CreateLogGroup", json!({"logGroupName": "g"}));
    call.principal = Principal {
        arn: "arn:aws:sts::111122223333:assumed-role/R/s".to_owned(),
        kind: "AssumedRole".to_owned(),
        principal_id: "AROAEXAMPLE:s".to_owned(),
        user_name: Some("R".to_owned()),
        access_key_id: Some("ASIAEXAMPLE".to_owned()),
    };
    assert_eq!(event(&call, ID.to_owned()).user_name.as_deref(), Some("s"));
    assert_eq!(
        record(&call)["userIdentity"],
        json!({
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:s",
            "arn": "arn:aws:sts::111122223333:assumed-role/R/s",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": "arn:aws:iam::111122223333:role/R",
                    "accountId": "111122223333",
                    "userName": "R",
                },
                "attributes": {"mfaAuthenticated": "false"},
            },
        })
    );
}

#[test]
fn a_user_has_a_name() {
    let mut call = call(LOGS, "CreateLogGroup", Value::Null);
    call.principal = Principal {
        arn: "arn:aws:iam::111122223333:user/ops/ann".to_owned(),
        kind: "IAMUser".to_owned(),
        principal_id: "AIDAEXAMPLE".to_owned(),
        user_name: Some("ann".to_owned()),
        access_key_id: Some("AKIAEXAMPLE".to_owned()),
    };
    assert_eq!(record(&call)["userIdentity"]["userName"], "ann");
    assert_eq!(event(&call, ID.to_owned()).user_name.as_deref(), Some("ann"));
}

/// Vector 22.
#[test]
fn a_failed_call_has_a_code_and_no_response() {
    let mut call = call(LOGS, "CreateLogGroup", json!({"logGroupName": "g"}));
    call.error = Some(("AccessDenied".to_owned(), "User is not authorized".to_owned()));
    call.response_elements = Some(json!({"x": 1}));
    let record = record(&call);
    assert_eq!(
        (&record["errorCode"], &record["errorMessage"]),
        (&json!("AccessDenied"), &json!("User is not authorized"))
    );
    assert_eq!(record["responseElements"], Value::Null);
}

#[test]
fn response_elements_only_of_calls_that_change_something() {
    let mut read = call(LOGS, "DescribeLogGroups", json!({"limit": 5}));
    read.response_elements = Some(json!({"logGroups": []}));
    assert_eq!(record(&read)["responseElements"], Value::Null);
    assert_eq!(record(&read)["readOnly"], true);
    let mut write = call("sns.amazonaws.com", "CreateTopic", json!({"name": "t"}));
    write.response_elements = Some(json!({"topicArn": "arn"}));
    assert_eq!(record(&write)["responseElements"], json!({"topicArn": "arn"}));
}

#[test]
fn nothing_is_null_and_secrets_are_hidden() {
    assert_eq!(record(&call(LOGS, "DescribeLogGroups", Value::Null))["requestParameters"], Value::Null);
    assert_eq!(record(&call(LOGS, "DescribeLogGroups", json!({})))["requestParameters"], Value::Null);
    let call = call("iam.amazonaws.com", "CreateLoginProfile", json!({"password": "x"}));
    assert!(!event(&call, ID.to_owned()).record.contains("\"x\""));
}

#[test]
fn long_texts_are_cut_and_large_members_left_out() {
    let mut call = call(LOGS, "PutResourcePolicy", json!({"policyDocument": "é".repeat(60_000)}));
    call.user_agent = "é".repeat(1000);
    call.error = Some(("X".repeat(2000), "m".repeat(2000)));
    let record = record(&call);
    assert_eq!(record["requestParameters"], Value::Null);
    assert_eq!(record["userAgent"].as_str().map(str::len), Some(1024));
    assert_eq!(record["errorCode"].as_str().map(str::len), Some(1024));
    assert_eq!(record["errorMessage"].as_str().map(str::len), Some(1024));
}

#[test]
fn resources_come_from_names_arns_and_lists() {
    let arn = "arn:aws:logs:us-east-1:111122223333:log-group:/app:*";
    for (source, name, parameters, expected) in [
        (
            LOGS,
            "CreateLogStream",
            json!({"logGroupName": "g", "logStreamName": "s"}),
            vec![("AWS::Logs::LogGroup", "g"), ("AWS::Logs::LogStream", "s")],
        ),
        (
            LOGS,
            "StartQuery",
            json!({"logGroupNames": ["a", "b", "a"]}),
            vec![("AWS::Logs::LogGroup", "a"), ("AWS::Logs::LogGroup", "b")],
        ),
        (LOGS, "TagResource", json!({"resourceArn": arn}), vec![("AWS::Logs::LogGroup", "/app")]),
        (
            LOGS,
            "TagResource",
            json!({"resourceArn": "arn:aws:logs:us-east-1:1:destination:d"}),
            vec![("AWS::Logs::Destination", "d")],
        ),
        (
            "monitoring.amazonaws.com",
            "DeleteAlarms",
            json!({"alarmNames": ["x"]}),
            vec![("AWS::CloudWatch::Alarm", "x")],
        ),
        (
            "monitoring.amazonaws.com",
            "PutDashboard",
            json!({"dashboardName": "d"}),
            vec![("AWS::CloudWatch::Dashboard", "d")],
        ),
        (
            "xray.amazonaws.com",
            "CreateSamplingRule",
            json!({"samplingRule": {"ruleName": "r"}}),
            vec![("AWS::XRay::SamplingRule", "r")],
        ),
        (
            "xray.amazonaws.com",
            "GetGroup",
            json!({"groupARN": "arn:aws:xray:us-east-1:1:group/G/ID"}),
            vec![("AWS::XRay::Group", "G")],
        ),
        (
            "cloudtrail.amazonaws.com",
            "CreateTrail",
            json!({"name": "main"}),
            vec![("AWS::CloudTrail::Trail", "main")],
        ),
        (
            "cloudtrail.amazonaws.com",
            "StartLogging",
            json!({"name": "arn:aws:cloudtrail:us-east-1:1:trail/main"}),
            vec![("AWS::CloudTrail::Trail", "main")],
        ),
        ("cloudtrail.amazonaws.com", "LookupEvents", json!({"maxResults": 5}), vec![]),
        (LOGS, "DescribeLogGroups", json!({"logGroupName": 5}), vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(t, n)| (t.to_owned(), n.to_owned())).collect();
        assert_eq!(resources(&call(source, name, parameters)), expected, "{name}");
    }
    let many: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(resources(&call(LOGS, "StartQuery", json!({"logGroupNames": many}))).len(), 50);
}
