//! A path with variables, held against one reading of a path.
//!
//! In: a template, then the bytes of a reading. Out: how surely it fits, and its variables. Routers
//! differ in three habits that no other reading shows, so a path fits possibly if it differs in no more
//! than these: the case of ASCII letters, one slash at the end, and whether a rest may be nothing.

use super::fit::Fit;
use crate::config::{PathTemplate, TemplateSegment};

/// A template.
#[derive(Debug)]
pub(in crate::policy) struct Template {
    segments: Vec<Segment>,
    /// The variable of the rest.
    rest: Option<Box<str>>,
    /// It ends with a slash.
    slash: bool,
}

/// A segment before the rest.
#[derive(Debug)]
enum Segment {
    Literal(Box<[u8]>),
    /// One segment that is not empty.
    Variable(Box<str>),
}

impl Template {
    /// From the configuration.
    pub(in crate::policy) fn build(template: &PathTemplate) -> Self {
        let mut built = Self { segments: Vec::new(), rest: None, slash: false };
        for segment in template.segments() {
            match segment {
                TemplateSegment::Literal(text) if text.is_empty() => built.slash = true,
                TemplateSegment::Literal(text) => {
                    built.segments.push(Segment::Literal(text.as_bytes().into()));
                }
                TemplateSegment::Variable(name) => {
                    built.segments.push(Segment::Variable(name.as_str().into()));
                }
                TemplateSegment::Rest(name) => built.rest = Some(name.as_str().into()),
            }
        }
        built
    }

    /// How surely this reading of a path fits.
    pub(in crate::policy) fn fit(&self, path: &[u8]) -> Fit {
        self.walk(path, |_, _| {})
    }

    /// Each variable with its value in this reading of a path, which fits. The value of the rest may be
    /// empty where the path fits only possibly.
    pub(in crate::policy) fn variables<'a>(&'a self, path: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
        let mut variables = Vec::new();
        match self.walk(path, |name, value| variables.push((name, value))) {
            Fit::No => Vec::new(),
            Fit::Possibly | Fit::Surely => variables,
        }
    }

    /// Walks over the segments, and tells each variable.
    fn walk<'a>(&'a self, path: &'a [u8], mut tell: impl FnMut(&'a str, &'a [u8])) -> Fit {
        let mut sure = true;
        // The text behind the slash that ends the segments so far; nothing if there is no such slash.
        let mut left = path.strip_prefix(b"/");
        for segment in &self.segments {
            let Some(text) = left else { return Fit::No };
            let end = text.iter().position(|&b| b == b'/');
            let sent = end.and_then(|end| text.get(..end)).unwrap_or(text);
            left = end.and_then(|end| text.get(end + 1..));
            match segment {
                Segment::Literal(wanted) if !sent.eq_ignore_ascii_case(wanted) => return Fit::No,
                Segment::Literal(wanted) => sure &= sent == &**wanted,
                Segment::Variable(_) if sent.is_empty() => return Fit::No,
                Segment::Variable(name) => tell(name, sent),
            }
        }
        match (&self.rest, left) {
            (Some(name), Some(rest)) => {
                tell(name, rest);
                Fit::at_least_possibly(sure && !rest.is_empty())
            }
            (None, None) => Fit::at_least_possibly(sure && !self.slash),
            (None, Some(b"")) => Fit::at_least_possibly(sure && self.slash),
            // Many routers let a rest of the path be nothing, the slash before it included.
            (Some(name), None) => {
                tell(name, b"");
                Fit::Possibly
            }
            (None, Some(_)) => Fit::No,
        }
    }

    /// The text of each segment before the rest, or nothing where it is a variable.
    pub(in crate::policy) fn shape(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => Some(&**text),
            Segment::Variable(_) => None,
        })
    }
}
