/// The first primes settle most numbers by division.
const SMALL: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Bases (found by Jim Sinclair) that make the Miller-Rabin test exact for
/// every number of 64 bits.
const BASES: [u64; 7] = [2, 325, 9375, 28178, 450775, 9780504, 1795265022];

/// Reports whether `n` is a prime number: exact, and in bounded time for any `n`.
pub fn is_prime(n: u64) -> bool {
    if n < 2 {
        return false;
    }
    for p in SMALL {
        if n % p == 0 {
            return n == p;
        }
    }
    // n - 1 = odd * 2^twos
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|base| passes(n, base % n, odd, twos))
}

/// One round of the Miller-Rabin test.
fn passes(n: u64, base: u64, odd: u64, twos: u32) -> bool {
    if base == 0 {
        return true;
    }
    let mut x = power(base, odd, n);
    if x == 1 || x == n - 1 {
        return true;
    }
    for _ in 1..twos {
        x = multiply(x, x, n);
        if x == n - 1 {
            return true;
        }
    }
    false
}

fn power(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base, modulus);
        }
        base = multiply(base, base, modulus);
        exponent >>= 1;
    }
    result
}

fn multiply(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

#[cfg(test)]
mod tests {
    use super::is_prime;

    #[test]
    fn agrees_with_a_sieve() {
        const LIMIT: usize = 100_000;
        let mut composite = vec![false; LIMIT];
        for n in 2..LIMIT {
            for multiple in (2 * n..LIMIT).step_by(n) {
                composite[multiple] = true;
            }
        }
        for (n, composite) in composite.iter().enumerate().skip(2) {
            assert_eq!(is_prime(n as u64), !composite, "{n}");
        }
        assert!(!is_prime(0));
        assert!(!is_prime(1));
    }

    #[test]
    fn large_numbers() {
        for n in [
            2_147_483_647,
            67_280_421_310_721,
            18_446_744_073_709_551_557,
        ] {
            assert!(is_prime(n), "{n} is prime");
        }
        for n in [
            3_215_031_751,                 // fools the bases 2, 3, 5 and 7
            3_825_123_056_546_413_051,     // fools the first nine primes
            4_294_967_291 * 4_294_967_279, // the product of two large primes
            u64::MAX,
        ] {
            assert!(!is_prime(n), "{n} is composite");
        }
    }
}
