//! Names and ARNs of log groups and streams (`spec/logs-api.md` §2).

use base::Scope;

use crate::error::LogsError;

/// ARN of a log group without the trailing `:*`: `logGroupArn`, tagging, `logGroupIdentifier`.
pub(crate) fn group_arn(scope: &Scope, group: &str) -> String {
    scope.arn("logs", &format!("log-group:{group}"))
}

pub(crate) fn stream_arn(scope: &Scope, group: &str, stream: &str) -> String {
    scope.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))
}

/// The group that exactly one of a name and an identifier (name or ARN) names.
pub(crate) fn named_group(
    scope: &Scope,
    name: Option<String>,
    identifier: Option<String>,
) -> Result<String, LogsError> {
    match (name, identifier) {
        (Some(_), Some(_)) => {
            Err(LogsError::invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters."))
        }
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => from_identifier(scope, &identifier, "logGroupIdentifier"),
        (None, None) => {
            Err(LogsError::invalid("Either logGroupName or logGroupIdentifier must be specified."))
        }
    }
}

/// The group named by `identifier`, a name or an ARN without `:*`, found in `member` of the request.
pub(crate) fn from_identifier(scope: &Scope, identifier: &str, member: &str) -> Result<String, LogsError> {
    // AWS: an ARN that ends in `*` does not fit the pattern of the model, though it is what DescribeLogGroups
    // returns as `arn`.
    if identifier.contains('*') {
        return Err(LogsError::invalid(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\w#+=/:,.@-]*"
        )));
    }
    if identifier.starts_with("arn:") { from_arn(scope, identifier) } else { Ok(identifier.to_owned()) }
}

/// The group named by the ARN of a tagged resource.
pub(crate) fn from_resource_arn(scope: &Scope, arn: &str) -> Result<String, LogsError> {
    from_arn(scope, arn)
}

/// Accepts a trailing `:*`. Another account's or Region's group does not exist here.
fn from_arn(scope: &Scope, arn: &str) -> Result<String, LogsError> {
    let fields: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", _, "logs", region, account, "log-group", name] = fields[..] else {
        let known =
            ["destination", "delivery", "delivery-source", "delivery-destination", "anomaly-detector"];
        return match fields[..] {
            ["arn", _, "logs", _, _, kind, _] if known.contains(&kind) => {
                Err(LogsError::NotFound("The specified resource does not exist.".into()))
            }
            _ => Err(LogsError::invalid(format!("Invalid ARN: {arn}"))),
        };
    };
    if region != scope.region.as_str() || account != scope.account.as_str() {
        return Err(LogsError::GroupMissing);
    }
    let name = name.strip_suffix(":*").unwrap_or(name);
    if name.is_empty() || name.contains(':') {
        return Err(LogsError::invalid(format!("Invalid ARN: {arn}")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    fn scope() -> Scope {
        Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap())
    }

    #[test]
    fn identifiers_are_names_or_arns_of_this_account_and_region() {
        let scope = scope();
        let own = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/x";
        assert_eq!(group_arn(&scope, "/aws/x"), own);
        for (identifier, expected) in [
            ("/aws/x", Ok("/aws/x")),
            (own, Ok("/aws/x")),
            (
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/x:*",
                Err("1 validation error detected: Value at"),
            ),
            (
                "arn:aws:logs:eu-west-2:123456789012:log-group:x",
                Err("The specified log group does not exist."),
            ),
            (
                "arn:aws:logs:eu-west-1:999999999999:log-group:x",
                Err("The specified log group does not exist."),
            ),
            ("arn:aws:s3:::bucket", Err("Invalid ARN: ")),
            ("arn:aws:logs:eu-west-1:123456789012:log-group:", Err("Invalid ARN: ")),
            ("arn:aws:logs:eu-west-1:123456789012:log-group:x:log-stream:y", Err("Invalid ARN: ")),
        ] {
            let found = from_identifier(&scope, identifier, "logGroupIdentifier").map_err(|e| e.to_string());
            match expected {
                Ok(name) => assert_eq!(found.as_deref(), Ok(name), "{identifier}"),
                Err(start) => {
                    assert!(found.as_ref().is_err_and(|e| e.starts_with(start)), "{identifier}: {found:?}")
                }
            }
        }
    }

    #[test]
    fn tagging_accepts_the_starred_arn() {
        let starred = "arn:aws:logs:eu-west-1:123456789012:log-group:g:*";
        assert_eq!(from_resource_arn(&scope(), starred).unwrap(), "g");
        let other = "arn:aws:logs:eu-west-1:123456789012:destination:d";
        assert!(matches!(from_resource_arn(&scope(), other), Err(LogsError::NotFound(_))));
    }
}
