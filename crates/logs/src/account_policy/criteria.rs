//! Selection criteria of account policies: which log groups a policy is for (`spec/logs-more.md` §2).
//!
//! ```text
//! criteria = test { "AND" test }
//! test     = key ( "=" text | [ "NOT" ] "IN" "[" [ text { "," text } ] "]" )
//! ```

/// What a test looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelectionKey {
    LogGroupName,
    LogGroupNamePrefix,
    DataSourceName,
    DataSourceType,
}

/// One test of criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectionTest {
    pub(crate) key: SelectionKey,
    pub(crate) negated: bool,
    pub(crate) values: Vec<String>,
}

/// Parsed criteria; without tests they select everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) tests: Vec<SelectionTest>,
}

impl Selection {
    /// `None` if the text is no criteria.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut tests = Vec::new();
        loop {
            let (key, after) = key(rest)?;
            let (test, after) = test(key, after.trim_start())?;
            tests.push(test);
            rest = after.trim();
            if rest.is_empty() {
                return Some(Self { tests });
            }
            rest = rest.strip_prefix("AND")?.trim_start();
        }
    }

    /// Whether the policy is for the log group. Tests on data sources hold for none: no group has one by name.
    pub(crate) fn selects(&self, group: &str) -> bool {
        self.tests.iter().all(|test| {
            let found = match test.key {
                SelectionKey::LogGroupName => test.values.iter().any(|value| value == group),
                SelectionKey::LogGroupNamePrefix => test.values.iter().any(|value| group.starts_with(value)),
                SelectionKey::DataSourceName | SelectionKey::DataSourceType => return false,
            };
            found != test.negated
        })
    }

    /// The prefixes it selects by, if it selects by nothing else.
    pub(crate) fn prefixes(&self) -> Option<&[String]> {
        match self.tests.as_slice() {
            [SelectionTest { key: SelectionKey::LogGroupNamePrefix, negated: false, values }] => Some(values),
            _ => None,
        }
    }
}

fn key(text: &str) -> Option<(SelectionKey, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let key = match &text[..end] {
        "LogGroupName" => SelectionKey::LogGroupName,
        "LogGroupNamePrefix" => SelectionKey::LogGroupNamePrefix,
        "DataSourceName" => SelectionKey::DataSourceName,
        "DataSourceType" => SelectionKey::DataSourceType,
        _ => return None,
    };
    Some((key, &text[end..]))
}

fn test(key: SelectionKey, text: &str) -> Option<(SelectionTest, &str)> {
    if let Some(rest) = text.strip_prefix('=') {
        let (value, rest) = quoted(rest.trim_start())?;
        return Some((SelectionTest { key, negated: false, values: vec![value] }, rest));
    }
    let (negated, rest) = match text.strip_prefix("NOT ") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let mut rest = rest.strip_prefix("IN")?.trim_start().strip_prefix('[')?.trim_start();
    let mut values = Vec::new();
    while !rest.starts_with(']') {
        let (value, after) = quoted(rest)?;
        values.push(value);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
    Some((SelectionTest { key, negated, values }, &rest[1..]))
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let (value, rest) = text.strip_prefix('"')?.split_once('"')?;
    Some((value.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_select_groups() {
        for (text, group, selected) in [
            (r#"LogGroupName NOT IN ["a", "b"]"#, "a", false),
            (r#"LogGroupName NOT IN ["a", "b"]"#, "ab", true),
            (r#"LogGroupName NOT IN []"#, "a", true),
            (r#"LogGroupNamePrefix IN ["/aws/"]"#, "/aws/x", true),
            (r#"LogGroupNamePrefix IN ["/aws/"]"#, "/aw", false),
            (r#"LogGroupNamePrefix = "/aws/""#, "/aws/x", true),
            (r#"LogGroupNamePrefix IN ["/"] AND LogGroupName NOT IN ["/x"]"#, "/x", false),
            (r#"DataSourceName = "amazon_vpc" AND DataSourceType = "flow""#, "/x", false),
        ] {
            assert_eq!(Selection::parse(text).unwrap().selects(group), selected, "{text} {group}");
        }
        assert!(Selection::default().selects("anything"));
    }

    #[test]
    fn what_is_no_criteria_is_refused() {
        for bad in [
            "",
            "LogGroupName",
            "LogGroupName IN",
            "LogGroupName IN [a]",
            "LogGroupName IN [\"a\"",
            "LogGroupName IN [\"a\" \"b\"]",
            "Name IN [\"a\"]",
            "LogGroupName IN [\"a\"] OR LogGroupName IN [\"b\"]",
            "LogGroupName IN [\"a\"] AND",
        ] {
            assert_eq!(Selection::parse(bad), None, "{bad}");
        }
    }
}
