//! Long polling: `GET /long-polling/{channel}?after={cursor}[&hold={duration}]` answers as polling does, but a request
//! that finds no news is held until there is some, or until the hold is over (RFC 6202, section 2).
//!
//! Not a byte of the answer leaves before it is complete, so that its fields cannot be stored, and the client sees
//! one message of known length. An answer without news has the same cursor and no messages. Nothing is lost between
//! two polls, because a poll reads what the channel retains after its cursor, whenever that was published. A HEAD
//! request is never held: it tells what GET would answer now.

use std::time::Duration;

use hyper::{Method, Request, StatusCode, header::CACHE_CONTROL};

use crate::{
    application::Application,
    hub::{Batch, ChannelName, Start},
    pieces::{self, poll},
    query::Query,
    response::{self, Answer, NOT_STORED, Refusal},
};

pub(crate) async fn answer<B>(
    application: &Application,
    name: &ChannelName,
    request: &Request<B>,
) -> Result<Answer, Refusal> {
    let query = Query::parse(request.uri().query())?;
    let after = query.cursor("after")?.unwrap_or(0);
    let longest = application.config.hold;
    let hold = query.duration("hold")?.map_or(longest, |hold| hold.min(longest));

    let batch = if request.method() == Method::HEAD {
        application.hub.retained(name, after)
    } else {
        wait(application, name, after, hold).await?
    };
    let mut answer =
        response::answer(StatusCode::OK, "application/json", pieces::measured(|| poll(batch.clone())));
    answer.headers_mut().insert(CACHE_CONTROL, NOT_STORED);
    Ok(answer)
}

async fn wait(
    application: &Application,
    name: &ChannelName,
    after: u64,
    hold: Duration,
) -> Result<Batch, Refusal> {
    let mut subscription = application.hub.subscribe(name, &Start::After(after))?;
    let batch = tokio::select! {
        biased;
        batch = subscription.next() => Some(batch),
        () = tokio::time::sleep(hold) => None,
        () = application.closing.cancelled() => None,
    };
    Ok(batch.unwrap_or_else(|| subscription.ready()))
}
