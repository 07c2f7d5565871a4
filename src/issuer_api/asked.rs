//! The result of a request to the API of an issuer, as every trait of this room gives it.

use futures_util::future::BoxFuture;

use super::error::ApiError;

/// The result of a request: an answer, or why there is none.
pub type Asked<'a, T, E = ApiError> = BoxFuture<'a, Result<T, E>>;
