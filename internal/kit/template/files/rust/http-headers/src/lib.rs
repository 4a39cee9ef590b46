//! My-filter adds the response header `hello` with the configuration as its value, and takes the
//! header `x-powered-by` out.

use log::error;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
}}

/// The configured filter. Each worker thread of Envoy has a plugin and a VM.
#[derive(Default)]
struct Plugin {
    greeting: Vec<u8>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Gets `config` of the spec. After `false`, Envoy goes on with the former configuration.
    fn on_configure(&mut self, _size: usize) -> bool {
        self.greeting = self.get_plugin_configuration().unwrap_or_default();
        if self.greeting.is_empty() {
            error!("my-filter: the configuration is empty: it has to be the greeting");
        }
        !self.greeting.is_empty()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            greeting: self.greeting.clone(),
        }))
    }
}

/// A request with its response. All other callbacks let everything pass.
struct Stream {
    greeting: Vec<u8>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    /// Changes the headers on their way to the client.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.set_http_response_header_bytes("hello", Some(&self.greeting));
        self.set_http_response_header("x-powered-by", None);
        Action::Continue
    }
}
