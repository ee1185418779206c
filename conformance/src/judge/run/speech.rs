//! What a case says in text messages, in the words of the target: written into `send` of the profile.

use std::collections::BTreeSet;

use pushspec_wire::websocket::{LengthForm, Opcode};

use crate::case::statement::ConnectionName;
use crate::judge::expect::frame::FrameParts;
use crate::profile::websocket::WebSocket;

/// How texts are written on the connections of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speech {
    websocket: Option<WebSocket>,
    /// Where a text has begun and not ended.
    begun: BTreeSet<ConnectionName>,
}

impl Speech {
    pub(crate) fn of(websocket: Option<&WebSocket>) -> Speech {
        Speech { websocket: websocket.filter(|it| it.send.is_some()).cloned(), begun: BTreeSet::new() }
    }

    /// The payload of a frame, and the form of its length. A frame that lies about its length is no message of which a
    /// template could say anything, and stays as it is.
    pub(crate) fn payload(
        &mut self,
        on: &ConnectionName,
        parts: &FrameParts,
    ) -> (Vec<u8>, Option<LengthForm>) {
        let clear = parts.clear_payload();
        let opcode = Opcode(parts.opcode);
        let Some(websocket) =
            self.websocket.as_ref().filter(|_| !opcode.is_control() && parts.length.is_none())
        else {
            return (clear, parts.form);
        };
        let is_first = opcode == Opcode::TEXT;
        let is_text = is_first || (opcode == Opcode::CONTINUATION && self.begun.contains(on));
        if is_text && parts.nofin {
            self.begun.insert(on.clone());
        } else {
            self.begun.remove(on);
        }
        if !is_text {
            return (clear, parts.form);
        }
        let written = websocket.written(&clear, is_first, !parts.nofin);
        let holds = |form: &LengthForm| match form {
            LengthForm::Short => written.len() <= 125,
            LengthForm::Extended16 => u16::try_from(written.len()).is_ok(),
            LengthForm::Extended64 => true,
        };
        let form = parts.form.filter(holds);
        (written, form)
    }
}
