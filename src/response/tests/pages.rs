//! The HTML page: what it holds, and that nothing in it is markup but its own.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{form, page, request, settings, told_to, value};
use crate::{
    config::DenialSettings,
    digest::sha256,
    model::{
        AccentColor, CallerProtocol, Denial, DenialPage, DenyReason, Explanation, RequestContext,
    },
    response::{DenialResponder, DenialResponse, Recipient, statuses},
};

fn browser() -> RequestContext {
    request("/a", &[("accept", "text/html")])
}

fn with_page(title: &str) -> DenialSettings {
    DenialSettings { form: form(Some(page(title)), None), ..settings() }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

/// The names of the tags in a page, closing ones with `/`. A `<` or `>` that is no tag fails.
fn tags(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text}");
        found.push(tag.split(' ').next().unwrap());
    }
    found
}

const TAGS: [&str; 16] = [
    "!doctype", "html", "head", "meta", "meta", "title", "/title", "style", "/style", "/head",
    "body", "main", "p", "/p", "h1", "/h1",
];

fn assert_well_formed(page: &str) {
    let mut open = Vec::new();
    for tag in tags(page) {
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{page}"),
            None if matches!(tag, "!doctype" | "meta") => {}
            None => open.push(tag),
        }
    }
    assert_eq!(open, [""; 0], "{page}");
}

#[test]
fn every_denial_has_a_page_for_browsers() {
    let settings = with_page("Shop");
    for reason in DenyReason::ALL {
        let response =
            told_to(&(*reason).into(), &settings, CallerProtocol::Http, Some(&browser()));
        let plain = told_to(&(*reason).into(), &settings, CallerProtocol::Http, None);
        assert_eq!(response.http_status, statuses(*reason).http, "{reason:?}");
        for (name, expected) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(value(&response, name), Some(expected), "{reason:?}");
        }
        for same in ["www-authenticate", "retry-after"] {
            assert_eq!(value(&response, same), value(&plain, same), "{reason:?}");
        }
        let page = &response.body;
        assert_well_formed(page);
        assert_eq!(tags(page).get(..TAGS.len()), Some(&TAGS[..]), "{page}");
        for part in [
            "<html lang=\"en\">",
            "<p class=\"site\">Shop</p>",
            &format!("<dd>{}</dd>", reason.code()),
            "<dd>request-1</dd>",
            " - Shop</title>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(page.len() < 2048, "{} bytes", page.len());
    }
}

#[test]
fn the_policy_admits_the_style_of_the_page_and_nothing_else() {
    for accent in ["#1a56db", "#000000", "#FfFfFf"] {
        let looks =
            DenialPage { title: "Shop".to_owned(), accent: AccentColor::parse(accent).unwrap() };
        let settings = DenialSettings { form: form(Some(looks), None), ..settings() };
        let denial = DenyReason::CredentialMissing.into();
        let response = told_to(&denial, &settings, CallerProtocol::Http, Some(&browser()));
        let style = between(&response.body, "<style>", "</style>");
        assert!(style.contains(&accent.to_lowercase()));
        let hash = STANDARD.encode(sha256(style.as_bytes()));
        let policy = value(&response, "content-security-policy").unwrap();
        let directives: Vec<&str> = policy.split("; ").collect();
        let style = format!("style-src 'sha256-{hash}'");
        for directive in ["default-src 'none'", &style, "frame-ancestors 'none'"] {
            assert!(directives.contains(&directive), "{directive} is not in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for word in ["style=", "<script", "<img", "<link", "onload", "url(", "@import", "http"] {
            assert!(!response.body.contains(word), "{word} is in {}", response.body);
        }
    }
}

/// Texts that would be markup, if somebody forgot to escape them.
const HOSTILE: [&str; 8] = [
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "'><b>",
    "&lt;b&gt;",
    "<!--",
    "]]>",
    "{{7*7}}",
];

#[test]
fn no_text_becomes_markup() {
    let own = told_to(
        &denial("x"),
        &DenialSettings { explain: true, ..with_page("x") },
        CallerProtocol::Http,
        Some(&browser()),
    );
    for text in HOSTILE {
        let settings = DenialSettings { explain: true, ..with_page(text) };
        let request = browser();
        let client = Recipient {
            protocol: CallerProtocol::Http,
            request_id: text.as_bytes(),
            rule: text,
            request: Some(&request),
        };
        let response = DenialResponder::new(&settings).respond(
            &denial(text),
            None,
            &Default::default(),
            client,
        );
        assert_well_formed(&response.body);
        assert_eq!(tags(&response.body), tags(&own.body), "{text}");
        let shown = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown = shown.replace('"', "&quot;").replace('\'', "&#39;");
        // In the title, above the heading, the rule, the requirement and the id.
        assert_eq!(response.body.matches(&shown).count(), 5, "{}", response.body);
    }
}

fn denial(text: &str) -> Denial {
    let (rule, required): (Arc<str>, Arc<str>) = (text.into(), text.into());
    Denial::requirement_unmet().explained(Explanation { rule, required })
}

#[test]
fn a_site_without_a_name_has_none() {
    let settings = with_page("");
    let denial = DenyReason::CredentialMissing.into();
    let DenialResponse { body, .. } =
        told_to(&denial, &settings, CallerProtocol::Http, Some(&browser()));
    assert_eq!(between(&body, "<title>", "</title>"), "Please sign in");
    assert!(!body.contains("class=\"site\""), "{body}");
    assert_well_formed(&body);
}

#[test]
fn only_browsers_get_a_page() {
    let settings = with_page("Shop");
    let json = request("/a", &[("accept", "application/json")]);
    for (name, protocol, request, expected) in [
        ("a program", CallerProtocol::Http, Some(&json), "application/json"),
        ("no request", CallerProtocol::Http, None, "application/json"),
        ("gRPC", CallerProtocol::Grpc, Some(&browser()), "text/plain"),
        ("gRPC-Web", CallerProtocol::GrpcWeb, Some(&browser()), "text/plain"),
    ] {
        let denial = DenyReason::CredentialMissing.into();
        let response = told_to(&denial, &settings, protocol, request);
        assert_eq!(value(&response, "content-type"), Some(expected), "{name}");
        assert_eq!(value(&response, "content-security-policy"), None, "{name}");
    }
}

#[test]
fn the_form_of_a_rule_takes_the_place_of_the_common_one() {
    let (browser, reason) = (browser(), DenyReason::RequirementUnmet);
    let shop = form(Some(page("Shop")), None);
    for (name, common, own, expected) in [
        ("the rule has none", with_page("Common"), None, Some("Common")),
        ("the rule has a page", with_page("Common"), Some(shop.clone()), Some("Shop")),
        ("the rule has JSON alone", with_page("Common"), Some(form(None, None)), None),
        ("only the rule has a page", settings(), Some(shop), Some("Shop")),
    ] {
        let denial = own.into_iter().fold(Denial::from(reason), Denial::at_rule);
        let response = told_to(&denial, &common, CallerProtocol::Http, Some(&browser));
        let is_page = value(&response, "content-type") == Some("text/html; charset=utf-8");
        let site = is_page.then(|| between(&response.body, "<p class=\"site\">", "</p>"));
        assert_eq!(site, expected, "{name}");
    }
}
