//! The share of a connection in the listener's budget, and the bounds of a body.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tonic::{Code, body::Body as TonicBody};

use super::{
    budget::{CallSlot, ConnectionBudget, ListenerBudget, UnsentResponse},
    call_label::CallKind,
    request_body::{BodyBounds, BoundedBody, drop_unread_headers},
    response_body::CountedBody,
};
use crate::{
    config::GrpcListener,
    metrics::{Labels, Metrics},
    model::{Origin, Peer},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

fn listener() -> Arc<ListenerBudget> {
    let mut labels = Labels::of_issuers([]);
    super::add_labels(&mut labels);
    ListenerBudget::new(&GrpcListener::default(), Metrics::build(&labels).unwrap())
}

fn connection(listener: &Arc<ListenerBudget>) -> Arc<ConnectionBudget> {
    ConnectionBudget::new(listener.clone(), Peer { origin: Origin::Loopback, names: Vec::new() })
}

/// These frames, and then the end or nothing more.
struct Frames {
    frames: VecDeque<Bytes>,
    ends: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop_front() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A message that says it is so long, of which so much comes.
fn message(length: usize, sent: usize) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap());
    bytes.put_bytes(7, sent);
    bytes.freeze()
}

/// Reads these bytes in pieces of this size: all of them come out, or a status.
async fn read(bounds: BodyBounds, bytes: &Bytes, piece: usize) -> Result<Bytes, Code> {
    let slot = CallSlot::take(&connection(&listener()), bounds.kind);
    let frames = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    let body = BoundedBody::new(Frames { frames, ends: true }, slot, bounds);
    body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|status| status.code())
}

#[tokio::test]
async fn a_message_is_held_to_its_length_however_it_is_cut() {
    let small = BodyBounds::one(CallKind::Call, 100);
    let check = BodyBounds::one(CallKind::Check, 100);
    let several = BodyBounds { total: 350, ..BodyBounds::one(CallKind::Lasting, 100) };
    let thrice = Bytes::from(message(100, 100).repeat(3));
    for piece in [1, 2, 4, 5, 6, 7, 104, 105, 1_000] {
        let good = message(100, 100);
        assert_eq!(read(small, &good, piece).await, Ok(good.clone()), "{piece}");
        assert_eq!(read(several, &thrice, piece).await, Ok(thrice.clone()), "{piece}");
        for (bounds, bytes, code) in [
            (small, message(101, 0), Code::ResourceExhausted),
            (small, message(u32::MAX as usize, 50), Code::ResourceExhausted),
            (small, thrice.clone(), Code::ResourceExhausted),
            (check, message(101, 0), Code::OutOfRange),
            (check, message(u32::MAX as usize, 0), Code::OutOfRange),
            (several, Bytes::from(thrice.repeat(2)), Code::ResourceExhausted),
            (several, [message(3, 3), message(101, 0)].concat().into(), Code::ResourceExhausted),
        ] {
            assert_eq!(read(bounds, &bytes, piece).await, Err(code), "{piece}: {bytes:?}");
        }
    }
}

/// The HTTP/2 library sends what is below 1 KiB together with other responses.
#[tokio::test]
async fn a_checks_response_goes_out_in_pieces_that_share_a_system_call() {
    let (check, call) = (CallKind::Check, CallKind::Call);
    for (kind, length, expected) in [
        (check, 0, &[0][..]),
        (check, 900, &[900]),
        (check, 1_000, &[1_000]),
        (check, 1_001, &[1_000, 1]),
        (check, 2_500, &[1_000, 1_000, 500]),
        (check, 8_000, &[1_000; 8]),
        (check, 8_001, &[8_001]),
        (call, 2_500, &[2_500]),
    ] {
        let connection = connection(&listener());
        let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("0"))]);
        let message: Bytes = (0..length).map(|at| (at % 251) as u8).collect();
        let body = Frames { frames: [message.clone()].into(), ends: true };
        let body = body.with_trailers(ready(Some(Ok(trailers.clone()))));
        let mut body = CountedBody::new(TonicBody::new(body), CallSlot::take(&connection, kind));
        let mut pieces = Vec::new();
        let end = loop {
            assert!(!body.is_end_stream(), "{length}");
            let frame = body.frame().await.expect("trailers come first").unwrap();
            match frame.into_data() {
                Ok(piece) => pieces.push(piece),
                Err(end) => break end.into_trailers().ok(),
            }
        };
        assert_eq!(end, Some(trailers), "{length}");
        assert!(body.is_end_stream() && body.frame().await.is_none(), "{length}");
        let lengths: Vec<usize> = pieces.iter().map(Buf::remaining).collect();
        assert_eq!(lengths, expected, "{kind:?} of {length}");
        assert_eq!(pieces.iter().flat_map(Buf::chunk).copied().collect::<Bytes>(), message);
        // The last piece is still waiting.
        drop(pieces.drain(..pieces.len() - 1));
        assert!((1..100).any(|_| connection.second_passed()), "{length}");
    }
}

/// The slots of those calls, of so many, whose message of this length is taken.
async fn announce(
    connection: &Arc<ConnectionBudget>,
    length: usize,
    calls: usize,
) -> Vec<Arc<CallSlot>> {
    let bounds = BodyBounds::one(CallKind::Check, 4 << 20);
    let mut taken = Vec::new();
    for _ in 0..calls {
        let slot = CallSlot::take(connection, CallKind::Check);
        let frames = Frames { frames: [message(length, 10)].into(), ends: true };
        match BoundedBody::new(frames, slot.clone(), bounds).collect().await {
            Ok(_) => taken.push(slot),
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
    }
    taken
}

#[tokio::test]
async fn what_is_announced_counts_and_a_connection_leaves_as_much_as_it_takes() {
    let listener = listener();
    let first = connection(&listener);
    let taken = announce(&first, 4_000_000, 20).await;
    assert_eq!(taken.len(), 8, "half of 64 MiB");
    let second = announce(&connection(&listener), 4_000_000, 20).await;
    assert_eq!(second.len(), 4, "half of what is left");
    // However many come, each finds a little.
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(announce(&connection(&listener), 1_000_000, 20).await);
    }
    assert_eq!(announce(&connection(&listener), 4_000_000, 1).await.len(), 0);
    for _ in 0..100 {
        assert_eq!(announce(&connection(&listener), 2_000, 8).await.len(), 8, "ordinary checks");
    }
    drop((taken, second, crowd));
    assert_eq!(announce(&first, 4_000_000, 20).await.len(), 8, "all of it came back");
}

#[test]
fn a_connection_leaves_as_many_slots_as_it_takes() {
    let listener = listener();
    let take = |connection: &Arc<ConnectionBudget>| {
        let slots = std::iter::repeat_with(|| CallSlot::take(connection, CallKind::Check));
        slots.take_while(|slot| !slot.is_refused()).collect::<Vec<_>>()
    };
    let (first, second) = (connection(&listener), connection(&listener));
    let (of_first, of_second) = (take(&first), take(&second));
    assert_eq!((of_first.len(), of_second.len()), (4096, 2048));
    let mut crowd: Vec<_> = (0..50).map(|_| take(&connection(&listener))).collect();
    assert!(crowd.iter().all(|slots| slots.len() >= 8), "each finds a few");
    crowd.clear();
    drop((of_first, of_second));
    assert_eq!(take(&second).len(), 4096, "all of them came back");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_come_ends() {
    let bounds = BodyBounds::one(CallKind::Call, 100).within(Duration::from_secs(5));
    let slot = CallSlot::take(&connection(&listener()), CallKind::Call);
    let never = Frames { frames: [message(100, 50)].into(), ends: false };
    let status = BoundedBody::new(never, slot, bounds).collect().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[test]
fn a_response_that_waits_too_long_is_found() {
    let connection = connection(&listener());
    for waits in [3, 9] {
        let answer = UnsentResponse::new(&connection);
        assert!((0..waits).all(|_| !connection.second_passed()), "not yet");
        drop(answer);
        assert!((0..100).all(|_| !connection.second_passed()), "it was taken");
    }
    let answer = UnsentResponse::new(&connection);
    assert_eq!((1..100).find(|_| connection.second_passed()), Some(10), "seconds");
    drop(answer);
    // While slots are scarce, it may wait less.
    let slots: Vec<_> = (0..9000).map(|_| CallSlot::take(&connection, CallKind::Check)).collect();
    let _answer = UnsentResponse::new(&connection);
    assert_eq!((1..100).find(|_| connection.second_passed()), Some(2), "seconds");
    drop(slots);
}

#[test]
fn headers_that_nothing_reads_are_not_kept_where_they_are_many() {
    let mut few = HeaderMap::new();
    for name in ["te", "grpc-timeout", "x-other"] {
        few.insert(name, "1S".parse().unwrap());
    }
    let mut kept = few.clone();
    drop_unread_headers(&mut kept);
    assert_eq!(kept, few, "as they came");
    let mut many = few.clone();
    (0..1000).for_each(|_| assert!(many.append("x", "y".parse().unwrap()) || many.len() == 4));
    let mut large = few.clone();
    large.insert("tracestate", "a".repeat(60_000).parse().unwrap());
    for mut headers in [many, large] {
        drop_unread_headers(&mut headers);
        assert_eq!(headers.len(), 2, "{headers:?}");
        assert_eq!(headers["grpc-timeout"], "1S");
    }
}

/// A window that answers wait for may come behind more calls: what does not read on never sees it.
#[test]
fn a_peer_is_read_no_further_only_among_very_many_refusals() {
    let many = |connection: &Arc<ConnectionBudget>, count: usize| {
        (0..count).map(|_| CallSlot::take(connection, CallKind::Check)).collect::<Vec<_>>()
    };
    // A client alone that asks more than it may at a time.
    let alone = listener();
    let client = connection(&alone);
    let held = many(&client, 5_000);
    assert!(held.iter().filter(|slot| slot.is_refused()).count() > 500);
    assert!(!client.reading_is_paused());
    drop(held);

    let listener = listener();
    let (flood, proxy, new) = (connection(&listener), connection(&listener), connection(&listener));
    proxy.check_judged();
    let flooding = many(&flood, 20_000);
    let mut asked = Vec::new();
    while asked.iter().filter(|slot: &&Arc<CallSlot>| slot.is_refused()).count() < 20 {
        asked.push(CallSlot::take(&proxy, CallKind::Check));
    }
    assert!(flood.reading_is_paused());
    assert!(!proxy.reading_is_paused(), "a check on it was judged lately");
    assert!(!new.reading_is_paused(), "nothing of it was refused");
    asked.extend(many(&proxy, 20));
    assert!(proxy.reading_is_paused(), "it does not take its refusals either");
    drop((flooding, asked));
    assert!(!flood.reading_is_paused(), "its refusals are sent");
}

#[test]
fn what_one_turn_reads_is_bounded() {
    let connection = connection(&listener());
    connection.begin_read_turn();
    assert!(!connection.read_turn_is_over(), "nothing was read yet");
    connection.count_read(2_000);
    assert!(!connection.read_turn_is_over(), "an ordinary check");
    connection.count_read(3_000);
    assert!(connection.read_turn_is_over() && connection.read_turn_is_over(), "for the rest of it");
    connection.begin_read_turn();
    assert!(!connection.read_turn_is_over(), "the next one");
}

#[test]
fn refusals_are_made_before_more_is_read() {
    let settings = GrpcListener { max_streams: 8, ..GrpcListener::default() };
    let mut labels = Labels::of_issuers([]);
    super::add_labels(&mut labels);
    let listener = ListenerBudget::new(&settings, Metrics::build(&labels).unwrap());
    let (flood, stranger, known) =
        (connection(&listener), connection(&listener), connection(&listener));
    known.check_judged();
    let mut calls: Vec<_> = (0..300).map(|_| CallSlot::take(&flood, CallKind::Check)).collect();
    assert!(flood.read_turn_is_over() && stranger.read_turn_is_over(), "they wait");
    assert!(!known.read_turn_is_over(), "a proxy at work does not");
    calls.extend((0..5_000).map(|_| CallSlot::take(&flood, CallKind::Check)));
    assert!(known.read_turn_is_over(), "everybody waits");
    calls.iter().for_each(|slot| slot.refusal_written());
    assert!(!stranger.read_turn_is_over() && !known.read_turn_is_over(), "all are made");
    assert!(flood.read_turn_is_over(), "those that waited go first");
    assert!(!flood.read_turn_is_over(), "then it goes on");
    calls.truncate(8);
    let refused = CallSlot::take(&known, CallKind::Call);
    drop(refused);
    let many: Vec<_> = (0..300).map(|_| CallSlot::take(&flood, CallKind::Check)).collect();
    drop(many);
    assert!(!known.read_turn_is_over(), "a call that is given up is made as well");
}
