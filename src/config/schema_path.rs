//! The part of the JSON Schema that describes one setting.

use serde_json::Value;

/// The schema of the setting at this path, as [`super::json_schema`] has it; `None` where no such
/// setting exists. An entry of a list is named by its number.
pub(super) fn setting_at<'a>(schema: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |node, segment| step(node, segment))
}

/// The schema of one step of such a path.
pub(super) fn step<'a>(node: &'a Value, segment: &str) -> Option<&'a Value> {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let own = match node.get("items") {
        Some(items) if is_number => Some(items),
        _ => node.get("properties").and_then(|properties| properties.get(segment)),
    };
    own.or_else(|| {
        let options = ["oneOf", "anyOf"].iter().filter_map(|name| node.get(name)?.as_array());
        options.flatten().find_map(|option| step(option, segment))
    })
}
