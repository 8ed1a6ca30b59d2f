//! From a row of the outbox to a worded mail: names are looked up in the configuration, the words are `compose`'s.

use std::collections::HashMap;

use jiff::Timestamp;

use super::engine::{Engine, domain};
use crate::compose::{
    AlertInput, AlsoSeen, BundleInput, BundleItem, CaseInput, DigestInput, Earlier, Later, NoticeInput, Reader,
    Similar, Story, Trouble as Told, TroubleInput, Watchlist,
};
use crate::model::{Email, Mention, News, Owner, TransportSettings, Trouble, TroubleKind, WatchlistMatch};
use crate::store::record::{CaseFile, DeliveryContent, Due};

/// Words a mail. `file` is the case that it is about, if it is about one; `bundled` are the mentions that a bundle
/// carries, with the watchlists that each was for, or those that stand in collected mail. `None` if what
/// the mail is about is no longer in the record.
pub(super) fn word(
    engine: &Engine,
    due: &Due,
    similar: &[Mention],
    bundled: &[(Mention, Vec<String>)],
    file: Option<&CaseFile>,
) -> Option<Email> {
    let possible_duplicate = due.delivery.possible_duplicate;
    match &due.content {
        DeliveryContent::Trouble { trouble } => Some(engine.composer.trouble(&TroubleInput {
            reader: reader(engine, None),
            trouble: told(trouble, &relay(engine)),
            since: Some(trouble.since),
            detail: Some(&trouble.message),
            thread: None,
            possible_duplicate,
        })),
        DeliveryContent::Summary { summary } => {
            let key = &summary.department;
            let department = engine.config.routing.department(key);
            let mentions: HashMap<i64, Mention> = bundled.iter().map(|(m, _)| (m.id, m.clone())).collect();
            Some(engine.composer.digest(&DigestInput {
                reader: Reader {
                    language: department.map_or(&engine.config.daemon.language, |d| &d.language),
                    zone: department.map_or(&engine.config.daemon.timezone, |d| &d.office.zone),
                },
                summary,
                mentions: &mentions,
                department: department.map_or(key, |d| &d.name),
                owner: &|owner| owner_name(engine, owner),
                possible_duplicate,
            }))
        }
        DeliveryContent::Bundle {} => {
            let items: Vec<_> = bundled
                .iter()
                .map(|(mention, names)| BundleItem {
                    mention,
                    watchlist: watchlist(engine, names.first().map_or("", |n| n)),
                })
                .collect();
            let language = items.first().and_then(|item| language_of(engine, item.watchlist.key));
            Some(engine.composer.bundle(&BundleInput {
                reader: reader(engine, language),
                items: &items,
                possible_duplicate,
            }))
        }
        DeliveryContent::Alert { watchlists, news } => {
            let mention = due.mention.as_ref()?;
            let first = watchlists.first().map_or("", |n| n);
            let parts = Parts::new(engine, due, similar);
            Some(engine.composer.alert(&AlertInput {
                story: parts.story(mention, due, *news),
                reader: reader(engine, language_of(engine, first)),
                watchlist: watchlist(engine, first),
                department: department_name(engine, &mention.decision.department),
            }))
        }
        DeliveryContent::Case { department, copy, letter, .. } => {
            let (mention, file) = (due.mention.as_ref()?, file?);
            let parts = Parts::new(engine, due, similar);
            let watchlists: Vec<_> = mention.watchlists.iter().map(|w| watchlist(engine, &w.name)).collect();
            let later: Vec<Later<'_>> =
                file.later.iter().map(|l| Later { mention: &l.mention, complains: l.complains }).collect();
            Some(engine.composer.case(&CaseInput {
                story: parts.story(mention, due, None),
                reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
                watchlists: &watchlists,
                case: &file.case,
                letter,
                steps: &file.steps,
                later: &later,
                owner: &|owner| owner_name(engine, owner),
                who: &|address| person_name(engine, address).unwrap_or_else(|| address.to_owned()),
                copy: *copy,
            }))
        }
        DeliveryContent::Notice { department, copy, person, news } => {
            let mention = due.mention.as_ref()?;
            let parts = Parts::new(engine, due, similar);
            let watchlists: Vec<_> =
                mention.watchlists.iter().map(|w: &WatchlistMatch| watchlist(engine, &w.name)).collect();
            let copies: Vec<_> = mention.decision.copy.iter().filter_map(|key| department_name(engine, key)).collect();
            let responsible = &mention.decision.department;
            let owner = file.filter(|f| f.case.owner.person.is_some()).map(|f| owner_name(engine, &f.case.owner));
            let member = file.and_then(|f| person_name(engine, f.case.owner.person.as_deref()?));
            let earlier: Vec<Earlier> = file
                .map(|f| f.earlier.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|e| Earlier { case: e.case, opened: e.opened, category: e.category, status: e.status })
                .collect();
            Some(engine.composer.notice(&NoticeInput {
                story: parts.story(mention, due, *news),
                reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
                watchlists: &watchlists,
                department: department_name(engine, responsible).unwrap_or(responsible),
                member: member.as_deref().or_else(|| engine.sole_member(responsible)),
                // Perks come with a later version; until then no draft offers one.
                perk: None,
                copies: &copies,
                owner: owner.as_deref(),
                personal: *person,
                earlier: &earlier,
                copy: *copy,
            }))
        }
    }
}

/// What a story's mail borrows.
struct Parts {
    also_seen: Vec<AlsoSeen>,
    similar: Vec<Similar>,
    thread: Option<String>,
}

impl Parts {
    fn new(engine: &Engine, due: &Due, similar: &[Mention]) -> Self {
        let also_seen = &due.also_seen;
        Self {
            also_seen: also_seen
                .iter()
                .map(|s| AlsoSeen { source: s.source.clone(), url: s.url.clone(), at: s.at })
                .collect(),
            similar: similar
                .iter()
                .map(|m| Similar {
                    title: m.entry.title.clone(),
                    excerpt: m.entry.text.clone(),
                    url: m.entry.url.clone(),
                    at: m.entry.published.unwrap_or(m.fetched),
                    source: m.source.clone(),
                })
                .collect(),
            // No mail bears this id: it is the root under which all mails of a story meet, for every recipient.
            thread: due.story.zip(due.story_started).map(|(story, started): (i64, Timestamp)| {
                format!("story-{story}.{}@{}", started.as_millisecond(), domain(&engine.config.mail.from.email))
            }),
        }
    }

    fn story<'a>(&'a self, mention: &'a Mention, due: &Due, news: Option<News>) -> Story<'a> {
        Story {
            mention,
            news,
            also_seen: &self.also_seen,
            similar: &self.similar,
            case: due.case,
            thread: self.thread.as_deref(),
            possible_duplicate: due.delivery.possible_duplicate,
        }
    }
}

fn reader<'a>(engine: &'a Engine, language: Option<&'a str>) -> Reader<'a> {
    let daemon = &engine.config.daemon;
    Reader { language: language.unwrap_or(&daemon.language), zone: &daemon.timezone }
}

fn language_of<'a>(engine: &'a Engine, watchlist: &str) -> Option<&'a str> {
    engine.watchlist(watchlist)?.language.as_deref()
}

/// A watchlist's name for people; its key if it is no longer configured.
fn watchlist<'a>(engine: &'a Engine, key: &'a str) -> Watchlist<'a> {
    Watchlist { key, name: engine.watchlist(key).map_or(key, |w| &w.display) }
}

fn department_name<'a>(engine: &'a Engine, key: &str) -> Option<&'a str> {
    engine.config.routing.department(key).map(|d| d.name.as_str())
}

/// `Ana Ruiz, Customer Service`, or the department's name.
fn owner_name(engine: &Engine, owner: &Owner) -> String {
    let department = department_name(engine, &owner.department).unwrap_or(&owner.department);
    match &owner.person {
        Some(person) => {
            format!("{}, {department}", person_name(engine, person).unwrap_or_else(|| person.clone()))
        }
        None => department.to_owned(),
    }
}

/// The name behind a mail address: a member's, or a department's.
fn person_name(engine: &Engine, address: &str) -> Option<String> {
    let departments = &engine.config.routing.departments;
    let member = departments.iter().find_map(|d| d.member(address)).map(|m| m.name.clone());
    member.or_else(|| departments.iter().find(|d| d.email.eq_ignore_ascii_case(address)).map(|d| d.name.clone()))
}

/// The way out, for people.
fn relay(engine: &Engine) -> String {
    match &engine.config.mail.transport {
        TransportSettings::Smtp { host, port, .. } => format!("{host}:{port}"),
        TransportSettings::Sendmail { command } => command.display().to_string(),
        TransportSettings::Directory { path } => path.display().to_string(),
    }
}

fn told<'a>(trouble: &'a Trouble, relay: &'a str) -> Told<'a> {
    let source = trouble.subject.as_str();
    let failures = u32::try_from(trouble.count).unwrap_or(u32::MAX);
    let waiting = trouble.count;
    match trouble.kind {
        TroubleKind::SourceFailing => Told::SourceFailing { source, failures },
        TroubleKind::NotAFeed => Told::NotAFeed { source, failures },
        TroubleKind::SourceLogin => Told::SourceLogin { source },
        TroubleKind::SourceRefused => Told::SourceRefused { source },
        TroubleKind::SourceQuota => Told::Quota { source },
        TroubleKind::SourceGone => Told::SourceDisabled { source },
        TroubleKind::SourceMoved => Told::SourceMoved { source, to: trouble.to.as_deref().unwrap_or_default() },
        TroubleKind::UnreliableIds => Told::IdsUnreliable { source },
        TroubleKind::Storm => Told::Storm { source, entries: trouble.count },
        TroubleKind::Gap => Told::Gap { source },
        TroubleKind::SourceRecovered => Told::SourceRecovered { source },
        TroubleKind::RelayUnreachable => Told::RelayUnreachable { relay, waiting },
        TroubleKind::RelayLogin => Told::RelayLogin { relay, waiting },
        TroubleKind::RelayInsecure => Told::RelayInsecure { relay, waiting },
        TroubleKind::RelayRecovered => Told::RelayRecovered { relay },
        TroubleKind::MailDelayed => Told::DeliveryDelayed { recipient: &trouble.subject },
        TroubleKind::MailFailed => Told::DeliveryFailed { recipient: &trouble.subject },
    }
}
