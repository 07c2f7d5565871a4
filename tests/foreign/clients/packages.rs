//! The packages of stubs that a release hands out, in a directory that has nothing else.
//!
//! In: what `.ci/stubs` has made and installed, with the program of each README. Out: each program
//! verifies a good token and a bad one at the real server.

use std::{fs, process::Stdio};

use tokio::process::Command;

use super::{
    TIME_LIMIT,
    stage::{Over, Stage},
};
use crate::foreign::{package, talk::assert_fresh, tool};

/// A language that there is a package for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Go,
    Python,
    Node,
    Java,
}

impl Language {
    const fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
        }
    }

    fn command(self) -> Command {
        let at = tool("stubs/installed").join(self.name());
        let readme = package("stubs").join(self.name()).join("README.md");
        assert_fresh(&at.join("README.md"), &readme);
        let (program, arguments) = match self {
            Self::Go => (at.join("main"), vec![]),
            Self::Python => (tool("venv/bin/python"), vec!["main.py".to_owned()]),
            Self::Node => ("node".into(), vec!["main.js".to_owned()]),
            Self::Java => {
                let path = "target/classes:target/lib/*".to_owned();
                ("java".into(), vec!["-cp".to_owned(), path, "Main".to_owned()])
            }
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&at).env("PYTHONPATH", at.join("packages"));
        command
    }

    /// The line that the program prints about this token.
    async fn verify(self, stage: &Stage, token: &str) -> String {
        let mut command = self.command();
        command.env("AUTHZ_TARGET", stage.target()).env("TOKEN", token);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(TIME_LIMIT, command.output())
            .await
            .unwrap_or_else(|_| panic!("{self:?} does not end"))
            .unwrap_or_else(|error| panic!("{self:?} does not run: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn all_verify(languages: &[Language]) {
    for proto in ["identity.proto", "rownd_auth.proto", "user.proto", "user_service.proto"] {
        let made_of = tool("stubs/installed").join(proto);
        assert_fresh(&made_of, &package("proto/rownd/auth/v1").join(proto));
    }
    let stage = Stage::set(Over::Tcp).await;
    let (good, expired) = (stage.token(), stage.expired());
    for language in languages {
        let said = language.verify(&stage, &good).await;
        assert_eq!(said, "ann AUTH_LEVEL_VERIFIED\n", "{language:?}");
        let said = language.verify(&stage, &expired).await;
        assert_eq!(said, "denied token_expired\n", "{language:?}");
    }
    stage.end().await;
}

#[tokio::test]
async fn every_package_verifies_from_a_directory_of_its_own() {
    all_verify(&[Language::Go, Language::Python, Language::Node]).await;
}

#[tokio::test]
#[ignore = "needs a JDK and Maven: make clients"]
async fn javas_package_verifies_from_a_directory_of_its_own() {
    all_verify(&[Language::Java]).await;
}

/// `go_package` is the module that is handed out, and one documented line leads to it.
#[test]
fn the_import_path_for_go_is_the_module() {
    let module = fs::read_to_string(package("stubs/go/go.mod")).unwrap();
    let module = module.lines().next().unwrap().strip_prefix("module ").unwrap().to_owned();
    for proto in ["identity.proto", "rownd_auth.proto", "user.proto", "user_service.proto"] {
        let text = fs::read_to_string(package("proto/rownd/auth/v1").join(proto)).unwrap();
        let line = format!("option go_package = \"{module}/rownd/auth/v1;authv1\";\n");
        assert!(text.contains(&line), "{proto}: {line}");
    }
    for page in ["stubs/README.md", "stubs/go/README.md", "docs/rownd-auth.md"] {
        let text = fs::read_to_string(package(page)).unwrap();
        let line = format!("go mod edit -replace {module}=PATH/stubs/go");
        assert!(text.contains(&line), "{page}: {line}");
    }
}
