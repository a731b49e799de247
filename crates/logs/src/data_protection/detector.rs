//! Finds sensitive characters and puts asterisks in their place.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;

use super::identifiers::{IDENTIFIERS, Identifier};

/// How near a key word must be, in bytes.
const KEYWORD_BYTES: usize = 60;

/// What one policy detects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detector {
    managed: Vec<(Regex, &'static Identifier)>,
    custom: Vec<Regex>,
}

/// The expression of a custom identifier.
pub(super) fn custom_regex(source: &str) -> Result<Regex, String> {
    lang::text::regex::compile(source)
}

impl Detector {
    /// Names without a detection, and expressions that no longer compile, detect nothing.
    pub(super) fn compile(managed: &[String], custom: &[String]) -> Self {
        let known = |name: &String| IDENTIFIERS.iter().find(|identifier| identifier.name == name);
        let compile = |identifier: &'static Identifier| {
            let regex =
                lang::text::regex::compile(identifier.regex).expect("a test compiles every one of them");
            (regex, identifier)
        };
        Self {
            managed: managed.iter().filter_map(known).map(compile).collect(),
            custom: custom.iter().filter_map(|source| custom_regex(source).ok()).collect(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.managed.is_empty() && self.custom.is_empty()
    }

    /// Adds what is sensitive in `text`; `context` is looked through for key words, too.
    fn find(&self, context: &str, text: &str, found: &mut Vec<Range<usize>>) {
        for (regex, identifier) in &self.managed {
            for hit in regex.find_iter(text) {
                let sound = is_alone(text, hit.range())
                    && identifier.check.is_none_or(|check| check(hit.as_str()))
                    && (identifier.keywords.is_empty()
                        || has_keyword(identifier, context, text, hit.start()));
                if sound {
                    found.push(hit.range());
                }
            }
        }
        for regex in &self.custom {
            found.extend(regex.find_iter(text).map(|hit| hit.range()).filter(|range| !range.is_empty()));
        }
    }
}

/// A number or word that goes on beside the hit is something else.
fn is_alone(text: &str, hit: Range<usize>) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut before = text[..hit.start].chars().rev();
    let mut after = text[hit.end..].chars();
    let (first, last) = (text[hit.clone()].chars().next(), text[hit].chars().next_back());
    // Also beyond a point: `1.2.3.4.5` is no address.
    let goes_on = |next: Option<char>, beyond: Option<char>, edge: Option<char>| {
        inner(next) && inner(edge) || next == Some('.') && digit(beyond) && digit(edge)
    };
    !goes_on(before.next(), before.next(), first) && !goes_on(after.next(), after.next(), last)
}

fn has_keyword(identifier: &Identifier, context: &str, text: &str, at: usize) -> bool {
    let mut start = at.saturating_sub(KEYWORD_BYTES);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let near = format!("{context} {}", &text[start..at]).to_lowercase();
    identifier.keywords.iter().any(|keyword| near.contains(keyword))
}

/// The text with an asterisk for every sensitive character.
pub(super) fn mask<'a, 'd>(
    detectors: impl Iterator<Item = &'d Detector>,
    context: &str,
    text: &'a str,
) -> Cow<'a, str> {
    let mut found = Vec::new();
    detectors.for_each(|detector| detector.find(context, text, &mut found));
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        if range.end <= at {
            continue;
        }
        let start = range.start.max(at);
        out.push_str(&text[at..start]);
        out.extend(text[start..range.end].chars().map(|_| '*'));
        at = range.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_find_what_is_theirs_and_nothing_else() {
        for identifier in IDENTIFIERS {
            Detector::compile(&[identifier.name.to_owned()], &[]);
        }
        for (name, text, expected) in [
            ("EmailAddress", "to jane.doe+x@mail.example.com, ok", "to ***************************, ok"),
            ("EmailAddress", "a@b", "a@b"),
            ("IpAddress", "from 192.168.0.17:80", "from ************:80"),
            ("IpAddress", "v 1.2.3.4.5 300.1.1.1", "v 1.2.3.4.5 300.1.1.1"),
            ("IpAddress", "2001:db8::1 at 12:30:05", "*********** at 12:30:05"),
            ("CreditCardNumber", "card 4111 1111 1111 1111.", "card *******************."),
            ("CreditCardNumber", "id 4111111111111112", "id 4111111111111112"),
            ("Ssn-US", "ssn=123-45-6789", "ssn=***********"),
            ("Ssn-US", "000-45-6789 123-45-67890", "000-45-6789 123-45-67890"),
            ("PhoneNumber-US", "call (425) 555-0100 now", "call ************** now"),
            (
                "AwsSecretKey",
                "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "aws_secret_access_key = ****************************************",
            ),
            (
                "AwsSecretKey",
                "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
            ),
            ("BankAccountNumber-DE", "DE89 3704 0044 0532 0130 00", "***************************"),
            ("BankAccountNumber-DE", "DE88370400440532013000", "DE88370400440532013000"),
            ("CreditCardSecurityCode", "cvv: 123, n: 1", "cvv: ***, n: 1"),
            ("PassportNumber-GB", "123456789", "123456789"),
        ] {
            let detector = Detector::compile(&[name.to_owned()], &[]);
            assert_eq!(mask([&detector].into_iter(), "", text), expected, "{name}");
        }
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----";
        let detector = Detector::compile(&["PkcsPrivateKey".to_owned()], &[]);
        assert_eq!(mask([&detector].into_iter(), "", key), "*".repeat(key.len()));
    }

    #[test]
    fn overlapping_finds_are_masked_once() {
        let detector =
            Detector::compile(&["EmailAddress".to_owned()], &["a@.*?om b".to_owned(), "x+".to_owned()]);
        let shown = mask([&detector].into_iter(), "", "é a@ab.com b@example.com xx");
        assert_eq!(shown, "é ********************** **");
        let secret = Detector::compile(&["AwsSecretKey".to_owned()], &[]);
        let value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert_eq!(mask([&secret].into_iter(), "secretKey", value), "*".repeat(40));
        assert_eq!(mask([&secret].into_iter(), "other", value), value);
    }
}
