//! A gRPC client below gRPC: any header, any bytes, bodies that never end.

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use h2::{
    RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{HeaderMap, Request};
use prost::Message as _;
use rownd_authz::grpc::ext_authz::PATH;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, ToSocketAddrs, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

use super::{Answer, Ask, in_time};

/// A gRPC frame around a message.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    frame_saying(0, u32::try_from(message.len()).unwrap(), message)
}

/// A gRPC frame whose head says something else than what follows.
pub(crate) fn frame_saying(compressed: u8, length: u32, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(compressed);
    frame.put_u32(length);
    frame.put_slice(message);
    frame.freeze()
}

/// The frame of a check.
pub(crate) fn frame_of(ask: &Ask) -> Bytes {
    frame(&ask.message().encode_to_vec())
}

/// One HTTP/2 connection.
pub(crate) struct Wire {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A call whose answer has not been read yet.
pub(crate) struct Call {
    pub(crate) body: SendStream<Bytes>,
    response: ResponseFuture,
}

/// All that came back of a call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Wire {
    /// Connects over TCP.
    pub(crate) async fn connect(address: impl ToSocketAddrs) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// Speaks HTTP/2 over a stream.
    pub(crate) async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        Self { requests, connection: tokio::spawn(connection) }
    }

    /// Starts a call with these extra headers; the body is the caller's to send. `None`: the
    /// connection takes no more calls.
    pub(crate) async fn begin(&self, path: &str, headers: &[(&str, &str)]) -> Option<Call> {
        let mut request = Request::post(format!("http://authz{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let mut requests = in_time("a free stream", self.requests.clone().ready()).await.ok()?;
        let (response, body) = requests.send_request(request, false).ok()?;
        Some(Call { body, response })
    }

    /// Starts a check.
    pub(crate) async fn begin_check(&self) -> Option<Call> {
        self.begin(PATH, &[]).await
    }

    /// A check of these bytes, with these extra headers.
    pub(crate) async fn check(&self, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let mut call = self.begin(PATH, headers).await.expect("the connection takes calls");
        call.finish(body);
        call.reply().await.answer()
    }

    /// The connection was told to take no more calls, or is gone.
    pub(crate) async fn is_closing(&self) -> bool {
        let ready = std::future::poll_fn(|cx| self.requests.clone().poll_ready(cx));
        self.connection.is_finished() || ready.await.is_err()
    }

    /// The connection has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.connection.is_finished()
    }
}

impl Call {
    /// Sends the last bytes of the body.
    pub(crate) fn finish(&mut self, bytes: Bytes) {
        self.body.send_data(bytes, true).unwrap();
    }

    /// Waits for all that comes back.
    pub(crate) async fn reply(self) -> Reply {
        self.reply_if_taken().await.expect("the peer took the call")
    }

    /// Waits like [`reply`](Self::reply); `None` if the peer said by GOAWAY that it never read
    /// the call, which may then be made again elsewhere (RFC 9113 section 6.8).
    pub(crate) async fn reply_if_taken(self) -> Option<Reply> {
        let response = match in_time("the head of an answer", self.response).await {
            Err(error) if error.is_go_away() && error.is_remote() => {
                assert_eq!(error.reason(), Some(h2::Reason::NO_ERROR));
                return None;
            }
            response => response,
        };
        let (head, body) = response.expect("an answer, no reset").into_parts();
        let (data, trailers) = in_time("the rest of an answer", rest(body)).await;
        Some(Reply { status: head.status.as_u16(), headers: head.headers, data, trailers })
    }

    /// Gives the call up, as a proxy does when its client is gone.
    pub(crate) fn reset(mut self) {
        self.body.send_reset(h2::Reason::CANCEL);
    }
}

async fn rest(mut body: RecvStream) -> (Vec<u8>, HeaderMap) {
    let mut data = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        data.extend_from_slice(&chunk);
    }
    (data, body.trailers().await.unwrap().unwrap_or_default())
}

impl Reply {
    /// The gRPC status, from wherever it stands.
    pub(crate) fn grpc_status(&self) -> &str {
        let status = self.headers.get("grpc-status").or_else(|| self.trailers.get("grpc-status"));
        status.map_or("", |status| status.to_str().unwrap())
    }

    /// The one answer in it; anything else is what Envoy would take for an error.
    pub(crate) fn answer(&self) -> Answer {
        assert_eq!((self.status, self.grpc_status()), (200, "0"), "an RPC error: {self:?}");
        let (head, message) = self.data.split_at(5);
        assert_eq!(head[0], 0, "not compressed");
        let length = u32::from_be_bytes(head[1..].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), message.len(), "one message");
        Answer::sound(CheckResponse::decode(message).unwrap())
    }
}

/// A peer that opens streams and leaves them, in frames made by hand: a library would wait
/// for the other side's permission.
#[derive(Clone, Copy)]
pub(crate) enum Flood {
    /// Calls whose bodies never come.
    NeverEnding,
    /// Whole calls, and no room for one byte of an answer.
    ZeroWindow,
}

/// A connection full of streams; closed when dropped.
pub(crate) struct Flooded {
    drain: JoinHandle<()>,
    _writer: OwnedWriteHalf,
}

impl Drop for Flooded {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

impl Flood {
    /// Opens so many streams on one connection, or as many as the other side stands.
    pub(crate) async fn send(self, address: SocketAddr, streams: u32) -> Flooded {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        // The answers are not used, but must be read.
        let drain = tokio::spawn(async move {
            let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
        });
        let mut bytes = BytesMut::from(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]);
        match self {
            Self::NeverEnding => put_frame(&mut bytes, 4, 0, 0, &[]),
            // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2) is zero.
            Self::ZeroWindow => put_frame(&mut bytes, 4, 0, 0, &[0, 4, 0, 0, 0, 0]),
        }
        for index in 0..streams {
            let id = index * 2 + 1;
            put_frame(&mut bytes, 1, 0x4, id, &call_header());
            if matches!(self, Self::ZeroWindow) {
                put_frame(&mut bytes, 0, 0x1, id, &frame(b""));
            }
            if bytes.len() > 60_000 && writer.write_all(&bytes.split()).await.is_err() {
                break;
            }
        }
        let _ = writer.write_all(&bytes).await;
        Flooded { drain, _writer: writer }
    }
}

fn put_frame(bytes: &mut BytesMut, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap();
    bytes.put_slice(&length.to_be_bytes()[1..]);
    bytes.put_slice(&[kind, flags]);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
}

/// A gRPC call's header block (RFC 7541): indexed method and scheme, plain path and type.
fn call_header() -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let mut literal = |name: &[u8], value: &str| {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    };
    literal(&[0x04], PATH);
    literal(&[0x01], "authz");
    literal(&[0x0f, 0x10], "application/grpc");
    block
}
