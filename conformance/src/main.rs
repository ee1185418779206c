//! The program `pushspec`.
fn main() {}
