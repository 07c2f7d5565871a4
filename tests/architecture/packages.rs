//! The packages of the workspace, as cargo describes them: the emulator is in no release, and it
//! does not use the product.
//!
//! In: `cargo metadata` of this tree. Out: a failure for each way in which a release could come
//! to hold the emulator.

use std::process::Command;

use serde_json::Value;

/// The packages of the workspace as cargo reports them, without those of registries.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(super::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn package(name: &str) -> Value {
    packages().into_iter().find(|package| package["name"] == name).unwrap()
}

/// Every dependency of one package on another, whatever its kind.
fn dependencies(of: &str, on: &str) -> Vec<Value> {
    let package = package(of);
    let all = package["dependencies"].as_array().unwrap();
    all.iter().filter(|dependency| dependency["name"] == on).cloned().collect()
}

#[test]
fn only_feature_dev_brings_the_emulator() {
    let found = dependencies("rownd-authz", "rownd-emulator");
    let [dependency] = found.as_slice() else { panic!("one dependency: {found:?}") };
    assert_eq!(dependency["optional"], true);
    assert_eq!(dependency["kind"], Value::Null, "no dependency of tests or of the build script");
    let package = package("rownd-authz");
    let features = package["features"].as_object().unwrap();
    for (name, brings) in features {
        let brings: Vec<&str> =
            brings.as_array().unwrap().iter().map(|other| other.as_str().unwrap()).collect();
        let emulator = brings.iter().any(|other| other.contains("rownd-emulator"));
        assert_eq!(emulator, name == "dev", "feature {name}: {brings:?}");
        assert!(!brings.contains(&"dev"), "feature {name} would turn `dev` on");
    }
    assert!(!features.contains_key("default"), "a release has no features");
}

#[test]
fn the_emulator_knows_nothing_of_the_product() {
    assert_eq!(dependencies("rownd-emulator", "rownd-authz"), Vec::<Value>::new());
}

#[test]
fn cargo_build_alone_builds_the_product_alone() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(super::root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members = metadata["workspace_default_members"].as_array().unwrap();
    let [only] = members.as_slice() else { panic!("one default member: {members:?}") };
    assert_eq!(*only, package("rownd-authz")["id"]);
}

#[test]
fn every_package_has_the_lints_and_the_version_of_the_workspace() {
    for package in packages() {
        let path = package["manifest_path"].as_str().unwrap();
        let manifest = std::fs::read_to_string(path).unwrap();
        for inherited in ["[lints]\nworkspace = true\n", "version.workspace = true\n"] {
            assert!(manifest.contains(inherited), "{path}: {inherited:?} is missing");
        }
    }
}
