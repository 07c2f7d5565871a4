//! Any text as a configuration: one that holds together, or a list of problems.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rownd_authz::config;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Files are the operator's own, and a fuzzer would read the machine's.
    if text.contains("file") {
        return;
    }
    if let Err(problems) = config::parse("fuzz.yaml", text, &Default::default()) {
        assert!(!problems.to_string().is_empty(), "a refusal says why");
    }
});
