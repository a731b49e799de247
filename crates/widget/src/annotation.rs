//! Horizontal and vertical annotations: lines, fills and bands over a plot.

use crate::axis::Plot;
use crate::color::Color;
use crate::font::Weight;
use crate::picture::{
    Axis, HorizontalAnnotation, HorizontalFill, VerticalAnnotation, VerticalFill, WidgetPicture,
};
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::theme::Stroke;
use crate::time_axis::TimeAxis;

const SIZE: f64 = 11.0;
const FILL_OPACITY: f64 = 0.12;

/// The values `axis` must show so that its annotations are seen.
pub(crate) fn values(picture: &WidgetPicture, axis: Axis) -> impl Iterator<Item = f64> + '_ {
    let own = picture.horizontal.iter().filter(move |annotation| annotation.axis == axis);
    own.flat_map(|annotation| {
        [Some(annotation.value), annotation.to.as_ref().map(|(value, _)| *value)].into_iter().flatten()
    })
}

pub(crate) fn draw_horizontal(svg: &mut Svg, picture: &WidgetPicture, plot: &Plot) {
    for annotation in &picture.horizontal {
        horizontal(svg, picture, plot, annotation);
    }
}

fn horizontal(svg: &mut Svg, picture: &WidgetPicture, plot: &Plot, annotation: &HorizontalAnnotation) {
    let area = plot.area;
    let color = annotation.color.unwrap_or(picture.theme.palette().annotation);
    let y = plot.y(annotation.axis, annotation.value);
    let to = annotation.to.as_ref().map(|(value, label)| (plot.y(annotation.axis, *value), label));
    let filled = match (to, annotation.fill) {
        (Some((to, _)), _) => Some((y.min(to), y.max(to))),
        (None, HorizontalFill::Above) => Some((area.y, y)),
        (None, HorizontalFill::Below) => Some((y, area.bottom())),
        (None, HorizontalFill::None) => None,
    };
    svg.clipped(area, |svg| {
        if let Some((top, bottom)) = filled {
            let fill = Rect { x: area.x, y: top, width: area.width, height: bottom - top };
            svg.rect(fill, color, FILL_OPACITY);
        }
        for y in [Some(y), to.map(|(y, _)| y)].into_iter().flatten() {
            svg.line((area.x, y), (area.right(), y), line(color), 1.5);
        }
    });
    let labels = [(y, &annotation.label)].into_iter().chain(to);
    for (y, label) in labels {
        let Some(label) = label.as_deref().filter(|_| (area.y..=area.bottom()).contains(&y)) else {
            continue;
        };
        let text = Weight::SemiBold.fit(label, SIZE, area.width - 8.0);
        // Above the line, unless that is outside.
        let baseline = if y - SIZE - 3.0 < area.y { y + SIZE + 2.0 } else { y - 4.0 };
        svg.text((area.right() - 4.0, baseline), style(color, Anchor::End), &text);
    }
}

pub(crate) fn draw_vertical(svg: &mut Svg, picture: &WidgetPicture, plot: &Plot, time: &TimeAxis) {
    for annotation in &picture.vertical {
        vertical(svg, picture, plot, time, annotation);
    }
}

fn vertical(
    svg: &mut Svg,
    picture: &WidgetPicture,
    plot: &Plot,
    time: &TimeAxis,
    annotation: &VerticalAnnotation,
) {
    let area = plot.area;
    let color = annotation.color.unwrap_or(picture.theme.palette().annotation);
    let x = time.x(annotation.at);
    let to = annotation.to.as_ref().map(|(at, label)| (time.x(*at), label));
    let near = |x: f64| x.clamp(area.x - 10.0, area.right() + 10.0);
    let filled = match (to, annotation.fill) {
        (Some((to, _)), _) => Some((near(x.min(to)), near(x.max(to)))),
        (None, VerticalFill::Before) => Some((area.x, near(x))),
        (None, VerticalFill::After) => Some((near(x), area.right())),
        (None, VerticalFill::None) => None,
    };
    svg.clipped(area, |svg| {
        if let Some((left, right)) = filled {
            let fill = Rect { x: left, y: area.y, width: right - left, height: area.height };
            svg.rect(fill, color, FILL_OPACITY);
        }
        for x in [Some(x), to.map(|(x, _)| x)].into_iter().flatten() {
            svg.line((near(x), area.y), (near(x), area.bottom()), line(color), 1.5);
        }
    });
    for (x, label) in [(x, &annotation.label)].into_iter().chain(to) {
        let Some(label) = label.as_deref().filter(|_| (area.x..=area.right()).contains(&x)) else { continue };
        // On the side with more room.
        let (anchor, at, room) = match x - area.x > area.right() - x {
            true => (Anchor::End, x - 4.0, x - area.x - 8.0),
            false => (Anchor::Start, x + 4.0, area.right() - x - 8.0),
        };
        let text = Weight::SemiBold.fit(label, SIZE, room);
        svg.text((at, area.y + SIZE + 2.0), style(color, anchor), &text);
    }
}

fn line(color: Color) -> Stroke {
    Stroke { color, dashes: "" }
}

fn style(color: Color, anchor: Anchor) -> TextStyle {
    TextStyle { size: SIZE, weight: Weight::SemiBold, color, anchor }
}
