//! An HTTP filter that counts the requests of the current second in shared data. The filter
//! rate_limit, a module of its own with the same vm.id, refuses requests by this count.

mod window;

use log::error;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// The configured filter.
struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        self.set_tick_period(window::WINDOW / 10);
        true
    }

    fn on_tick(&mut self) {
        if let Err(status) = window::renew() {
            error!("rate_count: cannot begin a new second: {status:?}");
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request))
    }
}

/// One request.
struct Request;

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if let Err(status) = window::count() {
            error!("rate_count: cannot count: {status:?}");
        }
        Action::Continue
    }
}
