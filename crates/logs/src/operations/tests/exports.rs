//! Export tasks: what they write where, how they end, and how they go on.

use std::io::Read;

use base::task::Task;
use signals::BucketError;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::operations::export_tasks;

fn request(group: &str) -> CreateExportTaskRequest {
    CreateExportTaskRequest {
        log_group_name: group.to_owned(),
        from: START - 1_000,
        to: START + 1_000,
        destination: "b".to_owned(),
        ..Default::default()
    }
}

async fn create(f: &Fixture, input: CreateExportTaskRequest) -> Result<String, LogsError> {
    export_tasks::create_export_task(f.cx(), input).await.map(|output| output.task_id.unwrap())
}

async fn describe(f: &Fixture, id: Option<&str>) -> Vec<ExportTask> {
    let input = DescribeExportTasksRequest { task_id: id.map(str::to_owned), ..Default::default() };
    export_tasks::describe_export_tasks(f.cx(), input).await.unwrap().export_tasks.unwrap()
}

async fn status(f: &Fixture, id: &str) -> (String, Option<String>) {
    let status = describe(f, Some(id)).await.remove(0).status.unwrap();
    (status.code.unwrap().as_str().to_owned(), status.message)
}

fn task(f: &Fixture) -> Arc<dyn Task> {
    crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == crate::tasks::EXPORTS).unwrap()
}

async fn run(f: &Fixture) -> Result<u64, String> {
    let result = task(f).activate(&CancellationToken::new()).await;
    result.map(|activity| activity.changes).map_err(|error| error.to_string())
}

fn file(f: &Fixture, key: &str) -> String {
    let objects = f.outside.objects.lock();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*objects["b"][key]).read_to_string(&mut text).unwrap();
    text
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    for stream in ["a/1", "b", "empty"] {
        f.create_stream("g", stream).await;
    }
    f.put("g", "a/1", &[(-2_000, "before"), (0, "one"), (1, "two\n"), (1_000, "last")]).await.unwrap();
    f.put("g", "b", &[(5, "other"), (1_001, "after")]).await.unwrap();
    f.outside.create_bucket("b");
    f
}

#[tokio::test]
async fn a_task_writes_a_file_for_each_stream() {
    let f = fixture().await;
    let id = create(&f, request("g")).await.unwrap();
    assert_eq!(status(&f, &id).await, ("PENDING".to_owned(), None));
    let limit = told(create(&f, request("g")).await);
    assert_eq!(limit, ("LimitExceededException", "Resource limit exceeded.".to_owned()));
    assert_eq!(run(&f).await, Ok(1));
    let keys: Vec<String> = f.outside.objects.lock()["b"].keys().cloned().collect();
    assert_eq!(
        keys,
        [
            format!("exportedlogs/{id}/a-1/000000.gz"),
            format!("exportedlogs/{id}/b/000000.gz"),
            "exportedlogs/aws-logs-write-test".to_owned(),
        ]
    );
    let text = file(&f, &keys[0]);
    assert_eq!(
        text,
        "2024-06-01T00:00:00.000Z one\n2024-06-01T00:00:00.001Z two\n\n2024-06-01T00:00:01.000Z last\n"
    );
    assert_eq!(file(&f, &keys[1]), "2024-06-01T00:00:00.005Z other\n");
    let found = describe(&f, None).await.remove(0);
    assert_eq!(found.status.unwrap().code, Some(ExportTaskStatusCode::Completed));
    assert_eq!(found.destination_prefix.as_deref(), Some("exportedlogs"));
    assert_eq!(found.execution_info.unwrap().completion_time, Some(START));
    assert_eq!(run(&f).await, Ok(0));

    let by_prefix = CreateExportTaskRequest {
        log_stream_name_prefix: Some("b".to_owned()),
        destination_prefix: Some("p/q".to_owned()),
        task_name: Some("named".to_owned()),
        ..request("g")
    };
    f.clock.advance(std::time::Duration::from_secs(1));
    let second = create(&f, by_prefix).await.unwrap();
    run(&f).await.unwrap();
    assert!(f.outside.objects.lock()["b"].contains_key(&format!("p/q/{second}/b/000000.gz")));
    assert_eq!(f.outside.objects.lock()["b"].len(), 5);
    let newest_first = describe(&f, None).await;
    assert_eq!(newest_first[0].task_name.as_deref(), Some("named"));
    let page = |token| DescribeExportTasksRequest { limit: Some(1), next_token: token, ..Default::default() };
    let first = export_tasks::describe_export_tasks(f.cx(), page(None)).await.unwrap();
    let rest = export_tasks::describe_export_tasks(f.cx(), page(first.next_token)).await.unwrap();
    assert_eq!(rest.export_tasks.unwrap()[0].task_id.as_deref(), Some(id.as_str()));
    assert_eq!(rest.next_token, None);
    assert_eq!(describe(&f, Some("unknown")).await, []);
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused() {
    let f = fixture().await;
    let missing =
        told(create(&f, CreateExportTaskRequest { destination: "x".to_owned(), ..request("g") }).await);
    let text = "The given bucket does not exist. Please make sure the bucket is valid.".to_owned();
    assert_eq!(missing, ("InvalidParameterException", text));
    let backwards = CreateExportTaskRequest { from: 2, to: 2, ..request("g") };
    assert_eq!(told(create(&f, backwards).await).0, "InvalidParameterException");
    let early = CreateExportTaskRequest { from: 0, to: 1, ..request("g") };
    assert_eq!(told(create(&f, early).await).0, "InvalidParameterException");
    assert_eq!(told(create(&f, request("none")).await).0, "ResourceNotFoundException");
    f.outside.bucket_failures.lock().push_back(BucketError::Refused("denied".to_owned()));
    assert_eq!(told(create(&f, request("g")).await).0, "InvalidParameterException");
    assert_eq!(describe(&f, None).await, []);
}

#[tokio::test]
async fn a_task_goes_on_after_a_restart_with_the_next_stream() {
    let f = fixture().await;
    let id = create(&f, request("g")).await.unwrap();
    f.outside.bucket_failures.lock().push_back(BucketError::Unavailable("busy".to_owned()));
    let stuck = run(&f).await.unwrap_err();
    assert!(stuck.contains("busy"), "{stuck}");
    assert_eq!(status(&f, &id).await.0, "RUNNING");
    // The first stream is written, the second fails, the server restarts with an empty bucket.
    let key = crate::export::task_key(&f.caller.scope, &id);
    let written = |task: &mut crate::export::ExportTask| {
        task.written_through = Some("a/1".to_owned());
        Ok::<(), LogsError>(())
    };
    f.logs.export_tasks.update(&key, written).await.unwrap();
    let f = f.restart().await;
    f.outside.create_bucket("b");
    assert_eq!(run(&f).await, Ok(1));
    assert_eq!(status(&f, &id).await, ("COMPLETED".to_owned(), Some("Completed successfully".to_owned())));
    let keys: Vec<String> = f.outside.objects.lock()["b"].keys().cloned().collect();
    assert_eq!(keys, [format!("exportedlogs/{id}/b/000000.gz")]);
}

#[tokio::test]
async fn a_task_fails_or_is_cancelled_visibly() {
    let f = fixture().await;
    let id = create(&f, request("g")).await.unwrap();
    f.outside.bucket_failures.lock().push_back(BucketError::Refused("no more".to_owned()));
    assert_eq!(run(&f).await, Ok(1));
    assert_eq!(status(&f, &id).await, ("FAILED".to_owned(), Some("the bucket refused: no more".to_owned())));

    let cancel = |id: &str| CancelExportTaskRequest { task_id: id.to_owned() };
    let finished = told(export_tasks::cancel_export_task(f.cx(), cancel(&id)).await);
    assert_eq!(finished.0, "InvalidOperationException");
    let unknown = told(export_tasks::cancel_export_task(f.cx(), cancel("x")).await);
    let text = "The specified export task does not exist.".to_owned();
    assert_eq!(unknown, ("ResourceNotFoundException", text));

    let id = create(&f, request("g")).await.unwrap();
    export_tasks::cancel_export_task(f.cx(), cancel(&id)).await.unwrap();
    assert_eq!(status(&f, &id).await.0, "PENDING_CANCEL");
    assert_eq!(run(&f).await, Ok(1));
    assert_eq!(status(&f, &id).await.0, "CANCELLED");

    let id = create(&f, request("g")).await.unwrap();
    let task = task(&f);
    let mut last = String::new();
    for _ in 0..130 {
        f.outside.bucket_failures.lock().push_back(BucketError::Unavailable("away".to_owned()));
        let _ = task.activate(&CancellationToken::new()).await;
        last = status(&f, &id).await.0;
        if last == "FAILED" {
            break;
        }
        f.clock.advance_to(task.next_activation().unwrap());
    }
    assert_eq!(last, "FAILED", "after an hour");
}
