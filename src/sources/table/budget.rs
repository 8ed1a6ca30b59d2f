//! Quotas and spending caps: whether the next request may be made, and what it used.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::position::Positions;
use crate::model::table::{Period, Table};
use crate::model::{ErrorClass, PollFault};

/// One part in so many of a quota is left to polls.
const SPARE: u64 = 5;

/// What is left of a service's allowance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Units left in the period, or what the service itself said.
    pub left: Option<u64>,
    /// Spent this month, and the cap, in millionths of the currency's unit.
    pub spent: Option<(u64, u64)>,
    pub currency: String,
}

impl Budget {
    /// What is left now.
    pub fn of(table: &Table, at: &Positions, now: Timestamp) -> Self {
        let quota = table.quota.as_ref().map(|quota| {
            let (period, _) = period(now, quota.per, &quota.zone);
            quota.units.saturating_sub(used(&at.used, &period))
        });
        let (month, _) = period(now, Period::Month, "UTC");
        Self {
            left: quota.or(at.left),
            spent: table.price.as_ref().map(|price| (used(&at.spent, &month), price.cap)),
            currency: table.price.as_ref().map(|price| price.currency.clone()).unwrap_or_default(),
        }
    }

    /// For people: `93 requests left; 12.50 of 25.00 USD spent this month`.
    pub fn words(&self) -> Option<String> {
        let mut words = Vec::new();
        if let Some(left) = self.left {
            words.push(format!("{left} requests left"));
        }
        if let Some((spent, cap)) = self.spent {
            words.push(format!("{} of {} {} spent this month", money(spent), money(cap), self.currency));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Hundredths are enough for people; what is less than one shows as it is.
pub(super) fn money(micros: u64) -> String {
    if micros != 0 && micros < 10_000 {
        return format!("{:.4}", micros as f64 / 1e6);
    }
    format!("{:.2}", micros as f64 / 1e6)
}

/// Whether a request may be made now; if so, its units are used up.
pub(super) fn take(table: &Table, at: &mut Positions, now: Timestamp) -> Result<(), PollFault> {
    if let Some(price) = &table.price {
        let (month, end) = period(now, Period::Month, "UTC");
        let spent = used(&at.spent, &month);
        let dearest = price.page.saturating_mul(price.item + price.joined);
        if spent.saturating_add(dearest) > price.cap {
            let message = format!(
                "{} of {} {} are spent this month, and one more request may cost {}: nothing is asked until the next month. \
                 Raise `spend_cap` if that is too early",
                money(spent),
                money(price.cap),
                price.currency,
                money(dearest),
            );
            return Err(until(end, now, message));
        }
    }
    if let Some(quota) = &table.quota {
        let (period, end) = period(now, quota.per, &quota.zone);
        let before = used(&at.used, &period);
        if before.saturating_add(quota.cost) > quota.units {
            let message = format!(
                "the quota of {} requests is used up; it is asked again when it is renewed. Ask less often with `every`, or \
                 with fewer watchlists",
                quota.units / quota.cost.max(1)
            );
            return Err(until(end, now, message));
        }
        at.used = Some((period, before + quota.cost));
    }
    Ok(())
}

/// Whether a request may be made that no poll needs: it leaves a fifth of a quota, and half of what may be spent, to the
/// polls. If so, its units are used up.
pub(super) fn take_spare(table: &Table, at: &mut Positions, now: Timestamp) -> bool {
    let budget = Budget::of(table, at, now);
    let quota_short = table
        .quota
        .as_ref()
        .is_some_and(|quota| budget.left.unwrap_or(0) < (quota.units / SPARE).saturating_add(quota.cost));
    let money_short = budget.spent.is_some_and(|(spent, cap)| spent >= cap / 2);
    !quota_short && !money_short && take(table, at, now).is_ok()
}

/// Books what an answer cost.
pub(super) fn pay(table: &Table, at: &mut Positions, items: usize, joined: usize, now: Timestamp) {
    if let Some(price) = &table.price {
        let (month, _) = period(now, Period::Month, "UTC");
        let cost =
            (items as u64).saturating_mul(price.item).saturating_add((joined as u64).saturating_mul(price.joined));
        at.spent = Some((month.clone(), used(&at.spent, &month).saturating_add(cost)));
    }
}

/// How long to wait between polls that use `requests` each, so that what is left lasts until the period ends.
pub(super) fn spread(table: &Table, at: &Positions, requests: u64, now: Timestamp) -> Option<Duration> {
    let quota = table.quota.as_ref()?;
    let (period, end) = period(now, quota.per, &quota.zone);
    let left = quota.units.saturating_sub(used(&at.used, &period));
    let polls = left / quota.cost.saturating_mul(requests).max(1);
    let seconds = u64::try_from(end.duration_since(now).as_secs()).unwrap_or(0);
    Some(Duration::from_secs(seconds / polls.max(1)))
}

fn used(book: &Option<(String, u64)>, period: &str) -> u64 {
    book.as_ref().filter(|(of, _)| of == period).map_or(0, |(_, used)| *used)
}

/// The name of the period that `now` is in, and its end.
fn period(now: Timestamp, per: Period, zone: &str) -> (String, Timestamp) {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let local = now.to_zoned(zone);
    let (name, next) = match per {
        Period::Day => {
            (local.strftime("%Y-%m-%d").to_string(), local.start_of_day().and_then(|d| d.checked_add(1.day())))
        }
        Period::Month => (
            local.strftime("%Y-%m").to_string(),
            local.first_of_month().and_then(|d| d.start_of_day()).and_then(|d| d.checked_add(1.month())),
        ),
    };
    (name, next.as_ref().map_or(Timestamp::MAX, Zoned::timestamp))
}

fn until(end: Timestamp, now: Timestamp, message: String) -> PollFault {
    let wait = Duration::try_from(end.duration_since(now)).ok();
    PollFault { class: ErrorClass::Quota, message, retry_after: wait }
}
