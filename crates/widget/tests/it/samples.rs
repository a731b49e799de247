//! One picture of every kind.

use base::{TimeRange, Timestamp};
use widget::{
    Axis, AxisOptions, Color, HorizontalAnnotation, HorizontalFill, LegendPosition, Series, Theme,
    VerticalAnnotation, VerticalFill, View, WidgetPicture,
};

/// 2026-11-22T12:00:00Z.
const END: i64 = 1_795_348_800;

pub(crate) fn all() -> Vec<(&'static str, WidgetPicture)> {
    vec![
        ("lines", lines()),
        ("lines_dark", WidgetPicture { theme: Theme::Dark, ..lines() }),
        ("two_axes", two_axes()),
        ("stacked", stacked()),
        ("band", band()),
        ("annotations", annotations()),
        ("many", many()),
        ("legend_right", WidgetPicture { legend: LegendPosition::Right, ..many() }),
        ("legend_hidden", WidgetPicture { legend: LegendPosition::Hidden, ..lines() }),
        ("no_data", no_data()),
        ("small", WidgetPicture { width: 180, height: 120, ..lines() }),
        ("wide", wide()),
        ("bars", bars()),
        ("bars_negative", bars_negative()),
        ("pie", pie()),
        ("pie_right", WidgetPicture { legend: LegendPosition::Right, theme: Theme::Dark, ..pie() }),
        ("gauge", gauge()),
        ("gauges", gauges()),
        ("single_value", single_value()),
        ("single_values", single_values()),
    ]
}

fn range(secs: i64) -> TimeRange {
    TimeRange::new(Timestamp::from_secs(END - secs), Timestamp::from_secs(END))
}

/// A wave with a little noise, the same at every run.
fn wave(secs: i64, period: i64, level: f64, swing: f64, phase: f64) -> Vec<(Timestamp, f64)> {
    let mut noise = 12_345u32;
    let at = |n: i64| Timestamp::from_secs(END - secs + n * period);
    let value = |n: i64| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let jitter = f64::from(noise >> 16) / 65_536.0 - 0.5;
        level + swing * (n as f64 / 7.0 + phase).sin() + swing * 0.3 * jitter
    };
    let times: Vec<Timestamp> = (0..secs / period).map(at).collect();
    times.into_iter().zip((0..secs / period).map(value)).collect()
}

fn series(label: &str, unit: &str, points: Vec<(Timestamp, f64)>) -> Series {
    Series { unit: Some(unit.to_owned()), ..Series::new(label, 300, points) }
}

pub(crate) fn lines() -> WidgetPicture {
    let mut broken = wave(10_800, 300, 62.0, 12.0, 1.0);
    broken.drain(12..16);
    broken.remove(5);
    broken.remove(3);
    WidgetPicture {
        title: Some("CPU utilisation of the web fleet".to_owned()),
        series: vec![
            series("i-0a1b2c3d", "Percent", wave(10_800, 300, 35.0, 10.0, 0.0)),
            series("i-1b2c3d4e", "Percent", broken),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}

fn two_axes() -> WidgetPicture {
    let mut latency = series("Latency p99", "Milliseconds", wave(86_400, 900, 420.0, 160.0, 0.4));
    latency.axis = Axis::Right;
    latency.period_secs = 900;
    latency.color = Color::parse("#d62728");
    let mut requests = series("Requests", "Count", wave(86_400, 900, 18_000.0, 7_000.0, 2.0));
    requests.period_secs = 900;
    requests.partial = true;
    WidgetPicture {
        title: Some("Traffic and latency".to_owned()),
        offset_secs: 5400,
        left: AxisOptions { label: Some("Requests per 15 minutes".to_owned()), ..AxisOptions::default() },
        right: AxisOptions { label: Some("Latency".to_owned()), min: Some(0.0), ..AxisOptions::default() },
        series: vec![requests, latency],
        ..WidgetPicture::new(range(86_400))
    }
}

fn stacked() -> WidgetPicture {
    let labels = ["2xx", "3xx", "4xx", "5xx"];
    let part = |(n, label): (usize, &&str)| {
        let level = 9_000_000.0 / (n as f64 + 1.0);
        series(label, "Bytes", wave(10_800, 300, level, level * 0.3, n as f64))
    };
    WidgetPicture {
        title: Some("Bytes sent by status".to_owned()),
        stacked: true,
        series: labels.iter().enumerate().map(part).collect(),
        ..WidgetPicture::new(range(10_800))
    }
}

fn band() -> WidgetPicture {
    let middle = wave(10_800, 300, 50.0, 20.0, 0.0);
    let shifted = |by: f64| middle.iter().map(|(at, value)| (*at, value + by)).collect::<Vec<_>>();
    let mut expected = series("Expected", "None", shifted(12.0));
    expected.low = Some(shifted(-12.0));
    expected.color = Color::parse("#8a939e");
    let actual = series("Orders", "None", wave(10_800, 300, 52.0, 24.0, 0.1));
    WidgetPicture { series: vec![actual, expected], ..WidgetPicture::new(range(10_800)) }
}

fn annotations() -> WidgetPicture {
    let horizontal = |value: f64, label: &str| HorizontalAnnotation {
        value,
        label: Some(label.to_owned()),
        to: None,
        color: None,
        fill: HorizontalFill::None,
        axis: Axis::Left,
    };
    let vertical = |secs: i64, label: &str| VerticalAnnotation {
        at: Timestamp::from_secs(END - secs),
        label: Some(label.to_owned()),
        to: None,
        color: Color::parse("#7a3fc4"),
        fill: VerticalFill::None,
    };
    let mut high = horizontal(85.0, "Alarm");
    high.fill = HorizontalFill::Above;
    let mut wished = horizontal(20.0, "low");
    wished.to = Some((45.0, Some("wanted range".to_owned())));
    wished.color = Color::parse("#1f9c7a");
    let deploy = vertical(9000, "deployment");
    let mut incident = vertical(4000, "incident");
    incident.to = Some((Timestamp::from_secs(END - 2500), Some("resolved".to_owned())));
    WidgetPicture {
        title: Some("Annotations".to_owned()),
        horizontal: vec![high, wished],
        vertical: vec![deploy, incident],
        ..lines()
    }
}

fn many() -> WidgetPicture {
    let one = |n: usize| {
        let points = wave(10_800, 300, 10.0 + 9.0 * n as f64, 3.0, n as f64);
        Series::new(format!("service-{n} eu-west-1 production"), 300, points)
    };
    WidgetPicture {
        title: Some("Fourteen services".to_owned()),
        series: (0..14).map(one).collect(),
        ..WidgetPicture::new(range(10_800))
    }
}

fn no_data() -> WidgetPicture {
    WidgetPicture {
        title: Some("Nothing yet".to_owned()),
        series: vec![Series::new("Errors", 300, Vec::new())],
        ..WidgetPicture::new(range(10_800))
    }
}

fn wide() -> WidgetPicture {
    let points = wave(14 * 86_400, 3600, 0.02, 0.01, 0.0);
    let mut line = series("Duration Größe λ Ж", "Seconds", points);
    line.period_secs = 3600;
    WidgetPicture { width: 1100, height: 260, series: vec![line], ..WidgetPicture::new(range(14 * 86_400)) }
}

fn latest(label: &str, unit: &str, value: f64) -> Series {
    series(label, unit, vec![(Timestamp::from_secs(END - 300), value)])
}

fn bars() -> WidgetPicture {
    WidgetPicture {
        view: View::Bar,
        title: Some("Requests by service".to_owned()),
        series: vec![
            latest("checkout", "Count", 12_400.0),
            latest("catalogue", "Count", 48_100.0),
            latest("search", "Count", 30_250.0),
            latest("accounts", "Count", 1_900.0),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}

fn bars_negative() -> WidgetPicture {
    WidgetPicture {
        view: View::Bar,
        theme: Theme::Dark,
        series: vec![latest("gain", "None", 3.5), latest("loss", "None", -2.0), latest("none", "None", 0.0)],
        ..WidgetPicture::new(range(10_800))
    }
}

fn pie() -> WidgetPicture {
    WidgetPicture {
        view: View::Pie,
        title: Some("Storage by bucket".to_owned()),
        series: vec![
            latest("logs", "Bytes", 5.2e12),
            latest("images", "Bytes", 2.9e12),
            latest("backups", "Bytes", 1.4e12),
            latest("tmp", "Bytes", 0.2e12),
            latest("wrong", "Bytes", -1.0),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}

fn gauge() -> WidgetPicture {
    let segment = |from: f64, to: f64, color: &str| HorizontalAnnotation {
        value: from,
        label: None,
        to: Some((to, None)),
        color: Color::parse(color),
        fill: HorizontalFill::None,
        axis: Axis::Left,
    };
    WidgetPicture {
        view: View::Gauge,
        title: Some("Disk used".to_owned()),
        left: AxisOptions { min: Some(0.0), max: Some(100.0), ..AxisOptions::default() },
        series: vec![latest("/var/lib/nephoscope", "Percent", 63.4)],
        horizontal: vec![
            segment(0.0, 70.0, "#1f9c7a"),
            segment(70.0, 90.0, "#b86a00"),
            segment(90.0, 100.0, "#a9000f"),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}

fn gauges() -> WidgetPicture {
    WidgetPicture {
        view: View::Gauge,
        theme: Theme::Dark,
        left: AxisOptions { min: Some(0.0), max: Some(100.0), ..AxisOptions::default() },
        series: vec![
            latest("web-1", "Percent", 12.0),
            latest("web-2", "Percent", 100.0),
            Series::new("web-3", 300, Vec::new()),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}

fn single_value() -> WidgetPicture {
    WidgetPicture {
        view: View::SingleValue,
        width: 300,
        height: 180,
        sparkline: true,
        title: Some("Orders".to_owned()),
        series: vec![series("Orders per minute", "Count", wave(10_800, 300, 1_400.0, 300.0, 0.0))],
        ..WidgetPicture::new(range(10_800))
    }
}

fn single_values() -> WidgetPicture {
    let high = HorizontalAnnotation {
        value: 0.5,
        label: None,
        to: None,
        color: None,
        fill: HorizontalFill::Above,
        axis: Axis::Left,
    };
    WidgetPicture {
        view: View::SingleValue,
        horizontal: vec![high],
        series: vec![
            latest("Latency", "Seconds", 0.184),
            latest("Errors", "Percent", 1.25),
            Series::new("Queue length", 300, Vec::new()),
            latest("Sent", "Bytes/Second", 1_250_000.0),
        ],
        ..WidgetPicture::new(range(10_800))
    }
}
