//! From a row of the outbox to a worded mail: names are looked up in the configuration, the words are `compose`'s.

use std::collections::HashMap;

use jiff::Timestamp;

use super::engine::{Engine, domain};
use super::replies;
use crate::compose::{
    Actions, AlertInput, AlsoSeen, AnswerInput, BundleInput, BundleItem, CaseInput, DigestInput, DossierInput,
    DossierPost, Earlier, Later, NoticeInput, Perk, Reader, RefundAdvice, SignInInput, Similar, Story, Trouble as Told,
    TroubleInput, WarningInput, Watchlist,
};
use crate::model::{
    Case, Deed, Delivery, Email, Letter, Mention, News, PerkOffer, Privacy, TransportSettings, Trouble, TroubleKind,
    WatchlistMatch,
};
use crate::routing::refund_advice;
use crate::store::record::{CaseFile, DeliveryContent, Due, SIGN_IN_WITHIN, ThemeFile};
use crate::web;
use crate::web::access::{self, Sight};
use crate::web::keys::Keys;
use crate::web::links::{self, ActionLink};

/// Words a mail. `file` is the case that it is about, if it is about one; `bundled` are the mentions that a bundle
/// carries, with the watchlists that each was for, or those that stand in collected mail. `None` if what
/// the mail is about is no longer in the record.
pub(super) fn word(
    engine: &Engine,
    keys: &Keys,
    due: &Due,
    similar: &[Mention],
    bundled: &[(Mention, Vec<String>)],
    file: Option<&CaseFile>,
    theme: Option<&ThemeFile>,
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
        DeliveryContent::Answer { case, fault, said, department, to } => Some(engine.composer.answer(&AnswerInput {
            reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
            case: *case,
            fault: *fault,
            said,
            thread: Some(to),
            possible_duplicate,
        })),
        DeliveryContent::Dossier { department, copy, back, .. } => {
            let email = dossier(engine, keys, due, theme?, file, department, (*copy, *back));
            Some(with_reply(email, engine, keys, due, file.map(|f| f.case.id), *copy))
        }
        DeliveryContent::Warning { warning, department } => {
            let recipient = &due.delivery.recipient;
            let department = department.as_deref().and_then(|key| engine.config.routing.department(key));
            let language = department.map(|d| d.language.as_str());
            let mentions: Vec<&Mention> =
                bundled.iter().map(|(m, _)| m).filter(|m| may_stand_beside(engine, recipient, m, true)).collect();
            let themes = theme.iter().map(|file| (file.row.theme.id, file.row.theme.name.clone())).collect();
            Some(
                engine.composer.warning(&WarningInput {
                    reader: Reader {
                        language: language
                            .or_else(|| language_of(engine, &warning.watchlist))
                            .unwrap_or(&engine.config.daemon.language),
                        zone: department.map_or(&engine.config.daemon.timezone, |d| &d.office.zone),
                    },
                    watchlist: watchlist(engine, &warning.watchlist),
                    others: &warning.others.iter().map(|key| watchlist(engine, key).name).collect::<Vec<_>>(),
                    warning,
                    mentions: &mentions,
                    themes: &themes,
                    possible_duplicate,
                }),
            )
        }
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
                owner: &|owner| engine.config.routing.owner_name(owner),
                watchlist: &|key| watchlist(engine, key).name.to_owned(),
                who: &|address| engine.config.routing.person_name(address).unwrap_or(address).to_owned(),
                possible_duplicate,
            }))
        }
        DeliveryContent::Bundle {} => {
            let full = bundled.iter().all(|(mention, names)| sees_all(engine, &due.delivery.recipient, mention, names));
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
                full,
                possible_duplicate,
            }))
        }
        DeliveryContent::SignIn { nonce } => {
            let Delivery { recipient, queued, .. } = &due.delivery;
            let link = web::sign_in_address(&engine.site, keys, nonce)?;
            let departments = &engine.config.routing.departments;
            let language = departments.iter().find(|d| d.reads(recipient)).map(|d| d.language.as_str());
            Some(engine.composer.sign_in(&SignInInput {
                reader: reader(engine, language),
                link: &link,
                until: queued.checked_add(SIGN_IN_WITHIN).unwrap_or(*queued),
                possible_duplicate,
            }))
        }
        DeliveryContent::Alert { watchlists, news } => {
            let mention = due.mention.as_ref()?;
            let first = watchlists.first().map_or("", |n| n);
            let full = sees_all(engine, &due.delivery.recipient, mention, watchlists);
            let parts = Parts::new(engine, due, similar, !full);
            Some(engine.composer.alert(&AlertInput {
                story: parts.story(mention, due, *news),
                reader: reader(engine, language_of(engine, first)),
                watchlist: watchlist(engine, first),
                department: department_name(engine, &mention.decision.department),
                full,
            }))
        }
        DeliveryContent::Case { department, copy, letter, .. } => {
            let (mention, file) = (due.mention.as_ref()?, file?);
            let parts = Parts::new(engine, due, similar, *copy);
            let watchlists: Vec<_> = mention.watchlists.iter().map(|w| watchlist(engine, &w.name)).collect();
            let later: Vec<Later<'_>> =
                file.later.iter().map(|l| Later { mention: &l.mention, complains: l.complains }).collect();
            let email = engine.composer.case(&CaseInput {
                story: parts.story(mention, due, None),
                reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
                watchlists: &watchlists,
                case: &file.case,
                theme: file.theme.as_ref(),
                letter,
                steps: &file.steps,
                later: &later,
                owner: &|owner| engine.config.routing.owner_name(owner),
                who: &|address| engine.config.routing.person_name(address).unwrap_or(address).to_owned(),
                actions: &actions(engine, keys, due, Some(&file.case), Some(letter), *copy),
                copy: *copy,
            });
            Some(with_reply(email, engine, keys, due, Some(file.case.id), false))
        }
        DeliveryContent::Notice { department, copy, person, news, praised } => {
            let mention = due.mention.as_ref()?;
            let perk = PerkOffer::for_mention(&engine.config.perks, mention, due.perk.as_ref());
            let parts = Parts::new(engine, due, similar, *copy);
            let watchlists: Vec<_> =
                mention.watchlists.iter().map(|w: &WatchlistMatch| watchlist(engine, &w.name)).collect();
            let copies: Vec<_> = mention.decision.copy.iter().filter_map(|key| department_name(engine, key)).collect();
            let responsible = &mention.decision.department;
            let owner =
                file.filter(|f| f.case.owner.person.is_some()).map(|f| engine.config.routing.owner_name(&f.case.owner));
            let member = file.and_then(|f| engine.config.routing.person_name(f.case.owner.person.as_deref()?));
            let earlier: Vec<Earlier> = file
                .map(|f| f.earlier.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|e| Earlier { case: e.case, opened: e.opened, category: e.category, status: e.status })
                .collect();
            let email = engine.composer.notice(&NoticeInput {
                story: parts.story(mention, due, *news),
                reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
                watchlists: &watchlists,
                department: department_name(engine, responsible).unwrap_or(responsible),
                member: member.or_else(|| engine.sole_member(responsible)),
                perk: perk.as_ref().map(Perk::of),
                refund: refund_advice(&engine.config.refunds, mention, |document| engine.themes_of(document))
                    .map(|rule| RefundAdvice::of(rule.map(|rule| (rule.recommend, rule.why.as_str())))),
                praised: *praised,
                copies: &copies,
                owner: owner.as_deref(),
                personal: *person,
                earlier: &earlier,
                actions: &actions(engine, keys, due, file.map(|f| &f.case), None, *copy),
                copy: *copy,
            });
            Some(with_reply(email, engine, keys, due, file.map(|f| f.case.id), *copy))
        }
    }
}

/// Whether a subscriber sees the personal data of an alert: where the watchlist says so, and in the department that
/// takes care of the mention.
fn sees_all(engine: &Engine, recipient: &str, mention: &Mention, watchlists: &[String]) -> bool {
    let owner = engine.config.routing.department(&mention.decision.department);
    owner.is_some_and(|d| d.reads(recipient) && mention.decision.privacy.is_usual())
        || watchlists.iter().any(|name| engine.watchlist(name).is_some_and(|w| w.full))
}

/// Whether a mention may be quoted in somebody's mail about another one: what is kept from them is kept from them there
/// too, and what they would see masked stands in masked mails only.
fn may_stand_beside(engine: &Engine, recipient: &str, mention: &Mention, masked: bool) -> bool {
    match access::sight(Some(recipient), &engine.config.routing, &mention.decision, None) {
        Sight::Hidden => false,
        // Who may look at everything on the pages still gets by mail, in full, only what is theirs to take care of.
        Sight::Full if is_theirs(engine, recipient, mention) => true,
        Sight::Full | Sight::Masked => {
            let in_full = |name: &str| {
                let watchlist = engine.watchlist(name).filter(|w| w.full);
                watchlist.is_some_and(|w| w.alert.iter().any(|address| address.eq_ignore_ascii_case(recipient)))
            };
            masked || mention.watchlists.iter().any(|w| in_full(&w.name))
        }
    }
}

/// Whether the recipient takes care of a mention.
fn is_theirs(engine: &Engine, recipient: &str, mention: &Mention) -> bool {
    let decision = &mention.decision;
    let owns = decision.person.as_deref().is_some_and(|person| person.eq_ignore_ascii_case(recipient));
    let of_one = decision.privacy == Privacy::Staff && decision.person.is_some();
    owns || (!of_one && engine.config.routing.department(&decision.department).is_some_and(|d| d.reads(recipient)))
}

/// The links of a mail about a case that is not over; a copy has none.
fn actions(
    engine: &Engine,
    keys: &Keys,
    due: &Due,
    case: Option<&Case>,
    letter: Option<&Letter>,
    copy: bool,
) -> Actions {
    let reply = reply_to(engine, keys, due, case.map(|c| c.id), copy && letter.is_none()).is_some();
    let (Some(case), Some(base)) = (case.filter(|c| !c.status.is_ended() && !copy), web::base(&engine.site)) else {
        return Actions { reply, ..Actions::default() };
    };
    let Delivery { recipient, queued, .. } = &due.delivery;
    let address = |deed: &Deed| {
        let link = ActionLink::new(case, *deed, recipient, *queued);
        (*deed, format!("{base}/act/{}", link.seal(keys)))
    };
    Actions {
        links: links::offered(letter).iter().map(address).collect(),
        until: queued.checked_add(links::VALID).ok(),
        reply,
    }
}

/// Where a reply to a mail about a case goes; a copy of a notice is for information only.
fn reply_to(engine: &Engine, keys: &Keys, due: &Due, case: Option<i64>, for_information: bool) -> Option<String> {
    let settings = engine.config.mail.replies.as_ref().filter(|_| !for_information)?;
    Some(replies::address(settings, keys, case?, &due.delivery.recipient))
}

/// The same with the address to which a reply goes.
fn with_reply(
    email: Email,
    engine: &Engine,
    keys: &Keys,
    due: &Due,
    case: Option<i64>,
    for_information: bool,
) -> Email {
    let Some(address) = reply_to(engine, keys, due, case, for_information) else { return email };
    let mut email = email;
    email.headers.push(("Reply-To".to_owned(), address));
    email
}

/// Whether anybody may read of it who reads of its theme: it may have been found out later that it is about an employee.
fn is_open(mention: &Mention) -> bool {
    mention.decision.privacy.is_usual()
}

fn dossier(
    engine: &Engine,
    keys: &Keys,
    due: &Due,
    theme: &ThemeFile,
    file: Option<&CaseFile>,
    department: &str,
    (copy, back): (bool, bool),
) -> Email {
    let ThemeFile { row, mentions, days, usual, sources, languages, cases, akin, .. } = theme;
    let posts: Vec<DossierPost<'_>> = mentions
        .iter()
        .filter(|m| is_open(&m.mention))
        .map(|m| DossierPost { mention: &m.mention, person: m.person })
        .collect();
    let cases: Vec<Earlier> = (cases.iter().chain(akin))
        .map(|e| Earlier { case: e.case, opened: e.opened, category: e.category, status: e.status })
        .collect();
    let owner = file.map(|f| &f.case.owner);
    let responsible = owner.map_or(department, |owner| owner.department.as_str());
    let person = owner.and_then(|owner| engine.config.routing.person_name(owner.person.as_deref()?));
    engine.composer.dossier(&DossierInput {
        reader: reader(engine, engine.config.routing.department(department).map(|d| d.language.as_str())),
        watchlist: watchlist(engine, &row.theme.watchlist),
        theme: &row.theme,
        department: department_name(engine, responsible).unwrap_or(responsible),
        owner: person,
        people: row.people,
        mentions: row.mentions,
        posts: &posts,
        days,
        usual: *usual,
        sources,
        languages,
        cases: &cases,
        open_cases: theme.open_cases,
        ended_cases: theme.ended_cases + akin.len() as u64,
        back,
        personal: owner.is_some_and(|owner| owner.is(&due.delivery.recipient)),
        actions: &actions(engine, keys, due, file.map(|f| &f.case), None, copy),
        copy,
        possible_duplicate: due.delivery.possible_duplicate,
    })
}

/// What a story's mail borrows.
struct Parts {
    also_seen: Vec<AlsoSeen>,
    similar: Vec<Similar>,
    thread: Option<String>,
}

impl Parts {
    /// `masked`: personal data is masked in the mail.
    fn new(engine: &Engine, due: &Due, similar: &[Mention], masked: bool) -> Self {
        let (also_seen, recipient) = (&due.also_seen, &due.delivery.recipient);
        Self {
            also_seen: also_seen
                .iter()
                .map(|s| AlsoSeen { source: s.source.clone(), url: s.url.clone(), at: s.at })
                .collect(),
            similar: similar
                .iter()
                .filter(|m| may_stand_beside(engine, recipient, m, masked))
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
        TroubleKind::PerksUsedUp => Told::PerksUsedUp { department: &trouble.subject },
        TroubleKind::MailDelayed => Told::DeliveryDelayed { recipient: &trouble.subject },
        TroubleKind::MailFailed => Told::DeliveryFailed { recipient: &trouble.subject },
    }
}
