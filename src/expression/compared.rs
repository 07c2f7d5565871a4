//! The words that an expression compares places with, for a check of those that a place never has.

use serde_json::Value;

use super::{
    node::{Node, Operator},
    place::Place,
};

/// A place, the text that it is compared with, and whether it has to differ from it (`!=`).
pub type ComparedText<'e> = (&'e Place, &'e str, bool);

/// Every text that a place is compared with by `==`, `!=` or `in`.
pub(super) fn texts<'e>(node: &'e Node, places: &'e [Place], found: &mut Vec<ComparedText<'e>>) {
    if let Node::Operator(operator, parts) = node {
        found.extend(of_operator(*operator, parts, places));
    }
    let mut go = |part: &'e Node| texts(part, places, found);
    match node {
        Node::Literal(_) | Node::Read(_) | Node::IsThere(_) | Node::Variable(_) => {}
        Node::Field(part, _)
        | Node::HasField(part, _)
        | Node::Not(part)
        | Node::Negate(part)
        | Node::Matches(part, _) => go(part),
        Node::Index(parts) | Node::And(parts) | Node::Or(parts) | Node::Operator(_, parts) => {
            parts.iter().for_each(go);
        }
        Node::Choose(parts) => parts.iter().for_each(go),
        Node::Call(_, parts) | Node::List(parts) => parts.iter().for_each(go),
        Node::Map(entries) => entries.iter().for_each(|(name, value)| {
            go(name);
            go(value);
        }),
        Node::Loop(walk) => {
            go(&walk.range);
            walk.condition.iter().chain(&walk.result).for_each(go);
        }
    }
}

fn of_operator<'e>(
    operator: Operator,
    [a, b]: &'e [Node; 2],
    places: &'e [Place],
) -> Vec<ComparedText<'e>> {
    let place = |part: &Node| if let Node::Read(place) = part { places.get(*place) } else { None };
    let text = |part: &'e Node| {
        if let Node::Literal(Value::String(text)) = part { Some(text.as_str()) } else { None }
    };
    match operator {
        Operator::Equal | Operator::NotEqual => {
            let differs = operator == Operator::NotEqual;
            let pair = place(a).zip(text(b)).or_else(|| place(b).zip(text(a)));
            pair.into_iter().map(|(place, text)| (place, text, differs)).collect()
        }
        Operator::In => {
            let (Some(place), Node::List(items)) = (place(a), b) else { return Vec::new() };
            items.iter().filter_map(text).map(|text| (place, text, false)).collect()
        }
        Operator::Less
        | Operator::AtMost
        | Operator::Greater
        | Operator::AtLeast
        | Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Remainder => Vec::new(),
    }
}
