//! The comments of the protos.
//!
//! In: the compiled protos. Out: the comment above each thing, as text.

use std::collections::HashMap;

use prost_reflect::DescriptorPool;

/// The comments, by file and by place in it (descriptor.proto, `SourceCodeInfo`).
#[derive(Debug)]
pub(super) struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    pub(super) fn of(pool: &DescriptorPool) -> Self {
        let mut files = HashMap::new();
        for file in pool.file_descriptor_protos() {
            let places = file.source_code_info.iter().flat_map(|info| &info.location);
            let of_file = places
                .filter_map(|place| {
                    let text = clean(place.leading_comments.as_deref()?);
                    Some((place.path.clone(), text))
                })
                .collect();
            files.insert(file.name().to_owned(), of_file);
        }
        Self(files)
    }

    /// The comment above the thing at this place; empty: there is none.
    pub(super) fn of_item(&self, file: &str, path: &[i32]) -> String {
        self.0.get(file).and_then(|places| places.get(path)).cloned().unwrap_or_default()
    }
}

/// One line for each paragraph.
fn clean(comment: &str) -> String {
    let mut paragraphs = vec![String::new()];
    for line in comment.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if line.is_empty() && last.is_empty() => {}
            Some(_) if line.is_empty() => paragraphs.push(String::new()),
            Some(last) => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
            None => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

/// The first sentence of a comment.
pub(super) fn summary(comment: &str) -> &str {
    let paragraph = comment.split("\n\n").next().unwrap_or_default();
    match paragraph.find(". ") {
        Some(end) => paragraph.get(..=end).unwrap_or(paragraph),
        None => paragraph,
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, summary};

    #[test]
    fn a_comment_becomes_paragraphs_and_its_first_sentence_a_summary() {
        let text = clean(" Reads a user. In\n two lines.\n\n\n More.\n");
        assert_eq!(text, "Reads a user. In two lines.\n\nMore.");
        assert_eq!(summary(&text), "Reads a user.");
        assert_eq!((clean(""), summary("One")), (String::new(), "One"));
    }
}
