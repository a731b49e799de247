//! The byte-exact vectors of `spec/protocols.md` §14, and what must not pass.

use std::time::Duration;

use base::{AccountId, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use signals::Principal;
use wire::FrameworkError;

use super::*;
use crate::auth::keys::TemporarySession;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DATE: &str = "20240101T000030Z";
/// The time of [`DATE`].
const AT: i64 = 1_704_067_230;
const B3: &str = "a269 4e616d657370616365 63 417070 6a 4d657472696344617461 81 a5 6a 4d65747269634e616d65 64 48697473 69 54696d657374616d70 c1 1a 65920080 65 56616c7565 fb 3ff8000000000000 64 556e6974 65 436f756e74 6a 44696d656e73696f6e73 81 a2 64 4e616d65 63 537663 65 56616c7565 61 61";

struct Case {
    method: &'static str,
    path: &'static str,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Case {
    fn new(
        method: &'static str,
        path: &'static str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        Self { method, path, query: None, headers, body }
    }

    fn sign(mut self, service: &str, signed: &str, signature: &str) -> Self {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/us-east-1/{service}/aws4_request, SignedHeaders={signed}, Signature={signature}"
        );
        self.headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
        self
    }

    fn parts(&self) -> SignedParts<'_> {
        SignedParts {
            method: self.method,
            path: self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            host: Some("example.test"),
            body: &self.body,
        }
    }

    fn presented(&self) -> Presented {
        presented(&self.headers, self.query.as_deref()).unwrap().unwrap()
    }

    fn canonical_digest(&self) -> String {
        let body = hex::encode(Sha256::digest(&self.body));
        hex::encode(Sha256::digest(canonical_request(&self.presented(), self.parts(), "example.test", &body)))
    }

    fn verify_at(&self, service: &str, at: Timestamp) -> Result<(), FrameworkError> {
        verify(&self.presented(), &key(), self.parts(), service, at, Duration::from_secs(300))
    }
}

fn key() -> AccessKey {
    AccessKey {
        account: AccountId::new("111111111111").unwrap(),
        principal: Principal {
            arn: "arn:aws:iam::111111111111:root".into(),
            kind: "Root".into(),
            principal_id: "111111111111".into(),
            user_name: None,
            access_key_id: None,
        },
        secret: SECRET.into(),
        session: None,
    }
}

fn g1() -> Case {
    let headers = [
        ("content-type", "application/cbor"),
        ("accept", "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("x-amz-date", DATE),
    ];
    let body = hex::decode(B3.replace(' ', "")).unwrap();
    Case::new("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", &headers, body).sign(
        "monitoring",
        "content-type;host;smithy-protocol;x-amz-date",
        "13d817fd7a05fe27f3a27a018757016b2e8da55685f15e27e669c79decfd8b7c",
    )
}

fn g2() -> Case {
    let headers =
        [("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("x-amz-date", DATE)];
    Case::new("POST", "/", &headers, b"Action=GetCallerIdentity&Version=2011-06-15".to_vec()).sign(
        "sts",
        "content-type;host;x-amz-date",
        "cf9cc1d974b63efc26db4b4e41cb1d8b259f0840b35b20551c47f852c9bdcd2e",
    )
}

fn g3() -> Case {
    let mut case = Case::new("GET", "/", &[], Vec::new());
    case.query = Some(
        "Action=ListMetrics&Namespace=My%20App%2FX&Version=2010-08-01&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20240101%2Fus-east-1%2Fmonitoring%2Faws4_request\
         &X-Amz-Date=20240101T000030Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=a7aa7f7c0be478b72588928d194166d738eb10e8f914e80d757ae733c015e87c"
            .replace(' ', ""),
    );
    case
}

fn g4() -> Case {
    let path = "/tags/arn%3Aaws%3Aoam%3Aus-east-1%3A111111111111%3Asink%2Fx";
    Case::new("GET", path, &[("x-amz-date", DATE)], Vec::new()).sign(
        "oam",
        "host;x-amz-date",
        "313674c5547c5512189a4805614f38734390762e0713af0b30596c46ac14203a",
    )
}

#[test]
fn vectors_g1_to_g4_verify() {
    let digests = [
        (g1(), "monitoring", "eff2be93f4abc673808622d6bc892c965529de7b384f05328adfab7b3d87a6df"),
        (g2(), "sts", "69784fa3c7f3ffc701f4a8bacc16b7aef6242147a6f9a0cec48841751d9ac69d"),
        (g3(), "monitoring", "5a942d3c8eb596067483fbb4ae9a8510f829b9b5252ceebccf30510c03b7a348"),
        (g4(), "oam", "8b5c6e0852650846723c7f27917eab9019c7d600f6d11284d46e56d8ef341137"),
    ];
    for (case, service, digest) in digests {
        assert_eq!(case.canonical_digest(), digest, "{service} {}", case.path);
        case.verify_at(service, Timestamp::from_secs(AT)).unwrap();
    }
}

#[test]
fn anything_changed_is_refused() {
    let now = Timestamp::from_secs(AT);
    let mut body = g1();
    body.body.push(0);
    let mut header = g1();
    header.headers.insert("content-type", HeaderValue::from_static("application/json"));
    let mut path = g4();
    path.path = "/tags/arn%3Aaws%3Aoam%3Aus-east-1%3A111111111111%3Asink%2Fy";
    let mut query = g3();
    query.query = query.query.map(|q| q.replace("ListMetrics", "PutMetricData"));
    for (case, service) in
        [(body, "monitoring"), (header, "monitoring"), (path, "oam"), (query, "monitoring")]
    {
        assert_eq!(case.verify_at(service, now), Err(mismatch(MISMATCH)));
    }
    let other_service = g1().verify_at("logs", now);
    assert_eq!(other_service, Err(mismatch("Credential should be scoped to correct service: 'logs'.")));
}

#[test]
fn old_and_future_dates_are_refused() {
    let at = |secs| g2().verify_at("sts", Timestamp::from_secs(AT + secs));
    assert!(at(300).is_ok() && at(-300).is_ok());
    // P10: six minutes old.
    assert_eq!(
        at(360),
        Err(mismatch(
            "Signature expired: 20240101T000030Z is now earlier than 20240101T000130Z (20240101T000630Z - 5 min.)"
        ))
    );
    assert!(
        matches!(at(-301), Err(FrameworkError::SignatureMismatch(m)) if m.starts_with("Signature not yet current"))
    );
    let presigned = |secs| g3().verify_at("monitoring", Timestamp::from_secs(AT + secs));
    assert!(presigned(300).is_ok());
    assert_eq!(presigned(301), Err(FrameworkError::RequestExpired));
}

#[test]
fn a_stated_payload_hash_must_be_the_bodys() {
    let mut case = g2();
    case.headers.insert("x-amz-content-sha256", HeaderValue::from_static("00"));
    assert_eq!(case.verify_at("sts", Timestamp::from_secs(AT)), Err(FrameworkError::ContentSha256Mismatch));
}

#[test]
fn temporary_credentials_need_their_token_in_time() {
    let mut key = key();
    key.session = Some(TemporarySession { token: "t".into(), expires: Timestamp::from_secs(AT + 10) });
    let case = g2();
    let check = |token: Option<&str>, secs: i64| {
        let presented = Presented { session_token: token.map(str::to_owned), ..case.presented() };
        verify(
            &presented,
            &key,
            case.parts(),
            "sts",
            Timestamp::from_secs(AT + secs),
            Duration::from_secs(300),
        )
    };
    assert_eq!(check(None, 0), Err(FrameworkError::UnrecognizedClient));
    assert_eq!(check(Some("x"), 0), Err(FrameworkError::UnrecognizedClient));
    assert_eq!(check(Some("t"), 10), Err(FrameworkError::ExpiredToken));
    assert_eq!(check(Some("t"), 0), Ok(()));
}

#[test]
fn malformed_authorization_lists_what_is_missing() {
    let read = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(value).unwrap());
        presented(&headers, None)
    };
    let Err(FrameworkError::IncompleteSignature(message)) = read("AWS4-HMAC-SHA256 SignedHeaders=host")
    else {
        panic!("accepted")
    };
    assert_eq!(
        message,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         Authorization=AWS4-HMAC-SHA256 SignedHeaders=host"
    );
    for bad in ["Basic abc", "AWS4-ECDSA-P256-SHA256 Credential=a/b", "AWS4-HMAC-SHA256", ""] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert_eq!(read("Bearer xyz"), Ok(None));
    assert!(presented(&HeaderMap::new(), Some("Action=X&AWSAccessKeyId=a")).is_err());
    assert_eq!(presented(&HeaderMap::new(), Some("Action=X")), Ok(None));
}

#[test]
fn paths_are_normalised() {
    for (path, canonical) in
        [("/", "/"), ("", "/"), ("//a//b/", "/a/b/"), ("/a/./b/../c", "/a/c"), ("/a%20b", "/a%2520b")]
    {
        assert_eq!(canonical_uri(path), canonical, "{path}");
    }
}
