//! E-mail: what notifications, confirmations and unsubscriptions look like, and the mail server they go through.

mod letters;
mod smtp;

use async_trait::async_trait;
use base::Timestamp;

pub(crate) use letters::{SENDER, confirmation, notification};
pub use smtp::{SmtpConfig, SmtpError, SmtpTls, SmtpTransport};

/// One mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: String,
    /// Display name of the sender.
    pub from_name: Option<String>,
    pub subject: String,
    pub body: String,
    pub date: Timestamp,
    /// Distinct among mails and the same for every attempt; becomes the `Message-ID`.
    pub id: String,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail or the address is refused and would be again.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unavailable(String),
}

/// Sends mail. The simulated one of tests keeps it.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// `Ok` with the server's words when it has taken the mail.
    async fn send(&self, mail: Mail) -> Result<String, MailError>;
}
