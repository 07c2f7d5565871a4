//! The page that tells a denial in HTML: small, without scripts, images or anything else to load.
//!
//! In: the looks of the page, and what is to be told. Out: the page, and the policy that keeps
//! everything out of it but its own style (Content Security Policy Level 3, section 8.3).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{digest::sha256, model::DenialPage};

/// The texts of a page, none of them escaped.
pub(super) struct PageText<'a> {
    pub(super) heading: &'static str,
    pub(super) message: &'a str,
    /// Names and values for those who look for the cause.
    pub(super) details: &'a [(&'static str, &'a str)],
}

/// The page.
pub(super) fn page(looks: &DenialPage, text: &PageText<'_>) -> String {
    let heading = text.heading;
    let site = escaped(&looks.title);
    let (title, site) = if looks.title.is_empty() {
        (heading.to_owned(), String::new())
    } else {
        (format!("{heading} - {site}"), format!("<p class=\"site\">{site}</p>\n"))
    };
    let detail = |(name, value): &(&str, &str)| {
        format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value))
    };
    let details: String = text.details.iter().map(detail).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n\
         {site}<h1>{heading}</h1>\n<p>{message}</p>\n<dl>\n{details}</dl>\n\
         </main>\n</body>\n</html>\n",
        style = style(looks),
        message = escaped(text.message),
    )
}

/// The value of `Content-Security-Policy`: the hash is that of the style of this page.
pub(super) fn security_policy(looks: &DenialPage) -> String {
    let hash = STANDARD.encode(sha256(style(looks).as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// Text has a contrast of at least 7 to 1 on either background; the accent carries no text.
fn style(looks: &DenialPage) -> String {
    format!(
        ":root{{color-scheme:light dark}}\
         body{{margin:0;background:#fff;color:#1f2328;font:1rem/1.5 system-ui,sans-serif}}\
         main{{max-width:36rem;margin:12vh auto 0;padding:1.5rem;border-top:.375rem solid {accent}}}\
         h1{{margin:0 0 .5rem;font-size:1.75rem;line-height:1.2}}\
         .site{{margin:0 0 1rem;font-weight:600}}\
         dl{{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1.5rem 0 0;\
         font-size:.875rem}}\
         dd{{margin:0;overflow-wrap:anywhere;font-family:ui-monospace,monospace}}\
         @media(prefers-color-scheme:dark){{body{{background:#0d1117;color:#e6edf3}}}}",
        accent = looks.accent,
    )
}

/// A text that is no markup, neither between tags nor in an attribute.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe.into()
}
