//! The types of events in one table: what each says. The page docs/events.md and the schemas are made
//! from it, and a test holds every event that the rooms make against it.

use crate::model::EventType;

/// A type of events.
#[derive(Debug, Clone, Copy)]
pub struct EventRow {
    /// The type.
    pub kind: EventType,
    /// The `type` of the CloudEvent. It never changes its meaning.
    pub cloud_type: &'static str,
    /// The event in a sentence or two.
    pub about: &'static str,
    /// The fields of `data`.
    pub fields: &'static [FieldRow],
}

/// A field of `data`.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// Its name.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: FieldKind,
    /// Every event of the type has it.
    pub always: bool,
    /// Its meaning.
    pub about: &'static str,
}

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number that is not negative.
    Number,
    /// A list of texts.
    Texts,
    /// A map.
    Map,
}

const fn always(name: &'static str, kind: FieldKind, about: &'static str) -> FieldRow {
    FieldRow { name, kind, always: true, about }
}

const fn where_known(name: &'static str, kind: FieldKind, about: &'static str) -> FieldRow {
    FieldRow { name, kind, always: false, about }
}

const LEVELS: FieldKind = FieldKind::Word(&["instant", "guest", "unverified", "verified"]);
const APIS: FieldKind =
    FieldKind::Word(&["ext_authz", "rownd_auth", "token_validator", "browser_callback"]);

const ISSUER: FieldRow =
    where_known("issuer", FieldKind::Text, "the configured name of the issuer");
const APP: FieldRow = where_known("app_id", FieldKind::Text, "the id of the app");
const USER: FieldRow = where_known("user_id", FieldKind::Text, "the id of the user");
const SESSION: FieldRow = where_known("session_id", FieldKind::Text, "the id of the session");
const LEVEL: FieldRow =
    where_known("auth_level", LEVELS, "how strongly the user proved who they are");
const RULE: FieldRow =
    where_known("rule", FieldKind::Text, "the rule that was judged by; of checks of the proxy");
const REQUEST: FieldRow = where_known(
    "request_id",
    FieldKind::Text,
    "the id by which the request is found in other logs; of checks of the proxy",
);
const API: FieldRow = always(
    "api",
    APIS,
    "a check of the proxy, a call of `Verify` or another one with a token, a question of Rownd's token validator, or a callback of its snippet",
);
const REASON: FieldRow =
    always("reason", FieldKind::Text, "the deny reason ([deny-reasons.md](deny-reasons.md))");
const ISSUER_ALWAYS: FieldRow =
    always("issuer", FieldKind::Text, "the configured name of the issuer");
const APP_ALWAYS: FieldRow = always("app_id", FieldKind::Text, "the id of the app");
const CALLER: FieldRow =
    always("caller", FieldKind::Text, "the caller of this service, by its configured name");
const PROFILE: FieldRow = where_known(
    "profile",
    FieldKind::Map,
    "the fields of the profile that `events.profile_fields` names, without values of more than \
     1024 bytes",
);
const USER_TYPE: FieldRow = where_known(
    "user_type",
    FieldKind::Word(&["new", "existing", "instant"]),
    "whether the issuer knew the user before",
);

/// All types, in the order of the enum.
pub(super) const EVENTS: &[EventRow] = &[
    EventRow {
        kind: EventType::TokenVerified,
        cloud_type: "io.rownd.auth.v1.token.verified",
        about: "This process met a token for the first time, or again after its claims had left the \
                cache, and its signature and claims are good. Later uses of it make no event. The \
                rules may have denied the request anyway.",
        fields: &[API, ISSUER, APP, USER, SESSION, LEVEL, RULE, REQUEST],
    },
    EventRow {
        kind: EventType::TokenRefused,
        cloud_type: "io.rownd.auth.v1.token.refused",
        about: "A token was refused: forged, expired, revoked, of another app. Nothing that an \
                unverified token says is told.",
        fields: &[REASON, API, ISSUER, APP, USER, SESSION, LEVEL, RULE, REQUEST],
    },
    EventRow {
        kind: EventType::TokenExchanged,
        cloud_type: "io.rownd.auth.v1.token.exchanged",
        about: "An issuer gave tokens for a credential, by `Exchange`. `user_id` is absent where the \
                owner of the tokens is not certain.",
        fields: &[
            always(
                "grant",
                FieldKind::Word(&[
                    "third_party_token",
                    "authorization_code",
                    "migration",
                    "guest",
                    "magic_link",
                ]),
                "the grant",
            ),
            CALLER,
            ISSUER,
            APP,
            USER,
            USER_TYPE,
        ],
    },
    EventRow {
        kind: EventType::TokenRefreshed,
        cloud_type: "io.rownd.auth.v1.token.refreshed",
        about: "An issuer gave tokens for a refresh token, by `Exchange`.",
        fields: &[
            always("grant", FieldKind::Word(&["refresh_token", "session_refresh"]), "the grant"),
            CALLER,
            ISSUER,
            APP,
            USER,
            USER_TYPE,
        ],
    },
    EventRow {
        kind: EventType::UserCreated,
        cloud_type: "io.rownd.auth.v1.user.created",
        about: "`CreateUser` made a user.",
        fields: &[ISSUER_ALWAYS, APP_ALWAYS, USER, CALLER, PROFILE],
    },
    EventRow {
        kind: EventType::UserUpdated,
        cloud_type: "io.rownd.auth.v1.user.updated",
        about: "A user was changed: `UpdateUser` (`profile`), `UpdateUserFile` (`file`), \
                `BatchUpsertUsers` (`upserted`: created or overwritten), `EnableUser`, `DisableUser`.",
        fields: &[
            ISSUER_ALWAYS,
            APP_ALWAYS,
            USER,
            CALLER,
            always(
                "change",
                FieldKind::Word(&["profile", "file", "upserted", "enabled", "disabled"]),
                "the change",
            ),
            PROFILE,
        ],
    },
    EventRow {
        kind: EventType::UserDeleted,
        cloud_type: "io.rownd.auth.v1.user.deleted",
        about: "`DeleteUser` or `BatchDeleteUsers` deleted a user.",
        fields: &[ISSUER_ALWAYS, APP, USER, CALLER],
    },
    EventRow {
        kind: EventType::UserSignedOut,
        cloud_type: "io.rownd.auth.v1.user.signed_out",
        about: "`SignOutUser` signed a user out on every device.",
        fields: &[ISSUER_ALWAYS, APP, USER, CALLER],
    },
    EventRow {
        kind: EventType::SessionRevoked,
        cloud_type: "io.rownd.auth.v1.session.revoked",
        about: "This process put a token, a session or the tokens of a user on the list of \
                revocations, by a command, by a call or by an event from outside. Replicas that learn \
                of it by the shared state make no event of their own. Without `issuer` it holds at \
                every issuer.",
        fields: &[
            always(
                "kind",
                FieldKind::Word(&["token", "session", "user"]),
                "the kind of thing that is revoked",
            ),
            ISSUER,
            where_known("tenant", FieldKind::Text, "the tenant, where only one is meant"),
            APP,
            USER,
            SESSION,
            where_known("token_id", FieldKind::Text, "the `jti` of the token"),
            where_known(
                "not_before",
                FieldKind::Number,
                "tokens of the user that were issued before this second of Unix time are revoked",
            ),
        ],
    },
    EventRow {
        kind: EventType::CheckDenied,
        cloud_type: "io.rownd.auth.v1.check.denied",
        about: "A check of the proxy was denied.",
        fields: &[
            REASON,
            always(
                "outcome",
                FieldKind::Word(&["deny", "unavailable"]),
                "a plain no, or a check that could not be decided",
            ),
            RULE,
            REQUEST,
            ISSUER,
            APP,
            USER,
            SESSION,
            LEVEL,
        ],
    },
    EventRow {
        kind: EventType::KeysChanged,
        cloud_type: "io.rownd.auth.v1.keys.changed",
        about: "The names of the keys of an issuer that this process uses are other ones than some \
                seconds ago. Each replica tells it.",
        fields: &[
            ISSUER_ALWAYS,
            where_known("tenant", FieldKind::Text, "the tenant, where the issuer has tenants"),
            always("usable", FieldKind::Number, "the number of keys in use"),
            always("kids", FieldKind::Texts, "the names of the first 64 of them"),
        ],
    },
    EventRow {
        kind: EventType::ConfigReloaded,
        cloud_type: "io.rownd.auth.v1.config.reloaded",
        about: "This process put another configuration in force. Each replica tells it.",
        fields: &[
            always("epoch", FieldKind::Number, "the number of the configuration since the start"),
            always(
                "hash",
                FieldKind::Text,
                "the fingerprint of the configuration, as on `/status`",
            ),
        ],
    },
];

/// The row of a type.
#[must_use]
pub fn row(kind: EventType) -> Option<&'static EventRow> {
    EVENTS.get(kind as usize)
}
