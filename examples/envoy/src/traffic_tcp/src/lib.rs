//! A network filter, which tells the Wasm service of this example about each connection: the filter
//! puts the bytes of both directions into the shared queue "tcp".

use log::warn;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

/// One configured filter, on one worker thread of Envoy.
struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Connection::default()))
    }
}

/// One connection.
#[derive(Default)]
struct Connection {
    received: usize,
    sent: usize,
}

impl Context for Connection {
    /// Called once at the end of the connection, no matter which side closed it. The empty vm_id is
    /// the filter's own, which the service must have, too.
    fn on_done(&mut self) -> bool {
        let message = format!("{} {}", self.received, self.sent);
        let put = hostcalls::resolve_shared_queue("", "tcp")
            .ok()
            .flatten()
            .map(|queue| hostcalls::enqueue_shared_queue(queue, Some(message.as_bytes())));
        if !matches!(put, Some(Ok(()))) {
            warn!("traffic_tcp: no queue \"tcp\": the Wasm service with this vm_id is missing");
        }
        true
    }
}

impl StreamContext for Connection {
    fn on_downstream_data(&mut self, size: usize, _: bool) -> Action {
        self.received += size;
        Action::Continue
    }

    fn on_upstream_data(&mut self, size: usize, _: bool) -> Action {
        self.sent += size;
        Action::Continue
    }
}
