//! The tenants of an issuer: one `{tenant}` in its `issuer`, and the list of those that are trusted.
//!
//! In: the settings as they are written. Out: the tenants, each a text that can only stand as one
//! whole segment of a path, or every problem. Where there are tenants, nothing of the issuer is one
//! for all of them: each has keys of its own.

use std::collections::HashSet;

use super::{
    tenant_place::{EXAMPLE, has_place},
    words::IssuerKind,
    written::WrittenIssuer,
};
use crate::config::{file, findings::Findings};

/// The most tenants of one issuer.
const MAX_TENANTS: usize = 256;
/// The longest tenant, in bytes.
const MAX_LENGTH: usize = 128;

/// The problem of this tenant, which is one of a list.
fn problem<'a>(tenant: &'a str, known: &mut HashSet<&'a str>) -> Option<&'static str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    if tenant.is_empty() {
        Some("is empty; write the tenant as it stands in the `iss` of its tokens")
    } else if tenant.len() > MAX_LENGTH {
        Some("is longer than 128 bytes; write the tenant as it stands in the `iss` of its tokens")
    } else if !tenant.bytes().all(is_plain) || tenant == "." || tenant.contains("..") {
        Some("is no tenant; write letters, digits, `-`, `_`, `.` and `~` only, and no `..`")
    } else if !known.insert(tenant) {
        Some("is there twice; leave one out")
    } else {
        None
    }
}

impl WrittenIssuer {
    /// Whether tenants are written.
    pub(in crate::config) const fn has_tenants(&self) -> bool {
        !self.tenants.is_empty() || self.tenants_file.is_some()
    }

    /// Reads the list of tenants and checks it, and the places of the tenant in every address.
    /// Returns the tenants in alphabetical order; none for an issuer without tenants.
    pub(super) fn check_tenants(&mut self, at: &str, found: &mut Findings) -> Vec<String> {
        let addresses = [
            ("issuer", &self.issuer),
            ("base_url", &self.base_url),
            ("jwks_url", &self.jwks_url),
            ("jwks_fallback_url", &self.jwks_fallback_url),
        ];
        let mut places = Vec::new();
        for (name, address) in addresses {
            let Some(address) = address else { continue };
            match has_place(address) {
                Ok(has) => places.push((name, has)),
                Err(problem) => found.add(format!("{at}/{name}"), problem),
            }
        }
        let is_listed = self.has_tenants();
        if self.kind == IssuerKind::Oidc {
            self.check_places(is_listed, &places, at, found);
        } else {
            for (name, _) in places.iter().filter(|(_, has)| *has) {
                let message = "has `{tenant}`, and only issuers of kind `oidc` have tenants; write \
                               the address itself";
                found.add(format!("{at}/{name}"), message);
            }
        }
        match self.tenants_file.take() {
            Some(named) => self.read_tenants(&named, &format!("{at}/tenants_file"), found),
            None => self.check_list(&format!("{at}/tenants"), found),
        }
        let mut tenants = self.tenants.clone();
        tenants.sort_unstable();
        tenants
    }

    /// Either all of them have a place for the tenant, or none has.
    fn check_places(
        &self,
        is_listed: bool,
        places: &[(&str, bool)],
        at: &str,
        found: &mut Findings,
    ) {
        let in_issuer = places.iter().find(|(name, _)| *name == "issuer").map(|(_, has)| *has);
        let has_tenants = is_listed || in_issuer == Some(true);
        if in_issuer == Some(false) && is_listed {
            found.add(format!("{at}/issuer"), format!("has no place for its tenants; {EXAMPLE}"));
        }
        if in_issuer == Some(true) && !is_listed {
            found.add(
                format!("{at}/tenants"),
                "is missing: without a list, everybody who can open a tenant would be trusted; \
                 write tenants: [tenant-a, tenant-b] or tenants_file: file:/path",
            );
        }
        for (name, has) in places.iter().filter(|(name, _)| *name != "issuer") {
            let message = match (has_tenants, has) {
                (true, false) => {
                    "is one place for all tenants, so that a key of one would verify tokens of \
                     the others"
                }
                (false, true) => "has a place for a tenant, and `issuer` has none",
                (true, true) | (false, false) => continue,
            };
            found.add(format!("{at}/{name}"), format!("{message}; {EXAMPLE}"));
        }
        if has_tenants && self.key_set.is_some() {
            found.add(
                format!("{at}/key_set"),
                "is one set of keys for all tenants, so that a key of one would verify tokens of \
                 the others; leave it out, or write an issuer for each tenant",
            );
        }
    }

    /// The tenants of the file take the place of its name.
    fn read_tenants(&mut self, named: &str, at: &str, found: &mut Findings) {
        if !self.tenants.is_empty() {
            found.add(at, "stands beside `tenants`; write only one of them");
            return;
        }
        let Some(path) = named.strip_prefix("file:") else {
            found.add(at, "is no file; write file:/etc/rownd-authz/tenants");
            return;
        };
        let Some(text) = found.keep(at, file::read_text(path)) else { return };
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (mut known, mut number) = (HashSet::new(), 0);
        for (line, tenant) in lines {
            number += 1;
            if let Some(problem) = problem(tenant, &mut known) {
                found.add(at, format!("line {line} {problem}"));
            } else {
                self.tenants.push(tenant.to_owned());
            }
        }
        if !(1..=MAX_TENANTS).contains(&number) {
            found.add(at, format!("has {number} tenants; write 1 to {MAX_TENANTS} lines"));
        }
        self.tenants.truncate(MAX_TENANTS);
    }

    fn check_list(&self, at: &str, found: &mut Findings) {
        let mut known = HashSet::new();
        for (index, tenant) in self.tenants.iter().enumerate() {
            if let Some(problem) = problem(tenant, &mut known) {
                found.add(format!("{at}/{index}"), problem);
            }
        }
    }
}
