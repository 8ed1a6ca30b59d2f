//! What is done with cases that no person asked for in them: their theme was split, their author is forgotten. The owner
//! is told.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::StoreError;
use super::cases::{CaseDesk, keep, overtaken, read};
use crate::cases::{self, Action, Around, Loads, Outcome, Refusal};
use crate::model::{Case, CaseMail, Letter};

/// Does something with a case that no person asked for in it, and tells its owner; if the case's own rules refuse it, the
/// case stays as it is.
pub(super) fn tell_of(
    c: &Connection,
    desk: &CaseDesk,
    case: &Case,
    action: &Action,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let loads = Loads::new();
    let around = Around { routing: &desk.routing, loads: &loads, now };
    let Ok(mut outcome) = cases::act(around, case, action, None) else { return Ok(()) };
    tell_owner(desk, case, &format!("case {} told {now}", case.id), &mut outcome);
    keep(c, desk, &outcome, Some(case), by, now)?;
    Ok(())
}

/// Adds a mail to the owner of a case, unless they get one already.
fn tell_owner(desk: &CaseDesk, case: &Case, once: &str, outcome: &mut Outcome) {
    let Some(to) = cases::address(&desk.routing, &case.owner) else { return };
    if !outcome.mails.iter().any(|mail| mail.to.eq_ignore_ascii_case(&to)) {
        let department = case.owner.department.clone();
        outcome.mails.push(CaseMail { to, department, letter: Letter::Update, copy: false, once: once.to_owned() });
    }
}

/// Dismisses a case whose author was forgotten, and tells its owner beside the community. Answers which mails were
/// overtaken.
pub(super) fn dismiss_and_tell(
    c: &Connection,
    desk: &CaseDesk,
    id: i64,
    action: &Action,
    under_way: Option<i64>,
    now: Timestamp,
) -> Result<Result<Vec<i64>, Refusal>, StoreError> {
    let Some(case) = read(c, id)? else { return Ok(Err(Refusal::NoSuchCase(id))) };
    let loads = Loads::new();
    let around = Around { routing: &desk.routing, loads: &loads, now };
    let mut outcome = match cases::act(around, &case, action, None) {
        Ok(outcome) => outcome,
        Err(refusal) => return Ok(Err(refusal)),
    };
    tell_owner(desk, &case, &format!("case {id} erased"), &mut outcome);
    let overtaken = overtaken(c, &case, under_way)?;
    keep(c, desk, &outcome, Some(&case), None, now)?;
    Ok(Ok(overtaken))
}
