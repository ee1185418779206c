//! Faults of what is agreed on (RFC 7692 sections 5 and 7.1).

use super::deviation::Deviation;
use super::offers::{
    Agreement, CLIENT_BITS, CLIENT_CONTEXT, EXTENSIONS, NAME, Offer, SERVER_BITS, SERVER_CONTEXT,
};
use crate::fields::is_named;
use crate::request::Refusal;
use crate::websocket::fault;
use crate::{Edit, Fault};

pub(crate) static FAULTS: &[Fault] = &[
    fault(
        "deflate-parameters-are-passed-over",
        "rfc7692/7.1.2.1/answered",
        "Accepts permessage-deflate whatever parameters are asked for, and has none of them.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.iter().find(|offer| offer.name.eq_ignore_ascii_case(NAME)),
            does: |_agreed| Agreement {
                server_forgets: false,
                client_forgets: false,
                server_bits: None,
                client_bits: None,
            },
            answers: |_offers, _accepted| NAME.to_owned(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-windows-have-two-digits",
        "rfc7692/7.1.2.1/value",
        "Writes a zero in front of a window of one digit.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| {
                accepted.agreement().answer().replace("bits=8", "bits=08").replace("bits=9", "bits=09")
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-hint-is-sent-back",
        "rfc7692/7.1.2.2/value",
        "Answers with the window of the client as the client has offered it, without a number.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| {
                let agreed = Agreement { client_bits: None, ..accepted.agreement() };
                let hint = if accepted.has(CLIENT_BITS) { format!("; {CLIENT_BITS}") } else { String::new() };
                agreed.answer() + &hint
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-asks-for-client-bits",
        "rfc7692/7.1.2.2/client-bits-where-offered",
        "Asks for a window of the client whether it can have one or not.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| Agreement { client_bits: Some(15), ..accepted.agreement() }.answer(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-answers-with-its-own-window",
        "rfc7692/7.1.2.2/within-the-hint",
        "Names the largest window where the client has offered a smaller one.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement { client_bits: None, ..agreed },
            answers: |_offers, accepted| {
                let client_bits = accepted.has(CLIENT_BITS).then_some(15);
                Agreement { client_bits, ..accepted.agreement() }.answer()
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-flags-are-true",
        "rfc7692/7.1.1.1/no-value",
        "Gives a flag the value true.",
        &[Edit::Deflate(&Deviation {
            answers: |_offers, accepted| {
                accepted.agreement().answer().replace(CLIENT_CONTEXT, &format!("{CLIENT_CONTEXT}=true"))
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-without-context-is-declined",
        "rfc7692/7.1.1.1/supported",
        "Cannot do without the context of the messages before, and declines.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.iter().find(|offer| offer.is_acceptable() && !offer.has(SERVER_CONTEXT)),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-context-is-kept-in-silence",
        "rfc7692/7.1.1.1/answered",
        "Does not know that a client can ask it to keep no context, and accepts all the same.",
        &[Edit::Deflate(&Deviation {
            does: |agreed| Agreement { server_forgets: false, ..agreed },
            answers: |_offers, accepted| Agreement { server_forgets: false, ..accepted.agreement() }.answer(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-windows-are-refused",
        "rfc7692/7.1.2.1/unsupported",
        "Refuses an opening handshake that asks for a window of the server.",
        &[Edit::Refusal(|request| {
            let asks = request.field(EXTENSIONS).is_some_and(|offered| offered.contains(SERVER_BITS));
            (request.is_handshake() && asks).then_some(Refusal(400, "Bad Request"))
        })],
    ),
    fault(
        "deflate-answers-each-offer",
        "rfc7692/5/requests-satisfied",
        "Accepts all offers of permessage-deflate, where they are for it to choose from.",
        &[Edit::Deflate(&Deviation {
            answers: |offers, _accepted| {
                let good = offers.iter().filter(|offer| offer.is_acceptable());
                good.map(|offer| offer.agreement().answer()).collect::<Vec<_>>().join(", ")
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-parameters-of-all-are-one-list",
        "rfc7692/5/agreed-parameters",
        "Takes the parameters of the other extensions that are offered for those of this one.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.iter().find(|offer| offer.name == NAME),
            answers: |offers, _accepted| {
                let parameters = offers.iter().flat_map(|offer| offer.parameters.clone()).collect();
                all_of(&Offer { name: NAME.to_owned(), parameters })
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-values-in-quotes-are-passed-over",
        "rfc7692/5.2/quoted-values",
        "Passes over a parameter of permessage-deflate whose value stands in quotes.",
        &[
            Edit::Request(|request| {
                for line in request.head.lines.iter_mut().filter(|line| is_named(line, EXTENSIONS)) {
                    let text = String::from_utf8_lossy(&line.content).into_owned();
                    let parts = text.split(';').filter(|part| !part.contains('"'));
                    line.content = parts.collect::<Vec<_>>().join(";").into_bytes();
                }
            }),
            Edit::Deflate(&Deviation::NONE),
        ],
    ),
    fault(
        "deflate-first-offer-counts",
        "rfc7692/5.2/fallback",
        "Accepts the first of several offers without what it does not understand of it.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.iter().find(|offer| offer.name == NAME),
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-and-frames-of-it",
        "rfc7692/5/one-that-uses-the-bit",
        "Accepts permessage-deflate and the extension that was there before it.",
        &[Edit::Deflate(&Deviation {
            answers: |offers, accepted| {
                let others = offers.iter().filter(|offer| offer.name.ends_with("-frame"));
                let names = others.map(|offer| format!(", {}", offer.name)).collect::<String>();
                accepted.agreement().answer() + &names
            },
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-of-any-name",
        "rfc7692/5/offered-alone",
        "Accepts permessage-deflate where something was offered that compresses, or sounds like it.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.first(),
            answers: |_offers, _accepted| NAME.to_owned(),
            ..Deviation::NONE
        })],
    ),
    fault(
        "declined-compression-is-named",
        "rfc7692/5/declined-not-named",
        "Names an extension that it does not have in its answer.",
        &[Edit::Deflate(&Deviation {
            accepts: |offers| offers.first(),
            answers: |_offers, accepted| all_of(accepted),
            compresses: |_message| false,
            ..Deviation::NONE
        })],
    ),
    fault(
        "deflate-without-an-agreement",
        "rfc7692/5/without-compression",
        "Compresses for all clients, whatever was agreed on.",
        &[Edit::Deflate(&Deviation {
            is_unasked: true,
            compresses: |message| message.payload.len() > 1000,
            ..Deviation::NONE
        })],
    ),
];

/// An offer as it was written, sent back.
fn all_of(offer: &Offer) -> String {
    let mut text = offer.name.clone();
    for (name, value) in &offer.parameters {
        text += &format!("; {name}");
        text += &value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
    }
    text
}
