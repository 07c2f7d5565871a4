//! The outputs of a rule: what the service behind and the client are told of a request that it lets
//! pass, beside the identity headers of every check.

use std::{collections::BTreeSet, sync::Arc};

use super::{evidence::Needs, requirement::FactSources};
use crate::{
    config::{Config, MappedValue, OutputHeader, QueryMap, RouteOutputs, RulePassport},
    expression::{IdentityPlace, Place, PlaceRoot},
};

/// The headers that hold for every rule.
#[derive(Debug, Clone)]
pub(super) struct CommonOutputs {
    headers: Arc<[OutputHeader]>,
    response_headers: Arc<[OutputHeader]>,
}

/// The outputs of a rule.
#[derive(Debug, Clone)]
pub struct RuleOutputs {
    /// The name of the rule.
    pub id: Arc<str>,
    /// The signed token.
    pub passport: Option<Arc<RulePassport>>,
    /// Headers for the service behind, no name twice.
    pub headers: Arc<[OutputHeader]>,
    /// Headers for the client, no name twice.
    pub response_headers: Arc<[OutputHeader]>,
    /// Changes of the query.
    pub query: Option<QueryMap>,
    /// The service behind does not get the credential.
    pub strip_credential: bool,
    reads_profile: bool,
    pub(super) sources: Arc<FactSources>,
}

impl CommonOutputs {
    /// From the configuration.
    pub(super) fn build(config: &Config) -> Self {
        Self {
            headers: config.headers.as_slice().into(),
            response_headers: config.response_headers.as_slice().into(),
        }
    }
}

impl RuleOutputs {
    /// Those of the rule of this name, by what the settings say, without headers and changes of the
    /// query.
    pub(super) fn new(
        id: &Arc<str>,
        passport: Option<&Arc<RulePassport>>,
        sources: &Arc<FactSources>,
    ) -> Self {
        let reads_profile = passport.is_some_and(|passport| {
            passport.reads_profile() || (passport.states_rights() && sources.rights_read_profile())
        });
        Self {
            id: id.clone(),
            passport: passport.cloned(),
            headers: Arc::default(),
            response_headers: Arc::default(),
            query: None,
            strip_credential: false,
            reads_profile,
            sources: sources.clone(),
        }
    }

    /// The same with the rule's own headers, in place of common ones of the same name, and its changes
    /// of the query.
    pub(super) fn with(self, own: &RouteOutputs, common: &CommonOutputs) -> Self {
        let RouteOutputs { headers, response_headers, query, strip_credential } = own;
        let mut outputs = Self {
            headers: merged(headers, &common.headers),
            response_headers: merged(response_headers, &common.response_headers),
            query: query.clone(),
            strip_credential: *strip_credential,
            ..self
        };
        outputs.reads_profile |= outputs.tells_profile();
        outputs
    }

    /// The rule has nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            id: _,
            passport,
            headers,
            response_headers,
            query,
            strip_credential,
            reads_profile: _,
            sources: _,
        } = self;
        passport.is_none()
            && headers.is_empty()
            && response_headers.is_empty()
            && query.is_none()
            && !strip_credential
    }

    /// Some output is in the user's profile.
    #[must_use]
    pub const fn reads_profile(&self) -> bool {
        self.reads_profile
    }

    fn tells_profile(&self) -> bool {
        self.places().any(|place| match place {
            Place::Identity(IdentityPlace::Roles | IdentityPlace::Permissions) => {
                self.sources.rights().reads_any_profile()
            }
            Place::Identity(_)
            | Place::Request(_)
            | Place::Header(_)
            | Place::Query(_)
            | Place::Claim(_)
            | Place::Profile(_)
            | Place::Path(_) => place.root() == PlaceRoot::Profile,
        })
    }

    /// The facts that it needs: the names of claims, and the variables of the path.
    pub(super) fn needs(&self) -> Needs {
        let claims: BTreeSet<String> = self.places().filter_map(claim).map(str::to_owned).collect();
        let stated = self.passport.iter().flat_map(|passport| passport.path_variables());
        let path_variables =
            stated.count() > 0 || self.places().any(|place| place.root() == PlaceRoot::Path);
        Needs { claims, path_variables, ..Needs::default() }
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        let headers = self.headers.iter().chain(self.response_headers.iter());
        let values = headers.map(|header| &header.value);
        let parameters = self.query.iter().flat_map(|query| &query.set);
        let parameters = parameters.map(|parameter| &parameter.value);
        values.chain(parameters).flat_map(|value: &MappedValue| value.source.places())
    }
}

/// The same name and the same settings tell the same.
impl PartialEq for RuleOutputs {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            id,
            passport,
            headers,
            response_headers,
            query,
            strip_credential,
            reads_profile: _,
            sources: _,
        } = self;
        *id == other.id
            && *passport == other.passport
            && *headers == other.headers
            && *response_headers == other.response_headers
            && *query == other.query
            && *strip_credential == other.strip_credential
    }
}

impl Eq for RuleOutputs {}

fn claim(place: &Place) -> Option<&str> {
    match place {
        Place::Claim(name) => Some(name),
        Place::Identity(_)
        | Place::Request(_)
        | Place::Header(_)
        | Place::Query(_)
        | Place::Profile(_)
        | Place::Path(_) => None,
    }
}

/// The common headers, of which an own one of the same name takes the place, and the other own ones.
/// Rules without own ones share the list.
fn merged(own: &[OutputHeader], common: &Arc<[OutputHeader]>) -> Arc<[OutputHeader]> {
    if own.is_empty() {
        return common.clone();
    }
    let inherited = common.iter().filter(|header| !own.iter().any(|own| own.name == header.name));
    inherited.chain(own).cloned().collect()
}
