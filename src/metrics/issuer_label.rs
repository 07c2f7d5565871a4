//! The name of one issuer's series, by which the other files find them.

/// Names the series of one issuer. Only `Metrics::issuer` makes one. It stays the same for as long
/// as the process runs, while the place of an issuer changes with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerLabel(pub(super) usize);
