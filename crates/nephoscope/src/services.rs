//! The services this server is made of, and what of their models it answers.

use std::sync::Arc;

use smithy::{ServiceSchema, ServiceTable};

/// The state of every service.
pub(crate) struct Services {
    pub(crate) cloudwatch: Arc<cloudwatch::CloudWatch>,
    pub(crate) logs: Arc<logs::Logs>,
    pub(crate) xray: Arc<xray::XRay>,
    pub(crate) cloudtrail: Arc<cloudtrail::CloudTrail>,
    pub(crate) sts: Arc<sts::Sts>,
    pub(crate) sns: Arc<delivery::Sns>,
}

impl Services {
    /// The operations answered. Where REST services share a path, the first one here wins.
    pub(crate) fn tables(&self) -> Vec<ServiceTable> {
        vec![
            cloudwatch::table(self.cloudwatch.clone()),
            logs::table(self.logs.clone()),
            xray::table(self.xray.clone()),
            cloudtrail::table(self.cloudtrail.clone()),
            sts::table(self.sts.clone()),
            delivery::table(self.sns.clone()),
        ]
    }
}

/// Every service whose model is known.
const MODELS: [&ServiceSchema; 8] = [
    &shapes::cloudwatch::SERVICE,
    &shapes::logs::SERVICE,
    &shapes::xray::SERVICE,
    &shapes::cloudtrail::SERVICE,
    &shapes::cloudtrail_data::SERVICE,
    &shapes::sns::SERVICE,
    &shapes::events::SERVICE,
    &shapes::sts::SERVICE,
];

/// Services of which nothing is answered: their operations are unknown, in their own protocol.
pub(crate) fn unserved(tables: &[ServiceTable]) -> Vec<&'static ServiceSchema> {
    let is_served =
        |model: &ServiceSchema| tables.iter().any(|t| t.schema().signing_name == model.signing_name);
    MODELS.into_iter().filter(|model| !is_served(model)).collect()
}

/// `service Operation` for every operation of the models that is (or, with `uncovered`, is not) answered,
/// in the models' order.
pub(crate) fn list_operations(tables: &[ServiceTable], uncovered: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for model in MODELS {
        let table = tables.iter().find(|t| t.schema().signing_name == model.signing_name);
        for operation in model.operations {
            let is_covered = table.is_some_and(|t| t.handler(operation.name).is_some());
            if is_covered != uncovered {
                lines.push(format!("{} {}", model.signing_name, operation.name));
            }
        }
    }
    lines
}
