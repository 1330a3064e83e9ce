//! The way to a coordinator: its address, whom to trust, and the token to show.
//!
//! One rule: nothing secret is sent before the certificate is checked, and nothing at all in plain text beyond this
//! machine unless that is asked for by name. [`pinned`] is how a machine that has only a fingerprint comes by the CA.

use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};

/// Port of a coordinator where none is named.
pub const PORT: u16 = 7440;
/// How often a silent connection is asked whether it is still there; a black-holed one never says so itself.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// How long the answer may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What cannot be reached, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address.
    #[error("coordinator \"{0}\" is not understood; allowed: https://HOST:PORT, http://HOST:PORT")]
    Url(String),
    /// Plain text beyond this machine.
    #[error(
        "{0} would send the token in plain text over the network; use https://, or --insecure if the network is trusted"
    )]
    Plaintext(String),
    /// A file that cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    /// A file that is not a token.
    #[error("{0} does not hold a token; a token is 64 hex digits, as `sweep token create` prints it")]
    Token(String),
    /// A certificate of no use.
    #[error("the CA certificate is of no use: {0}")]
    Ca(String),
    /// Nobody answers there, or it is not to be trusted.
    #[error("{url} is not reachable: {why}")]
    Unreachable {
        /// The address.
        url: String,
        /// What was said, with the remedy where there is one.
        why: String,
    },
    /// The coordinator has another CA than the one that was named.
    #[error("{url} showed no certificate with the fingerprint {fingerprint}; it shows: {shown}")]
    Fingerprint {
        /// The address.
        url: String,
        /// The one asked for.
        fingerprint: String,
        /// Those that it has.
        shown: String,
    },
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// How to reach a coordinator.
#[derive(Clone, Default)]
pub struct Address {
    /// `https://HOST:PORT`.
    pub url: String,
    /// The token, 64 hex digits; only joining needs none.
    pub token: Option<String>,
    /// The CA to trust, PEM; the system's own where there is none.
    pub ca: Option<String>,
    /// Whether plain text is allowed beyond this machine.
    pub insecure: bool,
}

impl std::fmt::Debug for Address {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("url", &self.url).field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

/// A connection that shows its token with every call.
pub type Authorized = InterceptedService<Channel, Bearer>;

impl Address {
    /// `url` with the token and the CA in these files.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Token`].
    pub fn from_files(url: &str, token: Option<&Path>, ca: Option<&Path>, insecure: bool) -> Result<Address> {
        let token = token.map(read_token).transpose()?;
        Ok(Address { url: url.to_owned(), token, ca: ca.map(read).transpose()?, insecure })
    }

    /// Connects.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Plaintext`] at once; [`Error::Unreachable`] with the remedy.
    pub async fn connect(&self) -> Result<Authorized> {
        let (uri, host) = parse(&self.url)?;
        let tls = uri.scheme_str() == Some("https");
        if !tls && !self.insecure && !is_loopback(&host) {
            return Err(Error::Plaintext(self.url.clone()));
        }
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(KEEPALIVE))
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        if tls {
            let config = match &self.ca {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_enabled_roots(),
            };
            endpoint = endpoint.tls_config(config).map_err(|error| Error::Ca(chain(&error)))?;
        }
        let channel = endpoint.connect().await.map_err(|error| self.unreachable(&chain(&error)))?;
        let bearer = match &self.token {
            Some(token) => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {token}").parse().map_err(|_| Error::Token("the token given".to_owned()))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(InterceptedService::new(channel, Bearer(bearer)))
    }

    fn unreachable(&self, why: &str) -> Error {
        let remedy = if why.contains("UnknownIssuer") {
            "; its certificate is of another CA than the one given with --ca (`sweep tls init` made ca.pem)"
        } else if why.contains("NotValidForName") {
            "; its certificate is not for this name: give `sweep tls init` every name and address that is used"
        } else if why.contains("Expired") {
            "; its certificate has expired: `sweep tls init` makes a new one of the same CA"
        } else if why.contains("InvalidContentType") || why.contains("corrupt message") {
            "; it seems to speak plain text: use http://"
        } else {
            ""
        };
        Error::Unreachable { url: self.url.clone(), why: format!("{why}{remedy}") }
    }
}

/// A connection over `io`, whose other end is served in this process: nobody is to be found, trusted or shown a token.
///
/// # Errors
/// [`Error::Unreachable`] where nobody serves the other end.
pub async fn over<I>(io: I) -> Result<Authorized>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unreachable = |why: String| Error::Unreachable { url: "this process".to_owned(), why };
    let mut io = Some(TokioIo::new(io));
    // The name is asked for and never looked up.
    let endpoint = Endpoint::from_static("http://embedded");
    let connector = tower::service_fn(move |_: Uri| {
        let taken = io.take().ok_or_else(|| std::io::Error::other("the connection has ended"));
        async move { taken }
    });
    let channel = endpoint.connect_with_connector(connector).await.map_err(|error| unreachable(chain(&error)))?;
    Ok(InterceptedService::new(channel, Bearer(None)))
}

/// The token in a file.
///
/// # Errors
/// [`Error::File`], [`Error::Token`].
pub fn read_token(path: &Path) -> Result<String> {
    let token = read(path)?.trim().to_owned();
    let is_one = token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit());
    if is_one { Ok(token) } else { Err(Error::Token(path.display().to_string())) }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::File(path.display().to_string(), error))
}

/// Shows a token with every call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// The address with its port, and its host without brackets.
fn parse(url: &str) -> Result<(Uri, String)> {
    let wrong = || Error::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let port = match authority.strip_prefix(host.as_str()).ok_or_else(wrong)? {
        "" => PORT,
        _ => uri.port_u16().filter(|port| *port > 0).ok_or_else(wrong)?,
    };
    let scheme = uri.scheme_str().filter(|scheme| ["https", "http"].contains(scheme)).ok_or_else(wrong)?;
    if uri.path() != "/" || uri.query().is_some() {
        return Err(wrong());
    }
    let whole = format!("{scheme}://{host}:{port}").parse().map_err(|_| wrong())?;
    Ok((whole, host.trim_matches(['[', ']']).to_owned()))
}

/// Whether `host` is this machine, whatever the network is.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// An error with everything that it stems from.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    // tonic's outermost words say nothing where there are inner ones.
    if parts.len() > 1 && parts[0] == "transport error" {
        parts.remove(0);
    }
    parts.join(": ")
}

/// SHA-256 of a certificate's bytes, in hex, as `openssl x509 -fingerprint -sha256` computes it.
pub fn fingerprint(certificate: &[u8]) -> String {
    digest(&SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The certificate with this fingerprint among those that the coordinator at `url` shows, PEM. Nothing is sent but the
/// greeting of TLS; whoever answers can show nothing else that has this fingerprint.
///
/// # Errors
/// [`Error::Url`], [`Error::Unreachable`], [`Error::Fingerprint`].
pub async fn pinned(url: &str, wanted: &str) -> Result<String> {
    let (uri, host) = parse(url)?;
    if uri.scheme_str() != Some("https") {
        return Err(Error::Url(url.to_owned()));
    }
    let unreachable = |why: String| Error::Unreachable { url: url.to_owned(), why };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seen = Arc::new(Onlooker { seen: Mutex::new(Vec::new()), provider: Arc::clone(&provider) });
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from(host.clone()).map_err(|_| Error::Url(url.to_owned()))?;
    let shake = async {
        let port = uri.port_u16().unwrap_or(PORT);
        let stream = tokio::net::TcpStream::connect((host.as_str(), port)).await?;
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, shake).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable("it does not answer".to_owned())),
    }
    let shown = seen.seen.lock().expect("no holder panics").clone();
    let wanted = wanted.replace(':', "").to_lowercase();
    match shown.iter().find(|certificate| fingerprint(certificate) == wanted) {
        Some(certificate) => Ok(pem(certificate)),
        None => Err(Error::Fingerprint {
            url: url.to_owned(),
            fingerprint: wanted,
            shown: shown.iter().map(|c| fingerprint(c)).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Looks at the certificates and trusts none: nothing is said to who showed them.
#[derive(Debug)]
struct Onlooker {
    seen: Mutex<Vec<CertificateDer<'static>>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(end).chain(others).map(|c| c.clone().into_owned()).collect();
        *self.seen.lock().expect("no holder panics") = all;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate as PEM.
fn pem(certificate: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in certificate.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize] as char;
            text.push(if i <= three.len() { digit } else { '=' });
        }
    }
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_text_stays_on_this_machine_unless_told() {
        let refused = |url: &str| {
            let address = Address { url: url.to_owned(), ..Address::default() };
            async move { address.connect().await.unwrap_err() }
        };
        assert!(matches!(refused("http://10.0.0.1:7440").await, Error::Plaintext(_)));
        assert!(matches!(refused("http://coordinator:7440").await, Error::Plaintext(_)));
        // Port 1: nobody listens there.
        assert!(matches!(refused("http://127.0.0.1:1").await, Error::Unreachable { .. }));
        assert!(matches!(refused("http://[::1]:1").await, Error::Unreachable { .. }));
        for wrong in [
            "",
            "coordinator:7440",
            "ftp://a:1",
            "https://",
            "https://a:1/path",
            "https://a:99999",
            "https://u@a:1",
            "https://a:0",
        ] {
            assert!(matches!(refused(wrong).await, Error::Url(_)), "{wrong}");
        }
    }

    #[test]
    fn a_port_that_is_not_named_is_the_coordinators() {
        let port = |url: &str| parse(url).unwrap().0.port_u16();
        assert_eq!((port("https://a"), port("http://[::1]"), port("https://a:9/")), (Some(7440), Some(7440), Some(9)));
        assert_eq!(parse("http://[::1]:5").unwrap().1, "::1");
    }

    #[test]
    fn a_certificate_is_written_in_base_64() {
        // RFC 4648, section 10.
        for (bytes, text) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(pem(bytes.as_bytes()).lines().nth(1), Some(text));
        }
    }

    #[test]
    fn a_fingerprint_is_the_sha_256_of_the_bytes() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_token_file_that_holds_no_token_is_refused_by_path() {
        let path = std::env::temp_dir().join(format!("sweep-token-{}", std::process::id()));
        std::fs::write(&path, "secret\n").unwrap();
        let refused = Address::from_files("https://a:1", Some(&path), None, false).unwrap_err();
        assert!(matches!(&refused, Error::Token(named) if named.contains("sweep-token-")), "{refused}");
        std::fs::write(&path, format!("{}\n", "0f".repeat(32))).unwrap();
        let address = Address::from_files("https://a:1", Some(&path), None, false).unwrap();
        assert_eq!(address.token.as_deref(), Some(&*"0f".repeat(32)));
        assert!(!format!("{address:?}").contains("0f0f"), "a token is never shown");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Address::from_files("https://a:1", Some(&path), None, false), Err(Error::File(..))));
    }
}
