//! The methods that are served over HTTP, each with the descriptions of its messages.
//!
//! In: the compiled protos, and the table of methods. Out: a method by its path. A service that is
//! added to the table is served without another line here.

use std::collections::HashMap;

use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use prost_types::FileDescriptorSet;

use crate::grpc::rownd_auth::{self, Rpc};

/// The packages whose messages are in requests and responses.
const PACKAGES: [&str; 2] = ["rownd.", "google.protobuf"];

/// A method, as it is served over HTTP.
#[derive(Debug)]
pub(super) struct WebMethod {
    pub(super) rpc: &'static Rpc,
    pub(super) input: MessageDescriptor,
    pub(super) output: MessageDescriptor,
}

/// The methods by their paths, and the descriptions of all messages.
#[derive(Debug)]
pub(super) struct Schema {
    pool: DescriptorPool,
    methods: HashMap<String, WebMethod>,
}

impl Schema {
    /// From the compiled protos.
    ///
    /// # Errors
    ///
    /// Fails where they cannot be read, or have no method that is in the table.
    pub(super) fn build(compiled: &[u8]) -> Result<Self, String> {
        let pool = read(compiled)?;
        let mut methods = HashMap::new();
        for path in rownd_auth::paths() {
            let Some(Some(rpc)) = rownd_auth::find(&path) else { continue };
            // A call that lasts is served by gRPC alone.
            if rpc.is_stream() {
                continue;
            }
            let described = find(&pool, &path).ok_or_else(|| format!("{path} is in no proto"))?;
            let (input, output) = (described.input(), described.output());
            methods.insert(path, WebMethod { rpc, input, output });
        }
        Ok(Self { pool, methods })
    }

    /// The method at this path.
    pub(super) fn method(&self, path: &str) -> Option<&WebMethod> {
        self.methods.get(path)
    }

    pub(super) const fn pool(&self) -> &DescriptorPool {
        &self.pool
    }
}

fn find(pool: &DescriptorPool, path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    pool.get_service_by_name(service)?.methods().find(|known| known.name() == method)
}

/// The descriptions of the messages, and of the details of errors.
fn read(compiled: &[u8]) -> Result<DescriptorPool, String> {
    let mut set = FileDescriptorSet::decode(compiled).map_err(|error| error.to_string())?;
    set.file.retain(|file| PACKAGES.iter().any(|own| file.package().starts_with(own)));
    let mut pool =
        DescriptorPool::from_file_descriptor_set(set).map_err(|error| error.to_string())?;
    let errors = tonic_types::pb::FILE_DESCRIPTOR_SET;
    let mut errors = FileDescriptorSet::decode(errors).map_err(|error| error.to_string())?;
    errors.file.retain(|file| pool.get_file_by_name(file.name()).is_none());
    pool.add_file_descriptor_set(errors).map_err(|error| error.to_string())?;
    Ok(pool)
}
