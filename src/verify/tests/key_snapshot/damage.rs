//! Files that were damaged, or that other users can write, are refused.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use super::{Disk, HOUR, refusal};
use crate::verify::tests::{Signer, key_set};

/// A name, a change of a good file, and a part of the refusal's text.
type Harm = (&'static str, fn(&Path), &'static str);

const HARMS: &[Harm] = &[
    ("nothing", |_| {}, "taken"),
    ("removed", |file| fs::remove_file(file).unwrap(), "absent"),
    ("emptied", |file| fs::write(file, "").unwrap(), "damaged"),
    ("cut", |file| truncate(file, 40), "damaged"),
    ("cut by a byte", |file| truncate(file, fs::metadata(file).unwrap().len() - 1), "damaged"),
    ("a byte more", |file| append(file, " "), "damaged"),
    ("a key changed", |file| replace(file, "\"k\"", "\"l\""), "damaged"),
    ("a time changed", |file| replace(file, "\"fetched_at\":1", "\"fetched_at\":2"), "damaged"),
    ("another version", |file| replace(file, "keys-1", "keys-2"), "damaged"),
    ("group may write", |file| mode(file, 0o620), "others can write"),
    ("all may write", |file| mode(file, 0o602), "others can write"),
    ("directory open to all", |file| mode(file.parent().unwrap(), 0o777), "chmod"),
    ("directory open to a group", |file| mode(file.parent().unwrap(), 0o770), "chmod"),
    ("a symbolic link", |file| link(file), "symbolic link"),
    ("a link into nothing", |file| dangle(file), "symbolic link"),
    ("a pipe", |file| pipe(file), "no regular file"),
    ("a directory", |file| directory(file), "no regular file"),
    ("too large", |file| append(file, &" ".repeat(2 << 20)), "too large"),
];

fn truncate(file: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

fn append(file: &Path, text: &str) {
    let bytes = [fs::read(file).unwrap(), text.as_bytes().to_vec()].concat();
    fs::write(file, bytes).unwrap();
}

fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(file, text.replacen(old, new, 1)).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn link(file: &Path) {
    let elsewhere = file.with_extension("elsewhere");
    fs::rename(file, &elsewhere).unwrap();
    symlink(elsewhere, file).unwrap();
}

fn dangle(file: &Path) {
    fs::remove_file(file).unwrap();
    symlink("/nonexistent/keys", file).unwrap();
}

fn pipe(file: &Path) {
    fs::remove_file(file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success());
}

fn directory(file: &Path) {
    fs::remove_file(file).unwrap();
    fs::create_dir(file).unwrap();
}

#[test]
fn only_a_whole_file_that_nobody_else_can_write_is_taken() {
    for (name, harm, expected) in HARMS {
        let disk = Disk::new();
        disk.written(&key_set(&[&Signer::new("k", 1)]), HOUR);
        harm(&disk.file());
        let found = refusal(&disk);
        assert!(found.contains(expected), "{name}: {found}");
    }
}
