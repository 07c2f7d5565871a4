//! The check of the section `hooks`: one way to each hook, and one that can be taken.

use super::schema::{
    ExchangeHook, HookReceiver, HookService, HookedGrant, Hooks, WrittenExchangeHook,
    WrittenHookService, WrittenHooks,
};
use crate::config::{
    findings::Findings,
    post_target::{IN_CLEAR, check_way},
    section::Section,
    web_address::{WebAddress, is_loopback},
};

impl Section for WrittenHooks {
    type Checked = Hooks;

    fn check(self, at: &str, found: &mut Findings) -> Hooks {
        let at = format!("{at}/before_exchange");
        Hooks { before_exchange: self.before_exchange.and_then(|hook| hook.check(&at, found)) }
    }
}

impl Section for WrittenExchangeHook {
    /// `None` if there is no way to the hook.
    type Checked = Option<ExchangeHook>;

    fn check(self, at: &str, found: &mut Findings) -> Option<ExchangeHook> {
        let mut grants: Vec<HookedGrant> = Vec::with_capacity(self.grants.len());
        for (index, grant) in self.grants.into_iter().enumerate() {
            if grants.contains(&grant) {
                found.add(format!("{at}/grants/{index}"), "is there twice; leave one out");
            } else {
                grants.push(grant);
            }
        }
        let receiver = match (self.http, self.grpc) {
            (Some(http), None) => http.check(&format!("{at}/http"), found).map(HookReceiver::Http),
            (None, Some(grpc)) => grpc.check(&format!("{at}/grpc"), found).map(HookReceiver::Grpc),
            (Some(_), Some(_)) => {
                found
                    .add(at, "has `http` and `grpc`; a hook has one way, so leave one of them out");
                None
            }
            (None, None) => {
                let message = "has neither `http` nor `grpc`; write http: { url: \
                               https://hooks.example.com/rownd, secrets: [file:/path] }";
                if !found.has_within(at) {
                    found.add(at, message);
                }
                None
            }
        };
        Some(ExchangeHook {
            receiver: receiver?,
            grants,
            on_failure: self.on_failure,
            timeout: self.timeout,
            max_in_flight: self.max_in_flight,
        })
    }
}

impl Section for WrittenHookService {
    /// `None` if its address has a problem.
    type Checked = Option<HookService>;

    fn check(mut self, at: &str, found: &mut Findings) -> Option<HookService> {
        self.tls.check(&format!("{at}/tls"), found);
        if let Some(secret) = &mut self.secret {
            found.keep(format!("{at}/secret"), secret.resolve());
        }
        let url = found.keep(format!("{at}/url"), address(&self.url, self.allow_insecure_http))?;
        check_way(&url, self.allow_insecure_http, &self.tls, at, found);
        let Self { secret, allow_insecure_http, tls, .. } = self;
        Some(HookService { url, secret, allow_insecure_http, tls })
    }
}

/// The address of a gRPC server. No message repeats it: a secret may be in it.
fn address(written: &str, allow_http: bool) -> Result<WebAddress, String> {
    let address = WebAddress::base(written, true)?;
    if address.url().path() != "/" {
        return Err("has a path, and gRPC has paths of its own; write https://HOST:PORT".to_owned());
    }
    if address.url().scheme() == "http" && !allow_http && !is_loopback(address.url()) {
        return Err(IN_CLEAR.to_owned());
    }
    Ok(address)
}
