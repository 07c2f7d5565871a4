//! The reasons of errors, each with its code. docs/rownd-auth-errors.md has the same table.
//!
//! A reason has one meaning and one code. Two kinds of reasons have tables of their own: why a caller
//! is refused, and why a token is denied.

use strum::{IntoStaticStr, VariantArray};
use tonic::Code;

/// The reason of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ErrorReason {
    /// A mistake in the call.
    BadRequest,
    /// The message cannot be decoded.
    MessageUnreadable,
    /// Too many calls.
    Overloaded,
    /// No response in time.
    #[strum(serialize = "DEADLINE_EXCEEDED")]
    Late,
    /// No response within the caller's own deadline.
    #[strum(serialize = "DEADLINE_EXCEEDED")]
    Hurried,
    /// The refresh token was sent, and no replica knows the answer.
    RefreshOutcomeUnknown,
    /// The state that replicas share does not answer.
    SharedStateUnavailable,
    /// The tokens are revoked at this replica, and the others may not know it.
    RevocationNotShared,
    /// The issuer's API does not answer, or is not asked for a while.
    RowndUnavailable,
    /// The issuer's API redirects.
    IssuerRedirects,
    /// The issuer's API asks for fewer requests.
    RowndRateLimited,
    /// The caller asks too often for a younger profile.
    MaxAgeLimited,
    /// There is no such user.
    UserNotFound,
    /// The account is disabled.
    UserDisabled,
    /// The issuer does not accept the token.
    TokenRefused,
    /// The magic link is used up, expired, or none.
    MagicLinkRefused,
    /// The issuer does not let the token read its user.
    UserRefused,
    /// The issuer does not hand out the profile.
    ProfileRefused,
    /// A user's data, from the issuer or to the caller, are too large.
    UserTooLarge,
    /// The issuer answered about another user.
    UserMismatch,
    /// The issuer answered about another group, member or invite, or with other roles.
    GroupMismatch,
    /// The issuer has no profiles, or the app no key and secret.
    ProfileUnsupported,
    /// The issuer refuses fields of the profile.
    UserDataRefused,
    /// There is no such group.
    GroupNotFound,
    /// There is no such OpenID client.
    OidcClientNotFound,
    /// The group has no such member.
    GroupMemberNotFound,
    /// The group has no such invite.
    GroupInviteNotFound,
    /// The user is a member of the group already.
    GroupMemberExists,
    /// The group would have members and no owner.
    LastOwner,
    /// The invite was accepted, rejected or withdrawn before.
    InviteUsed,
    /// The invite is for another user.
    InviteForeign,
    /// The group is not open.
    GroupNotOpen,
    /// The instant user is none.
    InstantUserRefused,
    /// The token validator refuses the token.
    ExchangeAborted,
    /// The issuer refuses the exchange for another reason.
    ExchangeRefused,
    /// The refresh token is used up, expired or revoked.
    RefreshTokenRefused,
    /// The refresh token is of no app of the configuration, and was not sent.
    RefreshTokenForeign,
    /// The authorization code is refused.
    CodeRefused,
    /// The ID token does not belong to the sign-in.
    IdTokenRefused,
    /// SuperTokens gives no session.
    MigrationRefused,
    /// The new tokens are of an app that is not configured.
    TokensRefused,
    /// The hook of the operator does not let the user sign in.
    SignInDenied,
    /// The hook of the operator has not decided whether the user may sign in.
    SignInUndecided,
    /// The issuer refuses the configured key or secret.
    AppCredentialsRefused,
    /// The app has no key in the configuration.
    AppKeyMissing,
    /// The issuer has no such exchange.
    ExchangeUnsupported,
    /// The issuer's answer has another form.
    RowndAnswerInvalid,
    /// The issuer refuses a request that reads or changes something.
    RequestRefused,
    /// It is not known whether a change took effect.
    WriteOutcomeUnknown,
    /// The thing has changed since the etag of the request was made.
    EtagMismatch,
    /// The configuration has no secret of the app.
    AppSecretMissing,
    /// The issuer has no such app.
    AppNotFound,
    /// The configuration has no token of an operator of the app.
    OperatorTokenMissing,
    /// The issuer refuses the token of the operator.
    OperatorTokenRefused,
    /// The claims of an app are not those of the change.
    ClaimsNotApplied,
    /// The issuer's API cannot do this.
    IssuerUnsupported,
    /// An answer, from the issuer or to the caller, is too large.
    ResponseTooLarge,
    /// There is such a user already.
    UserExists,
    /// A field that was to be cleared has still a value.
    FieldNotCleared,
    /// The account does not have the state that was asked for.
    StateNotChanged,
    /// The field has no file.
    FileNotFound,
    /// The field has a value that is not a file.
    #[strum(serialize = "NOT_A_FILE")]
    NotAFile,
    /// The file is too large.
    FileTooLarge,
    /// The list of revocations is full.
    RevocationsFull,
    /// No sink keeps events for `StreamEvents`.
    EventsNotKept,
    /// The events behind a cursor are gone.
    EventsGone,
    /// A reader of events is cut off.
    EventReaderTooSlow,
    /// A stream of events ends, and can be taken up again.
    EventStreamEnded,
    /// A fault of this program.
    Internal,
    /// There is no such method.
    MethodUnknown,
}

impl ErrorReason {
    /// The word of it in an `ErrorInfo`.
    pub(super) fn word(self) -> &'static str {
        self.into()
    }

    /// The code of its status.
    #[expect(clippy::too_many_lines, reason = "a list of every reason")]
    pub(super) const fn code(self) -> Code {
        match self {
            Self::BadRequest | Self::MessageUnreadable | Self::UserDataRefused => {
                Code::InvalidArgument
            }
            Self::Overloaded
            | Self::Late
            | Self::RowndUnavailable
            | Self::IssuerRedirects
            | Self::RefreshOutcomeUnknown
            | Self::SharedStateUnavailable
            | Self::RevocationNotShared
            | Self::EventStreamEnded
            | Self::SignInUndecided
            | Self::WriteOutcomeUnknown => Code::Unavailable,
            Self::EtagMismatch => Code::Aborted,
            Self::TokenRefused => Code::Unauthenticated,
            Self::Hurried => Code::DeadlineExceeded,
            Self::RowndRateLimited | Self::MaxAgeLimited | Self::EventReaderTooSlow => {
                Code::ResourceExhausted
            }
            Self::UserNotFound
            | Self::GroupNotFound
            | Self::GroupMemberNotFound
            | Self::GroupInviteNotFound
            | Self::AppNotFound
            | Self::OidcClientNotFound
            | Self::FileNotFound => Code::NotFound,
            Self::UserExists | Self::GroupMemberExists => Code::AlreadyExists,
            Self::UserDisabled
            | Self::UserRefused
            | Self::ProfileRefused
            | Self::UserTooLarge
            | Self::ProfileUnsupported
            | Self::GroupNotOpen
            | Self::LastOwner
            | Self::InviteUsed
            | Self::InviteForeign
            | Self::InstantUserRefused
            | Self::ExchangeAborted
            | Self::ExchangeRefused
            | Self::RefreshTokenRefused
            | Self::RefreshTokenForeign
            | Self::CodeRefused
            | Self::MagicLinkRefused
            | Self::IdTokenRefused
            | Self::MigrationRefused
            | Self::TokensRefused
            | Self::SignInDenied
            | Self::AppCredentialsRefused
            | Self::AppKeyMissing
            | Self::ExchangeUnsupported
            | Self::RequestRefused
            | Self::AppSecretMissing
            | Self::OperatorTokenMissing
            | Self::OperatorTokenRefused
            | Self::ClaimsNotApplied
            | Self::ResponseTooLarge
            | Self::FieldNotCleared
            | Self::StateNotChanged
            | Self::NotAFile
            | Self::FileTooLarge
            | Self::EventsNotKept
            | Self::EventsGone
            | Self::RevocationsFull => Code::FailedPrecondition,
            Self::UserMismatch
            | Self::GroupMismatch
            | Self::RowndAnswerInvalid
            | Self::Internal => Code::Internal,
            Self::MethodUnknown | Self::IssuerUnsupported => Code::Unimplemented,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use strum::VariantArray as _;
    use tonic::Code;

    use super::ErrorReason;

    /// The table of errors in docs/rownd-auth-errors.md: codes and reasons, row by row.
    fn documented() -> HashSet<(String, String)> {
        let page = include_str!("../../../docs/rownd-auth-errors.md");
        let rows = page.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let code = cells.next()?.strip_suffix('`')?;
            Some((code, cells.next()?))
        });
        let each = rows.flat_map(|(code, reasons)| {
            reasons.split(", ").map(move |one| (code.to_owned(), one.trim_matches('`').to_owned()))
        });
        let upper =
            |text: &str| text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'.');
        each.filter(|(code, reason)| upper(code) && upper(reason)).collect()
    }

    fn code_word(code: Code) -> &'static str {
        match code {
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::Unavailable => "UNAVAILABLE",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::NotFound => "NOT_FOUND",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Internal => "INTERNAL",
            Code::Aborted => "ABORTED",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::Unimplemented => "UNIMPLEMENTED",
            other => panic!("{other:?} is a code of no reason"),
        }
    }

    /// Those of other tables: refused callers, tokens that cannot be judged, and messages that are
    /// refused before they are read.
    const OF_OTHERS: [(&str, &str); 8] = [
        ("UNIMPLEMENTED", "COMPRESSION_UNSUPPORTED"),
        ("PERMISSION_DENIED", "CALLER_..."),
        ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"),
        ("UNAVAILABLE", "KEYS_UNAVAILABLE"),
        ("UNAVAILABLE", "REVOCATIONS_UNAVAILABLE"),
        ("UNAVAILABLE", "KEY_PENDING"),
        ("UNAVAILABLE", "PROFILE_UNAVAILABLE"),
        ("UNAVAILABLE", "APP_UNKNOWN"),
    ];

    #[test]
    fn the_page_has_every_reason_with_its_code_and_no_other() {
        let own = ErrorReason::VARIANTS.iter().map(|one| (code_word(one.code()), one.word()));
        let all: HashSet<_> = own
            .chain(OF_OTHERS)
            .map(|(code, reason)| (code.to_owned(), reason.to_owned()))
            .collect();
        let documented = documented();
        let mut missing: Vec<_> = all.difference(&documented).collect();
        let mut unknown: Vec<_> = documented.difference(&all).collect();
        missing.sort();
        unknown.sort();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "missing {missing:?}, unknown {unknown:?}"
        );
    }
}
