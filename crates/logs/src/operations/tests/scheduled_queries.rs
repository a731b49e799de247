//! Scheduled queries: what is kept, when they run, and where results go.

use std::time::Duration;

use base::Clock as _;
use base::task::Task;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::operations::scheduled_queries;

fn create(name: &str) -> CreateScheduledQueryRequest {
    CreateScheduledQueryRequest {
        name: name.to_owned(),
        query_language: QueryLanguage::Cwli,
        query_string: "fields @message | sort @message asc".to_owned(),
        log_group_identifiers: Some(vec!["g".to_owned()]),
        schedule_expression: "cron(0/5 * * * ? *)".to_owned(),
        start_time_offset: Some(3600),
        execution_role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
        destination_configuration: Some(DestinationConfiguration {
            s3_configuration: Some(S3Configuration {
                destination_identifier: "s3://b/results/".to_owned(),
                role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
                ..Default::default()
            }),
            lookup_table_configuration: Some(LookupTableConfiguration {
                table_name: "t".to_owned(),
                role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
                ..Default::default()
            }),
        }),
        ..Default::default()
    }
}

async fn history(f: &Fixture, name: &str) -> Vec<TriggerHistoryRecord> {
    let input = GetScheduledQueryHistoryRequest {
        identifier: name.to_owned(),
        start_time: 0,
        end_time: START + 1_000_000_000,
        ..Default::default()
    };
    scheduled_queries::get_scheduled_query_history(f.cx(), input).await.unwrap().trigger_history.unwrap()
}

fn task(f: &Fixture) -> Arc<dyn Task> {
    crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == crate::tasks::SCHEDULED_QUERIES).unwrap()
}

async fn run(f: &Fixture) -> u64 {
    task(f).activate(&CancellationToken::new()).await.unwrap().changes
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, "b"), (1, "a")]).await.unwrap();
    f.outside.create_bucket("b");
    f
}

#[tokio::test]
async fn a_query_runs_by_the_clock_and_its_results_go_out() {
    let f = fixture().await;
    scheduled_queries::create_scheduled_query(f.cx(), create("q")).await.unwrap();
    assert_eq!(run(&f).await, 0, "it is not time yet");
    let next = task(&f).next_activation().unwrap();
    assert_eq!(next, Timestamp::from_millis(START + 300_000));
    f.clock.advance_to(next);
    assert_eq!(run(&f).await, 1);
    assert_eq!(run(&f).await, 0, "once");
    let runs = history(&f, "q").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].execution_status, Some(ExecutionStatus::Complete), "{:?}", runs[0].error_message);
    assert_eq!(runs[0].triggered_timestamp, Some(START + 300_000));
    let destinations = runs[0].destinations.clone().unwrap();
    assert!(destinations.iter().all(|d| d.status == Some(ActionStatus::Complete)), "{destinations:?}");
    let id = runs[0].query_id.clone().unwrap();
    let key = format!("results/2024-06-01/{id}.json");
    assert_eq!(destinations[0].processed_identifier, Some(format!("s3://b/{key}")));
    let written = f.outside.objects.lock()["b"][&key].clone();
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["results"][0][0], serde_json::json!({"field": "@message", "value": "a"}));
    assert_eq!(f.logs.lookup_table(&f.caller.scope, "t").unwrap(), "@message\na\nb\n");
    let listed = DescribeQueriesRequest::default();
    let listed = query_operations::describe_queries(f.cx(), listed).await.unwrap().queries.unwrap();
    assert_eq!(listed[0].query_id, Some(id));

    // Of runs that were missed, the last one is made up for, also after a restart.
    f.clock.advance(Duration::from_secs(3600));
    let f = f.restart().await;
    assert_eq!(run(&f).await, 1);
    let runs = history(&f, "q").await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].triggered_timestamp, Some(START + 3_900_000));
    // The bucket is gone with the restart: the failure is told.
    assert_eq!(runs[0].destinations.as_ref().unwrap()[0].status, Some(ActionStatus::Failed));
    let get = GetScheduledQueryRequest { identifier: "q".to_owned() };
    let found = scheduled_queries::get_scheduled_query(f.cx(), get).await.unwrap();
    assert_eq!(found.last_execution_status, Some(ExecutionStatus::Complete));
    assert!(task(&f).next_activation().unwrap() > f.clock.now());
}

#[tokio::test]
async fn queries_are_kept_changed_listed_and_deleted() {
    let f = fixture().await;
    let made = scheduled_queries::create_scheduled_query(f.cx(), create("q")).await.unwrap();
    assert_eq!(made.state, Some(ScheduledQueryState::Enabled));
    let again = told(scheduled_queries::create_scheduled_query(f.cx(), create("q")).await);
    assert_eq!(again.0, "ConflictException");
    for bad in [
        CreateScheduledQueryRequest { schedule_expression: "rate(1 hour)".to_owned(), ..create("x") },
        CreateScheduledQueryRequest { timezone: Some("Nowhere".to_owned()), ..create("x") },
        CreateScheduledQueryRequest { query_string: "fields |".to_owned(), ..create("x") },
        CreateScheduledQueryRequest { start_time_offset: Some(1), end_time_offset: Some(2), ..create("x") },
    ] {
        let refused = told(scheduled_queries::create_scheduled_query(f.cx(), bad).await);
        assert_eq!(refused.0, "ValidationException");
    }
    let f = f.restart().await;
    let arn = made.scheduled_query_arn.unwrap();
    let update = UpdateScheduledQueryRequest {
        identifier: arn.clone(),
        query_language: QueryLanguage::Cwli,
        query_string: "fields @timestamp".to_owned(),
        schedule_expression: "cron(0 0 * * ? *)".to_owned(),
        execution_role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
        state: Some(ScheduledQueryState::Disabled),
        ..Default::default()
    };
    let updated = scheduled_queries::update_scheduled_query(f.cx(), update).await.unwrap();
    assert_eq!(updated.name.as_deref(), Some("q"));
    assert_eq!((updated.destination_configuration, updated.start_time_offset), (None, None));
    assert_eq!(task(&f).next_activation(), None, "what is disabled never runs");
    let list = |state| ListScheduledQueriesRequest { state, ..Default::default() };
    let count = |page: ListScheduledQueriesResponse| page.scheduled_queries.unwrap().len();
    let disabled = list(Some(ScheduledQueryState::Disabled));
    assert_eq!(count(scheduled_queries::list_scheduled_queries(f.cx(), disabled).await.unwrap()), 1);
    let enabled = list(Some(ScheduledQueryState::Enabled));
    assert_eq!(count(scheduled_queries::list_scheduled_queries(f.cx(), enabled).await.unwrap()), 0);
    let delete = DeleteScheduledQueryRequest { identifier: arn };
    scheduled_queries::delete_scheduled_query(f.cx(), delete.clone()).await.unwrap();
    let gone = told(scheduled_queries::delete_scheduled_query(f.cx(), delete).await);
    assert_eq!(gone.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_query_that_cannot_run_says_why() {
    let f = fixture().await;
    let missing =
        CreateScheduledQueryRequest { log_group_identifiers: Some(vec!["none".to_owned()]), ..create("q") };
    scheduled_queries::create_scheduled_query(f.cx(), missing).await.unwrap();
    f.clock.advance(Duration::from_secs(300));
    assert_eq!(run(&f).await, 1);
    let runs = history(&f, "q").await;
    assert_eq!(runs[0].execution_status, Some(ExecutionStatus::InvalidQuery));
    assert!(runs[0].error_message.as_deref().unwrap().contains("'none' does not exist"), "{runs:?}");
}
