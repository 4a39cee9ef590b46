//! My-filter replaces a word in the bodies of text responses. The configuration is
//! WORD=REPLACEMENT.

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
    word: String,
    replacement: String,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Gets `config` of the spec. After `false`, Envoy goes on with the former configuration.
    fn on_configure(&mut self, _size: usize) -> bool {
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        let text = String::from_utf8_lossy(&configuration);
        let (word, replacement) = text.split_once('=').unwrap_or(("", ""));
        (self.word, self.replacement) = (word.to_string(), replacement.to_string());
        if self.word.is_empty() {
            error!("my-filter: the configuration has to be WORD=REPLACEMENT");
        }
        !self.word.is_empty()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            word: self.word.clone(),
            replacement: self.replacement.clone(),
            text: false,
        }))
    }
}

/// A request with its response. All other callbacks let everything pass.
struct Stream {
    word: String,
    replacement: String,
    text: bool, // the response is a text
}

impl Context for Stream {}

impl HttpContext for Stream {
    /// Removes the length of a text, because the body is about to change.
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let kind = self.get_http_response_header_bytes("content-type");
        self.text = kind.map_or(false, |kind| kind.starts_with(b"text/"));
        if self.text {
            self.set_http_response_header("content-length", None);
        }
        Action::Continue
    }

    /// Called for each piece of the body. `Pause` keeps the pieces in Envoy's buffer until the end,
    /// because the word may lie in two pieces.
    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match (self.text, end_of_stream) {
            (false, _) => return Action::Continue,
            (true, false) => return Action::Pause,
            (true, true) => {}
        }
        let body = self.get_http_response_body(0, size).unwrap_or_default();
        let Ok(body) = String::from_utf8(body) else {
            return Action::Continue;
        };
        let body = body.replace(&self.word, &self.replacement);
        self.set_http_response_body(0, size, body.as_bytes());
        Action::Continue
    }
}
