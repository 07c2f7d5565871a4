//! The facts about a method that the door needs before it reads a message.

use crate::config::Right;

/// One method.
#[derive(Debug)]
pub struct Rpc {
    /// Its name in the proto, in the log, and as the metrics' label `method`. No two services have
    /// a method of one name.
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

impl Rpc {
    /// Its response has many messages, and lasts until its caller ends it.
    pub(in crate::grpc) fn is_stream(&self) -> bool {
        self.name.starts_with("Stream")
    }
}

/// One service of the package.
#[derive(Debug)]
pub struct Service {
    /// Its name in the proto.
    pub name: &'static str,
    /// Its methods, in the order of the proto.
    pub rpcs: &'static [Rpc],
}

impl Service {
    /// The largest request of any of its methods.
    pub(super) const fn max_request_bytes(&self) -> usize {
        let mut most = 0;
        let mut rest = self.rpcs;
        while let [rpc, others @ ..] = rest {
            if rpc.max_request_bytes > most {
                most = rpc.max_request_bytes;
            }
            rest = others;
        }
        most
    }
}
