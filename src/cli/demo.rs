//! The demo's Envoy, and the lines to paste.

use std::{fmt::Write as _, path::Path, process::Stdio, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use rownd_emulator::{Minter, SignedBy, TokenOrder};

use super::{dev_args::DevArgs, http_client};

/// Envoy's configuration, in which the ports are replaced.
const ENVOY: &str = include_str!("../../deploy/envoy/demo.yaml");
/// Envoy has to answer within this time.
const PATIENCE: Duration = Duration::from_secs(30);

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
        // Its access log would bury the lines to paste.
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Ok(Some(status)) = envoy.try_wait() {
            return Err(format!("Envoy ended at once: {status}; its reason stands above"));
        }
        if answers(args.envoy_port).await {
            return Ok(envoy);
        }
        if Instant::now() > give_up {
            return Err(format!("Envoy does not answer on port {}", args.envoy_port));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn answers(port: u16) -> bool {
    let host = "127.0.0.1";
    let request = http::Request::get("/public").header("host", host).body(Full::<Bytes>::default());
    let Ok(request) = request else { return false };
    let response = http_client::send(&format!("{host}:{port}"), request).await;
    response.is_ok_and(|response| response.status() == http::StatusCode::OK)
}

/// One line of the table: what it shows, the path, what is sent, the status to expect.
struct Line {
    shows: &'static str,
    path: &'static str,
    token: Option<String>,
    header: Option<&'static str>,
    status: u16,
}

/// The lines to paste, with fresh tokens.
pub(super) fn table(args: &DevArgs, minter: &Minter) -> Result<String, String> {
    let mint = |order: TokenOrder| minter.mint(&order).map(Some).map_err(|error| error.to_string());
    let verified = mint(TokenOrder::of("verified"))?;
    let guest = mint(TokenOrder::of("guest"))?;
    let forged = mint(TokenOrder::of("verified").signed_by(SignedBy::Foreign))?;
    let spoof = Some("x-rownd-user-id: somebody-else");
    let line = |shows, path, token: &Option<String>, header, status| Line {
        shows,
        path,
        token: token.clone(),
        header,
        status,
    };
    let none = None;
    let lines = [
        line("no token", "/", &none, None, 401),
        line("a verified user; the echo shows the identity headers", "/", &verified, None, 200),
        line(
            "a guest, where the route asks for auth level verified",
            "/verified",
            &guest,
            None,
            403,
        ),
        line("a spoofed identity header is replaced", "/", &verified, spoof, 200),
        line(
            "optional without a token: identity headers are removed",
            "/optional",
            &none,
            spoof,
            200,
        ),
        line("a forged token", "/", &forged, None, 401),
        line("a public route", "/public", &none, None, 200),
    ];
    let mut table = addresses(args);
    let _ = writeln!(table, "\n\nPaste these:\n");
    for line in lines {
        let _ = writeln!(table, "# {}", line.shows);
        let _ = write!(table, "curl -si http://127.0.0.1:{}{}", args.envoy_port, line.path);
        if let Some(token) = line.token {
            let _ = write!(table, " -H 'authorization: Bearer {token}'");
        }
        if let Some(header) = line.header {
            let _ = write!(table, " -H '{header}'");
        }
        let _ = writeln!(table, "  # -> {}", line.status);
    }
    table.push_str("\nCtrl-C ends everything.");
    Ok(table)
}

/// Where everything is, and how to ask without Envoy.
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

/// Lines that call the service for backends, with a fresh token and the caller's secret.
pub(super) fn calls(args: &DevArgs, minter: &Minter, secret: &str) -> Result<String, String> {
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
