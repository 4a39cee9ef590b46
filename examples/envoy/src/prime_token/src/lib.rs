//! An HTTP filter that lets a request pass when its header `token` is a prime
//! number, and answers 403 otherwise.

mod prime;

use prime::is_prime;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| Box::new(PrimeToken));
}}

struct PrimeToken;

impl Context for PrimeToken {}

impl HttpContext for PrimeToken {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        // Read bytes: the function for strings panics on invalid UTF-8, and a
        // panic ends the filter for all requests of the worker.
        let token = self.get_http_request_header_bytes("token");
        if token.as_deref().and_then(number).is_some_and(is_prime) {
            return Action::Continue;
        }
        self.send_http_response(403, vec![], Some(b"Access forbidden.\n"));
        Action::Pause
    }
}

/// The value of a decimal number without sign, up to 64 bits.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, c| match c {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(c - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"007"), Some(7));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for text in [
            "",
            "18446744073709551616",
            "+7",
            "-7",
            "7 ",
            "7,11",
            "0x7",
            "7.0",
            "\u{0667}",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(number(b"\xff7"), None);
    }
}
