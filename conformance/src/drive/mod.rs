//! The only code with sockets and a clock.

mod again;
mod attempt;
mod breaches;
mod budget;
mod capacity;
mod connection;
mod counts;
mod endpoints;
mod exchange;
mod foundations;
mod founded;
mod heavy;
mod hidden;
mod hunt;
mod keeper;
mod kept;
mod options;
mod places;
mod precondition;
#[cfg(feature = "program")]
pub(crate) mod process;
mod publications;
mod publish;
mod reach;
mod results;
mod route;
mod runner;
pub mod schedule;
mod session;
mod speaker;
mod stream;
#[cfg(feature = "program")]
pub(crate) mod survey;
#[cfg(feature = "tls")]
mod tls;
mod watch;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::judge::{Action, Input, Judgement, Machine};
use crate::transcript::ConnectionId;

pub(crate) use connection::Opened;
#[cfg(feature = "program")]
pub(crate) use endpoints::of_case as endpoint_of;
#[cfg(feature = "program")]
pub(crate) use keeper::Keeper;
use places::{LONG, Place};
pub(crate) use publish::Publisher;
pub(crate) use route::Route;
#[cfg(feature = "program")]
pub(crate) use session::{Opened as OpenedSession, Sessions};
#[cfg(feature = "program")]
pub(crate) use stream::Stream;
use watch::Watch;

/// How many things that happened wait for the judge: a server that floods is read no faster than it is judged.
const BACKLOG: usize = 8;

/// What a machine that is late is given: the time in which what lies in a socket already is read.
const GRACE: Duration = Duration::from_millis(2);

/// Something that happened, stamped where it was seen.
pub(crate) type Happening = (Instant, Input);

/// Runs a case over real sockets. The second value says whether the run ended before the case did.
async fn run(
    mut machine: Machine,
    watch: &Arc<Watch>,
    publisher: &Publisher,
    place: &mut Place<'_>,
) -> (Judgement, bool) {
    let start = Instant::now();
    let mut ended = pin!(watch.ended());
    let (happened, mut happenings) = mpsc::channel::<Happening>(BACKLOG);
    let mut connections: BTreeMap<ConnectionId, Opened> = BTreeMap::new();
    // A publication does not outlive its case.
    let mut publications = JoinSet::new();
    loop {
        let action = machine.next(start.elapsed());
        let is_active = matches!(action, Action::Connect(_) | Action::Write(..) | Action::Publish(_));
        if is_active && !place.is_held() {
            tokio::select! {
                biased;
                () = &mut ended => return (machine.finish(), true),
                () = place.take() => {}
            }
        }
        match action {
            Action::Connect(id) => {
                connections.insert(id, Opened::new(id, Arc::clone(watch), happened.clone()));
            }
            // Such a case is left out before it comes to this.
            Action::Listen(id) => {
                let why = "no client is run yet".to_owned();
                machine.handle(start.elapsed(), Input::Refused(id, why));
            }
            Action::Write(id, pieces) => {
                if let Some(connection) = connections.get(&id) {
                    connection.write(pieces);
                }
            }
            Action::Finish(id) => {
                if let Some(connection) = connections.get(&id) {
                    connection.finish();
                }
            }
            Action::Abort(id) => {
                if let Some(connection) = connections.get(&id) {
                    connection.abort();
                }
            }
            Action::Read(id, reads) => {
                if let Some(connection) = connections.get(&id) {
                    connection.read(reads);
                }
            }
            Action::Close(id) => drop(connections.remove(&id)),
            Action::Publish(request) => {
                let publisher = publisher.clone();
                let happened = happened.clone();
                publications.spawn(async move {
                    let result = publisher.publish(&request).await;
                    let _ = happened.send((Instant::now(), Input::Published(result))).await;
                });
            }
            Action::Wait(until) => tokio::select! {
                biased;
                () = &mut ended => return (machine.finish(), true),
                () = wait(&mut machine, start, until, &mut happenings, place) => {}
            },
            Action::Done => return (machine.finish(), false),
        }
    }
}

/// Waits until something happens, or until a time has come. A case that has nothing to do but to wait gives its place
/// away; what comes is handled without one.
async fn wait(
    machine: &mut Machine,
    start: Instant,
    until: Duration,
    happenings: &mut mpsc::Receiver<Happening>,
    place: &mut Place<'_>,
) {
    // A bound may be far away; the machine asks again.
    let until = start + until.min(Duration::from_secs(3600));
    if machine.pauses() {
        place.park();
    }
    let quiet = Instant::now() + place.quiet;
    if place.is_held() && quiet < until {
        if let Ok(happening) = tokio::time::timeout_at(quiet, happenings.recv()).await {
            if let Some((at, input)) = happening {
                machine.handle(at.saturating_duration_since(start), input);
            }
            return;
        }
        place.park();
    }
    // What keeps the server busy gives its turn away where the server has nothing to do.
    if let Some(turn) = place.turn.as_mut().filter(|_| !machine.pauses() && !machine.is_writing())
        && let Some(silent) = turn.looks_after().map(|silent| Instant::now() + silent)
        && silent < until
    {
        match tokio::time::timeout_at(silent, happenings.recv()).await {
            Ok(Some((at, input))) => machine.handle(at.saturating_duration_since(start), input),
            Ok(None) => {}
            Err(_) => turn.look().await,
        }
        return;
    }
    let long = Instant::now() + LONG;
    let is_long = place.vain.is_some() && !machine.pauses() && long < until;
    let happening = tokio::select! {
        biased;
        happening = happenings.recv() => happening,
        () = tokio::time::sleep_until(long), if is_long => {
            place.waits_in_vain(until - start);
            return;
        }
        () = tokio::time::sleep_until(until) => {
            // On a busy machine the bytes may lie in the socket while this task runs late: a bound is not missed
            // before they were read.
            tokio::time::sleep(GRACE).await;
            happenings.try_recv().ok()
        }
    };
    if let Some((at, input)) = happening {
        machine.handle(at.saturating_duration_since(start), input);
    }
}
