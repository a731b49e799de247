//! Grammar and types.

use super::*;

fn typed(text: &str) -> Result<Type, String> {
    let resolve = |id: &str| match id {
        "s" => Some(Type::Scalar),
        "a" => Some(Type::Array),
        "m1" | "m2" => Some(Type::Series),
        _ => None,
    };
    parse(text).and_then(|e| check(&e, &resolve)).map_err(|e| e.reason)
}

/// Operators with parentheses everywhere.
fn shape(expression: &Expression) -> String {
    match expression {
        Expression::Binary(operator, left, right) => {
            format!("({operator:?} {} {})", shape(left), shape(right))
        }
        Expression::Negate(inner) => format!("(- {})", shape(inner)),
        Expression::Number(value) => value.to_string(),
        Expression::Reference(id) => id.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn operators_bind_as_documented() {
    for (text, expected) in [
        ("m1+m2*2", "(Add m1 (Multiply m2 2))"),
        ("m1-m2-2", "(Subtract (Subtract m1 m2) 2)"),
        ("2^3^2", "(Power 2 (Power 3 2))"),
        ("-m1^2", "(- (Power m1 2))"),
        ("2^-1", "(Power 2 (- 1))"),
        ("m1>1 AND m2<2 OR m1==3", "(Or (And (Greater m1 1) (Less m2 2)) (Equal m1 3))"),
        ("m1 > 1 && m2 <= .5e1 || m1 != 3", "(Or (And (Greater m1 1) (LessOrEqual m2 5)) (NotEqual m1 3))"),
        ("--m1", "(- (- m1))"),
        ("(m1)", "m1"),
    ] {
        assert_eq!(shape(&parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn types_follow_the_arguments() {
    use Type::{Array, Scalar, Series};
    for (text, expected) in [
        ("1", Scalar),
        ("SUM(m1)", Scalar),
        ("SUM(m1)/s", Scalar),
        ("m1/SUM(m1)", Series),
        ("SUM(a)", Series),
        ("a*m1+1", Array),
        ("[m1, m2, a]", Array),
        ("METRICS()", Array),
        ("METRICS('cpu')", Array),
        ("PERIOD(m1)", Scalar),
        ("TIME_SERIES(MAX(m1))", Series),
        ("FILL(a, REPEAT)", Array),
        ("FILL(m1, m2)", Series),
        ("SORT(a, SUM, DESC, 5)", Array),
        ("FIRST(SORT(a, AVG, ASC))", Series),
        ("SLICE(a, 0, METRIC_COUNT(a))", Array),
        ("IF(m1 > 2, m1)", Series),
        ("IF(s, 1, 2)", Scalar),
        ("IF(s, m1, 2)", Series),
        ("ANOMALY_DETECTION_BAND(m1, 2)", Array),
        (r#"SEARCH('{NS,"a b"} MetricName="x"', "Sum", 300)"#, Array),
    ] {
        assert_eq!(typed(text), Ok(expected), "{text}");
    }
}

#[test]
fn errors_name_what_is_wrong() {
    for (text, reason) in [
        ("", "Unexpected end of expression"),
        ("m9 + 1", "Undefined variable m9"),
        ("avg(m1)", "Function 'avg' not found"),
        ("ANOMALY_DETECTOR(m1)", "Function 'ANOMALY_DETECTOR' not found"),
        ("M1 + 1", "Unexpected 'M1' at position 0"),
        ("m1.x", "Unexpected '.' at position 2"),
        ("m1 m2", "Unexpected 'm2' at position 3"),
        ("(m1", "Expected ')' at the end of the expression"),
        ("m1 ; 2", "Unexpected ';' at position 3"),
        ("'x", "The text at position 0 is not closed"),
        ("'x'", "A text can only be an argument of a function"),
        ("m1 + ASC", "A keyword can only be an argument of a function"),
        ("[]", "Unexpected ']' at position 0"),
        ("[m1, 2]", "An array can only hold time series"),
        ("SUM(1)", "Function 'SUM' expects a time series or an array of time series"),
        ("SUM(m1, m2)", "Function 'SUM' expects 1 arguments but was given 2"),
        ("PERIOD(m1+1)", "Function 'PERIOD' expects the id of a metric"),
        ("SORT(a, STDDEV, ASC)", "Unexpected 'STDDEV' at position 8"),
        ("SORT(a, ASC, ASC)", "Function 'SORT' expects AVG, MIN, MAX or SUM to sort by"),
        ("FIRST(m1)", "Function 'FIRST' expects an array of time series"),
        ("IF(a, 1)", "Function 'IF' expects numbers and time series"),
        ("LAMBDA('f')", "Function 'LAMBDA' is not available"),
        ("1 < 2 < 3", "Unexpected '<' at position 6"),
    ] {
        assert_eq!(typed(text), Err(reason.to_owned()), "{text}");
    }
    assert!(typed("1e999").is_err());
    assert!(typed(&"1".repeat(2049)).is_err());
}

#[test]
fn hostile_texts_are_refused_or_read_without_exhausting_the_stack() {
    let deep = |open: &str, close: &str| format!("{}m1{}", open.repeat(65), close.repeat(65));
    for (open, close) in [("(", ")"), ("[", "]"), ("-", ""), ("ABS(", ")"), ("2^", "")] {
        assert!(typed(&deep(open, close)).unwrap_err().contains("nested"), "{open}");
    }
    let chain = format!("m1{}", "+1".repeat(1000));
    assert_eq!(typed(&chain), Ok(Type::Series));
    assert_eq!(parse(&chain).unwrap().references(), ["m1"]);
}
