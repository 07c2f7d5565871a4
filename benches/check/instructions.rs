//! `make instructions`: how many instructions a check with cached claims takes, counted by
//! callgrind, which no other load on the machine disturbs. Comes in: the two servers and the
//! committed baseline. Goes out: a table, and whether it holds; or the baseline, written again.
//!
//! Each server runs twice, for some checks of one token and for twice as many: what the start,
//! the first verification and the end take is in both, and the difference is the checks alone. Only
//! the thread that answers checks is counted: others do their work by the clock, such as looking
//! whether files have changed, and how much of it falls into a run says nothing about a check.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Result, directory,
    frame::{HeaderForm, Template},
    issuer,
    load::{self, Source},
    mint::Signer,
    process::{Cores, Program},
    rules,
    servers::{self, Server},
};

/// Committed; written by `make instructions ARGS=--renew`.
const BASELINE: &str = "benches/instructions.json";
/// Checks of the shorter run.
const CHECKS: usize = 4_000;
/// The instructions that a check of the product may take above the floor.
const ABOVE_FLOOR: u64 = 60_000;
/// Growth above the baseline that passes, in per cent.
const TOLERATED: u64 = 2;
/// No run takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// Instructions a check.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Counts {
    /// Of the floor.
    floor: u64,
    /// Of the product, for headers in a map.
    cached: u64,
    /// Of the product, for headers in a list (`encode_raw_headers: true`).
    cached_raw: u64,
    /// Of the product, where the rule asks for a role, sets 4 headers and hands over a passport.
    outputs: u64,
}

/// Measures, and compares with the baseline or writes it. `false`: something is missed.
pub(crate) async fn run(cores: Cores, product: &Path, floor: &Path, renew: bool) -> Result<bool> {
    let signers = Signer::of_each();
    let issuers = issuer::serve(&signers);
    let token = signers[0].mint(0..1)?;
    let token = token.get(0).ok_or("no token")?;
    let joined = Template::of(HeaderForm::Joined, token.len())?;
    let raw = Template::of(HeaderForm::Raw, token.len())?;
    let directory = directory()?;
    let (mut floors, mut cached, mut cached_raw, mut outputs) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for checks in [CHECKS, 2 * CHECKS] {
        let counted = |name: &str| -> Result<PathBuf> {
            let counts = directory.join(format!("callgrind.{name}.{checks}"));
            for file in of_threads(&counts)? {
                fs::remove_file(file)?;
            }
            Ok(counts)
        };

        let counts = counted("floor")?;
        let server =
            servers::floor(cores.server, &Program::counted(floor, &counts), "tonic").await?;
        floors.push(count(server, &joined.frame(token), checks, &counts).await?);

        for (name, template, counted_so_far) in
            [("cached", &joined, &mut cached), ("cached_raw", &raw, &mut cached_raw)]
        {
            let counts = counted(name)?;
            let program = Program::counted(product, &counts);
            let server =
                servers::product(cores.server, &program, &directory, issuers.address(), None)
                    .await?;
            servers::prove(&server, template, 0, token).await?;
            counted_so_far.push(count(server, &template.frame(token), checks, &counts).await?);
        }

        let counts = counted("outputs")?;
        let program = Program::counted(product, &counts);
        let server =
            rules::with_outputs(cores.server, &program, &directory, issuers.address()).await?;
        servers::prove(&server, &joined, 0, token).await?;
        outputs.push(count(server, &joined.frame(token), checks, &counts).await?);
    }
    let baseline = Path::new(env!("CARGO_MANIFEST_DIR")).join(BASELINE);
    let counts = Counts {
        floor: a_check(&floors),
        cached: a_check(&cached),
        cached_raw: a_check(&cached_raw),
        outputs: a_check(&outputs),
    };
    if renew {
        fs::write(&baseline, format!("{:#}\n", serde_json::to_value(counts)?))?;
    }
    Ok(report(counts, &serde_json::from_slice(&fs::read(baseline)?)?))
}

/// Asks so often, ends the server and reads what callgrind counted.
async fn count(server: Server, frame: &Bytes, checks: usize, counts: &Path) -> Result<u64> {
    let source = Arc::new(Source::Times(frame.clone(), checks));
    let sample = load::drive(server.address, server.pid, source, Duration::ZERO, PATIENCE).await?;
    if let Some(refusal) = sample.refusal {
        return Err(format!("a check was refused: {refusal}").into());
    }
    server.terminate().await?;
    let totals: Result<Vec<u64>> = of_threads(counts)?.iter().map(|file| total(file)).collect();
    // Each server has one thread that answers, and it does nearly all of the work.
    Ok(totals?.into_iter().max().ok_or("callgrind wrote no counts")?)
}

/// The files with the counts of the threads; those of an earlier run are gone before one begins.
fn of_threads(counts: &Path) -> Result<Vec<PathBuf>> {
    let name = counts.file_name().and_then(OsStr::to_str).ok_or("no name for the counts")?;
    let is_one = |file: &PathBuf| {
        let rest =
            file.file_name().and_then(OsStr::to_str).and_then(|file| file.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let directory = counts.parent().ok_or("no directory for the counts")?;
    let files: std::io::Result<Vec<PathBuf>> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect();
    Ok(files?.into_iter().filter(is_one).collect())
}

/// What callgrind counted in one thread.
fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn a_check(totals: &[u64]) -> u64 {
    (totals[1] - totals[0]) / CHECKS as u64
}

/// Prints the counts beside the baseline. `false`: a bound is exceeded.
fn report(counts: Counts, baseline: &Counts) -> bool {
    let word = |good| if good { "ok" } else { "MISSED" };
    let near = counts.cached <= counts.floor + ABOVE_FLOOR;
    let within = |now: u64, before: u64| now * 100 <= before * (100 + TOLERATED);
    let as_before = within(counts.cached, baseline.cached)
        && within(counts.cached_raw, baseline.cached_raw)
        && within(counts.outputs, baseline.outputs);
    println!("instructions a check, by callgrind         now   baseline");
    println!("floor: tonic, no work               {:>10} {:>10}", counts.floor, baseline.floor);
    println!("claims cached, headers in a map     {:>10} {:>10}", counts.cached, baseline.cached);
    println!(
        "claims cached, headers in a list    {:>10} {:>10}",
        counts.cached_raw, baseline.cached_raw
    );
    println!("role, 4 headers, passport           {:>10} {:>10}", counts.outputs, baseline.outputs);
    println!(
        "above the floor, headers in a map   {:>10} {:>10}   <= {ABOVE_FLOOR} {}",
        counts.cached.saturating_sub(counts.floor),
        baseline.cached.saturating_sub(baseline.floor),
        word(near),
    );
    println!("at most {TOLERATED} % above the baseline {}", word(as_before));
    if !as_before {
        println!("what it buys belongs into CHANGELOG.md; then: make instructions ARGS=--renew");
    }
    near && as_before
}
