//! The check of the section `shared`: a way to Redis, and a key that is one.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::schema::{DeploymentKey, Shared, WrittenShared};
use crate::config::{
    findings::Findings, secret::Secret, section::Section, sections::redis_access::WrittenAccess,
};

/// The form of a good key, for messages.
const KEY_FORM: &str = "write 32 random bytes in base64, by `openssl rand -base64 32`";

impl Section for WrittenShared {
    /// `None` if a setting without which nothing can be shared has a problem.
    type Checked = Option<Shared>;

    fn check(mut self, at: &str, found: &mut Findings) -> Option<Shared> {
        let key = found.keep(format!("{at}/key"), key(&mut self.key));
        let access = WrittenAccess {
            url: self.url,
            sentinel: self.sentinel,
            cluster: self.cluster,
            allow_insecure: self.allow_insecure,
            username: self.username,
            password: self.password,
            tls: self.tls,
        };
        Some(Shared {
            redis: access.check(self.timeout, at, found)?,
            prefix: self.prefix,
            key: key?,
            on_outage: self.on_outage,
            unknown_for: self.unknown_for,
        })
    }
}

/// The key of the deployment.
fn key(written: &mut Secret) -> Result<DeploymentKey, String> {
    written.resolve()?;
    let bytes = STANDARD.decode(written.expose()).map_err(|_| format!("no base64; {KEY_FORM}"))?;
    let length = bytes.len();
    let key: [u8; 32] =
        bytes.try_into().map_err(|_| format!("has {length} bytes instead of 32; {KEY_FORM}"))?;
    if key.iter().all(|byte| Some(byte) == key.first()) {
        return Err(format!("every byte of it is the same; {KEY_FORM}"));
    }
    Ok(DeploymentKey::new(key))
}
