//! The report of the bench. In: the samples of every round. Out: a
//! table, the ratios held against what is required, and `summary.json`.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::{
    Result,
    load::Sample,
    verify::{Cost, Timed},
};
use test_support::forge::Algorithm;

pub(crate) const BARE_H2: usize = 0;
pub(crate) const FLOOR: usize = 1;
pub(crate) const ROWS: [&str; 8] = [
    "bare h2, no work",
    "floor: tonic, no work",
    "rownd-authz, claims cached, EdDSA",
    "rownd-authz, fresh, EdDSA",
    "rownd-authz, claims cached, ES256",
    "rownd-authz, fresh, ES256",
    "rownd-authz, claims cached, RS256",
    "rownd-authz, fresh, RS256",
];
const EDDSA: usize = 0;
const ES256: usize = 1;
const RS256: usize = 2;

/// The row of cached claims, for an algorithm in the order of [`Algorithm::DEFAULT`].
pub(crate) const fn cached(algorithm: usize) -> usize {
    2 + 2 * algorithm
}

/// The row of fresh tokens.
pub(crate) const fn fresh(algorithm: usize) -> usize {
    3 + 2 * algorithm
}

/// A refused check costs CPU and counts for nothing, so a few can only make us
/// look slower: a stall of a busy machine makes some run into their deadline. More
/// than one in a hundred, and the figure is not about allowing.
const TOLERATED: f64 = 0.01;
/// Parts of a window: a core less busy was not saturated, one more waited for was not ours.
const BUSY: f64 = 0.85;
const SHARED: f64 = 0.05;

pub(crate) struct Round {
    /// For each row, all turns together.
    pub(crate) samples: Vec<Sample>,
    /// For each algorithm, too.
    verify: [Cost; Algorithm::DEFAULT.len()],
}

impl Round {
    pub(crate) fn new() -> Result<Self> {
        let samples = ROWS.iter().map(|_| Sample::empty()).collect::<Result<_>>()?;
        Ok(Self { samples, verify: Default::default() })
    }

    /// More bare verifications.
    pub(crate) fn add(&mut self, costs: &[Cost]) {
        for (all, cost) in self.verify.iter_mut().zip(costs) {
            all.aws_lc_rs.add(&cost.aws_lc_rs);
            all.jsonwebtoken.add(&cost.jsonwebtoken);
        }
    }

    /// CPU-microseconds of a bare verification.
    fn verify(&self, algorithm: usize, figure: Figure) -> f64 {
        figure(&self.verify[algorithm]).each()
    }

    /// CPU-microseconds of the server for each check it allowed.
    fn cpu(&self, row: usize) -> f64 {
        let sample = &self.samples[row];
        sample.server.cpu.as_secs_f64() * 1e6 / sample.allowed.max(1) as f64
    }

    /// The cost of a new token above that of a cached one.
    fn fresh_minus_cached(&self, algorithm: usize) -> f64 {
        self.cpu(fresh(algorithm)) - self.cpu(cached(algorithm))
    }

    fn fresh_to_verify(&self, algorithm: usize) -> f64 {
        self.fresh_minus_cached(algorithm) / self.verify(algorithm, AWS_LC_RS)
    }
}

/// The middle one, and how far the rounds lay apart.
#[derive(Clone, Copy)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> Self {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let (low, high) = ((figures.len() - 1) / 2, figures.len() / 2);
        let median = f64::midpoint(figures[low], figures[high]);
        Self { median, least: figures[0], most: figures[figures.len() - 1] }
    }
}

/// A ratio and what it should not exceed.
struct Ratio {
    name: &'static str,
    spread: Spread,
    limit: f64,
    /// Whether the limit is a promise of the product. The first ratio is of two
    /// servers of the bench: it says how good a yardstick the floor is.
    required: bool,
}

impl Ratio {
    fn verdict(&self) -> &'static str {
        match (self.required, self.spread.median <= self.limit) {
            (true, true) => "ok",
            (true, false) => "MISSED",
            (false, _) => "(aim)",
        }
    }
}

/// The figures that follow from the cost of a verification.
type Figure = fn(&Cost) -> &Timed;
const AWS_LC_RS: Figure = |cost| &cost.aws_lc_rs;
const JSONWEBTOKEN: Figure = |cost| &cost.jsonwebtoken;

pub(crate) struct Report<'a> {
    rounds: &'a [Round],
    ratios: [Ratio; 5],
}

impl<'a> Report<'a> {
    /// Ratios are taken round by round: both sides then met the same machine.
    pub(crate) fn new(rounds: &'a [Round]) -> Self {
        let ratio = |name, limit, required, figure: fn(&Round) -> f64| Ratio {
            name,
            spread: Spread::of(rounds, figure),
            limit,
            required,
        };
        let ratios = [
            ratio("floor / bare h2", 1.5, false, |round| round.cpu(FLOOR) / round.cpu(BARE_H2)),
            ratio("cached / floor", 1.5, true, |round| round.cpu(cached(EDDSA)) / round.cpu(FLOOR)),
            ratio("(fresh - cached) / verify, EdDSA", 1.15, true, |round| {
                round.fresh_to_verify(EDDSA)
            }),
            ratio("(fresh - cached) / verify, ES256", 1.15, true, |round| {
                round.fresh_to_verify(ES256)
            }),
            ratio("(fresh - cached - verify) / floor, RS256", 0.8, true, |round| {
                let verify = round.verify(RS256, AWS_LC_RS);
                (round.fresh_minus_cached(RS256) - verify) / round.cpu(FLOOR)
            }),
        ];
        Self { rounds, ratios }
    }

    pub(crate) fn holds(&self) -> bool {
        self.ratios.iter().all(|ratio| ratio.verdict() != "MISSED")
    }

    pub(crate) fn print(&self) -> Result<()> {
        println!(
            "\n{:<42}{:>10}{:>12}{:>19}{:>7}{:>7}{:>9}{:>9}{:>9}",
            "",
            "checks/s",
            "CPU-us",
            "(least..most)",
            "busy",
            "wait",
            "p50 us",
            "p99 us",
            "p99.9 us",
        );
        for (row, name) in ROWS.iter().enumerate() {
            self.print_row(row, name)?;
        }
        for (index, algorithm) in Algorithm::DEFAULT.into_iter().enumerate() {
            for (library, figure) in [("aws-lc-rs", AWS_LC_RS), ("jsonwebtoken", JSONWEBTOKEN)] {
                let cost = Spread::of(self.rounds, |round| round.verify(index, figure));
                let name = format!("bare verify, {}, {library}", algorithm.name());
                println!("{name:<42}{:>10}{:>12.2}{:>19}", "", cost.median, range(cost));
            }
        }
        println!("\n{:<42}{:>10}{:>31}", "ratio of CPU", "median", "(least..most)");
        for ratio in &self.ratios {
            println!(
                "{:<42}{:>10.2}{:>31}   <= {:<4} {}",
                ratio.name,
                ratio.spread.median,
                range(ratio.spread),
                ratio.limit,
                ratio.verdict(),
            );
        }
        self.print_doubts();
        Ok(())
    }

    /// The conditions that make the figures of this run less reliable.
    fn print_doubts(&self) {
        let rows = |doubtful: &dyn Fn(usize) -> bool| {
            let names: Vec<&str> =
                (0..ROWS.len()).filter(|row| doubtful(*row)).map(|row| ROWS[row]).collect();
            names.join("; ")
        };
        let shared = rows(&|row| self.waited(row) > SHARED);
        let idle = rows(&|row| self.busy(row) < BUSY);
        if !shared.is_empty() {
            println!("the machine was not quiet: others took the core from {shared}");
        } else if !idle.is_empty() {
            println!("not saturated, so a little dear by wake-ups: {idle}");
        }
    }

    fn busy(&self, row: usize) -> f64 {
        self.median(row, |sample| sample.server.cpu.as_secs_f64() / sample.wall.as_secs_f64())
    }

    fn waited(&self, row: usize) -> f64 {
        self.median(row, |sample| sample.server.waited.as_secs_f64() / sample.wall.as_secs_f64())
    }

    fn median(&self, row: usize, figure: impl Fn(&Sample) -> f64) -> f64 {
        Spread::of(self.rounds, |round| figure(&round.samples[row])).median
    }

    fn print_row(&self, row: usize, name: &str) -> Result<()> {
        let rate = self.median(row, |sample| sample.allowed as f64 / sample.wall.as_secs_f64());
        let cost = Spread::of(self.rounds, |round| round.cpu(row));
        let mut latency = Histogram::<u64>::new(3)?;
        for round in self.rounds {
            latency.add(&round.samples[row].latency)?;
        }
        let quantile = |part: f64| latency.value_at_quantile(part) as f64 / 1e3;
        println!(
            "{name:<42}{rate:>10.0}{:>12.2}{:>19}{:>6.0}%{:>6.1}%{:>9.0}{:>9.0}{:>9.0}",
            cost.median,
            range(cost),
            self.busy(row) * 100.0,
            self.waited(row) * 100.0,
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
        );
        Ok(())
    }

    pub(crate) fn summary(&self) -> Value {
        let median = |figure: &dyn Fn(&Round) -> f64| round(Spread::of(self.rounds, figure).median);
        let cpu = |row: usize| median(&|round| round.cpu(row));
        let [null_to_bare_h2, cached_to_floor, eddsa, es256, rs256] =
            self.ratios.each_ref().map(|each| round(each.spread.median));
        let each = |figure: &dyn Fn(usize) -> f64| {
            let named = Algorithm::DEFAULT.into_iter().enumerate();
            named
                .map(|(at, algorithm)| (algorithm.name().to_owned(), json!(figure(at))))
                .collect::<Map<_, _>>()
        };
        json!({
            "ratios": {
                "null_to_bare_h2": null_to_bare_h2,
                "cached_to_floor": cached_to_floor,
                "fresh_minus_cached_to_verify": { "EdDSA": eddsa, "ES256": es256 },
                "rs256_overhead_to_floor": rs256,
            },
            "cpu_us": {
                "bare_h2": cpu(BARE_H2),
                "null": cpu(FLOOR),
                "cached": each(&|algorithm| cpu(cached(algorithm))),
                "fresh": each(&|algorithm| cpu(fresh(algorithm))),
                "verify": each(&|algorithm| median(&|round| round.verify(algorithm, AWS_LC_RS))),
                "verify_jsonwebtoken":
                    each(&|algorithm| median(&|round| round.verify(algorithm, JSONWEBTOKEN))),
            },
        })
    }
}

/// One line a round, so that a run can be followed, and a refusal seen at once.
pub(crate) fn progress(number: usize, of: usize, round: &Round) -> Result<()> {
    let figures =
        (0..ROWS.len()).map(|row| format!("{:.2}", round.cpu(row))).collect::<Vec<_>>().join("  ");
    let verify: Vec<String> = (0..Algorithm::DEFAULT.len())
        .map(|algorithm| format!("{:.2}", round.verify(algorithm, AWS_LC_RS)))
        .collect();
    eprintln!("round {number}/{of}: CPU-us {figures}  verify {}", verify.join("  "));
    for (name, sample) in ROWS.iter().zip(&round.samples) {
        let Sample { allowed, refused, .. } = sample;
        let part = *refused as f64 / (allowed + refused).max(1) as f64;
        let reason = sample.refusal.as_deref().unwrap_or_default();
        let told = format!("{name}: {allowed} checks allowed, {refused} refused ({reason})");
        if *allowed == 0 || part > TOLERATED {
            return Err(told.into());
        }
        if *refused > 0 {
            eprintln!("{told}");
        }
    }
    Ok(())
}

fn range(spread: Spread) -> String {
    format!("({:.2}..{:.2})", spread.least, spread.most)
}

fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
