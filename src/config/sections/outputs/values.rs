//! Header maps and changes of the query, as they hold after the check.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::schema::{OnMissing, ValueFormat, WrittenHeader, WrittenQuery};
use crate::expression::{Expression, Place, PlaceRoot};

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// The same text for each request, in visible ASCII with blanks inside.
    Constant(Arc<str>),
    /// The value of a place.
    Place(Place),
    /// The part of a place's value at this JSON pointer, without the place.
    Inside(Place, Box<str>),
    /// The value of an expression.
    Expression(Arc<Expression>),
}

/// A value that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedValue {
    /// Its origin.
    pub source: ValueSource,
    /// Its form.
    pub format: ValueFormat,
    /// The treatment of a request for which there is none.
    pub on_missing: OnMissing,
}

/// A header that is told, under a name that no other setting of its list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputHeader {
    /// The name, in lower case.
    pub name: Arc<str>,
    /// The value.
    pub value: MappedValue,
    pub(super) written: WrittenHeader,
}

/// A parameter of the query that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedParameter {
    /// The name.
    pub name: Arc<str>,
    /// The value.
    pub value: MappedValue,
}

/// The changes of the query. No name is in both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryMap {
    /// Parameters to set.
    pub set: Vec<MappedParameter>,
    /// Names to remove.
    pub remove: Vec<Arc<str>>,
    pub(super) written: WrittenQuery,
}

/// The outputs of one rule alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteOutputs {
    /// Headers for the service behind.
    pub headers: Vec<OutputHeader>,
    /// Headers for the client.
    pub response_headers: Vec<OutputHeader>,
    /// Changes of the query.
    pub query: Option<QueryMap>,
    /// The credential is removed.
    pub strip_credential: bool,
}

impl ValueSource {
    /// The places that it may read.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        match self {
            Self::Constant(_) => &[],
            Self::Place(place) | Self::Inside(place, _) => std::slice::from_ref(place),
            Self::Expression(expression) => expression.places(),
        }
    }

    /// It may read something of this root.
    #[must_use]
    pub fn reads(&self, root: PlaceRoot) -> bool {
        self.places().iter().any(|place| place.root() == root)
    }

    /// It has no value without an identity. An expression may have one.
    #[must_use]
    pub fn needs_identity(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Expression(_) => false,
            Self::Place(place) | Self::Inside(place, _) => match place.root() {
                PlaceRoot::Identity | PlaceRoot::Claims | PlaceRoot::Profile => true,
                PlaceRoot::Request | PlaceRoot::Path => false,
            },
        }
    }
}

impl OutputHeader {
    /// The setting of the file.
    pub(in crate::config) const fn written(&self) -> &WrittenHeader {
        &self.written
    }

    /// It stands in place of the client's own `authorization`, which other routes let pass.
    #[must_use]
    pub const fn replaces_credential(&self) -> bool {
        self.written.replaces_credential
    }
}

impl QueryMap {
    /// The setting of the file.
    pub(in crate::config) const fn written(&self) -> &WrittenQuery {
        &self.written
    }
}

/// Printed as it is written in the file.
impl Serialize for OutputHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}
