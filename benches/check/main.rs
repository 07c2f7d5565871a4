//! `make bench`: what a check costs, held against a server that does no work.
//!
//! Comes in: nothing but settings; keys, tokens, the issuer and the load are the
//! bench's own. Goes out: a table, `target/bench/summary.json`, and with `--gate`
//! an exit status. By turns, round after round, it drives bare h2, the floor
//! (`benches/floor`) and, for each algorithm, rownd-authz with claims cached and with
//! a fresh token each time; servers on one core, load on another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench may end on its first surprise, and runs its own tasks"
)]

mod frame;
mod instructions;
mod issuer;
mod load;
mod mint;
mod process;
mod report;
mod restart;
mod servers;
mod soak;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    frame::Template,
    load::{Sample, Source},
    mint::{Algorithm, Signer},
    process::{Cores, Program},
    report::{BARE_H2, FLOOR, ROWS, Report, Round, cached, fresh},
    restart::Restarts,
    servers::{Place, Server},
    verify::Cost,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Users whose claims the cache holds in the cached case.
const USERS: u64 = 512;
/// Fresh tokens of the algorithms whose signatures are dear to make: fewer, over and over, for
/// a server that has forgotten each before it comes again.
const FRESH_USERS: u64 = 8192;
/// The room of that server: for some hundred claims.
const HANDFUL: u64 = 1 << 20;

/// Measures rownd-authz against its floor.
#[derive(Parser)]
struct Settings {
    /// Rounds; each drives every server once.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Seconds of load in each window.
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// The server to measure.
    #[arg(long, env = "BENCH_SERVER", default_value = env!("CARGO_BIN_EXE_rownd-authz"))]
    server: PathBuf,
    /// The floor; cargo is asked for it where this is not set.
    #[arg(long, env = "BENCH_FLOOR")]
    floor: Option<PathBuf>,
    /// Exit 1 where a requirement is missed.
    #[arg(long)]
    gate: bool,
    /// Only drive so many unique good tokens, then as many forged ones, and exit 1 where the
    /// process grows beyond its bounds.
    #[arg(long, value_name = "TOKENS")]
    soak: Option<u64>,
    /// Only kill and start it again, and say how long it was missed.
    #[arg(long)]
    restarts: bool,
    /// Only count instructions, by callgrind; exit 1 where a check takes more than it may.
    #[arg(long)]
    instructions: bool,
    /// With `--instructions`: what is counted becomes the baseline.
    #[arg(long, requires = "instructions")]
    renew: bool,
    /// Only measure bare signature checks, and say them as JSON.
    #[arg(long, hide = true)]
    verify: bool,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Settings {
    fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Whether a figure that is missed is a failure.
    const fn judges(&self) -> bool {
        self.gate || self.soak.is_some() || self.instructions
    }

    /// The floor, built if need be.
    async fn floor(&self) -> Result<PathBuf> {
        match &self.floor {
            Some(floor) => Ok(floor.clone()),
            None => servers::floor_program().await,
        }
    }

    /// Long enough for every cached claim to be cached again and the clock of the core to settle.
    fn warm(&self) -> Duration {
        Duration::from_millis(500)
    }
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    let done = if settings.verify {
        verify::run(settings.window()).map(|()| true)
    } else {
        bench(&settings)
    };
    match done {
        Ok(holds) if holds || !settings.judges() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn bench(settings: &Settings) -> Result<bool> {
    let cores = Cores::find()?;
    cores.hold_self()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            holds = run(settings, cores) => holds,
            // The children end with their handles, which leaving here drops.
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    })
}

async fn run(settings: &Settings, cores: Cores) -> Result<bool> {
    match settings.soak {
        Some(tokens) => soak::run(&settings.server, cores, tokens).await,
        None if settings.restarts => {
            let restarts = restarts(settings, cores).await?;
            restarts.print();
            Ok(restarts.holds())
        }
        None if settings.instructions => {
            let floor = settings.floor().await?;
            instructions::run(cores, &settings.server, &floor, settings.renew).await
        }
        None => measure(settings, cores).await,
    }
}

/// Where what is written goes.
fn directory() -> Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// With keys, an issuer and a token of its own.
async fn restarts(settings: &Settings, cores: Cores) -> Result<Restarts> {
    let signers: Vec<Signer> =
        Algorithm::ALL.map(Signer::generate).into_iter().collect::<Result<_>>()?;
    let issuers = issuer::serve(&signers).await?;
    let (core, program) = (cores.server, Program::plain(&settings.server));
    let place = Place::new("restarts", core, &program, &directory()?, issuers, "")?;
    let tokens = signers[0].mint(0..1)?;
    let good = Template::new(tokens.length())?.frame(tokens.get(0).ok_or("no token")?);
    restart::measure(&place, &good).await
}

async fn measure(settings: &Settings, cores: Cores) -> Result<bool> {
    let directory = directory()?;
    let floor = settings.floor().await?;
    let mut bench = Bench::start(settings, cores, &floor, &directory).await?;
    let mut rounds = Vec::new();
    for number in 0..settings.rounds {
        let round = bench.round(number.into()).await?;
        report::progress(usize::from(number) + 1, settings.rounds.into(), &round)?;
        rounds.push(round);
    }
    bench.stop().await?;
    let restarts = restarts(settings, cores).await?;
    let report = Report::new(&rounds);
    report.print()?;
    restarts.print();
    let mut summary = report.summary();
    summary["restart_to_serving_ms"] = restarts.median().into();
    let file = directory.join("summary.json");
    fs::write(&file, format!("{summary:#}\n"))?;
    println!("written to {}", file.display());
    Ok(report.holds() && restarts.holds())
}

/// All that a round needs.
struct Bench<'a> {
    settings: &'a Settings,
    cores: Cores,
    signers: Vec<Signer>,
    /// The next serial number never used.
    serial: u64,
    /// What the cached rows are asked, for each algorithm; the others are asked the first.
    again: Vec<Arc<Source>>,
    /// What the fresh rows are asked; EdDSA's are made anew for each round.
    fresh: Vec<Arc<Source>>,
    bare_h2: Server,
    floor: Server,
    product: Server,
    handful: Server,
}

impl<'a> Bench<'a> {
    async fn start(
        settings: &'a Settings,
        cores: Cores,
        floor: &Path,
        directory: &Path,
    ) -> Result<Self> {
        let signers: Vec<Signer> =
            Algorithm::ALL.map(Signer::generate).into_iter().collect::<Result<_>>()?;
        let issuers = issuer::serve(&signers).await?;
        let program = Program::plain(&settings.server);
        let start = |room| servers::product(cores.server, &program, directory, issuers, room);
        let (product, handful) = (start(None).await?, start(Some(HANDFUL)).await?);
        let mut again = Vec::new();
        let mut fresh = Vec::new();
        for signer in &signers {
            let tokens = signer.mint(0..USERS)?;
            let template = Template::new(tokens.length())?;
            let first = tokens.get(0).ok_or("no token")?;
            servers::prove(&product, &template, 0, first).await?;
            servers::prove(&handful, &template, 0, first).await?;
            let frames =
                |tokens: &mint::Tokens| tokens.iter().map(|it| template.frame(it)).collect();
            again.push(Arc::new(Source::Again(frames(&tokens))));
            let many = match signer.algorithm {
                Algorithm::EdDSA => tokens,
                _ => signer.mint(0..FRESH_USERS)?,
            };
            fresh.push(Arc::new(Source::Again(frames(&many))));
        }
        let tokens = signers[0].mint(0..1)?;
        let template = Template::new(tokens.length())?;
        println!(
            "{} rounds by turns, {} s each; servers on core {}, load on core {}: {} connections x {} checks in flight; \
             a CheckRequest of {} bytes with a token of {}",
            settings.rounds,
            settings.seconds,
            cores.server,
            cores.load,
            load::CONNECTIONS,
            load::STREAMS,
            template.length(),
            tokens.length(),
        );
        let floor = Program::plain(floor);
        if cores.server == cores.load {
            println!("only one core: servers and load share it, and the figures are worth little");
        }
        Ok(Self {
            settings,
            cores,
            signers,
            serial: USERS,
            again,
            fresh,
            bare_h2: servers::floor(cores.server, &floor, "bare_h2").await?,
            floor: servers::floor(cores.server, &floor, "tonic").await?,
            product,
            handful,
        })
    }

    /// Every row once, each round beginning with another one, so that none always follows the same.
    async fn round(&mut self, number: usize) -> Result<Round> {
        let verify = self.verify().await?;
        self.fresh[0] = self.fresh(verify[0])?;
        let mut samples: [Option<Sample>; ROWS.len()] = Default::default();
        for turn in 0..ROWS.len() {
            let row = (number + turn) % ROWS.len();
            let (server, source) = match row {
                BARE_H2 => (&self.bare_h2, &self.again[0]),
                FLOOR => (&self.floor, &self.again[0]),
                row => self.of_product(row),
            };
            let (warm, window) = (self.settings.warm(), self.settings.window());
            let sample =
                load::drive(server.address, server.pid, Arc::clone(source), warm, window).await;
            samples[row] = Some(sample.map_err(|error| format!("{}: {error}", ROWS[row]))?);
        }
        let samples: Option<Vec<Sample>> = samples.into_iter().collect();
        Ok(Round { samples: samples.ok_or("a row was left out")?, verify })
    }

    /// Which server a row of the product's asks, and what.
    fn of_product(&self, row: usize) -> (&Server, &Arc<Source>) {
        let at = |place: fn(usize) -> usize| (0..self.signers.len()).find(|&it| place(it) == row);
        match (at(cached), at(fresh)) {
            (Some(algorithm), _) => (&self.product, &self.again[algorithm]),
            (None, Some(0)) => (&self.product, &self.fresh[0]),
            (None, algorithm) => (&self.handful, &self.fresh[algorithm.unwrap_or_default()]),
        }
    }

    /// Enough tokens for a server that did nothing but verify them, so for any server.
    fn fresh(&mut self, verify: Cost) -> Result<Arc<Source>> {
        let seconds = (self.settings.warm() + self.settings.window()).as_secs_f64();
        let count = (seconds * 1e6 / verify.aws_lc_rs) as u64;
        let tokens = self.signers[0].mint(self.serial..self.serial + count)?;
        self.serial += count;
        Ok(Arc::new(Source::Once(Template::new(tokens.length())?, tokens)))
    }

    /// A bare verification, for each algorithm.
    async fn verify(&self) -> Result<Vec<Cost>> {
        let own = std::env::current_exe()?;
        let output = process::held(self.cores.server, &Program::plain(&own))
            .args(["--verify", "--seconds", "2"])
            .output()
            .await?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            format!("the bare verification failed: {}", String::from_utf8_lossy(&output.stderr))
                .into()
        })
    }

    async fn stop(self) -> Result<()> {
        for server in [self.bare_h2, self.floor, self.product, self.handful] {
            server.stop().await?;
        }
        Ok(())
    }
}
