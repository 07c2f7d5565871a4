//! Names, methods and paths in spellings that a service behind may read in another way.

use http::Request;
use tokio::{net::TcpStream, time::timeout};

use super::stack::{GATES, No, stack};
use crate::support::{TIME_LIMIT, raw::Raw};

/// The bytes of a header name other than letters and digits (RFC 9110 section 5.6.2).
const SEPARATORS: &str = "!#$%&'*+-.^_`|~";

/// The CGI variable that lighttpd makes of a name.
fn as_variable(name: &str) -> String {
    let read = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(read).collect()
}

#[tokio::test]
async fn no_spelling_of_an_identity_header_arrives() {
    let stack = stack().await;
    let token = stack.issuer.token("guest").sign();
    let names: Vec<String> = SEPARATORS
        .chars()
        .flat_map(|separator| {
            let with = |name: &str| name.replace('-', &separator.to_string());
            ["x-rownd-user-id", "x-rownd-auth-level", "x-rownd-groups"].map(with).into_iter().chain(
                [
                    format!("x{separator}rownd-user-id"),
                    format!("x-rownd{separator}user_id"),
                    format!("X-Rownd-Verified{separator}"),
                ],
            )
        })
        .collect();
    for gate in GATES {
        for (path, token) in [
            ("/public", None),
            ("/optional", None),
            ("/optional", Some(&token)),
            ("/", Some(&token)),
        ] {
            let mut request = Raw::get(path);
            if let Some(token) = token {
                request = request.bearer(token);
            }
            for name in &names {
                request = request.header(name, "forged");
            }
            let echoed = stack.pass(gate, &request).await;
            let reserved = echoed.names(|name| {
                as_variable(name).starts_with("HTTP_X_ROWND_")
                    || as_variable(name).starts_with("X_ROWND_")
            });
            for name in reserved {
                let values = echoed.all(name);
                assert!(!values.contains(&"forged"), "{name} @ {gate} {path}: {values:?}");
            }
        }
    }
}

/// Sends a method that HTTP/1.1 clients would not, over HTTP/2. The status.
async fn h2_method(to: std::net::SocketAddr, method: &str, path: &str) -> u16 {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(format!("http://api.example.com{path}"));
    let (response, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
    let response = timeout(TIME_LIMIT, response).await.unwrap().unwrap();
    connection.abort();
    response.status().as_u16()
}

#[tokio::test]
async fn a_method_in_lower_case_is_judged_as_that_in_upper_case_too() {
    let stack = stack().await;
    for gate in GATES {
        let to = stack.envoy.gate(gate);
        // Open to every client except for these methods, which ask for a verified user.
        for method in ["DELETE", "delete", "Delete", "dELETE", "patch", "PATCH"] {
            assert_eq!(h2_method(to, method, "/writes").await, 401, "{method} @ {gate}");
        }
        for method in ["GET", "get", "DELETES", "x"] {
            assert_eq!(h2_method(to, method, "/writes").await, 200, "{method} @ {gate}");
        }
    }
}

#[tokio::test]
async fn a_host_in_front_of_a_path_is_no_part_of_it() {
    let stack = stack().await;
    let guest = stack.issuer.token("guest").sign();
    for gate in GATES {
        for path in [
            "//x/verified",
            "//x/verified/y",
            "///x/verified",
            "/\\x/verified",
            "/;/x/verified",
            "/;a=b/x/verified",
            "/%2fx/verified",
            "/%5cx/verified",
            "/%3b/x/verified",
            "//user@x:80/verified",
        ] {
            let answer = stack.ask(gate, &Raw::get(path).bearer(&guest)).await;
            No::Refused.check(&answer, "path_refused", &format!("{path} @ {gate}"));
        }
    }
}
