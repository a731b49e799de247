//! A job from its turn to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::physical_plan::execute_stream;
use futures::{FutureExt, TryStreamExt};
use store::StoreError;
use tokio::sync::OwnedSemaphorePermit;

use super::{Failure, Job, QueryStatus, Work, results, subqueries};
use crate::lower::lower;

pub(super) async fn run(job: Arc<Job>, work: Work, admitted: OwnedSemaphorePermit) {
    let Ok(_turn) = Arc::clone(&work.running).acquire_owned().await else { return };
    job.begin();
    let (clock, kept) = (Arc::clone(&work.clock), Arc::clone(&work.kept));
    let deadline = work.deadline;
    // A panic of the engine is a failed query, not a query that never ends.
    let execution = AssertUnwindSafe(execute(&job, work)).catch_unwind();
    tokio::select! {
        biased;
        outcome = execution => {
            let outcome = outcome.unwrap_or_else(|_| Err(Failure::Internal("the query engine panicked".to_owned())));
            match outcome {
                Ok(()) => {
                    let done = job.end(QueryStatus::Complete, |state| {
                        state.row_count = state.rows.as_ref().map(|rows| rows.len() as u64);
                    });
                    if done {
                        kept.keep(&job, clock.now());
                    }
                }
                Err(failure) => {
                    tracing::warn!(%failure, "a query failed");
                    job.end(QueryStatus::Failed, |state| {
                        state.rows = Some(Vec::new());
                        state.row_bytes = 0;
                        state.failure = Some(failure);
                    });
                }
            }
        }
        () = clock.sleep(deadline) => {
            job.end(QueryStatus::Timeout, |_| {});
        }
    }
    drop(admitted);
}

async fn execute(job: &Job, work: Work) -> Result<(), Failure> {
    let failed = |error: DataFusionError| failure(&error);
    let pipeline = subqueries::resolve(&work).await?;
    let query = lower(&pipeline, &work.input).map_err(failed)?;
    let plan = work.session.create_physical_plan(&query.plan).await.map_err(failed)?;
    job.attach(query.scans, query.fed, &plan)?;
    let mut batches = execute_stream(plan, work.session.task_ctx()).map_err(failed)?;
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        let more = results::rows(&batch, &query.output, query.yields_events).map_err(failed)?;
        if job.extend(more) > work.result_bytes_max {
            return Err(Failure::ResultTooLarge(work.result_bytes_max));
        }
    }
    Ok(())
}

pub(super) fn failure(error: &DataFusionError) -> Failure {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) => Failure::MemoryLimit(message.clone()),
        DataFusionError::External(inner) => match inner.downcast_ref::<StoreError>() {
            Some(error) => Failure::Storage(error.to_string()),
            None => Failure::Internal(inner.to_string()),
        },
        // A full spill folder arrives as an i/o error of the engine; only its text names the setting.
        other if other.to_string().contains("max_temp_directory_size") => {
            Failure::MemoryLimit("the space for spilling to disk is used up".to_owned())
        }
        other => Failure::Internal(other.to_string()),
    }
}
