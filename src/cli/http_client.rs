//! The HTTP/1 client of the commands: one request on a connection of its own.
//!
//! In: an address and a request. Out: the response with its whole body. There is no time limit
//! here; each command has its own.

use std::{io, path::Path};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// The most bytes of a response's body.
const MAX_BODY_BYTES: usize = 256 << 10;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// No connection could be made.
    #[error("{0}")]
    Connect(io::Error),
    /// The connection broke, or what came is no HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The body is too large, or it broke off.
    #[error("{0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// Sends one request to `IP:PORT` or `HOST:PORT`, and closes the connection.
///
/// # Errors
///
/// Fails where no connection can be made or it breaks, and where the body is longer than 256 KiB.
pub(super) async fn send(
    address: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, SendError> {
    send_over(TcpStream::connect(address).await.map_err(SendError::Connect)?, request).await
}

/// Sends one request to a Unix socket, and closes the connection.
///
/// # Errors
///
/// Those of [`send`].
pub(super) async fn send_unix(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, SendError> {
    send_over(UnixStream::connect(socket).await.map_err(SendError::Connect)?, request).await
}

async fn send_over<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(SendError::Body)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    };
    // The connection has to be polled beside the exchange, and ends with it: the exchange owns the
    // sender.
    let (response, _) = tokio::join!(exchange, connection);
    response
}
