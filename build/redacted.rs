//! The messages with a field that is marked `debug_redact`: a secret, a link or a token.
//!
//! In: the protos, as text, because prost's descriptors do not know the mark. Out: the names of the
//! messages, and the code by which `Debug` shows nothing of them.

use std::{fmt::Write as _, fs, io, path::Path};

/// A message with a marked field.
#[derive(Debug, Default)]
pub(crate) struct Redacted {
    /// The name, without the package.
    pub(crate) name: String,
    /// Its oneofs, each of which is a type of its own.
    oneofs: Vec<String>,
    is_marked: bool,
}

/// The marked messages in the protos of this folder. In their style each message begins in the first
/// column of a line, and nothing is nested but oneofs.
pub(crate) fn find(folder: &Path) -> io::Result<Vec<Redacted>> {
    let mut messages: Vec<Redacted> = Vec::new();
    for entry in fs::read_dir(folder)? {
        for line in fs::read_to_string(entry?.path())?.lines() {
            let first_word = |rest: &str| rest.split_whitespace().next().map(str::to_owned);
            if let Some(name) = line.strip_prefix("message ").and_then(first_word) {
                messages.push(Redacted { name, ..Redacted::default() });
            }
            let Some(message) = messages.last_mut() else { continue };
            message.oneofs.extend(line.strip_prefix("  oneof ").and_then(first_word));
            message.is_marked |= line.contains("debug_redact = true");
        }
    }
    messages.retain(|message| message.is_marked);
    messages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(messages)
}

/// The code of `Debug`, beside the generated messages.
pub(crate) fn code(messages: &[Redacted]) -> String {
    let mut code = String::new();
    for Redacted { name, oneofs, .. } in messages {
        let module = snake_case(name);
        let types = oneofs.iter().map(|oneof| format!("{module}::{}", camel_case(oneof)));
        for path in types.chain([name.clone()]) {
            // Writing to a String cannot fail.
            let _ = write!(
                code,
                "impl ::core::fmt::Debug for {path} {{\n\
                     fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n\
                         f.debug_struct(\"{name}\").finish_non_exhaustive()\n}}\n}}\n"
            );
        }
    }
    code
}

/// `GetUserRequest` as `get_user_request`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `no_tokens` as `NoTokens`.
fn camel_case(name: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(upper).collect()
}
