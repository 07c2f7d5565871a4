//! Every configuration that we hand out loads: the files of `deploy/`, and none of the blocks
//! in the docs goes unlabelled, so that none goes unchecked.
//!
//! In: the tree. Out: what `config::parse` says about each. (`manual` loads the blocks.)

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rownd_authz::config;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    below.collect()
}

/// The names that a configuration may begin with.
fn sections() -> BTreeSet<String> {
    let schema = config::json_schema();
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// It is one of ours: by its name, or because it holds nothing but sections of ours.
fn is_ours(path: &Path, text: &str) -> bool {
    let named =
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rownd-authz"));
    let sections = sections();
    let value: Result<Value, _> = serde_saphyr::from_str(text);
    let top = value.ok().and_then(|value| value.as_object().cloned()).unwrap_or_default();
    named || (!top.is_empty() && top.keys().all(|name| sections.contains(name)))
}

#[test]
fn every_configuration_that_we_deploy_loads() {
    let mut seen = Vec::new();
    let schema = jsonschema::validator_for(&config::json_schema()).unwrap();
    for path in files(&root().join("deploy")) {
        let yaml =
            path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let text = if yaml {
            fs::read_to_string(&path).unwrap()
        } else {
            continue;
        };
        if is_ours(&path, &text) {
            let name = path.display().to_string();
            if let Err(problems) = config::parse(&name, &text, &BTreeMap::new()) {
                panic!("{problems}");
            }
            let value: Value = serde_saphyr::from_str(&text).unwrap();
            let refused: Vec<String> =
                schema.iter_errors(&value).map(|it| it.to_string()).collect();
            assert_eq!(refused, [] as [String; 0], "an editor refuses {name}");
            seen.push(path);
        }
    }
    assert!(seen.contains(&root().join("deploy/demo/rownd-authz.yaml")), "{seen:?}");
}

/// Every key of a map and of all maps in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The policy language by example: `require` of the schema, and its tests of claims.
#[test]
fn every_condition_stands_in_a_shipped_example() {
    let mut shown = BTreeSet::new();
    for name in ["shop.yaml", "policy-tour.yaml"] {
        let text = fs::read_to_string(root().join("deploy/examples").join(name)).unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        for section in ["guards", "routes"] {
            for rule in value[section].as_array().unwrap() {
                keys(&rule["require"], &mut shown);
            }
        }
    }
    let schema = config::json_schema();
    let conditions = &schema["$defs"]["Requirement"]["properties"];
    let names = |map: &Value| map.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut asked: BTreeSet<String> = names(conditions).into_iter().collect();
    asked.extend(names(&conditions["claim"]["properties"]));
    assert!(asked.len() > 28, "{asked:?}");
    let missing: Vec<&String> = asked.difference(&shown).collect();
    assert!(missing.is_empty(), "no shipped example shows {missing:?}");
}

#[test]
fn every_yaml_block_says_what_it_is() {
    // `make chart` renders the values. Objects of Kubernetes are the reader's own.
    // Configurations with files of keys are loaded by the tests of their page.
    let keys = "# configuration with keys";
    // Those of docs/install.md are one file, which `make chart` puts together step by step.
    let steps = [
        "# my-values.yaml",
        "# add to my-values.yaml",
        "# in my-values.yaml, in place of `config`",
        "# in my-values.yaml, under `service`, which may be there already",
    ];
    let known = ["# rownd-authz", keys, "# envoy", "# envoy route", "# kubernetes", "# values"];
    let known = [&known[..], &steps].concat();
    let mut blocks = 0;
    let docs = files(&root().join("docs"));
    let pages = docs.into_iter().chain(files_at_root());
    for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("```").skip(1).step_by(2) {
            let Some(yaml) = block.strip_prefix("yaml\n").or(block.strip_prefix("yml\n")) else {
                continue;
            };
            blocks += 1;
            let first = yaml.lines().next().unwrap_or_default().trim_start();
            assert!(known.contains(&first), "{}: a block begins with `{first}`", page.display());
        }
    }
    assert!(blocks >= 4, "found only {blocks}");
}

fn files_at_root() -> Vec<PathBuf> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[test]
fn an_app_key_is_all_that_is_needed() {
    for (name, value) in [("ROWND_APP_KEY", "key_x"), ("ROWND_APP_ID", "app_x")] {
        let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let config = config::parse("none", "", &environment).unwrap();
        assert_eq!(config.issuers.len(), 1, "{name}");
        assert_eq!(config.issuers[0].iss, "https://api.rownd.io");
    }
    assert!(config::parse("none", "", &BTreeMap::new()).is_err(), "and without it nothing starts");
}

/// The page about warnings has every code, and no code that there is not.
#[test]
fn every_warning_is_documented() {
    let source = files(&root().join("src"));
    let code = regex::Regex::new(
        r#"Warning::(?:of|new)\(\s*"([a-z_]+)"|\("(role_unknown|permission_unknown)","#,
    )
    .unwrap();
    let mut codes = BTreeSet::new();
    for path in source.iter().filter(|path| !path.display().to_string().contains("/tests")) {
        let text = fs::read_to_string(path).unwrap();
        for found in code.captures_iter(&text) {
            codes.extend(found.iter().skip(1).flatten().map(|code| code.as_str().to_owned()));
        }
    }
    let wrapped = fs::read_to_string(root().join("src/config/no_effect.rs")).unwrap();
    assert!(wrapped.contains("\"setting_without_effect\""));
    codes.insert("permission_unknown".to_owned());
    codes.insert("setting_without_effect".to_owned());
    let page = fs::read_to_string(root().join("docs/warnings.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: BTreeSet<String> = rows.map(|(code, _)| code.to_owned()).collect();
    assert_eq!(documented, codes);
}

/// The page for people who come from an SDK names calls that exist, and every method of every SDK.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_call_in_place_of_an_sdk_exists() {
    let mut calls = BTreeSet::new();
    for path in files(&root().join("proto/rownd")) {
        let text = fs::read_to_string(path).unwrap();
        let mut service = String::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("service"), Some(name)) => name.clone_into(&mut service),
                (Some("rpc"), Some(rpc)) => {
                    calls.insert(format!("{service}.{}", rpc.split('(').next().unwrap()));
                }
                _ => {}
            }
        }
    }
    let page = fs::read_to_string(root().join("docs/migration-sdks.md")).unwrap();
    let call = regex::Regex::new(r"\b(?:RowndAuth|[A-Z][A-Za-z]+Service)\.[A-Z][A-Za-z]+").unwrap();
    let named: BTreeSet<String> =
        call.find_iter(&page).map(|found| found.as_str().to_owned()).collect();
    let unknown: Vec<&String> = named.difference(&calls).collect();
    assert!(unknown.is_empty() && named.len() > 30, "{unknown:?} of {named:?}");
    for method in [
        "validateToken",
        "fetchUserInfo",
        "createOrUpdateUser",
        "deleteUser",
        "createSmartLink",
        "express.authenticate",
        "appConfig",
        "ValidateToken",
        "Tokens.Validate",
        "rowndmiddleware.WithAuthentication",
        "Users.Get",
        "Users.List",
        "Users.CreateOrUpdate",
        "Users.Patch",
        "Users.Delete",
        "UserFields.Get",
        "UserFields.Update",
        "Groups.",
        "GroupMembers.",
        "GroupInvites.",
        "MagicLinks.Create",
        "AppConfig.FetchAppConfig",
        "client.validate_jwt",
        "client.fetch_user",
        "RowndApiAuthentication",
        "RowndAuthenticationBackend",
        "session_authenticate",
        "session_sign_out",
        "Auth.ValidateToken",
        "Users.GetProfile",
        "Users.ListProfiles",
        "Users.UpdateProfile",
        "Users.DeleteProfile",
        "RowndAuthHandler",
        "RowndCookieExchange",
        "IsAllowedToSignIn",
        "OnSuccessfulSignIn",
        "Token.verify_token",
        "User.fetch_user",
        "AuthController#authenticate",
        "#sign_out",
        "AuthController#update_data",
        "app_config",
        "Devise",
        "Convex",
        "getRowndUser",
        "createOrUpdateRowndUser",
        "rownd/v1/auth",
        "getRowndUserId",
        "getRowndAccessToken",
        "isAuthenticated",
        "withRowndMiddleware",
        "rownd-token-callback",
    ] {
        let row = |line: &&str| line.starts_with('|') && line.contains(method);
        assert!(page.lines().any(|line| row(&line)), "no row for {method}");
    }
    // Sessions in cookies come with the pages for sign-in.
    let (before, after) = page.split_once("### Sessions in cookies").unwrap();
    assert!(!before.contains("not yet") && after.contains("not yet"));
}

/// The messages of the protos, each with its fields by their names in C#; and the methods.
fn names_in_csharp() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut messages, mut methods) = (BTreeMap::new(), BTreeSet::new());
    let field = regex::Regex::new(r"^\s+(?:optional |repeated )?[\w.<>, ]+ (\w+) = \d+").unwrap();
    let pascal = |name: &str| -> String {
        let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect()
    };
    for path in files(&root().join("proto/rownd")) {
        let mut message = String::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("message"), Some(name)) => name.clone_into(&mut message),
                (Some("rpc"), Some(rpc)) => {
                    methods.insert(rpc.split('(').next().unwrap().to_owned());
                }
                _ => {
                    let Some(found) = field.captures(line) else { continue };
                    let fields: &mut BTreeSet<String> =
                        messages.entry(message.clone()).or_default();
                    fields.insert(pascal(&found[1]));
                }
            }
        }
    }
    (messages, methods)
}

/// No test compiles the clients in C#, so the names that they take from the protos are held against
/// them.
#[test]
fn the_clients_in_csharp_name_what_the_protos_have() {
    let (messages, methods) = names_in_csharp();
    let call = regex::Regex::new(r"\b(?:stub|auth|users|groups|clients)\.(\w+)Async\(").unwrap();
    let made = regex::Regex::new(r"new (\w+)\s*\{([^}]*)").unwrap();
    let member = regex::Regex::new(r"(?:^|[,{\s])([A-Z]\w*) = ").unwrap();
    let (mut calls, mut fields) = (0, 0);
    for name in ["Program.cs", "Management.cs"] {
        let text = fs::read_to_string(root().join("examples/clients/csharp").join(name)).unwrap();
        for found in call.captures_iter(&text) {
            calls += 1;
            assert!(methods.contains(&found[1]), "{name}: no method {}", &found[1]);
        }
        for found in made.captures_iter(&text) {
            let Some(known) = messages.get(&found[1]) else {
                let ours = found[1].ends_with("Request") || found[1].ends_with("Grant");
                assert!(!ours, "{name}: no message {}", &found[1]);
                continue;
            };
            for set in member.captures_iter(&found[2]) {
                fields += 1;
                assert!(known.contains(&set[1]), "{name}: no {} in {}", &set[1], &found[1]);
            }
        }
    }
    assert!(calls >= 12 && fields >= 20, "{calls} calls, {fields} fields");
}
