//! Streams and their orders.

use super::*;

fn describe(group: &str) -> DescribeLogStreamsRequest {
    DescribeLogStreamsRequest { log_group_name: Some(group.to_owned()), ..Default::default() }
}

async fn all_names(f: &Fixture, input: DescribeLogStreamsRequest) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let input = DescribeLogStreamsRequest { next_token: token, limit: Some(2), ..input.clone() };
        let page = log_streams::describe_log_streams(f.cx(), input).await.unwrap();
        names.extend(page.log_streams.unwrap().into_iter().map(|s| s.log_stream_name.unwrap()));
        token = page.next_token;
        if token.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn both_orders_and_both_directions() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    for name in ["c", "a", "e", "b", "d"] {
        f.create_stream("g", name).await;
    }
    for (name, offset) in [("a", 30), ("b", 10), ("c", 20)] {
        f.put("g", name, &[(offset, "x")]).await.unwrap();
    }
    let ordered = |by, descending| DescribeLogStreamsRequest {
        order_by: Some(by),
        descending: Some(descending),
        ..describe("g")
    };
    assert_eq!(all_names(&f, describe("g")).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(all_names(&f, ordered(OrderBy::LogStreamName, true)).await, ["e", "d", "c", "b", "a"]);
    assert_eq!(all_names(&f, ordered(OrderBy::LastEventTime, false)).await, ["d", "e", "b", "c", "a"]);
    assert_eq!(all_names(&f, ordered(OrderBy::LastEventTime, true)).await, ["a", "c", "b", "e", "d"]);
    let prefix = DescribeLogStreamsRequest { log_stream_name_prefix: Some("b".to_owned()), ..describe("g") };
    assert_eq!(all_names(&f, prefix.clone()).await, ["b"]);

    let both = DescribeLogStreamsRequest { log_group_identifier: Some("g".to_owned()), ..describe("g") };
    let refused = told(log_streams::describe_log_streams(f.cx(), both).await);
    let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
    assert_eq!(refused, ("ValidationException", text.to_owned()));
    let refused = DescribeLogStreamsRequest { order_by: Some(OrderBy::LastEventTime), ..prefix };
    let refused = told(log_streams::describe_log_streams(f.cx(), refused).await);
    assert_eq!(refused.1, "Cannot order by LastEventTime with a logStreamNamePrefix.");
    let neither = told(log_streams::describe_log_streams(f.cx(), Default::default()).await);
    assert_eq!(neither.0, "InvalidParameterException");
    let absent = told(log_streams::describe_log_streams(f.cx(), describe("absent")).await);
    assert_eq!(absent.1, "The specified log group does not exist.");
}

#[tokio::test]
async fn a_fresh_stream_and_one_with_events() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    let input = CreateLogStreamRequest { log_group_name: "g".to_owned(), log_stream_name: "s".to_owned() };
    let again = told(log_streams::create_log_stream(f.cx(), input).await);
    assert_eq!(again.1, "The specified log stream already exists");
    let one = |f: &Fixture| {
        let cx = f.cx();
        async move {
            let found = log_streams::describe_log_streams(cx, describe("g")).await.unwrap();
            found.log_streams.unwrap().remove(0)
        }
    };
    let fresh = LogStream {
        arn: Some("arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s".to_owned()),
        creation_time: Some(START),
        log_stream_name: Some("s".to_owned()),
        stored_bytes: Some(0),
        ..Default::default()
    };
    assert_eq!(one(&f).await, fresh);
    f.clock.advance(std::time::Duration::from_secs(5));
    f.put("g", "s", &[(1, "a"), (9, "bc")]).await.unwrap();
    let known = one(&f).await;
    assert!(known.upload_sequence_token.as_ref().is_some_and(|token| token.len() == 56));
    let expected = LogStream {
        first_event_timestamp: Some(START + 1),
        last_event_timestamp: Some(START + 9),
        last_ingestion_time: Some(START + 5000),
        upload_sequence_token: known.upload_sequence_token.clone(),
        ..fresh
    };
    assert_eq!(known, expected);
    let group = log_groups::describe_log_groups(f.cx(), Default::default()).await.unwrap();
    assert_eq!(group.log_groups.unwrap()[0].stored_bytes, Some(3 + 2 * 26));
}

#[tokio::test]
async fn a_stream_or_group_made_again_starts_empty() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.create_stream("g", "t").await;
    f.put("g", "s", &[(0, "old s")]).await.unwrap();
    f.put("g", "t", &[(0, "t")]).await.unwrap();
    let stream = DeleteLogStreamRequest { log_group_name: "g".to_owned(), log_stream_name: "s".to_owned() };
    log_streams::delete_log_stream(f.cx(), stream.clone()).await.unwrap();
    let again = told(log_streams::delete_log_stream(f.cx(), stream).await);
    assert_eq!(again.1, "The specified log stream does not exist.");
    assert_eq!(f.filter("g", "").await, ["t"]);
    f.create_stream("g", "s").await;
    assert_eq!(f.filter("g", "").await, ["t"]);
    f.put("g", "s", &[(1, "new s")]).await.unwrap();
    let f = f.restart().await;
    assert_eq!(f.filter("g", "").await, ["t", "new s"]);

    let group = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
    log_groups::delete_log_group(f.cx(), group).await.unwrap();
    assert_eq!(told(f.put("g", "s", &[(0, "x")]).await).1, "The specified log group does not exist.");
    f.create_group("g").await;
    assert_eq!(told(f.put("g", "s", &[(0, "x")]).await).1, "The specified log stream does not exist.");
    f.create_stream("g", "s").await;
    let f = f.restart().await;
    assert_eq!(f.filter("g", "").await, Vec::<String>::new());
}
