//! Message attributes: names, types, values.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use shapes::sns::MessageAttributeValue;

use super::MessageAttribute;
use crate::error::SnsError;

const NAME_BYTES_MAX: usize = 256;

/// Checks the attributes of a request, with AWS's texts (observed).
pub(crate) fn checked(
    given: BTreeMap<String, MessageAttributeValue>,
) -> Result<BTreeMap<String, MessageAttribute>, SnsError> {
    let mut attributes = BTreeMap::new();
    for (name, value) in given {
        check_name(&name)?;
        let attribute = attribute(&name, value)?;
        attributes.insert(name, attribute);
    }
    Ok(attributes)
}

fn refused<T>(message: String) -> Result<T, SnsError> {
    Err(SnsError::ParameterValueInvalid(message))
}

fn check_name(name: &str) -> Result<(), SnsError> {
    if name.len() >= NAME_BYTES_MAX {
        return refused("Length of message attribute name must be less than 256 bytes.".to_owned());
    }
    let alien = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if let Some(alien) = name.chars().find(alien) {
        return refused(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only \
             include alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(alien)
        ));
    }
    if name.starts_with('.') {
        return refused("Invalid message attribute name starting with character '.' was found.".to_owned());
    }
    if name.ends_with('.') {
        return refused("Invalid message attribute name ending with character '.' was found.".to_owned());
    }
    if name.contains("..") {
        return refused("Message attribute name can not have successive '.' character.".to_owned());
    }
    Ok(())
}

fn attribute(name: &str, given: MessageAttributeValue) -> Result<MessageAttribute, SnsError> {
    let MessageAttributeValue { data_type, string_value, binary_value } = given;
    let kind = data_type.split('.').next().unwrap_or_default();
    let empty = || {
        refused(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message \
             attribute type '{data_type}'."
        ))
    };
    let value = match kind {
        "String" | "Number" => {
            if binary_value.is_some() && string_value.is_none() {
                return refused(format!(
                    "The message attribute '{name}' with type '{data_type}' must use field 'String'."
                ));
            }
            match string_value {
                Some(text) if !text.is_empty() => text,
                _ => return empty(),
            }
        }
        "Binary" => {
            if string_value.is_some() && binary_value.is_none() {
                return refused(format!(
                    "The message attribute '{name}' with type '{data_type}' must use field 'Binary'."
                ));
            }
            match binary_value {
                Some(bytes) if !bytes.is_empty() => BASE64.encode(bytes),
                _ => return empty(),
            }
        }
        _ => {
            return refused(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported \
                 type prefixes is Binary, Number, and String."
            ));
        }
    };
    if kind == "Number" && !value.trim().parse::<f64>().is_ok_and(f64::is_finite) {
        return refused(format!("Could not cast message attribute '{name}' value to number."));
    }
    Ok(MessageAttribute { data_type, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, data_type: &str, text: Option<&str>) -> String {
        let value = MessageAttributeValue {
            data_type: data_type.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: None,
        };
        checked(BTreeMap::from([(name.to_owned(), value)]))
            .map_or_else(|e| e.to_string(), |_| "fine".to_owned())
    }

    #[test]
    fn texts_are_those_of_aws() {
        for (name, data_type, text, expected) in [
            ("a", "String", Some("x"), "fine"),
            ("a", "String.Array", Some("[]"), "fine"),
            ("a", "Number.int", Some("-1.5e3"), "fine"),
            ("a", "Number", Some("x"), "Could not cast message attribute 'a' value to number."),
            (
                "a",
                "String",
                Some(""),
                "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.",
            ),
            (
                "a",
                "Binary",
                Some("x"),
                "The message attribute 'a' with type 'Binary' must use field 'Binary'.",
            ),
            (
                "a",
                "Text",
                Some("x"),
                "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
            ),
            (
                ".a",
                "String",
                Some("x"),
                "Invalid message attribute name starting with character '.' was found.",
            ),
            (
                "a.",
                "String",
                Some("x"),
                "Invalid message attribute name ending with character '.' was found.",
            ),
            ("a..b", "String", Some("x"), "Message attribute name can not have successive '.' character."),
            (
                "a^",
                "String",
                Some("x"),
                "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
            ),
        ] {
            assert_eq!(told(name, data_type, text), expected, "{name} {data_type}");
        }
        assert_eq!(
            told(&"a".repeat(256), "String", Some("x")),
            "Length of message attribute name must be less than 256 bytes."
        );
    }
}
