//! Numbers of 256 bits, little-endian, and the arithmetic of Ed25519's scalars: enough of it to
//! give a changed R the S that a careless verifier would accept.

use std::cmp::Ordering;

pub(super) type Number = [u8; 32];

/// The order of the base point (RFC 8032 section 5.1).
pub(super) const L: Number = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The sum, and whether it needs a bit more than there are.
pub(super) fn plus(a: &Number, b: &Number) -> (Number, bool) {
    let (mut sum, mut carry) = ([0; 32], 0);
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        sum[place] = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    (sum, carry > 0)
}

fn minus(a: &Number, b: &Number) -> Number {
    let (mut rest, mut borrow) = ([0; 32], 0);
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        let digit = 256 + u16::from(*a) - u16::from(*b) - borrow;
        rest[place] = digit.to_le_bytes()[0];
        borrow = u16::from(digit < 256);
    }
    rest
}

fn below_l(number: Number) -> Number {
    match number.iter().rev().cmp(L.iter().rev()) {
        Ordering::Less => number,
        _ => minus(&number, &L),
    }
}

/// Both below L.
pub(super) fn add(a: &Number, b: &Number) -> Number {
    below_l(plus(a, b).0)
}

/// The bits of `digits`, highest first, drive a sum of `step`s: a product modulo L.
fn horner(digits: &[u8], step: &Number) -> Number {
    let mut sum = [0; 32];
    for digit in digits.iter().rev() {
        for bit in (0..8).rev() {
            sum = add(&sum, &sum);
            if digit >> bit & 1 == 1 {
                sum = add(&sum, step);
            }
        }
    }
    sum
}

pub(super) fn reduce(digits: &[u8]) -> Number {
    let mut one = [0; 32];
    one[0] = 1;
    horner(digits, &one)
}

pub(super) fn multiply(a: &Number, b: &Number) -> Number {
    horner(a, b)
}

pub(super) fn negate(a: &Number) -> Number {
    below_l(minus(&L, a))
}
