//! Numbers, sizes and times as people read them.

/// Four significant digits: `0.01342`, `1.3e-9`, `215.2`, `123456`.
pub fn short(x: f64) -> String {
    digits(x, 4)
}

/// `count` significant digits, at least 1.
pub fn digits(x: f64, count: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    // Rounded first, so that 9.9999 is 10 and not 10.00.
    let rounded: f64 = format!("{x:.0$e}", count.saturating_sub(1)).parse().unwrap_or(x);
    let size = rounded.abs();
    if (1e-3..1e4).contains(&size) {
        format!("{rounded}")
    } else if (1e4..1e6).contains(&size) {
        format!("{x:.0}")
    } else {
        format!("{rounded:e}")
    }
}

/// `1 cell`, `2 cells`.
pub fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// `512 B`, `1.5 KiB`, `3.2 GiB`.
pub fn bytes(n: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (n.max(1.0).log2() / 10.0).floor().clamp(0.0, 4.0);
    let value = n / (10.0 * power).exp2();
    if power == 0.0 { format!("{value:.0} B") } else { format!("{value:.1} {}", UNITS[power as usize]) }
}

/// A length of time: `35 ms`, `0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `5 d 3 h`.
pub fn span(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        _ if seconds < 0.0995 => format!("{:.0} ms", 1e3 * seconds.max(0.0)),
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// A text as part of an address: everything but letters, digits and `-._~` as `%XX`.
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Milliseconds since 1970 as `2026-11-23 23:50:01` (UTC).
pub fn date(at_ms: i64) -> String {
    let (days, seconds) = (at_ms.div_euclid(86_400_000), at_ms.rem_euclid(86_400_000) / 1000);
    // Days to a civil date, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March
    // and eras of 146097 days repeat.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        let cases = [
            (0.0, "0"),
            (0.013_421_7, "0.01342"),
            (9.999_96, "10"),
            (215.219, "215.2"),
            (1e-9, "1e-9"),
            (-1.234_56e-5, "-1.235e-5"),
            (123_456.7, "123457"),
            (2.5e9, "2.5e9"),
            (1.0, "1"),
        ];
        for (x, expected) in cases {
            assert_eq!(short(x), expected);
        }
        assert_eq!(
            (digits(0.013_421_7, 3), digits(0.001_539, 2), digits(-2.999, 3)),
            ("0.0134".into(), "0.0015".into(), "-3".into())
        );
    }

    #[test]
    fn an_address_holds_no_sign_of_its_own() {
        assert_eq!(percent("lr = 0.1 & λ<\"x\""), "lr%20%3D%200.1%20%26%20%CE%BB%3C%22x%22");
    }

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!((bytes(0.0), bytes(512.0), bytes(1536.0)), ("0 B".into(), "512 B".into(), "1.5 KiB".into()));
        assert_eq!(bytes(3.2 * 1_073_741_824.0), "3.2 GiB");
        let cases = [
            (0.0004, "0 ms"),
            (0.035, "35 ms"),
            (0.42, "0.4 s"),
            (42.0, "42 s"),
            (185.0, "3 min 05 s"),
            (7_650.0, "2 h 07 min"),
            (442_900.0, "5 d 3 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        // `date -u -d @SECONDS`
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(date(1_795_477_801_999), "2026-11-23 23:50:01");
        assert_eq!(date(-1), "1969-12-31 23:59:59");
    }
}
