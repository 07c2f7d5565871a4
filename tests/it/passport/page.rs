//! The configurations of docs/passports.md, as they stand there.

use std::{collections::BTreeMap, fs};

use rownd_authz::{app, config};

use super::p256;

#[test]
fn every_configuration_of_the_page_loads() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    fs::write(&file, p256()).unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/passports.md");
    let page = fs::read_to_string(page).unwrap();
    let written = "/etc/rownd-authz/passport/2026-11.pem";
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_manual".to_owned())]);
    let mut seen = 0;
    for block in page.split("```yaml\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        // Values of the chart are rendered by `make chart`.
        if block.starts_with("# values\n") {
            continue;
        }
        assert!(block.contains(written), "{block}");
        let text = block.replace(written, &file.display().to_string());
        let config = config::parse("docs/passports.md", &text, &environment)
            .unwrap_or_else(|problems| panic!("{text}\n{problems}"));
        assert_eq!(app::problems_anywhere(&config), [], "{text}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}
