//! The cost of rules and of what they ask and tell: checks with cached claims, of servers whose rules do
//! not match and stand before the one that does, alternately with the floor and with a server of a few.
//!
//! Comes in: nothing but settings. Goes out: the CPU that a check takes more than with a few rules, in
//! parts of the floor's, and the time to start and the memory of each server.

use std::{
    fs::OpenOptions,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
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

/// Rules before the one that decides, and that one.
struct Kind {
    name: &'static str,
    /// The path of those that do not match. `#` is the number of one.
    form: &'static str,
    count: usize,
    /// The rest of each of these rules.
    asks: &'static str,
    /// The rest of a rule for every request behind them; empty where that of the bench decides.
    decides: &'static str,
    /// More sections of the configuration.
    sections: &'static str,
    limit: Limit,
}

/// The most that a check may cost.
#[derive(Clone, Copy)]
enum Limit {
    /// This part of the floor's cost more than the first kind.
    More(f64),
    /// The floor's cost, times this.
    Whole(f64),
}

/// The conditions of one rule, which the tokens of the bench fulfil.
const THREE_CONDITIONS: &str = "require: { issuer: rownd, auth_level: verified, anonymous: false }";
const EXPRESSION: &str = "require: { issuer: rownd, cel: \"identity.auth_level == 'verified' && \
    request.method == 'GET' && claims['https://bench.example/workspace'].startsWith('w')\" }";
const OUTPUTS: &str = "require: { role: bench }, \
    headers: [{ name: x-workspace, from: { claim: 'https://bench.example/workspace' } }, \
    { name: x-user, from: { identity: user_id } }, { name: x-level, from: { identity: auth_level } }, \
    { name: x-plan, from: { constant: gold } }], \
    passport: { audience: bench, claims: { roles: { identity: roles } } }";
const SECTIONS: &str = "roles: { bench: { permissions: ['bench:read'] } }
role_sources: [{ issuers: [rownd], claim: 'https://auth.rownd.io/auth_level', map: { verified: bench } }]
passport: { issuer: 'https://authz.bench.test', subject: issuer_and_user_id, keys: [{ file: KEY }] }
";

impl Kind {
    /// So many rules with these paths, which ask for nothing.
    const fn paths(name: &'static str, form: &'static str, count: usize, limit: f64) -> Self {
        let (asks, limit) = ("auth: none", Limit::More(limit));
        Self { name, form, count, asks, decides: "", sections: "", limit }
    }
}

static KINDS: [Kind; 8] = [
    Kind::paths("20 prefixes", "{ prefix: /r#/api }", 20, 0.0),
    Kind::paths("2000 prefixes", "{ prefix: /r#/api }", 2000, 0.2),
    Kind::paths("2000 templates", "{ template: '/{tenant}/r#/{id}' }", 2000, 0.2),
    Kind::paths("2000 expressions", "{ regex: '/r#/[0-9]+(/.*)?' }", 2000, 0.5),
    Kind::paths("2000 open expressions", r"{ regex: '/[a-z]+[.]#/.*' }", 2000, 0.5),
    Kind {
        asks: THREE_CONDITIONS,
        decides: THREE_CONDITIONS,
        ..Kind::paths("200 rules of 3 conditions", "{ prefix: /r#/api }", 200, 0.4)
    },
    Kind { decides: EXPRESSION, ..Kind::paths("an expression", "{ prefix: /r#/api }", 20, 0.8) },
    WITH_OUTPUTS,
];

const WITH_OUTPUTS: Kind = Kind {
    decides: OUTPUTS,
    sections: SECTIONS,
    limit: Limit::Whole(1.5),
    ..Kind::paths("role, 4 headers, passport", "{ prefix: /r#/api }", 20, 0.0)
};

impl Kind {
    fn rules(&self) -> String {
        let rule = |at: usize| {
            let path = self.form.replace('#', &at.to_string());
            format!("  - {{ id: r{at}, match: {{ path: {path} }}, {} }}\n", self.asks)
        };
        let decides = match self.decides {
            "" => String::new(),
            rest => format!("  - {{ id: decides, match: any, {rest} }}\n"),
        };
        (0..self.count).map(rule).chain([decides]).collect()
    }

    fn place(
        &self,
        core: usize,
        program: &Program,
        directory: &Path,
        issuers: SocketAddr,
        key: &Path,
    ) -> Result<Place> {
        let name = self.name.replace(' ', "-");
        let sections = self.sections.replace("KEY", &key.display().to_string());
        Place::with_rules(&name, core, program, directory, issuers, &(self.rules(), sections))
    }
}

/// A server whose rule asks for a role, sets 4 headers and hands over a passport.
pub(crate) async fn with_outputs(
    core: usize,
    program: &Program,
    directory: &Path,
    issuers: SocketAddr,
) -> Result<Server> {
    let key = passport_key(directory)?;
    WITH_OUTPUTS.place(core, program, directory, issuers, &key)?.start().await
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
        let key = passport_key(directory)?;
        let mut rows = Vec::new();
        for kind in &KINDS {
            let place = kind.place(cores.server, &program, directory, issuers.address(), &key)?;
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

    /// The figure that the limit of a kind is about, and the limit.
    fn against(&self, row: &Figures) -> (f64, f64) {
        match row.kind.limit {
            Limit::More(limit) => (self.above(&row.sample), limit),
            Limit::Whole(limit) => (cpu(&row.sample) / cpu(&self.floor), limit),
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().skip(1).all(|row| {
            let (figure, limit) = self.against(row);
            figure <= limit
        })
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:<42}{:>10}{:>6}{:>12}{:>14}",
            "rules that do not match, claims cached", "start ms", "MiB", "CPU-us", "more/floor"
        );
        println!("{:<42}{:>28.2}", "floor: tonic, no work", cpu(&self.floor));
        for row in &self.rows {
            let (figure, limit) = self.against(row);
            let Figures { kind, start, resident, sample } = row;
            let verdict = if figure <= limit { "ok" } else { "MISSED" };
            let of = match kind.limit {
                Limit::More(_) => "",
                Limit::Whole(_) => " of the whole",
            };
            println!(
                "{:<42}{:>10}{:>6}{:>12.2}{figure:>14.2}   <= {limit}{of} {verdict}",
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
            let whole = cpu(&row.sample) / cpu(&self.floor);
            json!({ "rules": row.kind.name, "more_per_floor": above, "per_floor": whole,
                "start_ms": start,
                "resident": row.resident })
        };
        self.rows.iter().map(figure).collect()
    }
}

/// A key that signs passports.
fn passport_key(directory: &Path) -> Result<PathBuf> {
    let file = directory.join("passport.pem");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let key = pem::Pem::new("PRIVATE KEY", key.serialize_der());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&file)?.write_all(pem::encode(&key).as_bytes())?;
    Ok(file)
}

async fn drive(server: &Server, source: &Arc<Source>) -> Result<Sample> {
    load::drive(server.address, server.pid, Arc::clone(source), WARM, WINDOW).await
}

/// CPU-microseconds of the server for each check it allowed.
fn cpu(sample: &Sample) -> f64 {
    sample.server.cpu.as_secs_f64() * 1e6 / sample.allowed.max(1) as f64
}
