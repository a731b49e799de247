//! The store: four tables over one core.

use std::path::PathBuf;
use std::sync::Arc;

use base::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::core::{Core, Pressure, StoreCapabilities, WalTable};
use crate::error::StoreError;
use crate::tables::audit::{AuditTable, AuditTableConfig};
use crate::tables::logs::{LogTable, LogTableConfig};
use crate::tables::metrics::{MetricTable, MetricTableConfig};
use crate::tables::traces::{TraceTable, TraceTableConfig};
use crate::wal::{ReplayReport, TableId};

/// Sizes and places.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Folder of the log and the manifest.
    pub data_dir: PathBuf,
    /// A log segment is sealed when it is longer than this.
    pub wal_segment_bytes_max: u64,
    /// Tables are made to flush when the log is longer than this.
    pub wal_bytes_max: u64,
    pub logs: LogTableConfig,
    pub metrics: MetricTableConfig,
    pub traces: TraceTableConfig,
    pub audit: AuditTableConfig,
}

impl StoreConfig {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            wal_segment_bytes_max: 64 << 20,
            wal_bytes_max: 512 << 20,
            logs: LogTableConfig::default(),
            metrics: MetricTableConfig::default(),
            traces: TraceTableConfig::default(),
            audit: AuditTableConfig::default(),
        }
    }
}

/// What opening found, for the start-up log and the health page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    pub records_replayed: u64,
    /// Places in the log that hold something other than a whole record.
    pub damaged: Vec<String>,
}

impl From<ReplayReport> for Recovery {
    fn from(report: ReplayReport) -> Self {
        Self { records_replayed: report.records, damaged: report.damaged }
    }
}

/// A table of the store, as its machinery sees it.
#[async_trait::async_trait]
pub(crate) trait Table: WalTable {
    fn id(&self) -> TableId;

    /// Flushes what is due (or what `pressure` demands), compacts, expires. Returns how much it changed.
    /// Must return soon after `stop` is cancelled, leaving a consistent state.
    async fn maintain(
        &self,
        now: Timestamp,
        pressure: Pressure,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError>;
}

/// The open store.
pub struct Store {
    config: StoreConfig,
    core: Arc<Core>,
    tables: Vec<Arc<dyn Table>>,
    logs: Arc<LogTable>,
    metrics: Arc<MetricTable>,
    traces: Arc<TraceTable>,
    audit: Arc<AuditTable>,
    recovery: Recovery,
    orphans_deleted: std::sync::atomic::AtomicBool,
    /// One maintenance at a time.
    maintenance: tokio::sync::Mutex<()>,
}

impl Store {
    /// Opens the store in `config.data_dir`, replaying what only the log holds.
    pub fn open(config: StoreConfig, capabilities: StoreCapabilities) -> Result<Arc<Self>, StoreError> {
        let core = Core::open(&config.data_dir, capabilities, config.wal_segment_bytes_max)?;
        let metrics = MetricTable::new(core.clone(), config.metrics.clone())?;
        let logs = LogTable::new(core.clone(), metrics.clone(), config.logs)?;
        let traces = TraceTable::new(core.clone(), config.traces.clone())?;
        let audit = AuditTable::new(core.clone(), config.audit.clone())?;
        let tables: Vec<Arc<dyn Table>> = vec![logs.clone(), metrics.clone(), traces.clone(), audit.clone()];
        let views: Vec<(TableId, &dyn WalTable)> =
            tables.iter().map(|t| (t.id(), t.as_ref() as &dyn WalTable)).collect();
        let recovery = core.recover(&views)?.into();
        Ok(Arc::new(Self {
            config,
            core,
            tables,
            logs,
            metrics,
            traces,
            audit,
            recovery,
            orphans_deleted: false.into(),
            maintenance: tokio::sync::Mutex::default(),
        }))
    }

    pub fn logs(&self) -> &Arc<LogTable> {
        &self.logs
    }

    pub fn metrics(&self) -> &Arc<MetricTable> {
        &self.metrics
    }

    pub fn traces(&self) -> &Arc<TraceTable> {
        &self.traces
    }

    pub fn audit(&self) -> &Arc<AuditTable> {
        &self.audit
    }

    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Bytes of the write-ahead log.
    pub fn wal_bytes(&self) -> u64 {
        self.core.wal().size_bytes()
    }

    /// One round of background work: flush, compact, expire, truncate the log, delete garbage. A failing
    /// table does not keep the others from their turn; the first error is returned.
    pub async fn maintain(&self, now: Timestamp, stop: &CancellationToken) -> Result<u64, StoreError> {
        let pressure = match self.core.wal().flush_target(self.config.wal_bytes_max) {
            Some(position) => Pressure::FlushThrough(position),
            None => Pressure::Normal,
        };
        self.run(now, pressure, stop).await
    }

    /// Flushes everything, so that the next start replays nothing.
    pub async fn flush(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.run(now, Pressure::FlushAll, &CancellationToken::new()).await
    }

    async fn run(
        &self,
        now: Timestamp,
        pressure: Pressure,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError> {
        let _turn = self.maintenance.lock().await;
        let mut changes = 0;
        let mut failure = None;
        for table in &self.tables {
            match table.maintain(now, pressure, stop).await {
                Ok(n) => changes += n,
                Err(error) => {
                    tracing::warn!(table = table.id().name(), %error, "maintenance failed");
                    failure.get_or_insert(error);
                }
            }
        }
        changes += self.truncate().await?;
        if !self.orphans_deleted.swap(true, std::sync::atomic::Ordering::Relaxed) {
            changes += self.core.delete_orphans().await?;
        }
        changes += self.core.collect_garbage().await?;
        failure.map_or(Ok(changes), Err)
    }

    async fn truncate(&self) -> Result<u64, StoreError> {
        // The next position is read first: a record appended after that is needed whatever tables say.
        let next = self.core.wal().next_position();
        let oldest = self.tables.iter().filter_map(|t| t.oldest_unflushed()).min();
        self.core.truncate_log(oldest.map_or(next, |o| o.min(next))).await
    }
}
