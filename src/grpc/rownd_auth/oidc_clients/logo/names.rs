//! The elements of a still drawing, and the attributes that run or load something.
//!
//! Elements are allowed by name, because a browser may learn a new one that runs or loads
//! something. Elements of other namespaces, such as those that editors leave behind, do nothing,
//! except in the namespaces that browsers know. They must have a prefix: pasted into HTML, an
//! element without one is HTML's or SVG's, whatever its namespace.

use xml::name::OwnedName;

pub(super) const SVG: &str = "http://www.w3.org/2000/svg";

/// SVG's elements that draw, describe or move, and neither run nor load anything by themselves.
const ELEMENTS: [&str; 92] = [
    "a",
    "altGlyph",
    "altGlyphDef",
    "altGlyphItem",
    "animate",
    "animateColor",
    "animateMotion",
    "animateTransform",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feImage",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "flowPara",
    "flowRegion",
    "flowRoot",
    "flowSpan",
    "font",
    "font-face",
    "font-face-format",
    "font-face-name",
    "font-face-src",
    "g",
    "glyph",
    "glyphRef",
    "hatch",
    "hatchpath",
    "hkern",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "mesh",
    "meshgradient",
    "meshpatch",
    "meshrow",
    "metadata",
    "missing-glyph",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "set",
    "solidColor",
    "solidcolor",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tref",
    "tspan",
    "use",
    "view",
    "vkern",
    "color-profile",
    "cursor",
    "textArea",
    "tbreak",
];

/// The namespaces whose elements browsers and XML processors act on.
const ACTIVE: [&str; 7] = [
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/1999/XSL/Transform",
    "http://www.w3.org/2001/XInclude",
    "http://www.w3.org/2001/xml-events",
    "http://www.w3.org/1999/xlink",
    "http://www.mozilla.org/xbl",
];

/// The local names that are refused with any prefix.
const ALWAYS_REFUSED: [&str; 12] = [
    "audio",
    "embed",
    "foreignobject",
    "frame",
    "handler",
    "iframe",
    "include",
    "listener",
    "object",
    "script",
    "style",
    "video",
];

/// Attributes that load something, or change what a reference leads to. `href` is judged by its
/// value.
const LOADING: [&str; 14] = [
    "action",
    "archive",
    "background",
    "base",
    "classid",
    "codebase",
    "formaction",
    "handler",
    "manifest",
    "ping",
    "poster",
    "src",
    "srcdoc",
    "srcset",
];

/// Whether an element may be in a logo.
pub(super) fn is_allowed(element: &OwnedName) -> bool {
    let local = element.local_name.as_str();
    match element.namespace.as_deref() {
        Some(SVG) => ELEMENTS.contains(&local),
        Some(other) => {
            let lower = local.to_ascii_lowercase();
            element.prefix.is_some()
                && !ACTIVE.contains(&other)
                && !ALWAYS_REFUSED.contains(&lower.as_str())
        }
        None => false,
    }
}

/// Whether an attribute of this local name runs something, loads something, or moves references.
pub(super) fn runs_or_loads(local: &str) -> bool {
    let lower = local.to_ascii_lowercase();
    lower.starts_with("on") || LOADING.contains(&lower.as_str())
}

/// The name as it may stand in a message.
pub(super) fn shown(name: &str) -> String {
    const MOST: usize = 40;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() <= MOST && name.chars().all(plain) { name.to_owned() } else { "?".to_owned() }
}
