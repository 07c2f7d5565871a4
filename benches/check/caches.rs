//! `make cache-memory`: the memory that a full claims cache takes, against the memory that it is
//! allowed. Comes in: the server as a user would start it. Goes out: for each of three sizes, how
//! far the process grows until the cache is full and while every entry is replaced, and whether
//! that is as much as docs/operations.md says.
//!
//! Each token is asked for three times, as by a client that uses it: what is kept of an entry from
//! the second time on is then there.

use std::{fs, path::Path, sync::Arc, time::Duration};

use crate::{
    Result,
    frame::Template,
    load::{self, Source},
    mint::{Signer, Tokens},
    process::{Cores, Program},
    servers::{self, Server},
};

/// The sizes, in MiB.
const SIZES: [u64; 3] = [32, 128, 512];
/// The memory beside the cache that docs/operations.md names, in MiB, the program included.
const BESIDE: u64 = 40;
/// Tokens made, then asked for, at a time.
const BATCH: u64 = 2_000;
/// Times that each token is asked for.
const ASKED: u64 = 3;
/// Entries that are replaced once the cache is full, as a part of those in it.
const REPLACED: u64 = 1;
/// No batch takes so long.
const PATIENCE: Duration = Duration::from_secs(600);

/// Fills a cache of each size. `false`: the process has grown beyond what the document says.
pub(crate) async fn run(program: &Path, cores: Cores) -> Result<bool> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory)?;
    let signers = Signer::of_each();
    let issuers = crate::issuer::serve(&signers);
    let mut holds = true;
    println!("claims_cache_bytes    entries   counted   grown by   of which full   process");
    for size in SIZES {
        let program = Program::plain(program);
        let room = Some(size << 20);
        let server =
            servers::product(cores.server, &program, &directory, issuers.address(), room).await?;
        let mut filler = Filler { server: &server, signer: &signers[0], serial: 0 };
        // Connections, threads and buffers as they are at work.
        filler.ask(BATCH).await?;
        let idle = server.resident()?;
        let full = filler.fill().await?;
        let grown = server.resident()? - idle;
        filler.ask(full * REPLACED).await?;
        let replaced = server.resident()?;
        let counted = filler.counted().await?;
        holds &= replaced <= (size + BESIDE) << 20;
        println!(
            "{:>14} MiB {:>10} {:>5} MiB {:>6} MiB {:>11} MiB {:>5} MiB   <= {} {}",
            size,
            full,
            counted >> 20,
            (replaced - idle) >> 20,
            grown >> 20,
            replaced >> 20,
            size + BESIDE,
            if replaced <= (size + BESIDE) << 20 { "ok" } else { "MISSED" },
        );
        server.stop().await?;
    }
    Ok(holds)
}

/// Asks a server for tokens that it has never seen.
struct Filler<'a> {
    server: &'a Server,
    signer: &'a Signer,
    serial: u64,
}

impl Filler<'_> {
    /// Asks until an entry is evicted. The number of tokens that this took.
    async fn fill(&mut self) -> Result<u64> {
        let evictions = "rownd_authz_cache_evictions_total{cache=\"claims\"}";
        while self.server.metric(evictions).await? == 0.0 {
            self.ask(BATCH).await?;
        }
        Ok(self.serial)
    }

    /// Asks for so many tokens more.
    async fn ask(&mut self, tokens: u64) -> Result<()> {
        let end = self.serial + tokens;
        while self.serial < end {
            let next = (self.serial + BATCH).min(end);
            let batch = self.signer.mint(self.serial..next)?;
            for _ in 0..ASKED {
                self.once(&batch).await?;
            }
            self.serial = next;
        }
        Ok(())
    }

    async fn once(&self, batch: &Tokens) -> Result<()> {
        let template = Template::new(batch.length())?;
        let frames = batch.iter().map(|token| template.frame(token)).collect();
        let (address, pid) = (self.server.address, self.server.pid);
        let source = Arc::new(Source::EachOnce(frames));
        let sample = load::drive(address, pid, source, Duration::ZERO, PATIENCE).await?;
        match sample.refusal {
            Some(refusal) => Err(format!("a good token was refused: {refusal}").into()),
            None => Ok(()),
        }
    }

    /// The bytes in the cache by its own account.
    async fn counted(&self) -> Result<u64> {
        let bytes = self.server.metric("rownd_authz_cache_bytes{cache=\"claims\"}").await?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        Ok(bytes as u64)
    }
}
