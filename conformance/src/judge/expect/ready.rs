//! Expectations that are made ready once for all that comes: the text of one may be a megabyte, and a server may flood.

use std::cell::OnceCell;

use crate::case::statement::{ExpectItem, FrameItem, MessagePattern};
use crate::case::text::Scope;
use crate::profile::websocket::WebSocket;

use super::frame::{EncodeError, FrameParts};
use super::reply::answer;

/// The items of an expectation.
#[derive(Debug)]
pub(crate) struct Ready<'i>(pub(super) Vec<ReadyItem<'i>>);

/// An item, with what it comes to once something was compared with it.
#[derive(Debug)]
pub(super) struct ReadyItem<'i> {
    pub(super) item: &'i ExpectItem,
    data: OnceCell<Vec<u8>>,
    frame: OnceCell<FrameParts>,
}

impl<'i> Ready<'i> {
    pub(crate) fn of(items: &'i [ExpectItem]) -> Ready<'i> {
        let ready = |item| ReadyItem { item, data: OnceCell::new(), frame: OnceCell::new() };
        Ready(items.iter().map(ready).collect())
    }
}

impl ReadyItem<'_> {
    /// The data of a message.
    pub(super) fn message(&self, pattern: &MessagePattern, scope: &dyn Scope) -> Result<&[u8], EncodeError> {
        if let Some(data) = self.data.get() {
            return Ok(data);
        }
        let data = pattern.data.bytes(scope)?;
        Ok(self.data.get_or_init(|| data))
    }

    /// The data of what the target answers to a message.
    pub(super) fn reply(
        &self,
        pattern: &MessagePattern,
        scope: &dyn Scope,
        websocket: Option<&WebSocket>,
    ) -> Result<&[u8], EncodeError> {
        if let Some(data) = self.data.get() {
            return Ok(data);
        }
        let data = answer(websocket, &pattern.data.bytes(scope)?, pattern.binary);
        Ok(self.data.get_or_init(|| data))
    }

    /// The parts of a frame.
    pub(super) fn frame(&self, pattern: &FrameItem, scope: &dyn Scope) -> Result<&FrameParts, EncodeError> {
        if let Some(parts) = self.frame.get() {
            return Ok(parts);
        }
        let parts = FrameParts::of(pattern, scope)?;
        Ok(self.frame.get_or_init(|| parts))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;

    use super::*;
    use crate::case::text::{Form, Piece, Repeat, Segment, Template, Text};
    use crate::judge::expect::fit::Context;
    use crate::judge::expect::relation::Fit;
    use crate::judge::receive::item::{Arrival, Item};
    use crate::profile::decode::Message;

    /// A scope that counts how often it is asked.
    struct Counting(Cell<usize>);

    impl Scope for Counting {
        fn value(&self, _: &str) -> Option<Vec<u8>> {
            self.0.set(self.0.get() + 1);
            Some(b"a".to_vec())
        }
    }

    #[test]
    fn a_text_is_made_once_however_much_comes() {
        let template = Template { source: "{a}".into(), segments: vec![Segment::Substitution("a".into())] };
        let piece = Piece { form: Form::Quoted, template, repeat: Some(Repeat::Times(1000)) };
        let pattern =
            MessagePattern { binary: false, data: Text { pieces: vec![piece] }, attributes: Vec::new() };
        let scope = Counting(Cell::new(0));
        let own = HashMap::new();
        let context = Context { scope: &scope, own: &own, websocket: None, alone: false };
        let arrival = Arrival::at_the_start;
        let message = |data: &str| {
            arrival(Item::Message(Message { data: data.into(), binary: false, id: None, event: None }))
        };
        for item in [ExpectItem::Message(pattern.clone()), ExpectItem::Reply(pattern)] {
            let items = [item];
            let ready = Ready::of(&items);
            let fit = |came: &Arrival| context.fit(&ready, came).expect("it has a value");
            assert_eq!((fit(&arrival(Item::Comment)), scope.0.get()), (Fit::Passes, 0), "nothing to compare");
            for _ in 0..100 {
                assert_eq!(fit(&message("other")), Fit::Passes);
            }
            assert_eq!(fit(&message(&"a".repeat(1000))), Fit::Fits);
            assert_eq!(scope.0.replace(0), 1);
        }
    }
}
