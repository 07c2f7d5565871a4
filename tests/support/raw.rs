//! Clients that send what a well-behaved library would refuse to send.
//!
//! In: an HTTP/1.1 request put together byte by byte, or a gRPC-shaped HTTP/2
//! request. Out: the answer with its headers in order.

use std::{fmt, net::SocketAddr};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{TIME_LIMIT, echo::Echoed};

/// One HTTP/1.1 request, as bytes that nobody checks.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Raw {
    /// A request with a `Host` and nothing else.
    pub(crate) fn new(method: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.as_ref().to_vec(),
            target: target.as_ref().to_vec(),
            headers: vec![(b"host".to_vec(), b"api.example.com".to_vec())],
            body: None,
        }
    }

    /// `GET target`.
    pub(crate) fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// Another method.
    pub(crate) fn method(mut self, method: impl AsRef<[u8]>) -> Self {
        self.method = method.as_ref().to_vec();
        self
    }

    /// Another host.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(b"host"));
        self.headers.insert(0, (b"host".to_vec(), host.as_bytes().to_vec()));
        self
    }

    /// No host at all.
    pub(crate) fn no_host(mut self) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(b"host"));
        self
    }

    /// One more header; a repeated name is sent twice.
    pub(crate) fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// `Authorization: Bearer token`.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// A body, with its length.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The request as it goes out.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [&self.method[..], b" ", &self.target, b" HTTP/1.1\r\n"] {
            out.extend_from_slice(part);
        }
        for (name, value) in &self.headers {
            for part in [&name[..], b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
        if let Some(body) = &self.body {
            out.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            out.extend_from_slice(body);
        } else {
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// Sends it on a connection of its own and reads the answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Answer {
        let answer = exchange(to, &self.bytes(), self.method == b"HEAD").await;
        answer.unwrap_or_else(|| {
            panic!(
                "no answer to {} {}",
                String::from_utf8_lossy(&self.method),
                String::from_utf8_lossy(&self.target)
            )
        })
    }

    /// Like [`Raw::send`], where a connection closed without an answer is fine.
    pub(crate) async fn try_send(&self, to: SocketAddr) -> Option<Answer> {
        exchange(to, &self.bytes(), self.method == b"HEAD").await
    }
}

/// An HTTP/1.1 answer.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers, lower-case names, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let start: String = text.chars().take(300).collect();
        write!(f, "{} {:?} {start:?}", self.status, self.headers)
    }
}

impl Answer {
    /// Every value of one header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The value of a header that must not be repeated.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands {} times in the answer: {all:?}", all.len());
        all.first().copied()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body {:?}", self.text()))
    }

    /// The request that the echo received; panics if the answer is not the echo's.
    pub(crate) fn echo(&self) -> Echoed {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("not the echo's answer ({error}): {} {:?}", self.status, self.text())
        })
    }
}

/// Sends any bytes and reads one answer; nothing if the peer closes before it.
pub(crate) async fn exchange(to: SocketAddr, request: &[u8], head: bool) -> Option<Answer> {
    let talk = async {
        let mut stream = TcpStream::connect(to).await.expect("a connection to Envoy");
        // A peer that refuses a large request answers before it has read all of it, so
        // reading starts while the request is still going out.
        let (mut reader, mut writer) = stream.split();
        let mut buffer = Vec::new();
        let write = async {
            let _ = writer.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = read_answer(&mut reader, &mut buffer, head) => answer,
            () = write => None,
        }
    };
    timeout(TIME_LIMIT, talk).await.unwrap_or_else(|_| {
        let head = request.get(..200).unwrap_or(request);
        panic!("no answer in time to {:?}", String::from_utf8_lossy(head))
    })
}

async fn read_answer(
    reader: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    head: bool,
) -> Option<Answer> {
    loop {
        let closed = matches!(reader.read_buf(buffer).await, Ok(0) | Err(_));
        if let Some(answer) = parse(buffer, head, closed) {
            return Some(answer);
        }
        if closed {
            return None;
        }
    }
}

fn parse(buffer: &[u8], head: bool, closed: bool) -> Option<Answer> {
    let mut slots = [httparse::EMPTY_HEADER; 200];
    let mut response = httparse::Response::new(&mut slots);
    let httparse::Status::Complete(start) = response.parse(buffer).expect("a parsable answer")
    else {
        return None;
    };
    let status = response.code.expect("a status");
    let headers: Vec<(String, String)> = response
        .headers
        .iter()
        .map(|header| {
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
        })
        .collect();
    let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let rest = &buffer[start..];
    let body = if head || status == 204 || status == 304 {
        Vec::new()
    } else if find("transfer-encoding").is_some_and(|value| value == "chunked") {
        unchunk(rest)?
    } else if let Some(length) = find("content-length") {
        rest.get(..length.parse().expect("a numeric content-length"))?.to_vec()
    } else if closed {
        rest.to_vec()
    } else {
        return None;
    };
    Some(Answer { status, headers, body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((start, size)) =
            httparse::parse_chunk_size(rest).expect("a chunk size")
        else {
            return None;
        };
        let size = usize::try_from(size).expect("a chunk that fits");
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(start..start + size)?);
        rest = rest.get(start + size + 2..)?;
    }
}

/// The answer to a gRPC-shaped request.
#[derive(Debug, Clone)]
pub(crate) struct GrpcAnswer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The headers of the answer.
    pub(crate) headers: HeaderMap,
    /// Trailers; for a Trailers-Only answer they are the headers.
    pub(crate) trailers: HeaderMap,
    /// Everything that came as data.
    pub(crate) data: Bytes,
}

impl GrpcAnswer {
    /// A field of the trailers, percent-encoding undone.
    pub(crate) fn trailer(&self, name: &str) -> Option<String> {
        let value = self.trailers.get(name)?;
        Some(percent_encoding::percent_decode(value.as_bytes()).decode_utf8_lossy().into_owned())
    }

    /// The request that the echo received.
    pub(crate) fn echo(&self) -> Echoed {
        let message = self.data.get(5..).expect("a gRPC message");
        serde_json::from_slice(message).expect("the echo's answer")
    }
}

/// Sends one HTTP/2 request (prior knowledge) with one empty gRPC message.
pub(crate) async fn h2_request(
    to: SocketAddr,
    host: &str,
    content_type: &str,
    headers: &[(&str, &str)],
) -> GrpcAnswer {
    h2_path(to, host, "/shop.v1.Shop/Buy", content_type, headers).await
}

/// The same for another path.
pub(crate) async fn h2_path(
    to: SocketAddr,
    host: &str,
    path: &str,
    content_type: &str,
    headers: &[(&str, &str)],
) -> GrpcAnswer {
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("http://{host}{path}"))
        .header("te", "trailers")
        .header("content-type", content_type);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a well-formed request");
    timeout(TIME_LIMIT, h2_exchange(to, request)).await.expect("an answer in time")
}

async fn h2_exchange(to: SocketAddr, request: Request<()>) -> GrpcAnswer {
    let stream = TcpStream::connect(to).await.expect("a connection to Envoy");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let (response, mut body) = client.send_request(request, false).expect("a request sent");
    // The answer of a denial may come before the message is out; that is no fault.
    let _ = body.send_data(Bytes::from_static(&[0, 0, 0, 0, 0]), true);
    let response = response.await.expect("an answer");
    let (parts, mut body) = response.into_parts();
    let mut data = BytesMut::new();
    while let Some(chunk) = body.data().await {
        data.put(chunk.expect("data"));
    }
    let trailers = body.trailers().await.expect("trailers");
    connection.abort();
    GrpcAnswer {
        status: parts.status.as_u16(),
        trailers: trailers.unwrap_or_else(|| parts.headers.clone()),
        headers: parts.headers,
        data: data.freeze(),
    }
}
