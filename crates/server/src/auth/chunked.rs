//! `aws-chunked` bodies: chunk headers are stripped and, where the sender signed the chunks and we
//! verify, each signature is checked against the one before it.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.

use memchr::memmem;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::FrameworkError;

use super::sigv4;

/// What chunk signatures are checked with.
pub(crate) struct ChunkVerifier {
    pub(crate) signing_key: [u8; 32],
    pub(crate) date: String,
    pub(crate) scope: String,
    /// The signature of the chunk before; at first the request's own.
    pub(crate) previous: String,
}

/// The payload of an aws-chunked `body`. `declared` is `x-amz-decoded-content-length`.
pub(crate) fn decode(
    body: &[u8],
    declared: Option<usize>,
    mut verifier: Option<ChunkVerifier>,
) -> Result<Vec<u8>, FrameworkError> {
    let malformed = || FrameworkError::Serialization("the aws-chunked body is malformed".to_owned());
    let mut payload = Vec::with_capacity(declared.unwrap_or(0).min(body.len()));
    let mut rest = body;
    loop {
        let line_end = memmem::find(rest, b"\r\n").filter(|end| *end <= 1024).ok_or_else(malformed)?;
        let line = std::str::from_utf8(&rest[..line_end]).map_err(|_| malformed())?;
        let (size, signature) = match line.split_once(';') {
            Some((size, extension)) => (size, extension.strip_prefix("chunk-signature=")),
            None => (line, None),
        };
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| malformed())?;
        rest = &rest[line_end + 2..];
        let chunk = rest.get(..size).ok_or_else(malformed)?;
        rest = &rest[size..];
        if let Some(verifier) = &mut verifier {
            verifier.check(chunk, signature)?;
        }
        if size == 0 {
            break;
        }
        payload.extend_from_slice(chunk);
        rest = rest.strip_prefix(b"\r\n").ok_or_else(malformed)?;
    }
    match declared {
        Some(declared) if declared != payload.len() => Err(FrameworkError::Serialization(format!(
            "x-amz-decoded-content-length is {declared} but the body decodes to {} bytes",
            payload.len()
        ))),
        _ => Ok(payload),
    }
}

impl ChunkVerifier {
    fn check(&mut self, chunk: &[u8], signature: Option<&str>) -> Result<(), FrameworkError> {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}",
            self.date,
            self.scope,
            self.previous,
            hex::encode(Sha256::digest(b"")),
            hex::encode(Sha256::digest(chunk)),
        );
        let expected = hex::encode(sigv4::hmac(&self.signing_key, text.as_bytes()));
        match signature {
            Some(given) if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) => {
                self.previous = expected;
                Ok(())
            }
            _ => Err(sigv4::mismatch(
                "The chunk signature we calculated does not match the signature you provided.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_chunk_headers_and_trailers() {
        let body = b"5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0;chunk-signature=cd\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
        assert_eq!(decode(body, Some(11), None).unwrap(), b"hello world");
        assert_eq!(decode(b"0\r\n\r\n", None, None).unwrap(), b"");
    }

    #[test]
    fn refuses_truncated_and_lying_bodies() {
        for bad in [
            &b""[..],
            b"5\r\nhel",
            b"zz\r\n",
            b"5\r\nhelloXX0\r\n",
            b"ffffffffffffffff\r\n",
            b"5\r\nhello\r\n",
        ] {
            assert!(decode(bad, None, None).is_err(), "{bad:?}");
        }
        assert!(decode(b"1\r\na\r\n0\r\n\r\n", Some(2), None).is_err());
    }

    #[test]
    fn checks_the_chain_of_signatures() {
        // The example of the AWS page named above: key, date and seed signature are published there.
        let presented = sigv4::Presented {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            date: "20130524".into(),
            region: "us-east-1".into(),
            service: "s3".into(),
            signed_headers: String::new(),
            signature: String::new(),
            session_token: None,
            form: sigv4::Form::Header,
        };
        let verifier = || ChunkVerifier {
            signing_key: sigv4::signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &presented),
            date: "20130524T000000Z".into(),
            scope: presented.scope(),
            previous: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9".into(),
        };
        let chunk = |size: usize, signature: &str| {
            let mut bytes = format!("{size:x};chunk-signature={signature}\r\n").into_bytes();
            bytes.extend(std::iter::repeat_n(b'a', size));
            bytes.extend(b"\r\n");
            bytes
        };
        let mut body = chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
        body.extend(chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
        body.extend(chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
        assert_eq!(decode(&body, Some(66560), Some(verifier())).unwrap().len(), 66560);
        body[70] = b'b';
        body[85] = b'c';
        assert!(matches!(decode(&body, None, Some(verifier())), Err(FrameworkError::SignatureMismatch(_))));
    }
}
