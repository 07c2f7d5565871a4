//! The support that tests and benches share and that needs nothing of the product: keys and
//! tokens with any content (`forge`), an issuer that fails on demand (`issuer`), a plain HTTP
//! client (`http`), and waiting with one time limit (`wait`).
//!
//! It shares no code with the product or the emulator, so that a wrong idea of a token or of an
//! answer cannot pass on both ends. `tests/support` has the parts that need the product.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test ends by panicking, and runs its own servers"
)]

pub mod forge;
pub mod http;
pub mod issuer;
pub mod wait;
