//! `UploadOidcClientLogo`: a logo is judged by its content before it is sent.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tonic::Status;

use super::{
    change::{not_changed, subject},
    check,
    logo::{self, LogoProblem},
    read::target,
    wire,
};
use crate::{
    blocking::BlockingRunner,
    grpc::{
        pb::rownd::auth::v1::{
            OidcLogoBackground, UploadOidcClientLogoRequest, UploadOidcClientLogoResponse,
        },
        rownd_auth::{call::ServiceCall, fault::Fault, structure::Structures, writes::Write},
    },
    issuer_api::administration::oidc_clients::{LogoBackground, LogoFile, LogoFormat},
};

/// The most logos that are judged at a time: one of 5 MB takes up to half a second.
const MAX_JUDGED: usize = 2;
/// The most characters of the name of a file.
const MAX_FILE_NAME: usize = 100;

/// Judges logos, away from the threads that answer calls.
#[derive(Debug)]
pub(super) struct LogoJudge {
    blocking: BlockingRunner,
    places: Arc<Semaphore>,
}

impl LogoJudge {
    pub(super) fn new(blocking: BlockingRunner) -> Self {
        Self { blocking, places: Arc::new(Semaphore::new(MAX_JUDGED)) }
    }

    /// The format of this file.
    ///
    /// # Errors
    ///
    /// Fails where the file may not be a logo.
    async fn judge(&self, file: Bytes) -> Result<LogoFormat, Fault> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Fault::Internal)?;
        let judged = self.blocking.run(move || {
            // Until the end of the work, even if its caller has left.
            let _place = place;
            logo::judge(&file)
        });
        let judged = judged.await.map_err(|_| Fault::Internal)?;
        judged.map_err(|problem: LogoProblem| Fault::field("content", problem.to_string()))
    }
}

pub(super) async fn upload(
    judge: &LogoJudge,
    call: &Arc<ServiceCall>,
    request: UploadOidcClientLogoRequest,
) -> Result<UploadOidcClientLogoResponse, Status> {
    check::id("id", &request.id)?;
    let background = match OidcLogoBackground::try_from(request.background) {
        Ok(OidcLogoBackground::Light) => LogoBackground::Light,
        Ok(OidcLogoBackground::Dark) => LogoBackground::Dark,
        Ok(OidcLogoBackground::Unspecified) => {
            return Err(Fault::field("background", "is missing: give light or dark").into());
        }
        Err(_) => return Err(Fault::field("background", "is not a known value").into()),
    };
    if request.file_name.as_deref().is_some_and(is_odd_name) {
        let why = format!(
            "must have 1 to {MAX_FILE_NAME} letters, digits, `.`, `-`, `_` or blanks, and begin \
             with a letter or a digit"
        );
        return Err(Fault::field("file_name", why).into());
    }
    target(call, request.issuer.as_deref(), request.app_id.as_deref())?;
    let format = judge.judge(request.content.clone()).await?;
    let write = Write {
        method: "UploadOidcClientLogo",
        subject: subject(&request.id),
        request_id: "",
        // Without an id no other call is compared with it, so the file need not be hashed.
        request: &(),
    };
    let (own, asked) = (call.clone(), request.clone());
    let work = async move {
        let UploadOidcClientLogoRequest { issuer, app_id, id, content, file_name, .. } = asked;
        let target = target(&own, issuer.as_deref(), app_id.as_deref())?;
        let default = match format {
            LogoFormat::Png => "logo.png",
            LogoFormat::Svg => "logo.svg",
        };
        let name = file_name.as_deref().unwrap_or(default);
        let file = LogoFile { background, format, name, content };
        let client = target.api.upload_logo(target.app, &id, file, own.issuer_timeout()).await;
        let mut structures = Structures::default();
        let client = wire::client(&client.map_err(not_changed)?, "", &mut structures);
        Ok(UploadOidcClientLogoResponse {
            oidc_client: Some(client),
            omitted: structures.omitted(),
        })
    };
    call.write(write, work).await
}

/// Whether a name cannot be sent, or would mean something to a disk.
fn is_odd_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    !begins || name.len() > MAX_FILE_NAME || !name.chars().all(plain) || name.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::is_odd_name;

    #[test]
    fn a_file_name_is_plain() {
        for (name, odd) in [
            ("logo.svg", false),
            ("Our logo-2_a.PNG", false),
            ("", true),
            (".htaccess", true),
            ("../logo.png", true),
            ("a/b.png", true),
            ("a\\b.png", true),
            ("a\r\nx: y", true),
            ("a\"b.png", true),
            ("lo\u{e9}.png", true),
            ("logo.png ", true),
            (&"a".repeat(101), true),
        ] {
            assert_eq!(is_odd_name(name), odd, "{name:?}");
        }
    }
}
