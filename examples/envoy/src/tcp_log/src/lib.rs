//! A network filter that logs each TCP connection when it is over: who talked
//! to whom, and how much.

use log::info;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// One configured filter. It has to say that it is made of streams: the crate
/// takes contexts for HTTP requests otherwise.
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
    /// An address property of the connection, `-` where Envoy knows none.
    fn address(&self, peer: &str) -> String {
        match self.get_property(vec![peer, "address"]) {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None => "-".to_string(),
        }
    }
}

impl Context for TcpLog {
    /// Called once, when Envoy is done with the connection, whoever closed it.
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
