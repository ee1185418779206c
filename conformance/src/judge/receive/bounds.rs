//! How much is read of what comes on a connection.

use super::connection::Connection;

/// How many bytes a connection may bring beyond a multiple of what the case sent on it or published: where a server has
/// no channels, what other cases publish comes too.
const MAX_UNASKED: usize = 16 * 1024 * 1024;

/// The multiple: an echo, some overhead, and room for whatever a case publishes elsewhere.
const PER_SENT: usize = 4;

/// How many items may lie unread beyond a multiple of the frames that the case sent: a server that floods with the
/// smallest of them is not waited for.
const MAX_ARRIVALS: usize = 4 * 1024;

impl Connection {
    /// How many items may wait.
    pub(super) fn most_arrivals(&self) -> usize {
        MAX_ARRIVALS + PER_SENT * self.sent.frame_count
    }

    /// How many bytes are read.
    pub(super) fn most(&self) -> usize {
        MAX_UNASKED + PER_SENT * self.sent.bytes
    }

    /// Why no more is read of what comes.
    pub(super) fn excess(&self) -> Option<String> {
        let most = self.most_arrivals();
        if self.received > self.most() {
            let received = self.received;
            return Some(format!("{received} bytes came, far more than what the suite sent can ask for"));
        }
        if self.arrivals.len() > most {
            return Some(format!(
                "more than {most} messages, comments and frames came that nobody asked for"
            ));
        }
        self.meter.excess(self.sent.bytes)
    }

    /// Why what came was not kept: there is no room for it, which is no fault of the target.
    pub(crate) fn shortage(&self) -> Option<String> {
        self.meter.shortage()
    }

    /// Whether more came than is read.
    pub(crate) fn is_flooded(&self) -> bool {
        self.meter.is_flooded()
    }
}
