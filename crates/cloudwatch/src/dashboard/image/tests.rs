//! Widgets as they are given, and what is read from them.

use base::{TimeRange, Timestamp};
use widget::{Axis, Color, HorizontalFill, LegendPosition, Theme, View};

use super::{ImageWidget, MetricSource};
use crate::CloudWatchError;

/// 2026-11-22T12:00:00Z.
const NOW: i64 = 1_795_348_800;

fn parse(text: &str) -> Result<ImageWidget, CloudWatchError> {
    ImageWidget::parse(text, Timestamp::from_secs(NOW))
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let widget = parse(r#"{"metrics":[["App","Errors"]]}"#).unwrap();
    assert_eq!((widget.width, widget.height, widget.offset_secs), (600, 400, 0));
    assert_eq!((widget.view, widget.stacked, widget.theme), (View::TimeSeries, false, Theme::Light));
    assert_eq!(widget.legend, LegendPosition::Bottom);
    let range = TimeRange::new(Timestamp::from_secs(NOW - 10_800), Timestamp::from_secs(NOW));
    assert_eq!(widget.range, range);
    let expected = MetricSource::Metric {
        names: vec!["App".to_owned(), "Errors".to_owned()],
        stat: "Average".to_owned(),
        period_secs: 300,
    };
    assert_eq!(widget.metrics[0].source, expected);
}

#[test]
fn everything_a_widget_can_say_is_read() {
    let widget = parse(
        r##"{"metrics":[["AWS/EC2","CPUUtilization","InstanceId","i-1",{"id":"m1","stat":"Maximum","color":"#f00"}],
            ["...","i-2",{"period":60,"yAxis":"right","visible":false,"region":"us-west-2"}],
            [{"expression":"m1*2","label":"twice"}]],
            "start":"-P1D","end":"-PT1H","width":1000,"height":200,"theme":"dark","title":"T","view":"timeSeries",
            "stacked":true,"stat":"p99","period":900,"timezone":"+0130","region":"eu-west-1","liveData":false,
            "yAxis":{"left":{"min":0,"max":100,"label":"L","showUnits":false}},"legend":{"position":"right"},
            "annotations":{"horizontal":[{"value":5,"label":"h","fill":"above","yAxis":"right"},
              [{"value":1},{"value":2,"label":"b"}],{"value":9,"visible":false}],
              "vertical":[[{"value":"2026-11-22T10:00:00Z"},{"value":"2026-11-22T11:00:00Z"}]]}}"##,
    )
    .unwrap();
    let ids: Vec<_> = widget.metrics.iter().map(|metric| metric.id.as_str()).collect();
    assert_eq!(ids, ["m1", "unnamed1", "unnamed2"]);
    assert_eq!(widget.metrics[0].color, Some(Color(255, 0, 0)));
    let second = &widget.metrics[1];
    assert_eq!(
        (second.axis, second.visible, second.region.as_deref()),
        (Axis::Right, false, Some("us-west-2"))
    );
    let query = second.query();
    assert_eq!(query.return_data, Some(false));
    let stat = query.metric_stat.unwrap();
    assert_eq!((stat.stat.as_str(), stat.period), ("p99", 60));
    assert_eq!(stat.metric.dimensions.unwrap()[0].value, "i-2");
    assert_eq!(widget.metrics[2].query().expression.as_deref(), Some("m1*2"));
    assert_eq!(widget.offset_secs, 5400);
    assert_eq!(widget.range.start, Timestamp::from_secs(NOW - 86_400));
    assert_eq!((widget.horizontal.len(), widget.vertical.len()), (2, 1));
    assert_eq!((widget.horizontal[0].fill, widget.horizontal[0].axis), (HorizontalFill::Above, Axis::Right));
    assert!(widget.horizontal[1].to.is_some() && widget.vertical[0].to.is_some());
    assert!(!widget.left.show_units && widget.only_complete && widget.stacked);
}

#[test]
fn widgets_that_cannot_be_drawn_are_refused() {
    for (text, part) in [
        ("", "must be valid JSON"),
        ("[]", "must be valid JSON"),
        ("{}", "Should match exactly one schema in oneOf"),
        (r#"{"metrics":[]}"#, "Should NOT have fewer than 1 items"),
        (r#"{"metrics":[["A"]]}"#, "Should NOT have fewer than 2 items"),
        (r#"{"metrics":[["A","B"]],"width":2001}"#, "Should be <= 2000"),
        (r#"{"metrics":[["A","B"]],"height":0}"#, "Should be >= 1"),
        (r#"{"metrics":[["A","B"]],"start":"-P1X"}"#, "The value -P1X for parameter start"),
        (r#"{"metrics":[["A","B"]],"start":"PT0H"}"#, "must be before its end"),
        (r#"{"metrics":[["A","B"]],"timezone":"Berlin"}"#, "The value Berlin for parameter timezone"),
        (r#"{"metrics":[["A","B",{"id":"a"}],["A","C",{"id":"a"}]]}"#, "more than one metric with the id a"),
        (r#"{"metrics":[["A","B"]],"view":"table"}"#, "Should be equal to one of the allowed values"),
        (r#"{"metrics":[["A","B"]],"view":"gauge"}"#, "Should have required property 'min'"),
        (r#"{"metrics":[["A","B"]],"theme":"pink"}"#, "Should be equal to one of the allowed values"),
    ] {
        match parse(text) {
            Err(CloudWatchError::Validation(message)) => assert!(message.contains(part), "{text}: {message}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let many = format!("{{\"metrics\":[{}]}}", vec!["[\"A\",\"B\"]"; 101].join(","));
    assert!(parse(&many).is_err());
}
