//! End to end through the real Envoy: the facts the product is built on, and the
//! product behind it.

#![allow(clippy::too_many_lines, reason = "a table is long, and simple")]

mod arrival;
mod authority;
mod browser;
mod compressed;
mod cookie;
mod credential;
#[cfg(feature = "dev")]
mod demo;
mod denials;
mod early;
mod facts;
mod forward_proxy;
mod gone;
mod heavy;
mod hostile;
mod identity;
mod istio;
mod lifecycle;
mod limits;
mod load;
mod matching;
mod outputs;
mod passports;
mod paths;
mod releases;
mod reload;
mod replicas;
mod restart;
mod revocation;
mod shipped;
#[cfg(feature = "dev")]
mod shop;
mod spellings;
mod stack;
mod websocket;
