//! The evaluation of an expression.
//!
//! In: a tree, its places and the facts. Out: a value, or a fault. `&&`, `||`, `all` and `exists`
//! are decided by one side where that decides whatever the other is (CEL's rule): a fault on the
//! other side does not count then. A fault that decides stays a fault under `!`.

use std::{borrow::Cow, cell::OnceCell};

use serde_json::{Map, Value};

use super::{
    budget::Budget,
    fault::{Fault, FaultKind},
    node::{Loop, LoopKind, Node, Operator},
    operators,
    place::Place,
};

/// The source of the values of places.
pub trait Facts {
    /// The value of a place; `None` if it is not there. Asked at most once for each place, and only
    /// for those that the evaluation comes to.
    ///
    /// # Errors
    ///
    /// The fault, if the value cannot be told: it can be read in several ways
    /// ([`FaultKind::Unclear`]), or the profile was not read yet ([`FaultKind::ProfileUnread`]).
    fn value(&self, place: &Place) -> Result<Option<Cow<'_, Value>>, Fault>;

    /// The value of a place, if it is a text that can be told without making a value of it. `None` says
    /// nothing about the place.
    fn text(&self, _place: &Place) -> Option<&str> {
        None
    }
}

/// A place's value, once it was asked for.
type Asked<'r> = OnceCell<Result<Option<Cow<'r, Value>>, Fault>>;

/// One evaluation.
pub(super) struct Evaluation<'r> {
    facts: &'r dyn Facts,
    places: &'r [Place],
    asked: Vec<Asked<'r>>,
    budget: Budget,
}

/// The items that the loops around stand at, the innermost first.
#[derive(Clone, Copy)]
struct Scope<'s> {
    item: &'s Value,
    outer: Option<&'s Scope<'s>>,
}

type Valued<'s> = Result<Cow<'s, Value>, Fault>;

impl<'r> Evaluation<'r> {
    pub(super) fn new(places: &'r [Place], facts: &'r dyn Facts, budget: Budget) -> Self {
        let asked = places.iter().map(|_| OnceCell::new()).collect();
        Self { facts, places, asked, budget }
    }

    /// The steps that are left.
    pub(super) const fn left(&self) -> usize {
        self.budget.left()
    }

    /// The value of the whole tree.
    ///
    /// # Errors
    ///
    /// The fault, if it has none.
    pub(super) fn value(&self, tree: &Node) -> Result<Value, Fault> {
        self.eval(tree, None).map(Cow::into_owned)
    }

    fn eval<'s>(&'s self, node: &'s Node, scope: Option<&'s Scope<'s>>) -> Valued<'s> {
        self.budget.take(1)?;
        Ok(match node {
            Node::Literal(value) => Cow::Borrowed(value),
            Node::Read(place) => Cow::Borrowed(self.place(*place)?.ok_or_else(|| {
                let name = self.places.get(*place).map(Place::written);
                Fault::new(FaultKind::Missing, name.unwrap_or_default())
            })?),
            Node::IsThere(place) => Cow::Owned(self.is_there(*place)?.into()),
            Node::Variable(out) => Cow::Borrowed(variable(*out, scope)?),
            Node::Field(of, name) => {
                member(self.eval(of, scope)?, |of| operators::field(of, name))?
            }
            Node::HasField(of, name) => {
                let of = self.eval(of, scope)?;
                let member = operators::map_of(&of, name)?.get(&**name);
                Cow::Owned(operators::is_there(member).into())
            }
            Node::Index(parts) => {
                let [of, index] = &**parts;
                let (of, index) = (self.eval(of, scope)?, self.eval(index, scope)?);
                member(of, |of| operators::index(of, &index))?
            }
            Node::Not(part) => Cow::Owned((!self.truth(part, "!", scope)?).into()),
            Node::Negate(part) => Cow::Owned(operators::negate(&*self.eval(part, scope)?)?),
            Node::And(parts) => Cow::Owned(self.pair(parts, false, "&&", scope)?.into()),
            Node::Or(parts) => Cow::Owned(self.pair(parts, true, "||", scope)?.into()),
            Node::Choose(parts) => {
                let [question, yes, no] = &**parts;
                let answer = self.truth(question, "?", scope)?;
                self.eval(if answer { yes } else { no }, scope)?
            }
            Node::Operator(operator, parts) => Cow::Owned(self.operator(*operator, parts, scope)?),
            Node::Call(function, args) => {
                let args = args.iter().map(|arg| self.eval(arg, scope));
                let args = args.collect::<Result<Vec<_>, _>>()?;
                let args: Vec<&Value> = args.iter().map(AsRef::as_ref).collect();
                Cow::Owned(operators::call(*function, &args, &self.budget)?)
            }
            Node::Matches(text, form) => {
                let text = self.eval(text, scope)?;
                let Value::String(text) = &*text else {
                    return Err(Fault::new(FaultKind::WrongType, "matches"));
                };
                self.budget.take(1 + text.len() / 4)?;
                Cow::Owned(form.is_match(text).into())
            }
            Node::List(items) => {
                let items = items.iter().map(|item| self.copy(item, scope));
                Cow::Owned(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Node::Map(entries) => Cow::Owned(self.map(entries, scope)?),
            Node::Loop(walk) => self.walk(walk, scope)?,
        })
    }

    /// The result of an operator. The word `null` asks whether something is `null`.
    fn operator<'s>(
        &'s self,
        operator: Operator,
        [a, b]: &'s [Node; 2],
        scope: Option<&'s Scope<'s>>,
    ) -> Result<Value, Fault> {
        let is_word = |node: &Node| matches!(node, Node::Literal(Value::Null));
        match (is_word(a), is_word(b), operator) {
            (false, true, Operator::Equal | Operator::NotEqual) => {
                operators::apply_to_null(operator, &*self.eval(a, scope)?)
            }
            (true, false, Operator::Equal | Operator::NotEqual | Operator::In) => {
                operators::apply_to_null(operator, &*self.eval(b, scope)?)
            }
            _ => {
                let (a, b) = (self.eval(a, scope)?, self.eval(b, scope)?);
                operators::apply(operator, &a, &b, &self.budget)
            }
        }
    }

    /// The value of a place, asked for once.
    fn place(&self, place: usize) -> Result<Option<&Value>, Fault> {
        let (Some(asked), Some(place)) = (self.asked.get(place), self.places.get(place)) else {
            return Ok(None);
        };
        match asked.get_or_init(|| self.facts.value(place)) {
            Ok(value) => Ok(value.as_deref()),
            Err(fault) => Err(fault.clone()),
        }
    }

    /// Whether a place has a value. One that is at another server is there although it cannot be read.
    fn is_there(&self, place: usize) -> Result<bool, Fault> {
        match self.place(place) {
            Err(fault) if fault.kind() == FaultKind::Elsewhere => Ok(true),
            asked => asked.map(operators::is_there),
        }
    }

    fn truth<'s>(
        &'s self,
        node: &'s Node,
        asks: &'static str,
        scope: Option<&'s Scope<'s>>,
    ) -> Result<bool, Fault> {
        let value = self.eval(node, scope)?;
        value.as_bool().ok_or_else(|| Fault::new(FaultKind::WrongType, asks))
    }

    /// `&&` and `||`: a side that is `decides` decides.
    fn pair<'s>(
        &'s self,
        parts: &'s [Node; 2],
        decides: bool,
        asks: &'static str,
        scope: Option<&'s Scope<'s>>,
    ) -> Result<bool, Fault> {
        any(parts.iter(), |part| Ok(self.truth(part, asks, scope)? == decides))
            .map(|decided| decided == decides)
    }

    /// A copy of a value, whose work is taken.
    fn copy<'s>(&'s self, node: &'s Node, scope: Option<&'s Scope<'s>>) -> Result<Value, Fault> {
        let value = self.eval(node, scope)?;
        if let Cow::Borrowed(value) = value {
            operators::take_copy(value, &self.budget)?;
        }
        Ok(value.into_owned())
    }

    fn map<'s>(
        &'s self,
        entries: &'s [(Node, Node)],
        scope: Option<&'s Scope<'s>>,
    ) -> Result<Value, Fault> {
        let mut made = Map::new();
        for (name, value) in entries {
            let Value::String(name) = self.copy(name, scope)? else {
                return Err(Fault::new(FaultKind::WrongType, "{}"));
            };
            made.insert(name, self.copy(value, scope)?);
        }
        Ok(Value::Object(made))
    }

    fn walk<'s>(&'s self, walk: &'s Loop, scope: Option<&'s Scope<'s>>) -> Valued<'s> {
        let range = self.eval(&walk.range, scope)?;
        let keys: Vec<Value>;
        let items: &[Value] = match &*range {
            Value::Array(items) => items,
            Value::Object(map) => {
                map.keys().try_for_each(|key| self.budget.take_text(key.len()))?;
                keys = map.keys().map(|key| key.as_str().into()).collect();
                &keys
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(Fault::new(FaultKind::WrongType, walk.kind.written()));
            }
        };
        let asks = walk.kind.written();
        let holds = |item: &Value| {
            let inner = Scope { item, outer: scope };
            walk.condition.as_ref().map_or(Ok(true), |asked| self.truth(asked, asks, Some(&inner)))
        };
        Ok(Cow::Owned(match walk.kind {
            LoopKind::All => (!any(items.iter(), |item| Ok(!holds(item)?))?).into(),
            LoopKind::Exists => any(items.iter(), holds)?.into(),
            LoopKind::ExistsOne => {
                let mut count = 0_usize;
                for item in items {
                    count += usize::from(holds(item)?);
                }
                (count == 1).into()
            }
            LoopKind::Map => {
                let mut made = Vec::new();
                for item in items {
                    if !holds(item)? {
                        continue;
                    }
                    let inner = Scope { item, outer: scope };
                    made.push(match &walk.result {
                        Some(result) => self.copy(result, Some(&inner))?,
                        None => {
                            operators::take_copy(item, &self.budget)?;
                            item.clone()
                        }
                    });
                }
                Value::Array(made)
            }
        }))
    }
}

/// One of these holds: one that does decides, and a fault of the others does not count then.
fn any<T>(
    items: impl Iterator<Item = T>,
    mut holds: impl FnMut(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let mut fault: Option<Fault> = None;
    for item in items {
        match holds(item) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(next) if next.kind() == FaultKind::TooMuchWork => return Err(next),
            Err(next) => {
                fault = Some(match fault {
                    Some(first) => first.or(next),
                    None => next,
                });
            }
        }
    }
    fault.map_or(Ok(false), Err)
}

/// A part of a value; copied only where the value itself ends here.
fn member<'s>(
    of: Cow<'s, Value>,
    find: impl for<'v> FnOnce(&'v Value) -> Result<&'v Value, Fault>,
) -> Valued<'s> {
    match of {
        Cow::Borrowed(of) => find(of).map(Cow::Borrowed),
        Cow::Owned(of) => find(&of).map(|found| Cow::Owned(found.clone())),
    }
}

fn variable<'s>(out: usize, scope: Option<&'s Scope<'s>>) -> Result<&'s Value, Fault> {
    let mut scope = scope;
    for _ in 0..out {
        scope = scope.and_then(|inner| inner.outer);
    }
    scope.map(|scope| scope.item).ok_or_else(|| Fault::new(FaultKind::Missing, "a variable"))
}
