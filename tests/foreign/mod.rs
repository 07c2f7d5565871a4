//! Foreign hands: clients and issuers that others wrote, held against ours.
//!
//! In: what `make tools` puts into `.tools/`. Out: their judgement of our tokens, and
//! theirs for us to judge. Where both ends come from the same hands, a shared mistake
//! passes; here it cannot.

#[cfg(feature = "dev")]
mod browser;
#[cfg(feature = "dev")]
mod clients;
#[cfg(feature = "dev")]
mod connect;
#[cfg(feature = "dev")]
mod django;
mod header_lists;
mod header_names;
#[cfg(feature = "dev")]
mod minters;
#[cfg(feature = "dev")]
mod node;
#[cfg(feature = "dev")]
mod oidc;
#[cfg(feature = "dev")]
mod pages;
#[cfg(feature = "dev")]
mod passports;
mod paths;
#[cfg(feature = "dev")]
mod provider;
pub(crate) mod pyjwt;
#[cfg(feature = "dev")]
mod supertokens;
#[cfg(feature = "dev")]
mod supertokens_rownd;
#[cfg(feature = "dev")]
mod talk;
#[cfg(feature = "dev")]
mod webhooks;

use std::path::{Path, PathBuf};

/// A file of this package.
fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A tool that `make tools` installs; its absence ends the test with the way to it.
fn tool(path: &str) -> PathBuf {
    let path = package(".tools").join(path);
    assert!(path.exists(), "{} is missing: run `make tools`", path.display());
    path
}
