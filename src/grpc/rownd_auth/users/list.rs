//! `ListUsers`: a page of users.

use prost::Message as _;
use tokio::task::yield_now;

use super::target::{UsersOfApp, read_fault};
use crate::{
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{ListUsersRequest, ListUsersResponse, User},
        rownd_auth::{
            call::ServiceCall,
            fault::{Fault, MAX_RESPONSE_BYTES},
            page::{Page, PageBounds, next_page_token},
            structure::Structures,
            user_view::UserMask,
        },
    },
    issuer_api::{
        ApiError,
        administration::users::{UserPage, UserQuery, UserRows},
    },
};

const BOUNDS: PageBounds = PageBounds { default: 100, most: 1_000 };
/// The most values of a filter, and the most bytes of all values of both: they stand in a URL.
const MAX_VALUES: usize = 100;
const MAX_FILTER_BYTES: usize = 4_096;
/// The rows after which other work of the thread has a turn.
const TURN: usize = 16;

/// A page of users.
///
/// # Errors
///
/// Fails for a filter, an order or a page token that cannot be meant, where the issuer gives no usable
/// answer, and where the page is too large.
pub(super) async fn list_users(
    call: &ServiceCall,
    request: ListUsersRequest,
) -> Result<ListUsersResponse, Fault> {
    let mask = UserMask::of(request.read_mask)?;
    let descending = is_descending(&request.order_by)?;
    check_filter("user_ids", &request.user_ids)?;
    check_filter("verified_values", &request.verified_values)?;
    check_length(&request.user_ids, &request.verified_values)?;
    let of = UsersOfApp::of(call, Right::ReadUsers, &request.issuer, &request.app_id)?;
    let ids = request.user_ids.len().to_string();
    let mut filters = vec![of.issuer.as_str(), &of.app, if descending { "desc" } else { "asc" }];
    filters.push(&ids);
    filters.extend(request.user_ids.iter().chain(&request.verified_values).map(String::as_str));
    let page = Page::of(request.page_size, &request.page_token, BOUNDS, &filters)?;
    let fields = mask.fields_of_data();
    let query = UserQuery {
        ids: &request.user_ids,
        verified_values: &request.verified_values,
        fields: fields.as_deref(),
        descending,
        page_size: usize::try_from(page.size).unwrap_or(usize::MAX),
        after: page.after.as_deref(),
    };
    let came = of.api.list(of.credentials(), query, of.timeout).await.map_err(read_fault)?;
    let read = read_page(&*came, &mask, query.page_size).await?;
    if read.is_full && read.last.is_some() && read.last == page.after {
        // The same page would come for ever.
        return Err(read_fault(ApiError::Shape));
    }
    let next = read.last.filter(|_| read.is_full);
    Ok(ListUsersResponse {
        users: read.users,
        next_page_token: next.map_or_else(String::new, |last| next_page_token(&last, &filters)),
        total_size: read.total,
        omitted: read.omitted,
    })
}

/// The order of the ids (AIP-132).
fn is_descending(order_by: &str) -> Result<bool, Fault> {
    match order_by.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] | ["id"] | ["id", "asc"] => Ok(false),
        ["id", "desc"] => Ok(true),
        _ => Err(Fault::field("order_by", "is not \"id\" or \"id desc\"")),
    }
}

/// Checks the values of a filter, which the issuer takes as one text with commas.
fn check_filter(at: &'static str, values: &[String]) -> Result<(), Fault> {
    if values.len() > MAX_VALUES {
        return Err(Fault::field(at, format!("has more than {MAX_VALUES} values")));
    }
    let problem = |value: &String| {
        if value.trim().is_empty() {
            Some("is empty")
        } else if value.contains(',') {
            Some("has a comma, by which the issuer would read two values")
        } else if value.trim().len() < value.len() || value.chars().any(char::is_control) {
            Some("has control characters, or white space at its beginning or end")
        } else {
            None
        }
    };
    let found = values.iter().enumerate();
    let mut found = found.filter_map(|(index, value)| Some((index, problem(value)?)));
    match found.next() {
        Some((index, why)) => Err(Fault::field(at, format!("value {} {why}", index + 1))),
        None => Ok(()),
    }
}

fn check_length(ids: &[String], values: &[String]) -> Result<(), Fault> {
    let bytes: usize = ids.iter().chain(values).map(String::len).sum();
    if bytes <= MAX_FILTER_BYTES {
        return Ok(());
    }
    let at = if ids.is_empty() { "verified_values" } else { "user_ids" };
    let why =
        format!("has, with the other filter, more than {MAX_FILTER_BYTES} bytes: ask for fewer");
    Err(Fault::field(at, why))
}

/// The page as it was read.
#[derive(Debug)]
struct ReadPage {
    users: Vec<User>,
    omitted: Vec<String>,
    /// The id of the last row, also of one that is not shown.
    last: Option<String>,
    is_full: bool,
    total: Option<i64>,
}

/// Reads the rows one by one, so that no more memory is needed than for the answer, and ends where
/// the answer would be too large for gRPC's libraries.
async fn read_page(page: &dyn UserPage, mask: &UserMask, most: usize) -> Result<ReadPage, Fault> {
    let UserRows { is_full, total, rows } = page.rows().map_err(read_fault)?;
    let total = total.and_then(|total| i64::try_from(total).ok());
    let mut read = ReadPage { users: Vec::new(), omitted: Vec::new(), last: None, is_full, total };
    let mut bytes = 0;
    for (number, row) in rows.enumerate() {
        if number % TURN == TURN - 1 {
            yield_now().await;
        }
        if read.users.len() >= most {
            // More came than were asked for. The next page begins with them.
            read.is_full = true;
            break;
        }
        let row = row.map_err(read_fault)?;
        if let Some(profile) = &row.profile {
            let mut structures = Structures::default();
            let user = mask.user(profile, &row.id, &mut structures);
            let at = read.users.len();
            let omitted = structures.omitted().into_iter();
            let omitted: Vec<String> = omitted.map(|name| format!("users[{at}].{name}")).collect();
            // With room for the tags and lengths around each.
            bytes += user.encoded_len() + 8;
            bytes += omitted.iter().map(|name| name.len() + 8).sum::<usize>();
            if bytes > MAX_RESPONSE_BYTES - 4_096 {
                return Err(Fault::PageTooLarge);
            }
            read.users.push(user);
            read.omitted.extend(omitted);
        }
        read.last = Some(row.id);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::{check_filter, check_length, is_descending};

    #[test]
    fn an_order_is_that_of_the_ids() {
        for (order, expected) in [
            ("", Some(false)),
            ("id", Some(false)),
            (" id  asc ", Some(false)),
            ("id desc", Some(true)),
            ("ID", None),
            ("id DESC", None),
            ("email", None),
            ("id,email", None),
            ("id desc desc", None),
            ("desc", None),
        ] {
            assert_eq!(is_descending(order).ok(), expected, "{order:?}");
        }
    }

    #[test]
    fn a_filter_is_a_list_of_single_values() {
        for (value, good) in [
            ("ann", true),
            ("ann@example.com", true),
            ("+1 555 555 0100", true),
            ("a/b", true),
            ("\u{65e5}\u{672c}", true),
            ("", false),
            (" ", false),
            ("ann,bob", false),
            (",", false),
            ("ann ", false),
            ("\u{a0}ann", false),
            ("ann\0", false),
            ("ann\nbob", false),
        ] {
            assert_eq!(check_filter("user_ids", &[value.to_owned()]).is_ok(), good, "{value:?}");
        }
        let many = |count: usize| vec!["x".to_owned(); count];
        assert!(check_filter("user_ids", &many(100)).is_ok());
        assert!(check_filter("user_ids", &many(101)).is_err());
        let long = |bytes: usize| vec!["x".repeat(bytes)];
        assert!(check_length(&long(2_048), &long(2_048)).is_ok());
        assert!(check_length(&long(2_048), &long(2_049)).is_err());
    }
}
