//! Sources that speak by themselves: streams, and what others push.

use std::time::Duration;

use url::Url;

use super::addresses;
use super::diagnostic::Findings;
use super::section::Section;
use super::tree::Value;
use crate::model::{JetstreamSettings, Location, Settings};
use crate::sources::jetstream;

/// How long a stream may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// Keys that only streams have.
pub(super) fn only_of_streams(section: &Section<'_>, found: &mut Findings) {
    for key in ["servers", "silence"] {
        if section.has(key) {
            found
                .error(section.place(key), format!("`{key}` is for kind = \"jetstream\""))
                .help("leave it out, or write the kind that you mean");
        }
    }
}

/// `kind = "jetstream"`. Its place does not name the servers: another one goes on where the last one ended.
pub(super) fn jetstream(section: &Section<'_>, found: &mut Findings) -> Option<(Location, Settings)> {
    for key in ["url", "path", "every"] {
        if section.has(key) {
            let help = match key {
                "every" => "leave it out: posts come by themselves",
                _ => "leave it out, or name servers: servers = [\"wss://jetstream.example.com/subscribe\"]",
            };
            found.error(section.place(key), format!("`{key}` means nothing for kind = \"jetstream\"")).help(help);
        }
    }
    let silence = section.duration("silence", Duration::from_secs(1)..=Duration::from_secs(3600), "1s to 1h", found);
    if section.has("match") {
        found
            .error(section.place("match"), "with `match`, every post of Bluesky would become a mention")
            .help("leave it out: posts that a watchlist finds are mentions");
    }
    let named = section.has("servers");
    let servers: Vec<Url> = match named {
        true => section.parsed_list("servers", addresses::stream_url, found),
        false => jetstream::PUBLIC.iter().filter_map(|text| Url::parse(text).ok()).collect(),
    };
    if servers.is_empty() {
        if matches!(section.get("servers").map(|node| &node.value), Some(Value::List(items)) if items.is_empty()) {
            found
                .error(section.place("servers"), "`servers` names no server")
                .help("leave it out for Bluesky's own, or name one: [\"wss://jetstream.example.com/subscribe\"]");
        }
        return None;
    }
    let settings = JetstreamSettings { servers, silence: silence.unwrap_or(SILENCE) };
    Some((Location::Service("Bluesky Jetstream".to_owned()), Settings::Jetstream(settings)))
}
