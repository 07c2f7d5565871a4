//! The shop of docs/policy.md: its configuration, its callers, and the table of the page.
//!
//! In: `deploy/examples/shop.yaml` and the page. Out: the configuration with the addresses of an
//! emulator, tokens of each caller, and the lines that the page promises.

use std::fs;

use rownd_emulator::{Minter, Seed, Settings, TokenOrder};
use serde_json::{Value, json};

use super::{background, forge::now};

/// The customers and the staff, as Rownd knows them.
const SEED: &str = r#"
apps:
  - id: app_shop
    key: key_shop
    secret: ras_shop
    name: Shop
    groups: [{ id: group_shop, name: Shop }, { id: group_other, name: Another group }]
    users:
      - { id: user_ann, name: ann, auth_level: verified }
      - { id: user_bob, name: bob, auth_level: unverified, groups: [{ group: group_other, roles: [owner] }] }
      - { id: user_guest, name: guest, auth_level: guest }
      - { id: user_sam, name: sam, auth_level: verified, groups: [{ group: group_shop, roles: [support] }] }
      - { id: user_olga, name: olga, auth_level: verified, groups: [{ group: group_shop, roles: [owner] }] }
  - id: app_staging
    key: key_staging
    secret: ras_staging
    name: Staging
    groups: [{ id: group_shop, name: Shop }]
    users:
      - { id: user_tess, name: tess, auth_level: verified, groups: [{ group: group_shop, roles: [owner] }] }
"#;

/// A running emulator that plays all issuers of the shop.
pub(crate) struct Shop {
    base: String,
    minter: Minter,
}

/// A line of the page's table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) caller: String,
    pub(crate) status: u16,
    /// The reason of a denial; empty for a request that passes.
    pub(crate) reason: String,
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("a shipped file")
}

/// The shop's configuration, as it is shipped.
pub(crate) fn shipped() -> String {
    read("deploy/examples/shop.yaml")
}

/// The text of docs/policy.md.
pub(crate) fn page() -> String {
    read("docs/policy.md")
}

/// The rows of the table below a heading of the page, without its head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let below = page.split(&format!("\n{heading}\n")).nth(1).expect("the heading");
    let lines = below.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = lines.take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(str::to_owned).collect();
    rows.map(cells).collect()
}

/// The words in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// The callers that the page names.
pub(crate) fn callers() -> Vec<String> {
    rows("### The callers").iter().flat_map(|row| quoted(&row[0])).collect()
}

/// The lines of the page's table.
pub(crate) fn lines() -> Vec<Line> {
    let line = |row: Vec<String>| {
        let cells: Vec<String> =
            row.iter().map(|cell| cell.replace('`', "").trim().into()).collect();
        let [request, caller, answer]: [String; 3] = cells.try_into().expect("three cells");
        let (method, url) = request.split_once(' ').expect("a method and an address");
        let slash = url.find('/').expect("a path");
        let (status, reason) = answer.split_once(' ').unwrap_or((&answer, ""));
        Line {
            method: method.to_owned(),
            host: url[..slash].to_owned(),
            path: url[slash..].to_owned(),
            caller,
            status: status.parse().expect("a status"),
            reason: reason.to_owned(),
        }
    };
    rows("### Every answer").into_iter().map(line).collect()
}

/// Starts an emulator with these apps: its base URL, and the minter of its tokens.
pub(crate) async fn emulator(seed: &'static str) -> (String, Minter) {
    let bound = background().spawn(async {
        let mut settings = Settings::demo("127.0.0.1:0".parse().unwrap());
        settings.seed = Seed::parse("seed", seed).unwrap_or_else(|found| panic!("{found}"));
        rownd_emulator::bind(settings).await.expect("the emulator")
    });
    let emulator = bound.await.expect("the emulator's task");
    let (base, minter) = (emulator.base_url().to_owned(), emulator.minter());
    background().spawn(emulator.run(std::future::pending()));
    (base, minter)
}

impl Shop {
    /// Starts the emulator.
    pub(crate) async fn open() -> Self {
        let (base, minter) = emulator(SEED).await;
        Self { base, minter }
    }

    /// The shipped configuration, whose issuers are at the emulator.
    pub(crate) fn config(&self) -> Value {
        let mut config: Value = serde_saphyr::from_str(&shipped()).expect("YAML");
        let keys = format!("{}/hub/auth/keys", self.base);
        config["issuers"][0]["base_url"] = json!(self.base);
        config["issuers"][1]["jwks_url"] = json!(keys);
        config["issuers"][2]["jwks_url"] = json!(keys);
        // A busy machine must not turn an answer into a 503.
        config["check"]["timeout"] = json!("20s");
        config["shutdown"] = json!({ "drain_delay": "0s", "grace": "5s" });
        config
    }

    /// The order of a caller's token; `None` for nobody.
    pub(crate) fn order(caller: &str) -> Option<TokenOrder> {
        let of_app = |app: &str| TokenOrder { app: Some(app.to_owned()), ..TokenOrder::of(caller) };
        let foreign = |iss: &str, user: &str| {
            TokenOrder::of(user).claim("iss", iss).claim("aud", "shop").claim("sub", user)
        };
        let signed_in = |ago: i64| {
            foreign("https://login.shop.example", "user_ann").claim("auth_time", now() - ago)
        };
        let partner =
            |scope: &str| foreign("https://id.partner.example", "machine-1").claim("scope", scope);
        Some(match caller {
            "nobody" => return None,
            "ann" | "bob" | "guest" | "sam" | "olga" => of_app("app_shop"),
            "tess" => of_app("app_staging"),
            "payer" => signed_in(60),
            "idler" => signed_in(3600),
            "reader" => partner("orders:read"),
            "writer" => partner("orders:read orders:write"),
            other => panic!("the page names a caller that the tests do not know: {other}"),
        })
    }

    /// A caller's token.
    pub(crate) fn token(&self, caller: &str) -> Option<String> {
        Self::order(caller).map(|order| self.mint(&order))
    }

    /// A token.
    pub(crate) fn mint(&self, order: &TokenOrder) -> String {
        self.minter.mint(order).expect("a token")
    }
}
