//! What all scanners promise, by random inputs and random cuts, and what each of them says, by tables and examples.

mod chunked;
mod deflate;
mod event_stream;
mod http1;
mod interpreter;
mod promises;
mod utf8;
mod websocket;
mod work;
