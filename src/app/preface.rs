//! The first 24 bytes of HTTP/2 (RFC 9113 section 3.4), read before anything is built for a
//! connection: a peer that sends nothing, or something else, costs a socket and no more.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads the preface; the stream that comes back starts with it again.
pub(super) async fn read<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<AfterPreface<S>> {
    let mut seen = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let rest = seen.get_mut(length..).unwrap_or_default();
        let read = stream.read(rest).await?;
        length += read;
        if read == 0 || seen.get(..length) != PREFACE.get(..length) {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
    }
    Ok(AfterPreface { replay: PREFACE, stream })
}

/// A stream whose preface was read already, and is read once more by the protocol.
#[derive(Debug)]
pub(super) struct AfterPreface<S> {
    replay: &'static [u8],
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for AfterPreface<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (now, later) = self.replay.split_at(self.replay.len().min(buf.remaining()));
        buf.put_slice(now);
        self.replay = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AfterPreface<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// With vectored writes, h2 ends a batch at every answer above 256 bytes: a system call for
    /// each check. Without, it copies answers below 1 KiB, which nearly all are, and sends many
    /// at once.
    fn is_write_vectored(&self) -> bool {
        false
    }
}
