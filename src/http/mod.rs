//! The HTTP doors beside gRPC: `ops`, the pages for operators, and `control`, the commands.

pub mod control;
pub mod ops;
