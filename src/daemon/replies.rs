//! Replies by mail: who wrote, whether that is true, and what they want done.

use jiff::Timestamp;

use super::World;
use super::engine::Engine;
use crate::cases::{self, Said};
use crate::model::{ReplyFault, ReplySettings, Source};
use crate::routing::Routing;
use crate::sources::mailbox::authentic::signed_by;
use crate::sources::mailbox::{self, Mail};
use crate::store::StoreError;
use crate::store::record::{NewReply, Replied};
use crate::web::keys::{Keys, Purpose};

/// Bytes of a seal in an address: 80 bits, which can only be tried out by mail.
const SEAL: usize = 10;

/// The address to which the reader of a mail about a case replies. It is bound to both: nobody else's reply, and no
/// reply about another case, can use it.
pub(super) fn address(settings: &ReplySettings, keys: &Keys, case: i64, recipient: &str) -> String {
    let (local, domain) = settings.address.rsplit_once('@').unwrap_or((&settings.address, "localhost"));
    format!("{local}+c{case}.{}@{domain}", seal(keys, case, recipient))
}

/// In base32 (RFC 4648, 6), lower case: mail systems change the case of local parts.
fn seal(keys: &Keys, case: i64, recipient: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let tag = keys.tag(Purpose::Reply, format!("{case}\0{}", recipient.to_lowercase()).as_bytes());
    let bits: u128 = tag.iter().take(SEAL).fold(0, |all, byte| all << 8 | u128::from(*byte));
    let digits = SEAL * 8 / 5;
    (0..digits)
        .rev()
        .filter_map(|n| ALPHABET.get(usize::try_from(bits >> (5 * n) & 31).unwrap_or(0)).map(|b| char::from(*b)))
        .collect()
}

/// Case and seal of an address that a mail was sent to, if it is one of ours.
fn named<'m>(settings: &ReplySettings, mail: &'m Mail) -> Option<(i64, &'m str)> {
    let own = settings.address.to_lowercase();
    let (local, domain) = own.rsplit_once('@')?;
    mail.recipients.iter().find_map(|recipient| {
        let (name, at) = recipient.rsplit_once('@')?;
        let (case, seal) = name.strip_prefix(local)?.strip_prefix("+c")?.split_once('.')?;
        (at == domain).then_some((case.parse().ok()?, seal))
    })
}

/// Whether the seal was made for this sender, or for a department whose mail they read.
fn is_sealed(keys: &Keys, routing: &Routing, case: i64, given: &str, sender: &str) -> bool {
    let shared = routing.departments.iter().filter(|d| d.reads(sender)).map(|d| d.email.as_str());
    // As long as for a right one, whichever digit is wrong.
    let same = |recipient: &str| {
        let right = seal(keys, case, recipient);
        let differ = right.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        right.len() == given.len() && differ == 0
    };
    std::iter::once(sender).chain(shared).fold(false, |found, recipient| same(recipient) | found)
}

/// Deals with a mail if it is a reply to one of ours, or orders from one of ours. False: it is a mail like others.
///
/// # Errors
/// The record cannot be read or written.
pub(super) async fn take(
    world: &World,
    engine: &Engine,
    source: &Source,
    mail: &Mail,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(settings) = engine.config.mail.replies.as_ref().filter(|r| r.source == source.name) else {
        return Ok(false);
    };
    let routing = &engine.config.routing;
    let named = named(settings, mail);
    let Some(from) = &mail.from else { return Ok(named.is_some()) };
    let sender = from.email.to_lowercase();
    // No talk between programs, and no answer to a bounce of our own answer.
    if let Some(machine) = mailbox::machine(mail, &engine.config.mail.from.email, false) {
        let ours = named.is_some();
        if ours {
            tracing::info!(
                event = "reply_left_alone",
                source = source.name,
                why = machine.as_str(),
                "no person wrote it"
            );
        }
        return Ok(ours);
    }
    let words = mailbox::words(mail);
    let said = cases::said(&words);
    let known = routing.departments.iter().any(|d| d.reads(&sender));
    let refers = || async {
        if mail.references.is_empty() {
            return Ok(false);
        }
        world.store.record().is_ours(mail.references.clone()).await
    };
    let is_reply = named.is_some() || (known && said != Said::NoCommand) || refers().await?;
    if !is_reply {
        return Ok(false);
    }
    let sealed = known && named.is_some_and(|(case, seal)| is_sealed(&world.keys, routing, case, seal, &sender));
    let authentic = sealed || (known && signed_by(mail, &settings.trusted, &sender));
    if !authentic {
        let why = if known {
            "its sender is not proven: neither the signed reply address nor a DKIM signature that a trusted server found good"
        } else {
            "its sender is nobody of the configured departments"
        };
        tracing::warn!(
            event = "reply_refused",
            source = source.name,
            case = named.map(|(case, _)| case),
            "a reply was not acted on, and not answered: {why}"
        );
        return Ok(true);
    }
    let wish = match said {
        Said::Do(action) => Ok(action),
        Said::NoCommand => Err(ReplyFault::NoCommand),
        Said::Unknown => Err(ReplyFault::UnknownCommand),
    };
    let reply = NewReply {
        id: mailbox::id(mail),
        sender,
        said: words.lines().next().unwrap_or_default().trim().to_owned(),
        // A seal that is not good for this sender names nothing.
        case: named.filter(|_| sealed).map(|(case, _)| case),
        references: mail.references.clone(),
        wish,
    };
    let record = world.store.record();
    match record.take_reply(std::sync::Arc::clone(&engine.desk), reply, now).await? {
        Replied::Before => {}
        Replied::Done { case } => {
            tracing::info!(event = "case_moved", case, by = "reply", "a case was acted on by mail");
            world.mail_due.notify_one();
            world.case_moved.notify_one();
        }
        Replied::Not { case, fault, answered } => {
            tracing::info!(
                event = "reply_not_done",
                source = source.name,
                case,
                fault = ?fault,
                answered,
                "a reply could not be acted on"
            );
            world.mail_due.notify_one();
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Department;

    fn settings() -> ReplySettings {
        ReplySettings { source: "replies".into(), address: "Mentions@example.com".into(), trusted: Vec::new() }
    }

    #[test]
    fn a_reply_address_holds_for_its_case_and_its_reader_only() {
        let keys = Keys::of([7; 32]);
        let support = Department::new("support", "support@example.com");
        let routing = Routing { departments: vec![support], routes: Vec::new() };
        let address = address(&settings(), &keys, 12, "Ana@example.com");
        assert!(address.starts_with("Mentions+c12.") && address.ends_with("@example.com"), "{address}");
        let mail = Mail { recipients: vec!["x@example.com".into(), address.to_lowercase()], ..Mail::default() };
        let (case, seal) = named(&settings(), &mail).unwrap();
        assert_eq!((case, seal.len()), (12, 16));
        assert!(is_sealed(&keys, &routing, 12, seal, "ana@example.com"));
        assert!(!is_sealed(&keys, &routing, 13, seal, "ana@example.com"));
        assert!(!is_sealed(&keys, &routing, 12, seal, "tom@example.com"));
        assert!(!is_sealed(&Keys::of([8; 32]), &routing, 12, seal, "ana@example.com"));
        assert!(!is_sealed(&keys, &routing, 12, &seal[1..], "ana@example.com"));
        for other in [
            "mentions@example.com",
            "mentions+c12@example.com",
            "mentions+cx.abc@example.com",
            "mentions+c1.a@evil.example",
        ] {
            assert_eq!(
                named(&settings(), &Mail { recipients: vec![other.into()], ..Mail::default() }),
                None,
                "{other}"
            );
        }
    }
}
