//! The time of hooks, held against the calls that wait for them.

use crate::config::{findings::Findings, sections::WrittenConfig};

/// Adds the problem of a hook that a call could never wait for.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let Some(hook) = &config.hooks.before_exchange else { return };
    let (own, call) = (hook.timeout, config.rownd_auth.timeout);
    let at = "/hooks/before_exchange/timeout";
    if own >= call && !found.is_left_out(at) && !found.is_left_out("/rownd_auth/timeout") {
        found.add(
            at,
            format!(
                "{own} is not shorter than rownd_auth.timeout ({call}), in which the issuer has to \
                 answer too; write a shorter time here, or a longer one there"
            ),
        );
    }
}
