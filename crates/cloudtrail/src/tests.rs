//! Calls recorded and looked up, through the store.

use std::time::Duration;

use base::{Clock, Scope, SeededEntropy, SimulatedClock, Timestamp};
use serde_json::json;
use shapes::cloudtrail::{LookupAttribute, LookupEventsRequest, LookupEventsResponse};
use smithy::{Caller, Cx, OperationError};
use store::{Store, StoreCapabilities, StoreConfig, durable_local};

use super::*;
use crate::error::CloudTrailError;
use crate::operations::lookup_events;
use crate::record::tests::{call, root, scope};

const LOGS: &str = "logs.amazonaws.com";
const START_SECS: i64 = 1_704_067_200;

struct Bench {
    _dir: tempfile::TempDir,
    clock: Arc<SimulatedClock>,
    store: Arc<Store>,
    service: Arc<CloudTrail>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SimulatedClock::new(Timestamp::from_secs(START_SECS));
        let capabilities = StoreCapabilities {
            objects: durable_local(&dir.path().join("objects")).unwrap(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(1),
            faults: Arc::new(base::NoFaults),
        };
        let store = Store::open(StoreConfig::new(dir.path()), capabilities).unwrap();
        let service =
            CloudTrail::new(store.audit().clone(), SeededEntropy::new(2), CloudTrailConfig::default());
        Self { _dir: dir, clock, store, service }
    }

    /// A call now, a second after the one before.
    async fn call(&self, source: &'static str, name: &str, parameters: serde_json::Value) {
        self.clock.advance(Duration::from_secs(1));
        let call = ApiCall { time: self.clock.now(), ..call(source, name, parameters) };
        self.service.record(call).await.unwrap();
    }

    async fn lookup_in(
        &self,
        scope: Scope,
        input: LookupEventsRequest,
    ) -> Result<LookupEventsResponse, CloudTrailError> {
        // Keeps below the rate limit.
        self.clock.advance(Duration::from_secs(1));
        self.lookup_now(scope, input).await
    }

    async fn lookup_now(
        &self,
        scope: Scope,
        input: LookupEventsRequest,
    ) -> Result<LookupEventsResponse, CloudTrailError> {
        let caller = Caller {
            scope,
            principal: root(),
            source_ip: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
        };
        let cx = Cx { service: self.service.clone(), caller: Arc::new(caller), now: self.clock.now() };
        lookup_events(cx, input).await
    }

    async fn lookup(&self, input: LookupEventsRequest) -> Result<LookupEventsResponse, CloudTrailError> {
        self.lookup_in(scope(), input).await
    }

    /// Names of the events found.
    async fn names(&self, input: LookupEventsRequest) -> Vec<String> {
        let found = self.lookup(input).await.unwrap();
        found.events.unwrap().into_iter().map(|e| e.event_name.unwrap()).collect()
    }
}

fn by(key: &str, value: &str) -> LookupEventsRequest {
    let attribute = LookupAttribute { attribute_key: key.to_owned(), attribute_value: value.to_owned() };
    LookupEventsRequest { lookup_attributes: Some(vec![attribute]), ..LookupEventsRequest::default() }
}

fn all() -> LookupEventsRequest {
    LookupEventsRequest::default()
}

#[tokio::test]
async fn every_attribute_finds_its_events() {
    let bench = Bench::new();
    bench.call(LOGS, "CreateLogGroup", json!({"logGroupName": "/app"})).await;
    bench.call(LOGS, "DescribeLogGroups", json!({"limit": 5})).await;
    bench.call("xray.amazonaws.com", "CreateGroup", json!({"groupName": "g"})).await;
    bench.call(LOGS, "PutLogEvents", json!({"logGroupName": "/app"})).await;
    assert_eq!(bench.names(all()).await, ["CreateGroup", "DescribeLogGroups", "CreateLogGroup"]);
    for (key, value, expected) in [
        ("EventName", "CreateLogGroup", vec!["CreateLogGroup"]),
        ("EventName", "createloggroup", vec![]),
        ("ReadOnly", "false", vec!["CreateGroup", "CreateLogGroup"]),
        ("ReadOnly", "true", vec!["DescribeLogGroups"]),
        ("ReadOnly", "maybe", vec![]),
        ("Username", "root", vec!["CreateGroup", "DescribeLogGroups", "CreateLogGroup"]),
        ("ResourceType", "AWS::Logs::LogGroup", vec!["CreateLogGroup"]),
        ("ResourceName", "g", vec!["CreateGroup"]),
        ("EventSource", "xray.amazonaws.com", vec!["CreateGroup"]),
        ("AccessKeyId", "111122223333", vec!["CreateGroup", "DescribeLogGroups", "CreateLogGroup"]),
        ("AccessKeyId", "other", vec![]),
    ] {
        assert_eq!(bench.names(by(key, value)).await, expected, "{key}={value}");
    }
    let event = bench.lookup(by("EventName", "CreateLogGroup")).await.unwrap().events.unwrap().remove(0);
    let id = event.event_id.clone().unwrap();
    assert_eq!(bench.names(by("EventId", &id)).await, ["CreateLogGroup"]);
    assert_eq!((event.username.as_deref(), event.read_only.as_deref()), (Some("root"), Some("false")));
    let resources = event.resources.unwrap();
    assert_eq!(resources[0].resource_name.as_deref(), Some("/app"));
    assert!(event.cloud_trail_event.unwrap().contains(&format!("\"eventID\":\"{id}\"")));
    let elsewhere = Scope::new(scope().account, base::Region::new("eu-west-1").unwrap());
    assert_eq!(bench.lookup_in(elsewhere, all()).await.unwrap().events, Some(Vec::new()));
}

#[tokio::test]
async fn pages_are_stable_and_bound_to_their_parameters() {
    let bench = Bench::new();
    for number in 0..7 {
        bench.call(LOGS, &format!("Create{number}"), json!({})).await;
    }
    let mut input = LookupEventsRequest { max_results: Some(3), ..all() };
    let mut names = Vec::new();
    loop {
        let page = bench.lookup(input.clone()).await.unwrap();
        names.extend(page.events.unwrap().into_iter().map(|e| e.event_name.unwrap()));
        // What comes meanwhile is no part of later pages.
        bench.call(LOGS, "CreateLater", json!({})).await;
        bench.store.flush(bench.clock.now()).await.unwrap();
        if page.next_token.is_none() {
            break;
        }
        input.next_token = page.next_token;
    }
    assert_eq!(names, ["Create6", "Create5", "Create4", "Create3", "Create2", "Create1", "Create0"]);

    let token = input.next_token.clone();
    let other = LookupEventsRequest { next_token: token.clone(), ..by("ReadOnly", "false") };
    assert!(matches!(bench.lookup(other).await, Err(CloudTrailError::InvalidNextToken(_))));
    let nonsense = LookupEventsRequest { next_token: Some("x".to_owned()), ..all() };
    assert!(matches!(bench.lookup(nonsense).await, Err(CloudTrailError::InvalidNextToken(_))));
    bench.clock.advance(Duration::from_secs(3601));
    assert!(matches!(bench.lookup(input).await, Err(CloudTrailError::InvalidNextToken(_))));
}

#[tokio::test]
async fn the_time_range_includes_both_ends() {
    let bench = Bench::new();
    for name in ["CreateA", "CreateB", "CreateC"] {
        bench.call(LOGS, name, json!({})).await;
    }
    let at = |offset| Some(Timestamp::from_secs(START_SECS + offset));
    let between = |start, end| LookupEventsRequest { start_time: start, end_time: end, ..all() };
    assert_eq!(bench.names(between(at(2), at(3))).await, ["CreateC", "CreateB"]);
    assert_eq!(bench.names(between(at(1), at(1))).await, ["CreateA"]);
    assert_eq!(bench.names(between(None, at(2))).await, ["CreateB", "CreateA"]);
    assert_eq!(bench.names(between(at(3), None)).await, ["CreateC"]);
    assert_eq!(bench.names(between(Some(Timestamp::MIN), Some(Timestamp::MAX))).await.len(), 3);
    assert!(matches!(bench.lookup(between(at(3), at(2))).await, Err(CloudTrailError::InvalidTimeRange(_))));
    bench.clock.advance(Duration::from_secs(91 * 86_400));
    assert_eq!(bench.names(between(Some(Timestamp::MIN), None)).await, Vec::<String>::new());
}

/// Vectors 23 and 25, and the other ways to ask wrongly.
#[tokio::test]
async fn invalid_requests_have_their_own_exceptions() {
    let bench = Bench::new();
    for count in [0, 51, -1, i32::MAX] {
        let input = LookupEventsRequest { max_results: Some(count), ..all() };
        assert!(matches!(bench.lookup(input).await, Err(CloudTrailError::InvalidMaxResults(_))), "{count}");
    }
    let mut two = by("ReadOnly", "true");
    let attributes = two.lookup_attributes.as_mut().unwrap();
    attributes.push(attributes[0].clone());
    let insight = |input| LookupEventsRequest { event_category: Some("insight".to_owned()), ..input };
    for input in [
        two,
        by("Nope", "x"),
        by("eventName", "x"),
        by("EventName", ""),
        by("EventName", &"x".repeat(2001)),
        by("EventName", &"_".repeat(1001)),
        insight(by("ReadOnly", "true")),
    ] {
        assert!(matches!(bench.lookup(input).await, Err(CloudTrailError::InvalidLookupAttributes(_))));
    }
    assert!(bench.lookup(by("EventName", &"_".repeat(1000))).await.is_ok());
    let category = LookupEventsRequest { event_category: Some("data".to_owned()), ..all() };
    assert!(matches!(bench.lookup(category).await, Err(CloudTrailError::InvalidEventCategory(_))));
    bench.call(LOGS, "CreateA", json!({})).await;
    assert_eq!(bench.lookup(insight(all())).await.unwrap().events, Some(Vec::new()));
}

/// Vector 26.
#[tokio::test]
async fn the_third_lookup_within_a_second_is_throttled() {
    let bench = Bench::new();
    assert!(bench.lookup_now(scope(), all()).await.is_ok());
    assert!(bench.lookup_now(scope(), all()).await.is_ok());
    let third = bench.lookup_now(scope(), all()).await.unwrap_err();
    assert!(
        matches!(OperationError::from(third), OperationError::Throttled(text) if text == "Rate exceeded")
    );
}

#[test]
fn only_what_is_built_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let served = {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _guard = runtime.enter();
        let clock = SimulatedClock::new(Timestamp::from_secs(START_SECS));
        let capabilities = StoreCapabilities {
            objects: durable_local(&dir.path().join("objects")).unwrap(),
            clock,
            entropy: SeededEntropy::new(1),
            faults: Arc::new(base::NoFaults),
        };
        let store = Store::open(StoreConfig::new(dir.path()), capabilities).unwrap();
        table(CloudTrail::new(store.audit().clone(), SeededEntropy::new(2), CloudTrailConfig::default()))
    };
    assert!(served.handler("LookupEvents").is_some());
    assert!(served.handler("CreateTrail").is_none());
}
