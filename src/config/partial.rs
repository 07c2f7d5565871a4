//! A file that is no YAML in one place: the rest of it is still checked.
//!
//! In: the text, and the error of the parser. Out: every mistake of the notation, each in its section
//! or its entry, and the problems of form of all that can be read. The sections are read one by one,
//! because one that is not closed takes the next ones along. Problems that need the whole file, such
//! as names that refer to each other, are told when it can be read.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    document::YamlDocument, places::at, problem::Problem, structure, yaml_error::UnreadableYaml,
};

/// The most mistakes of the notation that are told.
pub(super) const MOST: usize = 32;

/// The problems of a text that is no YAML.
pub(super) fn problems(name: &str, text: &str, error: UnreadableYaml) -> Vec<Problem> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mistakes = Vec::new();
    let mut problems = Vec::new();
    for section in starting_at(&lines, 0..lines.len(), begins_section) {
        let read = ReadSection::read(&lines, section, text);
        problems.extend(read.problems(name));
        mistakes.extend(read.mistakes);
    }
    if mistakes.is_empty() {
        // Each section alone is good: a name that is written twice, or a second document.
        mistakes.push(error);
    }
    mistakes.truncate(MOST);
    problems.extend(mistakes.into_iter().map(|mistake| of_mistake(name, mistake)));
    problems.sort_by_key(|problem| {
        let line = problem.place.rsplit(':').next().and_then(|line| line.parse::<u64>().ok());
        (line, problem.column)
    });
    problems.dedup();
    problems
}

/// The problem of a text that is no YAML at this place.
pub(super) fn of_mistake(name: &str, mistake: UnreadableYaml) -> Problem {
    let (line, column) = mistake.place.unwrap_or((1, 1));
    let place = format!("{name}:{line}");
    Problem { place, column: Some(column), setting: String::new(), message: mistake.message }
}

/// One section of the file, as far as it can be read.
struct ReadSection {
    /// The lines of the file.
    lines: Range<usize>,
    document: YamlDocument,
    mistakes: Vec<UnreadableYaml>,
    /// The lines of entries that were left out.
    gaps: Vec<Range<usize>>,
}

impl ReadSection {
    fn read(lines: &[&str], range: Range<usize>, whole: &str) -> Self {
        let first = number(range.start);
        let mut section = Self {
            lines: range.clone(),
            document: YamlDocument::default(),
            mistakes: Vec::new(),
            gaps: Vec::new(),
        };
        let own = lines.get(range.clone()).unwrap_or_default();
        match YamlDocument::parse(&own.join("\n")) {
            Ok(document) => section.document = document.moved_down(first),
            // The anchor stands in another section.
            Err(error) if error.is_about_an_anchor() && whole.contains(": &") => {}
            Err(error) => section.read_entries(lines, error),
        }
        section
    }

    /// Reads the entries of the section one by one, and the section without those that are no YAML.
    fn read_entries(&mut self, lines: &[&str], error: UnreadableYaml) {
        let (first, header) = (self.lines.start, lines.get(self.lines.start).copied());
        let below = self.lines.start.saturating_add(1)..self.lines.end;
        let mut kept: Vec<String> = header.into_iter().map(str::to_owned).collect();
        let entries = entries(lines, below);
        let before = entries.first().map_or(0, |(entry, _)| entry.start.saturating_sub(first + 1));
        kept.extend(std::iter::repeat_n(String::new(), before));
        for (entry, is_of_list) in entries {
            let own = lines.get(entry.clone()).unwrap_or_default();
            let alone: Vec<&str> = header.into_iter().chain(own.iter().copied()).collect();
            match YamlDocument::parse(&alone.join("\n")) {
                Ok(_) => kept.extend(own.iter().map(|line| (*line).to_owned())),
                Err(error) => {
                    // The name of the section is the first line of what was read.
                    let moved = number(entry.start).saturating_sub(1);
                    self.mistakes.push(error.moved_down(moved));
                    // The numbers of the other entries stay.
                    let hold = own.first().filter(|_| is_of_list).map(|line| indentation(line));
                    kept.push(hold.map(|blanks| format!("{blanks}- ~")).unwrap_or_default());
                    kept.extend(own.iter().skip(1).map(|_| String::new()));
                    self.gaps.push(entry);
                }
            }
        }
        if self.mistakes.is_empty() {
            self.mistakes.push(error.moved_down(number(first)));
            return;
        }
        if let Ok(document) = YamlDocument::parse(&kept.join("\n")) {
            self.document = document.moved_down(number(first));
        }
    }

    /// The problems of form, but those that come of what was left out.
    fn problems(&self, name: &str) -> Vec<Problem> {
        let document = &self.document;
        if document.value.is_null() || document.value == Value::Object(Map::new()) {
            return Vec::new();
        }
        let found = structure::problems(document);
        let in_gap = |pointer: &str| {
            let (line, _) = document.order(pointer);
            // The gaps are in the order of the file.
            let before = self.gaps.partition_point(|gap| number(gap.end) < line);
            self.gaps.get(before).is_some_and(|gap| number(gap.start) < line)
        };
        let is_of_whole = |pointer: &str| pointer.matches('/').count() <= 1;
        found
            .into_iter()
            .filter(|(pointer, _)| !in_gap(pointer))
            .filter(|(pointer, _)| self.gaps.is_empty() || !is_of_whole(pointer))
            .map(|(pointer, message)| at(name, document, &pointer, message))
            .collect()
    }
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// A line that begins a section, or a document.
fn begins_section(line: &str) -> bool {
    is_name(line) || line.starts_with("---") || line.starts_with("...")
}

/// A line that begins with the name of a setting.
fn is_name(line: &str) -> bool {
    let is_name = line.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    is_name && line.split_once(':').is_some_and(|(name, _)| !name.contains([' ', '{', '"']))
}

/// The parts of these lines that begin with such a line, each up to the next.
fn starting_at(
    lines: &[&str],
    range: Range<usize>,
    is_start: impl Fn(&str) -> bool,
) -> Vec<Range<usize>> {
    let starts: Vec<usize> = range
        .clone()
        .filter(|index| lines.get(*index).is_some_and(|line| is_start(line)))
        .collect();
    let ends = starts.iter().copied().skip(1).chain([range.end]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// The entries of a section that is written in lines of their own, and whether it is a list.
fn entries(lines: &[&str], below: Range<usize>) -> Vec<(Range<usize>, bool)> {
    let says_something = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let Some(first) = lines.get(below.clone()).unwrap_or_default().iter().find(says_something)
    else {
        return Vec::new();
    };
    let blanks = indentation(first);
    let is_list = is_item(first);
    let is_start = |line: &str| {
        let rest = line.strip_prefix(blanks).filter(|rest| !rest.starts_with([' ', '\t', '#']));
        rest.is_some_and(|rest| if is_list { is_item(rest) } else { is_name(rest) })
    };
    starting_at(lines, below, is_start).into_iter().map(|range| (range, is_list)).collect()
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    line == "-" || line.starts_with("- ")
}

/// The blanks at the start of a line.
fn indentation(line: &str) -> &str {
    line.get(..line.len() - line.trim_start_matches(' ').len()).unwrap_or_default()
}
