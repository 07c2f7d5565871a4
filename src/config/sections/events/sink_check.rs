//! The check of the sinks of events: sinks that can be distinguished, each of one kind, and nothing
//! that would have no effect.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use super::sink::{EventSink, FileSink, HttpSink, SinkKind, WrittenEventSink, WrittenHttpSink};
use crate::{
    config::{
        findings::Findings, nearest::nearest, owner::check_directory,
        post_target::WrittenPostTarget, section::Section as _,
    },
    model::EventType,
};

/// The names that sinks have taken already, and the kinds of which one is enough.
#[derive(Default)]
struct Taken {
    names: HashSet<String>,
    streams: usize,
    outputs: usize,
}

/// Checks the sinks at this JSON pointer. Returns those that can be meant, with their numbers in the file.
pub(super) fn check(
    sinks: Vec<WrittenEventSink>,
    at: &str,
    found: &mut Findings,
) -> (Vec<usize>, Vec<EventSink>) {
    let mut taken = Taken::default();
    let sinks = sinks.into_iter().enumerate();
    let checked = sinks.filter_map(|(index, sink)| {
        Some((index, sink.check(&format!("{at}/{index}"), &mut taken, found)?))
    });
    checked.unzip()
}

impl WrittenEventSink {
    fn check(self, at: &str, taken: &mut Taken, found: &mut Findings) -> Option<EventSink> {
        if !taken.names.insert(self.name.clone()) {
            let message = format!("another sink has the name `{}` too; write another", self.name);
            found.add(format!("{at}/name"), message);
        }
        let types = self.checked_types(at, found);
        let sample = self.checked_sample(&types, at, found);
        let kinds = (self.http, self.file, self.stdout, self.stream, self.redis_stream);
        let kind = match kinds {
            (Some(http), None, None, None, None) => {
                SinkKind::Http(http.check(&format!("{at}/http"), found)?)
            }
            (None, Some(file), None, None, None) => {
                check_file(&file, &format!("{at}/file/path"), found);
                SinkKind::File(file)
            }
            (None, None, Some(stdout), None, None) => {
                taken.outputs += 1;
                if taken.outputs > 1 {
                    let message = "another sink writes to standard output; write one sink with \
                                   the types of both";
                    found.add(format!("{at}/stdout"), message);
                }
                SinkKind::Stdout(stdout)
            }
            (None, None, None, Some(stream), None) => {
                taken.streams += 1;
                if taken.streams > 1 {
                    let message = "another sink is for StreamEvents; write one sink with the \
                                   types of both";
                    found.add(format!("{at}/stream"), message);
                }
                SinkKind::Stream(stream)
            }
            (None, None, None, None, Some(stream)) => {
                let stream = stream.check(&format!("{at}/redis_stream"), found)?;
                SinkKind::RedisStream(Box::new(stream))
            }
            _ => {
                let message = "write exactly one of `http`, `file`, `stdout`, `stream` and \
                               `redis_stream`";
                found.add(at, message);
                return None;
            }
        };
        Some(EventSink { name: self.name, types, sample, kind })
    }

    fn checked_types(&self, at: &str, found: &mut Findings) -> Vec<EventType> {
        let Some(types) = &self.types else { return EventType::ALL.to_vec() };
        if types.is_empty() {
            found.add(format!("{at}/types"), "names no type; write some, or leave it out for all");
        }
        let mut known = HashSet::new();
        for (index, kind) in types.iter().enumerate() {
            if !known.insert(kind) {
                found.add(format!("{at}/types/{index}"), "is there twice; leave it out");
            }
        }
        types.clone()
    }

    fn checked_sample(
        &self,
        types: &[EventType],
        at: &str,
        found: &mut Findings,
    ) -> BTreeMap<EventType, u32> {
        let mut sample = BTreeMap::new();
        for (word, of) in &self.sample {
            let at = format!("{at}/sample/{}", word.replace('~', "~0").replace('/', "~1"));
            let Some(kind) = EventType::ALL.iter().find(|kind| kind.word() == word) else {
                let sampled = EventType::ALL.iter().filter(|kind| kind.is_frequent());
                let words: Vec<&str> = sampled.map(|kind| kind.word()).collect();
                let message = match nearest(word, words.iter().copied()) {
                    Some(near) => format!("unknown type; did you mean `{near}`?"),
                    None => format!("unknown type; known types: {}", words.join(", ")),
                };
                found.add(at, message);
                continue;
            };
            if !kind.is_frequent() {
                found
                    .add(at, "each event of this type counts and none is left out; leave this out");
            } else if !types.contains(kind) {
                found.add(at, "has no effect: the sink does not get this type; leave it out");
            } else if !(2..=1_000_000).contains(of) {
                found
                    .add(at, "one of how many events? Write 2 to 1000000, or leave it out for all");
            } else {
                sample.insert(*kind, *of);
            }
        }
        sample
    }
}

fn check_file(file: &FileSink, at: &str, found: &mut Findings) {
    let path = Path::new(&file.path);
    if !path.is_absolute() || path.file_name().is_none() {
        found
            .add(at, "is not the absolute path of a file; write /var/log/rownd-authz/events.jsonl");
    } else if path.is_dir() || file.path.ends_with(['/', '.']) {
        found.add(at, format!("`{}` is a directory; write the path of a file", file.path));
    } else if !path.parent().is_some_and(Path::is_dir) {
        found.add(at, format!("the directory of {} does not exist; make it", file.path));
    }
    if file.max_bytes != 0 && file.max_bytes < 65_536 {
        let at = at.replace("/path", "/max_bytes");
        found.add(
            at,
            "is below 65536, so that every few events would make another file; write 0 \
                       for no limit, or 65536 or more",
        );
    }
}

impl WrittenHttpSink {
    fn check(self, at: &str, found: &mut Findings) -> Option<HttpSink> {
        let Self { url, secrets, allow_insecure_http, tls, .. } = self;
        let target = WrittenPostTarget { url, secrets, allow_insecure_http, tls }.check(at, found);
        let directory = Path::new(&self.directory);
        let place = format!("{at}/directory");
        if !directory.is_absolute() {
            let message = "is not an absolute path; write /var/lib/rownd-authz/events";
            found.add(place, message);
        } else {
            found.keep(place, check_directory(directory));
        }
        if self.give_up_after.get() < self.timeout.get() {
            let message = "is shorter than `timeout`, so that no attempt could end; write a longer \
                           time, such as 24h";
            found.add(format!("{at}/give_up_after"), message);
        }
        Some(HttpSink {
            target: target?,
            directory: self.directory,
            max_queue_bytes: self.max_queue_bytes,
            timeout: self.timeout,
            give_up_after: self.give_up_after,
        })
    }
}
