//! Logos in PNG: whole pictures, of a bounded size, whose pixels are as many as they say.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

use super::{LogoProblem, judge, tests::png};
use crate::issuer_api::administration::oidc_clients::LogoFormat;

#[test]
fn a_png_is_whole_and_of_a_sensible_size() {
    let good = png();
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    for (bytes, why) in [
        (good[..8].to_vec(), "cut off"),
        (good[..good.len() - 1].to_vec(), "cut off"),
        (changed(8, 0xff), "cut off"),
        (changed(20, 9), "checksum"),
        ([&good[..], b"<script>"].concat(), "follows its end"),
        ([&good[..8], &good[33..]].concat(), "header"),
        ([&good[..33], &good[8..]].concat(), "header"),
        ([&good[..33], &good[good.len() - 12..]].concat(), "no pixels"),
        (picture([4097, 4096], [8, 6, 0], &packed(&[0; 9])), "4096 x 4096"),
        (picture([u32::MAX, u32::MAX], [8, 6, 0], &packed(&[0; 9])), "4096 x 4096"),
    ] {
        let found = judge(&bytes).unwrap_err();
        assert!(matches!(&found, LogoProblem::BadPng(said) if said.contains(why)), "{found} {why}");
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PNG of these sides, with the depth, the color type and the interlacing, and with this content.
fn picture([width, height]: [u32; 2], [depth, color, interlaced]: [u8; 3], idat: &[u8]) -> Vec<u8> {
    let header =
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, interlaced]];
    let mut file = super::png::SIGNATURE.to_vec();
    for (kind, data) in [(b"IHDR", &header.concat()[..]), (b"IDAT", idat), (b"IEND", b"")] {
        let named = [&kind[..], data].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&named);
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(named);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

#[test]
fn the_pixels_of_a_png_are_as_many_as_it_says() {
    // The bytes of all rows: 10 x 10 pixels of 4 bytes, and a filter for each row.
    let rows = [0; 410];
    let of = |kind, idat: &[u8]| judge(&picture([10, 10], kind, idat));
    let rgba = [8, 6, 0];
    for (name, found) in [
        ("whole", of(rgba, &packed(&rows))),
        ("16 bits", of([16, 6, 0], &packed(&[0; 810]))),
        ("one bit", of([1, 0, 0], &packed(&[0; 30]))),
        ("interlaced", of([8, 6, 1], &packed(&[0; 420]))),
        ("large", judge(&picture([4096, 4096], [8, 0, 0], &packed(&vec![0; 4096 * 4097])))),
    ] {
        assert_eq!(found, Ok(LogoFormat::Png), "{name}");
    }
    let whole = packed(&rows);
    for (name, found, why) in [
        ("no zlib", of(rgba, b"xxx"), "unpacked"),
        ("nothing", of(rgba, b""), "no pixels"),
        ("cut off", of(rgba, &whole[..whole.len() - 5]), "unpacked"),
        ("too few", of(rgba, &packed(&rows[..10])), "not as many"),
        ("one too few", of(rgba, &packed(&rows[..409])), "not as many"),
        ("one too many", of(rgba, &packed(&[0; 411])), "not as many"),
        ("a bomb", of(rgba, &packed(&vec![0; 100 << 20])), "not as many"),
        ("more behind", of(rgba, &[&whole[..], b"x"].concat()), "follows its pixels"),
        ("no palette", of([8, 3, 0], &packed(&[0; 110])), "palette"),
        ("an odd depth", of([3, 0, 0], &whole), "header"),
        ("an odd color", of([8, 5, 0], &whole), "header"),
        ("an odd order", of([8, 6, 2], &whole), "header"),
    ] {
        let found = found.unwrap_err();
        assert!(
            matches!(&found, LogoProblem::BadPng(said) if said.contains(why)),
            "{name}: {found}"
        );
    }
}
