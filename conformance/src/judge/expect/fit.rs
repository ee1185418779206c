//! Items of the notation, and whether what came is one of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use pushspec_wire::websocket::Opcode;

use crate::case::statement::{Attribute, ExpectItem, MessagePattern};
use crate::case::text::{NoValue, Scope};
use crate::judge::receive::item::{Arrival, Item};
use crate::profile::decode::Message;
use crate::profile::websocket::WebSocket;

use super::attribute::attribute_text;
use super::frame::{EncodeError, FrameParts, frame_equals};
use super::ready::{Ready, ReadyItem};
use super::relation::Fit;
use super::start_line::{is_interim, request_fit, status_fit};

/// So many bytes are not said by others by chance: the name of the case's channel is longer.
const UNIQUE: usize = 12;

/// What is needed to compare.
pub(crate) struct Context<'a> {
    /// What the names in braces mean.
    pub(crate) scope: &'a dyn Scope,
    /// The data of all messages that the case published, and what the target answers to those that it sent, with the
    /// time at which it first did so.
    pub(crate) own: &'a HashMap<Vec<u8>, Duration>,
    /// `[websocket]` of the profile.
    pub(crate) websocket: Option<&'a WebSocket>,
    /// The other side speaks to this case alone: no message is another's.
    pub(crate) alone: bool,
}

impl Context<'_> {
    /// The best fit among the alternatives of an expectation.
    pub(crate) fn fit(&self, ready: &Ready<'_>, came: &Arrival) -> Result<Fit, EncodeError> {
        let names_a_message =
            |ready: &ReadyItem<'_>| matches!(ready.item, ExpectItem::Message(_) | ExpectItem::Reply(_));
        // Where a message is expected or else the end, it is for the message to say which others may pass.
        let without_end = matches!(came.item, Item::Message(_)) && ready.0.iter().any(names_a_message);
        let mut items =
            ready.0.iter().filter(|ready| !(without_end && matches!(ready.item, ExpectItem::End)));
        items.try_fold(Fit::Not, |fit, item| Ok(fit.or(self.fit_one(item, came)?)))
    }

    fn fit_one(&self, ready: &ReadyItem<'_>, arrival: &Arrival) -> Result<Fit, EncodeError> {
        let came = &arrival.item;
        if is_interim(came) && !matches!(ready.item, ExpectItem::Status(_)) {
            return Ok(Fit::Passes);
        }
        if matches!(came, Item::Foreign(_)) || (matches!(came, Item::Message(_)) && self.is_early(arrival)) {
            return Ok(Fit::Passes);
        }
        Ok(match ready.item {
            ExpectItem::Status(pattern) => status_fit(pattern, came),
            ExpectItem::Request(pattern) => request_fit(pattern, came),
            ExpectItem::Message(pattern) => match came {
                Item::Message(message) => {
                    self.message_fit(pattern, ready.message(pattern, self.scope)?, message)?
                }
                other => no_message_fit(other),
            },
            ExpectItem::Reply(pattern) => match came {
                Item::Message(message) => {
                    let answer = ready.reply(pattern, self.scope, self.websocket)?;
                    self.message_fit(pattern, answer, &self.as_answer(message))?
                }
                other => no_message_fit(other),
            },
            ExpectItem::Frame(pattern) => self.frame_fit(ready.frame(pattern, self.scope)?, came),
            ExpectItem::Comment | ExpectItem::End | ExpectItem::NoMessages => {
                self.body_part_fit(ready.item, came)
            }
            ExpectItem::Eof | ExpectItem::Reset => self.ending_fit(ready.item, came),
            // It is what there is when the time is over.
            ExpectItem::Nothing | ExpectItem::Skip => Fit::Not,
            // Compared with the body's bytes and with their number, not with items.
            ExpectItem::Bytes(_) | ExpectItem::Prelude(_) | ExpectItem::Field(_) | ExpectItem::Anything => {
                match came {
                    Item::Message(_) | Item::Comment | Item::Frame(_) => Fit::Passes,
                    _ => Fit::Not,
                }
            }
        })
    }

    /// A heartbeat, or the end of a body.
    fn body_part_fit(&self, item: &ExpectItem, came: &Item) -> Fit {
        use ExpectItem::{Comment, End, NoMessages};
        match (item, came) {
            (Comment, Item::Comment) | (End | NoMessages, Item::End) => Fit::Fits,
            (Comment | NoMessages, Item::Message(message)) => self.other(message),
            (Comment, Item::Frame(_)) | (End, Item::Message(_)) | (End | NoMessages, Item::Comment) => {
                Fit::Passes
            }
            _ => Fit::Not,
        }
    }

    /// The end of the connection.
    fn ending_fit(&self, item: &ExpectItem, came: &Item) -> Fit {
        match (item, came) {
            (ExpectItem::Eof, Item::Eof) | (ExpectItem::Reset, Item::Reset) => Fit::Fits,
            (_, Item::Message(message)) => self.other(message),
            (_, Item::Frame(frame)) if frame.opcode != Opcode::CLOSE => Fit::Passes,
            (_, Item::Comment | Item::End) => Fit::Passes,
            _ => Fit::Not,
        }
    }

    /// Whether a message came before the case published or sent its like: a greeting, or the last news of a channel.
    fn is_early(&self, arrival: &Arrival) -> bool {
        match &arrival.item {
            Item::Message(message) => self.own_since(&message.data).is_some_and(|sent| arrival.at <= sent),
            _ => false,
        }
    }

    /// When the case first sent or published what brings this, if it did.
    pub(crate) fn own_since(&self, data: &[u8]) -> Option<Duration> {
        let read = || self.websocket?.read(data).and_then(|data| self.own.get(&data));
        self.own.get(data).or_else(read).copied()
    }

    /// A message that may be an answer, in the form in which answers are compared.
    fn as_answer<'i>(&self, came: &'i Message) -> Cow<'i, Message> {
        let websocket = self.websocket.filter(|_| !came.binary);
        let data = websocket.and_then(|websocket| websocket.read(&came.data));
        let read =
            data.map(|data| Message { data, binary: false, id: came.id.clone(), event: came.event.clone() });
        read.map_or(Cow::Borrowed(came), Cow::Owned)
    }

    /// A message that was not expected: the case's own is out of order, any other is none of its business.
    fn other(&self, message: &Message) -> Fit {
        self.other_data(&message.data)
    }

    fn other_data(&self, data: &[u8]) -> Fit {
        let is_own = self.alone || self.own_since(data).is_some() || self.has_own_line(data);
        if is_own { Fit::Not } else { Fit::Passes }
    }

    /// Whether a message has one of the case's own among its lines: something was added to it.
    fn has_own_line(&self, data: &[u8]) -> bool {
        let mut lines = data.split(|byte| *byte == b'\n');
        data.contains(&b'\n') && lines.any(|line| line.len() >= UNIQUE && self.own.contains_key(line))
    }

    fn message_fit(&self, pattern: &MessagePattern, data: &[u8], came: &Message) -> Result<Fit, EncodeError> {
        if came.data != data {
            return Ok(self.other(came));
        }
        let fits = came.binary == pattern.binary && self.attributes_fit(&pattern.attributes, came)?;
        Ok(if fits { Fit::Fits } else { Fit::Not })
    }

    fn attributes_fit(&self, attributes: &[Attribute], message: &Message) -> Result<bool, NoValue> {
        for attribute in attributes {
            let expected = attribute_text(&attribute.value, self.scope);
            if attribute.key == "above" {
                // Where no message before had an id there is nothing to be above of.
                if expected.is_ok_and(|other| is_below(message.id.as_deref(), &other)) {
                    return Ok(false);
                }
                continue;
            }
            let expected = expected?;
            let came = if attribute.key == "id" { message.id.as_deref() } else { message.event.as_deref() };
            if came != Some(expected.as_str()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn frame_fit(&self, pattern: &FrameParts, came: &Item) -> Fit {
        match came {
            Item::Frame(frame) if frame_equals(pattern, frame) => Fit::Fits,
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Fit::Not,
            // A pong may come before or after the reply to a message: control frames are an order of their own.
            Item::Frame(_) if Opcode(pattern.opcode).is_control() => Fit::Passes,
            Item::Frame(frame) => self.other_data(&frame.unmasked_payload()),
            Item::Message(message) if pattern.opcode == Opcode::CLOSE.0 => self.other(message),
            Item::Message(_) | Item::Comment => Fit::Passes,
            _ => Fit::Not,
        }
    }
}

/// Whether what is no message may come before one.
fn no_message_fit(came: &Item) -> Fit {
    match came {
        Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Fit::Not,
        Item::Frame(_) | Item::Comment => Fit::Passes,
        _ => Fit::Not,
    }
}

/// Whether an id is a number, and not above another one. What is no number has no order that a client could know.
fn is_below(id: Option<&str>, other: &str) -> bool {
    let number = |text: &str| text.parse::<u128>().ok();
    id.and_then(number).zip(number(other)).is_some_and(|(id, other)| id <= other)
}
