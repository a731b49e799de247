//! The two grounds a picture can be drawn on, and their colours: those of the console.

use crate::color::Color;
use crate::picture::Series;

/// The ground of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

pub(crate) struct Palette {
    pub(crate) surface: Color,
    pub(crate) sunk: Color,
    pub(crate) line: Color,
    pub(crate) text: Color,
    pub(crate) secondary: Color,
    pub(crate) muted: Color,
    pub(crate) warning: Color,
    /// Of annotations without a colour.
    pub(crate) annotation: Color,
    /// Told apart by colour-blind readers; the last four are drawn dashed as well.
    pub(crate) series: [Color; 10],
}

const LIGHT: Palette = Palette {
    surface: Color::hex(0xffffff),
    sunk: Color::hex(0xeef1f5),
    line: Color::hex(0xd5dbe3),
    text: Color::hex(0x17202b),
    secondary: Color::hex(0x4b5768),
    muted: Color::hex(0x5f6b7c),
    warning: Color::hex(0xb86a00),
    annotation: Color::hex(0xa9000f),
    series: [
        Color::hex(0x043fc6),
        Color::hex(0xd77e05),
        Color::hex(0x3c997a),
        Color::hex(0xb83244),
        Color::hex(0x9f70d8),
        Color::hex(0x532900),
        Color::hex(0x821c4b),
        Color::hex(0x8a939e),
        Color::hex(0x7e7500),
        Color::hex(0x066574),
    ],
};

const DARK: Palette = Palette {
    surface: Color::hex(0x161b22),
    sunk: Color::hex(0x2b333f),
    line: Color::hex(0x2b333f),
    text: Color::hex(0xe6ebf2),
    secondary: Color::hex(0xa9b4c3),
    muted: Color::hex(0x8d99aa),
    warning: Color::hex(0xf9ba27),
    annotation: Color::hex(0xe0524f),
    series: [
        Color::hex(0x2f63e1),
        Color::hex(0xf99113),
        Color::hex(0x44956e),
        Color::hex(0xd73626),
        Color::hex(0xb799e7),
        Color::hex(0xe0c0b5),
        Color::hex(0xa54f83),
        Color::hex(0x999da5),
        Color::hex(0xdaf194),
        Color::hex(0x92f0fb),
    ],
};

impl Theme {
    pub(crate) fn palette(self) -> &'static Palette {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

/// How the series at one place of the list is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) color: Color,
    /// `stroke-dasharray`; empty draws a solid line.
    pub(crate) dashes: &'static str,
}

impl Palette {
    /// An explicit colour wins and is solid. Otherwise series 7 to 10 are dashed, and from the eleventh on
    /// colours repeat with other dashes.
    pub(crate) fn stroke(&self, index: usize, series: &Series) -> Stroke {
        if let Some(color) = series.color {
            return Stroke { color, dashes: "" };
        }
        let dashes = match index {
            0..6 => "",
            6..10 => "7 3",
            _ => ["2 3", "9 3 2 3", "12 4", "4 2"][(index / 10 - 1) % 4],
        };
        Stroke { color: self.series[index % self.series.len()], dashes }
    }
}
