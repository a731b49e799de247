//! Names of the models as Rust names.

/// `logGroupName` → `log_group_name`, `OKActions` → `ok_actions`, `LogGroupARNs` → `log_group_arns`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.ends_with('_') && !out.is_empty() {
                out.push('_');
            }
            continue;
        }
        if c.is_ascii_uppercase() && i > 0 && !out.ends_with('_') {
            let previous = chars[i - 1];
            // `ARNs`, `IDs`: the plural of an acronym, not a new word.
            let plural =
                chars.get(i + 1) == Some(&'s') && !chars.get(i + 2).is_some_and(char::is_ascii_lowercase);
            let next_lower = chars.get(i + 1).is_some_and(char::is_ascii_lowercase) && !plural;
            if !previous.is_ascii_uppercase() || next_lower {
                out.push('_');
            }
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A field or function name; keywords are escaped.
pub(crate) fn field(name: &str) -> String {
    let snake = snake(name);
    match snake.as_str() {
        "type" | "match" | "ref" | "enum" | "struct" | "in" | "where" | "yield" | "impl" | "mod" | "move"
        | "static" | "const" | "use" | "for" | "if" | "else" | "loop" | "while" | "fn" | "let" | "mut"
        | "pub" | "return" | "trait" | "dyn" | "async" | "await" | "as" | "break" | "continue" | "true"
        | "false" | "abstract" | "final" | "override" | "priv" | "try" | "typeof" | "virtual" | "box"
        | "do" | "macro" | "extern" | "unsafe" | "gen" | "become" | "unsized" => format!("r#{snake}"),
        "self" | "super" | "crate" => format!("{snake}_"),
        _ => snake,
    }
}

/// A type name: the model's own, with a capital first letter.
pub(crate) fn type_name(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// `INSUFFICIENT_DATA` → `InsufficientData`, `Bytes/Second` → `BytesSecond`, `V1.1` → `V1_1`.
pub(crate) fn variant(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        if out.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
        let all_capitals = !word.chars().any(|c| c.is_ascii_lowercase());
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            out.push(first.to_ascii_uppercase());
            out.extend(chars.map(|c| if all_capitals { c.to_ascii_lowercase() } else { c }));
        }
    }
    match out.as_str() {
        "" => "Empty".to_owned(),
        "Self" => "SelfValue".to_owned(),
        // `Unknown(String)` holds what the model does not list.
        "Unknown" => "UnknownValue".to_owned(),
        _ if out.starts_with(|c: char| c.is_ascii_digit()) => format!("V{out}"),
        _ => out,
    }
}

#[cfg(test)]
mod tests {
    use super::{field, snake, variant};

    #[test]
    fn snake_case_follows_words_and_acronyms() {
        for (name, expected) in [
            ("logGroupName", "log_group_name"),
            ("OKActions", "ok_actions"),
            ("AlarmARN", "alarm_arn"),
            ("LogGroupARNs", "log_group_arns"),
            ("ResourceIDs", "resource_ids"),
            ("S3BucketName", "s3_bucket_name"),
            ("HTTPMethod", "http_method"),
            ("p99", "p99"),
            ("AttributesAsIs", "attributes_as_is"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(field("type"), "r#type");
    }

    #[test]
    fn variants_are_camel_case() {
        for (value, expected) in [
            ("INSUFFICIENT_DATA", "InsufficientData"),
            ("Bytes/Second", "BytesSecond"),
            ("opentelemetry0.7", "Opentelemetry0_7"),
            ("V1.1", "V1_1"),
            ("OK", "Ok"),
            ("ReadOnly", "ReadOnly"),
            ("UNKNOWN", "UnknownValue"),
            ("2xx", "V2xx"),
        ] {
            assert_eq!(variant(value), expected);
        }
    }
}
