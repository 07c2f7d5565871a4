//! Where a listener listens: an IP address with a port, or the path of a Unix socket; and who may
//! open that socket's file.
//!
//! In: the text of a setting, which the schema checks by the keyword `x-listen-address`. Out: the
//! parsed value, or what to write instead.

use std::{
    borrow::Cow,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use jsonschema::{Keyword, ValidationError, paths::Location};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

/// The keyword of the schema that says which addresses a setting takes: `any`, `ip` or `unix`.
pub(super) const LISTEN_ADDRESS: &str = "x-listen-address";

/// The start of an address that is the path of a Unix socket.
const UNIX: &str = "unix:";

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a TCP port.
    Tcp(SocketAddr),
    /// The absolute path of a Unix socket.
    Unix(PathBuf),
}

/// The absolute path of a Unix socket, written `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPath(PathBuf);

/// The permission bits of a Unix socket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(u32);

/// The addresses that a setting takes.
#[derive(Debug, Clone, Copy)]
enum AddressKind {
    Any,
    Ip,
    Unix,
}

impl ListenAddress {
    /// Whether no other machine can connect: a loopback address or a Unix socket.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// The path, if it is a Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with(UNIX) {
            return text.parse().map(|SocketPath(path)| Self::Unix(path));
        }
        socket_address(text).map(Self::Tcp).map_err(|message| format!("{message}, or unix:/path"))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl SocketPath {
    /// The path without `unix:`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for SocketPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix(UNIX).unwrap_or(text);
        if text.starts_with(UNIX) && Path::new(path).is_absolute() {
            Ok(Self(path.into()))
        } else {
            Err(format!("`{path}` is not an absolute path; write unix:/run/rownd-authz/grpc.sock"))
        }
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{UNIX}{}", self.0.display())
    }
}

impl SocketMode {
    /// From permission bits.
    pub(super) const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether others than the owner can connect, which is to write (unix(7)).
    pub(super) const fn is_open_to_others(self) -> bool {
        self.0 & 0o022 != 0
    }
}

impl FromStr for SocketMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777);
        bits.map(Self).ok_or_else(|| format!("`{text}` is no mode; write \"0660\""))
    }
}

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// Text of a setting, both ways.
macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(ListenAddress, SocketPath, SocketMode);

impl AddressKind {
    fn of(keyword: &Value) -> Option<Self> {
        match keyword.as_str()? {
            "any" => Some(Self::Any),
            "ip" => Some(Self::Ip),
            "unix" => Some(Self::Unix),
            _ => None,
        }
    }

    /// The problem of this value, if it is text that is no such address.
    fn problem(self, value: &Value) -> Option<String> {
        let text = value.as_str()?;
        match self {
            Self::Any => text.parse::<ListenAddress>().err(),
            Self::Ip => socket_address(text).err(),
            Self::Unix => text.parse::<SocketPath>().err().map(|_| {
                "commands are taken on a Unix socket only; write \
                 unix:/run/rownd-authz/control.sock"
                    .to_owned()
            }),
        }
    }
}

impl<'i> Keyword<'i> for AddressKind {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.problem(instance).map_or(Ok(()), |problem| Err(ValidationError::custom(problem)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.problem(instance).is_none()
    }
}

/// Makes the check of a setting from its keyword in the schema.
pub(super) fn listen_address<'a>(
    _: &'a Map<String, Value>,
    keyword: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    match AddressKind::of(keyword) {
        Some(kind) => Ok(Box::new(kind)),
        None => Err(ValidationError::custom(format!("{keyword} is no kind of address"))),
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address; write IP:PORT such as 127.0.0.1:50051"))
}

#[cfg(test)]
mod tests {
    use super::{ListenAddress, SocketMode};

    #[test]
    fn an_address_is_printed_as_it_is_written() {
        for (text, local) in [
            ("127.0.0.1:50051", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
            ("unix:/run/a.sock", true),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (text, local));
        }
        for text in ["", "localhost:1", ":1", "127.0.0.1", "unix:", "unix:a", "/run/a.sock"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mode_is_three_octal_digits() {
        for (text, bits, printed, open) in [
            ("600", 0o600, "0600", false),
            ("0660", 0o660, "0660", true),
            ("0602", 0o602, "0602", true),
            ("0644", 0o644, "0644", false),
        ] {
            let mode: SocketMode = text.parse().unwrap();
            assert_eq!((mode.bits(), mode.to_string().as_str()), (bits, printed), "{text}");
            assert_eq!(mode.is_open_to_others(), open, "{text}");
        }
        for text in ["", "888", "7777", "-1", "rw-"] {
            assert!(text.parse::<SocketMode>().is_err(), "{text}");
        }
    }
}
