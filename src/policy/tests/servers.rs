//! Servers that read queries and headers in the ways that are known: in no reading of theirs does a
//! request get past the rule that it chooses. The servers here are written without the code under
//! test.

use bytes::Bytes;
use percent_encoding::percent_decode;
use proptest::prelude::*;

use super::{policy, request};
use crate::{
    model::{Headers, RequestContext},
    policy::{Asked, Policy},
};

/// One rule, and a rule for all that is left.
const RULES: &str = "
routes:
  - { id: query, match: { query: [{ name: plan, exact: gold }] } }
  - { id: header, match: { headers: [{ name: x-plan, exact: gold }] } }
  - { id: present, match: { query: [{ name: flag, present: true }] } }
";

/// A server that reads the parameters of a query.
#[derive(Debug, Clone)]
struct Server {
    parted_at: &'static str,
    decodes: usize,
    plus_is_blank: bool,
    any_case: bool,
    brackets: bool,
    last: bool,
    keeps_fragment: bool,
    trims: bool,
}

prop_compose! {
    fn server()(
        parted_at in prop::sample::select(vec!["&", "&", "&;"]),
        decodes in 0_usize..3,
        plus_is_blank: bool,
        any_case: bool,
        brackets: bool,
        last: bool,
        keeps_fragment: bool,
        trims: bool,
    ) -> Server {
        Server { parted_at, decodes, plus_is_blank, any_case, brackets, last, keeps_fragment, trims }
    }
}

impl Server {
    fn text(&self, sent: &str) -> String {
        let mut text = sent.to_owned();
        if self.plus_is_blank {
            text = text.replace('+', " ");
        }
        for _ in 0..self.decodes {
            text = percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned();
        }
        if self.trims { text.trim().to_owned() } else { text }
    }

    /// The value of a parameter.
    fn read(&self, target: &str, name: &str) -> Option<String> {
        let target = match target.split_once('#') {
            Some((before, _)) if !self.keeps_fragment => before,
            _ => target,
        };
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split(|sign| self.parted_at.contains(sign));
        let mut values = pairs.filter_map(|pair| {
            let (sent, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut sent = self.text(sent);
            if self.brackets {
                sent = sent.split('[').next().unwrap_or_default().to_owned();
            }
            let same = sent == name || self.any_case && sent.eq_ignore_ascii_case(name);
            same.then(|| self.text(value))
        });
        if self.last { values.next_back() } else { values.next() }
    }
}

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "plan",
        "plan",
        "Plan",
        "pl%61n",
        "plan[]",
        "plan%5B0%5D",
        "%70l%2561n",
        "x",
        "plans",
        "flag",
        "Flag",
        "fl%61g",
        "+plan",
    ]);
    let value = prop::sample::select(vec![
        "gold", "gold", "tin", "g%6fld", "g%256fld", "gold+", "%20gold", "golden", "", "Gold", "%",
        "gold%00",
    ]);
    let end = prop::sample::select(vec!["&", "&", ";", "&&", "#&", "?"]);
    let pair = (name, prop::option::weighted(0.9, value), end).prop_map(|(name, value, end)| {
        value.map_or_else(|| format!("{name}{end}"), |value| format!("{name}={value}{end}"))
    });
    let pairs = prop::collection::vec(pair, 0..4).prop_map(|all| format!("/?{}", all.concat()));
    (pairs, any::<bool>()).prop_map(|(query, cut)| match cut {
        true => query.trim_end_matches(['&', ';', '#', '?']).to_owned(),
        false => query,
    })
}

/// Whether a rule is taken, and whether it is the last.
fn is_taken(policy: &Policy, request: &RequestContext, rule: &str) -> (bool, bool) {
    let asked = Asked::of(request).unwrap();
    let mut taken = policy.rules_by_reading(&asked, b"GET", b"/").map(|it| it.id().to_string());
    let found = taken.any(|id| id == rule);
    (found, found && taken.next().is_none())
}

/// A server that reads one value of a header.
#[derive(Debug, Clone)]
struct HeaderServer {
    /// Every sign of a name is the same, as in CGI.
    cgi: bool,
    splits: bool,
    last: bool,
}

prop_compose! {
    fn header_server()(cgi: bool, splits: bool, last: bool) -> HeaderServer {
        HeaderServer { cgi, splits, last }
    }
}

impl HeaderServer {
    fn read(&self, headers: &[(&str, &str)], name: &str) -> Option<String> {
        let plain = |name: &str| name.replace(|sign: char| !sign.is_ascii_alphanumeric(), "_");
        let is_name = |sent: &str| if self.cgi { plain(sent) == plain(name) } else { sent == name };
        let lines = headers.iter().filter(|(sent, _)| is_name(sent));
        let mut values = lines.flat_map(|(_, value)| {
            let parts = if self.splits { value.split(',').collect() } else { vec![*value] };
            parts.into_iter().map(|part| part.trim().to_owned())
        });
        if self.last { values.last() } else { values.next() }
    }
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let name =
        prop::sample::select(vec!["x-plan", "x-plan", "x_plan", "x.plan", "x-plans", "xplan"]);
    let value =
        prop::sample::select(vec!["gold", " gold ", "tin", "tin,gold", "gold, tin", "", "Gold"]);
    prop::collection::vec((name, value), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn no_server_reads_a_parameter_past_its_rule(target in query(), server in server()) {
        thread_local!(static POLICY: Policy = policy(RULES));
        let request = request("GET", "a.com", target.as_bytes());
        let (taken, ends) = POLICY.with(|policy| is_taken(policy, &request, "query"));
        let read = server.read(&target, "plan");
        if read.as_deref() == Some("gold") {
            prop_assert!(taken, "{target}: the server reads gold");
        } else {
            prop_assert!(!ends, "{target}: the server reads {read:?}");
        }
        let (taken, ends) = POLICY.with(|policy| is_taken(policy, &request, "present"));
        let read = server.read(&target, "flag").filter(|value| !value.is_empty());
        // The rules before it may end the search.
        let before = POLICY.with(|policy| is_taken(policy, &request, "query")).1;
        prop_assert!(before || taken || read.is_none(), "{target}: the server reads {read:?}");
        prop_assert!(!ends || read.is_some(), "{target}: the server reads nothing");
    }

    #[test]
    fn no_server_reads_a_header_past_its_rule(headers in headers(), server in header_server()) {
        thread_local!(static POLICY: Policy = policy(RULES));
        let entries = headers.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value)));
        let request = RequestContext {
            headers: Headers::new(entries.collect(), false),
            ..RequestContext::for_test("/")
        };
        let (taken, ends) = POLICY.with(|policy| is_taken(policy, &request, "header"));
        let read = server.read(&headers, "x-plan");
        if read.as_deref() == Some("gold") {
            prop_assert!(taken, "the server reads gold");
        } else {
            prop_assert!(!ends, "the server reads {read:?}");
        }
    }
}
