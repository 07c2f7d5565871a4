//! The process itself: its log and its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// The format of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// The lowest level that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Faults of the service.
    Error,
    /// Faults, and warnings for the operator.
    Warn,
    /// Warnings, and denials, starts and stops.
    #[default]
    Info,
    /// The above, and allowed checks.
    Debug,
    /// All events.
    Trace,
}

impl LogLevel {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The lowest level that is logged.
    pub level: LogLevel,
    /// The format of the log.
    pub format: LogFormat,
    /// The most denials that are logged in a second for each reason; the others are only counted.
    #[schemars(range(min = 1, max = 100_000))]
    pub denials_per_second: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Auto, denials_per_second: 10 }
    }
}

/// How the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// How long after SIGTERM the process is not ready but still serves, so that proxies choose
    /// another one.
    #[schemars(extend("x-duration-range" = ["0s", "10m"]))]
    pub drain_delay: Span,
    /// The longest time that checks, calls and refreshes of tokens in flight may then take to finish.
    #[schemars(extend("x-duration-range" = ["0s", "10m"]))]
    pub grace: Span,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain_delay: Span::from_secs(5), grace: Span::from_secs(20) }
    }
}
