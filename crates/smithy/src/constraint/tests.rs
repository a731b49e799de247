//! Tests of the constraint checks, over a reader of plain values.

use super::*;
use crate::schema::Member;

static NAME: Schema = Schema {
    length_min: Some(1),
    length_max: Some(5),
    pattern: Some("[a-z]+"),
    ..Schema::new("Name", Kind::String)
};
static COLOUR: Schema = Schema { enum_values: &["RED", "BLUE"], ..Schema::new("Colour", Kind::Enum) };
static COUNT: Schema =
    Schema { range_min: Some(1.0), range_max: Some(10.0), ..Schema::new("Count", Kind::Integer) };
static NAMES: Schema = Schema {
    members: &[Member::new("member", || &NAME)],
    length_max: Some(2),
    ..Schema::new("Names", Kind::List)
};
static INPUT: Schema = Schema {
    members: &[
        Member { required: true, ..Member::new("Name", || &NAME) },
        Member::new("Colour", || &COLOUR),
        Member::new("Count", || &COUNT),
        Member::new("Names", || &NAMES),
    ],
    ..Schema::new("Input", Kind::Structure)
};

type Members = Vec<(&'static str, Value)>;

/// A value of a request, without a wire format.
enum Value {
    Text(&'static str),
    Number(i64),
    List(Vec<Value>),
    Structure(Vec<(&'static str, Value)>),
}

impl ShapeReader for &Value {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Value::Structure(members) = self else { return Err(wrong("structure")) };
        for (name, mut value) in members.iter().map(|(n, v)| (n, v)) {
            member(schema.member_index(name).expect("a known member"), &mut value)?;
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        _: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Value::List(values) = self else { return Err(wrong("list")) };
        values.iter().try_for_each(|mut value| element(&mut value))
    }

    fn read_map(
        &mut self,
        _: &'static Schema,
        _: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        Err(wrong("map"))
    }

    fn read_string(&mut self, _: &'static Schema) -> Result<String, ReadError> {
        match self {
            Value::Text(text) => Ok((*text).to_owned()),
            _ => Err(wrong("string")),
        }
    }

    fn read_integer(&mut self, _: &'static Schema) -> Result<i64, ReadError> {
        match self {
            Value::Number(number) => Ok(*number),
            _ => Err(wrong("integer")),
        }
    }

    fn read_boolean(&mut self, _: &'static Schema) -> Result<bool, ReadError> {
        Err(wrong("boolean"))
    }
    fn read_double(&mut self, _: &'static Schema) -> Result<f64, ReadError> {
        Err(wrong("double"))
    }
    fn read_timestamp(&mut self, _: &'static Schema) -> Result<Timestamp, ReadError> {
        Err(wrong("timestamp"))
    }
    fn read_blob(&mut self, _: &'static Schema) -> Result<Vec<u8>, ReadError> {
        Err(wrong("blob"))
    }
    fn read_document(&mut self, _: &'static Schema) -> Result<Document, ReadError> {
        Err(wrong("document"))
    }
}

fn wrong(expected: &'static str) -> ReadError {
    ReadError::WrongType { expected, found: "something else".to_owned() }
}

/// Reads an input as generated code does, and returns the message about what it violates.
fn message(members: Vec<(&'static str, Value)>) -> Option<String> {
    let input = Value::Structure(members);
    let mut plain = &input;
    let mut reader = CheckedReader::new(&mut plain);
    reader
        .read_structure(&INPUT, &mut |index, r| match index {
            0 => r.read_string(&NAME).map(drop),
            1 => r.read_string(&COLOUR).map(drop),
            2 => r.read_integer(&COUNT).map(drop),
            _ => r.read_list(&NAMES, &mut |element| element.read_string(&NAME).map(drop)),
        })
        .unwrap();
    let violations = reader.violations();
    (!violations.is_empty()).then(|| violations_message(&violations))
}

/// The texts are those of `protocols.md` §8.2 (observed on AWS).
#[test]
fn each_constraint_has_its_sentence_and_path() {
    use Value::{List, Number, Text};
    let named = |more: Members| [vec![("Name", Text("abc"))], more].into_iter().flatten().collect::<Vec<_>>();
    let cases: Vec<(Members, Option<&str>)> = vec![
        (named(vec![]), None),
        (
            vec![],
            Some(
                "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
            ),
        ),
        (
            vec![("Name", Text("abcdef"))],
            Some(
                "1 validation error detected: Value 'abcdef' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5",
            ),
        ),
        (
            named(vec![("Colour", Text("GREEN"))]),
            Some(
                "1 validation error detected: Value 'GREEN' at 'colour' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]",
            ),
        ),
        (
            named(vec![("Count", Number(11))]),
            Some(
                "1 validation error detected: Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
            ),
        ),
        (
            named(vec![("Names", List(vec![Text("ok"), Text("NO")]))]),
            Some(
                "1 validation error detected: Value 'NO' at 'names.2.member' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
            ),
        ),
        (
            vec![("Name", Text("")), ("Count", Number(0))],
            Some(
                "3 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(message(members).as_deref(), expected);
    }
}

#[test]
fn a_hostile_request_is_reported_by_its_first_violations() {
    let many = Value::List((0..1000).map(|_| Value::Text("NO")).collect());
    let text = message(vec![("Name", Value::Text("abc")), ("Names", many)]).unwrap();
    assert!(text.starts_with("20 validation errors detected: "), "{text}");
}

#[test]
fn patterns_of_other_engines_are_translated() {
    for (pattern, matching, other) in [
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\u{1F600}", "\u{7}"),
        (
            r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
            "\u{1F600}",
            "\u{7}",
        ),
        (r"[\w-_]*", "a-b_c", "a b"),
        (r"^(?!\s*$).+", " a ", "  "),
        ("[a-z]+", "abc", "abc1"),
    ] {
        let regex = compile(pattern).expect("a pattern this engine can run");
        assert!(regex.is_match(matching), "{pattern}");
        assert!(!regex.is_match(other), "{pattern}");
    }
}
