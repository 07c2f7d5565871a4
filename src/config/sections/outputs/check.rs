//! The check of header maps and of changes of the query.

use std::{collections::HashSet, sync::Arc};

use super::{
    names,
    schema::{OnMissing, ValueFormat, WrittenHeader, WrittenQuery, WrittenValueFrom},
    values::{MappedParameter, MappedValue, OutputHeader, QueryMap, ValueSource},
};
use crate::{
    config::{
        findings::Findings,
        sections::routes::{HeaderReader, read_header},
    },
    expression::{Expression, IdentityPlace, Place, PlaceRoot, ProfilePlace},
};

/// The rules that a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum OutputScope {
    /// Every rule.
    EveryRule,
    /// One rule.
    OneRule,
}

/// Checks a list of headers; those with a problem are left out.
pub(in crate::config) fn check_header_map(
    written: &[WrittenHeader],
    at: &str,
    scope: OutputScope,
    found: &mut Findings,
) -> Vec<OutputHeader> {
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(written.len());
    for (index, header) in written.iter().enumerate() {
        let at = format!("{at}/{index}");
        let constant = header.from.constant.is_some() && scope == OutputScope::OneRule;
        let name = names::check_header(&header.name, header.replaces_credential && constant);
        let name = found.keep(format!("{at}/name"), name);
        if header.replaces_credential && header.name != names::AUTHORIZATION {
            found.add(
                format!("{at}/replaces_credential"),
                "is for the header authorization alone; leave it out",
            );
        }
        if !seen.insert(header.name.as_str()) {
            found.add(
                format!("{at}/name"),
                "another header of this list has this name; leave one out",
            );
        }
        let value = check_value(&header.from, header.format, header.on_missing, &at, scope, found);
        if let (Some(()), Some(value)) = (name, value) {
            let name = header.name.as_str().into();
            checked.push(OutputHeader { name, value, written: header.clone() });
        }
    }
    checked
}

/// Checks changes of the query; those with a problem are left out.
pub(in crate::config) fn check_query(
    written: &WrittenQuery,
    at: &str,
    scope: OutputScope,
    found: &mut Findings,
) -> QueryMap {
    let mut checked = QueryMap { written: written.clone(), ..QueryMap::default() };
    if written.set.is_empty() && written.remove.is_empty() {
        found.add(at, "is empty; write set or remove, or leave it out");
    }
    let mut seen = HashSet::new();
    for (index, parameter) in written.set.iter().enumerate() {
        let at = format!("{at}/set/{index}");
        let name = check_parameter(&parameter.name, &at, &mut seen, found);
        let (format, on_missing) = (parameter.format, parameter.on_missing);
        let value = check_value(&parameter.from, format, on_missing, &at, scope, found);
        if let (Some(name), Some(value)) = (name, value) {
            checked.set.push(MappedParameter { name, value });
        }
    }
    for (index, name) in written.remove.iter().enumerate() {
        let at = format!("{at}/remove/{index}");
        checked.remove.extend(check_parameter(name, &at, &mut seen, found));
    }
    checked
}

fn check_parameter(
    name: &str,
    at: &str,
    seen: &mut HashSet<String>,
    found: &mut Findings,
) -> Option<Arc<str>> {
    found.keep(at, names::check_parameter(name))?;
    // Some servers read names without regard to their case.
    if !seen.insert(name.to_ascii_lowercase()) {
        found.add(at, format!("`{name}` is there twice; leave one out"));
        return None;
    }
    Some(name.into())
}

fn check_value(
    from: &WrittenValueFrom,
    format: ValueFormat,
    on_missing: OnMissing,
    at: &str,
    scope: OutputScope,
    found: &mut Findings,
) -> Option<MappedValue> {
    let at = format!("{at}/from");
    let (setting, source) = source_of(from)?;
    let at = format!("{at}/{setting}");
    let source = found.keep(&at, source)?;
    for name in source.places().iter().filter_map(Place::header) {
        found.keep(&at, read_header(name, HeaderReader::Expression));
    }
    if let Some(problem) = problem_of(&source, format, scope) {
        found.add(at, problem);
    }
    Some(MappedValue { source, format, on_missing })
}

/// The source, with the name of its setting. The schema has refused none and several.
fn source_of(from: &WrittenValueFrom) -> Option<(&'static str, Result<ValueSource, String>)> {
    let WrittenValueFrom { claim, profile, identity, path, constant, cel } = from;
    let place = |place| Ok(ValueSource::Place(place));
    if let Some(name) = claim {
        let claim = pointer(name).and_then(|()| place(Place::Claim(name.as_str().into())));
        return Some(("claim", claim));
    }
    if let Some(name) = profile {
        return Some(("profile", profile_source(name)));
    }
    if let Some(part) = identity {
        return Some(("identity", place(Place::Identity(*part))));
    }
    if let Some(name) = path {
        return Some(("path", place(Place::Path(name.as_str().into()))));
    }
    if let Some(text) = constant {
        return Some(("constant", constant_source(text)));
    }
    let text = cel.as_ref()?;
    Some(("cel", Expression::parse(text).map(|it| ValueSource::Expression(Arc::new(it)))))
}

/// Judges a name or a JSON pointer (RFC 6901 section 3).
fn pointer(written: &str) -> Result<(), String> {
    let escapes = written.split('~').skip(1);
    let good =
        !written.starts_with('/') || escapes.into_iter().all(|it| it.starts_with(['0', '1']));
    if good {
        Ok(())
    } else {
        Err(format!("`{written}` is no JSON pointer; write `~0` for a `~` and `~1` for a `/`"))
    }
}

fn constant_source(text: &str) -> Result<ValueSource, String> {
    let good = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.bytes().all(good) && text.trim_ascii() == text && !text.is_empty() {
        Ok(ValueSource::Constant(text.into()))
    } else {
        Err("is not visible ASCII, or has a blank at an end; percent-encode other characters"
            .to_owned())
    }
}

fn profile_source(written: &str) -> Result<ValueSource, String> {
    pointer(written)?;
    let Some(steps) = written.strip_prefix('/') else {
        let name = written.replace('~', "~0").replace('/', "~1");
        return Ok(ValueSource::Inside(
            Place::Profile(ProfilePlace::Data),
            format!("/{name}").into(),
        ));
    };
    let (field, inside) = match steps.split_once('/') {
        Some((field, rest)) => (field, Some(format!("/{rest}"))),
        None => (steps, None),
    };
    let place = field.parse::<ProfilePlace>().map(Place::Profile).map_err(|_| {
        format!(
            "`{written}` begins with no part of the profile; write /data/city, \
             /verified_data/email or /attributes/plan"
        )
    })?;
    Ok(match inside {
        Some(inside) => ValueSource::Inside(place, inside.into()),
        None => ValueSource::Place(place),
    })
}

/// The reason why a source can only be a mistake there.
fn problem_of(
    source: &ValueSource,
    format: ValueFormat,
    scope: OutputScope,
) -> Option<&'static str> {
    if scope == OutputScope::EveryRule && source.reads(PlaceRoot::Path) {
        return Some("is a variable of one route's path; write it on that route");
    }
    match source {
        ValueSource::Place(Place::Identity(part)) => (format == ValueFormat::Text
            && is_list(*part))
        .then_some("is a list; write format: list"),
        ValueSource::Constant(_)
        | ValueSource::Inside(..)
        | ValueSource::Expression(_)
        | ValueSource::Place(
            Place::Request(_)
            | Place::Header(_)
            | Place::Query(_)
            | Place::Claim(_)
            | Place::Profile(_)
            | Place::Path(_),
        ) => None,
    }
}

const fn is_list(part: IdentityPlace) -> bool {
    match part {
        IdentityPlace::Roles
        | IdentityPlace::Permissions
        | IdentityPlace::Groups
        | IdentityPlace::Scopes => true,
        IdentityPlace::UserId
        | IdentityPlace::Issuer
        | IdentityPlace::AuthLevel
        | IdentityPlace::Anonymous
        | IdentityPlace::Verified
        | IdentityPlace::AppId
        | IdentityPlace::AppVariant
        | IdentityPlace::Tenant
        | IdentityPlace::SessionId
        | IdentityPlace::TokenId
        | IdentityPlace::IssuedAt => false,
    }
}
