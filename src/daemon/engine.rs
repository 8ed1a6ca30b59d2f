//! Everything that is built from one configuration. A reload builds a second engine, and swaps it in only when all that
//! can fail has succeeded.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use url::Url;

use super::reading::Judges;
use crate::classify::Classifier;
use crate::compose::{ComposeSettings, Composer};
use crate::config::{Config, Watchlist};
use crate::fetch::mailbox::Mailboxes;
use crate::fetch::{FetchError, Fetcher};
use crate::mail::{MailError, Mailer};
use crate::model::message_id;
use crate::query::{Matcher, themes_numbered};
use crate::sources::table::Session;
use crate::store::record::CaseDesk;
use crate::themes::NamedQueries;
use crate::web::{self, Site};

/// The configuration, and what was built from it.
pub struct Engine {
    pub config: Arc<Config>,
    /// What the pages need to know of it.
    pub site: Arc<Site>,
    /// All watchlists, by their places, and behind them what is thrown away.
    pub matcher: Matcher,
    pub themes: Arc<NamedQueries>,
    /// Numbers of themes that were found, as routes name them; mostly none.
    pub found_themes: Vec<i64>,
    pub classifier: Classifier,
    pub composer: Arc<Composer>,
    pub fetcher: Fetcher,
    /// Logins of services, by source; in memory only.
    pub sessions: Mutex<HashMap<String, Session>>,
    pub mailboxes: Mailboxes,
    /// What decides about cases inside the record's transactions.
    pub desk: Arc<CaseDesk>,
    /// For each source, by place in `config.sources`, whether each watchlist (by place) is matched against it.
    source_watchlists: Vec<Vec<bool>>,
    /// Who throws away what the queries behind the watchlists find: everybody (`None`), or these sources by place.
    excludes: Vec<Option<HashSet<usize>>>,
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
        let mut queries: Vec<_> = config.watchlists.iter().map(|w| &w.query).collect();
        let mut excludes = Vec::new();
        if let Some(exclude) = &config.exclude {
            queries.push(exclude);
            excludes.push(None);
        }
        // Many sources may throw away the same: it is looked for once.
        let mut places: HashMap<String, usize> = HashMap::new();
        for (source, exclude) in config.source_excludes.iter().enumerate() {
            let Some(exclude) = exclude else { continue };
            let place = *places.entry(exclude.to_string()).or_insert_with(|| {
                queries.push(exclude);
                excludes.push(Some(HashSet::new()));
                excludes.len() - 1
            });
            if let Some(Some(sources)) = excludes.get_mut(place) {
                sources.insert(source);
            }
        }
        let matcher = Matcher::new(&queries);
        let themes = NamedQueries::new(config.themes.iter().map(|theme| (theme.name.clone(), &theme.query)));
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
        let routes = config.routing.routes.iter();
        let named = routes.flat_map(|route| themes_numbered(&route.when_source)).map(|(number, _)| number);
        let found_themes: Vec<i64> = named.collect::<BTreeSet<_>>().into_iter().collect();
        let site = site(&config);
        let composer = Composer::new(ComposeSettings {
            mention_pages: pages_of(&site),
            contact: config.daemon.contact.clone(),
            sender_domain: domain(&config.mail.from.email).to_owned(),
            drafts: config.drafts.clone(),
            employees: config.routing.employees(),
        });
        Ok(Self {
            matcher,
            themes: Arc::new(themes),
            found_themes,
            excludes,
            classifier: Classifier::with_cues(config.cues.clone()),
            composer: Arc::new(composer),
            fetcher: Fetcher::new(&config.fetch)?,
            sessions: Mutex::default(),
            mailboxes: Mailboxes::new(&config.fetch)?,
            desk: case_desk(&config),
            source_watchlists,
            config: Arc::new(config),
            site: Arc::new(site),
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
        Judges { classifier: &self.classifier, routing: &self.config.routing, themes: &self.themes, found: None }
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

    /// Who throws away what a query of the matcher (by place) finds in an entry of a source (by place, if it is
    /// configured): `[exclude]`, or the source.
    pub fn thrown_away(&self, source: Option<usize>, query: usize) -> Option<String> {
        match self.excludes.get(query.checked_sub(self.config.watchlists.len())?)? {
            None => Some("[exclude]".to_owned()),
            Some(sources) => {
                let source = source.filter(|source| sources.contains(source))?;
                Some(format!("sources.{}.exclude", self.config.sources.get(source)?.name))
            }
        }
    }

    /// Names of the themes that something belongs to.
    pub fn themes_of(&self, document: &crate::query::Document<'_>) -> Vec<String> {
        self.themes.of(document).into_iter().map(str::to_owned).collect()
    }

    /// A new Message-ID without angle brackets.
    pub fn message_id(&self, now: Timestamp) -> String {
        message_id(&self.desk.sender_domain, now, rand::random())
    }
}

/// Where mails and reports find the pages of mentions; `None` if none are served, or nobody said where.
pub fn mention_pages(config: &Config) -> Option<Url> {
    pages_of(&site(config))
}

fn pages_of(site: &Site) -> Option<Url> {
    format!("{}/mentions", web::base(site)?).parse().ok()
}

fn site(config: &Config) -> Site {
    let daemon = &config.daemon;
    Site {
        routing: Arc::new(config.routing.clone()),
        context: config.context.clone(),
        watchlists: config.watchlists.iter().map(|w| (w.name.clone(), w.display.clone())).collect(),
        sources: config.sources.clone(),
        language: daemon.language.clone(),
        timezone: daemon.timezone.clone(),
        http: daemon.http,
        public_url: daemon.public_url.clone(),
        sign_in: daemon.sign_in,
        sender_domain: domain(&config.mail.from.email).to_owned(),
        perks: config.perks.clone(),
        refunds: config.refunds.clone(),
        tokens: config.tokens.clone(),
    }
}

/// What decides about cases under a configuration.
pub fn case_desk(config: &Config) -> Arc<CaseDesk> {
    Arc::new(CaseDesk {
        routing: Arc::new(config.routing.clone()),
        sender_domain: domain(&config.mail.from.email).to_owned(),
        // A perk without codes is a text, and there is nothing to set aside.
        perks: config.perks.iter().filter(|p| p.has_codes()).map(|p| (p.department.clone(), p.codes.clone())).collect(),
        contact: config.daemon.contact.clone(),
        acting: config.acting,
        themes: true,
    })
}

/// The part after the `@`.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}
