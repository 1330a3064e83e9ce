//! What a certificate says of itself: whom it is for, and until when. Pure.
//!
//! One rule: nothing is decided here. Whether a certificate is to be trusted is rustls's business; this is for people, and
//! what is not understood is `None`. The encoding is DER (X.690), the content RFC 5280, section 4.1.

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// When it ends.
    pub ends_at_ms: i64,
}

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
/// A time of two digits for the year, and one of four.
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
/// Tags of a certificate's own: version, extensions; of a name: DNS, address.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS: u8 = 0x82;
const ADDRESS: u8 = 0x87;
/// 2.5.29.17, subjectAltName.
const NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

impl Certificate {
    /// Reads a certificate.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (mut whole, _) = expect(der, SEQUENCE)?;
        let mut fields = take(&mut whole, SEQUENCE)?;
        if fields.first() == Some(&VERSION) {
            element(&mut fields)?;
        }
        // Serial number, algorithm, issuer.
        (0..3).try_for_each(|_| element(&mut fields).map(|_| ()))?;
        let mut validity = take(&mut fields, SEQUENCE)?;
        element(&mut validity)?;
        let ends_at_ms = time(element(&mut validity)?)?;
        let mut names = Vec::new();
        while !fields.is_empty() {
            let (tag, mut content) = element(&mut fields)?;
            if tag == EXTENSIONS {
                let mut extensions = take(&mut content, SEQUENCE)?;
                while !extensions.is_empty() {
                    names.extend(subjects(take(&mut extensions, SEQUENCE)?)?);
                }
            }
        }
        Some(Certificate { names, ends_at_ms })
    }
}

/// The names in an extension; none in any other than that of names.
fn subjects(mut extension: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    if element(&mut extension)?.1 != NAMES {
        return Some(names);
    }
    // A flag may come before the value.
    let (mut tag, mut value) = element(&mut extension)?;
    if tag != OCTETS {
        (tag, value) = element(&mut extension)?;
    }
    let mut all = if tag == OCTETS { take(&mut value, SEQUENCE)? } else { return None };
    while !all.is_empty() {
        let (tag, content) = element(&mut all)?;
        names.extend(match (tag, content.len()) {
            (DNS, _) => Some(String::from_utf8_lossy(content).into_owned()),
            (ADDRESS, 4) => <[u8; 4]>::try_from(content).ok().map(|ip| std::net::Ipv4Addr::from(ip).to_string()),
            (ADDRESS, 16) => <[u8; 16]>::try_from(content).ok().map(|ip| std::net::Ipv6Addr::from(ip).to_string()),
            _ => None,
        });
    }
    Some(names)
}

/// The next element, tag and content; `bytes` is what follows it.
fn element<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    *bytes = after;
    Some((tag, content))
}

/// The content of the next element, which must have this tag.
fn take<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    element(bytes).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// The content of an element that must have this tag, and what follows it.
fn expect(mut bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    take(&mut bytes, tag).map(|content| (content, bytes))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` in milliseconds since 1970.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, rest)
        }
        GENERAL_TIME => text.split_at_checked(4).and_then(|(year, rest)| Some((year.parse().ok()?, rest)))?,
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let two = |i: usize| rest[2 * i..2 * i + 2].parse::<i64>().ok();
    let (month, day, hour, minute, second) = (two(0)?, two(1)?, two(2)?, two(3)?, two(4)?);
    // A civil date to days, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // `date -u -d @SECONDS`
        assert_eq!(time((UTC_TIME, b"700101000000Z")), Some(0));
        assert_eq!(time((UTC_TIME, b"000229000000Z")), Some(951_782_400_000));
        assert_eq!(time((GENERAL_TIME, b"20261123235001Z")), Some(1_795_477_801_000));
        assert_eq!(time((UTC_TIME, b"7001010000Z")), None);
        assert_eq!(time((UTC_TIME, "70010100000é".as_bytes())), None);
        assert_eq!(time((OCTETS, b"700101000000Z")), None);
    }

    #[test]
    fn a_certificate_that_is_cut_off_anywhere_is_not_read_and_does_no_harm() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".to_owned(), "::1".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.names, ["a.example", "::1"]);
        // rcgen's own: the end of the year 4095, in the long form.
        assert_eq!(read.ends_at_ms, time((GENERAL_TIME, b"40960101000000Z")).unwrap());
        assert!((0..der.len()).all(|end| Certificate::read(&der[..end]).is_none()));
        for i in 0..der.len() {
            let mut bent = der.clone();
            bent[i] ^= 0xff;
            // Whatever it says, it is said without a panic.
            let _ = Certificate::read(&bent);
        }
    }
}
