//! Finds the paths that leave a room: the tokens of one file in, where each path
//! leads out. `use` trees, paths written inline, macros (`$crate::`) and `super::`
//! that climbs to the crate root are one arrow.

use super::lexer::{Kind, Token};

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    /// A name that stands at the crate root: a room, if all is well.
    Room(String),
    /// Another crate; written `::name` if the path says so.
    Crate(String),
    /// Everything at the crate root, or another name for it.
    Glob,
    /// `super::super::`, wherever it leads.
    SuperSuper,
}

/// One path and the line it stands on.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) line: usize,
    pub(super) root: Root,
}

/// Words after which a `::` opens an absolute path instead of continuing one.
const BEFORE_A_PATH: &[&str] = &[
    "as", "break", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "ref", "return",
    "unsafe", "use", "where",
];

/// Every path of the file that can leave its room.
pub(super) fn find(library: &str, file: &str, tokens: &[Token]) -> Vec<Path> {
    let mut finder = Finder {
        library,
        tokens,
        found: Vec::new(),
        file_level: module_level(file),
        braces: 0,
        inline_mods: Vec::new(),
    };
    for at in 0..tokens.len() {
        finder.visit(at);
    }
    finder.found
}

/// How many modules deep a file's own module is: `authz.rs` is 1, `authz/inject.rs` 2.
fn module_level(file: &str) -> usize {
    match file {
        "lib.rs" | "main.rs" => 0,
        _ => {
            let segments = file.split('/').count();
            if file.ends_with("/mod.rs") { segments - 1 } else { segments }
        }
    }
}

struct Finder<'a> {
    /// The name of the package's own library.
    library: &'a str,
    tokens: &'a [Token],
    found: Vec<Path>,
    file_level: usize,
    braces: usize,
    /// The brace depth at which each open `mod name {` began.
    inline_mods: Vec<usize>,
}

impl Finder<'_> {
    fn visit(&mut self, at: usize) {
        let Some(token) = self.tokens.get(at) else {
            return;
        };
        match &token.kind {
            Kind::Punct('{') => {
                if self.opens_module(at) {
                    self.inline_mods.push(self.braces);
                }
                self.braces += 1;
            }
            Kind::Punct('}') => {
                self.braces = self.braces.saturating_sub(1);
                if self.inline_mods.last() == Some(&self.braces) {
                    self.inline_mods.pop();
                }
            }
            Kind::PathSep if self.is_absolute(at) => self.absolute(at + 1),
            Kind::Word(word) if self.starts_a_path(at) => self.head(at, word),
            _ => {}
        }
    }

    fn head(&mut self, at: usize, word: &str) {
        let followed = self.is_sep(at + 1);
        match word {
            word if followed && self.is_root(word) => {
                for (line, name) in self.heads(at + 2) {
                    self.push(line, root_item(name));
                }
            }
            word if self.is_root(word) && self.is_word(at + 1, "as") => {
                self.push_at(at, Root::Glob);
            }
            "super" if followed => self.climb(at),
            "self" if followed && self.is_word(at + 2, "super") => self.climb(at + 2),
            "crate" | "super" | "self" | "Self" => {}
            word if word == self.library => {}
            name if followed || self.is_imported(at) => {
                self.push_at(at, Root::Crate(name.to_owned()));
            }
            _ => {}
        }
    }

    /// `crate`, or the library's name.
    fn is_root(&self, word: &str) -> bool {
        word == "crate" || word == self.library
    }

    /// `super::` once: out of the room only if this module stands at the crate root.
    fn climb(&mut self, at: usize) {
        let level = self.file_level + self.inline_mods.len();
        for (line, name) in self.heads(at + 2) {
            if name == "super" {
                self.push(line, Root::SuperSuper);
            } else if level == 1 {
                self.push(line, root_item(name));
            }
        }
    }

    fn absolute(&mut self, at: usize) {
        for (line, name) in self.heads(at) {
            self.push(line, Root::Crate(format!("::{name}")));
            self.push(line, Root::Crate(name));
        }
    }

    /// The first names of what follows a `::`: one, or those of a `{...}` group.
    /// A glob is the name `*`.
    fn heads(&self, at: usize) -> Vec<(usize, String)> {
        let Some(token) = self.tokens.get(at) else {
            return Vec::new();
        };
        match &token.kind {
            Kind::Word(word) => vec![(token.line, word.clone())],
            Kind::Punct('*') => vec![(token.line, "*".to_owned())],
            Kind::Punct('{') => self.group(at),
            _ => Vec::new(),
        }
    }

    fn group(&self, open: usize) -> Vec<(usize, String)> {
        let mut names = self.heads(open + 1);
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                Kind::Punct('{') => depth += 1,
                Kind::Punct('}') if depth == 1 => break,
                Kind::Punct('}') => depth -= 1,
                Kind::Punct(',') if depth == 1 => names.extend(self.heads(at + 1)),
                _ => {}
            }
        }
        names
    }

    fn opens_module(&self, at: usize) -> bool {
        let name = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let named = name.is_some_and(|token| matches!(token.kind, Kind::Word(_)));
        named && at >= 2 && self.is_word(at - 2, "mod")
    }

    /// Not the continuation of a path, not a field or method.
    fn starts_a_path(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).and_then(|before| self.tokens.get(before)) else {
            return true;
        };
        before.kind != Kind::PathSep && !before.is_punct('.')
    }

    fn is_absolute(&self, at: usize) -> bool {
        let before = |steps: usize| at.checked_sub(steps).and_then(|at| self.tokens.get(at));
        match before(1).map(|token| &token.kind) {
            None => true,
            Some(Kind::Word(word)) => BEFORE_A_PATH.contains(&word.as_str()),
            // `->` and `=>` come before a path, the `>` of `Vec<T>::new` does not.
            Some(Kind::Punct('>')) => {
                before(2).is_some_and(|token| token.is_punct('-') || token.is_punct('='))
            }
            Some(Kind::Punct(mark)) => !matches!(mark, ')' | ']'),
            Some(Kind::PathSep | Kind::Literal(_)) => false,
        }
    }

    /// `use name;`, `use name as other;` and `extern crate name;` name a crate too.
    fn is_imported(&self, at: usize) -> bool {
        let before = |steps: usize, word: &str| at >= steps && self.is_word(at - steps, word);
        before(1, "use") || (before(1, "crate") && before(2, "extern"))
    }

    fn is_sep(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::PathSep)
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_word(word))
    }

    fn push_at(&mut self, at: usize, root: Root) {
        if let Some(line) = self.tokens.get(at).map(|token| token.line) {
            self.push(line, root);
        }
    }

    fn push(&mut self, line: usize, root: Root) {
        self.found.push(Path { line, root });
    }
}

fn root_item(name: String) -> Root {
    match name.as_str() {
        "*" | "self" => Root::Glob,
        _ => Root::Room(name),
    }
}
