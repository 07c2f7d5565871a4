//! A link that signs a user in: `POST /hub/auth/magic`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::AppRequest;
use crate::{
    config::Secret,
    issuer_api::{
        administration::users::{LinkAddress, SignInLink, SignInLinkOrder},
        api::{from_json, json},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
        rejection::{RefusedPart, Rejection},
        rownd::client::RowndClient,
    },
    upstream::HttpAnswer,
};

const MAGIC: &str = "/hub/auth/magic";
/// The fields of a profile that are addresses.
const ADDRESSES: [&str; 2] = ["email", "phone_number"];
/// The longest link, in bytes.
const MAX_LINK: usize = 8_192;

/// The body of the request. A member that is `None` is not sent.
#[derive(Serialize)]
struct LinkBody<'a> {
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_type: Option<&'static str>,
    redirect_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    data: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_to_join: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_data: Option<&'a Map<String, Value>>,
}

#[derive(Deserialize)]
struct LinkAnswer {
    link: String,
    app_user_id: String,
}

impl RowndClient {
    pub(super) async fn make_sign_in_link(
        &self,
        app: AppCredentials<'_>,
        order: &SignInLinkOrder,
        timeout: Duration,
    ) -> Result<SignInLink, ApiError> {
        let request = AppRequest {
            operation: Operation::RowndSignInLink,
            app,
            path: MAGIC,
            body: json(&body_of(order))?,
            timeout,
        };
        // A 403 may be about the group or the user, and not about the secret.
        let made = self.send_with_secret(request, |answer| link_of(order, answer)).await;
        self.api.apps.note(app.id, made.map_err(|error| refused(error, order)))
    }
}

fn body_of(order: &SignInLinkOrder) -> LinkBody<'_> {
    let mut data = order.data.clone();
    let verification_type = order.address.as_ref().map(|address| {
        let (field, value, word) = match address {
            LinkAddress::Email(email) => ("email", email, "email"),
            LinkAddress::Phone(number) => ("phone_number", number, "phone"),
        };
        data.insert(field.to_owned(), Value::String(value.clone()));
        word
    });
    LinkBody {
        purpose: "auth",
        verification_type,
        redirect_url: &order.redirect_url,
        expiration: order.ttl.map(expiration),
        data,
        user_id: order.user.as_deref(),
        group_to_join: order.group_to_join.as_deref(),
        link_data: order.link_data.as_ref(),
    }
}

/// The duration in the largest unit that it is whole in, as Rownd's documents write it: `30d`.
fn expiration(ttl: Duration) -> String {
    let seconds = ttl.as_secs();
    for (unit, letter) in [(86_400, 'd'), (3_600, 'h'), (60, 'm')] {
        if seconds >= unit && seconds.is_multiple_of(unit) {
            return format!("{}{letter}", seconds / unit);
        }
    }
    format!("{seconds}s")
}

fn link_of(order: &SignInLinkOrder, answer: &HttpAnswer) -> Result<SignInLink, ApiError> {
    let LinkAnswer { link, app_user_id } = from_json(answer)?;
    let is_web = Url::parse(&link).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if !is_web || link.len() > MAX_LINK || app_user_id.is_empty() {
        return Err(ApiError::Shape);
    }
    // A known address stands for its user, also where another one is named beside it.
    let has_address =
        order.address.is_some() || ADDRESSES.iter().any(|a| order.data.contains_key(*a));
    if !has_address && order.user.as_ref().is_some_and(|user| *user != app_user_id) {
        return Err(ApiError::OtherUser);
    }
    Ok(SignInLink { link: Secret::new(&link), user: app_user_id })
}

/// The part of the order that is refused, as far as the answer says it; else the secret, by the
/// status of the answer.
fn refused(error: ApiError, order: &SignInLinkOrder) -> ApiError {
    match error {
        ApiError::Rejected(rejection) => match part_of(&rejection, order) {
            Some(part) => ApiError::Rejected(rejection.of(part)),
            None => ApiError::Rejected(rejection).of_secret(),
        },
        error @ (ApiError::Upstream(_)
        | ApiError::NotFound
        | ApiError::KeyRefused(_)
        | ApiError::NotOfIssuer(_)
        | ApiError::Redirected(_)
        | ApiError::Limited(_)
        | ApiError::Shape
        | ApiError::Metadata(_)
        | ApiError::IdToken(_)
        | ApiError::Id
        | ApiError::OtherUser
        | ApiError::OtherEntry
        | ApiError::Paused(_)
        | ApiError::BodyNotWritable
        | ApiError::NoRandomness) => error,
    }
}

fn part_of(rejection: &Rejection, order: &SignInLinkOrder) -> Option<RefusedPart> {
    let Rejection { status, mentions, .. } = rejection;
    if *status == 401 {
        None
    } else if mentions.group && order.group_to_join.is_some() {
        Some(if *status == 404 { RefusedPart::UnknownGroup } else { RefusedPart::ClosedGroup })
    } else if mentions.disabled {
        Some(RefusedPart::DisabledUser)
    } else if rejection.names_fields() {
        Some(RefusedPart::UserData)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{LinkAddress, SignInLinkOrder, body_of, expiration};

    #[test]
    fn a_duration_is_written_in_its_largest_unit() {
        for (seconds, text) in [
            (1, "1s"),
            (59, "59s"),
            (60, "1m"),
            (61, "61s"),
            (3_600, "1h"),
            (90_000, "25h"),
            (86_400, "1d"),
            (2_592_000, "30d"),
        ] {
            assert_eq!(expiration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn an_address_is_a_field_and_its_kind() {
        let plain = || SignInLinkOrder { redirect_url: "/in".to_owned(), ..Default::default() };
        for (name, order, expected) in [
            ("nothing", plain(), json!({ "purpose": "auth", "redirect_url": "/in", "data": {} })),
            (
                "an e-mail address",
                SignInLinkOrder {
                    address: Some(LinkAddress::Email("a@b.test".to_owned())),
                    ..plain()
                },
                json!({ "purpose": "auth", "redirect_url": "/in", "verification_type": "email",
                        "data": { "email": "a@b.test" } }),
            ),
            (
                "a phone number, and a user",
                SignInLinkOrder {
                    address: Some(LinkAddress::Phone("+15555550100".to_owned())),
                    user: Some("ann".to_owned()),
                    ttl: Some(Duration::from_secs(60)),
                    ..plain()
                },
                json!({ "purpose": "auth", "redirect_url": "/in", "verification_type": "phone",
                        "data": { "phone_number": "+15555550100" }, "user_id": "ann",
                        "expiration": "1m" }),
            ),
        ] {
            assert_eq!(serde_json::to_value(body_of(&order)).unwrap(), expected, "{name}");
        }
    }
}
