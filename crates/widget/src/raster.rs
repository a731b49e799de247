//! SVG to PNG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::WidgetError;
use crate::font::{self, Weight};

pub(crate) fn png(svg: &str, width: u32, height: u32) -> Result<Vec<u8>, WidgetError> {
    let raster = |error: &dyn std::fmt::Display| WidgetError::Raster(error.to_string());
    let options = Options {
        font_family: Weight::Regular.family().to_owned(),
        fontdb: font::database(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|e| raster(&e))?;
    let mut pixmap = Pixmap::new(width, height).ok_or(WidgetError::Size { width, height })?;
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|e| raster(&e))
}
