//! `CreateSignInLink`: a link by which everybody who opens it is signed in as a user.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tonic::Status;

use super::{
    change::UserChange,
    redirect_url,
    target::UsersOfApp,
    written::{LEAVE_OUT, data_of},
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            CreateSignInLinkRequest, CreateSignInLinkResponse, create_sign_in_link_request::Address,
        },
        rownd_auth::{
            administration::{Request, Subject},
            call::ServiceCall,
            convert::from_struct,
            fault::Fault,
            reason::ErrorReason,
            text_fields::{plain_text, user_id},
            writes::Write,
        },
    },
    issuer_api::{
        ApiError, RefusedPart, Rejection,
        administration::users::{LinkAddress, SignInLinkOrder},
    },
};

/// The longest time for which a link works, and the time where the request names none.
const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The longest address, in bytes (RFC 5321 section 4.5.3.1).
const MAX_ADDRESS: usize = 320;
/// The digits of a phone number (ITU-T E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// Makes a link, once for a request id.
///
/// # Errors
///
/// Fails for an order that cannot be meant, and where the issuer refuses it or gives no usable answer.
pub(super) async fn create(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: CreateSignInLinkRequest,
) -> Result<CreateSignInLinkResponse, Status> {
    let order = order_of(request.clone())?;
    let right = Right::CreateSignInLinks;
    let of = UsersOfApp::of(call, right, &request.issuer, &request.app_id)?;
    // An address is no id: it does not get into the log.
    let subject = match &order.user {
        Some(id) => format!("user {id}"),
        None => "the user of an address".to_owned(),
    };
    let authorizer = authorizer.clone();
    let request_id = &request.request_id;
    let asked = Write { method: "CreateSignInLink", subject, request_id, request: &request };
    call.write(asked, async move {
        let began = SystemTime::now();
        // However it ends: the link may have written the data.
        let named = order.user.as_deref().map(|id| UserChange::begin(&authorizer, &of, id));
        let made = of.api.sign_in_link(of.credentials(), &order, of.timeout).await;
        let made = made.map_err(fault)?;
        // The user of a known address may be another one.
        drop((named, UserChange::begin(&authorizer, &of, &made.user)));
        let end = began.checked_add(order.ttl.unwrap_or(MAX_TTL));
        Ok(CreateSignInLinkResponse {
            link: made.link.expose().to_owned(),
            user_id: made.user,
            expire_time: end.map(Into::into),
        })
    })
    .await
}

fn order_of(request: CreateSignInLinkRequest) -> Result<SignInLinkOrder, Fault> {
    let user = Some(request.user_id).filter(|id| !id.is_empty());
    if let Some(id) = &user {
        user_id("user_id", id)?;
    }
    let address = request.address.map(address_of).transpose()?;
    if user.is_none() && address.is_none() {
        let why = "is missing: name a user, or an address by `email` or `phone_number`";
        return Err(Fault::field("user_id", why));
    }
    if let Some(why) = redirect_url::problem(&request.redirect_url) {
        return Err(Fault::field("redirect_url", why));
    }
    let data = data_of("data", request.data, user.as_deref(), LEAVE_OUT)?;
    let taken = match &address {
        Some(LinkAddress::Email(_)) => data.contains_key("email"),
        Some(LinkAddress::Phone(_)) => data.contains_key("phone_number"),
        None => false,
    };
    if taken {
        return Err(Fault::field("data", "has the address too: leave it out"));
    }
    let group = Some(request.group_to_join).filter(|id| !id.is_empty());
    let link_data = request.link_data.map(|data| from_struct("link_data", data)).transpose()?;
    Ok(SignInLinkOrder {
        user,
        address,
        data,
        redirect_url: request.redirect_url,
        ttl: request.ttl.map(ttl_of).transpose()?,
        group_to_join: plain_text("group_to_join", group)?,
        link_data,
    })
}

/// The address of a link, in a form that cannot be taken for another one.
fn address_of(address: Address) -> Result<LinkAddress, Fault> {
    match address {
        Address::Email(email) => {
            let odd = |letter: char| letter.is_whitespace() || letter.is_control();
            let parts: Vec<&str> = email.split('@').collect();
            let good =
                matches!(parts.as_slice(), [name, host] if !name.is_empty() && !host.is_empty());
            if !good
                || email.len() > MAX_ADDRESS
                || email.contains([',', ';'])
                || email.contains(odd)
            {
                return Err(Fault::field("email", "is not an e-mail address"));
            }
            Ok(LinkAddress::Email(email))
        }
        Address::PhoneNumber(number) => {
            let digits = number.strip_prefix('+').unwrap_or_default();
            let good = PHONE_DIGITS.contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !good {
                let why = "is not a phone number with its country code, as +15555550100";
                return Err(Fault::field("phone_number", why));
            }
            Ok(LinkAddress::Phone(number))
        }
    }
}

fn ttl_of(ttl: prost_types::Duration) -> Result<Duration, Fault> {
    let whole = Duration::try_from(ttl).ok().filter(|ttl| ttl.subsec_nanos() == 0);
    let within = whole.filter(|ttl| !ttl.is_zero() && *ttl <= MAX_TTL);
    within.ok_or_else(|| Fault::field("ttl", "is not from one second to 30 days, in whole seconds"))
}

/// The fault of a link that was not made.
fn fault(error: ApiError) -> Fault {
    let ApiError::Rejected(Rejection { part: Some(part), .. }) = &error else {
        return Fault::Administration(Request::Change(Subject::SignInLink), error);
    };
    match part {
        RefusedPart::UnknownGroup => {
            Fault::Unsupported(ErrorReason::GroupNotFound, "there is no such group")
        }
        RefusedPart::ClosedGroup => {
            Fault::Unsupported(ErrorReason::GroupNotOpen, "the group is not open to this user")
        }
        RefusedPart::DisabledUser => Fault::Disabled,
        RefusedPart::UserData | RefusedPart::InstantUser | RefusedPart::Token => {
            Fault::Administration(Request::Change(Subject::SignInLink), error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, address_of, ttl_of};

    #[test]
    fn a_link_works_for_up_to_30_days() {
        for (seconds, nanos, good) in [
            (1, 0, true),
            (2_592_000, 0, true),
            (2_592_001, 0, false),
            (0, 0, false),
            (-1, 0, false),
            (1, 1, false),
            (i64::MAX, 0, false),
            (60, -1, false),
        ] {
            let ttl = prost_types::Duration { seconds, nanos };
            assert_eq!(ttl_of(ttl).is_ok(), good, "{seconds} {nanos}");
        }
    }

    #[test]
    fn an_address_is_one_address() {
        let email = |text: &str| Address::Email(text.to_owned());
        let phone = |text: &str| Address::PhoneNumber(text.to_owned());
        let long = format!("{}@example.com", "x".repeat(320));
        for (address, good) in [
            (email("ann@example.com"), true),
            (email("\u{e4}nn+x@ex\u{e4}mple.com"), true),
            (email(""), false),
            (email("ann"), false),
            (email("@example.com"), false),
            (email("ann@"), false),
            (email("ann@bob@example.com"), false),
            (email("ann@example.com,bob@example.com"), false),
            (email("ann @example.com"), false),
            (email("ann@example.com\n"), false),
            (email(&long), false),
            (phone("+15555550100"), true),
            (phone("15555550100"), false),
            (phone("+1 555 555 0100"), false),
            (phone("+"), false),
            (phone("+1234"), false),
            (phone("+1234567890123456"), false),
            (phone(""), false),
        ] {
            let named = format!("{address:?}");
            assert_eq!(address_of(address).is_ok(), good, "{named}");
        }
    }
}
