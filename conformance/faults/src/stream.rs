//! What a fault does to a stream as it passes.

use std::fmt;
use std::time::Duration;

use super::pieces::{Event, Piece};
use super::request::Request;

/// Decides what becomes of each piece of one stream.
pub(crate) trait Editor: Send + fmt::Debug {
    /// The head has passed.
    fn opened(&mut self, _out: &mut Output) {}

    /// The next piece has come.
    fn piece(&mut self, piece: Piece, out: &mut Output);

    /// The time that was asked for with [`Output::wake_in`] is over.
    fn woken(&mut self, _out: &mut Output) {}
}

/// What leaves instead of what came.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(super) parts: Vec<Part>,
    pub(super) wake: Option<Wake>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Data(Vec<u8>),
    Raw(Vec<u8>),
    Delay(Duration),
    End,
}

/// What becomes of the time to wake up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wake {
    In(Duration),
    Never,
}

impl Output {
    /// Content, in a chunk of its own where the stream has chunks.
    pub(crate) fn data(&mut self, bytes: impl Into<Vec<u8>>) {
        self.parts.push(Part::Data(bytes.into()));
    }

    /// Bytes that go out as they are, whatever the coding of the stream.
    pub(crate) fn raw(&mut self, bytes: impl Into<Vec<u8>>) {
        self.parts.push(Part::Raw(bytes.into()));
    }

    /// A piece as it came.
    pub(crate) fn pass(&mut self, piece: &Piece) {
        self.data(piece.encode());
    }

    /// What follows leaves so much later.
    pub(crate) fn delay(&mut self, delay: Duration) {
        self.parts.push(Part::Delay(delay));
    }

    /// Ends the stream in order, and the connection with it.
    pub(crate) fn end(&mut self) {
        self.parts.push(Part::End);
    }

    /// Wakes the editor up after this time, unless something else is said before.
    pub(crate) fn wake_in(&mut self, time: Duration) {
        self.wake = Some(Wake::In(time));
    }

    /// Lets the editor sleep.
    pub(crate) fn sleep(&mut self) {
        self.wake = Some(Wake::Never);
    }
}

/// What becomes of an event.
pub(super) type EventEdit = fn(&Request, Event) -> Vec<u8>;

/// What becomes of a script element.
pub(super) type ScriptEdit = fn(&Request, Vec<u8>) -> Vec<u8>;

/// Replaces each message by what functions say, and leaves the rest alone.
#[derive(Debug)]
pub(super) struct PerMessage {
    pub(super) request: Request,
    pub(super) event: Option<EventEdit>,
    pub(super) script: Option<ScriptEdit>,
}

impl Editor for PerMessage {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        match (piece, self.event, self.script) {
            (Piece::Event(event), Some(edit), _) => out.data(edit(&self.request, event)),
            (Piece::Script(script), _, Some(edit)) => out.data(edit(&self.request, script)),
            (piece, _, _) => out.pass(&piece),
        }
    }
}

/// Ends the stream some time after its head, unless a message comes before.
#[derive(Debug)]
pub(crate) struct EndsWithoutNews(pub(crate) Duration);

impl Editor for EndsWithoutNews {
    fn opened(&mut self, out: &mut Output) {
        out.wake_in(self.0);
    }

    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.sleep();
        }
        out.pass(&piece);
    }

    fn woken(&mut self, out: &mut Output) {
        out.end();
    }
}

/// Ends the stream some time after a message, unless another one comes before.
#[derive(Debug)]
pub(crate) struct EndsAfterNews(pub(crate) Duration);

impl Editor for EndsAfterNews {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.wake_in(self.0);
        }
        out.pass(&piece);
    }

    fn woken(&mut self, out: &mut Output) {
        out.end();
    }
}

/// Sends each message late.
#[derive(Debug)]
pub(crate) struct Late(pub(crate) Duration);

impl Editor for Late {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() {
            out.delay(self.0);
        }
        out.pass(&piece);
    }
}

/// Lets each message be overtaken by the one behind it, if that comes soon.
#[derive(Debug, Default)]
pub(crate) struct Overtaking {
    held: Option<Piece>,
}

impl Overtaking {
    /// How long a message waits to be overtaken: not so long that those who wait for it alone give up.
    const PATIENCE: Duration = Duration::from_millis(300);

    fn release(&mut self, out: &mut Output) {
        if let Some(held) = self.held.take() {
            out.pass(&held);
        }
    }
}

impl Editor for Overtaking {
    fn piece(&mut self, piece: Piece, out: &mut Output) {
        if piece.is_message() && self.held.is_none() {
            self.held = Some(piece);
            return out.wake_in(Self::PATIENCE);
        }
        out.pass(&piece);
        if piece.is_message() {
            self.release(out);
        }
    }

    fn woken(&mut self, out: &mut Output) {
        self.release(out);
    }
}
