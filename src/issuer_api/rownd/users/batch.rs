//! Several users at once: `PUT /applications/{app}/users/data` and `POST .../users/actions`.
//!
//! In: users, or ids. Out: a result for each, in their order.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::AppRequest;
use crate::{
    issuer_api::{
        administration::users::{BatchEntry, BatchOutcome},
        api::{self, from_json},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
        rejection::Rejection,
        rownd::{client::RowndClient, user_id::segment},
    },
    upstream::HttpAnswer,
};

#[derive(Serialize)]
struct UpsertBody<'a> {
    users: Vec<UpsertEntry<'a>>,
}

#[derive(Serialize)]
struct UpsertEntry<'a> {
    user_id: &'a str,
    data: &'a Map<String, Value>,
}

/// The answer to either request.
#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<BatchRow>,
}

/// A row of the answer: of a write `status`, `result`, `error`; of an action `status`, `value`,
/// `reason`.
#[derive(Deserialize)]
struct BatchRow {
    status: String,
    result: Option<Value>,
    value: Option<Value>,
    error: Option<Value>,
    reason: Option<Value>,
}

impl RowndClient {
    pub(super) async fn upsert_users(
        &self,
        app: AppCredentials<'_>,
        users: &[BatchEntry],
        timeout: Duration,
    ) -> Result<Vec<BatchOutcome>, ApiError> {
        let path = format!("/applications/{}/users/data", segment(app.id)?);
        let entries =
            users.iter().map(|user| UpsertEntry { user_id: &user.id, data: &user.data }).collect();
        let body = api::json(&UpsertBody { users: entries })?;
        let operation = Operation::RowndUsersPut;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        self.send_as_app(request, |answer| outcomes(&ids, answer)).await
    }

    pub(super) async fn delete_users(
        &self,
        app: AppCredentials<'_>,
        users: &[String],
        timeout: Duration,
    ) -> Result<Vec<BatchOutcome>, ApiError> {
        let path = format!("/applications/{}/users/actions", segment(app.id)?);
        let delete = |id| json!({ "action": "delete", "user": { "data": { "user_id": id } } });
        let actions: Vec<Value> = users.iter().map(delete).collect();
        let body = api::json(&json!({ "actions": actions }))?;
        let operation = Operation::RowndUserActions;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        let ids: Vec<&str> = users.iter().map(String::as_str).collect();
        self.send_as_app(request, |answer| outcomes(&ids, answer)).await
    }
}

/// The result for each id. The rows have the order of the request; a row that names another user
/// than its place does is looked for, and an answer that lacks a user is none.
fn outcomes(ids: &[&str], answer: &HttpAnswer) -> Result<Vec<BatchOutcome>, ApiError> {
    let BatchAnswer { results } = from_json(answer)?;
    rows_in_order(ids, &results)
}

fn rows_in_order(ids: &[&str], rows: &[BatchRow]) -> Result<Vec<BatchOutcome>, ApiError> {
    if rows.len() != ids.len() {
        return Err(ApiError::Shape);
    }
    let find = |(index, id): (usize, &&str)| {
        let fits = |row: &&BatchRow| row.user().is_none_or(|named| named == *id);
        let in_place = rows.get(index).filter(fits);
        in_place
            .or_else(|| rows.iter().find(|row| row.user() == Some(*id)))
            .ok_or(ApiError::Shape)
            .and_then(BatchRow::outcome)
    };
    ids.iter().enumerate().map(find).collect()
}

impl BatchRow {
    /// The user whom the row names, if it names one.
    fn user(&self) -> Option<&str> {
        let named = self.result.as_ref().or(self.value.as_ref())?;
        let direct = named.get("user_id").or_else(|| named.get("rownd_user"));
        let inner = || named.get("data").and_then(|data| data.get("user_id"));
        direct.or_else(inner).and_then(Value::as_str).filter(|id| !id.is_empty())
    }

    fn outcome(&self) -> Result<BatchOutcome, ApiError> {
        match self.status.as_str() {
            "success" | "fulfilled" => Ok(Ok(())),
            "failure" | "rejected" => Ok(Err(self.rejection())),
            _ => Err(ApiError::Shape),
        }
    }

    fn rejection(&self) -> Rejection {
        let said = self.error.as_ref().or(self.reason.as_ref());
        let body = said.and_then(Value::as_object).cloned().unwrap_or_default();
        let status = body.get("statusCode").and_then(Value::as_u64);
        Rejection::of_body(status.and_then(|code| code.try_into().ok()).unwrap_or(400), &body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BatchAnswer, rows_in_order};
    use crate::issuer_api::ApiError;

    /// For each user nothing, or the status of the refusal.
    #[expect(clippy::needless_pass_by_value, reason = "the rows are made in place")]
    fn read(ids: &[&str], results: Value) -> Result<Vec<Option<u16>>, ApiError> {
        let answer: BatchAnswer = serde_json::from_value(json!({ "results": results })).unwrap();
        let outcomes = rows_in_order(ids, &answer.results)?;
        Ok(outcomes.into_iter().map(|outcome| outcome.err().map(|why| why.status)).collect())
    }

    #[test]
    fn each_user_gets_the_row_that_is_about_it() {
        let ok = |id: &str| json!({ "status": "success", "result": { "user_id": id, "data": {} } });
        let bad = |id: &str| {
            json!({ "status": "failure", "result": { "data": { "user_id": id } },
                    "error": { "statusCode": 404 } })
        };
        for (name, ids, rows, expected) in [
            ("in order", vec!["a", "b"], json!([ok("a"), bad("b")]), Ok(vec![None, Some(404)])),
            (
                "in another order",
                vec!["a", "b"],
                json!([bad("b"), ok("a")]),
                Ok(vec![None, Some(404)]),
            ),
            (
                "actions",
                vec!["a", "b"],
                json!([{ "status": "fulfilled" }, { "status": "rejected", "reason": "no" }]),
                Ok(vec![None, Some(400)]),
            ),
            ("too few", vec!["a", "b"], json!([ok("a")]), Err(ApiError::Shape)),
            ("too many", vec!["a"], json!([ok("a"), ok("b")]), Err(ApiError::Shape)),
            ("about another", vec!["a", "b"], json!([ok("a"), ok("c")]), Err(ApiError::Shape)),
            ("another word", vec!["a"], json!([{ "status": "maybe" }]), Err(ApiError::Shape)),
        ] {
            assert_eq!(read(&ids, rows), expected, "{name}");
        }
    }
}
