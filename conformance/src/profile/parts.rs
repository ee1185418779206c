//! Where messages are within a text, and the parts of a message within it.

/// From a text to its messages: what is taken off, where the list is, and the JSON pointers to the parts of each.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Whether the text is percent-encoded (RFC 3986 section 2.1), as that of `SockJS` is in an event stream.
    pub percent_encoded: bool,
    /// What stands between the records of a text, or behind each of them; without it the text is one record.
    pub separator: Option<String>,
    /// What stands before the messages of a record. A record without it belongs to others: it is a packet of another type.
    pub prefix: Option<String>,
    /// JSON pointer to the list of messages; without it the record is one message.
    pub messages: Option<String>,
    /// To the data; without it the message itself is the data.
    pub data: Option<String>,
    /// To the id.
    pub id: Option<String>,
    /// To the name of the event.
    pub event: Option<String>,
}

impl Parts {
    /// Each pointer, with its key.
    pub(super) fn pointers(&self) -> impl Iterator<Item = (&'static str, Option<&String>)> {
        [
            ("messages", self.messages.as_ref()),
            ("data", self.data.as_ref()),
            ("id", self.id.as_ref()),
            ("event", self.event.as_ref()),
        ]
        .into_iter()
    }

    /// Whether a text is not the message as it stands.
    pub(crate) fn wrap(&self) -> bool {
        self.percent_encoded
            || self.separator.is_some()
            || self.prefix.is_some()
            || self.messages.is_some()
            || self.data.is_some()
    }
}
