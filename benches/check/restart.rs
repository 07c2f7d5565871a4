//! How long a process that was killed is missed. Comes in: the server, and an issuer that can
//! be reached. Goes out: the time from a start, on the port of the one that was killed, to the
//! first good token allowed.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::sleep;

use crate::{
    Result,
    load::{self, Call},
    servers::Place,
};

/// The middle one counts.
const STARTS: usize = 11;
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(1);
/// The longest time until the first answer that the documentation promises.
const LIMIT: f64 = 300.0;

/// Milliseconds, in order.
pub(crate) struct Restarts(Vec<f64>);

impl Restarts {
    pub(crate) fn median(&self) -> f64 {
        (self.0[STARTS / 2] * 10.0).round() / 10.0
    }

    pub(crate) fn holds(&self) -> bool {
        self.median() <= LIMIT
    }

    pub(crate) fn print(&self) {
        println!(
            "\nkilled and started again, ms to the first allowed check: {:.1} ({:.1}..{:.1}), the median of {STARTS}   <= {LIMIT} {}",
            self.median(),
            self.0[0],
            self.0[STARTS - 1],
            if self.holds() { "ok" } else { "MISSED" },
        );
    }
}

/// Kills and starts it, again and again; `good` is a frame with a good token.
pub(crate) async fn measure(place: &Place, good: &Bytes) -> Result<Restarts> {
    let mut child = place.spawn()?;
    serves(place, good).await?;
    let mut figures = Vec::new();
    for _ in 0..STARTS {
        child.kill().await?;
        let start = Instant::now();
        child = place.spawn()?;
        serves(place, good).await?;
        figures.push(start.elapsed().as_secs_f64() * 1e3);
    }
    child.kill().await?;
    figures.sort_by(f64::total_cmp);
    Ok(Restarts(figures))
}

async fn serves(place: &Place, good: &Bytes) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if allows(place, good).await.unwrap_or(false) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(format!("does not serve after {PATIENCE:?}; see {}", place.log.display()).into())
}

async fn allows(place: &Place, good: &Bytes) -> Result<bool> {
    let client = load::connect(place.address).await?;
    Ok(Call::new(place.address, load::ENVOYS_PATIENCE)?.ask(client, good.clone()).await?.allows())
}
