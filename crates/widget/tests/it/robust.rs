//! No picture, however odd, makes drawing fail, and equal pictures are equal bytes.

use base::Timestamp;
use widget::{Series, View, WidgetError, WidgetPicture, render_png};

use crate::samples;

const VIEWS: [View; 5] = [View::TimeSeries, View::SingleValue, View::Gauge, View::Bar, View::Pie];

#[test]
fn every_size_is_drawn_exactly() {
    for (width, height) in [(1, 1), (2, 40), (40, 2), (30, 30), (90, 60), (2000, 20), (20, 2000)] {
        for view in VIEWS {
            for stacked in [false, true] {
                let picture = WidgetPicture { width, height, view, stacked, ..samples::lines() };
                let png = render_png(&picture).unwrap();
                assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
                let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
                assert_eq!((size(16), size(20)), (width, height), "{view:?}");
            }
        }
    }
    for (width, height) in [(0, 10), (10, 0), (2001, 10), (10, u32::MAX)] {
        let picture = WidgetPicture { width, height, ..samples::lines() };
        assert!(matches!(render_png(&picture), Err(WidgetError::Size { .. })));
    }
}

#[test]
fn odd_values_are_drawn() {
    let at = |n: i64| Timestamp::from_secs(1_795_340_000 + n);
    for values in
        [vec![f64::MAX, f64::MIN], vec![1e-320, 0.0], vec![0.0; 3], vec![-5.0], vec![5e307; 40], vec![]]
    {
        for view in VIEWS {
            for stacked in [false, true] {
                let points: Vec<_> = (0..).zip(&values).map(|(n, value)| (at(n), *value)).collect();
                let series = vec![Series::new("a", 60, points.clone()), Series::new("", 0, points)];
                let picture =
                    WidgetPicture { view, stacked, width: 80, height: 130, series, ..samples::lines() };
                render_png(&picture).unwrap_or_else(|error| panic!("{view:?} {values:?}: {error}"));
            }
        }
    }
}

#[test]
fn labels_cannot_break_the_drawing() {
    let mut picture = samples::lines();
    let bad = "</text><script>&amp;\u{0}\u{8}\u{feff}𝄞漢字\u{202e}\"'".to_owned();
    picture.title = Some(bad.clone());
    picture.series[0].label.clone_from(&bad);
    picture.left.label = Some(bad);
    render_png(&picture).unwrap();
}

#[test]
fn equal_pictures_are_equal_bytes() {
    for (name, picture) in samples::all() {
        assert_eq!(render_png(&picture).unwrap(), render_png(&picture).unwrap(), "{name}");
    }
}
