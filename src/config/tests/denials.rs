//! The sections `denial` and `protected_resource`, and the forms of a route: what is refused, with what
//! to write instead, and what holds.

use super::{APP, bad, good};

#[rustfmt::skip] // one case a line
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("denial: { json: true, html: {} }", "denial.json", "beside another form"),
    ("denial: { json: true, redirect: { url: 'https://a.test' } }", "denial.json", "beside another form"),
    ("denial: { page: {} }", "denial.page", "known fields"),
    ("denial: html", "denial", "map"),
    ("denial: { html: true }", "denial.html", "map"),
    ("denial: { html: { accent: red } }", "denial.html.accent", "\"#1a56db\""),
    ("denial: { html: { accent: '#fff' } }", "denial.html.accent", "\"#1a56db\""),
    ("denial: { html: { accent: '#1a56db;background:url(//evil.test)' } }", "denial.html.accent", "\"#1a56db\""),
    ("denial: { html: { accent: 123456 } }", "denial.html.accent", "in quotes"),
    ("denial: { html: { title: \"a\\nb\" } }", "denial.html.title", "one line"),
    ("denial: { html: { title: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' } }", "denial.html.title", "80 characters"),
    ("denial: { html: { colour: '#1a56db' } }", "denial.html.colour", "known fields"),
    ("denial: { redirect: {} }", "denial.redirect", "`url`"),
    ("denial: { redirect: { url: /sign-in } }", "denial.redirect.url", "https://login.example.com"),
    ("denial: { redirect: { url: 'http://login.test' } }", "denial.redirect.url", "write https://"),
    ("denial: { redirect: { url: 'javascript:alert(1)' } }", "denial.redirect.url", "write https://"),
    ("denial: { redirect: { url: '//login.test' } }", "denial.redirect.url", "https://login.example.com"),
    ("denial: { redirect: { url: 'https://user:pw@login.test' } }", "denial.redirect.url", "password"),
    ("denial: { redirect: { url: 'https://login.test/#x' } }", "denial.redirect.url", "fragment"),
    ("denial: { redirect: { url: 'https://login.test/?return_to=/' } }", "denial.redirect.url", "`return_to` already"),
    ("denial: { redirect: { url: 'https://login.test/?a=b&%62ack=1', return_to: back } }", "denial.redirect.url", "`back` already"),
    ("denial: { redirect: { url: 'https://a.test', return_to: '' } }", "denial.redirect.return_to", "such as `return_to`"),
    ("denial: { redirect: { url: 'https://a.test', return_to: 'a&b' } }", "denial.redirect.return_to", "such as `return_to`"),
    ("denial: { redirect: { url: 'https://a.test', return_to: 'a=b' } }", "denial.redirect.return_to", "such as `return_to`"),
    ("denial: { redirect: { url: 'https://a.test', return_to: max_age } }", "denial.redirect.return_to", "such as `return_to`"),
    ("denial: { redirect: { url: 'https://a.test/?max_age=1' } }", "denial.redirect.url", "`max_age` already"),
    ("denial: { redirect: { url: 'https://a.test', status: 302 } }", "denial.redirect.status", "known fields"),
    ("routes: [{ id: a, match: any, denial: {} }]", "routes[0].denial", "json: true"),
    ("routes: [{ id: a, match: any, denial: { json: false } }]", "routes[0].denial", "json: true"),
    ("routes: [{ id: a, match: any, auth: none, denial: { redirect: { url: 'https://a.test' } } }]", "routes[0].denial.redirect", "auth: required"),
    ("routes: [{ id: a, match: any, denial: { html: { accent: x } } }]", "routes[0].denial.html.accent", "\"#1a56db\""),
    ("routes: [{ id: a, match: any, denial: { redirect: { url: x } } }]", "routes[0].denial.redirect.url", "https://"),
    ("listeners: { http: { serve: [resource_metadata] } }", "listeners.http.serve[0]", "`protected_resource`"),
    ("check: { explain_denials: 'yes' }", "check.explain_denials", "true or false"),
    ("protected_resource: { authorization_servers: ['https://b.test'] }", "protected_resource", "`resource`"),
    ("protected_resource: { resource: 'https://a.test' }", "protected_resource", "`authorization_servers`"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: [] }", "protected_resource.authorization_servers", "is empty"),
    ("protected_resource: { resource: a.test, authorization_servers: ['https://b.test'] }", "protected_resource.resource", "https://api.example.com"),
    ("protected_resource: { resource: 'http://a.test', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "write https://"),
    ("protected_resource: { resource: 'https://a.test/?b', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "query"),
    ("protected_resource: { resource: 'https://a.test/#b', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "fragment"),
    ("protected_resource: { resource: 'https://a.test/../x', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "write https://a.test/x"),
    ("protected_resource: { resource: 'https://A.test/b', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "write https://a.test/b"),
    ("protected_resource: { resource: 'https://a.test:443/b', authorization_servers: ['https://b.test'] }", "protected_resource.resource", "write https://a.test/b"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test', 'http://c.test'] }", "protected_resource.authorization_servers[1]", "write https://"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test?c'] }", "protected_resource.authorization_servers[0]", "query"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test'], scopes_supported: [a, 'b c'] }", "protected_resource.scopes_supported[1]", "orders:read"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test'], scopes_supported: ['a\"'] }", "protected_resource.scopes_supported[0]", "orders:read"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test'], resource_documentation: here }", "protected_resource.resource_documentation", "https://www.example.com"),
    ("protected_resource: { resource: 'https://a.test', authorization_servers: ['https://b.test'], jwks_uri: 'https://a.test' }", "protected_resource.jwks_uri", "known fields"),
];

#[test]
fn what_can_only_be_a_mistake_is_refused_with_its_place() {
    for (setting, path, hint) in PROBLEMS {
        let problems = bad(&format!("# a comment\n{setting}\n"), &[APP]);
        let found = problems.iter().find(|problem| problem.setting == *path);
        let found = found.unwrap_or_else(|| panic!("{setting}: {problems:#?}"));
        assert_eq!(found.place, "test.yaml:2", "{setting}");
        assert!(found.message.contains(hint), "{setting}: {found}");
        assert!(!found.message.contains("pw@"), "{setting}: {found}");
        assert_eq!(problems.len(), 1, "{setting}: {problems:#?}");
    }
}

#[test]
fn all_problems_of_a_form_are_told_at_once() {
    let yaml =
        "denial: { html: { title: \"\\t\", accent: x }, redirect: { url: x, return_to: '?' } }";
    let problems = bad(yaml, &[APP]);
    let settings: Vec<&str> = problems.iter().map(|problem| problem.setting.as_str()).collect();
    for expected in [
        "denial.html.title",
        "denial.html.accent",
        "denial.redirect.url",
        "denial.redirect.return_to",
    ] {
        assert!(settings.contains(&expected), "{settings:?}");
    }
}

#[test]
fn a_form_is_read_and_printed_back() {
    let yaml = "
denial: { html: { title: Shop }, redirect: { url: 'https://LOGIN.test/a?b=c' } }
routes:
  - { id: api, match: any, denial: { json: true } }
  - { id: none, by_name: true, auth: none, denial: { html: { accent: '#FF0000' } } }
  - { id: plain, by_name: true }
";
    let config = good(yaml, &[APP]);
    let form = config.denial.form();
    let sign_in = form.sign_in.as_ref().unwrap();
    assert_eq!((sign_in.url(), sign_in.parameter()), ("https://login.test/a?b=c", "return_to"));
    let page = form.page.as_ref().unwrap();
    assert_eq!((page.title.as_str(), page.accent.to_string().as_str()), ("Shop", "#1a56db"));
    let own = |index: usize| config.routes[index].denial.as_ref().map(|denial| denial.form());
    let api = own(0).unwrap();
    assert!(api.page.is_none() && api.sign_in.is_none());
    assert_eq!(own(1).unwrap().page.as_ref().unwrap().accent.to_string(), "#ff0000");
    assert_eq!(own(2), None);
    let printed = serde_json::to_value(&config).unwrap();
    let again = good(&printed.to_string(), &[]);
    assert_eq!((again.denial, again.routes), (config.denial, config.routes));
    assert_eq!(printed["routes"][0]["denial"], serde_json::json!({ "json": true }));
}

#[test]
fn http_is_for_this_machine_alone() {
    for url in ["http://localhost:3000/", "http://127.0.0.1/a", "http://[::1]:1/", "https://a.test"]
    {
        good(&format!("denial: {{ redirect: {{ url: '{url}' }} }}"), &[APP]);
    }
}

#[test]
fn the_metadata_stand_at_the_host_of_the_service() {
    for (resource, path, url) in [
        (
            "https://api.test",
            "/.well-known/oauth-protected-resource",
            "https://api.test/.well-known/oauth-protected-resource",
        ),
        (
            "https://api.test/",
            "/.well-known/oauth-protected-resource",
            "https://api.test/.well-known/oauth-protected-resource",
        ),
        (
            "https://api.test:8443/v1/orders",
            "/.well-known/oauth-protected-resource/v1/orders",
            "https://api.test:8443/.well-known/oauth-protected-resource/v1/orders",
        ),
        (
            "https://api.test/v1/",
            "/.well-known/oauth-protected-resource/v1/",
            "https://api.test/.well-known/oauth-protected-resource/v1/",
        ),
    ] {
        let yaml = format!(
            "protected_resource: {{ resource: '{resource}', authorization_servers: ['https://id.test'], \
             scopes_supported: [a], resource_name: Orders }}"
        );
        let config = good(&yaml, &[APP]);
        let document = config.resource_metadata().unwrap();
        assert_eq!(document.path, path);
        assert_eq!(config.denial_settings().resource_metadata.as_deref(), Some(url));
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&document.body).unwrap(),
            serde_json::json!({
                "resource": resource,
                "authorization_servers": ["https://id.test"],
                "scopes_supported": ["a"],
                "resource_name": "Orders",
                "bearer_methods_supported": ["header"],
            })
        );
    }
}

#[test]
fn the_metadata_name_the_ways_to_send_a_token() {
    for (credentials, expected) in [
        ("[{ header: authorization }]", Some("[\"header\"]")),
        ("[{ query: access_token }, { header: authorization }]", Some("[\"query\",\"header\"]")),
        ("[{ header: x-token }, { query: t }, { cookie: a }]", None),
    ] {
        let yaml = format!(
            "{{ credentials: {credentials}, protected_resource: {{ resource: 'https://a.test', \
             authorization_servers: ['https://b.test'] }} }}"
        );
        let document = good(&yaml, &[APP]).resource_metadata().unwrap();
        let body: serde_json::Value = serde_json::from_slice(&document.body).unwrap();
        let methods = body.get("bearer_methods_supported").map(ToString::to_string);
        assert_eq!(methods.as_deref(), expected, "{credentials}");
    }
}

#[test]
fn parameters_with_credentials_are_known() {
    let yaml = "credentials: [{ header: authorization }, { query: access_token }, { cookie: a }, { query: t }]";
    let settings = good(yaml, &[APP]).denial_settings();
    assert_eq!(settings.secret_parameters, ["access_token", "t"]);
    assert!(!settings.explain && !settings.error_response && settings.resource_metadata.is_none());
}
