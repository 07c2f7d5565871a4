//! The attacks that are repeated: each that was found to take memory, and its relatives.

use bytes::Bytes;
use rownd_authz::grpc::ext_authz::PATH;

use super::{CONNECTION, HEALTH, REFLECTION, VERIFY, WATCH, frames::Flood};
use crate::support::wire::{frame, frame_saying};

type Attacks = Vec<(&'static str, Flood)>;

/// All of them; last those that may spend the budget of connections.
pub(super) fn all(good: &Bytes) -> Attacks {
    [announced(), unread(good), endless(), long(), of_connections()].concat()
}

/// More is announced than is sent.
fn announced() -> Attacks {
    let announced = |length: u32| frame_saying(0, length, &[0; 500]);
    let on = |path, streams, length| Flood::on(path, streams, announced(length));
    vec![
        ("4 MiB announced to health", on(HEALTH, 256, 4 << 20)),
        ("4 MiB announced to Watch", on(WATCH, 64, 4 << 20)),
        ("4 KiB announced to health", on(HEALTH, 1_000, 4 << 10)),
        ("4 MiB announced to Check", on(PATH, 256, 4 << 20)),
        ("2 MB announced to Check", on(PATH, 1_000, 2_000_000)),
        ("2 MB announced on many connections", Flood { connections: 30, ..on(PATH, 30, 2 << 20) }),
        ("256 KiB announced to Verify", on(VERIFY, 1_000, 256 << 10)),
        ("16 KiB announced to Verify", Flood { connections: 4, ..on(VERIFY, 1_000, 16 << 10) }),
        ("4 MiB announced to reflection", on(REFLECTION, 64, 4 << 20)),
        ("nothing sent to reflection", Flood::on(REFLECTION, 1_000, Bytes::new())),
        (
            "4 MiB announced on 1000 connections",
            Flood { connections: 1_000, ..on(PATH, 10, 4 << 20) },
        ),
    ]
}

/// Answers that nobody reads.
fn unread(good: &Bytes) -> Attacks {
    let whole = |path, connections, streams, body: &Bytes| Flood {
        connections,
        ends: true,
        zero_window: true,
        ..Flood::on(path, streams, body.clone())
    };
    vec![
        ("health and no window", whole(HEALTH, 200, 50, &frame(b""))),
        ("Watch and no window", whole(WATCH, 50, 50, &frame(b""))),
        ("good checks and no window", whole(PATH, 200, 200, good)),
        ("health, no window, 1000 connections", whole(HEALTH, 1_000, 50, &frame(b""))),
        (
            "Watch on 1000 connections",
            Flood { zero_window: false, ..whole(WATCH, 1_000, 10, &frame(b"")) },
        ),
        (
            "good checks and nobody reads",
            Flood { zero_window: false, deaf: true, ..whole(PATH, 40, 500, good) },
        ),
    ]
}

/// Calls and frames that do not end.
fn endless() -> Attacks {
    vec![
        (
            "checks that never end",
            Flood { connections: 100, ..Flood::on(PATH, 1_000, Bytes::new()) },
        ),
        (
            "60 KiB of metadata on 100 connections",
            Flood { metadata: true, connections: 100, ..Flood::on(PATH, 1_000, Bytes::new()) },
        ),
        (
            "connections and nothing else",
            Flood { connections: 1_000, ..Flood::on(PATH, 0, Bytes::new()) },
        ),
        (
            "half a frame",
            Flood { connections: 1_000, half_frame: true, ..Flood::on(PATH, 0, Bytes::new()) },
        ),
        (
            "a few checks on many connections",
            Flood { connections: 1_000, ..Flood::on(PATH, 12, Bytes::new()) },
        ),
        (
            "60 KiB of metadata on every call",
            Flood { metadata: true, connections: 4, ..Flood::on(PATH, 1_000, Bytes::new()) },
        ),
    ]
}

/// Messages as long as they may be, and longer.
fn long() -> Attacks {
    let crowd = Bytes::from(b"\x1a\x00".repeat(2_000_000));
    // Headers in the raw form, with a name and a value of 60 bytes each, as many as are taken.
    let pair = [&b"\x0a\x7c\x0a\x3c"[..], &[b'a'; 60], b"\x12\x3c", &[b'b'; 60]].concat();
    let full = around(0x6a, &pair.repeat(30_000));
    // A path of 4 MB.
    let one_long =
        headers(&Bytes::from([&b"\x22\xe0\xa6\xf9\x01"[..], &[b'/'; 4_084_576]].concat()));
    vec![
        (
            "whole messages of 4 MiB",
            Flood { heeds_windows: true, connections: 40, ..Flood::on(PATH, 100, one_long) },
        ),
        (
            "whole messages of 2 million headers",
            Flood { heeds_windows: true, connections: 40, ..Flood::on(PATH, 2, headers(&crowd)) },
        ),
        (
            "whole messages of 30 000 headers",
            Flood { heeds_windows: true, connections: 40, ..Flood::on(PATH, 2, headers(&full)) },
        ),
    ]
}

/// The memory of an idle connection.
fn of_connections() -> Attacks {
    vec![
        (
            "half a header block",
            Flood {
                connections: 1_000,
                half_headers: true,
                budget: 1_000 * CONNECTION,
                ..Flood::on(PATH, 0, Bytes::new())
            },
        ),
        (
            "dense headers on many connections",
            Flood {
                connections: 1_000,
                dense: true,
                budget: 1_000 * CONNECTION,
                ..Flood::on(PATH, 1_000, Bytes::new())
            },
        ),
    ]
}

/// A check around these fields of its HTTP request.
fn headers(fields: &[u8]) -> Bytes {
    frame(&around(0x0a, &around(0x22, &around(0x12, fields))))
}

/// A field of this tag.
fn around(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    prost::encoding::encode_varint(inner.len() as u64, &mut out);
    out.extend_from_slice(inner);
    out
}
