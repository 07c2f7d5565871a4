//! The section `shared`: addresses, secrets and keys that can be meant, and all that cannot.

use super::{APP, bad, file, good};
use crate::config::{OnOutage, RedisPlace, RedisWay};

const KEY: &str = "c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=";

fn tcp(host: &str, port: u16, tls: bool) -> RedisWay {
    RedisWay::Tcp { host: host.to_owned(), port, tls }
}

#[test]
fn an_address_leads_where_it_says() {
    for (written, place, database) in [
        ("rediss://redis.example.com:6380", tcp("redis.example.com", 6380, true), 0),
        ("rediss://redis.example.com", tcp("redis.example.com", 6379, true), 0),
        ("valkeys://r.example.com/3", tcp("r.example.com", 6379, true), 3),
        ("redis://127.0.0.1:7000/", tcp("127.0.0.1", 7000, false), 0),
        ("valkey://localhost", tcp("localhost", 6379, false), 0),
        ("redis://[::1]:7000/15", tcp("::1", 7000, false), 15),
        ("unix:/run/redis/redis.sock", RedisWay::Unix("/run/redis/redis.sock".into()), 0),
    ] {
        let config = good(&format!("shared: {{ url: '{written}', key: '{KEY}' }}"), &[APP]);
        let shared = config.shared.expect(written);
        let RedisPlace::Url(address) = &shared.redis.place else { panic!("{written}") };
        assert_eq!((&address.way, address.database), (&place, database), "{written}");
        assert_eq!((shared.prefix.as_str(), shared.on_outage), ("rownd-authz", OnOutage::Refuse));
    }
    assert!(good("", &[APP]).shared.is_none(), "nothing is shared unless it is configured");
    let open = format!("shared: {{ url: 'redis://r.test', allow_insecure: true, key: '{KEY}' }}");
    assert!(good(&open, &[APP]).shared.is_some());
}

#[test]
fn sentinels_and_nodes_have_their_ports() {
    let read = |place: &str| {
        let config = good(&format!("shared: {{ {place}, key: '{KEY}' }}"), &[APP]);
        config.shared.expect(place).redis
    };
    let access = read(
        "sentinel: { master: my-master, nodes: ['rediss://s.test', 'valkeys://[::1]:7000'], \
         database: 3, password: p }, username: u, password: q",
    );
    let RedisPlace::Sentinel(sentinel) = &access.place else { panic!("{access:?}") };
    let places: Vec<_> =
        sentinel.nodes.iter().map(|node| (node.host.as_str(), node.port)).collect();
    assert_eq!(places, [("s.test", 26_379), ("::1", 7000)]);
    assert_eq!((sentinel.master.as_str(), sentinel.database), ("my-master", 3));
    assert!(access.is_by_tls() && sentinel.username.is_none());
    let access = read("cluster: { nodes: ['redis://localhost', 'redis://127.0.0.1:7001'] }");
    let RedisPlace::Cluster(cluster) = &access.place else { panic!("{access:?}") };
    let places: Vec<_> = cluster.nodes.iter().map(|node| (node.host.as_str(), node.port)).collect();
    assert_eq!(places, [("localhost", 6379), ("127.0.0.1", 7001)]);
    assert!(!access.is_by_tls());
    // Nodes of this machine may name others, which is then meant.
    let access = read("cluster: { nodes: ['redis://localhost'] }, allow_insecure: true");
    assert!(access.allow_insecure);
}

/// (the section without its key, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &str, &str)] = &[
    ("url: 'redis://r.example.com'", "shared.url", "rediss://"),
    ("url: 'redis://10.0.0.7:6379'", "shared.url", "allow_insecure"),
    ("url: 'redis://localhost.example.com'", "shared.url", "allow_insecure"),
    ("url: 'valkey://r.example.com'", "shared.url", "allow_insecure"),
    ("url: 'http://127.0.0.1'", "shared.url", "scheme `http`"),
    ("url: 'redis+sentinel://r.example.com'", "shared.url", "write `sentinel: {"),
    ("url: 'redis-sentinel://a:1,b:2/mymaster'", "shared.url", "write `sentinel: {"),
    ("url: 'redis+cluster://r.example.com'", "shared.url", "write `cluster: {"),
    ("url: 'rediss://a.test:1,b.test:2'", "shared.url", "write `cluster: {"),
    ("url: 'ldap://r.example.com'", "shared.url", "not supported"),
    ("url: 'rediss://r.test', cluster: { nodes: ['rediss://n.test'] }", "shared", "exactly one of"),
    ("cluster: { nodes: [] }", "shared.cluster.nodes", "is empty"),
    ("cluster: { nodes: 'rediss://n.test' }", "shared.cluster.nodes", "list"),
    ("cluster: { nodes: [n.test] }", "shared.cluster.nodes[0]", "rediss://redis.example.com:6379"),
    ("cluster: { nodes: ['redis://n.test'] }", "shared.cluster.nodes[0]", "allow_insecure"),
    ("cluster: { nodes: ['redis://127.0.0.1', 'redis://10.0.0.7'] }", "shared.cluster.nodes[1]", "allow_insecure"),
    ("cluster: { nodes: ['rediss://n.test', 'redis://m.test'] }", "shared.cluster.nodes[1]", "than the first"),
    ("cluster: { nodes: ['rediss://n.test', 'rediss://n.test:6379'] }", "shared.cluster.nodes[1]", "twice"),
    ("cluster: { nodes: ['rediss://n.test/2'] }", "shared.cluster.nodes[0]", "databases"),
    ("cluster: { nodes: ['rediss://:secret-word@n.test'] }", "shared.cluster.nodes[0]", "`password`"),
    ("cluster: { nodes: ['unix:/r.sock'] }", "shared.cluster.nodes[0]", "`unix` is not supported"),
    ("cluster: { nodes: ['rediss://n.test:0'] }", "shared.cluster.nodes[0]", "port 0"),
    ("cluster: { nodes: ['rediss://n.test'], master: m }", "shared.cluster.master", "unknown"),
    ("cluster: { nodes: ['rediss://n.test'] }, allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("cluster: { nodes: ['redis://127.0.0.1'] }, tls: { ca_file: /ca.pem }", "shared.tls.ca_file", "no effect"),
    ("sentinel: { nodes: ['rediss://s.test'] }", "shared.sentinel", "master"),
    ("sentinel: { master: m }", "shared.sentinel", "nodes"),
    ("sentinel: { master: 'my master', nodes: ['rediss://s.test'] }", "shared.sentinel.master", "my master"),
    ("sentinel: { master: m, nodes: ['redis://s.test'] }", "shared.sentinel.nodes[0]", "allow_insecure"),
    ("sentinel: { master: m, nodes: ['rediss://s.test/2'] }", "shared.sentinel.nodes[0]", "`database`"),
    ("sentinel: { master: m, nodes: ['https://s.test'] }", "shared.sentinel.nodes[0]", "rediss://redis.example.com:26379"),
    ("sentinel: { master: m, nodes: ['rediss://s.test'], username: u }", "shared.sentinel.username", "without a password"),
    ("sentinel: { master: m, nodes: ['rediss://s.test'], password: 'file:/no/such' }", "shared.sentinel.password", "/no/such"),
    ("sentinel: { master: m, nodes: ['rediss://s.test'], database: 70000 }", "shared.sentinel.database", "65535"),
    ("url: '127.0.0.1:6379'", "shared.url", "rediss://"),
    ("url: ''", "shared.url", "not a URL"),
    ("url: 'rediss://'", "shared.url", "no host"),
    ("url: 'rediss://u@r.test'", "shared.url", "`username`"),
    ("url: 'rediss://:secret-word@r.test'", "shared.url", "`password`"),
    ("url: 'rediss://r.test?db=1'", "shared.url", "query"),
    ("url: 'rediss://r.test/one'", "shared.url", "database"),
    ("url: 'rediss://r.test/70000'", "shared.url", "database"),
    ("url: 'rediss://r.test/1/2'", "shared.url", "database"),
    ("url: 'unix:redis.sock'", "shared.url", "absolute"),
    ("url: 'rediss://r.test', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'redis://127.0.0.1', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'unix:/r.sock', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'redis://127.0.0.1', tls: { ca_file: /ca.pem }", "shared.tls.ca_file", "no effect"),
    ("url: 'rediss://r.test', tls: { ca_file: /no/such }", "shared.tls.ca_file", "/no/such"),
    ("url: 'rediss://r.test', tls: { ca_file: '' }", "shared.tls.ca_file", "empty"),
    ("url: 'rediss://r.test', username: u", "shared.username", "without a password"),
    ("url: 'rediss://r.test', password: ''", "shared.password", "empty"),
    ("url: 'rediss://r.test', password: 'file:/no/such'", "shared.password", "/no/such"),
    ("url: 'rediss://r.test', password: \"a\\nb\"", "shared.password", "visible ASCII"),
    ("url: 'rediss://r.test', prefix: 'a:b'", "shared.prefix", "a:b"),
    ("url: 'rediss://r.test', prefix: ''", "shared.prefix", ""),
    ("url: 'rediss://r.test', on_outage: ignore", "shared.on_outage", "refuse"),
    ("url: 'rediss://r.test', timeout: 10ms", "shared.timeout", "20ms to 5s"),
    ("url: 'rediss://r.test', timeout: 6s", "shared.timeout", "20ms to 5s"),
    ("url: 'rediss://r.test', unknown_for: 1s", "shared.unknown_for", "1m to 30days"),
    ("url: 'rediss://r.test', ca: /ca.pem", "shared.ca", "unknown"),
    ("prefix: a", "shared", "url"),
];

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (section, setting, said) in MISTAKES {
        let problems = bad(&format!("shared: {{ {section}, key: '{KEY}' }}"), &[APP]);
        assert!(
            problems.iter().any(|one| one.setting == *setting && one.message.contains(said)),
            "{section}: {problems:#?}"
        );
        assert!(!format!("{problems:?}").contains("secret-word"), "{section}");
    }
}

#[test]
fn a_key_is_thirty_two_random_bytes() {
    let (_directory, path) = file(&format!("{KEY}\n"));
    let from_file = format!("file:{}", path.display());
    let with = |key: &str| format!("shared: {{ url: 'redis://127.0.0.1', key: '{key}' }}");
    let read = |key: &str| good(&with(key), &[APP]).shared.unwrap().key;
    assert_eq!(read(KEY), read(&from_file));
    for (name, key, said) in [
        ("no base64", "not-base64!", "no base64"),
        ("short", "c2hvcnQ=", "5 bytes instead of 32"),
        ("long", &format!("c2l4dGVlbi1ieXRlcyEh{KEY}"), "bytes instead of 32"),
        ("all the same", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "the same"),
        ("empty", "", ""),
        ("no file", "file:/no/such", "/no/such"),
    ] {
        let problems = bad(&with(key), &[APP]);
        assert!(
            problems.iter().any(|one| one.setting == "shared.key" && one.message.contains(said)),
            "{name}: {problems:#?}"
        );
    }
    let without = bad("shared: { url: 'redis://127.0.0.1' }", &[APP]);
    assert!(without.iter().any(|one| one.message.contains("key")), "{without:#?}");
}

#[test]
fn no_secret_is_shown() {
    let yaml = format!(
        "shared: {{ sentinel: {{ master: m, nodes: ['rediss://r.test'], password: the-watchword }}, \
         username: the-user, password: the-password, key: '{KEY}' }}"
    );
    let config = good(&yaml, &[APP]);
    for shown in [serde_json::to_string(&config).unwrap(), format!("{config:?}")] {
        for secret in ["the-password", "the-watchword", KEY, "sixteen-bytes"] {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
    }
}
