//! Tokens of names and values: words as people see them in `CPUUtilization` or `Project2-trial333`.

/// What a bare term is looked for by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pieces {
    pub(super) written: String,
    tokens: Vec<String>,
    whole: String,
}

impl Pieces {
    /// `None` if the text has no letter or digit.
    pub(super) fn new(text: &str) -> Option<Self> {
        let tokens: Vec<String> = split(text).map(str::to_lowercase).collect();
        let whole = whole(text);
        (!tokens.is_empty()).then(|| Self { written: text.to_owned(), tokens, whole })
    }

    /// Whether the tokens follow one another in `text`, or are all of it.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let same = |token: &str, wanted: &String| {
            token.len() == wanted.len() && token.eq_ignore_ascii_case(wanted)
                || !token.is_ascii() && token.to_lowercase() == *wanted
        };
        let tokens: Vec<&str> = split(text).collect();
        let follows = |window: &[&str]| window.iter().zip(&self.tokens).all(|(t, w)| same(t, w));
        tokens.windows(self.tokens.len()).any(follows) || whole(text) == self.whole
    }
}

/// All letters and digits.
fn whole(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Splits at whatever is no letter or digit, between letters and digits, before an upper-case letter that
/// follows a lower-case one, and before the last of several upper-case letters that a lower-case one follows.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let word = &rest[start..];
        let end = token_length(word);
        rest = &word[end..];
        Some(&word[..end])
    })
}

fn token_length(word: &str) -> usize {
    let mut chars = word.char_indices().peekable();
    let Some((_, mut previous)) = chars.next() else { return 0 };
    while let Some((at, c)) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
        let boundary = !c.is_alphanumeric()
            || previous.is_numeric() != c.is_numeric()
            || previous.is_lowercase() && c.is_uppercase()
            || previous.is_uppercase() && c.is_uppercase() && next_is_lower;
        if boundary {
            return at;
        }
        previous = c;
    }
    word.len()
}

/// Every token, as the specification lists them: the whole first.
#[cfg(test)]
pub(super) fn all(text: &str) -> Vec<String> {
    std::iter::once(whole(text)).chain(split(text).map(str::to_lowercase)).collect()
}
