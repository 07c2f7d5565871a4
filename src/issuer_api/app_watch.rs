//! Whether an issuer takes the key and the secret of an app, told on from every request that carried
//! them.
//!
//! In: the end of a request. Out: a call of the function that the APIs were built with.

use std::{fmt, sync::Arc};

use super::error::ApiError;

/// Is told the id of an app, and the error if its key or secret was refused.
type Told = dyn Fn(&str, Option<&ApiError>) + Send + Sync;

/// Tells on whether the key and secret of an app were taken.
#[derive(Clone, Default)]
pub struct AppWatch(Option<Arc<Told>>);

impl AppWatch {
    /// Tells this function.
    pub fn new(told: impl Fn(&str, Option<&ApiError>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Notes the end of a request that carried the key of this app without its secret, and hands it back:
    /// that the key is taken says nothing about the secret.
    pub(super) fn note_key<T>(
        &self,
        app: &str,
        answer: Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if answer.is_ok() { answer } else { self.note(app, answer) }
    }

    /// Notes the end of a request that carried the key and the secret of this app, and hands it back.
    pub(super) fn note<T>(&self, app: &str, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        if let Some(told) = &self.0 {
            match &answer {
                Ok(_) | Err(ApiError::NotFound) => told(app, None),
                Err(error @ ApiError::KeyRefused(_)) => told(app, Some(error)),
                // It says nothing about the credentials.
                Err(_) => {}
            }
        }
        answer
    }
}

impl fmt::Debug for AppWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AppWatch").field(&self.0.is_some()).finish()
    }
}
