//! `GetUser`: the profile of a user.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use prost_types::FieldMask;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::{
    call::ServiceCall,
    convert,
    fault::{Fault, MAX_RESPONSE_BYTES, is_undecided},
    structure::Structures,
    target::{choose_app, choose_issuer},
    verify,
};
use crate::{
    authz::{Authorizer, TokenQuery},
    config::{IssuerKind, Right, Secret},
    grpc::pb::rownd::auth::v1::{
        GetUserRequest, GetUserResponse, User, UserState, get_user_request::Subject,
    },
    issuer_api::user_id_problem,
    model::{Cutoff, Profile},
    profile::{self, KnownProfile, MaxAge, UserOfApp},
    verify::Identity,
};

/// The fields of `User` that a mask can name.
const FIELDS: [&str; 9] = [
    "id",
    "state",
    "auth_level",
    "data",
    "verified_data",
    "attributes",
    "memberships",
    "meta",
    "tokens_valid_since",
];
/// Those of them whose members a mask can name too: `data.email`.
const FIELDS_WITH_MEMBERS: [&str; 4] = ["data", "verified_data", "attributes", "meta"];
/// The longest user id, in bytes. It stands in a URL, percent-encoded.
const MAX_USER_ID: usize = 512;
/// The path of all fields, and the member that is all members (AIP-157, AIP-161).
const ALL: &str = "*";
/// The most paths of a mask.
const MAX_PATHS: usize = 256;

pub(super) async fn get_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: GetUserRequest,
) -> Result<GetUserResponse, Fault> {
    let mask = Mask::of(request.read_mask)?;
    let max_age = request.max_age.map(Duration::try_from).transpose();
    let max_age =
        max_age.map_err(|_| Fault::field("max_age", "is not a duration of zero or more"))?;
    let may_fetch = || call.caller.read_fresh();
    let younger = max_age.map(|max_age| MaxAge { max_age, may_fetch: &may_fetch });
    let (known, fallback) = match request.subject {
        None => return Err(Fault::field("subject", "is missing: give `token` or `user_id`")),
        Some(Subject::Token(token)) => {
            call.may(&[Right::GetOwnUser, Right::GetUser])?;
            if request.issuer.is_some() || request.app_id.is_some() {
                return Err(Fault::field(
                    "issuer",
                    "can only be given with `user_id`: a token names its issuer",
                ));
            }
            own_user(authorizer, call, token, younger).await?
        }
        Some(Subject::UserId(user)) => {
            call.may(&[Right::GetUser])?;
            check_user_id(&user)?;
            let named = request.issuer.as_deref();
            let (_, issuer) = choose_issuer(call, Right::GetUser, &[IssuerKind::Rownd], named)?;
            let (app, _) = choose_app(call, Right::GetUser, issuer, request.app_id.as_deref())?;
            let whose = UserOfApp { issuer: issuer.name(), app, user: &user };
            let known = call.service.profiles().look_up(whose, younger, call.deadline).await;
            (known.map_err(Fault::profile)?, user)
        }
    };
    if !known.profile.enabled() && !request.allow_disabled {
        return Err(Fault::Disabled);
    }
    let mut structures = Structures::default();
    let response = GetUserResponse {
        user: Some(mask.user(&known.profile, &fallback, &mut structures)),
        age: convert::wire_duration(Instant::now().saturating_duration_since(known.asked)),
        stale: known.stale,
        omitted: structures.omitted(),
    };
    // The structures keep to a bound of their own; groups and the names of what is left out do not.
    match response.encoded_len() {
        bytes if bytes > MAX_RESPONSE_BYTES => Err(Fault::UserTooLarge(bytes)),
        _ => Ok(response),
    }
}

/// Checks an id that a caller has named, before anything is sent. The message does not repeat it.
fn check_user_id(user: &str) -> Result<(), Fault> {
    const FIELD: &str = "user_id";
    if user.len() > MAX_USER_ID {
        return Err(Fault::field(FIELD, format!("must have 1 to {MAX_USER_ID} bytes")));
    }
    match user_id_problem(user) {
        Some(problem) => Err(Fault::field(FIELD, problem.to_string())),
        None => Ok(()),
    }
}

/// The profile of the user of a token. The token is verified first, and then checked against the
/// profile.
async fn own_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    token: String,
    younger: Option<MaxAge<'_>>,
) -> Result<(KnownProfile, String), Fault> {
    const RIGHTS: &[Right] = &[Right::GetOwnUser, Right::GetUser];
    let token = verify::required_token(token)?;
    let app = call.app_of(RIGHTS, &token, None)?;
    let question = TokenQuery { app_id: app.as_deref(), ..TokenQuery::of(&token) };
    let answer = verify::ask(authorizer, call, &question).await.map_err(|denial| {
        if is_undecided(&denial) { call.undecided(denial) } else { Fault::Token(denial) }
    })?;
    let who = &answer.identity;
    call.may_for(RIGHTS, &who.issuer, who.app_id.as_deref())?;
    let known = profile_of(call, who, &token, younger).await.map_err(Fault::profile)?;
    // A disabled account is judged by the caller of this function: a request may allow it.
    match profile::issued_after_cutoff(&known.profile, who.issued_at) {
        Ok(()) => Ok((known, who.user_id.clone())),
        Err(reason) => Err(Fault::Token(reason.into())),
    }
}

/// The profile by the key and secret of the app, where they are configured, so that it is cached; else
/// by the token itself.
async fn profile_of(
    call: &ServiceCall,
    who: &Identity,
    token: &Bytes,
    younger: Option<MaxAge<'_>>,
) -> Result<KnownProfile, profile::ProfileError> {
    let profiles = call.service.profiles();
    match profiles.get(who, younger, call.deadline).await {
        Err(profile::ProfileError::Unsupported) => {
            let token =
                std::str::from_utf8(token).map_err(|_| profile::ProfileError::Unsupported)?;
            profiles.of_token(who, &Secret::new(token), call.issuer_timeout()).await
        }
        known => known,
    }
}

/// The fault of a path that names no field. The message does not repeat it.
fn unknown_path(index: usize) -> Fault {
    let why = format!(
        "path {} is not a field; known fields: {}; a member is {}.NAME; `{ALL}` is all fields",
        index + 1,
        FIELDS.join(", "),
        FIELDS_WITH_MEMBERS.join(".NAME, "),
    );
    Fault::field("read_mask", why)
}

/// The fields of a user that the caller asks for; `None`: all.
#[derive(Debug)]
struct Mask(Option<HashSet<String>>);

impl Mask {
    fn of(mask: Option<FieldMask>) -> Result<Self, Fault> {
        let paths = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty());
        let Some(paths) = paths else { return Ok(Self(None)) };
        if paths.len() > MAX_PATHS {
            return Err(Fault::field("read_mask", format!("has more than {MAX_PATHS} paths")));
        }
        let mut asked = HashSet::with_capacity(paths.len());
        let mut all = false;
        for (index, path) in paths.into_iter().enumerate() {
            match path.split_once('.') {
                None if path == ALL => all = true,
                None if FIELDS.contains(&path.as_str()) => {
                    asked.insert(path);
                }
                Some((field, ALL)) if FIELDS_WITH_MEMBERS.contains(&field) => {
                    asked.insert(field.to_owned());
                }
                Some((field, member))
                    if FIELDS_WITH_MEMBERS.contains(&field) && !member.is_empty() =>
                {
                    asked.insert(path);
                }
                Some(_) | None => return Err(unknown_path(index)),
            }
        }
        Ok(Self((!all).then_some(asked)))
    }

    fn has(&self, field: &str) -> bool {
        self.0.as_ref().is_none_or(|paths| paths.contains(field))
    }

    /// All of a field, or those of its members that the mask names.
    fn part(
        &self,
        field: &str,
        map: &Map<String, Json>,
        structures: &mut Structures,
    ) -> Option<prost_types::Struct> {
        if self.has(field) {
            return Some(structures.make(field, map));
        }
        let named = |member: &str| {
            self.0.as_ref().is_some_and(|paths| paths.contains(&format!("{field}.{member}")))
        };
        let asked = self
            .0
            .iter()
            .flatten()
            .any(|path| path.strip_prefix(field).is_some_and(|member| member.starts_with('.')));
        asked.then(|| structures.make(field, map.iter().filter(|(member, _)| named(member))))
    }

    fn user(&self, profile: &Profile, id: &str, structures: &mut Structures) -> User {
        let state = if profile.enabled() { UserState::Enabled } else { UserState::Disabled };
        let level = profile.auth_level.map_or(0, |level| convert::wire_level(level).into());
        let id = profile.user_id.as_deref().unwrap_or(id);
        let cutoff = match profile.tokens_valid_since {
            Cutoff::At(nanos) => timestamp(nanos),
            Cutoff::None | Cutoff::Unreadable => None,
        };
        let has = |field| self.has(field);
        let mut part = |field, map| self.part(field, map, structures);
        User {
            id: if has("id") { id.to_owned() } else { String::new() },
            state: if has("state") { state.into() } else { 0 },
            auth_level: if has("auth_level") { level } else { 0 },
            data: part("data", &profile.data),
            verified_data: part("verified_data", &profile.verified_data),
            attributes: part("attributes", &profile.attributes),
            memberships: if has("memberships") {
                profile.groups.iter().map(convert::wire_membership).collect()
            } else {
                Vec::new()
            },
            meta: part("meta", &profile.meta),
            tokens_valid_since: cutoff.filter(|_| has("tokens_valid_since")),
        }
    }
}

fn timestamp(nanos: i128) -> Option<prost_types::Timestamp> {
    const SECOND: i128 = 1_000_000_000;
    let seconds = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
    let nanos = i32::try_from(nanos.rem_euclid(SECOND)).ok()?;
    Some(prost_types::Timestamp { seconds, nanos })
}
