//! Everything that is built from one configuration. A reload builds a second engine, and swaps it in only when all that
//! can fail has succeeded.

use std::collections::HashMap;

use jiff::Timestamp;

use super::reading::Judges;
use crate::classify::Classifier;
use crate::compose::{ComposeSettings, Composer};
use crate::config::{Config, Watchlist};
use crate::fetch::{FetchError, Fetcher};
use crate::mail::{MailError, Mailer};
use crate::query::Matcher;

/// The configuration, and what was built from it.
pub struct Engine {
    pub config: Config,
    pub matcher: Matcher,
    pub classifier: Classifier,
    pub composer: Composer,
    pub fetcher: Fetcher,
    /// For each source, by place in `config.sources`, whether each watchlist (by place) is matched against it.
    source_watchlists: Vec<Vec<bool>>,
}

/// Why a configuration cannot be run although it reads well.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("[fetch]: {0}")]
    Fetch(#[from] FetchError),
    #[error("[mail]: {0}")]
    Mail(#[from] MailError),
}

impl Engine {
    /// Builds everything that the daemon needs, and contacts nobody.
    ///
    /// # Errors
    /// A certificate file or transport of the configuration cannot be used.
    pub fn build(config: Config) -> Result<Self, EngineError> {
        let queries: Vec<_> = config.watchlists.iter().map(|w| &w.query).collect();
        let matcher = Matcher::new(&queries);
        let names: HashMap<&str, usize> =
            config.watchlists.iter().enumerate().map(|(n, w)| (w.name.as_str(), n)).collect();
        let source_watchlists = config
            .sources
            .iter()
            .map(|source| {
                let mut watched = vec![false; config.watchlists.len()];
                for name in source.watchlists.iter() {
                    if let Some(&n) = names.get(name.as_str()) {
                        watched[n] = true;
                    }
                }
                watched
            })
            .collect();
        let composer = Composer::new(ComposeSettings {
            // Pages come with a later version; until then no mail links to them.
            mention_pages: None,
            contact: config.daemon.contact.clone(),
            sender_domain: domain(&config.mail.from.email).to_owned(),
            drafts: config.drafts.clone(),
        });
        Ok(Self {
            matcher,
            classifier: Classifier::new(),
            composer,
            fetcher: Fetcher::new(&config.fetch)?,
            source_watchlists,
            config,
        })
    }

    /// A mailer for this configuration's transport.
    ///
    /// # Errors
    /// A certificate file or program of the transport cannot be used.
    pub fn mailer(&self) -> Result<Mailer, MailError> {
        Mailer::new(&self.config.mail)
    }

    /// What decides about a mention.
    pub fn judges(&self) -> Judges<'_> {
        Judges { classifier: &self.classifier, routing: &self.config.routing }
    }

    /// The watchlist of that name.
    pub fn watchlist(&self, name: &str) -> Option<&Watchlist> {
        self.config.watchlists.iter().find(|w| w.name == name)
    }

    /// Who takes a department's mentions, where that is no question: its only member's name.
    pub fn sole_member(&self, department: &str) -> Option<&str> {
        match self.config.routing.department(department)?.members.as_slice() {
            [one] => Some(&one.name),
            _ => None,
        }
    }

    /// Whether a source (by place) is matched against a watchlist (by place).
    pub fn watches(&self, source: usize, watchlist: usize) -> bool {
        self.source_watchlists.get(source).and_then(|w| w.get(watchlist)).copied().unwrap_or(false)
    }

    /// A new Message-ID without angle brackets (RFC 5322, 3.6.4): the time, so that files named after it sort, and 128
    /// random bits at the sender's domain.
    pub fn message_id(&self, now: Timestamp) -> String {
        let domain = domain(&self.config.mail.from.email);
        format!("{}.{:032x}@{domain}", now.strftime("%Y%m%dT%H%M%SZ"), rand::random::<u128>())
    }
}

/// The part after the `@`.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}
