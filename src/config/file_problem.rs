//! The one problem of a file of which nothing can be read.

use super::{
    partial,
    problem::{Problem, Problems},
    yaml_error::UnreadableYaml,
};

/// The file of this name is no YAML.
pub(super) fn unreadable(name: &str, error: UnreadableYaml) -> Problems {
    Problems(vec![partial::of_mistake(name, error)])
}

/// A problem at this place, which is about no single setting.
pub(super) fn one(place: String, message: String) -> Problems {
    Problems(vec![Problem { place, column: None, setting: String::new(), message }])
}
