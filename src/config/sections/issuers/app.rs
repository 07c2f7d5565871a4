//! The apps of an issuer: how they are written, and what holds after the check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::IssuerKind;
use crate::config::{findings::Findings, secret::Secret};

/// One app of an issuer: its id, or the key by which Rownd is asked for the id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenApp {
    /// The app id, `app_...`. With it, Rownd need not be asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The app key, `key_...`, or `file:/path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// The app secret, `ras_...`, or `file:/path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The token of an operator of Rownd's platform who may change the app, or `file:/path`. Only
    /// `AppService` uses it, to change custom claims, which key and secret cannot do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<Secret>,
    /// The app variant that the key belongs to, where the entry has an `id`. Without an `id`, Rownd
    /// says it. Default: the key is the app's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The app variants whose tokens are taken. Default: tokens of every variant are.
    pub variants: Vec<String>,
    /// The variables of the vendor made this app: no file has it.
    #[serde(skip)]
    pub from_variables: bool,
}

/// An app whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// The id, or what it is asked for by.
    pub known_by: AppKnownBy,
    /// The app secret, which opens profiles together with the key.
    pub secret: Option<Secret>,
    /// The token of an operator who may change the app.
    pub operator_token: Option<Secret>,
    /// The app variant that the key belongs to, where the id is configured.
    pub variant: Option<String>,
    /// The app variants whose tokens are taken; empty for all of them.
    pub variants: Vec<String>,
    /// The variables of the vendor made this app: no file has it.
    pub from_variables: bool,
}

/// How an app is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppKnownBy {
    /// By its id. The key is there where Rownd's API is to be used for the app.
    Id {
        /// The app id.
        id: String,
        /// The app key.
        key: Option<Secret>,
    },
    /// By its key alone: Rownd is asked for the id.
    Key(Secret),
}

impl App {
    /// The id, where it is configured.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.known_by {
            AppKnownBy::Id { id, .. } => Some(id),
            AppKnownBy::Key(_) => None,
        }
    }

    /// The key, where it is configured.
    #[must_use]
    pub const fn key(&self) -> Option<&Secret> {
        match &self.known_by {
            AppKnownBy::Id { key, .. } => key.as_ref(),
            AppKnownBy::Key(key) => Some(key),
        }
    }
}

impl WrittenApp {
    /// Reads the secrets and checks the app at this JSON pointer. `asks` is whether the issuer is
    /// asked for anything at all.
    pub(super) fn check(
        &mut self,
        kind: IssuerKind,
        asks: bool,
        at: &str,
        found: &mut Findings,
    ) -> Option<App> {
        for (name, secret) in [
            ("key", &mut self.key),
            ("secret", &mut self.secret),
            ("operator_token", &mut self.operator_token),
        ] {
            if let Some(secret) = secret {
                found.keep(format!("{at}/{name}"), secret.resolve());
            }
        }
        self.check_mixed_up(kind, at, found)?;
        let known_by = match (&self.id, &self.key) {
            (Some(id), key) if is_plain(id) => AppKnownBy::Id { id: id.clone(), key: key.clone() },
            (Some(_), _) => {
                found.add(
                    format!("{at}/id"),
                    "not an app id; write letters, digits, `_` and `-` only",
                );
                return None;
            }
            (None, Some(key)) if kind == IssuerKind::Rownd && asks => AppKnownBy::Key(key.clone()),
            (None, Some(_)) if kind == IssuerKind::Rownd => {
                found.add(
                    at,
                    "Rownd would be asked for the id by the key, and with `keys.fetch: false` \
                     nothing is asked; write `id: app_...`",
                );
                return None;
            }
            (None, None) if kind == IssuerKind::Rownd => {
                found.add(at, "has neither id nor key; write `id: app_...` or `key: key_...`");
                return None;
            }
            (None, _) => {
                found.add(at, "has no id; write `id: app_...`");
                return None;
            }
        };
        self.check_variant(kind, at, found);
        if self.operator_token.is_some() && kind != IssuerKind::Rownd {
            let message = "only apps of kind rownd have operators; leave it out";
            found.add(format!("{at}/operator_token"), message);
        }
        Some(App {
            known_by,
            secret: self.secret.clone(),
            operator_token: self.operator_token.clone(),
            variant: self.variant.clone(),
            variants: self.variants.clone(),
            from_variables: self.from_variables,
        })
    }

    fn check_variant(&self, kind: IssuerKind, at: &str, found: &mut Findings) {
        let Some(variant) = &self.variant else { return };
        let at = format!("{at}/variant");
        if !is_plain(variant) {
            found.add(at, "not the id of an app variant; write letters, digits, `_` and `-` only");
        } else if kind != IssuerKind::Rownd {
            found.add(at, "only apps of kind rownd have variants; leave it out");
        } else if self.id.is_none() {
            found.add(
                at,
                "Rownd says to which variant a key belongs; leave it out, or write `id` too",
            );
        } else if self.key.is_none() {
            found.add(at, "says whose key it is, and there is no key; write `key: key_...`");
        } else if !self.variants.is_empty() && !self.variants.contains(variant) {
            found.add(at, "is not in `variants`, so its tokens would be refused; add it there");
        }
    }
}

impl WrittenApp {
    /// Finds an id, a key and a secret that stand in the place of each other: no token is ever for a
    /// key, and Rownd knows no app by a secret. `None` if there is a problem.
    fn check_mixed_up(&self, kind: IssuerKind, at: &str, found: &mut Findings) -> Option<()> {
        const TOKEN: &str = "operator_token: file:/path";
        let id = self.id.as_deref().and_then(AppText::of);
        let key = self.key.as_ref().and_then(|key| AppText::of(key.expose()));
        let secret = self.secret.as_ref().and_then(|secret| AppText::of(secret.expose()));
        let token = self.operator_token.as_ref().and_then(|token| AppText::of(token.expose()));
        let rownd = kind == IssuerKind::Rownd;
        let rows = [
            // With SuperTokens, the app may be configured there by its key.
            ("id", id == Some(AppText::Key) && rownd, "an app key", "key: key_..."),
            ("id", id == Some(AppText::Secret), "an app secret", "secret: ras_..."),
            ("key", key == Some(AppText::Id), "an app id", "id: app_..."),
            ("key", key == Some(AppText::Secret), "an app secret", "secret: ras_..."),
            ("secret", secret == Some(AppText::Id), "an app id", "id: app_..."),
            ("secret", secret == Some(AppText::Key), "an app key", "key: key_..."),
            ("operator_token", token == Some(AppText::Id), "an app id", TOKEN),
            ("operator_token", token == Some(AppText::Key), "an app key", TOKEN),
            ("operator_token", token == Some(AppText::Secret), "an app secret", TOKEN),
        ];
        let mut good = Some(());
        for (setting, is_mixed_up, what, instead) in rows {
            if is_mixed_up {
                let (name, _) = instead.split_once(':').unwrap_or((instead, ""));
                // The variables of the vendor made the app, so that no file has a place for it.
                let instead = if self.from_variables {
                    format!("set ROWND_APP_{} to it", name.to_uppercase())
                } else {
                    format!("write `{instead}`")
                };
                let message = format!("is {what}, by its form, and no app's {setting}; {instead}");
                found.add(format!("{at}/{setting}"), message);
                good = None;
            }
        }
        good
    }
}

/// The three texts of an app, by their form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AppText {
    Id,
    Key,
    Secret,
}

impl AppText {
    /// The kind of this text, if that is certain; the old forms of keys and secrets say nothing.
    fn of(text: &str) -> Option<Self> {
        let forms = [("app_", Self::Id), ("key_", Self::Key), ("ras_", Self::Secret)];
        let found = forms.iter().find(|(lead, _)| text.starts_with(lead)).map(|(_, form)| *form);
        // A UUID, as keys once were.
        let is_uuid = text.len() == 36
            && text.char_indices().all(|(at, sign)| match at {
                8 | 13 | 18 | 23 => sign == '-',
                _ => sign.is_ascii_hexdigit(),
            });
        found.or_else(|| is_uuid.then_some(Self::Key))
    }
}

/// Whether this is an id of letters, digits, `_` and `-`.
pub(super) fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
