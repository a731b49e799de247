//! Pages the rest of the program serves beside the API, unsigned: what links in mails lead to, and certificates.

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::app::App;
use crate::finish;
use crate::request::{Answer, Head};

/// A page, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Bytes,
}

/// Has pages. They are open to everybody who can reach the server.
#[async_trait]
pub trait PageSource: Send + Sync {
    /// Whether the path is a page's, whatever the page has to say.
    fn has(&self, path: &str) -> bool;

    async fn page(&self, path: &str, query: Option<&str>) -> Option<Page>;
}

/// No pages.
pub struct NoPages;

#[async_trait]
impl PageSource for NoPages {
    fn has(&self, _: &str) -> bool {
        false
    }

    async fn page(&self, _: &str, _: Option<&str>) -> Option<Page> {
        None
    }
}

/// Whether a request is for a page.
pub(crate) fn is_for(app: &App, head: &Head) -> bool {
    matches!(head.parts.method, Method::GET | Method::HEAD) && app.pages.has(head.path())
}

pub(crate) async fn answer(app: &App, head: &Head) -> Answer {
    let response = match app.pages.page(head.path(), head.query()).await {
        Some(page) => {
            let mut response = Response::new(Full::new(page.body));
            *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
            // Links in mails carry secrets.
            headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
            response
        }
        None => finish::json(StatusCode::NOT_FOUND, &serde_json::json!({ "message": "no such page" })),
    };
    Answer::new("server", "Page", response)
}
