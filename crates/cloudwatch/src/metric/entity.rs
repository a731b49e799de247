//! Entities of PutMetricData: what a service or resource is identified by.
//!
//! Metric data are stored whether or not an entity is sound; only strict validation refuses it. Telling the
//! client of an unsound entity otherwise needs a response header that operations cannot set.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Entity.html>. Which attributes
//! a type needs is unverified.

use shapes::cloudwatch::Entity;

use crate::CloudWatchError;

const KEY_ATTRIBUTES: [&str; 5] = ["Type", "ResourceType", "Identifier", "Name", "Environment"];

/// Checks the `number`-th entity of a request with strict validation.
pub(crate) fn check(entity: Option<&Entity>, number: usize) -> Result<(), CloudWatchError> {
    match problem(entity) {
        None => Ok(()),
        Some(problem) => {
            let message =
                format!("The parameter EntityMetricData.member.{number}.Entity is invalid: {problem}.");
            Err(CloudWatchError::InvalidParameterValue(message))
        }
    }
}

fn problem(entity: Option<&Entity>) -> Option<&'static str> {
    let Some(keys) = entity.and_then(|e| e.key_attributes.as_ref()) else { return Some("InvalidEntity") };
    if keys.keys().any(|key| !KEY_ATTRIBUTES.contains(&key.as_str())) {
        return Some("InvalidKeyAttributes");
    }
    let needed = match keys.get("Type").map(String::as_str) {
        Some("Service" | "RemoteService") => ["Name", "Environment"],
        Some("AWS::Resource" | "Resource") => ["ResourceType", "Identifier"],
        Some(_) => return Some("InvalidTypeValue"),
        None => return Some("MissingRequiredFields"),
    };
    needed.iter().any(|key| !keys.contains_key(*key)).then_some("MissingRequiredFields")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_need_their_attributes() {
        let problem_of = |pairs: &[(&str, &str)]| {
            let keys = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            problem(Some(&Entity { key_attributes: Some(keys), attributes: None }))
        };
        assert_eq!(problem_of(&[("Type", "Service"), ("Name", "a"), ("Environment", "b")]), None);
        assert_eq!(problem_of(&[("Type", "Service"), ("Name", "a")]), Some("MissingRequiredFields"));
        assert_eq!(problem_of(&[("Type", "Resource"), ("ResourceType", "a"), ("Identifier", "b")]), None);
        assert_eq!(problem_of(&[("Type", "Cloud"), ("Name", "a")]), Some("InvalidTypeValue"));
        assert_eq!(problem_of(&[("Name", "a"), ("Environment", "b")]), Some("MissingRequiredFields"));
        assert_eq!(problem_of(&[("Type", "Service"), ("Colour", "b")]), Some("InvalidKeyAttributes"));
        assert_eq!(problem(None), Some("InvalidEntity"));
    }
}
