//! `dev`: emulator, server and echo in one process, with the demo's configuration; with
//! `--envoy` also Envoy in front, and `curl` lines to paste.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use serde_json::json;
use tokio::{net::TcpListener, process::Child, sync::watch};

use super::{ExitResult, Failure, block_on, demo, dev_args::DevArgs, output, serve};
use crate::{
    app::{self, Bound, telemetry},
    config::{self, Config},
};
use rownd_emulator::{Emulator, Seed, echo};

/// The demo's configuration. Its addresses are replaced by those of the options.
const CONFIG: &str = include_str!("../../deploy/demo/rownd-authz.yaml");
/// The longest time until the server is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(args: &DevArgs) -> ExitResult {
    let mut settings = rownd_emulator::Settings::demo(local(args.emulator_port));
    if let Some(file) = &args.seed {
        settings.seed = Seed::load(file).map_err(Failure::bad_input)?;
    }
    let secret = match &args.caller_secret_file {
        Some(file) => file_secret(file)?,
        None => rownd_emulator::random_secret(),
    };
    let config = configuration(args, &settings, &secret)?;
    let _logs = telemetry::install(&config.log).map_err(Failure::bad_input)?;
    block_on(start(args, settings, config, &secret))?
}

/// The secret in this file. A missing file is made, readable by its owner only.
fn file_secret(file: &Path) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::bad_input(format!("{}: {error}", file.display()));
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut new) => {
            let secret = rownd_emulator::random_secret();
            new.write_all(secret.as_bytes()).map_err(failed)?;
            Ok(secret)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::read_to_string(file).map_err(failed)?.trim().to_owned())
        }
        Err(error) => Err(failed(error)),
    }
}

async fn start(
    args: &DevArgs,
    settings: rownd_emulator::Settings,
    config: Config,
    secret: &str,
) -> ExitResult {
    let stop = serve::stop_signal().map_err(Failure::bad_input)?;
    let (emulator, echo, bound) = bind(args, settings, config).await?;
    let minter = emulator.minter();
    bound.metrics().dev_mode();
    tracing::warn!("dev mode: the emulator mints tokens for every program on this machine");
    let (end, _) = watch::channel(false);
    let ended = || {
        let mut end = end.subscribe();
        async move {
            let _ = end.wait_for(|end| *end).await;
        }
    };
    let mut ready = bound.readiness().watch();
    let servers =
        async { tokio::join!(emulator.run(ended()), echo.run(ended()), bound.run(ended())) };
    let mut envoy = None;
    let guide = async {
        let up = tokio::time::timeout(START_TIMEOUT, ready.wait_for(|ready| *ready)).await;
        if !matches!(up, Ok(Ok(_))) {
            return Err("the server did not become ready".to_owned());
        }
        if let Some(binary) = &args.envoy {
            envoy = Some(demo::start_envoy(binary, args).await?);
            say(&demo::curl_examples(args, &minter)?)?;
        } else {
            say(&demo::addresses(args))?;
            say(&demo::grpc_examples(args, &minter, secret)?)?;
        }
        match &mut envoy {
            Some(envoy) => Err(envoy_ended(envoy).await),
            None => std::future::pending().await,
        }
    };
    let guided = async {
        let outcome = tokio::select! {
            outcome = guide => outcome,
            () = stop => Ok(()),
        };
        end.send_replace(true);
        outcome
    };
    let (outcome, (emulator, echo, server)) = tokio::join!(guided, servers);
    if let Some(mut envoy) = envoy {
        // The same Ctrl-C may have ended it.
        let _ = envoy.kill().await;
    }
    outcome.map_err(Failure::no)?;
    emulator.and(echo).map_err(Failure::bad_input)?;
    server.map_err(Failure::bad_input)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints lines for people.
fn say(text: &impl std::fmt::Display) -> Result<(), String> {
    output::answer(text).map_err(|failure| failure.message)
}

async fn envoy_ended(envoy: &mut Child) -> String {
    match envoy.wait().await {
        Ok(status) => format!("Envoy ended: {status}"),
        Err(error) => format!("Envoy is lost: {error}"),
    }
}

async fn bind(
    args: &DevArgs,
    settings: rownd_emulator::Settings,
    config: Config,
) -> Result<(Emulator, echo::Echo, Bound), Failure> {
    if args.envoy.is_some() {
        for (port, setting) in
            [(args.envoy_port, "--envoy-port"), (args.envoy_admin_port, "--envoy-admin-port")]
        {
            TcpListener::bind(local(port))
                .await
                .map_err(|error| port_in_use(port, setting, &error))?;
        }
    }
    let emulator = rownd_emulator::bind(settings)
        .await
        .map_err(|error| port_in_use(args.emulator_port, "--emulator-port", &error))?;
    let echo = echo::bind(local(args.echo_port))
        .await
        .map_err(|error| port_in_use(args.echo_port, "--echo-port", &error))?;
    let bound = app::build(config).await.map_err(|error| match error {
        app::BuildError::Listen { setting, address, error } => {
            let option = if setting.contains("ops") { "--ops-port" } else { "--grpc-port" };
            Failure::bad_input(format!("cannot listen on {address} (option {option}): {error}"))
        }
        error => Failure::bad_input(error),
    })?;
    Ok((emulator, echo, bound))
}

fn port_in_use(port: u16, setting: &str, error: &std::io::Error) -> Failure {
    // The kind alone: the servers' own messages repeat the address.
    let reason = error.kind();
    Failure::bad_input(format!("cannot listen on {} (option {setting}): {reason}", local(port)))
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The demo's configuration with these ports and the secrets of this run.
fn configuration(
    args: &DevArgs,
    emulator: &rownd_emulator::Settings,
    secret: &str,
) -> Result<Config, Failure> {
    let base = format!("http://{}", local(args.emulator_port));
    let rights: Vec<&str> = config::Right::ALL.iter().map(|right| right.as_str()).collect();
    let callers = json!([{ "name": "dev", "allow": rights, "secret": secret }]);
    let settings = [
        ("ISSUERS__0__BASE_URL", base.clone()),
        ("ISSUERS__0__APPS__0__SECRET", emulator.app_secret.clone()),
        ("ISSUERS__1__BASE_URL", format!("{base}/auth")),
        ("ISSUERS__2__ISSUER", format!("{base}/oidc/{}", emulator.app_id)),
        ("ROWND_AUTH__CALLERS", callers.to_string()),
        ("LISTENERS__GRPC__ADDRESS", local(args.grpc_port).to_string()),
        ("LISTENERS__OPS__ADDRESS", local(args.ops_port).to_string()),
    ];
    // Other settings of the environment stay, such as the log level.
    let mut environment: BTreeMap<String, String> = config::environment();
    environment.retain(|name, _| name.starts_with("ROWND_AUTHZ__"));
    environment.extend(settings.map(|(name, value)| (format!("ROWND_AUTHZ__{name}"), value)));
    config::parse("deploy/demo/rownd-authz.yaml", CONFIG, &environment).map_err(Failure::bad_input)
}
