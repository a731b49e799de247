//! What is read, and what is refused where.

use super::*;

#[test]
fn a_full_query_is_read() {
    let text = r#"select max("CPU \"x\"") From SCHEMA("AWS/EC2", InstanceId, "Auto Scaling") where InstanceId != 'i-1'
        AND tag."my env" = 'prod' and AWS.AccountId = CURRENT_ACCOUNT_ID() group by InstanceId, tag.env, AWS.AccountId
        order by AVG() desc limit 10"#;
    assert!(is_insights(text));
    let condition = |key, equal, value| Condition { key, equal, value };
    let expected = InsightsQuery {
        function: Aggregate::Max,
        metric: "CPU \"x\"".to_owned(),
        namespace: "AWS/EC2".to_owned(),
        schema: Some(vec!["Auto Scaling".to_owned(), "InstanceId".to_owned()]),
        conditions: vec![
            condition(Key::Dimension("InstanceId".to_owned()), false, Operand::Text("i-1".to_owned())),
            condition(Key::Tag("my env".to_owned()), true, Operand::Text("prod".to_owned())),
            condition(Key::Account, true, Operand::CurrentAccount),
        ],
        group_by: vec![Key::Dimension("InstanceId".to_owned()), Key::Tag("env".to_owned()), Key::Account],
        order_by: Some(Order { function: Aggregate::Avg, descending: true }),
        limit: Some(10),
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn errors_have_places() {
    for (text, message, start) in [
        ("SELECT SUM(Hits) FROM AWS/EC2", "Unexpected '/'", 25),
        ("SELECT SUM(Hits)", "Expected FROM but the query ends", 16),
        ("SELECT MEDIAN(Hits) FROM App", "Expected AVG, COUNT, MAX, MIN or SUM but found MEDIAN", 7),
        ("SELECT SUM(Group) FROM App", "Expected the name of a metric but found Group", 11),
        ("SELECT SUM(h) FROM App WHERE a = 'x' OR b = 'y'", "Expected the end of the query but found OR", 37),
        ("SELECT SUM(h) FROM App WHERE a LIKE 'x'", "Expected = or != but found LIKE", 31),
        ("SELECT SUM(h) FROM App WHERE a = x", "Expected a value in single quotes but found x", 33),
        ("SELECT SUM(h) FROM App WHERE b = CURRENT_ACCOUNT_ID()", "Expected a value", 33),
        ("SELECT SUM(h) FROM App LIMIT 501", "Expected a number from 1 to 500 but found 501", 29),
        ("SELECT SUM(h) FROM App LIMIT 0", "Expected a number from 1 to 500 but found 0", 29),
        ("SELECT SUM(h) FROM App GROUP BY x.y", "Expected AWS.AccountId", 32),
        ("SELECT SUM(h) FROM \"App", "A quotation is not closed", 19),
        ("SELECT SUM(h) FROM \"\"", "Expected a namespace", 19),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.message.starts_with(message), "{text}: {}", error.message);
        assert_eq!(error.start, start, "{text}");
    }
    assert!(parse(&format!("SELECT SUM(h) FROM {}", "a".repeat(5000))).is_err());
}

#[test]
fn other_texts_are_not_meant() {
    for text in ["SELECTOR", "m1 + SELECT", "sel", "", "é", "SELECT"] {
        assert!(!is_insights(text), "{text}");
    }
    assert!(is_insights("  sElEcT\n x"));
}
