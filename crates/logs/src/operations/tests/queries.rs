//! Insights queries through the operations.

use super::*;

const DAY: i64 = 86_400_000;

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, r#"{"level":"info","n":1.50}"#), (1000, r#"{"level":"error","n":2}"#)])
        .await
        .unwrap();
    f
}

fn ask(text: &str) -> StartQueryRequest {
    StartQueryRequest {
        log_group_name: Some("g".to_owned()),
        query_string: text.to_owned(),
        start_time: START / 1000 - 60,
        end_time: START / 1000 + 60,
        ..Default::default()
    }
}

/// Values of the rows that a query of `g` gives, without the pointers.
pub(super) async fn values(f: &Fixture, text: &str) -> Vec<Vec<String>> {
    let id = start(f, ask(text)).await.unwrap();
    let answer = results(f, &id).await;
    assert_eq!(answer.status, Some(QueryStatus::Complete), "{text}");
    let value = |(name, value): (String, String)| (name != "@ptr").then_some(value);
    rows(&answer).into_iter().map(|row| row.into_iter().filter_map(value).collect()).collect()
}

async fn start(f: &Fixture, input: StartQueryRequest) -> Result<String, LogsError> {
    let id = query_operations::start_query(f.cx(), input).await?.query_id.unwrap();
    let query = f.logs.queries.find(&f.caller.scope, &id).unwrap();
    query.job.finished().await;
    Ok(id)
}

async fn results(f: &Fixture, id: &str) -> GetQueryResultsResponse {
    let input = GetQueryResultsRequest { query_id: id.to_owned(), ..Default::default() };
    query_operations::get_query_results(f.cx(), input).await.unwrap()
}

fn rows(answer: &GetQueryResultsResponse) -> Vec<Vec<(String, String)>> {
    let pair = |field: &ResultField| (field.field.clone().unwrap(), field.value.clone().unwrap());
    answer.results.as_ref().unwrap().iter().map(|row| row.iter().map(pair).collect()).collect()
}

#[tokio::test]
async fn events_carry_pointers_that_find_them_again() {
    let f = fixture().await;
    let id = start(&f, ask("fields @message, level | filter level = 'error'")).await.unwrap();
    let answer = results(&f, &id).await;
    assert_eq!(answer.status, Some(QueryStatus::Complete));
    let statistics = answer.statistics.clone().unwrap();
    assert_eq!(statistics.records_matched, Some(1.0));
    assert_eq!(statistics.result_count, Some(1.0));
    assert_eq!(statistics.log_groups_scanned, Some(1.0));
    let found = rows(&answer);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][1], ("level".to_owned(), "error".to_owned()));
    let (name, pointer) = found[0].last().unwrap().clone();
    assert_eq!(name, "@ptr");

    let f = f.restart().await;
    let look = |pointer: String| GetLogRecordRequest { log_record_pointer: pointer, ..Default::default() };
    let record = log_events::get_log_record(f.cx(), look(pointer.clone())).await.unwrap().log_record.unwrap();
    let expected: std::collections::BTreeMap<String, String> = [
        ("@ingestionTime", START.to_string()),
        ("@log", "123456789012:g".to_owned()),
        ("@logStream", "s".to_owned()),
        ("@message", r#"{"level":"error","n":2}"#.to_owned()),
        ("@ptr", pointer.clone()),
        ("@timestamp", (START + 1000).to_string()),
        ("level", "error".to_owned()),
        ("n", "2".to_owned()),
    ]
    .map(|(k, v)| (k.to_owned(), v))
    .into();
    assert_eq!(record, expected);
    let refused = told(log_events::get_log_record(f.cx(), look("nonsense".to_owned())).await);
    assert_eq!(refused.0, "InvalidParameterException");
    let other = caller("999999999999", "us-east-1");
    let refused = told(log_events::get_log_record(f.cx_as(&other), look(pointer.clone())).await);
    assert_eq!(refused.0, "ResourceNotFoundException");
    let group = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
    log_groups::delete_log_group(f.cx(), group).await.unwrap();
    f.create_group("g").await;
    let refused = told(log_events::get_log_record(f.cx(), look(pointer)).await);
    assert_eq!(refused.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn aggregates_have_no_pointer_and_pages_join() {
    let f = fixture().await;
    let id = start(&f, ask("stats count(*) as c by level | sort level")).await.unwrap();
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let expected =
        vec![vec![pair("level", "error"), pair("c", "1")], vec![pair("level", "info"), pair("c", "1")]];
    assert_eq!(rows(&results(&f, &id).await), expected);
    let mut input = GetQueryResultsRequest { query_id: id, max_items: Some(1), next_token: None };
    let first = query_operations::get_query_results(f.cx(), input.clone()).await.unwrap();
    assert_eq!(rows(&first), expected[..1]);
    input.next_token = first.next_token;
    assert!(input.next_token.is_some());
    let second = query_operations::get_query_results(f.cx(), input.clone()).await.unwrap();
    assert_eq!((rows(&second), second.next_token), (expected[1..].to_vec(), None));
    input.query_id = "absent".to_owned();
    let refused = told(query_operations::get_query_results(f.cx(), input).await);
    assert_eq!(refused.0, "ResourceNotFoundException");
}

/// Both ends of the range are whole seconds and included.
#[tokio::test]
async fn the_range_includes_its_last_second() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(-1, "a"), (0, "b"), (1999, "c"), (2000, "d")]).await.unwrap();
    let input = StartQueryRequest {
        start_time: START / 1000,
        end_time: START / 1000 + 1,
        ..ask("fields @message | sort @timestamp")
    };
    let id = start(&f, input).await.unwrap();
    let found = rows(&results(&f, &id).await);
    let messages: Vec<_> = found.iter().map(|row| row[0].1.as_str()).collect();
    assert_eq!(messages, ["b", "c"]);
}

#[tokio::test]
async fn what_start_query_refuses() {
    let f = fixture().await;
    let refused = query_operations::start_query(f.cx(), ask("fields @message | bogus x")).await.unwrap_err();
    let LogsError::MalformedQuery { place, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(*place, Some((18, 23)));
    let (exception, _) = told::<()>(Err(refused));
    assert_eq!(exception, "MalformedQueryException");
    let both = StartQueryRequest { log_group_names: Some(vec!["g".to_owned()]), ..ask("fields @message") };
    let none = StartQueryRequest { log_group_name: None, ..ask("fields @message") };
    let backwards = StartQueryRequest { start_time: 10, end_time: 9, ..ask("fields @message") };
    for input in [both, none, backwards] {
        assert_eq!(told(query_operations::start_query(f.cx(), input).await).0, "InvalidParameterException");
    }
    let absent = StartQueryRequest { log_group_name: Some("absent".to_owned()), ..ask("fields @message") };
    let (exception, message) = told(query_operations::start_query(f.cx(), absent).await);
    assert_eq!(exception, "ResourceNotFoundException");
    assert_eq!(message, "Log group 'absent' does not exist for account ID '123456789012'");
    let sql = StartQueryRequest { query_language: Some(QueryLanguage::Sql), ..ask("SELECT a FROM b JOIN c") };
    assert_eq!(told(query_operations::start_query(f.cx(), sql).await).0, "MalformedQueryException");
}

#[tokio::test]
async fn queries_say_what_they_read() {
    let f = fixture().await;
    f.create_group("other/h").await;
    f.create_stream("other/h", "s").await;
    f.put("other/h", "s", &[(0, r#"{"level":"error","owner":"ann"}"#)]).await.unwrap();
    let alone = |text: &str| StartQueryRequest { log_group_name: None, ..ask(text) };
    let column = |answer: &GetQueryResultsResponse| -> Vec<String> {
        rows(answer).iter().map(|row| row[0].1.clone()).collect()
    };
    for (text, expected) in [
        ("SOURCE 'g' | fields n | sort n", vec!["1.50", "2"]),
        ("SOURCE logGroups(namePrefix: ['other/']) | fields owner", vec!["ann"]),
        ("SOURCE logGroups() | stats count(*)", vec!["3"]),
        ("SOURCE 'g', 'other/h' START=0 END=1 | stats count(*)", vec!["0"]),
        ("SOURCE 'g' START=-7d END=now | stats count(*)", vec!["1"]),
    ] {
        let id = start(&f, alone(text)).await.unwrap();
        assert_eq!(column(&results(&f, &id).await), expected, "{text}");
    }
    let id = start(&f, alone("SOURCE logGroups() | stats count(*)")).await.unwrap();
    let input = ListLogGroupsForQueryRequest { query_id: id, ..Default::default() };
    let listed = query_operations::list_log_groups_for_query(f.cx(), input).await.unwrap();
    assert_eq!(listed.log_group_identifiers.unwrap(), ["g", "other/h"]);

    let joined = "join left=l right=r where l.level=r.level (SOURCE 'other/h') | fields r.owner, l.n";
    assert_eq!(column(&results(&f, &start(&f, ask(joined)).await.unwrap()).await), ["ann"]);
    let inner = "filter level in (SOURCE 'other/h' | fields level) | fields n";
    assert_eq!(column(&results(&f, &start(&f, ask(inner)).await.unwrap()).await), ["2"]);

    for (text, exception) in [
        ("SOURCE 'absent' | fields n", "ResourceNotFoundException"),
        ("SOURCE dataSource(['amazon_vpc.flow']) | fields n", "MalformedQueryException"),
        ("SOURCE logGroups(accountIdentifiers: ['999999999999']) | fields n", "MalformedQueryException"),
    ] {
        let refused = query_operations::start_query(f.cx(), alone(text)).await;
        assert_eq!(told(refused).0, exception, "{text}");
    }
    let both = query_operations::start_query(f.cx(), ask("SOURCE 'g' | fields n")).await;
    assert_eq!(told(both).0, "InvalidParameterException");
    let table =
        query_operations::start_query(f.cx(), ask("lookup absent id as n OUTPUT x")).await.unwrap_err();
    let LogsError::MalformedQuery { place, message } = &table else { panic!("{table:?}") };
    assert_eq!((*place, message.as_str()), (Some((7, 13)), "the lookup table 'absent' does not exist"));
}

#[tokio::test]
async fn indexes_narrow_what_filter_index_reads() {
    let f = fixture().await;
    assert_eq!(values(&f, "filterIndex @logStream = 's' | stats count(*)").await, [["2"]]);
    assert_eq!(values(&f, "filterIndex level = 'error' | stats count(*)").await, [["0"]]);
}

#[tokio::test]
async fn ppl_is_another_way_to_ask() {
    let f = fixture().await;
    let ppl = |text: &str| StartQueryRequest { query_language: Some(QueryLanguage::Ppl), ..ask(text) };
    let id = start(&f, ppl("where n > 1.6 | eval twice = n * 2 | fields level, twice")).await.unwrap();
    let answer = results(&f, &id).await;
    assert_eq!(answer.query_language, Some(QueryLanguage::Ppl));
    let first: Vec<String> = rows(&answer)[0].iter().take(2).map(|(_, value)| value.clone()).collect();
    assert_eq!(first, ["error", "4"]);
    let id = start(
        &f,
        StartQueryRequest { log_group_name: None, ..ppl("source = [lg:`g`] | stats count() as c") },
    );
    assert_eq!(rows(&results(&f, &id.await.unwrap()).await), [[("c".to_owned(), "2".to_owned())]]);
    let sql = StartQueryRequest {
        query_language: Some(QueryLanguage::Sql),
        log_group_name: None,
        ..ask("SELECT level, sum(n) AS s FROM `g` GROUP BY level ORDER BY s DESC LIMIT 1")
    };
    let id = start(&f, sql).await.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(rows(&results(&f, &id).await), [[pair("level", "error"), pair("s", "2")]]);
    let refused =
        query_operations::start_query(f.cx(), ppl("fields a | trendline sma(2, a)")).await.unwrap_err();
    assert_eq!(told::<()>(Err(refused)).0, "MalformedQueryException");
}

#[tokio::test]
async fn queries_are_listed_newest_first_and_stopped_once() {
    let f = fixture().await;
    let first = start(&f, ask("fields @message")).await.unwrap();
    f.clock.advance(std::time::Duration::from_secs(1));
    let second = start(&f, ask("stats count(*)")).await.unwrap();
    let listed = query_operations::describe_queries(f.cx(), Default::default()).await.unwrap();
    let queries = listed.queries.unwrap();
    let ids: Vec<_> = queries.iter().map(|q| q.query_id.clone().unwrap()).collect();
    assert_eq!(ids, [second.clone(), first.clone()]);
    let expected =
        format!("SOURCE \"g\" START={}000 END={}999 | fields @message", START / 1000 - 60, START / 1000 + 60);
    assert_eq!(queries[1].query_string.as_deref(), Some(expected.as_str()));
    assert_eq!(queries[1].create_time, Some(START));
    let one = DescribeQueriesRequest { max_results: Some(1), ..Default::default() };
    let page = query_operations::describe_queries(f.cx(), one.clone()).await.unwrap();
    let next = DescribeQueriesRequest { next_token: page.next_token, ..one };
    let page = query_operations::describe_queries(f.cx(), next).await.unwrap();
    assert_eq!(page.queries.unwrap()[0].query_id.as_ref(), Some(&first));
    assert_eq!(page.next_token, None);
    let running = DescribeQueriesRequest { status: Some(QueryStatus::Running), ..Default::default() };
    let page = query_operations::describe_queries(f.cx(), running).await.unwrap();
    assert_eq!(page.queries, Some(Vec::new()));
    let other = caller("999999999999", "us-east-1");
    let theirs = query_operations::describe_queries(f.cx_as(&other), Default::default()).await.unwrap();
    assert_eq!(theirs.queries, Some(Vec::new()));

    let ended = told(query_operations::stop_query(f.cx(), StopQueryRequest { query_id: second }).await);
    assert_eq!(ended.0, "InvalidParameterException");
    let absent = StopQueryRequest { query_id: "absent".to_owned() };
    assert_eq!(told(query_operations::stop_query(f.cx(), absent).await).0, "ResourceNotFoundException");
    // Forgotten after seven days.
    f.clock.advance(std::time::Duration::from_millis((7 * DAY) as u64 + 1));
    let page = query_operations::describe_queries(f.cx(), Default::default()).await.unwrap();
    assert_eq!(page.queries, Some(Vec::new()));
}

#[tokio::test]
async fn several_groups_each_with_its_own_retention() {
    let f = Fixture::new().await;
    for group in ["a", "b"] {
        f.create_group(group).await;
        f.create_stream(group, "s").await;
        f.put(group, "s", &[(-2 * DAY, &format!("old {group}"))]).await.unwrap();
        f.put(group, "s", &[(0, &format!("new {group}"))]).await.unwrap();
    }
    let policy = PutRetentionPolicyRequest { log_group_name: "a".to_owned(), retention_in_days: 1 };
    log_groups::put_retention_policy(f.cx(), policy).await.unwrap();
    let input = StartQueryRequest {
        log_group_name: None,
        log_group_names: Some(vec!["b".to_owned(), "a".to_owned()]),
        start_time: START / 1000 - 10 * 86_400,
        ..ask("fields @log, @message | sort @message")
    };
    let id = start(&f, input).await.unwrap();
    let found = rows(&results(&f, &id).await);
    let shown: Vec<_> = found.iter().map(|row| (row[0].1.as_str(), row[1].1.as_str())).collect();
    assert_eq!(
        shown,
        [("123456789012:a", "new a"), ("123456789012:b", "new b"), ("123456789012:b", "old b")]
    );
}
