//! Transactions, watches and leases among many users.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, CommitError, Lagged, MemoryBackend, Prefix, RecordKey, UpdateError};

use crate::support::{Fixture, Note, key, note, scope};

#[tokio::test]
async fn who_is_told_that_a_record_exists_can_see_it() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    // Both wait before either is looked at, so they are of one group.
    let insert = |text: &'static str| {
        let notes = &notes;
        async move {
            let outcome = notes.insert(key("a"), note(text)).await;
            (outcome.is_ok(), notes.get(&key("a")).map(|found| found.record.text.clone()))
        }
    };
    let (first, second) = futures::future::join(insert("1"), insert("2")).await;
    assert_eq!((first, second), ((true, Some("1".to_owned())), (false, Some("1".to_owned()))));
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let a = notes.insert(key("a"), note("1")).await.unwrap();

    let exists =
        catalog.transaction().insert(&notes, key("b"), note("2")).insert(&notes, key("a"), note("3"));
    assert!(matches!(exists.commit().await, Err(CommitError::Exists { .. })));
    let missing = catalog.transaction().insert(&notes, key("b"), note("2")).delete(&notes, key("z"), 1);
    assert!(matches!(missing.commit().await, Err(CommitError::Missing { .. })));
    assert!(notes.get(&key("b")).is_none());

    let version = catalog
        .transaction()
        .update(&notes, key("a"), a.version, note("1b"))
        .insert(&notes, key("b"), note("2"))
        .commit()
        .await
        .unwrap();
    assert!(version > a.version);
    assert_eq!(notes.get(&key("a")).unwrap().version, version);

    let stale = catalog.transaction().update(&notes, key("a"), a.version, note("1c"));
    assert!(matches!(stale.commit().await, Err(CommitError::Conflict { .. })));
    let stale =
        catalog.transaction().require(&notes, key("a"), a.version).insert(&notes, key("c"), note("3"));
    assert!(matches!(stale.commit().await, Err(CommitError::Conflict { .. })));
    assert_eq!(notes.count(&Prefix::everything()), 2);
}

#[tokio::test]
async fn steps_of_a_transaction_see_one_another() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let scope = scope("123456789012", "us-east-1");
    for name in ["p1", "p2", "q"] {
        notes.insert(RecordKey::new(&scope, &["g", name]), note(name)).await.unwrap();
    }
    notes.insert(key("h"), note("other")).await.unwrap();
    catalog
        .transaction()
        .insert(&notes, RecordKey::new(&scope, &["g", "p3"]), note("p3"))
        .delete_all(&notes, Prefix::new(&scope, &["g"]))
        .insert(&notes, RecordKey::new(&scope, &["g", "p1"]), note("again"))
        .commit()
        .await
        .unwrap();
    catalog.close().await.unwrap();
    let notes = fixture.open().await.collection::<Note>().unwrap();
    let texts: Vec<_> = notes.list(&Prefix::everything(), None, 10).iter().map(|e| e.text.clone()).collect();
    assert_eq!(texts, ["again", "other"]);
}

#[tokio::test]
async fn a_deleted_and_recreated_record_has_another_version() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let first = notes.insert(key("a"), note("1")).await.unwrap();
    notes.delete(key("a"), first.version).await.unwrap();
    notes.insert(key("a"), note("2")).await.unwrap();
    let stale = catalog.transaction().update(&notes, key("a"), first.version, note("3"));
    assert!(matches!(stale.commit().await, Err(CommitError::Conflict { .. })));
}

#[tokio::test]
async fn concurrent_updates_lose_nothing_and_share_commits() {
    let backend = Arc::new(MemoryBackend::default());
    let fixture = Fixture::new();
    let catalog = Catalog::with_backend(backend.clone(), fixture.clock.clone()).await.unwrap();
    let notes = catalog.collection::<Note>().unwrap();
    notes.insert(key("counter"), note("")).await.unwrap();
    let updates = (0..50).map(|_| {
        let notes = notes.clone();
        async move {
            let add = |n: &mut Note| {
                n.text.push('x');
                Ok::<(), Infallible>(())
            };
            notes.update(&key("counter"), add).await.unwrap();
        }
    });
    futures::future::join_all(updates).await;
    assert_eq!(notes.get(&key("counter")).unwrap().text.len(), 50);

    let before = backend.commits();
    let inserts = (0..50).map(|i| notes.insert(key(&format!("n{i}")), note("")));
    assert!(futures::future::join_all(inserts).await.iter().all(Result::is_ok));
    assert!(backend.commits() - before < 10, "{} commits for 50 inserts", backend.commits() - before);

    let refused = notes.update(&key("counter"), |_| Err("no")).await;
    assert!(matches!(refused, Err(UpdateError::Refused("no"))));
    let missing = notes.update(&key("absent"), |_| Ok::<(), Infallible>(())).await;
    assert!(matches!(missing, Err(UpdateError::Missing)));
}

#[tokio::test]
async fn watchers_see_commits_in_order_and_are_told_what_they_missed() {
    let fixture = Fixture::new();
    let catalog =
        Catalog::with_backend(Arc::new(MemoryBackend::default()), fixture.clock.clone()).await.unwrap();
    let notes = catalog.collection::<Note>().unwrap();
    notes.insert(key("before"), note("")).await.unwrap();
    let mut watch = notes.watch();
    let a = notes.insert(key("a"), note("1")).await.unwrap();
    catalog.transaction().update(&notes, key("a"), a.version, note("2")).commit().await.unwrap();
    let version = notes.get(&key("a")).unwrap().version;
    notes.delete(key("a"), version).await.unwrap();
    for expected in [Some("1"), Some("2"), None] {
        let change = watch.next().await.unwrap().unwrap();
        assert_eq!(change.key, key("a"));
        assert_eq!(change.record.as_ref().map(|r| r.text.as_str()), expected);
    }
    assert!(watch.try_next().is_none());
    for i in 0..1100 {
        notes.insert(key(&format!("n{i}")), note("")).await.unwrap();
    }
    assert_eq!(watch.try_next().unwrap().unwrap_err(), Lagged(76));
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_expires() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let ttl = Duration::from_secs(10);
    let first = catalog.lease("retention", "one", ttl).await.unwrap().unwrap();
    assert_eq!(catalog.lease("retention", "two", ttl).await.unwrap(), None);
    assert!(catalog.lease("compaction", "two", ttl).await.unwrap().is_some());

    fixture.clock.advance(Duration::from_secs(9));
    let renewed = catalog.lease("retention", "one", ttl).await.unwrap().unwrap();
    assert!(renewed.fence > first.fence && renewed.expires_at > first.expires_at);
    fixture.clock.advance(Duration::from_secs(9));
    assert_eq!(catalog.lease("retention", "two", ttl).await.unwrap(), None);
    fixture.clock.advance(Duration::from_secs(1));
    let second = catalog.lease("retention", "two", ttl).await.unwrap().unwrap();
    assert!(second.fence > renewed.fence);

    // A former holder's release changes nothing; the holder's own does.
    catalog.release(&renewed).await.unwrap();
    assert_eq!(catalog.lease("retention", "one", ttl).await.unwrap(), None);
    catalog.release(&second).await.unwrap();
    assert!(catalog.lease("retention", "one", ttl).await.unwrap().is_some());
}
