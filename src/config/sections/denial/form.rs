//! The forms that denials have for browsers, as they are written and as they hold.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::{
    config::{findings::Findings, section::Section, web_address::is_loopback},
    model::{AccentColor, DenialForm, DenialPage, SignInPage},
};

/// The most characters of a title: it stands in one line of a small page.
const MAX_TITLE: usize = 80;
/// The most bytes of the address of a sign-in page. With the path to come back to it has to fit into
/// the header that every server and browser takes.
const MAX_URL: usize = 2048;

/// The forms of denials. A client that is no browser gets JSON in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenDenial {
    /// `true`: JSON for every client, whatever the section `denial` of the whole file says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    json: bool,
    /// An HTML page for clients that prefer HTML by their header `accept`.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<WrittenPage>,
    /// A redirect to a sign-in page in place of a 401, for GET and HEAD of browsers that navigate.
    /// Never for scripts, gRPC and WebSockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<WrittenRedirect>,
}

/// The looks of the HTML page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenPage {
    /// The name of the site, at most 80 characters.
    title: String,
    /// The colour of the line above it, `#rrggbb`. Text has colours of its own, which can be read
    /// beside any.
    accent: String,
}

impl Default for WrittenPage {
    fn default() -> Self {
        Self { title: String::new(), accent: "#1a56db".to_owned() }
    }
}

/// The sign-in page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenRedirect {
    /// The address of the sign-in page: `https://`, or `http://` for this machine alone. It must not
    /// be on a route that redirects to it.
    url: String,
    /// The parameter that gets the path and query to come back to, without the host. They always
    /// begin with one `/`.
    #[serde(default = "return_to")]
    return_to: String,
}

fn return_to() -> String {
    "return_to".to_owned()
}

/// The forms of denials, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenialTemplate {
    written: WrittenDenial,
    form: Arc<DenialForm>,
}

impl DenialTemplate {
    /// The form; shared, so that every denial can hold it.
    #[must_use]
    pub const fn form(&self) -> &Arc<DenialForm> {
        &self.form
    }

    /// The settings, as they are written in the file.
    pub(in crate::config) const fn written(&self) -> &WrittenDenial {
        &self.written
    }
}

/// Printed as it is written in the file.
impl Serialize for DenialTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl WrittenDenial {
    /// It sends browsers to a sign-in page.
    pub(in crate::config) const fn redirects(&self) -> bool {
        self.redirect.is_some()
    }

    /// It says nothing.
    pub(in crate::config) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Section for WrittenDenial {
    type Checked = DenialTemplate;

    fn check(self, at: &str, found: &mut Findings) -> DenialTemplate {
        if self.json && (self.html.is_some() || self.redirect.is_some()) {
            found.add(
                format!("{at}/json"),
                "is there beside another form; leave out `json`, which is the form of every client \
                 that is no browser, or leave out `html` and `redirect`",
            );
        }
        let page = self.html.as_ref().and_then(|page| page.check(&format!("{at}/html"), found));
        let sign_in = self.redirect.as_ref();
        let sign_in = sign_in.and_then(|page| page.check(&format!("{at}/redirect"), found));
        DenialTemplate { written: self, form: Arc::new(DenialForm { page, sign_in }) }
    }
}

impl WrittenPage {
    fn check(&self, at: &str, found: &mut Findings) -> Option<DenialPage> {
        let title = if self.title.chars().count() > MAX_TITLE {
            Err(format!("is longer than {MAX_TITLE} characters; write a shorter name"))
        } else if self.title.chars().any(char::is_control) {
            Err("has a line end or another control character; write one line".to_owned())
        } else {
            Ok(self.title.clone())
        };
        let accent = AccentColor::parse(&self.accent)
            .ok_or("is not a colour of the form `#rrggbb`; write it like \"#1a56db\"");
        let title = found.keep(format!("{at}/title"), title);
        let accent = found.keep(format!("{at}/accent"), accent);
        Some(DenialPage { title: title?, accent: accent? })
    }
}

impl WrittenRedirect {
    fn check(&self, at: &str, found: &mut Findings) -> Option<SignInPage> {
        let name = &self.return_to;
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        let good_name = !matches!(name.as_str(), "acr_values" | "max_age");
        let name = if good_name && (1..=64).contains(&name.len()) && name.bytes().all(good) {
            Ok(name)
        } else {
            Err(
                "is not the name of a parameter; write 1 to 64 letters, digits and `-._~`, neither `acr_values` nor `max_age`, such as \
                 `return_to`",
            )
        };
        let name = found.keep(format!("{at}/return_to"), name);
        let url = found.keep(format!("{at}/url"), self.sign_in_url());
        Some(SignInPage::new(url?.into(), name?.clone()))
    }

    fn sign_in_url(&self) -> Result<Url, String> {
        let url = page_url(&self.url, "https://login.example.com/sign-in")?;
        let own = [self.return_to.as_str(), "acr_values", "max_age"];
        let taken = own.into_iter().find(|own| url.query_pairs().any(|(name, _)| name == *own));
        if let Some(name) = taken {
            return Err(format!(
                "has the parameter `{name}` already, which a redirect adds; leave it out of the \
                 address"
            ));
        }
        Ok(url)
    }
}

/// The address of a page that clients are sent to or told of; `example` is one for the message.
pub(in crate::config::sections) fn page_url(text: &str, example: &str) -> Result<Url, String> {
    // The text may hold a password, so no message repeats it.
    let url = Url::parse(text).map_err(|_| format!("is not a URL; write it like {example}"))?;
    if text.len() > MAX_URL {
        return Err(format!("is longer than {MAX_URL} bytes; write a shorter address"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(
                "plain http is for addresses of this machine alone; write https://".to_owned()
            );
        }
        other => return Err(format!("the scheme `{other}` is not supported; write https://")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("has a user, a password or a fragment; leave it out".to_owned());
    }
    Ok(url)
}
