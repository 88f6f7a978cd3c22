//! One HTTP exchange at a time, as told: who may be asked, with which credentials and how often is not decided
//! here. Redirects and refusals are answers like others, and go back to whoever asked.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error};

/// Silence after which a connection counts as dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// What is kept of an answer that is not content: registries explain themselves in a few lines.
const MAX_REFUSAL_BYTES: u64 = 64 * 1024;
const INPUT_BUFFER_BYTES: usize = 128 * 1024;

/// A GET, complete but for the range.
#[derive(Debug, Deserialize)]
pub struct Request {
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Certificates in PEM to trust instead of the public ones.
    pub ca: Option<String>,
}

/// An answer's head; `body` only where the answer is not content.
#[derive(Debug, Serialize)]
pub struct Head {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

/// Why an exchange failed; the code is errno's name, or `ENOTFOUND`, `ETIMEDOUT`, `ETLS`.
#[derive(Debug, Serialize)]
pub struct Cut {
    pub code: Option<&'static str>,
    pub reason: String,
}

/// Content on its way: the offset in the blob at which it starts, and its bytes.
pub struct Content {
    pub starts_at: u64,
    pub bytes: Box<dyn Read + Send>,
}

/// Connections, kept open between exchanges.
#[derive(Clone)]
pub struct Fetcher(Agent);

impl Default for Fetcher {
    fn default() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("gantry/0.1")
            .input_buffer_size(INPUT_BUFFER_BYTES)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(IDLE_TIMEOUT))
            .timeout_per_write(Some(IDLE_TIMEOUT))
            .build();
        Fetcher(Agent::new_with_config(config))
    }
}

impl Fetcher {
    /// Breaks off whatever is under way, from any thread; later exchanges fail.
    pub fn shut_down(&self) {
        self.0.clone().shutdown();
    }

    /// Asks for the blob from `offset` on. Content comes with the statuses 200 and 206 only.
    pub fn get(&self, request: &Request, offset: u64) -> Result<(Head, Option<Content>), Cut> {
        let mut response = self.send(request, offset).map_err(|e| cut(&e))?;
        let status = response.status().as_u16();
        let headers = headers(&response);
        let starts_at = match (status, headers.get("content-range")) {
            (200, _) => Some(0),
            (206, Some(range)) => Some(range_start(range).unwrap_or(offset)),
            (206, None) => Some(offset),
            _ => None,
        };
        let Some(starts_at) = starts_at else {
            let body = Some(refusal_text(response.body_mut()));
            let head = Head {
                status,
                headers,
                body,
            };
            return Ok((head, None));
        };
        let bytes = Box::new(response.into_body().into_reader());
        let head = Head {
            status,
            headers,
            body: None,
        };
        Ok((head, Some(Content { starts_at, bytes })))
    }

    fn send(&self, request: &Request, offset: u64) -> Result<Response<Body>, Error> {
        let mut call = self.0.get(&request.url);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        if offset > 0 {
            call = call.header("range", format!("bytes={offset}-"));
        }
        match &request.ca {
            None => call.call(),
            Some(pem) => {
                let tls = TlsConfig::builder().root_certs(trusting(pem)?).build();
                call.config().tls_config(tls).build().call()
            }
        }
    }
}

fn trusting(pem: &str) -> Result<RootCerts, Error> {
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) = item? {
            certificates.push(certificate);
        }
    }
    Ok(RootCerts::from(certificates))
}

/// Values that are no text have no meaning for anybody who gets them.
fn headers(response: &Response<Body>) -> BTreeMap<String, String> {
    let all = response.headers().iter();
    all.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    })
    .collect()
}

fn range_start(content_range: &str) -> Option<u64> {
    let (start, _) = content_range.strip_prefix("bytes ")?.split_once('-')?;
    start.parse().ok()
}

fn refusal_text(body: &mut Body) -> String {
    let mut bytes = Vec::new();
    // A refusal that is cut short still tells by its status.
    let _ = body
        .as_reader()
        .take(MAX_REFUSAL_BYTES)
        .read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What broke an exchange or a body, for those who decide whether to try again.
pub fn cut(error: &Error) -> Cut {
    let code = match error {
        Error::HostNotFound => Some("ENOTFOUND"),
        Error::Timeout(_) => Some("ETIMEDOUT"),
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) => Some("ETLS"),
        Error::Io(e) => return cut_io(e),
        _ => None,
    };
    Cut {
        code,
        reason: error.to_string(),
    }
}

/// The standard library tells a name that does not resolve by its text alone.
fn resolver_code(error: &std::io::Error) -> Option<&'static str> {
    let text = error.to_string();
    if !text.starts_with("failed to lookup address") {
        return None;
    }
    let passing = text.contains("Temporary failure");
    Some(if passing { "EAI_AGAIN" } else { "ENOTFOUND" })
}

/// The same for a failed read of a body.
pub fn cut_io(error: &std::io::Error) -> Cut {
    if let Some(inner) = error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        return cut(inner);
    }
    let code = match error.kind() {
        ErrorKind::ConnectionRefused => Some("ECONNREFUSED"),
        ErrorKind::ConnectionReset => Some("ECONNRESET"),
        ErrorKind::HostUnreachable => Some("EHOSTUNREACH"),
        ErrorKind::NetworkUnreachable => Some("ENETUNREACH"),
        ErrorKind::TimedOut => Some("ETIMEDOUT"),
        // How rustls says that it does not like what the other side sent.
        ErrorKind::InvalidData => Some("ETLS"),
        _ => resolver_code(error),
    };
    Cut {
        code,
        reason: error.to_string(),
    }
}
