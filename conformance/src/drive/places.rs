//! Who may be active, and how much may be open. A case that only waits holds no place.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, oneshot, watch};

use super::counts::{Count, Counts, One};
use super::heavy::Turn;

/// How long nothing may come, as the suite waits for something, until a case gives its place away.
const QUIET: Duration = Duration::from_millis(100);

/// The same where the server is known to be late with every answer: nothing comes so soon.
const QUIET_IF_LATE: Duration = Duration::from_millis(20);

/// How long nothing may come until a case is taken to wait in vain.
pub(super) const LONG: Duration = Duration::from_secs(4);

/// Bounds what goes on at once.
#[derive(Debug)]
pub(super) struct Places {
    first: Lane,
    /// The same for cases that are run again.
    again: Lane,
    open: Semaphore,
    /// How many connections may be open.
    most_open: usize,
    /// How long nothing may come until a case gives its place away.
    quiet: Duration,
    /// How many cases have yet to begin, are active, and run.
    pub(super) counts: Counts,
}

/// Tells that a case waits for long, and how long it will have taken when the time is over in which something may come.
#[derive(Debug)]
pub(super) struct Vain(watch::Sender<Option<Duration>>);

impl Default for Vain {
    fn default() -> Vain {
        Vain(watch::Sender::new(None))
    }
}

impl Vain {
    /// Waits until the case waits for long.
    pub(super) async fn told(&self) -> Duration {
        match self.0.subscribe().wait_for(Option::is_some).await.map(|took| *took) {
            Ok(Some(took)) => took,
            // This holds the sender.
            _ => std::future::pending().await,
        }
    }
}

/// The cases that are active at once, and the door through which others come in.
#[derive(Debug)]
struct Lane {
    active: Semaphore,
    /// One case at a time waits for its place in front of those that had one already.
    door: Door,
}

impl Lane {
    fn new(jobs: usize) -> Lane {
        Lane { active: Semaphore::new(jobs.max(1)), door: Door::default() }
    }
}

/// Lets one case through at a time: of those that wait, the first in the order of the run, whichever was the first to come.
#[derive(Debug, Default)]
struct Door(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    /// Those that wait, by their numbers in the order of the run.
    waiting: BTreeMap<(usize, usize), oneshot::Sender<()>>,
    /// How many have waited. Of two with the same number the first to come is the first.
    waited: usize,
}

impl Door {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody is in the door, nor ahead.
    async fn enter(&self, number: usize) -> InDoor<'_> {
        let turn = {
            let mut queue = self.queue();
            if queue.is_taken {
                let (call, turn) = oneshot::channel();
                queue.waited += 1;
                let waited = queue.waited;
                queue.waiting.insert((number, waited), call);
                Some(turn)
            } else {
                queue.is_taken = true;
                None
            }
        };
        if let Some(turn) = turn {
            let mut waiting = Waiting { door: self, turn };
            // The one that leaves calls all that wait.
            let _ = (&mut waiting.turn).await;
        }
        InDoor(self)
    }
}

/// One that waits at the door.
struct Waiting<'a> {
    door: &'a Door,
    turn: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // It was called, and has given up before it heard that: the door is left to the next one.
        if self.turn.try_recv().is_ok() {
            drop(InDoor(self.door));
        }
    }
}

/// The one in the door. The next one is called when this is dropped.
struct InDoor<'a>(&'a Door);

impl Drop for InDoor<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        while let Some((_, next)) = queue.waiting.pop_first() {
            // One that has given up does not hear it.
            if next.send(()).is_ok() {
                return;
            }
        }
        queue.is_taken = false;
    }
}

impl Places {
    /// Places for so many active cases, of which so many may be active as are run again, and for so many connections.
    /// `is_late` says that the server takes long for every answer.
    pub(super) fn new(jobs: usize, again: usize, most_open: usize, is_late: bool) -> Places {
        let most_open = most_open.clamp(1, Semaphore::MAX_PERMITS);
        let (first, again) = (Lane::new(jobs), Lane::new(again));
        let open = Semaphore::new(most_open);
        let quiet = if is_late { QUIET_IF_LATE } else { QUIET };
        Places { first, again, open, most_open, quiet, counts: Counts::default() }
    }

    /// How many connections may be open.
    pub(super) fn most_open(&self) -> usize {
        self.most_open
    }

    /// One of those that were expected, with its number in the order of the run; it has begun, or never will, when this is
    /// dropped.
    pub(super) fn coming(&self, number: usize, is_heavy: bool) -> Coming<'_> {
        Coming { _one: self.counts.to_begin(is_heavy).expected(), number }
    }

    /// One more that is expected by now, with its number.
    pub(super) fn coming_after_all(&self, number: usize, is_heavy: bool) -> Coming<'_> {
        Coming { _one: self.counts.to_begin(is_heavy).one(), number }
    }

    /// Waits until a case may begin that has so many connections at most: `number` says which of those that wait is first.
    /// What is waited for in vain is never given: the semaphores are not closed.
    pub(super) async fn enter(
        &self,
        number: usize,
        connections: usize,
        is_again: bool,
        is_heavy: bool,
    ) -> Place<'_> {
        let count = (!is_heavy).then_some(&self.counts.active);
        let counted = count.map(Count::one);
        let running = (!is_heavy).then(|| self.counts.running.one());
        let lane = if is_again { &self.again } else { &self.first };
        let _door = lane.door.enter(number).await;
        let connections = u32::try_from(connections.min(self.most_open)).unwrap_or(u32::MAX);
        let open = self.open.acquire_many(connections).await.ok();
        let permit = lane.active.acquire().await.ok();
        Place {
            active: &lane.active,
            quiet: self.quiet,
            permit,
            _open: open,
            _running: running,
            count,
            counted,
            turn: None,
            vain: None,
        }
    }
}

/// A case that is to begin.
pub(super) struct Coming<'a> {
    _one: One<'a>,
    /// Its number in the order of the run.
    pub(super) number: usize,
}

/// The place of a case that has begun.
#[derive(Debug)]
pub(super) struct Place<'a> {
    active: &'a Semaphore,
    /// How long nothing may come until it gives the place away.
    pub(super) quiet: Duration,
    permit: Option<SemaphorePermit<'a>>,
    _open: Option<SemaphorePermit<'a>>,
    _running: Option<One<'a>>,
    /// Where it is counted as long as it is active.
    count: Option<&'a Count>,
    counted: Option<One<'a>>,
    /// Its turn among those that keep the server busy, where it is one.
    pub(super) turn: Option<Turn<'a>>,
    /// Who hears of it where the case waits for long.
    pub(super) vain: Option<&'a Vain>,
}

impl Place<'_> {
    /// Whether the case is active.
    pub(super) fn is_held(&self) -> bool {
        self.permit.is_some()
    }

    /// Gives the place away: the case only waits.
    pub(super) fn park(&mut self) {
        self.permit = None;
        self.counted = None;
    }

    /// The case waits for long. It will have taken so long when the time is over in which something may come.
    pub(super) fn waits_in_vain(&mut self, took: Duration) {
        if let Some(vain) = self.vain.take() {
            vain.0.send_replace(Some(took));
        }
    }

    /// Waits for a place again. Only one of those that have not begun is ahead.
    pub(super) async fn take(&mut self) {
        if self.permit.is_none() {
            self.counted = self.count.map(Count::one);
            self.permit = self.active.acquire().await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What a future comes to at once.
    fn is_ready<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_case_that_waits_holds_no_place_and_its_connections() {
        let places = Places::new(1, 1, 3, false);
        let mut first = is_ready(places.enter(0, 2, false, false)).expect("there is room");
        assert!(is_ready(places.enter(0, 1, false, false)).is_none(), "the place is taken");
        first.park();
        let mut second = is_ready(places.enter(0, 1, false, false)).expect("the place was given away");
        assert!(is_ready(first.take()).is_none(), "the place is taken");
        second.park();
        assert!(is_ready(places.enter(0, 1, false, false)).is_none(), "three connections are open");
        is_ready(first.take()).expect("the place is free");
        assert!(first.is_held() && !second.is_held());
        drop(first);
        assert!(is_ready(places.enter(0, 2, false, false)).is_some());
    }

    #[test]
    fn a_place_is_given_away_sooner_where_every_answer_is_late() {
        let quiet = |is_late| {
            let places = Places::new(1, 1, 1, is_late);
            is_ready(places.enter(0, 1, false, false)).expect("there is room").quiet
        };
        assert!(quiet(true) < quiet(false));
    }

    #[test]
    fn one_that_comes_after_all_is_waited_for_again() {
        let places = Places::new(1, 1, 1, false);
        places.counts.light.expect(1);
        drop(places.coming(7, false));
        assert!(is_ready(places.counts.light.none()).is_some());
        let coming = places.coming_after_all(7, false);
        assert!(is_ready(places.counts.light.none()).is_none() && coming.number == 7);
        drop(coming);
        assert!(is_ready(places.counts.light.none()).is_some());
    }

    #[test]
    fn a_case_with_more_connections_than_may_be_open_has_them_to_itself() {
        let places = Places::new(4, 4, 2, false);
        let all = is_ready(places.enter(0, 100, false, false)).expect("nothing is open");
        assert!(is_ready(places.enter(0, 1, true, false)).is_none());
        drop(all);
        assert!(is_ready(places.enter(0, 1, true, false)).is_some());
    }

    #[test]
    fn it_is_quiet_when_all_light_cases_have_begun_and_only_wait() {
        let places = Places::new(4, 4, 4, false);
        let is_quiet = || is_ready(places.counts.lull()).is_some();
        let is_empty = || is_ready(places.counts.empty()).is_some();
        assert!(is_quiet() && is_empty());
        places.counts.light.expect(1);
        places.counts.heavy.expect(1);
        assert!(!is_quiet() && is_empty(), "one has yet to begin");
        let coming = places.coming(0, false);
        let mut light = is_ready(places.enter(0, 1, false, false)).expect("there is room");
        drop(coming);
        assert!(!is_quiet() && !is_empty(), "it is active");
        light.park();
        assert!(is_quiet() && !is_empty(), "it waits");
        let heavy = is_ready(places.enter(0, 1, false, true)).expect("there is room");
        assert!(is_quiet(), "the heavy ones are not counted");
        is_ready(light.take()).expect("there is room");
        assert!(!is_quiet());
        drop((light, heavy));
        assert!(is_quiet() && is_empty());
        assert!(is_ready(places.counts.heavy.none()).is_none());
        drop(places.coming(0, true));
        assert!(is_ready(places.counts.heavy.none()).is_some());
    }

    #[test]
    fn it_is_told_once_that_a_case_waits_for_long() {
        let places = Places::new(1, 1, 1, false);
        let vain = Vain::default();
        let mut place = is_ready(places.enter(0, 1, false, false)).expect("there is room");
        place.vain = Some(&vain);
        assert!(is_ready(vain.told()).is_none());
        place.waits_in_vain(Duration::from_secs(8));
        assert!(place.vain.is_none());
        assert_eq!(is_ready(vain.told()), Some(Duration::from_secs(8)));
    }

    #[test]
    fn the_first_in_the_order_of_the_run_comes_in_first() {
        let places = Places::new(1, 1, 1, false);
        let held = is_ready(places.enter(0, 1, false, false)).expect("nothing is open");
        let (mut at_the_door, mut last, mut first, mut gone) = (
            Box::pin(places.enter(9, 1, false, false)),
            Box::pin(places.enter(7, 1, false, false)),
            Box::pin(places.enter(2, 1, false, false)),
            Box::pin(places.enter(1, 1, false, false)),
        );
        for waits in [&mut at_the_door, &mut last, &mut first, &mut gone] {
            assert!(is_ready(waits.as_mut()).is_none(), "one is open");
        }
        drop((gone, held));
        drop(is_ready(at_the_door.as_mut()).expect("it was in the door already"));
        assert!(is_ready(last.as_mut()).is_none(), "it came earlier, and is behind in the order");
        drop(is_ready(first.as_mut()).expect("its turn"));
        assert!(is_ready(last.as_mut()).is_some());
    }

    #[test]
    fn one_that_is_called_and_gives_up_does_not_block_the_door() {
        let places = Places::new(1, 1, 1, false);
        let held = is_ready(places.enter(0, 1, false, false)).expect("nothing is open");
        let [mut at_the_door, mut called, mut next] =
            [9, 1, 2].map(|number| Box::pin(places.enter(number, 1, false, false)));
        for waits in [&mut at_the_door, &mut called, &mut next] {
            assert!(is_ready(waits.as_mut()).is_none(), "one is open");
        }
        drop(held);
        drop(is_ready(at_the_door.as_mut()).expect("it was in the door already"));
        drop(called);
        assert!(is_ready(next.as_mut()).is_some(), "the door is free");
    }
}
