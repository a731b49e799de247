//! Pagination tokens: opaque to clients, checked on return, and valid across restarts.
//!
//! A token carries the last key of the page, not an offset, so that records inserted between two
//! pages neither skip nor repeat one. It also carries a digest of the parameters it belongs to.

/// A page token that this server did not issue, or that belongs to a different request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the page token is invalid")]
pub struct InvalidPageToken;

/// Makes an opaque URL-safe token of the `parts`, bound to `purpose` (operation and parameters that
/// must not change between pages).
pub fn encode(purpose: &str, parts: &[&str]) -> String {
    let mut body = String::from("1");
    for part in parts {
        body.push('\u{1f}');
        body.push_str(part);
    }
    let check = checksum(purpose, &body);
    let mut token = String::with_capacity(body.len() * 2 + 16);
    for byte in check.to_be_bytes().iter().chain(body.as_bytes()) {
        token.push(char::from(ALPHABET[usize::from(byte >> 4)]));
        token.push(char::from(ALPHABET[usize::from(byte & 15)]));
    }
    token
}

/// The parts of a token made by [`encode`] with the same `purpose`.
pub fn decode(purpose: &str, token: &str) -> Result<Vec<String>, InvalidPageToken> {
    let digits = token.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() < 18 {
        return Err(InvalidPageToken);
    }
    let nibble = |d: u8| ALPHABET.iter().position(|a| *a == d).ok_or(InvalidPageToken);
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| Ok((nibble(pair[0])? << 4 | nibble(pair[1])?) as u8))
        .collect::<Result<Vec<u8>, InvalidPageToken>>()?;
    let (check, body) = bytes.split_at(8);
    let body = std::str::from_utf8(body).map_err(|_| InvalidPageToken)?;
    if check != checksum(purpose, body).to_be_bytes() {
        return Err(InvalidPageToken);
    }
    let mut parts = body.split('\u{1f}');
    match parts.next() {
        Some("1") => Ok(parts.map(str::to_owned).collect()),
        _ => Err(InvalidPageToken),
    }
}

/// Sixteen letters that do not read as a hexadecimal number, so nobody is tempted to decode it.
const ALPHABET: &[u8; 16] = b"bcdfghjkmnpqrstv";

/// FNV-1a, 64 bits: a check against mistakes, not against forgery; a forged token only names a
/// position inside the caller's own records.
fn checksum(purpose: &str, body: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in purpose.bytes().chain([0]).chain(body.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_for_its_own_purpose_only() {
        let token = encode("DescribeLogGroups|prefix=a", &["/aws/ü", ""]);
        assert_eq!(decode("DescribeLogGroups|prefix=a", &token).unwrap(), ["/aws/ü", ""]);
        assert!(decode("DescribeLogGroups|prefix=b", &token).is_err());
        for bad in ["", "zz", "b", &token[..token.len() - 2], &format!("{token}bb")] {
            assert!(decode("DescribeLogGroups|prefix=a", bad).is_err(), "{bad}");
        }
    }
}
