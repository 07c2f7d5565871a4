//! The signature of a message: HMAC with SHA-256 over id, time and body, by the rules of Standard
//! Webhooks.

use std::fmt::{self, Write as _};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::message_id::MessageId;
use crate::config::SigningSecret;

/// The keys that sign. `Debug` shows nothing of them.
pub(super) struct Signer(Vec<hmac::Key>);

impl Signer {
    pub(super) fn new(secrets: &[SigningSecret]) -> Self {
        let key = |secret: &SigningSecret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        Self(secrets.iter().map(key).collect())
    }

    /// The value of `webhook-signature`: one signature for each key, with blanks between them. The
    /// time is in seconds since 1970.
    pub(super) fn sign(&self, id: &MessageId, time: u64, body: &[u8]) -> String {
        let before = format!("{id}.{time}.");
        let mut signatures = String::new();
        for key in &self.0 {
            let mut context = hmac::Context::with_key(key);
            context.update(before.as_bytes());
            context.update(body);
            let blank = if signatures.is_empty() { "" } else { " " };
            // Writing into a string cannot fail.
            let _ = write!(signatures, "{blank}v1,{}", STANDARD.encode(context.sign()));
        }
        signatures
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("keys", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{MessageId, Signer};
    use crate::config::SigningSecret;

    fn signed(secrets: &[&str], id: &str, time: u64, body: &str) -> String {
        let secrets: Vec<_> =
            secrets.iter().map(|text| SigningSecret::parse(text).unwrap()).collect();
        Signer::new(&secrets).sign(&MessageId::of(id).unwrap(), time, body.as_bytes())
    }

    /// The example that the libraries of Standard Webhooks and of Svix test themselves with.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = signed(&[secret], id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_signs_and_each_part_counts() {
        let (old, new) = (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3",
        );
        let both = signed(&[new, old], "m", 1, "x");
        let (first, second) = (signed(&[new], "m", 1, "x"), signed(&[old], "m", 1, "x"));
        assert_eq!(both, format!("{first} {second}"));
        for (name, other) in [
            ("id", signed(&[old], "n", 1, "x")),
            ("time", signed(&[old], "m", 2, "x")),
            ("body", signed(&[old], "m", 1, "y")),
            ("secret", first),
        ] {
            assert_ne!(other, second, "{name}");
        }
    }
}
