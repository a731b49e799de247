//! Groups, retention policies and tags.

use std::collections::BTreeMap;

use super::*;

fn by_name(name: &str) -> CreateLogGroupRequest {
    CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() }
}

fn delete(name: &str) -> DeleteLogGroupRequest {
    DeleteLogGroupRequest { log_group_name: name.to_owned() }
}

fn names(groups: Option<Vec<LogGroup>>) -> Vec<String> {
    groups.unwrap().into_iter().map(|group| group.log_group_name.unwrap()).collect()
}

#[tokio::test]
async fn a_group_is_created_once_and_described_whole() {
    let f = Fixture::new().await;
    let tags = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let input = CreateLogGroupRequest { tags: Some(tags), ..by_name("/app/x") };
    log_groups::create_log_group(f.cx(), input).await.unwrap();
    let again = log_groups::create_log_group(f.cx(), by_name("/app/x")).await;
    assert_eq!(
        told(again),
        ("ResourceAlreadyExistsException", "The specified log group already exists".to_owned())
    );
    let found = log_groups::describe_log_groups(f.cx(), Default::default()).await.unwrap();
    let expected = LogGroup {
        arn: Some("arn:aws:logs:us-east-1:123456789012:log-group:/app/x:*".to_owned()),
        log_group_arn: Some("arn:aws:logs:us-east-1:123456789012:log-group:/app/x".to_owned()),
        creation_time: Some(START),
        deletion_protection_enabled: Some(false),
        log_group_class: Some(LogGroupClass::Standard),
        log_group_name: Some("/app/x".to_owned()),
        metric_filter_count: Some(0),
        stored_bytes: Some(0),
        ..Default::default()
    };
    assert_eq!((found.log_groups, found.next_token), (Some(vec![expected]), None));
    for (input, exception) in [
        (by_name("aws/x"), "InvalidParameterException"),
        (
            CreateLogGroupRequest { kms_key_id: Some("k".to_owned()), ..by_name("y") },
            "InvalidParameterException",
        ),
        (
            CreateLogGroupRequest {
                tags: Some(BTreeMap::from([("aws:x".to_owned(), String::new())])),
                ..by_name("y")
            },
            "InvalidParameterException",
        ),
    ] {
        assert_eq!(told(log_groups::create_log_group(f.cx(), input).await).0, exception);
    }
    let missing = log_groups::delete_log_group(f.cx(), delete("y")).await;
    assert_eq!(
        told(missing),
        ("ResourceNotFoundException", "The specified log group does not exist.".to_owned())
    );
}

#[tokio::test]
async fn groups_are_listed_by_pages_prefix_pattern_class_and_identifier() {
    let f = Fixture::new().await;
    for name in ["b/2", "a/1", "a/2", "B/1", "c"] {
        f.create_group(name).await;
    }
    let class = Some(LogGroupClass::InfrequentAccess);
    let input = CreateLogGroupRequest { log_group_class: class.clone(), ..by_name("ia") };
    log_groups::create_log_group(f.cx(), input).await.unwrap();

    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let input = DescribeLogGroupsRequest { limit: Some(2), next_token: token, ..Default::default() };
        let page = log_groups::describe_log_groups(f.cx(), input).await.unwrap();
        let page_names = names(page.log_groups);
        assert!((1..=2).contains(&page_names.len()));
        // A group made and one removed behind the reader change nothing of what is to come.
        seen.extend(page_names);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["B/1", "a/1", "a/2", "b/2", "c", "ia"]);

    let ask = |input: DescribeLogGroupsRequest| {
        let cx = f.cx();
        async move { log_groups::describe_log_groups(cx, input).await }
    };
    let text = |t: &str| Some(t.to_owned());
    let prefix = DescribeLogGroupsRequest { log_group_name_prefix: text("a/"), ..Default::default() };
    assert_eq!(names(ask(prefix).await.unwrap().log_groups), ["a/1", "a/2"]);
    let pattern = DescribeLogGroupsRequest { log_group_name_pattern: text("/2"), ..Default::default() };
    let found = ask(pattern).await.unwrap().log_groups.unwrap();
    assert!(found.iter().all(|g| g.stored_bytes.is_none() && g.deletion_protection_enabled.is_none()));
    assert_eq!(names(Some(found)), ["a/2", "b/2"]);
    let essentials =
        DescribeLogGroupsRequest { log_group_class: Some(LogGroupClass::Essentials), ..Default::default() };
    assert_eq!(names(ask(essentials).await.unwrap().log_groups), ["ia"]);
    let identifiers = vec!["c", "arn:aws:logs:us-east-1:123456789012:log-group:a/1", "absent"];
    let identifiers = DescribeLogGroupsRequest {
        log_group_identifiers: Some(identifiers.into_iter().map(str::to_owned).collect()),
        ..Default::default()
    };
    assert_eq!(names(ask(identifiers.clone()).await.unwrap().log_groups), ["a/1", "c"]);

    let both = DescribeLogGroupsRequest {
        log_group_name_prefix: text("a"),
        log_group_name_pattern: text("a"),
        ..Default::default()
    };
    assert_eq!(
        told(ask(both).await).1,
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    );
    let accompanied = DescribeLogGroupsRequest { limit: Some(1), ..identifiers };
    assert_eq!(told(ask(accompanied).await).0, "InvalidParameterException");
    let invented = DescribeLogGroupsRequest { next_token: text("bcdf"), ..Default::default() };
    assert_eq!(told(ask(invented).await).1, "The specified nextToken is invalid.");

    let list = ListLogGroupsRequest { log_group_name_pattern: text("^a/1|b/2"), ..Default::default() };
    let listed = log_groups::list_log_groups(f.cx(), list).await.unwrap().log_groups.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|g| g.log_group_name.unwrap()).collect();
    assert_eq!(listed, ["a/1", "b/2"]);
}

#[tokio::test]
async fn accounts_and_regions_see_their_own() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, "mine")]).await.unwrap();
    for other in [caller("999999999999", "us-east-1"), caller("123456789012", "eu-west-1")] {
        let found = log_groups::describe_log_groups(f.cx_as(&other), Default::default()).await.unwrap();
        assert_eq!(found.log_groups, Some(Vec::new()));
        let filter = FilterLogEventsRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
        let refused = log_events::filter_log_events(f.cx_as(&other), filter.clone()).await;
        assert_eq!(told(refused).0, "ResourceNotFoundException");
        log_groups::create_log_group(f.cx_as(&other), by_name("g")).await.unwrap();
        let found = log_events::filter_log_events(f.cx_as(&other), filter).await.unwrap();
        assert_eq!(found.events, Some(Vec::new()));
        log_groups::delete_log_group(f.cx_as(&other), delete("g")).await.unwrap();
    }
    assert_eq!(f.filter("g", "").await, ["mine"]);
}

#[tokio::test]
async fn retention_and_protection() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    let retention =
        |days| PutRetentionPolicyRequest { log_group_name: "g".to_owned(), retention_in_days: days };
    for bad in [0, 2, 366] {
        let refused = log_groups::put_retention_policy(f.cx(), retention(bad)).await;
        assert_eq!(told(refused).0, "InvalidParameterException");
    }
    log_groups::put_retention_policy(f.cx(), retention(14)).await.unwrap();
    let days = |f: &Fixture| {
        let cx = f.cx();
        async move {
            let found = log_groups::describe_log_groups(cx, Default::default()).await.unwrap();
            found.log_groups.unwrap()[0].retention_in_days
        }
    };
    assert_eq!(days(&f).await, Some(14));
    let policy = DeleteRetentionPolicyRequest { log_group_name: "g".to_owned() };
    log_groups::delete_retention_policy(f.cx(), policy).await.unwrap();
    assert_eq!(days(&f).await, None);
    let absent = PutRetentionPolicyRequest { log_group_name: "absent".to_owned(), retention_in_days: 1 };
    let refused = log_groups::put_retention_policy(f.cx(), absent).await;
    assert_eq!(told(refused).0, "ResourceNotFoundException");

    let protect = |on| PutLogGroupDeletionProtectionRequest {
        log_group_identifier: "g".to_owned(),
        deletion_protection_enabled: on,
    };
    f.create_stream("g", "s").await;
    log_groups::put_log_group_deletion_protection(f.cx(), protect(true)).await.unwrap();
    assert_eq!(told(log_groups::delete_log_group(f.cx(), delete("g")).await).0, "ValidationException");
    let stream = DeleteLogStreamRequest { log_group_name: "g".to_owned(), log_stream_name: "s".to_owned() };
    assert_eq!(told(log_streams::delete_log_stream(f.cx(), stream).await).0, "ValidationException");
    log_groups::put_log_group_deletion_protection(f.cx(), protect(false)).await.unwrap();
    log_groups::delete_log_group(f.cx(), delete("g")).await.unwrap();
}

#[tokio::test]
async fn one_tag_set_by_name_and_by_arn() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:g".to_owned();
    let set = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let tag = TagResourceRequest { resource_arn: format!("{arn}:*"), tags: set(&[("a", "1"), ("b", "2")]) };
    tags::tag_resource(f.cx(), tag).await.unwrap();
    let tag = TagLogGroupRequest { log_group_name: "g".to_owned(), tags: set(&[("b", "3"), ("c", "4")]) };
    tags::tag_log_group(f.cx(), tag).await.unwrap();
    let untag = UntagResourceRequest {
        resource_arn: arn.clone(),
        tag_keys: vec!["a".to_owned(), "never there".to_owned()],
    };
    tags::untag_resource(f.cx(), untag).await.unwrap();
    let by_arn = ListTagsForResourceRequest { resource_arn: arn.clone() };
    let by_arn = tags::list_tags_for_resource(f.cx(), by_arn).await.unwrap().tags;
    let by_name = ListTagsLogGroupRequest { log_group_name: "g".to_owned() };
    let by_name = tags::list_tags_log_group(f.cx(), by_name).await.unwrap().tags;
    assert_eq!(by_arn, Some(set(&[("b", "3"), ("c", "4")])));
    assert_eq!(by_arn, by_name);
    let untag = UntagLogGroupRequest { log_group_name: "g".to_owned(), tags: vec!["b".to_owned()] };
    tags::untag_log_group(f.cx(), untag).await.unwrap();

    let many: BTreeMap<_, _> = (0..50).map(|i| (format!("k{i}"), String::new())).collect();
    let refused =
        tags::tag_resource(f.cx(), TagResourceRequest { resource_arn: arn.clone(), tags: many }).await;
    assert_eq!(told(refused).0, "TooManyTagsException");
    let list = ListTagsForResourceRequest { resource_arn: arn };
    let left = tags::list_tags_for_resource(f.cx(), list).await.unwrap().tags;
    assert_eq!(left, Some(set(&[("c", "4")])));
    let absent = ListTagsLogGroupRequest { log_group_name: "absent".to_owned() };
    assert_eq!(told(tags::list_tags_log_group(f.cx(), absent).await).0, "ResourceNotFoundException");
}
