//! Tests of the manifest: atomic edits, folding, torn tails, damage.

use base::NoFaults;

use super::*;

fn open(dir: &Path) -> Manifest {
    Manifest::open(dir, Arc::new(NoFaults)).unwrap()
}

fn part(id: u64, meta: &[u8]) -> PartEntry {
    PartEntry {
        id,
        table: TableId::Logs,
        partition: "p".to_owned(),
        path: format!("parts/logs/{id:x}"),
        rows: 1,
        size_bytes: 2,
        min_time: Timestamp::from_millis(3),
        max_time: Timestamp::from_millis(4),
        meta: meta.to_vec(),
    }
}

fn add(manifest: &Manifest, id: u64) {
    let edit = ManifestEdit {
        add: vec![part(id, b"\x00\xffmeta")],
        flushed: vec![(TableId::Logs, "p".to_owned(), WalPosition(id * 10))],
        facts: vec![(TableId::Audit, format!("f{id}"), Some(vec![1, 2]))],
        ..ManifestEdit::default()
    };
    manifest.commit(&edit).unwrap();
}

#[test]
fn edits_survive_and_epochs_count_runs() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = open(dir.path());
    add(&manifest, 1);
    add(&manifest, 2);
    let removal = ManifestEdit {
        remove: vec![1],
        facts: vec![(TableId::Audit, "f1".to_owned(), None)],
        ..ManifestEdit::default()
    };
    manifest.commit(&removal).unwrap();
    assert!(manifest.commit(&removal).is_err(), "a part is removed once");
    drop(manifest);
    open(dir.path()).read(|state| {
        assert_eq!(
            state.parts.values().map(|p| PartEntry::clone(p)).collect::<Vec<_>>(),
            [part(2, b"\x00\xffmeta")]
        );
        assert_eq!(state.flushed[&(TableId::Logs, "p".to_owned())], WalPosition(20));
        assert_eq!(state.facts.len(), 1);
        assert_eq!((state.epoch, state.highest), (2, WalPosition(20)));
    });
}

#[test]
fn many_edits_fold_into_a_new_generation() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = open(dir.path());
    let big = vec![7; 100_000];
    for id in 0..20 {
        let swap = ManifestEdit {
            add: vec![part(id + 1, &big)],
            remove: (id > 0).then_some(id).into_iter().collect(),
            ..ManifestEdit::default()
        };
        manifest.commit(&swap).unwrap();
    }
    assert!(manifest.inner.lock().generation > 1);
    drop(manifest);
    open(dir.path()).read(|state| assert_eq!(state.parts.keys().collect::<Vec<_>>(), [&20]));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_torn_last_edit_never_happened_but_damage_before_it_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = open(dir.path());
    add(&manifest, 1);
    let generation = manifest.inner.lock().generation;
    drop(manifest);
    let path = dir.path().join(format!("manifest-{generation:012}.log"));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    open(dir.path()).read(|state| assert!(state.parts.is_empty()));

    let mut damaged = whole;
    damaged[20] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    assert!(matches!(Manifest::open(dir.path(), Arc::new(NoFaults)), Err(StoreError::Damaged { .. })));
}

#[test]
fn positions_before_the_start_of_the_log_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = open(dir.path());
    add(&manifest, 1);
    manifest.commit(&ManifestEdit { log_start: Some(WalPosition(50)), ..ManifestEdit::default() }).unwrap();
    manifest.read(|state| {
        assert!(state.flushed.is_empty());
        assert_eq!(state.highest, WalPosition(49));
    });
}
