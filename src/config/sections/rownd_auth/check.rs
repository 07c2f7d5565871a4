//! The check of the section `rownd_auth`: callers that can be distinguished, and OpenID clients
//! that can work.

use std::collections::HashSet;

use super::schema::{Caller, RowndAuth, WrittenRowndAuth};
use crate::config::{findings::Findings, section::Section};

/// The least bytes of a caller's secret.
const MIN_SECRET: usize = 16;

impl Section for WrittenRowndAuth {
    type Checked = RowndAuth;

    fn check(mut self, at: &str, found: &mut Findings) -> RowndAuth {
        let (mut names, mut secrets) = (HashSet::new(), HashSet::new());
        let mut callers = std::mem::take(&mut self.callers);
        for (index, caller) in callers.iter_mut().enumerate() {
            let at = format!("{at}/callers/{index}");
            if !names.insert(caller.name.clone()) {
                found.add(format!("{at}/name"), "another caller has this name; write another");
            }
            check_secret(caller, &mut secrets, &at, found);
            check_caller(caller, &at, found);
        }
        let mut names = HashSet::new();
        let mut clients = Vec::with_capacity(self.oidc_clients.len());
        for (index, client) in std::mem::take(&mut self.oidc_clients).into_iter().enumerate() {
            let at = format!("{at}/oidc_clients/{index}");
            if !names.insert(client.name.clone()) {
                found.add(format!("{at}/name"), "another client has this name; write another");
            }
            clients.extend(client.check(&at, found));
        }
        self.with(callers, clients)
    }
}

fn check_secret(caller: &mut Caller, known: &mut HashSet<String>, at: &str, found: &mut Findings) {
    let Some(secret) = &mut caller.secret else { return };
    let at = format!("{at}/secret");
    match secret.resolve() {
        Err(message) => found.add(at, message),
        Ok(()) if secret.expose().len() < MIN_SECRET => found.add(
            at,
            format!("is shorter than {MIN_SECRET} bytes; write a longer one, as `openssl rand -hex 32` makes it"),
        ),
        Ok(()) if !known.insert(secret.expose().to_owned()) => {
            found.add(at, "another caller has the same secret, so that the two cannot be distinguished; write another");
        }
        Ok(()) => {}
    }
}

fn check_caller(caller: &Caller, at: &str, found: &mut Findings) {
    if caller.allow.is_empty() {
        found.add(format!("{at}/allow"), "allows nothing; write allow: [verify]");
    }
    let by_name = !caller.uris.is_empty() || !caller.dns_names.is_empty();
    if caller.secret.is_none() && !by_name && caller.uids.is_empty() {
        found.add(
            at,
            "cannot be known by anything; write `secret: file:/path`, `uris`, `dns_names` or `uids`",
        );
    }
    for (list, values) in [("uris", &caller.uris), ("dns_names", &caller.dns_names)] {
        for (index, value) in values.iter().enumerate() {
            if value.is_empty() || value.contains('*') {
                found.add(
                    format!("{at}/{list}/{index}"),
                    "is not an exact name; there are no patterns here, so write each name",
                );
            }
        }
    }
}
