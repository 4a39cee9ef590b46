//! A network filter before tcp_proxy that logs each connection: source, destination and upstream
//! address, and the beginning of the data in both directions.

use log::info;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// The bytes of each piece of data that are logged. The rest is counted.
const SHOWN: usize = 64;

/// One configured filter.
struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, id: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Connection { id }))
    }
}

/// One connection.
struct Connection {
    id: u32,
}

impl Connection {
    /// An address of the connection, or `-` if Envoy knows none.
    fn address(&self, peer: &str) -> String {
        match self.get_property(vec![peer, "address"]) {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None => "-".to_string(),
        }
    }

    fn log(&self, arrow: &str, size: usize, data: Option<Vec<u8>>) {
        let data = data.unwrap_or_default();
        let more = if size > data.len() { "…" } else { "" };
        let text = data.escape_ascii();
        info!("tcp_stream: {} {arrow} {size} bytes: {text}{more}", self.id);
    }
}

impl Context for Connection {
    /// Called once at the end of the connection. Only now is the upstream's address certain.
    fn on_done(&mut self) -> bool {
        info!(
            "tcp_stream: {} is over: source={} destination={} upstream={}",
            self.id,
            self.address("source"),
            self.address("destination"),
            self.address("upstream")
        );
        true
    }
}

impl StreamContext for Connection {
    fn on_downstream_data(&mut self, size: usize, _: bool) -> Action {
        if size > 0 {
            self.log("->", size, self.get_downstream_data(0, size.min(SHOWN)));
        }
        Action::Continue
    }

    fn on_upstream_data(&mut self, size: usize, _: bool) -> Action {
        if size > 0 {
            self.log("<-", size, self.get_upstream_data(0, size.min(SHOWN)));
        }
        Action::Continue
    }
}
