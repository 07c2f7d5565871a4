//! The service behind its door, with no network.
