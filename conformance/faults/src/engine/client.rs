//! From the client to the server.

use std::mem;
use std::time::Duration;

use pushspec_wire::http1::{Head, HeadScanner};
use pushspec_wire::websocket::{Frame, FrameScanner};
use tokio::time::Instant;

use super::{Engine, MAX_HEAD, MAX_HELD, MAX_MESSAGE, PATIENCE, is_too_long};
use crate::Edit;
use crate::body::Body;
use crate::fields;
use crate::frames::{Conversation, Read, encoded};
use crate::outbox::End;
use crate::request::{Refusal, Request};
use crate::websocket::deflate;

/// What the client is sending.
#[derive(Debug)]
pub(crate) enum Asking {
    Head(HeadScanner),
    /// The body of a request that has gone to the server.
    Body(Body),
    /// The body of a request that waits for it.
    Whole(Box<Request>, Body),
    /// Whatever follows a request to upgrade, until it is answered.
    Upgrading(Vec<u8>),
    Frames(FrameScanner),
    /// Nothing that can be read.
    Opaque,
    /// Nothing that anybody hears.
    Deaf,
}

impl Asking {
    /// How many bytes wait in it.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Self::Head(scanner) => scanner.buffered(),
            Self::Whole(request, _) => request.body.len(),
            Self::Upgrading(held) => held.len(),
            Self::Frames(scanner) => scanner.buffered(),
            Self::Body(_) | Self::Opaque | Self::Deaf => 0,
        }
    }
}

impl Default for Asking {
    fn default() -> Self {
        Self::Head(HeadScanner::new())
    }
}

impl Engine {
    /// The client has sent something.
    pub(crate) fn client_sent(&mut self, now: Instant, bytes: &[u8]) {
        self.now = now;
        let mut bytes = bytes.to_vec();
        self.edit_read(&mut bytes);
        if !self.rewrites_client() && !matches!(self.asking, Asking::Deaf) {
            self.up.push(now, bytes.clone());
        }
        self.ask(bytes);
    }

    /// The client has ended its direction.
    pub(crate) fn client_ended(&mut self, now: Instant, end: End) {
        self.now = now;
        let within_a_body = matches!(self.asking, Asking::Body(_));
        let waits = !self.pending.is_empty() || self.requests == 0 || within_a_body;
        if matches!(end, End::Fin) && waits && self.edits().any(|edit| matches!(edit, Edit::EndUnheard)) {
            self.asking = Asking::Deaf;
            return;
        }
        let rest = match mem::replace(&mut self.asking, Asking::Deaf) {
            Asking::Deaf => return,
            Asking::Head(mut scanner) => scanner.rest(),
            Asking::Frames(mut scanner) if self.rewrites_client_frames() => scanner.rest(),
            Asking::Whole(request, _) => [request.head.encode(), request.body].concat(),
            Asking::Upgrading(held) => held,
            Asking::Frames(_) | Asking::Body(_) | Asking::Opaque => Vec::new(),
        };
        self.forward(rest);
        for edit in self.edits() {
            if let Edit::Abandoned(edit) = edit {
                self.pending.iter().filter(|request| self.fault.concerns(request)).for_each(edit);
            }
        }
        let mut end = Some(end);
        for edit in self.edits() {
            if let (Edit::ClientEnd(edit), Some(conversation)) = (edit, &self.conversation) {
                end = edit(conversation, end);
            }
        }
        if let Some(end) = end {
            self.up.end(now, end);
        }
    }

    /// The server has switched protocols, or has not.
    pub(super) fn upgraded(&mut self, opened: bool) {
        let Asking::Upgrading(held) = &mut self.asking else { return };
        let held = mem::take(held);
        self.asking = if opened { Asking::Frames(FrameScanner::new()) } else { Asking::default() };
        self.reads = opened.then(FrameScanner::new);
        self.ask(held);
    }

    fn edit_read(&mut self, bytes: &mut Vec<u8>) {
        let before = self.reads.as_ref().and_then(FrameScanner::pending);
        if let Some(reads) = &mut self.reads {
            reads.push(bytes);
            while reads.next_frame().is_some() {}
            if is_too_long(reads) && reads.buffered() > MAX_HELD {
                self.reads = None;
            }
        }
        let continues = matches!(&self.asking, Asking::Head(scanner) if scanner.buffered() > 0);
        let read = Read { before, continues, frames: self.reads.as_ref(), memory: &self.memory };
        for edit in self.edits() {
            if let Edit::Read(edit) = edit {
                edit(&read, bytes);
            }
        }
    }

    /// Passes bytes to the server, unless they have gone there as they came.
    fn forward(&mut self, bytes: Vec<u8>) {
        self.forward_later(bytes, Duration::ZERO);
    }

    fn forward_later(&mut self, bytes: Vec<u8>, delay: Duration) {
        if self.rewrites_client() {
            self.up.push(self.now + delay, bytes);
        }
    }

    fn ask(&mut self, mut bytes: Vec<u8>) {
        while !bytes.is_empty() {
            bytes = self.ask_once(&bytes);
        }
    }

    /// Reads bytes as what the client is sending; gives back those that belong to what it sends next.
    fn ask_once(&mut self, bytes: &[u8]) -> Vec<u8> {
        match &mut self.asking {
            Asking::Head(scanner) => {
                scanner.push(bytes);
                if let Some(head) = scanner.next_head() {
                    let rest = scanner.rest();
                    self.head(head);
                    return rest;
                }
                if scanner.buffered() > MAX_HEAD {
                    let rest = scanner.rest();
                    self.asking = Asking::Opaque;
                    self.forward(rest);
                }
            }
            Asking::Body(body) => {
                let progress = body.push(bytes);
                if progress.rest.is_some() {
                    self.asking = Asking::default();
                }
                self.forward(progress.raw);
                return progress.rest.unwrap_or_default();
            }
            Asking::Whole(request, body) => {
                let progress = body.push(bytes);
                request.body.extend(progress.raw);
                if let Some(rest) = progress.rest {
                    let request = (**request).clone();
                    self.dispatch(request);
                    return rest;
                }
            }
            Asking::Upgrading(held) if held.len() > MAX_HELD => {
                let held = mem::take(held);
                self.asking = Asking::Opaque;
                self.forward([&held, bytes].concat());
            }
            Asking::Upgrading(held) => held.extend_from_slice(bytes),
            Asking::Frames(_) => self.client_frames(bytes),
            Asking::Opaque => self.forward(bytes.to_vec()),
            Asking::Deaf => {}
        }
        Vec::new()
    }

    fn head(&mut self, head: Head) {
        let body = Body::of_request(&head);
        let mut request = Request::new(head, self.memory.clone());
        request.on_its_connection = self.requests;
        match body {
            // Only what is published is changed; the body of another request may never come.
            Some(body @ Body::Length(length)) if self.waits_for(&request, length) => {
                self.asking = Asking::Whole(Box::new(request), body);
            }
            Some(body) => {
                self.dispatch(request);
                if matches!(self.asking, Asking::Head(_)) {
                    self.asking = Asking::Body(body);
                }
            }
            None => self.dispatch(request),
        }
    }

    fn waits_for(&self, request: &Request, length: u64) -> bool {
        length <= MAX_MESSAGE as u64 && self.rewrites_client() && request.publishes()
    }

    /// Sends a request on, or answers it.
    fn dispatch(&mut self, mut request: Request) {
        for edit in self.edits_of(&request) {
            if let Edit::Refusal(edit) = edit
                && let Some(refusal) = edit(&request)
            {
                return self.refuse(refusal);
            }
        }
        let length = request.body.len();
        let mut delay = Duration::ZERO;
        for edit in self.edits_of(&request) {
            match edit {
                Edit::Request(edit) => edit(&mut request),
                Edit::Deflate(deviation) => deflate::negotiate(deviation, &mut request),
                Edit::RequestDelay(edit) => delay = delay.max(edit(&request)),
                Edit::Begun(edit) => self.down.push(self.now, edit(&request).unwrap_or_default()),
                _ => {}
            }
        }
        if request.body.len() != length {
            fields::set(&mut request.head, "Content-Length", &request.body.len().to_string());
        }
        self.forward_later([request.head.encode(), request.body.clone()].concat(), delay);
        self.asking = if request.head.request_line().is_none() {
            Asking::Opaque
        } else if request.names("Upgrade") {
            Asking::Upgrading(Vec::new())
        } else {
            Asking::default()
        };
        self.requests += 1;
        self.pending.push_back(request);
    }

    fn refuse(&mut self, Refusal(code, reason): Refusal) {
        let mut answer = format!("HTTP/1.1 {code} {reason}\r\nConnection: close\r\n");
        // These have no content (RFC 9110 section 6.4.1).
        if matches!(code, 204 | 304) {
            answer.push_str("\r\n");
        } else {
            let length = reason.len() + 1;
            answer
                .push_str(&format!("Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{reason}\n"));
        }
        self.down.push(self.now, answer);
        self.hang_up();
    }

    fn client_frames(&mut self, bytes: &[u8]) {
        let edits = self.rewrites_client_frames();
        if !edits {
            self.forward(bytes.to_vec());
        }
        let Asking::Frames(scanner) = &mut self.asking else { return };
        scanner.push(bytes);
        let frames: Vec<Frame> = std::iter::from_fn(|| scanner.next_frame()).collect();
        let too_long = is_too_long(scanner);
        let rest = if too_long && edits { scanner.rest() } else { Vec::new() };
        let pending = scanner.pending();
        self.patience = (edits && scanner.buffered() > 0).then_some(self.now + PATIENCE);
        for frame in frames {
            if edits {
                let edited = self.edit_client_frame(frame.clone());
                self.forward(encoded(&edited));
            }
            if let Some(conversation) = &mut self.conversation {
                Conversation::remember(&mut conversation.client, frame);
                conversation.heard = self.now;
            }
        }
        let deflate = self.conversation.as_ref().map(|conversation| conversation.extension.borrow());
        if deflate
            .is_some_and(|middle| middle.as_ref().is_some_and(|middle| middle.waits_for(pending.as_ref())))
        {
            self.patience = None;
        }
        if too_long {
            self.asking = Asking::Opaque;
            self.forward(rest);
        }
    }

    /// The rest of a frame does not come. What there is of it goes to the server, and so does all behind it.
    pub(super) fn give_up_the_frame(&mut self) {
        if let Asking::Frames(scanner) = &mut self.asking {
            let rest = scanner.rest();
            self.asking = Asking::Opaque;
            self.forward(rest);
        }
    }

    fn edit_client_frame(&self, frame: Frame) -> Vec<Frame> {
        let Some(conversation) = &self.conversation else { return vec![frame] };
        self.edits().fold(vec![frame], |frames, edit| match edit {
            Edit::ClientFrame(edit) => {
                frames.into_iter().flat_map(|frame| edit(conversation, frame)).collect()
            }
            Edit::Deflate(_) => {
                let mut middle = conversation.extension.borrow_mut();
                let Some(middle) = middle.as_mut() else { return frames };
                frames.into_iter().flat_map(|frame| middle.client_frame(frame)).collect()
            }
            _ => frames,
        })
    }
}
