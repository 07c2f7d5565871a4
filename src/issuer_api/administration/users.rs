//! The administration of an app's users.
//!
//! In: filters, fields to write, files. Out: pages, written profiles, files, links. `Debug` shows
//! nothing of it: it is about persons.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{
    config::Secret,
    issuer_api::{error::ApiError, grants::AppCredentials, rejection::Rejection},
    model::Profile,
};

/// The answer to a request about users, or why there is none.
pub type UserReply<'a, T> = BoxFuture<'a, Result<T, ApiError>>;

/// Administers the users of an app. A write is sent once, whatever its answer is.
pub trait UserAdministration: fmt::Debug + Send + Sync {
    /// A page of users.
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        query: UserQuery<'a>,
        timeout: Duration,
    ) -> UserReply<'a, Box<dyn UserPage>>;

    /// A new user. An id that a user has already is overwritten: the caller asks for it first.
    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: NewUserId<'a>,
        write: &'a UserWrite,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser>;

    /// Writes some fields of a user and keeps the others.
    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        write: &'a UserWrite,
        missing: MissingUser,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser>;

    /// Deletes a user.
    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> UserReply<'a, ()>;

    /// Enables or disables an account.
    fn set_enabled<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        enabled: bool,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser>;

    /// Ends all sessions of a user.
    fn sign_out<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> UserReply<'a, ()>;

    /// Creates or overwrites several users: a result for each, in their order.
    fn upsert_many<'a>(
        &'a self,
        app: AppCredentials<'a>,
        users: &'a [BatchEntry],
        timeout: Duration,
    ) -> UserReply<'a, Vec<BatchOutcome>>;

    /// Deletes several users: a result for each, in their order.
    fn delete_many<'a>(
        &'a self,
        app: AppCredentials<'a>,
        users: &'a [String],
        timeout: Duration,
    ) -> UserReply<'a, Vec<BatchOutcome>>;

    /// The content of a field that is a file.
    fn file<'a>(
        &'a self,
        app: AppCredentials<'a>,
        place: FieldOfUser<'a>,
        preview: Option<PreviewSize>,
        timeout: Duration,
    ) -> UserReply<'a, FieldContent>;

    /// Writes a file into a field.
    fn write_file<'a>(
        &'a self,
        app: AppCredentials<'a>,
        place: FieldOfUser<'a>,
        file: &'a UserFile,
        timeout: Duration,
    ) -> UserReply<'a, ()>;

    /// A link that signs a user in.
    fn sign_in_link<'a>(
        &'a self,
        app: AppCredentials<'a>,
        order: &'a SignInLinkOrder,
        timeout: Duration,
    ) -> UserReply<'a, SignInLink>;
}

/// The users to list.
#[derive(Clone, Copy)]
pub struct UserQuery<'a> {
    /// Only these ids; empty for all.
    pub ids: &'a [String],
    /// Only users who have proved one of these values; empty for all.
    pub verified_values: &'a [String],
    /// The members of `data` to ask for; `None` for all.
    pub fields: Option<&'a [String]>,
    /// In descending order of the ids.
    pub descending: bool,
    /// The most users of the page, from 1 to 1000.
    pub page_size: usize,
    /// The last id of the page before.
    pub after: Option<&'a str>,
}

/// A page of users that has come and is not read yet. Reading it takes memory for one user at a time.
pub trait UserPage: fmt::Debug + Send + Sync {
    /// The rows of the page.
    ///
    /// # Errors
    ///
    /// The page does not have the documented shape.
    fn rows(&self) -> Result<UserRows<'_>, ApiError>;
}

/// The rows of a page.
pub struct UserRows<'a> {
    /// The page has the number of rows that was asked for: there is perhaps another one.
    pub is_full: bool,
    /// The number of users on all pages, if the answer says it.
    pub total: Option<u64>,
    /// Each row, read when it is taken; an error where it does not have the documented shape or size.
    pub rows: Box<dyn Iterator<Item = Result<ListedUser, ApiError>> + Send + 'a>,
}

/// A row of a page.
pub struct ListedUser {
    /// The id of the user.
    pub id: String,
    /// The user; `None` for a row that the page before had, and for a user who is not meant.
    pub profile: Option<Profile>,
}

/// The id of a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewUserId<'a> {
    /// This one.
    Given(&'a str),
    /// One in the form that the app uses.
    Default,
    /// A UUID.
    Uuid,
    /// 24 hexadecimal digits.
    ObjectId,
    /// One of Rownd's own form.
    RowndId,
}

/// The effect of an update if there is no such user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingUser {
    /// It fails.
    Refuse,
    /// It creates the user.
    Create,
}

/// Fields to write.
#[derive(Clone, Default)]
pub struct UserWrite {
    /// Members of `data`.
    pub data: Map<String, Value>,
    /// Attributes: lists of texts.
    pub attributes: Map<String, Value>,
    /// Members of `data` to clear.
    pub cleared: Vec<String>,
    /// Attributes to clear.
    pub cleared_attributes: Vec<String>,
    /// The app's integrations get the data too.
    pub integrations: bool,
}

/// The answer to a write of a user.
#[derive(Clone)]
pub struct WrittenUser {
    /// The id: the one that was named, or the new one.
    pub id: String,
    /// The user after the write.
    pub profile: Profile,
    /// The answer has every part of a profile, so that it can stand for one. A part that is left out
    /// could be one that a decision needs.
    pub is_whole: bool,
    /// Members of `data` that were to be cleared and have still a value.
    pub not_cleared: Vec<String>,
}

/// One user of a batch.
#[derive(Clone)]
pub struct BatchEntry {
    /// The id.
    pub id: String,
    /// The profile.
    pub data: Map<String, Value>,
}

/// The result for one user of a batch.
pub type BatchOutcome = Result<(), Rejection>;

/// A field of a user.
#[derive(Clone, Copy)]
pub struct FieldOfUser<'a> {
    /// The id of the user.
    pub user: &'a str,
    /// The name of the field.
    pub field: &'a str,
}

/// The size of a picture in place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewSize {
    /// A small picture.
    Small,
    /// A picture of middle size.
    Medium,
    /// A large picture.
    Large,
}

impl PreviewSize {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct UserFile {
    /// The type, as `image/png`.
    pub content_type: String,
    /// The bytes.
    pub content: Bytes,
}

/// The content of a field that should be a file.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldContent {
    /// A file.
    File(UserFile),
    /// Nothing, or there is no such field.
    Nothing,
    /// A value that is no file.
    NoFile,
}

/// The wishes about a link.
#[derive(Clone, Default)]
pub struct SignInLinkOrder {
    /// The id of the user.
    pub user: Option<String>,
    /// The address that the link proves.
    pub address: Option<LinkAddress>,
    /// Fields to write.
    pub data: Map<String, Value>,
    /// The URL that a browser is sent to.
    pub redirect_url: String,
    /// For how long it works; `None`: as long as the API allows.
    pub ttl: Option<Duration>,
    /// The id of an open group to join.
    pub group_to_join: Option<String>,
    /// Public data for the app.
    pub link_data: Option<Map<String, Value>>,
}

/// The address that a link proves.
#[derive(Clone, PartialEq, Eq)]
pub enum LinkAddress {
    /// An e-mail address.
    Email(String),
    /// A phone number.
    Phone(String),
}

/// A link that signs a user in.
#[derive(Clone)]
pub struct SignInLink {
    /// The link itself.
    pub link: Secret,
    /// The id of its user.
    pub user: String,
}

/// Implements `Debug` with the name of the type alone.
macro_rules! show_the_name_alone {
    ($($name:ident $(<$life:lifetime>)?),*) => {
        $(impl fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

show_the_name_alone!(
    UserQuery<'_>,
    UserRows<'_>,
    ListedUser,
    UserWrite,
    WrittenUser,
    BatchEntry,
    FieldOfUser<'_>,
    UserFile,
    FieldContent,
    SignInLinkOrder,
    LinkAddress,
    SignInLink
);
