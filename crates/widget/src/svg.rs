//! Writes the few SVG elements the views need.

use std::fmt::Write as _;

use crate::color::Color;
use crate::font::Weight;
use crate::theme::Stroke;

/// A document under construction. Coordinates are pixels from the top left corner.
pub(crate) struct Svg {
    text: String,
}

/// A rectangle; its sides are never negative where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The rectangle without `by` at each side; empty rather than inside out.
    pub(crate) fn inset(&self, by: f64) -> Self {
        let (dx, dy) = (by.min(self.width / 2.0), by.min(self.height / 2.0));
        Self { x: self.x + dx, y: self.y + dy, width: self.width - 2.0 * dx, height: self.height - 2.0 * dy }
    }
}

/// Which part of a text is at its coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    pub(crate) size: f64,
    pub(crate) weight: Weight,
    pub(crate) color: Color,
    pub(crate) anchor: Anchor,
}

impl Svg {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 \
             {width} {height}\">\n"
        );
        Self { text }
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn element(&mut self, arguments: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(arguments);
        self.text.push('\n');
    }

    pub(crate) fn rect(&mut self, rect: Rect, fill: Color, opacity: f64) {
        let Rect { x, y, width, height } = rect;
        if width > 0.0 && height > 0.0 {
            self.element(format_args!(
                "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{fill}\" \
                 fill-opacity=\"{opacity}\"/>"
            ));
        }
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke, width: f64) {
        self.element(format_args!(
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" stroke=\"{}\" stroke-width=\"{width}\"{}/>",
            from.0,
            from.1,
            to.0,
            to.1,
            stroke.color,
            Dashes(stroke.dashes)
        ));
    }

    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke, width: f64) {
        if points.len() > 1 {
            let data = path_data(points, false);
            self.element(format_args!(
                "<path d=\"{data}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
                 stroke-linejoin=\"round\" stroke-linecap=\"round\"{}/>",
                stroke.color,
                Dashes(stroke.dashes)
            ));
        }
    }

    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], fill: Color, opacity: f64) {
        if points.len() > 2 {
            let data = path_data(points, true);
            self.element(format_args!("<path d=\"{data}\" fill=\"{fill}\" fill-opacity=\"{opacity}\"/>"));
        }
    }

    /// An outline given as path data.
    pub(crate) fn path(&mut self, data: &str, fill: Color, outline: Option<Color>) {
        let outline =
            outline.map(|color| format!(" stroke=\"{color}\" stroke-width=\"1.5\"")).unwrap_or_default();
        self.element(format_args!("<path d=\"{data}\" fill=\"{fill}\"{outline}/>"));
    }

    pub(crate) fn circle(&mut self, center: (f64, f64), radius: f64, fill: Color) {
        let (x, y) = center;
        self.element(format_args!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" fill=\"{fill}\"/>"));
    }

    /// `y` is the base line.
    pub(crate) fn text(&mut self, at: (f64, f64), style: TextStyle, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.element(format_args!(
            "<text x=\"{:.2}\" y=\"{:.2}\" font-family=\"{}\" font-size=\"{:.2}\" fill=\"{}\" \
             text-anchor=\"{anchor}\" style=\"font-feature-settings:'tnum'\" xml:space=\"preserve\">{}</text>",
            at.0,
            at.1,
            style.weight.family(),
            style.size,
            style.color,
            Escaped(text)
        ));
    }

    /// Draws what `draw` draws, cut off at `rect`.
    pub(crate) fn clipped(&mut self, rect: Rect, draw: impl FnOnce(&mut Self)) {
        let Rect { x, y, width, height } = rect;
        if width <= 0.0 || height <= 0.0 {
            return;
        }
        // The text's length makes the name unique.
        let id = self.text.len();
        self.element(format_args!(
            "<clipPath id=\"c{id}\"><rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" \
             height=\"{height:.2}\"/></clipPath><g clip-path=\"url(#c{id})\">"
        ));
        draw(self);
        self.element(format_args!("</g>"));
    }
}

fn path_data(points: &[(f64, f64)], closed: bool) -> String {
    let mut data = String::with_capacity(points.len() * 16);
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(data, "{command}{x:.2} {y:.2}");
    }
    if closed {
        data.push('Z');
    }
    data
}

struct Dashes(&'static str);

impl std::fmt::Display for Dashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            dashes => write!(f, " stroke-dasharray=\"{dashes}\""),
        }
    }
}

struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                // XML has no form for these.
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        let escaped = Escaped("a<b>&\"\u{0}\n\u{ffff}ü").to_string();
        assert_eq!(escaped, "a&lt;b&gt;&amp;\"   ü");
    }
}
