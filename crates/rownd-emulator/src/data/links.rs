//! Magic links: addresses that sign a user in, or only shorten another address.

use std::time::{Duration, SystemTime};

use serde_json::Value;

/// The longest life of a link, and its life where the request names none.
pub(crate) const MAX_LINK_LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The invite of a link.
#[derive(Clone)]
pub(crate) struct LinkedInvite {
    /// The id of the group.
    pub(crate) group: String,
    /// The id of the invite.
    pub(crate) invite: String,
}

/// A magic link. It works until it expires, as often as it is followed; the link of an invite works
/// once.
#[derive(Clone)]
pub(crate) struct Link {
    /// The id of the app.
    pub(crate) app: String,
    /// The id of the app's variant through which the link was made.
    pub(crate) variant: Option<String>,
    /// The id of the user whom the link signs in; `None` for a link that only shortens an address.
    pub(crate) user: Option<String>,
    /// The field that is proved by following the link, and its value.
    pub(crate) proves: Option<(&'static str, String)>,
    /// The address to which a browser is sent.
    pub(crate) redirect_url: String,
    /// The link does not work from this time on.
    pub(crate) expires: SystemTime,
    /// Any JSON of the maker of the link, which is handed to the client.
    pub(crate) link_data: Value,
    /// The invite that following the link accepts.
    pub(crate) invite: Option<LinkedInvite>,
}
