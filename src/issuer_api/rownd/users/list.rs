//! A list of users: `GET /applications/{app}/users/data`.

use std::time::Duration;

use bytes::Bytes;
use url::form_urlencoded::Serializer;

use super::{
    AppRequest,
    page::{PageRules, RowndPage},
};
use crate::issuer_api::{
    administration::users::{UserPage, UserQuery},
    error::ApiError,
    grants::AppCredentials,
    operation::Operation,
    rownd::{answers::after, client::RowndClient, user_id::segment},
};

/// The most rows of an answer.
const MOST_ROWS: usize = 1_000;
/// Names a user in `data`: asked for always, because an answer may name its users nowhere else.
const USER_ID: &str = "user_id";

impl RowndClient {
    pub(super) async fn list_users(
        &self,
        app: AppCredentials<'_>,
        query: UserQuery<'_>,
        timeout: Duration,
    ) -> Result<Box<dyn UserPage>, ApiError> {
        let rows = after::rows_to_ask(self.answers.after, query.after, query.page_size, MOST_ROWS);
        let path =
            format!("/applications/{}/users/data?{}", segment(app.id)?, parameters(query, rows));
        let request = AppRequest {
            operation: Operation::RowndUserList,
            app,
            path: &path,
            body: Bytes::new(),
            timeout,
        };
        let body = self.send_as_app(request, |answer| Ok(answer.body.clone())).await?;
        let rules = PageRules {
            rows,
            repeated: query.after.map(str::to_owned),
            verified_values: query.verified_values.to_vec(),
        };
        Ok(Box::new(RowndPage { body, rules }))
    }
}

/// The query of the request. A list is a parameter with commas in it.
fn parameters(query: UserQuery<'_>, rows: usize) -> String {
    let mut to = Serializer::new(String::new());
    to.append_pair("page_size", &rows.to_string());
    to.append_pair("sort", if query.descending { "desc" } else { "asc" });
    if let Some(after) = query.after {
        to.append_pair("after", after);
    }
    if !query.ids.is_empty() {
        to.append_pair("id_filter", &query.ids.join(","));
    }
    if !query.verified_values.is_empty() {
        to.append_pair("lookup_filter", &query.verified_values.join(","));
    }
    // The proof of a field may be in `data`, so that all of it is read with such a filter.
    if let Some(fields) = query.fields.filter(|_| query.verified_values.is_empty()) {
        let mut names = vec![USER_ID];
        names.extend(fields.iter().map(String::as_str).filter(|name| *name != USER_ID));
        to.append_pair("fields", &names.join(","));
    }
    to.finish()
}

#[cfg(test)]
mod tests {
    use super::parameters;
    use crate::issuer_api::administration::users::UserQuery;

    #[test]
    fn a_query_says_what_is_wanted() {
        let ids = ["a b".to_owned(), "c&d".to_owned()];
        let values = ["ann@example.com".to_owned()];
        let fields = ["email".to_owned(), "user_id".to_owned()];
        let plain = UserQuery {
            ids: &[],
            verified_values: &[],
            fields: None,
            descending: false,
            page_size: 10,
            after: None,
        };
        for (name, query, expected) in [
            ("nothing", plain, "page_size=10&sort=asc"),
            (
                "a later page, in descending order",
                UserQuery { after: Some("z/1"), descending: true, ..plain },
                "page_size=10&sort=desc&after=z%2F1",
            ),
            (
                "ids and fields",
                UserQuery { ids: &ids, fields: Some(&fields), ..plain },
                "page_size=10&sort=asc&id_filter=a+b%2Cc%26d&fields=user_id%2Cemail",
            ),
            (
                "no fields",
                UserQuery { fields: Some(&[]), ..plain },
                "page_size=10&sort=asc&fields=user_id",
            ),
            (
                "values, which need the whole of data",
                UserQuery { verified_values: &values, fields: Some(&fields), ..plain },
                "page_size=10&sort=asc&lookup_filter=ann%40example.com",
            ),
        ] {
            assert_eq!(parameters(query, 10), expected, "{name}");
        }
    }
}
