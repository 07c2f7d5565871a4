//! Compiles the protos with a pure-Rust compiler (no `protoc` needed), and writes the
//! descriptor set that gRPC reflection serves. Names the revision of the build.
//!
//! The messages of a check are decoded a little differently from the protos, in ways that
//! are the same on the wire: text as `bytes`, because invalid UTF-8 in a `string` is a decode
//! error, which is an RPC error, which Envoy may be told to let through; maps as repeated
//! entries, because that costs no hashing; and metadata and the client of the proxy as `bytes`, to
//! be read only as far as one looks for something. Answers are encoded by the `envoy-types` crate.

#[path = "build/redacted.rs"]
mod redacted;
#[path = "build/revision.rs"]
mod revision;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

const PROTOS: &[&str] = &[
    "envoy/service/auth/v3/external_auth.proto",
    "rownd/auth/v1/rownd_auth.proto",
    "rownd/auth/v1/oidc_client_service.proto",
    "rownd/auth/v1/user_service.proto",
    "rownd/auth/v1/group_service.proto",
    "rownd/auth/v1/app_service.proto",
    "rownd/auth/v1/event_service.proto",
];
/// The services that others serve and that this program calls. Reflection does not list them.
const CALLED: &[&str] = &["rownd/auth/v1/exchange_hook_service.proto"];
/// The fields that are messages on the wire and `bytes` to us.
const UNREAD: [&str; 2] = ["route_metadata_context", "source"];
/// Messages that only answers use, or that are not used: these are those of the crate.
const ENCODED: [(&str, &str); 7] = [
    (".envoy.service.auth.v3.CheckResponse", "envoy::service::auth::v3::CheckResponse"),
    (".envoy.service.auth.v3.DeniedHttpResponse", "envoy::service::auth::v3::DeniedHttpResponse"),
    (".envoy.service.auth.v3.OkHttpResponse", "envoy::service::auth::v3::OkHttpResponse"),
    (".envoy.config.core.v3.HeaderValueOption", "envoy::config::core::v3::HeaderValueOption"),
    (".envoy.config.core.v3.Metadata", "envoy::config::core::v3::Metadata"),
    (".envoy.type.v3", "envoy::r#type::v3"),
    (".google.rpc", "google::rpc"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo names the output directory in the environment only"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-env-changed=BUILD_REVISION");
    let named = env::var("BUILD_REVISION").ok();
    let tree = env::var("CARGO_MANIFEST_DIR")?;
    let found = revision::find(named.as_deref(), &env::var("PROFILE")?, Path::new(&tree))?;
    println!("cargo:rustc-env=BUILD_REVISION={}", found.word);
    if let Some(file) = found.file {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let redacted = redacted::find(&Path::new(&tree).join("proto/rownd/auth/v1"))?;
    fs::write(out.join("redacted.rs"), redacted::code(&redacted))?;
    let hidden = redacted.iter().map(|message| format!(".rownd.auth.v1.{}", message.name));
    let mut builder = tonic_prost_build::configure().bytes(".").skip_debug(hidden);
    for (proto, rust) in ENCODED {
        builder = builder.extern_path(proto, format!("::envoy_types::pb::{rust}"));
    }
    builder.compile_fds(as_decoded(descriptors))?;
    // Of the same package, so in a folder of its own.
    let hooks = out.join("hooks");
    fs::create_dir_all(&hooks)?;
    let called = protox::compile(CALLED, ["proto"])?;
    tonic_prost_build::configure().out_dir(hooks).compile_fds(called)?;
    Ok(())
}

fn as_decoded(mut set: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut set.file {
        if file.package().starts_with("envoy.") {
            file.message_type.iter_mut().for_each(loosen);
            // Comments are found by position, and a map's entry has none.
            file.source_code_info = None;
        }
    }
    set
}

fn loosen(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        options.map_entry = None;
    }
    for field in &mut message.field {
        if field.r#type() == Type::String || UNREAD.contains(&field.name()) {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
    message.nested_type.iter_mut().for_each(loosen);
}
