//! Cross-origin requests of browser consoles (`spec/protocols.md` §12).

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::Full;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const MAX_AGE: HeaderValue = HeaderValue::from_static("172800");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, x-amz-date, x-amz-security-token, x-amz-target, x-amz-user-agent, \
     x-amzn-query-mode, smithy-protocol, amz-sdk-invocation-id, amz-sdk-request, x-amz-content-sha256, \
     content-encoding",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-amzn-requestid, x-amzn-errortype, x-amzn-query-error, x-amzn-failure-message, smithy-protocol",
);

/// The answer to a preflight request; `None` if it is not one.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    let is_preflight = *method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut response = Response::new(Full::default());
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    let allowed = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(HEADERS);
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    Some(response)
}

/// What every answer to a request with an `Origin` carries, preflight or not.
pub(crate) fn decorate(request: &HeaderMap, allowed_origins: &[String], response: &mut HeaderMap) {
    let Some(origin) = request.get(ORIGIN) else { return };
    let allowed = if allowed_origins.is_empty() {
        HeaderValue::from_static("*")
    } else if allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
        response.append(VARY, HeaderValue::from_static("origin"));
        origin.clone()
    } else {
        return;
    };
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preflights_echo_what_is_asked() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("http://console.test"));
        assert!(preflight(&Method::OPTIONS, &headers).is_none());
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-amz-target"));
        assert!(preflight(&Method::POST, &headers).is_none());
        let answer = preflight(&Method::OPTIONS, &headers).unwrap();
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "x-amz-target");
    }

    #[test]
    fn only_listed_origins_are_let_in() {
        let request = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("http://a"))]);
        let allow = |origins: &[&str]| {
            let mut response = HeaderMap::new();
            decorate(&request, &origins.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>(), &mut response);
            response.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|v| v.to_str().unwrap().to_owned())
        };
        assert_eq!(allow(&[]).as_deref(), Some("*"));
        assert_eq!(allow(&["http://a"]).as_deref(), Some("http://a"));
        assert_eq!(allow(&["http://b"]), None);
    }
}
