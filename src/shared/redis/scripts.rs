//! The scripts, each of which is one question.
//!
//! Times are those of the server (`TIME`), so that the clocks of the replicas do not matter.

use redis::Script;

/// The most changes of one answer.
pub(super) const MAX_CHANGES: u32 = 1000;

/// All scripts.
pub(super) struct Scripts {
    pub(super) put_if_absent: Script,
    pub(super) get: Script,
    pub(super) replace: Script,
    pub(super) remove: Script,
    pub(super) count: Script,
    pub(super) merge: Script,
    pub(super) changes: Script,
    pub(super) sweep: Script,
    pub(super) replicas: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let with_set = |body: &str| Script::new(&format!("{SET}\n{body}"));
        Self {
            put_if_absent: Script::new(PUT_IF_ABSENT),
            get: Script::new(GET),
            replace: Script::new(REPLACE),
            remove: Script::new(REMOVE),
            count: Script::new(COUNT),
            merge: with_set(MERGE),
            changes: with_set(CHANGES),
            sweep: with_set(SWEEP),
            replicas: Script::new(REPLICAS),
        }
    }
}

const PUT_IF_ABSENT: &str = include_str!("scripts/put_if_absent.lua");
const GET: &str = include_str!("scripts/get.lua");
const REPLACE: &str = include_str!("scripts/replace.lua");
const REMOVE: &str = include_str!("scripts/remove.lua");
const COUNT: &str = include_str!("scripts/count.lua");
const SET: &str = include_str!("scripts/set.lua");
const MERGE: &str = include_str!("scripts/merge.lua");
const CHANGES: &str = include_str!("scripts/changes.lua");
const SWEEP: &str = include_str!("scripts/sweep.lua");
const REPLICAS: &str = include_str!("scripts/replicas.lua");
