//! The words that an expression compares places with or looks for in them, for a check of those that a place
//! never has.

use serde_json::Value;

use super::{
    node::{Node, Operator},
    place::Place,
};

/// A place, the text that it is compared with, and whether it has to differ from it (`!=`).
pub type ComparedText<'e> = (&'e Place, &'e str, bool);

/// A place, and a text that is looked for in its list.
pub type AskedMember<'e> = (&'e Place, &'e str);

/// Every text that a place is compared with by `==`, `!=` or `in`.
pub(super) fn texts<'e>(node: &'e Node, places: &'e [Place]) -> Vec<ComparedText<'e>> {
    let mut found = Vec::new();
    each_operator(node, &mut |operator, parts| found.extend(of_operator(operator, parts, places)));
    found
}

/// Every text that is looked for in the list of a place by `in`.
pub(super) fn members<'e>(node: &'e Node, places: &'e [Place]) -> Vec<AskedMember<'e>> {
    let mut found = Vec::new();
    each_operator(node, &mut |operator, [member, list]| {
        if let (Operator::In, Some(text), Some(place)) =
            (operator, text_of(member), place_of(list, places))
        {
            found.push((place, text));
        }
    });
    found
}

fn each_operator<'e>(node: &'e Node, visit: &mut impl FnMut(Operator, &'e [Node; 2])) {
    if let Node::Operator(operator, parts) = node {
        visit(*operator, parts);
    }
    let mut go = |part: &'e Node| each_operator(part, visit);
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

fn place_of<'e>(part: &Node, places: &'e [Place]) -> Option<&'e Place> {
    if let Node::Read(place) = part { places.get(*place) } else { None }
}

fn text_of(part: &Node) -> Option<&str> {
    if let Node::Literal(Value::String(text)) = part { Some(text) } else { None }
}

fn of_operator<'e>(
    operator: Operator,
    [a, b]: &'e [Node; 2],
    places: &'e [Place],
) -> Vec<ComparedText<'e>> {
    match operator {
        Operator::Equal | Operator::NotEqual => {
            let differs = operator == Operator::NotEqual;
            let pair = place_of(a, places).zip(text_of(b));
            let pair = pair.or_else(|| place_of(b, places).zip(text_of(a)));
            pair.into_iter().map(|(place, text)| (place, text, differs)).collect()
        }
        Operator::In => {
            let (Some(place), Node::List(items)) = (place_of(a, places), b) else {
                return Vec::new();
            };
            items.iter().filter_map(text_of).map(|text| (place, text, false)).collect()
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
