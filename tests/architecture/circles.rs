//! Finds circles between the files of one package: two files that need each other are one file
//! in two places, and neither can be read or changed alone.
//!
//! In: the path and the text of every source file. Out: each circle, with the arrows in it. An
//! arrow is a path in the code; a name that a module hands on (`pub use`) leads to the file that
//! declares it. A file may use what the modules above it declare: that arrow is not counted.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{self, Kind, Token};

/// How many `pub use` a name may pass through before it is given up.
const MAX_HOPS: usize = 8;

/// A module's place below the crate root: `verify::jwks` is `["verify", "jwks"]`.
type Module = Vec<String>;

/// Files that reach each other, and the arrows between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) files: BTreeSet<String>,
    arrows: Vec<(String, String)>,
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a circle of {} files:", self.files.len())?;
        self.arrows.iter().try_for_each(|(from, to)| write!(f, "\n  {from} -> {to}"))
    }
}

/// Every circle between these files, given as path below `src/` and text.
pub(super) fn find(sources: &[(String, String)]) -> Vec<Circle> {
    let package = Package::read(sources);
    let arrows = package.arrows();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|file| (*file, reached_from(file, &arrows))).collect();
    let mut circles: Vec<Circle> = Vec::new();
    for (file, far) in &reached {
        let known = circles.iter().any(|circle| circle.files.contains(*file));
        if !far.contains(file) || known {
            continue;
        }
        let back = |other: &&&str| reached.get(**other).is_some_and(|far| far.contains(file));
        let files: BTreeSet<String> =
            far.iter().filter(back).map(|other| (*other).to_owned()).collect();
        let inside = |file: &str| files.contains(file);
        let arrows = arrows
            .iter()
            .filter(|(from, _)| inside(from))
            .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
            .filter(|(_, to)| inside(to))
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
            .collect();
        circles.push(Circle { files, arrows });
    }
    circles
}

fn reached_from<'a>(
    file: &'a str,
    arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        for to in arrows.get(next).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}

/// The files of a package by the module that each of them is.
struct Package<'a> {
    files: BTreeMap<Module, &'a str>,
    paths: BTreeMap<Module, Vec<Path>>,
}

impl<'a> Package<'a> {
    fn read(sources: &'a [(String, String)]) -> Self {
        let mut package = Self { files: BTreeMap::new(), paths: BTreeMap::new() };
        for (file, source) in sources {
            if let Some(module) = module_of(file) {
                package.files.insert(module.clone(), file);
                package.paths.insert(module, paths(&lexer::lex(source).tokens));
            }
        }
        package
    }

    fn arrows(&self) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, paths) in &self.paths {
            let Some(file) = self.files.get(from) else { continue };
            let targets = paths
                .iter()
                .filter_map(|path| self.target(from, &path.inline, &path.segments, 0))
                .filter(|to| !from.starts_with(to))
                .filter_map(|to| self.files.get(&to).copied());
            arrows.entry(file).or_default().extend(targets);
        }
        arrows
    }

    /// The module whose file declares what a path in `from` names; `None` outside the package.
    fn target(
        &self,
        from: &Module,
        inline: &[String],
        path: &[String],
        hops: usize,
    ) -> Option<Module> {
        let first = path.first()?;
        let mut rest = path;
        let mut full = Module::new();
        if first == "crate" {
            rest = rest.get(1..)?;
        } else if first == "super" || first == "self" {
            full.extend(from.iter().chain(inline).cloned());
            while let Some(step) = rest.first().filter(|step| *step == "super" || *step == "self") {
                if step == "super" {
                    full.pop()?;
                }
                rest = rest.get(1..)?;
            }
        } else {
            full.clone_from(from);
            full.push(first.clone());
            if !self.files.contains_key(&full) {
                return self.imported(from, path, hops);
            }
            rest = rest.get(1..)?;
        }
        full.extend(rest.iter().filter(|segment| *segment != "self").cloned());
        let depth = (0..=full.len()).rev().find(|depth| {
            full.get(..*depth).is_some_and(|module| self.files.contains_key(module))
        })?;
        let declared = full.split_off(depth);
        if !declared.is_empty() && full != *from {
            // A name that the module only hands on.
            if let Some(origin) = self.imported(&full, &declared, hops) {
                return Some(origin);
            }
        }
        Some(full)
    }

    /// Where the first name of `path` comes from, if `module` imports it.
    fn imported(&self, module: &Module, path: &[String], hops: usize) -> Option<Module> {
        let name = path.first()?;
        let import = self
            .paths
            .get(module)?
            .iter()
            .find(|import| import.inline.is_empty() && import.name.as_ref() == Some(name))?;
        if hops >= MAX_HOPS || import.segments.first() == Some(name) {
            return None;
        }
        let mut whole = import.segments.clone();
        whole.extend(path.iter().skip(1).cloned());
        self.target(module, &[], &whole, hops + 1)
    }
}

/// `verify/jwks/mod.rs` and `verify/jwks.rs` are `verify::jwks`; the binary is no module.
fn module_of(file: &str) -> Option<Module> {
    let path = file.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "main" => None,
        "lib" => Some(Module::new()),
        _ => Some(path.split('/').map(str::to_owned).collect()),
    }
}

/// A path in the code.
struct Path {
    segments: Vec<String>,
    /// The name that a `use` gives it here.
    name: Option<String>,
    /// The modules of the file around it: `mod tests { ... }`.
    inline: Vec<String>,
}

fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut reader = Reader { tokens, at: 0, found: Vec::new(), inline: Vec::new(), braces: 0 };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<Path>,
    /// The open `mod name {`, each with the number of braces open before it.
    inline: Vec<(String, usize)>,
    braces: usize,
}

impl Reader<'_> {
    fn kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.kind(at) {
            Some(Kind::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn step(&mut self) {
        match self.kind(self.at).cloned() {
            Some(Kind::Word(word)) if word == "use" => {
                self.at += 1;
                self.tree(&[]);
                return;
            }
            Some(Kind::Word(word)) if word == "mod" => {
                if let (Some(name), Some(Kind::Punct('{'))) =
                    (self.word(self.at + 1).map(str::to_owned), self.kind(self.at + 2))
                {
                    self.inline.push((name, self.braces));
                }
            }
            Some(Kind::Word(_)) if self.starts_a_path() => {
                self.path();
                return;
            }
            Some(Kind::Punct('{')) => self.braces += 1,
            Some(Kind::Punct('}')) => {
                self.braces = self.braces.saturating_sub(1);
                if self.inline.last().is_some_and(|(_, braces)| *braces == self.braces) {
                    self.inline.pop();
                }
            }
            _ => {}
        }
        self.at += 1;
    }

    fn starts_a_path(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| self.kind(before));
        let continues = matches!(before, Some(Kind::PathSep | Kind::Punct('.')));
        !continues && self.kind(self.at + 1) == Some(&Kind::PathSep)
    }

    fn path(&mut self) {
        let mut segments = Vec::new();
        while let Some(word) = self.word(self.at).map(str::to_owned) {
            segments.push(word);
            self.at += 1;
            if self.kind(self.at) != Some(&Kind::PathSep) {
                break;
            }
            self.at += 1;
        }
        self.push(segments, None);
    }

    /// One tree of a `use`, up to the `,`, `}` or `;` behind it.
    fn tree(&mut self, before: &[String]) {
        let mut segments = before.to_vec();
        let mut alias = None;
        loop {
            match self.kind(self.at).cloned() {
                Some(Kind::Word(word)) if word == "as" => {
                    alias = self.word(self.at + 1).map(str::to_owned);
                    self.at += 1;
                }
                Some(Kind::Word(word)) => segments.push(word),
                Some(Kind::PathSep | Kind::Punct('*')) => {}
                Some(Kind::Punct('{')) => {
                    self.at += 1;
                    while !matches!(self.kind(self.at), None | Some(Kind::Punct('}'))) {
                        self.tree(&segments);
                        if self.kind(self.at) == Some(&Kind::Punct(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => break,
            }
            self.at += 1;
        }
        let itself = segments.iter().rev().find(|segment| *segment != "self").cloned();
        self.push(segments, alias.or(itself));
    }

    fn push(&mut self, segments: Vec<String>, name: Option<String>) {
        let inline = self.inline.iter().map(|(name, _)| name.clone()).collect();
        self.found.push(Path { segments, name, inline });
    }
}
