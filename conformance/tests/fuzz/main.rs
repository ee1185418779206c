//! Mutated inputs for all that reads what others have written: no input makes any of it panic, and scanners lose nothing.
//! The inputs follow from a seed alone. `PUSHSPEC_FUZZ=60` tries for so many seconds a reader, `PUSHSPEC_FUZZ_SEED=7` begins
//! with that seed; a failure names its own (`just fuzz`).

mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use mutation::Mutation;
use pushspec::case::Page;
use pushspec::judge::{Action, Input, Machine, Quota, Settings};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec::transcript::{self, ConnectionId, EventKind, printed};
use pushspec_wire::chunked::ChunkScanner;
use pushspec_wire::event_stream::{Item, LineScanner};
use pushspec_wire::http1::HeadScanner;
use pushspec_wire::websocket::FrameScanner;

/// How many inputs a reader gets where no time is set: enough to run with the other tests.
const INPUTS: u64 = 400;

/// How much an input may have, in bytes.
const LONGEST: usize = 16 * 1024;

/// Tries a reader with inputs until its time is over. A failure says with which seed.
fn fuzz(name: &str, read: impl Fn(&mut Mutation)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let time = number("PUSHSPEC_FUZZ").map(Duration::from_secs);
    let first = number("PUSHSPEC_FUZZ_SEED").unwrap_or(1);
    let start = Instant::now();
    for seed in first.. {
        if time.map_or(seed - first >= INPUTS, |time| start.elapsed() >= time) {
            break;
        }
        let mut mutation = Mutation::new(seed);
        let tried = catch_unwind(AssertUnwindSafe(|| read(&mut mutation)));
        assert!(tried.is_ok(), "{name} fails: PUSHSPEC_FUZZ_SEED={seed} shows it again");
    }
}

/// The suite, which is read once.
fn suite() -> &'static Suite {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    SUITE.get_or_init(|| Suite::embedded().expect("the pages are in order"))
}

/// What servers send, more or less.
const ANSWERS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\nevent: tick\nretry: 10\ndata: one\n\n:\n\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\nETag: \"a\"\r\n\r\n{\"cursor\":2,\"messages\":[{\"id\":\"1\",\"data\":\"one\"}]}",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!-- --><script>parent.push.deliver({\"data\":\"a\\u003cb\"})</script>\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 405 No\r\nAllow: GET\r\n\r\n",
    b"5;a=\"b\"\r\ndata:\r\n0\r\nTrailer: a\r\n\r\n",
    b"\x81\x05Hello\x89\x00\x01\x01a\x80\x01b\x88\x02\x03\xe8",
    b"\x82\x7e\x00\x80",
    b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi",
];

fn answer(mutation: &mut Mutation) -> Vec<u8> {
    let pieces = mutation.below(4) + 1;
    let mut bytes: Vec<u8> = Vec::new();
    for _ in 0..pieces {
        let piece = *mutation.one_of(ANSWERS);
        bytes.extend(mutation.of(piece));
    }
    bytes.truncate(LONGEST);
    bytes
}

#[test]
fn scanners_lose_nothing() {
    fuzz("a scanner", |mutation| {
        let bytes = answer(mutation);
        let pieces = mutation.pieces(&bytes);
        let mut heads = HeadScanner::new();
        let mut chunks = ChunkScanner::new();
        let mut lines = LineScanner::new();
        let mut frames = FrameScanner::new();
        let [mut of_heads, mut of_chunks, mut of_lines, mut of_frames] = [const { Vec::new() }; 4];
        for piece in pieces {
            heads.push(piece);
            of_heads.extend(std::iter::from_fn(|| heads.next_head()).flat_map(|head| head.encode()));
            chunks.push(piece);
            of_chunks.extend(std::iter::from_fn(|| chunks.next_item()).flat_map(|item| item.encode()));
            lines.push(piece);
            of_lines.extend(std::iter::from_fn(|| lines.next_item()).flat_map(|item: Item| item.encode()));
            frames.push(piece);
            of_frames.extend(std::iter::from_fn(|| frames.next_frame()).flat_map(|frame| frame.encode()));
        }
        let most = 8 * bytes.len() as u64 + 64;
        let work = [heads.work(), chunks.work(), lines.work(), frames.work()];
        assert!(work.iter().all(|work| *work <= most), "{work:?} for {} bytes", bytes.len());
        of_heads.extend(heads.rest());
        of_chunks.extend(chunks.rest());
        of_lines.extend(lines.rest());
        of_frames.extend(frames.rest());
        assert!([of_heads, of_chunks, of_lines, of_frames].iter().all(|again| *again == bytes));
    });
}

#[test]
fn no_conversation_makes_a_case_panic_or_keep_memory() {
    let profile = Profile::reference().expect("the profile is in order");
    let target = Arc::new(Target::new("http://127.0.0.1:8080", profile).expect("a URL"));
    let suite = suite();
    fuzz("a case", |mutation| {
        let quota = Quota::new(8 << 20, 4);
        let case = mutation.one_of(&suite.cases).clone();
        let settings = Settings { patience: 1.0, channel: "fuzz".into() };
        let machine = Machine::new(case, Arc::clone(&target), Arc::clone(&suite.catalogue), settings);
        let mut machine = machine.within(&quota);
        let mut now = Duration::ZERO;
        let mut open: Vec<ConnectionId> = Vec::new();
        for _ in 0..400 {
            match machine.next(now) {
                Action::Done => break,
                Action::Connect(id) | Action::Listen(id) => open.push(id),
                Action::Write(id, _) => machine.handle(now, Input::Written(id, Duration::ZERO)),
                Action::Publish(_) => machine.handle(now, Input::Published(Ok(None))),
                Action::Wait(until) => {
                    let id = if open.is_empty() { ConnectionId(0) } else { *mutation.one_of(&open) };
                    match mutation.below(12) {
                        0 => now = until,
                        1 => machine.handle(now, Input::Eof(id)),
                        2 => machine.handle(now, Input::Reset(id)),
                        3 => now += Duration::from_millis(100),
                        _ => {
                            let bytes = answer(mutation);
                            for piece in mutation.pieces(&bytes) {
                                machine.handle(now, Input::Received(id, piece.to_vec()));
                            }
                        }
                    }
                }
                Action::Read(..) | Action::Finish(_) | Action::Abort(_) | Action::Close(_) => {}
            }
            assert!(quota.held() <= 8 << 20, "{} bytes are held", quota.held());
        }
        let judgement = machine.finish();
        let lines = printed(&judgement.transcript);
        assert!(lines.iter().all(|line| !line.contains('\u{1b}') && !line.contains('\n')), "{lines:?}");
        assert_eq!(quota.held(), 0, "all is given back");
    });
}

#[test]
fn no_page_makes_the_reader_panic() {
    let pages = pushspec_fixtures::PAGES;
    fuzz("a page", |mutation| {
        let (path, text) = *mutation.one_of(pages);
        let bytes = mutation.of(&text.as_bytes()[..text.len().min(LONGEST)]);
        let text = String::from_utf8_lossy(&bytes);
        match Page::parse(path, &text) {
            // What was read can be written, and read again.
            Ok(page) => assert!(Page::parse(path, &page.to_string()).is_ok(), "{text}"),
            Err(mistakes) => assert!(!mistakes.to_string().contains('\u{1b}')),
        }
    });
}

#[test]
fn no_profile_makes_the_reader_panic() {
    fuzz("a profile", |mutation| {
        let bytes = mutation.of(pushspec_fixtures::REFERENCE_PROFILE.as_bytes());
        match Profile::parse("pushspec.toml", &String::from_utf8_lossy(&bytes)) {
            Ok(profile) => drop(Target::new("http://127.0.0.1:8080", profile)),
            Err(mistakes) => assert!(!mistakes.to_string().contains('\u{1b}')),
        }
    });
}

#[test]
fn no_transcript_makes_the_reader_panic() {
    const TEXT: &[u8] = b"0.000 #0 connect\n0.100 #0 > \"GET / HTTP/1.1\\r\\n\\r\\n\"\n\
        1.000 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n\"\n2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n";
    fuzz("a transcript", |mutation| {
        let bytes = mutation.of(TEXT);
        let Ok(mut transcript) = transcript::parse(&String::from_utf8_lossy(&bytes)) else { return };
        let received = answer(mutation);
        transcript.push(Duration::from_secs(4), EventKind::Received(ConnectionId(0), received));
        assert!(printed(&transcript).iter().all(|line| !line.contains('\u{1b}')));
        transcript.shorten(mutation.below(4096));
        assert!(printed(&transcript).iter().all(|line| !line.contains('\u{1b}')));
    });
}
