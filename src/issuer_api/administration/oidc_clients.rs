//! The OpenID clients of an app, as the API of an issuer lists and changes them.
//!
//! In: an app with its key and secret, the id of a client, and members of a JSON document. Out: the
//! document of the issuer, without any secret; or why there is none. The answer that makes a client
//! has the secrets beside the document, and no other answer has one.

use std::{collections::BTreeMap, fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{
    config::Secret,
    issuer_api::{error::ApiError, grants::AppCredentials},
};

/// The answer to a request about OpenID clients, or why there is none.
pub type OidcClientReply<'a, T> = BoxFuture<'a, Result<T, ApiError>>;

/// The part of the list of OpenID clients that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct OidcClientRange<'a> {
    /// The most clients.
    pub size: usize,
    /// Only clients behind the one with this id.
    pub after: Option<&'a str>,
    /// From the last id to the first.
    pub descending: bool,
}

/// An OpenID client as the issuer has it, without secrets.
#[derive(Clone, PartialEq)]
pub struct OidcClientDocument {
    /// The id, which is never empty.
    pub id: String,
    /// All members.
    pub members: Map<String, Value>,
}

/// A part of the list of OpenID clients.
#[derive(Debug, Clone)]
pub struct OidcClientPage {
    /// The clients, in the order of the issuer, none of them twice.
    pub clients: Vec<OidcClientDocument>,
    /// There may be clients behind these.
    pub more: bool,
    /// The number of clients of the whole list, if the issuer says it.
    pub total: Option<u64>,
}

/// A new OpenID client, with its secrets.
#[derive(Debug, Clone)]
pub struct NewOidcClient {
    /// The client.
    pub client: OidcClientDocument,
    /// The secret of each of its credentials, in the order of the document.
    pub secrets: Vec<Option<Secret>>,
}

/// New values of members, by their names. `None` clears a member.
pub type ChangedMembers = BTreeMap<String, Option<Value>>;

/// A change of an OpenID client.
#[derive(Clone, Copy)]
pub struct OidcClientChange<'a> {
    /// The client as it was read.
    pub known: &'a OidcClientDocument,
    /// The members that change.
    pub members: &'a ChangedMembers,
    /// The members of `config` that change.
    pub config: &'a ChangedMembers,
}

/// The background that a logo is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoBackground {
    /// A light page.
    Light,
    /// A dark page.
    Dark,
}

/// The format of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoFormat {
    /// Portable Network Graphics.
    Png,
    /// Scalable Vector Graphics.
    Svg,
}

/// A logo to upload.
#[derive(Clone)]
pub struct LogoFile<'a> {
    /// The background that it is made for.
    pub background: LogoBackground,
    /// Its format.
    pub format: LogoFormat,
    /// The name of the file: visible ASCII and blanks.
    pub name: &'a str,
    /// The file.
    pub content: Bytes,
}

/// Lists, reads and changes the OpenID clients of apps.
pub trait OidcClientAdministration: fmt::Debug + Send + Sync {
    /// A part of the list.
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        range: OidcClientRange<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientPage>;

    /// The client with this id.
    fn read<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument>;

    /// A new client of these members.
    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        members: Map<String, Value>,
        timeout: Duration,
    ) -> OidcClientReply<'a, NewOidcClient>;

    /// The client after this change. Members that are not named stay.
    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        change: OidcClientChange<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument>;

    /// Deletes the client with this id.
    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        timeout: Duration,
    ) -> OidcClientReply<'a, ()>;

    /// The client with this id after it got this logo.
    fn upload_logo<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        logo: LogoFile<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument>;
}

/// The addresses of a client may hold secrets of their own.
impl fmt::Debug for OidcClientDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcClientDocument").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for OidcClientChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcClientChange").field("known", self.known).finish_non_exhaustive()
    }
}

impl fmt::Debug for LogoFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoFile").field("format", &self.format).finish_non_exhaustive()
    }
}
