//! The ways out of the server: configured targets and the mail server.

use std::sync::Arc;

use delivery::mail::{MailTransport, SmtpTransport};
use delivery::target::http::NetworkTransport;
use delivery::target::{TargetMap, Targets};

use crate::config::Config;
use crate::wiring::{Capabilities, StartError};

/// Everything that leaves the server leaves by these.
pub(crate) struct Ways {
    pub(crate) targets: Arc<Targets>,
    pub(crate) mail: Option<Arc<dyn MailTransport>>,
}

impl Ways {
    pub(crate) fn open(config: &Config, capabilities: &Capabilities) -> Result<Self, StartError> {
        let Capabilities { clock, network_clock, .. } = capabilities;
        let outgoing = &config.outgoing;
        let http = NetworkTransport::new(network_clock.clone(), outgoing.endpoint_rules)?;
        let map = TargetMap::new(outgoing.targets.iter().cloned());
        let mail = match &outgoing.smtp {
            Some(smtp) => {
                Some(Arc::new(SmtpTransport::new(smtp, network_clock.clone())?) as Arc<dyn MailTransport>)
            }
            None => None,
        };
        Ok(Self { targets: Targets::new(map, Arc::new(http), clock.clone(), network_clock.clone()), mail })
    }
}
