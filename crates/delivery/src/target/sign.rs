//! Signature Version 4 for calls to targets with credentials.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base::Timestamp;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::config::TargetCredentials;

/// The headers of `headers` and those of the signature.
pub(super) fn signed(
    url: &Url,
    headers: &HeaderMap,
    body: &[u8],
    credentials: &TargetCredentials,
    service: &str,
    region: &str,
    now: Timestamp,
) -> Result<HeaderMap, String> {
    let identity = Credentials::new(
        credentials.access_key_id.as_str(),
        credentials.secret_access_key.as_str(),
        None,
        None,
        "configuration",
    )
    .into();
    let since_epoch = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(credentials.region.as_deref().unwrap_or(region))
        .name(service)
        .time(UNIX_EPOCH + since_epoch)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let plain = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request = SignableRequest::new("POST", url.as_str(), plain, SignableBody::Bytes(body))
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &parameters).map_err(|error| error.to_string())?.into_parts();
    let (added, _) = instructions.into_parts();
    let mut all = headers.clone();
    for header in added {
        let value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
        all.insert(header.name(), value);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_names_key_day_region_and_service() {
        let credentials = TargetCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            region: None,
        };
        let url = "https://lambda.example.com/2015-03-31/functions/f/invocations".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-invocation-type", HeaderValue::from_static("Event"));
        let now = Timestamp::from_secs(1_717_200_000);
        let signed = signed(&url, &headers, b"{}", &credentials, "lambda", "eu-west-1", now).unwrap();
        let authorization = signed["authorization"].to_str().unwrap();
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240601/eu-west-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-invocation-type"
            ),
            "{authorization}"
        );
        assert_eq!(signed["x-amz-date"], "20240601T000000Z");
        assert_eq!(signed["x-amz-invocation-type"], "Event");
    }
}
