//! What survives, what is refused, and what is reported.

use catalog::{Catalog, CatalogError, CommitError, Prefix, RecordKey};

use crate::support::{Fixture, Note, OldNote, key, note, scope};

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let first = notes.insert(key("a"), note("1")).await.unwrap();
    notes.insert(key("b"), note("2")).await.unwrap();
    let ids = [catalog.next_id("group").await.unwrap(), catalog.next_id("group").await.unwrap()];
    notes.delete(key("a"), first.version).await.unwrap();
    catalog.close().await.unwrap();
    assert!(matches!(
        notes.insert(key("c"), note("3")).await,
        Err(CommitError::Failed(CatalogError::Closed))
    ));

    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    assert!(notes.get(&key("a")).is_none());
    assert_eq!(notes.get(&key("b")).unwrap().text, "2");
    assert!(notes.get(&key("c")).is_none());
    let again = catalog.next_id("group").await.unwrap();
    assert!(ids[0] == 1 && ids[1] == 2 && again > 2, "{ids:?} {again}");
}

/// A crash is a copy of the files at a moment when nothing was closed.
#[tokio::test]
async fn an_unclosed_file_holds_what_was_acknowledged() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    for i in 0..20 {
        notes.insert(key(&format!("{i:02}")), note("x")).await.unwrap();
    }
    let crashed = Fixture::new();
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), crashed.folder.path().join(file.file_name())).unwrap();
    }
    // The last commit was torn: its acknowledgement never left.
    let wal = crashed.folder.path().join("catalog.db-wal");
    let bytes = std::fs::read(&wal).unwrap();
    std::fs::write(&wal, &bytes[..bytes.len() - 100]).unwrap();
    let catalog = crashed.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    assert_eq!(notes.count(&Prefix::everything()), 19);
}

#[tokio::test]
async fn a_second_opener_is_told() {
    let fixture = Fixture::new();
    let _catalog = fixture.open().await;
    assert!(matches!(fixture.try_open().await, Err(CatalogError::InUse(_))));
}

#[tokio::test]
async fn damage_is_reported_and_not_served() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    notes.insert(key("a"), note("the quick brown fox")).await.unwrap();
    catalog.close().await.unwrap();

    let good = std::fs::read(fixture.path()).unwrap();
    let at = good.windows(5).position(|w| w == b"quick").expect("the record is in the file");
    let mut bad = good.clone();
    bad[at] ^= 1;
    std::fs::write(fixture.path(), &bad).unwrap();
    let error = fixture.try_open().await.unwrap_err();
    let CatalogError::Damaged { what, .. } = &error else { panic!("{error:?}") };
    assert!(what.contains("123456789012/us-east-1/a of note"), "{what}");

    // A page of the tree.
    let mut bad = good.clone();
    let page = at / 4096 * 4096;
    bad[page..page + 64].fill(0xa5);
    std::fs::write(fixture.path(), &bad).unwrap();
    assert!(matches!(fixture.try_open().await, Err(CatalogError::Damaged { .. })));

    // The header.
    std::fs::write(
        fixture.path(),
        b"not a database at all, but long enough to be read as a header of one .........",
    )
    .unwrap();
    assert!(matches!(fixture.try_open().await, Err(CatalogError::Damaged { .. })));

    std::fs::write(fixture.path(), &good).unwrap();
    let notes = fixture.open().await.collection::<Note>().unwrap();
    assert_eq!(notes.get(&key("a")).unwrap().text, "the quick brown fox");
}

#[tokio::test]
async fn older_records_are_migrated_and_newer_ones_refused() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let old = catalog.collection::<OldNote>().unwrap();
    old.insert(key("a"), OldNote { body: "hello".to_owned() }).await.unwrap();
    catalog.close().await.unwrap();

    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let read = notes.get(&key("a")).unwrap();
    assert_eq!(read.text, "hello");
    catalog.transaction().update(&notes, key("a"), read.version, note("bye")).commit().await.unwrap();
    catalog.close().await.unwrap();

    let catalog = fixture.open().await;
    let Err(CatalogError::Damaged { detail, .. }) = catalog.collection::<OldNote>() else { panic!("served") };
    assert!(detail.contains("version 2"), "{detail}");
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_reads() {
    let backend = std::sync::Arc::new(catalog::MemoryBackend::default());
    let fixture = Fixture::new();
    let catalog = Catalog::with_backend(backend.clone(), fixture.clock.clone()).await.unwrap();
    let notes = catalog.collection::<Note>().unwrap();
    notes.insert(key("a"), note("1")).await.unwrap();
    backend.set_full(true);
    let refused = notes.insert(key("b"), note("2")).await;
    assert!(matches!(refused, Err(CommitError::Failed(CatalogError::Unwritable(_)))));
    assert!(notes.get(&key("b")).is_none());
    assert_eq!(notes.get(&key("a")).unwrap().text, "1");
    backend.set_full(false);
    notes.insert(key("b"), note("2")).await.unwrap();
    assert_eq!(notes.count(&Prefix::everything()), 2);
}

#[tokio::test]
async fn an_unwritable_folder_is_named() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("missing/catalog.db");
    let error = Catalog::open(&path, fixture.clock.clone()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Unwritable(_)), "{error:?}");
}

#[tokio::test]
async fn accounts_and_regions_are_apart() {
    let fixture = Fixture::new();
    let catalog = fixture.open().await;
    let notes = catalog.collection::<Note>().unwrap();
    let scopes = [
        scope("111111111111", "us-east-1"),
        scope("111111111111", "us-east-2"),
        scope("222222222222", "us-east-1"),
    ];
    for (i, scope) in scopes.iter().enumerate() {
        for name in ["x", "y"] {
            notes.insert(RecordKey::new(scope, &[name]), note(&format!("{i}{name}"))).await.unwrap();
        }
    }
    for (i, scope) in scopes.iter().enumerate() {
        let texts: Vec<_> =
            notes.list(&Prefix::new(scope, &[]), None, 10).iter().map(|e| e.text.clone()).collect();
        assert_eq!(texts, [format!("{i}x"), format!("{i}y")]);
    }
    let page = notes.list(&Prefix::everything(), Some(&RecordKey::new(&scopes[0], &["x"])), 2);
    let texts: Vec<_> = page.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(texts, ["0y", "1x"]);

    let back = |prefix: &Prefix, before: Option<&RecordKey>| {
        let mut texts = Vec::new();
        notes.scan_back(prefix, before, |_, note| {
            texts.push(note.text.clone());
            std::ops::ControlFlow::Continue(())
        });
        texts
    };
    assert_eq!(back(&Prefix::new(&scopes[1], &[]), None), ["1y", "1x"]);
    assert_eq!(back(&Prefix::new(&scopes[1], &[]).starting_with("x"), None), ["1x"]);
    assert_eq!(back(&Prefix::new(&scopes[1], &[]), Some(&RecordKey::new(&scopes[1], &["y"]))), ["1x"]);
    assert_eq!(back(&Prefix::new(&scopes[1], &[]), Some(&RecordKey::new(&scopes[0], &["y"]))), [""; 0]);
    assert_eq!(back(&Prefix::everything(), None).len(), 6);
}
