//! Lists below groups, a page at a time.

use prost::Message;

use super::{checks, place::Place};
use crate::{
    grpc::rownd_auth::{
        fault::{Fault, MAX_RESPONSE_BYTES},
        page::{Page, PageBounds, next_page_token},
        reason::ErrorReason,
    },
    issuer_api::administration::groups::{GroupDocument, GroupList, ListPart},
};

const PAGES: PageBounds = PageBounds { default: 100, most: 100 };

/// The part of a list that a request asks for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) list: GroupList<'a>,
    pub(super) lookup: &'a [String],
    pub(super) ensured_user: Option<&'a str>,
    pub(super) page_size: i32,
    pub(super) page_token: &'a str,
}

/// A page of documents.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entries: Vec<GroupDocument>,
    pub(super) next_page_token: String,
    pub(super) total: Option<i64>,
}

/// The page that is asked for.
pub(super) async fn find(place: &Place, asked: Asked<'_>) -> Result<Found, Fault> {
    checks::lookup_filter(asked.lookup)?;
    let filters = filters(place, &asked);
    let page = Page::of(asked.page_size, asked.page_token, PAGES, &filters)?;
    let part = ListPart {
        size: usize::try_from(page.size).unwrap_or(usize::MAX),
        after: page.after.as_deref(),
        lookup: asked.lookup,
        ensured_user: asked.ensured_user,
    };
    let found = place.list(asked.list, part).await?;
    let last = found.entries.last().filter(|_| found.more);
    Ok(Found {
        next_page_token: last.map_or_else(String::new, |last| next_page_token(&last.id, &filters)),
        total: found.total.and_then(|total| i64::try_from(total).ok()),
        entries: found.entries,
    })
}

/// Everything that decides which entries there are.
fn filters<'a>(place: &'a Place, asked: &Asked<'a>) -> Vec<&'a str> {
    let (kind, group) = match asked.list {
        GroupList::Groups => ("groups", ""),
        GroupList::Members(group) => ("members", group),
        GroupList::Invites(group) => ("invites", group),
    };
    let named = [place.issuer.as_str(), &place.app, kind, group];
    let ensured = asked.ensured_user.unwrap_or_default();
    named.into_iter().chain([ensured]).chain(asked.lookup.iter().map(String::as_str)).collect()
}

/// The same answer, if libraries take it.
pub(super) fn fitting<M: Message>(answer: M) -> Result<M, Fault> {
    if answer.encoded_len() <= MAX_RESPONSE_BYTES {
        return Ok(answer);
    }
    let message = "the answer would have more than 4 MiB, which libraries refuse: ask for fewer at \
                   a time, by `page_size`";
    Err(Fault::Told(ErrorReason::ResponseTooLarge, message, Vec::new()))
}
