//! Whether a file may be the logo of an OpenID client.
//!
//! In: the bytes of a file. Out: its format, judged by its content and never by a name; or the
//! reason why it is refused. Rownd shows a logo on its page of sign-in, so a drawing that runs
//! anything, or that loads anything from elsewhere, would do so there.

mod css;
mod names;
mod png;
#[cfg(test)]
mod png_tests;
mod reference;
mod svg;
#[cfg(test)]
mod tests;
mod uses;

use crate::issuer_api::administration::oidc_clients::LogoFormat;

/// The most bytes of a logo: 5 MB, as Rownd's documents say.
pub(super) const MAX_BYTES: usize = 5_000_000;

/// Why a file is no logo. No message holds more of the file than the name of an element or of an
/// attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LogoProblem {
    /// There are no bytes.
    #[error("is empty")]
    Empty,
    /// It has more than [`MAX_BYTES`].
    #[error("has more than {MAX_BYTES} bytes, the most that a logo may have")]
    TooLarge,
    /// It is compressed as a whole, which hides its size and its content.
    #[error("is compressed; send a PNG, or an SVG that is plain text and no svgz")]
    Compressed,
    /// It begins as neither format does.
    #[error("is neither a PNG nor an SVG, by its content")]
    OtherFormat,
    /// It begins as a PNG and goes on as none.
    #[error("begins as a PNG, but {0}")]
    BadPng(&'static str),
    /// It is text that is refused as an SVG, at this line.
    #[error("is refused as an SVG, line {line}: {problem}")]
    BadSvg {
        /// The line, counted from 1.
        line: u64,
        /// The problem.
        problem: SvgProblem,
    },
}

/// Why a drawing is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SvgProblem {
    /// The text is not well-formed XML.
    #[error("it is not well-formed XML")]
    NotXml,
    /// The text is in another encoding than UTF-8, or says so.
    #[error("it is not in UTF-8, or its XML declaration names another encoding or version")]
    Encoding,
    /// It has a document type, which can define entities.
    #[error("it has a document type (DTD), which can define entities; leave it out")]
    DocumentType,
    /// It has a processing instruction, such as one that loads a style sheet.
    #[error("it has a processing instruction (`<?...?>`); leave it out")]
    ProcessingInstruction,
    /// The root is not `svg` of SVG's namespace.
    #[error("the root is not `<svg xmlns=\"http://www.w3.org/2000/svg\">`")]
    Root,
    /// An element that is not one of a still drawing.
    #[error("the element `{0}` is not allowed in a logo")]
    Element(String),
    /// An attribute that runs or loads something.
    #[error("the attribute `{0}` is not allowed in a logo")]
    Attribute(String),
    /// An attribute that leads out of the drawing.
    #[error(
        "the attribute `{0}` leads out of the drawing; only `#id` and `data:` with a raster image \
         (PNG, JPEG, GIF, WebP, in base64) are allowed"
    )]
    Reference(String),
    /// Style that leads out of the drawing, or could.
    #[error("the style {0}")]
    Style(#[from] css::StyleProblem),
    /// Text that HTML would read as markup.
    #[error("it has a CDATA section outside of `style`, or a comment that begins with `>`")]
    HiddenMarkup,
    /// It is too complex: elements, levels, namespaces, or what `use` repeats.
    #[error("it has more {0} than a logo needs")]
    TooComplex(&'static str),
}

/// The format of this file.
///
/// # Errors
///
/// [`LogoProblem`], if it may not be a logo.
pub(super) fn judge(file: &[u8]) -> Result<LogoFormat, LogoProblem> {
    if file.is_empty() {
        return Err(LogoProblem::Empty);
    }
    if file.len() > MAX_BYTES {
        return Err(LogoProblem::TooLarge);
    }
    if file.starts_with(&png::SIGNATURE) {
        return png::check(file).map(|()| LogoFormat::Png).map_err(LogoProblem::BadPng);
    }
    if is_compressed(file) {
        return Err(LogoProblem::Compressed);
    }
    let text = file.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(file);
    // XML in UTF-16 begins with a mark or with a zero byte.
    let is_wide = matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..]);
    if !is_wide && text.trim_ascii_start().first() != Some(&b'<') {
        return Err(LogoProblem::OtherFormat);
    }
    svg::check(text).map(|()| LogoFormat::Svg)
}

/// The first bytes of gzip, zip, zlib, bzip2, xz and Zstandard.
fn is_compressed(file: &[u8]) -> bool {
    const STARTS: [&[u8]; 8] = [
        &[0x1f, 0x8b],
        b"PK",
        &[0x78, 0x01],
        &[0x78, 0x9c],
        &[0x78, 0xda],
        b"BZh",
        &[0xfd, b'7', b'z', b'X', b'Z'],
        &[0x28, 0xb5, 0x2f, 0xfd],
    ];
    STARTS.iter().any(|start| file.starts_with(start))
}
