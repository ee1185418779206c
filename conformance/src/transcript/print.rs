//! A transcript for the reader: in the notation of the fixtures, with times.

use std::collections::BTreeMap;
use std::time::Duration;

use pushspec_wire::http1::HeadScanner;
use pushspec_wire::websocket::FrameScanner;

use super::{ConnectionId, EventKind, Transcript};
use crate::judge::shown::{readable_line, shown, shown_frame};

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    heads: HeadScanner,
    frames: Option<FrameScanner>,
    /// Behind a head that is not followed by frames: bytes of a body.
    body: bool,
}

/// The lines of a transcript.
pub fn printed(transcript: &Transcript) -> Vec<String> {
    let mut names: BTreeMap<ConnectionId, String> = BTreeMap::new();
    let mut sent: BTreeMap<ConnectionId, Direction> = BTreeMap::new();
    let mut received: BTreeMap<ConnectionId, Direction> = BTreeMap::new();
    let mut lines = Vec::new();
    for event in &transcript.events {
        let at = event.at;
        let mut line = |text: String| lines.push(format!("{}  {text}", time(at)));
        match &event.kind {
            EventKind::Connect(id, name) => {
                names.insert(*id, name.0.clone());
                line(format!("connect {}", name.0).trim_end().to_owned());
            }
            EventKind::Sent(id, bytes) => {
                let name = names.get(id).cloned().unwrap_or_default();
                sent.entry(*id)
                    .or_default()
                    .print(bytes)
                    .into_iter()
                    .for_each(|text| line(format!("{name}> {text}").trim_end().to_owned()));
            }
            EventKind::Received(id, bytes) => {
                let name = names.get(id).cloned().unwrap_or_default();
                let direction = received.entry(*id).or_default();
                let texts = direction.print(bytes);
                if direction.frames.is_some() {
                    sent.entry(*id).or_default().upgrade();
                }
                texts.into_iter().for_each(|text| line(format!("{name}< {text}").trim_end().to_owned()));
            }
            EventKind::Finish(id) => line(format!("{}> eof", names.get(id).cloned().unwrap_or_default())),
            EventKind::Close(id) => line(format!("{}> close", names.get(id).cloned().unwrap_or_default())),
            EventKind::Eof(id) => line(format!("{}< eof", names.get(id).cloned().unwrap_or_default())),
            EventKind::Reset(id) => line(format!("{}< reset", names.get(id).cloned().unwrap_or_default())),
            EventKind::Refused(id, why) => {
                line(format!("{}< refused: {why}", names.get(id).cloned().unwrap_or_default()))
            }
            EventKind::LeftOut(_, bytes) => line(format!("… {bytes} bytes are left out here")),
            EventKind::Publish(request) => line(format!("publish  # {request}")),
            EventKind::Published(Ok(())) => {}
            EventKind::Published(Err(why)) => line(format!("publish failed: {why}")),
        }
    }
    lines
}

fn time(at: Duration) -> String {
    format!("{:>8.1} ms", crate::judge::finding::milliseconds(at))
}

impl Direction {
    fn upgrade(&mut self) {
        if self.frames.is_none() {
            let mut frames = FrameScanner::new();
            frames.push(&self.heads.rest());
            self.frames = Some(frames);
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Vec<String> {
        if let Some(frames) = &mut self.frames {
            frames.push(bytes);
            let mut lines: Vec<String> =
                std::iter::from_fn(|| frames.next_frame()).map(|frame| shown_frame(&frame)).collect();
            if lines.is_empty() {
                lines.push(format!("{}  # part of a frame", shown(bytes)));
            }
            return lines;
        }
        if self.body {
            return vec![shown(bytes)];
        }
        self.heads.push(bytes);
        let Some(head) = self.heads.next_head() else {
            return vec![format!("{}  # part of a head", shown(bytes))];
        };
        let mut lines: Vec<String> = head.lines.iter().map(|line| readable_line(&line.content)).collect();
        let status = head.status_line().map(|status| status.code);
        let rest = self.heads.rest();
        if status == Some(101) {
            self.frames = Some(FrameScanner::new());
        } else if status.is_some() {
            self.body = true;
        }
        if !rest.is_empty() {
            lines.extend(self.print(&rest));
        }
        lines
    }
}
