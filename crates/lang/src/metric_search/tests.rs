//! The vectors of metrics.md § 16.4, and what is no search.

use super::{Search, Subject, tokens};

struct Metric(&'static str, &'static str, &'static [(&'static str, &'static str)]);

const METRICS: [Metric; 4] = [
    Metric("NS1", "CustomCount1", &[]),
    Metric("NS1", "Network-Errors-2", &[("Host", "web-1")]),
    Metric("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-1")]),
    Metric("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-1"), ("Zone", "a")]),
];

fn found(text: &str) -> Vec<usize> {
    let search = Search::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let matches = |Metric(namespace, name, dimensions): &Metric| {
        search.matches(&Subject { account: "123456789012", namespace, name, dimensions })
    };
    (1..).zip(&METRICS).filter(|(_, metric)| matches(metric)).map(|(number, _)| number).collect()
}

#[test]
fn names_are_taken_apart() {
    // Q1 to Q3.
    for (text, expected) in [
        ("CustomCount1", &["customcount1", "custom", "count", "1"][..]),
        ("SDBFailure", &["sdbfailure", "sdb", "failure"]),
        ("Project2-trial333", &["project2trial333", "project", "2", "trial", "333"]),
        ("", &[""]),
    ] {
        assert_eq!(tokens::all(text), expected, "{text}");
    }
}

#[test]
fn searches_find_what_they_should() {
    for (text, expected) in [
        ("Count", &[1][..]),
        ("COUNT", &[1]),
        ("count", &[1]),
        ("couNT", &[]),
        ("CustomCount", &[1]),
        ("Count1", &[1]),
        ("customcount1", &[1]),
        ("customcount", &[]),
        ("\"Custom\"", &[]),
        ("\"CustomCount1\"", &[1]),
        ("{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"", &[3]),
        ("{AWS/EC2,Zone,InstanceId}", &[4]),
        ("{NS1}", &[1]),
        ("network/errors", &[2]),
        ("network+errors", &[2]),
        ("Network_Errors", &[2]),
        ("\"Network_Errors_2\"", &[]),
        ("NOT Namespace=AWS", &[1, 2]),
        ("CPUUtilization NOT Zone=a", &[3]),
        ("Host=web OR Zone=a", &[2, 4]),
        ("NS1 AND (Count OR web)", &[1, 2]),
        ("cpu AND NOT (Zone=a OR Host=web)", &[3]),
        ("\"Host\"=\"web-1\"", &[2]),
        (":aws.AccountId='LOCAL' Count", &[1]),
        (":aws.AccountId=\"999999999999\"", &[]),
        ("InstanceId", &[3, 4]),
        ("MetricName=(\"CustomCount1\" OR \"Network-Errors-2\")", &[1, 2]),
        ("InstanceId=(i OR web) NOT Zone=(a)", &[3]),
        ("Host=(Network OR web)", &[2]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_search_is_refused_with_its_place() {
    for (text, reason, position) in [
        ("", "it is empty", 0),
        ("   ", "it is empty", 0),
        ("{AWS/EC2", "it ends too early", 8),
        ("{}", "unexpected '}'", 1),
        ("a OR", "it ends too early", 4),
        ("a )", "unexpected ')'", 2),
        ("a AND OR b", "unexpected 'OR'", 6),
        ("\"a", "a quotation is not closed", 0),
        ("MetricName=", "it ends too early", 11),
        ("MetricName=(a", "it ends too early", 13),
        ("--", "unexpected '--'", 0),
    ] {
        let error = Search::parse(text).unwrap_err();
        assert_eq!((error.reason.as_str(), error.position), (reason, position), "{text}");
    }
    assert!(Search::parse(&"(".repeat(1000)).unwrap_err().reason.contains("nested"));
    assert!(Search::parse(&"NOT ".repeat(200)).unwrap_err().reason.contains("nested"));
    assert!(Search::parse(&"a".repeat(1025)).unwrap_err().reason.contains("longer"));
}
