//! A user who signs in on the page of the emulator's OpenID provider.
//!
//! In: the target of an authorization request. Out: the address that the browser is sent to.

use std::net::SocketAddr;

use url::Url;

use super::http::request;

/// Opens the page of an authorization request, chooses this user, and allows the request.
/// Returns the address that the browser is redirected to.
pub(crate) async fn consent(to: SocketAddr, target: &str, user: &str) -> Url {
    let page = request(to, &format!("GET {target}"), "", "").await;
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let pending = page.body.split("name=\"request\" value=\"").nth(1).unwrap();
    let pending = pending.split('"').next().unwrap();
    let path = target.split('?').next().unwrap();
    let decided = request(
        to,
        &format!("POST {path}/decision"),
        &format!("content-type: application/x-www-form-urlencoded\r\ncookie: {cookie}\r\n"),
        &format!("request={pending}&user={user}&decision=allow"),
    )
    .await;
    Url::parse(decided.header("location")).unwrap()
}
