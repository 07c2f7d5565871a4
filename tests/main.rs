//! The one integration test binary; each folder beside it is a module.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, and runs its own servers"
)]

mod architecture;
mod e2e;
mod examples;
mod foreign;
mod it;
mod manual;
mod reset_burst;
mod support;
