//! Connections of WebSockets that do not end behind the closing handshake, and the clause that this breaks: it is not the one
//! that the case is about, as nothing came that it rules out.

use crate::judge::receive::item::Item;

use super::machine::Machine;
use super::plan::Step;

/// The clause about close frames that are answered (RFC 6455 section 5.5.1).
const ANSWERED: &str = "rfc6455/5.5.1/close-answered";

/// The clause about connections that end when both sides have closed.
const ENDED: &str = "rfc6455/5.5.1/connection-closed";

impl Machine {
    /// The clause that is broken where the end of a connection does not come on which the suite has closed in order. `came` is
    /// what came in its stead.
    pub(super) fn unended(&self, step: &Step, came: Option<&Item>) -> Option<&'static str> {
        let is_the_end = step.kind.expects_end_alone() && !self.subject.names_a_clause(step.line);
        let name = step.kind.expects_on().filter(|_| is_the_end && came.is_none())?;
        let connection = self.connections.of(self.connections.id(name)?);
        let clause = if connection.has_close_come() { ENDED } else { ANSWERED };
        connection.has_closed_in_order().then_some(clause)
    }
}
