//! Every kind of picture looks as it did.

use std::path::Path;

use resvg::tiny_skia::Pixmap;

use crate::samples;

/// How far two renderings may differ: mean distance of a channel, and the share of pixels that are clearly
/// different. Rasterising rounds differently between processors; a moved label exceeds both.
const MEAN_MAX: f64 = 0.35;
const SHARE_MAX: f64 = 0.002;
const CLEARLY: u8 = 48;

#[test]
fn pictures_look_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for (name, picture) in samples::all() {
        let png = widget::render_png(&picture).unwrap();
        let path = folder.join(format!("{name}.png"));
        if bless {
            std::fs::write(&path, &png).unwrap();
            continue;
        }
        let now = Pixmap::decode_png(&png).unwrap();
        assert_eq!((now.width(), now.height()), (picture.width, picture.height), "{name}");
        let before = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let before = Pixmap::decode_png(&before).unwrap();
        if let Some(difference) = difference(&before, &now) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn difference(before: &Pixmap, now: &Pixmap) -> Option<String> {
    if (before.width(), before.height()) != (now.width(), now.height()) {
        return Some("another size".to_owned());
    }
    let (mut sum, mut clearly) = (0u64, 0u64);
    for (a, b) in before.data().chunks_exact(4).zip(now.data().chunks_exact(4)) {
        let distances = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
        sum += distances.clone().map(u64::from).sum::<u64>();
        clearly += u64::from(distances.max() > Some(CLEARLY));
    }
    let pixels = f64::from(now.width()) * f64::from(now.height());
    let (mean, share) = (sum as f64 / (pixels * 4.0), clearly as f64 / pixels);
    (mean > MEAN_MAX || share > SHARE_MAX).then(|| format!("mean {mean:.3}, clearly different {share:.4}"))
}

#[test]
fn the_comparison_sees_what_people_see() {
    let mut picture = samples::lines();
    let before = Pixmap::decode_png(&widget::render_png(&picture).unwrap()).unwrap();
    assert_eq!(difference(&before, &before), None);
    picture.series[0].label.push('!');
    picture.title = Some("Another title".to_owned());
    let after = Pixmap::decode_png(&widget::render_png(&picture).unwrap()).unwrap();
    assert!(difference(&before, &after).is_some());
}
