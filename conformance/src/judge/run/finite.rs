//! Event streams that end when the response is complete, by `finite` and `done` of the profile.

use std::time::Duration;

use crate::judge::receive::connection::Connection;
use crate::judge::receive::item::Item;
use crate::judge::verdict::invariant::Invariant;
use crate::profile::event_stream::EventStream;
use crate::transcript::shown::shown;

/// What the profile says of the end of a stream and the stream does not do. That it breaks off within an event is for an
/// invariant to say, and then nothing is said of what should have been last.
pub(super) fn untrue(profile: &EventStream, connection: &Connection, window: Duration) -> Option<String> {
    if !connection.has_ended() {
        return Some(format!(
            "`finite` of the profile does not hold: expected the end of the stream within {window:?}, received none"
        ));
    }
    let done = profile.done.as_ref()?;
    let cut = [Invariant::EventStreamBoundary, Invariant::EventStreamLastEvent, Invariant::BodiesWhole];
    if connection.watch.breaches.iter().any(|breach| cut.contains(&breach.invariant)) {
        return None;
    }
    let last = connection.arrivals.iter().rev().find_map(|arrival| match &arrival.item {
        Item::Message(message) => Some(&message.data),
        Item::Foreign(text) => Some(text),
        _ => None,
    });
    let received = match last {
        Some(last) if last == done.as_bytes() => return None,
        Some(last) => shown(last),
        None => "no event".to_owned(),
    };
    let expected = shown(done.as_bytes());
    Some(format!(
        "`done` of the profile does not hold: expected {expected} as the last event, received {received}"
    ))
}
