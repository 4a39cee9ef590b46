//! The number of requests in the current second, in the shared data of all filters with one vm.id.
//!
//! The value has two numbers: the requests, and the time of the first request in nanoseconds since
//! 1970. Each write names the version of the last read, and fails if another thread was faster.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

const KEY: &str = "requests";

/// The length of a window.
pub const WINDOW: Duration = Duration::from_secs(1);

/// How often to try again when another thread has been faster.
const TRIES: usize = 100;

/// A count, with the version of the shared data.
pub struct Window {
    pub requests: u64,
    began: u64,           // in nanoseconds since 1970
    version: Option<u32>, // none: nobody has counted yet
}

impl Window {
    pub fn read() -> Result<Window, Status> {
        let (value, version) = hostcalls::get_shared_data(KEY)?;
        let text = String::from_utf8(value.unwrap_or_default()).unwrap_or_default();
        let mut numbers = text.split(' ').map(|number| number.parse().unwrap_or(0));
        Ok(Window {
            requests: numbers.next().unwrap_or(0),
            began: numbers.next().unwrap_or(0),
            version,
        })
    }

    /// Writes a count that began at a time, unless another thread has written since the read.
    fn write(&self, requests: u64, began: u64) -> Result<(), Status> {
        let value = format!("{requests} {began}");
        hostcalls::set_shared_data(KEY, Some(value.as_bytes()), self.version)
    }
}

/// Adds a request.
pub fn count() -> Result<(), Status> {
    again(|window, now| match window.requests {
        0 => window.write(1, now),
        requests => window.write(requests + 1, window.began),
    })
}

/// Begins a new window if the second is over. Each worker thread tries on each tick.
pub fn renew() -> Result<(), Status> {
    again(|window, now| {
        if window.requests == 0 || now < window.began + WINDOW.as_nanos() as u64 {
            return Ok(());
        }
        window.write(0, now)
    })
}

/// Reads the window and lets write change it, until no other thread comes in between.
fn again(write: impl Fn(&Window, u64) -> Result<(), Status>) -> Result<(), Status> {
    let now = hostcalls::get_current_time()?;
    let now = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos() as u64;
    for _ in 0..TRIES {
        match write(&Window::read()?, now) {
            Err(Status::CasMismatch) => {}
            result => return result,
        }
    }
    Err(Status::CasMismatch)
}
