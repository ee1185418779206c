//! Where the parts of a message are within it.

/// JSON pointers from a message to its parts.
#[derive(Debug, Clone, Default)]
pub struct Parts {
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
        [("data", self.data.as_ref()), ("id", self.id.as_ref()), ("event", self.event.as_ref())].into_iter()
    }
}
