//! `mentiond health`: asks the daemon that runs with this configuration whether it is well. For containers, which have
//! no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::output::{say, say_json, short};
use super::{Failure, load};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const MAX_ANSWER: u64 = 16 * 1024;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Ask whether it has started completely (/readyz) instead
    #[arg(long)]
    ready: bool,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let Some(configured) = config.daemon.http else {
        return Err(Failure::Usage(
            "mentiond: `http` in [daemon] is \"off\", so there is nobody to ask; give it an address".into(),
        ));
    };
    let address = reachable(configured);
    let path = if arguments.ready { "/readyz" } else { "/healthz" };
    let answer = tokio::time::timeout(PATIENCE, get(address, path)).await;
    let (well, said) = match answer {
        Ok(Ok((status, body))) => (status == 200, short(&body, 500)),
        Ok(Err(error)) => (false, format!("no mentiond answers on {address}: {error}; is it running?")),
        Err(_) => (false, format!("mentiond does not answer on {address} within {} s", PATIENCE.as_secs())),
    };
    if arguments.json {
        say_json(&json!({ "well": well, "said": said }))?;
    } else if well {
        say(&said);
    }
    if well { Ok(()) } else { Err(Failure::Failed(said)) }
}

/// Where a daemon that listens on `address` can be reached from the same machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Status and body (RFC 9112; the answer ends with the connection).
async fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.trim().to_owned())),
        _ => Err(std::io::Error::other("what answers there is no mentiond")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_everybody_is_asked_on_this_machine() {
        for (configured, asked) in
            [("0.0.0.0:8420", "127.0.0.1:8420"), ("[::]:80", "[::1]:80"), ("192.0.2.7:1", "192.0.2.7:1")]
        {
            assert_eq!(reachable(configured.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
