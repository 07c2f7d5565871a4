//! The check of the section `passport`: an address that can be an `iss`, and files that can be read.
//! The room `passport` finds out whether the keys can be used.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::schema::{Passport, PassportKey, WrittenPassport, WrittenPassportKey};
use crate::config::{
    file, findings::Findings, secret::Secret, section::Section, web_address::WebAddress,
};

/// Read permission of everybody.
const ALL_READ: u32 = 0o004;

impl Section for WrittenPassport {
    /// `None` if a setting without which nothing can be signed has a problem.
    type Checked = Option<Passport>;

    fn check(self, at: &str, found: &mut Findings) -> Option<Passport> {
        let issuer = found.keep(format!("{at}/issuer"), issuer(&self.issuer));
        let mut keys = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let at = format!("{at}/keys/{index}");
            if self.keys.iter().take(index).any(|before| before.file == key.file) {
                found.add(format!("{at}/file"), "another key has this file; leave one out");
            }
            keys.extend(found.keep(format!("{at}/file"), read(key)));
        }
        if let Some(domain) = &self.trust_domain
            && !domain.bytes().all(|byte| byte.is_ascii_graphic())
        {
            found.add(
                format!("{at}/trust_domain"),
                "has blanks or characters other than visible ASCII; write shop.example.com",
            );
        }
        Some(Passport {
            issuer: issuer?,
            keys,
            ttl: self.ttl,
            subject: self.subject.unwrap_or_default(),
            header: self.header,
            max_bytes: self.max_bytes,
            trust_domain: self.trust_domain,
            cache_bytes: self.cache_bytes,
        })
    }
}

/// The `iss`: services compare it byte for byte, and ask below it for the keys.
fn issuer(written: &str) -> Result<WebAddress, String> {
    let address = WebAddress::base(written, false).map_err(|message| {
        if written.starts_with("http://") {
            "plain http, by which anybody on the way could replace the keys; write \
             https://authz.example.com (http only for localhost)"
                .to_owned()
        } else {
            message
        }
    })?;
    if address.as_str() == written {
        Ok(address)
    } else {
        Err(format!("`{written}` has a slash at its end; write {}", address.as_str()))
    }
}

fn read(key: &WrittenPassportKey) -> Result<PassportKey, String> {
    let shown = key.file.display();
    if let Some(message) = file::content_as_path(&key.file) {
        return Err(message.to_owned());
    }
    if !key.file.is_absolute() {
        return Err(format!(
            "`{shown}` is not an absolute path; write /etc/rownd-authz/passport/key.pem"
        ));
    }
    let pem = file::read_text(&key.file.to_string_lossy())?;
    let mode = fs::metadata(&key.file).map_or(0, |found| found.mode());
    Ok(PassportKey {
        file: key.file.clone(),
        kid: key.kid.clone(),
        pem: Secret::new(&pem),
        readable_by_all: mode & ALL_READ != 0,
    })
}
