//! Opening a session: TCP, greeting, EHLO, encryption, login. Ends with a relay that is ready for mail, or with the
//! outcome for every mail that waits.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::model::{Secret, SendOutcome, SmtpTls};

use super::Envelope;
use super::limits::Limits;
use super::reply::Reply;
use super::tls::Tls;
use super::wire::{Stream, Wire, WireFault};
use super::words::{Name, code, shown, wire_words};

/// Addresses of one name that are tried, in the resolver's order.
const MAX_ADDRESSES: usize = 8;

/// All that is needed to open a session.
pub(super) struct Opener {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<(String, Secret)>,
    pub(super) limits: Limits,
    pub(super) relay: Name,
}

/// How the session is protected; what must be encrypted has what it takes.
pub(super) enum Security {
    Clear,
    StartTls(Tls),
    Implicit(Tls),
}

impl Security {
    pub(super) fn new(
        wish: SmtpTls,
        tls: impl FnOnce() -> Result<Tls, super::super::MailError>,
    ) -> Result<Self, super::super::MailError> {
        Ok(match wish {
            SmtpTls::None => Self::Clear,
            SmtpTls::StartTls => Self::StartTls(tls()?),
            SmtpTls::Implicit => Self::Implicit(tls()?),
        })
    }
}

/// A session that is ready for mail.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) offers: Offers,
    /// The last transaction did not end by itself: RSET comes before the next one.
    pub(super) unfinished: bool,
    /// The envelope that left together with the end of the last message, its replies not read yet.
    pub(super) announced: Option<Envelope>,
}

/// What the relay offers (RFC 5321, 4.1.1.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) starttls: bool,
    /// SIZE (RFC 1870): offered, with the largest message in bytes unless that is 0 or unsaid.
    pub(super) size: Option<Option<u64>>,
    /// 8BITMIME (RFC 6152).
    pub(super) eight_bit: bool,
    /// PIPELINING (RFC 2920).
    pub(super) pipelining: bool,
    plain: bool,
    login: bool,
}

impl Opener {
    /// Opens a session.
    pub(super) async fn open(&self) -> Result<Session, SendOutcome> {
        let tcp = self.connect().await?;
        let hello = hello_name(tcp.local_addr().ok());
        let mut stream: Box<dyn Stream> = Box::new(tcp);
        if let Security::Implicit(tls) = &self.security {
            stream = self.encrypt(tls, stream).await?;
        }
        let mut wire = Wire::new(stream);
        match wire.reply(self.limits.command).await {
            Ok(reply) if reply.is_done() => {}
            Ok(reply) => return Err(self.relay.not_now(&reply)),
            Err(why) => return Err(self.relay.broke("before its greeting", &why)),
        }
        let mut offers = self.ehlo(&mut wire, &hello).await?;
        if let Security::StartTls(tls) = &self.security {
            wire = self.start_tls(tls, wire, &offers).await?;
            // What was said in the clear counts for nothing (RFC 3207, 4.2).
            offers = self.ehlo(&mut wire, &hello).await?;
        }
        if let Some((username, password)) = &self.login {
            self.log_in(&mut wire, &offers, username, password).await?;
        }
        Ok(Session { wire, offers, unfinished: false, announced: None })
    }

    async fn connect(&self) -> Result<TcpStream, SendOutcome> {
        let limit = self.limits.connect;
        let addresses: Vec<SocketAddr> = match timeout(limit, lookup_host((self.host.as_str(), self.port))).await {
            Ok(Ok(found)) => found.take(MAX_ADDRESSES).collect(),
            Ok(Err(fault)) => return Err(self.relay.no_connection(&format!("its name was not found ({fault})"))),
            Err(_) => return Err(self.relay.no_connection("the name server is silent")),
        };
        let mut why = "its name has no address".to_owned();
        for address in addresses {
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // A message and its end mark are several small packets. With Nagle's algorithm each waits for the
                    // relay's delayed acknowledgement, some 40 ms a mail. Failing to turn it off costs speed only.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(fault)) => why = format!("{address}: {fault}"),
                Err(_) => why = format!("{address}: no answer in {} s", limit.as_secs()),
            }
        }
        Err(self.relay.no_connection(&why))
    }

    async fn encrypt(&self, tls: &Tls, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, SendOutcome> {
        match timeout(self.limits.tls, tls.wrap(stream)).await {
            Ok(wrapped) => wrapped.map_err(|why| self.relay.no_encryption(&why)),
            Err(_) => Err(self.relay.no_encryption("it was silent during the handshake")),
        }
    }

    async fn ehlo(&self, wire: &mut Wire, hello: &str) -> Result<Offers, SendOutcome> {
        match wire.command(&format!("EHLO {hello}"), self.limits.command).await {
            Ok(reply) if reply.is_done() => Ok(Offers::read(&reply)),
            Ok(reply) => Err(self.relay.not_now(&reply)),
            Err(why) => Err(self.relay.broke("at EHLO", &why)),
        }
    }

    async fn start_tls(&self, tls: &Tls, mut wire: Wire, offers: &Offers) -> Result<Wire, SendOutcome> {
        const CLEAR: &str = "mentiond refuses to send in the clear. Ask the relay's operator, or set [mail] tls = \
                             \"implicit\" with port 465 if it offers that; somebody on the way may also have removed \
                             the offer";
        if !offers.starttls {
            return Err(self.relay.insecure(None, &format!("offers no encryption (STARTTLS), and {CLEAR}")));
        }
        match wire.command("STARTTLS", self.limits.command).await {
            Ok(reply) if reply.code == 220 => {}
            Ok(reply) if reply.code >= 500 => {
                let what = format!("refuses to encrypt ({}), and {CLEAR}", shown(&reply));
                return Err(self.relay.insecure(code(&reply), &what));
            }
            Ok(reply) => return Err(self.relay.not_now(&reply)),
            Err(why) => return Err(self.relay.broke("at STARTTLS", &why)),
        }
        let stream = wire.into_stream().map_err(|why| self.relay.no_encryption(&wire_words(&why)))?;
        Ok(Wire::new(self.encrypt(tls, stream).await?))
    }

    /// AUTH (RFC 4954) with PLAIN (RFC 4616), else LOGIN. Nothing of the dialogue goes into a fault but the codes: some
    /// relays repeat in their answer what they were sent.
    async fn log_in(
        &self,
        wire: &mut Wire,
        offers: &Offers,
        username: &str,
        password: &Secret,
    ) -> Result<(), SendOutcome> {
        let limit = self.limits.command;
        let step = "at the login";
        let plain = Secret::new(&STANDARD.encode(format!("\0{username}\0{}", password.expose())));
        let encoded = Secret::new(&STANDARD.encode(password.expose()));
        // The longer ones first: what is left of one must not keep the shorter ones from being found.
        wire.never_quote([plain.clone(), encoded.clone(), password.clone()]);
        let ended = if offers.plain {
            wire.command(&format!("AUTH PLAIN {}", plain.expose()), limit).await
        } else if offers.login {
            match wire.command("AUTH LOGIN", limit).await {
                Ok(reply) if reply.code == 334 => match wire.command(&STANDARD.encode(username), limit).await {
                    Ok(reply) if reply.code == 334 => wire.command(encoded.expose(), limit).await,
                    other => other,
                },
                other => other,
            }
        } else {
            return Err(self.relay.locked(
                None,
                "offers no login that mentiond knows (AUTH PLAIN or LOGIN) on this connection; check [mail] port and \
                 tls, or leave username and password out",
            ));
        };
        match ended {
            Ok(reply) if reply.is_done() => Ok(()),
            Ok(reply) => Err(self.login_refused(&reply)),
            Err(WireFault::Nonsense(_)) => Err(self.relay.unfit("is not understood at the login")),
            Err(why) => Err(self.relay.broke(step, &why)),
        }
    }

    fn login_refused(&self, reply: &Reply) -> SendOutcome {
        let bare = Reply { code: reply.code, lines: vec![reply.enhanced().unwrap_or_default().to_owned()] };
        match reply.code {
            500..=599 => self.relay.locked(
                code(reply),
                &format!("refuses the login ({}); all mail waits: check [mail] username and password", shown(&bare)),
            ),
            400..=499 => self.relay.not_now(&bare),
            _ => self.relay.unfit("asked for more than username and password at the login"),
        }
    }
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Old relays write AUTH=LOGIN.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("SIZE") => {
                    offers.size = Some(words.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0));
                }
                Some("AUTH") => {
                    for mechanism in words {
                        offers.plain |= mechanism == "PLAIN";
                        offers.login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

/// The name for EHLO (RFC 5321, 4.1.4): this machine's if it is a full domain name, else the address we speak from.
fn hello_name(local: Option<SocketAddr>) -> String {
    let own = hostname::get().ok().and_then(|name| name.into_string().ok());
    if let Some(name) = own.filter(|name| is_full_name(name)) {
        return name;
    }
    match local {
        Some(SocketAddr::V4(address)) => format!("[{}]", address.ip()),
        Some(SocketAddr::V6(address)) => match address.ip().to_ipv4_mapped() {
            Some(ip) => format!("[{ip}]"),
            None => format!("[IPv6:{}]", address.ip()),
        },
        None => "[127.0.0.1]".to_owned(),
    }
}

fn is_full_name(name: &str) -> bool {
    name.len() <= 255
        && name.contains('.')
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_in_any_notation() {
        let lines = [
            "mail.example.com",
            "size 1000",
            "Pipelining",
            "AUTH=LOGIN",
            "auth plain cram-md5",
            "StartTLS",
            "8BITMIME",
            "",
        ];
        let reply = Reply { code: 250, lines: lines.map(str::to_owned).to_vec() };
        let wanted = Offers {
            starttls: true,
            size: Some(Some(1000)),
            eight_bit: true,
            pipelining: true,
            plain: true,
            login: true,
        };
        assert_eq!(Offers::read(&reply), wanted);
        // The first line is the relay's name, whatever it looks like.
        let named = Reply { code: 250, lines: vec!["STARTTLS".to_owned(), "SIZE".to_owned(), "SIZE 0".to_owned()] };
        assert_eq!(Offers::read(&named), Offers { size: Some(None), ..Offers::default() });
    }

    #[test]
    fn the_greeting_name_is_a_full_name_or_an_address() {
        for (name, full) in [
            ("mail.example.com", true),
            ("localhost", false),
            ("a_b.example.com", false),
            ("a..b", false),
            ("-a.b", false),
            ("a.b\r\nX", false),
            ("", false),
        ] {
            assert_eq!(is_full_name(name), full, "{name:?}");
        }
        let name = hello_name(Some(([127, 0, 0, 1], 1).into()));
        assert!(name == "[127.0.0.1]" || is_full_name(&name));
    }
}
