//! How one check and its answer travel through tonic.
//!
//! In: the bytes of a message, put together once, so that every field of the check is a slice of
//! them. Out: an answer in two parts, what differs from check to check and what was encoded
//! once for an identity. Two encoded messages after each other are one merged message
//! (protobuf, "Encoding", section "Last One Wins").

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use super::crowd::{self, Crowd};
use crate::grpc::pb::CheckRequest;

/// What is set aside for a message at first, and when an answer is sent off; a check is about
/// 2 KiB and an answer about 1.
fn buffers() -> BufferSettings {
    BufferSettings::new(2 * 1024, 32 * 1024)
}

/// A CheckResponse in two parts.
#[derive(Debug)]
pub(super) struct Answer {
    /// Encoded for this check, always with a status.
    pub(super) message: Vec<u8>,
    /// More of the same message, encoded earlier; empty where there is no more.
    pub(super) encoded: Bytes,
}

/// Decodes checks, encodes answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CheckCodec;

impl Codec for CheckCodec {
    type Encode = Answer;
    type Decode = CheckRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for CheckCodec {
    type Item = Answer;
    type Error = Status;

    fn encode(&mut self, answer: Answer, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(answer.message.len() + answer.encoded.len());
        buffer.put(answer.message.as_slice());
        buffer.put(answer.encoded);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl Decoder for CheckCodec {
    type Item = CheckRequest;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<CheckRequest>, Status> {
        let whole = buffer.copy_to_bytes(buffer.remaining());
        // The caller turns each status into a denial.
        match crowd::look(&whole) {
            Ok(()) => {}
            Err(Crowd::TooMany) => return Err(Status::failed_precondition("too many headers")),
            Err(Crowd::Broken) => {
                return Err(Status::invalid_argument("the check cannot be decoded"));
            }
        }
        let undecodable = |_| Status::invalid_argument("the check cannot be decoded");
        CheckRequest::decode(whole).map(Some).map_err(undecodable)
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}
