//! Passports in the hands of others: the services of `examples/passports`, each with the usual JWT
//! library of its language, run as their readers run them.
//!
//! In: passports of both forms, signed by the real server with both kinds of keys, and tokens that
//! are none. Out: every service takes the former, and denies the latter.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use rownd_authz::app::ListenAddress;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{package, talk::assert_fresh, tool};
use crate::support::{
    Ask, Claims, Issuer, Key, TestApp, config,
    forge::{USER, b64, now},
    http,
};

/// A JVM on a loaded machine starts within this, too.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const ISS: &str = "https://authz.example.com";
const DOMAIN: &str = "shop.example.com";

#[derive(Debug, Clone, Copy)]
enum Language {
    Go,
    Java,
    Node,
    Python,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Jwt,
    TxnToken,
}

impl Form {
    const fn word(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::TxnToken => "txn-token",
        }
    }

    const fn header(self) -> &'static str {
        match self {
            Self::Jwt => "x-rownd-passport",
            Self::TxnToken => "txn-token",
        }
    }

    const fn typ(self) -> &'static str {
        match self {
            Self::Jwt => "rownd-passport+jwt",
            Self::TxnToken => "txntoken+jwt",
        }
    }

    const fn audience(self) -> &'static str {
        match self {
            Self::Jwt => "orders",
            Self::TxnToken => DOMAIN,
        }
    }
}

/// A private key of which the server has the file and the test the other half.
enum Signer {
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
}

impl Signer {
    fn es256() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Self::Es256(
            EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())
                .unwrap()
                .as_ref()
                .to_vec(),
        )
    }

    fn ed_dsa() -> Self {
        Self::EdDsa(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec())
    }

    fn pem(&self) -> String {
        let (Self::Es256(der) | Self::EdDsa(der)) = self;
        pem::encode(&pem::Pem::new("PRIVATE KEY", der.clone()))
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = match self {
            Self::Es256(der) => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .unwrap()
                .sign(&SystemRandom::new(), signed.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Self::EdDsa(der) => {
                Ed25519KeyPair::from_pkcs8(der).unwrap().sign(signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{signed}.{}", b64(signature))
    }
}

/// The server, and a key that signs for it.
struct House {
    issuer: Issuer,
    key: Key,
    signer: Signer,
    app: TestApp,
    _dir: TempDir,
}

impl House {
    async fn open(signer: Signer) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key.pem");
        std::fs::write(&file, signer.pem()).unwrap();
        let mut settings = config(&issuer);
        settings["listeners"]["http"] =
            json!({ "address": "127.0.0.1:0", "serve": ["passport_keys"] });
        settings["passport"] = json!({
            "issuer": ISS, "trust_domain": DOMAIN, "keys": [{ "file": file, "kid": "one" }],
        });
        let claims = json!({ "level": { "identity": "auth_level" } });
        let route = |id: &str, passport: Value| json!({ "id": id, "match": { "path": { "prefix": format!("/{id}") } }, "passport": passport });
        settings["routes"] = json!([
            route("jwt", json!({ "audience": "orders", "claims": claims })),
            route(
                "txn-token",
                json!({ "format": "txn-token", "scope": "orders.read", "claims": claims })
            ),
        ]);
        let app = TestApp::ready(&settings).await;
        Self { issuer, key, signer, app, _dir: dir }
    }

    fn jwks_url(&self) -> String {
        match self.app.http.as_ref().unwrap() {
            ListenAddress::Tcp(address) => format!("http://{address}/.well-known/jwks.json"),
            ListenAddress::Unix(_) => panic!("TCP was asked for"),
        }
    }

    /// The passport that the service behind gets.
    async fn passport(&self, form: Form) -> String {
        let token = self.key.token(&Claims::of(&self.issuer.url()));
        let ask = Ask::get(format!("/{}", form.word())).bearer(token);
        let answer = self.app.check(&ask).await;
        answer.assert_allowed(form.word(), "authenticated");
        answer.set(form.header()).expect("a passport").to_owned()
    }

    /// Good tokens of this form, and with one thing wrong.
    fn forged(&self, form: Form) -> Vec<(&'static str, String)> {
        let header =
            |typ: Value| json!({ "alg": self.signer.algorithm(), "kid": "one", "typ": typ });
        let good = json!({
            "iss": ISS, "aud": form.audience(), "sub": "u", "iat": now() - 5, "exp": now() + 30,
            "jti": "1", "txn": "1",
        });
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            self.signer.sign(&header(form.typ().into()), &claims)
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            self.signer.sign(&header(form.typ().into()), &claims)
        };
        let typ = |typ: Value| self.signer.sign(&header(typ), &good);
        let other_form = if form == Form::Jwt { Form::TxnToken } else { Form::Jwt };
        let stranger = match self.signer {
            Signer::Es256(_) => Signer::es256(),
            Signer::EdDsa(_) => Signer::ed_dsa(),
        };
        let unsigned = |alg: &str| {
            let header = json!({ "alg": alg, "kid": "one", "typ": form.typ() });
            format!("{}.{}.", b64(header.to_string()), b64(good.to_string()))
        };
        let unknown = json!({ "alg": self.signer.algorithm(), "kid": "two", "typ": form.typ() });
        vec![
            ("another audience", with("aud", "payments".into())),
            ("another issuer", with("iss", "https://evil.example.com".into())),
            ("expired", with("exp", (now() - 60).into())),
            ("no expiry", without("exp")),
            ("no audience", without("aud")),
            ("no issuer", without("iss")),
            ("no subject", without("sub")),
            ("a token of another kind", typ("JWT".into())),
            ("an access token", typ("at+jwt".into())),
            ("the other form", typ(other_form.typ().into())),
            ("another key under the name", stranger.sign(&header(form.typ().into()), &good)),
            ("an unknown key", stranger.sign(&unknown, &good)),
            ("no signature", unsigned("none")),
            ("an empty signature", unsigned(self.signer.algorithm())),
            ("no token", "x".to_owned()),
        ]
    }
}

/// A running service. Dropped, it ends.
struct Service {
    address: SocketAddr,
    _child: Child,
}

impl Language {
    fn command(self) -> Command {
        let source = |path: &str| package("examples/passports").join(path);
        let built = |path: &str| tool(&format!("passports/{path}"));
        let mut command;
        match self {
            Self::Go => {
                assert_fresh(&built("go/main.go"), &source("go/main.go"));
                command = Command::new(built("go/service"));
            }
            Self::Java => {
                let main = "src/main/java/example/Main.java";
                assert_fresh(&built("java").join(main), &source("java").join(main));
                let target = built("java/target");
                command = Command::new("java");
                let path = format!("{0}/classes:{0}/lib/*", target.display());
                command.args(["-cp", &path, "example.Main"]);
            }
            Self::Node => {
                let lock = "package-lock.json";
                assert_fresh(&built("node").join(lock), &source("node").join(lock));
                command = Command::new("node");
                command.arg(source("node/main.mjs")).env("NODE_PATH", built("node/node_modules"));
            }
            Self::Python => {
                command = Command::new(tool("venv/bin/python"));
                command.arg(source("python/main.py"));
            }
        }
        command
    }

    async fn start(self, house: &House, form: Form) -> Service {
        let mut command = self.command();
        command
            .env("JWKS_URL", house.jwks_url())
            .env("ISSUER", ISS)
            .env("AUDIENCE", form.audience())
            .env("FORM", form.word())
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{self:?} does not run: {error}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(TIME_LIMIT, lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{self:?} does not start")).unwrap();
        let line = line.unwrap_or_else(|| panic!("{self:?} has ended"));
        let port = line.strip_prefix("listening on ").and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("{self:?}: {line}"));
        Service { address: ([127, 0, 0, 1], port).into(), _child: child }
    }
}

impl Service {
    async fn ask(&self, headers: &str) -> http::Answer {
        http::request(self.address, "GET /", headers, "").await
    }
}

/// Both forms, signed by this key, in the hands of a service in this language.
async fn verifies(language: Language, signer: Signer) {
    let house = House::open(signer).await;
    for form in [Form::Jwt, Form::TxnToken] {
        let what = format!("{language:?} {} {}", form.word(), house.signer.algorithm());
        let service = language.start(&house, form).await;
        let passport = house.passport(form).await;
        let header = format!("{}: {passport}\r\n", form.header());
        let answer = service.ask(&header).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        let claims = answer.json();
        assert_eq!((&claims["iss"], &claims["sub"]), (&ISS.into(), &USER.into()), "{what}");
        let chosen = if form == Form::Jwt { &claims } else { &claims["tctx"] };
        assert_eq!(
            (&chosen["level"], &chosen["idp"]),
            (&"verified".into(), &"rownd".into()),
            "{what}"
        );
        assert_eq!(service.ask("").await.status, 401, "{what}: none");
        assert_eq!(service.ask(&header.repeat(2)).await.status, 401, "{what}: twice");
        for (name, token) in house.forged(form) {
            let answer = service.ask(&format!("{}: {token}\r\n", form.header())).await;
            assert_eq!(answer.status, 401, "{what}, {name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_service_in_go_verifies_passports_of_both_forms() {
    verifies(Language::Go, Signer::es256()).await;
    verifies(Language::Go, Signer::ed_dsa()).await;
}

#[tokio::test]
async fn a_service_in_java_verifies_passports_of_both_forms() {
    verifies(Language::Java, Signer::es256()).await;
    verifies(Language::Java, Signer::ed_dsa()).await;
}

#[tokio::test]
async fn a_service_in_node_verifies_passports_of_both_forms() {
    verifies(Language::Node, Signer::es256()).await;
    verifies(Language::Node, Signer::ed_dsa()).await;
}

#[tokio::test]
async fn a_service_in_python_verifies_passports_of_both_forms() {
    verifies(Language::Python, Signer::es256()).await;
    verifies(Language::Python, Signer::ed_dsa()).await;
}
