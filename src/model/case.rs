//! A case: a mention followed until the customer is satisfied. The words only; what may happen to one is decided in
//! `cases`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Category, Severity};

/// In place of a reason that was given, once the person is forgotten; and why their open cases are dismissed. Mails and
/// pages have words for it.
pub const ERASED: &str = "erased-on-request";

/// Why a case that had ended is open again, where mentiond says so itself. Mails and pages have words for it.
pub const CAME_BACK: &str = "the author came back";
/// The same of a theme's case.
pub const THEME_CAME_BACK: &str = "the theme came back";
/// The same, when somebody said so who had said otherwise.
pub const NOT_AFTER_ALL: &str = "the customer is not satisfied after all";

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseStatus {
    /// Nobody has taken it yet.
    Open,
    /// Somebody has.
    Acknowledged,
    /// The customer got an answer.
    Answered,
    /// The matter itself was settled.
    Resolved,
    /// The customer is satisfied.
    Closed,
    /// It was no case, and why is on record.
    Dismissed,
}

impl CaseStatus {
    /// All of them, in the order of a case's life.
    pub const ALL: [CaseStatus; 6] = [
        CaseStatus::Open,
        CaseStatus::Acknowledged,
        CaseStatus::Answered,
        CaseStatus::Resolved,
        CaseStatus::Closed,
        CaseStatus::Dismissed,
    ];

    /// The word used in commands, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseStatus::Open => "open",
            CaseStatus::Acknowledged => "acknowledged",
            CaseStatus::Answered => "answered",
            CaseStatus::Resolved => "resolved",
            CaseStatus::Closed => "closed",
            CaseStatus::Dismissed => "dismissed",
        }
    }

    /// The status of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// Closed or dismissed: nobody works on it.
    pub fn is_ended(self) -> bool {
        matches!(self, CaseStatus::Closed | CaseStatus::Dismissed)
    }
}

/// Who has a case: a department as a whole, or one person in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// Key of the department.
    pub department: String,
    /// The person's mail address; `None`: whoever reads the department's mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Owner {
    /// The whole department.
    pub fn department(key: &str) -> Self {
        Self { department: key.to_owned(), person: None }
    }

    /// One person of it.
    pub fn person(key: &str, email: &str) -> Self {
        Self { department: key.to_owned(), person: Some(email.to_owned()) }
    }

    /// Whether this mail address is the person's.
    pub fn is(&self, email: &str) -> bool {
        self.person.as_deref().is_some_and(|p| p.eq_ignore_ascii_case(email))
    }

    /// `support (ana@example.com)`, for logs and commands.
    pub fn words(&self) -> String {
        match &self.person {
            Some(person) => format!("{} ({person})", self.department),
            None => self.department.clone(),
        }
    }
}

/// That something was done, by whom and when. `by` is a mail address, or `None` if mentiond's operator did not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The three clocks of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseClock {
    /// Until somebody takes it (`acknowledge_within`).
    Acknowledge,
    /// Until it is answered or settled (`resolve_within`).
    Resolve,
    /// From the answer until the question whether the customer is satisfied (`confirm_after`).
    Confirm,
}

impl CaseClock {
    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseClock::Acknowledge => "acknowledge",
            CaseClock::Resolve => "resolve",
            CaseClock::Confirm => "confirm",
        }
    }
}

/// What a person can do with a case through a link of its mails, or a button of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// I take it.
    Acknowledge,
    /// I answered the customer.
    Answer,
    /// The matter is settled.
    Resolve,
    /// Not ours: to another department.
    Assign,
    /// It is no case.
    Dismiss,
    /// The customer is satisfied.
    Satisfied,
    /// The customer is not.
    Unsatisfied,
}

impl Deed {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Deed; 7] = [
        Deed::Acknowledge,
        Deed::Answer,
        Deed::Resolve,
        Deed::Assign,
        Deed::Dismiss,
        Deed::Satisfied,
        Deed::Unsatisfied,
    ];

    /// The word used in links and catalogues.
    pub fn as_str(self) -> &'static str {
        match self {
            Deed::Acknowledge => "acknowledge",
            Deed::Answer => "answer",
            Deed::Resolve => "resolve",
            Deed::Assign => "assign",
            Deed::Dismiss => "dismiss",
            Deed::Satisfied => "satisfied",
            Deed::Unsatisfied => "unsatisfied",
        }
    }

    /// The deed of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == name)
    }
}

/// Who hears of an overdue case, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    Owner,
    Lead,
    Management,
}

impl Rung {
    /// All of them, lowest first.
    pub const ALL: [Rung; 3] = [Rung::Owner, Rung::Lead, Rung::Management];

    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Owner => "owner",
            Rung::Lead => "lead",
            Rung::Management => "management",
        }
    }
}

/// A reminder that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    pub clock: CaseClock,
    pub rung: Rung,
    pub at: Timestamp,
}

/// Whom a case is kept from, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    #[default]
    Usual,
    /// About an employee: only leads and management, never a shared address or the person named.
    Staff,
    /// About another member of the community: only the moderators.
    Member,
}

impl Privacy {
    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Privacy::Usual => "usual",
            Privacy::Staff => "staff",
            Privacy::Member => "member",
        }
    }

    /// Nothing special.
    pub fn is_usual(&self) -> bool {
        *self == Privacy::Usual
    }
}

/// A case as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Number in the record; 0 until it is recorded.
    #[serde(default)]
    pub id: i64,
    /// The mention that it was opened for.
    #[serde(default)]
    pub mention: i64,
    pub status: CaseStatus,
    pub owner: Owner,
    pub category: Category,
    /// Further categories of the mention: whoever handles one may take over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Category>,
    /// Raised one step whenever the author comes back, and once when it gathers replies.
    pub severity: Severity,
    #[serde(default)]
    pub privacy: Privacy,
    /// Mail addresses, in lower case, that must never hear of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_from: Vec<String>,
    pub opened: Timestamp,
    /// Since when the present owner has it, or it was reopened: the clocks count from here.
    pub since: Timestamp,
    /// Counts owners, answers and reopenings: reminders are due once a round.
    pub round: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Mark>,
    /// The customer was said to be satisfied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Mark>,
    /// Why it was dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who failed it: it never goes back to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Owner>,
    /// How often the author came back in public.
    #[serde(default)]
    pub comebacks: u32,
    /// Reminders of this round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminded: Vec<Reminded>,
    /// The theme that it is about; then `mention` is the theme's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<i64>,
    /// When it was found to gather replies, and the owner was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered: Option<Timestamp>,
}

/// Why a case has the owner that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "detail")]
pub enum OwnerReason {
    /// The department has no members who take turns, or is where leftovers stay.
    WholeDepartment,
    /// It was this member's turn.
    NextInTurn,
    /// This member had the fewest open cases.
    FewestCases,
    /// Everybody in the department is away.
    EverybodyAway,
    /// About an employee: to the lead.
    StaffToLead,
    /// About an employee, and there is no lead, or it is about the lead.
    StaffToManagement,
    /// About an employee, and neither lead nor management is configured: the nearest who is not concerned.
    StaffToOther,
    /// Another member of the department, because the one before failed it.
    AnotherMember,
    /// Another department, which handles this other category of the mention.
    AnotherDepartment(Category),
    /// Nobody is left who has not failed it.
    NobodyLeft,
    /// They said that they take it.
    TookIt,
    /// Somebody assigned it.
    Assigned,
}

impl OwnerReason {
    /// For logs and commands, in English.
    pub fn words(&self) -> String {
        match self {
            OwnerReason::WholeDepartment => "the whole department takes it".into(),
            OwnerReason::NextInTurn => "next in turn".into(),
            OwnerReason::FewestCases => "fewest open cases".into(),
            OwnerReason::EverybodyAway => "everybody in the department is away".into(),
            OwnerReason::StaffToLead => "about an employee: to the lead".into(),
            OwnerReason::StaffToManagement => "about an employee: to management".into(),
            OwnerReason::StaffToOther => {
                "about an employee, and neither a lead nor management is configured: to the nearest who is not concerned"
                    .into()
            }
            OwnerReason::AnotherMember => "another member, because the one before did not satisfy the customer".into(),
            OwnerReason::AnotherDepartment(category) => {
                format!("another department, which handles {}", category.as_str())
            }
            OwnerReason::NobodyLeft => "nobody is left who has not failed it".into(),
            OwnerReason::TookIt => "took it".into(),
            OwnerReason::Assigned => "assigned".into(),
        }
    }
}

/// What happened to a case: one line of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Happening {
    Opened {
        owner: Owner,
        why: OwnerReason,
    },
    Acknowledged,
    Answered,
    Resolved,
    Satisfied,
    Unsatisfied {
        failed: Owner,
    },
    /// The case has another owner.
    Moved {
        from: Owner,
        to: Owner,
        why: OwnerReason,
    },
    Dismissed {
        reason: String,
    },
    Closed,
    Reopened {
        reason: String,
    },
    /// The author complained again in public.
    CameBack {
        mention: i64,
        severity: Severity,
    },
    /// The author wrote again, without a complaint.
    Evidence {
        mention: i64,
    },
    /// Many replied to it or passed it on.
    Gathered {
        mention: i64,
        /// Replies and reposts since the day before.
        more: u64,
        severity: Severity,
    },
    /// Somebody wrote a note.
    Noted {
        text: String,
    },
    /// A reminder went out.
    Reminded {
        clock: CaseClock,
        rung: Rung,
        to: String,
    },
}

impl Happening {
    /// The word used in `--json`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Happening::Opened { .. } => "opened",
            Happening::Acknowledged => "acknowledged",
            Happening::Answered => "answered",
            Happening::Resolved => "resolved",
            Happening::Satisfied => "satisfied",
            Happening::Unsatisfied { .. } => "unsatisfied",
            Happening::Moved { .. } => "moved",
            Happening::Dismissed { .. } => "dismissed",
            Happening::Closed => "closed",
            Happening::Reopened { .. } => "reopened",
            Happening::CameBack { .. } => "came-back",
            Happening::Evidence { .. } => "evidence",
            Happening::Gathered { .. } => "gathered",
            Happening::Noted { .. } => "noted",
            Happening::Reminded { .. } => "reminded",
        }
    }
}

/// One line of a case's history, with when and by whom (`None`: mentiond itself, or an operator without a name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStep {
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(flatten)]
    pub what: Happening,
}

/// What a mail about a case says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "lowercase")]
pub enum Letter {
    /// To the owner: this is overdue since `since`.
    Reminder { clock: CaseClock, since: Timestamp },
    /// To the lead or management: the same, and nobody did it.
    Escalation { clock: CaseClock, since: Timestamp, rung: Rung },
    /// To the owner: is the customer satisfied?
    Question { answered: Timestamp },
    /// To owner and community: the author complained again, in this mention.
    Comeback { mention: i64 },
    /// To the owner: so many more replies and reposts came within a day.
    Gathering { more: u64 },
    /// To the new owner: this case is yours now.
    Handover,
    /// To the community: what happened to a case that needs an eye on it.
    Update,
}

/// A mail about a case, before it has a Message-ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseMail {
    /// Mail address.
    pub to: String,
    /// Key of the department whose language it is in.
    pub department: String,
    pub letter: Letter,
    /// Personal data is masked.
    pub copy: bool,
    /// What must not be said twice to this recipient.
    pub once: String,
}
