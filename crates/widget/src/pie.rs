//! The pie view: the share of each series' latest value. Negative values are left out.

use std::f64::consts::TAU;

use crate::font::Weight;
use crate::legend::{self, Entry};
use crate::picture::{Series, WidgetPicture};
use crate::svg::{Anchor, Svg, TextStyle};
use crate::unit::ValueFormat;
use crate::{color::Color, frame};

const SIZE: f64 = 12.0;
/// Smaller shares have no text on them.
const LABELLED_SHARE_MIN: f64 = 0.05;

pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture) {
    let palette = picture.theme.palette();
    let body = frame::open(svg, picture);
    let slices: Vec<(usize, &Series, f64)> = picture
        .series
        .iter()
        .enumerate()
        .filter_map(|(index, series)| Some((index, series, series.latest().filter(|value| *value >= 0.0)?)))
        .collect();
    let total: f64 = slices.iter().map(|(_, _, value)| value).sum();
    let entries: Vec<Entry> =
        picture.series.iter().enumerate().map(|(index, series)| entry(picture, index, series)).collect();
    let area = legend::draw(svg, picture, body, &entries);
    if total <= 0.0 || !total.is_finite() {
        frame::no_data(svg, picture, area);
        return;
    }
    let center = (area.x + area.width / 2.0, area.y + area.height / 2.0);
    let radius = (area.width.min(area.height) / 2.0 - 2.0).max(0.5);
    let mut start = 0.0;
    for (index, series, value) in slices {
        let share = value / total;
        if share <= 0.0 {
            continue;
        }
        let color = palette.stroke(index, series).color;
        slice(svg, center, radius, (start, start + share), (color, palette.surface));
        if share >= LABELLED_SHARE_MIN {
            let text = format!("{:.0}%", share * 100.0);
            let (x, y) = on_circle(center, radius * 0.68, start + share / 2.0);
            let style = TextStyle {
                size: SIZE,
                weight: Weight::SemiBold,
                color: readable_on(color),
                anchor: Anchor::Middle,
            };
            if style.weight.width(&text, SIZE) < radius * 0.5 {
                svg.text((x, y + SIZE * 0.36), style, &text);
            }
        }
        start += share;
    }
}

fn entry(picture: &WidgetPicture, index: usize, series: &Series) -> Entry {
    let unit = series.unit.as_deref().filter(|_| picture.left.show_units);
    let label = match series.latest() {
        Some(value) => format!("{} {}", series.label, ValueFormat::of(value, unit)),
        None => series.label.clone(),
    };
    let stroke = picture.theme.palette().stroke(index, series);
    Entry { label, stroke, filled: true, partial: series.partial }
}

/// A slice between two turns from the top, clockwise.
fn slice(
    svg: &mut Svg,
    center: (f64, f64),
    radius: f64,
    (start, end): (f64, f64),
    (color, outline): (Color, Color),
) {
    if end - start > 0.9999 {
        svg.circle(center, radius, color);
        return;
    }
    let (from, to) = (on_circle(center, radius, start), on_circle(center, radius, end));
    let large = i32::from(end - start > 0.5);
    let data = format!(
        "M{:.2} {:.2}L{:.2} {:.2}A{radius:.2} {radius:.2} 0 {large} 1 {:.2} {:.2}Z",
        center.0, center.1, from.0, from.1, to.0, to.1
    );
    svg.path(&data, color, Some(outline));
}

fn on_circle(center: (f64, f64), radius: f64, turn: f64) -> (f64, f64) {
    let angle = turn * TAU;
    (center.0 + radius * angle.sin(), center.1 - radius * angle.cos())
}

/// Black or white, whichever is further from the colour.
fn readable_on(color: Color) -> Color {
    let channel = |value: u8| (f64::from(value) / 255.0).powf(2.2);
    let light = 0.2126 * channel(color.0) + 0.7152 * channel(color.1) + 0.0722 * channel(color.2);
    if light > 0.25 { Color(0x17, 0x20, 0x2b) } else { Color(255, 255, 255) }
}
