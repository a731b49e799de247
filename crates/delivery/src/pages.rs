//! Pages people and validators fetch from this server: the signing certificate, and the links in mails.
//!
//! Programs follow links that are plain calls of the API (`/?Action=ConfirmSubscription&…`), which the request path
//! answers. Mails link to pages instead: a page of confirmation confirms, as AWS's does; a page of unsubscription
//! asks first, because mail scanners follow every link they find.

use shapes::sns::ConfirmSubscriptionInput;
use url::form_urlencoded;

use crate::Sns;
use crate::arn::SubscriptionArn;

/// Something served to a browser or a validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

const CONFIRMATION: &str = "/confirmation.html";
const UNSUBSCRIPTION: &str = "/unsubscribe.html";

impl Sns {
    /// The link a program follows to confirm.
    pub(crate) fn subscribe_url(&self, topic_arn: &str, token: &str) -> String {
        format!("{}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}", self.public_url())
    }

    /// The link a program follows to unsubscribe.
    pub(crate) fn unsubscribe_url(&self, subscription_arn: &str) -> String {
        format!("{}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}", self.public_url())
    }

    pub(crate) fn confirmation_page(&self, topic_arn: &str, token: &str) -> String {
        format!("{}{CONFIRMATION}?TopicArn={topic_arn}&Token={token}", self.public_url())
    }

    pub(crate) fn unsubscribe_page(&self, subscription_arn: &str) -> String {
        format!("{}{UNSUBSCRIPTION}?SubscriptionArn={subscription_arn}", self.public_url())
    }

    /// Whether a path is one of these pages'.
    pub fn has_page(path: &str) -> bool {
        matches!(path, CONFIRMATION | UNSUBSCRIPTION) || path.starts_with("/SimpleNotificationService-")
    }

    /// The page at a path.
    pub async fn page(&self, path: &str, query: Option<&str>) -> Option<Page> {
        let value = |name: &str| {
            let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
            pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        match path {
            CONFIRMATION => Some(
                self.confirm_by_link(
                    value("TopicArn").unwrap_or_default(),
                    value("Token").unwrap_or_default(),
                )
                .await,
            ),
            UNSUBSCRIPTION => Some(unsubscription(&value("SubscriptionArn").unwrap_or_default())),
            path => match self.signer.certificate(path.trim_start_matches('/')).await {
                Ok(Some(body)) => Some(Page { status: 200, content_type: "application/x-pem-file", body }),
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(%error, "the signing certificate cannot be served");
                    Some(Page { status: 503, content_type: "text/plain", body: String::new() })
                }
            },
        }
    }

    async fn confirm_by_link(&self, topic_arn: String, token: String) -> Page {
        let input = ConfirmSubscriptionInput { topic_arn, token, authenticate_on_unsubscribe: None };
        match self.confirm(input, None, self.clock.now()).await {
            Ok(arn) => {
                let text = format!(
                    "<h1>Subscription confirmed</h1><p>Your subscription is <code>{}</code>.</p>\
                     <p>If you did not want it, <a href=\"{UNSUBSCRIPTION}?SubscriptionArn={}\">unsubscribe</a>.</p>",
                    escaped(&arn),
                    escaped(&arn)
                );
                html(200, "Subscription confirmed", &text)
            }
            Err(error) => {
                let text = format!("<h1>Not confirmed</h1><p>{}</p>", escaped(&error.to_string()));
                html(400, "Not confirmed", &text)
            }
        }
    }
}

fn unsubscription(arn: &str) -> Page {
    if let Err(error) = SubscriptionArn::parse(arn, None) {
        let text = format!("<h1>No such subscription</h1><p>{}</p>", escaped(&error.to_string()));
        return html(400, "No such subscription", &text);
    }
    let arn = escaped(arn);
    let text = format!(
        "<h1>Unsubscribe?</h1><p>Notifications of <code>{arn}</code> will stop.</p>\
         <form action=\"/\" method=\"get\"><input type=\"hidden\" name=\"Action\" value=\"Unsubscribe\">\
         <input type=\"hidden\" name=\"SubscriptionArn\" value=\"{arn}\">\
         <button>Unsubscribe</button></form>"
    );
    html(200, "Unsubscribe", &text)
}

fn html(status: u16, title: &str, text: &str) -> Page {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;\
         max-width:40rem;margin:4rem auto;padding:0 1rem;color:#222}}code{{word-break:break-all}}</style>{text}"
    );
    Page { status, content_type: "text/html; charset=utf-8", body }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
