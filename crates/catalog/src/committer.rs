//! The one place where changes happen: checks transactions in order of arrival, makes a group of them durable by
//! one commit of the backend, then shows them in memory and answers.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::backend::{Backend, NewRecord, Outcome, Write, WriteAction};
use crate::collection::AnyTable;
use crate::error::{CatalogError, CommitError};
use crate::key::RecordKey;
use crate::transaction::{Action, Content, Step};

/// Transactions that may wait; further callers wait to hand theirs in.
const QUEUE_MAX: usize = 1024;
/// Transactions that share one durable commit.
const GROUP_MAX: usize = 256;

pub(crate) enum Request {
    Commit { steps: Vec<Step>, answer: Answer },
    Close { answer: oneshot::Sender<Result<(), CatalogError>> },
}

type Answer = oneshot::Sender<Result<u64, CommitError>>;

/// Starts the committer. It ends, and releases the backend, when it is closed or every sender is gone.
/// `revision` is the highest version in use.
pub(crate) fn spawn(backend: Arc<dyn Backend>, revision: u64) -> mpsc::Sender<Request> {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(Committer { backend, revision }.run(receiver));
    sender
}

pub(crate) async fn close(requests: &mpsc::Sender<Request>) -> Result<(), CatalogError> {
    let (answer, answered) = oneshot::channel();
    if requests.send(Request::Close { answer }).await.is_err() {
        return Ok(());
    }
    answered.await.unwrap_or(Ok(()))
}

struct Committer {
    backend: Arc<dyn Backend>,
    revision: u64,
}

/// A transaction that passed its checks.
struct Accepted {
    version: u64,
    writes: Vec<Write>,
    shows: Vec<Show>,
    answer: Answer,
}

/// What becomes visible once a write is durable.
struct Show {
    table: Arc<dyn AnyTable>,
    key: RecordKey,
    record: Option<Arc<dyn Any + Send + Sync>>,
}

/// Versions as they will be after the accepted transactions of the group.
type Overlay = HashMap<(&'static str, RecordKey), Option<u64>>;

impl Committer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Request>) {
        let mut requests = Vec::new();
        while receiver.recv_many(&mut requests, GROUP_MAX).await > 0 {
            let mut group = Vec::new();
            let mut closing = None;
            for request in requests.drain(..) {
                match request {
                    // Everything after a close is too late: dropping the answer says so.
                    Request::Commit { .. } if closing.is_some() => {}
                    Request::Commit { steps, answer } => group.push((steps, answer)),
                    Request::Close { answer } => closing = Some(answer),
                }
            }
            self.commit_group(group).await;
            if let Some(answer) = closing {
                receiver.close();
                let _ = answer.send(self.backend.close().await);
                return;
            }
        }
        if let Err(error) = self.backend.close().await {
            tracing::warn!(%error, "closing the catalog failed");
        }
    }

    async fn commit_group(&mut self, group: Vec<(Vec<Step>, Answer)>) {
        let mut overlay = Overlay::new();
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for (steps, answer) in group {
            match self.check(steps, &mut overlay) {
                Ok((version, writes, shows)) => accepted.push(Accepted { version, writes, shows, answer }),
                Err(error) => refused.push((answer, error)),
            }
        }
        let outcome = self.commit_accepted(accepted).await;
        // Only now: what a transaction was refused for may be another of the group, which its caller must be able
        // to see, and which does not exist if the group could not be written.
        for (answer, error) in refused {
            let _ = answer.send(Err(outcome.clone().err().map_or(error, Into::into)));
        }
    }

    async fn commit_accepted(&mut self, accepted: Vec<Accepted>) -> Result<(), CatalogError> {
        let writes: Vec<Write> = merge(accepted.iter().flat_map(|a| a.writes.iter()));
        if writes.is_empty() {
            accepted.into_iter().for_each(Accepted::show);
            return Ok(());
        }
        match self.backend.commit(&writes).await {
            Ok(Outcome::Done) => accepted.into_iter().for_each(Accepted::show),
            // Another server wrote: find out whose transaction lost.
            Ok(Outcome::Stale) => {
                for transaction in accepted {
                    self.commit_alone(transaction).await;
                }
            }
            Err(error) => {
                for transaction in accepted {
                    let _ = transaction.answer.send(Err(error.clone().into()));
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn commit_alone(&self, transaction: Accepted) {
        match self.backend.commit(&transaction.writes).await {
            Ok(Outcome::Done) => transaction.show(),
            Ok(Outcome::Stale) => {
                let first = transaction.writes.first();
                let (collection, key) =
                    first.map_or(("", String::new()), |w| (w.collection, w.key.to_string()));
                let _ = transaction.answer.send(Err(CommitError::Conflict { collection, key }));
            }
            Err(error) => {
                let _ = transaction.answer.send(Err(error.into()));
            }
        }
    }

    /// Checks a transaction against memory and the group so far. Only an accepted one changes `overlay`.
    fn check(
        &mut self,
        steps: Vec<Step>,
        overlay: &mut Overlay,
    ) -> Result<(u64, Vec<Write>, Vec<Show>), CommitError> {
        let version = self.revision + 1;
        let mut mine = Overlay::new();
        let (mut writes, mut requirements, mut shows) = (Vec::new(), Vec::new(), Vec::new());
        for Step { collection, table, action } in steps {
            let current = |mine: &Overlay, key: &RecordKey| {
                let place = (collection, key.clone());
                mine.get(&place)
                    .or_else(|| overlay.get(&place))
                    .copied()
                    .unwrap_or_else(|| table.version(key))
            };
            let mut change = |mine: &mut Overlay, key: RecordKey, expected, content: Option<Content>| {
                mine.insert((collection, key.clone()), content.is_some().then_some(version));
                let (action, typed) = match content {
                    None => (WriteAction::Delete, None),
                    Some(Content { schema_version, payload, typed }) => {
                        (WriteAction::Put(NewRecord { version, schema_version, payload }), Some(typed))
                    }
                };
                writes.push(Write { collection, key: key.clone(), expected, action });
                shows.push(Show { table: table.clone(), key, record: typed });
            };
            let text = |key: &RecordKey| key.to_string();
            match action {
                Action::Insert { key, record } => {
                    if current(&mine, &key).is_some() {
                        return Err(CommitError::Exists { collection, key: text(&key) });
                    }
                    change(&mut mine, key, None, Some(record));
                }
                Action::Update { key, version, record } => {
                    expect(collection, &key, current(&mine, &key), version)?;
                    change(&mut mine, key, Some(version), Some(record));
                }
                Action::Delete { key, version } => {
                    expect(collection, &key, current(&mine, &key), version)?;
                    change(&mut mine, key, Some(version), None);
                }
                Action::Require { key, version } => {
                    expect(collection, &key, current(&mine, &key), version)?;
                    requirements.push(Write {
                        collection,
                        key,
                        expected: Some(version),
                        action: WriteAction::Require,
                    });
                }
                Action::DeleteAll { prefix } => {
                    let mut keys: Vec<RecordKey> =
                        table.keys(&prefix).into_iter().map(|(key, _)| key).collect();
                    let pending = overlay.keys().chain(mine.keys());
                    keys.extend(
                        pending
                            .filter(|(c, k)| *c == collection && prefix.matches(k))
                            .map(|(_, k)| k.clone()),
                    );
                    keys.sort_unstable();
                    keys.dedup();
                    for key in keys {
                        if let Some(version) = current(&mine, &key) {
                            change(&mut mine, key, Some(version), None);
                        }
                    }
                }
            }
        }
        self.revision = version;
        overlay.extend(mine);
        writes.append(&mut requirements);
        Ok((version, merge(writes.iter()), shows))
    }
}

impl Accepted {
    fn show(self) {
        for Show { table, key, record } in self.shows {
            table.apply(key, self.version, record);
        }
        let _ = self.answer.send(Ok(self.version));
    }
}

fn expect(
    collection: &'static str,
    key: &RecordKey,
    current: Option<u64>,
    version: u64,
) -> Result<(), CommitError> {
    match current {
        Some(current) if current == version => Ok(()),
        Some(_) => Err(CommitError::Conflict { collection, key: key.to_string() }),
        None => Err(CommitError::Missing { collection, key: key.to_string() }),
    }
}

/// One write a key: the first one's expectation with the last one's effect.
fn merge<'a>(writes: impl Iterator<Item = &'a Write>) -> Vec<Write> {
    let mut merged: Vec<Write> = Vec::new();
    let mut places: HashMap<(&'static str, RecordKey), usize> = HashMap::new();
    for write in writes {
        match places.get(&(write.collection, write.key.clone())) {
            // A requirement after a change was met by that change.
            Some(_) if matches!(write.action, WriteAction::Require) => {}
            Some(&index) => merged[index].action = write.action.clone(),
            None => {
                places.insert((write.collection, write.key.clone()), merged.len());
                merged.push(write.clone());
            }
        }
    }
    // Made and unmade within the group: nothing to store.
    merged.retain(|w| w.expected.is_some() || matches!(w.action, WriteAction::Put(_)));
    merged
}
