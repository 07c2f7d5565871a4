//! Just enough of a Rust lexer to read paths: source text in, tokens with their
//! line numbers and the set of lines that hold code out. Comments vanish and a
//! literal becomes one token, so a path in a doc comment or in a string is
//! never taken for an import.

use std::{collections::BTreeSet, iter::Peekable, str::Chars};

/// The kind of a token. A literal keeps its text as written, without the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    PathSep,
    Punct(char),
    Literal(String),
}

/// One token and the line (from 1) it starts on.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

impl Token {
    /// Is this exactly that word (an identifier or a keyword)?
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(found) if found == word)
    }

    /// Is this exactly that single character?
    pub(super) fn is_punct(&self, punct: char) -> bool {
        self.kind == Kind::Punct(punct)
    }
}

/// A file, cut into tokens.
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) code_lines: BTreeSet<usize>,
}

/// Cuts `source` into tokens. Never fails: text that is no Rust yields tokens that
/// match no rule, and the compiler is the one to complain about it.
pub(super) fn lex(source: &str) -> Lexed {
    let mut lexer = Lexer {
        rest: source.chars().peekable(),
        line: 1,
        out: Lexed { tokens: Vec::new(), code_lines: BTreeSet::new() },
    };
    while let Some(first) = lexer.bump() {
        lexer.token(first);
    }
    lexer.out
}

fn is_word_char(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    out: Lexed,
}

impl Lexer<'_> {
    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn eat(&mut self, wanted: char) -> bool {
        if self.rest.peek() == Some(&wanted) {
            self.bump();
            return true;
        }
        false
    }

    fn emit(&mut self, kind: Kind, line: usize) {
        self.out.code_lines.extend(line..=self.line);
        self.out.tokens.push(Token { kind, line });
    }

    fn token(&mut self, first: char) {
        let line = self.line;
        match first {
            blank if blank.is_whitespace() => {}
            '/' if self.eat('/') => self.skip_line_comment(),
            '/' if self.eat('*') => self.skip_block_comment(),
            '"' => self.string(line),
            '\'' => self.quote(line),
            ':' if self.eat(':') => self.emit(Kind::PathSep, line),
            letter if is_word_char(letter) => self.word(letter, line),
            other => self.emit(Kind::Punct(other), line),
        }
    }

    fn skip_line_comment(&mut self) {
        while self.rest.peek().is_some_and(|next| *next != '\n') {
            self.bump();
        }
    }

    /// Block comments nest in Rust.
    fn skip_block_comment(&mut self) {
        let mut depth = 1_u32;
        while depth > 0 {
            match self.bump() {
                Some('/') if self.eat('*') => depth += 1,
                Some('*') if self.eat('/') => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn string(&mut self, line: usize) {
        let mut text = String::new();
        while let Some(next) = self.bump() {
            match next {
                '\\' => text.extend(self.bump()),
                '"' => break,
                other => text.push(other),
            }
        }
        self.emit(Kind::Literal(text), line);
    }

    /// `r"..."`, `r#"..."#`: no escapes, closed by as many `#` as it was opened with.
    fn raw_string(&mut self, hashes: usize, line: usize) {
        let mut text = String::new();
        while let Some(next) = self.bump() {
            if next == '"' && (0..hashes).all(|_| self.eat('#')) {
                break;
            }
            text.push(next);
        }
        self.emit(Kind::Literal(text), line);
    }

    /// A quote opens a character (`'a'`, `'\''`) or a lifetime (`'a`).
    fn quote(&mut self, line: usize) {
        match self.bump() {
            Some('\\') => {
                self.bump();
                while self.bump().is_some_and(|next| next != '\'') {}
                self.emit(Kind::Literal(String::new()), line);
            }
            Some(_) => {
                let closed = self.eat('\'');
                while !closed && self.rest.peek().is_some_and(|next| is_word_char(*next)) {
                    self.bump();
                }
                self.emit(Kind::Literal(String::new()), line);
            }
            None => {}
        }
    }

    fn word(&mut self, first: char, line: usize) {
        let mut word = String::from(first);
        while let Some(next) = self.rest.next_if(|next| is_word_char(*next)) {
            word.push(next);
        }
        match (word.as_str(), self.rest.peek()) {
            ("b" | "c", Some('"')) => {
                self.bump();
                self.string(line);
            }
            ("b", Some('\'')) => {
                self.bump();
                self.quote(line);
            }
            ("r" | "br" | "cr", Some('"' | '#')) => self.after_r(line),
            _ => self.emit(Kind::Word(word), line),
        }
    }

    /// After an `r`: a raw string, or a raw identifier such as `r#type`.
    fn after_r(&mut self, line: usize) {
        let mut hashes = 0;
        while self.eat('#') {
            hashes += 1;
        }
        if self.eat('"') {
            return self.raw_string(hashes, line);
        }
        if let Some(first) = self.bump() {
            self.word(first, line);
        }
    }
}
