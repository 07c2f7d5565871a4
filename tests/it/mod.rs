//! Integration tests over the real `app::build`, on free ports and without Envoy.
//!
//! In: configurations, an issuer that misbehaves on demand, clients that send any bytes.
//! Out: what the service answers, shows and logs. Denials are asserted by their reason.

pub(crate) mod attacks;
mod control;
mod door;
#[cfg(feature = "dev")]
mod emulated;
mod events;
mod freshness;
#[cfg(feature = "dev")]
mod http_json;
mod inbound;
mod keys;
mod listener;
mod memory;
#[cfg(feature = "dev")]
mod migration;
mod migration_page;
mod network;
mod outputs;
mod outside;
mod passport;
mod presets;
mod regression;
mod reload;
mod resource_metadata;
#[cfg(feature = "dev")]
mod rownd_auth;
mod shared;
#[cfg(feature = "dev")]
mod shop;
mod tls;
#[cfg(feature = "dev")]
mod tour;
mod vectors;
