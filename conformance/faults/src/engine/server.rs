//! From the server to the client.

use std::mem;
use std::time::Duration;

use pushspec_wire::chunked::{encode_chunk, encode_last};
use pushspec_wire::http1::{Head, HeadScanner};
use pushspec_wire::websocket::{Frame, FrameScanner};
use tokio::time::Instant;

use super::{Engine, MAX_HEAD, MAX_MESSAGE, is_too_long};
use crate::Edit;
use crate::answer::Answer;
use crate::body::Body;
use crate::fields;
use crate::frames::{Conversation, Extension, encoded};
use crate::outbox::End;
use crate::pieces::Splitter;
use crate::request::Request;
use crate::stream::{Editor, Output, Part, PerMessage, Wake};
use crate::websocket::deflate::{self, Middle};

/// What the server is sending.
#[derive(Debug)]
pub(crate) enum Answering {
    Head(HeadScanner),
    /// A body that passes as it is.
    Body(Body),
    /// An answer that waits for its body.
    Whole(Box<Whole>),
    Streaming(Box<Streaming>),
    Frames(FrameScanner),
    /// Nothing that can be read.
    Opaque,
    /// Nothing that anybody hears.
    Deaf,
}

#[derive(Debug)]
pub(crate) struct Whole {
    request: Request,
    head: Head,
    body: Body,
    data: Vec<u8>,
}

/// A stream that an editor watches over.
#[derive(Debug)]
pub(crate) struct Streaming {
    body: Body,
    splitter: Splitter,
    editor: Box<dyn Editor>,
    /// Whether the stream leaves in chunks.
    chunked: bool,
    pub(super) wake: Option<Instant>,
}

impl Answering {
    /// How many bytes wait in it.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Self::Head(scanner) => scanner.buffered(),
            Self::Whole(whole) => whole.data.len(),
            Self::Streaming(streaming) => streaming.splitter.waiting(),
            Self::Frames(scanner) => scanner.buffered(),
            Self::Body(_) | Self::Opaque | Self::Deaf => 0,
        }
    }
}

impl Default for Answering {
    fn default() -> Self {
        Self::Head(HeadScanner::new())
    }
}

impl Engine {
    /// The server has sent something.
    pub(crate) fn server_sent(&mut self, now: Instant, bytes: &[u8]) {
        self.now = now;
        if !self.rewrites_server() && !matches!(self.answering, Answering::Deaf) {
            self.down.push(now, bytes);
        }
        let mut bytes = bytes.to_vec();
        while !bytes.is_empty() {
            bytes = self.answer_once(&bytes);
        }
    }

    /// The server has ended its direction.
    pub(crate) fn server_ended(&mut self, now: Instant, end: End) {
        self.now = now;
        match mem::replace(&mut self.answering, Answering::Deaf) {
            Answering::Deaf => return,
            Answering::Head(mut scanner) => self.reply(scanner.rest()),
            Answering::Frames(mut scanner) if self.rewrites_server_frames() => self.reply(scanner.rest()),
            Answering::Whole(whole) => self.reply([whole.head.encode(), whole.data].concat()),
            Answering::Streaming(mut streaming) => {
                let rest = streaming.splitter.rest();
                self.reply(if streaming.chunked { encode_chunk(&rest) } else { rest });
            }
            Answering::Frames(_) | Answering::Body(_) | Answering::Opaque => {}
        }
        let mut end = Some(end);
        for edit in self.edits() {
            if let (Edit::End(edit), Some(conversation)) = (edit, &self.conversation) {
                end = edit(conversation, end);
            }
        }
        let conversation = self.conversation.as_ref();
        let delays = self.edits().filter_map(|edit| match edit {
            Edit::EndDelay(delay) => conversation.map(delay),
            _ => None,
        });
        let delay = delays.max().unwrap_or_default();
        if let Some(end) = end {
            self.down.end(now + delay, end);
        }
    }

    /// The time that an editor has asked for may have come.
    pub(super) fn stream_woken(&mut self) {
        let Answering::Streaming(streaming) = &mut self.answering else { return };
        if streaming.wake.is_none_or(|wake| wake > self.now) {
            return;
        }
        streaming.wake = None;
        let mut out = Output::default();
        streaming.editor.woken(&mut out);
        self.put_out(out);
    }

    /// Passes bytes to the client, unless they have gone there as they came.
    fn reply(&mut self, bytes: Vec<u8>) {
        self.reply_later(bytes, Duration::ZERO);
    }

    fn reply_later(&mut self, bytes: Vec<u8>, delay: Duration) {
        if self.rewrites_server() {
            self.down.push(self.now + delay, bytes);
        }
    }

    /// Reads bytes as what the server is sending; gives back those that belong to what it sends next.
    fn answer_once(&mut self, bytes: &[u8]) -> Vec<u8> {
        match &mut self.answering {
            Answering::Head(scanner) => {
                scanner.push(bytes);
                if let Some(head) = scanner.next_head() {
                    let rest = scanner.rest();
                    self.answer_head(head);
                    return rest;
                }
                if scanner.buffered() > MAX_HEAD {
                    let rest = scanner.rest();
                    self.answering = Answering::Opaque;
                    self.reply(rest);
                }
            }
            Answering::Body(body) => {
                let progress = body.push(bytes);
                if progress.rest.is_some() {
                    self.answering = Answering::default();
                }
                self.reply(progress.raw);
                return progress.rest.unwrap_or_default();
            }
            Answering::Whole(whole) => {
                let progress = whole.body.push(bytes);
                whole.data.extend(progress.data);
                return progress.rest.map(|rest| self.whole(rest)).unwrap_or_default();
            }
            Answering::Streaming(_) => return self.stream(bytes),
            Answering::Frames(_) => self.server_frames(bytes),
            Answering::Opaque => self.reply(bytes.to_vec()),
            Answering::Deaf => {}
        }
        Vec::new()
    }

    fn answer_head(&mut self, head: Head) {
        let code = head.status_line().map_or(0, |status| status.code);
        if (100..200).contains(&code) && code != 101 {
            return self.reply(head.encode());
        }
        let Some(request) = self.pending.pop_front() else {
            self.answering = Answering::Opaque;
            return self.reply(head.encode());
        };
        if code == 101 {
            return self.switch_protocols(request, head);
        }
        self.upgraded(false);
        let body = Body::of_answer(&head, &request.method());
        let edits_answers = self.edits().any(|edit| matches!(edit, Edit::Answer(_)));
        match body {
            None => self.answer(&request, head, Some(Vec::new())),
            Some(body @ Body::Length(length)) if edits_answers && length <= MAX_MESSAGE as u64 => {
                self.answering = Answering::Whole(Box::new(Whole { request, head, body, data: Vec::new() }));
            }
            Some(body) => self.open_stream(request, head, body),
        }
    }

    fn switch_protocols(&mut self, request: Request, head: Head) {
        let answer = self.edited(&request, Answer::new(head, None));
        let switches = answer.status() == 101;
        self.reply_later(answer.head.encode(), answer.delay);
        if !switches {
            return self.hang_up();
        }
        let middle = self.edits_of(&request).find_map(|edit| match edit {
            Edit::Deflate(deviation) => Middle::new(deviation, &request),
            _ => None,
        });
        let conversation = Conversation::new(request);
        conversation.extension.replace(middle.map(|middle| Box::new(middle) as Box<dyn Extension>));
        self.conversation = Some(conversation);
        self.answering = Answering::Frames(FrameScanner::new());
        self.upgraded(true);
    }

    /// All of the body has come.
    fn whole(&mut self, rest: Vec<u8>) -> Vec<u8> {
        if let Answering::Whole(whole) = mem::take(&mut self.answering) {
            let Whole { request, head, data, .. } = *whole;
            self.answer(&request, head, Some(data));
        }
        rest
    }

    fn answer(&mut self, request: &Request, head: Head, body: Option<Vec<u8>>) {
        let length = body.as_ref().map_or(0, Vec::len);
        let mut answer = self.edited(request, Answer::new(head, body));
        if answer.dropped {
            return self.hang_up();
        }
        let body = answer.body.take().unwrap_or_default();
        // A length that the fault itself has set is meant to be wrong.
        if body.len() != length && fields::has(&answer.head, "Content-Length", &length.to_string()) {
            fields::set(&mut answer.head, "Content-Length", &body.len().to_string());
        }
        self.reply_later([answer.head.encode(), body].concat(), answer.delay);
        if answer.last {
            self.hang_up();
        }
    }

    fn edited(&self, request: &Request, answer: Answer) -> Answer {
        self.edits_of(request).fold(answer, |mut answer, edit| {
            match edit {
                Edit::Answer(edit) => edit(request, &mut answer),
                Edit::Deflate(_) => deflate::answer(request, &mut answer),
                _ => {}
            }
            answer
        })
    }

    fn open_stream(&mut self, request: Request, head: Head, body: Body) {
        let answer = self.edited(&request, Answer::new(head, None));
        let chunked = answer.head.lists("Transfer-Encoding", "chunked");
        let was_chunked = matches!(body, Body::Chunked(_));
        let status = answer.status();
        self.reply_later(answer.head.encode(), answer.delay);
        let splitter = Splitter::of(&request.technique()).filter(|_| status == 200);
        let editor = self.editor(request, chunked != was_chunked);
        let (Some(splitter), Some(editor)) = (splitter, editor) else {
            self.answering = Answering::Body(body);
            return;
        };
        let streaming = Streaming { body, splitter, editor, chunked, wake: None };
        self.answering = Answering::Streaming(Box::new(streaming));
        let mut out = Output::default();
        if let Answering::Streaming(streaming) = &mut self.answering {
            streaming.editor.opened(&mut out);
        }
        self.put_out(out);
    }

    /// Who watches over the stream that answers a request; `None` where nobody has to.
    fn editor(&self, request: Request, recoded: bool) -> Option<Box<dyn Editor>> {
        let (mut event, mut script) = (None, None);
        for edit in self.edits_of(&request) {
            match edit {
                Edit::Stream(edit) => {
                    if let Some(editor) = edit(&request) {
                        return Some(editor);
                    }
                }
                Edit::Event(edit) => event = Some(*edit),
                Edit::Script(edit) => script = Some(*edit),
                _ => {}
            }
        }
        let edits = event.is_some() || script.is_some() || recoded;
        edits.then(|| Box::new(PerMessage { request, event, script }) as Box<dyn Editor>)
    }

    fn stream(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Answering::Streaming(streaming) = &mut self.answering else { return Vec::new() };
        let progress = streaming.body.push(bytes);
        if progress.is_unread {
            self.reply(progress.raw);
            self.answering = Answering::Opaque;
            return Vec::new();
        }
        let mut out = Output::default();
        for piece in streaming.splitter.push(&progress.data) {
            streaming.editor.piece(piece, &mut out);
        }
        if progress.rest.is_some() {
            out.data(streaming.splitter.rest());
            out.raw(if streaming.chunked { encode_last() } else { Vec::new() });
        }
        self.put_out(out);
        if progress.rest.is_some() && !matches!(self.answering, Answering::Deaf) {
            self.answering = Answering::default();
        }
        progress.rest.unwrap_or_default()
    }

    fn put_out(&mut self, out: Output) {
        let Answering::Streaming(streaming) = &mut self.answering else { return };
        match out.wake {
            Some(Wake::In(time)) => streaming.wake = Some(self.now + time),
            Some(Wake::Never) => streaming.wake = None,
            None => {}
        }
        let chunked = streaming.chunked;
        let mut delay = Duration::ZERO;
        for part in out.parts {
            match part {
                Part::Data(data) if chunked => self.reply_later(encode_chunk(&data), delay),
                Part::Data(bytes) | Part::Raw(bytes) => self.reply_later(bytes, delay),
                Part::Delay(more) => delay += more,
                Part::End => {
                    self.reply(if chunked { encode_last() } else { Vec::new() });
                    return self.hang_up();
                }
            }
        }
    }

    fn server_frames(&mut self, bytes: &[u8]) {
        let edits = self.rewrites_server_frames();
        if !edits {
            self.reply(bytes.to_vec());
        }
        let Answering::Frames(scanner) = &mut self.answering else { return };
        scanner.push(bytes);
        let frames: Vec<Frame> = std::iter::from_fn(|| scanner.next_frame()).collect();
        let too_long = is_too_long(scanner);
        let rest = if too_long && edits { scanner.rest() } else { Vec::new() };
        for frame in frames {
            if edits {
                let delay = self.delay_of(&frame);
                let edited = self.edit_server_frame(frame.clone());
                self.reply_later(encoded(&edited), delay);
            }
            if let Some(conversation) = &mut self.conversation {
                Conversation::remember(&mut conversation.server, frame);
            }
        }
        if too_long {
            self.answering = Answering::Opaque;
            self.reply(rest);
        }
    }

    fn delay_of(&self, frame: &Frame) -> Duration {
        let Some(conversation) = &self.conversation else { return Duration::ZERO };
        let delays = self.edits().filter_map(|edit| match edit {
            Edit::FrameDelay(delay) => Some(delay(conversation, frame)),
            _ => None,
        });
        delays.max().unwrap_or_default()
    }

    fn edit_server_frame(&self, frame: Frame) -> Vec<Frame> {
        let Some(conversation) = &self.conversation else { return vec![frame] };
        self.edits().fold(vec![frame], |frames, edit| match edit {
            Edit::ServerFrame(edit) => {
                frames.into_iter().flat_map(|frame| edit(conversation, frame)).collect()
            }
            Edit::Deflate(_) => {
                let mut middle = conversation.extension.borrow_mut();
                let Some(middle) = middle.as_mut() else { return frames };
                frames.into_iter().flat_map(|frame| middle.server_frame(frame)).collect()
            }
            _ => frames,
        })
    }
}
