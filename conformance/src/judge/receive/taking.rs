//! What a step takes from what has come on a connection.

use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::statement::ExpectItem;

use super::connection::Connection;
use super::end::Ended;
use super::item::{Arrival, Item};
use super::side::Side;

impl Connection {
    /// Whether an end has come, or what stands for one.
    pub(crate) fn has_ended(&self) -> bool {
        self.arrivals.iter().any(|arrival| arrival.item.is_end())
    }

    /// Whether the connection, or an answer on it, has ended, and no message is among what waits.
    pub(crate) fn has_ended_without_news(&self) -> bool {
        self.has_ended() && !self.arrivals.iter().any(|arrival| matches!(arrival.item, Item::Message(_)))
    }

    /// Whether the suite has sent a close frame that ends the connection in order.
    pub(crate) fn has_closed_in_order(&self) -> bool {
        self.sent.has_closed_in_order()
    }

    /// Takes an arrival. What came before it is passed, but for control frames, which stay for a step that asks for them.
    pub(crate) fn take(&mut self, index: usize) -> Option<Arrival> {
        let arrival = self.arrivals.remove(index)?;
        let mut at = 0;
        self.arrivals.retain(|arrival| {
            at += 1;
            at > index || matches!(&arrival.item, Item::Frame(frame) if frame.opcode.is_control())
        });
        // A client speaks to this case alone, and then the message is none that was passed over.
        let completes =
            |frame: &Frame| frame.fin && !frame.opcode.is_control() && !frame.opcode.is_reserved();
        let is_last = matches!(&arrival.item, Item::Frame(frame) if completes(frame));
        if is_last && self.side() == Side::Server {
            let message = self.arrivals.iter().position(|arrival| matches!(arrival.item, Item::Message(_)));
            message.and_then(|index| self.arrivals.remove(index));
        }
        self.ended = match &arrival.item {
            Item::End => Ended::With(ExpectItem::End),
            Item::Eof => Ended::With(ExpectItem::Eof),
            Item::Reset => Ended::With(ExpectItem::Reset),
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Ended::Speech,
            _ => Ended::Nothing,
        };
        Some(arrival)
    }
}
