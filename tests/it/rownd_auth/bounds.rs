//! Callers that are bound to apps and issuers: every call about everything, against every bound.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    BuildAuthorizationUrlRequest, ExchangeRequest, GetUserRequest, GuestGrant, MigrationGrant,
    RefreshTokenGrant, ThirdPartyTokenGrant, VerifyRequest, exchange_request::Grant,
    get_user_request::Subject, verify_response::Outcome,
};
use rownd_emulator::{Endpoint, SignedBy, TokenOrder};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{APP, BLOG, Rig, Stub, refresh, said};

/// A bound as it is written, and the same as a question: does it hold for this issuer and app?
type Bound = (&'static str, fn() -> Value, fn(&str, Option<&str>) -> bool);

const BOUNDS: [Bound; 6] = [
    ("all", || json!({}), |_, _| true),
    ("shop", || json!({ "apps": [APP] }), |_, app| app == Some(APP)),
    ("blog", || json!({ "apps": [BLOG] }), |_, app| app == Some(BLOG)),
    ("rownd", || json!({ "issuers": ["rownd"] }), |issuer, _| issuer == "rownd"),
    ("others", || json!({ "issuers": ["sessions", "provider"] }), |issuer, _| issuer != "rownd"),
    (
        "both",
        || json!({ "issuers": ["rownd"], "apps": [BLOG] }),
        |issuer, app| issuer == "rownd" && app == Some(BLOG),
    ),
];

fn secret(bound: &str) -> String {
    format!("the-secret-of-the-caller-{bound}")
}

async fn start() -> Rig {
    Rig::with(|settings| {
        let callers: Vec<Value> = BOUNDS
            .iter()
            .map(|(name, bound, _)| {
                let mut caller = bound();
                caller["name"] = json!(name);
                caller["secret"] = json!(secret(name));
                let all = ["verify", "get_own_user", "get_user", "exchange", "create_guest"];
                caller["allow"] = json!(all);
                caller
            })
            .chain(settings["rownd_auth"]["callers"].as_array().unwrap().clone())
            .collect();
        settings["rownd_auth"]["callers"] = json!(callers);
        settings["rownd_auth"]["refresh_grace"] = json!("0s");
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": super::APP_KEY, "secret": super::APP_SECRET },
            { "id": BLOG, "key": "key_blog", "secret": "ras_blog" },
        ]);
    })
    .await
}

fn order(app: &str) -> TokenOrder {
    TokenOrder { app: Some(app.to_owned()), ..TokenOrder::of("ann") }
}

/// The subject of a call, as a list of issuer and app; each must be within the bounds.
type About = Vec<(&'static str, Option<&'static str>)>;

async fn verify(stub: &mut Stub, token: String) -> Result<(), Status> {
    stub.verify(VerifyRequest { token, ..VerifyRequest::default() }).await.map(|_| ())
}

async fn own(stub: &mut Stub, token: String) -> Result<(), Status> {
    let subject = Some(Subject::Token(token));
    stub.get_user(GetUserRequest { subject, ..GetUserRequest::default() }).await.map(|_| ())
}

async fn trade(
    stub: &mut Stub,
    issuer: &str,
    app: Option<&str>,
    grant: Grant,
) -> Result<(), Status> {
    let request = ExchangeRequest {
        issuer: Some(issuer.to_owned()).filter(|issuer| !issuer.is_empty()),
        app_id: app.map(str::to_owned),
        grant: Some(grant),
        ..ExchangeRequest::default()
    };
    stub.exchange(request).await.map(|_| ())
}

async fn about_app(
    rig: &Rig,
    stub: &mut Stub,
    app: &'static str,
) -> Vec<(String, About, Result<(), Status>)> {
    let about: About = vec![("rownd", Some(app))];
    let by_id = GetUserRequest {
        subject: Some(Subject::UserId("ann".to_owned())),
        issuer: Some("rownd".to_owned()),
        app_id: Some(app.to_owned()),
        ..GetUserRequest::default()
    };
    let third = ThirdPartyTokenGrant {
        token: rig.foreign("somebody", "somebody@example.com"),
        ..ThirdPartyTokenGrant::default()
    };
    let token = |order: TokenOrder| rig.mint(&order);
    let guest = || Grant::Guest(GuestGrant::default());
    let ended = [
        ("Verify", verify(stub, token(order(app))).await),
        // Good or not: out of the bounds nothing is told.
        ("Verify of an expired one", verify(stub, token(order(app).ttl(-60))).await),
        (
            "Verify of a forged one",
            verify(stub, token(order(app).signed_by(SignedBy::Foreign))).await,
        ),
        ("GetUser of the token", own(stub, token(order(app))).await),
        ("GetUser of an expired one", own(stub, token(order(app).ttl(-60))).await),
        ("GetUser", stub.get_user(by_id).await.map(|_| ())),
        ("third party", trade(stub, "rownd", Some(app), Grant::ThirdPartyToken(third)).await),
        ("refresh", trade(stub, "", None, refresh::grant(&token(order(app).refresh()))).await),
        ("guest", trade(stub, "rownd", Some(app), guest()).await),
    ];
    ended
        .into_iter()
        .map(|(name, ended)| (format!("{name}, {app}"), about.clone(), ended))
        .collect()
}

async fn about_others(
    rig: &Rig,
    stub: &mut Stub,
    session: &str,
) -> Vec<(String, About, Result<(), Status>)> {
    let (sessions, provider) = (("sessions", Some(APP)), ("provider", None));
    let migrate = |token| Grant::Migration(MigrationGrant { token });
    let url = BuildAuthorizationUrlRequest {
        oidc_client: "web".to_owned(),
        ..BuildAuthorizationUrlRequest::default()
    };
    let openid = RefreshTokenGrant {
        refresh_token: "opaque".to_owned(),
        oidc_client: Some("web".to_owned()),
        scopes: Vec::new(),
    };
    let rows: Vec<(&str, About, Result<(), Status>)> = vec![
        ("Verify of a session", vec![sessions], verify(stub, session.to_owned()).await),
        ("GetUser of a session", vec![sessions], own(stub, session.to_owned()).await),
        (
            "migration",
            vec![sessions, ("rownd", Some(APP))],
            trade(stub, "", None, migrate(rig.token("ann"))).await,
        ),
        (
            "guest of sessions",
            vec![sessions],
            trade(stub, "sessions", None, Grant::Guest(GuestGrant::default())).await,
        ),
        ("a URL", vec![provider], stub.build_authorization_url(url).await.map(|_| ())),
        (
            "refresh at OpenID",
            vec![provider],
            trade(stub, "", None, Grant::RefreshToken(openid)).await,
        ),
        // Nobody can say whose it is.
        (
            "opaque refresh",
            vec![("rownd", None)],
            trade(stub, "", None, refresh::grant("opaque")).await,
        ),
    ];
    rows.into_iter().map(|(name, about, ended)| (name.to_owned(), about, ended)).collect()
}

#[tokio::test]
async fn every_call_keeps_to_the_bounds_of_its_caller() {
    let rig = start().await;
    let session =
        rig.tokens(Grant::Migration(MigrationGrant { token: rig.token("ann") })).await.access_token;
    for (name, _, holds) in BOUNDS {
        let mut stub = rig.known(&secret(name));
        let mut ended = about_app(&rig, &mut stub, APP).await;
        ended.extend(about_app(&rig, &mut stub, BLOG).await);
        ended.extend(about_others(&rig, &mut stub, &session).await);
        for (call, about, ended) in ended {
            let within = about.iter().all(|(issuer, app)| holds(issuer, *app));
            let refused =
                ended.as_ref().err().is_some_and(|status| status.code() == Code::PermissionDenied);
            assert_eq!(!refused, within, "{name}: {call}: {ended:?}");
            if refused {
                said(ended).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
            }
        }
    }
}

#[tokio::test]
async fn what_is_out_of_bounds_is_not_even_sent() {
    let rig = start().await;
    let mut stub = rig.known(&secret("shop"));
    let token = rig.mint(&order(BLOG).refresh());
    let before = rig.hits(Endpoint::Token);
    let refused = trade(&mut stub, "", None, refresh::grant(&token)).await;
    said(refused).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    assert_eq!(rig.hits(Endpoint::Token), before);
    // It is as good as before.
    rig.tokens(refresh::grant(&token)).await;
}

#[tokio::test]
async fn names_out_of_bounds_are_all_alike() {
    let rig = start().await;
    let mut stub = rig.known(&secret("both"));
    let user = |issuer: &str, app: &str| GetUserRequest {
        subject: Some(Subject::UserId("ann".to_owned())),
        issuer: Some(issuer.to_owned()),
        app_id: Some(app.to_owned()),
        ..GetUserRequest::default()
    };
    for (issuer, app) in
        [("rownd", APP), ("rownd", "nobodys"), ("sessions", BLOG), ("nobodys", BLOG)]
    {
        let refused = stub.get_user(user(issuer, app)).await;
        said(refused).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    // Within its bounds there is one of each, so that none has to be named.
    let unnamed = GetUserRequest { issuer: None, app_id: None, ..user("", "") };
    stub.get_user(unnamed).await.unwrap();
}

/// A token for two apps is for each of them.
#[tokio::test]
async fn any_app_of_the_audience_is_the_app_of_the_answer() {
    let rig = start().await;
    let two = json!([format!("app:{APP}"), format!("app:{BLOG}"), "app:nobodys"]);
    let token = rig.mint(&order(APP).claim("aud", two));
    let one = rig.token("ann");
    let asked = async |secret: &str, token: &str, app: Option<&str>| {
        let request = VerifyRequest {
            token: token.to_owned(),
            app_id: app.map(str::to_owned),
            ..VerifyRequest::default()
        };
        let outcome = rig.known(secret).verify(request).await?.into_inner().outcome.unwrap();
        Ok::<_, Status>(match outcome {
            Outcome::Identity(who) => who.app_id.unwrap_or_default(),
            Outcome::Denial(denial) => denial.reason,
        })
    };
    let all = secret("all");
    for (caller, token, app, expected) in [
        (&all, &token, None, APP),
        (&all, &token, Some(APP), APP),
        (&all, &token, Some(BLOG), BLOG),
        // It stands in `aud`, and in no configuration.
        (&all, &token, Some("nobodys"), "audience_mismatch"),
        (&all, &one, Some(BLOG), "audience_mismatch"),
        // The first within the bounds.
        (&secret("blog"), &token, None, BLOG),
        (&secret("blog"), &token, Some(BLOG), BLOG),
    ] {
        let found = asked(caller, token, app).await.unwrap();
        assert_eq!(found, expected, "{caller} {app:?}");
    }
    let out = asked(&secret("blog"), &token, Some(APP)).await;
    said(out).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
}
