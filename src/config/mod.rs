//! The only reader of configuration files and environment.
//!
//! In: a YAML file, the environment. Out: a [`Config`] that holds together, or every problem
//! at once with its file, line and setting. No other room reads either.

mod allowed_origin;
mod authorities;
mod bounds;
mod closed;
mod document;
mod drift;
mod editor_schema;
mod environment;
mod file;
mod file_problem;
mod findings;
mod header_file;
mod judge;
mod listen_address;
mod main_file;
mod nearest;
mod no_effect;
mod odd_texts;
mod origin;
mod overlap;
mod owner;
mod partial;
mod path_language;
mod placeholder;
mod places;
mod post_target;
mod preset_audience;
mod problem;
mod proxy;
mod read_headers;
mod repeats;
mod schema_path;
mod secret;
mod secret_texts;
mod section;
mod sections;
mod settings_walk;
mod shown;
mod span;
mod structure;
#[cfg(test)]
mod tests;
mod tls;
mod told;
mod told_example;
mod told_forms;
mod told_numbers;
mod unused;
mod validate;
mod watch;
mod web_address;
mod yaml_error;
mod yaml_tag;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

pub use allowed_origin::AllowedOrigin;
pub use authorities::{Authority, read_authorities, system_authorities, system_authority_file};
use document::YamlDocument;
pub use document::readable as setting_name;
#[cfg(test)]
use drift::needs_restart;
pub use drift::restart_problems;
#[cfg(any(test, feature = "dev"))]
pub use drift::restart_settings;
use file_problem::unreadable;
pub use findings::Finding;
pub use header_file::HeaderFile;
use judge::parse_with;
pub use judge::{Judged, judge};
pub use listen_address::{ListenAddress, SocketMode, SocketPath};
pub use origin::OriginPattern;
pub use owner::{check_directory, only_ours};
pub use places::Places;
use places::at;
pub use post_target::{OtherServer, PostTarget, SigningSecret};
pub use problem::{Problem, Problems};
pub use proxy::Proxy;
pub use read_headers::ReadHeader;
pub use secret::{REDACTED, Secret};
pub use sections::{
    AcceptedTokens, Accepts, AfterBound, ApiAnswers, App, AppKnownBy, AppliesTo, AudienceClaim,
    Auth, Caller, Check, Claim, ClaimMap, ClaimPlace, ClaimSettings, ClearingValue, ClientAuth,
    Config, ControlListener, CookieFormat, Credentials, DefaultRoute, ExpiredCookie,
    FirebaseIssuer, Freshness, GrpcListener, Guard, GuardedCallers, IdentityHeaders, Issuer,
    IssuerDetails, IssuerKind, IssuerNames, KeyFetchHeader, KeyOrigin, KeyPlace, KeySnapshots,
    Keys, Listeners, Log, LogFormat, LogLevel, LogoPath, MAX_NAME_BYTES, Match, Mode, NamedPart,
    Network, OddPaths, OidcClient, OidcIssuer, OnTooLarge, OpsListener, OutboundTls, PartValue,
    PatchOfMissing, PathIdentity, PathMatch, PathRegex, PathTemplate, Preset, PrincipalPattern,
    Profiles, PutEffect, Requirement, RequirementLeaf, RequirementNode, Revocation, Right, Role,
    RoleNaming, RolePlace, RoleSource, Route, RowndAuth, RowndIssuer, Scalar, Shutdown,
    SigningAlgorithm, StaticIssuer, SupertokensCore, SupertokensIssuer, TemplateSegment, TextRegex,
    Texts, Tls, TlsVersion, TokenSource, TooLarge, Unavailable, ValuePlace, ValueTest, ValueTests,
    VendorHeaders, is_wildcard, permission_problem, role_problem,
};
pub use sections::{
    ClaimSource, HttpCors, HttpGroup, HttpListenerName, HttpSettings, IdentityPart, Passport,
    PassportFormat, PassportKey, PassportSubject, RulePassport,
};
pub use sections::{DenialSettings, DenialTemplate, ProtectedResource};
pub use sections::{DeploymentKey, OnOutage, Shared};
pub use sections::{
    EventPoll, EventSource, EventSourceKind, InboundCaller, TokenValidator, ValidatorClaim,
    ValidatorUserId,
};
pub use sections::{
    EventSink, Events, FileSink, HttpSink, RedisStreamSink, SinkKind, StdoutSink, StreamSink,
};
pub use sections::{ExchangeHook, HookReceiver, HookService, HookedGrant, Hooks, OnHookFailure};
pub use sections::{
    MappedParameter, MappedValue, OnMissing, OutputHeader, QueryMap, RouteOutputs, ValueFormat,
    ValueSource,
};
pub use sections::{
    RedisAccess, RedisAddress, RedisCluster, RedisNode, RedisPlace, RedisSentinel, RedisWay,
};
pub use span::Span;
pub use structure::json_schema;
pub use tls::{Material, read_tls};
pub use watch::{ConfigSource, Files};
pub use web_address::WebAddress;

/// The environment of this process. No other function reads it. Bytes of a value that are not UTF-8 are
/// replaced by a sign, for which a variable that is used is refused.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the room that reads the environment")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        })
        .collect()
}

/// Reads a file (or none) and the environment over it.
///
/// # Errors
///
/// All problems, each with its file and line or its variable. A file without a setting is one.
pub fn load(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Config, Problems> {
    let text = main_file::read_settings(file)?;
    parse(&name_of(file), &text, environment)
}

/// Loads like [`load`], with more checks, whose problems are reported with the others.
///
/// # Errors
///
/// All problems, those of `more_checks` included.
pub fn load_and_check(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    more_checks: impl FnOnce(&Config) -> Vec<Finding>,
) -> Result<Config, Problems> {
    let text = main_file::read_settings(file)?;
    let all = |config: &Config| {
        let mut found = file_problems(config);
        found.extend(more_checks(config));
        found
    };
    parse_with(&name_of(file), &text, environment, all)
}

/// Checks that a file of certificates, which a library reads by itself, can be read.
///
/// # Errors
///
/// The reason, if it cannot be read, is not a regular file, or is larger than 16 MiB.
pub fn certificate_file(path: &Path) -> io::Result<()> {
    file::read_bytes(path, main_file::MOST_BYTES).map(drop)
}

fn name_of(file: Option<&Path>) -> String {
    file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string())
}

/// The address and the TLS settings of the gRPC listener, for a command that only connects to it.
/// The rest of the configuration is not checked: it may need secrets that the command does not
/// have.
///
/// # Errors
///
/// The file cannot be read, or is not YAML, or the address or `listeners.grpc.tls` has another
/// shape.
pub fn grpc_endpoint(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<(ListenAddress, Option<Tls>), Problems> {
    let (name, document) = document(file, environment)?;
    let address = part(&name, &document, "/listeners/grpc/address")?;
    let tls = part(&name, &document, "/listeners/grpc/tls")?;
    Ok((address.unwrap_or_else(|| GrpcListener::default().address), tls))
}

/// The address of the pages for probes, for a command that only connects to it.
///
/// # Errors
///
/// The file cannot be read, or is not YAML, or the address has another shape.
pub fn probe_address(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<SocketAddr, Problems> {
    let (name, document) = document(file, environment)?;
    let address = match part(&name, &document, "/listeners/ops/probe_address")? {
        Some(address) => Some(address),
        None => part(&name, &document, "/listeners/ops/address")?,
    };
    Ok(address.unwrap_or_else(|| OpsListener::default().address))
}

/// The path of the control socket, if there is one, for a command that only connects to it.
///
/// # Errors
///
/// The file cannot be read, or is not YAML, or the address has another shape.
pub fn control_socket(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Option<PathBuf>, Problems> {
    let (name, document) = document(file, environment)?;
    let address: Option<SocketPath> = part(&name, &document, "/listeners/control/address")?;
    Ok(address.map(|address| address.path().to_owned()))
}

/// One part of a configuration whose rest is not checked; `None` if it is not there.
fn part<T: DeserializeOwned>(
    name: &str,
    document: &YamlDocument,
    pointer: &str,
) -> Result<Option<T>, Problems> {
    let part = document.value.pointer(pointer).cloned().filter(|part| !part.is_null());
    let part = part.map(serde_json::from_value).transpose();
    part.map_err(|error| Problems(vec![at(name, document, pointer, error.to_string())]))
}

/// The section `identity_headers`. The rest of the configuration is not checked.
///
/// # Errors
///
/// The file cannot be read, or is not YAML, or the section has another shape.
pub fn identity_headers(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<IdentityHeaders, Problems> {
    let (name, document) = document(file, environment)?;
    Ok(part(&name, &document, "/identity_headers")?.unwrap_or_default())
}

/// The names of the headers that rules set, in alphabetical order: those that a proxy should remove
/// from every request. The rest of the configuration is not checked.
///
/// # Errors
///
/// The file cannot be read, or is not YAML.
pub fn output_header_names(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<String>, Problems> {
    let (_, document) = document(file, environment)?;
    let list = |of: &serde_json::Value, name: &str| -> Vec<serde_json::Value> {
        of.get(name).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    let routes = list(&document.value, "routes");
    let rules = routes.iter().chain([&document.value]);
    let passports = routes.iter().filter_map(|rule| rule.get("passport")?.as_object());
    let passports = passports.map(|passport| match passport.get("format") {
        Some(format) if format == "txn-token" => "txn-token".to_owned(),
        _ => "x-rownd-passport".to_owned(),
    });
    let headers = rules.flat_map(|rule| list(rule, "headers"));
    let names = headers.filter_map(|header| header.get("name")?.as_str().map(str::to_owned));
    // The client's own credential passes where no rule replaces it.
    let names = names.filter(|name| name != "authorization");
    let mut names: Vec<String> = names.chain(passports).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A file (or none) with the environment over it, not checked yet; and its name for messages.
fn document(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<(String, YamlDocument), Problems> {
    let text = file.map_or_else(|| Ok(String::new()), main_file::read)?;
    let name = name_of(file);
    let mut document = YamlDocument::parse(&text).map_err(|problem| unreadable(&name, problem))?;
    let problems = environment::apply(&mut document, environment, &mut Vec::new());
    if problems.is_empty() { Ok((name, document)) } else { Err(Problems(problems)) }
}

/// Loads like [`load`], from text. `name` is the name of the file in messages.
///
/// # Errors
///
/// All problems, each with its line or its variable.
pub fn parse(
    name: &str,
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Config, Problems> {
    parse_with(name, text, environment, file_problems)
}

/// The problems of the certificate files, which a reload reads apart from the configuration.
fn file_problems(config: &Config) -> Vec<Finding> {
    let mut found = tls::problems(config);
    found.extend(authorities::problems(config));
    found
}
