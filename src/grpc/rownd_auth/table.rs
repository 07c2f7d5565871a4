//! Every method of the service, in one table. A method that is not in the table does not exist: the
//! door answers `UNIMPLEMENTED` before it looks at the caller, even if the generated router knows it.

use crate::config::Right;

/// One method.
#[derive(Debug)]
pub struct Rpc {
    /// Its name in the proto, in the log, and as the metrics' label `method`.
    pub name: &'static str,
    /// The caller needs one of these rights to call it at all.
    pub rights: &'static [Right],
    /// The most bytes of its request.
    pub max_request_bytes: usize,
    /// It may ask an issuer, and so counts against the calls that may hang.
    pub asks_issuer: bool,
    /// A call that failed may be repeated: it changes nothing, or the second time nothing more.
    pub repeatable: bool,
}

/// The most bytes of a request with a token: the longest token that a configuration can allow, and
/// some more. The verifier denies one that is longer than configured.
const TOKEN_BYTES: usize = 72 << 10;
/// The most bytes of a request for a URL.
const URL_BYTES: usize = 8 << 10;
/// The most bytes of an exchange: the token of another issuer and the first fields of a profile.
const EXCHANGE_BYTES: usize = 256 << 10;

/// All methods, in the order of the proto.
pub const RPCS: [Rpc; 4] = [
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
];

/// The method of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rpc> {
    RPCS.iter().find(|rpc| rpc.name == name)
}

/// The largest request of any method.
pub(super) const fn max_request_bytes() -> usize {
    let mut most = 0;
    let mut rest: &[Rpc] = &RPCS;
    while let [rpc, others @ ..] = rest {
        if rpc.max_request_bytes > most {
            most = rpc.max_request_bytes;
        }
        rest = others;
    }
    most
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::RPCS;
    use crate::grpc::{DESCRIPTORS, rownd_auth::PREFIX};

    /// The table and the proto know the same methods, in the same order. A method that is added to
    /// one alone fails here.
    #[test]
    fn the_table_is_the_proto() {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut found = Vec::new();
        for file in &set.file {
            for service in &file.service {
                if format!("/{}.{}/", file.package(), service.name()) == PREFIX {
                    found.extend(service.method.iter().map(|method| method.name().to_owned()));
                }
            }
        }
        assert_eq!(found, RPCS.map(|rpc| rpc.name.to_owned()));
    }

    #[test]
    fn every_method_needs_a_right() {
        for rpc in &RPCS {
            assert!(!rpc.rights.is_empty(), "{} is open to everybody", rpc.name);
            assert!(rpc.max_request_bytes > 0, "{} takes no request", rpc.name);
        }
    }
}
