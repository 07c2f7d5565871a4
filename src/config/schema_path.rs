//! The part of the JSON Schema that describes one setting.

use serde_json::Value;

/// The schema of the setting at this path, as [`super::json_schema`] has it; `None` where no such
/// setting exists. An entry of a list is named by its number.
pub(super) fn setting_at<'a>(schema: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |node, segment| step(schema, node, segment))
}

/// The schema of one step of such a path. `root` is the whole schema, which a node may refer to.
pub(super) fn step<'a>(root: &'a Value, node: &'a Value, segment: &str) -> Option<&'a Value> {
    let node = referred_to(root, node);
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let own = match node.get("items") {
        Some(items) if is_number => Some(items),
        _ => node.get("properties").and_then(|properties| properties.get(segment)),
    };
    // A map whose names are free, such as `roles`.
    let own = own.or_else(|| node.get("additionalProperties").filter(|entry| entry.is_object()));
    let own = own.or_else(|| {
        let options = ["oneOf", "anyOf"].iter().filter_map(|name| node.get(name)?.as_array());
        options.flatten().find_map(|option| step(root, option, segment))
    });
    own.map(|found| referred_to(root, found))
}

/// The node that this one refers to, or itself.
fn referred_to<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let target =
        node.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|target| root.pointer(target)).unwrap_or(node)
}
