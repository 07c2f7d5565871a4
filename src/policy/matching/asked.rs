//! The facts of one request that matches are held against.
//!
//! In: a request. Out: its host, and how surely its headers, its parameters and its client fit. Each
//! name is read once for all rules and readings, so that a request costs no more than its size.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

use super::{
    fit::Fit, header_readings::HeaderReadings, host::canonical_host, query_readings::QueryReadings,
};
use crate::{
    config::{NamedPart, PrincipalPattern},
    model::{DenyReason, RequestContext, Workload},
};

/// The facts of one request. In the usual case nothing is read but the host.
#[derive(Debug)]
pub(in crate::policy) struct Asked<'a> {
    request: &'a RequestContext,
    host: Cow<'a, [u8]>,
    headers: RefCell<HashMap<Box<str>, HeaderReadings<'a>>>,
    query: RefCell<HashMap<Box<str>, QueryReadings>>,
    workload: OnceCell<Option<Workload>>,
}

impl<'a> Asked<'a> {
    /// The facts of this request.
    ///
    /// # Errors
    ///
    /// The denial, if its host is none.
    pub(in crate::policy) fn of(request: &'a RequestContext) -> Result<Self, DenyReason> {
        let host = canonical_host(&request.host).ok_or(DenyReason::HostRefused)?;
        Ok(Self {
            request,
            host,
            headers: RefCell::default(),
            query: RefCell::default(),
            workload: OnceCell::new(),
        })
    }

    /// The host in lower case, without port.
    pub(in crate::policy) fn host(&self) -> &[u8] {
        &self.host
    }

    /// How surely this header has the value that is asked of it.
    pub(in crate::policy) fn header(&self, part: &NamedPart) -> Fit {
        let mut known = self.headers.borrow_mut();
        if let Some(readings) = known.get(part.name.as_str()) {
            return readings.fit(&part.value);
        }
        let readings = HeaderReadings::of(&self.request.headers, &part.name);
        let fit = readings.fit(&part.value);
        known.insert(part.name.as_str().into(), readings);
        fit
    }

    /// How surely this query parameter has the value that is asked of it.
    pub(in crate::policy) fn parameter(&self, part: &NamedPart) -> Fit {
        let mut known = self.query.borrow_mut();
        if let Some(readings) = known.get(part.name.as_str()) {
            return readings.fit(&part.value);
        }
        let readings = QueryReadings::of(&self.request.target, &part.name);
        let fit = readings.fit(&part.value);
        known.insert(part.name.as_str().into(), readings);
        fit
    }

    /// Whether the client is one of these workloads.
    pub(in crate::policy) fn workload(&self, pattern: &PrincipalPattern) -> Fit {
        let workload = self.workload.get_or_init(|| self.request.downstream().workload);
        Fit::of(workload.as_ref().is_some_and(|workload| pattern.matches(workload)))
    }
}
