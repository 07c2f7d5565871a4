//! A page of users as it came.
//!
//! In: the body of the answer. Out: one profile after the other, so that memory is needed for one at
//! a time. A row that the page before had is left out.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::verified::has_proved_one;
use crate::{
    issuer_api::{
        administration::users::{ListedUser, UserPage, UserRows},
        error::ApiError,
        rownd::user::read_profile,
    },
    upstream::UpstreamError,
};

/// The most bytes of one user, as of a profile that is read alone.
const MAX_ROW_BYTES: usize = 1 << 20;
/// The most rows of any answer, one of them repeated.
const MAX_ROWS: usize = 1_001;

/// The answer, whose rows are not read.
#[derive(Deserialize)]
struct PageDocument<'a> {
    total_results: Option<u64>,
    #[serde(borrow)]
    results: Rows<'a>,
}

/// At most [`MAX_ROWS`] rows, each as it stands in the answer.
struct Rows<'a>(Vec<&'a RawValue>);

/// The rules by which rows are handed out.
#[derive(Clone)]
pub(super) struct PageRules {
    /// The number of rows that were asked for.
    pub(super) rows: usize,
    /// The id of `after`, whose row is left out.
    pub(super) repeated: Option<String>,
    /// Only users who have proved one of these values.
    pub(super) verified_values: Vec<String>,
}

/// A page of users as it came.
pub(super) struct RowndPage {
    pub(super) body: Bytes,
    pub(super) rules: PageRules,
}

impl fmt::Debug for RowndPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowndPage").finish_non_exhaustive()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Rows<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX_ROWS} rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Rows<'de>, A::Error> {
                let mut found = Vec::new();
                while let Some(row) = rows.next_element()? {
                    if found.len() == MAX_ROWS {
                        return Err(A::Error::custom("too many rows"));
                    }
                    found.push(row);
                }
                Ok(Rows(found))
            }
        }
        from.deserialize_seq(Few)
    }
}

impl UserPage for RowndPage {
    fn rows(&self) -> Result<UserRows<'_>, ApiError> {
        let page: PageDocument<'_> =
            serde_json::from_slice(&self.body).map_err(|_| ApiError::Shape)?;
        let Rows(rows) = page.results;
        Ok(UserRows {
            is_full: rows.len() >= self.rules.rows,
            total: page.total_results.filter(|_| self.rules.verified_values.is_empty()),
            rows: Box::new(rows.into_iter().map(|row| self.rules.read(row))),
        })
    }
}

impl PageRules {
    fn read(&self, row: &RawValue) -> Result<ListedUser, ApiError> {
        let row = row.get();
        if row.len() > MAX_ROW_BYTES {
            return Err(UpstreamError::TooLarge.into());
        }
        let profile = read_profile(row.as_bytes())?;
        let id = profile.user_id.clone().ok_or(ApiError::Shape)?;
        let is_meant =
            self.repeated.as_ref() != Some(&id) && has_proved_one(&profile, &self.verified_values);
        Ok(ListedUser { id, profile: is_meant.then_some(profile) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ApiError, MAX_ROWS, PageRules, RowndPage, UpstreamError, UserPage as _};

    fn page(body: &Value, rows: usize, repeated: Option<&str>) -> RowndPage {
        let repeated = repeated.map(str::to_owned);
        let rules = PageRules { rows, repeated, verified_values: Vec::new() };
        RowndPage { body: body.to_string().into(), rules }
    }

    /// The ids of the rows that are shown, and whether there is perhaps another page.
    fn ids(page: &RowndPage) -> Result<(Vec<String>, bool, Option<u64>), ApiError> {
        let rows = page.rows()?;
        let mut found = Vec::new();
        for row in rows.rows {
            let row = row?;
            found.extend(row.profile.map(|_| row.id));
        }
        Ok((found, rows.is_full, rows.total))
    }

    fn rows(ids: &[&str]) -> Value {
        let rows: Vec<_> = ids.iter().map(|id| json!({ "rownd_user": id })).collect();
        json!({ "total_results": 7, "results": rows })
    }

    #[test]
    fn a_page_ends_where_fewer_rows_came_than_were_asked_for() {
        for (name, came, asked, repeated, shown, is_full) in [
            ("empty", &[][..], 2, None, &[][..], false),
            ("the last", &["a"], 2, None, &["a"], false),
            ("a full one", &["a", "b"], 2, None, &["a", "b"], true),
            ("more than asked", &["a", "b", "c"], 2, None, &["a", "b", "c"], true),
            ("with a repeated row", &["a", "b"], 2, Some("a"), &["b"], true),
            ("the repeated row alone", &["a"], 2, Some("a"), &[], false),
        ] {
            let (found, full, total) = ids(&page(&rows(came), asked, repeated)).unwrap();
            assert_eq!(
                (found, full, total),
                (shown.iter().map(|id| (*id).to_owned()).collect(), is_full, Some(7)),
                "{name}"
            );
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_none() {
        let too_many: Vec<_> = (0..=MAX_ROWS).map(|_| json!({ "rownd_user": "a" })).collect();
        for body in [
            json!([]),
            json!({}),
            json!({ "results": {} }),
            json!({ "results": [1] }),
            json!({ "results": [{ "state": "enabled" }] }),
            json!({ "results": [{ "rownd_user": "a", "state": 1 }] }),
            json!({ "results": too_many }),
        ] {
            assert_eq!(ids(&page(&body, 10, None)).err(), Some(ApiError::Shape));
        }
        let large = "y".repeat(1 << 20);
        let large = json!({ "results": [{ "rownd_user": "a", "data": { "x": large } }] });
        let error = ids(&page(&large, 10, None)).err();
        assert_eq!(error, Some(ApiError::Upstream(UpstreamError::TooLarge)));
    }
}
