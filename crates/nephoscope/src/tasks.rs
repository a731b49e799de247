//! Every background task, in one list.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Clock;
use base::task::{Activity, Task, TaskDriver, TaskError};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::services::Services;

/// Registers every task with the driver; they run from now on.
pub(crate) fn register(
    driver: &Arc<TaskDriver>,
    store: &Arc<Store>,
    clock: &Arc<dyn Clock>,
    services: &Services,
    maintenance_period: Duration,
) {
    let (store, clock) = (store.clone(), clock.clone());
    let maintenance =
        driver.register(Arc::new(StoreMaintenance { store, clock, period: maintenance_period }));
    // What a stop interrupted is taken up at once.
    maintenance.activate();
    logs::tasks::register(&services.logs, driver);
    cloudwatch::tasks::register(driver, &services.cloudwatch);
    delivery::tasks::register(driver, &services.sns, services.cloudwatch.clone(), services.logs.clone());
}

/// Flushing, compaction, expiry and the truncation of the write-ahead log, of all tables.
struct StoreMaintenance {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    period: Duration,
}

#[async_trait]
impl Task for StoreMaintenance {
    fn name(&self) -> &'static str {
        "store_maintenance"
    }

    fn period(&self) -> Duration {
        self.period
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let changes = self.store.maintain(self.clock.now(), stop).await?;
        Ok(Activity::new(changes, format!("{changes} parts written, merged or removed")))
    }
}
