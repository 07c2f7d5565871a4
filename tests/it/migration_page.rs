//! The pages docs/migration-*.md, read for the tests that execute them.
//!
//! In: the pages. Out: their sections, configurations and tables.

use std::fs;

use rownd_emulator::Endpoint;
use serde_json::json;

/// The pages, in the order in which they are read.
const PAGES: [&str; 4] = ["supertokens", "phases", "end", "rehearsal"];

/// The text of all pages, one after the other.
pub(super) struct Page(String);

impl Page {
    pub(super) fn open() -> Self {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        let read = |name| fs::read_to_string(format!("{docs}/migration-{name}.md")).unwrap();
        Self(PAGES.map(read).concat())
    }

    /// The text below the heading with this beginning, up to the next one of the same rank or
    /// higher.
    pub(super) fn section(&self, heading: &str) -> &str {
        let rank = heading.split(' ').next().unwrap();
        let start = self.0.find(&format!("\n{heading}")).unwrap_or_else(|| panic!("{heading}"));
        let text = &self.0[start + heading.len()..];
        let ends =
            (2..=rank.len()).filter_map(|rank| text.find(&format!("\n{} ", "#".repeat(rank))));
        &text[..ends.min().unwrap_or(text.len())]
    }

    pub(super) fn configuration(&self, phase: &str) -> &str {
        let section = self.section(&format!("## Phase {phase}:"));
        let block = section.split("```yaml\n").nth(1).unwrap_or_else(|| panic!("phase {phase}"));
        block.split("```").next().unwrap()
    }

    /// The endpoints that the rehearsal makes fail: all of api.rownd.io.
    pub(super) fn gone(&self) -> Vec<Endpoint> {
        let list = self.0.split("for endpoint in ").nth(1).unwrap();
        let names = list.split(';').next().unwrap().split_whitespace().filter(|word| *word != "\\");
        names.map(|name| serde_json::from_value(json!(name)).unwrap()).collect()
    }

    /// The cells of the one table of a section, row by row, without its head.
    pub(super) fn table(&self, heading: &str) -> Vec<Vec<&str>> {
        let lines = self.section(heading).lines().skip_while(|line| !line.starts_with("|---"));
        let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let row = row.strip_prefix('|').unwrap().strip_suffix('|').expect("a whole row");
            row.split('|').map(str::trim).collect()
        })
        .collect()
    }
}
