//! `make soak`: what a million unique tokens that are good, and a million that are forged, leave
//! behind in the process. Comes in: the server as a user would start it. Goes out: its resident
//! memory on the way, and whether it stays within the budgets of its caches and a margin.

use std::{fs, path::Path, sync::Arc, time::Duration};

use crate::{
    Result, USERS,
    frame::Template,
    load::{self, Source},
    mint::Signer,
    process::{Cores, Program},
    servers,
};
use test_support::forge::Algorithm;

/// The defaults of `check.claims_cache_bytes` and `check.refusal_cache_bytes`.
const BUDGETS: u64 = (64 << 20) + (1 << 20);
/// For everything that is no cache, the program itself included.
const MARGIN: u64 = 40 << 20;
/// Tokens made, then asked, at a time.
const BATCH: u64 = 50_000;
/// No batch takes so long.
const PATIENCE: Duration = Duration::from_secs(600);

/// Drives so many tokens of each kind. `false`: the process has grown beyond its bounds.
pub(crate) async fn run(program: &Path, cores: Cores, tokens: u64) -> Result<bool> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory)?;
    // The second key has the name of the first: its tokens meet a key and fail at the signature.
    let signers = Signer::of_each();
    let issuers = crate::issuer::serve(&signers);
    let (signer, forger) = (&signers[0], &Signer::generate(Algorithm::EdDsa));
    let first = signer.mint(0..USERS)?;
    let template = Template::new(first.length())?;
    let server = servers::product(
        cores.server,
        &Program::plain(program),
        &directory,
        issuers.address(),
        None,
    )
    .await?;
    servers::prove(&server, &template, 0, first.get(0).ok_or("no token")?).await?;
    let frames = first.iter().map(|token| template.frame(token)).collect();
    let again = Arc::new(Source::Again(frames));
    load::drive(server.address, server.pid, again, Duration::ZERO, Duration::from_secs(2)).await?;

    let mut most = server.resident()?;
    println!("{:>9} tokens, {:>4} MiB", USERS, most >> 20);
    let mut serial = USERS;
    for (kind, by, good) in [("good", signer, true), ("forged", forger, false)] {
        let mut done = 0;
        while done < tokens {
            let count = BATCH.min(tokens - done);
            let batch = by.mint(serial..serial + count)?;
            let source = Arc::new(Source::Once(Template::new(batch.length())?, batch));
            let (address, pid) = (server.address, server.pid);
            let sample = load::drive(address, pid, source, Duration::ZERO, PATIENCE).await?;
            // On a busy machine some run into their deadline, which is a denial too.
            let late = if good { count / 4 } else { 0 };
            let wrong = if good { sample.refused } else { sample.allowed }.saturating_sub(late);
            if wrong > 0 {
                let refusal = sample.refusal.unwrap_or_default();
                return Err(format!("{wrong} {kind} tokens were misjudged {refusal}").into());
            }
            serial += count;
            done += count;
            let now = server.resident()?;
            most = most.max(now);
            if done % (5 * BATCH) == 0 || done == tokens {
                println!("{done:>9} {kind}, {:>4} MiB", now >> 20);
            }
        }
    }
    server.stop().await?;
    let limit = BUDGETS + MARGIN;
    println!("at most {} MiB resident, {} MiB allowed", most >> 20, limit >> 20);
    Ok(most <= limit)
}
