//! The flags that name the paths of a server, in the place of a profile.

use std::collections::BTreeMap;

use clap::Args;

use crate::profile::event_stream::EventStream;
use crate::profile::iframe::Iframe;
use crate::profile::poll::{LongPolling, Polling};
use crate::profile::publish::Publish;
use crate::profile::websocket::WebSocket;
use crate::profile::{Profile, Request};

/// The names of these flags.
pub(super) const FLAGS: [&str; 13] = [
    "polling",
    "long_polling",
    "iframe",
    "sse",
    "websocket",
    "echo",
    "reply",
    "resume",
    "publish",
    "publish_body",
    "method",
    "body",
    "data",
];

/// A server without a profile: where it keeps what.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Instead of a profile")]
pub(super) struct PathArguments {
    /// The path of the polling endpoint
    #[arg(long, value_name = "PATH")]
    pub(super) polling: Option<String>,
    /// The path of the long-polling endpoint
    #[arg(long, value_name = "PATH")]
    pub(super) long_polling: Option<String>,
    /// The path of the iframe stream, with {callback} if the client can choose the callback
    #[arg(long, value_name = "PATH")]
    pub(super) iframe: Option<String>,
    /// The path of the event stream
    #[arg(long, value_name = "PATH")]
    pub(super) sse: Option<String>,
    /// The path of the WebSocket endpoint
    #[arg(long, value_name = "PATH")]
    pub(super) websocket: Option<String>,
    /// States that the WebSocket endpoint sends every message back
    #[arg(long)]
    pub(super) echo: bool,
    /// What the WebSocket endpoint replies to a text message, as in 'got {message}'
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "echo")]
    pub(super) reply: Option<String>,
    /// States that the event stream resumes after Last-Event-ID
    #[arg(long, requires = "sse")]
    pub(super) resume: bool,
    /// The request that makes the server send a message, as in 'POST /publish/{channel}'
    #[arg(long, value_name = "REQUEST")]
    pub(super) publish: Option<String>,
    /// The body of that request; the default is {data}
    #[arg(long, value_name = "TEMPLATE", requires = "publish")]
    pub(super) publish_body: Option<String>,
}

impl PathArguments {
    /// A profile made of these flags; `None` if there is none of them. The path of a `ws://` URL stands for
    /// `--websocket PATH`.
    pub(super) fn profile(&self, of_url: Option<&str>) -> Option<Profile> {
        let PathArguments {
            polling,
            long_polling,
            iframe,
            sse,
            websocket,
            echo,
            reply,
            resume,
            publish,
            publish_body,
        } = self;
        if self.named().next().is_none() && !echo && reply.is_none() && publish.is_none() {
            return None;
        }
        let reply = reply.clone().or_else(|| echo.then(|| "{message}".to_owned()));
        Some(Profile {
            polling: polling.clone().map(Polling::at),
            long_polling: long_polling.clone().map(LongPolling::at),
            iframe: iframe.clone().map(|path| Iframe::at(path, "push.deliver")),
            sse: sse.clone().map(|path| EventStream { path, resume: *resume, ..EventStream::default() }),
            websocket: websocket.as_deref().or(of_url).map(|path| WebSocket {
                path: path.to_owned(),
                binary: *echo,
                reply,
                ..WebSocket::default()
            }),
            publish: publish.clone().map(|request| {
                let body = publish_body.clone().unwrap_or_else(|| "{data}".to_owned());
                Publish { request, body, ..Publish::default() }
            }),
            ..Profile::default()
        })
    }

    /// The flags that name a path, each with its path.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let PathArguments { polling, long_polling, iframe, sse, websocket, .. } = self;
        let flags = [
            ("polling", polling),
            ("long-polling", long_polling),
            ("iframe", iframe),
            ("sse", sse),
            ("websocket", websocket),
        ];
        flags.into_iter().filter_map(|(flag, path)| path.as_ref().map(|path| (flag, path)))
    }
}

/// How these techniques are requested, and where their messages are.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Instead of a profile")]
pub(super) struct ShapeArguments {
    /// The method with which polls and streams are requested; the default is POST with --body, and GET without it
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// The body with which polls and streams are requested, as in '{"stream": true}'
    #[arg(long, value_name = "TEMPLATE")]
    body: Option<String>,
    /// The JSON pointer to the data of a message: from the body of a poll, the data of an event, the argument of a script's
    /// call, or a text message, as in /text
    #[arg(long, value_name = "POINTER")]
    data: Option<String>,
}

impl ShapeArguments {
    /// Each flag that is given, with its value.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let flags = [("method", &self.method), ("body", &self.body), ("data", &self.data)];
        flags.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)))
    }

    /// Puts them into a profile that is made of flags.
    pub(super) fn add_to(&self, profile: &mut Profile) {
        let asked = |request: &mut Request| {
            *request = Request::of(self.method.clone(), None, self.body.clone(), BTreeMap::new());
        };
        let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
        if let Some(poll) = polling {
            asked(&mut poll.request);
            poll.answer.parts.data.clone_from(&self.data);
        }
        if let Some(poll) = long_polling {
            asked(&mut poll.request);
            poll.answer.parts.data.clone_from(&self.data);
        }
        if let Some(iframe) = iframe {
            asked(&mut iframe.request);
            iframe.parts.data.clone_from(&self.data);
        }
        if let Some(sse) = sse {
            asked(&mut sse.request);
            sse.parts.data.clone_from(&self.data);
        }
        if let Some(websocket) = websocket {
            websocket.parts.data.clone_from(&self.data);
        }
    }
}
