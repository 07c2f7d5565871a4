//! The HTTP proxy for requests to issuers: as it is written, or as the environment names it.
//!
//! In: the text of a URL, or the variables that other programs use too. Out: a [`Proxy`], or what to
//! write instead. No message repeats a URL: a password may be in it.

use std::collections::BTreeMap;

use ipnet::IpNet;
use url::{Host, Url};

use super::{findings::Findings, secret::Secret};

/// The advice at the end of most messages.
const CURE: &str = "write none, environment, or the proxy's URL: http://proxy.example.com:3128";

/// The proxies for both schemes, and the hosts that are asked without them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// The URL of the proxy for `http://`, with its user and password.
    pub http: Option<Secret>,
    /// The URL of the proxy for `https://`, with its user and password.
    pub https: Option<Secret>,
    /// The hosts, names and ranges of addresses that are asked directly, with commas between them.
    pub except: String,
}

/// The proxy variables of the environment, by their names in capitals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProxyVariables(BTreeMap<&'static str, Vec<Secret>>);

/// The variables in capitals; each is read in lower case too.
const VARIABLES: [(&str, &str); 4] = [
    ("HTTPS_PROXY", "https_proxy"),
    ("HTTP_PROXY", "http_proxy"),
    ("ALL_PROXY", "all_proxy"),
    ("NO_PROXY", "no_proxy"),
];

impl Proxy {
    /// One proxy for all requests.
    pub(super) fn of_all(url: Secret, except: &str) -> Self {
        Self { http: Some(url.clone()), https: Some(url), except: except.to_owned() }
    }
}

impl ProxyVariables {
    /// The variables of an environment. An empty one is as good as none.
    pub(super) fn read(environment: &BTreeMap<String, String>) -> Self {
        let values = |names: [&'static str; 2]| -> Vec<Secret> {
            let set = names.iter().filter_map(|name| environment.get(*name));
            set.filter(|value| !value.trim().is_empty()).map(|value| Secret::new(value)).collect()
        };
        let all = VARIABLES.iter().map(|(upper, lower)| (*upper, values([upper, lower])));
        Self(all.filter(|(_, values)| !values.is_empty()).collect())
    }

    /// The names of those that name a proxy.
    pub(super) fn set(&self) -> Vec<&'static str> {
        self.0.keys().copied().filter(|name| *name != "NO_PROXY").collect()
    }

    /// The proxies that they name; `None`: they name none.
    pub(super) fn proxy(&self) -> Result<Option<Proxy>, Vec<String>> {
        let mut problems = Vec::new();
        let mut value = |name: &str| -> Option<&Secret> {
            let values = self.0.get(name)?;
            if values.iter().any(|value| values.first() != Some(value)) {
                let lower = name.to_ascii_lowercase();
                problems.push(format!("{name} and {lower} are set and differ; set one of them"));
            }
            values.first()
        };
        let (https, http, all) = (value("HTTPS_PROXY"), value("HTTP_PROXY"), value("ALL_PROXY"));
        let except = value("NO_PROXY").map(Secret::expose).unwrap_or_default().to_owned();
        let mut url = |name: &str, value: Option<&Secret>| {
            let parsed = variable_url(value?.expose());
            parsed.map_err(|problem| problems.push(format!("{name}: {problem}"))).ok()
        };
        let (https, http, all) =
            (url("HTTPS_PROXY", https), url("HTTP_PROXY", http), url("ALL_PROXY", all));
        if !problems.is_empty() {
            return Err(problems);
        }
        let (http, https) = (http.or_else(|| all.clone()), https.or(all));
        let named = http.is_some() || https.is_some();
        Ok(named.then(|| Proxy { http, https, except: entries(&except) }))
    }
}

/// Reads the file of a `file:/path`.
pub(super) fn resolve(written: &mut Secret) -> Result<(), String> {
    written.resolve().map_err(|message| format!("{message}; {CURE}"))
}

/// The URL of a proxy as a setting.
pub(super) fn written_url(text: &str) -> Result<Secret, String> {
    if text.contains("://") {
        return url(text);
    }
    if !text.contains(':') {
        return Err(format!("is neither a word for a proxy nor a URL; {CURE}"));
    }
    Err(format!("has no scheme; {CURE}"))
}

/// The URL of a proxy in a variable, where curl and others take `proxy:3128` too.
fn variable_url(text: &str) -> Result<Secret, String> {
    let text = text.trim();
    if text.contains("://") { url(text) } else { url(&format!("http://{text}")) }
}

fn url(text: &str) -> Result<Secret, String> {
    let url = Url::parse(text).map_err(|_| format!("is not a URL; {CURE}"))?;
    match url.scheme() {
        "http" | "https" => {}
        scheme if scheme.starts_with("socks") => {
            return Err("SOCKS proxies are not supported; write the URL of an HTTP proxy: \
                        http://proxy.example.com:3128"
                .to_owned());
        }
        _ => return Err(format!("has a scheme that no HTTP proxy has; {CURE}")),
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("has a path, a query or a fragment, which a proxy has not; leave it out, and \
                    write `@`, `/`, `?` and `#` in a password as %40, %2F, %3F and %23"
            .to_owned());
    }
    if url.port() == Some(0) {
        return Err("has port 0; write the port of the proxy".to_owned());
    }
    if url.as_str().parse::<http::Uri>().is_err() {
        return Err(format!(
            "has a host that cannot be one; is it a variable that was not replaced, or in quotes? {CURE}"
        ));
    }
    Ok(Secret::new(url.as_str()))
}

/// The hosts that are asked directly, as one text; adds what is none.
pub(super) fn check_exceptions(written: &[String], at: &str, found: &mut Findings) -> String {
    for (index, entry) in written.iter().enumerate() {
        if let Err(problem) = check_exception(entry) {
            found.add(format!("{at}/{index}"), problem);
        }
    }
    written.join(",")
}

fn check_exception(entry: &str) -> Result<(), String> {
    const HOSTS: &str = "write a name, an address or a range of addresses: idp.example.com, \
                         10.1.2.3, 10.0.0.0/8";
    if entry == "*" {
        return Err(
            "takes every request away from the proxy; write `network.proxy: none`".to_owned()
        );
    }
    if entry.parse::<IpNet>().is_ok() || entry.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    if let Some(name) = entry.strip_prefix("*.") {
        return Err(format!("a `*` is not known here; write {name}, which holds for names below"));
    }
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = bare.filter(|bare| bare.parse::<std::net::Ipv6Addr>().is_ok()) {
        return Err(format!("stands in brackets; write {address}"));
    }
    let name = entry.strip_prefix('.').unwrap_or(entry);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match Host::parse(name) {
        Ok(Host::Domain(_)) if name.bytes().all(plain) => Ok(()),
        _ if name.contains("://") => Err(format!("is a URL; {HOSTS}")),
        _ if name.contains(':') => Err(format!("has a port, which does not count here; {HOSTS}")),
        _ => Err(format!("is no host; {HOSTS}")),
    }
}

/// The entries of `NO_PROXY`, which is written for other programs too: `*.example.com` is known to
/// some of them.
fn entries(text: &str) -> String {
    let entries = text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    let entries = entries.map(|entry| match entry.strip_prefix('*') {
        Some(rest) if rest.starts_with('.') => rest,
        _ => entry,
    });
    entries.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{ProxyVariables, check_exception, written_url};

    fn variables(set: &[(&str, &str)]) -> ProxyVariables {
        let set: BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ProxyVariables::read(&set)
    }

    #[test]
    fn the_url_of_a_proxy_is_http_with_a_host_and_no_more() {
        for (text, expected) in [
            ("http://proxy.test:3128", Ok("http://proxy.test:3128/")),
            ("http://proxy.test", Ok("http://proxy.test/")),
            ("https://u:p%40s@proxy.test:8443/", Ok("https://u:p%40s@proxy.test:8443/")),
            ("http://[::1]:3128", Ok("http://[::1]:3128/")),
            ("proxy.test:3128", Err("no scheme")),
            ("environ", Err("none, environment")),
            ("true", Err("none, environment")),
            ("socks5://proxy.test:1080", Err("SOCKS")),
            ("ftp://proxy.test", Err("scheme")),
            ("http://proxy.test/pac.js", Err("path")),
            ("http://u:a/b@proxy.test", Err("not a URL")),
            ("http://proxy.test?x=1", Err("query")),
            ("http://proxy.test:0", Err("port 0")),
            ("http://", Err("not a URL")),
            ("http://${PROXY_HOST}:3128", Err("not replaced")),
            ("http://\"a\":3128", Err("quotes")),
            ("http://a{x}", Err("cannot be one")),
            ("http://a`x", Err("cannot be one")),
        ] {
            let found = written_url(text);
            let found = found.as_ref().map(|url| url.expose()).map_err(String::as_str);
            match expected {
                Ok(url) => assert_eq!(found, Ok(url), "{text}"),
                Err(said) => {
                    let error = found.expect_err(text);
                    assert!(error.contains(said), "{text}: {error}");
                    assert!(!error.contains("proxy.test"), "{text}: {error}");
                }
            }
        }
    }

    #[test]
    fn variables_name_proxies_as_other_programs_read_them() {
        let (a, b) = ("http://a.test:1/", "http://b.test:2/");
        for (set, http, https, except) in [
            (&[][..], None, None, ""),
            (&[("HTTPS_PROXY", "a.test:1")], None, Some(a), ""),
            (&[("http_proxy", "http://a.test:1")], Some(a), None, ""),
            (&[("ALL_PROXY", a), ("HTTPS_PROXY", b)], Some(a), Some(b), ""),
            (
                &[
                    ("HTTPS_PROXY", b),
                    ("https_proxy", b),
                    ("NO_PROXY", "x.test, *.y.test  10.0.0.0/8"),
                ],
                None,
                Some(b),
                "x.test,.y.test,10.0.0.0/8",
            ),
            (&[("HTTPS_PROXY", " "), ("NO_PROXY", "x")], None, None, ""),
        ] {
            let found = variables(set).proxy().unwrap();
            let url = |url: &Option<crate::config::Secret>| {
                url.as_ref().map(|url| url.expose().to_owned())
            };
            let found = found.unwrap_or_default();
            let expected = (http.map(str::to_owned), https.map(str::to_owned), except);
            assert_eq!((url(&found.http), url(&found.https), &*found.except), expected, "{set:?}");
        }
    }

    #[test]
    fn variables_that_contradict_each_other_or_are_no_urls_are_refused_without_a_secret() {
        for (set, said) in [
            (
                &[("HTTPS_PROXY", "http://u:hunter2@a.test"), ("https_proxy", "http://b.test")][..],
                "differ",
            ),
            (&[("HTTPS_PROXY", "socks5://u:hunter2@a.test")], "HTTPS_PROXY: SOCKS"),
            (&[("ALL_PROXY", "http://u:hunter2@a.test/x")], "ALL_PROXY: has a path"),
            (&[("HTTPS_PROXY", "\"a.test\"")], "HTTPS_PROXY: has a host that cannot be one"),
            (&[("HTTP_PROXY", "a{x}")], "HTTP_PROXY: has a host that cannot be one"),
            (&[("NO_PROXY", "a"), ("no_proxy", "b"), ("HTTP_PROXY", "a")], "NO_PROXY"),
        ] {
            let problems = variables(set).proxy().expect_err(said).join("; ");
            assert!(problems.contains(said) && !problems.contains("hunter2"), "{problems}");
        }
    }

    #[test]
    fn an_exception_is_a_host_or_a_range() {
        for (entry, said) in [
            ("idp.test", None),
            (".svc", None),
            ("svc.cluster.local", None),
            ("10.0.0.0/8", None),
            ("10.1.2.3", None),
            ("fd00::/8", None),
            ("::1", None),
            ("*", Some("none")),
            ("*.idp.test", Some("write idp.test")),
            ("https://idp.test", Some("URL")),
            ("idp.test:443", Some("port")),
            ("[::1]", Some("write ::1")),
            ("10.0.0.0/99", Some("no host")),
            ("", Some("no host")),
            ("a,b", Some("no host")),
        ] {
            let problem = check_exception(entry).err();
            match said {
                None => assert_eq!(problem, None, "{entry}"),
                Some(said) => {
                    let problem = problem.expect(entry);
                    assert!(problem.contains(said), "{entry}: {problem}");
                }
            }
        }
    }
}
