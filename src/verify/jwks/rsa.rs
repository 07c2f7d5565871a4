//! Is an RSA public key one that only its owner can sign for?

/// Bits of a modulus: RFC 7518 section 3.3 asks for 2048 at least; the library verifies up to
/// 8192.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest exponent, in bytes: NIST SP 800-56B allows up to 2^256, nobody uses above 2^32,
/// and a long one makes each verification slow.
const MAX_EXPONENT: usize = 4;

/// Modulus and exponent are sound.
pub(super) fn is_sound(n: &[u8], e: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let one = matches!(e, [1]);
    // Minimal big-endian octets, as RFC 7518 section 2 has it (Base64urlUInt).
    let minimal = [n, e].iter().all(|number| number.first().is_some_and(|byte| *byte != 0));
    minimal
        && BITS.contains(&bits(n))
        && odd(n)
        && e.len() <= MAX_EXPONENT
        && odd(e)
        && !one
        && !is_roca(n)
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
