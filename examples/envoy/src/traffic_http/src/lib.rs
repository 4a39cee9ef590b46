//! An HTTP filter, which tells the Wasm service of this example about each request: the filter
//! puts the status of the response into the shared queue "http".

use std::cell::Cell;
use std::rc::Rc;

use log::warn;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// One configured filter, on one worker thread of Envoy.
#[derive(Default)]
struct Root {
    queue: Rc<Queue>,
}

/// The queue "http", once found.
#[derive(Default)]
struct Queue {
    found: Cell<Option<u32>>,
    warned: Cell<bool>,
}

impl Queue {
    /// Puts a message into the queue. Without the service there is no queue, and no message.
    /// The empty vm_id is the filter's own, which the service must have, too.
    fn put(&self, message: &[u8]) {
        let queue = self
            .found
            .get()
            .or_else(|| hostcalls::resolve_shared_queue("", "http").ok().flatten());
        self.found.set(queue);
        let put = queue.map(|queue| hostcalls::enqueue_shared_queue(queue, Some(message)));
        if !matches!(put, Some(Ok(()))) && !self.warned.replace(true) {
            warn!("traffic_http: no queue \"http\": the Wasm service with this vm_id is missing");
        }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request {
            queue: self.queue.clone(),
        }))
    }
}

/// One request.
struct Request {
    queue: Rc<Queue>,
}

impl Context for Request {}

impl HttpContext for Request {
    /// Called at the end of each request, also after the answer of another filter.
    fn on_log(&mut self) {
        if let Some(status) = self.get_http_response_header_bytes(":status") {
            self.queue.put(&status);
        }
    }
}
