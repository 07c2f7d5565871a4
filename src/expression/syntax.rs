//! The parser: the one file that names the crate `cel`.
//!
//! In: a text within the bounds. Out: the [`Node`] of it and the places that it reads, or what is
//! wrong. The crate's own interpreter is not used: it has no bound of work, takes values of
//! different types for unequal where we ask for a fault, and compiles a regular expression each
//! time that it is asked.

use std::panic;

use cel::{
    common::ast::{
        CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
    },
    parser::PrattParser,
};
use serde_json::Value;
use strum::VariantNames;

use super::{
    node::{Function, Loop, LoopKind, Node, Operator},
    pattern,
    place::{Holder, IdentityPlace, Member, Place, PlaceRoot, ProfilePlace},
};

/// The deepest tree. Also bounds how deeply an evaluation calls itself.
const MAX_DEPTH: u16 = 48;
/// How many macros may stand in the body of one another: each multiplies the work.
const MAX_LOOPS: usize = 2;
/// The macros, for messages.
const MACROS: &str = "has, all, exists, exists_one, map, filter";

/// The tree of an expression, and the places that it reads.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) tree: Node,
    pub(super) places: Vec<Place>,
}

/// Parses a text within the bounds.
///
/// # Errors
///
/// The mistake in it, and what to write instead.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let parsed = panic::catch_unwind(|| {
        let parser = PrattParser::new().max_recursion_depth(MAX_DEPTH).error_recovery_limit(1);
        parser.parse(text)
    });
    let parsed = parsed.map_err(|_| "cannot be parsed; write it in a simpler form".to_owned())?;
    let parsed = parsed.map_err(|errors| match errors.errors.first() {
        Some(error) if error.pos.0 > 0 => {
            let (line, column) = error.pos;
            format!("line {line}, column {column}: {}", in_our_words(&error.msg))
        }
        Some(error) => in_our_words(&error.msg).to_owned(),
        None => "cannot be parsed".to_owned(),
    })?;
    let mut lowering = Lowering { places: Vec::new(), variables: Vec::new(), loops: 0, depth: 0 };
    let tree = lowering.node(&parsed)?;
    Ok(Parsed { tree, places: lowering.places })
}

/// The parser's message, with what to write instead where the message alone helps nobody.
fn in_our_words(message: &str) -> &str {
    if message.contains("has() macro") {
        return "`has` takes a member behind a dot, as in has(claims.plan); for a name in quotes \
                write \"x\" in request.headers, or \"a b\" in claims";
    }
    if message.contains("<EOF>") {
        return "the expression ends too early; write what is missing at its end";
    }
    if message.contains("simple name") {
        return "the first argument of a macro is the name of its variable, as in \
                claims.list.exists(x, x == 1)";
    }
    message
}

/// Makes the tree, from the crate's.
struct Lowering<'e> {
    places: Vec<Place>,
    /// The variables of the loops around, the innermost last.
    variables: Vec<&'e str>,
    /// The loops in whose bodies this stands.
    loops: usize,
    depth: u16,
}

impl<'e> Lowering<'e> {
    fn node(&mut self, written: &'e IdedExpr) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!(
                "is nested more than {MAX_DEPTH} levels deep; write several conditions"
            ));
        }
        let node = self.part(&written.expr);
        self.depth -= 1;
        node
    }

    fn boxed<const N: usize>(
        &mut self,
        parts: [&'e IdedExpr; N],
    ) -> Result<Box<[Node; N]>, String> {
        let nodes = parts.into_iter().map(|part| self.node(part)).collect::<Result<Vec<_>, _>>()?;
        Box::<[Node; N]>::try_from(nodes).map_err(|_| "cannot be parsed".to_owned())
    }

    fn part(&mut self, expr: &'e Expr) -> Result<Node, String> {
        match expr {
            Expr::Literal(literal) => literal_value(literal).map(Node::Literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.node(item));
                Ok(Node::List(items.collect::<Result<_, _>>()?))
            }
            Expr::Map(map) => {
                let entries = map.entries.iter().map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        Ok((self.node(&entry.key)?, self.node(&entry.value)?))
                    }
                    EntryExpr::StructField(_) => Err(no_message()),
                });
                Ok(Node::Map(entries.collect::<Result<_, _>>()?))
            }
            Expr::Comprehension(walk) => self.comprehension(walk),
            Expr::Struct(_) => Err(no_message()),
            Expr::Unspecified => Err("cannot be parsed".to_owned()),
        }
    }

    fn variable(&self, name: &str) -> Result<Node, String> {
        if let Some(out) = self.variables.iter().rev().position(|known| *known == name) {
            return Ok(Node::Variable(out));
        }
        Err(match PlaceRoot::of(name) {
            Some(root) => read_by_name(Holder::Root(root)),
            None => format!("unknown name `{name}`; there are {}", PlaceRoot::names()),
        })
    }

    /// The holder of places that this is, if it is one.
    fn holder(&self, written: &IdedExpr) -> Result<Option<Holder>, String> {
        if let Expr::Ident(name) = &written.expr {
            let free = !self.variables.contains(&name.as_str());
            return Ok(PlaceRoot::of(name).filter(|_| free).map(Holder::Root));
        }
        if let Expr::Select(select) = &written.expr
            && !select.test
        {
            return self.member_holder(&select.operand, &select.field);
        }
        if let Expr::Call(call) = &written.expr
            && let (operators::INDEX, [of, name]) = (call.func_name.as_str(), &*call.args)
            && let Some(name) = text_of(name)
        {
            return self.member_holder(of, name);
        }
        Ok(None)
    }

    fn member_holder(&self, of: &IdedExpr, name: &str) -> Result<Option<Holder>, String> {
        // Only a root has holders inside.
        if !matches!(of.expr, Expr::Ident(_)) {
            return Ok(None);
        }
        match self.holder(of)?.map(|holder| holder.member(name)).transpose()? {
            Some(Member::Holder(inner)) => Ok(Some(inner)),
            Some(Member::Place(_)) | None => Ok(None),
        }
    }

    /// The number of the place of this name.
    fn place(&mut self, holder: Holder, name: &str) -> Result<usize, String> {
        match holder.member(name)? {
            Member::Holder(inner) => Err(read_by_name(inner)),
            Member::Place(place) => {
                let known = self.places.iter().position(|known| *known == place);
                Ok(known.unwrap_or_else(|| {
                    self.places.push(place);
                    self.places.len() - 1
                }))
            }
        }
    }

    fn select(&mut self, select: &'e SelectExpr) -> Result<Node, String> {
        let SelectExpr { operand, field, test } = select;
        if let Some(holder) = self.holder(operand)? {
            let place = self.place(holder, field)?;
            return Ok(if *test { Node::IsThere(place) } else { Node::Read(place) });
        }
        let of = Box::new(self.node(operand)?);
        let field = field.as_str().into();
        Ok(if *test { Node::HasField(of, field) } else { Node::Field(of, field) })
    }

    fn call(&mut self, call: &'e CallExpr) -> Result<Node, String> {
        let CallExpr { func_name, target, args } = call;
        match (func_name.as_str(), target.as_deref(), args.as_slice()) {
            (operators::LOGICAL_NOT, None, [a]) => Ok(Node::Not(Box::new(self.node(a)?))),
            (operators::NEGATE, None, [a]) => Ok(Node::Negate(Box::new(self.node(a)?))),
            (operators::LOGICAL_AND, None, [a, b]) => Ok(Node::And(self.boxed([a, b])?)),
            (operators::LOGICAL_OR, None, [a, b]) => Ok(Node::Or(self.boxed([a, b])?)),
            (operators::CONDITIONAL, None, [a, b, c]) => Ok(Node::Choose(self.boxed([a, b, c])?)),
            (operators::INDEX, None, [of, index]) => self.index(of, index),
            (operators::IN, None, [name, of]) => match self.holder(of)? {
                Some(holder) => {
                    let name = text_of(name).ok_or_else(|| read_by_name(holder))?;
                    self.place(holder, name).map(Node::IsThere)
                }
                None => Ok(Node::Operator(Operator::In, self.boxed([name, of])?)),
            },
            ("matches", Some(text), [form]) | ("matches", None, [text, form]) => {
                let form = text_of(form).ok_or("`matches` takes a pattern in quotes")?;
                let form = pattern::compile(form)?;
                Ok(Node::Matches(Box::new(self.node(text)?), Box::new(form)))
            }
            (name, None, [a, b]) if let Some(operator) = operator(name) => {
                let sides = self.boxed([a, b])?;
                self.check_order(operator, sides.as_slice())?;
                Ok(Node::Operator(operator, sides))
            }
            (name, target, args) => self.function(name, target, args),
        }
    }

    /// An auth level is a word, and the order of words is not that of levels.
    fn check_order(&self, operator: Operator, sides: &[Node]) -> Result<(), String> {
        let orders = matches!(
            operator,
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast
        );
        let is_level = |side: &Node| {
            let Node::Read(place) = side else { return false };
            matches!(
                self.places.get(*place),
                Some(
                    Place::Identity(IdentityPlace::AuthLevel)
                        | Place::Profile(ProfilePlace::AuthLevel)
                )
            )
        };
        if orders && sides.iter().any(is_level) {
            return Err(
                "compares auth levels as words, by the alphabet; write auth_level: verified \
                        beside `cel`, or compare with =="
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn index(&mut self, of: &'e IdedExpr, index: &'e IdedExpr) -> Result<Node, String> {
        match self.holder(of)? {
            Some(holder) => {
                let name = text_of(index).ok_or_else(|| read_by_name(holder))?;
                self.place(holder, name).map(Node::Read)
            }
            None => Ok(Node::Index(self.boxed([of, index])?)),
        }
    }

    fn function(
        &mut self,
        name: &str,
        target: Option<&'e IdedExpr>,
        args: &'e [IdedExpr],
    ) -> Result<Node, String> {
        let Ok(function) = name.parse::<Function>() else {
            let known = Function::VARIANTS.join(", ");
            return Err(if MACROS.split(", ").any(|known| known == name) {
                format!("`{name}` is written as in has(claims.x) or claims.x.all(y, y > 1)")
            } else {
                format!("unknown function `{name}`; there are {known}, matches, {MACROS}")
            });
        };
        let count = args.len() + usize::from(target.is_some());
        if !function.may_be_called(target.is_some()) || count != function.arguments() {
            let form = match (function.may_be_called(true), function.arguments()) {
                (true, 1) => format!("x.{name}()"),
                (true, _) => format!("x.{name}(y)"),
                (false, _) => format!("{name}(x)"),
            };
            return Err(format!("`{name}` is written as {form}"));
        }
        let args = target.into_iter().chain(args).map(|arg| self.node(arg));
        Ok(Node::Call(function, args.collect::<Result<_, _>>()?))
    }

    fn comprehension(&mut self, walk: &'e ComprehensionExpr) -> Result<Node, String> {
        let (kind, condition, result) = macro_of(walk).ok_or("cannot be parsed")?;
        let variable = walk.iter_var.as_str();
        if PlaceRoot::of(variable).is_some() || self.variables.contains(&variable) {
            return Err(format!("the variable `{variable}` of a macro hides another; rename it"));
        }
        let range = self.node(&walk.iter_range)?;
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            return Err(format!("has macros inside macros more than {MAX_LOOPS} deep"));
        }
        self.variables.push(variable);
        let condition = condition.map(|condition| self.node(condition)).transpose()?;
        let result = result.map(|result| self.node(result)).transpose()?;
        self.variables.pop();
        self.loops -= 1;
        Ok(Node::Loop(Box::new(Loop { kind, range, condition, result })))
    }
}

/// The macro that the crate has expanded into this: its kind, its condition and its result.
fn macro_of(walk: &ComprehensionExpr) -> Option<(LoopKind, Option<&IdedExpr>, Option<&IdedExpr>)> {
    let Expr::Call(step) = &walk.loop_step.expr else { return None };
    match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_AND, [_, question]) => Some((LoopKind::All, Some(question), None)),
        (operators::LOGICAL_OR, [_, question]) => Some((LoopKind::Exists, Some(question), None)),
        (operators::CONDITIONAL, [question, one_more, _]) => match item_added(&one_more.expr) {
            Some(item) => {
                // `filter` adds the item itself.
                let own = matches!(&item.expr, Expr::Ident(name) if *name == walk.iter_var);
                Some((LoopKind::Map, Some(question), (!own).then_some(item)))
            }
            // It adds 1 to a count.
            None => Some((LoopKind::ExistsOne, Some(question), None)),
        },
        (operators::ADD, _) => Some((LoopKind::Map, None, Some(item_added(&walk.loop_step.expr)?))),
        _ => None,
    }
}

/// The `x` of `accumulator + [x]`.
fn item_added(step: &Expr) -> Option<&IdedExpr> {
    let Expr::Call(add) = step else { return None };
    let Expr::List(list) = &add.args.get(1)?.expr else { return None };
    list.elements.first()
}

fn operator(name: &str) -> Option<Operator> {
    name.strip_prefix('_')?.strip_suffix('_')?.parse().ok()
}

fn text_of(written: &IdedExpr) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &written.expr else { return None };
    Some(text.inner())
}

fn literal_value(literal: &LiteralValue) -> Result<Value, String> {
    match literal {
        LiteralValue::Boolean(word) => Ok(Value::Bool(*word.inner())),
        LiteralValue::Double(number) => serde_json::Number::from_f64(*number.inner())
            .map(Value::Number)
            .ok_or_else(|| "has a number that is too large".to_owned()),
        LiteralValue::Int(number) => Ok((*number.inner()).into()),
        LiteralValue::Null => Ok(Value::Null),
        LiteralValue::String(text) => Ok(text.inner().into()),
        LiteralValue::Bytes(_) => Err("has bytes (b\"...\"); write a text".to_owned()),
        LiteralValue::UInt(_) => {
            Err("has an unsigned number (1u); write it without the u".to_owned())
        }
    }
}

fn read_by_name(holder: Holder) -> String {
    let holder = holder.written();
    format!("`{holder}` is read by a fixed name; write {holder}.NAME or {holder}[\"NAME\"]")
}

fn no_message() -> String {
    "messages (NAME{field: ...}) are not offered; write a map {\"field\": ...}".to_owned()
}
