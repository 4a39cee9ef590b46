//! A network filter that logs each TCP connection at its end: the addresses of
//! both sides, and the bytes in both directions.

use log::info;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// One configured filter. It must declare that its contexts are streams: the
/// crate otherwise takes them for HTTP requests.
struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(TcpLog::default()))
    }
}

/// One connection.
#[derive(Default)]
struct TcpLog {
    source: String,
    destination: String,
    received: u64,
    sent: u64,
}

impl TcpLog {
    /// An address property of the connection, or `-` if Envoy knows none.
    fn address(&self, peer: &str) -> String {
        match self.get_property(vec![peer, "address"]) {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None => "-".to_string(),
        }
    }
}

impl Context for TcpLog {
    /// Called once at the end of the connection, no matter which side closed it.
    fn on_done(&mut self) -> bool {
        info!(
            "tcp_log: source={} destination={} received={} sent={}",
            self.source, self.destination, self.received, self.sent
        );
        true
    }
}

impl StreamContext for TcpLog {
    fn on_new_connection(&mut self) -> Action {
        self.source = self.address("source");
        self.destination = self.address("destination");
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, _: bool) -> Action {
        self.received += size as u64;
        Action::Continue
    }

    fn on_upstream_data(&mut self, size: usize, _: bool) -> Action {
        self.sent += size as u64;
        Action::Continue
    }
}
