//! A path with variables: `/users/{id}`, `/files/{path...}`.
//!
//! In: the text of a rule. Out: its segments, or what to write instead.

use std::{collections::HashSet, fmt};

use super::path_text;

/// Segments of a template. More would be no path that a person wrote.
const MAX_SEGMENTS: usize = 64;

/// A path, segment by segment. At least one of them is a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    segments: Vec<TemplateSegment>,
}

/// One segment of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateSegment {
    /// This text. The last segment is empty where the template ends with a slash.
    Literal(String),
    /// One segment that is not empty, by the name of its variable.
    Variable(String),
    /// The rest of the path, slashes included, by the name of its variable. Only the last one.
    Rest(String),
}

impl PathTemplate {
    /// Reads the text of a rule.
    ///
    /// # Errors
    ///
    /// The reason and what to write instead.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, String> {
        path_text::check_plain(text)?;
        let written: Vec<&str> = text.split('/').skip(1).collect();
        if written.len() > MAX_SEGMENTS {
            return Err(format!("has more than {MAX_SEGMENTS} segments; write a prefix"));
        }
        let mut names = HashSet::new();
        let mut segments = Vec::with_capacity(written.len());
        for (index, segment) in written.iter().enumerate() {
            let parsed = TemplateSegment::parse(segment, index + 1 == written.len())?;
            if let Some(name) = parsed.name()
                && !names.insert(name.to_owned())
            {
                return Err(format!("`{{{name}}}` stands there twice; name each variable once"));
            }
            segments.push(parsed);
        }
        if names.is_empty() {
            return Err(format!("`{text}` has no variable; write exact: {text}"));
        }
        Ok(Self { segments })
    }

    /// The segments, of which the last one alone may be a rest.
    #[must_use]
    pub fn segments(&self) -> &[TemplateSegment] {
        &self.segments
    }

    /// The names of the variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(TemplateSegment::name)
    }
}

/// The text of the file.
impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| match segment {
            TemplateSegment::Literal(text) => write!(f, "/{text}"),
            TemplateSegment::Variable(name) => write!(f, "/{{{name}}}"),
            TemplateSegment::Rest(name) => write!(f, "/{{{name}...}}"),
        })
    }
}

impl TemplateSegment {
    fn parse(text: &str, last: bool) -> Result<Self, String> {
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let Some(inside) = inside else { return literal(text) };
        let (name, rest) = match inside.strip_suffix("...") {
            Some(name) => (name, true),
            None => (inside, false),
        };
        if !is_name(name) {
            return Err(format!(
                "`{text}` is not a variable; write {{name}} for one segment or {{name...}} for the \
                 rest, the name of a-z, 0-9 and _, beginning with a letter or _"
            ));
        }
        match (rest, last) {
            (true, true) => Ok(Self::Rest(name.to_owned())),
            (true, false) => Err(format!(
                "`{text}` stands for the rest of the path, and more follows; write {{{name}}} for \
                 one segment"
            )),
            (false, _) => Ok(Self::Variable(name.to_owned())),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Variable(name) | Self::Rest(name) => Some(name),
            Self::Literal(_) => None,
        }
    }
}

fn literal(text: &str) -> Result<TemplateSegment, String> {
    if text.contains(['{', '}']) {
        return Err(format!(
            "`{text}` is only in part a variable; a variable is a whole segment, so write a regex \
             with a named group: '(?P<name>[^/]+)'"
        ));
    }
    if path_text::is_pattern(text) {
        let name: String = text.chars().filter(|sign| sign.is_ascii_alphanumeric()).collect();
        let name = name.to_ascii_lowercase();
        let name = if is_name(&name) { name } else { "name".to_owned() };
        let name = if text.starts_with("**") { format!("{name}...") } else { name };
        return Err(format!("`{text}` is compared literally here; write {{{name}}}"));
    }
    Ok(TemplateSegment::Literal(text.to_owned()))
}

/// `[a-z_][a-z0-9_]*`, and of a length that a person writes.
fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::PathTemplate;

    #[test]
    fn a_template_is_printed_as_it_is_written() {
        for (text, variables) in [
            ("/users/{id}", &["id"][..]),
            ("/{tenant}/users/{user_id}/", &["tenant", "user_id"]),
            ("/files/{path...}", &["path"]),
            ("/{_all...}", &["_all"]),
            ("/a/{x1}/[id]", &["x1"]),
        ] {
            let template = PathTemplate::parse(text).unwrap();
            assert_eq!(template.to_string(), text);
            assert_eq!(template.variables().collect::<Vec<_>>(), variables, "{text}");
        }
    }

    #[test]
    fn a_template_that_can_only_be_a_mistake_is_refused() {
        for (text, cure) in [
            ("/users", "exact: /users"),
            ("users/{id}", "start with /"),
            ("/users//{id}", "single slashes"),
            ("/users/../{id}", "without them"),
            ("/users/{id}?x=1", "without query"),
            ("/users/%7Bid%7D", "decoded"),
            ("/users/{id};v=1", "without query"),
            ("/users/{ID}", "of a-z"),
            ("/users/{1id}", "beginning with a letter"),
            ("/users/{}", "{name}"),
            ("/users/{...}", "{name...}"),
            ("/users/{id:[0-9]+}", "{name}"),
            ("/users/{id}/{id}", "name each variable once"),
            ("/users/{id}.json", "named group"),
            ("/v{version}/x", "named group"),
            ("/users/{id", "named group"),
            ("/files/{path...}/x", "write {path}"),
            ("/users/:id/{x}", "write {id}"),
            ("/users/<int:id>/{x}", "write {intid}"),
            ("/{x}/*", "write {name}"),
            ("/{x}/**", "write {name...}"),
            ("/{x}/a, /{y}", "one route for each"),
            ("/{x} ", "blanks"),
            ("/{x}/\u{7}", "control"),
            ("", "start with /"),
        ] {
            let error = PathTemplate::parse(text).expect_err(text);
            assert!(error.contains(cure), "{text}: {error}");
        }
        let long = "/{a}".to_owned() + &"/x".repeat(64);
        assert!(PathTemplate::parse(&long).is_err());
    }
}
