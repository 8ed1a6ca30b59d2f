//! From one page to the next.

use serde_json::Value;
use url::Url;

use super::super::links::{linked, truthy};
use super::super::request::Reply;
use super::{Active, End, MAX_ENTRIES, MAX_TOKEN, Walk};
use crate::model::table::Paging;
use crate::model::{ErrorClass, PollFault};

impl Walk<'_> {
    /// Where the next page is, or how it ended.
    pub(super) fn onward(
        &self,
        active: &mut Active,
        answer: &Value,
        reply: &Reply,
        listed: usize,
        lowest: Option<u64>,
        host: &str,
    ) -> Result<Option<End>, PollFault> {
        let table = self.table;
        let no_more = table.more.as_ref().is_some_and(|path| !path.first(answer).is_some_and(truthy));
        let short = table.size.is_some_and(|size| listed < size);
        let address = |found: Option<String>| -> Result<Option<Url>, PollFault> {
            let Some(found) = found.filter(|f| !f.is_empty() && f.len() <= MAX_TOKEN) else { return Ok(None) };
            let base = self.base.as_ref();
            let url = base.and_then(|base| base.join(&found).ok());
            // The secret goes along: a page elsewhere is not asked for.
            match url.filter(|url| base.is_some_and(|base| base.origin() == url.origin())) {
                Some(url) => Ok(Some(url)),
                None => Err(PollFault {
                    class: ErrorClass::Malformed,
                    message: format!("{host} says that the next page is on another host, which is not asked"),
                    retry_after: None,
                }),
            }
        };
        let has_next = match &table.paging {
            Paging::None | Paging::Forward => false,
            Paging::Link(relation) => {
                active.url = address(reply.header("link").and_then(|link| linked(link, relation)))?;
                active.url.is_some()
            }
            Paging::Next(path) => {
                active.url = address(path.first(answer).and_then(Value::as_str).map(str::to_owned))?;
                active.url.is_some()
            }
            Paging::Token(path) => {
                let token = path.first(answer).map(|token| match token {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                active.token = token.filter(|t| !t.is_empty() && t.len() <= MAX_TOKEN);
                active.token.is_some()
            }
            Paging::Page(_) => listed > 0 && !short,
            Paging::Below(step) => {
                let known = active.before.last_id.as_ref().and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
                // The newest page begins at an id that may be hidden, so it is known only where it ended.
                active.below = match active.below {
                    Some(from) => Some(from.saturating_sub(*step)),
                    None => lowest.map(|lowest| lowest.saturating_sub(1)),
                };
                active.below.is_some_and(|below| below > known && below > 0)
            }
        };
        if !has_next || no_more {
            let cut = table.reach.is_some_and(|reach| active.listed >= reach);
            return Ok(Some(if cut { End::Short("the service lists no more of them") } else { End::Reached }));
        }
        let place = match &table.paging {
            Paging::Token(_) => active.token.clone(),
            Paging::Link(_) | Paging::Next(_) => active.url.as_ref().map(|url| url.as_str().to_owned()),
            _ => None,
        };
        if place.is_some_and(|place| !active.turned.insert(place)) {
            // Some services give the last page's token again when there is no more.
            let is_end = listed == 0;
            return Ok(Some(if is_end { End::Reached } else { End::Short("its pages go round in a circle") }));
        }
        if active.pages >= table.pages || self.entries.len() >= MAX_ENTRIES {
            return Ok(Some(End::Short("more pages are not asked for at a time")));
        }
        Ok(None)
    }
}
