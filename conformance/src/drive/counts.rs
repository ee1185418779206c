//! How many cases of a run have yet to begin, are active, and run: when the light ones do nothing but wait.

use tokio::sync::watch;

/// How many cases there are of each kind. Those that keep the server busy are heavy, and the others light.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Those that have yet to begin for the first time.
    pub(super) heavy: Count,
    pub(super) light: Count,
    /// The light ones that are active, or wait for a place.
    pub(super) active: Count,
    /// The light ones that have a place, or wait for one, and are not through.
    pub(super) running: Count,
}

impl Counts {
    /// Those of a kind that have yet to begin.
    pub(super) fn to_begin(&self, is_heavy: bool) -> &Count {
        if is_heavy { &self.heavy } else { &self.light }
    }

    /// Waits until all light cases have begun, and do nothing but wait.
    pub(super) async fn lull(&self) {
        loop {
            self.light.none().await;
            self.active.none().await;
            if self.light.is_none() && self.active.is_none() {
                return;
            }
        }
    }

    /// Waits until no light case is running.
    pub(super) async fn empty(&self) {
        self.running.none().await;
    }
}

/// How many there are of something.
#[derive(Debug)]
pub(super) struct Count(watch::Sender<usize>);

impl Default for Count {
    fn default() -> Count {
        Count(watch::Sender::new(0))
    }
}

impl Count {
    /// There are so many more.
    pub(super) fn expect(&self, more: usize) {
        self.0.send_modify(|count| *count += more);
    }

    /// Waits until there is none left.
    pub(super) async fn none(&self) {
        // This holds the sender.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }

    fn is_none(&self) -> bool {
        *self.0.borrow() == 0
    }

    /// One more, until this is dropped.
    pub(super) fn one(&self) -> One<'_> {
        self.expect(1);
        One(self)
    }

    /// One of those that were expected, until this is dropped.
    pub(super) fn expected(&self) -> One<'_> {
        One(self)
    }
}

/// One of those that are counted.
#[derive(Debug)]
pub(super) struct One<'a>(&'a Count);

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
