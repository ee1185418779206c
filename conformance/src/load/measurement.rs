//! What came of a measurement, for people and for programs.

use std::io::{self, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Serialize;

use super::Published;
use super::client::Plan;
use crate::escape::visible;
use crate::transcript::milliseconds;

/// The version of the format: it changes when a reader of the last one would be misled.
pub const SCHEMA: &str = "pushspec-load/1";

/// A measurement. Times are in milliseconds, memory is in bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The URL of the target.
    pub target: String,
    /// By which technique the clients waited.
    pub technique: &'static str,
    /// Whether it was ended before it was done.
    pub interrupted: bool,
    /// How long it took to connect the clients.
    pub opening_ms: f64,
    /// How long it took to publish the messages.
    pub publishing_ms: f64,
    /// The connections.
    pub clients: Clients,
    /// The messages.
    pub messages: Messages,
    /// From the start of publishing to arrival; `null` if nothing arrived.
    pub latency_ms: Option<Latency>,
    /// The target's memory; `null` if its process is not known.
    pub memory: Option<Memory>,
}

/// Connections.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clients {
    /// How many were asked for.
    pub asked: usize,
    /// How many were connected and subscribed at some time.
    pub opened: usize,
    /// How many were so at the end.
    pub held: usize,
    /// Why the others were not.
    pub ended: Vec<Ended>,
}

/// Clients that ended, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ended {
    /// Why.
    pub why: String,
    /// How many.
    pub clients: usize,
}

/// Messages, and their deliveries to clients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Messages {
    /// How many were to be published.
    pub asked: usize,
    /// How many the target accepted.
    pub published: usize,
    /// How many it did not.
    pub failed: usize,
    /// Why the first of these failed.
    pub error: Option<String>,
    /// How many a second were to be published.
    pub rate: f64,
    /// Messages that were accepted, times clients that were connected.
    pub expected: u64,
    /// How many of these arrived.
    pub delivered: u64,
    /// How many did not.
    pub lost: u64,
    /// How many arrived once more. `null` if every answer repeats the one before, so that it cannot be told.
    pub doubled: Option<u64>,
    /// How many arrived behind a later one.
    pub out_of_order: u64,
}

/// Latency in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the deliveries were faster.
    pub p50: f64,
    /// 99 of 100 were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// The resident memory of a process, in bytes. What the system holds for its sockets is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Memory {
    /// The process.
    pub pid: u32,
    /// Before the first client.
    pub before: u64,
    /// With all clients, before the first message.
    pub held: u64,
    /// With all clients, after the last message.
    pub after: u64,
    /// What `held` has more than `before`, for each client.
    pub per_client: u64,
}

impl Memory {
    pub(super) fn new(pid: Option<u32>, sizes: [Option<u64>; 3], clients: usize) -> Option<Memory> {
        let (pid, [Some(before), Some(held), Some(after)]) = (pid?, sizes) else { return None };
        let per_client = held.saturating_sub(before).checked_div(clients as u64).unwrap_or_default();
        Some(Memory { pid, before, held, after, per_client })
    }
}

impl Measurement {
    pub(super) fn new(
        plan: &Plan,
        published: &Published,
        [opening, publishing]: [Duration; 2],
        memory: Option<Memory>,
        interrupted: bool,
    ) -> Measurement {
        let Plan { tally, options, target, .. } = plan;
        let opened = tally.opened.load(Relaxed);
        let ended = tally.reasons().into_iter().map(|(why, clients)| Ended { why, clients }).collect();
        let delivered = tally.delivered();
        let expected = (published.accepted * opened) as u64;
        let latency = tally.latency().map(|times| times.map(milliseconds));
        Measurement {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            target: target.url(),
            technique: options.technique.name(),
            interrupted,
            opening_ms: milliseconds(opening),
            publishing_ms: milliseconds(publishing),
            clients: Clients { asked: options.clients, opened, held: tally.open(), ended },
            messages: Messages {
                asked: options.messages,
                published: published.accepted,
                failed: published.failed,
                error: published.error.clone(),
                rate: options.rate,
                expected,
                delivered,
                lost: expected.saturating_sub(delivered),
                doubled: (!plan.repeats()).then(|| tally.doubled.load(Relaxed)),
                out_of_order: tally.out_of_order.load(Relaxed),
            },
            latency_ms: latency.map(|[p50, p99, max]| Latency { p50, p99, max }),
            memory,
        }
    }

    /// Prints what a person wants to know.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Measurement { clients, messages, .. } = self;
        writeln!(out, "{} at {}", self.technique, self.target)?;
        writeln!(
            out,
            "  connections   {} held, {} opened, {} requested, in {:.1} s",
            clients.held,
            clients.opened,
            clients.asked,
            self.opening_ms / 1000.0
        )?;
        for Ended { why, clients } in &clients.ended {
            writeln!(out, "                {clients} ended: {}", visible(why))?;
        }
        writeln!(
            out,
            "  messages      {} published of {}, in {:.1} s",
            messages.published,
            messages.asked,
            self.publishing_ms / 1000.0
        )?;
        if let Some(error) = &messages.error {
            writeln!(out, "                {} failed: {}", messages.failed, visible(error))?;
        }
        let doubled =
            messages.doubled.map_or_else(|| "doubled unknown".into(), |count| format!("{count} doubled"));
        writeln!(
            out,
            "  deliveries    {} of {}: {} lost, {doubled}, {} out of order",
            messages.delivered, messages.expected, messages.lost, messages.out_of_order
        )?;
        if let Some(Latency { p50, p99, max }) = self.latency_ms {
            writeln!(out, "  latency       p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")?;
        }
        if let Some(memory) = &self.memory {
            memory.print(out)?;
        }
        if self.interrupted {
            writeln!(out, "interrupted: this is the measurement so far")?;
        }
        Ok(())
    }
}

/// What a measurement is to keep to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Thresholds {
    /// At most so many messages are lost, over all clients.
    pub max_lost: Option<u64>,
    /// 99 of 100 messages arrive within this time.
    pub max_p99: Option<Duration>,
}

impl Thresholds {
    /// What a measurement exceeds, a sentence each. What was not published or did not arrive keeps to no threshold.
    pub fn exceeded(&self, measurement: &Measurement) -> Vec<String> {
        let Messages { lost, failed, delivered, .. } = measurement.messages;
        let mut exceeded = Vec::new();
        if let Some(most) = self.max_lost {
            if lost > most {
                exceeded.push(format!("{lost} messages were lost: --max-lost allows {most}"));
            }
            if failed > 0 {
                exceeded.push(format!("{failed} messages could not be published"));
            }
        }
        if let Some(most) = self.max_p99.map(milliseconds) {
            match measurement.latency_ms {
                Some(latency) if latency.p99 > most => {
                    exceeded.push(format!("p99 is {:.1} ms: --max-p99 allows {most:.1} ms", latency.p99));
                }
                Some(_) => {}
                None => exceeded.push(format!("{delivered} messages arrived: there is no p99")),
            }
        }
        exceeded
    }
}

impl Memory {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Memory { pid, before, held, after, per_client } = *self;
        #[expect(clippy::cast_precision_loss, reason = "it is shown to one place")]
        let kibibytes = |bytes: u64| bytes as f64 / 1024.0;
        writeln!(
            out,
            "  memory        {:.1} KiB for each client (process {pid}: {:.1} MiB before, {:.1} MiB with all clients, {:.1} MiB at the end)",
            kibibytes(per_client),
            kibibytes(before) / 1024.0,
            kibibytes(held) / 1024.0,
            kibibytes(after) / 1024.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(lost: u64, p99: Option<f64>) -> Measurement {
        Measurement {
            schema: SCHEMA,
            version: "0",
            target: "http://127.0.0.1:8080".into(),
            technique: "sse",
            interrupted: false,
            opening_ms: 0.0,
            publishing_ms: 0.0,
            clients: Clients { asked: 1, opened: 1, held: 1, ended: Vec::new() },
            messages: Messages {
                asked: 10,
                published: 10,
                failed: 0,
                error: None,
                rate: 1.0,
                expected: 10,
                delivered: 10 - lost,
                lost,
                doubled: Some(0),
                out_of_order: 0,
            },
            latency_ms: p99.map(|p99| Latency { p50: 1.0, p99, max: p99 }),
            memory: None,
        }
    }

    #[test]
    fn a_threshold_is_exceeded_by_more_and_not_by_as_much() {
        let at_most = Thresholds { max_lost: Some(2), max_p99: Some(Duration::from_millis(50)) };
        assert_eq!(at_most.exceeded(&measurement(2, Some(50.0))), Vec::<String>::new());
        assert_eq!(at_most.exceeded(&measurement(3, Some(50.1))).len(), 2);
        assert_eq!(at_most.exceeded(&measurement(10, None)).len(), 2);
        assert_eq!(Thresholds::default().exceeded(&measurement(10, None)), Vec::<String>::new());
    }
}
