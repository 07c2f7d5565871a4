//! The HTTP doors beside gRPC: `ops`, what operators read, and `control`, what changes state.

pub mod control;
pub mod ops;
