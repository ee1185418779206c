//! What a process costs: wall time, time of the processor, peak memory. Linux.

use std::error::Error;
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

/// How long a process may take until it is ended.
const LONGEST: Duration = Duration::from_secs(300);

/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The clock ticks of a second, by which Linux counts the time of the processor.
const TICKS: f64 = 100.0;

/// What a process came to.
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    /// In seconds.
    pub(crate) processor: f64,
    /// In kB.
    pub(crate) peak: u64,
    /// The code, or nothing where a signal ended it.
    pub(crate) code: Option<i32>,
}

/// Looks at a process until it ends.
pub(crate) async fn watch(mut child: Child) -> Result<Measured, Box<dyn Error>> {
    let start = Instant::now();
    let (mut peak, mut processor) = (0, 0.0);
    loop {
        peak = peak_memory(child.id()).unwrap_or(peak);
        processor = processor_time(child.id()).unwrap_or(processor);
        if let Some(status) = child.try_wait()? {
            return Ok(Measured { wall: start.elapsed(), processor, peak, code: status.code() });
        }
        if start.elapsed() > LONGEST {
            child.kill()?;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The high-water mark of the resident set, in kB.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The time of the processor, in seconds, that a process has taken.
fn processor_time(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may have spaces in it; what follows has none.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
    Some(ticks / TICKS)
}
