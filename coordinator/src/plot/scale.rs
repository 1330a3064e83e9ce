//! Scales: from a value to a position, and the round numbers marked on the way.
//!
//! Ticks are inside the domain, ascend, and are at most as many as asked for.

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Equal differences take equal lengths.
    Linear,
    /// Equal ratios take equal lengths; only positive values have a place.
    Log,
}

/// A marked value.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, in the units of the data.
    pub value: f64,
    /// What is written beside it; empty at a minor tick of a log scale.
    pub label: String,
}

/// A mapping of `low ..= high` onto `from ..= to` (pixels or dots; `to` may be the smaller).
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    spread: Spread,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    zero: Option<f64>,
}

/// A log domain spans at least this ratio, so that at least two of 1, 2, 5 · 10^k lie in it.
const LEAST_RATIO: f64 = 6.0;

impl Scale {
    /// The scale that holds `values` with a little room at both ends. What has no place (not finite; not positive on a
    /// log scale) is passed over. Nothing left: 0.1 … 10, or 0 … 1 if linear. Equal values get room around them.
    pub fn around(spread: Spread, values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|v| v.is_finite() && (spread == Spread::Linear || *v > 0.0)) {
            (low, high) = (low.min(value), high.max(value));
        }
        let found = low <= high;
        let (low, high) = match spread {
            Spread::Linear if !found => (0.0, 1.0),
            Spread::Linear => {
                let room = 0.04 * (high / 2.0 - low / 2.0) * 2.0;
                let least = 1e-9 * low.abs().max(high.abs());
                let room = if high - low > least { room } else { 0.5 * high.abs().max(f64::MIN_POSITIVE / 1e-16) };
                ((low - room).max(f64::MIN), (high + room).min(f64::MAX))
            }
            Spread::Log if !found => (0.1, 10.0),
            Spread::Log => {
                let room = (0.03 * (high.ln() - low.ln())).max(0.5 * (LEAST_RATIO.ln() - (high.ln() - low.ln())));
                // Kept clear of the subnormals and of the overflow, where no ratio is exact.
                ((low.ln() - room).exp().max(1e-300), (high.ln() + room).exp().min(1e300))
            }
        };
        Scale::over(spread, low, high, from, to)
    }

    /// The scale over exactly `low ..= high`. What no scale can have (`low ≥ high`, not finite, not positive on a log
    /// scale) becomes 0.1 … 10, or 0 … 1 if linear.
    pub fn over(spread: Spread, low: f64, high: f64, from: f64, to: f64) -> Scale {
        let possible = low < high && low.is_finite() && high.is_finite() && (spread == Spread::Linear || low > 0.0);
        let (low, high) = match (possible, spread) {
            (true, _) => (low, high),
            (false, Spread::Linear) => (0.0, 1.0),
            (false, Spread::Log) => (0.1, 10.0),
        };
        Scale { spread, low, high, from, to, zero: None }
    }

    /// The same log scale with a place for 0, apart from the domain.
    pub fn with_zero_at(self, position: f64) -> Scale {
        Scale { zero: Some(position), ..self }
    }

    /// The place of 0 beside the domain, where there is one.
    pub fn zero(&self) -> Option<f64> {
        self.zero
    }

    /// The least and the greatest value of the domain.
    pub fn domain(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Whether `value` lies in the domain.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The position of `value`; what lies outside the domain is put at its nearer end (NaN and, on a log scale, what is
    /// not positive: at `from`).
    pub fn position(&self, value: f64) -> f64 {
        if let (Some(place), true) = (self.zero, value == 0.0) {
            return place;
        }
        let share = match self.spread {
            // Halves: the difference of two finite numbers may overflow.
            Spread::Linear => (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0),
            Spread::Log if value <= 0.0 => 0.0,
            Spread::Log => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.from + share * (self.to - self.from)
    }

    /// At most `limit` labelled ticks, ascending, inside the domain, at round values.
    pub fn ticks(&self, limit: usize) -> Vec<Tick> {
        let values = match self.spread {
            Spread::Linear => linear(self.low, self.high, limit),
            Spread::Log => logarithmic(self.low, self.high, limit),
        };
        label(&values, self.spread)
    }

    /// Unlabelled lines between the labelled ticks of a log scale: 2 … 9 · 10^k over up to three decades, all decades
    /// over up to thirty; none otherwise, and none on a linear scale.
    pub fn minor(&self) -> Vec<f64> {
        if self.spread == Spread::Linear {
            return Vec::new();
        }
        let fine = self.high / self.low < 1e3;
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().floor() as i32);
        if last - first > 30 {
            return Vec::new();
        }
        let multiples = if fine { 1..=9 } else { 1..=1 };
        (first..=last)
            .flat_map(|k| multiples.clone().map(move |m| decimal(m, k)))
            .filter(|value| self.holds(*value))
            .collect()
    }
}

/// The float nearest to `mantissa`·10^`exponent`: parsed, since powers are not exactly rounded.
fn decimal(mantissa: i64, exponent: i32) -> f64 {
    format!("{mantissa}e{exponent}").parse().unwrap_or(f64::NAN)
}

fn linear(low: f64, high: f64, limit: usize) -> Vec<f64> {
    let mut exponent = (high / 2.0 - low / 2.0).log10().floor() as i32 - 2 - (limit.max(1) as f64).log10() as i32;
    if limit == 0 {
        return Vec::new();
    }
    loop {
        for mantissa in [10, 20, 25, 50] {
            let step = decimal(mantissa, exponent - 1);
            let (first, last) = ((low / step).ceil(), (high / step).floor());
            if step > 0.0 && last - first < limit as f64 {
                let count = (last - first).max(-1.0) as usize;
                // The product of two short decimals may miss the short decimal: 3·0.1; the label's rounding repairs it.
                let mut values: Vec<f64> =
                    (0..=count).filter(|_| last >= first).map(|i| (first + i as f64) * step + 0.0).collect();
                values.retain(|value| (low..=high).contains(value));
                values.dedup();
                return values;
            }
        }
        exponent += 1;
    }
}

fn logarithmic(low: f64, high: f64, limit: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().floor() as i32);
    let inside = |mantissas: &[i64], every: i32| -> Vec<f64> {
        (first..=last)
            .filter(|k| k.rem_euclid(every) == 0)
            .flat_map(|k| mantissas.iter().map(move |&m| decimal(m, k)))
            .filter(|value| (low..=high).contains(value))
            .collect()
    };
    let decades = inside(&[1], 1).len();
    if decades < 3 {
        for mantissas in [&[1, 2, 5][..], &[1, 3]] {
            let values = inside(mantissas, 1);
            if (2..=limit).contains(&values.len()) {
                return values;
            }
        }
        // About a factor of 2: round steps serve better than round powers.
        if decades == 0 || inside(&[1, 2, 5], 1).len() < 2 {
            return linear(low, high, limit);
        }
    }
    let every = (1..).find(|&every| inside(&[1], every).len() <= limit.max(1)).unwrap_or(1);
    let values = inside(&[1], every);
    if values.len() <= limit { values } else { Vec::new() }
}

/// The labels of ticks: all of them as decimals where that is short, else all as powers of ten.
fn label(values: &[f64], spread: Spread) -> Vec<Tick> {
    let exponent = |v: f64| if v == 0.0 { 0 } else { v.abs().log10().floor() as i32 };
    let plain = match spread {
        Spread::Log => values.iter().all(|v| (-3..=4).contains(&exponent(*v))),
        Spread::Linear => values.iter().all(|v| *v == 0.0 || (-7..=5).contains(&exponent(*v))),
    };
    // Digits after the point: as many as the least step shows.
    let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let places = |reference: f64| {
        (0..=12).find(|&p| {
            let rounded: f64 = format!("{reference:.p$}").parse().unwrap_or(0.0);
            (rounded - reference).abs() <= 1e-6 * reference.abs()
        })
    };
    let places_of_step = if step.is_finite() { places(step).unwrap_or(12) } else { 12 };
    let text = |value: f64, digits: usize| match (spread, plain) {
        (Spread::Linear, true) if step.is_finite() => minus(&format!("{value:.places_of_step$}")),
        (_, true) => number(value, digits + 2),
        (_, false) => power(value, digits),
    };
    let labels = |digits: usize| values.iter().map(|&value| text(value, digits)).collect::<Vec<_>>();
    // Four digits tell ticks apart but on the narrowest of domains; 17 always do.
    let apart = |digits: &usize| labels(*digits).windows(2).all(|w| w[0] != w[1]);
    let digits = (4..17).find(apart).unwrap_or(17);
    values.iter().zip(labels(digits)).map(|(&value, label)| Tick { value, label }).collect()
}

/// `value` with at most `digits` significant digits, as a decimal where that is short, else as m×10ᵏ. Not finite: "–".
pub fn number(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    // Rounded first, so that 9.99 at two digits is counted as 10.
    let rounded: f64 = format!("{value:.*e}", digits.max(1) - 1).parse().unwrap_or(value);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let exponent = rounded.abs().log10().floor() as i32;
    if !(-4..=5).contains(&exponent) {
        return power(rounded, digits);
    }
    minus(&format!("{rounded}"))
}

/// `value` as m×10ᵏ with superscript digits, m left out where it is 1; "0" for zero.
fn power(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits.max(1) - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    if mantissa == "0" || mantissa == "-0" {
        return "0".to_owned();
    }
    let raised: String = exponent.chars().map(raise).collect();
    match mantissa {
        "1" => format!("10{raised}"),
        "-1" => format!("−10{raised}"),
        m => format!("{}×10{raised}", minus(m)),
    }
}

fn raise(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit.to_digit(10).and_then(|d| char::from_u32('⁰' as u32 + d)).unwrap_or(digit),
    }
}

/// The hyphen of a formatted number as a minus sign.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(spread: Spread, low: f64, high: f64, limit: usize) -> Vec<String> {
        Scale::over(spread, low, high, 0.0, 1.0).ticks(limit).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(Spread::Linear, 0.0, 1.0, 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Spread::Linear, -30.0, 61.0, 6), ["−20", "0", "20", "40", "60"]);
        assert_eq!(labels(Spread::Linear, 0.0, 6000.0, 7), ["0", "1000", "2000", "3000", "4000", "5000", "6000"]);
        assert_eq!(labels(Spread::Linear, 1e9, 3e9, 3), ["10⁹", "2×10⁹", "3×10⁹"]);
        assert_eq!(labels(Spread::Linear, 1.001, 1.004, 4), ["1.001", "1.002", "1.003", "1.004"]);
    }

    #[test]
    fn log_ticks_are_decades_or_1_2_5() {
        assert_eq!(labels(Spread::Log, 0.002, 3.0, 8), ["0.01", "0.1", "1"]);
        assert_eq!(labels(Spread::Log, 0.05, 0.9, 8), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(Spread::Log, 1e-9, 100.0, 5), ["10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
        assert_eq!(labels(Spread::Log, 1.5e-9, 3e-8, 8), ["2×10⁻⁹", "5×10⁻⁹", "10⁻⁸", "2×10⁻⁸"]);
        assert_eq!(labels(Spread::Log, 0.9, 1.87, 7), ["1", "1.2", "1.4", "1.6", "1.8"]);
        assert_eq!(
            labels(Spread::Log, 1.52, 1.61, 6),
            ["1.52", "1.54", "1.56", "1.58", "1.60"].map(|l| l.trim_end_matches('0'))
        );
    }

    #[test]
    fn lines_between_ticks_are_few() {
        let minor = |low, high| Scale::over(Spread::Log, low, high, 0.0, 1.0).minor();
        assert_eq!(minor(1.0, 9.0), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(minor(1e-6, 1.0).len(), 7, "decades alone");
        assert!(minor(1e-200, 1.0).is_empty(), "no hatching");
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.007123, "0.0071"),
            (0.17689, "0.18"),
            (2.0, "2"),
            (0.0, "0"),
            (-3.26, "−3.3"),
            (9.99, "10"),
            (1e-5, "10⁻⁵"),
            (1.23e-9, "1.2×10⁻⁹"),
            (4.5e7, "4.5×10⁷"),
            (f64::NAN, "–"),
            (123.0, "120"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value, 2), expected);
        }
    }

    #[test]
    fn equal_values_and_no_values_have_a_scale() {
        for spread in [Spread::Linear, Spread::Log] {
            for values in [
                vec![],
                vec![0.177; 5],
                vec![f64::NAN, f64::INFINITY],
                vec![0.0],
                vec![-2.0],
                vec![1e-320],
                vec![f64::MAX, f64::MIN],
            ] {
                let scale = Scale::around(spread, values.iter().copied(), 10.0, 110.0);
                assert!(!scale.ticks(6).is_empty(), "{spread:?} {values:?}");
                assert!(values.iter().all(|v| (10.0..=110.0).contains(&scale.position(*v))), "{spread:?} {values:?}");
            }
        }
        assert_eq!(Scale::around(Spread::Log, [0.177], 0.0, 100.0).position(0.177).round(), 50.0);
    }

    #[test]
    fn positions_keep_ratios_and_differences() {
        let log = Scale::over(Spread::Log, 0.01, 100.0, 0.0, 400.0);
        assert!((log.position(1.0) - 200.0).abs() < 1e-9 && (log.position(10.0) - 300.0).abs() < 1e-9);
        let falling = Scale::over(Spread::Linear, 0.0, 10.0, 100.0, 0.0);
        assert!((falling.position(2.5) - 75.0).abs() < 1e-9 && falling.position(99.0) == 0.0);
    }

    #[test]
    fn ticks_of_a_narrow_domain_have_labels_of_their_own() {
        let low = 6.746_016e-165;
        let ticks = Scale::over(Spread::Log, low, low * (1.0 + 2.3e-6), 0.0, 100.0).ticks(2);
        let labels: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["6.74602×10⁻¹⁶⁵", "6.74603×10⁻¹⁶⁵"]);
    }

    proptest! {
        #[test]
        fn ticks_ascend_inside_the_domain_and_keep_the_limit(
            log in any::<bool>(), a in -290.0..290.0f64, ratio in 1e-6..30.0f64, sign in any::<bool>(), limit in 0usize..14,
        ) {
            let spread = if log { Spread::Log } else { Spread::Linear };
            let low = 10f64.powf(a) * if sign && !log { -1.0 } else { 1.0 };
            let high = low + low.abs() * (10f64.powf(ratio.min(300.0 - a)) - 1.0);
            let scale = Scale::over(spread, low, high, 0.0, 100.0);
            let (low, high) = scale.domain();
            let ticks = scale.ticks(limit);
            prop_assert!(ticks.len() <= limit);
            prop_assert!(ticks.iter().all(|t| (low..=high).contains(&t.value) && !t.label.is_empty()));
            prop_assert!(ticks.windows(2).all(|w| w[0].value < w[1].value && w[0].label != w[1].label), "{ticks:?}");
            // An axis with one number or none says nothing.
            prop_assert!(limit < 7 || ticks.len() >= 2, "{low} {high} {ticks:?}");
        }
    }
}
