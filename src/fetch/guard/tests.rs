use super::*;
use Reason::*;

fn guard(allow: &[&str]) -> Guard {
    Guard::new(allow.iter().map(|net| net.parse().unwrap()).collect())
}

/// None: may be contacted. Addresses as a feed, a redirect or a configuration may write them.
const ADDRESSES: &[(&str, Option<Reason>)] = &[
    // Public.
    ("http://8.8.8.8/", None),
    ("http://1.1.1.1:8080/", None),
    ("http://9.255.255.255/", None),
    ("http://11.0.0.0/", None),
    ("http://100.63.255.255/", None),
    ("http://100.128.0.0/", None),
    ("http://172.15.255.255/", None),
    ("http://172.32.0.0/", None),
    ("http://192.167.255.255/", None),
    ("http://192.169.0.0/", None),
    ("http://198.17.255.255/", None),
    ("http://198.20.0.0/", None),
    ("http://223.255.255.255/", None),
    ("http://134744072/", None), // 8.8.8.8
    ("http://[2606:4700::1111]/", None),
    ("http://[2a00:1450:4001::1]/", None),
    ("http://[::ffff:8.8.8.8]/", None),
    ("http://[64:ff9b::8.8.8.8]/", None),
    ("http://[2002:808:808::1]/", None),
    ("http://[2001:0:808:808:0:0:f7f7:f7f7]/", None), // Teredo of public hosts
    // This machine, in every notation that the URL standard reads as 127.0.0.1.
    ("http://127.0.0.1/", Some(Loopback)),
    ("http://127.1/", Some(Loopback)),
    ("http://127.0.1/", Some(Loopback)),
    ("http://127.255.255.254/", Some(Loopback)),
    ("http://0x7f.1/", Some(Loopback)),
    ("http://0x7F000001/", Some(Loopback)),
    ("http://0X7f.0x0.0x0.0x1/", Some(Loopback)),
    ("http://2130706433/", Some(Loopback)),
    ("http://017700000001/", Some(Loopback)),
    ("http://0177.0.0.1/", Some(Loopback)),
    ("http://0177.0.0.01/", Some(Loopback)),
    ("http://127.0.0.1./", Some(Loopback)),
    ("http://127.0.0.1%2e/", Some(Loopback)),
    ("http://%31%32%37.0.0.1/", Some(Loopback)),
    ("http://①②⑦.⓪.⓪.①/", Some(Loopback)),
    ("http://１２７.０.０.１/", Some(Loopback)),
    ("http://127。0。0。1/", Some(Loopback)),
    ("http://127\u{ad}.0.0.1/", Some(Loopback)),
    ("http://user:pw@127.0.0.1/", Some(Loopback)),
    ("http://8.8.8.8@127.0.0.1/", Some(Loopback)),
    ("http:\\\\127.0.0.1\\", Some(Loopback)),
    ("http:127.0.0.1", Some(Loopback)),
    ("ht\ntp://127.0\t.0.1/", Some(Loopback)),
    ("http://[::1]/", Some(Loopback)),
    ("http://[0:0:0:0:0:0:0:1]/", Some(Loopback)),
    ("http://[0000:0000:0000:0000:0000:0000:0000:0001]/", Some(Loopback)),
    ("http://[::ffff:127.0.0.1]/", Some(Loopback)),
    ("http://[::ffff:7f00:1]/", Some(Loopback)),
    ("http://[0:0:0:0:0:FFFF:7F00:1]/", Some(Loopback)),
    ("http://[::127.0.0.1]/", Some(Loopback)),
    ("http://[::ffff:0:127.0.0.1]/", Some(Loopback)),
    ("http://[64:ff9b::127.0.0.1]/", Some(Loopback)),
    ("http://[64:ff9b::7f00:1]/", Some(Loopback)),
    ("http://[2002:7f00:1::]/", Some(Loopback)),
    ("http://[2001:0:7f00:1::]/", Some(Loopback)), // Teredo, server
    ("http://[2001:0:808:808:0:0:80ff:fffe]/", Some(Loopback)), // Teredo, client 127.0.0.1
    ("http://[2606:4700::5efe:127.0.0.1]/", Some(Loopback)), // ISATAP
    ("http://[2606:4700::200:5efe:127.0.0.1]/", Some(Loopback)),
    // Unspecified: to Linux the same machine.
    ("http://0/", Some(Unspecified)),
    ("http://0.0.0.0/", Some(Unspecified)),
    ("http://0x0/", Some(Unspecified)),
    ("http://[::]/", Some(Unspecified)),
    ("http://[::ffff:0.0.0.0]/", Some(Unspecified)),
    ("http://0.0.0.1/", Some(Reserved)),
    // Private, link-local, carrier, metadata.
    ("http://10.0.0.0/", Some(Private)),
    ("http://10.255.255.255/", Some(Private)),
    ("http://0xa.1/", Some(Private)),
    ("http://172.16.0.1/", Some(Private)),
    ("http://172.31.255.255/", Some(Private)),
    ("http://192.168.0.1/", Some(Private)),
    ("http://[::ffff:192.168.0.1]/", Some(Private)),
    ("http://[64:ff9b::10.0.0.1]/", Some(Private)),
    ("http://[64:ff9b:1::8.8.8.8]/", Some(Private)),
    ("http://[2002:a00:1::1]/", Some(Private)),
    ("http://169.254.1.1/", Some(LinkLocal)),
    ("http://[fe80::1]/", Some(LinkLocal)),
    ("http://[febf::1]/", Some(LinkLocal)),
    ("http://169.254.169.254/latest/meta-data/", Some(Metadata)),
    ("http://2852039166/", Some(Metadata)),
    ("http://0xa9fea9fe/", Some(Metadata)),
    ("http://[::ffff:169.254.169.254]/", Some(Metadata)),
    ("http://[64:ff9b::a9fe:a9fe]/", Some(Metadata)),
    ("http://100.100.100.200/", Some(Metadata)),
    ("http://168.63.129.16/", Some(Metadata)),
    ("http://[fd00:ec2::254]/", Some(Metadata)),
    ("http://100.64.0.1/", Some(CarrierNat)),
    ("http://100.127.255.255/", Some(CarrierNat)),
    ("http://[fc00::1]/", Some(UniqueLocal)),
    ("http://[fdff::1]/", Some(UniqueLocal)),
    ("http://[fec0::1]/", Some(SiteLocal)),
    // Never a host.
    ("http://192.0.2.1/", Some(Documentation)),
    ("http://198.51.100.1/", Some(Documentation)),
    ("http://203.0.113.1/", Some(Documentation)),
    ("http://[2001:db8::1]/", Some(Documentation)),
    ("http://[3fff::1]/", Some(Documentation)),
    ("http://198.18.0.1/", Some(Benchmarking)),
    ("http://198.19.255.255/", Some(Benchmarking)),
    ("http://[2001:2::1]/", Some(Benchmarking)),
    ("http://192.0.0.1/", Some(Reserved)),
    ("http://192.88.99.1/", Some(Reserved)),
    ("http://224.0.0.1/", Some(Multicast)),
    ("http://239.255.255.255/", Some(Multicast)),
    ("http://[ff02::1]/", Some(Multicast)),
    ("http://240.0.0.1/", Some(Reserved)),
    ("http://255.255.255.255/", Some(Reserved)),
    ("http://[2001:10::1]/", Some(Reserved)),
    ("http://[2001:20::1]/", Some(Reserved)),
    ("http://[100::1]/", Some(Reserved)),
    ("http://[4000::1]/", Some(Reserved)),
    ("http://[5f00::1]/", Some(Reserved)),
    ("http://[::8.8.8.8]/", Some(Reserved)),
    ("http://[::ffff:0:8.8.8.8]/", Some(Reserved)),
    ("http://[64:ff9a::1]/", Some(Reserved)),
];

#[test]
fn every_notation_of_an_address() {
    for (text, want) in ADDRESSES {
        let url = Url::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let got = match guard(&[]).check_url(&url) {
            Ok(()) => None,
            Err(Refusal::Address { reason, .. }) => Some(reason),
            Err(other) => panic!("{text}: {other}"),
        };
        assert_eq!(got, *want, "{text} is {url}");
    }
}

#[test]
fn names_of_this_machine() {
    for name in ["localhost", "LOCALHOST", "localhost.", "localhost..", "a.localhost", "a.b.LocalHost.", "ⓛocalhost"]
    {
        let url = Url::parse(&format!("http://{name}/")).unwrap();
        let refusal = guard(&[]).check_url(&url).unwrap_err();
        assert!(matches!(refusal, Refusal::LocalName { .. }), "{name}: {refusal}");
        assert_eq!(guard(&["127.0.0.0/8"]).check_url(&url), Ok(()), "{name}");
        assert_eq!(guard(&["::1/128"]).check_url(&url), Ok(()), "{name}");
    }
    for name in ["localhost.example.com", "notlocalhost", "example.com."] {
        assert_eq!(guard(&[]).check_url(&Url::parse(&format!("http://{name}/")).unwrap()), Ok(()), "{name}");
    }
}

#[test]
fn other_schemes_and_other_protocols_ports() {
    for text in
        ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "data:,x", "javascript:1", "ws://a/"]
    {
        let refusal = guard(&["0.0.0.0/0"]).check_url(&Url::parse(text).unwrap()).unwrap_err();
        assert!(matches!(refusal, Refusal::Scheme { .. }), "{text}: {refusal}");
    }
    assert!(BLOCKED_PORTS.is_sorted());
    for port in [0, 22, 25, 465, 587, 993, 6667, 10080] {
        let url = Url::parse(&format!("http://example.com:{port}/")).unwrap();
        assert!(matches!(guard(&[]).check_url(&url), Err(Refusal::Port { .. })), "{port}");
    }
    for address in
        ["http://example.com/", "https://example.com/", "http://example.com:8080/", "http://example.com:443/"]
    {
        assert_eq!(guard(&[]).check_url(&Url::parse(address).unwrap()), Ok(()), "{address}");
    }
}

#[test]
fn allowed_networks_open_exactly_themselves() {
    for (net, address, open) in [
        ("127.0.0.0/8", "127.0.0.1", true),
        ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ("127.0.0.0/8", "64:ff9b::127.0.0.1", true),
        ("127.0.0.0/8", "::1", false),
        ("127.0.0.0/8", "10.0.0.1", false),
        ("127.0.0.0/8", "::127.0.0.1", false),
        ("127.0.0.1/32", "127.0.0.2", false),
        ("::ffff:127.0.0.0/104", "127.0.0.1", true),
        ("::1/128", "::1", true),
        ("::1/128", "127.0.0.1", false),
        ("10.0.0.0/8", "169.254.169.254", false),
        ("169.254.169.254/32", "169.254.169.254", true),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "fc00::1", false),
        ("0.0.0.0/0", "10.0.0.1", true),
        ("0.0.0.0/0", "fe80::1", false),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(guard(&[net]).check("h", address).is_ok(), open, "{net} and {address}");
    }
}

#[test]
fn of_a_names_addresses_only_the_public_ones_are_used() {
    let ips = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
    let guard = guard(&[]);
    assert_eq!(guard.filter("n", ips(&["10.0.0.1", "8.8.8.8", "::1"])), Ok(ips(&["8.8.8.8"])));
    assert_eq!(guard.filter("n", Vec::new()), Ok(Vec::new()));
    let refusal = guard.filter("evil.example", ips(&["169.254.169.254", "::1"])).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "evil.example is a cloud provider's metadata service (169.254.169.254), which is not contacted. \
         That is where cloud machines fetch their own credentials: look for another address of the feed"
    );
}
