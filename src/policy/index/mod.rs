//! An index over rules: the few that may match a host and a path, without asking all of them.
//!
//! In: the matches of rules in their order. Out: the positions of the rules that may match, in
//! ascending order. A rule is found by its hosts and by the first segments of its path
//! ([`path_keys`]); of many regular expressions that have the same segments, by a text that they
//! require ([`required_text`]). The index may find a rule that does not match, and never leaves one out that does.

mod candidates;
mod path_keys;
mod required_text;

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
};

use super::matching::{HostPattern, Matcher, PathPattern};
use candidates::Candidates;
use path_keys::PathKey;
use required_text::RequiredTexts;

/// So few rules are asked one after the other.
const FEW: usize = 16;
/// The node of every host.
const ANY_HOST: u32 = 0;

/// The rules by host and by the first segments of their paths.
#[derive(Debug, Default)]
pub(in crate::policy) struct RuleIndex {
    exact_hosts: HashMap<Box<[u8]>, u32>,
    /// By `.example.com`.
    hosts_below: HashMap<Box<[u8]>, u32>,
    nodes: Vec<Node>,
    /// By the hash of a node and a segment. Two segments of one hash share a node, which then finds
    /// more than it has to.
    children: HashMap<u64, u32>,
    hasher: RandomState,
}

/// The rules of a host and some first segments.
#[derive(Debug, Default)]
struct Node {
    /// The node below it for a segment of any text.
    any: Option<u32>,
    /// There are nodes below it for segments of some text.
    has_children: bool,
    positions: Vec<u32>,
    /// Regular expressions of which there are too many to ask each.
    expressions: RequiredTexts,
}

/// A rule that is put into the index.
struct Entry<'a> {
    hosts: &'a [HostPattern],
    keys: Vec<PathKey>,
    expression: Option<&'a str>,
}

impl RuleIndex {
    /// From the matches of rules, each with the position of its rule, in ascending order.
    pub(in crate::policy) fn build<'a>(
        matchers: impl Iterator<Item = (usize, &'a Matcher)>,
    ) -> Self {
        Self::build_above(FEW, matchers)
    }

    /// The same; rules that are no more than `few` are asked one after the other.
    pub(in crate::policy) fn build_above<'a>(
        few: usize,
        matchers: impl Iterator<Item = (usize, &'a Matcher)>,
    ) -> Self {
        let mut index = Self { nodes: vec![Node::default()], ..Self::default() };
        let matchers: Vec<(usize, &Matcher)> = matchers.collect();
        let mut expressions: HashMap<u32, Vec<(u32, &str)>> = HashMap::new();
        for (position, matcher) in &matchers {
            let Ok(position) = u32::try_from(*position) else { continue };
            if matchers.len() <= few {
                index.put(ANY_HOST, position);
                continue;
            }
            for (node, expression) in index.nodes_of(&Entry::of(matcher)) {
                match expression {
                    Some(pattern) => {
                        expressions.entry(node).or_default().push((position, pattern));
                    }
                    None => index.put(node, position),
                }
            }
        }
        for (node, patterns) in expressions {
            let (texts, alone) = RequiredTexts::build(&patterns);
            alone.into_iter().for_each(|position| index.put(node, position));
            if let Some(node) = index.node(node) {
                node.expressions = texts;
            }
        }
        index.pack();
        index
    }

    /// The positions of the rules that may match this host, in its canonical form, and this reading of a
    /// path.
    pub(in crate::policy) fn candidates(&self, host: &[u8], path: &[u8]) -> Candidates<'_> {
        let mut found = Candidates::default();
        let segments = path.strip_prefix(b"/");
        self.visit(ANY_HOST, segments, path, &mut found);
        if let Some(&root) = self.exact_hosts.get(host) {
            self.visit(root, segments, path, &mut found);
        }
        if !self.hosts_below.is_empty() {
            let dots = host.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'.');
            let parents = dots.filter_map(|(dot, _)| self.hosts_below.get(host.get(dot..)?));
            parents.for_each(|&root| self.visit(root, segments, path, &mut found));
        }
        found
    }

    /// Adds the rules of a node and of those below it, as far as the segments lead to them. `segments`
    /// is what is left of the path, without the slash before it.
    fn visit<'a>(
        &'a self,
        node: u32,
        segments: Option<&[u8]>,
        path: &[u8],
        found: &mut Candidates<'a>,
    ) {
        let Some(at) = usize::try_from(node).ok().and_then(|at| self.nodes.get(at)) else { return };
        found.add(&at.positions);
        at.expressions.find(path, found);
        let Some(text) = segments else { return };
        if at.any.is_none() && !at.has_children {
            return;
        }
        let end = text.iter().position(|&b| b == b'/');
        let segment = end.and_then(|end| text.get(..end)).unwrap_or(text);
        let rest = end.and_then(|end| text.get(end + 1..));
        if at.has_children
            && let Some(&child) = self.children.get(&self.hash(node, segment))
        {
            self.visit(child, rest, path, found);
        }
        if let Some(any) = at.any {
            self.visit(any, rest, path, found);
        }
    }

    /// The nodes of a rule, which are made if they are new; with its expression, if it has one.
    fn nodes_of<'a>(&mut self, entry: &Entry<'a>) -> Vec<(u32, Option<&'a str>)> {
        let mut roots = Vec::new();
        if entry.hosts.is_empty() {
            roots.push(ANY_HOST);
        }
        for host in entry.hosts {
            roots.push(self.root(host));
        }
        let mut nodes = Vec::new();
        for root in roots {
            for key in &entry.keys {
                let node =
                    key.iter().fold(root, |node, segment| self.below(node, segment.as_deref()));
                nodes.push((node, entry.expression));
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    fn root(&mut self, host: &HostPattern) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(ANY_HOST);
        let root = *match host {
            HostPattern::Exact(name) => self.exact_hosts.entry(name.clone()).or_insert(next),
            HostPattern::Below(name) => self.hosts_below.entry(name.clone()).or_insert(next),
        };
        if root == next {
            self.nodes.push(Node::default());
        }
        root
    }

    /// The node for a segment below another.
    fn below(&mut self, node: u32, segment: Option<&[u8]>) -> u32 {
        // With more nodes than there are numbers, the rule stays where it is and is found more often.
        let Ok(next) = u32::try_from(self.nodes.len()) else { return node };
        let hash = segment.map(|text| self.hash(node, text));
        let Some(at) = self.node(node) else { return node };
        let child = match hash {
            None => *at.any.get_or_insert(next),
            Some(hash) => {
                at.has_children = true;
                *self.children.entry(hash).or_insert(next)
            }
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    fn put(&mut self, node: u32, position: u32) {
        if let Some(node) = self.node(node) {
            node.positions.push(position);
        }
    }

    fn node(&mut self, node: u32) -> Option<&mut Node> {
        usize::try_from(node).ok().and_then(|at| self.nodes.get_mut(at))
    }

    /// Sorts the positions, and gives back the memory that is not needed.
    fn pack(&mut self) {
        for node in &mut self.nodes {
            node.positions.sort_unstable();
            node.positions.shrink_to_fit();
        }
        self.nodes.shrink_to_fit();
    }

    /// The hash of a node and a segment, in lower case.
    fn hash(&self, node: u32, segment: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(node);
        for part in segment.chunks(32) {
            let mut lower = [0; 32];
            if let Some(lower) = lower.get_mut(..part.len()) {
                lower.copy_from_slice(part);
                lower.make_ascii_lowercase();
                hasher.write(lower);
            }
        }
        hasher.finish()
    }
}

impl<'a> Entry<'a> {
    fn of(matcher: &'a Matcher) -> Self {
        let (keys, expression) = match matcher.path() {
            PathPattern::Any => (vec![PathKey::new()], None),
            PathPattern::Exact(path) | PathPattern::Prefix(path) => {
                (vec![path_keys::of_text(path)], None)
            }
            PathPattern::Template(template) => {
                (vec![path_keys::of_segments(template.shape())], None)
            }
            PathPattern::Regex(regex) => {
                (path_keys::of_regex(regex.as_str()), Some(regex.as_str()))
            }
        };
        Self { hosts: matcher.hosts(), keys, expression }
    }
}
