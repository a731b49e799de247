//! The names of the series, under or beside the plot.

use crate::font::Weight;
use crate::picture::{LegendPosition, WidgetPicture};
use crate::svg::{Anchor, Rect, Svg, TextStyle};
use crate::theme::{Palette, Stroke};

const SIZE: f64 = 12.0;
const ROW_HEIGHT: f64 = 18.0;
const SWATCH_WIDTH: f64 = 18.0;
const SWATCH_GAP: f64 = 6.0;
const WARNING_WIDTH: f64 = 16.0;
const ITEM_GAP: f64 = 18.0;
/// Between legend and plot.
const DISTANCE: f64 = 10.0;
/// How much of the body a legend may take.
const SHARE_BOTTOM: f64 = 0.35;
const SHARE_RIGHT: f64 = 0.4;
/// Smaller bodies have no legend.
const BODY_MIN: (f64, f64) = (120.0, 100.0);

/// One line of the legend.
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) stroke: Stroke,
    /// A square instead of a piece of line.
    pub(crate) filled: bool,
    pub(crate) partial: bool,
}

impl Entry {
    fn extra(&self) -> f64 {
        SWATCH_WIDTH + SWATCH_GAP + if self.partial { WARNING_WIDTH } else { 0.0 }
    }

    fn width(&self) -> f64 {
        self.extra() + Weight::Regular.width(&self.label, SIZE)
    }
}

/// Draws the legend where the picture wants it; what is left of `body` is the plot's.
pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture, body: Rect, entries: &[Entry]) -> Rect {
    if entries.is_empty() || body.width < BODY_MIN.0 || body.height < BODY_MIN.1 {
        return body;
    }
    match picture.legend {
        LegendPosition::Hidden => body,
        LegendPosition::Bottom => bottom(svg, picture.theme.palette(), body, entries),
        LegendPosition::Right => right(svg, picture.theme.palette(), body, entries),
    }
}

fn bottom(svg: &mut Svg, palette: &Palette, mut body: Rect, entries: &[Entry]) -> Rect {
    let rows_max = ((body.height * SHARE_BOTTOM / ROW_HEIGHT).floor() as usize).max(1);
    let rows = wrap(entries, body.width);
    let shown = &rows[..rows.len().min(rows_max)];
    let height = shown.len() as f64 * ROW_HEIGHT;
    let mut y = body.bottom() - height;
    body.height -= height + DISTANCE;
    let count: usize = shown.iter().map(|row| row.len()).sum();
    for (index, row) in shown.iter().enumerate() {
        let mut x = body.x;
        let is_last = index + 1 == shown.len() && count < entries.len();
        let more = if is_last { format!("+{} more", entries.len() - count) } else { String::new() };
        let reserved = if is_last { Weight::Regular.width(&more, SIZE) + ITEM_GAP } else { 0.0 };
        for (place, entry) in row.iter().enumerate() {
            // With "+N more" behind them, the last of a row gives way.
            let mut room = body.right() - x;
            if place + 1 == row.len() {
                room -= reserved;
            }
            if room < SWATCH_WIDTH + SWATCH_GAP {
                break;
            }
            x += item(svg, palette, (x, y), entry, room) + ITEM_GAP;
        }
        if is_last {
            let x = x.min(body.right() - reserved + ITEM_GAP);
            label(svg, palette, (x, y), &more);
        }
        y += ROW_HEIGHT;
    }
    body
}

/// Entries in rows no wider than `width`, at least one in each.
fn wrap(entries: &[Entry], width: f64) -> Vec<&[Entry]> {
    let (mut rows, mut start, mut used) = (Vec::new(), 0, 0.0);
    for (index, entry) in entries.iter().enumerate() {
        let needed = entry.width();
        if index > start && used + needed > width {
            rows.push(&entries[start..index]);
            (start, used) = (index, 0.0);
        }
        used += needed + ITEM_GAP;
    }
    rows.push(&entries[start..]);
    rows
}

fn right(svg: &mut Svg, palette: &Palette, mut body: Rect, entries: &[Entry]) -> Rect {
    let rows_max = (body.height / ROW_HEIGHT).floor() as usize;
    let all = entries.len() <= rows_max;
    let shown = if all { entries } else { &entries[..rows_max.saturating_sub(1)] };
    let widest = shown.iter().map(Entry::width).fold(0.0, f64::max);
    let width = widest.min(body.width * SHARE_RIGHT);
    body.width -= width + DISTANCE;
    let x = body.right() + DISTANCE;
    let mut y = body.y;
    for entry in shown {
        item(svg, palette, (x, y), entry, width);
        y += ROW_HEIGHT;
    }
    if !all {
        label(svg, palette, (x, y), &format!("+{} more", entries.len() - shown.len()));
    }
    body
}

/// Draws one entry into `room` and answers how wide it is.
fn item(svg: &mut Svg, palette: &Palette, (x, y): (f64, f64), entry: &Entry, room: f64) -> f64 {
    let middle = y + ROW_HEIGHT / 2.0;
    if entry.filled {
        let square = Rect { x: x + 3.0, y: middle - 6.0, width: 12.0, height: 12.0 };
        svg.rect(square, entry.stroke.color, 1.0);
    } else {
        svg.line((x, middle), (x + SWATCH_WIDTH, middle), entry.stroke, 2.5);
    }
    let mut at = x + SWATCH_WIDTH + SWATCH_GAP;
    if entry.partial {
        warning(svg, palette, (at, middle));
        at += WARNING_WIDTH;
    }
    let text = Weight::Regular.fit(&entry.label, SIZE, room - (at - x));
    label(svg, palette, (at, y), &text);
    at - x + Weight::Regular.width(&text, SIZE)
}

fn label(svg: &mut Svg, palette: &Palette, (x, y): (f64, f64), text: &str) {
    let style =
        TextStyle { size: SIZE, weight: Weight::Regular, color: palette.secondary, anchor: Anchor::Start };
    svg.text((x, y + ROW_HEIGHT / 2.0 + SIZE * 0.36), style, text);
}

/// A triangle with an exclamation mark.
fn warning(svg: &mut Svg, palette: &Palette, (x, middle): (f64, f64)) {
    let (top, bottom) = (middle - 6.0, middle + 5.0);
    let data = format!("M{:.2} {top:.2}L{:.2} {bottom:.2}L{x:.2} {bottom:.2}Z", x + 6.5, x + 13.0);
    svg.path(&data, palette.warning, None);
    let mark = Rect { x: x + 5.75, y: middle - 2.5, width: 1.5, height: 4.0 };
    svg.rect(mark, palette.surface, 1.0);
    svg.rect(Rect { y: middle + 2.5, height: 1.5, ..mark }, palette.surface, 1.0);
}
