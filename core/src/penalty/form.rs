//! What a spectral penalty's derivative is, as a function of σ that partial fractions can make.

/// `g(σ) = linear·σ + polar + weight·σ·(σ² + δ²)^{−s} + logarithm·ln σ`, and at the `leading` largest σ whatever the
/// derivative is there.
///
/// From it `U diag(g(σ)) Vᵀ` is made without U and V (`train/spectrum`): the terms are W itself, its polar factor, and
/// fractional powers and logarithms in partial fractions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Form {
    /// Coefficient of σ.
    pub linear: f64,
    /// Constant, the coefficient of the polar factor.
    pub polar: f64,
    /// Weight, exponent ½ ≤ s ≤ 1 and smoothing δ ≥ 0 of the power.
    pub power: Option<Power>,
    /// Coefficient of ln σ.
    pub logarithm: f64,
    /// Number of leading singular values that go their own way.
    pub leading: usize,
}

/// `weight·σ·(σ² + δ²)^{−s}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// The weight.
    pub weight: f64,
    /// s.
    pub exponent: f64,
    /// δ.
    pub smoothing: f64,
}

impl Form {
    /// g(σ), the leading ones apart.
    pub fn at(&self, sigma: f64) -> f64 {
        let power = self
            .power
            .map_or(0.0, |p| p.weight * sigma * (sigma * sigma + p.smoothing * p.smoothing).powf(-p.exponent));
        let logarithm = if self.logarithm == 0.0 { 0.0 } else { self.logarithm * sigma.ln() };
        self.linear * sigma + self.polar + power + logarithm
    }

    /// The form g' with `g'(σ) = factor·g(unit·σ)`.
    pub fn scaled(self, factor: f64, unit: f64) -> Form {
        Form {
            linear: factor * self.linear * unit,
            polar: factor * (self.polar + self.logarithm * if self.logarithm == 0.0 { 0.0 } else { unit.ln() }),
            power: self.power.map(|p| Power {
                weight: factor * p.weight * unit.powf(1.0 - 2.0 * p.exponent),
                exponent: p.exponent,
                smoothing: p.smoothing / unit,
            }),
            logarithm: factor * self.logarithm,
            leading: self.leading,
        }
    }
}
