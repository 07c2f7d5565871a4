//! A check with a fresh token, for each algorithm there is, beside a bare verification of it.
//!
//! Comes in: nothing but settings. Goes out: for each algorithm CPU-microseconds of the server for a
//! check, of a bare verification, and both compared, measured alternately in one run.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};
use test_support::forge::Algorithm;

use crate::{
    HANDFUL, Result, TURNS, WARM,
    frame::Template,
    issuer,
    load::{self, Sample, Source},
    mint::Signer,
    process::{Cores, Program},
    servers::{self, Place},
    verify::{Bare, Timed},
};

/// Tokens of each, over and over, for a server that has forgotten each before it comes again.
const TOKENS: u64 = 2048;
/// Each algorithm, in each turn.
const WINDOW: Duration = Duration::from_millis(200);

/// The figures of one algorithm.
struct Row {
    signer: Signer,
    source: Arc<Source>,
    bare: Bare,
    sample: Sample,
    verify: Timed,
}

impl Row {
    fn cpu(&self) -> f64 {
        self.sample.server.cpu.as_secs_f64() * 1e6 / self.sample.allowed.max(1) as f64
    }
}

/// The figures of all of them.
pub(crate) struct Algorithms(Vec<Row>);

impl Algorithms {
    pub(crate) async fn measure(program: &Path, cores: Cores, directory: &Path) -> Result<Self> {
        let signers: Vec<Signer> = Algorithm::ALL.map(Signer::generate).into();
        let issuers = issuer::serve(&signers);
        let others = &Algorithm::ALL[1..];
        let (program, room) =
            (Program::plain(program), format!("check: {{ claims_cache_bytes: {HANDFUL} }}\n"));
        let address = issuers.address();
        let place =
            Place::with("algorithms", cores.server, &program, directory, address, others, &room)?;
        let server = place.start().await?;
        let mut rows = Vec::new();
        for signer in signers {
            let tokens = signer.mint(0..TOKENS)?;
            let template = Template::new(tokens.length())?;
            servers::prove(&server, &template, 0, tokens.get(0).ok_or("no token")?).await?;
            let frames = tokens.iter().map(|token| template.frame(token)).collect();
            let (source, bare) = (Arc::new(Source::Again(frames)), Bare::of(&signer)?);
            let (sample, verify) = (Sample::empty()?, Timed::default());
            rows.push(Row { signer, source, bare, sample, verify });
        }
        for _ in 0..TURNS {
            for row in &mut rows {
                row.verify.add(&row.bare.measure()?);
                let source = Arc::clone(&row.source);
                let sample = load::drive(server.address, server.pid, source, WARM, WINDOW).await?;
                row.sample.add(sample)?;
            }
        }
        server.stop().await?;
        match rows.iter().find(|row| row.sample.allowed == 0) {
            Some(row) => {
                Err(format!("{}: nothing was allowed", row.signer.algorithm.name()).into())
            }
            None => Ok(Self(rows)),
        }
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:<42}{:>10}{:>12}{:>14}{:>10}",
            "fresh tokens of each algorithm", "checks/s", "CPU-us", "bare verify", "ratio"
        );
        for row in &self.0 {
            let rate = row.sample.allowed as f64 / row.sample.wall.as_secs_f64();
            let (cpu, verify) = (row.cpu(), row.verify.each());
            println!(
                "{:<42}{rate:>10.0}{cpu:>12.2}{verify:>14.2}{:>10.2}",
                row.signer.algorithm.name(),
                cpu / verify
            );
        }
    }

    pub(crate) fn summary(&self) -> Value {
        let row = |row: &Row| {
            let figures = json!({ "fresh_cpu_us": row.cpu(), "verify_cpu_us": row.verify.each() });
            (row.signer.algorithm.name().to_owned(), figures)
        };
        Value::Object(self.0.iter().map(row).collect::<Map<_, _>>())
    }
}
