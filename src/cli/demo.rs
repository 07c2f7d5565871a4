//! Starts the demo's Envoy, and writes the commands that `dev` prints.

use std::{borrow::Cow, fmt::Write as _, path::Path, process::Stdio, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use rownd_emulator::{Minter, SignedBy, TokenOrder};

use super::{dev_args::DevArgs, http_client};

/// Envoy's configuration. Its ports are replaced by those of the options.
const ENVOY: &str = include_str!("../../deploy/envoy/demo.yaml");
/// The longest time until Envoy answers.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts Envoy and waits until a public route answers through it.
pub(super) async fn start_envoy(binary: &Path, args: &DevArgs) -> Result<Child, String> {
    let mut bootstrap = ENVOY.to_owned();
    let ports = [
        (10000, args.envoy_port),
        (9901, args.envoy_admin_port),
        (50051, args.grpc_port),
        (8788, args.echo_port),
    ];
    // In two steps, so that one port may take the place of another.
    for (default, _) in ports {
        bootstrap = bootstrap
            .replace(&format!("port_value: {default}"), &format!("port_value: <{default}>"));
    }
    for (default, port) in ports {
        bootstrap = bootstrap.replace(&format!("<{default}>"), &port.to_string());
    }
    let mut envoy = Command::new(binary)
        .args(["--disable-hot-restart", "--log-level", "warn", "--config-yaml", &bootstrap])
        .stdin(Stdio::null())
        // Its access log would hide the commands to paste.
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    let give_up = Instant::now() + START_TIMEOUT;
    loop {
        if let Ok(Some(status)) = envoy.try_wait() {
            return Err(format!("Envoy ended at once: {status}; the reason is printed above"));
        }
        if envoy_answers(args.envoy_port).await {
            return Ok(envoy);
        }
        if Instant::now() > give_up {
            return Err(format!("Envoy does not answer on port {}", args.envoy_port));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn envoy_answers(port: u16) -> bool {
    let host = "127.0.0.1";
    let request = http::Request::get("/public").header("host", host).body(Full::<Bytes>::default());
    let Ok(request) = request else { return false };
    let response = http_client::send(&format!("{host}:{port}"), request).await;
    response.is_ok_and(|response| response.status() == http::StatusCode::OK)
}

/// A `curl` command to paste, with the status to expect.
struct CurlExample {
    /// The case that the command shows.
    title: &'static str,
    path: &'static str,
    token: Option<String>,
    header: Option<Cow<'static, str>>,
    status: u16,
}

/// The commands to paste, with new tokens.
pub(super) fn curl_examples(args: &DevArgs, minter: &Minter) -> Result<String, String> {
    let mint = |order: TokenOrder| minter.mint(&order).map(Some).map_err(|error| error.to_string());
    let verified = mint(TokenOrder::of("verified"))?;
    let guest = mint(TokenOrder::of("guest"))?;
    let forged = mint(TokenOrder::of("verified").signed_by(SignedBy::Foreign))?;
    let spoof = Some(Cow::Borrowed("x-rownd-user-id: somebody-else"));
    let session = |token: &str| {
        let json = format!("%7B%22accessToken%22%3A%22{token}%22%7D");
        Some(Cow::Owned(format!("cookie: rownd-session={json}")))
    };
    let signed_in = verified.as_deref().and_then(session);
    let example = |title, path, token: &Option<String>, header, status| CurlExample {
        title,
        path,
        token: token.clone(),
        header,
        status,
    };
    let none = None;
    let examples = [
        example("no token", "/", &none, None, 401),
        example("a verified user; the echo shows the identity headers", "/", &verified, None, 200),
        example(
            "a guest, where the route asks for auth level verified",
            "/verified",
            &guest,
            None,
            403,
        ),
        example("a spoofed identity header is replaced", "/", &verified, spoof.clone(), 200),
        example("the cookie of Rownd's server-side rendering", "/", &none, signed_in, 200),
        example("the same cookie after a sign-out", "/", &none, session("invalid"), 401),
        example(
            "optional without a token: identity headers are removed",
            "/optional",
            &none,
            spoof,
            200,
        ),
        example("a forged token", "/", &forged, None, 401),
        example("a public route", "/public", &none, None, 200),
    ];
    let mut text = addresses(args);
    let _ = writeln!(text, "\n\nPaste these:\n");
    for example in examples.into_iter().chain(policy_examples(minter)?) {
        let _ = writeln!(text, "# {}", example.title);
        let _ = write!(text, "curl -si http://127.0.0.1:{}{}", args.envoy_port, example.path);
        if let Some(token) = example.token {
            let _ = write!(text, " -H 'authorization: Bearer {token}'");
        }
        if let Some(header) = example.header {
            let _ = write!(text, " -H '{header}'");
        }
        let _ = writeln!(text, "  # -> {}", example.status);
    }
    text.push_str("\nCtrl-C stops everything.");
    Ok(text)
}

/// The commands that show the policy of the demo (docs/policy.md).
fn policy_examples(minter: &Minter) -> Result<[CurlExample; 7], String> {
    let mint = |order: TokenOrder| minter.mint(&order).map(Some).map_err(|error| error.to_string());
    let verified = mint(TokenOrder::of("verified"))?;
    let guest = mint(TokenOrder::of("guest"))?;
    let scoped = mint(TokenOrder::of("verified").claim("scope", "orders:read"))?;
    let example = |title, path, token: &Option<String>, status| CurlExample {
        title,
        path,
        token: token.clone(),
        header: None,
        status,
    };
    Ok([
        example("one's own record: the id in the path", "/users/user_verified", &verified, 200),
        example("the record of somebody else", "/users/user_guest", &verified, 403),
        example("an owner, by a group of the profile", "/admin", &verified, 200),
        example("a user without that role", "/admin", &guest, 403),
        example("a token with the scope orders:read", "/partner", &scoped, 200),
        example("a token without it", "/partner", &verified, 403),
        example("closed to everybody by a guard", "/internal", &verified, 403),
    ])
}

/// The addresses of all servers, and commands for the server without Envoy.
pub(super) fn addresses(args: &DevArgs) -> String {
    let check = r#"{"attributes":{"request":{"http":{"method":"GET","host":"localhost","path":"/public"}}}}"#;
    let mut text = String::from("\nUp and ready:\n");
    let at = |port: u16| format!("127.0.0.1:{port}");
    let mut row = |name: &str, address: String| {
        let _ = writeln!(text, "  {name:<12}{address}");
    };
    if args.envoy.is_some() {
        row(
            "Envoy",
            format!("http://{}  (admin http://{})", at(args.envoy_port), at(args.envoy_admin_port)),
        );
    }
    row(
        "rownd-authz",
        format!("{} (gRPC), http://{}/status", at(args.grpc_port), at(args.ops_port)),
    );
    row("emulator", format!("http://{}", at(args.emulator_port)));
    row("echo", format!("http://{}", at(args.echo_port)));
    let grpc = at(args.grpc_port);
    let _ = writeln!(text, "\nAsk as Envoy does, and mint tokens of any kind:");
    let _ = writeln!(
        text,
        "  grpcurl -plaintext -d '{check}' \\\n    {grpc} envoy.service.auth.v3.Authorization/Check"
    );
    let _ = writeln!(text, "  grpcurl -plaintext {grpc} grpc.health.v1.Health/Check");
    let program = std::env::args().next().unwrap_or_else(|| "rownd-authz".to_owned());
    let emulator = at(args.emulator_port);
    let _ = writeln!(text, "  {program} token mint --emulator http://{emulator} --user guest");
    let _ = write!(text, "  {program} token mint --emulator http://{emulator} --expired");
    text
}

/// Commands that call the service for backends, with a new token and the caller's secret.
pub(super) fn grpc_examples(
    args: &DevArgs,
    minter: &Minter,
    secret: &str,
) -> Result<String, String> {
    let token = minter.mint(&TokenOrder::of("verified")).map_err(|error| error.to_string())?;
    let mut text = String::from("\nCall RowndAuth, the service for backends:\n");
    let _ = writeln!(text, "  TOKEN={token}\n  CALLER={secret}");
    let proof = "-H \"authorization: Bearer $CALLER\" ";
    for (proof, body, method) in [
        ("", r#""{\"token\":\"$TOKEN\"}""#, "Verify"),
        (
            "",
            r#""{\"token\":\"$TOKEN\",\"read_mask\":{\"paths\":[\"data\",\"memberships\"]}}""#,
            "GetUser",
        ),
        (proof, r#"'{"user_id":"user_guest"}'"#, "GetUser"),
        (proof, r#"'{"issuer":"rownd","guest":{}}'"#, "Exchange"),
        (proof, r#""{\"migration\":{\"token\":\"$TOKEN\"}}""#, "Exchange"),
        (proof, r#"'{"oidc_client":"web"}'"#, "BuildAuthorizationUrl"),
    ] {
        let _ = writeln!(
            text,
            "  grpcurl -plaintext {proof}-d {body} \\\n    127.0.0.1:{} rownd.auth.v1.RowndAuth/{method}",
            args.grpc_port
        );
    }
    Ok(text)
}
