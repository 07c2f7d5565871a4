//! HTTP/2 frames by hand, on many connections: a library would wait for the other side's
//! permission, and would read what comes back.

use std::{io, net::SocketAddr};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedReadHalf},
    task::JoinSet,
};

use crate::support::wire::Wire;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
/// The frame of one setting.
const SETTINGS_BYTES: usize = 9 + 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The most bytes of a frame (RFC 9113 section 4.2).
const FRAME: usize = 16_384;

/// The bytes of an attacker.
#[derive(Clone)]
pub(super) struct Flood {
    pub(super) path: &'static str,
    pub(super) connections: usize,
    /// On each connection.
    pub(super) streams: u32,
    /// The body of each call, as far as it goes.
    pub(super) body: Bytes,
    /// The whole body.
    pub(super) ends: bool,
    /// No room for one byte of an answer.
    pub(super) zero_window: bool,
    /// The answers stay in the socket.
    pub(super) deaf: bool,
    /// Decoded, 60 KiB of metadata on each call.
    pub(super) metadata: bool,
    /// Each call is given up at once.
    pub(super) resets: bool,
    /// Bytes that it may take beyond what others may, by a budget of its own.
    pub(super) budget: u64,
    /// Header blocks as short as they get: all of them is in the table after the first.
    pub(super) dense: bool,
    /// A header block of 60 KiB whose last frame does not come.
    pub(super) half_headers: bool,
    /// A frame of 16 KiB whose last byte does not come.
    pub(super) half_frame: bool,
    /// Waits for room as the protocol wants it, so that long bodies arrive whole.
    pub(super) heeds_windows: bool,
}

impl Flood {
    /// Calls of one method on one connection, each with these bytes and no end.
    pub(super) fn on(path: &'static str, streams: u32, body: Bytes) -> Self {
        Self {
            path,
            connections: 1,
            streams,
            body,
            ends: false,
            zero_window: false,
            deaf: false,
            metadata: false,
            resets: false,
            budget: 0,
            dense: false,
            half_headers: false,
            half_frame: false,
            heeds_windows: false,
        }
    }

    /// Attacks until the set is dropped; a connection that is closed is opened again and sends
    /// everything again, after a while.
    pub(super) fn start(self, address: SocketAddr) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        if self.heeds_windows {
            for _ in 0..self.connections {
                connections.spawn(self.clone().keep_asking(address));
            }
            return connections;
        }
        let bytes = self.bytes();
        for _ in 0..self.connections {
            let (bytes, deaf) = (bytes.clone(), self.deaf);
            connections.spawn(async move {
                let mut pause = tokio::time::interval(std::time::Duration::from_millis(500));
                loop {
                    pause.tick().await;
                    talk(address, &bytes, deaf).await;
                }
            });
        }
        connections
    }

    /// Asks on one connection, all streams at a time, again and again.
    async fn keep_asking(self, address: SocketAddr) {
        let wire = Wire::connect(address).await;
        loop {
            let mut calls = Vec::new();
            for _ in 0..self.streams {
                let Some(mut call) = wire.begin(self.path, &[]).await else { return };
                call.finish(self.body.clone());
                calls.push(call);
            }
            for call in calls {
                call.reply().await;
            }
        }
    }

    fn bytes(&self) -> Bytes {
        let mut bytes = BytesMut::from(PREFACE);
        // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2).
        let window = if self.zero_window { 0 } else { i32::MAX as u32 };
        let mut settings = vec![0, 4];
        settings.extend_from_slice(&window.to_be_bytes());
        put(&mut bytes, SETTINGS, 0, 0, &settings);
        for index in 0..self.streams {
            let id = index * 2 + 1;
            put(&mut bytes, HEADERS, END_HEADERS, id, &self.block(index == 0));
            if self.resets {
                put(&mut bytes, RST_STREAM, 0, id, &8_u32.to_be_bytes());
                continue;
            }
            let pieces: Vec<&[u8]> = self.body.chunks(FRAME).collect();
            for (place, piece) in pieces.iter().enumerate() {
                let last = self.ends && place + 1 == pieces.len();
                put(&mut bytes, DATA, if last { END_STREAM } else { 0 }, id, piece);
            }
        }
        if self.half_headers {
            put(&mut bytes, HEADERS, 0, 1, &self.block(false));
            for _ in 0..4 {
                // A name of one byte and a value of 15 000, not taken into the table.
                let value = [&[0x00, 0x01, b'x', 0x7f, 0x99, 0x74][..], &[b'a'; 15_000]].concat();
                put(&mut bytes, CONTINUATION, 0, 1, &value);
            }
        }
        if self.half_frame {
            put(&mut bytes, HEADERS, END_HEADERS, 1, &self.block(false));
            put(&mut bytes, DATA, 0, 1, &[0; FRAME]);
            bytes.truncate(bytes.len() - 1);
        }
        bytes.freeze()
    }

    /// A header block (RFC 7541) of indexed method and scheme, plain path, host and type.
    fn block(&self, first: bool) -> Vec<u8> {
        if self.dense && !first {
            // The newest entry has the lowest number (RFC 7541 section 2.3.2).
            return vec![0x83, 0x86, 0x80 | 64, 0x80 | 63, 0x80 | 62];
        }
        let mut block = vec![0x83, 0x86];
        // Literals that are taken into the table, or not.
        let names: [&[u8]; 3] = if self.dense {
            [&[0x44], &[0x41], &[0x5f]]
        } else {
            [&[0x04], &[0x01], &[0x0f, 0x10]]
        };
        let mut literal = |name: &[u8], value: &str| {
            block.extend_from_slice(name);
            block.push(u8::try_from(value.len()).unwrap());
            block.extend_from_slice(value.as_bytes());
        };
        literal(names[0], self.path);
        literal(names[1], "authz");
        literal(names[2], "application/grpc");
        if self.metadata {
            if first {
                // `x: ...`, taken into the table, where it gets the number 62.
                block.extend_from_slice(&[0x40, 0x01, b'x', 0x7f, 0xa1, 0x1e]);
                block.extend_from_slice(&[b'a'; 4_000]);
            }
            block.extend_from_slice(&[0x80 | 62; 14]);
        }
        block
    }
}

async fn talk(address: SocketAddr, bytes: &[u8], deaf: bool) {
    let Ok(stream) = TcpStream::connect(address).await else { return };
    let (mut reader, mut writer) = stream.into_split();
    let (first, rest) = bytes.split_at(PREFACE.len() + SETTINGS_BYTES);
    if writer.write_all(first).await.is_err() || open_window(&mut reader).await.is_err() {
        return;
    }
    let write = async {
        let _ = writer.write_all(rest).await;
        std::future::pending::<()>().await;
    };
    let read = async {
        if deaf {
            std::future::pending::<()>().await;
        }
        let mut buffer = vec![0; 65_536];
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
}

/// Reads up to the connection's window (RFC 9113 section 6.9.2), without which no more than 64 KiB
/// may be sent.
async fn open_window(reader: &mut OwnedReadHalf) -> io::Result<()> {
    let mut head = [0; 9];
    while head[3] != WINDOW_UPDATE {
        reader.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        tokio::io::copy(&mut reader.take(length.into()), &mut tokio::io::sink()).await?;
    }
    Ok(())
}

fn put(bytes: &mut BytesMut, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap();
    bytes.put_slice(&length.to_be_bytes()[1..]);
    bytes.put_slice(&[kind, flags]);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
}
