//! What the server holds for its peers, in bytes, and the bound of it: however many there are, the memory is that of the
//! bound and of the buffers that every connection has.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A bound. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    held: AtomicUsize,
}

/// Bytes that are held, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    memory: Memory,
    bytes: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Pool { limit, held: AtomicUsize::new(0) }))
    }

    /// Holds nothing so far.
    pub(crate) fn nothing(&self) -> Held {
        Held { memory: self.clone(), bytes: 0 }
    }

    /// Holds so many bytes; `None` where they are too many.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        let mut held = self.nothing();
        held.resize(bytes).then_some(held)
    }
}

impl Held {
    /// Holds so many bytes from now on. Tells whether they are within the bound; what is held stays the same if not.
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        let Pool { limit, held } = &*self.memory.0;
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            if held.fetch_add(more, Relaxed).saturating_add(more) > *limit {
                held.fetch_sub(more, Relaxed);
                return false;
            }
        } else {
            held.fetch_sub(self.bytes - bytes, Relaxed);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// What is held with a message does not make another message of it.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_for_all_together_and_what_is_dropped_is_free_again() {
        let memory = Memory::new(10);
        let mut first = memory.nothing();
        assert!(first.resize(6));
        let second = memory.hold(4);
        assert!(second.is_some() && memory.hold(1).is_none() && !first.resize(7));
        drop(second);
        assert!(first.resize(10) && first.resize(3) && memory.hold(7).is_some());
    }
}
