//! Colours as `#rrggbb`.

use std::fmt;

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// From `0xrrggbb`.
    pub(crate) const fn hex(rgb: u32) -> Self {
        Self((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }

    /// Reads `#rrggbb` or `#rgb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            6 => Some(Self::hex(value)),
            3 => {
                let channel = |shift: u32| ((value >> shift) & 0xf) as u8 * 17;
                Some(Self(channel(8), channel(4), channel(0)))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_forms_are_read() {
        assert_eq!(Color::parse("#1f77b4"), Some(Color(0x1f, 0x77, 0xb4)));
        assert_eq!(Color::parse("#f0A"), Some(Color(0xff, 0x00, 0xaa)));
        for bad in ["", "#", "1f77b4", "#1f77b", "#gggggg", "red", "#+12345"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }
}
