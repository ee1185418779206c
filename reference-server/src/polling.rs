//! Polling: `GET /polling/{channel}[?after={cursor}]` answers at once with the messages that the channel retains after
//! a cursor, and with the cursor for the next poll.
//!
//! ```json
//! {"cursor":2,"messages":[{"id":"1","event":null,"data":"one"},{"id":"7","event":"tick","data":"two"}]}
//! ```
//!
//! The answer can be stored and is validated before each use, so a poll without news costs a 304. Without a cursor,
//! or with one that the channel has not reached, it has everything that is retained.

use hyper::Request;

use crate::{
    application::Application,
    conditional::{self, Content},
    hub::ChannelName,
    pieces::poll,
    query::Query,
    response::{Answer, Refusal},
};

pub(crate) fn answer<B>(
    application: &Application,
    name: &ChannelName,
    request: &Request<B>,
) -> Result<Answer, Refusal> {
    let after = Query::parse(request.uri().query())?.cursor("after")?.unwrap_or(0);
    let batch = application.hub.retained(name, after);
    conditional::answer(request.headers(), "application/json", Content::made(|| poll(batch.clone())))
}
