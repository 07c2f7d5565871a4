//! The workload of the client: its whole name, or a pattern of SPIFFE IDs.
//!
//! In: the text of a rule. Out: the pattern, or what to write instead.

use std::fmt;

use crate::model::Workload;

/// The scheme of SPIFFE IDs.
const SCHEME: &str = "spiffe://";

/// The name of a workload, as the proxy knows it by its certificate, or a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// The whole name.
    Exact(String),
    /// SPIFFE IDs: the trust domain and one pattern for each segment of the path.
    Spiffe {
        /// The trust domain.
        trust_domain: String,
        /// The segments; `None` is any one segment.
        segments: Vec<Option<String>>,
        /// One segment or more may follow.
        rest: bool,
    },
}

impl PrincipalPattern {
    /// Reads the text of a rule.
    ///
    /// # Errors
    ///
    /// The reason and what to write instead.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, String> {
        if text.trim() != text || text.chars().any(char::is_control) || text.is_empty() {
            return Err(
                "is empty, or has blanks at its ends or control characters; write the name \
                        as the certificate has it"
                    .to_owned(),
            );
        }
        if let Some(id) = text.strip_prefix(SCHEME) {
            return spiffe(id, text);
        }
        if text.contains('*') {
            return Err(format!(
                "`{text}` is not a pattern: only SPIFFE IDs have patterns; write \
                 spiffe://example.com/ns/*/sa/web"
            ));
        }
        let scheme = text.get(..SCHEME.len()).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(SCHEME) {
            return Err("has another spelling of the scheme; write spiffe://".to_owned());
        }
        if text.contains("/ns/") && !text.contains("://") {
            return Err(format!("`{text}` looks like a SPIFFE ID; write {SCHEME}{text}"));
        }
        Ok(Self::Exact(text.to_owned()))
    }

    /// Every workload of `other` is one of these.
    #[must_use]
    pub(in crate::config) fn covers(&self, other: &Self) -> bool {
        let (
            Self::Spiffe { trust_domain, segments, rest },
            Self::Spiffe { trust_domain: domain, segments: others, rest: others_go_on },
        ) = (self, other)
        else {
            return self == other;
        };
        let is_long_enough = match (rest, others_go_on) {
            (true, true) => others.len() >= segments.len(),
            (true, false) => others.len() > segments.len(),
            (false, _) => others.len() == segments.len() && !others_go_on,
        };
        trust_domain == domain
            && is_long_enough
            && segments.iter().zip(others).all(|(own, other)| own.is_none() || own == other)
    }

    /// The workload is one of these.
    #[must_use]
    pub fn matches(&self, workload: &Workload) -> bool {
        match self {
            Self::Exact(name) => workload.principal() == name,
            Self::Spiffe { trust_domain, segments, rest } => {
                let id = workload.spiffe_id().and_then(|id| id.strip_prefix(SCHEME));
                let Some((domain, path)) = id.and_then(|id| id.split_once('/')) else {
                    return false;
                };
                let mut sent = path.split('/');
                let each = |wanted: &Option<String>| {
                    let segment = sent.next();
                    segment.is_some_and(|it| wanted.as_ref().is_none_or(|wanted| wanted == it))
                };
                domain == trust_domain
                    && segments.iter().all(each)
                    && sent.next().is_some() == *rest
            }
        }
    }
}

fn spiffe(id: &str, text: &str) -> Result<PrincipalPattern, String> {
    let (trust_domain, path) = id.split_once('/').unwrap_or((id, ""));
    if path.is_empty() {
        return Err(format!(
            "`{text}` has no path, and matches no workload; write {SCHEME}{trust_domain}/** for all"
        ));
    }
    let mut written: Vec<&str> = path.split('/').collect();
    let rest = written.last() == Some(&"**");
    if rest {
        written.pop();
    }
    let segments = written.iter().map(|segment| (*segment != "*").then(|| (*segment).to_owned()));
    let segments: Vec<Option<String>> = segments.collect();
    // An ID of this pattern, with the text of the rule where the rule has text.
    let example = segments.iter().map(|segment| segment.as_deref().unwrap_or("x"));
    let example: Vec<&str> = example.chain(rest.then_some("x")).collect();
    let example = Workload::new(format!("{SCHEME}{trust_domain}/{}", example.join("/")));
    if example.as_ref().and_then(Workload::spiffe_id).is_none() {
        return Err(format!(
            "`{text}` is not a pattern of SPIFFE IDs: the trust domain in lower case, then segments \
             of letters, digits and -._; `*` is one whole segment, `**` at the end one or more; \
             write spiffe://example.com/ns/*/sa/web"
        ));
    }
    Ok(PrincipalPattern::Spiffe { trust_domain: trust_domain.to_owned(), segments, rest })
}

/// The text of the file.
impl fmt::Display for PrincipalPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Spiffe { trust_domain, segments, rest } => {
                write!(f, "{SCHEME}{trust_domain}")?;
                for segment in segments {
                    write!(f, "/{}", segment.as_deref().unwrap_or("*"))?;
                }
                f.write_str(if *rest { "/**" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PrincipalPattern;
    use crate::model::Workload;

    #[test]
    fn a_pattern_matches_whole_segments_of_spiffe_ids() {
        for (pattern, principal, expected) in [
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b/ns/shop/sa/web", true),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b/ns/shop/x/sa/web", false),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b/ns/shop/sa/web/x", false),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b/ns/shop/sa/webx", false),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b/ns//sa/web", false),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://a.b.evil/ns/shop/sa/web", false),
            ("spiffe://a.b/ns/*/sa/web", "spiffe://x/a.b/ns/shop/sa/web", false),
            ("spiffe://a.b/ns/*/sa/web", "SPIFFE://a.b/ns/shop/sa/web", false),
            ("spiffe://a.b/ns/shop/**", "spiffe://a.b/ns/shop/sa/web", true),
            ("spiffe://a.b/ns/shop/**", "spiffe://a.b/ns/shop/x", true),
            ("spiffe://a.b/ns/shop/**", "spiffe://a.b/ns/shop", false),
            ("spiffe://a.b/ns/shop/**", "spiffe://a.b/ns/shopping/x", false),
            ("spiffe://a.b/ns/shop/**", "spiffe://a.b/ns/shop/../x", false),
            ("spiffe://a.b/**", "spiffe://a.b/x", true),
            ("spiffe://a.b/x", "spiffe://a.b/x", true),
            ("spiffe://a.b/x", "spiffe://a.b/X", false),
            ("web.shop.svc", "web.shop.svc", true),
            ("web.shop.svc", "web.shop.svc.evil", false),
            ("CN=web,O=shop", "CN=web,O=shop", true),
        ] {
            let parsed = PrincipalPattern::parse(pattern).unwrap();
            assert_eq!(parsed.to_string(), pattern);
            let workload = Workload::new(principal.to_owned()).unwrap();
            assert_eq!(parsed.matches(&workload), expected, "{pattern} {principal}");
        }
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_refused() {
        for (text, cure) in [
            ("", "is empty"),
            (" a", "blanks"),
            ("spiffe://a.b", "spiffe://a.b/**"),
            ("spiffe://a.b/", "spiffe://a.b/**"),
            ("spiffe://*/ns/shop", "spiffe://example.com"),
            ("spiffe://A.b/ns/shop", "in lower case"),
            ("spiffe://a.b/ns/sh*", "one whole segment"),
            ("spiffe://a.b/**/web", "at the end"),
            ("spiffe://a.b/ns//web", "segments"),
            ("spiffe://a.b/ns/../web", "segments"),
            ("Spiffe://a.b/ns/web", "write spiffe://"),
            ("cluster.local/ns/shop/sa/web", "write spiffe://cluster.local/ns/shop/sa/web"),
            ("*.shop.svc", "only SPIFFE IDs"),
        ] {
            let error = PrincipalPattern::parse(text).expect_err(text);
            assert!(error.contains(cure), "{text}: {error}");
        }
    }
}
