//! The ground below the floor: HTTP/2 frames and nothing else. Comes in: a
//! bound listener. Goes out: one pre-encoded answer for every request in which
//! the walk finds a path and an Authorization header, a refusal for any other.

use std::error::Error;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{
    RecvStream,
    server::{Builder, SendResponse},
};
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};

/// hyper's window for a server, so that both servers start from the same one.
const WINDOW: u32 = 1024 * 1024;

pub(crate) async fn serve(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let message = crate::ok().encode_to_vec();
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len())?);
    frame.extend_from_slice(&message);
    let frame = frame.freeze();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let frame = frame.clone();
        // A connection ends when its client goes: nothing to report.
        tokio::spawn(async move { connection(socket, frame).await.ok() });
    }
}

async fn connection(socket: TcpStream, frame: Bytes) -> Result<(), h2::Error> {
    let mut connection = Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(200)
        .handshake(socket)
        .await?;
    while let Some(next) = connection.accept().await {
        let (request, respond) = next?;
        let frame = frame.clone();
        tokio::spawn(async move { answer(request, respond, frame).await.ok() });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    frame: Bytes,
) -> Result<(), h2::Error> {
    let allowed = read(request.into_body()).await?;
    let mut response = Response::new(());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut stream = respond.send_response(response, false)?;
    let mut trailers = HeaderMap::with_capacity(1);
    if allowed {
        stream.send_data(frame, false)?;
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
    } else {
        trailers.insert("grpc-status", HeaderValue::from_static("3"));
    }
    stream.send_trailers(trailers)
}

/// Walks the message where it lies when it came in one piece, as it nearly always does.
async fn read(mut body: RecvStream) -> Result<bool, h2::Error> {
    let mut message = Bytes::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        message = if message.is_empty() { chunk } else { [message, chunk].concat().into() };
    }
    let found = message.get(5..).and_then(crate::walk::walk);
    Ok(found.is_some_and(|found| !found.path.is_empty() && !found.authorization.is_empty()))
}
