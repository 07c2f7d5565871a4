//! How one check and its response travel through tonic.
//!
//! In: the bytes of a message, put together once, so that every field of the check is a slice of
//! them. Out: a response in two parts, one that differs from check to check and one that was encoded
//! once for an identity. Two encoded messages after each other are one merged message
//! (protobuf, "Encoding", section "Last One Wins").

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use super::entry_count::{EntryError, check_entry_count};
use crate::grpc::pb::CheckRequest;

/// Bytes that are set aside for a message at first, and after how many a response is sent off; a
/// check is about 2 KiB and a response about 1.
fn buffers() -> BufferSettings {
    BufferSettings::new(2 * 1024, 32 * 1024)
}

/// A CheckResponse in two parts.
#[derive(Debug)]
pub(super) struct EncodedResponse {
    /// Encoded for this check, always with a status.
    pub(super) message: Vec<u8>,
    /// More of the same message, kept from an earlier check; empty where there is no more.
    pub(super) kept: Bytes,
}

/// Decodes checks, encodes responses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CheckCodec;

impl Codec for CheckCodec {
    type Encode = EncodedResponse;
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
    type Item = EncodedResponse;
    type Error = Status;

    fn encode(
        &mut self,
        response: EncodedResponse,
        buffer: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        buffer.reserve(response.message.len() + response.kept.len());
        buffer.put(response.message.as_slice());
        buffer.put(response.kept);
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
        match check_entry_count(&whole) {
            Ok(()) => {}
            Err(EntryError::TooMany) => {
                return Err(Status::failed_precondition("too many headers"));
            }
            Err(EntryError::Malformed) => {
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
