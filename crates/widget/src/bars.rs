//! The bar view: the latest value of each series.

use crate::axis::{Extent, Plot};
use crate::font::Weight;
use crate::picture::{Axis, Series, WidgetPicture};
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::unit::ValueFormat;
use crate::{annotation, chart, frame, legend};

const SIZE: f64 = 11.0;
const BAR_WIDTH_MAX: f64 = 72.0;

pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture) {
    let palette = picture.theme.palette();
    let body = frame::open(svg, picture);
    let body = legend::draw(svg, picture, body, &chart::entries(picture, true));
    let extent = |axis| extent(picture, axis);
    let plot = Plot::lay_out(picture, body, extent(Axis::Left), extent(Axis::Right), false);
    plot.draw_values(svg, picture, body);
    let bars: Vec<(usize, &Series, f64)> = picture
        .series
        .iter()
        .enumerate()
        .filter_map(|(index, series)| Some((index, series, series.latest()?)))
        .collect();
    let slot = plot.area.width / bars.len().max(1) as f64;
    let width = (slot * 0.7).min(BAR_WIDTH_MAX);
    svg.clipped(plot.area, |svg| {
        for (place, (index, series, value)) in bars.iter().enumerate() {
            let x = plot.area.x + (place as f64 + 0.5) * slot - width / 2.0;
            let (base, y) = (plot.base(series.axis), plot.y(series.axis, *value));
            let bar = Rect { x, y: base.min(y), width, height: (base - y).abs() };
            svg.rect(bar, palette.stroke(*index, series).color, 1.0);
        }
    });
    annotation::draw_horizontal(svg, picture, &plot);
    for (place, (_, series, value)) in bars.iter().enumerate() {
        let unit = series.unit.as_deref().filter(|_| picture.axis(series.axis).show_units);
        let text = ValueFormat::of(*value, unit);
        if Weight::Regular.width(&text, SIZE) > slot - 2.0 {
            continue;
        }
        let x = plot.area.x + (place as f64 + 0.5) * slot;
        let y = plot.y(series.axis, *value);
        // At the bar's free end; inside it where the plot ends.
        let above = *value >= 0.0;
        let inside = if above { y - SIZE - 2.0 < plot.area.y } else { y + SIZE + 4.0 > plot.area.bottom() };
        let baseline = match (above, inside) {
            (true, false) => y - 4.0,
            (true, true) => y.max(plot.area.y) + SIZE + 2.0,
            (false, false) => y + SIZE + 2.0,
            (false, true) => y.min(plot.area.bottom()) - 4.0,
        };
        let color = if inside { palette.surface } else { palette.text };
        let style = TextStyle { size: SIZE, weight: Weight::SemiBold, color, anchor: Anchor::Middle };
        svg.text((x, baseline), style, &text);
    }
    if !picture.has_data() {
        frame::no_data(svg, picture, plot.area);
    }
}

fn extent(picture: &WidgetPicture, axis: Axis) -> Option<Extent> {
    let mut values: Vec<f64> = annotation::values(picture, axis).collect();
    let own = picture.series.iter().filter(|series| series.axis == axis);
    let used = !values.is_empty() || own.clone().next().is_some();
    values.extend(own.filter_map(Series::latest));
    used.then(|| Extent { values, unit: chart::shared_unit(picture, axis) })
}
