//! Which addresses may be contacted. Pure: no lookup, no socket; `resolve` asks it for names, `http` for literals.
//!
//! The rule is an allow-list: an IPv6 address must be global unicast (2000::/3), an IPv4 address outside every
//! special-purpose block of the IANA registries (RFC 6890 and its updates). Whatever embeds an IPv4 address is
//! judged by that address as well. `allow_networks` is the only way around it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// The guard: the fixed rules and the networks that the configuration exempts from them.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    allow: Vec<IpNet>,
}

/// Why something is not contacted, with what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{host} is {reason} ({address}), which is not contacted{}", hint(*reason, address))]
    Address { host: String, address: IpAddr, reason: Reason },
    #[error("{host} is a name of this machine, which is not contacted{}", hint(Reason::Loopback, &IpAddr::V4(Ipv4Addr::LOCALHOST)))]
    LocalName { host: String },
    #[error("addresses that begin with \"{scheme}:\" are not fetched; only http and https are")]
    Scheme { scheme: String },
    #[error("the address names no host")]
    NoHost,
    #[error("port {port} of {host} belongs to another protocol and is not contacted")]
    Port { host: String, port: u16 },
}

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Loopback,
    Private,
    LinkLocal,
    CarrierNat,
    Metadata,
    Multicast,
    Unspecified,
    Documentation,
    Benchmarking,
    Reserved,
    UniqueLocal,
    SiteLocal,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Loopback => "this machine itself",
            Reason::Private => "in a private network",
            Reason::LinkLocal => "a link-local address",
            Reason::CarrierNat => "in a provider's internal network",
            Reason::Metadata => "a cloud provider's metadata service",
            Reason::Multicast => "a multicast address",
            Reason::Unspecified => "the unspecified address",
            Reason::Documentation => "an address for documentation only",
            Reason::Benchmarking => "an address for benchmarks only",
            Reason::Reserved => "a reserved address",
            Reason::UniqueLocal => "in a private (unique local) network",
            Reason::SiteLocal => "in a private (site-local) network",
        })
    }
}

impl Guard {
    /// A guard that lets `allow` through besides public addresses.
    pub(crate) fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// Scheme, port, and the host as far as it can be judged without a lookup: an IP literal in any notation (`url`
    /// has normalised `0x7f.1`, `2130706433` and the like), or a name that must mean this machine (RFC 6761, 6.3).
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme { scheme: url.scheme().to_owned() });
        }
        let host = url.host().ok_or(Refusal::NoHost)?;
        if let Some(port) = url.port()
            && BLOCKED_PORTS.binary_search(&port).is_ok()
        {
            return Err(Refusal::Port { host: host.to_string(), port });
        }
        match host {
            Host::Ipv4(ip) => self.check(&ip.to_string(), ip.into()),
            Host::Ipv6(ip) => self.check(&host.to_string(), ip.into()),
            Host::Domain(name) => self.check_name(name),
        }
    }

    /// Judges one address of `host`.
    pub(crate) fn check(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        match self.reason(address) {
            None => Ok(()),
            Some(reason) => Err(Refusal::Address { host: host.to_owned(), address, reason }),
        }
    }

    /// The addresses of a name that may be contacted; an error if there were some and none may.
    pub(crate) fn filter(&self, name: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refusal> {
        let mut first = None;
        let mut kept = Vec::with_capacity(found.len());
        for address in found {
            match self.check(name, address) {
                Ok(()) => kept.push(address),
                Err(refusal) => first = first.or(Some(refusal)),
            }
        }
        match first {
            Some(refusal) if kept.is_empty() => Err(refusal),
            _ => Ok(kept),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let bare = name.trim_end_matches('.');
        if bare.is_empty() {
            return Err(Refusal::NoHost);
        }
        let local = bare == "localhost" || bare.ends_with(".localhost");
        let allowed = || self.allows(Ipv4Addr::LOCALHOST.into()) || self.allows(Ipv6Addr::LOCALHOST.into());
        if local && !allowed() {
            return Err(Refusal::LocalName { host: name.to_owned() });
        }
        Ok(())
    }

    /// None if the address may be contacted.
    fn reason(&self, address: IpAddr) -> Option<Reason> {
        if self.allows(address) {
            return None;
        }
        match address {
            IpAddr::V4(v4) => reason_v4(v4),
            IpAddr::V6(v6) => {
                if let Some(v4) = v6.to_ipv4_mapped() {
                    return self.reason(v4.into());
                }
                let embedded = embedded_v4(v6);
                if let Some(reason) = embedded.iter().flatten().find_map(|v4| self.reason((*v4).into())) {
                    return Some(reason);
                }
                reason_v6(v6)
            }
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        // `::ffff:a.b.c.d` is a.b.c.d to the kernel, so a network may be written either way.
        let mapped = match address {
            IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        };
        self.allow.iter().any(|net| net.contains(&address) || net.contains(&mapped))
    }
}

/// Ports that web browsers refuse too, sorted: mail, ssh, printers and others whose protocols can be spoken by
/// accident with an HTTP request (WHATWG Fetch, "port blocking").
const BLOCKED_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// IANA IPv4 Special-Purpose Address Registry, the more special first.
const SPECIAL_V4: [(Ipv4Net, Reason); 19] = [
    (v4(0, 0, 0, 0, 32), Reason::Unspecified),
    (v4(0, 0, 0, 0, 8), Reason::Reserved),
    (v4(127, 0, 0, 0, 8), Reason::Loopback),
    (v4(10, 0, 0, 0, 8), Reason::Private),
    (v4(172, 16, 0, 0, 12), Reason::Private),
    (v4(192, 168, 0, 0, 16), Reason::Private),
    (v4(169, 254, 169, 254, 32), Reason::Metadata),
    (v4(169, 254, 0, 0, 16), Reason::LinkLocal),
    (v4(100, 100, 100, 200, 32), Reason::Metadata),
    (v4(100, 64, 0, 0, 10), Reason::CarrierNat),
    // Azure's host service: a public address that never leaves the host (Azure documentation, "168.63.129.16").
    (v4(168, 63, 129, 16, 32), Reason::Metadata),
    (v4(192, 0, 2, 0, 24), Reason::Documentation),
    (v4(198, 51, 100, 0, 24), Reason::Documentation),
    (v4(203, 0, 113, 0, 24), Reason::Documentation),
    (v4(198, 18, 0, 0, 15), Reason::Benchmarking),
    (v4(192, 0, 0, 0, 24), Reason::Reserved),
    // Relays of 6to4 (RFC 7526): what answers there, answers for somebody else.
    (v4(192, 88, 99, 0, 24), Reason::Reserved),
    (v4(224, 0, 0, 0, 4), Reason::Multicast),
    (v4(240, 0, 0, 0, 4), Reason::Reserved),
];

/// IANA IPv6 Special-Purpose Address Registry, blocks inside and outside 2000::/3.
const SPECIAL_V6: [(Ipv6Net, Reason); 12] = [
    (v6(0xfe80, 0, 0, 10), Reason::LinkLocal),
    (v6(0xfec0, 0, 0, 10), Reason::SiteLocal),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), Reason::Metadata),
    (v6(0xfc00, 0, 0, 7), Reason::UniqueLocal),
    (v6(0xff00, 0, 0, 8), Reason::Multicast),
    (v6(0x2001, 0xdb8, 0, 32), Reason::Documentation),
    (v6(0x3fff, 0, 0, 20), Reason::Documentation),
    (v6(0x2001, 2, 0, 48), Reason::Benchmarking),
    // Identifiers, not places (ORCHID, RFC 4843 and RFC 7343), and other protocol assignments of 2001::/23.
    (v6(0x2001, 0, 0, 23), Reason::Reserved),
    (v6(0x5f00, 0, 0, 16), Reason::Reserved),
    (v6(0x100, 0, 0, 64), Reason::Reserved),
    (v6(0x64, 0xff9b, 1, 48), Reason::Private),
];

const TEREDO: Ipv6Net = v6(0x2001, 0, 0, 32);
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 16);
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

fn reason_v4(address: Ipv4Addr) -> Option<Reason> {
    SPECIAL_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, reason)| *reason)
}

fn reason_v6(address: Ipv6Addr) -> Option<Reason> {
    if address.is_unspecified() {
        return Some(Reason::Unspecified);
    }
    if address.is_loopback() {
        return Some(Reason::Loopback);
    }
    // Judged by what they embed: Teredo's servers and clients, and the translators' well-known prefix (RFC 6052),
    // which is how an IPv6-only network reaches public IPv4 hosts.
    if TEREDO.contains(&address) || NAT64.contains(&address) {
        return None;
    }
    if let Some((_, reason)) = SPECIAL_V6.iter().find(|(net, _)| net.contains(&address)) {
        return Some(*reason);
    }
    (!GLOBAL_UNICAST.contains(&address)).then_some(Reason::Reserved)
}

/// IPv4 addresses that an IPv6 address carries: IPv4-compatible (RFC 4291, 2.5.5.1), SIIT (RFC 2765), NAT64
/// (RFC 6052), 6to4 (RFC 3056), Teredo's server and obfuscated client (RFC 4380), ISATAP (RFC 5214).
fn embedded_v4(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let s = address.segments();
    let pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    let last = pair(s[6], s[7]);
    if NAT64.contains(&address) {
        return [Some(last), None];
    }
    if SIX_TO_FOUR.contains(&address) {
        return [Some(pair(s[1], s[2])), None];
    }
    if TEREDO.contains(&address) {
        return [Some(pair(s[2], s[3])), Some(pair(!s[6], !s[7]))];
    }
    let compatible = s[..6] == [0; 6] && u32::from(last) > 1;
    let translated = s[..6] == [0, 0, 0, 0, 0xffff, 0];
    let isatap = matches!(s[4], 0 | 0x200) && s[5] == 0x5efe;
    [(compatible || translated || isatap).then_some(last), None]
}

fn hint(reason: Reason, address: &IpAddr) -> String {
    if reason == Reason::Metadata {
        // No feed is there; whoever leads a reader there is after the machine's own credentials.
        return ". That is where cloud machines fetch their own credentials: look for another address of the feed"
            .into();
    }
    format!(". If that is meant, add \"{}\" or its network to [fetch] allow_networks", IpNet::from(*address))
}

#[cfg(test)]
mod tests;
