//! Which authorities may have signed the certificates of the servers that are called.
//!
//! In: a `ca_file`, or the system. Out: the roots, what is to be known about their age, and, where
//! there are none, why no certificate can be checked.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::RootCertStore;

use crate::{
    config::{self, Authority},
    digest::{Sha256, sha256, sha256_of_parts},
    model::{SettingPlace, Warning},
};

/// The roots of trust of a group of issuers.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    /// Why no certificate can be checked; `None`: some can.
    pub(super) missing: Option<Arc<str>>,
    /// Two with the same certificates have the same.
    pub(super) digest: Sha256,
    /// The certificates of a file; nothing of the system's.
    authorities: Arc<[Authority]>,
}

impl Trust {
    /// The certificates of a file, which replace all others.
    ///
    /// # Errors
    ///
    /// Every problem of the file, with its line.
    pub(super) fn of_file(path: &Path) -> Result<Self, Vec<String>> {
        let authorities = config::read_authorities(path)?;
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            // Reading has tried it already.
            roots.add(authority.der.clone()).map_err(|error| vec![error.to_string()])?;
        }
        let digest = digest(authorities.iter().map(|authority| authority.der.as_ref()));
        Ok(Self { roots: Arc::new(roots), missing: None, digest, authorities: authorities.into() })
    }

    /// The certificates of the system. Without any, every connection by TLS is an error that says
    /// so, and all others go on.
    pub(super) fn of_system() -> Self {
        let found = match config::system_authorities() {
            Ok(found) => found,
            Err(reason) => return Self::none(&reason),
        };
        let digest = digest(found.iter().map(AsRef::as_ref));
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found);
        if added == 0 {
            return Self::none("none of the system's can be used");
        }
        Self { roots: Arc::new(roots), missing: None, digest, authorities: Arc::new([]) }
    }

    /// No authority, for this reason.
    pub(super) fn none(reason: &str) -> Self {
        Self {
            roots: Arc::new(RootCertStore::empty()),
            missing: Some(reason.into()),
            digest: sha256(b""),
            authorities: Arc::new([]),
        }
    }

    /// The warning about certificates that are not valid now: TLS asks for no dates of an
    /// authority.
    pub(super) fn warning(&self, file: &Path) -> Option<Warning> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let is_bad = |authority: &&Authority| now < authority.valid.0 || authority.valid.1 < now;
        let bad: Vec<&Authority> = self.authorities.iter().filter(is_bad).collect();
        let first = bad.first()?;
        let fault = if first.valid.1 < now { "has expired" } else { "is not valid yet" };
        let text = format!(
            "the certificate of an authority {fault} ({} of {} in this ca_file are not valid now); \
             servers that it signed are still trusted: write the present certificates",
            bad.len(),
            self.authorities.len(),
        );
        let place = SettingPlace {
            place: format!("{}:{}", file.display(), first.line),
            line: u64::MAX,
            setting: String::new(),
        };
        Some(Warning { place: Some(place), ..Warning::new("ca_not_valid", text) })
    }
}

fn digest<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Sha256 {
    sha256_of_parts(certificates.map(sha256))
}
