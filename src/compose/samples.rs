//! Fictional mentions for the tests: Fjordkaffe sells coffee machines, and its customers have opinions.

use jiff::tz::TimeZone;

use super::*;
use crate::model::Deed;
use crate::model::{
    Author, Case, CaseClock, CaseStatus, CaseStep, Category, Classification, Cue, Decision, Deliver, Entry, Happening,
    Identity, Language, Letter, Matched, Mention, Owner, OwnerReason, Part, Privacy, Rung, Scored, Sentiment,
    SentimentLabel, Severity, THEME_CAME_BACK, ThemeTitle, WatchlistMatch,
};

pub(super) const WATCHLIST: Watchlist<'static> = Watchlist { key: "fjordkaffe", name: "Fjordkaffe" };

pub(super) fn composer() -> Composer {
    Composer::new(ComposeSettings {
        mention_pages: None,
        sender_domain: "mentions.example.com".into(),
        contact: Some("brand@example.com".into()),
        drafts: Drafts::built_in(),
        employees: vec!["Ana Ruiz".into(), "Tom Berg".into()],
    })
}

pub(super) fn zone() -> TimeZone {
    TimeZone::get("Europe/Copenhagen").unwrap()
}

/// A mention with the brand marked wherever it stands in title and text.
pub(super) fn mention(title: &str, text: &str) -> Mention {
    let mut matched = Vec::new();
    for (part, body) in [(Part::Title, title), (Part::Text, text)] {
        for (start, word) in body.match_indices("Fjordkaffe") {
            matched.push(Matched { part, start, end: start + word.len(), term: "fjordkaffe".into() });
        }
    }
    Mention {
        id: 7,
        source: "trustpilot".into(),
        entry: Entry {
            identity: Identity([7; 16]),
            title: title.into(),
            text: text.into(),
            url: Some("https://www.trustpilot.com/reviews/65f1c0ffee".into()),
            author: Some(Author {
                name: "Mette Holm".into(),
                handle: Some("@metteh".into()),
                url: None,
                followers: None,
            }),
            published: Some("2026-11-21T13:05:00Z".parse().unwrap()),
            lang: None,
            site: Some("Trustpilot".into()),
            rating: Some(1.0),
            ..Entry::default()
        },
        fetched: "2026-11-21T13:09:00Z".parse().unwrap(),
        watchlists: vec![WatchlistMatch { name: "fjordkaffe".into(), matched }],
        classification: Classification {
            language: Language { code: "en".into(), confidence: 0.98 },
            sentiment: Sentiment { label: SentimentLabel::VeryNegative, score: -0.8 },
            category: Category::Unresolved,
            categories: vec![
                Scored { name: Category::Unresolved, score: 0.9 },
                Scored { name: Category::Refund, score: 0.7 },
            ],
            severity: Severity::High,
            flags: vec!["legal".into()],
            cues: vec![],
        },
        perk_doubt: None,
        erased: None,
        decision: Decision {
            department: "support".into(),
            copy: vec!["board".into()],
            deliver: Deliver::Now,
            case: true,
            person: None,
            privacy: Default::default(),
            kept_from: Vec::new(),
            why: "handles unresolved".into(),
        },
    }
}

pub(super) fn cue(text: &str, effect: &str) -> Cue {
    Cue { text: text.into(), effect: effect.into(), why: "never shown in a mail".into() }
}

/// An angry customer with reasons.
pub(super) fn complaint() -> Mention {
    let mut mention = mention(
        "Third time I ask for my refund",
        "I bought a Fjordkaffe Barista 2 in September and it leaked from the first day. I sent it back as the shop told \
         me to, order 45821, and they confirmed that they got it.\n\nThat was nine weeks ago. I have written three times \
         and called twice (+45 20 30 40 50 is my number, they have it), and nobody answers me. 3,499 kr are gone and so is \
         the machine.\nThis is the third time I ask: give me my money back, or I will see you in court. A year ago I \
         recommended Fjordkaffe to everyone in my office, and today I would not take one as a gift. Write to me at \
         mette.holm@example.com if anybody there still reads this. I have all the receipts, and so does my bank.",
    );
    mention.classification.cues = vec![
        cue("the third time I ask", "category:unresolved"),
        cue("nobody answers me", "category:unresolved"),
        cue("give me my money back", "category:refund"),
        cue("3,499 kr are gone", "severity:high"),
        cue("see you in court", "flag:legal"),
        cue("would not take one as a gift", "sentiment:-2"),
        cue("leaked", "sentiment:-1"),
    ];
    mention
}

pub(super) fn also_seen() -> Vec<AlsoSeen> {
    vec![AlsoSeen {
        source: "Google Alerts".into(),
        url: Some("https://forum.example.org/t/fjordkaffe-refund/881".into()),
        at: "2026-11-21T13:40:00Z".parse().unwrap(),
    }]
}

pub(super) fn similar() -> Vec<Similar> {
    let one = |title: &str, excerpt: &str, url: &str, at: &str, source: &str| Similar {
        title: title.into(),
        excerpt: excerpt.into(),
        url: Some(url.into()),
        at: at.parse().unwrap(),
        source: source.into(),
    };
    vec![
        one(
            "Refund? What refund?",
            "Six weeks and still no money from Fjordkaffe.",
            "https://www.reddit.com/r/coffee/comments/1a2b3c",
            "2026-11-20T08:12:00Z",
            "Reddit",
        ),
        one(
            "",
            "@fjordkaffe returned my machine in October, where is my money? Call me: 20 30 40 51",
            "https://mastodon.example/@jens/1122",
            "2026-11-18T19:30:00Z",
            "Mastodon",
        ),
        one(
            "Returned, never refunded",
            "Returned, never refunded, never again.",
            "https://www.trustpilot.com/reviews/65aa",
            "2026-11-15T10:00:00Z",
            "Trustpilot",
        ),
        one(
            "Waiting",
            "Still waiting for Fjordkaffe.",
            "https://www.trustpilot.com/reviews/65ab",
            "2026-11-14T10:00:00Z",
            "Trustpilot",
        ),
    ]
}

/// Everything that the samples' inputs borrow.
pub(super) struct World {
    pub(super) composer: Composer,
    pub(super) zone: TimeZone,
    pub(super) mention: Mention,
    pub(super) also_seen: Vec<AlsoSeen>,
    pub(super) similar: Vec<Similar>,
}

impl World {
    pub(super) fn new(mention: Mention) -> Self {
        Self { composer: composer(), zone: zone(), mention, also_seen: also_seen(), similar: similar() }
    }

    /// Only the mention, nothing around it.
    pub(super) fn bare(mention: Mention) -> Self {
        Self { also_seen: Vec::new(), similar: Vec::new(), ..Self::new(mention) }
    }

    pub(super) fn story(&self) -> Story<'_> {
        Story {
            news: None,
            mention: &self.mention,
            also_seen: &self.also_seen,
            similar: &self.similar,
            case: None,
            thread: None,
            possible_duplicate: false,
        }
    }

    pub(super) fn reader<'a>(&'a self, language: &'a str) -> Reader<'a> {
        Reader { language, zone: &self.zone }
    }

    pub(super) fn alert(&self, language: &str) -> Email {
        self.composer.alert(&AlertInput {
            story: self.story(),
            reader: self.reader(language),
            watchlist: WATCHLIST,
            department: Some("Customer Service"),
            full: true,
        })
    }

    pub(super) fn notice(&self, language: &str, copy: bool) -> Email {
        self.composer.notice(&NoticeInput {
            story: Story { case: Some(123), thread: Some("m1.abc@mentions.example.com"), ..self.story() },
            reader: self.reader(language),
            watchlists: &[WATCHLIST],
            department: "Customer Service",
            member: Some("Ana Ruiz"),
            perk: None,
            refund: None,
            praised: false,
            copies: &["Management", "Marketing"],
            owner: None,
            personal: false,
            earlier: &[],
            actions: &if copy { Actions::default() } else { actions(&[Deed::Acknowledge, Deed::Assign]) },
            copy,
        })
    }

    pub(super) fn trouble(&self, language: &str, trouble: Trouble<'_>, detail: Option<&str>) -> Email {
        self.composer.trouble(&TroubleInput {
            reader: self.reader(language),
            trouble,
            since: Some("2026-11-21T04:30:00Z".parse().unwrap()),
            detail,
            thread: None,
            possible_duplicate: false,
        })
    }
}

/// Links as the daemon makes them.
fn actions(deeds: &[Deed]) -> Actions {
    let link = |deed: &Deed| (*deed, format!("https://mentions.example.com/act/AAAA-{}", deed.as_str()));
    Actions { links: deeds.iter().map(link).collect(), until: "2026-11-28T13:09:00Z".parse().ok(), reply: false }
}

/// A mail about a customer's case that Ana failed and Tom has.
pub(super) fn letter(world: &World, language: &str, letter: &Letter, copy: bool) -> Email {
    letter_about(world, language, letter, copy, None)
}

/// The same; or about a theme's case.
pub(super) fn letter_about(
    world: &World,
    language: &str,
    letter: &Letter,
    copy: bool,
    theme: Option<&ThemeTitle>,
) -> Email {
    let at = |text: &str| -> jiff::Timestamp { text.parse().unwrap() };
    let (ana, tom) = (Owner::person("support", "ana@example.com"), Owner::person("support", "tom@example.com"));
    let step = |when: &str, by: Option<&str>, what| CaseStep { at: at(when), by: by.map(str::to_owned), what };
    let mut steps = vec![
        step("2026-11-21T13:09:00Z", None, Happening::Opened { owner: ana.clone(), why: OwnerReason::NextInTurn }),
        step(
            "2026-11-23T09:09:00Z",
            None,
            Happening::Reminded { clock: CaseClock::Acknowledge, rung: Rung::Owner, to: "ana@example.com".into() },
        ),
        step("2026-11-23T09:30:00Z", Some("ana@example.com"), Happening::Acknowledged),
        step("2026-11-23T10:00:00Z", Some("ana@example.com"), Happening::Answered),
        step("2026-11-24T08:00:00Z", None, Happening::CameBack { mention: 9, severity: Severity::Critical }),
        step("2026-11-24T08:30:00Z", None, Happening::Unsatisfied { failed: ana.clone() }),
        step(
            "2026-11-24T08:30:00Z",
            None,
            Happening::Moved { from: ana.clone(), to: tom.clone(), why: OwnerReason::AnotherMember },
        ),
    ];
    let status = match letter {
        Letter::Question { .. } | Letter::Escalation { clock: CaseClock::Confirm, .. } => CaseStatus::Answered,
        Letter::Reminder { clock: CaseClock::Resolve, .. } => CaseStatus::Acknowledged,
        _ => CaseStatus::Open,
    };
    let case = Case {
        id: 123,
        mention: 7,
        status,
        owner: tom,
        category: Category::Unresolved,
        also: vec![Category::Refund],
        severity: Severity::Critical,
        privacy: Privacy::Usual,
        kept_from: Vec::new(),
        opened: at("2026-11-21T13:09:00Z"),
        since: at("2026-11-24T08:30:00Z"),
        round: 3,
        acknowledged: None,
        answered: None,
        resolved: None,
        satisfied: None,
        ended: None,
        reason: None,
        failed: vec![ana],
        comebacks: 1,
        reminded: Vec::new(),
        theme: theme.map(|theme| theme.id),
        gathered: None,
    };
    if theme.is_some() {
        steps.retain(|step| !matches!(step.what, Happening::CameBack { .. }));
        let reason = THEME_CAME_BACK.to_owned();
        steps.push(step("2026-11-25T07:00:00Z", None, Happening::Reopened { reason }));
    }
    let mut back = mention("", "Still broken, @fjordkaffe. Still no money. My number is +45 20 30 40 50, still.");
    back.entry.published = Some(at("2026-11-24T07:58:00Z"));
    back.fetched = at("2026-11-24T08:00:00Z");
    back.entry.url = Some("https://www.trustpilot.com/reviews/66aa".into());
    let later = [Later { mention: &back, complains: true }];
    let person = |address: &str| match address {
        "ana@example.com" => "Ana Ruiz".to_owned(),
        "tom@example.com" => "Tom Berg".to_owned(),
        other => other.to_owned(),
    };
    world.composer.case(&CaseInput {
        story: Story { case: Some(123), thread: Some("m1.abc@mentions.example.com"), ..world.story() },
        reader: world.reader(language),
        watchlists: &[WATCHLIST],
        case: &case,
        theme,
        letter,
        steps: &steps,
        later: &later,
        owner: &|owner| format!("{}, Customer Service", person(owner.person.as_deref().unwrap_or_default())),
        who: &person,
        actions: &match letter {
            Letter::Question { .. } => actions(&[Deed::Satisfied, Deed::Unsatisfied]),
            _ => Actions::default(),
        },
        copy,
    })
}

/// One letter of each kind.
pub(super) fn letters() -> Vec<(&'static str, Letter, bool)> {
    let since = "2026-11-23T11:50:00Z".parse().unwrap();
    vec![
        ("reminder", Letter::Reminder { clock: CaseClock::Acknowledge, since }, false),
        ("reminder_resolve", Letter::Reminder { clock: CaseClock::Resolve, since }, false),
        ("escalation", Letter::Escalation { clock: CaseClock::Acknowledge, since, rung: Rung::Lead }, false),
        ("escalation_resolve", Letter::Escalation { clock: CaseClock::Resolve, since, rung: Rung::Management }, false),
        ("escalation_confirm", Letter::Escalation { clock: CaseClock::Confirm, since, rung: Rung::Lead }, false),
        ("question", Letter::Question { answered: since }, false),
        ("comeback", Letter::Comeback { mention: 9 }, false),
        ("comeback_copy", Letter::Comeback { mention: 9 }, true),
        ("gathering", Letter::Gathering { more: 34 }, false),
        ("handover", Letter::Handover, false),
        ("update", Letter::Update, true),
    ]
}

/// A bundle of `count` mentions, two watchlists in turn.
pub(super) fn bundle(language: &str, count: usize) -> Email {
    let composer = composer();
    let zone = zone();
    let mut mentions: Vec<Mention> = (0..count)
        .map(|i| {
            let mut one = match i % 3 {
                0 => complaint(),
                1 => mention("", "Morning ritual: a double from my Fjordkaffe. Best thing I bought all year!"),
                _ => mention("Fjordkaffe opens roastery in Aarhus", "The company expects 40 new jobs."),
            };
            let found = &mut one.classification;
            (found.category, found.severity, found.sentiment.label) = match i % 3 {
                0 => (Category::Unresolved, Severity::High, SentimentLabel::VeryNegative),
                1 => (Category::Praise, Severity::Low, SentimentLabel::VeryPositive),
                _ => (Category::Press, Severity::Medium, SentimentLabel::Neutral),
            };
            one.id = i as i64;
            one.entry.published = one.entry.published.map(|p| p - jiff::SignedDuration::from_mins(17 * i as i64));
            one
        })
        .collect();
    mentions.reverse();
    let second = Watchlist { key: "barista", name: "Barista 2" };
    let items: Vec<BundleItem<'_>> = mentions
        .iter()
        .map(|m| BundleItem { mention: m, watchlist: if m.id % 4 == 3 { second } else { WATCHLIST } })
        .collect();
    composer.bundle(&BundleInput {
        reader: Reader { language, zone: &zone },
        items: &items,
        full: true,
        possible_duplicate: false,
    })
}

/// Keeps a mail where a person can look at it, if `MENTIOND_SAMPLES` names a folder.
pub(super) fn write(name: &str, mail: &Email) {
    let Ok(folder) = std::env::var("MENTIOND_SAMPLES") else { return };
    let html = mail.html.replace("cid:chart", &format!("{name}.png"));
    std::fs::write(format!("{folder}/{name}.html"), html).unwrap();
    for picture in &mail.pictures {
        std::fs::write(format!("{folder}/{name}.png"), &picture.png).unwrap();
    }
}
