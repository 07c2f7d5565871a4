//! Is an RSA public key one that only its owner can sign for?

use super::KeyRefusal;

/// Bits of a modulus: RFC 7518 section 3.3 asks for 2048 at least; the library verifies up to
/// 8192.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest exponent, in bytes: NIST SP 800-56B allows up to 2^256, nobody uses above 2^32,
/// and a long one makes each verification slow.
const MAX_EXPONENT: usize = 4;

/// Whether modulus and exponent, without leading zeros, are sound.
pub(super) fn check(n: &[u8], e: &[u8]) -> Result<(), KeyRefusal> {
    if !BITS.contains(&bits(n)) {
        Err(KeyRefusal::WeakRsa)
    } else if e.len() > MAX_EXPONENT || !is_odd(e) || matches!(e, [1]) {
        Err(KeyRefusal::RsaExponent)
    } else if !is_odd(n) || is_roca(n) {
        Err(KeyRefusal::UnsafeModulus)
    } else {
        Ok(())
    }
}

/// The number without the zero bytes before it. RFC 7518 section 2 asks for the minimal form
/// (Base64urlUInt); issuers that write the sign byte of DER are read by every library.
pub(super) fn minimal(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

fn bits(n: &[u8]) -> usize {
    n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize)
}

/// The primes by which the fingerprint of CVE-2017-15361 ("ROCA") is taken.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Made by a chip whose keys can be factored: such a modulus is a power of 65537 modulo each of
/// these primes. One key in 2^27 is by chance.
fn is_roca(n: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == rest
        })
    })
}
