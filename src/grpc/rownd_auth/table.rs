//! Every method of every service, in one table. A method that is not in the table does not exist:
//! the door answers `UNIMPLEMENTED` before it looks at the caller, even if the generated router
//! knows it.

use super::{
    apps,
    events::EVENT_SERVICE,
    groups,
    oidc_clients::OIDC_CLIENTS,
    rpc::{Rpc, Service},
    users::USER_SERVICE,
};
use crate::config::Right;

/// The package of the services, as the path of a call writes it.
pub(in crate::grpc) const PACKAGE: &str = "/rownd.auth.v1.";

/// The most bytes of a request with a token: the longest token that a configuration can allow, and
/// some more. The verifier denies one that is longer than configured.
const TOKEN_BYTES: usize = 72 << 10;
/// The most bytes of a request for a URL.
const URL_BYTES: usize = 8 << 10;
/// The most bytes of an exchange: the token of another issuer and the first fields of a profile.
const EXCHANGE_BYTES: usize = 256 << 10;

/// The services.
pub const SERVICES: &[Service] =
    &[ROWND_AUTH, USER_SERVICE, OIDC_CLIENTS, groups::SERVICE, apps::SERVICE, EVENT_SERVICE];

/// The service for the users behind tokens.
pub(super) const ROWND_AUTH: Service = Service {
    name: "RowndAuth",
    rpcs: &[
        Rpc {
            name: "Verify",
            rights: &[Right::Verify],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: false,
            repeatable: true,
        },
        Rpc {
            name: "Exchange",
            rights: &[Right::Exchange, Right::CreateGuest],
            max_request_bytes: EXCHANGE_BYTES,
            asks_issuer: true,
            repeatable: false,
        },
        Rpc {
            name: "BuildAuthorizationUrl",
            rights: &[Right::Exchange],
            max_request_bytes: URL_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "GetUser",
            rights: &[Right::GetOwnUser, Right::GetUser],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "GetUserInfo",
            rights: &[Right::GetOwnUser],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "IntrospectToken",
            rights: &[Right::Verify],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "RevokeToken",
            rights: &[Right::Exchange],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "BuildLogoutUrl",
            rights: &[Right::Exchange],
            max_request_bytes: TOKEN_BYTES,
            asks_issuer: true,
            repeatable: true,
        },
    ],
};

/// All methods, in the order of the table.
pub fn rpcs() -> impl Iterator<Item = &'static Rpc> {
    SERVICES.iter().flat_map(|service| service.rpcs)
}

/// The paths of all methods.
pub fn paths() -> impl Iterator<Item = String> {
    SERVICES.iter().flat_map(|service| {
        service.rpcs.iter().map(|rpc| format!("{PACKAGE}{}/{}", service.name, rpc.name))
    })
}

/// The method of this path. `None`: the path is of no service here; `Some(None)`: the service has no
/// such method.
#[must_use]
pub fn find(path: &str) -> Option<Option<&'static Rpc>> {
    let (service, method) = path.strip_prefix(PACKAGE)?.split_once('/')?;
    let service = SERVICES.iter().find(|known| known.name == service)?;
    Some(service.rpcs.iter().find(|rpc| rpc.name == method))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::{PACKAGE, find, paths, rpcs};
    use crate::grpc::DESCRIPTORS;

    /// The table and the protos know the same methods, in the same order. A method that is added to
    /// one alone fails here.
    #[test]
    fn the_table_is_the_protos() {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut found: Vec<Vec<String>> = Vec::new();
        for file in &set.file {
            let package = format!("/{}.", file.package());
            for service in file.service.iter().filter(|_| package == PACKAGE) {
                let path = |method: &str| format!("{PACKAGE}{}/{method}", service.name());
                found.push(service.method.iter().map(|method| path(method.name())).collect());
            }
        }
        let mut named = super::SERVICES.iter().map(|service| {
            let path = |name: &str| format!("{PACKAGE}{}/{name}", service.name);
            service.rpcs.iter().map(|rpc| path(rpc.name)).collect::<Vec<_>>()
        });
        let all: HashSet<_> = named.by_ref().collect();
        assert_eq!(all, found.into_iter().collect::<HashSet<_>>());
        assert_eq!(all.iter().map(Vec::len).sum::<usize>(), paths().count());
    }

    #[test]
    fn every_method_needs_a_right_and_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for rpc in rpcs() {
            assert!(!rpc.rights.is_empty(), "{} is open to everybody", rpc.name);
            assert!(rpc.max_request_bytes > 0, "{} takes no request", rpc.name);
            assert!(names.insert(rpc.name), "two services have a method {}", rpc.name);
        }
    }

    #[test]
    fn a_path_is_a_method_or_an_unknown_method_or_another_service() {
        for path in paths() {
            let (_, name) = path.rsplit_once('/').unwrap();
            assert_eq!(find(&path).unwrap().map(|rpc| rpc.name), Some(name));
            assert!(find(&path.to_uppercase()).is_none(), "{path}");
        }
        for unknown in ["/rownd.auth.v1.RowndAuth/", "/rownd.auth.v1.RowndAuth/verify"] {
            assert!(matches!(find(unknown), Some(None)), "{unknown}");
        }
        for other in ["/rownd.auth.v1.RowndAuth", "/rownd.auth.v1.Other/Verify", "/Verify", ""] {
            assert!(find(other).is_none(), "{other}");
        }
    }
}
