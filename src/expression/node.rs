//! A parsed expression: a tree of its parts.

use regex::Regex;
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantNames};

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Node {
    /// A value that is written out.
    Literal(Value),
    /// The value of a place, by its number in the list of places.
    Read(usize),
    /// The place is there.
    IsThere(usize),
    /// A loop's variable: how many loops further out it belongs to.
    Variable(usize),
    /// A member of a map by its name.
    Field(Box<Node>, Box<str>),
    /// A map has a member of this name.
    HasField(Box<Node>, Box<str>),
    /// An item of a list, or a member of a map.
    Index(Box<[Node; 2]>),
    /// `!a`
    Not(Box<Node>),
    /// `-a`
    Negate(Box<Node>),
    /// `a && b`
    And(Box<[Node; 2]>),
    /// `a || b`
    Or(Box<[Node; 2]>),
    /// `a ? b : c`
    Choose(Box<[Node; 3]>),
    /// An operator between two values.
    Operator(Operator, Box<[Node; 2]>),
    /// A function of its arguments.
    Call(Function, Box<[Node]>),
    /// A text has this form.
    Matches(Box<Node>, Box<Regex>),
    /// `[a, b]`
    List(Box<[Node]>),
    /// `{"a": b}`
    Map(Box<[(Node, Node)]>),
    /// A macro over a list or over the keys of a map.
    Loop(Box<Loop>),
}

/// A macro: it asks its body for each item.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) range: Node,
    /// The question about an item.
    pub(super) condition: Option<Node>,
    /// The value that is made of an item, for [`LoopKind::Map`].
    pub(super) result: Option<Node>,
}

/// Which macro it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    /// `filter` too: without a result, the items themselves.
    Map,
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
pub(super) enum Operator {
    #[strum(serialize = "==")]
    Equal,
    #[strum(serialize = "!=")]
    NotEqual,
    #[strum(serialize = "<")]
    Less,
    #[strum(serialize = "<=")]
    AtMost,
    #[strum(serialize = ">")]
    Greater,
    #[strum(serialize = ">=")]
    AtLeast,
    #[strum(serialize = "+")]
    Add,
    #[strum(serialize = "-")]
    Subtract,
    #[strum(serialize = "*")]
    Multiply,
    #[strum(serialize = "/")]
    Divide,
    #[strum(serialize = "%")]
    Remainder,
    #[strum(serialize = "in")]
    In,
}

/// A function that is offered, apart from `matches` and the macros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "camelCase")]
pub(super) enum Function {
    /// `size(x)` or `x.size()`
    Size,
    /// `x.contains(y)`
    Contains,
    /// `x.startsWith(y)`
    StartsWith,
    /// `x.endsWith(y)`
    EndsWith,
    /// `x.lowerAscii()`
    LowerAscii,
    /// `x.split(y)`
    Split,
    /// `string(x)`
    String,
    /// `int(x)`
    Int,
    /// `double(x)`
    Double,
}

impl LoopKind {
    /// The word or sign that an expression writes.
    pub(super) const fn written(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Map => "map",
        }
    }
}

impl Operator {
    /// The word or sign that an expression writes.
    pub(super) fn written(self) -> &'static str {
        self.into()
    }
}

impl Function {
    /// The word or sign that an expression writes.
    pub(super) fn written(self) -> &'static str {
        self.into()
    }

    /// The number of its arguments, the value before the dot included.
    pub(super) const fn arguments(self) -> usize {
        match self {
            Self::Size | Self::LowerAscii | Self::String | Self::Int | Self::Double => 1,
            Self::Contains | Self::StartsWith | Self::EndsWith | Self::Split => 2,
        }
    }

    /// It is called behind a dot (`x.f()`), before its argument (`f(x)`), or either way.
    pub(super) const fn may_be_called(self, behind_dot: bool) -> bool {
        match self {
            Self::Size => true,
            Self::String | Self::Int | Self::Double => !behind_dot,
            Self::Contains | Self::StartsWith | Self::EndsWith | Self::LowerAscii | Self::Split => {
                behind_dot
            }
        }
    }
}

impl Node {
    /// The value may be `true` or `false`: where it cannot, a condition of it is a mistake.
    pub(super) const fn may_be_boolean(&self) -> bool {
        match self {
            Self::Literal(value) => matches!(value, Value::Bool(_)),
            Self::Read(_)
            | Self::IsThere(_)
            | Self::Variable(_)
            | Self::Field(..)
            | Self::HasField(..)
            | Self::Index(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Choose(_)
            | Self::Matches(..) => true,
            Self::Negate(_) | Self::List(_) | Self::Map(_) => false,
            Self::Operator(operator, _) => match operator {
                Operator::Equal
                | Operator::NotEqual
                | Operator::Less
                | Operator::AtMost
                | Operator::Greater
                | Operator::AtLeast
                | Operator::In => true,
                Operator::Add
                | Operator::Subtract
                | Operator::Multiply
                | Operator::Divide
                | Operator::Remainder => false,
            },
            Self::Call(function, _) => match function {
                Function::Contains | Function::StartsWith | Function::EndsWith => true,
                Function::Size
                | Function::LowerAscii
                | Function::Split
                | Function::String
                | Function::Int
                | Function::Double => false,
            },
            Self::Loop(walk) => match walk.kind {
                LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => true,
                LoopKind::Map => false,
            },
        }
    }
}
