//! Anomaly detection: detectors, which say how a band is learnt, and the model that learns it.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Anomaly_Detection.html>.

pub(crate) mod detector;
pub(crate) mod model;

use base::Scope;
use catalog::{Catalog, CatalogError, Collection, RecordKey};

use crate::math::{Origin, Series};
use detector::{Detector, Subject};
use model::Settings;

/// The detectors of this server.
pub(crate) struct Anomaly {
    pub(crate) detectors: Collection<Detector>,
}

impl Anomaly {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self { detectors: catalog.collection()? })
    }

    /// How the band of a series is learnt: as its detector says, or as usual where it has none. AWS wants a
    /// detector before a band is asked for; here the band is learnt all the same.
    pub(crate) fn settings(&self, scope: &Scope, series: &Series) -> Settings {
        let Some(Origin::Metric { metric, stat }) = series.origin.as_deref() else {
            return Settings::default();
        };
        let id = Subject::of_metric(metric, stat).id(scope);
        let found = self.detectors.get(&key(scope, &id));
        found.map(|detector| detector.settings()).unwrap_or_default()
    }
}

pub(crate) fn key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}
