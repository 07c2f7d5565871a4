//! The readings of a path: each way that some server reads it is among them.

use crate::policy::path::{MAX_BYTES, readings};

fn read_as(raw: &str, wanted: &str) -> (bool, bool) {
    let readings = readings(raw.as_bytes()).expect(raw);
    (readings.iter().any(|path| path == wanted.as_bytes()), readings.odd())
}

#[test]
fn the_reading_of_each_server_is_among_the_readings() {
    for (raw, wanted, odd) in [
        // A second layer is decoded although it holds something that is no escape.
        ("/%2561dmin/%25zz", "/admin/%zz", false),
        ("/public/%252e%252e/admin/%25", "/admin/%", true),
        // Encoded dots are dots to a URL parser, while an encoded slash is none.
        ("/public/x%2fy/%2e%2e/%2E%2e/admin", "/admin", true),
        ("/public/x/.%2e/%2e./admin", "/admin", true),
        // And names to those who resolve before they decode: `..` then takes them back.
        ("/api/%2e/../admin", "/api/admin", true),
        ("/api/.%2e/../admin", "/api/admin", true),
        ("/api/%2e//x//..//../admin/", "/api/admin/", true),
        ("/x\\y%3fz", "/x\\y", true),
        ("/a;x/..;y//b", "/b", true),
        // A host to a URL parser, a path to a file server.
        ("//x/admin", "/admin", true),
        ("//x/admin", "/x/admin", true),
        ("///x/admin", "/admin", true),
        ("//u:p@x:80/admin", "/admin", true),
        ("//x", "/", true),
        ("//x?/y", "/", true),
        ("/\\x/admin", "/admin", true),
        ("/;/x/admin", "/admin", true),
        ("/;v=1/x/admin", "/admin", true),
        ("/%3b/x/admin", "/admin", true),
        ("/%2fx/admin", "/admin", true),
        // A fragment that is cut off, or part of a name.
        ("/admin#/x", "/admin", true),
        ("/..#/../admin", "/admin", true),
        ("/x?y#z", "/x", true),
        ("/x%23y", "/x", false),
        ("/x//y", "/x/y", false),
    ] {
        assert_eq!(read_as(raw, wanted), (true, odd), "{raw}");
    }
}

#[test]
fn a_path_with_a_raw_blank_is_refused() {
    for raw in ["/admin ", "/ admin", "/admin /x"] {
        assert!(readings(raw.as_bytes()).is_none(), "{raw}");
    }
    assert!(readings(b"/a%20b").is_some() && readings(b"/a?b c").is_some());
}

#[test]
fn a_long_path_may_not_be_read_in_many_ways() {
    let long = "/a".repeat(MAX_BYTES / 8);
    assert_eq!(readings(long.as_bytes()).expect("plain").iter().count(), 1);
    assert_eq!(readings(format!("{long}%20").as_bytes()).expect("decoded").iter().count(), 2);
    assert!(readings(format!("{long};x//y%20z").as_bytes()).is_none());
}

#[test]
fn a_path_has_no_other_readings_than_those_of_some_server() {
    for (raw, others) in [
        ("/a", &[][..]),
        ("/a/./b", &["/a/b"]),
        ("/a/%2e", &["/a/", "/a/."]),
        ("/a/.", &["/a/"]),
        ("/a/..", &["/"]),
        ("/a/b/..", &["/a/"]),
        ("/a/./../b", &["/b"]),
        ("/a/../../b", &["/b"]),
        ("/a;x/b", &["/a/b"]),
        ("/a//b", &["/a/b"]),
        ("/a%3fb", &["/a", "/a?b"]),
    ] {
        let readings = readings(raw.as_bytes()).expect(raw);
        let mut found: Vec<&str> =
            readings.iter().map(|path| std::str::from_utf8(path).unwrap()).collect();
        assert_eq!(found.remove(0), raw, "the path as it was sent comes first");
        found.sort_unstable();
        assert_eq!(found, others, "{raw}");
    }
}

#[test]
fn a_path_is_read_within_its_limits_and_refused_beyond_them() {
    let long = |bytes: usize, end: &str| format!("/{}{end}", "a".repeat(bytes - 1 - end.len()));
    let half = MAX_BYTES / 2;
    for (name, path, is_read) in [
        ("three layers of encoding", "/%252561".to_owned(), true),
        ("four layers", "/%25252561".to_owned(), false),
        ("32 readings", r"//%5c/\;".to_owned(), true),
        ("33 readings", r"/;//\%5c".to_owned(), false),
        // Of this many bytes, and of one or two fewer.
        ("the most bytes", long(half + 1, "%20"), true),
        ("one more byte", long(half + 1, ";"), false),
    ] {
        assert_eq!(readings(path.as_bytes()).is_some(), is_read, "{name}");
    }
}
