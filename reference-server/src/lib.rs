//! A server that implements every technique of server push.
