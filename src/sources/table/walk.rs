//! One poll of a service, as a state machine: [`Walk::step`] says what to ask, [`Walk::answered`] takes the answer in. Each
//! combination of query and options is asked for page by page until what was seen before is reached; what broke off is
//! asked for again the next time, and what could not be reached is a gap.

mod onward;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::budget;
use super::faults::{self, Judged};
use super::position::{Position, Positions};
use super::read::{self, Items};
use super::request::{self, Combination, Reply, Request, Values};
use crate::model::table::{Auth, Paging, ResumeBy, Table};
use crate::model::{ErrorClass, PollFault, Secret};
use crate::sources::feed::RawEntry;
use crate::text::json_path::JsonPath;

/// Requests of one poll at most; what is left is first in the next one.
const MAX_REQUESTS: u64 = 200;
/// Entries of one poll at most.
const MAX_ENTRIES: usize = 20_000;
/// Longest page token or address that is sent back, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// What a login gave; kept in memory only.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub token: Secret,
    pub refresh: Option<Secret>,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    Ask(Box<Request>),
    /// Nothing: take [`Walk::end`].
    Done,
}

/// What a poll brought.
#[derive(Debug)]
pub struct Walked {
    /// In the order in which they came; an entry may be there twice.
    pub entries: Vec<RawEntry>,
    /// Where the service stands once they are recorded.
    pub positions: Positions,
    pub gap: Option<String>,
    /// What broke the poll off.
    pub fault: Option<PollFault>,
    /// How long to leave the service alone, if it or its quota asks for that.
    pub wait: Option<Duration>,
    /// The service said that no request is left.
    pub blocked: bool,
    pub session: Option<Session>,
    /// Where relative links start.
    pub base: Option<Url>,
    pub requests: u64,
}

/// One poll.
pub struct Walk<'t> {
    table: &'t Table,
    now: Timestamp,
    at: Positions,
    waiting: VecDeque<Combination>,
    active: Option<Active>,
    phase: Phase,
    session: Option<Session>,
    /// A token was renewed in this poll: a second refusal is final.
    renewed: bool,
    entries: Vec<RawEntry>,
    gaps: Vec<String>,
    fault: Option<PollFault>,
    wait: Option<Duration>,
    /// The service said that no request is left.
    blocked: Option<Duration>,
    base: Option<Url>,
    requests: u64,
    /// Host of the last request, for messages.
    host: String,
    has_page: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Items,
    Login,
    Renewal,
}

/// A combination that is being asked for.
struct Active {
    combination: Combination,
    /// As it was before this poll.
    before: Position,
    since: Option<Timestamp>,
    /// Pages that were read.
    pages: u32,
    token: Option<String>,
    url: Option<Url>,
    below: Option<u64>,
    listed: u64,
    newest: Option<Timestamp>,
    ids: Vec<String>,
    /// Those of the last page, in its order.
    on_page: Vec<String>,
    greatest: Position,
    /// Where further pages were, to notice when they go round in a circle.
    turned: HashSet<String>,
    /// An empty page came after one with items.
    broke_off: bool,
}

/// How a combination ended.
enum End {
    /// What was known is reached, or there is no more.
    Reached,
    /// There is more that was not asked for.
    Short(&'static str),
    /// Its pages are one and the same.
    Unpaged,
}

impl<'t> Walk<'t> {
    /// Begins a poll at `at`; `session` is that of the last poll, if it is still there.
    pub fn new(table: &'t Table, mut at: Positions, session: Option<Session>, now: Timestamp) -> Self {
        let mut all = request::combinations(table);
        at.at.retain(|key, _| all.iter().any(|c| c.key == *key));
        // Whoever waits longest comes first; the order of the configuration else.
        all.sort_by_key(|c| at.at.get(&c.key).and_then(|position| position.asked));
        Self {
            table,
            now,
            at,
            waiting: all.into(),
            active: None,
            phase: Phase::Items,
            session,
            renewed: false,
            entries: Vec::new(),
            gaps: Vec::new(),
            fault: None,
            wait: None,
            blocked: None,
            base: None,
            requests: 0,
            host: String::new(),
            has_page: false,
        }
    }

    /// Whether a page was read.
    pub fn has_page(&self) -> bool {
        self.has_page
    }

    /// What to ask next.
    pub fn step(&mut self) -> Step {
        if self.fault.is_some() {
            return Step::Done;
        }
        if self.active.is_none() {
            let Some(combination) = self.waiting.pop_front() else { return Step::Done };
            if self.entries.len() >= MAX_ENTRIES {
                return Step::Done;
            }
            self.begin(combination);
        }
        if self.requests >= MAX_REQUESTS {
            return Step::Done;
        }
        if self.table.login.is_some() && self.session.is_none() && self.phase == Phase::Items {
            self.phase = Phase::Login;
        }
        match self.ask() {
            Ok(request) => {
                self.requests += 1;
                self.host = request.url.host_str().unwrap_or("the service").to_owned();
                if self.phase == Phase::Items {
                    self.base.get_or_insert_with(|| request.url.clone());
                }
                Step::Ask(Box::new(request))
            }
            Err(fault) => {
                self.fault = Some(fault);
                Step::Done
            }
        }
    }

    /// Takes the answer to the last request in.
    pub fn answered(&mut self, reply: &Reply) {
        let host = self.host.clone();
        let judged = faults::judge(self.table, reply, &host, self.now);
        match self.phase {
            Phase::Items => self.items(judged, reply, &host),
            Phase::Login | Phase::Renewal => self.logged_in(judged, &host),
        }
    }

    /// The request could not be sent, or was not answered.
    pub fn failed(&mut self, fault: PollFault) {
        self.fault = Some(fault);
    }

    /// What the poll brought.
    pub fn end(mut self) -> Walked {
        let requests = self.requests.max(1);
        let spread = budget::spread(self.table, &self.at, requests, self.now);
        self.wait = self.wait.max(spread).max(self.blocked);
        let mut gaps = std::mem::take(&mut self.gaps);
        let more = gaps.len().saturating_sub(3);
        gaps.truncate(3);
        if more > 0 {
            gaps.push(format!("and {more} more"));
        }
        Walked {
            entries: self.entries,
            positions: self.at,
            gap: (!gaps.is_empty()).then(|| gaps.join("; ")),
            fault: self.fault,
            wait: self.wait,
            blocked: self.blocked.is_some(),
            session: self.session,
            base: self.base,
            requests: self.requests,
        }
    }

    /// The first request for a combination that was never asked for.
    pub(super) fn first(&self, combination: &Combination) -> Result<Request, PollFault> {
        let active = self.fresh(combination.clone(), Position::default());
        self.build(&active)
    }

    fn begin(&mut self, combination: Combination) {
        let before = self.at.at.get(&combination.key).cloned().unwrap_or_default();
        let active = self.fresh(combination, before);
        if let (Some(asked), Some(window)) = (active.before.asked, self.table.resume.window)
            && back(self.now, window) > asked
        {
            let days = window.as_secs() / 86_400;
            self.gaps.push(format!(
                "it was not heard since {asked}, and it remembers {days} days{}",
                named(&active.combination)
            ));
        }
        self.active = Some(active);
    }

    fn fresh(&self, combination: Combination, before: Position) -> Active {
        let resume = &self.table.resume;
        let known = before.high.or(before.asked).map(|at| back(at, resume.overlap));
        let mut since = known.unwrap_or_else(|| back(self.now, resume.first));
        if let Some(window) = resume.window {
            since = since.max(back(self.now, window));
        }
        let greatest = Position { last_id: before.last_id.clone(), ..Position::default() };
        Active {
            combination,
            before,
            since: Some(since),
            pages: 0,
            token: None,
            url: None,
            below: None,
            listed: 0,
            newest: None,
            ids: Vec::new(),
            on_page: Vec::new(),
            greatest,
            turned: HashSet::new(),
            broke_off: false,
        }
    }

    fn ask(&mut self) -> Result<Request, PollFault> {
        let secret = self.table.secret.as_ref();
        let values = self.active.as_ref().map(|a| a.combination.values.clone()).unwrap_or_default();
        let values = Values { combination: &values, user: self.table.user.as_deref(), ..Values::default() };
        match (self.phase, &self.table.login) {
            (Phase::Login, Some(login)) => request::build(&login.ask, &login.auth, secret, &values, None),
            (Phase::Renewal, Some(login)) => {
                let refresh = self.session.as_ref().and_then(|s| s.refresh.as_ref());
                let Some((url, _)) = &login.refresh else { return Err(lost()) };
                let ask = crate::model::table::Ask { url: url.clone(), body: None, ..login.ask.clone() };
                request::build(&ask, &Auth::Bearer, refresh, &values, None)
            }
            _ => {
                if let Some(wait) = self.blocked {
                    return Err(PollFault {
                        class: ErrorClass::RateLimited,
                        message: "no requests are left for now, as the service says; the rest is asked for later"
                            .to_owned(),
                        retry_after: Some(wait),
                    });
                }
                let Some(active) = &self.active else { return Err(lost()) };
                let request = self.build(active)?;
                budget::take(self.table, &mut self.at, self.now)?;
                Ok(request)
            }
        }
    }

    fn build(&self, active: &Active) -> Result<Request, PollFault> {
        let page = match self.table.paging {
            Paging::Page(first) => Some(u64::from(first) + u64::from(active.pages)),
            _ => None,
        };
        let values = Values {
            combination: &active.combination.values,
            since: active.since,
            last_id: match self.table.paging {
                Paging::Forward => active.greatest.last_id.as_deref(),
                _ => active.before.last_id.as_deref(),
            },
            page,
            offset: page.map(|_| active.listed),
            token: active.token.as_deref(),
            before: active.below,
            now: Some(self.now),
            id: None,
            url: None,
            user: self.table.user.as_deref(),
            secret: None,
        };
        let secret = self.session.as_ref().map(|s| &s.token).or(self.table.secret.as_ref());
        request::build(&self.table.ask, &self.table.auth, secret, &values, active.url.as_ref())
    }

    fn logged_in(&mut self, judged: Judged, host: &str) {
        let renewal = self.phase == Phase::Renewal;
        self.phase = Phase::Items;
        let Some(login) = &self.table.login else { return };
        match judged {
            Judged::Good(value) => {
                let token = login.token.first(&value).and_then(Value::as_str).filter(|t| !t.is_empty());
                let refresh = login.refresh.as_ref().and_then(|(_, path)| path.first(&value)).and_then(Value::as_str);
                self.session =
                    token.map(|token| Session { token: Secret::new(token), refresh: refresh.map(Secret::new) });
                if self.session.is_none() {
                    let message = format!("{host} took the login, but its answer holds no token");
                    self.fault = Some(PollFault { class: ErrorClass::Malformed, message, retry_after: None });
                }
            }
            // The refresh token has run out too: a new login.
            _ if renewal => self.session = None,
            Judged::Expired(fault) | Judged::Fault(fault) => {
                // Most services answer 400 to a wrong password; that is no fault of the address.
                let class = if fault.class == ErrorClass::Refused { ErrorClass::Auth } else { fault.class };
                self.fault = Some(PollFault { class, ..fault });
            }
            Judged::Stale | Judged::Nothing => self.fault = Some(lost()),
        }
    }

    fn items(&mut self, judged: Judged, reply: &Reply, host: &str) {
        if let Some(wait) = faults::exhausted(self.table, reply, self.now) {
            self.blocked = Some(wait);
        }
        match judged {
            Judged::Good(value) => self.page(&value, reply, host),
            Judged::Nothing => self.finish(&End::Reached),
            Judged::Fault(fault) => self.fault = Some(fault),
            Judged::Expired(fault) => {
                let Some(login) = self.table.login.as_ref().filter(|_| !self.renewed) else {
                    self.session = None;
                    self.fault = Some(fault);
                    return;
                };
                self.renewed = true;
                let can_renew = login.refresh.is_some() && self.session.as_ref().is_some_and(|s| s.refresh.is_some());
                if can_renew {
                    self.phase = Phase::Renewal;
                } else {
                    self.session = None;
                }
            }
            Judged::Stale => self.start_anew(host),
        }
    }

    /// The service no longer knows where we were.
    fn start_anew(&mut self, host: &str) {
        let Some(active) = self.active.take() else { return };
        if active.before.is_new() {
            let message =
                format!("{host} does not accept where it was asked to begin, though nothing was asked before");
            self.fault = Some(PollFault { class: ErrorClass::Malformed, message, retry_after: None });
            return;
        }
        self.gaps.push(format!(
            "{host} does not remember what came after the last poll, so what it still has is read{}",
            named(&active.combination)
        ));
        self.active = Some(self.fresh(active.combination, Position::default()));
    }

    fn page(&mut self, answer: &Value, reply: &Reply, host: &str) {
        let Some(mut active) = self.active.take() else { return };
        let Items { items, listed, nameless } = read::items(self.table, answer, &active.combination.values);
        let paths = |paths: &[JsonPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if !read::has_items(self.table, answer) {
            self.fault = Some(faults::not_readable(host, &format!("`items` leads ({})", paths(&self.table.items))));
            return;
        }
        if items.is_empty() && nameless > 0 {
            let id: Vec<&str> = self.table.fields.id.iter().map(|template| template.written.as_str()).collect();
            let place = format!("`id` of `fields` leads ({}) in any of {nameless} items", id.join(", "));
            self.fault = Some(faults::not_readable(host, &place));
            return;
        }
        budget::pay(self.table, &mut self.at, listed, read::joined(self.table, answer), self.now);
        if let Some(left) = self.table.left.as_ref().and_then(|path| path.first(answer)).and_then(Value::as_u64) {
            self.at.left = Some(left);
        }
        if let Some(wait) = self.table.wait.as_ref().and_then(|path| path.first(answer)).and_then(faults::seconds) {
            self.blocked = self.blocked.max(Some(wait));
        }
        self.has_page = true;
        active.broke_off = listed == 0 && active.listed > 0;
        active.pages += 1;
        active.listed += listed as u64;
        let on_page: Vec<String> = items.iter().map(|item| item.raw.id.clone()).collect();
        if matches!(self.table.paging, Paging::Page(_)) && !on_page.is_empty() && on_page == active.on_page {
            // Nothing else is to be had by turning pages; what this one has is known already.
            active.listed -= listed as u64;
            let end = if active.pages == 2 { End::Unpaged } else { End::Short("its last page is shown over and over") };
            self.active = Some(active);
            self.finish(&end);
            return;
        }
        active.on_page = on_page;
        let last = items.last().map(|item| (item.raw.id.clone(), item.moment));
        let lowest = items.iter().filter_map(|item| item.raw.id.parse::<u64>().ok()).min();
        for item in items {
            active.newest = active.newest.max(item.moment);
            active.greatest.raise_id(&item.raw.id);
            active.ids.push(item.raw.id.clone());
            self.entries.push(item.raw);
        }
        let end = if self.table.paging == Paging::Forward {
            self.forward(&active, listed)
        } else {
            let known = last.is_some_and(|(id, moment)| {
                let seen = self.table.resume.by == ResumeBy::Id && active.before.ids.contains(&id);
                seen || moment.zip(active.since).is_some_and(|(moment, since)| moment < since)
            });
            if known { Ok(Some(End::Reached)) } else { self.onward(&mut active, answer, reply, listed, lowest, host) }
        };
        self.active = Some(active);
        match end {
            Ok(None) => {}
            Ok(Some(end)) => self.finish(&end),
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// Walking forward, every page is a place to resume from.
    fn forward(&mut self, active: &Active, listed: usize) -> Result<Option<End>, PollFault> {
        let position = self.at.at.entry(active.combination.key.clone()).or_default();
        position.last_id.clone_from(&active.greatest.last_id);
        let full = listed > 0 && self.table.size.is_none_or(|size| listed >= size);
        let first = active.before.last_id.is_none();
        if first && full && !active.before.is_new() {
            // The polls before found nothing to begin after, so where this page begins is left to the service.
            return Ok(Some(End::Short("it is the first page that has anything, and it is full")));
        }
        let over = active.pages >= self.table.pages || self.entries.len() >= MAX_ENTRIES;
        Ok((first || !full || over).then_some(End::Reached))
    }

    /// Takes the end of a combination into the books.
    fn finish(&mut self, end: &End) {
        let Some(active) = self.active.take() else { return };
        let lost = active.broke_off && active.before.doubted && matches!(self.table.paging, Paging::Token(_));
        let end = if lost { &End::Short("an empty page came after a full one, twice") } else { end };
        if let End::Short(why) = end
            && !active.before.is_new()
        {
            let since = active.since.map(|since| format!(" since {since}")).unwrap_or_default();
            self.gaps.push(format!(
                "more came{since} than could be read ({} entries; {why}){}",
                active.listed,
                named(&active.combination)
            ));
        }
        if matches!(end, End::Unpaged) {
            // Told at the first poll too: whoever has just set the source up can still correct it.
            self.gaps.push(format!(
                "{} shows the same {} entries as page 1 and as page 2, so it does not page as `params` and `paging` say, and \
                 what does not fit on one page is not read{}; look up how it pages, or leave `paging` out",
                self.host,
                active.listed,
                named(&active.combination)
            ));
        }
        let by_id = self.table.resume.by == ResumeBy::Id;
        let turned = match self.table.paging {
            Paging::Page(_) | Paging::Link(_) | Paging::Next(_) => active.pages > 1,
            // A token that names an item stands where it stood; those that count do so with services that sort by time.
            Paging::Token(_) => active.pages > 1 && (!by_id || active.broke_off),
            Paging::None | Paging::Below(_) | Paging::Forward => false,
        };
        // A first poll promises nothing, and of a gap it is known already that not all was read.
        let unsure = turned && !active.before.is_new() && matches!(end, End::Reached);
        let position = self.at.at.entry(active.combination.key.clone()).or_default();
        position.asked = Some(self.now);
        // A list that broke off confirms nothing, unless it ends there again.
        position.doubted = unsure && active.broke_off && !active.before.doubted;
        // Where nothing is listed, nothing is confirmed.
        if position.doubted || active.listed == 0 {
            return;
        }
        // A service's clock may be ahead of ours; what has such a date will be seen again.
        let newest = active.newest.map(|newest| newest.min(self.now));
        position.settle(&active.before, self.table.resume.by, newest, active.greatest.last_id, unsure);
        if by_id && self.table.paging != Paging::Forward {
            let mut sure = active.ids;
            if position.unsure_id.is_some() {
                sure.retain(|id| !position.is_later(id));
            }
            position.ids.clone_from(&active.before.ids);
            position.remember(sure);
        }
    }
}

fn named(combination: &Combination) -> String {
    if combination.key.is_empty() { String::new() } else { format!(" ({})", combination.key) }
}

fn back(from: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| from.checked_sub(by).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn lost() -> PollFault {
    let message = "the login made no sense; please report this as a fault of mentiond".to_owned();
    PollFault { class: ErrorClass::Malformed, message, retry_after: None }
}
