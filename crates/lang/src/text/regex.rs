//! Regular expressions as users of RE2 write them, compiled with limits.

/// Largest compiled program; more than any sane pattern needs, little enough to try on every request.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
const NEST_MAX: u32 = 64;

/// Compiles a pattern in RE2 syntax, searched anywhere in a text. Matching takes time linear in the text.
pub fn compile(pattern: &str) -> Result<::regex::Regex, String> {
    ::regex::RegexBuilder::new(&translate(pattern))
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(PROGRAM_BYTES_MAX)
        .nest_limit(NEST_MAX)
        .build()
        .map_err(|error| match error {
            ::regex::Error::CompiledTooBig(_) => "regular expression is too large".to_owned(),
            // The parser's message draws the pattern over several lines; its last line says what is wrong.
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("invalid regular expression: {last}")
            }
        })
}

/// Rewrites what RE2 takes literally and the `regex` crate does not: a `{` that counts nothing, a `[` or a
/// doubled `&`, `-`, `~` inside a class, and `\Q…\E`.
pub fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            '\\' if !in_class && tail.starts_with('Q') => {
                let quoted = &tail[1..];
                let end = quoted.find("\\E").unwrap_or(quoted.len());
                out.push_str(&::regex::escape(&quoted[..end]));
                rest = quoted[end..].strip_prefix("\\E").unwrap_or("");
                continue;
            }
            '\\' => {
                out.push(c);
                if let Some(escaped) = tail.chars().next() {
                    out.push(escaped);
                    rest = &tail[escaped.len_utf8()..];
                    continue;
                }
            }
            '[' if in_class && !tail.starts_with(':') => out.push_str("\\["),
            '[' if in_class => {
                // A POSIX class such as [:alpha:] is copied whole.
                let end = tail.find(":]").map_or(0, |end| end + 2);
                out.push('[');
                out.push_str(&tail[..end]);
                rest = &tail[end..];
                continue;
            }
            '[' => {
                in_class = true;
                out.push('[');
                // `]` just after the opening is a literal.
                let negated = tail.strip_prefix('^');
                let inner = negated.unwrap_or(tail);
                out.push_str(if negated.is_some() { "^" } else { "" });
                rest = inner;
                if let Some(after) = inner.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = after;
                }
                continue;
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            '&' | '~' | '-' if in_class && tail.starts_with(c) => {
                out.push('\\');
                out.push(c);
            }
            '{' if !in_class && !counts(tail) => out.push_str("\\{"),
            _ => out.push(c),
        }
        rest = tail;
    }
    out
}

/// Whether the text after a `{` makes it a repetition: `n}`, `n,}` or `n,m}`.
fn counts(tail: &str) -> bool {
    let Some(end) = tail.find('}') else { return false };
    let (low, high) = tail[..end].split_once(',').unwrap_or((&tail[..end], ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn re2_spellings_compile_and_match() {
        for (pattern, text) in [
            (r"(?<config>\{.*\})", "{foo}"),
            (r"{.*}", "{foo}"),
            (r"a{2}", "aa"),
            (r"x{", "x{"),
            (r"[[a]+", "[a"),
            (r"[[:alpha:]_]+", "ab_"),
            (r"[a&&b]", "&"),
            (r"[]x]", "]"),
            (r"\Qa.b\E+", "a.bb"),
            (r"(?P<n>\d+)", "12"),
            (r"(?i)WE", "we"),
            ("\\\"q\\\"", "\"q\""),
        ] {
            assert!(compile(pattern).unwrap().is_match(text), "{pattern} on {text}");
        }
        assert!(!compile(r"\Qa.b\E").unwrap().is_match("axb"));
    }

    #[test]
    fn bombs_and_nonsense_are_refused() {
        assert_eq!(compile(r"(((a{100}){100}){100}){100}").unwrap_err(), "regular expression is too large");
        assert!(compile("(?=a)").unwrap_err().starts_with("invalid regular expression: "));
        assert!(compile("(").is_err());
        assert!(compile(&"(".repeat(5000)).is_err());
    }
}
