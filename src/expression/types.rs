//! The types of the parts of an expression, as far as its text tells them, so that a comparison that can
//! only fail is found before any request.
//!
//! In: a node, and the places that are read. Out: its type, or nothing where only a request can tell.

use serde_json::Value;

use super::{
    node::{Function, LoopKind, Node, Operator},
    place::{IdentityPlace, Place, ProfilePlace},
};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Number,
    Text,
    List,
    Map,
}

/// The type of the value of this part, if it has one. `null` has none: everything may be compared with
/// it.
pub(super) fn type_of(node: &Node, places: &[Place]) -> Option<Type> {
    let of = |part: &Node| type_of(part, places);
    match node {
        Node::Literal(value) => of_value(value),
        Node::Read(place) => of_place(places.get(*place)?),
        Node::Variable(_) | Node::Field(..) | Node::Index(_) => None,
        Node::IsThere(_)
        | Node::HasField(..)
        | Node::Not(_)
        | Node::And(_)
        | Node::Or(_)
        | Node::Matches(..) => Some(Type::Bool),
        Node::Negate(_) => Some(Type::Number),
        Node::Choose(parts) => {
            let [_, yes, no] = &**parts;
            of(yes).filter(|kind| of(no) == Some(*kind))
        }
        Node::Operator(operator, parts) => of_operator(*operator, &parts.each_ref().map(of)),
        Node::Call(function, _) => Some(of_function(*function)),
        Node::List(_) => Some(Type::List),
        Node::Map(_) => Some(Type::Map),
        Node::Loop(walk) => Some(match walk.kind {
            LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => Type::Bool,
            LoopKind::Map => Type::List,
        }),
    }
}

/// Whether this part fails whatever is asked, because its own parts have types that do not go together.
pub(super) fn always_fails(node: &Node, places: &[Place]) -> bool {
    let of = |part: &Node| type_of(part, places);
    let is_other = |part: &Node, wanted: Type| of(part).is_some_and(|kind| kind != wanted);
    match node {
        Node::Not(part) => is_other(part, Type::Bool),
        Node::Negate(part) => is_other(part, Type::Number),
        Node::Matches(part, _) => is_other(part, Type::Text),
        Node::Field(of, _) | Node::HasField(of, _) => is_other(of, Type::Map),
        Node::Operator(operator, parts) => do_not_go(*operator, parts.each_ref().map(of)),
        Node::Call(function, parts) => {
            parts.iter().filter_map(of).any(|kind| !takes(*function, kind))
        }
        Node::Choose(parts) => {
            let [question, ..] = &**parts;
            is_other(question, Type::Bool)
        }
        Node::Literal(_)
        | Node::Read(_)
        | Node::IsThere(_)
        | Node::Variable(_)
        | Node::Index(_)
        | Node::And(_)
        | Node::Or(_)
        | Node::List(_)
        | Node::Map(_)
        | Node::Loop(_) => false,
    }
}

const fn of_value(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::Text,
        Value::Array(_) => Type::List,
        Value::Object(_) => Type::Map,
    })
}

/// The type of a place. Claims, and what the profile holds, are of any.
const fn of_place(place: &Place) -> Option<Type> {
    Some(match place {
        Place::Request(_) | Place::Header(_) | Place::Query(_) | Place::Path(_) => Type::Text,
        Place::Claim(_) => return None,
        Place::Identity(field) => match field {
            IdentityPlace::UserId
            | IdentityPlace::Issuer
            | IdentityPlace::AuthLevel
            | IdentityPlace::AppId
            | IdentityPlace::AppVariant
            | IdentityPlace::Tenant
            | IdentityPlace::SessionId
            | IdentityPlace::TokenId => Type::Text,
            IdentityPlace::Anonymous | IdentityPlace::Verified => Type::Bool,
            IdentityPlace::IssuedAt => Type::Number,
            IdentityPlace::Roles
            | IdentityPlace::Permissions
            | IdentityPlace::Groups
            | IdentityPlace::Scopes => Type::List,
        },
        Place::Profile(field) => match field {
            ProfilePlace::UserId | ProfilePlace::State | ProfilePlace::AuthLevel => Type::Text,
            ProfilePlace::Groups => Type::List,
            ProfilePlace::Data
            | ProfilePlace::VerifiedData
            | ProfilePlace::Attributes
            | ProfilePlace::Meta => Type::Map,
        },
    })
}

fn of_operator(operator: Operator, [a, b]: &[Option<Type>; 2]) -> Option<Type> {
    match operator {
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::AtMost
        | Operator::Greater
        | Operator::AtLeast
        | Operator::In => Some(Type::Bool),
        Operator::Add => a.or(*b),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            Some(Type::Number)
        }
    }
}

const fn of_function(function: Function) -> Type {
    match function {
        Function::Size | Function::Int | Function::Double => Type::Number,
        Function::Contains | Function::StartsWith | Function::EndsWith => Type::Bool,
        Function::LowerAscii | Function::String => Type::Text,
        Function::Split => Type::List,
    }
}

/// Whether an operator fails for these types.
fn do_not_go(operator: Operator, [a, b]: [Option<Type>; 2]) -> bool {
    let differ = a.zip(b).is_some_and(|(a, b)| a != b);
    let any_but = |good: &[Type]| [a, b].iter().flatten().any(|kind| !good.contains(kind));
    match operator {
        Operator::Equal | Operator::NotEqual => differ,
        Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
            differ || any_but(&[Type::Number, Type::Text])
        }
        Operator::Add => differ || any_but(&[Type::Number, Type::Text, Type::List]),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            any_but(&[Type::Number])
        }
        Operator::In => match b {
            Some(Type::List) | None => false,
            Some(Type::Map) => a.is_some_and(|kind| kind != Type::Text),
            Some(Type::Bool | Type::Number | Type::Text) => true,
        },
    }
}

/// Whether a function takes an argument of this type, whichever it is.
const fn takes(function: Function, kind: Type) -> bool {
    match function {
        Function::Size => matches!(kind, Type::Text | Type::List | Type::Map),
        Function::Contains
        | Function::StartsWith
        | Function::EndsWith
        | Function::LowerAscii
        | Function::Split => matches!(kind, Type::Text),
        Function::String => matches!(kind, Type::Text | Type::Bool | Type::Number),
        Function::Int | Function::Double => matches!(kind, Type::Text | Type::Number),
    }
}
