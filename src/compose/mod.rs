//! The words of every mail. Nothing else in mentiond words one.
//!
//! Pure: values in, a [`model::Email`](crate::model::Email) out. `daemon` calls it when a delivery is due; `mail`
//! encodes and sends what comes out. What people read stands in `words/` (one catalogue a language) and `templates/`
//! (one HTML and one text template a kind of mail); the files here decide what is shown.
//!
//! Everything from a feed is a stranger's: it is cleaned (`clean`), escaped (the templates' HTML autoescape), its
//! links are shown as they open (`link`), and copies and subjects have personal data masked (`mask`). No mail loads
//! anything remote, and a subject never holds a line end.

mod answer;
mod bundle;
mod chart;
mod clean;
mod digest;
mod dossier;
mod draft;
mod excerpt;
mod headers;
mod input;
mod letter;
mod link;
mod listing;
mod mask;
mod mention;
mod page;
mod page_links;
mod quote;
mod reasons;
mod report;
mod sign_in;
mod trouble;
mod warning;
mod words;

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;
use url::Url;

pub use digest::DigestInput;
pub use draft::{
    Draft, DraftInput, DraftProblem, DraftTemplate, Drafts, MAX_DRAFT, PLACEHOLDERS, is_answered, looks_like_a_name,
};
pub use input::{
    Actions, AlertInput, AlsoSeen, AnswerInput, BundleInput, BundleItem, CaseInput, DossierInput, DossierPost, Earlier,
    Later, NoticeInput, Perk, Reader, RefundAdvice, SignInInput, Similar, Story, Trouble, TroubleInput, WarningInput,
    Watchlist,
};
pub use report::ReportInput;

pub use page::Phrases;
pub use words::{About, words_about};

use crate::model::{Email, Mention, Privacy};
use clean::clean_line;
use mask::{Masker, fold};
use words::{Catalogue, FILES};

/// Characters of a subject's title; the whole subject then fits what mail programs show.
const SUBJECT_TITLE: usize = 64;
/// Characters of a name (brand, source, department) in a subject or heading.
const NAME: usize = 40;

/// What holds for every mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeSettings {
    /// Below it stands each mention's page, `<mention_pages>/<number>`; `None` if no pages are served.
    pub mention_pages: Option<Url>,
    /// Domain of the sender's address: the name space of `List-Id`.
    pub sender_domain: String,
    /// Whom a reader writes to with questions or complaints about the mails.
    pub contact: Option<String>,
    /// What a department could answer.
    pub drafts: Drafts,
    /// Names of those who work here: personal data in what is written about one of them.
    pub employees: Vec<String>,
}

/// Words mails. Its templates are parsed once, with the first mail: most rounds have none.
#[derive(Debug)]
pub struct Composer {
    settings: ComposeSettings,
    templates: LazyLock<Environment<'static>>,
}

impl Composer {
    pub fn new(settings: ComposeSettings) -> Self {
        Self { settings, templates: LazyLock::new(templates) }
    }

    /// True if mails can be worded in this language (a region is ignored: `es-MX` is Spanish).
    pub fn speaks(language: &str) -> bool {
        FILES.iter().any(|(code, _)| *code == base(language))
    }

    /// To a watchlist's subscriber: your brand was mentioned.
    pub fn alert(&self, input: &AlertInput<'_>) -> Email {
        mention::alert(self, input)
    }

    /// To the owner department: this mention is yours. With `copy`, to one that should know, personal data masked.
    pub fn notice(&self, input: &NoticeInput<'_>) -> Email {
        mention::notice(self, input)
    }

    /// About a case: overdue, asked, back, handed over.
    pub fn case(&self, input: &CaseInput<'_>) -> Email {
        letter::letter(self, input)
    }

    /// What the owner department could answer, for the notice and the page; `None` if such posts get no answer.
    pub fn draft(&self, input: &DraftInput<'_>) -> Option<Draft> {
        draft::draft(self, input)
    }

    /// To the owner of a theme: what these people have in common, and what is known of it.
    pub fn dossier(&self, input: &DossierInput<'_>) -> Email {
        dossier::dossier(self, input)
    }

    /// Something about a brand is out of the ordinary. Personal data is masked.
    pub fn warning(&self, input: &WarningInput<'_>) -> Email {
        warning::warning(self, input)
    }

    /// Alerts that piled up for one recipient, as one mail.
    pub fn bundle(&self, input: &BundleInput<'_>) -> Email {
        bundle::bundle(self, input)
    }

    /// Collected mail: a digest, the report before a meeting, how things stand. Personal data is masked.
    pub fn digest(&self, input: &DigestInput<'_>) -> Email {
        digest::digest(self, input)
    }

    /// A report about a period as one page that loads nothing, and prints well. Personal data is masked.
    pub fn report_page(&self, input: &ReportInput<'_>) -> String {
        report::report(self, input, "report.html")
    }

    /// The same as Markdown (CommonMark).
    pub fn report_markdown(&self, input: &ReportInput<'_>) -> String {
        report::report(self, input, "report.md")
    }

    /// To the operator: a source or the way of the mail is in trouble, or no longer is.
    pub fn trouble(&self, input: &TroubleInput<'_>) -> Email {
        trouble::trouble(self, input)
    }

    /// To whoever asked to be signed in to the pages.
    pub fn sign_in(&self, input: &SignInInput<'_>) -> Email {
        sign_in::sign_in(self, input)
    }

    /// To who replied by mail: nothing was done, and why.
    pub fn answer(&self, input: &AnswerInput<'_>) -> Email {
        answer::answer(self, input)
    }

    fn words(&self, language: &str) -> &Catalogue {
        self.words_for(language, About::Mention)
    }

    /// The words for a mention or a customer, or for a theme's case.
    fn words_for(&self, language: &str, about: About) -> &Catalogue {
        words::catalogue(base(language), about)
    }

    /// What hides the personal data of a mention.
    fn masker<'w>(&self, words: &'w Catalogue, mention: &'w Mention) -> Masker<'w> {
        let mut masker = quote::masker(words, mention);
        if mention.decision.privacy == Privacy::Staff {
            // Only those who are named: a mail has room for so many names.
            let said = fold(&format!("{} {}", mention.entry.title, mention.entry.text));
            let is_named = |name: &&String| fold(name).split_whitespace().any(|word| said.contains(word));
            self.settings.employees.iter().filter(is_named).for_each(|name| masker.learn_name(name));
        }
        masker
    }

    /// Lines at the foot that every kind has: where to ask, and whether the mail may be a second one.
    fn foot(&self, words: &Catalogue, why: String, possible_duplicate: bool) -> Vec<String> {
        let mut foot = vec![why];
        if let Some(contact) = &self.settings.contact {
            foot.push(words::fill(&words.foot.contact, &[("contact", &clean_line(contact))]));
        }
        if possible_duplicate {
            foot.push(words.foot.duplicate.clone());
        }
        foot
    }

    /// Renders both parts. `view` is what the templates call `m`.
    fn email(
        &self,
        template: &str,
        words: &Catalogue,
        subject: String,
        view: &impl Serialize,
        headers: headers::Headers,
    ) -> Email {
        let subject = one_line(subject);
        let values = context! { m => Value::from(Serde(view)), w => words.labels.clone(), lang => words.code.as_str(), subject => subject.as_str() };
        Email {
            text: self.render(&format!("{template}.txt"), &values),
            html: self.render(&format!("{template}.html"), &values),
            subject,
            headers: headers.into_vec(),
            pictures: Vec::new(),
        }
    }

    #[expect(clippy::expect_used, reason = "templates are built in, and tests render every one")]
    fn render(&self, name: &str, values: &Value) -> String {
        let template = self.templates.get_template(name).expect("the template is built in");
        template.render(values).expect("a built-in template renders every view of its kind")
    }
}

/// HTML's five characters (HTML Standard §13.3), for mails and pages. The engine's own escape also takes `/`, and an address that people
/// or filters look for in the source would not be found.
pub fn escape(out: &mut minijinja::Output<'_>, text: &str) -> Result<(), minijinja::Error> {
    // Most of what is shown needs none.
    if !text.bytes().any(|byte| escaped(byte).is_some()) {
        return Ok(out.write_str(text)?);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    escape_into(&mut escaped, text);
    Ok(out.write_str(&escaped)?)
}

/// [`escape`], into a text.
fn escape_into(out: &mut String, text: &str) {
    let mut from = 0;
    for (i, byte) in text.bytes().enumerate() {
        let Some(with) = escaped(byte) else { continue };
        out.push_str(&text[from..i]);
        out.push_str(with);
        from = i + 1;
    }
    out.push_str(&text[from..]);
}

fn escaped(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#39;",
        _ => return None,
    })
}

/// A last look at a subject: whatever went into it, it is one line of visible characters.
fn one_line(subject: String) -> String {
    if subject.chars().any(char::is_control) { clean_line(&subject) } else { subject }
}

fn base(language: &str) -> &str {
    language.split(['-', '_']).next().unwrap_or(language)
}

#[expect(clippy::expect_used, reason = "templates are built in, and tests parse every one")]
fn templates() -> Environment<'static> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(syntax.expect("the default delimiters differ"));
    // A misspelt name is an error, never an empty place.
    env.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    env.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() && matches!(state.auto_escape(), AutoEscape::Html) => escape(out, text),
        _ => minijinja::escape_formatter(out, state, value),
    });
    env.add_filter("wrap", |text: &str, prefix: &str| excerpt::wrap(text, prefix, 76));
    env.add_filter("item", |text: &str| {
        let lines = excerpt::wrap(text, "  ", 74);
        format!("* {}", lines.strip_prefix("  ").unwrap_or(&lines))
    });
    env.add_filter("md", report::markdown);
    // White text on these has at least 4.5:1 (WCAG 2.2 §1.4.3); on the yellow of `medium` the ink is dark.
    env.add_global(
        "colour",
        context! { critical => "#991b1b", high => "#c2410c", medium => "#f2c230", low => "#8a94a0", good => "#15803d" },
    );
    env.add_global("ink", context! { critical => "#ffffff", high => "#ffffff", medium => "#1c2430" });
    for (name, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("parts.html", include_str!("templates/parts.html")),
        ("mention.html", include_str!("templates/mention.html")),
        ("mention.txt", include_str!("templates/mention.txt")),
        ("case.html", include_str!("templates/case.html")),
        ("case.txt", include_str!("templates/case.txt")),
        ("bundle.html", include_str!("templates/bundle.html")),
        ("bundle.txt", include_str!("templates/bundle.txt")),
        ("sign-in.html", include_str!("templates/sign-in.html")),
        ("sign-in.txt", include_str!("templates/sign-in.txt")),
        ("dossier.html", include_str!("templates/dossier.html")),
        ("dossier.txt", include_str!("templates/dossier.txt")),
        ("warning.html", include_str!("templates/warning.html")),
        ("warning.txt", include_str!("templates/warning.txt")),
        ("digest.html", include_str!("templates/digest.html")),
        ("digest.txt", include_str!("templates/digest.txt")),
        ("report.html", include_str!("templates/report.html")),
        ("report.md", include_str!("templates/report.md")),
        ("trouble.html", include_str!("templates/trouble.html")),
        ("trouble.txt", include_str!("templates/trouble.txt")),
    ] {
        env.add_template(name, source).expect("a built-in template parses");
    }
    env
}

#[cfg(test)]
mod collected_samples;
#[cfg(test)]
mod collected_tests;
#[cfg(test)]
mod letter_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
