//! What surrounds every view: the title and the margin.

use crate::font::Weight;
use crate::picture::WidgetPicture;
use crate::svg::{Anchor, Rect, Svg, TextStyle};

/// Room around everything; less in small pictures.
const MARGIN: f64 = 12.0;
const TITLE_SIZE: f64 = 14.0;
const TITLE_HEIGHT: f64 = 26.0;
/// A picture less high than this has no title.
const TITLED_HEIGHT_MIN: f64 = 70.0;

/// Draws the title; what is left is the view's.
pub(crate) fn open(svg: &mut Svg, picture: &WidgetPicture) -> Rect {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let margin = MARGIN.min(width / 20.0).min(height / 20.0);
    let mut body = Rect { x: 0.0, y: 0.0, width, height }.inset(margin);
    let title = picture.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    if let Some(title) = title
        && height >= TITLED_HEIGHT_MIN
    {
        let style = TextStyle {
            size: TITLE_SIZE,
            weight: Weight::SemiBold,
            color: picture.theme.palette().text,
            anchor: Anchor::Start,
        };
        let title = style.weight.fit(title, style.size, body.width);
        svg.text((body.x, body.y + TITLE_SIZE), style, &title);
        body.y += TITLE_HEIGHT;
        body.height -= TITLE_HEIGHT;
    }
    body
}

/// Says in the middle of `area` that there is nothing to show.
pub(crate) fn no_data(svg: &mut Svg, picture: &WidgetPicture, area: Rect) {
    let style = TextStyle {
        size: 13.0,
        weight: Weight::Regular,
        color: picture.theme.palette().muted,
        anchor: Anchor::Middle,
    };
    let text = style.weight.fit("No data available", style.size, area.width);
    svg.text((area.x + area.width / 2.0, area.y + area.height / 2.0 + 4.5), style, &text);
}
