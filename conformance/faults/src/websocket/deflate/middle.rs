//! The extension in the stead of the server: compression towards the client, and none towards the server.

use std::sync::Arc;

use pushspec_wire::websocket::{Frame, FrameHeader, Opcode};

use super::compressor::Compressor;
use super::decoder::{Compressed, Decoded, Decoder};
use super::deviation::{Contexts, Deviation, MARK};
use super::offers::{Agreement, EXTENSIONS, offers, window};
use super::shared::Agreed;
use crate::answer::Answer;
use crate::fields;
use crate::frames::{Extension, with_payload};
use crate::request::{Memory, Request};

/// One connection.
#[derive(Debug)]
pub(crate) struct Middle {
    deviation: &'static Deviation,
    agreed: Agreement,
    memory: Arc<Memory>,
    /// For texts, and for bytes where that is something else.
    compressors: [Compressor; 2],
    decoder: Decoder,
    /// The first frame of a compressed message, and what has come of it.
    collecting: Option<(Frame, Compressed)>,
    /// How many connections had sent what is broken when it opened.
    broken: usize,
}

/// Takes the offers out of a request. What is no list of extensions is left to the server.
pub(crate) fn negotiate(deviation: &Deviation, request: &mut Request) {
    if !request.is_handshake() {
        return;
    }
    let Some(offers) = offers(&request.head) else { return };
    fields::remove(&mut request.head, EXTENSIONS);
    request.agreed = (deviation.accepts)(&offers).map(|accepted| Agreed {
        does: (deviation.does)(accepted.agreement()),
        answer: (deviation.answers)(&offers, accepted),
    });
}

/// Says in an answer what was agreed on.
pub(crate) fn answer(request: &Request, answer: &mut Answer) {
    if let Some(agreed) =
        request.agreed.as_ref().filter(|agreed| answer.status() == 101 && !agreed.answer.is_empty())
    {
        fields::add(&mut answer.head, EXTENSIONS, &agreed.answer);
    }
}

impl Middle {
    /// The relay of a WebSocket that has opened; `None` where nothing was agreed on.
    pub(crate) fn new(deviation: &'static Deviation, request: &Request) -> Option<Self> {
        let agreed = match &request.agreed {
            Some(agreed) => agreed.does,
            None if deviation.is_unasked => Agreement::default(),
            None => return None,
        };
        let compressor = Compressor::new(window(agreed.server_bits));
        let broken = request.memory.deflate().broken;
        Some(Self {
            deviation,
            agreed,
            memory: request.memory.clone(),
            compressors: [compressor.clone(), compressor],
            decoder: Decoder::new(agreed),
            collecting: None,
            broken,
        })
    }

    fn is_compressed(&mut self, frame: &Frame) -> bool {
        let is_compressed = (self.deviation.is_compressed)(&mut self.decoder, frame);
        self.decoder.messages += 1;
        is_compressed
    }

    fn uncompressed(&mut self, frame: Frame) -> Frame {
        if self.deviation.takes_for_compressed {
            self.decoder.takes_for_compressed(&frame.unmasked_payload());
        }
        // A continuation of nothing stays as it is.
        let begins = frame.opcode != Opcode::CONTINUATION;
        Frame { rsv: if begins { 0 } else { frame.rsv }, ..frame }
    }

    /// Keeps a fragment; the last one brings the message.
    fn collect(&mut self, first: Frame, mut message: Compressed, frame: &Frame) -> Vec<Frame> {
        message.fragments.push(frame.unmasked_payload().into_owned());
        if !frame.fin {
            self.collecting = Some((first, message));
            return Vec::new();
        }
        let begin = Frame { fin: true, rsv: 0, ..first };
        match self.decoded(&message) {
            Decoded::Message(data) => vec![with_payload(begin, &data)],
            Decoded::Nothing => Vec::new(),
            Decoded::Broken(_) | Decoded::Refused => {
                self.memory.deflate().broken += 1;
                vec![refused(begin)]
            }
        }
    }

    fn decoded(&mut self, message: &Compressed) -> Decoded {
        let mut shared;
        let decoder = if self.deviation.received_contexts == Contexts::OneForAll {
            shared = self.memory.deflate();
            shared.decoder.get_or_insert_with(|| Decoder::new(self.agreed))
        } else {
            &mut self.decoder
        };
        let outcome = (self.deviation.decodes)(decoder, message);
        if self.agreed.client_forgets {
            self.decoder.inflater.forget();
        }
        outcome
    }

    fn compressed(&mut self, opcode: Opcode, message: &[u8]) -> Vec<u8> {
        let contexts = self.deviation.contexts;
        let is_second = contexts == Contexts::OfEachType && opcode == Opcode::BINARY;
        let own = &mut self.compressors[usize::from(is_second)];
        let mut shared;
        let compressor = if contexts == Contexts::OneForAll {
            shared = self.memory.deflate();
            shared.compressor.get_or_insert_with(|| own.clone())
        } else {
            own
        };
        let payload = (self.deviation.compress)(compressor, message);
        if self.agreed.server_forgets {
            compressor.forget();
        }
        payload
    }
}

impl Extension for Middle {
    fn client_frame(&mut self, frame: Frame) -> Vec<Frame> {
        if self.deviation.ends_all && self.memory.deflate().broken > self.broken {
            return vec![refused(frame)];
        }
        if frame.opcode.is_control() || !is_in_order(&frame) {
            return vec![frame];
        }
        let begins = frame.opcode != Opcode::CONTINUATION;
        match self.collecting.take() {
            None if begins && self.is_compressed(&frame) => {
                let message = Compressed { is_text: frame.opcode == Opcode::TEXT, fragments: Vec::new() };
                self.collect(frame.clone(), message, &frame)
            }
            Some((first, message)) if !begins => self.collect(first, message, &frame),
            Some(_) => vec![refused(frame)],
            None => vec![self.uncompressed(frame)],
        }
    }

    fn server_frame(&mut self, frame: Frame) -> Vec<Frame> {
        let is_message = frame.fin && matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY);
        if !is_message || !(self.deviation.compresses)(&frame) {
            if (self.deviation.takes_for_sent)(&frame) {
                self.compressors[0].takes_for_sent(&frame.payload);
            }
            return vec![frame];
        }
        let payload = self.compressed(frame.opcode, &frame.payload);
        vec![Frame { rsv: MARK, ..with_payload(frame, &payload) }]
    }

    fn waits_for(&self, begun: Option<&FrameHeader>) -> bool {
        begun.is_none_or(|header| {
            let continues =
                self.collecting.is_some() && header.opcode == Opcode::CONTINUATION && header.rsv == 0;
            continues || (matches!(header.opcode, Opcode::TEXT | Opcode::BINARY) && header.rsv == MARK)
        })
    }

    fn held(&self) -> usize {
        let waiting =
            self.collecting.iter().flat_map(|(_, message)| &message.fragments).map(Vec::len).sum::<usize>();
        waiting + self.decoder.inflater.held() + self.compressors.iter().map(Compressor::held).sum::<usize>()
    }
}

/// Whether a frame of a message is one that a compressed message may have: of the reserved bits it has no other, it is
/// masked, and its length has the shortest form. On others the server behind has its own word.
fn is_in_order(frame: &Frame) -> bool {
    let may_be_marked = frame.opcode != Opcode::CONTINUATION;
    let is_data = matches!(frame.opcode, Opcode::TEXT | Opcode::BINARY | Opcode::CONTINUATION);
    is_data
        && (frame.rsv == 0 || (may_be_marked && frame.rsv == MARK))
        && frame.mask.is_some()
        && frame.length_form == Frame::minimal_form(frame.length)
}

/// A frame in the place of another one for which a server fails the connection.
fn refused(frame: Frame) -> Frame {
    Frame { rsv: 0b010, ..with_payload(frame, b"") }
}

#[cfg(test)]
mod tests {
    use pushspec_wire::http1::HeadScanner;

    use super::*;
    use crate::request::tests::request;

    const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

    /// A connection on which this was offered, and what the answer says.
    fn open(offer: &str) -> (Option<Middle>, Option<String>) {
        let mut asked =
            request(&format!("GET /websocket/echo HTTP/1.1\nUpgrade: websocket\n{EXTENSIONS}: {offer}"));
        negotiate(&Deviation::NONE, &mut asked);
        let mut scanner = HeadScanner::new();
        scanner.push(b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let mut opened = Answer::new(scanner.next_head().expect("a head"), None);
        answer(&asked, &mut opened);
        (Middle::new(&Deviation::NONE, &asked), fields::value(&opened.head, EXTENSIONS))
    }

    fn marked(opcode: Opcode, payload: &[u8]) -> Frame {
        Frame { rsv: MARK, ..Frame::new(opcode, payload) }.masked([1, 2, 3, 4])
    }

    fn is_refused(frames: &[Frame]) -> bool {
        frames.len() == 1 && frames[0].rsv == 0b010
    }

    #[test]
    fn what_is_agreed_on_stands_in_the_answer_and_not_in_the_request() {
        let (middle, answer) = open("permessage-deflate; a, permessage-deflate; server_max_window_bits=9");
        assert!(middle.is_some());
        assert_eq!(answer.as_deref(), Some("permessage-deflate; server_max_window_bits=9"));
        let (middle, answer) = open("permessage-deflate; server_max_window_bits=7, x-pushspec");
        assert!(middle.is_none() && answer.is_none());
        // The server behind has its own word on what is no list.
        let mut asked = request(&format!("GET /websocket/echo HTTP/1.1\n{EXTENSIONS}: permessage-deflate;"));
        negotiate(&Deviation::NONE, &mut asked);
        assert!(asked.names(EXTENSIONS));
    }

    #[test]
    fn messages_are_decompressed_in_one_direction_and_compressed_in_the_other() {
        let mut middle = open("permessage-deflate").0.expect("agreed");
        let hello = Frame::new(Opcode::TEXT, b"Hello");
        let plain = [hello.clone().masked([1, 2, 3, 4])];
        assert_eq!(middle.client_frame(marked(Opcode::TEXT, HELLO)), plain);
        assert_eq!(middle.client_frame(plain[0].clone()), plain);
        let first = Frame { fin: false, ..marked(Opcode::TEXT, &HELLO[..3]) };
        let ping = Frame::new(Opcode::PING, b"between").masked([1, 2, 3, 4]);
        assert_eq!(middle.client_frame(first), []);
        assert_eq!(middle.client_frame(ping.clone()), [ping]);
        let last = Frame::new(Opcode::CONTINUATION, &HELLO[3..]).masked([1, 2, 3, 4]);
        assert_eq!(middle.client_frame(last), plain);
        let sent = middle.server_frame(hello);
        assert!(sent.len() == 1 && sent[0].rsv == MARK && sent[0].payload == HELLO);
    }

    #[test]
    fn what_is_wrong_is_left_for_the_server_to_refuse() {
        let open = || open("permessage-deflate").0.expect("agreed");
        assert!(is_refused(&open().client_frame(marked(Opcode::TEXT, b"Hello"))));
        for wrong in [
            marked(Opcode::PING, b""),
            marked(Opcode::CONTINUATION, HELLO),
            Frame { rsv: 0b110, ..marked(Opcode::TEXT, HELLO) },
            Frame { mask: None, ..marked(Opcode::TEXT, HELLO) },
        ] {
            assert_eq!(open().client_frame(wrong.clone()), [wrong]);
        }
        let mut middle = open();
        middle.client_frame(Frame { fin: false, ..marked(Opcode::TEXT, HELLO) });
        assert!(is_refused(&middle.client_frame(marked(Opcode::TEXT, HELLO))));
    }
}
