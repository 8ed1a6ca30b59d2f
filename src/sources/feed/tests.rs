//! What the reader makes of documents as the world serves them.

use std::time::Duration;

use super::*;
use crate::clock::cost;
use crate::model::{Entry, Identity};

fn feed(doc: &str) -> Feed {
    parse_feed(doc.as_bytes(), None, None, 10_000).unwrap_or_else(|f| panic!("{f}: {doc}"))
}

fn rss(items: &str) -> String {
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>")
}

fn entries(feed: &Feed) -> Vec<Entry> {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    feed.entries.iter().map(|e| e.to_entry(Identity([0; 16]), &feed.info, now)).collect()
}

/// Title and text of the entries.
fn told(doc: &str) -> Vec<(String, String)> {
    entries(&feed(doc)).into_iter().map(|e| (e.title, e.text)).collect()
}

#[test]
fn every_format_gives_the_same_entry() {
    let docs = [
        (Format::Rss, rss("<item><guid isPermaLink='false'>1</guid><link>https://a.example/1</link><title>Caf&amp;eacute;</title><description>&lt;p&gt;Body&lt;/p&gt;</description><pubDate>Wed, 02 Oct 2002 13:00:00 GMT</pubDate><author>ana@a.example (Ana)</author></item>")),
        (Format::Rdf, "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' xmlns:d='http://purl.org/dc/elements/1.1/'><channel rdf:about='x'><title>T</title></channel><item rdf:about='1'><link>https://a.example/1</link><title>Café</title><description>Body</description><d:date>2002-10-02T13:00:00Z</d:date><d:creator>Ana</d:creator></item></rdf:RDF>".into()),
        (Format::Atom, "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>1</id><link rel='self' href='https://a.example/self'/><link href='https://a.example/1'/><title>Café</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Body</p></div></content><updated>2002-10-02T13:00:00Z</updated><author><name>Ana</name><email>x@a.example</email></author></entry></feed>".into()),
        (Format::Atom, "<a:feed version='0.3' xmlns:a='http://purl.org/atom/ns#'><a:title>T</a:title><a:entry><a:id>1</a:id><a:link rel='alternate' type='text/html' href='https://a.example/1'/><a:title mode='escaped' type='text/html'>Caf&amp;eacute;</a:title><a:content type='text/html' mode='base64'>PHA+Qm9keTwvcD4=</a:content><a:issued>2002-10-02T13:00Z</a:issued><a:author><a:name>Ana</a:name></a:author></a:entry></a:feed>".into()),
        (Format::Rss, "<RSS VERSION='0.91'><CHANNEL><TITLE>T</TITLE><ITEM><GUID>1</GUID><LINK>https://a.example/1</LINK><TITLE>Café</TITLE><DESCRIPTION><![CDATA[<b>Body</b>]]></DESCRIPTION><PUBDATE>2 Oct 2002 13:00 GMT</PUBDATE><AUTHOR>Ana</AUTHOR></ITEM></CHANNEL></RSS>".into()),
        (Format::Json, r#"{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":1,"url":"https://a.example/1","title":"Café","content_html":"<p>Body</p>","date_published":"2002-10-02T13:00:00Z","authors":[{"name":"Ana"}]}]}"#.into()),
    ];
    for (format, doc) in &docs {
        let feed = feed(doc);
        assert_eq!((feed.info.format, feed.info.title.as_str()), (*format, "T"), "{doc}");
        assert_eq!(feed.faults, Vec::<String>::new(), "{doc}");
        assert_eq!(feed.entries.len(), 1, "{doc}");
        assert_eq!(feed.entries[0].id, "1", "{doc}");
        let entry = &entries(&feed)[0];
        assert_eq!((entry.title.as_str(), entry.text.as_str()), ("Café", "Body"), "{doc}");
        assert_eq!(entry.url.as_deref(), Some("https://a.example/1"), "{doc}");
        assert_eq!(entry.published.unwrap().to_string(), "2002-10-02T13:00:00Z", "{doc}");
        assert_eq!(entry.author.as_ref().unwrap().name, "Ana", "{doc}");
    }
    let cdf = feed(
        "<CHANNEL HREF='https://a.example/'><TITLE>T</TITLE><ITEM HREF='https://a.example/1' LASTMOD='2002-10-02'><TITLE>Café</TITLE><ABSTRACT>Body</ABSTRACT></ITEM></CHANNEL>",
    );
    assert_eq!((cdf.info.format, entries(&cdf)[0].url.as_deref()), (Format::Cdf, Some("https://a.example/1")));
}

#[test]
fn hazard_14_entities_of_the_document_are_not_expanded() {
    let bomb = "<!DOCTYPE rss [<!ENTITY a 'haha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c SYSTEM 'file:///etc/passwd'>]><rss><channel><item><title>&b; &c; &eacute;</title></item></channel></rss>";
    assert_eq!(told(bomb), [("&b; &c; é".to_owned(), String::new())]);
}

#[test]
fn hazard_15_what_can_be_read_of_a_broken_document_is_read() {
    let table: [(&str, String, &[&str]); 16] = [
        ("a bare &", rss("<item><title>AT&T & R&D</title></item><item><title>b</title></item>"), &["AT&T & R&D", "b"]),
        (
            "truncated in a text",
            rss("<item><link>1</link><title>a</title></item><item><link>2</link><title>b</title><description>cut he")
                .replace("</channel></rss>", ""),
            &["a", "b"],
        ),
        (
            "truncated in a tag",
            rss("<item><link>1</link><title>a</title></item><item><link>2</link><title>b</title><desc")
                .replace("</channel></rss>", ""),
            &["a", "b"],
        ),
        (
            "truncated before anything that identifies",
            rss("<item><link>1</link><title>a</title></item><item><title>b").replace("</channel></rss>", ""),
            &["a"],
        ),
        (
            "an unclosed title",
            rss("<item><title>a<link>https://a.example/1</link></item><item><title>b</title></item>"),
            &["a", "b"],
        ),
        ("an unclosed item", rss("<item><title>a</title><item><title>b</title></item>"), &["a", "b"]),
        (
            "an unknown element left open",
            rss("<item><foo>x<title>a</title></item><item><title>b</title></item>"),
            &["a", "b"],
        ),
        (
            "a wrong end tag",
            rss("<item><title>a</titel><link>1</link></item><item><title>b</title></item>"),
            &["a", "b"],
        ),
        ("no version, no channel", "<rss><item><title>a</title></item></rss>".into(), &["a"]),
        (
            "items after the channel",
            "<rss><channel><title>T</title></channel><item><title>a</title></item></rss>".into(),
            &["a"],
        ),
        (
            "two declarations and junk",
            format!("\u{feff} \n\nWarning: x\n<?xml version='1.0'?>{}", rss("<item><title>a</title></item>")),
            &["a"],
        ),
        (
            "an odd prefix",
            "<rss xmlns:q='http://www.w3.org/2005/Atom'><q:entry><q:title>a</q:title></q:entry></rss>".into(),
            &["a"],
        ),
        ("an undeclared prefix", "<rss:rss><rss:item><rss:title>a</rss:title></rss:item></rss:rss>".into(), &["a"]),
        ("unescaped markup", rss("<item><description>x <b>Ze</b>ntro</description><title>a</title></item>"), &["a"]),
        ("control characters", rss("<item><title>a\u{1}</title></item>"), &["a"]),
        (
            "titles of other things",
            rss(
                "<image><title>no</title></image><item><media:title>no</media:title><source url='x'>no</source><title>a</title></item>",
            ),
            &["a"],
        ),
    ];
    for (name, doc, want) in &table {
        let titles: Vec<String> = told(doc).into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles, *want, "{name}: {doc}");
    }
    let cut = feed(&table[1].1);
    assert!(cut.faults.iter().any(|f| f.contains("ends before")), "{:?}", cut.faults);
    assert_eq!(entries(&cut)[1].text, "cut he");
    assert_eq!(told(&table[13].1)[0].1, "x Zentro");
}

#[test]
fn hazard_15_broken_json_feeds() {
    let table = [
        (r#"{"items":[{"id":1,"title":"a"},{"id":"2","title":"b"}]}"#, vec!["1", "2"]),
        (r#"{"title":"T","items":[{"id":1.5},{"id":"2"},{"id":"3","content_te"#, vec!["1.5", "2"]),
        (r#"{"items":[{"id":"1","title":"\ud800"},{"id":"2"}],"title":"T"}"#, vec!["2"]),
        (r#"{"items":[null,7,{"id":"1"}]}"#, vec!["1"]),
        (r#"{"version":"https://jsonfeed.org/version/1","items":[]}"#, vec![]),
        (r#"{"version":"https://jsonfeed.org/version/1","title":"T"}"#, vec![]),
    ];
    for (doc, want) in table {
        let feed = feed(doc);
        let ids: Vec<&str> = feed.entries.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(ids, want, "{doc}");
        assert_eq!(feed.info.format, Format::Json);
    }
}

#[test]
fn hazard_11_what_is_no_feed_is_named() {
    let table = [
        ("", "empty"),
        (" \n\0", "empty"),
        (
            "<!DOCTYPE html><html><head><title>Log in — Acme</title></head><body><form></form></body></html>",
            "HTML page titled “Log in — Acme”",
        ),
        ("<html><body><item>x</item></body></html>", "HTML page"),
        ("Service temporarily unavailable", "it begins “Service temporarily unavailable”"),
        ("{\"error\":\"quota\"}", "not a JSON Feed"),
        ("[1,2]", "not a JSON Feed"),
        ("{{{", "cannot be read"),
        ("<opml version='2.0'><body><outline/></body></opml>", "OPML"),
        ("<urlset xmlns='x'><url><loc>x</loc></url></urlset>", "sitemap"),
        ("<soap:Envelope/>", "<envelope>"),
        ("\u{1}\u{2}PNG", "not a feed"),
    ];
    for (body, want) in table {
        let fault = parse_feed(body.as_bytes(), None, None, 10).expect_err(body);
        assert!(fault.message.contains(want), "{body}: {fault}");
    }
    assert_eq!(feed(&rss("")).entries.len(), 0);
    assert_eq!(feed("<feed xmlns='http://www.w3.org/2005/Atom'/>").entries.len(), 0);
}

#[test]
fn hazard_19_the_keyword_is_found_in_any_character_set() {
    let doc = rss("<item><title>Zëntro ñandú</title></item>");
    let latin = encoding_rs::WINDOWS_1252.encode(&doc).0.into_owned();
    let wide: Vec<u8> = format!("\u{feff}{doc}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [doc.as_bytes(), &latin, &wide] {
        let feed = parse_feed(body, None, None, 10).unwrap();
        assert_eq!(entries(&feed)[0].title, "Zëntro ñandú");
    }
    assert!(parse_feed(&latin, None, None, 10).unwrap().faults[0].contains("windows-1252"));
}

#[test]
fn hazard_20_google_alerts_name_the_publisher() {
    let doc = "<feed xmlns='http://www.w3.org/2005/Atom'><id>tag:google.com,2005:reader/user/1/state/com.google/alerts/2</id><title>Google Alert - acme</title><link href='https://www.google.com/alerts/feeds/1/2' rel='self'></link><entry><id>tag:google.com,2013:googlealerts/feed:3</id><title type='html'>Why &lt;b&gt;Ac&lt;/b&gt;me&amp;#39;s stock</title><link href='https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://www.news.example/a%3Fb%3D1&amp;ct=ga&amp;usg=x'></link><published>2019-07-10T11:53:37Z</published><content type='html'>the Company&amp;#39;s decision via&amp;nbsp;...</content><author> <name></name> </author></entry></feed>";
    let entry = &entries(&feed(doc))[0];
    assert_eq!(entry.title, "Why Acme's stock");
    assert_eq!(entry.text, "the Company's decision via ...");
    assert_eq!(entry.url.as_deref(), Some("https://www.news.example/a?b=1"));
    assert_eq!(entry.site.as_deref(), Some("news.example"));
    assert_eq!(entry.author, None);
}

#[test]
fn news_services_name_the_publisher() {
    let google = rss(
        "<item><title>Acme falls - The Daily Example</title><source url='https://daily.example'>The Daily Example</source></item>",
    );
    let bing = "<rss xmlns:News='https://www.bing.com/news/search?q=acme&amp;format=rss'><channel><item><title>Acme falls</title><link>http://www.bing.com/news/apiclick.aspx?ref=FexRss&amp;url=https%3a%2f%2fdaily.example%2fa&amp;c=1</link><News:Source>The Daily Example</News:Source></item></channel></rss>";
    for doc in [google.as_str(), bing] {
        let entry = &entries(&feed(doc))[0];
        assert_eq!((entry.title.as_str(), entry.site.as_deref()), ("Acme falls", Some("The Daily Example")), "{doc}");
    }
    assert_eq!(entries(&feed(bing))[0].url.as_deref(), Some("https://daily.example/a"));
}

#[test]
fn titles_texts_links_and_stars() {
    let base = Url::parse("https://a.example/blog/feed").unwrap();
    let doc = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:im='http://itunes.apple.com/rss' xml:lang='pt_BR' xml:base='/posts/'><entry xml:lang='es'><title>Vec&lt;T> &amp;amp; more</title><link href='1'/><summary>short</summary><content type='html'>&lt;p>the longer&lt;/p></content><im:rating>4</im:rating><author><name>@ana</name></author><source><title>Elsewhere</title><id>x</id></source></entry><entry><title type='html'>b</title><id>x</id><link rel='enclosure' href='javascript:x'/><im:rating>97</im:rating><summary type='html'>only this one here</summary><content>x</content></entry></feed>";
    let feed = parse_feed(doc.as_bytes(), None, Some(&base), 10).unwrap();
    let [a, b] = &entries(&feed)[..] else { panic!("{feed:?}") };
    assert_eq!((a.title.as_str(), a.text.as_str()), ("Vec<T> & more", "the longer"));
    assert_eq!(a.url.as_deref(), Some("https://a.example/posts/1"));
    assert_eq!((a.lang.as_deref(), b.lang.as_deref()), (Some("es"), Some("pt-BR")));
    assert_eq!((a.rating, b.rating), (Some(4.0), None));
    assert_eq!(a.author.as_ref().unwrap().handle.as_deref(), Some("@ana"));
    assert_eq!(a.site.as_deref(), Some("Elsewhere"));
    assert_eq!((b.url.as_deref(), b.text.as_str()), (None, "only this one here"));
    assert_eq!(feed.entries[0].id, "");
}

#[test]
fn authors_in_every_notation() {
    let table = [
        ("<author>Ana Ruiz</author>", "Ana Ruiz"),
        ("<author>ana@a.example (Ana Ruiz)</author>", "Ana Ruiz"),
        ("<author>Ana Ruiz (ana@a.example)</author>", "Ana Ruiz"),
        ("<author>Ana Ruiz &lt;ana@a.example&gt;</author>", "Ana Ruiz"),
        ("<author>ana@a.example</author>", "ana@a.example"),
        ("<dc:creator><![CDATA[Ana Ru&iacute;z]]></dc:creator>", "Ana Ruíz"),
        ("<itunes:author>Ana Ruiz</itunes:author>", "Ana Ruiz"),
        ("<author><name>Ana Ruiz</name><uri>/ana</uri></author>", "Ana Ruiz"),
    ];
    for (written, want) in table {
        let entry = &entries(&feed(&rss(&format!("<item>{written}<title>a</title></item>"))))[0];
        assert_eq!(entry.author.as_ref().map(|a| a.name.as_str()), Some(want), "{written}");
        assert_eq!(entry.title, "a");
    }
}

#[test]
fn the_feeds_wishes_are_heard() {
    let hour = Duration::from_secs(3600);
    let table = [
        ("<ttl>60</ttl>", Some(hour)),
        ("<ttl>-5</ttl>", None),
        ("<ttl>1e300</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", Some(hour * 12)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><ttl>90</ttl>", Some(hour * 3 / 2)),
    ];
    for (wish, want) in table {
        assert_eq!(feed(&rss(wish)).ttl, want, "{wish}");
    }
}

#[test]
fn hazard_22_of_too_many_entries_the_newest_stay() {
    let at = |i: usize| format!("20{:02}-05-01T{:02}:{:02}:{:02}Z", i / 86_400, i / 3_600 % 24, i / 60 % 60, i % 60);
    let item = |i: usize| format!("<item about='{i}' lastmod='{}'/>", at(i));
    let doc = rss(&(0..200_000).map(item).collect::<String>());
    let mut read = None;
    let took = cost(|| read = Some(feed(&doc)));
    assert!(took < Duration::from_secs(8), "{took:?}");
    let feed = read.unwrap();
    assert_eq!((feed.entries.len(), feed.dropped), (10_000, 190_000));
    assert_eq!((feed.entries[0].id.as_str(), feed.entries[9_999].id.as_str()), ("190000", "199999"));
    let undated = rss(&(0..25).map(|i| format!("<item><guid>{i}</guid></item>")).collect::<String>());
    let feed = parse_feed(undated.as_bytes(), None, None, 10).unwrap();
    let ids: Vec<&str> = feed.entries.iter().map(|e| e.id.as_str()).collect();
    assert_eq!((ids.join(" "), feed.dropped), ("0 1 2 3 4 5 6 7 8 9".to_owned(), 15));
}

#[test]
fn hazard_21_hostile_documents_are_linear() {
    let hostile = [
        "<a>".repeat(100_000),
        "<rss>".to_owned() + &"<item>".repeat(50_000),
        "<rss><item><title>".to_owned() + &"<b>".repeat(100_000),
        "<rss><item><content type='xhtml'>".to_owned() + &"<div>".repeat(66_000),
        "<rss><item><content type='xhtml'>".to_owned() + &"</content2>".repeat(30_000),
        "<rss>".to_owned() + &"<x xmlns:y='z'>".repeat(20_000),
        "<rss>".to_owned() + &"<a></b>".repeat(50_000),
        "<rss><item>".to_owned() + &"<guid>".repeat(50_000),
        "{\"items\":[".to_owned() + &"{".repeat(1_000_000),
        "{\"items\":[".to_owned() + &"{\"a\":}".repeat(50_000),
        "[".repeat(1_000_000),
    ];
    for doc in &hostile {
        let took = cost(|| drop(parse_feed(doc.as_bytes(), None, None, 10_000)));
        assert!(took < Duration::from_secs(3), "{}…: {took:?}", &doc[..10]);
    }
}

proptest::proptest! {
    #[test]
    fn hazard_23_nothing_panics(s in "(<[/?!]?(item|rss|title|link|content type='xhtml'|x:y|html|entry|source|author|name)[ /]?>|[ a-z&;<>\"'=é]|<!\\[CDATA\\[|\\]\\]>){0,40}") {
        let _ = parse_feed(s.as_bytes(), None, None, 3).map(|f| entries(&f));
    }

    #[test]
    fn hazard_23_no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = parse_feed(&bytes, None, None, 3);
    }
}
