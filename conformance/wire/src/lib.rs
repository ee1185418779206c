//! Lossless scanners and encoders for what server push puts on the wire.
#![no_std]
