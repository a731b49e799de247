//! Calling out over HTTP: what a call is, who makes it, and which addresses a subscriber may name.
//!
//! Targets are named by the installation's configuration and are trusted. Endpoints of subscriptions are named
//! by whoever may subscribe: their names are resolved here, and addresses that reach this machine or its
//! link-local neighbours (where clouds keep their metadata services) are refused unless allowed. No redirect is
//! ever followed, so an address that was checked is the address that is called.

use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Clock;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::HeaderMap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// AWS: an endpoint has 15 seconds to answer (sns-message-delivery-retries).
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer; the rest is dropped.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Paths of this server that are for the people who run it.
const ADMIN_PATH: &str = "/_nephoscope";

/// One POST.
#[derive(Debug, Clone)]
pub struct HttpCall {
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trust: Trust,
}

/// Who named the URL of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The installation's configuration.
    Configured,
    /// Whoever subscribed it.
    Subscriber,
}

/// An answer, whatever its status. The body is cut off at a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    pub body: Bytes,
}

impl HttpAnswer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the same call may succeed later: AWS retries 429 and 5xx, and no other status.
    pub(crate) fn is_retryable(&self) -> bool {
        self.status == 429 || self.status >= 500
    }

    /// The status and the first words of the body, for people.
    pub(crate) fn describe(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let words: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        if words.is_empty() {
            format!("HTTP {}", self.status)
        } else {
            format!("HTTP {}: {words}", self.status)
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address may not be called.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unavailable(String),
}

/// Makes calls. The simulated one of tests answers by script.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    async fn post(&self, call: HttpCall) -> Result<HttpAnswer, HttpError>;
}

/// Which addresses endpoints of subscriptions may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointRules {
    /// This machine's own loopback addresses.
    pub allow_loopback: bool,
}

impl EndpointRules {
    /// Why an endpoint at this address is refused.
    fn refusal(self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        let is_link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if is_link_local || address.is_multicast() {
            return Some("link-local and multicast addresses are refused");
        }
        let is_own = address.is_loopback() || address.is_unspecified();
        (is_own && !self.allow_loopback)
            .then_some("loopback addresses are refused; allow-loopback-endpoints allows them")
    }

    /// Why a URL is refused before its host is resolved.
    pub fn url_refusal(self, url: &Url) -> Option<&'static str> {
        if url.host().is_none() {
            return Some("the URL has no host");
        }
        let path = percent_decoded_start(url.path());
        if path.starts_with(ADMIN_PATH) {
            return Some("administration paths of this server are no endpoints");
        }
        match url.host()? {
            Host::Ipv4(address) => self.refusal(address.into()),
            Host::Ipv6(address) => self.refusal(address.into()),
            Host::Domain(name) if name.eq_ignore_ascii_case("localhost") => {
                self.refusal(IpAddr::from([127, 0, 0, 1]))
            }
            Host::Domain(_) => None,
        }
    }
}

/// The path with percent escapes of ASCII resolved and repeated slashes as one.
fn percent_decoded_start(path: &str) -> String {
    let mut plain = String::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                std::str::from_utf8(&digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok()).unwrap_or(b'%')
            }
            other => other,
        };
        if byte != b'/' || !plain.ends_with('/') {
            plain.push(char::from(byte).to_ascii_lowercase());
        }
    }
    plain
}

/// Calls over the network.
pub struct NetworkTransport {
    clock: Arc<dyn Clock>,
    rules: EndpointRules,
    configured: reqwest::Client,
    subscribers: reqwest::Client,
}

/// The TLS stack could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up outgoing HTTP")]
pub struct TransportError(#[source] reqwest::Error);

impl NetworkTransport {
    /// `network_clock` measures time-outs: the machine's clock, also where time is simulated.
    pub fn new(network_clock: Arc<dyn Clock>, rules: EndpointRules) -> Result<Self, TransportError> {
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_max_idle_per_host(8)
        };
        let configured = builder().build().map_err(TransportError)?;
        let subscribers = builder()
            .no_proxy()
            .dns_resolver(Arc::new(CheckedResolver(rules)))
            .build()
            .map_err(TransportError)?;
        Ok(Self { clock: network_clock, rules, configured, subscribers })
    }
}

#[async_trait]
impl HttpTransport for NetworkTransport {
    async fn post(&self, call: HttpCall) -> Result<HttpAnswer, HttpError> {
        let client = match call.trust {
            Trust::Configured => &self.configured,
            Trust::Subscriber => {
                if let Some(reason) = self.rules.url_refusal(&call.url) {
                    return Err(HttpError::Refused(reason.to_owned()));
                }
                &self.subscribers
            }
        };
        let request = client.post(call.url).headers(call.headers).body(call.body);
        tokio::select! {
            answer = exchange(request) => answer,
            () = self.clock.sleep(TIMEOUT) => {
                Err(HttpError::Unavailable(format!("no answer within {} seconds", TIMEOUT.as_secs())))
            }
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<HttpAnswer, HttpError> {
    let response = request.send().await.map_err(unavailable)?;
    let status = response.status().as_u16();
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(unavailable)?;
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(HttpAnswer { status, body: body.freeze() })
}

/// The innermost cause says what happened; URLs may hold secrets and stay out.
fn unavailable(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        if next.downcast_ref::<RefusedAddress>().is_some() {
            return HttpError::Refused(next.to_string());
        }
        cause = next;
    }
    let (outer, inner) = (error.to_string(), cause.to_string());
    HttpError::Unavailable(if outer == inner || error.source().is_none() {
        outer
    } else {
        format!("{outer}: {inner}")
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct RefusedAddress(&'static str);

/// Resolves names and keeps only addresses that may be called.
struct CheckedResolver(EndpointRules);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut allowed: Vec<SocketAddr> = Vec::new();
            for address in found {
                match rules.refusal(address.ip()) {
                    Some(reason) => refused = Some(reason),
                    None => allowed.push(address),
                }
            }
            match refused {
                Some(reason) if allowed.is_empty() => Err(RefusedAddress(reason).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_point_inward_are_refused() {
        let strict = EndpointRules { allow_loopback: false };
        let open = EndpointRules { allow_loopback: true };
        for (url, strictly, openly) in [
            ("http://example.com/hook", true, true),
            ("http://10.1.2.3/hook", true, true),
            ("http://127.0.0.1:9000/hook", false, true),
            ("http://localhost/hook", false, true),
            ("http://[::1]/", false, true),
            ("http://[::ffff:127.0.0.1]/", false, true),
            ("http://2130706433/", false, true),
            ("http://0.0.0.0/", false, true),
            ("http://169.254.169.254/latest/meta-data", false, false),
            ("http://[fe80::1]/", false, false),
            ("http://127.0.0.1:4580/_nephoscope/clock", false, false),
            ("http://other.example.com//_nephoscope/clock", false, false),
            ("http://other.example.com/%5fnephoscope/clock", false, false),
            ("http://other.example.com/x/../_nephoscope/clock", false, false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(strict.url_refusal(&url).is_none(), strictly, "{url} strictly");
            assert_eq!(open.url_refusal(&url).is_none(), openly, "{url} openly");
        }
    }

    #[tokio::test]
    async fn names_that_resolve_inward_are_refused() {
        let strict = CheckedResolver(EndpointRules { allow_loopback: false });
        let refused = strict.resolve("localhost".parse().unwrap()).await;
        assert!(refused.err().unwrap().to_string().contains("allow-loopback-endpoints"));
        let open = CheckedResolver(EndpointRules { allow_loopback: true });
        assert!(open.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
