//! Regular expressions as the CloudWatch agent reads them (Go's syntax), in ours.

use regex::{Regex, RegexBuilder};

const SIZE_MAX: usize = 1 << 20;

/// Compiles a pattern of the configuration.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern);
    RegexBuilder::new(&translated)
        .size_limit(SIZE_MAX)
        .build()
        .map_err(|error| format!("{pattern:?} is not a usable expression: {error}"))
}

/// Four differences: ASCII classes, `\Q…\E`, octal escapes, and what is special inside brackets.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == '\\' {
            rest = escape(after, in_class, &mut out);
            continue;
        }
        if in_class {
            rest = class_part(rest, &mut in_class, &mut out);
            continue;
        }
        out.push(c);
        rest = after;
        if c == '[' {
            in_class = true;
            // A bracket right at the beginning is meant literally.
            for literal in ["^]", "^", "]"] {
                if let Some(tail) = rest.strip_prefix(literal) {
                    out.push_str(&literal.replace(']', "\\]"));
                    rest = tail;
                    break;
                }
            }
        }
    }
    out
}

/// What follows a backslash; answers what is left.
fn escape<'a>(after: &'a str, in_class: bool, out: &mut String) -> &'a str {
    let Some(c) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    let tail = &after[c.len_utf8()..];
    if c == 'Q' {
        let (text, tail) = tail.split_once("\\E").unwrap_or((tail, ""));
        out.push_str(&regex::escape(text));
        return tail;
    }
    if ('0'..='7').contains(&c) {
        let digits = after.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
        let code = u32::from_str_radix(&after[..digits], 8).unwrap_or(0);
        out.push_str(&format!("\\x{{{code:X}}}"));
        return &after[digits..];
    }
    let class = match (c, in_class) {
        ('d', false) => "[0-9]",
        ('D', false) => "[^0-9]",
        ('s', false) => "[\\t\\n\\f\\r ]",
        ('S', false) => "[^\\t\\n\\f\\r ]",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', false) => "[^0-9A-Za-z_]",
        ('d', true) => "0-9",
        ('s', true) => "\\t\\n\\f\\r ",
        ('w', true) => "0-9A-Za-z_",
        ('D', true) => "[^0-9]",
        ('S', true) => "[^\\t\\n\\f\\r ]",
        ('W', true) => "[^0-9A-Za-z_]",
        ('b', false) => "(?-u:\\b)",
        ('B', false) => "\\B",
        _ => {
            out.push('\\');
            out.push(c);
            return tail;
        }
    };
    out.push_str(class);
    tail
}

/// One piece of a bracket expression; answers what is left.
fn class_part<'a>(rest: &'a str, in_class: &mut bool, out: &mut String) -> &'a str {
    if let Some(tail) = rest.strip_prefix("[:")
        && let Some((name, tail)) = tail.split_once(":]")
    {
        out.push_str(&format!("[:{name}:]"));
        return tail;
    }
    for pair in ["&&", "--", "~~"] {
        if let Some(tail) = rest.strip_prefix(pair) {
            for c in pair.chars() {
                out.push('\\');
                out.push(c);
            }
            return tail;
        }
    }
    let c = rest.chars().next().unwrap_or(']');
    match c {
        ']' => *in_class = false,
        '[' => out.push('\\'),
        _ => {}
    }
    out.push(c);
    &rest[c.len_utf8()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, matching, other) in [
            (r"^\d+$", "123", "١٢٣"),
            (r"^\w+$", "a_1", "ä"),
            (r"\Qa.b(\E+", "a.b((", "axb("),
            (r"^\011x", "\tx", "0x"),
            (r"^[[]a$", "[a", "a"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[[:alpha:]]+$", "abc", "1"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]]+$", "ab", "]"),
            (r"^[\w-]+$", "a-b", "ä"),
            (r"\bGET\b", "a GET b", "TARGET"),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|error| panic!("{error}"));
            assert!(compiled.is_match(matching), "{pattern} {matching}: {compiled}");
            assert!(!compiled.is_match(other), "{pattern} {other}: {compiled}");
        }
        for bad in ["(", "[a", "a{2,1}", "(?=x)"] {
            assert!(compile(bad).is_err(), "{bad}");
        }
    }
}
