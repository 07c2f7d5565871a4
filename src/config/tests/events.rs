//! The section `events`: sinks that can be meant, and all that cannot.

use super::{APP, bad, file, good};
use crate::{config::SinkKind, model::EventType};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn a_sink_has_its_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    let config = good(
        &format!(
            "events:
  sinks:
    - name: all
      http: {{ url: 'https://hooks.test/x?key=s', secrets: ['{SECRET}'], directory: '{path}/q' }}
    - name: some
      types: [check.denied, user.deleted]
      sample: {{ check.denied: 100 }}
      file: {{ path: '{path}/events.jsonl' }}
    - {{ name: out, stdout: {{}} }}
    - {{ name: readers, stream: {{}} }}
    - name: log
      redis_stream: {{ key: 'a:events', directory: '{path}/r', url: 'rediss://r.test', password: the-word }}
rownd_auth: {{ callers: [{{ name: reader, secret: a-secret-of-a-reader, allow: [read_events] }}] }}"
        ),
        &[APP],
    );
    let events = &config.events;
    assert_eq!(events.source, "/rownd-authz");
    assert_eq!(events.sinks[0].types, EventType::ALL);
    assert_eq!(events.sinks[1].sample[&EventType::CheckDenied], 100);
    let SinkKind::Http(http) = &events.sinks[0].kind else { panic!("{:?}", events.sinks[0]) };
    assert_eq!((http.max_queue_bytes, http.give_up_after.get().as_secs()), (64 << 20, 86_400));
    let SinkKind::RedisStream(stream) = &events.sinks[4].kind else {
        panic!("{:?}", events.sinks[4])
    };
    assert_eq!((stream.max_length, stream.max_queue_bytes), (100_000, 64 << 20));
    assert_eq!(stream.redis.as_ref().unwrap().timeout, stream.timeout);
    let servers = config.other_servers();
    assert_eq!(servers[0].pointer, "/events/sinks/0/http");
    let printed = serde_json::to_string(&config).unwrap();
    assert!(!printed.contains("MfKQ9r8") && !printed.contains("key=s"), "{printed}");
    assert!(!printed.contains("the-word"), "{printed}");
    assert!(good("", &[APP]).events.sinks.is_empty(), "without sinks nothing is told");
}

/// (a sink without its name, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &str, &str)] = &[
    ("stdout: {}, file: { path: /tmp/e.jsonl }", "events.sinks[0]", "exactly one of"),
    ("types: [user.deleted]", "events.sinks[0]", "exactly one of"),
    ("stdout: {}, types: []", "events.sinks[0].types", "names no type"),
    ("stdout: {}, types: [user.deleted, user.deleted]", "events.sinks[0].types[1]", "twice"),
    ("stdout: {}, types: [user.delete]", "events.sinks[0].types[0]", "user.deleted"),
    ("stdout: {}, sample: { check.denies: 5 }", "events.sinks[0].sample.check.denies", "check.denied"),
    ("stdout: {}, sample: { user.deleted: 5 }", "events.sinks[0].sample.user.deleted", "none is left out"),
    ("stdout: {}, sample: { check.denied: 1 }", "events.sinks[0].sample.check.denied", "2 to 1000000"),
    ("stdout: {}, types: [user.deleted], sample: { check.denied: 5 }", "events.sinks[0].sample.check.denied", "no effect"),
    ("stdout: { path: x }", "events.sinks[0].stdout", "has no settings"),
    ("file: { path: events.jsonl }", "events.sinks[0].file.path", "absolute"),
    ("file: { path: / }", "events.sinks[0].file.path", "absolute path of a file"),
    ("file: { path: /tmp }", "events.sinks[0].file.path", "is a directory"),
    ("file: { path: /no/such/events.jsonl }", "events.sinks[0].file.path", "does not exist"),
    ("file: { path: /tmp/e.jsonl, max_bytes: 100 }", "events.sinks[0].file.max_bytes", "65536"),
    ("file: { path: /tmp/e.jsonl, keep: 0 }", "events.sinks[0].file.keep", "1"),
    ("http: { url: 'http://hooks.test', secrets: [S], directory: /tmp/rownd-q }", "events.sinks[0].http.url", "plain http"),
    ("http: { url: hooks.test, secrets: [S], directory: /tmp/rownd-q }", "events.sinks[0].http.url", "not a URL"),
    ("http: { url: 'https://h.test', secrets: [], directory: /tmp/rownd-q }", "events.sinks[0].http.secrets", "is empty"),
    ("http: { url: 'https://h.test', secrets: [S, S], directory: /tmp/rownd-q }", "events.sinks[0].http.secrets[1]", "twice"),
    ("http: { url: 'https://h.test', secrets: [secret-of-nobody], directory: /tmp/rownd-q }", "events.sinks[0].http.secrets[0]", "whsec_"),
    ("http: { url: 'https://h.test', secrets: [S], directory: queue }", "events.sinks[0].http.directory", "absolute"),
    ("http: { url: 'https://h.test', secrets: [S], directory: /no/such/dir }", "events.sinks[0].http.directory", "make that one"),
    ("http: { url: 'https://h.test', secrets: [S], directory: /tmp/rownd-q, timeout: 1m, give_up_after: 2s }", "events.sinks[0].http.give_up_after", "shorter than `timeout`"),
    ("http: { url: 'https://h.test', secrets: [S], directory: /tmp/rownd-q, max_queue_bytes: 5 }", "events.sinks[0].http.max_queue_bytes", "1048576"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q }", "events.sinks[0].redis_stream", "which Redis?"),
    ("redis_stream: { directory: /tmp/rownd-q, url: 'rediss://r.test' }", "events.sinks[0].redis_stream", "key"),
    ("redis_stream: { key: '', directory: /tmp/rownd-q, url: 'rediss://r.test' }", "events.sinks[0].redis_stream.key", "is empty"),
    ("redis_stream: { key: 'a b', directory: /tmp/rownd-q, url: 'rediss://r.test' }", "events.sinks[0].redis_stream.key", "blanks"),
    ("redis_stream: { key: k, directory: q, url: 'rediss://r.test' }", "events.sinks[0].redis_stream.directory", "absolute"),
    ("redis_stream: { key: k, directory: /no/such/dir, url: 'rediss://r.test' }", "events.sinks[0].redis_stream.directory", "make that one"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'redis://r.test' }", "events.sinks[0].redis_stream.url", "allow_insecure"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://:word@r.test' }", "events.sinks[0].redis_stream.url", "`password`"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, password: p }", "events.sinks[0].redis_stream.password", "no effect"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, tls: { ca_file: /x } }", "events.sinks[0].redis_stream.tls", "no effect"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://r.test', tls: { ca_file: /no/such } }", "events.sinks[0].redis_stream.tls.ca_file", "/no/such"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://r.test', max_length: 0 }", "events.sinks[0].redis_stream.max_length", "1"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://r.test', give_up_after: 2s }", "events.sinks[0].redis_stream.give_up_after", "shorter than `timeout`"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://r.test', cluster: { nodes: ['rediss://r.test'] } }", "events.sinks[0].redis_stream", "exactly one of"),
    ("redis_stream: { key: k, directory: /tmp/rownd-q, url: 'rediss://r.test', stream: x }", "events.sinks[0].redis_stream.stream", "unknown"),
    ("stream: { keep_events: 1 }", "events.sinks[0].stream.keep_events", "16"),
];

#[test]
fn a_sink_that_cannot_be_meant_is_refused() {
    for (sink, setting, expected) in MISTAKES {
        let sink =
            sink.replace("[S", &format!("['{SECRET}'")).replace(", S]", &format!(", '{SECRET}']"));
        let problems = bad(&format!("events:\n  sinks:\n    - {{ name: one, {sink} }}"), &[APP]);
        let found = problems.iter().find(|problem| problem.setting == *setting);
        let found = found.unwrap_or_else(|| panic!("{sink}: {problems:?}"));
        assert!(found.message.contains(expected), "{sink}: {}", found.message);
        assert!(!found.message.contains("MfKQ9r8"), "{sink}: a secret is shown");
        assert!(found.place.starts_with("test.yaml:"), "{}", found.place);
    }
}

/// A caller that may read the events of a sink `stream`.
const READER: &str = "rownd_auth: { callers: [{ name: reader, secret: a-secret-of-a-reader, allow: [read_events] }] }";

#[test]
fn events_that_nobody_may_read_are_not_kept() {
    let yaml = "events: { sinks: [{ name: readers, stream: {} }] }";
    for callers in ["", &READER.replace("read_events", "verify")] {
        let problems = bad(&format!("{yaml}\n{callers}"), &[APP]);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.setting, "events.sinks[0].stream");
        assert!(problem.message.contains("allow: [read_events]"), "{}", problem.message);
    }
    good(&format!("{yaml}\n{READER}"), &[APP]);
}

#[test]
fn two_sinks_have_their_own_names_and_places() {
    let (_directory, path) = file("");
    let path = path.display();
    let two = |first: &str, second: &str| {
        let yaml =
            format!("{READER}\nevents:\n  sinks:\n    - {{ {first} }}\n    - {{ {second} }}");
        bad(&yaml, &[APP]).into_iter().map(|problem| problem.setting).collect::<Vec<_>>()
    };
    let to_file = |name: &str| format!("name: {name}, file: {{ path: '{path}' }}");
    assert_eq!(
        two("name: a, stdout: {}", "name: a, file: { path: /tmp/e.jsonl }"),
        ["events.sinks[1].name"]
    );
    assert_eq!(two("name: a, stdout: {}", "name: b, stdout: {}"), ["events.sinks[1].stdout"]);
    assert_eq!(two("name: a, stream: {}", "name: b, stream: {}"), ["events.sinks[1].stream"]);
    assert_eq!(two(&to_file("a"), &to_file("b")), ["events.sinks[1].file.path"]);
    let alone = bad("events: { source: 'https://a.test', profile_fields: [email] }", &[APP]);
    let settings: Vec<_> = alone.iter().map(|problem| problem.setting.as_str()).collect();
    assert_eq!(settings, ["events.source", "events.profile_fields"]);
    let blanks =
        "events: { source: 'a b', profile_fields: ['', a, a], sinks: [{name: a, stdout: {}}] }";
    let settings: Vec<_> = bad(blanks, &[APP]).into_iter().map(|problem| problem.setting).collect();
    let expected = ["events.source", "events.profile_fields[0]", "events.profile_fields[2]"];
    assert_eq!(settings, expected);
}

/// Without a place of its own a stream is in the Redis of the section `shared`.
#[test]
fn a_stream_may_be_in_the_redis_of_the_shared_state() {
    let directory = tempfile::tempdir().unwrap();
    let yaml = format!(
        "shared: {{ url: 'redis://127.0.0.1', key: 'c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=' }}
events: {{ sinks: [{{ name: a, redis_stream: {{ key: k, directory: '{}/q' }} }}] }}",
        directory.path().display()
    );
    let config = good(&yaml, &[APP]);
    let SinkKind::RedisStream(stream) = &config.events.sinks[0].kind else { panic!() };
    assert_eq!(stream.redis, None);
}
