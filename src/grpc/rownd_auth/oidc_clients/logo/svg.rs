//! A drawing in SVG, read event by event by an XML parser that resolves nothing from elsewhere.

use std::io::Cursor;

use xml::{
    attribute::OwnedAttribute,
    common::{Position as _, XmlVersion},
    name::OwnedName,
    reader::{EventReader, ParserConfig, XmlEvent},
};

use super::{
    LogoProblem, SvgProblem,
    css::{check_style, check_value},
    names::{self, SVG, runs_or_loads, shown},
    reference::stays_inside,
    uses::Uses,
};

/// The most elements, levels of them, attributes of one, and namespaces in reach of one.
const MAX_ELEMENTS: usize = 100_000;
const MAX_DEPTH: usize = 128;
const MAX_ATTRIBUTES: usize = 256;
const MAX_NAMESPACES: usize = 64;
/// The longest name.
const MAX_NAME: usize = 256;
/// The elements that change an attribute of another one over time.
const ANIMATIONS: [&str; 5] =
    ["animate", "animateColor", "animateMotion", "animateTransform", "set"];

/// Checks the text of a drawing.
///
/// # Errors
///
/// [`LogoProblem::BadSvg`], if it is not one that may be a logo.
pub(super) fn check(text: &[u8]) -> Result<(), LogoProblem> {
    let at = |line: u64, problem| LogoProblem::BadSvg { line, problem };
    let text = std::str::from_utf8(text).map_err(|_| at(1, SvgProblem::Encoding))?;
    // Before the parser: it would read the entities of a document type first.
    if let Some(place) = find_document_type(text) {
        let before = text.get(..place).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        return Err(at(line, SvgProblem::DocumentType));
    }
    let mut reader = EventReader::new_with_config(Cursor::new(text.as_bytes()), parser());
    let mut drawing = Drawing::default();
    loop {
        let event = reader.next();
        let line = reader.position().row + 1;
        let event = event.map_err(|_| at(line, SvgProblem::NotXml))?;
        let ended = matches!(event, XmlEvent::EndDocument);
        drawing.read(event).map_err(|problem| at(line, problem))?;
        if ended {
            return Ok(());
        }
    }
}

fn parser() -> ParserConfig {
    ParserConfig::new()
        .ignore_comments(false)
        .whitespace_to_characters(true)
        .allow_multiple_root_elements(false)
        .max_entity_expansion_length(0)
        .max_entity_expansion_depth(0)
        .max_attributes(MAX_ATTRIBUTES)
        .max_name_length(MAX_NAME)
}

/// The place of a document type. One in a comment or in a text is refused as well.
fn find_document_type(text: &str) -> Option<usize> {
    let is_it = |rest: &str| {
        let word = |word: &str| {
            rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        word("<!doctype") || word("<!entity")
    };
    text.match_indices("<!").map(|(at, _)| at).find(|at| text.get(*at..).is_some_and(is_it))
}

/// The parts of a drawing that are read so far.
#[derive(Debug, Default)]
struct Drawing {
    elements: usize,
    /// The texts of the open elements; only those of `style` are kept.
    open: Vec<Option<String>>,
    uses: Uses,
}

impl Drawing {
    fn read(&mut self, event: XmlEvent) -> Result<(), SvgProblem> {
        match event {
            XmlEvent::StartDocument { version, encoding, .. } => {
                check_declaration(version, &encoding)
            }
            XmlEvent::Doctype { .. } => Err(SvgProblem::DocumentType),
            XmlEvent::ProcessingInstruction { .. } => Err(SvgProblem::ProcessingInstruction),
            XmlEvent::StartElement { name, attributes, namespace } => {
                if namespace.0.len() > MAX_NAMESPACES {
                    return Err(SvgProblem::TooComplex("namespaces"));
                }
                self.begin(&name, &attributes)
            }
            XmlEvent::EndElement { .. } => {
                self.uses.end();
                self.open.pop().flatten().map_or(Ok(()), |style| Ok(check_style(&style)?))
            }
            XmlEvent::CData(text) => match self.open.last_mut() {
                Some(Some(style)) => {
                    style.push_str(&text);
                    Ok(())
                }
                _ => Err(SvgProblem::HiddenMarkup),
            },
            // HTML ends such a comment at once.
            XmlEvent::Comment(text) if text.starts_with('>') || text.starts_with("->") => {
                Err(SvgProblem::HiddenMarkup)
            }
            XmlEvent::Comment(_) => Ok(()),
            XmlEvent::Characters(text) | XmlEvent::Whitespace(text) => {
                if let Some(Some(style)) = self.open.last_mut() {
                    style.push_str(&text);
                }
                Ok(())
            }
            XmlEvent::EndDocument if self.uses.too_many() => {
                Err(SvgProblem::TooComplex("repeated parts"))
            }
            XmlEvent::EndDocument => Ok(()),
        }
    }

    fn begin(&mut self, name: &OwnedName, attributes: &[OwnedAttribute]) -> Result<(), SvgProblem> {
        let is_svg = name.namespace.as_deref() == Some(SVG);
        let is = |local: &str| is_svg && name.local_name == local;
        if self.elements == 0 && !is("svg") {
            return Err(SvgProblem::Root);
        }
        if !names::is_allowed(name) {
            return Err(SvgProblem::Element(shown(&name.local_name)));
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(SvgProblem::TooComplex("elements"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(SvgProblem::TooComplex("levels of elements"));
        }
        if is_svg && ANIMATIONS.contains(&name.local_name.as_str()) {
            check_animation(attributes)?;
        }
        for attribute in attributes {
            check_attribute(attribute)?;
        }
        let values = |local: &'static str| {
            let named = attributes.iter().filter(move |one| one.name.local_name == local);
            named.map(|one| one.value.as_str())
        };
        let repeats = values("href").filter_map(|href| href.strip_prefix('#'));
        self.uses.begin(values("id"), repeats.filter(|_| is("use")));
        self.open.push(is("style").then(String::new));
        Ok(())
    }
}

fn check_declaration(version: XmlVersion, encoding: &str) -> Result<(), SvgProblem> {
    let known = ["utf-8", "utf8", "us-ascii", "ascii"];
    let good = version == XmlVersion::Version10
        && known.iter().any(|known| encoding.eq_ignore_ascii_case(known));
    if good { Ok(()) } else { Err(SvgProblem::Encoding) }
}

fn check_attribute(attribute: &OwnedAttribute) -> Result<(), SvgProblem> {
    let (name, value) = (&attribute.name, attribute.value.as_str());
    let local = name.local_name.as_str();
    if runs_or_loads(local) {
        return Err(SvgProblem::Attribute(shown(local)));
    }
    if local.eq_ignore_ascii_case("href") {
        return if stays_inside(value) { Ok(()) } else { Err(SvgProblem::Reference(shown(local))) };
    }
    if local.eq_ignore_ascii_case("style") {
        return Ok(check_style(value)?);
    }
    // Editors' own attributes hold paths of files; only those of SVG itself can be style.
    let is_style = name.namespace.is_none() && !local.to_ascii_lowercase().starts_with("data-");
    if is_style {
        check_value(value)?;
    }
    Ok(())
}

/// Checks that an animation changes neither a reference nor an attribute that runs something.
fn check_animation(attributes: &[OwnedAttribute]) -> Result<(), SvgProblem> {
    let named = |one: &&OwnedAttribute| one.name.local_name.eq_ignore_ascii_case("attributeName");
    for one in attributes.iter().filter(named) {
        let target = one.value.trim();
        let local = target.rsplit_once(':').map_or(target, |(_, local)| local);
        if local.eq_ignore_ascii_case("href") || runs_or_loads(local) {
            return Err(SvgProblem::Attribute(shown("attributeName")));
        }
    }
    Ok(())
}
