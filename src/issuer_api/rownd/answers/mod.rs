//! The questions that Rownd's documents leave open, each in a file of its own.
//!
//! In: the setting `api_answers` of the issuer. Out: the decision of the one place where the answer
//! matters.

pub(super) mod after;
pub(super) mod clear;
pub(super) mod patch;
pub(super) mod put;
