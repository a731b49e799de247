//! The part of XPath that `parse … xml` takes: absolute or relative element paths with `//`, `*`, an index
//! in brackets, an attribute or `text()` at the end.

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `//` before it: any depth.
    pub anywhere: bool,
    /// `None` for `*`.
    pub name: Option<String>,
    /// `[n]`, counted from one among the siblings of that name.
    pub index: Option<usize>,
}

/// A path to elements, and what is taken of the first that it finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub steps: Vec<Step>,
    /// `/@name`: an attribute; else the text inside.
    pub attribute: Option<String>,
}

/// Whether the path can be evaluated.
pub fn check(path: &str) -> Result<(), String> {
    parse(path).map(|_| ())
}

/// Reads a path.
pub fn parse(path: &str) -> Result<Path, String> {
    let refuse = || format!("the XPath '{path}' is not supported");
    let mut rest = path.trim();
    let mut found = Path { steps: Vec::new(), attribute: None };
    let mut anywhere = false;
    if let Some(tail) = rest.strip_prefix("//") {
        (anywhere, rest) = (true, tail);
    } else if let Some(tail) = rest.strip_prefix('/') {
        rest = tail;
    } else {
        // A relative path is sought anywhere.
        anywhere = true;
    }
    loop {
        let end = rest.find('/').unwrap_or(rest.len());
        let (step, tail) = rest.split_at(end);
        let last = tail.is_empty();
        if let Some(name) = step.strip_prefix('@') {
            if !last || !is_name(name) {
                return Err(refuse());
            }
            found.attribute = Some(name.to_owned());
        } else if step == "text()" {
            if !last {
                return Err(refuse());
            }
        } else {
            let (name, index) = match step.split_once('[') {
                Some((name, index)) => {
                    let index = index.strip_suffix(']').and_then(|index| index.trim().parse().ok());
                    (name, Some(index.filter(|index| *index > 0).ok_or_else(refuse)?))
                }
                None => (step, None),
            };
            if name != "*" && !is_name(name) {
                return Err(refuse());
            }
            let name = (name != "*").then(|| name.to_owned());
            found.steps.push(Step { anywhere, name, index });
        }
        if last {
            return if found.steps.is_empty() { Err(refuse()) } else { Ok(found) };
        }
        anywhere = tail.starts_with("//");
        rest = tail.trim_start_matches('/');
        if tail.starts_with("///") || rest.is_empty() {
            return Err(refuse());
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = parse("/a//b[2]/@id").unwrap();
        assert_eq!(path.attribute.as_deref(), Some("id"));
        assert_eq!(path.steps.len(), 2);
        assert!(path.steps[1].anywhere && path.steps[1].index == Some(2));
        assert!(parse("a/*/text()").is_ok());
        for bad in ["", "/", "a[", "a[0]", "a[x='1']", "@a/b", "a///b", "count(a)", "a/"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
