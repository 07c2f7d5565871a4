//! Pages of a list (AIP-158).
//!
//! In: the page size and the page token of a request, and the filters of the list. Out: how many
//! rows to ask for and after which one. A page token belongs to its filters: with other ones it is
//! refused.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::fault::Fault;
use crate::digest::sha256_of_parts;

/// The bytes of the digest of the filters in a token.
const DIGEST: usize = 16;
/// The most bytes of a page token: the longest id, and the rest.
const MAX_TOKEN: usize = 2048;

/// The part of a list that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// The most rows.
    pub(super) size: u32,
    /// The id of the last row before it; `None`: it is the first page.
    pub(super) after: Option<String>,
}

/// The bounds of the pages of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageBounds {
    /// The rows of a page where the request does not say how many.
    pub(super) default: u32,
    /// The most rows of a page. A request for more gets this many.
    pub(super) most: u32,
}

impl Page {
    /// The page that a request asks for. `filters` is everything that decides which rows there are
    /// and in which order.
    ///
    /// # Errors
    ///
    /// Fails where the page size is negative, or the page token is none of a list with these filters.
    pub(super) fn of(
        page_size: i32,
        page_token: &str,
        bounds: PageBounds,
        filters: &[&str],
    ) -> Result<Self, Fault> {
        let size = u32::try_from(page_size)
            .map_err(|_| Fault::field("page_size", "must not be negative"))?;
        let size = if size == 0 { bounds.default } else { size.min(bounds.most) };
        if page_token.is_empty() {
            return Ok(Self { size, after: None });
        }
        let after = after_of(page_token, filters).ok_or_else(|| {
            let why = "is not the next_page_token of a list with the same filters";
            Fault::field("page_token", why)
        })?;
        Ok(Self { size, after: Some(after) })
    }
}

/// The token of the page after the row with this id.
pub(super) fn next_page_token(last: &str, filters: &[&str]) -> String {
    let mut bytes = digest(filters).to_vec();
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn after_of(token: &str, filters: &[&str]) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (head, last) = bytes.split_at_checked(DIGEST)?;
    let last = std::str::from_utf8(last).ok().filter(|last| !last.is_empty())?;
    (head == digest(filters)).then(|| last.to_owned())
}

/// Each filter with its length before it, so that no two lists of filters are one.
fn digest(filters: &[&str]) -> [u8; DIGEST] {
    let parts = filters.iter().flat_map(|filter| {
        [(filter.len() as u64).to_be_bytes().to_vec(), filter.as_bytes().to_vec()]
    });
    let whole = sha256_of_parts(parts);
    let mut head = [0; DIGEST];
    head.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    head
}

#[cfg(test)]
mod tests {
    use super::{Page, PageBounds, next_page_token};

    const BOUNDS: PageBounds = PageBounds { default: 50, most: 1000 };

    #[test]
    fn a_size_is_within_its_bounds() {
        for (asked, given) in
            [(0, Some(50)), (1, Some(1)), (1000, Some(1000)), (i32::MAX, Some(1000)), (-1, None)]
        {
            assert_eq!(Page::of(asked, "", BOUNDS, &[]).ok().map(|page| page.size), given);
        }
    }

    #[test]
    fn a_token_belongs_to_its_filters() {
        let filters = ["app_1", "email", "asc"];
        for id in ["user_1", "a/b ,%", "日本"] {
            let token = next_page_token(id, &filters);
            let page = Page::of(0, &token, BOUNDS, &filters).unwrap();
            assert_eq!(page.after.as_deref(), Some(id));
            for others in [&["app_1", "e", "mailasc"][..], &["app_2", "email", "asc"], &[]] {
                assert!(Page::of(0, &token, BOUNDS, others).is_err(), "{others:?}");
            }
        }
        let empty = next_page_token("", &filters);
        for token in [&empty, "x", "user_1", &"A".repeat(3000)] {
            assert!(Page::of(0, token, BOUNDS, &filters).is_err(), "{token}");
        }
    }
}
