//! An HTTP filter that counts requests by the class of their status, and measures their time: a
//! gauge of requests in flight, counters and a histogram.

use std::rc::Rc;
use std::time::SystemTime;

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType, Status};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// The metrics. Envoy puts "wasmcustom." before their names, and all worker threads share them.
struct Metrics {
    in_flight: u32,
    classes: [u32; 5], // 1xx to 5xx
    milliseconds: u32,
}

impl Metrics {
    fn define() -> Result<Metrics, Status> {
        let mut classes = [0; 5];
        for (i, metric) in classes.iter_mut().enumerate() {
            let name = format!("request_metrics_{}xx", i + 1);
            *metric = hostcalls::define_metric(MetricType::Counter, &name)?;
        }
        Ok(Metrics {
            in_flight: hostcalls::define_metric(MetricType::Gauge, "request_metrics_in_flight")?,
            classes,
            milliseconds: hostcalls::define_metric(MetricType::Histogram, "request_metrics_ms")?,
        })
    }
}

/// The configured filter.
#[derive(Default)]
struct Root {
    metrics: Option<Rc<Metrics>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        match Metrics::define() {
            Ok(metrics) => self.metrics = Some(Rc::new(metrics)),
            Err(status) => error!("request_metrics: cannot define the metrics: {status:?}"),
        }
        self.metrics.is_some()
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let metrics = self.metrics.clone()?;
        Some(Box::new(Request {
            metrics,
            began: None,
        }))
    }
}

/// One request.
struct Request {
    metrics: Rc<Metrics>,
    began: Option<SystemTime>, // none: the request never got here
}

impl Request {
    fn end(&self, began: SystemTime) -> Result<(), Status> {
        hostcalls::increment_metric(self.metrics.in_flight, -1)?;
        let time = self
            .get_current_time()
            .duration_since(began)
            .unwrap_or_default();
        hostcalls::record_metric(self.metrics.milliseconds, time.as_millis() as u64)?;
        let status = self
            .get_http_response_header_bytes(":status")
            .unwrap_or_default();
        let class = status
            .first()
            .map_or(usize::MAX, |digit| usize::from(digit.wrapping_sub(b'1')));
        if let Some(metric) = self.metrics.classes.get(class) {
            hostcalls::increment_metric(*metric, 1)?;
        }
        Ok(())
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.began = Some(self.get_current_time());
        if let Err(status) = hostcalls::increment_metric(self.metrics.in_flight, 1) {
            error!("request_metrics: cannot count: {status:?}");
        }
        Action::Continue
    }

    /// Called at the end of each request, also of one without a response.
    fn on_log(&mut self) {
        let Some(began) = self.began.take() else {
            return;
        };
        if let Err(status) = self.end(began) {
            error!("request_metrics: cannot count: {status:?}");
        }
    }
}
