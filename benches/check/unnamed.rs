//! Genuine callers during a flood of forged tokens: of tokens without a `kid`, each of which four keys
//! fit, against tokens that name a key, measured alternately in one run.
//!
//! Comes in: nothing but settings. Goes out: how many checks of genuine callers are allowed in a
//! second during either flood, and the part of it that is left to them in the worse one.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use test_support::{
    forge::{Algorithm, Key},
    issuer::Reply,
};

use crate::{
    Result, TURNS, WARM,
    frame::Template,
    issuer,
    load::{self, Sample, Source},
    mint::{Signer, Tokens},
    process::{Cores, Program},
    servers::{Place, Server},
};

/// Different forged tokens. The server remembers none of them.
const FORGED: u64 = 8192;
/// Different tokens of genuine callers: their claims are cached, or each is verified again.
const GENUINE: u64 = 512;
const FRESH: u64 = 4096;
const WINDOW: Duration = Duration::from_millis(300);
/// The part of their checks that genuine callers keep at least.
const LEAST: f64 = 0.8;
/// Room for a few dozen claims, and none for refusals.
const CHECK: &str = "check: { claims_cache_bytes: 2097152, refusal_cache_bytes: 0 }\n";

/// One kind of genuine callers, during either flood.
struct Callers {
    name: &'static str,
    source: Arc<Source>,
    /// During the flood of tokens that name a key.
    named: Sample,
    /// During the flood of those that name none.
    unnamed: Sample,
}

impl Callers {
    fn new(name: &'static str, source: Arc<Source>) -> Result<Self> {
        Ok(Self { name, source, named: Sample::empty()?, unnamed: Sample::empty()? })
    }

    fn kept(&self) -> f64 {
        rate(&self.unnamed) / rate(&self.named).max(f64::MIN_POSITIVE)
    }
}

fn rate(sample: &Sample) -> f64 {
    sample.allowed as f64 / sample.wall.as_secs_f64()
}

/// The figures of all callers.
pub(crate) struct Shares(Vec<Callers>);

impl Shares {
    pub(crate) async fn measure(program: &Path, cores: Cores, directory: &Path) -> Result<Self> {
        let signers = [Signer::generate(Algorithm::EdDsa), Signer::generate(Algorithm::Es256)];
        let issuers = issuer::serve(&signers);
        let [main, bare] = &signers;
        let more: Vec<Key> =
            ["b", "c", "d"].map(|kid| Key::of(Algorithm::Es256, kid)).into_iter().collect();
        let keys: Vec<&Key> = more.iter().chain([&bare.key]).collect();
        issuers.set(issuer::keys(Algorithm::Es256), Reply::keys(&keys));
        let (program, address) = (Program::plain(program), issuers.address());
        let others = &[Algorithm::Es256];
        let place =
            Place::with("unnamed", cores.server, &program, directory, address, others, CHECK)?;
        let server = place.start().await?;

        let forger = Signer::generate(Algorithm::Es256);
        let unnamed = json!({ "alg": Algorithm::Es256.name() });
        let flood = |tokens: &Tokens| -> Result<Arc<Source>> {
            let template = Template::new(tokens.length())?;
            let frames = tokens.iter().map(|token| template.frame(token)).collect();
            Ok(Arc::new(Source::Again(frames)))
        };
        let floods =
            [flood(&forger.mint(0..FORGED)?)?, flood(&forger.mint_under(&unnamed, 0..FORGED)?)?];
        let mut callers = vec![
            Callers::new("genuine, claims cached", flood(&main.mint(0..GENUINE)?)?)?,
            Callers::new("genuine, fresh", flood(&main.mint(0..FRESH)?)?)?,
            Callers::new("genuine, fresh, no kid", flood(&bare.mint_under(&unnamed, 0..FRESH)?)?)?,
        ];
        for _ in 0..TURNS {
            for caller in &mut callers {
                let named = both(&server, &caller.source, &floods[0]).await?;
                caller.named.add(named)?;
                let unnamed = both(&server, &caller.source, &floods[1]).await?;
                caller.unnamed.add(unnamed)?;
            }
        }
        server.stop().await?;
        Ok(Self(callers))
    }

    pub(crate) fn holds(&self) -> bool {
        self.0.iter().all(|callers| callers.kept() >= LEAST)
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:<42}{:>10}{:>12}{:>14}",
            "during a flood of forged tokens, checks/s", "kid", "no kid", "kept"
        );
        for callers in &self.0 {
            let verdict = if callers.kept() >= LEAST { "ok" } else { "MISSED" };
            println!(
                "{:<42}{:>10.0}{:>12.0}{:>14.2}   >= {LEAST} {verdict}",
                callers.name,
                rate(&callers.named),
                rate(&callers.unnamed),
                callers.kept()
            );
        }
    }

    pub(crate) fn summary(&self) -> Value {
        let kept = self.0.iter().map(|callers| (callers.name.to_owned(), json!(callers.kept())));
        Value::Object(kept.collect())
    }
}

/// Genuine callers and a flood at the same time. Not one forged token may be allowed.
async fn both(server: &Server, genuine: &Arc<Source>, flood: &Arc<Source>) -> Result<Sample> {
    let drive = |source: &Arc<Source>| {
        load::drive(server.address, server.pid, source.clone(), WARM, WINDOW)
    };
    let (genuine, forged) = tokio::join!(drive(genuine), drive(flood));
    let (genuine, forged) = (genuine?, forged?);
    if forged.allowed > 0 || genuine.allowed == 0 {
        let refusal = genuine.refusal.unwrap_or_default();
        return Err(format!("{} forged allowed, genuine: {refusal}", forged.allowed).into());
    }
    Ok(genuine)
}
