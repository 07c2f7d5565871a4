//! The cost of many rules: checks with cached claims, of servers whose rules do not match and stand
//! before the one that does, alternately with the floor and with a server of a few.
//!
//! Comes in: nothing but settings. Goes out: the CPU that a check takes more than with a few rules, in
//! parts of the floor's, and the time to start and the memory of each server.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Result, TURNS, USERS, WARM,
    frame::Template,
    issuer,
    load::{self, Sample, Source},
    mint::Signer,
    process::{Cores, Program},
    servers::{self, Place, Server},
};

const WINDOW: Duration = Duration::from_millis(300);

/// Rules that do not match the request of the bench. `#` is the number of one.
struct Kind {
    name: &'static str,
    form: &'static str,
    count: usize,
    /// The part of the floor's cost that they may take more than the first kind.
    limit: f64,
}

static KINDS: [Kind; 5] = [
    Kind { name: "20 prefixes", form: "{ prefix: /r#/api }", count: 20, limit: 0.0 },
    Kind { name: "2000 prefixes", form: "{ prefix: /r#/api }", count: 2000, limit: 0.2 },
    Kind {
        name: "2000 templates",
        form: "{ template: '/{tenant}/r#/{id}' }",
        count: 2000,
        limit: 0.2,
    },
    Kind {
        name: "2000 expressions",
        form: "{ regex: '/r#/[0-9]+(/.*)?' }",
        count: 2000,
        limit: 0.5,
    },
    Kind {
        name: "2000 open expressions",
        form: r"{ regex: '/[a-z]+[.]#/.*' }",
        count: 2000,
        limit: 0.5,
    },
];

impl Kind {
    fn rules(&self) -> String {
        let rule = |at: usize| {
            let path = self.form.replace('#', &at.to_string());
            format!("  - {{ id: r{at}, match: {{ path: {path} }}, auth: none }}\n")
        };
        (0..self.count).map(rule).collect()
    }
}

/// One server and its figures.
struct Row {
    kind: &'static Kind,
    server: Server,
    start: Duration,
    resident: u64,
    sample: Sample,
}

/// The figures of one kind.
struct Figures {
    kind: &'static Kind,
    start: Duration,
    /// Bytes of the process before the load.
    resident: u64,
    sample: Sample,
}

/// The figures of each kind.
pub(crate) struct Rules {
    floor: Sample,
    rows: Vec<Figures>,
}

impl Rules {
    pub(crate) async fn measure(
        program: &Path,
        floor: &Path,
        cores: Cores,
        directory: &Path,
    ) -> Result<Self> {
        let signers = Signer::of_each();
        let issuers = issuer::serve(&signers);
        let tokens = signers[0].mint(0..USERS)?;
        let template = Template::new(tokens.length())?;
        let frames = tokens.iter().map(|token| template.frame(token)).collect();
        let source = Arc::new(Source::Again(frames));
        let program = Program::plain(program);
        let mut rows = Vec::new();
        for kind in &KINDS {
            let (name, address) = (kind.name.replace(' ', "-"), issuers.address());
            let rules = kind.rules();
            let place =
                Place::with_rules(&name, cores.server, &program, directory, address, &rules)?;
            let began = Instant::now();
            let server = place.start().await?;
            let start = began.elapsed();
            servers::prove(&server, &template, 0, tokens.get(0).ok_or("no token")?).await?;
            let resident = server.resident()?;
            rows.push(Row { kind, server, start, resident, sample: Sample::empty()? });
        }
        let yardstick = servers::floor(cores.server, &Program::plain(floor), "tonic").await?;
        let mut floor = Sample::empty()?;
        for _ in 0..TURNS {
            floor.add(drive(&yardstick, &source).await?)?;
            for row in &mut rows {
                row.sample.add(drive(&row.server, &source).await?)?;
            }
        }
        yardstick.stop().await?;
        let mut figures = Vec::new();
        for Row { kind, server, start, resident, sample } in rows {
            server.stop().await?;
            figures.push(Figures { kind, start, resident, sample });
        }
        Ok(Self { floor, rows: figures })
    }

    /// The cost above that of the first kind, in parts of the floor's.
    fn above(&self, sample: &Sample) -> f64 {
        (cpu(sample) - cpu(&self.rows[0].sample)) / cpu(&self.floor)
    }

    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().skip(1).all(|row| self.above(&row.sample) <= row.kind.limit)
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:<42}{:>10}{:>6}{:>12}{:>14}",
            "rules that do not match, claims cached", "start ms", "MiB", "CPU-us", "more/floor"
        );
        println!("{:<42}{:>28.2}", "floor: tonic, no work", cpu(&self.floor));
        for Figures { kind, start, resident, sample } in &self.rows {
            let (above, limit) = (self.above(sample), kind.limit);
            let verdict = if above <= limit { "ok" } else { "MISSED" };
            println!(
                "{:<42}{:>10}{:>6}{:>12.2}{above:>14.2}   <= {limit} {verdict}",
                kind.name,
                start.as_millis(),
                resident >> 20,
                cpu(sample)
            );
        }
    }

    pub(crate) fn summary(&self) -> Value {
        let figure = |row: &Figures| {
            let (above, start) = (self.above(&row.sample), row.start.as_secs_f64() * 1e3);
            json!({ "rules": row.kind.name, "more_per_floor": above, "start_ms": start,
                "resident": row.resident })
        };
        self.rows.iter().map(figure).collect()
    }
}

async fn drive(server: &Server, source: &Arc<Source>) -> Result<Sample> {
    load::drive(server.address, server.pid, Arc::clone(source), WARM, WINDOW).await
}

/// CPU-microseconds of the server for each check it allowed.
fn cpu(sample: &Sample) -> f64 {
    sample.server.cpu.as_secs_f64() * 1e6 / sample.allowed.max(1) as f64
}
