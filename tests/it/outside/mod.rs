//! The output for operators: health, reflection, pages, metrics, logs and the command line.
//!
//! In: the service, the real binary, floods of what may not show. Out: bounded series,
//! bounded logs, no token anywhere, exit codes as documented.

mod commands;
mod inspect;
mod logs;
mod pages;
mod preflight;
mod revision;
