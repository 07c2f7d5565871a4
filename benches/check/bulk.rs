//! `Verify` beside an administrator's bulk job, measured alternately in one run: calls while nothing
//! else happens, and calls while another caller writes a thousand users after the other.
//!
//! Comes in: nothing but settings. Goes out: the median of both and the longest of each, and how many
//! calls failed.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use hdrhistogram::Histogram;
use prost::Message as _;
use prost_types::{Struct, Value, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    BatchUpsertUsersRequest, BatchUpsertUsersResponse, User, VerifyRequest, VerifyResponse,
    verify_response::Outcome,
};
use serde_json::json;
use test_support::issuer::Reply;
use tokio::task::JoinSet;

use crate::{
    Result, WARM, issuer,
    load::{self, Call},
    mint::{self, Signer},
    process::{Cores, Program},
    servers::{Place, Server},
};

const WINDOW: Duration = Duration::from_millis(300);
const TURNS: usize = 20;
/// Calls of `Verify` at a time.
const CALLS: usize = 4;
/// Different tokens, whose claims are cached.
const TOKENS: u64 = 512;
/// Users of one batch, the most that a call may have.
const USERS: usize = 1000;
/// The most that the median may grow.
const LIMIT: f64 = 1.2;
const VERIFY: &str = "/rownd.auth.v1.RowndAuth/Verify";
const UPSERT: &str = "/rownd.auth.v1.UserService/BatchUpsertUsers";
const CALLER: &str =
    "rownd_auth: { callers: [{ name: admin, secret: SECRET, allow: [write_users] }] }\n";
const SECRET: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// The figures of both.
pub(crate) struct Bulk {
    alone: Histogram<u64>,
    beside: Histogram<u64>,
    failed: u64,
    batches: u64,
}

impl Bulk {
    pub(crate) async fn measure(program: &Path, cores: Cores, directory: &Path) -> Result<Self> {
        // The server waits for the keys of all its issuers.
        let signers = Signer::of_each();
        let tokens = signers[0].mint(0..TOKENS)?;
        let issuers = issuer::serve(&signers);
        let path = format!("/applications/{}/users/data", mint::APP);
        let written: Vec<_> = (0..USERS)
            .map(|number| json!({ "status": "success", "result": { "rownd_user": user_id(number) } }))
            .collect();
        let answer = json!({ "total_results": USERS, "has_failures": false, "results": written });
        issuers.set(&path, Reply::json(&answer));
        let (program, address) = (Program::plain(program), issuers.address());
        let place = Place::with_app(
            "bulk",
            cores.server,
            &program,
            directory,
            address,
            &CALLER.replace("SECRET", SECRET),
        )?;
        let server = place.start().await?;
        let verify: Arc<[Bytes]> = tokens
            .iter()
            .map(|token| {
                let token = String::from_utf8_lossy(token).into_owned();
                frame(&VerifyRequest { token, ..VerifyRequest::default() })
            })
            .collect();
        let mut bulk =
            Self { alone: Histogram::new(3)?, beside: Histogram::new(3)?, failed: 0, batches: 0 };
        for _ in 0..TURNS {
            let alone = bulk.window(&server, &verify).await?;
            bulk.alone.add(alone)?;
            let job = Job::start(server.address).await?;
            let beside = bulk.window(&server, &verify).await;
            bulk.batches += job.stop().await?;
            bulk.beside.add(beside?)?;
        }
        server.stop().await?;
        Ok(bulk)
    }

    /// Calls one after the other, a few at a time.
    async fn window(&mut self, server: &Server, frames: &Arc<[Bytes]>) -> Result<Histogram<u64>> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut slots = JoinSet::new();
        for slot in 0..CALLS {
            let client = load::connect(server.address).await?;
            let call = Call::to(server.address, VERIFY, load::ENVOYS_PATIENCE)?;
            let (frames, stop) = (frames.clone(), stop.clone());
            slots.spawn(async move {
                let (mut times, mut failed) = (Histogram::<u64>::new(3)?, 0);
                let began = Instant::now();
                for number in slot.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let start = Instant::now();
                    let frame = frames[number % frames.len()].clone();
                    let answer = call.ask(client.clone(), frame).await?;
                    if began.elapsed() < WARM {
                        continue;
                    }
                    let verified = VerifyResponse::decode(answer.message)?;
                    if !matches!(verified.outcome, Some(Outcome::Identity(_))) {
                        failed += 1;
                    }
                    times.record(u64::try_from(start.elapsed().as_nanos())?)?;
                }
                Result::Ok((times, failed))
            });
        }
        tokio::time::sleep(WARM + WINDOW).await;
        stop.store(true, Relaxed);
        let mut all = Histogram::new(3)?;
        while let Some(slot) = slots.join_next().await {
            let (times, failed) = slot??;
            all.add(times)?;
            self.failed += failed;
        }
        Ok(all)
    }

    fn ratio(&self) -> f64 {
        self.beside.value_at_quantile(0.5) as f64 / self.alone.value_at_quantile(0.5).max(1) as f64
    }

    pub(crate) fn holds(&self) -> bool {
        self.ratio() <= LIMIT && self.failed == 0 && self.batches > 0
    }

    pub(crate) fn print(&self) {
        let us = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1e3;
        println!("\n{:<42}{:>10}{:>12}", "Verify, us", "median", "p99");
        for (name, times) in [("alone", &self.alone), ("beside a bulk job", &self.beside)] {
            println!("{name:<42}{:>10.1}{:>12.1}", us(times, 0.5), us(times, 0.99));
        }
        let verdict = if self.holds() { "ok" } else { "MISSED" };
        println!(
            "{:<42}{:>10.2}   <= {LIMIT} {verdict}; {} batches of {USERS} users, {} calls failed",
            "beside / alone, at the median",
            self.ratio(),
            self.batches,
            self.failed
        );
    }

    pub(crate) fn summary(&self) -> serde_json::Value {
        json!({ "verify_beside_bulk_to_alone": self.ratio(), "failed": self.failed })
    }
}

/// An administrator who writes a thousand users after the other.
struct Job {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    task: JoinSet<Result<()>>,
}

impl Job {
    async fn start(address: SocketAddr) -> Result<Self> {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let users = (0..USERS).map(|number| User {
            id: user_id(number),
            data: Some(profile(number)),
            ..User::default()
        });
        let frame = frame(&BatchUpsertUsersRequest {
            users: users.collect(),
            ..BatchUpsertUsersRequest::default()
        });
        let client = load::connect(address).await?;
        let call = Call::to(address, UPSERT, "10S")?.with_secret(SECRET)?;
        let mut task = JoinSet::new();
        let (stopped, written) = (stop.clone(), done.clone());
        task.spawn(async move {
            while !stopped.load(Relaxed) {
                let answer = call.ask(client.clone(), frame.clone()).await?;
                let results = BatchUpsertUsersResponse::decode(answer.message)?.results;
                if results.len() != USERS {
                    return Err(format!("a batch failed: {:?}", answer.grpc_status).into());
                }
                written.fetch_add(1, Relaxed);
            }
            Ok(())
        });
        Ok(Self { stop, done, task })
    }

    /// How many batches were written.
    async fn stop(mut self) -> Result<u64> {
        self.stop.store(true, Relaxed);
        while let Some(ended) = self.task.join_next().await {
            ended??;
        }
        Ok(self.done.load(Relaxed))
    }
}

fn user_id(number: usize) -> String {
    format!("user_bulk{number:06}")
}

fn profile(number: usize) -> Struct {
    let text = |text: String| Value { kind: Some(Kind::StringValue(text)) };
    let fields = [
        ("email", format!("user{number}@example.com")),
        ("first_name", "Ann".to_owned()),
        ("last_name", format!("Example {number}")),
        ("plan", "gold".to_owned()),
        ("note", "x".repeat(100)),
    ];
    Struct { fields: fields.map(|(name, value)| (name.to_owned(), text(value))).into() }
}

/// A message as gRPC frames it.
fn frame(message: &impl prost::Message) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.encoded_len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).expect("a message below 4 GiB"));
    message.encode(&mut frame).expect("there is room");
    frame.freeze()
}
