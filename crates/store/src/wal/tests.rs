//! Tests of the log: durability order, torn tails, damage, truncation, failing disks.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use base::NoFaults;

use super::*;

type Replayed = Vec<(TableId, u64, Vec<u8>)>;

fn open(
    dir: &std::path::Path,
    segment_bytes_max: u64,
    faults: Arc<dyn Faults>,
) -> (Wal, ReplayReport, Replayed) {
    let mut seen = Vec::new();
    let config = WalConfig { dir: dir.to_owned(), segment_bytes_max };
    let wal = Wal::new(config, faults);
    let mut note = |table, position: WalPosition, payload: &[u8]| {
        seen.push((table, position.0, payload.to_vec()));
        Ok(())
    };
    let report = wal.recover(WalPosition(0), &mut note).unwrap();
    (wal, report, seen)
}

async fn put(wal: &Wal, payload: &[u8]) -> Result<WalPosition, StoreError> {
    wal.append(Payload::One(TableId::Logs, payload.to_vec()), Box::new(|_| ())).await
}

#[tokio::test]
async fn records_come_back_in_order_and_positions_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 100, Arc::new(NoFaults));
    for i in 0..20u8 {
        assert_eq!(put(&wal, &[i; 40]).await.unwrap(), WalPosition(u64::from(i) + 1));
    }
    drop(wal);
    let (wal, report, seen) = open(dir.path(), 100, Arc::new(NoFaults));
    assert_eq!((report.records, report.last.0, report.damaged.len()), (20, 20, 0));
    assert!(seen.iter().enumerate().all(|(i, r)| *r == (TableId::Logs, i as u64 + 1, vec![i as u8; 40])));
    assert_eq!(put(&wal, b"x").await.unwrap(), WalPosition(21));
}

#[tokio::test]
async fn concurrent_appends_are_applied_in_log_order() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    let (wal, applied) = (Arc::new(wal), Arc::new(Mutex::new(Vec::new())));
    let mut appends = Vec::new();
    for _ in 0..200 {
        let (wal, applied) = (wal.clone(), applied.clone());
        appends.push(tokio::spawn(async move {
            let apply = Box::new(move |p: WalPosition| applied.lock().push(p.0));
            wal.append(Payload::One(TableId::Audit, vec![1, 2, 3]), apply).await.unwrap()
        }));
    }
    for append in appends {
        append.await.unwrap();
    }
    assert_eq!(*applied.lock(), (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_what_came_before_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    put(&wal, b"first").await.unwrap();
    put(&wal, b"second").await.unwrap();
    drop(wal);
    let path = dir.path().join("00000000000000000001.wal");
    let mut bytes = std::fs::read(&path).unwrap();
    let second = record::HEADER_BYTES + 5;
    bytes[second + record::HEADER_BYTES + 2] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (wal, report, seen) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    assert_eq!(seen, [(TableId::Logs, 1, b"first".to_vec())]);
    assert_eq!(report.damaged.len(), 1);
    assert_eq!(put(&wal, b"third").await.unwrap(), WalPosition(2));
}

#[tokio::test]
async fn damage_in_the_middle_is_set_aside_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    for payload in [b"first", b"secon", b"third"] {
        put(&wal, payload).await.unwrap();
    }
    drop(wal);
    let path = dir.path().join("00000000000000000001.wal");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[record::HEADER_BYTES + 5 + 9] ^= 0xff;
    std::fs::write(&path, &bytes).unwrap();
    let (_, report, seen) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    assert_eq!(seen.len(), 1);
    assert_eq!(report.damaged.len(), 1);
    assert!(path.with_extension("damaged").exists());
}

#[tokio::test]
async fn release_deletes_only_what_nobody_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 50, Arc::new(NoFaults));
    for i in 0..10u8 {
        put(&wal, &[i; 60]).await.unwrap();
    }
    assert_eq!(wal.flush_target(u64::MAX), None);
    assert_eq!(wal.flush_target(3 * 77), Some(WalPosition(7)));
    assert_eq!(wal.release(WalPosition(8)).unwrap(), 7);
    drop(wal);
    let (_, _, seen) = open(dir.path(), 50, Arc::new(NoFaults));
    assert_eq!(seen.iter().map(|r| r.1).collect::<Vec<_>>(), [8, 9, 10]);
}

#[derive(Debug, Default)]
struct FullDisk(AtomicBool);

impl Faults for FullDisk {
    fn reach(&self, point: &'static str) -> io::Result<()> {
        match point {
            "wal.before_sync" if self.0.load(Ordering::SeqCst) => {
                Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"))
            }
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_full_disk_fails_the_append_leaves_no_trace_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(FullDisk::default());
    let (wal, ..) = open(dir.path(), 1 << 20, disk.clone());
    put(&wal, b"kept").await.unwrap();
    disk.0.store(true, Ordering::SeqCst);
    assert!(matches!(put(&wal, b"lost").await, Err(StoreError::NoRoom(_))));
    disk.0.store(false, Ordering::SeqCst);
    put(&wal, b"kept too").await.unwrap();
    drop(wal);
    let (_, _, seen) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    assert_eq!(seen.iter().map(|r| r.2.as_slice()).collect::<Vec<_>>(), [b"kept".as_slice(), b"kept too"]);
}

#[tokio::test]
async fn a_joint_record_comes_back_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (wal, ..) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
    let joint = || Payload::Joint(vec![(TableId::Logs, b"event".to_vec()), (TableId::Metrics, b"".to_vec())]);
    assert_eq!(wal.append(joint(), Box::new(|_| ())).await.unwrap(), WalPosition(1));
    assert_eq!(put(&wal, b"alone").await.unwrap(), WalPosition(2));
    assert_eq!(wal.append(joint(), Box::new(|_| ())).await.unwrap(), WalPosition(3));
    drop(wal);
    let both = |at| [(TableId::Logs, at, b"event".to_vec()), (TableId::Metrics, at, b"".to_vec())];
    let [first, second] = both(1);
    let [third, fourth] = both(3);
    let whole = [first.clone(), second.clone(), (TableId::Logs, 2, b"alone".to_vec()), third, fourth];
    let path = dir.path().join("00000000000000000001.wal");
    let sound = std::fs::read(&path).unwrap();
    let end = record::HEADER_BYTES * 3 + 5 + 2 * (1 + 5 + 5 + 5);
    for cut in [end, end - 1, end - 6] {
        std::fs::write(&path, &sound[..cut]).unwrap();
        let (_, _, seen) = open(dir.path(), 1 << 20, Arc::new(NoFaults));
        assert_eq!(seen, if cut == end { &whole[..] } else { &whole[..3] }, "cut at {cut}");
        // The segment each start adds is empty.
        for other in std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()) {
            if other != path {
                std::fs::remove_file(other).unwrap();
            }
        }
    }
}
