//! What pages and API find behind them: the daemon, as `web` may see it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::World;
use super::engine::Engine;
use super::upkeep;
use crate::cases::{Action, Refusal};
use crate::classify::significant_words;
use crate::model::{Actor, Case, Mention};
use crate::store::StoreError;
use crate::store::record::Record;
use crate::themes::standing::{ThemeAction, ThemeRefusal};
use crate::themes::{Recent, Signature};
use crate::web::{Daemon, Doing, View};

/// The running daemon behind its pages.
pub(super) struct Behind {
    world: Arc<World>,
    engines: watch::Receiver<Arc<Engine>>,
    /// The newest mentions, for "similar mentions".
    recent: Mutex<Recent>,
}

impl Behind {
    pub(super) fn new(world: Arc<World>, engines: watch::Receiver<Arc<Engine>>) -> Self {
        Self { world, engines, recent: Mutex::default() }
    }

    fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engines.borrow())
    }
}

impl Daemon for Behind {
    fn view(&self) -> View {
        let engine = self.engine();
        View {
            site: Arc::clone(&engine.site),
            composer: Arc::clone(&engine.composer),
            themes: Arc::clone(&engine.themes),
        }
    }

    fn record(&self) -> &Record {
        self.world.store.record()
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn act(&self, case: i64, action: Action, by: Actor) -> Doing<'_, Result<Result<Case, Refusal>, StoreError>> {
        Box::pin(async move { upkeep::act(&self.world, &self.engine(), case, action, by).await })
    }

    fn act_on_theme(
        &self,
        theme: i64,
        action: ThemeAction,
        by: Actor,
    ) -> Doing<'_, Result<Result<i64, ThemeRefusal>, StoreError>> {
        Box::pin(async move { upkeep::act_on_theme(&self.world, &self.engine(), theme, action, by).await })
    }

    fn similar<'a>(&'a self, mention: &'a Mention, story: i64) -> Doing<'a, Result<Vec<Mention>, StoreError>> {
        Box::pin(async move {
            let newest = self.recent.lock().unwrap_or_else(PoisonError::into_inner).newest();
            let new = self.record().signatures_after(newest).await?;
            let code = &mention.classification.language.code;
            let signature = Signature {
                mention: mention.id,
                story,
                fetched: mention.fetched,
                category: mention.classification.category,
                words: significant_words(&format!("{} {}", mention.entry.title, mention.entry.text), code),
            };
            let ids = {
                let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                for one in new {
                    // Another request may have brought the same ones meanwhile.
                    if one.mention > recent.newest() {
                        recent.push(one);
                    }
                }
                recent.similar_to(&signature, self.now())
            };
            if ids.is_empty() { Ok(Vec::new()) } else { self.record().mentions_by_id(ids).await }
        })
    }

    fn mail_waits(&self) {
        self.world.mail_due.notify_one();
    }
}
