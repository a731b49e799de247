//! A small blocking HTTP client for AWS's JSON protocols, for tests that must not depend on the code they
//! test. One keep-alive connection; any I/O error is the caller's to interpret.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// A connection, acting as one access key in one Region.
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    access_key: String,
    region: String,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; an empty one is `null`.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Client {
    pub fn new(address: SocketAddr, access_key: &str, region: &str) -> Self {
        Self { address, stream: None, access_key: access_key.to_owned(), region: region.to_owned() }
    }

    /// Calls a JSON operation: `target` is e.g. `Logs_20140328.CreateLogGroup`.
    pub fn call(&mut self, target: &str, input: &Value) -> io::Result<Answer> {
        let (service, version) = match target.split_once('.') {
            Some(("Logs_20140328", _)) => ("logs", "1.1"),
            Some(("GraniteServiceVersion20100801", _)) => ("monitoring", "1.0"),
            _ => ("cloudtrail", "1.1"),
        };
        let content_type = format!("application/x-amz-json-{version}");
        self.send(
            "POST",
            "/",
            service,
            &[("X-Amz-Target", target), ("Content-Type", &content_type)],
            input.to_string().as_bytes(),
        )
    }

    /// Calls an X-Ray operation by its path.
    pub fn xray(&mut self, path: &str, input: &Value) -> io::Result<Answer> {
        self.send("POST", path, "xray", &[("Content-Type", "application/json")], input.to_string().as_bytes())
    }

    /// Sends any request and reads the answer.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={}/20260101/{}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n",
            self.address,
            body.len(),
            self.access_key,
            self.region,
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let result = self.exchange(&bytes);
        if result.is_err() {
            self.stream = None;
        }
        result
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
                self.stream.insert(BufReader::new(stream))
            }
        };
        stream.get_mut().write_all(request)?;
        let status_line = line(stream)?;
        let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(malformed)?;
        let mut length = 0;
        loop {
            let header = line(stream)?;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').ok_or_else(malformed)?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| malformed())?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer this client understands")
}
