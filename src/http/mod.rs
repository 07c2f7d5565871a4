//! The HTTP doors beside gRPC. In this slice: `ops`, what operators read.

pub mod ops;
