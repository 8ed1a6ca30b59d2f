//! The courier: takes due mail out of the outbox, words it, sends it, and settles each try before the next one begins.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::{World, dice, ingest, wording};
use crate::clock::Stopwatch;
use crate::mail::Mailer;
use crate::mail::encode::encode;
use crate::model::{Cause, Delivery, DeliveryKind, MailFault, Mention, SendOutcome, Trouble, TroubleKind};
use crate::point;
use crate::schedule::{self, MAIL_TELL_AFTER, PACE_WINDOW, RetryDecision};
use crate::store::StoreError;
use crate::store::record::{Crowded, DeliveryContent, Due, NewDelivery, RelayState};
use crate::themes::{Recent, Signature};

/// Mails read from the outbox at a time.
const BATCH: usize = 64;
/// How long a mail that is under way may take after the daemon was told to stop.
const LAST_MAIL: std::time::Duration = std::time::Duration::from_secs(7);

/// What a round of deliveries did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailSummary {
    pub queued: u64,
    pub sent: u64,
    /// Still waiting, to be tried again.
    pub deferred: u64,
    pub failed: u64,
}

/// What to do with more alerts than `max_per_hour` lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowds {
    Bundle,
    /// More may come that belongs into the same mail.
    Leave,
}

/// A mail as it goes to the relay, or why it cannot go.
type Message = Result<Vec<u8>, String>;

/// Delivers mail through one connection.
pub(super) struct Courier {
    world: Arc<World>,
    engine: Arc<Engine>,
    mailer: Option<Mailer>,
    /// The newest mentions, for "similar mentions".
    recent: Recent,
    /// As the record has it at the beginning of a round of deliveries, and as it goes on.
    relay: RelayState,
}

impl Courier {
    /// A courier that has not connected yet.
    pub(super) fn new(world: Arc<World>, engine: Arc<Engine>) -> Self {
        Self { world, engine, mailer: None, recent: Recent::default(), relay: RelayState::default() }
    }

    /// Takes over a new configuration; the connection of the old one is closed.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) async fn reconfigure(&mut self, engine: Arc<Engine>) -> Result<(), StoreError> {
        self.close().await;
        self.engine = engine;
        self.relay.hold_until = None;
        self.world.store.record().end_relay_hold(true).await
    }

    /// Until when the relay is left alone, if it is.
    pub(super) fn hold_until(&self) -> Option<Timestamp> {
        self.relay.hold_until
    }

    /// Whether a connection to the relay may be open.
    pub(super) fn is_connected(&self) -> bool {
        self.mailer.is_some()
    }

    /// Says goodbye to the relay.
    pub(super) async fn close(&mut self) {
        if let Some(mut mailer) = self.mailer.take() {
            mailer.close().await;
        }
    }

    /// Delivers all that is due now; stops early when the relay is the trouble or `shutdown` is cancelled.
    ///
    /// # Errors
    /// The record cannot be read or written: nothing more may be sent then.
    pub(super) async fn deliver_due(
        &mut self,
        shutdown: &CancellationToken,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<MailSummary, StoreError> {
        self.deliver(Crowds::Bundle, shutdown, progress).await
    }

    /// Delivers what is due until some of it will have to be bundled: then all waits for what else belongs into the
    /// bundle.
    ///
    /// # Errors
    /// The record cannot be read or written: nothing more may be sent then.
    pub(super) async fn deliver_singly(&mut self, shutdown: &CancellationToken) -> Result<MailSummary, StoreError> {
        self.deliver(Crowds::Leave, shutdown, &|_| {}).await
    }

    async fn deliver(
        &mut self,
        crowds: Crowds,
        shutdown: &CancellationToken,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<MailSummary, StoreError> {
        let mut summary = MailSummary::default();
        self.relay = self.world.store.record().relay_state().await?;
        if self.relay.hold_until.is_none_or(|until| until <= self.world.clock.now()) {
            let result = self.send_batches(crowds, shutdown, progress, &mut summary).await;
            // What was sent is settled even if the next step failed.
            self.settle_sent().await?;
            result?;
            self.tell_of_waiting_mail().await?;
        }
        let counts = self.world.store.record().outbox_counts().await?;
        if let (true, Some(until)) = (self.relay.locked, self.relay.hold_until) {
            tracing::warn!(
                event = "relay_locked",
                mails = counts.queued + counts.deferred,
                again = %until,
                "mail waits: the relay refuses our login or does not encrypt; once that is mended, `mentiond outbox retry` \
                 tries at once"
            );
        }
        summary.deferred = counts.queued + counts.deferred;
        Ok(summary)
    }

    async fn send_batches(
        &mut self,
        crowds: Crowds,
        shutdown: &CancellationToken,
        progress: &(dyn Fn(u64) + Sync),
        summary: &mut MailSummary,
    ) -> Result<(), StoreError> {
        loop {
            // Settled before the next look: what is in the outbox as due has not been tried.
            self.settle_sent().await?;
            let now = self.world.clock.now();
            let Some(upto) = self.pace(crowds).await? else { return Ok(()) };
            let batch = self.world.store.record().due(now, upto, BATCH).await?;
            if batch.is_empty() {
                return Ok(());
            }
            let similar = self.similar(&batch, now).await?;
            let round = Wording { world: Arc::clone(&self.world), engine: Arc::clone(&self.engine), similar };
            let (round, batch) = (Arc::new(round), batch.into_iter().map(Arc::new).collect::<Vec<_>>());
            let mut worded = None;
            for (n, due) in batch.iter().enumerate() {
                if shutdown.is_cancelled() {
                    return Ok(());
                }
                let message = match worded.take() {
                    Some(message) => message,
                    None => worded_message(&round, due).await?,
                };
                let next = batch.get(n + 1);
                if !self.world.store.record().begin(due.delivery.id).await? {
                    continue;
                }
                point::at("mail-begun");
                // The next mail is worded while the relay takes this one.
                let both = async {
                    let next_to = next.map(|next| next.delivery.recipient.as_str());
                    let word_next = async {
                        match next {
                            Some(next) => worded_message(&round, next).await.map(Some),
                            None => Ok(None),
                        }
                    };
                    tokio::join!(self.attempt(due, message, next_to), word_next)
                };
                let (outcome, next_message) = tokio::select! {
                    both = both => both,
                    () = async { shutdown.cancelled().await; tokio::time::sleep(LAST_MAIL).await } => return Ok(()),
                };
                point::at("mail-taken");
                worded = next_message?;
                let decision = self.decide(&due.delivery, &outcome);
                if !matches!(decision, RetryDecision::HoldRelay { .. }) {
                    self.relay_answers().await?;
                }
                self.world.metrics.mail(due.delivery.kind, &decision);
                self.world.store.record().settle(due.delivery.id, decision.clone(), self.world.clock.now()).await?;
                point::at("mail-noted");
                match &decision {
                    RetryDecision::Sent => {
                        summary.sent += 1;
                        progress(summary.sent);
                    }
                    RetryDecision::GiveUp { reason } => {
                        summary.failed += 1;
                        self.tell_of_failed_mail(&due.delivery, reason).await?;
                    }
                    RetryDecision::Retry { .. } => {}
                    RetryDecision::HoldRelay { at, locked, reason } => {
                        self.hold(*at, *locked, reason).await?;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Tries to send one mail; `next_to` is who gets the one after it.
    async fn attempt(&mut self, due: &Due, message: Message, next_to: Option<&str>) -> SendOutcome {
        let message = match message {
            Ok(message) => message,
            Err(why) => return SendOutcome::Refused(MailFault { code: None, message: why }),
        };
        let watch = Stopwatch::start();
        let mailer = match &mut self.mailer {
            Some(mailer) => mailer,
            None => match self.engine.mailer() {
                Ok(mailer) => self.mailer.insert(mailer),
                Err(error) => {
                    return SendOutcome::Unreachable(MailFault { code: None, message: error.to_string() });
                }
            },
        };
        let from = &self.engine.config.mail.from.email;
        let Delivery { recipient, message_id, .. } = &due.delivery;
        let outcome = mailer.send(from, recipient, message_id, &message, next_to).await;
        self.world.timings.send.add(watch);
        outcome
    }

    fn decide(&self, delivery: &Delivery, outcome: &SendOutcome) -> RetryDecision {
        let now = self.world.clock.now();
        let failures = self.relay.failures + 1;
        let decision = schedule::after_send(outcome, delivery.attempts + 1, delivery.queued, failures, now, dice());
        let (mail, kind) = (delivery.id, delivery.kind.as_str());
        match &decision {
            RetryDecision::Sent => tracing::info!(event = "mail_sent", mail, kind, "mail delivered to the relay"),
            RetryDecision::Retry { at, reason, .. } => {
                tracing::warn!(event = "mail_deferred", mail, kind, again = %at, "{reason}");
            }
            RetryDecision::HoldRelay { at, reason, .. } => {
                tracing::error!(event = "relay_held", mail, kind, again = %at, "all mail waits: {reason}");
            }
            RetryDecision::GiveUp { reason } => {
                tracing::error!(event = "mail_failed", mail, kind, "given up: {reason}")
            }
        }
        decision
    }

    async fn settle_sent(&self) -> Result<(), StoreError> {
        let watch = Stopwatch::start();
        self.world.store.record().settle_sent().await?;
        self.world.timings.settle.add(watch);
        Ok(())
    }

    /// Bundles or puts off alerts for recipients who got enough mail this hour. Returns the number of the newest mail
    /// that may be sent; `None` if there is a crowd and it is to be left.
    async fn pace(&self, crowds: Crowds) -> Result<Option<i64>, StoreError> {
        let record = self.world.store.record();
        let now = self.world.clock.now();
        let max = usize::try_from(self.engine.config.mail.max_per_hour).unwrap_or(usize::MAX);
        loop {
            let (crowded, newest) = record.crowded(now, max).await?;
            if crowded.is_empty() {
                return Ok(Some(newest));
            }
            if crowds == Crowds::Leave {
                return Ok(None);
            }
            // Whoever is served here is no longer in a crowd, unless more was queued meanwhile.
            for crowd in crowded {
                self.thin_out(crowd, max, now).await?;
            }
        }
    }

    async fn thin_out(&self, crowd: Crowded, max: usize, now: Timestamp) -> Result<(), StoreError> {
        let record = self.world.store.record();
        let pace = schedule::pace(crowd.got, crowd.alerts.len(), max);
        let rest = crowd.alerts.get(pace.single..).unwrap_or_default().to_vec();
        if pace.bundle {
            let bundle = NewDelivery {
                recipient: crowd.recipient,
                message_id: self.engine.message_id(now),
                content: DeliveryContent::Bundle {},
                once: None,
            };
            let alerts = rest.len();
            tracing::info!(event = "alerts_bundled", alerts, "more than max_per_hour: the rest goes as one mail");
            record.bundle(rest, bundle, now).await?;
        } else if !rest.is_empty() {
            let until = crowd.oldest.unwrap_or(now) + PACE_WINDOW;
            record.put_off(rest, until).await?;
        }
        Ok(())
    }

    /// Similar mentions for the mails of a batch, by number of the mail.
    async fn similar(&mut self, batch: &[Due], now: Timestamp) -> Result<HashMap<i64, Vec<Mention>>, StoreError> {
        let record = self.world.store.record();
        for signature in record.signatures_after(self.recent.newest()).await? {
            self.recent.push(signature);
        }
        let mut wanted: Vec<(i64, Vec<i64>)> = Vec::new();
        for due in batch {
            if let (Some(mention), Some(story)) = (&due.mention, due.story) {
                let signature = Signature {
                    mention: mention.id,
                    story,
                    fetched: mention.fetched,
                    category: mention.classification.category,
                    words: due.words.clone(),
                };
                let ids = self.recent.similar_to(&signature, now);
                if !ids.is_empty() {
                    wanted.push((due.delivery.id, ids));
                }
            }
        }
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = wanted.iter().flat_map(|(_, ids)| ids.clone()).collect();
        let mentions: HashMap<i64, Mention> =
            record.mentions_by_id(ids).await?.into_iter().filter(|m| m.erased.is_none()).map(|m| (m.id, m)).collect();
        let pick = |ids: Vec<i64>| ids.iter().filter_map(|id| mentions.get(id).cloned()).collect();
        Ok(wanted.into_iter().map(|(mail, ids)| (mail, pick(ids))).collect())
    }

    /// Leaves the relay alone until `at`; the operator hears of it once an outage, at once if it waits for the operator.
    async fn hold(&mut self, at: Timestamp, locked: Option<TroubleKind>, reason: &str) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        self.close().await;
        let since = *self.relay.down_since.get_or_insert(now);
        self.relay.failures += 1;
        self.relay.hold_until = Some(at);
        self.relay.locked = locked.is_some();
        if locked.is_some() || now.duration_since(since) >= MAIL_TELL_AFTER {
            let waiting = self.world.store.record().outbox_counts().await?;
            let kind = locked.unwrap_or(TroubleKind::RelayUnreachable);
            let count = waiting.queued + waiting.deferred;
            self.tell(Trouble { count, ..Trouble::new(kind, "relay", reason, since) }).await?;
            self.relay.told = true;
        }
        self.world.store.record().save_relay_state(self.relay.clone()).await
    }

    /// The relay answers for itself: an outage is over, and whoever was told of it hears so.
    async fn relay_answers(&mut self) -> Result<(), StoreError> {
        if self.relay == RelayState::default() {
            return Ok(());
        }
        let ended = std::mem::take(&mut self.relay);
        if let (true, Some(since)) = (ended.told, ended.down_since) {
            let message = "the relay takes mail again";
            tracing::info!(event = "relay_recovered", "{message}");
            self.tell(Trouble::new(TroubleKind::RelayRecovered, "relay", message, since)).await?;
        }
        self.world.store.record().save_relay_state(RelayState::default()).await
    }

    /// Mail that waits for more than a quarter of an hour: the operator hears of it once a day and recipient.
    async fn tell_of_waiting_mail(&self) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        let Some(waiting) = self.world.store.record().waiting_since(now, MAIL_TELL_AFTER).await? else { return Ok(()) };
        let day = waiting.queued.as_second() / 86_400 * 86_400;
        let since = Timestamp::from_second(day).unwrap_or(waiting.queued);
        self.tell(Trouble::new(TroubleKind::MailDelayed, &waiting.recipient, waiting.error, since)).await
    }

    async fn tell_of_failed_mail(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        // A report about a report would go round in circles.
        if delivery.kind == DeliveryKind::Trouble {
            return Ok(());
        }
        self.tell(Trouble::new(TroubleKind::MailFailed, &delivery.recipient, reason, delivery.queued)).await
    }

    async fn tell(&self, trouble: Trouble) -> Result<(), StoreError> {
        let about = trouble.subject.clone();
        let now = self.world.clock.now();
        // Mail to the operator that cannot be delivered is no help to the operator.
        if let Some(mail) = ingest::trouble_mail(&self.engine, trouble, now)
            && mail.recipient != about
        {
            self.world.store.record().queue_mail(mail, now).await?;
        }
        Ok(())
    }
}

/// What the mails of one batch are worded with.
struct Wording {
    world: Arc<World>,
    engine: Arc<Engine>,
    /// Similar mentions, by number of the mail.
    similar: HashMap<i64, Vec<Mention>>,
}

/// Words one mail and encodes it: what it needs is read here, the rest is processor work and runs on a blocking thread.
async fn worded_message(round: &Arc<Wording>, due: &Arc<Due>) -> Result<Message, StoreError> {
    let world = &round.world;
    let watch = Stopwatch::start();
    let due = match &due.content {
        DeliveryContent::Summary { summary } => {
            let summary = Box::new(world.store.record().with_reasons((**summary).clone()).await?);
            Arc::new(Due { content: DeliveryContent::Summary { summary }, ..Due::clone(due) })
        }
        _ => Arc::clone(due),
    };
    let bundled = match &due.content {
        DeliveryContent::Bundle {} => world.store.record().bundled(due.delivery.id).await?,
        DeliveryContent::Summary { summary } => {
            let found = world.store.record().mentions_by_id(summary.mentions()).await?;
            found.into_iter().map(|mention| (mention, Vec::new())).collect()
        }
        DeliveryContent::Warning { warning, .. } => {
            let found = world.store.record().mentions_by_id(warning.mentions.clone()).await?;
            // What is gone says nothing any more.
            let kept = found.into_iter().filter(|m| m.erased.is_none() && m.entry.withdrawn.is_none());
            kept.map(|mention| (mention, Vec::new())).collect()
        }
        _ => Vec::new(),
    };
    let theme = match &due.content {
        DeliveryContent::Dossier { theme, .. } => Some(*theme),
        DeliveryContent::Warning { warning, .. } => match warning.tally.cause {
            Cause::Theme(theme) => Some(theme),
            _ => None,
        },
        _ => None,
    };
    let theme = match theme {
        Some(theme) => world.store.record().theme_file(theme).await?,
        None => None,
    };
    let case = match &due.content {
        DeliveryContent::Case { case, .. } => Some(*case),
        DeliveryContent::Dossier { .. } => theme.as_ref().and_then(|file| file.row.theme.case),
        DeliveryContent::Notice { .. } => due.case,
        _ => None,
    };
    let file = match case {
        Some(case) => world.store.record().case_file(case).await?,
        None => None,
    };
    let wording = Arc::clone(round);
    let worded = tokio::task::spawn_blocking(move || {
        let Wording { world, engine, similar } = &*wording;
        let similar = similar.get(&due.delivery.id).map(Vec::as_slice).unwrap_or_default();
        let email = wording::word(engine, &world.keys, &due, similar, &bundled, file.as_ref(), theme.as_ref());
        let email = email.ok_or_else(|| "what it was about is no longer in the record".to_owned())?;
        let Delivery { recipient, message_id, queued, .. } = &due.delivery;
        encode(&email, &engine.config.mail.from, recipient, message_id, *queued, &[]).map_err(|why| why.to_string())
    });
    let message = match worded.await {
        Ok(message) => message,
        Err(error) if error.is_cancelled() => return Err(StoreError::Stopped),
        // One mail that brings the wording down must not stop all others.
        Err(_) => Err("it cannot be worded, which is a fault of mentiond: please report it, with the log".to_owned()),
    };
    world.timings.compose.add(watch);
    Ok(message)
}
