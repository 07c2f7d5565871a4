//! The forms of texts that several sections have, as patterns in the dialect that ECMA, Python and
//! RE2 share.

use serde_json::{Value, json};

use super::tools::{form, no, pattern};

/// A name of HTTP: a token (RFC 9110 section 5.6.2).
pub(super) const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
pub(super) const IP_PORT: &str = "([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.%]+\\]):0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
pub(super) const WEB: &str = "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s]+";
/// https, or http on an address that may be this machine's.
pub(super) const SAFE_WEB: &str = "^([Hh][Tt][Tt][Pp][Ss]://|[Hh][Tt][Tt][Pp]://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|[0-9]|\\[))";
/// The same without TLS.
pub(super) const PLAIN_WEB: &str = "^[Hh][Tt][Tt][Pp]:";
/// An address that requests reach by TLS, or that surely is this machine's.
pub(super) const PRIVATE_WEB: &str =
    "^([Hh][Tt][Tt][Pp][Ss]:|[Hh][Tt][Tt][Pp]://(localhost|127\\.0\\.0\\.1|\\[::1\\])([:/?#]|$))";
/// A port that is none.
const BAD_PORT: &str = "://[^/?#]*:0*(6553[6-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4}|[1-9][0-9]{5,})([/?#]|$)";
/// A user before the host, or a fragment.
const USER_OR_FRAGMENT: &str = "#|://[^/?#:@\\\\]+(:[^/?#@\\\\]*)?@";
pub(super) const HOST: &str = "^(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?$";
pub(super) const SCOPE: &str = "^[!#-\\[\\]-~]+$";
pub(super) const NAME: &str = "^[A-Za-z0-9_-]+$";
/// A text without blanks at its ends.
pub(super) const TRIMMED: &str = "^\\S(.*\\S)?$";
/// Visible ASCII, without blanks.
pub(super) const GRAPHIC: &str = "^[!-~]+$";
/// Visible ASCII, without blanks at its ends.
pub(super) const LINE: &str = "^[!-~]([ -~]*[!-~])?$";
/// An absolute path.
pub(super) const ABSOLUTE: &str = "^/";
/// An origin, or all below a domain (RFC 6454).
pub(super) const ORIGIN: &str = "^([Hh][Tt][Tt][Pp][Ss]://(\\*\\.[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)+|[^*/?#@\\\\\\s:]+|\\[[0-9A-Fa-f:.]+\\])|[Hh][Tt][Tt][Pp]://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127\\.[0-9.]+|\\[[0-9A-Fa-f:.]+\\]))(:[0-9]+)?$";
/// An address, or a range of addresses.
pub(super) const NETWORK: &str = "^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}(/(3[0-2]|[12]?[0-9]))?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$";
/// Every address, or a range with bits behind its prefix.
pub(super) const ODD_NETWORK: &str = "/0$|^([0-9]+\\.){3}[1-9][0-9]*/(2[0-4]|1?[0-9])$|^([0-9]+\\.){2}[1-9][0-9]*\\.[0-9]+/(1[0-6]|[0-9])$|^[0-9]+\\.[1-9][0-9]*\\.[0-9.]+/[0-8]$";

/// A text that begins as the path of a secret's file, and is none.
pub(super) const NO_PATH: &str = "^file:([~\\s]|$|.*\\s$)";

/// A secret of this form, or the path of its file.
pub(super) fn secret(of: &str) -> Value {
    form(format!("^(file:.+|{of})$"), NO_PATH)
}

/// Any secret: visible ASCII, or the path of its file.
pub(super) fn any_secret() -> Value {
    secret("[!-~]+")
}

/// A secret that signs by the rules of Standard Webhooks.
pub(super) fn signing_secret() -> Value {
    secret("whsec_[A-Za-z0-9+/]{32,86}={0,2}")
}

/// The secret of another server, which may be a segment of a path.
pub(super) fn path_secret() -> Value {
    secret("[A-Za-z0-9._~-]{32,256}")
}

/// The address of a document: a URL without a user and a fragment.
pub(super) fn web() -> Value {
    json!({ "allOf": [form(WEB, USER_OR_FRAGMENT), no(BAD_PORT)] })
}

/// The address below which a server has its documents: without a query, too.
pub(super) fn base_web() -> Value {
    json!({ "allOf": [form(WEB, USER_OR_FRAGMENT), no(BAD_PORT), no("\\?")] })
}

/// The address of a document, by https or on this machine.
pub(super) fn safe_web() -> Value {
    json!({ "allOf": [pattern(SAFE_WEB), web()] })
}

/// The same without a query.
pub(super) fn safe_base_web() -> Value {
    json!({ "allOf": [pattern(SAFE_WEB), base_web()] })
}
