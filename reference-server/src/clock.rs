//! The clock: a channel of the server's own that ticks every second.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, Unit};
use tracing::warn;

use crate::{
    application::Application,
    hub::{ChannelName, Draft, HubError, Start},
};

/// The name of the channel. Nobody else can publish to it.
pub(crate) const CHANNEL: &str = "clock";

/// Publishes the time, such as `2026-01-31T12:00:00Z`, at each full second until the server shuts down.
pub(crate) async fn run(application: Arc<Application>) {
    let Ok(name) = CHANNEL.parse::<ChannelName>() else { return };
    // Its own subscriber, so that the channel is never idle and forgotten.
    let _kept = application.hub.subscribe(&name, &Start::Now);
    loop {
        tokio::select! {
            () = application.closing.cancelled() => return,
            () = tokio::time::sleep(until_next_second()) => {}
        }
        if let Err(error) = tick(&application, &name) {
            warn!(%error, "the clock stands still");
        }
    }
}

fn tick(application: &Application, name: &ChannelName) -> Result<(), HubError> {
    // A timer can be a little early. Rounding to the nearest second names the one that was meant.
    let now = Timestamp::now();
    let second = now.round(Unit::Second).unwrap_or(now);
    application
        .hub
        .publish(name, Draft { data: second.to_string(), event: None, id: None, comment: None })?;
    Ok(())
}

fn until_next_second() -> Duration {
    let fraction = Duration::from_nanos(u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()));
    // Woken a little early, the next second would be this one again.
    let rest = Duration::from_secs(1).saturating_sub(fraction);
    if rest < Duration::from_millis(10) { rest + Duration::from_secs(1) } else { rest }
}
