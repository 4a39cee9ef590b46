//! My-filter logs each request at its end: method, path, status and user agent.

use log::info;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
}}

/// The configured filter. Each worker thread of Envoy has a plugin and a VM.
#[derive(Default)]
struct Plugin {
    prefix: String,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Gets `config` of the spec: the first word of each line.
    fn on_configure(&mut self, _size: usize) -> bool {
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        self.prefix = String::from_utf8_lossy(&configuration).into_owned();
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            prefix: self.prefix.clone(),
        }))
    }
}

/// A request with its response. All other callbacks let everything pass.
struct Stream {
    prefix: String,
}

impl Context for Stream {}

impl HttpContext for Stream {
    /// Called when request and response are over. The headers can still be read here. The line is
    /// in Envoy's log, at the level info of its logger "wasm".
    fn on_log(&mut self) {
        info!(
            "{}: {} {} {} {}",
            self.prefix,
            text(self.get_http_request_header_bytes(":method")),
            text(self.get_http_request_header_bytes(":path")),
            text(self.get_http_response_header_bytes(":status")),
            text(self.get_http_request_header_bytes("user-agent")),
        );
    }
}

/// The value of a header, or "-" without a value.
fn text(value: Option<Vec<u8>>) -> String {
    match value {
        Some(value) if !value.is_empty() => String::from_utf8_lossy(&value).into_owned(),
        _ => "-".to_string(),
    }
}
