//! A plot: the area between its axes, with grid, ticks and labels.

use crate::font::Weight;
use crate::picture::{Axis, AxisOptions, WidgetPicture};
use crate::scale::Scale;
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::theme::{Palette, Stroke};
use crate::time_axis::TimeAxis;
use crate::unit::ValueFormat;

const SIZE: f64 = 11.0;
/// Between a label and what it labels.
const GAP: f64 = 6.0;
const TIME_HEIGHT: f64 = 20.0;
const TITLE_HEIGHT: f64 = 26.0;
/// Pixels between value ticks and between time ticks, at least.
const VALUE_SPACING: f64 = 32.0;
const TIME_SPACING: f64 = 72.0;
/// Where less room than this would be left for the plot, labels are left out.
const PLOT_MIN: f64 = 40.0;

/// The area data is drawn in, and its scales.
pub(crate) struct Plot {
    pub(crate) area: Rect,
    left: Option<Side>,
    right: Option<Side>,
    time_height: f64,
}

struct Side {
    scale: Scale,
    format: ValueFormat,
    label: Option<String>,
}

/// What an axis has to show.
pub(crate) struct Extent {
    pub(crate) values: Vec<f64>,
    /// The unit all of its series share.
    pub(crate) unit: Option<String>,
}

impl Plot {
    /// Takes `body` apart. An axis without an extent is not drawn; if there is none at all, the left one is.
    pub(crate) fn lay_out(
        picture: &WidgetPicture,
        body: Rect,
        left: Option<Extent>,
        right: Option<Extent>,
        with_time: bool,
    ) -> Self {
        let left = match (&left, &right) {
            (None, None) => Some(Extent { values: Vec::new(), unit: None }),
            _ => left,
        };
        let wanted = |axis: Axis, extent: &Option<Extent>| {
            extent.as_ref().and_then(|_| axis_label(picture.axis(axis))).is_some()
        };
        let titled = wanted(Axis::Left, &left) || wanted(Axis::Right, &right);
        let time_height = if with_time && body.height > PLOT_MIN + TIME_HEIGHT { TIME_HEIGHT } else { 0.0 };
        let title_height = if titled && body.height > 2.0 * PLOT_MIN { TITLE_HEIGHT } else { SIZE / 2.0 };
        let mut area = body;
        area.y += title_height.min(body.height / 4.0);
        area.height = (body.bottom() - time_height - area.y).max(1.0);
        let steps = ((area.height / VALUE_SPACING) as usize).clamp(1, 5);
        let side = |axis: Axis, extent: Extent| {
            let options = picture.axis(axis);
            let scale = Scale::new(extent.values.into_iter(), options, steps);
            let unit = extent.unit.filter(|_| options.show_units);
            let format = ValueFormat::new(unit.as_deref(), scale.low.abs().max(scale.high.abs()));
            Side { scale, format, label: axis_label(options).map(str::to_owned) }
        };
        let left = left.map(|extent| side(Axis::Left, extent));
        let right = right.map(|extent| side(Axis::Right, extent));
        let width = |side: &Option<Side>| side.as_ref().map_or(0.0, Side::label_width);
        if area.width - width(&left) - width(&right) > PLOT_MIN {
            area.x += width(&left);
            area.width -= width(&left) + width(&right);
        }
        Self { area, left, right, time_height }
    }

    fn side(&self, axis: Axis) -> Option<&Side> {
        match axis {
            Axis::Left => self.left.as_ref(),
            Axis::Right => self.right.as_ref(),
        }
    }

    /// Where `value` is on an axis that was laid out; far outside values stay near the plot.
    pub(crate) fn y(&self, axis: Axis, value: f64) -> f64 {
        let side = self.side(axis).or(self.left.as_ref()).or(self.right.as_ref());
        let fraction = side.map_or(0.0, |side| side.scale.fraction(value)).clamp(-10.0, 11.0);
        self.area.bottom() - fraction * self.area.height
    }

    /// Where zero is, or the nearest edge of the plot.
    pub(crate) fn base(&self, axis: Axis) -> f64 {
        self.y(axis, 0.0).clamp(self.area.y, self.area.bottom())
    }

    pub(crate) fn time_axis(&self, picture: &WidgetPicture) -> TimeAxis {
        TimeAxis::new(picture.range, picture.offset_secs, self.area.x, self.area.width)
    }

    /// The grid, and the labels of the value axes.
    pub(crate) fn draw_values(&self, svg: &mut Svg, picture: &WidgetPicture, body: Rect) {
        let palette = picture.theme.palette();
        let area = self.area;
        let grid = self.left.as_ref().or(self.right.as_ref());
        for tick in grid.map(|side| side.scale.ticks()).unwrap_or_default() {
            let axis = if self.left.is_some() { Axis::Left } else { Axis::Right };
            let y = self.y(axis, tick).round() + 0.5;
            svg.line((area.x, y), (area.right(), y), grid_line(palette, tick == 0.0), 1.0);
        }
        for (axis, side) in [(Axis::Left, &self.left), (Axis::Right, &self.right)] {
            let Some(side) = side else { continue };
            // Left out when there was no room for them.
            let has_room = match axis {
                Axis::Left => area.x > body.x,
                Axis::Right => area.right() < body.right(),
            };
            if has_room {
                side.draw_ticks(svg, palette, self, axis);
            }
            side.draw_label(svg, palette, (body, area), axis);
        }
    }

    /// Ticks and labels of the time axis.
    pub(crate) fn draw_time(&self, svg: &mut Svg, picture: &WidgetPicture, axis: &TimeAxis) {
        if self.time_height == 0.0 {
            return;
        }
        let palette = picture.theme.palette();
        let style = tick_style(palette, Anchor::Middle);
        let bottom = self.area.bottom();
        for (x, text) in axis.ticks(TIME_SPACING) {
            let half = style.weight.width(&text, style.size) / 2.0;
            svg.line((x, bottom), (x, bottom + 4.0), grid_line(palette, true), 1.0);
            // At the edges the label moves, not the tick.
            let (first, last) = (half + 4.0, f64::from(picture.width) - half - 4.0);
            let x = x.clamp(first, last.max(first));
            svg.text((x, bottom + 4.0 + SIZE + 1.0), style, &text);
        }
    }
}

impl Side {
    fn label_width(&self) -> f64 {
        let ticks = self.scale.ticks().into_iter().map(|tick| self.format.tick(tick, self.scale.step));
        let widest = ticks.map(|text| Weight::Regular.width(&text, SIZE)).fold(0.0, f64::max);
        widest + GAP
    }

    fn draw_ticks(&self, svg: &mut Svg, palette: &Palette, plot: &Plot, axis: Axis) {
        let (x, anchor) = match axis {
            Axis::Left => (plot.area.x - GAP, Anchor::End),
            Axis::Right => (plot.area.right() + GAP, Anchor::Start),
        };
        for tick in self.scale.ticks() {
            let y = plot.y(axis, tick) + SIZE * 0.36;
            svg.text((x, y), tick_style(palette, anchor), &self.format.tick(tick, self.scale.step));
        }
    }

    fn draw_label(&self, svg: &mut Svg, palette: &Palette, (body, area): (Rect, Rect), axis: Axis) {
        let Some(label) = &self.label else { return };
        if area.y - body.y < TITLE_HEIGHT - 0.5 {
            return;
        }
        let (x, anchor) = match axis {
            Axis::Left => (body.x, Anchor::Start),
            Axis::Right => (body.right(), Anchor::End),
        };
        let style = TextStyle { color: palette.secondary, ..tick_style(palette, anchor) };
        let label = style.weight.fit(label, style.size, body.width * 0.48);
        svg.text((x, body.y + SIZE - 2.0), style, &label);
    }
}

fn axis_label(options: &AxisOptions) -> Option<&str> {
    options.label.as_deref().map(str::trim).filter(|label| !label.is_empty())
}

fn tick_style(palette: &Palette, anchor: Anchor) -> TextStyle {
    TextStyle { size: SIZE, weight: Weight::Regular, color: palette.muted, anchor }
}

fn grid_line(palette: &Palette, strong: bool) -> Stroke {
    Stroke { color: if strong { palette.muted } else { palette.line }, dashes: "" }
}
