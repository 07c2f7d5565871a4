//! The kinds of issuers, a file for each. Here is the one match over all of them.
//!
//! To add a kind: its variant in `config::IssuerKind`, a file here with a [`Kind`], and a line
//! below. The compiler asks for the line and for every field of the row.

mod firebase;
pub(super) mod kind;
mod machine;
mod oidc;
pub(super) mod presets;
pub(super) mod rownd;
mod rownd_claims;
mod standard;
mod static_keys;
mod supertokens;

use crate::config::IssuerKind;
use kind::Kind;

/// The row of this kind.
pub(super) const fn row(kind: IssuerKind) -> &'static Kind {
    match kind {
        IssuerKind::Rownd => &rownd::KIND,
        IssuerKind::Supertokens => &supertokens::KIND,
        IssuerKind::Oidc => &oidc::KIND,
        IssuerKind::Firebase => &firebase::KIND,
        IssuerKind::Static => &static_keys::KIND,
    }
}
