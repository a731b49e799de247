//! The embedded fonts, and how wide a text is in them.
//!
//! Subsets of Inter (SIL Open Font License, `fonts/OFL.txt`): Latin, Greek, Cyrillic and some signs. Other
//! characters are drawn as the font's empty box, since a picture must not depend on the fonts of a machine.

use std::sync::{Arc, LazyLock};

use ab_glyph::{Font as _, FontRef};
use resvg::usvg::fontdb;

const REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.otf");
const ELLIPSIS: &str = "…";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    SemiBold,
}

struct Faces {
    regular: FontRef<'static>,
    semi_bold: FontRef<'static>,
}

static FACES: LazyLock<Faces> = LazyLock::new(|| Faces {
    regular: FontRef::try_from_slice(REGULAR).expect("the embedded font is a font"),
    semi_bold: FontRef::try_from_slice(SEMI_BOLD).expect("the embedded font is a font"),
});

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    database.load_font_data(REGULAR.to_vec());
    database.load_font_data(SEMI_BOLD.to_vec());
    database.set_sans_serif_family(Weight::Regular.family());
    Arc::new(database)
});

/// The fonts for the rasteriser.
pub(crate) fn database() -> Arc<fontdb::Database> {
    DATABASE.clone()
}

impl Weight {
    /// The name in the font file.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Regular => "Inter",
            Self::SemiBold => "Inter Semi Bold",
        }
    }

    /// The width of `text` in pixels; kerning is left out, so the true width is a little less.
    pub(crate) fn width(self, text: &str, size: f64) -> f64 {
        let font = match self {
            Self::Regular => &FACES.regular,
            Self::SemiBold => &FACES.semi_bold,
        };
        let advance = |c| f64::from(font.h_advance_unscaled(font.glyph_id(c)));
        let em = f64::from(font.units_per_em().unwrap_or(1000.0));
        // Figures are drawn in equal widths, those of the widest.
        text.chars().map(|c| advance(if c.is_ascii_digit() { '0' } else { c })).sum::<f64>() / em * size
    }

    /// `text`, or as much of its beginning as fits into `width` with an ellipsis; empty if not even that fits.
    pub(crate) fn fit(self, text: &str, size: f64, width: f64) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let mut left = width - self.width(ELLIPSIS, size);
        let mut fitted = String::new();
        for c in text.chars() {
            left -= self.width(c.encode_utf8(&mut [0; 4]), size);
            if left < 0.0 {
                break;
            }
            fitted.push(c);
        }
        if fitted.is_empty() {
            return fitted;
        }
        fitted.truncate(fitted.trim_end().len());
        fitted + ELLIPSIS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_are_in_the_files() {
        let database = database();
        for weight in [Weight::Regular, Weight::SemiBold] {
            let named =
                |face: &fontdb::FaceInfo| face.families.iter().any(|(name, _)| name == weight.family());
            assert!(database.faces().any(named), "{weight:?}");
        }
    }

    #[test]
    fn text_is_cut_to_its_place() {
        let font = Weight::Regular;
        let width = font.width("CPUUtilization", 12.0);
        assert!((60.0..110.0).contains(&width), "{width}");
        assert_eq!(font.fit("CPUUtilization", 12.0, width), "CPUUtilization");
        let cut = font.fit("CPUUtilization", 12.0, width - 1.0);
        assert!(cut.ends_with('…') && font.width(&cut, 12.0) <= width, "{cut}");
        assert_eq!(font.fit("CPUUtilization", 12.0, 3.0), "");
    }
}
