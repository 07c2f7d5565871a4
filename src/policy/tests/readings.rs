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
