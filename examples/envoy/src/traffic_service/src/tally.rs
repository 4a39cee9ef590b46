//! The addition of a message to the metrics.

/// The names of the metrics. Envoy puts "wasmcustom." before them.
pub const METRICS: [&str; 6] = [
    "traffic_http_requests",
    "traffic_http_4xx",
    "traffic_http_5xx",
    "traffic_tcp_connections",
    "traffic_tcp_received_bytes",
    "traffic_tcp_sent_bytes",
];

/// The amount to add to each of METRICS.
#[derive(Debug, PartialEq)]
pub struct Tally(pub [i64; 6]);

impl Tally {
    /// The message of a request is the status of its response.
    pub fn of_http(message: &[u8]) -> Option<Tally> {
        let status: u16 = std::str::from_utf8(message).ok()?.parse().ok()?;
        let class = |first: u16| i64::from(status / 100 == first);
        Some(Tally([1, class(4), class(5), 0, 0, 0]))
    }

    /// The message of a connection has the bytes from the client and to the client: "5 7".
    pub fn of_tcp(message: &[u8]) -> Option<Tally> {
        let (received, sent) = std::str::from_utf8(message).ok()?.split_once(' ')?;
        let number = |text: &str| text.parse().ok().filter(|n: &i64| *n >= 0);
        Some(Tally([0, 0, 0, 1, number(received)?, number(sent)?]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_count_by_class() {
        assert_eq!(Tally::of_http(b"200"), Some(Tally([1, 0, 0, 0, 0, 0])));
        assert_eq!(Tally::of_http(b"404"), Some(Tally([1, 1, 0, 0, 0, 0])));
        assert_eq!(Tally::of_http(b"503"), Some(Tally([1, 0, 1, 0, 0, 0])));
        assert_eq!(Tally::of_http(b"\xff"), None);
    }

    #[test]
    fn connections_count_bytes() {
        assert_eq!(Tally::of_tcp(b"5 7"), Some(Tally([0, 0, 0, 1, 5, 7])));
        for wrong in ["", "5", "5 -7", "5 x"] {
            assert_eq!(Tally::of_tcp(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
