//! My-filter lets a number of requests pass in a minute, and answers the others with 429. The
//! configuration is the number.

use log::error;
use proxy_wasm::hostcalls::{get_current_time, get_shared_data, set_shared_data};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, Status};
use std::time::UNIX_EPOCH;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin { per_minute: 0 }));
}}

/// The configured filter. Each worker thread of Envoy has a plugin and a VM.
#[derive(Clone)]
struct Plugin {
    per_minute: u64,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Gets `config` of the spec. After `false`, Envoy goes on with the former configuration.
    fn on_configure(&mut self, _size: usize) -> bool {
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        self.per_minute = String::from_utf8_lossy(&configuration).parse().unwrap_or(0);
        if self.per_minute == 0 {
            error!("my-filter: the configuration has to be the number of requests a minute");
        }
        self.per_minute > 0
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(self.clone()))
    }
}

/// A request needs only the configuration. All other callbacks let everything pass.
impl HttpContext for Plugin {
    /// Decides about the request before the upstream gets any of it.
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let now = get_current_time()
            .ok()
            .and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        let wait = take(
            now.map_or(0, |now| now.as_nanos() as u64),
            MINUTE / self.per_minute,
        );
        if wait == 0 {
            return Action::Continue;
        }
        let seconds = ((wait + SECOND - 1) / SECOND).to_string();
        let body = Some(&b"Too many requests.\n"[..]);
        self.send_http_response(429, vec![("retry-after", &seconds)], body);
        Action::Pause // keeps the request from going on
    }
}

const SECOND: u64 = 1_000_000_000; // in nanoseconds
const MINUTE: u64 = 60 * SECOND;

/// Takes a request from the budget, and returns 0, or the time until there is one again. Shared
/// data has one moment for all worker threads: up to there, the budget is spent. A request moves it
/// on by a share of a minute. A write fails if another thread has written since the read.
fn take(now: u64, share: u64) -> u64 {
    loop {
        let (value, version) = get_shared_data("spent").unwrap_or((None, None));
        let known = value
            .and_then(|v| v.try_into().ok())
            .map_or(0, u64::from_le_bytes);
        let spent = known.max(now.saturating_sub(MINUTE)); // after a minute, all of it is there
        if spent + share > now {
            return spent + share - now;
        }
        match set_shared_data("spent", Some(&(spent + share).to_le_bytes()), version) {
            Err(Status::CasMismatch) => continue,
            _ => return 0, // also after another error: a broken limit stops nobody
        }
    }
}
