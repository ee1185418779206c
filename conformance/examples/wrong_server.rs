//! Serves echoes as tutorials do, at port 4100: `cargo run --example wrong_server`, with `silent` one that says
//! nothing, and with `late` one that is two seconds late with everything. It is there to be judged: `pushspec run ws://127.0.0.1:4100/ --echo`.

#[path = "../tests/servers/mod.rs"]
mod servers;

use servers::Habit;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let habit = match std::env::args().nth(1).as_deref() {
        Some("silent") => Habit::Silent,
        Some("late") => Habit::Late,
        _ => Habit::Tutorial,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4100").await?;
    servers::serve(std::sync::Arc::new(listener), habit).await;
    Ok(())
}
