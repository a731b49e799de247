//! Encodings and hashes. What cannot be decoded is `None`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// Everything but the unreserved characters of RFC 3986.
const URL_RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn url_encode(text: &str) -> String {
    utf8_percent_encode(text, URL_RESERVED).to_string()
}

pub(super) fn url_decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}

pub(super) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn base64_decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

pub(super) fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `0x` is optional.
pub(super) fn hex_to_decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten()? as f64;
    Some(if negative { -value } else { value })
}

/// Lower case with `0x`, `-0x` for negatives, the fraction dropped.
pub(super) fn decimal_to_hex(number: f64) -> String {
    let sign = if number <= -1.0 { "-" } else { "" };
    format!("{sign}0x{:x}", number.abs().trunc() as u128)
}

pub(super) fn hex_to_ascii(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let bytes = digits.chunks(2).map(|pair| {
        let [high, low] = pair else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
    });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

/// A replacement with `$1` or `\1` for groups, as the `regex` crate writes them.
pub(super) fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let group = characters.peek().copied().filter(char::is_ascii_digit);
        match (c, group) {
            ('$' | '\\', Some(digit)) => {
                out.extend(["${", digit.encode_utf8(&mut [0; 4]), "}"]);
                characters.next();
            }
            ('$', None) => out.push_str("$$"),
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(url_decode("a%20b").as_deref(), Some("a b"));
        assert_eq!(url_encode("a b/é"), "a%20b%2F%C3%A9");
        assert_eq!(base64_decode("aGkgdGhlcmU=").as_deref(), Some("hi there"));
        assert_eq!(base64_decode("!"), None);
        assert_eq!(hex_to_ascii("48656c6c6f").as_deref(), Some("Hello"));
        assert_eq!(hex_to_ascii("4"), None);
        assert_eq!(hex_to_decimal("0xff"), Some(255.0));
        assert_eq!(hex_to_decimal("+f"), None);
        assert_eq!(decimal_to_hex(255.9), "0xff");
        assert_eq!(decimal_to_hex(-16.0), "-0x10");
        assert_eq!(replacement(r"$1-\2-$x$"), "${1}-${2}-$$x$$");
        assert_eq!(md5("api"), "8a5da52ed126447d359e70c05721a8aa");
        assert_eq!(sha256("api"), "14c2529eb4498c5d1ffd6915d05bf58a91bdda796af59f41d480d11c099d0479");
    }
}
