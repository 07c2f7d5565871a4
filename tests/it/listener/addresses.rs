//! Where it listens: a Unix socket and its file, and what is taken already.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
};

use rownd_authz::app::BuildError;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

use super::House;
use crate::support::{
    TestApp, config_with,
    wire::{Wire, frame_of},
};

fn at(path: &Path) -> impl FnOnce(&mut Value) {
    let address = format!("unix:{}", path.display());
    move |config| config["listeners"]["grpc"]["address"] = json!(address)
}

async fn check_at(path: &Path, house: &House) {
    let wire = Wire::over(UnixStream::connect(path).await.unwrap()).await;
    let answer = wire.check(&[], frame_of(&house.good())).await;
    answer.assert_allowed("over a Unix socket", "authenticated");
}

#[tokio::test]
async fn a_unix_socket_has_its_mode_and_goes_with_the_service() {
    let files = TempDir::new().unwrap();
    for (mode, bits) in [(None, 0o660), (Some("0600"), 0o600), (Some("666"), 0o666)] {
        let path = files.path().join("grpc.sock");
        let mut house = House::open(|c| {
            at(&path)(c);
            if let Some(mode) = mode {
                c["listeners"]["grpc"]["socket_mode"] = json!(mode);
            }
        })
        .await;
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, bits, "{mode:?}");
        check_at(&path, &house).await;
        house.app.stop();
        house.app.ended().await;
        assert!(!path.exists(), "it is removed");
    }
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let files = TempDir::new().unwrap();
    let path = files.path().join("grpc.sock");
    // Left over from a crash: the file stays when its owner is gone.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let house = House::open(at(&path)).await;
    check_at(&path, &house).await;

    let second = TestApp::build(&config_with(&house.issuer, at(&path))).await;
    match second.expect_err("the path is taken") {
        BuildError::Listen { setting, error, .. } => {
            assert_eq!(setting, "listeners.grpc.address");
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
        }
        other => panic!("{other}"),
    }
    check_at(&path, &house).await;

    // A file that is not a socket is never touched.
    let file = files.path().join("precious");
    fs::write(&file, "data").unwrap();
    assert!(TestApp::build(&config_with(&house.issuer, at(&file))).await.is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "data");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let house = House::open(|_| {}).await;
    let taken = house.app.address().to_string();
    for (part, setting) in [("grpc", "listeners.grpc.address"), ("ops", "listeners.ops.address")] {
        let settings =
            config_with(&house.issuer, |c| c["listeners"][part]["address"] = json!(taken));
        let error = TestApp::build(&settings).await.expect_err("it is taken").to_string();
        assert!(error.contains(&taken) && error.contains(setting), "{error}");
    }
}
