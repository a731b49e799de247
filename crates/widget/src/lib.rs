//! Draws metric widgets as PNG: lines, areas, bars, pies, gauges and numbers.
//!
//! [`render_png`] is a pure function of a [`WidgetPicture`]: fonts are embedded and no clock is read, so equal
//! pictures are equal bytes. A view writes SVG ([`svg`]), which is then rasterised ([`raster`]). The SVG is
//! written directly: coordinates keep their fractions, which a backend of whole pixels would lose.

mod annotation;
mod axis;
mod bars;
mod chart;
mod color;
mod font;
mod frame;
mod gauge;
mod legend;
mod picture;
mod pie;
mod raster;
mod scale;
mod single_value;
mod svg;
mod theme;
mod time_axis;
mod unit;

pub use color::Color;
pub use picture::{
    Axis, AxisOptions, HorizontalAnnotation, HorizontalFill, LegendPosition, SIZE_MAX, Series,
    VerticalAnnotation, VerticalFill, View, WidgetPicture,
};
pub use theme::Theme;

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum WidgetError {
    /// Width and height are 1 to [`SIZE_MAX`] pixels.
    #[error("a picture of {width} by {height} pixels cannot be drawn")]
    Size { width: u32, height: u32 },
    /// A view wrote an SVG that is none: a fault of this crate.
    #[error("the drawing could not be rasterised: {0}")]
    Raster(String),
}

/// The picture as a PNG of exactly its width and height.
pub fn render_png(picture: &WidgetPicture) -> Result<Vec<u8>, WidgetError> {
    let (width, height) = (picture.width, picture.height);
    if !(1..=SIZE_MAX).contains(&width) || !(1..=SIZE_MAX).contains(&height) {
        return Err(WidgetError::Size { width, height });
    }
    raster::png(&render_svg(picture), width, height)
}

/// The picture as SVG. Its text needs the fonts of this crate.
pub fn render_svg(picture: &WidgetPicture) -> String {
    let mut svg = svg::Svg::new(picture.width, picture.height);
    let palette = picture.theme.palette();
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    svg.rect(svg::Rect { x: 0.0, y: 0.0, width, height }, palette.surface, 1.0);
    match picture.view {
        View::TimeSeries => chart::draw(&mut svg, picture),
        View::Bar => bars::draw(&mut svg, picture),
        View::Pie => pie::draw(&mut svg, picture),
        View::Gauge => gauge::draw(&mut svg, picture),
        View::SingleValue => single_value::draw(&mut svg, picture),
    }
    svg.finish()
}
