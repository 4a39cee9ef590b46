//! My-filter logs each TCP connection at its end: the addresses and the bytes of both directions.

use log::info;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

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
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, _context_id: u32) -> Option<Box<dyn StreamContext>> {
        let prefix = self.prefix.clone();
        Some(Box::new(Connection {
            prefix,
            ..Connection::default()
        }))
    }
}

/// A TCP connection. All other callbacks let everything pass.
#[derive(Default)]
struct Connection {
    prefix: String,
    source: String,
    destination: String,
    received: usize,
    sent: usize,
}

impl Connection {
    /// An address of the connection, or "-" if Envoy knows none.
    fn address(&self, peer: &str) -> String {
        let value = self.get_property(vec![peer, "address"]);
        value.map_or("-".to_string(), |v| {
            String::from_utf8_lossy(&v).into_owned()
        })
    }
}

impl Context for Connection {}

impl StreamContext for Connection {
    fn on_new_connection(&mut self) -> Action {
        (self.source, self.destination) = (self.address("source"), self.address("destination"));
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, _end_of_stream: bool) -> Action {
        self.received += size;
        Action::Continue
    }

    fn on_upstream_data(&mut self, size: usize, _end_of_stream: bool) -> Action {
        self.sent += size;
        Action::Continue
    }

    /// Called when the connection is over. The line is in Envoy's log, at the level info of "wasm".
    fn on_log(&mut self) {
        let (source, destination) = (&self.source, &self.destination);
        info!(
            "{}: source={source} destination={destination} received={} sent={}",
            self.prefix, self.received, self.sent
        );
    }
}
