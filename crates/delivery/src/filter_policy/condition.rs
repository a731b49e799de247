//! Single conditions on single values.

use std::net::IpAddr;

/// A value of a policy or of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
}

impl Scalar {
    /// `None` for objects and arrays.
    pub(super) fn of(value: &serde_json::Value) -> Option<Self> {
        Some(match value {
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Number(number) => Self::Number(number.as_f64()?),
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Null => Self::Null,
            _ => return None,
        })
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => five_decimals(*a) == five_decimals(*b),
            (a, b) => a == b,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// AWS: numbers are compared with five digits after the decimal point (subscription-filter-policy-constraints).
fn five_decimals(number: f64) -> f64 {
    (number * 1e5).round()
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Equal(Scalar),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    Wildcard(Wildcard),
    Cidr(Cidr),
    Exists(bool),
    Numeric(Vec<(Comparison, f64)>),
    AnythingBut(Vec<Scalar>),
    /// Anything this condition doesn't hold for.
    Not(Box<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, value: f64, bound: f64) -> bool {
        let (value, bound) = (five_decimals(value), five_decimals(bound));
        match self {
            Self::Equal => value == bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

impl Condition {
    /// Whether the condition holds for a value that is there. [`Condition::Exists`] is decided elsewhere.
    pub(super) fn holds(&self, value: &Scalar) -> bool {
        match self {
            Self::Equal(wanted) => wanted.equals(value),
            Self::Prefix(prefix) => value.text().is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => value.text().is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::EqualsIgnoreCase(wanted) => {
                value.text().is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Self::Wildcard(wildcard) => value.text().is_some_and(|text| wildcard.matches(text)),
            Self::Cidr(cidr) => value.text().is_some_and(|text| cidr.contains(text)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(bounds) => match value {
                Scalar::Number(number) => bounds.iter().all(|(op, bound)| op.holds(*number, *bound)),
                _ => false,
            },
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|scalar| scalar.equals(value)),
            Self::Not(condition) => !condition.holds(value),
        }
    }
}

/// A text with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// The literals between the stars; one more than there are stars.
    pieces: Vec<String>,
}

impl Wildcard {
    /// `\*` is a star, `\\` a backslash.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let mut pieces = vec![String::new()];
        let mut characters = pattern.chars().enumerate();
        let mut after_star = false;
        while let Some((position, character)) = characters.next() {
            let is_star = character == '*';
            if is_star && after_star {
                return Err(format!("Consecutive wildcard characters at pos {}", position - 1));
            }
            after_star = is_star;
            let last = pieces.last_mut().expect("there is a first piece");
            match character {
                '*' => pieces.push(String::new()),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => last.push(escaped),
                    _ => return Err(format!("Invalid escape character at pos {position}")),
                },
                other => last.push(other),
            }
        }
        Ok(Self { pieces })
    }

    /// Linear for every text: each piece is taken where it first occurs.
    fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    network: IpAddr,
    bits: u32,
}

impl Cidr {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((address, bits)) = text.split_once('/').filter(|(_, bits)| !bits.contains('/')) else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let bits: u32 =
            bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let network: IpAddr = address.parse().map_err(|_| format!("Nonstandard IP address: {address}"))?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        if bits > most {
            return Err(format!("IPv{} mask bits must be <= {most}", if most == 32 { 4 } else { 6 }));
        }
        Ok(Self { network, bits })
    }

    fn contains(&self, text: &str) -> bool {
        let prefix = |value: u128, width: u32| if self.bits == 0 { 0 } else { value >> (width - self.bits) };
        match (self.network, text.parse::<IpAddr>()) {
            (IpAddr::V4(a), Ok(IpAddr::V4(b))) => {
                prefix(u32::from(a).into(), 32) == prefix(u32::from(b).into(), 32)
            }
            (IpAddr::V6(a), Ok(IpAddr::V6(b))) => prefix(a.into(), 128) == prefix(b.into(), 128),
            _ => false,
        }
    }
}
