//! Random sequences of what happens to an outbox, deaths included, against the real record and a simple model in memory:
//! every mail is there once, what was sent is never due again, and a mail whose fate is unknown says so.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::model::{Trouble, TroubleKind};
use crate::schedule::RetryDecision;

const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

#[derive(Clone, Debug)]
enum Event {
    /// Something is to be said; the same thing may have been said before.
    Queue(u8),
    /// The oldest due mail is handed to the relay, and this comes of it; `None`: the process dies before the answer.
    Try(Option<Fate>),
    /// What was sent is told to the record.
    SettleSent,
    /// The process dies, and another takes over.
    Die,
    /// So many minutes pass.
    Wait(u8),
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Sent,
    Refused,
    Later,
    /// The connection broke after the final dot.
    Unknown,
}

/// What the model knows of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    message_id: String,
    status: &'static str,
    due: Timestamp,
    possible_duplicate: bool,
}

fn event() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![Just(Fate::Sent), Just(Fate::Refused), Just(Fate::Later), Just(Fate::Unknown)];
    prop_oneof![
        4 => (0_u8..12).prop_map(Event::Queue),
        6 => proptest::option::weighted(0.8, fate).prop_map(Event::Try),
        1 => Just(Event::SettleSent),
        1 => Just(Event::Die),
        2 => (1_u8..60).prop_map(Event::Wait),
    ]
}

fn mail(number: u8, minted: usize) -> NewDelivery {
    let trouble = Trouble::new(TroubleKind::MailFailed, &format!("subject {number}"), "it happened", START);
    NewDelivery {
        recipient: format!("{number}@example.com"),
        message_id: format!("{minted}@example.com"),
        once: Some(format!("once {number}")),
        content: DeliveryContent::Trouble { trouble },
    }
}

/// Another process opens the record that the last one left.
async fn reopen(path: &Path, record: Option<Record>) -> Record {
    if let Some(record) = record {
        record.close().await;
    }
    let record = Record::open(path).unwrap();
    record.recover_outbox().await.unwrap();
    record
}

async fn play(events: &[Event]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.sqlite");
    let mut record = reopen(&path, None).await;
    let mut model: BTreeMap<u8, Known> = BTreeMap::new();
    let mut now = START;
    for (minted, event) in events.iter().enumerate() {
        match event {
            Event::Queue(number) => {
                let new = record.queue_mail(mail(*number, minted), now).await.unwrap();
                assert_eq!(new, !model.contains_key(number), "{event:?}: said twice, or not at all");
                model.entry(*number).or_insert_with(|| Known {
                    message_id: format!("{minted}@example.com"),
                    status: "queued",
                    due: now,
                    possible_duplicate: false,
                });
            }
            Event::Try(fate) => {
                record.settle_sent().await.unwrap();
                let due = record.due(now, i64::MAX, 1).await.unwrap();
                let wanted = model.values().filter(|m| m.waits() && m.due <= now).map(|m| m.due).min();
                let Some(due) = due.first() else {
                    assert_eq!(wanted, None, "a mail is due and nobody says so");
                    continue;
                };
                let number: u8 = due.delivery.recipient.split('@').next().unwrap().parse().unwrap();
                let known = model.get_mut(&number).expect("a mail that was queued");
                assert_eq!((Some(known.due), known.waits()), (wanted, true), "not the oldest that waits");
                assert_eq!(due.delivery.message_id, known.message_id);
                assert_eq!(due.delivery.possible_duplicate, known.possible_duplicate);
                assert!(record.begin(due.delivery.id).await.unwrap());
                let later = now + SignedDuration::from_mins(7);
                let (status, at, decision) = match fate {
                    None => {
                        known.possible_duplicate = true;
                        record = reopen(&path, Some(record)).await;
                        continue;
                    }
                    Some(Fate::Sent) => ("sent", known.due, RetryDecision::Sent),
                    Some(Fate::Refused) => ("failed", known.due, RetryDecision::GiveUp { reason: "no".into() }),
                    Some(Fate::Later) => {
                        let reason = "later".to_owned();
                        ("deferred", later, RetryDecision::Retry { at: later, possible_duplicate: false, reason })
                    }
                    Some(Fate::Unknown) => {
                        known.possible_duplicate = true;
                        let reason = "broke".to_owned();
                        ("deferred", later, RetryDecision::Retry { at: later, possible_duplicate: true, reason })
                    }
                };
                (known.status, known.due) = (status, at);
                record.settle(due.delivery.id, decision, now).await.unwrap();
            }
            Event::SettleSent => record.settle_sent().await.unwrap(),
            Event::Die => record = reopen(&path, Some(record)).await,
            Event::Wait(minutes) => now += SignedDuration::from_mins(i64::from(*minutes)),
        }
    }
    record = reopen(&path, Some(record)).await;
    let rows = Record::open_to_read(&path).unwrap().deliveries(None, None, 1_000).unwrap();
    assert_eq!(rows.len(), model.len(), "mails in the record");
    for row in rows {
        let number: u8 = row.recipient.split('@').next().unwrap().parse().unwrap();
        let known = &model[&number];
        assert_eq!((row.status.as_str(), &row.message_id), (known.status, &known.message_id));
        if known.waits() {
            assert_eq!(row.possible_duplicate, known.possible_duplicate, "{row:?}");
        }
    }
    record.close().await;
}

impl Known {
    fn waits(&self) -> bool {
        matches!(self.status, "queued" | "deferred")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hazard_34_an_outbox_is_what_a_simple_model_says(events in proptest::collection::vec(event(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&events));
    }
}
