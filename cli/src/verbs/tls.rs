//! `sweep tls init`: a private CA and the coordinator's certificate.

use crate::args::Tls;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part};
use sweep_coordinator::store::Datum;
use sweep_coordinator::tls;

/// Makes the files and prints the fingerprint of the CA.
///
/// # Errors
/// [`Failure::Mistake`] for names that cannot be in a certificate, or a directory that cannot be written.
pub fn run(verb: &Tls, format: Format) -> Result {
    let Tls::Init { names, dir } = verb;
    let fingerprint = tls::init(dir, names).map_err(|error| Failure::Mistake(error.to_string()))?;
    let fields = vec![
        ("directory", Datum::Text(dir.display().to_string())),
        ("names", Datum::Text(names.join(" "))),
        ("ca", Datum::Text(dir.join("ca.pem").display().to_string())),
        ("fingerprint", Datum::Text(fingerprint)),
    ];
    output::print(format, &[Part::Record("tls", fields)])
}
