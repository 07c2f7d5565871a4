//! The pages docs/migration-*.md, executed: every configuration in one process, from phase to
//! phase by reload, and every cell of the tables by real calls, against the emulator.
//!
//! In: the pages. Out: the same words, or a list of the cells that say something else. In phase 3
//! every endpoint of api.rownd.io fails.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf};

use rownd_authz::{
    app::ReloadOutcome,
    config,
    grpc::pb::rownd::auth::v1::{
        ExchangeRequest, Freshness, GetUserRequest, MigrationGrant, RefreshTokenGrant,
        VerifyRequest, exchange_request::Grant, exchange_response, get_user_request::Subject,
        rownd_auth_client::RowndAuthClient, verify_response::Outcome,
    },
};
use rownd_emulator::{Controls, Endpoint, Fault, Minter, TokenOrder};
use serde_json::Value;
use tempfile::TempDir;
use tonic::{Request, Status, transport::Channel};
use tonic_types::StatusExt as _;

use super::migration_page::Page;
use crate::support::{Answer, Ask, TestApp, ask::IDENTITY, http::request};

const USER: &str = "user_verified";
const CALLER: &str = "Bearer a-secret-for-the-rehearsal";
/// The emulator, the page, and a service that follows a file.
struct Rehearsal {
    page: Page,
    to: SocketAddr,
    base: String,
    app_secret: String,
    minter: Minter,
    controls: Controls,
    dir: TempDir,
}

/// A row's user: tokens of this phase, as clients have them.
struct Tokens {
    access: String,
    ended: String,
    refresh: String,
    session: String,
}

/// The calls of a row; none where the page has an empty cell.
#[derive(Default)]
struct Questions {
    check: Option<Ask>,
    verify: Option<VerifyRequest>,
    exchange: Option<Grant>,
    get_user: Option<Subject>,
}

impl Questions {
    fn check(ask: Ask) -> Self {
        Self { check: Some(ask), ..Self::default() }
    }

    /// All that can be asked about a token.
    fn token(token: &str) -> Self {
        Self {
            check: Some(Ask::with_token(token)),
            verify: Some(VerifyRequest { token: token.to_owned(), ..Default::default() }),
            exchange: Some(Grant::Migration(MigrationGrant { token: token.to_owned() })),
            get_user: Some(Subject::Token(token.to_owned())),
        }
    }

    fn fresh(token: &str) -> Self {
        let freshness = Freshness::Profile.into();
        Self {
            check: Some(Ask::get("/fresh").bearer(token)),
            verify: Some(VerifyRequest {
                token: token.to_owned(),
                freshness,
                ..Default::default()
            }),
            ..Self::default()
        }
    }
}

impl Rehearsal {
    async fn begin() -> Self {
        let free = "127.0.0.1:0".parse().unwrap();
        let emulator = rownd_emulator::bind(rownd_emulator::Settings::demo(free)).await.unwrap();
        let rehearsal = Self {
            page: Page::open(),
            to: emulator.address(),
            base: emulator.base_url().to_owned(),
            app_secret: emulator.settings().app_secret.clone(),
            minter: emulator.minter(),
            controls: emulator.controls(),
            dir: tempfile::tempdir().unwrap(),
        };
        tokio::spawn(emulator.run(std::future::pending()));
        rehearsal
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("rownd-authz.yaml")
    }

    /// Puts a phase's configuration in the place of the file, with this emulator in it.
    async fn write(&self, phase: &str) {
        let text = self.page.configuration(phase);
        let mut text = text
            .replace("http://127.0.0.1:8787", &self.base)
            .replace("127.0.0.1:50052", "127.0.0.1:0")
            .replace("127.0.0.1:9465", "127.0.0.1:0")
            .replace("ras_yours", &self.app_secret);
        if let Some(line) = text.lines().find(|line| line.trim_start().starts_with("key_set:")) {
            let copy = request(self.to, "GET /.well-known/rownd-jwks.json", "", "").await;
            text = text.replace(line, &format!("    key_set: '{}'", copy.body));
        }
        let new = self.dir.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    /// The same process goes on with another phase's configuration.
    async fn enter(&self, app: &TestApp, phase: &str) {
        let epoch = || app.metric("rownd_authz_config_epoch", &[]) as u64;
        let before = epoch();
        self.write(phase).await;
        let outcome = app.reload().await;
        assert!(!matches!(outcome, ReloadOutcome::Refused(_)), "phase {phase}: {outcome:?}");
        assert_eq!(epoch(), before + 1, "phase {phase} is in force");
        assert!(app.readiness.is_ready(), "phase {phase}");
    }

    /// Another process begins with the file as it is, and becomes ready.
    async fn restart(&self) -> TestApp {
        let app = TestApp::follow(&self.file()).await;
        app.is_ready().await;
        app
    }

    async fn migrate(&self, token: &str) -> String {
        let bearer = format!("authorization: Bearer {token}\r\n");
        let answer = request(self.to, "POST /auth/plugin/rownd/migrate", &bearer, "").await;
        answer.header("st-access-token").to_owned()
    }

    fn mint(&self, order: &TokenOrder) -> String {
        self.minter.mint(order).unwrap()
    }

    async fn tokens(&self) -> Tokens {
        let access = self.mint(&TokenOrder::of(USER));
        Tokens {
            session: self.migrate(&access).await,
            ended: self.mint(&TokenOrder::of(USER).issued(-7200)),
            refresh: self.mint(&TokenOrder::of(USER).refresh()),
            access,
        }
    }

    fn questions(&self, row: &str, tokens: &Tokens) -> Questions {
        let Tokens { access, ended, refresh, session } = tokens;
        let cookie = |method| {
            Ask::get("/").method(method).header("cookie", format!("sAccessToken={session}"))
        };
        match row {
            "a Rownd access token" => Questions::token(access),
            "a Rownd access token that has ended" => Questions::token(ended),
            "a Rownd refresh token" => Questions::token(refresh),
            "a session" => Questions::token(session),
            "a session's cookie, GET" => Questions::check(cookie("GET")),
            "a session's cookie, POST" => Questions::check(cookie("POST")),
            "the same with `rid: session`" => {
                Questions::check(cookie("POST").header("rid", "session"))
            }
            "the same with `sec-fetch-site: same-origin`" => {
                Questions::check(cookie("POST").header("sec-fetch-site", "same-origin"))
            }
            "a Rownd access token, and a session's cookie" => {
                Questions::check(cookie("GET").bearer(access))
            }
            "nothing, POST to `/auth/session/refresh`" => {
                Questions::check(Ask::get("/auth/session/refresh").method("POST"))
            }
            "a Rownd access token, to `/fresh`" => Questions::fresh(access),
            "a session, to `/fresh`" => Questions::fresh(session),
            "a Rownd refresh token, to be renewed" => {
                let refresh_token = self.mint(&TokenOrder::of(USER).refresh());
                let grant = RefreshTokenGrant { refresh_token, ..Default::default() };
                Questions { exchange: Some(Grant::RefreshToken(grant)), ..Questions::default() }
            }
            "a user's id" => {
                let subject = Subject::UserId(USER.to_owned());
                Questions { get_user: Some(subject), ..Questions::default() }
            }
            other => panic!("nobody knows how to ask for `{other}`"),
        }
    }

    /// Holds every cell of a phase's table to what is answered.
    async fn hold(&self, app: &TestApp, phase: &str) {
        let tokens = self.tokens().await;
        let mut wrong = Vec::new();
        let rows = self.page.table(&format!("## Phase {phase}:"));
        assert!(rows.len() >= 10, "phase {phase}: {rows:?}");
        for row in rows {
            let questions = self.questions(row[0], &tokens);
            let said = [
                match &questions.check {
                    Some(ask) => self.checked(&app.check(ask).await, &tokens.session),
                    None => String::new(),
                },
                verified(app, questions.verify).await,
                exchanged(app, questions.exchange).await,
                got(app, questions.get_user).await,
            ];
            if row[1..] != said {
                wrong.push(format!("| {} | {} |", row[0], said.join(" | ")));
            }
        }
        assert!(wrong.is_empty(), "phase {phase}: the page says otherwise\n{}", wrong.join("\n"));
    }

    /// A cell of `Check`. An allowed request has all headers of the page.
    fn checked(&self, answer: &Answer, session: &str) -> String {
        if !answer.is_allowed() {
            return format!("{} `{}`", answer.http_status(), answer.reason());
        }
        let Some(issuer) = answer.set("x-rownd-issuer") else {
            assert!(IDENTITY.iter().all(|name| answer.set(name).is_none()), "{answer:?}");
            return "allowed, nobody".to_owned();
        };
        let rows = self.page.table("### For services behind");
        assert_eq!(rows.len(), IDENTITY.len(), "a row for each header");
        for row in rows {
            let said = if issuer == "rownd" { row[1] } else { row[2] };
            let name = row[0].trim_matches('`');
            let expected = match said {
                "removed" => None,
                "the session's handle" => Some(handle(session)),
                value => Some(value.trim_matches('`').to_owned()),
            };
            assert_eq!(answer.set(name), expected.as_deref(), "{issuer}: {name}");
        }
        format!("allowed, `{issuer}`")
    }

    /// The levels of both families.
    async fn hold_levels(&self, app: &TestApp) {
        let rows = self.page.table("#### Auth levels");
        assert_eq!(rows.len(), 5, "{rows:?}");
        for row in rows {
            let user = row[0].split('`').nth(1).unwrap();
            let mut order = TokenOrder::of(user);
            if row[0].contains("has no `is_anonymous`") {
                order.remove_claims.push("https://auth.rownd.io/is_anonymous".to_owned());
            }
            let access = self.mint(&order);
            for (token, said) in [(&access, row[1]), (&self.migrate(&access).await, row[2])] {
                let answer = app.check(&Ask::with_token(token)).await;
                let [level, anonymous] = ["x-rownd-auth-level", "x-rownd-anonymous"]
                    .map(|name| answer.set(name).unwrap());
                assert_eq!(said, format!("`{level}`, `{anonymous}`"), "{}", row[0]);
            }
        }
    }
}

fn handle(session: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = URL_SAFE_NO_PAD.decode(session.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sessionHandle"].as_str().unwrap().to_owned()
}

fn stub(app: &TestApp) -> RowndAuthClient<Channel> {
    RowndAuthClient::new(app.channel())
}

/// A request of the caller of the configuration.
fn known<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", CALLER.parse().unwrap());
    request
}

/// The reason of an error, or the field that is wrong.
fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?}"));
    match details.bad_request() {
        Some(bad) => format!("`{}`, `{}`", info.reason, bad.field_violations[0].field),
        None => format!("`{}`", info.reason),
    }
}

async fn verified(app: &TestApp, request: Option<VerifyRequest>) -> String {
    let Some(request) = request else { return String::new() };
    match stub(app).verify(known(request)).await.map(|answer| answer.into_inner().outcome) {
        Ok(Some(Outcome::Identity(who))) => {
            assert_eq!(who.user_id, USER);
            format!("identity, `{}`", who.issuer)
        }
        Ok(Some(Outcome::Denial(denial))) => format!("denial `{}`", denial.reason),
        Ok(None) => panic!("an outcome is always set"),
        Err(status) => format!("error {}", reason(&status)),
    }
}

async fn exchanged(app: &TestApp, grant: Option<Grant>) -> String {
    let Some(grant) = grant else { return String::new() };
    let request = ExchangeRequest { grant: Some(grant), ..Default::default() };
    match stub(app).exchange(known(request)).await.map(|answer| answer.into_inner().outcome) {
        Ok(Some(exchange_response::Outcome::Tokens(tokens))) => {
            let issuer = if tokens.front_token.is_some() { "supertokens" } else { "rownd" };
            let good = VerifyRequest { token: tokens.access_token, ..Default::default() };
            assert_eq!(verified(app, Some(good)).await, format!("identity, `{issuer}`"));
            if issuer == "rownd" { "tokens" } else { "a session" }.to_owned()
        }
        Ok(other) => panic!("{other:?}"),
        Err(status) => reason(&status),
    }
}

async fn got(app: &TestApp, subject: Option<Subject>) -> String {
    if subject.is_none() {
        return String::new();
    }
    let request = GetUserRequest { subject, ..Default::default() };
    match stub(app).get_user(known(request)).await.map(|answer| answer.into_inner().user) {
        Ok(Some(user)) => {
            assert_eq!(user.id, USER);
            "the user".to_owned()
        }
        Ok(None) => panic!("a user is always set"),
        Err(status) => reason(&status),
    }
}

#[tokio::test]
async fn the_page_is_walked_phase_by_phase_and_back() {
    let rehearsal = Rehearsal::begin().await;
    rehearsal.write("0").await;
    let app = rehearsal.restart().await;
    rehearsal.hold(&app, "0").await;
    rehearsal.enter(&app, "1").await;
    rehearsal.hold(&app, "1").await;
    rehearsal.hold_levels(&app).await;
    rehearsal.enter(&app, "2").await;
    rehearsal.hold(&app, "2").await;

    let counted = |labels: &[_]| app.metric("rownd_authz_verifications_total", labels);
    for issuer in ["rownd", "supertokens"] {
        assert!(counted(&[("issuer", issuer), ("result", "verified")]) > 0.0, "{issuer}");
    }
    let migrated = [("endpoint", "supertokens_migrate"), ("result", "ok")];
    assert!(app.metric("rownd_authz_rownd_requests_total", &migrated) > 0.0);

    let gone = rehearsal.page.gone();
    assert!(gone.len() > 10, "{gone:?}");
    for endpoint in gone {
        rehearsal.controls.inject(Fault::status(endpoint, 503)).unwrap();
    }
    let carries_on = Ask::with_token(rehearsal.mint(&TokenOrder::of(USER)));
    app.check(&carries_on).await.assert_allowed("in phase 2", "authenticated");
    rehearsal.enter(&app, "3").await;
    rehearsal.hold(&app, "3").await;
    // A server that starts now has no earlier keys.
    rehearsal.hold(&rehearsal.restart().await, "3").await;
    rehearsal.enter(&app, "3b").await;
    let asked =
        || [Endpoint::Metadata, Endpoint::Keys].map(|endpoint| rehearsal.controls.hits(endpoint));
    let before = asked();
    rehearsal.hold(&app, "3").await;
    rehearsal.hold(&rehearsal.restart().await, "3").await;
    assert_eq!(asked(), before, "the keys are in place: nobody is asked for them");
    rehearsal.enter(&app, "4").await;
    rehearsal.hold(&app, "4").await;
    rehearsal.hold(&rehearsal.restart().await, "4").await;
    assert!(counted(&[("issuer", "unknown"), ("result", "issuer_untrusted")]) > 0.0);

    // And all the way back.
    rehearsal.enter(&app, "3").await;
    rehearsal.hold(&app, "3").await;
    rehearsal.controls.clear_faults();
    rehearsal.enter(&app, "2").await;
    rehearsal.hold(&app, "2").await;
    rehearsal.enter(&app, "1").await;
    rehearsal.hold(&app, "1").await;
    rehearsal.enter(&app, "0").await;
    rehearsal.hold(&app, "0").await;
}

#[test]
fn phase_4_has_no_room_for_profiles() {
    let fresh = "default: { auth: required, freshness: profile }";
    let text = Page::open().configuration("4").replace("default: { auth: required }", fresh);
    let problems = config::parse("phase 4", &text, &BTreeMap::new()).unwrap_err();
    assert!(problems.to_string().contains("needs an issuer of kind `rownd`"), "{problems}");
}

#[test]
fn the_rehearsal_asks_every_row_in_order() {
    let page = Page::open();
    let mut rest = page.section("# Rehearsal");
    for row in page.table("## Phase 2:") {
        let (_, after) =
            rest.split_once(&row[0].replace('`', "")).unwrap_or_else(|| panic!("{}", row[0]));
        rest = after;
    }
    for phase in ["0", "1", "2", "3", "4"] {
        let rows = |phase: &str| -> Vec<_> {
            let table = page.table(&format!("## Phase {phase}:"));
            table.iter().map(|row| row[0].to_owned()).collect()
        };
        assert_eq!(rows(phase), rows("2"), "phase {phase}");
    }
}
