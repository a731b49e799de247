//! The gauge view: the latest value of each series on an arc between the bounds of the left axis.

use std::f64::consts::TAU;

use crate::color::Color;
use crate::font::Weight;
use crate::frame;
use crate::picture::{HorizontalAnnotation, HorizontalFill, Series, WidgetPicture};
use crate::single_value::cells;
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::unit::ValueFormat;

/// The arc, in turns from the top: three quarters of a circle, open at the bottom.
const ARC: (f64, f64) = (-0.36, 0.36);
/// Width to height of a gauge.
const ASPECT: f64 = 1.15;
const NUMBER_SIZE_MAX: f64 = 60.0;

pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture) {
    let body = frame::open(svg, picture);
    let shown: Vec<(usize, &Series)> = picture.series.iter().enumerate().collect();
    if shown.is_empty() {
        frame::no_data(svg, picture, body);
        return;
    }
    for (cell, (index, series)) in cells(body, shown.len(), ASPECT).into_iter().zip(shown) {
        gauge(svg, picture, cell, index, series);
    }
}

fn gauge(svg: &mut Svg, picture: &WidgetPicture, cell: Rect, index: usize, series: &Series) {
    let palette = picture.theme.palette();
    let label_size = (cell.height * 0.09).clamp(9.0, 13.0);
    let cell = cell.inset(4.0);
    // The arc reaches 1 + cos(0.14 turns) radii from top to bottom.
    let drop = -(ARC.1 * TAU).cos();
    let room = cell.height - 1.6 * label_size;
    let radius = (cell.width / 2.0).min(room / (1.0 + drop)).max(1.0);
    let center = (cell.x + cell.width / 2.0, cell.y + (room - radius * (1.0 + drop)) / 2.0 + radius);
    let (min, max) = bounds(picture, series);
    let fraction = |value: f64| ((value - min) / (max - min)).clamp(0.0, 1.0);
    let thickness = (radius * 0.2).max(2.0);

    arc(svg, center, (radius - thickness, radius), (0.0, 1.0), palette.sunk);
    let value = series.latest();
    let value_color = series.color.unwrap_or(palette.stroke(index, series).color);
    let rim = thickness * 0.28;
    for annotation in &picture.horizontal {
        let (from, to) = segment(annotation, min, max);
        let color = annotation.color.unwrap_or(palette.annotation);
        arc(svg, center, (radius - rim, radius), (fraction(from), fraction(to)), color);
    }
    let outer = if picture.horizontal.is_empty() { radius } else { radius - rim - 1.0 };
    if let Some(value) = value {
        arc(svg, center, (radius - thickness, outer), (0.0, fraction(value)), value_color);
    }
    let unit = series.unit.as_deref().filter(|_| picture.left.show_units);
    let text = value.map_or_else(|| "--".to_owned(), |value| ValueFormat::of(value, unit));
    let inner = (radius - thickness) * 1.6;
    let size = fitting(&text, inner, (radius * 0.42).min(NUMBER_SIZE_MAX));
    let style = TextStyle { size, weight: Weight::SemiBold, color: palette.text, anchor: Anchor::Middle };
    svg.text((center.0, center.1 + size * 0.36), style, &text);

    let bound_style = TextStyle {
        size: label_size * 0.9,
        weight: Weight::Regular,
        color: palette.muted,
        anchor: Anchor::Middle,
    };
    let middle = radius - thickness / 2.0;
    let below = center.1 + radius * drop + label_size;
    for (turn, bound) in [(ARC.0, min), (ARC.1, max)] {
        let x = center.0 + middle * (turn * TAU).sin();
        svg.text((x, below), bound_style, &ValueFormat::of(bound, unit));
    }
    let label_style = TextStyle { size: label_size, color: palette.secondary, ..bound_style };
    // Between the bounds, or under them when it needs more room.
    let between = middle * (ARC.1 * TAU).sin() * 2.0 - 5.0 * label_size;
    let label = label_style.weight.fit(&series.label, label_size, cell.width);
    let fits = label_style.weight.width(&label, label_size) <= between;
    let y = if fits { below } else { (below + label_size * 1.2).min(cell.bottom()) };
    svg.text((center.0, y), label_style, &label);
}

/// Those of the axis; without them zero to the next round number.
fn bounds(picture: &WidgetPicture, series: &Series) -> (f64, f64) {
    let values = series.latest().into_iter();
    let scale = crate::scale::Scale::new(values, &picture.left, 2);
    (scale.low, scale.high)
}

fn segment(annotation: &HorizontalAnnotation, min: f64, max: f64) -> (f64, f64) {
    let hair = (max - min) / 200.0;
    match (&annotation.to, annotation.fill) {
        (Some((to, _)), _) => (annotation.value.min(*to), annotation.value.max(*to)),
        (None, HorizontalFill::Above) => (annotation.value, max),
        (None, HorizontalFill::Below) => (min, annotation.value),
        (None, HorizontalFill::None) => (annotation.value - hair, annotation.value + hair),
    }
}

/// A piece of the ring between two radii; `from` and `to` are fractions of the arc.
fn arc(svg: &mut Svg, center: (f64, f64), (inner, outer): (f64, f64), (from, to): (f64, f64), color: Color) {
    if to <= from {
        return;
    }
    let turn = |fraction: f64| ARC.0 + fraction * (ARC.1 - ARC.0);
    let on = |radius: f64, fraction: f64| {
        let angle = turn(fraction) * TAU;
        (center.0 + radius * angle.sin(), center.1 - radius * angle.cos())
    };
    let large = i32::from(turn(to) - turn(from) > 0.5);
    let (a, b, c, d) = (on(outer, from), on(outer, to), on(inner, to), on(inner, from));
    let data = format!(
        "M{:.2} {:.2}A{outer:.2} {outer:.2} 0 {large} 1 {:.2} {:.2}L{:.2} {:.2}A{inner:.2} {inner:.2} 0 {large} 0 \
         {:.2} {:.2}Z",
        a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1
    );
    svg.path(&data, color, None);
}

/// The largest size up to `max` at which `text` is no wider than `width`.
pub(crate) fn fitting(text: &str, width: f64, max: f64) -> f64 {
    let at_one = Weight::SemiBold.width(text, 1.0).max(0.001);
    (width / at_one).min(max).max(1.0)
}
