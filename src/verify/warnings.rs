//! Warnings about the settings of issuers: what is allowed and probably not meant.

use crate::{
    config::{Claim, Config, Issuer},
    model::Warning,
};

/// The warnings about the claim maps of a configuration.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let of_issuer = |issuer: &Issuer| -> Vec<Warning> {
        let dotted = |(part, claim): (&'static str, Option<&Claim>)| {
            let name = claim?.resembles_path()?;
            let (outer, inner) = name.rsplit_once('.')?;
            Some(Warning::of(
                "claim_name_dotted",
                format!("{}/claims/{part}", issuer.pointer()),
                format!(
                    "issuer `{}` has one claim whose name is `{name}` here; for `{inner}` inside \
                     `{outer}` write {{path: {name}}}, and if the name is meant, {{name: {name}}}",
                    issuer.name
                ),
            ))
        };
        issuer.claims.entries().into_iter().filter_map(dotted).collect()
    };
    config.issuers.iter().flat_map(of_issuer).collect()
}
