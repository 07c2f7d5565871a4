//! The cost of one bare signature check, without a server. In: a line
//! each time it is to measure. Goes out: CPU-microseconds a verification, by
//! `aws-lc-rs` with the key parsed once (the measure of the ratio, as it is the
//! stricter) and by `jsonwebtoken`, which the product calls.
//!
//! It runs in a process of its own, pinned to the core of the servers, and answers
//! each line with its figures as one line of JSON.

use std::{
    io,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, jwk::Jwk};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{
    Result,
    mint::Signer,
    process::{self, Program},
};
use test_support::forge::Algorithm;

/// Enough tokens that a token is not always in the innermost processor cache.
const TOKENS: u64 = 256;
/// Between two looks at the clock.
const BATCH: usize = 16;
/// For each algorithm, each time: what the ratio takes, and what stands beside it.
const WINDOW: Duration = Duration::from_millis(20);
const WINDOW_BESIDE: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) aws_lc_rs: Timed,
    pub(crate) jsonwebtoken: Timed,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Timed {
    cpu: Duration,
    checks: u32,
}

impl Timed {
    /// Both together.
    pub(crate) fn add(&mut self, other: &Self) {
        self.cpu += other.cpu;
        self.checks += other.checks;
    }

    /// CPU-microseconds a check.
    pub(crate) fn each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.checks)
    }
}

/// The process that measures.
pub(crate) struct Verifier {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Verifier {
    pub(crate) fn start(core: usize) -> Result<Self> {
        let mut child = process::held(core, &Program::plain(Path::new(&std::env::current_exe()?)))
            .arg("--verify")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no way to ask the bare verification")?;
        let output = child.stdout.take().ok_or("no answers of the bare verification")?;
        Ok(Self { _child: child, input, output: BufReader::new(output).lines() })
    }

    /// Begins to measure; [`Self::costs`] waits for the end of it.
    pub(crate) async fn ask(&mut self) -> Result<()> {
        Ok(self.input.write_all(b"\n").await?)
    }

    /// A cost for each algorithm, in their order.
    pub(crate) async fn costs(&mut self) -> Result<Vec<Cost>> {
        let line = self.output.next_line().await?.ok_or("the bare verification ended")?;
        Ok(serde_json::from_str(&line)?)
    }
}

/// The whole life of that process.
pub(crate) fn run() -> Result<()> {
    let checks = Algorithm::DEFAULT.map(Checks::new).into_iter().collect::<Result<Vec<_>>>()?;
    for line in io::stdin().lines() {
        line?;
        let costs = checks.iter().map(Checks::measure).collect::<Result<Vec<Cost>>>()?;
        println!("{}", serde_json::to_string(&costs)?);
    }
    Ok(())
}

/// The signatures that are checked again and again.
struct Checks {
    signed: Vec<Signed>,
    parsed: ParsedPublicKey,
    decoding: DecodingKey,
    algorithm: jsonwebtoken::Algorithm,
}

struct Signed {
    input: Vec<u8>,
    signature: Vec<u8>,
    encoded: String,
}

impl Checks {
    fn new(algorithm: Algorithm) -> Result<Self> {
        let signer = Signer::generate(algorithm);
        let tokens = signer.mint(0..TOKENS)?;
        let jwk = signer.jwk();
        Ok(Self {
            signed: tokens.iter().map(split).collect::<Result<_>>()?,
            parsed: parsed(algorithm, &jwk)?,
            decoding: DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk)?)?,
            algorithm: algorithm.name().parse()?,
        })
    }

    fn measure(&self) -> Result<Cost> {
        let aws_lc_rs =
            |token: &Signed| self.parsed.verify_sig(&token.input, &token.signature).is_ok();
        let jsonwebtoken = |token: &Signed| {
            let Self { decoding, algorithm, .. } = self;
            jsonwebtoken::crypto::verify(&token.encoded, &token.input, decoding, *algorithm)
                .is_ok_and(|good| good)
        };
        self.signed.iter().take(2 * BATCH).for_each(|token| _ = aws_lc_rs(token));
        Ok(Cost {
            aws_lc_rs: time(&self.signed, WINDOW, aws_lc_rs)?,
            jsonwebtoken: time(&self.signed, WINDOW_BESIDE, jsonwebtoken)?,
        })
    }
}

fn time(signed: &[Signed], window: Duration, verify: impl Fn(&Signed) -> bool) -> Result<Timed> {
    let (start, before, mut checks) = (Instant::now(), thread_cpu()?, 0);
    for batch in signed.chunks(BATCH).cycle() {
        if start.elapsed() >= window {
            break;
        }
        if !batch.iter().all(&verify) {
            return Err("a good signature was refused".into());
        }
        checks += u32::try_from(batch.len())?;
    }
    Ok(Timed { cpu: thread_cpu()?.saturating_sub(before), checks })
}

/// Exact, where the scheduler's account is as old as its last tick.
fn thread_cpu() -> Result<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

fn parsed(algorithm: Algorithm, jwk: &Value) -> Result<ParsedPublicKey> {
    let member = |name: &str| -> Result<Vec<u8>> {
        Ok(URL_SAFE_NO_PAD.decode(jwk[name].as_str().ok_or("no such member")?)?)
    };
    let ec = |scheme: &'static dyn VerificationAlgorithm| -> Result<ParsedPublicKey> {
        let point = [vec![4], member("x")?, member("y")?].concat();
        Ok(ParsedPublicKey::new(scheme, point)?)
    };
    let rsa = |scheme: &'static RsaParameters| -> Result<ParsedPublicKey> {
        let numbers = RsaPublicKeyComponents { n: member("n")?, e: member("e")? };
        Ok(numbers.to_parsed_public_key(scheme)?)
    };
    match algorithm {
        Algorithm::EdDsa => Ok(ParsedPublicKey::new(&ED25519, member("x")?)?),
        Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED),
        Algorithm::Rs256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&RSA_PSS_2048_8192_SHA512),
    }
}

/// The bare checks of a signer's signatures, by the library of the ratio.
pub(crate) struct Bare {
    signed: Vec<Signed>,
    parsed: ParsedPublicKey,
}

impl Bare {
    pub(crate) fn of(signer: &Signer) -> Result<Self> {
        let tokens = signer.mint(0..TOKENS)?;
        Ok(Self {
            signed: tokens.iter().map(split).collect::<Result<_>>()?,
            parsed: parsed(signer.algorithm, &signer.jwk())?,
        })
    }

    /// The cost of a check, as measured for a moment.
    pub(crate) fn measure(&self) -> Result<Timed> {
        time(&self.signed, WINDOW, |token| {
            self.parsed.verify_sig(&token.input, &token.signature).is_ok()
        })
    }
}

fn split(token: &[u8]) -> Result<Signed> {
    let (input, encoded) =
        std::str::from_utf8(token)?.rsplit_once('.').ok_or("no signature in the token")?;
    Ok(Signed {
        input: input.as_bytes().to_vec(),
        signature: URL_SAFE_NO_PAD.decode(encoded)?,
        encoded: encoded.to_owned(),
    })
}
