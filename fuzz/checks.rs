//! What must hold of every input, for the fuzz targets and for `tests/fuzz_corpus.rs`, which replays their corpus. Each
//! function takes any bytes and panics if something does not hold.

use mentiond::config;
use mentiond::model::MailboxUse;
use mentiond::sources::feed::parse_feed;
use mentiond::sources::mailbox::{self, alerts, mime, quoted};
use mentiond::text::html;
use mentiond::text::json_path::JsonPath;
use mentiond::web::keys::{Keys, Purpose};
use tempfile::TempDir;

/// Panics if something does not hold of the bytes.
pub type Check = fn(&[u8]);

/// Every check by the name of its target and of its corpus.
pub const ALL: [(&str, Check); 7] = [
    ("query", query),
    ("feed", feed),
    ("html", to_text),
    ("mail", mail),
    ("config", configuration),
    ("seal", seal),
    ("path", path),
];

/// Entries of a feed that are kept here.
const ENTRIES: usize = 50;

/// A query in the first line, a title in the second, the text behind them.
pub fn query(input: &[u8]) {
    mentiond::query::check(&String::from_utf8_lossy(input));
}

/// A feed, or anything that a server answers in place of one.
pub fn feed(input: &[u8]) {
    for content_type in [None, Some("text/xml; charset=utf-16"), Some("application/json")] {
        match parse_feed(input, content_type, None, ENTRIES) {
            Ok(feed) => assert!(feed.entries.len() <= ENTRIES),
            Err(fault) => assert!(fault.message.len() > 20, "no reason in words: {fault}"),
        }
    }
}

/// HTML, as it stands in an entry.
pub fn to_text(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    for convert in [html::to_text, html::plain_to_text] {
        let mut text = String::new();
        convert(&input, &mut text);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "a control character in {text:?}");
        // A reference of two bytes can stand for more, but not for many times more.
        assert!(text.len() <= input.len() * 4 + 16, "{} bytes of {}", text.len(), input.len());
        html::decode_again(&mut text, 0);
    }
}

/// A mail of a mailbox.
pub fn mail(input: &[u8]) {
    let mail = mime::read(input);
    assert!(!mailbox::id(&mail).is_empty());
    for purpose in [MailboxUse::Messages, MailboxUse::List, MailboxUse::Alerts] {
        let entries = mailbox::entries(&mail, purpose, None);
        assert!(purpose == MailboxUse::Alerts || entries.len() == 1);
    }
    let _ = mailbox::machine(&mail, "example.com", true);
    let _ = alerts::findings(&mail);
    let words = quoted::own_words(&mail.text);
    assert!(words.len() <= mail.text.len() + 1, "more words than the mail has: {words}");
    let _ = quoted::unquoted_html(&mail.html);
}

/// A configuration file. What is found wrong has a place and words.
pub fn configuration(input: &[u8]) {
    thread_local!(static FOLDER: TempDir = tempfile::tempdir().expect("a temporary folder"));
    // One folder deeper, so that `include = ["../*"]` finds nothing of somebody else's.
    let file = FOLDER.with(|folder| folder.path().join("inner/mentiond.toml"));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).expect("a temporary folder");
    }
    std::fs::write(&file, input).expect("a temporary file");
    match config::load_with(&file, config::Secrets::Skip) {
        Ok(loaded) => assert_eq!(loaded.config.file, file),
        Err(errors) => assert!(errors.to_string().contains("mentiond.toml"), "{errors}"),
    }
}

/// A link in a mail: nobody without the secret can write one.
pub fn seal(input: &[u8]) {
    thread_local!(static KEYS: Keys = {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Keys::open(folder.path()).expect("a secret")
    });
    KEYS.with(|keys| {
        let forged = String::from_utf8_lossy(input);
        for purpose in [Purpose::Action, Purpose::SignIn, Purpose::Session, Purpose::Form, Purpose::Reply] {
            assert_eq!(keys.unseal(purpose, &forged), None, "{forged} was taken for ours");
        }
        let short = &input[..input.len().min(500)];
        let sealed = keys.seal(Purpose::Action, short);
        assert_eq!(keys.unseal(Purpose::Action, &sealed).as_deref(), Some(short));
        assert_eq!(keys.unseal(Purpose::Form, &sealed), None);
    });
}

/// A path into JSON in the first line, a document behind it.
pub fn path(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (path, document) = input.split_once('\n').unwrap_or((&input, "{\"a\": [1, {\"b\": null}]}"));
    match JsonPath::parse(path) {
        Ok(path) => {
            if let Ok(value) = serde_json::from_str(document) {
                let told = path.all(&value).into_iter().find(|found| !found.is_null());
                assert_eq!(told, path.first(&value));
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
