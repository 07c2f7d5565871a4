//! One app of an issuer: its id is configured, or is learned while the process runs.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::claims::read::AcceptedApp;
use crate::{
    config::{App as AppSettings, Secret},
    health::Latch,
    model::AppOfKey,
};

/// One app of an issuer: its id is configured, or becomes known later.
#[derive(Debug)]
pub struct AppSlot {
    app: OnceLock<AppOfKey>,
    key: Option<Secret>,
    secret: Option<Secret>,
    operator_token: Option<Secret>,
    variants: Vec<String>,
    latch: Mutex<Option<Latch>>,
    fault: Mutex<Option<AppFault>>,
    refused: Mutex<Option<String>>,
}

/// The reason why the id of an app is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFault {
    /// The last error, in words.
    pub error: String,
    /// The issuer refuses the app key: only another key helps.
    pub key_refused: bool,
}

impl AppSlot {
    pub(super) fn build(settings: &AppSettings, latch: impl FnOnce() -> Option<Latch>) -> Self {
        let app = OnceLock::new();
        let configured = settings
            .id()
            .map(|id| AppOfKey { id: id.to_owned(), variant: settings.variant.clone() });
        let known = configured.is_some_and(|known| app.set(known).is_ok());
        Self {
            app,
            key: settings.key().cloned(),
            secret: settings.secret.clone(),
            operator_token: settings.operator_token.clone(),
            variants: settings.variants.clone(),
            latch: Mutex::new(if known { None } else { latch() }),
            fault: Mutex::new(None),
            refused: Mutex::new(None),
        }
    }

    /// The id, once known.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.app.get().map(|app| app.id.as_str())
    }

    /// The app variant that the key belongs to, once the id is known; `None` for the app itself.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.app.get()?.variant.as_deref()
    }

    /// The app and the variant of the key, once known.
    pub(super) fn app_of_key(&self) -> Option<&AppOfKey> {
        self.app.get()
    }

    /// Its id and variants, as the rules for claims need them.
    pub(super) fn accepted(&self) -> AcceptedApp<'_> {
        AcceptedApp { id: self.id(), variants: &self.variants }
    }

    /// The app key by which an unknown id can be asked for.
    #[must_use]
    pub const fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// Tokens that were made through this variant are taken.
    pub(super) fn takes(&self, variant: &str) -> bool {
        self.variants.is_empty() || self.variants.iter().any(|known| known == variant)
    }

    /// The app secret that goes with the key where users are read.
    #[must_use]
    pub const fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The token of an operator who may change the app.
    #[must_use]
    pub const fn operator_token(&self) -> Option<&Secret> {
        self.operator_token.as_ref()
    }

    /// The id could not be asked for.
    pub fn fail(&self, fault: AppFault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// The reason why its id is not known, if it was asked for and is not.
    #[must_use]
    pub fn fault(&self) -> Option<AppFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The issuer has refused the key or the secret of the app for the last request that carried
    /// both; `None`: it has taken them.
    pub fn note_refusal(&self, error: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// The error of the last request that carried key and secret, if the issuer refused one of them.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The issuer refuses its key, or its secret.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.fault().is_some_and(|fault| fault.key_refused) || self.refusal().is_some()
    }

    /// The app is known from now on; a second call changes nothing.
    pub fn learn(&self, app: AppOfKey) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.app.set(app);
        self.latch.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
