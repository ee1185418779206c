//! What is on the page and rarely looked at: kept small, and drawn by a script when it is asked for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

use super::ladder::Ladder;

/// How many bytes of ladders stand on the page as they are; a page that is larger is slow to open.
const PLAIN: usize = 3 * 1024 * 1024;

/// How hard it is tried to make the pack small: a run is not to wait for it.
const EFFORT: u8 = 9;

/// The ladders that stand elsewhere, by the id of their case.
#[derive(Default)]
pub(super) struct Packed {
    ladders: BTreeMap<String, Ladder>,
    plain: usize,
}

impl Packed {
    /// The ladder of a case: as it is where it matters and there is room, and otherwise nothing, for a script finds it in the
    /// pack.
    pub(super) fn place(&mut self, id: &str, ladder: Ladder, matters: bool) -> Markup {
        if matters && self.plain <= PLAIN {
            let markup = ladder.markup();
            self.plain += markup.0.len();
            return markup;
        }
        self.ladders.insert(id.to_owned(), ladder);
        html! {}
    }

    /// The pack, for the script: it makes text of all that is in it, and never markup.
    pub(super) fn markup(&self) -> Markup {
        let json = serde_json::to_vec(&self.ladders).unwrap_or_default();
        let deflated = miniz_oxide::deflate::compress_to_vec(&json, EFFORT);
        html! {
            @if !self.ladders.is_empty() {
                script #packed type="application/octet-stream" { (PreEscaped(STANDARD.encode(deflated))) }
            }
        }
    }
}
