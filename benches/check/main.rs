//! `make bench`: what a check costs, held against a server that does no work.
//!
//! Comes in: nothing but settings; keys, tokens, the issuer and the load are the
//! bench's own. Goes out: a table, `target/bench/summary.json`, and with `--gate`
//! an exit status. Alternately, each for a part of a second, it drives bare h2, the floor
//! (`benches/floor`) and, for each algorithm, rownd-authz with claims cached and with
//! a fresh token each time, and times bare verifications; servers on one core, load
//! on another. A machine that is shared changes its pace within seconds: by short
//! turns, all that is compared meets the same one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench may end on its first surprise, and runs its own tasks"
)]

mod algorithms;
mod bulk;
mod caches;
mod frame;
mod instructions;
mod issuer;
mod load;
mod mint;
mod process;
mod report;
mod restart;
mod rules;
mod servers;
mod soak;
mod unnamed;
mod verify;

use std::{
    fs, mem,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::yield_now,
};

use crate::{
    algorithms::Algorithms,
    bulk::Bulk,
    frame::Template,
    load::Source,
    mint::{Signer, Tokens},
    process::{Cores, Program},
    report::{BARE_H2, FLOOR, ROWS, Report, Round, cached, fresh},
    restart::Restarts,
    rules::Rules,
    servers::{Place, Server},
    unnamed::Shares,
    verify::{Cost, Verifier},
};
use test_support::forge::Algorithm;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Turns a round.
const TURNS: u8 = 10;
/// Before each window: every cached claim is cached again, and the clock of the core settles.
const WARM: Duration = Duration::from_millis(100);
/// Fresh tokens made between two looks at whether they are still wanted.
const MADE_AT_A_TIME: u64 = 16;
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
    /// Rounds; each gives one figure for every server.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Seconds of load on each server in a round, in ten turns.
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
    /// Only fill the claims cache in three sizes, and exit 1 where the process grows beyond what
    /// docs/operations.md says.
    #[arg(long)]
    caches: bool,
    /// Only kill and start it again, and say how long it was missed.
    #[arg(long)]
    restarts: bool,
    /// Only measure fresh tokens of every algorithm, and genuine callers during a flood of forged
    /// tokens without a `kid`.
    #[arg(long)]
    keys: bool,
    /// Only measure `Verify` beside an administrator's bulk job.
    #[arg(long)]
    bulk: bool,
    /// Only measure many rules.
    #[arg(long)]
    rules: bool,
    /// Only count instructions, by callgrind; exit 1 where a check takes more than it may.
    #[arg(long)]
    instructions: bool,
    /// With `--instructions`: what is counted becomes the baseline.
    #[arg(long, requires = "instructions")]
    renew: bool,
    /// Only measure bare signature checks, at each line of the input, and say them as JSON.
    #[arg(long, hide = true)]
    verify: bool,
    /// The flag that cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Settings {
    /// A turn's part of the load.
    fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds / f64::from(TURNS))
    }

    /// Whether a figure that is missed is a failure.
    const fn judges(&self) -> bool {
        self.gate
            || self.soak.is_some()
            || self.caches
            || self.instructions
            || self.keys
            || self.bulk
            || self.rules
    }

    /// The floor, built if need be.
    async fn floor(&self) -> Result<PathBuf> {
        match &self.floor {
            Some(floor) => Ok(floor.clone()),
            None => servers::floor_program().await,
        }
    }
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    let done = if settings.verify { verify::run().map(|()| true) } else { bench(&settings) };
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
        None if settings.caches => caches::run(&settings.server, cores).await,
        None if settings.restarts => {
            let restarts = restarts(settings, cores).await?;
            restarts.print();
            Ok(restarts.holds())
        }
        None if settings.keys => {
            let (algorithms, shares) = keys(settings, cores).await?;
            algorithms.print();
            shares.print();
            Ok(shares.holds())
        }
        None if settings.bulk => {
            let bulk = Bulk::measure(&settings.server, cores, &directory()?).await?;
            bulk.print();
            Ok(bulk.holds())
        }
        None if settings.rules => {
            let (floor, directory) = (settings.floor().await?, directory()?);
            let rules = Rules::measure(&settings.server, &floor, cores, &directory).await?;
            rules.print();
            Ok(rules.holds())
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
    let signers = Signer::of_each();
    let issuers = issuer::serve(&signers);
    let (core, program) = (cores.server, Program::plain(&settings.server));
    let place = Place::new("restarts", core, &program, &directory()?, issuers.address(), "")?;
    let tokens = signers[0].mint(0..1)?;
    let good = Template::new(tokens.length())?.frame(tokens.get(0).ok_or("no token")?);
    restart::measure(&place, &good).await
}

/// Every algorithm, and genuine callers during a flood.
async fn keys(settings: &Settings, cores: Cores) -> Result<(Algorithms, Shares)> {
    let directory = directory()?;
    let algorithms = Algorithms::measure(&settings.server, cores, &directory).await?;
    Ok((algorithms, Shares::measure(&settings.server, cores, &directory).await?))
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
    let (algorithms, shares) = keys(settings, cores).await?;
    let rules = Rules::measure(&settings.server, &floor, cores, &directory).await?;
    let bulk = Bulk::measure(&settings.server, cores, &directory).await?;
    let restarts = restarts(settings, cores).await?;
    let report = Report::new(&rounds);
    report.print()?;
    algorithms.print();
    shares.print();
    rules.print();
    bulk.print();
    restarts.print();
    let mut summary = report.summary();
    summary["algorithms"] = algorithms.summary();
    summary["kept_during_flood_without_kid"] = shares.summary();
    summary["rules"] = rules.summary();
    summary["bulk"] = bulk.summary();
    summary["restart_to_serving_ms"] = restarts.median().into();
    let file = directory.join("summary.json");
    fs::write(&file, format!("{summary:#}\n"))?;
    println!("written to {}", file.display());
    Ok(report.holds() && shares.holds() && rules.holds() && bulk.holds() && restarts.holds())
}

/// All that a round needs.
struct Bench<'a> {
    settings: &'a Settings,
    signers: Vec<Signer>,
    /// The next serial number never used.
    serial: u64,
    /// The tokens of the cached rows, for each algorithm; the other rows use the first.
    again: Vec<Arc<Source>>,
    /// The tokens of the rows without a cache; those of EdDSA are replaced by the ones that follow.
    fresh: Vec<Arc<Source>>,
    next: Tokens,
    verifier: Verifier,
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
        let signers = Signer::of_each();
        let issuers = issuer::serve(&signers);
        let program = Program::plain(&settings.server);
        let start =
            |room| servers::product(cores.server, &program, directory, issuers.address(), room);
        let (product, handful) = (start(None).await?, start(Some(HANDFUL)).await?);
        let mut again = Vec::new();
        let mut fresh = Vec::new();
        for signer in &signers {
            let tokens = signer.mint(0..USERS)?;
            let template = Template::new(tokens.length())?;
            let first = tokens.get(0).ok_or("no token")?;
            servers::prove(&product, &template, 0, first).await?;
            servers::prove(&handful, &template, 0, first).await?;
            let frames = |tokens: &Tokens| tokens.iter().map(|it| template.frame(it)).collect();
            again.push(Arc::new(Source::Again(frames(&tokens))));
            let many = match signer.algorithm {
                Algorithm::EdDsa => tokens,
                _ => signer.mint(0..FRESH_USERS)?,
            };
            fresh.push(Arc::new(Source::Again(frames(&many))));
        }
        let tokens = signers[0].mint(0..1)?;
        let template = Template::new(tokens.length())?;
        println!(
            "{} rounds of {TURNS} turns, {} s for each server in a round; servers on core {}, load on core {}: {} connections x {} checks in flight; \
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
            signers,
            serial: USERS,
            again,
            fresh,
            next: Tokens::default(),
            verifier: Verifier::start(cores.server)?,
            bare_h2: servers::floor(cores.server, &floor, "bare_h2").await?,
            floor: servers::floor(cores.server, &floor, "tonic").await?,
            product,
            handful,
        })
    }

    async fn round(&mut self, number: usize) -> Result<Round> {
        let mut round = Round::new()?;
        for turn in 0..TURNS {
            self.turn(number + usize::from(turn), &mut round).await?;
        }
        Ok(round)
    }

    /// Every row once, with bare verifications between them. Each turn begins with another row,
    /// so that none always follows the same.
    async fn turn(&mut self, number: usize, round: &mut Round) -> Result<()> {
        for place in 0..ROWS.len() {
            round.add(&self.verify().await?);
            let row = (number + place) % ROWS.len();
            if row == fresh(0) {
                let tokens = mem::take(&mut self.next);
                self.fresh[0] = Arc::new(Source::Once(Template::new(tokens.length())?, tokens));
            }
            let (server, source) = match row {
                BARE_H2 => (&self.bare_h2, &self.again[0]),
                FLOOR => (&self.floor, &self.again[0]),
                row => self.of_product(row),
            };
            let (source, window) = (Arc::clone(source), self.settings.window());
            let sample = load::drive(server.address, server.pid, source, WARM, window).await;
            let sample = sample.map_err(|error| format!("{}: {error}", ROWS[row]))?;
            round.samples[row].add(sample)?;
        }
        Ok(())
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

    /// Bare verifications, of each algorithm. Fresh tokens are made meanwhile: the core of the
    /// load is busy then, as it is while a server verifies, and two cores may be halves of one.
    /// They are enough, as each turn comes here eight times.
    async fn verify(&mut self) -> Result<Vec<Cost>> {
        self.verifier.ask().await?;
        loop {
            tokio::select! {
                biased;
                costs = self.verifier.costs() => return costs,
                () = yield_now() => {
                    let end = self.serial + MADE_AT_A_TIME;
                    self.next.extend(self.signers[0].mint(self.serial..end)?);
                    self.serial = end;
                }
            }
        }
    }

    async fn stop(self) -> Result<()> {
        for server in [self.bare_h2, self.floor, self.product, self.handful] {
            server.stop().await?;
        }
        Ok(())
    }
}
