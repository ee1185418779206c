//! How much memory may hold what has come: one quota for a whole run, of which each connection has a part.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The quota of a judgement that is told none, in bytes, and among how many connections it is divided.
const DEFAULT: (usize, usize) = (256 * 1024 * 1024, 256);

/// A quota in bytes. Clones are the same one.
///
/// Half of it is divided into equal parts, one for each connection that may be open: so much a connection always has,
/// whatever the others hold. The other half is for those that need more, as long as there is some left.
#[derive(Debug, Clone)]
pub struct Quota(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    /// What each connection has in any case.
    part: usize,
    held: AtomicUsize,
}

impl Default for Quota {
    fn default() -> Quota {
        Quota::new(DEFAULT.0, DEFAULT.1)
    }
}

impl Quota {
    /// A quota of so many bytes for so many connections.
    pub fn new(limit: usize, connections: usize) -> Quota {
        let part = limit / 2 / connections.max(1);
        Quota(Arc::new(Pool { limit, part, held: AtomicUsize::new(0) }))
    }

    /// How many bytes are held by now.
    pub fn held(&self) -> usize {
        self.0.held.load(Relaxed)
    }

    /// The part of one more connection.
    pub(crate) fn part(&self) -> Part {
        Part(Arc::new(Holder { pool: Arc::clone(&self.0), held: AtomicUsize::new(0) }))
    }
}

/// The part of one connection. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Part(Arc<Holder>);

#[derive(Debug)]
struct Holder {
    pool: Arc<Pool>,
    held: AtomicUsize,
}

impl Part {
    /// So many bytes are to be held, until what is given is dropped; `None` where there is no room for them.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        let mut held = Held { part: Some(self.clone()), bytes: 0 };
        held.resize(bytes).then_some(held)
    }

    /// How many bytes the whole quota has.
    pub(crate) fn limit(&self) -> usize {
        self.0.pool.limit
    }

    /// How many bytes more there is room for.
    pub(crate) fn room(&self) -> usize {
        let Holder { pool, held } = &*self.0;
        let own = pool.part.saturating_sub(held.load(Relaxed));
        own.max((pool.limit / 2).saturating_sub(pool.held.load(Relaxed)))
    }

    fn has_room_for(&self, more: usize) -> bool {
        let Holder { pool, held } = &*self.0;
        let own = held.load(Relaxed).saturating_add(more);
        own <= pool.part || pool.held.load(Relaxed).saturating_add(more) <= pool.limit / 2
    }
}

/// Bytes that are held. A copy counts for nothing: it is there for a moment.
#[derive(Debug, Default)]
pub(crate) struct Held {
    part: Option<Part>,
    bytes: usize,
}

impl Held {
    /// From now on it is so many bytes; whether there is room for them. What is held stays the same if not.
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        let Some(part) = &self.part else { return true };
        let Holder { pool, held } = &*part.0;
        // What others hold changes in the meantime: the quota may be exceeded by what is read at once, and no more.
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            if !part.has_room_for(more) {
                return false;
            }
            held.fetch_add(more, Relaxed);
            pool.held.fetch_add(more, Relaxed);
        } else {
            held.fetch_sub(self.bytes - bytes, Relaxed);
            pool.held.fetch_sub(self.bytes - bytes, Relaxed);
        }
        self.bytes = bytes;
        true
    }
}

impl Clone for Held {
    fn clone(&self) -> Held {
        Held::default()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_connection_takes_leaves_the_others_their_parts() {
        let quota = Quota::new(800, 4);
        let (greedy, modest) = (quota.part(), quota.part());
        let most: Vec<Held> = std::iter::from_fn(|| greedy.hold(100)).collect();
        assert_eq!(most.len(), 4);
        let held = modest.hold(100).expect("its part");
        assert!(modest.hold(1).is_none() && modest.room() == 0, "it has its part");
        drop(most);
        assert_eq!(modest.room(), 300);
        assert!(modest.hold(300).is_some());
        drop(held);
        assert_eq!(quota.held(), 0);
    }

    #[test]
    fn what_grows_and_shrinks_is_counted_as_it_is() {
        let quota = Quota::new(100, 1);
        let mut held = quota.part().hold(10).expect("room");
        assert!(held.resize(50) && quota.held() == 50);
        assert!(!held.resize(51) && quota.held() == 50);
        assert!(held.resize(5) && quota.held() == 5);
        let copy = held.clone();
        drop(held);
        assert_eq!(quota.held(), 0);
        drop(copy);
        assert_eq!(quota.held(), 0);
    }
}
