//! The functions of docs/envoy.md that read the lists in our headers, each run by its own language.
//!
//! In: lists of odd texts, through the real service, and the code blocks of the page. Out: every
//! language reads the very items that the token had. Java and Ruby are asked where they are
//! installed.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::package;
use crate::support::{Ask, Claims, Issuer, Key, TestApp, config_with};

/// A language: the mark of its block, and a program around the block, which reads a header a line
/// and writes the bytes of each item as hexadecimal digits, with commas between the items.
struct Language {
    mark: &'static str,
    /// `None`: it is asked wherever the tests run.
    optional: bool,
    file: &'static str,
    before: &'static str,
    after: &'static str,
    run: &'static [&'static str],
}

const LANGUAGES: [Language; 5] = [
    Language {
        mark: "python",
        optional: false,
        file: "lists.py",
        before: "import sys\n",
        after: r#"
for line in sys.stdin.read().split("\n")[:-1]:
    print(",".join(item.encode().hex() for item in header_list(line)))
assert header_list(None) is None
"#,
        run: &["python3", "lists.py"],
    },
    Language {
        mark: "javascript",
        optional: false,
        file: "lists.js",
        before: "",
        after: r"
const lines = require('fs').readFileSync(0, 'utf8').split('\n').slice(0, -1);
for (const line of lines) {
  console.log(headerList(line).map((item) => Buffer.from(item).toString('hex')).join(','));
}
if (headerList(undefined) !== undefined) process.exit(1);
",
        run: &["node", "lists.js"],
    },
    Language {
        mark: "go",
        optional: false,
        file: "lists.go",
        before: r#"package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
)
"#,
        after: r#"
func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		items, err := headerList(lines.Text())
		if err != nil {
			panic(err)
		}
		for i, item := range items {
			items[i] = hex.EncodeToString([]byte(item))
		}
		fmt.Println(strings.Join(items, ","))
	}
	if none, err := headerList(""); none != nil || err != nil {
		panic("absent")
	}
}
"#,
        run: &["go", "run", "lists.go"],
    },
    Language {
        mark: "java",
        optional: true,
        file: "Lists.java",
        before: "import java.io.*;\nimport java.net.URLDecoder;\n\
                 import java.nio.charset.StandardCharsets;\nimport java.util.*;\n\
                 import java.util.stream.*;\npublic class Lists {\n",
        after: r#"
    public static void main(String[] none) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(headerList(line).stream()
                .map(item -> HexFormat.of().formatHex(item.getBytes(StandardCharsets.UTF_8)))
                .collect(Collectors.joining(",")));
        }
        if (headerList(null) != null) System.exit(1);
    }
}
"#,
        run: &["java", "Lists.java"],
    },
    Language {
        mark: "ruby",
        optional: true,
        file: "lists.rb",
        before: "",
        after: r#"
STDIN.each_line(chomp: true) do |line|
  items = header_list(line)
  raise "encoding" unless items.all?(&:valid_encoding?)
  puts items.map { |item| item.unpack1("H*") }.join(",")
end
raise "absent" unless header_list(nil).nil?
"#,
        run: &["ruby", "lists.rb"],
    },
];

/// Lists that a careless reader gets wrong.
#[rustfmt::skip] // many on a line
const LISTS: [&[&str]; 13] = [
    &["admin", "editor"],
    &["a,b", ",", "c"],
    &["100%", "%2C", "%252C", "%zz", "%"],
    &["Zo\u{eb}", "\u{65e5}\u{672c}", "\u{1f4a9}", "\u{202e}abc"],
    &["", ""],
    &["", "a", ""],
    &["a", "", ""],
    &[" a b ", "\t", "\u{a0}"],
    &["a+b", "+", "a%2Bb", "a b"],
    &["a\r\nx-rownd-user-id: evil", "\0", "\u{7f}"],
    &["\"quoted\"", "semi;colon", "key=value", "a/b\\c", "<b>&amp;"],
    &["01", "1e3", "null", "true"],
    &["!#$&'()*+-./:;<=>?@[]^_`{|}~"],
];

/// The code block of this language in the section about lists.
fn block(mark: &str) -> String {
    let page = fs::read_to_string(package("docs/envoy.md")).unwrap();
    let section = page.split("\n## Lists in headers\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let start = format!("\n```{mark}\n");
    let block = section.split(start.as_str()).nth(1).unwrap_or_else(|| panic!("no {mark}"));
    block.split("\n```").next().unwrap().to_owned()
}

/// The answers of one language; `None` if it may be absent and is.
fn read_by(language: &Language, headers: &str, folder: &Path) -> Option<String> {
    let Language { mark, optional, file, before, after, run } = language;
    fs::write(folder.join(file), format!("{before}{}\n{after}", block(mark))).unwrap();
    let (program, arguments) = run.split_first().unwrap();
    let started = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(_) if *optional => return None,
        Err(error) => panic!("{program}: {error}"),
    };
    child.stdin.take().unwrap().write_all(headers.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let problems = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{mark}: {problems}");
    Some(String::from_utf8(done.stdout).unwrap())
}

#[tokio::test]
async fn every_language_reads_the_items_that_the_token_has() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config_with(&issuer, |c| {
        c["issuers"][0]["claims"] = json!({ "roles": "r", "groups": "g", "scopes": "s" });
    }))
    .await;
    let (mut headers, mut expected) = (String::new(), String::new());
    for list in LISTS {
        let list = json!(list);
        let claims = Claims::of(&issuer.url());
        let claims = claims.with("r", list.clone()).with("g", list.clone()).with("s", list.clone());
        let answer = app.check(&Ask::with_token(key.token(&claims))).await;
        answer.assert_allowed(&list.to_string(), "authenticated");
        let header = answer.set("x-rownd-roles").unwrap();
        for other in ["x-rownd-groups", "x-rownd-scopes"] {
            assert_eq!(answer.set(other), Some(header), "{other} of {list}");
        }
        headers.push_str(header);
        headers.push('\n');
        let hex = |text: &str| {
            text.bytes().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        };
        let items = list.as_array().unwrap().iter().map(|item| hex(item.as_str().unwrap()));
        expected.push_str(&items.collect::<Vec<_>>().join(","));
        expected.push('\n');
    }
    let read = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let read = LANGUAGES.iter().filter_map(|language| {
            Some((language.mark, read_by(language, &headers, folder.path())?))
        });
        read.collect::<Vec<_>>()
    });
    let read = read.await.unwrap();
    for (mark, found) in &read {
        let found: Vec<&str> = found.lines().collect();
        assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{mark}");
    }
    println!("read by {:?}", read.iter().map(|(mark, _)| *mark).collect::<Vec<_>>());
}
