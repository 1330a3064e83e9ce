//! Named random streams.
//!
//! A stream is keyed by what it is for and by the seed of the replicate, never by a cell's index: cells that
//! differ only in optimizer or penalty share instance, mask and initialisation (common random numbers), and
//! extending an axis changes no other cell.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// A stream of random numbers, the same on every machine for the same name and seed.
pub struct Stream {
    bits: ChaCha12Rng,
    spare: Option<f64>,
}

impl Stream {
    /// The stream called `name` (for example `"init/layer/2"`) of `seed`.
    pub fn new(name: &str, seed: i64) -> Stream {
        let mut hasher = blake3::Hasher::new_derive_key("sweep 2026 random stream");
        hasher.update(&seed.to_le_bytes());
        hasher.update(name.as_bytes());
        Stream { bits: ChaCha12Rng::from_seed(*hasher.finalize().as_bytes()), spare: None }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// Uniform in (0, 1): 53 bits, never 0 or 1, so its logarithm is finite.
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) * (-53f64).exp2()
    }

    /// Uniform in `0..n`, without bias (Lemire's rejection).
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        let mut wide = u128::from(self.bits()) * u128::from(n);
        if (wide as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (wide as u64) < threshold {
                wide = u128::from(self.bits()) * u128::from(n);
            }
        }
        (wide >> 64) as usize
    }

    /// Standard normal (Box and Muller 1958), two per pair of uniforms.
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.spare.take() {
            return z;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// A random permutation of `0..n` (Fisher and Yates, forward), so that its first `m` entries are
    /// a uniform sample without replacement, nested in `m`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in 0..n.saturating_sub(1) {
            let j = i + self.below(n - i);
            order.swap(i, j);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_name_and_seed() {
        let draw = |name, seed| Stream::new(name, seed).bits();
        assert_eq!(draw("mask", 3), draw("mask", 3));
        assert_ne!(draw("mask", 3), draw("mask", 4));
        assert_ne!(draw("mask", 3), draw("init", 3));
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut stream = Stream::new("test", 0);
        let z: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = z.iter().sum::<f64>() / z.len() as f64;
        let variance = z.iter().map(|x| x * x).sum::<f64>() / z.len() as f64;
        // Five standard errors: 5/√100000 = 0.016 and 5·√(2/100000) = 0.022.
        assert!(mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023, "{mean} {variance}");
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut seen = Stream::new("test", 1).permutation(1000);
        assert_ne!(seen[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        seen.sort_unstable();
        assert!(seen.iter().enumerate().all(|(i, &j)| i == j));
    }
}
