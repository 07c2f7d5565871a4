//! The faults of a token that cannot be read, each in one sentence: for operators, by `token inspect`.
//! A check does none of this; a client is told the reason of the denial and nothing more.
//!
//! In: a token that the parser has refused. Out: sentences, in the order of the token. They name
//! members and places, and hold no value of a claim, no key and no signature.

mod members;
mod parts;
#[cfg(test)]
mod tests;

use crate::model::DenyReason;

/// The most faults that are named: a long text that is no token has as many as it has words.
const MAX_FAULTS: usize = 12;

/// The reason why a token cannot be read, and its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableToken {
    /// The reason of a check's denial.
    pub reason: DenyReason,
    /// The faults, each in one sentence; at least one.
    pub faults: Vec<String>,
}

impl UnreadableToken {
    /// A token that is longer than a check takes.
    pub(super) fn too_long(length: usize, most: usize) -> Self {
        let faults = vec![format!(
            "it has {length} bytes, and check.max_token_bytes is {most}: it is not read"
        )];
        Self { reason: DenyReason::TokenTooLarge, faults }
    }

    /// A token that the parser has refused for this reason.
    pub(super) fn of(raw: &[u8], reason: DenyReason) -> Self {
        let mut faults = of_token(raw);
        if faults.is_empty() {
            faults.push(reason.message().to_owned());
        }
        faults.truncate(MAX_FAULTS);
        Self { reason, faults }
    }
}

/// The faults of a token, those of its surroundings first.
fn of_token(raw: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    let Ok(text) = std::str::from_utf8(raw) else {
        // The first byte that is not ASCII is there: ASCII is UTF-8.
        faults.extend(raw.iter().position(|byte| !byte.is_ascii()).map(parts::not_ascii));
        return faults;
    };
    faults.extend(parts::surroundings(text));
    if let Some(other) = parts::another_thing(text) {
        faults.push(other);
        return faults;
    }
    if !faults.is_empty() {
        // The parts would be judged with the blanks and quotes in them.
        return faults;
    }
    faults.extend(parts::count(text));
    if !faults.is_empty() {
        return faults;
    }
    let mut all = text.split('.');
    let (header, claims) = (all.next().unwrap_or_default(), all.next().unwrap_or_default());
    let signature = all.next().unwrap_or_default();
    match parts::decoded("the header", header) {
        Ok(json) => faults.extend(members::of_header(&json)),
        Err(fault) => faults.push(fault),
    }
    match parts::decoded("the claims", claims) {
        Ok(json) => faults.extend(members::of_claims(&json)),
        Err(fault) => faults.push(fault),
    }
    match parts::decoded("the signature", signature) {
        Ok(bytes) => faults.extend(parts::long_signature(bytes.len())),
        Err(fault) => faults.push(fault),
    }
    faults
}
