//! The places that an expression may read, each by its name.
//!
//! In: a root and a field, as an expression writes them. Out: a [`Place`], or the names that there
//! are. An expression reads places by fixed names alone, so the configuration knows them all when
//! it is loaded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// The beginning of every place.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum PlaceRoot {
    /// The request, as the proxy describes it.
    Request,
    /// The verified identity.
    Identity,
    /// The claims of its token.
    Claims,
    /// The profile of its user.
    Profile,
    /// The variables of the path.
    Path,
}

/// A field of the identity.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantNames,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum IdentityPlace {
    /// The user id.
    UserId,
    /// The configured name of the issuer.
    Issuer,
    /// The auth level, as a word.
    AuthLevel,
    /// The user is a guest without an identifier.
    Anonymous,
    /// The auth level is `verified`, and the user is no guest.
    Verified,
    /// The app that the token was made for.
    AppId,
    /// The sub-brand that the user signed in through.
    AppVariant,
    /// The tenant.
    Tenant,
    /// The session.
    SessionId,
    /// The token's own id.
    TokenId,
    /// The time of issue, Unix seconds.
    IssuedAt,
    /// The roles, by the sources that the configuration names.
    Roles,
    /// The permissions, by the same sources.
    Permissions,
    /// The groups.
    Groups,
    /// The scopes.
    Scopes,
}

/// A field of the profile.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum ProfilePlace {
    /// The user's id.
    UserId,
    /// The state of the account.
    State,
    /// The auth level, as a word.
    AuthLevel,
    /// The fields that the user wrote.
    Data,
    /// The fields that were proved.
    VerifiedData,
    /// The attributes that the app's backend wrote.
    Attributes,
    /// The groups, each with `id`, `name`, `roles` and `member_state`.
    Groups,
    /// Times of the account.
    Meta,
}

/// A field of the request that is one text.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum RequestPlace {
    /// The method.
    Method,
    /// The host, without the port.
    Host,
    /// The path, without the query.
    Path,
    /// `http` or `https`.
    Scheme,
}

/// A place that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `request.method`, `.host`, `.path`, `.scheme`.
    Request(RequestPlace),
    /// `request.headers["NAME"]`; the name is in lower case.
    Header(Box<str>),
    /// `request.query["NAME"]`.
    Query(Box<str>),
    /// `identity.NAME`.
    Identity(IdentityPlace),
    /// `claims.NAME`.
    Claim(Box<str>),
    /// `profile.NAME`.
    Profile(ProfilePlace),
    /// `path.NAME`.
    Path(Box<str>),
}

/// Something that places are read from by their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A root itself.
    Root(PlaceRoot),
    /// `request.headers`.
    Headers,
    /// `request.query`.
    Query,
}

/// The thing that a name of a holder is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A place.
    Place(Place),
    /// A holder.
    Holder(Holder),
}

impl PlaceRoot {
    /// The root of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The names of all roots.
    pub(super) fn names() -> String {
        Self::VARIANTS.join(", ")
    }
}

impl Place {
    /// The root that it belongs to.
    #[must_use]
    pub const fn root(&self) -> PlaceRoot {
        match self {
            Self::Request(_) | Self::Header(_) | Self::Query(_) => PlaceRoot::Request,
            Self::Identity(_) => PlaceRoot::Identity,
            Self::Claim(_) => PlaceRoot::Claims,
            Self::Profile(_) => PlaceRoot::Profile,
            Self::Path(_) => PlaceRoot::Path,
        }
    }

    /// The name of the request header that it is, if it is one.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name),
            Self::Request(_)
            | Self::Query(_)
            | Self::Identity(_)
            | Self::Claim(_)
            | Self::Profile(_)
            | Self::Path(_) => None,
        }
    }

    /// The place as an expression writes it.
    #[must_use]
    pub fn written(&self) -> String {
        let field = |root: &str, name: &'static str| format!("{root}.{name}");
        match self {
            Self::Request(name) => field("request", name.into()),
            Self::Header(name) => format!("request.headers[\"{name}\"]"),
            Self::Query(name) => format!("request.query[\"{name}\"]"),
            Self::Identity(name) => field("identity", name.into()),
            Self::Claim(name) => format!("claims[\"{name}\"]"),
            Self::Profile(name) => field("profile", name.into()),
            Self::Path(name) => format!("path.{name}"),
        }
    }
}

impl Holder {
    /// The holder as an expression writes it.
    pub(super) fn written(self) -> &'static str {
        match self {
            Self::Root(root) => root.into(),
            Self::Headers => "request.headers",
            Self::Query => "request.query",
        }
    }

    /// The member of this name.
    ///
    /// # Errors
    ///
    /// The mistake in the name, and the names that there are.
    pub(super) fn member(self, name: &str) -> Result<Member, String> {
        if name.is_empty() {
            return Err(format!("a name of `{}` is empty", self.written()));
        }
        let place = match self {
            Self::Root(PlaceRoot::Request) => match name {
                "headers" => return Ok(Member::Holder(Self::Headers)),
                "query" => return Ok(Member::Holder(Self::Query)),
                _ => {
                    Place::Request(self.field(name, RequestPlace::VARIANTS, ", headers, query")?)
                }
            },
            Self::Root(PlaceRoot::Identity) => {
                Place::Identity(self.field(name, IdentityPlace::VARIANTS, "")?)
            }
            Self::Root(PlaceRoot::Profile) => {
                Place::Profile(self.field(name, ProfilePlace::VARIANTS, "")?)
            }
            Self::Root(PlaceRoot::Claims) if name.starts_with('/') => {
                return Err(format!(
                    "`claims[\"{name}\"]` is written as a pointer; write claims.realm_access.roles"
                ));
            }
            Self::Root(PlaceRoot::Claims) => Place::Claim(name.into()),
            Self::Root(PlaceRoot::Path) => Place::Path(name.into()),
            Self::Headers if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                return Err(format!(
                    "names of headers are in lower case; write request.headers[\"{}\"]",
                    name.to_ascii_lowercase()
                ));
            }
            Self::Headers => Place::Header(name.into()),
            Self::Query => Place::Query(name.into()),
        };
        Ok(Member::Place(place))
    }

    fn field<T: std::str::FromStr>(
        self,
        name: &str,
        known: &[&str],
        more: &str,
    ) -> Result<T, String> {
        name.parse().map_err(|_| {
            let (root, known) = (self.written(), known.join(", "));
            format!("`{root}` has no field `{name}`; its fields: {known}{more}")
        })
    }
}
