//! Variables of a dashboard, which viewers replace by what is chosen.

use std::collections::BTreeSet;

use super::node::{Checker, Node};

const ID_LENGTH_MAX: usize = 32;
const LABEL_LENGTH_MAX: usize = 30;
const SEARCH_LENGTH_MAX: usize = 2048;
const VALUES_MAX: usize = 500;
const VALUE_LENGTH_MAX: usize = 255;

pub(super) fn check(checker: &mut Checker, variables: &[Node<'_>]) {
    let mut ids = BTreeSet::new();
    for variable in variables {
        if !checker.is_object(variable) {
            continue;
        }
        if let Some(id) = checker.required(variable, "id") {
            checker.text_that(&id, is_id, "Should match pattern \"^[0-9A-Za-z_-]{1,32}$\"");
            if id.text().is_some_and(|id| !ids.insert(id.to_owned())) {
                checker.error(&id, "Should be unique");
            }
        }
        check_target(checker, variable);
        check_choice(checker, variable);
        checker.booleans(variable, &["visible"]);
        if let Some(label) = variable.member("label") {
            limited(checker, &label, LABEL_LENGTH_MAX);
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// What the variable replaces.
fn check_target(checker: &mut Checker, variable: &Node<'_>) {
    let Some(kind) = checker.required(variable, "type") else { return };
    checker.one_of(&kind, &["property", "pattern"]);
    if let Some(name @ ("property" | "pattern")) = kind.text()
        && let Some(target) = checker.required(variable, name)
    {
        checker.string(&target);
    }
}

/// How a value is chosen, and from which.
fn check_choice(checker: &mut Checker, variable: &Node<'_>) {
    if let Some(input) = checker.required(variable, "inputType") {
        checker.one_of(&input, &["input", "select", "radio"]);
        let chosen = matches!(input.text(), Some("select" | "radio"));
        if chosen && variable.member("search").is_none() {
            checker.required(variable, "values");
        }
    }
    if let Some(values) = variable.member("values")
        && let Some(items) = checker.array(&values, 1, VALUES_MAX)
    {
        for item in items {
            if !checker.is_object(&item) {
                continue;
            }
            match checker.required(&item, "value") {
                Some(value) if value.value.is_string() => limited(checker, &value, VALUE_LENGTH_MAX),
                Some(value) if value.value.is_object() || value.value.is_array() || value.value.is_null() => {
                    checker.error(&value, "Should be string,number,boolean");
                }
                _ => {}
            }
            if let Some(label) = item.member("label") {
                limited(checker, &label, VALUE_LENGTH_MAX);
            }
        }
    }
    if let Some(search) = variable.member("search") {
        limited(checker, &search, SEARCH_LENGTH_MAX);
        if let Some(from) = checker.required(variable, "populateFrom") {
            checker.string(&from);
        }
    }
}

fn limited(checker: &mut Checker, node: &Node<'_>, length_max: usize) {
    let fits = |text: &str| text.chars().count() <= length_max;
    checker.text_that(node, fits, &format!("Should NOT be longer than {length_max} characters"));
}
