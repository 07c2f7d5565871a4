//! The middlewares of `examples/`, in a server of their framework.
//!
//! In: requests with tokens of every kind. Out: the statuses and words that their READMEs
//! promise; nobody passes while the server beside them cannot be asked.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    node_modules,
    stage::{Over, Stage},
};
use crate::foreign::{package, tool};
use crate::support::{child::Guarded, eventually, free_port, raw::Raw};

/// A backend of `examples/`; it ends when dropped.
struct Backend {
    address: SocketAddr,
    _child: Guarded,
    _log: TempDir,
}

impl Backend {
    async fn start(
        program: &Path,
        arguments: &[String],
        env: &[(&str, &str)],
        at: SocketAddr,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut child = Guarded::spawn(program, arguments, env, &log);
        eventually("the backend", || {
            if let Some(status) = child.ended() {
                panic!("it ended with {status}: {}", std::fs::read_to_string(&log).unwrap());
            }
            async move { tokio::net::TcpStream::connect(at).await.ok() }
        })
        .await;
        Self { address: at, _child: child, _log: dir }
    }

    async fn django(target: &str) -> Self {
        let at = free_port();
        let (app, stubs) = (package("examples/django/app.py"), tool("clients/python"));
        let arguments =
            [app.display().to_string(), "runserver".into(), "--noreload".into(), at.to_string()];
        let env = [("AUTHZ_TARGET", target), ("PYTHONPATH", stubs.to_str().unwrap())];
        Self::start(&tool("venv/bin/python"), &arguments, &env, at).await
    }

    async fn express(target: &str) -> Self {
        let at = free_port();
        let (app, modules) = (package("examples/express/app.cjs"), node_modules("express"));
        let (port, modules) = (at.port().to_string(), modules.display().to_string());
        let env = [("AUTHZ_TARGET", target), ("PORT", &port), ("NODE_PATH", &modules)];
        Self::start(Path::new("node"), &[app.display().to_string()], &env, at).await
    }

    async fn get(&self, path: &str, token: Option<&str>) -> (u16, Value, Option<String>) {
        let request = token.map_or_else(|| Raw::get(path), |token| Raw::get(path).bearer(token));
        let answer = request.send(self.address).await;
        let challenge = answer.header("www-authenticate").map(str::to_owned);
        (answer.status, answer.json(), challenge)
    }

    /// The behaviour that both READMEs describe.
    async fn judge(&self, stage: &Stage) {
        let (good, expired) = (stage.token(), stage.expired());
        let ann = json!({ "user": "ann" });
        let me = json!({ "user": "ann", "verified": true });
        let nobody = json!({ "user": null });
        let unauthenticated = json!({ "error": "unauthenticated" });
        let refused = |reason: &str| json!({ "error": "invalid_token", "reason": reason });
        let invalid = Some("Bearer error=\"invalid_token\"");
        for (path, token, status, body, challenge) in [
            ("/", None, 200, nobody, None),
            ("/", Some(good.as_str()), 200, ann, None),
            ("/", Some(expired.as_str()), 401, refused("token_expired"), invalid),
            ("/me", None, 401, unauthenticated, Some("Bearer")),
            ("/me", Some(good.as_str()), 200, me, None),
            ("/me", Some("nonsense"), 401, refused("token_malformed"), invalid),
        ] {
            let expected = (status, body, challenge.map(str::to_owned));
            assert_eq!(self.get(path, token).await, expected, "{path} with {token:?}");
        }
    }

    /// The server beside it is gone.
    async fn judge_alone(&self, token: &str) {
        let (status, body, _) = self.get("/", Some(token)).await;
        assert_eq!((status, body), (503, json!({ "error": "temporarily_unavailable" })));
        assert_eq!(self.get("/", None).await.0, 200);
    }
}

#[tokio::test]
async fn djangos_middleware_lets_in_whom_verify_knows() {
    let stage = Stage::set(Over::Unix).await;
    let backend = Backend::django(&stage.target()).await;
    backend.judge(&stage).await;
    let token = stage.token();
    stage.end().await;
    backend.judge_alone(&token).await;
}

#[tokio::test]
async fn the_middleware_of_express_lets_in_whom_verify_knows() {
    let stage = Stage::set(Over::Tcp).await;
    let backend = Backend::express(&stage.target()).await;
    backend.judge(&stage).await;
    let token = stage.token();
    stage.end().await;
    backend.judge_alone(&token).await;
}
