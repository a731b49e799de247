//! Mail by SMTP.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use base::Clock;
use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Mail, MailError, MailTransport};

/// For one command of the conversation.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// For the whole of it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Plain at first, and refused if it can't be made secure.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    None,
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// Certificate authority of a server the system doesn't know, as PEM.
    pub ca_pem: Option<String>,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// Address of the sender.
    pub from: String,
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpConfig({}:{}, {:?}, from {})", self.host, self.port, self.tls, self.from)
    }
}

/// A mail server that can't be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    #[error("host is empty")]
    NoHost,
    #[error("from {0:?} is no mail address")]
    From(String, #[source] AddressError),
    #[error("its TLS settings can't be used: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
}

impl SmtpConfig {
    /// Whether a transport can be made of it.
    pub fn check(&self) -> Result<(), SmtpError> {
        if self.host.is_empty() {
            return Err(SmtpError::NoHost);
        }
        self.sender()?;
        self.tls_parameters().map(drop)
    }

    fn sender(&self) -> Result<Address, SmtpError> {
        self.from.parse().map_err(|error| SmtpError::From(self.from.clone(), error))
    }

    fn tls_parameters(&self) -> Result<TlsParameters, SmtpError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.ca_pem {
            let certificate = Certificate::from_pem(pem.as_bytes()).map_err(SmtpError::Tls)?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(SmtpError::Tls)
    }
}

/// The configured mail server.
pub struct SmtpTransport {
    mailer: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    network_clock: Arc<dyn Clock>,
}

impl SmtpTransport {
    /// `network_clock` measures time-outs. Nothing is connected before there is a mail. Must be called inside a
    /// tokio runtime.
    pub fn new(config: &SmtpConfig, network_clock: Arc<dyn Clock>) -> Result<Self, SmtpError> {
        let from = config.sender()?;
        let tls = match config.tls {
            SmtpTls::StartTls => Tls::Required(config.tls_parameters()?),
            SmtpTls::Implicit => Tls::Wrapper(config.tls_parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(config.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT));
        if let Some((user, password)) = &config.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { mailer: builder.build(), from, network_clock })
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, mail: Mail) -> Result<String, MailError> {
        let message = message(mail, &self.from)?;
        tokio::select! {
            sent = self.mailer.send(message) => match sent {
                Ok(response) => Ok(response.message().collect::<Vec<_>>().join(" ")),
                Err(error) if error.is_permanent() => Err(MailError::Refused(described(&error))),
                Err(error) => Err(MailError::Unavailable(described(&error))),
            },
            () = self.network_clock.sleep(TIMEOUT) => {
                Err(MailError::Unavailable(format!("no answer within {} seconds", TIMEOUT.as_secs())))
            }
        }
    }
}

fn described(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn message(mail: Mail, from: &Address) -> Result<Message, MailError> {
    let refused = |error: &dyn fmt::Display| MailError::Refused(error.to_string());
    let to: Address = mail.to.parse().map_err(|error: AddressError| refused(&error))?;
    let millis = u64::try_from(mail.date.as_millis()).unwrap_or(0);
    Message::builder()
        .from(Mailbox::new(mail.from_name, from.clone()))
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body)
        .map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests {
    use base::Timestamp;

    use super::*;

    fn mail() -> Mail {
        Mail {
            to: "ops@example.com".to_owned(),
            from_name: Some("Störung".to_owned()),
            subject: "ALARM: \"Ü\"".to_owned(),
            body: "grün".to_owned(),
            date: Timestamp::from_secs(1_717_200_000),
            id: "11111111-2222-4333-8444-555555555555".to_owned(),
        }
    }

    #[test]
    fn a_mail_is_the_same_at_every_attempt() {
        let from: Address = "alarms@example.org".parse().unwrap();
        let text = String::from_utf8(message(mail(), &from).unwrap().formatted()).unwrap();
        assert_eq!(text, String::from_utf8(message(mail(), &from).unwrap().formatted()).unwrap());
        assert!(text.contains("Message-ID: <11111111-2222-4333-8444-555555555555@example.org>"), "{text}");
        assert!(text.contains("Date: Sat, 01 Jun 2024 00:00:00 +0000"), "{text}");
        assert!(text.contains("Content-Type: text/plain; charset=utf-8"), "{text}");
    }

    #[test]
    fn a_bad_address_is_refused_at_once() {
        let from: Address = "alarms@example.org".parse().unwrap();
        let bad = Mail { to: "a b@c\r\nBcc: x@y".to_owned(), ..mail() };
        assert!(matches!(message(bad, &from), Err(MailError::Refused(_))));
    }
}
