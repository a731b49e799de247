//! Confirmation tokens: the subscription's id and a secret, so that one is found without an index.

use base::Entropy;

const SECRET_BYTES: usize = 48;
const ID_DIGITS: usize = 32;

/// A token for the subscription of this id (a UUID).
pub(crate) fn new(id: &str, entropy: &dyn Entropy) -> String {
    let mut secret = [0; SECRET_BYTES];
    entropy.fill(&mut secret);
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{secret}", id.replace('-', ""))
}

/// The subscription a token speaks of; `None` if the text can be no token.
pub(crate) fn id_of(token: &str) -> Option<String> {
    let is_token = token.len() == ID_DIGITS + 2 * SECRET_BYTES
        && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let hex = token.get(..ID_DIGITS).filter(|_| is_token)?;
    Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Compares without telling by time how much is right.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_subscription() {
        let entropy = base::SeededEntropy::new(1);
        let id = entropy.uuid().to_string();
        let token = new(&id, entropy.as_ref());
        assert_eq!(id_of(&token), Some(id));
        assert!(same(&token, &token) && !same(&token, &token[1..]));
        for bad in ["", "abc", &token[1..], &token.to_uppercase(), &token.replace('a', "ü")] {
            if bad != token {
                assert_eq!(id_of(bad), None, "{bad}");
            }
        }
    }
}
