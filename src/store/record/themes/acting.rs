//! What a person does with a theme, in the record.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::super::StoreError;
use super::super::cases::{self, CaseDesk};
use super::super::{moment, rows, told};
use super::listing::MOST_MENTIONS;
use super::{Said, begin, look, mention, note, people, read, set_mark, settle, terms_of, write_standing};
use crate::cases::{Action, Around, known_address};
use crate::model::{Actor, Case, ERASED, Mark, Theme, ThemeHappening, ThemeStatus};
use crate::themes::place::Remembered;
use crate::themes::standing::{self, ThemeAction, ThemeRefusal};
use crate::themes::{Joined, Memory};

/// Does it, or says why not. The number of the theme to look at afterwards.
pub(super) fn act(
    c: &Connection,
    desk: &CaseDesk,
    id: i64,
    action: &ThemeAction,
    by: &Actor,
    now: Timestamp,
) -> Result<Result<i64, ThemeRefusal>, StoreError> {
    // As with cases: nothing is written down in the name of somebody whom nobody knows.
    if let Some(by) = by.person().filter(|by| known_address(&desk.routing, "", by).is_none()) {
        return Ok(Err(ThemeRefusal::Stranger(by.to_owned())));
    }
    let Some(mut theme) = read(c, id)? else { return Ok(Err(ThemeRefusal::NoSuchTheme(id))) };
    if let Some(into) = theme.into {
        return Ok(Err(ThemeRefusal::Gone(id, into)));
    }
    let (person, told) = (by.person(), by.told());
    let by = told.as_deref();
    match action {
        ThemeAction::Merge { into } => {
            if *into == id {
                return Ok(Err(ThemeRefusal::Itself(id)));
            }
            let Some(mut target) = read(c, *into)? else { return Ok(Err(ThemeRefusal::NoSuchTheme(*into))) };
            if let Some(further) = target.into {
                return Ok(Err(ThemeRefusal::Gone(*into, further)));
            }
            if target.watchlist != theme.watchlist {
                return Ok(Err(ThemeRefusal::OtherWatchlist(id, *into)));
            }
            let case = theme.case;
            take_in(c, &mut target, theme, by, now)?;
            let terms = terms_anew(c, target.id)?;
            settle(c, &mut target, &terms)?;
            look(c, desk, &mut target, now)?;
            // Its people are followed in the other theme's case.
            if let Some(case) = case.map(|id| cases::read(c, id)).transpose()?.flatten()
                && !case.status.is_ended()
            {
                let reason = format!("its theme became part of theme {into}");
                act_on_case(c, desk, &case, &Action::Dismiss { reason }, (person, by), now)?;
            }
            Ok(Ok(*into))
        }
        ThemeAction::Split { mentions } => {
            let mut inside: Vec<i64> = c
                .prepare_cached("SELECT mention FROM theme_mentions WHERE theme = ?1")?
                .query_map([id], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            if let Some(stranger) = mentions.iter().find(|m| !inside.contains(m)) {
                return Ok(Err(ThemeRefusal::NotIn(id, *stranger)));
            }
            inside.retain(|m| !mentions.contains(m));
            if mentions.is_empty() || inside.is_empty() {
                return Ok(Err(ThemeRefusal::NothingLeft(id)));
            }
            let first = mentions.iter().min().copied().unwrap_or_default();
            let Some(found) = mention(c, first)? else { return Ok(Err(ThemeRefusal::NotIn(id, first))) };
            let mut parted = begin(c, &found, &theme.watchlist, None, now)?;
            for mention in mentions {
                c.prepare_cached("UPDATE theme_mentions SET theme = ?2, why = ?3 WHERE mention = ?1")?
                    .execute(params![mention, parted.id, rows::to_json(&Joined::ByHand)?])?;
            }
            let what = ThemeHappening::Parted { theme: parted.id, mentions: mentions.clone() };
            note(c, id, now, by, &what)?;
            for theme in [&mut theme, &mut parted] {
                let last = "SELECT max(at) FROM theme_mentions WHERE theme = ?1";
                theme.last_seen = moment(c.prepare_cached(last)?.query_row([theme.id], |row| row.get(0))?);
                theme.first_seen = first_written(c, theme.id)?.unwrap_or(theme.first_seen);
                let terms = terms_anew(c, theme.id)?;
                settle(c, theme, &terms)?;
            }
            shrink(c, desk, &mut theme, (parted.id, mentions.len()), by, now)?;
            look(c, desk, &mut parted, now)?;
            Ok(Ok(parted.id))
        }
        ThemeAction::Rename { name } => {
            let name = standing::cut(name);
            if name.is_empty() {
                return Ok(Err(ThemeRefusal::NoName));
            }
            let what = ThemeHappening::Renamed { from: std::mem::replace(&mut theme.name, name.clone()), to: name };
            theme.renamed = true;
            note(c, id, now, by, &what)?;
            write_standing(c, &theme)?;
            Ok(Ok(id))
        }
        ThemeAction::Close { reason } => {
            if theme.status == ThemeStatus::Closed {
                return Ok(Err(ThemeRefusal::Closed(id)));
            }
            theme.status = ThemeStatus::Closed;
            theme.closed = Some(Mark { at: now, by: by.map(str::to_owned) });
            note(c, id, now, by, &ThemeHappening::Closed { reason: standing::cut(reason), case: None })?;
            write_standing(c, &theme)?;
            // What was the matter is settled; whether the customers are satisfied is asked as ever.
            if let Some(case) = theme.case.map(|id| cases::read(c, id)).transpose()?.flatten()
                && !case.status.is_ended()
            {
                act_on_case(c, desk, &case, &Action::Resolve, (person, by), now)?;
            }
            Ok(Ok(id))
        }
    }
}

/// An open theme from which mentions were parted, and which has fewer people now than must be acted on, is one to think
/// about again. Its case stays with its owner, who may be half-way through it: they read why in its history and by mail,
/// and dismiss it if it is none any more. Should more people come, the theme opens again, with the same case.
fn shrink(
    c: &Connection,
    desk: &CaseDesk,
    theme: &mut Theme,
    (parted, mentions): (i64, usize),
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let left = people(c, theme.id, Timestamp::MIN)?;
    if !standing::shrinks(theme.status, left, &desk.acting) {
        return Ok(());
    }
    theme.status = ThemeStatus::Growing;
    theme.opened = None;
    note(c, theme.id, now, by, &ThemeHappening::Shrank { people: left, case: theme.case })?;
    write_standing(c, theme)?;
    let case = theme.case.map(|id| cases::read(c, id)).transpose()?.flatten();
    if let Some(case) = case.filter(|case| !case.status.is_ended()) {
        let text = standing::shrank(theme.id, parted, mentions, left);
        told::tell_of(c, desk, &case, &Action::Note { text }, by, now)?;
    }
    Ok(())
}

/// What follows for a theme's case, by whom as far as rules ask, and as its history has it; if the case's own rules refuse it, the case stays as it is.
fn act_on_case(
    c: &Connection,
    desk: &CaseDesk,
    case: &Case,
    action: &Action,
    (person, by): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let loads = cases::loads(c, &desk.routing)?;
    let around = Around { routing: &desk.routing, loads: &loads, now };
    // Whoever looks after themes need be nobody who may have this case.
    let done =
        crate::cases::act(around, case, action, person).or_else(|_| crate::cases::act(around, case, action, None));
    if let Ok(outcome) = done {
        cases::keep(c, desk, &outcome, Some(case), by, now)?;
    }
    Ok(())
}

/// Makes `gone` part of `theme`; the caller settles `theme`.
pub(super) fn take_in(
    c: &Connection,
    theme: &mut Theme,
    mut gone: Theme,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE theme_mentions SET theme = ?2 WHERE theme = ?1")?.execute([gone.id, theme.id])?;
    theme.first_seen = theme.first_seen.min(gone.first_seen);
    theme.last_seen = theme.last_seen.max(gone.last_seen);
    gone.status = ThemeStatus::Merged;
    gone.into = Some(theme.id);
    note(c, theme.id, now, by, &ThemeHappening::TookIn { theme: gone.id })?;
    note(c, gone.id, now, by, &ThemeHappening::MergedInto { theme: theme.id })?;
    write_standing(c, &gone)
}

/// Mentions whose words are gone, or were changed: what their themes are recognised by is added up from what is left, and
/// of those whose author was forgotten (`erased`) neither the reason nor the person stays.
pub(in super::super) fn forget(
    c: &Connection,
    erased: &BTreeSet<i64>,
    changed: &BTreeSet<i64>,
) -> Result<(), StoreError> {
    let mut themes = BTreeSet::new();
    let mut theme_of = c.prepare_cached("SELECT theme FROM theme_mentions WHERE mention = ?1")?;
    for mention in erased.union(changed) {
        themes.extend(theme_of.query_row([mention], |row| row.get::<_, i64>(0)).optional()?);
    }
    if themes.is_empty() {
        return Ok(());
    }
    // Several posts of one who was forgotten stay one person.
    let nobody: [u8; 16] = rand::random();
    for mention in erased {
        c.prepare_cached("UPDATE theme_mentions SET person = ?2, why = ?3 WHERE mention = ?1")?.execute(params![
            mention,
            nobody,
            rows::to_json(&Joined::Shares { words: vec![ERASED.to_owned()], near: 0.0 })?
        ])?;
    }
    for id in themes {
        let Some(mut theme) = read(c, id)? else { continue };
        let terms = terms_anew(c, id)?;
        if terms.is_empty() && !theme.renamed && theme.named.is_none() {
            ERASED.clone_into(&mut theme.name);
        }
        settle(c, &mut theme, &terms)?;
    }
    set_mark(c)?;
    Ok(())
}

/// When the earliest of a theme's mentions was written.
fn first_written(c: &Connection, id: i64) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT m.id AS mention_id, m.content AS mention_content FROM theme_mentions t JOIN mentions m ON m.id = t.mention
         WHERE t.theme = ?1",
    )?;
    let mut first: Option<Timestamp> = None;
    for found in statement.query_map([id], rows::mention)? {
        let written = found?.written();
        first = Some(first.map_or(written, |first| first.min(written)));
    }
    Ok(first)
}

/// The terms of a theme, added up from its newest mentions once more.
fn terms_anew(c: &Connection, id: i64) -> Result<Vec<Remembered>, StoreError> {
    let mut memory = Memory::default();
    let mut statement = c.prepare_cached(
        "SELECT m.id AS mention_id, m.content AS mention_content FROM theme_mentions t JOIN mentions m ON m.id = t.mention
         WHERE t.theme = ?1 ORDER BY t.mention DESC LIMIT ?2",
    )?;
    for found in statement.query_map(params![id, MOST_MENTIONS], rows::mention)? {
        memory.join(id, "", &terms_of(Said::of(&found?), |_| 1.0), None, Timestamp::UNIX_EPOCH);
    }
    Ok(memory.terms(id).to_vec())
}
