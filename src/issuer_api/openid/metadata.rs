//! The endpoints of an OpenID provider, learned from its metadata (OpenID Connect Discovery
//! section 4) and asked for again after an hour.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    issuer_api::{
        api::{Api, ApiCall, Target},
        error::ApiError,
        operation::Operation,
    },
    upstream::discovery::{DiscoveredUrl, IssuerMetadata, MetadataError, OPENID_CONFIGURATION},
};

/// For how long the endpoints are used before the metadata are asked for again.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The endpoints that are used.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: DiscoveredUrl,
    pub(super) token: DiscoveredUrl,
    /// The others are not part of every provider: an error says that one is not there, or not usable.
    pub(super) user_info: Result<DiscoveredUrl, MetadataError>,
    pub(super) introspection: Result<DiscoveredUrl, MetadataError>,
    pub(super) revocation: Result<DiscoveredUrl, MetadataError>,
    pub(super) end_session: Result<DiscoveredUrl, MetadataError>,
}

/// The endpoints of one provider, and when they were learned.
#[derive(Debug, Default)]
pub(super) struct LearnedEndpoints(Mutex<Option<(Endpoints, Instant)>>);

impl LearnedEndpoints {
    /// The endpoints. One caller asks for the metadata, and the others wait for it: if that caller
    /// leaves, the next one asks.
    pub(super) async fn get(
        &self,
        api: &Api,
        iss: &str,
        timeout: Duration,
    ) -> Result<Endpoints, ApiError> {
        let mut known = self.0.lock().await;
        if let Some((endpoints, at)) = known.as_ref()
            && at.elapsed() < MAX_AGE
        {
            return Ok(endpoints.clone());
        }
        match (fetch(api, iss, timeout).await, known.as_ref()) {
            (Ok(endpoints), _) => {
                *known = Some((endpoints.clone(), Instant::now()));
                Ok(endpoints)
            }
            // Endpoints rarely move: those of an hour ago are most likely right.
            (Err(error), Some((endpoints, _)))
                if error.is_transient() || matches!(error, ApiError::Paused(_)) =>
            {
                Ok(endpoints.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

async fn fetch(api: &Api, iss: &str, timeout: Duration) -> Result<Endpoints, ApiError> {
    let call = ApiCall {
        operation: Operation::OpenIdMetadata,
        app: None,
        target: Target::Path(OPENID_CONFIGURATION),
        headers: &[],
        body: Bytes::new(),
        timeout,
    };
    let found = api.call(call, |answer| {
        let metadata = IssuerMetadata::parse(&answer.body, iss, &api.base_url)?;
        Ok(Endpoints {
            authorization: metadata.authorization_endpoint()?,
            token: metadata.token_endpoint()?,
            user_info: metadata.userinfo_endpoint(),
            introspection: metadata.introspection_endpoint(),
            revocation: metadata.revocation_endpoint(),
            end_session: metadata.end_session_endpoint(),
        })
    });
    found.await.map_err(|error| {
        let ApiError::Rejected(rejection) = error else { return error };
        MetadataError::NotThere(rejection.status).into()
    })
}
