//! A Wasm service: one instance for each Envoy, on Envoy's main thread. It registers the shared
//! queues "http" and "tcp", takes the messages of filters out, and counts them as metrics.
//!
//! The filters run on Envoy's worker threads. They do not wait for the service: to put a message
//! into a queue takes microseconds, and the service can take its time with the message.

mod tally;

use log::{error, info, warn};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::{LogLevel, MetricType, Status};
use tally::{Tally, METRICS};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Service::default()));
}}

/// The service. A service has no streams, so this root context is everything.
#[derive(Default)]
struct Service {
    http: u32,
    tcp: u32,
    metrics: Vec<u32>,
}

impl Service {
    /// Registers the queues and defines the metrics.
    fn start(&mut self) -> Result<(), Status> {
        self.http = hostcalls::register_shared_queue("http")?;
        self.tcp = hostcalls::register_shared_queue("tcp")?;
        for name in METRICS {
            self.metrics
                .push(hostcalls::define_metric(MetricType::Counter, name)?);
        }
        Ok(())
    }

    /// Takes one message out of a queue; false: the queue is empty.
    fn take(&self, queue: u32) -> Result<bool, Status> {
        let Some(message) = hostcalls::dequeue_shared_queue(queue)? else {
            return Ok(false);
        };
        let tally = if queue == self.http {
            Tally::of_http(&message)
        } else {
            Tally::of_tcp(&message)
        };
        match tally {
            Some(Tally(counts)) => {
                for (metric, count) in self.metrics.iter().zip(counts) {
                    if count > 0 {
                        hostcalls::increment_metric(*metric, count)?;
                    }
                }
            }
            None => warn!("traffic_service: a message that no filter of this example sends"),
        }
        Ok(true)
    }
}

impl Context for Service {}

impl RootContext for Service {
    fn on_configure(&mut self, _: usize) -> bool {
        match self.start() {
            Ok(()) => info!("traffic_service: the queues http and tcp are open"),
            Err(status) => error!("traffic_service: cannot start: {status:?}"),
        }
        self.metrics.len() == METRICS.len()
    }

    /// Envoy calls this once for each message. A call may find the queue empty, because an earlier
    /// call has taken the message along.
    fn on_queue_ready(&mut self, queue: u32) {
        loop {
            match self.take(queue) {
                Ok(true) => {}
                Ok(false) => return,
                Err(status) => return error!("traffic_service: cannot count: {status:?}"),
            }
        }
    }
}
