//! Runs the emulator until SIGTERM or Ctrl-C, then finishes the requests in flight.

use std::{
    future::Future,
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
};

use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    echo,
    seed::Seed,
    server::{self, Emulator},
    settings::Settings,
};

/// The arguments of the server.
#[derive(Args, Clone, Debug)]
pub(super) struct ServeArgs {
    /// Address to listen on; port 0 is any free port
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8787",
        env = "ROWND_EMULATOR_LISTEN"
    )]
    listen: SocketAddr,

    /// Allow an address that is not loopback: everybody who can connect can mint tokens
    #[arg(long, env = "ROWND_EMULATOR_ALLOW_REMOTE")]
    allow_remote: bool,

    /// URL under which clients reach the emulator [default: http:// and the address]
    #[arg(long, value_name = "URL", env = "ROWND_EMULATOR_BASE_URL")]
    base_url: Option<String>,

    /// `iss` of the tokens [default: the base URL]
    #[arg(long, value_name = "URL", env = "ROWND_EMULATOR_ISSUER")]
    issuer: Option<String>,

    /// YAML file with further apps and users (docs/emulator.md describes it)
    #[arg(long, value_name = "FILE", env = "ROWND_EMULATOR_SEED")]
    seed: Option<PathBuf>,

    /// Secret of the demo app [default: a random one, which is printed]
    #[arg(long, value_name = "SECRET", env = "ROWND_EMULATOR_APP_SECRET", hide_env_values = true)]
    app_secret: Option<String>,

    /// Address of an echo: a service that answers with the request it received
    #[arg(long, value_name = "ADDRESS", env = "ROWND_EMULATOR_ECHO")]
    echo: Option<SocketAddr>,
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// A message for people: a seed file with problems, an address that cannot be used.
pub(super) fn run(args: ServeArgs) -> Result<(), String> {
    let echo = args.echo;
    let settings = settings(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(serve(settings, echo)).map_err(|error| error.to_string())
}

fn settings(args: ServeArgs) -> Result<Settings, String> {
    let mut settings = Settings::demo(args.listen);
    settings.allow_remote = args.allow_remote;
    settings.base_url = args.base_url;
    settings.issuer = args.issuer;
    if let Some(secret) = args.app_secret {
        settings.app_secret = secret;
    }
    if let Some(file) = &args.seed {
        settings.seed = Seed::load(file).map_err(|problems| problems.to_string())?;
    }
    Ok(settings)
}

async fn serve(settings: Settings, echo: Option<SocketAddr>) -> io::Result<()> {
    // Before the first line of output: a signal after that line always drains.
    let signal = stop_signal()?;
    let remote = !settings.allow_remote && !settings.address.ip().is_loopback();
    let emulator = server::bind(settings).await.map_err(|error| {
        // The library does not know of the option.
        let hint = if remote { "; --allow-remote allows it" } else { "" };
        io::Error::new(error.kind(), format!("{error}{hint}"))
    })?;
    let echo = match echo {
        Some(address) => Some(echo::bind(address).await?),
        None => None,
    };
    announce(&emulator, echo.as_ref().map(echo::Echo::address))?;
    let (stop, stopped) = watch::channel(false);
    let until_stopped = || {
        let mut stopped = stopped.clone();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    };
    let echoing = async {
        match echo {
            Some(echo) => echo.run(until_stopped()).await,
            None => Ok(()),
        }
    };
    let signalled = async {
        signal.await;
        eprintln!("rownd-emulator: stopping, after the requests in flight");
        stop.send_replace(true);
    };
    let (served, echoed, ()) = tokio::join!(emulator.run(until_stopped()), echoing, signalled);
    served.and(echoed)
}

/// Prints where the emulator is and how its demo app is called. A program that started the emulator
/// on port 0 reads the first line.
fn announce(emulator: &Emulator, echo: Option<SocketAddr>) -> io::Result<()> {
    let settings = emulator.settings();
    let mut out = io::stdout().lock();
    writeln!(out, "rownd-emulator listening on {}", emulator.address())?;
    writeln!(out, "  base URL    {}", emulator.base_url())?;
    writeln!(out, "  app id      {}", settings.app_id)?;
    writeln!(out, "  app key     {}", settings.app_key)?;
    writeln!(out, "  app secret  {}", settings.app_secret)?;
    if let Some(address) = echo {
        writeln!(out, "  echo        http://{address}")?;
    }
    out.flush()
}

/// Ready at the first SIGTERM or Ctrl-C.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
