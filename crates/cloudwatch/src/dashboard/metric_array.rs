//! The `metrics` of a widget: arrays of names, with shorthand for what the entry before already said.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Metric-Widget-Structure.html>.

use serde_json::{Map, Value};

/// `"."`: what is at this place of the entry before.
const SAME: &str = ".";
/// `"..."`: everything of the entry before that the rest of this one doesn't replace.
const SAME_REST: &str = "...";
const DIMENSIONS_MAX: usize = 30;
/// Names in an entry: namespace, metric name, dimensions.
const NAMES_MAX: usize = 2 + 2 * DIMENSIONS_MAX;

/// What the last object of an entry may hold.
pub(crate) const RENDER_KEYS: [&str; 11] = [
    "id",
    "label",
    "color",
    "period",
    "stat",
    "visible",
    "yAxis",
    "region",
    "accountId",
    "expression",
    // Written by the console.
    "cached",
];

/// One entry, with shorthand written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricEntry<'a> {
    /// Namespace, metric name and dimensions; empty for an expression.
    pub(crate) names: Vec<&'a str>,
    pub(crate) render: Option<&'a Map<String, Value>>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryProblem {
    /// The place within the entry; `None` blames the entry.
    pub(crate) item: Option<usize>,
    pub(crate) message: String,
}

/// Reads one entry; `before` are the names of the metric before it.
pub(crate) fn read<'a>(entry: &'a Value, before: &[&'a str]) -> Result<MetricEntry<'a>, EntryProblem> {
    let whole = |message: String| Err(EntryProblem { item: None, message });
    let Value::Array(items) = entry else { return whole("Should be array".to_owned()) };
    let (names, render) = match items.split_last() {
        None => return whole("Should NOT have fewer than 1 items".to_owned()),
        Some((Value::Object(render), names)) => (names, Some(render)),
        Some(_) => (items.as_slice(), None),
    };
    let mut given = Vec::with_capacity(names.len());
    for (item, name) in names.iter().enumerate() {
        let Value::String(name) = name else {
            // AWS: observed (dashboards.md § 3).
            let message = "Invalid metric field type, only \"String\" type is allowed".to_owned();
            return Err(EntryProblem { item: Some(item), message });
        };
        given.push(name.as_str());
    }
    // AWS: an object with anything else in it is no rendering options, so the entry is too long (observed).
    let is_known = |key: &String| RENDER_KEYS.contains(&key.as_str());
    if render.is_some_and(|render| !render.keys().all(is_known)) {
        return whole(format!("Should NOT have more than {} items", given.len()));
    }
    let is_expression = render.is_some_and(|render| render.contains_key("expression"));
    if is_expression {
        if !given.is_empty() {
            return whole(format!("Should NOT have more than {} items", given.len()));
        }
        return Ok(MetricEntry { names: Vec::new(), render });
    }
    if given.is_empty() {
        return whole("Should have required property 'expression'".to_owned());
    }
    let names = written_out(&given, before)?;
    if names.len() < 2 {
        return whole("Should NOT have fewer than 2 items".to_owned());
    }
    if names.len() % 2 != 0 {
        return whole("Invalid metric, dimension values missing".to_owned());
    }
    if names.len() > NAMES_MAX {
        return whole(format!("Should NOT have more than {NAMES_MAX} items"));
    }
    Ok(MetricEntry { names, render })
}

/// Replaces shorthand by what it stands for.
fn written_out<'a>(given: &[&'a str], before: &[&'a str]) -> Result<Vec<&'a str>, EntryProblem> {
    let mut names = Vec::with_capacity(before.len().max(given.len()));
    for (item, name) in given.iter().enumerate() {
        match *name {
            SAME => match before.get(names.len()) {
                Some(name) => names.push(*name),
                None => return Err(nothing_before(item)),
            },
            SAME_REST => {
                let after = given.len() - item - 1;
                let until = before.len().checked_sub(after).filter(|until| *until >= names.len());
                let Some(until) = until.filter(|_| !before.is_empty()) else {
                    return Err(nothing_before(item));
                };
                names.extend_from_slice(&before[names.len()..until]);
            }
            name => names.push(name),
        }
    }
    Ok(names)
}

fn nothing_before(item: usize) -> EntryProblem {
    EntryProblem {
        item: Some(item),
        message: "Invalid metric, there is no previous value to repeat".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shorthand_repeats_the_entry_before() {
        let before = ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"];
        for (entry, expected) in [
            (json!([".", ".", ".", "i-2"]), "AWS/EC2 CPUUtilization InstanceId i-2"),
            (json!(["...", "i-2"]), "AWS/EC2 CPUUtilization InstanceId i-2"),
            (json!(["..."]), "AWS/EC2 CPUUtilization InstanceId i-1"),
            (json!([".", "NetworkIn", "..."]), "AWS/EC2 NetworkIn InstanceId i-1"),
            (json!([".", "NetworkIn", ".", "."]), "AWS/EC2 NetworkIn InstanceId i-1"),
            (json!(["App", "Errors"]), "App Errors"),
            (json!(["...", "i-2", {"stat": "Sum"}]), "AWS/EC2 CPUUtilization InstanceId i-2"),
        ] {
            assert_eq!(read(&entry, &before).unwrap().names.join(" "), expected, "{entry}");
        }
    }

    #[test]
    fn entries_that_cannot_be_metrics_are_refused() {
        for (entry, item, message) in [
            (json!("x"), None, "Should be array"),
            (json!([]), None, "Should NOT have fewer than 1 items"),
            (json!([{}]), None, "Should have required property 'expression'"),
            (json!(["A"]), None, "Should NOT have fewer than 2 items"),
            (json!(["A", "B", "C"]), None, "Invalid metric, dimension values missing"),
            (json!(["A", 1]), Some(1), "Invalid metric field type, only \"String\" type is allowed"),
            (
                json!(["A", "B", {}, {}]),
                Some(2),
                "Invalid metric field type, only \"String\" type is allowed",
            ),
            (json!(["A", "B", {"dimensions": {}}]), None, "Should NOT have more than 2 items"),
            (json!(["A", "B", {"expression": "m1"}]), None, "Should NOT have more than 2 items"),
            (json!(["...", "b"]), Some(0), "Invalid metric, there is no previous value to repeat"),
            (json!([".", "b"]), Some(0), "Invalid metric, there is no previous value to repeat"),
        ] {
            let expected = EntryProblem { item, message: message.to_owned() };
            assert_eq!(read(&entry, &[]), Err(expected), "{entry}");
        }
    }
}
