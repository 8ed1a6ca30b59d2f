//! Hazards 1 to 5 and 8: where requests go, and who is on the other side.

use std::sync::atomic::Ordering;

use mentiond::fetch::{Answer, Fetcher};
use mentiond::model::{ErrorClass, FetchSettings};
use url::Url;

use crate::support::web::{Reply, Web};
use crate::*;

// Hazards 1 to 5: where requests go.

#[tokio::test]
async fn hazard_1_a_private_name_or_literal_is_refused_before_a_packet() {
    let web = Web::start();
    let table = Table::new(&[
        ("loop.test", &[&["127.0.0.1"]]),
        ("loop6.test", &[&["::1"]]),
        ("meta.test", &[&["169.254.169.254"]]),
        ("mapped.test", &[&["::ffff:127.0.0.1"]]),
    ]);
    let fetcher = with_names(&FetchSettings { allow_networks: Vec::new(), ..settings() }, &table);
    for host in [
        "loop.test",
        "loop6.test",
        "meta.test",
        "mapped.test",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0",
    ] {
        let fault = fault(&fetcher, Url::parse(&format!("http://{host}:{}/", web.port())).unwrap()).await;
        assert_eq!(fault.class, ErrorClass::Forbidden, "{host}: {fault}");
        // Nobody is told how to open the way to a machine's own credentials.
        let way_out = if host == "meta.test" { "look for another address" } else { "[fetch] allow_networks" };
        assert!(fault.message.contains(way_out), "{host}: {fault}");
    }
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn hazard_2_the_address_that_was_checked_is_the_one_that_is_used() {
    let good = Web::start();
    let evil = Web::start_at(&format!("127.0.0.2:{}", good.port()), None);
    for web in [&good, &evil] {
        web.on("/", Reply::ok("feed").close());
    }
    let table = Table::new(&[("rebind.test", &[&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.2", "127.0.0.1"]])]);
    let fetcher = with_names(&settings(), &table);
    let url = || good.url_as("rebind.test", "/");

    assert_eq!(text(&get(&fetcher, url()).await.unwrap()), "feed");
    assert_eq!(table.lookups.load(Ordering::SeqCst), 1, "nothing is looked up twice, so nothing can differ");
    let refused = fault(&fetcher, url()).await;
    assert_eq!(refused.class, ErrorClass::Forbidden);
    assert!(refused.message.contains("rebind.test") && refused.message.contains("127.0.0.2"), "{refused}");
    // Of a mixed answer only the address that may be contacted is.
    assert_eq!(text(&get(&fetcher, url()).await.unwrap()), "feed");
    assert_eq!((good.connections(), evil.connections()), (2, 0));
}

#[tokio::test]
async fn hazard_3_a_redirect_to_a_private_host_or_another_protocol_is_refused_at_that_hop() {
    let (public, private) = (Web::start(), Web::start_at("127.0.0.3:0", None));
    let table = Table::new(&[("inside.test", &[&["127.0.0.3"]])]);
    let fetcher = with_names(&settings(), &table);
    let port = private.port();
    for to in [
        format!("http://127.0.0.3:{port}/"),
        format!("http://inside.test:{port}/"),
        format!("http://[::ffff:127.0.0.3]:{port}/"),
        format!("http://0x7f.3:{port}/"),
        format!("//2130706435:{port}/"),
        "file:///etc/passwd".to_owned(),
        "ftp://example.com/feed".to_owned(),
        "gopher://example.com/".to_owned(),
        "data:text/xml,<rss/>".to_owned(),
        "http://127.0.0.1:25/".to_owned(),
    ] {
        for status in [301, 302, 307] {
            public.on("/", Reply::redirect(status, &to));
            let fault = fault(&fetcher, public.url("/")).await;
            assert_eq!(fault.class, ErrorClass::Forbidden, "{to}: {fault}");
            assert!(fault.message.contains("redirects elsewhere") || to.contains("inside"), "{to}: {fault}");
        }
    }
    assert_eq!(private.connections(), 0);
}

/// The environment is the process's, so the fetch happens in a child: this very test, told so by a variable.
#[tokio::test]
async fn hazard_4_proxy_variables_of_the_environment_are_ignored() {
    const NAME: &str = "whereto::hazard_4_proxy_variables_of_the_environment_are_ignored";
    const TARGET: &str = "MENTIOND_TEST_TARGET";
    if let Ok(target) = std::env::var(TARGET) {
        assert_eq!(text(&get(&fetcher(), Url::parse(&target).unwrap()).await.unwrap()), "feed");
        return;
    }
    let (web, proxy) = (Web::start(), Web::start());
    web.on("/", Reply::ok("feed"));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME]).env(TARGET, web.url("/").as_str()).env_remove("NO_PROXY").env_remove("no_proxy");
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, proxy.url("").as_str());
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((web.hits("/"), proxy.connections()), (1, 0));
}

#[tokio::test]
async fn hazard_5_a_redirect_loop_ends_after_five() {
    let web = Web::start();
    web.on("/loop", Reply::redirect(302, "/loop"));
    let looped = fault(&fetcher(), web.url("/loop")).await;
    assert_eq!(looped.class, ErrorClass::Refused);
    assert_eq!(web.hits("/loop"), 6);

    for n in 0..5 {
        web.on(&format!("/{n}"), Reply::redirect(301, format!("{}", n + 1)));
    }
    web.on("/5", Reply::ok("end"));
    let answer = get(&fetcher(), web.url("/0")).await.unwrap();
    assert_eq!((text(&answer), moved_to(&answer)), ("end".to_owned(), Some(web.url("/5").to_string())));
}

#[tokio::test]
async fn hazard_5_credentials_stay_with_their_origin() {
    let (home, abroad) = (Web::start(), Web::start());
    let with_user = |url: Url, user: &str| {
        let mut url = url;
        url.set_username(user).unwrap();
        url.set_password(Some("p%3Aw")).unwrap();
        url
    };
    home.on("/feed", Reply::redirect(301, "/new")).on("/new", Reply::redirect(302, abroad.url("/away").as_str()));
    // Even an address that brings its own credentials sends none, and the way back does not revive them.
    abroad.on("/away", Reply::redirect(302, with_user(home.url("/back"), "mallory").as_str()));
    home.on("/back", Reply::ok("end"));
    let answer = get(&fetcher(), with_user(home.url("/feed"), "ana")).await.unwrap();
    assert_eq!(text(&answer), "end");
    assert_eq!(moved_to(&answer), None, "credentials belong to the configured address");

    let sent: Vec<_> = home.visits().iter().chain(&abroad.visits()).map(|v| v.header("authorization")).collect();
    let ana = Some("Basic YW5hOnA6dw==".to_owned());
    assert_eq!(sent, [ana.clone(), ana, None, None]);

    home.on("/closed", Reply::status(403).header("Content-Type", "application/json"));
    let refused = fault(&fetcher(), with_user(home.url("/closed"), "ana")).await;
    assert_eq!(refused.class, ErrorClass::Auth);
}

#[tokio::test]
async fn an_encrypted_address_that_leads_to_an_open_one() {
    let (tls, open) = (Web::start_tls("good"), Web::start());
    open.on("/feed", Reply::ok("feed"));
    tls.on("/feed", Reply::redirect(301, open.url("/feed").as_str()));
    let answer = get(&fetcher(), tls.url("/feed")).await.unwrap();
    assert_eq!((text(&answer), moved_to(&answer)), ("feed".to_owned(), None), "followed, but not remembered");

    let mut url = tls.url("/feed");
    url.set_username("ana").unwrap();
    let refused = fault(&fetcher(), url).await;
    assert_eq!(refused.class, ErrorClass::Forbidden);
    assert_eq!(open.hits("/feed"), 1);
}

#[tokio::test]
async fn redirects_count_as_a_move_as_far_as_they_are_permanent() {
    let web = Web::start();
    web.on("/a", Reply::redirect(301, "/b"))
        .on("/b", Reply::redirect(308, "/c"))
        .on("/c", Reply::redirect(302, "/d"))
        .on("/d", Reply::redirect(301, "/e"))
        .on("/e", Reply::ok("end").etag("\"e\""));
    for (start, want) in [("/a", Some("/c")), ("/b", Some("/c")), ("/c", None), ("/d", Some("/e")), ("/e", None)] {
        let answer = get(&fetcher(), web.url(start)).await.unwrap();
        assert_eq!(moved_to(&answer), want.map(|path| web.url(path).to_string()), "{start}");
        let cursor = validators(&answer);
        let again = fetcher().get(&web.url(start), &cursor).await.unwrap();
        assert!(matches!(again, Answer::NotModified { .. }), "validators reach the document through redirects");
        assert_eq!(moved_to(&again), want.map(|path| web.url(path).to_string()), "{start}, unchanged");
    }
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere() {
    let web = Web::start();
    for reply in [
        Reply::status(301),
        Reply::redirect(302, "http://"),
        Reply::redirect(302, "http://[::1/"),
        Reply::redirect(302, format!("/{}", "x".repeat(9000))),
    ] {
        web.on("/", reply);
        assert_eq!(fault(&fetcher(), web.url("/")).await.class, ErrorClass::Malformed);
    }
    // Raw bytes in a Location are common, and no reason to give up.
    web.on("/", Reply::status(302).header("Location", b"/caf\xc3\xa9\xff")).on("/caf%C3%A9%EF%BF%BD", Reply::ok("ok"));
    assert_eq!(text(&get(&fetcher(), web.url("/")).await.unwrap()), "ok");
}

#[tokio::test]
async fn a_configured_proxy_is_used_and_still_no_way_to_private_hosts() {
    let proxy = Web::start_at("127.0.0.4:0", None);
    proxy.on("http://feeds.test/feed", Reply::ok("through the proxy"));
    proxy.on("http://unknown.test/feed", Reply::ok("unknown here"));
    let table = Table::new(&[("feeds.test", &[&["8.8.8.8"]]), ("inside.test", &[&["10.0.0.1"]])]);
    let settings = FetchSettings { proxy: Some(proxy.url("")), allow_networks: Vec::new(), ..settings() };
    let fetcher = with_names(&settings, &table);
    let at = |host: &str| Url::parse(&format!("http://{host}/feed")).unwrap();
    assert_eq!(text(&get(&fetcher, at("feeds.test")).await.unwrap()), "through the proxy");
    assert_eq!(text(&get(&fetcher, at("unknown.test")).await.unwrap()), "unknown here");
    for host in ["inside.test", "10.0.0.1", "localhost", "169.254.169.254"] {
        assert_eq!(fault(&fetcher, at(host)).await.class, ErrorClass::Forbidden, "{host}");
    }
    assert_eq!(proxy.visits().len(), 2);
}

// Hazard 8: who is on the other side.

#[tokio::test]
async fn hazard_8_a_bad_certificate_is_refused_and_named() {
    for (certificate, words) in [
        ("expired", "has expired"),
        ("early", "not valid yet"),
        ("other", "belongs to another host"),
        ("self", "self-signed"),
    ] {
        let web = Web::start_tls(certificate);
        web.on("/", Reply::ok("never"));
        let fault = fault(&fetcher(), web.url("/")).await;
        assert_eq!(fault.class, ErrorClass::Refused, "{certificate}: {fault}");
        assert!(fault.message.contains(words), "{certificate}: {fault}");
        assert!(web.visits().is_empty(), "{certificate}: no request, no fallback");
    }
    // Without the authority's certificate even the good one is unknown.
    let web = Web::start_tls("good");
    let unknown = Fetcher::new(&FetchSettings { ca_file: None, ..settings() }).unwrap();
    let fault = fault(&unknown, web.url("/")).await;
    assert_eq!(fault.class, ErrorClass::Refused);
    assert!(fault.message.contains("ca_file"), "{fault}");
}

#[tokio::test]
async fn encrypted_documents_come_over_http_2() {
    let web = Web::start_tls("good");
    web.on("/", Reply::ok("feed").etag("\"1\""));
    let table = Table::new(&[("feeds.test", &[&["127.0.0.1"]])]);
    let fetcher = with_names(&settings(), &table);
    let answer = get(&fetcher, web.url_as("feeds.test", "/")).await.unwrap();
    assert_eq!(text(&answer), "feed");
    let again = fetcher.get(&web.url_as("feeds.test", "/"), &validators(&answer)).await.unwrap();
    assert!(matches!(again, Answer::NotModified { .. }));
    assert!(web.visits().iter().all(|visit| visit.version == "HTTP/2"));
    assert_eq!(web.connections(), 1, "one connection serves both");
}
