//! An HTTP filter that refuses requests beyond a number in a second. The filter rate_count, a
//! module of its own with the same vm.id, stands before this filter and counts the requests.

#[path = "../../rate_count/src/window.rs"]
#[allow(dead_code)] // this filter only reads
mod window;

use log::error;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// The configured filter.
#[derive(Default)]
struct Root {
    limit: u64,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        match String::from_utf8_lossy(&text).trim().parse() {
            Ok(limit) => self.limit = limit,
            Err(_) => {
                error!("rate_limit: the configuration has to be a number: requests in a second");
                return false;
            }
        }
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request { limit: self.limit }))
    }
}

/// One request.
struct Request {
    limit: u64,
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match window::Window::read() {
            Ok(window) if window.requests <= self.limit => Action::Continue,
            Ok(_) => {
                let headers = vec![("retry-after", "1")];
                self.send_http_response(429, headers, Some(b"Too many requests.\n"));
                Action::Pause
            }
            Err(status) => {
                error!("rate_limit: cannot read the count: {status:?}");
                Action::Continue
            }
        }
    }
}
