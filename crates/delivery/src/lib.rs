//! SNS: topics, subscriptions, targets and the durable outbox that reaches them.
//!
//! Operations are files under `operations/`; rules live in the domain folders and know nothing of a server. What is
//! accepted is in the outbox before its publisher is answered, and leaves it when it was delivered or given up
//! ([`outbox`]). Targets outside the server are named by the configuration ([`target`]).
//!
//! Source of behaviour: the API reference (<https://docs.aws.amazon.com/sns/latest/api/>) and the developer guide
//! (<https://docs.aws.amazon.com/sns/latest/dg/>).

mod actions;
mod arn;
mod error;
mod filter_policy;
mod locks;
pub mod mail;
mod message;
mod operations;
pub mod outbox;
mod pages;
mod signature;
mod status;
mod subscription;
pub mod target;
pub mod tasks;
mod topic;

use std::sync::{Arc, OnceLock};

use base::{Clock, Entropy};
use catalog::{Catalog, CatalogError, Collection};

pub use actions::AlarmActions;
pub use operations::table;
pub use outbox::OutboxLimits;
pub use outbox::RetryLimits;
pub use pages::Page;

use locks::TopicLocks;
use mail::MailTransport;
use outbox::Outbox;
use signature::Signer;
use status::Status;
use subscription::{Filters, Subscription};
use target::Targets;
use target::http::EndpointRules;
use topic::Topic;

/// The SNS service of one server.
pub struct Sns {
    catalog: Arc<Catalog>,
    topics: Collection<Topic>,
    subscriptions: Collection<Subscription>,
    filters: Filters,
    outbox: Outbox,
    signer: Signer,
    status: Status,
    locks: TopicLocks,
    targets: Arc<Targets>,
    mail: Option<Arc<dyn MailTransport>>,
    endpoint_rules: EndpointRules,
    retry_limits: RetryLimits,
    public_url: OnceLock<String>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What the service is made of.
pub struct SnsParts {
    pub catalog: Arc<Catalog>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub targets: Arc<Targets>,
    /// `None` refuses subscriptions by e-mail.
    pub mail: Option<Arc<dyn MailTransport>>,
    pub endpoint_rules: EndpointRules,
    pub outbox_limits: OutboxLimits,
    pub retry_limits: RetryLimits,
}

impl Sns {
    /// Fails where the catalog has records that do not decode.
    pub fn new(parts: SnsParts) -> Result<Arc<Self>, CatalogError> {
        let SnsParts { catalog, clock, entropy, .. } = parts;
        Ok(Arc::new(Self {
            topics: catalog.collection()?,
            subscriptions: catalog.collection()?,
            filters: Filters::default(),
            outbox: Outbox::open(&catalog, parts.outbox_limits)?,
            signer: Signer::new(catalog.clone(), clock.clone(), entropy.clone()),
            status: Status::new(clock.clone()),
            locks: TopicLocks::default(),
            targets: parts.targets,
            mail: parts.mail,
            endpoint_rules: parts.endpoint_rules,
            retry_limits: parts.retry_limits,
            public_url: OnceLock::new(),
            catalog,
            clock,
            entropy,
        }))
    }

    /// Where this server is reached: scheme, host and port, without a slash at the end. Set once it listens, before
    /// anything is delivered.
    pub fn set_public_url(&self, url: &str) {
        let _ = self.public_url.set(url.trim_end_matches('/').to_owned());
    }

    /// Deliveries waiting or under way, and the bytes of their messages.
    pub fn backlog(&self) -> (usize, usize) {
        self.outbox.backlog()
    }

    fn public_url(&self) -> &str {
        self.public_url.get().map_or("http://localhost:4580", String::as_str)
    }
}

#[cfg(test)]
mod tests;
