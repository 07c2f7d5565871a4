//! The layer law itself: the path and the text of one source file in, every broken
//! rule with its line out. It knows nothing of the disk, so the self-test can feed
//! it sources that must never be committed.

use std::fmt;

use super::{
    lexer::{self, Kind, Token},
    paths::{self, Root},
};

/// Rooms by layer.
type Layers = &'static [(u8, &'static [&'static str])];

/// A package whose files are judged.
#[derive(Clone, Copy)]
pub(super) struct Package {
    /// The name of its library, as its `main.rs` has to write it.
    library: &'static str,
    layers: Layers,
}

pub(super) const PRODUCT: Package = Package { library: "rownd_authz", layers: LAYERS };
pub(super) const EMULATOR: Package = Package { library: "rownd_emulator", layers: EMULATOR_LAYERS };

/// Every room and its layer. A room may use any lower layer, never its own or a
/// higher one. `ARCHITECTURE.md` draws the same picture and is held against this.
pub(super) const LAYERS: Layers = &[
    (9, &["cli"]),
    (8, &["app"]),
    (7, &["grpc", "http"]),
    (6, &["authz", "response"]),
    (5, &["profile", "session", "events", "passport"]),
    (4, &["policy", "hooks"]),
    (3, &["verify", "issuer_api", "signed_posts"]),
    (2, &["upstream", "extract", "shared"]),
    (1, &["config"]),
    (
        0,
        &[
            "model",
            "metrics",
            "health",
            "log_throttle",
            "blocking",
            "digest",
            "single_flight",
            "expression",
        ],
    ),
];

/// The rooms of the emulator's package, by the same rules. Its program calls `cli` and nothing else.
const EMULATOR_LAYERS: Layers = &[
    (8, &["tests"]),
    (7, &["cli"]),
    (6, &["server"]),
    (5, &["routes"]),
    (4, &["mint"]),
    (3, &["state"]),
    (2, &["settings"]),
    (1, &["seed", "keys", "echo"]),
    (0, &["data", "outbound", "listen"]),
];

/// Crates that only the named places may mention, so that replacing one stays the
/// work of one room.
const CRATE_FENCES: &[(&str, &[&str])] = &[
    ("envoy_types", &["grpc/ext_authz"]),
    ("reqwest", &["upstream"]),
    ("jsonwebtoken", &["verify", "passport"]),
    ("cel", &["expression"]),
    ("redis", &["shared/redis"]),
    ("redb", &["events/sinks"]),
    // A shape that both ends share would be wrong on both ends and pass every test.
    ("rownd_emulator", &["cli", "authz/tests", "verify/tests"]),
    // Written `::metrics` everywhere, because `crate::metrics` bears the same name.
    ("::metrics", &["metrics"]),
];

/// Names that only the named places may write, because to write one is to claim something that no
/// type can check.
const NAME_FENCES: &[(&str, &[&str])] = &[
    // A type that implements it confirms that a profile was read and found good.
    ("ConfirmedByProfile", &["policy", "profile/freshness"]),
];

/// The rooms of plain functions, and what they must not know: no runtime and no wire.
const PURE_ROOMS: &[&str] = &["model", "expression", "extract", "policy"];
const IMPURE_CRATES: &[&str] = &["tokio", "tonic", "hyper", "axum", "reqwest", "envoy_types"];

/// The most lines of code in one file, without blank lines and comments.
pub(super) const MAX_CODE_LINES: usize = 400;

/// Which rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Arrow,
    UnknownRoom,
    RootGlob,
    SuperSuper,
    CrateFence,
    NameFence,
    PureRoom,
    TooLong,
    Header,
    FarModule,
}

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) rule: Rule,
    pub(super) why: String,
}

impl Violation {
    fn new(file: &str, line: usize, rule: Rule, why: String) -> Self {
        Self { file: file.to_owned(), line, rule, why }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, why } = self;
        write!(f, "src/{file}:{line}: {rule:?}: {why}")
    }
}

/// Judges one file of the product. `file` is its path below `src/`, with forward slashes.
pub(super) fn judge(file: &str, source: &str) -> Vec<Violation> {
    let mut found = judge_in(PRODUCT, file, source);
    let tokens = lexer::lex(source).tokens;
    for (name, places) in NAME_FENCES {
        if places.iter().any(|place| is_within(file, place)) {
            continue;
        }
        for token in tokens.iter().filter(|token| token.is_word(name)) {
            let why = format!("`{name}` may be written in src/{} only", places.join(", src/"));
            found.push(Violation::new(file, token.line, Rule::NameFence, why));
        }
    }
    for path in paths::find(PRODUCT.library, file, &tokens) {
        if let Root::Crate(name) = &path.root
            && let Some((rule, why)) = fence(file, Place::of(file), name)
        {
            found.push(Violation::new(file, path.line, rule, why));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Judges one file of a package by its form and its arrows.
pub(super) fn judge_in(package: Package, file: &str, source: &str) -> Vec<Violation> {
    let Package { library, layers } = package;
    let mut found = form(library, file, source);
    let place = Place::of(file);
    if let Place::Room(room) = place
        && layer(layers, room).is_none()
    {
        let why = format!("room `{room}` has no layer; give it one in LAYERS and ARCHITECTURE.md");
        found.push(Violation::new(file, 1, Rule::UnknownRoom, why));
    }
    for path in paths::find(library, file, &lexer::lex(source).tokens) {
        if let Root::Room(room) = &path.root
            && let Some((rule, why)) = arrow(layers, place, room)
        {
            found.push(Violation::new(file, path.line, rule, why));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The rules for every file of every package: its head, its length, and paths that say where they
/// lead.
pub(super) fn form(library: &str, file: &str, source: &str) -> Vec<Violation> {
    let lexed = lexer::lex(source);
    let mut found = Vec::new();
    let mut add = |line: usize, rule: Rule, why: &str| {
        found.push(Violation::new(file, line, rule, why.to_owned()));
    };
    if !source.starts_with("//!") {
        let why = "open with `//!`: what the file is for, what comes in, what goes out";
        add(1, Rule::Header, why);
    }
    let length = lexed.code_lines.len();
    if length > MAX_CODE_LINES {
        let why = format!("{length} lines of code, at most {MAX_CODE_LINES}; split the file");
        add(1, Rule::TooLong, &why);
    }
    for path in paths::find(library, file, &lexed.tokens) {
        match &path.root {
            Root::Glob => {
                let why = "a glob or an alias of the crate root hides its arrows; name the room";
                add(path.line, Rule::RootGlob, why);
            }
            Root::SuperSuper => {
                let why = "`super::super` climbs out of sight; start the path at `crate::`";
                add(path.line, Rule::SuperSuper, why);
            }
            Root::Room(_) | Root::Crate(_) => {}
        }
    }
    for token in far_modules(&lexed.tokens) {
        let why = "`#[path]` leads out of the directory; a room's files lie together";
        add(token.line, Rule::FarModule, why);
    }
    found
}

/// Where a file stands: the crate root belongs to no room, `main.rs` stands on top.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Root,
    Main,
    Room(&'a str),
}

impl<'a> Place<'a> {
    fn of(file: &'a str) -> Self {
        match file.split('/').next().unwrap_or(file) {
            "lib.rs" => Self::Root,
            "main.rs" => Self::Main,
            first => Self::Room(first.trim_end_matches(".rs")),
        }
    }
}

fn layer(layers: Layers, room: &str) -> Option<u8> {
    layers.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(layer, _)| *layer)
}

/// May the code at `from` use the room `to`? `None` is yes.
fn arrow(layers: Layers, from: Place<'_>, to: &str) -> Option<(Rule, String)> {
    let Some(to_layer) = layer(layers, to) else {
        if matches!(from, Place::Room("tests")) {
            // The tests of a whole package use it as others do, by the names at its root.
            return None;
        }
        let why = format!("`crate::{to}` is no room; only rooms stand at the crate root");
        return Some((Rule::UnknownRoom, why));
    };
    let refuse = |why: String| Some((Rule::Arrow, why));
    match from {
        Place::Root => None,
        Place::Main if to == "cli" => None,
        Place::Main => refuse(format!("main uses `cli` and nothing else, not `{to}`")),
        Place::Room(room) if room == to => None,
        Place::Room(room) => {
            let from_layer = layer(layers, room)?;
            if to_layer < from_layer {
                return None;
            }
            let way = if to_layer == from_layer { "sideways" } else { "upward" };
            refuse(format!(
                "`{room}` (layer {from_layer}) points {way} to `{to}` (layer {to_layer})"
            ))
        }
    }
}

/// May this file name that crate? `None` is yes.
fn fence(file: &str, place: Place<'_>, name: &str) -> Option<(Rule, String)> {
    if let Place::Room(room) = place
        && PURE_ROOMS.contains(&room)
        && IMPURE_CRATES.contains(&name)
    {
        let why = format!("`{room}` is a room of plain functions and must not know `{name}`");
        return Some((Rule::PureRoom, why));
    }
    let (_, allowed) = CRATE_FENCES.iter().find(|(fenced, _)| *fenced == name)?;
    if allowed.iter().any(|place| is_within(file, place)) {
        return None;
    }
    let allowed = allowed.join(", src/");
    let why = format!("`{name}` may be named in src/{allowed} only");
    Some((Rule::CrateFence, why))
}

/// `grpc/ext_authz` covers `grpc/ext_authz.rs`, `grpc/ext_authz_reply.rs` and
/// `grpc/ext_authz/`; `verify` covers `verify.rs` and `verify/`, not `verifier.rs`.
fn is_within(file: &str, place: &str) -> bool {
    let Some(rest) = file.strip_prefix(place) else {
        return false;
    };
    place.contains('/') || rest.starts_with('/') || rest == ".rs"
}

/// `#[path = "..."]` with a directory in it could mount a file of another room.
fn far_modules(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.windows(4).filter_map(|window| match window {
        [open, word, equals, value]
            if open.is_punct('[') && word.is_word("path") && equals.is_punct('=') =>
        {
            matches!(&value.kind, Kind::Literal(path) if path.contains('/')).then_some(word)
        }
        _ => None,
    })
}
