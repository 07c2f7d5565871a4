//! The check of a way to Redis: one place, secrets that can be read, and nothing without effect.

use std::collections::HashSet;

use super::{
    access::{RedisAccess, RedisCluster, RedisNode, RedisPlace, RedisSentinel, RedisWay},
    address::{PORT, SENTINEL_PORT, address, is_here, node},
    written::{WrittenCluster, WrittenSentinel},
};
use crate::config::{findings::Findings, secret::Secret, sections::OutboundTls, span::Span};

const NO_PASSWORD: &str = "has no effect without a password; add `password: file:/path`";

/// The settings of a way to Redis, which stand in a section beside others.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct WrittenAccess {
    pub(in crate::config) url: Option<String>,
    pub(in crate::config) sentinel: Option<WrittenSentinel>,
    pub(in crate::config) cluster: Option<WrittenCluster>,
    pub(in crate::config) allow_insecure: bool,
    pub(in crate::config) username: Option<Secret>,
    pub(in crate::config) password: Option<Secret>,
    pub(in crate::config) tls: OutboundTls,
}

impl WrittenAccess {
    /// Whether it says where Redis is.
    pub(in crate::config) const fn names_a_place(&self) -> bool {
        self.url.is_some() || self.sentinel.is_some() || self.cluster.is_some()
    }

    /// The first setting that is written although nothing says where Redis is.
    pub(in crate::config) const fn first_setting(&self) -> Option<&'static str> {
        if self.username.is_some() {
            Some("username")
        } else if self.password.is_some() {
            Some("password")
        } else if self.tls.ca_file.is_some() {
            Some("tls")
        } else if self.allow_insecure {
            Some("allow_insecure")
        } else {
            None
        }
    }

    /// Checks the settings of the section at this JSON pointer.
    pub(in crate::config) fn check(
        mut self,
        timeout: Span,
        at: &str,
        found: &mut Findings,
    ) -> Option<RedisAccess> {
        self.tls.check(&format!("{at}/tls"), found);
        check_user((&mut self.username, &mut self.password), at, found);
        let place = match (self.url, self.sentinel, self.cluster) {
            (Some(url), None, None) => {
                RedisPlace::Url(found.keep(format!("{at}/url"), address(&url))?)
            }
            (None, Some(sentinel), None) => {
                RedisPlace::Sentinel(checked_sentinel(sentinel, &format!("{at}/sentinel"), found)?)
            }
            (None, None, Some(cluster)) => {
                let at = format!("{at}/cluster");
                let (nodes, by_tls) = nodes(&cluster.nodes, PORT, &at, found)?;
                RedisPlace::Cluster(RedisCluster { nodes, by_tls })
            }
            _ => {
                let message = "where is Redis? Write exactly one of `url` (one server), `sentinel` \
                               and `cluster`, such as `url: rediss://redis.example.com:6379`";
                found.add(at, message);
                return None;
            }
        };
        let access = RedisAccess {
            place,
            allow_insecure: self.allow_insecure,
            username: self.username,
            password: self.password,
            tls: self.tls,
            timeout,
        };
        check_way(&access, at, found);
        Some(access)
    }
}

fn check_user(
    (username, password): (&mut Option<Secret>, &mut Option<Secret>),
    at: &str,
    found: &mut Findings,
) {
    if username.is_some() && password.is_none() {
        found.add(format!("{at}/username"), NO_PASSWORD);
    }
    for (name, secret) in [("username", username), ("password", password)] {
        if let Some(secret) = secret {
            found.keep(format!("{at}/{name}"), secret.resolve());
        }
    }
}

fn checked_sentinel(
    written: WrittenSentinel,
    at: &str,
    found: &mut Findings,
) -> Option<RedisSentinel> {
    let WrittenSentinel { master, nodes: written, database, mut username, mut password } = written;
    check_user((&mut username, &mut password), at, found);
    let (nodes, by_tls) = nodes(&written, SENTINEL_PORT, at, found)?;
    Some(RedisSentinel { master, nodes, database, username, password, by_tls })
}

/// The nodes, and whether all of them are reached by TLS. `None`: one has a problem.
fn nodes(
    written: &[String],
    port: u16,
    at: &str,
    found: &mut Findings,
) -> Option<(Vec<RedisNode>, bool)> {
    let (mut nodes, mut known, mut first): (Vec<RedisNode>, _, _) =
        (Vec::new(), HashSet::new(), None);
    for (index, written) in written.iter().enumerate() {
        let at = format!("{at}/nodes/{index}");
        let Some((node, tls)) = found.keep(at.clone(), node(written, port)) else { continue };
        if *first.get_or_insert(tls) != tls {
            let message = "is reached in another way than the first node; write rediss:// for all \
                           of them, or redis:// for all";
            found.add(at, message);
        } else if !known.insert((node.host.clone(), node.port)) {
            found.add(at, "is there twice; leave it out");
        }
        nodes.push(node);
    }
    (nodes.len() == written.len()).then(|| (nodes, first.unwrap_or_default()))
}

/// Settings that contradict the way to Redis.
fn check_way(access: &RedisAccess, at: &str, found: &mut Findings) {
    let by_tls = access.is_by_tls();
    // Sentinels and nodes on this machine may name servers elsewhere.
    let (far, may_be_far) = match &access.place {
        RedisPlace::Url(address) => {
            let far = match &address.way {
                RedisWay::Tcp { host, tls, .. } => !tls && !is_here(host),
                RedisWay::Unix(_) => false,
            };
            (far.then(|| format!("{at}/url")), far)
        }
        RedisPlace::Sentinel(sentinel) => {
            (far_node(&sentinel.nodes, by_tls, &format!("{at}/sentinel")), !by_tls)
        }
        RedisPlace::Cluster(cluster) => {
            (far_node(&cluster.nodes, by_tls, &format!("{at}/cluster")), !by_tls)
        }
    };
    if let Some(far) = far.filter(|_| !access.allow_insecure) {
        found.add(
            far,
            "plain redis:// to another machine, where everybody on the way can read and change \
             what is there; write rediss://, or set `allow_insecure: true`",
        );
    }
    if access.allow_insecure && !may_be_far {
        found.add(
            format!("{at}/allow_insecure"),
            "has no effect: the connection is by TLS, or stays on this machine; leave it out",
        );
    }
    if access.tls.ca_file.is_some() && !by_tls {
        found.add(
            format!("{at}/tls/ca_file"),
            "has no effect without TLS; write rediss:// in the address, or leave it out",
        );
    }
}

/// The first node that plain text would reach on another machine.
fn far_node(nodes: &[RedisNode], by_tls: bool, at: &str) -> Option<String> {
    let is_far = |node: &RedisNode| !by_tls && !is_here(&node.host);
    nodes.iter().position(is_far).map(|index| format!("{at}/nodes/{index}"))
}
