//! Takes secrets out of a transcript. Each byte of one is overwritten in its place, so that lengths, frames and chunks stay
//! what they were; where lines are made of the transcript, the name of the secret is shown.

use std::collections::BTreeMap;

use pushspec_wire::http1::HeadScanner;
use pushspec_wire::websocket::{Frame, FrameScanner};

use super::event::{ConnectionId, EventKind, Transcript};
use super::labels::Labels;
use crate::secret::{Found, Secrets, places};

/// What secrets are overwritten with: characters that the notation writes as they are, and uses for nothing else. One that
/// stands in the transcript is not taken.
const FILLERS: &[u8] = b"~^|@$!#%&;<>?";

/// What is taken where all of them stand there: it has no name.
const NAMELESS: u8 = b'x';

/// What went one way on a connection, as one text.
struct Stream {
    bytes: Vec<u8>,
    /// The event of each part, and where the part begins.
    parts: Vec<(usize, usize)>,
}

/// A byte of a stream that belongs to a secret.
struct Secret {
    at: usize,
    name: String,
    /// The byte of the masking key that lies over it (RFC 6455 section 5.3), 0 where none does.
    mask: u8,
}

impl Transcript {
    /// Takes secrets out.
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        if secrets.is_empty() {
            return;
        }
        let streams = self.streams();
        let found: Vec<Vec<Secret>> = streams
            .iter()
            .map(|(way, stream)| {
                let is_upgraded =
                    streams.get(&(way.0, false)).is_some_and(|received| frames_from(received).is_some());
                stream.secrets(secrets, is_upgraded)
            })
            .collect();
        if found.iter().any(|found| !found.is_empty()) {
            let mut fillers = Fillers::without(streams.values());
            for (stream, found) in streams.values().zip(found) {
                for secret in &found {
                    self.overwrite(stream, secret, fillers.of(&secret.name));
                }
            }
            let named = fillers.taken.into_iter().filter(|(_, filler)| *filler != NAMELESS);
            self.labels = Labels(named.map(|(name, filler)| (filler, name)).collect());
        }
        for event in &mut self.events {
            match &mut event.kind {
                EventKind::Publish(text) | EventKind::Refused(_, text) => secrets.hide_in(text),
                EventKind::Published(Ok(Some(id))) => secrets.hide_in(id),
                EventKind::Published(Err(unpublished)) => secrets.hide_in(&mut unpublished.why),
                _ => {}
            }
        }
    }

    /// What was sent (`true`) and received on each connection.
    fn streams(&self) -> BTreeMap<(ConnectionId, bool), Stream> {
        let mut streams: BTreeMap<_, Stream> = BTreeMap::new();
        for (index, event) in self.events.iter().enumerate() {
            let (way, bytes) = match &event.kind {
                EventKind::Sent(id, bytes) => ((*id, true), bytes),
                EventKind::Received(id, bytes) => ((*id, false), bytes),
                _ => continue,
            };
            let stream =
                streams.entry(way).or_insert_with(|| Stream { bytes: Vec::new(), parts: Vec::new() });
            stream.parts.push((index, stream.bytes.len()));
            stream.bytes.extend_from_slice(bytes);
        }
        streams
    }

    fn overwrite(&mut self, stream: &Stream, secret: &Secret, filler: u8) {
        let part = stream.parts.partition_point(|(_, start)| *start <= secret.at).checked_sub(1);
        let Some((index, start)) = part.and_then(|part| stream.parts.get(part)) else { return };
        if let Some(EventKind::Sent(_, bytes) | EventKind::Received(_, bytes)) =
            self.events.get_mut(*index).map(|event| &mut event.kind)
            && let Some(byte) = bytes.get_mut(secret.at - start)
        {
            *byte = filler ^ secret.mask;
        }
    }
}

impl Stream {
    /// The bytes that are secret: in the stream as it is, in the data of its frames without their headers, which may be
    /// fragments of one message, and in each of its control frames.
    fn secrets(&self, secrets: &Secrets, is_upgraded: bool) -> Vec<Secret> {
        let clear = |at: usize, name: &str| Secret { at, name: name.to_owned(), mask: 0 };
        let mut found = Vec::new();
        for Found { range, name } in secrets.find(&self.bytes, false) {
            found.extend(places(&self.bytes, &range).into_iter().map(|at| clear(at, &name)));
        }
        if !is_upgraded {
            return found;
        }
        let (mut data, mut control) = (Payload::default(), Payload::default());
        for (at, frame) in self.frames() {
            let payload = if frame.opcode.is_control() { &mut control } else { &mut data };
            payload.push(at, &frame);
        }
        for payload in [data, control] {
            for Found { range, name } in secrets.find(&payload.bytes, false) {
                let of_frames = payload.places.get(range).into_iter().flatten();
                found.extend(of_frames.map(|(at, mask)| Secret { at: *at, name: name.clone(), mask: *mask }));
            }
        }
        found
    }

    /// The frames behind the opening handshake, each with the place of its payload.
    fn frames(&self) -> Vec<(usize, Frame)> {
        let start = frames_from(self).or_else(|| {
            let mut heads = HeadScanner::new();
            heads.push(&self.bytes);
            heads.next_head().map(|_| self.bytes.len() - heads.rest().len())
        });
        let Some(start) = start else { return Vec::new() };
        let mut scanner = FrameScanner::new();
        scanner.push(&self.bytes[start..]);
        let frames = std::iter::from_fn(|| scanner.next_frame());
        frames.map(|frame| (start + frame.offset + frame.header().header_len, frame)).collect()
    }
}

/// The payloads of frames in a row, without their masks, and where each byte stands.
#[derive(Default)]
struct Payload {
    bytes: Vec<u8>,
    places: Vec<(usize, u8)>,
}

impl Payload {
    fn push(&mut self, at: usize, frame: &Frame) {
        let masks = frame.mask.unwrap_or_default();
        self.bytes.extend_from_slice(&frame.unmasked_payload());
        self.places.extend(
            (0..frame.payload.len()).zip(masks.iter().cycle()).map(|(index, mask)| (at + index, *mask)),
        );
    }
}

/// Where the frames of a server begin: behind its 101.
fn frames_from(received: &Stream) -> Option<usize> {
    let mut heads = HeadScanner::new();
    heads.push(&received.bytes);
    loop {
        let code = heads.next_head()?.status_line().map(|status| status.code);
        match code {
            Some(101) => return Some(received.bytes.len() - heads.rest().len()),
            Some(100..200) => {}
            _ => return None,
        }
    }
}

/// A byte for each name.
struct Fillers {
    free: Vec<u8>,
    taken: BTreeMap<String, u8>,
}

impl Fillers {
    fn without<'s>(streams: impl Iterator<Item = &'s Stream>) -> Fillers {
        let mut is_there = [false; 256];
        for stream in streams {
            let payloads =
                stream.frames().into_iter().map(|(_, frame)| frame.unmasked_payload().into_owned());
            let bytes = payloads.flatten().chain(stream.bytes.iter().copied());
            bytes.for_each(|byte| is_there[usize::from(byte)] = true);
        }
        let free = FILLERS.iter().rev().copied().filter(|byte| !is_there[usize::from(*byte)]).collect();
        Fillers { free, taken: BTreeMap::new() }
    }

    fn of(&mut self, name: &str) -> u8 {
        if let Some(filler) = self.taken.get(name) {
            return *filler;
        }
        let filler = self.free.pop().unwrap_or(NAMELESS);
        self.taken.insert(name.to_owned(), filler);
        filler
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pushspec_wire::websocket::Opcode;

    use super::*;
    use crate::case::statement::ConnectionName;
    use crate::transcript::printed;

    const ID: ConnectionId = ConnectionId(0);

    fn hidden(events: Vec<EventKind>) -> (Transcript, Vec<String>) {
        let secrets = Secrets::default();
        secrets.add("TOKEN", "s3cr3t-t0ken");
        secrets.add("Cookie", "other/secret");
        let mut transcript = Transcript::default();
        transcript.push(Duration::ZERO, EventKind::Connect(ID, ConnectionName::default()));
        for kind in events {
            transcript.push(Duration::ZERO, kind);
        }
        transcript.hide(&secrets);
        let lines = printed(&transcript).iter().map(|line| line.trim_start()[8..].to_owned()).collect();
        (transcript, lines)
    }

    fn received(bytes: &[u8]) -> EventKind {
        EventKind::Received(ID, bytes.to_vec())
    }

    #[test]
    fn a_secret_is_hidden_in_heads_and_over_reads_and_chunks() {
        let (transcript, lines) = hidden(vec![
            EventKind::Sent(ID, b"GET /?t=s3cr3t-t0ken HTTP/1.1\r\nAuthorization: Bearer s3cr3t-t0ken\r\n\r\n".to_vec()),
            received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=other%2Fsecret\r\n\r\n5\r\ns3cr3"),
            received(b"\r\n7\r\nt-t0ken\r\n"),
            received(b"0\r\n\r\n"),
        ]);
        assert_eq!(
            lines,
            [
                "connect",
                "> GET /?t=«TOKEN» HTTP/1.1",
                "> Authorization: Bearer «TOKEN»",
                ">",
                "< HTTP/1.1 200 OK",
                "< Transfer-Encoding: chunked",
                "< Set-Cookie: a=«Cookie»",
                "<",
                "< \"5\\r\\n«TOKEN»\"",
                "< \"\\r\\n7\\r\\n«TOKEN»\\r\\n\"",
                "< \"0\\r\\n\\r\\n\"",
            ]
        );
        assert!(!transcript.to_string().contains("t0ken"), "{transcript}");
    }

    #[test]
    fn a_secret_is_hidden_under_a_mask_and_over_fragments() {
        let mut first = Frame::new(Opcode::TEXT, b"of s3cr");
        first.fin = false;
        let frames = [
            first.encode(),
            Frame::new(Opcode::PING, b"other/secret").encode(),
            Frame::new(Opcode::CONTINUATION, b"3t-t0ken!").encode(),
        ];
        let (transcript, lines) = hidden(vec![
            EventKind::Sent(ID, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            EventKind::Sent(ID, Frame::new(Opcode::TEXT, b"s3cr3t-t0ken").masked([7, 8, 9, 10]).encode()),
            received(&frames.concat()),
        ]);
        assert_eq!(
            lines[5..],
            [
                "> [text mask=0708090a \"«TOKEN»\"]",
                "< [text nofin \"of «TOKEN»\"]",
                "< [ping \"«Cookie»\"]",
                "< [continuation \"«TOKEN»!\"]",
            ]
        );
        let sent = crate::transcript::lines(&transcript);
        let hex = sent.iter().filter_map(|line| line.bytes.as_ref()).map(|bytes| bytes.hex.clone());
        // `s3cr3t` under the mask 07 08 09 0a.
        assert!(!hex.collect::<String>().contains("74 3b 6a 78"), "the bytes are hidden, too");
    }

    #[test]
    fn what_has_no_secret_stays_as_it_is() {
        let (transcript, lines) = hidden(vec![received(b"HTTP/1.1 200 OK\r\n\r\n~^|")]);
        assert_eq!(lines.last().map(String::as_str), Some("< \"~^|\""));
        assert_eq!(transcript.labels, Labels::default());
    }
}
