//! The single value view: the latest value of each series as a large number.

use base::TimeRange;

use crate::color::Color;
use crate::font::Weight;
use crate::frame;
use crate::gauge::fitting;
use crate::picture::{HorizontalFill, Series, WidgetPicture};
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::theme::Stroke;
use crate::unit::ValueFormat;

/// Width to height of a number.
const ASPECT: f64 = 1.8;
const NUMBER_SIZE_MAX: f64 = 56.0;

pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture) {
    let body = frame::open(svg, picture);
    if picture.series.is_empty() {
        frame::no_data(svg, picture, body);
        return;
    }
    for (cell, (index, series)) in
        cells(body, picture.series.len(), ASPECT).into_iter().zip(picture.series.iter().enumerate())
    {
        number(svg, picture, cell, index, series);
    }
}

fn number(svg: &mut Svg, picture: &WidgetPicture, cell: Rect, index: usize, series: &Series) {
    let palette = picture.theme.palette();
    let cell = cell.inset(4.0);
    let stroke = picture.theme.palette().stroke(index, series);
    let with_spark = picture.sparkline && series.points.len() > 1 && cell.height > 60.0;
    let spark_height = if with_spark { cell.height * 0.3 } else { 0.0 };
    let label_size = (cell.height * 0.14).clamp(8.0, 13.0);
    let value = series.latest();
    let unit = series.unit.as_deref().filter(|_| picture.left.show_units);
    let text = value.map_or_else(|| "--".to_owned(), |value| ValueFormat::of(value, unit));
    let room = cell.height - spark_height - label_size * 1.6;
    let size = fitting(&text, cell.width, NUMBER_SIZE_MAX.min(room * 0.9).max(6.0));
    let color = value.and_then(|value| threshold_color(picture, series, value));
    let middle = cell.x + cell.width / 2.0;
    // Number and label are one block in the middle of what the small line leaves.
    let block = size + label_size * 1.5;
    let top = cell.y + (cell.height - spark_height - block) / 2.0;
    let style = TextStyle {
        size,
        weight: Weight::SemiBold,
        color: color.unwrap_or(palette.text),
        anchor: Anchor::Middle,
    };
    svg.text((middle, top + size * 0.86), style, &text);
    let style = TextStyle {
        size: label_size,
        weight: Weight::Regular,
        color: palette.secondary,
        anchor: Anchor::Middle,
    };
    let swatch = label_size * 0.75;
    let label = style.weight.fit(&series.label, label_size, cell.width - swatch - 5.0);
    let width = style.weight.width(&label, label_size);
    let baseline = top + size + label_size * 1.1;
    if !label.is_empty() {
        let square = Rect {
            x: middle - width / 2.0 - swatch / 2.0 - 2.5,
            y: baseline - swatch,
            width: swatch,
            height: swatch,
        };
        svg.rect(square, stroke.color, 1.0);
        svg.text((middle + swatch / 2.0 + 2.5, baseline), style, &label);
    }
    if with_spark {
        let area = Rect { y: cell.bottom() - spark_height, height: spark_height, ..cell }.inset(2.0);
        sparkline(svg, area, picture.range, series, Stroke { dashes: "", ..stroke });
    }
}

/// The colour of the last annotation whose filled side the value is on.
fn threshold_color(picture: &WidgetPicture, series: &Series, value: f64) -> Option<Color> {
    let own = picture.horizontal.iter().filter(|annotation| annotation.axis == series.axis);
    let mut applies = own.filter(|annotation| match (&annotation.to, annotation.fill) {
        (Some((to, _)), _) => (annotation.value.min(*to)..=annotation.value.max(*to)).contains(&value),
        (None, HorizontalFill::Above) => value >= annotation.value,
        (None, HorizontalFill::Below) => value <= annotation.value,
        (None, HorizontalFill::None) => false,
    });
    applies.next_back().map(|annotation| annotation.color.unwrap_or(picture.theme.palette().annotation))
}

fn sparkline(svg: &mut Svg, area: Rect, range: TimeRange, series: &Series, stroke: Stroke) {
    let values = || series.points.iter().map(|(_, value)| *value);
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let length = (range.end.millis_since(range.start) as f64).max(1.0);
    let place = |(at, value): &(base::Timestamp, f64)| {
        let x = area.x + at.millis_since(range.start) as f64 / length * area.width;
        (x, area.bottom() - ((value - low) / span).clamp(0.0, 1.0) * area.height)
    };
    let gap_ms = series.period_secs.max(1).saturating_mul(1000);
    for run in series.points.chunk_by(|a, b| b.0.millis_since(a.0) <= gap_ms) {
        let points: Vec<_> = run.iter().map(place).collect();
        if let [point] = points.as_slice() {
            svg.circle(*point, 1.5, stroke.color);
            continue;
        }
        let mut outline = points.clone();
        outline
            .extend([points.last(), points.first()].into_iter().flatten().map(|(x, _)| (*x, area.bottom())));
        svg.polygon(&outline, stroke.color, 0.12);
        svg.polyline(&points, stroke, 1.5);
    }
}

/// `count` equal cells in reading order, of about the wanted width to height.
pub(crate) fn cells(body: Rect, count: usize, aspect: f64) -> Vec<Rect> {
    let height_of = |columns: usize| {
        let rows = count.div_ceil(columns);
        let (width, height) = (body.width / columns as f64, body.height / rows as f64);
        (width / aspect).min(height)
    };
    let columns =
        (1..=count.max(1)).max_by(|a, b| height_of(*a).total_cmp(&height_of(*b)).then(b.cmp(a))).unwrap_or(1);
    let rows = count.div_ceil(columns).max(1);
    let (width, height) = (body.width / columns as f64, body.height / rows as f64);
    let cell = |index: usize| {
        let (row, column) = (index / columns, index % columns);
        Rect { x: body.x + column as f64 * width, y: body.y + row as f64 * height, width, height }
    };
    (0..count).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shaped_as_wanted() {
        let body = Rect { x: 0.0, y: 0.0, width: 600.0, height: 100.0 };
        assert_eq!(cells(body, 3, 1.8).iter().map(|c| c.width).collect::<Vec<_>>(), [200.0; 3]);
        let tall = Rect { width: 100.0, height: 600.0, ..body };
        assert_eq!(cells(tall, 3, 1.8).iter().map(|c| c.y).collect::<Vec<_>>(), [0.0, 200.0, 400.0]);
    }
}
