//! What may happen to a case, what follows from it, and who is told.

use serde::{Deserialize, Serialize};

use super::due::Reminder;
use super::owners::{self, Barred, address, known_address, may_act};
use super::{Around, takes_in};
use crate::model::{
    CAME_BACK, Case, CaseMail, CaseStatus, Category, Decision, Happening, Letter, Mark, Mention, NOT_AFTER_ALL, Owner,
    OwnerReason, Privacy, Reminded, Severity,
};
use crate::routing::Role;

/// From this many times on that an author came back, management is told as well.
const GATHERS: u32 = 3;
/// Characters of a reason that are kept.
const MAX_REASON: usize = 500;
/// Score from which another category than the first may find a case its next owner.
const ALSO: f32 = 0.25;

/// What a person does with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// Takes it.
    Acknowledge,
    /// Answered the customer.
    Answer,
    /// Settled the matter.
    Resolve,
    /// The customer is satisfied.
    Satisfied,
    /// The customer is not.
    Unsatisfied,
    /// Ends a case whose customer is satisfied.
    Close,
    /// It is no case.
    Dismiss {
        reason: String,
    },
    Reopen {
        reason: String,
    },
    /// Gives it to a member's address or a department.
    Assign {
        to: String,
    },
    /// Writes something down; the case stays as it is.
    Note {
        text: String,
    },
}

/// Why an action is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no case {0}; `mentiond cases` lists them")]
    NoSuchCase(i64),
    #[error("case {0} has ended ({status}); `mentiond cases reopen {0}` opens it again", status = .1.as_str())]
    Ended(i64, CaseStatus),
    #[error("case {0} has not ended ({status}): there is nothing to reopen", status = .1.as_str())]
    NotEnded(i64, CaseStatus),
    #[error("case {0} is {status} already; `mentiond cases assign {0} --to ADDRESS` gives it to somebody else", status = .1.as_str())]
    Already(i64, CaseStatus),
    #[error(
        "case {0} was not answered yet, so nobody failed it; `mentiond cases assign {0} --to ADDRESS` gives it to somebody else"
    )]
    NotAnswered(i64),
    #[error(
        "nobody has said that the customer of case {0} is satisfied: `mentiond cases satisfied {0}` if so, \
         `mentiond cases unsatisfied {0}` if not, or `mentiond cases dismiss {0} --reason …` if it is no case"
    )]
    NotSatisfied(i64),
    #[error("{1} is not known: name a member, a lead or a department of the configuration")]
    Stranger(i64, String),
    #[error("{1} did not satisfy the customer of case {0}, so the case does not go back there")]
    FailedIt(i64, String),
    #[error("case {0} is kept from {1}")]
    KeptFrom(i64, String),
    #[error("case {0} is with {1} already")]
    HasIt(i64, String),
    #[error("say why: --reason \"…\"")]
    NoReason(i64),
    #[error("the note says nothing: --text \"…\"")]
    NoText(i64),
    #[error(
        "case {0} is nothing that {1} has to do with: only its department, management, the community and whoever was written to about it act on it"
    )]
    NotTheirs(i64, String),
}

/// What follows from an event: the case as it is afterwards, the lines of its history, and the mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub case: Case,
    pub steps: Vec<Happening>,
    pub mails: Vec<CaseMail>,
}

/// What a case is opened from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub department: String,
    /// Whom routing names already.
    pub person: Option<String>,
    pub category: Category,
    pub also: Vec<Category>,
    pub severity: Severity,
    pub privacy: Privacy,
    pub kept_from: Vec<String>,
}

impl Opening {
    /// What the decision about a mention says; `None` if no case is opened for it.
    pub fn of(mention: &Mention) -> Option<Self> {
        let (decision, found) = (&mention.decision, &mention.classification);
        (decision.case && !decision.department.is_empty()).then(|| Self {
            department: decision.department.clone(),
            person: decision.person.clone(),
            category: found.category,
            // What hardly applies is nobody's to settle.
            also: found
                .categories
                .iter()
                .filter(|c| c.name != found.category && c.score >= ALSO)
                .map(|c| c.name)
                .collect(),
            severity: found.severity,
            privacy: decision.privacy,
            kept_from: decision.kept_from.clone(),
        })
    }
}

/// Opens a case. The notice to its department is routing's; a member whose turn it is hears of it by `handled`.
pub fn open(around: Around<'_>, opening: &Opening) -> Outcome {
    let Opening { department, person, category, also, severity, privacy, kept_from } = opening;
    let (owner, why) = owners::first(around, department, person.as_deref(), *privacy, kept_from);
    let case = Case {
        id: 0,
        mention: 0,
        status: CaseStatus::Open,
        owner: owner.clone(),
        category: *category,
        also: also.clone(),
        severity: *severity,
        privacy: *privacy,
        kept_from: kept_from.iter().map(|k| k.to_lowercase()).collect(),
        opened: around.now,
        since: around.now,
        round: 1,
        acknowledged: None,
        answered: None,
        resolved: None,
        satisfied: None,
        ended: None,
        reason: None,
        failed: Vec::new(),
        comebacks: 0,
        reminded: Vec::new(),
        theme: None,
        gathered: None,
    };
    Outcome { case, steps: vec![Happening::Opened { owner, why }], mails: Vec::new() }
}

/// The person whose case it is, where that is not whoever reads the department's mail.
pub fn handled(case: &Case) -> Option<&str> {
    case.owner.person.as_deref()
}

/// Does what a person wants done with a case. `by` is who says so, if known: somebody of the configuration from whom the
/// case is not kept (`may_act`), whatever they do.
///
/// # Errors
/// The reason why it is not done, with what to do instead; the case stays as it is.
pub fn act(around: Around<'_>, case: &Case, action: &Action, by: Option<&str>) -> Result<Outcome, Refusal> {
    let mut next = case.clone();
    let mut steps = Vec::new();
    let mut mails = Vec::new();
    let (id, status) = (case.id, case.status);
    let mark = Mark { at: around.now, by: by.map(str::to_owned) };
    if let Some(by) = by {
        // Whoever calls knows whether they were written to; an operator who names somebody vouches for it.
        may_act(around.routing, case, by, true)?;
    }
    let working = |status: CaseStatus| if status.is_ended() { Err(Refusal::Ended(id, status)) } else { Ok(()) };
    match action {
        Action::Acknowledge => {
            working(status)?;
            if status != CaseStatus::Open {
                return Err(Refusal::Already(id, status));
            }
            take(around, &mut next, by, &mut steps)?;
            next.acknowledged = Some(mark);
            next.status = CaseStatus::Acknowledged;
            steps.push(Happening::Acknowledged);
        }
        Action::Answer | Action::Resolve => {
            working(status)?;
            if *action == Action::Resolve && status == CaseStatus::Resolved {
                return Err(Refusal::Already(id, status));
            }
            take(around, &mut next, by, &mut steps)?;
            next.acknowledged.get_or_insert_with(|| mark.clone());
            if *action == Action::Answer {
                next.answered = Some(mark.clone());
                steps.push(Happening::Answered);
                if status != CaseStatus::Resolved {
                    next.status = CaseStatus::Answered;
                }
            } else {
                next.resolved = Some(mark.clone());
                steps.push(Happening::Resolved);
                next.status = CaseStatus::Resolved;
            }
            new_round(&mut next, case.since);
            // The customer said so before anybody had answered: now everybody has done their part.
            if next.satisfied.is_some() {
                end(&mut next, CaseStatus::Closed, mark);
                steps.push(Happening::Closed);
            }
        }
        Action::Satisfied => {
            working(status)?;
            next.satisfied = Some(mark.clone());
            steps.push(Happening::Satisfied);
            // Everyone gets an answer, those too who were content before it came.
            if matches!(status, CaseStatus::Answered | CaseStatus::Resolved) {
                end(&mut next, CaseStatus::Closed, mark);
                steps.push(Happening::Closed);
            }
        }
        Action::Unsatisfied => {
            match status {
                CaseStatus::Open | CaseStatus::Acknowledged => return Err(Refusal::NotAnswered(id)),
                CaseStatus::Answered | CaseStatus::Resolved => {}
                // As with a customer who comes back in public: for two weeks after it was closed it is the same case.
                CaseStatus::Closed if takes_in(case, around.now) => {
                    steps.push(Happening::Reopened { reason: NOT_AFTER_ALL.to_owned() });
                }
                CaseStatus::Closed | CaseStatus::Dismissed => return Err(Refusal::Ended(id, status)),
            }
            steps.push(Happening::Unsatisfied { failed: case.owner.clone() });
            begin_again(&mut next, around);
            match owners::next(around, case) {
                Some((owner, why)) => {
                    next.failed.push(case.owner.clone());
                    hand_over(around, &mut next, owner, why, &mut steps, &mut mails);
                }
                // It stays where leftovers stay, and they are told all the same.
                None => tell_owner(around, &next, Letter::Handover, &mut mails),
            }
        }
        Action::Close => {
            working(status)?;
            if next.satisfied.is_none() {
                return Err(Refusal::NotSatisfied(id));
            }
            end(&mut next, CaseStatus::Closed, mark);
            steps.push(Happening::Closed);
        }
        Action::Dismiss { reason } => {
            working(status)?;
            let reason = reason_of(id, reason)?;
            next.reason = Some(reason.clone());
            end(&mut next, CaseStatus::Dismissed, mark);
            steps.push(Happening::Dismissed { reason });
        }
        Action::Reopen { reason } => {
            if !status.is_ended() {
                return Err(Refusal::NotEnded(id, status));
            }
            steps.push(Happening::Reopened { reason: reason_of(id, reason)? });
            begin_again(&mut next, around);
            tell_owner(around, &next, Letter::Handover, &mut mails);
        }
        Action::Note { text } => {
            let text = words_of(text).ok_or(Refusal::NoText(id))?;
            return Ok(Outcome { case: next, steps: vec![Happening::Noted { text }], mails });
        }
        Action::Assign { to } => {
            working(status)?;
            let owner = known_address(around.routing, &case.owner.department, to)
                .ok_or_else(|| Refusal::Stranger(id, to.clone()))?;
            permit(around, case, &owner, to)?;
            if owner == case.owner {
                return Err(Refusal::HasIt(id, owner.words()));
            }
            begin_again(&mut next, around);
            hand_over(around, &mut next, owner, OwnerReason::Assigned, &mut steps, &mut mails);
        }
    }
    // From the first failure on, and whenever a case ends without a satisfied customer, the community manager is told
    // at each step.
    let watched = !next.failed.is_empty() || next.comebacks > 0 || next.status == CaseStatus::Dismissed;
    if watched || *action == Action::Unsatisfied {
        tell_community(around, &next, by, &mut mails);
    }
    Ok(Outcome { case: next, steps, mails })
}

/// A later mention by the author of a case (`takes_in` holds). A grievance raises the case one step, opens it again if
/// it was closed, and owner and community hear of it at once; anything else is evidence for the question whether the
/// customer is satisfied.
pub fn come_back(around: Around<'_>, case: &Case, mention: i64, severity: Severity, grievance: bool) -> Outcome {
    debug_assert!(takes_in(case, around.now), "whoever calls this has asked");
    let mut next = case.clone();
    if !grievance {
        return Outcome { case: next, steps: vec![Happening::Evidence { mention }], mails: Vec::new() };
    }
    next.comebacks = next.comebacks.saturating_add(1);
    next.severity = one_step_up(case.severity).max(severity);
    next.satisfied = None;
    let mut steps = vec![Happening::CameBack { mention, severity: next.severity }];
    if case.status.is_ended() {
        steps.push(Happening::Reopened { reason: CAME_BACK.into() });
        begin_again(&mut next, around);
    }
    let letter = Letter::Comeback { mention };
    let mut mails = Vec::new();
    tell_owner(around, &next, letter.clone(), &mut mails);
    let grave = next.severity == Severity::Critical || next.comebacks >= GATHERS;
    let watchers = [Some(Role::Community), grave.then_some(Role::Management)];
    for role in watchers.into_iter().flatten() {
        tell(around, &next, role, letter.clone(), &mut mails);
    }
    mails.iter_mut().for_each(|mail| mail.once = format!("case {} mention {mention}", case.id));
    Outcome { case: next, steps, mails }
}

/// Somebody said that a case is a complaint about an employee: it goes to whom such a case would have gone, and is kept
/// from whom it would have been kept from.
pub fn make_private(around: Around<'_>, case: &Case, decision: &Decision) -> Outcome {
    let mut next = case.clone();
    next.privacy = Privacy::Staff;
    next.category = Category::Staff;
    next.kept_from = decision.kept_from.iter().map(|k| k.to_lowercase()).collect();
    let (mut steps, mut mails) = (Vec::new(), Vec::new());
    let (owner, why) =
        owners::first(around, &decision.department, decision.person.as_deref(), Privacy::Staff, &next.kept_from);
    if owner != case.owner && !case.status.is_ended() {
        begin_again(&mut next, around);
        hand_over(around, &mut next, owner, why, &mut steps, &mut mails);
    }
    Outcome { case: next, steps, mails }
}

/// The matter of a case is there again, as `reason` says, though the case had ended or been answered: it is worked on
/// again by its owner, and the community manager hears of it. `None` while it is worked on anyway.
pub fn begin_anew(around: Around<'_>, case: &Case, reason: String) -> Option<Outcome> {
    if matches!(case.status, CaseStatus::Open | CaseStatus::Acknowledged) {
        return None;
    }
    let mut next = case.clone();
    begin_again(&mut next, around);
    let mut mails = Vec::new();
    tell_owner(around, &next, Letter::Handover, &mut mails);
    tell_community(around, &next, None, &mut mails);
    Some(Outcome { case: next, steps: vec![Happening::Reopened { reason }], mails })
}

/// The mention of a case, or a later one of its author, gathers replies and reposts (`gathers` says so, `more` of them):
/// that raises the case one step and the owner hears of it, once a case; management too, if it is critical by then.
pub fn gather(around: Around<'_>, case: &Case, mention: i64, more: u64) -> Option<Outcome> {
    if case.status.is_ended() || case.gathered.is_some() {
        return None;
    }
    let mut next = case.clone();
    next.gathered = Some(around.now);
    next.severity = one_step_up(case.severity);
    let steps = vec![Happening::Gathered { mention, more, severity: next.severity }];
    let letter = Letter::Gathering { more };
    let mut mails = Vec::new();
    tell_owner(around, &next, letter.clone(), &mut mails);
    if next.severity == Severity::Critical {
        tell(around, &next, Role::Management, letter, &mut mails);
    }
    mails.iter_mut().for_each(|mail| mail.once = format!("case {} gathers", case.id));
    Some(Outcome { case: next, steps, mails })
}

/// Records that a reminder goes out. From the lead on, the community manager is told as well.
pub fn remind(around: Around<'_>, case: &Case, reminder: &Reminder) -> Outcome {
    let mut next = case.clone();
    let Reminder { clock, rung, .. } = *reminder;
    next.reminded.push(Reminded { clock, rung, at: around.now });
    let mut mails = vec![reminder.mail(case)];
    if rung > crate::model::Rung::Owner || !case.failed.is_empty() {
        tell_community(around, &next, None, &mut mails);
    }
    Outcome { case: next, steps: vec![Happening::Reminded { clock, rung, to: reminder.to.clone() }], mails }
}

/// Whoever acknowledges, answers or settles a case has it from then on.
fn take(around: Around<'_>, case: &mut Case, by: Option<&str>, steps: &mut Vec<Happening>) -> Result<(), Refusal> {
    let Some(by) = by else { return Ok(()) };
    let owner = known_address(around.routing, &case.owner.department, by)
        .ok_or_else(|| Refusal::Stranger(case.id, by.to_owned()))?;
    permit(around, case, &owner, by)?;
    // Who writes from the department's own address says no more than whose it is already. Management keeps what is
    // left over as a body, whoever of it does the work.
    let whole = owner.person.is_none() && owner.department == case.owner.department;
    let leftover = case.owner.person.is_none()
        && around.routing.department(&case.owner.department).is_some_and(|d| d.role == Some(Role::Management));
    if owner == case.owner || whole || (leftover && owner.department == case.owner.department) {
        return Ok(());
    }
    steps.push(Happening::Moved { from: case.owner.clone(), to: owner.clone(), why: OwnerReason::TookIt });
    case.owner = owner;
    Ok(())
}

/// Whether somebody may have a case: not who failed it, and not whom it is kept from.
fn permit(around: Around<'_>, case: &Case, owner: &Owner, word: &str) -> Result<(), Refusal> {
    let barred = |failed, kept_from| Barred { failed, kept_from }.owner(around.routing, owner);
    if barred(&[], &case.kept_from) {
        return Err(Refusal::KeptFrom(case.id, word.to_owned()));
    }
    // The owner is not asked: where nobody is left, a case stays with a department some of whose people failed it.
    if *owner != case.owner && barred(&case.failed, &[]) {
        return Err(Refusal::FailedIt(case.id, word.to_owned()));
    }
    Ok(())
}

fn hand_over(
    around: Around<'_>,
    case: &mut Case,
    owner: Owner,
    why: OwnerReason,
    steps: &mut Vec<Happening>,
    mails: &mut Vec<CaseMail>,
) {
    let from = std::mem::replace(&mut case.owner, owner);
    steps.push(Happening::Moved { from, to: case.owner.clone(), why });
    tell_owner(around, case, Letter::Handover, mails);
}

/// Back to the beginning, for a new owner or a new complaint.
fn begin_again(case: &mut Case, around: Around<'_>) {
    case.status = CaseStatus::Open;
    case.acknowledged = None;
    case.answered = None;
    case.resolved = None;
    case.satisfied = None;
    case.ended = None;
    case.reason = None;
    new_round(case, around.now);
}

fn new_round(case: &mut Case, since: jiff::Timestamp) {
    case.since = since;
    case.round = case.round.saturating_add(1);
    case.reminded.clear();
}

fn end(case: &mut Case, status: CaseStatus, mark: Mark) {
    case.status = status;
    case.ended = Some(mark);
}

fn one_step_up(severity: Severity) -> Severity {
    Severity::ALL.into_iter().find(|s| *s > severity).unwrap_or(Severity::Critical)
}

fn reason_of(id: i64, reason: &str) -> Result<String, Refusal> {
    words_of(reason).ok_or(Refusal::NoReason(id))
}

/// What somebody wrote, as it is kept; `None` if that is nothing.
fn words_of(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(MAX_REASON).collect())
}

fn tell_owner(around: Around<'_>, case: &Case, letter: Letter, mails: &mut Vec<CaseMail>) {
    if let Some(to) = address(around.routing, &case.owner) {
        mails.push(mail(around, case, to, &case.owner.department, letter, false));
    }
}

/// A step of a case that the community manager keeps an eye on; not to who took it.
fn tell_community(around: Around<'_>, case: &Case, by: Option<&str>, mails: &mut Vec<CaseMail>) {
    let community = around.routing.with_role(Role::Community);
    if community.is_none_or(|c| by.is_none_or(|by| !c.email.eq_ignore_ascii_case(by))) {
        tell(around, case, Role::Community, Letter::Update, mails);
    }
}

/// Tells the department with a role, unless it hears of it already or must not.
fn tell(around: Around<'_>, case: &Case, role: Role, letter: Letter, mails: &mut Vec<CaseMail>) {
    let Some(department) = around.routing.with_role(role) else { return };
    let barred = Barred { failed: &[], kept_from: &case.kept_from };
    let told = mails.iter().any(|m| m.to.eq_ignore_ascii_case(&department.email));
    // A complaint about an employee stays with leads and management.
    if told || barred.department(department) || (case.privacy == Privacy::Staff && role == Role::Community) {
        return;
    }
    mails.push(mail(around, case, department.email.clone(), &department.key, letter, true));
}

fn mail(around: Around<'_>, case: &Case, to: String, department: &str, letter: Letter, copy: bool) -> CaseMail {
    let once = format!("case {} round {} {} {}", case.id, case.round, case.status.as_str(), around.now);
    CaseMail { to, department: department.to_owned(), letter, copy, once }
}
