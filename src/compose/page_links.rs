//! Where the pages are that mails and reports lead to: those of a mention, a case and a theme, and lists of them as they
//! were counted. Nothing here if no pages are served: then no mail has such a link.

use jiff::Timestamp;
use url::Url;

use super::Composer;

/// Which mentions a link lists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Listing<'a> {
    /// In the query language; empty for all.
    pub(super) query: &'a str,
    /// Key of the department that must have them, or a copy.
    pub(super) department: Option<&'a str>,
    /// When they were heard: from the first moment up to the second.
    pub(super) heard: Option<(Timestamp, Timestamp)>,
}

impl Composer {
    /// The page of a mention.
    pub(super) fn page(&self, mention: i64) -> Option<String> {
        self.below(|mentions| (mention > 0).then(|| format!("{mentions}/{mention}")))
    }

    /// The page of a case.
    pub(super) fn case_link(&self, case: i64) -> Option<String> {
        Some(self.beside(&["cases", &case.to_string()])?.into())
    }

    /// The page of a theme.
    pub(super) fn theme_link(&self, theme: i64) -> Option<String> {
        Some(self.beside(&["themes", &theme.to_string()])?.into())
    }

    /// Where all themes are listed.
    pub(super) fn themes_link(&self) -> Option<String> {
        Some(self.beside(&["themes"])?.into())
    }

    /// Where open cases are listed: those of a department, those that are overdue.
    pub(super) fn cases_link(&self, department: Option<&str>, overdue: bool) -> Option<String> {
        let mut url = self.beside(&["cases"])?;
        if department.is_some() || overdue {
            let mut pairs = url.query_pairs_mut();
            department.map(|key| pairs.append_pair("department", key));
            overdue.then(|| pairs.append_pair("overdue", "1"));
        }
        Some(url.into())
    }

    /// Where all cases are listed, ended ones too: those of a department, or everybody's.
    pub(super) fn all_cases_link(&self, department: Option<&str>) -> Option<String> {
        let mut url = self.beside(&["cases"])?;
        url.query_pairs_mut().append_pair("all", "1");
        if let Some(key) = department {
            url.query_pairs_mut().append_pair("department", key);
        }
        Some(url.into())
    }

    /// Where these mentions are listed.
    pub(super) fn inbox(&self, listing: Listing<'_>) -> Option<String> {
        let mut url = self.settings.mention_pages.clone()?;
        let Listing { query, department, heard } = listing;
        if !query.is_empty() || department.is_some() || heard.is_some() {
            let mut pairs = url.query_pairs_mut();
            if !query.is_empty() {
                pairs.append_pair("q", query);
            }
            department.map(|key| pairs.append_pair("department", key));
            if let Some((from, until)) = heard {
                pairs.append_pair("from", &from.to_string()).append_pair("until", &until.to_string());
            }
        }
        Some(url.into())
    }

    fn below(&self, path: impl FnOnce(&str) -> Option<String>) -> Option<String> {
        path(self.settings.mention_pages.as_ref()?.as_str().trim_end_matches('/'))
    }

    /// A page beside that of all mentions.
    fn beside(&self, path: &[&str]) -> Option<Url> {
        let mut url = self.settings.mention_pages.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().pop().extend(path);
        Some(url)
    }
}
