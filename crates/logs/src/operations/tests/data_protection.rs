//! Data-protection policies: what is masked for whom, and for how long.

use super::queries::values;
use super::*;
use crate::operations::{account_policies, data_protection};

const MANAGED: &str = "arn:aws:dataprotection::aws:data-identifier/EmailAddress";
const SECRET: &str = r#"{"user":"jane@example.com","n":1}"#;
const MASKED: &str = r#"{"user":"****************","n":1}"#;

fn policy() -> String {
    format!(
        r#"{{"Name":"p","Version":"2021-06-01","Statement":[{{"Sid":"a","DataIdentifier":["{MANAGED}"],"Operation":{{"Audit":{{"FindingsDestination":{{}}}}}}}},{{"Sid":"b","DataIdentifier":["{MANAGED}"],"Operation":{{"Deidentify":{{"MaskConfig":{{}}}}}}}}]}}"#
    )
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f
}

async fn put(f: &Fixture) {
    let input =
        PutDataProtectionPolicyRequest { log_group_identifier: "g".to_owned(), policy_document: policy() };
    let put = data_protection::put_data_protection_policy(f.cx(), input).await.unwrap();
    assert_eq!(put.log_group_identifier.as_deref(), Some("g"));
}

fn later(f: &Fixture) {
    f.clock.advance(std::time::Duration::from_secs(1));
}

async fn got(f: &Fixture, unmask: Option<bool>) -> Vec<String> {
    let input = GetLogEventsRequest {
        log_group_name: Some("g".to_owned()),
        log_stream_name: "s".to_owned(),
        unmask,
        ..Default::default()
    };
    let found = log_events::get_log_events(f.cx(), input).await.unwrap();
    found.events.unwrap().into_iter().map(|event| event.message.unwrap()).collect()
}

async fn described(f: &Fixture) -> LogGroup {
    let groups = log_groups::describe_log_groups(f.cx(), Default::default()).await.unwrap();
    groups.log_groups.unwrap().remove(0)
}

#[tokio::test]
async fn events_ingested_under_a_policy_are_masked_wherever_they_are_read() {
    let f = fixture().await;
    f.put("g", "s", &[(0, SECRET)]).await.unwrap();
    later(&f);
    put(&f).await;
    f.put("g", "s", &[(1, SECRET)]).await.unwrap();
    assert_eq!(got(&f, None).await, [SECRET, MASKED]);
    assert_eq!(got(&f, Some(true)).await, [SECRET, SECRET]);
    assert_eq!(f.filter("g", "jane").await, [SECRET, MASKED]);
    assert_eq!(described(&f).await.data_protection_status, Some(DataProtectionStatus::Activated));
    // Results of queries do not know when an event was ingested: all are masked.
    let field = values(&f, "fields user | sort @timestamp").await;
    assert_eq!(field, [["****************"], ["****************"]]);
    let shown = values(&f, "unmask user | sort @timestamp").await;
    assert_eq!(shown, [["jane@example.com"], ["jane@example.com"]]);

    // Events stay masked when the policy is gone, also after a restart; new ones are not.
    later(&f);
    let delete = DeleteDataProtectionPolicyRequest { log_group_identifier: "g".to_owned() };
    data_protection::delete_data_protection_policy(f.cx(), delete.clone()).await.unwrap();
    f.put("g", "s", &[(2, SECRET)]).await.unwrap();
    let f = f.restart().await;
    assert_eq!(got(&f, None).await, [SECRET, MASKED, SECRET]);
    assert_eq!(described(&f).await.data_protection_status, Some(DataProtectionStatus::Deleted));
    let get = GetDataProtectionPolicyRequest { log_group_identifier: "g".to_owned() };
    let none = data_protection::get_data_protection_policy(f.cx(), get).await.unwrap();
    assert_eq!((none.policy_document, none.last_updated_time), (None, None));
    let again = told(data_protection::delete_data_protection_policy(f.cx(), delete).await);
    assert_eq!(again.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn findings_are_counted_and_metric_filters_see_masked_text() {
    let f = fixture().await;
    put(&f).await;
    let filter = PutMetricFilterRequest {
        log_group_name: "g".to_owned(),
        filter_name: "f".to_owned(),
        filter_pattern: "jane".to_owned(),
        metric_transformations: vec![MetricTransformation {
            metric_name: "m".to_owned(),
            metric_namespace: "n".to_owned(),
            metric_value: "1".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    filter_operations::put_metric_filter(f.cx(), filter).await.unwrap();
    f.put("g", "s", &[(0, SECRET), (0, "nothing"), (0, SECRET)]).await.unwrap();
    let now = base::Clock::now(f.clock.as_ref());
    let sum = async |namespace: &str, name: &str, dimensions: &[(&str, &str)]| {
        let dimension = |(name, value): &(&str, &str)| signals::Dimension {
            name: (*name).into(),
            value: (*value).into(),
        };
        let metric =
            signals::MetricIdentity::new(namespace, name, dimensions.iter().map(dimension).collect());
        let found =
            f.store.metrics().read(&f.caller.scope, &metric, base::TimeRange::ALL, now).await.unwrap();
        found.iter().map(|d| d.dist.sum).sum::<f64>()
    };
    let dimensions = [("DataProtectionOperation", "Audit"), ("LogGroupName", "g")];
    assert_eq!(sum("AWS/Logs", "LogEventsWithFindings", &dimensions).await, 2.0);
    assert_eq!(sum("n", "m", &[]).await, 0.0);
}

#[tokio::test]
async fn an_account_policy_is_for_every_group() {
    let f = fixture().await;
    let put = PutAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::DataProtectionPolicy,
        policy_document: policy(),
        ..Default::default()
    };
    account_policies::put_account_policy(f.cx(), put.clone()).await.unwrap();
    f.put("g", "s", &[(0, SECRET)]).await.unwrap();
    assert_eq!(got(&f, None).await, [MASKED]);
    assert_eq!(
        described(&f).await.inherited_properties,
        Some(vec![InheritedProperty::AccountDataProtection])
    );
    let bad = PutAccountPolicyRequest { policy_document: "{}".to_owned(), ..put };
    assert_eq!(told(account_policies::put_account_policy(f.cx(), bad).await).0, "InvalidParameterException");
    later(&f);
    let delete = DeleteAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::DataProtectionPolicy,
        ..Default::default()
    };
    account_policies::delete_account_policy(f.cx(), delete).await.unwrap();
    f.put("g", "s", &[(1, SECRET)]).await.unwrap();
    assert_eq!(got(&f, None).await, [MASKED, SECRET]);
}

/// A policy on metric extraction keeps embedded metrics of the groups it selects from being read.
#[tokio::test]
async fn metric_extraction_can_be_switched_off() {
    let f = fixture().await;
    let document = format!(
        r#"{{"_aws":{{"Timestamp":{START},"CloudWatchMetrics":[{{"Namespace":"n","Dimensions":[[]],"Metrics":[{{"Name":"m"}}]}}]}},"m":5}}"#
    );
    let count = async || {
        let metric = signals::MetricIdentity::new("n", "m", Vec::new());
        let now = base::Clock::now(f.clock.as_ref());
        let found =
            f.store.metrics().read(&f.caller.scope, &metric, base::TimeRange::ALL, now).await.unwrap();
        found.iter().map(|d| d.dist.count).sum::<f64>()
    };
    f.put("g", "s", &[(0, &document)]).await.unwrap();
    assert_eq!(count().await, 1.0);
    let put = PutAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::MetricExtractionPolicy,
        policy_document: "{}".to_owned(),
        selection_criteria: Some(r#"LogGroupName IN ["g"]"#.to_owned()),
        ..Default::default()
    };
    account_policies::put_account_policy(f.cx(), put).await.unwrap();
    f.put("g", "s", &[(0, &document)]).await.unwrap();
    assert_eq!(count().await, 1.0);
}
