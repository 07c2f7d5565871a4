//! `make instructions`: how many instructions a check with cached claims takes, counted by
//! callgrind, which no other load on the machine disturbs. Comes in: the two servers and the
//! committed baseline. Goes out: a table, and whether it holds; or the baseline, written again.
//!
//! Each server runs twice, for some checks of one token and for twice as many: what the start,
//! the first verification and the end take is in both, and the difference is the checks alone.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Result, directory,
    frame::Template,
    issuer,
    load::{self, Source},
    mint::Signer,
    process::{Cores, Program},
    servers::{self, Server},
};

/// Committed; written by `make instructions ARGS=--renew`.
const BASELINE: &str = "benches/instructions.json";
/// Checks of the shorter run.
const CHECKS: usize = 4_000;
/// The instructions that a check of the product may take above the floor.
const ABOVE_FLOOR: u64 = 60_000;
/// Per cent above the baseline that go without a word.
const TOLERATED: u64 = 10;
/// No run takes so long.
const PATIENCE: Duration = Duration::from_secs(300);

/// Instructions a check.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Counts {
    floor: u64,
    cached: u64,
}

/// Measures, and compares with the baseline or writes it. `false`: something is missed.
pub(crate) async fn run(cores: Cores, product: &Path, floor: &Path, renew: bool) -> Result<bool> {
    let signers = Signer::of_each();
    let issuers = issuer::serve(&signers);
    let token = signers[0].mint(0..1)?;
    let token = token.get(0).ok_or("no token")?;
    let template = Template::new(token.len())?;
    let frame = template.frame(token);
    let directory = directory()?;
    let (mut floors, mut products) = (Vec::new(), Vec::new());
    for checks in [CHECKS, 2 * CHECKS] {
        let counted = |name: &str| directory.join(format!("callgrind.{name}.{checks}"));

        let counts = counted("floor");
        let server =
            servers::floor(cores.server, &Program::counted(floor, &counts), "tonic").await?;
        floors.push(count(server, &frame, checks, &counts).await?);

        let counts = counted("cached");
        let program = Program::counted(product, &counts);
        let server =
            servers::product(cores.server, &program, &directory, issuers.address(), None).await?;
        servers::prove(&server, &template, 0, token).await?;
        products.push(count(server, &frame, checks, &counts).await?);
    }
    let baseline = Path::new(env!("CARGO_MANIFEST_DIR")).join(BASELINE);
    let counts = Counts { floor: a_check(&floors), cached: a_check(&products) };
    if renew {
        fs::write(&baseline, format!("{:#}\n", serde_json::to_value(counts)?))?;
    }
    Ok(judge(counts, &serde_json::from_slice(&fs::read(baseline)?)?))
}

/// Asks so often, ends the server and reads what callgrind counted.
async fn count(server: Server, frame: &Bytes, checks: usize, counts: &Path) -> Result<u64> {
    let source = Arc::new(Source::Times(frame.clone(), checks));
    let sample = load::drive(server.address, server.pid, source, Duration::ZERO, PATIENCE).await?;
    if let Some(refusal) = sample.refusal {
        return Err(format!("a check was refused: {refusal}").into());
    }
    server.terminate().await?;
    let text = fs::read_to_string(counts)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn a_check(totals: &[u64]) -> u64 {
    (totals[1] - totals[0]) / CHECKS as u64
}

fn judge(counts: Counts, baseline: &Counts) -> bool {
    let verdict = |good| if good { "ok" } else { "MISSED" };
    let near = counts.cached <= counts.floor + ABOVE_FLOOR;
    let as_before = counts.cached * 100 <= baseline.cached * (100 + TOLERATED);
    println!("instructions a check, by callgrind         now   baseline");
    println!("floor: tonic, no work               {:>10} {:>10}", counts.floor, baseline.floor);
    println!("rownd-authz, claims cached          {:>10} {:>10}", counts.cached, baseline.cached);
    println!(
        "above the floor                     {:>10} {:>10}   <= {ABOVE_FLOOR} {}",
        counts.cached.saturating_sub(counts.floor),
        baseline.cached.saturating_sub(baseline.floor),
        verdict(near),
    );
    println!("at most {TOLERATED} % above the baseline {}", verdict(as_before));
    if !as_before {
        println!("what it buys belongs into CHANGELOG.md; then: make instructions ARGS=--renew");
    }
    near && as_before
}
