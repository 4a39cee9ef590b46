//! My-filter lets a request pass if its header `token` is one of the tokens in the configuration.

use log::error;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use std::rc::Rc;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Plugin::default()));
}}

/// The configured filter. Each worker thread of Envoy has a plugin and a VM.
#[derive(Default)]
struct Plugin {
    tokens: Rc<Vec<Vec<u8>>>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Gets `config` of the spec: tokens with blanks or line ends between them. After `false`,
    /// Envoy goes on with the former configuration.
    fn on_configure(&mut self, _size: usize) -> bool {
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        let words = configuration.split(u8::is_ascii_whitespace);
        self.tokens = Rc::new(
            words
                .filter(|w| !w.is_empty())
                .map(<[u8]>::to_vec)
                .collect(),
        );
        if self.tokens.is_empty() {
            error!("my-filter: the configuration has no tokens");
        }
        !self.tokens.is_empty()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            tokens: Rc::clone(&self.tokens),
        }))
    }
}

/// A request. All other callbacks let everything pass.
struct Stream {
    tokens: Rc<Vec<Vec<u8>>>,
}

impl Context for Stream {}

impl HttpContext for Stream {
    /// Decides about the request before the upstream gets any of it. `Pause` keeps it from going
    /// on after an answer. The functions with `bytes` do not panic on invalid UTF-8.
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Some(token) = self.get_http_request_header_bytes("token") else {
            self.send_http_response(401, vec![], Some(b"A token is missing.\n"));
            return Action::Pause;
        };
        if !self
            .tokens
            .iter()
            .fold(false, |found, known| found | equal(known, &token))
        {
            self.send_http_response(403, vec![], Some(b"Access forbidden.\n"));
            return Action::Pause;
        }
        self.set_http_request_header("token", None); // the upstream need not know the token
        Action::Continue
    }
}

/// Compares all bytes, so that nobody can guess a token letter by letter from the time.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (x, y)| differ | (x ^ y)) == 0
}
