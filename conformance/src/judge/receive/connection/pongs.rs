//! The pongs that a client owes a server.

use crate::judge::receive::side::Side;

use super::Connection;

/// How many pings of a server are answered on a connection.
const MAX_PONGS: usize = 256;

impl Connection {
    /// How many writes of the case are under way.
    pub(crate) fn unwritten(&self) -> usize {
        self.writes.iter().filter(|is_of_the_case| **is_of_the_case).count()
    }

    /// The payload of the pong that a client owes (RFC 6455 section 5.5.2), where it can send one: between two frames, before
    /// it has closed. A pong answers the latest ping (section 5.5.3).
    pub(crate) fn take_owed_pong(&mut self) -> Option<Vec<u8>> {
        let latest = std::mem::take(&mut self.pings).pop()?;
        let may = self.side == Side::Client
            && self.sent.is_between_frames()
            && !self.half_closed
            && !self.has_ended()
            && self.answered_pings < MAX_PONGS
            && latest.len() <= 125;
        self.answered_pings += usize::from(may);
        may.then_some(latest)
    }
}
