//! Counters and gauges. Names are part of the contract with operators: README's table names each of them.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::{Cause, DeliveryKind, ErrorClass, SourceStatus, Unusual};
use crate::schedule::RetryDecision;
use crate::store::record::OutboxCounts;

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Label<const N: usize>([(&'static str, &'static str); N]);

impl<const N: usize> EncodeLabelSet for Label<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_slice().encode(encoder)
    }
}

/// What becomes of a try of a mail.
const RESULTS: [&str; 3] = ["sent", "deferred", "failed"];

/// How one poll ended, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollCount {
    Unchanged,
    Heard { entries: u64, new_entries: u64, mentions: u64, duplicates: u64, cases_opened: u64 },
    Failed(ErrorClass),
}

/// What became of a message that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookCount {
    Taken,
    Forged,
    Unreadable,
    /// The sender was told to come again.
    Later,
}

/// Everything that `/metrics`, `/healthz` and `/readyz` tell.
pub struct Metrics {
    registry: Registry,
    polls: Family<Label<1>, Counter>,
    entries: Counter,
    new_entries: Counter,
    mentions: Counter,
    duplicates: Counter,
    cases_opened: Counter,
    stream_breaks: Counter,
    hooks: Family<Label<1>, Counter>,
    warnings: Family<Label<2>, Counter>,
    mails: Family<Label<2>, Counter>,
    sources: Family<Label<1>, Gauge>,
    outbox: Family<Label<1>, Gauge>,
    ready: AtomicBool,
    fault: Mutex<Option<String>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("mentiond");
        let polls: Family<Label<1>, Counter> = Family::default();
        let mails: Family<Label<2>, Counter> = Family::default();
        let (sources, outbox) = (Family::default(), Family::default());
        let counters: [Counter; 5] = std::array::from_fn(|_| Counter::default());
        registry.register("polls", "Polls by result: unchanged, heard, or the class of the error", polls.clone());
        for (name, help, counter) in [
            ("entries", "Entries in documents that were heard", &counters[0]),
            ("new_entries", "Entries not seen before", &counters[1]),
            ("mentions", "Mentions that began a story", &counters[2]),
            ("duplicates", "Mentions that were copies of a known story", &counters[3]),
            ("cases_opened", "Cases opened", &counters[4]),
        ] {
            registry.register(name, help, counter.clone());
        }
        let stream_breaks = Counter::default();
        registry.register(
            "stream_breaks",
            "Connections to streams that broke or did not come about",
            stream_breaks.clone(),
        );
        let hooks: Family<Label<1>, Counter> = Family::default();
        // Shown from the start, so that the first forged message is a rise.
        for result in ["taken", "forged", "unreadable", "later"] {
            let _ = hooks.get_or_create(&Label([("result", result)]));
        }
        registry.register(
            "hooks",
            "Messages that others pushed, by result: taken, forged, unreadable, later",
            hooks.clone(),
        );
        let warnings: Family<Label<2>, Counter> = Family::default();
        for kind in [Unusual::Rise, Unusual::Quiet] {
            let _ = warnings.get_or_create(&Label([("cause", Cause::Watchlist.kind()), ("kind", kind.as_str())]));
        }
        registry.register(
            "warnings",
            "Early warnings by cause (watchlist, source, category, theme) and kind (rise, quiet)",
            warnings.clone(),
        );
        // Shown from the start as well: without them the first mail that is given up, and a daemon that hears nothing from its
        // first minute on, would be no rise and no stillness.
        for result in ["heard", "unchanged"] {
            let _ = polls.get_or_create(&Label([("result", result)]));
        }
        for (kind, result) in DeliveryKind::ALL.into_iter().flat_map(|kind| RESULTS.map(|result| (kind, result))) {
            let _ = mails.get_or_create(&Label([("kind", kind.as_str()), ("result", result)]));
        }
        registry.register("mails", "Tries of mails by kind and result: sent, deferred, failed", mails.clone());
        registry.register("sources", "Configured sources by status", sources.clone());
        registry.register("outbox", "Mail in the outbox by status", outbox.clone());
        let [entries, new_entries, mentions, duplicates, cases_opened] = counters;
        Self {
            registry,
            polls,
            entries,
            new_entries,
            mentions,
            duplicates,
            cases_opened,
            stream_breaks,
            hooks,
            warnings,
            mails,
            sources,
            outbox,
            ready: AtomicBool::new(false),
            fault: Mutex::new(None),
        }
    }
}

impl Metrics {
    /// Counts a poll.
    pub fn poll(&self, poll: PollCount) {
        let result = match poll {
            PollCount::Unchanged => "unchanged",
            PollCount::Heard { entries, new_entries, mentions, duplicates, cases_opened } => {
                self.entries.inc_by(entries);
                self.new_entries.inc_by(new_entries);
                self.mentions.inc_by(mentions);
                self.duplicates.inc_by(duplicates);
                self.cases_opened.inc_by(cases_opened);
                "heard"
            }
            PollCount::Failed(class) => class.as_str(),
        };
        self.polls.get_or_create(&Label([("result", result)])).inc();
    }

    /// Counts a connection to a stream that broke.
    pub fn stream_broke(&self) {
        self.stream_breaks.inc();
    }

    /// Counts a message that was pushed.
    pub fn hook(&self, count: HookCount) {
        let result = match count {
            HookCount::Taken => "taken",
            HookCount::Forged => "forged",
            HookCount::Unreadable => "unreadable",
            HookCount::Later => "later",
        };
        self.hooks.get_or_create(&Label([("result", result)])).inc();
    }

    /// Counts an early warning.
    pub fn warning(&self, cause: &Cause, unusual: Unusual) {
        self.warnings.get_or_create(&Label([("cause", cause.kind()), ("kind", unusual.as_str())])).inc();
    }

    /// Counts a try of a mail.
    pub fn mail(&self, kind: DeliveryKind, decision: &RetryDecision) {
        let result = match decision {
            RetryDecision::Sent => "sent",
            RetryDecision::Retry { .. } | RetryDecision::HoldRelay { .. } => "deferred",
            RetryDecision::GiveUp { .. } => "failed",
        };
        self.mails.get_or_create(&Label([("kind", kind.as_str()), ("result", result)])).inc();
    }

    /// Shows how many sources have which status.
    pub fn sources(&self, statuses: impl Iterator<Item = SourceStatus> + Clone) {
        for status in [SourceStatus::New, SourceStatus::Ok, SourceStatus::Failing, SourceStatus::Disabled] {
            let count = statuses.clone().filter(|s| *s == status).count();
            self.sources
                .get_or_create(&Label([("status", status.as_str())]))
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Shows how much mail is in which state.
    pub fn outbox(&self, counts: OutboxCounts) {
        let OutboxCounts { queued, deferred, sent, bundled, held, failed } = counts;
        for (status, count) in [
            ("queued", queued),
            ("deferred", deferred),
            ("sent", sent),
            ("bundled", bundled),
            ("held", held),
            ("failed", failed),
        ] {
            self.outbox.get_or_create(&Label([("status", status)])).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// The start is complete, or the stop has begun.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::SeqCst);
    }

    /// Whether the daemon is between start and stop.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    /// The state can no longer be used.
    pub fn set_fault(&self, fault: String) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// Why the state can no longer be used, if so.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            let _ = writeln!(text, "# {error}");
        }
        text
    }
}
