//! The ids that an issuer gave for app keys, on disk, so that a process that knows an app only by
//! its key is ready during an outage.
//!
//! In: the apps of an issuer. Out: the id of an app as Rownd said it to an earlier process. The
//! file stands beside the issuer's keys, and is trusted on the same conditions except for its age:
//! the app of a key never changes, and the age of the keys bounds how long tokens are verified
//! without their issuer. Everything here blocks.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    app_slot::AppSlot,
    issuer::Issuer,
    key_snapshot::{KeySnapshot, LoadError},
};
use crate::{
    config::{KeySnapshots as Settings, Secret},
    digest::{hex, sha256_of_parts},
    model::AppOfKey,
};

/// Goes into the digest of a key, so that it is the digest of nothing else.
const DOMAIN: &str = "rownd-authz app key\n";

/// Apps by the digest of the key: a key itself never stands on the disk.
type Ids = BTreeMap<String, KeptApp>;

/// One app in the file.
#[derive(Debug, Serialize, Deserialize)]
struct KeptApp {
    id: String,
    /// The app variant that the key belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
}

/// The file with the app ids of one issuer.
#[derive(Debug)]
pub struct AppIdSnapshot {
    file: KeySnapshot,
    /// Held while the file is changed: several apps may become known at once.
    changing: Mutex<()>,
}

impl AppIdSnapshot {
    /// The file of this issuer. Nothing is read here.
    #[must_use]
    pub fn new(settings: &Settings, issuer: &Issuer) -> Self {
        let written = issuer.settings();
        let source = written.key_snapshot_source(None);
        let file = KeySnapshot::new(settings, issuer.name(), &written.iss, &source);
        Self { file: file.of_app_ids(), changing: Mutex::new(()) }
    }

    /// The app with this key, as an earlier process was told. `None`: no process has
    /// kept one.
    ///
    /// # Errors
    ///
    /// The reason why the file cannot be trusted.
    pub fn find(&self, key: &Secret) -> Result<Option<AppOfKey>, String> {
        let kept = self.read()?.remove(&digest(key));
        Ok(kept.map(|KeptApp { id, variant }| AppOfKey { id, variant }))
    }

    /// Keeps the ids of the apps that are known, and those of before for keys whose id is not.
    ///
    /// # Errors
    ///
    /// Those of the file system. The file of before stays then.
    pub fn keep(&self, apps: &[Arc<AppSlot>]) -> io::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is not trusted is replaced.
        let mut before = self.read().unwrap_or_default();
        let mut ids = Ids::new();
        for app in apps {
            let Some(key) = app.key().map(digest) else { continue };
            let known = app.app_of_key().cloned();
            let known = known.map(|AppOfKey { id, variant }| KeptApp { id, variant });
            ids.extend(known.or_else(|| before.remove(&key)).map(|known| (key, known)));
        }
        self.file.write(&serde_json::to_vec(&ids)?, SystemTime::now(), || true)
    }

    fn read(&self) -> Result<Ids, String> {
        match self.file.find(SystemTime::now()) {
            Ok(found) => serde_json::from_slice(&found.document)
                .map_err(|_| "it does not have app ids in it".to_owned()),
            Err(LoadError::Absent) => Ok(Ids::new()),
            Err(LoadError::Refused(reason)) => Err(reason),
        }
    }
}

impl KeySnapshot {
    /// The file of the issuer's app ids, which grow no older.
    fn of_app_ids(self) -> Self {
        self.with_ending("apps", Duration::MAX)
    }
}

fn digest(key: &Secret) -> String {
    hex(&sha256_of_parts([DOMAIN, key.expose()]))
}
